"""Figures of a measurement: the slits' line, the rotation curve, the ratio R, the whole page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .map_plots import measurement_of, plot_maps, slit_colours
from .measure import CLASSES, NO_COROTATION, PatternSpeed
from .tremaine_weinberg import TremaineWeinberg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "RatioPlotData",
    "RotationPlotData",
    "SlitsPlotData",
    "plot_convergence",
    "plot_pattern_speed",
    "plot_ratio",
    "plot_rotation_curve",
    "plot_slits",
    "ratio_plot_data",
    "rotation_plot_data",
    "slits_plot_data",
]

FloatArray = NDArray[np.float64]
_BAND = (0.15865525393145707, 0.5, 0.8413447460685429)
_CURVE_POINTS = 120
_ROTATION, _PATTERN = "#30638e", "#d1495b"
CLASS_COLOURS = {"ultrafast": "#edae49", "fast": "#66a182", "slow": "#8d96a3"}


# -- slits --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SlitsPlotData:
    """What the figure of the slits draws.

    Attributes
    ----------
    offset : ndarray, shape (n,)
        Of each slit from the line of nodes, arcsec.
    position, position_error, velocity, velocity_error : ndarray, shape (n,)
        <X> in arcsec, <V> about the systemic velocity in km/s; X towards the receding half.
    line_position, lower, median, upper : ndarray, shape (k,)
        The line; with a :class:`PatternSpeed` the band holds the slope's error from all sources.
    """

    offset: FloatArray
    position: FloatArray
    position_error: FloatArray
    velocity: FloatArray
    velocity_error: FloatArray
    line_position: FloatArray
    lower: FloatArray
    median: FloatArray
    upper: FloatArray


def slits_plot_data(result: PatternSpeed | TremaineWeinberg) -> SlitsPlotData:
    """Return what :func:`plot_slits` draws."""
    tw = measurement_of(result)
    assert tw is not None  # noqa: S101  (there is a result)
    slits, line = tw.slits, tw.line
    position = tw.sense * slits.position
    reach = 1.1 * float(np.abs(position).max())
    x = np.linspace(-reach, reach, _CURVE_POINTS)
    slope = tw.sense * line.slope
    low, high = slope - line.slope_error, slope + line.slope_error
    if isinstance(result, PatternSpeed):
        speeds = result.draws.pattern_speed * tw.sine
        low, high = (float(q) for q in np.quantile(speeds, (_BAND[0], _BAND[2])))
    ends = np.sort([low * x, high * x], axis=0)
    return SlitsPlotData(
        slits.offset,
        position,
        slits.position_error,
        slits.velocity - line.intercept,
        slits.velocity_error,
        x,
        ends[0],
        slope * x,
        ends[1],
    )


def plot_slits(result: PatternSpeed | TremaineWeinberg, ax: Axes | None = None) -> Axes:
    """Draw mean velocity against mean position of the slits, and the line through them.

    Parameters
    ----------
    result : PatternSpeed or TremaineWeinberg
        With the former the band contains all errors, with the latter the pixel noise alone.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    import matplotlib.pyplot as plt

    ax = plt.subplots(figsize=(5, 4), layout="constrained")[1] if ax is None else ax
    d = slits_plot_data(result)
    ax.axhline(0, color="0.85", lw=0.8, zorder=0)
    ax.axvline(0, color="0.85", lw=0.8, zorder=0)
    ax.fill_between(d.line_position, d.lower, d.upper, color=_PATTERN, alpha=0.2, lw=0)
    ax.plot(d.line_position, d.median, color=_PATTERN, lw=1.5)
    ax.errorbar(
        d.position,
        d.velocity,
        d.velocity_error,
        d.position_error,
        fmt="none",
        ecolor="0.6",
        elinewidth=0.9,
        zorder=2,
    )
    points = ax.scatter(
        d.position, d.velocity, c=slit_colours(d.offset), s=34, ec="white", lw=0.6, zorder=3
    )
    points.set_label("slits, coloured by their place")
    speed = result.pattern_speed
    ax.set(
        xlabel=r"$\langle X \rangle$ [arcsec]",
        ylabel=r"$\langle V \rangle - V_\mathrm{sys}$ [km/s]",
        title=rf"$\Omega_p$ = {_short(speed)} km/s/arcsec",
    )
    return ax


def _short(estimate: Any) -> str:
    """Return value and errors of an Estimate without name and unit, as TeX for a title."""
    import dataclasses

    bare = dataclasses.replace(estimate, name="", unit=None)
    return str(bare._repr_latex_())


# -- rotation -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class RotationPlotData:
    """What the figure of the rotation curve draws; radii in arcsec, speeds in km/s.

    Attributes
    ----------
    radius, velocity, error : ndarray, shape (n,)
        Measured rings.
    curve_radius, curve, pattern : ndarray
        ``(k,)``, and ``(3, k)`` each: lower end, median and upper end of rotation and of
        ``Omega_p R``.
    corotation_radius, bar_radius : tuple of float
        Lower end, median, upper end; NaN where there is no corotation.
    """

    radius: FloatArray
    velocity: FloatArray
    error: FloatArray
    curve_radius: FloatArray
    curve: FloatArray
    pattern: FloatArray
    corotation_radius: tuple[float, float, float]
    bar_radius: tuple[float, float, float]


def rotation_plot_data(result: PatternSpeed) -> RotationPlotData:
    """Return what :func:`plot_rotation_curve` draws."""
    measured, draws = result.rotation_curve, result.draws
    ends = [measured.radius.max(), 1.15 * result.corotation_radius.value]
    ends.append(1.3 * result.bar_radius.value)
    radius = np.linspace(0, float(np.nanmax(ends)), _CURVE_POINTS)
    form = type(measured.form)(1.0, 1.0)
    pairs = np.abs(draws.flat_velocity)[:, None], draws.turnover[:, None]
    curves = pairs[0] * form.shape(radius[None, :] / pairs[1])
    return RotationPlotData(
        measured.radius,
        measured.velocity,
        measured.velocity_error,
        radius,
        np.quantile(curves, _BAND, axis=0),
        np.quantile(draws.pattern_speed, _BAND)[:, None] * radius,
        _ends_of(draws.corotation_radius),
        _ends_of(draws.bar_radius),
    )


def _ends_of(values: FloatArray) -> tuple[float, float, float]:
    known = values[np.isfinite(values)]
    if known.size == 0:
        return math.nan, math.nan, math.nan
    low, middle, high = np.quantile(known, _BAND)
    return float(low), float(middle), float(high)


def plot_rotation_curve(result: PatternSpeed, ax: Axes | None = None) -> Axes:
    """Draw the rotation curve and ``Omega_p R``; they meet at corotation.

    Parameters
    ----------
    result : PatternSpeed
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    import matplotlib.pyplot as plt

    ax = plt.subplots(figsize=(5, 4), layout="constrained")[1] if ax is None else ax
    d = rotation_plot_data(result)
    _vertical(ax, d.bar_radius, "#00798c", r"$R_\mathrm{bar}$")
    if math.isfinite(d.corotation_radius[1]):
        _vertical(ax, d.corotation_radius, "0.55", r"$R_\mathrm{CR}$")
    for band, colour, label in (
        (d.curve, _ROTATION, "rotation curve"),
        (d.pattern, _PATTERN, r"$\Omega_p R$"),
    ):
        ax.fill_between(d.curve_radius, band[0], band[2], color=colour, alpha=0.25, lw=0)
        ax.plot(d.curve_radius, band[1], color=colour, lw=1.6, label=label)
    ax.errorbar(
        d.radius,
        d.velocity,
        d.error,
        fmt="o",
        ms=3.5,
        color=_ROTATION,
        mec="white",
        mew=0.4,
        lw=0.8,
    )
    top = max(1.25 * float(d.curve[2].max()), 1.05 * float(d.velocity.max()))
    ax.set(
        xlabel="radius in the disc [arcsec]",
        ylabel="velocity [km/s]",
        xlim=(0, d.curve_radius[-1]),
        ylim=(0, top),
        title=rf"$R_\mathrm{{CR}}$ = {_short(result.corotation_radius)} arcsec",
    )
    ax.legend(loc="lower right", fontsize=8, framealpha=0.9)
    return ax


def _vertical(ax: Axes, ends: tuple[float, float, float], colour: str, label: str) -> None:
    ax.axvspan(ends[0], ends[2], color=colour, alpha=0.18, lw=0)
    ax.axvline(ends[1], color=colour, lw=1.2, label=label)


# -- the ratio ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class RatioPlotData:
    """What the figure of the ratio draws.

    Attributes
    ----------
    edges : ndarray, shape (k + 1,)
    density : ndarray, shape (k,)
        Of the draws that have a ratio; those beyond the last edge are in none of the bins.
    probabilities : dict of str to float
        Of the classes, and of no corotation.
    beyond : float
        Share of the draws beyond the last edge.
    """

    edges: FloatArray
    density: FloatArray
    probabilities: dict[str, float]
    beyond: float


def ratio_plot_data(result: PatternSpeed) -> RatioPlotData:
    """Return what :func:`plot_ratio` draws."""
    known = result.draws.ratio[np.isfinite(result.draws.ratio)]
    low, high = np.quantile(known, (0.002, 0.97)) if known.size else (0.0, 2.0)
    edges = np.linspace(min(low, 0.85), max(high, 1.6), 41)
    counts, _ = np.histogram(known, edges)
    width = edges[1] - edges[0]
    density = counts / (max(known.size, 1) * width)
    beyond = float(np.mean(known > edges[-1])) if known.size else 0.0
    return RatioPlotData(edges, density, result.class_probabilities, beyond)


def plot_ratio(result: PatternSpeed, ax: Axes | None = None) -> Axes:
    """Draw the distribution of R = corotation radius / bar radius over the classes of bars.

    Parameters
    ----------
    result : PatternSpeed
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    import matplotlib.pyplot as plt

    ax = plt.subplots(figsize=(5, 4), layout="constrained")[1] if ax is None else ax
    d = ratio_plot_data(result)
    _draw_classes(ax, d.edges[0], d.edges[-1], d.probabilities)
    ax.stairs(d.density, d.edges, color="#2e4057", fill=True, alpha=0.6)
    ax.stairs(d.density, d.edges, color="#2e4057", lw=1.2)
    labels = [("no corotation", d.probabilities[NO_COROTATION]), ("beyond the figure", d.beyond)]
    for text, share in labels:
        if share > 0:
            ax.plot([], [], " ", label=f"{text} {_percent(share)}")
    ax.legend(loc="upper right", fontsize=8, framealpha=0.9)
    ax.set(
        xlabel=r"$\mathcal{R} = R_\mathrm{CR} / R_\mathrm{bar}$",
        ylabel="density",
        xlim=(d.edges[0], d.edges[-1]),
        ylim=(0, 1.45 * max(float(d.density.max()), 1e-12)),
        title=rf"$\mathcal{{R}}$ = {_short(result.ratio)}",
    )
    return ax


def _draw_classes(ax: Axes, low: float, high: float, probabilities: dict[str, float]) -> None:
    for name, (start, end) in CLASSES.items():
        left, right = max(start, low), min(end, high)
        if right <= left:
            continue
        text = f"{name} {_percent(probabilities[name])}"
        ax.axvspan(left, right, color=CLASS_COLOURS[name], alpha=0.35, lw=0, label=text)


def _percent(share: float) -> str:
    """Return a share as a percentage that hides no small one."""
    return "< 1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


# -- the length of slits ------------------------------------------------------------------------


def plot_convergence(tw: TremaineWeinberg | PatternSpeed, ax: Axes | None = None) -> Axes:
    """Draw the pattern speed against the half-length of the slits.

    Parameters
    ----------
    tw : TremaineWeinberg or PatternSpeed
        ``tw.convergence()`` returns the numbers.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    import matplotlib.pyplot as plt

    ax = plt.subplots(figsize=(5, 4), layout="constrained")[1] if ax is None else ax
    measurement = measurement_of(tw)
    assert measurement is not None  # noqa: S101  (there is a result)
    curve = measurement.convergence()
    low, high = curve.pattern_speed - curve.error, curve.pattern_speed + curve.error
    ax.fill_between(curve.half_length, low, high, color=_PATTERN, alpha=0.2, lw=0)
    ax.plot(curve.half_length, curve.pattern_speed, "-o", ms=3.5, color=_PATTERN)
    ax.axvline(
        measurement.geometry.bar_radius.value,
        color="#00798c",
        lw=1.2,
        label="bar radius on the sky",
    )
    ax.set(
        xlabel="half-length of the slits [arcsec]",
        ylabel=r"$\Omega_p$ [km/s/arcsec]",
        title="length of the slits",
    )
    ax.legend(fontsize=8)
    return ax


def plot_pattern_speed(result: PatternSpeed) -> Figure:
    """Draw one measurement on a page: maps, slits, rotation curve, ratio, length of slits.

    Parameters
    ----------
    result : PatternSpeed

    Returns
    -------
    Figure
    """
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(12, 7.6), layout="constrained")
    top = [figure.add_subplot(2, 3, k) for k in (1, 2)]
    plot_maps(result.tw.maps, result=result, axes=top)
    plot_convergence(result, figure.add_subplot(2, 3, 3))
    plot_slits(result, figure.add_subplot(2, 3, 4))
    plot_rotation_curve(result, figure.add_subplot(2, 3, 5))
    plot_ratio(result, figure.add_subplot(2, 3, 6))
    return figure
