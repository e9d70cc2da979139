"""How often red noise of one component is called bimodal, and are rms-flux errors right?

Run ``python docs/calibration/flux_verdicts.py [n]`` from the top of the repository; 140 curves take
some five minutes. Prints the numbers that ``docs/blazar.md`` quotes.
"""

from __future__ import annotations

import sys
import warnings

import numpy as np

import astrokit as ak
from astrokit.errors import AstrokitWarning, InputError

SPECTRA = ((1.5, 6e-6), (2.0, 6e-8))  # slope, power at 1 Hz
BINS, WIDTH, MEAN, ERROR = 300, 100.0, 30.0, 0.6
SIMULATIONS = 39
# Bins, slope, power at 1 Hz, error.
DESIGNS = (
    (2000, 1.5, 2e-5, 0.1),
    (600, 1.0, 1e-3, 0.1),
    (600, 1.5, 2e-5, 0.1),
    (600, 2.2, 4e-8, 0.03),
    (600, 2.2, 4e-8, 0.3),
)


def log_normal_curve(number: int) -> ak.LightCurve:
    """Return red noise of one component with a Gaussian logarithm."""
    slope, amplitude = SPECTRA[number % 2]
    rng = np.random.default_rng([number, 1])
    g = ak.timing.timmer_koenig(lambda f: amplitude * f**-slope, BINS, WIDTH, seed=number)
    rate = np.exp(g)
    rate *= MEAN / rate.mean()
    rate += ERROR * rng.standard_normal(BINS)
    return ak.LightCurve((np.arange(BINS) + 0.5) * WIDTH, rate, np.full(BINS, ERROR))


def p_values(n: int) -> np.ndarray:
    """Return p-values of two components for `n` curves that have one, spectra fitted to each."""
    timing, found = ak.timing, []
    models = (timing.LogNormalFlux(), timing.NormalFlux() + timing.NormalFlux())
    for number in range(n):
        lc = log_normal_curve(number)
        fit = timing.PSDProblem(lc, timing.PowerLaw()).fit()
        flux = timing.flux_distribution(
            lc, psd=fit, models=models, n=SIMULATIONS, level=0.025, seed=number
        )
        found.append((1 + flux.test.n_exceeding) / (1 + flux.test.n))
    return np.array(found)


def rms_flux_pulls(design: tuple[int, float, float, float], kind: str, n: int) -> np.ndarray:
    """Return slopes of Gaussian noise, or intercepts of log-normal noise, over their errors."""
    bins, slope, amplitude, error = design
    pulls = []
    for number in range(n):
        g = ak.timing.timmer_koenig(lambda f: amplitude * f**-slope, bins, WIDTH, seed=number)
        rate = 10 * (1 + g) if kind == "gaussian" else 10 * np.exp(g)
        rate = rate + np.random.default_rng(number).normal(0, error, bins)
        lc = ak.LightCurve(np.arange(bins) * WIDTH, rate, np.full(bins, error))
        try:
            relation = ak.timing.rms_flux_relation(lc)
        except InputError:  # no variance beyond that of the noise
            continue
        e = relation.slope if kind == "gaussian" else relation.intercept
        pulls.append(e.value / e.error)
    return np.array(pulls)


def main() -> None:
    """Print both tables."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 140
    warnings.simplefilter("ignore", AstrokitWarning)
    for design in DESIGNS:
        for kind in ("gaussian", "log-normal"):
            p = rms_flux_pulls(design, kind, n)
            inside = np.mean(np.abs(p) < 1)
            print(f"rms-flux, {design[0]} bins of slope {design[1]}, error {design[3]}", end=", ")
            print(f"{kind}: {p.size} pulls {p.mean():+.2f} +- {p.std(ddof=1):.2f}", end=", ")
            print(f"{inside:.2f} within 1")
    p = p_values(n)
    for level in (0.025, 0.1, 0.25, 0.5):
        print(f"p <= {level}: {np.mean(p <= level):.3f} of {n} curves of one component")


if __name__ == "__main__":
    main()
