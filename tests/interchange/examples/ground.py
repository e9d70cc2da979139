"""Instances of what stands outside of the rooms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import astrokit as ak
from astrokit import reproduce
from astrokit.citations import Citation
from astrokit.datasets import DatasetInfo
from astrokit.errors import FitWarning
from astrokit.parallel import ItemError, map_items
from astrokit.provenance import Provenance, Recorder, quiet


def recorder() -> Recorder:
    made = Recorder("demo", {"n": 3}, citations=["vaughan2003"])
    with quiet():
        made.warn("the slope is at its bound", FitWarning)
    return made


def refuse(item: int) -> int:
    raise ak.errors.InputError("this item cannot be used", value=item)


def row() -> reproduce.Row:
    return reproduce.Row("slope", ak.Estimate(2.76, 0.22), ak.Estimate(2.8, 0.4), "a paper")


def notebook() -> reproduce.Notebook:
    return reproduce.Notebook("01_demo", "A demonstration", Path("01_demo.ipynb"))


def notebook_run() -> reproduce.NotebookRun:
    return reproduce.NotebookRun(notebook(), (row(), reproduce.Skipped("data", "absent")), 1.5)


EXAMPLES: dict[type, Any] = {
    ak.Estimate: lambda: ak.Estimate(2.8, 0.4, 0.2, "Hz", name="slope", method="by hand"),
    Citation: lambda: ak.cite("vaughan2003"),
    DatasetInfo: lambda: ak.datasets.info("mrk766"),
    ItemError: lambda: map_items(refuse, [1], keep_errors=True)[0],
    Provenance: lambda: recorder().finish(),
    Recorder: recorder,
    reproduce.Notebook: notebook,
    reproduce.NotebookRun: notebook_run,
    reproduce.Report: lambda: reproduce.Report((notebook_run(),), Path("report"), True),
    reproduce.Row: row,
    reproduce.RowTable: lambda: reproduce.RowTable([row()]),
    reproduce.Sources: lambda: reproduce.Sources(("vaughan2003",), ("mrk766.txt",)),
    reproduce.Skipped: lambda: reproduce.Skipped("the real data", "not on this computer"),
}
