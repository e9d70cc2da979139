"""Does the model describe the data at all? Parametric bootstrap and posterior-predictive tests."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ComparisonError, InputError
from ..parallel import map_items
from ..provenance import Recorder, quiet
from ..randomness import SeedLike, as_generator, as_seed_sequence, spawn
from .fit_result import Fit
from .problem import Problem
from .problems import PoissonProblem
from .significance import SimulatedTest, collect, require_simulations

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from .posterior import Posterior

__all__ = ["goodness_of_fit"]

FloatArray = NDArray[np.float64]
Statistic = Callable[[Problem, FloatArray], float]


def goodness_of_fit(
    result: Fit | Posterior,
    statistic: str | Statistic = "deviance",
    n: int = 1000,
    *,
    problem: Problem | None = None,
    seed: SeedLike = None,
    n_starts: int = 1,
    executor: Executor | None = None,
    progress: bool = False,
) -> SimulatedTest:
    """Return how often data from the fitted model look worse than the real ones.

    Parameters
    ----------
    result : Fit or Posterior
        A Fit leads to a parametric bootstrap (each simulated data set is fitted again), a
        Posterior to a posterior-predictive test (parameters drawn from it, no refits).
    statistic : str or callable
        ``"deviance"``: twice the distance of ln L from a model that meets every datum (for
        likelihoods where that is not known, -2 ln L); ``"chi2"``: sum of squared standardised
        residuals; or ``statistic(problem, values)`` with values ``(p,)`` of all parameters,
        larger for a worse fit.
    n : int
        Number of simulated data sets.
    problem : Problem, optional
        What was fitted or sampled; a Fit remembers it, a Posterior does not.
    seed : int, SeedSequence or Generator
    n_starts : int
        Searches per refit; the first starts at the best fit of the real data.
    executor : concurrent.futures.Executor, optional
    progress : bool

    Returns
    -------
    SimulatedTest
        Its ``p_value`` is small when the model is inadequate. A posterior-predictive p is
        conservative: it crowds around 0.5 when the model is right.

    Raises
    ------
    InputError
        For an unknown statistic, one that this problem does not have, or a missing problem.
    ComparisonError
        When `problem` holds other data than the result.

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.inference import (
    ...     CurveProblem, Parameter, Parameters, Uniform, goodness_of_fit)
    >>> p = Parameters([Parameter("a", 0.0, Uniform(-9, 9))])
    >>> y = np.array([-3.0, 3.0, -3.0, 3.0, -3.0, 3.0])
    >>> fit = CurveProblem(np.arange(6), y, np.ones(6), lambda x, a: a, p).fit()
    >>> goodness_of_fit(fit, "chi2", 200, seed=1).n_exceeding
    0
    """
    compute = _statistic(statistic)
    problem = _problem_of(result, problem)
    name = statistic if isinstance(statistic, str) else getattr(statistic, "__name__", "statistic")
    sequence = as_seed_sequence(seed)
    recorder = Recorder(
        "astrokit.inference.goodness_of_fit",
        {"problem": problem, "statistic": name, "n": n, "n_starts": n_starts},
        inputs=problem.provenance_inputs(),
        seed=sequence,
        citations=problem.citation_keys,
    )
    draw_seed, *children = spawn(sequence, require_simulations(n) + 1)
    run = partial(map_items, seeds=children, executor=executor, keep_errors=True, progress=progress)
    if isinstance(result, Fit):
        outcomes = run(partial(_refitted, problem, compute, result.theta, n_starts), range(n))
        simulated, failures = collect(outcomes)
        observed = np.asarray(compute(problem, problem.parameters.expand(result.theta)[0]))
    else:
        thetas = _draws(result, n, as_generator(draw_seed))
        pairs, failures = collect(run(partial(_predicted, problem, compute), list(thetas)))
        observed, simulated = np.array(pairs).T
    return SimulatedTest(
        name=name,
        observed=np.asarray(observed, dtype=float),
        simulated=np.asarray(simulated, dtype=float),
        n_failed=len(failures),
        failures=failures[:5],
        provenance=recorder.finish(),
    )


def _problem_of(result: Fit | Posterior, problem: Problem | None) -> Problem:
    if problem is None:
        if isinstance(result, Fit):
            return result.require_problem()
        raise InputError(
            "a Posterior does not remember its problem", hint="pass problem= what was sampled"
        )
    if problem.data_checksum != result.data_checksum:
        raise ComparisonError(
            "the problem holds other data than the result",
            value=(problem.data_checksum[:12], result.data_checksum[:12]),
        )
    return problem


def _refitted(
    problem: Problem,
    compute: Statistic,
    theta: FloatArray,
    n_starts: int,
    item: int,
    seed: np.random.SeedSequence,
) -> float:
    """Return the statistic of one simulated data set at its own best fit."""
    data_seed, fit_seed = spawn(seed, 2)
    simulated = problem.simulate(theta, as_generator(data_seed))
    known = simulated._known_maximum()
    if known is not None:
        return float(compute(simulated, problem.parameters.expand(known[0])[0]))
    start = dict(zip(problem.parameters.free_names, theta.tolist(), strict=True))
    with quiet():
        fit = simulated.fit(start=start, n_starts=n_starts, seed=fit_seed)
    return float(compute(simulated, problem.parameters.expand(fit.theta)[0]))


def _predicted(
    problem: Problem, compute: Statistic, theta: FloatArray, seed: np.random.SeedSequence
) -> tuple[float, float]:
    """Return the statistic of the data and of simulated data at one posterior draw."""
    values = problem.parameters.expand(theta)[0]
    simulated = problem.simulate(theta, as_generator(seed))
    return float(compute(problem, values)), float(compute(simulated, values))


def _draws(posterior: Any, n: int, rng: np.random.Generator) -> FloatArray:
    """Return `n` posterior samples ``(n, d)``, all of them once before any comes twice."""
    samples = posterior.samples
    order = np.concatenate([rng.permutation(len(samples)) for _ in range(-(-n // len(samples)))])
    return samples[order[:n]]


# -- statistics ----------------------------------------------------------------------------------


def _statistic(statistic: str | Statistic) -> Statistic:
    if callable(statistic):
        return statistic
    named = {"deviance": _deviance, "chi2": _chi2}
    if statistic not in named:
        raise InputError(
            "no such statistic",
            value=statistic,
            allowed=f"{', '.join(named)}, or a function (problem, values) -> float",
        )
    return named[statistic]


def _deviance(problem: Problem, values: FloatArray) -> float:
    deviance = problem._deviance(values)
    if deviance is None:
        return -2 * float(problem._log_likelihood(values[None, :])[0])
    return deviance


def _chi2(problem: Problem, values: FloatArray) -> float:
    r = problem._residuals(values)
    if r is not None:
        return float(r @ r)
    if isinstance(problem, PoissonProblem):
        mu = problem.predict(values)[0]
        return float(((problem.data - mu) ** 2 / mu).sum())
    raise InputError(
        f"{type(problem).__name__} has no residuals, so no chi2",
        hint="use statistic='deviance' or your own function",
    )
