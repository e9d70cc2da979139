r"""Functional forms shared by all rooms, compiled: laws that are (nearly) straight in log-log.

Every form takes ``log_x`` (natural logarithm, so that it is computed once per data set) and returns
the natural logarithm of the shape. An ``index`` is the exponent with its sign turned:
:math:`x^{-\mathrm{index}}`, so a positive index falls. All shapes are 1 (log 0) at ``log_x = 0``
or at the break, as stated; multiply by an amplitude by adding its logarithm.

The functions take float64 scalars or arrays, no units: they are for kernels. Called from Python,
``function.py_func`` is the uncompiled NumPy twin.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

__all__ = [
    "bending_power_law",
    "broken_power_law",
    "cutoff_power_law",
    "log_parabola",
    "power_law",
    "smoothly_broken_power_law",
    "softplus",
]

_compile = njit(cache=True, error_model="numpy", nogil=True)


@_compile
def softplus(z: Any) -> Any:
    """Return ``ln(1 + exp(z))`` without overflow for any z.

    Examples
    --------
    >>> from astrokit.shapes import softplus
    >>> softplus(1000.0), round(softplus(0.0), 6)
    (1000.0, 0.693147)
    """
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


@_compile
def power_law(log_x: Any, index: Any) -> Any:
    """Return ``-index * ln x``: 1 at x = 1.

    Examples
    --------
    >>> from astrokit.shapes import power_law
    >>> power_law(1.5, 2.0)
    -3.0
    """
    return -index * log_x


@_compile
def broken_power_law(log_x: Any, log_break: Any, low_index: Any, high_index: Any) -> Any:
    """Return a law with `low_index` below and `high_index` above a sharp break: 1 at the break.

    Examples
    --------
    >>> from astrokit.shapes import broken_power_law
    >>> broken_power_law(1.0, 2.0, 1.0, 3.0), broken_power_law(4.0, 2.0, 1.0, 3.0)
    (1.0, -6.0)
    """
    distance = log_x - log_break
    return -low_index * np.minimum(distance, 0.0) - high_index * np.maximum(distance, 0.0)


@_compile
def smoothly_broken_power_law(
    log_x: Any, log_break: Any, low_index: Any, high_index: Any, width: Any
) -> Any:
    """Return a broken law rounded over `width` e-folds (> 0) of x; the sharp form as width -> 0.

    The shape is :math:`y^{-a} [(1 + y^{1/w})/2]^{-(b-a) w}` with y = x / break: 1 at the break,
    as in ``astropy.modeling.powerlaws.SmoothlyBrokenPowerLaw1D`` (delta = width).

    Examples
    --------
    >>> from astrokit.shapes import smoothly_broken_power_law
    >>> round(smoothly_broken_power_law(2.0, 2.0, 1.0, 3.0, 0.1), 12) + 0.0
    0.0
    """
    distance = log_x - log_break
    bend = softplus(distance / width) - math.log(2.0)
    return -low_index * distance - (high_index - low_index) * width * bend


@_compile
def bending_power_law(log_x: Any, log_bend: Any, low_index: Any, high_index: Any) -> Any:
    r"""Return :math:`x^{-a} / (1 + (x/x_b)^{b-a})`: `low_index` a, bending to `high_index` b.

    The form used for PSDs of AGN (McHardy et al. 2004, MNRAS 348, 783).

    Examples
    --------
    >>> from astrokit.shapes import bending_power_law
    >>> round(bending_power_law(0.0, 0.0, 1.0, 3.0), 6)  # half at the bend
    -0.693147
    """
    return -low_index * log_x - softplus((high_index - low_index) * (log_x - log_bend))


@_compile
def log_parabola(log_x: Any, index: Any, curvature: Any) -> Any:
    """Return ``-(index + curvature * log10 x) * ln x``: curvature per DECADE, as XSPEC ``logpar``.

    Examples
    --------
    >>> import math
    >>> from astrokit.shapes import log_parabola
    >>> round(log_parabola(math.log(10.0), 2.0, 0.5) / math.log(10.0), 12)
    -2.5
    """
    return -(index + curvature * log_x / math.log(10.0)) * log_x


@_compile
def cutoff_power_law(log_x: Any, index: Any, log_cutoff: Any) -> Any:
    """Return ``x**-index * exp(-x / cutoff)``.

    Examples
    --------
    >>> from astrokit.shapes import cutoff_power_law
    >>> cutoff_power_law(0.0, 2.0, 0.0)
    -1.0
    """
    return -index * log_x - np.exp(log_x - log_cutoff)
