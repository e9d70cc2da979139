"""Maximum-likelihood fits: search from several starts, then check that a maximum was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import FitError, ParameterError
from ..provenance import Recorder
from ..randomness import SeedLike, as_seed_sequence
from .ascent import Ascent, ascend, mahalanobis
from .derivatives import Point
from .fit_result import Fit, Start
from .options import whole_number
from .reservations import reservations
from .search import Searcher, searcher
from .uncertainty import Covariance, Probe, covariance, probe

if TYPE_CHECKING:
    from .problem import Problem

__all__ = ["fit"]

FloatArray = NDArray[np.float64]
_DRAWS_PER_START = 40  # prior draws of which the best becomes a start
_SCREENED_DATA = 200_000  # draws times data that the screening may cost
_ROUGH = 1e-3  # promised gain in ln L at which a climb on coarse data ends
_SAME_HEIGHT, _SAME_PLACE = 0.05, 0.25  # ln L, squared sigma: ends that a finer search joins
_HOPELESS = 30.0  # ln L by which a maximum of coarse data must be lower to be left alone
_NEGLIGIBLE = 1e-5  # ln L; a neighbour must be better by more to disprove a maximum


def fit(
    problem: Problem,
    *,
    start: Mapping[str, float] | None = None,
    n_starts: int = 5,
    seed: SeedLike = 0,
    method: str = "auto",
) -> Fit:
    """Return the maximum-likelihood fit of `problem`.

    Parameters
    ----------
    problem : Problem
    start : mapping of str to float, optional
        Values of free parameters where the first search begins; the parameters' own values where
        not given.
    n_starts : int
        Number of searches; the others begin at the best of some draws from the prior.
    seed : int, SeedSequence or Generator
        For those draws.
    method : str
        ``"auto"``; ``"scoring"`` (needs derivatives from the problem); ``"leastsq"`` or
        ``"least_squares"`` (lmfit; need residuals); ``"newton"`` (numerical derivatives); or a
        scalar minimiser of lmfit such as ``"nelder"`` or ``"powell"``. Auto takes the first of
        scoring, leastsq and newton that the problem allows, and Nelder-Mead where newton fails.

    Returns
    -------
    Fit
        Errors are absolute: never scaled by the chi2 of the residuals. The allowed range of a
        parameter is the support of its prior; the density inside plays no role.

    Raises
    ------
    FitError
        When no search ends in a checked maximum.
    ParameterError, InputError
        For an unknown name, a start outside the prior, or a method that cannot be used.

    Warns
    -----
    FitWarning
        For a parameter at its bound, or undetermined; by name.
    CoverageWarning
        Where an interval from the covariance is known not to cover as it says.

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.inference import Parameter, Parameters, PoissonProblem, Uniform
    >>> counts = np.array([90, 110, 95, 105])
    >>> rate = Parameters([Parameter("rate", 1.0, Uniform(0, 1000))])
    >>> print(PoissonProblem(np.arange(4), counts, lambda x, rate: rate, rate).fit()["rate"])
    rate = 100 +/- 5
    """
    whole_number(n_starts, "n_starts", 1)
    sequence = as_seed_sequence(seed)
    arguments = {"problem": problem, "start": start, "n_starts": n_starts, "method": method}
    recorder = Recorder(
        "astrokit.inference.fit", arguments, seed=sequence, citations=problem.citation_keys
    )
    search = searcher(problem, method)
    first = None if start is None else _first_start(problem, start)
    known = problem._known_maximum() if method == "auto" else None
    if known is not None:
        records = [Start(tuple((known[0] if first is None else first).tolist()),
                         tuple(known[0].tolist()), known[1], True)]  # fmt: skip
        point, cov, tested = _described(search, known[0])
    else:
        rng = np.random.default_rng(sequence)
        guide = problem._coarse()
        starts = _starts(guide or problem, start, n_starts, rng)
        if guide is None:
            ends, records, _ = _climb_all(search, starts)
        else:
            ends, records = _climb_with_guide(search, searcher(guide, method), starts)
        point, cov, tested = _checked_maximum(search, ends, records)
    notes = reservations(problem, point, cov, tested, records)
    for sentence, category in notes:
        if category is not None:
            recorder.warn(sentence, category, stacklevel=4)
    recorder.cite(*search.citations)
    return Fit(
        parameters=problem.parameters,
        theta=point.theta,
        covariance=cov.matrix,
        log_likelihood=point.log_likelihood,
        states=cov.states,
        starts=tuple(records),
        reservations=tuple(sentence for sentence, _ in notes),
        method=f"maximum likelihood by {_way(search, known is not None)}; covariance from the "
        f"{search.derivatives.kind}",
        label=problem.label,
        statistic_name=problem.statistic_name,
        statistic=_statistic(problem, point),
        n_data=problem.n_data,
        problem=problem,
        _provenance=recorder.finish(),
    )


def _way(search: Searcher, is_known: bool) -> str:
    return "the search of the model itself" if is_known else search.label


def _described(search: Searcher, theta: FloatArray) -> tuple[Point, Covariance, Probe]:
    """Return a maximum that the problem found itself, with its covariance and its neighbours.

    Raises
    ------
    FitError
        When ln L is higher one error away: then it was none.
    """
    derivatives = search.derivatives
    point = derivatives.refined(derivatives(theta))
    cov = covariance(point, derivatives)
    tested = probe(point, cov, derivatives)
    gain = tested.log_likelihood - point.log_likelihood
    if gain.size and gain.max() > _NEGLIGIBLE + 1e-13 * abs(point.log_likelihood):
        raise FitError(
            "ln L is higher beside the maximum that the problem gave",
            value=search.problem.parameters.named(tested.theta[int(np.argmax(gain))]),
            hint="search with another method=",
        )
    return point, cov, tested


def _statistic(problem: Problem, point: Point) -> float:
    deviance = problem._deviance(problem.parameters.expand(point.theta)[0])
    return -2 * point.log_likelihood if deviance is None else deviance


# -- where to begin ------------------------------------------------------------------------------


def _starts(
    problem: Problem, start: Mapping[str, float] | None, n_starts: int, rng: np.random.Generator
) -> list[FloatArray]:
    """Return the first start and the best of each group of prior draws."""
    first = _first_start(problem, start)
    if n_starts == 1:  # nothing to choose from, and a climb says itself if it cannot begin
        return [first]
    groups = n_starts - 1
    size = int(np.clip(_SCREENED_DATA // (problem.n_data * groups), 1, _DRAWS_PER_START))
    draws = _drawn(problem, rng, groups * size)
    value = problem.log_likelihood(np.concatenate([first[None, :], draws]))
    found = [first] if np.isfinite(value[0]) else []
    for k in range(groups):
        rows = slice(k * size, (k + 1) * size)
        best = int(np.argmax(value[1:][rows]))
        if np.isfinite(value[1:][rows][best]):
            found.append(draws[rows][best])
    if not found:
        raise _nowhere(problem, first)
    return found


def _drawn(problem: Problem, rng: np.random.Generator, n: int) -> FloatArray:
    """Return ``(n, d)`` draws from the prior, moved to where they are of use."""
    parameters = problem.parameters
    values = parameters.expand(parameters.sample_prior(rng, n))
    return np.ascontiguousarray(problem._nearer(values)[:, parameters.free_index])


def _nowhere(problem: Problem, first: FloatArray) -> FitError:
    return FitError(
        "ln L is -inf at every start",
        value=problem.parameters.named(first),
        hint="give start= values at which the model exists, or narrower priors",
    )


def _first_start(problem: Problem, start: Mapping[str, float] | None) -> FloatArray:
    parameters = problem.parameters
    theta = parameters.free_values.copy()
    if not isinstance(start, Mapping | None):
        raise ParameterError(
            "start is no mapping from names to values",
            value=type(start).__name__,
            hint="such as start={'slope': 2.0}, or dict(zip(names, values))",
        )
    for name, value in (start or {}).items():
        if not parameters[name].is_free:
            raise ParameterError(
                f"{name} is not free, so it has no start",
                hint=f"change the parameter itself: parameters.replace({name!r}, value=...)",
            )
        i = parameters.free_names.index(name)
        low, high = parameters.bounds[i]
        if not low <= value <= high:
            raise ParameterError(
                f"the start of {name} lies outside its prior",
                value=value,
                allowed=f"{low:g} to {high:g}",
            )
        theta[i] = value
    return theta


# -- searching and checking ----------------------------------------------------------------------


def _climb_all(
    search: Searcher, starts: list[FloatArray], lacking: list[FloatArray | float] | None = None
) -> tuple[list[Point], list[Start], list[Ascent]]:
    """Return the maxima found, highest first, and a record of every search and its climb."""
    ends: list[Point] = []
    records, climbs = [], []
    for k, theta in enumerate(starts):
        end = search(theta, ends[0] if ends else None, 0.0 if lacking is None else lacking[k])
        records.append(_record(theta, end, ends))
        climbs.append(end)
        if end.converged and not end.reason:
            ends.append(end.point)
            ends.sort(key=lambda point: -point.log_likelihood)
    return ends, records, climbs


def _climb_with_guide(
    search: Searcher, guide: Searcher, starts: list[FloatArray]
) -> tuple[list[Point], list[Start]]:
    """Search a coarse problem from all starts, and the full one from where those searches ended."""
    guide.derivatives.tolerance = max(guide.derivatives.tolerance, _ROUGH)
    found, coarse, climbs = _climb_all(guide, starts)
    # The last record of a place is that of the climb which found it first, or of one as good.
    differs = {r.end: c.lacking for r, c in zip(coarse, climbs, strict=True) if r.converged}
    joined = _joined(found)
    places = list(dict.fromkeys(joined.values())) or [tuple(starts[0].tolist())]
    heights = {tuple(end.theta.tolist()): end.log_likelihood for end in found}
    low = _far_below(search.problem, places, [heights.get(place, 0.0) for place in places])
    chosen = [place for place in places if place not in low]
    ends, full, _ = _climb_all(
        search, [np.array(place) for place in chosen], [differs.get(p, 0.0) for p in chosen]
    )
    led_to = dict(zip(chosen, full, strict=True))
    led_to |= {
        place: Start(place, place, height, False, "a lower maximum of the coarse data")
        for place, height in low.items()
    }
    records = [
        replace(led_to[joined[r.end]], start=r.start) if r.end in joined else r for r in coarse
    ]
    return ends, records


def _joined(ends: list[Point]) -> dict[tuple[float, ...], tuple[float, ...]]:
    """Return for each end, highest first, the end from which a finer search stands for it.

    Ends of rough climbs to one maximum, or along one flat ridge, differ by a part of its width.
    """
    kept: list[Point] = []
    stands_for = {}
    for end in ends:
        near = (
            top
            for top in kept
            if top.log_likelihood - end.log_likelihood < _SAME_HEIGHT
            and 0 <= mahalanobis(end.theta, top) < _SAME_PLACE
        )
        place = next(near, end)
        if place is end:
            kept.append(end)
        stands_for[tuple(end.theta.tolist())] = tuple(place.theta.tolist())
    return stands_for


def _far_below(
    problem: Problem, places: list[tuple[float, ...]], heights: list[float]
) -> dict[tuple[float, ...], float]:
    """Return the places from which no climb can reach the best one, with their ln L.

    Where a coarse maximum is much lower than another one, and ln L of the full data as well, what
    the coarse data do not show cannot make up for it.
    """
    if len(places) == 1:
        return {}
    full = problem.log_likelihood(np.array(places))
    with np.errstate(invalid="ignore"):  # -inf at both is no drop
        drop = np.minimum(max(heights) - np.array(heights), full[int(np.argmax(heights))] - full)
    return {places[k]: float(full[k]) for k in np.flatnonzero(drop > _HOPELESS)}


def _record(theta: FloatArray, end: Ascent, ends: list[Point]) -> Start:
    # A search that entered the ellipsoid of a known maximum stopped there: it is that maximum.
    point = ends[0] if end.converged and end.reason else end.point
    return Start(
        tuple(theta.tolist()),
        tuple(point.theta.tolist()),
        point.log_likelihood,
        end.converged,
        end.reason,
    )


def _checked_maximum(
    search: Searcher, ends: list[Point], records: list[Start]
) -> tuple[Point, Covariance, Probe]:
    """Return the highest maximum whose neighbours one error away are all lower."""
    derivatives = search.derivatives
    if not ends:
        if all(record.log_likelihood == -np.inf for record in records):
            raise _nowhere(search.problem, np.array(records[0].end))
        raise FitError(
            f"no search converged ({'; '.join(sorted({r.reason for r in records}))})",
            value=records[0].end,
            hint="give start= values, raise n_starts or narrow the priors; at a kink, such as a "
            "break on a datum, use a smooth model, or sample(), which needs no derivatives",
        )
    point = derivatives.refined(ends[0])
    for _ in range(10):
        cov = covariance(point, derivatives)
        tested = probe(point, cov, derivatives)
        gain = tested.log_likelihood - point.log_likelihood
        rounding = 1e-13 * abs(point.log_likelihood)
        if gain.size == 0 or gain.max() <= _NEGLIGIBLE + rounding:
            return point, cov, tested
        # ln L is higher one error away: climb on from there.
        point = derivatives.refined(ascend(derivatives, tested.theta[int(np.argmax(gain))]).point)
    raise FitError(
        "the search ended where ln L is not at a maximum",
        value=search.problem.parameters.named(point.theta),
        hint="the likelihood may be discontinuous; sample() does not need a maximum",
    )
