r"""Standard errors and bias of H and C from the counts in blocks of a series.

Overlapping windows are not independent, so multinomial errors are wrong. The counts in successive
blocks are nearly independent if blocks are long; their scatter gives the covariance S of the
pattern frequencies p. With gradient g and Hessian A of a statistic its bias is tr(AS)/2 and its
variance g'Sg + tr(ASAS)/2. Both need S only through B x B matrices of the B blocks. At the
measured p, g'Sg is too large by tr(ASAS) on average; this is taken off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .entropies import divergence, divergence_scale, shannon

if TYPE_CHECKING:
    from .counting import BlockCounts, OrdinalCounts

__all__ = [
    "FEW",
    "BlockErrors",
    "block_errors",
    "default_blocks",
    "merged_table",
    "too_few_windows",
]

FloatArray = NDArray[np.float64]
MOST_BLOCKS, FEWEST_BLOCKS = 100, 16
FEW = 25  # windows per pattern; measured, see the page on calibration
_SPANS = 10  # windows' lengths in a block, at least: ends of blocks share samples
_LONG = 100  # windows' lengths in a block, above which its ends do not matter
_GAINS = (0.8, 2.0)  # of the variance by extrapolation to long blocks
_MERGE, _WARN = 2.0, 3.5  # standard errors of the correlation of neighbouring blocks


@dataclass(frozen=True)
class BlockErrors:
    """Bias and covariance of (H, C).

    Attributes
    ----------
    bias : tuple of float
        Of H and of C: expectation minus long-run value.
    covariance : tuple of tuple of float
        2 x 2.
    n_blocks : int
    length : int
        Windows per block.
    correlated : bool
        Whether neighbouring blocks are still correlated: errors are then too small.
    """

    bias: tuple[float, float]
    covariance: tuple[tuple[float, float], tuple[float, float]]
    n_blocks: int
    length: int
    correlated: bool

    @property
    def errors(self) -> tuple[float, float]:
        """Standard errors of H and C; NaN with fewer than two blocks."""
        return math.sqrt(self.covariance[0][0]), math.sqrt(self.covariance[1][1])


def default_blocks(windows: int, n: int, delay: int) -> int:
    """Return how many blocks to begin with: 100, fewer for large n and in short series."""
    most = {6: 64}.get(n, MOST_BLOCKS if n < 6 else 24)  # 24 rows of 5040 counts are 1 MB
    return max(1, min(most, windows // (_SPANS * (delay * (n - 1) + 1))))


def too_few_windows(counts: OrdinalCounts) -> bool:
    """Return whether patterns that occur have fewer than 25 windows each, on average.

    The series of second order for bias and variance then misses terms, and patterns that are
    probable enough to matter do not occur at all: errors are too small.
    """
    return counts.n_windows < FEW * counts.codes.size


def merged_table(table: NDArray[np.int64], factor: int) -> NDArray[np.int64]:
    """Return the counts in blocks `factor` times longer; the last one may be shorter."""
    starts = np.arange(0, table.shape[0], factor)
    return np.add.reduceat(table, starts, axis=0)


def block_errors(blocks: BlockCounts, n_states: int, *, adapt: bool = True) -> BlockErrors:
    """Return bias and covariance of (H, C) from the counts in blocks.

    Parameters
    ----------
    blocks : BlockCounts
    n_states : int
        n!.
    adapt : bool
        Merge neighbouring blocks while they are correlated and 32 or more are left.

    Returns
    -------
    BlockErrors
        NaN where there are fewer than two blocks.
    """
    table, length = blocks.table, blocks.length
    while True:
        parts = _Parts.of(table, n_states)
        merge = parts is not None and _is_correlated(parts.gradients, _MERGE)
        if not (adapt and merge and table.shape[0] >= 2 * FEWEST_BLOCKS):
            break
        table, length = merged_table(table, 2), 2 * length
    if parts is None:
        nan = math.nan
        return BlockErrors((nan, nan), ((nan, nan), (nan, nan)), table.shape[0], length, False)
    correlated = _is_correlated(parts.gradients, _WARN)
    bias, covariance = _moments(parts)
    if adapt and length < _LONG * (blocks.delay * (blocks.n - 1) + 1):
        bias, covariance = _extrapolated(bias, covariance, table, n_states)
    errors = (float(covariance[0, 0]), float(covariance[0, 1]), float(covariance[1, 1]))
    return BlockErrors(
        (float(bias[0]), float(bias[1])),
        ((errors[0], errors[1]), (errors[1], errors[2])),
        table.shape[0],
        length,
        correlated,
    )


def _extrapolated(
    bias: FloatArray, covariance: FloatArray, table: NDArray[np.int64], n_states: int
) -> tuple[FloatArray, FloatArray]:
    """Return what infinitely long blocks would give.

    Correlation across the ends of blocks is lost, which costs a share of the variance that goes
    as one over their length; pairs of blocks lose half of it.
    """
    pairs = _Parts.of(merged_table(table, 2), n_states)
    if pairs is None or pairs.gradients.shape[1] < FEWEST_BLOCKS // 2:
        return bias, covariance
    twice_bias, twice = _moments(pairs)
    known = covariance.diagonal() > 0
    gain = np.ones(2)
    gain[known] = 2 * twice.diagonal()[known] / covariance.diagonal()[known] - 1
    gain = np.clip(gain, *_GAINS)
    bias_gain = np.ones(2)
    bias_gain[bias != 0] = 2 * twice_bias[bias != 0] / bias[bias != 0] - 1
    factor = np.sqrt(np.outer(gain, gain))
    return bias * np.clip(bias_gain, *_GAINS), covariance * factor


@dataclass(frozen=True)
class _Parts:
    """Gradients (2, B) and Hessians (2, B, B) of H and C in the space of blocks."""

    gradients: FloatArray
    hessians: FloatArray

    @classmethod
    def of(cls, table: NDArray[np.int64], n_states: int) -> _Parts | None:
        occurs = table.sum(axis=0) > 0
        counts = table[:, occurs].astype(float)
        sizes = counts.sum(axis=1)
        counts, sizes = counts[sizes > 0], sizes[sizes > 0]
        B, M = sizes.size, sizes.sum()
        if B < 2:
            return None
        p = counts.sum(axis=0) / M
        counts -= np.outer(sizes, p)
        counts *= math.sqrt(B / (B - 1)) / M
        X = counts
        u, log_n = 1.0 / n_states, math.log(n_states)
        H, J = float(shannon(p)) / log_n, float(divergence(p, n_states))
        q = divergence_scale(n_states)
        log_p, log_m = np.log(p), np.log(0.5 * (p + u))
        h = X @ (-log_p / log_n)  # constants drop out: rows of X sum to zero
        j = X @ (0.5 * (log_p - log_m))
        A_h = (X * (-1 / (p * log_n))) @ X.T
        A_j = (X * (0.5 / p - 0.5 / (p + u))) @ X.T
        A_c = q * (H * A_j + J * A_h + np.outer(h, j) + np.outer(j, h))
        return cls(np.array([h, q * (H * j + J * h)]), np.array([A_h, A_c]))


def _moments(parts: _Parts) -> tuple[FloatArray, FloatArray]:
    """Return bias (2,) and covariance (2, 2) of (H, C)."""
    g, A = parts.gradients, parts.hessians
    traces = np.trace(A, axis1=1, axis2=2)
    nu = A.shape[1] - 1
    # Of a sum of nu outer products tr(SS) is too large by its own scatter; for nu = 1 it is all
    # scatter, and the product of traces stands for it.
    squares = np.einsum("aij,bij->ab", A, A)
    if nu > 1:
        squares = (squares - np.outer(traces, traces) / nu) * nu**2 / ((nu - 1) * (nu + 2))
        np.fill_diagonal(squares, np.maximum(squares.diagonal(), 0.0))
    covariance = _not_negative(g @ g.T - squares) + 0.5 * squares
    return 0.5 * traces, covariance


def _not_negative(matrix: FloatArray) -> FloatArray:
    """Return the nearest matrix without negative eigenvalues, in units of its own diagonal.

    What is left of g'Sg without its noise is the first-order part of the covariance; where the
    gradient vanishes (white noise) it scatters around zero.
    """
    scale = np.sqrt(np.abs(matrix.diagonal()))
    scale[scale == 0] = 1.0
    values, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
    kept = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return np.asarray(kept * np.outer(scale, scale))


def _is_correlated(gradients: FloatArray, limit: float) -> bool:
    """Return whether neighbouring blocks deviate together, in H or in C."""
    B = gradients.shape[1]
    if B < FEWEST_BLOCKS:
        return False
    power = np.sum(gradients**2, axis=1)
    neighbours = np.sum(gradients[:, 1:] * gradients[:, :-1], axis=1)
    known = power > 0
    return bool(np.any(neighbours[known] / power[known] > limit / math.sqrt(B)))
