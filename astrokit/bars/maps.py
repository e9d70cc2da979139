"""`GalaxyMaps`: flux and velocity of a galaxy over the sky, on pixels or scattered bins."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_scalar, as_unit, split_mask
from ..errors import InputError, MaskError, ShapeError
from .geometry import Geometry
from .grid import PixelGrid

if TYPE_CHECKING:
    from astropy.table import QTable

__all__ = ["GalaxyMaps"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class GalaxyMaps:
    """Flux (or mass) and line-of-sight velocity, with errors, of the usable part of a field.

    Give images with `pixel_scale` or `grid`, or any points with `x` and `y`. Whatever is masked
    or not a number in flux or velocity is left out, counted, and said in `report`. Inside, all
    arrays are flat and hold the usable points only.

    Parameters
    ----------
    flux : array_like, Quantity or Masked, shape (rows, columns) or (n,)
        Weight of each pixel or point: its light or its mass, not a surface brightness where bins
        differ in size. Any unit. Negative values (noise about an empty sky) are kept.
    velocity : array_like, Quantity or Masked, same shape
        Mean line-of-sight velocity, km/s.
    flux_error, velocity_error : array_like or number, optional
        One standard deviation; a usable point needs a finite one.
    mask : array_like of bool, same shape, optional
        True where a value must not be used.
    pixel_scale : float or Quantity, optional
        Side of a pixel, arcsec, for images with north up and east to the left.
    x, y : array_like or Quantity, same shape, optional
        Positions of points, arcsec to the WEST and to the NORTH of an origin: negate offsets that
        grow to the east.
    geometry : Geometry, optional
        Position angle, inclination, bar and centre; `with_geometry` adds it later.
    bins : array_like of int, same shape, optional
        Which Voronoi bin a pixel belongs to: pixels of one bin share one velocity and its error.
        Negative numbers stand for no bin.
    grid : PixelGrid or astropy.wcs.WCS, optional
        Where pixels lie, instead of `pixel_scale`, for images that are rotated or mirrored.
    area : array_like or Quantity, same shape, optional
        Area of scattered bins, arcsec2.
    psf_fwhm : float or Quantity, optional
        Width of the point-spread function, arcsec.
    name : str
    notes : tuple of str
        What a reader understood.

    Attributes
    ----------
    x, y, flux, velocity : ndarray, shape (n,)
        The usable points; positions in arcsec to the west and to the north.
    flux_error, velocity_error : ndarray of shape (n,), or None
    bins : ndarray of int, shape (n,)
        0 to the number of bins - 1; each point its own bin where none were given.
    grid : PixelGrid or None
        None for scattered points.
    shape : tuple of int
        Of the arrays that were given.
    pixel : ndarray of int, shape (n,)
        Index of each usable point in the flattened input.
    flux_unit : Unit or None
    report : dict of str to int
        How many points were left out, by reason.
    has_flux : bool
        False for :meth:`from_velocity`.

    Raises
    ------
    InputError
        For a velocity without flux, both or neither of `x`, `y` and pixels, negative errors.
    ShapeError
        For unequal shapes.
    MaskError
        If no point is left, or the sum of the flux is not positive.
    UnitError
        For a wrong unit.

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.bars import GalaxyMaps
    >>> velocity = np.tile([-100.0, np.nan, 100.0], (3, 1))
    >>> maps = GalaxyMaps(np.ones((3, 3)), velocity, pixel_scale=0.5)
    >>> maps
    <GalaxyMaps: 6 of 9 pixels of 0.5 arcsec, velocity -100 to 100 km/s>
    >>> maps.report
    {'velocity is not a number': 3}
    >>> maps.x.tolist()
    [-0.5, 0.5, -0.5, 0.5, -0.5, 0.5]
    """

    flux: FloatArray
    velocity: FloatArray
    flux_error: FloatArray | None = None
    velocity_error: FloatArray | None = None
    mask: Any = None
    pixel_scale: Any = None
    x: FloatArray = None  # type: ignore[assignment]
    y: FloatArray = None  # type: ignore[assignment]
    geometry: Geometry | None = None
    bins: IntArray = None  # type: ignore[assignment]
    grid: PixelGrid | None = None
    area: FloatArray | None = None
    psf_fwhm: float | None = None
    name: str = ""
    notes: tuple[str, ...] = ()
    has_flux: bool = dataclasses.field(default=True, init=False)
    shape: tuple[int, ...] = dataclasses.field(default=(), init=False)
    pixel: IntArray = dataclasses.field(default_factory=lambda: np.empty(0, np.int64), init=False)
    report: dict[str, int] = dataclasses.field(default_factory=dict, init=False)
    flux_unit: Any = dataclasses.field(default=None, init=False)

    def __post_init__(self) -> None:
        images, shape = self._images()
        x, y, grid = self._positions(shape)
        keep, report = _usable(images, self.mask, self.bins, shape)
        put = object.__setattr__  # frozen: only this method and its helpers set fields
        for name in ("flux", "velocity", "flux_error", "velocity_error", "area"):
            put(self, name, None if images[name] is None else images[name][keep].ravel())
        _require_errors(self.velocity_error)
        put(self, "x", np.ascontiguousarray(x[keep]))
        put(self, "y", np.ascontiguousarray(y[keep]))
        put(self, "bins", _bin_numbers(self.bins, keep))
        put(self, "pixel", np.flatnonzero(keep.ravel()))
        put(self, "mask", None)
        put(self, "grid", grid)
        put(self, "pixel_scale", None if grid is None else grid.pixel_scale)
        put(self, "shape", shape)
        put(self, "report", report)
        put(self, "notes", tuple(self.notes))
        if self.psf_fwhm is not None:
            put(self, "psf_fwhm", as_scalar(self.psf_fwhm, "psf_fwhm", unit="arcsec", minimum=0))
        if self.geometry is not None and not isinstance(self.geometry, Geometry):
            raise InputError("geometry must be a Geometry", value=self.geometry)
        self._check_flux()

    def _images(self) -> tuple[dict[str, Any], tuple[int, ...]]:
        """Return the arrays as plain floats with NaN where masked, all of one shape."""
        if self.flux is None:
            raise InputError(
                "a velocity without a flux has no Tremaine-Weinberg integrals",
                hint="give the flux or mass of each point; GalaxyMaps.from_velocity serves for a "
                "rotation curve alone",
            )
        unit = as_unit(getattr(self.flux, "unit", None), "unit of flux")
        object.__setattr__(self, "flux_unit", unit)
        units = {"flux": unit, "velocity": "km/s", "flux_error": unit, "velocity_error": "km/s"}
        units["area"] = "arcsec2"
        hidden = None if self.mask is None else _as_mask(self.mask)
        images: dict[str, Any] = {}
        for name, wanted in units.items():
            given = getattr(self, name)
            images[name] = None if given is None else _image(given, name, wanted, hidden)
        shape = images["flux"].shape
        for name in ("flux_error", "velocity_error"):
            if images[name] is not None and images[name].ndim == 0:
                images[name] = np.full(shape, float(images[name]))
        _require_shape(shape, **images, mask=hidden, bins=self.bins)
        return images, shape

    def _positions(self, shape: tuple[int, ...]) -> tuple[FloatArray, FloatArray, PixelGrid | None]:
        """Return x and y of every point of the input, and the grid where there is one."""
        given = [name for name in _POSITIONS if getattr(self, name) is not None]
        has_points = given == ["x", "y"]
        if not has_points and given not in (["pixel_scale"], ["grid"]):
            raise InputError(
                "positions must be given once",
                value=", ".join(given) or "none",
                allowed="pixel_scale= or grid= for images, both of x= and y= for points",
            )
        if has_points:
            x = as_array(self.x, "x", unit="arcsec", ndim=None)
            y = as_array(self.y, "y", unit="arcsec", ndim=None)
            _require_shape(shape, x=x, y=y)
            return x, y, None
        if len(shape) != 2:
            raise ShapeError("an image has two dimensions", value=f"shape {shape}")
        grid = _grid(self.grid, self.pixel_scale).with_default_origin((shape[0], shape[1]))
        return *grid.positions((shape[0], shape[1])), grid

    def _check_flux(self) -> None:
        if self.flux.sum() <= 0:
            raise MaskError(
                "the flux of the usable points does not sum to a positive number",
                value=float(self.flux.sum()),
                hint="check the sign of the flux, and what the mask leaves",
            )

    @classmethod
    def from_velocity(cls, velocity: ArrayLike, **fields: Any) -> Self:
        """Return maps without a flux: they serve for a rotation curve, and for nothing else.

        Parameters
        ----------
        velocity : array_like or Quantity
        **fields
            What :class:`GalaxyMaps` takes beside fluxes.

        Examples
        --------
        >>> from astrokit.bars import GalaxyMaps
        >>> maps = GalaxyMaps.from_velocity([-100.0, 100.0], x=[-1, 1], y=[0, 0])
        >>> maps.has_flux
        False
        """
        maps = cls(np.ones(np.shape(split_mask(velocity)[0])), velocity, **fields)  # type: ignore[arg-type]
        object.__setattr__(maps, "has_flux", False)
        return maps

    # -- what it holds -----------------------------------------------------------------------

    def __len__(self) -> int:
        return self.flux.size

    @property
    def n_bins(self) -> int:
        """Number of bins, that is of independent velocities."""
        return int(self.bins.max()) + 1

    def require_flux(self) -> Self:
        """Return the maps, or raise where they hold velocities alone.

        Raises
        ------
        InputError
        """
        if not self.has_flux:
            raise InputError(
                "these maps hold a velocity without flux, and pattern speeds need both",
                hint="make GalaxyMaps(flux, velocity, ...) with the flux or mass of each point",
            )
        return self

    def require_geometry(self, *names: str) -> Geometry:
        """Return the geometry, with these of its numbers known.

        Raises
        ------
        InputError
            If there is no geometry, or one of the named numbers was not given.

        Examples
        --------
        >>> from astrokit.bars import GalaxyMaps, Geometry
        >>> maps = GalaxyMaps([1.0, 1], [-90.0, 90], x=[-1, 1], y=[0, 0], geometry=Geometry(90, 50))
        >>> maps.require_geometry("bar_radius")
        Traceback (most recent call last):
            ...
        astrokit.errors.InputError: the geometry lacks bar_radius. Way out: ...
        """
        if self.geometry is None:
            raise InputError(
                "the maps have no geometry",
                hint="maps.with_geometry(Geometry(position_angle, inclination, "
                "bar_position_angle=..., bar_radius=...))",
            )
        missing = [name for name in names if getattr(self.geometry, name) is None]
        if missing:
            raise InputError(
                f"the geometry lacks {', '.join(missing)}",
                hint=f"maps.with_geometry({', '.join(f'{name}=...' for name in missing)})",
            )
        return self.geometry

    def with_geometry(self, geometry: Geometry | None = None, **changes: Any) -> Self:
        """Return the same maps with another geometry, or with some of its numbers changed.

        Examples
        --------
        >>> from astrokit.bars import GalaxyMaps, Geometry
        >>> maps = GalaxyMaps([1.0, 1], [-90.0, 90], x=[-1, 1], y=[0, 0])
        >>> maps = maps.with_geometry(Geometry(90, 50)).with_geometry(inclination=(45, 2))
        >>> print(maps.geometry.inclination)
        inclination = 45 +/- 2 deg
        """
        geometry = self.geometry if geometry is None else geometry
        if changes:
            base = GalaxyMaps.require_geometry(self) if geometry is None else geometry
            geometry = base.replace(**changes)
        if geometry is not None and not isinstance(geometry, Geometry):
            raise InputError("geometry must be a Geometry", value=geometry)
        return self._copy(geometry=geometry)

    def without(self, mask: ArrayLike) -> Self:
        """Return the maps without some of their usable points.

        Parameters
        ----------
        mask : array_like of bool, shape (n,)
            True for those to leave out.

        Examples
        --------
        >>> from astrokit.bars import GalaxyMaps
        >>> maps = GalaxyMaps([1.0, 1, 2], [-90.0, 0, 90], x=[-1, 0, 1], y=[0, 0, 0])
        >>> maps.without(maps.flux > 1)
        <GalaxyMaps: 2 of 3 points, velocity -90 to 0 km/s>
        """
        drop = np.asarray(mask, dtype=bool)
        _require_shape(self.flux.shape, mask=drop)
        if drop.all():
            raise MaskError("all points would be masked", value=f"{drop.size} of {drop.size}")
        names = ("flux", "velocity", "flux_error", "velocity_error", "x", "y", "area", "pixel")
        columns = {k: getattr(self, k) for k in names}
        kept = {k: None if v is None else v[~drop] for k, v in columns.items()}
        kept["bins"] = np.unique(self.bins[~drop], return_inverse=True)[1].astype(np.int64)
        before = self.report.get("masked by the user", 0)
        report = self.report | {"masked by the user": before + int(drop.sum())}
        changed = self._copy(**kept, report=report)
        changed._check_flux()
        return changed

    def _copy(self, **changes: Any) -> Self:
        """Return a copy with some fields changed; nothing is derived anew."""
        copy = object.__new__(type(self))
        for field in dataclasses.fields(self):
            value = changes.get(field.name, getattr(self, field.name))
            object.__setattr__(copy, field.name, value)
        return copy

    def image(self, values: str | ArrayLike) -> FloatArray:
        """Return a quantity in the shape that was given, NaN where nothing is usable.

        Parameters
        ----------
        values : str or array_like, shape (n,)
            "flux", "velocity", "x", ..., or one value per usable point.

        Examples
        --------
        >>> from astrokit.bars import GalaxyMaps
        >>> maps = GalaxyMaps([[1.0, 2], [3, 4]], [[0.0, 1], [2, float("nan")]], pixel_scale=1)
        >>> maps.image("flux").tolist()
        [[1.0, 2.0], [3.0, nan]]
        """
        given = getattr(self, values) if isinstance(values, str) else values
        column = as_array(given, "values", missing="nan")
        _require_shape(self.flux.shape, values=column)
        full = np.full(int(np.prod(self.shape)), np.nan)
        full[self.pixel] = column
        return full.reshape(self.shape)

    def to_table(self) -> QTable:
        """Return one row per usable point, with units.

        Examples
        --------
        >>> from astrokit.bars import GalaxyMaps
        >>> GalaxyMaps([1.0, 1], [-90.0, 90], x=[-1, 1], y=[0, 0]).to_table().colnames
        ['x', 'y', 'flux', 'velocity', 'bins']
        """
        from astropy import units as u
        from astropy.table import QTable

        table = QTable({"x": self.x * u.arcsec, "y": self.y * u.arcsec})
        columns = {"flux": self.flux_unit, "flux_error": self.flux_unit}
        columns |= {"velocity": u.km / u.s, "velocity_error": u.km / u.s, "area": u.arcsec**2}
        for name in ("flux", "flux_error", "velocity", "velocity_error", "area"):
            values = getattr(self, name)
            if values is not None:
                table[name] = values if columns[name] is None else values * columns[name]
        table["bins"] = self.bins
        return table

    def plot(self, axes: Any = None) -> NDArray[Any]:
        """Draw flux and velocity; see :func:`plot_maps`."""
        from .map_plots import plot_maps

        return plot_maps(self, axes=axes)

    def __repr__(self) -> str:
        total = int(np.prod(self.shape))
        what = "points" if self.grid is None else f"pixels of {self.grid.pixel_scale:g} arcsec"
        parts = [f"{len(self)} of {total} {what}"]
        if self.n_bins < len(self):
            parts.append(f"{self.n_bins} bins")
        if not self.has_flux:
            parts.append("no flux")
        parts.append(f"velocity {self.velocity.min():.4g} to {self.velocity.max():.4g} km/s")
        label = f"{type(self).__name__} of {self.name}" if self.name else type(self).__name__
        return f"<{label}: {', '.join(parts)}>"


_POSITIONS = ("x", "y", "pixel_scale", "grid")


def _grid(grid: Any, pixel_scale: Any) -> PixelGrid:
    if grid is None:
        return PixelGrid(pixel_scale)
    if isinstance(grid, PixelGrid):
        return grid
    if hasattr(grid, "celestial"):
        return PixelGrid.from_wcs(grid)
    raise InputError("grid is not understood", value=grid, allowed="a PixelGrid or a WCS")


def _as_mask(mask: Any) -> NDArray[np.bool_]:
    values = np.asarray(mask)
    if values.dtype != bool and not np.isin(values, (0, 1)).all():
        raise InputError(
            "mask must be true or false; these look like bits of flags",
            value=values.ravel()[~np.isin(values.ravel(), (0, 1))][0],
            hint="say which bits count: mask=(bits & bad) != 0",
        )
    return values.astype(bool)


def _image(given: Any, name: str, unit: Any, hidden: NDArray[np.bool_] | None) -> FloatArray:
    """Return values as floats, NaN where masked; hidden values may be anything, infinity too."""
    data, mask = split_mask(given)
    if hidden is not None and hidden.shape == np.shape(data):
        mask = hidden if mask is None else mask | hidden
    if mask is not None:
        unit_given = getattr(data, "unit", None)
        plain = np.array(getattr(data, "value", data), dtype=float)
        plain[mask] = np.nan
        data = plain if unit_given is None else plain << as_unit(unit_given)
    return as_array(data, name, unit=unit, ndim=None, missing="nan")


def _require_shape(shape: tuple[int, ...], **arrays: Any) -> None:
    others = {name: np.shape(a) for name, a in arrays.items() if a is not None}
    if any(other != shape for other in others.values()):
        listed = ", ".join(f"{name}: {other}" for name, other in {"flux": shape, **others}.items())
        raise ShapeError(
            "arrays have unequal shapes",
            value=listed,
            hint="cut or reproject them to one grid first",
        )


def _usable(
    images: dict[str, Any], mask: Any, bins: Any, shape: tuple[int, ...]
) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Return where everything is known, and how many points each reason takes away first."""
    reasons: dict[str, NDArray[np.bool_]] = {}
    if mask is not None:
        reasons["masked"] = _as_mask(mask)
    for name in ("flux", "velocity"):
        reasons[f"{name} is not a number"] = np.isnan(images[name])
    for name in ("flux_error", "velocity_error"):
        if images[name] is not None:
            if np.any(images[name] < 0):
                worst = float(np.nanmin(images[name]))
                raise InputError(f"{name} is negative", value=worst, allowed=">= 0")
            reasons[f"{name} is not a number"] = np.isnan(images[name])
    if bins is not None:
        reasons["in no bin"] = np.asarray(bins) < 0
    keep, report = np.ones(shape, dtype=bool), {}
    for reason, where in reasons.items():
        if lost := int((keep & where).sum()):
            report[reason] = lost
        keep &= ~where
    if not keep.any():
        raise MaskError(
            "no usable point is left",
            value="; ".join(f"{reason}: {n}" for reason, n in report.items()),
            hint="check the mask: True must mean 'do not use'",
        )
    return keep, report


def _require_errors(error: FloatArray | None) -> None:
    """Refuse errors of zero beside others, which would weigh without limit."""
    if error is None or not error.any() or (error > 0).all():
        return
    raise InputError(
        "some velocities have an error of zero",
        value=f"{int((error == 0).sum())} of {error.size} usable points",
        allowed="> 0 for all, or 0 for all where there is no noise",
        hint="zero often stands for no measurement: mask=velocity_error == 0",
    )


def _bin_numbers(bins: Any, keep: NDArray[np.bool_]) -> IntArray:
    if bins is None:
        return np.arange(int(keep.sum()), dtype=np.int64)
    numbers = as_array(bins, "bins", ndim=None, dtype=np.int64)
    return np.unique(numbers[keep], return_inverse=True)[1].astype(np.int64)
