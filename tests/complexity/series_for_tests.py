"""The ten seeded series of the table of check values."""

from __future__ import annotations

import math

import numpy as np

from astrokit.complexity import examples

N = 100_000
K = np.arange(N)

SERIES = {
    "white_normal": lambda: np.random.default_rng(12345).standard_normal(N),
    "random_walk": lambda: np.cumsum(np.random.default_rng(42).standard_normal(N)),
    "rounded_normal_1dp": lambda: np.round(np.random.default_rng(11).standard_normal(N), 1),
    "int_0_3": lambda: np.random.default_rng(7).integers(0, 4, N),
    "logistic_r4_x0.1": lambda: examples.logistic(N).x,
    "henon_1.4_0.3_x0=y0=1": lambda: examples.henon(N).x,
    "asym_tent_0.1847_x0.1": lambda: examples.skew_tent(N).x,
    "sine_0.1k": lambda: np.sin(0.1 * K),
    "two_sines": lambda: np.sin(0.1 * K) + 0.5 * np.sin(0.1 * math.sqrt(2) * K),
    "monotone": lambda: K,
}
