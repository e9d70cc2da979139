"""Phase functions: how much fainter dust looks away from opposition.

A phase function answers with magnitudes ``-2.5 log10 Phi(alpha)`` to add at phase angle alpha (0 at
opposition), and names the parameters that a fit may vary.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array
from ..errors import InputError, MissingDependencyError, ParameterError, ShapeError
from ..estimate import Estimate
from ..inference import Normal, Parameter, Prior, TruncatedNormal

__all__ = [
    "CustomPhase",
    "HalleyMarcusPhase",
    "HGPhase",
    "LinearPhase",
    "NoPhase",
    "PhaseFunction",
]

FloatArray = NDArray[np.float64]


class PhaseFunction(abc.ABC):
    """A phase function: `parameters` (perhaps none) and magnitudes at phase angles."""

    citation_keys: tuple[str, ...] = ()

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What a fit may vary, with priors; fixed ones included."""
        return ()

    @abc.abstractmethod
    def _magnitudes(self, alpha: FloatArray, values: FloatArray) -> FloatArray:
        """Return ``(n, m)`` magnitudes for angles ``(m,)`` and parameter values ``(n, p)``."""

    def magnitudes(self, phase_angle: ArrayLike, **values: float) -> FloatArray:
        """Return the dimming ``-2.5 log10 Phi`` in magnitudes, shape ``(m,)``.

        Parameters
        ----------
        phase_angle : array_like or Quantity, shape (m,) or scalar
            Degrees, 0 to 180.
        **values : float
            Values of parameters; those left out keep their starting values.

        Raises
        ------
        InputError
            For an angle outside 0 to 180 degrees.
        ParameterError
            For an unknown parameter.
        """
        alpha = as_array(phase_angle, "phase_angle", unit="deg", ndim=None)
        require_phase_angles(alpha)
        known = {p.name: p.value for p in self.parameters}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ParameterError(
                f"{type(self).__name__} has no parameter {unknown[0]!r}",
                allowed=", ".join(known) or "none",
            )
        row = np.array([[{**known, **values}[name] for name in known]], dtype=float)
        return self._magnitudes(alpha.ravel(), row)[0].reshape(alpha.shape)

    def values_at(self, phase_angle: ArrayLike, **values: float) -> FloatArray:
        """Return the phase function itself, ``Phi`` (1 at opposition); see :meth:`magnitudes`."""
        return np.asarray(10 ** (-0.4 * self.magnitudes(phase_angle, **values)))


def require_phase(phase: object) -> None:
    """Raise an InputError for anything but a phase function."""
    if not isinstance(phase, PhaseFunction):
        raise InputError(
            "phase must be a PhaseFunction",
            value=type(phase).__name__,
            hint="such as LinearPhase(0.04) or HalleyMarcusPhase()",
        )


def require_phase_angles(alpha: FloatArray) -> None:
    """Raise an InputError for angles (or NaN) outside 0 to 180 degrees."""
    bad = ~((alpha >= 0) & (alpha <= 180))
    if bad.any():
        raise InputError(
            f"{int(bad.sum())} phase angles lie outside 0 to 180 degrees",
            value=float(alpha[bad].ravel()[0]),
            hint="give degrees; without a phase angle no phase function can be applied",
        )


@dataclass(frozen=True)
class NoPhase(PhaseFunction):
    """No dimming with phase angle: for data that were corrected before."""

    def _magnitudes(self, alpha: FloatArray, values: FloatArray) -> FloatArray:
        return np.zeros((values.shape[0], alpha.size))


@dataclass(frozen=True)
class LinearPhase(PhaseFunction):
    """A dimming of `beta` magnitudes per degree: enough below some 30 degrees.

    Parameters
    ----------
    beta : float, (mean, sigma), Estimate, or Prior
        A number is taken as exact; a pair or an :class:`~astrokit.Estimate` is a normal prior, so
        that its uncertainty gets into every other error bar; other priors are taken as they are.

    Raises
    ------
    ParameterError
        When `beta` is none of these.

    Examples
    --------
    >>> from astrokit.comets import LinearPhase
    >>> LinearPhase(0.04).magnitudes([0, 10, 20]).tolist()
    [0.0, 0.4, 0.8]
    >>> LinearPhase((0.04, 0.02)).parameters[0].prior
    Normal(mean=0.04, sigma=0.02)
    """

    beta: float | tuple[float, float] | Estimate | Prior = (0.04, 0.02)

    def __post_init__(self) -> None:
        _phase_parameter(self.beta)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (_phase_parameter(self.beta),)

    def _magnitudes(self, alpha: FloatArray, values: FloatArray) -> FloatArray:
        return values[:, :1] * alpha


def _phase_parameter(beta: Any) -> Parameter:
    name, unit, symbol = "phase_coefficient", "mag / deg", r"\beta"
    if isinstance(beta, Prior):
        return Parameter(name, float(beta.ppf(0.5)), beta, unit, symbol)
    if isinstance(beta, int | float | np.number):
        return Parameter(name, float(beta), None, unit, symbol, fixed=True)
    if isinstance(beta, Estimate):
        beta = beta.to(unit) if beta.unit is not None else beta
        beta = (beta.value, beta.error)
    if isinstance(beta, tuple | list) and len(beta) == 2:
        prior = Normal(float(beta[0]), float(beta[1]))
        return Parameter(name, prior.mean, prior, unit, symbol)
    raise ParameterError(
        "beta must be a number (exact), a pair (mean, sigma), or a prior",
        value=beta,
        hint="such as LinearPhase((0.04, 0.02)), in magnitudes per degree",
    )


@dataclass(frozen=True)
class HalleyMarcusPhase(PhaseFunction):
    """The composite dust phase function of Schleicher, for all angles; no parameters.

    Below 42 degrees the quadratic fitted to comet Halley by Schleicher, Millis & Birch (1998);
    beyond, where forward scattering takes over, the compound Henyey-Greenstein function of Marcus
    (2007), scaled to meet it there.

    Examples
    --------
    >>> from astrokit.comets import HalleyMarcusPhase
    >>> HalleyMarcusPhase().values_at([0, 10, 90]).round(4).tolist()
    [1.0, 0.6871, 0.5375]
    """

    citation_keys = ("schleicher1998", "marcus2007")

    def _magnitudes(self, alpha: FloatArray, values: FloatArray) -> FloatArray:
        row = np.where(alpha <= _JOIN, _halley(alpha), _marcus(alpha) + _JUMP)
        return np.tile(row, (values.shape[0], 1))


def _halley(alpha: ArrayLike) -> FloatArray:
    a = np.asarray(alpha, dtype=float)
    return 2.5 * (0.01807 * a - 0.000177 * a**2)


def _marcus(alpha: ArrayLike) -> FloatArray:
    """Return magnitudes of the compound function: forward and backward lobe and a floor."""
    cosine = np.cos(np.pi - np.deg2rad(alpha))  # of the scattering angle

    def lobe(g: float) -> FloatArray:
        return ((1 + g**2) / (1 + g**2 - 2 * g * cosine)) ** 1.5

    dust = 0.95 * lobe(0.9) + 0.05 * lobe(-0.6)
    dust_to_gas = 100.0  # at 90 degrees: dust alone, but for a floor of one per cent
    return -2.5 * np.log10((dust_to_gas * dust + 1) / (dust_to_gas + 1))


_JOIN = 42.0  # degrees
_JUMP = float(_halley(_JOIN) - _marcus(_JOIN))


@dataclass(frozen=True)
class HGPhase(PhaseFunction):
    """The IAU H, G system of Bowell et al. (1989), for a bare nucleus; needs sbpy.

    Parameters
    ----------
    slope : float, (mean, sigma), or Prior
        The slope parameter G, from 0 to 1. A pair is a normal prior cut to that range.

    Raises
    ------
    MissingDependencyError
        When sbpy is not installed.
    """

    slope: float | tuple[float, float] | Prior = 0.15
    citation_keys = ("bowell1989", "sbpy")

    def __post_init__(self) -> None:
        _sbpy_hg()

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        slope = self.slope
        if isinstance(slope, tuple | list):
            slope = TruncatedNormal(float(slope[0]), float(slope[1]), 0.0, 1.0)
        if isinstance(slope, Prior):
            low, high = slope.support
            if low < 0 or high > 1:
                raise ParameterError(
                    "the prior of the slope parameter G leaves 0 to 1",
                    value=(low, high),
                    hint="cut it: TruncatedNormal(0.15, 0.1, 0, 1), or Uniform(0, 0.5)",
                )
            return (Parameter("phase_slope", float(slope.ppf(0.5)), slope, symbol="G"),)
        if not 0 <= float(slope) <= 1:
            raise ParameterError(
                "the slope parameter G is out of range", value=slope, allowed="0 to 1"
            )
        return (Parameter("phase_slope", float(slope), fixed=True, symbol="G"),)

    def _magnitudes(self, alpha: FloatArray, values: FloatArray) -> FloatArray:
        hg = _sbpy_hg()
        # sbpy's functions are linear in G before the logarithm: two calls serve all walkers.
        radians = np.deg2rad(alpha)
        first, second = (10 ** (-0.4 * hg.evaluate(radians, 0.0, g)) for g in (0.0, 1.0))
        slope = values[:, :1]
        return np.asarray(-2.5 * np.log10((1 - slope) * first + slope * second))


def _sbpy_hg() -> Any:
    try:
        from sbpy.photometry import HG
    except ImportError:
        raise MissingDependencyError(
            "the H, G phase function is that of sbpy, which is not installed",
            hint="pip install sbpy, or use LinearPhase or HalleyMarcusPhase",
        ) from None
    return HG


@dataclass(frozen=True)
class CustomPhase(PhaseFunction):
    """Your own phase function.

    Parameters
    ----------
    function : callable
        ``function(alpha, *values)`` of NumPy operations: degrees of shape ``(m,)`` and each
        parameter of shape ``(n, 1)``; returns magnitudes ``-2.5 log10 Phi`` that broadcast to
        ``(n, m)``.
    own_parameters : sequence of Parameter
        In the order in which `function` takes them.

    Raises
    ------
    ShapeError
        When the function does not broadcast.

    Examples
    --------
    >>> from astrokit.comets import CustomPhase
    >>> from astrokit.inference import Parameter, Uniform
    >>> curved = CustomPhase(lambda a, b, c: b * a + c * a**2,
    ...     [Parameter("b", 0.04, Uniform(0, 0.1)), Parameter("c", 0.0, Uniform(-1e-3, 1e-3))])
    >>> float(curved.magnitudes(10.0, c=0.001).round(3))
    0.5
    """

    function: Callable[..., Any]
    own_parameters: tuple[Parameter, ...] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        object.__setattr__(self, "own_parameters", tuple(self.own_parameters))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self.own_parameters

    def _magnitudes(self, alpha: FloatArray, values: FloatArray) -> FloatArray:
        columns = [values[:, i, None] for i in range(values.shape[1])]
        answer = np.asarray(self.function(alpha, *columns), dtype=float)
        shape = (values.shape[0], alpha.size)
        try:
            return np.ascontiguousarray(np.broadcast_to(answer, shape))
        except ValueError:
            raise ShapeError(
                "the phase function does not broadcast over parameter vectors",
                value=f"shape {answer.shape}",
                allowed=f"{shape}",
                hint="write it with NumPy operations: alpha has shape (m,), each parameter (n, 1)",
            ) from None
