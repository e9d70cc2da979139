"""Compiled loops of the expected periodogram: plain float64 arrays, no units, no checks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from .kernels import _fill_gradient

__all__ = ["add_waves", "psd_gradient"]

_compile = njit(cache=True, error_model="numpy", nogil=True)
_BLOCK = 512
_RESTART = 1024  # steps after which a rotated wave is taken afresh, before rounding adds up


@_compile
def psd_gradient(values: Any, log_f: Any, header: Any, S: Any, D: Any) -> None:
    """Write the model at `log_f` ``(m,)`` into S and its derivatives into D ``(p, m)``."""
    work, block = np.empty(_BLOCK), np.empty((values.size, _BLOCK))
    for start in range(0, log_f.size, _BLOCK):
        stop = min(start + _BLOCK, log_f.size)
        part = work[: stop - start]
        _fill_gradient(values, header, log_f[start:stop], part, block)
        S[start:stop] = part
        for j in range(values.size):
            for i in range(stop - start):
                D[j, start + i] = block[j, i]


@_compile
def add_waves(step: Any, cosine: Any, sine: Any, out: Any) -> None:
    """Add ``sum_q cosine_q cos(step_q t) + sine_q sin(step_q t)`` to `out` ``(n,)``."""
    for start in range(0, out.size, _RESTART):
        stop = min(start + _RESTART, out.size)
        for q in range(step.size):
            c, s = math.cos(step[q]), math.sin(step[q])
            x, y = math.cos(step[q] * start), math.sin(step[q] * start)
            for t in range(start, stop):
                out[t] += cosine[q] * x + sine[q] * y
                x, y = x * c - y * s, x * s + y * c
