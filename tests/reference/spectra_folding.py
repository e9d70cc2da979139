"""A response read and folded the slow way: FITS rows one by one, a dense matrix, plain sums."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits


def dense_matrix(path: Path, extension: int, n_channels: int) -> np.ndarray:
    """Return a matrix as ``(n_energies, n_channels)``; F_CHAN counts from TLMIN or 1."""
    with fits.open(path, memmap=False) as hdus:
        hdu = hdus[extension]
        column = [name.upper() for name in hdu.columns.names].index("F_CHAN") + 1
        first = int(hdu.header.get(f"TLMIN{column}", 1))
        matrix = np.zeros((len(hdu.data), n_channels))
        for k, row in enumerate(hdu.data):
            begins, lengths = np.atleast_1d(row["F_CHAN"]), np.atleast_1d(row["N_CHAN"])
            values, at = np.atleast_1d(row["MATRIX"]), 0
            for group in range(row["N_GRP"]):
                for i in range(lengths[group]):
                    matrix[k, begins[group] - first + i] += values[at]
                    at += 1
    return matrix


def fold(photons: np.ndarray, area: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return counts per second and channel of photons ``(n_energies,)``, energy by energy."""
    rate = np.zeros(matrix.shape[1])
    for k in range(matrix.shape[0]):
        rate += photons[k] * area[k] * matrix[k]
    return rate
