"""Simulated light curves: time per curve beside stingray's simulator."""

from __future__ import annotations

import importlib.metadata
import math
import warnings
from typing import Any

import numpy as np

from astrokit.timing import emmanoulopoulos, timmer_koenig
from benchmarks.rows import Row, best_cpu_time

SIZES = ((1000, 16, 10.0), (1000, 1, 10.0), (100_000, 1, 4.0), (100_000, 8, 4.0))


def red(frequency: Any) -> Any:
    """Return a power law of slope 2."""
    return 1e-3 * frequency**-2.0


def run(fast: bool) -> list[Row]:
    """Time equal realisations: as long, and as fine, with the same slope."""
    repeats = 2 if fast else 5
    rows = []
    for n, longer, required in SIZES:
        curves = max(2, 200_000 // (n * longer))
        ours = ours_per_curve(n, longer, curves, repeats)
        theirs, note = stingray_per_curve(n, longer, repeats)
        name = f"Timmer & Koenig, N = {n}, realisation {longer} times longer"
        rows.append(Row(name, ours, theirs, theirs / ours, "ms / curve", required, note))
    for n in (1000,) if fast else (1000, 100_000):
        curves = max(1, 20_000 // n)
        seconds = best_cpu_time(
            lambda n=n, curves=curves: emmanoulopoulos(
                red,
                np.exp(np.random.default_rng(1).normal(size=n)),
                n,
                1.0,
                n_curves=curves,
                seed=1,
                longer=1,
                finer=1,
            ),
            repeats=repeats,
        )
        name = f"Emmanoulopoulos et al., N = {n}"
        rows.append(Row(name, 1e3 * seconds / curves, math.nan, math.nan, "ms / curve"))
    return rows


def ours_per_curve(n: int, longer: int, curves: int, repeats: int) -> float:
    """Return CPU ms for one of many curves."""
    options = {"n_curves": curves, "seed": 1, "longer": longer, "finer": 1}
    seconds = best_cpu_time(lambda: timmer_koenig(red, n, 1.0, **options), repeats=repeats)
    return 1e3 * seconds / curves


def stingray_per_curve(n: int, longer: int, repeats: int) -> tuple[float, str]:
    """Return CPU ms for one curve, and the version; nan where it is not installed."""
    try:
        from stingray.simulator.simulator import Simulator
    except ImportError:
        return math.nan, "stingray is not installed"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = Simulator(dt=1.0, N=n, mean=10.0, rms=0.3, red_noise=longer, random_state=1)
        seconds = best_cpu_time(lambda: peer.simulate(2.0), repeats=repeats)
    return 1e3 * seconds, f"stingray {importlib.metadata.version('stingray')}"
