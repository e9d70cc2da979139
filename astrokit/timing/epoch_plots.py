"""The figure of a characterized observation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import AstrokitError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..inference import Fit
    from .characterize import Characterization

__all__ = ["plot_characterization", "plot_spectrum"]

FloatArray = NDArray[np.float64]


def plot_characterization(result: Characterization) -> list[Axes]:
    """Draw light curve, power spectrum, flux distribution and rms-flux relation in four panels."""
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(2, 2, figsize=(10.5, 6.8), layout="constrained")
    first, second, third, fourth = panels.ravel()
    result.lightcurve.plot(first)
    _panel(second, result, "power_spectrum", "slope", plot_spectrum)
    _panel(third, result, "flux_distribution", "flux_verdict", lambda r, ax: r.plot(ax))
    _panel(fourth, result, "rms_flux", "rms_flux_slope", lambda r, ax: r.plot(ax))
    figure.suptitle(result.label)
    return [first, second, third, fourth]


def plot_spectrum(fit: Fit, ax: Axes | None = None) -> Axes:
    """Draw the spectrum that the likelihood of a light curve found, over its periodogram.

    The periodogram is that of the curve with gaps bridged by lines: a picture, to which nothing
    was fitted. It lies above the model where leakage and noise add to it.

    Parameters
    ----------
    fit : Fit
        Of a :class:`~astrokit.timing.GaussianPSDProblem`.
    ax : matplotlib.axes.Axes, optional
    """
    from .plots import _colors, _new_axes

    ax = _new_axes() if ax is None else ax
    problem: Any = fit.require_problem()
    periodogram = _bridged(problem)
    if periodogram is not None:
        periodogram.plot(ax)
        frequency = np.geomspace(periodogram.frequency[0], periodogram.frequency[-1], 200)
    else:
        duration = problem.data.duration
        frequency = np.geomspace(1 / duration, 0.5 * problem.data.n / duration, 200)
    power = problem.psd(frequency, fit.values)[0]
    slope = fit.values.get("slope")
    label = "fit" if slope is None else f"slope {slope:.2f} \u00b1 {fit['slope'].error:.2f}"
    ax.plot(frequency, power, color=_colors()[0], lw=1.8, label=label, zorder=6)
    ax.set(xscale="log", yscale="log", xlabel=f"Frequency ({problem.frequency_unit})")
    ax.set_ylabel(ax.get_ylabel() or "Power")
    ax.legend(frameon=False, fontsize="small")
    return ax


def _bridged(problem: Any) -> Any:
    """Return the periodogram of the curve on its grid with gaps bridged, None if it has no grid."""
    from ..lightcurve import LightCurve
    from .periodogram import Periodogram

    try:
        grid = problem.data.on_regular_grid()
    except AstrokitError:
        return None
    time = np.arange(grid.n) * grid.dt
    rate = np.interp(time, time[grid.valid], grid.rate[grid.valid])
    error = None
    if grid.error is not None:
        error = np.interp(time, time[grid.valid], grid.error[grid.valid])
    curve = LightCurve(time, rate, error, bin_width=grid.dt, info=grid.info)
    return Periodogram.from_lightcurve(curve, normalization=problem.normalization)


def _panel(
    ax: Axes,
    result: Characterization,
    name: str,
    row: str,
    draw: Callable[[Any, Axes], Any],
) -> None:
    """Draw one result, or write why it is not there."""
    if name in result.results:
        draw(result.results[name], ax)
        return
    reason = result.reasons.get(row, "not measured")
    ax.text(0.5, 0.5, reason, ha="center", va="center", wrap=True, transform=ax.transAxes)
    ax.set_title(name.replace("_", " "))
    ax.set_axis_off()
