r"""Spectra of processes whose covariance is a few exponentials: random walk, oscillator, CARMA.

Any likelihood of this room takes them; that of a light curve takes their covariance exactly,
however narrow a line is. Frequencies are cyclic (not angular), in the unit of the data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..inference.parameters import Parameter
from ..inference.priors import LogUniform, Uniform
from .models import ClosedForm, Component, Guide, Setting

__all__ = ["CARMA21", "DampedRandomWalk", "Oscillator"]

FloatArray = NDArray[np.float64]
_CRITICAL = 1e-8  # distance of 4 Q^2 from 1 where two rates would merge
_AMPLITUDE_REACH = math.log(1e3)
_SLOPES = (0.0, 2.0)  # of these spectra, for the prior of an amplitude at a pivot outside the data


@dataclass(frozen=True, kw_only=True, repr=False)
class DampedRandomWalk(Component):
    r"""A random walk that forgets: :math:`S(f) \propto 1 / [1 + (2\pi f \tau)^2]`.

    The covariance is :math:`\sigma^2 e^{-t/\tau}` (Kelly et al. 2009, ApJ 698, 895) with
    :math:`\sigma^2 = S(0) / 4\tau`.

    Parameters
    ----------
    timescale : Prior or float, optional
        :math:`\tau`, in the time unit of the data.
    log_amplitude : Prior or float, optional
        Natural logarithm of the power at the pivot.
    pivot : float, optional
        As for :class:`~astrokit.timing.PowerLaw`.

    Examples
    --------
    >>> import astrokit as ak
    >>> model = ak.timing.DampedRandomWalk(pivot=1e-6)
    >>> power = model.evaluate([1e-6, 1.0], timescale=1 / (2 * 3.14159265), log_amplitude=0.0)
    >>> power.round(6).tolist()
    [1.0, 0.5]
    """

    kind: ClassVar[str] = "damped random walk"
    code: ClassVar[int] = 4
    own_names: ClassVar[tuple[str, ...]] = ("timescale", "log_amplitude")
    cited: ClassVar[tuple[str, ...]] = ("kelly2009",)
    timescale: Setting = None
    log_amplitude: Setting = None
    pivot: float | None = None

    def __post_init__(self) -> None:
        self._check()

    def defaults(self, guide: Guide) -> list[Parameter]:
        return [
            _time("timescale", guide, r"\tau"),
            guide.amplitude(self.pivot or guide.pivot, *_SLOPES),
        ]

    def closed_form(self, values: FloatArray) -> ClosedForm:
        tau, log_amplitude = float(values[0]), float(values[1])
        pivot = self.pivot or 1.0
        level = math.exp(log_amplitude) * (1.0 + (2.0 * math.pi * pivot * tau) ** 2)
        return _closed([level / (4.0 * tau)], [1.0 / tau])


@dataclass(frozen=True, kw_only=True, repr=False)
class Oscillator(Component):
    r"""A damped oscillator driven by white noise.

    :math:`S \propto 1 / [(1 - x^2)^2 + x^2/Q^2]` with :math:`x = f/f_0` (Foreman-Mackey et al.
    2017, AJ 154, 220): flat below the peak and of slope 4 above it. The variance is
    :math:`\pi f_0 S(f_0) / 2Q`.

    Parameters
    ----------
    center_frequency : Prior or float, optional
        :math:`f_0` of the undamped oscillator, in the frequency unit of the data.
    quality_factor : Prior or float, optional
        Q; below 1/2 it creeps back without oscillating.
    log_amplitude : Prior or float, optional
        Natural logarithm of the power at the center.

    Examples
    --------
    >>> import astrokit as ak
    >>> line = ak.timing.Oscillator(center_frequency=2.0, quality_factor=4.0)
    >>> line.evaluate([1e-6, 2.0], log_amplitude=0.0)
    array([0.0625, 1.    ])
    """

    kind: ClassVar[str] = "oscillator"
    code: ClassVar[int] = 5
    own_names: ClassVar[tuple[str, ...]] = ("center_frequency", "quality_factor", "log_amplitude")
    cited: ClassVar[tuple[str, ...]] = ("foremanmackey2017",)
    center_frequency: Setting = None
    quality_factor: Setting = None
    log_amplitude: Setting = None

    def __post_init__(self) -> None:
        self._check()

    def defaults(self, guide: Guide) -> list[Parameter]:
        low = float(guide.log_power.min()) - _AMPLITUDE_REACH
        high = float(guide.log_power.max()) + _AMPLITUDE_REACH
        start = float(np.interp(math.log(guide.middle), guide.log_frequency, guide.log_power))
        return [
            _peak(guide),
            Parameter("quality_factor", 5.0, LogUniform(0.5, 100.0), symbol="Q"),
            Parameter("log_amplitude", start, Uniform(low, high), symbol=r"\ln S(f_0)"),
        ]

    def closed_form(self, values: FloatArray) -> ClosedForm:
        center, quality, log_amplitude = map(float, values)
        return _of_two_poles(math.exp(log_amplitude) / quality**2, center, quality, 0.0)


@dataclass(frozen=True, kw_only=True, repr=False)
class CARMA21(Component):
    r"""The continuous autoregressive process of order 2 with a moving average of order 1.

    :math:`S \propto [1 + (2\pi f \beta)^2] / [(1 - x^2)^2 + x^2/Q^2]` with :math:`x = f/f_0`
    (Kelly et al. 2014, ApJ 788, 33). Their coefficients are :math:`\alpha_1 = 2\pi f_0 / Q`,
    :math:`\alpha_0 = (2\pi f_0)^2` and :math:`\beta_1 = \beta`.

    Parameters
    ----------
    center_frequency, quality_factor : Prior or float, optional
        :math:`f_0` and Q, as for :class:`Oscillator`; Q below 1/2 means two real rates.
    moving_average_time : Prior or float, optional
        :math:`\beta`: above the frequency :math:`1 / 2\pi\beta` the slope is smaller by two.
    log_amplitude : Prior or float, optional
        Natural logarithm of the power at the pivot.
    pivot : float, optional
        As for :class:`~astrokit.timing.PowerLaw`.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.timing.CARMA21().names
    ('center_frequency', 'quality_factor', 'moving_average_time', 'log_amplitude')
    """

    kind: ClassVar[str] = "CARMA(2,1)"
    code: ClassVar[int] = 6
    own_names: ClassVar[tuple[str, ...]] = (
        "center_frequency",
        "quality_factor",
        "moving_average_time",
        "log_amplitude",
    )
    cited: ClassVar[tuple[str, ...]] = ("kelly2014",)
    center_frequency: Setting = None
    quality_factor: Setting = None
    moving_average_time: Setting = None
    log_amplitude: Setting = None
    pivot: float | None = None

    def __post_init__(self) -> None:
        self._check()

    def defaults(self, guide: Guide) -> list[Parameter]:
        return [
            _peak(guide),
            Parameter("quality_factor", 0.5, LogUniform(0.01, 100.0), symbol="Q"),
            _time("moving_average_time", guide, r"\beta"),
            guide.amplitude(self.pivot or guide.pivot, *_SLOPES),
        ]

    def closed_form(self, values: FloatArray) -> ClosedForm:
        frequency, quality, beta, log_amplitude = map(float, values)
        x = ((self.pivot or 1.0) / frequency) ** 2
        shape = (1.0 + (2.0 * math.pi * frequency * beta) ** 2 * x) / (
            (1.0 - x) ** 2 + x / quality**2
        )
        return _of_two_poles(math.exp(log_amplitude) / shape, frequency, quality, beta)


def _of_two_poles(top: float, frequency: float, quality: float, beta: float) -> ClosedForm:
    """Return weights and rates of S = top [1 + (w beta)^2] / [(1 - x^2)^2 + x^2/Q^2].

    By partial fractions in w^2; at Q = 1/2 the rates would merge, so they are kept apart by 1e-4.
    """
    omega = 2.0 * math.pi * frequency
    root = 1.0 - 4.0 * quality**2
    if abs(root) < _CRITICAL:
        root = math.copysign(_CRITICAL, root)
    turn = np.sqrt(complex(root))
    one, other = (omega / (2.0 * quality) * (1.0 + sign * turn) for sign in (1.0, -1.0))
    if root > 0:  # the small one without cancellation
        other = omega**2 / one
    weights = [
        top * omega**4 * (1.0 - (beta * a) ** 2) / ((b - a) * (b + a)) / (4.0 * a)
        for a, b in ((one, other), (other, one))
    ]
    if root < 0:  # a complex pair: twice the real part of either
        return _closed([2.0 * weights[0]], [one])
    return _closed(weights, [one, other])


def _closed(weight: list[Any], rate: list[Any]) -> ClosedForm:
    return ClosedForm(np.array(weight, dtype=complex), np.array(rate, dtype=complex))


def _time(name: str, guide: Guide, symbol: str) -> Parameter:
    """Return a time from a tenth of the fastest to ten times the slowest of the data."""
    fast, slow = (0.5 / (math.pi * f) for f in (guide.highest, guide.lowest))
    prior = LogUniform(0.1 * fast, 10.0 * slow)
    return Parameter(name, math.sqrt(fast * slow), prior, unit=guide.time_unit, symbol=symbol)


def _peak(guide: Guide) -> Parameter:
    prior, unit = LogUniform(guide.lowest, guide.highest), guide.frequency_unit
    return Parameter("center_frequency", guide.middle, prior, unit=unit, symbol="f_0")
