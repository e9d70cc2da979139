"""Which slopes of power spectra can be trusted: bias and coverage of every method.

Each curve is cut out of one that is 100 times longer and 10 times finer (Timmer & Koenig 1995).
Every finished curve is written to ``build/calibration/psd_bias``, so a run that was stopped goes
on; tables (``data/psd_bias_study.ecsv``) and figure are made of what is there::

    python docs/calibration/psd_bias_study.py run --curves 500
    python docs/calibration/psd_bias_study.py table
"""

from __future__ import annotations

import argparse
import functools
import json
import warnings
from concurrent.futures import Executor
from pathlib import Path

import numpy as np

import astrokit as ak
from astrokit.parallel import map_items
from astrokit.timing.simulate import Realiser

HERE = Path(__file__).parent
TABLE = HERE.parents[1] / "data" / "psd_bias_study.ecsv"
STORE = HERE.parents[1] / "build" / "calibration" / "psd_bias"
SEED = 20261121
N = {"slope": 512, "bend": 512}  # bins
LONGER, FINER = 100, 10
FOLDS = 12  # bands above the Nyquist frequency of the cells that fold back; more add 1e-5
SLOPES = (1.0, 1.5, 2.0, 2.5, 3.0)
BEND = {"low_slope": 1.0, "high_slope": 3.0, "bend_frequency": 0.05}
SAMPLINGS = ("full", "random gaps", "orbital gaps", "random times")
CASES = [(truth, sampling) for truth in (*SLOPES, "bend") for sampling in SAMPLINGS]
# Cases whose mean lay more than four standard errors off: measured once more, with other curves.
AGAIN = ((2.0, "orbital gaps"), (2.0, "random times"))
FIRST_AGAIN = 500
PSRESP_CURVES = 25
METHODS = ("gaussian", "posterior", "debiased", "whittle", "loglog", "psresp")
BLOCK = 25
STAGES = (100, 200)
FEWEST = 20  # curves from which the figure shows a coverage
DRAWS = 1024  # from which a posterior of three parameters is made
ONE_SIGMA = 0.6826894921370859
QUANTILES = (0.5 - ONE_SIGMA / 2, 0.5, 0.5 + ONE_SIGMA / 2)


# -- curves ---------------------------------------------------------------------------------------


def spectrum(truth: float | str):
    """Return a spectrum, weak enough that rates stay positive."""
    if truth == "bend":
        low, high, bend = BEND["low_slope"], BEND["high_slope"], BEND["bend_frequency"]
        return lambda f: 1e-8 * (f / bend) ** -low / (1 + (f / bend) ** (high - low))
    return lambda f: 1e-8 * (f / 0.03) ** -truth


def size(truth: float | str) -> int:
    """Return the number of bins."""
    return N["bend" if truth == "bend" else "slope"]


def starts(sampling: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return where the bins begin, in fine cells; a bin is `FINER` cells wide."""
    if sampling == "random times":  # mean spacing of two bins
        return np.floor(np.cumsum(FINER * (1 + rng.exponential(1.0, n)))).astype(int)
    return FINER * np.arange(n)


def missing(sampling: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return which bins are gaps: a third of each orbit of 32 bins, or 30 % at random."""
    if sampling == "orbital gaps":
        return np.arange(n) % 32 >= 21
    return rng.random(n) < (0.3 if sampling == "random gaps" else 0.0)


def of_cells(psd):
    """Return the spectrum of averages over fine cells: damped, and folded at their Nyquist.

    Samples in place of averages would lack the power above their Nyquist frequency, which moves
    the slope of the bins by up to 0.0035: as much as the standard error of 500 curves.
    """

    def folded(f):
        above = FINER * np.arange(1, FOLDS + 1)[:, None]
        every = np.concatenate([f[None], above - f, above + f])
        return np.sum(psd(every) * np.sinc(every / FINER) ** 2, axis=0)

    return folded


@functools.cache
def realiser(truth: float | str, n: int) -> Realiser:
    """Return what draws fine realisations for `n` bins."""
    return Realiser(of_cells(spectrum(truth)), n * FINER * LONGER, 1 / FINER)


def curve(truth: float | str, sampling: str, seed: np.random.SeedSequence) -> ak.LightCurve:
    """Return a light curve without measurement noise."""
    rng = np.random.default_rng(seed)
    n = size(truth)
    first = starts(sampling, n, rng)
    fine = realiser(truth, n * (3 if sampling == "random times" else 1))(rng)[0]
    rate = 100 * (1 + fine[first[:, None] + np.arange(FINER)].mean(axis=1))
    rate[missing(sampling, n, rng)] = np.nan
    return ak.LightCurve((first + FINER / 2) / FINER, rate, bin_width=1.0)


def bridged(lc: ak.LightCurve) -> ak.LightCurve:
    """Return the curve on an even grid, its gaps bridged by lines: what is often done."""
    time, rate = lc.time[lc.valid], lc.rate[lc.valid]
    grid = np.arange(time[0], time[-1] + 1e-9, float(np.median(np.diff(time))))
    return ak.LightCurve(grid, np.interp(grid, time, rate), bin_width=float(grid[1] - grid[0]))


# -- methods --------------------------------------------------------------------------------------


def model(truth: float | str):
    """Return the model to fit: of the same shape as the truth."""
    if truth == "bend":
        return ak.timing.BendingPowerLaw(
            low_slope=BEND["low_slope"], bend_frequency=ak.inference.LogUniform(1e-3, 0.5)
        )
    return ak.timing.PowerLaw()


def names(truth: float | str) -> tuple[str, ...]:
    """Return the parameters that are looked at."""
    return ("high_slope", "bend_frequency") if truth == "bend" else ("slope",)


def measured(case: tuple[float | str, str, int]) -> dict:
    """Return what every method finds in one curve."""
    truth, sampling, index = case
    number = CASES.index((truth, sampling))
    lc = curve(truth, sampling, np.random.SeedSequence([SEED, number, index]))
    record = {"truth": truth, "sampling": sampling, "index": index}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ak.errors.AstrokitWarning)
        problem = ak.timing.PSDProblem(lc, model(truth))
        record["gaussian"], record["posterior"] = gaussian(problem, names(truth))
        even = ak.timing.Periodogram.from_lightcurve(
            lc if sampling == "full" else bridged(lc), noise="none"
        )
        record["whittle"] = fitted(ak.timing.PSDProblem(even, model(truth)), names(truth))
        if truth != "bend":
            slope = ak.timing.loglog_slope(even)
            record["loglog"] = {"slope": [slope.value, slope.lower, slope.upper]}
        if sampling == "full":
            debiased = ak.timing.PSDProblem(lc, model(truth), likelihood="debiased")
            record["debiased"] = fitted(debiased, names(truth))
    return record


def responding(case: tuple[float | str, str, int]) -> dict:
    """Return what PSRESP finds in one curve."""
    truth, sampling, index = case
    number = CASES.index((truth, sampling))
    lc = curve(truth, sampling, np.random.SeedSequence([SEED, number, index]))
    record = {"truth": truth, "sampling": sampling, "index": index}
    return {**record, "psresp": responded(lc, truth, index)}


def fitted(problem: ak.inference.Problem, wanted: tuple[str, ...]) -> dict:
    """Return value, lower and upper error of each parameter by a fit."""
    try:
        fit = problem.fit(n_starts=2)
    except ak.errors.FitError:
        return {}
    return {name: [fit[name].value, fit[name].lower, float(fit[name].upper)] for name in wanted}


def gaussian(problem: ak.inference.Problem, wanted: tuple[str, ...]) -> tuple[dict, dict]:
    """Return the fit, and median and central interval of the posterior."""
    try:
        fit = problem.fit(n_starts=2)
    except ak.errors.FitError:
        return {}, {}
    found = {n: [fit[n].value, fit[n].lower, float(fit[n].upper)] for n in wanted}
    posterior = integrated(problem, fit) if len(wanted) == 1 else weighted(problem, fit, wanted)
    return found, posterior or chained(problem, wanted)


def integrated(problem: ak.inference.Problem, fit: ak.inference.Fit) -> dict:
    """Return the posterior of the slope by sums over a grid along the axes of the covariance."""
    low = np.linalg.cholesky(fit.covariance)
    reach = 4.5
    for _ in range(4):
        axes = [np.linspace(-reach, reach, k) for k in (17, 9)]
        u = np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
        log_p = problem.log_posterior(fit.theta + u @ low.T).reshape(17, 9)
        p = np.exp(log_p - log_p.max())
        if max(p[[0, -1]].max(), p[:, [0, -1]].max()) < 1e-3:
            break
        reach *= 1.5
    else:
        return {}
    value = fit.theta[0] + low[0, 0] * axes[0]
    fine = np.linspace(value[0], value[-1], 2001)
    density = np.exp(np.interp(fine, value, np.log(np.maximum(p.sum(axis=1), 1e-300))))
    ends = np.interp(QUANTILES, np.cumsum(density) / density.sum(), fine)
    return {"slope": [float(ends[1]), float(ends[1] - ends[0]), float(ends[2] - ends[1])]}


def weighted(problem: ak.inference.Problem, fit: ak.inference.Fit, wanted: tuple[str, ...]) -> dict:
    """Return the posterior by weighted draws of a wide t distribution around the fit.

    Frequencies go by the logarithm. Empty where the weights leave fewer than 200 effective draws.
    """
    from scipy import stats

    free = problem.parameters.free_names
    is_log = np.array([name == "bend_frequency" for name in free])
    center, covariance = np.array(fit.theta), np.array(fit.covariance)
    if not np.isfinite(covariance).all() or (center[is_log] <= 0).any():
        return {}
    scale = np.where(is_log, 1 / center, 1.0)
    covariance = covariance * np.outer(scale, scale)
    center[is_log] = np.log(center[is_log])
    if covariance[is_log, is_log].max(initial=0.0) > 1.0:
        return {}
    proposal = stats.multivariate_t(center, 1.3 * covariance, df=5, seed=1)
    draws = proposal.rvs(DRAWS)
    theta = np.where(is_log, np.exp(draws), draws)
    log_w = problem.log_posterior(theta) + draws[:, is_log].sum(axis=1) - proposal.logpdf(draws)
    w = np.exp(log_w - log_w.max())
    if w.sum() ** 2 / (w**2).sum() < 200:
        return {}
    result = {}
    for name in wanted:
        x = theta[:, free.index(name)]
        order = np.argsort(x)
        total = np.cumsum(w[order]) - 0.5 * w[order]
        ends = np.interp(QUANTILES, total / w.sum(), x[order])
        result[name] = [float(ends[1]), float(ends[1] - ends[0]), float(ends[2] - ends[1])]
    return result


def chained(problem, wanted: tuple[str, ...]) -> dict:
    """Return the posterior by a chain."""
    post = problem.sample(seed=1, ensembles=2, until=20, max_steps=2000)
    return {n: [post[n].value, post[n].lower, float(post[n].upper)] for n in wanted}


def responded(lc: ak.LightCurve, truth: float | str, seed: int) -> dict:
    """Return PSRESP's best values and intervals."""
    if truth == "bend":
        grid = {
            "high_slope": np.linspace(1.5, 5.0, 11),
            "bend_frequency": np.geomspace(0.005, 0.4, 11),
        }
    else:
        grid = {"slope": np.linspace(truth - 1.0, truth + 1.5, 26)}
    found = ak.timing.psresp(
        lc, model(truth), grid, n_simulations=200, longer=32, finer=2, seed=seed
    )
    return {n: [found[n].value, found[n].lower, float(found[n].upper)] for n in grid}


# -- the run --------------------------------------------------------------------------------------


def stored() -> list[dict]:
    """Return the records that are there."""
    records = []
    for path in sorted(STORE.glob("*.jsonl")):
        lines = path.read_text().splitlines()
        records += [json.loads(line) for line in lines if line.endswith("}")]
    return records


def run(curves: int, executor: Executor | None = None) -> None:
    """Measure what is missing; in stages, so that a run that is stopped leaves a whole table."""
    STORE.mkdir(parents=True, exist_ok=True)
    start = 0
    for stop in (*(n for n in STAGES if n < curves), curves):
        for first in range(start, stop, BLOCK):
            run_block(measured, "gaussian", (first, min(first + BLOCK, stop)), executor)
        run_block(responding, "psresp", (0, min(stop // 10, PSRESP_CURVES)), executor)
        start = stop
    again = (FIRST_AGAIN, FIRST_AGAIN + curves)
    run_block(measured, "gaussian", again, executor, AGAIN)


def run_block(
    function, key: str, span: tuple[int, int], executor: Executor | None, some: tuple = ()
) -> None:
    """Measure some curves of each case, and append each case's records to its file."""
    done = {(r["truth"], r["sampling"], r["index"]) for r in stored() if key in r}
    for number, (truth, sampling) in enumerate(CASES):
        if some and (truth, sampling) not in some:
            continue
        cases = [(truth, sampling, i) for i in range(*span)]
        todo = [case for case in cases if case not in done]
        found = map_items(function, todo, executor=executor)
        with (STORE / f"{number:02d}.jsonl").open("a") as file:
            file.writelines(json.dumps(record) + "\n" for record in found)


def truth_of(truth: float | str, name: str) -> float:
    """Return the true value of a parameter."""
    return float(BEND[name]) if truth == "bend" else float(truth)


def rows(records: list[dict]) -> list[dict]:
    """Return one line for each parameter, case and method."""
    out = []
    for truth, sampling in CASES:
        case = [r for r in records if (r["truth"], r["sampling"]) == (truth, sampling)]
        for label, again in ((sampling, False), (f"{sampling}, again", True)):
            mine = [r for r in case if (r["index"] >= FIRST_AGAIN) == again]
            for name in names(truth):
                for method in METHODS:
                    found = [r[method][name] for r in mine if r.get(method, {}).get(name)]
                    if found:
                        out.append(summary(truth, label, name, method, np.array(found, float)))
    return out


def summary(truth, sampling: str, name: str, method: str, found: np.ndarray) -> dict:
    """Return mean, scatter and coverage; frequencies as log10."""
    true = truth_of(truth, name)
    value, lower, upper = found.T
    inside = (value - lower <= true) & (true <= value + upper)
    known = np.isfinite(lower) & np.isfinite(upper)
    inside = np.where(known, inside, _open(value, lower, upper, true))
    if name == "bend_frequency":
        value, true = np.log10(value), np.log10(true)
    n = len(value)
    scatter = float(value.std(ddof=1))
    return {
        "truth": "bend 1 to 3" if truth == "bend" else f"slope {truth:g}",
        "sampling": sampling,
        "parameter": "log10 bend_frequency" if name == "bend_frequency" else name,
        "method": method,
        "n": n,
        "true": round(true, 4),
        "mean": round(float(value.mean()), 4),
        "standard_error": round(scatter / np.sqrt(n), 4),
        "scatter": round(scatter, 4),
        "deviation": round(float((value.mean() - true) / (scatter / np.sqrt(n))), 2),
        "coverage": round(float(inside.mean()), 4),
    }


def _open(value, lower, upper, true: float) -> np.ndarray:
    """Return whether intervals that are open at one end or both hold the truth."""
    low = np.where(np.isfinite(lower), value - lower, -np.inf)
    high = np.where(np.isfinite(upper), value + upper, np.inf)
    return (low <= true) & (true <= high)


# -- tables and figure ----------------------------------------------------------------------------

TITLES = {
    "gaussian": "Gaussian likelihood, fit",
    "posterior": "Gaussian likelihood, posterior",
    "debiased": "debiased Whittle (Hann)",
    "whittle": "plain Whittle",
    "loglog": "log-log least squares",
    "psresp": "PSRESP",
}


def write() -> None:
    """Write the table, its short form for the page, and the figure."""
    from astropy.table import Table

    table = Table(rows=rows(stored()))
    table.meta["bins"] = N
    table.write(TABLE, format="ascii.ecsv", overwrite=True)
    (HERE / "psd_bias.inc").write_text(markdown(table), encoding="utf-8")
    figure(table).savefig(HERE / "psd_bias.png", dpi=160)


def markdown(table) -> str:
    """Return mean and coverage of every method as a Markdown table."""
    methods = list(TITLES)
    lines = ["| truth | sampling | curves | " + " | ".join(TITLES[m] for m in methods) + " |"]
    lines.append("|---" * (len(methods) + 3) + "|")
    for truth, sampling, name in dict.fromkeys(
        zip(table["truth"], table["sampling"], table["parameter"], strict=True)
    ):
        cells, curves = [], 0
        for method in methods:
            at = (
                (table["truth"] == truth)
                & (table["sampling"] == sampling)
                & (table["parameter"] == name)
                & (table["method"] == method)
            )
            if not at.any():
                cells.append("–")
                continue
            r = table[at][0]
            curves = max(curves, int(r["n"]))
            share = f", {100 * r['coverage']:.0f} %" if r["n"] >= FEWEST else f" ({r['n']} curves)"
            cells.append(f"{r['mean']:.3f} ± {r['standard_error']:.3f}{share}")
        label = truth if name == "slope" else f"{truth}: {name.replace('_', ' ')}"
        lines.append(f"| {label} | {sampling} | {curves} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def figure(table):
    """Return the figure: bias of the slope above, coverage of one-sigma intervals below."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    fig, axes = plt.subplots(
        2, len(SAMPLINGS), figsize=(11, 6), sharex=True, sharey="row", layout="constrained"
    )
    look = dict(
        zip(
            ("gaussian", "debiased", "whittle", "loglog", "psresp"),
            (
                ("#1b6ca8", "o"),
                ("#3a7d44", "s"),
                ("#c1440e", "v"),
                ("#d9a400", "^"),
                ("#7b4fa3", "D"),
            ),
            strict=True,
        )
    )
    slopes = table[table["parameter"] == "slope"]
    for top, low, sampling in zip(*axes, SAMPLINGS, strict=True):
        for i, (method, (color, mark)) in enumerate(look.items()):
            some = slopes[(slopes["sampling"] == sampling) & (slopes["method"] == method)]
            if len(some) == 0:
                continue
            x = np.array(some["true"]) + 0.03 * (i - 2)
            bias = some["mean"] - some["true"]
            style = {"color": color, "marker": mark, "ms": 5, "lw": 1, "capsize": 0}
            top.errorbar(x, bias, some["scatter"], label=TITLES[method].split(",")[0], **style)
            sigma = np.sqrt(ONE_SIGMA * (1 - ONE_SIGMA) / some["n"])
            if some["n"].min() >= FEWEST:
                low.errorbar(x, 100 * some["coverage"], 100 * sigma, **style)
        top.axhline(0, color="0.35", lw=1, zorder=0)
        low.axhline(100 * ONE_SIGMA, color="0.35", lw=1, zorder=0)
        top.set_title(sampling, fontsize="medium")
        low.set(xlabel="True slope", ylim=(0, 100))
    axes[0, 0].set_ylabel("Found less true slope\n(bars: scatter of one curve)")
    axes[1, 0].set_ylabel("Intervals that hold the truth (%)")
    axes[0, 0].legend(frameon=False, fontsize="small", loc="upper left")
    return fig


def main() -> None:
    """Run, or write what is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=("run", "table"))
    parser.add_argument("--curves", type=int, default=500)
    options = parser.parse_args()
    if options.task == "run":
        run(options.curves)
    write()


if __name__ == "__main__":
    main()
