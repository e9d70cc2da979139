"""Counting the ordinal patterns of a series: in blocks, in several threads, from memory maps."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, ShapeError
from .series import (
    FloatArray,
    Series,
    as_series,
    check_delay,
    check_size,
    check_windows,
    converted,
    direct,
    n_states,
)

__all__ = [
    "BlockCounts",
    "OrdinalCounts",
    "count_in_blocks",
    "ordinal_counts",
    "ordinal_patterns",
    "patterns_of_codes",
]

IntArray = NDArray[np.int64]
DENSE = 7  # up to here every pattern has its place in a table; above, those that occur
_CHUNK = 1 << 15  # windows that are converted at a time, where a series cannot be used in place
_SPARSE_CHUNK = 1 << 17


@dataclass(frozen=True, eq=False)
class OrdinalCounts:
    """How often each ordinal pattern occurs.

    Attributes
    ----------
    n, delay : int
        Sample size and delay.
    codes : ndarray of int64, shape (k,)
        The patterns that occur, as Lehmer codes in rising order.
    counts : ndarray of int64, shape (k,)
    n_windows : int
        Windows that count.
    n_dropped : int
        Windows left out because samples are missing.
    """

    n: int
    delay: int
    codes: IntArray
    counts: IntArray
    n_windows: int
    n_dropped: int

    @property
    def patterns(self) -> IntArray:
        """The patterns that occur, shape (k, n): positions of the samples in rising order."""
        return patterns_of_codes(self.codes, self.n)

    @property
    def probabilities(self) -> FloatArray:
        """Relative frequencies of the patterns that occur, shape (k,)."""
        return self.counts / self.n_windows

    @property
    def n_states(self) -> int:
        """Number of possible patterns, n!."""
        return n_states(self.n)

    @property
    def n_missing(self) -> int:
        """Number of possible patterns that do not occur."""
        return self.n_states - self.codes.size

    def dense(self) -> IntArray:
        """Return the counts of all n! patterns by code.

        Raises
        ------
        InputError
            For n > 9, where the table would be larger than most series.
        """
        if self.n > 9:
            raise InputError(
                "a table of all patterns would be too large",
                value=f"{self.n_states} patterns",
                allowed="n <= 9",
                hint="use codes and counts, which hold the patterns that occur",
            )
        table = np.zeros(self.n_states, np.int64)
        table[self.codes] = self.counts
        return table

    def __str__(self) -> str:
        dropped = f", {self.n_dropped} dropped" if self.n_dropped else ""
        return (
            f"{self.codes.size} of {self.n_states} patterns (n = {self.n}, delay {self.delay}) "
            f"in {self.n_windows} windows{dropped}"
        )


@dataclass(frozen=True, eq=False)
class BlockCounts:
    """Counts of patterns in successive stretches of a series.

    Attributes
    ----------
    n, delay : int
    codes : ndarray of int64, shape (k,)
        Of the columns; for n <= 7 all n! patterns.
    table : ndarray of int64, shape (B, k)
    length : int
        Windows per block, before any are dropped.
    n_dropped : int
    """

    n: int
    delay: int
    codes: IntArray
    table: IntArray
    length: int
    n_dropped: int

    @property
    def total(self) -> OrdinalCounts:
        """The counts of the whole series."""
        counts = self.table.sum(axis=0)
        occurs = counts > 0
        windows = int(counts.sum())
        return OrdinalCounts(
            self.n, self.delay, self.codes[occurs], counts[occurs], windows, self.n_dropped
        )


def ordinal_counts(
    x: Any,
    *,
    n: int = 5,
    delay: int = 1,
    ties: Any = "order",
    missing: str | None = None,
    threads: int = 1,
) -> OrdinalCounts:
    """Return how often each ordinal pattern occurs in a series (Bandt & Pompe 2002).

    A window is `n` samples, `delay` samples apart, and starts at every sample; its pattern is the
    order of its values. Of equal values the earlier one is the smaller, unless `ties` says other.

    Parameters
    ----------
    x : array_like, memory map or LightCurve, shape (N,)
        A memory map, or numbers of another type, is read piece by piece.
    n : int
        Sample size (embedding dimension), 2 to 20.
    delay : int
        Samples between the samples of a window (sampling interval), >= 1.
    ties : {"order"}, Tolerance or Jitter
        What is done with equal values.
    missing : {"raise", "drop", "span"}, optional
        NaN and masked samples raise, or the windows that need one are dropped and counted;
        "span" drops also windows that step over one. By default "drop" for a light curve (on its
        regular grid), "raise" for an array.
    threads : int
        The counts are the same for any number.

    Returns
    -------
    OrdinalCounts

    Raises
    ------
    ShapeError
        If the series is shorter than one window, or every window has a missing sample.
    InputError, NonFiniteError

    Examples
    --------
    >>> import astrokit as ak
    >>> counts = ak.complexity.ordinal_counts([4, 7, 9, 10, 6, 11, 3], n=2)
    >>> counts.patterns.tolist(), counts.counts.tolist()
    ([[0, 1], [1, 0]], [4, 2])
    """
    series = as_series(x, missing=missing, ties=ties)
    return count_in_blocks(series, check_size(n), check_delay(delay), 1, threads).total


def ordinal_patterns(
    x: Any, *, n: int = 5, delay: int = 1, ties: Any = "order", missing: str | None = None
) -> IntArray:
    """Return the ordinal pattern of every window, as the order in which its samples rise.

    Parameters
    ----------
    x, n, delay, ties, missing
        As for :func:`ordinal_counts`.

    Returns
    -------
    ndarray of int64, shape (windows, n)
        Row i is the stable ``argsort`` of the window that starts at sample i; -1 in all columns
        where samples are missing.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.complexity.ordinal_patterns([4, 7, 9, 10, 6, 11, 3], n=3).tolist()
    [[0, 1, 2], [0, 1, 2], [2, 0, 1], [1, 0, 2], [2, 0, 1]]
    """
    series = as_series(x, missing=missing, ties=ties)
    n, delay = check_size(n), check_delay(delay)
    codes = window_codes(series, n, delay)
    patterns = np.full((codes.size, n), -1, np.int64)
    seen = codes >= 0
    patterns[seen] = patterns_of_codes(codes[seen], n)
    return patterns


def patterns_of_codes(codes: Any, n: int) -> IntArray:
    """Return patterns (positions of the samples in rising order) for Lehmer codes.

    Parameters
    ----------
    codes : array_like of int, shape (k,)
        From 0 to n! - 1.
    n : int

    Returns
    -------
    ndarray of int64, shape (k, n)

    Examples
    --------
    >>> from astrokit.complexity import patterns_of_codes
    >>> patterns_of_codes([0, 1, 5], 3).tolist()
    [[0, 1, 2], [0, 2, 1], [2, 1, 0]]
    """
    n = check_size(n)
    whole = np.asarray(codes)
    if whole.ndim != 1 or whole.dtype.kind not in "iu":
        raise InputError(
            "codes must be a row of whole numbers", value=f"{whole.dtype} {whole.shape}"
        )
    rest = whole.astype(np.int64)
    if rest.size and (rest.min() < 0 or rest.max() >= n_states(n)):
        raise InputError("codes are out of range", allowed=f"0 to {n_states(n) - 1}")
    ranks = np.zeros((rest.size, n), np.int64)
    for j in range(n - 1):  # digit j: how many later samples are smaller than sample j
        ranks[:, j], rest = np.divmod(rest, n_states(n - 1 - j))
    for j in range(n - 2, -1, -1):
        ranks[:, j + 1 :] += ranks[:, j + 1 :] >= ranks[:, j : j + 1]
    return np.argsort(ranks, axis=1)


# -- storeys below ---------------------------------------------------------------------------------


def count_in_blocks(
    series: Series, n: int, delay: int, n_blocks: int, threads: int = 1
) -> BlockCounts:
    """Return the counts in `n_blocks` stretches of nearly equal numbers of windows."""
    windows = check_windows(series.size, n, delay)
    edges = np.linspace(0, windows, min(n_blocks, windows) + 1).astype(np.int64)
    offsets = np.arange(n, dtype=np.int64) * delay
    return count_windows(series, offsets, edges, delay, None, threads)


def count_windows(
    series: Series,
    offsets: IntArray,
    edges: IntArray,
    delay: int,
    chosen: NDArray[np.bool_] | None,
    threads: int = 1,
) -> BlockCounts:
    """Return the counts of windows of any shape, in blocks that begin and end at `edges`.

    `chosen` says which windows there are at all, such as those that do not wrap around a row of
    an image; those with missing samples are dropped beside.
    """
    n, windows = offsets.size, int(edges[-1])
    usable = usable_windows(series, offsets, windows)
    dropped = 0 if usable is None else windows - int(usable.sum())
    if chosen is not None:
        usable = chosen if usable is None else usable & chosen
    if dropped == windows:
        raise ShapeError(
            "every window has a missing sample, so there are no patterns",
            value=f"{windows} windows of {n} samples, delay {delay}",
            hint="use a smaller n or delay"
            + (", or missing='drop'" if series.missing == "span" else ""),
        )
    if n <= DENSE:
        codes = np.arange(n_states(n), dtype=np.int64)
        table = _dense_table(series, edges, offsets, usable, check_threads(threads))
    else:
        codes, table = _sparse_table(series, edges, offsets, usable)
    return BlockCounts(n, delay, codes, table, windows // (edges.size - 1), dropped)


def usable_windows(series: Series, offsets: IntArray, windows: int) -> NDArray[np.bool_] | None:
    """Return which windows have all their samples; None if all do."""
    if series.valid is None:
        return None
    if series.missing == "span":
        gaps = np.concatenate([[0], np.cumsum(~series.valid)])
        return np.asarray(gaps[offsets[-1] + 1 :][:windows] == gaps[:windows])
    usable = series.valid[:windows].copy()
    for offset in offsets[1:]:
        usable &= series.valid[offset : offset + windows]
    return usable


def window_codes(series: Series, n: int, delay: int) -> IntArray:
    """Return the Lehmer code of every window, -1 where samples are missing."""
    from .kernels import long_codes

    windows = check_windows(series.size, n, delay)
    offsets = np.arange(n, dtype=np.int64) * delay
    codes = np.empty(windows, np.int64)
    for first, stop, piece, local in pieces(series, offsets, 0, windows, _SPARSE_CHUNK):
        long_codes(piece, 0, local, series.tolerance, codes[first:stop])
    usable = usable_windows(series, offsets, windows)
    if usable is not None:
        codes[~usable] = -1
    return codes


def check_threads(threads: int) -> int:
    if isinstance(threads, bool) or not isinstance(threads, int | np.integer) or threads < 1:
        raise InputError("threads must be a whole number >= 1", value=threads)
    return int(threads)


def _dense_table(
    series: Series,
    edges: IntArray,
    offsets: IntArray,
    usable: NDArray[np.bool_] | None,
    threads: int,
) -> IntArray:
    """Return counts (B, n!); threads share the windows, so that one block serves many of them."""
    share = np.linspace(edges[0], edges[-1], threads + 1).astype(np.int64)
    parts = [np.unique(np.clip(edges, a, b)) for a, b in itertools.pairwise(share)]
    shape = (edges.size - 1, n_states(offsets.size))

    def count(part: IntArray) -> IntArray:
        table = np.zeros(shape, np.int64)
        if part.size > 1:
            first = int(np.searchsorted(edges, part[0], side="right")) - 1
            _count_part(series, part, offsets, usable, table[first : first + part.size - 1])
        return table

    if threads == 1:
        return count(parts[0])
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        return np.asarray(sum(pool.map(count, parts)))


def _count_part(
    series: Series,
    edges: IntArray,
    offsets: IntArray,
    usable: NDArray[np.bool_] | None,
    table: IntArray,
) -> None:
    """Add the windows between the first and the last edge to the rows of `table`."""
    from .kernels import count_blocks

    everything = np.empty(0, np.bool_)
    start, stop = int(edges[0]), int(edges[-1])
    if direct(series.values):
        mask = everything if usable is None else usable
        count_blocks(series.values, edges, offsets, series.tolerance, mask, table)
        return
    for first, last, piece, local in pieces(series, offsets, start, stop, _CHUNK):
        here = np.unique(np.clip(edges, first, last))
        row = int(np.searchsorted(edges, here[0], side="right")) - 1
        mask = everything if usable is None else usable[first:last]
        rows = table[row : row + here.size - 1]
        count_blocks(piece, here - first, local, series.tolerance, mask, rows)


def pieces(
    series: Series, offsets: IntArray, start: int, stop: int, size: int
) -> Iterator[tuple[int, int, FloatArray, IntArray]]:
    """Yield first and last window, their samples as a fresh array, and the offsets in that array.

    Where a window is longer than a piece, only the samples that are needed are gathered.
    """
    span = int(offsets[-1])
    for first in range(start, stop, size):
        last = min(first + size, stop)
        m = last - first
        if span <= size:
            yield first, last, converted(series.values, first, last + span), offsets
            continue
        piece = np.empty((offsets.size, m))
        for j, offset in enumerate(offsets):
            piece[j] = series.values[first + offset : last + offset]
        yield first, last, piece.ravel(), np.arange(offsets.size, dtype=np.int64) * m


def _sparse_table(
    series: Series, edges: IntArray, offsets: IntArray, usable: NDArray[np.bool_] | None
) -> tuple[IntArray, IntArray]:
    """Return the codes that occur and their counts (B, k), for n above 7."""
    parts = [
        _sparse_counts(series, int(a), int(b), offsets, usable)
        for a, b in itertools.pairwise(edges)
    ]
    codes = np.unique(np.concatenate([codes for codes, _ in parts]))
    table = np.zeros((len(parts), codes.size), np.int64)
    for row, (own, counts) in zip(table, parts, strict=True):
        row[np.searchsorted(codes, own)] = counts
    return codes, table


def _sparse_counts(
    series: Series, start: int, stop: int, offsets: IntArray, usable: NDArray[np.bool_] | None
) -> tuple[IntArray, IntArray]:
    """Return codes and counts of the windows from `start` to `stop`."""
    from .kernels import long_codes

    codes, counts = np.empty(0, np.int64), np.empty(0, np.int64)
    for first, last, piece, local in pieces(series, offsets, start, stop, _SPARSE_CHUNK):
        found = np.empty(last - first, np.int64)
        long_codes(piece, 0, local, series.tolerance, found)
        if usable is not None:
            found = found[usable[first:last]]
        more = np.unique(found, return_counts=True)
        codes, counts = _merged(codes, counts, *more)
    return codes, counts


def _merged(
    codes: IntArray, counts: IntArray, more_codes: IntArray, more_counts: IntArray
) -> tuple[IntArray, IntArray]:
    """Return two sorted tables of counts as one."""
    union, where = np.unique(np.concatenate([codes, more_codes]), return_inverse=True)
    total = np.zeros(union.size, np.int64)
    np.add.at(total, where, np.concatenate([counts, more_counts]))
    return union, total
