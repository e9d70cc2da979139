"""Folding photon spectra through a response: a sparse matrix times a block of spectra."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError

__all__ = ["Fold"]

FloatArray = NDArray[np.float64]
_GAP = 8  # zeros that are stored rather than skipped: a longer loop costs less than another one
_PAD = 8  # runs are filled up with zeros to whole vectors


def _padded(block: FloatArray) -> FloatArray:
    result = np.zeros((block.shape[0], block.shape[1] + _PAD))
    result[:, : block.shape[1]] = block
    return result


class Fold:
    """A response matrix, stored as runs of neighbouring energies, row by row.

    Parameters
    ----------
    matrix : scipy.sparse matrix or ndarray, shape (rows, n_energies)
        Counts per row (a channel or a group of channels) and photon / cm2 / s of an energy bin.

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.spectra.folding import Fold
    >>> Fold(np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 3.0]])).fold(np.array([[1.0, 1.0, 1.0]]))
    array([[3., 3.]])
    """

    def __init__(self, matrix: Any) -> None:
        from scipy.sparse import csr_matrix

        csr = csr_matrix(matrix, dtype=np.float64)
        csr.sum_duplicates()
        csr.eliminate_zeros()
        self.shape: tuple[int, int] = csr.shape
        self._rows, self._runs, self._values = _as_runs(csr)
        self._merged: dict[tuple[int, int], tuple[Fold, NDArray[np.int64]]] = {}

    def fold(self, block: FloatArray) -> FloatArray:
        """Return ``(n, rows)`` predicted counts for ``(n, n_energies)`` photons.

        Raises
        ------
        ShapeError
            When the block has another number of energies.
        """
        from .folding_kernels import fold

        block = np.ascontiguousarray(block, dtype=np.float64)
        if block.ndim != 2 or block.shape[1] != self.shape[1]:
            raise ShapeError(
                "the spectra do not have the energy bins of the response",
                value=f"shape {block.shape}",
                allowed=f"(n, {self.shape[1]})",
            )
        out = np.empty((block.shape[0], self.shape[0]))
        fold(_padded(block), self._rows, self._runs, self._values, out)
        return out

    def back(self, weights: FloatArray) -> FloatArray:
        """Return what each energy contributes ``(n_energies,)`` to a weighted sum of the rows."""
        from .folding_kernels import back

        out = np.zeros(self.shape[1] + _PAD)
        back(np.ascontiguousarray(weights), self._rows, self._runs, self._values, out)
        return out[: self.shape[1]]

    def dense(self) -> FloatArray:
        """Return the matrix ``(rows, n_energies)`` as a plain array."""
        result = np.zeros(self.shape)
        for row in range(self.shape[0]):
            for start, stop, at in self._runs[self._rows[row] : self._rows[row + 1]]:
                end = min(stop, self.shape[1])
                result[row, start:end] += self._values[at : at + end - start]
        return result

    def merged(self, rows: int, columns: int) -> tuple[Fold, NDArray[np.int64]]:
        """Return a smaller response and the first energy bin of each of its energies.

        Groups of `rows` neighbouring rows are summed. Of `columns` neighbouring energies the mean
        is taken, which is exact where a spectrum does not change among them.
        """
        key = (rows, columns)
        if key not in self._merged:
            n, m = self.shape
            first = np.arange(0, m, columns)
            dense = np.add.reduceat(self.dense(), np.arange(0, n, rows), axis=0)
            sizes = np.diff(np.append(first, m))
            self._merged[key] = Fold(np.add.reduceat(dense, first, axis=1) / sizes), first
        return self._merged[key]


def _as_runs(csr: Any) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]:
    """Return where the runs of each row begin, ``(start, stop, place)`` of each run, and values."""
    rows = np.repeat(np.arange(csr.shape[0]), np.diff(csr.indptr))
    columns = csr.indices.astype(np.int64)
    order = np.lexsort((columns, rows))
    rows, columns, data = rows[order], columns[order], csr.data[order]
    new = np.ones(columns.size, dtype=bool)
    new[1:] = (np.diff(rows) != 0) | (np.diff(columns) > _GAP)
    first = np.flatnonzero(new)
    last = np.append(first[1:], columns.size) - 1
    starts, stops = columns[first], columns[last] + 1
    stops = starts - (-(stops - starts) // _PAD) * _PAD
    place = np.concatenate([[0], np.cumsum(stops - starts)]).astype(np.int64)
    values = np.zeros(int(place[-1]))
    run = np.cumsum(new) - 1
    values[place[run] + columns - starts[run]] = data
    runs = np.ascontiguousarray(np.column_stack([starts, stops, place[:-1]]), dtype=np.int64)
    begin = np.searchsorted(rows[first], np.arange(csr.shape[0] + 1)).astype(np.int64)
    return begin, runs, values
