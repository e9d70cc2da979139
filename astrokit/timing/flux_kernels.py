"""Compiled densities of fluxes with measurement errors: plain float64 arrays, no checks.

A component is a normal variate u that makes a flux: ``m + w u`` (code 0) or ``exp(m + w u)``
(code 1). Given a measured flux, u has a posterior; its first moments give the density and all its
derivatives with respect to m and w.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

__all__ = ["LOG_NORMAL", "NORMAL", "log_densities", "mixture", "mixture_derivatives"]

NORMAL, LOG_NORMAL = 0, 1
_LOG_ROOT_2PI = 0.9189385332046727
_STEP = 0.75  # of the trapezoidal rule, in widths of the peak
_FINEST = 0.2  # of it, times w; densities are then exact to 1e-7
_REACH = 8.0  # widths on each side of the peak, at least
_DEEP = 30.0  # ln of the density at the ends below that of the peak, at least
_OVERFLOW = 100.0
_NEGLIGIBLE = 1e-30
_FLATTEST = 0.05  # least curvature that sets a width

_compile = njit(cache=True, error_model="numpy", nogil=True, fastmath=False)


@_compile
def _exponent(u: float, m: float, w: float, x: float, s: float) -> float:
    """Return ln of prior times likelihood of u, up to constants."""
    off = (x - math.exp(m + w * u)) / s
    return -0.5 * (u * u + off * off)


@_compile
def _peak(m: float, w: float, x: float, s: float) -> tuple[float, float]:
    """Return where the posterior of u peaks, and its curvature there."""
    # The peak lies between that of the prior, 0, and that of the likelihood, which may be far off.
    there = (math.log(max(x, 1e-3 * s)) - m) / w
    low, high = min(there, 0.0) - 1.0, max(there, 0.0) + 1.0
    precision = (w * max(x, 0.0) / s) ** 2
    u = there * precision / (1.0 + precision)
    curvature = 1.0
    for _ in range(100):
        y = math.exp(m + w * u)
        slope = -u + (x - y) * y * w / (s * s)
        curvature = 1.0 - w * w * y * (x - 2.0 * y) / (s * s)
        if slope > 0.0:
            low = u
        else:
            high = u
        new = u + slope / curvature if curvature > 0.0 else 0.5 * (low + high)
        if not (low < new < high):
            new = 0.5 * (low + high)
        moved = abs(new - u)
        u = new
        if moved * math.sqrt(max(curvature, _FLATTEST)) < 1e-3:
            break
    return u, max(curvature, _FLATTEST)


@_compile
def _log_normal(m: float, w: float, x: float, s: float, moments: Any) -> float:
    """Return the log density of x and fill the posterior moments of u."""
    if s == 0.0:
        if x <= 0.0:
            moments[:] = 0.0
            return -math.inf
        u = (math.log(x) - m) / w
        for k in range(4):
            moments[k] = u ** (k + 1)
        return -0.5 * u * u - math.log(w * x) - _LOG_ROOT_2PI
    u, curvature = _peak(m, w, x, s)
    width = 1.0 / math.sqrt(curvature)
    top = _exponent(u, m, w, x, s)
    low, high = u - _REACH * width, u + _REACH * width
    for _ in range(20):
        if _exponent(low, m, w, x, s) < top - _DEEP:
            break
        low -= 4.0 * width
    for _ in range(20):
        if _exponent(high, m, w, x, s) < top - _DEEP:
            break
        high += 4.0 * width
    # Of exp(w u) the likelihood has sharper features than its peak where w is large.
    n = math.ceil((high - low) / min(_STEP * width, _FINEST / w)) + 1
    step = (high - low) / (n - 1)
    y, growth = math.exp(m + w * low), math.exp(w * step)
    sums = np.zeros(5)
    for i in range(n):
        v = low + i * step
        off = (x - y) / s
        exponent = -0.5 * (v * v + off * off)
        y *= growth
        if exponent > top:  # of an outlier there may be a second, higher peak
            sums *= math.exp(top - exponent)
            top = exponent
        weight = math.exp(exponent - top)
        for k in range(5):
            sums[k] += weight
            weight *= v
    for k in range(4):
        moments[k] = sums[k + 1] / sums[0]
    return top + math.log(sums[0] * step) - math.log(s) - 2.0 * _LOG_ROOT_2PI


@_compile
def _normal(m: float, w: float, x: float, s: float, moments: Any) -> float:
    """Return the log density of x and fill the posterior moments of u."""
    variance = w * w + s * s
    u, spread = w * (x - m) / variance, s * s / variance
    moments[0] = u
    moments[1] = u * u + spread
    moments[2] = u * (u * u + 3.0 * spread)
    moments[3] = u * u * (u * u + 6.0 * spread) + 3.0 * spread * spread
    return -0.5 * ((x - m) ** 2 / variance + math.log(variance)) - _LOG_ROOT_2PI


@_compile
def _component(code: int, m: float, w: float, x: float, s: float, moments: Any) -> float:
    if code == LOG_NORMAL:
        return _log_normal(m, w, x, s, moments)
    return _normal(m, w, x, s, moments)


@_compile
def log_densities(row: Any, codes: Any, x: Any, s: Any, out: Any) -> None:
    """Fill `out` ``(n,)`` with log densities; `row` is ``[m, w]`` or ``[m, w, m, w, q]``."""
    moments = np.empty(4)
    for i in range(x.size):
        first = _component(codes[0], row[0], row[1], x[i], s[i], moments)
        if codes.size == 1:
            out[i] = first
            continue
        second = _component(codes[1], row[2], row[3], x[i], s[i], moments)
        first += math.log(1.0 - row[4])
        second += math.log(row[4])
        top = max(first, second)
        out[i] = top + math.log(math.exp(first - top) + math.exp(second - top))
        if top == -math.inf:
            out[i] = top


@_compile
def mixture(rows: Any, codes: Any, x: Any, s: Any, count: Any, out: Any) -> None:
    """Fill `out` ``(k,)`` with the log density of each row, summed `count` times each."""
    terms = np.empty(x.size)
    for k in range(rows.shape[0]):
        log_densities(rows[k], codes, x, s, terms)
        out[k] = (count * terms).sum()


@_compile
def mixture_derivatives(
    row: Any, codes: Any, x: Any, s: Any, count: Any, score: Any, outer: Any, hessian: Any
) -> float:
    """Return the summed log density; add up gradient, its outer products, and the Hessian.

    Each flux x counts `count` times.

    For a component, with moments M of u: the gradient in (m, w) is ``(M1, M2 - 1)/w``, and the
    Hessian the mean of that of the complete data plus the variance of their gradient.
    """
    n = codes.size
    size = 2 if n == 1 else 5
    moments = np.empty(4)
    log_p, g, h = np.empty(n), np.zeros((n, size)), np.zeros((n, size, size))
    share, ratio, gradient = np.empty(n), np.empty(n), np.empty(size)
    part = np.ones(n)
    if n == 2:
        part[0], part[1] = 1.0 - row[4], row[4]
    total = 0.0
    for i in range(x.size):
        top = -math.inf
        for c in range(n):
            a, w = 2 * c, row[2 * c + 1]
            log_p[c] = _component(codes[c], row[a], w, x[i], s[i], moments)
            if part[c] > 0.0:
                top = max(top, log_p[c])
            m1, m2, m3, m4 = moments
            g[c, a], g[c, a + 1] = m1 / w, (m2 - 1.0) / w
            w2 = w * w
            h[c, a, a] = (m2 - m1 * m1 - 1.0) / w2
            h[c, a, a + 1] = h[c, a + 1, a] = (m3 - m1 * m2 - 2.0 * m1) / w2
            h[c, a + 1, a + 1] = (m4 - m2 * m2 + 1.0 - 3.0 * m2) / w2
        norm = 0.0
        for c in range(n):
            ratio[c] = math.exp(min(log_p[c] - top, _OVERFLOW))
            norm += part[c] * ratio[c]
        total += count[i] * (top + math.log(norm))
        for c in range(n):
            ratio[c] /= norm  # density of the component over that of the whole
            share[c] = part[c] * ratio[c]
            if share[c] < _NEGLIGIBLE:
                share[c] = 0.0  # its square would be a curvature too small to divide by
        for a in range(size):
            gradient[a] = 0.0
            for c in range(n):
                gradient[a] += share[c] * g[c, a]
        if n == 2:
            gradient[4] = ratio[1] - ratio[0]
        for a in range(size):
            score[a] += count[i] * gradient[a]
            for b in range(size):
                outer[a, b] += count[i] * gradient[a] * gradient[b]
                value = -gradient[a] * gradient[b]
                for c in range(n):
                    value += share[c] * (h[c, a, b] + g[c, a] * g[c, b])
                hessian[a, b] += count[i] * value
        if n == 2:
            for a in range(4):
                value = ratio[1] * g[1, a] - ratio[0] * g[0, a]
                hessian[a, 4] += count[i] * value
                hessian[4, a] += count[i] * value
    return total
