"""Readable NumPy twins of the kernels of simulations."""

from __future__ import annotations

import numpy as np


def coefficients(words, amplitude):
    """Return complex normal coefficients after Box & Muller; see the kernel for the bits."""
    bits = np.array([[int(w) for w in row] for row in words], dtype=object)
    u = ((bits // 2**24) + 0.5).astype(float) / 2**40
    turn = (((bits // 4) % 2**22) + 0.5).astype(float) / 2**22 * np.pi / 2
    signs = [1.0 - 2.0 * ((bits // k) % 2).astype(float) for k in (1, 2)]
    radius = amplitude * np.sqrt(-2 * np.log(u))
    made = radius * (signs[0] * np.cos(turn) + 1j * signs[1] * np.sin(turn))
    made[:, -1] = np.sqrt(2) * made[:, -1].real
    return np.concatenate([np.zeros((len(words), 1)), made], axis=1)


def observed(fine, left, right):
    """Return means over stretches of cells, from the integral of the staircase."""
    edges = np.arange(fine.shape[1] + 1.0)
    rows = []
    for values in fine:
        total = np.concatenate([[0.0], np.cumsum(values)])
        length = right - left
        summed = np.interp(right, edges, total) - np.interp(left, edges, total)
        inside = values[left.astype(int)]
        rows.append(np.where(length > 0, summed / np.where(length > 0, length, 1), inside))
    return np.array(rows)
