"""How strongly a source varies: excess variance and fractional variability, with errors.

The errors of these amplitudes describe measurement noise only. A red-noise source looks more or
less variable from one stretch of time to the next by far more than that; how much, for a given
power spectrum and the same sampling, :func:`fractional_variability_scatter` finds by simulation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_scalar, as_unit, require_equal_lengths
from ..errors import InputError
from ..estimate import ONE_SIGMA, Estimate

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from matplotlib.axes import Axes

    from ..lightcurve import LightCurve
    from ..randomness import SeedLike
    from .simulate import PSDLike

__all__ = [
    "VariabilityScatter",
    "excess_variance",
    "fractional_variability",
    "fractional_variability_scatter",
    "normalized_excess_variance",
]

FloatArray = NDArray[np.float64]
_VARIANCE_ERRORS = ("vaughan2003", "turner1999")
_AMPLITUDE_ERRORS = ("vaughan2003", "poutanen2008")


class _Moments(NamedTuple):
    """What all amplitudes are made of; `scatter` is the deviation of the single terms."""

    n: int
    mean: float
    variance: float
    noise: float
    scatter: float
    unit: str | None

    @property
    def excess(self) -> float:
        return self.variance - self.noise


def excess_variance(
    lightcurve: LightCurve | ArrayLike,
    rate_error: ArrayLike | None = None,
    *,
    error: str = "vaughan2003",
    limit_level: float = 0.95,
) -> Estimate:
    r"""Return the variance in excess of measurement noise, :math:`S^2 - \overline{\sigma^2}`.

    Parameters
    ----------
    lightcurve : LightCurve or array_like, shape (n,)
        A light curve with errors, or the rates themselves. Missing bins are left out.
    rate_error : array_like, shape (n,), optional
        Standard errors of the rates, where the first argument holds rates.
    error : {"vaughan2003", "turner1999"}
        "vaughan2003": their eq. 11, the effect of measurement noise. "turner1999": the scatter
        of the single terms over sqrt(n), as if they were independent.
    limit_level : float
        Confidence of the upper limit that replaces the value where the excess is not positive.

    Returns
    -------
    Estimate
        In the squared unit of the rates; ``limit="upper"`` where the excess is not positive.

    Raises
    ------
    InputError
        For a curve without errors, or an unknown `error`.
    ShapeError
        For fewer than two valid bins.

    Notes
    -----
    The upper limit is that of the CLs method (Read 2002, J. Phys. G 28, 2693): a larger variance
    would give a sample variance as small as the measured one in less than 1 - `limit_level` of the
    cases in which noise alone does. Deviations are taken as normal and independent, so its
    confidence is at least the stated one for white variability; red noise can hide more.

    References
    ----------
    Vaughan et al. 2003, MNRAS 345, 1271; Turner et al. 1999, ApJ 524, 667.

    Examples
    --------
    >>> import astrokit as ak
    >>> print(ak.timing.excess_variance([8.0, 12.0, 10.0, 14.0, 6.0], [1.0] * 5))
    excess_variance = 9 +/- 3
    """
    m = _moments(lightcurve, rate_error)
    rate_unit = as_unit(m.unit, "unit of the rates")
    unit = None if rate_unit is None else rate_unit**2
    return _variance_estimate(m, 1.0, "excess_variance", unit, error, limit_level)


def normalized_excess_variance(
    lightcurve: LightCurve | ArrayLike,
    rate_error: ArrayLike | None = None,
    *,
    error: str = "vaughan2003",
    limit_level: float = 0.95,
) -> Estimate:
    r"""Return the excess variance over the squared mean.

    :math:`(S^2-\overline{\sigma^2})/\bar x^2`, often called NXS or :math:`\sigma_\mathrm{rms}^2`.

    Parameters, errors and references are those of :func:`excess_variance`.

    Returns
    -------
    Estimate
        Dimensionless; ``limit="upper"`` where the excess is not positive.

    Raises
    ------
    InputError
        Also for a mean rate that is not positive.

    Examples
    --------
    >>> import astrokit as ak
    >>> print(ak.timing.normalized_excess_variance([8.0, 12.0, 10.0, 14.0, 6.0], [1.0] * 5))
    normalized_excess_variance = 0.09 +/- 0.03
    """
    m = _moments(lightcurve, rate_error)
    name = "normalized_excess_variance"
    return _variance_estimate(m, _mean_squared(m), name, None, error, limit_level)


def fractional_variability(
    lightcurve: LightCurve | ArrayLike,
    rate_error: ArrayLike | None = None,
    *,
    error: str = "vaughan2003",
    limit_level: float = 0.95,
) -> Estimate:
    r"""Return the fractional rms amplitude, :math:`F_\mathrm{var}`.

    It is the square root of the normalized excess variance.

    Parameters
    ----------
    lightcurve : LightCurve or array_like, shape (n,)
        A light curve with errors, or the rates themselves. Missing bins are left out.
    rate_error : array_like, shape (n,), optional
        Standard errors of the rates, where the first argument holds rates.
    error : {"vaughan2003", "poutanen2008"}
        Two ways to turn the error of the normalized excess variance (Vaughan et al. 2003, eq. 11)
        into one of its root. "vaughan2003": linear, :math:`\mathrm{err(NXS)}/(2 F_\mathrm{var})`
        (eq. B2). "poutanen2008": :math:`\sqrt{F_\mathrm{var}^2 + \mathrm{err(NXS)}} -
        F_\mathrm{var}`, which stays below the root of err(NXS) when the amplitude is small.
    limit_level : float
        Confidence of the upper limit that replaces the value where the excess is not positive.

    Returns
    -------
    Estimate
        Dimensionless. The error describes measurement noise only; see
        :func:`fractional_variability_scatter` for that of red noise.

    Raises
    ------
    InputError
        For a curve without errors, a mean that is not positive, or an unknown `error`.
    ShapeError
        For fewer than two valid bins.

    References
    ----------
    Vaughan et al. 2003, MNRAS 345, 1271; Poutanen et al. 2008, MNRAS 389, 1427.

    Examples
    --------
    >>> import astrokit as ak
    >>> print(ak.timing.fractional_variability([8.0, 12.0, 10.0, 14.0, 6.0], [1.0] * 5))
    fractional_variability = 0.30 +/- 0.05
    >>> print(ak.timing.fractional_variability([10.0, 10.5, 9.5, 10.0], [1.0] * 4))
    fractional_variability < 0.2652 (95 % confidence)
    """
    _require_form(error, _AMPLITUDE_ERRORS)
    m = _moments(lightcurve, rate_error)
    scale = _mean_squared(m)
    square, sigma = m.excess / scale, _variance_error(m, "vaughan2003") / scale
    name = "fractional_variability"
    if square <= 0:
        limit = _upper_limit(m, limit_level) / scale
        return _limit(math.sqrt(limit), name, None, limit_level)
    value = math.sqrt(square)
    spread = sigma / (2 * value) if error == "vaughan2003" else math.sqrt(square + sigma) - value
    return Estimate(value, spread, name=name, method=_method(error))


# -- scatter of red noise -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class VariabilityScatter:
    """Fractional variability of simulated light curves of one power spectrum and sampling.

    Attributes
    ----------
    values : ndarray, shape (n,)
        One per simulated curve, without measurement noise, relative to the mean of the process.
    estimate : Estimate
        Median and central interval of `values`.
    """

    values: FloatArray
    estimate: Estimate

    @property
    def standard_deviation(self) -> float:
        """Sample standard deviation of `values`."""
        return float(np.std(self.values, ddof=1))

    def plot(self, ax: Axes | None = None, *, measured: Estimate | None = None) -> Axes:
        """Draw a histogram; see :func:`astrokit.timing.plots.plot_scatter`."""
        from .plots import plot_scatter

        return plot_scatter(self, ax, measured=measured)


def fractional_variability_scatter(
    lightcurve: LightCurve,
    psd: PSDLike,
    *,
    n: int = 200,
    seed: SeedLike = None,
    level: float = ONE_SIGMA,
    executor: Executor | None = None,
) -> VariabilityScatter:
    """Return how fractional variability scatters among realisations of a red-noise process.

    Parameters
    ----------
    lightcurve : LightCurve
        Its sampling (bins, gaps) is that of the simulated curves.
    psd : Fit, or callable
        A fit of a :class:`~astrokit.timing.PSDProblem` in the fractional normalization, whose
        constant (noise) is left out; or ``psd(frequency)`` in that normalization, with frequencies
        per time unit of the curve.
    n : int
        Number of simulated curves.
    seed : int, SeedSequence or Generator, optional
    level : float
        Content of the interval.
    executor : concurrent.futures.Executor, optional

    Returns
    -------
    VariabilityScatter

    Raises
    ------
    InputError
        For uneven sampling, or a `psd` that is not positive.

    Notes
    -----
    The standard deviation of each simulated curve is given relative to the mean of the process,
    which stands for the measured mean: sources whose rms grows with their flux keep that ratio.
    The spectrum is needed, and extrapolated, to 16 times below the lowest frequency of the curve.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> t = np.arange(0.0, 25600.0, 100.0)
    >>> lc = ak.LightCurve(t, 5 + np.sin(t), np.full(t.size, 0.1))
    >>> scatter = ak.timing.fractional_variability_scatter(
    ...     lc, lambda f: 1e-6 * f**-2.0, n=50, seed=1)
    >>> scatter.standard_deviation > 5 * ak.timing.fractional_variability(lc).error
    True
    """
    from ..parallel import map_items
    from ..randomness import spawn
    from .simulate import as_psd

    if n < 2:
        raise InputError("at least two simulations are needed for a scatter", value=n)
    level = as_scalar(level, "level", minimum=0.0, maximum=1.0)
    if lightcurve.valid.sum() < 2:
        raise InputError(
            "a variance needs at least two valid bins",
            value=int(lightcurve.valid.sum()),
            hint="check what was masked",
        )
    dt, shape = lightcurve.dt, as_psd(psd)
    once = partial(_simulated_variability, psd=shape, valid=lightcurve.valid, dt=dt)
    values = np.array(map_items(once, range(n), seeds=spawn(seed, n), executor=executor))
    low, middle, high = np.quantile(values, [0.5 - level / 2, 0.5, 0.5 + level / 2])
    estimate = Estimate(
        middle,
        middle - low,
        high - middle,
        level=level,
        name="fractional_variability",
        method=f"median and central interval of {n} red-noise simulations",
    )
    return VariabilityScatter(values, estimate)


def _simulated_variability(
    item: int,
    seed: np.random.SeedSequence,
    *,
    psd: Callable[[FloatArray], FloatArray],
    valid: NDArray[np.bool_],
    dt: float,
) -> float:
    from .simulate import timmer_koenig

    curve = timmer_koenig(psd, valid.size, dt, seed=seed)[valid]
    return float(np.std(curve, ddof=1))


# -- parts ----------------------------------------------------------------------------------------


def _moments(lightcurve: LightCurve | ArrayLike, rate_error: ArrayLike | None) -> _Moments:
    from .kernels import moments

    rate, sigma, unit = _rate_and_error(lightcurve, rate_error)
    n, mean, deviation, noise, scatter = moments(rate, sigma)
    if n < 2:
        raise InputError(
            "a variance needs at least two valid bins", value=n, hint="check what was masked"
        )
    return _Moments(n, mean, deviation / (n - 1), noise, scatter, unit)


def _rate_and_error(
    lightcurve: Any, rate_error: ArrayLike | None
) -> tuple[FloatArray, FloatArray, str | None]:
    if hasattr(lightcurve, "exposure_fraction"):
        if rate_error is not None:
            raise InputError("a light curve brings its own errors", hint="leave rate_error out")
        if lightcurve.info.is_magnitude:
            raise InputError(
                "these are magnitudes: their variance is no variance of flux",
                hint="convert them to fluxes first",
            )
        if lightcurve.error is None:
            raise InputError(
                "the light curve has no errors, so its noise cannot be subtracted",
                hint="make it with error=..., for counts sqrt(counts) / exposure",
            )
        return lightcurve.rate, lightcurve.error, lightcurve.info.rate_unit or None
    if rate_error is None:
        raise InputError(
            "rates come without errors, so their noise cannot be subtracted",
            hint="pass a LightCurve, or rates and their errors",
        )
    unit = getattr(lightcurve, "unit", None)
    rate = as_array(lightcurve, "rate", unit=unit, missing="nan", min_size=2)
    sigma = as_array(rate_error, "rate_error", unit=unit, missing="nan")
    require_equal_lengths(rate=rate, rate_error=sigma)
    if np.fmin.reduce(sigma) < 0:
        raise InputError("rate_error is negative", value=float(np.nanmin(sigma)), allowed=">= 0")
    return rate, sigma, None if unit is None else str(unit)


def _mean_squared(m: _Moments) -> float:
    if not m.mean > 0:
        raise InputError(
            "the mean rate is not positive, so nothing can be given relative to it",
            value=m.mean,
            hint="use excess_variance",
        )
    return m.mean**2


def _require_form(error: str, allowed: tuple[str, ...]) -> None:
    if error not in allowed:
        raise InputError("this error form is unknown", value=error, allowed=", ".join(allowed))


def _variance_error(m: _Moments, error: str) -> float:
    """Return the error of the excess variance (not normalized)."""
    _require_form(error, _VARIANCE_ERRORS)
    if error == "turner1999":
        return m.scatter / math.sqrt(m.n)
    noise_alone = math.sqrt(2 / m.n) * m.noise
    noise_times_signal = 2 * math.sqrt(m.noise * max(m.excess, 0.0) / m.n)
    return math.hypot(noise_alone, noise_times_signal)


def _variance_estimate(
    m: _Moments, scale: float, name: str, unit: Any, error: str, level: float
) -> Estimate:
    """Return the excess variance over `scale`, or its upper limit."""
    sigma = _variance_error(m, error) / scale
    if m.excess > 0:
        return Estimate(m.excess / scale, sigma, name=name, unit=unit, method=_method(error))
    return _limit(_upper_limit(m, level) / scale, name, unit, level)


def _upper_limit(m: _Moments, level: float) -> float:
    """Return the intrinsic variance v at which a sample variance as small as S^2 is too rare.

    P(S^2 | noise + v) falls to 1 - level of P(S^2 | noise): with k = n - 1 degrees of freedom both
    are lower tails of chi2, in logarithms since they may lie far below float64.
    """
    from scipy.optimize import brentq

    level = as_scalar(level, "limit_level", minimum=0.0, maximum=1.0)
    if not 0 < level < 1:
        raise InputError("limit_level must be a probability", value=level, allowed="0 to 1")
    if m.noise == 0:
        return 0.0
    a = 0.5 * (m.n - 1)
    ratio = max(m.variance / m.noise, 1e-30)
    wanted = _log_lower_tail(a, a * ratio) + math.log1p(-level)
    # In the tail P grows as V^-a, elsewhere more slowly: ln(1 - level)/a is the shortest way.
    step = -math.log1p(-level) / a
    top = step
    while _log_lower_tail(a, a * ratio * math.exp(-top)) > wanted:
        top *= 2
    log_v = brentq(
        lambda y: _log_lower_tail(a, a * ratio * math.exp(-y)) - wanted, 0.0, top, xtol=1e-13
    )
    return m.noise * math.expm1(log_v)


def _log_lower_tail(a: float, x: float) -> float:
    """Return ln P(a, x), the regularised lower incomplete gamma function."""
    from scipy.special import gammainc, gammaln, hyp1f1

    tail = float(gammainc(a, x))
    if tail > 1e-280:
        return math.log(tail)
    return float(a * math.log(x) - x - gammaln(a + 1) + math.log(hyp1f1(1.0, a + 1, x)))


def _limit(value: float, name: str, unit: Any, level: float) -> Estimate:
    text = "upper limit: the excess over measurement noise is not positive (chi2, CLs)"
    return Estimate(value, 0.0, name=name, unit=unit, level=level, method=text, limit="upper")


def _method(error: str) -> str:
    paper = {
        "vaughan2003": "Vaughan et al. 2003",
        "poutanen2008": "Poutanen et al. 2008",
        "turner1999": "Turner et al. 1999",
    }[error]
    return f"excess over measurement noise, error of {paper} (measurement noise only)"
