"""Measure the calibration of the Fourier side of timing; writes figures and tables of the page.

Posteriors of the debiased Whittle likelihood and of averages of segments, and the p-values of
searches for a line where there is none. Run ``python docs/calibration/fourier_calibration.py [n]``
from the top of the repository; 300 data sets per study take about three minutes of one core. Runs
that were stopped go on from ``build/calibration``.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt
from astropy.table import Table, vstack
from scipy import stats

import astrokit as ak
from astrokit.errors import AstrokitWarning
from astrokit.inference import Problem, Uniform, calibrate
from astrokit.timing import Constant, Periodogram, PowerLaw, PSDProblem, averaged_periodogram

HERE = Path(__file__).parent
SEED = 20260301
SIMULATIONS = 99  # of each search
# 16 walkers of 50 autocorrelation times hold 800 independent draws, of which 99 are needed.
SAMPLING = {"ensembles": 1, "walkers": 16}


def _page():
    """Return the script of the page, whose figures and tables these follow."""
    spec = importlib.util.spec_from_file_location("make_calibration", HERE / "make_calibration.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def debiased_problem() -> Problem:
    """Return 256 bins without gaps, errors of 0.2 %; slopes from the prior."""
    rate = 100 + np.cos(np.arange(256))
    lc = ak.LightCurve(np.arange(256) + 0.5, rate, np.full(256, 0.2), bin_width=1.0)
    model = PowerLaw(slope=Uniform(0, 3), log_amplitude=Uniform(-9, -4), pivot=0.03)
    return PSDProblem(lc, model, likelihood="debiased")


def segments_problem() -> Problem:
    """Return averages of 13 segments of 128 bins that lie between gaps."""
    rate = 10 + np.random.default_rng(1).normal(0, 0.5, 2000)
    rate[[300, 301, 1200]] = np.nan
    lc = ak.LightCurve(np.arange(2000) + 0.5, rate, np.full(2000, 0.5))
    model = PowerLaw(slope=Uniform(0, 3), log_amplitude=Uniform(-6, 0), pivot=0.05)
    model += Constant(constant=Uniform(0, 0.05))
    return PSDProblem(averaged_periodogram(lc, 128), model)


STUDIES = {
    "debiased": ("Debiased Whittle, power law, 256 bins", debiased_problem),
    "segments": ("Averages of 13 segments, power law + constant", segments_problem),
}


def null_p_values(n: int) -> dict[str, np.ndarray]:
    """Return global and local p-values of line searches in `n` data sets of red noise.

    The rank of the data among their simulations, made continuous by a random part, is uniform
    where the search is calibrated.
    """
    f = np.arange(1, 257) / 512
    total, local = np.empty(n), np.empty(n)
    for i in range(n):
        rng = np.random.default_rng([SEED, i])
        power = (0.01 * f ** rng.uniform(-2.0, -0.5) + 0.02) * rng.exponential(size=f.size)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstrokitWarning)
            fit = PSDProblem(Periodogram(f, power), PowerLaw() + Constant()).fit()
            search = ak.timing.line_search(fit, SIMULATIONS, seed=i, widths=(1, 4))
        total[i] = (search.test.n_exceeding + rng.random()) / (search.test.n + 1)
        local[i] = search.local_p_value
    return {"global": total, "local": local}


def draw_p_values(p: dict[str, np.ndarray], path: Path) -> Table:
    """Draw the distributions of the p-values; return a row with the Kolmogorov-Smirnov test."""
    n = p["global"].size
    figure, ax = plt.subplots(figsize=(4.6, 3.4), layout="constrained")
    ax.plot([0, 1], [0, 1], color="0.5", lw=0.8)
    for (name, values), color in zip(p.items(), ("#1b6ca8", "#c1440e"), strict=True):
        ax.step(np.sort(values), np.arange(1, n + 1) / n, where="post", color=color, label=name)
    ax.set(xlabel="p where there is no line", ylabel="part of the searches", xlim=(-0.01, 1))
    ax.legend(fontsize=8, frameon=False)
    figure.savefig(path, dpi=100)
    plt.close(figure)
    test = stats.kstest(p["global"], "uniform")
    below = {f"p < {q}": float(np.mean(p["global"] < q)) for q in (0.01, 0.05, 0.32)}
    row = {"searches": n, "KS distance": float(test.statistic), "KS p": float(test.pvalue), **below}
    return Table(rows=[row])


def main() -> None:
    """Run all studies with as many data sets as the first argument says."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    page = _page()
    page.STORE.mkdir(parents=True, exist_ok=True)
    coverage, ranks = [], []
    for key, (title, make) in STUDIES.items():
        store = page.STORE / f"{key}-{n}.json"
        result = calibrate(make(), n, seed=SEED, checkpoint=store, sampling=SAMPLING)
        page.draw(result, f"{title}, {n} data sets", HERE / f"{key}.png")
        coverage.append(page.with_first(result.coverage_table(), "study", title))
        ranks.append(page.with_first(result.rank_table(), "study", title))
    table = vstack(coverage)
    page.save(table, HERE / "fourier.ecsv")
    levels = page.by_level(table)
    page.markdown(levels, dict.fromkeys(levels.colnames, ""), HERE / "fourier.inc")
    page.save(vstack(ranks), HERE / "fourier_ranks.ecsv")
    columns = dict(list(page.RANK_COLUMNS.items())[:4])
    page.markdown(vstack(ranks), columns, HERE / "fourier_ranks.inc")
    lines = draw_p_values(null_p_values(n), HERE / "line_p_values.png")
    page.save(lines, HERE / "line_p_values.ecsv")
    page.markdown(
        lines,
        {name: "d" if name == "searches" else ".3f" for name in lines.colnames},
        HERE / "line_p_values.inc",
    )


if __name__ == "__main__":
    main()
