"""Lomb-Scargle: astropy's numbers, injected periods, and false alarms in white and in red noise."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import matplotlib as mpl
import numpy as np
import pytest
from astropy import units as u
from astropy.timeseries import LombScargle as Peer
from scipy import stats

import astrokit as ak
from astrokit.errors import InputError, UnitError
from astrokit.timing import lomb_scargle, simulate_lightcurve

mpl.use("Agg")


def irregular(n=150, amplitude=1.0, period=7.0, noise=0.5, seed=1):
    """Return a sinusoid of known period at random times."""
    rng = np.random.default_rng(seed)
    time = np.sort(rng.uniform(0, 100, n))
    rate = 10 + amplitude * np.sin(2 * np.pi * time / period) + rng.normal(0, noise, n)
    return ak.LightCurve(time, rate, np.full(n, noise))


@pytest.mark.parametrize("normalization", ["standard", "model", "log", "psd"])
def test_power_is_that_of_astropy(normalization):
    lc = irregular()
    ours = lomb_scargle(lc, normalization=normalization, frequency=[0.05, 0.1, 0.143, 0.4])
    theirs = Peer(lc.time, lc.rate, lc.error, normalization=normalization)
    np.testing.assert_allclose(ours.power, theirs.power(ours.frequency, method="slow"), rtol=1e-6)


def test_even_sampling_gives_the_fourier_periodogram():
    """At Fourier frequencies, without weights: 2 |DFT|^2 / (N^2 variance)."""
    rate = 10 + np.random.default_rng(1).normal(size=64)
    lc = ak.LightCurve(np.arange(64.0), rate, np.ones(64))
    f = np.arange(1, 32) / 64
    expected = 2 * np.abs(np.fft.rfft(rate - rate.mean())[1:32]) ** 2 / (64**2 * rate.var())
    np.testing.assert_allclose(lomb_scargle(lc, frequency=f).power, expected, rtol=1e-6)


def test_errors_of_periods_are_their_scatter():
    pulls = []
    for seed in range(100):
        found = lomb_scargle(irregular(seed=seed), max_frequency=0.3)
        pulls.append((found.best_frequency.value - 1 / 7) / found.best_frequency.error)
    pulls = np.array(pulls)
    assert abs(pulls.mean()) < 4 / np.sqrt(100)
    assert pulls.std() == pytest.approx(1.0, abs=4 / np.sqrt(200) + 0.05)
    period = found.period
    assert period.value == pytest.approx(1 / found.best_frequency.value, rel=1e-12)


def test_default_grid_reaches_from_one_cycle_to_the_median_spacing():
    lc = irregular()
    found = lomb_scargle(lc)
    span = np.ptp(lc.time)
    assert found.frequency[0] == pytest.approx(1 / span)
    assert np.diff(found.frequency)[0] == pytest.approx(1 / (5 * span))
    assert found.frequency[-1] <= 0.5 / np.median(np.diff(lc.time))
    assert found.frequency[-1] + 1 / (5 * span) > 0.5 / np.median(np.diff(lc.time))


def test_white_noise_has_uniform_false_alarm_probabilities():
    p = []
    for seed in range(100):
        lc = irregular(60, amplitude=0.0, seed=seed)
        p.append(lomb_scargle(lc, max_frequency=0.3).false_alarm_probability())
    # The bound of Baluev is sharp for small p only.
    small = np.mean(np.array(p) < 0.2)
    assert small == pytest.approx(0.2, abs=4 * np.sqrt(0.2 * 0.8 / 100))


def test_bootstrap_repeats_with_its_seed():
    found = lomb_scargle(irregular(60, amplitude=0.2), max_frequency=0.2)
    first, again = (found.false_alarm_probability(method="bootstrap", seed=3) for _ in range(2))
    assert first == again
    assert 0 <= first <= 1


def red_curve(seed, amplitude=0.0):
    """Return red noise with gaps and random sampling, and perhaps a period of 20 s."""
    rng = np.random.default_rng(seed)
    time = np.sort(rng.uniform(0, 400, 100))
    blank = ak.LightCurve(time, np.full(100, 10.0), np.full(100, 0.05), bin_width=0.0)
    lc = simulate_lightcurve(red, blank, seed=seed, longer=4, finer=1)
    rate = lc.rate + amplitude * np.sin(2 * np.pi * time / 20)
    return ak.LightCurve(time, rate, lc.error, bin_width=0.0)


def red(f):
    return 1e-4 * f**-2.0


def test_red_noise_is_no_period_and_a_period_in_it_is():
    found = lomb_scargle(red_curve(1), max_frequency=0.2)
    assert found.false_alarm_probability() < 1e-3  # as if it were white
    test = found.red_noise_test(red, 100, seed=1)
    assert test.p_value.value > 0.05
    with_period = lomb_scargle(red_curve(1, amplitude=4.0), max_frequency=0.2)
    test = with_period.red_noise_test(red, 100, seed=1)
    assert test.frequency == pytest.approx(0.05, abs=0.002)
    assert test.test.n_exceeding == 0


def test_red_noise_p_is_uniform_without_a_period():
    p = []
    for seed in range(40):
        found = lomb_scargle(red_curve(100 + seed), max_frequency=0.1)
        test = found.red_noise_test(red, 19, seed=seed).test
        p.append((test.n_exceeding + np.random.default_rng(seed).random()) / 20)
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_workers_change_nothing():
    found = lomb_scargle(red_curve(1), max_frequency=0.05)
    alone = found.red_noise_test(red, 120, seed=4)
    with ThreadPoolExecutor(2) as executor:
        shared = found.red_noise_test(red, 120, seed=4, executor=executor)
    np.testing.assert_array_equal(alone.test.simulated, shared.test.simulated)
    assert {"lomb1976", "scargle1982"} <= set(ak.cite(alone).keys)


def test_fit_of_a_spectrum_may_be_the_red_noise():
    time = np.arange(512.0)
    lc = simulate_lightcurve(
        lambda f: 1e-3 * f**-1.5, ak.LightCurve(time, np.full(512, 10.0), np.full(512, 0.1)), seed=2
    )
    pg = ak.timing.Periodogram.from_lightcurve(lc)
    noise = ak.timing.Constant(constant=pg.noise_level)
    fit = ak.timing.PSDProblem(pg, ak.timing.PowerLaw() + noise).fit()
    test = lomb_scargle(lc, max_frequency=0.2).red_noise_test(fit, 60, seed=1)
    assert test.p_value.value > 0.01


def test_invalid_bins_are_left_out():
    lc = irregular()
    rate = lc.rate.copy()
    rate[[3, 70]] = np.nan
    gapped = ak.LightCurve(lc.time, rate, lc.error)
    keep = np.isfinite(rate)
    without = ak.LightCurve(lc.time[keep], lc.rate[keep], lc.error[keep])
    f = np.linspace(0.05, 0.3, 50)
    a, b = (lomb_scargle(c, frequency=f).power for c in (gapped, without))
    np.testing.assert_allclose(a, b, rtol=1e-12)


def test_plots_draw_their_data():
    found = lomb_scargle(red_curve(1), max_frequency=0.2)
    assert set(found.plot_data()) == {"frequency", "power"}
    assert "Lomb-Scargle" in found.plot().get_ylabel()
    test = found.red_noise_test(red, 50, seed=1)
    assert {"mean", "level_95", "level_99"} < set(test.plot_data())
    assert test.plot().get_title().startswith("p ")
    assert "candidate" in repr(test)
    assert "highest peak" in repr(found)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda lc: lomb_scargle(lc, normalization="leahy"), InputError, "standard"),
        (lambda lc: lomb_scargle(lc, terms=0), InputError, "terms"),
        (lambda lc: lomb_scargle(lc[:4]), InputError, "too few"),
        (lambda lc: lomb_scargle(lc, max_frequency=1e9), InputError, "max_frequency"),
        (lambda lc: lomb_scargle(lc, max_frequency=3 * u.m), UnitError, "max_frequency"),
        (lambda lc: lomb_scargle(lc.rate), InputError, "LightCurve"),
        (lambda lc: lomb_scargle(lc).false_alarm_probability(method="x"), InputError, "baluev"),
        (lambda lc: lomb_scargle(lc, terms=2).false_alarm_probability(), InputError, "bootstrap"),
        (
            lambda lc: lomb_scargle(ak.LightCurve(lc.time, np.ones(150), lc.error)),
            InputError,
            "constant",
        ),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call(irregular())
