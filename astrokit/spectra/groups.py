"""Groups: which channels are added up, and sums over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bands import Band

__all__ = ["Groups", "Selection", "labels_of", "noticed_groups"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Selection = tuple[tuple[str, tuple[Band, ...]], ...]  # ("notice" or "ignore", bands), in turn


@dataclass(frozen=True, eq=False)
class Groups:
    """Rows of channels in noticed groups.

    Attributes
    ----------
    rows : ndarray of int, shape (k,)
        Positions of usable channels, group by group.
    starts : ndarray of int, shape (g,)
        Where in `rows` each group begins.
    """

    rows: IntArray
    starts: IntArray

    def __len__(self) -> int:
        return self.starts.size

    def sum(self, values: FloatArray) -> FloatArray:
        """Return sums over the channels of each group, shape (g,)."""
        return np.add.reduceat(values[self.rows], self.starts)

    def min(self, values: FloatArray) -> FloatArray:
        """Return the smallest value in each group, shape (g,)."""
        return np.minimum.reduceat(values[self.rows], self.starts)

    def max(self, values: FloatArray) -> FloatArray:
        """Return the largest value in each group, shape (g,)."""
        return np.maximum.reduceat(values[self.rows], self.starts)

    @property
    def sizes(self) -> IntArray:
        """Channels per group, shape (g,)."""
        return np.diff(self.starts, append=self.rows.size)

    def matrix(self, n_channels: int) -> Any:
        """Return the sparse matrix ``(g, n_channels)`` that adds channels up."""
        from scipy.sparse import csr_array

        pointers = np.append(self.starts, self.rows.size)
        return csr_array(
            (np.ones(self.rows.size), self.rows, pointers), shape=(len(self), n_channels)
        )


def labels_of(grouping: IntArray) -> IntArray:
    """Return the number of the group of each channel; every flag but -1 begins one.

    The first channel begins a group whatever its flag says.
    """
    begins = grouping != -1
    begins[0] = True
    return np.cumsum(begins) - 1


def noticed_groups(
    labels: IntArray,
    usable: BoolArray,
    selection: Selection,
    channels: tuple[IntArray, FloatArray, FloatArray],
) -> Groups:
    """Return the groups that a selection leaves, without channels that are not usable.

    A group is noticed if the band touches it, and ignored if an ignored band touches it.
    """
    n_groups = int(labels[-1]) + 1
    kept = np.ones(n_groups, dtype=bool)
    for action, bands in selection:
        touched = np.zeros(n_groups, dtype=bool)
        touched[labels[_covered(bands, channels)]] = True
        kept = touched if action == "notice" else kept & ~touched
    rows = np.flatnonzero(kept[labels] & usable)
    starts = np.flatnonzero(np.diff(labels[rows], prepend=-1) != 0)
    return Groups(rows, starts)


def _covered(bands: Sequence[Band], channels: tuple[IntArray, FloatArray, FloatArray]) -> BoolArray:
    covered = np.zeros(channels[0].size, dtype=bool)
    for band in bands:
        covered |= band.covers(*channels)
    return covered
