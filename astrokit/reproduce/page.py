"""The report: one page with all values and figures, tables for programs, executed notebooks."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astrokit import datasets, pages
from astrokit.errors import InputError
from astrokit.pages import Cell, Section
from astrokit.provenance import versions

from .figures import notebook_figures
from .markup import VERDICT_COLORS, pull_chart, sigma_strip, typographic
from .rows import Row, Skipped

if TYPE_CHECKING:
    from .runner import NotebookRun, Report

__all__ = ["write_index", "write_notebook"]

_COLUMNS = ("Quantity", "Published", "Measured", "Difference [\u03c3]", "Verdict")
_KINDS = {
    "agrees": "good", "differs": "bad", "context": "plain", "skipped": "unsure",
}  # fmt: skip
_SOURCES = {"published": "", "check": "check", "truth": "truth"}
_MEANINGS = {
    "check": "check: computed before with other code on the same data",
    "truth": "truth: the true value of a simulation",
}


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
    """Write ``index.html``, ``results.json`` and ``results.ecsv`` into the report's folder."""
    results = json.dumps(report.as_dict(), indent=1, allow_nan=False)
    (report.folder / "results.json").write_text(results + "\n", encoding="utf-8")
    report.to_table().write(report.folder / "results.ecsv", format="ascii.ecsv", overwrite=True)
    pages.write_page(report.folder / "index.html", _page(report))


def _page(report: Report) -> str:
    sections = [
        Section(run.notebook.title, _section(run, report), _anchor(i), _aside(run))
        for i, run in enumerate(report.runs, start=1)
    ]
    closing = [
        Section("How it was made", _provenance(report), "provenance"),
        Section("What to cite", pages.citations(report.citation()), "cite"),
    ]
    return pages.document(
        "Published and measured",
        [*sections, *closing],
        lead=pages.paragraph(_headline(report), "lead") + _counts(report) + _pulls(report),
        contents="Contents",
        footer=_FOOTER,
    )


def _anchor(number: int) -> str:
    return f"notebook-{number}"


def _aside(run: NotebookRun) -> str:
    """Return what stands beside a notebook's title in the contents."""
    if run.error:
        return f'<span class="aside">{pages.badge("stopped", "bad")}</span>'
    return f'<span class="aside">{escape(str(run).partition(", ")[2])}</span>'


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
        kind = _KINDS[verdict] if n else "none"
        pieces.append(f'<span class="{kind}"><b>{n}</b>{word}</span>')
    return f'<div class="counts">{"".join(pieces)}</div>'


def _pulls(report: Report) -> str:
    judged = [
        (row.sigma, row.verdict)
        for run in report.runs
        for row in run.rows
        if isinstance(row, Row) and row.expect == "agree" and row.max_difference is None
    ]
    if len(judged) < 3:
        return ""
    text = "Each dot is a value that is judged by its error: the difference in sigma"
    return f"<figure>{pull_chart(judged)}<figcaption>{text}</figcaption></figure>"


# -- one notebook ----------------------------------------------------------------------------------


def _section(run: NotebookRun, report: Report) -> str:
    name = escape(run.notebook.name)
    meta = (
        f'<p class="meta"><a href="{name}.html">read it executed</a> '
        f'<a href="{name}.ipynb" download>notebook file</a> '
        f"<span>{_duration(run.seconds)}</span></p>"
    )
    error = (
        f'<h3 class="bad">Stopped</h3><pre class="error">{escape(run.error)}</pre>'
        if run.error
        else ""
    )
    table = _table(run) if run.rows else pages.paragraph("It recorded no values.")
    figures = _figures(report.folder / f"{run.notebook.name}.ipynb")
    return meta + error + table + _notes(run.rows) + figures + _data(run)


def _table(run: NotebookRun) -> str:
    rows = [_row(row) if isinstance(row, Row) else _skipped(row) for row in run.rows]
    return pages.table(_COLUMNS, rows, caption=f"Values of {run.notebook.title}")


def _row(row: Row) -> list[Cell | str]:
    texts, color = row.texts(), VERDICT_COLORS[row.verdict]
    source = ": ".join(filter(None, (_SOURCES[row.kind], row.reference)))
    required = texts["tolerance"].replace("sigma", "\u03c3")
    number = typographic(texts["sigma"]) or "\u2013"
    difference = (
        f'<span class="nowrap"><span class="pull">{number}</span>'
        f"{sigma_strip(row.sigma, color)}</span>"
    )
    return [
        Cell(escape(row.quantity) + _small(row.note), row.quantity),
        Cell(typographic(texts["published"]) + _small(source), row.published.value),
        Cell(typographic(texts["measured"]), row.measured.value),
        Cell(difference + _small(f"required: within {required}" if required else ""), row.sigma),
        Cell(pages.badge(row.verdict, _KINDS[row.verdict]), row.verdict),
    ]


def _skipped(row: Skipped) -> list[Cell | str]:
    reason = Cell(f"<small>{escape(row.reason)}</small>")
    return [row.what, reason, Cell(pages.badge("skipped", _KINDS["skipped"]), "skipped")]


def _small(text: str) -> str:
    return f"<small>{escape(text)}</small>" if text else ""


def _notes(rows: Iterable[Any]) -> str:
    kinds = {row.kind for row in rows if isinstance(row, Row)}
    text = "; ".join(meaning for kind, meaning in _MEANINGS.items() if kind in kinds)
    return pages.paragraph(f"{text}.", "note") if text else ""


def _figures(path: Path) -> str:
    if not path.is_file():
        return ""
    found = notebook_figures(path)
    shown = "".join(
        pages.figure(figure.png, figure.heading or f"Figure {i}")
        for i, figure in enumerate(found, start=1)
    )
    return f'<div class="figures">{shown}</div>' if shown else ""


def _data(run: NotebookRun) -> str:
    """Return the registered data that a notebook used, with checksums, behind a click."""
    rows: list[list[Cell | str]] = []
    for name in run.sources.data:
        try:
            known = datasets.info(name)
        except InputError:  # executed elsewhere, with other data
            continue
        rows.append([known.name, known.reference, known.licence, _checksum(known.sha256)])
    if not rows:
        return ""
    columns = ("File", "Reference", "Licence", "sha256")
    noun = "file" if len(rows) == 1 else "files"
    return pages.folded(
        f"{len(rows)} registered data {noun}", pages.table(columns, rows, caption="Data")
    )


def _checksum(sha256: str) -> Cell:
    return Cell(f"<code>{escape(sha256)}</code>", sha256)


# -- all of them -----------------------------------------------------------------------------------


def _provenance(report: Report) -> str:
    names = " ".join(run.notebook.name.partition("_")[0] for run in report.runs)
    command = f"astrokit reproduce {names}{' --fast' if report.fast else ''}"
    ran = {
        "command": command,
        "started": f"{report.started} UTC" if report.started else "not recorded",
        "took": _duration(report.seconds),
        "system": f"{platform.system()} {platform.machine()}",
    }
    return pages.facts(ran) + "<h3>Versions</h3>" + pages.facts(versions())


_FOOTER = """
<p>A difference is measured minus published, in units of the two errors combined; the bands of the
strip are 1 and 3 &sigma;. Rows marked <i>context</i> are shown for comparison and not judged.</p>
<p>Beside this page: every number as <a href="results.json">results.json</a> and
<a href="results.ecsv">results.ecsv</a>, and the executed notebooks. The page itself needs
nothing else.</p>
"""
