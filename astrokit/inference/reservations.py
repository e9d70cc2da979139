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
    notes: list[Note] = []
    for name, state, value in zip(names, cov.states, point.theta, strict=True):
        if state == UNDETERMINED:
            notes.append((_undetermined(name), FitWarning))
        elif state != DETERMINED:
            notes.append((_at_bound(name, state, float(value)), FitWarning))
    notes += [(sentence, CoverageWarning) for sentence in _off_coverage(names, cov, tested)]
    notes += _disagreement(point, records)
    values = problem.parameters.expand(point.theta)[0]
    notes += [(sentence, None) for sentence in problem._reservations(values)]
    return notes


def _off_coverage(names: tuple[str, ...], cov: Covariance, tested: Probe) -> list[str]:
    """Return what is wrong with intervals from the covariance, for each parameter once."""
    determined = np.array([state == DETERMINED for state in cov.states])
    beyond = _indices(tested, tested.room < 1)
    curved = (tested.reach == 1) & (np.abs(tested.drop - 0.5) > _ASYMMETRY)
    skewed = _indices(tested, curved)
    at_edge = {i for i, state in enumerate(cov.states) if state.startswith("at")} | beyond
    sentences = []
    for i in np.flatnonzero(determined):
        near = [k for k in sorted(at_edge - {i}) if abs(cov.correlation[i, k]) > _COUPLED]
        if i in beyond:
            sentences.append(_beyond(names[i]))
        elif near:
            sentences.append(_coupled(names[i], names[near[0]]))
        if i in skewed:
            sentences.append(_not_a_parabola(names[i]))
    return sentences


def _indices(tested: Probe, chosen: NDArray[np.bool_]) -> set[int]:
    return set(tested.parameter[chosen].tolist())


def _coupled(name: str, other: str) -> str:
    return (
        f"the error of {name} is off: the correlated {other!r} is at or near the end of its "
        f"allowed range; use profile({name!r}) or sample()"
    )


def _undetermined(name: str) -> str:
    return (
        f"{name} is not determined by the data: its error would be wider than its prior, so none "
        f"is given; fix it, or simplify the model"
    )


def _at_bound(name: str, state: str, value: float) -> str:
    return (
        f"{name} ended {state} ({value:g}) and has no error; profile({name!r}) gives a limit, or "
        f"widen the prior"
    )


def _beyond(name: str) -> str:
    return (
        f"the one-sigma interval of {name} reaches beyond its allowed range, so its coverage is "
        f"off; use profile({name!r}) or sample()"
    )


def _not_a_parabola(name: str) -> str:
    return (
        f"ln L is not a parabola within one sigma of {name}, so the coverage of its symmetric "
        f"error is off; use profile({name!r}) or sample()"
    )


def _disagreement(point: Point, records: list[Start]) -> list[Note]:
    """Return a note when one start alone found the maximum and others found lower ones."""
    reached = [r.log_likelihood for r in records if r.converged]
    alone = sum(point.log_likelihood - value < 0.01 for value in reached) < 2
    if len(records) < 3 or not alone:
        return []
    text = f"only one of {len(records)} starts reached this maximum; raise n_starts to be sure"
    return [(text, None)]
