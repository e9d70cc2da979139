"""One table of many characterized observations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..parallel import ItemError

if TYPE_CHECKING:
    from astropy.table import Table

    from .characterize import Characterizations
    from .measures import Measurement

__all__ = ["table_of"]


def table_of(many: Characterizations) -> Table:
    """Return one row per observation; see :meth:`Characterizations.to_table`."""
    from astropy.table import MaskedColumn, Table

    table = Table()
    table["label"] = list(many.labels)
    rows = [
        {} if isinstance(item, ItemError) else {m.name: m for m in item.measurements}
        for item in many.items
    ]
    for name in dict.fromkeys(name for row in rows for name in row):
        cells = [row.get(name) for row in rows]
        for column, values, unit in _columns(name, cells):
            mask = [v is None for v in values]
            kind: Any = str if any(isinstance(v, str) for v in values) else float
            filler = "" if kind is str else np.nan
            filled = [filler if v is None else v for v in values]
            table[column] = MaskedColumn(filled, dtype=kind, mask=mask, unit=unit)
    errors = many.errors
    table["error"] = [errors.get(label, "") for label in many.labels]
    table.meta["provenance"] = many.provenance.as_dict()
    return table


def _columns(name: str, cells: list[Measurement | None]) -> list[tuple[str, list[Any], str | None]]:
    """Return the columns of one measurement: name, values (None is masked), unit."""
    texts = [c.text if c is not None and c.text else None for c in cells]
    values = [c.value if c is not None else None for c in cells]
    if all(v is None for v in values):
        return [(name, texts, None)] if any(texts) else []
    units = {str(v.unit or "") for v in values if v is not None}
    unit = units.pop() if len(units) == 1 else None
    columns: list[tuple[str, list[Any], str | None]] = [
        (name, [None if v is None else v.value for v in values], unit or None)
    ]
    for side in ("lower", "upper"):
        ends = [None if v is None else getattr(v, side) for v in values]
        known = [e if e is not None and np.isfinite(e) else None for e in ends]
        if any(e is not None for e in known):
            columns.append((f"{name}_{side}", known, unit or None))
    limits = [None if v is None or not v.limit else v.limit for v in values]
    if any(limits):
        columns.append((f"{name}_limit", limits, None))
    if units:
        spelled = [None if v is None else str(v.unit or "") for v in values]
        columns.append((f"{name}_unit", spelled, None))
    return columns
