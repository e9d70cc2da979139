"""Reproduction: notebooks that are run, and numbers that are held against published ones.

A notebook says ``ak.reproduce.record(...)`` for each number that can be compared; the runner
executes the notebooks, collects what they recorded, and writes a report.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .notebooks import Notebook as Notebook
    from .notebooks import find_notebooks as find_notebooks
    from .rows import Row as Row
    from .rows import RowTable as RowTable
    from .rows import Skipped as Skipped
    from .rows import Sources as Sources
    from .rows import is_fast as is_fast
    from .rows import record as record
    from .rows import skip as skip
    from .rows import summary as summary
    from .runner import NotebookRun as NotebookRun
    from .runner import Report as Report
    from .runner import run as run
else:
    from astrokit._lazy import attach

    __getattr__, __dir__, __all__ = attach(
        __name__,
        {
            "notebooks": ["Notebook", "find_notebooks"],
            "rows": [
                "Row",
                "RowTable",
                "Skipped",
                "Sources",
                "is_fast",
                "record",
                "skip",
                "summary",
            ],
            "runner": ["NotebookRun", "Report", "run"],
        },
    )
