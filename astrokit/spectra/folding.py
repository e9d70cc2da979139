"""Folding photon spectra through a response: a sparse matrix times a block of spectra."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ShapeError

__all__ = ["Fold"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_TOGETHER = 4  # rows that share their runs, so that photons are read once for them
_GAP = 8  # zeros that are stored rather than skipped: a longer loop costs less than another one
_WHOLE = 8  # runs are filled up with zeros to whole vectors


class Fold:
    """A response matrix, stored as runs of neighbouring energies that four rows share.

    Parameters
    ----------
    matrix : scipy.sparse matrix or ndarray, shape (rows, n_energies)
        Counts per row (a channel or a group of channels) and photon / cm2 / s of an energy bin.
    rows : array_like, shape (rows,), optional
        Factors of the rows, such as the exposure.
    columns : array_like, shape (n_energies,), optional
        Factors of the columns, such as the effective area. Apart from it, a matrix from a file
        consists of float32 numbers, and takes half the memory and time; sums are float64 in any
        case.

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.spectra.folding import Fold
    >>> Fold(np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 3.0]])).fold(np.array([[1.0, 1.0, 1.0]]))
    array([[3., 3.]])
    """

    def __init__(
        self, matrix: Any, *, rows: ArrayLike | None = None, columns: ArrayLike | None = None
    ) -> None:
        from scipy.sparse import csr_matrix

        csr = csr_matrix(matrix, dtype=np.float64)
        csr.sum_duplicates()
        csr.eliminate_zeros()
        self.shape: tuple[int, int] = csr.shape
        self._begin, self._runs, values = _as_runs(csr)
        self._scales = np.ones(_TOGETHER * (self._begin.size - 1))
        if rows is not None:
            self._scales[: self.shape[0]] = _factors(rows, self.shape[0])
        self._columns = None if columns is None else _factors(columns, self.shape[1])
        self._values = _narrowed(values)
        self._merged: dict[tuple[int, int], tuple[Fold, IntArray]] = {}

    def fold(self, block: FloatArray) -> FloatArray:
        """Return ``(n, rows)`` predicted counts for ``(n, n_energies)`` photons.

        Raises
        ------
        ShapeError
            When the block has another number of energies.
        """
        from .folding_kernels import fold

        if block.ndim != 2 or block.shape[1] != self.shape[1]:
            raise ShapeError(
                "the spectra do not have the energy bins of the response",
                value=f"shape {block.shape}",
                allowed=f"(n, {self.shape[1]})",
            )
        if self._columns is not None:
            block = block * self._columns
        block = np.ascontiguousarray(block, np.float64)
        out = np.empty((block.shape[0], self._scales.size))
        fold(block, self._begin, self._runs, self._values, self._scales, out)
        return np.ascontiguousarray(out[:, : self.shape[0]])

    def back(self, weights: FloatArray) -> FloatArray:
        """Return what each energy contributes ``(n_energies,)`` to a weighted sum of the rows."""
        from .folding_kernels import back

        padded = np.zeros(self._scales.size)
        padded[: self.shape[0]] = weights
        padded *= self._scales
        out = np.zeros(self.shape[1])
        back(padded, self._begin, self._runs, self._values, out)
        return out if self._columns is None else out * self._columns

    def dense(self) -> FloatArray:
        """Return the matrix ``(rows, n_energies)`` as a plain array."""
        result = np.zeros((self._scales.size, self.shape[1]))
        for block in range(self._begin.size - 1):
            rows = slice(_TOGETHER * block, _TOGETHER * (block + 1))
            for start, stop, at in self._runs[self._begin[block] : self._begin[block + 1]]:
                end = at + _TOGETHER * (stop - start)
                result[rows, start:stop] += self._values[at:end].reshape(_TOGETHER, -1)
        result = (result * self._scales[:, None])[: self.shape[0]]
        return result if self._columns is None else result * self._columns

    def merged(self, rows: int, columns: int) -> tuple[Fold, IntArray]:
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


def _factors(values: ArrayLike, size: int) -> FloatArray:
    """Return factors ``(size,)``."""
    array = np.ascontiguousarray(values, dtype=np.float64)
    if array.shape != (size,):
        raise ShapeError(
            "the factors do not fit the matrix", value=f"shape {array.shape}", allowed=f"({size},)"
        )
    return array


def _narrowed(values: FloatArray) -> NDArray[Any]:
    """Return the values as float32 if that changes none of them."""
    with np.errstate(over="ignore", under="ignore"):
        narrow = values.astype(np.float32)
    # Numbers too small for their exponent are rare, and slow to widen.
    subnormal = (narrow != 0) & (np.abs(narrow) < np.finfo(np.float32).tiny)
    return narrow if np.array_equal(narrow, values) and not subnormal.any() else values


def _as_runs(csr: Any) -> tuple[IntArray, IntArray, FloatArray]:
    """Return where the runs of each four rows begin, ``(start, stop, place)`` of runs, and values.

    The values of a run are those of its first row, then of its second, and so on.
    """
    n_rows, n_columns = csr.shape
    rows = np.repeat(np.arange(n_rows), np.diff(csr.indptr))
    blocks, columns = rows // _TOGETHER, csr.indices.astype(np.int64)
    order = np.lexsort((columns, blocks))
    rows, blocks, columns, data = rows[order], blocks[order], columns[order], csr.data[order]
    new = np.ones(columns.size, dtype=bool)
    new[1:] = (np.diff(blocks) != 0) | (np.diff(columns) > _GAP)
    first = np.flatnonzero(new)
    last = np.append(first[1:], columns.size)[: first.size] - 1
    width = np.minimum(-(-(columns[last] + 1 - columns[first]) // _WHOLE) * _WHOLE, n_columns)
    starts = np.minimum(columns[first], n_columns - width)
    place = np.concatenate([[0], np.cumsum(_TOGETHER * width)]).astype(np.int64)
    values = np.zeros(int(place[-1]))
    run = np.cumsum(new) - 1
    values[place[run] + (rows % _TOGETHER) * width[run] + columns - starts[run]] = data
    runs = np.column_stack([starts, starts + width, place[:-1]]).astype(np.int64)
    n_blocks = -(-n_rows // _TOGETHER)
    begin = np.searchsorted(blocks[first], np.arange(n_blocks + 1)).astype(np.int64)
    return begin, np.ascontiguousarray(runs), values
