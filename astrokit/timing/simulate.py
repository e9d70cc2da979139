"""Simulated light curves of a given power spectrum (Timmer & Koenig 1995).

A realisation is made longer and finer than asked, then cut and averaged into bins, so that power
from below the lowest and above the highest frequency of the result leaks and folds into it as in
nature. Its variance is what the draw gives: it is never forced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError
from ..randomness import SeedLike, as_generator

if TYPE_CHECKING:
    from ..inference import Fit
    from ..lightcurve import LightCurve

__all__ = ["PSDLike", "as_psd", "simulate_lightcurve", "timmer_koenig"]

FloatArray = NDArray[np.float64]
PSDLike: TypeAlias = "Fit | Callable[[FloatArray], FloatArray]"
_LONGER, _FINER = 16, 4


def timmer_koenig(
    psd: Callable[[FloatArray], FloatArray],
    n: int,
    dt: float,
    *,
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
    seed : int, SeedSequence or Generator, optional
    longer, finer : int
        The realisation is `longer` times as long and has `finer` times as many bins per time.

    Returns
    -------
    ndarray, shape (n,)
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
    """
    for name, number in (("n", n), ("longer", longer), ("finer", finer)):
        if number < 1 or number != int(number):
            raise InputError(f"{name} must be a whole number >= 1", value=number)
    dt = as_scalar(dt, "dt", positive=True)
    fine = _realisation(psd, _good_length(n * longer * finer), dt / finer, as_generator(seed))
    # Any stretch serves: the realisation is periodic, so its ends are no special place.
    return fine[: n * finer].reshape(n, finer).mean(axis=1)


def _good_length(n: int) -> int:
    """Return the next even length that the FFT likes."""
    from scipy import fft

    return 2 * int(fft.next_fast_len((n + 1) // 2, real=True))


def _realisation(
    psd: Callable[[FloatArray], FloatArray], size: int, dt: float, rng: np.random.Generator
) -> FloatArray:
    """Return `size` (even) points with independent normal Fourier coefficients."""
    from scipy import fft

    frequency = np.arange(1, size // 2 + 1) / (size * dt)
    power = np.asarray(psd(frequency), dtype=float)
    if power.shape != frequency.shape or not np.all(np.isfinite(power) & (power > 0)):
        bad = power[~(np.isfinite(power) & (power > 0))] if power.shape == frequency.shape else []
        raise InputError(
            "the power spectrum must be one positive finite number per frequency",
            value=f"shape {power.shape}" if len(bad) == 0 else float(bad[0]),
            hint=f"it is asked at {frequency[0]:.3g} to {frequency[-1]:.3g}",
        )
    parts = rng.standard_normal((2, size // 2))
    # P = 2 dt/N |X|^2 has mean psd when each of the two parts of X has variance psd N/(4 dt).
    amplitude = np.sqrt(power * size / (4 * dt))
    transform = np.zeros(size // 2 + 1, dtype=complex)
    transform.real[1:] = amplitude * parts[0]
    transform.imag[1:] = amplitude * parts[1]
    # The coefficient at the Nyquist frequency is real and carries both halves.
    transform[-1] = np.sqrt(2.0) * amplitude[-1] * parts[0, -1]
    return fft.irfft(transform, size)


def simulate_lightcurve(
    psd: PSDLike,
    like: LightCurve,
    *,
    mean: float | None = None,
    noise: bool = True,
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
        Evenly sampled (missing bins stay missing).
    mean : float, optional
        Mean rate of the process; that of `like` by default.
    noise : bool
        Add Gaussian noise of the standard errors of `like`, if it has any.
    seed : int, SeedSequence or Generator, optional
    longer, finer : int
        See :func:`timmer_koenig`.

    Returns
    -------
    LightCurve
        Rates may be negative where the variability is strong: the process is Gaussian.

    Raises
    ------
    InputError
        For uneven sampling, or a `psd` that is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> lc = ak.LightCurve(np.arange(512.0), np.full(512, 9.0), np.full(512, 0.3))
    >>> ak.timing.simulate_lightcurve(lambda f: 1e-4 * f**-2.0, lc, seed=1).n
    512
    """
    from ..lightcurve import LightCurve

    rng = as_generator(seed)
    level = like.mean_rate if mean is None else as_scalar(mean, "mean", unit=like.info.rate_unit)
    curve = timmer_koenig(as_psd(psd), like.n, like.dt, seed=rng, longer=longer, finer=finer)
    rate = level * (1 + curve)
    if noise and like.error is not None:
        rate += np.nan_to_num(like.error) * rng.standard_normal(like.n)
    rate[~like.valid] = np.nan
    return LightCurve(
        like.time, rate, like.error, bin_width=like.bin_width, gti=like.gti, info=like.info
    )


def as_psd(psd: Any) -> Callable[[FloatArray], FloatArray]:
    """Return ``psd(frequency)`` in the fractional normalization for a fit or a function.

    Raises
    ------
    InputError
        For a fit in another normalization, or something that is neither.
    """
    problem = psd.require_problem() if hasattr(psd, "require_problem") else None
    if problem is not None and hasattr(problem, "intrinsic_psd"):
        if problem.data.normalization != "fractional":
            raise InputError(
                "simulations need a spectrum in the fractional normalization",
                value=problem.data.normalization,
                hint="fit a periodogram made with normalization='fractional'",
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
