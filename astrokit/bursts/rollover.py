"""Signs of incompleteness just above a threshold."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..inference.fit_result import Fit
from .problem import EnergyProblem

__all__ = ["local_index", "roll_over"]

FloatArray = NDArray[np.float64]
_PART = 0.2  # of the bursts above the threshold: the lowest ones
_FEWEST = 20
_SIGMAS = 3.0


def roll_over(broken: Fit, problem: EnergyProblem) -> str:
    """Return what speaks for a detection roll-over, or an empty text.

    Towards lower energies the number of bursts per unit of ln E grows in every known source down
    to where the search loses them. So a differential index below 1 just above the threshold,
    by three standard deviations, looks like detection and not like the source. Given a completeness
    the question is settled by it.

    Parameters
    ----------
    broken : Fit
        Of the broken law.
    problem : EnergyProblem
    """
    if problem.completeness is not None:
        return ""
    low = broken["index_low"]
    excess = (1.0 - low.value) / low.error if low.error > 0 else 0.0
    where, index, error = "below the fitted break", low.value, low.error
    local, sigma = local_index(problem)
    if sigma > 0 and (1.0 - local) / sigma > max(excess, _SIGMAS):
        excess, where = (1.0 - local) / sigma, "in the lowest fifth of the bursts"
        index, error = local, sigma
    if not excess > _SIGMAS:
        return ""
    return (
        f"the number of bursts per unit of ln E falls towards the threshold (differential index "
        f"{index:.2f} +/- {error:.2f} {where}, below 1): bursts there are likely missed, and a "
        f"roll-over of the detection makes a break; raise the threshold or give completeness="
    )


def local_index(problem: EnergyProblem) -> tuple[float, float]:
    """Return the differential index of the lowest bursts and its error; (nan, 0) for too few.

    A power law between the threshold and the energy below which a fifth of the bursts lie.
    """
    from scipy.optimize import brentq

    x = np.sort(np.log(problem.data.energy / problem.threshold))
    k = int(_PART * x.size)
    if k < _FEWEST:
        return math.nan, 0.0
    top = float(x[k])
    if not top > 0:  # a fifth of the bursts lie exactly at the threshold: rounded energies
        return math.nan, 0.0
    mean = float(x[:k].mean()) / top
    # x/top has density exp(-c x) on (0, 1) with c = (index - 1) top; its mean lies near 1/2.
    if not 0.02 < mean < 0.98:
        return math.nan, 0.0
    c = float(brentq(lambda c: _mean(c) - mean, -60.0, 60.0))
    variance = 1 / 12 if abs(c) < 1e-3 else 1 / c**2 - 1 / (4 * math.sinh(c / 2) ** 2)
    return 1 + c / top, 1 / (math.sqrt(k * variance) * top)


def _mean(c: float) -> float:
    """Return the mean of ``exp(-c x)`` on (0, 1)."""
    return 0.5 - c / 12 if abs(c) < 1e-4 else 1 / c - 1 / math.expm1(c)
