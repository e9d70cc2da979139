"""Keep measured rows for the documentation: one table of all, one text table per benchmark."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable
from pathlib import Path

from astropy.table import Table, vstack

from benchmarks.rows import Row, number

__all__ = ["TABLE", "markdown", "read", "rows_of", "write"]

TABLE = "speed.ecsv"
COLUMNS = ("benchmark", "what", "astrokit", "peer", "unit", "ratio", "required", "note", "python")
HEAD = ("what", "astrokit", "peer", "", "ratio", "required", "beside")


def write(name: str, rows: Iterable[Row], folder: Path) -> None:
    """Put the rows of one benchmark into the folder's table, in place of its older ones.

    Parameters
    ----------
    name : str
        Of the benchmark.
    rows : iterable of Row
    folder : pathlib.Path
        Gets ``speed.ecsv`` with the rows of all benchmarks and ``<name>.inc``, a Markdown table.
    """
    folder.mkdir(parents=True, exist_ok=True)
    new = Table(rows=[_record(name, row) for row in rows], names=COLUMNS)
    path = folder / TABLE
    if path.is_file():
        old = read(folder)
        new = vstack([old[old["benchmark"] != name], new])
    new.sort("benchmark", kind="stable")
    new.write(path, format="ascii.ecsv", overwrite=True)
    text = markdown(rows_of(new, name))  # of what is stored, so that both have the same digits
    (folder / f"{name}.inc").write_text(text, encoding="utf-8")


def rows_of(table: Table, name: str) -> list[Row]:
    """Return the stored rows of one benchmark."""
    return [
        Row(
            str(r["what"]),
            float(r["astrokit"]),
            float(r["peer"]),
            float(r["ratio"]),
            str(r["unit"]),
            None if math.isnan(r["required"]) else float(r["required"]),
            str(r["note"]),
        )
        for r in table[table["benchmark"] == name]
    ]


def read(folder: Path) -> Table:
    """Return the table of all stored rows."""
    return Table.read(folder / TABLE, format="ascii.ecsv", fill_values=None)


def markdown(rows: Iterable[Row]) -> str:
    """Return the rows as a Markdown table; a dash stands where there is no number."""
    lines = [HEAD, ("---", "--:", "--:", "---", "--:", "--:", "---")]
    lines += [_cells(row) for row in rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _cells(row: Row) -> tuple[str, ...]:
    required = "" if row.required is None else f"{row.required:g}"
    ratio = "" if math.isnan(row.ratio) else f"**{number(row.ratio)}**"
    peer = "" if math.isnan(row.peer) else number(row.peer)
    words = (row.name.strip(), number(row.ours), peer, row.unit, ratio, required, row.note)
    return tuple(word.replace("|", "\\|") for word in words)


def _record(name: str, row: Row) -> tuple[str | float, ...]:
    required = math.nan if row.required is None else row.required
    values = (_digits(row.ours), _digits(row.peer), row.unit, _digits(row.ratio), required)
    return (name, row.name.strip(), *values, row.note, platform.python_version())


def _digits(value: float) -> float:
    """Return four significant digits: more are not measured."""
    return float(f"{value:.4g}")
