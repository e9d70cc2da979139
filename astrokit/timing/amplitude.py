"""How far a source varies: the variability amplitude from the highest and the lowest rate.

Both forms rest on two extreme bins. They grow with the number of bins, with noise as well as with
red noise, so curves of unequal length or quality must not be compared by them;
:func:`~astrokit.timing.fractional_variability` is the robust sister.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_scalar
from ..errors import InputError, ShapeError
from ..estimate import Estimate
from .variability import _rate_and_error

if TYPE_CHECKING:
    from ..lightcurve import LightCurve

__all__ = ["peak_to_peak_amplitude", "variability_amplitude"]

FloatArray = NDArray[np.float64]


class _Extremes(NamedTuple):
    """The valid rates with their errors, and where the highest and the lowest are."""

    rate: FloatArray
    error: FloatArray
    top: int
    bottom: int

    @property
    def range(self) -> float:
        return float(self.rate[self.top] - self.rate[self.bottom])

    @property
    def largest_pair_error(self) -> float:
        """Return the error of the difference of the two least certain bins."""
        worst = np.sort(self.error)[-2:]
        return float(np.hypot(*worst))


def variability_amplitude(
    lightcurve: LightCurve | ArrayLike,
    rate_error: ArrayLike | None = None,
    *,
    limit_level: float = 0.95,
) -> Estimate:
    r"""Return the variability amplitude of Heidt & Wagner (1996), in percent of the mean.

    :math:`A = (100/\bar x) \sqrt{(x_\mathrm{max} - x_\mathrm{min})^2 - 2 \overline{\sigma^2}}`.

    Parameters
    ----------
    lightcurve : LightCurve or array_like, shape (n,)
        A light curve with errors, or the rates themselves. Missing bins are left out.
    rate_error : array_like, shape (n,), optional
        Standard errors of the rates, where the first argument holds rates.
    limit_level : float
        Confidence of the upper limit that stands where the bracket is not positive.

    Returns
    -------
    Estimate
        In percent (``.to("")`` gives the fraction). Where the range is within the noise the
        bracket has no root; the result is then an upper limit and its method says so.

    Raises
    ------
    InputError
        For a curve without errors, or a mean rate that is not positive.
    ShapeError
        For fewer than two valid bins.

    Notes
    -----
    The error propagates those of all bins to first order, the mean included: noise only, with the
    extreme bins taken as known. The limit holds for any curve: of the two bins between which the
    true range lies, the measured difference is at most the measured range, so the true range
    exceeds that by ``z`` errors of a difference with a probability of at most ``1 - limit_level``.

    References
    ----------
    Heidt & Wagner 1996, A&A 305, 42.

    Examples
    --------
    >>> import astrokit as ak
    >>> print(ak.timing.variability_amplitude([8.0, 12.0, 10.0, 14.0, 6.0], [1.0] * 5))
    variability_amplitude = 79 +/- 15 %
    >>> print(ak.timing.variability_amplitude([10.0, 10.5, 9.5], [1.0] * 3))
    variability_amplitude < 33.26 % (95 % confidence)
    """
    data = _extremes(lightcurve, rate_error)
    n, mean = data.rate.size, float(data.rate.mean())
    if not mean > 0:
        raise InputError(
            "the mean rate is not positive, so nothing can be given relative to it",
            value=mean,
            hint="use excess_variance",
        )
    name, paper = "variability_amplitude", "Heidt & Wagner 1996"
    bracket = data.range**2 - 2 * float(np.mean(data.error**2))
    if bracket <= 0:
        level = as_scalar(limit_level, "limit_level", minimum=0.5, maximum=1.0)
        limit = data.range + NormalDist().inv_cdf(level) * data.largest_pair_error
        why = f"upper limit: the range is within the noise, so the root of {paper} is undefined"
        return Estimate(
            100 * limit / mean, 0.0, name=name, unit="%", level=level, method=why, limit="upper"
        )
    root = math.sqrt(bracket)
    slopes = np.full(n, -root / (n * mean))  # of A/100 with respect to each rate, times the mean
    slopes[data.top] += data.range / root
    slopes[data.bottom] -= data.range / root
    sigma = float(np.sqrt(np.sum((slopes * data.error) ** 2))) / mean
    method = f"{paper}, error propagated from measurement noise"
    return Estimate(100 * root / mean, 100 * sigma, name=name, unit="%", method=method)


def peak_to_peak_amplitude(
    lightcurve: LightCurve | ArrayLike, rate_error: ArrayLike | None = None
) -> Estimate:
    r"""Return the relative range :math:`(x_\mathrm{max} - x_\mathrm{min}) / x_\mathrm{min}`.

    Parameters
    ----------
    lightcurve : LightCurve or array_like, shape (n,)
        A light curve with errors, or the rates themselves. Missing bins are left out.
    rate_error : array_like, shape (n,), optional
        Standard errors of the rates, where the first argument holds rates.

    Returns
    -------
    Estimate
        Dimensionless; noise is propagated but not subtracted, so a constant source has a positive
        amplitude too.

    Raises
    ------
    InputError
        For a curve without errors, or a lowest rate that is not positive.
    ShapeError
        For fewer than two valid bins.

    Examples
    --------
    >>> import astrokit as ak
    >>> print(ak.timing.peak_to_peak_amplitude([8.0, 12.0, 16.0], [0.4, 0.5, 0.6]))
    peak_to_peak_amplitude = 1.00 +/- 0.12
    """
    data = _extremes(lightcurve, rate_error)
    high, low = float(data.rate[data.top]), float(data.rate[data.bottom])
    if low <= 0:
        raise InputError(
            "the lowest rate is not positive, so nothing can be given relative to it",
            value=low,
            hint="rebin the curve, or use variability_amplitude, which is relative to the mean",
        )
    sigma_high, sigma_low = float(data.error[data.top]), float(data.error[data.bottom])
    sigma = high / low * math.hypot(sigma_high / high, sigma_low / low)
    method = "(max - min)/min, error propagated from measurement noise"
    return Estimate(high / low - 1, sigma, name="peak_to_peak_amplitude", method=method)


def _extremes(lightcurve: LightCurve | ArrayLike, rate_error: ArrayLike | None) -> _Extremes:
    rate, error, _ = _rate_and_error(lightcurve, rate_error)
    valid = np.isfinite(rate) & np.isfinite(error)
    if valid.sum() < 2:
        raise ShapeError(
            "an amplitude needs at least two valid bins",
            value=int(valid.sum()),
            hint="check what was masked",
        )
    rate, error = rate[valid], error[valid]
    return _Extremes(rate, error, int(np.argmax(rate)), int(np.argmin(rate)))
