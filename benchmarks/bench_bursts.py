"""Power-law tails beside `powerlaw`; limits for searches, p-values and the broken law."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from astrokit.bursts import BrokenPowerLaw, EnergyProblem, PowerLawTail, find_break
from benchmarks.rows import Row, best_cpu_time

SEARCH_LIMIT_MS = 200.0
BOOTSTRAP_LIMIT_S = 10.0
BATCH_LIMIT_MS = 1.0


def run(fast: bool) -> list[Row]:
    """Return the rows; `fast` leaves the slow sizes of the peer out."""
    peer, note = powerlaw_fit()
    rows = [peer_row(n, peer, note) for n in ((1000,) if fast else (1000, 10_000))]
    rows += [search_row(name, make, 100_000) for name, make in SAMPLES.items()]
    rows += [bootstrap_row(name, make, 100 if fast else 1000) for name, make in SAMPLES.items()]
    return [*rows, *batch_rows(), break_row()]


def power_law(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return a power law of index 2.5."""
    return rng.uniform(size=n) ** (-1 / 1.5)


def mixture(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return a power law over the upper third of a log-normal body."""
    k = rng.binomial(n, 0.3)
    return np.concatenate([10 * power_law(k, rng), 10 * np.exp(-np.abs(rng.normal(size=n - k)))])


SAMPLES: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    "power law": power_law,
    "mixture": mixture,
}


def powerlaw_fit() -> tuple[Callable[[np.ndarray], Any] | None, str]:
    """Return the search of x_min by the package powerlaw, and its version."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import powerlaw
    except ImportError:
        return None, "powerlaw is not installed"

    def fit(x: np.ndarray) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return powerlaw.Fit(x, verbose=0, parameter_ranges={"alpha": [1.01, 12]})

    return fit, f"powerlaw {powerlaw.__version__}"


def peer_row(n: int, peer: Callable[..., Any] | None, note: str) -> Row:
    """Return the time of a search beside that of the peer, in its convention."""
    x = mixture(n, np.random.default_rng(1))

    def ours() -> Any:
        return PowerLawTail.fit(x, convention="one-sided", min_tail=2)

    mine, theirs, extra = 1e3 * best_cpu_time(ours), math.nan, ""
    if peer is not None:
        start = time.process_time()
        result = peer(x)
        theirs = 1e3 * (time.process_time() - start)
        same = math.isclose(ours().xmin.value, float(result.xmin), rel_tol=1e-9)
        extra = "; same x_min" if same else "; another x_min"
    return Row(f"search of x_min, n = {n}", mine, theirs, theirs / mine, "ms", 100.0, note + extra)


def search_row(name: str, make: Callable[..., np.ndarray], n: int) -> Row:
    """Return the mean time of an exact search, sort and logarithms included."""
    data = [make(n, np.random.default_rng(seed)) for seed in range(3)]
    ours = 1e3 * np.mean([best_cpu_time(lambda x=x: PowerLawTail.fit(x)) for x in data])
    label = f"search of x_min, {name}, n = {n:.0e}"
    return Row(label, ours, SEARCH_LIMIT_MS, SEARCH_LIMIT_MS / ours, "ms", 1.0, "limit, no peer")


def bootstrap_row(name: str, make: Callable[..., np.ndarray], n: int) -> Row:
    """Return the time of a bootstrap p-value of 10 000 data, scaled to 1000 draws."""
    tail = PowerLawTail.fit(make(10_000, np.random.default_rng(1)))
    start = time.process_time()
    tail.goodness_of_fit(n, seed=1)
    ours = (time.process_time() - start) * 1000 / n
    label = f"bootstrap p, {name}, n = 1e+04, 1000 draws"
    return Row(label, ours, BOOTSTRAP_LIMIT_S, BOOTSTRAP_LIMIT_S / ours, "s", 1.0, "limit, no peer")


def batch_rows() -> list[Row]:
    """Return the time of 64 broken laws on 10 000 energies, by sums and by quadrature."""
    rng = np.random.default_rng(1)
    energy = 1e37 * rng.uniform(size=10_000) ** (-1 / 0.8)
    problem = EnergyProblem(energy, BrokenPowerLaw(), threshold=1e37)
    theta = problem.parameters.sample_prior(rng, 64)
    ours = 1e3 * best_cpu_time(lambda: problem.log_likelihood(theta))
    rows = problem.model.rows(theta, problem._design.log_reference)
    y = problem._sorted

    def plain() -> Any:  # what a loop over the bursts costs, in NumPy
        v = y - rows[:, 2, None]
        return np.where(v < 0, (1 - rows[:, 0, None]) * v, (1 - rows[:, 1, None]) * v).sum(axis=1)

    theirs = 1e3 * best_cpu_time(plain)
    name = "broken law, 64 walkers, n = 1e+04"
    return [
        Row(name, ours, BATCH_LIMIT_MS, BATCH_LIMIT_MS / ours, "ms", 1.0, "limit, no peer"),
        Row(f"  {name}", ours, theirs, theirs / ours, "ms", None, "sums over the data in NumPy"),
    ]


def break_row() -> Row:
    """Return the time of a whole search of a break: 1000 bursts, 500 simulations, 500 resamples."""
    energy = 1e37 * np.random.default_rng(1).uniform(size=1000) ** (-1 / 0.8)
    find_break(energy, threshold=1e37, n_simulations=5, n_bootstrap=5, seed=1)
    start = time.process_time()
    find_break(energy, threshold=1e37, seed=1)
    ours = time.process_time() - start
    return Row("find_break, 1000 bursts", ours, math.nan, math.nan, "s", None, "500 simulations")
