"""Hardness: by hand, against beta distributions and direct integration, and calibrated p-values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

import astrokit as ak
from astrokit.errors import InputError, NonFiniteError, ShapeError
from astrokit.timing.hardness import (
    bayesian_hardness_ratio,
    hardness_flux_correlation,
    hardness_ratio,
)


def curve(rate, error=0.5):
    rate = np.asarray(rate, dtype=float)
    return ak.LightCurve(np.arange(float(rate.size)), rate, np.full(rate.size, error))


def test_numbers_by_hand():
    soft, hard = curve([4.0, 2.0], 0.4), curve([4.0, 6.0], 0.2)
    difference = hardness_ratio(soft, hard)
    np.testing.assert_allclose(difference.value, [0, 0.5])
    # Derivatives of (H-S)/(H+S): 2S/64 and -2H/64.
    expected = [math.hypot(8 * 0.2, 8 * 0.4) / 64, math.hypot(4 * 0.2, 12 * 0.4) / 64]
    np.testing.assert_allclose(difference.error, expected)
    ratio = hardness_ratio(soft, hard, form="ratio")
    np.testing.assert_allclose(ratio.value, [1, 3])
    np.testing.assert_allclose(ratio.error, [math.hypot(0.1, 0.05), 3 * math.hypot(0.2, 0.2 / 6)])


@pytest.mark.parametrize("form", ["difference", "ratio"])
def test_error_is_the_scatter_of_draws(form):
    rng, n = np.random.default_rng(1), 20_000
    soft = curve(30 + rng.normal(0, 0.3, n), 0.3)
    hard = curve(20 + rng.normal(0, 0.3, n), 0.3)
    result = hardness_ratio(soft, hard, form=form)
    assert np.std(result.value) == pytest.approx(np.mean(result.error), rel=4 / math.sqrt(2 * n))


def test_gaps_and_bins_without_rate_are_counted():
    soft, hard = curve([1.0, np.nan, -3.0, 2.0]), curve([1.0, 5.0, 1.0, 2.0])
    result = hardness_ratio(soft, hard)
    np.testing.assert_array_equal(result.time, [0.0, 3.0])
    assert result.n_left_out == 1


@pytest.mark.parametrize(("soft", "hard"), [(0, 0), (3, 0), (1, 7), (40, 25)])
@pytest.mark.parametrize("index", [0.5, 1.0])
def test_without_background_it_is_a_beta_distribution(soft, hard, index):
    """The hard share of two gamma variates is Beta(H + index, S + index)."""
    e = bayesian_hardness_ratio(soft, hard, prior_index=index, level=0.9)
    share = stats.beta(hard + index, soft + index)
    low, middle, high = 2 * share.ppf([0.05, 0.5, 0.95]) - 1
    assert e.value == pytest.approx(middle, abs=1e-10)
    assert e.interval == pytest.approx((low, high), abs=1e-10)
    ratio = bayesian_hardness_ratio(soft, hard, prior_index=index, form="ratio", relative_area=0.25)
    odds = share.ppf(0.5) / (1 - share.ppf(0.5))
    assert ratio.value == pytest.approx(4 * odds, rel=1e-9)


def test_with_background_it_equals_direct_integration():
    """Posteriors of both intensities on grids, by quadrature over the background."""
    soft, hard, soft_back, hard_back, scale = 6, 9, 10, 4, 4.0
    grid = np.linspace(0, 40, 1601)

    def density(counts, background):
        xi = np.linspace(0, 20, 801)[:, None]
        joint = stats.poisson.pmf(counts, grid + xi) * stats.poisson.pmf(background, scale * xi)
        return integrate.simpson(joint, xi[:, 0], axis=0)

    p, q = density(soft, soft_back), density(hard, hard_back)
    e = bayesian_hardness_ratio(
        soft,
        hard,
        soft_background=soft_back,
        hard_background=hard_back,
        background_scale=scale,
        form="ratio",
    )
    below = integrate.cumulative_simpson(q, x=grid, initial=0) / integrate.simpson(q, grid)
    for edge, content in ((e.value, 0.5), (e.interval[0], 0.15866), (e.interval[1], 0.84134)):
        # P(H <= edge S): the distribution of H at edge times each S.
        probability = integrate.simpson(p * np.interp(edge * grid, grid, below), grid)
        assert probability / integrate.simpson(p, grid) == pytest.approx(content, abs=1e-4)


def test_many_counts_are_the_classical_case():
    e = bayesian_hardness_ratio(40_000, 60_000)
    assert e.value == pytest.approx(0.2, abs=1e-4)
    assert e.error == pytest.approx(math.sqrt(4 * 0.6 * 0.4 / 1e5), rel=1e-3)


def test_intervals_cover_truths_from_the_prior():
    """A uniform prior of the hard share, Poisson counts: 68.27 % of intervals hold the truth."""
    rng, n, held = np.random.default_rng(6), 1500, 0
    for _ in range(n):
        # Gamma(1) intensities of any common scale have a uniform share: here mean 8 for both.
        soft, hard = rng.exponential(8, 2)
        s, h = rng.poisson([soft, hard])
        # The scale of that prior is known to the truth only: it acts as further exposure for both.
        low, high = bayesian_hardness_ratio(s, h).interval
        held += low <= (hard - soft) / (hard + soft) <= high
    p = 0.6826894921370859
    assert held / n == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / n))


def test_p_values_of_constant_hardness_are_uniform():
    rng, p = np.random.default_rng(7), []
    flux = 20 + 8 * np.sin(np.arange(60) / 9)
    for seed in range(150):
        soft = curve(0.7 * flux + rng.normal(0, 0.5, 60))
        hard = curve(0.3 * flux + rng.normal(0, 0.5, 60))
        p.append(hardness_flux_correlation(soft, hard, n=99, seed=seed).p_value)
    assert np.mean(p) == pytest.approx(0.5, abs=4 * math.sqrt(1 / 12 / 150) + 0.01)  # grid of 0.02


def test_noise_shared_by_hardness_and_flux_is_no_trend():
    """Soft noise alone: hardness falls as the total rises, though the source does nothing."""
    rng = np.random.default_rng(8)
    t = np.arange(300.0)
    soft = curve(10 + rng.normal(0, 1, 300), 1.0)
    hard = ak.LightCurve(t, 10 + rng.normal(0, 0.1, 300), np.full(300, 0.1))
    result = hardness_flux_correlation(soft, hard, n=199, seed=1)
    assert result.coefficient < -0.9
    assert result.p_value > 0.01
    assert np.mean(result.simulated) < -0.9


def test_real_trend_is_found():
    flux = 20 + 8 * np.sin(np.arange(100) / 9)
    rng = np.random.default_rng(9)
    soft = curve(flux + rng.normal(0, 0.3, 100), 0.3)
    hard = curve(flux**1.4 / 5 + rng.normal(0, 0.3, 100), 0.3)
    result = hardness_flux_correlation(soft, hard, n=499, seed=1)
    assert result.coefficient > 0.8
    assert result.p_value == pytest.approx(2 / 500)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: hardness_ratio(curve([1, 2]), curve([1, 2, 3])), InputError, "different bins"),
        (lambda: hardness_ratio([1.0], curve([1, 2])), InputError, "must be a light curve"),
        (lambda: hardness_ratio(curve([1, 2]), curve([1, 2]), form="H/S"), InputError, "form"),
        (lambda: hardness_ratio(curve([-1, -2]), curve([0, 1])), ShapeError, "no bin is left"),
        (
            lambda: hardness_ratio(curve([1, 2]), ak.LightCurve([0.0, 1.0], [1.0, 2.0])),
            InputError,
            "hard curve has no errors",
        ),
        (
            lambda: hardness_ratio(curve([1.0, np.nan]), curve([np.nan, 1.0])),
            ShapeError,
            "valid in both",
        ),
        (lambda: hardness_flux_correlation(curve([1, 2]), curve([1, 2])), ShapeError, "four bins"),
        (lambda: hardness_flux_correlation(curve([1]), curve([1]), n=1), InputError, "two simul"),
        (lambda: bayesian_hardness_ratio(-1, 2), InputError, "soft_counts"),
        (lambda: bayesian_hardness_ratio(1, 2.5), InputError, "hard_counts must be a whole"),
        (lambda: bayesian_hardness_ratio(1, float("nan")), NonFiniteError, "hard_counts"),
        (lambda: bayesian_hardness_ratio(1, 2, soft_background=3), InputError, "their scale"),
        (lambda: bayesian_hardness_ratio(1, 2, relative_area=0), InputError, "relative_area"),
        (lambda: bayesian_hardness_ratio(1, 2, form="log"), InputError, "form"),
    ],
)
def test_bad_input_is_named(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_constant_bands_have_no_correlation():
    result = hardness_flux_correlation(curve([5.0] * 10), curve([5.0] * 10), n=50, seed=1)
    assert result.coefficient == 0.0
    assert result.p_value > 0.1
