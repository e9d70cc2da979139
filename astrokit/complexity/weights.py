"""Sums of the variances of windows, by pattern."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .counting import pieces, usable_windows, window_codes
from .series import Series, as_series, check_windows

__all__ = ["pattern_weights"]

_PIECE = 1 << 15


def pattern_weights(series: Series, x: Any, n: int, delay: int) -> NDArray[np.float64]:
    """Return the sum of the variances of the windows of each pattern that occurs.

    Parameters
    ----------
    series : Series
        Decides the patterns.
    x : array_like or LightCurve
        What the user gave: values for the variances, where a tie policy has made ranks of them.
    n, delay : int
    """
    from .kernels import add_weights

    windows = check_windows(series.size, n, delay)
    offsets = np.arange(n, dtype=np.int64) * delay
    codes = window_codes(series, n, delay)
    plain = replace(as_series(x, missing=series.missing), tolerance=0.0)
    weights = np.empty(windows)
    for first, last, piece, local in pieces(plain, offsets, 0, windows, _PIECE):
        add_weights(piece, 0, local, weights[first:last])
    usable = usable_windows(series, offsets, windows)
    if usable is not None:
        codes, weights = codes[usable], weights[usable]
    _, which = np.unique(codes, return_inverse=True)
    return np.asarray(np.bincount(which, weights), dtype=np.float64)
