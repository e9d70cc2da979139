"""Cross spectra: coherence and lags of simulated pairs with known truth, and of other code."""

from __future__ import annotations

import warnings

import matplotlib as mpl
import numpy as np
import pytest

import astrokit as ak
from astrokit.errors import AstrokitWarning, InputError
from astrokit.timing import CrossSpectrum, Hann, timmer_koenig

mpl.use("Agg")


def pair(delay, *, n=16384, slope=1.0, noise=0.05, common=1.0, seed=1, gap=False, level=0.1):
    """Return two curves, the second behind by `delay`; a part of each power is its own."""
    size = n + 64

    def psd(f):
        return level * (f / 0.01) ** -slope

    shared = timmer_koenig(psd, size, 1.0, seed=seed, longer=2)
    own = [timmer_koenig(psd, n, 1.0, seed=seed + k, longer=2) for k in (1000, 2000)]
    rng = np.random.default_rng(seed)
    curves = []
    for shift, mine in zip((0, delay), own, strict=True):
        part = shared[64 - shift : 64 - shift + n]
        rate = 1 + np.sqrt(common) * part + np.sqrt(1 - common) * mine
        rate = 10 * (rate + noise * rng.normal(size=n))
        if gap:
            rate[5000 + shift * 10 : 5100] = np.nan
        curves.append(ak.LightCurve(np.arange(n) + 0.5, rate, np.full(n, 10 * noise)))
    return curves


def test_a_known_delay_is_found_at_all_frequencies():
    cross = CrossSpectrum.from_lightcurves(*pair(4), 512).log_binned(1.5)
    low = cross.frequency < 0.08
    pull = (cross.time_lag - 4.0) / cross.time_lag_error
    assert np.abs(pull[low]).max() < 4
    assert np.all(cross.time_lag_error[low] < 4)


def test_the_order_of_the_curves_is_the_sign():
    first, second = pair(4)
    ahead = CrossSpectrum.from_lightcurves(first, second, 512).lag(0.005, 0.03)
    behind = CrossSpectrum.from_lightcurves(second, first, 512).lag(0.005, 0.03)
    assert ahead.value == pytest.approx(-behind.value, rel=1e-9)
    assert abs(ahead.sigma_from(4.0)) < 4
    assert ahead.value > 0
    assert ahead.unit.to_string() == "s"


def test_errors_of_phase_lags_are_their_scatter():
    """Half the power is common to both: coherence 1/4, far from the easy case of 1."""
    pulls = []
    for seed in range(40):
        curves = pair(0, n=4096, common=0.5, seed=seed)
        cross = CrossSpectrum.from_lightcurves(*curves, 256).log_binned(1.5)
        inside = (cross.frequency > 0.01) & (cross.frequency < 0.1)
        pulls.append((cross.phase_lag / cross.phase_lag_error)[inside])
    pulls = np.array(pulls)
    # The scatter of n pulls has the relative error 1 / sqrt(2 n); the formula is of first order.
    assert pulls.std() == pytest.approx(1.0, abs=0.12 + 4 / np.sqrt(2 * pulls.size))
    assert abs(pulls.mean()) < 4 / np.sqrt(pulls.size)


def test_coherence_without_noise_is_found_behind_noise():
    """The common part of the power is 0.8 of each: squared coherence 0.64."""
    found, raw, error = [], [], []
    for seed in range(30):
        cross = CrossSpectrum.from_lightcurves(*pair(0, common=0.8, noise=0.1, seed=seed), 512)
        binned = cross.log_binned(3.0)
        k = int(np.argmin(np.abs(binned.frequency - 0.02)))
        assert binned.is_significant[k]
        found.append(binned.coherence[k])
        raw.append(binned.raw_coherence[k])
        error.append(binned.coherence_error[k])
    scatter = np.std(found, ddof=1)
    assert np.mean(found) == pytest.approx(0.64, abs=0.01 + 4 * scatter / np.sqrt(30))
    assert np.mean(raw) < np.mean(found) - 0.01
    assert np.mean(error) == pytest.approx(scatter, rel=4 / np.sqrt(2 * 29))


def test_curves_with_nothing_in_common():
    cross = CrossSpectrum.from_lightcurves(*pair(0, common=0.0), 512).log_binned(2.0)
    # |C|^2 / (P1 P2) of independent curves has the mean 1/m.
    assert np.mean(cross.raw_coherence * cross.n_averaged) < 4
    assert np.mean(cross.phase_lag_error) > 0.5


def test_a_taper_keeps_the_lag_of_steep_spectra():
    """Leakage is common to both curves and has no lag: without a taper the lag is diluted."""
    with_taper, without = [], []
    for seed in range(8):
        curves = pair(5, slope=2.5, noise=1e-3, seed=seed, level=1e-3)
        for store, taper in ((with_taper, Hann()), (without, None)):
            cross = CrossSpectrum.from_lightcurves(*curves, 256, taper=taper)
            store.append(cross.lag(0.02, 0.06).value)
    assert np.mean(with_taper) == pytest.approx(5.0, abs=0.1 + 4 * np.std(with_taper) / np.sqrt(8))
    assert np.mean(without) < 3.5


def test_averages_over_frequency_count_correlated_ordinates_less():
    curves = pair(0)
    plain = CrossSpectrum.from_lightcurves(*curves, 512, taper=None)
    tapered = CrossSpectrum.from_lightcurves(*curves, 512, taper=Hann())
    a, b = plain.log_binned(2.0).n_averaged, tapered.log_binned(2.0).n_averaged
    assert a.sum() == pytest.approx(plain.n_averaged.sum(), rel=1e-12)
    assert a[-1] / b[-1] == pytest.approx(35 / 18, rel=0.03)  # see the tests of the tapers
    assert b[0] == pytest.approx(a[0], rel=1e-9)  # one ordinate alone


def test_gaps_of_both_curves_are_left_out():
    cross = CrossSpectrum.from_lightcurves(*pair(4, gap=True), 512)
    assert cross.segments.n == 9 + 22
    assert abs(cross.lag(0.005, 0.03).sigma_from(4.0)) < 4


def test_unknown_noise_leaves_the_raw_numbers():
    cross = CrossSpectrum.from_lightcurves(*pair(4), 512, noise="none")
    assert np.isfinite(cross.raw_coherence).all()
    with pytest.raises(InputError, match="raw_coherence"):
        _ = cross.coherence
    upper, _ = cross.plot()
    assert "Raw" in upper.get_ylabel()


def test_plot_draws_its_data():
    cross = CrossSpectrum.from_lightcurves(*pair(4), 512)
    data = cross.plot_data()
    assert data["frequency"].size < 40
    upper, lower = cross.plot()
    assert "Coherence" in upper.get_ylabel()
    assert "Lag" in lower.get_ylabel()
    assert "second curve lags" in repr(cross)


def other(n=1000, **options):
    return ak.LightCurve(np.arange(n) + 0.5, pair(0, n=n)[0].rate, np.ones(n), **options)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda a: CrossSpectrum.from_lightcurves(a, other(900), 64), "same bins"),
        (lambda a: CrossSpectrum.from_lightcurves(a, a.in_time_unit("d"), 64), "time units"),
        (lambda a: CrossSpectrum.from_lightcurves(a, a.rate, 64), "LightCurve"),
        (lambda a: CrossSpectrum.from_lightcurves(a, a, 64, noise=(1.0,)), "each curve"),
        (lambda a: CrossSpectrum.from_lightcurves(a, a, 64, taper="hann"), "taper"),
        (lambda a: CrossSpectrum.from_lightcurves(a, a, 64).lag(3.0, 4.0), "no frequency"),
        (lambda a: CrossSpectrum.from_lightcurves(a, a, 64).log_binned(0.5), "ratio"),
    ],
)
def test_refusals(call, words):
    with pytest.raises(InputError, match=words):
        call(other())


def test_lags_and_powers_are_those_of_stingray():
    before = np.geterr()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stingray = pytest.importorskip("stingray", reason="stingray is not installed (extra peers)")
        rng = np.random.default_rng(1)
        counts = rng.poisson(200 + 40 * np.sin(np.arange(4106) / 7.0)).astype(float)
        first, second = counts[8:4104], rng.poisson(0.5 * counts[5:4101]).astype(float)
        time = np.arange(4096) + 0.5
        theirs = stingray.AveragedCrossspectrum(
            *(stingray.Lightcurve(time, c, dt=1.0, skip_checks=True) for c in (first, second)),
            segment_size=256,
            norm="frac",
            silent=True,
        )
        lag, error = theirs.time_lag()
    np.seterr(**before)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        curves = [ak.LightCurve(time, c) for c in (first, second)]
    ours = CrossSpectrum.from_lightcurves(*curves, 256, noise="poisson", taper=None)
    np.testing.assert_allclose(ours.frequency, theirs.freq, rtol=1e-12)
    # Its first curve is the one whose lag is given: the sign is the other one.
    np.testing.assert_allclose(ours.cross, np.conj(theirs.power), rtol=1e-9)
    np.testing.assert_allclose(ours.time_lag, -lag, rtol=1e-9, atol=1e-12)
    strong = ours.raw_coherence > 0.5
    np.testing.assert_allclose(ours.time_lag_error[strong], error[strong], rtol=0.1)
