"""The likelihood of a light curve beside celerite2, where it is installed (extra ``peers``)."""

from __future__ import annotations

import numpy as np
import pytest

import astrokit as ak
from astrokit.timing import CARMA21, DampedRandomWalk, Lorentzian, Oscillator, PSDProblem

celerite2 = pytest.importorskip("celerite2", reason="celerite2 is not installed (extra peers)")


@pytest.fixture
def samples():
    """Return a curve of samples at irregular times, with unequal errors."""
    rng = np.random.default_rng(1)
    time = np.cumsum(0.2 + rng.exponential(1.0, 300))
    rate = 100 + np.cumsum(rng.standard_normal(300)) * 0.3
    return ak.LightCurve(time, rate, rng.uniform(0.1, 0.5, 300), bin_width=0.0)


def marginal(term, lc):
    """Return ln L of celerite2 with the mean marginalised by a flat prior."""
    process = celerite2.GaussianProcess(term, t=lc.time, yerr=lc.error)
    one = np.ones(lc.n)
    weight = one @ process.apply_inverse(one)
    mean = one @ process.apply_inverse(lc.rate) / weight
    at_mean = process.log_likelihood(lc.rate - mean)
    return at_mean - 0.5 * np.log(weight) + 0.5 * np.log(2 * np.pi)


def ours(model, lc, values):
    problem = PSDProblem(lc, model, normalization="absolute", engine="celerite")
    return problem.log_likelihood(values)[0]


def test_damped_random_walk(samples):
    tau, variance = 4.0, 1.7
    model = DampedRandomWalk(pivot=1e-9)
    expected = marginal(celerite2.terms.RealTerm(a=variance, c=1 / tau), samples)
    found = ours(model, samples, [tau, np.log(4 * tau * variance)])
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("quality", [0.3, 3.0])
def test_oscillator(samples, quality):
    f0, variance = 0.2, 1.7
    omega = 2 * np.pi * f0
    term = celerite2.terms.SHOTerm(S0=variance / (omega * quality), w0=omega, Q=quality)
    found = ours(
        Oscillator(), samples, [f0, quality, np.log(2 * quality * variance / (np.pi * f0))]
    )
    assert found == pytest.approx(marginal(term, samples), rel=1e-8)


def test_carma(samples):
    """An oscillator and its time derivative: the covariance of each is known."""
    f0, quality, beta = 0.2, 3.0, 0.6
    omega = 2 * np.pi * f0
    c, d = 0.5 * omega / quality, omega * np.sqrt(1 - 0.25 / quality**2)
    # k = exp(-c t) (a cos d t + b sin d t); minus its second derivative belongs to the derivative.
    a, b = 1.0, c / d
    A = a - beta**2 * (c**2 * a - d**2 * a - 2 * c * d * b)
    B = b - beta**2 * (c**2 * b - d**2 * b + 2 * c * d * a)
    term = celerite2.terms.ComplexTerm(a=A, b=B, c=c, d=d)
    power = 4 * omega**2 * (omega / quality) / omega**4  # at zero frequency, for variance 1
    found = ours(CARMA21(pivot=1e-9), samples, [f0, quality, beta, np.log(power)])
    assert found == pytest.approx(marginal(term, samples), rel=1e-8)


def test_line(samples):
    """Of a quality at which its wing beyond zero frequency does not count."""
    f0, quality, variance = 0.2, 1e6, 1.7
    half = 0.5 * f0 / quality
    term = celerite2.terms.ComplexTerm(a=variance, b=0.0, c=2 * np.pi * half, d=2 * np.pi * f0)
    model = Lorentzian() + DampedRandomWalk(pivot=1e-9)
    total = term + celerite2.terms.RealTerm(a=0.5, c=0.1)
    values = [f0, quality, np.log(variance / (np.pi * half)), 10.0, np.log(4 * 10.0 * 0.5)]
    assert ours(model, samples, values) == pytest.approx(marginal(total, samples), abs=1e-3)
