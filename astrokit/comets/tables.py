"""Photometry from tables: which column is what, told by name, and by the user where that fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ReadError, UnitError

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = ["photometry_from_table"]

FloatArray = NDArray[np.float64]

# Lower-case names under which each column is found, the surest first. Two that fit equally well,
# such as the magnitudes of two apertures, are never guessed between: the user names one.
_NAMES: dict[str, tuple[str, ...]] = {
    "time": (
        *("time", "mjd", "mjd_utc", "jd", "jd_utc", "jd_utc_mid", "obstime", "obs_utc"),
        *("timestamp", "datemidpoint", "date", "date_obs", "time_btjd", "bjd"),
    ),
    "magnitude": ("magnitude", "mag", "m", "mag_scatter"),
    "error": ("error", "mag_err", "magerr", "mag_error", "rmsmag", "e_mag", "magnitude_error"),
    "filter": ("filter", "band", "filt"),
    "observer": ("observer", "stn", "station", "observatory", "telescope"),
    "aperture": (
        *("aperture", "aper_arcsec", "phot_ap_arcsec", "photap", "aperture_arcsec"),
        *("aperture_km", "aper_km"),
    ),
    "r": ("r", "rh", "rh_au", "r_au", "r_h"),
    "delta": ("delta", "delta_au"),
    "phase_angle": ("phase_angle", "alpha", "alpha_deg", "phase"),
    "fainter_than": ("fainter_than", "limit", "upper_limit"),
}
_TRUE = ("true", "t", "yes", "y", "1", "1.0", ">", "[")
_FALSE = ("false", "f", "no", "n", "0", "0.0", "", "-", "<na>", "nan", "none")
_OPTIONAL_UNITS = {"error": "mag", "r": "au", "delta": "au", "phase_angle": "deg"}


def photometry_from_table(table: Table, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return what :class:`CometPhotometry` takes, from a table.

    Parameters
    ----------
    table : astropy Table
    columns : mapping
        Column names by what they hold (``magnitude="ap0_mag"``); ``name`` and
        ``perihelion_time`` are taken as values.

    Raises
    ------
    ReadError
        When time or magnitude are not found, or a named column does not exist.
    """
    named = dict(columns)
    fields: dict[str, Any] = {
        key: named.pop(key) for key in ("name", "perihelion_time") if key in named
    }
    found = {what: _find(table, what, named.pop(what, None)) for what in _NAMES}
    if named:
        raise ReadError(
            f"photometry has no column called {next(iter(named))!r}", allowed=", ".join(_NAMES)
        )
    for what in ("time", "magnitude"):
        if found[what] is None:
            raise ReadError(
                f"no column was recognised as the {what}",
                value=list(table.colnames),
                hint=f"name it: read_photometry(path, columns={{'{what}': 'its name'}}); "
                "for fluxes use CometPhotometry.from_flux",
            )
    notes = [f"{what}: column {name}" for what, name in found.items() if name]
    magnitude = _numbers(table, str(found["magnitude"]), "mag")
    keep = np.isfinite(magnitude)
    _note_missing(keep, notes)
    fields["time"] = _times(table, str(found["time"]), keep, notes)
    fields["magnitude"] = magnitude[keep]
    for what in ("error", "r", "delta", "phase_angle"):
        if found[what]:
            fields[what] = _numbers(table, str(found[what]), _OPTIONAL_UNITS[what])[keep]
    for what in ("filter", "observer"):
        if found[what]:
            fields[what] = _texts(table[found[what]])[keep]
    if found["fainter_than"]:
        fields["fainter_than"] = _flags(table, str(found["fainter_than"]))[keep]
    if found["aperture"]:
        fields |= _apertures(table, str(found["aperture"]), keep, notes)
    for key in ("name", "perihelion_time"):
        if table.meta.get(key) not in (None, ""):
            fields.setdefault(key, table.meta[key])
    _note_zero_errors(fields, notes)
    fields["notes"] = tuple(notes)
    return fields


def _find(table: Table, what: str, named: str | None) -> str | None:
    if named is not None:
        if named not in table.colnames:
            raise ReadError(
                f"there is no column {named!r} for the {what}",
                allowed=", ".join(table.colnames),
            )
        return named
    by_lower = {name.lower(): name for name in table.colnames}
    for candidate in _NAMES[what]:
        if candidate in by_lower:
            return by_lower[candidate]
    return None


def _numbers(table: Table, name: str, unit: str) -> FloatArray:
    """Return a column as floats in `unit`, NaN where empty."""
    from astropy import units as u

    column = table[name]
    given = getattr(column, "unit", None)
    values = np.ma.asarray(getattr(column, "value", column))
    try:
        numbers = np.ma.filled(values.astype(float), np.nan)
    except ValueError as error:
        raise ReadError(f"column {name} does not hold numbers", value=str(error)) from None
    if given in (None, u.dimensionless_unscaled, u.Unit(unit)):
        return np.asarray(numbers, dtype=float)
    try:
        return np.asarray((numbers << u.Unit(given)).to_value(unit), dtype=float)
    except u.UnitConversionError:
        raise UnitError(f"column {name} has the wrong unit", value=str(given), allowed=unit) from (
            None
        )


def _texts(column: Any) -> NDArray[np.str_]:
    filled = np.ma.filled(column, "") if np.ma.isMaskedArray(column) else column
    return np.char.strip(np.asarray(filled).astype(str))


def _flags(table: Table, name: str) -> NDArray[np.bool_]:
    """Return a column of flags; words are read as words, and numbers other than 0 and 1 refused."""
    words = np.char.lower(_texts(table[name]))
    true, false = np.isin(words, _TRUE), np.isin(words, _FALSE)
    if not np.all(true | false):
        raise ReadError(
            f"column {name} does not tell whether a magnitude is a limit",
            value=str(words[~(true | false)][0]),
            allowed="true or false, yes or no, 1 or 0, > or nothing",
            hint="rename a column of limiting magnitudes: this one must flag rows",
        )
    return true


def _times(table: Table, name: str, keep: NDArray[np.bool_], notes: list[str]) -> FloatArray:
    """Return modified Julian dates (UTC) of the kept rows."""
    from astropy.time import Time

    column = table[name]
    if isinstance(column, Time):
        return np.asarray(column.utc.mjd[keep], dtype=float)
    values = np.asarray(_texts(column)[keep]) if column.dtype.kind in "US" else None
    if values is not None:
        try:
            iso = np.char.rstrip(np.char.replace(values, "T", " "), "Z")
            return np.asarray(Time(list(iso), format="iso", scale="utc").mjd, dtype=float)
        except ValueError as error:
            raise ReadError(f"column {name} holds no dates", value=str(error)) from None
    numbers = _numbers(table, name, "d")[keep]
    if not np.isfinite(numbers).all():
        row = int(np.flatnonzero(keep)[~np.isfinite(numbers)][0])
        raise ReadError(f"column {name} has no time for a magnitude", value=f"row {row}")
    if "btjd" in name.lower():
        notes.append("time: BJD - 2457000 (TESS), taken as UTC to 1.2 minutes")
        return numbers + 2457000.0 - 2400000.5
    if numbers.size and numbers.min() > 1e6:
        notes.append("time: Julian dates")
        return numbers - 2400000.5
    return numbers


def _apertures(
    table: Table, name: str, keep: NDArray[np.bool_], notes: list[str]
) -> dict[str, Any]:
    unit = "km" if "km" in name.lower() or str(table[name].unit) == "km" else "arcsec"
    values = _numbers(table, name, unit)[keep]
    if np.any(values == 0):
        notes.append(f"aperture: {int((values == 0).sum())} zeros taken as not known")
        values = np.where(values == 0, np.nan, values)
    return {"aperture": values, "aperture_unit": unit}


def _note_missing(keep: NDArray[np.bool_], notes: list[str]) -> None:
    if not keep.any():
        raise ReadError("no row has a magnitude", value=f"{keep.size} rows")
    if not keep.all():
        notes.append(f"{int((~keep).sum())} of {keep.size} rows have no magnitude and are left out")


def _note_zero_errors(fields: dict[str, Any], notes: list[str]) -> None:
    if "error" in fields:
        zero = fields["error"] == 0
        if zero.any():
            notes.append(f"error: {int(zero.sum())} zeros taken as not known")
            fields["error"] = np.where(zero, np.nan, fields["error"])
