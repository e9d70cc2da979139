"""Readable twins of the expected periodogram: double sums instead of Fourier transforms."""

from __future__ import annotations

import numpy as np

from astrokit.timing.autocovariance import DifferenceAutocovariance


def expected_by_lags(psd, n, width, cutoff, weights, frequency):
    """Return the expected periodogram of tapered differences, lag by lag, for dt = 1."""
    covariance = DifferenceAutocovariance(n, 1.0, width, cutoff).of(psd)
    total = np.zeros(frequency.size)
    for taper in weights:
        for lag in range(n - 1):
            overlap = np.sum(taper[: n - 1 - lag] * taper[lag:])
            both = 1.0 if lag == 0 else 2.0
            total += both * covariance[lag] * overlap * np.cos(2 * np.pi * frequency * lag)
    return 2 * total / len(weights)


def score_covariance(relative, weights, size, inflation):
    """Return the sum over all pairs of ordinates of their covariance, relative to their means."""
    m, t = size // 2, np.arange(weights.shape[1])

    def correlation(distance):
        wave = np.exp(-2j * np.pi * distance * t / size)
        return np.mean([abs(np.sum(a * b * wave)) ** 2 for a in weights for b in weights])

    rho = np.array([correlation(d) for d in range(size + 1)])
    share = np.ones(m)
    share[-1] = 0.5
    total = np.zeros((len(relative),) * 2)
    for j in range(1, m + 1):
        for k in range(1, m + 1):
            pair = share[j - 1] * share[k - 1] * (rho[abs(j - k)] + rho[j + k])
            total += pair * np.outer(relative[:, j - 1], relative[:, k - 1])
    return total / inflation**2


def waves(step, cosine, sine, n):
    """Return a sum of cosines and sines at ``(n,)`` steps."""
    t = np.arange(n)[:, None]
    return np.cos(step * t) @ cosine + np.sin(step * t) @ sine
