r"""Bins of a process whose covariance is a sum of exponentials.

Where the process has covariance :math:`\mathrm{Re} \sum_k a_k e^{-\lambda_k \tau}`, averages over
bins that do not overlap have one of the same form, with closed factors for each bin. What is
computed here are differences of neighbouring bins: they do not know the mean, and every factor is
written so that slow terms (:math:`\lambda \to 0`) lose no digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bins", "DifferenceTerms", "Tables", "grid_autocovariance"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
IntArray = NDArray[np.int64]
AnyArray: TypeAlias = NDArray[Any]
Tables: TypeAlias = tuple[FloatArray, FloatArray, FloatArray, FloatArray, IntArray, IntArray]

_ROWS_AT_ONCE = 8192


@dataclass(frozen=True, eq=False)
class Bins:
    """Time bins that do not overlap, on a regular grid or at any times.

    Attributes
    ----------
    start, width : ndarray, shape (n,)
        From the start of the first bin; a width may be zero (a sample).
    position : ndarray of int, shape (n,), or None
        Place of each bin on the regular grid; None where there is no grid.
    spacing : float
        Of the grid; else the median distance of neighbours.
    """

    start: FloatArray
    width: FloatArray
    position: IntArray | None
    spacing: float

    @property
    def n(self) -> int:
        """Number of bins."""
        return self.start.size

    @property
    def duration(self) -> float:
        """From the first bin to the last."""
        if self.position is not None:
            return float(self.position[-1] + 1) * self.spacing
        return float(self.start[-1] + self.width[-1] - self.start[0])

    @property
    def closest(self) -> float:
        """Smallest distance of neighbours that counts: at least 1/1000 of the spacing."""
        if self.position is not None:
            return self.spacing
        middle = self.start + 0.5 * self.width
        return max(float(np.diff(middle).min()), 1e-3 * self.spacing)

    @property
    def exposure(self) -> FloatArray:
        """Widths, with the spacing in place of zero: what white noise is averaged over."""
        return np.where(self.width > 0, self.width, self.spacing)

    def gaps(self) -> FloatArray:
        """Return the time from the end of each bin to the start of the next, shape ``(n - 1,)``."""
        if self.position is not None:
            return np.maximum(np.diff(self.position) * self.spacing - self.width[:-1], 0.0)
        return np.maximum(np.diff(self.start) - self.width[:-1], 0.0)

    def kinds(self) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Return which differences are alike: one of each, and the kind of every one; same of bins.

        On a regular grid of equal bins a difference is known by the number of steps it spans.
        """
        everyone = np.arange(self.n, dtype=np.int64)
        if self.position is None or np.ptp(self.width) > 0:
            return everyone[:-1], everyone[:-1], everyone, everyone
        _, first, kind = np.unique(np.diff(self.position), return_index=True, return_inverse=True)
        none = np.zeros(self.n, dtype=np.int64)
        return first.astype(np.int64), kind.astype(np.int64), none[:1], none


@dataclass(frozen=True, eq=False)
class DifferenceTerms:
    """Differences of neighbouring bins under terms ``exp(-rate tau)``, each of weight one.

    Attributes
    ----------
    tables : tuple
        What the kernels of :mod:`.semiseparable_kernels` read.
    """

    tables: Tables
    _variance: AnyArray  # (kinds, r)
    _beside: AnyArray  # (pairs of kinds, r)
    _pair: IntArray  # (n - 2,)

    @classmethod
    def of(cls, bins: Bins, rate: FloatArray) -> DifferenceTerms:
        """Return the terms for real rates ``(r,)``."""
        first, kind, widths, width = bins.kinds()
        gap = bins.gaps()
        pairs = kind[:-1] * np.int64(kind.max() + 1) + kind[1:]
        _, where, pair = np.unique(pairs, return_index=True, return_inverse=True)
        U, V, q, variance = _in_blocks(
            _one_difference, rate, bins.width[first], gap[first], bins.width[first + 1]
        )
        widths_in_a_row = [bins.width[where + k] for k in range(3)]
        (beside,) = _in_blocks(
            lambda *arrays: (_two_differences(*arrays),),
            rate,
            *widths_in_a_row,
            *(gap[where + k] for k in range(2)),
        )
        inside = np.exp(-bins.width[widths][:, None] * rate)
        tables = (U, V, q, inside, kind, width)
        return cls(tables, variance, beside, pair.astype(np.int64))

    @classmethod
    def oscillating(
        cls, bins: Bins, rate: ComplexArray, weight: ComplexArray
    ) -> tuple[DifferenceTerms, FloatArray, FloatArray]:
        """Return two real terms for each complex one, variances and covariances of neighbours.

        The weights are in the terms: those of the kernel are one.
        """
        gap, width = bins.gaps(), bins.width
        start = bins.start - bins.start[0]
        U, V, _, variance = _one_difference(rate, width[:-1], gap, width[1:])
        beside = _two_differences(rate, width[:-2], width[1:-1], width[2:], gap[:-1], gap[1:])
        turn = 1j * rate.imag
        U = weight * U * np.exp(-turn * start[:-1, None])
        V = V * np.exp(turn * (start[1:] + width[1:])[:, None])
        right, left = np.concatenate([U.real, -U.imag], 1), np.concatenate([V.real, V.imag], 1)
        decay = np.tile(rate.real, 2)
        everyone = np.arange(bins.n, dtype=np.int64)
        tables = (
            right,
            left,
            np.exp(-gap[:, None] * decay),
            np.exp(-width[:, None] * decay),
            everyone[:-1],
            everyone,
        )
        terms = cls(tables, variance, beside, everyone[:-2])
        return terms, (variance @ weight).real, (beside @ weight).real

    @property
    def n_terms(self) -> int:
        """Number of real terms."""
        return self.tables[0].shape[1]

    def variances(self, weights: FloatArray) -> FloatArray:
        """Return variances of the differences ``(m, n - 1)`` for weights ``(m, r)``."""
        return _sums(weights, self._variance)[:, self.tables[4]]

    def besides(self, weights: FloatArray) -> FloatArray:
        """Return covariances of neighbouring differences ``(m, n - 2)``."""
        return _sums(weights, self._beside)[:, self._pair]

    def joined(self, other: DifferenceTerms) -> Tables:
        """Return the tables of both kinds of terms together."""
        ours, theirs = (_unfolded(terms.tables) for terms in (self, other))
        both = [np.concatenate(pair, axis=1) for pair in zip(ours[:4], theirs[:4], strict=True)]
        return both[0], both[1], both[2], both[3], theirs[4], theirs[5]


def grid_autocovariance(bins: Bins, n: int, rate: ComplexArray, weight: ComplexArray) -> FloatArray:
    """Return the autocovariance ``(n,)`` of differences of adjoining bins of a regular grid."""
    dt, width = bins.spacing, bins.width[:1]
    gap = np.array([max(dt - float(width[0]), 0.0)])
    U, V, _, variance = _one_difference(rate, width, gap, width)
    beside = _two_differences(rate, width, width, width, gap, gap)
    apart = gap[0] + dt * np.arange(max(n - 2, 0))
    far = np.exp(-apart[:, None] * rate) @ (weight * U[0] * V[0])
    return np.concatenate([(variance @ weight).real, (beside @ weight).real, far.real])[:n]


# -- parts ----------------------------------------------------------------------------------------


def _in_blocks(
    function: Callable[..., tuple[AnyArray, ...]], rate: AnyArray, *columns: FloatArray
) -> list[AnyArray]:
    """Return ``function(rate, *columns)``, in blocks of rows, to spare memory."""
    blocks = range(0, max(columns[0].size, 1), _ROWS_AT_ONCE)
    parts = [function(rate, *(x[i : i + _ROWS_AT_ONCE] for x in columns)) for i in blocks]
    return [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]


def _sums(weights: FloatArray, table: AnyArray) -> FloatArray:
    from .semiseparable_kernels import products

    out = np.empty((weights.shape[0], table.shape[0]))
    products(weights, table, out)
    return out


def _unfolded(tables: Tables) -> Tables:
    """Return tables with a row for every difference and bin."""
    right, left, gap, inside, kind, width = tables
    everyone = np.arange(width.size, dtype=np.int64)
    return right[kind], left[kind], gap[kind], inside[width], everyone[:-1], everyone


def _one_difference(
    rate: AnyArray, width: FloatArray, gap: FloatArray, width_next: FloatArray
) -> tuple[AnyArray, AnyArray, FloatArray, AnyArray]:
    """Return how a difference of two bins enters on its right and left, the decay, its variance.

    With E the average of exp(-rate t) over a bin, the right factor is ``E_2 exp(-rate (s_2 - s_1))
    - E_1`` and the left one ``E_2 - E_1 exp(-rate (e_2 - e_1))``: all as differences from one.
    """
    x, x_next = width[:, None] * rate, width_next[:, None] * rate
    between = gap[:, None] * rate
    a, b = _average_less_one(x), _average_less_one(x_next)
    right = b * np.exp(-between - x) + np.expm1(-between - x) - a
    left = b - a * np.exp(-between - x_next) - np.expm1(-between - x_next)
    shared = np.expm1(np.log1p(a) + np.log1p(b) - between)
    variance = _variance_less_one(x) + _variance_less_one(x_next) - 2.0 * shared
    return right, left, np.exp(-between.real), variance


def _two_differences(
    rate: AnyArray,
    first: FloatArray,
    middle: FloatArray,
    last: FloatArray,
    gap: FloatArray,
    gap_next: FloatArray,
) -> AnyArray:
    """Return the covariance of the two differences of three bins in a row."""
    x, y, z = (width[:, None] * rate for width in (first, middle, last))
    p, q = gap[:, None] * rate, gap_next[:, None] * rate
    a, b, c = (np.log1p(_average_less_one(part)) for part in (x, y, z))
    near, next_, far = np.expm1(a + b - p), np.expm1(b + c - q), np.expm1(a + c - p - y - q)
    return near + next_ - far - _variance_less_one(y)


def _average_less_one(x: AnyArray) -> AnyArray:
    """Return ``(1 - exp(-x)) / x - 1``."""
    small = np.abs(x) < 0.05
    safe = np.where(small, 1.0, x)
    return np.where(small, _series(x, 2, 9), -(np.expm1(-safe) + safe) / safe)


def _variance_less_one(x: AnyArray) -> AnyArray:
    """Return ``2 (x - 1 + exp(-x)) / x^2 - 1``."""
    small = np.abs(x) < 0.2
    safe = np.where(small, 1.0, x)
    return np.where(small, _series(x, 3, 13), 2.0 * (safe + np.expm1(-safe)) / safe**2 - 1.0)


def _series(x: AnyArray, first: int, last: int) -> AnyArray:
    """Return ``-x/first (1 - x/(first + 1) (1 - ... x/last))``."""
    total: AnyArray = np.ones_like(x)
    for k in range(last, first, -1):
        total = 1.0 - x / k * total
    return -x / first * total
