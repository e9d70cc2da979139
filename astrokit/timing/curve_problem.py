"""What problems of a light curve have in common, those of its spectrum above all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError
from .gaussian_checks import positive_mean, require_variable
from .models import Constant
from .spectrum_problem import SpectrumProblem, steepest

if TYPE_CHECKING:
    from ..lightcurve import LightCurve

__all__ = ["CurveSpectrumProblem", "with_rates"]

FloatArray = NDArray[np.float64]
_CUTOFF = 0.01  # of 1 / duration
_DRIFT_SLOPE = 3.0  # above it what is slower than the curve depends on the cut-off


class CurveSpectrumProblem(SpectrumProblem):
    """A light curve and a model of its spectrum, compared through the rates themselves."""

    _lightcurve: LightCurve
    _normalization: str
    _cutoff: float
    _scale: float
    _rate: FloatArray  # valid, over the scale
    _variance: FloatArray

    @property
    def data(self) -> LightCurve:
        """The light curve."""
        return self._lightcurve

    @property
    def n_data(self) -> int:
        return self._rate.size

    @property
    def label(self) -> str:
        return self._model.label

    @property
    def normalization(self) -> str:
        """Unit of the spectrum: "fractional" or "absolute"."""
        return self._normalization

    @property
    def frequency_unit(self) -> str:
        """``"Hz"``, or one over the time unit."""
        unit = self._lightcurve.info.time_unit
        return "Hz" if unit == "s" else f"1 / {unit}"

    @property
    def cutoff(self) -> float:
        """Frequency below which the spectrum is flat."""
        return self._cutoff

    def provenance_inputs(self) -> list[dict[str, Any]]:
        return [*super().provenance_inputs(), self._lightcurve.provenance_inputs()]

    def _set_rates(self, curve: LightCurve, scale: float | None) -> None:
        """Set what the likelihood reads of the valid bins: over their mean where none is given."""
        if curve.info.is_magnitude and self._normalization == "fractional":
            raise InputError(
                "a fractional spectrum means nothing for magnitudes",
                hint="convert them to fluxes first, or use normalization='absolute'",
            )
        rate = curve.rate[curve.valid]
        require_variable(rate)
        if scale is None:
            scale = 1.0 if self._normalization == "absolute" else positive_mean(rate)
        error = np.zeros(rate.size) if curve.error is None else curve.error[curve.valid]
        self._scale, self._rate = scale, rate / scale
        self._variance = np.ascontiguousarray((error / scale) ** 2)

    def _set_cutoff(self, cutoff: float | None, lowest: float) -> None:
        """Set the frequency below which the spectrum is flat; `lowest` is that of the curve."""
        if cutoff is None:
            self._cutoff = _CUTOFF * lowest
            return
        self._cutoff = as_scalar(cutoff, "cutoff", positive=True)
        self._require_cutoff_below(lowest)

    def _require_cutoff_below(self, lowest: float) -> None:
        if self._cutoff > lowest:
            raise InputError(
                "the cut-off is above the lowest frequency of the curve",
                value=self._cutoff,
                allowed=f"<= {lowest:.4g} {self.frequency_unit}",
                hint="a bend belongs into the model",
            )

    def _like_data(self, rate: FloatArray) -> LightCurve:
        """Return the light curve with other rates, in units of the scale, about its own level.

        The likelihood does not know the level: with that of the data, the scale stays the same.
        """
        level = self._rate.mean() - rate.mean()
        return with_rates(self._lightcurve, self._scale * (rate + level))

    def _reservations(self, values: FloatArray) -> tuple[str, ...]:
        names = self.parameters.names
        notes = [
            self._drift(name, slope)
            for component, place in self._model.slices()
            for name, slope in steepest(component, names[place], values[place], low=True)
            if slope > _DRIFT_SLOPE
        ]
        has_constant = any(isinstance(c, Constant) for c in self._model.components)
        if not self._variance.any() and not has_constant:
            notes.append(
                "the light curve has no errors and the model no constant, so all noise counts as "
                "variability; add Constant() unless the curve is free of noise"
            )
        return tuple(notes)

    def _drift(self, name: str, slope: float) -> str:
        return (
            f"{name} = {slope:.2f}: above slope {_DRIFT_SLOPE:g} variations slower than the whole "
            f"light curve dominate, and how strong they are follows from the cut-off at "
            f"{self._cutoff:.3g} {self.frequency_unit}, not from the data"
        )


def with_rates(lightcurve: LightCurve, rate: FloatArray) -> LightCurve:
    """Return a light curve with other rates ``(n,)`` in its valid bins."""
    from ..lightcurve import LightCurve

    rates = np.full(lightcurve.n, np.nan)
    rates[lightcurve.valid] = rate
    return LightCurve(
        lightcurve.time,
        rates,
        lightcurve.error,
        bin_width=lightcurve.bin_width,
        exposure_fraction=lightcurve.exposure_fraction,
        gti=lightcurve.gti,
        info=lightcurve.info,
    )
