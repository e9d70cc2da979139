"""The observed information of a spectral problem: minus the second derivatives of ln L.

With counts in groups g and expectations mu, it is the sum of two parts: how ln L bends in mu, times
the slopes of mu; and how ln L slopes in mu, times how mu bends. For the second part the slopes are
taken back through the response once, so that only photons, never folded counts, are differentiated
twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .grid import EnergyGrid
    from .models import SpectralModel
    from .problem import SpectralProblem

__all__ = ["observed_information"]

FloatArray = NDArray[np.float64]
_STEP = 1e-4  # relative, of differences of analytic derivatives


def observed_information(problem: SpectralProblem, values: FloatArray) -> FloatArray:
    """Return minus the Hessian of ln L ``(p, p)``; zero in the rows of fixed parameters."""
    from .statistic_kernels import curvature, derivatives

    total = np.zeros((values.size,) * 2)
    layout, free = problem._layout, problem.parameters.free_index
    for k in range(len(problem.data)):
        slopes = []
        for binned, mu, jacobian, columns in problem._jacobians(values, k):
            slope, bend = np.empty(mu.size), np.empty(mu.size)
            derivatives(binned.code, mu, binned.data, slope, bend)
            curvature(binned.code, mu, binned.data, bend)
            total[np.ix_(columns, columns)] -= (jacobian * bend) @ jacobian.T
            slopes.append((slope, jacobian, columns))
        binned, (slope, jacobian, columns) = problem.data[k], slopes[0]
        factor = layout.factor(values[None, :], k)
        scale = 1.0 if factor is None else float(factor[0])
        own = layout.source_columns(k)
        pull = scale * binned.fold.back(slope)
        total -= _bent(problem.model, binned.grid, values, own, free, pull)
        if factor is not None:
            _add_factor(total, layout.factor_column(k), slope, jacobian, columns, own, scale)
        if binned.has_modelled_background:
            _add_background(total, problem, values, k, slope, slopes[1][0])
    return total


def _bent(
    model: SpectralModel,
    grid: EnergyGrid,
    values: FloatArray,
    columns: NDArray[np.int64],
    free: NDArray[np.int64],
    pull: FloatArray,
) -> FloatArray:
    """Return the second derivatives of the photons, summed over energies with weights `pull`."""
    result = np.zeros((values.size,) * 2)
    own = values[columns]
    wanted = np.flatnonzero(np.isin(columns, free))
    for j in wanted:
        step = _STEP * max(abs(own[j]), 1e-2)
        ahead, behind = own.copy(), own.copy()
        ahead[j] += step
        behind[j] -= step
        there, back = (model.photons_and_derivatives(grid, x) for x in (ahead, behind))
        rise = (there[1:] @ pull - back[1:] @ pull) / (2 * step)
        result[columns[j], columns[wanted]] += rise[wanted]
    return 0.5 * (result + result.T)


def _add_factor(
    total: FloatArray,
    column: int,
    slope: FloatArray,
    jacobian: FloatArray,
    columns: NDArray[np.int64],
    own: NDArray[np.int64],
    scale: float,
) -> None:
    """Add what a cross-normalisation and a parameter of the model share."""
    for row, j in zip(jacobian, columns, strict=True):
        if j != column and j in own:
            shared = float(row @ slope) / scale
            total[column, j] -= shared
            total[j, column] -= shared


def _add_background(
    total: FloatArray,
    problem: Any,
    values: FloatArray,
    k: int,
    slope: FloatArray,
    behind: FloatArray,
) -> None:
    """Add how the modelled background bends, in the source region and in its own."""
    binned = problem.data[k]
    pull = binned.background_fold.back(binned.data[2] * slope + behind)
    columns = np.array(problem._layout.backgrounds, dtype=np.int64)
    free = problem.parameters.free_index
    total -= _bent(problem._background, binned.background_grid, values, columns, free, pull)
