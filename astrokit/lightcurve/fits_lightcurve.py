"""FITS light curves: from an opened table to columns; event lists go on to `fits_events`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from astrokit.errors import ReadError, UnitError
from astrokit.untrusted import open_fits

from .assemble import RawColumns, assemble
from .ecsv_reader import note_native
from .fits_events import read_events
from .fits_info import info_of
from .fits_reader import (
    DAMAGE,
    RATE_COLUMNS,
    FitsTable,
    cells,
    column_number,
    find_column,
    open_fits_table,
    read_gti,
)
from .fits_time import header_value, number_of, timepixr_of
from .info import canonical_unit
from .lightcurve import LightCurve
from .native import restore
from .options import ReadOptions
from .report import ReportBuilder
from .writers import FITS_NAMES

__all__ = ["read_fits"]

Array = NDArray[np.float64]


def read_fits(
    content: bytes, options: ReadOptions, report: ReportBuilder, *, plain: bool
) -> LightCurve:
    """Return the light curve that the bytes of a FITS file hold.

    Parameters
    ----------
    content : bytes
    options : ReadOptions
    report : ReportBuilder
    plain : bool
        True if the user gave no override; only then a file of ours is restored as it was.

    Raises
    ------
    ReadError
        If the file holds neither rates nor events, or cannot be understood without overrides.
    """
    import warnings

    from astropy.utils.exceptions import AstropyWarning

    with warnings.catch_warnings(), _opened(content) as hdulist:
        # Units such as "BJD - 2454833" or "chan" are no fault of the reader.
        warnings.simplefilter("ignore", AstropyWarning)
        hdus = list(hdulist)
        if plain and len(hdus) > 2 and "AKINFO" in hdus[1].header:
            return _restored(hdus, report)
        table = open_fits_table(hdus, options, report)
        report.note(rows_read=len(table.hdu.data))
        if len(table.hdu.data) == 0:
            raise ReadError(f"the table in HDU {table.label} has no rows", value=0)
        if table.is_events:
            return read_events(table, options, report)
        return _read_rates(table, options, report)


def _opened(content: bytes) -> Any:
    """Return the opened HDU list; a file that was cut off is refused, not read in part."""
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            hdulist = open_fits(content, "the FITS file", lazy_load_hdus=False)
            for hdu in hdulist:
                # Headers are parsed on first use: use them here, where damage is expected.
                is_table = hdu.name is not None and hasattr(type(hdu), "columns")
                _ = is_table and (hdu.columns.names, len(hdu.data))
        except ReadError:
            raise
        except DAMAGE as error:
            reason = f"{type(error).__name__}: {error}"
            raise ReadError("the FITS file is damaged", value=reason) from error
    if any("truncated" in str(remark.message) for remark in caught):
        hdulist.close()
        raise ReadError(
            "the FITS file ends before its data do",
            value=f"{len(content)} bytes",
            hint="copy or download it again",
        )
    return hdulist


def _restored(hdus: list[Any], report: ReportBuilder) -> LightCurve:
    """Return the light curve of a file that astrokit wrote, bit by bit."""
    names = {fits_name: name for name, fits_name in FITS_NAMES.items()}
    try:
        rates, good = hdus[1].data, hdus[2].data
        columns = {
            names[name]: np.asarray(rates[name]) for name in rates.columns.names if name in names
        }
        gti = np.column_stack([np.asarray(good["START"]), np.asarray(good["STOP"])])
        description = str(hdus[1].header["AKINFO"])
        lc = restore(columns, description, gti)
    except DAMAGE as error:
        reason = f"{type(error).__name__}: {error}"
        raise ReadError("the FITS file is damaged", value=reason) from error
    report.note(hdu="1 (RATE)")
    note_native(lc, report, "FITS light curve written by astrokit", len(rates))
    return lc


def _read_rates(table: FitsTable, options: ReadOptions, report: ReportBuilder) -> LightCurve:
    report.note(format="FITS light curve")
    options.refuse("a light curve", "bin_size", "energy_range", "channel_range", "select")
    rate_column = _rate_column(table, options, report)
    rate = _vector_element(table, rate_column, options)
    if options.band is not None and table.column(rate_column).ndim == 1:
        options.refuse(f"a light curve with one value of {rate_column} per row", "band")
    error_column = _error_column(table, rate_column, options)
    exposure_column = _named(table, options.exposure_column) or find_column(
        table.hdu, ("FRACEXP", "FRACEXP1", "EXPFRAC")
    )
    frame = table.frame
    raw = RawColumns(
        table.column(table.time_column) * frame.scale + frame.zero,
        rate,
        None if error_column is None else _vector_element(table, error_column, options),
        None if exposure_column is None else _vector_element(table, exposure_column, options),
        is_counts=_holds_counts(table, rate_column, options),
    )
    report.columns |= {
        role: name
        for role, name in (
            ("rate", rate_column if options.band is None else f"{rate_column}[{options.band}]"),
            ("error", error_column),
            ("exposure", exposure_column),
        )
        if name
    }
    if error_column is None and not options.no_errors and not raw.is_counts:
        report.assume("no error column: the light curve has no errors")
    raw.width = None if options.bin_width is not None else _bin_widths(table, report)
    raw.flagged = _flagged(table, options, report)
    timepixr, reason = timepixr_of(
        table.header, table.primary.header, table.mission, frame, options
    )
    report.note(timepixr=timepixr, timepixr_reason=reason)
    info = info_of(table, options, _rate_unit(table, rate_column, raw, options, report))
    gti = read_gti(table, options, report)
    return assemble(raw, gti, info, options, report)


def _named(table: FitsTable, column: str | int | bool | None) -> str | None:
    """Return the column that an override names, checked to exist."""
    if column is None or column is False:
        return None
    names = table.hdu.columns.names
    if isinstance(column, int):
        return column_number(table.hdu, column)
    actual = find_column(table.hdu, (str(column),))
    if actual is None:
        raise ReadError(
            f"the table has no column {column!r}",
            value=", ".join(names),
            hint="name one of these columns",
        )
    return actual


def _rate_column(table: FitsTable, options: ReadOptions, report: ReportBuilder) -> str:
    named = _named(table, options.rate_column)
    if named is not None:
        return named
    candidates = (*table.mission.rate_columns, *RATE_COLUMNS)
    found = list(dict.fromkeys(c for c in candidates if table.has(c)))
    if not found:
        raise ReadError(
            f"HDU {table.label} has no column of rates",
            value=", ".join(table.hdu.columns.names),
            hint="pass rate_column=",
        )
    others = [name for name in found[1:] if name.upper().endswith("FLUX")]
    if others:
        report.assume(f"rates are {found[0]}; {', '.join(others)} also there (see rate_column=)")
    return str(find_column(table.hdu, found))


def _error_column(table: FitsTable, rate: str, options: ReadOptions) -> str | None:
    if options.no_errors:
        return None
    named = _named(table, options.error_column)
    if named is not None:
        return named
    base = rate.upper()
    names = [f"{base}_ERR", f"{base}_ERROR", f"{base}ERR", f"ERR_{base}", f"E_{base}"]
    if base in ("RATE", "COUNTS", "COUNT", "FLUX"):
        names += ["ERROR", "ERR", "STAT_ERR"]
    if base == "RATE1":
        names += ["ERROR1"]
    return find_column(table.hdu, names)


def _vector_element(table: FitsTable, name: str, options: ReadOptions) -> Array:
    """Return a column, or one band of a vector column."""
    values = table.column(name)
    if values.ndim == 1:
        return values
    bands = values.shape[1]
    if values.ndim > 2:
        raise ReadError(
            f"the column {name!r} holds an image per row",
            value=f"shape {values.shape}",
            hint="do photometry first",
        )
    if bands == 1:
        return np.ascontiguousarray(values[:, 0])
    if options.band is None or not 0 <= options.band < bands:
        raise ReadError(
            f"the column {name!r} holds {bands} bands per row",
            value=f"band={options.band}",
            hint=f"pass band=0 to band={bands - 1}",
        )
    return np.ascontiguousarray(values[:, options.band])


def _holds_counts(table: FitsTable, rate: str, options: ReadOptions) -> bool:
    unit = options.rate_unit if options.rate_unit is not None else table.unit(rate)
    if unit is not None:
        return _unit_or_empty(str(unit)) == "ct"
    return rate.upper() in ("COUNTS", "COUNT")


def _unit_or_empty(text: str) -> str:
    try:
        return canonical_unit(text)
    except UnitError:
        return ""


def _rate_unit(
    table: FitsTable, rate: str, raw: RawColumns, options: ReadOptions, report: ReportBuilder
) -> str:
    if raw.is_counts:
        return "ct / s" if table.frame.unit == "s" else "ct / d"
    if options.rate_unit is not None:
        return canonical_unit(options.rate_unit, "rate_unit")
    text = table.unit(rate)
    unit = _unit_or_empty(text or "")
    if not unit:
        said = f"unit {text!r} of {rate} is not understood" if text else f"{rate} has no unit"
        report.assume(f"{said}: the unit of the rates is unknown (see rate_unit=)")
    return unit


def _bin_widths(table: FitsTable, report: ReportBuilder) -> Array | None:
    if table.has("TIMEDEL"):
        report.note(bin_width_reason="column TIMEDEL")
        return _all_positive(_in_time_unit(table, "TIMEDEL"), "TIMEDEL")
    if table.has("XAX_E"):
        report.note(bin_width_reason="column XAX_E (half widths)")
        return _all_positive(2.0 * table.column("XAX_E") * table.frame.scale, "XAX_E")
    value = header_value("TIMEDEL", table.header)
    delta = 0.0 if value is None else number_of(value, "TIMEDEL", hint="pass bin_width=")
    if delta > 0:
        width = delta * table.frame.keyword_scale
        report.note(bin_width_reason=f"TIMEDEL, {width:.8g} {table.frame.unit}")
        return np.full(len(table.hdu.data), width)
    return None


def _all_positive(widths: Array, name: str) -> Array:
    bad = np.flatnonzero(~(widths > 0))
    if bad.size:
        raise ReadError(
            f"{bad.size} of {len(widths)} bin widths in column {name} are not > 0",
            value=f"{widths[bad[0]]} in row {bad[0]}",
            hint="pass bin_width= if all bins are equally wide",
        )
    return widths


def _in_time_unit(table: FitsTable, name: str) -> Array:
    from .info import time_unit_factor

    unit = _unit_or_empty(table.unit(name) or "")
    scale = time_unit_factor(unit, table.frame.unit) if unit else table.frame.keyword_scale
    return table.column(name) * scale


def _flagged(
    table: FitsTable, options: ReadOptions, report: ReportBuilder
) -> NDArray[np.bool_] | None:
    column = find_column(table.hdu, table.mission.quality_column or ("QUALITY", "SAP_QUALITY"))
    mask = table.mission.quality_mask if options.quality_mask is None else options.quality_mask
    if column is None:
        if options.quality_mask:
            raise ReadError(
                "there is no quality column for quality_mask",
                value=", ".join(table.hdu.columns.names),
            )
        return None
    bits = cells(table.hdu, column).astype(np.int64)
    if not mask:
        if options.quality_mask is None and bits.any():
            report.assume(
                f"column {column} was not used, since what its bits mean is not known here; "
                f"{int(np.sum(bits != 0))} rows have some set (see quality_mask=)"
            )
        return None
    report.columns["quality"] = column
    if options.quality_mask is None:
        report.assume(
            f"rows with any of the {table.mission.name} quality bits {mask} are invalid "
            "(quality_mask=0 keeps them)"
        )
    return (bits & mask) != 0
