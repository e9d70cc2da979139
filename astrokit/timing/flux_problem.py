"""`FluxDistributionProblem`: rates with errors and a model of how the flux is distributed.

The density of each measured rate is the model convolved with the error of that rate, always as a
density of flux (of a log-normal model it contains the Jacobian 1/flux), so that AIC and BIC of all
models compare. Bins count as independent; those of red noise are not, and then widths, errors and
criteria of a single light curve say little about the source: see
:func:`~astrokit.timing.flux_distribution`, which calibrates the verdict by simulation.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, ShapeError
from ..inference.problem import Problem
from .curve_problem import with_rates
from .flux_models import FluxModel
from .spectrum_problem import require_kind

if TYPE_CHECKING:
    from ..lightcurve import LightCurve
    from .simulate import PSDLike

__all__ = ["FluxDistributionProblem", "spectrum_record"]

FloatArray = NDArray[np.float64]
_FEWEST = 10
_COARSE_ABOVE = 150  # bins; fewer are searched directly
_GROUPS = 60
_CORRELATED = 3.0  # standard errors of a lag-1 autocorrelation of white noise


class FluxDistributionProblem(Problem):
    """A light curve and a model of the distribution of its flux.

    Parameters
    ----------
    lightcurve : LightCurve
        Any sampling. With errors the model is convolved with them; without, taken as free of
        noise. Missing bins are left out.
    model : FluxModel
        :class:`NormalFlux`, :class:`LogNormalFlux`, or a sum of two.
    psd : Fit, or callable, optional
        Power spectrum of red noise, as for :func:`~astrokit.timing.simulate_lightcurve`. It changes
        simulations only: they are then red noise of this spectrum, scaled to the mean of the data,
        whose logarithm is Gaussian for a log-normal model. Their width follows from the
        spectrum. A mixture cannot be simulated so.

    Raises
    ------
    InputError
        For magnitudes, a log-normal model of rates <= 0 without errors, or `psd` and a mixture.
    ShapeError
        For fewer than ten valid bins.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> rng = np.random.default_rng(3)
    >>> rate = rng.lognormal(1.0, 0.3, 400) + rng.normal(0, 0.1, 400)
    >>> lc = ak.LightCurve(np.arange(400.0), rate, np.full(400, 0.1))
    >>> fit = ak.timing.FluxDistributionProblem(lc, ak.timing.LogNormalFlux()).fit()
    >>> abs(fit["log_sigma"].sigma_from(0.3)) < 3
    True
    """

    statistic = "flux distribution"
    citation_keys: tuple[str, ...] = ("uttley2005",)

    def __init__(
        self, lightcurve: LightCurve, model: FluxModel, *, psd: PSDLike | None = None
    ) -> None:
        from ..lightcurve import LightCurve

        require_kind(lightcurve, LightCurve, "a LightCurve", "read_lightcurve(file)")
        require_kind(model, FluxModel, "a flux model", "LogNormalFlux() + LogNormalFlux()")
        if psd is not None and len(model.components) > 1:
            raise InputError(
                "a mixture cannot be simulated as red noise of a spectrum",
                value=model.label,
                hint="leave psd out, or use astrokit.timing.emmanoulopoulos",
            )
        self._model, self._codes, self._psd = model, model.codes, psd
        self._set_curve(lightcurve)
        super().__init__(model.parameters(self._rate))

    # -- data ----------------------------------------------------------------------------------

    @property
    def data(self) -> LightCurve:
        """The light curve."""
        return self._lightcurve

    @property
    def model(self) -> FluxModel:
        """The model of the distribution."""
        return self._model

    def with_data(self, data: Any) -> Self:
        from ..lightcurve import LightCurve

        require_kind(data, LightCurve, "a LightCurve", "read_lightcurve(file)")
        other = copy.copy(self)
        other._set_curve(data)
        return other

    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        return {"rate": self._rate, "error": self._error}

    @property
    def label(self) -> str:
        return self._model.label

    def settings(self) -> Mapping[str, Any]:
        return {"model": repr(self._model), "psd": spectrum_record(self._psd, self._lightcurve)}

    def provenance_inputs(self) -> list[dict[str, Any]]:
        return [*super().provenance_inputs(), self._lightcurve.provenance_inputs()]

    def _set_curve(self, lightcurve: LightCurve) -> None:
        if lightcurve.info.is_magnitude:
            raise InputError(
                "these are magnitudes: their distribution is not that of flux",
                hint="convert them to fluxes first",
            )
        valid = lightcurve.valid
        rate = np.ascontiguousarray(lightcurve.rate[valid])
        if rate.size < _FEWEST:
            raise ShapeError(
                "a distribution of flux needs more valid bins",
                value=rate.size,
                allowed=f">= {_FEWEST}",
                hint="check what was masked, or rebin less",
            )
        error = lightcurve.error
        sigma = np.zeros(rate.size) if error is None else np.ascontiguousarray(error[valid])
        if error is None and 1 in self._codes and rate.min() <= 0:
            raise InputError(
                "a log-normal distribution has no rates <= 0, and the curve has no errors",
                value=float(rate.min()),
                hint="give the errors of the rates, or use NormalFlux",
            )
        self._lightcurve, self._rate, self._error = lightcurve, rate, sigma
        self._count = np.ones(rate.size)

    # -- likelihood ------------------------------------------------------------------------------

    def _log_likelihood(self, values: FloatArray) -> FloatArray:
        from .flux_kernels import mixture

        out = np.empty(values.shape[0])
        rows = self._model.standard(values)
        mixture(rows, self._codes, self._rate, self._error, self._count, out)
        out[np.isnan(rows[:, 0])] = -np.inf  # a median that is not positive
        return out

    def _pointwise(self, values: FloatArray) -> FloatArray:
        from .flux_kernels import log_densities

        out = np.empty((values.shape[0], self._rate.size))
        for row, terms in zip(self._model.standard(values), out, strict=True):
            log_densities(row, self._codes, self._rate, self._error, terms)
        return out

    def _derivatives(self, values: FloatArray) -> tuple[float, FloatArray, FloatArray, FloatArray]:
        """Return ln L, its gradient, the gradient's outer products, and the Hessian."""
        from .flux_kernels import mixture_derivatives

        p = values.size
        score, outer, hessian = np.zeros(p), np.zeros((p, p)), np.zeros((p, p))
        row = self._model.standard(values[None, :])[0]
        data = (self._rate, self._error, self._count)
        value = mixture_derivatives(row, self._codes, *data, score, outer, hessian)
        jacobian, second = self._model.jacobian(values)
        hessian = jacobian.T @ hessian @ jacobian
        for i in (0, 2)[: len(self._model.components)]:
            place = np.flatnonzero(jacobian[i] != 0)
            hessian[np.ix_(place, place)] += score[i] * second[i]
        return value, jacobian.T @ score, jacobian.T @ outer @ jacobian, hessian

    def _score_and_information(self, values: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        return self._derivatives(values)[:3]

    def _observed_information(self, values: FloatArray) -> FloatArray:
        return -self._derivatives(values)[3]

    def _coarse(self) -> FluxDistributionProblem | None:
        """Return the same problem for groups of similar rates: the maximum is near and cheap."""
        if self._rate.size < _COARSE_ABOVE:
            return None
        order = np.argsort(self._rate)
        groups = np.array_split(order, _GROUPS)
        other = copy.copy(self)
        other._rate = np.array([self._rate[g].mean() for g in groups])
        other._error = np.array([np.sqrt(np.mean(self._error[g] ** 2)) for g in groups])
        other._count = np.array([float(g.size) for g in groups])
        return other

    # -- simulation ------------------------------------------------------------------------------

    def _simulate_data(self, values: FloatArray, rng: np.random.Generator) -> LightCurve:
        if self._psd is None:
            clean = self._model.draw(values, self._rate.size, rng)
        else:
            clean = self._red_noise(self._psd, rng)
        noise = self._error * rng.standard_normal(clean.size)
        return with_rates(self._lightcurve, clean + noise)

    def _red_noise(self, psd: PSDLike, rng: np.random.Generator) -> FloatArray:
        from .simulate import simulate_lightcurve

        lc, mean = self._lightcurve, float(self._rate.mean())
        curve = simulate_lightcurve(psd, lc, mean=1.0, noise=False, seed=rng)
        deviation = curve.rate[lc.valid] - 1.0
        if self._codes[0] == 1:
            flux = np.exp(deviation - deviation.mean())
            return flux * (mean / flux.mean())
        return mean * (1.0 + deviation - deviation.mean())

    def _reservations(self, values: FloatArray) -> tuple[str, ...]:
        correlation = _lag_one(self._rate)
        if self._psd is not None or correlation < _CORRELATED / np.sqrt(self._rate.size):
            return ()
        return (
            f"neighbouring bins are correlated (by {correlation:.2f}), but count as independent "
            f"here: errors are too small and differences of AIC and BIC too large by far; "
            f"flux_distribution() tests against red noise",
        )


def _lag_one(rate: FloatArray) -> float:
    """Return the correlation of neighbouring rates; 0 where they are constant."""
    deviation = rate - rate.mean()
    norm = float(deviation @ deviation)
    return float(deviation[1:] @ deviation[:-1]) / norm if norm > 0 else 0.0


def spectrum_record(psd: Any, lightcurve: LightCurve) -> list[float] | None:
    """Return what identifies a spectrum: its power at three frequencies of the curve."""
    if psd is None:
        return None
    from .simulate import as_psd

    frequency = np.array([0.1, 1.0, 10.0]) / lightcurve.duration
    return [float(power) for power in as_psd(psd)(frequency)]
