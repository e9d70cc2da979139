"""Value, gradient and information of ln L: from the problem, its residuals, or ln L alone.

Three classes with one interface feed the same climber (:mod:`.ascent`): whatever a
:class:`~astrokit.inference.Problem` offers, the maximum and the errors mean the same.
"""

from __future__ import annotations

import abc
import math
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import LikelihoodError
from .parameters import Parameters
from .problem import Problem

__all__ = [
    "AnalyticDerivatives",
    "Derivatives",
    "NumericalDerivatives",
    "Point",
    "ResidualDerivatives",
    "prior_widths",
]

FloatArray = NDArray[np.float64]
_EPS = float(np.finfo(float).eps)
_LONG_DATA = 20_000
_STEP_CHANGE = 1e-4  # wanted second difference of ln L: steps of 0.01 sigma


class Point(NamedTuple):
    """What is known of ln L at one place; `information` is minus the (expected) Hessian."""

    theta: FloatArray
    log_likelihood: float
    score: FloatArray
    information: FloatArray

    @property
    def is_usable(self) -> bool:
        """Whether a step can be computed from here."""
        return bool(
            np.isfinite(self.log_likelihood)
            and np.isfinite(self.score).all()
            and np.isfinite(self.information).all()
        )


def prior_widths(parameters: Parameters) -> FloatArray:
    """Return the width of the central 99.73 % of each free prior, shape ``(d,)``.

    It is the scale on which a parameter is expected to vary, for bounded and unbounded priors
    alike: what moves ln L less than this is not determined by the data.
    """
    ends = [p.prior.ppf(np.array([0.00135, 0.99865])) for p in parameters.free if p.prior]
    return np.array([high - low for low, high in ends])


class Derivatives(abc.ABC):
    """Derivatives of the log-likelihood of `problem` in its free parameters."""

    kind: str = ""
    tolerance: float = 1e-9  # promised gain in ln L at which a climb ends
    late_tolerance: float = 1e-9  # the same after many steps

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.bounds = problem.parameters.bounds
        self.widths = prior_widths(problem.parameters)

    @abc.abstractmethod
    def __call__(self, theta: FloatArray) -> Point:
        """Return everything at `theta` ``(d,)``."""

    def improve_on(self, theta: FloatArray, log_likelihood: float) -> Point | None:
        """Return everything at `theta` if ln L is higher there, else None."""
        if not self.value(theta) > log_likelihood:
            return None
        return self(theta)

    def refined(self, point: Point) -> Point:
        """Return the maximum with the information from which its errors are to follow."""
        return point

    def sharpened(self, point: Point) -> Point:
        """Return `point` with the information that makes the best step, whatever it costs."""
        return point

    def value(self, theta: FloatArray) -> float:
        """Return ln L at one point."""
        return float(self.problem.log_likelihood(theta)[0])


class AnalyticDerivatives(Derivatives):
    """Score and Fisher information that the problem computes itself."""

    kind = "Fisher information"

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.kind = problem.information_kind
        # Statistics of the residuals feel what ln L does not; only for long data is one more pass
        # over them worth sparing.
        self.tolerance = 1e-9 if problem.n_data < _LONG_DATA else 1e-6
        self._last: Point | None = None
        self._last_observed: tuple[FloatArray, FloatArray | None] | None = None

    @classmethod
    def of(cls, problem: Problem) -> Self | None:
        """Return the derivatives that `problem` offers, or None."""
        asked = cls(problem._coarse() or problem)  # a coarse twin offers what the problem does
        if asked._compute(problem.parameters.free_values) is None:
            return None
        return asked if asked.problem is problem else cls(problem)

    def __call__(self, theta: FloatArray) -> Point:
        # A pass over a million data costs more than all else: never make one twice.
        if self._last is None or not np.array_equal(self._last.theta, theta):
            self._last = self._compute(theta.copy())
        if self._last is None:
            raise TypeError("this problem has no analytic derivatives")
        return self._last

    def _compute(self, theta: FloatArray) -> Point | None:
        answer = self.problem.score_and_information(theta)
        if answer is None:
            return None
        if math.isnan(answer[0]):
            raise LikelihoodError(
                f"the log-likelihood of {type(self.problem).__name__} is NaN",
                parameters=self.problem.parameters.named(theta),
                hint="narrow the priors, or return -inf where the model does not exist",
            )
        self._last = Point(theta, *answer)
        return self._last

    def _observed(self, theta: FloatArray) -> FloatArray | None:
        if self._last_observed is None or not np.array_equal(self._last_observed[0], theta):
            self._last_observed = theta.copy(), self.problem.observed_information(theta)
        return self._last_observed[1]

    def refined(self, point: Point) -> Point:
        """Return `point` with the observed information, if the problem has it and it is a maximum.

        Parameters at a bound are left out of that judgement: ln L need not be curved there.
        """
        observed = self._observed(point.theta)
        if observed is None:
            return point
        inside = (point.theta > self.bounds[:, 0]) & (point.theta < self.bounds[:, 1])
        block = observed[np.ix_(inside, inside)]
        if not np.isfinite(block).all() or np.any(np.diag(block) <= 0):
            return point
        scale = 1 / np.sqrt(np.diag(block))
        if block.size and np.linalg.eigvalsh(block * np.outer(scale, scale))[0] <= 0:
            return point
        self.kind = "observed information"
        return point._replace(information=observed)

    def sharpened(self, point: Point) -> Point:
        # Scoring crawls along a curved ridge, where the Fisher information is a poor guide.
        observed = self._observed(point.theta)
        if observed is None or not np.isfinite(observed).all():
            return point
        return point._replace(information=observed)

    def improve_on(self, theta: FloatArray, log_likelihood: float) -> Point | None:
        # One pass over the data gives all three, and most trials succeed: do not ask twice.
        point = self(theta)
        return point if point.log_likelihood > log_likelihood else None


class ResidualDerivatives(Derivatives):
    """Gauss-Newton: for residuals r, score ``-J'r`` and Fisher information ``J'J``."""

    kind = "Fisher information"
    _relative_step = _EPS ** (1 / 3)

    def __call__(self, theta: FloatArray) -> Point:
        r = self._residuals(theta)
        J = np.column_stack([self._slope(theta, i, r) for i in range(theta.size)])
        return Point(theta, self.value(theta), -J.T @ r, J.T @ J)

    def _residuals(self, theta: FloatArray) -> FloatArray:
        r = self.problem._residuals(self.problem.parameters.expand(theta)[0])
        if r is None:
            raise TypeError("this problem has no residuals")
        return r

    def _slope(self, theta: FloatArray, i: int, r: FloatArray) -> FloatArray:
        """Return dr/dtheta_i by a central difference (one-sided at a bound)."""
        low, high = self.bounds[i]
        step = self._relative_step * max(abs(theta[i]), 1e-3 * min(self.widths[i], 1.0))
        ahead, behind = theta.copy(), theta.copy()
        ahead[i] = min(theta[i] + step, high)
        behind[i] = max(theta[i] - step, low)
        there = r if behind[i] == theta[i] else self._residuals(behind)
        here = r if ahead[i] == theta[i] else self._residuals(ahead)
        return (here - there) / (ahead[i] - behind[i])


class NumericalDerivatives(Derivatives):
    """Gradient and Hessian by central differences of a batched log-likelihood.

    Steps bend ln L by about 1e-4. Once a positive definite Hessian is known, differences are
    taken along its principal axes, where they stay accurate however correlated the parameters.
    """

    kind = "observed information"
    # Newton's steps converge at once, or creep along a flat ridge: 1e-6 is 0.0014 sigma of it.
    late_tolerance = 1e-6

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self._axes: FloatArray | None = None  # (d, d); columns are steps

    def __call__(self, theta: FloatArray) -> Point:
        value = self.value(theta)
        unknown = Point(
            theta, value, np.full(theta.size, np.nan), np.full((theta.size,) * 2, np.nan)
        )
        if not math.isfinite(value):
            return unknown
        if self._axes is not None:
            point, change = self._stencil(theta, value, self._axes)
            if point.is_usable and self._steps_were_good(change, value):
                self._axes = self._principal_axes(point, value)
                return point
        axes = np.diag(self._scan(theta, value))
        for _ in range(4):
            point, _ = self._stencil(theta, value, axes)
            if point.is_usable:
                self._axes = self._principal_axes(point, value)
                return point
            axes = 0.1 * axes  # the model ends nearby: look closer
        self._axes = None
        return unknown

    def refined(self, point: Point) -> Point:
        return self(point.theta)  # now along the principal axes

    # -- steps -------------------------------------------------------------------------------

    def _wanted(self, value: float) -> float:
        """Return the second difference of ln L to aim at: small, but well above rounding."""
        return max(_STEP_CHANGE, 1e5 * _EPS * abs(value))

    def _changes(self, theta: FloatArray, axes: FloatArray) -> FloatArray:
        """Return the size of the second difference of ln L along each axis; infinite at an edge."""
        steps = axes.T
        low, high = self.bounds[:, 0] + np.abs(steps), self.bounds[:, 1] - np.abs(steps)
        center = np.clip(theta, low, high)
        points = np.concatenate([center + steps, center - steps, center])
        f = self.problem.log_likelihood(np.clip(points, *self.bounds.T)).reshape(3, -1)
        with np.errstate(invalid="ignore"):
            change = np.abs(f[0] + f[1] - 2 * f[2])
        return np.where(np.isnan(change), np.inf, change)

    def _steps_were_good(self, change: FloatArray, value: float) -> bool:
        return bool(
            np.all((change > 0.03 * self._wanted(value)) & (change < 30 * self._wanted(value)))
        )

    def _scan(self, theta: FloatArray, value: float) -> FloatArray:
        """Return a step per parameter over which ln L bends as wanted, where it bends at all."""
        wanted = self._wanted(value)
        largest = 0.25 * np.minimum(self.widths, np.ptp(self.bounds, axis=1))
        smallest = np.minimum(np.maximum(16 * _EPS * np.abs(theta), 1e-14 * self.widths), largest)
        steps = np.clip(0.01 * largest, smallest, largest)
        for _ in range(12):
            change = self._changes(theta, np.diag(steps))
            good = (change > 0.1 * wanted) & (change < 10 * wanted)
            if np.all(good | ((change < wanted) & (steps >= largest))):
                break
            with np.errstate(divide="ignore"):
                factor = np.clip(np.sqrt(wanted / change), 1e-3, 1e2)
            steps = np.where(good, steps, np.clip(steps * factor, smallest, largest))
        return steps

    # -- differences -------------------------------------------------------------------------

    def _stencil(
        self, theta: FloatArray, value: float, axes: FloatArray
    ) -> tuple[Point, FloatArray]:
        """Return derivatives from all points that one or two axes lead to, in one batch.

        The second answer is the size of the second difference of ln L along each axis.
        """
        d = theta.size
        reach = np.sort(np.abs(axes), axis=1)[:, -2:].sum(axis=1)
        shrink = min(1.0, *(np.ptp(self.bounds, axis=1) / (4 * reach + 1e-300)))
        axes, reach = shrink * axes, shrink * reach
        center = np.clip(theta, self.bounds[:, 0] + reach, self.bounds[:, 1] - reach)
        rows, columns = np.triu_indices(d, 1)
        pairs = np.concatenate([axes.T[rows] + axes.T[columns], axes.T[rows] - axes.T[columns]])
        offsets = np.concatenate([axes.T, -axes.T, pairs, -pairs, np.zeros((1, d))])
        f = self.problem.log_likelihood(np.clip(center + offsets, *self.bounds.T))
        f0 = f[-1]
        ahead, behind = f[:d], f[d : 2 * d]
        plus, minus = f[2 * d : -1].reshape(2, -1)
        with np.errstate(invalid="ignore"):
            gradient = 0.5 * (ahead - behind)
            hessian = np.diag(ahead + behind - 2 * f0)
            along, across = (0.5 * (plus + minus) - f0).reshape(2, -1)
            hessian[rows, columns] = hessian[columns, rows] = 0.5 * (along - across)
        point = self._untangle(theta, value, gradient, hessian, center, axes)
        return point, np.abs(np.diag(hessian))

    def _untangle(
        self,
        theta: FloatArray,
        value: float,
        gradient: FloatArray,
        hessian: FloatArray,
        center: FloatArray,
        axes: FloatArray,
    ) -> Point:
        """Return derivatives along the axes as derivatives in the parameters, moved to theta."""
        inverse = np.linalg.inv(axes)
        information = -inverse.T @ hessian @ inverse
        score = inverse.T @ gradient - information @ (theta - center)
        return Point(theta, value, score, 0.5 * (information + information.T))

    def _principal_axes(self, point: Point, value: float) -> FloatArray | None:
        """Return steps along the principal axes of the information, or None to scan again."""
        diagonal = np.diag(point.information)
        if not np.all(diagonal > 0):
            return None
        scale = 1 / np.sqrt(diagonal)
        eigenvalues, vectors = np.linalg.eigh(point.information * np.outer(scale, scale))
        if eigenvalues[0] < 1e-12:
            return None
        step = math.sqrt(self._wanted(value))
        axes = step * scale[:, None] * vectors / np.sqrt(eigenvalues)
        longest = np.abs(axes).max(axis=1)
        return axes if np.all(longest < 0.25 * self.widths) else None
