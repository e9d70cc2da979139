"""A Dask cluster of processes of its own, whose parts can be killed and started again."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


_ports = itertools.count(21_000 + 2 * (os.getpid() % 5000))


def _free_port() -> int:
    """Return a port below those that the system gives to clients.

    A client that looks for a scheduler which is away may be given the port that it looks for, is
    then connected with itself, and the scheduler could not come back.
    """
    for port in range(next(_ports), 32_000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no port is free")


class Cluster:
    """A scheduler and some workers, each a process; use it in a ``with`` block."""

    def __init__(self, workers: int = 2) -> None:
        self._port = _free_port()
        self.address = f"tcp://127.0.0.1:{self._port}"
        self._folder = tempfile.TemporaryDirectory()
        self._n = workers
        self.scheduler: subprocess.Popen | None = None
        self.workers: list[subprocess.Popen] = []

    def __enter__(self) -> Cluster:
        self.start_scheduler()
        for _ in range(self._n):
            self.start_worker()
        return self

    def start_scheduler(self) -> None:
        words = ["--host", "127.0.0.1", "--port", str(self._port), "--no-dashboard"]
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.scheduler is None or self.scheduler.poll() is not None:
                self.scheduler = self._start("scheduler", words)
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(0.05)
        raise TimeoutError("the scheduler does not start")

    def start_worker(self, threads: int = 1) -> subprocess.Popen:
        words = [self.address, "--nthreads", str(threads), "--no-nanny", "--no-dashboard"]
        words += ["--local-directory", self._folder.name, "--death-timeout", "20"]
        worker = self._start("worker", words)
        self.workers.append(worker)
        return worker

    def kill_worker(self, place: int = 0) -> None:
        """Kill one worker as a machine that loses power would, and start another."""
        self.workers[place].send_signal(signal.SIGKILL)
        self.workers.pop(place).wait()
        self.start_worker()

    def restart_scheduler(self) -> None:
        """Kill the scheduler; start another at the same address, with new workers."""
        self._end([self.scheduler])
        self.start_scheduler()
        self._end(self.workers)
        self.workers.clear()
        for _ in range(self._n):
            self.start_worker()

    def __exit__(self, *_: object) -> None:
        self._end([*self.workers, self.scheduler])
        self._folder.cleanup()

    def _start(self, kind: str, words: list[str]) -> subprocess.Popen:
        environment = dict(os.environ)
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
        return subprocess.Popen(
            [sys.executable, "-m", "dask", kind, *words],
            env=environment,
            cwd=self._folder.name,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @staticmethod
    def _end(processes) -> None:
        for process in processes:
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
