"""Event lists: from arrival times to a light curve."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from astrokit.boundary import as_array, as_scalar
from astrokit.errors import InputError

from . import gti as intervals
from .info import LightCurveInfo
from .lightcurve import LightCurve

__all__ = ["bin_events"]

_MAX_BINS = 50_000_000


def bin_events(
    times: ArrayLike,
    bin_size: Any,
    *,
    gti: ArrayLike | None = None,
    min_exposure: float = 0.5,
    info: LightCurveInfo | None = None,
) -> LightCurve:
    """Return the light curve of an event list.

    Bins start at the start of the first good time interval. Events outside good time are not
    counted, and the rate is counts per good time in the bin. The error is the square root of the
    counts over the good time; an empty bin gets that of one count, since zero is no error.

    Parameters
    ----------
    times : array_like or Quantity, shape (k,)
        Arrival times in any order.
    bin_size : float or Quantity
    gti : array_like, shape (m, 2), optional
        Good time intervals; by default from the first to the last event, whole bins only.
    min_exposure : float
        Bins with a smaller fraction of good time become invalid.
    info : LightCurveInfo, optional
        Its unit of rates is replaced by counts per unit of time.

    Returns
    -------
    LightCurve
        Evenly sampled, with `exposure_fraction`.

    Raises
    ------
    InputError
        If `bin_size` is not > 0, makes too many bins, or leaves none that is exposed enough.

    Examples
    --------
    >>> import astrokit as ak
    >>> lc = ak.lightcurve.bin_events([0.5, 1.2, 1.3, 3.9, 7.5], 2.0, gti=[[0, 3], [6, 8]])
    >>> lc.rate
    array([1.5, 0. , nan, 0.5])
    >>> lc.exposure_fraction
    array([1. , 0.5, 0. , 1. ])
    """
    info = info or LightCurveInfo()
    info = info.replace(rate_unit=f"ct / {info.time_unit}", counting_errors=True)
    arrivals = as_array(times, "times", unit=info.time_unit)
    step = as_scalar(bin_size, "bin_size", unit=info.time_unit, positive=True)
    least = as_scalar(min_exposure, "min_exposure", minimum=0.0, maximum=1.0)
    if gti is None:
        good = _whole_bins(arrivals, step, info.time_unit)
    else:
        good = intervals.merge(gti, unit=info.time_unit)
    if len(good) == 0:
        raise InputError("there is no good time", value="0 intervals", allowed="at least one")
    edges = _edges(good, step, info.time_unit)
    inside = arrivals[intervals.contains(good, arrivals)]
    counts = _count(inside, edges)
    exposed = np.diff(intervals.elapsed_good_time(good, edges))
    fraction = np.clip(exposed / step, 0.0, 1.0)
    slack = _slack(good, step)
    fraction[fraction > 1 - slack] = 1.0
    fraction[fraction < slack] = 0.0
    valid = (fraction > 0) & (fraction >= least * (1 - 1e-9))
    if not valid.any():
        raise InputError(
            "no bin is exposed enough",
            value=f"bins of {step:g} {info.time_unit} with at most "
            f"{float(exposed.max()):g} {info.time_unit} of good time",
            allowed=f"an exposed fraction of at least min_exposure={least:g}",
            hint="pass a shorter bin_size (in the time unit above), or a smaller min_exposure",
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = np.where(valid, counts / (step * fraction), np.nan)
        error = np.where(valid, np.sqrt(np.maximum(counts, 1.0)) / (step * fraction), np.nan)
    return LightCurve(
        0.5 * (edges[:-1] + edges[1:]),
        rate,
        error,
        bin_width=step,
        exposure_fraction=fraction,
        gti=good,
        info=info,
    )


def _whole_bins(arrivals: NDArray[np.float64], step: float, unit: str) -> NDArray[np.float64]:
    """Return the span of the events, cut to whole bins: where it ends is not known any better."""
    first, last = float(arrivals.min()), float(arrivals.max())
    whole = np.floor((last - first) / step)
    if whole < 1:
        raise InputError(
            "bin_size is longer than the time between the first and the last event",
            value=f"{step:g} {unit}",
            allowed=f"<= {last - first:g} {unit}",
            hint="pass a shorter bin_size, or gti=",
        )
    return np.array([[first, first + whole * step]])


def _edges(good: NDArray[np.float64], step: float, unit: str) -> NDArray[np.float64]:
    start, stop = float(good[0, 0]), float(good[-1, 1])
    size = np.ceil((stop - start) / step - _slack(good, step))
    if size > _MAX_BINS:
        raise InputError(
            "this bin size makes too many bins",
            value=f"{size:.0f} bins of {step:g} {unit}",
            allowed=f"up to {_MAX_BINS}",
            hint="check the unit of bin_size",
        )
    edges = np.arange(int(max(size, 1)) + 1, dtype=np.float64)
    edges *= step
    edges += start
    return edges


def _slack(good: NDArray[np.float64], step: float) -> float:
    """Return the fraction of a bin by which rounding can shift an edge."""
    return 1e-9 + 8 * float(np.spacing(np.abs(good).max())) / step


def _count(inside: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Count the times in [edge, next edge); multiplication alone would misplace times on edges."""
    size = len(edges) - 1
    step = (edges[-1] - edges[0]) / size
    index = np.clip(((inside - edges[0]) / step).astype(np.int64), 0, size - 1)
    index -= (inside < edges[index]) & (index > 0)
    index += (inside >= edges[index + 1]) & (index < size - 1)
    return np.bincount(index, minlength=size).astype(np.float64)
