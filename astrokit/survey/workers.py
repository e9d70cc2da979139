"""Where a survey computes: local workers, any executor, or a Dask cluster, through ``submit``."""

from __future__ import annotations

import abc
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from typing import Any

from ..errors import AstrokitError, InputError, MissingDependencyError

__all__ = ["Workers", "workers_for"]

_UNKNOWN = 16  # workers of an executor that does not tell
_RECONNECT = 20.0  # seconds of an attempt to find a scheduler


class Workers(abc.ABC):
    """Some workers: tasks go in by :meth:`submit`; a lost executor is replaced by `renew`."""

    label: str

    @abc.abstractmethod
    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Return the future of ``function(*arguments)``."""

    @abc.abstractmethod
    def count(self) -> int:
        """Return how many tasks run at a time."""

    def renew(self, patience: float) -> bool:
        """Make the workers usable again after a loss; False if that cannot be done."""
        return False

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of what was made here."""

    @staticmethod
    def killed(error: BaseException) -> bool:
        """Whether an error means that a worker died while it had the task."""
        return isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker"

    @staticmethod
    def lost(error: BaseException) -> bool:
        """Whether an error means that a task was lost without a fault of its own."""
        module = type(error).__module__.partition(".")[0]
        lost = isinstance(error, CancelledError | ConnectionError | EOFError)
        return lost or (module == "distributed" and not Workers.killed(error))


class Local(Workers):
    """Threads of this process, each with a spawned worker process to compute in."""

    def __init__(self, n: int) -> None:
        self._n = n
        self._pool = ThreadPoolExecutor(n, thread_name_prefix="survey")
        self.label = f"{n} local worker processes"

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        return self._pool.submit(function, *arguments)

    def count(self) -> int:
        return self._n

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


class Given(Workers):
    """An executor of the user's. A process pool that broke is replaced by one like it."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._own: Executor | None = None
        self._known = 1
        self.label = type(executor).__name__

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        return (self._own or self._executor).submit(function, *arguments)

    def count(self) -> int:
        client = getattr(self._executor, "_client", None)
        if client is not None and hasattr(client, "nthreads"):
            self._known = _threads_of(client) or self._known
            return self._known
        return int(getattr(self._executor, "_max_workers", 0) or _UNKNOWN)

    def renew(self, patience: float) -> bool:
        if not isinstance(self._executor, ProcessPoolExecutor):
            time.sleep(1.0)  # a scheduler comes back by itself, or the next submit tells
            return True
        self.close()
        self._own = ProcessPoolExecutor(
            self.count(), mp_context=multiprocessing.get_context("spawn")
        )
        return True

    def close(self) -> None:
        if self._own is not None:
            self._own.shutdown(wait=False, cancel_futures=True)
            self._own = None


class Scheduler(Workers):
    """A Dask cluster by the address of its scheduler; found again when that is restarted."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._client: Any = None
        self._executor: Any = None
        self._known = 1
        self.label = "Dask cluster"
        self._connect()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future: Future[Any] = self._executor.submit(function, *arguments)
        return future

    def count(self) -> int:
        self._known = _threads_of(self._client) or self._known
        return self._known

    def renew(self, patience: float) -> bool:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if self._client.status == "running":
                return True
            if self._client.status in ("closed", "closing"):
                try:
                    self._connect()
                except AstrokitError:
                    continue
                return True
            time.sleep(0.2)
        return False

    def _connect(self) -> None:
        distributed = _distributed()
        self.close()
        try:
            # A client that was given what is no address hangs when it is dropped.
            distributed.comm.resolve_address(self._address)
            self._client = distributed.Client(
                self._address, timeout=_RECONNECT, set_as_default=False
            )
        except (OSError, ValueError) as error:
            raise InputError(
                "the scheduler does not answer",
                value=f"{self._address}: {error}",
                hint="start one with 'dask scheduler', and give its address: tcp://host:8786",
            ) from error
        self._executor = self._client.get_executor(pure=False)

    def close(self) -> None:
        if self._client is not None:
            self._client.close(timeout=_RECONNECT)


def workers_for(executor: Any) -> Workers | None:
    """Return the workers behind what a user gave; None for a serial run.

    Raises
    ------
    InputError
        For what is none of the allowed kinds.
    """
    if executor is None:
        return None
    if isinstance(executor, bool) or (isinstance(executor, int) and executor < 1):
        raise InputError("the number of workers is wrong", value=executor, allowed=">= 1")
    if isinstance(executor, int):
        return Local(executor)
    if isinstance(executor, str):
        return Scheduler(executor)
    if hasattr(executor, "get_executor"):  # a Dask client
        return Given(executor.get_executor(pure=False))
    if hasattr(executor, "submit"):
        return Given(executor)
    raise InputError(
        "this cannot compute a survey",
        value=type(executor).__name__,
        allowed="None, a number of workers, an Executor, a Dask client, a scheduler's address",
    )


def _threads_of(client: Any) -> int:
    """Return the threads of all workers of a cluster; 0 while its scheduler does not answer."""
    if client.status != "running":
        return 0
    try:
        return sum(client.nthreads().values())
    except (OSError, RuntimeError, CancelledError, TimeoutError):
        return 0  # lost in this moment: the tasks will tell


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise MissingDependencyError(
            "a cluster needs Dask", hint="pip install 'astrokit[survey]'"
        ) from error
    return distributed
