"""Compiled loops of the Gaussian likelihood: plain native arrays in and out, no checks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

__all__ = ["durbin_log_likelihood", "durbin_simulate", "fill_covariance"]

_compile = njit(cache=True, error_model="numpy", nogil=True, fastmath={"reassoc"})


@_compile
def _durbin(covariance: Any, data: Any, simulate: bool) -> float:
    """Run through a stationary series, each term predicted from all before it.

    The prediction coefficients are kept in order and reversed, and the data reversed, so that all
    loops run forwards. Returns ln of the determinant plus the quadratic form; where `simulate`,
    `data` holds standard normal deviates and becomes the series.
    """
    n = data.size
    r_back, x_back = covariance[:n][::-1].copy(), np.zeros(n)
    phi, phi_back = np.zeros(n), np.zeros(n)
    v = covariance[0]
    total = 0.0
    for k in range(n):
        a, b = phi[: max(k - 1, 0)], phi_back[n - k : n - k + max(k - 1, 0)]
        if k > 0:
            past = r_back[n - k : n - k + a.size]
            dot = 0.0
            for j in range(a.size):
                dot += a[j] * past[j]
            kappa = (covariance[k] - dot) / v
            for j in range(a.size):
                old, old_back = a[j], b[j]
                a[j] = old - kappa * old_back
                b[j] = old_back - kappa * old
            phi[k - 1] = kappa
            phi_back[n - k - 1] = kappa
            v *= (1.0 - kappa) * (1.0 + kappa)
        if not v > 0.0:
            return math.inf
        c, before = phi[:k], x_back[n - k :]
        expected = 0.0
        for j in range(k):
            expected += c[j] * before[j]
        if simulate:
            data[k] = expected + math.sqrt(v) * data[k]
        else:
            total += math.log(v) + (data[k] - expected) ** 2 / v
        x_back[n - 1 - k] = data[k]
    return total


@_compile
def durbin_log_likelihood(covariances: Any, data: Any, out: Any) -> None:
    """Write ln L of a stationary Gaussian series ``(n,)`` for each row of covariances into out.

    Levinson (1947) and Durbin (1960): n^2 operations and memory of order n. ``-inf`` where a
    covariance is not positive definite.

    Parameters
    ----------
    covariances : float64 (m, >= n)
    data : float64 (n,)
    out : float64 (m,)
    """
    constant = data.size * math.log(2.0 * math.pi)
    for row in range(covariances.shape[0]):
        out[row] = -0.5 * (_durbin(covariances[row], data, False) + constant)


@_compile
def durbin_simulate(covariance: Any, normal: Any) -> bool:
    """Turn standard normal deviates ``(n,)`` into a series of that covariance, in place.

    False where the covariance is not positive definite.
    """
    return not math.isinf(_durbin(covariance, normal, True))


@_compile
def fill_covariance(
    structure: Any, differences: Any, position: Any, variance: Any, out: Any
) -> None:
    """Write the covariance of differences of neighbouring valid bins into the lower half of out.

    Parameters
    ----------
    structure : float64 (m + 1,)
        Mean squared difference of the noise-free process at each lag.
    differences : float64 (m,)
        Autocovariance of its differences at each lag: what the former gives for single steps, to
        full precision.
    position : int64 (n,)
        Place of each valid bin on the grid.
    variance : float64 (n,)
        Of the white noise of each bin.
    out : float64 (n - 1, n - 1)
    """
    for i in range(position.size - 1):
        left, right = position[i], position[i + 1]
        single = right - left == 1
        row = out[i]
        for j in range(i + 1):
            start, stop = position[j], position[j + 1]
            if single and stop - start == 1:
                row[j] = differences[left - start]
            else:
                row[j] = 0.5 * (
                    structure[right - start]
                    + structure[abs(left - stop)]
                    - structure[right - stop]
                    - structure[left - start]
                )
        row[i] += variance[i] + variance[i + 1]
        if i > 0:
            row[i - 1] -= variance[i]
