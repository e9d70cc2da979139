"""What the constructor of a light curve checks, one function for each array."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from astrokit.boundary import as_array, require_equal_lengths
from astrokit.errors import DataWarning, InputError

from . import gti as intervals
from .info import LightCurveInfo, canonical_unit, time_unit_factor

__all__ = [
    "EVEN",
    "checked_fraction",
    "checked_width",
    "common_spacing",
    "frozen",
    "info_from_units",
    "require_increasing",
    "require_numbers",
    "runs_of_bins",
    "warn_if_all_outside",
    "without_bad_errors",
]

Array = NDArray[np.float64]

# Spacings may differ by this fraction of a bin: barycentred Kepler cadences do by 1e-5.
EVEN = 1e-3


def info_from_units(time: Any, rate: Any) -> LightCurveInfo:
    """Return the info that follows from the units of the arrays; s and ct/s without any."""
    time_unit, rate_unit = getattr(time, "unit", None), getattr(rate, "unit", None)
    days = time_unit is not None and time_unit_factor(str(time_unit), "s") >= 3600.0
    return LightCurveInfo(
        time_unit="d" if days else "s",
        rate_unit="ct / s" if rate_unit is None else canonical_unit(rate_unit, "unit of rate"),
    )


def checked_fraction(fraction: ArrayLike | None) -> Array | None:
    """Return exposure fractions as an array between 0 and 1."""
    if fraction is None:
        return None
    values = as_array(fraction, "exposure_fraction", missing="nan")
    # No statement about the exposure is no exposure (FITS writers put NaN beside a NaN rate).
    values = np.where(np.isnan(values), 0.0, values)
    # Single precision columns hold 1.0000001.
    if values.min() < 0 or values.max() > 1 + 1e-5:
        bad = values.min() if values.min() < 0 else values.max()
        raise InputError(
            "exposure_fraction is out of range",
            value=float(bad),
            allowed="0 to 1",
            hint="divide exposure times by the bin width",
        )
    return np.minimum(values, 1.0)


def require_numbers(time: Any) -> None:
    """Raise if the times are dates: which zero they should count from is for the user to say."""
    kind = getattr(getattr(time, "dtype", None), "kind", "")
    if hasattr(time, "mjd") or kind == "M":
        raise InputError(
            "time holds dates, and a light curve counts from a time zero",
            value=type(time).__name__,
            hint="use LightCurve.from_timeseries, or pass the MJDs with "
            "info=LightCurveInfo(time_unit='d', mjdref=0.0)",
        )


def require_increasing(times: Array) -> None:
    """Raise unless times increase strictly; says whether order or duplicates are wrong."""
    steps = np.diff(times)
    if np.all(steps > 0):
        return
    first = int(np.flatnonzero(~(steps > 0))[0])
    kind = "has duplicate values" if np.all(steps >= 0) else "is not in increasing order"
    raise InputError(
        f"time {kind}",
        value=f"{float(times[first])!r} then {float(times[first + 1])!r} at index {first + 1}",
        hint="use LightCurve.from_unsorted(time, rate, error, duplicates='average'), or the "
        "keywords sort= and duplicates= of read_lightcurve",
    )


def checked_width(width: ArrayLike | None, times: Array, unit: str) -> float | Array:
    """Return one width, or one per bin where they differ."""
    if width is None:
        return common_spacing(times)
    values = as_array(width, "bin_width", unit=unit, ndim=None)
    if np.any(values < 0):
        raise InputError("bin_width is negative", value=float(values.min()), allowed=">= 0")
    if values.size == 1 or np.all(values == values.ravel()[0]):
        require = times if values.size == 1 else values
        require_equal_lengths(time=times, bin_width=require)
        return float(values.ravel()[0])
    require_equal_lengths(time=times, bin_width=values)
    return values


def common_spacing(times: Array) -> float:
    """Return the median spacing if every spacing is a multiple of it, else 0."""
    if len(times) < 2:
        return 0.0
    spacing = np.diff(times)
    dt = float(np.median(spacing))
    steps = spacing / dt
    return dt if np.all(np.abs(steps - np.rint(steps)) < 10 * EVEN) else 0.0


def without_bad_errors(valid: NDArray[np.bool_], errors: Array) -> NDArray[np.bool_]:
    """Return `valid` without the bins whose error is not > 0, and warn of them."""
    with np.errstate(invalid="ignore"):
        bad = valid & ~(errors > 0)
    if bad.any():
        warnings.warn(
            f"{int(bad.sum())} of {len(errors)} bins have a missing, zero or negative error and "
            "are marked invalid; pass error=None if the errors mean nothing",
            DataWarning,
            stacklevel=3,
        )
    return valid & ~bad


def warn_if_all_outside(
    valid: NDArray[np.bool_], inside: NDArray[np.bool_], times: Array, good: Array
) -> None:
    """Warn if no bin lies in good time: most often the two are in different times or units."""
    if valid.any() and not np.any(valid & inside):
        span = f"{good[0, 0]:.10g} to {good[-1, 1]:.10g}" if len(good) else "empty"
        warnings.warn(
            f"all bins lie outside the good time intervals and are marked invalid (bins "
            f"{times[0]:.10g} to {times[-1]:.10g}, intervals {span}); are both in the same time "
            "and unit?",
            DataWarning,
            stacklevel=3,
        )


def runs_of_bins(times: Array, width: float | Array, valid: NDArray[np.bool_]) -> Array:
    """Return the intervals that valid, contiguous bins cover."""
    if not valid.any():
        return np.empty((0, 2))
    half = np.broadcast_to(np.asarray(width) / 2, times.shape)
    if not np.any(half > 0):
        # Point samples: one interval that holds them all (half-open, so one step longer).
        good = times[valid]
        return np.array([[good[0], np.nextafter(good[-1], np.inf)]])
    edges = np.column_stack([times - half, times + half])[valid]
    return intervals.merge_short_gaps(edges, 2 * EVEN * float(np.median(half)) * 2)


def frozen(array: NDArray[Any]) -> Any:
    """Return a read-only copy: a light curve does not change behind a result that rests on it."""
    copy = np.array(array, order="C", copy=True)
    copy.setflags(write=False)
    return copy
