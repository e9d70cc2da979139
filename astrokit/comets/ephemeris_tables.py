"""Ephemerides that others computed: tables of JPL Horizons and plain tables, and their use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, ReadError
from ..untrusted import bytes_of, check_lines, checked_file, named_refusals
from .orbit import Ephemeris

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = ["interpolate", "read_ephemeris"]

FloatArray = NDArray[np.float64]

_NAMES = {
    "r": ("r", "rh", "rh_au", "r_au"),
    "delta": ("delta", "delta_au"),
    "phase_angle": ("s-t-o", "alpha", "alpha_deg", "phase_angle", "phase", "sto"),
    "elongation": ("s-o-t", "elongation", "elong"),
    "ra": ("ra", "ra_deg"),
    "dec": ("dec", "dec_deg"),
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WIDEST_GAP = 30.0  # days between rows beyond which a cubic is no ephemeris any more


def read_ephemeris(path: str | Path, *, name: str = "") -> Ephemeris:
    """Read the geometry of a comet from a table.

    Parameters
    ----------
    path : str or Path
        Output of JPL Horizons in CSV form (between ``$$SOE`` and ``$$EOE``; quantities 19, 20
        and 24), or a CSV or ECSV table with a time (``jd_tdb``, ``jd``, ``mjd``) and columns such
        as ``rh_au``, ``delta_au``, ``alpha_deg``.
    name : str

    Returns
    -------
    Ephemeris
        What the table does not give is NaN.

    Raises
    ------
    ReadError
        When times, distances or phase angles are not found.
    """
    path = checked_file(path)
    with named_refusals(path.name):
        content = bytes_of(path)
        check_lines(content, path.name)
        return _ephemeris(content.decode("utf-8", errors="replace"), path, name)


def _ephemeris(text: str, path: Path, name: str) -> Ephemeris:
    table = _horizons(text) if "$$SOE" in text else _plain(path, text)
    by_lower = {column.lower().strip(): column for column in table.colnames}
    columns: dict[str, FloatArray] = {}
    for what, names in _NAMES.items():
        found = next((by_lower[n] for n in names if n in by_lower), None)
        if found is None and what in ("r", "delta", "phase_angle"):
            raise ReadError(
                f"{path.name} has no column for {what}",
                value=list(table.colnames),
                allowed=", ".join(names),
            )
        columns[what] = np.full(len(table), np.nan) if found is None else _floats(table[found])
    nothing = np.full(len(table), np.nan)
    mjd = _mjd(table, by_lower, path.name)
    _require_numbers(mjd, columns, path.name)
    return Ephemeris(mjd, **columns, true_anomaly=nothing, name=name)


def _require_numbers(mjd: FloatArray, columns: dict[str, FloatArray], name: str) -> None:
    """Refuse a table without rows, times or distances: it would be an ephemeris of NaN."""
    if not mjd.size:
        raise ReadError(f"{name} has no rows")
    if not np.isfinite(mjd).all():
        bad = int(np.flatnonzero(~np.isfinite(mjd))[0])
        raise ReadError(f"row {bad + 1} of {name} has no time")
    for what in ("r", "delta", "phase_angle"):
        if not np.isfinite(columns[what]).any():
            raise ReadError(f"{name} has no number for {what}", hint="look at that column")


def _plain(path: Path, text: str) -> Table:
    from astropy.io import ascii as ascii_tables
    from astropy.table import Table

    try:
        kind = "ascii.ecsv" if path.suffix == ".ecsv" else "ascii.csv"
        return Table.read(text.splitlines(), format=kind)
    except (ValueError, ascii_tables.InconsistentTableError) as error:
        raise ReadError(f"{path.name} is not a table", value=str(error)) from None


def _horizons(text: str) -> Table:
    """Return the rows between $$SOE and $$EOE under the header that stands two lines above."""
    from astropy.table import Table

    before, rest = text.split("$$SOE", 1)
    header = [line for line in before.splitlines() if line.count(",") >= 3]
    rows = [line for line in rest.split("$$EOE", 1)[0].splitlines() if line.strip()]
    if not header or not rows:
        raise ReadError(
            "the Horizons table has no comma-separated header or no rows",
            hint="ask Horizons for CSV format",
        )
    names = [name.strip() or f"blank{i}" for i, name in enumerate(header[-1].split(","))]
    cells = [[cell.strip() for cell in row.split(",")] for row in rows]
    if any(len(row) != len(names) for row in cells):
        raise ReadError("rows of the Horizons table do not fit its header", value=len(names))
    return Table(rows=cells, names=_distinct(names))


def _distinct(names: list[str]) -> list[str]:
    return [n if names.index(n) == i else f"{n}_{i}" for i, n in enumerate(names)]


def _floats(column: Any) -> FloatArray:
    values = np.ma.asarray(column)
    if values.dtype.kind in "US":
        values = np.ma.array([float(v) if _is_number(v) else np.nan for v in values.filled("")])
    return np.asarray(np.ma.filled(values.astype(float), np.nan), dtype=float)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _mjd(table: Table, by_lower: dict[str, str], name: str) -> FloatArray:
    """Return modified Julian dates, UTC, whatever the table counts in."""
    from astropy.time import Time

    for key, scale in (("jd_tdb", "tdb"), ("jdtdb", "tdb"), ("jd", "utc"), ("date_jdut", "utc")):
        if key in by_lower:
            jd = Time(_floats(table[by_lower[key]]), format="jd", scale=scale)
            return np.asarray(jd.utc.mjd, dtype=float)
    for lower, column in by_lower.items():
        if lower in ("mjd", "mjd_utc", "time"):
            return _floats(table[column])
        if lower.startswith("date__(ut)"):
            dates = [_iso(str(text)) for text in table[column]]
            return np.asarray(Time(dates, format="iso", scale="utc").mjd, dtype=float)
        if lower.startswith("date___") and lower.endswith("jdut"):
            return np.asarray(_floats(table[column]) - 2400000.5, dtype=float)
    raise ReadError(
        f"{name} has no column of times", value=list(by_lower.values()), allowed="jd_tdb, jd, mjd"
    )


def _iso(text: str) -> str:
    """Return '2025-07-03 12:00' for the '2025-Jul-03 12:00' of Horizons."""
    date, _, clock = text.strip().partition(" ")
    year, month, day = date.split("-")
    number = _MONTHS.index(month) + 1 if month in _MONTHS else int(month)
    return f"{year}-{number:02d}-{day} {clock or '00:00'}"


def interpolate(source: Ephemeris, mjd: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return r, delta and phase angle at times, by cubics through an ephemeris.

    Raises
    ------
    InputError
        For times outside it, or in a gap of more than 30 days.
    """
    from scipy.interpolate import CubicSpline

    columns = np.column_stack([source.r, source.delta, source.phase_angle])
    full = np.flatnonzero(np.isfinite(columns).all(axis=1))  # a gap then counts as one
    time, first = np.unique(source.time[full], return_index=True)
    columns = columns[full][first]
    if time.size < 4:
        raise InputError(
            "the ephemeris is too short to interpolate",
            value=f"{time.size} different times with r, delta and phase angle",
            allowed="at least 4",
        )
    outside = (mjd < time[0]) | (mjd > time[-1])
    if outside.any():
        raise InputError(
            f"{int(outside.sum())} magnitudes lie outside the ephemeris",
            value=f"MJD {mjd[outside][0]:.3f}",
            allowed=f"{time[0]:.3f} to {time[-1]:.3f}",
            hint="get a longer ephemeris, or give orbital elements",
        )
    widest = float(np.diff(time).max(initial=0.0))
    if widest > _WIDEST_GAP:
        raise InputError(
            "the ephemeris is too coarse to interpolate",
            value=f"rows up to {widest:.1f} days apart",
            allowed=f"at most {_WIDEST_GAP:g} days apart",
        )
    at = CubicSpline(time, columns)(mjd)
    return at[:, 0], at[:, 1], at[:, 2]
