"""What a reader of a fit must know, in sentences that name parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import CoverageWarning, FitWarning
from .derivatives import Point
from .fit_result import Start
from .uncertainty import DETERMINED, UNDETERMINED, Covariance, Probe

if TYPE_CHECKING:
    from .problem import Problem

__all__ = ["Note", "reservations"]

FloatArray = NDArray[np.float64]
_ASYMMETRY = 0.2  # of ln L, beside 0.5: the error is off by more than a quarter
_COUPLED = 0.5  # a correlation by which holding one parameter narrows the other by 13 %

Note = tuple[str, type[FitWarning] | type[CoverageWarning] | None]


def reservations(
    problem: Problem,
    point: Point,
    cov: Covariance,
    tested: Probe,
    records: list[Start],
) -> list[Note]:
    """Return sentences, each with the warning as which it is to be issued, or None."""
    names = problem.parameters.free_names
    undetermined = [n for n, s in zip(names, cov.states, strict=True) if s == UNDETERMINED]
    at_bound = [
        (name, state, float(value))
        for name, state, value in zip(names, cov.states, point.theta, strict=True)
        if state not in (UNDETERMINED, DETERMINED)
    ]
    notes: list[Note] = []
    if at_bound:
        notes.append((_at_bound(at_bound), FitWarning))
    if undetermined:
        notes.append((_undetermined(undetermined), FitWarning))
    notes += [(sentence, CoverageWarning) for sentence in _off_coverage(names, cov, tested)]
    notes += _disagreement(point, records)
    values = problem.parameters.expand(point.theta)[0]
    notes += [(sentence, CoverageWarning) for sentence in problem._reservations(values)]
    return notes


def _off_coverage(names: tuple[str, ...], cov: Covariance, tested: Probe) -> list[str]:
    """Return what is wrong with intervals from the covariance: one sentence for each reason."""
    determined = np.flatnonzero([state == DETERMINED for state in cov.states])
    beyond = _indices(tested, tested.room < 1)
    curved = (tested.reach == 1) & (np.abs(tested.drop - 0.5) > _ASYMMETRY)
    skewed = _indices(tested, curved)
    at_edge = {i for i, state in enumerate(cov.states) if state.startswith("at")} | beyond
    coupled: dict[str, list[str]] = {}
    for i in determined:
        near = [k for k in sorted(at_edge - {i}) if abs(cov.correlation[i, k]) > _COUPLED]
        if near and i not in beyond:
            coupled.setdefault(names[near[0]], []).append(names[i])
    sentences = []
    if crossing := [names[i] for i in determined if i in beyond]:
        sentences.append(_beyond(crossing))
    sentences += [_coupled(affected, other) for other, affected in coupled.items()]
    if bent := [names[i] for i in determined if i in skewed]:
        sentences.append(_not_a_parabola(bent))
    return sentences


def _indices(tested: Probe, chosen: NDArray[np.bool_]) -> set[int]:
    return set(tested.parameter[chosen].tolist())


def _joined(names: list[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _profile(names: list[str]) -> str:
    return f"profile({names[0]!r})" if len(names) == 1 else "profile()"


def _coupled(names: list[str], other: str) -> str:
    what, they = ("error", "is") if len(names) == 1 else ("errors", "are")
    return (
        f"the {what} of {_joined(names)} {they} off: the correlated {other!r} is at or near the "
        f"end of its allowed range; use {_profile(names)} or sample()"
    )


def _undetermined(names: list[str]) -> str:
    if len(names) == 1:
        return (
            f"{names[0]} is not determined by the data: its error would be wider than its prior, "
            f"so none is given; fix it, or simplify the model"
        )
    return (
        f"{_joined(names)} are not determined by the data: their errors would be wider than their "
        f"priors, so none are given; fix some of them, or simplify the model"
    )


def _at_bound(ends: list[tuple[str, str, float]]) -> str:
    names = [name for name, _, _ in ends]
    where = _joined([f"{name} ended {state} ({value:g})" for name, state, value in ends])
    has, prior = ("has no error", "prior") if len(ends) == 1 else ("have no errors", "priors")
    return f"{where} and {has}; {_profile(names)} gives a limit, or widen the {prior}"


def _beyond(names: list[str]) -> str:
    if len(names) == 1:
        return (
            f"the one-sigma interval of {names[0]} reaches beyond its allowed range, so its "
            f"coverage is off; use {_profile(names)} or sample()"
        )
    return (
        f"the one-sigma intervals of {_joined(names)} reach beyond their allowed ranges, so their "
        f"coverage is off; use {_profile(names)} or sample()"
    )


def _not_a_parabola(names: list[str]) -> str:
    errors = "its symmetric error" if len(names) == 1 else "their symmetric errors"
    return (
        f"ln L is not a parabola within one sigma of {_joined(names)}, so the coverage of "
        f"{errors} is off; use {_profile(names)} or sample()"
    )


def _disagreement(point: Point, records: list[Start]) -> list[Note]:
    """Return a note when one start alone found the maximum and others found lower ones."""
    reached = [r.log_likelihood for r in records if r.converged]
    alone = sum(point.log_likelihood - value < 0.01 for value in reached) < 2
    if len(records) < 3 or not alone:
        return []
    text = f"only one of {len(records)} starts reached this maximum; raise n_starts to be sure"
    return [(text, None)]
