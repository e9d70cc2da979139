"""Compiled product of a response, stored as runs, with a block of spectra."""

from __future__ import annotations

from typing import Any

from numba import njit

__all__ = ["back", "fold"]

# Sums may be regrouped, so that loops run several numbers per instruction.
_compile = njit(
    cache=True, error_model="numpy", nogil=True, fastmath={"reassoc", "contract", "nsz"}
)


@_compile
def fold(block: Any, begin: Any, runs: Any, values: Any, scales: Any, out: Any) -> None:
    """Write ``(n, rows)``: for each row, its scale times the sum of response times photons.

    Four rows and four spectra go together: each number is read once for sixteen products.
    """
    n = block.shape[0]
    whole = n - n % 4
    out[:] = 0.0
    for b in range(begin.size - 1):
        for k in range(begin[b], begin[b + 1]):
            run = runs[k]
            for i in range(0, whole, 4):
                _four_spectra(block[i : i + 4], run, values, out[i : i + 4, 4 * b : 4 * b + 4])
            for i in range(whole, n):
                _one_spectrum(block[i], run, values, out[i, 4 * b : 4 * b + 4])
    for i in range(n):
        row = out[i]
        for j in range(row.size):
            row[j] *= scales[j]


@njit(error_model="numpy", forceinline=True)
def _one_spectrum(photons: Any, run: Any, values: Any, out: Any) -> None:
    """Add to `out` ``(4,)`` what one run of four rows makes of one spectrum."""
    width, at = run[1] - run[0], run[2]
    p = photons[run[0] : run[1]]
    w0, w1 = values[at : at + width], values[at + width : at + 2 * width]
    w2, w3 = values[at + 2 * width : at + 3 * width], values[at + 3 * width : at + 4 * width]
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    for j in range(width):
        x = p[j]
        s0 += w0[j] * x
        s1 += w1[j] * x
        s2 += w2[j] * x
        s3 += w3[j] * x
    out[0] += s0
    out[1] += s1
    out[2] += s2
    out[3] += s3


@njit(error_model="numpy", forceinline=True)
def _four_spectra(photons: Any, run: Any, values: Any, out: Any) -> None:
    """Add to `out` ``(4 spectra, 4 rows)`` what one run of four rows makes of four spectra."""
    width, at = run[1] - run[0], run[2]
    p0, p1 = photons[0, run[0] : run[1]], photons[1, run[0] : run[1]]
    p2, p3 = photons[2, run[0] : run[1]], photons[3, run[0] : run[1]]
    w0, w1 = values[at : at + width], values[at + width : at + 2 * width]
    w2, w3 = values[at + 2 * width : at + 3 * width], values[at + 3 * width : at + 4 * width]
    a0, a1, a2, a3 = 0.0, 0.0, 0.0, 0.0
    b0, b1, b2, b3 = 0.0, 0.0, 0.0, 0.0
    c0, c1, c2, c3 = 0.0, 0.0, 0.0, 0.0
    d0, d1, d2, d3 = 0.0, 0.0, 0.0, 0.0
    for j in range(width):
        w, x, y, z = w0[j], w1[j], w2[j], w3[j]
        p = p0[j]
        a0 += p * w
        a1 += p * x
        a2 += p * y
        a3 += p * z
        p = p1[j]
        b0 += p * w
        b1 += p * x
        b2 += p * y
        b3 += p * z
        p = p2[j]
        c0 += p * w
        c1 += p * x
        c2 += p * y
        c3 += p * z
        p = p3[j]
        d0 += p * w
        d1 += p * x
        d2 += p * y
        d3 += p * z
    _add(out[0], a0, a1, a2, a3)
    _add(out[1], b0, b1, b2, b3)
    _add(out[2], c0, c1, c2, c3)
    _add(out[3], d0, d1, d2, d3)


@njit(error_model="numpy", forceinline=True)
def _add(out: Any, a: Any, b: Any, c: Any, d: Any) -> None:
    out[0] += a
    out[1] += b
    out[2] += c
    out[3] += d


@_compile
def back(weights: Any, begin: Any, runs: Any, values: Any, out: Any) -> None:
    """Add to `out` ``(n,)`` the rows of the response, each times its weight."""
    for b in range(begin.size - 1):
        w, x, y, z = weights[4 * b], weights[4 * b + 1], weights[4 * b + 2], weights[4 * b + 3]
        for k in range(begin[b], begin[b + 1]):
            start, stop, at = runs[k, 0], runs[k, 1], runs[k, 2]
            width = stop - start
            v0, v1 = values[at : at + width], values[at + width : at + 2 * width]
            v2 = values[at + 2 * width : at + 3 * width]
            v3 = values[at + 3 * width : at + 4 * width]
            part = out[start:stop]
            for j in range(width):
                part[j] += (w * v0[j] + x * v1[j]) + (y * v2[j] + z * v3[j])
