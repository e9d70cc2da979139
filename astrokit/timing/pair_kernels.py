"""Compiled searches over pairs of bins: plain native float64 arrays in and out, no checks.

Kept beside ``kernels.py``, which holds the likelihoods of power spectra.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

__all__ = ["LEAF", "shortest_adjacent", "shortest_pair"]

LEAF = 16  # bins in a block that is searched pair by pair
_STACK = 4096  # pairs of blocks that wait; depth-first, so a few per level of the tree

_compile = njit(cache=True, error_model="numpy", nogil=True, fastmath=False)


@_compile
def _timescale(t: Any, x: Any, s: Any, log_x: Any, i: int, j: int, k: float) -> float:
    """Return |dt| / |ln ratio| of one pair; inf if it does not differ by more than k sigma."""
    difference = abs(x[i] - x[j])
    if difference == 0.0 or difference * difference <= k * k * (s[i] * s[i] + s[j] * s[j]):
        return math.inf
    return abs(t[j] - t[i]) / abs(log_x[j] - log_x[i])


@_compile
def shortest_adjacent(t: Any, x: Any, s: Any, log_x: Any, k: float) -> tuple[float, int, int, int]:
    """Return the shortest time scale of neighbours, the two indices, and how many pairs counted."""
    best, count, at = math.inf, 0, -1
    for i in range(t.size - 1):
        tau = _timescale(t, x, s, log_x, i, i + 1, k)
        if tau < math.inf:
            count += 1
        if tau < best:
            best, at = tau, i
    return best, at, at + 1 if at >= 0 else -1, count


@_compile
def _summits(values: Any, half: int) -> Any:
    """Return the maxima over the blocks of a binary tree: node m has children 2m and 2m + 1."""
    tree = np.full(2 * half, -np.inf)
    for i in range(values.size):
        node = half + i // LEAF
        tree[node] = max(tree[node], values[i])
    for node in range(half - 1, 0, -1):
        tree[node] = max(tree[2 * node], tree[2 * node + 1])
    return tree


@_compile
def _bound(a: int, b: int, dt: float, sure: Any, doubt: Any, high: Any, low: Any) -> float:
    """Return a time scale below which no pair of the blocks a and b can lie.

    ``sqrt(si^2 + sj^2) >= (si + sj)/sqrt(2)``, so a pair that rises by more than k sigma has
    ``x_i + k s_i/sqrt(2) < x_j - k s_j/sqrt(2)``: extremes of the two sides decide for a block.
    """
    span = 0.0
    if sure[a] + doubt[b] > 0.0:  # bins of a may lie above bins of b
        span = high[a] + low[b]
    if sure[b] + doubt[a] > 0.0:
        span = max(span, high[b] + low[a])
    return dt / span if span > 0.0 else math.inf


@_compile
def _blocks(node: int, half: int, n: int) -> tuple[int, int]:
    """Return the first and the last-plus-one bin of a node."""
    width = LEAF
    while node < half:
        node *= 2
        width *= 2
    first = (node - half) * LEAF
    return min(first, n), min(first + width, n)


@_compile
def shortest_pair(t: Any, x: Any, s: Any, log_x: Any, k: float) -> tuple[float, int, int]:
    """Return the shortest time scale among all pairs, and the two indices (-1 if there is none).

    Parameters
    ----------
    t, x, s, log_x : float64 (n,)
        Increasing times, positive rates, their errors, and ln x.
    k : float
        A pair counts if its rates differ by more than k standard errors.

    Notes
    -----
    Branch and bound over pairs of blocks of a binary tree, near pairs first: what cannot be
    shorter than the best so far is never opened. Memory grows as n, time in practice too. No pair
    is shorter than the shortest of all neighbours, significant or not (a step is the sum of its
    parts): the search ends where that is reached to 1e-9, as for an exponential without noise.
    """
    n = t.size
    half = 1
    while half * LEAF < n:
        half *= 2
    margin = k / math.sqrt(2.0) * s * (1.0 - 1e-12)  # rounding must not close a block
    sure, doubt = _summits(x - margin, half), _summits(-(x + margin), half)
    high, low = _summits(log_x, half), _summits(-log_x, half)
    best, first, second, _ = shortest_adjacent(t, x, s, log_x, k)
    floor = shortest_adjacent(t, x, s, log_x, 0.0)[0] * (1.0 + 1e-9)
    stack = np.empty((_STACK, 2), dtype=np.int64)
    stack[0, 0] = stack[0, 1] = 1
    waiting = 1
    while waiting > 0 and best > floor:
        waiting -= 1
        a, b = stack[waiting, 0], stack[waiting, 1]
        a0, a1 = _blocks(a, half, n)
        b0, b1 = _blocks(b, half, n)
        if b0 >= b1:
            continue
        dt = 0.0 if a == b else t[b0] - t[a1 - 1]
        if _bound(a, b, dt, sure, doubt, high, low) >= best:
            continue
        if a >= half:
            for i in range(a0, a1):
                for j in range(max(b0, i + 1), b1):
                    tau = _timescale(t, x, s, log_x, i, j, k)
                    if tau < best:
                        best, first, second = tau, i, j
        elif a == b:
            waiting = _push(stack, waiting, 2 * a, 2 * a + 1)
            waiting = _push(stack, waiting, 2 * a + 1, 2 * a + 1)
            waiting = _push(stack, waiting, 2 * a, 2 * a)
        else:
            waiting = _push(stack, waiting, 2 * a, 2 * b + 1)
            waiting = _push(stack, waiting, 2 * a, 2 * b)
            waiting = _push(stack, waiting, 2 * a + 1, 2 * b + 1)
            waiting = _push(stack, waiting, 2 * a + 1, 2 * b)
    return best, first, second


@_compile
def _push(stack: Any, waiting: int, a: int, b: int) -> int:
    """Put a pair of blocks on the stack, and return how many wait now."""
    stack[waiting, 0], stack[waiting, 1] = a, b
    return waiting + 1
