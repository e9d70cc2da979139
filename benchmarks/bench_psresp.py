"""PSRESP on a grid of slopes and bends: beside a loop over stingray's simulator."""

from __future__ import annotations

import importlib.metadata
import math
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

import astrokit as ak
from benchmarks.rows import Row, best_cpu_time

N, POINTS, SIMULATIONS, LONGER = 1000, 21, 1000, 16


def run(fast: bool) -> list[Row]:
    """Time the whole grid, and one curve of the peer, which takes the same time at each point.

    The peer's loop makes a curve from a realisation as long as ours and takes its periodogram by a
    direct transform, as any sampling needs it, with the phases computed once for all curves.
    """
    simulations = 100 if fast else SIMULATIONS
    lc = curve()
    search(lc, 50, None)  # compiles
    start = time.process_time()
    search(lc, simulations, None)
    ours = time.process_time() - start
    single, note = peer_per_curve(3 if fast else 20)
    peer = single * POINTS**2 * simulations
    name = f"PSRESP, {POINTS} x {POINTS} grid, {simulations} simulations, N = {N}"
    rows = [
        Row(
            name, ours, peer, peer / ours, "s", 15.0, f"{note}; one curve timed, times their number"
        )
    ]
    if not fast:
        rows.append(two_workers(lc, simulations))
    return rows


def curve() -> ak.LightCurve:
    """Return a light curve of a bending power law."""
    like = ak.LightCurve(np.arange(float(N)), np.full(N, 10.0), np.full(N, 0.1))
    return ak.timing.simulate_lightcurve(lambda f: 1e-2 / f / (1 + (f / 0.02) ** 1.5), like, seed=1)


def search(lc: ak.LightCurve, simulations: int, executor: Any) -> Any:
    """Compare the grid with the curve."""
    grid = {
        "high_slope": np.linspace(1.5, 3.5, POINTS),
        "bend_frequency": np.geomspace(1e-3, 0.1, POINTS),
    }
    return ak.timing.psresp(
        lc,
        ak.timing.BendingPowerLaw(low_slope=1.0),
        grid,
        n_simulations=simulations,
        longer=LONGER,
        finer=1,
        seed=1,
        executor=executor,
    )


def two_workers(lc: ak.LightCurve, simulations: int) -> Row:
    """Return how much sooner two workers are done than one: wall-clock time."""
    seconds = []
    for workers in (1, 2):
        with ProcessPoolExecutor(workers) as pool:
            search(lc, 50, pool)
            start = time.perf_counter()
            search(lc, simulations, pool)
            seconds.append(time.perf_counter() - start)
    note = "wall clock, needs two free cores"
    return Row(
        "PSRESP, two workers", seconds[1], seconds[0], seconds[0] / seconds[1], "s", None, note
    )


def peer_per_curve(repeats: int) -> tuple[float, str]:
    """Return CPU seconds of one simulated curve and its direct transform."""
    try:
        from stingray.simulator.simulator import Simulator
    except ImportError:
        return math.nan, "stingray is not installed"
    frequency = np.arange(1, N // 2 + 1) / N
    phases = np.exp(-2j * np.pi * np.outer(frequency, np.arange(N)))

    def once() -> Any:
        x = peer.simulate(2.0).counts
        return np.abs(phases @ (x - x.mean())) ** 2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = Simulator(dt=1.0, N=N, mean=10.0, rms=0.3, red_noise=LONGER, random_state=1)
        seconds = best_cpu_time(once, repeats=repeats)
    return seconds, f"stingray {importlib.metadata.version('stingray')}"
