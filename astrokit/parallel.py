"""Map a function over items, serially or through any ``concurrent.futures`` executor.

Only ``executor.submit`` is used, so a process or thread pool, ``mpi4py.futures`` and
``dask.distributed.Client.get_executor()`` all serve. Order is kept, every item has its own seed
(1 worker and n workers give the same numbers), errors are kept per item on request, the function
(with the data bound to it) travels to each worker once, and items are bundled so that a task takes
at least 0.2 s and the overhead of a cluster does not matter.
"""

from __future__ import annotations

import hashlib
import math
import pickle
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import AstrokitError, InputError

__all__ = ["ItemError", "map_items"]

_TASK_SECONDS = 0.2  # a shorter task costs more in transport than in work on a cluster
_KEPT_FUNCTIONS = 4  # per worker: enough for nested studies, small enough for big data
_functions: OrderedDict[str, Callable[..., Any]] = OrderedDict()


@dataclass(frozen=True)
class ItemError:
    """What an item left instead of a result: its position, the error, and where it arose."""

    index: int
    error: Exception
    where: str

    def __str__(self) -> str:
        return f"item {self.index}: {type(self.error).__name__}: {self.error}"


def map_items(
    function: Callable[..., Any],
    items: Iterable[Any],
    *,
    seeds: Sequence[np.random.SeedSequence] | None = None,
    executor: Executor | None = None,
    keep_errors: bool = False,
    progress: bool | str = False,
) -> list[Any]:
    """Return ``[function(item) for item in items]``, wherever it is computed.

    Parameters
    ----------
    function : callable
        ``function(item)``, or ``function(item, seed)`` where `seeds` are given. Bind large data
        with ``functools.partial``: they are sent to each worker once. For a process pool it must
        be importable (no lambda).
    items : iterable
    seeds : sequence of SeedSequence, optional
        One per item, from :func:`astrokit.randomness.spawn`.
    executor : concurrent.futures.Executor, optional
        None computes here, one after the other.
    keep_errors : bool
        An item that raises leaves an :class:`ItemError` in its place; otherwise the first error is
        raised, with the item named.
    progress : bool or str
        Show a progress bar, with this label.

    Returns
    -------
    list
        In the order of `items`.

    Raises
    ------
    InputError
        When `seeds` and `items` differ in length, or the function cannot be sent to a worker.

    Examples
    --------
    >>> from astrokit.parallel import map_items
    >>> map_items(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    items = list(items)
    if seeds is not None and len(seeds) != len(items):
        raise InputError("seeds and items differ in number", value=(len(seeds), len(items)))
    calls = [(i, (item,) if seeds is None else (item, seeds[i])) for i, item in enumerate(items)]
    results: list[Any] = [None] * len(items)
    outcomes = (
        _serial(function, calls) if executor is None else _distributed(function, calls, executor)
    )
    for index, outcome in _with_progress(outcomes, len(items), progress):
        if isinstance(outcome, ItemError) and not keep_errors:
            outcome.error.add_note(f"while computing item {index} of {len(items)}\n{outcome.where}")
            raise outcome.error
        results[index] = outcome
    return results


Call = tuple[int, tuple[Any, ...]]


def _apply(function: Callable[..., Any], call: Call) -> tuple[int, Any]:
    index, arguments = call
    try:
        return index, function(*arguments)
    except Exception as error:  # noqa: BLE001  (kept and named; map_items raises it or hands it over)
        return index, ItemError(index, _portable(error), traceback.format_exc())


def _portable(error: Exception) -> Exception:
    """Return `error`, or a plain copy of its words where it cannot travel between processes."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001  (any failure means the same: it cannot travel)
        return AstrokitError(f"{type(error).__name__}: {error}")
    return error


def _serial(function: Callable[..., Any], calls: Iterable[Call]) -> Iterator[tuple[int, Any]]:
    return (_apply(function, call) for call in calls)


# -- through an executor ------------------------------------------------------------------------


def _distributed(
    function: Callable[..., Any], calls: list[Call], executor: Executor
) -> Iterator[tuple[int, Any]]:
    """Yield outcomes as they come; keep a bounded number of tasks under way."""
    payload = _pickled(function)
    key = hashlib.sha256(payload).hexdigest()
    under_way: dict[Future[Any], list[Call]] = {}
    waiting = list(reversed(calls))
    size, limit = 1, 4 * _workers(executor)
    try:
        while waiting or under_way:
            while waiting and len(under_way) < limit:
                chunk = [waiting.pop() for _ in range(min(size, len(waiting)))]
                under_way[executor.submit(_run_chunk, key, None, chunk)] = chunk
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                chunk = under_way.pop(future)
                answer = future.result()
                if answer is None:  # this worker meets the function for the first time
                    under_way[executor.submit(_run_chunk, key, payload, chunk)] = chunk
                    continue
                outcomes, seconds = answer
                share = math.ceil(len(calls) / (2 * limit))  # leave work for every worker
                size = max(1, min(share, math.ceil(_TASK_SECONDS * len(chunk) / seconds)))
                yield from outcomes
    except BrokenExecutor as error:
        raise AstrokitError(
            "a worker of the executor died",
            hint="make a new executor; out of memory is the usual reason, so try fewer workers",
        ) from error
    finally:
        for future in under_way:
            future.cancel()


def _pickled(function: Callable[..., Any]) -> bytes:
    try:
        return pickle.dumps(function, protocol=pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InputError(
            "the function cannot be sent to a worker",
            value=str(error),
            hint="define it at the top level of an importable module, not as a lambda",
        ) from error


def _workers(executor: Executor) -> int:
    """Return the executor's worker count where it tells, a generous guess where not."""
    return int(getattr(executor, "_max_workers", 0) or 64)


def _run_chunk(
    key: str, payload: bytes | None, chunk: list[Call]
) -> tuple[list[tuple[int, Any]], float] | None:
    """Compute a chunk in a worker; None asks for the function, which it has not seen yet."""
    if key not in _functions:
        if payload is None:
            return None
        _functions[key] = pickle.loads(payload)
        while len(_functions) > _KEPT_FUNCTIONS:
            _functions.popitem(last=False)
    start = time.perf_counter()
    outcomes = [_apply(_functions[key], call) for call in chunk]
    return outcomes, max(time.perf_counter() - start, 1e-6)


def _with_progress(
    outcomes: Iterator[tuple[int, Any]], total: int, progress: bool | str
) -> Iterator[tuple[int, Any]]:
    if not progress:
        return outcomes
    from tqdm import tqdm  # not tqdm.auto, which warns in notebooks without widgets

    label = progress if isinstance(progress, str) else None
    return iter(tqdm(outcomes, total=total, desc=label))
