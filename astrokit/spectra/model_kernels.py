r"""Compiled integrals of photon spectra over energy bins, with their derivatives.

A law is integrated in u = ln E, where power laws are exponentials and bins of a spectrum are short.
Every function takes ``log_edges`` ``(m + 1,)``, natural logarithms of the edges of m adjacent bins,
and ``shift``, which is added to them: a redshift and a pivot energy are both a shift. Laws that are
not straight are integrated by Gauss-Legendre rules on pieces so short that the rule is exact to
rounding; a law that is straight uses the closed form, written so that an index of 1 needs no
special case.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from ..fastmath import fast_exp

__all__ = [
    "CUTOFF_POWER_LAW",
    "LOG_PARABOLA",
    "SMOOTHLY_BROKEN_POWER_LAW",
    "broken_power_law",
    "broken_power_law_derivatives",
    "curved",
    "curved_derivatives",
    "gaussian_line",
    "gaussian_line_derivatives",
    "power_law",
    "power_law_derivatives",
    "transmission",
]

_compile = njit(cache=True, error_model="numpy", nogil=True)
_inline = njit(error_model="numpy", forceinline=True)

LOG_PARABOLA, CUTOFF_POWER_LAW, SMOOTHLY_BROKEN_POWER_LAW = 0, 1, 2
_SERIES = 0.3  # below it the series of sinh(x)/x are exact to rounding
_LN10 = math.log(10.0)
# Gauss-Legendre nodes and weights on -1..1.
_X3, _W3 = np.polynomial.legendre.leggauss(3)
_X5, _W5 = np.polynomial.legendre.leggauss(5)
_SHORT = 0.02  # e-folds: up to here three nodes are exact to rounding for any X-ray spectrum
_PIECE = 0.1  # the longest stretch for five nodes
_MOST_PIECES = 200
_LINE_REACH = 9.0  # standard deviations; 1e-19 of a line lies beyond
_SQRT_2 = math.sqrt(2.0)
_SQRT_2PI = math.sqrt(2 * math.pi)


@_inline
def _sinhc_series(y: Any) -> Any:
    """Return sinh(x)/x for y = x**2, x small; products, as divisions take most of the time."""
    tail = 1 + y * (1 / 72) * (1 + y * (1 / 110))
    return 1 + y * (1 / 6) * (1 + y * (1 / 20) * (1 + y * (1 / 42) * tail))


@_inline
def _langevin_series(y: Any) -> Any:
    """Return (coth(x) - 1/x)/x for y = x**2, x small."""
    tail = y * (1 / 4725 - y * (2 / 93555 - y * (1382 / 638512875 - y * (4 / 18243225))))
    return 1 / 3 - y * (1 / 45 - y * (2 / 945 - tail))


@_inline
def _sinhc(x: Any) -> Any:
    """Return sinh(x)/x."""
    if abs(x) < _SERIES:
        return _sinhc_series(x * x)
    return 0.5 * (fast_exp(x) - fast_exp(-x)) / x


@_inline
def _langevin(x: Any) -> Any:
    """Return coth(x) - 1/x, the logarithmic derivative of sinh(x)/x."""
    if abs(x) < _SERIES:
        return x * _langevin_series(x * x)
    return 1 / math.tanh(x) - 1 / x


@_inline
def _exponential(a: Any, low: Any, high: Any) -> Any:
    """Return the integral of exp(a u) from low to high."""
    width = high - low
    return width * fast_exp(0.5 * a * (low + high)) * _sinhc(0.5 * a * width)


# -- straight laws ------------------------------------------------------------------------------


@njit(error_model="numpy", nogil=True, fastmath={"reassoc", "nsz"})
def _are_short(steepness: Any, log_edges: Any) -> Any:
    """Return whether exp(steepness u) changes so little in every bin that series are exact."""
    low, high = log_edges[:-1], log_edges[1:]
    limit = 2 * _SERIES / max(abs(steepness), 1e-300)
    longer = 0.0
    for j in range(low.size):
        longer += 0.0 if abs(high[j] - low[j]) < limit else 1.0
    return longer == 0


@_inline
def _short_exponential(a: Any, low: Any, high: Any) -> Any:
    """Return the integral of exp(a u) from low to high where a (high - low) / 2 is small.

    There is no branch in it, so that loops over bins run in vectors.
    """
    width = high - low
    y = 0.25 * a * a * width * width
    return width * fast_exp(0.5 * a * (low + high)) * _sinhc_series(y)


@_inline
def _short_mean(a: Any, low: Any, high: Any) -> Any:
    """Return the mean of u weighted with exp(a u) from low to high, under the same condition."""
    half = 0.5 * (high - low)
    x = a * half
    return 0.5 * (low + high) + half * x * _langevin_series(x * x)


@_inline
def _mean(a: Any, low: Any, high: Any) -> Any:
    """Return the mean of u weighted with exp(a u) from low to high."""
    half = 0.5 * (high - low)
    return 0.5 * (low + high) + half * _langevin(a * half)


@_compile
def power_law(values: Any, shift: Any, log_edges: Any, out: Any) -> None:
    """Write ``(n, m)`` integrals of K E^-G; `values` ``(n, 2)`` holds G and K."""
    low, high = log_edges[:-1], log_edges[1:]
    for i in range(values.shape[0]):
        a, K, s = 1 - values[i, 0], values[i, 1], shift[i]
        row = out[i]
        if _are_short(a, log_edges):
            for j in range(row.size):
                row[j] = K * _short_exponential(a, low[j] + s, high[j] + s)
        else:
            for j in range(row.size):
                row[j] = K * _exponential(a, low[j] + s, high[j] + s)


@_compile
def power_law_derivatives(values: Any, shift: float, log_edges: Any, out: Any) -> None:
    """Write ``(3, m)``: the integral and its derivatives in G and K, for one point."""
    a, K = 1 - values[0], values[1]
    low, high = log_edges[:-1], log_edges[1:]
    law, slope, unit = out[0], out[1], out[2]
    if _are_short(a, log_edges):
        for j in range(unit.size):
            unit[j] = _short_exponential(a, low[j] + shift, high[j] + shift)
            slope[j] = -K * unit[j] * _short_mean(a, low[j] + shift, high[j] + shift)
    else:
        for j in range(unit.size):
            unit[j] = _exponential(a, low[j] + shift, high[j] + shift)
            slope[j] = -K * unit[j] * _mean(a, low[j] + shift, high[j] + shift)
    for j in range(unit.size):
        law[j] = K * unit[j]


@_compile
def broken_power_law(values: Any, shift: Any, log_edges: Any, out: Any) -> None:
    """Write ``(n, m)`` integrals; `values` ``(n, 4)`` holds G1, G2, break energy and K."""
    low, high = log_edges[:-1], log_edges[1:]
    for i in range(values.shape[0]):
        a1, a2, s = 1 - values[i, 0], 1 - values[i, 1], shift[i]
        K, at = values[i, 3], math.log(values[i, 2])
        K2 = K * math.exp(at * (values[i, 1] - values[i, 0]))
        row = out[i]
        # Either part of a bin may be empty, which its width of zero says.
        if _are_short(max(abs(a1), abs(a2)), log_edges):
            for j in range(row.size):
                low1, high1 = min(low[j] + s, at), min(high[j] + s, at)
                low2, high2 = max(low[j] + s, at), max(high[j] + s, at)
                below = _short_exponential(a1, low1, high1)
                row[j] = K * below + K2 * _short_exponential(a2, low2, high2)
        else:
            for j in range(row.size):
                low1, high1 = min(low[j] + s, at), min(high[j] + s, at)
                low2, high2 = max(low[j] + s, at), max(high[j] + s, at)
                row[j] = K * _exponential(a1, low1, high1) + K2 * _exponential(a2, low2, high2)


@_compile
def broken_power_law_derivatives(values: Any, shift: float, log_edges: Any, out: Any) -> None:
    """Write ``(5, m)``: the integral and its derivatives, for one point."""
    G1, G2, K = values[0], values[1], values[3]
    a1, a2, at = 1 - G1, 1 - G2, math.log(values[2])
    ratio = math.exp(at * (G2 - G1))
    low, high = log_edges[:-1], log_edges[1:]
    # First the integrals of both parts and their means of ln E, where their derivatives will be.
    below, above, mean1, mean2, unit = out[0], out[3], out[1], out[2], out[4]
    if _are_short(max(abs(a1), abs(a2)), log_edges):
        for j in range(unit.size):
            low1, high1 = min(low[j] + shift, at), min(high[j] + shift, at)
            low2, high2 = max(low[j] + shift, at), max(high[j] + shift, at)
            below[j] = _short_exponential(a1, low1, high1)
            above[j] = ratio * _short_exponential(a2, low2, high2)
            mean1[j], mean2[j] = _short_mean(a1, low1, high1), _short_mean(a2, low2, high2)
    else:
        for j in range(unit.size):
            low1, high1 = min(low[j] + shift, at), min(high[j] + shift, at)
            low2, high2 = max(low[j] + shift, at), max(high[j] + shift, at)
            below[j] = _exponential(a1, low1, high1)
            above[j] = ratio * _exponential(a2, low2, high2)
            mean1[j], mean2[j] = _mean(a1, low1, high1), _mean(a2, low2, high2)
    for j in range(unit.size):
        one, two = below[j], above[j]
        unit[j] = one + two
        out[0, j] = K * unit[j]
        out[1, j] = -K * (one * mean1[j] + at * two)
        out[2, j] = K * two * (at - mean2[j])
        out[3, j] = K * two * (G2 - G1) / values[2]


# -- curved laws ----------------------------------------------------------------------------------


@_inline
def _log_density(kind: int, values: Any, u: Any) -> Any:
    """Return ln of the density per keV, without its normalisation, at u = ln E."""
    if kind == LOG_PARABOLA:
        return -(values[0] + values[1] * u / _LN10) * u
    if kind == CUTOFF_POWER_LAW:
        return -values[0] * u - fast_exp(u) / values[1]
    z = (u - math.log(values[2])) / values[3]
    bend = max(z, 0.0) + math.log1p(math.exp(-abs(z)))
    return -values[0] * u - (values[1] - values[0]) * values[3] * bend


@_compile
def curved(kind: int, values: Any, shift: Any, log_edges: Any, out: Any) -> None:
    """Write ``(n, m)`` integrals of a curved law; the last of its `values` is K."""
    for i in range(values.shape[0]):
        K = values[i, values.shape[1] - 1]
        for j in range(log_edges.size - 1):
            low, high = log_edges[j] + shift[i], log_edges[j + 1] + shift[i]
            nodes, weights = (_X3, _W3) if abs(high - low) < _SHORT else (_X5, _W5)
            pieces = min(1 + int(abs(high - low) / _PIECE), _MOST_PIECES)
            half = 0.5 * (high - low) / pieces
            total = 0.0
            for k in range(pieces):
                middle = low + (2 * k + 1) * half
                for q in range(nodes.size):
                    u = middle + half * nodes[q]
                    total += weights[q] * fast_exp(_log_density(kind, values[i], u) + u)
            out[i, j] = K * half * total


@_inline
def _log_slopes(kind: int, values: Any, u: Any, slopes: Any) -> None:
    """Write the derivatives of the log density in all parameters but K."""
    slopes[0] = -u
    if kind == LOG_PARABOLA:
        slopes[1] = -u * u / _LN10
    elif kind == CUTOFF_POWER_LAW:
        slopes[1] = fast_exp(u) / (values[1] * values[1])
    else:
        z = (u - math.log(values[2])) / values[3]
        bend = max(z, 0.0) + math.log1p(math.exp(-abs(z)))
        share = 1 / (1 + math.exp(-z))
        step = values[1] - values[0]
        slopes[0] += values[3] * bend
        slopes[1] = -values[3] * bend
        slopes[2] = step * share / values[2]
        slopes[3] = -step * (bend - z * share)


@_compile
def curved_derivatives(kind: int, values: Any, shift: float, log_edges: Any, out: Any) -> None:
    """Write ``(1 + k, m)``: the integral and its derivatives in the k parameters, for one point."""
    k_all = values.size
    K = values[k_all - 1]
    slopes = np.zeros(k_all)
    sums = np.empty(k_all)
    for j in range(log_edges.size - 1):
        low, high = log_edges[j] + shift, log_edges[j + 1] + shift
        nodes, weights = (_X3, _W3) if abs(high - low) < _SHORT else (_X5, _W5)
        pieces = min(1 + int(abs(high - low) / _PIECE), _MOST_PIECES)
        half = 0.5 * (high - low) / pieces
        sums[:] = 0.0
        for k in range(pieces):
            middle = low + (2 * k + 1) * half
            for q in range(nodes.size):
                u = middle + half * nodes[q]
                weight = weights[q] * fast_exp(_log_density(kind, values, u) + u)
                _log_slopes(kind, values, u, slopes)
                for p in range(k_all - 1):
                    sums[p] += weight * slopes[p]
                sums[k_all - 1] += weight
        out[0, j] = K * half * sums[k_all - 1]
        for p in range(k_all - 1):
            out[1 + p, j] = K * half * sums[p]
        out[k_all, j] = half * sums[k_all - 1]


# -- a line -----------------------------------------------------------------------------------


@_inline
def _between(z1: Any, z2: Any) -> Any:
    """Return the normal probability between two places, without cancellation in the tails."""
    if z1 > 0:
        return 0.5 * (math.erfc(z1 / _SQRT_2) - math.erfc(z2 / _SQRT_2))
    if z2 < 0:
        return 0.5 * (math.erfc(-z2 / _SQRT_2) - math.erfc(-z1 / _SQRT_2))
    return 0.5 * (math.erf(z2 / _SQRT_2) - math.erf(z1 / _SQRT_2))


@_compile
def gaussian_line(values: Any, shift: Any, log_edges: Any, out: Any) -> None:
    """Write ``(n, m)``; `values` ``(n, 3)`` holds energy, sigma (0: all in one bin) and photons."""
    for i in range(values.shape[0]):
        center, sigma, K = values[i, 0], values[i, 1], values[i, 2]
        for j in range(log_edges.size - 1):
            low, high = math.exp(log_edges[j] + shift[i]), math.exp(log_edges[j + 1] + shift[i])
            if sigma <= 0:
                out[i, j] = K if low <= center < high else 0.0
            elif high < center - _LINE_REACH * sigma or low > center + _LINE_REACH * sigma:
                out[i, j] = 0.0
            else:
                out[i, j] = K * _between((low - center) / sigma, (high - center) / sigma)


@_compile
def gaussian_line_derivatives(values: Any, shift: float, log_edges: Any, out: Any) -> None:
    """Write ``(4, m)``: the integral and its derivatives, for one point; 0 for a sigma of 0."""
    center, sigma, K = values[0], values[1], values[2]
    out[:] = 0.0
    for j in range(log_edges.size - 1):
        low, high = math.exp(log_edges[j] + shift), math.exp(log_edges[j + 1] + shift)
        if sigma <= 0:
            out[3, j] = 1.0 if low <= center < high else 0.0
            out[0, j] = K * out[3, j]
        elif high >= center - _LINE_REACH * sigma and low <= center + _LINE_REACH * sigma:
            z1, z2 = (low - center) / sigma, (high - center) / sigma
            peak1 = math.exp(-0.5 * z1 * z1) / (_SQRT_2PI * sigma)
            peak2 = math.exp(-0.5 * z2 * z2) / (_SQRT_2PI * sigma)
            out[3, j] = _between(z1, z2)
            out[0, j] = K * out[3, j]
            out[1, j] = K * (peak1 - peak2)
            out[2, j] = K * (z1 * peak1 - z2 * peak2)


# -- absorption -------------------------------------------------------------------------------


@_compile
def transmission(column: Any, depth: Any, out: Any) -> None:
    """Write ``(n, m)`` means over bins of exp(-column * depth), by Simpson's rule.

    `depth` ``(3, m)`` holds the cross-section at the lower edge, middle and upper edge of each bin.
    """
    low, middle, high = depth[0], depth[1], depth[2]
    for i in range(column.size):
        N = column[i]
        row = out[i]
        for j in range(row.size):
            ends = fast_exp(-N * low[j]) + fast_exp(-N * high[j])
            row[j] = (ends + 4 * fast_exp(-N * middle[j])) / 6
