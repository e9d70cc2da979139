"""What an analysis returned, as named cells of plain values that a row of a table can hold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..estimate import Estimate

__all__ = ["Answer", "Cell", "cells_of", "citations_of"]

Cell = Any  # None, bool, text, or a dict with "value" and perhaps "lower", "upper", "unit", "limit"
_ENDS = ("lower", "upper")


@dataclass(frozen=True)
class Answer:
    """What an analysis may return when it also knows what to cite.

    Attributes
    ----------
    values : mapping
        As an analysis may return by itself.
    citations : tuple of str
        Keys for :func:`astrokit.cite`.
    """

    values: Mapping[str, Any]
    citations: tuple[str, ...] = ()


def cells_of(answer: Any) -> dict[str, Cell]:
    """Return the cells of what an analysis returned.

    Parameters
    ----------
    answer : Answer, mapping, row of a table, Estimate, or sequence of Estimates with names
        Values of a mapping are Estimates, numbers, Quantities, text, bool, None, or mappings of
        these, whose names are joined with an underscore.

    Returns
    -------
    dict
        By name; every value survives JSON.

    Raises
    ------
    InputError
        For an array, or another object that a row cannot hold.

    Examples
    --------
    >>> from astrokit import Estimate
    >>> from astrokit.survey.values import cells_of
    >>> cells_of({"slope": Estimate(2.1, 0.1), "verdict": "red noise"})
    {'slope': {'value': 2.1, 'lower': 0.1, 'upper': 0.1}, 'verdict': 'red noise'}
    """
    cells: dict[str, Cell] = {}
    for name, value in _items(answer):
        _add(cells, name, value)
    return cells


def citations_of(answer: Any) -> tuple[str, ...]:
    """Return the keys of what to cite, where the answer says it."""
    if isinstance(answer, Answer):
        return answer.citations
    provenance = getattr(answer, "provenance", None)
    return tuple(getattr(provenance, "citations", ()) or ())


def _items(answer: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(answer, Answer):
        answer = answer.values
    if isinstance(answer, Mapping):
        return ((str(name), value) for name, value in answer.items())
    if hasattr(answer, "colnames"):  # a row of a table
        return ((name, answer[name]) for name in answer.colnames)
    if isinstance(answer, Estimate):
        return [(answer.name or "value", answer)]
    if isinstance(answer, list | tuple) and all(isinstance(e, Estimate) and e.name for e in answer):
        return [(e.name, e) for e in answer]
    raise InputError(
        "an analysis returned what no row of a table can hold",
        value=type(answer).__name__,
        allowed="a mapping, a row, an Estimate, or Estimates with names",
    )


def _add(cells: dict[str, Cell], name: str, value: Any) -> None:
    if isinstance(value, Mapping):
        for inner, item in value.items():
            _add(cells, f"{name}_{inner}", item)
        return
    if name in cells:
        raise InputError("an analysis returned two values of one name", value=name)
    cells[name] = _cell(name, value)


def _cell(name: str, value: Any) -> Cell:
    if isinstance(value, Estimate):
        return _estimate(value)
    if value is None or value is np.ma.masked:
        return None
    if isinstance(value, bytes):
        return _text(value.decode("utf-8", "backslashreplace"))
    if isinstance(value, str):
        return _text(value)
    if hasattr(value, "unit") and np.ndim(value) == 0:
        return {"value": _number(value.value), **_unit(value.unit)}
    if np.ndim(value) == 0 and isinstance(value, bool | int | float | np.generic | np.ndarray):
        plain = value.item() if isinstance(value, np.generic | np.ndarray) else value
        if isinstance(plain, bool | str):
            return _text(plain) if isinstance(plain, str) else plain
        if isinstance(plain, int | float):
            return {"value": _number(plain)}
    raise InputError(
        f"{name} cannot be a cell of a table",
        value=f"{type(value).__name__} of shape {np.shape(value)}"
        if isinstance(value, np.ndarray | list | tuple)
        else type(value).__name__,
        allowed="an Estimate, a number, a scalar Quantity, text, bool or None",
        hint="write arrays to a file of your own and return its name",
    )


def _text(text: str) -> str:
    """Return text as one line, since a row of a table is one: breaks become spaces."""
    return " ".join(text.encode("utf-8", "backslashreplace").decode().splitlines())


def _estimate(e: Estimate) -> Cell:
    cell: dict[str, Any] = {"value": _number(e.value)}
    for side in _ENDS:
        end = getattr(e, side)
        if not math.isnan(end):
            cell[side] = _number(end)
    return {**cell, **_unit(e.unit), **({"limit": e.limit} if e.limit else {})}


def _unit(unit: Any) -> dict[str, str]:
    text = "" if unit is None else str(unit)
    return {"unit": text} if text else {}


def _number(x: Any) -> Any:
    """Return a number for JSON; what is not finite becomes its name, as JSON has none for it."""
    x = x.item() if hasattr(x, "item") else x
    if isinstance(x, int):
        return x
    return float(x) if math.isfinite(x) else repr(float(x))
