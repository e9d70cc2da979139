"""The debiased Whittle likelihood: CPU time of one value and of a fit, up to a million bins."""

from __future__ import annotations

import time
import warnings

import numpy as np

import astrokit as ak
from astrokit.errors import AstrokitWarning
from astrokit.timing import Constant, PowerLaw, PSDProblem, timmer_koenig
from benchmarks.rows import Row, best_cpu_time

SLOPE, ERROR = 2.0, 0.5
LIMIT_S = 20.0  # of a fit to a million bins


def run(fast: bool) -> list[Row]:
    """Return the rows; `fast` stops at a hundred thousand bins."""
    sizes = (10_000, 100_000) if fast else (10_000, 100_000, 1_000_000)
    return [row for n in sizes for row in rows(n)]


def curve(n: int) -> ak.LightCurve:
    """Return red noise of known slope with errors of half a per cent."""
    red = timmer_koenig(lambda f: 1e-6 * (f / 0.03) ** -SLOPE, n, 1.0, seed=1, longer=2, finer=2)
    rate = 100 * (1 + red) + ERROR * np.random.default_rng(1).standard_normal(n)
    return ak.LightCurve(np.arange(n) + 0.5, rate, np.full(n, ERROR), bin_width=1.0)


def rows(n: int) -> list[Row]:
    """Return the time of a fit, from the light curve on, and of one value of ln L."""
    lc = curve(n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        start = time.process_time()
        problem = PSDProblem(lc, PowerLaw() + Constant(), likelihood="debiased")
        fit = problem.fit()
        spent = time.process_time() - start
    value = 1e3 * best_cpu_time(lambda: problem.log_likelihood(fit.theta), repeats=2)
    off = fit["slope"].sigma_from(SLOPE)
    limited = n == 1_000_000
    return [
        Row(
            f"debiased Whittle fit, five starts, N = {n:.0e}",
            spent,
            LIMIT_S if limited else float("nan"),
            LIMIT_S / spent if limited else float("nan"),
            "s",
            1.0 if limited else None,
            f"slope {off:+.1f} sigma from the truth" + ("; limit, no peer" if limited else ""),
        ),
        Row(f"  one value, N = {n:.0e}", value, float("nan"), float("nan"), "ms"),
    ]
