"""Waiting times, rates, least squares for reproduction, and earthquakes."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import pytest
from scipy import stats

import astrokit as ak
from astrokit.bursts import (
    BurstSample,
    WaitingTimeProblem,
    WeibullRateProblem,
    b_value,
    b_value_of_index,
    find_magnitude_break,
    fit_binned,
    fit_cumulative,
    index_of_b_value,
    simulate_magnitudes,
    split_sessions,
)
from astrokit.errors import InputError, ShapeError, UnitError
from tests.contract import ProblemContract, quiet_fit


def humps(n, seed=1):
    rng = np.random.default_rng(seed)
    short = rng.random(n) < 0.3
    return 10.0 ** np.where(short, rng.normal(-1.3, 0.3, n), rng.normal(1.5, 0.5, n))


class TestTwoLogNormals(ProblemContract):
    n_fits = 60
    truth: ClassVar = {
        "log_short": -1.3, "width_short": 0.3, "log_long": 1.5, "width_long": 0.5,
        "fraction_short": 0.3,
    }  # fmt: skip

    @pytest.fixture
    def problem(self):
        return WaitingTimeProblem(humps(500))

    def refused_units(self):
        from astropy import units as u

        return [lambda: WaitingTimeProblem(np.ones(20) * u.m)]


class TestWeibull(ProblemContract):
    n_fits = 60
    truth: ClassVar = {"rate": 0.1, "shape": 0.6}

    @pytest.fixture
    def problem(self):
        rng = np.random.default_rng(1)
        waits = rng.weibull(0.6, 300) * 10 / math.gamma(1 + 1 / 0.6)
        return WaitingTimeProblem(waits, "weibull")


class TestWeibullRate(ProblemContract):
    n_fits = 60
    truth: ClassVar = {"rate": 0.02, "shape": 0.7}

    def test_simulation_repeats_with_its_seed(self, problem):
        """The number of bursts is part of the data here, so it differs between simulations."""
        theta = problem.parameters.free_values
        first, again, other = (problem.simulate(theta, seed) for seed in (1, 1, 2))
        assert first.data_checksum == again.data_checksum != other.data_checksum
        assert type(first) is type(problem)
        assert first.parameters == problem.parameters

    @pytest.fixture
    def problem(self):
        rng = np.random.default_rng(2)
        start = 59000 + np.arange(12.0)
        mjd = np.concatenate([t + np.sort(rng.uniform(0, 0.04, 60)) for t in start])
        sample = BurstSample(energy=np.full(mjd.size, 1e38), mjd=mjd)
        spans = np.column_stack([start, start + 0.04])
        return WeibullRateProblem(split_sessions(sample, observations=spans))


def test_densities_are_those_of_scipy():
    waits = humps(30)
    weibull = WaitingTimeProblem(waits, "weibull")
    rate, k = 0.3, 0.7
    scale = 1 / (rate * math.gamma(1 + 1 / k))
    expected = stats.weibull_min.logpdf(waits, k, scale=scale).sum()
    assert weibull.log_likelihood([rate, k])[0] == pytest.approx(expected, rel=1e-11)
    plain = WaitingTimeProblem(waits, "exponential")
    expected = stats.expon.logpdf(waits, scale=1 / rate).sum()
    assert plain.log_likelihood([rate])[0] == pytest.approx(expected, rel=1e-11)
    two = WaitingTimeProblem(waits)
    parts = [
        w * stats.lognorm.pdf(waits, s * math.log(10), scale=10.0**m)
        for w, m, s in ((0.3, -1.2, 0.4), (0.7, 1.3, 0.6))
    ]
    expected = np.log(sum(parts)).sum()
    found = two.log_likelihood([-1.2, 0.4, 1.3, 0.6, 0.3])[0]
    assert found == pytest.approx(expected, rel=1e-11)


def test_the_weibull_rate_of_a_poisson_process():
    """For shape 1 ln L is that of a Poisson process: n ln r - r T, whatever the sessions."""
    rng = np.random.default_rng(3)
    start = 59000 + np.arange(3.0)
    mjd = np.concatenate([t + np.sort(rng.uniform(0, 0.04, 20)) for t in start[:2]])
    sample = BurstSample(energy=np.full(mjd.size, 1e38), mjd=mjd)
    spans = np.column_stack([start[:2], start[:2] + 0.04])
    problem = WeibullRateProblem(split_sessions(sample, observations=spans))
    rate = 0.01
    expected = mjd.size * math.log(rate) - rate * 2 * 0.04 * 86400
    assert problem.log_likelihood([rate, 1.0])[0] == pytest.approx(expected, rel=1e-9)
    empty = problem.with_data((problem.data[0], np.empty(0)))
    expected = 20 * math.log(rate) - rate * 2 * 0.04 * 86400
    assert empty.log_likelihood([rate, 1.0])[0] == pytest.approx(expected, rel=1e-9)


def test_clustered_rates_need_the_empty_ends():
    """Fits of waiting times alone overestimate the rate of a clustered source; these do not."""
    start = 59000 + np.arange(60.0)
    spans = np.column_stack([start, start + 0.02])
    sample = BurstSample(energy=np.full(60, 1e38), mjd=start + 0.01)
    design = WeibullRateProblem(split_sessions(sample, observations=spans))
    wide = design.parameters.replace("rate", prior=ak.inference.LogUniform(1e-5, 1), value=2e-3)
    design = design.with_parameters(wide)
    with_ends, waits_alone = [], []
    for seed in range(6):
        data = design.simulate([2e-3, 0.35], seed)
        with_ends.append(math.log(quiet_fit(data)["rate"].value / 2e-3))
        waits = np.concatenate([np.diff(t) for t in data.data])
        waits_alone.append(math.log(1 / waits.mean() / 2e-3))
    error = np.std(with_ends, ddof=1) / math.sqrt(6)
    assert abs(np.mean(with_ends)) < 4 * error + 0.1
    assert np.mean(waits_alone) > 1.0


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: WaitingTimeProblem([1.0, -1.0] * 10), InputError, "must be > 0"),
        (lambda: WaitingTimeProblem([1.0] * 5), ShapeError, "too few"),
        (lambda: WaitingTimeProblem([1.0] * 20, "gamma"), InputError, "law is unknown"),
        (lambda: ak.bursts.waiting_times(BurstSample(energy=[1.0], mjd=[1.0])), InputError,
         "two bursts"),
        (lambda: ak.bursts.waiting_times(BurstSample(energy=[1.0] * 2, mjd=[1.0, 1.0])),
         InputError, "same time"),
        (lambda: WeibullRateProblem(split_sessions(BurstSample(energy=[1.0], mjd=[1.0]))),
         InputError, "starts and stops"),
    ],
)  # fmt: skip
def test_mistakes_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


# -- least squares ---------------------------------------------------------------------------------


def test_a_line_through_exact_counts_is_found():
    """Energies at the quantiles of a power law: N(>E) is one, up to the last few."""
    n = 4000
    energy = 1e37 * (np.arange(1, n + 1) / n) ** (-1 / 0.8)
    fit = fit_cumulative(energy, broken=False)
    assert fit.differential_indices[0] == pytest.approx(1.8, abs=0.01)
    binned = fit_binned(energy, broken=False, n_bins=12)
    assert binned.differential_indices[0] == pytest.approx(1.8, abs=0.1)


def test_formal_errors_of_cumulative_fits_are_far_too_small():
    """What the label says, measured: the scatter of the slope over its formal error."""
    slopes, errors = [], []
    for seed in range(40):
        energy = 1e37 * np.random.default_rng(seed).uniform(size=1000) ** (-1 / 0.8)
        fit = fit_cumulative(energy, broken=False)
        slopes.append(fit.slopes[0].value)
        errors.append(fit.slopes[0].error)
    assert np.std(slopes) > 5 * np.mean(errors)
    assert "reproduction only" in repr(fit)
    assert "reproduction only" in fit.slopes[0].method


def test_a_broken_line_finds_its_break():
    x = np.geomspace(1e37, 1e40, 600)
    survival = np.where(x < 1e38, (x / 1e38) ** -0.5, (x / 1e38) ** -2.0)
    u = (np.arange(600) + 0.5) / 600
    energy = np.interp(u, (survival / survival[0])[::-1], x[::-1])
    fit = fit_cumulative(energy)
    assert fit.break_energy.value == pytest.approx(1e38, rel=0.05)
    assert fit.differential_indices == pytest.approx((1.5, 3.0), abs=0.1)
    axes = fit.plot()
    assert axes.get_ylabel() == "N(>E)"


def test_published_slopes_of_frb_20220912a(real_data):
    """Zhang et al. (2023) give -0.38 +- 0.02 below the break of N(>E): their variant reads so."""
    sample = ak.bursts.read_bursts(real_data("frb20220912a"))
    fit = fit_cumulative(sample, threshold=1e36)
    assert -0.6 < fit.slopes[0].value < -0.2
    assert fit.slopes[1].value < -1.2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fit_cumulative([1e37] * 5), "too few bursts"),
        (lambda: fit_cumulative(np.geomspace(1, 9, 20), threshold=100.0), "too few bursts"),
        (lambda: fit_binned(np.geomspace(1, 9, 20), n_bins=3), "too few points"),
    ],
)
def test_least_squares_mistakes(call, words):
    with pytest.raises(InputError, match=words):
        call()


# -- earthquakes -----------------------------------------------------------------------------------


def test_the_b_value_and_its_error():
    """Over 200 catalogues: mean within 4 standard errors, pulls of unit width."""
    pulls = []
    for seed in range(200):
        m = simulate_magnitudes(300, b_low=0.9, lowest=3.0, seed=seed)
        b = b_value(m, completeness=3.0)
        pulls.append((b.value - 0.9) / b.error)
    assert abs(np.mean(pulls)) < 4 / math.sqrt(200) + 0.06  # 1/(2 sqrt n): b is a biased ratio
    assert abs(np.std(pulls) - 1) < 4 / math.sqrt(400)


@pytest.mark.parametrize("width", [0.1, 0.5])
def test_rounded_magnitudes_are_not_biased(width):
    m = simulate_magnitudes(20_000, b_low=1.0, lowest=3.0 - width / 2, seed=1)
    rounded = 3.0 + width * np.rint((m - 3.0) / width)
    b = b_value(rounded, completeness=3.0, bin_width=width)
    assert abs(b.sigma_from(1.0)) < 4
    naive = b_value(rounded, completeness=3.0)
    assert (naive.value - 1.0) / naive.error > 4


def test_a_break_of_the_magnitude_relation():
    m = simulate_magnitudes(1500, b_low=0.7, b_high=2.0, break_magnitude=4.5, lowest=3.0, seed=1)
    r = find_magnitude_break(m, completeness=3.0, n_simulations=100, n_bootstrap=100, seed=1)
    assert r.p_value.limit == "upper"
    magnitude = (math.log10(r.break_energy.value) - 11.8) / 1.5
    assert abs(magnitude - 4.5) < 4 * np.std(r.bootstrap.draws[:, 2]) / 1.5
    assert abs(b_value_of_index(r.index_low.value) - 0.7) < 4 * 1.5 * r.index_low.error
    assert index_of_b_value(b_value_of_index(1.8)) == pytest.approx(1.8)
    straight = simulate_magnitudes(500, b_low=1.0, lowest=3.0, seed=2)
    none = find_magnitude_break(
        straight, completeness=3.0, n_simulations=50, n_bootstrap=10, seed=1
    )
    assert "not rejected" in none.verdict


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: b_value([3.0] * 5, completeness=3.0), "too few magnitudes"),
        (lambda: b_value(np.linspace(3, 5, 50), completeness=3.0, bin_width=0.1), "multiples"),
        (lambda: simulate_magnitudes(5, b_low=1, lowest=3, b_high=2), "both or neither"),
        (lambda: simulate_magnitudes(5, b_low=-1, lowest=3), "must be > 0"),
        (lambda: find_magnitude_break(np.repeat([3.0, 3.1, 3.2], 20), completeness=3.0),
         "are rounded"),
    ],
)  # fmt: skip
def test_magnitude_mistakes(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_units_of_waiting_times():
    from astropy import units as u

    waits = humps(40)
    a, b = WaitingTimeProblem(waits), WaitingTimeProblem(waits / 60 * u.min)
    np.testing.assert_allclose(a.data, b.data)
    with pytest.raises(UnitError):
        WaitingTimeProblem(waits * u.Jy)


def test_a_break_of_magnitudes_leads_back_to_b_values():
    m = simulate_magnitudes(4000, b_low=0.8, lowest=3.0, b_high=1.8, break_magnitude=4.0, seed=3)
    found = find_magnitude_break(m, completeness=3.0, n_simulations=20, n_bootstrap=100, seed=1)
    for index, truth in ((found.index_low, 0.8), (found.index_high, 1.8)):
        assert abs(b_value_of_index(index).sigma_from(truth)) < 4
    assert abs(found.break_energy.sigma_from(10**17.8)) < 4  # 11.8 + 1.5 * 4
    assert ak.bursts.energy_to_magnitude(10**17.8) == pytest.approx(4.0)
    again = ak.bursts.energy_to_magnitude(ak.bursts.magnitude_to_energy(m))
    np.testing.assert_allclose(again, m, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: b_value([3.0] * 50, completeness=3.0), "lowest one"),
        (lambda: find_magnitude_break([1.0, 2.0], completeness=5.0), "too few magnitudes"),
        (lambda: simulate_magnitudes(-3, b_low=1.0, lowest=3.0), "n is out of range"),
        (lambda: WeibullRateProblem([]), "one session or more"),
    ],
)
def test_nothing_to_fit_is_named(call, words):
    with pytest.raises(InputError, match=words):
        call()
