"""Figures of energy functions, breaks, tails and waiting times, and the numbers behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .sample import BurstSample, as_sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..inference import Fit, Posterior
    from .break_result import BreakResult
    from .common import CommonBreak
    from .problem import EnergyProblem
    from .tail import PowerLawTail
    from .waiting import WaitingTimeProblem

__all__ = [
    "EnergyPlotData",
    "compare_samples",
    "energy_function_data",
    "plot_break_profile",
    "plot_common_break",
    "plot_energies",
    "plot_energy_against_time",
    "plot_energy_function",
    "plot_tail",
    "plot_waiting_times",
]

FloatArray = NDArray[np.float64]
_POINTS = 300
_BAND_DRAWS = 300
_ONE_SIGMA = (0.15865525393145707, 0.8413447460685429)
_PER_DECADE = 8


@dataclass(frozen=True, eq=False)
class EnergyPlotData:
    """What the figure of an energy function draws.

    Attributes
    ----------
    edges : ndarray, shape (k + 1,)
        Bins of energy, erg.
    counts, lower, upper : ndarray, shape (k,)
        Bursts per ln E in each bin, and distances to the ends of their exact Poisson intervals.
    energy : ndarray, shape (m,)
        Where models are drawn, erg.
    completeness : ndarray, shape (m,)
        Detection probability there (1 where none was given).
    thresholds : ndarray
        Distinct thresholds, erg.
    """

    edges: FloatArray
    counts: FloatArray
    lower: FloatArray
    upper: FloatArray
    energy: FloatArray
    completeness: FloatArray
    thresholds: FloatArray


def energy_function_data(problem: EnergyProblem) -> EnergyPlotData:
    """Return the numbers that :func:`plot_energy_function` draws."""
    from scipy.special import gammaincinv

    energy = problem.data.energy
    low, high = float(problem.threshold.min()), float(energy.max())
    n_bins = max(int(np.ceil(_PER_DECADE * np.log10(high / low))), 3)
    edges = np.geomspace(low, high * (1 + 1e-9), n_bins + 1)
    n, _ = np.histogram(energy[~problem.data.saturated], edges)
    width = np.diff(np.log(edges))
    bottom = np.where(n > 0, gammaincinv(np.maximum(n, 1), _ONE_SIGMA[0]), 0.0)
    top = gammaincinv(n + 1, _ONE_SIGMA[1])
    x = np.geomspace(low, high, _POINTS)
    found = np.ones(x.size) if problem.completeness is None else problem.completeness(x)
    return EnergyPlotData(
        edges, n / width, (n - bottom) / width, (top - n) / width, x, found,
        np.unique(problem.threshold),
    )  # fmt: skip


def plot_energy_function(
    problem: EnergyProblem, *results: Fit | Posterior, ax: Axes | None = None
) -> Axes:
    """Draw bursts per unit of ln E with models, completeness and thresholds; return the axes.

    Parameters
    ----------
    problem : EnergyProblem
    *results : Fit or Posterior
        Of problems for the same bursts; a Posterior is drawn as its 68 % band. Solid lines are what
        the survey should see; dashed ones, where there is a completeness, what is there.
    ax : matplotlib.axes.Axes, optional
    """
    import matplotlib.pyplot as plt

    ax = plt.subplots(layout="constrained")[1] if ax is None else ax
    data = energy_function_data(problem)
    center = np.sqrt(data.edges[1:] * data.edges[:-1])
    seen = data.counts > 0
    half = np.array([center - data.edges[:-1], data.edges[1:] - center])
    ax.errorbar(center[seen], data.counts[seen], [data.lower[seen], data.upper[seen]],
                half[:, seen], fmt=".", color="0.2", capsize=0, zorder=3,
                label=f"{problem.n_data} bursts")  # fmt: skip
    for k, result in enumerate(results):
        _draw_model(ax, problem, result, data.energy, f"C{k}")
    for limit in data.thresholds[:20]:
        ax.axvline(limit, color="0.7", lw=0.8, ls=":")
    if problem.completeness is not None:
        twin = ax.twinx()
        twin.plot(data.energy, data.completeness, color="0.6", lw=1)
        twin.set(ylim=(0, 1.05), ylabel="completeness")
    low = data.counts[seen].min()
    ax.set(xscale="log", yscale="log", xlabel="Energy (erg)", ylabel="Bursts per unit of ln E",
           ylim=(0.3 * low, 3 * data.counts.max()))  # fmt: skip
    ax.legend(fontsize=8, loc="lower left")
    return ax


def _draw_model(
    ax: Axes, problem: EnergyProblem, result: Any, energy: FloatArray, color: str
) -> None:
    n = problem.n_data
    own = getattr(result, "problem", None) or problem
    if hasattr(result, "samples"):
        theta = result.samples
        rows = theta[np.linspace(0, len(theta) - 1, _BAND_DRAWS).astype(int)]
        curves = (
            n * energy * problem.density(energy, problem.parameters.expand(rows), observed=True)
        )
        low, high = np.quantile(curves, _ONE_SIGMA, axis=0)
        ax.fill_between(energy, low, high, color=color, alpha=0.3, lw=0, label="posterior, 68 %")
        return
    seen = n * energy * own.density(energy, result.values, observed=True)[0]
    ax.plot(energy, seen, color=color, label=result.label)
    if problem.completeness is not None:
        shape = own.density(energy, result.values)[0] * energy
        scale = seen[-1] / shape[-1] if shape[-1] > 0 else 0.0
        ax.plot(energy, scale * shape, color=color, ls="--", lw=1)


def plot_energies(sample: BurstSample | ArrayLike, *, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw the number of bursts above each energy, and return the axes.

    Parameters
    ----------
    sample : BurstSample, or energies (erg)
    ax : matplotlib.axes.Axes, optional
    **style
        Of :meth:`matplotlib.axes.Axes.step`.
    """
    import matplotlib.pyplot as plt

    sample = as_sample(sample)
    ax = plt.subplots(layout="constrained")[1] if ax is None else ax
    energy = np.sort(sample.require("energy"))
    label = style.pop("label", sample.source or None)
    ax.step(energy, np.arange(energy.size, 0, -1), where="pre", label=label, **style)
    ax.set(xscale="log", yscale="log", xlabel="Energy (erg)", ylabel="Bursts above E")
    if sample.threshold is not None and np.ndim(sample.threshold) == 0:
        ax.axvline(sample.threshold, color=ax.lines[-1].get_color(), lw=0.8, ls=":")
    if label:
        ax.legend(fontsize=8)
    return ax


def plot_energy_against_time(
    sample: BurstSample, *, gap: Any = 0.1, ax: Axes | None = None
) -> Axes:
    """Draw the energy of each burst against its time, sessions in turn without the gaps between.

    Parameters
    ----------
    sample : BurstSample
        With times.
    gap : float or Quantity
        Days without a burst that separate two sessions.
    ax : matplotlib.axes.Axes, optional
    """
    import matplotlib.pyplot as plt

    sample.require("energy")
    sessions = sample.sessions(gap)
    ax = plt.subplots(layout="constrained")[1] if ax is None else ax
    start, ticks = 0.0, []
    pause = 0.02 * max(sum(s.duration for s in sessions), 1.0)
    for k, session in enumerate(sessions):
        energy: Any = [] if session.sample is None else session.sample.require("energy")
        ax.plot((start + session.times) / 60, energy, ".", ms=4, color=f"C{k % 2}")
        ticks.append((start / 60, f"{session.start:.1f}"))
        start += session.duration + pause
    ax.set(yscale="log", xlabel="Minutes in sessions", ylabel="Energy (erg)")
    if len(ticks) <= 20:
        top = ax.secondary_xaxis("top")
        top.set_xticks(
            [t for t, _ in ticks], [label for _, label in ticks], rotation=60, fontsize=7
        )
        top.set_xlabel("MJD at the start of each session", fontsize=8)
    return ax


def compare_samples(samples: Sequence[BurstSample], *, ax: Axes | None = None) -> Axes:
    """Draw the energies of several sources on one convention, each normalised; return the axes.

    Raises
    ------
    InputError
        For energies of different conventions.
    """
    import matplotlib.pyplot as plt

    from .common import _require_one_convention

    if len(samples) < 2:
        raise InputError("nothing to compare", value=len(samples), allowed="two samples or more")
    _require_one_convention(samples)
    ax = plt.subplots(layout="constrained")[1] if ax is None else ax
    for i, sample in enumerate(samples):
        energy = np.sort(sample.require("energy"))
        limit = sample.threshold_per_burst
        used = energy if limit is None else energy[energy >= limit.min()]
        part = np.arange(used.size, 0, -1) / used.size
        label = f"{sample.source or f'source {i + 1}'} ({used.size})"
        ax.step(used, part, where="pre", label=label)
    ax.set(xscale="log", yscale="log", xlabel=f"Energy (erg; {samples[0].convention_label})",
           ylabel="Fraction of bursts above E")  # fmt: skip
    ax.legend(fontsize=8)
    return ax


def plot_break_profile(result: BreakResult, ax: Axes | None = None) -> Axes:
    """Draw TS against the break energy with all modes, and return the axes."""
    import matplotlib.pyplot as plt

    ax = plt.subplots(layout="constrained")[1] if ax is None else ax
    data = result.profile_data()
    ax.plot(data["break_energy"], data["test_statistic"], color="C0")
    for mode in result.modes:
        ax.plot(mode.break_energy, mode.test_statistic, "o", color="C3", ms=5)
    level = float(np.quantile(result.test.simulated, 0.99))
    ax.axhline(level, color="0.6", lw=0.8, ls="--")
    ax.annotate("99 % of single power laws", (0.99, level), ha="right", va="bottom",
                xycoords=("axes fraction", "data"), fontsize=8, color="0.4")  # fmt: skip
    low, high = result.break_energy.interval
    ax.axvspan(low, high, color="C0", alpha=0.12, lw=0)
    ax.set(xscale="log", xlabel="Break energy (erg)", ylabel="TS = 2 ln (L broken / L single)",
           ylim=(min(0.0, float(data["test_statistic"].min())), None))  # fmt: skip
    _label_2_and_5(ax)
    return ax


def _label_2_and_5(ax: Axes) -> None:
    """Label a logarithmic axis of about one decade so that its numbers do not touch."""
    from matplotlib.ticker import LogLocator

    ax.xaxis.set_minor_locator(LogLocator(subs=(2.0, 5.0)))


def plot_common_break(result: CommonBreak, ax: Axes | None = None) -> Axes:
    """Draw the profile of each source and their sum against the break energy; return the axes."""
    import matplotlib.pyplot as plt

    ax = plt.subplots(layout="constrained")[1] if ax is None else ax
    data = result.plot_data()
    energy = data.pop("break_energy")
    for name, fall in data.items():
        known = np.isfinite(fall)
        style = {"color": "k", "lw": 2} if name == "sum" else {"lw": 1.2}
        ax.plot(energy[known], fall[known], label=name, **style)
    ax.axhline(-0.5, color="0.6", lw=0.8, ls="--")
    ax.set(xscale="log", ylim=(-12, 0.5), xlabel="Break energy (erg)", ylabel="ln L - maximum")
    _label_2_and_5(ax)
    ax.legend(fontsize=8)
    return ax


def plot_tail(tail: PowerLawTail, ax: Axes | None = None) -> Axes:
    """Draw the cumulative distribution with the law above x_min, and return the axes."""
    import matplotlib.pyplot as plt

    ax = plt.subplots(layout="constrained")[1] if ax is None else ax
    data = tail.plot_data()
    ax.step(data["x"], data["survival"], where="pre", color="0.4", label=f"{tail.n_data} data")
    law = f"index {tail.index.value:.2f}, {tail.n_tail} data"
    ax.plot(data["tail_x"], data["tail_survival"], color="C3", label=law)
    ax.axvline(tail.xmin.value, color="C3", lw=0.8, ls=":")
    unit = f" ({tail.xmin.unit})" if tail.xmin.unit is not None else ""
    ax.set(xscale="log", yscale="log", xlabel=f"x{unit}", ylabel="P(X >= x)")
    ax.legend(fontsize=8)
    return ax


def plot_waiting_times(
    problem: WaitingTimeProblem, *fits: Fit, ax: Axes | None = None, n_bins: int = 40
) -> Axes:
    """Draw the histogram of waiting times in log t with fitted laws, and return the axes."""
    import matplotlib.pyplot as plt

    ax = plt.subplots(layout="constrained")[1] if ax is None else ax
    waits = problem.data
    edges = np.geomspace(waits.min(), waits.max() * (1 + 1e-9), n_bins + 1)
    ax.hist(waits, edges.tolist(), color="0.8", label=f"{waits.size} waiting times")
    x = np.geomspace(edges[0], edges[-1], _POINTS)
    scale = waits.size * float(np.log(edges[1] / edges[0]))
    for k, fit in enumerate(fits):
        own = fit.require_problem()
        ax.plot(x, scale * own.density(x, fit.values), color=f"C{k}", label=fit.label)  # type: ignore[attr-defined]
    ax.set(xscale="log", xlabel="Waiting time (s)", ylabel="Bursts")
    ax.legend(fontsize=8)
    return ax
