"""Time frames of a light curve: absolute times, another time zero, another unit of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from astrokit.boundary import as_scalar
from astrokit.errors import InputError

from .info import time_unit_factor
from .lightcurve import LightCurve

if TYPE_CHECKING:
    from astropy.time import Time

__all__ = ["SCALES", "in_time_unit", "numbers_since", "reference_time", "to_time", "with_mjdref"]

SCALES = ("tai", "tcb", "tcg", "tdb", "tt", "ut1", "utc")


def to_time(lc: LightCurve, *, scale: str | None = None) -> Time:
    """Return the bin centres as absolute times.

    Times in days of UTC are day numbers: a day with a leap second counts as one day. Times in
    seconds are elapsed seconds.

    Parameters
    ----------
    lc : LightCurve
    scale : str, optional
        Time scale such as "tt"; by default that of the curve.

    Returns
    -------
    astropy.time.Time, shape (n,)

    Raises
    ------
    InputError
        If the time zero or the time scale is not known.

    Examples
    --------
    >>> import astrokit as ak
    >>> info = ak.lightcurve.LightCurveInfo(mjdref=50814.0, time_system="TT")
    >>> ak.LightCurve([0, 86400], [1, 2], info=info).to_time().mjd
    array([50814., 50815.])
    """
    if lc.info.mjdref is None:
        raise InputError(
            "the times have no absolute reference",
            hint="pass mjdref= to read_lightcurve, or info=LightCurveInfo(mjdref=...)",
        )
    system = (scale or lc.info.time_system).lower()
    if system not in SCALES:
        raise InputError(
            "the time scale of the light curve is not known",
            value=system,
            allowed=", ".join(SCALES),
            hint="pass scale=, or time_system= to read_lightcurve",
        )
    from astropy.time import TimeDelta

    start = reference_time(lc.info.mjdref, system)
    if lc.info.time_unit == "s":
        return start + TimeDelta(np.array(lc.time), format="sec")
    whole = np.floor(lc.info.mjdref)
    return type(start)(
        whole, (lc.info.mjdref - whole) + np.array(lc.time), format="mjd", scale=system
    )


def reference_time(mjdref: float, scale: str) -> Time:
    """Return the time of MJD `mjdref`, in two doubles so that no digit is lost."""
    from astropy.time import Time

    whole = float(np.floor(mjdref))
    return Time(whole, mjdref - whole, format="mjd", scale=scale)


def numbers_since(times: Time, mjdref: float, unit: str) -> Any:
    """Return absolute times as numbers since `mjdref`: what :func:`to_time` turns back."""
    start = reference_time(mjdref, times.scale)
    if unit == "s":
        return (times - start).sec
    return (times.jd1 - start.jd1) + (times.jd2 - start.jd2)


def with_mjdref(lc: LightCurve, mjdref: Any) -> LightCurve:
    """Return the same light curve with its times counted from another time zero.

    Parameters
    ----------
    lc : LightCurve
    mjdref : float or Quantity
        MJD of the new time zero, in the time system of the curve. One double resolves 0.6
        microseconds of it.

    Raises
    ------
    InputError
        If the present time zero is not known.

    Examples
    --------
    >>> import astrokit as ak
    >>> info = ak.lightcurve.LightCurveInfo(mjdref=50814.0, time_system="TT")
    >>> ak.LightCurve([0, 100], [1, 2], info=info).with_mjdref(50813.0).time
    array([86400., 86500.])
    """
    new = as_scalar(mjdref, "mjdref", unit="d")
    old = lc.info.mjdref
    if old is None:
        raise InputError(
            "the times have no absolute reference",
            hint="pass mjdref= to read_lightcurve, or info=LightCurveInfo(mjdref=...)",
        )
    if lc.info.time_system == "UTC" and lc.info.time_unit == "s":
        shift = float((reference_time(old, "utc") - reference_time(new, "utc")).sec)
    else:
        shift = (old - new) * time_unit_factor("d", lc.info.time_unit)
    return LightCurve(
        lc.time + shift,
        lc.rate,
        lc.error,
        bin_width=lc.bin_width,
        exposure_fraction=lc.exposure_fraction,
        gti=lc.gti + shift,
        info=lc.info.replace(mjdref=new),
    )._with_report(lc.read_report)


def in_time_unit(lc: LightCurve, unit: str) -> LightCurve:
    """Return the light curve with times, widths and GTIs in "s" or "d"."""
    if lc.info.time_unit == unit:
        return lc
    factor = time_unit_factor(lc.info.time_unit, unit)
    info = lc.info.replace(time_unit=unit, timezero=lc.info.timezero * factor)
    return LightCurve(
        lc.time * factor,
        lc.rate,
        lc.error,
        bin_width=lc.bin_width * factor,
        exposure_fraction=lc.exposure_fraction,
        gti=lc.gti * factor,
        info=info,
    )._with_report(lc.read_report)
