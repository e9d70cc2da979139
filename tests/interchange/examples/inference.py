"""Instances of the backend's classes."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from astrokit import inference as inf
from astrokit.inference.intervals import SampledEstimate, Summary
from astrokit.inference.kernels import CompiledFunction
from astrokit.inference.plots import Band


def line(x: Any, intercept: Any, slope: Any) -> Any:
    return intercept + slope * x


def parameters() -> inf.Parameters:
    return inf.Parameters(
        [
            inf.Parameter("intercept", 1.0, inf.Normal(0.0, 9.0), unit="Jy", symbol="a"),
            inf.Parameter("slope", 0.5, inf.Uniform(-9.0, 9.0)),
        ]
    )


@functools.cache
def problem() -> inf.CurveProblem:
    x = np.arange(8.0)
    noise = np.random.default_rng(1).normal(0.0, 0.1, 8)
    return inf.CurveProblem(x, line(x, 1.0, 0.5) + noise, np.full(8, 0.1), line, parameters())


def constant(x: Any, rate: Any) -> Any:
    return rate + 0 * x


def rate_parameter() -> inf.Parameters:
    return inf.Parameters([inf.Parameter("rate", 5.0, inf.Uniform(0.1, 99.0))])


def poisson() -> inf.PoissonProblem:
    return inf.PoissonProblem([0, 1, 2, 3], [5, 6, 4, 1], constant, rate_parameter())


def exponential(values: Any, waits: Any) -> Any:
    return waits.size * np.log(values[:, 0]) - values[:, 0] * waits.sum()


@functools.cache
def fit() -> inf.Fit:
    return problem().fit(seed=1)


@functools.cache
def posterior() -> inf.Posterior:
    return problem().sample(seed=1, walkers=16, ensembles=2, options=inf.SamplerOptions(thin=20))


@functools.cache
def flat_fit() -> inf.Fit:
    return problem().with_parameters(parameters().fix(slope=0.5)).fit(seed=1)


@functools.cache
def calibration() -> inf.Calibration:
    return inf.calibrate(poisson(), n=20, draws=19, seed=1)


@functools.cache
def coverage() -> inf.FitCoverage:
    return inf.fit_coverage(poisson(), [{"rate": 5.0}], n=20, n_starts=1, seed=1)


@functools.cache
def evidence() -> inf.Evidence:
    return inf.evidence(poisson(), live_points=50, tolerance=0.5, seed=1)


@functools.cache
def simulated_test() -> inf.SimulatedTest:
    return inf.goodness_of_fit(fit(), n=5, seed=1)


@inf.compiled_likelihood
def half(values: Any, data: Any) -> float:
    return -0.5 * (values[0] - data[0, 0]) ** 2


EXAMPLES: dict[type, Any] = {
    inf.Calibration: calibration,
    inf.Comparison: lambda: inf.compare([fit(), flat_fit()]),
    inf.CompiledLikelihood: lambda: inf.CompiledLikelihood(half, np.ones((1, 2))),
    CompiledFunction: lambda: half,
    inf.CurveProblem: problem,
    inf.Evidence: evidence,
    inf.Fit: fit,
    inf.FitCoverage: coverage,
    inf.FunctionProblem: lambda: inf.FunctionProblem(exponential, rate_parameter(), [0.5, 1.5]),
    inf.HalfNormal: lambda: inf.HalfNormal(2.0),
    inf.LogNormal: lambda: inf.LogNormal(0.5, 0.2),
    inf.LogUniform: lambda: inf.LogUniform(0.1, 9.0),
    inf.Moves: lambda: inf.Moves(de_mode=0.3),
    inf.Normal: lambda: inf.Normal(1.0, 2.0),
    inf.Parameter: lambda: parameters()["intercept"],
    inf.Parameters: parameters,
    inf.PoissonProblem: poisson,
    inf.Posterior: posterior,
    inf.SamplerOptions: lambda: inf.SamplerOptions(thin=10),
    inf.SimulatedTest: simulated_test,
    inf.TruncatedNormal: lambda: inf.TruncatedNormal(1.0, 2.0, low=0.0),
    inf.Uniform: lambda: inf.Uniform(0.0, 4.0),
    inf.Verdict: lambda: posterior().verdict,
    Band: lambda: posterior().band(line, np.arange(3.0)),
    SampledEstimate: lambda: posterior().derived("2 * slope", name="twice"),
    Summary: lambda: posterior().summary(),
}
