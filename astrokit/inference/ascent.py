"""Climb to the nearest maximum of ln L inside bounds: scoring steps, halved until they help."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .derivatives import Derivatives, Point

__all__ = ["Ascent", "ascend", "held_at_bounds", "mahalanobis"]

FloatArray = NDArray[np.float64]
_CURVATURE_FLOOR = 1e-10  # of the largest; below it a direction counts as flat
_STALLED = 1e-3  # ln L that may be left on the table where rounding stops the climb


class Ascent(NamedTuple):
    """Where a climb ended and why."""

    point: Point
    converged: bool
    reason: str
    iterations: int


def ascend(
    derivatives: Derivatives,
    theta: FloatArray,
    *,
    max_iterations: int = 200,
    known: Point | None = None,
) -> Ascent:
    """Return the end of a climb from `theta` ``(d,)``.

    Projected Newton or scoring steps: parameters that a bound holds back are left out of the
    linear system; curvature of the wrong sign is turned round, so a step always leads up; a step
    that does not raise ln L is halved. The climb ends when the step promises less than
    ``derivatives.tolerance``, or when it enters the one-sigma ellipsoid of a `known` maximum.
    """
    point = derivatives(theta)
    for iteration in range(max_iterations):
        if not point.is_usable:
            return Ascent(point, False, "ln L has no derivatives there", iteration)
        if known is not None and _has_arrived(point, known):
            return Ascent(point, True, "reached a maximum that is already known", iteration)
        trial, gain = _step(point, derivatives)
        if gain < derivatives.tolerance:
            return Ascent(point, True, "", iteration)
        higher = _first_higher(derivatives, point, trial)
        if higher is None:
            stalled = gain < _STALLED
            reason = "" if stalled else "no step raises ln L although its gradient promises one"
            return Ascent(point, stalled, reason, iteration)
        point = higher
    return Ascent(point, False, f"no end after {max_iterations} steps", max_iterations)


def held_at_bounds(theta: FloatArray, bounds: FloatArray) -> NDArray[np.int64]:
    """Return -1 for each parameter at its lower bound, +1 at its upper, 0 elsewhere."""
    at_low = (theta <= bounds[:, 0]).astype(np.int64)
    return (theta >= bounds[:, 1]).astype(np.int64) - at_low


def mahalanobis(theta: FloatArray, point: Point) -> float:
    """Return the squared distance from `point` in units of its information."""
    offset = theta - point.theta
    return float(offset @ point.information @ offset)


def _has_arrived(point: Point, known: Point) -> bool:
    drop = known.log_likelihood - point.log_likelihood
    return 0 <= drop < 1 and mahalanobis(point.theta, known) < 1


def _step(point: Point, derivatives: Derivatives) -> tuple[FloatArray, float]:
    """Return the place that a full step leads to (inside the bounds) and the gain it promises."""
    bounds, widths = derivatives.bounds, derivatives.widths
    side = held_at_bounds(point.theta, bounds)
    free = side * point.score <= 0
    free[(side != 0) & (point.score == 0)] = False
    step = np.zeros_like(point.theta)
    if free.any():
        step[free] = _solve(point.score[free], point.information[np.ix_(free, free)], widths[free])
    trial = np.clip(point.theta + np.clip(step, -widths, widths), bounds[:, 0], bounds[:, 1])
    gain = 0.5 * float(point.score @ (trial - point.theta))
    if gain <= 0 < np.abs(step).max():  # the bounds turned the step round: go straight uphill
        uphill = np.where(free, point.score, 0.0) * widths**2
        uphill *= 0.1 / np.max(np.abs(uphill) / widths, initial=1e-300)
        trial = np.clip(point.theta + uphill, bounds[:, 0], bounds[:, 1])
        gain = 0.5 * float(point.score @ (trial - point.theta))
    return trial, gain


def _solve(score: FloatArray, information: FloatArray, widths: FloatArray) -> FloatArray:
    """Return the uphill Newton step: |information| inverse times score, in scaled parameters."""
    diagonal = np.abs(np.diag(information))
    scale = np.where(diagonal > 0, 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0)), widths)
    eigenvalues, vectors = np.linalg.eigh(information * np.outer(scale, scale))
    size = np.abs(eigenvalues)
    size = np.maximum(size, max(_CURVATURE_FLOOR * size.max(), 1e-300))
    return scale * (vectors @ ((vectors.T @ (scale * score)) / size))


def _first_higher(derivatives: Derivatives, point: Point, trial: FloatArray) -> Point | None:
    """Return the first of the halved steps that raises ln L, or None."""
    offset = trial - point.theta
    for _ in range(40):
        theta = np.clip(point.theta + offset, derivatives.bounds[:, 0], derivatives.bounds[:, 1])
        higher = derivatives.improve_on(theta, point.log_likelihood)
        if higher is not None:
            return higher
        offset = 0.5 * offset
    return None
