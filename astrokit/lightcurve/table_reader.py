"""What the columns of a table mean: text, CSV and ECSV files."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrokit.boundary import as_scalar
from astrokit.errors import ReadError, UnitError

from . import gti as intervals
from .assemble import RawColumns, assemble
from .info import LightCurveInfo, canonical_unit, time_unit_factor
from .lightcurve import LightCurve
from .options import ReadOptions
from .report import ReportBuilder
from .text_table import TextTable, parse_text

__all__ = ["column_of", "read_text"]

Array = NDArray[np.float64]

# Names are compared in lower case, without brackets of units and without _ - and blanks.
ROLES = {
    "time": ("time", "t", "mjd", "hjd", "bjd", "jd", "date", "tstart", "tmid", "bjdtdb", "btjd"),
    "rate": (
        "rate", "countrate", "rate1", "cr", "flux", "pdcsapflux", "sapflux", "correctedflux",
        "y", "x", "counts", "mag", "magnitude", "m", "vmag", "brightness", "value",
    ),
    "exposure": ("fracexp", "frac", "exposurefraction", "fractionalexposure", "exposure"),
}  # fmt: skip
_ERRORS_OF = (
    "{0}err", "{0}error", "err{0}", "error{0}", "e{0}", "d{0}", "sigma{0}", "sig{0}", "{0}unc",
)  # fmt: skip
_GENERAL_ERRORS = ("error", "err", "dy", "e", "sigma", "uncertainty", "unc", "yerr", "rateerr")
_MAGNITUDES = ("mag", "magnitude", "vmag")
# Columns that tell apart the curves of a table with several.
_KEYS = ("object", "filter", "band", "source", "name", "masterid", "target", "telescope", "id")


@dataclass(frozen=True)
class TextTime:
    """Unit and reference of a time column of text."""

    unit: str
    mjdref: float | None
    scale: float = 1.0


def read_text(content: bytes, options: ReadOptions, report: ReportBuilder) -> LightCurve:
    """Return the light curve that a text file holds.

    Raises
    ------
    ReadError
        If the columns cannot be told, or rows belong to several curves.
    """
    options.refuse(
        "a text table",
        *("bin_size", "energy_range", "channel_range", "hdu", "band", "quality_mask"),
    )
    table = parse_text(content)
    report.note(format=table.kind, rows_read=table.n_rows)
    keep = _selected(table, options, report)
    time_index = _index(table, options.time_column, "time")
    rate_index = _index(table, options.rate_column, "rate", taken=(time_index,))
    error_index = _error_index(table, options, time_index, rate_index)
    _require_plain(table, options, (time_index, rate_index, error_index), keep)
    exposure_index = _exposure_index(table, options)
    _note_columns(table, time_index, rate_index, error_index, exposure_index, report)

    times = table.values(time_index)[keep]
    frame = _time_frame(table.names[time_index], times, options, report)
    zero = 0.0
    if options.timezero is not None:
        zero = as_scalar(options.timezero, "timezero", unit=frame.unit)
    unit = _rate_unit(table, rate_index, options, report)
    raw = RawColumns(
        times * frame.scale + zero,
        table.values(rate_index)[keep],
        None if error_index is None else table.values(error_index)[keep],
        keeps_filled=True,
        is_counts=unit == "ct",
    )
    if exposure_index is not None:
        raw.exposure = _fractions(table, exposure_index, keep, raw, frame, options, report)
    _qdp_details(table, raw, keep, frame, report)
    info = LightCurveInfo(
        time_unit=frame.unit,
        rate_unit=f"ct / {frame.unit}" if unit == "ct" else unit,
        mjdref=frame.mjdref,
        time_system=(options.time_system or "").upper(),
        timezero=zero,
    ).replace(**_origin(options))
    report.note(
        time_unit=frame.unit,
        mjdref=frame.mjdref,
        time_system=info.time_system,
        timezero=info.timezero,
        timepixr=0.5 if options.timepixr is None else float(options.timepixr),
        timepixr_reason="text files do not say; taken as bin centres"
        if options.timepixr is None
        else "given by the user",
    )
    gti = None
    if options.gti is not None and options.gti is not False:
        gti = intervals.merge(options.gti, unit=frame.unit)
        report.note(gti_source="given by the user")
    return assemble(raw, gti, info, options, report)


def _plain(name: str) -> str:
    return re.sub(r"[\[(].*?[\])]|[\s_\-.]", "", name.strip().lower())


def column_of(names: list[str], role: str) -> int | None:
    """Return the first column whose name is one of those of `role`; None if there is none.

    Examples
    --------
    >>> from astrokit.lightcurve.table_reader import column_of
    >>> column_of(["MasterID", "Mag", "Magerr", "MJD"], "time")
    3
    """
    plain = [_plain(name) for name in names]
    for candidate in ROLES[role]:
        if candidate in plain:
            return plain.index(candidate)
    if role == "time":
        # "BJD - 2454833", "HJD-2450000"
        found = [i for i, name in enumerate(plain) if re.match(r"^[bhm]?jd", name)]
        return found[0] if found else None
    return None


def _index(
    table: TextTable, wanted: str | int | None, role: str, taken: tuple[int, ...] = ()
) -> int:
    if wanted is not None:
        return _named(table, wanted, role)
    if table.has_header:
        found = column_of(table.names, role)
        if found is not None and found not in taken:
            return found
    elif table.n_rows and 2 <= len(table.names) <= 3:
        return {"time": 0, "rate": 1}[role]
    raise ReadError(
        f"it is not clear which column holds the {role}",
        value=", ".join(table.names) if table.has_header else f"{len(table.names)} without names",
        hint=f"pass {role}_column= as a name, or as a number from 0",
    )


def _named(table: TextTable, wanted: str | int, role: str) -> int:
    if isinstance(wanted, int):
        if 0 <= wanted < len(table.names):
            return wanted
    else:
        plain = [_plain(name) for name in table.names]
        exact = [name.strip() for name in table.names]
        if wanted in exact:
            return exact.index(wanted)
        if _plain(wanted) in plain:
            return plain.index(_plain(wanted))
    raise ReadError(
        f"{role}_column is not there",
        value=wanted,
        allowed=", ".join(table.names) if table.has_header else f"0 to {len(table.names) - 1}",
    )


def _error_index(table: TextTable, options: ReadOptions, time: int, rate: int) -> int | None:
    if options.no_errors:
        return None
    if options.error_column is not None:
        return _named(table, options.error_column, "error")
    if not table.has_header:
        return 2 if len(table.names) == 3 and {time, rate} == {0, 1} else None
    plain = [_plain(name) for name in table.names]
    base = plain[rate]
    for candidate in [name.format(base) for name in _ERRORS_OF] + list(_GENERAL_ERRORS):
        if candidate in plain and plain.index(candidate) not in (time, rate):
            return plain.index(candidate)
    return None


def _exposure_index(table: TextTable, options: ReadOptions) -> int | None:
    if options.exposure_column is not None:
        return _named(table, options.exposure_column, "exposure")
    return column_of(table.names, "exposure") if table.has_header else None


def _note_columns(
    table: TextTable,
    time: int,
    rate: int,
    error: int | None,
    exposure: int | None,
    report: ReportBuilder,
) -> None:
    for role, index in (("time", time), ("rate", rate), ("error", error), ("exposure", exposure)):
        if index is not None:
            report.columns[role] = table.names[index].strip() or f"number {index}"
    if not table.has_header:
        report.assume("the file has no header: columns are time, rate, error in this order")
    if error is None:
        report.assume("no error column: the light curve has no errors")
    if table.n_short:
        report.assume(f"{table.n_short} rows are shorter than the others; their end is empty")


def _selected(table: TextTable, options: ReadOptions, report: ReportBuilder) -> NDArray[np.bool_]:
    keep = np.ones(table.n_rows, dtype=bool)
    for name, value in (options.select or {}).items():
        index = _named(table, name, "select")
        cells = table.text(index)
        matches = np.array([_equal(cell, value) for cell in cells])
        if not matches.any():
            raise ReadError(
                f"no row has {name} = {value!r}",
                allowed=", ".join(sorted(set(cells))[:12]),
            )
        keep &= matches
    if not keep.any():
        raise ReadError("no row fulfils all conditions of select", value=dict(options.select or {}))
    report.drop("not selected", int(np.sum(~keep)))
    return keep


def _equal(cell: str, value: object) -> bool:
    if cell == str(value):
        return True
    try:
        return float(cell) == float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


def _require_plain(
    table: TextTable,
    options: ReadOptions,
    used: tuple[int | None, ...],
    keep: NDArray[np.bool_],
) -> None:
    """Refuse rows of several objects or filters: a mixture is no light curve."""
    if options.select is not None and not options.select:
        return
    rows = np.flatnonzero(keep)
    for index, name in enumerate(table.names):
        if index in used or not (_plain(name) in _KEYS or not table.is_numeric(index)):
            continue
        if _plain(name) not in _KEYS and table.has_header:
            continue
        cells = table.text(index)
        kinds = sorted({cells[row] for row in rows})
        # Numbers that differ in every row count the rows.
        counts_rows = _plain(name) == "id" and len(kinds) == len(rows)
        if len(kinds) > 1 and not counts_rows:
            label = name.strip() or index
            raise ReadError(
                f"the rows belong to {len(kinds)} curves: column {label!r} differs",
                value=", ".join(kinds[:12]),
                hint=f"pass select={{{label!r}: {kinds[0]!r}}}, or select={{}} for all rows",
            )


def _time_frame(name: str, times: Array, options: ReadOptions, report: ReportBuilder) -> TextTime:
    known = times[np.isfinite(times)]
    guess = _guess_time(name, known)
    unit, scale = guess.unit, 1.0
    if options.time_unit is not None:
        given = canonical_unit(options.time_unit, "time_unit")
        unit = given if given in ("s", "d") else "s"
        scale = time_unit_factor(given, unit)
    mjdref = (
        guess.mjdref if options.mjdref is None else as_scalar(options.mjdref, "mjdref", unit="d")
    )
    if options.time_unit is None and not _says_days(name):
        looks = "they look like MJD or Julian dates" if guess.unit == "d" else "no unit is stated"
        report.assume(f"times are in {'days' if unit == 'd' else 'seconds'}: {looks}")
    elif options.time_unit is not None and unit == "s" and options.mjdref is None:
        mjdref = None
    if mjdref is None:
        report.assume("no reference of time: pass mjdref= if it is known")
    return TextTime(unit, mjdref, scale)


def _says_days(name: str) -> bool:
    return bool(re.search(r"jd|day|\[d\]|\(d\)", name.lower()))


def _guess_time(name: str, times: Array) -> TextTime:
    """Guess unit and reference by the name of the column, then by the values."""
    lower = name.lower()
    offset = re.search(r"-\s*(2\d{6}(?:\.\d+)?)", lower)
    if offset:
        return TextTime("d", float(offset.group(1)) - 2400000.5)
    low, high = (float(times.min()), float(times.max())) if times.size else (0.0, 0.0)
    if "mjd" in lower:
        return TextTime("d", 0.0 if low > 10000 else None)
    if re.search(r"[bh]?jd", lower):
        return TextTime("d", -2400000.5 if low > 2.0e6 else None)
    if low > 2.4e6 and high < 2.5e6:
        return TextTime("d", -2400000.5)
    # Between 1941 and 2105, and an observation in seconds does not begin there by chance.
    if low > 30000 and high < 90000:
        return TextTime("d", 0.0)
    return TextTime("d" if _says_days(name) else "s", None)


def _rate_unit(table: TextTable, rate: int, options: ReadOptions, report: ReportBuilder) -> str:
    if options.rate_unit is not None:
        return canonical_unit(options.rate_unit, "rate_unit")
    name = table.names[rate]
    bracket = re.search(r"[\[(](.+?)[\])]", name)
    if bracket:
        try:
            return canonical_unit(bracket.group(1))
        except UnitError:
            report.assume(f"the unit {bracket.group(1)!r} is not understood")
    plain = _plain(name)
    if plain in _MAGNITUDES:
        report.assume(f"column {name.strip()} holds magnitudes, which are no rates (unit mag)")
        return "mag"
    if plain == "counts":
        return "ct"
    if plain in ("rate", "countrate", "cr", "rate1") and table.kind != "QDP":
        report.assume("rates are taken as counts per second")
        return "ct / s"
    report.assume("the unit of the rates is not stated (rate_unit='mag' for magnitudes)")
    return ""


def _fractions(
    table: TextTable,
    index: int,
    keep: NDArray[np.bool_],
    raw: RawColumns,
    frame: TextTime,
    options: ReadOptions,
    report: ReportBuilder,
) -> Array:
    """Return exposure fractions; a column of exposure times is divided by the bin width."""
    values = table.values(index)[keep]
    if np.nanmax(values) <= 1 + 1e-5:
        return values
    if options.bin_width is not None:
        width = as_scalar(options.bin_width, "bin_width", unit=frame.unit, positive=True)
    else:
        order = np.sort(raw.time[np.isfinite(raw.time)])
        width = float(np.median(np.diff(order))) if len(order) > 1 else float("nan")
    seconds = width * time_unit_factor(frame.unit, "s")
    if not np.nanmax(values) <= seconds * (1 + 1e-6):
        report.assume(
            f"column {table.names[index].strip()} was not used: its values are neither fractions "
            "nor seconds within a bin"
        )
        report.columns.pop("exposure", None)
        return np.ones(len(values))
    report.assume(f"exposure times were divided by the bin width of {seconds:g} s")
    return values / seconds


def _qdp_details(
    table: TextTable,
    raw: RawColumns,
    keep: NDArray[np.bool_],
    frame: TextTime,
    report: ReportBuilder,
) -> None:
    """Take bin widths and two-sided errors from what QDP calls errors."""
    if table.kind != "QDP":
        return
    names = table.names
    if {"time_plus", "time_minus"} <= set(names):
        plus = np.abs(table.values(names.index("time_plus"))[keep]) * frame.scale
        minus = np.abs(table.values(names.index("time_minus"))[keep]) * frame.scale
        raw.time = raw.time + (plus - minus) / 2
        raw.width = plus + minus
        report.note(bin_width_reason="errors of the time (QDP)")
    elif "time_err" in names:
        raw.width = 2 * np.abs(table.values(names.index("time_err"))[keep]) * frame.scale
        report.note(bin_width_reason="errors of the time (QDP)")
    if raw.error is None and {"rate_plus", "rate_minus"} <= set(names):
        sides = [np.abs(table.values(names.index(n))[keep]) for n in ("rate_plus", "rate_minus")]
        raw.error = (sides[0] + sides[1]) / 2
        report.columns["error"] = "rate_plus, rate_minus"
        report.assume("two-sided errors were averaged")


def _origin(options: ReadOptions) -> dict[str, str]:
    """Name object and band after what was selected."""
    found: dict[str, str] = {}
    for key, value in (options.select or {}).items():
        plain = _plain(str(key))
        if plain in ("object", "source", "name", "target"):
            found["object"] = str(value)
        elif plain in ("filter", "band") or isinstance(key, int):
            found["band"] = str(value)
    return found
