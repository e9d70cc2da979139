"""Measure the calibration of heliocentric indices; writes comets.png, comets.ecsv, comets.inc.

Run ``python docs/calibration/comet_index.py [n] [workers]`` from the top of the repository; 1000
data sets take about ten minutes on two cores. Runs that were stopped go on from
``build/calibration``.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from astropy.table import Table
from make_calibration import STORE, draw, markdown, save

import astrokit as ak
from astrokit.inference import Calibration, HalfNormal, Normal, Uniform, calibrate
from astrokit.parallel import map_items
from astrokit.provenance import quiet
from astrokit.randomness import spawn

HERE = Path(__file__).parent
SEED = 20260303
ATLAS = ak.comets.OrbitalElements(
    6.141351449317625,
    1.356481057231181,
    175.1164570850441,
    322.1696089290778,
    128.0228697185194,
    2460977.9952628477,
    "3I/ATLAS",
)
BETA = Normal(0.04, 0.02)


def design(n: int = 24, phase: ak.comets.PhaseFunction | None = None):
    """Return the problem of 3I seen on n nights from July to mid-September 2025 (4.6 to 1.8 au)."""
    time = np.linspace(60856.0, 60938.0, n)
    blank = ak.comets.CometPhotometry(time, np.full(n, 17.0), error=0.03).with_geometry(ATLAS)
    phase = ak.comets.LinearPhase(BETA) if phase is None else phase
    problem = ak.comets.HeliocentricProblem(blank, phase=phase)
    p = problem.parameters
    p = p.replace("absolute_magnitude", value=8.0, prior=Normal(8.0, 2.0))
    p = p.replace("heliocentric_index", value=4.0, prior=Uniform(1.0, 7.0))
    return problem.with_parameters(p.replace("scatter", value=0.05, prior=HalfNormal(0.1)))


def one_fixed(beta: float, item: int, seed: np.random.SeedSequence) -> bool:
    """Return whether the interval with the phase coefficient fixed at `beta` holds the truth."""
    draw_seed, data_seed, fit_seed = spawn(seed, 3)
    free = design()
    theta = free.parameters.sample_prior(np.random.default_rng(draw_seed), 1)[0]
    truth = dict(zip(free.parameters.free_names, theta, strict=True))["heliocentric_index"]
    data = free.simulate(theta, data_seed).photometry
    fixed = design(phase=ak.comets.LinearPhase(beta)).with_data(data)
    with quiet():
        posterior = fixed.sample(seed=fit_seed, ensembles=2)
    low, high = posterior["heliocentric_index"].interval
    return bool(low <= truth <= high)


def fixed_coverage(n: int, executor: ProcessPoolExecutor) -> float:
    """Return the coverage of 68 % intervals of n that take beta = 0.04 as exact."""
    seeds = spawn(np.random.SeedSequence(SEED + 1), n)
    held = map_items(partial(one_fixed, 0.04), range(n), seeds=seeds, executor=executor)
    return float(np.mean(held))


def table_of(result: Calibration, fixed: float, n_fixed: int) -> Table:
    """Return coverage of the full posterior and, below it, of fits with the phase held fixed."""
    rows = [
        {
            "phase_coefficient": "prior 0.04 ± 0.02",
            "parameter": str(row["parameter"]).replace("_", " "),
            "level": float(row["level"]),
            "n": int(row["n"]),
            "coverage": float(row["coverage"]),
            "deviation": float(row["deviation"]),
        }
        for row in result.coverage_table()
    ]
    level = ak.estimate.ONE_SIGMA
    rows.append(
        {
            "phase_coefficient": "fixed at 0.04",
            "parameter": "heliocentric index",
            "level": level,
            "n": n_fixed,
            "coverage": fixed,
            "deviation": (fixed - level) / np.sqrt(level * (1 - level) / n_fixed),
        }
    )
    return Table(rows=rows)


def main() -> None:
    """Run the study and write what the page shows."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    STORE.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers) as executor:
        store = STORE / "comet-index.json"
        result = calibrate(design(), n, seed=SEED, executor=executor, checkpoint=store)
        n_fixed = max(n // 4, 20)
        fixed = fixed_coverage(n_fixed, executor)
    draw(result, "Heliocentric index of 24 magnitudes, Student's t scatter", HERE / "comets.png")
    table = table_of(result, fixed, n_fixed)
    save(table, HERE / "comets.ecsv")
    save(Table(result.rank_table()), HERE / "comets-ranks.ecsv")
    columns = {
        "phase_coefficient": "",
        "parameter": "",
        "level": ".2f",
        "n": "d",
        "coverage": ".3f",
        "deviation": "+.1f",
    }
    markdown(table, columns, HERE / "comets.inc")
    print(result, f"fixed phase: {fixed:.3f}", sep="\n")


if __name__ == "__main__":
    main()
