"""Compiled product of a response, stored as runs, with a block of spectra."""

from __future__ import annotations

from typing import Any

from numba import njit

__all__ = ["back", "fold"]


@njit(
    cache=True,
    error_model="numpy",
    nogil=True,
    # Sums may be regrouped, so that loops run several numbers per instruction.
    fastmath={"reassoc", "contract", "nsz"},
)
def fold(block: Any, rows: Any, runs: Any, values: Any, out: Any) -> None:
    """Write ``(n, rows)``: every row's sum over its runs of response times photons.

    Four spectra go together, so that each number of the response is read once for them.
    """
    n = block.shape[0]
    for row in range(rows.size - 1):
        out[:, row] = 0.0
        for k in range(rows[row], rows[row + 1]):
            start, stop, at = runs[k, 0], runs[k, 1], runs[k, 2]
            weights = values[at : at + stop - start]
            i = 0
            while i + 4 <= n:
                p0, p1 = block[i, start:stop], block[i + 1, start:stop]
                p2, p3 = block[i + 2, start:stop], block[i + 3, start:stop]
                s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
                for j in range(weights.size):
                    w = weights[j]
                    s0 += w * p0[j]
                    s1 += w * p1[j]
                    s2 += w * p2[j]
                    s3 += w * p3[j]
                out[i, row] += s0
                out[i + 1, row] += s1
                out[i + 2, row] += s2
                out[i + 3, row] += s3
                i += 4
            while i < n:
                photons = block[i, start:stop]
                total = 0.0
                for j in range(weights.size):
                    total += weights[j] * photons[j]
                out[i, row] += total
                i += 1


@njit(cache=True, error_model="numpy", nogil=True)
def back(weights: Any, rows: Any, runs: Any, values: Any, out: Any) -> None:
    """Add to `out` ``(n,)`` the rows of the response, each times its weight."""
    for row in range(rows.size - 1):
        w = weights[row]
        for k in range(rows[row], rows[row + 1]):
            start, stop, at = runs[k, 0], runs[k, 1], runs[k, 2]
            numbers = values[at : at + stop - start]
            part = out[start:stop]
            for j in range(numbers.size):
                part[j] += w * numbers[j]
