"""`BreakResult`: what :func:`astrokit.bursts.find_break` found."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..estimate import Estimate
from ..inference.comparison import Comparison
from ..inference.significance import SimulatedTest
from ..provenance import Provenance
from .problem import EnergyProblem
from .vuong import VuongTest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..inference import Fit, Posterior

__all__ = ["Bootstrap", "BreakResult", "Mode"]

FloatArray = NDArray[np.float64]
_ROUNDING = 1e-9  # of a value: what is left where resampled breaks end at the same bound
_NAMES = {
    "index_low": "differential index below the break",
    "index_high": "differential index above the break",
}


@dataclass(frozen=True)
class Mode:
    """One maximum of the profile likelihood of the break.

    Attributes
    ----------
    break_energy : float
        erg.
    index_low, index_high : float
        Differential indices fitted there.
    test_statistic : float
        2 ln(L_broken/L_single) there.
    """

    break_energy: float
    index_low: float
    index_high: float
    test_statistic: float


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Fits of resampled samples.

    Attributes
    ----------
    draws : ndarray, shape (n, 3)
        index_low, index_high, log10 of the break energy in erg.
    level : float
        Of the intervals.
    """

    draws: FloatArray
    level: float

    def interval(self, column: int) -> tuple[float, float]:
        """Return the central interval of a column."""
        tail = 0.5 * (1 - self.level)
        low, high = np.quantile(self.draws[:, column], [tail, 1 - tail])
        return float(low), float(high)

    def index(self, name: str, value: float) -> Estimate:
        """Return an index with its bootstrap interval."""
        low, high = self.interval(0 if name == "index_low" else 1)
        return _around(value, low, high, None, self.level, _NAMES[name])

    def break_energy(self, mode: Mode) -> Estimate:
        """Return the break energy with its bootstrap interval, in erg."""
        low, high = (10.0**end for end in self.interval(2))
        return _around(mode.break_energy, low, high, "erg", self.level, "break energy")


def _around(
    value: float, low: float, high: float, unit: str | None, level: float, name: str
) -> Estimate:
    how = "maximum likelihood; bootstrap percentile interval"
    below, above = (max(x, 0.0) if abs(x) > _ROUNDING * abs(value) else 0.0
                    for x in (value - low, high - value))  # fmt: skip
    return Estimate(value, below, above, unit, level, how, name)


@dataclass(frozen=True, eq=False, repr=False)
class BreakResult:
    """What was found about a break; made by :func:`find_break`.

    Attributes
    ----------
    break_energy, index_low, index_high : Estimate
        Of the highest mode; bootstrap intervals. Indices are differential.
    test : SimulatedTest
        TS of the data and of simulated single power laws.
    goodness : SimulatedTest or None
        Whether the broken law describes the bursts, by their KS distance; None where some are
        lower limits.
    modes : tuple of Mode
        All maxima of the profile, highest first.
    comparison : Comparison
        AIC and BIC of single law, broken law and rivals.
    vuong_tests : tuple of VuongTest
        The broken law against each rival.
    bootstrap : Bootstrap
    roll_over : str
        What speaks for incompleteness just above the threshold; empty where nothing does.
    verdict : str
        What may be said.
    notes : tuple of str
        Rivals that could not be fitted; a break at the end of its allowed range.
    problem : EnergyProblem
        Of the broken law.
    """

    break_energy: Estimate
    index_low: Estimate
    index_high: Estimate
    test: SimulatedTest
    goodness: SimulatedTest | None
    modes: tuple[Mode, ...]
    comparison: Comparison
    vuong_tests: tuple[VuongTest, ...]
    bootstrap: Bootstrap
    roll_over: str
    verdict: str
    notes: tuple[str, ...]
    problem: EnergyProblem
    posterior_seed: np.random.SeedSequence = field(repr=False)
    _provenance: Provenance = field(repr=False)

    @property
    def test_statistic(self) -> float:
        """TS = 2 ln(L_broken/L_single)."""
        return float(self.test.observed)

    @property
    def p_value(self) -> Estimate:
        """Probability of such a TS under a single power law, by simulation."""
        return self.test.p_value

    @property
    def single(self) -> Fit:
        """The fit of the single power law."""
        return self.comparison.fits[0]

    @property
    def fit(self) -> Fit:
        """The fit of the broken power law."""
        return self.comparison.fits[1]

    @property
    def provenance(self) -> Provenance:
        """What ran, on which data, with which seed and versions; what to cite."""
        return self._provenance

    @cached_property
    def posterior(self) -> Posterior:
        """The posterior of the broken law: sampled when first asked for, with the seed given."""
        return self.problem.sample(seed=self.posterior_seed)

    def profile_data(self) -> Mapping[str, FloatArray]:
        """Return what :meth:`plot_profile` draws: ``break_energy`` (erg) and ``test_statistic``."""
        curve = self.problem.profile()
        ts = 2 * (curve.log_likelihood - self.single.log_likelihood)
        return {"break_energy": 10.0**curve.log_break_energy, "test_statistic": ts}

    def plot_profile(self, ax: Axes | None = None) -> Axes:
        """Draw TS against the break energy, with all modes, and return the axes."""
        from .plots import plot_break_profile

        return plot_break_profile(self, ax)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the energy function with the single and the broken law, and return the axes."""
        return self.problem.plot(self.single, self.fit, ax=ax)

    def __repr__(self) -> str:
        below = f" ({self.problem.n_below} below not used)" if self.problem.n_below else ""
        lines = [
            f"Break search: {self.problem.n_data} bursts above "
            f"{self.problem.threshold.min():.3g} erg{below}",
            f"  {self.break_energy}",
            f"  {self.index_low}",
            f"  {self.index_high}",
            f"  TS = {self.test_statistic:.1f}, {self.p_value}",
            f"  => {self.verdict}",
        ]
        if len(self.modes) > 1:
            others = ", ".join(
                f"{m.break_energy:.3g} erg (TS {m.test_statistic:.1f})" for m in self.modes
            )
            lines.insert(1, f"  {len(self.modes)} modes: {others}")
        return "\n".join([*lines, *(f"  ! {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"
