"""Block bootstrap of entropy and complexity: intervals from resampled stretches of the series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import CoverageWarning, InputError, ShapeError
from ..estimate import ONE_SIGMA, Estimate
from ..randomness import SeedLike, as_generator, as_seed_sequence
from .counting import BlockCounts, count_in_blocks
from .entropies import jensen_complexity, normalized_entropy
from .measures import CITATIONS
from .noise import require_count
from .series import as_series, check_delay, check_size, check_windows, n_states
from .uncertainty import (
    FEW,
    BlockErrors,
    block_errors,
    default_blocks,
    merged_table,
    too_few_windows,
)

if TYPE_CHECKING:
    from ..provenance import Provenance

__all__ = ["Bootstrap", "block_bootstrap"]

FloatArray = NDArray[np.float64]
_FEWEST = 8
_CELLS = 1 << 19  # of a table of resampled frequencies that is held at a time: 4 MB


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Intervals of H and C by block bootstrap.

    Attributes
    ----------
    entropy, complexity : Estimate
        Long-run values: bias taken off, with lower and upper errors at the level asked for.
    bias : tuple of float
        What was taken off.
    replicates : ndarray, shape (n_resamples, 2)
        H and C of the resampled series; their scatter is that of the series plus the noise of the
        frequencies that were resampled, for which the intervals are corrected.
    n_blocks, block_length : int
    provenance : Provenance
    """

    entropy: Estimate
    complexity: Estimate
    bias: tuple[float, float]
    replicates: FloatArray
    n_blocks: int
    block_length: int
    provenance: Provenance

    def __str__(self) -> str:
        return (
            f"{self.entropy}\n{self.complexity}\n"
            f"({len(self.replicates)} resamples of {self.n_blocks} blocks of "
            f"{self.block_length} windows)"
        )

    __repr__ = __str__


def block_bootstrap(
    x: Any,
    *,
    n: int = 5,
    delay: int = 1,
    block_length: int | None = None,
    n_resamples: int = 1000,
    level: float = ONE_SIGMA,
    missing: str | None = None,
    seed: SeedLike = None,
) -> Bootstrap:
    """Return bias-corrected H and C with intervals from a block bootstrap.

    Whole blocks of windows are drawn with replacement, so that overlap and memory within them are
    kept. Resampled frequencies scatter around the measured ones, which scatter themselves; where
    the gradient vanishes (white noise) plain intervals are therefore too wide, and their width is
    corrected by the same second-order terms as in :func:`hc`.

    Parameters
    ----------
    x, n, delay, missing
        As for :func:`ordinal_counts`.
    block_length : int, optional
        Windows per block. By default so that there are 100 blocks (fewer in short series), and
        longer where neighbouring blocks are correlated.
    n_resamples : int
    level : float
        Probability content of the intervals.
    seed : int, SeedSequence or Generator, optional

    Returns
    -------
    Bootstrap

    Raises
    ------
    ShapeError
        For fewer than 8 blocks.
    InputError, NonFiniteError

    Warns
    -----
    CoverageWarning
        If neighbouring blocks are correlated even when they cannot be made longer, or there are
        fewer than 25 windows per pattern that occurs.

    Examples
    --------
    >>> import astrokit as ak
    >>> x = ak.complexity.autoregressive_noise(5000, coefficient=0.5, seed=1)
    >>> b = ak.complexity.block_bootstrap(x, n=3, seed=2)
    >>> print(b.entropy)
    entropy = 0.9934 +/- 0.0011
    """
    from ..provenance import Recorder

    n, delay = check_size(n), check_delay(delay)
    level = as_scalar(level, "level", minimum=0.01, maximum=0.999)
    require_count(n_resamples, "n_resamples", 100)
    sequence = as_seed_sequence(seed)
    recorder = Recorder(
        "astrokit.complexity.block_bootstrap",
        {"n": n, "delay": delay, "block_length": block_length, "n_resamples": n_resamples},
        seed=sequence,
        citations=CITATIONS,
    )
    blocks, errors = _blocks(as_series(x, missing=missing), n, delay, block_length)
    if errors.correlated:
        recorder.warn(
            f"neighbouring blocks of {errors.length} windows are correlated: the intervals are "
            "too narrow, and a longer series or a larger block_length is needed",
            CoverageWarning,
        )
    counts = blocks.total
    if too_few_windows(counts):
        recorder.warn(
            f"{counts.n_windows} windows show {counts.codes.size} patterns, fewer than {FEW} "
            "windows each: intervals cover less than they say; use a smaller n",
            CoverageWarning,
        )
    replicates = resampled(blocks, n_resamples, as_generator(sequence))
    p, N = counts.probabilities, n_states(n)
    values = (float(normalized_entropy(p, N)), float(jensen_complexity(p, N)))
    H, C = (_interval(values[k], replicates[:, k], errors, k, level) for k in range(2))
    made = recorder.finish()
    return Bootstrap(H, C, errors.bias, replicates, errors.n_blocks, errors.length, made)


def resampled(blocks: BlockCounts, n_resamples: int, rng: np.random.Generator) -> FloatArray:
    """Return H and C (n_resamples, 2) of blocks drawn with replacement."""
    occurs = blocks.table.sum(axis=0) > 0
    table = blocks.table[:, occurs].astype(float)
    B, N = table.shape[0], n_states(blocks.n)
    out = np.empty((n_resamples, 2))
    step = max(1, _CELLS // table.shape[1])
    for first in range(0, n_resamples, step):
        m = min(step, n_resamples - first)
        times = rng.multinomial(B, np.full(B, 1 / B), size=m).astype(float)
        counts = times @ table
        p = counts / counts.sum(axis=1, keepdims=True)
        out[first : first + m, 0] = normalized_entropy(p, N)
        out[first : first + m, 1] = jensen_complexity(p, N)
    return out


def _blocks(
    series: Any, n: int, delay: int, block_length: int | None
) -> tuple[BlockCounts, BlockErrors]:
    """Return the counts in the blocks that are resampled, and their errors."""
    windows = check_windows(series.size, n, delay)
    if block_length is None:
        number = default_blocks(windows, n, delay)
    else:
        number = windows // require_count(block_length, "block_length")
    if number < _FEWEST:
        raise ShapeError(
            "there are too few blocks to resample",
            value=f"{number} blocks from {windows} windows",
            allowed=f"at least {_FEWEST}",
            hint="use a shorter block_length, or a longer series",
        )
    blocks = count_in_blocks(series, n, delay, number)
    sizes = blocks.table.sum(axis=1)
    if np.sum(sizes > 0) < _FEWEST:
        raise InputError("too few blocks have windows without missing samples", value=int(number))
    errors = block_errors(blocks, n_states(n), adapt=block_length is None)
    factor = max(1, round(errors.length / blocks.length))
    table = merged_table(blocks.table, factor)
    table = table[table.sum(axis=1) > 0]
    return BlockCounts(n, delay, blocks.codes, table, errors.length, blocks.n_dropped), errors


def _interval(
    value: float, replicates: FloatArray, errors: BlockErrors, k: int, level: float
) -> Estimate:
    """Return the corrected value with the basic bootstrap interval of the right width."""
    from scipy.stats import norm, t

    scatter = float(replicates.std())
    center = value - errors.bias[k]
    method = f"block bootstrap, {errors.n_blocks} blocks of {errors.length} windows, bias taken off"
    name = ("entropy", "complexity")[k]
    if scatter == 0:
        return Estimate(center, 0.0, level=level, name=name, method=method)
    tail = 0.5 * (1 + level)
    few = float(t.ppf(tail, errors.n_blocks - 1) / norm.ppf(tail))  # the scatter of few blocks
    width = few * errors.errors[k] / scatter
    low, high = np.quantile(replicates - replicates.mean(), [1 - tail, tail]) * width
    # What the replicates do to the measured value, the measured value does to the true one.
    return Estimate(center, max(float(high), 0.0), max(float(-low), 0.0), None, level, method, name)
