"""The time frame of a FITS table: reference, zero, unit, stamp position, and its traps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from astropy.io.fits.verify import VerifyError

from astrokit.boundary import as_scalar
from astrokit.errors import ReadError, UnitError

from .info import canonical_unit, time_unit_factor
from .missions import Mission
from .options import ReadOptions
from .report import ReportBuilder

__all__ = [
    "TimeFrame",
    "frame_of",
    "header_value",
    "number_of",
    "require_same_frame",
    "timepixr_of",
]

_JD_MJD = 2400000.5
_TJD_MJD = 40000.0  # truncated Julian date, in which XRONOS writes TIMEZERO
_SAME_MJD = 1e-5 / 86400.0  # one double of an MJD resolves a microsecond; below 10 they agree


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
            value = _parsed(header, key)
            if not isinstance(value, str) or value.strip():
                return value.strip() if isinstance(value, str) else value
    return None


def _parsed(header: Any, key: str) -> Any:
    try:
        return header[key]
    except VerifyError as error:
        raise ReadError(f"the keyword {key} is damaged", value=str(error)) from error


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

    reference = _mjdref(header, primary)
    zero_pair = _pair("TIMEZERO", header, primary) or (0.0, 0.0)
    is_xronos = "XRONOS" in str(header_value("CONTENT", header) or "").upper()
    if is_xronos and zero_pair != (0.0, 0.0):
        report.assume("XRONOS output: TIMEZERO is a truncated Julian date (MJD - 40000)")
        start = (_TJD_MJD + zero_pair[0], zero_pair[1])
        reference = reference or start
        days = (start[0] - reference[0]) + (start[1] - reference[1])
        zero = days * time_unit_factor("d", unit)
    else:
        zero = sum(zero_pair) * keyword_scale
    mjdref = None if reference is None else sum(reference)
    if options.mjdref is not None:
        mjdref = as_scalar(options.mjdref, "mjdref", unit="d")
    if options.timezero is not None:
        zero = as_scalar(options.timezero, "timezero", unit=unit)
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


def _pair(key: str, *headers: Any) -> tuple[float, float] | None:
    """Return KEYI and KEYF, or KEY and 0, of the first header that has either.

    The split form wins, and stays split: in days, one double resolves 0.6 microseconds only.
    """
    stem = key[:7]
    for header in headers:
        if header is None:
            continue
        whole, part = header_value(stem + "I", header), header_value(stem + "F", header)
        if whole is not None or part is not None:
            return number_of(whole or 0, stem + "I"), number_of(part or 0, stem + "F")
        one = header_value(key, header)
        if one is not None:
            return number_of(one, key), 0.0
    return None


def number_of(
    value: Any, key: str, *, hint: str = "pass mjdref= and timezero= to read_lightcurve"
) -> float:
    """Return the value of a keyword as a float, or raise an error that names the keyword."""
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise ReadError(
            f"the keyword {key} is no number",
            value=value,
            hint=hint,
        ) from error


def _mjdref(*headers: Any) -> tuple[float, float] | None:
    """Return MJDREF as whole days and a fraction; BJDREF (Kepler, TESS) and JDREF become MJD."""
    for header in headers:
        mjd = _pair("MJDREF", header)
        if mjd is not None:
            return mjd
        for key in ("BJDREF", "JDREF"):
            jd = _reference(header, key)
            if jd is not None:
                return jd[0] - _JD_MJD, jd[1]
    return None


def _reference(header: Any, key: str) -> tuple[float, float] | None:
    """Return KEYI and KEYF, or KEY: these names are shorter than the eight letters of FITS."""
    whole, part = header_value(key + "I", header), header_value(key + "F", header)
    if whole is not None or part is not None:
        return number_of(whole or 0, key + "I"), number_of(part or 0, key + "F")
    one = header_value(key, header)
    return None if one is None else (number_of(one, key), 0.0)


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
        position = number_of(value, "TIMEPIXR", hint="pass timepixr=")
        if not 0 <= position <= 1:
            raise ReadError(
                "TIMEPIXR is out of range",
                value=position,
                allowed="0 to 1",
                hint="pass timepixr=: 0 for the start of the bins, 0.5 for their centres",
            )
        return position, "TIMEPIXR"
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
    if not check_reference or own is None or data.mjdref is None:
        offset = 0.0
    else:
        offset = sum(own) - data.mjdref
    if abs(offset) > _SAME_MJD:
        differences.append(f"MJDREF {offset:+g} d from that of the data")
    if differences:
        raise ReadError(
            f"the good time intervals in {name} are in another time than the data",
            value="; ".join(differences),
            hint="correct both in the same way (for example barycentre both), or pass gti= as "
            "an array in the time of the data, or gti=False",
        )
