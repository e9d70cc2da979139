"""Fits against closed forms, certified regressions, and situations with a known right answer."""

from __future__ import annotations

import math
import pickle
import warnings

import numpy as np
import pytest
from scipy import stats

from astrokit.errors import (
    CoverageWarning,
    FitError,
    FitWarning,
    InputError,
    LikelihoodError,
    ParameterError,
)
from astrokit.inference import (
    CurveProblem,
    FunctionProblem,
    Normal,
    Parameter,
    Parameters,
    PoissonProblem,
    Uniform,
)
from astrokit.inference.ascent import _bounded, ascend
from astrokit.inference.derivatives import (
    Derivatives,
    NumericalDerivatives,
    Point,
    ResidualDerivatives,
)
from astrokit.inference.fitting import _joined
from astrokit.inference.profile import profile_curve
from tests.inference import nist

METHODS = ("auto", "leastsq", "least_squares", "newton", "nelder", "powell")


def free(**values):
    """Return parameters with wide uniform priors around the given values."""
    return Parameters([Parameter(n, v, Uniform(v - 50, v + 50)) for n, v in values.items()])


def constant(x, level):
    return level + 0 * x


def line(x, a, b):
    return a + b * x


def counts_problem(counts, high=1000.0):
    rate = Parameters([Parameter("rate", 1.0, Uniform(0, high))])
    return PoissonProblem(np.arange(len(counts)), counts, constant, rate)


# -- closed forms --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_polynomial_equals_the_normal_equations(method):
    rng = np.random.default_rng(4)
    x = np.linspace(-2, 3, 30)
    sigma = rng.uniform(0.2, 1.0, 30)
    y = 1.5 - 0.7 * x + 0.2 * x**2 + sigma * rng.standard_normal(30)
    p = free(a=0.0, b=0.0, c=0.0)
    fit = CurveProblem(x, y, sigma, lambda x, a, b, c: a + b * x + c * x**2, p).fit(method=method)
    design = np.vander(x, 3, increasing=True) / sigma[:, None]
    covariance = np.linalg.inv(design.T @ design)
    best = np.linalg.lstsq(design, y / sigma, rcond=None)[0]
    np.testing.assert_allclose(fit.theta, best, atol=1e-4 * np.sqrt(np.diag(covariance)).min())
    np.testing.assert_allclose(fit.covariance, covariance, rtol=1e-4)
    expected = stats.norm(design @ best * sigma, sigma).logpdf(y).sum()
    assert fit.log_likelihood == pytest.approx(expected, abs=1e-7)
    assert fit.n_agreeing == len(fit.starts) == 5


@pytest.mark.parametrize("method", ["auto", "newton", "nelder", "powell", "lbfgsb"])
@pytest.mark.parametrize("counts", [[100, 120, 80, 90], [12, 9, 17], [7]])
def test_constant_rate_is_the_mean_with_error_root_n(method, counts):
    fit = counts_problem(counts).fit(method=method)
    total, bins = sum(counts), len(counts)
    assert fit["rate"].value == pytest.approx(total / bins, rel=1e-5)
    assert fit["rate"].lower == pytest.approx(math.sqrt(total) / bins, rel=1e-3)
    assert fit.reservations == ()


def test_exponential_waiting_times():
    waits = np.random.default_rng(1).exponential(0.25, 500)
    rate = Parameters([Parameter("rate", 1.0, Uniform(1e-3, 100))])
    problem = FunctionProblem(
        lambda v, w: w.size * np.log(v[:, 0]) - v[:, 0] * w.sum(), rate, waits
    )
    fit = problem.fit()
    best = 1 / waits.mean()
    assert fit["rate"].value == pytest.approx(best, rel=1e-6)
    assert fit["rate"].lower == pytest.approx(best / math.sqrt(500), rel=1e-4)


def test_errors_do_not_depend_on_how_well_the_model_fits():
    """scale_covar=False: residuals ten times too large leave the errors as they are."""
    x = np.linspace(0, 1, 20)
    noise = np.random.default_rng(2).standard_normal(20)
    fits = [
        CurveProblem(x, line(x, 1, 2) + k * noise, np.ones(20), line, free(a=0, b=0)).fit()
        for k in (0.1, 10.0)
    ]
    np.testing.assert_allclose(fits[0].covariance, fits[1].covariance, rtol=1e-6)


# -- certified regressions -----------------------------------------------------------------------


def certified_problem(data, start):
    names = [f"b{i + 1}" for i in range(len(start))]
    p = Parameters(
        [
            Parameter(name, value, Uniform(*ends))
            for name, value, ends in zip(names, start, data.bounds, strict=True)
        ]
    )
    # With the certified residual deviation as sigma, absolute errors are NIST's.
    sigma = np.full(data.y.size, data.residual_deviation)
    return CurveProblem(data.x, data.y, sigma, data.model, p)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("data", nist.ALL, ids=lambda data: data.name)
def test_certified_values_and_errors(data, which):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CoverageWarning)  # MGH09 is curved within one error
        fit = certified_problem(data, data.starts[which]).fit()
    errors = np.sqrt(np.diag(fit.covariance))
    # Within 1e-4 of a certified standard deviation of the certified value.
    pulls = (fit.theta - np.array(data.values)) / np.array(data.deviations)
    assert np.abs(pulls).max() < 1e-4
    np.testing.assert_allclose(errors, data.deviations, rtol=2e-4)


def test_curved_certified_problem_is_flagged():
    with pytest.warns(CoverageWarning, match="parabola"):
        fit = certified_problem(nist.MGH09, nist.MGH09.starts[1]).fit()
    assert any("b2" in sentence for sentence in fit.reservations)


# -- bounds --------------------------------------------------------------------------------------


def test_parameter_at_its_bound_is_named_and_has_no_error():
    x = np.linspace(0, 1, 20)
    y = line(x, 1.0, -2.0)
    p = Parameters([Parameter("a", 0.0, Uniform(-9, 9)), Parameter("b", 1.0, Uniform(0, 9))])
    correlated = pytest.warns(CoverageWarning, match="error of a is off: the correlated 'b'")
    with pytest.warns(FitWarning, match="b ended at lower bound"), correlated:
        fit = CurveProblem(x, y, np.full(20, 0.1), line, p).fit()
    assert fit.state("b") == "at lower bound"
    assert fit["b"].value == 0.0
    assert math.isnan(fit["b"].lower)
    # The other is what a fit without the held parameter gives: the mean, sigma / sqrt(n).
    assert fit["a"].value == pytest.approx(y.mean(), abs=1e-6)
    assert fit["a"].lower == pytest.approx(0.1 / math.sqrt(20), rel=1e-4)
    assert "lower bound" in fit["b"].method


def test_upper_bound():
    p = Parameters([Parameter("level", 1.0, Uniform(0, 2))])
    with pytest.warns(FitWarning, match="upper bound"):
        fit = CurveProblem([0, 1], [5, 5], [1, 1], constant, p).fit()
    assert fit.states == ("at upper bound",)
    assert fit["level"].value == 2.0


def test_no_counts_give_a_limit_not_an_error():
    with pytest.warns(FitWarning, match="rate ended at lower bound"):
        fit = counts_problem([0, 0, 0, 0]).fit()
    assert fit["rate"].value == 0.0
    limit = fit.profile("rate", 0.95)
    assert limit.limit == "upper"
    # ln L = -4 rate falls by half the chi2 quantile at
    assert limit.value == pytest.approx(0.5 * stats.chi2(1).ppf(0.95) / 4, rel=1e-3)


def test_start_at_a_bound_leaves_it():
    p = Parameters([Parameter("rate", 0.0, Uniform(0, 1000))])
    fit = PoissonProblem([0, 1], [30, 34], lambda x, r: r + 1e-12, p).fit(n_starts=1)
    assert fit["rate"].value == pytest.approx(32, rel=1e-5)


def test_interval_beyond_the_bound_is_flagged():
    p = Parameters([Parameter("level", 0.5, Uniform(0, 10))])
    with pytest.warns(CoverageWarning, match="level reaches beyond"):
        fit = CurveProblem([0, 1], [0.5, 0.5], [2, 2], constant, p).fit()
    assert fit["level"].lower == pytest.approx(math.sqrt(2), rel=1e-5)


def test_parameters_with_the_same_trouble_share_a_sentence():
    allowed = Uniform(0, 10)
    p = Parameters([Parameter(name, 0.5, allowed) for name in ("a", "b")])
    levels = lambda x, a, b: np.where(x < 1, a, b)  # noqa: E731
    with pytest.warns(CoverageWarning, match="intervals of a and b reach beyond") as caught:
        fit = CurveProblem([0, 1], [0.5, 0.5], [2, 2], levels, p).fit()
    assert len(caught) == len(fit.reservations) == 1
    with pytest.warns(
        FitWarning, match=r"a ended at lower bound \(0\) and b .* no errors"
    ) as caught:
        CurveProblem([0, 1], [-1, -2], [2, 2], levels, p).fit()
    assert len(caught) == 1


def test_bounded_parabola_is_solved_with_correlations():
    """The bounded maximum of a correlated parabola, against its closed form."""
    precision = np.array([[2.0, 1.8], [1.8, 2.0]])
    peak = np.array([-1.0, 2.0])

    def log_likelihood(v, data):
        offset = v - peak
        return -0.5 * np.einsum("ni,ij,nj->n", offset, precision, offset)

    p = Parameters([Parameter("a", 3.0, Uniform(0, 9)), Parameter("b", 3.0, Uniform(-9, 9))])
    correlated = pytest.warns(CoverageWarning, match="error of b is off")
    with pytest.warns(FitWarning, match="a ended at lower bound"), correlated:
        fit = FunctionProblem(log_likelihood, p, [0.0]).fit(n_starts=1)
    # With a held at 0, b maximises at peak_b - precision_ab / precision_bb (0 - peak_a).
    assert fit.theta == pytest.approx([0.0, 2.0 - 0.9 * 1.0], abs=1e-5)


# -- what the data do not determine --------------------------------------------------------------


def test_undetermined_parameter_is_named():
    x = np.linspace(0, 1, 20)
    y = line(x, 1.0, 2.0)
    problem = CurveProblem(
        x, y, np.full(20, 0.1), lambda x, a, b, c: a + b * x + 0 * c, free(a=0, b=0, c=0)
    )
    with pytest.warns(FitWarning, match="c is not determined"):
        fit = problem.fit()
    assert fit.states == ("determined", "determined", "undetermined")
    assert math.isnan(fit["c"].lower)
    assert fit["a"].lower == pytest.approx(
        math.sqrt(
            np.linalg.inv(
                np.vander(x, 2, increasing=True).T @ np.vander(x, 2, increasing=True) / 0.01
            )[0, 0]
        ),
        rel=1e-4,
    )


def test_degenerate_sum_names_both_and_keeps_the_rest():
    x = np.linspace(-1, 1, 20)
    problem = CurveProblem(
        x,
        line(x, 1.0, 2.0),
        np.full(20, 0.1),
        lambda x, a, b, c: a + c + b * x,
        free(a=0, b=0, c=0),
    )
    with pytest.warns(FitWarning) as caught:
        fit = problem.fit()
    text = " ".join(str(w.message) for w in caught)
    assert "a and c are not determined" in text
    assert fit["a"].value + fit["c"].value == pytest.approx(1.0, abs=1e-4)
    assert fit["b"].lower == pytest.approx(0.1 / math.sqrt((x**2).sum()), rel=1e-4)


# -- fixed and tied ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["auto", "newton"])
def test_tied_errors_follow_the_jacobian(method):
    x = np.linspace(0, 1, 30)
    rng = np.random.default_rng(3)
    y = 2.0 + 4.0 * x + 0.1 * rng.standard_normal(30)
    p = free(a=1.0, b=1.0).tie(b="a**2")
    fit = CurveProblem(x, y, np.full(30, 0.1), line, p).fit(method=method)
    # One free parameter: model a + a^2 x; d model/da = 1 + 2 a x.
    best = fit["a"].value
    error = 0.1 / math.sqrt(((1 + 2 * best * x) ** 2).sum())
    assert fit["a"].lower == pytest.approx(error, rel=2e-2)  # curvature of the residuals: 1/sqrt(N)
    assert fit["b"].value == pytest.approx(best**2, rel=1e-12)
    assert fit["b"].lower == pytest.approx(2 * best * fit["a"].lower, rel=1e-4)
    assert fit.state("b") == "tied"
    assert fit.n_free == 1


def test_chain_of_ties_and_fixed_value():
    p = free(a=1.0, b=1.0, c=1.0).tie(b="c + 1", c="2 * a")
    x = np.arange(5.0)
    problem = CurveProblem(x, 10 + 0 * x, np.ones(5), lambda x, a, b, c: a + b + c + 0 * x, p)
    fit = problem.fit()
    assert fit["a"].value == pytest.approx(9 / 5, rel=1e-6)
    assert fit.values["b"] == pytest.approx(2 * 9 / 5 + 1)
    held = problem.with_parameters(free(a=1.0, b=1.0, c=1.0).fix(b=2.0).tie(c="a")).fit()
    assert held["b"].value == 2.0
    assert held["b"].method == "fixed"
    assert held["a"].value == pytest.approx(4.0, rel=1e-6)


# -- several starts ------------------------------------------------------------------------------


def two_peaks(v, data):
    """Two Gaussians; the higher one at +5, narrow, hard to find from the left."""
    z = v[:, 0]
    return np.logaddexp(-0.5 * (z + 5) ** 2, 3 - 0.5 * ((z - 5) / 0.5) ** 2)


def test_several_starts_find_the_higher_peak():
    p = Parameters([Parameter("z", -5.5, Uniform(-10, 10))])
    one = FunctionProblem(two_peaks, p, [0.0]).fit(n_starts=1)
    assert one["z"].value == pytest.approx(-5, abs=1e-3)
    fit = FunctionProblem(two_peaks, p, [0.0]).fit(n_starts=5, seed=1)
    assert fit["z"].value == pytest.approx(5, abs=1e-3)
    assert fit.log_likelihood == pytest.approx(3, abs=1e-6)
    assert fit.starts[0].log_likelihood == pytest.approx(0, abs=1e-6)
    assert fit.n_agreeing < 5


def test_same_seed_same_fit():
    problem = counts_problem([30, 40, 35])
    first, again = problem.fit(seed=3), problem.fit(seed=3)
    assert first.starts == again.starts
    assert np.array_equal(first.theta, again.theta)
    assert first.provenance.seed == {"entropy": 3, "spawn_key": []}


def test_start_values_are_used_and_checked():
    p = Parameters([Parameter("z", 5.5, Uniform(-10, 10)), Parameter("k", 1.0, fixed=True)])
    problem = FunctionProblem(two_peaks, p, [0.0])
    assert problem.fit(start={"z": -5.2}, n_starts=1)["z"].value == pytest.approx(-5, abs=1e-3)
    with pytest.raises(ParameterError, match="outside its prior"):
        problem.fit(start={"z": 11.0})
    with pytest.raises(ParameterError, match="not free"):
        problem.fit(start={"k": 2.0})
    with pytest.raises(ParameterError, match="no such parameter"):
        problem.fit(start={"zz": 2.0})
    with pytest.raises(InputError, match="n_starts"):
        problem.fit(n_starts=0)


# -- failures are errors -------------------------------------------------------------------------


def test_no_place_where_the_model_exists():
    p = Parameters([Parameter("z", 0.0, Uniform(-1, 1))])
    problem = FunctionProblem(lambda v, d: np.full(len(v), -np.inf), p, [0.0])
    with pytest.raises(FitError, match="-inf at every start"):
        problem.fit()


def test_nan_is_reported_by_name():
    def broken(v, data):
        return np.where(v[:, 0] > 0.5, np.nan, -(v[:, 0] ** 2))

    p = Parameters([Parameter("z", 0.0, Uniform(-1, 1))])
    with pytest.raises(LikelihoodError, match="'z'"):
        FunctionProblem(broken, p, [0.0]).fit()


def test_unknown_or_impossible_method():
    problem = counts_problem([30, 40, 35])
    with pytest.raises(InputError, match="did you mean 'nelder'"):
        problem.fit(method="neldr")
    with pytest.raises(InputError, match="needs residuals"):
        problem.fit(method="leastsq")
    with pytest.raises(InputError, match="needs derivatives"):
        problem.fit(method="scoring")


def test_a_likelihood_that_jumps_is_refused():
    """A discontinuous ln L that rises towards its jump has no maximum to expand around."""
    p = Parameters([Parameter("z", 0.2, Uniform(0, 1))])

    def sawtooth(v, data):
        return 1e3 * np.where(v[:, 0] < 0.5, v[:, 0], v[:, 0] - 1e3)

    with pytest.raises(FitError, match="Way out"):
        FunctionProblem(sawtooth, p, [0.0]).fit()


# -- kinks ---------------------------------------------------------------------------------------


def test_kink_is_flagged():
    """ln L = -|z|: the curvature at the maximum says nothing about its width."""
    p = Parameters([Parameter("z", 0.3, Uniform(-10, 10))])
    problem = FunctionProblem(lambda v, d: -np.abs(v[:, 0]), p, [0.0])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fit = problem.fit()
        except FitError:
            return
    assert fit["z"].value == pytest.approx(0, abs=1e-3)
    assert any(issubclass(w.category, CoverageWarning) for w in caught)


# -- profiles ------------------------------------------------------------------------------------


def test_profile_of_a_parabola_is_the_covariance():
    x = np.linspace(0, 1, 20)
    y = line(x, 1, 2) + 0.1 * np.random.default_rng(2).standard_normal(20)
    fit = CurveProblem(x, y, np.full(20, 0.1), line, free(a=0, b=0)).fit()
    for name in ("a", "b"):
        profile = fit.profile(name)
        assert profile.lower == pytest.approx(fit[name].lower, rel=1e-3)
        assert profile.upper == pytest.approx(fit[name].lower, rel=1e-3)
    wide = fit.profile("a", 0.9)
    assert wide.upper == pytest.approx(stats.norm.isf(0.05) * fit["a"].lower, rel=1e-3)
    assert wide.level == 0.9


@pytest.mark.parametrize("level", [0.6827, 0.95])
def test_profile_of_counts_solves_the_likelihood_equation(level):
    fit = counts_problem([3, 1, 2]).fit()
    profile = fit.profile("rate", level)
    for end in profile.interval:
        fall = stats.poisson(2).logpmf([3, 1, 2]).sum() - stats.poisson(end).logpmf([3, 1, 2]).sum()
        assert 2 * fall == pytest.approx(stats.chi2(1).ppf(level), rel=1e-3)
    assert profile.upper > profile.lower


def test_profile_maximises_over_the_others():
    """ln L of a normal sample, profiled over sigma: -n/2 ln(1 + (mean - m)^2 / s^2)."""
    y = np.random.default_rng(5).normal(3, 2, 12)

    def normal(v, y):
        return stats.norm(v[:, :1], v[:, 1:]).logpdf(y).sum(axis=1)

    p = Parameters([Parameter("m", 1.0, Uniform(-20, 20)), Parameter("s", 1.0, Uniform(0.01, 50))])
    with pytest.warns(CoverageWarning, match="sigma of s"):
        fit = FunctionProblem(normal, p, y).fit()
    half = y.std() * math.sqrt(math.exp(stats.chi2(1).ppf(0.9) / 12) - 1)
    profile = fit.profile("m", 0.9)
    assert profile.interval == pytest.approx((y.mean() - half, y.mean() + half), rel=1e-4)


def test_profile_curve_is_drawn():
    fit = counts_problem([3, 1, 2]).fit()
    curve = profile_curve(fit, "rate", [1.0, 2.0, 4.0])
    expected = [stats.poisson(r).logpmf([3, 1, 2]).sum() - fit.log_likelihood for r in (1, 2, 4)]
    np.testing.assert_allclose(curve["fall"], expected, atol=1e-9)
    np.testing.assert_allclose(curve["parabola"], [-0.75, 0, -3], rtol=1e-3, atol=1e-6)
    ax = fit.plot_profile("rate")
    assert ax.get_xlabel() == "rate"
    drawn = ax.lines[0].get_xdata()
    assert drawn.min() >= 0.0


def test_profile_open_on_both_sides_gives_no_numbers():
    p = Parameters([Parameter("level", 0.5, Uniform(0, 1))])
    with pytest.warns(CoverageWarning):
        fit = CurveProblem([0, 1], [0.5, 0.5], [0.9, 0.9], constant, p).fit()
    profile = fit.profile("level")
    assert math.isnan(profile.lower)
    assert "open on both sides" in profile.method


def test_profile_refusals():
    fit = counts_problem([3, 1, 2]).fit()
    with pytest.raises(InputError, match="probability"):
        fit.profile("rate", 68)
    with pytest.raises(ParameterError, match="no such parameter"):
        fit.profile("rat")
    p = Parameters([Parameter("a", 1.0, Uniform(0, 9)), Parameter("b", 1.0, fixed=True)])
    with pytest.raises(InputError, match="free parameter"):
        CurveProblem([0, 1], [2, 2], [1, 1], line, p).fit(n_starts=1).profile("b")


def test_profile_that_finds_a_higher_maximum_says_so():
    def broad_and_high(v, data):
        z = v[:, 0]
        return np.logaddexp(-0.5 * ((z + 5) / 3) ** 2, 3 - 0.5 * ((z - 5) / 0.5) ** 2)

    p = Parameters([Parameter("z", -5.5, Uniform(-10, 10))])
    fit = FunctionProblem(broad_and_high, p, [0.0]).fit(n_starts=1)
    level = 1 - 2 * stats.norm.sf(10 / 3)  # the interval would end at the other peak
    with pytest.raises(FitError, match="higher maximum"):
        fit.profile("z", level)


# -- the result ----------------------------------------------------------------------------------


def line_fit():
    x = np.linspace(0, 1, 20)
    y = line(x, 1, 2) + 0.1 * np.random.default_rng(2).standard_normal(20)
    p = Parameters(
        [
            Parameter("a", 0.0, Normal(0, 10), unit="Jy"),
            Parameter("b", 0.0, Uniform(-9, 9), unit="Jy / d"),
            Parameter("c", 1.0, fixed=True),
        ]
    )
    return CurveProblem(x, y, np.full(20, 0.1), lambda x, a, b, c: a + b * x * c, p).fit()


def test_fit_prints_values_reservations_and_correlations():
    fit = line_fit()
    assert "a = " in repr(fit)
    assert "Jy" in repr(fit)
    report = fit.report()
    assert "correlations" in report
    assert "a, b: -0.8" in report
    assert "5 of 5 starts" in report
    assert "[fixed]" in report
    assert "<table>" in fit._repr_html_()
    table = fit.to_table()
    assert list(table["name"]) == ["a", "b", "c"]
    assert table["value"][0] == fit["a"].value
    assert fit.errors["c"] == 0.0
    assert fit.correlation[0, 1] == pytest.approx(fit.correlation[1, 0])
    assert abs(fit.correlation[0, 1]) < 1


def test_unknown_name_is_an_error():
    with pytest.raises(ParameterError, match="no such parameter"):
        line_fit()["slope"]


def test_information_criteria_by_hand():
    """k = 2, n = 20: AIC = 4 - 2 ln L, AICc = AIC + 12/17, BIC = 2 ln 20 - 2 ln L."""
    fit = line_fit()
    assert fit.n_free == 2
    assert fit.n_data == 20
    assert fit.aic == pytest.approx(4 - 2 * fit.log_likelihood, abs=1e-12)
    assert fit.aicc - fit.aic == pytest.approx(0.7058823529, abs=1e-9)
    assert fit.bic - fit.aic == pytest.approx(5.9914645471 - 4, abs=1e-9)


def test_aicc_needs_more_data_than_parameters():
    fit = CurveProblem([0, 1], [1, 2], [1, 1], line, free(a=0, b=0)).fit()
    assert fit.aicc == math.inf


def test_provenance_tells_what_ran():
    fit = line_fit()
    record = fit.provenance
    assert record.function == "astrokit.inference.fit"
    assert record.inputs[0]["data_sha256"] == fit.problem.data_checksum
    assert "lmfit" in record.citations
    assert record.arguments["n_starts"] == 5


def test_fit_travels_between_processes():
    fit = counts_problem([3, 1, 2]).fit()
    assert pickle.loads(pickle.dumps(fit.provenance)) == fit.provenance


def test_record_round_trip():
    fit = line_fit()
    again = type(fit).from_record(*fit.to_record())
    assert again == fit
    assert again["a"] == fit["a"]
    with pytest.raises(InputError, match="without its problem"):
        again.profile("a")
    assert fit != line_fit().problem


# -- derivatives ---------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("offset", [0.0, 1e7])
def test_numerical_hessian_of_a_correlated_gaussian(scale, offset):
    """Whatever the units, the correlation and the size of ln L."""
    sigma = scale * np.array([1.0, 3.0, 0.2])
    correlation = np.array([[1, 0.99, 0.5], [0.99, 1, 0.55], [0.5, 0.55, 1]])
    precision = np.linalg.inv(correlation * np.outer(sigma, sigma))

    def gaussian(v, data):
        return offset - 0.5 * np.einsum("ni,ij,nj->n", v, precision, v)

    p = Parameters(
        [Parameter(n, 2 * s, Uniform(-100 * s, 100 * s)) for n, s in zip("abc", sigma, strict=True)]
    )
    fit = FunctionProblem(gaussian, p, [0.0]).fit(n_starts=2)
    expected = correlation * np.outer(sigma, sigma)
    rtol = 1e-6 if offset == 0 else 2e-3  # rounding of a large ln L
    np.testing.assert_allclose(fit.covariance, expected, rtol=rtol)
    assert np.abs(fit.theta / sigma).max() < 1e-3


def test_gauss_newton_and_numerical_derivatives_agree_for_a_linear_model():
    x = np.linspace(0, 1, 20)
    problem = CurveProblem(x, line(x, 1, 2), np.full(20, 0.1), line, free(a=0, b=0))
    theta = np.array([0.7, 2.3])
    exact, numerical = ResidualDerivatives(problem)(theta), NumericalDerivatives(problem)(theta)
    np.testing.assert_allclose(numerical.score, exact.score, rtol=1e-6)
    np.testing.assert_allclose(numerical.information, exact.information, rtol=1e-5)


def test_derivatives_next_to_a_bound_stay_inside():
    seen = []

    def watched(v, data):
        seen.append(v.copy())
        return 5 * np.log(v[:, 0]) - v[:, 0]

    p = Parameters([Parameter("rate", 1.0, Uniform(1e-9, 4.0))])
    with pytest.warns(FitWarning, match="upper bound"):
        FunctionProblem(watched, p, [0.0]).fit()
    values = np.concatenate(seen)
    assert values.min() >= 1e-9
    assert values.max() <= 4.0


def test_statistic_is_the_distance_from_a_model_that_meets_every_datum():
    level = Parameters([Parameter("level", 2.0, Uniform(0, 1000))])
    y = np.array([1.0, 2.0, 6.0])  # mean 3: chi2 = (4 + 1 + 9) / 4 with sigma 2
    curve = CurveProblem(np.arange(3), y, np.full(3, 2.0), lambda x, level: level, level).fit()
    assert curve.statistic == pytest.approx(3.5, rel=1e-12)
    assert (curve.statistic_name, curve.dof) == ("gaussian", 2)
    # Counts 100 and 300 against 200 and 200.
    counts = PoissonProblem([0, 1], [100, 300], lambda x, level: level, level).fit()
    expected = 2 * (100 * math.log(0.5) + 300 * math.log(1.5))
    assert counts.statistic == pytest.approx(expected, rel=1e-9)
    assert "statistic poisson = 104.65, 2 data" in counts.report()


@pytest.mark.parametrize("seed", range(40))
def test_a_step_in_a_box_is_the_maximum_of_the_parabola_there(seed):
    rng = np.random.default_rng(seed)
    d = int(rng.integers(2, 6))
    root = rng.normal(size=(d, d)) * 10.0 ** rng.uniform(-2, 2, d)
    curvature, score = root.T @ root, rng.normal(size=d) * 10.0 ** rng.uniform(-2, 3, d)
    low, high = -rng.exponential(size=d), rng.exponential(size=d) * (rng.random(d) < 0.8)
    step = _bounded(score, curvature, low, high)
    assert np.all((step >= low) & (step <= high))
    # Kuhn-Tucker: no pull inside the box, none inwards at its ends.
    pull = (score - curvature @ step) / np.sqrt(np.diag(curvature))
    scale = 1e-6 * np.abs(score / np.sqrt(np.diag(curvature))).max()
    inside = (step > low) & (step < high)
    assert np.all(np.abs(pull[inside]) < scale)
    assert np.all(pull[(step <= low) & (low < high)] < scale)
    assert np.all(pull[(step >= high) & (low < high)] > -scale)


def test_bounded_step_along_a_direction_without_curvature():
    """A parameter that wants to move by less than a float can divide by meets no end."""
    score = np.array([1.0, 1e-200])
    curvature = np.diag([2.0, 1e110])
    step = _bounded(score, curvature, np.array([-1.0, -10.0]), np.array([1.0, 10.0]))
    np.testing.assert_allclose(step, [0.5, 0.0], atol=1e-12)


def test_ends_of_rough_climbs_to_one_maximum_are_joined():
    information = np.diag([4.0, 1.0])  # errors of 0.5 and 1
    place = [(0.0, 0.0), (0.1, 0.1), (3.0, 0.0), (0.0, 0.1)]
    height = [10.0, 9.98, 9.97, 5.0]
    ends = [
        Point(np.array(p), h, np.zeros(2), information) for p, h in zip(place, height, strict=True)
    ]
    assert _joined(ends) == {place[0]: place[0], place[1]: place[0], place[2]: place[2],
                             place[3]: place[3]}  # fmt: skip


# -- climbs with two kinds of information ---------------------------------------------------------


class Valley(Derivatives):
    """ln L = -(20 (y - x^2)^2 + (1 - x)^2) with an information that leaves its bend out."""

    def __init__(self):
        super().__init__(counts_problem([3]))
        self.bounds = np.array([[-9.0, 9.0], [-9.0, 9.0]])
        self.widths = np.array([18.0, 18.0])
        self.points = self.asked = 0

    def __call__(self, theta):
        self.points += 1
        x, y = theta
        off = y - x * x
        score = np.array([80 * x * off + 2 * (1 - x), -40 * off])
        information = np.array([[160 * x * x + 42.0, -80 * x], [-80 * x, 40.0]])
        return Point(theta, -(20 * off**2 + (1 - x) ** 2), score, information)

    def value(self, theta):
        return self(theta).log_likelihood

    def sharpened(self, point):
        self.asked += 1
        x, y = point.theta
        exact = [[240 * x * x - 80 * y + 2.0, -80 * x], [-80 * x, 40.0]]
        return point._replace(information=np.array(exact))


def test_a_slow_climb_asks_for_better_information_and_goes_on_with_it():
    valley = Valley()
    end = ascend(valley, np.array([0.7, 0.6]))
    assert end.converged
    np.testing.assert_allclose(end.point.theta, [1.0, 1.0], atol=1e-4)
    assert valley.asked < valley.points / 2
    # At the end it is the exact one: here they differ by 40 in the first place.
    np.testing.assert_allclose(end.lacking, [[-40.0, 0.0], [0.0, 0.0]], atol=0.1)
    again = Valley()
    ascend(again, np.array([0.9, 0.8]), lacking=end.lacking)
    alone = Valley()
    ascend(alone, np.array([0.9, 0.8]))
    assert again.points < alone.points


@pytest.mark.parametrize("factor", [-0.999, -3.0, 50.0])
def test_a_wrong_difference_leads_nowhere_else(factor):
    valley = Valley()
    wrong = factor * valley(np.array([0.0, 0.0])).information
    end = ascend(valley, np.array([-1.0, 2.0]), lacking=wrong)
    assert end.converged
    np.testing.assert_allclose(end.point.theta, [1.0, 1.0], atol=1e-4)
