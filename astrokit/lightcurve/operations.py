"""What cuts light curves and bins them anew: rebin, split, select, take, fill."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from astrokit.boundary import as_scalar
from astrokit.errors import InputError, ShapeError

from . import gti as intervals
from .checks import EVEN
from .info import time_unit_factor
from .lightcurve import LightCurve

__all__ = [
    "on_regular_grid",
    "rebin",
    "select",
    "split_by_gti",
    "take",
]

Array = NDArray[np.float64]

_MAX_BINS = 50_000_000  # 400 MB per array: beyond this the bin size is a slip of the unit


def rebin(lc: LightCurve, dt: Any, *, min_exposure: float = 0.5) -> LightCurve:
    """Return the light curve in wider bins, weighted by exposure.

    Each old bin goes as a whole into the new bin that holds its centre, so that new errors are
    independent. With exposures ``w = width * exposure_fraction`` the new rate is
    ``sum(w r) / sum(w)`` and its error ``sqrt(sum(w^2 e^2)) / sum(w)``; counts are conserved.
    Where errors are square roots of counts (``info.counting_errors``), the new ones are those of
    the summed counts.

    Parameters
    ----------
    lc : LightCurve
    dt : float or Quantity
        New bin width; for contiguous bins a multiple of the old width, or at least ten times it.
    min_exposure : float
        New bins with a smaller exposed fraction become invalid. Point samples have no exposure:
        for them a bin with at least one sample is valid.

    Returns
    -------
    LightCurve
        Evenly sampled from the start of the first bin; empty bins are invalid.

    Raises
    ------
    InputError
        If `dt` is smaller than a bin, no multiple of it, makes too many bins, or leaves none that
        is exposed enough.

    Examples
    --------
    >>> import astrokit as ak
    >>> lc = ak.LightCurve([5, 15, 25, 35], [1, 3, 10, 20], [0.3, 0.4, 3, 4])
    >>> new = lc.rebin(20)
    >>> new.rate, new.error
    (array([ 2., 15.]), array([0.25, 2.5 ]))
    """
    step = as_scalar(dt, "dt", unit=lc.info.time_unit, positive=True)
    least = as_scalar(min_exposure, "min_exposure", minimum=0.0, maximum=1.0)
    if lc.info.is_magnitude:
        raise InputError(
            "magnitudes cannot be averaged as rates",
            value=lc.info.rate_unit,
            hint="convert them to fluxes first: 10**(-0.4 * magnitude)",
        )
    _require_step(lc, step)
    start = float(lc.left[0])
    index = np.floor((lc.time - start) / step).astype(np.int64)
    size = int(index[-1]) + 1
    _require_size(size, step, lc.info.time_unit)

    point_samples = not np.any(np.asarray(lc.bin_width) > 0)
    weight = np.where(lc.valid, _exposures(lc), 0.0)
    total = np.bincount(index, weight, size)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = np.bincount(index, np.where(weight > 0, weight * lc.rate, 0.0), size) / total
        error = None
        if lc.error is not None:
            error = _rebinned_error(lc, weight, index, size) / total
    fraction = (total > 0).astype(np.float64) if point_samples else np.minimum(total / step, 1.0)
    # Rounding must not throw out a bin that is exactly as exposed as asked for.
    enough = (total > 0) & (fraction >= least * (1 - 1e-9))
    if lc.valid.any() and not enough.any():
        raise InputError(
            "no new bin is exposed enough",
            value=f"bins of {step:g} {lc.info.time_unit}, exposed by at most "
            f"{100 * float(fraction.max()):.3g} %",
            allowed=f"at least min_exposure={least:g}",
            hint="use a shorter dt (in the time unit above), or a smaller min_exposure",
        )
    return LightCurve(
        start + (np.arange(size) + 0.5) * step,
        np.where(enough, rate, np.nan),
        None if error is None else np.where(enough, error, np.nan),
        bin_width=step,
        exposure_fraction=fraction,
        gti=None if point_samples else lc.gti,
        info=lc.info.replace(keeps_filled_bins=False),
    )._with_report(lc.read_report)


def _rebinned_error(lc: LightCurve, weight: Array, index: NDArray[np.int64], size: int) -> Array:
    """Return the errors of the new bins times their exposures."""
    second = lc.info.rate_time
    if lc.info.counting_errors and second is not None and np.any(np.asarray(lc.bin_width) > 0):
        per_unit = time_unit_factor(lc.info.time_unit, "s") / second
        counted = np.where(weight > 0, weight * lc.rate, 0.0) * per_unit
        counts = np.bincount(index, counted, size)
        return np.asarray(np.sqrt(np.maximum(counts, 1.0)) / per_unit)
    variance = np.where(weight > 0, (weight * lc.error) ** 2, 0.0)  # type: ignore[operator]
    return np.asarray(np.sqrt(np.bincount(index, variance, size)))


def _exposures(lc: LightCurve) -> Array:
    width = np.broadcast_to(np.asarray(lc.bin_width, dtype=np.float64), lc.time.shape)
    weight = width if np.any(width > 0) else np.ones(lc.n)
    return weight if lc.exposure_fraction is None else weight * lc.exposure_fraction


def _require_step(lc: LightCurve, step: float) -> None:
    widest = float(np.max(lc.bin_width))
    unit = lc.info.time_unit
    if step < widest * (1 - 1e-9):
        raise InputError(
            "dt is smaller than a bin of the light curve",
            value=f"{step:g} {unit}",
            allowed=f">= {widest:g} {unit}",
        )
    if np.ndim(lc.bin_width) or widest == 0.0:
        return
    ratio = step / widest
    if ratio < 10 and abs(ratio - round(ratio)) > 1e-6 * ratio:
        low = int(ratio)
        raise InputError(
            "dt is no multiple of the bin width, so new bins would be unequally exposed",
            value=f"{step:g} {unit}",
            allowed=f"a multiple of {widest:g} {unit}, or at least ten times that",
            hint=f"use {low * widest:g} or {(low + 1) * widest:g}",
        )


def _require_size(size: int, step: float, unit: str) -> None:
    if size > _MAX_BINS:
        raise InputError(
            "this bin size makes too many bins",
            value=f"{size} bins of {step:g} {unit}",
            allowed=f"up to {_MAX_BINS}",
            hint="check the unit of the bin size, or split_by_gti() first",
        )


def split_by_gti(lc: LightCurve, *, min_bins: int = 1) -> list[LightCurve]:
    """Return one light curve per stretch of good time.

    Gaps shorter than a bin do not split. A bin belongs to the stretch that holds its centre: one
    at a border that is less than half inside is left out. A stretch without a valid bin gives no
    curve.

    Parameters
    ----------
    lc : LightCurve
    min_bins : int
        Leave out pieces with fewer valid bins.

    Returns
    -------
    list of LightCurve
        In the order of time, each with its part of the GTIs.

    Examples
    --------
    >>> import astrokit as ak
    >>> lc = ak.LightCurve([0.5, 1.5, 5.5, 6.5, 7.5], [1, 2, 3, 4, 5], gti=[[0, 2], [5, 8]])
    >>> [piece.n for piece in lc.split_by_gti()]
    [2, 3]
    """
    if min_bins < 1:
        raise InputError("min_bins is too small", value=min_bins, allowed=">= 1")
    # One missing bin of stamps that jitter, as barycentred ones do, is a gap of one bin.
    shortest = float(np.min(lc.bin_width)) * (1 - EVEN)
    pieces = []
    for start, stop in intervals.merge_short_gaps(lc.gti, shortest):
        low, high = np.searchsorted(lc.time, [start, stop], side="left")
        if high > low and int(lc.valid[low:high].sum()) >= min_bins:
            pieces.append(take(lc, slice(int(low), int(high))))
    return pieces


def select(lc: LightCurve, start: Any = None, stop: Any = None) -> LightCurve:
    """Return the bins whose centres lie in [start, stop).

    Parameters
    ----------
    lc : LightCurve
    start, stop : float or Quantity, optional
        In the time of the curve; None means its end.

    Raises
    ------
    InputError
        If no bin is left.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.LightCurve([50, 150, 250], [1, 2, 3]).select(stop=200).n
    2
    """
    unit = lc.info.time_unit
    low = -np.inf if start is None else as_scalar(start, "start", unit=unit)
    high = np.inf if stop is None else as_scalar(stop, "stop", unit=unit)
    first, last = np.searchsorted(lc.time, [low, high], side="left")
    if last <= first:
        raise InputError(
            "no bin lies between start and stop",
            value=(low, high),
            allowed=f"{lc.time[0]:.10g} to {lc.time[-1]:.10g} {unit}",
        )
    return take(lc, slice(int(first), int(last)))


def take(lc: LightCurve, item: slice | NDArray[np.bool_]) -> LightCurve:
    """Return the bins of a slice or of a boolean mask of length n.

    Raises
    ------
    InputError, ShapeError
        For another kind of index, a mask of another length, or an empty selection.
    """
    if not isinstance(item, slice):
        item = np.asarray(item)
        if item.dtype != bool:
            raise InputError(
                "a light curve is indexed by a slice or a boolean mask",
                value=type(item).__name__ if item.ndim else item.item(),
                hint="use lc.rate[i] for one value, lc[mask] or lc[10:20] for a part",
            )
        if item.shape != lc.time.shape:
            raise ShapeError("the mask has another length", value=item.shape, allowed=f"({lc.n},)")
    time = lc.time[item]
    if time.size == 0:
        raise InputError("the selection holds no bin", value=0, allowed="at least 1 bin")
    width = lc.bin_width[item] if isinstance(lc.bin_width, np.ndarray) else lc.bin_width
    half = np.broadcast_to(np.asarray(width) / 2, time.shape)
    if np.any(half > 0):
        kept = intervals.merge_short_gaps(
            np.column_stack([time - half, time + half]), 1e-3 * float(np.median(half))
        )
    else:
        kept = np.array([[time[0], np.nextafter(time[-1], np.inf)]])
    return LightCurve(
        time,
        lc.rate[item],
        None if lc.error is None else lc.error[item],
        bin_width=width,
        exposure_fraction=None if lc.exposure_fraction is None else lc.exposure_fraction[item],
        gti=intervals.intersect(lc.gti, kept),
        info=lc.info,
    )._with_report(lc.read_report)


def on_regular_grid(lc: LightCurve) -> LightCurve:
    """Return the light curve with an invalid bin wherever one is missing.

    Times that are there stay exactly as they are; times of inserted bins are interpolated.

    Raises
    ------
    InputError
        If the times lie on no regular grid.

    Examples
    --------
    >>> import astrokit as ak
    >>> full = ak.LightCurve([0, 10, 20, 50, 60], [1, 2, 3, 4, 5]).on_regular_grid()
    >>> full.time
    array([ 0., 10., 20., 30., 40., 50., 60.])
    >>> full.is_evenly_sampled, int(full.valid.sum())
    (True, 5)
    """
    if lc.is_evenly_sampled:
        return lc
    spacing = np.diff(lc.time)
    dt = float(np.median(spacing))
    steps = np.rint(spacing / dt)
    off = np.abs(spacing - steps * dt) > 0.02 * dt * np.maximum(steps, 1)
    if off.any() or np.any(steps < 1):
        where = int(np.flatnonzero(off | (steps < 1))[0])
        raise InputError(
            "the times lie on no regular grid",
            value=f"a spacing of {spacing[where]:.6g} where the median is {dt:.6g} "
            f"{lc.info.time_unit}",
            hint="use rebin(dt), or a method for uneven sampling",
        )
    index = np.concatenate([[0], np.cumsum(steps)]).astype(np.int64)
    size = int(index[-1]) + 1
    _require_size(size, dt, lc.info.time_unit)
    grid = np.interp(np.arange(size), index, lc.time)
    grid[index] = lc.time

    def spread(values: Array | None, filler: float) -> Array | None:
        if values is None:
            return None
        out = np.full(size, filler)
        out[index] = values
        return out

    width = lc.bin_width if isinstance(lc.bin_width, float) else spread(lc.bin_width, dt)
    return LightCurve(
        grid,
        spread(lc.rate, np.nan),  # type: ignore[arg-type]
        spread(lc.error, np.nan),
        bin_width=width,
        exposure_fraction=spread(lc.exposure_fraction, 0.0),
        gti=lc.gti,
        info=lc.info,
    )._with_report(lc.read_report)
