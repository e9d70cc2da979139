"""The three Problems for a user's own function keep the contract; and what they refuse."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy import units as u

import astrokit as ak
from astrokit.errors import InputError, LikelihoodError, ParameterError, ShapeError, UnitError
from astrokit.inference import (
    CurveProblem,
    FunctionProblem,
    Parameter,
    Parameters,
    PoissonProblem,
    Uniform,
)
from tests.contract import ProblemContract


def line(x, a, b):
    return a + b * x


def power_law(x, log_norm, slope):
    return np.exp(log_norm - slope * np.log(x))


def exponential_waits(values, waits):
    rate = values[:, 0]
    return waits.size * np.log(rate) - rate * waits.sum()


def draw_waits(values, rng):
    return rng.exponential(1 / values[0], 400)


def line_problem():
    x = np.linspace(-1, 1, 25)
    p = Parameters([Parameter("a", 0.5, Uniform(-9, 9)), Parameter("b", -1.0, Uniform(-9, 9))])
    y = line(x, 0.5, -1.0) + np.random.default_rng(0).normal(0, 0.3, 25)
    return CurveProblem(x, y, np.full(25, 0.3), line, p)


class TestCurveProblem(ProblemContract):
    @pytest.fixture
    def problem(self):
        return line_problem()

    def refused_units(self):
        p = line_problem().parameters
        x, ones = np.arange(3.0), np.ones(3)
        return [
            lambda: CurveProblem(x, ones * u.mJy, ones * u.s, line, p),
            lambda: CurveProblem(x, ones, ones * u.mJy, line, p),
        ]


class TestPoissonProblem(ProblemContract):
    truth = {"log_norm": 5.0, "slope": 1.3}  # noqa: RUF012

    @pytest.fixture
    def problem(self):
        p = Parameters(
            [Parameter("log_norm", 4.0, Uniform(-5, 10)), Parameter("slope", 1.0, Uniform(0, 4))]
        )
        x = np.geomspace(1, 30, 20)
        counts = np.random.default_rng(0).poisson(power_law(x, 5.0, 1.3))
        return PoissonProblem(x, counts, power_law, p)


class TestFunctionProblem(ProblemContract):
    truth = {"rate": 2.0}  # noqa: RUF012

    @pytest.fixture
    def problem(self):
        p = Parameters([Parameter("rate", 1.0, Uniform(0.01, 10))])
        waits = np.random.default_rng(0).exponential(0.5, 400)
        return FunctionProblem(exponential_waits, p, waits, draw_waits)


# -- the likelihoods themselves, against scipy.stats ---------------------------------------------


def test_gaussian_likelihood_is_that_of_scipy():
    from scipy import stats

    problem = line_problem()
    theta = np.array([0.4, -0.8])
    expected = stats.norm(line(problem.x, *theta), problem.sigma).logpdf(problem.data)
    np.testing.assert_allclose(problem.pointwise(theta)[0], expected, rtol=1e-12)


def test_poisson_likelihood_is_that_of_scipy():
    from scipy import stats

    p = Parameters([Parameter("rate", 2.0, Uniform(0, 50))])
    counts = np.array([0, 1, 5, 2, 40])
    problem = PoissonProblem(np.arange(5), counts, lambda x, rate: rate, p)
    for rate in (0.3, 2.0, 41.0):
        expected = stats.poisson(rate).logpmf(counts)
        np.testing.assert_allclose(problem.pointwise([rate])[0], expected, rtol=1e-12)


def test_no_counts_where_none_are_expected_is_certain():
    p = Parameters([Parameter("rate", 0.0, Uniform(0, 50))])
    assert PoissonProblem([0, 1], [0, 0], lambda x, rate: rate, p).log_likelihood([0.0]) == 0.0
    assert PoissonProblem([0, 1], [0, 1], lambda x, r: r, p).log_likelihood([0.0]) == -np.inf


def test_a_negative_expectation_has_no_likelihood():
    p = Parameters([Parameter("level", 1.0, Uniform(-5, 5))])
    problem = PoissonProblem([0, 1], [1, 2], lambda x, level: level, p)
    assert problem.log_likelihood([[-1.0], [1.5]])[0] == -np.inf


# -- refusals ------------------------------------------------------------------------------------


def test_nan_names_the_parameters():
    p = Parameters([Parameter("a", 1.0, Uniform(-5, 5)), Parameter("b", 2.0, fixed=True)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        problem = CurveProblem([1, 2], [1, 1], [1, 1], lambda x, a, b: b * np.sqrt(a) * x, p)
        with pytest.raises(LikelihoodError, match="NaN") as caught:
            problem.log_likelihood([[1.0], [-1.0]])
    assert caught.value.parameters == {"a": -1.0, "b": 2.0}


def test_a_function_that_does_not_broadcast_is_refused_at_once():
    p = Parameters([Parameter("a", 1.0, Uniform(-5, 5))])
    with pytest.raises(ShapeError, match="broadcast"):
        CurveProblem([1, 2, 3], [1, 1, 1], [1, 1, 1], lambda x, a: np.ones(7), p)


@pytest.mark.parametrize("sigma", [[1.0, 0.0], [1.0, -1.0]])
def test_errors_must_be_positive(sigma):
    p = Parameters([Parameter("a", 1.0, Uniform(-5, 5))])
    with pytest.raises(InputError, match="sigma"):
        CurveProblem([1, 2], [1, 1], sigma, lambda x, a: a, p)


def test_counts_must_be_whole_and_not_negative():
    p = Parameters([Parameter("a", 1.0, Uniform(0, 5))])
    with pytest.raises(InputError, match="counts"):
        PoissonProblem([1, 2], [1.5, 2], lambda x, a: a, p)
    with pytest.raises(InputError, match="counts"):
        PoissonProblem([1, 2], [-1, 2], lambda x, a: a, p)


def test_quantities_share_their_unit():
    p = Parameters([Parameter("a", 1.0, Uniform(0, 5000))])
    mixed = CurveProblem([1, 2], [1, 2] * u.Jy, [100, 100] * u.mJy, lambda x, a: a, p)
    plain = CurveProblem([1, 2], [1, 2], [0.1, 0.1], lambda x, a: a, p)
    assert mixed.log_likelihood([1.5]) == pytest.approx(plain.log_likelihood([1.5]), rel=1e-13)
    with pytest.raises(UnitError):
        CurveProblem([1, 2], [1, 2] * u.Jy, [1, 1] * u.s, lambda x, a: a, p)


def test_a_problem_needs_a_free_parameter():
    p = Parameters([Parameter("a", 1.0, fixed=True)])
    with pytest.raises(ParameterError, match="free"):
        CurveProblem([1, 2], [1, 2], [1, 1], lambda x, a: a, p)


def test_parameters_keep_their_names():
    problem = line_problem()
    other = Parameters([Parameter("a", 0.0, Uniform(0, 1)), Parameter("c", 0.0, Uniform(0, 1))])
    with pytest.raises(ParameterError, match="names"):
        problem.with_parameters(other)


def test_simulation_without_a_simulator_is_refused():
    p = Parameters([Parameter("rate", 1.0, Uniform(0.01, 10))])
    problem = FunctionProblem(exponential_waits, p, [1.0, 2.0])
    with pytest.raises(InputError, match="simulate"):
        problem.simulate([1.0], 1)


def test_pointwise_of_a_joint_likelihood_is_refused():
    p = Parameters([Parameter("rate", 1.0, Uniform(0.01, 10))])
    with pytest.raises(InputError, match="factorise"):
        FunctionProblem(exponential_waits, p, [1.0, 2.0]).pointwise([1.0])


def test_misspelt_keyword_is_a_type_error():
    with pytest.raises(TypeError, match="n_start"):
        line_problem().fit(n_start=3)


def test_repr_tells_what_is_free():
    assert "free: a, b" in repr(line_problem())
    assert ak.inference.CurveProblem is CurveProblem
