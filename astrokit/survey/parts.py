"""Rows of outcomes as bytes of one part: ECSV or Parquet, with the same columns in every survey.

The cells of a target stand as JSON in one column: targets may differ in what could be measured,
and every part is written without knowing the others.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .compute import Outcome

__all__ = ["FORMATS", "PARTS", "Codec", "as_csv"]

_TEXT = ("name", "fingerprint", "status", "error", "where", "warnings", "citations", "cells")
_COLUMNS = (*_TEXT, "seconds")
Key = tuple[str, str, str]
_SEPARATOR = "; "
_HEADER = "\n".join(
    [
        "# %ECSV 1.0",
        "# ---",
        "# delimiter: ','",
        "# datatype:",
        *(f"# - {{name: {name}, datatype: string}}" for name in _TEXT),
        "# - {name: seconds, unit: s, datatype: float64}",
        "# schema: astropy-2.0",
        ",".join(_COLUMNS),
        "",
    ]
)
csv.field_size_limit(1 << 27)


class Codec(Protocol):
    """How rows become bytes, and bytes rows."""

    def encode(self, rows: Sequence[Outcome]) -> bytes:
        """Return the bytes of a part."""

    def decode(self, data: bytes) -> list[Outcome]:
        """Return the rows of a part; ValueError for what is none."""

    def keys(self, data: bytes) -> list[Key]:
        """Return name, fingerprint and status of the rows, which is quicker."""


@dataclass(frozen=True)
class _Ecsv:
    def encode(self, rows: Sequence[Outcome]) -> bytes:
        return (_HEADER + as_csv(_record(row) for row in rows)).encode()

    def decode(self, data: bytes) -> list[Outcome]:
        return [_outcome(*row) for row in self._records(data)]

    def keys(self, data: bytes) -> list[Key]:
        return [(row[0], row[1], row[2]) for row in self._records(data)]

    def _records(self, data: bytes) -> Iterable[list[str]]:
        text = data.decode()
        if not text.startswith(_HEADER):
            raise ValueError("its columns are not those of a survey")
        return csv.reader(io.StringIO(text[len(_HEADER) :]))


@dataclass(frozen=True)
class _Parquet:
    def encode(self, rows: Sequence[Outcome]) -> bytes:
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = zip(*(_record(row) for row in rows), strict=True)
        table = pa.table(
            [
                pa.array(column, pa.float64() if name == "seconds" else pa.string())
                for name, column in zip(_COLUMNS, columns, strict=True)
            ],
            names=list(_COLUMNS),
        )
        sink = io.BytesIO()
        pq.write_table(table, sink)
        return sink.getvalue()

    def decode(self, data: bytes) -> list[Outcome]:
        return [_outcome(*row) for row in self._records(data, _COLUMNS)]

    def keys(self, data: bytes) -> list[Key]:
        return list(self._records(data, _COLUMNS[:3]))

    def _records(self, data: bytes, columns: Sequence[str]) -> Iterable[Any]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.ParquetFile(io.BytesIO(data)).read(columns=list(columns))
        except pa.ArrowException as error:
            raise ValueError(str(error)) from error
        return zip(*table.to_pydict().values(), strict=True)


def as_csv(rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as the body of an ECSV file."""
    text = io.StringIO()
    plain = csv.writer(text, lineterminator="\n")
    quoted = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in rows:
        # A line that begins with "#" is a comment, and its target would be lost to the reader.
        (quoted if row[0].startswith("#") else plain).writerow(row)
    return text.getvalue()


def _record(row: Outcome) -> tuple[Any, ...]:
    return (
        row.name,
        row.fingerprint,
        row.status,
        row.error,
        row.where,
        _SEPARATOR.join(row.warnings),
        " ".join(row.citations),
        json.dumps(row.cells, allow_nan=False, separators=(",", ":")),
        float(row.seconds),
    )


def _outcome(*record: Any) -> Outcome:
    if len(record) != len(_COLUMNS):
        raise ValueError(f"a row has {len(record)} cells")
    name, fingerprint, status, error, where, warnings, citations, cells, seconds = record
    return Outcome(
        name,
        fingerprint,
        status,
        json.loads(cells),
        error,
        where,
        float(seconds),
        tuple(warnings.split(_SEPARATOR)) if warnings else (),
        tuple(citations.split()),
    )


PARTS: dict[str, Codec] = {"ecsv": _Ecsv(), "parquet": _Parquet()}
FORMATS = tuple(PARTS)
