"""Maps from FITS images and from SAURON files."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, ReadError
from .grid import PixelGrid
from .maps import GalaxyMaps
from .readers_points import equals, read_table

if TYPE_CHECKING:
    from astropy.table import Table

    from .geometry import Geometry

__all__ = ["read_images", "read_sauron"]

FloatArray = NDArray[np.float64]
_OPTIONAL = ("flux_error", "velocity_error", "mask", "bins")


def read_images(
    flux: str | Path | tuple[str | Path, Any],
    velocity: str | Path | tuple[str | Path, Any],
    *,
    others: Mapping[str, Any] | None = None,
    pixel_scale: Any = None,
    origin: Any = None,
    no_data: float | None = None,
    geometry: Geometry | None = None,
    name: str = "",
) -> GalaxyMaps:
    """Read maps from FITS images.

    Parameters
    ----------
    flux, velocity : path, or (path, extension)
        Extension by name or number; the first one with an image by default.
    others : mapping of str to path or (path, extension), optional
        Images for ``flux_error``, ``velocity_error``, ``mask`` (not 0: do not use) and ``bins``.
    pixel_scale : float or Quantity, optional
        Arcsec, for images with north up and east to the left whose headers have no celestial
        coordinates. Without it the world coordinates (CD or PC matrix) count.
    origin : pair of float or SkyCoord, optional
        Column and row (from 0), or place on the sky, where x = y = 0; by default the reference
        pixel of the header, or the middle of the image.
    no_data : float, optional
        A velocity of this value means that there is none, in images that know no NaN.
    geometry : Geometry, optional
    name : str

    Returns
    -------
    GalaxyMaps

    Raises
    ------
    ReadError
        If a file or extension is missing, or has no image; if the headers of flux and velocity
        put their pixels in different places; if there is neither a celestial header nor
        `pixel_scale`.
    UnitError
        If ``BUNIT`` of the velocity is not a velocity.

    Examples
    --------
    >>> import pathlib, tempfile, numpy as np, astrokit as ak
    >>> from astropy.io import fits
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "galaxy.fits"
    ...     images = [fits.ImageHDU(np.ones((4, 4)), name="FLUX"),
    ...               fits.ImageHDU(np.arange(16.0).reshape(4, 4), name="VEL")]
    ...     fits.HDUList([fits.PrimaryHDU(), *images]).writeto(path)
    ...     maps = ak.bars.read_images((path, "FLUX"), (path, "VEL"), pixel_scale=0.5)
    >>> maps
    <GalaxyMaps: 16 of 16 pixels of 0.5 arcsec, velocity 0 to 15 km/s>
    """
    unknown = set(others or {}) - set(_OPTIONAL)
    if unknown:
        raise InputError(
            "others has an unknown image", value=unknown.pop(), allowed=", ".join(_OPTIONAL)
        )
    weight, weight_header = _image(flux)
    speed, header = _image(velocity)
    grid = _image_grid(header, weight_header, pixel_scale, origin)
    columns: dict[str, Any] = {}
    for what, source in (others or {}).items():
        values = _image(source)[0]
        columns[what] = np.asarray(getattr(values, "value", values))
        if what.endswith("error"):
            columns[what] = values
    empty = equals(speed, no_data)
    if "mask" in columns:
        empty = empty | (np.nan_to_num(columns.pop("mask"), nan=1) != 0)
    notes = ["pixels: world coordinates" if pixel_scale is None else "pixels: scale as given"]
    if no_data is not None:
        notes.append(f"velocity {no_data:g} taken as no data")
    return GalaxyMaps(
        weight,
        speed,
        mask=empty,
        grid=grid,
        geometry=geometry,
        name=name,
        notes=tuple(notes),
        **columns,
    )


def read_sauron(
    spaxels: str | Path,
    velocity: str | Path,
    *,
    bin_images: tuple[str | Path, ...] = (),
    velocity_error: float | None = None,
    geometry: Geometry | None = None,
    name: str = "",
) -> GalaxyMaps:
    """Read the flux of SAURON spaxels and the velocity of their Voronoi bins.

    Parameters
    ----------
    spaxels : str or Path
        Binary table with columns A, D (arcsec; as on the sky with north up, so A grows to the
        west) and FLUX.
    velocity : str or Path
        Image of the velocities of the bins, with a linear header in arcsec; 0 means no data.
    bin_images : tuple of paths
        More images painted in the same bins (dispersion, flux): bins are told apart by their
        values, and two bins may agree in one of them.
    velocity_error : float, optional
        km/s: the files hold none.
    geometry : Geometry, optional
    name : str

    Returns
    -------
    GalaxyMaps

    Raises
    ------
    ReadError
        If columns are missing, or the spaxels do not lie on the pixels of the image.

    Examples
    --------
    ``maps = ak.bars.read_sauron("ngc936_sauron_spaxels.fits", "ngc936_sauron_velocity.fits")``
    """
    table = read_table(Path(spaxels))
    for column in ("A", "D", "FLUX"):
        if column not in table.colnames:
            raise ReadError(
                f"{Path(spaxels).name} has no column {column}", value=list(table.colnames)
            )
    speed, header = _image(velocity)
    speed = np.asarray(speed, dtype=float)
    grid = _linear_grid(header, Path(velocity).name)
    flux = np.full(speed.shape, np.nan)
    flux[_pixels_of(table, grid, speed.shape)] = np.asarray(table["FLUX"], dtype=float)
    layers = [speed, *(np.asarray(_image(path)[0], dtype=float) for path in bin_images)]
    values = np.stack([layer.ravel() for layer in layers], axis=1)
    bins = np.unique(values, axis=0, return_inverse=True)[1].reshape(speed.shape)
    return GalaxyMaps(
        flux,
        speed,
        velocity_error=velocity_error,  # type: ignore[arg-type]
        mask=speed == 0,
        bins=bins,
        grid=grid,
        geometry=geometry,
        name=name,
        notes=("weight: FLUX of the spaxels", "velocity 0 taken as no data"),
    )


# -- images -------------------------------------------------------------------------------------


def _image(source: Any) -> tuple[Any, Any]:
    """Return an image, with its unit where BUNIT says one, and its header."""
    from astropy.io import fits

    path, extension = source if isinstance(source, tuple) else (source, None)
    label = Path(path).name
    try:
        with fits.open(path, memmap=False) as hdus:
            if extension is None:
                images = [h for h in hdus if h.is_image and h.data is not None]
                hdu = images[0] if images else None
            else:
                hdu = hdus[extension]
            data, header = (None, None) if hdu is None else (hdu.data, hdu.header)
    except (KeyError, IndexError):
        raise ReadError(f"{label} has no extension {extension!r}") from None
    except OSError as error:
        raise ReadError(
            f"{label} cannot be read as FITS", value=str(error), hint="check the path"
        ) from None
    except (ValueError, TypeError, EOFError, zlib.error) as error:
        raise ReadError(
            f"{label} is cut off or damaged", value=str(error), hint="fetch it again"
        ) from None
    if data is None or data.ndim != 2 or header is None:
        shape = None if data is None else data.shape
        raise ReadError(
            f"{label} has no image with two dimensions there",
            value=f"shape {shape}",
            hint="name the extension: (path, 'NAME')",
        )
    unit = _bunit(header)
    values = data.astype(float) if data.dtype.kind in "iuf" else data
    return (values if unit is None else values << unit), header


def _bunit(header: Any) -> Any:
    from astropy import units as u

    text = str(header.get("BUNIT", "")).strip()
    if not text:
        return None
    unit = u.Unit(text, parse_strict="silent")
    return None if isinstance(unit, u.UnrecognizedUnit) else unit


def _image_grid(header: Any, other: Any, pixel_scale: Any, origin: Any) -> PixelGrid:
    from astropy.wcs import WCS

    if pixel_scale is not None:
        if origin is not None and hasattr(origin, "transform_to"):
            raise InputError(
                "a place on the sky needs world coordinates",
                value=origin,
                hint="give origin= as column and row",
            )
        return PixelGrid(pixel_scale, origin)
    first, second = WCS(header), WCS(other)
    if not first.has_celestial:
        scale = header.get("CDELT1")
        known = f"; CDELT1 is {scale}" if scale is not None else ""
        raise ReadError(
            f"the header of the velocity has no celestial coordinates{known}",
            hint="give pixel_scale= in arcsec, for images with north up and east to the left",
        )
    if second.has_celestial:
        _require_same_place(first, second, header)
    return PixelGrid.from_wcs(first, origin=origin)


def _require_same_place(first: Any, second: Any, header: Any) -> None:
    corners = np.array([[0.0, 0.0], [header["NAXIS1"] - 1.0, header["NAXIS2"] - 1.0]])
    here = first.celestial.pixel_to_world(*corners.T)
    there = second.celestial.pixel_to_world(*corners.T)
    apart = here.separation(there).to_value("arcsec").max()
    scale = 3600 * np.sqrt(abs(np.linalg.det(first.celestial.pixel_scale_matrix)))
    if apart > 0.1 * scale:
        raise ReadError(
            "flux and velocity do not lie on the same pixels",
            value=f"{apart:.3g} arcsec apart",
            allowed=f"a tenth of a pixel of {scale:.3g} arcsec",
            hint="reproject one of them first",
        )


def _linear_grid(header: Any, label: str) -> PixelGrid:
    """Return the grid of a header with CRPIX, CRVAL and CDELT in arcsec."""
    try:
        scale = float(header["CDELT1"])
        zero = [1 - header[f"CRPIX{k}"] + header[f"CRVAL{k}"] / header[f"CDELT{k}"] for k in (1, 2)]
        square = np.isclose(scale, header["CDELT2"], rtol=1e-6)
    except KeyError as error:
        raise ReadError(f"{label} has no linear coordinates", value=str(error)) from None
    if not square or scale <= 0:
        raise ReadError(
            f"{label}: pixels must be square and run to the west and to the north",
            value=f"CDELT {header['CDELT1']}, {header['CDELT2']}",
        )
    return PixelGrid(round(scale, 7), (float(-zero[0]), float(-zero[1])))


def _pixels_of(table: Table, grid: PixelGrid, shape: tuple[int, ...]) -> tuple[Any, Any]:
    column0, row0 = grid.origin or (0.0, 0.0)
    column = np.asarray(table["A"], dtype=float) / grid.pixel_scale + column0
    row = np.asarray(table["D"], dtype=float) / grid.pixel_scale + row0
    c, r = np.rint(column).astype(int), np.rint(row).astype(int)
    off = np.maximum(np.abs(column - c), np.abs(row - r)).max()
    inside = (c >= 0) & (r >= 0) & (c < shape[1]) & (r < shape[0])
    if off > 0.1 or not inside.all():
        raise ReadError(
            "the spaxels do not lie on the pixels of the velocity image",
            value=f"up to {off:.2g} of a pixel off, {int((~inside).sum())} outside",
        )
    return r, c
