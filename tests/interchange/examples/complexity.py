"""Ordinal patterns: counts, planes, curves, tests."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from astrokit import complexity as room
from astrokit.complexity.plots import PlanePlotData


@functools.cache
def series(n: int = 400) -> Any:
    return room.coloured_noise(n, slope=1.5, seed=1)


@functools.cache
def counts() -> room.OrdinalCounts:
    return room.ordinal_counts(series(), n=3)


@functools.cache
def curve() -> room.HCCurve:
    return room.hc_curve(series(), n=3, delays=range(1, 5))


@functools.cache
def scheme() -> room.SamplingScheme:
    return room.sampling_scheme(series(), n=3, dt=0.1)


@functools.cache
def scan() -> room.ChaosScan:
    return room.chaos_scan(series(), n=3, dt=0.1)


@functools.cache
def surrogates() -> room.SurrogateTest:
    return room.surrogate_test(series(), n=3, n_surrogates=19, seed=1)


@functools.cache
def problem() -> room.SpectralSlopeProblem:
    return room.SpectralSlopeProblem(series(), n=3, n_simulations=50)


def image() -> Any:
    return np.random.default_rng(1).normal(size=(12, 12))


EXAMPLES: dict[type, Any] = {
    room.Bootstrap: lambda: room.block_bootstrap(series(), n=3, n_resamples=100, seed=1),
    room.ChaosScan: scan,
    room.HC: lambda: room.hc(series(), n=3),
    room.HCBatch: lambda: room.hc_batch([series(), series()[:200]], n=3),
    room.HCCurve: curve,
    room.ImageHC: lambda: room.image_hc(image()),
    room.Jitter: lambda: room.Jitter(seed=1),
    room.MissingPatterns: lambda: room.missing_patterns(series(), n=4, n_surrogates=19, seed=1),
    room.NoiseReference: lambda: room.noise_reference("fBm", n=5),
    room.OrdinalCounts: counts,
    room.OrdinalNetwork: lambda: room.ordinal_network(series(), n=3),
    room.Plane: lambda: room.plane(n=5),
    PlanePlotData: lambda: room.plane(n=5).plot_data(),
    room.SamplingScheme: scheme,
    room.SpectralSlopeProblem: problem,
    room.SurrogateTest: surrogates,
    room.Tolerance: lambda: room.Tolerance(0.1),
    room.examples.Example: lambda: room.examples.logistic(50),
}
