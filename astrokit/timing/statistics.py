"""Numbers that sum up a periodogram: goodness-of-fit statistics and the slope of a straight line.

The first two take ``(problem, values)`` and serve as ``statistic=`` of
:func:`astrokit.goodness_of_fit`, which finds their significance by simulation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError, ShapeError
from ..estimate import Estimate

if TYPE_CHECKING:
    from .periodogram import Periodogram
    from .psd import PSDProblem
    from .spectrum_problem import Values

__all__ = ["largest_ratio", "loglog_slope", "summed_square_error"]


def largest_ratio(problem: PSDProblem, values: Values) -> float:
    r"""Return :math:`T_R = \max_j 2 I_j / S_j`, large where one ordinate stands out as a line does.

    Parameters
    ----------
    problem : PSDProblem
    values : array_like, shape (p,), or mapping of str to float
        Values of all parameters, as ``fit.values``.

    References
    ----------
    Vaughan 2010, MNRAS 402, 307, section 4.

    Examples
    --------
    >>> import astrokit as ak
    >>> pg = ak.timing.Periodogram([1.0, 2.0, 3.0], [2.0, 6.0, 4.0])
    >>> ak.timing.largest_ratio(ak.timing.PSDProblem(pg, ak.timing.Constant()), [4.0])
    3.0
    """
    return float(np.max(2 * _ratio(problem, values)))


def summed_square_error(problem: PSDProblem, values: Values) -> float:
    r"""Return :math:`T_\mathrm{SSE} = \sum_j [(I_j - S_j)/S_j]^2`, large where the shape is wrong.

    Parameters and reference are those of :func:`largest_ratio`.

    Examples
    --------
    >>> import astrokit as ak
    >>> pg = ak.timing.Periodogram([1.0, 2.0, 3.0], [2.0, 6.0, 4.0])
    >>> ak.timing.summed_square_error(ak.timing.PSDProblem(pg, ak.timing.Constant()), [4.0])
    0.5
    """
    return float(np.sum((_ratio(problem, values) - 1) ** 2))


def _ratio(problem: PSDProblem, values: Values) -> NDArray[np.float64]:
    """Return the ordinates over the model, shape ``(m,)``."""
    if not hasattr(problem, "power"):
        raise InputError(
            "this statistic needs a problem of a periodogram",
            value=type(problem).__name__,
            hint="PSDProblem(Periodogram.from_lightcurve(curve), model)",
        )
    return problem.power / problem.psd(problem.frequency, values)[0]


def loglog_slope(
    periodogram: Periodogram,
    *,
    max_frequency: float | None = None,
    subtract_noise: bool = False,
) -> Estimate:
    """Return the slope of a straight line through log power against log frequency.

    Least squares with the known bias and variance of the logarithm of a chi2 variate removed: for
    a plain periodogram -0.2507 dex and 0.3103 dex^2 (Vaughan 2005, A&A 431, 391). The ordinate at
    the Nyquist frequency is left out.

    Parameters
    ----------
    periodogram : Periodogram
    max_frequency : float or Quantity, optional
        Use frequencies up to this one, for example where noise does not dominate yet.
    subtract_noise : bool
        Subtract the noise level first; ordinates that do not exceed it are refused.

    Returns
    -------
    Estimate
        Positive where the spectrum falls.

    Raises
    ------
    ShapeError
        If fewer than three frequencies are left.
    InputError
        For power that is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> f = np.arange(1, 101) / 200
    >>> exact = ak.timing.Periodogram(f, 0.01 * f**-2.0)
    >>> print(ak.timing.loglog_slope(exact))
    slope = 2.00 +/- 0.14
    """
    from scipy.special import digamma, polygamma

    used = _frequencies_up_to(periodogram, max_frequency)
    power = periodogram.power[used]
    if subtract_noise:
        power = power - _known_noise(periodogram)
    if power.size < 3:
        raise ShapeError("a slope needs at least three frequencies", value=power.size)
    if power.min() <= 0:
        raise InputError(
            "power is not positive, so it has no logarithm",
            value=float(power.min()),
            hint="average more ordinates first (log_binned), or fit a PSDProblem with a Constant",
        )
    half_dof = 0.5 * np.asarray(periodogram.degrees_of_freedom)[used]
    bias = (digamma(half_dof) - np.log(half_dof)) / np.log(10)
    weight = np.log(10) ** 2 / polygamma(1, half_dof)
    x, y = np.log10(periodogram.frequency[used]), np.log10(power) - bias
    x = x - np.average(x, weights=weight)
    spread = float(np.sum(weight * x**2))
    slope = -float(np.sum(weight * x * y)) / spread
    method = "least squares in log power and log frequency (Vaughan 2005)"
    return Estimate(slope, spread**-0.5, name="slope", method=method)


def _frequencies_up_to(periodogram: Periodogram, max_frequency: float | None) -> slice:
    """Return which ordinates count: below the Nyquist frequency, up to `max_frequency`."""
    stop = len(periodogram) - int(periodogram.has_nyquist)
    if max_frequency is not None:
        limit = as_scalar(max_frequency, "max_frequency", unit=periodogram.frequency_unit)
        # A limit typed in decimal must not lose the frequency that it names to rounding.
        stop = min(stop, int(np.searchsorted(periodogram.frequency, limit * (1 + 1e-9))))
    return slice(0, stop)


def _known_noise(periodogram: Periodogram) -> float:
    if np.isnan(periodogram.noise_level):
        raise InputError(
            "the noise level of this periodogram is unknown",
            hint="make it with noise='gaussian', 'poisson', or a number",
        )
    return periodogram.noise_level
