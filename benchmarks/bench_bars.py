"""Pattern speeds of bars: 1000 draws of a whole map beside a plain NumPy loop, and the parts."""

from __future__ import annotations

import math
import time

import numpy as np

import astrokit as ak
from astrokit.bars import Instrument, TremaineWeinberg, simulate_galaxy
from astrokit.provenance import quiet
from benchmarks.rows import Row, best_cpu_time

DRAWS = 1000
PEER_DRAWS = 10
LIMIT = 0.15  # CPU seconds of 1000 draws


def galaxy() -> ak.bars.SimulatedGalaxy:
    """Return noisy maps that fill 74 x 74 pixels, with all seven numbers uncertain."""
    maps = simulate_galaxy(instrument=Instrument(hexagon=None), seed=1)
    return maps.with_geometry(systemic_velocity=(0.0, 3.0))


def draws_row(maps: ak.bars.SimulatedGalaxy, *, with_peer: bool = True) -> Row:
    """Return CPU seconds of the whole measurement, beside a loop that shifts whole pixels.

    The peer does per draw what a script does: noise in each pixel, whole pixels sorted into the
    slits, a straight line, and an arctan by scipy. Of `PEER_DRAWS` draws, scaled up.
    """

    def ours() -> None:
        with quiet():
            ak.bars.pattern_speed(maps, n_draws=DRAWS, seed=1)

    mine = best_cpu_time(ours, repeats=5)
    theirs = loop_seconds(maps) * DRAWS / PEER_DRAWS if with_peer else math.nan
    n = len(maps)
    return Row(
        f"pattern speed, {DRAWS} draws, {n} pixels",
        mine,
        theirs,
        theirs / mine,
        "CPU s",
        note=f"a loop in NumPy; allowed here {LIMIT} s, "
        f"{'kept' if mine < LIMIT else 'NOT kept'}; published code 280 to 400 s",
    )


def loop_seconds(maps: ak.bars.SimulatedGalaxy) -> float:
    """Return CPU seconds of `PEER_DRAWS` draws of a plain loop."""
    from scipy.optimize import curve_fit

    geometry, rng = maps.geometry, np.random.default_rng(1)
    offsets = TremaineWeinberg(maps).slits.offset

    def arctan(r: np.ndarray, flat: float, turnover: float) -> np.ndarray:
        return 2 / np.pi * flat * np.arctan(r / turnover)

    start = time.process_time()
    for _ in range(PEER_DRAWS):
        drawn = {k: rng.normal(e.value, geometry.errors[k]) for k, e in geometry.estimates.items()}
        angle, sine = np.radians(drawn["position_angle"]), np.sin(np.radians(drawn["inclination"]))
        cosine = np.cos(np.radians(drawn["inclination"]))
        dx, dy = maps.x - drawn["center_x"], maps.y - drawn["center_y"]
        x = -dx * np.sin(angle) + dy * np.cos(angle)
        y = -dy * np.sin(angle) - dx * np.cos(angle)
        flux = maps.flux + maps.flux_error * rng.standard_normal(len(maps))
        velocity = maps.velocity + maps.velocity_error * rng.standard_normal(len(maps))
        points = []
        for offset in offsets:
            inside = np.abs(y - offset) < 0.25
            total = flux[inside].sum()
            points.append(
                ((flux * x)[inside].sum() / total, (flux * velocity)[inside].sum() / total)
            )
        slope = np.polyfit(*np.array(points).T, 1)[0] / sine
        near = np.abs(y) < 2.5
        radius = np.hypot(x, y / cosine)[near]
        speed = ((velocity - drawn["systemic_velocity"])[near] * radius) / (x[near] * sine)
        popt = curve_fit(arctan, radius, speed, p0=[200.0, 2.0], maxfev=5000)[0]
        grid = np.linspace(0.1, 40, 4000)
        np.argmin(np.abs(arctan(grid, *popt) - abs(slope) * grid))
    return time.process_time() - start


def kernel_rows(maps: ak.bars.SimulatedGalaxy) -> list[Row]:
    """Return the milliseconds of the two compiled loops alone."""
    from astrokit.bars.draws import draw_geometry

    tw = TremaineWeinberg(maps)
    frames = draw_geometry(tw.geometry, DRAWS, np.random.default_rng(1)).frames(tw.pixels.scale)
    stack = tw.pixels.stack
    slits = best_cpu_time(lambda: tw.slits_at(frames))
    rings = best_cpu_time(lambda: tw.plan.sums(stack, frames))
    names = (f"{len(tw.slits)} slits of {DRAWS} geometries", f"rings of {DRAWS} geometries")
    return [
        Row(name, 1e3 * seconds, math.nan, math.nan, "ms")
        for name, seconds in zip(names, (slits, rings), strict=True)
    ]


def sample_row(n: int) -> Row:
    """Return the CPU seconds of n galaxies in one process, without their simulation."""
    galaxies = [simulate_galaxy(seed=k) for k in range(n)]

    def measure() -> None:
        with quiet():
            for k, maps in enumerate(galaxies):
                ak.bars.pattern_speed(maps, n_draws=DRAWS, seed=k)

    seconds = best_cpu_time(measure, repeats=1)
    return Row(f"{n} galaxies of MaNGA, {DRAWS} draws each", seconds, math.nan, math.nan, "CPU s")


def run(fast: bool = False) -> list[Row]:
    """Measure; `fast` takes fewer galaxies and leaves out the loop."""
    maps = galaxy()
    return [
        draws_row(maps, with_peer=not fast),
        *kernel_rows(maps),
        sample_row(10 if fast else 225),
    ]
