"""What an executor runs: some targets, each in a child process that is kept for the next ones."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Sequence

from .child import Child, ChildDiedError, TimedOutError
from .compute import Job, Outcome
from .targets import Target

__all__ = ["close_children", "run_chunk"]

_idle: dict[str, list[Child]] = {}
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
        except BaseException:
            child.close()
            raise
        else:
            _give_back(job, child)
            return outcome
    spent = time.perf_counter() - start
    return Outcome.failed(target, f"WorkerDied: {died}, twice", seconds=spent)


def _take(job: Job) -> Child:
    with _lock:
        kept = _idle.get(job.key, [])
        while kept:
            child = kept.pop()
            if child.alive:
                return child
            child.close()
    return Child(job)


def _give_back(job: Job, child: Child) -> None:
    with _lock:
        _idle.setdefault(job.key, []).append(child)


def close_children(key: str | None = None) -> None:
    """End the idle children of this process: those of one job, or all."""
    with _lock:
        chosen = [key] if key is not None else list(_idle)
        children = [child for k in chosen for child in _idle.pop(k, [])]
    for child in children:
        child.close()


atexit.register(close_children)
