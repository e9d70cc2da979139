"""DebiasedPSDProblem: the contract, the expected periodogram, coverage, and what it refuses."""

from __future__ import annotations

import warnings
from typing import ClassVar

import numpy as np
import pytest
from astropy import units as u

import astrokit as ak
from astrokit.errors import AstrokitWarning, CoverageWarning, InputError
from astrokit.inference import Uniform
from astrokit.timing import (
    DPSS,
    BendingPowerLaw,
    Constant,
    DebiasedPSDProblem,
    Hann,
    PowerLaw,
    PSDProblem,
    Sine,
    timmer_koenig,
)
from astrokit.timing.expected import ExpectedPeriodogram
from tests.contract import ProblemContract
from tests.reference.timing_expected import expected_by_lags, score_covariance, waves


def flat(n, error=None):
    """Return a curve of the right design, whose rates are only there to set the scale."""
    rate = 100 + np.cos(np.arange(n))
    return quiet_curve(np.arange(n) + 0.5, rate, error, bin_width=1.0)


def quiet_curve(*args, **options):
    """Return a light curve; that it has no errors is meant."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        return ak.LightCurve(*args, **options)


def drawn(model, truth, n, error, seed=1, **options):
    """Return a problem whose data are drawn from the model, its priors made from these data."""
    curve = flat(n, np.full(n, error) if np.ndim(error) == 0 else error)
    data = DebiasedPSDProblem(curve, model, **options).simulate(truth, seed).data
    return DebiasedPSDProblem(data, model, **options)


class TestSteepPowerLaw(ProblemContract):
    """Without leakage in the likelihood this slope would come out near 2."""

    truth: ClassVar = {"slope": 2.5, "log_amplitude": -7.0}
    n_scores = 200

    @pytest.fixture
    def problem(self):
        return drawn(PowerLaw(pivot=0.03), [2.5, -7.0], 512, 1e-3)

    def refused_units(self):
        return [lambda: ak.LightCurve(np.arange(64) * u.m, np.ones(64))]


class TestBendAndNoise(ProblemContract):
    """Unequal errors, extra noise, a length that the FFT does not like, and another taper."""

    truth: ClassVar = {"high_slope": 2.5, "bend_frequency": 0.02, "log_amplitude": -6.0}
    n_scores = 200
    n_fits = 60

    @pytest.fixture
    def problem(self):
        model = BendingPowerLaw(low_slope=0.5, pivot=0.02) + Constant(constant=1e-4)
        error = np.where(np.arange(1019) % 3 == 0, 0.3, 0.1)
        return drawn(model, [2.5, 0.02, -6.0], 1019, error, taper=Hann())


# -- the expected periodogram ----------------------------------------------------------------------


@pytest.mark.parametrize("taper", [Hann(), Sine(), DPSS(3)])
@pytest.mark.parametrize("slope", [0.0, 1.0, 2.5, 4.0])
def test_expected_periodogram_is_the_double_sum_over_lags(taper, slope):
    n = 200
    weights = taper.weights(n - 1)
    for width in (1.0, 0.6):
        plan = ExpectedPeriodogram(n, 1.0, width, 1e-4, weights)

        def psd(f):
            return (100 * f) ** -slope

        fast = plan.transform(psd(np.exp(plan.log_frequency))[None, :])[0]
        slow = expected_by_lags(psd, n, width, 1e-4, weights, plan.frequency)
        np.testing.assert_allclose(fast, slow, rtol=1e-6)


def test_mean_of_many_periodograms_is_the_expected_one():
    """Curves by other code, cut from longer and finer ones; no model of ours is fitted."""
    n, count = 128, 2000
    error = np.where(np.arange(n) % 2 == 0, 0.2, 0.05)
    curves = timmer_koenig(lambda f: 0.1 * f**-2.0, n, 1.0, n_curves=count, seed=3, longer=64)
    curves = curves + error * np.random.default_rng(4).standard_normal(curves.shape)
    problem = PSDProblem(
        ak.LightCurve(np.arange(n) + 0.5, curves[0], error, bin_width=1.0),
        PowerLaw(pivot=1.0, log_amplitude=np.log(0.1)),
        likelihood="debiased",
        normalization="absolute",
        taper=Hann(),
    )
    power = [
        problem.with_data(ak.LightCurve(np.arange(n) + 0.5, c, error, bin_width=1.0)).power
        for c in curves
    ]
    ratio = np.mean(power, axis=0) / problem.expected([2.0, np.log(0.1)])[0]
    spread = np.full(ratio.size, 1 / np.sqrt(count))
    spread[-1] *= np.sqrt(2)  # one degree of freedom
    assert np.abs((ratio - 1) / spread).max() < 4.5  # of 64, many of them independent


@pytest.mark.parametrize("taper", [Hann(), Sine(3)])
def test_score_covariance_is_the_sum_over_all_pairs(taper):
    problem = drawn(PowerLaw(), [1.5, -7.0], 130, 0.1, taper=taper)
    relative = np.random.default_rng(1).normal(size=(2, problem.power.size)).cumsum(axis=1)
    slow = score_covariance(relative, problem._weights, problem._plan.size, problem.inflation)
    np.testing.assert_allclose(problem._score_covariance(relative), slow, rtol=1e-9)


def test_inflation_of_single_tapers_has_a_closed_form():
    """Mean fourth power over squared mean square: 35/18 for sin^2, 3/2 for sin."""
    for taper, expected in ((Hann(), 35 / 18), (Sine(), 1.5)):
        problem = drawn(PowerLaw(), [1.5, -7.0], 512, 0.1, taper=taper)
        assert problem.inflation == pytest.approx(expected, rel=0.005)


def test_waves_of_the_simulation_are_those_of_numpy():
    from astrokit.timing.expected_kernels import add_waves

    rng = np.random.default_rng(2)
    step, cosine, sine = 0.01 * rng.random(20), rng.normal(size=20), rng.normal(size=20)
    fast = np.zeros(3000)
    add_waves(step, cosine, sine, fast)
    np.testing.assert_allclose(fast, waves(step, cosine, sine, 3000), atol=1e-10)


def test_white_noise_is_that_of_its_bins():
    """A constant c and errors of the same variance c / (2 width) are the same thing."""
    by_error = PSDProblem(flat(128, np.full(128, 3.0)), PowerLaw(), likelihood="debiased")
    mean = by_error.data.mean_rate
    constant = 2 * (3.0 / mean) ** 2
    by_constant = PSDProblem(flat(128), PowerLaw() + Constant(), likelihood="debiased")
    a, b = by_error.expected([1.0, -9.0]), by_constant.expected([1.0, -9.0, constant])
    np.testing.assert_allclose(a, b, rtol=1e-12)


# -- slopes and their errors -----------------------------------------------------------------------


def recovered(slope, n, count):
    """Return slopes and errors from curves of other code, 100 times longer than the data."""
    curves = timmer_koenig(
        lambda f: 1e-6 * (f / 0.03) ** -slope, n, 1.0, n_curves=count, seed=5, longer=100, finer=5
    )
    pairs = []
    for curve in curves:
        lc = quiet_curve(np.arange(n) + 0.5, 100 * (1 + curve), bin_width=1.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstrokitWarning)
            fit = PSDProblem(lc, PowerLaw(), likelihood="debiased").fit(n_starts=1)
        pairs.append((fit["slope"].value, fit["slope"].error))
    return np.array(pairs).T


@pytest.mark.parametrize("slope", [1.0, 3.0])
def test_steep_slopes_are_recovered_and_errors_cover(slope):
    found, error = recovered(slope, 512, 64)
    # The finite length leaves a bias of up to 0.015, which is small beside one error of 0.076.
    assert found.mean() == pytest.approx(slope, abs=0.015 + 4 * found.std() / 8)
    covered = np.mean(np.abs(found - slope) < error)
    assert covered == pytest.approx(0.683, abs=4 * np.sqrt(0.683 * 0.317 / 64))


def test_posterior_is_calibrated():
    """Truths from the prior, curves from the model: coverage is binomial around its level."""
    model = PowerLaw(slope=Uniform(0.5, 3.0), log_amplitude=Uniform(-9.0, -5.0), pivot=0.03)
    problem = DebiasedPSDProblem(flat(128, np.full(128, 0.2)), model)
    sampling = {"ensembles": 1, "walkers": 10, "max_steps": 200, "until": 10.0}
    result = ak.calibrate(problem, 40, draws=19, sampling=sampling, seed=3)
    table = result.coverage_table()
    assert np.abs(table["deviation"]).max() < 4


def test_posterior_and_fit_agree_and_say_how_errors_were_made():
    problem = drawn(PowerLaw(pivot=0.03), [2.0, -7.0], 1024, 0.1)
    fit, posterior = problem.fit(), problem.sample(seed=1)
    assert "sandwich" in fit.method
    assert posterior["slope"].value == pytest.approx(fit["slope"].value, abs=fit["slope"].error / 3)
    assert posterior["slope"].error == pytest.approx(fit["slope"].error, rel=0.15)
    assert {"sykulski2019", "riedel1995"} <= set(ak.cite(fit).keys)


def test_long_curves_use_a_coarse_twin():
    problem = drawn(PowerLaw(pivot=0.03) + Constant(), [2.0, -7.0, 1e-5], 40_000, 0.1)
    assert problem._coarse().n_data <= 2048
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        fit = problem.fit()
    assert abs(fit["slope"].sigma_from(2.0)) < 4


# -- what it says and refuses ----------------------------------------------------------------------


def test_drifts_and_missing_errors_are_said():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        steep = drawn(PowerLaw(pivot=0.03), [3.5, -7.0], 512, 1e-4)
    with pytest.warns(CoverageWarning, match="cut-off"):
        steep.fit(start={"slope": 3.5})
    bare = PSDProblem(flat(128), PowerLaw(), likelihood="debiased")
    assert any("no errors" in text for text in bare._reservations(np.array([1.0, 0.0])))


def gapped():
    rate = np.where(np.arange(128) == 60, np.nan, flat(128).rate)
    return quiet_curve(np.arange(128) + 0.5, rate, bin_width=1.0)


def uneven():
    time = np.arange(128.0) ** 1.01
    return quiet_curve(time, flat(128).rate, bin_width=0.5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: PSDProblem(gapped(), PowerLaw(), likelihood="debiased"), "Gaussian likelihood"),
        (lambda: PSDProblem(uneven(), PowerLaw(), likelihood="debiased"), "Gaussian likelihood"),
        (lambda: PSDProblem(flat(40), PowerLaw(), likelihood="debiased"), "too few bins"),
        (lambda: DebiasedPSDProblem(flat(128), PowerLaw(), taper="hann"), "Hann|Sine"),
        (lambda: DebiasedPSDProblem(flat(128), PowerLaw(), likelihood="whittle"), "debiased"),
        (lambda: DebiasedPSDProblem(flat(128), PowerLaw(), cutoff=1.0), "cut-off"),
        (lambda: DebiasedPSDProblem(flat(128).rate, PowerLaw()), "LightCurve"),
        (lambda: DPSS(0.2), "bandwidth"),
        (lambda: DPSS(2, 9), "count"),
        (lambda: Sine(0), "count"),
        (lambda: Sine(40).weights(100), "too short"),
        (lambda: DPSS(30).weights(100), "too short"),
    ],
)
def test_refusals(call, words):
    with pytest.raises(InputError, match=words):
        call()
