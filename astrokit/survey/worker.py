"""What an executor runs: some targets, each in a child process that is kept for the next ones."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Sequence

from .child import Child, ChildDiedError, OtherCodeError, TimedOutError
from .compute import Job, Outcome
from .targets import Target

__all__ = ["close_children", "run_chunk"]

_idle: dict[str, list[Child]] = {}
_busy: dict[str, set[Child]] = {}
_ended: set[str] = set()
_lock = threading.Lock()


def run_chunk(job: Job, targets: Sequence[Target], number: int) -> tuple[list[Outcome], float]:
    """Return the outcomes of some targets, and the seconds that they took.

    Parameters
    ----------
    job : Job
    targets : sequence of Target
    number : int
        Of the task: one that is tried again must not look like the first to a scheduler.
    """
    start = time.perf_counter()
    outcomes = [_one(job, target) for target in targets]
    return outcomes, max(time.perf_counter() - start, 1e-6)


def _one(job: Job, target: Target) -> Outcome:
    """Return the outcome of one target; one that ends its process is tried once more."""
    start = time.perf_counter()
    died = ""
    for _ in range(2):
        child = _take(job)
        try:
            outcome = child.ask(target, job.time_limit)
        except TimedOutError as error:
            child.close()
            spent = time.perf_counter() - start
            return Outcome.failed(target, f"TimeLimit: {error}", seconds=spent)
        except ChildDiedError as error:
            child.close()
            died = error.problem
            if job.key in _ended:  # the run was stopped, and its processes with it
                raise
        except BaseException:
            child.close()
            raise
        else:
            _give_back(job, child)
            return outcome
        finally:
            _busy[job.key].discard(child)
    spent = time.perf_counter() - start
    return Outcome.failed(target, f"WorkerDied: {died}, twice", seconds=spent)


def _take(job: Job) -> Child:
    with _lock:
        busy = _busy.setdefault(job.key, set())
        kept = _idle.get(job.key, [])
        while kept:
            child = kept.pop()
            if child.alive:
                busy.add(child)
                return child
            child.close()
    child = _started(job)
    busy.add(child)
    return child


def _started(job: Job) -> Child:
    """Return a new child; one that dies before it had a target is no target's fault."""
    try:
        return Child(job)
    except ChildDiedError:
        if job.key in _ended:
            raise
    try:
        return Child(job)
    except (ChildDiedError, TimedOutError) as error:
        raise OtherCodeError(
            f"a worker process does not start: {error.problem}",
            hint="its own words stand in the log of the worker",
        ) from error


def _give_back(job: Job, child: Child) -> None:
    with _lock:
        if job.key not in _ended:
            _idle.setdefault(job.key, []).append(child)
            return
    child.close()


def close_children(key: str | None = None) -> None:
    """End the children in this process: those of one job, whatever they compute, or all."""
    with _lock:
        chosen = [key] if key is not None else [*_idle, *_busy]
        _ended.update(chosen)
        idle = [child for k in chosen for child in _idle.pop(k, [])]
        busy = [child for k in chosen for child in _busy.get(k, ())]
    for child in idle:
        child.close()
    for child in busy:
        child.kill()  # the thread that waits for it closes it


atexit.register(close_children)
