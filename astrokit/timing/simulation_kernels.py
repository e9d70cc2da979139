"""Compiled loops of simulations: plain native float64 arrays in and out, no checks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

__all__ = ["bin_means", "fourier_coefficients", "observe"]

_compile = njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
_inline = njit(error_model="numpy", fastmath={"contract"}, forceinline=True)
_LN2 = 0.6931471805599453
_MANTISSA = (1 << 52) - 1
_HALF_EXPONENT = 1022 << 52  # of numbers from 1/2 to 1


@_inline
def _radius(word: Any) -> Any:
    """Return the length of a pair of standard normal numbers from the upper 40 bits of a word.

    ``sqrt(-2 ln u)`` with u at the middle of one of 2**40 cells: up to 7.5. The logarithm is that
    of the exponent and an odd series in (m - 1)/(m + 1) of the mantissa m, 1/sqrt(2) to sqrt(2).
    """
    u = (np.float64(np.int64(word >> np.uint64(24))) + 0.5) * 2.0**-40
    bits = np.float64(u).view(np.int64)
    m = np.int64((bits & _MANTISSA) | _HALF_EXPONENT).view(np.float64)
    exponent = np.float64((bits >> 52) - 1022)
    low = m < 0.7071067811865476
    m = m + m if low else m
    exponent = exponent - 1.0 if low else exponent
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    p = 1.0 / 19.0
    p = p * z + 1.0 / 17.0
    p = p * z + 1.0 / 15.0
    p = p * z + 1.0 / 13.0
    p = p * z + 1.0 / 11.0
    p = p * z + 1.0 / 9.0
    p = p * z + 1.0 / 7.0
    p = p * z + 1.0 / 5.0
    p = p * z + 1.0 / 3.0
    p = p * z + 1.0
    return math.sqrt(-2.0 * (exponent * _LN2 + 2.0 * s * p))


@_inline
def _sine_and_cosine(word: Any) -> Any:
    """Return sine and cosine of y, -pi/4 to pi/4, over sqrt(2), from bits 2 to 23 of a word."""
    x = (np.float64(np.int64((word >> np.uint64(2)) & np.uint64(0x3FFFFF))) + 0.5) * 2.0**-22 - 0.5
    y = x * 1.5707963267948966
    z = y * y
    s = -1.0 / 39916800.0
    s = s * z + 1.0 / 362880.0
    s = s * z - 1.0 / 5040.0
    s = s * z + 1.0 / 120.0
    s = s * z - 1.0 / 6.0
    s = s * z + 1.0
    c = 1.0 / 479001600.0
    c = c * z - 1.0 / 3628800.0
    c = c * z + 1.0 / 40320.0
    c = c * z - 1.0 / 720.0
    c = c * z + 1.0 / 24.0
    c = c * z - 0.5
    c = c * z + 1.0
    return s * y * 0.7071067811865476, c * 0.7071067811865476


@_compile
def fourier_coefficients(words: Any, amplitude: Any, out: Any) -> None:
    """Write complex normal coefficients of realisations into `out`.

    Parameters
    ----------
    words : uint64 (rows, m)
        Random bits; each word makes one coefficient (Box & Muller 1958): 40 bits its length, 22 its
        direction within a quadrant, 2 the quadrant.
    amplitude : float64 (m,)
        Standard deviation of each of the two parts.
    out : float64 (rows, 2 m + 2)
        Real and imaginary parts in turn, from frequency zero, whose coefficient is zero. The last
        one is real, and carries both halves.
    """
    m = amplitude.size
    for row in range(words.shape[0]):
        word, to = words[row], out[row]
        to[0] = 0.0
        to[1] = 0.0
        for k in range(m):
            w = word[k]
            r = amplitude[k] * _radius(w)
            s, c = _sine_and_cosine(w)
            across = 1.0 - np.float64(np.int64(w & np.uint64(1)) << 1)
            along = 1.0 - np.float64(np.int64(w & np.uint64(2)))
            to[2 * k + 2] = across * r * (c - s)
            to[2 * k + 3] = along * r * (c + s)
        to[2 * m] *= math.sqrt(2.0)
        to[2 * m + 1] = 0.0


@_compile
def bin_means(fine: Any, finer: int, out: Any) -> None:
    """Write means of `finer` neighbours of `fine` ``(rows, cells)`` into `out` ``(rows, n)``."""
    for row in range(out.shape[0]):
        values, to = fine[row], out[row]
        for i in range(out.shape[1]):
            total = 0.0
            for k in range(finer):
                total += values[i * finer + k]
            to[i] = total / finer


@_compile
def observe(fine: Any, left: Any, right: Any, out: Any) -> None:
    """Write means of `fine` ``(rows, cells)`` from `left` to `right` into `out` ``(rows, n)``.

    Positions are counted in cells, each of constant height. Equal ends take the cell in which they
    lie.
    """
    cells = fine.shape[1]
    for row in range(out.shape[0]):
        values, to = fine[row], out[row]
        for i in range(out.shape[1]):
            first = min(int(left[i]), cells - 1)
            length = right[i] - left[i]
            if length <= 1e-6:
                to[i] = values[first]
                continue
            last = min(int(right[i]), cells - 1)
            total = -(left[i] - first) * values[first]
            for k in range(first, last):
                total += values[k]
            to[i] = (total + (right[i] - last) * values[last]) / length
