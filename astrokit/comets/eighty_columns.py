"""The two formats of 80 columns: observations of the ICQ (and COBS), and those of the MPC."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import ReadError

__all__ = ["looks_like_icq", "looks_like_mpc", "read_icq", "read_mpc"]

_ICQ_DATE = re.compile(r"\d{4} [ \d]\d [ \d]\d\.\d")
_MPC_DATE = re.compile(r"\d{4} [ \d]\d [ \d]\d\.\d")
# Sidgwick, Bobrovnikoff, Morris, Beyer, in focus: estimates by eye against stars.
_VISUAL_METHODS = frozenset("SBMEI")
_ARCSEC_PER_ARCMIN = 60.0


@dataclass
class _Rows:
    """What the lines gave, and which lines gave nothing."""

    columns: dict[str, list[Any]] = field(default_factory=dict)
    bad: list[str] = field(default_factory=list)
    without_magnitude: int = 0
    other: int = 0

    def add(self, **values: Any) -> None:
        for name, value in values.items():
            self.columns.setdefault(name, []).append(value)


def looks_like_icq(line: str) -> bool:
    """Whether a line has a date where the ICQ puts it (columns 12 to 24)."""
    return _ICQ_DATE.match(line[11:24]) is not None


def looks_like_mpc(line: str) -> bool:
    """Whether a line has a date where the MPC puts it (columns 16 to 32)."""
    return _MPC_DATE.match(line[15:32]) is not None


def read_icq(lines: Iterable[str]) -> dict[str, Any]:
    """Return what :class:`CometPhotometry` takes, from lines in the format of the ICQ.

    The aperture is half the coma diameter (columns 50 to 54) where one is given: the aperture of
    columns 36 to 40 is that of the telescope. Estimates by eye (methods S, B, M, E and I of
    column 27) get the filter ``visual``, others ``method-`` and their letter. Poor ones (``:`` in
    column 33) are kept and counted in the notes; those that begin with ``[`` are limits.

    Raises
    ------
    ReadError
        When no line can be read.
    """
    fields, _ = _read(lines, _icq_line, "ICQ")
    poor = fields.pop("poor")
    if any(poor):
        fields["notes"] += (f"{sum(poor)} magnitudes are marked as poor",)
    fields["notes"] += ("aperture: half the coma diameter", f"read {len(poor)} ICQ lines")
    return fields


def _icq_line(line: str, rows: _Rows) -> None:
    text = line[28:33].rstrip(": ").lstrip()  # column 33: ':' (poor), or the second decimal
    if not text or text == "-":
        rows.without_magnitude += 1
        return
    method = line[26]
    coma = _number(line[49:54].strip(" &~<>!+")) * _ARCSEC_PER_ARCMIN / 2
    rows.add(
        date=line[11:24],
        magnitude=float(text),
        fainter_than=line[27] == "[",
        poor=line[32:33] == ":",
        filter="visual" if method in _VISUAL_METHODS else f"method-{method.strip() or '?'}",
        aperture=coma if coma > 0 else np.nan,
        observer=line[75:80].strip(),
        name=line[0:11].strip(),
    )


def read_mpc(lines: Iterable[str]) -> dict[str, Any]:
    """Return what :class:`CometPhotometry` takes, from lines in the format of the MPC.

    Magnitudes with T (total) or N (nuclear) in column 71 get the filters ``T`` and ``N``. Second
    lines of satellite, radar and roving observers are counted and left out.

    Raises
    ------
    ReadError
        When no line can be read.
    """
    fields, rows = _read(lines, _mpc_line, "MPC")
    if rows.other:
        fields["notes"] += (f"{rows.other} second or deleted lines left out",)
    return fields


def _mpc_line(line: str, rows: _Rows) -> None:
    if line[14] in "svrRXx":  # second lines, radar and deleted observations carry no magnitude
        rows.other += 1
        return
    text = line[65:70].strip()
    if not text:
        rows.without_magnitude += 1
        return
    rows.add(
        date=line[15:32],
        magnitude=float(text),
        filter=line[70:71].strip(),
        observer=line[77:80].strip(),
        name=line[0:12].strip(),
    )


def _read(
    lines: Iterable[str], parse: Callable[[str, _Rows], None], kind: str
) -> tuple[dict[str, Any], _Rows]:
    rows = _Rows()
    days: list[float] = []
    for number, raw in enumerate(lines, start=1):
        line = raw.rstrip("\r\n")
        if not line.strip():
            continue
        before = len(rows.columns.get("date", ()))
        try:
            parse(line.ljust(80), rows)
            if len(rows.columns.get("date", ())) > before:
                days.append(_mjd(rows.columns["date"][-1]))
        except ValueError as error:
            for column in rows.columns.values():
                del column[before:]
            rows.bad.append(f"line {number}: {error}")
    if not days:
        raise ReadError(
            f"no line could be read as an {kind} observation with a magnitude",
            value="; ".join(rows.bad[:3]) or f"{rows.without_magnitude} lines without magnitude",
        )
    fields: dict[str, Any] = dict(rows.columns)
    fields.pop("date")
    names = sorted(set(fields.pop("name")) - {""})
    if len(names) > 1:
        raise ReadError(
            "the file holds observations of several objects",
            value=names[:5],
            hint="split it: one comet per photometry",
        )
    fields |= {"time": days, "name": names[0] if names else "", "notes": _notes(rows)}
    fields["bad_lines"] = tuple(rows.bad)
    return fields, rows


def _notes(rows: _Rows) -> tuple[str, ...]:
    notes = [f"could not be read: {text}" for text in rows.bad]
    if rows.without_magnitude:
        notes.append(f"{rows.without_magnitude} lines without a magnitude left out")
    return tuple(notes)


def _number(text: str) -> float:
    return float(text) if text else np.nan


def _days_of(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return (31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def _mjd(date: str) -> float:
    """Return the modified Julian date of 'YYYY MM DD.ddd' (Gregorian)."""
    parts = date.split()
    if len(parts) != 3:
        raise ValueError(f"{date.strip()!r} is not a date of the form YYYY MM DD.dd")
    year, month, day = int(parts[0]), int(parts[1]), float(parts[2])
    if not (1 <= month <= 12 and 1 <= day < 1 + _days_of(year, month)):
        raise ValueError(f"{date.strip()!r} has an impossible month or day")
    shifted, y = (month + 9) % 12, year - (month <= 2)
    whole = 365 * y + y // 4 - y // 100 + y // 400 + (shifted * 306 + 5) // 10
    return float(whole - 678881) + (day - 1.0)
