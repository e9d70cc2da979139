"""Amplitudes: by hand, against simulated truth, and against the scatter of simulations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import astrokit as ak
from astrokit.errors import InputError, UnitError
from astrokit.timing import (
    excess_variance,
    fractional_variability,
    fractional_variability_scatter,
    normalized_excess_variance,
)

# Five rates and errors of 1: mean 10, sample variance (4 + 4 + 0 + 16 + 16)/4 = 10, noise 1.
RATES, ERRORS = [8.0, 12.0, 10.0, 14.0, 6.0], [1.0] * 5


def test_numbers_by_hand():
    assert excess_variance(RATES, ERRORS).value == pytest.approx(9.0)
    assert normalized_excess_variance(RATES, ERRORS).value == pytest.approx(0.09)
    fvar = fractional_variability(RATES, ERRORS)
    assert fvar.value == pytest.approx(0.3)
    # err(NXS)^2 = (sqrt(2/5)/100)^2 + (2 * 0.3 * sqrt(1/5)/10)^2 = 4e-5 + 7.2e-4
    error = math.sqrt(7.6e-4)
    assert normalized_excess_variance(RATES, ERRORS).error == pytest.approx(error)
    assert fvar.error == pytest.approx(error / 0.6)
    other = fractional_variability(RATES, ERRORS, error="poutanen2008")
    assert other.error == pytest.approx(math.sqrt(0.09 + error) - 0.3)
    # Terms (x - 10)^2 - 1 = 3, 3, -1, 15, 15: variance 56 around 7
    turner = excess_variance(RATES, ERRORS, error="turner1999")
    assert turner.error == pytest.approx(math.sqrt(56 / 5))


@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.floats(1e-6, 1e6),
    n=st.integers(3, 50),
)
def test_fractional_amplitudes_do_not_depend_on_the_unit(seed, scale, n):
    rng = np.random.default_rng(seed)
    rate, error = rng.normal(100, 30, n), rng.uniform(1, 3, n)
    first = normalized_excess_variance(rate, error)
    second = normalized_excess_variance(rate * scale, error * scale)
    assert second.value == pytest.approx(first.value, rel=1e-9)
    assert second.lower == pytest.approx(first.lower, rel=1e-9)
    assert second.limit == first.limit


def test_error_is_the_scatter_that_noise_makes():
    """One intrinsic curve, 4000 draws of its noise: mean and scatter of the excess variance."""
    rng = np.random.default_rng(8)
    truth = 10 + 2 * rng.standard_normal(400)
    draws = [
        excess_variance(truth + rng.normal(0, 0.7, 400), np.full(400, 0.7)) for _ in range(4000)
    ]
    values = np.array([d.value for d in draws])
    expected = np.mean([d.error for d in draws])
    assert values.mean() == pytest.approx(np.var(truth, ddof=1), abs=4 * values.std() / 4000**0.5)
    assert values.std() == pytest.approx(expected, rel=4 / math.sqrt(2 * 4000))


def test_upper_limit_makes_the_data_ten_times_rarer_than_noise_does():
    rate, error = [10.0, 10.5, 9.5, 10.0], [1.0] * 4
    limit = normalized_excess_variance(rate, error, limit_level=0.9)
    total = 1 + 100 * limit.value  # sum of squared deviations: 0.5; noise 1, mean 10
    assert stats.chi2.cdf(0.5 / total, 3) == pytest.approx(0.1 * stats.chi2.cdf(0.5, 3), rel=1e-9)
    assert limit.limit == "upper"
    assert limit.level == 0.9
    assert fractional_variability(rate, error, limit_level=0.9).value == pytest.approx(
        math.sqrt(limit.value)
    )


@pytest.mark.parametrize("truth", [0.5, 1.5, 2.0, 2.5])  # standard errors of the excess of noise
def test_upper_limits_miss_no_more_often_than_they_say(truth):
    """Over all data sets of white variability, those that give no limit included."""
    rng = np.random.default_rng(int(10 * truth))
    n, bins, noise = 4000, 50, 0.1
    variance = truth * math.sqrt(2 / bins) * noise**2
    rates = 1 + math.sqrt(variance + noise**2) * rng.standard_normal((n, bins))
    small = rates[rates.var(axis=1, ddof=1) <= noise**2]
    errors = np.full(bins, noise)
    missed = sum(excess_variance(rate, errors).value < variance for rate in small)
    assert missed <= 0.05 * n + 4 * math.sqrt(0.05 * 0.95 * n)
    assert missed < 0.035 * n  # a normal of fixed width, cut at zero, misses 6 % at 2 sigma


def test_upper_limit_far_below_zero_stays_finite_and_positive():
    rate, error = 10 + 1e-3 * np.arange(1000.0) % 2, np.full(1000, 5.0)
    limit = fractional_variability(rate, error)
    assert limit.limit == "upper"
    assert 0 < limit.value < 0.5


def test_missing_bins_are_left_out():
    rate = np.array([8.0, np.nan, 12.0, 10.0, 14.0, 6.0])
    error = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    lc = ak.LightCurve(np.arange(6.0), rate, error)
    for first in (fractional_variability(lc), fractional_variability(rate, error)):
        assert first.value == pytest.approx(0.3)
    masked = np.ma.masked_invalid(rate)
    assert fractional_variability(masked, error).value == pytest.approx(0.3)


def test_units_travel():
    estimate = excess_variance(RATES * u.ct / u.s, ERRORS * u.ct / u.s)
    assert estimate.unit == u.ct**2 / u.s**2
    lc = ak.LightCurve(np.arange(5.0), RATES, ERRORS)
    assert excess_variance(lc).unit == u.ct**2 / u.s**2
    with pytest.raises(UnitError, match="rate_error"):
        excess_variance(RATES * u.ct / u.s, ERRORS * u.m)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: fractional_variability(RATES), InputError, "without errors"),
        (
            lambda: fractional_variability(ak.LightCurve(np.arange(5), RATES)),
            InputError,
            "no errors",
        ),
        (
            lambda: fractional_variability(ak.LightCurve(np.arange(5), RATES, ERRORS), ERRORS),
            InputError,
            "its own errors",
        ),
        (
            lambda: fractional_variability(
                ak.LightCurve(
                    np.arange(5.0),
                    RATES,
                    ERRORS,
                    info=ak.lightcurve.LightCurveInfo(rate_unit="mag"),
                )
            ),
            InputError,
            "magnitudes",
        ),
        (lambda: fractional_variability(RATES, ERRORS[:3]), InputError, "unequal"),
        (lambda: fractional_variability(RATES, [-1.0] * 5), InputError, "negative"),
        (lambda: fractional_variability(RATES, ERRORS, error="b2"), InputError, "poutanen2008"),
        (lambda: excess_variance(RATES, ERRORS, error="poutanen2008"), InputError, "turner1999"),
        (
            lambda: fractional_variability([-1.0, 1.0, -2.0], [0.1] * 3),
            InputError,
            "excess_variance",
        ),
        (lambda: fractional_variability([1.0, np.nan], [0.1] * 2), InputError, "two valid bins"),
        (
            lambda: fractional_variability([1.0, 1.0], [1.0] * 2, limit_level=2.0),
            InputError,
            "limit_level",
        ),
        (lambda: fractional_variability(RATES, ERRORS, eror="x"), TypeError, "eror"),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call()


# -- scatter of red noise -------------------------------------------------------------------------


def test_scatter_of_white_noise_is_the_textbook_value():
    """Independent bins: the standard deviation has mean sigma and scatter sigma / sqrt(2 (n-1))."""
    n, dt, level = 512, 1.0, 0.02
    lc = ak.LightCurve(np.arange(n) * dt, np.linspace(9, 11, n), np.full(n, 0.1))

    def white(f):
        return np.where(f <= 0.5 / dt, level, 1e-12)

    scatter = fractional_variability_scatter(lc, white, n=400, seed=4)
    # Power above the Nyquist frequency of the bins is absent, so averaging over a bin only
    # multiplies by sinc^2(f dt): its mean over 0 to 1/2 is 0.7737.
    sigma = math.sqrt(level * 0.5 * 0.7737)
    assert scatter.values.mean() == pytest.approx(sigma, rel=4 / math.sqrt(2 * n * 400) + 0.002)
    assert 0.5 * sigma / math.sqrt(2 * n) < scatter.standard_deviation < 2 * sigma / math.sqrt(n)


def red_noise(f):
    """Return a power law; at the top level, so that it can travel to another process."""
    return 1e-3 * f**-1.5


def test_scatter_is_the_same_for_any_number_of_workers():
    from concurrent.futures import ThreadPoolExecutor

    lc = ak.LightCurve(np.arange(64.0), np.linspace(9, 11, 64), np.full(64, 0.1))
    alone = fractional_variability_scatter(lc, red_noise, n=20, seed=2)
    with ThreadPoolExecutor(2) as executor:
        shared = fractional_variability_scatter(lc, red_noise, n=20, seed=2, executor=executor)
    np.testing.assert_array_equal(alone.values, shared.values)
    assert alone.estimate == shared.estimate


def test_scatter_of_red_noise_exceeds_the_error_of_noise():
    lc = ak.read_lightcurve(ak.datasets.fetch("simulated-xmm"))
    pg = ak.timing.Periodogram.from_lightcurve(lc)
    fit = ak.timing.PSDProblem(pg, ak.timing.PowerLaw() + ak.timing.Constant()).fit()
    measured = fractional_variability(lc)
    scatter = fractional_variability_scatter(lc, fit, n=100, seed=1)
    assert scatter.standard_deviation > 5 * measured.error
    low, high = scatter.values.min(), scatter.values.max()
    assert low < measured.value < high


def test_scatter_refuses_other_normalizations_and_single_draws():
    lc = ak.LightCurve(np.arange(64.0), 9 + np.arange(64.0) % 7, np.full(64, 0.1))
    pg = ak.timing.Periodogram.from_lightcurve(lc, normalization="absolute")
    fit = ak.timing.PSDProblem(pg, ak.timing.Constant()).fit()
    with pytest.raises(InputError, match="fractional"):
        fractional_variability_scatter(lc, fit, n=10)
    with pytest.raises(InputError, match="two simulations"):
        fractional_variability_scatter(lc, lambda f: f**-1.0, n=1)
    with pytest.raises(InputError, match="power spectrum is needed"):
        fractional_variability_scatter(lc, "red", n=10)
