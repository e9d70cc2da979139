"""The final table of a survey: one row per target, in the order of the catalogue.

Written in slices of the catalogue, so that its size is bounded by the disk and not by memory.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from .compute import OK, Outcome
from .parts import as_csv
from .store import Store, whole_file

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = ["Column", "Layout", "columns_of", "write_failures", "write_table"]

_SLICE = 10_000  # rows that are held at a time
_FIRST = ("name", "status")
_LAST = ("warnings", "error")
_TEXTS = ("unit", "limit")


@dataclass
class Column:
    """A column of the final table, as all rows together demand it.

    Attributes
    ----------
    name, source : str
        Of the column, and of the cell from which it is made.
    part : str
        "value", "lower", "upper", "limit" or "unit" of a number, or "text".
    kind : type
        bool, int, float or str.
    unit : str
        Where all rows agree.
    longest : int
        Characters of text.
    """

    name: str
    source: str
    part: str
    kind: type
    unit: str = ""
    longest: int = 1

    def of(self, cells: Mapping[str, Any]) -> Any:
        """Return the value for one row; None where there is none."""
        cell = cells.get(self.source)
        if self.part == "text":
            known = cell is not None and not isinstance(cell, dict)
            return (str(cell) if self.kind is str else cell) if known else None
        if not isinstance(cell, dict):
            return None
        value = cell.get(self.part)
        if self.kind is float and value is not None:
            value = float(value)  # infinite ones are kept by name
            return None if math.isnan(value) else value
        return value


@dataclass
class _Seen:
    """What the cells of one name were like."""

    kinds: set[type] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)
    units: set[str] = field(default_factory=set)
    longest: int = 1

    def add(self, cell: Any) -> None:
        if isinstance(cell, dict):
            value = cell["value"]
            self.kinds.add(int if isinstance(value, int) else float)
            self.parts.update(cell)
            self.units.add(cell.get("unit", ""))
            self.longest = max(self.longest, *(len(str(cell.get(p, ""))) for p in _TEXTS))
        elif cell not in (None, ""):
            self.kinds.add(bool if isinstance(cell, bool) else str)
            self.longest = max(self.longest, len(str(cell)))

    def columns(self, name: str) -> Iterator[Column]:
        numbers = self.kinds & {int, float}
        unit = next(iter(self.units)) if len(self.units) == 1 else ""
        if numbers:
            yield Column(name, name, "value", float if float in numbers else int, unit)
        for side in ("lower", "upper"):
            if side in self.parts:
                yield Column(f"{name}_{side}", name, side, float, unit)
        if "limit" in self.parts:
            yield Column(f"{name}_limit", name, "limit", str, longest=self.longest)
        if len(self.units) > 1:
            yield Column(f"{name}_unit", name, "unit", str, longest=self.longest)
        words = self.kinds - numbers
        if words or not numbers:
            kind = bool if words == {bool} else str
            label = f"{name}_text" if numbers else name
            yield Column(label, name, "text", kind, longest=self.longest)


def columns_of(rows: Iterable[Outcome], seen: dict[str, Any] | None = None) -> list[Column]:
    """Return the columns that rows of outcomes need, in the order of their first occurrence."""
    found: dict[str, _Seen] = {} if seen is None else seen
    for row in rows:
        for name, cell in row.cells.items():
            if name not in found:
                found[name] = _Seen()
            found[name].add(cell)
    return _distinct([c for name, kinds in found.items() for c in kinds.columns(name)])


def _distinct(columns: list[Column]) -> list[Column]:
    """Give every column a name of its own: an analysis may itself return 'slope_lower'."""
    taken = {*_FIRST, *_LAST}
    for column in columns:
        while column.name in taken:
            column.name += "_"
        taken.add(column.name)
    return columns


# -- writing --------------------------------------------------------------------------------------


class _Writer(Protocol):
    def start(self, stream: IO[bytes], columns: Sequence[Column], meta: Mapping[str, Any]) -> None:
        """Write the header."""

    def rows(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows."""

    def end(self) -> None:
        """Write what comes last."""


class Layout:
    """Which parts hold which slice of the catalogue; parts are written nearly in its order.

    Parameters
    ----------
    store : Store
    names : sequence of str
        Targets, in the order of the rows; those without an outcome get no row.
    """

    def __init__(self, store: Store, names: Sequence[str]) -> None:
        self._store = store
        self._names = names
        slice_of = {name: i // _SLICE for i, name in enumerate(names)}
        self._held = [
            {slice_of[key[0]] for key in store.keys_of(record) if key[0] in slice_of}
            for record in store.parts
        ]

    def slices(self) -> Iterator[list[Outcome]]:
        """Yield outcomes in the order of names, a slice at a time; the last of a name counts."""
        for start in range(0, len(self._names), _SLICE):
            found: dict[str, Any] = dict.fromkeys(self._names[start : start + _SLICE])
            for record, held in zip(self._store.parts, self._held, strict=True):
                if start // _SLICE in held:
                    for outcome in self._store.outcomes_of(record):
                        if outcome.name in found:
                            found[outcome.name] = outcome
            yield [outcome for outcome in found.values() if outcome is not None]


def write_table(layout: Layout, path: Path, meta: Mapping[str, Any]) -> None:
    """Write the final table of a survey, as ECSV or Parquet by the suffix of `path`."""
    seen: dict[str, Any] = {}
    measured: list[Column] = []
    longest = dict.fromkeys((*_FIRST, *_LAST), 1)
    for piece in layout.slices():
        measured = columns_of((row for row in piece if row.status == OK), seen)
        for row in (_row(outcome, ()) for outcome in piece):
            longest = {n: max(k, len(t)) for (n, k), t in zip(longest.items(), row, strict=True)}
    columns = [*_texts(_FIRST, longest), *measured, *_texts(_LAST, longest)]
    writer: _Writer = _Parquet() if path.suffix == ".parquet" else _Ecsv()
    with whole_file(path) as stream:
        writer.start(stream, columns, meta)
        for piece in layout.slices():
            writer.rows([_row(outcome, measured) for outcome in piece])
        writer.end()


def write_failures(layout: Layout, path: Path) -> None:
    """Write the targets that failed with their errors, as ECSV."""
    writer = _Ecsv()
    with whole_file(path) as stream:
        writer.start(stream, _texts(("name", "error", "where"), {}), {})
        for piece in layout.slices():
            writer.rows([(o.name, o.error, o.where) for o in piece if o.status != OK])


def _texts(names: Iterable[str], longest: Mapping[str, int]) -> list[Column]:
    return [Column(n, n, "text", str, longest=longest.get(n, 1)) for n in names]


def _row(outcome: Outcome, columns: Sequence[Column]) -> list[Any]:
    values = [column.of(outcome.cells) for column in columns]
    return [outcome.name, outcome.status, *values, "; ".join(outcome.warnings), outcome.error]


def _empty(columns: Sequence[Column], meta: Mapping[str, Any]) -> Table:
    """Return a table without rows, from which astropy writes the header."""
    from astropy.table import Column as TableColumn
    from astropy.table import Table

    made = [TableColumn([], c.name, dtype=c.kind, unit=c.unit or None) for c in columns]
    return Table(made, meta=dict(meta))


class _Ecsv:
    def start(self, stream: IO[bytes], columns: Sequence[Column], meta: Mapping[str, Any]) -> None:
        text = io.StringIO()
        _empty(columns, meta).write(text, format="ascii.ecsv", delimiter=",")
        stream.write(text.getvalue().encode())
        self._stream = stream

    def rows(self, rows: Sequence[Sequence[Any]]) -> None:
        self._stream.write(as_csv(rows).encode())

    def end(self) -> None:
        return


class _Parquet:
    """With the header in which astropy keeps units, so that ``Table.read`` finds them.

    Text that is missing is empty: astropy reads no other.
    """

    def start(self, stream: IO[bytes], columns: Sequence[Column], meta: Mapping[str, Any]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq
        from astropy.table.meta import get_yaml_from_table

        kinds = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
        header = {"table_meta_yaml": "\n".join(get_yaml_from_table(_empty(columns, meta)))}
        header |= {f"table::len::{c.name}": str(c.longest) for c in columns if c.kind is str}
        fields = [pa.field(c.name, kinds[c.kind]) for c in columns]
        self._schema = pa.schema(fields, metadata=header)
        self._texts = [c.kind is str for c in columns]
        self._writer = pq.ParquetWriter(stream, self._schema)

    def rows(self, rows: Sequence[Sequence[Any]]) -> None:
        import pyarrow as pa

        if not rows:
            return
        arrays = [
            pa.array([("" if cell is None and text else cell) for cell in column], field.type)
            for column, text, field in zip(
                zip(*rows, strict=True), self._texts, self._schema, strict=True
            )
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def end(self) -> None:
        self._writer.close()
