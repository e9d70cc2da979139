"""Emitting components, and the redshift."""

from __future__ import annotations

import abc
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..inference.parameters import Parameter
from ..inference.priors import LogUniform, Uniform
from .grid import EnergyGrid
from .models import Component, Guide, Setting

__all__ = [
    "BrokenPowerLaw",
    "CutoffPowerLaw",
    "GaussianLine",
    "LogParabola",
    "PowerLaw",
    "Redshift",
    "SmoothlyBrokenPowerLaw",
]

FloatArray = NDArray[np.float64]
Kernel = Callable[..., None]
_INDEX = (-3.0, 10.0)


def _index(name: str = "photon_index", symbol: str = r"\Gamma", start: float = 2.0) -> Parameter:
    return Parameter(name, start, Uniform(*_INDEX), symbol=symbol)


class _Emitting(Component):
    """A component whose integrals are a pair of compiled functions."""

    @classmethod
    @abc.abstractmethod
    def _kernels(cls) -> tuple[Kernel, Kernel]:
        """Return the functions for a batch and for derivatives."""

    @property
    def scales(self) -> tuple[int, ...]:
        return (len(self.own_names) - 1,)  # the normalisation is the last

    @property
    def _pivot(self) -> float:
        return float(getattr(self, "pivot", 1.0))

    def _photons(self, values: FloatArray, grid: EnergyGrid, shift: FloatArray) -> FloatArray:
        out = np.empty((values.shape[0], grid.n_adjacent))
        self._kernels()[0](values, shift - math.log(self._pivot), grid.log_edges, out)
        return out if self._pivot == 1 else out * self._pivot

    def _derivatives(self, values: FloatArray, grid: EnergyGrid, shift: float) -> FloatArray:
        out = np.empty((1 + values.size, grid.n_adjacent))
        values = np.ascontiguousarray(values)
        self._kernels()[1](values, shift - math.log(self._pivot), grid.log_edges, out)
        return out if self._pivot == 1 else out * self._pivot


@dataclass(frozen=True, kw_only=True, repr=False)
class PowerLaw(_Emitting):
    r""":math:`N(E) = K (E/E_0)^{-\Gamma}`, photons per cm2, s and keV.

    Parameters
    ----------
    photon_index : Prior, float or Quantity, optional
        :math:`\Gamma`; XSPEC calls it PhoIndex.
    normalization : Prior, float or Quantity, optional
        K at the pivot energy, photons / (cm2 s keV); XSPEC calls it norm.
    pivot : float
        :math:`E_0`, keV. 1 as in XSPEC; in the middle of the data K and index are least correlated.
    fixed : bool
        Numbers given are fixed; False makes them starting values.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.spectra.TBabs(nh=0.07) * ak.spectra.PowerLaw(photon_index=1.8, fixed=False)
    TBabs(nh=0.07) * PowerLaw(photon_index=1.8, fixed=False)
    """

    kind: ClassVar[str] = "power law"
    xspec: ClassVar[str] = "powerlaw"
    own_names: ClassVar[tuple[str, ...]] = ("photon_index", "normalization")
    xspec_names: ClassVar[Mapping[str, str]] = {"photon_index": "PhoIndex", "normalization": "norm"}
    photon_index: Setting = None
    normalization: Setting = None
    pivot: float = 1.0
    fixed: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        as_scalar(self.pivot, "pivot", positive=True)

    def defaults(self, guide: Guide) -> list[Parameter]:
        return [_index(), guide.normalization(self.pivot)]

    @classmethod
    @cache
    def _kernels(cls) -> tuple[Kernel, Kernel]:
        from .model_kernels import power_law, power_law_derivatives

        return power_law, power_law_derivatives


@dataclass(frozen=True, kw_only=True, repr=False)
class BrokenPowerLaw(_Emitting):
    r"""A power law with a sharp break, as XSPEC's bknpower.

    :math:`K E^{-\Gamma_1}` below, :math:`K E_b^{\Gamma_2-\Gamma_1} E^{-\Gamma_2}` above a break:
    K is the density at 1 keV of the low branch, even if the break is below 1 keV.

    Parameters
    ----------
    low_photon_index, high_photon_index : Prior, float or Quantity, optional
        :math:`\Gamma_1, \Gamma_2`; XSPEC: PhoIndx1, PhoIndx2.
    break_energy : Prior, float or Quantity, optional
        :math:`E_b`, keV; XSPEC: BreakE. Log-uniform over the band by default. Without a break it is
        undefined, so a test against :class:`PowerLaw` needs simulations.
    normalization : Prior, float or Quantity, optional
        K, photons / (cm2 s keV).
    fixed : bool
        Numbers given are fixed; False makes them starting values.
    """

    kind: ClassVar[str] = "broken power law"
    xspec: ClassVar[str] = "bknpower"
    own_names: ClassVar[tuple[str, ...]] = (
        "low_photon_index",
        "high_photon_index",
        "break_energy",
        "normalization",
    )
    xspec_names: ClassVar[Mapping[str, str]] = {
        "low_photon_index": "PhoIndx1",
        "high_photon_index": "PhoIndx2",
        "break_energy": "BreakE",
        "normalization": "norm",
    }
    low_photon_index: Setting = None
    high_photon_index: Setting = None
    break_energy: Setting = None
    normalization: Setting = None
    fixed: bool = True

    def defaults(self, guide: Guide) -> list[Parameter]:
        return [
            _index("low_photon_index", r"\Gamma_1", 1.8),
            _index("high_photon_index", r"\Gamma_2", 2.2),
            _energy("break_energy", guide, r"E_\mathrm{b}"),
            guide.normalization(),
        ]

    @classmethod
    @cache
    def _kernels(cls) -> tuple[Kernel, Kernel]:
        from .model_kernels import broken_power_law, broken_power_law_derivatives

        return broken_power_law, broken_power_law_derivatives


class _Curved(_Emitting):
    """A component integrated by quadrature."""

    code: ClassVar[int] = 0

    @classmethod
    @cache
    def _kernels(cls) -> tuple[Kernel, Kernel]:
        from .model_kernels import curved, curved_derivatives

        return partial(curved, cls.code), partial(curved_derivatives, cls.code)


@dataclass(frozen=True, kw_only=True, repr=False)
class LogParabola(_Curved):
    r""":math:`N(E) = K (E/E_0)^{-\alpha - \beta \log_{10}(E/E_0)}`, as XSPEC's logpar.

    The logarithm is the DECADIC one. Packages that write ln have
    :math:`\beta_{\ln} = \beta / \ln 10`. The local photon index is
    :math:`\alpha + 2 \beta \log_{10}(E/E_0)`, the spectral energy distribution peaks at
    :math:`E_0 10^{(2-\alpha)/(2\beta)}` where :math:`\beta > 0` (Massaro et al. 2004).

    Parameters
    ----------
    photon_index : Prior, float or Quantity, optional
        :math:`\alpha`; XSPEC: alpha.
    curvature : Prior, float or Quantity, optional
        :math:`\beta` per decade, positive where the spectrum steepens; XSPEC: beta.
    normalization : Prior, float or Quantity, optional
        K at the pivot energy, photons / (cm2 s keV).
    pivot : float
        :math:`E_0`, keV; XSPEC: pivotE.
    fixed : bool
        Numbers given are fixed; False makes them starting values.

    Examples
    --------
    >>> import astrokit as ak
    >>> tera = 1e9  # keV
    >>> crab = ak.spectra.LogParabola(pivot=tera)
    >>> float(crab.density([tera], alpha=2.4, beta=0.14, norm=4e-20)[0])
    4...e-20
    """

    kind: ClassVar[str] = "log-parabola"
    xspec: ClassVar[str] = "logpar"
    citation_keys: ClassVar[tuple[str, ...]] = ("massaro2004",)
    own_names: ClassVar[tuple[str, ...]] = ("photon_index", "curvature", "normalization")
    xspec_names: ClassVar[Mapping[str, str]] = {
        "photon_index": "alpha",
        "curvature": "beta",
        "normalization": "norm",
        "pivot": "pivotE",
    }
    photon_index: Setting = None
    curvature: Setting = None
    normalization: Setting = None
    pivot: float = 1.0
    fixed: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        as_scalar(self.pivot, "pivot", positive=True)

    def defaults(self, guide: Guide) -> list[Parameter]:
        curvature = Parameter("curvature", 0.1, Uniform(-3.0, 3.0), symbol=r"\beta")
        return [_index(symbol=r"\alpha"), curvature, guide.normalization(self.pivot)]

    @staticmethod
    def curvature_from_natural(curvature: float) -> float:
        """Return the curvature per decade of one that multiplies ln E.

        Examples
        --------
        >>> from astrokit.spectra import LogParabola
        >>> round(LogParabola.curvature_from_natural(0.1), 6)
        0.230259
        """
        return curvature * math.log(10.0)

    @staticmethod
    def curvature_to_natural(curvature: float) -> float:
        """Return what multiplies ln E in packages that use the natural logarithm."""
        return curvature / math.log(10.0)


@dataclass(frozen=True, kw_only=True, repr=False)
class CutoffPowerLaw(_Curved):
    r""":math:`N(E) = K E^{-\Gamma} e^{-E/E_c}`, as XSPEC's cutoffpl.

    Parameters
    ----------
    photon_index : Prior, float or Quantity, optional
        XSPEC: PhoIndex.
    cutoff_energy : Prior, float or Quantity, optional
        :math:`E_c`, keV; XSPEC: HighECut.
    normalization : Prior, float or Quantity, optional
        K at 1 keV but for the exponential, photons / (cm2 s keV).
    fixed : bool
        Numbers given are fixed; False makes them starting values.
    """

    kind: ClassVar[str] = "cut-off power law"
    xspec: ClassVar[str] = "cutoffpl"
    code: ClassVar[int] = 1
    own_names: ClassVar[tuple[str, ...]] = ("photon_index", "cutoff_energy", "normalization")
    xspec_names: ClassVar[Mapping[str, str]] = {
        "photon_index": "PhoIndex",
        "cutoff_energy": "HighECut",
        "normalization": "norm",
    }
    photon_index: Setting = None
    cutoff_energy: Setting = None
    normalization: Setting = None
    fixed: bool = True

    def defaults(self, guide: Guide) -> list[Parameter]:
        prior = LogUniform(guide.lowest, 100 * guide.highest)
        cutoff = Parameter("cutoff_energy", guide.highest, prior, "keV", r"E_\mathrm{c}")
        return [_index(start=1.5), cutoff, guide.normalization()]


@dataclass(frozen=True, kw_only=True, repr=False)
class SmoothlyBrokenPowerLaw(_Curved):
    r"""A power law with a rounded break.

    :math:`N(E) = K E^{-\Gamma_1} [1 + (E/E_b)^{1/w}]^{-(\Gamma_2-\Gamma_1) w}`: the break of
    :class:`BrokenPowerLaw`, with the same K, rounded over w e-folds of energy.

    Parameters
    ----------
    low_photon_index, high_photon_index : Prior, float or Quantity, optional
        Indices far below and far above the break.
    break_energy : Prior, float or Quantity, optional
        keV.
    break_width : Prior, float or Quantity, optional
        w > 0; log-uniform 0.03 to 1 by default.
    normalization : Prior, float or Quantity, optional
        K at 1 keV of the low branch, photons / (cm2 s keV).
    fixed : bool
        Numbers given are fixed; False makes them starting values.
    """

    kind: ClassVar[str] = "smoothly broken power law"
    code: ClassVar[int] = 2
    own_names: ClassVar[tuple[str, ...]] = (
        "low_photon_index",
        "high_photon_index",
        "break_energy",
        "break_width",
        "normalization",
    )
    xspec_names: ClassVar[Mapping[str, str]] = {"normalization": "norm"}
    low_photon_index: Setting = None
    high_photon_index: Setting = None
    break_energy: Setting = None
    break_width: Setting = None
    normalization: Setting = None
    fixed: bool = True

    def defaults(self, guide: Guide) -> list[Parameter]:
        return [
            _index("low_photon_index", r"\Gamma_1", 1.8),
            _index("high_photon_index", r"\Gamma_2", 2.2),
            _energy("break_energy", guide, r"E_\mathrm{b}"),
            Parameter("break_width", 0.2, LogUniform(0.03, 1.0), symbol="w"),
            guide.normalization(),
        ]


@dataclass(frozen=True, kw_only=True, repr=False)
class GaussianLine(_Emitting):
    r"""A Gaussian emission line: K photons per cm2 and s, spread with a standard deviation.

    Parameters
    ----------
    line_energy : Prior, float or Quantity, optional
        keV; XSPEC: LineE. Uniform over the band by default.
    line_width : Prior, float or Quantity, optional
        Standard deviation, keV; XSPEC: Sigma. With 0 all photons fall into one energy bin of the
        response, and the fit cannot move the line inside it.
    normalization : Prior, float or Quantity, optional
        K, photons / (cm2 s); negative for an absorption line, if its prior allows that. The default
        prior is uniform from 0.
    fixed : bool
        Numbers given are fixed; False makes them starting values.

    Notes
    -----
    Whether a line is there cannot be asked of a chi-square or F distribution: without a line its
    energy means nothing and its strength sits at a bound (Protassov et al. 2002). Simulate.
    """

    kind: ClassVar[str] = "Gaussian line"
    xspec: ClassVar[str] = "gaussian"
    own_names: ClassVar[tuple[str, ...]] = ("line_energy", "line_width", "normalization")
    xspec_names: ClassVar[Mapping[str, str]] = {
        "line_energy": "LineE",
        "line_width": "Sigma",
        "normalization": "norm",
    }
    line_energy: Setting = None
    line_width: Setting = None
    normalization: Setting = None
    fixed: bool = True

    def defaults(self, guide: Guide) -> list[Parameter]:
        continuum = guide.density * guide.middle
        energy = Parameter(
            "line_energy", guide.middle, Uniform(guide.lowest, guide.highest), "keV", r"E_\ell"
        )
        width = Parameter(
            "line_width", 0.02 * guide.middle, Uniform(0.0, 0.3 * guide.middle), "keV", r"\sigma"
        )
        strength = Parameter(
            "normalization", 0.02 * continuum, Uniform(0.0, 10 * continuum), "1 / (cm2 s)", "K"
        )
        return [energy, width, strength]

    @classmethod
    @cache
    def _kernels(cls) -> tuple[Kernel, Kernel]:
        from .model_kernels import gaussian_line, gaussian_line_derivatives

        return gaussian_line, gaussian_line_derivatives


@dataclass(frozen=True, kw_only=True, repr=False)
class Redshift(Component):
    r"""Shifts what stands to its right: :math:`N(E) = N_\mathrm{source}(E (1+z))`.

    The photons of a line are divided by 1 + z, as in XSPEC's zgauss and zashift.

    Parameters
    ----------
    redshift : Prior, float or Quantity, optional
        z > -1; 0 (fixed) by default.
    fixed : bool
        Numbers given are fixed; False makes them starting values.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> line = ak.spectra.GaussianLine(line_energy=6.4, line_width=0.01, normalization=1.0)
    >>> seen = ak.spectra.Redshift(redshift=1.0) * line
    >>> seen.evaluate([3.0, 3.1, 3.3]).round(6)
    array([0. , 0.5])
    """

    kind: ClassVar[str] = "redshift"
    xspec: ClassVar[str] = "zashift"
    own_names: ClassVar[tuple[str, ...]] = ("redshift",)
    xspec_names: ClassVar[Mapping[str, str]] = {"redshift": "Redshift"}
    additive: ClassVar[bool] = False
    acts_on_what_follows: ClassVar[bool] = True
    redshift: Setting = 0.0
    fixed: bool = field(default=True)

    def defaults(self, guide: Guide) -> list[Parameter]:
        return [Parameter("redshift", 0.0, Uniform(-0.5, 10.0), symbol="z")]

    def _photons(self, values: FloatArray, grid: EnergyGrid, shift: FloatArray) -> FloatArray:
        return np.broadcast_to(1 / (1 + values[:, :1]), (values.shape[0], grid.n_adjacent))


def _energy(name: str, guide: Guide, symbol: str) -> Parameter:
    prior = LogUniform(guide.lowest, guide.highest)
    return Parameter(name, guide.middle, prior, unit="keV", symbol=symbol)
