"""A worker process of its own for one job: it can hang or die, and the survey goes on.

The parent (a thread, a worker of a pool, or one of a cluster) writes targets and reads outcomes
through pipes. A child ends by itself when its parent is gone, or has not asked for long.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import threading
from typing import IO, Any

from ..errors import AstrokitError
from .compute import Job, Outcome, measured
from .targets import Target

__all__ = ["Child", "ChildDiedError", "OtherCodeError", "TimedOutError", "main"]

_IDLE = 120.0  # seconds after which a child that nobody asks ends
_START_LIMIT = 300.0  # seconds to import an analysis, from a slow disk
_HEADER = struct.Struct("<Q")
_START = "from astrokit.survey.child import main; main()"
_NOT_UNDERSTOOD = 70
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


class ChildDiedError(AstrokitError):
    """A worker process ended without an answer."""


class TimedOutError(AstrokitError):
    """A worker process was ended because its target took too long."""


class OtherCodeError(AstrokitError, RuntimeError):
    """A worker has other code than the client, or cannot run the analysis at all."""


# -- the parent's side ----------------------------------------------------------------------------


class Child:
    """A running worker process.

    Parameters
    ----------
    job : Job

    Raises
    ------
    OtherCodeError
        If it cannot run the job.
    ChildDiedError, TimedOutError
        If it does not start.
    """

    def __init__(self, job: Job) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(job.threads),
        )
        self._late = False
        problem = self._exchange(job, _START_LIMIT)
        if problem is not None:
            self.close()
            raise problem

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    def ask(self, target: Target, time_limit: float | None) -> Outcome:
        """Return the outcome of one target.

        Raises
        ------
        ChildDiedError, TimedOutError
        """
        outcome: Outcome = self._exchange(target, time_limit)
        return outcome

    def kill(self) -> None:
        """End the process, whatever it does; who waits for it is told."""
        if self.alive:
            self._process.kill()

    def close(self) -> None:
        """End the process, and let go of it."""
        self.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:  # what could not be delivered to a dead process
                    continue

    def _exchange(self, message: Any, time_limit: float | None) -> Any:
        timer = None
        if time_limit is not None:
            timer = threading.Timer(time_limit, self._end_late)
            timer.daemon = True
            timer.start()
        try:
            _write(self._process.stdin, message)
            answer = _read(self._process.stdout)
        except (OSError, EOFError) as error:
            code = self._process.wait()
            if self._late:
                raise TimedOutError(f"no answer after {time_limit:g} s") from error
            raise ChildDiedError(f"the worker process {_end(code)}") from error
        finally:
            if timer is not None:
                timer.cancel()
                timer.join()  # it may be at its work: the next target must not be taken for late
        if self._late:
            raise TimedOutError(f"no answer after {time_limit:g} s")
        return answer

    def _end_late(self) -> None:
        self._late = True
        self._process.kill()


def _end(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown"
    return f"was killed by signal {-code} ({name})"


def _environment(threads: int) -> dict[str, str]:
    environment = dict(os.environ)
    environment.update(dict.fromkeys(_THREADS, str(threads)))
    environment["ASTROKIT_PROGRESS"] = "0"
    environment.setdefault("MPLBACKEND", "Agg")
    # The child imports what its parent could import, and nothing from the present folder.
    folders = [os.path.abspath(p) for p in sys.path if p]
    environment["PYTHONPATH"] = os.pathsep.join(folders)
    return environment


def _write(stream: IO[bytes] | None, message: Any) -> None:
    if stream is None:
        raise EOFError
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(_HEADER.pack(len(data)) + data)
    stream.flush()


def _read(stream: IO[bytes] | None) -> Any:
    if stream is None:
        raise EOFError
    head = stream.read(_HEADER.size)
    if len(head) < _HEADER.size:
        raise EOFError
    (length,) = _HEADER.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return pickle.loads(data)


# -- the child's side -----------------------------------------------------------------------------


def main() -> None:
    """Compute targets as they are asked for, until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    asked = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    _detach()
    requests: queue.Queue[Any] = queue.Queue()
    threading.Thread(target=_listen, args=(asked, requests), daemon=True).start()
    job: Job = requests.get()
    analysis, problem = _prepared(job)
    _write(answers, problem)
    if problem is not None:
        return
    while True:
        try:
            target = requests.get(timeout=_IDLE)
        except queue.Empty:
            os._exit(0)
        _write(answers, measured(analysis, target, job.entropy))


def _detach() -> None:
    """What an analysis prints must not mix with the answers, nor may it read the requests."""
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)


def _listen(stream: IO[bytes], requests: queue.Queue[Any]) -> None:
    while True:
        try:
            requests.put(_read(stream))
        except (EOFError, OSError):
            os._exit(0)  # the parent is gone, whatever is being computed here
        except Exception:  # noqa: BLE001  (the parent is told by the end of the process)
            os._exit(_NOT_UNDERSTOOD)


def _prepared(job: Job) -> tuple[Any, OtherCodeError | None]:
    from .identity import code_checksum

    try:
        analysis = job.prepared()
        if job.code and code_checksum(job.analysis, analysis.func) != job.code:
            return None, OtherCodeError(
                "a worker has other code than the client",
                hint="install the same astrokit, Python and analysis on every worker",
            )
    except Exception as error:  # noqa: BLE001  (told to the client, which stops)
        return None, OtherCodeError(f"a worker cannot run the analysis: {error}")
    return analysis, None
