"""Targets: the names, files and numbers that a survey goes through, from a table or a glob."""

from __future__ import annotations

import functools
import glob as globbing
import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, ReadError

if TYPE_CHECKING:
    from astropy.table import Table
    from astropy.units import Quantity

__all__ = ["Catalogue", "Target", "read_catalogue"]

NAMES = ("name", "target", "source", "source_id", "object", "id", "label")
PATHS = ("path", "file", "filename", "filepath")
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf")
_SHOWN = 3  # offending rows that an error names


@dataclass(frozen=True)
class Target:
    """One target, as an analysis receives it: plain values that travel cheaply.

    Attributes
    ----------
    name : str
        Unique in its catalogue; its seed depends on nothing else.
    path : Path or None
        The file of its data, to be opened by the worker.
    row : dict
        The other columns of the catalogue: numbers, text, bool, or None where masked.
    units : dict of str to str
        Units of these columns, where they have one.

    Examples
    --------
    >>> from astrokit.survey import Target
    >>> target = Target("Mrk 766", row={"distance": 57.7}, units={"distance": "Mpc"})
    >>> target.quantity("distance")
    <Quantity 57.7 Mpc>
    """

    name: str
    path: Path | None = None
    row: Mapping[str, Any] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    def quantity(self, column: str) -> Quantity:
        """Return a number of the catalogue with its unit (dimensionless where it has none).

        Raises
        ------
        InputError
            For a column that does not exist, or holds no number here.
        """
        from astropy import units as u

        value = self.row.get(column)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(
                f"{self.name} has no number in the column {column}",
                value=value,
                allowed=", ".join(self.row) or "the catalogue has no further columns",
            )
        return value * u.Unit(self.units.get(column, ""))

    def file(self) -> Path:
        """Return the path of the data.

        Raises
        ------
        InputError
            Where the catalogue names no file.
        """
        if self.path is None:
            raise InputError(
                f"{self.name} has no file",
                hint=f"the catalogue needs a column {' or '.join(PATHS[:2])}",
            )
        return self.path

    @property
    def fingerprint(self) -> str:
        """A checksum of name, path and numbers: another one means another target."""
        content = (self.name, str(self.path), sorted(self.row.items()), sorted(self.units.items()))
        return hashlib.sha256(ascii(content).encode()).hexdigest()[:16]


@dataclass(frozen=True, eq=False, repr=False)
class Catalogue(Sequence[Target]):
    """The targets of a survey; made by :func:`read_catalogue`.

    Targets are made when they are asked for, so a million of them need little memory.

    Attributes
    ----------
    names : tuple of str
    paths : tuple of str or None
    columns : dict of str to array
        Further columns of the table.
    units : dict of str to str
    label : str
        What it was made of.
    """

    names: tuple[str, ...]
    paths: tuple[str | None, ...]
    columns: Mapping[str, Any] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    label: str = ""

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        path = self.paths[index]
        row = {name: _plain(column[index]) for name, column in self.columns.items()}
        return Target(self.names[index], None if path is None else Path(path), row, self.units)

    def __iter__(self) -> Iterator[Target]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"<Catalogue {self.label}: {len(self)} targets>"


def read_catalogue(
    source: Any,
    *,
    name: str | None = None,
    path: str | None = None,
    root: str | os.PathLike[str] | None = None,
    format: str | None = None,
) -> Catalogue:
    """Return the targets of a table, a table file, a glob or a list of files.

    Parameters
    ----------
    source : Table, path-like, sequence of path-like, or Catalogue
        A table with a column of names, of paths, or both; a file with such a table; a glob such as
        ``"curves/**/*.fits"`` (links to folders are not followed by ``**``); or paths.
    name, path : str, optional
        Columns of names and of paths; by default one called name, target, source, source_id,
        object, id or label, and one called path, file, filename or filepath. Without names the
        paths below `root` are the names.
    root : path-like, optional
        The folder out of which no path may lead, nor any link; relative paths begin here. By
        default the folder of the table file, that in which the glob begins, or the present one.
    format : str, optional
        Of a table file, as astropy names it, where the suffix does not tell.

    Returns
    -------
    Catalogue

    Raises
    ------
    InputError
        For names that occur twice or are empty, and paths that lead out of `root`.
    ReadError
        For a table that cannot be read.

    Examples
    --------
    >>> from astropy.table import Table
    >>> import astrokit as ak
    >>> table = Table({"source": ["a", "b"], "file": ["a.fits", "b.fits"], "redshift": [0.1, 0.2]})
    >>> catalogue = ak.survey.read_catalogue(table, root="/data")
    >>> catalogue[1].name, catalogue[1].row
    ('b', {'redshift': 0.2})
    """
    from astropy.table import Table

    if isinstance(source, Catalogue):
        return source
    if isinstance(source, Table):
        return _of_table(source, "table", Path(root or "."), name, path)
    if isinstance(source, str | os.PathLike):
        text = os.fspath(source)
        if globbing.has_magic(text):
            return _of_glob(text, root)
        file = Path(text)
        table = _read(file, format)
        return _of_table(table, file.name, Path(root or file.parent), name, path)
    if isinstance(source, Iterable) and not isinstance(source, bytes | Mapping):
        items = list(source)
        odd = [item for item in items if not isinstance(item, str | os.PathLike)]
        if not odd:
            files = [os.fspath(item) for item in items]
            return _of_paths(files, Path(root or "."), "list of files")
        source = odd[0]
    raise InputError(
        "this is no catalogue",
        value=type(source).__name__,
        allowed="a Table, a table file, a glob, a list of files",
    )


def _read(file: Path, format: str | None) -> Table:
    from astropy.table import Table

    if file.is_dir():
        raise InputError(
            "the catalogue is a folder", value=file.name, hint=f"give a glob: {file.name}/*.fits"
        )
    try:
        if not file.is_file():
            raise ReadError("there is no such catalogue", value=file.name)
        with file.open("rb") as stream:
            if stream.read(8).startswith(_PACKED):  # it may unpack to any size
                problem = "a packed catalogue is not opened"
                raise ReadError(problem, value=file.name, hint="unpack it first")
        if format is None and file.suffix.lower() == ".csv":
            format = "ascii.csv"
        return (
            Table.read(file, format=format, character_as_bytes=False)
            if _is_fits(file, format)
            else Table.read(file, format=format)
        )
    except ReadError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise ReadError(
            "the catalogue cannot be read",
            value=f"{file.name}: {type(error).__name__}: {reason}",
            hint="give a table in ECSV, CSV, FITS or Parquet, or name its format",
        ) from error


def _is_fits(file: Path, format: str | None) -> bool:
    return format == "fits" or (format is None and file.suffix.lower() in (".fits", ".fit"))


# -- the three kinds ------------------------------------------------------------------------------


def _of_table(
    table: Table, label: str, root: Path, name: str | None, path: str | None
) -> Catalogue:
    if len(table) == 0:
        raise InputError("the catalogue has no row", value=label)
    names_from = _column(table, name, NAMES)
    paths_from = _column(table, path, PATHS)
    if names_from is None and paths_from is None:
        raise InputError(
            "the catalogue has neither names nor paths",
            value=", ".join(table.colnames),
            hint="name the column (name= or path= of read_catalogue); files of data are given as "
            "a glob or a list, also a single one",
        )
    paths: list[str | None] = [None] * len(table)
    names = [] if names_from is None else _texts(table[names_from], names_from)
    if paths_from is not None:
        written = _texts(table[paths_from], paths_from)
        paths = list(_inside(written, root))
        names = names or _relative(written, root)
    rest = [c for c in table.colnames if c not in (names_from, paths_from)]
    for column in rest:
        _require_scalar(table[column], column)
    return Catalogue(
        _unique(names),
        tuple(paths),
        {c: _cells(table[c]) for c in rest},
        {c: str(table[c].unit) for c in rest if getattr(table[c], "unit", None) is not None},
        label,
    )


def _of_glob(pattern: str, root: str | os.PathLike[str] | None) -> Catalogue:
    parts = Path(pattern).parts
    first = next(i for i, part in enumerate(parts) if globbing.has_magic(part))
    base = Path(*parts[:first]) if first else Path()
    # Path.glob follows no links to folders in "**", so a link to its own parent does no harm.
    try:
        matches = base.glob(str(Path(*parts[first:])))
        # A broken link is listed: its target fails with an error, and is not missing in silence.
        found = sorted(str(f) for f in matches if f.is_file() or not f.exists())
    except (OSError, RuntimeError, ValueError) as error:
        raise ReadError("the glob cannot be followed", value=f"{pattern}: {error}") from error
    if not found:
        raise InputError("no file matches the glob", value=pattern, hint="check the folder")
    return _of_paths(found, Path(root) if root is not None else base, Path(pattern).name, base)


def _of_paths(
    paths: Sequence[str], root: Path, label: str, named_from: Path | None = None
) -> Catalogue:
    if not paths:
        raise InputError("the list of files is empty")
    absolute = [os.path.abspath(p) for p in paths]
    inside = _inside(absolute, root)
    return Catalogue(_unique(_relative(absolute, named_from or root)), inside, label=label)


# -- checks ---------------------------------------------------------------------------------------


def _column(table: Table, wanted: str | None, usual: Sequence[str]) -> str | None:
    if wanted is not None:
        if wanted not in table.colnames:
            raise InputError(
                "the catalogue has no such column", value=wanted, allowed=", ".join(table.colnames)
            )
        return wanted
    lower = {str(c).lower(): str(c) for c in reversed(table.colnames)}
    return next((lower[u] for u in usual if u in lower), None)


def _texts(column: Any, label: str) -> list[str]:
    values = [_plain(cell) for cell in column]
    empty = [i for i, v in enumerate(values) if v is None or not str(v).strip()]
    if empty:
        raise InputError(
            f"the column {label} is empty in {len(empty)} of {len(values)} rows",
            value=f"row {empty[0] + 1}",
            hint="give every target a name",
        )
    return [str(v).strip() for v in values]


def _require_scalar(column: Any, label: str) -> None:
    if getattr(column, "ndim", 1) != 1:
        raise InputError(
            f"the column {label} holds arrays",
            value=f"shape {column.shape}",
            hint="leave it out: data of targets travel as paths of files",
        )


def _cells(column: Any) -> Any:
    """Return what gives cells by index; times and coordinates become text."""
    from astropy.table import Column
    from astropy.units import Quantity

    if isinstance(column, Column):  # a masked one, too
        return column
    return column.value if isinstance(column, Quantity) else [str(cell) for cell in column]


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    # A file name need not be UTF-8; the name of a target is, so that tables can hold it.
    names = tuple(n.encode("utf-8", "backslashreplace").decode() for n in names)
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise InputError(
            f"{len(twice)} names of targets occur more than once",
            value=", ".join(twice[:_SHOWN]),
            hint="results are kept by name: give another column of names, or remove the rows",
        )
    odd = [n for n in names if len(n.splitlines()) != 1 or any(ord(c) < 32 for c in n)]
    if odd:
        raise InputError(
            "a name holds control characters",
            value=ascii(odd[0]),
            hint="a row of a table is one line: rename it",
        )
    return names


def _relative(paths: Iterable[str], root: Path) -> list[str]:
    start = os.path.abspath(root)
    return [Path(os.path.relpath(os.path.join(start, p), start)).as_posix() for p in paths]


def _inside(paths: Sequence[str], root: Path) -> tuple[str, ...]:
    """Return absolute paths; refuse those that lead out of `root`, links followed."""
    base = os.path.realpath(root).rstrip(os.sep) + os.sep
    start = os.path.abspath(root)
    joined = [os.path.normpath(os.path.join(start, p)) for p in paths]
    folder = functools.cache(os.path.realpath)  # a million files lie in few folders
    outside = []
    for written, path in zip(paths, joined, strict=True):
        if "\0" in path:
            raise InputError("a path of the catalogue cannot be used", value=ascii(written))
        parent, last = os.path.split(path)
        linked = os.path.islink(path)
        real = os.path.realpath(path) if linked else os.path.join(folder(parent), last)
        if not real.startswith(base):
            outside.append(written)
    if outside:
        raise InputError(
            f"{len(outside)} of {len(paths)} paths lead out of the folder of the catalogue",
            value=", ".join(os.path.basename(p) or p for p in outside[:_SHOWN]),
            hint="if that is meant, give the folder that holds all of them: root=",
        )
    return tuple(joined)


def _plain(cell: Any) -> Any:
    """Return a cell of a table as a plain Python value; None where it is masked."""
    if np.ma.is_masked(cell) or cell is np.ma.masked or bool(getattr(cell, "mask", False)):
        return None
    if hasattr(cell, "item"):
        cell = cell.item()
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "backslashreplace")
    return cell if isinstance(cell, bool | int | float | str | None) else str(cell)
