"""Surveys: one analysis over many targets, on any number of workers, resumable, one table out.

What it does not do: it has no scheduler of its own, moves no data between machines, and reads no
archive. Workers open the files of their targets themselves.

Where to look
-------------
`run` is the entrance. `targets` (catalogues), `analyses` and `adapters` (what can run), `values`
(what an analysis may return), `compute` (one target), `child` and `worker` (processes), `workers`
and `dispatch` (executors and who gets what), `identity` (what may be resumed), `parts`, `store` and
`assemble` (files), `result`, `report` and `plots`, `config` and `command` (the command line).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .analyses import available as available
    from .config import Configuration as Configuration
    from .config import read_config as read_config
    from .result import Survey as Survey
    from .result import load as load
    from .run import run as run
    from .targets import Catalogue as Catalogue
    from .targets import Target as Target
    from .targets import read_catalogue as read_catalogue
    from .values import Answer as Answer
else:
    from .._lazy import attach

    __getattr__, __dir__, __all__ = attach(
        __name__,
        {
            "analyses": ["available"],
            "config": ["Configuration", "read_config"],
            "result": ["Survey", "load"],
            "run": ["run"],
            "targets": ["Catalogue", "Target", "read_catalogue"],
            "values": ["Answer"],
        },
    )
