"""The straight line through the slits: its slope is the pattern speed times sin i."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .kernels import line_slopes
from .slits import Slits

__all__ = ["SlitLine", "fit_line"]

FloatArray = NDArray[np.float64]
STEPS = 30  # more than the iteration ever needed; it stops when the slope stands


@dataclass(frozen=True)
class SlitLine:
    """``<V> = slope <X> + intercept`` over the slits.

    Attributes
    ----------
    slope : float
        km/s/arcsec, sign kept.
    intercept : float
        Systemic velocity, km/s.
    slope_error, intercept_error : float
        From the noise of the pixels (neighbouring slits are correlated), or from the scatter of
        the slits about the line where the maps have no errors.
    by_position, by_velocity : ndarray, shape (n,)
        How the slope follows <X> and <V> of each slit.
    residual : ndarray, shape (n,)
        Of <V>, km/s.
    chi2 : float
        Of the slits about the line, their correlation left out; NaN without errors.
    nrmse : float
        Root mean square residual over the range of <V>.
    """

    slope: float
    intercept: float
    slope_error: float
    intercept_error: float
    by_position: FloatArray
    by_velocity: FloatArray
    residual: FloatArray
    chi2: float
    nrmse: float


def fit_line(slits: Slits) -> SlitLine:
    """Return the line through the slits, with errors in both directions (York et al. 2004).

    Raises
    ------
    InputError
        With one slit: a line needs two. (Its systemic velocity would have to be known.)
    """
    n = len(slits)
    if n < 2:
        raise InputError(
            "one slit has no slope",
            value=n,
            allowed="at least 2 slits; 3 or more for a line with a check on it",
            hint="lay more slits: SlitLayout(n_slits=5)",
        )
    points = np.array([slits.position, slits.velocity])
    steps = np.concatenate([np.ptp(points, axis=1)[:, None] * 1e-5] * n, axis=1)
    moved = np.repeat(points[None], 4 * n + 1, axis=0)
    for q in range(2):
        for j in range(n):
            moved[1 + 2 * (q * n + j), q, j] += steps[q, j]
            moved[2 + 2 * (q * n + j), q, j] -= steps[q, j]
    lines = np.empty((4 * n + 1, 2))
    line_slopes(moved, slits.variances, STEPS, lines)
    slope, intercept = lines[0]
    residual = slits.velocity - intercept - slope * slits.position
    slopes = (lines[1::2] - lines[2::2]) / (2 * steps.reshape(-1)[:, None])
    if slits.has_errors:
        errors = np.sqrt(np.einsum("ik,ij,jk->k", slopes, slits.covariance, slopes))
        vx, vy, cov = slits.variances
        chi2 = float(np.sum(residual**2 / (vy + slope**2 * vx - 2 * slope * cov)))
    else:
        variance = np.sum(residual**2) / (n - 2) if n > 2 else np.nan
        errors = np.sqrt(variance * np.sum(slopes[n:] ** 2, axis=0))
        chi2 = float("nan")
    return SlitLine(
        float(slope),
        float(intercept),
        float(errors[0]),
        float(errors[1]),
        slopes[:n, 0].copy(),
        slopes[n:, 0].copy(),
        residual,
        chi2,
        float(np.sqrt(np.mean(residual**2)) / np.ptp(slits.velocity)),
    )
