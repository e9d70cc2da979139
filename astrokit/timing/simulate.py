"""Simulated light curves of a given power spectrum (Timmer & Koenig 1995), for any sampling.

A realisation is made longer and finer than asked, then cut and averaged into bins, so that power
from below the lowest and above the highest frequency of the result leaks and folds into it as in
nature. Its variance is what the draw gives: it is never forced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError
from ..randomness import SeedLike, as_generator, spawn
from .sampling import Sampling

if TYPE_CHECKING:
    from ..inference import Fit
    from ..lightcurve import LightCurve
    from .flux_simulation import FluxRealiser

__all__ = ["PSDLike", "as_psd", "simulate_lightcurve", "simulate_rates", "timmer_koenig"]

FloatArray = NDArray[np.float64]
PSDLike: TypeAlias = "Fit | Callable[[FloatArray], FloatArray]"
_LONGER, _FINER = 16, 4
_BLOCK_VALUES = 2**16
_LAST_WORD = 2**64 - 1
_NOISE = ("gaussian", "poisson", "none")


def timmer_koenig(
    psd: Callable[[FloatArray], FloatArray],
    n: int,
    dt: float,
    *,
    n_curves: int | None = None,
    seed: SeedLike = None,
    longer: int = _LONGER,
    finer: int = _FINER,
) -> FloatArray:
    """Return `n` bins of width `dt` of Gaussian noise with the one-sided power spectrum `psd`.

    Parameters
    ----------
    psd : callable
        ``psd(frequency)``, > 0, in squared units of the result per unit of frequency; its integral
        over positive frequencies is the variance of the process.
    n : int
        Number of bins.
    dt : float
        Width of a bin; frequencies are in 1 / (unit of `dt`).
    n_curves : int, optional
        Make so many independent curves, one after the other from one stream of random numbers: a
        curve is the same however many follow it, and the first is the one made without `n_curves`.
    seed : int, SeedSequence or Generator, optional
    longer, finer : int
        The realisation is `longer` times as long and has `finer` times as many bins per time.

    Returns
    -------
    ndarray, shape (n,) or (n_curves, n)
        Deviations from the mean of the process. Their own mean is not zero: slow variations lift
        or lower the whole piece.

    Raises
    ------
    InputError
        For numbers below one, or a `psd` that is not positive and finite.

    References
    ----------
    Timmer & Koenig 1995, A&A 300, 707.

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.timing import timmer_koenig
    >>> white = timmer_koenig(lambda f: np.full(f.size, 2.0), 4096, 1.0, seed=1, longer=2, finer=1)
    >>> bool(abs(white.var() - 1) < 4 * np.sqrt(2 / 4096))  # 2 per Hz over 0.5 Hz
    True
    >>> timmer_koenig(lambda f: f**-2.0, 100, 1.0, n_curves=3, seed=1).shape
    (3, 100)
    """
    for name, number in (("n", n), ("longer", longer), ("finer", finer)):
        require_count(number, name)
    dt = as_scalar(dt, "dt", positive=True)
    from .simulation_kernels import bin_means

    realise = Realiser(psd, n * longer * finer, dt / finer)
    count = 1 if n_curves is None else require_count(n_curves, "n_curves")
    curves = np.empty((count, n))
    for rows, fine in realise.blocks(as_generator(seed), count):
        # Any stretch serves: the realisation is periodic, so its ends are no special place.
        bin_means(fine, finer, curves[rows])
    return curves[0] if n_curves is None else curves


def require_count(number: int, name: str) -> int:
    """Return a whole number >= 1, or raise."""
    if number < 1 or number != int(number):
        raise InputError(f"{name} must be a whole number >= 1", value=number)
    return int(number)


def good_length(n: int) -> int:
    """Return the next even length that the FFT likes."""
    from scipy import fft

    return 2 * int(fft.next_fast_len((n + 1) // 2, real=True))


class Realiser:
    """Draws periodic realisations of one spectrum, which it evaluates once.

    Parameters
    ----------
    psd : callable
    size : int
        Fewest points of a realisation; an even number that the FFT likes is taken.
    dt : float
        Step.

    Raises
    ------
    InputError
        For a spectrum that is not positive and finite.
    """

    def __init__(self, psd: Callable[[FloatArray], FloatArray], size: int, dt: float) -> None:
        self.size = good_length(size)
        frequency = np.arange(1, self.size // 2 + 1) / (self.size * dt)
        power = np.asarray(psd(frequency), dtype=float)
        if power.shape != frequency.shape or not np.all(np.isfinite(power) & (power > 0)):
            same = power.shape == frequency.shape
            bad = power[~(np.isfinite(power) & (power > 0))] if same else []
            raise InputError(
                "the power spectrum must be one positive finite number per frequency",
                value=f"shape {power.shape}" if len(bad) == 0 else float(bad[0]),
                hint=f"it is asked at {frequency[0]:.3g} to {frequency[-1]:.3g}",
            )
        # P = 2 dt/N |X|^2 has mean psd when each of the two parts of X has variance psd N/(4 dt).
        self._amplitude = np.sqrt(power * self.size / (4 * dt))

    def __call__(self, rng: np.random.Generator, count: int = 1) -> FloatArray:
        """Return `count` realisations ``(count, size)`` with independent normal coefficients."""
        from scipy import fft

        return fft.irfft(self.coefficients(rng, count), self.size, axis=1, overwrite_x=True)

    def coefficients(self, rng: np.random.Generator, count: int = 1) -> NDArray[np.complex128]:
        """Return the Fourier coefficients of `count` realisations, ``(count, size // 2 + 1)``."""
        from .simulation_kernels import fourier_coefficients

        half = self.size // 2
        words = rng.integers(_LAST_WORD, endpoint=True, size=(count, half), dtype=np.uint64)
        parts = np.empty((count, 2 * half + 2))
        fourier_coefficients(words, self._amplitude, parts)
        return parts.view(np.complex128)

    def blocks(self, rng: np.random.Generator, count: int) -> Iterator[tuple[slice, FloatArray]]:
        """Yield `count` realisations, as many at a time as stay in the cache, and their places."""
        at_once = max(1, _BLOCK_VALUES // self.size)
        for start in range(0, count, at_once):
            rows = slice(start, min(start + at_once, count))
            yield rows, self(rng, rows.stop - start)


def simulate_lightcurve(
    psd: PSDLike,
    like: LightCurve,
    *,
    mean: float | None = None,
    noise: bool | str = True,
    flux: Any = None,
    seed: SeedLike = None,
    longer: int = _LONGER,
    finer: int = _FINER,
) -> LightCurve:
    """Return a simulated light curve with the sampling and the errors of another.

    Parameters
    ----------
    psd : Fit, or callable
        A fit of a :class:`~astrokit.timing.PSDProblem` in the fractional normalization, whose
        constant (noise) is left out; or ``psd(frequency)`` in that normalization, with
        frequencies per time unit of the curve.
    like : LightCurve
        Any sampling: even, with gaps, irregular (missing bins stay missing).
    mean : float, optional
        Mean rate of the process; that of `like` by default.
    noise : bool or {"gaussian", "poisson", "none"}
        True, or "gaussian": normal, of the standard errors of `like`, if it has any. "poisson":
        counts in the exposure of each bin; the errors are then the square root of these counts
        (of one count, where there is none). False, or "none": no noise.
    flux : distribution, LightCurve, or array_like, optional
        The source's fluxes follow this distribution in place of a normal one, in the unit of the
        rates; then only the shape of `psd` matters. The distribution is that of the fine
        realisation, before it is averaged over bins; see :func:`emmanoulopoulos`, whose method
        this is (``scope="process"``).
    seed : int, SeedSequence or Generator, optional
    longer, finer : int
        See :func:`timmer_koenig`; uneven sampling is resolved `finer` times below its narrowest
        bin, or its closest pair of point samples (a tenth of the usual spacing, if they are
        closer than that).

    Returns
    -------
    LightCurve
        Without `flux` the process is Gaussian, so rates may be negative where it is strong.

    Raises
    ------
    InputError
        For a `psd` that is not positive, Poisson noise without bin widths, or a `mean` beside a
        flux distribution.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> lc = ak.LightCurve(np.arange(512.0), np.full(512, 9.0), np.full(512, 0.3))
    >>> ak.timing.simulate_lightcurve(lambda f: 1e-4 * f**-2.0, lc, seed=1).n
    512
    """
    from ..lightcurve import LightCurve

    draw = _Observation.of(psd, like, (longer, finer), mean=mean, noise=noise, flux=flux)
    rate = draw(1, seed)[0]
    error = like.error if draw.exposure is None else _counting_error(rate, draw.exposure)
    return LightCurve(
        like.time, rate, error, bin_width=like.bin_width, gti=like.gti, info=like.info
    )


def simulate_rates(
    psd: PSDLike,
    like: LightCurve,
    n_curves: int,
    *,
    mean: float | None = None,
    noise: bool | str = True,
    flux: Any = None,
    seed: SeedLike = None,
    longer: int = _LONGER,
    finer: int = _FINER,
) -> FloatArray:
    """Return the rates of many simulated light curves as one array.

    Parameters
    ----------
    psd, like, mean, noise, flux, longer, finer
        As for :func:`simulate_lightcurve`.
    n_curves : int
        Number of curves.
    seed : int, SeedSequence or Generator, optional
        A curve is the same however many follow it; the first is the one that
        :func:`simulate_lightcurve` makes.

    Returns
    -------
    ndarray, shape (n_curves, n)
        NaN where `like` has no valid bin.

    Raises
    ------
    InputError
        As for :func:`simulate_lightcurve`.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> times = np.cumsum(np.random.default_rng(1).exponential(2.0, 60))
    >>> lc = ak.LightCurve(times, np.full(60, 9.0), np.full(60, 0.3))
    >>> ak.timing.simulate_rates(lambda f: 1e-4 * f**-2.0, lc, 5, seed=1).shape
    (5, 60)
    """
    draw = _Observation.of(psd, like, (longer, finer), mean=mean, noise=noise, flux=flux)
    return draw(require_count(n_curves, "n_curves"), seed)


@dataclass(frozen=True, eq=False)
class _Observation:
    """Draws what a telescope would measure; `exposure` is set for counting noise."""

    realise: Realiser | FluxRealiser
    sampling: Sampling
    level: float
    valid: NDArray[np.bool_]
    sigma: FloatArray | None
    exposure: FloatArray | None

    @classmethod
    def of(
        cls,
        psd: PSDLike,
        like: LightCurve,
        scale: tuple[int, int],
        *,
        mean: float | None,
        noise: bool | str,
        flux: Any,
    ) -> _Observation:
        longer, finer = (
            require_count(number, name)
            for number, name in zip(scale, ("longer", "finer"), strict=True)
        )
        kind = ("gaussian" if noise else "none") if isinstance(noise, bool) else noise
        if kind not in _NOISE:
            raise InputError("noise is unknown", value=noise, allowed=", ".join(_NOISE))
        level = like.mean_rate if mean is None else as_scalar(mean, "mean", unit=_rate_unit(like))
        sampling = Sampling.of(like, finer, longer)
        realise: Any = Realiser(as_psd(psd), sampling.cells * longer, sampling.step)
        if flux is not None:
            from .flux_simulation import FluxRealiser

            if mean is not None:
                raise InputError("a flux distribution has its own mean", hint="leave mean out")
            realise, level = FluxRealiser(realise, flux), 1.0
        error = like.error if kind == "gaussian" else None
        return cls(
            realise,
            sampling,
            level,
            like.valid,
            None if error is None else np.nan_to_num(error),
            _exposure(like) if kind == "poisson" else None,
        )

    def __call__(self, count: int, seed: SeedLike) -> FloatArray:
        """Return rates ``(count, n)``. Source and noise have a stream of random numbers each."""
        source, noise = (np.random.default_rng(child) for child in spawn(seed, 2))
        rates = np.empty((count, self.valid.size))
        for rows, fine in self.realise.blocks(source, count):
            rates[rows] = self.level * (1 + self.sampling.observe_many(fine))
            self._add_noise(rates[rows], noise)
        rates[:, ~self.valid] = np.nan
        return rates

    def _add_noise(self, rates: FloatArray, rng: np.random.Generator) -> None:
        if self.sigma is not None:
            rates += self.sigma * rng.standard_normal(rates.shape)
        if self.exposure is not None:
            rates[:] = rng.poisson(np.maximum(rates, 0.0) * self.exposure) / self.exposure


def _rate_unit(like: LightCurve) -> str | None:
    return like.info.rate_unit or None


def _exposure(like: LightCurve) -> FloatArray:
    """Return the exposed time of each bin (of an invalid one: its width)."""
    width = np.broadcast_to(np.asarray(like.bin_width, dtype=float), like.time.shape)
    if np.any(width <= 0):
        raise InputError(
            "counts need bins of some width, and these are point samples",
            value=float(width.min()),
            hint="make the curve with bin_width=..., or use noise='gaussian'",
        )
    fraction = like.exposure_fraction
    return width * (1.0 if fraction is None else np.where(fraction > 0, fraction, 1.0))


def _counting_error(rate: FloatArray, exposure: FloatArray) -> FloatArray:
    return np.sqrt(np.maximum(rate * exposure, 1.0)) / exposure


def as_psd(psd: Any) -> Callable[[FloatArray], FloatArray]:
    """Return ``psd(frequency)`` in the fractional normalization for a fit or a function.

    Raises
    ------
    InputError
        For a fit in another normalization, or something that is neither.
    """
    problem = psd.require_problem() if hasattr(psd, "require_problem") else None
    if problem is not None and hasattr(problem, "intrinsic_psd"):
        if problem.normalization != "fractional":
            raise InputError(
                "simulations need a spectrum in the fractional normalization",
                value=problem.normalization,
                hint="make the problem or its periodogram with normalization='fractional'",
            )
        values = problem.parameters.expand(psd.theta)
        return _FittedPSD(problem, values)
    if callable(psd):
        return psd
    raise InputError(
        "a power spectrum is needed",
        value=type(psd).__name__,
        allowed="a Fit of a PSDProblem, or a function of frequency",
    )


class _FittedPSD:
    """The intrinsic spectrum of a fit as a function that can be sent to another process."""

    def __init__(self, problem: Any, values: FloatArray) -> None:
        self._problem, self._values = problem, values

    def __call__(self, frequency: FloatArray) -> FloatArray:
        return self._problem.intrinsic_psd(frequency, self._values)[0]
