"""Posteriors with known truth: Gaussian, banana, two modes, a bounded one; and a broken law.

Each has a compiled kernel, and ``exact`` draws independent samples without any Markov chain.
"""

from __future__ import annotations

import math

import numpy as np

from astrokit.inference import CurveProblem, FunctionProblem, Parameter, Parameters, Uniform
from astrokit.inference.kernels import compiled_likelihood
from astrokit.inference.problem import CompiledLikelihood

WIDE = Uniform(-200.0, 200.0)


def _parameters(d, prior=WIDE):
    return Parameters([Parameter(f"x{k}", 0.5, prior) for k in range(d)])


class Target(FunctionProblem):
    """A density with a kernel and an exact sampler."""

    function = None

    @property
    def kernel(self):
        return CompiledLikelihood(self.function, np.atleast_2d(self.data))


# -- a Gaussian with correlations ---------------------------------------------------------------


def gaussian_batch(values, data):
    return -0.5 * np.einsum("ni,ij,nj->n", values, data, values)


@compiled_likelihood
def gaussian(values, data):
    total = 0.0
    for i in range(values.size):
        for j in range(values.size):
            total -= 0.5 * values[i] * data[i, j] * values[j]
    return total


class Gaussian(Target):
    """Zero mean, variances from 1 to 100, correlation 0.9 between all pairs."""

    function = gaussian

    def __init__(self, d, parameters=None):
        sigma = np.geomspace(1.0, 10.0, d) if d > 1 else np.ones(1)
        correlation = np.full((d, d), 0.9) + 0.1 * np.eye(d)
        self.covariance = correlation * np.outer(sigma, sigma)
        precision = np.linalg.inv(self.covariance)
        super().__init__(gaussian_batch, parameters or _parameters(d), precision)

    def exact(self, rng, n):
        return rng.multivariate_normal(np.zeros(len(self.covariance)), self.covariance, n)

    def normal_scores(self, x):
        """Turn draws of the target into independent standard normals."""
        root = np.linalg.cholesky(self.covariance)
        return np.linalg.solve(root, x.T).T


# -- a banana -----------------------------------------------------------------------------------


def banana_batch(values, data):
    x, y = values.T
    return -0.5 * (x / 3.0) ** 2 - 0.5 * (y - 0.5 * x**2) ** 2


@compiled_likelihood
def banana(values, data):
    x, y = values[0], values[1]
    return -0.5 * (x / 3.0) ** 2 - 0.5 * (y - 0.5 * x**2) ** 2


class Banana(Target):
    """x is normal with deviation 3; y is normal around x**2 / 2 with deviation 1."""

    function = banana

    def __init__(self):
        super().__init__(banana_batch, _parameters(2), [0.0])

    def exact(self, rng, n):
        x = 3.0 * rng.standard_normal(n)
        return np.column_stack([x, 0.5 * x**2 + rng.standard_normal(n)])

    def normal_scores(self, x):
        return np.column_stack([x[:, 0] / 3.0, x[:, 1] - 0.5 * x[:, 0] ** 2])


# -- two modes ----------------------------------------------------------------------------------

APART, SHARE = 8.0, 0.7


def two_modes_batch(values, data):
    square = (values**2).sum(axis=1)
    other = ((values - APART) ** 2).sum(axis=1)
    return np.logaddexp(math.log(SHARE) - 0.5 * square, math.log(1 - SHARE) - 0.5 * other)


@compiled_likelihood
def two_modes(values, data):
    a, b = math.log(0.7), math.log(1.0 - 0.7)
    for k in range(values.size):
        a -= 0.5 * values[k] ** 2
        b -= 0.5 * (values[k] - 8.0) ** 2
    return max(a, b) + math.log1p(math.exp(-abs(a - b)))


class TwoModes(Target):
    """Unit Gaussians at 0 (weight 0.7) and at 8 in every coordinate (weight 0.3)."""

    function = two_modes

    def __init__(self, d=2):
        super().__init__(two_modes_batch, _parameters(d), [0.0])

    def exact(self, rng, n):
        shift = np.where(rng.random(n) < SHARE, 0.0, APART)
        return shift[:, None] + rng.standard_normal((n, self.parameters.n_free))

    def normal_scores(self, x):
        """Scores of the mean over coordinates, whose distribution function is a mixture."""
        from scipy.special import ndtr, ndtri

        d = x.shape[1]
        mean = x.mean(axis=1) * math.sqrt(d)
        other = ndtr(mean - APART * math.sqrt(d))
        return np.asarray(ndtri(SHARE * ndtr(mean) + (1 - SHARE) * other))[:, None]


# -- bounded and skewed -------------------------------------------------------------------------


def exponential_batch(values, data):
    return -values.sum(axis=1)


@compiled_likelihood
def exponential(values, data):
    return -values.sum()


class Exponential(Target):
    """Exponential in each coordinate, cut by the prior at 0 and 200."""

    function = exponential

    def __init__(self, d=2):
        super().__init__(exponential_batch, _parameters(d, Uniform(0.0, 200.0)), [0.0])

    def exact(self, rng, n):
        return rng.exponential(size=(n, self.parameters.n_free))

    def normal_scores(self, x):
        from scipy.special import ndtri

        return np.asarray(ndtri(-np.expm1(-x)))


# -- one that breaks, and a straight line -------------------------------------------------------


def breaks_far_out(values, data):
    a = values[:, 0]
    return np.where(np.abs(a) > 6.5, np.nan, -0.5 * a**2)


@compiled_likelihood
def breaks_far_out_compiled(values, data):
    if abs(values[0]) > 6.5:
        return np.nan
    return -0.5 * values[0] ** 2


class Breaking(Target):
    function = breaks_far_out_compiled

    def __init__(self):
        p = Parameters([Parameter("a", 0.5, Uniform(-9, 9)), Parameter("b", 7.0, fixed=True)])
        super().__init__(breaks_far_out, p, [0.0])


def line(x, intercept, slope):
    return intercept + slope * x


def straight_line(**changes):
    x = np.linspace(-1.0, 3.0, 30)
    y = 1.0 + 2.0 * x + 0.3 * np.random.default_rng(8).standard_normal(x.size)
    parameters = Parameters(
        [
            Parameter("intercept", 0.9, Uniform(-50, 50)),
            Parameter("slope", 1.8, Uniform(-50, 50)),
        ]
    )
    for name, change in changes.items():
        parameters = parameters.replace(name, **change)
    return CurveProblem(x, y, np.full(x.size, 0.3), line, parameters)


TARGETS = {
    "gaussian 1": lambda: Gaussian(1),
    "gaussian 4": lambda: Gaussian(4),
    "banana": Banana,
    "two modes": TwoModes,
    "exponential": Exponential,
}
