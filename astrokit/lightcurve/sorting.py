"""Rows in any order become rows in the order of time; equal times are refused, cut or averaged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrokit.errors import InputError

__all__ = ["SortedRows", "sorted_rows"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SortedRows:
    """Rows in the order of time; `index` are the rows of the input that they came from."""

    time: Array
    rate: Array
    error: Array | None
    index: NDArray[np.int64]
    n_moved: int
    n_merged: int


def sorted_rows(
    time: Array, rate: Array, error: Array | None, *, duplicates: str = "raise"
) -> SortedRows:
    """Sort rows by time (stably) and treat rows of equal time.

    Parameters
    ----------
    time, rate : ndarray, shape (n,)
    error : ndarray, shape (n,), or None
    duplicates : {"raise", "first", "average"}

    Returns
    -------
    SortedRows

    Raises
    ------
    InputError
        For duplicate times where `duplicates` is "raise".
    """
    if duplicates not in ("raise", "first", "average"):
        raise InputError(
            "duplicates is unknown", value=duplicates, allowed="'raise', 'first', 'average'"
        )
    order = np.argsort(time, kind="stable")
    n_moved = int(np.sum(np.diff(time) < 0))
    t, r = time[order], rate[order]
    e = None if error is None else error[order]
    starts = np.concatenate([[True], np.diff(t) > 0]) if len(t) else np.empty(0, dtype=bool)
    n_merged = int(np.sum(~starts))
    if n_merged == 0:
        return SortedRows(t, r, e, order, n_moved, 0)
    if duplicates == "raise":
        example = float(t[int(np.flatnonzero(~starts)[0])])
        raise InputError(
            f"{n_merged} row(s) repeat the time of another row",
            value=f"time {example!r}",
            hint="pass duplicates='average' or duplicates='first', or select one of the curves "
            "that the file may hold",
        )
    if duplicates == "average":
        r, e = _averages(r, e, np.cumsum(starts) - 1)
    else:
        r, e = r[starts], None if e is None else e[starts]
    return SortedRows(t[starts], r, e, order[starts], n_moved, n_merged)


def _averages(
    rate: Array, error: Array | None, group: NDArray[np.int64]
) -> tuple[Array, Array | None]:
    """Return the mean per group, weighted by the inverse variance where there are errors."""
    usable = np.isfinite(rate)
    if error is not None:
        with np.errstate(invalid="ignore"):
            usable &= error > 0
    weight = usable.astype(np.float64)
    if error is not None:
        weight[usable] = error[usable] ** -2
    total = np.bincount(group, weight)
    summed = np.bincount(group, np.where(usable, weight * np.where(usable, rate, 0.0), 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return summed / total, None if error is None else 1 / np.sqrt(total)
