"""Densities of fluxes with errors, by integration panel by panel: slow and readable."""

from __future__ import annotations

import numpy as np
from scipy import stats

_X, _WEIGHT = np.polynomial.legendre.leggauss(20)


def component(kind: str, location: float, width: float):
    """Return the distribution of one component without errors."""
    if kind == "normal":
        return stats.norm(location, width)
    return stats.lognorm(s=width, scale=location)


def panels(kind: str, location: float, width: float, x: float, sigma: float) -> np.ndarray:
    """Return edges of panels that resolve both the component and the error."""
    k = np.arange(-60.0, 60.1, 0.25)
    if kind == "normal":
        return np.unique(np.concatenate([location + width * k, x + sigma * k]))
    edges = np.concatenate([location * np.exp(width * k), x + sigma * k])
    return np.unique(edges[edges > 0])


def density(kind: str, location: float, width: float, x: float, sigma: float) -> float:
    """Return the density of the measured flux `x`: component convolved with a normal error."""
    true = component(kind, location, width)
    if sigma == 0:
        return float(true.pdf(x))
    edges = panels(kind, location, width, x, sigma)
    half = np.diff(edges) / 2
    y = edges[:-1, None] + half[:, None] * (1 + _X)
    inner = true.pdf(y) * stats.norm.pdf(x, y, sigma)
    return float(np.sum(half[:, None] * _WEIGHT * inner))


def mixture(kinds, values, x: float, sigma: float) -> float:
    """Return the density of a mixture of two; `values` as in ``FluxModel.names``."""
    location, width, separation, second_width, fraction = values
    first = density(kinds[0], location, width, x, sigma)
    second = density(kinds[1], location + separation, second_width, x, sigma)
    return (1 - fraction) * first + fraction * second
