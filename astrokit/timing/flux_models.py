"""Distributions of flux, composed with ``+``: normal, log-normal, and mixtures of two.

Components are given from faint to bright: of a mixture the second one lies above the first by its
`separation` > 0, so that no two points of the parameter space mean the same distribution.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array
from ..errors import InputError, ParameterError
from ..inference.parameters import Parameter, Parameters
from ..inference.priors import LogUniform, Prior, Uniform

__all__ = ["FluxModel", "LogNormalFlux", "NormalFlux"]

FloatArray = NDArray[np.float64]
_NARROWEST, _WIDEST = 0.05, 10.0  # widths over the standard deviation of the data
_REACH = 5.0  # locations and separations, in ranges of the data


class FluxModel(abc.ABC):
    """A distribution of flux: one component, or two added with ``+``.

    Default priors, made from the data (S is their standard deviation, relative to the mean for
    `log_sigma`):

    ==================  =========================================================================
    mean                uniform, five ranges below the lowest to five above the highest rate; from
                        zero below a log-normal component
    median              log-uniform, 1/100 of the mean to 100 times the mean
    sigma, log_sigma    log-uniform, 0.05 S to 10 S
    separation          uniform, zero to five ranges of the data
    fraction_2          uniform, 0 to 1
    ==================  =========================================================================
    """

    @property
    @abc.abstractmethod
    def components(self) -> tuple[FluxComponent, ...]:
        """One or two components."""

    def __add__(self, other: FluxModel) -> FluxModel:
        if not isinstance(other, FluxModel):
            return NotImplemented
        return _Mixture((*self.components, *other.components))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters in order."""
        first, *rest = self.components
        if not rest:
            return (first.location, first.width)
        return (
            f"{first.location}_1",
            f"{first.width}_1",
            "separation",
            f"{rest[0].width}_2",
            "fraction_2",
        )

    @property
    def label(self) -> str:
        """The distribution in words, such as "log-normal + log-normal"."""
        return " + ".join(component.kind for component in self.components)

    @property
    def codes(self) -> NDArray[np.int64]:
        """What tells kernels apart."""
        return np.array([component.code for component in self.components])

    def standard(self, values: FloatArray) -> FloatArray:
        """Return rows ``[m, w]`` or ``[m, w, m, w, q]`` for ``(n, p)`` values of the parameters.

        NaN where a median is not positive.
        """
        first, *rest = self.components
        rows = np.array(values, dtype=float)
        with np.errstate(invalid="ignore", divide="ignore"):
            rows[:, 0] = first.center(values[:, 0])
            if rest:
                rows[:, 2] = rest[0].center(values[:, 0] + values[:, 2])
        rows[~np.isfinite(rows).all(axis=1)] = np.nan
        return rows

    def jacobian(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return d(row)/d(values) ``(p, p)`` and the second derivatives of the centres ``(p,)``.

        The second derivative of a centre is the same in all locations on which it depends.
        """
        first, *rest = self.components
        first_derivative, second = np.eye(values.size), np.zeros(values.size)
        first_derivative[0, 0], second[0] = first.center_derivatives(values[0])
        if rest:
            slope, second[2] = rest[0].center_derivatives(values[0] + values[2])
            first_derivative[2, 0] = first_derivative[2, 2] = slope
        return first_derivative, second

    def pdf(self, flux: ArrayLike, **values: float) -> FloatArray:
        """Return the probability density of fluxes without measurement errors.

        Parameters
        ----------
        flux : array_like, shape (n,)
        **values : float
            Every parameter.

        Raises
        ------
        ParameterError
            For a missing or unknown name.

        Examples
        --------
        >>> import astrokit as ak
        >>> ak.timing.LogNormalFlux().pdf([1.0, 2.0], median=1.0, log_sigma=0.5).round(4)
        array([0.7979, 0.1526])
        """
        from .flux_kernels import log_densities

        x = as_array(flux, "flux")
        row = self._standard_row(values)
        out = np.empty(x.size)
        log_densities(row, self.codes, x, np.zeros(x.size), out)
        return np.exp(out)

    def _standard_row(self, values: dict[str, float]) -> FloatArray:
        if set(values) != set(self.names):
            raise ParameterError(
                "the values do not name every parameter once",
                value=", ".join(values),
                allowed=", ".join(self.names),
            )
        return self.standard(np.array([[float(values[name]) for name in self.names]]))[0]

    def maxima(self, **values: float) -> tuple[float, ...]:
        """Return the fluxes at which the density peaks, from faint to bright: one or two.

        Examples
        --------
        >>> import astrokit as ak
        >>> two = ak.timing.NormalFlux() + ak.timing.NormalFlux()
        >>> values = dict(mean_1=1.0, sigma_1=1.0, sigma_2=1.0, fraction_2=0.5)
        >>> [len(two.maxima(separation=s, **values)) for s in (1.5, 4.0)]
        [1, 2]
        """
        row = self._standard_row(values)
        pieces = [
            component.span(*row[2 * i : 2 * i + 2]) for i, component in enumerate(self.components)
        ]
        grid = np.unique(np.concatenate(pieces))
        finest = min(float(np.diff(piece).min()) for piece in pieces)
        grid = grid[np.append(True, np.diff(grid) > 1e-3 * finest)]  # rounding makes no peaks
        density = self.pdf(grid, **values)
        inner = density[1:-1]
        peaks = np.flatnonzero((inner > density[:-2]) & (inner >= density[2:])) + 1
        return tuple(float(x) for x in grid[peaks])

    def draw(self, values: FloatArray, n: int, rng: np.random.Generator) -> FloatArray:
        """Return `n` fluxes drawn at ``(p,)`` values of the parameters."""
        row = self.standard(values[None, :])[0]
        u = rng.standard_normal(n)
        first, *rest = self.components
        flux = first.flux(row[0] + row[1] * u)
        if rest:
            second = rest[0].flux(row[2] + row[3] * u)
            flux = np.where(rng.random(n) < row[4], second, flux)
        return flux

    def parameters(self, rate: FloatArray) -> Parameters:
        """Return parameters with default priors and starting values for rates ``(n,)``."""
        first, *rest = self.components
        low, high = float(rate.min()), float(rate.max())
        groups = list(_split(rate)) if rest else [rate]
        size = max(float(rate.std()), 1e-6 * max(abs(low), abs(high)), 1e-300)
        made = [first.location_and_width(groups[0], rate, size, self.names[:2])]
        if rest and rest[0].code == 1 and first.code == 0:  # a median is > 0
            made[0][0] = _positive(made[0][0])
        if rest:
            reach = _REACH * max(high - low, size)
            gap = float(np.median(groups[1]) - np.median(groups[0]))
            width = rest[0].width_parameter(groups[1], rate, size, self.names[3])
            made.append(
                [
                    Parameter("separation", max(gap, 1e-3 * reach), Uniform(0.0, reach)),
                    width,
                    Parameter("fraction_2", groups[1].size / rate.size, Uniform(0.0, 1.0)),
                ]
            )
        return Parameters([p for part in made for p in part])


@dataclass(frozen=True)
class FluxComponent(FluxModel):
    """A single component: a normal variate u makes the flux."""

    kind: ClassVar[str]
    code: ClassVar[int]
    location: ClassVar[str]
    width: ClassVar[str]

    @property
    def components(self) -> tuple[FluxComponent, ...]:
        return (self,)

    @abc.abstractmethod
    def center(self, location: FloatArray) -> FloatArray:
        """Return m, the centre in the variable in which the component is normal."""

    @abc.abstractmethod
    def center_derivatives(self, location: float) -> tuple[float, float]:
        """Return the first and second derivative of m."""

    @abc.abstractmethod
    def flux(self, y: FloatArray) -> FloatArray:
        """Return the flux of the variable in which the component is normal."""

    @abc.abstractmethod
    def location_and_width(
        self, group: FloatArray, rate: FloatArray, size: float, names: tuple[str, ...]
    ) -> list[Parameter]:
        """Return location and width with priors and starting values."""

    def span(self, m: float, w: float) -> FloatArray:
        """Return fluxes that resolve the component."""
        return self.flux(m + w * np.linspace(-4.0, 4.0, 801))

    def width_parameter(
        self, group: FloatArray, rate: FloatArray, size: float, name: str
    ) -> Parameter:
        """Return the width with its prior; it starts at the scatter of `group`."""
        unit = size / self._scale(rate)
        low, high = _NARROWEST * unit, _WIDEST * unit
        start = float(np.clip(group.std() / self._scale(group), 2 * low, 0.5 * high))
        return Parameter(name, start, LogUniform(low, high))

    def _scale(self, rate: FloatArray) -> float:
        return 1.0


@dataclass(frozen=True)
class NormalFlux(FluxComponent):
    """Normally distributed fluxes, with `mean` and `sigma`.

    Examples
    --------
    >>> import astrokit as ak
    >>> (ak.timing.NormalFlux() + ak.timing.LogNormalFlux()).names
    ('mean_1', 'sigma_1', 'separation', 'log_sigma_2', 'fraction_2')
    """

    kind = "normal"
    code = 0
    location = "mean"
    width = "sigma"

    def center(self, location: FloatArray) -> FloatArray:
        return location

    def center_derivatives(self, location: float) -> tuple[float, float]:
        return 1.0, 0.0

    def flux(self, y: FloatArray) -> FloatArray:
        return y

    def location_and_width(
        self, group: FloatArray, rate: FloatArray, size: float, names: tuple[str, ...]
    ) -> list[Parameter]:
        low, high = float(rate.min()), float(rate.max())
        reach = _REACH * max(high - low, size)
        prior: Prior = Uniform(low - reach, high + reach)
        return [
            Parameter(names[0], float(np.mean(group)), prior),
            self.width_parameter(group, rate, size, names[1]),
        ]


@dataclass(frozen=True)
class LogNormalFlux(FluxComponent):
    """Fluxes whose logarithms are normal, with `median` and `log_sigma` (of the natural logarithm).

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.timing.LogNormalFlux().names
    ('median', 'log_sigma')
    """

    kind = "log-normal"
    code = 1
    location = "median"
    width = "log_sigma"

    def center(self, location: FloatArray) -> FloatArray:
        return np.log(location)

    def center_derivatives(self, location: float) -> tuple[float, float]:
        return 1.0 / location, -1.0 / location**2

    def flux(self, y: FloatArray) -> FloatArray:
        return np.exp(y)

    def location_and_width(
        self, group: FloatArray, rate: FloatArray, size: float, names: tuple[str, ...]
    ) -> list[Parameter]:
        mean = self._scale(rate)
        start = float(np.clip(np.median(group), 0.02 * mean, 50 * mean))
        return [
            Parameter(names[0], start, LogUniform(0.01 * mean, 100 * mean)),
            self.width_parameter(group, rate, size, names[1]),
        ]

    def _scale(self, rate: FloatArray) -> float:
        mean = float(rate.mean())
        if not mean > 0:
            raise InputError(
                "the mean rate is not positive, so no log-normal distribution describes it",
                value=mean,
                hint="use NormalFlux",
            )
        return mean


@dataclass(frozen=True)
class _Mixture(FluxModel):
    """Two components."""

    terms: tuple[FluxComponent, ...]

    def __post_init__(self) -> None:
        if len(self.terms) > 2:
            raise InputError(
                "a mixture has two components",
                value=len(self.terms),
                allowed="at most 2",
                hint="more are not told apart by a light curve whose bins are correlated",
            )

    @property
    def components(self) -> tuple[FluxComponent, ...]:
        return self.terms

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.terms))


def _positive(parameter: Parameter) -> Parameter:
    """Return a location whose prior begins at zero."""
    high = parameter.prior.support[1] if parameter.prior else np.inf
    return Parameter(parameter.name, max(parameter.value, 1e-3 * high), Uniform(0.0, high))


def _split(rate: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the rates in two groups between which most of their variance lies."""
    ordered = np.sort(rate)
    if ordered.size < 4:
        return ordered[:1], ordered[1:]
    n = np.arange(1, ordered.size)
    total = np.cumsum(ordered)
    below = total[:-1] / n
    above = (total[-1] - total[:-1]) / (ordered.size - n)
    between = n * (ordered.size - n) * (above - below) ** 2
    at = int(np.argmax(between[1:-1])) + 2
    return ordered[:at], ordered[at:]
