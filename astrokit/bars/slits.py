"""Slits along the line of nodes: where they lie, what they measure, and with which errors."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError
from .geometry import Geometry
from .kernels import slit_weights
from .pixels import Pixels

if TYPE_CHECKING:
    from astropy.table import QTable

__all__ = ["SlitLayout", "Slits"]

FloatArray = NDArray[np.float64]
_FULL = 0.6  # share of a step along a slit that must be covered by pixels


@dataclass(frozen=True)
class SlitLayout:
    """Where slits lie: parallel to the line of nodes, side by side over the bar.

    Parameters
    ----------
    n_slits : int, optional
        As many as cover the bar by default, at least 5.
    width : float or Quantity, optional
        arcsec; one pixel by default.
    spacing : float or Quantity, optional
        Between the middles of neighbours, arcsec; the width by default, so that they touch.
    half_length : float or Quantity, optional
        Largest distance along the slit from its middle, arcsec; up to the nearer end of the field
        by default. Slits are always symmetric about their middle, since the disc of a slit that is
        longer on one side does not cancel.

    Raises
    ------
    InputError, UnitError
        For numbers that are not positive, slits that overlap, or a wrong unit.

    Examples
    --------
    >>> from astrokit.bars import SlitLayout
    >>> SlitLayout(n_slits=9, width=1.0).offsets(bar_extent=3.0, pixel_scale=0.5)
    array([-4., -3., -2., -1.,  0.,  1.,  2.,  3.,  4.])
    """

    n_slits: int | None = None
    width: float | None = None
    spacing: float | None = None
    half_length: float | None = None

    def __post_init__(self) -> None:
        for name in ("width", "spacing", "half_length"):
            if (given := getattr(self, name)) is not None:
                value = as_scalar(given, name, unit="arcsec", positive=True)
                object.__setattr__(self, name, value)
        if self.n_slits is not None and not _is_count(self.n_slits):
            raise InputError(
                "a pattern speed needs slits",
                value=self.n_slits,
                allowed="a whole number, 3 or more for a line with a check on it",
            )
        if self.spacing is not None and self.width is not None and self.spacing < self.width:
            raise InputError(
                "slits overlap, so that their noise is counted twice",
                value=f"spacing {self.spacing:g}, width {self.width:g} arcsec",
                allowed="spacing >= width",
            )

    def resolved_width(self, pixel_scale: float) -> float:
        """Return the width in arcsec: at most the spacing, a pixel by default."""
        if self.width is not None:
            return self.width
        return pixel_scale if self.spacing is None else min(pixel_scale, self.spacing)

    def resolved_spacing(self, pixel_scale: float) -> float:
        """Return the distance between neighbours in arcsec."""
        return self.resolved_width(pixel_scale) if self.spacing is None else self.spacing

    def offsets(self, *, bar_extent: float, pixel_scale: float) -> FloatArray:
        """Return the middles across the line of nodes, arcsec, shape ``(n_slits,)``.

        Parameters
        ----------
        bar_extent : float
            Distance of the end of the bar from the line of nodes on the sky, arcsec.
        pixel_scale : float
            arcsec.
        """
        spacing = self.resolved_spacing(pixel_scale)
        n = self.n_slits
        if n is None:
            n = max(2 * math.floor(bar_extent / spacing) + 1, 5)
        middles: FloatArray = (np.arange(float(n)) - (n - 1) / 2) * spacing
        return middles


def _is_count(number: Any) -> bool:
    whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
    return whole and bool(number >= 1)


@dataclass(frozen=True, eq=False)
class Slits:
    """What slits measure: mean position along the line of nodes, and mean velocity.

    Attributes
    ----------
    offset : ndarray, shape (n,)
        Of the middle of each slit from the centre, across the line of nodes, arcsec.
    half_length : ndarray, shape (n,)
        arcsec.
    width : float
        arcsec.
    position, velocity : ndarray, shape (n,)
        <X> in arcsec, <V> in km/s.
    covariance : ndarray, shape (2 n, 2 n)
        Of positions, then velocities, from the noise of the pixels, by exact linear propagation.
        Neighbours that share pixels are correlated. Zero where the maps have no errors.
    n_pixels : ndarray, shape (n,)
        Pixels inside, in shares.

    Examples
    --------
    >>> import astrokit as ak
    >>> slits = ak.bars.TremaineWeinberg(ak.bars.simulate_galaxy(seed=1)).slits
    >>> len(slits), slits.covariance.shape
    (15, (30, 30))
    """

    offset: FloatArray
    half_length: FloatArray
    width: float
    position: FloatArray
    velocity: FloatArray
    covariance: FloatArray
    n_pixels: FloatArray

    def __len__(self) -> int:
        return self.offset.size

    @property
    def position_error(self) -> FloatArray:
        """One standard deviation of <X>, arcsec."""
        return np.sqrt(np.diag(self.covariance)[: len(self)])

    @property
    def velocity_error(self) -> FloatArray:
        """One standard deviation of <V>, km/s."""
        return np.sqrt(np.diag(self.covariance)[len(self) :])

    @property
    def cross_covariance(self) -> FloatArray:
        """Covariance of <X> and <V> of the same slit, arcsec km/s."""
        return np.diag(self.covariance[: len(self), len(self) :]).copy()

    @functools.cached_property
    def variances(self) -> FloatArray:
        """Variances of <X> and <V>, and their covariance, ``(3, n)``, as the line fit takes them.

        Without errors of the maps all slits count alike.
        """
        if not self.has_errors:
            return np.array([np.zeros(len(self)), np.ones(len(self)), np.zeros(len(self))])
        return np.array([self.position_error**2, self.velocity_error**2, self.cross_covariance])

    @functools.cached_property
    def has_errors(self) -> bool:
        """Whether the maps state noise that reaches every slit."""
        return bool(np.all(self.velocity_error > 0))

    def to_table(self) -> QTable:
        """Return one row per slit, with units."""
        from astropy import units as u
        from astropy.table import QTable

        km_s = u.km / u.s
        return QTable(
            {
                "offset": self.offset * u.arcsec,
                "half_length": self.half_length * u.arcsec,
                "position": self.position * u.arcsec,
                "position_error": self.position_error * u.arcsec,
                "velocity": self.velocity * km_s,
                "velocity_error": self.velocity_error * km_s,
                "covariance": self.cross_covariance * u.arcsec * km_s,
                "n_pixels": self.n_pixels,
            }
        )

    def __repr__(self) -> str:
        lines = ["  Y (arcsec)  half (arcsec)        <X> (arcsec)          <V> (km/s)"]
        for j in range(len(self)):
            lines.append(
                f"{self.offset[j]:12.2f} {self.half_length[j]:14.2f} "
                f"{self.position[j]:10.3f} +- {self.position_error[j]:5.3f} "
                f"{self.velocity[j]:12.2f} +- {self.velocity_error[j]:4.2f}"
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return str(self.to_table()._repr_html_())


@dataclass(frozen=True)
class Aperture:
    """Slits laid over pixels: edges and half-lengths in pixels, and the share of each pixel."""

    low: FloatArray
    width: float
    spacing: float
    half: FloatArray
    weights: FloatArray  # (n_slits, n_pixels)
    x: FloatArray
    y: FloatArray


def lay_slits(pixels: Pixels, geometry: Geometry, layout: SlitLayout) -> Aperture:
    """Return the slits over these pixels, each as long on both sides as the field allows.

    Raises
    ------
    InputError
        If no slit, or only the ends of slits, lie in the field.
    """
    x, y = pixels.frame(geometry)
    scale = pixels.scale
    bar = geometry.bar_radius.value * abs(math.sin(math.radians(geometry.bar_angle or 0.0)))
    width = layout.resolved_width(scale) / scale
    spacing = layout.resolved_spacing(scale) / scale
    offset = layout.offsets(bar_extent=bar, pixel_scale=scale) / scale
    offset = offset[np.abs(offset) <= np.abs(y).max() + width]
    angle = pixels.angle - math.radians(geometry.position_angle.value)
    low = offset - width / 2
    weights = np.empty((low.size, x.size))
    slit_weights(x, y, angle, low, width, np.full(low.size, np.inf), weights)
    half = _symmetric_reach(weights, x, width)
    if layout.half_length is not None:
        half = np.minimum(half, layout.half_length / scale)
    kept = half > 0
    if not kept.any():
        raise InputError(
            "no slit has pixels on both sides of the centre",
            value=f"{low.size} slits, widest at {offset.max() * scale:.3g} arcsec from the centre",
            hint="check centre, position angle and mask",
        )
    first, last = np.flatnonzero(kept)[[0, -1]]
    low, half = low[first : last + 1], half[first : last + 1]
    weights = np.empty((low.size, x.size))
    slit_weights(x, y, angle, low, width, half, weights)
    return Aperture(low, width, spacing, half, weights, x, y)


def shorten(aperture: Aperture, half: float, pixels: Pixels, geometry: Geometry) -> Aperture:
    """Return the same slits, none longer than `half` pixels on each side."""
    halves = np.minimum(aperture.half, half)
    weights = np.empty_like(aperture.weights)
    angle = pixels.angle - math.radians(geometry.position_angle.value)
    slit_weights(aperture.x, aperture.y, angle, aperture.low, aperture.width, halves, weights)
    return replace(aperture, half=halves, weights=weights)


def _symmetric_reach(weights: FloatArray, x: FloatArray, width: float) -> FloatArray:
    """Return how far each slit is covered without a gap on both sides, in pixels, ``(n,)``.

    Each pixel is shared out linearly between the two nearest whole distances, so that positions on
    a lattice do not fall to one side or the other by rounding, and three of these are averaged, so
    that a turned lattice has no gaps of its own.
    """
    distance = np.abs(x)
    node = np.floor(distance).astype(np.int64)
    n_nodes = int(node.max()) + 3
    share = distance - node
    reach = np.zeros(weights.shape[0])
    for j, row in enumerate(weights):
        sides = []
        for side in (x < 0, x >= 0):
            near = np.bincount(node[side], (row * (1 - share))[side], minlength=n_nodes)
            far = np.bincount(node[side] + 1, (row * share)[side], minlength=n_nodes)
            sides.append(np.asarray(near + far, dtype=np.float64))
        means = [_of_three(side, other[0]) for side, other in (sides, sides[::-1])]
        covered = np.minimum(*means) >= _FULL * width
        reach[j] = max(float(np.argmin(covered)) - 0.5, 0.0)
    return reach


def _of_three(side: FloatArray, beyond: float) -> FloatArray:
    """Return running means of three; the first node is completed by the other side."""
    whole = side.copy()
    whole[0] += beyond
    padded = np.concatenate([whole[1:2], whole, [0.0]])
    return (padded[:-2] + padded[1:-1] + padded[2:]) / 3


def measure_slits(pixels: Pixels, aperture: Aperture) -> tuple[Slits, FloatArray, FloatArray]:
    """Return the slits, and how their means follow flux and velocity of each pixel.

    The derivatives have shape ``(2 n_slits, n_pixels)``: positions (pixels), then velocities.
    """
    w, total, position, velocity = _averages(pixels, aperture)
    share = aperture.weights / total[:, None]
    by_flux = np.concatenate(
        [
            share * (aperture.x - position[:, None]),
            share * (pixels.velocity - velocity[:, None]),
        ]
    )
    by_velocity = np.concatenate([np.zeros_like(share), w / total[:, None]])
    covariance = noise_covariance(pixels, by_flux, by_velocity)
    scale, n = pixels.scale, position.size
    units = np.repeat([scale, 1.0], n)
    slits = Slits(
        (aperture.low + aperture.width / 2) * scale,
        aperture.half * scale,
        aperture.width * scale,
        position * scale,
        velocity,
        covariance * np.outer(units, units),
        aperture.weights.sum(axis=1),
    )
    return slits, by_flux, by_velocity


def slit_averages(pixels: Pixels, aperture: Aperture) -> tuple[FloatArray, FloatArray]:
    """Return <X> in arcsec and <V> in km/s alone, ``(n_slits,)`` each."""
    _, _, position, velocity = _averages(pixels, aperture)
    return position * pixels.scale, velocity


def _averages(
    pixels: Pixels, aperture: Aperture
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return weights, their sums, <X> in pixels and <V>."""
    w = aperture.weights * pixels.flux
    total = w.sum(axis=1)
    empty = ~(total > 0)
    if empty.any():
        raise InputError(
            "slits hold no light",
            value=f"{int(empty.sum())} of {empty.size}",
            hint="narrow the layout (fewer slits), or check the mask: an empty centre has no "
            "opposite side to be filled from",
        )
    return w, total, w @ aperture.x / total, w @ pixels.velocity / total


def noise_covariance(pixels: Pixels, by_flux: FloatArray, by_velocity: FloatArray) -> FloatArray:
    """Return the covariance ``(m, m)`` of linear functions of the pixels ``(m, n_pixels)``.

    Pixels of one point share their flux noise, those of one bin their velocity noise.
    """
    total = np.zeros((by_flux.shape[0],) * 2)
    for matrix, variance, group in (
        (by_flux, pixels.flux_variance, pixels.point),
        (by_velocity, pixels.velocity_variance, pixels.bins),
    ):
        if not variance.any():
            continue
        scaled = matrix * np.sqrt(variance)
        n_groups = int(group.max()) + 1
        if n_groups < group.size:
            from scipy.sparse import csr_array

            places = np.arange(group.size)
            gather = csr_array((np.ones(group.size), (group, places)), (n_groups, group.size))
            scaled = np.ascontiguousarray((gather @ scaled.T).T)
        total += scaled @ scaled.T
    return total
