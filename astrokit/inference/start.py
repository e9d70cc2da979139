"""Where the walkers of each ensemble start: around the fit, or drawn from the prior."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FitError, InputError, ParameterError
from ..provenance import quiet

if TYPE_CHECKING:
    from .problem import Problem

__all__ = ["starting_positions"]

FloatArray = NDArray[np.float64]
LogPosterior = Callable[[FloatArray], FloatArray]

_SPREAD = 2.0  # standard deviations are widened by this, so that R-hat sees disagreement
_FREEDOM = 5.0  # of the t distribution: a few walkers start far out
_OTHER_MODE = 10.0  # ln L by which another maximum may lie lower and still get walkers
_APART = 5.0  # standard deviations between maxima that count as two
_ROUNDS = 60  # batches of candidates before giving up
_SCREENED = 16  # prior draws per walker, of which the better part is kept


def starting_positions(
    problem: Problem,
    seeds: Sequence[np.random.SeedSequence],
    walkers: int,
    start: Any,
    log_posterior: LogPosterior,
) -> list[FloatArray]:
    """Return ``(W, d)`` positions of finite posterior for each ensemble.

    Parameters
    ----------
    problem : Problem
    seeds : sequence of SeedSequence
        One per ensemble.
    walkers : int
    start : None, "fit", "prior", mapping, Fit or ndarray
        None: around the fit where it succeeds, else from the prior. Where the searches of a fit
        ended in several maxima of similar height, half of the walkers start at the others.
        A mapping of names to values: close around that point. Array ``(W, d)`` or
        ``(ensembles, W, d)``: taken as they are.
    log_posterior : callable
        ``(n, d) -> (n,)``

    Raises
    ------
    InputError, ParameterError
        For a `start` that cannot be used, or where no finite posterior was found.
    FitError
        When ``start="fit"`` and the fit fails.
    """
    generators = [np.random.default_rng(seed) for seed in seeds]
    if isinstance(start, np.ndarray):
        return _given(problem, start, len(seeds), walkers, log_posterior)
    if isinstance(start, Mapping):
        return [_around_point(problem, start, rng, walkers, log_posterior) for rng in generators]
    if start is not None and not isinstance(start, str):
        start_fit: Any = start
    elif start == "prior":
        start_fit = None
    elif start in (None, "fit"):
        start_fit = _fit(problem, required=start == "fit")
    else:
        raise InputError(
            "start is unknown", value=start, allowed="'fit', 'prior', a mapping, a Fit, an array"
        )
    if start_fit is None:
        return [_from_prior(problem, rng, walkers, log_posterior) for rng in generators]
    centers, root = _clouds_of(problem, start_fit)
    return [_around(centers, root, rng, walkers, log_posterior, problem) for rng in generators]


def _fit(problem: Problem, *, required: bool) -> Any:
    """Return the fit, or None where it fails and is not required; its warnings are not repeated."""
    with quiet():
        try:
            return problem.fit()
        except FitError:
            if required:
                raise
            return None


def _clouds_of(problem: Problem, fit: Any) -> tuple[FloatArray, FloatArray]:
    """Return maxima ``(k, d)``, the best first, and a square root of the covariance of a fit."""
    names = problem.parameters.free_names
    try:
        mean = np.array([fit[name].value for name in names], dtype=float)
        covariance = np.asarray(fit.covariance, dtype=float)
    except (KeyError, ParameterError, AttributeError, TypeError) as error:
        raise InputError(
            "start cannot be used", value=repr(fit), hint="give a Fit of this problem"
        ) from error
    if covariance.shape != (len(names),) * 2:
        raise InputError("the covariance of start has the wrong shape", value=covariance.shape)
    mean, covariance = _completed(problem, mean, covariance)
    sigma = np.sqrt(np.diag(covariance))
    # Work with correlations: variances of different parameters can differ by many powers of ten.
    eigenvalues, vectors = np.linalg.eigh(covariance / np.outer(sigma, sigma))
    root = vectors * np.sqrt(np.clip(eigenvalues, 1e-12, None))
    root = sigma[:, None] * root
    return _maxima(fit, mean, np.linalg.inv(root)), root


def _maxima(fit: Any, mean: FloatArray, whiten: FloatArray) -> FloatArray:
    """Return the best maximum and those of similar height where other searches ended."""
    centers = [mean]
    for search in getattr(fit, "starts", ()):
        end = np.array(search.end, dtype=float)
        is_high = search.converged and fit.log_likelihood - search.log_likelihood < _OTHER_MODE
        if is_high and all(np.linalg.norm(whiten @ (end - c)) > _APART for c in centers):
            centers.append(end)
    return np.array(centers)


def _completed(
    problem: Problem, mean: FloatArray, covariance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Give parameters without an error (at a bound, undetermined) a spread from their prior."""
    unknown = ~(np.diag(covariance) > 0)
    if not unknown.any():
        return mean, covariance
    low, high = problem.parameters.prior_transform(np.array([[0.16], [0.84]]) * np.ones(mean.size))
    covariance = np.where(unknown[:, None] | unknown[None, :], 0.0, covariance)
    covariance[unknown, unknown] = (0.25 * (high - low)[unknown]) ** 2
    return mean, covariance


def _around(
    centers: FloatArray,
    root: FloatArray,
    rng: np.random.Generator,
    walkers: int,
    log_posterior: LogPosterior,
    problem: Problem,
) -> FloatArray:
    """Draw from widened t distributions around the maxima, cut to a finite posterior."""
    others = len(centers) - 1
    share = np.array([1.0] if not others else [0.5] + [0.5 / others] * others)

    def draw(n: int) -> FloatArray:
        middle = centers[rng.choice(len(centers), n, p=share)]
        normal = rng.standard_normal(middle.shape)
        wide = np.sqrt(_FREEDOM / rng.chisquare(_FREEDOM, (n, 1)))
        return np.asarray(middle + _SPREAD * (normal * wide) @ root.T)

    found = _collect(draw, walkers, log_posterior)
    return _from_prior(problem, rng, walkers, log_posterior) if found is None else found


def _around_point(
    problem: Problem,
    point: Mapping[str, float],
    rng: np.random.Generator,
    walkers: int,
    log_posterior: LogPosterior,
) -> FloatArray:
    """Draw close around named values: 1 % of the middle 68 % of each prior."""
    parameters = problem.parameters
    unknown = set(point) - set(parameters.free_names)
    if unknown:
        raise ParameterError(
            "start names something that is not a free parameter",
            value=sorted(unknown),
            allowed=", ".join(parameters.free_names),
        )
    mean = np.array([float(point.get(p.name, p.value)) for p in parameters.free])
    low, high = parameters.prior_transform(np.array([[0.16], [0.84]]) * np.ones(mean.size))
    root = np.diag(0.01 * (high - low))
    return _around(mean[None, :], root / _SPREAD, rng, walkers, log_posterior, problem)


def _from_prior(
    problem: Problem, rng: np.random.Generator, walkers: int, log_posterior: LogPosterior
) -> FloatArray:
    """Draw from the prior; of many draws with finite posterior keep some of the better ones."""

    def draw(n: int) -> FloatArray:
        return problem.parameters.sample_prior(rng, n)

    found = _collect(draw, walkers * _SCREENED, log_posterior, enough=walkers)
    if found is None:
        raise ParameterError(
            "no draw from the prior has a finite posterior",
            value=f"{_ROUNDS} batches of {walkers * _SCREENED} draws",
            hint="narrow the priors to where the model exists, or give start values",
        )
    order = np.argsort(-log_posterior(found), kind="stable")
    better = order[: max(walkers, len(order) // 4)]
    return found[rng.choice(better, walkers, replace=False)]


def _collect(
    draw: Callable[[int], FloatArray], wanted: int, log_posterior: LogPosterior, enough: int = 0
) -> FloatArray | None:
    """Draw until `wanted` rows have a finite posterior; None if fewer than `enough` are found."""
    kept: list[FloatArray] = []
    count = 0
    for _ in range(_ROUNDS):
        candidates = draw(wanted)
        good = candidates[np.isfinite(log_posterior(candidates))]
        kept.append(good)
        count += len(good)
        if count >= wanted:
            break
    found = np.concatenate(kept)[:wanted]
    return found if len(found) >= (enough or wanted) else None


def _given(
    problem: Problem, start: FloatArray, n: int, walkers: int, log_posterior: LogPosterior
) -> list[FloatArray]:
    """Check positions given by the user."""
    d = problem.parameters.n_free
    if start.shape not in ((walkers, d), (n, walkers, d)):
        raise InputError(
            "start has the wrong shape",
            value=start.shape,
            allowed=f"({walkers}, {d}) or ({n}, {walkers}, {d})",
        )
    positions = np.broadcast_to(start, (n, walkers, d)).astype(float)
    for ensemble in positions:
        good = np.isfinite(log_posterior(ensemble))
        if not good.all():
            raise InputError(
                f"{int((~good).sum())} of the given start positions have no finite posterior",
                value=problem.parameters.named(ensemble[~good][0]),
                hint="move them inside the prior",
            )
        if np.linalg.matrix_rank(ensemble - ensemble.mean(axis=0)) < d:
            raise InputError(
                "the given start positions do not span all parameters",
                hint="scatter the walkers in every parameter",
            )
    return list(positions.copy())
