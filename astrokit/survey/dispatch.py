"""Targets in, outcomes out: a bounded number of tasks under way, and nobody lost.

A task whose worker died is suspected. Suspects are tried alone, with nothing else under way, so
that a target which brings its worker down again is known, and no other is taken for it. A task
that was lost without its fault, as when a scheduler is restarted, is handed out again.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass
from typing import Any

from ..errors import AstrokitError
from .compute import Job, Outcome, measured
from .targets import Target
from .worker import run_chunk
from .workers import Workers

__all__ = ["Dispatcher", "serial"]

_TASK_SECONDS = 0.5  # targets are bundled until a task takes so long
_MOST = 200  # targets of a task
_PER_WORKER = 3  # tasks under way
_TICK = 0.5  # seconds after which the caller may look at its clock
_LOOK_SECONDS = 2.0
_PATIENCE = 300.0  # seconds without a result after a loss, until the run stops


def serial(job: Job, targets: Iterable[Target]) -> Iterator[Outcome]:
    """Yield the outcomes, computed here; in a child where there is a time limit."""
    if job.time_limit is not None:
        for target in targets:
            yield from run_chunk(job, [target], 0)[0]
        return
    analysis = job.prepared()
    for target in targets:
        yield measured(analysis, target, job.entropy)


@dataclass(frozen=True)
class _Task:
    targets: list[Target]
    alone: bool = False


class Dispatcher:
    """Yields outcomes as they come, and None when a moment passes without one.

    Parameters
    ----------
    job : Job
    targets : iterable of Target
        Taken as they are needed.
    workers : Workers
    total : int
        How many targets there are: the last tasks are kept small, so that all workers share them.
    patience : float
        Seconds to wait for workers that were lost.
    """

    def __init__(
        self,
        job: Job,
        targets: Iterable[Target],
        workers: Workers,
        *,
        total: int,
        patience: float = _PATIENCE,
    ) -> None:
        self._job = job
        self._targets = iter(targets)
        self._workers = workers
        self._left = total
        self._patience = patience
        self._under_way: dict[Future[Any], _Task] = {}
        self._again: deque[Target] = deque()  # lost without a fault
        self._suspects: deque[Target] = deque()
        self._size = 1
        self._number = 0
        self._count = workers.count()
        self._looked = time.monotonic()
        self._loss: BaseException | None = None
        self._lost_since: float | None = None

    def __iter__(self) -> Iterator[Outcome | None]:
        try:
            while self._fill():
                done, _ = wait(self._under_way, timeout=_TICK, return_when=FIRST_COMPLETED)
                for future in done:
                    yield from self._collect(self._under_way.pop(future), future)
                self._mend()
                self._look()
                yield None
        finally:
            for future in self._under_way:
                future.cancel()

    # -- handing out ---------------------------------------------------------------------------

    def _fill(self) -> bool:
        """Submit what may be submitted; False when nothing is left."""
        while task := self._next():
            self._number += 1
            arguments = (self._job, task.targets, self._number)
            try:
                future = self._workers.submit(run_chunk, *arguments)
            except (BrokenExecutor, RuntimeError, OSError) as error:
                if not self._workers.killed(error) and not _is_loss(error):
                    raise
                self._put_back(task)
                self._loss = error
                self._mend()
                continue
            self._under_way[future] = task
        return bool(self._under_way)

    def _next(self) -> _Task | None:
        if self._suspects:
            return None if self._under_way else _Task([self._suspects.popleft()], alone=True)
        if any(task.alone for task in self._under_way.values()):
            return None
        if len(self._under_way) >= _PER_WORKER * self._count:
            return None
        share = math.ceil(self._left / (2 * _PER_WORKER * self._count))
        targets: list[Target] = []
        while len(targets) < max(1, min(self._size, share, _MOST)):
            target = self._again.popleft() if self._again else next(self._targets, None)
            if target is None:
                break
            targets.append(target)
        return _Task(targets) if targets else None

    def _put_back(self, task: _Task) -> None:
        (self._suspects if task.alone else self._again).extendleft(reversed(task.targets))

    # -- collecting ----------------------------------------------------------------------------

    def _collect(self, task: _Task, future: Future[Any]) -> Iterator[Outcome]:
        try:
            outcomes, seconds = future.result()
        except BaseException as error:
            if self._workers.killed(error):
                yield from self._suspect(task, error)
            elif self._workers.lost(error):
                self._put_back(task)
                self._loss = error
            else:
                raise
            return
        self._lost_since = None
        per_target = seconds / len(task.targets)
        self._size = max(1, math.ceil(_TASK_SECONDS / per_target))
        self._left -= len(task.targets)
        yield from outcomes

    def _suspect(self, task: _Task, error: BaseException) -> Iterator[Outcome]:
        if task.alone:
            self._left -= 1
            words = f"WorkerDied: {type(error).__name__}: it took its worker down twice"
            yield Outcome.failed(task.targets[0], words)
        else:
            self._suspects.extend(task.targets)

    def _look(self) -> None:
        """Count the workers anew now and then: clusters grow and shrink."""
        now = time.monotonic()
        if now - self._looked > _LOOK_SECONDS:
            self._count, self._looked = self._workers.count(), now

    def _mend(self) -> None:
        """Find workers again after a loss, or stop with a clear word."""
        error, self._loss = self._loss, None
        if error is None:
            return
        now = time.monotonic()
        self._lost_since = self._lost_since or now
        left = self._patience - (now - self._lost_since)
        if left <= 0 or not self._workers.renew(left):
            raise AstrokitError(
                f"the workers are lost ({self._workers.label})",
                value=f"{type(error).__name__}: {error}",
                hint="start them anew and resume: what was finished is kept",
            ) from error
        self._count = self._workers.count()


def _is_loss(error: BaseException) -> bool:
    """Whether a failed submit means a scheduler or pool that is gone for the moment."""
    text = str(error).lower()
    gone = ("after closing", "shutdown", "not running", "closed", "connect")
    return isinstance(error, OSError) or any(word in text for word in gone)
