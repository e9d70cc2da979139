"""Compiled energy functions and their unbinned likelihoods, by quadrature in ln E.

All energies are natural logarithms relative to a reference. A model is a code and a row of numbers;
:func:`log_density` gives ln of its density per unit of ln E, in any normalisation. The last number
of a row is ln of the largest energy that the model has (inf for none).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from ..shapes import smoothly_broken_power_law, softplus
from .completeness_kernels import GAUSS_WEIGHT, GAUSS_X, log_detection

__all__ = [
    "BENT",
    "BROKEN",
    "CUTOFF",
    "LOG_NORMAL",
    "LOG_NORMAL_PLUS_CAUCHY",
    "POWER_LAW",
    "SMOOTHLY_BROKEN",
    "STRETCHED",
    "THRESHOLDED",
    "densities",
    "discrete_norms",
    "integrals_above",
    "log_density",
    "log_likelihoods",
    "log_likelihoods_with_errors",
    "pointwise",
    "pointwise_with_errors",
]

POWER_LAW, BROKEN, SMOOTHLY_BROKEN, CUTOFF = 0, 1, 2, 3
LOG_NORMAL, LOG_NORMAL_PLUS_CAUCHY, BENT, THRESHOLDED = 4, 5, 6, 7
STRETCHED = 8
_LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)
_REACH = 8.0  # standard deviations of a measurement error that count
_ERROR_X, _ERROR_WEIGHT = np.polynomial.legendre.leggauss(20)

_compile = njit(cache=True, error_model="numpy", nogil=True)


@_compile
def _log_normal(e: float, center: float, width: float) -> float:
    z = (e - center) / width
    return -0.5 * z * z - math.log(width) - _LOG_SQRT_2PI


@_compile
def _cauchy(e: float, index: float, scale: float) -> float:
    """Return ln of E p(E) for ``p = sin(pi/b) b / (pi E0) / (1 + (E/E0)**b)``, b > 1."""
    x = math.pi / index
    return math.log(math.sin(x) / x) + (e - scale) - softplus(index * (e - scale))


@_compile
def log_density(code: int, e: float, row: Any) -> float:
    """Return ln of the density per unit of ln E at ln E = `e`, in any normalisation."""
    if code == POWER_LAW:
        return (1.0 - row[0]) * e
    if code == BROKEN:
        v = e - row[2]
        return (1.0 - row[0]) * v if v < 0.0 else (1.0 - row[1]) * v
    if code == SMOOTHLY_BROKEN:
        return e - row[2] + smoothly_broken_power_law(e, row[2], row[0], row[1], row[3])
    if code == CUTOFF:
        return (1.0 - row[0]) * e - math.exp(min(e - row[1], 700.0))
    if code == LOG_NORMAL:
        return _log_normal(e, row[0], row[1])
    if code == BENT:
        return _cauchy(e, row[0], row[1])
    if code == THRESHOLDED:
        return e - row[0] * (row[1] + softplus(e - row[1]))
    if code == STRETCHED:
        z = row[0] * (e - row[1])
        return z - math.exp(min(z, 700.0))
    if row[4] <= 0.0:
        return _cauchy(e, row[2], row[3])
    if row[4] >= 1.0:
        return _log_normal(e, row[0], row[1])
    a = math.log(row[4]) + _log_normal(e, row[0], row[1])
    b = math.log1p(-row[4]) + _cauchy(e, row[2], row[3])
    return max(a, b) + math.log1p(math.exp(-abs(a - b)))


@_compile
def densities(code: int, e: Any, rows: Any, completeness: Any, out: Any) -> None:
    """Write ln density per unit of ln E times the completeness, shape (rows, energies)."""
    for i in range(rows.shape[0]):
        for j in range(e.size):
            inside = e[j] <= rows[i, rows.shape[1] - 1]
            out[i, j] = (
                log_density(code, e[j], rows[i]) + log_detection(e[j], completeness)
                if inside
                else -math.inf
            )


@_compile
def _kink(code: int, row: Any) -> float:
    """Return where the density has a kink; nan for a smooth one."""
    return row[2] if code == BROKEN else math.nan


@_compile
def _smooth_part(
    code: int, row: Any, low: float, high: float, shift: float, completeness: Any
) -> float:
    """Return the integral of ``exp(ln density - shift)`` over a short range without a kink."""
    half, middle = 0.5 * (high - low), 0.5 * (low + high)
    total = 0.0
    for k in range(GAUSS_X.size):
        e = middle + half * GAUSS_X[k]
        total += GAUSS_WEIGHT[k] * math.exp(
            log_density(code, e, row) + log_detection(e, completeness) - shift
        )
    return half * total


@_compile
def _part(code: int, row: Any, low: float, high: float, shift: float, completeness: Any) -> float:
    """Return the integral over a short range, cut at a kink inside and at the largest energy."""
    high = min(high, row[row.size - 1])
    if not high > low:
        return 0.0
    kink = _kink(code, row)
    if kink > low and kink < high:
        return _smooth_part(code, row, low, kink, shift, completeness) + _smooth_part(
            code, row, kink, high, shift, completeness
        )
    return _smooth_part(code, row, low, high, shift, completeness)


@_compile
def _highest(code: int, row: Any, edges: Any) -> float:
    """Return the largest ln density at the edges of the panels: what is divided out."""
    best = -math.inf
    for j in range(edges.size):
        if edges[j] <= row[row.size - 1]:
            best = max(best, log_density(code, edges[j], row))
    return best


@_compile
def _tail(code: int, row: Any, end: float, shift: float, completeness: Any) -> float:
    """Return the integral beyond the last panel, where the law has become straight; inf if none."""
    if row[row.size - 1] <= end:
        return 0.0
    here = log_density(code, end, row)
    before = log_density(code, end - 1e-3, row)
    slope = (before - here) / 1e-3
    value = math.exp(here + log_detection(end, completeness) - shift)
    if value == 0.0:
        return 0.0
    width = row[row.size - 1] - end
    if width == math.inf:
        return value / slope if slope > 0.0 else math.inf
    return value * width if slope * width == 0.0 else -value * math.expm1(-slope * width) / slope


@_compile
def integrals_above(
    code: int, row: Any, places: Any, edges: Any, completeness: Any, out: Any
) -> float:
    """Write the integral above each of the sorted `places` into out; return ln of its unit.

    `edges` are the ends of the panels; the first lies at or below all places.
    """
    shift = _highest(code, row, edges)
    last = edges.size - 1
    total = _tail(code, row, edges[last], shift, completeness)
    j = last
    for u in range(places.size - 1, -1, -1):
        while j > 0 and edges[j - 1] >= places[u]:
            total += _part(code, row, edges[j - 1], edges[j], shift, completeness)
            j -= 1
        if j == 0:
            out[u] = total
        elif places[u] > edges[last]:
            out[u] = _far_tail(code, row, places[u], shift, completeness)
        else:
            out[u] = total + _part(code, row, places[u], edges[j], shift, completeness)
    return shift


@_compile
def _far_tail(code: int, row: Any, place: float, shift: float, completeness: Any) -> float:
    return _tail(code, row, place, shift, completeness)


@_compile
def discrete_norms(
    code: int, rows: Any, lowest: float, n_terms: int, edges: Any, completeness: Any, out: Any
) -> None:
    """Write ln of the sum of ``density(x)`` over whole numbers x >= `lowest`, for each row.

    `n_terms` are summed; the rest is the integral from half a step below the next, whose error is
    below the square of 1/x.
    """
    place, rest = np.empty(1), np.empty(1)
    end = lowest + n_terms
    place[0] = math.log(end - 0.5)
    for i in range(rows.shape[0]):
        row = rows[i]
        shift = integrals_above(code, row, place, edges, completeness, rest)
        total = rest[0]
        x = lowest
        while x < end:
            e = math.log(x)
            if e <= row[row.size - 1]:
                total += math.exp(log_density(code, e, row) - e - shift)
            x += 1.0
        out[i] = math.log(total) + shift


# -- energies without errors -----------------------------------------------------------------------


@_compile
def log_likelihoods(code: int, rows: Any, y: Any, design: Any, detection: float, out: Any) -> None:
    """Write ln L per unit of ln E for each row of model numbers.

    `design` is (thresholds, counts, limits, limit_counts, edges, completeness) with sorted distinct
    thresholds and lower limits; `detection` the sum over the data of ln completeness.
    """
    thresholds, counts, limits, limit_counts, edges, completeness = design
    above, beyond = np.empty(thresholds.size), np.empty(limits.size)
    for i in range(rows.shape[0]):
        row = rows[i]
        shift = integrals_above(code, row, thresholds, edges, completeness, above)
        total = detection
        if y.size and y[y.size - 1] > row[row.size - 1]:
            out[i] = -math.inf
            continue
        for j in range(y.size):
            total += log_density(code, y[j], row)
        total -= y.size * shift
        for u in range(thresholds.size):
            total -= counts[u] * math.log(above[u])
        if limits.size:
            integrals_above(code, row, limits, edges, completeness, beyond)
            for u in range(limits.size):
                total += limit_counts[u] * math.log(beyond[u])
        out[i] = total if total > -math.inf and total < math.inf else -math.inf


@_compile
def pointwise(
    code: int,
    rows: Any,
    y: Any,
    censored: Any,
    which: Any,
    thresholds: Any,
    edges: Any,
    completeness: Any,
    out: Any,
) -> None:
    """Write ln L of each burst per unit of ln E; `which` is the place of its threshold."""
    above, beyond, place = np.empty(thresholds.size), np.empty(1), np.empty(1)
    for i in range(rows.shape[0]):
        row = rows[i]
        shift = integrals_above(code, row, thresholds, edges, completeness, above)
        for j in range(y.size):
            norm = math.log(above[which[j]])
            if censored[j]:
                place[0] = y[j]
                integrals_above(code, row, place, edges, completeness, beyond)
                out[i, j] = math.log(beyond[0]) - norm
            elif y[j] > row[row.size - 1]:
                out[i, j] = -math.inf
            else:
                density = log_density(code, y[j], row) + log_detection(y[j], completeness)
                out[i, j] = density - shift - norm
            if not out[i, j] < math.inf:
                out[i, j] = -math.inf


# -- energies with errors --------------------------------------------------------------------------


@_compile
def _normal_tail(z: float) -> float:
    """Return the probability of a standard normal variate below z."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


@_compile
def _blurred(
    code: int,
    row: Any,
    center: float,
    sigma: float,
    shift: float,
    completeness: Any,
    cumulative: bool,
) -> float:
    """Return the density blurred by an error, at `center`; or the part of it seen above `center`.

    The range of some standard deviations is cut at a kink and at the largest energy.
    """
    low, high = center - _REACH * sigma, min(center + _REACH * sigma, row[row.size - 1])
    if not high > low:
        return 0.0
    cut = _kink(code, row)
    cut = cut if cut > low and cut < high else center
    cut = min(max(cut, low), high)
    total = 0.0
    for part in range(2):
        a, b = (low, cut) if part == 0 else (cut, high)
        half, middle = 0.5 * (b - a), 0.5 * (a + b)
        for k in range(_ERROR_X.size):
            e = middle + half * _ERROR_X[k]
            z = (e - center) / sigma
            weight = (
                _normal_tail(z) if cumulative else math.exp(-0.5 * z * z - _LOG_SQRT_2PI) / sigma
            )
            density = log_density(code, e, row) + log_detection(e, completeness) - shift
            total += half * _ERROR_WEIGHT[k] * weight * math.exp(density)
    return total


@_compile
def pointwise_with_errors(
    code: int, rows: Any, y: Any, censored: Any, sigma: Any, design: Any, out: Any
) -> None:
    """Write ln L of each burst per unit of ln E, its measurement error of ln E known.

    `design` is (which, thresholds, widths, order, places, edges, completeness): the group of each
    burst, threshold and error of each group, and where their error has ended, sorted, with its
    order among the groups.
    """
    which, thresholds, widths, order, places, edges, completeness = design
    above, norm = np.empty(places.size), np.empty(places.size)
    beyond, place = np.empty(1), np.empty(1)
    for i in range(rows.shape[0]):
        row = rows[i]
        shift = integrals_above(code, row, places, edges, completeness, above)
        for u in range(places.size):
            g = order[u]
            norm[g] = above[u] + _blurred(
                code, row, thresholds[g], widths[g], shift, completeness, True
            )
        for j in range(y.size):
            if censored[j]:
                place[0] = y[j] + _REACH * sigma[j]
                integrals_above(code, row, place, edges, completeness, beyond)
                p = beyond[0] + _blurred(code, row, y[j], sigma[j], shift, completeness, True)
            else:
                p = _blurred(code, row, y[j], sigma[j], shift, completeness, False)
            value = math.log(p) - math.log(norm[which[j]])
            out[i, j] = value if value > -math.inf and value < math.inf else -math.inf


@_compile
def log_likelihoods_with_errors(
    code: int, rows: Any, y: Any, censored: Any, sigma: Any, design: Any, out: Any
) -> None:
    """Write ln L per unit of ln E for each row; see :func:`pointwise_with_errors`."""
    terms = np.empty((1, y.size))
    for i in range(rows.shape[0]):
        pointwise_with_errors(code, rows[i : i + 1], y, censored, sigma, design, terms)
        out[i] = terms.sum()
