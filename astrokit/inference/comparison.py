"""Which model? AIC, AICc and BIC in one table, and likelihood-ratio tests by simulation."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ComparisonError, FitWarning
from ..parallel import map_items
from ..provenance import Recorder, quiet
from ..randomness import SeedLike, as_generator, as_seed_sequence, spawn
from .fit_result import Fit
from .problem import Problem, as_problem
from .significance import SimulatedTest, collect, require_simulations
from .uncertainty import DETERMINED

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from astropy.table import QTable

__all__ = ["Comparison", "compare", "likelihood_ratio_test"]

FloatArray = NDArray[np.float64]
_CRITERIA = ("aic", "aicc", "bic")
_MISSED = 1e-2  # a nested model cannot have T below zero by more than rounding


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """AIC, AICc and BIC of several fits to the same data; made by :func:`compare`.

    Attributes
    ----------
    names : tuple of str
    fits : tuple of Fit
    notes : tuple of str
        Where the theory behind the criteria does not hold.
    """

    names: tuple[str, ...]
    fits: tuple[Fit, ...]
    notes: tuple[str, ...]

    def values(self, criterion: str) -> FloatArray:
        """Return ``"aic"``, ``"aicc"`` or ``"bic"`` of each fit."""
        return np.array([getattr(fit, _known(criterion)) for fit in self.fits])

    def deltas(self, criterion: str) -> FloatArray:
        """Return the criterion above its minimum, for each fit (infinite stays infinite)."""
        values = self.values(criterion)
        lowest = values.min()
        return np.where(np.isinf(values), np.inf, values - (lowest if np.isfinite(lowest) else 0.0))

    def weights(self, criterion: str) -> FloatArray:
        """Return ``exp(-delta/2)`` normalised to 1; NaN where no fit has a finite criterion.

        For AIC and AICc these are Akaike weights, for BIC approximate posterior probabilities
        under equal prior ones.
        """
        likelihood = np.exp(-0.5 * self.deltas(criterion))
        total = likelihood.sum()
        return likelihood / total if total > 0 else np.full(likelihood.shape, np.nan)

    def best(self, criterion: str = "aicc") -> str:
        """Return the name of the fit with the lowest criterion."""
        return self.names[int(np.argmin(self.values(criterion)))]

    def to_table(self) -> QTable:
        """Return one row per fit: ln L, number of free parameters, criteria, deltas, weights."""
        from astropy.table import QTable

        table = QTable()
        table["name"] = list(self.names)
        table["log_likelihood"] = [fit.log_likelihood for fit in self.fits]
        table["n_free"] = [fit.n_free for fit in self.fits]
        for criterion in _CRITERIA:
            table[criterion] = self.values(criterion)
            table[f"delta_{criterion}"] = self.deltas(criterion)
            table[f"weight_{criterion}"] = self.weights(criterion)
        table.meta["n_data"] = self.fits[0].n_data
        table.meta["statistic"] = self.fits[0].statistic_name
        return table

    def _cells(self) -> list[list[str]]:
        head = ["model", "k", "ln L", "AIC", "AICc", "BIC", "dAIC", "dAICc", "dBIC", "w(AICc)"]
        delta = {c: self.deltas(c) for c in _CRITERIA}
        weight = self.weights("aicc")
        rows = [head]
        for i, (name, fit) in enumerate(zip(self.names, self.fits, strict=True)):
            numbers = [fit.log_likelihood, fit.aic, fit.aicc, fit.bic]
            row = [name, str(fit.n_free), *(f"{x:.2f}" for x in numbers)]
            rows.append([*row, *(f"{delta[c][i]:.2f}" for c in _CRITERIA), f"{weight[i]:.3f}"])
        return rows

    def __repr__(self) -> str:
        cells = self._cells()
        widths = [max(len(row[j]) for row in cells) for j in range(len(cells[0]))]
        lines = []
        for row in cells:
            rest = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
            lines.append("  ".join([row[0].ljust(widths[0]), *rest]))
        return "\n".join([*lines, *(f"! {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        head, *rows = [[html.escape(cell) for cell in row] for row in self._cells()]
        body = "".join(f"<tr>{''.join(f'<td>{c}</td>' for c in row)}</tr>" for row in rows)
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return f"<table><tr>{''.join(f'<th>{c}</th>' for c in head)}</tr>{body}</table>" + (
            f"<ul>{notes}</ul>" if notes else ""
        )


def compare(results: Sequence[Fit] | Mapping[str, Fit]) -> Comparison:
    """Return AIC, AICc and BIC of fits to the same data, side by side.

    Parameters
    ----------
    results : sequence of Fit, or mapping of str to Fit
        A mapping names the rows; otherwise the labels of the models do, with the free parameters
        in which models of one label differ.

    Returns
    -------
    Comparison

    Raises
    ------
    ComparisonError
        When data or statistics differ, when there are fewer than two results, or for a Posterior:
        its best sample lies below the maximum of ln L, and the criteria need the maximum.

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.inference import (
    ...     CurveProblem, Parameter, Parameters, Uniform, compare)
    >>> a, b = Parameter("a", 0.0, Uniform(-9, 9)), Parameter("b", 0.0, Uniform(-9, 9))
    >>> x, y = np.arange(5), np.array([0.1, 1.1, 1.9, 3.2, 3.9])
    >>> flat = CurveProblem(x, y, np.ones(5), lambda x, a: a, Parameters([a]))
    >>> line = CurveProblem(x, y, np.ones(5), lambda x, a, b: a + b * x, Parameters([a, b]))
    >>> compare({"flat": flat.fit(), "line": line.fit()}).best("bic")
    'line'
    """
    named = _named(results)
    if len(named) < 2:
        raise ComparisonError("nothing to compare", value=len(named), allowed="two results or more")
    for name, fit in named:
        if not isinstance(fit, Fit):
            raise ComparisonError(
                f"{name!r} is not a Fit",
                value=type(fit).__name__,
                hint="AIC and BIC need the maximum of ln L: pass problem.fit()",
            )
    _require_same(named, "statistic_name", "statistic")
    _require_same(named, "data_checksum", "data")
    notes = [note for name, fit in named for note in _irregular(name, fit)]
    names, fits = zip(*named, strict=True)
    return Comparison(names, fits, tuple(notes))


def _named(results: Any) -> list[tuple[str, Any]]:
    if isinstance(results, Fit):
        raise ComparisonError("nothing to compare with", value="one Fit", hint="pass a list")
    if isinstance(results, Mapping):
        return list(results.items())
    items = list(results)
    labels = [
        item.label if isinstance(item, Fit) else f"result {i + 1}" for i, item in enumerate(items)
    ]
    labels = [
        f"{label} ({own} free)" if labels.count(label) > 1 and (own := _own(item, items)) else label
        for label, item in zip(labels, items, strict=True)
    ]
    repeated = len(set(labels)) < len(labels)
    return [
        (f"{i + 1}: {label}" if repeated else label, item)
        for i, (label, item) in enumerate(zip(labels, items, strict=True))
    ]


def _own(fit: Fit, fits: list[Any]) -> str:
    """Return the free parameters that not all fits of this label have."""
    alike = [set(f.parameters.free_names) for f in fits if getattr(f, "label", None) == fit.label]
    common = set.intersection(*alike)
    return ", ".join(name for name in fit.parameters.free_names if name not in common)


def _require_same(named: list[tuple[str, Fit]], attribute: str, what: str) -> None:
    """Raise a ComparisonError that says which results belong together."""
    groups: dict[str, list[str]] = {}
    for name, fit in named:
        groups.setdefault(getattr(fit, attribute), []).append(name)
    if len(groups) > 1:
        parts = [f"{key[:12]}: {', '.join(names)}" for key, names in groups.items()]
        raise ComparisonError(
            f"the results do not rest on the same {what}",
            value="; ".join(parts),
            hint="fit every model to the same data with the same likelihood",
        )


def _irregular(name: str, fit: Fit) -> list[str]:
    notes = []
    for parameter, state in zip(fit.parameters.free_names, fit.states, strict=True):
        if state != DETERMINED:
            notes.append(
                f"{name}: {parameter} is {state}; AIC and BIC count it as a full parameter, "
                f"use likelihood_ratio_test or evidence"
            )
    return notes


def _known(criterion: str) -> str:
    if criterion not in _CRITERIA:
        raise ComparisonError("no such criterion", value=criterion, allowed=", ".join(_CRITERIA))
    return criterion


# -- likelihood ratio ----------------------------------------------------------------------------


def likelihood_ratio_test(
    simple: Problem | Fit,
    complex: Problem | Fit,
    n: int = 1000,
    *,
    seed: SeedLike = None,
    n_starts: int = 3,
    executor: Executor | None = None,
    progress: bool = False,
) -> SimulatedTest:
    """Return the significance of ``T = 2 (ln L_complex - ln L_simple)`` by simulation.

    Data are drawn from the best fit of `simple`, and both models are fitted to each data set by
    the same search as to the real data. No chi2 distribution is assumed: its conditions often
    fail, as for a line or a break that may be absent (Protassov et al. 2002).

    Parameters
    ----------
    simple, complex : Problem or Fit
        Two models for the same data.
    n : int
        Number of simulated data sets.
    seed : int, SeedSequence or Generator
        One child per data set: the numbers do not depend on the number of workers.
    n_starts : int
        Searches per fit; the complex model also starts from the best simple fit.
    executor : concurrent.futures.Executor, optional
    progress : bool

    Returns
    -------
    SimulatedTest

    Raises
    ------
    ComparisonError
        When the two problems hold different data or statistics.
    FitError
        When a fit to the real data fails.

    Warns
    -----
    FitWarning
        When the simple model fits the data better than the complex one.

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.inference import (
    ...     CurveProblem, Parameter, Parameters, Uniform, likelihood_ratio_test)
    >>> a, b = Parameter("a", 0.0, Uniform(-9, 9)), Parameter("b", 0.0, Uniform(-9, 9))
    >>> x, y = np.arange(5), np.array([0.1, 1.1, 1.9, 3.2, 3.9])
    >>> flat = CurveProblem(x, y, np.ones(5), lambda x, a: a, Parameters([a]))
    >>> line = CurveProblem(x, y, np.ones(5), lambda x, a, b: a + b * x, Parameters([a, b]))
    >>> likelihood_ratio_test(flat, line, 50, seed=1).n_exceeding
    0
    """
    models = tuple(map(as_problem, (simple, complex)))
    checks = [(type(m).__name__, m.data_checksum, m.statistic_name) for m in models]
    if checks[0][1:] != checks[1][1:]:
        raise ComparisonError(
            "the two models do not describe the same data with the same statistic",
            value="; ".join(f"{name}: data {data[:12]}, {stat}" for name, data, stat in checks),
        )
    sequence = as_seed_sequence(seed)
    recorder = Recorder(
        "astrokit.inference.likelihood_ratio_test",
        {"simple": models[0], "complex": models[1], "n": n, "n_starts": n_starts},
        inputs=models[0].provenance_inputs(),
        seed=sequence,
        citations=(*models[1].citation_keys, "protassov2002"),
    )
    first, *children = spawn(sequence, require_simulations(n) + 1)
    with quiet():
        null, observed = _ratio(models[0], models[1], n_starts, first)
    if observed < -_MISSED:  # before the simulations: whoever reads it may stop them
        note = _below_zero(observed, np.empty(0))[0]
        recorder.warn(f"the simple model fits the data better: {note}", FitWarning)
    one = partial(_one_ratio, models[0], models[1], null.theta, n_starts)
    outcomes = map_items(
        one, range(n), seeds=children, executor=executor, keep_errors=True, progress=progress
    )
    simulated, failures = collect(outcomes)
    notes = _below_zero(observed, np.array(simulated))
    return SimulatedTest(
        name="T = 2 (ln L complex - ln L simple)",
        observed=np.asarray(observed),
        simulated=np.array(simulated),
        n_failed=len(failures),
        failures=failures[:5],
        provenance=recorder.finish(),
        notes=notes,
    )


def _ratio(
    simple: Problem,
    complex: Problem,
    n_starts: int,
    seed: np.random.SeedSequence,
) -> tuple[Fit, float]:
    """Return the simple fit and T, both models searched in one and the same way."""
    seeds = spawn(seed, 2)
    null = simple.fit(n_starts=n_starts, seed=seeds[0])
    known = complex._known_maximum()
    if known is not None:
        return null, 2 * (known[1] - null.log_likelihood)
    shared = _shared(null, complex)
    alternatives = [complex.fit(n_starts=n_starts, seed=seeds[1])]
    if shared:
        alternatives.append(complex.fit(start=shared, n_starts=1))
    gain = max(fit.log_likelihood for fit in alternatives) - null.log_likelihood
    return null, 2 * gain


def _below_zero(observed: float, simulated: FloatArray) -> tuple[str, ...]:
    """Return a note where the simple model fits better, which a nested one cannot."""
    values = np.append(simulated, observed)
    count = int(np.count_nonzero(values < -_MISSED))
    if not count:
        return ()
    return (
        f"T is negative for {count} of {values.size} data sets, down to {values.min():.2g}: the "
        f"complex model cannot imitate the simple one inside its priors (widen them, free what is "
        f"fixed), or n_starts is too small",
    )


def _shared(null: Fit, complex: Problem) -> dict[str, float]:
    """Return the values of the simple fit for parameters that both have, inside the bounds."""
    shared = {}
    for parameter, (low, high) in zip(
        complex.parameters.free, complex.parameters.bounds, strict=True
    ):
        value = null.values.get(parameter.name)
        if value is not None and low <= value <= high:
            shared[parameter.name] = value
    return shared


def _one_ratio(
    simple: Problem,
    complex: Problem,
    theta: FloatArray,
    n_starts: int,
    item: int,
    seed: np.random.SeedSequence,
) -> float:
    """Return T of one data set simulated from the simple model at `theta`."""
    data_seed, fit_seed = spawn(seed, 2)
    simulated = simple.simulate(theta, as_generator(data_seed))
    other = complex.with_data(simulated.data)
    known = simulated._known_maximum(), other._known_maximum()
    if known[0] is not None and known[1] is not None:
        return 2 * (known[1][1] - known[0][1])
    with quiet():
        return _ratio(simulated, other, n_starts, fit_seed)[1]
