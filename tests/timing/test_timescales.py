"""Time scales: exponentials of known rate, every pair by brute force, and simulated truth."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from astropy import constants
from astropy import units as u

import astrokit as ak
from astrokit.errors import DataWarning, InputError, ShapeError, UnitError
from astrokit.timing.pair_kernels import shortest_adjacent, shortest_pair
from astrokit.timing.timescales import (
    minimum_timescale,
    minimum_timescale_scatter,
    region_size,
)


def by_brute_force(t, x, s, k):
    """Return the shortest time scale from the full matrix of pairs."""
    i, j = np.triu_indices(t.size, 1)
    counts = np.abs(x[i] - x[j]) > k * np.hypot(s[i], s[j])
    if not counts.any():
        return math.inf
    return float(np.min((np.abs(t[i] - t[j]) / np.abs(np.log(x[i] / x[j])))[counts]))


@pytest.mark.parametrize("k", [0.0, 1.0, 3.0, 6.0])
def test_tree_search_equals_brute_force(k):
    rng = np.random.default_rng(int(10 * k))
    for n in (2, 3, 15, 16, 17, 33, 64, 100, 257, 400):
        for walk in (0.0, 0.02, 0.1):
            t = np.sort(rng.uniform(0, 100, n))
            x = 10 * np.exp(np.cumsum(rng.normal(0, walk + 1e-6, n)))
            s = x * rng.uniform(0.01, 0.1, n)
            x = np.abs(x + s * rng.standard_normal(n)) + 1e-3
            tau, i, j = shortest_pair(t, x, s, np.log(x), k)
            assert tau == pytest.approx(by_brute_force(t, x, s, k), rel=2e-9)
            assert (i < j) if math.isfinite(tau) else (i, j) == (-1, -1)


@pytest.mark.parametrize("k", [3.0, 6.0, 20.0])
@pytest.mark.parametrize("shape", ["constant", "trend", "exponential", "pure exponential", "walk"])
def test_all_pairs_of_a_long_curve_are_fast(shape, k):
    """The full search of 5e9 pairs would take 10 s or more; pruning needs some 0.02 s."""
    rng, n = np.random.default_rng(2), 100_000
    t, noise = np.arange(float(n)), rng.standard_normal(n)
    x = {
        "constant": 10 + noise,
        "trend": 10 + t / 10_000 + noise,
        "exponential": 10 * np.exp(t / n) + noise,
        "pure exponential": 10 * np.exp(t / n),
        "walk": 10 * np.exp(np.cumsum(noise) / 200),
    }[shape]
    x, s = np.maximum(x, 0.1), np.ones(n)
    shortest_pair(t[:50], x[:50], s[:50], np.log(x[:50]), k)
    start = time.process_time()
    tau, i, j = shortest_pair(t, x, s, np.log(x), k)
    assert time.process_time() - start < 1.0
    assert tau <= shortest_adjacent(t, x, s, np.log(x), k)[0]
    if math.isfinite(tau):
        assert abs(x[i] - x[j]) > k * math.sqrt(2)


@pytest.mark.parametrize("pairs", ["adjacent", "all"])
def test_exponential_has_its_e_folding_time(pairs):
    t = np.arange(0.0, 2000.0, 50.0)
    lc = ak.LightCurve(t + 5e8, 4 * np.exp(-t / 700), np.full(t.size, 1e-3))
    result = minimum_timescale(lc, pairs=pairs)
    assert result.estimate.value == pytest.approx(700, rel=1e-9)
    assert result.doubling_time.value == pytest.approx(700 * math.log(2), rel=1e-9)
    assert result.estimate.unit == u.s
    assert result.n_used == t.size


def test_pair_by_hand_across_a_gap_and_without_bins_of_no_rate():
    rate = [10.0, np.nan, 20.0, -1.0, 19.0]
    lc = ak.LightCurve([0.0, 10.0, 20.0, 30.0, 40.0], rate, [1.0] * 5)
    result = minimum_timescale(lc)
    assert (result.first, result.second) == (0, 2)
    assert result.estimate.value == pytest.approx(20 / math.log(2))
    assert result.estimate.lower == pytest.approx(20 / math.log(2) ** 2 * math.sqrt(0.01 + 0.0025))
    assert (result.n_used, result.n_left_out) == (3, 1)
    assert "1 bins without positive rate left out" in str(result)


def test_error_is_the_scatter_of_a_fixed_pair():
    rng, n = np.random.default_rng(4), 4000
    draws = [
        minimum_timescale(
            ak.LightCurve([0.0, 100.0], np.array([10, 30]) + rng.normal(0, 0.1, 2), [0.1, 0.1])
        ).estimate.value
        for _ in range(n)
    ]
    expected = minimum_timescale(ak.LightCurve([0.0, 100.0], [10.0, 30.0], [0.1, 0.1])).estimate
    assert np.std(draws) == pytest.approx(expected.error, rel=4 / math.sqrt(2 * n))


def test_false_alarms_of_a_constant_source():
    """One pair of two bins: beyond 2 sigma with the probability 4.55 % of a normal."""
    lc = ak.LightCurve([0.0, 1.0], [100.0, 100.0], [1.0, 1.0])
    n, p = 4000, math.erfc(math.sqrt(2))
    scatter = minimum_timescale_scatter(lc, significance=2.0, n=n, seed=1)
    assert scatter.found == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / n))
    assert np.all(np.isinf(scatter.noise_free))
    assert math.isnan(scatter.bias)


def test_p_value_of_curves_of_the_same_process_is_uniform():
    lc = ak.LightCurve(np.arange(64.0), np.full(64, 10.0), np.full(64, 0.01))

    def psd(f):
        return 2e-5 * f**-2.0

    scatter = minimum_timescale_scatter(lc, psd, n=300, seed=2)
    p = []
    for seed in range(200):
        other = ak.timing.simulate_lightcurve(psd, lc, seed=seed + 10)
        p.append(scatter.p_value(minimum_timescale(other)))
    # Both samples scatter: mean 1/2 with errors sqrt(1/12/200) and sqrt(1/12/300).
    assert np.mean(p) == pytest.approx(0.5, abs=4 * math.sqrt((1 / 200 + 1 / 300) / 12))


def test_noise_makes_the_minimum_of_all_pairs_too_short():
    lc = ak.LightCurve(np.arange(256.0), np.full(256, 10.0), np.full(256, 0.5))
    scatter = minimum_timescale_scatter(lc, lambda f: 1e-5 * f**-2.0, pairs="all", n=60, seed=3)
    assert scatter.bias < 0.7
    assert scatter.found == 1.0


def test_workers_give_the_same_numbers():
    lc = ak.LightCurve(np.arange(32.0), np.full(32, 10.0), np.full(32, 1.0))
    alone = minimum_timescale_scatter(lc, n=20, seed=5, pairs="all")
    with ThreadPoolExecutor(2) as executor:
        shared = minimum_timescale_scatter(lc, n=20, seed=5, pairs="all", executor=executor)
    np.testing.assert_array_equal(alone.values, shared.values)


def test_region_size_in_other_units_and_frames():
    hour = ak.Estimate(1.0, 0.1, unit="h")
    size = region_size(hour, doppler_factor=10, redshift=0.116)
    expected = (constants.c * u.h * 10 / 1.116).to_value(u.cm)
    assert size.value == pytest.approx(expected, rel=1e-12)
    assert size.error == pytest.approx(0.1 * expected, rel=1e-12)
    assert size.unit == u.cm


@pytest.mark.parametrize(
    ("rate", "kind", "message"),
    [
        ([5.0] * 8, InputError, "no pair of bins differs"),
        ([5.0, np.nan], ShapeError, "two bins with a positive rate"),
        ([-1.0, 0.0, 2.0], ShapeError, "two bins with a positive rate"),
        ([3.0], ShapeError, "two bins with a positive rate"),
    ],
)
@pytest.mark.parametrize("pairs", ["adjacent", "all"])
def test_bad_curves_are_named(rate, kind, message, pairs):
    lc = ak.LightCurve(np.arange(float(len(rate))), rate, np.full(len(rate), 0.5), bin_width=1.0)
    with pytest.raises(kind, match=message):
        minimum_timescale(lc, pairs=pairs)


def test_bad_options_are_named():
    lc = ak.LightCurve([0.0, 1.0], [1.0, 5.0], [0.1, 0.1])
    with pytest.raises(InputError, match="pairs is unknown"):
        minimum_timescale(lc, pairs="some")
    with pytest.raises(InputError, match="significance"):
        minimum_timescale(lc, significance=-1)
    with pytest.raises(InputError, match="needs a light curve"):
        minimum_timescale([1.0, 2.0])
    with pytest.raises(InputError, match="at least two simulations"):
        minimum_timescale_scatter(lc, n=1)
    with pytest.raises(InputError, match="doppler_factor"):
        region_size(ak.Estimate(1.0, unit="s"), doppler_factor=0)
    with pytest.raises(InputError, match="redshift"):
        region_size(ak.Estimate(1.0, unit="s"), redshift=-0.1)
    with pytest.raises(UnitError):
        region_size(ak.Estimate(1.0, unit="cm"))


def test_curve_without_errors_is_refused():
    with pytest.warns(DataWarning):
        lc = ak.LightCurve([0.0, 1.0, 2.0], [1.0, 5.0, 2.0], [0.0, 0.0, 0.1])
    with pytest.raises(ShapeError, match="two bins"):
        minimum_timescale(lc)
    bare = ak.LightCurve([0.0, 1.0], [1.0, 5.0])
    for function in (minimum_timescale, minimum_timescale_scatter):
        with pytest.raises(InputError, match="no errors"):
            function(bare)
