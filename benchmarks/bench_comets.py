"""Indices of comets: posterior on many magnitudes beside emcee, and how fast files are read."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy import stats

import astrokit as ak
from astrokit.comets.eighty_columns import read_icq
from benchmarks.rows import Row, best_cpu_time

MAGNITUDES = 2000
WANTED = 1000  # effective samples
ICQ_LINES = 2000


def photometry() -> ak.comets.CometPhotometry:
    """Return magnitudes of one comet with n = 3.8."""
    rng = np.random.default_rng(1)
    r = np.linspace(4.6, 1.8, MAGNITUDES)
    alpha = np.linspace(2, 25, MAGNITUDES)
    noise = 0.1 * rng.standard_t(4, MAGNITUDES)
    magnitude = 8.0 + 5 * np.log10(2.0) + 9.5 * np.log10(r) + 0.04 * alpha + noise
    time_ = 60850 + np.linspace(0, 80, MAGNITUDES)
    return ak.comets.CometPhotometry(
        time_, magnitude, error=0.05, r=r, delta=2.0, phase_angle=alpha
    )


def posterior_row(*, with_peer: bool = True) -> Row:
    """Return CPU seconds to 1000 effective samples, ours and those of a plain emcee run."""
    problem = ak.comets.HeliocentricProblem(photometry())

    def ours() -> float:
        start = time.process_time()
        posterior = problem.sample(seed=1, ensembles=2)
        spent = time.process_time() - start
        return spent * WANTED / min(posterior.verdict.effective_samples.values())

    ours()  # compiles
    mine = ours()
    theirs = emcee_seconds(problem.photometry) if with_peer else np.nan
    return Row(
        f"index posterior, {MAGNITUDES} magnitudes, {WANTED} effective samples",
        mine,
        theirs,
        theirs / mine,
        "CPU s",
        note="emcee, stretch move, scipy.stats.t as a user writes it",
    )


def emcee_seconds(ph: ak.comets.CometPhotometry) -> float:
    """Return CPU seconds per 1000 effective samples of emcee with the likelihood of a script."""
    import emcee

    log_r, base = np.log10(ph.r), 5 * np.log10(ph.delta)

    def log_posterior(p: np.ndarray) -> float:
        h, n, beta, scatter = p
        if not (0 < scatter < 5 and -10 < n < 20 and -30 < h < 40):
            return -np.inf
        model = h + base + 2.5 * n * log_r + beta * ph.phase_angle
        prior = -0.5 * ((beta - 0.04) / 0.02) ** 2 - 0.5 * (scatter / 0.5) ** 2
        return prior + float(
            stats.t.logpdf(ph.magnitude, 4, model, np.hypot(ph.error, scatter)).sum()
        )

    start = np.array([8.0, 3.8, 0.04, 0.09])
    first = start + 1e-3 * np.random.default_rng(1).standard_normal((32, 4))
    sampler = emcee.EnsembleSampler(32, 4, log_posterior)
    begin = time.process_time()
    sampler.run_mcmc(first, 600)
    spent = time.process_time() - begin
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tau = float(np.max(sampler.get_autocorr_time(tol=0)))
    return spent * WANTED / (32 * 600 / tau)


def icq_row() -> Row:
    """Return the time to read 2000 lines of 80 columns."""
    line = list(" " * 80)
    fields = {4: "2025N1", 12: "2025 09 12.75", 27: "S", 29: "12.3", 76: "GON05"}
    for column, text in fields.items():
        line[column - 1 : column - 1 + len(text)] = text
    lines = ["".join(line)] * ICQ_LINES
    seconds = best_cpu_time(lambda: read_icq(lines))
    return Row(f"parsing {ICQ_LINES} ICQ lines", 1e3 * seconds, np.nan, np.nan, "ms")


def table_row() -> Row:
    """Return the time to read a table of 2000 rows."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "comet.ecsv"
        photometry().to_table().write(path)
        seconds = best_cpu_time(lambda: ak.comets.read_photometry(path))
    return Row(f"reading {MAGNITUDES} rows of ECSV", 1e3 * seconds, np.nan, np.nan, "ms")


def run(fast: bool = False) -> list[Row]:
    """Measure; `fast` leaves out the slow peer."""
    return [posterior_row(with_peer=not fast), icq_row(), table_row()]
