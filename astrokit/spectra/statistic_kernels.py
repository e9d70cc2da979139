r"""Compiled fit statistics: -2 ln of the likelihood ratio to a model that meets every datum.

All take the expected source counts `mu` and give the statistic, which falls as the fit improves;
minus half of it is ln L up to a constant that no parameter changes. A background that is not
modelled is profiled out, bin by bin: its best value, in counts of the source region, comes along.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from ..fastmath import fast_log

__all__ = [
    "CHI2",
    "CHI2_MODEL",
    "CSTAT",
    "PGSTAT",
    "WSTAT",
    "curvature",
    "derivatives",
    "profiled_background",
    "terms",
    "total",
]

CSTAT, WSTAT, PGSTAT, CHI2, CHI2_MODEL = 0, 1, 2, 3, 4
_compile = njit(cache=True, error_model="numpy", nogil=True)
_inline = njit(error_model="numpy", forceinline=True)
# Sums may be regrouped, so that loops run several numbers per instruction.
_vectors = njit(error_model="numpy", nogil=True, fastmath={"reassoc", "contract", "nsz"})
_TINY = 1e-300  # a mean below it is as good as none


@_inline
def _poisson(counts: Any, mean: Any) -> Any:
    """Return 2 (mean - counts + counts ln(counts / mean)); infinite where that is impossible."""
    if counts > 0:
        if mean <= 0:
            return np.inf
        return 2 * (mean - counts + counts * math.log(counts / mean))
    return 2 * mean if mean >= 0 else np.inf


@_inline
def _poisson_background(mu: Any, S: Any, B: Any, ratio: Any) -> Any:
    """Return the background, in counts of the source region, that fits S and B best beside mu.

    `ratio` is background counts in the source region per count of the background region.
    """
    if B == 0:
        return max(ratio / (1 + ratio) * S - mu, 0.0)
    if S == 0:
        return ratio / (1 + ratio) * B
    # b (1 + 1/ratio) ... : the positive root of a quadratic, in the form without cancellation.
    k = 1 + 1 / ratio
    p = k * mu - S - B
    root = math.sqrt(p * p + 4 * k * B * mu)
    return 2 * B * mu / (root + p) if p > 0 else (root - p) / (2 * k)


@_inline
def _gaussian_background(mu: Any, S: Any, B: Any, ratio: Any, sigma: Any) -> Any:
    """Return the same for a background of B +- sigma counts."""
    v = ratio * ratio * sigma * sigma  # variance of the background in the source region
    b = ratio * B
    if S == 0:
        return b - v
    # Root of x^2 + (v + mu - b) x + (v mu - v S - b mu) = 0 for which mu + x is positive.
    p = v + mu - b
    root = math.sqrt((v - mu - b) ** 2 + 4 * v * S)
    q = v * mu - v * S - b * mu
    return -2 * q / (p + root) if p > 0 else 0.5 * (root - p)


@_inline
def _background(kind: Any, mu: Any, S: Any, B: Any, ratio: Any, sigma: Any) -> Any:
    if kind == WSTAT:
        return _poisson_background(mu, S, B, ratio)
    if kind == PGSTAT:
        return _gaussian_background(mu, S, B, ratio, sigma)
    return 0.0


@_inline
def _background_slope(kind: Any, mu: Any, S: Any, B: Any, ratio: Any, sigma: Any, b: Any) -> Any:
    """Return how the best background changes with the expected source counts."""
    if kind == CSTAT or S == 0:
        return 0.0
    if kind == PGSTAT:
        v = ratio * ratio * sigma * sigma
        return -(b + v - ratio * B) / (2 * b + v + mu - ratio * B)
    if B == 0:
        return -1.0 if b > 0 else 0.0
    k = 1 + 1 / ratio
    p = k * mu - S - B
    return 0.5 * ((p + 2 * B) / math.sqrt(p * p + 4 * k * B * mu) - 1)


@_inline
def _term(kind: Any, mu: Any, S: Any, B: Any, ratio: Any, sigma: Any) -> Any:
    """Return one datum's statistic; `sigma` is that of B for PGSTAT, of S for CHI2."""
    if kind == CSTAT:
        return _poisson(S, mu)
    if kind == WSTAT:
        if mu < 0:
            return np.inf
        b = _poisson_background(mu, S, B, ratio)
        return _poisson(S, mu + b) + _poisson(B, b / ratio)
    if kind == PGSTAT:
        b = _gaussian_background(mu, S, B, ratio, sigma)
        z = (B - b / ratio) / sigma
        mean = mu + b
        if S == 0:  # linear in the background, so XSPEC's form may go below zero
            return 2 * mean + z * z
        return _poisson(S, mean) + z * z
    if kind == CHI2:
        z = (S - mu) / sigma
        return z * z
    variance = mu + sigma
    if variance <= 0:
        return np.inf
    return (S - mu) ** 2 / variance


@_compile
def terms(kind: int, mu: Any, data: Any, out: Any) -> None:
    """Write ``(n, m)`` terms for `mu` ``(n, m)``; `data` ``(4, m)``: S, B, ratio, sigma."""
    for i in range(mu.shape[0]):
        for j in range(mu.shape[1]):
            out[i, j] = _term(kind, mu[i, j], data[0, j], data[1, j], data[2, j], data[3, j])


@_compile
def total(kind: int, mu: Any, data: Any, out: Any) -> None:
    """Write ``(n,)`` statistics for `mu` ``(n, m)``."""
    for i in range(mu.shape[0]):
        row = mu[i]
        if kind == CSTAT:
            out[i] = _total_cstat(row, data[0])
        elif kind == WSTAT:
            out[i] = _total_wstat(row, data[0], data[1], data[2])
        else:
            s = 0.0
            for j in range(row.size):
                s += _term(kind, row[j], data[0, j], data[1, j], data[2, j], data[3, j])
            out[i] = s


# The two that matter most, without branches and with a logarithm that runs in vectors.


@_inline
def _misfit(counts: Any, mean: Any) -> Any:
    """Return half of what `_poisson` does; `_impossible` tells where there is no such number."""
    ratio = counts / max(mean, _TINY) if counts > 0 else 1.0
    return mean - counts + counts * fast_log(ratio)


@_inline
def _impossible(counts: Any, mean: Any) -> Any:
    """Return 1.0 where a mean cannot have led to these counts, else 0.0."""
    return 1.0 if mean < 0 or (mean == 0 and counts > 0) else 0.0


@_vectors
def _total_cstat(mu: Any, S: Any) -> Any:
    total, wrong = 0.0, 0.0
    for j in range(mu.size):
        total += _misfit(S[j], mu[j])
        wrong += _impossible(S[j], mu[j])
    return 2 * total if wrong == 0 else np.inf


@_inline
def _wstat_background(mu: Any, S: Any, B: Any, ratio: Any) -> Any:
    """Return what `_poisson_background` does; the formula holds without counts as well."""
    k = 1 + 1 / ratio
    p = k * mu - S - B
    root = math.sqrt(p * p + 4 * k * B * mu)
    return 2 * B * mu / (root + p) if p > 0 else (root - p) / (2 * k)


@_vectors
def _total_wstat(mu: Any, S: Any, B: Any, ratio: Any) -> Any:
    total, wrong = 0.0, 0.0
    for j in range(mu.size):
        b = _wstat_background(mu[j], S[j], B[j], ratio[j])
        total += _misfit(S[j], mu[j] + b) + _misfit(B[j], b / ratio[j])
        wrong += 1.0 if mu[j] < 0 else _impossible(S[j], mu[j] + b)
    return 2 * total if wrong == 0 else np.inf


@_compile
def profiled_background(kind: int, mu: Any, data: Any, out: Any) -> None:
    """Write the best background ``(m,)`` in counts of the source region for `mu` ``(m,)``."""
    for j in range(mu.size):
        out[j] = _background(kind, mu[j], data[0, j], data[1, j], data[2, j], data[3, j])


@_compile
def derivatives(kind: int, mu: Any, data: Any, slope: Any, weight: Any) -> float:
    """Return the statistic at `mu` ``(m,)``; write d ln L / d mu and its expected information.

    A profiled background costs information: what is left is one over the variance of the counts
    after an optimal subtraction.
    """
    S, B, ratio, sigma = data[0], data[1], data[2], data[3]
    if kind == CSTAT:
        for j in range(mu.size):
            weight[j] = 1 / max(mu[j], _TINY)
            slope[j] = S[j] * weight[j] - 1
        return _total_cstat(mu, S)
    if kind == WSTAT:
        for j in range(mu.size):
            b = _wstat_background(mu[j], S[j], B[j], ratio[j])
            mean = max(mu[j] + b, _TINY)
            slope[j] = S[j] / mean - 1
            weight[j] = 1 / (mean + ratio[j] * b)
        return _total_wstat(mu, S, B, ratio)
    s = 0.0
    for j in range(mu.size):
        s += _term(kind, mu[j], S[j], B[j], ratio[j], sigma[j])
        if kind == CHI2:
            weight[j] = 1 / (sigma[j] * sigma[j])
            slope[j] = (S[j] - mu[j]) * weight[j]
        elif kind == CHI2_MODEL:
            weight[j] = 1 / (mu[j] + sigma[j])
            z = (S[j] - mu[j]) * weight[j]
            slope[j] = z + 0.5 * z * z
        else:
            b = _gaussian_background(mu[j], S[j], B[j], ratio[j], sigma[j])
            mean = max(mu[j] + b, _TINY)
            slope[j] = S[j] / mean - 1
            weight[j] = 1 / (mean + ratio[j] * ratio[j] * sigma[j] * sigma[j])
    return s


@_compile
def curvature(kind: int, mu: Any, data: Any, out: Any) -> None:
    """Write the second derivative of ln L in each `mu` ``(m,)``, the background following."""
    for j in range(mu.size):
        S, B, ratio, sigma = data[0, j], data[1, j], data[2, j], data[3, j]
        if kind == CHI2:
            out[j] = -1 / (sigma * sigma)
        elif kind == CHI2_MODEL:
            v = mu[j] + sigma
            z = (S - mu[j]) / v
            out[j] = -(1 + z) * (1 + z) / v
        else:
            b = _background(kind, mu[j], S, B, ratio, sigma)
            mean = max(mu[j] + b, 1e-300)
            out[j] = (
                -S / (mean * mean) * (1 + _background_slope(kind, mu[j], S, B, ratio, sigma, b))
            )
