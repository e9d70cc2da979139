"""Compiled loops for power-law tails: the exact search of x_min, and the zeta distribution.

The search compares each candidate with the best so far. At most places a candidate is out after a
look at the few positions where earlier candidates were worst; the rest goes through the data in
blocks, whose ends bound what may happen inside, since both distributions only rise.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

__all__ = [
    "continuous_distance",
    "discrete_distances",
    "hurwitz_zeta",
    "search_continuous",
    "zeta_index",
]

_compile = njit(cache=True, error_model="numpy", nogil=True)
_BLOCK = 64
_REMEMBERED = 24


@_compile
def _gap(model: float, k: int, n: int, two_sided: bool) -> float:
    """Return the distance at the k-th of n sorted tail values (0 is the first)."""
    below = abs(model - k / n)
    if two_sided:
        return max(below, abs(model - (k + 1) / n))
    return below


@_compile
def _distance(
    log_x: Any, first: int, slope: float, two_sided: bool, limit: float
) -> tuple[float, int]:
    """Return the distance of a tail from its law and where it is; any larger one beyond `limit`."""
    n = log_x.size - first
    start = log_x[first]
    worst, where = 0.0, first
    k = 0
    low = 0.0
    while k < n:
        stop = min(k + _BLOCK, n)
        last = stop if stop < n else n - 1
        high = -math.expm1(-slope * (log_x[first + last] - start))
        here = _gap(low, k, n, two_sided)
        if here > worst:
            worst, where = here, first + k
        # Inside the block the law lies between low and high, the data between k/n and stop/n.
        if max(high - k / n, stop / n - low) > worst:
            for j in range(k, stop):
                model = -math.expm1(-slope * (log_x[first + j] - start))
                gap = _gap(model, j, n, two_sided)
                if gap > worst:
                    worst, where = gap, first + j
        if worst > limit:
            return worst, where
        k, low = stop, high
    return worst, where


@_compile
def continuous_distance(log_x: Any, first: int, slope: float, two_sided: bool) -> float:
    """Return the distance between the data from `first` on and ``1 - (x/xmin)**-slope``.

    `log_x` is sorted; `slope` the differential index minus 1.
    """
    return _distance(log_x, first, slope, two_sided, math.inf)[0]


@_compile
def search_continuous(
    log_x: Any, firsts: Any, sums: Any, two_sided: bool
) -> tuple[int, float, float]:
    """Return the candidate with the smallest distance, its slope and the distance.

    `firsts` are the places of distinct values in `log_x` (sorted), in order; `sums` the sums of
    ``log_x`` from there on. Of equal distances the lowest x_min is taken.
    """
    n, m = log_x.size, firsts.size
    best, best_slope, at = math.inf, math.nan, -1
    remembered = np.full(_REMEMBERED, -1, dtype=np.int64)
    newest = 0
    stride = max(m // 128, 1)
    for step in range(2):
        for c in range(0, m, stride if step == 0 else 1):
            first = firsts[c]
            size = n - first
            spread = sums[c] - size * log_x[first]
            if not spread > 0.0:
                continue
            slope = size / spread
            out = False
            for r in range(_REMEMBERED):
                place = remembered[(newest - r) % _REMEMBERED]
                if place < first:
                    continue
                model = -math.expm1(-slope * (log_x[place] - log_x[first]))
                if _gap(model, place - first, size, two_sided) > best:
                    out = True
                    break
            if out:
                continue
            distance, where = _distance(log_x, first, slope, two_sided, best)
            newest = (newest + 1) % _REMEMBERED
            remembered[newest] = where
            if distance < best or (distance == best and c < at):
                best, best_slope, at = distance, slope, c
    return at, best_slope, best


# -- zeta distribution -------------------------------------------------------------------------


@_compile
def hurwitz_zeta(s: float, q: float) -> tuple[float, float, float]:
    """Return the sum of ``(q + k)**-s`` over k >= 0 and its first two derivatives in s.

    Euler-Maclaurin after the first terms; s > 1, q > 0. Relative error below 1e-13.
    """
    z, d1, d2 = 0.0, 0.0, 0.0
    x = q
    while x < 20.0:
        log_x = math.log(x)
        p = math.exp(-s * log_x)
        z += p
        d1 -= log_x * p
        d2 += log_x * log_x * p
        x += 1.0
    log_x = math.log(x)
    p = math.exp(-s * log_x)
    u = s - 1.0
    # The integral x**(1-s)/(s-1), and half of the first term.
    i0 = p * x / u
    z += i0 + 0.5 * p
    d1 += i0 * (-log_x - 1.0 / u) - 0.5 * log_x * p
    d2 += i0 * ((log_x + 1.0 / u) ** 2 + 1.0 / u**2) + 0.5 * log_x * log_x * p
    # B2/2! s x**(-s-1), B4/4! s(s+1)(s+2) x**(-s-3), ...: value, log-derivatives of the products.
    rising, r1, r2 = s, 1.0 / s, -1.0 / s**2
    power = p / x
    for j in range(5):
        if j == 0:
            factor = 1.0 / 12.0
        elif j == 1:
            factor = -1.0 / 720.0
        elif j == 2:
            factor = 1.0 / 30240.0
        elif j == 3:
            factor = -1.0 / 1209600.0
        else:
            factor = 1.0 / 47900160.0
        term = factor * rising * power
        g = r1 - log_x
        z += term
        d1 += term * g
        d2 += term * (g * g + r2)
        for add in (2 * j + 1, 2 * j + 2):
            rising *= s + add
            r1 += 1.0 / (s + add)
            r2 -= 1.0 / (s + add) ** 2
        power /= x * x
    return z, d1, d2


@_compile
def zeta_index(mean_log: float, xmin: float, low: float, high: float) -> float:
    """Return the index of largest likelihood of ``x**-a / zeta(a, xmin)`` inside bounds.

    `mean_log` is the mean of ln x. ln L is concave; bisection guards the Newton steps.
    """
    a = min(max(1.0 + 1.0 / max(mean_log - math.log(xmin - 0.5), 1e-3), low), high)
    left, right = low, high
    for _ in range(100):
        z, d1, d2 = hurwitz_zeta(a, xmin)
        score = -mean_log - d1 / z
        if score > 0.0:
            left = a
        else:
            right = a
        curvature = d2 / z - (d1 / z) ** 2
        new = a + score / curvature
        if not (new > left and new < right):
            new = 0.5 * (left + right)
        if abs(new - a) < 1e-10:
            return new
        a = new
    return a


@_compile
def discrete_distances(
    values: Any, counts: Any, candidates: Any, two_sided: bool, limits: Any, out: Any
) -> None:
    """Write index and distance ``(m, 2)`` for each candidate x_min among the sorted `values`.

    `counts` are how often each value occurs; `limits` the range of the index. The distance compares
    P(X <= x) at the values; one-sided, P(X < x).
    """
    for c in range(candidates.size):
        first = candidates[c]
        n, total = 0.0, 0.0
        for k in range(first, values.size):
            n += counts[k]
            total += counts[k] * math.log(values[k])
        a = zeta_index(total / n, values[first], limits[0], limits[1])
        norm = hurwitz_zeta(a, values[first])[0]
        worst, seen, above = 0.0, 0.0, norm
        reached = values[first]
        for k in range(first, values.size):
            if values[k] - reached < 8.0:  # subtract single terms rather than sum anew
                while reached < values[k]:
                    above -= math.exp(-a * math.log(reached))
                    reached += 1.0
            else:
                above = hurwitz_zeta(a, values[k])[0]
                reached = values[k]
            below = 1.0 - above / norm  # P(X < x)
            worst = max(worst, abs(below - seen / n))
            seen += counts[k]
            if two_sided:
                here = below + math.exp(-a * math.log(values[k])) / norm
                worst = max(worst, abs(here - seen / n))
        out[c, 0], out[c, 1] = a, worst
