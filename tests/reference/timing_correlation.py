"""Readable NumPy twins of the kernels of lags; they take N^2 memory."""

from __future__ import annotations

import numpy as np


def pair_table(ta, tb, edges, same):
    """Return indices of all pairs in order, and the bin of each."""
    i, j = np.meshgrid(np.arange(ta.size), np.arange(tb.size), indexing="ij")
    lag = tb[j] - ta[i]
    keep = (lag >= edges[0]) & (lag < edges[-1])
    if same:
        keep &= i != j
    i, j = i[keep], j[keep]
    return i, j, np.searchsorted(edges, lag[keep], side="right") - 1


def sums(ta, a, tb, b, pairs, bins):
    """Return the eight columns of sums over pairs ``(i, j, bin)``."""
    i, j, k = pairs
    terms = [np.ones(i.size), tb[j] - ta[i], a[i] * b[j], (a[i] * b[j]) ** 2]
    terms += [a[i], b[j], a[i] ** 2, b[j] ** 2]
    return np.array([np.bincount(k, weights=t, minlength=bins) for t in terms]).T


def independent(pairs, same):
    """Return the pairs of which no value is used twice in a bin, taken in order."""
    kept, seen = [], set()
    for i, j, k in zip(*pairs, strict=True):
        marks = {("x" if same else "a", i, k), ("x" if same else "b", j, k)}
        if not marks & seen:
            seen |= marks
            kept.append((i, j, k))
    return np.array(kept, dtype=int).T


def squares(t, x, variance, edges):
    """Return number, lag, squared difference and variance sums of pairs i < j."""
    i, j = np.triu_indices(t.size, 1)
    lag = t[j] - t[i]
    keep = (lag >= edges[0]) & (lag < edges[-1])
    i, j, lag = i[keep], j[keep], lag[keep]
    k = np.searchsorted(edges, lag, side="right") - 1
    terms = [np.ones(i.size), lag, (x[j] - x[i]) ** 2, variance[i] + variance[j]]
    return np.array([np.bincount(k, weights=w, minlength=edges.size - 1) for w in terms]).T


def interpolated(ta, a, tb, b, lag):
    """Return the mean of the correlations with either curve interpolated."""
    values = []
    for t1, x1, t2, x2, shift in ((ta, a, tb, b, lag), (tb, b, ta, a, -lag)):
        t = t1 + shift
        inside = (t >= t2[0]) & (t <= t2[-1])
        values.append(np.corrcoef(x1[inside], np.interp(t[inside], t2, x2))[0, 1])
    return np.mean(values)
