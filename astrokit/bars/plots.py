"""Figures of a measurement: maps with slits, the slits' line, the rotation curve, the ratio R."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .geometry import Geometry, sky_direction
from .maps import GalaxyMaps
from .measure import CLASSES, NO_COROTATION, PatternSpeed
from .tremaine_weinberg import TremaineWeinberg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "MapsPlotData",
    "RatioPlotData",
    "RotationPlotData",
    "SlitsPlotData",
    "maps_plot_data",
    "plot_convergence",
    "plot_maps",
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
_SLIT_COLOURS = "viridis"
_CROWDED = 25  # slits; more are drawn faintly, so that the maps stay visible
_BAR, _NODES, _ROTATION, _PATTERN = "#d1495b", "#222222", "#30638e", "#d1495b"
CLASS_COLOURS = {"ultrafast": "#edae49", "fast": "#66a182", "slow": "#8d96a3"}


# -- maps ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MapsPlotData:
    """What the figure of maps draws; positions in arcsec to the west and to the north.

    Attributes
    ----------
    x, y : ndarray
        Corners of the pixels ``(rows + 1, columns + 1)``, or the points ``(n,)``.
    flux, velocity : ndarray
        Of the shape of the input, or ``(n,)``; flux over its maximum, velocity about the systemic.
    systemic_velocity : float
        km/s.
    slits : ndarray, shape (k, 4, 2)
        Corners of each slit.
    slit_offset : ndarray, shape (k,)
    bar, nodes : ndarray of shape (2, 2), or None
        Ends of the bar and of the line of nodes.
    """

    x: FloatArray
    y: FloatArray
    flux: FloatArray
    velocity: FloatArray
    systemic_velocity: float
    slits: FloatArray
    slit_offset: FloatArray
    bar: FloatArray | None
    nodes: FloatArray | None


def maps_plot_data(
    maps: GalaxyMaps, result: PatternSpeed | TremaineWeinberg | None = None
) -> MapsPlotData:
    """Return what :func:`plot_maps` draws.

    Parameters
    ----------
    maps : GalaxyMaps
    result : PatternSpeed or TremaineWeinberg, optional
        Its slits are drawn.

    Examples
    --------
    >>> import astrokit as ak
    >>> g = ak.bars.simulate_galaxy(seed=1)
    >>> ak.bars.maps_plot_data(g).bar.shape
    (2, 2)
    """
    tw = _measurement(result)
    geometry = tw.geometry if tw is not None else maps.geometry
    if maps.grid is None:
        x, y, flux, velocity = maps.x, maps.y, maps.flux, maps.velocity
    else:
        x, y = _corners(maps)
        flux, velocity = maps.image("flux"), maps.image("velocity")
    systemic = _systemic(maps, tw, geometry)
    extent = float(np.max(np.hypot(maps.x, maps.y)))
    slits, offset = np.empty((0, 4, 2)), np.empty(0)
    if tw is not None:
        slits, offset = _slit_corners(tw), tw.slits.offset
    return MapsPlotData(
        x,
        y,
        flux / np.nanmax(flux),
        velocity - systemic,
        systemic,
        slits,
        offset,
        None if geometry is None else _bar_ends(geometry),
        None if geometry is None else _ends(geometry, geometry.position_angle.value, extent),
    )


def _measurement(result: PatternSpeed | TremaineWeinberg | None) -> TremaineWeinberg | None:
    return result.tw if isinstance(result, PatternSpeed) else result


def _corners(maps: GalaxyMaps) -> tuple[FloatArray, FloatArray]:
    """Return the corners of all pixels of the image."""
    from .grid import PixelGrid

    grid = maps.grid
    assert grid is not None  # noqa: S101  (the caller has looked)
    column, row = grid.origin or (0.0, 0.0)
    shifted = PixelGrid(grid.pixel_scale, (column + 0.5, row + 0.5), grid.angle, grid.mirrored)
    return shifted.positions((maps.shape[0] + 1, maps.shape[1] + 1))


def _systemic(maps: GalaxyMaps, tw: TremaineWeinberg | None, geometry: Geometry | None) -> float:
    if geometry is not None and geometry.systemic_velocity is not None:
        return geometry.systemic_velocity.value
    if tw is not None:
        return tw.rotation_curve.systemic_velocity
    return float(np.median(maps.velocity))


def _ends(geometry: Geometry, angle: float, radius: float) -> FloatArray:
    direction = np.array(sky_direction(angle))
    middle = np.array([geometry.center_x.value, geometry.center_y.value])
    return np.array([middle - radius * direction, middle + radius * direction])


def _bar_ends(geometry: Geometry) -> FloatArray | None:
    if geometry.bar_position_angle is None or geometry.bar_radius is None:
        return None
    return _ends(geometry, geometry.bar_position_angle.value, geometry.bar_radius.value)


def _slit_corners(tw: TremaineWeinberg) -> FloatArray:
    along = np.array(sky_direction(tw.geometry.position_angle.value))
    across = np.array([-along[1], along[0]])
    middle = np.array([tw.geometry.center_x.value, tw.geometry.center_y.value])
    corners = []
    for offset, half in zip(tw.slits.offset, tw.slits.half_length, strict=True):
        low, high = offset - tw.slits.width / 2, offset + tw.slits.width / 2
        ends = [(-half, low), (half, low), (half, high), (-half, high)]
        corners.append([middle + a * along + c * across for a, c in ends])
    return np.array(corners)


def plot_maps(
    maps: GalaxyMaps,
    *,
    result: PatternSpeed | TremaineWeinberg | None = None,
    axes: Any = None,
) -> NDArray[Any]:
    """Draw flux and velocity as on the sky, with bar, line of nodes and slits.

    Parameters
    ----------
    maps : GalaxyMaps
    result : PatternSpeed or TremaineWeinberg, optional
        Its slits are drawn.
    axes : sequence of two matplotlib axes, optional

    Returns
    -------
    ndarray of two Axes

    Examples
    --------
    >>> import astrokit as ak
    >>> axes = ak.bars.plot_maps(ak.bars.simulate_galaxy(seed=1))
    >>> len(axes)
    2
    """
    import matplotlib.pyplot as plt

    if axes is None:
        _, axes = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
    left, right = axes = np.asarray(axes)
    data = maps_plot_data(maps, result)
    if maps.has_flux:
        _draw_flux(left, data)
    else:
        left.set_title("no flux")
    _draw_velocity(right, data)
    for ax, dark in ((left, True), (right, False)):
        _draw_slits(ax, data, coloured=dark)
        _draw_lines(ax, data)
        _draw_compass(ax)
        ax.set_aspect("equal")
        ax.set(xlabel="west [arcsec]", ylabel="north [arcsec]")
    if data.nodes is not None:
        left.legend(loc="upper left", framealpha=0.8, fontsize=8)
    return axes


def _draw_flux(ax: Axes, data: MapsPlotData) -> None:
    positive = data.flux[np.isfinite(data.flux) & (data.flux > 0)]
    floor = max(float(np.quantile(positive, 0.02)), 1e-4)
    brightness = 2.5 * np.log10(np.clip(data.flux, floor, None))
    picture = _paint(ax, data, brightness, cmap="Greys", vmin=2.5 * math.log10(floor), vmax=0.0)
    bar = ax.figure.colorbar(picture, ax=ax, shrink=0.85, pad=0.02)
    bar.set_label("mag about the maximum")
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    ax.set_title("flux")


def _draw_velocity(ax: Axes, data: MapsPlotData) -> None:
    top = float(np.nanquantile(np.abs(data.velocity), 0.99)) or 1.0
    picture = _paint(ax, data, data.velocity, cmap="RdBu_r", vmin=-top, vmax=top)
    bar = ax.figure.colorbar(picture, ax=ax, shrink=0.85, pad=0.02, extend="both")
    bar.set_label(r"$V - V_\mathrm{sys}$ [km/s]")
    ax.set_title("velocity")


def _paint(ax: Axes, data: MapsPlotData, values: FloatArray, **style: Any) -> Any:
    if values.ndim == 2:
        return ax.pcolormesh(data.x, data.y, values, rasterized=True, **style)
    return ax.scatter(data.x, data.y, c=values, s=12, lw=0, rasterized=True, **style)


def _draw_slits(ax: Axes, data: MapsPlotData, *, coloured: bool) -> None:
    from matplotlib.collections import PolyCollection

    if not len(data.slits):
        return
    colours: Any = _colours(data.slit_offset) if coloured else "0.25"
    crowded = len(data.slits) > _CROWDED
    width, alpha = (0.4 if crowded or not coloured else 0.9), (0.5 if crowded else 1.0)
    slits = PolyCollection(
        list(data.slits), facecolors="none", edgecolors=colours, lw=width, alpha=alpha
    )
    ax.add_collection(slits)


def _colours(offset: FloatArray) -> Any:
    import matplotlib as mpl

    reach = max(float(np.abs(offset).max()), 1e-12)
    return mpl.colormaps[_SLIT_COLOURS](0.5 + 0.45 * offset / reach)


def _draw_lines(ax: Axes, data: MapsPlotData) -> None:
    limits = ax.get_xlim(), ax.get_ylim()
    if data.nodes is not None:
        ax.plot(*data.nodes.T, "--", color=_NODES, lw=1.1, label="line of nodes")
    if data.bar is not None:
        ax.plot(*data.bar.T, "-o", color="white", lw=4.5, ms=6)
        ax.plot(*data.bar.T, "-o", color=_BAR, lw=2.5, ms=4, label="bar")
    ax.set(xlim=limits[0], ylim=limits[1])


def _draw_compass(ax: Axes) -> None:
    """Draw north and east in the lower right corner."""
    arrow = {"arrowstyle": "-|>", "color": "0.35", "lw": 0.9}
    for end, name in (((0.0, 0.1), "N"), ((-0.1, 0.0), "E")):
        ax.annotate(
            name,
            xy=(0.93, 0.07),
            xytext=(0.93 + end[0], 0.07 + end[1]),
            xycoords="axes fraction",
            textcoords="axes fraction",
            arrowprops=arrow | {"arrowstyle": "<|-"},
            ha="center",
            va="center",
            fontsize=8,
            color="0.25",
        )


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
    tw = _measurement(result)
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
        d.position, d.velocity, c=_colours(d.offset), s=34, ec="white", lw=0.6, zorder=3
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
    measurement = _measurement(tw)
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
