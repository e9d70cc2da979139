"""Compiled counting of ordinal patterns: plain native float64 arrays in and out, no checks.

A window is the samples ``x[i + offsets[j]]``. Its code is the Lehmer code of the stable order of
these samples, between 0 (rising) and n! - 1 (falling): a number per pattern without sorting.
Comparisons run over whole slices, a block at a time, so that the compiler can use vector
instructions and all intermediate results stay in the cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from ..inference.kernels import compiled_likelihood

__all__ = [
    "BLOCK",
    "add_weights",
    "count_blocks",
    "count_nonfinite",
    "count_transitions",
    "long_codes",
    "short_codes",
    "tabulated",
]

BLOCK = 2048  # windows at a time: their codes and samples fit into the first cache

_compile = njit(cache=True, error_model="numpy", nogil=True, fastmath=False)


@_compile
def count_nonfinite(x: Any) -> int:
    """Return how many elements are NaN or infinite."""
    bad = 0
    for i in range(x.size):
        bad += x[i] - x[i] != 0.0
    return bad


@_compile
def short_codes(x: Any, start: int, offsets: Any, tolerance: float, codes: Any) -> None:
    """Fill `codes` (uint16) for the windows from `start` on; for n <= 8."""
    n, m = offsets.size, codes.size
    for i in range(m):
        codes[i] = np.uint16(0)
    weight = 1
    for j in range(n - 2, -1, -1):
        weight *= n - 1 - j
        step = np.uint16(weight)
        earlier = x[start + offsets[j] : start + offsets[j] + m]
        for k in range(j + 1, n):
            later = x[start + offsets[k] : start + offsets[k] + m]
            for i in range(m):
                codes[i] = np.uint16(
                    codes[i] + (step if earlier[i] > later[i] + tolerance else np.uint16(0))
                )


@_compile
def long_codes(x: Any, start: int, offsets: Any, tolerance: float, codes: Any) -> None:
    """Fill `codes` (int64) for the windows from `start` on; for n <= 20."""
    n, m = offsets.size, codes.size
    for i in range(m):
        codes[i] = 0
    weight = 1
    for j in range(n - 2, -1, -1):
        weight *= n - 1 - j
        earlier = x[start + offsets[j] : start + offsets[j] + m]
        for k in range(j + 1, n):
            later = x[start + offsets[k] : start + offsets[k] + m]
            for i in range(m):
                codes[i] += weight if earlier[i] > later[i] + tolerance else 0


@_compile
def _add(codes: Any, tables: Any) -> None:
    # Four tables: equal codes in a row would otherwise wait for each other's increment.
    first, second, third, fourth = tables[0], tables[1], tables[2], tables[3]
    even = codes.size // 4 * 4
    for i in range(0, even, 4):
        first[codes[i]] += 1
        second[codes[i + 1]] += 1
        third[codes[i + 2]] += 1
        fourth[codes[i + 3]] += 1
    for i in range(even, codes.size):
        first[codes[i]] += 1


@_compile
def _add_usable(codes: Any, usable: Any, table: Any) -> None:
    for i in range(codes.size):
        if usable[i]:
            table[codes[i]] += 1


@_compile
def count_blocks(
    x: Any, edges: Any, offsets: Any, tolerance: float, usable: Any, counts: Any
) -> None:
    """Add to row b of `counts` (B, n!) the windows that start in ``edges[b]`` to ``edges[b + 1]``.

    `usable` says which windows count; empty for all of them.
    """
    tables = np.empty((4, counts.shape[1]), np.int64)
    buffer = np.empty(BLOCK, np.uint16)
    for b in range(edges.size - 1):
        tables[:] = 0
        for start in range(edges[b], edges[b + 1], BLOCK):
            m = min(BLOCK, edges[b + 1] - start)
            codes = buffer[:m]
            short_codes(x, start, offsets, tolerance, codes)
            if usable.size:
                _add_usable(codes, usable[start : start + m], tables[0])
            else:
                _add(codes, tables)
        row = counts[b]
        for i in range(row.size):
            row[i] += tables[0, i] + tables[1, i] + tables[2, i] + tables[3, i]


@_compile
def add_weights(x: Any, start: int, offsets: Any, weights: Any) -> None:
    """Fill `weights` with the variance of the samples of each window from `start` on."""
    n, m = offsets.size, weights.size
    mean = np.zeros(m)
    for j in range(n):
        sample = x[start + offsets[j] : start + offsets[j] + m]
        for i in range(m):
            mean[i] += sample[i]
    for i in range(m):
        mean[i] /= n
        weights[i] = 0.0
    for j in range(n):
        sample = x[start + offsets[j] : start + offsets[j] + m]
        for i in range(m):
            weights[i] += (sample[i] - mean[i]) ** 2
    for i in range(m):
        weights[i] /= n


@_compile
def count_transitions(nodes: Any, usable: Any, step: int, counts: Any) -> None:
    """Add to ``counts[a, b]`` each pair of nodes `step` windows apart, both of them usable."""
    for i in range(nodes.size - step):
        if usable[i] and usable[i + step]:
            counts[nodes[i], nodes[i + step]] += 1


@compiled_likelihood
def tabulated(values: Any, data: Any) -> float:
    """Return a log-likelihood of one parameter from cubic polynomials between tabulated values.

    The first column of `data` holds the ends of the table, the others the polynomials.
    """
    low, high = data[0, 0], data[1, 0]
    if not low <= values[0] <= high:
        return -np.inf
    step = (high - low) / (data.shape[1] - 1)
    cell = min(int((values[0] - low) / step), data.shape[1] - 2)
    t = values[0] - (low + cell * step)
    k = cell + 1
    return ((data[0, k] * t + data[1, k]) * t + data[2, k]) * t + data[3, k]
