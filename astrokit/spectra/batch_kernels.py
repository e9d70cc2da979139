"""Compiled least-squares fits of laws to tables of fluxes, thousands in one call.

Parameters inside: ln K at a pivot energy in the middle of the table (where it is least correlated
with the index), the index, and, for a log-parabola, the curvature per e-fold; for a broken law the
second index and the logarithm of the break over the pivot.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

__all__ = ["BROKEN", "PARABOLA", "STRAIGHT", "fit_all"]

STRAIGHT, PARABOLA, BROKEN = 0, 1, 2
_compile = njit(cache=True, error_model="numpy", nogil=True)
_MOST_STEPS = 100
_DONE = 1e-10  # relative fall of chi2 at which a search ends
_BREAK_STARTS = 3


@_compile
def _model(kind: int, p: Any, x: Any, f: Any, J: Any) -> None:
    """Write the law ``(m,)`` at x = ln(E / pivot) and its derivatives ``(k, m)``."""
    for i in range(x.size):
        if kind == BROKEN:
            low, high = min(x[i] - p[3], 0.0), max(x[i] - p[3], 0.0)
            # ln K stands at the pivot of the branch in which the pivot lies.
            at_low, at_high = min(-p[3], 0.0), max(-p[3], 0.0)
            f[i] = math.exp(p[0] - p[1] * (low - at_low) - p[2] * (high - at_high))
            J[1, i] = -f[i] * (low - at_low)
            J[2, i] = -f[i] * (high - at_high)
            d_low = (-1.0 if low < 0 else 0.0) - (-1.0 if at_low < 0 else 0.0)
            d_high = (-1.0 if high > 0 else 0.0) - (-1.0 if at_high > 0 else 0.0)
            J[3, i] = -f[i] * (p[1] * d_low + p[2] * d_high)
        else:
            curve = p[2] * x[i] if kind == PARABOLA else 0.0
            f[i] = math.exp(p[0] - (p[1] + curve) * x[i])
            J[1, i] = -f[i] * x[i]
            if kind == PARABOLA:
                J[2, i] = -f[i] * x[i] * x[i]
        J[0, i] = f[i]


@_compile
def _solve(A: Any, b: Any, k: int) -> bool:
    """Solve A x = b in place by Cholesky's method; False where A is not positive definite."""
    for i in range(k):
        for j in range(i + 1):
            s = A[i, j]
            for q in range(j):
                s -= A[i, q] * A[j, q]
            if i == j:
                if not s > 0:
                    return False
                A[i, i] = math.sqrt(s)
            else:
                A[i, j] = s / A[j, j]
    for i in range(k):
        s = b[i]
        for q in range(i):
            s -= A[i, q] * b[q]
        b[i] = s / A[i, i]
    for i in range(k - 1, -1, -1):
        s = b[i]
        for q in range(i + 1, k):
            s -= A[q, i] * b[q]
        b[i] = s / A[i, i]
    return True


@_compile
def _chi2(y: Any, w: Any, f: Any) -> float:
    total = 0.0
    for i in range(y.size):
        z = y[i] - f[i]
        total += w[i] * z * z
    return total


@_compile
def _climb(kind: int, p: Any, x: Any, y: Any, w: Any, ends: Any) -> Any:
    """Return chi2 and whether it converged; `p` becomes the minimum (Levenberg-Marquardt)."""
    k, m = p.size, x.size
    f, J = np.empty(m), np.empty((k, m))
    trial_f, trial_J = np.empty(m), np.empty((k, m))
    A, S, step, trial = np.empty((k, k)), np.empty((k, k)), np.empty(k), np.empty(k)
    g = np.empty(k)
    _model(kind, p, x, f, J)
    chi2 = _chi2(y, w, f)
    damping = 1e-3
    for _ in range(_MOST_STEPS):
        for a in range(k):
            g[a] = 0.0
            for i in range(m):
                g[a] += w[i] * (y[i] - f[i]) * J[a, i]
            for b in range(a + 1):
                s = 0.0
                for i in range(m):
                    s += w[i] * J[a, i] * J[b, i]
                A[a, b] = s
                A[b, a] = s
        improved = False
        for _trial in range(30):
            for a in range(k):
                step[a] = g[a]
                for b in range(k):
                    S[a, b] = A[a, b]
                S[a, a] += damping * A[a, a] + 1e-300
            if _solve(S, step, k):
                for a in range(k):
                    trial[a] = p[a] + step[a]
                if kind == BROKEN:
                    trial[3] = min(max(trial[3], ends[0]), ends[1])
                _model(kind, trial, x, trial_f, trial_J)
                value = _chi2(y, w, trial_f)
                if value <= chi2:
                    improved = True
                    break
            damping *= 5
        if not improved:
            return chi2, damping > 1e8
        fall = chi2 - value
        chi2 = value
        p[:] = trial
        f[:] = trial_f
        J[:] = trial_J
        damping = max(damping / 10, 1e-12)
        if fall <= _DONE * (chi2 + 1e-10):
            return chi2, True
    return chi2, False


@_compile
def _design(kind: int, x: float, at: float, row: Any) -> None:
    """Write the row of the linear problem for one point."""
    row[0], row[1], row[2] = 1.0, -x, -x * x
    if kind == BROKEN:
        row[1] = -(min(x - at, 0.0) - min(-at, 0.0))
        row[2] = -(max(x - at, 0.0) - max(-at, 0.0))


@_compile
def _regression(kind: int, x: Any, y: Any, w: Any, at: float, p: Any) -> float:
    """Write a start from a linear fit to ln y with a break at `at`; return its chi2."""
    n = 3 if kind != STRAIGHT else 2
    A, b = np.zeros((3, 3)), np.zeros(3)
    row = np.empty(3)
    total = 0.0
    for i in range(x.size):
        if not y[i] > 0:
            continue
        v = w[i] * y[i] * y[i]
        z = math.log(y[i])
        _design(kind, x[i], at, row)
        total += v * z * z
        for a in range(n):
            b[a] += v * z * row[a]
            for c in range(n):
                A[a, c] += v * row[a] * row[c]
    for a in range(n):
        A[a, a] *= 1 + 1e-12
    rhs = b.copy()
    if not _solve(A, b, n):
        return np.inf
    for a in range(n):
        p[a] = b[a]
        total -= b[a] * rhs[a]
    if kind == BROKEN:
        p[3] = at
    return total


@_compile
def _best_of_breaks(x: Any, y: Any, w: Any, p: Any) -> Any:
    """Search a broken law from the most promising breaks; return chi2 and whether it converged."""
    m = x.size
    ends = np.array([x[1], x[m - 2]])
    places = 2 * (m - 3) - 1
    values, starts = np.empty(places), np.empty((places, 4))
    for k in range(places):
        left = 1 + k // 2
        at = x[left + 1] if k % 2 else 0.5 * (x[left] + x[left + 1])
        values[k] = _regression(BROKEN, x, y, w, at, starts[k])
    best, good = np.inf, False
    for _ in range(_BREAK_STARTS):
        k = int(np.argmin(values))
        if not values[k] < np.inf:
            break
        chi2, converged = _climb(BROKEN, starts[k], x, y, w, ends)
        if chi2 < best:
            best, good = chi2, converged
            p[:] = starts[k]
        for j in range(max(k - 2, 0), min(k + 3, places)):  # its neighbours lead to the same place
            values[j] = np.inf
    return best, good


@_compile
def fit_all(kind: int, x: Any, flux: Any, error: Any, out: Any, covariance: Any, chi2: Any) -> None:
    """Fit every row of `flux` ``(n, m)``; chi2 is NaN where the search did not end.

    `out` ``(n, k)`` and `covariance` ``(n, k, k)`` are in the inner parameters.
    """
    k = out.shape[1]
    m = x.size
    w, f, J, A, column = np.empty(m), np.empty(m), np.empty((k, m)), np.empty((k, k)), np.empty(k)
    nowhere = np.array([-np.inf, np.inf])
    for r in range(flux.shape[0]):
        y = flux[r]
        for i in range(m):
            w[i] = 1 / (error[r, i] * error[r, i])
        p = out[r]
        if kind == BROKEN:
            value, converged = _best_of_breaks(x, y, w, p)
        else:
            start = np.zeros(3)
            value = _regression(kind, x, y, w, 0.0, start)
            p[:] = start[:k]
            converged = value < np.inf
            if converged:
                value, converged = _climb(kind, p, x, y, w, nowhere)
        chi2[r] = value if converged else np.nan
        _model(kind, p, x, f, J)
        for a in range(k):
            for q in range(k):
                column[q] = 1.0 if q == a else 0.0
                for b in range(k):
                    s = 0.0
                    for i in range(m):
                        s += w[i] * J[q, i] * J[b, i]
                    A[q, b] = s
            if not _solve(A, column, k):
                column[:] = np.nan
            covariance[r, :, a] = column
