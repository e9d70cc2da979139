"""Figures of power spectra and of variability, and the numbers behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..estimate import Estimate
    from ..inference import Fit, Posterior
    from .periodogram import Periodogram
    from .psd import PSDProblem
    from .variability import VariabilityScatter

__all__ = [
    "PSDPlotData",
    "PeriodogramPlotData",
    "periodogram_plot_data",
    "plot_fit",
    "plot_fit_data",
    "plot_periodogram",
    "plot_scatter",
]

FloatArray = NDArray[np.float64]
_ONE_SIGMA = (0.15865525393145707, 0.8413447460685429)
_RATIO = 1.3  # of bin edges in figures: 9 points a decade
_FEWEST = 3  # ordinates in a bin of a figure: one alone scatters over two decades
_CURVE_POINTS = 200
_MOST_POINTS = 20_000  # single ordinates drawn; more would only make the file large
_BAND_DRAWS = 400


@dataclass(frozen=True)
class PeriodogramPlotData:
    """What the figure of a periodogram draws.

    Attributes
    ----------
    frequency, power : ndarray, shape (m,)
        Single ordinates.
    binned_frequency, binned_power : ndarray, shape (k,)
        Averages over logarithmic bins.
    lower, upper : ndarray, shape (k,)
        Distances to the ends of the central 68 % interval of the mean power of each bin.
    noise_level : float
    frequency_label, power_label : str
    """

    frequency: FloatArray
    power: FloatArray
    binned_frequency: FloatArray
    binned_power: FloatArray
    lower: FloatArray
    upper: FloatArray
    noise_level: float
    frequency_label: str
    power_label: str


def periodogram_plot_data(periodogram: Periodogram) -> PeriodogramPlotData:
    """Return the numbers and labels that :func:`plot_periodogram` draws.

    Examples
    --------
    >>> import astrokit as ak
    >>> pg = ak.timing.Periodogram([1.0, 2.0, 3.0], [2.0, 6.0, 4.0])
    >>> pg.plot_data().frequency_label
    'Frequency (Hz)'
    """
    binned = periodogram.log_binned(_RATIO, min_count=_FEWEST)
    lower, upper = _interval(binned)
    return PeriodogramPlotData(
        frequency=periodogram.frequency,
        power=periodogram.power,
        binned_frequency=binned.frequency,
        binned_power=binned.power,
        lower=lower,
        upper=upper,
        noise_level=periodogram.noise_level,
        frequency_label=f"Frequency ({_nice(periodogram.frequency_unit)})",
        power_label=_power_label(periodogram),
    )


def plot_periodogram(
    periodogram: Periodogram,
    ax: Axes | None = None,
    *,
    show_ordinates: bool = True,
    show_noise: bool = True,
    **style: Any,
) -> Axes:
    """Draw a periodogram: single ordinates in grey, averages over logarithmic bins on top.

    An average holds at least three ordinates.

    Parameters
    ----------
    periodogram : Periodogram
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    show_ordinates, show_noise : bool
        Draw the single ordinates; draw the noise level, where it is known.
    **style
        Passed to ``Axes.errorbar`` for the averages.

    Returns
    -------
    matplotlib.axes.Axes
    """
    data = periodogram_plot_data(periodogram)
    ax = _new_axes() if ax is None else ax
    if show_ordinates:
        step = max(data.frequency.size // _MOST_POINTS, 1)
        shown = slice(None, None, step)
        ax.plot(data.frequency[shown], data.power[shown], ".", color="0.78", ms=2.5, zorder=1)
    _draw_averages(ax, data, **style)
    if show_noise and np.isfinite(data.noise_level) and data.noise_level > 0:
        ax.axhline(data.noise_level, color="0.35", ls=":", lw=1.2, label="noise level expected")
    ax.set(xscale="log", yscale="log", xlabel=data.frequency_label, ylabel=data.power_label)
    _limit_power(ax, data)
    return ax


# -- with models --------------------------------------------------------------------------------


@dataclass(frozen=True)
class PSDPlotData:
    """One fitted model as :func:`plot_fit` draws it.

    Attributes
    ----------
    label : str
    frequency, power : ndarray, shape (k,)
        The curve: the fit, or the median of the posterior.
    lower, upper : ndarray, shape (k,), or None
        Central 68 % of the posterior.
    components : tuple of ndarray, shape (k,)
        The terms of the model, if it has more than one.
    ratio_frequency, ratio, ratio_lower, ratio_upper : ndarray, shape (j,)
        Averages over bins of data over model, with distances to the ends of their intervals.
    """

    label: str
    frequency: FloatArray
    power: FloatArray
    lower: FloatArray | None
    upper: FloatArray | None
    components: tuple[FloatArray, ...]
    ratio_frequency: FloatArray
    ratio: FloatArray
    ratio_lower: FloatArray
    ratio_upper: FloatArray


def plot_fit_data(problem: PSDProblem, result: Fit | Posterior, label: str = "") -> PSDPlotData:
    """Return the curves that :func:`plot_fit` draws for one result.

    Raises
    ------
    InputError
        When the result belongs to a model with other parameters.
    """
    from dataclasses import replace

    theta = _draws(problem, result)
    problem = getattr(result, "problem", None) or problem
    values = problem.parameters.expand(theta)
    pg = problem.data
    f = np.geomspace(pg.frequency[0], pg.frequency[-1], _CURVE_POINTS)
    low, middle, high = np.quantile(
        problem.psd(f, values), [_ONE_SIGMA[0], 0.5, _ONE_SIGMA[1]], axis=0
    )
    center = np.median(values, axis=0)
    at_data = np.median(problem.psd(pg.frequency, values), axis=0)
    ratio = replace(pg, power=pg.power / at_data).log_binned(_RATIO, min_count=_FEWEST)
    ratio_lower, ratio_upper = _interval(ratio)
    many = len(values) > 1
    return PSDPlotData(
        label=label or _label(problem),
        frequency=f,
        power=middle,
        lower=low if many else None,
        upper=high if many else None,
        components=_components(problem, f, center),
        ratio_frequency=ratio.frequency,
        ratio=ratio.power,
        ratio_lower=ratio_lower,
        ratio_upper=ratio_upper,
    )


def plot_fit(
    problem: PSDProblem,
    *results: Fit | Posterior,
    axes: tuple[Axes, Axes] | None = None,
    labels: tuple[str, ...] = (),
) -> tuple[Axes, Axes]:
    """Draw a periodogram with fitted models, and below it the ratio of data to the first model.

    Parameters
    ----------
    problem : PSDProblem
        Its periodogram is drawn.
    *results : Fit or Posterior
        A fit is drawn as a line, with the terms of the first model dashed; a posterior of
        `problem` as its median and central 68 %. A fit may be of another model of the same data.
    axes : pair of matplotlib.axes.Axes, optional
        For the spectrum and for the ratio.
    labels : tuple of str
        For the legend; the model in words by default.

    Returns
    -------
    pair of matplotlib.axes.Axes

    Raises
    ------
    InputError
        When the first argument is no problem, a result belongs to a model with other parameters, or
        labels are too few.
    """
    if labels and len(labels) != len(results):
        raise InputError("labels and results differ in number", value=(len(labels), len(results)))
    if not hasattr(problem, "psd"):
        raise InputError(
            "plot_fit draws the periodogram of a PSDProblem",
            value=type(problem).__name__,
            hint="plot_fit(problem, result), with the problem that was fitted or sampled",
        )
    upper, lower = _two_axes() if axes is None else axes
    plot_periodogram(problem.data, upper, label="averages over bins")
    names = labels or ("",) * len(results)
    curves = [plot_fit_data(problem, r, name) for r, name in zip(results, names, strict=True)]
    for i, (curve, color) in enumerate(zip(curves, _colors(), strict=False)):
        upper.plot(curve.frequency, curve.power, color=color, lw=1.8, label=curve.label, zorder=4)
        if curve.lower is not None and curve.upper is not None:
            upper.fill_between(
                curve.frequency, curve.lower, curve.upper, color=color, alpha=0.25, lw=0, zorder=3
            )
        for component in curve.components if i == 0 else ():
            upper.plot(curve.frequency, component, color=color, lw=1, ls="--", zorder=3)
        _draw_ratio(lower, curve, color, first=i == 0)
    top = max((1.5 * float(curve.power.max()) for curve in curves), default=0.0)
    upper.set_ylim(top=max(upper.get_ylim()[1], top))
    upper.legend(frameon=False, fontsize="small")
    upper.set_xlabel("")
    upper.tick_params(labelbottom=False)
    lower.axhline(1.0, color="0.35", lw=1)
    lower.set(xscale="log", yscale="log", ylabel="Data / model")
    lower.set(xlabel=periodogram_plot_data(problem.data).frequency_label, xlim=upper.get_xlim())
    _plain_ratio_ticks(lower)
    return upper, lower


def plot_scatter(
    scatter: VariabilityScatter, ax: Axes | None = None, *, measured: Estimate | None = None
) -> Axes:
    """Draw the histogram of simulated fractional variability with its interval.

    Parameters
    ----------
    scatter : VariabilityScatter
    ax : matplotlib.axes.Axes, optional
    measured : Estimate, optional
        Drawn as a line with the width of its own error.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = _new_axes() if ax is None else ax
    ax.hist(scatter.values, bins="auto", color="C0", alpha=0.6, label="simulated red noise")
    low, high = scatter.estimate.interval
    percent = 100 * scatter.estimate.level
    ax.axvspan(low, high, color="C0", alpha=0.15, lw=0, label=f"central {percent:.0f} %")
    if measured is not None:
        ax.axvline(measured.value, color="C3", lw=1.5, label="measured")
        ax.axvspan(*measured.interval, color="C3", alpha=0.4, lw=0)
    ax.set(xlabel=r"Fractional variability $F_\mathrm{var}$", ylabel="Simulations")
    ax.legend(frameon=False, fontsize="small")
    return ax


# -- parts ----------------------------------------------------------------------------------------


def _new_axes() -> Axes:
    from matplotlib import pyplot as plt

    return plt.subplots(figsize=(6.4, 4.2), layout="constrained")[1]


def _two_axes() -> tuple[Axes, Axes]:
    from matplotlib import pyplot as plt

    _, (upper, lower) = plt.subplots(
        2, 1, figsize=(6.4, 5.4), height_ratios=(3, 1), layout="constrained"
    )
    return upper, lower


def _colors() -> tuple[str, ...]:
    # Distinct for colour-blind readers, and dark enough to print in grey.
    return ("#c1440e", "#1b6ca8", "#3a7d44", "#7b4fa3")


def _interval(periodogram: Periodogram) -> tuple[FloatArray, FloatArray]:
    """Return distances to the ends of the 68 % interval of the mean, from the chi2 of each bin."""
    from scipy.special import gammaincinv

    k = 0.5 * np.asarray(periodogram.degrees_of_freedom)
    low = periodogram.power * k / gammaincinv(k, _ONE_SIGMA[1])
    high = periodogram.power * k / gammaincinv(k, _ONE_SIGMA[0])
    return periodogram.power - low, high - periodogram.power


def _draw_averages(ax: Axes, data: PeriodogramPlotData, **style: Any) -> None:
    look = {"fmt": "o", "ms": 4, "color": "0.15", "lw": 1.1, "zorder": 5, **style}
    ax.errorbar(data.binned_frequency, data.binned_power, [data.lower, data.upper], **look)


def _draw_ratio(ax: Axes, curve: PSDPlotData, color: str, *, first: bool) -> None:
    error = [curve.ratio_lower, curve.ratio_upper] if first else None
    look: dict[str, Any] = {"fmt": "o" if first else "s", "ms": 4 if first else 3, "lw": 1.1}
    look |= {} if first else {"mfc": "none"}
    ax.errorbar(curve.ratio_frequency, curve.ratio, error, color=color, **look)


def _limit_power(ax: Axes, data: PeriodogramPlotData) -> None:
    """Cut the deep troughs of single ordinates, which would squeeze everything else."""
    floor = [data.binned_power[data.binned_power > 0].min()]
    if np.isfinite(data.noise_level) and data.noise_level > 0:
        floor.append(data.noise_level)
    top = max(data.power.max(), (data.binned_power + data.upper).max())
    ax.set_ylim(0.1 * min(floor), 2 * top)


def _plain_ratio_ticks(ax: Axes) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

    ax.yaxis.set_major_locator(FixedLocator([0.1, 0.2, 0.5, 1, 2, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _draws(problem: PSDProblem, result: Any) -> FloatArray:
    """Return free parameters ``(n, d)``: the fit, or some draws of the posterior."""
    own = getattr(result, "problem", None) or problem
    if tuple(result.parameters.names) != own.parameters.names:
        raise InputError(
            "the result belongs to another model",
            value=", ".join(result.parameters.names),
            allowed=", ".join(own.parameters.names),
            hint="give the problem from which it was made",
        )
    if hasattr(result, "samples"):
        step = max(len(result.samples) // _BAND_DRAWS, 1)
        return result.samples[::step]
    return result.theta[None, :]


def _components(problem: PSDProblem, f: FloatArray, values: FloatArray) -> tuple[FloatArray, ...]:
    from .kernels import psd

    if len(problem.model.components) == 1:
        return ()
    curves = []
    header = problem.model.header()
    for i, (_, place) in enumerate(problem.model.slices()):
        out = np.empty((1, f.size))
        row = np.array([f.size, 0.0, 1.0, *header[2 * i : 2 * i + 2]])
        psd(np.ascontiguousarray(values[None, place]), np.log(f), row, out)
        curves.append(out[0])
    return tuple(curves)


def _label(problem: PSDProblem) -> str:
    return problem.model.label


def _nice(unit: str) -> str:
    return {"1 / d": "d$^{-1}$", "1 / Hz": "Hz$^{-1}$"}.get(unit, unit)


def _power_label(periodogram: Periodogram) -> str:
    per = _nice("1 / Hz" if periodogram.time_unit == "s" else periodogram.time_unit)
    if periodogram.normalization == "fractional":
        return rf"Power ((rms/mean)$^2$ {per})"
    if periodogram.normalization == "leahy":
        return "Power (Leahy)"
    from astropy import units as u

    unit = (
        u.Unit(periodogram.power_unit).to_string("latex_inline") if periodogram.power_unit else ""
    )
    sided = "Two-sided power" if periodogram.normalization == "psd" else "Power"
    return f"{sided} ({unit})" if unit else sided
