"""Whittle fits beside stingray: CPU time, and whether the errors are the scatter; amplitudes."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from astrokit.errors import AstrokitWarning
from astrokit.timing import Constant, Periodogram, PowerLaw, PSDProblem, fractional_variability
from benchmarks.rows import Row, best_cpu_time

SLOPE, AMPLITUDE, NOISE = 1.5, 1.0, 1.0
# Where a user without a plot would begin; astrokit finds its own start.
GUESS = {"amplitude": 2.0, "slope": 1.0, "noise": 0.5}
REQUIRED = {10_000: 2.0, 100_000: 20.0, 1_000_000: 30.0}
DATA_SETS = {10_000: 10, 100_000: 6, 1_000_000: 4}
LIMIT_MS = 5.0


def run(fast: bool) -> list[Row]:
    """Return the rows; `fast` leaves the largest size and most simulations out."""
    peer, note = stingray_fit()
    sizes = [n for n in REQUIRED if not fast or n < 1_000_000]
    rows = [row for n in sizes for row in fit_rows(n, peer, note)]
    rows += error_rows(30 if fast else 100, peer, note)
    return [*rows, amplitude_row()]


def ordinates(n: int, seed: int, highest: float = 100.0) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies up to `highest` and power drawn from a power law with noise."""
    f = np.arange(1, n + 1) * (highest / n)
    S = AMPLITUDE * f**-SLOPE + NOISE
    return f, S * np.random.default_rng(seed).exponential(size=n)


def our_fit(pg: Periodogram, n_starts: int) -> Any:
    """Return the fit, from the periodogram on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        return our_problem(pg).fit(n_starts=n_starts)


def our_problem(pg: Periodogram) -> PSDProblem:
    """Return the model whose parameters are those of the peer: amplitude at unit frequency."""
    return PSDProblem(pg, PowerLaw(pivot=1.0) + Constant())


def peer_log_likelihood(pg: Periodogram, result: Any) -> float:
    """Return ln L, by our own likelihood, where the peer's search ended."""
    amplitude, slope, noise = result.p_opt
    if not (amplitude > 0 and noise > 0):
        return -math.inf
    return float(our_problem(pg).log_likelihood([slope, math.log(amplitude), noise])[0])


def stingray_fit() -> tuple[Callable[[np.ndarray, np.ndarray], Any] | None, str]:
    """Return ``fit(f, power)`` by stingray's maximum likelihood with BFGS, and its version."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import stingray
            from astropy.modeling.models import Const1D, PowerLaw1D
            from stingray.modeling import PSDLogLikelihood, PSDParEst
    except ImportError:
        return None, "stingray is not installed"

    def fit(f: np.ndarray, power: np.ndarray) -> Any:
        spectrum = stingray.Powerspectrum()
        spectrum.freq, spectrum.power, spectrum.m = f, power, 1
        spectrum.df, spectrum.n, spectrum.norm = f[1] - f[0], 2 * f.size, "frac"
        model = PowerLaw1D(amplitude=GUESS["amplitude"], alpha=GUESS["slope"], x_0=1.0)
        model += Const1D(amplitude=GUESS["noise"])
        model.x_0_0.fixed = True
        likelihood = PSDLogLikelihood(f, power, model, m=1)
        search = PSDParEst(spectrum, fitmethod="BFGS", max_post=False)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return search.fit(likelihood, [GUESS["amplitude"], GUESS["slope"], GUESS["noise"]])

    return fit, f"stingray {stingray.__version__}, BFGS"


def fit_rows(n: int, peer: Callable[..., Any] | None, note: str) -> list[Row]:
    """Return the mean time over data sets of one search beside the peer's, and of five searches.

    How many steps BFGS needs differs by a factor of three between realisations of the same model,
    so one data set would measure its luck.
    """
    data = [ordinates(n, seed) for seed in range(1, 1 + DATA_SETS[n])]
    spectra = [Periodogram(f, power) for f, power in data]
    one, five = (
        1e3 * np.mean([best_cpu_time(partial(our_fit, pg, starts)) for pg in spectra])
        for starts in (1, 5)
    )
    theirs, extra = math.nan, ""
    if peer is not None:
        theirs = 1e3 * np.mean([best_cpu_time(partial(peer, *d), repeats=2) for d in data])
        pg = spectra[0]
        ahead = our_fit(pg, 1).log_likelihood - peer_log_likelihood(pg, peer(*data[0]))
        extra = f"; ln L, ours - theirs: {ahead:.0e}" if math.isfinite(ahead) else "; it failed"
    return [
        Row(
            f"Whittle fit, N = {n:.0e}", one, theirs, theirs / one, "ms", REQUIRED[n], note + extra
        ),
        Row(f"  with five starts, N = {n:.0e}", five, theirs, theirs / five, "ms", None, note),
    ]


def error_rows(n_simulations: int, peer: Callable[..., Any] | None, note: str) -> list[Row]:
    """Return the error of the slope over its true scatter; 1 is right."""
    ours, theirs = [], []
    for seed in range(n_simulations):
        f, power = ordinates(1000, seed, highest=10.0)
        fit = our_fit(Periodogram(f, power), 1)
        ours.append((fit["slope"].value, fit["slope"].error))
        if peer is not None:
            result = peer(f, power)
            theirs.append((result.p_opt[1], result.err[1]))
    labels = {"astrokit": ours, note: theirs}
    rows = []
    for label, pairs in labels.items():
        if not pairs:
            continue
        values, errors = np.array(pairs).T
        quartiles = np.quantile(values, [0.1586553, 0.8413447])
        scatter = 0.5 * float(quartiles[1] - quartiles[0])  # failed fits do not dominate it
        median = float(np.median(errors))
        low, high = np.quantile(errors, [0.05, 0.95])
        inside = 100 * float(np.mean(np.abs(values - SLOPE) < errors))
        text = (
            f"90 % of errors {low:.3f} to {high:.3f}, scatter {scatter:.3f}, covers {inside:.0f} %"
        )
        name = "error / scatter of the slope, " + ("ours" if pairs is ours else "theirs")
        rows.append(Row(name, median / scatter, math.nan, math.nan, "", None, f"{label}: {text}"))
    return rows


def amplitude_row() -> Row:
    """Return the time of a fractional variability of a million bins."""
    rng = np.random.default_rng(1)
    rate, error = rng.normal(10, 1, 1_000_000), np.full(1_000_000, 0.1)
    ours = 1e3 * best_cpu_time(lambda: fractional_variability(rate, error))
    return Row("Fvar, N = 1e+06", ours, LIMIT_MS, LIMIT_MS / ours, "ms", 1.0, "limit, no peer")
