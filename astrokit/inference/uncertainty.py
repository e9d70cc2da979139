"""From the information matrix to a covariance that admits what it does not know."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .ascent import held_at_bounds
from .derivatives import Derivatives, Point
from .parameters import Parameters

__all__ = [
    "AT_LOWER",
    "AT_UPPER",
    "DETERMINED",
    "UNDETERMINED",
    "Covariance",
    "Probe",
    "covariance",
    "probe",
    "propagate",
]

FloatArray = NDArray[np.float64]

DETERMINED = "determined"
UNDETERMINED = "undetermined"
AT_LOWER = "at lower bound"
AT_UPPER = "at upper bound"

_FLAT = 1e-10  # smallest relative curvature that double precision can tell from none


class Covariance(NamedTuple):
    """What the curvature of ln L tells of the free parameters.

    `matrix` ``(d, d)`` has NaN in the rows of parameters without a state of "determined": no
    number is better than a wrong one. `spread` ``(d, d)`` is the same with the numbers that stand
    behind (zero for a parameter that a bound holds): how the others follow when one is moved.
    `correlation` ``(d, d)`` is what it would be if no bound held anything.
    """

    matrix: FloatArray
    states: tuple[str, ...]
    spread: FloatArray
    correlation: FloatArray


def covariance(point: Point, derivatives: Derivatives) -> Covariance:
    """Return the covariance of the free parameters and the state of each.

    Parameters at a bound are held there; those without curvature, or with an error larger than
    their prior is wide, are undetermined.
    """
    side = held_at_bounds(point.theta, derivatives.bounds)
    states = np.array([DETERMINED, AT_UPPER, AT_LOWER], dtype=object)[side]  # -1 is the last
    free = np.flatnonzero(side == 0)
    spread = np.zeros((side.size, side.size))
    if free.size:
        block, flat = _inverse(point.information[np.ix_(free, free)])
        lost = flat | ~(np.sqrt(np.diag(block)) <= derivatives.widths[free])
        states[free[lost]] = UNDETERMINED
        spread[np.ix_(free, free)] = block
    matrix = spread.copy()
    unknown = states != DETERMINED
    matrix[unknown, :] = matrix[:, unknown] = np.nan
    return Covariance(matrix, tuple(states.tolist()), spread, _correlation(point.information))


def _correlation(information: FloatArray) -> FloatArray:
    inverse, _ = _inverse(information)
    sigma = np.sqrt(np.maximum(np.diag(inverse), 1e-300))
    return inverse / np.outer(sigma, sigma)


def _inverse(information: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return the inverse over all directions with curvature, and which parameters lack some."""
    diagonal = np.diag(information)
    scale = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    scaled = np.where(np.isfinite(information), information, 0.0) * np.outer(scale, scale)
    scaled[diagonal <= 0, :] = scaled[:, diagonal <= 0] = 0.0
    eigenvalues, vectors = np.linalg.eigh(scaled)
    flat = eigenvalues <= _FLAT * max(eigenvalues[-1], 0.0)
    involved = (np.abs(vectors[:, flat]) > 1e-3).any(axis=1)
    good = vectors[:, ~flat]
    inverse = (good / eigenvalues[~flat]) @ good.T
    return inverse * np.outer(scale, scale), involved | ~(diagonal > 0)


class Probe(NamedTuple):
    """ln L one standard error away: the test that a maximum is one, and that it is a parabola.

    `theta` ``(2k, d)`` are the places; `drop` ``(2k,)`` how far ln L falls there, scaled to a full
    standard error (1/2 for a parabola); `reach` ``(2k,)`` the part of a standard error that the
    bounds leave; `parameter` ``(2k,)`` the index of the free parameter that was moved, and `room`
    ``(2k,)`` how many errors it has up to its own bound.
    """

    theta: FloatArray
    log_likelihood: FloatArray
    drop: FloatArray
    reach: FloatArray
    parameter: NDArray[np.int64]
    room: FloatArray


def probe(point: Point, cov: Covariance, derivatives: Derivatives) -> Probe:
    """Return ln L one error up and down each parameter off its bounds, the others following."""
    known = np.flatnonzero(np.diag(cov.spread) > 0)
    directions = cov.spread[known] / np.sqrt(np.diag(cov.spread)[known])[:, None]
    directions = np.concatenate([directions, -directions])
    low, high = derivatives.bounds.T
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(directions > 0, high - point.theta, point.theta - low) / np.abs(directions)
    parameter = np.tile(known, 2)
    reach = np.minimum(1.0, np.nanmin(room, axis=1, initial=np.inf))
    theta = np.clip(point.theta + reach[:, None] * directions, low, high)
    value = derivatives.problem.log_likelihood(theta) if len(theta) else np.empty(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        drop = (point.log_likelihood - value) / reach**2
    return Probe(
        theta,
        value,
        drop,
        reach,
        parameter,
        room[np.arange(parameter.size), parameter],
    )


def propagate(parameters: Parameters, theta: FloatArray, cov: FloatArray) -> FloatArray:
    """Return the covariance ``(p, p)`` of ALL parameters: zero if fixed, propagated if tied."""
    d = parameters.n_free
    if not parameters.has_ties:
        result = np.zeros((len(parameters),) * 2)
        result[np.ix_(parameters.free_index, parameters.free_index)] = cov
        return result
    sigma = np.sqrt(np.diag(cov))
    step = 1e-3 * np.where(np.isfinite(sigma), sigma, 1e-3 * np.maximum(np.abs(theta), 1e-3))
    low, high = parameters.bounds.T
    ahead = np.clip(theta + np.diag(step), low, high)
    behind = np.clip(theta - np.diag(step), low, high)
    width = np.array([ahead[i, i] - behind[i, i] for i in range(d)])
    jacobian = ((parameters.expand(ahead) - parameters.expand(behind)) / width[:, None]).T
    lost = ~np.isfinite(sigma)
    result = jacobian @ np.where(np.isfinite(cov), cov, 0.0) @ jacobian.T
    unknown = (jacobian[:, lost] != 0).any(axis=1)
    result[unknown, :] = result[:, unknown] = np.nan
    return result
