"""Whether a law describes the energies: a distance for :func:`astrokit.goodness_of_fit`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..inference.problem import Problem
from .problem import EnergyProblem

__all__ = ["ks_distance"]

FloatArray = NDArray[np.float64]


def ks_distance(problem: Problem, values: Any) -> float:
    """Return the Kolmogorov-Smirnov distance between bursts and model.

    Of the probabilities of each burst under the model, its threshold given, from uniform ones: so
    thresholds may differ from burst to burst, and completeness is known. Its distribution with
    fitted parameters comes from simulations.

    Parameters
    ----------
    problem : EnergyProblem
    values : array_like, shape (p,)
        Values of all parameters.

    Returns
    -------
    float

    Raises
    ------
    InputError
        For another problem, saturated bursts, or energies with errors.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> E = 1e37 * np.random.default_rng(1).uniform(size=400) ** (-1 / 0.8)
    >>> fit = ak.bursts.EnergyProblem(E, ak.bursts.PowerLaw(), threshold=1e37).fit()
    >>> test = ak.goodness_of_fit(fit, ak.bursts.ks_distance, 100, seed=1)
    >>> bool(test.p_value.value > 0.01)
    True
    """
    if not isinstance(problem, EnergyProblem):
        raise InputError("an EnergyProblem is needed", value=type(problem).__name__)
    u = np.sort(problem.survival(values))
    steps = np.arange(u.size + 1) / u.size
    return float(max((u - steps[:-1]).max(), (steps[1:] - u).max()))
