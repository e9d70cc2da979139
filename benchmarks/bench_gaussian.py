"""The Gaussian likelihood of a gapped light curve beside celerite2, and within its limits."""

from __future__ import annotations

import math
import time
import warnings
from functools import partial
from typing import Any

import numpy as np

import astrokit as ak
from astrokit.errors import AstrokitWarning
from astrokit.timing import Constant, PowerLaw, PSDProblem, timmer_koenig
from benchmarks.rows import Row, best_cpu_time

SLOPE, TERMS = 2.5, 20
LIMITS = {1000: (8.0, 0.5, 30.0), 10_000: (80.0, 5.0, 300.0)}  # ms, s, s
WANTED = 1000  # effective samples


def run(fast: bool) -> list[Row]:
    """Return evaluation, fit and posterior at each size; `fast` leaves the larger one out."""
    rows = []
    for n in (1000,) if fast else LIMITS:
        rows += rows_of(n)
    return rows


def curve(n: int) -> ak.LightCurve:
    """Return a curve of `n` valid bins with the gaps of an orbit, a third of its length."""
    size = math.ceil(1.5 * n) + 57
    rng = np.random.default_rng(1)
    rate = 100 + 100 * timmer_koenig(lambda f: 1e-6 * (f / 0.03) ** -SLOPE, size, 1.0, seed=3)
    rate += 0.1 * rng.standard_normal(size)
    rate[np.arange(size) % 57 > 37] = np.nan
    rate[np.flatnonzero(np.isfinite(rate))[n:]] = np.nan
    return ak.LightCurve(np.arange(size) + 0.5, rate, np.full(size, 0.1), bin_width=1.0)


def rows_of(n: int) -> list[Row]:
    """Return what one size costs: CPU time of one value, of a fit, of 1000 effective samples."""
    lc = curve(n)
    problem = PSDProblem(lc, PowerLaw() + Constant())
    theta = problem.parameters.free_values
    one = 1e3 * best_cpu_time(partial(problem.log_likelihood, np.tile(theta, (16, 1)))) / 16
    peer, note = celerite2_value(lc)
    rows = [Row(f"one value of ln L, N = {n:.0e}", one, peer, peer / one, "ms", 5.0, note)]
    limits = LIMITS[n]
    rows.append(Row("  beside its limit", one, limits[0], limits[0] / one, "ms", 1.0, "limit"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        seconds = best_cpu_time(problem.fit, repeats=1)
        begin = time.process_time()
        posterior = problem.sample(seed=1)
        spent = time.process_time() - begin
    found = min(posterior.verdict.effective_samples.values())
    text = f"limit; {found:.0f} effective samples in {spent:.0f} s: {posterior.verdict.word}"
    enough = spent * max(1.0, WANTED / found)
    rows.append(Row("  fit", seconds, limits[1], limits[1] / seconds, "s", 1.0, "limit"))
    rows.append(Row("  posterior", enough, limits[2], limits[2] / enough, "s", 1.0, text))
    return rows


def celerite2_value(lc: ak.LightCurve) -> tuple[float, str]:
    """Return ms of one value with a sum of 20 oscillators, and how well they follow the law."""
    try:
        import celerite2
    except ImportError:
        return math.nan, "celerite2 is not installed"
    time_, rate, error = lc.time[lc.valid], lc.rate[lc.valid] - np.nanmean(lc.rate), 0.1
    low, high = 0.05 / lc.duration, 10.0
    center = np.geomspace(low, high, TERMS)
    shape = 1.0 / (1.0 + (center[:, None] / center) ** 4)
    height = np.linalg.solve(shape, center**-SLOPE)
    f = np.geomspace(1 / lc.duration, 0.5, 500)
    worst = np.abs((1 / (1 + (f[:, None] / center) ** 4)) @ height * f**SLOPE - 1).max()
    height *= 1e4 * 1e-6 * 0.03**SLOPE

    def value() -> Any:
        terms = [
            celerite2.terms.SHOTerm(
                S0=0.5 * h / math.sqrt(2 * math.pi), w0=2 * math.pi * c, Q=0.5**0.5
            )
            for h, c in zip(height, center, strict=True)
        ]
        process = celerite2.GaussianProcess(celerite2.terms.TermSum(*terms))
        process.compute(time_, yerr=error, check_sorted=False)
        return process.log_likelihood(rate)

    note = f"celerite2 {celerite2.__version__}, {TERMS} oscillators, within {100 * worst:.1g} %"
    return 1e3 * best_cpu_time(value), note
