"""Running notebooks headless, and collecting what they recorded."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astrokit.errors import InputError

from .notebooks import Notebook, find_notebooks
from .rows import MEDIA_TYPE, Row, RowTable, Skipped, Sources

if TYPE_CHECKING:
    from astropy.table import Table

    from astrokit.citations import Citation

__all__ = ["NotebookRun", "Report", "run"]

_CELL_TIMEOUT = 1800  # seconds; a cell that takes longer hangs rather than computes
# Runs after the cells of a notebook, in its kernel, and is taken away again.
_ASK_FOR_SOURCES = """\
from IPython.display import display
from astrokit.reproduce import Sources
display(Sources.of_this_process())
"""
_ANSI_COLORS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class NotebookRun:
    """One executed notebook.

    Attributes
    ----------
    notebook : Notebook
    rows : tuple of Row or Skipped
        What it recorded.
    seconds : float
        Wall-clock time.
    error : str
        What stopped it, or "".
    sources : Sources
        Data and references that it used; empty for one that was stopped.
    """

    notebook: Notebook
    rows: tuple[Row | Skipped, ...]
    seconds: float
    error: str = ""
    sources: Sources = field(default_factory=Sources)

    @property
    def ok(self) -> bool:
        """True if it ran to its end and no recorded value differs."""
        return not self.error and not self.count("differs")

    def count(self, verdict: str) -> int:
        """Return the number of rows with this verdict ("skipped" counts skipped parts)."""
        verdicts = [r.verdict if isinstance(r, Row) else "skipped" for r in self.rows]
        return verdicts.count(verdict)

    def __str__(self) -> str:
        parts = [
            f"{n} {word}"
            for word in ("agrees", "differs", "context", "skipped")
            if (n := self.count(word))
        ]
        done = ", ".join(parts).replace("agrees", "agree").replace("differs", "differ")
        outcome = f"FAILED: {self.error.splitlines()[-1]}" if self.error else done or "no values"
        return f"{self.seconds:.0f} s, {outcome}"


@dataclass(frozen=True)
class Report:
    """What a reproduction run gave.

    Attributes
    ----------
    runs : tuple of NotebookRun
    folder : pathlib.Path
        Where ``index.html``, ``results.json``, ``results.ecsv`` and the executed notebooks are.
    fast : bool
    started : str
        UTC, ISO 8601.
    """

    runs: tuple[NotebookRun, ...]
    folder: Path
    fast: bool = False
    started: str = ""

    @property
    def ok(self) -> bool:
        """True if every notebook ran to its end and no recorded value differs."""
        return all(run.ok for run in self.runs)

    @property
    def seconds(self) -> float:
        """Wall-clock time of all notebooks."""
        return sum(run.seconds for run in self.runs)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON types: what ``results.json`` holds."""
        from astrokit.provenance import versions

        return {
            "ok": self.ok,
            "fast": self.fast,
            "started": self.started,
            "seconds": round(self.seconds, 1),
            "versions": dict(versions()),
            "notebooks": [_run_as_dict(run) for run in self.runs],
        }

    def to_table(self) -> Table:
        """Return one row per recorded value or skipped part: what ``results.ecsv`` holds.

        Columns: notebook, quantity, kind, measured and published with their lower and upper
        errors, unit (text, since rows differ), difference in sigma, tolerance, verdict, reference
        and note. Numbers of a skipped part are NaN.
        """
        from .tables import results_table

        return results_table(self)

    def citation(self) -> Citation:
        """Return what to cite for all notebooks together."""
        from astrokit.provenance import cite

        return cite(*(key for run in self.runs for key in run.sources.citations))

    def __str__(self) -> str:
        blocks = [f"{r.notebook.title}\n\n{RowTable(r.rows)}\n" for r in self.runs if r.rows]
        blocks += [f"{r.notebook.name} failed:\n{r.error}\n" for r in self.runs if r.error]
        return "\n".join(blocks)


def run(
    names: Iterable[str] = (),
    *,
    output: str | Path = "astrokit-reproduction",
    fast: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Run notebooks in fresh kernels and write the report.

    Parameters
    ----------
    names : iterable of str
        As in :func:`astrokit.reproduce.find_notebooks`; empty for all.
    output : path
        Folder for the executed notebooks, their HTML, ``index.html``, ``results.json`` and
        ``results.ecsv``.
    fast : bool
        Ask the notebooks for shorter chains (``ak.reproduce.is_fast()`` is True in them).
    progress : callable, optional
        Called with pieces of text as the work goes on; ``print`` with ``end=""`` fits.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        For an unknown notebook, or a folder that cannot be made.

    Examples
    --------
    ``ak.reproduce.run(["01"], output="report").ok``
    """
    from .page import write_index, write_notebook

    say = progress or (lambda _: None)
    notebooks = find_notebooks(names)
    folder = Path(output).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            "the folder for the report cannot be made",
            value=f"{output}: {error.strerror}",
            hint="choose another one with output=, on the command line --output",
        ) from error
    started = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    width = max((len(n.name) for n in notebooks), default=0)
    runs = []
    for i, notebook in enumerate(notebooks, start=1):
        say(f"[{i}/{len(notebooks)}] {notebook.name:<{width}}  ")
        executed, result = _execute(notebook, fast)
        write_notebook(executed, folder, notebook.name)
        say(f"{result}\n")
        runs.append(result)
    report = Report(tuple(runs), folder, fast, started)
    write_index(report)
    return report


def _execute(notebook: Notebook, fast: bool) -> tuple[Any, NotebookRun]:
    """Run one notebook in an empty folder; return it with its outputs, and what it recorded."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    from .kernel import OwnKernelManager

    content = nbformat.read(notebook.path, as_version=4)
    asking = nbformat.v4.new_code_cell(_ASK_FOR_SOURCES)
    content.cells.append(asking)
    error = ""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="astrokit-", ignore_cleanup_errors=True) as folder:
        client = NotebookClient(
            content,
            timeout=_CELL_TIMEOUT,
            kernel_name="python3",
            kernel_manager_class=OwnKernelManager,
            # Quiet below errors: the kernel's own start-up notices would break the progress line.
            extra_arguments=["--IPKernelApp.log_level=40"],
            resources={"metadata": {"path": folder}},
        )
        try:
            client.execute(env=_environment(folder, fast))
        except CellExecutionError as failure:
            error = _explain(failure, content)
        except (CellTimeoutError, DeadKernelError) as failure:
            error = str(failure).strip()
    content.cells.remove(asking)
    seconds = time.perf_counter() - start
    return content, NotebookRun(
        notebook, tuple(_recorded(content)), seconds, error, _sources(asking)
    )


def _explain(failure: Any, content: Any) -> str:
    """Return which cell failed, its traceback without colours, and the error as last line."""
    stopped = [
        number
        for number, cell in enumerate(content.cells, start=1)
        if any(output.output_type == "error" for output in cell.get("outputs", ()))
    ]
    own = len(content.cells) - 1  # the last one asks for the sources and is ours
    where = f"in cell {stopped[0]} of {own}:\n" if stopped else ""
    text = _ANSI_COLORS.sub("", failure.traceback).strip()
    # What stands before the long rule repeats the source of the cell.
    return where + re.split(r"-{60,}\n", text)[-1]


def _environment(folder: str, fast: bool) -> dict[str, str]:
    """Return the kernel's environment: figures inline, no start-up files of the user's IPython."""
    environment = {
        **os.environ,
        "ASTROKIT_FAST": "1" if fast else "",
        "ASTROKIT_PROGRESS": "0",  # a page would keep every state of a progress bar
        "IPYTHONDIR": os.path.join(folder, ".ipython"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # no debugger notices from older kernels
    }
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file():
        # A checkout that is not installed is importable here only, not in the empty folder.
        paths = [str(checkout), os.environ.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    return environment


def _recorded(content: Any) -> list[Row | Skipped]:
    """Return the rows that the outputs of an executed notebook hold."""
    rows: list[Row | Skipped] = []
    for cell in content.cells:
        for output in cell.get("outputs", ()):
            values = dict(output.get("data", {}).get(MEDIA_TYPE, {}))
            kind = values.pop("type", None)
            if kind == "row":
                rows.append(Row.from_dict(values))
            elif kind == "skipped":
                rows.append(Skipped(**values))
    return rows


def _sources(cell: Any) -> Sources:
    """Return the sources that the last cell reported, or none where it was not reached."""
    for output in cell.get("outputs", ()):
        values = output.get("data", {}).get(MEDIA_TYPE, {})
        if values.get("type") == "sources":
            return Sources(tuple(values["citations"]), tuple(values["data"]))
    return Sources()


def _run_as_dict(run: NotebookRun) -> dict[str, Any]:
    rows = [
        {"verdict": r.verdict, "sigma": None if r.sigma != r.sigma else r.sigma, **r.as_dict()}
        if isinstance(r, Row)
        else {"verdict": "skipped", **r.as_dict()}
        for r in run.rows
    ]
    return {
        "name": run.notebook.name,
        "title": run.notebook.title,
        "ok": run.ok,
        "seconds": round(run.seconds, 1),
        "error": run.error,
        **run.sources.as_dict(),
        "rows": rows,
    }
