"""A survey in a TOML file: plain values only, and nothing that is not known."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError, ReadError
from .analyses import BUILT_IN
from .targets import Catalogue, read_catalogue

__all__ = ["Configuration", "read_config"]

_LARGEST = 1 << 20  # bytes
_TABLES: dict[str, dict[str, tuple[type, ...]]] = {
    "survey": {
        "analysis": (str,),
        "output": (str,),
        "seed": (int,),
        "time_limit": (int, float),
        "format": (str,),
    },
    "catalogue": {
        "source": (str,),
        "name": (str,),
        "path": (str,),
        "root": (str,),
        "format": (str,),
    },
    "run": {"workers": (int,), "scheduler": (str,), "threads": (int,)},
}
_NEEDED = {"survey": ("analysis", "output"), "catalogue": ("source",)}


@dataclass(frozen=True)
class Configuration:
    """A survey as a file describes it; made by :func:`read_config`.

    Attributes
    ----------
    folder : Path
        Of the file; relative paths begin here.
    survey, catalogue, run, options : dict
        The tables of the file.
    """

    folder: Path
    survey: Mapping[str, Any]
    catalogue: Mapping[str, Any]
    run: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_built_in(self) -> bool:
        """Whether the analysis is one of astrokit, not code of somebody else."""
        return self.survey["analysis"] in BUILT_IN

    @property
    def output(self) -> Path:
        """The folder of the results."""
        return self.folder / self.survey["output"]

    def targets(self) -> Catalogue:
        """Return the targets."""
        c = dict(self.catalogue)
        source = str(self.folder / c.pop("source"))
        if "root" in c:
            c["root"] = self.folder / c["root"]
        return read_catalogue(source, **c)


def read_config(path: str | Path) -> Configuration:
    """Read the description of a survey.

    Parameters
    ----------
    path : path-like
        TOML with the tables ``survey`` (analysis, output, seed, time_limit, format), ``catalogue``
        (source, and name, path, root, format as for :func:`read_catalogue`), ``run`` (workers or
        scheduler, threads) and ``options`` (of the analysis).

    Returns
    -------
    Configuration

    Raises
    ------
    ReadError
        For what is no TOML.
    InputError
        For unknown, missing or wrong entries.

    Examples
    --------
    >>> import pathlib, tempfile, astrokit as ak
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "survey.toml"
    ...     size = path.write_text('''
    ...         [survey]
    ...         analysis = "complexity.hc"
    ...         output = "out"
    ...         [catalogue]
    ...         source = "curves/*.fits"
    ...         [options]
    ...         n = 4
    ...     ''')
    ...     ak.survey.read_config(path).options
    {'n': 4}
    """
    path = Path(path)
    try:
        if path.stat().st_size > _LARGEST:
            raise ReadError("the configuration is too large", value=path.name, allowed="1 MB")
        content = tomllib.loads(path.read_bytes().decode("utf-8"))
    except ReadError:
        raise
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ReadError(
            "the configuration cannot be read", value=f"{path.name}: {error}"
        ) from error
    known = (*_TABLES, "options")
    for table in content:
        _require_known(table, known, "the configuration has an unknown table")
        if not isinstance(content[table], dict):
            raise InputError(
                f"{table} stands outside of a table", hint=f"write [{table}] and entries below it"
            )
    for table, entries in _TABLES.items():
        _check(table, content.get(table, {}), entries)
    if {"workers", "scheduler"} <= set(content.get("run", {})):
        raise InputError("give workers or a scheduler, not both", value="[run]")
    return Configuration(path.parent, **content)


def _check(table: str, found: Mapping[str, Any], entries: Mapping[str, tuple[type, ...]]) -> None:
    for name, value in found.items():
        _require_known(name, tuple(entries), f"[{table}] has an unknown entry")
        if not isinstance(value, entries[name]) or isinstance(value, bool):
            kinds = " or ".join(kind.__name__ for kind in entries[name])
            raise InputError(f"{name} in [{table}] has the wrong type", value=value, allowed=kinds)
    for name in _NEEDED.get(table, ()):
        if name not in found:
            raise InputError(f"[{table}] needs {name}", hint=f"write {name} = ... below [{table}]")


def _require_known(name: str, known: tuple[str, ...], problem: str) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"perhaps you mean {near[0]!r}" if near else None
        raise InputError(problem, value=name, allowed=", ".join(known), hint=hint)
