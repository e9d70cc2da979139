"""Measure the calibration of the bursts room; writes the figures and tables of its page.

Run ``python docs/calibration/burst_breaks.py [n] [workers]`` from the top of the repository. With
1000 samples per study it takes about twenty minutes on one core; intervals get a tenth as many:

- p-values of the break test for samples of a single power law, each with its own simulated null;
- simulation-based calibration of the broken law;
- coverage of fit, profile and bootstrap intervals at fixed truths.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt
from astropy.table import Table, vstack

import astrokit as ak
from astrokit.bursts import BrokenPowerLaw, EnergyProblem, PowerLaw
from astrokit.inference import Uniform, calibrate, fit_coverage
from astrokit.parallel import map_items
from astrokit.provenance import quiet
from astrokit.randomness import as_generator, spawn

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from make_calibration import by_level, draw, markdown, save, with_first  # noqa: E402

STORE = HERE.parents[1] / "build" / "calibration"
SEED = 20260501
LOWEST = 1e37
INDEX = 1.8
SIZES = (100, 300, 1000)
N_NULL = 100  # simulated data sets behind each p-value
TRUTHS = {
    "clear break": {"index_low": 1.3, "index_high": 2.8, "log_break_energy": 38.0},
    "weak break": {"index_low": 1.6, "index_high": 2.2, "log_break_energy": 38.0},
}
N_BOOTSTRAP = 100


# -- designs -------------------------------------------------------------------------------------


def single_law(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return energies of a single power law."""
    return LOWEST * np.exp(rng.standard_exponential(n) / (INDEX - 1))


def broken_law(n: int) -> EnergyProblem:
    """Return the broken law for `n` bursts with priors that are the same for all data."""
    model = BrokenPowerLaw(
        index_low=Uniform(0.2, 2.5),
        index_high=Uniform(1.2, 6.0),
        log_break_energy=Uniform(37.1, 39.0),
    )
    return EnergyProblem(np.geomspace(1.01, 300, n) * LOWEST, model, threshold=LOWEST)


POSTERIORS = {
    "bursts-300": ("Broken power law, 300 bursts", partial(broken_law, 300)),
}


# -- the break test ------------------------------------------------------------------------------


def p_value(n: int, n_null: int, item: int, seed: np.random.SeedSequence) -> float:
    """Return the p-value of one sample, spread evenly between the steps of its simulated null."""
    data_seed, test_seed, spread_seed = spawn(seed, 3)
    energy = single_law(n, as_generator(data_seed))
    single = EnergyProblem(energy, PowerLaw(index=Uniform(1, 6)), threshold=LOWEST)
    model = BrokenPowerLaw(index_low=Uniform(-3, 6), index_high=Uniform(1, 11))
    broken = EnergyProblem(energy, model, threshold=LOWEST)
    with quiet():
        test = ak.likelihood_ratio_test(single, broken, n_null, seed=test_seed)
    return (test.n_exceeding + as_generator(spread_seed).random()) / (n_null + 1)


def p_values(
    n: int, samples: int, executor: Executor | None = None, *, n_null: int = N_NULL
) -> np.ndarray:
    """Return p-values ``(samples,)`` of the break test where there is no break."""
    one = partial(p_value, n, n_null)
    seeds = spawn(SEED + n, samples)
    return np.array(map_items(one, range(samples), seeds=seeds, executor=executor))


def study_test(samples: int, executor: Executor) -> None:
    from scipy.stats import kstest

    rows, found = [], {}
    for n in SIZES:
        start = time.perf_counter()
        p = found[n] = p_values(n, samples, executor)
        result = kstest(p, "uniform")
        rows.append(
            {
                "bursts": n,
                "samples": samples,
                "null simulations": N_NULL,
                "KS distance": float(result.statistic),
                "1 % band": 1.628 / np.sqrt(samples),
                "KS p": float(result.pvalue),
                "p < 0.05": float(np.mean(p < 0.05)),
                "p < 0.01": float(np.mean(p < 0.01)),
            }
        )
        print(rows[-1], f"{time.perf_counter() - start:.0f} s", flush=True)
    table = Table(rows=rows)
    save(table, HERE / "burst_p_values.ecsv")
    forms = dict.fromkeys(table.colnames, ".3f")
    markdown(
        table,
        {**forms, "bursts": "d", "samples": "d", "null simulations": "d"},
        HERE / "burst_p_values.inc",
    )
    draw_p_values(found, HERE / "burst_p_values.png")


def draw_p_values(found: dict[int, np.ndarray], path: Path) -> None:
    """Write the distribution of the p-values minus that of uniform ones."""
    figure, ax = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
    for n, p in found.items():
        x = np.sort(p)
        ax.step(x, np.arange(1, x.size + 1) / x.size - x, where="post", label=f"{n} bursts", lw=1)
        band = 1.628 / np.sqrt(x.size)
    ax.axhspan(-band, band, color="0.9", lw=0, zorder=0, label="1 % band of KS")
    ax.set(xlabel="p-value of the break test, no break", ylabel="share below p, minus p",
           xlim=(0, 1), ylim=(-1.6 * band, 1.6 * band))  # fmt: skip
    ax.legend(fontsize=8, ncols=2)
    figure.savefig(path, dpi=100)
    plt.close(figure)


# -- posteriors ----------------------------------------------------------------------------------


def study_posteriors(n: int, executor: Executor) -> None:
    coverage, ranks = [], []
    for k, (name, (title, make)) in enumerate(POSTERIORS.items()):
        result = calibrate(
            make(), n, seed=SEED + k, executor=executor, checkpoint=STORE / f"{name}-{n}.json"
        )
        print(f"{title}\n{result}\n", flush=True)
        draw(result, title, HERE / f"{name}.png")
        coverage.append(with_first(result.coverage_table(), "study", title))
        tests = with_first(result.rank_table(), "study", title)
        tests["converged"] = result.verdicts.get("converged", 0)
        tests["failed"] = result.n_failed
        ranks.append(tests)
        save(vstack(coverage), HERE / "burst_coverage.ecsv")
        save(vstack(ranks), HERE / "burst_ranks.ecsv")
        levels = by_level(vstack(coverage))
        markdown(levels, dict.fromkeys(levels.colnames, ""), HERE / "burst_coverage.inc")
        forms = {"study": "", "parameter": "", "p_chi2": ".3f", "p_ecdf": ".3f"}
        markdown(
            vstack(ranks), {**forms, "converged": "d", "failed": "d"}, HERE / "burst_ranks.inc"
        )


# -- intervals at fixed truths -------------------------------------------------------------------


def bootstrap_covers(
    problem: EnergyProblem, theta: np.ndarray, item: int, seed: np.random.SeedSequence
) -> np.ndarray:
    """Return whether the bootstrap interval of each parameter holds the truth."""
    data_seed, *seeds = spawn(seed, N_BOOTSTRAP + 1)
    simulated = problem.simulate(theta, as_generator(data_seed))
    draws = np.array([simulated.resampled(child)._known_maximum()[0] for child in seeds])
    low, high = np.quantile(draws, [0.158655, 0.841345], axis=0)
    return (low <= theta) & (theta <= high)


def study_intervals(n: int, executor: Executor) -> None:
    parts = []
    for size in SIZES:
        for name, truth in TRUTHS.items():
            problem = EnergyProblem(
                np.geomspace(1.01, 300, size) * LOWEST,
                BrokenPowerLaw(
                    index_low=Uniform(-3, 6),
                    index_high=Uniform(1, 11),
                    log_break_energy=Uniform(37.1, 39.0),
                ),
                threshold=LOWEST,
            )
            design = f"{name}, {size} bursts"
            result = fit_coverage(problem, [truth], n // 10, seed=SEED + size, executor=executor)
            table = result.to_table()
            theta = np.array([truth[key] for key in problem.parameters.free_names])
            seeds = spawn(SEED + size + 1, n // 10)
            covers = np.array(
                map_items(
                    partial(bootstrap_covers, problem, theta),
                    range(n // 10),
                    seeds=seeds,
                    executor=executor,
                )
            )
            for j, key in enumerate(problem.parameters.free_names):
                share = float(covers[:, j].mean())
                sigma = np.sqrt(0.6827 * 0.3173 / len(covers))
                table.add_row(_row_like(table, key, truth[key], len(covers), share, sigma))
            print(design, table, sep="\n", flush=True)
            parts.append(with_first(table, "design", design))
    whole = vstack(parts)
    save(whole, HERE / "burst_intervals.ecsv")
    forms = {"design": "", "parameter": "", "truth": "g", "kind": "", "given": "d"}
    markdown(
        whole,
        {**forms, "coverage": ".3f", "deviation": "+.1f", "flagged": ".2f", "failed": "d"},
        HERE / "burst_intervals.inc",
    )


def _row_like(
    table: Table, name: str, truth: float, given: int, share: float, sigma: float
) -> dict[str, object]:
    """Return a row of a bootstrap interval for the table of fit intervals."""
    row = {key: table[key][0] for key in table.colnames}
    row.update(parameter=name, truth=truth, kind="bootstrap", n=given, given=given,
               coverage=share, sigma=sigma, deviation=(share - 0.682689) / sigma, flagged=0.0,
               coverage_unflagged=share, median_pull=np.nan, failed=0)  # fmt: skip
    return {key: row[key] for key in table.colnames}


def main() -> None:
    n, workers = (int(a) for a in (sys.argv[1:] + ["1000", "2"][len(sys.argv) - 1 :])[:2])
    STORE.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers) as executor:
        study_test(n, executor)
        study_posteriors(n, executor)
        study_intervals(n, executor)


if __name__ == "__main__":
    main()
