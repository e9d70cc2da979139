"""Compiled sums over pairs of bins by their lag: plain native float64 arrays in and out, no checks.

Times increase, so a window of the second curve slides along with each bin of the first: time grows
with the pairs that count, memory with the bins of lag.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

__all__ = ["COLUMNS", "independent_pairs", "interpolated_correlation", "pair_sums", "square_sums"]

COLUMNS = 8  # of what pair_sums writes

_compile = njit(cache=True, error_model="numpy", nogil=True, fastmath=False)


@_compile
def pair_sums(ta: Any, a: Any, tb: Any, b: Any, edges: Any, same: bool, out: Any) -> None:
    """Add up products of all pairs into bins of lag ``tb - ta``.

    Parameters
    ----------
    ta, a : float64 (n,)
    tb, b : float64 (m,)
        Increasing times and values.
    edges : float64 (k + 1,)
        Increasing; a lag on an edge belongs to the bin above.
    same : bool
        Leave out pairs of equal index: the curve with itself.
    out : float64 (k, 8), zero
        Number of pairs, and sums of lag, ab, (ab)^2, a, b, a^2, b^2.
    """
    bins = edges.size - 1
    start = 0
    for i in range(ta.size):
        while start < tb.size and tb[start] - ta[i] < edges[0]:
            start += 1
        k = 0
        for j in range(start, tb.size):
            lag = tb[j] - ta[i]
            if lag >= edges[bins]:
                break
            while lag >= edges[k + 1]:
                k += 1
            if same and i == j:
                continue
            product = a[i] * b[j]
            row = out[k]
            row[0] += 1.0
            row[1] += lag
            row[2] += product
            row[3] += product * product
            row[4] += a[i]
            row[5] += b[j]
            row[6] += a[i] * a[i]
            row[7] += b[j] * b[j]


@_compile
def independent_pairs(
    ta: Any, a: Any, tb: Any, b: Any, edges: Any, same: bool, used: Any, out: Any
) -> None:
    """Add up as :func:`pair_sums`, each value at most once in a bin of lag (Alexander 1997).

    Pairs are taken in the order of the first curve, then of the second.

    Parameters
    ----------
    used : uint8 (k, m), zero
        Work space: which values of the second curve a bin has taken.
    """
    bins = edges.size - 1
    start = 0
    for i in range(ta.size):
        while start < tb.size and tb[start] - ta[i] < edges[0]:
            start += 1
        k, taken = 0, -1
        for j in range(start, tb.size):
            lag = tb[j] - ta[i]
            if lag >= edges[bins]:
                break
            while lag >= edges[k + 1]:
                k += 1
            if k == taken or used[k, j] or (same and (i == j or used[k, i])):
                continue
            taken = k
            used[k, j] = 1
            if same:
                used[k, i] = 1
            row = out[k]
            row[0] += 1.0
            row[1] += lag
            row[2] += a[i] * b[j]
            row[4] += a[i]
            row[5] += b[j]
            row[6] += a[i] * a[i]
            row[7] += b[j] * b[j]


@_compile
def square_sums(t: Any, x: Any, variance: Any, edges: Any, out: Any) -> None:
    """Add up squared differences of all pairs ``i < j`` into bins of lag.

    Parameters
    ----------
    t, x, variance : float64 (n,)
    edges : float64 (k + 1,)
    out : float64 (k, 4), zero
        Number of pairs, and sums of lag, ``(x_j - x_i)^2`` and ``variance_i + variance_j``.
    """
    bins = edges.size - 1
    for i in range(t.size):
        k = 0
        for j in range(i + 1, t.size):
            lag = t[j] - t[i]
            if lag >= edges[bins]:
                break
            if lag < edges[0]:
                continue
            while lag >= edges[k + 1]:
                k += 1
            difference = x[j] - x[i]
            row = out[k]
            row[0] += 1.0
            row[1] += lag
            row[2] += difference * difference
            row[3] += variance[i] + variance[j]


@_compile
def _one_way(ta: Any, a: Any, tb: Any, b: Any, lag: float, fewest: int) -> float:
    """Return the correlation of a with b interpolated at ``ta + lag``; nan for few points."""
    n, j = 0, 0
    sa, sb, saa, sbb, sab = 0.0, 0.0, 0.0, 0.0, 0.0
    a0, b0 = a[0], b[0]  # a shift, so that large means cost no digits
    for i in range(ta.size):
        t = ta[i] + lag
        if t < tb[0]:
            continue
        if t > tb[tb.size - 1]:
            break
        while j < tb.size - 2 and tb[j + 1] < t:
            j += 1
        y = b[j] + (b[j + 1] - b[j]) * (t - tb[j]) / (tb[j + 1] - tb[j]) - b0
        x = a[i] - a0
        n += 1
        sa += x
        sb += y
        saa += x * x
        sbb += y * y
        sab += x * y
    if n < fewest:
        return math.nan
    va, vb = saa - sa * sa / n, sbb - sb * sb / n
    return (sab - sa * sb / n) / math.sqrt(va * vb) if va > 0.0 and vb > 0.0 else math.nan


@_compile
def interpolated_correlation(
    ta: Any, a: Any, tb: Any, b: Any, lags: Any, fewest: int, out: Any
) -> None:
    """Write the interpolated correlation at `lags` into `out`.

    The mean of two: the second curve interpolated at ``ta + lag``, the first at ``tb - lag``.
    """
    for k in range(lags.size):
        there = _one_way(ta, a, tb, b, lags[k], fewest)
        back = _one_way(tb, b, ta, a, -lags[k], fewest)
        out[k] = 0.5 * (there + back)
