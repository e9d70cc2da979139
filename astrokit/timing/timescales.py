"""How fast a source varies: the minimum time scale, doubling time and size of the region.

The minimum over pairs of bins is the extreme of many noisy numbers: noise alone makes it short,
the more so the more pairs there are. :func:`minimum_timescale_scatter` says how short, from
simulated curves of the same sampling and noise; quote a time scale with that beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError, ShapeError
from ..estimate import Estimate

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ..lightcurve import LightCurve
    from ..randomness import SeedLike
    from .simulate import PSDLike

__all__ = [
    "MinimumTimescale",
    "TimescaleScatter",
    "minimum_timescale",
    "minimum_timescale_scatter",
    "region_size",
]

FloatArray = NDArray[np.float64]
_PAIRS = ("adjacent", "all")
_CM_PER_LIGHT_SECOND = 2.99792458e10


@dataclass(frozen=True)
class MinimumTimescale:
    """The shortest time scale between two bins of a light curve.

    Attributes
    ----------
    estimate : Estimate
        In the time unit of the curve, with the error that measurement noise gives this pair.
    first, second : int
        Indices of the two bins in the curve.
    pairs : {"adjacent", "all"}
    significance : float
        A pair counts if its rates differ by more than this many standard errors.
    n_used, n_left_out : int
        Bins that were compared, and valid bins without a positive rate, which have no logarithm.
    """

    estimate: Estimate
    first: int
    second: int
    pairs: str
    significance: float
    n_used: int
    n_left_out: int

    @property
    def doubling_time(self) -> Estimate:
        """Time to double or to halve at the rate of this pair: the time scale times ln 2."""
        e, factor = self.estimate, math.log(2)
        return Estimate(
            e.value * factor,
            e.lower * factor,
            unit=e.unit,
            name="doubling_time",
            method=f"ln 2 times: {e.method}",
        )

    def __str__(self) -> str:
        left = f", {self.n_left_out} bins without positive rate left out" * bool(self.n_left_out)
        return (
            f"{self.estimate} ({self.pairs} pairs of {self.n_used} bins beyond "
            f"{self.significance:g} sigma{left})"
        )


def minimum_timescale(
    lightcurve: LightCurve, *, pairs: str = "adjacent", significance: float = 3.0
) -> MinimumTimescale:
    r"""Return the minimum variability time scale of Burbidge, Jones & O'Dell (1974).

    The smallest :math:`\tau_{ij} = |t_i - t_j| / |\ln(x_i/x_j)|` among pairs of bins whose rates
    differ by more than `significance` standard errors.

    Parameters
    ----------
    lightcurve : LightCurve
        With errors; any sampling. Bins with rates <= 0 are left out and counted.
    pairs : {"adjacent", "all"}
        Neighbouring valid bins (also across a gap), or all pairs.
    significance : float
        Smallest difference of a pair in standard errors, >= 0.

    Returns
    -------
    MinimumTimescale

    Raises
    ------
    InputError
        For a curve without errors, an unknown `pairs`, or if no pair differs enough.
    ShapeError
        For fewer than two bins with a positive rate.

    Notes
    -----
    The error is :math:`|t_i-t_j| / \ln^2(x_i/x_j) \sqrt{(\sigma_i/x_i)^2 + (\sigma_j/x_j)^2}`, of
    one pair as if it had been chosen beforehand. All pairs of 100 000 bins take some 0.02 s:
    blocks of bins that cannot hold a shorter one are passed over.

    References
    ----------
    Burbidge, Jones & O'Dell 1974, ApJ 193, 43.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> t = np.arange(0.0, 1000.0, 100.0)
    >>> lc = ak.LightCurve(t, 5 * np.exp(t / 500), np.full(10, 0.1))
    >>> print(ak.timing.minimum_timescale(lc).estimate)
    minimum_timescale = 500 +/- 65 s
    >>> print(ak.timing.minimum_timescale(lc).doubling_time)
    doubling_time = 347 +/- 45 s
    """
    significance = _checked(pairs, significance)
    keep, left_out = _usable(lightcurve)
    error = lightcurve.error
    if error is None:
        raise InputError(
            "the light curve has no errors, so no pair of bins is known to differ",
            hint="make it with error=..., for counts sqrt(counts) / exposure",
        )
    t, x, s = lightcurve.time[keep], lightcurve.rate[keep], error[keep]
    tau, i, j = _shortest(t, x, s, pairs, significance)
    if not math.isfinite(tau):
        raise InputError(
            f"no pair of bins differs by more than {significance:g} standard errors",
            value=f"{pairs} pairs of {t.size} bins",
            hint="rebin the curve, use pairs='all', or lower significance; "
            "a constant curve has no time scale",
        )
    ratio = math.log(x[j] / x[i])
    sigma = abs(t[j] - t[i]) / ratio**2 * math.hypot(s[i] / x[i], s[j] / x[j])
    method = f"Burbidge et al. 1974, shortest of {pairs} pairs beyond {significance:g} sigma"
    unit = lightcurve.info.time_unit
    estimate = Estimate(tau, sigma, unit=unit, name="minimum_timescale", method=method)
    where = np.flatnonzero(keep)
    return MinimumTimescale(
        estimate, int(where[i]), int(where[j]), pairs, significance, int(t.size), left_out
    )


@dataclass(frozen=True, eq=False)
class TimescaleScatter:
    """Minimum time scales of simulated curves, with and without measurement noise.

    Attributes
    ----------
    values : ndarray, shape (n,)
        With noise; infinite where no pair of bins differed enough.
    noise_free : ndarray, shape (n,)
        Of the same curves without noise, by the same criterion.
    unit : str
    """

    values: FloatArray
    noise_free: FloatArray
    unit: str

    @property
    def found(self) -> float:
        """Fraction of simulated curves in which a pair differed enough."""
        return float(np.mean(np.isfinite(self.values)))

    @property
    def bias(self) -> float:
        """Median of time scale with noise over that without; NaN if fewer than two have both."""
        both = np.isfinite(self.values) & np.isfinite(self.noise_free)
        if both.sum() < 2:
            return math.nan
        return float(np.median(self.values[both] / self.noise_free[both]))

    def p_value(self, measured: MinimumTimescale | Estimate) -> float:
        """Return how often the simulated process looks at least as fast as measured.

        ``(1 + number of simulations with a shorter or equal time scale) / (1 + n)``: never zero.
        """
        e = measured.estimate if isinstance(measured, MinimumTimescale) else measured
        value = e.to(self.unit).value
        return float((1 + np.sum(self.values <= value)) / (1 + self.values.size))


def minimum_timescale_scatter(
    lightcurve: LightCurve,
    psd: PSDLike | None = None,
    *,
    pairs: str = "adjacent",
    significance: float = 3.0,
    n: int = 200,
    seed: SeedLike = None,
    executor: Executor | None = None,
) -> TimescaleScatter:
    """Return minimum time scales of simulated curves of the same sampling and noise.

    Parameters
    ----------
    lightcurve : LightCurve
        With errors. Its bins, gaps, mean and errors are those of the simulated curves.
    psd : Fit, or callable, optional
        As for :func:`~astrokit.timing.simulate_lightcurve`; needs even sampling (with gaps).
        Without it the source is constant: what noise alone makes of the minimum, any sampling.
    pairs, significance
        As for :func:`minimum_timescale`; use those of the measurement.
    n : int
        Number of simulated curves.
    seed : int, SeedSequence or Generator, optional
    executor : concurrent.futures.Executor, optional

    Returns
    -------
    TimescaleScatter

    Raises
    ------
    InputError
        For a curve without errors, a mean that is not positive, or a spectrum and uneven sampling.

    Examples
    --------
    Among all pairs of 500 bins noise alone is "significant" at 3 sigma:

    >>> import numpy as np
    >>> import astrokit as ak
    >>> lc = ak.LightCurve(np.arange(500.0), np.full(500, 10.0), np.full(500, 0.5))
    >>> ak.timing.minimum_timescale_scatter(lc, pairs="all", n=50, seed=1).found
    1.0
    """
    from ..parallel import map_items
    from ..randomness import spawn

    significance = _checked(pairs, significance)
    if n < 2:
        raise InputError("at least two simulations are needed for a scatter", value=n)
    if lightcurve.error is None:
        raise InputError(
            "the light curve has no errors, so its noise cannot be simulated",
            hint="make it with error=..., for counts sqrt(counts) / exposure",
        )
    if not lightcurve.mean_rate > 0:
        raise InputError("the mean rate is not positive", value=lightcurve.mean_rate)
    once = partial(
        _simulated, lightcurve=lightcurve, psd=psd, pairs=pairs, significance=significance
    )
    results = np.array(map_items(once, range(n), seeds=spawn(seed, n), executor=executor))
    return TimescaleScatter(results[:, 0], results[:, 1], lightcurve.info.time_unit)


def region_size(
    timescale: MinimumTimescale | Estimate, *, doppler_factor: float = 1.0, redshift: float = 0.0
) -> Estimate:
    r"""Return the largest size of the varying region, :math:`R \le c\,\tau\,\delta/(1+z)`.

    Parameters
    ----------
    timescale : MinimumTimescale or Estimate
        With a unit of time.
    doppler_factor : float
        Of the emitting plasma, > 0.
    redshift : float
        Of the source, >= 0.

    Returns
    -------
    Estimate
        In cm: the bound itself, with the error that the time scale gives it.

    Raises
    ------
    InputError
        For a Doppler factor or a redshift out of range.
    UnitError
        For a time scale without a unit of time.

    Examples
    --------
    >>> import astrokit as ak
    >>> print(ak.timing.region_size(ak.Estimate(1000.0, 100.0, unit="s"), doppler_factor=20))
    largest_region_size = (6.0 +/- 0.6)e+14 cm
    """
    delta = as_scalar(doppler_factor, "doppler_factor", positive=True)
    z = as_scalar(redshift, "redshift", minimum=0.0)
    e = timescale.estimate if isinstance(timescale, MinimumTimescale) else timescale
    seconds = e.to("s")
    factor = _CM_PER_LIGHT_SECOND * delta / (1 + z)
    return Estimate(
        seconds.value * factor,
        seconds.lower * factor,
        float(seconds.upper) * factor,  # type: ignore[arg-type]
        unit="cm",
        level=seconds.level,
        name="largest_region_size",
        method=f"light crossing: c tau delta/(1+z) with delta = {delta:g}, z = {z:g}",
        limit=seconds.limit,
    )


# -- parts ----------------------------------------------------------------------------------------


def _checked(pairs: str, significance: float) -> float:
    if pairs not in _PAIRS:
        raise InputError("pairs is unknown", value=pairs, allowed=", ".join(_PAIRS))
    return as_scalar(significance, "significance", minimum=0.0)


def _usable(lightcurve: LightCurve) -> tuple[NDArray[np.bool_], int]:
    """Return which bins have a logarithm, and how many valid ones have none."""
    if not hasattr(lightcurve, "exposure_fraction"):
        raise InputError(
            "a time scale needs a light curve",
            value=type(lightcurve).__name__,
            hint="make one with astrokit.LightCurve(time, rate, error)",
        )
    keep = lightcurve.valid & (np.nan_to_num(lightcurve.rate) > 0)
    if keep.sum() < 2:
        raise ShapeError(
            "a time scale needs at least two bins with a positive rate",
            value=int(keep.sum()),
            hint="check what was masked, or rebin",
        )
    return keep, int(lightcurve.valid.sum() - keep.sum())


def _shortest(
    t: FloatArray, x: FloatArray, s: FloatArray, pairs: str, significance: float
) -> tuple[float, int, int]:
    from .pair_kernels import shortest_adjacent, shortest_pair

    t = t - t[0]  # large time stamps cost digits of short separations
    if pairs == "all":
        return shortest_pair(t, x, s, np.log(x), significance)
    return shortest_adjacent(t, x, s, np.log(x), significance)[:3]


def _simulated(
    item: int,
    seed: np.random.SeedSequence,
    *,
    lightcurve: LightCurve,
    psd: PSDLike | None,
    pairs: str,
    significance: float,
) -> tuple[float, float]:
    """Return the minimum time scale of one simulated curve with and without its noise."""
    from ..randomness import as_generator
    from .simulate import simulate_lightcurve

    rng = as_generator(seed)
    valid = lightcurve.valid
    error = np.asarray(lightcurve.error)[valid]
    if psd is None:
        clean = np.full(error.size, lightcurve.mean_rate)
    else:
        clean = simulate_lightcurve(psd, lightcurve, noise=False, seed=rng).rate[valid]
    noisy = clean + error * rng.standard_normal(error.size)
    answers = []
    for rate in (noisy, clean):
        keep = rate > 0
        t = lightcurve.time[valid][keep]
        few = keep.sum() < 2
        answers.append(
            math.inf if few else _shortest(t, rate[keep], error[keep], pairs, significance)[0]
        )
    return answers[0], answers[1]
