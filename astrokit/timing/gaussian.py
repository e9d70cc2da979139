"""`GaussianPSDProblem`: a model of the power spectrum and the likelihood of the light curve itself.

The model gives the covariance of all bins, so leakage from the finite length, aliasing by the
sampling, averaging over bins, gaps and unequal errors need no correction: the likelihood contains
them. Times may be irregular and bins of any width. What it does not do: bins that overlap, and
rates that are not Gaussian.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import AstrokitWarning, InputError
from .curve_problem import CurveSpectrumProblem
from .gaussian_checks import bins_of, chosen_engine, require_likelihood
from .gaussian_engines import Spectra, make_engine
from .models import ClosedForm, Constant, Guide, PSDModel
from .periodogram import Periodogram
from .spectrum_problem import Values, require_kind, require_option

if TYPE_CHECKING:
    from ..lightcurve import LightCurve
    from .approximation import Approximation

__all__ = ["GaussianPSDProblem"]

FloatArray = NDArray[np.float64]
_ENGINES = ("auto", "dense", "toeplitz", "celerite")
_NORMALIZATIONS = ("fractional", "absolute")
_EQUAL = 1e-9  # relative difference of errors that counts as none
# Bins above which a coarse twin is searched first.
_COARSE_ABOVE = {"dense": 320, "toeplitz": 600, "celerite": 600}
_COARSE_BINS = {"dense": 160, "toeplitz": 250, "celerite": 250}
_FEWEST_GROUPS = 80
_CITATIONS = {
    "dense": ("rasmussen2006",),
    "toeplitz": ("rasmussen2006", "durbin1960"),
    "celerite": ("rasmussen2006", "foremanmackey2017", "lefkir2025"),
}


class GaussianPSDProblem(CurveSpectrumProblem):
    r"""A light curve and a model of its power spectrum: the exact Gaussian likelihood.

    The rates are a stationary Gaussian process with one-sided spectrum S, averaged over bins, plus
    independent errors. Its mean is unknown and marginalised with a flat prior, which is the same as
    using the differences d of neighbouring valid bins:

    .. math:: \ln L = -\tfrac12 \left[ d^T C^{-1} d + \ln |C| + (N-1) \ln 2\pi \right] ,

    where C follows from S and the errors. Nothing is added to the diagonal for numerical comfort.

    ``PSDProblem(lightcurve, model)`` makes one.

    Parameters
    ----------
    lightcurve : LightCurve
        At any times: bins that do not overlap, or samples (bins of no width). Invalid and missing
        bins are gaps. Errors may differ from bin to bin; a curve without errors is taken as free
        of noise.
    model : PSDModel
        A :class:`~astrokit.timing.Constant` c is white noise beyond the errors: a variance of
        c / (2 width) in each bin, independent of all others; for samples the median spacing
        stands for the width.
    likelihood : {"gaussian"}
    engine : {"auto", "dense", "toeplitz", "celerite"}
        How ln L is computed. "dense" (Cholesky: n^3 operations) takes up to 4000 valid bins;
        "toeplitz" (Levinson-Durbin: n^2 operations, to 20 000 bins) needs a curve without gaps
        and with equal errors; "celerite" takes any number of bins at any times: n operations, for
        which some 30 exponentials stand for the covariance. How well they do is what
        :meth:`approximation` measures: ln L changes by some 1e-3 for slopes 0 to 4. Much steeper
        laws over many decades (slope 5.8 at 800 bins) lose their digits there, and ln L becomes
        -inf. "auto" takes the fastest one that is adequate; ``settings()`` names it.
    normalization : {"fractional", "absolute"}
        Unit of the spectrum; "fractional" divides by the squared mean rate.
    cutoff : float, optional
        The spectrum is flat below this frequency; 1 / (100 durations) by default. The likelihood
        hardly depends on it for slopes up to 3.

    Raises
    ------
    InputError
        For bins that overlap, fewer than 8 valid bins, a constant curve, one too long for the
        engine, or an unknown option.

    References
    ----------
    Rasmussen & Williams 2006, Gaussian Processes for Machine Learning (sections 2.2 and 2.7);
    Durbin 1960, Review of the International Statistical Institute 28, 233; Foreman-Mackey et al.
    2017, AJ 154, 220; Lefkir et al. 2025, MNRAS 539, 1775.

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
    'celerite'
    >>> fit = problem.fit()
    >>> abs(fit["slope"].sigma_from(2.5)) < 3
    True
    """

    statistic = "gaussian"
    citation_keys: tuple[str, ...] = ("rasmussen2006",)

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
        self._set_cutoff(cutoff, 1.0 / self._bins.duration)
        self._machine = make_engine(self._engine, self._bins, self._cutoff)
        guide = self._guide()
        self._model = model.resolved(guide)
        components = self._model.components
        self._header = np.array([0.0, 0.0, len(components), *self._model.header()])
        super().__init__(model.parameters(guide))
        self._set_smooth_part()
        self.citation_keys = (*_CITATIONS[self._engine], *self._model.citation_keys)

    # -- data ----------------------------------------------------------------------------------

    @property
    def engine(self) -> str:
        """How ln L is computed: "dense", "toeplitz" or "celerite"."""
        return self._engine

    def with_data(self, data: Any) -> Self:
        from ..lightcurve import LightCurve

        require_kind(data, LightCurve, "a LightCurve", "read_lightcurve(file)")
        other = copy.copy(self)
        other._set_curve(data)
        if not self._has_bins_of(other):
            other._require_cutoff_below(1.0 / other._bins.duration)
            other._machine = make_engine(other._engine, other._bins, self._cutoff)
        return other

    def _has_bins_of(self, other: GaussianPSDProblem) -> bool:
        """Return whether an engine serves both."""
        ours, theirs = self._bins, other._bins
        return self._engine == other._engine and (
            ours is theirs
            or (
                np.array_equal(ours.start, theirs.start)
                and np.array_equal(ours.width, theirs.width)
                and ours.spacing == theirs.spacing
                and (ours.position is None) == (theirs.position is None)
            )
        )

    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        return {
            "rate": self._rate,
            "variance": self._variance,
            "start": self._bins.start,
            "width": self._bins.width,
        }

    def settings(self) -> Mapping[str, Any]:
        return {
            "model": repr(self._model),
            "likelihood": "gaussian",
            "engine": self._engine,
            "terms": self._machine.n_terms,
            "normalization": self._normalization,
            "cutoff": self._cutoff,
        }

    def _set_curve(self, lightcurve: LightCurve, scale: float | None = None) -> None:
        """Set what the likelihood reads."""
        bins, curve = bins_of(lightcurve)
        self._lightcurve, self._bins = lightcurve, bins
        self._set_rates(curve, scale)
        self._differences = np.diff(self._rate)
        equal = np.ptp(self._variance) <= _EQUAL * self._variance.max()
        self._engine = chosen_engine(self._wanted_engine, bins, bool(equal))

    def _guide(self) -> Guide:
        """Return scales from the periodogram of the curve with its gaps bridged by lines.

        Tapered (Hann): leakage would lift the power of a steep spectrum out of its own prior.
        """
        from ..lightcurve import LightCurve

        bins = self._bins
        n = bins.n if bins.position is None else int(bins.position[-1]) + 1
        dt = bins.duration / n
        time = np.arange(n) * dt
        rate = np.interp(time, bins.start, self._rate * self._scale)
        level, taper = rate.mean(), np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2
        rate = level + np.sqrt(8 / 3) * taper * (rate - level)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstrokitWarning)
            curve = LightCurve(time, rate, bin_width=dt, info=self._lightcurve.info.replace())
            pg = Periodogram.from_lightcurve(curve, normalization=self._normalization, noise="none")
        return Guide.of(pg.log_binned(1.05) if len(pg) > 2000 else pg)

    # -- likelihood ------------------------------------------------------------------------------

    def _log_likelihood(self, values: FloatArray) -> FloatArray:
        return self._machine.log_likelihoods(
            self._spectra(values), self._variance, self._differences
        )

    def _spectra(self, values: FloatArray) -> Spectra:
        """Return the parts of the model that engines treat apart.

        White noise and exponential covariances have a closed form, so they do not go through the
        spectrum.
        """
        _, constant = self._split_constant(values)
        forms = [self._closed_forms(row) for row in values]
        places = self._smooth_places
        remainders = [[form.remainder for form in row if form.remainder] for row in forms]

        def smooth(log_f: FloatArray) -> FloatArray:
            power = np.zeros((len(values), log_f.size))
            if places.size:
                psd(np.ascontiguousarray(values[:, places]), log_f, self._smooth_header, power)
            for total, functions in zip(power, remainders, strict=True):
                for function in functions:
                    total += function(np.exp(log_f))
            return power

        from .kernels import psd

        return Spectra(
            constant,
            smooth if places.size or any(remainders) else None,
            lambda log_f: self._psd(log_f, self._split_constant(values)[0]),
            [_joined(row) for row in forms] if forms and forms[0] else None,
        )

    def _closed_forms(self, row: FloatArray) -> list[ClosedForm]:
        forms = (part.closed_form(row[place]) for part, place in self._model.slices())
        return [form for form in forms if form is not None]

    def _set_smooth_part(self) -> None:
        """Find the components that have a spectrum only, and how the kernel reads them."""
        start = self.parameters.values
        smooth = [
            (part, place, self._model.header()[2 * k : 2 * k + 2])
            for k, (part, place) in enumerate(self._model.slices())
            if not isinstance(part, Constant) and part.closed_form(start[place]) is None
        ]
        places = [np.arange(place.start, place.stop) for _, place, _ in smooth]
        self._smooth_places = np.concatenate([np.zeros(0, np.int64), *places])
        codes = [number for *_, pair in smooth for number in pair]
        self._smooth_header = np.array([0.0, 0.0, len(smooth), *codes])

    def _simulate_data(self, values: FloatArray, rng: np.random.Generator) -> LightCurve:
        rate = self._machine.simulate(self._spectra(values[None, :]), self._variance, rng)
        if rate is None:
            raise self._no_covariance(values)
        return self._like_data(rate)

    def _coarse(self) -> GaussianPSDProblem | None:
        """Return the same problem for wider bins, whose likelihood is exact as well, but cheap."""
        n, engine, bins = self.n_data, self._engine, self._bins
        if n <= _COARSE_ABOVE.get(engine, n) or bins.position is None:
            return None
        if abs(bins.width[0] / bins.spacing - 1) > 1e-9:
            return None
        widest = -(-n // _COARSE_BINS[engine])
        curves = (_wider_bins(self, factor) for factor in range(widest, 1, -1))
        curve = next((curve for curve in curves if curve is not None), None)
        if curve is None:
            return None
        other = copy.copy(self)
        other._wanted_engine = "auto"
        other._set_curve(curve, self._scale)
        other._machine = make_engine(other._engine, other._bins, self._cutoff)
        return other

    def _reservations(self, values: FloatArray) -> tuple[str, ...]:
        return (*super()._reservations(values), *self._approximation_notes(values))

    def _approximation_notes(self, values: FloatArray) -> tuple[str, ...]:
        """Return what to say where the exponentials are too few for this spectrum."""
        if not self._machine.n_terms:
            return ()
        from .approximation import approximation

        return approximation(self, values, compare=False).notes

    def approximation(self, values: Values) -> Approximation:
        """Return how well the exponentials of the engine follow the model, and what that does.

        Parameters
        ----------
        values : array_like, shape (p,), or mapping of str to float
            Values of ALL parameters, such as ``fit.values``.

        Returns
        -------
        Approximation
            Without error where the engine computes the covariance exactly.
        """
        from .approximation import approximation

        return approximation(self, self._rows(values)[0])

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
            Where the covariance is not positive definite.
        """
        row = self._rows(values)
        found = self._machine.whitened(self._spectra(row), self._variance, self._differences)
        if found is None:
            raise self._no_covariance(row[0])
        return found

    def _no_covariance(self, values: FloatArray) -> InputError:
        return InputError(
            "the model has no positive definite covariance there",
            value=dict(zip(self.parameters.names, values.tolist(), strict=True)),
        )


# -- parts ----------------------------------------------------------------------------------------


def _joined(forms: list[ClosedForm]) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    weight, rate = zip(*((form.weight, form.rate) for form in forms), strict=True)
    return np.concatenate(weight), np.concatenate(rate)


def _wider_bins(problem: GaussianPSDProblem, factor: int) -> LightCurve | None:
    """Return averages over groups of bins without a gap, or None where few groups are whole."""
    from ..lightcurve import LightCurve

    bins = problem._bins
    position = np.arange(bins.n) if bins.position is None else bins.position
    size = int(position[-1]) + 1
    groups = size // factor
    used = groups * factor
    rate, variance = np.full((2, size), np.nan)
    rate[position] = problem._rate * problem._scale
    variance[position] = problem._variance * problem._scale**2
    means = rate[:used].reshape(groups, factor).mean(axis=1)
    if np.isfinite(means).sum() < _FEWEST_GROUPS:
        return None
    errors = np.sqrt(variance[:used].reshape(groups, factor).sum(axis=1)) / factor
    dt = factor * bins.spacing
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        return LightCurve(
            (np.arange(groups) + 0.5) * dt,
            means,
            errors if problem._variance.any() else None,
            bin_width=dt,
            info=problem._lightcurve.info,
        )
