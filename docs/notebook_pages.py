"""Sphinx extension: the notebooks become pages, with the outputs that the reproduction run left.

Nothing is executed here. ``make reproduce`` runs every notebook and leaves it in build/reproduce;
a notebook that was changed since, or was not run, is shown without outputs and says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_markdown_cell

from astrokit.reproduce.rows import MEDIA_TYPE

HERE = Path(__file__).resolve().parent
SOURCES = HERE.parent / "notebooks"
EXECUTED = HERE.parent / "build" / "reproduce"
PAGES = HERE / "notebooks"

_RUN = (
    "*This page is the notebook `{name}.ipynb` as `astrokit reproduce` ran it; "
    "[the report](../reproduce.md) sets its numbers beside published ones.*"
)
_NOT_RUN = (
    "*This page is the notebook `{name}.ipynb` without its outputs: `astrokit reproduce {name}` "
    "runs it.*"
)


def setup(app: Any) -> dict[str, Any]:
    """Write the pages before Sphinx looks for its sources."""
    app.connect("builder-inited", lambda _: stage(SOURCES, EXECUTED, PAGES))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def stage(sources: Path, executed: Path, pages: Path) -> list[str]:
    """Write one page per notebook; return the names of those that have outputs."""
    pages.mkdir(exist_ok=True)
    found = sorted(sources.glob("*.ipynb"))
    for old in pages.glob("*.ipynb"):
        if old.name not in {path.name for path in found}:
            old.unlink()
    with_outputs = []
    for path in found:
        source = nbformat.read(path, as_version=4)
        run = _run_of(source, executed / path.name)
        if run is not None:
            with_outputs.append(path.stem)
        note = (_NOT_RUN if run is None else _RUN).format(name=path.stem)
        content = nbformat.writes(_with_note(source if run is None else run, note))
        page = pages / path.name
        # An unchanged page keeps its date, so that Sphinx does not read it again.
        if not page.is_file() or page.read_text(encoding="utf-8") != content:
            page.write_text(content, encoding="utf-8")
    return with_outputs


def _run_of(source: Any, path: Path) -> Any:
    """Return the executed twin of a notebook, or None if there is none of the same cells."""
    if not path.is_file():
        return None
    run = nbformat.read(path, as_version=4)
    same = [cell.source for cell in run.cells] == [cell.source for cell in source.cells]
    return run if same else None


def _with_note(notebook: Any, note: str) -> Any:
    """Return the notebook with a sentence below its title, and cells of fixed names."""
    title, *rest = notebook.cells
    head, _, below = title.source.partition("\n")
    cells = [new_markdown_cell(head), new_markdown_cell(note), new_markdown_cell(below), *rest]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(MEDIA_TYPE, None)  # for the report; a page shows its twin
    notebook.cells = cells
    return notebook
