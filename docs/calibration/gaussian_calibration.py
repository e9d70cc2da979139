"""Measure the calibration of the Gaussian likelihood of a light curve; writes figures and tables.

Run ``python docs/calibration/gaussian_calibration.py [n] [workers]`` from the top of the tree;
1000 data sets per study take about seventeen minutes of one core. Runs that were stopped go on
from ``build/calibration``; with n = 0 the tables are made of what is stored there.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from astropy.table import vstack

import astrokit as ak
from astrokit.inference import Problem, Uniform, calibrate

HERE = Path(__file__).parent
SEED = 20260201
# 16 walkers of 50 autocorrelation times hold 800 independent draws, of which 99 are needed.
SAMPLING = {"ensembles": 1, "walkers": 16, "until": 50.0, "max_steps": 20_000}


def _page():
    """Return the script of the page, whose figures and tables these follow."""
    spec = importlib.util.spec_from_file_location("make_calibration", HERE / "make_calibration.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def gaps_problem() -> Problem:
    """Return 120 bins with gaps of an orbit and more at random, errors of 1 and noise beyond."""
    rng = np.random.default_rng(1)
    rate = 1000 + rng.standard_normal(120)
    rate[(np.arange(120) % 30 > 21) | (rng.random(120) < 0.1)] = np.nan
    lc = ak.LightCurve(np.arange(120) + 0.5, rate, np.ones(120), bin_width=1.0)
    model = ak.timing.PowerLaw(
        slope=Uniform(0, 4), log_amplitude=Uniform(-2, 4), pivot=0.1
    ) + ak.timing.Constant(constant=Uniform(0, 5))
    options = {"normalization": "absolute", "engine": "celerite"}
    return ak.timing.PSDProblem(lc, model, **options)


def irregular_problem() -> Problem:
    """Return 60 exposures of unequal length at random times, with unequal errors."""
    rng = np.random.default_rng(2)
    time = np.cumsum(0.3 + rng.exponential(1.5, 60))
    width, error = rng.uniform(0.05, 0.3, 60), rng.uniform(0.1, 0.6, 60)
    rate = 1000 + rng.standard_normal(60)
    lc = ak.LightCurve(time, rate, error, bin_width=width)
    model = ak.timing.PowerLaw(slope=Uniform(0, 4), log_amplitude=Uniform(-3, 3), pivot=0.1)
    options = {"normalization": "absolute", "engine": "celerite"}
    return ak.timing.PSDProblem(lc, model, **options)


STUDIES = {
    "gaussian-gaps": ("Light curve, 83 bins of 120, power law + constant", gaps_problem),
    "gaussian-irregular": ("Light curve, 60 irregular exposures, power law", irregular_problem),
}


def stored(path: Path) -> int:
    """Return how many data sets a checkpoint holds without a hole."""
    done = {int(i) for i in json.loads(path.read_text(encoding="utf-8"))["trials"]}
    return next(i for i in range(len(done) + 1) if i not in done)


def main() -> None:
    n, workers = (int(a) for a in (sys.argv[1:] + ["1000", "1"][len(sys.argv) - 1 :])[:2])
    page = _page()
    page.STORE.mkdir(parents=True, exist_ok=True)
    coverage, ranks = [], []
    with ProcessPoolExecutor(workers) if workers > 1 else nullcontext() as executor:
        for k, (name, (title, make)) in enumerate(STUDIES.items()):
            store = page.STORE / f"{name}.json"
            settings = {"sampling": SAMPLING, "executor": executor, "checkpoint": store}
            result = calibrate(make(), n or stored(store), seed=SEED + k, **settings)
            print(f"{title}\n{result}\n", flush=True)
            page.draw(result, title, HERE / f"{name}.png")
            coverage.append(page.with_first(result.coverage_table(), "study", title))
            tests = page.with_first(result.rank_table(), "study", title)
            tests["sets"] = result.n
            tests["converged"] = result.verdicts.get("converged", 0)
            tests["failed"] = result.n_failed
            ranks.append(tests)
    page.save(vstack(coverage), HERE / "gaussian_coverage.ecsv")
    page.save(vstack(ranks), HERE / "gaussian_ranks.ecsv")
    levels = page.by_level(vstack(coverage))
    page.markdown(levels, dict.fromkeys(levels.colnames, ""), HERE / "gaussian_coverage.inc")
    columns = {**page.RANK_COLUMNS, "sets": "d"}
    page.markdown(vstack(ranks), columns, HERE / "gaussian_ranks.inc")


if __name__ == "__main__":
    main()
