"""`GaussianPSDProblem`: a model of the power spectrum and the likelihood of the light curve itself.

The model gives the covariance of all bins, so leakage from the finite length, aliasing by the
sampling, averaging over bins, gaps and unequal errors need no correction: the likelihood contains
them. What it does not do: times off a regular grid, bins of unequal width, rates that are not
Gaussian, and curves too long for its engines; each is refused with a way out.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import AstrokitWarning, InputError
from .autocovariance import DifferenceAutocovariance, structure_function
from .gaussian_checks import (
    LARGEST,
    chosen_engine,
    common_width,
    positive_mean,
    require_likelihood,
    require_variable,
    too_long,
)
from .models import BendingPowerLaw, Constant, Guide, PSDModel
from .periodogram import Periodogram
from .spectrum_problem import (
    SpectrumProblem,
    Values,
    require_kind,
    require_option,
    steepest,
)

if TYPE_CHECKING:
    from ..lightcurve import LightCurve

__all__ = ["GaussianPSDProblem"]

FloatArray = NDArray[np.float64]
_ENGINES = ("auto", "toeplitz", "dense")
_NORMALIZATIONS = ("fractional", "absolute")
_CUTOFF = 0.01  # of 1 / duration
_EQUAL = 1e-9  # relative difference of errors that counts as none
_NODES_AT_ONCE = 2_000_000  # spectrum values held in memory: 16 MB
_COARSE_ABOVE = {"dense": 320, "toeplitz": 1500}  # bins; fewer are searched directly
_COARSE_BINS = {"dense": 160, "toeplitz": 750}
_FEWEST_GROUPS = 80
_DRIFT_SLOPE = 3.0  # above it the structure function depends on the cut-off


class GaussianPSDProblem(SpectrumProblem):
    r"""A light curve and a model of its power spectrum: the exact Gaussian likelihood.

    The rates are a stationary Gaussian process with one-sided spectrum S, averaged over bins, plus
    independent errors. Its mean is unknown and marginalised with a flat prior, which is the same as
    using the differences d of neighbouring valid bins:

    .. math:: \ln L = -\tfrac12 \left[ d^T C^{-1} d + \ln |C| + (N-1) \ln 2\pi \right] ,

    where C follows from S (see :class:`~astrokit.timing.autocovariance.DifferenceAutocovariance`)
    and the errors. Nothing is added to the diagonal for numerical comfort.

    ``PSDProblem(lightcurve, model)`` makes one.

    Parameters
    ----------
    lightcurve : LightCurve
        Bins of one width on a regular grid; invalid and missing bins are gaps. Errors may differ
        from bin to bin; a curve without errors is taken as free of noise.
    model : PSDModel
        A :class:`~astrokit.timing.Constant` c is white noise beyond the errors: a variance of
        c / (2 width) in each bin, independent of all others.
    likelihood : {"gaussian"}
    engine : {"auto", "toeplitz", "dense"}
        How ln L is computed; the values are the same. "toeplitz" (Levinson-Durbin: n^2 operations,
        little memory, to 20 000 bins) needs a curve without gaps and with equal errors; "dense"
        (Cholesky: n^3 operations) takes up to 4000 valid bins. "auto" takes the faster one that
        applies; ``settings()`` names it.
    normalization : {"fractional", "absolute"}
        Unit of the spectrum; "fractional" divides by the squared mean rate.
    cutoff : float, optional
        The spectrum is flat below this frequency; 1 / (100 durations) by default. The likelihood
        hardly depends on it for slopes up to 3.

    Raises
    ------
    InputError
        For an irregular grid, bins of zero or unequal width, fewer than 8 valid bins, a constant
        curve, one too long for the engine, or an unknown option.

    References
    ----------
    Rasmussen & Williams 2006, Gaussian Processes for Machine Learning (sections 2.2 and 2.7);
    Durbin 1960, Review of the International Statistical Institute 28, 233.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> rate = 10 + ak.timing.timmer_koenig(lambda f: 1e-3 * f**-2.5, 256, 1.0, seed=3)
    >>> rate += np.random.default_rng(3).normal(0, 0.01, 256)
    >>> rate[100:140] = np.nan
    >>> lc = ak.LightCurve(np.arange(256.0), rate, np.full(256, 0.01))
    >>> problem = ak.timing.PSDProblem(lc, ak.timing.PowerLaw())
    >>> problem
    <GaussianPSDProblem: 216 data, free: slope, log_amplitude>
    >>> problem.settings()["engine"]
    'dense'
    >>> fit = problem.fit()
    >>> abs(fit["slope"].sigma_from(2.5)) < 3
    True
    """

    statistic = "gaussian"
    citation_keys: tuple[str, ...] = ("rasmussen2006", "durbin1960")

    def __init__(
        self,
        lightcurve: LightCurve,
        model: PSDModel,
        *,
        likelihood: str = "gaussian",
        engine: str = "auto",
        normalization: str = "fractional",
        cutoff: float | None = None,
    ) -> None:
        from ..lightcurve import LightCurve

        require_kind(lightcurve, LightCurve, "a LightCurve", "read_lightcurve(file)")
        require_kind(model, PSDModel, "a model", "PowerLaw() + Constant()")
        require_likelihood(likelihood)
        require_option(engine, "engine", _ENGINES)
        require_option(normalization, "normalization", _NORMALIZATIONS)
        self._wanted_engine, self._normalization = engine, normalization
        self._set_curve(lightcurve)
        if cutoff is None:
            self._cutoff = _CUTOFF / (self._grid_size * self._dt)
        else:
            self._cutoff = as_scalar(cutoff, "cutoff", positive=True)
            self._check_cutoff()
        self._covariance = self._covariance_plan()
        guide = self._guide()
        self._model = model.resolved(guide)
        components = self._model.components
        self._header = np.array([0.0, 0.0, len(components), *self._model.header()])
        super().__init__(model.parameters(guide))
        if any(isinstance(part, BendingPowerLaw) for part in components):
            self.citation_keys = (*self.citation_keys, "mchardy2004")

    # -- data ----------------------------------------------------------------------------------

    @property
    def data(self) -> LightCurve:
        """The light curve."""
        return self._lightcurve

    @property
    def n_data(self) -> int:
        return self._position.size

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
    def engine(self) -> str:
        """How ln L is computed: "toeplitz" or "dense"."""
        return self._engine

    @property
    def cutoff(self) -> float:
        """Frequency below which the spectrum is flat."""
        return self._cutoff

    def with_data(self, data: Any) -> Self:
        from ..lightcurve import LightCurve

        require_kind(data, LightCurve, "a LightCurve", "read_lightcurve(file)")
        other = copy.copy(self)
        other._set_curve(data)
        same = (other._grid_size, other._dt, other._width) == (
            self._grid_size,
            self._dt,
            self._width,
        )
        if not same:
            other._check_cutoff()
            other._covariance = other._covariance_plan()
        return other

    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        return {
            "rate": self._rate,
            "position": self._position,
            "variance": self._variance,
            "grid": np.array([self._grid_size, self._dt, self._width]),
        }

    def settings(self) -> Mapping[str, Any]:
        return {
            "model": repr(self._model),
            "likelihood": "gaussian",
            "engine": self._engine,
            "normalization": self._normalization,
            "cutoff": self._cutoff,
        }

    def provenance_inputs(self) -> list[dict[str, Any]]:
        return [*super().provenance_inputs(), self._lightcurve.provenance_inputs()]

    def _set_curve(self, lightcurve: LightCurve, scale: float | None = None) -> None:
        """Set what the likelihood reads."""
        grid = lightcurve.on_regular_grid()
        self._lightcurve, self._grid_size, self._dt = lightcurve, grid.n, grid.dt
        self._width = common_width(grid)
        valid = np.flatnonzero(grid.valid)
        rate = grid.rate[valid]
        if lightcurve.info.is_magnitude and self._normalization == "fractional":
            raise InputError(
                "a fractional spectrum means nothing for magnitudes",
                hint="convert them to fluxes first, or use normalization='absolute'",
            )
        require_variable(rate)
        if scale is None:
            scale = 1.0 if self._normalization == "absolute" else positive_mean(rate)
        self._scale = scale
        self._position = valid.astype(np.int64)
        self._rate = rate / scale
        error = np.zeros(rate.size) if grid.error is None else grid.error[valid]
        self._variance = np.ascontiguousarray((error / scale) ** 2)
        self._differences = np.diff(self._rate)
        self._engine = chosen_engine(self._wanted_engine, self._is_stationary, rate.size, grid.n)

    @property
    def _is_stationary(self) -> bool:
        """Whether differences of neighbouring bins are a stationary series."""
        equal = np.ptp(self._variance) <= _EQUAL * self._variance.max()
        return bool(equal) and self._position.size == self._grid_size

    def _check_cutoff(self) -> None:
        lowest = 1.0 / (self._grid_size * self._dt)
        if self._cutoff > lowest:
            raise InputError(
                "the cut-off is above the lowest frequency of the curve",
                value=self._cutoff,
                allowed=f"<= {lowest:.4g} {self.frequency_unit}",
                hint="a bend belongs into the model",
            )

    def _covariance_plan(self) -> DifferenceAutocovariance:
        return DifferenceAutocovariance(self._grid_size, self._dt, self._width, self._cutoff)

    def _guide(self) -> Guide:
        """Return scales from the periodogram of the curve with its gaps bridged by lines."""
        from ..lightcurve import LightCurve

        time = np.arange(self._grid_size) * self._dt
        rate = np.interp(time, time[self._position], self._rate * self._scale)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstrokitWarning)
            curve = LightCurve(time, rate, bin_width=self._dt, info=self._lightcurve.info.replace())
            pg = Periodogram.from_lightcurve(curve, normalization=self._normalization, noise="none")
        return Guide.of(pg.log_binned(1.05) if len(pg) > 2000 else pg)

    # -- likelihood ------------------------------------------------------------------------------

    def _log_likelihood(self, values: FloatArray) -> FloatArray:
        rows = max(1, _NODES_AT_ONCE // self._covariance.log_frequency.size)
        out = np.empty(values.shape[0])
        for start in range(0, len(out), rows):
            part = slice(start, start + rows)
            out[part] = self._some_log_likelihoods(values[part])
        return out

    def _some_log_likelihoods(self, values: FloatArray) -> FloatArray:
        covariance, white = self._difference_covariances(values)
        out = np.full(len(values), -np.inf)
        good = np.flatnonzero(np.isfinite(covariance).all(axis=1) & (covariance[:, 0] >= 0))
        if self._engine == "dense":
            for i in good:
                whitened = self._whitened(covariance[i], white[i])
                if whitened is not None:
                    out[i] = _normal(*whitened)
            return out
        from .gaussian_kernels import durbin_log_likelihood

        noise = self._variance[0] + white
        covariance[:, 0] += 2.0 * noise
        covariance[:, 1] -= noise
        found = np.empty(good.size)
        durbin_log_likelihood(covariance[good], self._differences, found)
        out[good] = found
        return out

    def _difference_covariances(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return autocovariances ``(n, grid)`` of differences, and extra white variance ``(n,)``.

        White noise has a closed form, so the constant does not go through the spectrum.
        """
        rest, constant = self._split_constant(values)
        with np.errstate(over="ignore", invalid="ignore"):
            power = self._psd(self._covariance.log_frequency, rest)
            return self._covariance.transform(power), constant / (2.0 * self._width)

    def _whitened(
        self, covariance: FloatArray, white: float
    ) -> tuple[FloatArray, FloatArray] | None:
        """Return whitened differences and the diagonal of the Cholesky factor, or None."""
        from scipy.linalg import lapack

        from .gaussian_kernels import fill_covariance

        n = self._differences.size
        matrix = np.empty((n, n))
        structure = structure_function(covariance)
        fill_covariance(structure, covariance, self._position, self._variance + white, matrix)
        # The lower half by rows is the upper half by columns, which LAPACK takes without a copy.
        factor, failed = lapack.dpotrf(matrix.T, lower=0, clean=0, overwrite_a=1)
        if failed:
            return None
        whitened, _ = lapack.dtrtrs(factor, self._differences, lower=0, trans=1)
        return whitened, np.diag(factor)

    def _simulate_data(self, values: FloatArray, rng: np.random.Generator) -> LightCurve:
        from .gaussian_kernels import durbin_simulate

        covariance, white = self._difference_covariances(values[None, :])
        steps = rng.standard_normal(self._grid_size - 1)
        if not durbin_simulate(covariance[0], steps):
            raise InputError(
                "the model has no positive definite covariance there",
                value=dict(zip(self.parameters.names, values.tolist(), strict=True)),
            )
        rate = np.concatenate([[0.0], np.cumsum(steps)])[self._position]
        scatter = np.sqrt(self._variance + white[0])
        rate += scatter * rng.standard_normal(rate.size)
        # The likelihood does not know the level: with that of the data, the scale stays the same.
        return self._like_data(self._scale * (rate - rate.mean() + self._rate.mean()))

    def _like_data(self, rate: FloatArray) -> LightCurve:
        """Return the light curve with other rates ``(n,)`` in its valid bins."""
        from ..lightcurve import LightCurve

        lc = self._lightcurve
        rates = np.full(lc.n, np.nan)
        rates[lc.valid] = rate
        return LightCurve(
            lc.time,
            rates,
            lc.error,
            bin_width=lc.bin_width,
            exposure_fraction=lc.exposure_fraction,
            gti=lc.gti,
            info=lc.info,
        )

    def _coarse(self) -> GaussianPSDProblem | None:
        """Return the same problem for wider bins, whose likelihood is exact as well, but cheap."""
        n, engine = self.n_data, self._engine
        if n <= _COARSE_ABOVE[engine] or abs(self._width / self._dt - 1) > 1e-9:
            return None
        widest = -(-n // _COARSE_BINS[engine])
        curves = (_wider_bins(self, factor) for factor in range(widest, 1, -1))
        curve = next((curve for curve in curves if curve is not None), None)
        if curve is None:
            return None
        other = copy.copy(self)
        other._wanted_engine = "auto"
        other._set_curve(curve, self._scale)
        other._covariance = other._covariance_plan()
        return other

    def _reservations(self, values: FloatArray) -> tuple[str, ...]:
        notes = []
        names = self.parameters.names
        for component, place in self._model.slices():
            for name, slope in steepest(component, names[place], values[place], low=True):
                if slope > _DRIFT_SLOPE:
                    notes.append(_drift(name, slope, self._cutoff, self.frequency_unit))
        has_constant = any(isinstance(c, Constant) for c in self._model.components)
        if not self._variance.any() and not has_constant:
            notes.append(
                "the light curve has no errors and the model no constant, so all noise counts as "
                "variability; add Constant() unless the curve is free of noise"
            )
        return tuple(notes)

    # -- what it predicts ------------------------------------------------------------------------

    def residuals(self, values: Values) -> FloatArray:
        """Return whitened residuals ``(n - 1,)``: independent standard normal if the model is true.

        Each is the difference of a bin from what all valid bins before it predict, over the
        standard deviation of that prediction.

        Parameters
        ----------
        values : array_like, shape (p,), or mapping of str to float
            Values of ALL parameters, such as ``fit.values``.

        Raises
        ------
        InputError
            Where the covariance is not positive definite, or there are too many bins for it.
        """
        row = self._rows(values)
        if self.n_data > LARGEST["dense"]:
            raise too_long("dense", self.n_data)
        covariance, white = self._difference_covariances(row)
        whitened = self._whitened(covariance[0], white[0])
        if whitened is None:
            raise InputError("the model has no positive definite covariance there", value=values)
        return whitened[0]


# -- parts ----------------------------------------------------------------------------------------


def _normal(whitened: FloatArray, diagonal: FloatArray) -> float:
    size = whitened.size
    return float(-0.5 * (whitened @ whitened + size * np.log(2.0 * np.pi)) - np.log(diagonal).sum())


def _wider_bins(problem: GaussianPSDProblem, factor: int) -> LightCurve | None:
    """Return averages over groups of bins without a gap, or None where few groups are whole."""
    from ..lightcurve import LightCurve

    groups = problem._grid_size // factor
    used = groups * factor
    rate, variance = np.full((2, problem._grid_size), np.nan)
    rate[problem._position] = problem._rate * problem._scale
    variance[problem._position] = problem._variance * problem._scale**2
    means = rate[:used].reshape(groups, factor).mean(axis=1)
    if np.isfinite(means).sum() < _FEWEST_GROUPS:
        return None
    errors = np.sqrt(variance[:used].reshape(groups, factor).sum(axis=1)) / factor
    dt = factor * problem._dt
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        return LightCurve(
            (np.arange(groups) + 0.5) * dt,
            means,
            errors if problem._variance.any() else None,
            bin_width=dt,
            info=problem._lightcurve.info,
        )


def _drift(name: str, slope: float, cutoff: float, unit: str) -> str:
    return (
        f"{name} = {slope:.2f}: above slope {_DRIFT_SLOPE:g} variations slower than the whole "
        f"light curve dominate, and how strong they are follows from the cut-off at "
        f"{cutoff:.3g} {unit}, not from the data"
    )
