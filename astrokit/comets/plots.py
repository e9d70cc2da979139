"""Figures of comets, and the numbers behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from .dust import afrho_curve
from .photometry import CometPhotometry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from .index import IndexResult
    from .outbursts import OutburstSearch
    from .phase import PhaseFunction
    from .problem import HeliocentricProblem

__all__ = [
    "IndexCurve",
    "IndexPlotData",
    "OutburstPlotData",
    "PhasePlotData",
    "index_plot_data",
    "outburst_plot_data",
    "phase_plot_data",
    "plot_afrho",
    "plot_index",
    "plot_outbursts",
    "plot_phase",
]

FloatArray = NDArray[np.float64]
_BAND = (0.15865525393145707, 0.5, 0.8413447460685429)
_CURVE_POINTS = 100
_DRAWS = 400
_COLOURS = ("C0", "C1", "C2", "C4", "C5", "C7", "C8", "C9")  # red is that of the model


@dataclass(frozen=True)
class IndexCurve:
    """A model with its central 68 % interval, each ``(k,)``, over distances `r` in au."""

    label: str
    r: FloatArray
    median: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True)
class IndexPlotData:
    """What the figure of an index draws.

    Attributes
    ----------
    r, magnitude, error : ndarray, shape (m,)
        Distances, and magnitudes brought to 1 au from the observer, zero phase and the largest
        group; error bars contain the scatter.
    residual : ndarray, shape (m,)
        Magnitudes minus the median model.
    fainter_than : ndarray of bool, shape (m,)
    group : ndarray of str, shape (m,)
        Filter of each.
    curves : tuple of IndexCurve
        The model; one curve, or one for each branch.
    """

    r: FloatArray
    magnitude: FloatArray
    error: FloatArray
    residual: FloatArray
    fainter_than: NDArray[np.bool_]
    group: NDArray[np.str_]
    curves: tuple[IndexCurve, ...]


def index_plot_data(result: IndexResult) -> IndexPlotData:
    """Return the numbers that :func:`plot_index` draws.

    Offsets, phase and distances are taken out at the median parameters; the band contains the
    uncertainty of index and H.
    """
    problem, ph = result.problem, result.problem.photometry
    draws = _parameter_draws(result)
    middle = np.median(draws, axis=0)
    law, magnitude = problem.law_values(middle[None]), middle[0]
    at_data = problem.law.magnitudes(ph.r, problem.is_after, law)[0] + magnitude
    residual = (ph.magnitude - problem.predict(middle))[0]
    scatter = middle[problem.parameters.names.index("scatter")]
    return IndexPlotData(
        r=ph.r,
        magnitude=at_data + residual,
        error=np.hypot(np.nan_to_num(ph.error), scatter),
        residual=residual,
        fainter_than=ph.fainter_than,
        group=ph.filter,
        curves=_curves(result, draws),
    )


def _curves(result: IndexResult, draws: FloatArray) -> tuple[IndexCurve, ...]:
    problem, ph = result.problem, result.problem.photometry
    curves = []
    for after in (False, True):
        rows = problem.is_after == after
        if not rows.any():
            continue
        r = np.geomspace(ph.r[rows].min(), ph.r[rows].max(), _CURVE_POINTS)
        branch = np.full(r.size, after)
        model = problem.law.magnitudes(r, branch, problem.law_values(draws)) + draws[:, :1]
        lower, median, upper = np.quantile(model, _BAND, axis=0)
        curves.append(IndexCurve("after" if after else "before", r, median, lower, upper))
    return tuple(curves)


def _parameter_draws(result: IndexResult) -> FloatArray:
    """Return some draws of all parameters ``(n, p)``."""
    thetas = result.posterior.samples
    step = max(1, len(thetas) // _DRAWS)
    return result.problem.parameters.expand(thetas[::step])


def plot_index(result: IndexResult, axes: Any = None) -> NDArray[Any]:
    """Draw reduced magnitudes against distance with the model band, and residuals below.

    Parameters
    ----------
    result : IndexResult
    axes : sequence of two matplotlib axes, optional

    Returns
    -------
    ndarray of two Axes
    """
    import matplotlib.pyplot as plt

    if axes is None:
        _, axes = plt.subplots(
            2, 1, sharex=True, height_ratios=(3, 1), figsize=(6.4, 5.6), layout="constrained"
        )
    axes = np.asarray(axes)
    top, bottom = axes
    data = index_plot_data(result)
    _points(top, data, data.magnitude)
    _points(bottom, data, data.residual)
    label = ", ".join(f"n = {str(e).split(' = ')[-1]}" for e in result.indices.values())
    for curve, style in zip(data.curves, ("-", "--"), strict=False):
        top.fill_between(curve.r, curve.lower, curve.upper, color="C3", alpha=0.3, lw=0, zorder=3)
        top.plot(curve.r, curve.median, style, color="C3", label=label, zorder=4)
        label = "_second branch"
    bottom.axhline(0, color="C3", lw=1)
    top.set(xscale="log", ylabel=r"$m(r, \Delta{=}1, \alpha{=}0)$ [mag]")
    bottom.set(xlabel="heliocentric distance r [au]", ylabel="residual [mag]")
    _plain_log_ticks(bottom, data.r)
    top.invert_yaxis()
    bottom.invert_yaxis()
    top.legend()
    return axes


def _points(ax: Axes, data: IndexPlotData, y: FloatArray) -> None:
    for k, name in enumerate(np.unique(data.group)):
        rows = (data.group == name) & ~data.fainter_than
        ax.errorbar(
            data.r[rows],
            y[rows],
            data.error[rows],
            fmt="o",
            ms=3.5,
            alpha=0.6,
            elinewidth=0.7,
            color=_COLOURS[k % len(_COLOURS)],
            label=str(name) or None,
        )
    limits = data.fainter_than
    if limits.any():
        ax.plot(data.r[limits], y[limits], "v", color="0.5", label="fainter than")


def _plain_log_ticks(ax: Axes, r: FloatArray) -> None:
    """Label a logarithmic axis of less than a decade with plain numbers."""
    from matplotlib.ticker import FixedLocator, NullFormatter, ScalarFormatter

    low, high = r.min(), r.max()
    steps = [s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10) if (high - low) / s <= 8]
    step = steps[0] if steps else 10.0
    ax.xaxis.set_major_locator(FixedLocator(np.arange(step, high + step, step).tolist()))
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.xaxis.set_minor_formatter(NullFormatter())
    margin = (high / low) ** 0.04
    ax.set_xlim(low / margin, high * margin)


@dataclass(frozen=True)
class PhasePlotData:
    """What the figure of a phase function draws.

    Attributes
    ----------
    phase_angle, magnitude : ndarray, shape (m,)
        Degrees, and magnitudes with distance and offsets taken out.
    fainter_than : ndarray of bool, shape (m,)
        True for limits.
    curve_angle, median, lower, upper : ndarray, shape (k,)
        The phase function with its central 68 % interval.
    """

    phase_angle: FloatArray
    magnitude: FloatArray
    fainter_than: NDArray[np.bool_]
    curve_angle: FloatArray
    median: FloatArray
    lower: FloatArray
    upper: FloatArray


def phase_plot_data(result: IndexResult) -> PhasePlotData:
    """Return the numbers that :func:`plot_phase` draws."""
    problem, ph = result.problem, result.problem.photometry
    draws = _parameter_draws(result)
    middle = np.median(draws, axis=0)[None]
    residual = (ph.magnitude - problem.predict(middle))[0]
    alpha = np.linspace(0, float(ph.phase_angle.max()) * 1.05, _CURVE_POINTS)
    lower, median, upper = np.quantile(problem.phase_magnitudes(alpha, draws), _BAND, axis=0)
    at_data = problem.phase_magnitudes(ph.phase_angle, middle)[0] + residual
    return PhasePlotData(ph.phase_angle, at_data, ph.fainter_than, alpha, median, lower, upper)


def plot_phase(result: IndexResult, ax: Axes | None = None) -> Axes:
    """Draw magnitudes against phase angle, distance taken out, with the phase function's band.

    Parameters
    ----------
    result : IndexResult
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    import matplotlib.pyplot as plt

    ax = plt.subplots(layout="constrained")[1] if ax is None else ax
    data = phase_plot_data(result)
    limits = data.fainter_than
    ax.plot(data.phase_angle[~limits], data.magnitude[~limits], "o", ms=3.5, alpha=0.6)
    if limits.any():
        there = data.phase_angle[limits], data.magnitude[limits]
        ax.plot(*there, "v", color="0.5", label="fainter than")
    ax.fill_between(data.curve_angle, data.lower, data.upper, color="C3", alpha=0.3, lw=0)
    ax.plot(data.curve_angle, data.median, color="C3", label=type(result.problem.phase).__name__)
    ax.set(xlabel=r"phase angle $\alpha$ [deg]", ylabel=r"$-2.5 \log_{10} \Phi(\alpha)$ [mag]")
    ax.invert_yaxis()
    ax.legend()
    return ax


def plot_afrho(
    photometry: CometPhotometry,
    *,
    phase: PhaseFunction | None = None,
    sun: float | Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw A(0)frho against the distance to the Sun; see :func:`afrho_curve` for the numbers.

    Limits are drawn as triangles that point down.
    """
    import matplotlib.pyplot as plt

    ax = plt.subplots(layout="constrained")[1] if ax is None else ax
    value, error = afrho_curve(photometry, phase=phase, sun=sun)
    for name in np.unique(photometry.filter):
        rows = (photometry.filter == name) & ~photometry.fainter_than
        ax.errorbar(
            photometry.r[rows],
            value[rows],
            np.nan_to_num(error[rows]),
            fmt="o",
            ms=3.5,
            alpha=0.6,
            label=str(name) or None,
        )
    limits = photometry.fainter_than
    if limits.any():
        ax.plot(photometry.r[limits], value[limits], "v", color="0.5", label="upper limit")
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="heliocentric distance r [au]",
        ylabel=r"$A(0)f\rho$ [cm]",
    )
    _plain_log_ticks(ax, photometry.r)
    if np.any(photometry.filter != "") or limits.any():
        ax.legend()
    return ax


@dataclass(frozen=True)
class OutburstPlotData:
    """What the figure of an outburst search draws.

    Attributes
    ----------
    time, residual : ndarray, shape (m,)
        MJD, and magnitudes minus the model without outbursts.
    curves : tuple of (time, residual)
        One per significant outburst (p <= 0.01), each ``(k,)``.
    """

    time: FloatArray
    residual: FloatArray
    curves: tuple[tuple[FloatArray, FloatArray], ...]


def outburst_plot_data(search: OutburstSearch) -> OutburstPlotData:
    """Return the numbers that :func:`plot_outbursts` draws."""
    problem = cast("HeliocentricProblem", search.fit.require_problem())
    values = problem.parameters.expand(search.fit.theta)
    ph = problem.photometry
    curves = []
    for found in search.significant():
        since = np.linspace(0, 4 * found.decay, _CURVE_POINTS)
        curves.append((found.time + since, -found.amplitude * np.exp(-since / found.decay)))
    return OutburstPlotData(ph.time, (ph.magnitude - problem.predict(values))[0], tuple(curves))


def plot_outbursts(search: OutburstSearch, ax: Axes | None = None) -> Axes:
    """Draw residuals against time, significant outbursts (p <= 0.01) marked; return the axes."""
    import matplotlib.pyplot as plt

    ax = plt.subplots(figsize=(7, 3.5), layout="constrained")[1] if ax is None else ax
    data = outburst_plot_data(search)
    ax.plot(data.time, data.residual, "o", ms=3, alpha=0.6)
    for (time, curve), found in zip(data.curves, search.significant(), strict=True):
        ax.plot(time, curve, color="C3", label=f"MJD {found.time:.1f}, p <= {found.p_value:.2g}")
    ax.axhline(0, color="0.5", lw=1)
    ax.set(xlabel="time [MJD]", ylabel="residual [mag]")
    ax.invert_yaxis()
    if data.curves:
        ax.legend()
    return ax
