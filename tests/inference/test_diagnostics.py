"""Diagnostics on series whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from astrokit.errors import InputError
from astrokit.inference.chain import ChainView, MemoryChain
from astrokit.inference.diagnostics import (
    Verdict,
    autocorrelation_time,
    diagnose,
    find_burn_in,
    split_rhat,
)


def autoregressive(n, chains, phi, seed=0):
    """First-order series of unit variance: tau = (1 + phi) / (1 - phi) exactly."""
    rng = np.random.default_rng(seed)
    x = np.empty((n, chains))
    x[0] = rng.standard_normal(chains)
    for t in range(1, n):
        x[t] = phi * x[t - 1] + math.sqrt(1 - phi**2) * rng.standard_normal(chains)
    return x


def view_of(records, thin=1):
    """Wrap records (ensembles, rows, W, d + 1)."""
    chain = MemoryChain.of(np.ascontiguousarray(records))
    return ChainView(chain, records.shape[1], tuple(range(records.shape[0])))


def ensembles(n, *, phi=0.8, walkers=16, d=2, n_ensembles=3, seed=0):
    """Records of independent autoregressive walkers, with a log density."""
    x = autoregressive(n, n_ensembles * walkers * d, phi, seed)
    x = x.reshape(n, n_ensembles, walkers, d).transpose(1, 0, 2, 3)
    return np.concatenate([x, -0.5 * (x**2).sum(axis=3, keepdims=True)], axis=3)


# -- autocorrelation time -------------------------------------------------------------------------


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, 0.98])
def test_tau_of_autoregressive_series(phi):
    tau = (1 + phi) / (1 - phi)
    n, chains = 4000, 40
    found = autocorrelation_time(autoregressive(n, chains, phi))
    # Sokal's variance of the estimate with a window of 5 tau: 2 (2 M + 1) / (n chains) tau^2.
    error = tau * math.sqrt(2 * (10 * tau + 1) / (n * chains))
    bias = tau * math.exp(-5)  # what the correlation beyond the window holds
    assert abs(found - tau) < 4 * error + bias


def test_tau_agrees_with_emcee_on_one_chain():
    from emcee.autocorr import integrated_time

    x = autoregressive(20_000, 1, 0.95)
    assert autocorrelation_time(x) == pytest.approx(integrated_time(x)[0], rel=1e-3)


def test_alternating_series_count_no_more_than_their_length():
    assert autocorrelation_time(autoregressive(4000, 10, -0.8)) == 1.0


def test_tau_of_chains_that_disagree_is_long():
    x = autoregressive(2000, 8, 0.5)
    together = autocorrelation_time(x)
    assert autocorrelation_time(x + 5 * np.arange(8)) > 20 * together


def test_tau_has_no_scale():
    x = autoregressive(1000, 4, 0.9)
    tau = autocorrelation_time(x)
    assert autocorrelation_time(1e-120 * x) == pytest.approx(tau, rel=1e-9)
    assert autocorrelation_time(1e9 * x + 3e9) == pytest.approx(tau, rel=1e-6)


def test_tau_where_there_is_none():
    assert autocorrelation_time(np.full((100, 3), 7.3)) == math.inf
    assert math.isnan(autocorrelation_time([1.0, 2.0, 3.0]))
    assert math.isnan(autocorrelation_time(1.0))


# -- burn-in --------------------------------------------------------------------------------------


def test_no_transient_costs_little():
    drops = [find_burn_in(autoregressive(1000, 3, 0.5, seed)) for seed in range(20)]
    assert np.median(drops) < 100


@pytest.mark.parametrize("length", [30, 100, 300])
def test_a_transient_is_found(length):
    x = autoregressive(1000, 2, 0.5)
    x[:, 1] += np.where(np.arange(1000) < length, 30.0, 0.0)
    assert length - 2 <= find_burn_in(x) <= length + 100


def test_at_most_half_is_dropped():
    assert find_burn_in(np.linspace(10, 0, 1000) ** 2) <= 500
    assert find_burn_in(np.arange(5.0)) == 0
    assert find_burn_in(np.ones((100, 2))) == 0


# -- R-hat ----------------------------------------------------------------------------------------


def test_rhat_by_hand():
    """Four half-chains {1,2,3,4}, {1,...,4}: equal chains have B = 0 and R-hat = sqrt((n-1)/n)."""
    quarter = np.array([1.0, 2.0, 3.0, 4.0])
    chains = np.tile(quarter, (2, 2))
    assert split_rhat(chains) == pytest.approx(math.sqrt(3 / 4), abs=1e-12)


def test_rhat_of_agreeing_chains_is_one():
    """R-hat^2 - 1 of m half-chains of n draws is about (m - 1)-th chi2 / (n (m - 1)) - 1 / n."""
    values = [
        split_rhat(np.random.default_rng(seed).standard_normal((4, 2000))) for seed in range(20)
    ]
    assert max(values) < 1 + 0.5 * (7 + 4 * math.sqrt(14)) / 7 / 1000
    assert min(values) > 1 - 1 / 1000


@pytest.mark.parametrize("what", ["place", "width", "drift", "tails"])
def test_rhat_sees_every_disagreement(what):
    x = np.random.default_rng(1).standard_normal((4, 2000))
    if what == "place":
        x[0] += 0.5
    elif what == "width":
        x[0] *= 2.0
    elif what == "drift":
        x += np.linspace(-0.5, 0.5, 2000)
    else:
        x[0] = np.random.default_rng(2).standard_cauchy(2000) * 2
    assert split_rhat(x) > 1.01


def test_rhat_depends_on_ranks_alone():
    x = np.random.default_rng(1).standard_normal((4, 500))
    x[0] += 0.3
    # A line keeps both parts; where the means differ most, any monotone map keeps the larger one.
    assert split_rhat(3 * x - 7) == pytest.approx(split_rhat(x), rel=1e-12)
    x[0] += 2.0
    assert split_rhat(np.exp(x)) == pytest.approx(split_rhat(x), rel=1e-12)
    assert math.isfinite(split_rhat(1 / np.random.default_rng(1).standard_normal((4, 500)) ** 9))


def test_rhat_where_there_is_none():
    assert math.isnan(split_rhat(np.ones((4, 100))))
    assert split_rhat(np.ones((4, 100)) * np.arange(4)[:, None]) == math.inf
    assert math.isnan(split_rhat(np.ones((4, 6))))
    with pytest.raises(InputError, match="shape"):
        split_rhat(np.ones(10))


def test_rhat_agrees_with_arviz():
    arviz = pytest.importorskip("arviz", reason="arviz is not installed")
    x = autoregressive(600, 4, 0.9, seed=3).T
    assert split_rhat(x) == pytest.approx(float(arviz.rhat(x)), rel=1e-6)


# -- verdicts -------------------------------------------------------------------------------------


def judge(records, *, until=50.0, thin=1):
    names = [f"x{k}" for k in range(records.shape[3] - 1)]
    return diagnose(view_of(records), names, thin=thin, until=until, acceptance=0.3)


def test_a_long_chain_converges():
    verdict = judge(ensembles(1500))
    assert verdict.word == "converged"
    tau = 9.0  # (1 + 0.8) / (1 - 0.8)
    assert verdict.tau["x0"] == pytest.approx(tau, rel=4 * math.sqrt(2 * 91 / (1400 * 48)))
    kept = verdict.steps - verdict.burn_in
    assert verdict.effective_samples["x0"] == pytest.approx(48 * kept / verdict.tau["x0"])
    assert bool(verdict)
    assert str(verdict).startswith("converged: ")


def test_words_follow_the_length():
    words = [judge(ensembles(n)).word for n in (60, 350, 1500)]
    assert words == ["failed", "tentative", "converged"]
    assert "raise max_steps to about" in judge(ensembles(350)).sentence


def test_burn_in_is_dropped():
    records = ensembles(2000)
    records[:, :200, :, 0] += 20.0
    verdict = judge(records)
    assert 200 <= verdict.burn_in <= 400
    assert verdict.word == "converged"


def test_an_ensemble_elsewhere_is_told():
    records = ensembles(2000)
    records[1, ..., 1] += 3.0
    verdict = judge(records)
    assert verdict.word == "failed"
    assert verdict.rhat["x1"] > 1.2


def test_walkers_that_stand_still_are_told():
    records = ensembles(2000)
    records[:, :, 0, :] = records[:, :1, 0, :]
    verdict = judge(records)
    assert verdict.word == "failed"
    assert "do not move" in verdict.sentence


def test_thin_is_taken_into_account():
    records = ensembles(3000)
    verdict, thinned = judge(records), judge(records[:, ::3], thin=3)
    assert thinned.steps == 3000
    for found in (verdict, thinned):
        assert abs(found.tau["x0"] - 9.0) < 4 * 9.0 * math.sqrt(2 * 91 / (2048 * 48))


def test_long_chains_are_read_in_part():
    """The stride of the reader must not show in tau."""
    records = ensembles(30_000, walkers=4, d=1, n_ensembles=2, phi=0.5)
    tau = judge(records).tau["x0"]
    assert tau == pytest.approx(3.0, rel=4 * math.sqrt(2 * 31 / (2048 * 8)))


def test_a_few_rows_are_no_chain():
    for n in (1, 2, 3, 5, 9):
        verdict = judge(ensembles(n))
        assert verdict.word == "failed"
        assert "too short" in verdict.sentence or "raise max_steps" in verdict.sentence


def test_one_ensemble_is_split():
    assert judge(ensembles(1500, n_ensembles=1)).word == "converged"


def test_a_verdict_survives_json():
    import json

    verdict = judge(ensembles(300))
    assert Verdict(**json.loads(json.dumps(verdict.as_dict()))) == verdict
