"""Good time intervals: an array of shape (m, 2) with half-open intervals [start, stop).

Every function takes any (m, 2) array and returns sorted, disjoint, non-empty intervals as float64.
Intervals that touch or overlap are one interval: good time is a set, never counted twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from astrokit.boundary import as_array
from astrokit.errors import InputError, ShapeError

__all__ = [
    "complement",
    "contains",
    "coverage",
    "elapsed_good_time",
    "intersect",
    "merge",
    "merge_short_gaps",
    "total",
    "union",
]

Array = NDArray[np.float64]


def merge(gti: ArrayLike, *, unit: Any = None) -> Array:
    """Validate intervals, sort them, merge overlaps and drop those of zero length.

    Parameters
    ----------
    gti : array_like or Quantity, shape (m, 2)
        Columns are start and stop; m may be 0.
    unit : str or astropy unit, optional
        Convert a Quantity to this unit.

    Returns
    -------
    ndarray of float64, shape (k, 2), k <= m
        Sorted and disjoint, with start < stop.

    Raises
    ------
    ShapeError
        If the shape is not (m, 2).
    InputError
        If an interval stops before it starts, or a bound is not finite.

    Examples
    --------
    >>> from astrokit.lightcurve import gti
    >>> gti.merge([[10, 20], [0, 5], [15, 30]])
    array([[ 0.,  5.],
           [10., 30.]])
    """
    intervals = as_array(gti, "gti", unit=unit, ndim=None, min_size=0)
    if intervals.size == 0:
        return np.empty((0, 2))
    if intervals.ndim != 2 or intervals.shape[1] != 2:
        raise ShapeError(
            "gti must have one row (start, stop) per interval",
            value=f"shape {intervals.shape}",
            allowed="shape (m, 2)",
        )
    backwards = np.flatnonzero(intervals[:, 1] < intervals[:, 0])
    if backwards.size:
        raise InputError(
            f"{backwards.size} good time interval(s) stop before they start",
            value=f"{tuple(intervals[backwards[0]])} in row {backwards[0]}",
            hint="exchange the columns or remove the row",
        )
    intervals = intervals[intervals[:, 1] > intervals[:, 0]]
    return _fuse(intervals[np.argsort(intervals[:, 0], kind="stable")], 0.0)


def _fuse(ordered: Array, shortest_gap: float) -> Array:
    """Join neighbours whose gap is not longer than `shortest_gap`."""
    if len(ordered) == 0:
        return np.empty((0, 2))
    reach = np.maximum.accumulate(ordered[:, 1])
    opens = np.concatenate([[True], ordered[1:, 0] - reach[:-1] > shortest_gap])
    first = np.flatnonzero(opens)
    last = np.concatenate([first[1:] - 1, [len(ordered) - 1]])
    return np.ascontiguousarray(np.column_stack([ordered[first, 0], reach[last]]))


def merge_short_gaps(gti: ArrayLike, shortest_gap: float) -> Array:
    """Join intervals that are separated by at most `shortest_gap`.

    A gap shorter than a bin cannot separate two bins; splitting a binned curve starts here.

    Examples
    --------
    >>> from astrokit.lightcurve import gti
    >>> gti.merge_short_gaps([[0, 1], [1.1, 2], [5, 6]], 0.5)
    array([[0., 2.],
           [5., 6.]])
    """
    return _fuse(merge(gti), shortest_gap)


def union(a: ArrayLike, b: ArrayLike) -> Array:
    """Return the time that is good in `a` or in `b`.

    Examples
    --------
    >>> from astrokit.lightcurve import gti
    >>> gti.union([[0, 2]], [[1, 3], [5, 6]])
    array([[0., 3.],
           [5., 6.]])
    """
    return merge(np.concatenate([merge(a), merge(b)]))


def intersect(a: ArrayLike, b: ArrayLike) -> Array:
    """Return the time that is good in both `a` and `b`.

    Examples
    --------
    >>> from astrokit.lightcurve import gti
    >>> gti.intersect([[0, 10]], [[-5, 1], [4, 6], [9, 20]])
    array([[ 0.,  1.],
           [ 4.,  6.],
           [ 9., 10.]])
    """
    first, second = merge(a), merge(b)
    if len(first) == 0 or len(second) == 0:
        return np.empty((0, 2))
    # For every interval of `first`, the range of intervals of `second` that reach into it.
    low = np.searchsorted(second[:, 1], first[:, 0], side="right")
    high = np.searchsorted(second[:, 0], first[:, 1], side="left")
    counts = np.maximum(high - low, 0)
    i = np.repeat(np.arange(len(first)), counts)
    j = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + low[i]
    both = np.column_stack(
        [np.maximum(first[i, 0], second[j, 0]), np.minimum(first[i, 1], second[j, 1])]
    )
    return np.ascontiguousarray(both)


def complement(gti: ArrayLike, start: float, stop: float) -> Array:
    """Return the time in [start, stop) that is not good.

    Raises
    ------
    InputError
        If stop < start.

    Examples
    --------
    >>> from astrokit.lightcurve import gti
    >>> gti.complement([[2, 3], [5, 12]], 0, 10)
    array([[0., 2.],
           [3., 5.]])
    """
    if stop < start:
        raise InputError("stop lies before start", value=(start, stop), allowed="start <= stop")
    inside = intersect(gti, [[start, stop]]) if stop > start else np.empty((0, 2))
    edges = np.concatenate([[start], inside.ravel(), [stop]]).reshape(-1, 2)
    return np.ascontiguousarray(edges[edges[:, 1] > edges[:, 0]])


def total(gti: ArrayLike) -> float:
    """Return the total good time, overlaps counted once.

    Examples
    --------
    >>> from astrokit.lightcurve import gti
    >>> gti.total([[0, 10], [5, 12], [20, 21]])
    13.0
    """
    intervals = merge(gti)
    return float(np.sum(intervals[:, 1] - intervals[:, 0]))


def contains(gti: ArrayLike, time: ArrayLike) -> NDArray[np.bool_]:
    """Return for each time whether it lies in [start, stop) of an interval.

    Examples
    --------
    >>> from astrokit.lightcurve import gti
    >>> gti.contains([[0, 1], [2, 3]], [0.0, 1.0, 2.5])
    array([ True, False,  True])
    """
    intervals = merge(gti)
    times = np.asarray(time, dtype=np.float64)
    if len(intervals) == 0:
        return np.zeros(times.shape, dtype=bool)
    before = np.searchsorted(intervals[:, 0], times, side="right") - 1
    return (before >= 0) & (times < intervals[np.maximum(before, 0), 1])


def elapsed_good_time(gti: ArrayLike, time: ArrayLike) -> Array:
    """Return the good time that passed before each `time`.

    Examples
    --------
    >>> from astrokit.lightcurve import gti
    >>> gti.elapsed_good_time([[0, 1], [2, 3]], [0.5, 1.5, 10.0])
    array([0.5, 1. , 2. ])
    """
    intervals = merge(gti)
    times = np.asarray(time, dtype=np.float64)
    if len(intervals) == 0:
        return np.zeros(times.shape)
    lengths = intervals[:, 1] - intervals[:, 0]
    finished = np.concatenate([[0.0], np.cumsum(lengths)])
    before = np.searchsorted(intervals[:, 0], times, side="right") - 1
    at = np.maximum(before, 0)
    running = np.minimum(times - intervals[at, 0], lengths[at])
    return np.where(before >= 0, finished[at] + running, 0.0)


def coverage(gti: ArrayLike, left: ArrayLike, right: ArrayLike) -> Array:
    """Return the fraction of each bin [left, right) that is good time.

    Parameters
    ----------
    gti : array_like, shape (m, 2)
    left, right : array_like, shape (n,)
        Bin edges. A bin of zero width counts as 1 inside an interval and 0 outside.

    Returns
    -------
    ndarray, shape (n,), between 0 and 1

    Examples
    --------
    >>> from astrokit.lightcurve import gti
    >>> gti.coverage([[0, 15], [20, 30]], [0, 10, 20], [10, 20, 30])
    array([1. , 0.5, 1. ])
    """
    start = np.asarray(left, dtype=np.float64)
    stop = np.asarray(right, dtype=np.float64)
    width = stop - start
    good = elapsed_good_time(gti, stop) - elapsed_good_time(gti, start)
    with np.errstate(invalid="ignore", divide="ignore"):
        fraction = np.clip(good / width, 0.0, 1.0)
    return np.where(width > 0, fraction, contains(gti, start))
