"""Readable twins of the Gaussian likelihood of a light curve."""

from __future__ import annotations

import numpy as np

LONG = np.longdouble


def autocovariance(psd, lags, width, cutoff, *, differences=0.0, top=300.5):
    """Return the covariance of bins (or of their differences over a spacing) at `lags`.

    Gauss-Legendre panels from 0 to `top` over the width, which must be high enough for the power
    above it to be negligible.
    """
    x, weight = np.polynomial.legendre.leggauss(20)
    result = []
    for lag in lags:
        step = 1 / max(lag, width)
        edges = [0.0, cutoff]
        while 0.3 * edges[-1] < step and edges[-1] < top / width:
            edges.append(1.3 * edges[-1])
        n = max(int((top / width - edges[-1]) / step) + 1, 1)
        edges = np.concatenate([edges[:-1], np.linspace(edges[-1], top / width, n + 1)])
        half = np.diff(edges) / 2
        f = (edges[:-1, None] + half[:, None] * (1 + x)).ravel()
        response = (np.sin(np.pi * f * width) / (np.pi * f * width)) ** 2
        if differences:
            response *= 4 * np.sin(np.pi * f * differences) ** 2
        power = psd(np.maximum(f, cutoff)) * response * np.cos(2 * np.pi * f * lag)
        result.append(np.sum(power * (half[:, None] * weight).ravel()))
    return np.array(result)


def log_likelihood(covariance, y):
    """Return ln L of y with covariance ``(n, n)`` and the mean marginalised with a flat prior."""
    one, inverse = np.ones(y.size), np.linalg.inv(covariance)
    weight = one @ inverse @ one
    mean = one @ inverse @ y / weight
    quadratic = (y - mean) @ inverse @ (y - mean)
    log_determinant = np.linalg.slogdet(covariance)[1]
    return -0.5 * (quadratic + log_determinant + np.log(weight) + (y.size - 1) * np.log(2 * np.pi))


def durbin(covariance, y):
    """Return ln L of a stationary series, term by term from those before it, in long double."""
    r, y = covariance.astype(LONG), y.astype(LONG)
    phi, v = np.zeros(0, LONG), r[0]
    total = np.log(v) + y[0] ** 2 / v
    for k in range(1, y.size):
        kappa = (r[k] - phi @ r[k - 1 : 0 : -1]) / v
        phi = np.append(phi - kappa * phi[::-1], kappa)
        v *= 1 - kappa**2
        total += np.log(v) + (y[k] - phi @ y[k - 1 :: -1][:k]) ** 2 / v
    return -(total + y.size * np.log(2 * LONG(np.pi))) / 2


def exponential_covariance(start, width, weight, rate):
    """Return the covariance ``(n, n)`` of averages over bins for Re sum weight exp(-rate tau).

    In extended precision, from the integrals over bins as they stand: E is the average of
    exp(-rate t) over a bin.
    """
    start, width = (np.asarray(x, LONG) for x in (start, width))
    n = start.size
    C = np.zeros((n, n), LONG)
    later, earlier = np.tril_indices(n, -1)
    apart = start[later] - start[earlier] - width[earlier]
    for w, r in zip(
        np.asarray(weight, np.clongdouble), np.asarray(rate, np.clongdouble), strict=True
    ):
        x = r * width
        E = np.array([1 if y == 0 else -np.expm1(-y) / y for y in x])
        C[later, earlier] += (w * E[later] * E[earlier] * np.exp(-r * apart)).real
        C[np.arange(n), np.arange(n)] += np.array([(w * _own(y)).real for y in x])
    return C + np.tril(C, -1).T


def _own(x):
    """Return the variance of an average over one bin, 2 (x - 1 + exp(-x)) / x^2."""
    if abs(x) > 0.05:
        return 2 * (x + np.expm1(-x)) / x**2
    total, term = LONG(1), LONG(1)
    for k in range(3, 20):
        term = -term * x / k
        total = total + term
    return total


def cholesky_log_likelihood(covariance, y):
    """Return ln L of a zero-mean Gaussian by a Cholesky factor in extended precision."""
    C, z = np.array(covariance, LONG), np.array(y, LONG)
    total = LONG(0)
    for k in range(z.size):
        d = C[k, k]
        total += np.log(d) + z[k] ** 2 / d
        ell = C[k + 1 :, k] / d
        z[k + 1 :] -= ell * z[k]
        C[k + 1 :, k + 1 :] -= np.outer(ell, ell) * d
    return -(total + z.size * np.log(2 * LONG(np.pi))) / 2
