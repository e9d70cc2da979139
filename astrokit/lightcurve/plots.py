"""Figures of light curves, and the numbers behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import gti as intervals
from .info import SECONDS_PER_DAY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .lightcurve import LightCurve

__all__ = ["LightCurvePlotData", "lightcurve_plot_data", "plot_lightcurve"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LightCurvePlotData:
    """What the figure of a light curve draws.

    Attributes
    ----------
    time, rate : ndarray, shape (k,)
        Valid bins; times count from `offset` and are in the unit of the label.
    error : ndarray, shape (k,), or None
    half_width : ndarray, shape (k,)
        Half bin widths in the unit of the label.
    gaps : ndarray, shape (m, 2)
        Times between the first and the last bin that are not good.
    offset : float
        What was subtracted from the times, in the time unit of the light curve.
    time_label, rate_label, title : str
    """

    time: Array
    rate: Array
    error: Array | None
    half_width: Array
    gaps: Array
    offset: float
    time_label: str
    rate_label: str
    title: str


def lightcurve_plot_data(lc: LightCurve) -> LightCurvePlotData:
    """Return the numbers and labels that :func:`plot_lightcurve` draws.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.LightCurve([50, 150, 250], [1.0, 2.0, 3.0]).plot_data().time_label
    'Time (s)'
    """
    info = lc.info
    # Invalid bins at the ends are not drawn, and must not stretch the axis either.
    drawn = np.flatnonzero(lc.valid) if lc.valid.any() else np.arange(lc.n)
    first, last = float(lc.left[drawn[0]]), float(lc.right[drawn[-1]])
    span = last - first
    # Far from zero the ticks would show digits that do not change.
    offset = float(np.floor(first)) if abs(first) > 3 * span else 0.0
    unit, factor = info.time_unit, 1.0
    if unit == "s" and span >= 2e4:
        unit, factor = ("ks", 1e-3) if span < 3 * SECONDS_PER_DAY else ("d", 1 / SECONDS_PER_DAY)
    half = np.broadcast_to(np.asarray(lc.bin_width) / 2, lc.time.shape)[lc.valid]
    gaps = intervals.merge_short_gaps(lc.gti, float(np.min(lc.bin_width)))
    missing = intervals.complement(gaps, first, last) if span > 0 else np.empty((0, 2))
    return LightCurvePlotData(
        time=(lc.time[lc.valid] - offset) * factor,
        rate=lc.rate[lc.valid],
        error=None if lc.error is None else lc.error[lc.valid],
        half_width=half * factor,
        gaps=(missing - offset) * factor,
        offset=offset,
        time_label=_time_label(lc, offset, unit),
        rate_label=_rate_label(lc),
        title=info.title,
    )


def _time_label(lc: LightCurve, offset: float, unit: str) -> str:
    info = lc.info
    if info.mjdref is not None and info.time_unit == "d" and info.mjdref == 0.0:
        return f"MJD - {offset:.10g} (d)" if offset else "MJD (d)"
    if info.mjdref is not None:
        days = offset / (SECONDS_PER_DAY if info.time_unit == "s" else 1.0)
        system = f" {info.time_system}" if info.time_system else ""
        return f"Time since MJD {info.mjdref + days:.5f}{system} ({unit})"
    return f"Time - {offset:.10g} {info.time_unit} ({unit})" if offset else f"Time ({unit})"


def _rate_label(lc: LightCurve) -> str:
    unit = lc.info.rate_unit
    if lc.info.is_magnitude:
        return "Magnitude"
    nice = {
        "ct / s": "Count rate (ct s$^{-1}$)",
        "ct / d": "Count rate (ct d$^{-1}$)",
        "electron / s": "Flux (e$^-$ s$^{-1}$)",
        "": "Rate",
    }
    return nice.get(unit, f"Flux ({unit})")


def plot_lightcurve(
    lc: LightCurve, ax: Axes | None = None, *, show_gaps: bool = True, **style: Any
) -> Axes:
    """Draw a light curve with its errors; time that is not good is shaded.

    Parameters
    ----------
    lc : LightCurve
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    show_gaps : bool
        Shade the time between the good time intervals.
    **style
        Passed to ``Axes.errorbar``: ``color``, ``label``, ``markersize``, ...

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import astrokit as ak
    >>> ax = ak.LightCurve([50, 150, 250], [1.0, 2.0, 3.0]).plot()
    >>> ax.get_xlabel()
    'Time (s)'
    """
    import matplotlib.pyplot as plt

    data = lightcurve_plot_data(lc)
    if ax is None:
        _, ax = plt.subplots(figsize=(7.0, 3.2), layout="constrained")
    many = len(data.time) > 400
    look: dict[str, Any] = {
        "fmt": ".",
        "markersize": 2.0 if many else 4.0,
        "color": "#1f4e79",
        "ecolor": "#8fb0d0",
        "elinewidth": 0.6 if many else 0.9,
        "capsize": 0,
        "rasterized": len(data.time) > 20000,
    }
    if "color" in style:
        look["ecolor"] = style["color"]
    wide = data.half_width if not many and np.any(data.half_width > 0) else None
    ax.errorbar(data.time, data.rate, yerr=data.error, xerr=wide, **(look | style))
    if show_gaps:
        _shade(ax, data.gaps)
    ax.set_xlabel(data.time_label)
    ax.set_ylabel(data.rate_label)
    if data.title:
        ax.set_title(data.title, fontsize="medium", loc="left")
    if lc.info.is_magnitude and not ax.yaxis_inverted():
        ax.invert_yaxis()
    ax.margins(x=0.02)
    ax.tick_params(direction="in", top=True, right=True)
    return ax


def _shade(ax: Axes, gaps: Array) -> None:
    """Shade gaps as one collection: a curve may have thousands."""
    if len(gaps) == 0:
        return
    from matplotlib.collections import PolyCollection

    low, high = gaps[:, 0], gaps[:, 1]
    corners = np.stack(
        [
            np.column_stack([low, np.zeros_like(low)]),
            np.column_stack([low, np.ones_like(low)]),
            np.column_stack([high, np.ones_like(low)]),
            np.column_stack([high, np.zeros_like(low)]),
        ],
        axis=1,
    )
    shade = PolyCollection(
        list(corners),
        transform=ax.get_xaxis_transform(),
        facecolor="0.93",
        edgecolor="none",
        zorder=0,
    )
    ax.add_collection(shade, autolim=False)
