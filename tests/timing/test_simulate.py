"""Simulated light curves: their spectrum, their variance, their independence, their seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import astrokit as ak
from astrokit.errors import InputError
from astrokit.timing import Periodogram, simulate_lightcurve, timmer_koenig


def red(f):
    """Return a power law."""
    return 1e-3 * f**-1.0


def test_ordinates_of_a_whole_realisation_are_exponential_with_the_right_mean():
    """Neither longer nor finer: every ordinate below Nyquist is the PSD times an exponential."""
    n, dt = 256, 0.5
    f = np.arange(1, n // 2 + 1) / (n * dt)
    ratios = []
    for seed in range(60):
        x = timmer_koenig(red, n, dt, seed=seed, longer=1, finer=1)
        power = 2 * dt / n * np.abs(np.fft.rfft(x)[1:]) ** 2
        ratios.append(power / red(f))
    below, nyquist = np.array(ratios)[:, :-1].ravel(), np.array(ratios)[:, -1]
    assert stats.kstest(below, stats.expon.cdf).pvalue > 1e-4
    # At Nyquist: chi2 with one degree of freedom, in the convention in which the term counts half.
    assert stats.kstest(nyquist, stats.chi2(1).cdf).pvalue > 1e-4


def test_variance_is_that_of_the_spectrum_and_never_forced():
    """White noise, 2 per unit frequency up to 1/2: variance 1 in the mean, with its scatter."""
    n = 1000
    values = np.array(
        [
            timmer_koenig(lambda f: np.full(f.size, 2.0), n, 1.0, seed=s, longer=4, finer=1).var()
            for s in range(200)
        ]
    )
    assert values.mean() == pytest.approx(1.0, abs=4 * np.sqrt(2 / n / 200) + 1 / n)
    assert values.std() == pytest.approx(np.sqrt(2 / n), rel=4 / np.sqrt(2 * 200))


def test_mean_of_a_piece_is_not_zero():
    """Power below the lowest frequency of a piece lifts and lowers the whole of it."""
    means = [
        timmer_koenig(lambda f: f**-2.0, 64, 1.0, seed=s, longer=32, finer=1).mean()
        for s in range(20)
    ]
    inside = timmer_koenig(lambda f: f**-2.0, 64, 1.0, seed=1, longer=32, finer=1).std()
    assert np.std(means) > inside


def test_bins_are_averages_of_finer_ones():
    fine = timmer_koenig(red, 400, 0.25, seed=3, longer=2, finer=1)
    coarse = timmer_koenig(red, 100, 1.0, seed=3, longer=2, finer=4)
    np.testing.assert_allclose(coarse, fine.reshape(100, 4).mean(axis=1), rtol=1e-12)


def test_seeds_repeat():
    first, again, other = (timmer_koenig(red, 50, 1.0, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_simulated_curve_has_the_sampling_of_its_model():
    rate = np.full(200, 9.0) + np.arange(200) % 3
    rate[50:60] = np.nan
    like = ak.LightCurve(np.arange(200) * 10.0, rate, np.full(200, 0.5))
    lc = simulate_lightcurve(lambda f: 1e-6 * f**-1.0, like, seed=1)
    np.testing.assert_array_equal(lc.time, like.time)
    np.testing.assert_array_equal(lc.valid, like.valid)
    np.testing.assert_array_equal(lc.error, like.error)
    clean = simulate_lightcurve(lambda f: 1e-6 * f**-1.0, like, seed=1, noise=False)
    noise = (lc.rate - clean.rate)[like.valid]
    assert noise.std() == pytest.approx(0.5, rel=4 / np.sqrt(2 * 190))


def test_fitted_slope_of_simulated_curves_is_the_truth():
    """Slope 1 has little leakage: 60 curves, unbiased within their scatter and 0.03 of aliasing."""
    like = ak.LightCurve(np.arange(512) * 1.0, 10 + np.arange(512) % 2, np.full(512, 1e-3))
    slopes = []
    for seed in range(60):
        lc = simulate_lightcurve(lambda f: 1e-4 * f**-1.0, like, seed=seed, noise=False)
        pg = Periodogram.from_lightcurve(lc, normalization="absolute")
        low = Periodogram(pg.frequency[:64], pg.power[:64])  # far from the Nyquist frequency
        slopes.append(ak.timing.PSDProblem(low, ak.timing.PowerLaw()).fit()["slope"].value)
    assert np.mean(slopes) == pytest.approx(1.0, abs=4 * np.std(slopes) / np.sqrt(60) + 0.03)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: timmer_koenig(red, 0, 1.0), "n must be"),
        (lambda: timmer_koenig(red, 10, -1.0), "dt"),
        (lambda: timmer_koenig(red, 10, 1.0, longer=0), "longer"),
        (lambda: timmer_koenig(lambda f: -f, 10, 1.0), "positive"),
        (lambda: timmer_koenig(lambda f: 1.0, 10, 1.0), "shape"),
    ],
)
def test_refusals(call, words):
    with pytest.raises(InputError, match=words):
        call()
