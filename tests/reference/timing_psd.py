"""Readable NumPy twins of the kernels of the timing room."""

from __future__ import annotations

import numpy as np


def constant(f, values, pivot):
    """Return a constant."""
    return np.full(f.size, values[0])


def power_law(f, values, pivot):
    """Return a power law whose logarithm at the pivot is the amplitude."""
    slope, log_amplitude = values
    return np.exp(log_amplitude) * (f / pivot) ** -slope


def bending_power_law(f, values, pivot):
    """Return a bending power law whose logarithm at the pivot is the amplitude."""
    low, high, f_bend, log_amplitude = values

    def shape(x):
        return x**-low / (1 + (x / f_bend) ** (high - low))

    return np.exp(log_amplitude) * shape(f) / shape(np.float64(pivot))


def lorentzian(f, values, pivot):
    """Return a Lorentzian whose logarithm at its center is the amplitude."""
    center, quality, log_amplitude = values
    half_width = 0.5 * center / quality
    return np.exp(log_amplitude) * half_width**2 / (half_width**2 + (f - center) ** 2)


def psd(parts, f, values):
    """Return the sum of components; `parts` are (function, number of parameters, pivot)."""
    total, at = np.zeros(f.size), 0
    for function, size, pivot in parts:
        total += function(f, values[at : at + size], pivot)
        at += size
    return total


def whittle(S, power, half_dof, constant=0.0):
    """Return ln L: ordinates are gamma variates of mean S and shape half_dof."""
    return constant - np.sum(half_dof * (np.log(S) + power / S))


def moments(rate, error):
    """Return number, mean, sum of squared deviations, mean squared error, scatter of the terms."""
    good = ~np.isnan(rate) & ~np.isnan(error)
    x, s = rate[good], error[good]
    terms = (x - x.mean()) ** 2 - s**2
    return x.size, x.mean(), np.sum((x - x.mean()) ** 2), np.mean(s**2), np.std(terms, ddof=1)
