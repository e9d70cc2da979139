"""Outbursts: sudden brightenings that decay, searched over all onsets, with a global p-value."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_array
from ..errors import InputError
from ..inference import goodness_of_fit
from ..inference.problem import Problem
from ..provenance import quiet
from ..randomness import SeedLike
from .problem import HeliocentricProblem

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..inference.fit_result import Fit
    from ..inference.significance import SimulatedTest
    from ..provenance import Provenance

__all__ = ["Outburst", "OutburstSearch", "find_outbursts"]

FloatArray = NDArray[np.float64]
_FEWEST = 3  # magnitudes that must see an outburst
_VISIBLE = 0.1  # fraction of the amplitude that counts as seen


@dataclass(frozen=True)
class Outburst:
    """One candidate.

    Attributes
    ----------
    time : float
        Onset, MJD: the first magnitude that sees it.
    decay : float
        E-folding time of the magnitudes, days.
    amplitude, amplitude_error : float
        Brightening in magnitudes (> 0), to first order about the model without it.
    statistic : float
        Squared significance at this place and decay, if nothing else had been tried.
    p_value : float
        Fraction of simulated curves whose largest statistic anywhere exceeds this one (at least
        1/n).
    """

    time: float
    decay: float
    amplitude: float
    amplitude_error: float
    statistic: float
    p_value: float


@dataclass(frozen=True)
class OutburstSearch:
    """All candidates of a search, the strongest first.

    Attributes
    ----------
    candidates : tuple of Outburst
        That do not overlap.
    test : SimulatedTest
        Of the largest statistic, with the same search in each simulation.
    fit : Fit
        Of the model without outbursts.
    """

    candidates: tuple[Outburst, ...]
    test: SimulatedTest = field(repr=False)
    fit: Fit = field(repr=False)

    def significant(self, p: float = 0.01) -> tuple[Outburst, ...]:
        """Return the candidates with a global p-value of at most `p`."""
        return tuple(found for found in self.candidates if found.p_value <= p)

    @property
    def provenance(self) -> Provenance:
        """Of the simulated test."""
        return self.test.provenance

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw residuals against time with the significant candidates; return the axes."""
        from .plots import plot_outbursts

        return plot_outbursts(self, ax)

    def __str__(self) -> str:
        lines = [f"outburst search: {len(self.candidates)} candidates, {self.test.n} simulations"]
        for c in self.candidates[:5]:
            bound = "<" if c.p_value <= 1 / self.test.n else "="
            lines.append(
                f"  MJD {c.time:.3f}: {c.amplitude:.2f} +/- {c.amplitude_error:.2f} mag, decay "
                f"{c.decay:g} d, TS {c.statistic:.1f}, p {bound} {c.p_value:.2g}"
            )
        return "\n".join(lines)


def find_outbursts(
    problem: HeliocentricProblem,
    *,
    decays: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0),
    n: int = 200,
    seed: SeedLike = None,
    executor: Executor | None = None,
) -> OutburstSearch:
    """Search a light curve for outbursts above the fitted trend.

    Parameters
    ----------
    problem : HeliocentricProblem
        The model without outbursts; its noise must be Gaussian, or Student's t of fixed degrees
        of freedom.
    decays : tuple of float
        E-folding times to try, days.
    n : int
        Number of simulated curves without outbursts, each fitted and searched in the same way.
    seed : int, SeedSequence or Generator, optional
    executor : concurrent.futures.Executor, optional

    Returns
    -------
    OutburstSearch

    Raises
    ------
    InputError
        For noise or a phase function without derivatives, or decays that are not positive.

    Notes
    -----
    The statistic is that of a score (Rao) test for a template ``-A exp(-(t - t0)/decay)``, A > 0,
    with everything else fitted along: no refit for each of the places, and heavy tails of the
    noise keep single outliers from looking like outbursts. Noise is taken as independent from
    magnitude to magnitude: rotation of the nucleus, or slow trends, can look like outbursts.
    """
    times = as_array(decays, "decays", unit="d", positive=True)
    if not isinstance(problem, HeliocentricProblem):
        raise InputError("a HeliocentricProblem is needed", value=type(problem).__name__)
    problem.linearised(problem.parameters.values)  # noise that cannot be searched is refused here
    with quiet():
        fit = problem.fit()
        search = _LargestStatistic(tuple(times.tolist()))
        test = goodness_of_fit(fit, search, n, seed=seed, executor=executor)
    values = problem.parameters.expand(fit.theta)[0]
    return OutburstSearch(_candidates(problem, values, times, test.simulated), test, fit)


@dataclass(frozen=True)
class _LargestStatistic:
    """The largest statistic anywhere; picklable, so that it reaches worker processes."""

    decays: tuple[float, ...]
    __name__ = "largest outburst statistic"

    def __call__(self, problem: Problem, values: FloatArray) -> float:
        if not isinstance(problem, HeliocentricProblem):
            raise InputError("outbursts need a HeliocentricProblem", value=type(problem).__name__)
        scan = _scan(problem, values, np.array(self.decays))
        return float(scan[1].max(initial=0.0))


def _scan(
    problem: HeliocentricProblem, values: FloatArray, decays: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return onsets ``(k,)`` and statistics, amplitudes and errors, each ``(k, len(decays))``."""
    ph = problem.photometry
    onsets = np.unique(ph.time[~ph.fainter_than])
    pull, weight, gradient = problem.linearised(values)
    # Projecting out what the fit can absorb turns the weight of a template into its information.
    half = np.sqrt(weight)
    basis, _ = np.linalg.qr((gradient * half).T)
    shape = (onsets.size, decays.size)
    statistic, amplitude, error = np.zeros(shape), np.zeros(shape), np.full(shape, np.inf)
    since = ph.time[None, :] - onsets[:, None]
    for j, decay in enumerate(decays):
        template = np.where(since >= 0, np.exp(-np.maximum(since, 0) / decay), 0.0)
        seen = np.sum((template > _VISIBLE) & (weight > 0), axis=1) >= _FEWEST
        scaled = template * half
        information = np.sum(scaled**2, axis=1) - np.sum((scaled @ basis) ** 2, axis=1)
        good = seen & (information > 1e-9 * np.sum(scaled**2, axis=1))
        score = -template @ pull  # of a brightening
        statistic[good, j] = np.maximum(score[good], 0) ** 2 / information[good]
        amplitude[good, j] = score[good] / information[good]
        error[good, j] = 1 / np.sqrt(information[good])
    return onsets, statistic, amplitude, error


def _candidates(
    problem: HeliocentricProblem, values: FloatArray, decays: FloatArray, simulated: FloatArray
) -> tuple[Outburst, ...]:
    onsets, statistic, amplitude, error = _scan(problem, values, decays)
    found: list[Outburst] = []
    order = np.column_stack(np.unravel_index(np.argsort(-statistic, axis=None), statistic.shape))
    for i, j in order[: 50 * decays.size]:
        if statistic[i, j] <= 0:
            break
        if any(_overlap(onsets[i], decays[j], other) for other in found):
            continue
        p = max(np.mean(simulated >= statistic[i, j]), 1 / simulated.size)
        found.append(
            Outburst(
                float(onsets[i]),
                float(decays[j]),
                float(amplitude[i, j]),
                float(error[i, j]),
                float(statistic[i, j]),
                float(p),
            )
        )
    return tuple(found)


def _overlap(time: float, decay: float, other: Outburst) -> bool:
    reach = 3 * max(decay, other.decay)
    return abs(time - other.time) < reach
