"""Readable twins of the kernels of the bursts room: formulas and adaptive quadrature, no tricks.

Energies are plain numbers in any unit; `parameters` are named as in the models, energies among them
as log10.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping

import numpy as np
from scipy.integrate import quad

Density = Callable[[float], float]
_LN10 = math.log(10)


def density(model: str, parameters: Mapping[str, float]) -> Density:
    """Return dN/dE of a model in any normalisation."""
    p = {k: 10**v if k.startswith("log_") and k.endswith("energy") else v
         for k, v in parameters.items()}  # fmt: skip
    if model == "PowerLaw":
        return lambda E: E ** -p["index"]
    if model == "BrokenPowerLaw":
        b = p["log_break_energy"]
        return lambda E: (E / b) ** -(p["index_low"] if b > E else p["index_high"])
    if model == "SmoothlyBrokenPowerLaw":
        a1, a2, b, w = (p[k] for k in ("index_low", "index_high", "log_break_energy",
                                       "break_width"))  # fmt: skip
        w *= _LN10
        return lambda E: (E / b) ** -a1 * (0.5 * (1 + (E / b) ** (1 / w))) ** (-(a2 - a1) * w)
    if model == "CutoffPowerLaw":
        return lambda E: E ** -p["index"] * math.exp(-E / p["log_cutoff_energy"])
    if model == "LogNormal":
        return _log_normal(p["log_median_energy"], p["log_width"])
    if model == "BentPowerLaw":
        return lambda E: 1 / (1 + (E / p["log_scale_energy"]) ** p["index"])
    if model == "ThresholdedPowerLaw":
        return lambda E: (p["log_scale_energy"] + E) ** -p["index"]
    if model == "StretchedExponential":
        b, s = p["shape"], p["log_scale_energy"]
        return lambda E: (E / s) ** (b - 1) * math.exp(-((E / s) ** b))
    if model == "LogNormalPlusCauchy":
        hump = _log_normal(p["log_median_energy"], p["log_width"])
        b, s, f = p["index"], p["log_scale_energy"], p["fraction"]
        norm = b * math.sin(math.pi / b) / (math.pi * s)
        return lambda E: f * hump(E) + (1 - f) * norm / (1 + (E / s) ** b)
    raise KeyError(model)


def _log_normal(median: float, width: float) -> Density:
    sigma = width * _LN10
    return lambda E: (
        math.exp(-0.5 * (math.log(E / median) / sigma) ** 2) / (E * sigma * math.sqrt(2 * math.pi))
    )


def integral(p: Density, low: float, high: float, cut: float) -> float:
    """Return the integral of p from `low` to `high` (inf allowed), split at `cut` if inside.

    Gauss-Legendre with 20 nodes on pieces of at most half an e-fold.
    """
    end = math.log(high) if high < math.inf else math.log(low) + 60.0
    ends = [math.log(low), end]
    if low < cut < high:
        ends.insert(1, math.log(cut))
    nodes, weights = np.polynomial.legendre.leggauss(20)
    total = 0.0
    for a, b in itertools.pairwise(ends):
        pieces = np.linspace(a, b, math.ceil((b - a) / 0.5) + 1)
        for x, y in itertools.pairwise(pieces):
            E = np.exp(0.5 * (x + y) + 0.5 * (y - x) * nodes)
            total += 0.5 * (y - x) * sum(w * p(e) * e for w, e in zip(weights, E, strict=True))
    return total


def log_likelihood(
    energy: np.ndarray, threshold: np.ndarray, saturated: np.ndarray, p: Density, cut: float,
    high: float = math.inf,
) -> float:  # fmt: skip
    """Return ln L of energies above thresholds, saturated ones as lower limits."""
    total = 0.0
    for E, m, is_limit in zip(energy, threshold, saturated, strict=True):
        norm = integral(p, m, high, cut)
        total += math.log((integral(p, E, high, cut) if is_limit else p(E)) / norm)
    return total


def blurred_log_likelihood(
    energy: np.ndarray, threshold: float, sigma: float, p: Density, cut: float
) -> float:
    """Return ln L of energies measured with an error `sigma` of ln E."""

    def seen(e: float) -> float:  # density of the measured ln E
        def term(x: float) -> float:
            E = math.exp(x)
            z = (e - x) / sigma
            return p(E) * E * math.exp(-0.5 * z * z) / (sigma * math.sqrt(2 * math.pi))

        points = [math.log(cut)] if abs(math.log(cut) - e) < 8 * sigma else None
        return quad(term, e - 8 * sigma, e + 8 * sigma, points=points, epsabs=0, epsrel=1e-9)[0]

    low = math.log(threshold)
    edges = np.linspace(low, low + 40, 81)
    norm = sum(quad(seen, a, b, epsabs=0, epsrel=1e-7)[0]
               for a, b in itertools.pairwise(edges))  # fmt: skip
    return sum(math.log(seen(math.log(E)) / norm / E) for E in energy)


def tail_search(x: np.ndarray, two_sided: bool, min_tail: int) -> tuple[float, float, float]:
    """Return x_min, index and distance by trying every distinct value, one after the other."""
    x = np.sort(x)
    best = (math.nan, math.nan, math.inf)
    for xmin in np.unique(x)[:-1]:
        z = x[x >= xmin]
        if z.size < min_tail:
            continue
        index = 1 + z.size / np.log(z / xmin).sum()
        law = 1 - (z / xmin) ** (1 - index)
        steps = np.arange(z.size + 1) / z.size
        distance = np.abs(law - steps[:-1]).max()
        if two_sided:
            distance = max(distance, np.abs(law - steps[1:]).max())
        if distance < best[2]:
            best = (float(xmin), float(index), float(distance))
    return best
