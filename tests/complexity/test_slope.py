"""The spectral slope from patterns: contract, coverage, gaps, and what it refuses."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

import astrokit as ak
from astrokit.complexity import (
    SpectralSlopeProblem,
    coloured_noise,
    coloured_noise_test,
    examples,
    fractional_brownian_motion,
)
from astrokit.complexity.emulator import mirror_classes, widening
from astrokit.errors import CoverageWarning, InputError, ShapeError, UnitError
from astrokit.inference import Parameter, Parameters, Uniform
from tests.contract import ProblemContract

SIZE = 400
OPTIONS = {"n": 3, "delays": (1, 2, 4), "n_simulations": 100}


def make(slope=1.0, size=SIZE, seed=1, **options):
    x = coloured_noise(size, slope=slope, seed=seed)
    return SpectralSlopeProblem(x, **{**OPTIONS, **options})


class TestSpectralSlopeProblem(ProblemContract):
    rtol = 1e-10

    @pytest.fixture
    def problem(self):
        return make()

    def refused_units(self):
        from astropy import units as u

        return [lambda: SpectralSlopeProblem(np.arange(200.0) * u.s)]


@pytest.mark.parametrize("n", [3, 4])
def test_the_posterior_is_calibrated(n):
    """A short version of the study in the documentation."""
    problem = make(n=n, n_simulations=250)
    n_sets = 60
    result = ak.calibrate(problem, n_sets, seed=3)
    table = result.coverage_table()
    assert result.n_failed == 0
    assert max(abs(row["deviation"]) for row in table) < 4
    assert (
        np.abs(result.ranks.mean() / result.ranks.max() - 0.5)
        < 4 * math.sqrt(1 / 12 / n_sets) + 0.02
    )


def test_slopes_of_long_series_with_a_scaled_covariance():
    """Above 8192 samples the covariance is that of shorter series, over the number of windows."""
    problem = make(size=30_000, slope=1.4, n_simulations=40)
    pulls = []
    for seed in range(60):
        fit = problem.simulate([1.4], seed).fit(n_starts=1)
        pulls.append((fit["slope"].value - 1.4) / fit["slope"].error)
    inside = np.mean(np.abs(pulls) < 1)
    assert abs(inside - 0.6827) < 4 * math.sqrt(0.6827 * 0.3173 / 60)
    assert abs(np.mean(pulls)) < 4 / math.sqrt(60) + 0.1  # the emulator's own error is common


def test_steep_long_series_have_a_reservation():
    steep = make(size=20_000, slope=2.8, n_simulations=40)
    with pytest.warns(CoverageWarning, match=r"above 2.5, where simulations of 8192"):
        steep.fit()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(size=20_000, slope=1.4, n_simulations=40).fit()
        make(size=1000, slope=2.8, n_simulations=40).fit()


def test_a_covariance_from_few_simulations_is_widened():
    """Errors from weights and variances of one noisy covariance, against the true scatter."""
    rng, d, n_simulations = np.random.default_rng(2), 21, 250
    freedom = round((n_simulations - 1) * 37 / 17)
    direction = np.ones(d)
    ratios = []
    for _ in range(300):
        rows = rng.standard_normal((freedom, d))
        weights = np.linalg.solve(rows.T @ rows / freedom, direction)
        information = direction @ weights
        ratios.append((weights @ weights / information**2) * information)
    spread = np.std(ratios) / math.sqrt(300)
    assert abs(np.mean(ratios) - widening(d, n_simulations)) < 4 * spread + 0.003


def test_brownian_motion_has_slope_two():
    """Another generator: exact Brownian motion, whose discrete spectrum is nearly f^-2."""
    values = [
        SpectralSlopeProblem(
            np.exp(fractional_brownian_motion(2000, hurst=0.5, seed=s)), **OPTIONS
        ).fit()["slope"]
        for s in range(8)
    ]
    mean = np.mean([v.value for v in values])
    # A random walk is steeper than f^-2 nowhere but flatter near the Nyquist frequency, where
    # 1/sin^2 falls less: seen from the patterns the slope is below 2, by a tenth or two.
    assert 1.6 < mean < 2.0
    assert np.std([v.value for v in values]) < 2.5 * values[0].error


def test_gaps_are_part_of_the_model():
    x = coloured_noise(600, slope=1.0, seed=4)
    x[100:220] = np.nan
    x[::37] = np.nan
    problem = SpectralSlopeProblem(x, **OPTIONS)
    assert problem.settings()["missing"][1] == 37
    # 400 samples of one length hold as much as the 464 that are left of 600 with gaps, or more.
    holed, full = problem.fit()["slope"], make()
    ratio = np.trace(problem.expected(1.0)[1]) / np.trace(full.expected(1.0)[1])
    assert 0.6 < ratio < 1.6
    assert abs(holed.value - 1.0) < 4 * holed.error
    lc = ak.LightCurve(np.arange(600.0)[np.isfinite(x)], x[np.isfinite(x)])
    assert np.array_equal(SpectralSlopeProblem(lc, **OPTIONS).data, problem.data)


def test_noise_passes_and_chaos_fails_the_test():
    problem = make(slope=0.5)
    p = []
    for seed in range(12):
        test = coloured_noise_test(problem.simulate([0.5], seed), 60, seed=seed)
        p.append(test.n_exceeding / 60)
    # Uniform: twelve p-values have a mean of 0.5 +- 0.083.
    assert abs(np.mean(p) - 0.5) < 4 * math.sqrt(1 / 12 / 12)
    orbit = SpectralSlopeProblem(examples.henon(SIZE).x, **OPTIONS)
    chaos = coloured_noise_test(orbit, 60, seed=1)
    assert chaos.n_exceeding == 0


def test_the_same_seed_makes_the_same_problem():
    one, two, other = make(), make(), make(seed=1, n_simulations=101)
    theta = np.linspace(-0.9, 2.9, 5)[:, None]
    assert np.array_equal(one.log_likelihood(theta), two.log_likelihood(theta))
    assert one.model_checksum == two.model_checksum != other.model_checksum
    mean, covariance = one.expected(1.0)
    assert mean.shape == (3,)
    assert np.all(np.linalg.eigvalsh(covariance) > 0)
    assert one.distance(1.0) < one.distance(-0.9)
    assert one.label == "spectral slope from patterns, n = 3"


def test_mirror_images_share_a_class():
    assert [int(mirror_classes(n).max()) + 1 for n in (3, 4)] == [2, 8]
    three = mirror_classes(3)
    assert three[0] == three[5] != three[1]
    assert len(set(three[1:5].tolist())) == 1


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: make(n=5), InputError, "3, 4"),
        (lambda: make(size=50), ShapeError, "at least 100"),
        (lambda: make(delays=()), InputError, "no delays"),
        (lambda: make(delays=(1, 120)), ShapeError, "shorter delays"),
        (lambda: make(n_simulations=5), InputError, "n_simulations"),
        (lambda: make().with_data([1.0]), ShapeError, "another length"),
        (
            lambda: make(parameters=Parameters([Parameter("beta", 1.0, Uniform(0, 2))])),
            InputError,
            "one parameter slope",
        ),
    ],
)
def test_mistakes(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_units_are_refused():
    with pytest.raises(UnitError):
        TestSpectralSlopeProblem().refused_units()[0]()
