"""Energy bins in the form that model kernels take."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, require_equal_lengths
from ..errors import InputError

__all__ = ["EnergyGrid"]

FloatArray = NDArray[np.float64]


class EnergyGrid:
    """Energy bins, adjacent or not.

    Parameters
    ----------
    low, high : array_like, shape (m,)
        Edges of the bins in keV, 0 < low <= high.

    Attributes
    ----------
    log_edges : ndarray, shape (k + 1,)
        Natural logarithms of the edges of k adjacent bins, among which are the m bins.

    Raises
    ------
    InputError
        For an edge at or below zero, where power laws do not exist, or a bin that is turned round.

    Examples
    --------
    >>> from astrokit.spectra.grid import EnergyGrid
    >>> grid = EnergyGrid([1.0, 2.0, 5.0], [2.0, 3.0, 6.0])  # nothing between 3 and 5
    >>> len(grid), grid.log_edges.size
    (3, 6)
    """

    def __init__(self, low: ArrayLike, high: ArrayLike) -> None:
        self.low = as_array(low, "low", unit=getattr(low, "unit", None) and "keV")
        self.high = as_array(high, "high", unit=getattr(high, "unit", None) and "keV")
        require_equal_lengths(low=self.low, high=self.high)
        self._check()
        if np.allclose(self.low[1:], self.high[:-1], rtol=1e-6, atol=0):
            edges, self._keep = np.append(self.low, self.high[-1]), None
        else:
            # Bins and what lies between them, taken in turn; the latter is left out afterwards.
            edges = np.column_stack([self.low, self.high]).ravel()
            self._keep = np.arange(0, 2 * self.low.size - 1, 2)
        self.log_edges = np.log(edges)
        self.cache: dict[Any, FloatArray] = {}
        self.related: dict[Any, EnergyGrid] = {}

    @classmethod
    def from_edges(cls, edges: ArrayLike) -> EnergyGrid:
        """Return the grid of adjacent bins with these edges ``(m + 1,)`` in keV."""
        array = as_array(edges, "edges", unit=getattr(edges, "unit", None) and "keV", min_size=2)
        return cls(array[:-1].copy(), array[1:].copy())

    def __len__(self) -> int:
        return self.low.size

    @property
    def n_adjacent(self) -> int:
        """Number of adjacent bins for which kernels compute."""
        return self.log_edges.size - 1

    def pick(self, block: FloatArray) -> FloatArray:
        """Return the columns of ``(n, k)`` that belong to the m bins."""
        return block if self._keep is None else np.ascontiguousarray(block[:, self._keep])

    def _check(self) -> None:
        if self.low.min() <= 0:
            raise InputError(
                "spectral models are not defined at E = 0",
                value=f"lowest edge {self.low.min():g} keV",
                allowed="> 0 keV",
                hint="leave the lowest bin out, or begin it at a small positive energy",
            )
        if np.any(self.high < self.low):
            first = int(np.flatnonzero(self.high < self.low)[0])
            raise InputError(
                "an energy bin ends before it begins",
                value=f"{self.low[first]:g} to {self.high[first]:g} keV",
                hint="give edges in rising order, in keV (wavelengths run the other way)",
            )
