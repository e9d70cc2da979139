"""Compiled O(N) recursion for a covariance of exponentials: plain native arrays in and out.

The series are differences d of neighbouring bins. Two of them that share no bin have covariance

    ``sum_k weight[k] left[i, k] right[j, k] exp(-rate_k (start of j - end of i))``

and two neighbours an arbitrary one, so the covariance is a semiseparable matrix plus a band. Its
factors L D L' have the same form, and one pass over the series finds them (Foreman-Mackey et al.
2017 for the semiseparable part alone).

`kind` says which row of the tables `right`, `left` and `gap` belongs to each difference, `width`
which row of `inside` to each bin: a regular grid needs a few rows, irregular times one for each.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

__all__ = [
    "expand",
    "fill_exponential_covariance",
    "products",
    "semiseparable_log_likelihood",
    "semiseparable_simulate",
    "semiseparable_whiten",
]

_compile = njit(
    cache=True, error_model="numpy", nogil=True, fastmath={"reassoc", "contract", "nsz"}
)
_LIKELIHOOD, _WHITEN, _SIMULATE = 0, 1, 2


@_compile
def _spread(S: Any, phi: Any, x: Any, weight: float, u: Any, p: Any) -> None:
    """Carry the state covariance S over one step, add ``weight x x'``, and write ``S u`` into p."""
    for r in range(p.size):
        row, c, y, total = S[r], phi[r], weight * x[r], 0.0
        for k in range(p.size):
            s = row[k] * (c * phi[k]) + y * x[k]
            row[k] = s
            total += s * u[k]
        p[r] = total


@_compile
def _pass(weight: Any, tables: Any, diagonal: Any, beside: Any, series: Any, mode: int) -> float:
    """Run through the series; return ln of the determinant plus the quadratic form.

    ``series`` is kept, whitened in place, or made in place from standard normal deviates.
    Returns infinity where the covariance is not positive definite.
    """
    right, left, gap, inside, kind, width = tables
    n, size = series.size, weight.size
    S = np.zeros((size, size))
    f, p, w, x, phi = (np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size),
                       np.zeros(size))  # fmt: skip
    u = weight * right[kind[0]]
    D, z, ell, total = 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        known, expected = 0.0, 0.0
        for k in range(size):
            known += u[k] * p[k]
            expected += u[k] * f[k]
        D_before, z_before = D, z
        D = diagonal[i] - known - ell * ell * D_before
        if not D > 0.0:
            return math.inf
        expected += ell * z_before
        if mode == _SIMULATE:
            z = math.sqrt(D) * series[i]
            series[i] = expected + z
        else:
            z = series[i] - expected
            total += math.log(D) + z * z / D
            if mode == _WHITEN:
                series[i] = z / math.sqrt(D)
        if i == n - 1:
            break
        row = kind[i]
        V, q, U_next = left[row], gap[row], right[kind[i + 1]]
        g, g_next = inside[width[i]], inside[width[i + 1]]
        carried, shared, inverse = ell * D_before, 0.0, 1.0 / D
        for k in range(size):
            a = q[k] * (g[k] * p[k] + w[k] * carried)
            phi[k] = g[k] * q[k]
            x[k] = q[k] * w[k]
            f[k] = phi[k] * f[k] + x[k] * z_before
            w[k] = (V[k] - g_next[k] * a) * inverse
            u[k] = weight[k] * U_next[k]
            shared += u[k] * a
        ell = (beside[i] - shared) * inverse
        _spread(S, phi, x, D_before, u, p)
    return total


@_compile
def semiseparable_log_likelihood(
    weights: Any, tables: Any, diagonals: Any, besides: Any, series: Any, out: Any
) -> None:
    """Write ln L of differences ``(n,)`` for each row of weights into out.

    ``-inf`` where a covariance is not positive definite.

    Parameters
    ----------
    weights : float64 (m, r)
    tables : tuple
        right, left, gap: float64 (kinds, r); inside: float64 (widths, r); kind: int64 (n,);
        width: int64 (n + 1,).
    diagonals, besides : float64 (m, n), (m, n - 1)
        Variances, and covariances of neighbours.
    series : float64 (n,)
    out : float64 (m,)
    """
    constant = series.size * math.log(2.0 * math.pi)
    for row in range(weights.shape[0]):
        total = _pass(weights[row], tables, diagonals[row], besides[row], series, _LIKELIHOOD)
        out[row] = -0.5 * (total + constant)


@_compile
def semiseparable_whiten(weight: Any, tables: Any, diagonal: Any, beside: Any, series: Any) -> bool:
    """Turn a series into independent standard normal numbers, in place; False where impossible."""
    return not math.isinf(_pass(weight, tables, diagonal, beside, series, _WHITEN))


@_compile
def semiseparable_simulate(
    weight: Any, tables: Any, diagonal: Any, beside: Any, normal: Any
) -> bool:
    """Turn standard normal deviates into a series of that covariance, in place."""
    return not math.isinf(_pass(weight, tables, diagonal, beside, normal, _SIMULATE))


@_compile
def fill_exponential_covariance(
    weight: Any, tables: Any, diagonal: Any, beside: Any, out: Any
) -> None:
    """Write the same covariance into the lower half of out ``(n, n)``."""
    right, left, gap, inside, kind, width = tables
    n, size = diagonal.size, weight.size
    state = np.empty(size)
    for i in range(n):
        out[i, i] = diagonal[i]
        if i + 1 < n:
            out[i + 1, i] = beside[i]
        V = left[kind[i]]
        for k in range(size):
            state[k] = weight[k] * V[k]
        for j in range(i + 2, n):
            q, U, g = gap[kind[j - 1]], right[kind[j]], inside[width[j - 1]]
            total, first = 0.0, j == i + 2
            for k in range(size):
                # From the end of the later bin of difference i to the start of bin j.
                state[k] *= q[k] * (1.0 if first else g[k])
                total += state[k] * U[k]
            out[j, i] = total


# -- weights of the exponentials ------------------------------------------------------------------


@_compile
def _least_squares(A: Any, b: Any, out: Any) -> None:
    """Write the x of least ``|A' x - b|`` into out; A ``(columns, rows)`` and b are used up.

    Householder reflections, column by column: each column of the matrix is a row in memory.
    """
    columns = A.shape[0]
    pivots = np.empty(columns)
    for j in range(columns):
        v = A[j, j:]
        square = 0.0
        for i in range(v.size):
            square += v[i] * v[i]
        norm = -math.sqrt(square) if v[0] > 0.0 else math.sqrt(square)
        v[0] -= norm
        scale = 1.0 / (norm * v[0])  # minus 2 / |v|^2
        for k in range(j + 1, columns + 1):
            other = b[j:] if k == columns else A[k, j:]
            dot = 0.0
            for i in range(v.size):
                dot += v[i] * other[i]
            dot *= scale
            for i in range(v.size):
                other[i] += dot * v[i]
        pivots[j] = norm
    for j in range(columns - 1, -1, -1):
        total = b[j]
        for k in range(j + 1, columns):
            total -= A[k, j] * out[k]
        out[j] = total / pivots[j]


@_compile
def expand(power: Any, total: Any, design: Any, importance: Any, drift: Any, out: Any) -> None:
    """Write heights of terms that follow each spectrum into out: least squares of relative errors.

    Parameters
    ----------
    power : float64 (m, nodes)
    total : float64 (m, nodes), > 0
        To which errors are relative.
    design : float64 (terms, nodes)
        Each term at the nodes.
    importance, drift : float64 (nodes,)
        Weight of each node; and weights of a sum that counts as one more node.
    out : float64 (m, terms)
    """
    terms, nodes = design.shape
    A, b, size = np.empty((terms, nodes + 1)), np.empty(nodes + 1), np.empty(terms)
    for row in range(power.shape[0]):
        P = total[row]
        slow, wanted = 0.0, 0.0
        for i in range(nodes):
            slow += drift[i] * P[i]
            wanted += drift[i] * power[row, i]
            b[i] = importance[i] * power[row, i] / P[i]
        b[nodes] = wanted / slow
        for j in range(terms):
            own, square = 0.0, 0.0
            for i in range(nodes):
                value = design[j, i] * importance[i] / P[i]
                own += drift[i] * design[j, i]
                square += value * value
                A[j, i] = value
            A[j, nodes] = own / slow
            square += (own / slow) ** 2
            size[j] = math.sqrt(square)
            for i in range(nodes + 1):
                A[j, i] /= size[j]
        _least_squares(A, b, out[row])
        for j in range(terms):
            out[row, j] /= size[j]


@_compile
def products(weights: Any, table: Any, out: Any) -> None:
    """Write ``weights (m, r)`` times ``table (k, r)``' into out ``(m, k)``.

    Each row comes out the same, whatever the number of rows: BLAS does not promise that.
    """
    for row in range(weights.shape[0]):
        w = weights[row]
        for k in range(table.shape[0]):
            t, total = table[k], 0.0
            for j in range(w.size):
                total += w[j] * t[j]
            out[row, k] = total
