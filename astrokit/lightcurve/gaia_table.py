"""Tables of Gaia epoch photometry: from CSV, ECSV, FITS and VOTable bytes to plain columns."""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astrokit.errors import ReadError
from astrokit.untrusted import named_refusals, open_fits, unzipped

__all__ = ["GaiaTable", "parse_gaia"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
_TRUE = ("true", "t", "1", "1.0")
_MISSING = ("", "null", "nan", "--", "none")


class GaiaTable:
    """Columns by name in lower case; cells are text, numbers, masked, or whole arrays.

    Parameters
    ----------
    columns : dict of str to list
        One entry per row.
    kind : str
        The format, in words.
    """

    def __init__(self, columns: dict[str, list[Any]], kind: str) -> None:
        self._columns, self.kind = columns, kind

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()), []))

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self._columns)

    def identifiers(self) -> list[int]:
        """Return the source identifier of each row; as whole numbers, since 64 bits matter."""
        try:
            return [int(_scalar_text(cell)) for cell in self._columns["source_id"]]
        except ValueError as error:
            raise ReadError(
                "a source identifier is no whole number",
                value=str(error),
                hint="identifiers have 19 digits, which a float cannot hold: write them as text",
            ) from error

    def rows(self, keep: list[bool]) -> GaiaTable:
        """Return the rows to keep, with arrays in cells unfolded into rows."""
        kept = {
            name: [cell for cell, yes in zip(cells, keep, strict=True) if yes]
            for name, cells in self._columns.items()
        }
        lengths = {
            len(items)
            for cells in kept.values()
            for cell in cells
            if (items := _unfolded(cell)) is not None
        }
        if not lengths:
            return GaiaTable(kept, self.kind)
        columns: dict[str, list[Any]] = {name: [] for name in kept}
        for i in range(len(next(iter(kept.values())))):
            unfolded = {name: _unfolded(cells[i]) for name, cells in kept.items()}
            n = max(len(items) for items in unfolded.values() if items is not None)
            for name, items in unfolded.items():
                columns[name] += [kept[name][i]] * n if items is None else items
        if len({len(cells) for cells in columns.values()}) > 1:
            raise ReadError(
                "the arrays of a source have unequal lengths",
                value=", ".join(f"{k}: {len(v)}" for k, v in columns.items()),
            )
        return GaiaTable(columns, self.kind)

    def numbers(self, name: str) -> FloatArray:
        """Return a column as float64, NaN where a cell is empty or masked."""
        return np.array([_number(cell, name) for cell in self._columns[name]], dtype=float)

    def flags(self, name: str) -> BoolArray:
        """Return a column of booleans; an empty cell is False, an absent column as well."""
        if name not in self:
            return np.zeros(len(self), dtype=bool)
        return np.array([_scalar_text(cell).lower() in _TRUE for cell in self._columns[name]])

    def text(self, name: str) -> list[str]:
        """Return a column as text without blanks around."""
        return [_scalar_text(cell) for cell in self._columns[name]]


def parse_gaia(content: bytes) -> GaiaTable:
    """Return the table in the bytes of a file: CSV, ECSV, FITS, VOTable, or a zip of one of them.

    Raises
    ------
    ReadError
        For anything else.
    """
    if content[:4] == b"PK\x03\x04":
        content = _unzipped(content)
        if content[:4] == b"PK\x03\x04":
            raise ReadError("the archive holds another archive", hint="unpack it first")
    if content[:6] == b"SIMPLE":
        from astropy.table import Table

        with open_fits(content, "the FITS table") as hdus:
            return _from_astropy(Table.read(hdus), "FITS table")
    head = content[:500].lstrip().lower()
    if head.startswith((b"<?xml", b"<votable")):
        return _from_votable(content)
    if head.startswith(b"# %ecsv"):
        from astropy.table import Table

        return _from_astropy(Table.read(content.decode(), format="ascii.ecsv"), "ECSV table")
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ReadError(
            "this is no table of a known format",
            allowed="CSV, ECSV, FITS or VOTable, also in a zip archive",
        ) from error
    rows = list(csv.reader(line for line in lines if line.strip() and not line.startswith("#")))
    if not rows:
        raise ReadError("the table is empty")
    names = [name.strip().lower() for name in rows[0]]
    ragged = next((i for i, row in enumerate(rows[1:], 1) if len(row) != len(names)), None)
    if ragged is not None:
        raise ReadError(
            f"row {ragged} has {len(rows[ragged])} cells and the header {len(names)}",
            hint="is the file complete?",
        )
    return GaiaTable({n: [row[i] for row in rows[1:]] for i, n in enumerate(names)}, "CSV table")


def _unzipped(content: bytes) -> bytes:
    with named_refusals("the archive"), zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [n for n in archive.namelist() if not n.endswith("/")]
        wanted = [n for n in names if "EPOCH_PHOTOMETRY" in n.upper()]
        if len(wanted) != 1:
            raise ReadError(
                "the archive does not hold one table of epoch photometry",
                value=", ".join(names),
                allowed="one member with EPOCH_PHOTOMETRY in its name",
                hint="request it with retrieval_type='EPOCH_PHOTOMETRY', or unpack the one to read",
            )
        return unzipped(archive, wanted[0])


def _from_votable(content: bytes) -> GaiaTable:
    from astropy.io.votable import parse_single_table

    if b"<!ENTITY" in content:
        raise ReadError(
            "the XML declares a document type or entities",
            hint="a VOTable needs none, and they can be made to exhaust memory: remove them",
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # spellings of units, which are not taken from here
        table = parse_single_table(io.BytesIO(content), verify="ignore").to_table()
    return _from_astropy(table, "VOTable")


def _from_astropy(table: Any, kind: str) -> GaiaTable:
    return GaiaTable({name.lower(): list(table[name]) for name in table.colnames}, kind)


def _unfolded(cell: Any) -> list[Any] | None:
    """Return the elements of a cell that holds an array, None for a plain one."""
    if isinstance(cell, np.ndarray) and cell.ndim == 1:  # masked ones as well
        return list(cell)
    if isinstance(cell, str) and cell[:1] in "([" and cell[-1:] in ")]" and cell:
        inner = cell[1:-1].strip()
        return [part.strip().strip("'\"") for part in inner.split(",")] if inner else []
    return None


def _scalar_text(cell: Any) -> str:
    if np.ma.is_masked(cell):
        return ""
    return (cell.decode() if isinstance(cell, bytes) else str(cell)).strip()


def _number(cell: Any, name: str) -> float:
    if np.ma.is_masked(cell):
        return float("nan")
    text = _scalar_text(cell) if isinstance(cell, str | bytes) else cell
    if isinstance(text, str) and text.lower() in _MISSING:
        return float("nan")
    try:
        return float(text)
    except (TypeError, ValueError) as error:
        raise ReadError(f"a cell of {name} is no number", value=text) from error
