"""How magnitudes scatter about a model: normal, with heavy tails, or with outliers.

Each adds an intrinsic scatter to the errors of the measurements in quadrature: comets flicker,
and errors of photometry know nothing of sky gradients and stars behind the coma.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ..errors import ParameterError
from ..inference import HalfNormal, Parameter, Prior, Uniform

__all__ = ["GaussianNoise", "Noise", "OutlierMixture", "StudentTNoise"]

FloatArray = NDArray[np.float64]
_LOG_2PI = float(np.log(2 * np.pi))
_SCATTER = HalfNormal(0.5)
# A magnitude without an error has no scale where the scatter is 0; the problem then says -inf.
_at_zero_scale = np.errstate(divide="ignore", invalid="ignore")


def _parameter(name: str, setting: Any, default: Prior, symbol: str, unit: Any) -> Parameter:
    """Return a fixed parameter for a number, a free one for a prior (None: the default)."""
    if setting is None or isinstance(setting, Prior):
        prior = default if setting is None else setting
        return Parameter(name, float(prior.ppf(0.5)), prior, unit, symbol)
    try:
        value = float(setting)
    except (TypeError, ValueError):
        raise ParameterError(
            f"{name} must be a number (exact), a prior, or None", value=setting
        ) from None
    if value < 0:
        raise ParameterError(f"{name} must not be negative", value=value)
    return Parameter(name, value, None, unit, symbol, fixed=True)


class Noise(abc.ABC):
    """A distribution of residuals; the first parameter is always the intrinsic scatter."""

    @property
    @abc.abstractmethod
    def parameters(self) -> tuple[Parameter, ...]:
        """Its parameters, in the order of `values`."""

    @abc.abstractmethod
    def pointwise(
        self, residual: FloatArray, variance: FloatArray, values: FloatArray
    ) -> FloatArray:
        """Return log densities ``(n, m)`` of residuals ``(n, m)``, measurement variance ``(m,)``.

        `values` ``(n, q)`` are those of :attr:`parameters`.
        """

    @abc.abstractmethod
    def log_survival(
        self, residual: FloatArray, variance: FloatArray, values: FloatArray
    ) -> FloatArray:
        """Return log probabilities ``(n, m)`` that a residual is larger."""

    @abc.abstractmethod
    def draw(
        self, variance: FloatArray, values: FloatArray, rng: np.random.Generator
    ) -> FloatArray:
        """Return residuals ``(m,)`` for values ``(q,)``."""

    def sums(self, residual: FloatArray, variance: FloatArray, values: FloatArray) -> FloatArray:
        """Return ``(n,)`` sums of :meth:`pointwise`, compiled where that is faster."""
        return self.pointwise(residual, variance, values).sum(axis=1)

    def derivatives(
        self, residual: FloatArray, variance: FloatArray, values: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray] | None:
        """Return what scoring needs, at one point, or None.

        Gradient ``(m,)`` of ln L in each predicted magnitude and Fisher information ``(m,)`` of
        it, gradient ``(q,)`` in the noise parameters and their information ``(q, q)``.
        """
        return None

    def curvature(
        self, residual: FloatArray, variance: FloatArray, values: FloatArray
    ) -> tuple[FloatArray, FloatArray, float] | None:
        """Return minus the second derivatives of ln L at one point, or None.

        In each predicted magnitude ``(m,)``, in it and the scatter ``(m,)``, and in the scatter.
        """
        return None


@dataclass(frozen=True)
class GaussianNoise(Noise):
    """Normal residuals: errors and intrinsic scatter in quadrature.

    Parameters
    ----------
    scatter : float, Prior, optional
        Intrinsic scatter in magnitudes; a number fixes it (0 gives weighted least squares).
    """

    scatter: float | Prior | None = None

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (_parameter("scatter", self.scatter, _SCATTER, "s", "mag"),)

    @_at_zero_scale
    def pointwise(
        self, residual: FloatArray, variance: FloatArray, values: FloatArray
    ) -> FloatArray:
        total = variance + values[:, :1] ** 2
        return np.asarray(-0.5 * (residual**2 / total + np.log(total) + _LOG_2PI))

    @_at_zero_scale
    def log_survival(
        self, residual: FloatArray, variance: FloatArray, values: FloatArray
    ) -> FloatArray:
        total = variance + values[:, :1] ** 2
        return np.asarray(special.log_ndtr(-residual / np.sqrt(total)))

    def draw(
        self, variance: FloatArray, values: FloatArray, rng: np.random.Generator
    ) -> FloatArray:
        return np.sqrt(variance + values[0] ** 2) * rng.standard_normal(variance.size)

    def sums(self, residual: FloatArray, variance: FloatArray, values: FloatArray) -> FloatArray:
        from .kernels import gaussian_sums

        out = np.empty(residual.shape[0])
        gaussian_sums(residual, variance, values[:, 0] ** 2, out)
        return out

    @_at_zero_scale
    def derivatives(
        self, residual: FloatArray, variance: FloatArray, values: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        scatter = values[0]
        total = variance + scatter**2
        score = np.array([np.sum(scatter / total * (residual**2 / total - 1))])
        information = np.array([[np.sum(2 * scatter**2 / total**2)]])
        return residual / total, 1 / total, score, information

    @_at_zero_scale
    def curvature(
        self, residual: FloatArray, variance: FloatArray, values: FloatArray
    ) -> tuple[FloatArray, FloatArray, float]:
        scatter = values[0]
        total = variance + scatter**2
        chi2 = residual**2 / total
        mixed = 2 * scatter * residual / total**2
        both = (1 - chi2) / total + 2 * scatter**2 / total**2 * (2 * chi2 - 1)
        return 1 / total, mixed, float(both.sum())


@dataclass(frozen=True)
class StudentTNoise(Noise):
    """Heavy tails: Student's t with a scale of errors and intrinsic scatter in quadrature.

    Parameters
    ----------
    dof : float or Prior
        Degrees of freedom; 4 by default, tails as heavy as those of collected magnitudes. A prior
        such as ``Uniform(1, 30)`` leaves them free.
    scatter : float, Prior, optional
        Intrinsic part of the scale, in magnitudes.

    Notes
    -----
    The standard deviation of t is ``sqrt(dof / (dof - 2))`` times its scale.
    """

    dof: float | Prior = 4.0
    scatter: float | Prior | None = None

    def __post_init__(self) -> None:
        low = self.dof.support[0] if isinstance(self.dof, Prior) else float(self.dof)
        if not low > 0:
            raise ParameterError("degrees of freedom must be > 0", value=low)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            _parameter("scatter", self.scatter, _SCATTER, "s", "mag"),
            _parameter("degrees_of_freedom", self.dof, Uniform(1.0, 30.0), r"\nu", None),
        )

    @_at_zero_scale
    def pointwise(
        self, residual: FloatArray, variance: FloatArray, values: FloatArray
    ) -> FloatArray:
        total, dof = variance + values[:, :1] ** 2, values[:, 1:2]
        tails = np.log1p(residual**2 / (total * dof))
        return np.asarray(_log_t_norm(dof) - 0.5 * np.log(total) - 0.5 * (dof + 1) * tails)

    @_at_zero_scale
    def log_survival(
        self, residual: FloatArray, variance: FloatArray, values: FloatArray
    ) -> FloatArray:
        total, dof = variance + values[:, :1] ** 2, values[:, 1:2]
        # A limit far too bright is impossible: the logarithm of 0.
        return np.asarray(np.log(special.stdtr(dof, -residual / np.sqrt(total))))

    def draw(
        self, variance: FloatArray, values: FloatArray, rng: np.random.Generator
    ) -> FloatArray:
        scale = np.sqrt(variance + values[0] ** 2)
        return np.asarray(scale * rng.standard_t(values[1], variance.size))

    def sums(self, residual: FloatArray, variance: FloatArray, values: FloatArray) -> FloatArray:
        from .kernels import student_t_sums

        out = np.empty(residual.shape[0])
        dof = np.ascontiguousarray(values[:, 1])
        student_t_sums(residual, variance, values[:, 0] ** 2, dof, _log_t_norm(dof), out)
        return out

    @_at_zero_scale
    def derivatives(
        self, residual: FloatArray, variance: FloatArray, values: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray] | None:
        if isinstance(self.dof, Prior):
            return None
        scatter, dof = values
        total = variance + scatter**2
        t2 = residual**2 / total
        pull = (dof + 1) / (dof + t2)
        score = np.array([np.sum(scatter / total * (pull * t2 - 1)), 0.0])
        information = np.zeros((2, 2))
        information[0, 0] = np.sum(2 * dof / (dof + 3) * scatter**2 / total**2)
        return pull * residual / total, (dof + 1) / (dof + 3) / total, score, information

    @_at_zero_scale
    def curvature(
        self, residual: FloatArray, variance: FloatArray, values: FloatArray
    ) -> tuple[FloatArray, FloatArray, float] | None:
        if isinstance(self.dof, Prior):
            return None
        scatter, dof = values
        total = variance + scatter**2
        wide = dof * total + residual**2
        magnitude = (dof + 1) * (dof * total - residual**2) / wide**2
        mixed = 2 * scatter * dof * (dof + 1) * residual / wide**2
        # First and second derivative of ln L in the squared scale.
        first = -0.5 / total + 0.5 * (dof + 1) * residual**2 / (total * wide)
        tail = residual**2 * (2 * dof * total + residual**2) / (total * wide) ** 2
        second = 0.5 / total**2 - 0.5 * (dof + 1) * tail
        return magnitude, mixed, float(-np.sum(2 * first + 4 * scatter**2 * second))


@dataclass(frozen=True)
class OutlierMixture(Noise):
    """Normal residuals, of which some come from a much wider normal (Hogg, Bovy & Lang 2010).

    Parameters
    ----------
    fraction : float or Prior, optional
        Fraction of outliers; flat from 0 to 0.5 by default.
    width : float or Prior, optional
        Scatter of outliers in magnitudes, added in quadrature.
    scatter : float, Prior, optional
        Intrinsic scatter of all, in magnitudes.
    """

    fraction: float | Prior | None = None
    width: float | Prior | None = None
    scatter: float | Prior | None = None

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            _parameter("scatter", self.scatter, _SCATTER, "s", "mag"),
            _parameter("outlier_fraction", self.fraction, Uniform(0.0, 0.5), "f", None),
            _parameter("outlier_scatter", self.width, Uniform(0.0, 5.0), "S", "mag"),
        )

    def _mixed(
        self,
        inner: Callable[[FloatArray, FloatArray, FloatArray], FloatArray],
        residual: FloatArray,
        variance: FloatArray,
        values: FloatArray,
    ) -> FloatArray:
        wide = np.hypot(values[:, :1], values[:, 2:3])
        log_bad, log_good = np.log(values[:, 1:2]), np.log1p(-values[:, 1:2])
        return np.asarray(
            np.logaddexp(
                log_good + inner(residual, variance, values[:, :1]),
                log_bad + inner(residual, variance, wide),
            )
        )

    @_at_zero_scale
    def pointwise(
        self, residual: FloatArray, variance: FloatArray, values: FloatArray
    ) -> FloatArray:
        return self._mixed(GaussianNoise().pointwise, residual, variance, values)

    @_at_zero_scale
    def log_survival(
        self, residual: FloatArray, variance: FloatArray, values: FloatArray
    ) -> FloatArray:
        return self._mixed(GaussianNoise().log_survival, residual, variance, values)

    def draw(
        self, variance: FloatArray, values: FloatArray, rng: np.random.Generator
    ) -> FloatArray:
        scatter, fraction, wide = values
        bad = rng.random(variance.size) < fraction
        total = variance + scatter**2 + np.where(bad, wide**2, 0.0)
        return np.sqrt(total) * rng.standard_normal(variance.size)


def _log_t_norm(dof: FloatArray) -> FloatArray:
    return np.asarray(
        special.gammaln((dof + 1) / 2) - special.gammaln(dof / 2) - 0.5 * np.log(dof * np.pi)
    )
