"""Goodness of fit: nulls that are known exactly, and data that no model of the kind can make."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from astrokit.errors import ComparisonError, InputError
from astrokit.inference import (
    CurveProblem,
    FunctionProblem,
    Parameter,
    Parameters,
    PoissonProblem,
    Uniform,
    goodness_of_fit,
)

N = 400


def line(x, a, b):
    return a + b * x


def level(x, a):
    return a + 0 * x


def line_problem(y=None):
    x = np.linspace(-1, 1, 15)
    if y is None:
        y = 1 - x + np.random.default_rng(3).standard_normal(15)
    p = Parameters([Parameter("a", 0.0, Uniform(-50, 50)), Parameter("b", 0.0, Uniform(-50, 50))])
    return CurveProblem(x, y, np.ones(15), line, p)


def poisson_problem(counts):
    p = Parameters([Parameter("rate", 5.0, Uniform(0, 500))])
    return PoissonProblem(np.arange(len(counts)), counts, level, p)


@pytest.mark.parametrize("statistic", ["chi2", "deviance"])
def test_bootstrap_of_a_line_is_chi2_with_n_minus_k(statistic):
    fit = line_problem().fit()
    result = goodness_of_fit(fit, statistic, N, seed=1)
    null = stats.chi2(13)
    assert stats.kstest(result.simulated, null.cdf).statistic < 1.95 / math.sqrt(N)
    p = null.sf(float(result.observed))
    assert abs(result.p_value.value - p) < 4 * math.sqrt(p * (1 - p) / N)


def test_poisson_deviance_is_twice_the_log_ratio():
    """sum 2 n ln(n / mean) for counts 4, 9, 2 around their mean 5."""
    fit = poisson_problem([4, 9, 2]).fit()
    by_hand = 2 * (4 * math.log(4 / 5) + 9 * math.log(9 / 5) + 2 * math.log(2 / 5))
    assert float(goodness_of_fit(fit, n=2, seed=1).observed) == pytest.approx(by_hand, rel=1e-5)
    pearson = (1 + 16 + 9) / 5
    assert float(goodness_of_fit(fit, "chi2", 2, seed=1).observed) == pytest.approx(
        pearson, rel=1e-5
    )


def test_wrong_model_is_rejected_by_fit_and_posterior():
    x = np.linspace(-1, 1, 15)
    problem = line_problem(8 * x**2)
    assert goodness_of_fit(problem.fit(), n=100, seed=1).n_exceeding == 0
    posterior = problem.sample(seed=1)
    result = goodness_of_fit(posterior, n=100, problem=problem, seed=1)
    assert result.n_exceeding == 0
    assert result.observed.shape == (100,)


def test_posterior_predictive_p_of_a_right_model_is_not_extreme():
    problem = line_problem()
    result = goodness_of_fit(problem.sample(seed=2), "chi2", N, problem=problem, seed=1)
    # chi2 of the data at a posterior draw exceeds its minimum by chi2(2); that of new data is
    # chi2(15): the p-value is P(chi2(15) >= minimum + chi2(2)).
    minimum = float(goodness_of_fit(problem.fit(), "chi2", 1, seed=1).observed)
    rng = np.random.default_rng(0)
    p = float(np.mean(rng.chisquare(15, 100_000) >= minimum + rng.chisquare(2, 100_000)))
    assert abs(result.p_value.value - p) < 4 * math.sqrt(p * (1 - p) / N)


def test_own_statistic_and_its_name():
    def largest(problem, values):
        return float(np.abs(problem.data - problem.predict(values)[0]).max())

    result = goodness_of_fit(line_problem().fit(), largest, 50, seed=1)
    assert result.name == "largest"
    assert 0 < result.p_value.value <= 1


def test_same_seed_same_numbers():
    fit = line_problem().fit()
    first, again = (goodness_of_fit(fit, n=5, seed=7).simulated for _ in range(2))
    assert np.array_equal(first, again)


def test_refusals():
    fit = line_problem().fit()
    with pytest.raises(InputError, match="no such statistic"):
        goodness_of_fit(fit, "chi3")
    with pytest.raises(ComparisonError, match="other data"):
        goodness_of_fit(fit, problem=line_problem(np.ones(15)))
    with pytest.raises(InputError, match="does not remember"):
        goodness_of_fit(line_problem().sample(seed=1))
    loaded = type(fit).from_record(*fit.to_record())
    with pytest.raises(InputError, match="without its problem"):
        goodness_of_fit(loaded)
    assert goodness_of_fit(loaded, n=3, problem=line_problem(), seed=1).n == 3


def test_likelihood_without_residuals_has_no_chi2():
    p = Parameters([Parameter("rate", 1.0, Uniform(0.01, 10))])
    problem = FunctionProblem(
        lambda v, w: w.size * np.log(v[:, 0]) - v[:, 0] * w.sum(),
        p,
        np.random.default_rng(1).exponential(1, 50),
        lambda v, rng: rng.exponential(1 / v[0], 50),
    )
    fit = problem.fit()
    with pytest.raises(InputError, match="no residuals"):
        goodness_of_fit(fit, "chi2", 2)
    observed = float(goodness_of_fit(fit, n=3, seed=1).observed)
    assert observed == pytest.approx(-2 * fit.log_likelihood, rel=1e-9)
