"""Effective samples per CPU second beside emcee, start-up of the kernel, memory of long chains."""

from __future__ import annotations

import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from astrokit.fastmath import fast_exp
from astrokit.inference import (
    CurveProblem,
    LogUniform,
    Parameter,
    Parameters,
    SamplerOptions,
    Uniform,
)
from astrokit.inference.diagnostics import autocorrelation_time, find_burn_in
from astrokit.inference.kernels import compiled_likelihood
from astrokit.inference.problem import CompiledLikelihood
from benchmarks.rows import Row

WALKERS = 32
TRUTH = (10.0, 1.0, 2.5, 1.0, 1.0)
NAMES = ("amplitude", "low_slope", "high_slope", "bend", "noise")
LOW = np.array([0.1, -1.0, 0.0, 0.02, 0.0])
HIGH = np.array([1000.0, 4.0, 6.0, 50.0, 5.0])


def broken_power_law(x, amplitude, low_slope, high_slope, bend, noise):
    """The model as a user of either package writes it."""
    distance = np.log(x / bend)
    exponent = low_slope * np.minimum(distance, 0.0) + high_slope * np.maximum(distance, 0.0)
    return amplitude * np.exp(-exponent) + noise


@compiled_likelihood
def log_likelihood(values, data):
    """The same, compiled; rows of data: ln x, y, 1 / sigma, normalisation."""
    log_x, y, weight = data[0], data[1], data[2]
    amplitude, low_slope, high_slope, noise = values[0], values[1], values[2], values[4]
    log_bend = math.log(values[3])
    chi2 = 0.0
    for i in range(log_x.size):
        distance = log_x[i] - log_bend
        index = low_slope * min(distance, 0.0) + high_slope * max(distance, 0.0)
        z = (y[i] - amplitude * fast_exp(-index) - noise) * weight[i]
        chi2 += z * z
    return data[3, 0] - 0.5 * chi2


class BrokenPowerLaw(CurveProblem):
    """The problem with its compiled form."""

    @property
    def kernel(self) -> CompiledLikelihood:
        norm = np.full(self.x.size, self.log_likelihood([TRUTH])[0])
        rows = np.stack([np.log(self.x), self.data, 1 / self.sigma, 0 * norm])
        rows[3] = norm - log_likelihood(np.array(TRUTH), rows)
        return CompiledLikelihood(log_likelihood, rows)


def make(n: int = 200) -> BrokenPowerLaw:
    """Return simulated data with 10 % errors."""
    priors = [Uniform(*LOW_HIGH) for LOW_HIGH in zip(LOW, HIGH, strict=True)]
    priors[0], priors[3] = LogUniform(LOW[0], HIGH[0]), LogUniform(LOW[3], HIGH[3])
    parameters = Parameters(map(Parameter, NAMES, TRUTH, priors))
    x = np.geomspace(0.01, 100.0, n)
    truth = broken_power_law(x, *TRUTH)
    y = truth * (1 + 0.1 * np.random.default_rng(1).standard_normal(n))
    return BrokenPowerLaw(x, y, 0.1 * truth, broken_power_law, parameters)


def run(fast: bool) -> list[Row]:
    """Measure everything in this process, one after the other."""
    problem = make()
    for engine in ("numpy", "compiled"):  # compile and import before the clock starts
        ours(problem, engine, until=5.0, seed=99)
    repeats = 1 if fast else 3
    peer = np.median([emcee_rate(problem, 1500 if fast else 5000, seed) for seed in range(repeats)])
    rows = []
    for engine, required in (("numpy", 10.0), ("compiled", 40.0)):
        rate = np.median([ours(problem, engine, until=50.0, seed=s) for s in range(2 * repeats)])
        name = f"MCMC, 5 parameters, {engine} block"
        note = "emcee, NumPy likelihood, stretch move"
        rows.append(Row(name, rate, peer, rate / peer, "ESS / CPU s", required, note))
    return rows + start_up() + memory(4000 if fast else 20000)


def ours(problem: BrokenPowerLaw, engine: str, until: float, seed: int) -> float:
    """Return effective samples per CPU second of a whole run: fit, burn-in, diagnostics."""
    import warnings

    options = SamplerOptions(engine=engine, progress=False)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        posterior = problem.sample(seed=seed, until=until, walkers=WALKERS, options=options)
    seconds = time.process_time() - start
    return min(posterior.verdict.effective_samples.values()) / seconds


def emcee_rate(problem: BrokenPowerLaw, steps: int, seed: int) -> float:
    """Return effective samples per CPU second of emcee, started at the truth."""
    import emcee

    x, y, sigma = problem.x, problem.data, problem.sigma

    def log_posterior(theta: Any) -> float:
        if np.any(theta < LOW) or np.any(theta > HIGH):
            return -np.inf
        prior = -np.log(theta[0]) - np.log(theta[3])
        return prior - 0.5 * np.sum(((y - broken_power_law(x, *theta)) / sigma) ** 2)

    rng = np.random.default_rng(seed)
    start = np.array(TRUTH) * (1 + 0.01 * rng.standard_normal((WALKERS, len(TRUTH))))
    sampler = emcee.EnsembleSampler(WALKERS, len(TRUTH), log_posterior)
    sampler.random_state = np.random.RandomState(seed).get_state()
    clock = time.process_time()
    sampler.run_mcmc(start, steps)
    seconds = time.process_time() - clock
    chain = sampler.get_chain()
    chain = chain[find_burn_in(chain.mean(axis=1)) :]
    tau = max(autocorrelation_time(chain[:, :, k]) for k in range(len(TRUTH)))
    return chain.shape[0] * WALKERS / tau / seconds


def start_up() -> list[Row]:
    """CPU time until the first compiled sweeps in a fresh process whose disk cache is warm."""
    code = (
        "import time; from benchmarks.bench_mcmc import first_block, make; p = make();"
        "from astrokit.inference.engines import CompiledEngine; t = time.process_time();"
        "first_block(CompiledEngine(p)); print(time.process_time() - t)"
    )
    fresh, warm = (float(_python(code)) for _ in range(2))
    note = "fresh process: load kernel and block from the disk cache; no compilation"
    return [
        Row("first compiled block", 1e3 * min(fresh, warm), math.nan, math.nan, "ms", None, note)
    ]


def first_block(engine: Any) -> None:
    """Run the first few sweeps of an ensemble."""
    from astrokit.inference.draws import Moves
    from astrokit.inference.moves import BlockMove

    rng = np.random.default_rng(1)
    coords = np.array(TRUTH) * (1 + 0.01 * rng.standard_normal((WALKERS, len(TRUTH))))
    log_prob = engine.log_posterior(coords)
    history = np.empty((16, WALKERS, len(TRUTH) + 1))
    move = BlockMove(engine, np.random.SeedSequence(1), Moves(), history)
    move.run(coords, log_prob, stop=16)


def memory(steps: int) -> list[Row]:
    """Peak memory of two checkpointed runs, one four times as long: the growth stays flat."""
    peaks = [
        float(_python(f"from benchmarks.bench_mcmc import peak; peak({n})"))
        for n in (steps, 4 * steps)
    ]
    megabytes = 4 * steps * 4 * 64 * 9 * 8 / 2**20
    note = f"{4 * steps} against {steps} sweeps; the longer chain has {megabytes:.0f} MB on disk"
    return [
        Row("peak memory, checkpoint", peaks[1], peaks[0], peaks[0] / peaks[1], "MB", None, note)
    ]


def peak(steps: int) -> None:
    """Sample 8 parameters with 64 walkers to this length and print the peak memory in MB."""
    import warnings

    from tests.inference.targets import Gaussian

    options = SamplerOptions(progress=False)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        posterior = Gaussian(8).sample(
            seed=1,
            until=1e9,
            max_steps=steps,
            walkers=64,
            checkpoint=Path(folder) / "run",
            options=options,
        )
        posterior.summary()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _python(code: str) -> str:
    """Run code in a fresh interpreter and return what it printed last."""
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    return result.stdout.split()[-1]
