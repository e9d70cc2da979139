"""Measure the calibration of the complexity room; writes the figures and tables of its section.

Run ``python docs/calibration/make_complexity.py [n] [workers] [study ...]`` from the top of the
repository; 1000 data sets per study take about fifteen minutes on two cores.
"""

from __future__ import annotations

import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from math import factorial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import matplotlib.pyplot as plt
from astropy.table import Table, vstack
from make_calibration import STORE, by_level, draw, markdown, save, with_first

from astrokit.complexity import (
    SpectralSlopeProblem,
    autoregressive_noise,
    block_bootstrap,
    coloured_noise,
    examples,
    fractional_brownian_motion,
    ordinal_counts,
    white_noise_test,
)
from astrokit.complexity.entropies import jensen_complexity, normalized_entropy
from astrokit.errors import CoverageWarning, InputError
from astrokit.inference import calibrate
from astrokit.parallel import map_items
from astrokit.randomness import spawn

HERE = Path(__file__).parent
SEED = 20260202
LEVEL = 0.6827
SIZES = (1000, 3000, 10_000)
BLOCKS = (None, 25, 100)
PATTERNS = (4, 5)
TRUTH_SERIES, TRUTH_SIZE = 10, 1_000_000


# -- series --------------------------------------------------------------------------------------


def ar1(size, rng, coefficient):
    return autoregressive_noise(size, coefficient=coefficient, seed=rng)


def fbm(size, rng, hurst):
    return fractional_brownian_motion(size, hurst=hurst, seed=rng)


def logistic(size, rng):
    while True:
        try:
            return examples.logistic(size + 50, start=rng.uniform(0.05, 0.95)).x[50:]
        except InputError:  # some starts are brought to rest by rounding
            continue


SERIES = {
    "AR(1), 0.5": partial(ar1, coefficient=0.5),
    "AR(1), 0.9": partial(ar1, coefficient=0.9),
    "fBm, h = 0.3": partial(fbm, hurst=0.3),
    "fBm, h = 0.5": partial(fbm, hurst=0.5),
    "fBm, h = 0.7": partial(fbm, hurst=0.7),
    "logistic map": logistic,
}
SLOPES = {
    "slope, patterns n = 4, 400 samples": {"size": 400, "n": 4},
    "slope, patterns n = 3, 400 samples with gaps": {"size": 500, "n": 3, "gaps": True},
    "slope, patterns n = 4, 20 000 samples": {"size": 20_000, "n": 4},
}


def long_run(make, n: int) -> tuple[float, float]:
    """Return H and C of ten million windows."""
    counts = np.zeros(factorial(n), np.int64)
    for seed in spawn(SEED + 7, TRUTH_SERIES):
        counts += ordinal_counts(make(TRUTH_SIZE, np.random.default_rng(seed)), n=n).dense()
    p = counts / counts.sum()
    return float(normalized_entropy(p, p.size)), float(jensen_complexity(p, p.size))


# -- intervals of H and C ------------------------------------------------------------------------


def hits(item: int, seed, *, make, n: int, size: int, block_length, truth) -> list[bool]:
    """Return whether the intervals of H and of C of one series hold the long-run values."""
    rng = np.random.default_rng(seed)
    x = make(size, rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CoverageWarning)
        b = block_bootstrap(x, n=n, block_length=block_length, n_resamples=200, seed=rng)
    intervals = (b.entropy.interval, b.complexity.interval)
    return [low <= t <= high for (low, high), t in zip(intervals, truth, strict=True)]


def study_intervals(n_sets: int, executor: ProcessPoolExecutor) -> Table:
    """Return coverage against series, n, N and block length."""
    rows = []
    for k, (name, make) in enumerate(SERIES.items()):
        for n in PATTERNS:
            truth = long_run(make, n)
            for size in SIZES:
                for block_length in BLOCKS:
                    once = partial(
                        hits, make=make, n=n, size=size, block_length=block_length, truth=truth
                    )
                    seeds = spawn(SEED + 10 * k + n, n_sets)
                    found = map_items(once, range(n_sets), seeds=seeds, executor=executor)
                    share = np.mean(found, axis=0)
                    label = "automatic" if block_length is None else str(block_length)
                    rows.append((name, n, size, label, float(share[0]), float(share[1])))
                    print(*rows[-1], flush=True)
    names = ("series", "n", "samples", "block", "coverage_H", "coverage_C")
    return Table(rows=rows, names=names)


def pivot(table: Table) -> Table:
    """Return one row per series and n: coverage of H and C at each N, automatic blocks."""
    rows: dict[tuple[str, int], dict[str, str]] = {}
    for row in table[table["block"] == "automatic"]:
        cells = rows.setdefault((row["series"], int(row["n"])), {})
        cells[f"N = {row['samples']}"] = f"{row['coverage_H']:.3f}, {row['coverage_C']:.3f}"
    return Table(rows=[{"series": s, "n": n, **cells} for (s, n), cells in rows.items()])


def blocks(table: Table) -> Table:
    """Return the mean coverage over series at each N, n and block length."""
    rows: dict[tuple[str, int], dict[str, str]] = {}
    for row in table:
        same = table[
            (table["block"] == row["block"])
            & (table["n"] == row["n"])
            & (table["samples"] == row["samples"])
        ]
        both = np.concatenate([same["coverage_H"], same["coverage_C"]])
        cells = rows.setdefault((row["block"], int(row["n"])), {})
        cells[f"N = {row['samples']}"] = f"{both.min():.3f} to {both.max():.3f}"
    return Table(rows=[{"block length": b, "n": n, **cells} for (b, n), cells in rows.items()])


def draw_intervals(table: Table, path: Path, n_sets: int) -> None:
    """Write coverage against windows per pattern."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 3), sharey=True, layout="constrained")
    sigma = 100 * np.sqrt(LEVEL * (1 - LEVEL) / n_sets)
    for ax, column in zip(axes, ("H", "C"), strict=True):
        ax.axhspan(63, 73, color="0.92")
        ax.axhline(100 * LEVEL, color="0.5", lw=0.8)
        for k, name in enumerate(SERIES):
            for n, marker in zip(PATTERNS, "os", strict=True):
                rows = table[
                    (table["series"] == name) & (table["n"] == n) & (table["block"] == "automatic")
                ]
                x = rows["samples"] / factorial(n)
                label = f"{name}, n = {n}" if column == "H" else None
                y = 100 * rows[f"coverage_{column}"]
                ax.errorbar(
                    x,
                    y,
                    yerr=sigma,
                    fmt=marker + "-",
                    color=f"C{k}",
                    ms=4,
                    lw=0.8,
                    mfc="none" if n == 5 else None,
                    label=label,
                )
        ax.set(xscale="log", xlabel="samples / n!", title=f"68.3 % intervals of {column}")
    axes[0].set_ylabel("intervals that hold the value [%]")
    figure.legend(fontsize=7, loc="outside right upper", frameon=False)
    figure.savefig(path, dpi=100)
    plt.close(figure)


# -- white noise ---------------------------------------------------------------------------------


def white_p(item: int, seed, *, n: int, size: int, ties: bool) -> float:
    """Return the p-value of one white series."""
    rng = np.random.default_rng(seed)
    x = rng.poisson(3, size) if ties else rng.standard_normal(size)
    return white_noise_test(x, n=n, n_surrogates=199, seed=rng).p_value


def study_white(n_sets: int, executor: ProcessPoolExecutor) -> Table:
    """Return Kolmogorov-Smirnov distances of p-values from uniform."""
    rows = []
    for n, size, ties in ((3, 200, False), (4, 500, False), (5, 500, False), (4, 500, True)):
        seeds = spawn(SEED + 300 + n + ties, n_sets)
        once = partial(white_p, n=n, size=size, ties=ties)
        p = np.sort(map_items(once, range(n_sets), seeds=seeds, executor=executor))
        steps = np.arange(1, n_sets + 1) / n_sets
        distance = max(np.max(steps - p), np.max(p - steps + 1 / n_sets))
        kind = "counts (ties)" if ties else "normal"
        rows.append((kind, n, size, float(distance), 1.628 / np.sqrt(n_sets)))
        print(*rows[-1], flush=True)
    return Table(rows=rows, names=("series", "n", "samples", "distance", "one_percent_limit"))


# -- slopes --------------------------------------------------------------------------------------


def slope_problem(size: int, n: int, gaps: bool = False):
    """Return the problem of one study."""
    x = coloured_noise(size, slope=1.0, seed=1)
    if gaps:
        x[150:220] = np.nan
        x[::17] = np.nan
    return SpectralSlopeProblem(x, n=n)


def study_slopes(n_sets: int, executor: ProcessPoolExecutor) -> None:
    """Write rank tests and coverage of the posterior of the slope."""
    coverage, ranks = [], []
    for k, (title, design) in enumerate(SLOPES.items()):
        name = f"slope-{k}"
        result = calibrate(
            slope_problem(**design),
            n_sets,
            seed=SEED + 500 + k,
            executor=executor,
            checkpoint=STORE / f"{name}-{n_sets}.json",
        )
        print(f"{title}\n{result}\n", flush=True)
        draw(result, title, HERE / f"{name}.png")
        coverage.append(with_first(result.coverage_table(), "study", title))
        tests = with_first(result.rank_table(), "study", title)
        tests["failed"] = result.n_failed
        ranks.append(tests)
    save(vstack(coverage), HERE / "slope_coverage.ecsv")
    save(vstack(ranks), HERE / "slope_ranks.ecsv")
    levels = by_level(vstack(coverage))
    markdown(levels, dict.fromkeys(levels.colnames, ""), HERE / "slope_coverage.inc")
    columns = {"study": "", "p_chi2": ".3f", "p_ecdf": ".3f", "failed": "d"}
    markdown(vstack(ranks), columns, HERE / "slope_ranks.inc")


def write_white(n_sets: int, executor: ProcessPoolExecutor) -> None:
    white = study_white(n_sets, executor)
    save(white, HERE / "white_noise.ecsv")
    columns = {"series": "", "n": "d", "samples": "d", "distance": ".4f"}
    markdown(white, {**columns, "one_percent_limit": ".4f"}, HERE / "white_noise.inc")


def write_intervals(n_sets: int, executor: ProcessPoolExecutor) -> None:
    table = study_intervals(n_sets, executor)
    save(table, HERE / "hc_coverage.ecsv")
    for part, name in ((pivot(table), "hc_coverage"), (blocks(table), "hc_blocks")):
        markdown(part, dict.fromkeys(part.colnames, ""), HERE / f"{name}.inc")
    draw_intervals(table, HERE / "hc_coverage.png", n_sets)


STUDIES = {"white": write_white, "intervals": write_intervals, "slopes": study_slopes}


def main() -> None:
    n_sets, workers = (int(a) for a in (sys.argv[1:3] + ["1000", "2"][len(sys.argv[1:3]) :]))
    STORE.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers) as executor:
        for name in sys.argv[3:] or STUDIES:
            STUDIES[name](n_sets, executor)


if __name__ == "__main__":
    main()
