"""How often fit intervals hold the truth, measured at fixed truths by simulation.

Posterior intervals cover on average over the prior by construction; intervals of a fit only in the
limit of much data. This measures how far a given design is from that limit, and whether the fit
says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, ParameterError
from ..estimate import ONE_SIGMA, Estimate
from ..parallel import map_items
from ..provenance import Provenance, Recorder, quiet
from ..randomness import SeedLike, as_generator, as_seed_sequence, spawn
from .problem import Problem, as_problem
from .significance import collect, require_simulations

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from astropy.table import QTable

    from .fit_result import Fit

__all__ = ["FitCoverage", "fit_coverage"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """One interval of one fit: whether it was given, held the truth, and came with a warning."""

    given: bool
    covers: bool
    flagged: bool
    pull: float


@dataclass(frozen=True, eq=False, repr=False)
class FitCoverage:
    """Coverage of covariance and profile intervals; made by :func:`fit_coverage`.

    Attributes
    ----------
    names : tuple of str
        The free parameters.
    truths : ndarray, shape (t, d)
    level : float
    kinds : tuple of str
        ``"covariance"``, ``"profile"``.
    given, covers, flagged : ndarray of bool, shape (kinds, t, n, d)
        Whether an interval was given at all, held the truth, and was flagged by a warning of the
        fit that names the parameter. Failed fits are False in all three.
    pulls : ndarray, shape (t, n, d)
        (best value - truth) / covariance error; NaN where there is none.
    failed : ndarray of bool, shape (t, n)
    provenance : Provenance
    """

    names: tuple[str, ...]
    truths: FloatArray
    level: float
    kinds: tuple[str, ...]
    given: NDArray[np.bool_]
    covers: NDArray[np.bool_]
    flagged: NDArray[np.bool_]
    pulls: FloatArray
    failed: NDArray[np.bool_]
    provenance: Provenance = field(repr=False)

    def coverage(self, kind: str = "covariance", *, unflagged: bool = False) -> FloatArray:
        """Return the share of given intervals that hold the truth, shape ``(t, d)``.

        With `unflagged` only intervals of which the fit had nothing to say. NaN where none is left.
        """
        k = self._index(kind)
        counted = self.given[k] & ~self.flagged[k] if unflagged else self.given[k]
        with np.errstate(invalid="ignore", divide="ignore"):
            share: FloatArray = (self.covers[k] & counted).sum(axis=1) / counted.sum(axis=1)
        return share

    def to_table(self) -> QTable:
        """Return one row per truth, parameter and kind of interval.

        Columns: parameter, truth, kind, n, given, coverage, sigma (binomial, of the level),
        deviation (in sigma), flagged (share of given intervals), coverage_unflagged, median_pull,
        failed.
        """
        from astropy.table import QTable

        rows = [
            self._row(t, j, k)
            for t in range(len(self.truths))
            for j in range(len(self.names))
            for k in range(len(self.kinds))
        ]
        columns = (
            "parameter truth kind n given coverage sigma deviation flagged coverage_unflagged "
            "median_pull failed"
        )
        return QTable(rows=rows, names=columns.split())

    def __repr__(self) -> str:
        lines = [f"Coverage of {100 * self.level:.4g} % fit intervals at fixed truths"]
        for row in self.to_table():
            lines.append(
                f"  {row['parameter']} = {row['truth']:.4g}, {row['kind']}: "
                f"{100 * row['coverage']:.1f} % ({row['deviation']:+.1f} sigma) of {row['given']} "
                f"intervals; {100 * row['flagged']:.0f} % flagged, "
                f"{100 * row['coverage_unflagged']:.1f} % of the others cover; "
                f"{row['failed']} fits failed"
            )
        return "\n".join(lines)

    # -- inner parts -------------------------------------------------------------------------

    def _index(self, kind: str) -> int:
        if kind not in self.kinds:
            raise InputError("no such interval", value=kind, allowed=", ".join(self.kinds))
        return self.kinds.index(kind)

    def _row(self, t: int, j: int, k: int) -> tuple[object, ...]:
        kind = self.kinds[k]
        given = int(self.given[k, t, :, j].sum())
        share = float(self.coverage(kind)[t, j])
        sigma = math.sqrt(self.level * (1 - self.level) / max(given, 1))
        flagged = float((self.flagged & self.given)[k, t, :, j].sum() / max(given, 1))
        pulls = self.pulls[t, :, j]
        median = float(np.median(pulls[np.isfinite(pulls)])) if np.isfinite(pulls).any() else np.nan
        return (
            self.names[j],
            float(self.truths[t, j]),
            kind,
            self.failed.shape[1],
            given,
            share,
            sigma,
            (share - self.level) / sigma,
            flagged,
            float(self.coverage(kind, unflagged=True)[t, j]),
            median,
            int(self.failed[t].sum()),
        )


def fit_coverage(
    problem: Problem,
    truths: Sequence[Mapping[str, float]],
    n: int = 1000,
    *,
    level: float = ONE_SIGMA,
    profile: bool = True,
    n_starts: int = 2,
    seed: SeedLike = None,
    executor: Executor | None = None,
) -> FitCoverage:
    """Return how often intervals of fits to simulated data hold the truth.

    Parameters
    ----------
    problem : Problem, or a Fit of one
        Its data serve as a design only.
    truths : sequence of mapping
        Values of free parameters by name; the parameters' own values where not named.
    n : int
        Simulated data sets per truth.
    level : float
        Probability that the intervals claim.
    profile : bool
        Measure profile-likelihood intervals as well.
    n_starts : int
        Searches per fit; the first starts at the parameters' own values.
    seed : int, SeedSequence or Generator
    executor : concurrent.futures.Executor, optional

    Returns
    -------
    FitCoverage

    Raises
    ------
    ParameterError
        For a truth outside the prior.
    FitError
        When every fit failed.

    Examples
    --------
    >>> from astrokit.inference import CurveProblem, Parameter, Parameters, Uniform, fit_coverage
    >>> p = Parameters([Parameter("level", 0.0, Uniform(-9, 9))])
    >>> problem = CurveProblem([0, 1], [0, 0], [1, 1], lambda x, level: level + 0 * x, p)
    >>> fit_coverage(problem, [{"level": 1.0}], 20, seed=1).coverage("profile").shape
    (1, 1)
    """
    if not 0 < level < 1:
        raise InputError("level must be a probability", value=level, allowed="0 to 1")
    problem = as_problem(problem)
    thetas = np.array([_theta(problem, truth) for truth in truths])
    if not len(thetas):
        raise InputError("no truth was given", allowed="one mapping of names to values, or more")
    sequence = as_seed_sequence(seed)
    recorder = Recorder(
        "astrokit.inference.fit_coverage",
        {"problem": problem, "truths": list(truths), "n": n, "level": level, "n_starts": n_starts},
        seed=sequence,
        citations=problem.citation_keys,
    )
    items = [theta for theta in thetas for _ in range(require_simulations(n))]
    one = partial(_intervals, problem, level, profile, n_starts)
    seeds = spawn(sequence, len(items))
    outcomes = map_items(one, items, seeds=seeds, executor=executor, keep_errors=True)
    collect(outcomes)  # anything but a failed fit is an error
    kinds = ("covariance", "profile") if profile else ("covariance",)
    return _tabulated(problem, thetas, outcomes, kinds, level, recorder)


def _tabulated(
    problem: Problem,
    thetas: FloatArray,
    outcomes: list[object],
    kinds: tuple[str, ...],
    level: float,
    recorder: Recorder,
) -> FitCoverage:
    """Return outcomes, one list of intervals (kinds x d) each, as arrays."""
    t, d = thetas.shape
    n = len(outcomes) // t
    shape = (t, n, len(kinds), d)
    nothing = [Interval(False, False, False, math.nan)] * (len(kinds) * d)
    failed = np.array([not isinstance(outcome, list) for outcome in outcomes]).reshape(t, n)
    flat = [i for outcome in outcomes for i in (outcome if isinstance(outcome, list) else nothing)]

    def flags(name: str) -> NDArray[np.bool_]:
        return np.moveaxis(np.array([getattr(i, name) for i in flat]).reshape(shape), 2, 0)

    return FitCoverage(
        names=problem.parameters.free_names,
        truths=thetas,
        level=level,
        kinds=kinds,
        given=flags("given"),
        covers=flags("covers"),
        flagged=flags("flagged"),
        pulls=np.array([i.pull for i in flat]).reshape(shape)[:, :, 0, :],
        failed=failed,
        provenance=recorder.finish(),
    )


def _theta(problem: Problem, truth: Mapping[str, float]) -> FloatArray:
    parameters = problem.parameters
    theta = parameters.free_values.copy()
    for name, value in truth.items():
        if not parameters[name].is_free:
            raise ParameterError(f"{name} is not free", allowed=", ".join(parameters.free_names))
        theta[parameters.free_names.index(name)] = value
    if not np.isfinite(parameters.log_prior(theta)[0]):
        raise ParameterError("a truth lies outside the prior", value=dict(truth))
    return theta


def _intervals(
    problem: Problem,
    level: float,
    profile: bool,
    n_starts: int,
    theta: FloatArray,
    seed: np.random.SeedSequence,
) -> list[Interval]:
    """Return the intervals of a fit to one simulated data set: covariance first, then profile."""
    data_seed, fit_seed = spawn(seed, 2)
    simulated = problem.simulate(theta, as_generator(data_seed))
    with quiet():
        fit = simulated.fit(n_starts=n_starts, seed=fit_seed)
        names = problem.parameters.free_names
        result = [
            _covariance_interval(fit, name, truth, level)
            for name, truth in zip(names, theta, strict=True)
        ]
        if profile:
            result += [
                _profile_interval(fit, name, truth, level)
                for name, truth in zip(names, theta, strict=True)
            ]
    return result


def _covariance_interval(fit: Fit, name: str, truth: float, level: float) -> Interval:
    from scipy.special import ndtri

    estimate = fit[name]
    if not math.isfinite(estimate.lower):
        return Interval(False, False, True, math.nan)
    pull = (estimate.value - truth) / estimate.lower
    covers = abs(pull) <= float(ndtri(0.5 * (1 + level)))
    return Interval(True, covers, _is_flagged(fit, name), pull)


def _profile_interval(fit: Fit, name: str, truth: float, level: float) -> Interval:
    estimate = fit.profile(name, level)
    return Interval(
        *_holds(estimate, truth),
        flagged=estimate.limit is not None,
        pull=math.nan,
    )


def _holds(estimate: Estimate, truth: float) -> tuple[bool, bool]:
    """Return whether an interval (or limit) was given, and whether it holds the truth."""
    if estimate.limit == "upper":
        return True, truth <= estimate.value
    if estimate.limit == "lower":
        return True, truth >= estimate.value
    if not math.isfinite(estimate.lower):
        return False, False
    low, high = estimate.interval
    return True, low <= truth <= high


def _is_flagged(fit: Fit, name: str) -> bool:
    """Return whether a warning of the fit names the parameter."""
    return any(name in sentence.replace(",", " ").split() for sentence in fit.warnings)
