"""How well slopes of power spectra are recovered, with and without gaps.

Each curve is cut out of one that is 100 times longer and 10 times finer (Timmer & Koenig 1995) and
fitted with the Gaussian likelihood. For each sampling and slope one line says what came out::

    python docs/calibration/psd_slopes.py --curves 100 --slopes 2.5
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from concurrent.futures import Executor
from functools import partial

import numpy as np

import astrokit as ak
from astrokit.parallel import map_items
from astrokit.randomness import spawn

N_BINS = 512
LIKELIHOODS = ("gaussian", "debiased", "whittle")
SAMPLINGS = ("full", "orbital", "random")


def missing(sampling: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return which of `n` bins are gaps: none, a third of each of 16 orbits, or 30 % at random."""
    if sampling == "orbital":
        return np.arange(n) % 32 >= 21
    return rng.random(n) < (0.3 if sampling == "random" else 0.0)


def simulated(slope: float, sampling: str, seed: np.random.SeedSequence, n: int) -> ak.LightCurve:
    """Return a curve without measurement noise, its level far above its variations."""
    rng = np.random.default_rng(seed)
    amplitude = 1e-6 * 0.03**slope
    rate = 100 * (
        1
        + ak.timing.timmer_koenig(
            lambda f: amplitude * f**-slope, n, 1.0, seed=rng, longer=100, finer=10
        )
    )
    rate[missing(sampling, n, rng)] = np.nan
    return ak.LightCurve(np.arange(n) + 0.5, rate, bin_width=1.0)


def recovered(
    case: tuple[float, str], seed: np.random.SeedSequence, *, n: int, likelihood: str = "gaussian"
) -> tuple[float, float]:
    """Return the slope and its error from one simulated curve."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ak.errors.AstrokitWarning)
        data = simulated(*case, seed, n)
        if likelihood == "whittle":
            data = ak.timing.Periodogram.from_lightcurve(data)
        problem = ak.timing.PSDProblem(data, ak.timing.PowerLaw(), likelihood=likelihood)
        fit = problem.fit(n_starts=2)
    return fit["slope"].value, fit["slope"].error


def study(
    slope: float,
    sampling: str,
    *,
    curves: int = 100,
    n: int = N_BINS,
    likelihood: str = "gaussian",
    seed: int = 1,
    executor: Executor | None = None,
) -> dict[str, float]:
    """Return mean and scatter of the slopes, the standard error of the mean, and the coverage."""
    function = partial(recovered, n=n, likelihood=likelihood)
    cases = [(slope, sampling)] * curves
    answers = map_items(function, cases, seeds=spawn(seed, curves), executor=executor)
    found, error = np.array(answers).T
    return {
        "mean": float(found.mean()),
        "scatter": float(found.std(ddof=1)),
        "standard_error": float(found.std(ddof=1) / np.sqrt(curves)),
        "coverage": float(np.mean(np.abs(found - slope) <= error)),
    }


def main() -> None:
    """Print one line of JSON for each sampling and slope."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--curves", type=int, default=100)
    parser.add_argument("--slopes", type=float, nargs="+", default=[1.0, 1.5, 2.0, 2.5, 3.0])
    parser.add_argument("--samplings", nargs="+", choices=SAMPLINGS, default=list(SAMPLINGS))
    parser.add_argument("--likelihood", choices=LIKELIHOODS, default="gaussian")
    parser.add_argument("--bins", type=int, default=N_BINS)
    options = parser.parse_args()
    for slope in options.slopes:
        for sampling in options.samplings:
            row = study(
                slope,
                sampling,
                curves=options.curves,
                n=options.bins,
                likelihood=options.likelihood,
            )
            design = {"slope": slope, "sampling": sampling, "bins": options.bins}
            record = {**design, "likelihood": options.likelihood, **row}
            sys.stdout.write(json.dumps(record) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
