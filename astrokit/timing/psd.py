"""`PSDProblem`: a model of the power spectrum and the plain Whittle likelihood of a periodogram.

What plain Whittle does not know: leakage. The finite length of a light curve moves power from low
to high frequencies, which flattens spectra steeper than about 2; results near there carry a
reservation that says so. The likelihood of the light curve itself knows it: see `gaussian`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..inference.problem import CompiledLikelihood
from .models import BendingPowerLaw, Guide, PSDModel
from .periodogram import Periodogram
from .spectrum_problem import SpectrumProblem, require_kind, require_option, steepest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..inference import Fit, Posterior

__all__ = ["PSDProblem"]

FloatArray = NDArray[np.float64]
Ordinates: TypeAlias = tuple[FloatArray, FloatArray, FloatArray, FloatArray]
T = TypeVar("T")
_LIKELIHOODS = ("whittle",)
_NYQUIST = ("chi2_1", "chi2_2", "drop")
_COARSE_RATIO = 1.05  # 47 bins a decade: no model of this room changes within one
_COARSE_BELOW = 2000  # ordinates; fewer are searched directly
_TWO_THREADS = 200_000  # ordinates; a thread costs as much as some 20 000
_LEAKAGE_SLOPE = 1.8


class PSDProblem(SpectrumProblem):
    r"""A periodogram and a model of its mean.

    Each ordinate I is the model S times a chi2 variate over its degrees of freedom, independent of
    the others: :math:`\ln L = -\sum (I/S + \ln S)` for a plain periodogram (Whittle 1953), the
    gamma likelihood :math:`\sum k(\ln k - I/S - \ln S) + (k-1) \ln I - \ln\Gamma(k)` with 2k
    degrees of freedom for averages.

    Parameters
    ----------
    periodogram : Periodogram
        A :class:`~astrokit.lightcurve.LightCurve` in its place gives a
        :class:`~astrokit.timing.GaussianPSDProblem`, with the options of that class: the
        likelihood of the curve itself, which knows leakage, aliasing and gaps; with
        ``likelihood="debiased"`` a :class:`~astrokit.timing.DebiasedPSDProblem`, for very long
        curves without gaps.
    model : PSDModel
        Such as ``PowerLaw() + Constant()``, in the normalization of the periodogram.
    likelihood : {"whittle"}
    nyquist : {"chi2_1", "chi2_2", "drop"}
        The ordinate at the Nyquist frequency has one degree of freedom; "chi2_2" treats it as the
        others, as published code often does; "drop" leaves it out.

    Raises
    ------
    InputError
        For an unknown option, or something that is no periodogram or model.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> f = np.arange(1, 513) / 1024
    >>> noise = np.random.default_rng(1).exponential(size=512)
    >>> pg = ak.timing.Periodogram(f, noise * (f**-1.5 + 2))
    >>> problem = ak.timing.PSDProblem(pg, ak.timing.PowerLaw() + ak.timing.Constant())
    >>> problem
    <PSDProblem: 512 data, free: slope, log_amplitude, constant>
    >>> fit = problem.fit()
    >>> abs(fit["slope"].sigma_from(1.5)) < 3
    True
    """

    statistic = "whittle"
    citation_keys: tuple[str, ...] = ("whittle1953", "vaughan2010")

    def __new__(cls, periodogram: Any = None, *args: Any, **options: Any) -> Any:
        # Unpickling and copying come here without data; a light curve leads to its own likelihood.
        if cls is PSDProblem and periodogram is not None:
            from ..lightcurve import LightCurve

            if isinstance(periodogram, LightCurve):
                if options.get("likelihood") == "debiased":
                    from .debiased import DebiasedPSDProblem

                    return DebiasedPSDProblem(periodogram, *args, **options)
                from .gaussian import GaussianPSDProblem

                return GaussianPSDProblem(periodogram, *args, **options)
        return super().__new__(cls)

    def __init__(
        self,
        periodogram: Periodogram,
        model: PSDModel,
        *,
        likelihood: str = "whittle",
        nyquist: str = "chi2_1",
    ) -> None:
        require_kind(
            periodogram, Periodogram, "a Periodogram", "Periodogram.from_lightcurve(curve)"
        )
        require_kind(model, PSDModel, "a model", "PowerLaw() + Constant()")
        require_option(likelihood, "likelihood", _LIKELIHOODS)
        require_option(nyquist, "nyquist", _NYQUIST)
        self._likelihood, self._nyquist = likelihood, nyquist
        coarse = _binned(periodogram)
        guide = Guide.of(coarse)
        self._model = model.resolved(guide)
        self._periodogram = periodogram
        self._set_ordinates()
        self._coarse_data: Periodogram | None = coarse
        super().__init__(model.parameters(guide))
        if any(isinstance(part, BendingPowerLaw) for part in model.components):
            self.citation_keys = (*self.citation_keys, "mchardy2004")

    # -- data ----------------------------------------------------------------------------------

    @property
    def data(self) -> Periodogram:
        """The periodogram."""
        return self._periodogram

    @property
    def normalization(self) -> str:
        """Normalization of the periodogram."""
        return self._periodogram.normalization

    @property
    def frequency_unit(self) -> str:
        """Unit of the frequencies."""
        return self._periodogram.frequency_unit

    @property
    def frequency(self) -> FloatArray:
        """Frequencies of the ordinates that the likelihood uses, shape ``(m,)``."""
        return self._periodogram.frequency[: self.n_data]

    @property
    def power(self) -> FloatArray:
        """The ordinates that the likelihood uses, shape ``(m,)``."""
        return self._power

    @property
    def ordinate_half_dof(self) -> FloatArray:
        """Half the degrees of freedom of each ordinate that the likelihood uses, ``(m,)``."""
        return _half_dof(self._periodogram, self._nyquist)

    @property
    def n_data(self) -> int:
        return self._power.size

    def with_data(self, data: Any) -> Self:
        require_kind(data, Periodogram, "a Periodogram", "Periodogram.from_lightcurve(curve)")
        other = copy.copy(self)
        other._periodogram, other._coarse_data = data, None
        other._set_ordinates(self)
        return other

    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        return {"power": self._power, "frequency": self.frequency, "half_dof": self._half_dof}

    def settings(self) -> Mapping[str, Any]:
        return {
            "model": repr(self._model),
            "likelihood": self._likelihood,
            "nyquist": self._nyquist,
            "normalization": self._periodogram.normalization,
        }

    def provenance_inputs(self) -> list[dict[str, Any]]:
        return [*super().provenance_inputs(), *self._periodogram.inputs]

    def _set_ordinates(self, same: PSDProblem | None = None) -> None:
        """Set what the kernels read; frequencies shared with another problem are not redone."""
        pg = self._periodogram
        self._half_dof, used = _short_half_dof(pg, self._nyquist)
        self._power = pg.power[:used]
        if same is not None and np.array_equal(pg.frequency, same._periodogram.frequency):
            self._log_frequency: FloatArray = same._log_frequency
        else:
            self._log_frequency = np.log(pg.frequency[:used])
        self._header = np.array(
            [
                used,
                _constant(self._power, self._half_dof),
                len(self._model.components),
                *self._model.header(),
            ]
        )

    @property
    def label(self) -> str:
        return self._model.label

    # -- likelihood ------------------------------------------------------------------------------

    @property
    def _ordinates(self) -> Ordinates:
        return self._log_frequency, self._power, self._half_dof, self._header

    def _log_likelihood(self, values: FloatArray) -> FloatArray:
        from .kernels import whittle_batch

        values = np.ascontiguousarray(values)

        def part(ordinates: Ordinates) -> FloatArray:
            out = np.empty(values.shape[0])
            whittle_batch(values, *ordinates, out)
            return out

        return np.sum(_in_parts(part, self._ordinates), axis=0)

    def _score_and_information(self, values: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        from .kernels import score_and_information

        p = values.size

        def part(ordinates: Ordinates) -> tuple[float, FloatArray, FloatArray]:
            score, information = np.zeros(p), np.zeros((p, p))
            value = score_and_information(values, *ordinates, score, information)
            return value, score, information

        answers = _in_parts(part, self._ordinates)
        if len(answers) == 1:
            return answers[0]
        value, score, information = zip(*answers, strict=True)
        return sum(value), np.sum(score, axis=0), np.sum(information, axis=0)

    def _observed_information(self, values: FloatArray) -> FloatArray:
        from .kernels import observed_information

        def part(ordinates: Ordinates) -> FloatArray:
            information = np.zeros((values.size, values.size))
            observed_information(values, *ordinates, information)
            return information

        return np.sum(_in_parts(part, self._ordinates), axis=0)

    def _pointwise(self, values: FloatArray) -> FloatArray:
        S = self._psd(self._log_frequency, values)
        half_dof = _half_dof(self._periodogram, self._nyquist)
        terms = -half_dof * (np.log(S) + self._power / S)
        return terms + _constants(self._power, half_dof)

    @property
    def kernel(self) -> CompiledLikelihood:
        from .kernels import packed_whittle

        width = max(self.n_data, self._header.size)
        data = np.ones((4, width))
        half_dof = _half_dof(self._periodogram, self._nyquist)
        rows = (self._log_frequency, self._power, half_dof, self._header)
        for row, array in zip(data, rows, strict=True):
            row[: array.size] = array
        return CompiledLikelihood(packed_whittle, data)

    def _simulate_data(self, values: FloatArray, rng: np.random.Generator) -> Periodogram:
        pg = self._periodogram
        keep = "chi2_1" if self._nyquist == "drop" else self._nyquist
        half_dof = _half_dof(pg, keep)
        log_f = self._log_frequency
        if log_f.size < half_dof.size:
            log_f = np.log(pg.frequency)
        mean = self._psd(log_f, values[None, :])[0]
        return replace(pg, power=mean * rng.standard_gamma(half_dof) / half_dof)

    def _coarse(self) -> PSDProblem | None:
        """Return the same problem for log-binned data, whose maximum is near and cheap to find."""
        if self.n_data < _COARSE_BELOW:
            return None
        if self._coarse_data is None:
            self._coarse_data = _binned(self._periodogram)
        other = copy.copy(self)
        other._periodogram = self._coarse_data
        other._set_ordinates()
        return other

    def _reservations(self, values: FloatArray) -> tuple[str, ...]:
        return tuple(
            _leakage(name, slope)
            for component, place in self._model.slices()
            for name, slope in steepest(component, self.parameters.names[place], values[place])
            if slope > _LEAKAGE_SLOPE
        )

    # -- what it predicts ------------------------------------------------------------------------

    def plot(self, *results: Fit | Posterior) -> tuple[Axes, Axes]:
        """Draw the data with fitted models and ratios; see :func:`astrokit.timing.plot_fit`."""
        from .plots import plot_fit

        return plot_fit(self, *results)


# -- parts ----------------------------------------------------------------------------------------


def _in_parts(function: Callable[[Ordinates], T], ordinates: Ordinates) -> list[T]:
    """Return `function` of all ordinates, or of each half of many, in a thread each.

    The kernels release the interpreter lock. Where data are cut never depends on the machine, so
    sums come out the same on one core. Threads are made anew: a pool would not survive a fork.
    """
    log_f, power, half_dof, header = ordinates
    n = log_f.size
    if n < _TWO_THREADS:
        return [function(ordinates)]
    from concurrent.futures import ThreadPoolExecutor

    middle = n // 2
    first, second = header.copy(), header.copy()
    first[0], second[0], second[1] = middle, n - middle, 0.0
    shared = half_dof.size != n  # two numbers: of all ordinates, and of the last
    dof = (half_dof[[0, 0]], half_dof) if shared else (half_dof[:middle], half_dof[middle:])
    with ThreadPoolExecutor(1) as other:
        half = other.submit(function, (log_f[middle:], power[middle:], dof[1], second))
        return [function((log_f[:middle], power[:middle], dof[0], first)), half.result()]


def _half_dof(periodogram: Periodogram, nyquist: str) -> FloatArray:
    """Return half the degrees of freedom of the ordinates that are used."""
    half = 0.5 * np.asarray(periodogram.degrees_of_freedom)
    if not periodogram.has_nyquist or nyquist == "chi2_1":
        return half
    if nyquist == "drop":
        return half[:-1]
    half[-1] *= 2
    return half


def _short_half_dof(periodogram: Periodogram, nyquist: str) -> tuple[FloatArray, int]:
    """Return what kernels take for half the degrees of freedom, and how many ordinates are used.

    Two numbers where all ordinates but the last are alike; see the kernels.
    """
    dof = np.asarray(periodogram.degrees_of_freedom)
    if dof.size < 4 or not np.all(dof[:-1] == dof[0]):
        half = _half_dof(periodogram, nyquist)
        return half, half.size
    if periodogram.has_nyquist and nyquist == "drop":
        return 0.5 * dof[[0, 0]], dof.size - 1
    pair = 0.5 * dof[[0, -1]]
    if periodogram.has_nyquist and nyquist == "chi2_2":
        pair[1] *= 2
    return pair, dof.size


def _constants(power: FloatArray, half_dof: FloatArray) -> FloatArray:
    """Return the part of each term of ln L that no parameter changes; 0 for a plain ordinate."""
    from scipy.special import gammaln

    k, ordinate = half_dof, np.maximum(power, np.finfo(float).tiny)
    return k * np.log(k) - gammaln(k) + (k - 1) * np.log(ordinate)


def _constant(power: FloatArray, half_dof: FloatArray) -> float:
    """Return the sum of the constants; `half_dof` may be the two numbers that kernels take."""
    if half_dof.size != power.size:
        if half_dof[0] == 1:
            power, half_dof = power[-1:], half_dof[1:]
        else:
            half_dof = np.append(np.full(power.size - 1, half_dof[0]), half_dof[1])
    special = np.flatnonzero(half_dof != 1)
    return float(_constants(power[special], half_dof[special]).sum()) if special.size else 0.0


def _binned(periodogram: Periodogram) -> Periodogram:
    if len(periodogram) < _COARSE_BELOW:
        return periodogram
    return periodogram.log_binned(_COARSE_RATIO)


def _leakage(name: str, slope: float) -> str:
    return (
        f"{name} = {slope:.2f} may be too small: leakage flattens spectra steeper than about 2, "
        f"which the plain Whittle likelihood does not know (a true slope of 2.5 without noise "
        f"comes out near 2.0); its error does not include this"
    )
