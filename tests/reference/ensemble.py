"""The ensemble moves as their papers write them: one walker at a time, plain Python.

Goodman & Weare (2010) for the stretch, ter Braak (2006) for differential evolution, ter Braak &
Vrugt (2008) for the snooker; the cloud is an independence sampler from a t distribution. Random
decisions come from a ``BlockDraws``.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

STRETCH, DE, DE_MODE, SNOOKER, CLOUD = range(5)
FREEDOM = 5.0


def run(log_posterior, coords, draws, sweeps):
    """Return positions after each of the first `sweeps` sweeps, shape ``(sweeps, W, d)``."""
    walkers = [np.array(x) for x in coords]
    densities = [log_posterior(x) for x in walkers]
    history = []
    for s in range(sweeps):
        for side in (0, 1):
            resting = np.array([walkers[j] for j in draws.active[s, 1 - side]])
            for i, w in enumerate(draws.active[s, side]):
                others = [walkers[j] for j in draws.partners[s, side, :, i]]
                kind, scale = draws.kind[s, side], draws.scale[s, side, i]
                if kind == CLOUD:
                    q, log_factor = of_cloud(walkers[w], resting, draws.variate[s, side, i])
                else:
                    q, log_factor = proposal(kind, scale, walkers[w], *others)
                density = log_posterior(q)
                # `threshold` is ln u less the Jacobian of the stretch: take it back here.
                log_u = draws.threshold[s, side, i]
                if kind == STRETCH:
                    log_u += (len(q) - 1) * math.log(scale)
                if density - densities[w] + log_factor > log_u:
                    walkers[w], densities[w] = q, density
        history.append(np.array(walkers))
    return np.array(history)


def proposal(kind, scale, x, a, b, c):
    """Return the proposed position and the log of its factor in the acceptance probability."""
    d = len(x)
    if kind == STRETCH:  # X_j + Z (X_k - X_j), factor Z^(d - 1)
        return a + scale * (x - a), (d - 1) * math.log(scale)
    if kind in (DE, DE_MODE):  # x + gamma (a - b)
        return x + scale * (a - b), 0.0
    # Snooker: along the line from z = a through x, by the projected difference of b and c.
    unit = (x - a) / np.linalg.norm(x - a)
    q = x + scale * (np.dot(b, unit) - np.dot(c, unit)) * unit
    return q, (d - 1) * (math.log(np.linalg.norm(q - a)) - math.log(np.linalg.norm(x - a)))


def of_cloud(x, resting, variate):
    """Return a draw of the t distribution of the resting walkers and ln t(x) - ln t(draw)."""
    mean, covariance = resting.mean(axis=0), np.cov(resting, rowvar=False)
    q = mean + np.linalg.cholesky(covariance) @ variate
    density = stats.multivariate_t(mean, covariance, FREEDOM)
    return q, density.logpdf(x) - density.logpdf(q)
