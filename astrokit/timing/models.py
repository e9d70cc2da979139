r"""Models of a power spectrum, added with ``+``.

Slopes are positive where the spectrum falls. The amplitude of a component is the natural logarithm
of its power at a `pivot` frequency, whatever the other parameters are: so amplitude and shape say
different things, and one prior serves all components. ``PowerLaw(pivot=1.0)`` gives ln N at 1 Hz.

A field of a component takes a prior ("free, within this"), a number ("fixed at this"), or nothing:
then a default prior is made from the data, by rules that :class:`PSDModel` states.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_scalar
from ..errors import InputError, ParameterError
from ..inference.parameters import Parameter, Parameters
from ..inference.priors import LogUniform, Prior, Uniform, as_prior

if TYPE_CHECKING:
    from .periodogram import Periodogram

__all__ = ["BendingPowerLaw", "Constant", "Lorentzian", "PSDModel", "PowerLaw"]

FloatArray = NDArray[np.float64]
Setting = Prior | float | None
_AMPLITUDE_REACH = math.log(1e3)
_BEND_BELOW = 1e3  # the data then curve by 3 % where slopes differ by 0.5, by 0.1 % where by 1


class ClosedForm(NamedTuple):
    """A covariance ``Re sum weight exp(-rate tau)``.

    `remainder`, a function of frequency, is the power that these terms lack, of either sign.
    """

    weight: NDArray[np.complex128]
    rate: NDArray[np.complex128]
    remainder: Callable[[FloatArray], FloatArray] | None = None


class PSDModel(abc.ABC):
    """A spectrum as a sum of components.

    Default priors, made from the periodogram when a :class:`~astrokit.timing.PSDProblem` is built:

    ================  ==============================================================================
    slope             uniform, 0 to 4
    low_slope         uniform, -1 to 2
    high_slope        uniform, 1 to 6
    bend_frequency    log-uniform, a factor 1000 below the lowest to the highest frequency
    log_amplitude     uniform, a factor 1000 below to 1000 above the power near the pivot; for a
                      pivot outside the data, extrapolated with all slopes that the prior allows;
                      of a Lorentzian, around all powers there are
    center_frequency  log-uniform, from the lowest to the highest frequency
    timescale         log-uniform, from a tenth of 1 / (2 pi highest frequency) to ten times that of
                      the lowest; so is moving_average_time
    quality_factor    log-uniform, 1 to 100
    constant          uniform, 0 to ten times the noise level or the power at high frequency,
                      whichever is larger
    ================  ==============================================================================

    Where a name occurs a second time in a sum, it gets the suffix ``_2``, then ``_3``.
    """

    @property
    @abc.abstractmethod
    def components(self) -> tuple[Component, ...]:
        """The terms of the sum."""

    def __add__(self, other: PSDModel) -> PSDModel:
        if not isinstance(other, PSDModel):
            return NotImplemented
        return _Sum((*self.components, *other.components))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all parameters in order."""
        count: dict[str, int] = {}
        result = []
        for component in self.components:
            for name in component.own_names:
                count[name] = count.get(name, 0) + 1
                result.append(name if count[name] == 1 else f"{name}_{count[name]}")
        return tuple(result)

    @property
    def label(self) -> str:
        """The sum in words, such as "power law + constant"."""
        return " + ".join(component.kind for component in self.components)

    @property
    def citation_keys(self) -> tuple[str, ...]:
        """Papers that the components rest on."""
        keys = (key for component in self.components for key in component.cited)
        return tuple(dict.fromkeys(keys))

    def header(self) -> list[float]:
        """Return code and ln pivot of each component: how a kernel reads the parameters."""
        row: list[float] = []
        for component in self.components:
            pivot = getattr(component, "pivot", None)
            row += [float(component.code), math.log(pivot) if pivot else 0.0]
        return row

    def slices(self) -> Iterator[tuple[Component, slice]]:
        """Yield each component with the place of its parameters among all."""
        at = 0
        for component in self.components:
            stop = at + len(component.own_names)
            yield component, slice(at, stop)
            at = stop

    def evaluate(self, frequency: ArrayLike, **values: float) -> FloatArray:
        """Return the power at `frequency`, in the units in which amplitudes were given.

        Parameters
        ----------
        frequency : array_like
            > 0, in the unit of the pivots.
        **values : float
            Every parameter that has no fixed number.

        Raises
        ------
        ParameterError
            For a missing or unknown name, or a component without pivot.

        Examples
        --------
        >>> import astrokit as ak
        >>> model = ak.timing.PowerLaw(pivot=1.0) + ak.timing.Constant(constant=2.0)
        >>> model.evaluate([1.0, 2.0], slope=1.0, log_amplitude=0.0)
        array([3. , 2.5])
        """
        from .kernels import psd
        from .periodogram import _frequencies

        f = _frequencies(frequency, "")
        row = np.array([self._complete(values)])
        out = np.empty((1, f.size))
        psd(
            row,
            np.log(f.ravel()),
            np.array([f.size, 0.0, len(self.components), *self.header()]),
            out,
        )
        return out.reshape(f.shape)

    def _complete(self, values: dict[str, float]) -> list[float]:
        for component in self.components:
            if getattr(component, "pivot", 0.0) is None:
                raise ParameterError(
                    f"this {type(component).__name__} has no pivot frequency yet",
                    hint="give one: pivot=1.0, in the frequency unit you use",
                )
        fixed = [c.setting(name) for c in self.components for name in c.own_names]
        known = {
            n: float(v)
            for n, v in zip(self.names, fixed, strict=True)
            if v is not None and not isinstance(v, Prior)
        }
        wanted = {**known, **{name: as_scalar(v, name) for name, v in values.items()}}
        if set(wanted) != set(self.names):
            raise ParameterError(
                "the parameters given are not those of the model",
                value=", ".join(sorted(wanted)),
                allowed=", ".join(self.names),
            )
        return [wanted[name] for name in self.names]

    def resolved(self, guide: Guide) -> PSDModel:
        """Return the model with every pivot set."""
        parts = tuple(c.with_pivot(guide.pivot) for c in self.components)
        return parts[0] if len(parts) == 1 else _Sum(parts)

    def parameters(self, guide: Guide) -> Parameters:
        """Return parameters with priors and starting values for the data behind `guide`."""
        named = iter(self.names)
        parts = []
        for component in self.components:
            for parameter in component.defaults(guide):
                setting = component.setting(parameter.name)
                parts.append(replace(_overridden(parameter, setting), name=next(named)))
        return Parameters(parts)


@dataclass(frozen=True)
class _Sum(PSDModel):
    """Several components; made by ``+``."""

    parts: tuple[Component, ...]

    def __post_init__(self) -> None:
        if sum(isinstance(part, Constant) for part in self.parts) > 1:
            raise InputError(
                "two constants in one model cannot be told apart", hint="leave one of them out"
            )

    @property
    def components(self) -> tuple[Component, ...]:
        return self.parts

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.parts))


class Component(PSDModel):
    """One term; a frozen dataclass whose fields are its parameters (and its pivot)."""

    kind: ClassVar[str] = ""
    # What tells components apart in kernels.py, which is too heavy to import here.
    code: ClassVar[int] = -1
    own_names: ClassVar[tuple[str, ...]] = ()
    cited: ClassVar[tuple[str, ...]] = ()

    @property
    def components(self) -> tuple[Component, ...]:
        return (self,)

    @abc.abstractmethod
    def defaults(self, guide: Guide) -> list[Parameter]:
        """Return its parameters with default priors."""

    def closed_form(self, values: FloatArray) -> ClosedForm | None:
        """Return the covariance of the component for its own `values`, or None if it has none."""
        return None

    def setting(self, name: str) -> Setting:
        """Return what the user gave for a parameter."""
        return getattr(self, name)

    def with_pivot(self, pivot: float) -> Component:
        """Return the component with its pivot set where it had none."""
        if getattr(self, "pivot", pivot) is not None:
            return self
        return replace(self, pivot=pivot)  # type: ignore[type-var]

    def _check(self) -> None:
        for name in self.own_names:
            setting = self.setting(name)
            if setting is None:
                continue
            if isinstance(setting, Prior) or not _is_number(setting):
                object.__setattr__(self, name, as_prior(setting, name))
            elif not math.isfinite(setting):  # such as an unknown noise level
                raise ParameterError(
                    f"{name} cannot be fixed at this value",
                    value=setting,
                    allowed="finite numbers",
                    hint="leave it out to make it free",
                )
        pivot = getattr(self, "pivot", None)
        if pivot is not None:
            as_scalar(pivot, "pivot", positive=True)
            object.__setattr__(self, "pivot", float(pivot))

    def __repr__(self) -> str:
        names = [f.name for f in fields(self)]  # type: ignore[arg-type]
        given = [f"{n}={v!r}" for n in names if (v := getattr(self, n)) is not None]
        return f"{type(self).__name__}({', '.join(given)})"


@dataclass(frozen=True, kw_only=True, repr=False)
class PowerLaw(Component):
    r""":math:`S(f) = e^{A} (f/f_p)^{-\alpha}`.

    Parameters
    ----------
    slope : Prior or float, optional
        :math:`\alpha`; positive falls. A number fixes it.
    log_amplitude : Prior or float, optional
        A: natural logarithm of the power at the pivot.
    pivot : float, optional
        :math:`f_p` in the frequency unit of the data; by default the power of ten nearest to
        the middle (in the logarithm) of the frequencies.

    Examples
    --------
    >>> import astrokit as ak
    >>> from astrokit.inference import Uniform
    >>> ak.timing.PowerLaw(slope=Uniform(0, 3)) + ak.timing.Constant()
    PowerLaw(slope=Uniform(low=0, high=3)) + Constant()
    """

    kind: ClassVar[str] = "power law"
    code: ClassVar[int] = 1
    own_names: ClassVar[tuple[str, ...]] = ("slope", "log_amplitude")
    slope: Setting = None
    log_amplitude: Setting = None
    pivot: float | None = None

    def __post_init__(self) -> None:
        self._check()

    def defaults(self, guide: Guide) -> list[Parameter]:
        slope = Parameter("slope", 1.5, Uniform(0.0, 4.0), symbol=r"\alpha")
        steepest = _support(self.slope, slope)
        pivot = self.pivot or guide.pivot
        return [slope, guide.amplitude(pivot, *steepest)]


@dataclass(frozen=True, kw_only=True, repr=False)
class BendingPowerLaw(Component):
    r"""A power law that bends smoothly from a low to a high slope.

    :math:`S(f) \propto f^{-a} / [1 + (f/f_b)^{b-a}]` (McHardy et al. 2004, MNRAS 348, 783).

    Parameters
    ----------
    low_slope, high_slope : Prior or float, optional
        a well below, b well above the bend. Exchanging a and b gives the same spectrum, so keep
        their priors mostly apart.
    bend_frequency : Prior or float, optional
        :math:`f_b`, in the frequency unit of the data. Its default prior reaches far below them:
        there the bend leaves a straight law, so a test against one compares nested models.
    log_amplitude : Prior or float, optional
        Natural logarithm of the power at the pivot.
    pivot : float, optional
        As for :class:`PowerLaw`.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.timing.BendingPowerLaw(low_slope=1.0).names
    ('low_slope', 'high_slope', 'bend_frequency', 'log_amplitude')
    """

    kind: ClassVar[str] = "bending power law"
    code: ClassVar[int] = 2
    cited: ClassVar[tuple[str, ...]] = ("mchardy2004",)
    own_names: ClassVar[tuple[str, ...]] = (
        "low_slope",
        "high_slope",
        "bend_frequency",
        "log_amplitude",
    )
    low_slope: Setting = None
    high_slope: Setting = None
    bend_frequency: Setting = None
    log_amplitude: Setting = None
    pivot: float | None = None

    def __post_init__(self) -> None:
        self._check()

    def defaults(self, guide: Guide) -> list[Parameter]:
        low = Parameter("low_slope", 1.0, Uniform(-1.0, 2.0), symbol=r"\alpha_\mathrm{low}")
        high = Parameter("high_slope", 2.5, Uniform(1.0, 6.0), symbol=r"\alpha_\mathrm{high}")
        bend = Parameter(
            "bend_frequency",
            guide.middle,
            LogUniform(guide.lowest / _BEND_BELOW, guide.highest),
            unit=guide.frequency_unit,
            symbol=r"f_\mathrm{b}",
        )
        flattest, steepest = _support(self.low_slope, low)[0], _support(self.high_slope, high)[1]
        return [low, high, bend, guide.amplitude(self.pivot or guide.pivot, flattest, steepest)]


@dataclass(frozen=True, kw_only=True, repr=False)
class Lorentzian(Component):
    r"""A quasi-periodic oscillation: :math:`S(f) = e^{A} / [1 + 4 Q^2 (f/f_0 - 1)^2]`.

    Its full width at half maximum is :math:`f_0 / Q`. Its variance, and so its rms, follows: see
    :func:`~astrokit.timing.line_rms`.

    Parameters
    ----------
    center_frequency : Prior or float, optional
        :math:`f_0`, in the frequency unit of the data.
    quality_factor : Prior or float, optional
        Q: frequency over full width. Above 2 one speaks of a quasi-periodic oscillation.
    log_amplitude : Prior or float, optional
        A: natural logarithm of the power at the center.

    References
    ----------
    Belloni, Psaltis & van der Klis 2002, ApJ 572, 392.

    Examples
    --------
    >>> import astrokit as ak
    >>> line = ak.timing.Lorentzian(center_frequency=2.0, quality_factor=5.0)
    >>> line.evaluate([2.0, 2.2], log_amplitude=0.0)
    array([1. , 0.5])
    """

    kind: ClassVar[str] = "Lorentzian"
    code: ClassVar[int] = 3
    own_names: ClassVar[tuple[str, ...]] = ("center_frequency", "quality_factor", "log_amplitude")
    center_frequency: Setting = None
    quality_factor: Setting = None
    log_amplitude: Setting = None

    def __post_init__(self) -> None:
        self._check()
        for name in ("center_frequency", "quality_factor"):
            lowest = _support(self.setting(name), None)[0]
            if lowest < 0:
                raise ParameterError(f"{name} cannot be negative", value=lowest, allowed="> 0")

    def defaults(self, guide: Guide) -> list[Parameter]:
        low = float(guide.log_power.min()) - _AMPLITUDE_REACH
        high = float(guide.log_power.max()) + _AMPLITUDE_REACH
        start = float(np.interp(math.log(guide.middle), guide.log_frequency, guide.log_power))
        unit = guide.frequency_unit
        prior = LogUniform(guide.lowest, guide.highest)
        return [
            Parameter("center_frequency", guide.middle, prior, unit=unit, symbol="f_0"),
            Parameter("quality_factor", 5.0, LogUniform(1.0, 100.0), symbol="Q"),
            Parameter("log_amplitude", start, Uniform(low, high), symbol=r"\ln S(f_0)"),
        ]

    def closed_form(self, values: FloatArray) -> ClosedForm:
        # The exponential has a second line at -f_0, whose wing is taken off again.
        center, quality, log_amplitude = map(float, values)
        peak, half_width = math.exp(log_amplitude), 0.5 * center / quality

        def mirrored(f: FloatArray) -> FloatArray:
            return -peak / (1.0 + ((f + center) / half_width) ** 2)

        rate = 2.0 * math.pi * (half_width + 1j * center)
        return ClosedForm(np.array([math.pi * half_width * peak + 0j]), np.array([rate]), mirrored)


@dataclass(frozen=True, kw_only=True, repr=False)
class Constant(Component):
    """The same power at all frequencies: measurement noise.

    Parameters
    ----------
    constant : Prior or float, optional
        The power, >= 0. A number fixes it, for example at ``periodogram.noise_level``.
    """

    kind: ClassVar[str] = "constant"
    code: ClassVar[int] = 0
    own_names: ClassVar[tuple[str, ...]] = ("constant",)
    constant: Setting = None

    def __post_init__(self) -> None:
        self._check()
        lowest = _support(self.constant, None)[0]
        if lowest < 0:
            raise ParameterError(
                "a power cannot be negative", value=lowest, allowed="constant >= 0"
            )

    def defaults(self, guide: Guide) -> list[Parameter]:
        prior = Uniform(0.0, guide.highest_constant)
        unit = guide.power_unit
        return [Parameter("constant", guide.constant, prior, unit=unit, symbol="c")]


# -- what the data say about scales -----------------------------------------------------------


@dataclass(frozen=True)
class Guide:
    """Scales of a periodogram from which default priors and starting values are made."""

    lowest: float
    highest: float
    pivot: float
    constant: float
    highest_constant: float
    frequency_unit: str
    power_unit: str
    log_frequency: FloatArray
    log_power: FloatArray

    @classmethod
    def of(cls, periodogram: Periodogram) -> Guide:
        """Return the guide of a (coarsely binned) periodogram."""
        f, power = periodogram.frequency, periodogram.power
        weight = np.asarray(periodogram.degrees_of_freedom)
        lowest, highest = float(f[0]), float(f[-1])
        tail = f >= 0.3 * highest
        white = float(np.average(power[tail], weights=weight[tail]))
        overall = float(np.average(power, weights=weight))
        white = white if white > 0 else overall
        noise = periodogram.noise_level
        noise = noise if math.isfinite(noise) and noise > 0 else white
        floor = max(1e-12 * overall, 1e-300)
        return cls(
            lowest=lowest,
            highest=highest,
            pivot=10.0 ** round(0.5 * math.log10(lowest * highest)),
            constant=min(noise, white),
            highest_constant=10 * max(noise, white),
            frequency_unit=periodogram.frequency_unit,
            power_unit=periodogram.power_unit,
            log_frequency=np.log(f),
            log_power=np.log(np.maximum(power, floor)),
        )

    @property
    def middle(self) -> float:
        """Geometric mean of the lowest and the highest frequency."""
        return math.sqrt(self.lowest * self.highest)

    @property
    def time_unit(self) -> str:
        """Unit of times: s for Hz."""
        return "s" if self.frequency_unit == "Hz" else self.frequency_unit.removeprefix("1 / ")

    def amplitude(self, pivot: float, flattest: float, steepest: float) -> Parameter:
        """Return the parameter ``log_amplitude`` at a pivot, for slopes between two ends."""
        low, high = math.log(self.lowest), math.log(self.highest)
        inside = min(max(math.log(pivot), low), high)
        near = np.abs(self.log_frequency - inside) <= math.log(3.0)
        center = float(np.mean(self.log_power[near])) if near.any() else float(self.log_power[0])
        beyond = math.log(pivot) - inside
        ends = [center - beyond * slope for slope in (flattest, steepest)]
        prior = Uniform(min(ends) - _AMPLITUDE_REACH, max(ends) + _AMPLITUDE_REACH)
        start = min(max(center - 1.5 * beyond, prior.low), prior.high)
        return Parameter("log_amplitude", start, prior, symbol=rf"\ln S({_latex(pivot)})")


def _latex(frequency: float) -> str:
    mantissa, exponent = f"{frequency:.3g}", 0
    if not 1e-2 <= frequency < 1e3:
        exponent = math.floor(math.log10(frequency) + 1e-9)
        mantissa = f"{frequency / 10.0**exponent:.3g}"
    if not exponent:
        return mantissa
    power = f"10^{{{exponent}}}"
    return power if mantissa == "1" else rf"{mantissa}\times {power}"


def _is_number(setting: Any) -> bool:
    return isinstance(setting, (int, float, np.number)) and not isinstance(setting, bool)


def _support(setting: Setting, default: Parameter | None) -> tuple[float, float]:
    """Return the allowed range of a parameter as the user or the default prior sets it."""
    if isinstance(setting, Prior):
        low, high = setting.support
        if default is not None and default.prior is not None:  # unbounded: 4 sigma are enough here
            low = low if math.isfinite(low) else float(setting.ppf(3e-5))
            high = high if math.isfinite(high) else float(setting.ppf(1 - 3e-5))
        return low, high
    if setting is not None:
        return float(setting), float(setting)
    return default.prior.support if default is not None and default.prior else (0.0, math.inf)


def _overridden(parameter: Parameter, setting: Setting) -> Parameter:
    """Return the parameter with the user's prior or number in place of the default."""
    if setting is None:
        return parameter
    if not isinstance(setting, Prior):
        return replace(parameter, value=float(setting), prior=None, fixed=True)
    low, high = setting.support
    inside = low <= parameter.value <= high
    value = parameter.value if inside else float(setting.ppf(0.5))
    return replace(parameter, value=value, prior=setting)
