"""Outbursts: sudden brightenings that decay, searched over all onsets, with a global p-value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_array
from ..errors import InputError
from ..inference import goodness_of_fit
from ..inference.problem import Problem
from ..provenance import quiet
from ..randomness import SeedLike
from .checks import warn_of_apertures
from .problem import HeliocentricProblem

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..inference.fit_result import Fit
    from ..inference.significance import SimulatedTest
    from ..provenance import Provenance

__all__ = ["Outburst", "OutburstSearch", "find_outbursts"]

FloatArray = NDArray[np.float64]
_FEWEST = 3  # magnitudes that must see an outburst
_REACH = 3.0  # decay times after which an outburst has faded
_AMPLITUDES = np.concatenate([[0.0], np.geomspace(0.03, 8.0, 14)])  # mag; of the first search
_REFINEMENTS = 3
_MOST_ONSETS = 300  # of more magnitudes every second, third, ... is tried as the first one
_MOST_CANDIDATES = 20


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
        Brightening in magnitudes (> 0), the model without outbursts held fixed.
    statistic : float
        Twice the gain in ln L at this place and decay.
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
        The model without outbursts.
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
        For another problem, or decays that are not positive.

    Warns
    -----
    CoverageWarning
        For mixed apertures, which look like outbursts.

    Notes
    -----
    The template is ``-A exp(-(t - t0)/decay)`` in magnitudes, A > 0, on the fitted trend. Noise is
    taken as independent from magnitude to magnitude: rotation of the nucleus, or slow trends, can
    look like outbursts.
    """
    decays = tuple(as_array(decays, "decays", unit="d", positive=True).tolist())
    if not isinstance(problem, HeliocentricProblem):
        raise InputError("a HeliocentricProblem is needed", value=type(problem).__name__)
    warn_of_apertures(problem.photometry, problem.offset_columns)
    with quiet():
        fit = problem.fit()
        search = _LargestStatistic(decays)
        test = goodness_of_fit(fit, search, n, seed=seed, executor=executor)
    values = problem.parameters.expand(fit.theta)[0]
    return OutburstSearch(_candidates(problem, values, decays, test.simulated), test, fit)


@dataclass(frozen=True)
class _LargestStatistic:
    """The largest statistic anywhere; picklable, so that it reaches worker processes."""

    decays: tuple[float, ...]
    __name__ = "largest outburst statistic"

    def __call__(self, problem: Problem, values: FloatArray) -> float:
        if not isinstance(problem, HeliocentricProblem):
            raise InputError("outbursts need a HeliocentricProblem", value=type(problem).__name__)
        return float(_scan(problem, values, self.decays).statistic.max(initial=0.0))


@dataclass(frozen=True)
class _Scan:
    """Statistics, amplitudes and their errors ``(k, len(decays))`` for onsets ``(k,)``."""

    onsets: FloatArray
    statistic: FloatArray
    amplitude: FloatArray
    error: FloatArray


def _scan(problem: HeliocentricProblem, values: FloatArray, decays: Sequence[float]) -> _Scan:
    """Return the gain in ln L of the best amplitude for each onset and decay."""
    ph = problem.photometry
    order = np.argsort(ph.time, kind="stable")
    order = order[~ph.fainter_than[order]]
    time, residual = ph.time[order], (ph.magnitude - problem.predict(values))[0][order]
    density = partial(_log_density, problem, values, order)
    firsts = np.unique(time, return_index=True)[1]
    firsts = firsts[:: 1 + firsts.size // _MOST_ONSETS]
    shape = (firsts.size, len(decays))
    statistic, amplitude, error = np.zeros(shape), np.zeros(shape), np.full(shape, np.inf)
    for i, first in enumerate(firsts):
        for j, decay in enumerate(decays):
            last = np.searchsorted(time, time[first] + _REACH * decay)
            if last - first >= _FEWEST:
                window = slice(first, last)
                template = np.exp(-(time[window] - time[first]) / decay)
                found = _best_amplitude(residual[window], template, partial(density, window))
                statistic[i, j], amplitude[i, j], error[i, j] = found
    return _Scan(time[firsts], statistic, amplitude, error)


def _log_density(
    problem: HeliocentricProblem,
    values: FloatArray,
    order: NDArray[np.int64],
    window: slice,
    residual: FloatArray,
) -> FloatArray:
    """Return ln L ``(a,)`` of residuals ``(a, m)`` of the magnitudes in a window."""
    noise = np.tile(problem.noise_values(values), (residual.shape[0], 1))
    variance = problem.measurement_variance[order[window]]
    return problem.noise.pointwise(residual, variance, noise).sum(axis=1)


def _best_amplitude(
    residual: FloatArray, template: FloatArray, density: Callable[[FloatArray], FloatArray]
) -> tuple[float, float, float]:
    """Return statistic, amplitude (> 0) and its error, by a grid and a parabola on top of it.

    A climb would start at amplitude 0, where noise with heavy tails takes a strong outburst for
    a row of outliers and has next to no slope.
    """
    grid = density(residual + _AMPLITUDES[:, None] * template)
    best = int(np.argmax(grid))
    if best == 0:
        return 0.0, 0.0, np.inf
    step = 0.1 * _AMPLITUDES[best]
    amplitude = float(_AMPLITUDES[best])
    for _ in range(_REFINEMENTS):
        trial = amplitude + step * np.array([-1.0, 0.0, 1.0])
        low, middle, high = density(residual + trial[:, None] * template)
        curvature = (low - 2 * middle + high) / step**2
        if not curvature < 0:
            break
        shift = (high - low) / (2 * step) / -curvature
        amplitude = float(np.clip(amplitude + shift, 0.0, 1.5 * _AMPLITUDES[-1]))
    top = float(density(residual + amplitude * template[None])[0])
    error = 1 / np.sqrt(-curvature) if curvature < 0 else np.inf
    return max(2 * (max(top, grid[best]) - grid[0]), 0.0), amplitude, float(error)


def _candidates(
    problem: HeliocentricProblem,
    values: FloatArray,
    decays: Sequence[float],
    simulated: FloatArray,
) -> tuple[Outburst, ...]:
    """Return the strongest places that do not overlap, each with its global p-value."""
    scan = _scan(problem, values, decays)
    found: list[Outburst] = []
    places = np.unravel_index(np.argsort(-scan.statistic, axis=None), scan.statistic.shape)
    for i, j in zip(*places, strict=True):
        statistic, time, decay = float(scan.statistic[i, j]), float(scan.onsets[i]), decays[j]
        if statistic <= 0 or len(found) == _MOST_CANDIDATES:
            break
        if any(abs(time - other.time) < _REACH * max(decay, other.decay) for other in found):
            continue
        p = max(float(np.mean(simulated >= statistic)), 1 / simulated.size)
        amplitude, error = float(scan.amplitude[i, j]), float(scan.error[i, j])
        found.append(Outburst(time, decay, amplitude, error, statistic, p))
    return tuple(found)
