"""The sampler as a user meets it: right posteriors, the same numbers everywhere, clear errors."""

from __future__ import annotations

import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context

import numpy as np
import pytest

from astrokit.errors import (
    ConvergenceWarning,
    FitError,
    InputError,
    LikelihoodError,
    ParameterError,
)
from astrokit.inference import (
    CurveProblem,
    FunctionProblem,
    Moves,
    Normal,
    Parameter,
    Parameters,
    SamplerOptions,
    Uniform,
)
from astrokit.inference.problem import CompiledLikelihood
from tests.inference.targets import (
    Banana,
    Breaking,
    Exponential,
    Gaussian,
    TwoModes,
    straight_line,
)


def processes(n):
    """Fresh processes: a fork copies the threads of the test runner in an unknown state."""
    return ProcessPoolExecutor(n, mp_context=get_context("spawn"))


def short(problem, **settings):
    """Sample a little, whatever the verdict."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return problem.sample(
            **{"seed": 1, "max_steps": 120, "walkers": 12, "ensembles": 2, **settings}
        )


# -- right ----------------------------------------------------------------------------------------


def test_line_has_the_posterior_of_linear_regression():
    """Flat priors and known errors: the posterior is Gaussian with the least-squares covariance."""
    problem = straight_line()
    design = np.column_stack([np.ones(30), problem.x]) / 0.3
    covariance = np.linalg.inv(design.T @ design)
    mean = covariance @ design.T @ (problem.data / 0.3)

    posterior = problem.sample(seed=3)
    assert posterior.verdict.word == "converged"
    samples = posterior.samples
    n = min(posterior.verdict.effective_samples.values())
    sigma = np.sqrt(np.diag(covariance))
    assert np.all(np.abs(samples.mean(axis=0) - mean) < 4 * sigma / np.sqrt(n))
    found = np.cov(samples.T)
    # Standard error of a covariance element of n independent Gaussian draws.
    error = np.sqrt((np.outer(sigma**2, sigma**2) + covariance**2) / n)
    assert np.all(np.abs(found - covariance) < 4 * error)


def test_a_prior_narrower_than_the_data_decides():
    """A normal prior times a normal likelihood is normal, with precisions added."""
    problem = straight_line(intercept={"prior": Normal(0.0, 0.01), "value": 0.0})
    problem = problem.with_parameters(problem.parameters.fix(slope=2.0))
    precision = 30 / 0.3**2 + 1 / 0.01**2
    mean = np.sum(problem.data - 2.0 * problem.x) / 0.3**2 / precision
    posterior = problem.sample(seed=4)
    n = posterior.verdict.effective_samples["intercept"]
    assert abs(posterior.samples.mean() - mean) < 4 / np.sqrt(n * precision)
    assert abs(posterior.samples.std() * np.sqrt(precision) - 1) < 4 / np.sqrt(2 * n)


@pytest.mark.parametrize("d", [1, 3])
def test_quantiles_of_an_exponential_at_its_bound(d):
    """The fit sits at the bound; the posterior must still be the exponential."""
    posterior = Exponential(d).sample(seed=5)
    for name in posterior.names:
        n = posterior.verdict.effective_samples[name]
        below = np.mean(posterior.draws(name) < np.log(2))
        assert abs(below - 0.5) < 4 * 0.5 / np.sqrt(n)


def test_fixed_and_tied_parameters():
    problem = straight_line(slope={"tied": "2 * intercept"})
    posterior = short(problem, max_steps=400)
    assert posterior.names == ("intercept",)
    np.testing.assert_array_equal(posterior.draws("slope"), 2 * posterior.draws("intercept"))
    design = (1 + 2 * problem.x) / 0.3
    assert abs(posterior["intercept"].value - design @ problem.data / 0.3 / (design @ design)) < (
        4 * posterior["intercept"].error / np.sqrt(50)
    )


# -- the same numbers -----------------------------------------------------------------------------


def chain_of(problem, **settings):
    posterior = short(problem, **settings)
    return posterior.view


def test_a_seed_gives_one_chain():
    first, again = chain_of(straight_line()), chain_of(straight_line())
    assert first.equals(again)
    assert not first.equals(chain_of(straight_line(), seed=2))
    assert chain_of(straight_line(), seed=np.random.SeedSequence(1)).equals(first)
    ensembles = first.read(0), first.read(1)
    assert not np.array_equal(*ensembles)


def test_nothing_touches_the_global_random_state():
    np.random.seed(1)  # noqa: NPY002  (the very thing that must not matter)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    short(straight_line())
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_workers_change_nothing():
    alone = chain_of(Gaussian(2), max_steps=700, ensembles=3)
    with ThreadPoolExecutor(3) as threads:
        assert chain_of(Gaussian(2), max_steps=700, ensembles=3, executor=threads).equals(alone)
    problem = straight_line()
    alone = chain_of(problem, max_steps=500, ensembles=2)
    with processes(2) as pool:
        assert chain_of(problem, max_steps=500, ensembles=2, executor=pool).equals(alone)


def test_engine_and_pieces_change_nothing(monkeypatch):
    from astrokit.inference import advance

    whole = chain_of(Banana(), max_steps=1000)
    options = SamplerOptions(engine="numpy")
    assert np.array_equal(
        chain_of(Banana(), max_steps=1000, options=options).read(1)[..., :-1],
        whole.read(1)[..., :-1],
    )
    monkeypatch.setattr(advance, "_PIECE_BYTES", 8 * 12 * 3 * 37)  # pieces of 37 records
    assert chain_of(Banana(), max_steps=1000).equals(whole)


def test_thin_stores_every_nth_sweep():
    whole = chain_of(Gaussian(2), max_steps=600, until=1000)
    thinned = short(Gaussian(2), max_steps=603, until=1000, options=SamplerOptions(thin=5))
    assert thinned.verdict.steps == 600
    np.testing.assert_array_equal(thinned.view.read(0), whole.read(0)[4::5])
    # tau is told in sweeps, whatever is stored
    tau = short(Gaussian(2), max_steps=600, until=1000).verdict.tau["x0"]
    error = tau * np.sqrt(2 * (10 * tau + 1) / (300 * 24))  # Sokal; at least half of it is kept
    assert abs(thinned.verdict.tau["x0"] - tau) < 4 * error


# -- length and verdict ---------------------------------------------------------------------------


def test_it_stops_when_long_enough():
    few = Gaussian(2).sample(seed=1, until=50)
    many = Gaussian(2).sample(seed=1, until=200)
    for posterior, until in ((few, 50), (many, 200)):
        v = posterior.verdict
        assert v.word == "converged"
        assert until <= (v.steps - v.burn_in) / max(v.tau.values()) < 2.2 * until
    np.testing.assert_array_equal(
        many.view.read(0, 0, few.verdict.steps), few.view.read(0)
    )  # a longer run goes on, it does not start anew


def test_max_steps_is_the_total_and_a_short_chain_is_told():
    with pytest.warns(ConvergenceWarning, match="raise max_steps to about"):
        posterior = Gaussian(3).sample(seed=1, max_steps=60)
    assert posterior.verdict.steps == 60
    assert posterior.view.shape == (4, 60, 32, 4)
    assert posterior.verdict.word == "failed"
    assert not posterior.verdict
    assert any("ConvergenceWarning" in text for text in posterior.provenance.warnings)


def test_separate_modes_are_not_called_converged():
    """Without long jumps each ensemble keeps its own division between far modes."""
    problem = TwoModes(2)
    rng = np.random.default_rng(1)
    start = rng.standard_normal((4, 32, 2))
    for e in range(4):
        start[e, : 8 * e] += 8.0
    options = SamplerOptions(start=start, moves=Moves(1, 0, 0, 0, 0))
    with pytest.warns(ConvergenceWarning, match=r"disagree|autocorrelation|R-hat"):
        posterior = problem.sample(seed=1, max_steps=1500, options=options)
    assert posterior.verdict.word == "failed"
    good = problem.sample(seed=1, options=SamplerOptions(start=start))
    assert good.verdict.word == "converged"
    share = np.mean(good.draws("x0") > 4)
    tau = max(good.verdict.tau.values())
    n = 4 * 32 * (good.verdict.steps - good.verdict.burn_in) / tau
    assert abs(share - 0.3) < 4 * np.sqrt(0.3 * 0.7 / n)


def test_provenance_tells_the_run():
    posterior = short(straight_line())
    record = posterior.provenance
    assert record.arguments["walkers"] == 12
    assert record.seed == {"entropy": 1, "spawn_key": []}
    assert record.inputs[0]["data_sha256"] == straight_line().data_checksum
    assert {"emcee", "goodman2010", "terbraak2006", "vehtari2021"} <= set(record.citations)
    assert "numba" not in record.citations  # this problem has no kernel
    stretch = short(straight_line(), options=SamplerOptions(moves=Moves(1, 0, 0, 0, 0)))
    assert "terbraak2006" not in stretch.provenance.citations
    assert record.verdicts[0].startswith(posterior.verdict.word)


# -- starts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [None, "fit", "prior", {"slope": 2.0}, straight_line().fit()])
def test_every_start_leads_to_the_same_posterior(start):
    posterior = straight_line().sample(seed=6, ensembles=2, options=SamplerOptions(start=start))
    assert posterior.verdict.word == "converged"
    sigma = 0.3 / np.sqrt(np.sum((posterior_x() - posterior_x().mean()) ** 2))
    n = posterior.verdict.effective_samples["slope"]
    assert abs(posterior.draws("slope").std() / sigma - 1) < 4 / np.sqrt(2 * n)


def posterior_x():
    return straight_line().x


def test_all_maxima_that_the_fit_found_get_walkers():
    """Nothing is known but the problem: both modes are found, with their right shares."""
    problem = TwoModes(2)
    ends = {round(search.end[0] / 8.0) for search in problem.fit().starts}
    assert ends == {0, 1}
    posterior = problem.sample(seed=3)
    assert posterior.verdict.word == "converged"
    n = posterior.verdict.effective_samples["x0"]
    assert abs(np.mean(posterior.draws("x0") > 4) - 0.3) < 4 * np.sqrt(0.3 * 0.7 / n)


def forbidden_region(values, data):
    """Exists only for a > 0, far from where the prior has most of its mass."""
    a = values[:, 0]
    return np.where(a > 0, -0.5 * (a - 1) ** 2 / 0.01, -np.inf)


def test_a_start_outside_the_model_is_drawn_again():
    p = Parameters([Parameter("a", 1.0, Uniform(-100, 5))])
    posterior = short(
        FunctionProblem(forbidden_region, p, [0.0]),
        max_steps=300,
        options=SamplerOptions(start="prior"),
    )
    assert np.isfinite(posterior.view.read(0)[..., -1]).all()
    assert (posterior.view.read(0)[..., 0] > 0).all()


def test_a_model_that_exists_nowhere_is_told():
    p = Parameters([Parameter("a", 1.0, Uniform(-9, 9))])
    nowhere = FunctionProblem(lambda values, data: np.full(len(values), -np.inf), p, [0.0])
    with pytest.raises(ParameterError, match="no draw from the prior has a finite posterior"):
        nowhere.sample(seed=1, options=SamplerOptions(start="prior"))


def test_bad_starts_are_refused():
    problem = straight_line()
    d = problem.parameters.n_free

    def refused(start, match, error=InputError):
        with pytest.raises(error, match=match):
            short(problem, options=SamplerOptions(start=start))

    refused("best", "start is unknown")
    refused(np.zeros((3, d)), "wrong shape")
    refused(np.full((12, d), 99.0), "no finite posterior")
    refused(np.tile([1.0, 2.0], (12, 1)), "do not span")
    refused({"slop": 2.0}, "not a free parameter", ParameterError)
    refused(17, "start cannot be used")


# -- failures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("workers", [None, ThreadPoolExecutor, processes])
def test_nan_stops_with_values_and_keeps_the_samples(engine, workers):
    start = np.random.default_rng(1).uniform(-1, 1, (12, 1))
    options = SamplerOptions(start=start, engine=engine)
    settings = {"seed": 1, "walkers": 12, "ensembles": 2, "max_steps": 5000, "until": 1e6}
    with (
        nullcontext() if workers is None else workers(2) as executor,
        pytest.raises(LikelihoodError, match="NaN") as caught,
    ):
        Breaking().sample(**settings, options=options, executor=executor)
    assert abs(caught.value.parameters["a"]) > 6.5
    assert caught.value.parameters["b"] == 7.0
    partial = caught.value.partial
    assert partial.verdict.word == "failed"
    rows = partial.view.rows
    assert rows > 5
    # The samples kept are the start of the chain that a harmless likelihood gives.
    harmless = FunctionProblem(lambda v, data: -0.5 * v[:, 0] ** 2, Breaking().parameters, [0.0])
    with pytest.warns(ConvergenceWarning):
        whole = harmless.sample(
            **{**settings, "max_steps": rows}, options=SamplerOptions(start=start)
        )
    np.testing.assert_array_equal(
        whole.view.read(partial.view.ensembles[0])[..., :-1], partial.view.read(0)[..., :-1]
    )


def test_ctrl_c_keeps_the_samples():
    calls = iter(range(10**9))

    def interrupted(values, data):
        if next(calls) > 3000:
            raise KeyboardInterrupt
        return -0.5 * values[:, 0] ** 2

    p = Parameters([Parameter("a", 0.5, Uniform(-9, 9))])
    problem = FunctionProblem(interrupted, p, [0.0])
    options = SamplerOptions(start=np.linspace(-1, 1, 12)[:, None])
    with pytest.raises(KeyboardInterrupt) as caught:
        problem.sample(seed=1, walkers=12, ensembles=1, until=1e6, options=options)
    partial = caught.value.partial
    assert 500 < partial.verdict.steps <= 1500
    whole = Gaussian(1, Parameters([Parameter("a", 0.5, Uniform(-9, 9))]))
    settings = {"walkers": 12, "ensembles": 1, "until": 1e6, "max_steps": partial.verdict.steps}
    options = SamplerOptions(start=options.start, engine="numpy")
    assert short(whole, **settings, options=options).view.equals(partial.view)


def test_a_fit_that_fails_is_no_obstacle(monkeypatch):
    def fails(self, **settings):
        raise FitError("no maximum")

    monkeypatch.setattr(CurveProblem, "fit", fails)
    assert straight_line().sample(seed=1, ensembles=2).verdict.word == "converged"
    with pytest.raises(FitError, match="no maximum"):
        short(straight_line(), options=SamplerOptions(start="fit"))


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"walkers": 7}, "walkers must be even"),
        ({"walkers": 4}, "walkers must be a whole number"),
        ({"walkers": 12.5}, "walkers must be a whole number"),
        ({"ensembles": 0}, "ensembles must be a whole number"),
        ({"max_steps": 0}, "max_steps must be a whole number"),
        ({"until": -1.0}, "until must be > 0"),
        ({"seed": -1}, "seed cannot be used"),
        ({"seed": "one"}, "seed cannot be used"),
    ],
)
def test_bad_settings_are_refused(settings, match):
    with pytest.raises(InputError, match=match):
        short(straight_line(), **settings)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"thin": 0}, "thin must be a whole number"),
        ({"checkpoint_every": -1}, "checkpoint_every is out of range"),
        ({"moves": "stretch"}, "moves must be a Moves"),
    ],
)
def test_bad_options_are_refused(settings, match):
    with pytest.raises(InputError, match=match):
        SamplerOptions(**settings)


def test_a_misspelt_keyword_is_an_error():
    with pytest.raises(TypeError, match="walker"):
        straight_line().sample(walker=10)
    with pytest.raises(TypeError, match="thinning"):
        SamplerOptions(thinning=10)


def test_progress_is_shown_when_asked_and_only_for_long_runs(capfd, monkeypatch):
    short(straight_line(), options=SamplerOptions(progress=True))
    assert capfd.readouterr() == ("", "")  # it took less than two seconds
    monkeypatch.setattr("astrokit.inference.sampling._PATIENCE", 0.0)
    short(straight_line(), options=SamplerOptions(progress=False))
    assert capfd.readouterr() == ("", "")
    short(straight_line(), options=SamplerOptions(progress=True))
    assert "sampling: " in capfd.readouterr().err


def test_compiled_likelihood_of_a_problem_without_data_rows():
    """The data of a kernel are passed as two-dimensional, contiguous float64."""
    likelihood = Breaking().kernel
    assert isinstance(likelihood, CompiledLikelihood)
    assert likelihood.data.shape == (1, 1)


def test_progress_can_be_switched_off_for_a_whole_run(monkeypatch):
    """The runner of notebooks does so, since a page would keep every state of the bar."""
    from astrokit.inference.sampling import _shows_progress

    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.delenv("ASTROKIT_PROGRESS", raising=False)
    assert _shows_progress(None)
    monkeypatch.setenv("ASTROKIT_PROGRESS", "0")
    assert not _shows_progress(None)
    assert _shows_progress(True)
