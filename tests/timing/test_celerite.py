"""The O(N) engine and irregular times: closed forms, precision, what the approximation costs."""

from __future__ import annotations

import time
import warnings
from typing import ClassVar

import numpy as np
import pytest
from scipy import stats

import astrokit as ak
from astrokit.errors import AstrokitWarning, InputError
from astrokit.timing import BendingPowerLaw, Constant, PowerLaw, PSDProblem, timmer_koenig
from astrokit.timing.autocovariance import DifferenceAutocovariance
from astrokit.timing.expansion import Expansion
from astrokit.timing.exponentials import Bins, DifferenceTerms, grid_autocovariance
from astrokit.timing.gaussian_kernels import durbin_log_likelihood, durbin_simulate
from astrokit.timing.semiseparable_kernels import (
    expand,
    fill_exponential_covariance,
    semiseparable_log_likelihood,
    semiseparable_simulate,
    semiseparable_whiten,
)
from tests.contract import ProblemContract
from tests.reference import timing_gaussian as reference


def irregular_bins(n=40, seed=1, width=None):
    rng = np.random.default_rng(seed)
    spacing = rng.exponential(1.0, n) + 0.3
    spacing[n // 2] += 50.0
    start = np.cumsum(spacing)
    room = np.diff(np.append(start, start[-1] + 1))
    widths = rng.uniform(0.05, 0.29, n) if width is None else np.full(n, width)
    assert np.all(widths <= room)
    return Bins(start - start[0], widths, None, float(np.median(spacing)))


def regular_bins(n, width=1.0, drop=()):
    position = np.setdiff1d(np.arange(n), drop).astype(np.int64)
    return Bins(position * 1.0, np.full(position.size, width), position, 1.0)


def some_bins():
    return {
        "irregular": irregular_bins(),
        "samples": irregular_bins(width=0.0),
        "gaps": regular_bins(50, drop=[3, 4, 20, 30, 31, 32]),
        "narrow": regular_bins(30, width=0.4),
    }


def problem_of(bins, slope=2.0, error=0.1, seed=1, model=None, **options):
    """Return the likelihood of a simulated random walk in these bins (its level is 100)."""
    rng = np.random.default_rng(seed)
    rate = 100 + rng.standard_normal(bins.n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        lc = ak.LightCurve(
            bins.start + 0.5 * bins.width + 1000.0,
            rate,
            np.full(bins.n, error) if error else None,
            bin_width=bins.width,
        )
    options = {"normalization": "absolute", **options}
    problem = PSDProblem(lc, model or PowerLaw(pivot=0.1), **options)
    return problem.simulate([slope, 0.0], seed) if model is None else problem


class TestIrregularTimes(ProblemContract):
    """Bins of any width at any times, with unequal errors."""

    truth: ClassVar = {"slope": 2.0, "log_amplitude": 0.0}
    rtol = 1e-10

    @pytest.fixture
    def problem(self):
        bins = irregular_bins(150)
        return problem_of(bins, error=0.05)


class TestGappedGrid(ProblemContract):
    """A regular grid with many gaps, and noise of unknown strength."""

    truth: ClassVar = {"slope": 2.0, "log_amplitude": 0.0, "constant": 0.5}
    n_fits = 60

    @pytest.fixture
    def problem(self):
        rng = np.random.default_rng(3)
        rate = 100 + timmer_koenig(lambda f: (f / 0.1) ** -2.0, 300, 1.0, seed=4)
        rate += 0.5 * rng.standard_normal(300)
        rate[rng.random(300) < 0.3] = np.nan
        lc = ak.LightCurve(np.arange(300) + 0.5, rate, np.full(300, 0.5), bin_width=1.0)
        model = PowerLaw(pivot=0.1) + Constant()
        problem = PSDProblem(lc, model, normalization="absolute")
        assert problem.engine == "celerite"
        return problem


# -- closed forms ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", some_bins())
def test_covariance_of_exponentials_is_the_integral_over_bins(name):
    bins = some_bins()[name]
    rate, weight = np.array([1e-6, 0.02, 0.7, 30.0]), np.array([100.0, 1.0, 0.5, 0.2])
    C = reference.exponential_covariance(bins.start, bins.width, weight, rate)
    D = np.diff(np.eye(bins.n), axis=0)
    expected = (D @ C @ D.T).astype(float)
    terms = DifferenceTerms.of(bins, rate)
    diagonal, beside = terms.variances(weight[None]), terms.besides(weight[None])
    found = np.zeros_like(expected)
    fill_exponential_covariance(weight, terms.tables, diagonal[0], beside[0], found)
    np.testing.assert_allclose(found, np.tril(expected), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", some_bins())
def test_oscillating_terms_are_the_integral_over_bins(name):
    bins = some_bins()[name]
    rate, weight = np.array([0.05 + 0.9j, 1.2 + 0j]), np.array([1.0 + 0.3j, 0.5 + 0j])
    C = reference.exponential_covariance(bins.start, bins.width, weight, rate)
    D = np.diff(np.eye(bins.n), axis=0)
    expected = (D @ C @ D.T).astype(float)
    terms, diagonal, beside = DifferenceTerms.oscillating(bins, rate, weight)
    found = np.zeros_like(expected)
    fill_exponential_covariance(np.ones(4), terms.tables, diagonal, beside, found)
    np.testing.assert_allclose(found, np.tril(expected), atol=1e-12)
    if bins.position is not None and bins.n == bins.position[-1] + 1:
        row = grid_autocovariance(bins, bins.n - 1, rate, weight)
        np.testing.assert_allclose(row, expected[:, 0], atol=1e-12)


@pytest.mark.parametrize("name", some_bins())
def test_recursion_is_the_cholesky_factor(name):
    bins = some_bins()[name]
    rate, weight = np.array([0.02, 0.7, 3.0]), np.array([1.0, 0.5, 0.2])
    terms = DifferenceTerms.of(bins, rate)
    weights = np.array([weight, 2 * weight])
    diagonal, beside = terms.variances(weights) + 0.2, terms.besides(weights) - 0.1
    C = np.zeros((bins.n - 1,) * 2)
    fill_exponential_covariance(weight, terms.tables, diagonal[0], beside[0], C)
    C += np.tril(C, -1).T
    rng = np.random.default_rng(2)
    y, z = rng.standard_normal((2, bins.n - 1))
    out = np.empty(2)
    semiseparable_log_likelihood(weights, terms.tables, diagonal, beside, y, out)
    assert out[0] == pytest.approx(stats.multivariate_normal(cov=C).logpdf(y), rel=1e-12)
    assert out[0] == pytest.approx(float(reference.cholesky_log_likelihood(C, y)), rel=1e-12)
    factor = np.linalg.cholesky(C)
    made = z.copy()
    assert semiseparable_simulate(weight, terms.tables, diagonal[0], beside[0], made)
    np.testing.assert_allclose(made, factor @ z, atol=1e-12)
    assert semiseparable_whiten(weight, terms.tables, diagonal[0], beside[0], made)
    np.testing.assert_allclose(made, z, atol=1e-12)


def test_what_is_no_covariance_is_refused():
    bins = regular_bins(20)
    terms = DifferenceTerms.of(bins, np.array([0.1]))
    weights = np.array([[-1.0]])
    out = np.empty(1)
    arguments = terms.variances(weights), terms.besides(weights)
    semiseparable_log_likelihood(weights, terms.tables, *arguments, np.ones(19), out)
    assert out[0] == -np.inf
    first = (part[0] for part in arguments)
    assert not semiseparable_simulate(weights[0], terms.tables, *first, np.ones(19))


def test_weights_are_those_of_least_squares():
    expansion = Expansion(regular_bins(500), 1e-5)
    power = np.exp(-np.outer([0.5, 2.0, 3.3], expansion.log_frequency))
    heights = expansion.heights(power)
    f = np.exp(expansion.log_frequency)
    inside = (f > 2e-3) & (f < 0.5)
    ratio = expansion.spectrum(f[inside], heights) / power[:, inside]
    assert np.abs(ratio - 1).max() < 4e-3
    design, importance, drift = expansion._design, expansion._importance, expansion._drift
    for row, P in zip(heights, power, strict=True):
        A = np.append(design * importance / P, (design @ drift / (drift @ P))[:, None], axis=1)
        b = np.append(importance, 1.0)
        size = np.linalg.norm(A, axis=1)
        x, *_ = np.linalg.lstsq((A / size[:, None]).T, b, rcond=None)
        best = np.linalg.norm((A / size[:, None]).T @ x - b)
        assert np.linalg.norm(A.T @ row - b) == pytest.approx(best, rel=1e-6, abs=1e-9)
    again = np.empty((1, design.shape[0]))
    expand(power[1:2].copy(), power[1:2].copy(), design, importance, drift, again)
    np.testing.assert_array_equal(again[0], heights[1, : again.size])


# -- what the approximation costs -----------------------------------------------------------------


@pytest.mark.parametrize("n", [300, 1500])
@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0, 2.0, 3.0, 4.0])
def test_likelihood_without_noise_is_that_of_the_exact_covariance(slope, n):
    """Against Levinson-Durbin with the bin-averaged covariance of the power law itself."""
    bins = regular_bins(n)
    problem = problem_of(bins, slope, error=0.0, engine="celerite")
    R = DifferenceAutocovariance(n, 1.0, 1.0, problem.cutoff).of(
        lambda f: (np.maximum(f, problem.cutoff) / 0.1) ** -slope
    )
    y = np.random.default_rng(5).standard_normal(n - 1)
    assert durbin_simulate(R, y)
    lc = ak.LightCurve(problem.data.time, 1e6 + np.append(0, np.cumsum(y)), bin_width=1.0)
    exact = np.empty(1)
    durbin_log_likelihood(R[None], np.diff(lc.rate), exact)
    found = problem.with_data(lc).log_likelihood([slope, 0.0])[0]
    assert found == pytest.approx(exact[0], abs=5e-3)


@pytest.mark.parametrize("slope", [3.0, 4.0])
def test_no_digits_are_lost_without_noise(slope):
    """The same sum of exponentials in extended precision, where float64 has the least to spare."""
    n = 400
    bins = regular_bins(n, drop=range(100, 130))
    expansion = Expansion(bins, 1e-2 / n, 2.0, 3.0)
    weights, white = expansion.weights((np.exp(-slope * expansion.log_frequency))[None])
    terms = DifferenceTerms.of(bins, expansion.rate)
    diagonal, beside = terms.variances(weights) + white, terms.besides(weights) - 0.5 * white
    y = np.random.default_rng(3).standard_normal(bins.n - 1)
    semiseparable_simulate(weights[0], terms.tables, diagonal[0], beside[0], y)
    C = reference.exponential_covariance(bins.start, bins.width, weights[0], expansion.rate)
    C += 0.5 * white[0] * np.eye(bins.n)
    C = np.diff(np.diff(C, axis=0), axis=1)
    out = np.empty(1)
    semiseparable_log_likelihood(weights, terms.tables, diagonal, beside, y, out)
    exact = float(reference.cholesky_log_likelihood(C, y))
    assert out[0] == pytest.approx(exact, abs=1e-3)


@pytest.mark.parametrize("model", [PowerLaw(), BendingPowerLaw() + Constant()])
def test_engines_agree_at_irregular_times(model):
    bins = irregular_bins(120)
    fast, dense = (problem_of(bins, model=model, engine=engine) for engine in ("celerite", "dense"))
    theta = fast.parameters.free_values
    theta[-1] = 0.1
    values = [problem.log_likelihood(theta)[0] for problem in (fast, dense)]
    assert values[0] == pytest.approx(values[1], abs=5e-3)


def test_irregular_times_have_the_covariance_of_the_spectrum():
    """Against quadrature over frequency for samples and bins of unequal width."""
    slope, bins = 2.5, irregular_bins(12)
    problem = problem_of(bins, slope, error=0.0, engine="dense")
    top = 2000.0
    x, weight = np.polynomial.legendre.leggauss(16)
    low, high = np.geomspace(problem.cutoff, 0.01, 60), np.geomspace(60, top, 4000)
    edges = np.concatenate([[0], low, np.arange(0.01, 60, 0.02)[1:], high])
    half = 0.5 * np.diff(edges)
    f = (edges[:-1, None] + half[:, None] * (1 + x)).ravel()
    power = (np.maximum(f, problem.cutoff) / 0.1) ** -slope * (half[:, None] * weight).ravel()
    middle = bins.start + 0.5 * bins.width
    waves = np.exp(2j * np.pi * f * middle[:, None]) * np.sinc(f * bins.width[:, None])
    steps = np.diff(waves, axis=0)
    C = ((steps * power) @ steps.conj().T).real
    y = np.diff(problem.data.rate)
    expected = stats.multivariate_normal(cov=C).logpdf(y)
    assert problem.log_likelihood([slope, 0.0])[0] == pytest.approx(expected, abs=2e-3)


def test_the_error_is_measured_and_named():
    rng = np.random.default_rng(2)
    rate = 100 + timmer_koenig(lambda f: (f / 0.1) ** -2.5, 400, 1.0, seed=2)
    rate[rng.random(400) < 0.3] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        lc = ak.LightCurve(np.arange(400) + 0.5, rate, bin_width=1.0)
    problem = PSDProblem(lc, PowerLaw(pivot=0.1), normalization="absolute")
    found = problem.approximation({"slope": 2.5, "log_amplitude": 0.0})
    assert found.n_terms == problem.settings()["terms"] > 20
    assert found.largest < 2e-3
    assert max(abs(x) for x in found.shift.values()) < 0.01
    assert abs(found.difference) < 5e-3
    assert found.notes == ()
    assert "exponentials" in repr(found)
    assert found._repr_html_().startswith("<pre>")
    assert found.plot().get_xlabel() == "frequency"
    exact = PSDProblem(lc, PowerLaw(), engine="dense").approximation([2.5, -9.0])
    assert exact.n_terms == 0
    assert "exact" in repr(exact)


def test_a_spectrum_too_sharp_for_the_exponentials_is_named():
    problem = problem_of(regular_bins(3000), model=BendingPowerLaw(pivot=0.01), error=0.0)
    sharp = problem.approximation([-1.0, 6.0, 0.02, 0.0])
    assert sharp.largest > 0.05
    assert any("celerite engine" in note for note in sharp.notes)
    assert any("celerite" in s for s in problem._reservations(np.array([-1.0, 6.0, 0.02, 0.0])))


# -- at the edge ----------------------------------------------------------------------------------


def test_samples_have_no_width():
    bins = irregular_bins(60, width=0.0)
    problem = problem_of(bins, model=PowerLaw(pivot=0.1) + Constant(), error=0.3)
    assert problem.engine == "dense"
    # A constant is white noise of c / (2 median spacing) where samples have no width.
    theta = np.array([2.0, 0.0, 0.8])
    more = np.full(bins.n, np.sqrt(0.3**2 + 0.8 / (2 * problem._bins.spacing)))
    lc = problem.data
    noisy = ak.LightCurve(lc.time, lc.rate, more, bin_width=0.0)
    other = PSDProblem(noisy, PowerLaw(pivot=0.1), normalization="absolute")
    assert problem.log_likelihood(theta)[0] == pytest.approx(
        other.log_likelihood(theta[:2])[0], rel=1e-9
    )


def test_overlapping_bins_are_refused():
    with pytest.raises(InputError, match="overlap"):
        PSDProblem(
            ak.LightCurve(np.arange(20.0) ** 1.5, np.arange(20.0), bin_width=1.5), PowerLaw()
        )


def test_contiguous_bins_may_jitter():
    """Times corrected to the barycentre, say: neither a grid nor an overlap."""
    rng = np.random.default_rng(4)
    t = np.arange(200.0) + rng.uniform(-0.004, 0.004, 200)
    rate = 100 + np.cumsum(rng.standard_normal(200))
    rate[50:70] = np.nan
    keep = np.isfinite(rate)
    theta = [2.0, 0.0]
    found = []
    for times in (t, np.arange(200.0)):
        lc = ak.LightCurve(times[keep], rate[keep], np.full(180, 0.2), bin_width=1.0)
        problem = PSDProblem(lc, PowerLaw(pivot=0.1), normalization="absolute")
        found.append(problem.log_likelihood(theta)[0])
    assert found[0] == pytest.approx(found[1], abs=1.0)


def test_a_few_points_of_a_vast_grid_are_irregular():
    t = np.arange(30.0)
    t[15:] += 1e6
    rate = np.random.default_rng(1).normal(10, 1, 30)
    lc = ak.LightCurve(t, rate, np.full(30, 0.1), bin_width=1.0)
    problem = PSDProblem(lc, PowerLaw())
    assert np.isfinite(problem.log_likelihood([1.5, -5.0])).all()
    assert problem._bins.position is None


def test_the_search_in_wider_bins_changes_nothing(monkeypatch):
    problem = problem_of(
        regular_bins(1900, drop=[k for k in range(1900) if k % 57 > 45]), error=0.3
    )
    twin = problem._coarse()
    assert twin.n_data < 0.4 * problem.n_data
    guided = problem.fit(n_starts=2)
    monkeypatch.setattr(type(problem), "_coarse", lambda self: None)
    direct = problem.fit(n_starts=2)
    assert guided.log_likelihood == pytest.approx(direct.log_likelihood, abs=1e-4)


def test_cost_and_memory_grow_linearly():
    seconds = []
    for n in (4000, 16000):
        problem = problem_of(regular_bins(n, drop=range(100, n, 50)), model=PowerLaw())
        theta = problem.parameters.free_values
        problem.log_likelihood(theta)
        best = np.inf
        for _ in range(5):
            begin = time.process_time()
            problem.log_likelihood(theta)
            best = min(best, time.process_time() - begin)
        seconds.append(best)
        tables = problem._machine._terms.tables
        assert sum(table.nbytes for table in tables) < 40 * n  # a grid shares its rows
    assert seconds[1] < 8 * seconds[0]


def test_approximation_at_a_bend_far_below_the_data():
    """A bend at 3e-9 Hz has a scale of its own: steps must not lead below zero."""
    rate = 100 + timmer_koenig(lambda f: (f / 1e-4) ** -2.0, 300, 1000.0, seed=2)
    lc = ak.LightCurve(1000.0 * np.arange(300), rate, np.full(300, 0.1))
    problem = PSDProblem(lc, BendingPowerLaw(low_slope=1.0), engine="celerite")
    values = problem.parameters.values.copy()
    place = problem.parameters.names.index("bend_frequency")
    values[place] = problem.parameters["bend_frequency"].prior.low
    assert values[place] < 1e-8
    shift = problem.approximation(values).shift
    assert np.all(np.isfinite(list(shift.values())))
