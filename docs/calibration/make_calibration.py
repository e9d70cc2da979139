"""Measure the calibration of the shared backend; writes the figures and tables of this page.

Run ``python docs/calibration/make_calibration.py [n] [workers]`` from the top of the repository;
1000 data sets per study take about fifteen minutes on two cores. Runs that were stopped go on from
``build/calibration``.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt
from astropy.table import Table, vstack

import astrokit as ak
from astrokit.inference import (
    Calibration,
    CurveProblem,
    LogUniform,
    Normal,
    Parameter,
    Parameters,
    PoissonProblem,
    Problem,
    Uniform,
    calibrate,
    fit_coverage,
)

HERE = Path(__file__).parent
STORE = HERE.parents[1] / "build" / "calibration"
SEED = 20260101


# -- designs -------------------------------------------------------------------------------------


def line(x, a, b):
    return a + b * x


def power_law(x, log_norm, slope):
    return np.exp(log_norm - slope * np.log(x))


def broken_power_law(x, log_norm, log_break, low_slope, high_slope):
    distance = np.log(x) - log_break
    return np.exp(log_norm - np.where(distance < 0, low_slope, high_slope) * distance)


def constant(x, level):
    return level + 0 * x


def line_problem(n: int) -> Problem:
    """Return a straight line at `n` places with errors of 1."""
    x = np.linspace(-1, 1, n)
    p = Parameters([Parameter("a", 0.0, Normal(0, 5)), Parameter("b", 0.0, Uniform(-5, 5))])
    return CurveProblem(x, x, np.ones(n), line, p)


def poisson_problem(n: int) -> Problem:
    """Return a power law of counts in `n` bins over two decades; truths of no counts at all too."""
    x = np.geomspace(1, 100, n)
    p = Parameters(
        [Parameter("log_norm", 3.0, Uniform(-2, 6)), Parameter("slope", 1.5, Uniform(0, 4))]
    )
    return PoissonProblem(x, np.ones(n), power_law, p)


def psd_problem(n: int) -> Problem:
    """Return the Whittle likelihood of a power law over noise at `n` frequencies."""
    frequency = np.arange(1, n + 1) / (2 * n)
    periodogram = ak.timing.Periodogram(frequency, 1e-2 * frequency**-1.5 + 1.0)
    problem = ak.timing.PSDProblem(periodogram, ak.timing.PowerLaw() + ak.timing.Constant())
    p = problem.parameters.replace("slope", prior=Uniform(0, 4), value=1.5)
    p = p.replace("log_amplitude", prior=Uniform(-4, 4), value=0.0)
    return problem.with_parameters(p.replace("constant", prior=Uniform(0, 5), value=1.0))


def rate_problem() -> Problem:
    """Return one count with its rate."""
    p = Parameters([Parameter("rate", 5.0, LogUniform(1e-3, 1e4))])
    return PoissonProblem([0.0], [5], constant, p)


def kink_problem() -> Problem:
    """Return a sharply broken power law at 15 places with errors of 30 %."""
    x = np.geomspace(0.01, 100, 15)
    p = Parameters(
        [
            Parameter("log_norm", 0.0, Uniform(-5, 5)),
            Parameter("log_break", 0.0, Uniform(-4, 4)),
            Parameter("low_slope", 1.0, Uniform(-2, 5)),
            Parameter("high_slope", 2.0, Uniform(-2, 5)),
        ]
    )
    y = broken_power_law(x, 0.0, 0.0, 1.0, 2.0)
    return CurveProblem(x, y, 0.3 * y, broken_power_law, p)


POSTERIORS = {
    "line": ("Straight line, known errors, 20 points", lambda: line_problem(20)),
    "poisson": ("Poisson power law, 30 bins", lambda: poisson_problem(30)),
    "psd": ("Whittle, power law + constant, 128 frequencies", lambda: psd_problem(128)),
    "line-small": ("Straight line, 2 points", lambda: line_problem(2)),
    "poisson-small": ("Poisson power law, 3 bins", lambda: poisson_problem(3)),
    "psd-small": ("Whittle, power law + constant, 10 frequencies", lambda: psd_problem(10)),
}

FITS = {
    "line, 20 points": (lambda: line_problem(20), [{"a": 1.0, "b": -1.0}]),
    "one count": (rate_problem, [{"rate": r} for r in (2.0, 5.0, 10.0, 30.0)]),
    "Poisson, 400 counts": (lambda: poisson_problem(30), [{"log_norm": 4.0, "slope": 1.5}]),
    "Poisson, 12 counts": (lambda: poisson_problem(30), [{"log_norm": 0.5, "slope": 1.5}]),
    "PSD, 128 frequencies": (lambda: psd_problem(128), [{"slope": 2.0, "log_amplitude": 2.0}]),
    "PSD, 20 frequencies": (lambda: psd_problem(20), [{"slope": 2.0, "log_amplitude": 2.0}]),
    "PSD, slope at its bound": (lambda: psd_problem(128), [{"slope": 0.1, "log_amplitude": 2.0}]),
    "sharp break, 15 points": (
        kink_problem,
        [{"log_norm": 0.0, "log_break": 0.3, "low_slope": 1.0, "high_slope": 2.0}],
    ),
}


# -- output --------------------------------------------------------------------------------------


def draw(result: Calibration, title: str, path: Path) -> None:
    """Write rank histograms and coverage of one study side by side."""
    d = len(result.names)
    figure, axes = plt.subplots(1, d + 1, figsize=(2.6 * d + 3.4, 2.7), layout="constrained")
    result.plot_ranks(axes[:d])
    result.plot_coverage(axes[d])
    figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def draw_fits(table: Table, path: Path) -> None:
    """Write the coverage of fit intervals, one row per design and parameter."""
    labels = list(dict.fromkeys(f"{r['design']}: {r['parameter']} = {r['truth']:g}" for r in table))
    figure, ax = plt.subplots(figsize=(7.5, 0.25 * len(labels) + 1), layout="constrained")
    ax.axvline(68.27, color="0.5", lw=0.8)
    for kind, marker, shift in (("covariance", "o", 0.12), ("profile", "s", -0.12)):
        rows = [r for r in table if r["kind"] == kind]
        y = [-labels.index(f"{r['design']}: {r['parameter']} = {r['truth']:g}") for r in rows]
        x, e = (np.array([100 * r[key] for r in rows]) for key in ("coverage", "sigma"))
        ax.errorbar(x, np.array(y) + shift, xerr=e, fmt=marker, ms=4, lw=1, label=kind)
    ax.set_yticks(-np.arange(len(labels)), labels, fontsize=7.5)
    ax.set(xlabel="intervals that hold the truth [%] (68.3 expected)", ylim=(-len(labels), 1))
    ax.legend(fontsize=8, loc="upper left", frameon=False)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def with_first(table: Table, name: str, text: str) -> Table:
    """Return a plain table with one constant column in front."""
    table = Table(table)
    table.add_column([text] * len(table), name=name, index=0)
    return table


def save(table: Table, path: Path) -> None:
    """Write an ECSV table with six digits."""
    for column in table.itercols():
        if column.dtype.kind == "f":
            column.info.format = ".6g"
    table.write(path, format="ascii.ecsv", overwrite=True)


def markdown(table: Table, columns: dict[str, str], path: Path) -> None:
    """Write chosen columns (name -> format) as a table for the page."""
    head = "| " + " | ".join(name.replace("_", " ") for name in columns) + " |"
    lines = [head, "|" + " --- |" * len(columns)]
    for row in table:
        cells = []
        for name, form in columns.items():
            value = row[name]
            missing = isinstance(value, float | np.floating) and not np.isfinite(value)
            cells.append("–" if missing else format(value, form))
        lines.append("| " + " | ".join(cells) + " |")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def by_level(coverage: Table) -> Table:
    """Return one row per parameter: coverage and its deviation in brackets, at each level."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for row in coverage:
        cells = rows.setdefault((row["study"], row["parameter"]), {})
        cells[f"{100 * row['level']:.0f} %"] = f"{row['coverage']:.3f} ({row['deviation']:+.1f})"
    return Table(rows=[{"study": s, "parameter": p, **cells} for (s, p), cells in rows.items()])


# -- studies -------------------------------------------------------------------------------------


def study_posteriors(n: int, executor: ProcessPoolExecutor) -> None:
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
        save(vstack(coverage), HERE / "coverage.ecsv")
        save(vstack(ranks), HERE / "ranks.ecsv")
        levels = by_level(vstack(coverage))
        markdown(levels, dict.fromkeys(levels.colnames, ""), HERE / "coverage.inc")
        markdown(vstack(ranks), RANK_COLUMNS, HERE / "ranks.inc")


RANK_COLUMNS = {
    "study": "",
    "parameter": "",
    "p_chi2": ".3f",
    "p_ecdf": ".3f",
    "converged": "d",
    "failed": "d",
}
FIT_COLUMNS = {
    "design": "",
    "parameter": "",
    "truth": "g",
    "kind": "",
    "given": "d",
    "coverage": ".3f",
    "deviation": "+.1f",
    "flagged": ".2f",
    "failed": "d",
}


def study_fits(n: int, executor: ProcessPoolExecutor) -> None:
    parts = []
    for k, (design, (make, truths)) in enumerate(FITS.items()):
        result = fit_coverage(make(), truths, n, seed=SEED + 100 + k, executor=executor)
        print(f"{design}\n{result}\n", flush=True)
        parts.append(with_first(result.to_table(), "design", design))
    table = vstack(parts)
    save(table, HERE / "fits.ecsv")
    markdown(table, FIT_COLUMNS, HERE / "fits.inc")
    draw_fits(table, HERE / "fits.png")


def main() -> None:
    n, workers = (int(a) for a in (sys.argv[1:] + ["1000", "2"][len(sys.argv) - 1 :])[:2])
    STORE.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers) as executor:
        study_fits(n, executor)
        study_posteriors(n, executor)


if __name__ == "__main__":
    main()
