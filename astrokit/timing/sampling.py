"""From a fine, even realisation to the bins of a light curve, whatever their places and widths.

Positions are counted in fine cells from the start of the first bin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

if TYPE_CHECKING:
    from ..lightcurve import LightCurve

__all__ = ["Sampling"]

FloatArray = NDArray[np.float64]
_MOST_CELLS = 2**23  # of a whole realisation: 64 MB a curve
_COARSEST = 10  # two point samples this many times closer than usual may share a cell


@dataclass(frozen=True, eq=False)
class Sampling:
    """Where the bins of a curve lie on a fine grid.

    Attributes
    ----------
    step : float
        Width of a fine cell, in the time unit of the curve.
    cells : int
        Number of cells that cover the curve.
    left, right : ndarray, shape (n,)
        Ends of the bins in cells. Point samples have equal ends.
    finer : int
        Cells per bin, where all bins are contiguous and equal; else 0.
    """

    step: float
    cells: int
    left: FloatArray
    right: FloatArray
    finer: int

    @classmethod
    def of(cls, like: LightCurve, finer: int, longer: int) -> Sampling:
        """Return the sampling of a curve; invalid bins count as present.

        Raises
        ------
        InputError
            For a single point, or where the finest scale would need too long a realisation.
        """
        width = np.broadcast_to(np.asarray(like.bin_width, dtype=float), like.time.shape)
        if like.is_evenly_sampled and np.allclose(width, like.dt, rtol=1e-6):
            edges = np.arange(like.n + 1.0) * finer
            return cls(like.dt / finer, like.n * finer, edges[:-1], edges[1:], finer)
        step = _finest(like.time, width) / finer
        left = (like.left - like.left[0]) / step
        right = (like.right - like.left[0]) / step
        cells = math.ceil(float(right.max()) - 1e-9) + 1
        if cells * longer > _MOST_CELLS:
            raise InputError(
                "the sampling needs too fine a realisation",
                value=f"{cells * longer} cells of {step:.4g} {like.info.time_unit}",
                allowed=f"at most {_MOST_CELLS}",
                hint="lower finer or longer, or select a shorter stretch",
            )
        return cls(step, cells, left, right, 0)

    def observe(self, fine: FloatArray) -> FloatArray:
        """Return the mean over each bin, or the cell in which a point sample lies.

        Parameters
        ----------
        fine : ndarray, shape (>= cells,)

        Returns
        -------
        ndarray, shape (n,)
        """
        return self.observe_many(fine[None, :])[0]

    def observe_many(self, fine: FloatArray) -> FloatArray:
        """Return :meth:`observe` of each row of `fine`, ``(rows, n)``."""
        from .simulation_kernels import bin_means, observe

        out = np.empty((fine.shape[0], self.left.size))
        if self.finer:
            bin_means(fine, self.finer, out)
        else:
            observe(fine[:, : self.cells], self.left, self.right, out)
        return out


def _finest(time: FloatArray, width: FloatArray) -> float:
    """Return the scale that one realisation must resolve."""
    if time.size < 2:
        raise InputError("one point has no sampling", value=time.size, allowed=">= 2 bins")
    spacing = np.diff(time)
    closest = max(float(spacing.min()), float(np.median(spacing)) / _COARSEST)
    wide = width[width > 0]
    return min(float(wide.min()), closest) if wide.size else closest
