"""Simulated fluxes: their distribution, their spectrum, their convergence, their seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import astrokit as ak
from astrokit.errors import InputError, NonFiniteError
from astrokit.randomness import spawn
from astrokit.timing import emmanoulopoulos, timmer_koenig

LOGNORMAL = stats.lognorm(0.6, scale=10.0)


def red(f):
    """Return a power law."""
    return f**-1.5


def amplitudes(x):
    """Return Fourier amplitudes in units of the standard deviation."""
    x = x - x.mean(axis=1, keepdims=True)
    return np.abs(np.fft.rfft(x, axis=1))[:, 1:] / x.std(axis=1, keepdims=True)


def partners(psd, n, curves, seed):
    """Return the Gaussian realisations behind simulated fluxes."""
    return np.array([timmer_koenig(psd, n, 1.0, seed=child) for child in spawn(seed, curves)])


def flattening(flux, slope, scope, seed):
    """Return mean and error of (slope of the curves) - (slope of their Gaussian partners)."""
    n, curves = 256, 60

    def spectrum(f):
        return f**-slope

    made = emmanoulopoulos(spectrum, flux, n, 1.0, n_curves=curves, scope=scope, seed=seed)
    partner = partners(spectrum, n, curves, seed)
    x = np.log(np.arange(1, n // 4))
    ours, theirs = (
        -np.polyfit(x, 2 * np.log(amplitudes(curve)[:, : x.size]).T, 1)[0]
        for curve in (made.values, partner)
    )
    assert made.converged.all()
    return (theirs - ours).mean(), (theirs - ours).std() / np.sqrt(curves)


def test_per_curve_each_curve_follows_the_distribution():
    made = emmanoulopoulos(red, LOGNORMAL, 500, 2.0, n_curves=40, scope="curve", seed=1)
    p = [stats.kstest(row, LOGNORMAL.cdf).pvalue for row in made.values]
    assert stats.kstest(p, stats.uniform.cdf).pvalue > 1e-4


def test_per_process_the_ensemble_follows_it_and_the_variance_is_free():
    """One value of each curve: independent draws. Single curves see a part of the range."""
    made = emmanoulopoulos(red, LOGNORMAL, 16, 1.0, n_curves=400, seed=2, longer=8)
    for column in (0, 9):
        assert stats.kstest(made.values[:, column], LOGNORMAL.cdf).pvalue > 1e-4
    whole = emmanoulopoulos(red, LOGNORMAL, 128, 1.0, n_curves=400, scope="curve", seed=2, longer=1)
    ratio = made.values.var(axis=1).mean() / whole.values.var(axis=1).mean()
    assert ratio < 0.9  # a piece of red noise varies less than the whole


@pytest.mark.parametrize("flux", [LOGNORMAL, stats.norm(5.0, 1.0)], ids=["log-normal", "normal"])
@pytest.mark.parametrize("slope", [1.0, 2.0])
def test_per_process_spectra_are_those_of_gaussian_realisations(flux, slope):
    """The partner of a curve has its seed, so the two slopes can be held side by side."""
    mean, error = flattening(flux, slope, "process", seed=3)
    assert abs(mean) < 4 * error
    assert error < 0.05


def test_per_curve_steep_spectra_come_out_too_flat_as_the_notes_say():
    mean, error = flattening(LOGNORMAL, 2.0, "curve", seed=4)
    assert mean > 5 * error
    assert mean > 0.1


def test_more_iterations_do_not_change_what_is_left(monkeypatch):
    """What is left belongs to the method: the order repeats itself, and the mismatch stays."""
    options = {"n_curves": 10, "scope": "curve", "seed": 5}
    usual = emmanoulopoulos(red, LOGNORMAL, 256, 1.0, **options)
    monkeypatch.setattr("astrokit.timing.flux_simulation._TOLERANCE", 0.0)
    longest = emmanoulopoulos(red, LOGNORMAL, 256, 1.0, **options)
    assert longest.iterations.mean() > usual.iterations.mean()
    assert np.median(longest.mismatch) > 0.8 * np.median(usual.mismatch)


def test_mismatch_is_what_is_left_between_the_amplitudes():
    made = emmanoulopoulos(red, LOGNORMAL, 256, 1.0, n_curves=5, scope="curve", seed=6)
    ours = amplitudes(made.values)
    theirs = amplitudes(partners(red, 256, 5, 6))
    left = np.sqrt(np.sum((ours - theirs) ** 2, axis=1) / np.sum(theirs**2, axis=1))
    np.testing.assert_allclose(made.mismatch, left, rtol=1e-6)


def test_measured_fluxes_can_be_the_distribution():
    fluxes = np.random.default_rng(1).gamma(3.0, size=300)
    like = ak.LightCurve(np.arange(300.0), fluxes)
    by_curve = emmanoulopoulos(red, like, 400, 1.0, n_curves=2, scope="curve", seed=4)
    by_array = emmanoulopoulos(red, fluxes, 400, 1.0, n_curves=2, scope="curve", seed=4)
    np.testing.assert_array_equal(by_curve.values, by_array.values)
    assert stats.ks_2samp(by_curve.values[0], fluxes).pvalue > 1e-4
    assert fluxes.min() <= by_curve.values.min() <= by_curve.values.max() <= fluxes.max()


def test_a_curve_does_not_depend_on_how_many_are_made(monkeypatch):
    many = emmanoulopoulos(red, LOGNORMAL, 300, 1.0, n_curves=9, seed=5)
    few = emmanoulopoulos(red, LOGNORMAL, 300, 1.0, n_curves=4, seed=5)
    np.testing.assert_array_equal(few.values, many.values[:4])
    np.testing.assert_array_equal(few.iterations, many.iterations[:4])
    monkeypatch.setattr("astrokit.timing.flux_simulation._BLOCK_VALUES", 600)
    blocks = emmanoulopoulos(red, LOGNORMAL, 300, 1.0, n_curves=9, seed=5)
    np.testing.assert_array_equal(blocks.values, many.values)
    other = emmanoulopoulos(red, LOGNORMAL, 300, 1.0, seed=spawn(5, 2)[1])
    assert not np.array_equal(other.values[0], many.values[1])  # its own first child


def test_giving_up_is_said():
    made = emmanoulopoulos(red, LOGNORMAL, 512, 1.0, n_curves=3, seed=6, max_iterations=1)
    assert not made.converged.any()
    assert made.iterations.tolist() == [1, 1, 1]
    assert "0 converged" in repr(made)


class Broken:
    """A distribution with an infinite value."""

    def ppf(self, u):
        return np.where(u > 0.5, np.inf, 1.0)


@pytest.mark.parametrize(
    ("flux", "error", "words"),
    [
        (stats.norm.rvs, InputError, "ppf"),
        ("lognormal", InputError, "LightCurve"),
        ([2.0, 2.0, 2.0], InputError, "constant"),
        ([1.0, np.inf], NonFiniteError, "flux"),
        (Broken(), InputError, "finite"),
    ],
)
def test_fluxes_that_are_refused(flux, error, words):
    with pytest.raises(error, match=words):
        emmanoulopoulos(red, flux, 64, 1.0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scope": "both"}, "scope"),
        ({"n": 3}, "n >= 4"),
        ({"n_curves": 0}, "n_curves"),
        ({"max_iterations": 0}, "max_iter"),
    ],
)
def test_numbers_that_are_refused(options, words):
    n = options.pop("n", 64)
    with pytest.raises(InputError, match=words):
        emmanoulopoulos(red, LOGNORMAL, n, 1.0, **options)


def test_any_sampling_can_have_a_flux_distribution():
    """Points of an irregular curve, each of an independent realisation: draws of the law."""
    rng = np.random.default_rng(1)
    like = ak.LightCurve(np.cumsum(rng.uniform(1, 3, 24)), np.ones(24), bin_width=0.0)
    options = {"noise": False, "flux": LOGNORMAL, "longer": 4, "finer": 1}
    rates = ak.timing.simulate_rates(red, like, 300, seed=3, **options)
    for column in (0, 13):
        assert stats.kstest(rates[:, column], LOGNORMAL.cdf).pvalue > 1e-4
    one = ak.timing.simulate_lightcurve(red, like, seed=3, **options)
    np.testing.assert_array_equal(one.rate, rates[0])
    near, far = (np.corrcoef(np.log(rates[:, [4, k]]).T)[0, 1] for k in (5, 20))
    assert near > far + 0.1  # still red


def test_bins_of_fluxes_are_averages_and_noise_comes_on_top():
    like = ak.LightCurve(np.arange(50.0), np.ones(50), np.full(50, 0.5))
    options = {"flux": stats.norm(100.0, 1.0), "seed": 5, "longer": 2}
    clean, noisy = (
        ak.timing.simulate_rates(red, like, 40, noise=n, **options) for n in (False, True)
    )
    assert (noisy - clean).std() == pytest.approx(0.5, rel=4 / np.sqrt(2 * 2000))
    with pytest.raises(InputError, match="mean"):
        ak.timing.simulate_rates(red, like, 2, mean=3.0, **options)
