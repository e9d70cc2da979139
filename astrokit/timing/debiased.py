"""`DebiasedPSDProblem`: a model of the power spectrum and the debiased Whittle likelihood.

For long gap-free curves: its cost grows like N log N. What it does not do: gaps, uneven sampling
and unequal bins, for which the Gaussian likelihood of the curve itself is right and efficient.
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
from .expected import ExpectedPeriodogram
from .models import BendingPowerLaw, Guide, PSDModel
from .periodogram import Periodogram
from .spectrum_problem import require_kind, require_option
from .tapers import DPSS, Hann, Sine, Taper

if TYPE_CHECKING:
    from ..lightcurve import LightCurve

__all__ = ["DebiasedPSDProblem"]

FloatArray = NDArray[np.float64]
_NORMALIZATIONS = ("fractional", "absolute")
_FEWEST_BINS = 64
_COARSE_ABOVE, _COARSE_BINS = 16_384, 2048
_VALUES_AT_ONCE = 2_000_000  # spectrum values held in memory: 16 MB


class DebiasedPSDProblem(CurveSpectrumProblem):
    r"""A gap-free light curve and a model of its power spectrum: the debiased Whittle likelihood.

    The periodogram I of the tapered differences of neighbouring bins is compared with what the
    model lets *expect* of it, :math:`\bar S`, with leakage, aliasing, averaging over bins and the
    measurement errors in it; differences do not know the mean:

    .. math:: \ln L = -\frac1V \sum_j \kappa_j \left[ I_j / \bar S_j + \ln \bar S_j \right] ,

    where :math:`\kappa = 1`, and 1/2 at the Nyquist frequency. Neighbouring ordinates of a tapered
    curve are correlated; :math:`V = N \sum_t q_t^2`, with :math:`q_t` the mean squared taper, is
    the factor by which that inflates the variance of the score (1.5 for the default, 1.94 for a
    Hann taper). Divided by it ln L is as curved as the scatter of its maximum demands, so that
    posteriors and likelihood ratios are calibrated. Errors of fits come from the sandwich
    :math:`H^{-1} J H^{-1}` of the curvature H and the covariance J of the score, with the
    correlation of all pairs of ordinates.

    ``PSDProblem(lightcurve, model, likelihood="debiased")`` makes one.

    Parameters
    ----------
    lightcurve : LightCurve
        Even sampling without gaps, at least 64 bins of one width. Errors may differ from bin to
        bin; a curve without errors is taken as free of noise.
    model : PSDModel
        A :class:`~astrokit.timing.Constant` c is white noise beyond the errors: a variance of
        c / (2 width) in each bin, independent of all others.
    likelihood : {"debiased"}
    taper : Taper
        :class:`~astrokit.timing.Sine` (one taper by default), whose errors are larger by an eighth
        than those of the Gaussian likelihood; :class:`~astrokit.timing.Hann`, by a third;
        :class:`~astrokit.timing.DPSS`, by little, but for slopes above 2.5 they are too small,
        because power slower than the curve then spreads over several ordinates alike.
    normalization : {"fractional", "absolute"}
        Unit of the spectrum; "fractional" divides by the squared mean rate.
    cutoff : float, optional
        The spectrum is flat below this frequency; 1 / (100 durations) by default.

    Raises
    ------
    InputError
        For gaps, uneven sampling, bins of unequal width, fewer than 64 bins, a constant curve, or
        an unknown option.

    References
    ----------
    Sykulski et al. 2019, Biometrika 106, 251; Guillaumin et al. 2022, JRSS B 84, 1526; Thomson
    1982, Proc. IEEE 70, 1055, and Riedel & Sidorenko 1995, IEEE Trans. Signal Process. 43, 188
    (tapers).

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> rate = 10 + ak.timing.timmer_koenig(lambda f: 1e-3 * f**-2.5, 4096, 1.0, seed=3)
    >>> lc = ak.LightCurve(np.arange(4096.0), rate, np.full(4096, 0.01))
    >>> problem = ak.timing.PSDProblem(lc, ak.timing.PowerLaw(), likelihood="debiased")
    >>> problem
    <DebiasedPSDProblem: 4096 data, free: slope, log_amplitude>
    >>> fit = problem.fit()
    >>> abs(fit["slope"].sigma_from(2.5)) < 3
    True
    """

    statistic = "debiased whittle"
    information_kind = "sandwich of correlated ordinates"
    citation_keys: tuple[str, ...] = ("whittle1953", "sykulski2019", "guillaumin2022")

    def __init__(
        self,
        lightcurve: LightCurve,
        model: PSDModel,
        *,
        likelihood: str = "debiased",
        taper: Taper | None = None,
        normalization: str = "fractional",
        cutoff: float | None = None,
    ) -> None:
        from ..lightcurve import LightCurve

        taper = Sine() if taper is None else taper
        require_kind(lightcurve, LightCurve, "a LightCurve", "read_lightcurve(file)")
        require_kind(model, PSDModel, "a model", "PowerLaw() + Constant()")
        require_kind(taper, Taper, "a taper", "Sine() or DPSS(4)")
        require_option(likelihood, "likelihood", ("debiased",))
        require_option(normalization, "normalization", _NORMALIZATIONS)
        self._taper, self._normalization = taper, normalization
        self._set_curve(lightcurve)
        self._set_cutoff(cutoff, 1.0 / (self._rate.size * self._dt))
        self._make_plan()
        guide = _guide(lightcurve, normalization)
        self._model = model.resolved(guide)
        components = self._model.components
        self._header = np.array([0.0, 0.0, len(components), *self._model.header()])
        super().__init__(model.parameters(guide))
        if not isinstance(taper, Hann):
            key = "thomson1982" if isinstance(taper, DPSS) else "riedel1995"
            self.citation_keys = (*self.citation_keys, key)
        if any(isinstance(part, BendingPowerLaw) for part in components):
            self.citation_keys = (*self.citation_keys, "mchardy2004")

    # -- data ----------------------------------------------------------------------------------

    @property
    def inflation(self) -> float:
        """The factor V by which correlated ordinates inflate the variance of the score."""
        return self._inflation

    @property
    def frequency(self) -> FloatArray:
        """Frequencies of the ordinates, shape ``(m,)``."""
        return self._plan.frequency

    @property
    def power(self) -> FloatArray:
        """Periodogram of the tapered differences, shape ``(m,)``."""
        return self._power

    def expected(self, values: Any) -> FloatArray:
        """Return the expected periodogram of the tapered differences, shape ``(n, m)``.

        Parameters
        ----------
        values : array_like, shape (n, p) or (p,), or mapping of str to float
            Values of ALL parameters.
        """
        return self._expected(self._rows(values))

    def with_data(self, data: Any) -> Self:
        from ..lightcurve import LightCurve

        require_kind(data, LightCurve, "a LightCurve", "read_lightcurve(file)")
        other = copy.copy(self)
        other._set_curve(data)
        same = (other._rate.size, other._dt, other._width) == (
            self._rate.size,
            self._dt,
            self._width,
        )
        if same:
            other._set_ordinates()
        else:
            other._require_cutoff_below(1.0 / (other._rate.size * other._dt))
            other._make_plan()
        return other

    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        return {
            "rate": self._rate,
            "variance": self._variance,
            "power": self._power,
            "grid": np.array([self._dt, self._width]),
        }

    def settings(self) -> Mapping[str, Any]:
        return {
            "model": repr(self._model),
            "likelihood": "debiased",
            "taper": repr(self._taper),
            "normalization": self._normalization,
            "cutoff": self._cutoff,
        }

    def _set_curve(self, lightcurve: LightCurve, scale: float | None = None) -> None:
        _require_complete(lightcurve)
        self._lightcurve, self._dt = lightcurve, lightcurve.dt
        self._width = _common_width(lightcurve)
        self._set_rates(lightcurve, scale)

    def _make_plan(self) -> None:
        """Compute what does not depend on the rates."""
        n = self._rate.size
        weights = self._taper.weights(n - 1)
        self._weights = weights
        self._plan = ExpectedPeriodogram(n, self._dt, self._width, self._cutoff, weights)
        size = self._plan.size
        self._inflation = float(size * np.sum(np.mean(weights**2, axis=0) ** 2))
        self._share = np.full(size // 2, 1.0 / self._inflation)
        self._share[-1] *= 0.5
        self._correlation: FloatArray | None = None
        self._unit_noise = self._plan.white(np.ones(n), weights)
        self._set_ordinates()

    def _set_ordinates(self) -> None:
        """Compute the periodogram, and what the errors add to its mean."""
        from scipy import fft

        transform = fft.rfft(self._weights * np.diff(self._rate), self._plan.size, axis=1)[:, 1:]
        power = np.mean(transform.real**2 + transform.imag**2, axis=0)
        self._power: FloatArray = np.ascontiguousarray(2.0 * self._dt * power)
        if np.ptp(self._variance) == 0.0:
            self._noise: FloatArray = self._variance[0] * self._unit_noise
        else:
            self._noise = self._plan.white(self._variance, self._weights)

    # -- likelihood ------------------------------------------------------------------------------

    def _expected(self, values: FloatArray) -> FloatArray:
        rest, constant = self._split_constant(values)
        with np.errstate(over="ignore", invalid="ignore"):
            source = self._plan.transform(self._psd(self._plan.log_frequency, rest))
        white = constant / (2.0 * self._width)
        return source + self._noise + white[:, None] * self._unit_noise

    def _log_likelihood(self, values: FloatArray) -> FloatArray:
        rows = max(1, _VALUES_AT_ONCE // self._plan.log_frequency.size)
        out = np.empty(values.shape[0])
        for start in range(0, len(out), rows):
            part = slice(start, start + rows)
            out[part] = self._value(self._expected(values[part]))
        return out

    def _value(self, expected: FloatArray) -> FloatArray:
        good = np.all(np.isfinite(expected) & (expected > 0), axis=1)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            terms = (self._power / expected + np.log(expected)) * self._share
        # A plain sum along rows: the same order of additions for one row and for many.
        return np.where(good, -np.sum(terms, axis=1), -np.inf)

    def _score_and_information(
        self, values: FloatArray
    ) -> tuple[float, FloatArray, FloatArray] | None:
        """Return ln L, its gradient, and the Godambe information: the inverse of the sandwich."""
        expected, gradient = self._expected_and_gradient(values)
        value = float(self._value(expected[None, :])[0])
        relative = gradient / expected
        score = relative @ (self._share * (self._power / expected - 1.0))
        curvature = (relative * self._share) @ relative.T
        scatter = self._score_covariance(relative)
        scale = np.sqrt(np.maximum(np.diag(scatter), 1e-300))
        inverse = np.linalg.pinv(scatter / np.outer(scale, scale), hermitian=True)
        curvature = curvature / scale
        return value, score, curvature @ inverse @ curvature.T

    def _expected_and_gradient(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the expected periodogram ``(m,)`` and its derivatives ``(p, m)``."""
        from .expected_kernels import psd_gradient

        rest, constant = self._split_constant(values[None, :])
        log_f = self._plan.log_frequency
        table = np.empty((values.size + 1, log_f.size))
        psd_gradient(rest[0], log_f, self._header, table[0], table[1:])
        held = self._constant_place
        if held is not None:
            table[1 + held] = 0.0
        source = self._plan.transform(table)
        white = constant[0] / (2.0 * self._width)
        if held is not None:
            source[1 + held] = self._unit_noise / (2.0 * self._width)
        return source[0] + self._noise + white * self._unit_noise, source[1:]

    @property
    def _constant_place(self) -> int | None:
        places = [p.start for c, p in self._model.slices() if c.own_names == ("constant",)]
        return places[0] if places else None

    def _score_covariance(self, relative: FloatArray) -> FloatArray:
        """Return the covariance ``(p, p)`` of the score: all pairs of correlated ordinates.

        The correlation of two ordinates depends on their distance, on the circle of positive and
        negative frequencies; so the double sum is a product between Fourier transforms.
        """
        from scipy import fft

        size = self._plan.size
        if self._correlation is None:
            self._correlation = _correlation_transform(self._weights, size)
        circle = np.zeros((len(relative), size))
        circle[:, 1 : size // 2 + 1] = relative
        circle[:, size // 2 + 1 :] = relative[:, -2::-1]
        waves = fft.rfft(circle, axis=1)
        weight = np.full(waves.shape[1], 2.0) * self._correlation
        weight[[0, -1]] *= 0.5
        products = np.real((waves * weight) @ waves.conj().T)
        return np.asarray(products / (2.0 * size * self._inflation**2))

    def _simulate_data(self, values: FloatArray, rng: np.random.Generator) -> LightCurve:
        rest, constant = self._split_constant(values[None, :])
        power = self._psd(self._plan.log_frequency, rest)[0]
        rate = np.concatenate([[0.0], np.cumsum(self._plan.simulate(power, rng))])
        scatter = np.sqrt(self._variance + constant[0] / (2.0 * self._width))
        rate += scatter * rng.standard_normal(rate.size)
        return self._like_data(rate)

    def _coarse(self) -> DebiasedPSDProblem | None:
        """Return the same problem for wider bins, whose expectation is exact as well, but cheap."""
        if self.n_data <= _COARSE_ABOVE or abs(self._width / self._dt - 1) > 1e-9:
            return None
        from ..lightcurve import LightCurve

        factor = -(-self.n_data // _COARSE_BINS)
        groups = self.n_data // factor
        used = groups * factor
        rate = (self._rate[:used] * self._scale).reshape(groups, factor).mean(axis=1)
        sums = (self._variance[:used] * self._scale**2).reshape(groups, factor).sum(axis=1)
        dt = factor * self._dt
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstrokitWarning)
            curve = LightCurve(
                (np.arange(groups) + 0.5) * dt,
                rate,
                np.sqrt(sums) / factor if sums.any() else None,
                bin_width=dt,
                info=self._lightcurve.info,
            )
        other = copy.copy(self)
        other._set_curve(curve, self._scale)
        other._make_plan()
        return other


# -- parts ----------------------------------------------------------------------------------------


def _require_complete(lightcurve: LightCurve) -> None:
    """Raise an InputError for gaps, uneven sampling or too few bins."""
    hint = (
        "use the Gaussian likelihood, which takes gaps as they are: PSDProblem(lightcurve, model)"
    )
    if not lightcurve.is_evenly_sampled:
        raise InputError("the debiased Whittle likelihood needs even sampling", hint=hint)
    missing = int(lightcurve.n - np.count_nonzero(lightcurve.valid))
    if missing:
        raise InputError(
            "the debiased Whittle likelihood needs a curve without gaps",
            value=f"{missing} missing of {lightcurve.n} bins",
            hint=hint,
        )
    if lightcurve.n < _FEWEST_BINS:
        raise InputError(
            "the light curve has too few bins for this likelihood",
            value=lightcurve.n,
            allowed=f">= {_FEWEST_BINS}",
            hint="use the Gaussian likelihood: PSDProblem(lightcurve, model)",
        )


def _common_width(lightcurve: LightCurve) -> float:
    """Return the width of the bins; refuse none, unequal and overlapping ones."""
    widths = np.broadcast_to(np.asarray(lightcurve.bin_width, dtype=float), lightcurve.time.shape)
    width, dt = float(np.median(widths)), lightcurve.dt
    if np.ptp(widths) > 1e-3 * width or not 0 < width <= 1.001 * dt:
        raise InputError(
            "bins of one width are needed, not wider than their spacing",
            value=f"{widths.min():.6g} to {widths.max():.6g} with a spacing of {dt:.6g}",
            hint="give the exposure of each point: LightCurve(..., bin_width=...), or rebin(dt)",
        )
    return min(width, dt)


def _guide(lightcurve: LightCurve, normalization: str) -> Guide:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        pg = Periodogram.from_lightcurve(lightcurve, normalization=normalization, noise="none")
    return Guide.of(pg.log_binned(1.05) if len(pg) > 2000 else pg)


def _correlation_transform(weights: FloatArray, size: int) -> FloatArray:
    """Return the transform ``(size // 2 + 1,)`` of the covariance of ordinates over S^2.

    The covariance at a distance is the mean over pairs of tapers of their squared cross-transform;
    its transform is the autocorrelation of their product, summed over the pairs.
    """
    from scipy import fft

    count = len(weights)
    total = np.zeros(size)
    for a in range(count):
        for b in range(a + 1):
            share = 1.0 if a == b else 2.0
            total += share * np.abs(fft.fft(weights[a] * weights[b], size)) ** 2
    return np.asarray(fft.rfft(total / count**2).real)
