"""From maps to square pixels: holes filled, scattered bins cut up, all in units of a pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .geometry import Geometry
from .maps import GalaxyMaps

__all__ = ["Pixels", "pixels_of"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Pixels:
    """Equal square pixels with flux and velocity.

    Attributes
    ----------
    x, y : ndarray, shape (n,)
        To the west and to the north, in pixels.
    flux, velocity : ndarray, shape (n,)
    flux_variance, velocity_variance : ndarray, shape (n,)
        Zero where no error is known. Flux noise is independent between `points`, velocity noise
        between `bins`.
    point, bins : ndarray of int, shape (n,)
        The usable point of the maps, and the bin, that each pixel belongs to.
    scale : float
        Side, arcsec.
    angle : float
        Position angle of the sides, radians.
    n_filled : int
        Pixels in holes of the maps, taken from the other side of the centre.
    """

    x: FloatArray
    y: FloatArray
    flux: FloatArray
    velocity: FloatArray
    flux_variance: FloatArray
    velocity_variance: FloatArray
    point: IntArray
    bins: IntArray
    scale: float
    angle: float
    n_filled: int = 0

    @property
    def stack(self) -> FloatArray:
        """Position, flux and velocity ``(4, n)``, as the kernels take them."""
        return np.array([self.x, self.y, self.flux, self.velocity])

    def frame(self, geometry: Geometry) -> tuple[FloatArray, FloatArray]:
        """Return X along and Y across the line of nodes, in pixels."""
        x, y = geometry.to_line_of_nodes(self.x * self.scale, self.y * self.scale)
        return x / self.scale, y / self.scale

    def with_values(self, flux: FloatArray, velocity: FloatArray) -> Pixels:
        """Return the same pixels with other values."""
        return replace(self, flux=flux, velocity=velocity)


def pixels_of(maps: GalaxyMaps, geometry: Geometry, *, fill: bool = True) -> Pixels:
    """Return the pixels of images or scattered bins.

    Parameters
    ----------
    maps : GalaxyMaps
    geometry : Geometry
        Its centre is where holes are reflected.
    fill : bool
        Whether to fill holes (unusable pixels with usable ones all around). A slit across a hole
        misses a piece of its integrals; the opposite side of a galaxy is the best guess for it.

    Returns
    -------
    Pixels
    """
    if maps.grid is None:
        return _from_points(maps)
    scale = maps.grid.pixel_scale
    pixels = Pixels(
        maps.x / scale,
        maps.y / scale,
        maps.flux,
        maps.velocity,
        _variance(maps.flux_error, len(maps)),
        _variance(maps.velocity_error, len(maps)),
        np.arange(len(maps), dtype=np.int64),
        maps.bins,
        scale,
        math.radians(maps.grid.angle),
    )
    return _fill(maps, pixels, geometry) if fill else pixels


def _variance(error: FloatArray | None, n: int) -> FloatArray:
    return np.zeros(n) if error is None else error**2


# -- holes ---------------------------------------------------------------------------------------


def _fill(maps: GalaxyMaps, pixels: Pixels, geometry: Geometry) -> Pixels:
    """Add the pixels of enclosed holes, with the values of the opposite side of the centre."""
    from scipy.ndimage import binary_fill_holes

    if maps.grid is None:
        return pixels
    good = np.zeros(int(np.prod(maps.shape)), dtype=bool)
    good[maps.pixel] = True
    good = good.reshape(maps.shape)
    holes = binary_fill_holes(good) & ~good
    if not holes.any():
        return pixels
    x, y = maps.grid.positions((maps.shape[0], maps.shape[1]))
    x, y = x[holes] / pixels.scale, y[holes] / pixels.scale
    cx, cy = geometry.center_x.value / pixels.scale, geometry.center_y.value / pixels.scale
    twin, found = _opposite(pixels, 2 * cx - x, 2 * cy - y)
    system = _central_velocity(pixels, cx, cy)
    added = twin[found]
    return replace(
        pixels,
        x=np.append(pixels.x, x[found]),
        y=np.append(pixels.y, y[found]),
        flux=np.append(pixels.flux, pixels.flux[added]),
        velocity=np.append(pixels.velocity, 2 * system - pixels.velocity[added]),
        flux_variance=np.append(pixels.flux_variance, pixels.flux_variance[added]),
        velocity_variance=np.append(pixels.velocity_variance, pixels.velocity_variance[added]),
        point=np.append(pixels.point, pixels.point[added]),
        bins=np.append(pixels.bins, pixels.bins[added]),
        n_filled=int(found.sum()),
    )


def _opposite(pixels: Pixels, x: FloatArray, y: FloatArray) -> tuple[IntArray, NDArray[np.bool_]]:
    """Return the pixels nearest to these positions, and whether they reach them."""
    from scipy.spatial import cKDTree

    distance, index = cKDTree(np.column_stack([pixels.x, pixels.y])).query(np.column_stack([x, y]))
    return index.astype(np.int64), distance <= math.sqrt(0.5) + 1e-9


def _central_velocity(pixels: Pixels, cx: float, cy: float) -> float:
    """Return the median over pairs of opposite pixels of their mean velocity."""
    twin, found = _opposite(pixels, 2 * cx - pixels.x, 2 * cy - pixels.y)
    if not found.any():
        raise InputError(
            "no pixel has a counterpart on the other side of the centre",
            value=f"centre at {cx:.4g}, {cy:.4g} pixels",
            hint="check the centre of the geometry: arcsec to the west and north of the origin",
        )
    return float(np.median(0.5 * (pixels.velocity + pixels.velocity[twin])[found]))


# -- scattered bins ------------------------------------------------------------------------------


def _from_points(maps: GalaxyMaps) -> Pixels:
    """Return small squares: each belongs to the nearest point, whose light they share.

    Points without an area are taken as the centres of squares as large as the distance to the
    nearest neighbour.
    """
    from scipy.spatial import cKDTree

    if len(maps) < 4:
        raise InputError("too few points for slits", value=len(maps), allowed="at least 4")
    tree = cKDTree(np.column_stack([maps.x, maps.y]))
    if maps.area is None:
        spacing = float(np.median(tree.query(tree.data, k=2)[0][:, 1]))
        if not spacing > 0:
            raise InputError("half of the points lie on one another", hint="join them first")
        area = np.full(len(maps), spacing**2)
    else:
        area = maps.area
    scale = float(np.sqrt(area.min()))
    if maps.area is None and _is_lattice(maps, scale):
        owner = np.arange(len(maps), dtype=np.int64)
        x, y = maps.x, maps.y
    else:
        x, y, owner = _tiles(maps, area, scale)
    share = 1.0 / np.bincount(owner, minlength=len(maps))[owner]
    # Tiles of one point share its noise: `point` and `bins` tell them apart from others.
    return Pixels(
        x / scale,
        y / scale,
        maps.flux[owner] * share,
        maps.velocity[owner],
        _variance(maps.flux_error, len(maps))[owner] * share**2,
        _variance(maps.velocity_error, len(maps))[owner],
        owner,
        maps.bins[owner],
        scale,
        0.0,
    )


def _is_lattice(maps: GalaxyMaps, scale: float) -> bool:
    """Return whether the points are those of a square lattice along west and north."""
    steps = np.concatenate([(v - v[0]) / scale for v in (maps.x, maps.y)])
    return bool(np.abs(steps - np.rint(steps)).max() < 0.05)


def _tiles(
    maps: GalaxyMaps, area: FloatArray, scale: float
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return squares of side `scale` and the point to which each belongs.

    A square farther from its point than its bin reaches lies outside the field. Points that no
    square is nearest to get one at their own place, so that no light is lost.
    """
    from scipy.spatial import cKDTree

    reach = np.sqrt(area / 2)  # half the diagonal of a square of that area
    axes = [
        np.arange(v.min() - reach.max(), v.max() + reach.max() + scale, scale)
        for v in (maps.x, maps.y)
    ]
    x, y = (a.ravel() for a in np.meshgrid(*axes))
    distance, owner = cKDTree(np.column_stack([maps.x, maps.y])).query(np.column_stack([x, y]))
    inside = distance <= reach[owner]
    x, y, owner = x[inside], y[inside], owner[inside]
    lost = np.setdiff1d(np.arange(len(maps)), owner)
    x, y = np.append(x, maps.x[lost]), np.append(y, maps.y[lost])
    return x, y, np.append(owner, lost).astype(np.int64)
