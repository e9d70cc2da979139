r"""Energy functions: how many bursts there are per unit of energy, dN/dE.

Every index is the differential one: :math:`dN/dE \propto E^{-\alpha}`, so that the cumulative
number and the number per unit of ln E fall as :math:`E^{1-\alpha}`. Energies among the parameters
are log10 of the energy in erg.

A field of a model takes a prior ("free, within this"), a number ("fixed at this"), or nothing: then
a default prior is made from the data, by rules that :class:`EnergyModel` states.
"""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import ParameterError
from ..inference.parameters import Parameter, Parameters
from ..inference.priors import LogUniform, Prior, Uniform, as_prior

__all__ = [
    "BentPowerLaw",
    "BrokenPowerLaw",
    "CutoffPowerLaw",
    "EnergyModel",
    "LogNormal",
    "LogNormalPlusCauchy",
    "PowerLaw",
    "SmoothlyBrokenPowerLaw",
    "StretchedExponential",
    "ThresholdedPowerLaw",
]

FloatArray = NDArray[np.float64]
Setting = Prior | float | None
_LN10 = math.log(10.0)
_INDEX = r"\alpha"


@dataclass(frozen=True)
class EnergyGuide:
    """log10 of the energies (erg) from which default priors are made."""

    threshold: float
    low: float  # few bursts lie below
    middle: float
    high: float  # few bursts lie above
    largest: float

    @classmethod
    def of(cls, log_energy: FloatArray, threshold: float, side: int = 5) -> EnergyGuide:
        """Return the guide of sorted log10 energies, `side` of which are left at each end."""
        n = log_energy.size
        k = min(side, max((n - 1) // 3, 0))
        middle = float(np.median(log_energy))
        low, high = float(log_energy[k]), float(log_energy[n - 1 - k])
        largest = float(log_energy[-1])
        if not high > low:  # all alike: leave some room
            low, high = low - 0.1, high + 0.1
        return cls(threshold, low, min(max(middle, low), high), high, max(largest, high))


@dataclass(frozen=True, kw_only=True, repr=False)
class EnergyModel(abc.ABC):
    """An energy function; its parameters are fields.

    Default priors, made from the bursts above the threshold when an
    :class:`~astrokit.bursts.EnergyProblem` is built:

    =================  =============================================================================
    index              uniform, 1 to 11 (-3 to 11 with a largest energy; with a cut-off -2 to 6;
                       above a bend 1.05 to 11)
    index_low          uniform, -3 to 11
    index_high         uniform, 1 to 11 (-3 to 11 with a largest energy)
    log_break_energy   uniform, with five bursts below and five above
    break_width        uniform, 0.02 to 0.6 dex
    log_cutoff_energy  uniform, from the threshold to 2 dex above the largest burst
    log_median_energy  uniform, 4 dex below the threshold to 1 dex above the largest burst
    log_width          log-uniform, 0.05 to 3 dex
    log_scale_energy   uniform, 3 dex below the threshold to the largest burst (8 below to 1 above
                       for the stretched exponential)
    shape              log-uniform, 0.05 to 5
    fraction           uniform, 0 to 1
    =================  =============================================================================

    Parameters
    ----------
    maximum : Prior or float or Quantity, optional
        Largest energy that exists: the truncated version of each model. An energy (erg) fixes it; a
        prior is one of log10 of it and makes ``log_maximum_energy`` free. Nothing: there is none.
    """

    kind: ClassVar[str] = ""
    code: ClassVar[int] = -1
    own_names: ClassVar[tuple[str, ...]] = ()
    citations: ClassVar[tuple[str, ...]] = ()
    maximum: Any = None

    @abc.abstractmethod
    def defaults(self, guide: EnergyGuide) -> list[Parameter]:
        """Return its own parameters with default priors."""

    @abc.abstractmethod
    def _numbers(self, values: FloatArray, log_reference: float) -> list[FloatArray]:
        """Return columns ``(n,)`` that a kernel reads, energies as ln relative to a reference."""

    @property
    def label(self) -> str:
        """The model in words."""
        return f"truncated {self.kind}" if self.maximum is not None else self.kind

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all parameters in order."""
        return (*self.own_names, *(("log_maximum_energy",) if self.maximum is not None else ()))

    def parameters(self, guide: EnergyGuide) -> Parameters:
        """Return parameters with priors and starting values for the data behind `guide`."""
        parts = [_overridden(p, getattr(self, p.name)) for p in self.defaults(guide)]
        if self.maximum is not None:
            default = Parameter(
                "log_maximum_energy",
                guide.largest + 0.3,
                Uniform(guide.largest, guide.largest + 3),
                symbol=r"\log_{10} E_\mathrm{max}/\mathrm{erg}",
            )
            parts.append(_overridden(default, self.maximum))
        return Parameters(parts)

    def rows(self, values: FloatArray, log_reference: float) -> FloatArray:
        """Return what kernels read ``(n, k)`` for values of all parameters ``(n, p)``."""
        columns = self._numbers(values, log_reference)
        if self.maximum is None:
            top = np.full(values.shape[0], np.inf)
        else:
            top = values[:, len(self.own_names)] * _LN10 - log_reference
        return np.ascontiguousarray(np.column_stack([*columns, top]))

    def __post_init__(self) -> None:
        for name in self.own_names:
            object.__setattr__(self, name, _setting(getattr(self, name), name))
        if self.maximum is not None and not isinstance(self.maximum, Prior):
            if hasattr(self.maximum, "ppf"):
                object.__setattr__(self, "maximum", as_prior(self.maximum, "maximum"))
                return
            energy = as_scalar(self.maximum, "maximum", unit="erg", positive=True)
            object.__setattr__(self, "maximum", math.log10(energy))

    def __repr__(self) -> str:
        given = [
            f"{f.name}={v!r}" for f in fields(self) if (v := getattr(self, f.name)) is not None
        ]
        return f"{type(self).__name__}({', '.join(given)})"

    @property
    def _lowest_index(self) -> float:
        return 1.0 if self.maximum is None else -3.0


@dataclass(frozen=True, kw_only=True, repr=False)
class PowerLaw(EnergyModel):
    r""":math:`dN/dE \propto E^{-\alpha}`.

    Parameters
    ----------
    index : Prior or float, optional
        Differential index.
    maximum : Prior, float or Quantity, optional
        See :class:`EnergyModel`.

    Examples
    --------
    >>> import astrokit as ak
    >>> from astrokit.inference import Uniform
    >>> ak.bursts.PowerLaw(index=Uniform(1, 4)).label
    'power law (differential index)'
    """

    kind: ClassVar[str] = "power law (differential index)"
    code: ClassVar[int] = 0
    own_names: ClassVar[tuple[str, ...]] = ("index",)
    index: Setting = None

    def defaults(self, guide: EnergyGuide) -> list[Parameter]:
        low = self._lowest_index  # as below and above a break, so that the two are nested
        return [Parameter("index", 1.8, Uniform(low, 11.0), symbol=_INDEX)]

    def _numbers(self, values: FloatArray, log_reference: float) -> list[FloatArray]:
        return [values[:, 0]]


@dataclass(frozen=True, kw_only=True, repr=False)
class BrokenPowerLaw(EnergyModel):
    r""":math:`dN/dE \propto (E/E_b)^{-\alpha_1}` below and :math:`(E/E_b)^{-\alpha_2}` above.

    The break is sharp: ln L has a kink in the break at every burst. Fits therefore find the maximum
    over all bursts by itself, not by climbing.

    Parameters
    ----------
    index_low, index_high : Prior or float, optional
        Differential indices below and above the break.
    log_break_energy : Prior or float, optional
        log10 of the break energy in erg.
    maximum : Prior, float or Quantity, optional
        See :class:`EnergyModel`.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.bursts.BrokenPowerLaw(index_low=1.5).names
    ('index_low', 'index_high', 'log_break_energy')
    """

    kind: ClassVar[str] = "broken power law (differential indices)"
    code: ClassVar[int] = 1
    own_names: ClassVar[tuple[str, ...]] = ("index_low", "index_high", "log_break_energy")
    index_low: Setting = None
    index_high: Setting = None
    log_break_energy: Setting = None

    def defaults(self, guide: EnergyGuide) -> list[Parameter]:
        return [
            Parameter("index_low", 1.5, Uniform(-3.0, 11.0), symbol=r"\alpha_\mathrm{low}"),
            Parameter(
                "index_high", 2.5, Uniform(self._lowest_index, 11.0), symbol=r"\alpha_\mathrm{high}"
            ),
            _log_energy("break", guide.middle, guide.low, guide.high, "b"),
        ]

    def _numbers(self, values: FloatArray, log_reference: float) -> list[FloatArray]:
        return [values[:, 0], values[:, 1], values[:, 2] * _LN10 - log_reference]


@dataclass(frozen=True, kw_only=True, repr=False)
class SmoothlyBrokenPowerLaw(BrokenPowerLaw):
    r"""A broken power law rounded over a width.

    :math:`dN/dE \propto y^{-\alpha_1} [(1 + y^{1/w'})/2]^{-(\alpha_2-\alpha_1) w'}` with
    :math:`y = E/E_b` and w' = w ln 10: w' is the ``delta`` of astropy's
    ``SmoothlyBrokenPowerLaw1D``.

    Parameters
    ----------
    index_low, index_high, log_break_energy
        As for :class:`BrokenPowerLaw`.
    break_width : Prior or float, optional
        w in dex of energy: one w from the break the local index has gone 73 % of the way.
    maximum : Prior, float or Quantity, optional
        See :class:`EnergyModel`.
    """

    kind: ClassVar[str] = "smoothly broken power law (differential indices)"
    code: ClassVar[int] = 2
    own_names: ClassVar[tuple[str, ...]] = (*BrokenPowerLaw.own_names, "break_width")
    break_width: Setting = None

    def defaults(self, guide: EnergyGuide) -> list[Parameter]:
        width = Parameter("break_width", 0.15, Uniform(0.02, 0.6), unit="dex", symbol="w")
        return [*super().defaults(guide), width]

    def _numbers(self, values: FloatArray, log_reference: float) -> list[FloatArray]:
        return [*super()._numbers(values, log_reference), values[:, 3] * _LN10]


@dataclass(frozen=True, kw_only=True, repr=False)
class CutoffPowerLaw(EnergyModel):
    r""":math:`dN/dE \propto E^{-\alpha} e^{-E/E_c}`.

    Parameters
    ----------
    index : Prior or float, optional
        Differential index well below the cut-off.
    log_cutoff_energy : Prior or float, optional
        log10 of :math:`E_c` in erg.
    maximum : Prior, float or Quantity, optional
        See :class:`EnergyModel`.
    """

    kind: ClassVar[str] = "cut-off power law (differential index)"
    code: ClassVar[int] = 3
    own_names: ClassVar[tuple[str, ...]] = ("index", "log_cutoff_energy")
    index: Setting = None
    log_cutoff_energy: Setting = None

    @property
    def label(self) -> str:
        return "exponential" if self.index == 0 and self.maximum is None else super().label

    def defaults(self, guide: EnergyGuide) -> list[Parameter]:
        return [
            Parameter("index", 1.5, Uniform(-2.0, 6.0), symbol=_INDEX),
            _log_energy("cutoff", guide.largest, guide.threshold, guide.largest + 2, "c"),
        ]

    def _numbers(self, values: FloatArray, log_reference: float) -> list[FloatArray]:
        return [values[:, 0], values[:, 1] * _LN10 - log_reference]


@dataclass(frozen=True, kw_only=True, repr=False)
class LogNormal(EnergyModel):
    r""":math:`dN/d\ln E` a Gaussian in log E; truncated at the threshold, as every model is.

    Parameters
    ----------
    log_median_energy : Prior or float, optional
        log10 of the median of the untruncated distribution, in erg.
    log_width : Prior or float, optional
        Standard deviation of log10 E, in dex.
    maximum : Prior, float or Quantity, optional
        See :class:`EnergyModel`.
    """

    kind: ClassVar[str] = "log-normal"
    code: ClassVar[int] = 4
    own_names: ClassVar[tuple[str, ...]] = ("log_median_energy", "log_width")
    log_median_energy: Setting = None
    log_width: Setting = None

    def defaults(self, guide: EnergyGuide) -> list[Parameter]:
        low, high = guide.threshold - 4, guide.largest + 1
        return [
            _log_energy("median", guide.low, low, high, "m"),
            Parameter("log_width", 0.6, LogUniform(0.05, 3.0), unit="dex", symbol=r"\sigma"),
        ]

    def _numbers(self, values: FloatArray, log_reference: float) -> list[FloatArray]:
        return [values[:, 0] * _LN10 - log_reference, values[:, 1] * _LN10]


@dataclass(frozen=True, kw_only=True, repr=False)
class BentPowerLaw(EnergyModel):
    r""":math:`dN/dE \propto [1 + (E/E_0)^{\alpha}]^{-1}`, also called a generalised Cauchy law.

    Parameters
    ----------
    index : Prior or float, optional
        Differential index well above :math:`E_0`; below, the law is flat (index 0).
    log_scale_energy : Prior or float, optional
        log10 of :math:`E_0` in erg.
    maximum : Prior, float or Quantity, optional
        See :class:`EnergyModel`.
    """

    kind: ClassVar[str] = "bent power law (differential index)"
    code: ClassVar[int] = 6
    own_names: ClassVar[tuple[str, ...]] = ("index", "log_scale_energy")
    citations: ClassVar[tuple[str, ...]] = ("li2021",)
    index: Setting = None
    log_scale_energy: Setting = None

    def defaults(self, guide: EnergyGuide) -> list[Parameter]:
        return [
            Parameter("index", 2.0, Uniform(1.05, 11.0), symbol=_INDEX),
            _log_energy("scale", guide.low, guide.threshold - 3, guide.largest, "0"),
        ]

    def _numbers(self, values: FloatArray, log_reference: float) -> list[FloatArray]:
        return [values[:, 0], values[:, 1] * _LN10 - log_reference]


@dataclass(frozen=True, kw_only=True, repr=False)
class ThresholdedPowerLaw(BentPowerLaw):
    r""":math:`dN/dE \propto (E_0 + E)^{-\alpha}`: flat below :math:`E_0`.

    Parameters
    ----------
    index, log_scale_energy, maximum
        As for :class:`BentPowerLaw`.
    """

    kind: ClassVar[str] = "thresholded power law (differential index)"
    code: ClassVar[int] = 7
    citations: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True, kw_only=True, repr=False)
class StretchedExponential(EnergyModel):
    r""":math:`dN/dE \propto E^{\beta-1} e^{-(E/E_0)^\beta}`, the Weibull distribution.

    Parameters
    ----------
    shape : Prior or float, optional
        :math:`\beta`; 1 is an exponential.
    log_scale_energy : Prior or float, optional
        log10 of :math:`E_0` in erg.
    maximum : Prior, float or Quantity, optional
        See :class:`EnergyModel`.
    """

    kind: ClassVar[str] = "stretched exponential"
    code: ClassVar[int] = 8
    own_names: ClassVar[tuple[str, ...]] = ("shape", "log_scale_energy")
    shape: Setting = None
    log_scale_energy: Setting = None

    def defaults(self, guide: EnergyGuide) -> list[Parameter]:
        return [
            Parameter("shape", 0.7, LogUniform(0.05, 5.0), symbol=r"\beta"),
            _log_energy("scale", guide.middle, guide.threshold - 8, guide.largest + 1, "0"),
        ]

    def _numbers(self, values: FloatArray, log_reference: float) -> list[FloatArray]:
        return [values[:, 0], values[:, 1] * _LN10 - log_reference]


@dataclass(frozen=True, kw_only=True, repr=False)
class LogNormalPlusCauchy(EnergyModel):
    r"""A log-normal and a generalised Cauchy law: the two humps of FRB 20121102A (Li et al. 2021).

    Parameters
    ----------
    log_median_energy, log_width : Prior or float, optional
        As for :class:`LogNormal`.
    index, log_scale_energy : Prior or float, optional
        As for :class:`BentPowerLaw`.
    fraction : Prior or float, optional
        Part of ALL bursts, those below the threshold included, that the log-normal has.
    maximum : Prior, float or Quantity, optional
        See :class:`EnergyModel`.
    """

    kind: ClassVar[str] = "log-normal + Cauchy (differential index)"
    code: ClassVar[int] = 5
    own_names: ClassVar[tuple[str, ...]] = (
        *LogNormal.own_names,
        *BentPowerLaw.own_names,
        "fraction",
    )
    citations: ClassVar[tuple[str, ...]] = ("li2021",)
    log_median_energy: Setting = None
    log_width: Setting = None
    index: Setting = None
    log_scale_energy: Setting = None
    fraction: Setting = None

    def defaults(self, guide: EnergyGuide) -> list[Parameter]:
        low, high = guide.threshold - 1, guide.largest
        return [
            _log_energy("median", guide.low, low, high, "m"),
            Parameter("log_width", 0.4, LogUniform(0.05, 1.5), unit="dex", symbol=r"\sigma"),
            Parameter("index", 2.0, Uniform(1.05, 11.0), symbol=_INDEX),
            _log_energy("scale", guide.middle, low, high, "0"),
            Parameter("fraction", 0.5, Uniform(0.0, 1.0), symbol="f"),
        ]

    def _numbers(self, values: FloatArray, log_reference: float) -> list[FloatArray]:
        center, width, index, scale, fraction = values[:, :5].T
        return [
            center * _LN10 - log_reference,
            width * _LN10,
            index,
            scale * _LN10 - log_reference,
            fraction,
        ]


# -- parts ----------------------------------------------------------------------------------------


def _log_energy(what: str, value: float, low: float, high: float, mark: str) -> Parameter:
    """Return the parameter ``log_<what>_energy`` between two ends."""
    symbol = rf"\log_{{10}} E_\mathrm{{{mark}}}/\mathrm{{erg}}"
    return Parameter(
        f"log_{what}_energy", min(max(value, low), high), Uniform(low, high), symbol=symbol
    )


def _setting(setting: Any, name: str) -> Setting:
    if setting is None or isinstance(setting, Prior):
        return setting
    if hasattr(setting, "ppf"):
        return as_prior(setting, name)
    return as_scalar(setting, name)


def _overridden(parameter: Parameter, setting: Setting) -> Parameter:
    """Return the parameter with the user's prior or number in place of the default."""
    if setting is None:
        return parameter
    if not isinstance(setting, Prior):
        return replace(parameter, value=float(setting), prior=None, fixed=True)
    low, high = setting.support
    value = parameter.value
    if not low <= value <= high:
        value = float(setting.ppf(0.5))
        if not math.isfinite(value):
            raise ParameterError(f"the prior of {parameter.name} has no median", value=setting)
    return replace(parameter, value=value, prior=setting)
