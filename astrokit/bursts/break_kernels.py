"""Compiled loops for power laws with one sharp break: sums over the data instead of the data.

All energies are natural logarithms relative to a reference. Per unit of ln E the density is
``exp(-s v)`` below and ``exp(-t v)`` above the break, with ``v = ln E - ln E_b`` and s, t the
differential indices minus 1. For a fixed break this is an exponential family: ln L is concave in
(s, t), and on sorted data it needs two sums, which prefix sums give for any break at once.

Sums over the data and design come as one tuple, `stats`::

    (y, prefix, thresholds, counts, limits, limit_counts, top, edges, completeness)

sorted detections with prefix sums ``(n + 1,)``; distinct thresholds and how many bursts have each;
distinct lower limits of saturated bursts and how many; ln of the largest energy (inf for none);
panels for the integrals with completeness (empty: all is complete) and its parameters.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from ..inference.kernels import compiled_likelihood
from .completeness_kernels import GAUSS_WEIGHT, GAUSS_X, log_detection

__all__ = [
    "best_slopes",
    "fisher_information",
    "log_likelihoods",
    "packed_law",
    "profile",
    "slopes_and_slope",
]

_compile = njit(cache=True, error_model="numpy", nogil=True)
_SERIES_BELOW = 0.3
_MOST_STEPS = 60
_GAIN = 1e-9  # promised gain in ln L at which the slopes are good enough


@_compile
def _moments(c: float, low: float, high: float) -> tuple[float, float, float]:
    """Return the integrals of ``v**k exp(-c v)`` from low to high for k = 0, 1, 2."""
    width = high - low
    if not width > 0.0:
        return 0.0, 0.0, 0.0
    if width == math.inf:
        if not c > 0.0:
            return math.inf, math.inf, math.inf
        j0, j1, j2 = 1.0 / c, 1.0 / c**2, 2.0 / c**3
    elif abs(c * width) < _SERIES_BELOW:
        term, j0, j1, j2 = 1.0, 0.0, 0.0, 0.0
        for j in range(12):
            j0 += term / (j + 1)
            j1 += term / (j + 2)
            j2 += term / (j + 3)
            term *= -c * width / (j + 1)
        j0, j1, j2 = width * j0, width**2 * j1, width**3 * j2
    else:
        last = math.exp(-c * width)
        j0 = -math.expm1(-c * width) / c
        j1 = (j0 - width * last) / c
        j2 = (2.0 * j1 - width**2 * last) / c
    scale = math.exp(-c * low)
    return scale * j0, scale * (j1 + low * j0), scale * (j2 + low * (2.0 * j1 + low * j0))


@_compile
def _piece(
    c: float, low: float, high: float, origin: float, edges: Any, completeness: Any
) -> tuple[float, float, float]:
    """Return the moments of ``exp(-c v)`` times the completeness from low to high (ln E)."""
    if edges.size == 0:
        return _moments(c, low - origin, high - origin)
    m0, m1, m2 = 0.0, 0.0, 0.0
    first = max(int(np.searchsorted(edges, low, side="right")) - 1, 0)
    for j in range(first, edges.size - 1):
        if edges[j] >= high:
            break
        a, b = max(low, edges[j]), min(high, edges[j + 1])
        if not b > a:
            continue
        half, middle = 0.5 * (b - a), 0.5 * (a + b)
        for k in range(GAUSS_X.size):
            e = middle + half * GAUSS_X[k]
            v = e - origin
            q = half * GAUSS_WEIGHT[k] * math.exp(log_detection(e, completeness) - c * v)
            m0 += q
            m1 += q * v
            m2 += q * v * v
    end = edges[edges.size - 1]
    if high > end:
        f = math.exp(log_detection(end, completeness))
        t0, t1, t2 = _moments(c, max(low, end) - origin, high - origin)
        m0, m1, m2 = m0 + f * t0, m1 + f * t1, m2 + f * t2
    return m0, m1, m2


@_compile
def _above(
    m: float, b: float, s: float, t: float, top: float, edges: Any, completeness: Any
) -> tuple[float, float, float, float, float, float]:
    """Return the moments above `m` of the parts below and above the break `b`."""
    a0, a1, a2 = 0.0, 0.0, 0.0
    if m < b:
        a0, a1, a2 = _piece(s, m, min(b, top), b, edges, completeness)
    b0, b1, b2 = _piece(t, max(m, b), top, b, edges, completeness)
    return a0, a1, a2, b0, b1, b2


@_compile
def _sums(stats: Any, b: float) -> tuple[int, float, float]:
    """Return how many detections lie below the break, and the sums of v below and above."""
    y, prefix = stats[0], stats[1]
    n = y.size
    k = int(np.searchsorted(y, b))
    return k, prefix[k] - k * b, prefix[n] - prefix[k] - (n - k) * b


@_compile
def _value(stats: Any, b: float, s: float, t: float) -> float:
    """Return ln L per unit of ln E."""
    _, below, above = _sums(stats, b)
    total = -s * below - t * above
    thresholds, counts, limits, limit_counts, top, edges, completeness = stats[2:]
    for u in range(thresholds.size):
        a0, _, _, b0, _, _ = _above(thresholds[u], b, s, t, top, edges, completeness)
        total -= counts[u] * math.log(a0 + b0)
    for u in range(limits.size):
        a0, _, _, b0, _, _ = _above(limits[u], b, s, t, top, edges, completeness)
        total += limit_counts[u] * math.log(a0 + b0)
    # Outside the support: no bursts above a largest energy, and no law without a finite integral.
    if not (total > -math.inf and total < math.inf) or (
        stats[0].size and stats[0][stats[0].size - 1] > top
    ):
        return -math.inf
    return total


@_compile
def log_likelihoods(rows: Any, stats: Any, detection: float, out: Any) -> None:
    """Write ln L per unit of ln E for each row (index below, index above, ln E_b).

    `detection` is the sum over the data of ln completeness.
    """
    for i in range(rows.shape[0]):
        out[i] = _value(stats, rows[i, 2], rows[i, 0] - 1.0, rows[i, 1] - 1.0) + detection


@compiled_likelihood
def packed_law(values: Any, data: Any) -> float:
    """Return ln L of a law of complete detections above one threshold, packed in rows.

    The first row is (number of data, threshold, constant, reference, 1 for a broken law); the
    second the sorted data, the third their prefix sums from the second on.
    """
    n = int(data[0, 0])
    low, y = data[0, 1], data[1]
    t = values[0] - 1.0
    whole = data[2, n - 1]
    if data[0, 4] == 0.0:
        if not t > 0.0:
            return -math.inf
        return n * math.log(t) - t * (whole - n * low) + data[0, 2]
    s = t
    t = values[1] - 1.0
    b = values[2] * math.log(10.0) - data[0, 3]
    if not t > 0.0:
        return -math.inf
    k = int(np.searchsorted(y[:n], b))
    below = (data[2, k - 1] if k > 0 else 0.0) - k * b
    above = whole - (data[2, k - 1] if k > 0 else 0.0) - (n - k) * b
    norm = _moments(s, low - b, 0.0)[0] + _moments(t, max(low - b, 0.0), math.inf)[0]
    return -s * below - t * above - n * math.log(norm) + data[0, 2]


@_compile
def _everything(stats: Any, b: float, s: float, t: float) -> tuple[float, ...]:
    """Return ln L, its gradient in (s, t), minus its Hessian, and its slope in the break."""
    k, below, above = _sums(stats, b)
    n = stats[0].size
    value = -s * below - t * above
    gs, gt, hss, hst, htt = -below, -above, 0.0, 0.0, 0.0
    slope = s * k + t * (n - k)
    thresholds, counts, limits, limit_counts, top, edges, completeness = stats[2:]
    for part in range(2):
        places, weights = (thresholds, counts) if part == 0 else (limits, limit_counts)
        sign = 1.0 if part == 0 else -1.0
        for u in range(places.size):
            a0, a1, a2, b0, b1, b2 = _above(places[u], b, s, t, top, edges, completeness)
            z, w = a0 + b0, sign * weights[u]
            e1, e2 = a1 / z, b1 / z
            value -= w * math.log(z)
            gs += w * e1
            gt += w * e2
            hss += w * (a2 / z - e1 * e1)
            hst -= w * e1 * e2
            htt += w * (b2 / z - e2 * e2)
            slope -= w * (s * a0 + t * b0) / z
    return value, gs, gt, hss, hst, htt, slope


@_compile
def _step(g: float, h: float, x: float, low: float, high: float) -> float:
    """Return the best step of one slope inside its bounds, the other held."""
    if h > 0.0:
        step = g / h
    else:
        step = math.copysign(1.0, g)
    return min(max(step, low - x), high - x)


@_compile
def best_slopes(
    stats: Any, b: float, s: float, t: float, bounds: Any
) -> tuple[float, float, float, float]:
    """Return the largest ln L for a break at `b`, the slopes there, and its slope in the break.

    Newton steps inside the box `bounds` ``(2, 2)`` of (s, t), halved where they overshoot.
    """
    s = min(max(s, bounds[0, 0]), bounds[0, 1])
    t = min(max(t, bounds[1, 0]), bounds[1, 1])
    value, gs, gt, hss, hst, htt, slope = _everything(stats, b, s, t)
    for _ in range(_MOST_STEPS):
        hold_s = (s <= bounds[0, 0] and gs <= 0.0) or (s >= bounds[0, 1] and gs >= 0.0)
        hold_t = (t <= bounds[1, 0] and gt <= 0.0) or (t >= bounds[1, 1] and gt >= 0.0)
        det = hss * htt - hst * hst
        if hold_s and hold_t:
            break
        if hold_s:
            ds, dt = 0.0, _step(gt, htt, t, bounds[1, 0], bounds[1, 1])
        elif hold_t:
            ds, dt = _step(gs, hss, s, bounds[0, 0], bounds[0, 1]), 0.0
        elif hss > 0.0 and htt > 0.0 and det > 1e-12 * hss * htt:
            ds, dt = (htt * gs - hst * gt) / det, (hss * gt - hst * gs) / det
            ds = min(max(ds, bounds[0, 0] - s), bounds[0, 1] - s)
            dt = min(max(dt, bounds[1, 0] - t), bounds[1, 1] - t)
        else:
            ds = _step(gs, hss, s, bounds[0, 0], bounds[0, 1])
            dt = _step(gt, htt, t, bounds[1, 0], bounds[1, 1])
        gain = gs * ds + gt * dt
        if not gain > _GAIN:
            break
        raised = False
        for _ in range(40):
            new = _everything(stats, b, s + ds, t + dt)
            if new[0] > value:
                s, t = s + ds, t + dt
                value, gs, gt, hss, hst, htt, slope = new
                raised = True
                break
            ds, dt = 0.5 * ds, 0.5 * dt
        if not raised:
            break
    if not (value > -math.inf and value < math.inf):
        return -math.inf, s, t, 0.0
    return value, s, t, slope


@_compile
def profile(stats: Any, breaks: Any, bounds: Any, out: Any) -> None:
    """Write ln L, s, t and the slope of ln L in ln E_b for each of the sorted `breaks`."""
    s, t = 0.5, 1.5
    for i in range(breaks.size):
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = best_slopes(stats, breaks[i], s, t, bounds)
        if out[i, 0] > -math.inf:
            s, t = out[i, 1], out[i, 2]


@_compile
def slopes_and_slope(
    stats: Any, low: float, high: float, s: float, t: float, bounds: Any
) -> tuple[float, float, float, float]:
    """Return ln E_b, ln L, s, t of the maximum strictly between two neighbouring data.

    There ln L is smooth in the break; its slope is positive just above `low` and negative just
    below `high`, or there is no such maximum (ln L = -inf).
    """
    a, b = low + 1e-9 * (high - low), high - 1e-9 * (high - low)
    if best_slopes(stats, a, s, t, bounds)[3] <= 0.0:
        return a, -math.inf, s, t
    if best_slopes(stats, b, s, t, bounds)[3] >= 0.0:
        return b, -math.inf, s, t
    value = -math.inf
    middle = 0.5 * (a + b)
    for _ in range(50):
        middle = 0.5 * (a + b)
        value, s, t, slope = best_slopes(stats, middle, s, t, bounds)
        if slope > 0.0:
            a = middle
        else:
            b = middle
        if b - a < 1e-9:
            break
    return middle, value, s, t


@_compile
def fisher_information(
    row: Any, stats: Any, saturation: Any, saturation_threshold: Any, out: Any
) -> tuple[float, float, float, float]:
    """Write the Fisher information ``(3, 3)`` of both indices and ln E_b into out (zero).

    A burst that saturates at c carries less: what is lost is the covariance of its score above c.
    Returns ln L (per unit of ln E) and the score.
    """
    s, t, b = row[0] - 1.0, row[1] - 1.0, row[2]
    value, gs, gt, _, _, _, slope = _everything(stats, b, s, t)
    thresholds, counts, _, _, top, edges, completeness = stats[2:]
    for u in range(thresholds.size):
        _add_covariance(
            counts[u], _above(thresholds[u], b, s, t, top, edges, completeness), s, t, out
        )
    for u in range(saturation.size):
        part = _above(saturation[u], b, s, t, top, edges, completeness)
        whole = _above(saturation_threshold[u], b, s, t, top, edges, completeness)
        _add_covariance(-(part[0] + part[3]) / (whole[0] + whole[3]), part, s, t, out)
    return value, gs, gt, slope


@_compile
def _add_covariance(weight: float, moments: Any, s: float, t: float, out: Any) -> None:
    """Add the covariance of (-v below, -v above, s below + t above)."""
    a0, a1, a2, b0, b1, b2 = moments
    z = a0 + b0
    p, q = a0 / z, b0 / z
    e1, e2, e3 = -a1 / z, -b1 / z, s * p + t * q
    out[0, 0] += weight * (a2 / z - e1 * e1)
    out[1, 1] += weight * (b2 / z - e2 * e2)
    out[2, 2] += weight * (s * s * p + t * t * q - e3 * e3)
    c01, c02, c12 = -e1 * e2, s * e1 - e1 * e3, t * e2 - e2 * e3
    out[0, 1] += weight * c01
    out[1, 0] += weight * c01
    out[0, 2] += weight * c02
    out[2, 0] += weight * c02
    out[1, 2] += weight * c12
    out[2, 1] += weight * c12
