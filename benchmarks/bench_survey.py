"""Surveys: what they add to each target, and what a second worker brings, by the clock."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from astropy.table import Table

import astrokit as ak
from benchmarks.rows import Row

LIMIT = 10.0  # ms per target
SLEEP = 0.05  # s: tasks that sleep scale by the dispatch alone, however busy the machine is


def wait(target: ak.survey.Target, *, seed: np.random.SeedSequence, seconds: float = 0.0) -> Any:
    """Do nothing for some time; what workers run here."""
    time.sleep(seconds)
    return {"value": 1.0, "estimate": ak.Estimate(2.0, 0.1)}


def elapsed(n: int, executor: Any, seconds: float = 0.0) -> float:
    """Return the seconds of a survey of `n` targets, the start of its workers included."""
    names = Table({"name": [f"t{i}" for i in range(n)]})
    with TemporaryDirectory() as scratch:
        output = Path(scratch) / "out"
        start = time.perf_counter()
        ak.survey.run(
            "benchmarks.bench_survey:wait",
            names,
            output,
            options={"seconds": seconds},
            executor=executor,
        )
        return time.perf_counter() - start


def overhead_row(label: str, n: int, executor: Any) -> Row:
    """Return what a survey adds to a target that does nothing."""
    elapsed(4, executor)  # imports
    few = elapsed(4, executor)  # starts the workers, and writes what is written once
    many = elapsed(4 + n, executor)
    ms = max(1e3 * (many - few) / n, 1e-3)
    return Row(
        f"overhead per target, {label}", ms, LIMIT, LIMIT / ms, "ms", 1.0, "the limit is the peer"
    )


def scaling_row(label: str, n: int, one: Any, two: Any) -> Row:
    """Return how much faster two workers are than one, once they have started."""
    first = elapsed(n, one, SLEEP) - elapsed(2, one, SLEEP)
    second = elapsed(n, two, SLEEP) - elapsed(2, two, SLEEP)
    name = f"{n} targets of {1e3 * SLEEP:.0f} ms, two workers against one, {label}"
    return Row(name, second, first, first / second, "s", 1.8, "one worker is the peer")


def run(fast: bool = False) -> list[Row]:
    """Measure serial, local and Dask runs; `fast` takes fewer targets and no cluster."""
    n = 500 if fast else 2000
    rows = [
        overhead_row("serial", n, None),
        overhead_row("two local workers", n, 2),
        scaling_row("local", n // 5, 1, 2),
    ]
    if fast or importlib.util.find_spec("distributed") is None:
        return rows
    from tests.survey.cluster import Cluster

    with Cluster(2) as pair, Cluster(1) as single:
        rows.append(overhead_row("Dask, two workers", n, pair.address))
        rows.append(scaling_row("Dask", n // 5, single.address, pair.address))
    return rows
