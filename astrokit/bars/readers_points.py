"""Maps from tables with one row per pixel or bin."""

from __future__ import annotations

import gzip
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_array
from ..errors import DataWarning, InputError, ReadError
from .grid import PixelGrid
from .maps import GalaxyMaps

if TYPE_CHECKING:
    from astropy.table import Table

    from .geometry import Geometry

__all__ = ["equals", "read_points", "read_table"]

FloatArray = NDArray[np.float64]
_COLUMNS = ("x", "y", "flux", "velocity", "flux_error", "velocity_error", "bins", "area")
_NEEDED = ("x", "y", "flux", "velocity")
_ON_GRID = 2e-3  # of a pixel: what rounding of printed coordinates may do


def read_points(
    path: str | Path,
    *,
    columns: Mapping[str, str | int | None] | None = None,
    scale: float = 1.0,
    no_data: float | None = None,
    geometry: Geometry | None = None,
    name: str = "",
) -> GalaxyMaps:
    r"""Read maps from a table with one row per pixel or bin: text, CSV, ECSV, FITS or VOTable.

    Parameters
    ----------
    path : str or Path
        May be compressed (``.gz``).
    columns : mapping, optional
        Column names (or numbers from 0, for text without a header) by what they hold: x, y (to
        the west and to the north), flux, velocity, flux_error, velocity_error, bins, area.
        ``{"flux": None}`` reads velocities alone, for a rotation curve.
    scale : float
        Arcsec per unit of x and y, where the table does not say its unit.
    no_data : float, optional
        A velocity of this value means that there is none.
    geometry : Geometry, optional
    name : str

    Returns
    -------
    GalaxyMaps
        On a pixel grid if the points fill a square lattice, so that slits may cut pixels; else
        scattered. Rows with an infinite error count as missing. Its ``notes`` say both.

    Raises
    ------
    ReadError
        If the table cannot be read, or a column is not there.

    Warns
    -----
    DataWarning
        If rows repeat the position of another.

    Examples
    --------
    >>> import pathlib, tempfile, astrokit as ak
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "bins.csv"
    ...     size = path.write_text("x,y,flux,velocity\n-1.3,0,1,-80\n0.2,0.4,5,3\n1.1,0,1,90\n")
    ...     maps = ak.bars.read_points(path)
    >>> maps
    <GalaxyMaps: 3 of 3 points, velocity -80 to 90 km/s>
    """
    path = Path(path)
    wanted = {what: what for what in _COLUMNS} | dict(columns or {})
    if extra := set(wanted) - set(_COLUMNS):
        raise InputError("columns has an unknown name", value=extra.pop(), allowed=str(_COLUMNS))
    table = read_table(path, numbered=any(isinstance(c, int) for c in wanted.values()))
    found = {what: _column(table, wanted, what, columns or {}) for what in _COLUMNS}
    notes = [f"{what}: column {c.name}" for what, c in found.items() if c is not None]
    x, y = (_position(found[k], k, scale) for k in "xy")
    empty = equals(_plain(found["velocity"]), no_data)
    for what in ("flux_error", "velocity_error"):
        if found[what] is not None:
            infinite = np.isinf(_plain(found[what]))
            if infinite.any():
                notes.append(f"{what}: {int(infinite.sum())} infinite values taken as no data")
            empty |= infinite
    fields = {
        what: found[what]
        for what in ("velocity", "flux_error", "velocity_error", "bins", "area")
        if found[what] is not None
    }
    make: Any = GalaxyMaps.from_velocity
    if found["flux"] is not None:
        make, fields["flux"] = GalaxyMaps, found["flux"]
    place, order, note = _places(x, y)
    fields = {what: _arranged(values, order) for what, values in fields.items()}
    return make(
        **fields,
        **place,
        mask=_arranged(empty, order),
        geometry=geometry,
        name=name,
        notes=(*notes, note),
    )


def read_table(path: Path, *, numbered: bool = False) -> Table:
    """Return a table of any format; `numbered` for text without a line of names."""
    from astropy.io import ascii as ascii_tables
    from astropy.table import Table

    try:
        head = _head(path)
        if head.startswith(b"SIMPLE"):
            return Table.read(
                path, format="fits", hdu=_first_table(path), unit_parse_strict="silent"
            )
        if head.lstrip().startswith(b"<"):
            return Table.read(path, format="votable")
        if head.startswith(b"# %ECSV"):
            return Table.read(path, format="ascii.ecsv")
        return Table.read(path, **_text_format(head, numbered))
    except (OSError, ValueError, ascii_tables.InconsistentTableError) as error:
        raise ReadError(
            f"{path.name} cannot be read as a table",
            value=str(error).splitlines()[0] if str(error) else type(error).__name__,
            hint="text needs a line of column names, or numbers in columns=",
        ) from None


def _text_format(head: bytes, numbered: bool) -> dict[str, Any]:
    """Return what tells astropy the form of a text table, from its first line."""
    first = head.split(b"\n", 1)[0]
    if numbered:
        return {"format": "ascii.no_header", **({"delimiter": ","} if b"," in first else {})}
    if b"," in first:
        return {"format": "ascii.csv"}
    if first.startswith(b"#\t"):  # the sign is the name of the first column
        return {"format": "ascii.basic", "delimiter": "\t", "comment": "%%"}
    return {"format": "ascii.commented_header" if first.startswith(b"#") else "ascii.basic"}


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        compressed = stream.read(2) == b"\x1f\x8b"
    with gzip.open(path) if compressed else path.open("rb") as stream:
        return bytes(stream.read(2000))


def _first_table(path: Path) -> int:
    from astropy.io import fits

    with fits.open(path) as hdus:
        for k, hdu in enumerate(hdus):
            if isinstance(hdu, fits.BinTableHDU | fits.TableHDU):
                return k
    raise ReadError(f"{path.name} has no table")


def _column(table: Table, wanted: Mapping[str, Any], what: str, named: Mapping[str, Any]) -> Any:
    key = wanted[what]
    if key is None and what not in ("x", "y", "velocity"):
        return None
    if isinstance(key, int) and 0 <= key < len(table.colnames):
        return table.columns[key]
    if key in table.colnames:
        return table[key]
    if what not in _NEEDED and what not in named:
        return None
    raise ReadError(
        f"there is no column {key!r} for the {what}",
        allowed=", ".join(table.colnames),
        hint=f"name it: columns={{'{what}': 'its name'}}"
        + ("; {'flux': None} reads velocities alone" if what == "flux" else ""),
    )


def _position(column: Any, name: str, scale: float) -> FloatArray:
    values = as_array(column, name, unit="arcsec")
    return values if column.unit is not None else values * scale


def _plain(column: Any) -> FloatArray:
    return np.asarray(np.ma.filled(np.ma.asarray(column).astype(float), np.nan))


def _places(x: FloatArray, y: FloatArray) -> tuple[dict[str, Any], Any, str]:
    """Return where points lie: on a full lattice with the order of its pixels, or scattered."""
    places, counts = np.unique(np.c_[x, y], axis=0, return_counts=True)
    if np.any(counts > 1):
        there = places[counts > 1][0]
        message = f"{int(counts.sum() - len(places))} rows repeat the position of another"
        where = f"({there[0]:g}, {there[1]:g}) arcsec"
        warnings.warn(f"{message}, such as {where}: taken as scattered points", DataWarning, 3)
    lattice = _lattice(x, y)
    if lattice is None:
        return {"x": x, "y": y}, None, "positions: scattered points"
    step, rows, columns = lattice
    shape = (int(rows.max()) + 1, int(columns.max()) + 1)
    order = np.full(shape, -1)
    order[rows, columns] = np.arange(x.size)
    grid = PixelGrid(step, (-x.min() / step, -y.min() / step))
    return {"grid": grid}, order, f"positions: a lattice of {shape[1]} by {shape[0]} pixels"


def _lattice(x: FloatArray, y: FloatArray) -> tuple[float, NDArray[Any], NDArray[Any]] | None:
    """Return step, row and column of points that fill a square lattice; None if they do not."""
    across, up = np.unique(x), np.unique(y)
    if min(across.size, up.size) < 2 or across.size * up.size != x.size:
        return None
    step = float(across[-1] - across[0]) / (across.size - 1)
    columns, rows = (x - across[0]) / step, (y - up[0]) / step
    near = np.abs(np.r_[columns - np.rint(columns), rows - np.rint(rows)])
    places = np.rint(np.c_[rows, columns]).astype(int)
    if near.max() > _ON_GRID * max(columns.max(), 1) or len(np.unique(places, axis=0)) != x.size:
        return None
    return step, places[:, 0], places[:, 1]


def _arranged(values: Any, order: Any) -> Any:
    return values if order is None else values[order]


def equals(values: Any, no_data: float | None) -> NDArray[np.bool_]:
    """Return where values are the one that stands for no data."""
    plain = np.asarray(getattr(values, "value", values))
    return np.zeros(plain.shape, dtype=bool) if no_data is None else plain == no_data
