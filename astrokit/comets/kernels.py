"""Compiled sums of log densities over magnitudes.

Logarithms cost more than all else here, so factors are multiplied up and one logarithm is taken
per some dozens of them, before the product leaves the range of floats.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_HIGH, _LOW = 1e150, 1e-150


@numba.njit(cache=True, error_model="numpy", nogil=True)
def gaussian_sums(
    residual: FloatArray, variance: FloatArray, extra: FloatArray, out: FloatArray
) -> None:
    """Write ``sum_j ln N(residual_ij; 0, variance_j + extra_i)`` to out ``(n,)``."""
    n, m = residual.shape
    for i in range(n):
        log_sum, product, chi2 = 0.0, 1.0, 0.0
        for j in range(m):
            total = variance[j] + extra[i]
            product *= total
            chi2 += residual[i, j] * residual[i, j] / total
            if product > _HIGH or product < _LOW:
                log_sum += np.log(product)
                product = 1.0
        log_sum += np.log(product)
        out[i] = -0.5 * (chi2 + log_sum + m * np.log(2 * np.pi))


@numba.njit(cache=True, error_model="numpy", nogil=True)
def student_t_sums(
    residual: FloatArray,
    variance: FloatArray,
    extra: FloatArray,
    dof: FloatArray,
    log_norm: FloatArray,
    out: FloatArray,
) -> None:
    """Write ``sum_j ln t(residual_ij; dof_i, scale^2 = variance_j + extra_i)`` to out ``(n,)``.

    `log_norm` ``(n,)`` is the logarithm of the normalisation of the standard t density.
    """
    n, m = residual.shape
    for i in range(n):
        log_scales, scales, log_tails, tails = 0.0, 1.0, 0.0, 1.0
        for j in range(m):
            total = variance[j] + extra[i]
            scales *= total
            tails *= 1.0 + residual[i, j] * residual[i, j] / (total * dof[i])
            if scales > _HIGH or scales < _LOW:
                log_scales += np.log(scales)
                scales = 1.0
            if tails > _HIGH:
                log_tails += np.log(tails)
                tails = 1.0
        log_scales += np.log(scales)
        log_tails += np.log(tails)
        out[i] = m * log_norm[i] - 0.5 * log_scales - 0.5 * (dof[i] + 1.0) * log_tails
