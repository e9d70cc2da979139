"""Compiled derivatives of a Lorentzian; see the kernels that call them."""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from ..fastmath import fast_exp

__all__ = ["add_lorentzian_curvature", "lorentzian_gradient"]

_compile = njit(cache=True, error_model="numpy", nogil=True, fastmath={"reassoc"})


@_compile
def lorentzian_gradient(values: Any, at: int, log_f: Any, S: Any, D: Any) -> None:
    """Add a Lorentzian to S ``(m,)`` and write its derivatives into D ``(3, m)``."""
    center, quality, peak = values[at], values[at + 1], math.exp(values[at + 2])
    D_center, D_quality, D_amplitude = D[0], D[1], D[2]
    for i in range(S.size):
        r = fast_exp(log_f[i]) / center
        u = 2.0 * (r - 1.0)
        inverse = 1.0 / (1.0 + quality * quality * u * u)
        P = peak * inverse
        pull = 2.0 * quality * u * P * inverse
        D_center[i] = 2.0 * pull * quality * r / center
        D_quality[i] = -pull * u
        D_amplitude[i] = P
        S[i] += P


@_compile
def add_lorentzian_curvature(
    values: Any, at: int, log_f: Any, weight: Any, P: Any, out: Any
) -> None:
    """Add ``sum weight * second derivatives`` to the lower triangle of `out` from `at` on."""
    center, quality = values[at], values[at + 1]
    for i in range(weight.size):
        r = fast_exp(log_f[i]) / center
        u, u_c = 2.0 * (r - 1.0), -2.0 * r / center
        inverse = 1.0 / (1.0 + quality * quality * u * u)
        far = quality * quality * u * u * inverse
        # First and second derivatives of ln P = A - ln(1 + Q^2 u^2), with u(f_0).
        s_u, s_q = -2.0 * quality * quality * u * inverse, -2.0 * quality * u * u * inverse
        s_uu = -2.0 * quality * quality * inverse * (1.0 - 2.0 * far)
        s_qq = -2.0 * u * u * inverse * (1.0 - 2.0 * far)
        s_uq = -4.0 * quality * u * inverse * (1.0 - far)
        s_c, s_cq = s_u * u_c, s_uq * u_c
        s_cc = s_uu * u_c * u_c - 2.0 * s_u * u_c / center
        wP = weight[i] * P[i]
        out[at, at] += wP * (s_c * s_c + s_cc)
        out[at + 1, at] += wP * (s_c * s_q + s_cq)
        out[at + 1, at + 1] += wP * (s_q * s_q + s_qq)
        out[at + 2, at] += wP * s_c
        out[at + 2, at + 1] += wP * s_q
        out[at + 2, at + 2] += wP
