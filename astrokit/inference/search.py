"""Ways to a maximum: scoring, Newton, and lmfit's minimisers, each ended by the same climb."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .ascent import Ascent, ascend
from .derivatives import (
    AnalyticDerivatives,
    Derivatives,
    NumericalDerivatives,
    Point,
    ResidualDerivatives,
)
from .problem import Problem

if TYPE_CHECKING:
    import lmfit

__all__ = ["Searcher", "searcher"]

FloatArray = NDArray[np.float64]
_LEAST_SQUARES = ("leastsq", "least_squares")
_SCALAR = ("nelder", "powell", "cg", "bfgs", "lbfgsb", "tnc", "cobyla", "slsqp", "trust-constr",
           "differential_evolution")  # fmt: skip
_FAR = 1e100  # stands for a model that does not exist: minimisers subtract, so not infinity


@dataclass(frozen=True)
class Searcher:
    """One way to the maximum of ln L of `problem`.

    Attributes
    ----------
    problem : Problem
    derivatives : Derivatives
        For the climb that ends every search and for the covariance.
    minimizer : str or None
        lmfit method that goes first.
    fallback : str or None
        lmfit method for when the climb fails.
    """

    problem: Problem
    derivatives: Derivatives
    minimizer: str | None = None
    fallback: str | None = None

    @property
    def label(self) -> str:
        """What to call it in the result."""
        own = "Fisher scoring" if isinstance(self.derivatives, AnalyticDerivatives) else "Newton"
        return f"{self.minimizer} (lmfit)" if self.minimizer else f"{own} steps"

    @property
    def citations(self) -> tuple[str, ...]:
        """What to cite for the way."""
        return ("lmfit",) if self.minimizer else ()

    def __call__(
        self,
        theta: FloatArray,
        known: Point | None = None,
        lacking: FloatArray | float = 0.0,
    ) -> Ascent:
        """Return where a search from `theta` ends; for the others see :func:`ascend`."""
        begin = theta if self.minimizer is None else self._minimize(theta, self.minimizer)
        end = ascend(self.derivatives, begin, known=known, lacking=lacking)
        if end.converged or self.fallback is None:
            return end
        if isinstance(self.derivatives, AnalyticDerivatives):
            newton = ascend(NumericalDerivatives(self.problem), end.point.theta)
            end = ascend(self.derivatives, newton.point.theta, known=known)
            if end.converged:
                return end
        return ascend(self.derivatives, self._minimize(theta, self.fallback), known=known)

    def _minimize(self, theta: FloatArray, method: str) -> FloatArray:
        """Return what lmfit finds, with bounds from the priors and ties as lmfit expressions."""
        import lmfit

        parameters = self.problem.parameters.to_lmfit()
        names = self.problem.parameters.free_names
        bounds = self.problem.parameters.bounds
        for name, value, (low, high) in zip(names, theta, bounds, strict=True):
            # At a bound lmfit's sine transformation has no slope: begin a little inside.
            margin = 1e-6 * (high - low) if np.isfinite(high - low) else 0.0
            parameters[name].set(value=float(np.clip(value, low + margin, high - margin)))
        least_squares = method in _LEAST_SQUARES
        function = self._residuals if least_squares else self._minus_log_likelihood
        options: dict[str, Any] = {"scale_covar": False} if least_squares else {"calc_covar": False}
        result = lmfit.Minimizer(function, parameters, **options).minimize(method=method)
        found = np.array([result.params[name].value for name in names])
        return np.clip(found, bounds[:, 0], bounds[:, 1])

    def _theta(self, parameters: lmfit.Parameters) -> FloatArray:
        names = self.problem.parameters.free_names
        return np.array([parameters[name].value for name in names])

    def _minus_log_likelihood(self, parameters: lmfit.Parameters) -> float:
        return min(-float(self.problem.log_likelihood(self._theta(parameters))[0]), _FAR)

    def _residuals(self, parameters: lmfit.Parameters) -> FloatArray:
        theta = self._theta(parameters)
        r = self.problem._residuals(self.problem.parameters.expand(theta)[0])
        if r is None or np.isfinite(r).all():
            return r  # type: ignore[return-value]
        self.problem.log_likelihood(theta)  # a NaN is reported with the parameters by name
        return np.where(np.isfinite(r), r, _FAR)


def searcher(problem: Problem, method: str) -> Searcher:
    """Return the way that `method` names, or raise an InputError that says what is possible."""
    values = problem.parameters.values
    if method == "auto":
        return _automatic(problem)
    if method == "scoring":
        analytic = AnalyticDerivatives.of(problem)
        if analytic is None:
            raise _lacking(method, "derivatives")
        return Searcher(problem, analytic)
    if method in _LEAST_SQUARES:
        if problem._residuals(values) is None:
            raise _lacking(method, "residuals")
        return Searcher(problem, ResidualDerivatives(problem), method)
    if method == "newton":
        return Searcher(problem, NumericalDerivatives(problem))
    if method in _SCALAR:
        return replace(_automatic(problem), minimizer=method, fallback=None)
    choices = ("auto", "scoring", *_LEAST_SQUARES, "newton", *_SCALAR)
    near = get_close_matches(str(method), choices, n=1)
    raise InputError(
        "no such fit method",
        value=method,
        allowed=", ".join(choices),
        hint=f"did you mean {near[0]!r}?" if near else None,
    )


def _automatic(problem: Problem) -> Searcher:
    analytic = AnalyticDerivatives.of(problem)
    if analytic is not None:
        return Searcher(problem, analytic, fallback="nelder")
    if problem._residuals(problem.parameters.values) is not None:
        return Searcher(problem, ResidualDerivatives(problem), "leastsq", "least_squares")
    return Searcher(problem, NumericalDerivatives(problem), fallback="nelder")


def _lacking(method: str, what: str) -> InputError:
    return InputError(
        f"method {method!r} needs {what}, which this problem does not offer",
        hint="leave method='auto'",
    )
