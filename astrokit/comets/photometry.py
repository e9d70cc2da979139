"""`CometPhotometry`: magnitudes of a comet, with the geometry, filter, aperture and observer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_scalar, require_equal_lengths
from ..errors import InputError, ShapeError
from .orbit import Ephemeris, OrbitalElements, ephemeris

if TYPE_CHECKING:
    from astropy.table import QTable, Table

__all__ = ["KM_PER_ARCSEC_AU", "CometPhotometry"]

FloatArray = NDArray[np.float64]

KM_PER_ARCSEC_AU = 149597870.7 * np.pi / (180 * 3600)  # one arc second at one au, in km
_NUMBERS = {
    "error": "mag",
    "r": "au",
    "delta": "au",
    "phase_angle": "deg",
    "aperture": None,
}
_TEXTS = ("filter", "observer")


@dataclass(frozen=True, eq=False)
class CometPhotometry:
    """Magnitudes of one comet.

    Parameters
    ----------
    time : array_like or Time, shape (m,)
        Modified Julian dates, UTC.
    magnitude : array_like, shape (m,)
        Total magnitudes in the aperture.
    error : array_like, shape (m,), optional
        Standard deviations in magnitudes; NaN (or 0) where none is known: the scatter found by a
        fit then stands for it alone.
    r, delta : array_like or Quantity, shape (m,), optional
        Distance to the Sun and to the observer, au; see :meth:`with_geometry`.
    phase_angle : array_like or Quantity, shape (m,), optional
        Degrees.
    filter, observer : sequence of str, shape (m,), optional
        Empty text where unknown.
    aperture : array_like or Quantity, shape (m,), optional
        Radius of the aperture in `aperture_unit`; NaN where unknown.
    aperture_unit : {"arcsec", "km"}
    fainter_than : sequence of bool, shape (m,), optional
        True where the comet was not seen and `magnitude` is the limit.
    perihelion_time : float, optional
        Modified Julian date; tells the branches apart.
    name : str
    notes : tuple of str
        What a reader understood, and which rows it left out and why.

    Raises
    ------
    InputError, ShapeError, NonFiniteError, UnitError
        For distances that are not positive, angles outside 0 to 180 degrees, unequal lengths.

    Examples
    --------
    >>> from astrokit.comets import CometPhotometry
    >>> ph = CometPhotometry([60800, 60810], [18.0, 17.8], error=0.02, r=[4, 3.8], delta=[3, 3],
    ...                      phase_angle=[5, 6], filter="r")
    >>> ph
    <CometPhotometry: 2 magnitudes, r 3.8 to 4 au, filter r>
    """

    time: FloatArray
    magnitude: FloatArray
    error: FloatArray = None  # type: ignore[assignment]
    r: FloatArray = None  # type: ignore[assignment]
    delta: FloatArray = None  # type: ignore[assignment]
    phase_angle: FloatArray = None  # type: ignore[assignment]
    filter: NDArray[np.str_] = None  # type: ignore[assignment]
    observer: NDArray[np.str_] = None  # type: ignore[assignment]
    aperture: FloatArray = None  # type: ignore[assignment]
    aperture_unit: str = "arcsec"
    fainter_than: NDArray[np.bool_] = None  # type: ignore[assignment]
    perihelion_time: float | None = None
    name: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        put = object.__setattr__  # frozen: only this method sets fields
        time = as_array(np.atleast_1d(_mjd(self.time)), "time", unit="d", min_size=0)
        m = time.size
        put(self, "time", time)
        put(self, "magnitude", as_array(self.magnitude, "magnitude", unit="mag", min_size=0))
        unit = str(self.aperture_unit)
        if unit not in ("arcsec", "km"):
            raise InputError(
                "aperture_unit is unknown", value=unit, allowed="'arcsec' or 'km' (radius)"
            )
        for field in _NUMBERS:
            wanted = unit if field == "aperture" else _NUMBERS[field]
            put(self, field, _column(getattr(self, field), field, wanted, m))
        for field in _TEXTS:
            put(self, field, _texts(getattr(self, field), field, m))
        limits = np.zeros(m, bool) if self.fainter_than is None else self.fainter_than
        put(self, "fainter_than", np.broadcast_to(np.asarray(limits, dtype=bool), (m,)).copy())
        if self.perihelion_time is not None:
            put(self, "perihelion_time", as_scalar(self.perihelion_time, "perihelion_time"))
        put(self, "notes", tuple(self.notes))
        self._check(m)

    def _check(self, m: int) -> None:
        require_equal_lengths(time=self.time, magnitude=self.magnitude)
        if m and self.time.max() > 1e6:
            raise InputError(
                "time looks like a Julian date",
                value=float(self.time.max()),
                hint="give modified Julian dates: subtract 2400000.5",
            )
        for field in ("r", "delta", "aperture"):
            _refuse(getattr(self, field) <= 0, field, getattr(self, field), "> 0")
        _refuse(self.error < 0, "error", self.error, ">= 0 (0 or NaN: not known)")
        angle = self.phase_angle
        _refuse((angle < 0) | (angle > 180), "phase_angle", angle, "0 to 180 degrees")

    @classmethod
    def from_flux(cls, time: ArrayLike, flux: ArrayLike, **columns: Any) -> Self:
        """Return magnitudes for fluxes.

        Parameters
        ----------
        time, flux : array_like, shape (m,)
            Fluxes in any linear unit.
        **columns
            ``flux_error`` (same unit), ``zero_point`` (magnitude of unit flux, 0 by default),
            ``n_sigma`` (3 by default), and everything that :class:`CometPhotometry` takes.

        Returns
        -------
        CometPhotometry
            Fluxes below ``n_sigma`` errors become "fainter than" limits at ``n_sigma`` errors (or
            at flux + n_sigma errors where the flux is positive): nothing is dropped.

        Raises
        ------
        InputError
            For fluxes <= 0 without errors.

        Examples
        --------
        >>> from astrokit.comets import CometPhotometry
        >>> ph = CometPhotometry.from_flux([60800, 60801], [100.0, -1.0], flux_error=2.0)
        >>> ph.magnitude.round(3).tolist(), ph.fainter_than.tolist()
        ([-5.0, -1.945], [False, True])
        """
        zero_point = as_scalar(columns.pop("zero_point", 0.0), "zero_point")
        n_sigma = as_scalar(columns.pop("n_sigma", 3.0), "n_sigma", positive=True)
        unit = getattr(flux, "unit", None)
        flux = as_array(np.atleast_1d(flux), "flux", unit=unit)
        sigma = _column(columns.pop("flux_error", None), "flux_error", unit, flux.size)
        _refuse(sigma <= 0, "flux_error", sigma, "> 0")
        faint = np.where(np.isfinite(sigma), flux < n_sigma * sigma, flux <= 0)
        if np.any(faint & ~np.isfinite(sigma)):
            raise InputError(
                "fluxes that are not positive need errors to become limits",
                value=float(flux[faint & ~np.isfinite(sigma)][0]),
                hint="give flux_error=",
            )
        level = np.where(faint, np.maximum(flux, 0) + n_sigma * np.nan_to_num(sigma), flux)
        error = np.where(faint, np.nan, 2.5 / np.log(10) * sigma / level)
        magnitude = zero_point - 2.5 * np.log10(level)
        columns |= {"time": time, "magnitude": magnitude, "error": error, "fainter_than": faint}
        return cls(**columns)

    # -- what it holds -----------------------------------------------------------------------

    def __len__(self) -> int:
        return self.time.size

    def __repr__(self) -> str:
        parts = [f"{len(self)} magnitudes"]
        if self.fainter_than.any():
            parts.append(f"{int(self.fainter_than.sum())} of them limits")
        if self.has_geometry:
            parts.append(f"r {self.r.min():.3g} to {self.r.max():.3g} au")
        elif len(self):
            parts.append("no geometry yet")
        bands = [band for band in np.unique(self.filter) if band]
        if bands:
            parts.append(("filter " if len(bands) == 1 else "filters ") + _some(bands))
        label = f"{type(self).__name__} of {self.name}" if self.name else type(self).__name__
        return f"<{label}: {', '.join(parts)}>"

    @property
    def has_geometry(self) -> bool:
        """Whether r, delta and phase angle are known for every row."""
        known = np.isfinite(self.r) & np.isfinite(self.delta) & np.isfinite(self.phase_angle)
        return len(self) > 0 and bool(known.all())

    @property
    def is_preperihelion(self) -> NDArray[np.bool_]:
        """True for rows before perihelion, shape ``(m,)``.

        Raises
        ------
        InputError
            When the time of perihelion is not known.
        """
        if self.perihelion_time is None:
            raise InputError(
                "the time of perihelion is not known",
                hint="give perihelion_time= (MJD), or use with_geometry(orbital elements)",
            )
        return self.time < self.perihelion_time

    @property
    def aperture_km(self) -> FloatArray:
        """Radius of the aperture at the comet, km, shape ``(m,)``; NaN where unknown."""
        if self.aperture_unit == "km":
            return self.aperture
        return self.aperture * KM_PER_ARCSEC_AU * self.delta

    # -- other photometry --------------------------------------------------------------------

    def with_columns(self, **columns: Any) -> Self:
        """Return the same photometry with other columns, such as ``filter="r"``."""
        return dataclasses.replace(self, **columns)

    def with_geometry(self, source: OrbitalElements | Mapping[str, Any] | Ephemeris) -> Self:
        """Return the same photometry with r, delta and phase angle.

        Parameters
        ----------
        source : OrbitalElements, mapping, or Ephemeris
            An orbit is computed for the times of the rows; an ephemeris, such as one read by
            :func:`~astrokit.comets.read_ephemeris`, is interpolated.

        Raises
        ------
        InputError
            For times outside the ephemeris.
        """
        if isinstance(source, Ephemeris):
            from .ephemeris_tables import interpolate

            r, delta, angle = interpolate(source, self.time)
            return self.with_columns(r=r, delta=delta, phase_angle=angle)
        if not isinstance(source, OrbitalElements):
            source = OrbitalElements.from_mapping(source)
        where = ephemeris(source, self.time)
        return self.with_columns(
            r=where.r,
            delta=where.delta,
            phase_angle=where.phase_angle,
            perihelion_time=source.perihelion_time - 2400000.5,
            name=self.name or source.name,
        )

    def select(
        self,
        keep: ArrayLike | None = None,
        *,
        filter: str | tuple[str, ...] | None = None,
        observer: str | tuple[str, ...] | None = None,
        r: tuple[float, float] | None = None,
        time: tuple[float, float] | None = None,
    ) -> Self:
        """Return some of the rows.

        Parameters
        ----------
        keep : array_like of bool or int, optional
            Mask ``(m,)`` or row numbers.
        filter, observer : str or tuple of str, optional
            Names to keep.
        r, time : (low, high), optional
            Ranges in au and MJD, ends included.

        Raises
        ------
        InputError
            For a name that no row has, or when nothing is left.

        Examples
        --------
        >>> from astrokit.comets import CometPhotometry
        >>> ph = CometPhotometry([1, 2, 3], [18, 17, 16], filter=["g", "r", "r"])
        >>> len(ph.select(filter="r"))
        2
        """
        rows = np.arange(len(self))
        if keep is not None:
            rows = rows[_choice(keep, len(self))]
        wanted = np.isin(np.arange(len(self)), rows)
        for field, names in (("filter", filter), ("observer", observer)):
            if names is not None:
                wanted &= self._named(field, (names,) if isinstance(names, str) else tuple(names))
        for values, span in ((self.r, r), (self.time, time)):
            if span is not None:
                wanted &= (values >= float(span[0])) & (values <= float(span[1]))
        if not wanted.any():
            raise InputError(
                "no magnitude is left by this selection", hint=f"this photometry is {self!r}"
            )
        columns = ("time", "magnitude", *_NUMBERS, *_TEXTS, "fainter_than")
        return self.with_columns(**{name: getattr(self, name)[wanted] for name in columns})

    def _named(self, field: str, names: tuple[str, ...]) -> NDArray[np.bool_]:
        column = getattr(self, field)
        for name in names:
            if name not in column:
                known = [str(text) for text in np.unique(column) if text]
                raise InputError(
                    f"no row has the {field} {name!r}", allowed=_some(known) or f"no {field} known"
                )
        return np.isin(column, names)

    def to_table(self) -> QTable:
        """Return a table with units; :func:`read_photometry` reads it back from ECSV."""
        from astropy import units as u
        from astropy.table import QTable

        table = QTable({"time": self.time << u.d, "magnitude": self.magnitude << u.mag})
        for name, unit in _NUMBERS.items():
            if np.isfinite(getattr(self, name)).any():
                table[name] = getattr(self, name) << u.Unit(unit or self.aperture_unit)
        for name in _TEXTS:
            if np.any(getattr(self, name) != ""):
                table[name] = getattr(self, name)
        table["fainter_than"] = self.fainter_than
        table.meta.update(name=self.name, notes=list(self.notes))
        if self.perihelion_time is not None:
            table.meta["perihelion_time"] = self.perihelion_time
        return table

    @classmethod
    def from_table(cls, table: Table, **columns: Any) -> Self:
        """Return the photometry of a table; see :func:`~astrokit.comets.read_photometry`."""
        from .tables import photometry_from_table

        return cls(**photometry_from_table(table, columns))


def _mjd(time: Any) -> Any:
    """Return modified Julian dates for an astropy Time, anything else as it is."""
    return time.utc.mjd if hasattr(time, "utc") and hasattr(time, "scale") else time


def _column(values: Any, name: str, unit: str | None, m: int) -> FloatArray:
    """Return ``(m,)`` floats, NaN where missing; one number serves all rows."""
    if values is None:
        return np.full(m, np.nan)
    array = as_array(np.atleast_1d(values), name, unit=unit, missing="nan", min_size=0)
    if array.size not in (1, m):
        raise ShapeError(
            f"{name} does not have one value per magnitude", value=array.size, allowed=f"{m} or 1"
        )
    return np.broadcast_to(array, (m,)).copy()


def _choice(keep: ArrayLike, m: int) -> NDArray[Any]:
    """Return a mask ``(m,)`` or row numbers, checked."""
    chosen = np.asarray(keep)
    if chosen.dtype == bool and chosen.shape != (m,):
        raise ShapeError("the mask does not fit", value=chosen.shape, allowed=f"({m},)")
    if chosen.dtype != bool and (
        chosen.dtype.kind not in "iu" or chosen.ndim != 1 or np.any((chosen < -m) | (chosen >= m))
    ):
        raise InputError(
            "keep must be a mask or row numbers", value=keep, allowed=f"row numbers 0 to {m - 1}"
        )
    return chosen


def _texts(values: Any, name: str, m: int) -> NDArray[np.str_]:
    if values is None:
        return np.full(m, "")
    column = np.ma.filled(values, "") if isinstance(values, np.ma.MaskedArray) else values
    array = np.char.strip(np.atleast_1d(np.asarray(column)).astype(str))
    if array.size not in (1, m):
        raise ShapeError(
            f"{name} does not have one value per magnitude", value=array.size, allowed=f"{m} or 1"
        )
    return np.broadcast_to(array, (m,)).copy()


def _refuse(bad: NDArray[np.bool_], name: str, values: FloatArray, allowed: str) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"{name} is out of range in {int(bad.sum())} of {bad.size} rows",
            value=f"{values[row]} in row {row}",
            allowed=allowed,
            hint="correct or remove these rows; NaN means not known",
        )


def _some(names: list[str], most: int = 6) -> str:
    shown = ", ".join(str(name) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
