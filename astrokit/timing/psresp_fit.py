"""Numbers of simulated and observed binned periodograms: distances, amplitudes, orderings."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..parallel import map_items

__all__ = ["Match", "Response", "all_matches", "likelihood_ratio_p"]

FloatArray = NDArray[np.float64]
_STEP = 0.02  # of ln amplitude in derivatives
_MOST_STEPS = 40
_SETTLED = 1e-4  # of ln amplitude
_REACH = 12.0  # in ln amplitude, around the amplitude without noise
_MOST_WORK = 1.5e10  # multiplications in likelihood ratios: some seconds
_FEWEST_RATIOS = 100  # simulations a point
_ROUNDING = 1e-9
_POINTS_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class Match:
    """How one spectrum compares with the observation, its amplitude chosen best.

    Attributes
    ----------
    log_amplitude : float
        ln of the factor on the spectrum.
    mean, scatter : ndarray, shape (bins,)
        Of the simulated log10 powers.
    simulated : ndarray, shape (n, bins)
        log10 powers.
    gradient : ndarray, shape (bins,)
        Of the mean, per ln amplitude.
    distance : float
        The observation's chi2 of the bins one by one (Uttley et al. 2002).
    distances : ndarray, shape (n,)
        The same for each simulation, its amplitude chosen best as well.
    statistic : float
        -2 ln of the normal likelihood of all bins with their covariance.
    """

    log_amplitude: float
    mean: FloatArray
    scatter: FloatArray
    simulated: FloatArray
    gradient: FloatArray
    distance: float
    distances: FloatArray
    statistic: float

    @property
    def success_fraction(self) -> float:
        """Fraction of simulations further from their mean than the observation; never zero."""
        n = self.distances.size
        return float((1 + np.sum(self.distances >= self.distance)) / (1 + n))

    @property
    def whitening(self) -> tuple[FloatArray, float]:
        """Matrix that whitens deviations and removes the amplitude, and ln of the determinant."""
        low = np.linalg.cholesky(np.cov(self.simulated, rowvar=False))
        white = np.linalg.solve(low, np.eye(self.mean.size))
        along = white @ self.gradient
        length = float(np.linalg.norm(along))  # zero where noise hides the source altogether
        along = along / length if length > 0 else along
        return white - np.outer(along, along @ white), 2.0 * float(np.log(np.diag(low)).sum())


class Response:
    """Binned periodograms of any spectrum of a family, from one set of draws.

    Parameters
    ----------
    products : ndarray, shape (n, bins, pairs)
        From :class:`~astrokit.timing.psresp_draws.BandedDraws`.
    observed : ndarray, shape (bins,)
        The binned periodogram of the observation.
    """

    def __init__(self, products: FloatArray, observed: FloatArray) -> None:
        self.n, self.bins, pairs = products.shape
        rows = int((np.sqrt(8 * pairs + 1) - 1) / 2)
        self.observed = np.log10(observed)
        at, to = np.tril_indices(rows)
        source = at < rows - 1
        self._source = np.ascontiguousarray(products[:, :, source]).reshape(self.n * self.bins, -1)
        cross = (at == rows - 1) & (to < rows - 1)
        self._cross = np.ascontiguousarray(products[:, :, cross]).reshape(self.n * self.bins, -1)
        self._noise = np.ascontiguousarray(products[:, :, -1])
        self._pairs = at[source], to[source]

    def powers(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return terms of the power of spectra with `weights` ``(k, bands)``: ``(k, n, bins)``.

        The first is that of the source, the second is mixed with the noise.
        """
        at, to = self._pairs
        pairs = weights[:, at] * weights[:, to] * np.where(at == to, 1.0, 2.0)
        shape = (len(weights), self.n, self.bins)
        source = (pairs @ self._source.T).reshape(shape)
        return source, 2.0 * (weights @ self._cross.T).reshape(shape)

    def match(self, weights: FloatArray) -> Match:
        """Return the best match of the spectrum with these weights ``(bands,)``."""
        return self.matches(weights[None, :])[0]

    def matches(self, weights: FloatArray) -> list[Match]:
        """Return the best match of each of some spectra, ``(k, bands)``."""
        return [self._match(*terms) for terms in zip(*self.powers(weights), strict=True)]

    def _match(self, source: FloatArray, mixed: FloatArray) -> Match:
        start = self._start(source)
        y = start
        for _ in range(_MOST_STEPS):
            log_power = self._log_power(source, mixed, y)
            mean, scatter = log_power.mean(axis=0), log_power.std(axis=0, ddof=1)
            ahead = self._log_power(source, mixed, y + _STEP).mean(axis=0)
            gradient = (ahead - mean) / _STEP
            pull = gradient / scatter**2
            step = float((pull @ (self.observed - mean)) / max(pull @ gradient, 1e-300))
            new = float(np.clip(y + np.clip(step, -2.0, 2.0), start - _REACH, start + _REACH))
            if abs(new - y) < _SETTLED:
                break
            y = new
        left, away = self.observed - mean, log_power - mean
        norm = max(float(pull @ gradient), 1e-300)
        distances = ((away / scatter) ** 2).sum(axis=1) - (away @ pull) ** 2 / norm
        distance = float(((left / scatter) ** 2).sum() - (left @ pull) ** 2 / norm)
        found = Match(y, mean, scatter, log_power, gradient, distance, distances, np.nan)
        white, log_determinant = found.whitening
        statistic = float(((white @ left) ** 2).sum() + log_determinant)
        return Match(y, mean, scatter, log_power, gradient, distance, distances, statistic)

    def _start(self, source: FloatArray) -> float:
        """Return ln amplitude as if there were no noise, from the strongest bins."""
        excess = 10.0**self.observed - self._noise.mean(axis=0)
        ratio = np.maximum(excess, 1e-3 * 10.0**self.observed) / source.mean(axis=0)
        return float(np.median(np.log(ratio)))

    def _log_power(self, source: FloatArray, mixed: FloatArray, y: float) -> FloatArray:
        # Powers are squares, so positive; rounding of a sum of opposite terms is not.
        total = np.exp(y) * source + np.exp(0.5 * y) * mixed + self._noise
        return np.log10(np.maximum(total, 1e-12 * self._noise + 1e-300))


def all_matches(
    response: Response, weights: FloatArray, executor: Executor | None = None
) -> list[Match]:
    """Return the match of each spectrum ``(points, bands)``, some at a time."""
    some = [weights[i : i + _POINTS_AT_ONCE] for i in range(0, len(weights), _POINTS_AT_ONCE)]
    return [m for part in map_items(response.matches, some, executor=executor) for m in part]


def likelihood_ratio_p(
    matches: list[Match], observed: FloatArray, executor: Executor | None = None
) -> FloatArray:
    """Return p-values ``(points,)`` of spectra by the likelihood ratio, among simulations.

    At each point the statistic of the observation less its smallest at all points is held against
    the same for simulations of that point, each of them matched with all points as well (Feldman
    & Cousins 1998).

    Raises
    ------
    InputError
        For powers that are not finite.
    """
    if not all(np.isfinite(m.simulated).all() for m in matches):
        raise InputError("simulated powers are not finite", hint="check the model at the grid")
    table = _table(matches, observed)
    work = len(matches) ** 2 * (table[0].shape[1] + observed.size)
    used = min(matches[0].simulated.shape[0], max(_FEWEST_RATIOS, int(_MOST_WORK / work)))
    found = _statistics(np.zeros((1, observed.size)), table)[0]
    items = [(i, m.simulated[:used] - observed) for i, m in enumerate(matches)]
    function = partial(_p_value, table=table, excess=found - found.min())
    return np.array(map_items(function, items, executor=executor))


def _p_value(
    item: tuple[int, FloatArray], *, table: tuple[FloatArray, ...], excess: FloatArray
) -> float:
    """Return the p-value of one point from simulations ``(n, bins)`` of it."""
    i, simulated = item
    at_all = _statistics(simulated, table)
    null = at_all[:, i] - at_all.min(axis=1)
    return float((1 + np.sum(null >= excess[i] - _ROUNDING)) / (1 + len(simulated)))


def _table(matches: list[Match], center: FloatArray) -> tuple[FloatArray, ...]:
    """Return the statistic of each point as a quadratic form around `center`.

    The center is the observation, near all data, so that squares of large numbers do not cancel.
    """
    low = np.tril_indices(center.size)
    double = np.where(low[0] == low[1], 1.0, 2.0)
    quadratic, linear, offset = [], [], []
    for m in matches:
        white, log_determinant = m.whitening
        K, away = white.T @ white, center - m.mean
        quadratic.append(K[low] * double)
        linear.append(2.0 * K @ away)
        offset.append(away @ K @ away + log_determinant)
    return np.array(quadratic), np.array(linear), np.array(offset)


def _statistics(x: FloatArray, table: tuple[FloatArray, ...]) -> FloatArray:
    """Return the statistic of data ``(n, bins)``, less the center: ``(n, points)``."""
    quadratic, linear, offset = table
    low = np.tril_indices(x.shape[1])
    features = x[:, low[0]] * x[:, low[1]]
    return features @ quadratic.T + x @ linear.T + offset
