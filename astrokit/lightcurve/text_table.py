"""Text files of any making: line ends, comments, separators, header, ragged rows, QDP.

This module turns bytes into named columns of text; what they mean is decided in `table_reader`.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from astrokit.errors import ReadError

__all__ = ["TextTable", "parse_text"]

Array = NDArray[np.float64]

_EMPTY = frozenset({"", "nan", "na", "n/a", "null", "none", "no", "-", "--", "inf", "-inf"})


@dataclass
class TextTable:
    """Columns of a text file.

    Attributes
    ----------
    names : list of str
        Column names; "" for all where the file has no header.
    cells : list of list of str
        One list per column; only filled where the file is not purely numeric.
    numbers : ndarray, shape (rows, columns), or None
        The same as floats, where every cell is a number.
    kind : str
        In words, for the report.
    n_short : int
        Rows that had fewer cells than the header, and were filled with empty ones.
    comments : list of str
    """

    names: list[str]
    cells: list[list[str]] = field(default_factory=list)
    numbers: Array | None = None
    kind: str = "text table"
    n_short: int = 0
    comments: list[str] = field(default_factory=list)

    @property
    def has_header(self) -> bool:
        """True if the columns have names."""
        return any(self.names)

    @property
    def n_rows(self) -> int:
        """Number of data rows."""
        if self.numbers is not None:
            return len(self.numbers)
        return len(self.cells[0]) if self.cells else 0

    def text(self, column: int) -> list[str]:
        """Return a column as text."""
        if self.numbers is not None:
            return [_as_text(float(x)) for x in self.numbers[:, column]]
        return self.cells[column]

    def is_numeric(self, column: int) -> bool:
        """Return whether at least one cell is a number and none is other text."""
        if self.numbers is not None:
            return True
        seen = False
        for cell in self.cells[column]:
            if cell.lower() in _EMPTY:
                continue
            if not _is_number(cell):
                return False
            seen = True
        return seen

    def values(self, column: int) -> Array:
        """Return a column as float64; empty cells are NaN.

        Raises
        ------
        ReadError
            If a cell is text.
        """
        if self.numbers is not None:
            return np.ascontiguousarray(self.numbers[:, column])
        out = np.full(len(self.cells[column]), np.nan)
        for row, cell in enumerate(self.cells[column]):
            if cell.lower() not in _EMPTY:
                try:
                    out[row] = float(cell)
                except ValueError as error:
                    name = self.names[column] or f"number {column}"
                    raise ReadError(
                        f"column {name} holds text where a number is needed",
                        value=f"{cell!r} in data row {row + 1}",
                        hint="choose the columns with time_column=, rate_column=, error_column=",
                    ) from error
        return out


def parse_text(content: bytes) -> TextTable:
    """Return the columns of a text file.

    Raises
    ------
    ReadError
        If the bytes are no text, hold no rows, or rows that cannot be lined up.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if "\x00" in text:
        raise ReadError("the file is neither FITS nor text", hint="export it as FITS or CSV")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    comments = [line for line in lines if line.lstrip()[:1] in ("#", "!", "%")]
    rows = [line for line in lines if line.strip() and line.lstrip()[:1] not in ("#", "!", "%")]
    if rows and rows[0].strip().lower().startswith("read "):
        return _parse_qdp(rows, comments)
    if not rows:
        raise ReadError("the file holds no rows", value=f"{len(content)} bytes")
    separator = _separator(rows)
    first = _split(rows[0], separator)
    names = [] if all(_is_cell_number(cell) for cell in first) else first
    # A first row that is only partly text may be data: "51075.388375 r 17.464 0.006".
    if names and _is_number(names[0]):
        names = []
    data = rows[1:] if names else rows
    if not data:
        raise ReadError("the file holds a header and no rows", value=rows[0][:60])
    if not any(_is_number(cell) for line in data[:5] for cell in _split(line, separator)):
        raise ReadError("no row of numbers was found", value=data[0][:60])
    n_cells = len(_split(data[0], separator))
    names = names or _names_from_comment(comments, separator, n_cells)
    table = _fast(data, separator, names, comments)
    return table if table is not None else _general(data, separator, names, comments)


def _separator(rows: list[str]) -> str | None:
    """Return the separator that the first rows share; None stands for white space."""
    sample = rows[: min(len(rows), 20)]
    for separator in (",", ";", "\t", "|"):
        if all(separator in line for line in sample):
            return separator
    return None


def _split(line: str, separator: str | None) -> list[str]:
    if separator is None:
        return line.split()
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]


def _as_text(number: float) -> str:
    """Return a number as a person would write it: identifiers are whole."""
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.lower() not in _EMPTY


def _is_cell_number(cell: str) -> bool:
    return cell.lower() in _EMPTY or _is_number(cell)


def _names_from_comment(comments: list[str], separator: str | None, n_cells: int) -> list[str]:
    """Return column names that stand in the last comment line, if their number fits."""
    if not comments:
        return []
    line = comments[-1].lstrip("#!% \t")
    for candidate in (separator, None):
        names = _split(line, candidate) if line else []
        if len(names) == n_cells and not any(_is_number(name) for name in names):
            return names
    return []


def _fast(
    data: list[str], separator: str | None, names: list[str], comments: list[str]
) -> TextTable | None:
    """Parse a purely numeric table at C speed; None if it is not one."""
    try:
        numbers = np.loadtxt(data, delimiter=separator, ndmin=2, comments=None)
    except ValueError:
        return None
    if names and len(names) != numbers.shape[1]:
        return None
    names = names or [""] * numbers.shape[1]
    kind = f"text table, {_separator_name(separator)}"
    return TextTable(names, numbers=numbers, kind=kind, comments=comments)


def _general(
    data: list[str], separator: str | None, names: list[str], comments: list[str]
) -> TextTable:
    """Parse a table with text or empty cells, or with rows of unequal lengths."""
    rows = [_split(line, separator) for line in data]
    width = len(names) if names else max(len(row) for row in rows)
    n_short = sum(len(row) < width for row in rows)
    extra = max(len(row) for row in rows) - width
    if names and extra > 0:
        names = names + [f"column {width + i}" for i in range(extra)]
        width += extra
    if not names and n_short and separator is None:
        raise ReadError(
            "rows have different numbers of cells, and white space cannot show empty ones",
            value=f"{n_short} of {len(rows)} rows have fewer than {width}",
            hint="separate the columns by commas",
        )
    padded = [row + [""] * (width - len(row)) for row in rows]
    cells = [list(column) for column in zip(*padded, strict=True)]
    # Lines that end in a separator make a last column without name and content.
    while len(cells) > 1 and not any(cells[-1]):
        cells.pop()
        names = names[: len(cells)]
    kind = f"text table, {_separator_name(separator)}"
    names = names or [""] * len(cells)
    return TextTable(names, cells, kind=kind, n_short=n_short, comments=comments)


def _separator_name(separator: str | None) -> str:
    names = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
    return names.get(separator or "", "white space") + " between columns"


def _parse_qdp(rows: list[str], comments: list[str]) -> TextTable:
    """Parse a QDP file: READ SERR n and READ TERR n say which columns carry errors."""
    symmetric: set[int] = set()
    two_sided: set[int] = set()
    data = []
    for line in rows:
        words = line.split()
        if words[0].lower() == "read" and len(words) > 1:
            target = symmetric if words[1].lower() == "serr" else two_sided
            target.update(int(word) for word in words[2:] if word.isdigit())
        elif re.match(r"^[-+.\d]|^no\b", line.strip(), re.IGNORECASE):
            data.append(words)
    # NO in every cell separates blocks; NO in one cell is a missing value.
    data = [row for row in data if any(word.lower() != "no" for word in row)]
    if not data:
        raise ReadError("the QDP file holds no rows", value=rows[0])
    names: list[str] = []
    quantity = 1
    while len(names) < len(data[0]):
        base = {1: "time", 2: "rate"}.get(quantity, f"y{quantity}")
        names.append(base)
        if quantity in symmetric:
            names.append(f"{base}_err")
        elif quantity in two_sided:
            names += [f"{base}_plus", f"{base}_minus"]
        quantity += 1
    names = names[: len(data[0])]
    unequal = sum(len(row) != len(names) for row in data)
    if unequal:
        raise ReadError("QDP rows have different numbers of cells", value=f"{unequal} rows")
    cells = [list(column) for column in zip(*data, strict=True)]
    return TextTable(names, cells, kind="QDP", comments=comments)
