"""A problem that finds its maximum itself: fits and simulated tests take it, and check it."""

from __future__ import annotations

import numpy as np
import pytest

import astrokit as ak
from astrokit.errors import FitError
from astrokit.inference import CurveProblem, Parameter, Parameters, Uniform

X = np.arange(20.0)


class Median(CurveProblem):
    """Data with double-exponential errors: ln L has a kink at every datum."""

    def _log_likelihood(self, values):
        return -np.abs(self.data - self.predict(values)).sum(axis=1)

    def _residuals(self, values):
        return None

    def _known_maximum(self):
        theta = np.array([np.median(self.data)])
        return theta, float(self.log_likelihood(theta)[0])


class WrongMean(CurveProblem):
    """Gaussian errors, and a claim that is two and a half errors off."""

    def _known_maximum(self):
        theta = np.array([self.data.mean() + 2.5 / np.sqrt(self.data.size)])
        return theta, float(self.log_likelihood(theta)[0])


def problem_of(cls, y):
    level = Parameters([Parameter("level", 0.0, Uniform(-50, 50))])
    return cls(X[: len(y)], y, np.ones(len(y)), lambda x, a: a + 0 * x, level)


def odd_data():
    return np.random.default_rng(1).laplace(3.0, 1.0, 19)


@pytest.mark.filterwarnings("ignore::astrokit.errors.AstrokitWarning")
def test_a_fit_takes_the_maximum_that_the_problem_knows():
    y = odd_data()
    fit = problem_of(Median, y).fit()
    assert fit["level"].value == np.median(y)
    assert "search of the model itself" in fit.method
    assert fit.n_agreeing == 1


def test_a_maximum_that_is_none_is_refused():
    with pytest.raises(FitError, match="higher beside the maximum"):
        problem_of(WrongMean, odd_data()).fit()


def test_another_method_searches_all_the_same():
    y = odd_data()
    fit = problem_of(WrongMean, y).fit(method="leastsq", n_starts=1)
    assert fit["level"].value == pytest.approx(y.mean(), abs=1e-6)


@pytest.mark.filterwarnings("ignore::astrokit.errors.AstrokitWarning")
def test_a_simulated_test_compares_known_maxima():
    """T is what both problems know of each data set, and the same however often it is asked."""

    class Line(Median):
        def _known_maximum(self):
            theta = np.array([np.median(self.data), 0.0])
            slope = np.linspace(-0.2, 0.2, 41)
            grid = np.array([[np.median(self.data - b * self._x), b] for b in slope])
            value = self.log_likelihood(grid)
            theta = grid[int(np.argmax(value))]
            return theta, float(value.max())

    y = odd_data()
    both = Parameters(
        [Parameter("level", 0.0, Uniform(-50, 50)), Parameter("b", 0.0, Uniform(-1, 1))]
    )
    flat = problem_of(Median, y)
    line = Line(X[:19], y, np.ones(19), lambda x, a, b: a + b * x, both)
    first, again = (ak.likelihood_ratio_test(flat, line, 50, seed=2) for _ in range(2))
    assert np.array_equal(first.simulated, again.simulated)
    assert first.simulated.min() >= 0
    expected = 2 * (line._known_maximum()[1] - flat._known_maximum()[1])
    assert float(first.observed) == pytest.approx(expected)
