"""The report: executed notebooks as files and HTML, one index page, one machine-readable file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astrokit.provenance import versions

from .markup import VERDICT_COLORS
from .rows import Row, RowTable

if TYPE_CHECKING:
    from .runner import NotebookRun, Report

__all__ = ["write_index", "write_notebook"]


def write_notebook(content: Any, folder: Path, name: str) -> None:
    """Write an executed notebook as ``.ipynb`` and as HTML."""
    import nbformat
    from nbconvert import HTMLExporter

    nbformat.write(content, folder / f"{name}.ipynb")
    exporter = HTMLExporter(template_name="lab")
    html, _ = exporter.from_notebook_node(content)
    back = '<p style="margin:12px 24px;font:14px sans-serif"><a href="index.html">Report</a></p>'
    start = html.index(">", html.index("<body")) + 1
    (folder / f"{name}.html").write_text(html[:start] + back + html[start:], encoding="utf-8")


def write_index(report: Report) -> None:
    """Write ``index.html`` and ``results.json`` into the report's folder."""
    results = json.dumps(report.as_dict(), indent=1, allow_nan=False)
    (report.folder / "results.json").write_text(results + "\n", encoding="utf-8")
    sections = "".join(_section(run) for run in report.runs)
    page = _PAGE.format(
        style=_STYLE,
        headline=_headline(report),
        counts=_counts(report),
        sections=sections or "<p>No notebook was run.</p>",
        versions=_versions_line(),
    )
    (report.folder / "index.html").write_text(page, encoding="utf-8")


def _headline(report: Report) -> str:
    n = len(report.runs)
    mode = " with shortened chains" if report.fast else ""
    outcome = "everything that was to agree agrees" if report.ok else "not everything agrees"
    if not any(run.rows for run in report.runs):
        outcome = "nothing was recorded"
    if any(run.error for run in report.runs):
        outcome = "a notebook failed"
    noun = "notebook" if n == 1 else "notebooks"
    return f"{n} {noun} run in {_duration(report.seconds)}{mode}: {outcome}."


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _counts(report: Report) -> str:
    words = (("agrees", "agree"), ("differs", "differ"), ("context", "context"), ("skipped",) * 2)
    pieces = []
    for verdict, word in words:
        n = sum(run.count(verdict) for run in report.runs)
        color = VERDICT_COLORS[verdict] if n else "#b8c2cc"
        pieces.append(f'<span class="count" style="color:{color}"><b>{n}</b> {word}</span>')
    return "".join(pieces)


def _section(run: NotebookRun) -> str:
    name = escape(run.notebook.name)
    links = (
        f'<a href="{name}.html">read it executed</a> '
        f'<a href="{name}.ipynb" download>notebook file</a> '
        f"<span>{_duration(run.seconds)}</span>"
    )
    title = f'<h2>{escape(run.notebook.title)}</h2><p class="links">{links}</p>'
    error = f"<h3>Stopped</h3><pre>{escape(run.error)}</pre>" if run.error else ""
    # A table renders itself the same way here and in a notebook.
    table = RowTable(run.rows)._repr_html_() if run.rows else "<p>It recorded no values.</p>"
    return f"<section>{title}{error}{table}{_references(run.rows)}</section>"


def _references(rows: Iterable[Any]) -> str:
    notes = {row.kind for row in rows if isinstance(row, Row)}
    meanings = {
        "check": "check: computed before with other code on the same data",
        "truth": "truth: the true value of a simulation",
    }
    text = "; ".join(meanings[kind] for kind in meanings if kind in notes)
    return f'<p class="note">{text}.</p>' if text else ""


def _versions_line() -> str:
    return " &middot; ".join(f"{escape(k)} {escape(v)}" for k, v in versions().items())


_STYLE = """
body { font: 15px/1.5 "Source Sans 3", "Segoe UI", system-ui, sans-serif; color: #1f2d3a;
       max-width: 1080px; margin: 36px auto 60px; padding: 0 24px; background: #fff; }
h1 { font-size: 27px; margin: 0 0 2px; letter-spacing: -0.2px; }
h2 { font-size: 19px; margin: 0; }
h3 { font-size: 15px; margin: 10px 0 4px; color: #c0392b; }
p.lead { margin: 2px 0 12px; color: #44535f; }
.count { display: inline-block; margin-right: 26px; } .count b { font-size: 21px; }
section { margin: 34px 0 0; }
p.links { margin: 2px 0 8px; font-size: 13.5px; color: #5b6b7c; }
p.links > * { margin-right: 16px; }
p.note { font-size: 12.5px; color: #5b6b7c; margin: 6px 0 0; }
a { color: #1f5f99; text-decoration: none; } a:hover { text-decoration: underline; }
pre { background: #fbf3f2; border-left: 3px solid #c0392b; padding: 10px 14px; overflow-x: auto;
      font-size: 12.5px; }
footer { margin-top: 40px; padding-top: 10px; border-top: 1px solid #dde4ea; font-size: 12.5px;
         color: #5b6b7c; }
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>astrokit: published and measured</title>
<style>{style}</style>
</head>
<body>
<h1>Published and measured</h1>
<p class="lead">{headline}</p>
<div>{counts}</div>
{sections}
<footer>
<p>A difference is measured minus published, in units of the two errors combined; the bands of the
strip are 1 and 3 &sigma;. Rows marked <i>context</i> are shown for comparison and not judged.
Every number also stands in <a href="results.json">results.json</a>.</p>
<p>{versions}</p>
</footer>
</body>
</html>
"""
