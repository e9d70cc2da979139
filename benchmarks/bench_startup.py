"""What ``import astrokit`` costs, beside the packages that it puts off."""

from __future__ import annotations

import resource
import subprocess
import sys

from benchmarks.rows import Row


def run(fast: bool) -> list[Row]:
    """Time the import in fresh interpreters; the budget is 250 ms of CPU."""
    repeats = 3 if fast else 7
    ours = import_time("astrokit", repeats)
    rows = [Row("import astrokit (budget 250 ms)", ours, 250.0, 250.0 / ours, "ms", 1.0)]
    for peer in ("numpy", "emcee", "lmfit"):
        theirs = import_time(peer, repeats)
        rows.append(Row(f"import {peer}", ours, theirs, theirs / ours, "ms", None, peer))
    return rows


def import_time(module: str, repeats: int) -> float:
    """Return the least CPU time in ms that importing adds to an empty interpreter."""
    return min(cpu_of(f"import {module}") for _ in range(repeats)) - min(
        cpu_of("pass") for _ in range(repeats)
    )


def cpu_of(statement: str) -> float:
    """Return the CPU time in ms of a fresh interpreter."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1e3 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
