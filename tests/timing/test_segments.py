"""Segments between gaps, and their average periodogram: a problem on the backend like any other."""

from __future__ import annotations

import warnings
from typing import ClassVar

import numpy as np
import pytest
from astropy import units as u
from scipy import stats

import astrokit as ak
from astrokit.errors import AstrokitWarning, InputError, ShapeError
from astrokit.inference import Uniform
from astrokit.timing import (
    Constant,
    Periodogram,
    PowerLaw,
    PSDProblem,
    Segments,
    averaged_periodogram,
    timmer_koenig,
)
from tests.contract import ProblemContract


def curve(n=4096, gaps=(), seed=1, error=0.5):
    """Return white noise around 10 with errors, and with gaps of bins."""
    rate = 10 + np.random.default_rng(seed).normal(0, error, n)
    for start, stop in gaps:
        rate[start:stop] = np.nan
    return ak.LightCurve(np.arange(n) + 0.5, rate, np.full(n, error))


class TestAverageOfSegmentsBetweenGaps(ProblemContract):
    truth: ClassVar = {"slope": 1.0, "log_amplitude": -6.0, "constant": 0.01}
    n_scores = 200

    @pytest.fixture
    def problem(self):
        red = timmer_koenig(lambda f: np.exp(-6.0) * (f / 0.03) ** -1.0, 8192, 1.0, seed=2)
        rate = 10 * (1 + red) + np.random.default_rng(3).normal(0, np.sqrt(0.5), 8192)
        rate[3000:3100] = np.nan
        lc = ak.LightCurve(np.arange(8192) + 0.5, rate, np.full(8192, np.sqrt(0.5)))
        return PSDProblem(averaged_periodogram(lc, 512), PowerLaw(pivot=0.03) + Constant())

    def refused_units(self):
        return [lambda: Segments.cut(curve(), 100 * u.m)]


def test_posterior_of_averages_is_calibrated():
    """Truths from the prior: coverage is binomial around its level."""
    pg = averaged_periodogram(curve(1024), 64)
    model = PowerLaw(slope=Uniform(0, 3), log_amplitude=Uniform(-6, 0), pivot=0.1)
    sampling = {"ensembles": 1, "until": 10.0, "max_steps": 1000}
    result = ak.calibrate(PSDProblem(pg, model), 100, draws=19, sampling=sampling, seed=2)
    assert np.abs(result.coverage_table()["deviation"]).max() < 4


def test_no_segment_holds_a_gap_and_none_is_wasted():
    lc = curve(1000, gaps=[(95, 100), (400, 401)])
    plan = Segments.cut(lc, 30.5)
    assert plan.bins == 30
    # 95 = 3 x 30 + 5, 300 = 10 x 30, 599 = 19 x 30 + 29
    assert plan.n == 3 + 10 + 19
    assert plan.n_unused == 5 + 0 + 29
    assert np.isfinite(plan.of(lc.rate)).all()
    assert "960 of 994" in repr(plan)


def test_missing_bins_are_gaps_too():
    whole = curve(1000, gaps=[(400, 410)])
    without = whole[whole.valid]
    np.testing.assert_array_equal(Segments.cut(without, 64).starts, Segments.cut(whole, 64).starts)
    a, b = (averaged_periodogram(lc, 64) for lc in (whole, without))
    np.testing.assert_allclose(a.power, b.power, rtol=1e-12)


def test_without_gaps_it_is_the_periodogram_of_equal_pieces():
    lc = curve(1024)
    ours = averaged_periodogram(lc, 128, normalization="leahy")
    theirs = Periodogram.from_lightcurve(lc, normalization="leahy", segments=8)
    np.testing.assert_allclose(ours.power, theirs.power, rtol=1e-12)
    np.testing.assert_array_equal(ours.degrees_of_freedom, theirs.degrees_of_freedom)
    assert ours.noise_level == pytest.approx(theirs.noise_level, rel=1e-12)
    assert ours.n_segments == 8


def test_ordinates_are_gamma_variates_around_the_noise_level():
    power = [averaged_periodogram(curve(512, [(100, 120)], seed=s), 50) for s in range(60)]
    level = 2 * 0.25 / 100
    values = np.concatenate([pg.power[:-1] for pg in power])
    shape = power[0].degrees_of_freedom[0] / 2
    assert power[0].n_segments == 2 + 7
    assert stats.kstest(values, stats.gamma(shape, scale=level / shape).cdf).pvalue > 1e-3


def test_noise_level_is_that_of_the_bins_used():
    error = np.full(200, 0.1)
    error[60:100] = 5.0  # in no segment
    rate = 10 + error * np.random.default_rng(1).normal(size=200)
    rate[[59, 100]] = np.nan
    pg = averaged_periodogram(ak.LightCurve(np.arange(200.0), rate, error), 50)
    assert pg.noise_level * pg.mean_rate**2 == pytest.approx(2 * 0.01, rel=1e-9)


def test_repr_says_how_much_was_used():
    pg = averaged_periodogram(curve(1000, [(400, 410)]), 64)
    assert "of 990 valid bins used" in repr(pg)


def magnitudes():
    info = ak.lightcurve.LightCurveInfo(rate_unit="mag")
    return ak.LightCurve(np.arange(100.0), curve(100).rate, np.ones(100), info=info)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Segments.cut(curve(100, [(50, 51)]), 60), InputError, "up to 50"),
        (lambda: Segments.cut(curve(100), 5), ShapeError, "at least 8"),
        (lambda: Segments.cut(curve(100), -5), InputError, "length"),
        (lambda: Segments.cut([1, 2, 3], 5), InputError, "LightCurve"),
        (lambda: averaged_periodogram(curve(100), 20, noise="loud"), InputError, "noise"),
        (lambda: averaged_periodogram(curve(100), 20, normalization="x"), InputError, "leahy"),
        (lambda: averaged_periodogram(magnitudes(), 20), InputError, "magnitudes"),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_constant_curve_is_refused():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        lc = ak.LightCurve(np.arange(100.0), np.full(100, 3.0))
    with pytest.raises(InputError, match="constant"):
        averaged_periodogram(lc, 20)
