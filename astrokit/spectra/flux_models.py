"""Models whose normalisation is the flux in a band, so that the flux has a prior and an error."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError
from ..inference.parameters import Parameter
from ..inference.priors import LogUniform, Prior, as_prior
from .grid import EnergyGrid
from .models import Component, Guide, SpectralModel

__all__ = ["EnergyFlux", "PhotonFlux"]

FloatArray = NDArray[np.float64]
ERG = 1.602176634e-9  # erg per keV
_BINS = 400
_REACH = 1e4


class _FluxOf(Component):
    """An emitting model with its first normalisation replaced by the flux in a band."""

    flux_name: ClassVar[str] = ""
    flux_unit: ClassVar[str] = ""

    def __init__(self, model: SpectralModel, low: Any, high: Any, *, flux: Any = None) -> None:
        if not isinstance(model, SpectralModel) or not model.is_additive:
            raise InputError(
                "a model that emits is needed", value=getattr(model, "label", type(model).__name__)
            )
        for part in model.components:
            if not part.is_additive and not part.acts_on_what_follows:
                raise InputError(
                    "absorption belongs outside, so that the flux is the one emitted",
                    value=part.label,
                    hint="TBabs() * EnergyFlux(PowerLaw(), 2, 10)",
                )
        if "normalization" not in model.names:
            raise InputError("the model has no normalisation to replace", value=model.label)
        ends = [
            as_scalar(x, n, unit="keV" if hasattr(x, "unit") else None, positive=True)
            for x, n in ((low, "low"), (high, "high"))
        ]
        if not ends[0] < ends[1]:
            raise InputError("the band ends before it begins", value=tuple(ends))
        self.model, self.band, self.flux = model, (ends[0], ends[1]), flux
        if flux is not None and not isinstance(flux, Prior) and hasattr(flux, "logpdf"):
            self.flux = as_prior(flux, self.flux_name)
        self._place = model.names.index("normalization")
        self._grid = EnergyGrid.from_edges(np.geomspace(*self.band, _BINS + 1))
        self._weights = self._flux_weights(self._grid)

    def _flux_weights(self, grid: EnergyGrid) -> FloatArray:
        """Return the flux per photon of each bin."""
        return np.ones(len(grid))

    def _of_density(self, density: float, energy: float) -> float:
        """Return the flux of a law of index 2 with this density at an energy."""
        return density * energy**2 * (1 / self.band[0] - 1 / self.band[1])

    @property
    def own_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """The parameters of the model, with the flux in place of its normalisation."""
        names = list(self.model.names)
        names[self._place] = self.flux_name
        return tuple(names)

    @property
    def xspec_names(self) -> dict[str, str]:  # type: ignore[override]
        """XSPEC names of the parameters of the model."""
        inner = {own: alias for alias, own in self.model.aliases.items()}
        return {own: alias for own, alias in inner.items() if own != "normalization"}

    @property
    def label(self) -> str:
        return self.model.label

    def defaults(self, guide: Guide) -> list[Parameter]:
        parameters = list(self.model.parameters(guide))
        value = self._of_density(guide.density, guide.middle)
        prior: Any = LogUniform(value / _REACH, value * _REACH)
        fixed = False
        if isinstance(self.flux, Prior):
            low, high = self.flux.support
            value = value if low <= value <= high else float(self.flux.ppf(0.5))
            prior = self.flux
        elif self.flux is not None:
            value, prior, fixed = self.flux, None, True
        parameters[self._place] = Parameter(
            self.flux_name, value, prior, unit=self.flux_unit, symbol="F", fixed=fixed
        )
        return parameters

    def overridden(self, parameter: Parameter) -> Parameter:
        return parameter

    def _unit_values(self, values: FloatArray) -> FloatArray:
        inner = values.copy()
        inner[..., self._place] = 1.0
        return inner

    def _photons(self, values: FloatArray, grid: EnergyGrid, shift: FloatArray) -> FloatArray:
        inner = self._unit_values(values)
        flux = self.model._photons(inner, self._grid, shift) @ self._weights
        shape = self.model._photons(inner, grid, shift)
        return np.asarray(shape * (values[:, self._place] / flux)[:, None])

    def _derivatives(self, values: FloatArray, grid: EnergyGrid, shift: float) -> FloatArray:
        inner = self._unit_values(values)
        shape = self.model._derivatives(inner, grid, shift)
        flux = self.model._derivatives(inner, self._grid, shift) @ self._weights
        level = values[self._place] / flux[0]
        result = level * (shape - shape[0] * (flux / flux[0])[:, None])
        result[0] = level * shape[0]
        result[1 + self._place] = shape[0] / flux[0]
        return np.asarray(result)

    def __repr__(self) -> str:
        given = "" if self.flux is None else f", flux={self.flux!r}"
        return f"{type(self).__name__}({self.model!r}, {self.band[0]:g}, {self.band[1]:g}{given})"


class EnergyFlux(_FluxOf):
    """A model whose first normalisation is replaced by its energy flux in a band, as XSPEC's cflux.

    Parameters
    ----------
    model : SpectralModel
        Emits, without absorption. Further normalisations count relative to the first.
    low, high : float or Quantity
        Ends of the band of observed energies, keV.
    flux : Prior, float or Quantity, optional
        erg / (cm2 s): its prior, or the value at which it is fixed. The parameter's name is
        ``energy_flux``.

    Raises
    ------
    InputError
        For a model with absorption or without normalisation, or a band that is none.

    Examples
    --------
    >>> import astrokit as ak
    >>> model = ak.spectra.TBabs(nh=0.07) * ak.spectra.EnergyFlux(ak.spectra.PowerLaw(), 2, 10)
    >>> model.names
    ('nh', 'photon_index', 'energy_flux')
    """

    flux_name: ClassVar[str] = "energy_flux"
    flux_unit: ClassVar[str] = "erg / (cm2 s)"

    def _flux_weights(self, grid: EnergyGrid) -> FloatArray:
        # Mean energies for an index of 2, in bins of two widths, whose errors cancel.
        low, high = grid.low, grid.high
        fine = low * high * np.log(high / low) / (high - low)
        a, b = low[::2], high[1::2]
        coarse = np.repeat(a * b * np.log(b / a) / (b - a), 2)
        return np.asarray(ERG * (4 * fine - coarse) / 3)

    def _of_density(self, density: float, energy: float) -> float:
        return ERG * density * energy**2 * math.log(self.band[1] / self.band[0])


class PhotonFlux(_FluxOf):
    """A model whose first normalisation is replaced by its photon flux in a band.

    Parameters
    ----------
    model, low, high, flux
        As for :class:`EnergyFlux`, the flux in photons / (cm2 s); the parameter's name is
        ``photon_flux``.

    Raises
    ------
    InputError
        As for :class:`EnergyFlux`.
    """

    flux_name: ClassVar[str] = "photon_flux"
    flux_unit: ClassVar[str] = "1 / (cm2 s)"
