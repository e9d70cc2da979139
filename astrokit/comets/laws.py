"""How brightness follows the distance to the Sun: one index, two with a break, or two branches.

The exponent is that of the flux, ``F ~ r^-n Delta^-2``, so that magnitudes go as ``2.5 n log10 r``;
a body without a coma has n = 2, the cross-section of the dust goes as ``r^-(n - 2)``.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ..errors import ParameterError
from ..inference import LogUniform, Normal, Parameter, Prior, Uniform

__all__ = ["BranchIndices", "BrokenIndex", "HeliocentricLaw", "SingleIndex"]

FloatArray = NDArray[np.float64]
_PER_E_FOLD = 2.5 / np.log(10)  # magnitudes per unit of n ln r
_INDEX = Uniform(-10.0, 20.0)
_BREAK = LogUniform(0.3, 30.0)  # au
_STEP = Normal(0.0, 2.0)  # mag


def _index(name: str, prior: Prior | float, symbol: str) -> Parameter:
    if isinstance(prior, Prior):
        return Parameter(name, float(np.clip(4.0, *prior.support)), prior, symbol=symbol)
    return Parameter(name, float(prior), symbol=symbol, fixed=True)


class HeliocentricLaw(abc.ABC):
    """Magnitudes against the distance to the Sun, 0 at 1 au."""

    is_linear = True  # in its parameters

    @property
    @abc.abstractmethod
    def parameters(self) -> tuple[Parameter, ...]:
        """Its parameters, in the order of `values`."""

    @abc.abstractmethod
    def magnitudes(self, r: FloatArray, after: NDArray[np.bool_], values: FloatArray) -> FloatArray:
        """Return ``(n, m)`` magnitudes for distances ``(m,)``; `after` perihelion ``(m,)``."""

    @abc.abstractmethod
    def gradient(self, r: FloatArray, after: NDArray[np.bool_], values: FloatArray) -> FloatArray:
        """Return ``(p, m)`` derivatives in the parameters at values ``(p,)``."""


@dataclass(frozen=True)
class SingleIndex(HeliocentricLaw):
    """One power law, ``2.5 n log10 r``.

    Parameters
    ----------
    index : Prior or float
        Of the heliocentric index n; a number fixes it.
    """

    index: Prior | float = _INDEX

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (_index("heliocentric_index", self.index, "n"),)

    def magnitudes(self, r: FloatArray, after: NDArray[np.bool_], values: FloatArray) -> FloatArray:
        return 2.5 * values[:, :1] * np.log10(r)

    def gradient(self, r: FloatArray, after: NDArray[np.bool_], values: FloatArray) -> FloatArray:
        return 2.5 * np.log10(r)[None, :]


@dataclass(frozen=True)
class BrokenIndex(HeliocentricLaw):
    """Two power laws that pass into each other at a break radius.

    Parameters
    ----------
    inner, outer : Prior or float
        Of the heliocentric index inside and outside of the break; H belongs to the inner one.
    break_radius : Prior or float
        In au; keep it inside the range of the data. A number fixes it.
    width : float
        Relative width in r over which the index changes, 0.05 by default. A break of no width
        would put a kink into the likelihood at each magnitude, and comets have none.

    Raises
    ------
    ParameterError
        For a width or a break radius that is not positive.
    """

    inner: Prior | float = _INDEX
    outer: Prior | float = _INDEX
    break_radius: Prior | float = _BREAK
    width: float = 0.05
    is_linear = False

    def __post_init__(self) -> None:
        if not self.width > 0:
            raise ParameterError("the width of a break must be > 0", value=self.width)
        radius = self.break_radius
        if not (radius.support[0] if isinstance(radius, Prior) else radius) >= 0 or radius == 0:
            raise ParameterError("the break radius must be > 0 au", value=radius)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            _index("inner_index", self.inner, r"n_\mathrm{in}"),
            _index("outer_index", self.outer, r"n_\mathrm{out}"),
            self._radius_parameter(),
        )

    def _radius_parameter(self) -> Parameter:
        name, symbol, radius = "break_radius", r"r_\mathrm{b}", self.break_radius
        if isinstance(radius, Prior):
            return Parameter(name, float(radius.ppf(0.5)), radius, "au", symbol)
        return Parameter(name, float(radius), None, "au", symbol, fixed=True)

    def _beyond(self, r: FloatArray, radius: FloatArray) -> FloatArray:
        """Return the part of ln r beyond the break: ln(r/r_b) far outside, 0 far inside."""
        steps = (np.log(r) - np.log(radius)) / self.width
        return np.asarray(self.width * np.logaddexp(0.0, steps))

    def magnitudes(self, r: FloatArray, after: NDArray[np.bool_], values: FloatArray) -> FloatArray:
        outside = self._beyond(r, values[:, 2:3])
        return _PER_E_FOLD * (values[:, :1] * (np.log(r) - outside) + values[:, 1:2] * outside)

    def gradient(self, r: FloatArray, after: NDArray[np.bool_], values: FloatArray) -> FloatArray:
        inner, outer, radius = values
        outside = self._beyond(r, radius)
        share = special.expit((np.log(r) - np.log(radius)) / self.width)
        moves = (inner - outer) * share / radius
        return _PER_E_FOLD * np.vstack([np.log(r) - outside, outside, moves])


@dataclass(frozen=True)
class BranchIndices(HeliocentricLaw):
    """One power law before perihelion and another after it, which need not meet.

    Parameters
    ----------
    before, after : Prior or float
        Of the heliocentric index of each branch.
    step : Prior
        Of the magnitude at 1 au after perihelion minus that before.
    """

    before: Prior | float = _INDEX
    after: Prior | float = _INDEX
    step: Prior = _STEP

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            _index("preperihelion_index", self.before, r"n_\mathrm{pre}"),
            _index("postperihelion_index", self.after, r"n_\mathrm{post}"),
            Parameter("postperihelion_step", 0.0, self.step, "mag", r"\Delta H"),
        )

    def magnitudes(self, r: FloatArray, after: NDArray[np.bool_], values: FloatArray) -> FloatArray:
        late = 2.5 * values[:, 1:2] * np.log10(r) + values[:, 2:3]
        return np.where(after, late, 2.5 * values[:, :1] * np.log10(r))

    def gradient(self, r: FloatArray, after: NDArray[np.bool_], values: FloatArray) -> FloatArray:
        column = 2.5 * np.log10(r)
        return np.vstack([np.where(after, 0, column), np.where(after, column, 0), after])
