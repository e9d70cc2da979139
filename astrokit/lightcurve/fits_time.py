"""The time frame of a FITS table: reference, zero, unit, stamp position, and its traps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from astrokit.errors import ReadError, UnitError

from .info import canonical_unit, time_unit_factor
from .missions import Mission
from .options import ReadOptions
from .report import ReportBuilder

__all__ = ["TimeFrame", "frame_of", "header_value", "require_same_frame", "timepixr_of"]

_JD_MJD = 2400000.5
_TJD_MJD = 40000.0  # truncated Julian date, in which XRONOS writes TIMEZERO
_SAME_MJD = 1e-6 / 86400.0  # references closer than a microsecond are the same one


@dataclass(frozen=True)
class TimeFrame:
    """How the numbers of a time column become times of the light curve.

    ``time = column * scale + zero`` in `unit` since `mjdref`.
    """

    unit: str
    scale: float
    zero: float
    mjdref: float | None
    system: str
    reference: str
    keyword_scale: float
    is_xronos: bool = False


def header_value(key: str, *headers: Any) -> Any:
    """Return the value of `key` in the first header that has it; None if none does."""
    for header in headers:
        if header is not None and key in header:
            value = header[key]
            if not isinstance(value, str) or value.strip():
                return value.strip() if isinstance(value, str) else value
    return None


def frame_of(
    header: Any,
    primary: Any,
    column_unit: str | None,
    *,
    options: ReadOptions,
    report: ReportBuilder,
) -> TimeFrame:
    """Read the time keywords of the data HDU, falling back to the primary header.

    Parameters
    ----------
    header, primary : astropy.io.fits.Header
    column_unit : str or None
        Unit of the time column; it wins over TIMEUNIT, which is the unit of keywords.
    options : ReadOptions
    report : ReportBuilder

    Raises
    ------
    ReadError
        If a keyword of the time frame is no number.
    """
    keyword_unit = _time_unit(header_value("TIMEUNIT", header, primary))
    unit_text = _time_unit(column_unit)
    if options.time_unit is not None:
        unit_text = canonical_unit(options.time_unit, "time_unit")
    if unit_text is None and keyword_unit is None:
        report.assume("no unit of time is stated: seconds")
    file_unit = unit_text or keyword_unit or "s"
    unit = file_unit if file_unit in ("s", "d") else "s"
    scale = time_unit_factor(file_unit, unit)
    keyword_scale = time_unit_factor(keyword_unit or file_unit, unit)

    mjdref = _mjdref(header, primary)
    zero = _number("TIMEZERO", header, primary)
    is_xronos = "XRONOS" in str(header_value("CONTENT", header) or "").upper()
    if is_xronos and zero is not None:
        zero_mjd = _TJD_MJD + zero
        if mjdref is None:
            mjdref, zero = zero_mjd, 0.0
            report.assume("XRONOS output: times count from TIMEZERO, a truncated Julian date")
        else:
            zero = (zero_mjd - mjdref) * time_unit_factor("d", unit)
            report.assume("XRONOS output: TIMEZERO is a truncated Julian date")
    else:
        zero = (zero or 0.0) * keyword_scale
    if options.mjdref is not None:
        mjdref = float(options.mjdref)
    if options.timezero is not None:
        zero = float(options.timezero)
    if mjdref is None:
        report.assume("no MJDREF: the times have no absolute reference")
    system = options.time_system or str(header_value("TIMESYS", header, primary) or "")
    return TimeFrame(
        unit=unit,
        scale=scale,
        zero=zero,
        mjdref=mjdref,
        system=system.upper(),
        reference=str(header_value("TIMEREF", header, primary) or "").upper(),
        keyword_scale=keyword_scale,
        is_xronos=is_xronos,
    )


def _number(key: str, *headers: Any) -> float | None:
    """Return KEY, or KEYI + KEYF, of the first header that has either.

    The split form wins: it is the more precise one.
    """
    stem = key[:7]
    for header in headers:
        if header is None:
            continue
        whole, part = header_value(stem + "I", header), header_value(stem + "F", header)
        one = header_value(key, header)
        if whole is not None or part is not None:
            return _float(whole or 0, stem + "I") + _float(part or 0, stem + "F")
        if one is not None:
            return _float(one, key)
    return None


def _float(value: Any, key: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise ReadError(
            f"the keyword {key} is no number",
            value=value,
            hint="pass mjdref= and timezero= to read_lightcurve",
        ) from error


def _mjdref(*headers: Any) -> float | None:
    for header in headers:
        mjd = _split_reference(header, "MJDREF")
        if mjd is not None:
            return mjd
        for key in ("BJDREF", "JDREF"):
            jd = _split_reference(header, key)
            if jd is not None:
                # Kepler writes 2454833, TESS 2457000: subtracting first keeps the fraction.
                return jd - _JD_MJD
    return None


def _split_reference(header: Any, key: str) -> float | None:
    if header is None:
        return None
    whole, part = header_value(key + "I", header), header_value(key + "F", header)
    if whole is not None or part is not None:
        return _float(whole or 0, key + "I") + _float(part or 0, key + "F")
    one = header_value(key, header)
    return None if one is None else _float(one, key)


def _time_unit(text: Any) -> str | None:
    """Return the unit of time in texts such as 's', 'BJD - 2454833, days'; None if unknown."""
    if text is None or not str(text).strip():
        return None
    if re.search(r"\b[BHM]?JD\b|\bdays?\b", str(text)):
        return "d"
    try:
        unit = canonical_unit(str(text), "unit of time")
        time_unit_factor(unit, "s")
    except UnitError:
        return None
    return unit


def timepixr_of(
    header: Any, primary: Any, mission: Mission, frame: TimeFrame, options: ReadOptions
) -> tuple[float, str]:
    """Return the position of time stamps in their bins, and the reason."""
    if options.timepixr is not None:
        return float(options.timepixr), "given by the user"
    value = header_value("TIMEPIXR", header, primary)
    if value is not None:
        return _float(value, "TIMEPIXR"), "TIMEPIXR"
    if frame.is_xronos:
        return 0.5, "XRONOS writes bin centres"
    if mission.timepixr is not None:
        return mission.timepixr, f"no TIMEPIXR; the convention of {mission.name}"
    return 0.5, "no TIMEPIXR; the default of the FITS standard"


def require_same_frame(
    gti_header: Any, data: TimeFrame, gti: TimeFrame, *, name: str, check_reference: bool = True
) -> None:
    """Refuse good time intervals that are counted in another time than the data.

    Only what the GTI header states itself is compared; what it leaves out is that of the data.

    Raises
    ------
    ReadError
        If time system, place or reference differ.
    """
    differences = []
    if header_value("TIMESYS", gti_header) and data.system and gti.system != data.system:
        differences.append(f"TIMESYS {gti.system} and {data.system}")
    if header_value("TIMEREF", gti_header) and data.reference and gti.reference != data.reference:
        differences.append(f"TIMEREF {gti.reference} and {data.reference}")
    own = _mjdref(gti_header)
    known = check_reference and own is not None and data.mjdref is not None
    if known and abs(own - data.mjdref) > _SAME_MJD:  # type: ignore[operator]
        differences.append(f"MJDREF {own!r} and {data.mjdref!r}")
    if differences:
        raise ReadError(
            f"the good time intervals in {name} are in another time than the data",
            value="; ".join(differences),
            hint="correct both in the same way (for example barycentre both), or pass gti= as "
            "an array in the time of the data, or gti=False",
        )
