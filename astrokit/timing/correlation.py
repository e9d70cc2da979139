"""Correlation of two light curves against lag, for any sampling.

The discrete correlation function averages products of pairs of bins (Edelson & Krolik 1988); the
z-transformed one gives every bin of lag enough independent pairs, and errors that stay within -1
and 1 (Alexander 1997). Nothing is interpolated in either.

A lag is positive where the second curve comes later: it is the time by which it trails the first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array
from ..errors import InputError, ShapeError
from ..randomness import SeedLike, as_generator
from .simulate import require_count
from .spectrum_problem import require_option

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..lightcurve import LightCurve

__all__ = [
    "CorrelationFunction",
    "autocorrelation",
    "correlation",
    "discrete_correlation",
]

FloatArray = NDArray[np.float64]
_MOST_MARKS = 2**28  # bytes that remember which points a bin has used
METHODS = ("dcf", "local", "zdcf")
_FEWEST_PAIRS = 11  # in a bin of the z-transformed function (Alexander 1997)


@dataclass(frozen=True, eq=False)
class CorrelationFunction:
    """Correlation against lag.

    Attributes
    ----------
    lag : ndarray, shape (k,)
        Mean lag of the pairs in each bin; positive where the second curve comes later.
    value : ndarray, shape (k,)
    lower, upper : ndarray, shape (k,)
        Distances to the ends of one-sigma intervals. They describe the scatter of the pairs, not
        the chance correlation of two independent red curves, which is far larger: see
        :func:`correlation_significance`.
    pairs : ndarray of int, shape (k,)
        Pairs used.
    edges : ndarray, shape (j + 1,)
        Of all bins, also those that are left out because they hold too few pairs.
    method : {"dcf", "local", "zdcf", "interpolated"}
    unit : str
        Of the lags.
    """

    lag: FloatArray
    value: FloatArray
    lower: FloatArray
    upper: FloatArray
    pairs: NDArray[np.int64]
    edges: FloatArray
    method: str
    unit: str

    @property
    def peak(self) -> tuple[float, float]:
        """Lag and value of the largest correlation."""
        at = int(np.argmax(self.value))
        return float(self.lag[at]), float(self.value[at])

    def plot_data(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return lag, value, lower and upper errors, as :meth:`plot` draws them."""
        return self.lag, self.value, self.lower, self.upper

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the function with its errors; returns the axes."""
        from .plots import _new_axes

        ax = _new_axes() if ax is None else ax
        lag, value, lower, upper = self.plot_data()
        ax.errorbar(lag, value, [lower, upper], fmt="o", ms=3.5, color="0.15", lw=1, zorder=3)
        ax.axhline(0.0, color="0.6", lw=0.8)
        ax.set(xlabel=f"Lag ({self.unit})", ylabel="Correlation")
        return ax

    def __repr__(self) -> str:
        lag, value = self.peak
        return (
            f"CorrelationFunction ({self.method}): {self.lag.size} bins from {self.lag[0]:.4g} to "
            f"{self.lag[-1]:.4g} {self.unit}\nlargest value {value:.3f} at {lag:.4g} {self.unit}"
        )


def discrete_correlation(
    first: LightCurve,
    second: LightCurve,
    *,
    method: str = "dcf",
    lags: ArrayLike | None = None,
    min_pairs: int | None = None,
    draws: int = 0,
    seed: SeedLike = None,
) -> CorrelationFunction:
    r"""Return the correlation of two light curves in bins of lag.

    Parameters
    ----------
    first, second : LightCurve
        Any sampling; times in one unit and system. Invalid bins are left out.
    method : {"dcf", "local", "zdcf"}
        "dcf": :math:`\langle (a_i - \bar a)(b_j - \bar b)\rangle/(s_a s_b)`, with means of the
        whole curves and variances less those of the errors (Edelson & Krolik 1988): values may
        exceed one. "local": means and variances of the pairs in each bin (White & Peterson 1994),
        errors not subtracted: within -1 and 1. "zdcf": as "local" from independent pairs only, in
        bins with enough of them, and errors through Fisher's z (Alexander 1997).
    lags : array_like, optional
        Edges of the bins. By default bins as wide as the wider of the two usual spacings,
        centered on zero, up to half of the shorter duration.
    min_pairs : int, optional
        Fewest pairs in a bin: bins with fewer are left out, or joined to their neighbours
        ("zdcf"). 2, or 11 for "zdcf".
    draws : int
        For "zdcf": curves drawn from the rates and their errors. Values are then those of the mean
        z of all draws, and its scatter among them adds to the errors (Alexander 1997). Drawn
        curves hold the noise twice, so values are a little closer to zero.
    seed : int, SeedSequence or Generator, optional
        For those draws.

    Returns
    -------
    CorrelationFunction

    Raises
    ------
    InputError
        For curves in different time units or systems, constant curves, variances within the
        errors ("dcf"), draws without errors to draw from, or where no bin holds enough pairs.

    References
    ----------
    Edelson & Krolik 1988, ApJ 333, 646; White & Peterson 1994, PASP 106, 879; Alexander 1997,
    ASSL 218, 163.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> time = np.arange(400.0)
    >>> x = 10 + ak.timing.timmer_koenig(lambda f: 1e-2 * f**-2.0, 410, 1.0, seed=1)
    >>> early, late = ak.LightCurve(time, x[10:]), ak.LightCurve(time, x[:-10])
    >>> ak.timing.discrete_correlation(early, late, method="local").peak[0]
    10.0
    """
    require_option(method, "method", METHODS)
    require_alike(first, second)
    edges = _default_edges(first, second) if lags is None else _checked_edges(lags)
    pair = Pair.of(first, second)
    if draws == 0:
        return correlation(pair, edges, method=method, min_pairs=min_pairs)
    errors = _errors_to_draw_from(first, second, method)
    fewest = _FEWEST_PAIRS if min_pairs is None else min_pairs
    count = require_count(draws, "draws")
    return _mean_of_draws(pair, errors, edges, fewest, count, as_generator(seed))


def autocorrelation(
    lightcurve: LightCurve, *, method: str = "dcf", lags: ArrayLike | None = None
) -> CorrelationFunction:
    """Return the correlation of a light curve with itself, at positive lags.

    A bin is never paired with itself, so measurement noise does not enter; with "dcf" the value is
    relative to the variance less that of the noise.

    Parameters
    ----------
    lightcurve : LightCurve
    method, lags
        As for :func:`discrete_correlation`; the default bins start at half their width.

    Returns
    -------
    CorrelationFunction

    Raises
    ------
    InputError
        As for :func:`discrete_correlation`.

    Notes
    -----
    The mean of the curve is subtracted, and a red curve drifts about a mean of its own: values are
    too small, and cross zero at about a third of the duration whatever the source does.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> x = 10 + ak.timing.timmer_koenig(lambda f: 1 / (1 + (f / 0.02) ** 2), 500, 1.0, seed=1)
    >>> acf = ak.timing.autocorrelation(ak.LightCurve(np.arange(500.0), x))
    >>> bool(acf.value[0] > 0.7 > acf.value[10])
    True
    """
    require_option(method, "method", METHODS)
    if lags is None:
        edges = _default_edges(lightcurve, lightcurve)
        edges = edges[edges > 0]
    else:
        edges = _checked_edges(lags)
    return correlation(Pair.of(lightcurve, lightcurve, same=True), edges, method=method)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two curves as plain arrays; `same` for a curve with itself."""

    ta: FloatArray
    a: FloatArray
    tb: FloatArray
    b: FloatArray
    noise: tuple[float, float]
    unit: str
    same: bool = False

    @classmethod
    def of(cls, first: LightCurve, second: LightCurve, *, same: bool = False) -> Pair:
        """Return the valid bins, times from the first, means subtracted."""
        if min(int(lc.valid.sum()) for lc in (first, second)) < 2:
            raise ShapeError("a correlation needs at least two valid bins in each curve")
        zero = float(first.time[first.valid][0])
        parts = []
        for lc in (first, second):
            rate = lc.rate[lc.valid]
            if rate.size < 2 or np.ptp(rate) == 0:
                raise InputError("a constant curve has no correlation", value=float(rate.mean()))
            noise = 0.0 if lc.error is None else float(np.mean(lc.error[lc.valid] ** 2))
            parts.append((lc.time[lc.valid] - zero, rate - rate.mean(), noise))
        (ta, a, na), (tb, b, nb) = parts
        return cls(ta, a, tb, b, (na, nb), first.info.time_unit, same)

    def with_values(self, a: FloatArray, b: FloatArray) -> Pair:
        """Return the same sampling with other values."""
        a, b = a - a.mean(), b - b.mean()
        return Pair(self.ta, a, self.tb, b, self.noise, self.unit, self.same)


def correlation(
    pair: Pair, edges: FloatArray, *, method: str, min_pairs: int | None = None
) -> CorrelationFunction:
    """Return the function of plain arrays; see :func:`discrete_correlation`."""
    if method == "zdcf":
        return _z_transformed(pair, edges, _FEWEST_PAIRS if min_pairs is None else min_pairs)
    from .correlation_kernels import COLUMNS, pair_sums

    sums = np.zeros((edges.size - 1, COLUMNS))
    pair_sums(pair.ta, pair.a, pair.tb, pair.b, edges, pair.same, sums)
    sums = _enough(sums, 2 if min_pairs is None else min_pairs)
    count = sums[:, 0]
    if method == "dcf":
        scale = math.sqrt(_variance(pair.a, pair.noise[0]) * _variance(pair.b, pair.noise[1]))
        value = sums[:, 2] / count / scale
        spread = np.maximum(sums[:, 3] / scale**2 - count * value**2, 0.0)
        error = np.sqrt(spread) / np.maximum(count - 1, 1)
    else:
        value = _pearson(sums)
        error = (1 - value**2) / np.sqrt(np.maximum(count - 1, 1))
    lag = sums[:, 1] / count
    pairs = count.astype(np.int64)
    return CorrelationFunction(lag, value, error, error, pairs, edges, method, pair.unit)


# -- parts ----------------------------------------------------------------------------------------


def _enough(sums: FloatArray, fewest: int) -> FloatArray:
    kept = sums[sums[:, 0] >= max(fewest, 2)]
    if len(kept) == 0:
        raise InputError(
            "no bin of lag holds enough pairs",
            value=int(sums[:, 0].max(initial=0)),
            allowed=f">= {max(fewest, 2)}",
            hint="give wider bins with lags=..., or check that the curves overlap",
        )
    return kept


def _variance(x: FloatArray, noise: float) -> float:
    """Return the variance less that of the errors."""
    variance = float(x.var(ddof=1))
    if variance <= noise:
        raise InputError(
            "the variance of a curve is within its errors",
            value=f"{variance:.4g} against {noise:.4g}",
            hint="use method='local' or 'zdcf', which do not subtract the errors",
        )
    return variance - noise


def _pearson(sums: FloatArray) -> FloatArray:
    """Return the correlation coefficient of the pairs in each bin."""
    n = sums[:, 0]
    covariance = sums[:, 2] - sums[:, 4] * sums[:, 5] / n
    product = (sums[:, 6] - sums[:, 4] ** 2 / n) * (sums[:, 7] - sums[:, 5] ** 2 / n)
    good = product > 0
    value = np.where(good, covariance / np.sqrt(np.where(good, product, 1.0)), 0.0)
    return np.clip(value, -1.0, 1.0)  # rounding of two pairs


def _z_transformed(pair: Pair, edges: FloatArray, fewest: int) -> CorrelationFunction:
    edges, sums = _filled_bins(pair, edges, fewest)
    return _through_z(_coefficient(sums), 0.0, sums, edges, pair.unit)


def _coefficient(sums: FloatArray) -> FloatArray:
    """Return correlation coefficients that have a finite z."""
    return np.clip(_pearson(sums), -1 + 1e-12, 1 - 1e-12)


def _through_z(
    value: FloatArray, scatter: FloatArray | float, sums: FloatArray, edges: FloatArray, unit: str
) -> CorrelationFunction:
    """Return coefficients with the intervals of their z, which a further scatter of z widens."""
    n = sums[:, 0]
    center, sigma = _z_moments(value, n)
    sigma = np.hypot(sigma, scatter)
    lower = np.abs(value - np.tanh(center - sigma))
    upper = np.abs(np.tanh(center + sigma) - value)
    pairs = n.astype(np.int64)
    return CorrelationFunction(sums[:, 1] / n, value, lower, upper, pairs, edges, "zdcf", unit)


def _mean_of_draws(
    pair: Pair,
    errors: tuple[FloatArray, FloatArray],
    edges: FloatArray,
    fewest: int,
    count: int,
    rng: np.random.Generator,
) -> CorrelationFunction:
    """Return the z-transformed function of the mean z of curves drawn from rates and errors."""
    edges, sums = _filled_bins(pair, edges, fewest)
    z = np.empty((count, len(sums)))
    for row in z:
        a, b = (
            x + sigma * rng.standard_normal(x.size)
            for x, sigma in zip((pair.a, pair.b), errors, strict=True)
        )
        # Times are the same, so every draw has the same pairs in the same bins.
        drawn = _enough(_independent_sums(pair.with_values(a, b), edges), fewest)
        row[:] = np.arctanh(_coefficient(drawn))
    scatter = z.std(axis=0, ddof=1) if count > 1 else 0.0
    return _through_z(np.tanh(z.mean(axis=0)), scatter, sums, edges, pair.unit)


def _errors_to_draw_from(
    first: LightCurve, second: LightCurve, method: str
) -> tuple[FloatArray, FloatArray]:
    if method != "zdcf":
        raise InputError(
            "draws belong to the z-transformed function", value=method, allowed="method='zdcf'"
        )
    if first.error is None or second.error is None:
        raise InputError(
            "both curves need errors to draw from", hint="leave draws out, or give errors"
        )
    return first.error[first.valid], second.error[second.valid]


def _z_moments(r: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation of Fisher's z, with r for the true correlation."""
    m = n - 1
    mean = np.arctanh(r) + r / (2 * m) * (
        1 + (5 + r**2) / (4 * m) + (11 + 2 * r**2 + 3 * r**4) / (8 * m**2)
    )
    variance = (1 + (4 - r**2) / (2 * m) + (22 - 6 * r**2 - 3 * r**4) / (6 * m**2)) / m
    return mean, np.sqrt(variance)


def _filled_bins(pair: Pair, edges: FloatArray, fewest: int) -> tuple[FloatArray, FloatArray]:
    """Return edges and sums of independent pairs, bins joined until each holds enough."""
    if fewest < 4:
        raise InputError("z needs at least four pairs", value=fewest, allowed="min_pairs >= 4")
    if edges.size * pair.tb.size > _MOST_MARKS:
        raise InputError(
            "too many bins of lag for curves so long",
            value=f"{edges.size - 1} bins, {pair.tb.size} points",
            allowed=f"a product of at most {_MOST_MARKS}",
            hint="give fewer bins with lags=...",
        )
    while True:
        sums = _independent_sums(pair, edges)
        if np.all(sums[:, 0] >= fewest) or edges.size == 2:
            break
        edges = _joined(edges, sums[:, 0], fewest)
    return edges, _enough(sums, fewest)


def _independent_sums(pair: Pair, edges: FloatArray) -> FloatArray:
    from .correlation_kernels import COLUMNS, independent_pairs

    sums = np.zeros((edges.size - 1, COLUMNS))
    used = np.zeros((edges.size - 1, pair.tb.size), dtype=np.uint8)
    independent_pairs(pair.ta, pair.a, pair.tb, pair.b, edges, pair.same, used, sums)
    return sums


def _joined(edges: FloatArray, count: FloatArray, fewest: int) -> FloatArray:
    """Return fewer edges: a poor bin takes in what follows, the last what goes before."""
    kept, total = [float(edges[0])], 0.0
    for k in range(count.size):
        total += count[k]
        if total >= fewest:
            kept.append(float(edges[k + 1]))
            total = 0.0
    if total > 0 or len(kept) == 1:
        kept[-1 if len(kept) > 1 else 1 :] = [float(edges[-1])]
    return np.array(kept)


def require_alike(first: LightCurve, second: LightCurve) -> None:
    """Raise an InputError unless the times of two curves can be compared."""
    for name in ("time_unit", "mjdref", "time_system", "time_reference"):
        ours, theirs = getattr(first.info, name), getattr(second.info, name)
        if ours not in (None, "") and theirs not in (None, "") and ours != theirs:
            raise InputError(
                f"the two light curves differ in {name}",
                value=f"{ours} and {theirs}",
                hint="convert one of them: in_time_unit, with_mjdref",
            )


def _default_edges(first: LightCurve, second: LightCurve) -> FloatArray:
    times = [lc.time[lc.valid] for lc in (first, second)]
    if min(t.size for t in times) < 2:
        raise ShapeError("a correlation needs at least two valid bins in each curve")
    width = max(float(np.median(np.diff(t))) for t in times)
    reach = 0.5 * min(float(np.ptp(t)) for t in times)
    steps = max(1, math.floor(reach / width))
    return np.asarray(width * (np.arange(-steps, steps + 2) - 0.5), dtype=np.float64)


def _checked_edges(lags: ArrayLike) -> FloatArray:
    edges = as_array(lags, "lags", min_size=2)
    if np.any(np.diff(edges) <= 0):
        raise InputError("edges of lags must increase", value=float(edges[0]))
    return edges
