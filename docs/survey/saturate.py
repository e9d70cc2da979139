"""Where writer, client and scheduler of a survey saturate, with tasks that only sleep.

    python docs/survey/saturate.py

Targets that sleep stand for cores that this machine does not have: 100 threads that sleep are 100
cores that are busy elsewhere. Writes ``saturation.ecsv``: targets per second of

- the writer: outcomes with the columns of a characterized light curve, in parts of 1000;
- the final table: reading all parts and writing one table;
- the client with 100 workers that sleep 0, 10 and 100 ms for each target, outcomes written;
- a Dask scheduler with one worker process of 100 threads, the same.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from astrokit.survey import Target  # noqa: E402
from astrokit.survey.assemble import Layout, write_table  # noqa: E402
from astrokit.survey.compute import Job, Outcome  # noqa: E402
from astrokit.survey.dispatch import Dispatcher  # noqa: E402
from astrokit.survey.identity import packed_options  # noqa: E402
from astrokit.survey.store import Store  # noqa: E402
from astrokit.survey.workers import Workers, workers_for  # noqa: E402
from tests.survey.cluster import Cluster  # noqa: E402

TABLE = Path(__file__).with_name("saturation.ecsv")
CORES = 100
NUMBERS = 30  # estimates of a characterized light curve
VALUES = np.random.default_rng(0).normal(size=(NUMBERS, 3)).tolist()


def outcome(name: str, values: Sequence[Sequence[float]] | None = None) -> Outcome:
    """Return what a target leaves: 30 estimates and some words."""
    cells: dict[str, Any] = {
        f"number_{k}": dict(zip(("value", "lower", "upper"), row, strict=True))
        for k, row in enumerate(values or VALUES)
    }
    cells |= {f"word_{k}": "not applicable: too few bins" for k in range(5)}
    return Outcome(name, "0123456789abcdef", "ok", cells, seconds=0.1)


def sleeping(job: Job, targets: list[Target], number: int) -> tuple[list[Outcome], float]:
    """Stand for a worker: sleep for each target, and return its outcome."""
    start = time.perf_counter()
    time.sleep(job.time_limit * len(targets))
    return [outcome(t.name) for t in targets], max(time.perf_counter() - start, 1e-6)


class Threads(Workers):
    """100 threads that sleep: the client alone is measured."""

    label = "client alone"

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(CORES)

    def submit(self, function: Any, *arguments: Any) -> Future[Any]:
        return self._pool.submit(sleeping, *arguments)

    def count(self) -> int:
        return CORES

    def close(self) -> None:
        self._pool.shutdown()


class Sleepers(Workers):
    """A real scheduler, and workers that sleep."""

    label = "Dask scheduler"

    def __init__(self, inner: Workers) -> None:
        self._inner = inner

    def submit(self, function: Any, *arguments: Any) -> Future[Any]:
        return self._inner.submit(sleeping, *arguments)

    def count(self) -> int:
        return self._inner.count()

    def close(self) -> None:
        self._inner.close()


def dispatched(workers: Workers, seconds: float, n: int, folder: Path) -> float:
    """Return targets per second, outcomes written to the disk."""
    job = Job("x:y", packed_options({}), 0, time_limit=seconds)
    targets = (Target(f"target{i:07d}", Path(f"/data/{i}.fits")) for i in range(n))
    store = Store(folder)
    store.open()
    store.begin({}, n)
    start = time.perf_counter()
    rows: list[Outcome] = []
    for found in Dispatcher(job, targets, workers, total=n):
        if found is not None:
            rows.append(found)
        if len(rows) >= 1000:
            store.append(rows)
            rows = []
    store.append(rows)
    rate = n / (time.perf_counter() - start)
    store.close()
    return rate


def writer(format: str, folder: Path, n: int = 20_000) -> list[tuple[str, float, float]]:
    """Return targets per second of writing parts, and of the final table."""
    store = Store(folder, format)
    store.open()
    store.begin({}, n)
    # Numbers that differ: rows that repeat would be compressed to nothing in Parquet.
    values = np.random.default_rng(1).normal(size=(n, NUMBERS, 3))
    rows = [outcome(f"target{i:07d}", values[i].tolist()) for i in range(n)]
    start = time.process_time()
    for i in range(0, n, 1000):
        store.append(rows[i : i + 1000])
    written = time.process_time()
    path = folder / f"table.{format}"
    write_table(Layout(store, [r.name for r in rows]), path, {})
    end = time.process_time()
    size = sum(p.stat().st_size for p in (folder / "parts").iterdir()) / n
    store.close()
    print(f"{format}: {size:.0f} bytes per target in parts, {path.stat().st_size / n:.0f} in table")
    return [
        (f"writing parts, {format}", 0.0, n / (written - start)),
        (f"final table, {format}", 0.0, n / (end - written)),
    ]


def main() -> None:
    """Measure everything and write the table."""
    rows: list[tuple[str, float, float]] = []
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        for format in ("ecsv", "parquet"):
            rows += writer(format, Path(scratch) / format)
        cluster = stack.enter_context(Cluster(0))
        cluster.start_worker(threads=CORES)
        for workers in (Threads(), Sleepers(workers_for(cluster.address))):
            while workers.count() < CORES:
                time.sleep(0.2)
            for seconds in (0.0, 0.01, 0.1):
                n = 30_000 if seconds < 0.1 else 10_000
                folder = Path(scratch) / f"{workers.label}{seconds}"
                rate = dispatched(workers, seconds, n, folder)
                rows.append((workers.label, 1e3 * seconds, rate))
                print(rows[-1], flush=True)
            workers.close()
    table = Table(
        rows=rows, names=("what", "sleep", "targets_per_second"), units=(None, "ms", "1/s")
    )
    table["targets_per_second"].format = ".0f"
    table.write(TABLE, overwrite=True)
    print(table)


if __name__ == "__main__":
    main()
