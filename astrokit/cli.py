"""The command ``astrokit``: reproduce, survey, data, cite, info, completion."""

from __future__ import annotations

import argparse
import difflib
import os
import platform
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from ._version import __version__
from .completion import SHELLS, completion_script
from .errors import AstrokitError, InputError

__all__ = ["main"]

# Exit codes: a command can be understood by a script as well as by a reader.
_OK, _DIFFERS, _FAILED = 0, 1, 2
_STOPPED = 130  # as shells give for Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words after ``astrokit``; those of the process by default.

    Returns
    -------
    int
        0 if all is well, 1 if a reproduced value differs, a target of a survey failed or a data
        file is damaged, 2 for a mistake in the command or a file that cannot be read, 130 if it was
        interrupted.

    Examples
    --------
    >>> from astrokit.cli import main
    >>> main(["data", "list", "mrk766.txt"])
    ... # doctest: +ELLIPSIS
    lightcurves/mrk766_xmm/mrk766.txt  mrk766 ...
    0
    """
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.run is None:
        parser.print_help(sys.stderr)
        return _FAILED
    try:
        code: int = chosen.run(chosen)
    except AstrokitError as error:
        print(f"astrokit: {error}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        print("astrokit: stopped", file=sys.stderr)
        return _STOPPED
    except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _OK
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="astrokit",
        description="Power laws, breaks, rhythms and rotation, with calibrated error bars.",
        epilog="'astrokit COMMAND --help' explains each command with examples.",
    )
    parser.add_argument("--version", action="version", version=f"astrokit {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    parser.set_defaults(run=None)
    _add_reproduce(commands)
    _add_survey(commands)
    _add_data(commands)
    _add_cite(commands)
    _add_info(commands)
    _add_completion(commands)
    return parser


class _Parser(argparse.ArgumentParser):
    """Says which word was perhaps meant, and where help is."""

    def error(self, message: str) -> NoReturn:
        near = _near_word(message)
        hint = f"did you mean {near!r}? " if near else ""
        self.exit(_FAILED, f"{self.prog}: {message}\n{hint}'{self.prog} --help' has examples\n")


def _near_word(message: str) -> str:
    """Return the choice that comes nearest to the wrong one of which argparse complains."""
    wrong = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
    if wrong is None:
        return ""
    near = difflib.get_close_matches(wrong[1], re.findall(r"[\w-]+", wrong[2]), n=1)
    return near[0] if near else ""


def _add_command(commands: argparse._SubParsersAction, name: str, what: str, examples: str):  # type: ignore[no-untyped-def, type-arg]
    return commands.add_parser(
        name,
        help=what,
        description=what[0].upper() + what[1:] + ".",
        epilog="examples:\n" + examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_reproduce(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    command = _add_command(
        commands,
        "reproduce",
        "run the notebooks and compare published with measured numbers",
        "  astrokit reproduce                  all notebooks, report in ./astrokit-reproduction\n"
        "  astrokit reproduce 01 --fast        one notebook, shortened chains\n"
        "  astrokit reproduce mine.ipynb       a notebook of your own\n"
        "  astrokit reproduce --list           what there is",
    )
    command.add_argument("names", nargs="*", metavar="NAME", help="notebooks; all if none is named")
    command.add_argument("--fast", action="store_true", help="shorten the chains")
    command.add_argument("--list", action="store_true", help="list the notebooks and stop")
    command.add_argument(
        "--output",
        type=Path,
        default=Path("astrokit-reproduction"),
        metavar="DIR",
        help="folder of the report (default: %(default)s)",
    )
    command.set_defaults(run=_reproduce)


def _add_survey(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    from .survey.command import EXAMPLES, add_arguments

    what = "run one analysis over many targets, resumable"
    command = _add_command(commands, "survey", what, EXAMPLES)
    add_arguments(command)
    command.set_defaults(run=_survey)


def _add_data(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    command = _add_command(
        commands,
        "data",
        "list, fetch or verify the registered data files",
        "  astrokit data list                  everything, and where it is\n"
        "  astrokit data list mrk              names that contain 'mrk'\n"
        "  astrokit data fetch mrk766          print the path, downloading if need be\n"
        "  astrokit data verify                check the checksum of every local file",
    )
    command.add_argument("action", choices=("list", "fetch", "verify"))
    command.add_argument("names", nargs="*", metavar="NAME", help="data files; see 'list'")
    command.set_defaults(run=_data)


def _add_cite(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    command = _add_command(
        commands,
        "cite",
        "print what to cite for a saved result",
        "  astrokit cite posterior.h5          BibTeX and an acknowledgement",
    )
    command.add_argument("file", type=Path, metavar="FILE", help="a result saved by astrokit")
    command.set_defaults(run=_cite)


def _add_info(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    command = _add_command(
        commands,
        "info",
        "print versions, threads and caches, for a bug report",
        "  astrokit info",
    )
    command.set_defaults(run=_info)


def _add_completion(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    command = _add_command(
        commands,
        "completion",
        "print a script that completes commands in a shell",
        "  source <(astrokit completion bash)                     in ~/.bashrc\n"
        "  astrokit completion zsh > ~/.zfunc/_astrokit           a folder of $fpath\n"
        "  astrokit completion fish > ~/.config/fish/completions/astrokit.fish",
    )
    command.add_argument("shell", choices=SHELLS)
    command.set_defaults(run=_completion)


def _reproduce(chosen: argparse.Namespace) -> int:
    from . import reproduce

    if chosen.list:
        notebooks = reproduce.find_notebooks(chosen.names)
        width = max((len(n.name) for n in notebooks), default=0)
        for notebook in notebooks:
            print(f"{notebook.name:<{width}}  {notebook.title}")
        return _OK
    report = reproduce.run(
        chosen.names,
        output=chosen.output,
        fast=chosen.fast,
        progress=lambda text: print(text, end="", flush=True),
    )
    if not report.runs:
        print("there are no notebooks to run")
        return _OK
    print(f"\n{report}")
    print(f"report: {_without_home(report.folder / 'index.html')}")
    return _OK if report.ok else _DIFFERS


def _survey(chosen: argparse.Namespace) -> int:
    from .survey.command import run_command

    text, code = run_command(chosen)
    print(text)
    return code


def _data(chosen: argparse.Namespace) -> int:
    actions = {"list": _data_list, "fetch": _data_fetch, "verify": _data_verify}
    return actions[chosen.action](chosen.names)


def _data_list(fragments: Sequence[str]) -> int:
    from . import datasets

    table = datasets.available()
    rows = [
        (row["name"], row["alias"], row["where"], row["description"])
        for row in table
        if not fragments
        or any(f.lower() in f"{row['name']} {row['alias']}".lower() for f in fragments)
    ]
    if not rows:
        raise InputError("no registered data file has such a name", value=" ".join(fragments))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    for row in rows:
        print("  ".join([*(t.ljust(w) for t, w in zip(row, widths, strict=False)), row[3]]))
    return _OK


def _data_fetch(names: Sequence[str]) -> int:
    from . import datasets

    if not names:
        raise InputError("which file is to be fetched is not said", hint="astrokit data list")
    for name in names:
        print(datasets.fetch(name))
    return _OK


def _data_verify(names: Sequence[str]) -> int:
    from . import datasets
    from .errors import ReadError

    damaged = missing = 0
    wanted = names or datasets.names()
    for name in wanted:
        try:
            where = datasets.verify(name)
        except ReadError as error:
            damaged += 1
            print(error)
            continue
        missing += where == "not here"
        if names:
            print(f"{name}: {where}")
    fine = len(wanted) - damaged - missing
    print(f"{fine} files have their checksum, {damaged} do not, {missing} are not here")
    return _DIFFERS if damaged else _OK


def _cite(chosen: argparse.Namespace) -> int:
    import astrokit as ak

    if not chosen.file.is_file():
        raise InputError("there is no such file", value=str(chosen.file))
    print(ak.cite(ak.inference.load(chosen.file)))
    return _OK


def _info(_: argparse.Namespace) -> int:
    import numba

    from . import datasets
    from .provenance import versions

    facts = {
        **versions(),
        **_extras(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": str(os.cpu_count()),
        "numba threads": str(numba.config.NUMBA_NUM_THREADS),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "not set"),
        "data folder": _without_home(os.environ.get("ASTROKIT_DATA_DIR", "not set")),
        "data cache": _without_home(datasets.cache_folder()),
        "kernel cache": _without_home(numba.config.CACHE_DIR or "beside the installed package"),
    }
    for name, value in facts.items():
        print(f"{name:<16}{value}")
    return _OK


def _extras() -> dict[str, str]:
    """Return the versions of optional packages that are installed."""
    from importlib import metadata

    found = {}
    for name in ("arviz", "dask", "dynesty", "pyarrow", "sbpy", "specutils"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _completion(chosen: argparse.Namespace) -> int:
    print(completion_script(_parser(), chosen.shell), end="")
    return _OK


def _without_home(path: str | Path) -> str:
    """Return a path for a bug report: the home folder, which holds a user's name, as ``~``."""
    home = str(Path.home())
    text = str(path)
    return "~" + text[len(home) :] if text == home or text.startswith(home + os.sep) else text


if __name__ == "__main__":
    sys.exit(main())
