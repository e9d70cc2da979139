"""Compiled spectra of processes with a covariance in closed form: ratios of polynomials in f^2.

Each is ``S = top (1 + n2 f^2) / (1 + d2 f^2 + d4 f^4)``; codes and parameters:

====  ====================  ==============================================================
4     damped random walk    timescale, ln S at the pivot
5     oscillator            center frequency, quality factor, ln S at the center
6     CARMA(2,1)            the same two, moving-average time, ln S at the pivot
====  ====================  ==============================================================
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from ..fastmath import fast_exp

__all__ = [
    "CARMA",
    "DAMPED_RANDOM_WALK",
    "OSCILLATOR",
    "add_rational",
    "add_rational_curvature",
    "RATIONAL_SIZES",
    "rational_coefficients",
    "rational_gradient",
]

DAMPED_RANDOM_WALK, OSCILLATOR, CARMA = 4, 5, 6
RATIONAL_SIZES = (2, 3, 4)  # numbers of parameters
_STEP = 6e-6  # relative, for derivatives of coefficients: third order leaves 1e-11
_WIDE_STEP = 1e-4  # relative, for differences of derivatives

_compile = njit(cache=True, error_model="numpy", nogil=True, fastmath={"reassoc"})


@_compile
def rational_coefficients(code: int, values: Any, at: int, log_pivot: float, out: Any) -> None:
    """Write ln top, n2, d2, d4 into out."""
    out[1], out[3] = 0.0, 0.0
    pivot_2 = math.exp(2.0 * log_pivot)
    if code == DAMPED_RANDOM_WALK:
        out[2] = (2.0 * math.pi * values[at]) ** 2
        out[0] = values[at + 1] + math.log1p(out[2] * pivot_2)
        return
    f0, quality = values[at], values[at + 1]
    out[2] = (1.0 / (quality * quality) - 2.0) / (f0 * f0)
    out[3] = 1.0 / (f0 * f0 * f0 * f0)
    if code == OSCILLATOR:
        out[0] = values[at + 2] - 2.0 * math.log(quality)
        return
    out[1] = (2.0 * math.pi * values[at + 2]) ** 2
    bottom = 1.0 + pivot_2 * (out[2] + pivot_2 * out[3])
    out[0] = values[at + 3] + math.log(bottom) - math.log1p(out[1] * pivot_2)


@_compile
def add_rational(code: int, values: Any, at: int, log_pivot: float, log_f: Any, S: Any) -> None:
    """Add the component at `log_f` to S."""
    c = np.empty(4)
    rational_coefficients(code, values, at, log_pivot, c)
    log_top, n2, d2, d4 = c[0], c[1], c[2], c[3]
    top = math.exp(log_top)
    for i in range(S.size):
        f2 = fast_exp(2.0 * log_f[i])
        S[i] += top * (1.0 + n2 * f2) / (1.0 + f2 * (d2 + f2 * d4))


@_compile
def rational_gradient(
    code: int, values: Any, at: int, log_pivot: float, log_f: Any, S: Any, D: Any
) -> None:
    """Add the component to S and write its derivatives into D ``(parameters, >= m)``.

    Coefficients are differentiated by central differences, the rest by the chain rule.
    """
    size = RATIONAL_SIZES[code - DAMPED_RANDOM_WALK]
    c, ahead, behind = np.empty(4), np.empty(4), np.empty(4)
    rational_coefficients(code, values, at, log_pivot, c)
    own, slopes = values[at : at + size].copy(), np.empty((size, 4))
    for k in range(size - 1):  # the last is the logarithm of an amplitude
        value = own[k]
        step = _STEP * max(abs(value), 1e-30)
        own[k] = value + step
        rational_coefficients(code, own, 0, log_pivot, ahead)
        own[k] = value - step
        rational_coefficients(code, own, 0, log_pivot, behind)
        own[k] = value
        for j in range(4):
            slopes[k, j] = (ahead[j] - behind[j]) / (2.0 * step)
    top = math.exp(c[0])
    for i in range(S.size):
        f2 = fast_exp(2.0 * log_f[i])
        share = top / (1.0 + f2 * (c[2] + f2 * c[3]))
        P = share * (1.0 + c[1] * f2)
        by_bottom = -P * share / top * f2
        for k in range(size - 1):
            D[k, i] = (
                slopes[k, 0] * P
                + slopes[k, 1] * share * f2
                + (slopes[k, 2] + slopes[k, 3] * f2) * by_bottom
            )
        D[size - 1, i] = P
        S[i] += P


@_compile
def add_rational_curvature(
    code: int, values: Any, at: int, log_pivot: float, log_f: Any, weight: Any, out: Any
) -> None:
    """Add ``sum weight * second derivatives of S`` to the lower half of out."""
    size, n = RATIONAL_SIZES[code - DAMPED_RANDOM_WALK], weight.size
    ahead, behind, unused = np.empty((size, n)), np.empty((size, n)), np.empty(n)
    own = values[at : at + size].copy()
    for k in range(size):
        value = own[k]
        step = _WIDE_STEP * (max(abs(value), 1e-30) if k < size - 1 else 1.0)
        own[k] = value + step
        rational_gradient(code, own, 0, log_pivot, log_f, unused, ahead)
        own[k] = value - step
        rational_gradient(code, own, 0, log_pivot, log_f, unused, behind)
        own[k] = value
        for j in range(k, size):
            total = 0.0
            for i in range(n):
                total += weight[i] * (ahead[j, i] - behind[j, i])
            out[at + j, at + k] += total / (2.0 * step)
