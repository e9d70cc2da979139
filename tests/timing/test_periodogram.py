"""The periodogram: exact identities, known expectations, other packages' definitions, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

import astrokit as ak
from astrokit.errors import InputError, NonFiniteError, ShapeError
from astrokit.timing import Periodogram


def curve(n=256, dt=2.0, mean=7.0, seed=0, error=0.5, **options):
    """Return white noise around a mean."""
    rng = np.random.default_rng(seed)
    sigma = None if error is None else np.full(n, error)
    return ak.LightCurve(np.arange(n) * dt, mean + rng.normal(0, 0.5, n), sigma, **options)


@given(
    n=st.integers(16, 90),
    dt=st.floats(1e-3, 1e4),
    mean=st.floats(1.0, 1e4),
    seed=st.integers(0, 2**32 - 1),
)
def test_integral_is_the_variance_over_the_squared_mean(n, dt, mean, seed):
    lc = curve(n, dt, mean, seed)
    expected = np.var(lc.rate) / np.mean(lc.rate) ** 2
    assert Periodogram.from_lightcurve(lc).integral == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("n", [256, 257])
@pytest.mark.parametrize(
    ("normalization", "power_of_mean", "factor"),
    [("fractional", 2, 1.0), ("absolute", 0, 1.0), ("leahy", 1, 1.0), ("psd", 0, 0.5)],
)
def test_parseval_in_every_normalization(n, normalization, power_of_mean, factor):
    lc = curve(n)
    pg = Periodogram.from_lightcurve(lc, normalization=normalization)
    expected = factor * np.var(lc.rate) / np.mean(lc.rate) ** power_of_mean
    assert pg.integral == pytest.approx(expected, rel=1e-12)
    assert pg.normalization == normalization


def test_absolute_normalization_is_that_of_scipy_below_nyquist():
    lc = curve(256)
    frequency, power = signal.periodogram(lc.rate, fs=0.5, detrend="constant")
    pg = Periodogram.from_lightcurve(lc, normalization="absolute")
    np.testing.assert_allclose(pg.frequency, frequency[1:], rtol=1e-12)
    np.testing.assert_allclose(pg.power[:-1], power[1:-1], rtol=1e-9)
    assert pg.power[-1] == pytest.approx(2 * power[-1], rel=1e-9)  # scipy does not double it


def test_segments_are_averaged_as_scipy_welch_does():
    lc = curve(256)
    _, power = signal.welch(
        lc.rate, fs=0.5, window="boxcar", nperseg=64, noverlap=0, detrend="constant"
    )
    pg = Periodogram.from_lightcurve(lc, normalization="absolute", segments=4)
    np.testing.assert_allclose(pg.power[:-1], power[1:-1], rtol=1e-9)
    assert pg.n_segments == 4
    assert pg.n_bins == 64
    np.testing.assert_array_equal(pg.degrees_of_freedom, [8.0] * 31 + [4.0])


def test_a_sine_lands_in_its_bin():
    """Amplitude A at a Fourier frequency has power A^2 N dt / 2 in the absolute normalization."""
    n, dt, amplitude = 128, 10.0, 3.0
    t = np.arange(n) * dt
    lc = ak.LightCurve(t, 20 + amplitude * np.cos(2 * np.pi * 16 * t / (n * dt)), bin_width=dt)
    pg = Periodogram.from_lightcurve(lc, normalization="absolute", noise="none")
    expected = np.zeros(64)
    expected[15] = amplitude**2 * n * dt / 2
    np.testing.assert_allclose(pg.power, expected, atol=1e-8 * expected.max())


def test_gaussian_noise_level_is_what_noise_has():
    """Mean of 400 x 127 ordinates: standard error 1/sqrt(50800) of the level."""
    powers = [Periodogram.from_lightcurve(curve(256, seed=s)).power[:-1].mean() for s in range(400)]
    level = Periodogram.from_lightcurve(curve(256)).noise_level
    assert level == pytest.approx(2 * 2.0 * 0.25 / curve(256).mean_rate ** 2, rel=1e-12)
    expected = 2 * 2.0 * 0.25 / 49
    # The mean of each curve scatters by 0.5/16 of 7, which adds 0.9 % / 20 to the average.
    assert np.mean(powers) == pytest.approx(expected, rel=4 / np.sqrt(400 * 127) + 0.0005)


def test_poisson_noise_level_is_two_in_leahy_units():
    rng = np.random.default_rng(3)
    rates = [rng.poisson(8.0, 256) / 2.0 for _ in range(300)]
    curves = [ak.LightCurve(np.arange(256) * 2.0, rate) for rate in rates]
    pgs = [Periodogram.from_lightcurve(lc, normalization="leahy") for lc in curves]
    assert pgs[0].noise_level == pytest.approx(2.0, rel=1e-12)
    mean = np.mean([pg.power[:-1].mean() for pg in pgs])
    assert mean == pytest.approx(2.0, rel=4 / np.sqrt(300 * 127))


def test_noise_choices():
    lc, bare = curve(64), curve(64, error=None)
    mean = bare.mean_rate
    pg = Periodogram.from_lightcurve(bare, noise="poisson", background=2.0)
    assert pg.noise_level == pytest.approx(2 * (mean + 2.0) / mean**2)
    assert Periodogram.from_lightcurve(lc, noise=0.125).noise_level == 0.125
    assert np.isnan(Periodogram.from_lightcurve(lc, noise="none").noise_level)
    flux = ak.lightcurve.LightCurveInfo(rate_unit="Jy")
    assert np.isnan(Periodogram.from_lightcurve(curve(64, error=None, info=flux)).noise_level)


# -- binning --------------------------------------------------------------------------------------


def test_log_binning_keeps_degrees_of_freedom_and_power():
    pg = Periodogram.from_lightcurve(curve(1000))
    binned = pg.log_binned(1.2)
    assert binned.degrees_of_freedom.sum() == pg.degrees_of_freedom.sum()
    total = np.sum(pg.power * pg.degrees_of_freedom)
    assert np.sum(binned.power * binned.degrees_of_freedom) == pytest.approx(total, rel=1e-12)
    assert np.all(np.diff(binned.frequency) > 0)
    assert binned.frequency[0] == pytest.approx(pg.frequency[0], rel=1e-14)
    assert np.max(binned.frequency[20:] / binned.frequency[19:-1]) < 1.2**1.5
    many = pg.log_binned(1.2, min_count=10)
    assert many.degrees_of_freedom.min() >= 19  # ten ordinates, one of them at Nyquist


def test_log_binning_of_a_power_law_has_the_documented_bias():
    f = np.arange(1, 100_001) / 2e5
    binned = Periodogram(f, f**-2.0).log_binned(1.1)
    wide = binned.degrees_of_freedom > 2000
    ratio = binned.power[wide] * binned.frequency[wide] ** 2 - 1
    np.testing.assert_allclose(ratio[1:-1], 4 * np.log(1.1) ** 2 / 24, rtol=0.05)


@pytest.mark.parametrize("segments", [1, 3])
def test_fit_of_binned_power_recovers_its_mean(segments):
    """White noise of 1: the error of the mean is 1/sqrt(ordinates), whatever the binning."""
    lc = curve(1024, mean=7.0, error=0.5)
    pg = Periodogram.from_lightcurve(lc, normalization="absolute", segments=segments)
    fits = [ak.timing.PSDProblem(p, ak.timing.Constant()).fit() for p in (pg, pg.log_binned(1.3))]
    assert fits[1]["constant"].value == pytest.approx(fits[0]["constant"].value, rel=1e-5)
    assert fits[1]["constant"].error == pytest.approx(fits[0]["constant"].error, rel=1e-5)
    assert abs(fits[0]["constant"].sigma_from(2 * 2.0 * 0.25)) < 4


def test_later_changes_of_an_array_do_not_reach_the_periodogram():
    power = np.ones(16)
    pg = Periodogram(np.arange(1.0, 17.0), power)
    power[3] = 99.0
    assert pg.power[3] == 1.0


# -- what it refuses ------------------------------------------------------------------------------


def magnitudes():
    """Return a curve of magnitudes."""
    return curve(64, info=ak.lightcurve.LightCurveInfo(rate_unit="mag"))


def with_gap():
    """Return a curve with one missing bin."""
    rate = curve(64).rate.copy()
    rate[10] = np.nan
    return ak.LightCurve(np.arange(64) * 2.0, rate, np.full(64, 0.5))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Periodogram.from_lightcurve(with_gap()), InputError, "split_by_gti"),
        (
            lambda: Periodogram.from_lightcurve(
                ak.LightCurve(
                    [0, 1, 3.5, 9] * 4 + np.repeat(np.arange(4) * 20.0, 4), np.arange(16.0)
                )
            ),
            InputError,
            "evenly",
        ),
        (
            lambda: Periodogram.from_lightcurve(ak.LightCurve(np.arange(64), np.full(64, 3.0))),
            InputError,
            "constant",
        ),
        (lambda: Periodogram.from_lightcurve(curve(64, mean=-7)), InputError, "absolute"),
        (lambda: Periodogram.from_lightcurve(curve(64), segments=20), ShapeError, "at most 8"),
        (lambda: Periodogram.from_lightcurve(curve(64), segments=0), InputError, "segments"),
        (lambda: Periodogram.from_lightcurve(curve(64), normalization="rms"), InputError, "leahy"),
        (lambda: Periodogram.from_lightcurve(curve(64), noise="white"), InputError, "poisson"),
        (
            lambda: Periodogram.from_lightcurve(curve(64, error=None), noise="gaussian"),
            InputError,
            "no errors",
        ),
        (lambda: Periodogram.from_lightcurve(curve(64), normalisation="leahy"), TypeError, "norm"),
        (lambda: Periodogram.from_lightcurve(magnitudes()), InputError, "magnitudes"),
        (lambda: Periodogram([1, 2, 3], [1, -1, 1]), InputError, "negative"),
        (lambda: Periodogram([1, 3, 2], [1, 1, 1]), InputError, "increase"),
        (lambda: Periodogram([0, 1, 2], [1, 1, 1]), InputError, "frequency"),
        (lambda: Periodogram([1, 2, 3], [1, np.nan, 1]), NonFiniteError, "power"),
        (lambda: Periodogram([1, 2, 3], [1, 1]), ShapeError, "unequal"),
        (lambda: Periodogram([1, 2, 3], [1, 1, 1]).log_binned(1.0), InputError, "ratio"),
        (
            lambda: Periodogram([1, 2, 3], [1, 1, 1]).log_binned(min_count=0),
            InputError,
            "min_count",
        ),
        (lambda: Periodogram([1.0, 2.5], [1, 1]).integral, InputError, "multiples"),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_it_prints_what_it_is():
    text = repr(Periodogram.from_lightcurve(curve(256), segments=2))
    assert "64 frequencies" in text
    assert "2 segments averaged" in text
    assert "fractional" in text


def test_units_of_power():
    pg = Periodogram.from_lightcurve(curve(64))
    assert pg.frequency_unit == "Hz"
    assert pg.power_unit == "1 / Hz"
    absolute = Periodogram.from_lightcurve(curve(64), normalization="absolute")
    assert absolute.power_unit == "ct2 / (Hz s2)"
    days = curve(64, info=ak.lightcurve.LightCurveInfo(time_unit="d"))
    assert Periodogram.from_lightcurve(days).frequency_unit == "1 / d"


@pytest.mark.parametrize("wrong", ["mrk766.txt", np.ones(64)])
def test_only_a_light_curve_has_a_periodogram(wrong):
    with pytest.raises(InputError, match=r"a LightCurve is needed.*read_lightcurve\(path\)"):
        Periodogram.from_lightcurve(wrong)
