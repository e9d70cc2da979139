"""One target: what runs in a worker, and the record that it leaves."""

from __future__ import annotations

import hashlib
import importlib
import os
import pickle
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..errors import AstrokitError, InputError
from .targets import Target
from .values import Cell, cells_of, citations_of

__all__ = ["FAILED", "OK", "Job", "Outcome", "imported", "measured", "target_seed"]

OK, FAILED = "ok", "failed"
_MOST_WARNINGS = 5
_LONGEST = 500  # characters of an error that a table keeps


@dataclass(frozen=True)
class Job:
    """What every worker needs once.

    Attributes
    ----------
    analysis : str
        ``"module:function"``.
    pickled : bytes
        The options. They travel packed, since a scheduler need not know their classes.
    entropy : int
        Of the survey's seed.
    time_limit : float or None
        Seconds for each target.
    threads : int
        Of BLAS and numba, in each worker.
    search_path : tuple of str
        Where a user's module lies.
    code : str
        Checksum of the code; a worker with other code refuses.
    run : str
        Tells one run from another of the same job.
    """

    analysis: str
    pickled: bytes
    entropy: int
    time_limit: float | None = None
    threads: int = 1
    search_path: tuple[str, ...] = ()
    code: str = ""
    run: str = ""

    @property
    def key(self) -> str:
        """A checksum that tells jobs apart."""
        return hashlib.sha256(repr(self).encode()).hexdigest()

    def prepared(self) -> partial[Any]:
        """Return the analysis with its options: a function of a target and a seed.

        Raises
        ------
        InputError
            If it cannot be imported.
        """
        for folder in self.search_path:
            if folder not in sys.path:
                sys.path.append(folder)
        return partial(imported(self.analysis), **pickle.loads(self.pickled))


def imported(reference: str) -> Callable[..., Any]:
    """Return the function that ``"module:function"`` names.

    Raises
    ------
    InputError
        If it cannot be imported.
    """
    module, _, name = reference.partition(":")
    try:
        function: Any = importlib.import_module(module)
        for part in name.split("."):
            function = getattr(function, part)
    except (ImportError, AttributeError) as error:
        raise InputError(
            "the analysis cannot be imported",
            value=f"{reference}: {error}",
            hint="put it at the top level of a module that workers can import",
        ) from error
    return function


@dataclass(frozen=True)
class Outcome:
    """What one target left: its cells, or the error.

    Attributes
    ----------
    name, fingerprint : str
    status : {"ok", "failed"}
    cells : dict
    error, where : str
        Class and words of the error; file, line and function in which it arose.
    seconds : float
    warnings, citations : tuple of str
    """

    name: str
    fingerprint: str
    status: str
    cells: dict[str, Cell] = field(default_factory=dict)
    error: str = ""
    where: str = ""
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    citations: tuple[str, ...] = ()

    @classmethod
    def failed(
        cls, target: Target, error: str, *, seconds: float = 0.0, where: str = ""
    ) -> Outcome:
        """Return the record of a target that has no result."""
        return cls(
            target.name,
            target.fingerprint,
            FAILED,
            error=_one_line(error),
            where=where,
            seconds=seconds,
        )


def target_seed(entropy: int, name: str) -> np.random.SeedSequence:
    """Return the seed of a target: of its name and the survey's seed, and of nothing else.

    Examples
    --------
    >>> from astrokit.survey.compute import target_seed
    >>> target_seed(1, "Mrk 766").spawn_key == target_seed(1, "Mrk 421").spawn_key
    False
    """
    digest = hashlib.sha256(name.encode("utf-8", "backslashreplace")).digest()[:16]
    words = np.frombuffer(digest, dtype="<u4")
    return np.random.SeedSequence(entropy, spawn_key=tuple(int(w) for w in words))


def measured(analysis: Callable[..., Any], target: Target, entropy: int) -> Outcome:
    """Return what the analysis says of one target; its error is a record, too."""
    start = time.perf_counter()
    seed = target_seed(entropy, target.name)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            answer = analysis(target, seed=seed)
            cells, citations = cells_of(answer), citations_of(answer)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (kept in the table)
            spent = time.perf_counter() - start
            where = _where(error)
            return Outcome.failed(target, _words(error), seconds=spent, where=where)
    return Outcome(
        target.name,
        target.fingerprint,
        OK,
        cells,
        seconds=time.perf_counter() - start,
        warnings=_texts(caught),
        citations=citations,
    )


def _texts(caught: list[warnings.WarningMessage]) -> tuple[str, ...]:
    """Return what concerns data; how code was compiled or called differs from worker to worker."""
    kept = [
        f"{w.category.__name__}: {_one_line(str(w.message))}"
        for w in caught
        if issubclass(w.category, UserWarning | RuntimeWarning)
        and not w.category.__module__.startswith(("numba", "distributed"))
    ]
    return tuple(dict.fromkeys(kept))[:_MOST_WARNINGS]


def _words(error: BaseException) -> str:
    text = str(error) if isinstance(error, AstrokitError) else str(error) or "without a message"
    return f"{type(error).__name__}: {text}"


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return ""
    last = frames[-1]
    return f"{os.path.basename(last.filename)}:{last.lineno} in {last.name}"


def _one_line(text: str) -> str:
    line = " ".join(text.encode("utf-8", "backslashreplace").decode().split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 4] + " ..."
