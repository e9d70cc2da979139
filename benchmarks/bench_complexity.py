"""Ordinal patterns beside peccary, ordpy and antropy: CPU time; extra memory; the memory bound."""

from __future__ import annotations

import math
import time
import tracemalloc
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from astrokit.complexity import hc, hc_curve, permutation_entropy
from benchmarks.rows import Row, best_cpu_time

LIMITS_MS = {(1_000_000, 5): 5.0, (1_000_000, 7): 8.0, (10_000_000, 5): 60.0}
CURVE_LIMIT_S = 0.6
MEMORY_LIMIT_MB = 10.0
DELAYS = 100


def run(fast: bool) -> list[Row]:
    """Return the rows; `fast` leaves ten million samples and the slow peers out."""
    x = np.random.default_rng(12345).standard_normal(10_000_000)
    rows = [bound_row(x[:1_000_000])]
    for (size, n), limit in LIMITS_MS.items():
        if fast and size > 1_000_000:
            continue
        ours = 1e3 * best_cpu_time(partial(hc, x[:size], n=n))
        name = f"H, C and errors, N = {size:.0e}, n = {n}"
        rows.append(Row(name, ours, limit, limit / ours, "ms", 1.0, "limit"))
    rows += peer_rows(x[:1_000_000], fast)
    rows.append(curve_row(x[:1_000_000]))
    return rows + memory_rows(x[:1_000_000])


def bound_row(x: np.ndarray) -> Row:
    """Return the time of reading the samples once."""
    ours = 1e3 * best_cpu_time(lambda: float(x.max()))
    return Row("  (reading the samples, N = 1e+06)", ours, math.nan, math.nan, "ms", None, "NumPy")


def peers() -> dict[str, Callable[[np.ndarray], Any] | None]:
    """Return what each peer calls entropy (and complexity) at n = 5; None if not installed."""
    found: dict[str, Callable[[np.ndarray], Any] | None] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from antropy import perm_entropy

            found["antropy (H only)"] = lambda x: perm_entropy(x, order=5, normalize=True)
        except ImportError:
            found["antropy (H only)"] = None
        try:
            from ordpy import complexity_entropy

            found["ordpy"] = lambda x: complexity_entropy(x, dx=5)
        except ImportError:
            found["ordpy"] = None
        try:
            from peccary.core import peccary

            found["peccary"] = lambda x: peccary(x, n=5).calcHC()
        except ImportError:
            found["peccary"] = None
    return found


def peer_rows(x: np.ndarray, fast: bool) -> list[Row]:
    """Return ratios to each peer; the slow ones are called once."""
    hc_ms = 1e3 * best_cpu_time(partial(hc, x))
    h_ms = 1e3 * best_cpu_time(partial(permutation_entropy, x))
    rows = []
    for name, call in peers().items():
        ours = h_ms if "H only" in name else hc_ms
        if call is None or (fast and "H only" not in name):
            note = "left out" if call is not None else "not installed"
            rows.append(
                Row(f"beside {name}, N = 1e+06", ours, math.nan, math.nan, "ms", None, note)
            )
            continue
        call(x[:1000])
        start = time.process_time()
        call(x)
        theirs = 1e3 * (time.process_time() - start)
        rows.append(Row(f"beside {name}, N = 1e+06", ours, theirs, theirs / ours, "ms", None, name))
    return rows


def curve_row(x: np.ndarray) -> Row:
    """Return the time of H and C at 100 delays."""
    ours = best_cpu_time(partial(hc_curve, x, delays=range(1, DELAYS + 1)), repeats=2)
    name = f"H and C at {DELAYS} delays, N = 1e+06"
    return Row(name, ours, CURVE_LIMIT_S, CURVE_LIMIT_S / ours, "s", 1.0, "limit")


def memory_rows(x: np.ndarray) -> list[Row]:
    """Return the extra memory at a short and at a long delay."""
    rows = []
    for delay in (1, 200_000):
        hc(x, delay=delay)
        tracemalloc.start()
        hc(x, delay=delay)
        peak = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        name = f"extra memory, delay {delay}"
        rows.append(Row(name, peak, MEMORY_LIMIT_MB, MEMORY_LIMIT_MB / peak, "MB", 1.0, "limit"))
    return rows
