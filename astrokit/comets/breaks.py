"""Does the index change with distance? A break with a significance from simulations."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..estimate import Estimate
from ..inference import LogUniform, compare, likelihood_ratio_test
from ..provenance import quiet
from ..randomness import SeedLike, as_seed_sequence, spawn
from .checks import default_offsets, require_geometry, require_photometry, warn_of_apertures
from .laws import BrokenIndex, SingleIndex
from .noise import Noise
from .phase import PhaseFunction
from .photometry import CometPhotometry
from .problem import HeliocentricProblem

if TYPE_CHECKING:
    from ..inference.comparison import Comparison
    from ..inference.fit_result import Fit
    from ..inference.significance import SimulatedTest
    from ..provenance import Provenance

__all__ = ["IndexBreak", "find_break"]

_FEWEST_PER_SIDE = 5
_STARTS = 5


@dataclass(frozen=True)
class IndexBreak:
    """A broken index held against a single one.

    Attributes
    ----------
    single, broken : Fit
        Maximum-likelihood fits.
    test : SimulatedTest
        Of ``2 (ln L_broken - ln L_single)``, with the search for the break repeated in each
        simulation: the break radius does not exist without a break, so no chi2 law holds.
    comparison : Comparison
        AIC, AICc and BIC of both.
    """

    single: Fit = field(repr=False)
    broken: Fit = field(repr=False)
    test: SimulatedTest = field(repr=False)
    comparison: Comparison = field(repr=False)

    @property
    def break_radius(self) -> Estimate:
        """Where the index changes, au (a symmetric error; ``broken.profile`` gives better)."""
        return self.broken["break_radius"]

    @property
    def inner_index(self) -> Estimate:
        """The index inside of the break."""
        return self.broken["inner_index"]

    @property
    def outer_index(self) -> Estimate:
        """The index outside of the break."""
        return self.broken["outer_index"]

    @property
    def test_statistic(self) -> float:
        """``2 (ln L_broken - ln L_single)``."""
        return float(self.test.observed)

    @property
    def p_value(self) -> Estimate:
        """Probability of a larger statistic under a single index."""
        return self.test.p_value

    @property
    def verdict(self) -> str:
        """What the data say, in words, and no more than they say."""
        p = self.test.p_value
        text = f"p < {p.value:.2g}" if p.limit else f"p = {p.value:.2g}"
        if p.value > 0.05:
            return f"a single index is enough ({text})"
        strength = "rejected" if p.value < 0.003 else "disfavoured"
        return (
            f"a single index is {strength} ({text}); a break near {self.break_radius.value:.2f} au "
            "describes the change, other curved forms were not tried"
        )

    @property
    def provenance(self) -> Provenance:
        """Of the simulated test."""
        return self.test.provenance

    def __str__(self) -> str:
        rows = [self.break_radius, self.inner_index, self.outer_index]
        lines = ["break of the heliocentric index", *(f"  {row}" for row in rows)]
        lines.append(f"  TS = {self.test_statistic:.2f}, {self.verdict}")
        return "\n".join(lines)


def find_break(
    photometry: CometPhotometry,
    *,
    phase: PhaseFunction | None = None,
    noise: Noise | None = None,
    offsets: tuple[str, ...] | None = None,
    n: int = 200,
    seed: SeedLike = None,
    executor: Executor | None = None,
) -> IndexBreak:
    """Return whether the index changes with the distance to the Sun, and where.

    Parameters
    ----------
    photometry : CometPhotometry
    phase, noise, offsets
        As for :func:`fit_index`. A phase coefficient with a prior is fitted along freely, as a
        likelihood knows no priors: no break is then claimed that any phase coefficient explains,
        but the indices are worth less. Give a number to hold it.
    n : int
        Number of simulations without a break.
    seed : int, SeedSequence or Generator, optional
    executor : concurrent.futures.Executor, optional

    Returns
    -------
    IndexBreak

    Raises
    ------
    InputError
        With fewer than 5 magnitudes on each side of every possible break.

    Warns
    -----
    CoverageWarning
        For mixed apertures, which look like breaks.

    Examples
    --------
    >>> import numpy as np, astrokit as ak
    >>> r = np.linspace(6.0, 2.0, 60)
    >>> bend = 2.5 * np.where(r > 3.3, 5 * np.log10(r / 3.3), 2 * np.log10(r / 3.3))
    >>> ph = ak.comets.CometPhotometry(
    ...     60800 + np.arange(60.0), 15 + bend + 0.05 * np.random.default_rng(1).normal(size=60),
    ...     error=0.05, r=r, delta=1.0, phase_angle=5.0)
    >>> found = ak.comets.find_break(ph, phase=ak.comets.LinearPhase(0.04), n=20, seed=1)
    >>> abs(found.break_radius.value - 3.3) < 0.3, found.test.n_exceeding
    (True, 0)
    """
    require_photometry(photometry)
    require_geometry(photometry)
    offsets = default_offsets(photometry) if offsets is None else offsets
    warn_of_apertures(photometry, offsets)
    seen = np.sort(photometry.r[~photometry.fainter_than & np.isfinite(photometry.r)])
    if seen.size < 2 * _FEWEST_PER_SIDE:
        raise InputError(
            "a break needs more magnitudes",
            value=seen.size,
            allowed=f"at least {_FEWEST_PER_SIDE} on each side of it",
        )
    low, high = seen[_FEWEST_PER_SIDE - 1], seen[-_FEWEST_PER_SIDE]
    if not low < high:
        raise InputError("the distances leave no room for a break", value=(low, high))
    broken = BrokenIndex(break_radius=LogUniform(float(low), float(high)))
    one, two = (
        HeliocentricProblem(photometry, phase=phase, law=law, noise=noise, offsets=offsets)
        for law in (SingleIndex(), broken)
    )
    fit_seed, test_seed = spawn(as_seed_sequence(seed), 2)
    with quiet():
        single, double = (p.fit(n_starts=_STARTS, seed=fit_seed) for p in (one, two))
        test = likelihood_ratio_test(
            one, two, n, seed=test_seed, n_starts=_STARTS, executor=executor
        )
        table = compare({"single index": single, "broken index": double})
    return IndexBreak(single, double, test, table)
