"""`PixelGrid`: where the pixels of an image lie on the sky."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError

if TYPE_CHECKING:
    from astropy.wcs import WCS

__all__ = ["PixelGrid"]

FloatArray = NDArray[np.float64]
_SQUARE = 1e-3  # relative: what rounding of header keywords may do to a square pixel


@dataclass(frozen=True)
class PixelGrid:
    """Square pixels on the sky.

    Parameters
    ----------
    pixel_scale : float or Quantity
        Side of a pixel, arcsec.
    origin : pair of float, optional
        Column and row (counted from 0, pixel centres are whole numbers) at which x = y = 0. The
        middle of the image by default.
    angle : float
        Position angle of the direction in which the row index grows, degrees from north through
        east: 0 for north up.
    mirrored : bool
        False where columns run to the west (a picture as on the sky, east to the left), True where
        they run to the east.

    Raises
    ------
    InputError, UnitError
        For a pixel scale that is not positive.

    Examples
    --------
    >>> from astrokit.bars import PixelGrid
    >>> x, y = PixelGrid(0.5).positions((3, 3))
    >>> x[0].tolist(), y[:, 0].tolist()  # the first row is the southern one
    ([-0.5, 0.0, 0.5], [-0.5, 0.0, 0.5])
    """

    pixel_scale: float
    origin: tuple[float, float] | None = None
    angle: float = 0.0
    mirrored: bool = False

    def __post_init__(self) -> None:
        scale = as_scalar(self.pixel_scale, "pixel_scale", unit="arcsec", positive=True)
        object.__setattr__(self, "pixel_scale", scale)
        object.__setattr__(self, "angle", as_scalar(self.angle, "angle", unit="deg"))
        if self.origin is not None:
            column, row = self.origin
            origin = as_scalar(column, "origin column"), as_scalar(row, "origin row")
            object.__setattr__(self, "origin", origin)

    @classmethod
    def from_wcs(cls, wcs: WCS, *, origin: tuple[float, float] | Any = None) -> Self:
        """Return the grid of a celestial world coordinate system (CD or PC matrix, any rotation).

        Parameters
        ----------
        wcs : astropy.wcs.WCS
            Axes beyond the two of the sky are ignored.
        origin : pair of float or SkyCoord, optional
            Where x = y = 0: column and row counted from 0, or a position on the sky; the reference
            pixel of the header by default.

        Raises
        ------
        InputError
            If it has no celestial axes, or its pixels are not square.

        Examples
        --------
        >>> from astropy.wcs import WCS
        >>> from astrokit.bars import PixelGrid
        >>> wcs = WCS({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 3, "CRPIX2": 3,
        ...            "CRVAL1": 10, "CRVAL2": 20, "CD1_1": -1e-4, "CD2_2": 1e-4,
        ...            "CD1_2": 0, "CD2_1": 0})
        >>> PixelGrid.from_wcs(wcs)
        PixelGrid(pixel_scale=0.36, origin=(2.0, 2.0), angle=0.0, mirrored=False)
        """
        from astropy.wcs.utils import skycoord_to_pixel

        celestial = wcs.celestial
        if celestial.naxis != 2:
            raise InputError(
                "the header has no celestial axes",
                value=[str(kind) for kind in wcs.wcs.ctype],
                allowed="RA and DEC (or galactic, ecliptic) of any projection",
                hint="give pixel_scale= in arcsec instead",
            )
        matrix = _to_north(celestial) @ celestial.pixel_scale_matrix * 3600  # (east, north)
        along_column, along_row = matrix[:, 0], matrix[:, 1]
        sides = np.hypot(*along_column), np.hypot(*along_row)
        skew = along_column @ along_row / (sides[0] * sides[1])
        if abs(sides[0] / sides[1] - 1) > _SQUARE or abs(skew) > _SQUARE:
            raise InputError(
                "the pixels are not square",
                value=f"{sides[0]:.5g} by {sides[1]:.5g} arcsec",
                hint="pass positions and fluxes of the pixels as x=, y= and flux",
            )
        if origin is None:
            origin = celestial.wcs.crpix - 1
        elif hasattr(origin, "transform_to"):
            origin = skycoord_to_pixel(origin, celestial)
        return cls(
            round(math.sqrt(sides[0] * sides[1]), 9),
            (float(origin[0]), float(origin[1])),
            round(math.degrees(math.atan2(along_row[0], along_row[1])), 9) + 0.0,
            bool(np.linalg.det(matrix) > 0),
        )

    def with_default_origin(self, shape: tuple[int, int]) -> PixelGrid:
        """Return the grid with its origin, the middle of an image of this shape where not set."""
        if self.origin is not None:
            return self
        middle = (shape[1] - 1) / 2, (shape[0] - 1) / 2
        return PixelGrid(self.pixel_scale, middle, self.angle, self.mirrored)

    def positions(self, shape: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
        """Return x (to the west) and y (to the north) of the pixel centres, both of `shape`."""
        origin = self.with_default_origin(shape).origin or (0.0, 0.0)
        rows, columns = np.indices(shape, dtype=float)
        right = (columns - origin[0]) * (-self.pixel_scale if self.mirrored else self.pixel_scale)
        up = (rows - origin[1]) * self.pixel_scale
        c, s = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        return c * right - s * up, s * right + c * up


def _to_north(celestial: WCS) -> FloatArray:
    """Return the rotation from the native axes to east and north at the reference pixel.

    It differs from one where the header shifts the pole of the projection, and for galactic axes:
    position angles count from the celestial north.
    """
    from astropy import units as u

    here = celestial.pixel_to_world(*(celestial.wcs.crpix - 1)).icrs
    step = 1.0 / 3600
    to_pixel = np.linalg.inv(celestial.pixel_scale_matrix)
    native_up = celestial.wcs.crpix - 1 + to_pixel @ np.array([0.0, step])
    angle = here.position_angle(celestial.pixel_to_world(*native_up).icrs).to_value(u.rad)
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, s], [-s, c]])
