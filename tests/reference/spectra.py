"""Readable twins of the kernels of the spectra room."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import poisson


def fold(block: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Photons ``(n, energies)`` through a dense response ``(rows, energies)``."""
    return block @ matrix.T


def cstat(S: np.ndarray, mu: np.ndarray) -> np.ndarray:
    """Twice the distance in ln L between the data as their own model and a model."""
    return 2 * (poisson.logpmf(S, S) - poisson.logpmf(S, mu))


def wstat(S: float, B: float, mu: float, ratio: float) -> float:
    """The same with a background, searched for its best value, beside the model."""

    def minus_log_likelihood(b: float) -> float:
        return float(-poisson.logpmf(S, mu + b) - poisson.logpmf(B, b / ratio))

    top = max(S, ratio * B, 1.0) * 2 + 1
    found = minimize_scalar(
        minus_log_likelihood, bounds=(0.0, top), method="bounded", options={"xatol": 1e-12}
    )
    best = min(found.fun, minus_log_likelihood(1e-300))
    if B == 0:
        best = min(best, minus_log_likelihood(0.0))
    return 2 * float(best + poisson.logpmf(S, S) + poisson.logpmf(B, B))


def pgstat(S: float, B: float, sigma: float, mu: float, ratio: float) -> float:
    """Poisson source counts with a background B +- sigma whose best value is searched for."""

    def minus_log_likelihood(b: float) -> float:
        return float(-poisson.logpmf(S, mu + b)) + 0.5 * ((B - b / ratio) / sigma) ** 2

    reach = ratio * (B + 30 * sigma) + S
    found = minimize_scalar(
        minus_log_likelihood, bounds=(-mu, reach), method="bounded", options={"xatol": 1e-12}
    )
    return 2 * float(found.fun + poisson.logpmf(S, S))


def broken_fit(x: np.ndarray, y: np.ndarray, sigma: np.ndarray) -> tuple[np.ndarray, float]:
    """Best broken law by a fine grid of breaks, each with a least-squares fit of the rest.

    Returns ln K at x = 0, both indices and the break (as its logarithm), and chi2.
    """
    from scipy.optimize import least_squares

    def law(p: np.ndarray, at: float) -> np.ndarray:
        d = x - at
        at_zero = -at
        low, high = np.minimum(d, 0) - min(at_zero, 0), np.maximum(d, 0) - max(at_zero, 0)
        return np.exp(p[0] - p[1] * low - p[2] * high)

    best = (np.empty(0), np.inf)
    for at in np.linspace(x[1], x[-2], 400):
        start = [np.log(np.interp(0, x, np.abs(y))), 2.0, 2.0]
        found = least_squares(lambda p, at=at: (y - law(p, at)) / sigma, start)
        if 2 * found.cost < best[1]:
            best = (np.append(found.x, at), 2 * found.cost)
    return best
