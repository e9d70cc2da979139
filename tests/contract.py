"""What every Problem promises, as tests that the tests of each Problem inherit.

A test class inherits :class:`ProblemContract` and gives a fixture ``problem`` whose parameters
start at values that its design determines well::

    class TestCurveProblem(ProblemContract):
        @pytest.fixture
        def problem(self):
            return CurveProblem(...)

``truth`` (free values by name) may differ from the starting values; ``refused_units`` lists calls
that must raise a UnitError.
"""

from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import pytest

import astrokit as ak
from astrokit.errors import AstrokitWarning, ShapeError, UnitError
from astrokit.inference import Problem, Uniform


class ProblemContract:
    """Tests of one Problem; a subclass gives the fixture ``problem``."""

    truth: ClassVar[Mapping[str, float]] = {}
    n_fits = 100  # simulated data sets in the recovery test
    n_scores = 400  # simulated data sets in the information test
    rtol = 1e-11  # of a log-likelihood computed in two ways

    def refused_units(self) -> list[Callable[[], Any]]:
        """Return calls that hand over data in a wrong unit."""
        return []

    # -- the log-likelihood ------------------------------------------------------------------

    def test_batched_equals_one_by_one(self, problem):
        thetas = some_thetas(problem, 30)
        batched = problem.log_likelihood(thetas)
        single = np.concatenate([problem.log_likelihood(theta) for theta in thetas])
        assert batched.shape == (len(thetas),)
        np.testing.assert_allclose(batched, single, rtol=self.rtol)

    def test_is_never_nan_or_plus_infinity_on_the_prior(self, problem):
        values = problem.log_likelihood(some_thetas(problem, 400))
        assert not np.isnan(values).any()
        assert np.all(values < np.inf)

    def test_is_finite_at_the_starting_values(self, problem):
        assert np.isfinite(problem.log_likelihood(problem.parameters.free_values)).all()

    def test_posterior_is_zero_outside_the_prior(self, problem):
        theta = truth_of(problem, self.truth)
        for j, (low, high) in enumerate(problem.parameters.bounds):
            for end, beyond in ((low, -1.0), (high, 1.0)):
                if np.isfinite(end):
                    outside = theta.copy()
                    outside[j] = end + beyond * max(1.0, abs(end))
                    assert problem.log_posterior(outside)[0] == -np.inf

    def test_shape_of_theta_is_refused_with_names(self, problem):
        wide = np.zeros((2, problem.parameters.n_free + 1))
        with pytest.raises(ShapeError, match=problem.parameters.free_names[0]):
            problem.log_likelihood(wide)

    def test_pointwise_sums_to_the_whole(self, problem):
        thetas = some_thetas(problem, 10)
        if problem._pointwise(problem.parameters.expand(thetas)) is None:
            pytest.skip("this likelihood does not factorise")
        terms = problem.pointwise(thetas)
        assert terms.shape == (len(thetas), problem.n_data)
        np.testing.assert_allclose(terms.sum(axis=1), problem.log_likelihood(thetas), rtol=1e-9)

    def test_kernel_equals_the_likelihood(self, problem):
        if problem.kernel is None:
            pytest.skip("this problem has no compiled kernel")
        values = problem.parameters.expand(some_thetas(problem, 20))
        compiled = [problem.kernel.function(row, problem.kernel.data) for row in values]
        np.testing.assert_allclose(compiled, problem._log_likelihood(values), rtol=1e-9)

    # -- derivatives -------------------------------------------------------------------------

    def test_score_is_the_gradient(self, problem):
        theta = truth_of(problem, self.truth)
        point = problem.score_and_information(theta)
        if point is None:
            pytest.skip("this problem offers no derivatives")
        value, score, information = point
        sigma = 1 / np.sqrt(np.diag(information))
        np.testing.assert_allclose(value, problem.log_likelihood(theta)[0], rtol=1e-9)
        numerical = gradient(problem, theta, 0.01 * sigma)
        np.testing.assert_allclose(score * sigma, numerical * sigma, rtol=1e-5, atol=1e-4)

    def test_information_is_the_covariance_of_the_score(self, problem):
        theta = truth_of(problem, self.truth)
        point = problem.score_and_information(theta)
        if point is None:
            pytest.skip("this problem offers no derivatives")
        information = point[2]
        np.testing.assert_allclose(information, information.T, rtol=1e-10)
        whitening = np.linalg.inv(np.linalg.cholesky(information))
        n = self.n_scores
        rng = np.random.default_rng(11)
        scores = [problem.simulate(theta, rng).score_and_information(theta)[1] for _ in range(n)]
        white = np.array(scores) @ whitening.T
        # White scores have mean 0 and unit covariance; a variance scatters by sqrt(2/n), wider by
        # the excess kurtosis, for which a factor of 1.5 stands.
        assert np.abs(white.mean(axis=0)).max() < 4 / np.sqrt(n)
        covariance = white.T @ white / n
        assert np.abs(covariance - np.eye(theta.size)).max() < 4 * np.sqrt(2 * 1.5 / n)

    def test_observed_information_is_minus_the_hessian(self, problem):
        theta = truth_of(problem, self.truth)
        observed = problem.observed_information(theta)
        if observed is None:
            pytest.skip("this problem offers no observed information")
        scale = 1 / np.sqrt(np.abs(np.diag(observed)))
        numerical = -hessian(problem, theta, 0.02 * scale)
        outer = np.outer(scale, scale)
        np.testing.assert_allclose(observed * outer, numerical * outer, atol=5e-3)

    def test_coarse_twin_changes_nothing(self, problem, monkeypatch):
        if problem._coarse() is None:
            pytest.skip("this problem has no coarse twin")
        with_twin = quiet_fit(problem)
        monkeypatch.setattr(type(problem), "_coarse", lambda self: None)
        without = quiet_fit(problem)
        assert abs(with_twin.log_likelihood - without.log_likelihood) < 1e-4

    # -- simulation and recovery -------------------------------------------------------------

    def test_simulation_repeats_with_its_seed(self, problem):
        theta = truth_of(problem, self.truth)
        first, again, other = (problem.simulate(theta, seed) for seed in (1, 1, 2))
        assert first.data_checksum == again.data_checksum != other.data_checksum
        assert first.n_data == problem.n_data
        assert type(first) is type(problem)
        assert first.parameters == problem.parameters

    def test_fits_recover_the_truth(self, problem):
        """Among n fits, the number below the truth and within one error are binomial."""
        theta = truth_of(problem, self.truth)
        rng = np.random.default_rng(5)
        pulls = []
        for _ in range(self.n_fits):
            fit = quiet_fit(problem.simulate(theta, rng), n_starts=2)
            pulls.append((fit.theta - theta) / np.sqrt(np.diag(fit.covariance)))
        below = np.mean(np.array(pulls) < 0, axis=0)
        within = np.mean(np.abs(pulls) < 1, axis=0)
        assert np.abs(below - 0.5).max() <= 4 * np.sqrt(0.25 / self.n_fits), below
        p = 0.6827
        assert np.abs(within - p).max() <= 4 * np.sqrt(p * (1 - p) / self.n_fits), within

    # -- parameters --------------------------------------------------------------------------

    def test_fixed_parameters_stay(self, problem):
        if problem.parameters.n_free < 2:
            pytest.skip("one free parameter only")
        theta = truth_of(problem, self.truth)
        name = problem.parameters.free_names[0]
        held = problem.with_parameters(problem.parameters.fix(**{name: theta[0]}))
        assert held.parameters.free_names == problem.parameters.free_names[1:]
        whole, part = problem.log_likelihood(theta), held.log_likelihood(theta[1:])
        np.testing.assert_allclose(part, whole, rtol=self.rtol)
        simulated = held.simulate(theta[1:], 3)
        fit = quiet_fit(simulated)
        assert fit[name].value == theta[0]
        assert fit[name].error == 0

    def test_tied_parameters_follow(self, problem):
        if problem.parameters.n_free < 2:
            pytest.skip("one free parameter only")
        theta = truth_of(problem, self.truth)
        first, second = problem.parameters.free_names[:2]
        offset = float(theta[0] - theta[1])
        tied = problem.with_parameters(
            problem.parameters.tie(**{first: f"{second} + ({offset!r})"})
        )
        np.testing.assert_allclose(
            tied.log_likelihood(theta[1:]), problem.log_likelihood(theta), rtol=1e-9
        )
        fit = quiet_fit(tied.simulate(theta[1:], 4))
        assert fit[first].value == pytest.approx(fit[second].value + offset, rel=1e-12)
        assert fit[first].error == pytest.approx(fit[second].error, rel=1e-6)

    # -- identity ----------------------------------------------------------------------------

    def test_checksums_tell_data_and_models_apart(self, problem):
        theta = truth_of(problem, self.truth)
        same, other = problem.with_data(problem.data), problem.simulate(theta, 9)
        assert same.data_checksum == problem.data_checksum != other.data_checksum
        assert same.model_checksum == problem.model_checksum == other.model_checksum
        name = problem.parameters.free_names[0]
        center = problem.parameters[name].value
        narrowed = problem.parameters.replace(name, prior=Uniform(center - 1.2345, center + 2.3456))
        assert problem.with_parameters(narrowed).model_checksum != problem.model_checksum
        fixed = problem.parameters.replace(name, symbol="q")
        assert problem.with_parameters(fixed).data_checksum == problem.data_checksum

    def test_settings_and_inputs_are_json(self, problem):
        json.dumps(dict(problem.settings()))
        json.dumps(problem.provenance_inputs())

    def test_pickle_round_trip(self, problem):
        copy = pickle.loads(pickle.dumps(problem))
        thetas = some_thetas(problem, 5)
        assert copy.data_checksum == problem.data_checksum
        assert copy.model_checksum == problem.model_checksum
        assert np.array_equal(copy.log_likelihood(thetas), problem.log_likelihood(thetas))

    def test_fit_survives_saving(self, problem, tmp_path):
        fit = quiet_fit(problem.simulate(truth_of(problem, self.truth), 6), n_starts=1)
        fit.save(tmp_path / "fit.h5")
        loaded = ak.inference.load(tmp_path / "fit.h5")
        assert loaded == fit
        assert loaded.provenance == fit.provenance
        assert loaded.problem is None

    def test_posterior_survives_saving(self, problem, tmp_path):
        simulated = problem.simulate(truth_of(problem, self.truth), 7)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstrokitWarning)
            posterior = simulated.sample(seed=1, max_steps=200, ensembles=1)
        posterior.save(tmp_path / "posterior.h5")
        loaded = ak.inference.load(tmp_path / "posterior.h5")
        assert np.array_equal(loaded.samples, posterior.samples)
        assert loaded.parameters == posterior.parameters
        assert loaded.data_checksum == simulated.data_checksum

    def test_wrong_units_are_refused(self):
        calls = self.refused_units()
        if not calls:
            pytest.skip("this problem takes no quantities")
        for call in calls:
            with pytest.raises(UnitError):
                call()


# -- helpers -------------------------------------------------------------------------------------


def truth_of(problem: Problem, truth: Mapping[str, float]) -> np.ndarray:
    """Return free values ``(d,)``: those of `truth`, the starting values elsewhere."""
    names = problem.parameters.free_names
    start = dict(zip(names, problem.parameters.free_values, strict=True))
    return np.array([float({**start, **truth}[name]) for name in names])


def some_thetas(problem: Problem, n: int) -> np.ndarray:
    """Return the starting values and `n` draws from the prior."""
    draws = problem.parameters.sample_prior(np.random.default_rng(3), n)
    return np.concatenate([problem.parameters.free_values[None, :], draws])


def quiet_fit(problem: Problem, **options: Any) -> Any:
    """Return the fit without its warnings: some of many simulated data sets are unlucky."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        return problem.fit(**options)


def gradient(problem: Problem, theta: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return the gradient of ln L by the five-point rule."""
    slopes = []
    for j in range(theta.size):
        offset = np.zeros_like(theta)
        offset[j] = step[j]
        two, one = (
            problem.log_likelihood(np.array([theta + k * offset, theta - k * offset]))
            for k in (2, 1)
        )
        slopes.append((8 * (one[0] - one[1]) - (two[0] - two[1])) / (12 * step[j]))
    return np.array(slopes)


def hessian(problem: Problem, theta: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return the Hessian of ln L by central differences of the gradient."""
    rows = []
    for j in range(theta.size):
        offset = np.zeros_like(theta)
        offset[j] = step[j]
        ahead, behind = (gradient(problem, theta + s * offset, 0.5 * step) for s in (1, -1))
        rows.append((ahead - behind) / (2 * step[j]))
    matrix = np.array(rows)
    return 0.5 * (matrix + matrix.T)
