"""The report of a survey: one HTML page, which needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from ..provenance import cite
from .result import limits_of
from .store import Store, write_whole

if TYPE_CHECKING:
    from astropy.table import Table

    from .result import Survey

__all__ = ["write_report"]

_MOST_FAILURES = 200
_MOST_ROWS = 20_000  # a longer table is not read again for its medians


def write_report(survey: Survey, store: Store) -> None:
    """Write ``report.html`` into the folder of the survey."""
    page = _PAGE.format(
        title=escape(f"Survey {survey.folder.name}"),
        style=_STYLE,
        lead=escape(_lead(survey)),
        counts=_counts(survey.counts),
        columns=_columns(survey),
        failures=_failures(survey),
        slowest=_table(("target", "seconds"), ((n, f"{s:.3g}") for n, s in survey.slowest.items())),
        history=_history(store.manifest["history"]),
        facts=_table(("", ""), _facts(survey)),
        citation=escape(str(cite(survey.provenance))),
    )
    write_whole(survey.folder / "report.html", page.encode())


def _lead(survey: Survey) -> str:
    per_target = survey.seconds / max(len(survey), 1)
    spent = _duration(survey.seconds)
    return f"{len(survey)} targets, {spent} of computation, {per_target:.3g} s each"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.3g} s"
    hours, rest = divmod(round(seconds / 60), 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"


def _counts(counts: Mapping[str, int]) -> str:
    colors = {"ok": "#1b7a5a", "failed": "#c0392b", "missing": "#9a7b1f"}
    words = {"ok": "measured", "failed": "failed", "missing": "missing"}
    return "".join(
        f'<span class="count" style="color:{colors[k] if n else "#8a949e"}"><b>{n}</b> {words[k]}'
        "</span>"
        for k, n in counts.items()
    )


def _columns(survey: Survey) -> str:
    if len(survey) > _MOST_ROWS:
        return f"<p>More than {_MOST_ROWS} rows: read {survey.table_file.name}.</p>"
    return _table(
        ("column", "unit", "targets", "limits", "median", "68 % within"), _described(survey.table)
    )


def _described(table: Table) -> Iterable[tuple[str, ...]]:
    for name in table.colnames:
        column = table[name]
        if column.dtype.kind not in "fi" or name.endswith(("_lower", "_upper")):
            continue
        values: Any = np.ma.asarray(column, dtype=float).filled(np.nan)
        limits = limits_of(table, name)
        values, n_limits = values[np.isfinite(values) & ~limits], str(limits.sum() or "")
        if f"{name}_unit" in table.colnames:
            yield name, "differs", str(values.size), n_limits, "", ""
        elif values.size:
            low, mid, high = np.quantile(values, [0.16, 0.5, 0.84])
            span = f"{low:.4g} to {high:.4g}"
            yield name, str(column.unit or ""), str(values.size), n_limits, f"{mid:.4g}", span
        elif limits.any():
            yield name, str(column.unit or ""), "0", n_limits, "", ""


def _failures(survey: Survey) -> str:
    if not survey.counts["failed"]:
        return "<p>None.</p>"
    failures = survey.failures[:_MOST_FAILURES]
    kinds = _table(("kind", "targets"), ((k, str(n)) for k, n in survey.errors.items()))
    rows = ((str(r["name"]), str(r["error"])) for r in failures)
    more = survey.counts["failed"] - len(failures)
    rest = f"<p>{more} more are in failures.ecsv.</p>" if more > 0 else ""
    return kinds + _table(("target", "error"), rows) + rest


def _history(entries: Iterable[Mapping[str, Any]]) -> str:
    lines = ("; ".join(f"{k} {v}" for k, v in entry.items()) for entry in entries)
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _facts(survey: Survey) -> Iterable[tuple[str, str]]:
    record = survey.provenance
    facts: dict[str, Any] = {**record.arguments, "seed": record.seed, **record.versions}
    return ((name, str(value)) for name, value in facts.items())


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    inner = f"<thead><tr>{names}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide"><table>{inner}</table></div>'


_STYLE = """
body { font: 15px/1.5 "Source Sans 3", "Segoe UI", system-ui, sans-serif; color: #1f2d3a;
       max-width: 1080px; margin: 36px auto 60px; padding: 0 20px; background: #fff; }
h1 { font-size: 26px; margin: 0; } h2 { font-size: 18px; margin: 30px 0 6px; }
p.lead { margin: 2px 0 12px; color: #44535f; }
.count { display: inline-block; margin-right: 26px; } .count b { font-size: 21px; }
.wide { overflow-x: auto; margin-bottom: 14px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { text-align: left; padding: 4px 14px 4px 0; border-bottom: 1px solid #e3e9ee;
         vertical-align: top; }
td:last-child { overflow-wrap: anywhere; }
th { white-space: nowrap; border-bottom: 2px solid #30475e; }
pre { background: #f4f7f9; padding: 10px 14px; overflow-x: auto; font-size: 12.5px; }
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
<p class="lead">{lead}</p>
<div>{counts}</div>
<h2>Results</h2>
{columns}
<h2>Failures</h2>
{failures}
<h2>Slowest targets</h2>
{slowest}
<h2>How it ran</h2>
{history}
<h2>Provenance</h2>
{facts}
<h2>To be cited</h2>
<pre>{citation}</pre>
</body>
</html>
"""
