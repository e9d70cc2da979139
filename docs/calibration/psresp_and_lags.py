"""Coverage of the regions of PSRESP and of the errors of lags.

Writes ``psresp.ecsv``, ``lags.ecsv`` and their short forms for the page::

    python docs/calibration/psresp_and_lags.py psresp --curves 200
    python docs/calibration/psresp_and_lags.py lags --curves 200

A run of ``psresp`` that was stopped goes on from ``build/calibration``; 200 curves take about a
quarter of an hour of one core.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
from astropy.table import Table

import astrokit as ak
from astrokit.parallel import map_items
from astrokit.randomness import spawn

HERE = Path(__file__).parent
STORE = HERE.parents[1] / "build" / "calibration"
SEED = 20261122
SLOPES = (1.0, 1.5, 2.0, 2.5)
LEVELS = (0.5, 0.6827, 0.9)
FULL = 4
METHODS = (("interpolated", False), ("interpolated", True), ("dcf", False), ("zdcf", False))


# -- PSRESP ---------------------------------------------------------------------------------------


def sampling(kind: str) -> ak.LightCurve:
    """Return 128 bins with errors of 0.1 %: even, with gaps of an orbit, or irregular."""
    rng = np.random.default_rng(1)
    rate, error = np.full(128, 10.0), np.full(128, 0.01)
    time = np.arange(128.0)
    if kind == "orbital gaps":
        rate[np.arange(128) % 32 >= 21] = np.nan
    if kind == "irregular":
        return ak.LightCurve(1.6 * time + rng.uniform(0, 1, 128), rate, error, bin_width=0.0)
    return ak.LightCurve(time, rate, error)


def responded(case: tuple[float, str], seed: np.random.SeedSequence) -> list[float]:
    """Return success fraction and confidence at the truth, and the best slope, of one curve."""
    truth, kind = case
    source, search = seed.spawn(2)
    lc = ak.timing.simulate_lightcurve(
        lambda f: 1e-5 * (f / 0.1) ** -truth, sampling(kind), seed=source, longer=32, finer=2
    )
    grid = {"slope": truth + np.linspace(-1.0, 1.0, 17)}
    found = ak.timing.psresp(
        lc, ak.timing.PowerLaw(), grid, n_simulations=200, longer=32, finer=2, seed=search
    )
    return [found.success_fraction[8], found.confidence[8], found.best["slope"]]


def all_responses(curves: int, truth: float, kind: str) -> np.ndarray:
    """Return the answers of all curves of a case ``(curves, 3)``, from the store where it has them.

    Curves are added in the order of their seeds, so the store serves a larger number too.
    """
    store = STORE / f"psresp-{kind.replace(' ', '-')}-{truth:g}.json"
    answers = json.loads(store.read_text(encoding="utf-8")) if store.exists() else []
    seeds = spawn([*SLOPES].index(truth) + SEED, curves)
    STORE.mkdir(parents=True, exist_ok=True)
    while len(answers) < curves:
        more = seeds[len(answers) : len(answers) + 20]
        answers += map_items(responded, [(truth, kind)] * len(more), seeds=more)
        store.write_text(json.dumps(answers), encoding="utf-8")
    return np.array(answers[:curves])


def psresp_table(curves: int) -> Table:
    """Return the coverage of regions for each slope and sampling."""
    rows = []
    for kind in ("full", "orbital gaps", "irregular"):
        for truth in SLOPES:
            success, confidence, best = all_responses(curves, truth, kind).T
            row = {"sampling": kind, "true slope": truth, "curves": curves}
            row |= {"mean": best.mean(), "scatter": best.std(ddof=1)}
            row |= {f"region {lv:g}": np.mean(confidence > 1 - lv) for lv in LEVELS}
            row |= {f"success > {1 - lv:.2g}": np.mean(success > 1 - lv) for lv in LEVELS}
            rows.append(row)
    return rounded(Table(rows=rows))


# -- lags -----------------------------------------------------------------------------------------


def looks(slope: float, noise: float, rng: np.random.Generator) -> list[ak.LightCurve]:
    """Return two looks at one process, at 100 irregular times each; the second is 6 later."""
    fine, lag, n = 10, 6.0, 100
    variation = ak.timing.timmer_koenig(
        lambda f: (f / 0.02) ** -slope, (n + 10) * fine, 1 / fine, seed=rng, longer=16, finer=1
    )
    variation = variation / 10.0
    curves = []
    for shift in (lag, 0.0):
        time = np.arange(n) + rng.uniform(0, 0.9, n)
        x = variation[np.rint((time + shift) * fine).astype(int)]
        sigma = noise * variation.std()
        rate = 100 + x + rng.normal(0, sigma, n)
        curves.append(ak.LightCurve(time, rate, np.full(n, sigma), bin_width=0.0))
    return curves


def lagged(case: tuple[float, float, str, str, bool], seed: np.random.SeedSequence) -> list[float]:
    """Return a lag with its errors from one pair of curves."""
    slope, noise, function, statistic, detrend = case
    first, second = looks(slope, noise, np.random.default_rng(seed))
    lags = None if function == "interpolated" else np.arange(-40.5, 41)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ak.errors.AstrokitWarning)
        try:
            found = ak.timing.time_lag(
                first,
                second,
                function=function,
                statistic=statistic,
                detrend=detrend,
                lags=lags,
                n=200,
                seed=seed,
            ).estimate
        except ak.errors.InputError:
            return [np.nan] * 3
    return [found.value, found.lower, float(found.upper)]


def lag_table(curves: int) -> Table:
    """Return bias, scatter, median error and coverage for spectra, noise and methods."""
    rows = []
    for slope in (1.5, 2.5):
        for noise in (0.05, 0.3):
            for function, detrend in METHODS:
                for statistic in ("centroid", "peak"):
                    case = (slope, noise, function, statistic, detrend)
                    seeds = spawn(SEED, curves)
                    answers = np.array(map_items(lagged, [case] * curves, seeds=seeds))
                    value, lower, upper = answers[np.isfinite(answers[:, 0])].T
                    inside = (value - lower <= 6.0) & (value + upper >= 6.0)
                    rows.append(
                        {
                            "slope": slope,
                            "noise / rms": noise,
                            "function": function + (", detrended" if detrend else ""),
                            "statistic": statistic,
                            "curves": len(value),
                            "bias": np.mean(value) - 6.0,
                            "scatter": np.std(value, ddof=1),
                            "error": np.median((lower + upper) / 2),
                            "coverage": np.mean(inside),
                        }
                    )
    return rounded(Table(rows=rows))


# -- writing --------------------------------------------------------------------------------------


def rounded(table: Table) -> Table:
    """Return the table with four decimals."""
    for name in table.colnames:
        if table[name].dtype.kind == "f":
            table[name] = np.round(table[name], FULL)
    return table


def markdown(table: Table) -> str:
    """Return the table in Markdown."""
    lines = ["| " + " | ".join(table.colnames) + " |", "|---" * len(table.colnames) + "|"]
    for row in table:
        cells = [f"{x:.3g}" if isinstance(x, float) else str(x) for x in row]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Make one of the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=("psresp", "lags"))
    parser.add_argument("--curves", type=int, default=200)
    options = parser.parse_args()
    table = {"psresp": psresp_table, "lags": lag_table}[options.study](options.curves)
    table.write(HERE / f"{options.study}.ecsv", format="ascii.ecsv", overwrite=True)
    (HERE / f"{options.study}.inc").write_text(markdown(table), encoding="utf-8")


if __name__ == "__main__":
    main()
