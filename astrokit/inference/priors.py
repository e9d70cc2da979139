"""Prior distributions: each has ``logpdf``, ``ppf``, ``sample`` and a ``support``.

``logpdf`` takes arrays and is ``-inf`` outside the support, never NaN. A frozen
``scipy.stats`` distribution may be used wherever a prior is expected.
"""

from __future__ import annotations

import abc
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ..boundary import as_scalar
from ..errors import ParameterError

__all__ = [
    "HalfNormal",
    "LogNormal",
    "LogUniform",
    "Normal",
    "Prior",
    "TruncatedNormal",
    "Uniform",
    "as_prior",
    "prior_from_dict",
]

FloatArray = NDArray[np.float64]
_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)


class Prior(abc.ABC):
    """A one-dimensional probability distribution over a parameter."""

    @property
    @abc.abstractmethod
    def support(self) -> tuple[float, float]:
        """Lower and upper end; the density is zero outside."""

    @abc.abstractmethod
    def _logpdf(self, x: FloatArray) -> FloatArray:
        """Return the log density for `x` strictly inside the support."""

    @abc.abstractmethod
    def ppf(self, q: ArrayLike) -> FloatArray:
        """Return the quantile function at probabilities `q`, any shape."""

    def logpdf(self, x: ArrayLike) -> FloatArray:
        """Return the log density at `x` (any shape); ``-inf`` outside the support."""
        x = np.asarray(x, dtype=float)
        low, high = self.support
        inside = (x >= low) & (x <= high)
        # Evaluate the formula at a harmless point where x is outside, so that no log(0) warns.
        safe = np.where(inside, x, self.ppf(0.5))
        with np.errstate(over="ignore"):  # far out the density is zero, not an accident
            return np.where(inside, self._logpdf(safe), -np.inf)

    def sample(self, rng: np.random.Generator, size: int | tuple[int, ...] = 1) -> FloatArray:
        """Return `size` independent draws."""
        return self.ppf(rng.random(size))

    @property
    def compiled(self) -> tuple[float, ...] | None:
        """Return numbers from which a kernel evaluates the density, or None.

        ``(low, high, c, p, kind, mu, sigma)`` stand for ``c - p ln x - z**2 / 2`` inside the
        support, with z = 0 (kind 0), (x - mu)/sigma (kind 1) or (ln x - mu)/sigma (kind 2).
        """
        return None

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON types from which :func:`prior_from_dict` rebuilds the prior."""
        return {"prior": type(self).__name__, **asdict(self)}  # type: ignore[call-overload]


@dataclass(frozen=True)
class Uniform(Prior):
    """Constant density from `low` to `high`.

    Examples
    --------
    >>> from astrokit.inference import Uniform
    >>> float(Uniform(0, 4).ppf(0.25))
    1.0
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _require_order(self.low, self.high, "Uniform")
        _require_finite(self.low, self.high, "Uniform")

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def _logpdf(self, x: FloatArray) -> FloatArray:
        return np.full(x.shape, -math.log(self.high - self.low))

    def ppf(self, q: ArrayLike) -> FloatArray:
        return self.low + (self.high - self.low) * np.asarray(q, dtype=float)

    @property
    def compiled(self) -> tuple[float, ...]:
        return (self.low, self.high, -math.log(self.high - self.low), 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class LogUniform(Prior):
    """Density proportional to 1/x from `low` to `high` (both > 0): every decade alike."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _require_order(self.low, self.high, "LogUniform")
        _require_positive(self.low, "LogUniform low")
        _require_finite(self.low, self.high, "LogUniform")

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def _logpdf(self, x: FloatArray) -> FloatArray:
        return -math.log(math.log(self.high / self.low)) - np.log(x)

    def ppf(self, q: ArrayLike) -> FloatArray:
        # The clip only removes rounding beyond the ends, where logpdf would be -inf.
        power = self.low * np.exp(np.asarray(q, dtype=float) * math.log(self.high / self.low))
        return np.clip(power, self.low, self.high)

    @property
    def compiled(self) -> tuple[float, ...]:
        c = -math.log(math.log(self.high / self.low))
        return (self.low, self.high, c, 1.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Normal(Prior):
    """Gaussian with `mean` and standard deviation `sigma`."""

    mean: float
    sigma: float

    def __post_init__(self) -> None:
        _require_positive(self.sigma, "Normal sigma")

    @property
    def support(self) -> tuple[float, float]:
        return -math.inf, math.inf

    def _logpdf(self, x: FloatArray) -> FloatArray:
        return -0.5 * ((x - self.mean) / self.sigma) ** 2 - math.log(self.sigma) - _LOG_SQRT_2PI

    def ppf(self, q: ArrayLike) -> FloatArray:
        return self.mean + self.sigma * special.ndtri(np.asarray(q, dtype=float))

    @property
    def compiled(self) -> tuple[float, ...]:
        c = -math.log(self.sigma) - _LOG_SQRT_2PI
        return (-math.inf, math.inf, c, 0.0, 1.0, self.mean, self.sigma)


@dataclass(frozen=True)
class TruncatedNormal(Prior):
    """Gaussian (`mean`, `sigma`) cut to the interval from `low` to `high` and renormalised."""

    mean: float
    sigma: float
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        _require_positive(self.sigma, "TruncatedNormal sigma")
        _require_order(self.low, self.high, "TruncatedNormal")

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    @property
    def _log_mass(self) -> float:
        a, b = (self.low - self.mean) / self.sigma, (self.high - self.mean) / self.sigma
        if a > 0:  # far upper tail: mirror it, where ndtr keeps its precision
            a, b = -b, -a
        log_b, log_a = special.log_ndtr(b), special.log_ndtr(a)
        return float(log_b + np.log1p(-np.exp(log_a - log_b)))

    def _logpdf(self, x: FloatArray) -> FloatArray:
        c = math.log(self.sigma) + _LOG_SQRT_2PI + self._log_mass
        return -0.5 * ((x - self.mean) / self.sigma) ** 2 - c

    def ppf(self, q: ArrayLike) -> FloatArray:
        q = np.asarray(q, dtype=float)
        a, b = (self.low - self.mean) / self.sigma, (self.high - self.mean) / self.sigma
        mirror = a > 0
        if mirror:
            a, b, q = -b, -a, 1 - q
        z = special.ndtri(special.ndtr(a) + q * (special.ndtr(b) - special.ndtr(a)))
        return np.clip(self.mean + self.sigma * (-z if mirror else z), self.low, self.high)

    @property
    def compiled(self) -> tuple[float, ...]:
        c = -math.log(self.sigma) - _LOG_SQRT_2PI - self._log_mass
        return (self.low, self.high, c, 0.0, 1.0, self.mean, self.sigma)


@dataclass(frozen=True)
class HalfNormal(Prior):
    """The positive half of a Gaussian with mean 0 and standard deviation `sigma`."""

    sigma: float

    def __post_init__(self) -> None:
        _require_positive(self.sigma, "HalfNormal sigma")

    @property
    def support(self) -> tuple[float, float]:
        return 0.0, math.inf

    def _logpdf(self, x: FloatArray) -> FloatArray:
        return -0.5 * (x / self.sigma) ** 2 - math.log(self.sigma / 2) - _LOG_SQRT_2PI

    def ppf(self, q: ArrayLike) -> FloatArray:
        # From the lower tail: 0.5 * (1 + q) would round to 1, and the quantile to infinity.
        return -self.sigma * special.ndtri(0.5 * (1 - np.asarray(q, dtype=float)))

    @property
    def compiled(self) -> tuple[float, ...]:
        c = -math.log(self.sigma / 2) - _LOG_SQRT_2PI
        return (0.0, math.inf, c, 0.0, 1.0, 0.0, self.sigma)


@dataclass(frozen=True)
class LogNormal(Prior):
    """x > 0 whose natural logarithm is Gaussian with mean `mean_log` and deviation `sigma_log`."""

    mean_log: float
    sigma_log: float

    def __post_init__(self) -> None:
        _require_positive(self.sigma_log, "LogNormal sigma_log")

    @property
    def support(self) -> tuple[float, float]:
        return np.nextafter(0.0, 1.0), math.inf

    def _logpdf(self, x: FloatArray) -> FloatArray:
        log_x = np.log(x)
        z = (log_x - self.mean_log) / self.sigma_log
        return -0.5 * z**2 - log_x - math.log(self.sigma_log) - _LOG_SQRT_2PI

    def ppf(self, q: ArrayLike) -> FloatArray:
        return np.exp(self.mean_log + self.sigma_log * special.ndtri(np.asarray(q, dtype=float)))

    @property
    def compiled(self) -> tuple[float, ...]:
        c = -math.log(self.sigma_log) - _LOG_SQRT_2PI
        low, high = self.support
        return (low, high, c, 1.0, 2.0, self.mean_log, self.sigma_log)


@dataclass(frozen=True)
class ScipyPrior(Prior):
    """A frozen ``scipy.stats`` distribution, wrapped by :func:`as_prior`."""

    distribution: Any

    @property
    def support(self) -> tuple[float, float]:
        low, high = self.distribution.support()
        return float(low), float(high)

    def _logpdf(self, x: FloatArray) -> FloatArray:
        return np.asarray(self.distribution.logpdf(x), dtype=float)

    def ppf(self, q: ArrayLike) -> FloatArray:
        return np.asarray(self.distribution.ppf(q), dtype=float)

    def as_dict(self) -> dict[str, Any]:
        frozen = self.distribution
        return {
            "prior": "scipy.stats",
            "name": frozen.dist.name,
            "args": [float(a) for a in frozen.args],
            "kwds": {key: float(value) for key, value in frozen.kwds.items()},
        }


_NAMED: dict[str, type[Prior]] = {
    cls.__name__: cls
    for cls in (Uniform, LogUniform, Normal, TruncatedNormal, HalfNormal, LogNormal)
}


def as_prior(prior: Any, name: str = "prior") -> Prior:
    """Return `prior` if it is one, or wrap a frozen continuous ``scipy.stats`` distribution.

    Raises
    ------
    ParameterError
        For anything else; a discrete distribution has no density.
    """
    if isinstance(prior, Prior):
        return prior
    if all(hasattr(prior, attribute) for attribute in ("logpdf", "ppf", "support", "dist")):
        return ScipyPrior(prior)
    raise ParameterError(
        f"the prior of {name} is not a distribution",
        value=prior,
        allowed="Uniform, LogUniform, Normal, ..., or a frozen continuous scipy.stats distribution",
        hint="for example Uniform(0, 4)",
    )


def prior_from_dict(record: dict[str, Any]) -> Prior:
    """Rebuild a prior from :meth:`Prior.as_dict`."""
    fields = dict(record)
    kind = fields.pop("prior")
    if kind == "scipy.stats":
        from scipy import stats

        return ScipyPrior(getattr(stats, fields["name"])(*fields["args"], **fields["kwds"]))
    return _NAMED[kind](**fields)


def _require_positive(value: float, name: str) -> None:
    if not 0 < as_scalar(value, name) < math.inf:
        raise ParameterError(f"{name} must be > 0 and finite", value=value)


def _require_finite(low: float, high: float, name: str) -> None:
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ParameterError(
            f"{name} over an infinite range is no distribution",
            value=(low, high),
            hint="give finite ends, or use Normal, LogNormal or HalfNormal",
        )


def _require_order(low: float, high: float, name: str) -> None:
    if not low < high:
        raise ParameterError(
            f"{name} needs low < high", value=(low, high), hint="swap the two ends"
        )
