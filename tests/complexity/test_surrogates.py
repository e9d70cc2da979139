"""Surrogates keep what they promise; p-values are uniform where the null hypothesis holds."""

from __future__ import annotations

import math

import numpy as np
import pytest

import astrokit as ak
from astrokit.complexity import (
    autoregressive_noise,
    brownian_surrogate,
    examples,
    fractional_brownian_motion,
    hurst_exponent,
    iaaft_surrogate,
    missing_patterns,
    phase_surrogate,
    shuffled_surrogate,
    surrogate_test,
    white_noise_test,
)
from astrokit.errors import InputError, NonFiniteError, ShapeError

X = autoregressive_noise(512, coefficient=0.8, seed=1)


@pytest.mark.parametrize("size", [511, 512])
def test_phase_surrogates_keep_the_periodogram(size):
    x = X[:size] + 3
    y = phase_surrogate(x, seed=2)
    np.testing.assert_allclose(np.abs(np.fft.rfft(y)), np.abs(np.fft.rfft(x)), atol=1e-9)
    assert np.corrcoef(x, y)[0, 1] < 0.5


def test_iaaft_surrogates_keep_values_and_nearly_the_periodogram():
    x = np.exp(X)
    y = iaaft_surrogate(x, seed=3)
    assert np.array_equal(np.sort(x), np.sort(y))

    def power(z):
        return np.abs(np.fft.rfft(z - z.mean())) ** 2

    mismatch = np.sum((np.sqrt(power(y)) - np.sqrt(power(x))) ** 2) / power(x).sum()
    plain = shuffled_surrogate(x, seed=3)
    of_noise = np.sum((np.sqrt(power(plain)) - np.sqrt(power(x))) ** 2) / power(x).sum()
    assert mismatch < 0.05 * of_noise


def test_shuffles_keep_values_and_gaps():
    x = X.copy()
    x[5:9] = np.nan
    y = shuffled_surrogate(x, seed=4)
    assert np.array_equal(np.isnan(x), np.isnan(y))
    assert np.array_equal(np.sort(x), np.sort(y), equal_nan=True)


@pytest.mark.parametrize("hurst", [0.2, 0.5, 0.7])
def test_hurst_exponents_are_recovered_with_their_errors(hurst):
    pulls, n = [], 100
    for seed in range(n):
        e = hurst_exponent(fractional_brownian_motion(2000, hurst=hurst, seed=seed))
        pulls.append((e.value - hurst) / e.error)
    assert abs(np.mean(pulls)) < 4 / math.sqrt(n)
    inside = np.mean(np.abs(pulls) < 1)
    assert abs(inside - 0.6827) < 4 * math.sqrt(0.6827 * 0.3173 / n)


def test_brownian_surrogates_have_the_same_exponent():
    x = fractional_brownian_motion(20_000, hurst=0.4, seed=5)
    x[100:120] = np.nan
    y = brownian_surrogate(x, seed=6)
    assert np.isnan(y[100:120]).all()
    first, second = hurst_exponent(x, missing="drop"), hurst_exponent(y, missing="drop")
    assert abs(first.sigma_from(second)) < 4
    assert hurst_exponent(np.arange(100.0)).value == 1
    with pytest.raises(InputError, match="alternates"):
        hurst_exponent([0, 1] * 50)
    with pytest.raises(InputError, match="turns as often"):
        brownian_surrogate(np.arange(100.0))


# -- tests -----------------------------------------------------------------------------------------


def white_p_values(n_series, make):
    return np.array(
        [
            white_noise_test(make(s), n=3, n_surrogates=99, seed=1000 + s).p_value
            for s in range(n_series)
        ]
    )


@pytest.mark.parametrize("kind", ["normal", "counts", "gaps"])
def test_p_values_of_white_noise_are_uniform(kind):
    """Kolmogorov-Smirnov within its 1 % band; ties and gaps included."""

    def make(seed):
        rng = np.random.default_rng(seed)
        if kind == "counts":
            return rng.poisson(2.0, 150)
        x = rng.standard_normal(150)
        if kind == "gaps":
            x[30:50] = np.nan
        return x

    n = 200 if kind == "normal" else 100
    p = np.sort(white_p_values(n, make))
    # Steps of 0.01 widen the distance by as much.
    distance = max(np.max(np.arange(1, n + 1) / n - p), np.max(p - np.arange(n) / n))
    assert distance < 1.63 / math.sqrt(n) + 0.01


def test_correlation_is_found():
    assert white_noise_test(X, seed=1, n_surrogates=199).p_value == 1 / 200
    lc = ak.LightCurve(np.arange(300.0), X[:300])
    assert white_noise_test(lc, seed=1, n_surrogates=99).p_value == 0.01


def test_linear_noise_is_accepted_and_chaos_refused():
    p = [
        surrogate_test(
            np.exp(autoregressive_noise(128, coefficient=0.5, seed=s)),
            n=3,
            n_surrogates=19,
            seed=s,
        ).p_value
        for s in range(30)
    ]
    # Binomial: at 10 % one expects 3 of 30 below.
    assert np.sum(np.array(p) <= 0.1) <= 3 + 4 * math.sqrt(30 * 0.1 * 0.9)
    chaos = surrogate_test(examples.henon(500).x, n=4, n_surrogates=39, seed=1)
    assert chaos.p_value == 2 / 40
    assert "iaaft surrogates" in str(chaos)
    assert chaos.plot().get_xlabel() == "complexity"
    assert chaos.plot_data()[0] == chaos.observed


def test_tests_repeat_for_any_number_of_workers():
    from concurrent.futures import ThreadPoolExecutor

    one = surrogate_test(X, phase_surrogate, n_surrogates=19, seed=7, tail="upper")
    with ThreadPoolExecutor(2) as pool:
        two = surrogate_test(X, phase_surrogate, n_surrogates=19, seed=7, executor=pool)
    assert np.array_equal(one.simulated, two.simulated)
    assert 0 < one.p_value <= 1


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: surrogate_test(X, tail="left"), InputError, "both"),
        (lambda: surrogate_test(X, statistic="chi2"), InputError, "entropy, complexity"),
        (lambda: surrogate_test(X, n_surrogates=5), InputError, ">= 19"),
        (lambda: surrogate_test(X, lambda x, seed: x[:-1]), ShapeError, "another length"),
        (lambda: phase_surrogate([1.0, np.nan, 2.0, 3.0]), NonFiniteError, "NaN"),
        (lambda: iaaft_surrogate([1.0, 2.0]), ShapeError, "too few"),
    ],
)
def test_mistakes(call, error, words):
    with pytest.raises(error, match=words):
        call()


# -- missing patterns ------------------------------------------------------------------------------


def test_forbidden_patterns_of_the_logistic_map():
    answer = missing_patterns(examples.logistic(3000).x, n=4, n_surrogates=39, seed=1)
    assert answer.number == 12  # of 24: known of the map at r = 4
    assert all(row[0] != 3 or row != [3, 2, 1, 0] for row in answer.patterns.tolist()) is False
    assert answer.expected < 0.1
    assert answer.p_value == 1 / 40
    assert "12 of 24 patterns missing" in str(answer)


def test_short_noise_leaves_patterns_out_by_chance():
    answer = missing_patterns(
        np.random.default_rng(2).standard_normal(100), n_surrogates=99, seed=1
    )
    assert answer.number > 30
    assert answer.p_value > 0.01
    sigma = answer.test.simulated.std()
    assert abs(answer.number - answer.expected) < 4 * sigma
    with pytest.raises(InputError, match="n <= 9"):
        missing_patterns(X, n=10, n_surrogates=19, seed=1).patterns  # noqa: B018
