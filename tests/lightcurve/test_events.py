"""Binning of events: against NumPy's histogram, and known Poisson processes."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st

import astrokit as ak
from astrokit.errors import InputError
from astrokit.lightcurve import bin_events, gti


@given(st.lists(st.integers(0, 999), min_size=1, max_size=60), st.sampled_from([1, 2, 5, 10, 125]))
def test_counts_are_those_of_the_histogram(cells, size):
    # Whole times sit on edges, where a wrong rounding would show.
    lc = bin_events(cells, float(size), gti=[[0, 1000]])
    expected = np.histogram(cells, np.arange(0, 1001, size))[0]
    np.testing.assert_allclose(lc.rate * size, expected, rtol=0, atol=1e-9)


@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(1, 20)), min_size=1, max_size=5),
    st.integers(0, 100_000),
)
def test_events_in_good_time_are_counted_once(starts, seed):
    good = [(a, a + b) for a, b in starts]
    times = np.random.default_rng(seed).uniform(-5, 120, 200)
    lc = bin_events(times, 3.0, gti=good, min_exposure=0.0)
    inside = int(gti.contains(good, times).sum())
    assert np.nansum(lc.rate * lc.exposure_fraction * 3.0) == pytest.approx(inside, abs=1e-6)
    assert np.sum(lc.exposure_fraction) * 3.0 == pytest.approx(gti.total(good), abs=1e-6)


def test_rates_are_right_where_a_bin_is_half_exposed():
    rng = np.random.default_rng(11)
    times = rng.uniform(0, 10_000, 200_000)
    good = np.column_stack([np.arange(0, 10_000, 100), np.arange(0, 10_000, 100) + 60.0])
    lc = bin_events(times, 100.0, gti=good)
    # True rate 20; 6000 s of good time.
    assert lc.valid.all()
    assert abs(lc.mean_rate - 20.0) < 4 * np.sqrt(20.0 / 6000.0)
    pulls = (lc.rate - 20.0) / lc.error
    assert abs(np.var(pulls) - 1) < 4 * np.sqrt(2 / lc.n) + 0.01


def test_empty_bins_have_the_error_of_one_count():
    lc = bin_events([0.5], 1.0, gti=[[0, 2]])
    assert lc.rate.tolist() == [1.0, 0.0]
    assert lc.error.tolist() == [1.0, 1.0]
    assert lc.valid.all()


def test_large_times_do_not_lose_bins():
    """At 4e8 s a double resolves 6e-8 s: edges of short bins carry rounding."""
    start = 399101682.29276115
    times = start + np.arange(1000) * 0.001
    lc = bin_events(times, 0.1, gti=[[start, start + 1.0]])
    assert lc.n == 10
    assert lc.valid.all()
    assert np.sum(lc.rate * 0.1) == pytest.approx(1000, abs=1e-6)


def test_without_intervals_only_whole_bins_count():
    lc = bin_events([0.0, 1.0, 2.0, 3.5], 1.0)
    assert lc.n == 3
    assert lc.gti.tolist() == [[0.0, 3.0]]


def test_quantities_and_the_class_method():
    a = ak.LightCurve.from_events([0.5, 1.5] * u.ks, 1 * u.ks, gti=[[0, 2]] * u.ks)
    assert a.rate.tolist() == [1e-3, 1e-3]
    assert a.info.time_unit == "s"


@pytest.mark.parametrize(
    ("size", "keywords", "text"),
    [
        (0.0, {}, "bin_size must be > 0"),
        (100.0, {}, "longer than the time between"),
        (1.0, {"gti": []}, "no good time"),
        (1e-9, {"gti": [[0, 1e4]]}, "too many bins"),
        (1.0, {"min_exposure": 2.0}, "min_exposure is out of range"),
    ],
)
def test_impossible_bins(size, keywords, text):
    with pytest.raises(InputError, match=text):
        bin_events([0.0, 1.0, 5.0], size, **keywords)
