"""The command ``astrokit survey``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CheckpointError, InputError

if TYPE_CHECKING:
    from .config import Configuration
    from .result import Survey

__all__ = ["EXAMPLES", "add_arguments", "run_command"]

EXAMPLES = (
    "  astrokit survey survey.toml                        as the file says\n"
    "  astrokit survey survey.toml --workers 8            on 8 processes of this machine\n"
    "  astrokit survey survey.toml --scheduler tcp://host:8786   on a Dask cluster\n"
    "  astrokit survey survey.toml --resume               go on with what was stopped\n"
    "  astrokit survey survey.toml --resume failed        also try the failed ones again\n"
    "  astrokit survey --list                             the analyses that there are"
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the words after ``astrokit survey``."""
    command.add_argument("config", nargs="?", type=Path, metavar="CONFIG", help="a TOML file")
    command.add_argument("--list", action="store_true", help="list the analyses and stop")
    where = command.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, metavar="N", help="processes on this machine")
    where.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster")
    command.add_argument(
        "--resume",
        nargs="?",
        const=True,
        default=False,
        type=_resume,
        metavar="failed|changed",
        help="go on with the output folder; 'failed': with failed targets, too; "
        "'changed': although code or configuration changed",
    )
    command.add_argument(
        "--allow-code",
        action="store_true",
        help="run a function that is not part of astrokit, if CONFIG names one",
    )


def _resume(word: str) -> str:
    if word not in ("failed", "changed"):
        raise argparse.ArgumentTypeError(
            f"{word!r} is neither 'failed' nor 'changed'; CONFIG comes before --resume"
        )
    return word


def run_command(chosen: argparse.Namespace) -> tuple[str, int]:
    """Run a survey; return what is to be said, and 0, or 1 if targets failed."""
    from . import available, read_config

    if chosen.list:
        return "\n".join(f"{name:<22}{what}" for name, what in available().items()), 0
    if chosen.config is None:
        raise InputError("no configuration is given", hint="astrokit survey survey.toml")
    config = read_config(chosen.config)
    if not config.is_built_in and not chosen.allow_code:
        raise InputError(
            "this configuration runs code that is not part of astrokit",
            value=config.survey["analysis"],
            hint="if you trust it, add --allow-code",
        )
    if not config.is_built_in:
        sys.path.append(str(config.folder.resolve()))  # a module may lie beside its configuration
    given = dict(config.run)
    threads = given.pop("threads", 1)
    executor = chosen.workers or chosen.scheduler or next(iter(given.values()), None)
    if chosen.workers is not None:
        executor = chosen.workers  # also 0, which is refused with a word
    try:
        survey = _run(config, executor, chosen.resume, threads)
    except KeyboardInterrupt:
        return "stopped; what was finished is kept: go on with --resume", 2
    except CheckpointError as error:
        raise _for_the_command_line(error) from error
    lines = [f"table: {survey.table_file}", f"report: {survey.folder / 'report.html'}"]
    if survey.counts["failed"]:
        lines.append(f"failures: {survey.folder / 'failures.ecsv'}")
    return "\n".join([str(survey), *lines]), 1 if survey.counts["failed"] else 0


def _for_the_command_line(error: CheckpointError) -> CheckpointError:
    """Return an error whose way out is a word of the command line, and not a keyword of Python."""
    hint = error.hint or ""
    for keyword, word in (
        ("resume=True", "--resume"),
        ("resume='changed'", "--resume changed"),
        ("resume with 'changed'", "--resume changed"),
    ):
        hint = hint.replace(keyword, word)
    return CheckpointError(
        error.problem, value=error.value, allowed=error.allowed, hint=hint or None
    )


def _run(config: Configuration, executor: Any, resume: bool | str, threads: int) -> Survey:
    from . import run

    keys = ("seed", "time_limit", "format")
    return run(
        config.survey["analysis"],
        config.targets(),
        config.output,
        options=config.options,
        executor=executor,
        resume=resume,
        threads=threads,
        **{key: config.survey[key] for key in keys if key in config.survey},
    )
