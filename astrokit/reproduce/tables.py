"""All recorded values of a report as one table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .rows import Row, Skipped

if TYPE_CHECKING:
    from astropy.table import Table

    from .runner import NotebookRun, Report

__all__ = ["results_table"]

_NUMBERS = (
    "measured", "measured_lower", "measured_upper",
    "published", "published_lower", "published_upper",
    "sigma",
)  # fmt: skip
_TEXTS = ("notebook", "quantity", "kind", "unit", "tolerance", "verdict", "reference", "note")
_ORDER = (*_TEXTS[:3], *_NUMBERS[:6], "unit", "sigma", *_TEXTS[4:])


def results_table(report: Report) -> Table:
    """Return one row per recorded value or skipped part; see :meth:`Report.to_table`."""
    from astropy.table import Table

    from astrokit.provenance import versions

    rows = [_cells(run, row) for run in report.runs for row in run.rows]
    columns: dict[str, Any] = {
        name: [row[name] for row in rows] or ([0.0] if name in _NUMBERS else [""])
        for name in _ORDER
    }
    table = Table(columns)[: len(rows)]  # an empty table keeps the types of its columns
    table.meta.update(ok=report.ok, fast=report.fast, started=report.started)
    table.meta["versions"] = dict(versions())
    return table


def _cells(run: NotebookRun, row: Row | Skipped) -> dict[str, Any]:
    cells: dict[str, Any] = dict.fromkeys(_NUMBERS, math.nan) | dict.fromkeys(_TEXTS, "")
    cells["notebook"] = run.notebook.name
    if isinstance(row, Skipped):
        return cells | {"quantity": row.what, "verdict": "skipped", "note": row.reason}
    texts = row.texts()
    cells |= {name: texts[name] for name in _TEXTS if name in texts}
    cells["unit"] = "" if row.measured.unit is None else row.measured.unit.to_string()
    cells["sigma"] = row.sigma
    for name in ("measured", "published"):
        e = getattr(row, name)
        cells |= {name: e.value, f"{name}_lower": e.lower, f"{name}_upper": float(e.upper)}
    return cells
