r"""Noises: exact fractional Gaussian noise and Brownian motion, coloured noise, AR(1).

The spectral slope is positive where the spectrum falls: the power density is
:math:`\propto f^{-\beta}`. Fractional Gaussian noise of Hurst exponent h has :math:`\beta = 2h-1`
at low frequencies, fractional Brownian motion :math:`\beta = 2h+1`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError
from ..randomness import SeedLike, as_generator

__all__ = [
    "autoregressive_noise",
    "coloured_noise",
    "fractional_brownian_motion",
    "fractional_gaussian_noise",
]

FloatArray = NDArray[np.float64]


def fractional_gaussian_noise(size: int, *, hurst: float, seed: SeedLike = None) -> FloatArray:
    """Return fractional Gaussian noise of unit variance, exact (Davies & Harte 1987).

    Parameters
    ----------
    size : int
        Number of samples.
    hurst : float
        Hurst exponent, 0 to 1; 0.5 is white noise.
    seed : int, SeedSequence or Generator, optional

    Returns
    -------
    ndarray, shape (size,)

    Raises
    ------
    InputError
        For a Hurst exponent out of range or a size that is no whole number >= 1.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.complexity.fractional_gaussian_noise(4, hurst=0.7, seed=1).shape
    (4,)
    """
    from scipy import fft

    size, h = require_count(size, "size"), _hurst(hurst)
    half = int(fft.next_fast_len(size, real=True))
    lags = np.arange(half + 1.0)
    covariance = 0.5 * ((lags + 1) ** (2 * h) - 2 * lags ** (2 * h) + np.abs(lags - 1) ** (2 * h))
    spectrum = fft.irfft(covariance, 2 * half, norm="forward")  # eigenvalues of the circulant
    return _from_spectrum(np.maximum(spectrum[: half + 1], 0.0), as_generator(seed))[:size]


def fractional_brownian_motion(size: int, *, hurst: float, seed: SeedLike = None) -> FloatArray:
    """Return fractional Brownian motion: the sum of :func:`fractional_gaussian_noise`.

    Parameters
    ----------
    size, hurst, seed
        As there; 0.5 is Brownian motion.

    Returns
    -------
    ndarray, shape (size,)

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.complexity.fractional_brownian_motion(4, hurst=0.7, seed=1).shape
    (4,)
    """
    return np.cumsum(fractional_gaussian_noise(size, hurst=hurst, seed=seed))


def coloured_noise(size: int, *, slope: float, seed: SeedLike = None) -> FloatArray:
    r"""Return Gaussian noise with power density :math:`\propto f^{-\mathrm{slope}}`.

    The law holds to the Nyquist frequency, without aliasing. The noise is drawn four times longer
    than asked (Timmer & Koenig 1995), so that power from below the lowest frequency is there.

    Parameters
    ----------
    size : int
    slope : float
        -3 to 6: 0 is white, 1 pink, 2 red.
    seed : int, SeedSequence or Generator, optional

    Returns
    -------
    ndarray, shape (size,)
        With unit variance over the whole length that was drawn.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.complexity.coloured_noise(4, slope=1.0, seed=1).shape
    (4,)
    """
    size = require_count(size, "size")
    beta = as_scalar(slope, "slope", minimum=-3.0, maximum=6.0)
    return PowerLawRealiser(size, beta)(as_generator(seed))


def autoregressive_noise(size: int, *, coefficient: float, seed: SeedLike = None) -> FloatArray:
    """Return a stationary AR(1) process, ``x[i] = coefficient * x[i - 1] + noise``.

    Parameters
    ----------
    size : int
    coefficient : float
        Between -1 and 1.
    seed : int, SeedSequence or Generator, optional

    Returns
    -------
    ndarray, shape (size,)
        Of unit variance.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.complexity.autoregressive_noise(4, coefficient=0.5, seed=1).shape
    (4,)
    """
    from scipy.signal import lfilter

    size = require_count(size, "size")
    phi = as_scalar(coefficient, "coefficient")
    if not -1 < phi < 1:
        raise InputError("coefficient is out of range", value=phi, allowed="between -1 and 1")
    steps = as_generator(seed).standard_normal(size)
    steps[1:] *= np.sqrt(1 - phi**2)  # the first sample is drawn from the stationary distribution
    return np.asarray(lfilter([1.0], [1.0, -phi], steps))


def require_count(number: Any, name: str, least: int = 1) -> int:
    """Return a whole number >= `least`, or raise."""
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < least:
        raise InputError(f"{name} must be a whole number >= {least}", value=number)
    return int(number)


def _hurst(hurst: float) -> float:
    h = as_scalar(hurst, "hurst")
    if not 0 < h < 1:
        raise InputError(
            "the Hurst exponent is out of range",
            value=h,
            allowed="between 0 and 1",
            hint="coloured_noise takes any spectral slope",
        )
    return h


def _from_spectrum(spectrum: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return a periodic realisation whose circulant covariance has these eigenvalues."""
    from scipy import fft

    half = spectrum.size - 1
    parts = rng.standard_normal((2, half + 1))
    transform = np.sqrt(spectrum * half) * (parts[0] + 1j * parts[1])
    for end in (0, half):  # these two are real, with all of their variance in one part
        transform[end] = np.sqrt(2.0) * transform[end].real
    return np.asarray(fft.irfft(transform, 2 * half))


class PowerLawRealiser:
    """Draws coloured noise of one size and slope; evaluates the spectrum once."""

    def __init__(self, size: int, slope: float, *, longer: int = 4) -> None:
        from scipy import fft

        self._size = size
        half = int(fft.next_fast_len(max(size * longer // 2, 2), real=True))
        power = np.zeros(half + 1)
        power[1:] = np.arange(1.0, half + 1) ** -slope
        # The Nyquist frequency counts once, the others twice, in the variance.
        self._spectrum = power * 2 * half / (2 * power[:-1].sum() + power[-1])

    def __call__(self, rng: np.random.Generator) -> FloatArray:
        return _from_spectrum(self._spectrum, rng)[: self._size]
