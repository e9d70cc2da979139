"""FITS: find the table, its columns and its good time intervals; hand back plain arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.io.fits.verify import VerifyError
from numpy.typing import NDArray

from astrokit.errors import ReadError

from . import gti as intervals
from .fits_time import TimeFrame, frame_of, header_value, require_same_frame
from .info import time_unit_factor
from .missions import Mission, mission_of
from .options import ReadOptions
from .report import ReportBuilder

__all__ = [
    "DAMAGE",
    "FitsTable",
    "cells",
    "column_number",
    "find_column",
    "open_fits_table",
    "read_gti",
]

Array = NDArray[np.float64]

# What astropy raises when header and data of a file contradict each other.
DAMAGE = (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, VerifyError)

RATE_COLUMNS = ("RATE", "RATE1", "FLUX", "SAP_FLUX", "PDCSAP_FLUX", "COUNTS", "COUNT")
TIME_COLUMNS = ("TIME", "TIME1", "BARYTIME", "MJD", "BJD", "HJD")
EVENT_COLUMNS = (
    "PI", "PHA", "ENERGY", "CHANNEL", "EVENT", "PCUID", "RAWX", "X", "DETX", "CCDNR",
)  # fmt: skip


@dataclass(frozen=True)
class FitsTable:
    """One table of a FITS file with its surroundings.

    Attributes
    ----------
    hdu, primary : astropy HDUs
    hdus : list
        All HDUs of the file.
    label : str
        Number and name, for messages.
    is_events : bool
        True for a list of photons.
    mission : Mission
    frame : TimeFrame
    time_column : str
    """

    hdu: Any
    primary: Any
    hdus: list[Any]
    label: str
    is_events: bool
    mission: Mission
    frame: TimeFrame
    time_column: str

    @property
    def header(self) -> Any:
        """Header of the table."""
        return self.hdu.header

    def has(self, name: str | None) -> bool:
        """Return whether the table has a column of this name, whatever the case."""
        return name is not None and find_column(self.hdu, (name,)) is not None

    def column(self, name: str) -> Array:
        """Return a column as native float64, TNULL values as NaN.

        Raises
        ------
        ReadError
            If the column is missing or holds no numbers.
        """
        actual = find_column(self.hdu, (name,))
        if actual is None:
            raise ReadError(
                f"the table has no column {name!r}",
                value=", ".join(self.hdu.columns.names),
                hint="name one of these columns",
            )
        definition = self.hdu.columns[actual]
        data = cells(self.hdu, actual)
        if data.dtype.kind not in "fiu":
            raise ReadError(f"the column {actual!r} holds no numbers", value=str(definition.format))
        values = data.astype(np.float64)
        if definition.null is not None and data.dtype.kind in "iu":
            values[data == definition.null] = np.nan
        return values

    def unit(self, name: str) -> str | None:
        """Return the unit of a column as the file writes it."""
        actual = find_column(self.hdu, (name,))
        unit = None if actual is None else self.hdu.columns[actual].unit
        return str(unit) if unit else None


def find_column(hdu: Any, names: Iterable[str]) -> str | None:
    """Return the first of `names` that is a column, as the file spells it."""
    spelled = {name.upper(): name for name in reversed(hdu.columns.names)}
    for name in names:
        if name.upper() in spelled:
            return spelled[name.upper()]
    return None


def column_number(hdu: Any, number: int) -> str:
    """Return the name of a column that is given by its number from 0."""
    names = hdu.columns.names
    if not 0 <= number < len(names):
        raise ReadError(
            "there is no column of this number",
            value=number,
            allowed=", ".join(f"{i} {name}" for i, name in enumerate(names)),
        )
    return str(names[number])


def cells(hdu: Any, name: str) -> NDArray[Any]:
    """Return a column as the file holds it.

    Raises
    ------
    ReadError
        If header and data contradict each other.
    """
    try:
        return np.asarray(hdu.data[name])
    except DAMAGE as error:
        raise ReadError(
            f"the data of column {name!r} cannot be read", value=f"{type(error).__name__}: {error}"
        ) from error


def open_fits_table(hdus: list[Any], options: ReadOptions, report: ReportBuilder) -> FitsTable:
    """Choose the table to read and understand its time frame.

    Raises
    ------
    ReadError
        If no table is a light curve or an event list; says what is there instead.
    """
    number, kind = _choose(hdus, options)
    hdu, primary = hdus[number], hdus[0]
    label = f"{number} ({hdu.name})" if hdu.name else str(number)
    telescop = header_value("TELESCOP", hdu.header, primary.header) or ""
    mission = mission_of(str(telescop))
    if isinstance(options.time_column, int):
        time_column = column_number(hdu, options.time_column)
    else:
        names = (options.time_column,) if options.time_column else TIME_COLUMNS
        time_column = find_column(hdu, names) or ""
    if not time_column:
        raise ReadError(
            f"HDU {label} has no time column",
            value=", ".join(hdu.columns.names),
            hint="pass time_column=",
        )
    unit = hdu.columns[time_column].unit
    frame = frame_of(hdu.header, primary.header, unit, options=options, report=report)
    report.note(
        hdu=label,
        mission=mission.name,
        time_unit=frame.unit,
        time_system=frame.system,
        time_reference=frame.reference,
        mjdref=frame.mjdref,
        timezero=frame.zero,
    )
    report.columns["time"] = time_column
    return FitsTable(hdu, primary, hdus, label, kind == "events", mission, frame, time_column)


def _choose(hdus: list[Any], options: ReadOptions) -> tuple[int, str]:
    if options.hdu is not None:
        number = _hdu_number(hdus, options.hdu)
        kind = _kind(hdus[number])
        if kind in ("image", "gti"):
            raise ReadError(
                f"HDU {options.hdu!r} is no light curve or event list",
                value=kind,
                hint="name an extension that holds a table with times and rates",
            )
        is_events = options.bin_size is not None and not _has_rates(hdus[number])
        return number, "events" if kind == "events" or is_events else "lightcurve"
    kinds = [_kind(hdu) for hdu in hdus]
    for wanted in ("lightcurve", "events"):
        if wanted in kinds:
            return kinds.index(wanted), wanted
    raise _refusal(hdus, kinds)


def _hdu_number(hdus: list[Any], which: int | str) -> int:
    if isinstance(which, int) and -len(hdus) <= which < len(hdus):
        return which % len(hdus)
    names = [hdu.name.upper() for hdu in hdus]
    if isinstance(which, str) and which.upper() in names:
        return names.index(which.upper())
    raise ReadError(
        f"the file has no HDU {which!r}",
        value=", ".join(f"{i} {name}" for i, name in enumerate(names)),
        hint="name one of these",
    )


def _kind(hdu: Any) -> str:
    """Return what an HDU is: lightcurve, events, gti, pixels, table or image."""
    if not hasattr(hdu, "columns"):
        return "image"
    header = hdu.header
    purpose = str(header_value("HDUCLAS1", header) or "").upper().replace(" ", "")
    name = str(hdu.name).upper()
    if purpose == "GTI" or "GTI" in name or find_column(hdu, ("STOP",)):
        return "gti"
    if find_column(hdu, TIME_COLUMNS) is None:
        return "table"
    if name == "PIXELS":
        return "pixels"
    if purpose in ("EVENT", "EVENTS"):
        return "events"
    if purpose == "LIGHTCURVE" or _has_rates(hdu):
        return "lightcurve"
    if "EVENT" in name or find_column(hdu, EVENT_COLUMNS) or len(hdu.columns.names) == 1:
        return "events"
    return "table"


def _has_rates(hdu: Any) -> bool:
    name = find_column(hdu, RATE_COLUMNS)
    return name is not None


def _refusal(hdus: list[Any], kinds: list[str]) -> ReadError:
    inventory = ", ".join(
        f"{i} {hdu.name or 'unnamed'} ({kind})"
        for i, (hdu, kind) in enumerate(zip(hdus, kinds, strict=True))
    )
    if "pixels" in kinds:
        return ReadError(
            "this is a target pixel file: images, and no light curve yet",
            value=inventory,
            hint="do aperture photometry first, for example with lightkurve",
        )
    if "gti" in kinds and "table" not in kinds:
        return ReadError(
            "the file holds good time intervals only, and no events or rates",
            value=inventory,
            hint="read the event file or light curve, and pass these intervals as gti=",
        )
    if set(kinds) == {"image"}:
        return ReadError(
            "the file holds images only, and no table",
            value=inventory,
            hint="do photometry first; a light curve is a table with times and rates",
        )
    return ReadError(
        "no table of the file looks like a light curve or an event list",
        value=inventory,
        hint="pass hdu=, time_column= and rate_column=",
    )


def read_gti(table: FitsTable, options: ReadOptions, report: ReportBuilder) -> Array | None:
    """Return the good time intervals in the time of the data; None if there are none.

    Where a file has several, one is used: they overlap, and adding them counts time twice.

    Raises
    ------
    ReadError
        If the intervals are in another time system.
    """
    if options.gti is False:
        report.note(gti_source="none (gti=False)")
        return None
    if options.gti is not None and not isinstance(options.gti, (int, str)):
        report.note(gti_source="given by the user")
        return intervals.merge(options.gti, unit=table.frame.unit)
    candidates = [i for i, hdu in enumerate(table.hdus) if _kind(hdu) == "gti"]
    if options.gti is not None:
        number = _hdu_number(table.hdus, options.gti)
    elif candidates:
        number = candidates[0]
    else:
        return None
    good = _gti_of(table, number, options)
    name = table.hdus[number].name
    text = f"HDU {number} ({name}), {len(good)} intervals, {intervals.total(good):.8g} in total"
    if options.gti is None and len(candidates) > 1:
        text += f"; first of {len(candidates)} GTI extensions"
        _compare_others(table, good, candidates[1:], options, report)
    report.note(gti_source=text)
    return good


def _compare_others(
    table: FitsTable,
    good: Array,
    others: list[int],
    options: ReadOptions,
    report: ReportBuilder,
) -> None:
    """Tell if the extensions that are not used hold other good times."""
    mine = intervals.total(good)
    for number in others:
        try:
            other = _gti_of(table, number, options)
        except ReadError:
            report.assume(f"GTI extension {number} is in another time and was not used")
            continue
        theirs, shared = intervals.total(other), intervals.total(intervals.intersect(good, other))
        longest = max(mine, theirs)
        if longest > 0 and abs(shared - longest) > 0.01 * longest:
            report.warn(
                f"GTI extensions differ: HDU {number} ({table.hdus[number].name}) holds "
                f"{theirs:.6g} of good time, the one in use {mine:.6g}; choose with gti="
            )


def _gti_of(table: FitsTable, number: int, options: ReadOptions) -> Array:
    hdu = table.hdus[number]
    start = find_column(hdu, ("START", "TSTART", "GTI_START"))
    stop = find_column(hdu, ("STOP", "TSTOP", "GTI_STOP", "END"))
    if start is None or stop is None:
        raise ReadError(
            f"the GTI extension {number} has no columns START and STOP",
            value=", ".join(hdu.columns.names),
            hint="pass gti= as an array, or gti=False",
        )
    own = _gti_frame(hdu, hdu.columns[start].unit, table, options)
    require_same_frame(
        hdu.header,
        table.frame,
        own,
        name=f"HDU {number} ({hdu.name})",
        check_reference=options.mjdref is None,
    )
    pairs = np.column_stack(
        [cells(hdu, c).astype(np.float64) * own.scale + own.zero for c in (start, stop)]
    )
    pairs = pairs[np.all(np.isfinite(pairs), axis=1)]
    return intervals.merge(pairs * time_unit_factor(own.unit, table.frame.unit))


def _gti_frame(
    hdu: Any, column_unit: str | None, table: FitsTable, options: ReadOptions
) -> TimeFrame:
    """Return the frame of the intervals: what their header leaves out is that of the data."""
    # XRONOS shifts the times of its curve only; its intervals stay in mission time.
    inherited = {} if table.frame.is_xronos else table.header
    unit = column_unit or header_value("TIMEUNIT", hdu.header)
    if unit is None:
        unit = table.unit(table.time_column) or header_value("TIMEUNIT", table.header)
    primary = None if table.frame.is_xronos else table.primary.header
    same_zero = ReadOptions(timezero=options.timezero)
    header = _layered(hdu.header, inherited)
    return frame_of(header, primary, unit, options=same_zero, report=ReportBuilder({}))


def _layered(header: Any, fallback: Any) -> Any:
    """Return the time keywords of `header`, each completed from `fallback`."""
    merged: dict[str, Any] = {}
    groups = (
        ("TIMEZERO", "TIMEZERI", "TIMEZERF"),
        ("MJDREF", "MJDREFI", "MJDREFF", "BJDREFI", "BJDREFF", "JDREF"),
        ("TIMESYS",),
        ("TIMEREF",),
        ("TIMEUNIT",),
        ("CONTENT",),
    )
    for group in groups:
        source = header if any(key in header for key in group) else fallback
        merged |= {key: header_value(key, source) for key in group if key in source}
    return merged
