"""Tests that ranks are uniform: histogram and cumulative, and the bands that belong to them."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

__all__ = ["ecdf_band", "ecdf_p_value", "rank_histogram", "uniformity_p_value"]

FloatArray = NDArray[np.float64]
_NULL_SETS = 2000  # simulated sets of uniform ranks
_POINTS = 50  # where the cumulative distributions are compared


def rank_histogram(
    ranks: ArrayLike, draws: int, bins: int = 20
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return edges ``(b + 1,)`` and counts ``(b,)`` of ranks 0 to `draws`.

    The number of bins is the largest one up to `bins` that divides ``draws + 1``, so that all
    bins expect the same count.

    Examples
    --------
    >>> from astrokit.inference.ranks import rank_histogram
    >>> rank_histogram([0, 1, 2, 3], 3, 2)[1].tolist()
    [2, 2]
    """
    ranks = _checked(ranks, draws)
    n_bins = max(b for b in range(1, min(bins, draws + 1) + 1) if (draws + 1) % b == 0)
    edges = np.linspace(0, draws + 1, n_bins + 1) - 0.5
    return edges, np.histogram(ranks, edges)[0].astype(np.int64)


def uniformity_p_value(ranks: ArrayLike, draws: int, bins: int = 20) -> float:
    """Return the p-value of Pearson's chi2 that the rank histogram is flat."""
    from scipy.special import chdtrc

    _, counts = rank_histogram(ranks, draws, bins)
    expected = counts.sum() / counts.size
    chi2 = float(((counts - expected) ** 2).sum() / expected)
    return float(chdtrc(max(counts.size - 1, 1), chi2))


def ecdf_p_value(ranks: ArrayLike, draws: int) -> float:
    """Return the p-value of the largest departure of the cumulative distribution of ranks.

    At each of up to 50 places the count of ranks below is binomial; the statistic is the smallest
    two-sided tail probability over all places, its distribution simulated from uniform ranks
    (Saeilynoja, Buerkner & Vehtari 2022, Stat. Comput. 32, 32).
    """
    ranks = _checked(ranks, draws)
    places, share = _places(draws)
    observed = _smallest_tail(_counts_below(ranks[None, :], places), share, ranks.size)[0]
    null = _null(ranks.size, draws)
    return float((np.count_nonzero(null <= observed) + 1) / (null.size + 1))


def ecdf_band(n: int, draws: int, level: float = 0.95) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return share expected below, and the ends of the simultaneous band for `n` ranks.

    A whole cumulative distribution of uniform ranks stays inside with probability `level`.
    """
    from scipy.stats import binom

    _, share = _places(draws)
    tail = float(np.quantile(_null(n, draws), 1 - level))
    low, high = binom.ppf(0.5 * tail, n, share), binom.isf(0.5 * tail, n, share)
    return share, low / n, high / n


def _checked(ranks: ArrayLike, draws: int) -> NDArray[np.int64]:
    array = np.asarray(ranks)
    if array.ndim != 1 or array.size == 0:
        raise InputError("ranks must be a list of numbers", value=f"shape {array.shape}")
    if array.min() < 0 or array.max() > draws:
        raise InputError(
            "a rank is impossible", value=(array.min(), array.max()), allowed=f"0 to {draws}"
        )
    return array.astype(np.int64)


def _places(draws: int) -> tuple[NDArray[np.int64], FloatArray]:
    """Return ranks at which to compare, and the share expected below each."""
    places = np.unique(np.linspace(1, draws, min(_POINTS, draws)).astype(np.int64))
    return places, places / (draws + 1)


def _counts_below(ranks: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many of each row of ranks lie below each place, shape ``(sets, places)``."""
    ordered = np.sort(ranks, axis=1)
    return np.array([np.searchsorted(row, places, side="left") for row in ordered])


def _smallest_tail(counts: NDArray[np.int64], share: FloatArray, n: int) -> FloatArray:
    """Return the smallest two-sided binomial tail probability of each row of counts."""
    from scipy.special import bdtr, bdtrc

    at_most = bdtr(counts, n, share)
    at_least = np.where(counts > 0, bdtrc(np.maximum(counts - 1, 0), n, share), 1.0)
    tails: FloatArray = np.minimum(1.0, 2 * np.minimum(at_most, at_least)).min(axis=1)
    return tails


@functools.lru_cache(maxsize=8)
def _null(n: int, draws: int) -> FloatArray:
    """Return the statistic for sets of `n` uniform ranks; the same sets at every call."""
    rng = np.random.default_rng(20_240_601)
    places, share = _places(draws)
    pieces = []
    for _ in range(0, _NULL_SETS, 100):
        ranks = rng.integers(0, draws + 1, (100, n))
        pieces.append(_smallest_tail(_counts_below(ranks, places), share, n))
    return np.concatenate(pieces)
