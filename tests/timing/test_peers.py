"""The same numbers from another package, where it is installed (extra ``peers``)."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import astrokit as ak
from astrokit.timing import (
    Periodogram,
    PowerLaw,
    PSDProblem,
    excess_variance,
    fractional_variability,
)


@pytest.fixture(scope="module")
def stingray():
    # Parts of it tell NumPy, on import, to warn of underflow everywhere; later tests must not.
    before = np.geterr()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield pytest.importorskip("stingray", reason="stingray is not installed (extra peers)")
    np.seterr(**before)


@pytest.fixture
def rates():
    """Return times, counts and bin width of an even number of bins."""
    rng = np.random.default_rng(4)
    return np.arange(512) * 0.5, rng.poisson(200 + 40 * np.sin(np.arange(512) / 30)), 0.5


def peer_curve(stingray, rates):
    time, counts, dt = rates
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return stingray.Lightcurve(time, counts, dt=dt, skip_checks=True, err_dist="poisson")


@pytest.mark.parametrize(
    ("ours", "theirs"), [("fractional", "frac"), ("absolute", "abs"), ("leahy", "leahy")]
)
def test_periodogram_in_three_normalizations(stingray, rates, ours, theirs):
    time, counts, dt = rates
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = stingray.Powerspectrum(peer_curve(stingray, rates), norm=theirs)
    lc = ak.LightCurve(time, counts / dt, np.sqrt(counts) / dt)
    pg = Periodogram.from_lightcurve(lc, normalization=ours)
    shared = min(len(pg), len(peer.freq))
    np.testing.assert_allclose(pg.frequency[:shared], peer.freq[:shared], rtol=1e-10)
    np.testing.assert_allclose(pg.power[:shared], peer.power[:shared], rtol=1e-8)


def test_excess_variance(stingray, rates):
    from stingray.utils import excess_variance as peer_excess_variance

    curve = peer_curve(stingray, rates)
    counts, sigma = curve.counts.astype(float), np.asarray(curve.counts_err)
    noise, mean, n = np.mean(sigma**2), np.mean(counts), counts.size
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        variance, _ = peer_excess_variance(curve, normalization="none")
        fvar, _ = peer_excess_variance(curve, normalization="fvar")
    # Its variance divides by n, ours by n - 1.
    ours = (excess_variance(counts, sigma).value + noise) * (n - 1) / n - noise
    assert ours == pytest.approx(variance, rel=1e-10)
    square = (fractional_variability(counts, sigma).value * mean) ** 2
    assert (square + noise) * (n - 1) / n - noise == pytest.approx((fvar * mean) ** 2, rel=1e-10)


def test_whittle_likelihood(stingray):
    from astropy.modeling.models import PowerLaw1D

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from stingray.modeling import PSDLogLikelihood
    f = np.arange(1, 101) / 200
    power = np.random.default_rng(5).exponential(size=100) / f
    model = PowerLaw1D(amplitude=1.3, x_0=1.0, alpha=1.1)
    model.x_0.fixed = True
    peer = PSDLogLikelihood(f, power, model, m=1)
    problem = PSDProblem(Periodogram(f, power), PowerLaw(pivot=1.0))
    difference = [
        problem.log_likelihood([alpha, np.log(amplitude)])[0] - peer([amplitude, alpha])
        for alpha, amplitude in ((1.1, 1.3), (0.7, 2.0))
    ]
    # Up to a constant that it adds.
    assert difference[0] == pytest.approx(difference[1], abs=1e-8)
