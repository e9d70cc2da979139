"""Model comparison: criteria by hand, refusals, and likelihood-ratio tests with a known null."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import stats

from astrokit.errors import ComparisonError, FitError, FitWarning, InputError
from astrokit.inference import (
    CurveProblem,
    FunctionProblem,
    Parameter,
    Parameters,
    PoissonProblem,
    Uniform,
    compare,
    likelihood_ratio_test,
)
from astrokit.inference.significance import SimulatedTest, binomial_limit, collect
from astrokit.parallel import ItemError
from astrokit.provenance import Provenance

A, B, C = (Parameter(name, 0.0, Uniform(-50, 50)) for name in "abc")


def flat(x, a):
    return a + 0 * x


def line(x, a, b):
    return a + b * x


def parabola(x, a, b, c):
    return a + b * x + c * x**2


def data(n=10):
    x = np.linspace(-1, 1, n)
    return x, 1.0 - 1.0 * x + np.random.default_rng(8).standard_normal(n)


def problems(n=10):
    x, y = data(n)
    ones = np.ones(n)
    return (
        CurveProblem(x, y, ones, flat, Parameters([A])),
        CurveProblem(x, y, ones, line, Parameters([A, B])),
        CurveProblem(x, y, ones, parabola, Parameters([A, B, C])),
    )


# -- information criteria ------------------------------------------------------------------------


def test_criteria_of_polynomials_by_hand():
    """ln L = -(chi2 + n ln 2 pi)/2 from the normal equations; k = 1, 2, 3; n = 10."""
    x, y = data()
    result = compare([p.fit() for p in problems()])
    chi2 = [float(np.polyfit(x, y, k - 1, full=True)[1][0]) for k in (1, 2, 3)]
    minus_two_ln_l = np.array(chi2) + 10 * 1.8378770664093453
    np.testing.assert_allclose(
        result.values("aic"), minus_two_ln_l + np.array([2, 4, 6]), atol=1e-7
    )
    # 2k(k+1)/(n-k-1) for k = 1, 2, 3: 4/8, 12/7, 24/6
    corrected = minus_two_ln_l + np.array([2.5, 4 + 12 / 7, 10])
    np.testing.assert_allclose(result.values("aicc"), corrected, atol=1e-7)
    ln_10 = 2.302585092994046
    np.testing.assert_allclose(
        result.values("bic"), minus_two_ln_l + ln_10 * np.array([1, 2, 3]), atol=1e-7
    )


def test_weights_by_hand():
    """Burnham & Anderson: differences of 0, 2 and 4 weigh 1 : e^-1 : e^-2."""
    result = compare([p.fit() for p in problems()])
    delta = result.deltas("aic")
    assert delta.min() == 0
    weights = result.weights("aic")
    assert weights.sum() == pytest.approx(1)
    best = int(np.argmin(delta))
    for w, d in zip(weights, delta, strict=True):
        assert w / weights[best] == pytest.approx(math.exp(-d / 2))
    assert result.best("aic") == result.names[best]


def test_comparison_prints_and_becomes_a_table():
    fits = {"flat": problems()[0].fit(), "line": problems()[1].fit()}
    result = compare(fits)
    text = repr(result)
    assert text.splitlines()[0].split() == [
        "model", "k", "ln", "L", "AIC", "AICc", "BIC", "dAIC", "dAICc", "dBIC", "w(AICc)",
    ]  # fmt: skip
    assert text.splitlines()[1].startswith("flat")
    assert "<table>" in result._repr_html_()
    table = result.to_table()
    assert list(table["name"]) == ["flat", "line"]
    assert table["n_free"].tolist() == [1, 2]
    assert table.meta == {"n_data": 10, "statistic": "gaussian"}


def test_names_default_to_the_labels_of_the_models():
    fits = [p.fit() for p in problems()[:2]]
    assert compare(fits).names == ("flat", "line")
    assert compare([fits[0], fits[0]]).names == ("1: flat", "2: flat")
    assert repr(fits[1]).startswith("Fit of line: ln L")


def test_models_of_one_label_are_told_apart_by_what_is_free():
    flat_problem, line_problem, _ = problems()
    fixed = line_problem.with_parameters(line_problem.parameters.fix(b=-1.0))
    fits = [flat_problem.fit(), fixed.fit(), line_problem.fit()]
    assert compare(fits).names == ("flat", "line", "line (b free)")


def test_lambdas_go_by_the_name_of_their_problem():
    x, y = data()
    problem = CurveProblem(x, y, np.ones(10), lambda x, a: a + 0 * x, Parameters([A]))
    assert problem.label == "CurveProblem"


def test_infinite_aicc_has_no_weight():
    x, y = data(3)
    ones = np.ones(3)
    fits = [
        CurveProblem(x, y, ones, flat, Parameters([A])).fit(),
        CurveProblem(x, y, ones, line, Parameters([A, B])).fit(),
    ]
    result = compare(fits)
    assert result.values("aicc")[1] == math.inf
    assert result.weights("aicc").tolist() == [1.0, 0.0]
    assert result.best() == "flat"


def test_different_data_are_refused_by_name():
    (first, *_), (other, *_) = problems(10), problems(11)
    with pytest.raises(ComparisonError, match="same data") as caught:
        compare({"ten": first.fit(), "eleven": other.fit()})
    assert "ten" in caught.value.value
    assert "eleven" in caught.value.value


def test_different_statistics_are_refused():
    counts = np.array([3, 4, 5])
    rate = Parameters([Parameter("a", 1.0, Uniform(0, 50))])
    poisson = PoissonProblem([0, 1, 2], counts, flat, rate).fit()
    gaussian = CurveProblem([0, 1, 2], counts, [1, 1, 1], flat, rate).fit()
    with pytest.raises(ComparisonError, match="same statistic"):
        compare([poisson, gaussian])


def test_a_posterior_is_refused_with_a_way_out():
    fit = problems()[0].fit()
    with pytest.raises(ComparisonError, match=r"problem\.fit\(\)"):
        compare({"fit": fit, "posterior": object()})
    with pytest.raises(ComparisonError, match="nothing to compare"):
        compare([fit])
    with pytest.raises(ComparisonError, match="no such criterion"):
        compare([fit, fit]).values("dic")


@pytest.mark.filterwarnings("ignore::astrokit.errors.FitWarning")
def test_irregular_parameters_are_noted():
    x, y = data()
    bounded = Parameters([A, Parameter("b", -0.5, Uniform(-50, -0.4))])
    fits = [problems()[1].fit(), CurveProblem(x, y, np.ones(10), line, bounded).fit()]
    assert any("b is at upper bound" in note for note in compare(fits).notes)


# -- likelihood-ratio test -----------------------------------------------------------------------


def test_nested_lines_follow_chi2():
    """For Gaussian data and linear models T is chi2 with one degree of freedom, exactly."""
    simple, full, _ = problems()
    n = 400
    result = likelihood_ratio_test(simple, full, n, seed=4, n_starts=1)
    fits = simple.fit(), full.fit()
    expected = 2 * (fits[1].log_likelihood - fits[0].log_likelihood)
    assert float(result.observed) == pytest.approx(expected, abs=1e-6)
    assert result.n == n
    assert result.n_failed == 0
    # Kolmogorov-Smirnov: D < 1.95 / sqrt(n) at the 0.1 % level.
    assert stats.kstest(result.simulated, stats.chi2(1).cdf).statistic < 1.95 / math.sqrt(n)
    p = stats.chi2(1).sf(expected)
    assert abs(result.p_value.value - p) < 4 * math.sqrt(p * (1 - p) / n)
    assert result.p_value.lower == pytest.approx(
        math.sqrt(result.p_value.value * (1 - result.p_value.value) / n)
    )


def test_same_numbers_with_workers():
    simple, full, _ = problems()
    serial = likelihood_ratio_test(simple, full, 12, seed=4, n_starts=1)
    with ThreadPoolExecutor(2) as executor:
        parallel = likelihood_ratio_test(simple, full, 12, seed=4, n_starts=1, executor=executor)
    assert np.array_equal(serial.simulated, parallel.simulated)
    longer = likelihood_ratio_test(simple, full, 15, seed=4, n_starts=1)
    assert np.array_equal(longer.simulated[:12], serial.simulated)


def test_fits_serve_as_well_as_problems():
    simple, full, _ = problems()
    from_fits = likelihood_ratio_test(simple.fit(), full.fit(), 5, seed=4, n_starts=1)
    from_problems = likelihood_ratio_test(simple, full, 5, seed=4, n_starts=1)
    assert np.array_equal(from_fits.simulated, from_problems.simulated)


def test_a_strong_signal_is_never_exceeded():
    x = np.linspace(-1, 1, 10)
    y = 9 * x
    simple = CurveProblem(x, y, np.ones(10), flat, Parameters([A]))
    full = CurveProblem(x, y, np.ones(10), line, Parameters([A, B]))
    result = likelihood_ratio_test(simple, full, 40, seed=1, n_starts=1)
    assert result.n_exceeding == 0
    p = result.p_value
    assert p.limit == "upper"
    assert p.value == 1 / 40
    assert p.level == pytest.approx(1 - (39 / 40) ** 40)
    assert "p < 1/40" in repr(result)
    assert result.upper_limit() == pytest.approx(1 - 0.05 ** (1 / 40))


def test_exchanged_models_are_noticed():
    simple, full, _ = problems()
    with pytest.warns(FitWarning, match="simple model fits the data better"):
        result = likelihood_ratio_test(full, simple, 20, seed=1, n_starts=1)
    straight = 2 * (full.fit().log_likelihood - simple.fit().log_likelihood)
    assert float(result.observed) == pytest.approx(-straight, abs=1e-6)
    assert "cannot imitate the simple one" in repr(result)


def test_models_of_different_data_are_refused():
    with pytest.raises(ComparisonError, match="same data"):
        likelihood_ratio_test(problems(10)[0], problems(11)[1], 5)
    with pytest.raises(InputError, match="number of simulations"):
        likelihood_ratio_test(problems()[0], problems()[1], 0)


def test_failed_simulations_are_counted_not_hidden():
    """A model that stops existing for some data: those simulations are reported."""

    def picky(v, y):
        if y[0] > 1.0:
            return np.full(len(v), -np.inf)
        return -0.5 * ((y[None, :] - v[:, :1]) ** 2).sum(axis=1)

    def picky_line(v, y):
        x = np.linspace(-1, 1, y.size)
        return -0.5 * ((y[None, :] - v[:, :1] - v[:, 1:] * x) ** 2).sum(axis=1)

    def draw(v, rng):
        return v[0] + rng.standard_normal(6)

    y = np.array([0.1, -0.5, 0.2, 0.9, -1.0, 0.3])
    simple = FunctionProblem(picky, Parameters([A]), y, draw)
    full = FunctionProblem(picky_line, Parameters([A, B]), y, draw)
    n = 100
    result = likelihood_ratio_test(simple, full, n, seed=2, n_starts=1)
    assert result.n + result.n_failed == n
    p = stats.norm.sf(1.0)  # the truth is near 0
    assert abs(result.n_failed / n - p) < 4 * math.sqrt(p * (1 - p) / n)
    assert "-inf at every start" in result.failures[0]
    assert "failed and are left out" in repr(result)


# -- the result of a simulated test --------------------------------------------------------------


def simulated_test(observed, simulated, **more):
    fields = {"n_failed": 0, "failures": (), **more}
    return SimulatedTest(
        "T",
        np.asarray(observed),
        np.asarray(simulated, float),
        provenance=Provenance("x"),
        **fields,
    )


def test_equal_counts_as_exceeding():
    result = simulated_test(2.0, [1.0, 2.0, 3.0, 0.0])
    assert result.n_exceeding == 2
    assert result.p_value.value == 0.5
    assert result.p_value.lower == 0.25


def test_clopper_pearson_limits():
    """Known values: 0 of 10 -> 0.2589 (one-sided 95 %), 2 of 10 -> 0.5069; all -> 1."""
    assert binomial_limit(0, 10, 0.95) == pytest.approx(0.25887, abs=1e-5)
    assert binomial_limit(2, 10, 0.95) == pytest.approx(0.50690, abs=1e-5)
    assert binomial_limit(10, 10, 0.95) == 1.0
    with pytest.raises(InputError, match="probability"):
        binomial_limit(1, 10, 95)


def test_plot_shows_what_its_data_say():
    result = simulated_test(2.0, np.arange(100) / 25)
    drawn = result.plot_data(bins=8)
    assert drawn["counts"].sum() == 100
    assert drawn["edges"].size == 9
    ax = result.plot(bins=8)
    assert ax.get_xlabel() == "T"
    assert ax.lines[0].get_xdata()[0] == 2.0
    assert "<pre>" in result._repr_html_()


def test_unexpected_errors_are_raised_not_counted():
    bug = ItemError(3, ZeroDivisionError("oops"), "somewhere")
    with pytest.raises(ZeroDivisionError):
        collect([1.0, bug])
    failed = ItemError(0, FitError("no"), "somewhere")
    assert collect([1.0, failed]) == ([1.0], ("no.",))
    with pytest.raises(FitError, match="every simulated"):
        collect([failed])
