r"""Entropies and complexity of pattern frequencies: formulas, nothing else.

All take probabilities of the patterns that occur (zeros are allowed) along the last axis and the
number of possible patterns N. Shannon's S is in nats; H = S/ln N; with u = 1/N

.. math:: C = Q_0 H \left( S[(p+u)/2] - S[p]/2 - \ln(N)/2 \right).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "divergence",
    "divergence_scale",
    "fisher_information",
    "jensen_complexity",
    "log_states",
    "normalized_entropy",
    "renyi",
    "shannon",
    "tsallis",
]

FloatArray = NDArray[np.float64]


def log_states(n: int) -> float:
    """Return ln n!."""
    return math.log(math.factorial(n))


def divergence_scale(n_states: int) -> float:
    """Return Q0, one over the largest Jensen-Shannon divergence from equal probabilities."""
    N = n_states
    # ((N+1)/N) ln(N+1) - 2 ln(2N) + ln N, written so that nothing cancels at large N.
    return -2.0 / (math.log1p(1 / N) + math.log(N + 1) / N - 2 * math.log(2))


def _x_log_x(x: FloatArray) -> FloatArray:
    return np.where(x > 0, x * np.log(np.where(x > 0, x, 1.0)), 0.0)


def shannon(p: FloatArray) -> Any:
    """Return Shannon's entropy in nats."""
    return np.maximum(-_x_log_x(p).sum(axis=-1), 0.0) + 0.0


def normalized_entropy(p: FloatArray, n_states: int) -> Any:
    """Return H, between 0 (one pattern) and 1 (all equally often)."""
    return np.minimum(shannon(p) / math.log(n_states), 1.0)


def divergence(p: FloatArray, n_states: int) -> Any:
    """Return the Jensen-Shannon divergence from equal probabilities, in nats."""
    u = 1.0 / n_states
    unseen = n_states - p.shape[-1]
    mixed = -_x_log_x(0.5 * (p + u)).sum(axis=-1) - unseen * 0.5 * u * math.log(0.5 * u)
    return np.maximum(mixed - 0.5 * shannon(p) - 0.5 * math.log(n_states), 0.0)


def jensen_complexity(p: FloatArray, n_states: int) -> Any:
    """Return C, the statistical complexity (Lopez-Ruiz et al. 1995; Rosso et al. 2007)."""
    value = divergence_scale(n_states) * divergence(p, n_states) * normalized_entropy(p, n_states)
    return np.where(normalized_entropy(p, n_states) >= 1.0, 0.0, value)[()]


def renyi(p: FloatArray, order: float, n_states: int) -> Any:
    """Return Renyi's entropy of this order over its largest value ln N."""
    p = p[p > 0]
    if order == 1.0:
        value = shannon(p)
    elif math.isinf(order):
        value = -math.log(float(p.max()))
    else:
        # The logarithms of large powers are summed from their maximum, so that none underflows.
        exponents = order * np.log(p)
        top = exponents.max()
        value = (top + math.log(float(np.exp(exponents - top).sum()))) / (1 - order)
    return float(max(value, 0.0) / math.log(n_states)) + 0.0


def tsallis(p: FloatArray, order: float, n_states: int) -> Any:
    """Return Tsallis's entropy of this order over its largest value."""
    p = p[p > 0]
    if order == 1.0:
        return float(shannon(p) / math.log(n_states)) + 0.0
    # (1 - sum p^q)/(q - 1) over (1 - N^(1-q))/(q - 1)
    log_n = math.log(n_states)
    surplus = -float((p * np.expm1((order - 1) * np.log(p))).sum())
    return surplus / -math.expm1((1 - order) * log_n) + 0.0


def fisher_information(p: FloatArray) -> float:
    """Return the discrete Fisher information of probabilities in a given order of states.

    ``F0 * sum (sqrt(p[i + 1]) - sqrt(p[i]))**2``, F0 = 1 where all weight is on the first or the
    last state and 1/2 elsewhere.
    """
    root = np.sqrt(p)
    at_end = p[0] == 1 or p[-1] == 1
    return float((1.0 if at_end else 0.5) * np.sum(np.diff(root) ** 2)) + 0.0
