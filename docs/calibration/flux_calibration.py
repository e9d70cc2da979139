"""Measure the calibration of posteriors of flux distributions; writes figures and tables.

Mixtures of two normal and of two log-normal components, convolved with the errors of the bins, from
two that are well apart to two that are one. Run ``python docs/calibration/flux_calibration.py [n]``
from the top of the tree; 500 data sets per study take some fifteen minutes of one core. Runs that
were stopped go on from ``build/calibration``.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
from astropy.table import vstack

import astrokit as ak
from astrokit.inference import LogUniform, Prior, Problem, Uniform, calibrate
from astrokit.timing import FluxDistributionProblem, FluxModel, LogNormalFlux, NormalFlux

HERE = Path(__file__).parent
SEED = 20261124
# 16 walkers of 50 autocorrelation times hold 800 independent draws, of which 99 are needed.
SAMPLING = {"ensembles": 1, "walkers": 16, "max_steps": 8000}
PRIORS = {
    "separation": Uniform(0.0, 6.0),
    "fraction_2": Uniform(0.0, 1.0),
    "mean_1": Uniform(3.0, 7.0),
    "sigma_1": LogUniform(0.3, 1.5),
    "sigma_2": LogUniform(0.3, 1.5),
    "median_1": Uniform(3.0, 7.0),
    "log_sigma_1": LogUniform(0.08, 0.4),
    "log_sigma_2": LogUniform(0.08, 0.4),
}


def _page():
    """Return the script of the page, whose figures and tables these follow."""
    spec = importlib.util.spec_from_file_location("make_calibration", HERE / "make_calibration.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def problem(model: FluxModel, bins: int, priors: dict[str, Prior]) -> Problem:
    """Return a model with these priors, and bins of unequal errors that serve as a design."""
    rng = np.random.default_rng(1)
    rate = np.where(rng.random(bins) < 0.4, 8.0, 5.0) + rng.normal(0, 0.6, bins)
    lc = ak.LightCurve(np.arange(float(bins)), rate, rng.uniform(0.2, 0.6, bins))
    made = FluxDistributionProblem(lc, model)
    parameters = made.parameters
    for name in parameters.names:
        value = float(priors[name].ppf(np.array([0.5]))[0])
        parameters = parameters.replace(name, prior=priors[name], value=value)
    return made.with_parameters(parameters)


STUDIES = {
    "flux-normal": ("Two normal components, 100 bins", NormalFlux() + NormalFlux(), 100),
    "flux-log-normal": (
        "Two log-normal components, 60 bins",
        LogNormalFlux() + LogNormalFlux(),
        60,
    ),
}


def main() -> None:
    """Run both studies with as many data sets as the first argument says."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    page = _page()
    page.STORE.mkdir(parents=True, exist_ok=True)
    coverage, ranks = [], []
    for k, (name, (title, model, bins)) in enumerate(STUDIES.items()):
        store = page.STORE / f"{name}-{n}.json"
        made = problem(model, bins, PRIORS)
        result = calibrate(made, n, seed=SEED + k, sampling=SAMPLING, checkpoint=store)
        print(f"{title}\n{result}\n", flush=True)
        page.draw(result, f"{title}, {n} data sets", HERE / f"{name}.png")
        coverage.append(page.with_first(result.coverage_table(), "study", title))
        tests = page.with_first(result.rank_table(), "study", title)
        tests["converged"] = result.verdicts.get("converged", 0)
        tests["failed"] = result.n_failed
        ranks.append(tests)
    page.save(vstack(coverage), HERE / "flux_coverage.ecsv")
    page.save(vstack(ranks), HERE / "flux_ranks.ecsv")
    levels = page.by_level(vstack(coverage))
    page.markdown(levels, dict.fromkeys(levels.colnames, ""), HERE / "flux_coverage.inc")
    page.markdown(vstack(ranks), page.RANK_COLUMNS, HERE / "flux_ranks.inc")


if __name__ == "__main__":
    main()
