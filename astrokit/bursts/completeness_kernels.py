"""Compiled detection probability: what fraction of bursts of an energy is found."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

__all__ = ["COMPLETE", "CURVE", "GAUSS_WEIGHT", "GAUSS_X", "LOGISTIC", "log_detection"]

COMPLETE, LOGISTIC, CURVE = 0, 1, 2
GAUSS_X, GAUSS_WEIGHT = np.polynomial.legendre.leggauss(6)

_compile = njit(cache=True, error_model="numpy", nogil=True)


@_compile
def log_detection(e: float, completeness: Any) -> float:
    """Return ln of the detection probability at ln E = `e`.

    `completeness` ``(2, k)`` holds a code in its first place; a logistic has centre and width (of
    ln E) behind it, a curve its knots (first row) and probabilities (second row) from the second
    column on; linear in between, constant outside.
    """
    code = int(completeness[0, 0])
    if code == COMPLETE:
        return 0.0
    if code == LOGISTIC:
        z = (e - completeness[0, 1]) / completeness[0, 2]
        return -(max(-z, 0.0) + math.log1p(math.exp(-abs(z))))
    x, f = completeness[0], completeness[1]
    last = x.size - 1
    if e <= x[1]:
        return math.log(f[1]) if f[1] > 0.0 else -math.inf
    if e >= x[last]:
        return math.log(f[last])
    j = 1 + int(np.searchsorted(x[1:], e, side="right"))
    w = (e - x[j - 1]) / (x[j] - x[j - 1])
    p = (1.0 - w) * f[j - 1] + w * f[j]
    return math.log(p) if p > 0.0 else -math.inf
