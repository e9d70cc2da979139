"""The evidence against closed forms."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy import stats

from astrokit.errors import ComparisonError, InputError, MissingDependencyError
from astrokit.inference import CurveProblem, Normal, Parameter, Parameters, evidence

X = np.arange(8.0)
Y = np.random.default_rng(1).normal(0.3, 1, 8)


def constant(x, level):
    return level + 0 * x


def problem(width=2.0, y=Y):
    p = Parameters([Parameter("level", 0.0, Normal(0, width))])
    return CurveProblem(X, y, np.ones(8), constant, p)


def exact(width):
    """A Gaussian level under Gaussian noise: the data are jointly normal."""
    return stats.multivariate_normal(np.zeros(8), np.eye(8) + width**2).logpdf(Y)


def test_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "dynesty", None)
    with pytest.raises(MissingDependencyError, match=r"astrokit\[evidence\]"):
        evidence(problem())


class TestWithDynesty:
    @pytest.fixture(autouse=True)
    def _needs_dynesty(self):
        pytest.importorskip("dynesty", reason="the extra 'evidence' is not installed")

    def test_gaussian_evidence_and_posterior(self):
        result = evidence(problem(), live_points=250, seed=1)
        estimate = result.log_evidence
        assert 0 < estimate.lower < 0.2
        assert abs(estimate.value - exact(2.0)) < 4 * estimate.lower
        assert result.weights.sum() == pytest.approx(1)
        # Posterior of the level: precision 8 + 1/4.
        draws = result.resample(4000, seed=2)[:, 0]
        n_effective = 1 / (result.weights**2).sum()
        sigma = (8 + 0.25) ** -0.5
        assert abs(draws.mean() - Y.sum() / 8.25) < 4 * sigma / np.sqrt(n_effective)
        assert "likelihood evaluations" in repr(result)
        assert "dynesty" in result.provenance.citations

    def test_bayes_factor_of_two_priors(self):
        narrow, wide = (evidence(problem(w), live_points=150, seed=3) for w in (1.0, 20.0))
        factor = narrow.log_bayes_factor(wide)
        assert abs(factor.value - (exact(1.0) - exact(20.0))) < 4 * factor.lower

    def test_same_seed_same_evidence(self):
        first, again = (evidence(problem(), live_points=50, seed=5) for _ in range(2))
        assert first.log_evidence == again.log_evidence

    def test_refusals(self):
        with pytest.raises(InputError, match="live points"):
            evidence(problem(), live_points=3)
        results = [evidence(problem(y=y), live_points=30, seed=1) for y in (Y, Y + 1)]
        with pytest.raises(ComparisonError, match="same data"):
            results[0].log_bayes_factor(results[1])
