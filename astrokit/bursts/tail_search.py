"""The search of x_min over all distinct values, and draws from the zeta distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import FitError

__all__ = ["TailFit", "draw_zeta", "search_tail"]

FloatArray = NDArray[np.float64]
_INDEX_LIMITS = np.array([1.0 + 1e-4, 30.0])
_TABLE = 4096


@dataclass(frozen=True)
class TailFit:
    """x_min, index, its error for x_min as given, distance, and number of data in the tail."""

    xmin: float
    index: float
    error: float
    distance: float
    n_tail: int


def search_tail(
    x: FloatArray, *, discrete: bool, xmin: float | None, two_sided: bool, min_tail: int
) -> TailFit:
    """Return the power-law tail of sorted `x` with the smallest distance.

    Raises
    ------
    FitError
        When no value leaves a tail of `min_tail` data with more than one value.
    """
    return (_discrete if discrete else _continuous)(x, xmin, two_sided, min_tail)


def _continuous(x: FloatArray, xmin: float | None, two_sided: bool, min_tail: int) -> TailFit:
    from .tail_kernels import search_continuous

    log_x = np.log(x)
    if xmin is not None:  # x_min itself need not be a datum
        first = int(np.searchsorted(x, xmin))
        return _at_given(log_x[first:] - math.log(xmin), xmin, two_sided)
    new = np.empty(x.size, dtype=bool)
    new[0], new[1:] = True, x[1:] > x[:-1]
    firsts = np.flatnonzero(new)
    firsts = firsts[:-1]
    firsts = firsts[x.size - firsts >= min_tail]
    if firsts.size == 0:
        raise _no_tail(min_tail)
    sums = np.cumsum(log_x[::-1])[::-1][firsts]
    at, slope, distance = search_continuous(log_x, firsts, np.ascontiguousarray(sums), two_sided)
    if at < 0:
        raise _no_tail(min_tail)
    first = int(firsts[at])
    n = x.size - first
    return TailFit(float(x[first]), slope + 1.0, slope / math.sqrt(n), distance, n)


def _at_given(log_ratio: FloatArray, xmin: float, two_sided: bool) -> TailFit:
    n = log_ratio.size
    slope = n / float(log_ratio.sum())
    model = -np.expm1(-slope * log_ratio)
    steps = np.arange(n + 1) / n
    distance = float(np.abs(model - steps[:-1]).max())
    if two_sided:
        distance = max(distance, float(np.abs(model - steps[1:]).max()))
    return TailFit(xmin, slope + 1.0, slope / math.sqrt(n), distance, n)


def _discrete(x: FloatArray, xmin: float | None, two_sided: bool, min_tail: int) -> TailFit:
    from .tail_kernels import discrete_distances, hurwitz_zeta

    if xmin is not None:
        x = x[x >= xmin]
    values, counts = np.unique(x, return_counts=True)
    above = np.cumsum(counts[::-1])[::-1]
    if xmin is None:
        candidates = np.flatnonzero(above[:-1] >= min_tail)
    else:
        if values[0] != xmin:  # a value that does not occur counts as one seen never
            values, counts = np.append(xmin, values), np.append(0, counts)
            above = np.append(above[0], above)
        candidates = np.array([0])
    if candidates.size == 0:
        raise _no_tail(min_tail)
    out = np.empty((candidates.size, 2))
    discrete_distances(
        values, counts.astype(float), candidates.astype(np.int64), two_sided, _INDEX_LIMITS, out
    )
    at = int(np.argmin(out[:, 1]))
    index, distance = (float(v) for v in out[at])
    first = int(candidates[at])
    n = int(above[first])
    z, d1, d2 = hurwitz_zeta(index, float(values[first]))
    error = 1.0 / math.sqrt(n * (d2 / z - (d1 / z) ** 2))
    return TailFit(float(values[first]), index, error, distance, n)


def draw_zeta(index: float, xmin: float, n: int, rng: np.random.Generator) -> FloatArray:
    """Return `n` draws from ``x**-index / zeta(index, xmin)``, x = xmin, xmin + 1, ...

    By the inverse of the distribution on a table; far above it as if x were continuous, with steps
    of half, where that changes the probability of a value by less than a millionth.
    """
    from .tail_kernels import hurwitz_zeta

    table = xmin + np.arange(float(_TABLE))
    norm = hurwitz_zeta(index, xmin)[0]
    p = np.exp(-index * np.log(table)) / norm
    reached = np.cumsum(p)
    u = rng.random(n)
    x = table[np.minimum(np.searchsorted(reached, u), _TABLE - 1)]
    beyond = u > reached[-1]
    if beyond.any():
        rest = hurwitz_zeta(index, float(table[-1]) + 1.0)[0] / norm
        part = np.clip((1.0 - u[beyond]) / rest, 1e-300, 1.0)
        x[beyond] = np.floor((table[-1] + 0.5) * part ** (-1.0 / (index - 1.0)) + 0.5)
    return x


def _no_tail(min_tail: int) -> FitError:
    return FitError(
        "no value leaves a tail",
        allowed=f"at least {min_tail} data of more than one value",
        hint="lower min_tail",
    )
