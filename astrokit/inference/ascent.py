"""Climb to the nearest maximum of ln L inside bounds: scoring steps, halved until they help."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .derivatives import Derivatives, Point

__all__ = ["Ascent", "ascend", "held_at_bounds", "mahalanobis"]

FloatArray = NDArray[np.float64]
_CURVATURE_FLOOR = 1e-10  # of the largest; below it a direction counts as flat
_PATIENCE = 8  # steps before the climb asks for better information at each
_SLOW = 0.1  # of the gain that the step before promised; and ...
_NEAR = 1.0  # ... the gain in ln L below which the better information is worth its price
_ALIGNED = 0.9  # squared cosine between steps that lie along one line
_STALLED = 1e-3  # ln L that may be left on the table where rounding stops the climb
_DELIVERED = 1e-3  # of the promised gain; steps that bring less than that follow no derivative
_BROKEN_PROMISES = 3  # such steps in a row, after which the climb gives up


class Ascent(NamedTuple):
    """Where a climb ended and why.

    `lacking` ``(d, d)`` is by what the best information differs from the one that the derivatives
    give, at the last place where that was worked out.
    """

    point: Point
    converged: bool
    reason: str
    iterations: int
    lacking: FloatArray | float = 0.0


def ascend(
    derivatives: Derivatives,
    theta: FloatArray,
    *,
    max_iterations: int = 100,
    known: Point | None = None,
    lacking: FloatArray | float = 0.0,
) -> Ascent:
    """Return the end of a climb from `theta` ``(d,)``.

    Projected Newton or scoring steps: parameters that a bound holds back are left out of the
    linear system; curvature of the wrong sign is turned round, so a step always leads up; a step
    that does not raise ln L is halved. The climb ends when the step promises less than
    ``derivatives.tolerance`` (after some steps ``late_tolerance``), or when it enters the one-sigma
    ellipsoid of a `known` maximum; it gives up where rounding makes ln L so rough that steps bring
    next to nothing of what they promise.

    The information that makes the best steps may cost much more than the other. Where steps grow
    shorter too slowly it is worked out, and further steps add by what it differed, which changes
    little on the way; `lacking` is that difference where it is known beforehand.
    """
    point = derivatives(theta)
    last, factor, promised, broken = np.zeros_like(theta), 1.0, np.inf, 0
    for iteration in range(max_iterations):
        if not point.is_usable:
            return Ascent(point, False, "ln L has no derivatives there", iteration, lacking)
        expected = point.information
        point = point._replace(information=expected + lacking)
        trial, gain = _step(point, derivatives)
        slow = _SLOW * promised < gain < _NEAR
        # The end is believed from the best information only.
        best = iteration >= _PATIENCE or slow or gain < derivatives.tolerance
        if best:
            point = derivatives.sharpened(point._replace(information=expected))
            lacking = point.information - expected
            trial, gain = _step(point, derivatives)
        promised = gain
        if known is not None and _has_arrived(point, gain, known, derivatives):
            reason = "reached a maximum that is already known"
            return Ascent(point, True, reason, iteration, lacking)
        if gain < derivatives.tolerance:
            end = _at_its_bound(point, trial, derivatives)
            return Ascent(end, True, "", iteration, lacking)
        if iteration >= _PATIENCE and gain < derivatives.late_tolerance:
            # The step is made: near a round maximum it leads all the way, on a ridge a little on.
            point = derivatives.improve_on(trial, point.log_likelihood) or point
            return Ascent(point, True, "", iteration, lacking)
        offset = trial - point.theta
        factor = _learned(offset, last, factor, point.information)
        higher = _stretched(derivatives, point, factor * offset) if factor != 1 else None
        if higher is None and not best and np.any(lacking):
            higher = derivatives.improve_on(trial, point.log_likelihood)
            if higher is None:  # the difference was another one here: no reason for shorter steps
                point, lacking, promised = point._replace(information=expected), 0.0, np.inf
                continue
        if higher is None:
            factor = 1.0
            higher = _first_higher(derivatives, point, trial)
        last = offset
        if higher is None:
            stalled = gain < _STALLED
            reason = "" if stalled else "ln L has a kink: no step follows its gradient upwards"
            return Ascent(point, stalled, reason, iteration, lacking)
        poor = higher.log_likelihood - point.log_likelihood < _DELIVERED * gain
        broken = broken + 1 if poor and gain > _STALLED else 0
        point = higher
        if broken == _BROKEN_PROMISES:
            reason = "ln L is too rough for its derivatives"
            return Ascent(point, False, reason, iteration, lacking)
    reason = f"no end after {max_iterations} steps"
    return Ascent(point, False, reason, max_iterations, lacking)


def held_at_bounds(theta: FloatArray, bounds: FloatArray) -> NDArray[np.int64]:
    """Return -1 for each parameter at its lower bound, +1 at its upper, 0 elsewhere."""
    at_low = (theta <= bounds[:, 0]).astype(np.int64)
    return (theta >= bounds[:, 1]).astype(np.int64) - at_low


def mahalanobis(theta: FloatArray, point: Point) -> float:
    """Return the squared distance from `point` in units of its information."""
    offset = theta - point.theta
    return float(offset @ point.information @ offset)


def _has_arrived(point: Point, gain: float, known: Point, derivatives: Derivatives) -> bool:
    """Return whether `point` lies on the parabola of a known, well-determined maximum."""
    drop = known.log_likelihood - point.log_likelihood
    if not (0 <= drop < 0.5 and abs(gain - drop) < 0.05 and mahalanobis(point.theta, known) < 1):
        return False
    # On a ridge across the prior two places may be near in this sense and yet not one maximum.
    return bool(
        np.all(np.diag(known.information) * derivatives.widths**2 > 16) and _is_round(known)
    )


def _is_round(point: Point) -> bool:
    scale = 1 / np.sqrt(np.diag(point.information))
    return bool(np.linalg.eigvalsh(point.information * np.outer(scale, scale))[0] > 1e-4)


def _at_its_bound(point: Point, trial: FloatArray, derivatives: Derivatives) -> Point:
    """Return `point` moved onto a bound that it has come close to, where that costs nothing."""
    bounds = derivatives.bounds
    if np.array_equal(held_at_bounds(trial, bounds), held_at_bounds(point.theta, bounds)):
        return point
    return derivatives.improve_on(trial, point.log_likelihood) or point


def _step(point: Point, derivatives: Derivatives) -> tuple[FloatArray, float]:
    """Return where a full step leads (inside the bounds) and the gain in ln L that it promises."""
    bounds, widths, score = derivatives.bounds, derivatives.widths, point.score
    scale, vectors, size = _decomposed(point.information, widths)
    step = scale * (vectors @ ((vectors.T @ (scale * score)) / size))
    low = np.maximum(bounds[:, 0] - point.theta, -widths)
    high = np.minimum(bounds[:, 1] - point.theta, widths)
    if ((step > low) & (step < high)).all():
        return point.theta + step, 0.5 * float(score @ step)
    curvature = (vectors * size) @ vectors.T / (scale[:, None] * scale)
    step = _bounded(score, curvature, low, high)
    gain = float(score @ step - 0.5 * step @ curvature @ step)
    return np.clip(point.theta + step, bounds[:, 0], bounds[:, 1]), gain


def _decomposed(
    information: FloatArray, widths: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return scales, eigenvectors and sizes of |information|, flat directions made firm.

    Curvature of the wrong sign is turned round, so that a step along it leads up.
    """
    diagonal = np.abs(np.diagonal(information))
    scale = np.where(diagonal > 0, 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0)), widths)
    eigenvalues, vectors = np.linalg.eigh(information * (scale[:, None] * scale))
    size = np.abs(eigenvalues)
    return scale, vectors, np.maximum(size, _CURVATURE_FLOOR * size.max() or 1.0)


def _bounded(
    score: FloatArray, curvature: FloatArray, low: FloatArray, high: FloatArray
) -> FloatArray:
    """Return the maximum of the parabola in a box around the present place.

    By active sets: go towards the maximum of the parameters that are free, stop where the first of
    them meets its end and hold it there; where none does, let go of the one that is pulled inwards
    most. The parabola never falls on the way.
    """
    step = np.zeros_like(score)
    held = (low >= 0) & (score <= 0) | (high <= 0) & (score >= 0)
    for _ in range(10 * score.size):
        pull = score - curvature @ step
        free = np.flatnonzero(~held)
        if free.size:
            wanted = _solved(curvature[np.ix_(free, free)], pull[free])
            ends = np.where(wanted > 0, high[free], low[free]) - step[free]
            # A parameter that hardly wants to move meets its end after more steps than floats hold.
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                reach = np.where(wanted != 0, ends / wanted, np.inf)
            first = int(np.argmin(reach))
            step[free] += min(1.0, reach[first]) * wanted
            if reach[first] < 1:
                stopped = free[first]
                step[stopped] = high[stopped] if wanted[first] > 0 else low[stopped]
                held[stopped] = True
                continue
            pull = score - curvature @ step
        inwards = np.where(step >= high, -pull, np.where(step <= low, pull, 0.0))
        inwards = np.where(held & (low < high), inwards / np.sqrt(np.diagonal(curvature)), 0.0)
        if not inwards.max() > 1e-9:
            break
        held[int(np.argmax(inwards))] = False
    return step


def _solved(curvature: FloatArray, score: FloatArray) -> FloatArray:
    """Return curvature^-1 score, with parameters scaled so that their units do not matter."""
    scale = 1 / np.sqrt(np.diagonal(curvature))
    return scale * np.linalg.solve(curvature * (scale[:, None] * scale), scale * score)


def _learned(offset: FloatArray, last: FloatArray, factor: float, information: FloatArray) -> float:
    """Return by how much to take a step longer or shorter, from how the last one turned out.

    Where the information is too large or too small by a constant, steps along one line shrink, or
    go to and fro, by a constant ratio; from that follows where they lead. 1 elsewhere.
    """
    along = float(last @ information @ last)
    across = float(last @ information @ offset)
    if not across**2 > _ALIGNED * along * float(offset @ information @ offset) or along <= 0:
        return 1.0
    ratio = across / along
    return min(max(factor / (1 - ratio), 0.3), 3.0) if ratio < 0.9 else 1.0


def _stretched(derivatives: Derivatives, point: Point, offset: FloatArray) -> Point | None:
    """Return the end of a changed step if it raises ln L."""
    theta = np.clip(point.theta + offset, derivatives.bounds[:, 0], derivatives.bounds[:, 1])
    return derivatives.improve_on(theta, point.log_likelihood)


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
