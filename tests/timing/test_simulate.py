"""Simulated light curves: their spectrum, their variance, their independence, their seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import astrokit as ak
from astrokit.errors import InputError
from astrokit.timing import Periodogram, simulate_lightcurve, simulate_rates, timmer_koenig
from astrokit.timing.sampling import Sampling
from astrokit.timing.simulation_kernels import bin_means, fourier_coefficients, observe
from tests.reference.timing_simulation import coefficients, observed


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


# -- many curves, any sampling --------------------------------------------------------------------


def modes(psd, size, dt):
    """Return frequency and variance of each mode of a periodic realisation."""
    f = np.arange(1, size // 2 + 1) / (size * dt)
    variance = psd(f) / (size * dt)
    variance[-1] /= 2  # the Nyquist frequency has a cosine only
    return f, variance


def steep(f):
    """Return a power law that leaks."""
    return 1e-3 * f**-2.5


def test_a_curve_does_not_depend_on_how_many_are_made():
    few, many = (timmer_koenig(red, 60, 1.0, n_curves=k, seed=5) for k in (3, 7))
    np.testing.assert_array_equal(few, many[:3])
    np.testing.assert_array_equal(timmer_koenig(red, 60, 1.0, seed=5), many[0])
    assert np.unique(many[:, 0]).size == 7


def test_mean_periodogram_of_steep_noise_is_the_one_that_leakage_and_bins_give():
    """The expected periodogram, summed over the modes of the whole realisation one by one."""
    n, longer, finer, curves = 64, 4, 2, 3000
    size, fine = n * longer * finer, 1.0 / finer
    f, variance = modes(steep, size, fine)
    angle = 2 * np.pi * f[:, None] * (np.arange(n * finer) * fine)
    expected = np.zeros(n // 2 + 1)
    for wave in (np.cos(angle), np.sin(angle)):
        bins = wave.reshape(f.size, n, finer).mean(axis=2)
        expected += variance @ np.abs(np.fft.rfft(bins, axis=1)) ** 2
    x = timmer_koenig(steep, n, 1.0, n_curves=curves, seed=2, longer=longer, finer=finer)
    power = np.abs(np.fft.rfft(x, axis=1)) ** 2
    sigma = power.std(axis=0) / np.sqrt(curves)
    assert np.all(np.abs(power.mean(axis=0) - expected)[1:] < 4.5 * sigma[1:])
    # Leakage matters here: the spectrum itself lies far below at the upper end.
    assert expected[-2] * 2 / n > 5 * steep(np.array([0.5]))[0]


@pytest.mark.parametrize("width", [0.0, 2.0])
def test_covariance_of_irregular_samples_is_the_transform_of_the_spectrum(width):
    """Times on whole cells, so that the covariance of points and of bins is known exactly."""
    time = np.array([1.0, 4.0, 5.0, 9.0, 17.0, 18.0, 30.0]) * (2.0 if width else 1.0)
    like = ak.LightCurve(time, np.ones(7), bin_width=width)
    sampling = Sampling.of(like, 1, 4)
    start = time[0] - width / 2
    curves = 4000
    x = simulate_rates(steep, like, curves, mean=1.0, seed=3, longer=4, finer=1) - 1
    size = timmer_size(sampling.cells * 4)
    f, variance = modes(steep, size, sampling.step)
    cells = [
        np.arange(a, b)
        for a, b in zip(sampling.left, np.maximum(sampling.right, sampling.left + 1), strict=True)
    ]
    np.testing.assert_allclose([c[0] * sampling.step + start for c in cells], time - width / 2)
    cos, sin = (
        np.array([wave(2 * np.pi * f[:, None] * c * sampling.step).mean(axis=1) for c in cells])
        for wave in (np.cos, np.sin)
    )
    expected = cos @ (variance[:, None] * cos.T) + sin @ (variance[:, None] * sin.T)
    measured = x.T @ x / curves
    diagonal = np.diag(expected)
    sigma = np.sqrt((np.outer(diagonal, diagonal) + expected**2) / curves)
    assert np.all(np.abs(measured - expected) < 4.5 * sigma)


def timmer_size(least):
    """Return the length of the realisation that holds `least` cells."""
    from scipy import fft

    return 2 * fft.next_fast_len((least + 1) // 2, real=True)


def test_bins_that_cut_cells_weigh_their_parts():
    sampling = Sampling(1.0, 4, np.array([0.5, 2.0, 3.0]), np.array([2.5, 2.5, 3.0]), 0)
    np.testing.assert_allclose(sampling.observe(np.array([1.0, 3.0, 5.0, 7.0, 99.0])), [3, 5, 7])


def test_rates_do_not_depend_on_how_many_are_made(monkeypatch):
    rng = np.random.default_rng(1)
    time = np.cumsum(rng.uniform(1, 3, 40))
    rate = np.full(40, 5.0)
    rate[7] = np.nan
    like = ak.LightCurve(time, rate, np.full(40, 0.2), bin_width=0.8)
    rates = simulate_rates(red, like, 9, seed=9)
    np.testing.assert_array_equal(rates[0], simulate_lightcurve(red, like, seed=9).rate)
    np.testing.assert_array_equal(rates[:4], simulate_rates(red, like, 4, seed=9))
    monkeypatch.setattr("astrokit.timing.simulate._BLOCK_VALUES", 1)
    np.testing.assert_array_equal(rates, simulate_rates(red, like, 9, seed=9))
    assert np.isnan(rates[:, 7]).all()


@pytest.mark.parametrize("size", [2, 64])
def test_coefficients_are_what_box_and_muller_make_of_the_bits(size):
    rng = np.random.default_rng(2)
    words = rng.integers(2**64 - 1, endpoint=True, size=(3, size), dtype=np.uint64)
    words[0, :2] = 0, 2**64 - 1  # the ends
    amplitude = np.linspace(1, 2, size)
    out = np.empty((3, 2 * size + 2))
    fourier_coefficients(words, amplitude, out)
    np.testing.assert_allclose(out.view(complex), coefficients(words, amplitude), atol=1e-9)


def test_coefficients_are_independent_and_normal():
    from scipy import stats

    rng = np.random.default_rng(3)
    size = 100_001
    words = rng.integers(2**64 - 1, endpoint=True, size=(1, size), dtype=np.uint64)
    out = np.empty((1, 2 * size + 2))
    fourier_coefficients(words, np.ones(size), out)
    parts = out[0, 2:-2].reshape(-1, 2)
    assert stats.kstest(parts.ravel(), "norm").pvalue > 1e-3
    for power in (1, 2):
        assert abs(np.corrcoef((parts**power).T)[0, 1]) < 4 / np.sqrt(size)


@pytest.mark.parametrize("rows", [1, 3])
def test_observation_equals_its_reference(rows):
    rng = np.random.default_rng(4)
    fine = rng.normal(size=(rows, 50))
    left = np.sort(rng.uniform(0, 45, 20))
    right = left + rng.uniform(0, 4, 20) * (np.arange(20) % 3 > 0)
    out = np.empty((rows, 20))
    observe(fine, left, right, out)
    np.testing.assert_allclose(out, observed(fine, left, right), rtol=1e-12, atol=1e-12)
    means = np.empty((rows, 12))
    bin_means(fine, 4, means)
    np.testing.assert_allclose(means, fine[:, :48].reshape(rows, 12, 4).mean(axis=2), rtol=1e-12)


def test_poisson_noise_counts_in_the_exposure():
    """An almost constant source: counts of mean 6 (3 / s in 4 s half exposed), variance 6."""
    n = 4000
    like = ak.LightCurve(
        np.arange(n) * 4.0, np.full(n, 3.0), bin_width=4.0, exposure_fraction=np.full(n, 0.5)
    )
    lc = simulate_lightcurve(lambda f: 1e-12 * f**-1.0, like, noise="poisson", seed=4)
    counts = lc.rate * 2.0
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-9)
    assert counts.mean() == pytest.approx(6.0, abs=4 * np.sqrt(6 / n))
    fourth = 6 + 2 * 36  # variance of the squared deviation of a Poisson number of mean 6
    assert counts.var() == pytest.approx(6.0, abs=4 * np.sqrt(fourth / n))
    np.testing.assert_allclose(lc.error, np.sqrt(np.maximum(counts, 1)) / 2)


def test_noise_can_be_left_out_by_name():
    like = ak.LightCurve(np.arange(50.0), np.full(50, 9.0), np.full(50, 0.5))
    rates = [simulate_lightcurve(red, like, seed=1, noise=k).rate for k in (False, "none")]
    np.testing.assert_array_equal(*rates)


def points(time):
    return ak.LightCurve(np.array(time), np.ones(len(time)), bin_width=0.0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: timmer_koenig(red, 0, 1.0), "n must be"),
        (lambda: timmer_koenig(red, 10, -1.0), "dt"),
        (lambda: timmer_koenig(red, 10, 1.0, longer=0), "longer"),
        (lambda: timmer_koenig(lambda f: -f, 10, 1.0), "positive"),
        (lambda: timmer_koenig(lambda f: 1.0, 10, 1.0), "shape"),
        (lambda: timmer_koenig(red, 10, 1.0, n_curves=0), "n_curves"),
        (lambda: simulate_rates(red, points([0.0, 1.0, 5.0]), 0), "n_curves"),
        (lambda: simulate_rates(red, points([0.0, 1.0, 5.0]), 2, noise="white"), "noise"),
        (lambda: simulate_rates(red, points([0.0, 1.0, 5.0]), 2, noise="poisson"), "width"),
        (lambda: simulate_rates(red, points([0.0, 1.0, 2.0, 1e7]), 2), "too fine"),
        (lambda: simulate_rates(red, points([3.0]), 2), "one point"),
    ],
)
def test_refusals(call, words):
    with pytest.raises(InputError, match=words):
        call()
