"""`JointEnergyProblem`: broken power laws of several sources, with one break or one each."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, ParameterError
from ..inference.parameters import Parameters
from ..inference.priors import Uniform
from ..inference.problem import Problem
from .problem import Energies, EnergyProblem

__all__ = ["JointEnergyProblem"]

FloatArray = NDArray[np.float64]
_REFINED = 21  # places tried between two neighbours of the best common break


class JointEnergyProblem(Problem):
    """Several samples, each with a broken power law of its own indices.

    Parameters are ``index_low_1``, ``index_high_1``, ``index_low_2``, ..., then
    ``log_break_energy`` where the break is shared, or ``log_break_energy_1``, ... where not.

    Parameters
    ----------
    problems : sequence of EnergyProblem
        Each with a :class:`~astrokit.bursts.BrokenPowerLaw`, no maximum, no errors.
    shared : bool
        One break for all.

    Raises
    ------
    InputError
        For fewer than two problems, another model, or ranges of the break that do not overlap.
    """

    statistic = "unbinned energies of several sources"
    citation_keys: tuple[str, ...] = ("crawford1970",)

    def __init__(self, problems: Sequence[EnergyProblem], *, shared: bool = True) -> None:
        self._problems = tuple(problems)
        self._shared = bool(shared)
        if len(self._problems) < 2:
            raise InputError("a joint fit needs two samples or more", value=len(self._problems))
        for problem in self._problems:
            law = getattr(problem, "_law", None)
            if law is None or not law.is_broken or problem.model.maximum is not None:
                raise InputError(
                    "a joint fit is of sharply broken power laws without errors and maximum",
                    value=problem.label,
                    hint="EnergyProblem(sample, BrokenPowerLaw(), threshold=...)",
                )
        super().__init__(self._joined_parameters())

    def _joined_parameters(self) -> Parameters:
        indices, breaks = [], []
        for i, problem in enumerate(self._problems, start=1):
            low, high, place = problem.parameters
            indices += [replace(p, name=f"{p.name}_{i}", symbol=None) for p in (low, high)]
            breaks.append(replace(place, name=f"{place.name}_{i}", symbol=None))
        if not self._shared:
            return Parameters([*indices, *breaks])
        ends = np.array([b.prior.support if b.prior else (b.value, b.value) for b in breaks])
        low_end, high_end = float(ends[:, 0].max()), float(ends[:, 1].min())
        if not low_end < high_end:
            raise InputError(
                "the samples have no energies in common where a break could be",
                value=f"from log10 E = {low_end:.2f} to {high_end:.2f}",
                hint="check that all energies follow one convention; lower the highest threshold",
            )
        middle = 0.5 * (low_end + high_end)
        common = replace(
            breaks[0], name="log_break_energy", prior=Uniform(low_end, high_end), value=middle
        )
        return Parameters([*indices, common])

    # -- data ----------------------------------------------------------------------------------

    @property
    def problems(self) -> tuple[EnergyProblem, ...]:
        """One problem per source."""
        return self._problems

    @property
    def data(self) -> tuple[Energies, ...]:
        """The energies of each source."""
        return tuple(problem.data for problem in self._problems)

    @property
    def n_data(self) -> int:
        return sum(problem.n_data for problem in self._problems)

    @property
    def label(self) -> str:
        what = "one common break" if self._shared else "a break for each"
        return f"broken power laws (differential indices), {what}"

    def with_data(self, data: Any) -> Self:
        if len(data) != len(self._problems):
            raise InputError(
                "data of another number of sources",
                value=len(data),
                allowed=str(len(self._problems)),
            )
        other = copy.copy(self)
        other._problems = tuple(p.with_data(d) for p, d in zip(self._problems, data, strict=True))
        return other

    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        return {
            f"{name}_{i}": array
            for i, problem in enumerate(self._problems, start=1)
            for name, array in problem.data_arrays().items()
        }

    def settings(self) -> Mapping[str, Any]:
        return {"shared": self._shared, "sources": [dict(p.settings()) for p in self._problems]}

    # -- likelihood ----------------------------------------------------------------------------

    def _columns(self, i: int) -> list[int]:
        """Return where the three parameters of source `i` stand."""
        k = len(self._problems)
        return [2 * i, 2 * i + 1, 2 * k + (0 if self._shared else i)]

    def _log_likelihood(self, values: FloatArray) -> FloatArray:
        parts = [
            problem._log_likelihood(np.ascontiguousarray(values[:, self._columns(i)]))
            for i, problem in enumerate(self._problems)
        ]
        return np.sum(parts, axis=0)

    def _pointwise(self, values: FloatArray) -> FloatArray:
        parts = [
            problem._pointwise(np.ascontiguousarray(values[:, self._columns(i)]))
            for i, problem in enumerate(self._problems)
        ]
        return np.concatenate(parts, axis=1)

    def _score_and_information(
        self, values: FloatArray
    ) -> tuple[float, FloatArray, FloatArray] | None:
        total, p = 0.0, values.size
        score, information = np.zeros(p), np.zeros((p, p))
        for i, problem in enumerate(self._problems):
            at = self._columns(i)
            answer = problem._score_and_information(values[at])
            if answer is None:
                return None
            total += answer[0]
            score[at] += answer[1]
            information[np.ix_(at, at)] += answer[2]
        return total, score, information

    def _simulate_data(self, values: FloatArray, rng: np.random.Generator) -> tuple[Energies, ...]:
        return tuple(
            problem._simulate_data(values[self._columns(i)], rng)
            for i, problem in enumerate(self._problems)
        )

    # -- the maximum ---------------------------------------------------------------------------

    def _known_maximum(self) -> tuple[FloatArray, float] | None:
        if self._parameters.has_ties or self._parameters.n_free < len(self._parameters):
            return None
        if self._shared:
            return self._common_maximum()
        known = []
        for i in range(len(self._problems)):
            answer = self._narrowed(i)._known_maximum()
            if answer is None:
                return None
            known.append(answer)
        theta = [t[:2] for t, _ in known] + [t[2:] for t, _ in known]
        return np.concatenate(theta), float(sum(value for _, value in known))

    def _narrowed(self, i: int) -> EnergyProblem:
        """Return the problem of one source with the priors of the joint one."""
        problem = self._problems[i]
        parts = []
        for own, at in zip(problem.parameters, self._columns(i), strict=True):
            prior = list(self._parameters)[at].prior
            if prior is None:
                raise ParameterError(f"{own.name} has no prior")
            inside = min(max(own.value, prior.support[0]), prior.support[1])
            parts.append(replace(own, prior=prior, value=inside))
        return problem.with_parameters(Parameters(parts))

    def _common_maximum(self) -> tuple[FloatArray, float]:
        """Return the maximum with one break: of the sum of the profiles, at every burst."""
        narrowed = [self._narrowed(i) for i in range(len(self._problems))]
        places = np.unique(
            np.concatenate([problem.profile().log_break_energy for problem in narrowed])
        )
        best, value, indices = _highest(narrowed, places)
        left, right = places[max(best - 1, 0)], places[min(best + 1, places.size - 1)]
        finer = np.unique(np.append(np.linspace(left, right, _REFINED), places[best]))
        k, refined, finer_indices = _highest(narrowed, finer)
        if refined > value:
            return np.append(finer_indices, finer[k]), refined
        return np.append(indices, places[best]), value


def _highest(
    problems: Sequence[EnergyProblem], places: FloatArray
) -> tuple[int, float, FloatArray]:
    """Return where the sum of the profiles is highest, its value, and all indices there."""
    curves = [problem.profile(places) for problem in problems]
    total = np.sum([curve.log_likelihood for curve in curves], axis=0)
    best = int(np.argmax(total))
    indices = [x for c in curves for x in (c.index_low[best], c.index_high[best])]
    return best, float(total[best]), np.array(indices)
