"""ADES, the exchange format of the Minor Planet Center: pipe-separated (PSV) and XML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..errors import ReadError

__all__ = ["looks_like_ades_psv", "read_ades_psv", "read_ades_xml"]

_NUMBERS = {"mag": "magnitude", "rmsMag": "error", "photAp": "aperture"}
_TEXTS = {"band": "filter", "stn": "observer"}
_NAMES = ("permID", "provID", "trkSub")  # the first that a record has is the name of the object


def looks_like_ades_psv(text: str) -> bool:
    """Whether a text begins as an ADES file with pipes does."""
    head = [line for line in text.splitlines()[:60] if line.strip() and line[0] not in "#!"]
    return bool(head) and "|" in head[0] and "obsTime" in head[0]


def read_ades_psv(text: str) -> dict[str, Any]:
    """Return what :class:`CometPhotometry` takes, from an ADES file with pipes.

    Raises
    ------
    ReadError
        When no record has a magnitude.
    """
    return _fields(_psv_records(text))


def _psv_records(text: str) -> Iterator[tuple[str, dict[str, str] | None]]:
    """Yield where each record stands and its fields (None where the line is broken)."""
    header: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line[0] in "#!":
            continue
        cells = [cell.strip() for cell in line.split("|")]
        if "obsTime" in cells:  # each block of observations repeats the header
            header = cells
        elif len(cells) != len(header):
            yield f"line {number}: {len(cells)} cells for {len(header)} columns", None
        else:
            yield f"line {number}", dict(zip(header, cells, strict=True))


def read_ades_xml(content: bytes) -> dict[str, Any]:
    """Return what :class:`CometPhotometry` takes, from an ADES file in XML.

    Raises
    ------
    ReadError
        For XML that is broken or declares entities, or when no record has a magnitude.
    """
    from xml.etree import ElementTree

    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise ReadError(
            "the XML declares a document type or entities",
            hint="ADES needs neither, and they can be made to exhaust memory: remove them",
        )
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise ReadError("the XML is broken", value=str(error)) from None
    records = (
        (f"record {number}", {child.tag: (child.text or "").strip() for child in element})
        for number, element in enumerate(_observations(root), start=1)
    )
    return _fields(records)


def _observations(root: Any) -> Iterator[Any]:
    for element in root.iter():
        if any(child.tag == "obsTime" for child in element):
            yield element


def _fields(records: Iterable[tuple[str, dict[str, str] | None]]) -> dict[str, Any]:
    from astropy.time import Time

    columns: dict[str, list[Any]] = {name: [] for name in (*_NUMBERS.values(), *_TEXTS.values())}
    dates: list[str] = []
    bad: list[str] = []
    names: dict[str, None] = {}
    without = 0
    for where, record in records:
        if record is None:
            bad.append(where)
            continue
        names.setdefault(next((record[key] for key in _NAMES if record.get(key)), ""))
        if not record.get("mag"):
            without += 1
            continue
        try:
            numbers = {new: float(record.get(old) or np.nan) for old, new in _NUMBERS.items()}
            date = _iso(record["obsTime"])
            _require_sizes(numbers)
        except (ValueError, KeyError) as error:
            bad.append(f"{where}: {error}")
            continue
        dates.append(date)
        for name, number in numbers.items():
            columns[name].append(number)
        for old, new in _TEXTS.items():
            columns[new].append(record.get(old, ""))
    objects = [name for name in names if name]
    _require_one(objects, dates, bad, without)
    notes = [f"could not be read: {text}" for text in bad]
    if without:
        notes.append(f"{without} records without a magnitude left out")
    time = Time(dates, format="isot", scale="utc").mjd
    name = objects[0] if objects else ""
    return {**columns, "time": time, "name": name, "notes": tuple(notes), "bad_lines": tuple(bad)}


def _iso(text: str) -> str:
    date = np.datetime64(text.rstrip("Z"), "ms")
    if np.isnat(date):
        raise ValueError("the time is missing")
    return str(date)


def _require_sizes(numbers: dict[str, float]) -> None:
    """Raise a ValueError for what no magnitude, error or aperture can be; 0: not known."""
    if not np.isfinite(numbers["magnitude"]):
        raise ValueError("the magnitude is no finite number")
    for name in ("error", "aperture"):
        if numbers[name] < 0 or np.isinf(numbers[name]):
            raise ValueError(f"the {name} is {numbers[name]:g}")
        numbers[name] = numbers[name] or np.nan


def _require_one(objects: list[str], dates: list[str], bad: list[str], without: int) -> None:
    if len(objects) > 1:
        raise ReadError(
            "the file holds observations of several objects",
            value=objects[:5],
            hint="split it: one comet per photometry",
        )
    if not dates:
        raise ReadError(
            "no ADES record with a magnitude could be read",
            value="; ".join(bad[:3]) or f"{without} records without magnitude",
        )
