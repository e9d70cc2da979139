"""Priors against scipy.stats, and what must hold for any of them."""

from __future__ import annotations

import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from astrokit.errors import ParameterError
from astrokit.inference import HalfNormal, LogNormal, LogUniform, Normal, TruncatedNormal, Uniform
from astrokit.inference.priors import as_prior, prior_from_dict

PAIRS = [
    (Uniform(-2, 5), stats.uniform(-2, 7)),
    (LogUniform(1e-3, 1e4), stats.loguniform(1e-3, 1e4)),
    (Normal(1.5, 0.3), stats.norm(1.5, 0.3)),
    (TruncatedNormal(0.0, 1.0, -0.5, 2.0), stats.truncnorm(-0.5, 2.0)),
    (TruncatedNormal(1.0, 2.0, 0.0), stats.truncnorm(-0.5, math.inf, 1.0, 2.0)),
    (HalfNormal(2.5), stats.halfnorm(0, 2.5)),
    (LogNormal(0.4, 0.7), stats.lognorm(0.7, scale=math.exp(0.4))),
    (as_prior(stats.beta(2, 3)), stats.beta(2, 3)),
]
IDS = [repr(prior)[:30] for prior, _ in PAIRS]
pair = pytest.mark.parametrize(("prior", "peer"), PAIRS, ids=IDS)


@pair
def test_density_and_quantiles_are_those_of_scipy(prior, peer):
    q = np.linspace(0.001, 0.999, 201)
    x = peer.ppf(q)
    np.testing.assert_allclose(prior.ppf(q), x, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(prior.logpdf(x), peer.logpdf(x), rtol=1e-9, atol=1e-9)
    assert prior.support == pytest.approx(peer.support(), abs=1e-300)


@pair
def test_density_integrates_to_one(prior, peer):
    low, high = prior.ppf(np.array([1e-9, 1 - 1e-9]))
    inner = prior.ppf(np.array([0.1, 0.5, 0.9]))
    mass, _ = integrate.quad(
        lambda x: math.exp(prior.logpdf(x)), low, high, points=inner, limit=500
    )
    assert mass == pytest.approx(1, abs=1e-6)


@pair
def test_draws_follow_the_distribution(prior, peer):
    n = 2000
    draws = prior.sample(np.random.default_rng(1), n)
    assert stats.kstest(draws, peer.cdf).statistic < 1.95 / math.sqrt(n)
    assert prior.sample(np.random.default_rng(1), (3, 4)).shape == (3, 4)


@pair
def test_json_and_pickle_round_trip(prior, peer):
    again = prior_from_dict(json.loads(json.dumps(prior.as_dict())))
    x = peer.ppf(np.array([0.2, 0.7]))
    assert np.array_equal(again.logpdf(x), prior.logpdf(x))
    assert np.array_equal(pickle.loads(pickle.dumps(prior)).logpdf(x), prior.logpdf(x))


@pair
def test_outside_the_support_is_minus_infinity_never_nan(prior, peer):
    x = np.array([-math.inf, -1e300, -5.0, -1e-3, 0.0, 1e-3, 5.0, 1e300, math.inf])
    values = prior.logpdf(x)
    assert not np.isnan(values).any()
    low, high = prior.support
    outside = (x < low) | (x > high)
    assert np.all(values[outside] == -math.inf)


@pair
def test_compiled_numbers_give_the_density(prior, peer):
    """``c - p ln x - z^2/2`` with z of kind 0, 1 or 2 inside the support."""
    numbers = prior.compiled
    if numbers is None:
        pytest.skip("no compiled form")
    low, high, c, p, kind, mu, sigma = numbers
    for x in peer.ppf(np.linspace(0.01, 0.99, 23)):
        assert low <= x <= high
        z = {0: 0.0, 1: (x - mu) / sigma, 2: (math.log(abs(x)) - mu) / sigma}[int(kind)]
        value = c - (p * math.log(x) if p else 0.0) - 0.5 * z * z
        assert value == pytest.approx(peer.logpdf(x), abs=1e-9)


# -- any parameters ------------------------------------------------------------------------------

number = st.floats(-1e6, 1e6)
positive = st.floats(1e-6, 1e6)
probability = st.floats(0, 1, exclude_min=True, exclude_max=True)


@given(number, positive, st.lists(probability, min_size=2, max_size=20))
def test_quantiles_rise_and_stay_inside(mean, sigma, q):
    q = np.sort(q)
    for prior in (
        Uniform(mean, mean + sigma),
        LogUniform(sigma, 10 * sigma),
        Normal(mean, sigma),
        HalfNormal(sigma),
        TruncatedNormal(mean, sigma, mean - 3 * sigma, mean + sigma),
        LogNormal(mean / 1e5, min(sigma, 3.0)),
    ):
        x = prior.ppf(q)
        low, high = prior.support
        assert np.all(np.diff(x) >= 0)
        assert np.all((x >= low) & (x <= high))
        assert not np.isnan(prior.logpdf(x)).any()


@given(st.floats(-60, 60), st.floats(0.01, 20))
def test_far_tails_of_a_truncated_normal_keep_their_mass(low, width):
    """Cut far from the mean, where a naive difference of two cdf is 0 - 0."""
    prior = TruncatedNormal(0.0, 1.0, low, low + width)
    peer = stats.truncnorm(low, low + width)
    x = low + width * np.linspace(0.01, 0.6, 7)
    np.testing.assert_allclose(prior.logpdf(x), peer.logpdf(x), rtol=1e-6, atol=1e-6)
    median = float(prior.ppf(0.5))
    assert low <= median <= low + width


# -- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: Uniform(2, 1),
        lambda: Uniform(1, 1),
        lambda: LogUniform(0, 1),
        lambda: LogUniform(-1, 1),
        lambda: Normal(0, 0),
        lambda: Normal(0, -1),
        lambda: HalfNormal(0),
        lambda: LogNormal(0, 0),
        lambda: TruncatedNormal(0, 1, 2, 1),
        lambda: as_prior((0, 1)),
        lambda: as_prior(stats.poisson(3)),
        lambda: as_prior(None),
    ],
)
def test_impossible_priors_are_refused(make):
    with pytest.raises(ParameterError):
        make()
