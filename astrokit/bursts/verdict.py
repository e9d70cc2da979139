"""A verdict in words that says no more than the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..estimate import Estimate
from ..inference.comparison import Comparison
from ..inference.significance import SimulatedTest
from .vuong import VuongTest

if TYPE_CHECKING:
    from .break_result import Mode

__all__ = ["BreakTests", "verdict"]

_REJECTED = 0.01
_WEAK = 0.05
_COMPARABLE = 2.0  # ln L = half of TS within which two places of the break are both possible


@dataclass(frozen=True)
class BreakTests:
    """What a verdict rests on: tests of the broken law against the single one, all, and itself."""

    ratio: SimulatedTest
    goodness: SimulatedTest | None
    vuong: Sequence[VuongTest]
    comparison: Comparison


def verdict(tests: BreakTests, modes: Sequence[Mode], roll_over: str) -> str:
    """Return what may be said about a break, as one sentence.

    Parameters
    ----------
    tests : BreakTests
    modes : sequence of Mode
    roll_over : str
        What speaks for incompleteness, or nothing.
    """
    p = tests.ratio.p_value
    if roll_over:
        return f"no break is claimed: {roll_over}"
    if p.limit and p.value > _REJECTED:
        return (
            f"undecided: none of only {tests.ratio.n} simulated single power laws reaches TS "
            f"({_p_text(p)}); raise n_simulations"
        )
    if p.value > _WEAK:
        return f"single power law not rejected ({_p_text(p)}): no break is claimed"
    if p.value > _REJECTED:
        return f"weak evidence against a single power law ({_p_text(p)}): no break is claimed"
    parts = [f"single power law rejected at {_p_text(p)}", _rivals(tests.vuong, tests.comparison)]
    near = [m for m in modes if modes[0].test_statistic - m.test_statistic < 2 * _COMPARABLE]
    if len(near) > 1:
        places = " and ".join(f"{m.break_energy:.2g}" for m in sorted(near, key=_energy))
        parts.append(f"a break has {len(near)} places of nearly equal likelihood: {places} erg")
    parts.append(_described(tests.goodness))
    return "; ".join(part for part in parts if part)


def _described(goodness: SimulatedTest | None) -> str:
    """Return what is wrong with the broken law itself."""
    if goodness is None or goodness.p_value.value > _REJECTED:
        return ""
    return f"the broken law itself does not describe the data (KS {_p_text(goodness.p_value)})"


def _energy(mode: Mode) -> float:
    return mode.break_energy


def _p_text(p: Estimate) -> str:
    return f"p < {p.value:.2g}" if p.limit else f"p = {p.value:.2g}"


def _rivals(tests: Sequence[VuongTest], comparison: Comparison) -> str:
    """Return how the broken law stands to its rivals."""
    if not tests:
        return "no other law was tried"
    broken = tests[0].names[0]
    better = [_short(t.names[1]) for t in tests if t.preferred == t.names[1]]
    equal = [_short(t.names[1]) for t in tests if t.preferred is None]
    worse = [_short(t.names[1]) for t in tests if t.preferred == broken]
    if better:
        return f"{_joined(better)} preferred to {_short(broken)} (Vuong)"
    if equal:
        lowest = _short(comparison.best("aic"))
        same = _joined([_short(broken), *equal])
        return f"{same} not distinguished (Vuong; lowest AIC: {lowest})"
    return f"{_short(broken)} preferred to {_joined(worse)} (Vuong)"


def _short(label: str) -> str:
    """Return a label without what its indices are: the verdict names no number of them."""
    return label.partition(" (")[0]


def _joined(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
