"""`run`: one analysis over many targets, with results that stay."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from ..boundary import as_scalar
from ..errors import CheckpointError, InputError
from ..randomness import as_seed_sequence
from . import identity as identities
from .analyses import require_options, resolve
from .compute import FAILED, OK, Job, Outcome
from .dispatch import Dispatcher, serial
from .result import Survey, finish
from .store import Store
from .targets import Catalogue, read_catalogue
from .worker import close_children
from .workers import Workers, workers_for

__all__ = ["run"]

_FLUSH_ROWS = 1000
_FLUSH_SECONDS = 2.0
_FLUSH_SHARE = 0.01  # of the time so far: a survey of weeks has some thousand parts
_LEFT, _DONE, _FAILED = 0, 1, 2
_RESUME = (False, True, "failed", "changed")


def run(
    analysis: str | Callable[..., Any],
    catalogue: Any,
    output: str | os.PathLike[str],
    *,
    options: Mapping[str, Any] | None = None,
    executor: int | str | Executor | None = None,
    seed: int = 0,
    time_limit: float | None = None,
    resume: bool | str = False,
    format: str = "ecsv",
    threads: int = 1,
    progress: bool | None = None,
) -> Survey:
    """Run one analysis over many targets; stop, resume, and get one table.

    Parameters
    ----------
    analysis : str or callable
        A built-in one, see :func:`available`: "timing.characterize", "spectra.fit",
        "bursts.find_break", "complexity.hc", "comets.fit_index", "bars.pattern_speed". Or a
        function of yours, importable or written ``"module:function"``: ``f(target, *, seed,
        **options)`` gets a :class:`Target` and a ``SeedSequence`` and returns a mapping of names
        to Estimates, numbers, Quantities, text or bool.
    catalogue : Catalogue, Table, path-like or sequence of path-like
        As for :func:`read_catalogue`, which has options of its own.
    output : path-like
        Folder of the results; see Notes.
    options : mapping, optional
        Keywords for the analysis.
    executor : int, str, Executor or Dask client, optional
        A number of worker processes on this machine; the address of a Dask scheduler, such as
        "tcp://host:8786"; or anything with ``submit``: a process pool, MPI futures. None computes
        one after the other, and without `time_limit` in this process itself: a target that crashes
        then ends the run. 1 guards against that.
    seed : int
        Each target's seed comes from this and its name: order, number of workers and restarts
        change no number.
    time_limit : float or Quantity, optional
        Seconds after which a target is given up.
    resume : {False, True, "failed", "changed"}
        Go on with what is in `output`: with the rest; also with those that failed; or even though
        code, options, seed, versions, targets or files of the survey are no longer the same. What
        is finished stays, except changed targets and damaged parts.
    format : {"ecsv", "parquet"}
    threads : int
        Of BLAS and numba, in each worker process.
    progress : bool, optional
        Show a bar with rate and time left; by default in a terminal or notebook.

    Returns
    -------
    Survey

    Raises
    ------
    InputError
        For what can be known to be wrong before anything runs.
    CheckpointError
        If `output` holds a survey and `resume` is False, or one of other code or configuration; if
        another run writes there.
    AstrokitError
        If results cannot be written, or all workers are lost. What was finished stays.

    Notes
    -----
    A target that raises, exceeds the time limit, or ends its worker process (after a second try)
    is a row with its error, and the run goes on. Workers are new processes; each opens the files of
    its targets itself.

    `output` holds ``table.ecsv`` (or ``.parquet``), ``failures.ecsv``, ``report.html``,
    ``summary.txt``, ``provenance.json``, the manifest ``survey.json``, and ``parts``: rows as they
    came, each part written whole or not at all.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> import astrokit as ak
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for i in range(3):
    ...         rate = np.random.default_rng(i).normal(50, 2, 400)
    ...         curve = ak.LightCurve(np.arange(400.0), rate, np.full(400, 2.0))
    ...         path = ak.lightcurve.write_lightcurve(curve, pathlib.Path(folder, f"star{i}.ecsv"))
    ...     survey = ak.survey.run("complexity.hc", f"{folder}/*.ecsv", f"{folder}/out",
    ...                            options={"n": 4})
    ...     survey.table["name", "zone"].pformat()[-1].split()
    ['star2.ecsv', 'stochastic']
    """
    reference, function, folder = resolve(analysis)
    if not isinstance(options or {}, Mapping):
        raise InputError(
            "options must be a mapping of names to values", value=options, hint="such as {'n': 5}"
        )
    given = dict(options or {})
    require_options(function, given)
    targets = read_catalogue(catalogue)
    job = Job(
        reference,
        identities.packed_options(given),
        _entropy(seed),
        _limit(time_limit),
        _threads(threads),
        (folder,) if folder else (),
        identities.code_checksum(reference, function),
        uuid4().hex,
    )
    known = identities.identity(reference, function, given, job.entropy)
    if resume not in _RESUME:
        raise InputError("resume is unknown", value=resume, allowed=str(_RESUME))
    store = Store(Path(output), format)
    workers = workers_for(executor)
    try:
        store.open()
        state = _begun(store, targets, known, resume)
        _compute(store, targets, job, state, workers, progress)
        return finish(store, targets, job)
    finally:
        store.close()
        if workers is not None:
            workers.close()
        close_children(job.key)


# -- what is asked --------------------------------------------------------------------------------


def _entropy(seed: Any) -> int:
    as_seed_sequence(seed)  # refuses negative ones
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise InputError(
            "the seed of a survey is a whole number, so that it can be resumed",
            value=str(seed),
            hint="give one, such as seed=1",
        )
    return int(seed)


def _limit(time_limit: Any) -> float | None:
    if time_limit is None:
        return None
    return as_scalar(time_limit, "time_limit", unit="s", positive=True)


def _threads(threads: int) -> int:
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise InputError("threads must be a whole number", value=threads, allowed=">= 1")
    return threads


# -- what is done ---------------------------------------------------------------------------------


def _begun(
    store: Store, targets: Catalogue, known: dict[str, Any], resume: bool | str
) -> bytearray:
    """Return for each target whether it is done; start the store, or refuse to go on."""
    if not store.exists:
        store.begin(known, len(targets))
        return bytearray(len(targets))
    if resume is False:
        raise CheckpointError(
            "there is a survey in this folder",
            value=store.folder.name,
            hint="go on with it by resume=True, or choose another folder",
        )
    asked = store.format
    store.load()
    if store.format != asked:
        raise CheckpointError(
            "the survey in this folder has another format",
            value=asked,
            allowed=store.format,
        )
    changed = identities.differences(store.manifest["identity"], known)
    if changed and resume != "changed":
        raise CheckpointError(
            "this is not the survey in the folder: " + "; ".join(changed),
            hint="choose another folder, or go on all the same with resume='changed'",
        )
    forgotten = store.forget_damaged() if resume == "changed" else []
    state = _state(store, targets, resume)
    if changed or forgotten:
        store.note(changed=changed, damaged_parts=forgotten, finished_before=sum(map(bool, state)))
    store.update(identity=known, targets=len(targets), finished=False)
    return state


def _state(store: Store, targets: Catalogue, resume: bool | str) -> bytearray:
    place = {name: i for i, name in enumerate(targets.names)}
    state = bytearray(len(targets))
    other = []
    for part in store.parts:
        for name, fingerprint, status in store.keys_of(part):
            i = place.get(name)
            if i is None:
                continue  # no longer in the catalogue: its row stays in the part
            if fingerprint == targets[i].fingerprint:
                state[i] = _DONE if status == OK else _FAILED
            else:
                state[i] = _LEFT
                other.append(name)
    other = [name for name in dict.fromkeys(other) if state[place[name]] == _LEFT]
    if other and resume != "changed":
        raise CheckpointError(
            f"{len(other)} finished targets have another path or other values in the catalogue",
            value=", ".join(other[:3]),
            hint="choose another folder, or compute them again with resume='changed'",
        )
    if resume == "failed":
        state = bytearray(_LEFT if s == _FAILED else s for s in state)
    return state


# -- the run --------------------------------------------------------------------------------------


def _compute(
    store: Store,
    targets: Catalogue,
    job: Job,
    state: bytearray,
    workers: Workers | None,
    progress: bool | None,
) -> None:
    left = state.count(_LEFT)
    if not left:
        return
    todo = (targets[i] for i in range(len(targets)) if state[i] == _LEFT)
    store.note(run="serial" if workers is None else workers.label, targets=left)
    outcomes: Iterable[Outcome | None] = (
        serial(job, todo) if workers is None else Dispatcher(job, todo, workers, total=left)
    )
    counts = Counter({OK: state.count(_DONE), FAILED: state.count(_FAILED)})
    _keep(store, _shown(outcomes, len(targets), counts, progress))


@dataclass
class _Buffer:
    """Outcomes that are not written yet."""

    store: Store
    rows: list[Outcome] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    written: float = field(default_factory=time.monotonic)

    def flush(self) -> None:
        self.store.append(self.rows)
        self.rows = []  # not before: who interrupts the writing gets another try
        self.written = time.monotonic()

    def flush_if_due(self) -> None:
        now = time.monotonic()
        wait = max(_FLUSH_SECONDS, _FLUSH_SHARE * (now - self.began))
        if self.rows and (len(self.rows) >= _FLUSH_ROWS or now - self.written > wait):
            self.flush()


def _keep(store: Store, outcomes: Iterable[Outcome | None]) -> None:
    """Write outcomes in parts: many together, but not later than a moment after they came."""
    buffer = _Buffer(store)
    try:
        for outcome in outcomes:
            if outcome is not None:
                buffer.rows.append(outcome)
            buffer.flush_if_due()
    finally:
        buffer.flush()  # also when the run is stopped: nothing that was computed is lost


def _shown(
    outcomes: Iterable[Outcome | None], total: int, counts: Counter[str], progress: bool | None
) -> Iterator[Outcome | None]:
    """Pass outcomes on, behind a bar with rate, time left and the number of failures."""
    from tqdm import tqdm

    done = sum(counts.values())
    shown = _wants_progress(progress)
    with tqdm(total=total, initial=done, desc="survey", unit=" targets", disable=not shown) as bar:
        for outcome in outcomes:
            if outcome is not None:
                counts[outcome.status] += 1
                bar.update()
                if outcome.status == FAILED:
                    bar.set_postfix_str(f"{counts[FAILED]} failed", refresh=False)
            yield outcome


def _wants_progress(progress: bool | None) -> bool:
    if progress is not None:
        return progress
    if os.environ.get("ASTROKIT_PROGRESS") == "0":
        return False
    return "ipykernel" in sys.modules or bool(getattr(sys.stderr, "isatty", lambda: False)())
