"""Colours: hardness ratios of two bands, for many counts and for few, and their trend with flux.

Both bands enter the hardness and the total rate, so their noise alone correlates the two;
:func:`hardness_flux_correlation` knows that, a textbook p-value does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError, ShapeError
from ..estimate import ONE_SIGMA, Estimate

if TYPE_CHECKING:
    from ..lightcurve import LightCurve
    from ..randomness import SeedLike

__all__ = [
    "HardnessCorrelation",
    "HardnessCurve",
    "bayesian_hardness_ratio",
    "hardness_flux_correlation",
    "hardness_ratio",
]

FloatArray = NDArray[np.float64]
_FORMS = ("difference", "ratio")
_NEGLIGIBLE = 1e-14  # weight of a term of the posterior, relative to the largest


@dataclass(frozen=True, eq=False)
class HardnessCurve:
    """Hardness ratios of the bins in which both bands are valid.

    Attributes
    ----------
    time, value, error, total : ndarray, shape (n,)
        Bin centres, hardness with its standard error, and the summed rate of both bands.
    form : {"difference", "ratio"}
    n_left_out : int
        Bins valid in both bands whose denominator is not positive.
    """

    time: FloatArray
    value: FloatArray
    error: FloatArray
    total: FloatArray
    form: str
    n_left_out: int


def hardness_ratio(
    soft: LightCurve, hard: LightCurve, *, form: str = "difference"
) -> HardnessCurve:
    r"""Return the hardness ratio of two light curves, bin by bin, with propagated errors.

    Parameters
    ----------
    soft, hard : LightCurve
        With errors, in the same bins and units.
    form : {"difference", "ratio"}
        :math:`(H-S)/(H+S)` or :math:`H/S`.

    Returns
    -------
    HardnessCurve

    Raises
    ------
    InputError
        For curves of unequal bins or units, without errors, or an unknown `form`.
    ShapeError
        If no bin is left.

    Notes
    -----
    Below some ten counts a bin these errors are not those of the sky; use
    :func:`bayesian_hardness_ratio`.

    Examples
    --------
    >>> import astrokit as ak
    >>> soft = ak.LightCurve([0.0, 1.0], [4.0, 2.0], [0.4, 0.2])
    >>> hard = ak.LightCurve([0.0, 1.0], [4.0, 6.0], [0.4, 0.2])
    >>> ak.timing.hardness_ratio(soft, hard).value
    array([0. , 0.5])
    """
    if form not in _FORMS:
        raise InputError("this form of hardness is unknown", value=form, allowed=", ".join(_FORMS))
    keep, s, h, ds, dh = _bands(soft, hard)
    total = s + h
    denominator = total if form == "difference" else s
    good = denominator > 0
    if not good.any():
        raise ShapeError(
            "no bin is left: the rate below the fraction is nowhere positive", hint="rebin"
        )
    time, s, h, ds, dh = (a[good] for a in (soft.time[keep], s, h, ds, dh))
    total = s + h
    if form == "difference":
        value, error = (h - s) / total, 2 * np.hypot(h * ds, s * dh) / total**2
    else:
        value = h / s
        error = np.hypot(dh, value * ds) / s
    return HardnessCurve(time, value, error, total, form, int((~good).sum()))


@dataclass(frozen=True, eq=False)
class HardnessCorrelation:
    """Rank correlation of hardness and total rate, and what noise alone makes of it.

    Attributes
    ----------
    coefficient : float
        Spearman's rank correlation.
    p_value : float
        Two-sided, from the simulations: how often a source of constant hardness gives a
        coefficient as far out. Never zero.
    simulated : ndarray, shape (n,)
        Coefficients of the simulations; their mean is the correlation that shared noise makes.
    """

    coefficient: float
    p_value: float
    simulated: FloatArray

    def __str__(self) -> str:
        return (
            f"Spearman {self.coefficient:.3f}, p = {self.p_value:.3g} "
            f"({self.simulated.size} simulations of constant hardness)"
        )


def hardness_flux_correlation(
    soft: LightCurve, hard: LightCurve, *, n: int = 1000, seed: SeedLike = None
) -> HardnessCorrelation:
    r"""Return the rank correlation of hardness with total rate, and its simulated p-value.

    Parameters
    ----------
    soft, hard : LightCurve
        With errors, in the same bins and units.
    n : int
        Number of simulations.
    seed : int, SeedSequence or Generator, optional

    Returns
    -------
    HardnessCorrelation

    Raises
    ------
    InputError
        As for :func:`hardness_ratio`, or for `n` below two.
    ShapeError
        For fewer than four bins.

    Notes
    -----
    The null hypothesis is a source of constant hardness that varies as the total rate which best
    fits both bands (drawn in towards its mean until its variance is the excess over noise), seen
    with the measured errors. It does not cover hardness that varies by itself: a slow trend
    of hardness beside a slow trend of flux looks correlated.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> t = np.arange(50.0)
    >>> soft = ak.LightCurve(t, 10 + t, np.full(50, 0.5))
    >>> hard = ak.LightCurve(t, (10 + t) ** 1.3, np.full(50, 0.5))
    >>> print(ak.timing.hardness_flux_correlation(soft, hard, n=999, seed=1))
    Spearman 1.000, p = 0.002 (999 simulations of constant hardness)
    """
    from ..randomness import as_generator

    if n < 2:
        raise InputError("at least two simulations are needed", value=n)
    measured = hardness_ratio(soft, hard)
    if measured.value.size < 4:
        raise ShapeError(
            "a correlation needs at least four bins", value=measured.value.size, hint="rebin less"
        )
    _, s, h, ds, dh = _bands(soft, hard)
    good = s + h > 0
    s, h, ds, dh = s[good], h[good], ds[good], dh[good]
    share, rng = float(h.sum() / (s + h).sum()), as_generator(seed)
    # What both bands say of the total where hardness is constant, each by its own precision.
    weight = ((1 - share) / ds) ** 2 + (share / dh) ** 2
    best = ((1 - share) * s / ds**2 + share * h / dh**2) / weight
    total = _without_noise(best, 1 / weight)
    simulated = np.empty(n)
    for i in range(n):
        hard_rate = share * total + dh * rng.standard_normal(total.size)
        soft_rate = (1 - share) * total + ds * rng.standard_normal(total.size)
        rate = soft_rate + hard_rate
        seen = rate > 0
        simulated[i] = _spearman((hard_rate - soft_rate)[seen] / rate[seen], rate[seen])
    coefficient = _spearman(measured.value, measured.total)
    tails = np.sum(simulated >= coefficient), np.sum(simulated <= coefficient)
    p_value = min(1.0, 2 * (1 + int(min(tails))) / (1 + n))
    return HardnessCorrelation(coefficient, p_value, simulated)


def bayesian_hardness_ratio(
    soft_counts: int,
    hard_counts: int,
    *,
    soft_background: int = 0,
    hard_background: int = 0,
    background_scale: float | None = None,
    relative_area: float = 1.0,
    form: str = "difference",
    prior_index: float = 1.0,
    level: float = ONE_SIGMA,
) -> Estimate:
    r"""Return the hardness ratio of few counts: posterior median and central interval.

    Parameters
    ----------
    soft_counts, hard_counts : int
        Counts in the source region.
    soft_background, hard_background : int
        Counts in the background region.
    background_scale : float, optional
        Exposure times area of the background region over that of the source region. None: there
        is no background.
    relative_area : float
        Effective area of the hard band over that of the soft band.
    form : {"difference", "ratio"}
        :math:`(H-S)/(H+S)` or :math:`H/S`.
    prior_index : float
        Index of the gamma priors of all intensities: 1 is flat and makes (H-S)/(H+S) uniform
        before the data where the areas are equal, 1/2 is Jeffreys' choice.
    level : float
        Content of the interval.

    Returns
    -------
    Estimate

    Raises
    ------
    InputError
        For counts that are negative or not whole, or background counts without
        `background_scale`.

    Notes
    -----
    The posterior of each intensity, its background integrated out, is a finite sum of gamma
    distributions, so that of the ratio is a finite sum of beta distributions: exact, no sampling.

    References
    ----------
    Park et al. 2006, ApJ 652, 610.

    Examples
    --------
    >>> import astrokit as ak
    >>> print(ak.timing.bayesian_hardness_ratio(3, 0))
    hardness_ratio = -0.7 +0.4 -0.2
    """
    from scipy.optimize import brentq
    from scipy.special import betainc

    if form not in _FORMS:
        raise InputError("this form of hardness is unknown", value=form, allowed=", ".join(_FORMS))
    if background_scale is None and (soft_background or hard_background):
        raise InputError(
            "background counts come without their scale",
            hint="give background_scale, the background region's area over that of the source",
        )
    scale = background_scale
    if scale is not None:
        scale = as_scalar(scale, "background_scale", positive=True)
    area = as_scalar(relative_area, "relative_area", positive=True)
    index = as_scalar(prior_index, "prior_index", positive=True)
    level = as_scalar(level, "level", minimum=1e-6, maximum=1 - 1e-6)
    a, v = _gamma_terms(soft_counts, soft_background, scale, index, "soft")
    b, w = _gamma_terms(hard_counts, hard_background, scale, index, "hard")
    weights = np.outer(v, w)

    def quantile(p: float) -> float:
        """Return the hardness with probability p below it: it falls with the soft share u."""
        u = brentq(
            lambda u: float(np.sum(weights * betainc(a[:, None], b, u))) - (1 - p),
            0.0,
            1.0,
            xtol=1e-15,
        )
        soft, hard = u, (1 - u) / area
        return (hard - soft) / (hard + soft) if form == "difference" else hard / soft

    low, middle, high = (quantile(p) for p in (0.5 - level / 2, 0.5, 0.5 + level / 2))
    return Estimate(
        middle,
        middle - low,
        high - middle,
        level=level,
        name="hardness_ratio",
        method="Park et al. 2006: posterior median and central interval",
    )


# -- parts ----------------------------------------------------------------------------------------


def _bands(
    soft: LightCurve, hard: LightCurve
) -> tuple[NDArray[np.bool_], FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return which bins both bands have, and there S, H and their errors."""
    for name, lc in (("soft", soft), ("hard", hard)):
        if not hasattr(lc, "exposure_fraction"):
            raise InputError(f"{name} must be a light curve", value=type(lc).__name__)
        if lc.error is None:
            raise InputError(f"the {name} curve has no errors", hint="make it with error=...")
    if soft.n != hard.n or not np.allclose(soft.time, hard.time, rtol=0, atol=_tolerance(soft)):
        raise InputError(
            "the bands have different bins",
            value=f"{soft.n} and {hard.n} bins",
            hint="bin both bands in the same way",
        )
    if soft.info.rate_unit != hard.info.rate_unit or soft.info.time_unit != hard.info.time_unit:
        raise InputError(
            "the bands have different units",
            value=f"{soft.info.rate_unit} and {hard.info.rate_unit}",
            hint="convert one of them",
        )
    keep = soft.valid & hard.valid
    if not keep.any():
        raise ShapeError("no bin is valid in both bands", hint="check what was masked")
    errors = np.asarray(soft.error)[keep], np.asarray(hard.error)[keep]
    return keep, soft.rate[keep], hard.rate[keep], *errors


def _tolerance(lc: LightCurve) -> float:
    """Return how far bin centres of the same bin may lie apart."""
    return 1e-3 * float(np.min(np.diff(lc.time))) if lc.n > 1 else 1e-9


def _without_noise(rate: FloatArray, noise: FloatArray) -> FloatArray:
    """Return `rate` drawn in to its mean so that noise, added again, restores its variance."""
    variance = float(np.var(rate, ddof=1))
    excess = max(variance - float(noise.mean()), 0.0)
    kept = np.sqrt(excess / variance) if variance > 0 else 0.0
    return rate.mean() + kept * (rate - rate.mean())


def _spearman(x: FloatArray, y: FloatArray) -> float:
    """Return the rank correlation; 0 where one of the two is constant."""
    from scipy.stats import rankdata

    p, q = rankdata(x), rankdata(y)
    p, q = p - p.mean(), q - q.mean()
    norm = float(np.sqrt((p @ p) * (q @ q)))
    return float(p @ q) / norm if norm > 0 else 0.0


def _gamma_terms(
    counts: int, background: int, scale: float | None, index: float, band: str
) -> tuple[FloatArray, FloatArray]:
    """Return shapes and weights of the gamma distributions that make up an intensity's posterior.

    ``(lambda + xi)^S`` is expanded and xi integrated out: the term in which j of the S counts are
    the source's has the shape ``j + index``.
    """
    from scipy.special import gammaln

    for name, number in ((f"{band}_counts", counts), (f"{band}_background", background)):
        if as_scalar(number, name, minimum=0.0) != int(number):
            raise InputError(f"{name} must be a whole number", value=number)
    if scale is None:
        return np.array([counts + index]), np.ones(1)
    j = np.arange(int(counts) + 1.0)
    log_weight = (
        -gammaln(j + 1)
        - gammaln(counts - j + 1)
        + gammaln(j + index)
        + gammaln(counts - j + background + index)
        + j * np.log1p(scale)
    )
    weight = np.exp(log_weight - log_weight.max())
    kept = weight > _NEGLIGIBLE
    return j[kept] + index, weight[kept] / weight[kept].sum()
