"""`Survey`: what a run left, read from its folder; and the files that finish a run."""

from __future__ import annotations

import json
import os
import textwrap
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, ReadError
from ..provenance import Provenance, Recorder
from .analyses import name_of
from .assemble import Layout, write_failures, write_table
from .compute import OK, Job
from .store import Store, write_whole, writing
from .targets import Catalogue

if TYPE_CHECKING:
    from astropy.table import Table
    from matplotlib.axes import Axes

__all__ = ["Survey", "finish", "limits_of", "load"]

_SUMMARY = "summary.json"
_SUMMED = ("counts", "errors", "examples", "seconds", "slowest")
_SLOWEST = 10
_WIDTH = 100  # characters of an error that a summary shows
_KINDS = 50  # kinds of errors that a summary lists


@dataclass(frozen=True, eq=False, repr=False)
class Survey:
    """The results of a survey; made by :func:`run` and :func:`load`.

    Attributes
    ----------
    folder : Path
    counts : dict of str to int
        ``"ok"``, ``"failed"``, and ``"missing"``: targets without a result yet.
    errors : dict of str to int
        Kinds of errors and how many targets each has.
    examples : dict of str to str
        Of each kind, the words of the first error.
    seconds : float
        Of computation, over all targets and workers.
    slowest : dict of str to float
        Targets that took longest, with their seconds.
    provenance : Provenance
        What ran, with which seed and versions; what to cite: ``ak.cite(survey)``.
    """

    folder: Path
    counts: Mapping[str, int]
    errors: Mapping[str, int]
    examples: Mapping[str, str]
    seconds: float
    slowest: Mapping[str, float]
    provenance: Provenance = field(repr=False)

    def __len__(self) -> int:
        return self.counts[OK] + self.counts["failed"]

    @property
    def table_file(self) -> Path:
        """The file of the table."""
        known = [self.folder / f"table.{suffix}" for suffix in ("ecsv", "parquet")]
        return next((path for path in known if path.is_file()), known[0])

    @cached_property
    def table(self) -> Table:
        """One row per target, in the order of the catalogue; what does not exist is masked.

        Columns: ``name``, ``status``; per number its name, with ``_lower``, ``_upper``, ``_limit``
        where it has them, and ``_unit`` where units differ; text; ``warnings`` and ``error``.
        """
        return _read_table(self.table_file)

    @cached_property
    def failures(self) -> Table:
        """Targets that failed: columns name, error, where."""
        return _read_table(self.folder / "failures.ecsv")

    def plot_data(self, column: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return the finite values of a column of numbers, ``(n,)``; limits are left out.

        Raises
        ------
        InputError
            For a column that does not exist, holds no numbers, or numbers in different units.
        """
        return _numbers(self.table, column)

    def plot(self, column: str, ax: Axes | None = None) -> Axes:
        """Draw how the values of a column are distributed."""
        from .plots import plot_column

        return plot_column(self, column, ax)

    def __repr__(self) -> str:
        return _text(self)

    def _repr_html_(self) -> str:
        import html

        return f"<pre>{html.escape(_text(self))}</pre>"


def load(folder: str | os.PathLike[str]) -> Survey:
    """Return a survey that is finished, from its folder.

    Parameters
    ----------
    folder : path-like

    Raises
    ------
    ReadError
        If no finished survey is there; an unfinished one is completed by ``run(..., resume=True)``.

    Examples
    --------
    ``survey = ak.survey.load("curves-out")``
    """
    folder = Path(folder)
    try:
        record = json.loads((folder / _SUMMARY).read_text(encoding="utf-8"))
        provenance = Provenance.from_json((folder / "provenance.json").read_text(encoding="utf-8"))
        return Survey(
            folder,
            record["counts"],
            record["errors"],
            record["examples"],
            record["seconds"],
            record["slowest"],
            provenance,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReadError(
            "there is no finished survey in this folder",
            value=folder.name,
            hint="an unfinished one is completed by run(..., resume=True)",
        ) from error


# -- finishing ------------------------------------------------------------------------------------


def finish(store: Store, targets: Catalogue, job: Job) -> Survey:
    """Write table, failures, provenance and report; return the survey."""
    from .report import write_report

    layout = Layout(store, targets.names)
    survey = _summed(store, layout, targets, job)
    known = store.manifest["identity"]
    summary = {n: getattr(survey, n) for n in _SUMMED}
    with writing(store.folder):
        write_table(layout, survey.folder / f"table.{store.format}", {"survey": known})
        write_failures(layout, survey.folder / "failures.ecsv")
        write_whole(store.folder / _SUMMARY, (json.dumps(summary, indent=1) + "\n").encode())
        record = survey.provenance.to_json() + "\n"
        write_whole(store.folder / "provenance.json", record.encode())
        write_whole(store.folder / "summary.txt", (_text(survey) + "\n").encode())
        write_report(survey, store)
    store.update(finished=survey.counts["missing"] == 0)
    return survey


def _summed(store: Store, layout: Layout, targets: Catalogue, job: Job) -> Survey:
    counts: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    examples: dict[str, str] = {}
    citations: dict[str, None] = {}
    seconds: dict[str, float] = {}
    total = 0.0
    for piece in layout.slices():
        for outcome in piece:
            counts[outcome.status] += 1
            if outcome.status != OK:
                kind, _, words = outcome.error.partition(": ")
                errors[kind] += 1
                examples.setdefault(kind, words)
            citations |= dict.fromkeys(outcome.citations)
            seconds[outcome.name] = outcome.seconds
            total += outcome.seconds
        longest = sorted(seconds, key=lambda name: -seconds[name])[:_SLOWEST]
        seconds = {name: seconds[name] for name in longest}
    missing = len(targets) - sum(counts.values())
    kinds = dict(errors.most_common(_KINDS))
    return Survey(
        store.folder,
        {OK: counts[OK], "failed": counts["failed"], "missing": missing},
        kinds,
        {kind: examples[kind] for kind in kinds},
        total,
        seconds,
        _provenance(store, targets, job, citations, total),
    )


def _provenance(
    store: Store, targets: Catalogue, job: Job, citations: Mapping[str, None], seconds: float
) -> Provenance:
    known = store.manifest["identity"]
    recorder = Recorder(
        "astrokit.survey.run",
        {
            "analysis": known["analysis"],
            "options": known["options"],
            "catalogue": targets.label,
            "targets": len(targets),
            "time_limit": job.time_limit,
            "threads": job.threads,
            "code": known["code"],
        },
        seed=np.random.SeedSequence(job.entropy),
        citations=tuple(citations),
        inputs=[
            {"file": part["file"], "rows_read": part["rows"], "sha256": part["sha256"]}
            for part in store.parts
        ],
    )
    for entry in store.manifest["history"]:
        recorder.verdict("; ".join(f"{k} {v}" for k, v in entry.items()))
    began = store.manifest["history"][0]["time"] if store.manifest["history"] else ""
    return replace(recorder.finish(), started=began, duration=seconds)


# -- reading and showing --------------------------------------------------------------------------


def _read_table(path: Path) -> Table:
    from astropy.table import Table

    try:
        if path.suffix != ".parquet":
            return Table.read(path, format="ascii.ecsv")
        table = Table.read(path, format="parquet")
    except (OSError, ValueError) as error:
        raise ReadError("the table of the survey cannot be read", value=path.name) from error
    for name in table.colnames:
        kind = table[name].dtype.kind
        missing = table[name] == "" if kind == "U" else None
        missing = np.isnan(table[name]) if kind == "f" else missing
        if missing is not None and np.any(missing):
            from astropy.table import MaskedColumn

            table[name] = MaskedColumn(table[name], mask=missing)
    return table


def _numbers(table: Table, column: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    numeric = [name for name in table.colnames if table[name].dtype.kind in "fi"]
    if column not in numeric:
        raise InputError(
            "the table has no such column of numbers", value=column, allowed=", ".join(numeric)
        )
    if f"{column}_unit" in table.colnames:
        units = sorted({str(u) for u in np.ma.asarray(table[f"{column}_unit"]).compressed()})
        raise InputError(
            "the units of this column differ from target to target",
            value=f"{column}: {', '.join(units)}",
            hint=f"convert them yourself: survey.table has them in {column}_unit",
        )
    values: Any = np.ma.asarray(table[column], dtype=float).filled(np.nan)
    return values[np.isfinite(values) & ~limits_of(table, column)]


def limits_of(table: Table, column: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return for each row of a survey's table whether a column holds but a limit there."""
    name = f"{column}_limit"
    if name not in table.colnames:
        return np.zeros(len(table), dtype=bool)
    words: Any = np.ma.asarray(table[name]).filled("")
    return words != ""


def _text(survey: Survey) -> str:
    counts = survey.counts
    lines = [
        f"Survey {survey.folder.name}: {name_of(survey.provenance.arguments['analysis'])}",
        f"  {counts[OK]} measured, {counts['failed']} failed, {counts['missing']} missing",
        f"  {survey.seconds:.4g} s of computation, "
        f"{survey.seconds / max(len(survey), 1):.3g} s per target",
    ]
    for kind, n in survey.errors.items():
        words = textwrap.shorten(survey.examples[kind], _WIDTH, placeholder=" ...")
        lines.append(f"  ! {n} x {kind}" + (f", first: {words}" if words else ""))
    return "\n".join(lines)
