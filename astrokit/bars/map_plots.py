"""Figures of maps: flux and velocity as on the sky, with slits, bar and line of nodes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .geometry import Geometry, sky_direction
from .grid import PixelGrid
from .maps import GalaxyMaps
from .measure import PatternSpeed
from .tremaine_weinberg import TremaineWeinberg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["MapsPlotData", "maps_plot_data", "measurement_of", "plot_maps", "slit_colours"]

FloatArray = NDArray[np.float64]
_SLIT_COLOURS = "viridis"
_CROWDED = 25  # slits; more are drawn faintly, so that the maps stay visible
_BAR, _NODES = "#d1495b", "#222222"


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
    tw = measurement_of(result)
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


def measurement_of(result: PatternSpeed | TremaineWeinberg | None) -> TremaineWeinberg | None:
    """Return the measurement at one geometry that a result holds."""
    return result.tw if isinstance(result, PatternSpeed) else result


def _corners(maps: GalaxyMaps) -> tuple[FloatArray, FloatArray]:
    """Return the corners of all pixels of the image."""
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
    bar.set_label("mag below the maximum")
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
    colours: Any = slit_colours(data.slit_offset) if coloured else "0.25"
    crowded = len(data.slits) > _CROWDED
    width, alpha = (0.4 if crowded or not coloured else 0.9), (0.5 if crowded else 1.0)
    slits = PolyCollection(
        list(data.slits), facecolors="none", edgecolors=colours, lw=width, alpha=alpha
    )
    ax.add_collection(slits)


def slit_colours(offset: FloatArray) -> Any:
    """Return a colour for each slit, by its place across the line of nodes."""
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
