"""`PowerLawTail`: the exact search, p-values, errors, and the package `powerlaw`."""

from __future__ import annotations

import math
import warnings
from typing import ClassVar

import numpy as np
import pytest
from scipy.special import zeta
from scipy.stats import kstest

from astrokit.bursts import (
    BurstSample,
    CutoffPowerLaw,
    DiscreteTailProblem,
    LogNormal,
    PowerLaw,
    PowerLawTail,
    fit_cumulative,
)
from astrokit.bursts.tail_search import draw_zeta
from astrokit.errors import DataWarning, InputError, ShapeError
from tests.contract import ProblemContract
from tests.reference import bursts as reference


def power_law(n, rng, index=2.5):
    return rng.uniform(size=n) ** (-1 / (index - 1))


def mixture(n, rng):
    """Return a log-normal body with a power law from 10 on."""
    k = rng.binomial(n, 0.3)
    return np.concatenate([10 * power_law(k, rng), 10 * np.exp(-np.abs(rng.normal(size=n - k)))])


def log_normal(n, rng):
    return rng.lognormal(0, 1, n)


@pytest.mark.parametrize("make", [power_law, mixture, log_normal])
@pytest.mark.parametrize("convention", ["two-sided", "one-sided"])
@pytest.mark.parametrize("n", [40, 700])
def test_the_search_is_exact(make, convention, n):
    """Pruned by bounds, it finds what trying every value finds, ties of values included."""
    for seed in range(4):
        x = make(n, np.random.default_rng(seed))
        x = np.round(x, 2) if seed == 3 else x
        x = x[x > 0]
        tail = PowerLawTail.fit(x, convention=convention, min_tail=5)
        xmin, index, distance = reference.tail_search(x, convention == "two-sided", 5)
        assert tail.xmin.value == xmin
        assert tail.index.value == pytest.approx(index, rel=1e-9)
        assert tail.distance == pytest.approx(distance, rel=1e-9)


def test_the_body_is_found_not_to_belong():
    tail = PowerLawTail.fit(mixture(20_000, np.random.default_rng(1)))
    assert 8 < tail.xmin.value < 20
    assert abs(tail.index.sigma_from(2.5)) < 4
    assert np.array_equal(tail.tail, np.sort(tail.tail))


def test_the_index_above_a_given_xmin_is_that_of_the_formula():
    x = power_law(500, np.random.default_rng(2))
    tail = PowerLawTail.fit(x, xmin=2.0)
    z = x[x >= 2.0]
    index = 1 + z.size / np.log(z / 2.0).sum()
    assert tail.index.value == pytest.approx(index, rel=1e-12)
    assert tail.index.error == pytest.approx((index - 1) / math.sqrt(z.size), rel=1e-12)
    assert tail.n_tail == z.size
    expected = kstest(z, lambda v: 1 - (v / 2.0) ** (1 - index)).statistic
    assert tail.distance == pytest.approx(expected, rel=1e-9)


def test_p_values_are_uniform_for_a_power_law_and_small_for_none():
    rng = np.random.default_rng(3)
    p = [
        PowerLawTail.fit(mixture(300, rng)).goodness_of_fit(60, seed=k).n_exceeding / 60
        for k in range(60)
    ]
    assert kstest(p, "uniform").pvalue > 1e-4
    x = np.exp(rng.uniform(0, 4, 3000))  # flat in ln x, and then nothing
    assert PowerLawTail.fit(x, xmin=1.0).goodness_of_fit(60, seed=1).n_exceeding == 0


def test_bootstrap_errors_hold_the_truth():
    """Intervals of 68 % of 40 data sets: their number within 4 binomial sigma."""
    rng = np.random.default_rng(4)
    inside = 0
    for k in range(40):
        errors = PowerLawTail.fit(power_law(400, rng), min_tail=50).errors(80, seed=k)
        low, high = errors.index.interval
        inside += low <= 2.5 <= high
    assert abs(inside / 40 - 0.68) < 4 * math.sqrt(0.68 * 0.32 / 40)


def test_seeds_decide_everything():
    tail = PowerLawTail.fit(mixture(300, np.random.default_rng(5)))
    first, again = (tail.goodness_of_fit(20, seed=9).simulated for _ in range(2))
    assert np.array_equal(first, again)


# -- whole numbers ---------------------------------------------------------------------------------


def test_draws_of_the_zeta_distribution_follow_it():
    rng = np.random.default_rng(6)
    x = draw_zeta(2.2, 3.0, 100_000, rng)
    assert x.min() == 3
    for k in (3, 4, 10, 200, 8000):
        expected = zeta(2.2, k) / zeta(2.2, 3)
        assert abs(np.mean(x >= k) - expected) < 4 * math.sqrt(expected / x.size)


def test_the_discrete_index_is_of_largest_likelihood():
    x = np.random.default_rng(7).zipf(2.3, 3000)
    tail = PowerLawTail.fit(x, discrete=True, xmin=2)
    z = x[x >= 2]

    def log_likelihood(a):
        return -a * np.log(z).sum() - z.size * np.log(zeta(a, 2))

    a = tail.index.value
    step = tail.index.error
    assert log_likelihood(a) > max(log_likelihood(a - 0.01 * step), log_likelihood(a + 0.01 * step))
    fall = log_likelihood(a) - 0.5 * (log_likelihood(a + step) + log_likelihood(a - step))
    assert fall == pytest.approx(0.5, abs=0.01)
    assert abs(tail.index.sigma_from(2.3)) < 4


def test_the_discrete_distance_is_that_of_the_distributions():
    x = np.random.default_rng(8).zipf(2.0, 400)
    x = x[x < 100_000]
    for convention in ("two-sided", "one-sided"):
        tail = PowerLawTail.fit(x, discrete=True, xmin=1, convention=convention)
        a = tail.index.value
        values = np.unique(x)
        below = 1 - zeta(a, values) / zeta(a, 1)
        seen = np.array([np.mean(x < v) for v in values])
        expected = np.abs(below - seen).max()
        if convention == "two-sided":
            at = 1 - zeta(a, values + 1) / zeta(a, 1)
            expected = max(expected, np.abs(at - [np.mean(x <= v) for v in values]).max())
        assert tail.distance == pytest.approx(expected, rel=1e-8)


def test_degrees_of_a_network_with_a_random_body():
    """A scale-free tail over a Poisson body: its index, and a p that accepts it."""
    rng = np.random.default_rng(10)
    degrees = np.concatenate([rng.poisson(4, 3000) + 1, draw_zeta(2.6, 12.0, 1500, rng)])
    tail = PowerLawTail.fit(degrees, discrete=True)
    assert 9 <= tail.xmin.value <= 16
    assert abs(tail.index.sigma_from(2.6)) < 4
    assert tail.goodness_of_fit(60, seed=1).n_exceeding > 1
    errors = tail.errors(40, seed=2)
    assert errors.index.interval[0] < 2.6 + 4 * tail.index.error


class TestDiscreteTailProblem(ProblemContract):
    n_fits = 60

    @pytest.fixture
    def problem(self):
        x = draw_zeta(2.5, 2.0, 400, np.random.default_rng(1))
        return DiscreteTailProblem(x, PowerLaw(), xmin=2)


class TestDiscreteLogNormal(ProblemContract):
    n_fits = 40
    truth: ClassVar = {"log_median_energy": 1.0, "log_width": 0.4}

    @pytest.fixture
    def problem(self):
        x = np.round(10 ** np.random.default_rng(1).normal(1.0, 0.4, 2000))
        return DiscreteTailProblem(x[x >= 2], LogNormal(), xmin=2)


def test_the_discrete_power_law_is_the_zeta_distribution():
    x = np.array([2, 2, 3, 5, 8, 40, 3000])
    problem = DiscreteTailProblem(x, PowerLaw(), xmin=2)
    for a in (1.3, 2.5, 5.0):
        expected = -a * np.log(x).sum() - x.size * np.log(zeta(a, 2))
        assert problem.log_likelihood([a])[0] == pytest.approx(expected, rel=1e-7)


# -- rivals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("discrete", [False, True])
def test_vuong_prefers_what_the_data_are(discrete):
    rng = np.random.default_rng(10)
    law = draw_zeta(2.5, 1.0, 3000, rng) if discrete else power_law(3000, rng)
    tests = PowerLawTail.fit(law, discrete=discrete, xmin=1).compare()
    names = [test.names[1] for test in tests]
    assert names[0] == "log-normal"
    assert names[-1] == "exponential"
    assert tests[-1].preferred.startswith("power law")
    assert not any(test.preferred == test.names[1] and test.p_value < 0.01 for test in tests[2:])
    other = 1 + rng.exponential(5.0, 3000)
    other = np.ceil(other) if discrete else other
    against = PowerLawTail.fit(other, discrete=discrete, xmin=1).compare(
        [CutoffPowerLaw(index=0.0)]
    )
    assert against[0].preferred == "exponential"


# -- the package ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_powerlaw_agrees_in_its_own_convention(seed):
    peer = pytest.importorskip("powerlaw", reason="the package powerlaw is not installed")
    x = mixture(600, np.random.default_rng(seed))
    ours = PowerLawTail.fit(x, convention="one-sided", min_tail=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = peer.Fit(x, verbose=0, parameter_ranges={"alpha": [1.01, 12]})
    assert ours.xmin.value == pytest.approx(float(theirs.xmin), rel=1e-9)
    assert ours.index.value == pytest.approx(float(theirs.alpha), rel=1e-4)
    assert ours.distance == pytest.approx(float(theirs.D), rel=1e-3)


# -- mistakes and figures --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: PowerLawTail.fit([1.0, -2.0] * 10), InputError, "must be > 0"),
        (lambda: PowerLawTail.fit([1.5] * 20, discrete=True), InputError, "whole numbers"),
        (lambda: PowerLawTail.fit([1.0] * 20), InputError, "one value"),
        (lambda: PowerLawTail.fit([1.0, 2.0, 3.0]), ShapeError, "too few"),
        (lambda: PowerLawTail.fit(np.arange(1.0, 30), convention="both"), InputError, "convention"),
        (lambda: PowerLawTail.fit(np.arange(1.0, 30), min_tail=1), InputError, "min_tail"),
        (lambda: PowerLawTail.fit(np.arange(1.0, 30), xmin=25), ShapeError, "too few"),
        (
            lambda: PowerLawTail.fit(np.arange(1.0, 30), discrete=True, xmin=2.5),
            InputError,
            "must be",
        ),
        (lambda: DiscreteTailProblem([1, 2], PowerLaw(), xmin=2), InputError, "below xmin"),
    ],
)
def test_mistakes_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_units_travel_along():
    from astropy import units as u

    x = power_law(100, np.random.default_rng(1)) * u.erg
    tail = PowerLawTail.fit(x)
    assert tail.xmin.unit == u.erg
    assert "erg" in repr(tail)
    axes = tail.plot()
    assert axes.get_xlabel() == "x (erg)"
    assert "<pre>" in tail._repr_html_()


def test_counts_are_not_taken_as_continuous_unasked():
    counts = np.random.default_rng(1).zipf(2.5, 500)
    with pytest.warns(DataWarning, match="discrete=True"):
        wrong = PowerLawTail.fit(counts)
    assert "discrete=True" in wrong.provenance.warnings[0]
    right = PowerLawTail.fit(counts, discrete=True)
    assert abs(right.index.sigma_from(2.5)) < 4
    PowerLawTail.fit(1e37 * counts)  # energies, though each is a whole number


def test_lower_limits_are_not_taken_as_measured_unasked():
    energy = 1e37 * power_law(100, np.random.default_rng(1))
    sample = BurstSample(energy=energy, saturated=energy > 1e38)
    with pytest.warns(DataWarning, match="lower limits"):
        PowerLawTail.fit(sample)
    with pytest.warns(DataWarning, match="lower limits"):
        fit_cumulative(sample)


def test_the_discrete_law_is_drawn_as_it_was_fitted():
    """P(X >= x) of the zeta distribution, not of the continuous law: at x = 2 they differ."""
    x = draw_zeta(2.5, 1.0, 20_000, np.random.default_rng(4))
    tail = PowerLawTail.fit(x, discrete=True, xmin=1)
    data = tail.plot_data()
    assert np.array_equal(data["tail_x"], np.rint(data["tail_x"]))
    for place in (1.0, 2.0, 3.0, 5.0):
        drawn = float(data["tail_survival"][data["tail_x"] == place][0])
        share = np.mean(x >= place)
        assert abs(drawn - share) <= 4 * math.sqrt(share * (1 - share) / x.size) + 1e-12
