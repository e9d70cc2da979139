"""Whether one break serves several sources, or each needs its own."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..estimate import Estimate
from ..inference.comparison import Comparison, compare, likelihood_ratio_test
from ..inference.significance import SimulatedTest
from ..provenance import Provenance, Recorder, quiet
from ..randomness import SeedLike, as_seed_sequence
from .joint import JointEnergyProblem
from .models import BrokenPowerLaw
from .problem import EnergyProblem
from .sample import BurstSample, as_sample

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from matplotlib.axes import Axes

    from ..inference import Fit

__all__ = ["CommonBreak", "common_break"]

FloatArray = NDArray[np.float64]
_FALL = 0.5  # of ln L: one sigma for one parameter
_REJECTED = 0.01


@dataclass(frozen=True, eq=False, repr=False)
class CommonBreak:
    """One break for all against one for each; made by :func:`common_break`.

    Attributes
    ----------
    break_energy : Estimate
        The common break in erg, with its profile-likelihood interval.
    separate : tuple of Estimate
        The break of each source in the same way.
    test : SimulatedTest
        Of separate breaks against a common one.
    comparison : Comparison
        AIC and BIC of both.
    sources : tuple of str
    verdict : str
    """

    break_energy: Estimate
    separate: tuple[Estimate, ...]
    test: SimulatedTest
    comparison: Comparison
    sources: tuple[str, ...]
    verdict: str
    _curves: Mapping[str, FloatArray] = field(repr=False)
    _provenance: Provenance = field(repr=False)

    @property
    def test_statistic(self) -> float:
        """2 ln(L of separate breaks / L of a common one)."""
        return float(self.test.observed)

    @property
    def p_value(self) -> Estimate:
        """Probability of such a statistic if there is one break for all, by simulation."""
        return self.test.p_value

    @property
    def fit(self) -> Fit:
        """The joint fit with one break."""
        return self.comparison.fits[0]

    @property
    def provenance(self) -> Provenance:
        """What ran, on which data, with which seed and versions; what to cite."""
        return self._provenance

    def plot_data(self) -> dict[str, FloatArray]:
        """Return ``break_energy`` (erg) and, by source, ln L of its profile below its maximum."""
        return {name: values.copy() for name, values in self._curves.items()}

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the profiles of all sources and their sum, and return the axes."""
        from .plots import plot_common_break

        return plot_common_break(self, ax)

    def __repr__(self) -> str:
        rows = [f"    {name}: {e}" for name, e in zip(self.sources, self.separate, strict=True)]
        return "\n".join(
            [
                f"Common break of {len(self.sources)} sources",
                f"  {self.break_energy}",
                "  separate:",
                *rows,
                f"  T = {self.test_statistic:.1f}, {self.p_value}",
                f"  => {self.verdict}",
            ]
        )

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def common_break(
    samples: Sequence[BurstSample],
    *,
    thresholds: Sequence[Any] | None = None,
    completeness: Sequence[Any] | None = None,
    n_simulations: int = 500,
    seed: SeedLike = None,
    executor: Executor | None = None,
) -> CommonBreak:
    """Test whether broken power laws of several sources need more than one break energy.

    Indices are free for each source. A test that does not reject says that one break suffices, not
    that the break is universal; and it takes for granted that each law is a broken one:
    :func:`find_break` of each source asks that first.

    Parameters
    ----------
    samples : sequence of BurstSample
        Energies of all in one convention.
    thresholds : sequence of float or Quantity, optional
        One per sample, erg; by default those of the samples.
    completeness : sequence of Completeness or None, optional
        One per sample.
    n_simulations : int
    seed : int, SeedSequence or Generator
    executor : concurrent.futures.Executor, optional

    Returns
    -------
    CommonBreak

    Raises
    ------
    InputError
        For fewer than two samples, energies of different conventions, or no energies in common.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> rng = np.random.default_rng(1)
    >>> design = ak.bursts.EnergyProblem(
    ...     np.geomspace(1e37, 1e39, 400), ak.bursts.BrokenPowerLaw(
    ...         index_low=1.3, index_high=2.8, log_break_energy=ak.inference.Uniform(37, 40)),
    ...     threshold=1e37)
    >>> samples = [ak.bursts.BurstSample(energy=design.simulate([38.0], rng).data.energy,
    ...                                  threshold=1e37, source=name) for name in ("A", "B")]
    >>> result = ak.bursts.common_break(samples, n_simulations=100, seed=1)
    >>> bool(result.p_value.value > 0.01)
    True
    """
    sequence = as_seed_sequence(seed)
    recorder = Recorder(
        "astrokit.bursts.common_break",
        {"thresholds": thresholds, "n_simulations": n_simulations},
        seed=sequence,
        citations=("crawford1970", "protassov2002"),
    )
    problems = _problems(samples, thresholds, completeness)
    shared, separate = (JointEnergyProblem(problems, shared=flag) for flag in (True, False))
    with quiet():
        fits = [shared.fit(), separate.fit()]
    test = likelihood_ratio_test(shared, separate, n_simulations, seed=sequence, executor=executor)
    curves, estimates = _profiles(problems, shared)
    sources = tuple(as_sample(s).source or f"source {i}" for i, s in enumerate(samples, start=1))
    sentence = _verdict(test, estimates[-1])
    recorder.verdict(sentence)
    named = {"break_energy": curves[0], **dict(zip((*sources, "sum"), curves[1:], strict=True))}
    return CommonBreak(
        break_energy=estimates[-1],
        separate=tuple(estimates[:-1]),
        test=test,
        comparison=compare({"one common break": fits[0], "a break for each": fits[1]}),
        sources=sources,
        verdict=sentence,
        _curves=named,
        _provenance=recorder.finish(),
    )


# -- parts ----------------------------------------------------------------------------------------


def _problems(
    samples: Sequence[BurstSample], thresholds: Any, completeness: Any
) -> list[EnergyProblem]:
    if isinstance(samples, BurstSample) or len(samples) < 2:
        raise InputError(
            "a common break needs a list of two samples or more",
            value=1 if isinstance(samples, BurstSample) else len(samples),
        )
    _require_one_convention(samples)
    n = len(samples)
    for name, given in (("thresholds", thresholds), ("completeness", completeness)):
        if given is not None and (np.ndim(given) == 0 or isinstance(given, str)):
            raise InputError(
                f"{name} need one entry per sample", value=given, hint=f"[{name}] * {n}"
            )
    limits = [None] * n if thresholds is None else list(thresholds)
    found = [None] * n if completeness is None else list(completeness)
    if len(limits) != n or len(found) != n:
        raise InputError(
            "thresholds and completeness need one entry per sample",
            value=(len(limits), len(found)),
            allowed=str(n),
        )
    return [
        EnergyProblem(s, BrokenPowerLaw(), threshold=m, completeness=c)
        for s, m, c in zip(samples, limits, found, strict=True)
    ]


def _require_one_convention(samples: Sequence[BurstSample]) -> None:
    conventions = [as_sample(s).convention for s in samples]
    if all(c == conventions[0] for c in conventions):
        return
    listed = "; ".join(
        f"{s.source or f'source {i}'}: {s.convention_label}"
        for i, s in enumerate(map(as_sample, samples), start=1)
    )
    raise InputError(
        "the energies follow different conventions, so their breaks cannot be compared",
        value=listed,
        hint="make all of fluences with one convention: sample.with_energies(convention, ...)",
    )


def _profiles(
    problems: Sequence[EnergyProblem], shared: JointEnergyProblem
) -> tuple[list[FloatArray], list[Estimate]]:
    """Return break energies with the profile of each source and the sum, and their estimates."""
    low, high = shared.parameters["log_break_energy"].prior.support  # type: ignore[union-attr]
    ends = [p.parameters["log_break_energy"].prior.support for p in problems]  # type: ignore[union-attr]
    own = np.concatenate([p.profile().log_break_energy for p in problems])
    known = shared._known_maximum()
    best = known[0][-1] if known is not None else 0.5 * (low + high)
    places = np.unique(np.append(own, best))
    values = []
    for problem, (a, b) in zip(problems, ends, strict=True):
        value = np.full(places.size, np.nan)
        inside = (places >= a) & (places <= b)
        value[inside] = problem.profile(places[inside]).log_likelihood
        values.append(value)
    total = np.sum(values, axis=0)  # NaN where not all sources may have their break
    named = [(value, "break energy") for value in values] + [(total, "common break energy")]
    estimates = [_interval(places, value, name) for value, name in named]
    falls = [value - np.nanmax(value) for value in (*values, total)]
    return [10.0**places, *falls], estimates


def _interval(places: FloatArray, value: FloatArray, name: str) -> Estimate:
    """Return the energy of the maximum with the range in which ln L falls by less than 1/2."""
    k = int(np.nanargmax(value))
    inside = places[np.nan_to_num(value, nan=-np.inf) >= value[k] - _FALL]
    low, center, high = (float(x) for x in (inside.min(), places[k], inside.max()))
    # The end of a range is known twice, rounded apart; between bursts places lie wider than that.
    low, high = (center if abs(x - center) < 1e-12 * abs(center) else x for x in (low, high))
    low, center, high = 10.0**low, 10.0**center, 10.0**high
    how = "maximum likelihood; profile-likelihood interval over all modes"
    return Estimate(center, center - low, high - center, "erg", method=how, name=name)


def _verdict(test: SimulatedTest, common: Estimate) -> str:
    p = test.p_value
    text = f"p < {p.value:.2g}" if p.limit else f"p = {p.value:.2g}"
    if p.value <= _REJECTED:
        return f"one break for all is rejected at {text}: the sources break at different energies"
    if p.limit:
        return f"undecided: none of only {test.n} simulations reaches T ({text}); simulate more"
    return (
        f"one break for all is not rejected ({text}); {common}. That it suffices does not show "
        f"that it is universal"
    )
