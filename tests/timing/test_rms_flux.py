"""The rms-flux relation: calibrated on processes with and without one, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

import astrokit as ak
from astrokit.errors import InputError, ShapeError
from astrokit.timing import rms_flux_relation, timmer_koenig

N = 1500


def red_noise(f):
    return 2e-5 * f**-1.5


def curve(kind, seed, error=0.3):
    g = timmer_koenig(red_noise, N, 100.0, seed=seed)
    rate = 10 * (1 + g) if kind == "gaussian" else 10 * np.exp(g)
    rate = rate + np.random.default_rng(seed).normal(0, error, N)
    return ak.LightCurve(np.arange(N) * 100.0 + 50, rate, np.full(N, error))


def pulls(kind, name, n=120):
    """Return how far an estimate that should be zero is from it, in its errors."""
    results = [getattr(rms_flux_relation(curve(kind, seed)), name) for seed in range(n)]
    return np.array([e.value / e.error for e in results])


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), [("gaussian", "slope"), ("log-normal", "intercept")])
def test_errors_are_calibrated(kind, name):
    """A Gaussian process has no slope; one with a Gaussian logarithm a line through the origin.

    With n = 120 the mean scatters by 0.09, the standard deviation by 0.065, the coverage by 0.042.
    """
    p = pulls(kind, name)
    assert abs(p.mean()) < 4 * 0.09
    assert abs(p.std(ddof=1) - 1) < 4 * 0.065
    assert abs(np.mean(np.abs(p) < 1) - 0.683) < 4 * 0.042


def test_log_normal_noise_has_a_slope_and_gaussian_noise_has_none():
    significance = {
        kind: np.median([rms_flux_relation(curve(kind, s)).significance for s in range(8)])
        for kind in ("gaussian", "log-normal")
    }
    assert abs(significance["gaussian"]) < 1.5
    assert significance["log-normal"] > 2


def test_noise_is_subtracted():
    """Errors of 1 ct/s are ten times the rms within segments of this weak variability."""
    quiet, noisy = (
        rms_flux_relation(curve("log-normal", 3, error), segment=15).rms_at_mean
        for error in (0.01, 0.6)
    )
    assert abs(noisy.sigma_from(quiet)) < 4


def test_rms_of_white_noise_is_its_standard_deviation():
    rng = np.random.default_rng(4)
    lc = ak.LightCurve(np.arange(2000.0), rng.normal(20, 1.5, 2000), np.full(2000, 0.5))
    rms = rms_flux_relation(lc, segment=20, points=5).rms_at_mean
    assert abs(rms.sigma_from(np.sqrt(1.5**2 - 0.5**2))) < 4


def test_errors_hold_where_noise_exceeds_the_rms():
    """Errors ten times the rms of most segments: a line that turns negative must not rise again.

    With n = 60 the standard deviation of pulls scatters by 0.09.
    """
    p = []
    for seed in range(60):
        g = timmer_koenig(lambda f: 4e-8 * f**-2.2, 600, 100.0, seed=seed)
        rate = 10 * (1 + g) + np.random.default_rng(seed).normal(0, 0.3, 600)
        lc = ak.LightCurve(np.arange(600) * 100.0, rate, np.full(600, 0.3))
        slope = rms_flux_relation(lc).slope
        p.append(slope.value / slope.error)
    assert np.std(p, ddof=1) < 1 + 4 * 0.09
    assert max(np.abs(p)) < 4


def test_segments_do_not_cross_gaps():
    lc = curve("log-normal", 1)
    rate = np.where(np.arange(N) % 50 < 38, lc.rate, np.nan)
    relation = rms_flux_relation(ak.LightCurve(lc.time, rate, lc.error), segment=12)
    assert relation.n_segments == 3 * (N // 50)
    missing = np.isfinite(rate)
    shorter = rms_flux_relation(
        ak.LightCurve(lc.time[missing], rate[missing], lc.error[missing], bin_width=100.0),
        segment=12,
    )
    assert shorter.slope.value == pytest.approx(relation.slope.value)


def test_plot_and_words():
    relation = rms_flux_relation(curve("log-normal", 2), points=6)
    data = relation.plot_data()
    assert data.flux.size == 6
    assert np.all(np.diff(data.flux) > 0)
    assert np.all((data.lower >= 0) & (data.upper >= 0))
    assert data.line_rms.min() >= 0
    ax = relation.plot()
    assert ax.get_xlabel() == "Mean rate (ct / s)"
    assert "rms_flux_slope" in repr(relation)
    assert "uttley2001" in ak.cite(relation).keys


def test_what_is_refused():
    lc = curve("gaussian", 1)
    with pytest.raises(InputError, match="light curve"):
        rms_flux_relation(lc.rate)
    with pytest.raises(InputError, match="no errors"):
        rms_flux_relation(ak.LightCurve(lc.time, lc.rate))
    with pytest.raises(InputError, match="too short"):
        rms_flux_relation(lc, segment=4)
    with pytest.raises(InputError, match="number of points"):
        rms_flux_relation(lc, points=2)
    with pytest.raises(ShapeError, match="more segments"):
        rms_flux_relation(lc[:100])
    constant = np.random.default_rng(1).normal(10, 0.1, N)
    with pytest.raises(InputError, match="no more than their noise"):
        rms_flux_relation(ak.LightCurve(lc.time, constant, np.full(N, 0.15)))
    uneven = np.cumsum(np.random.default_rng(1).exponential(1.0, N))
    with pytest.raises(InputError, match="no regular grid"):
        rms_flux_relation(ak.LightCurve(uneven, lc.rate, lc.error))
