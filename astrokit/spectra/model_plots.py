"""Figures of fitted spectra, and the numbers behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .derived import ERG, _emitting
from .grid import EnergyGrid
from .models import Sum

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..inference import Fit, Posterior
    from .problem import SpectralProblem

__all__ = [
    "FitPlotData",
    "UnfoldedPlotData",
    "contour_data",
    "fit_plot_data",
    "plot_contours",
    "plot_fit",
    "plot_unfolded",
    "unfolded_plot_data",
]

FloatArray = NDArray[np.float64]
_ONE_SIGMA = (0.15865525393145707, 0.8413447460685429)
_DRAWS = 300
_CURVE = 300
# Distinct for colour-blind readers, and dark enough to print in grey.
_COLORS = ("#c1440e", "#1b6ca8", "#3a7d44", "#7b4fa3")
_MARKS = ("o", "s", "^", "D")


@dataclass(frozen=True)
class FitPlotData:
    """One spectrum and its folded model, per keV and second.

    Attributes
    ----------
    energy, half_width : ndarray, shape (m,)
        keV, of the groups.
    rate, error, model : ndarray, shape (m,)
        Net counts / (s keV), and the model; for fluxes, photons / (cm2 s keV).
    lower, upper : ndarray, shape (m,), or None
        Central 68 % of a posterior.
    residual : ndarray, shape (m,)
        (data - model) / error, the error being that of the model for counts.
    label : str
    """

    energy: FloatArray
    half_width: FloatArray
    rate: FloatArray
    error: FloatArray
    model: FloatArray
    lower: FloatArray | None
    upper: FloatArray | None
    residual: FloatArray
    label: str


def fit_plot_data(
    problem: SpectralProblem, result: Fit | Posterior, *, spectrum: int = 0
) -> FitPlotData:
    """Return what :func:`plot_fit` draws for one spectrum and one result.

    Parameters
    ----------
    problem : SpectralProblem
    result : Fit or Posterior
    spectrum : int
        Which of several spectra.

    Returns
    -------
    FitPlotData
        Rates of data and folded model, counts / (s keV), and residuals.

    Raises
    ------
    InputError
        When the result belongs to another model.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> detector = ak.spectra.Response.ideal(np.array([1.0, 2.0, 4.0, 8.0]), area=100.0)
    >>> spec = ak.spectra.Spectrum([50, 25, 12], exposure=1.0, response=detector)
    >>> problem = ak.spectra.SpectralProblem(spec, ak.spectra.PowerLaw())
    >>> ak.spectra.fit_plot_data(problem, problem.fit()).rate
    array([50. , 12.5,  3. ])
    """
    problem, values = _draws(problem, result)
    binned = problem.data[spectrum]
    mu = problem.expected(values, spectrum)
    low, middle, high = np.quantile(mu, [_ONE_SIGMA[0], 0.5, _ONE_SIGMA[1]], axis=0)
    net, error = binned.net_counts(), binned.net_error()
    center, half = _places(binned)
    per = _per(binned)
    expected_error = error
    if binned.is_counts:  # the spread that the model expects, which empty groups have as well
        background = np.maximum(binned.profiled_background(middle), 0.0)
        added = binned.data[2] ** 2 * binned.data[3] ** 2 if binned.statistic == "pgstat" else (
            binned.data[2] * background if binned.statistic == "wstat" else 0.0)  # fmt: skip
        expected_error = np.sqrt(np.maximum(middle + background + added, 1e-300))
    many = len(values) > 1
    return FitPlotData(
        energy=center,
        half_width=half,
        rate=net * per,
        error=error * per,
        model=middle * per,
        lower=low * per if many else None,
        upper=high * per if many else None,
        residual=(net - middle) / expected_error,
        label=problem.label,
    )


def plot_fit(
    problem: SpectralProblem,
    *results: Fit | Posterior,
    axes: tuple[Axes, Axes] | None = None,
    labels: tuple[str, ...] = (),
) -> tuple[Axes, Axes]:
    """Draw net counts with folded models, and residuals in units of their error below.

    Parameters
    ----------
    problem : SpectralProblem
        Its spectra are drawn.
    *results : Fit or Posterior
        A fit is drawn as a line, a posterior of `problem` as its median and central 68 %. A fit may
        be of another model of the same data.
    axes : pair of matplotlib.axes.Axes, optional
    labels : tuple of str
        For the legend; the model in words by default.

    Returns
    -------
    pair of matplotlib.axes.Axes

    Raises
    ------
    InputError
        Without a result, or with one of another model.
    """
    if not results:
        raise InputError("there is no result to draw", hint="plot_fit(problem, problem.fit())")
    from matplotlib import pyplot as plt

    if axes is None:
        _, axes = plt.subplots(
            2, 1, figsize=(6.4, 5.4), height_ratios=(3, 1), layout="constrained", sharex=True
        )
    upper, lower = axes
    names = labels or ("",) * len(results)
    for r, (result, name) in enumerate(zip(results, names, strict=True)):
        for k in range(len(problem.data)):
            data = fit_plot_data(problem, result, spectrum=k)
            color = _COLORS[(r + k if len(results) == 1 else r) % len(_COLORS)]
            if r == 0:
                look: dict[str, Any] = {"fmt": _MARKS[k % 4], "ms": 3, "lw": 0.9, "color": "0.25"}
                label = problem.data[k].name or "data"
                upper.errorbar(
                    data.energy, data.rate, data.error, data.half_width, label=label, **look
                )
            order = np.argsort(data.energy)
            upper.step(
                data.energy[order], data.model[order], where="mid", color=color, lw=1.6, zorder=4,
                label=(name or data.label) if k == 0 else None,
            )  # fmt: skip
            if data.lower is not None and data.upper is not None:
                upper.fill_between(data.energy[order], data.lower[order], data.upper[order],
                                   step="mid", color=color, alpha=0.25, lw=0, zorder=3)  # fmt: skip
            lower.errorbar(data.energy, data.residual, 1.0, data.half_width, fmt=_MARKS[k % 4],
                           ms=3, lw=0.8, color=color, mfc=color if r == 0 else "none")  # fmt: skip
    _finish(upper, lower, problem)
    return upper, lower


def _finish(upper: Axes, lower: Axes, problem: SpectralProblem) -> None:
    lower.axhline(0.0, color="0.35", lw=1)
    counts = problem.data[0].exposure == problem.data[0].exposure
    unit = "Counts s$^{-1}$ keV$^{-1}$" if counts else "Photons cm$^{-2}$ s$^{-1}$ keV$^{-1}$"
    upper.set(xscale="log", yscale="log", ylabel=unit)
    lower.set(xscale="log", xlabel="Energy (keV)", ylabel=r"(data $-$ model) / $\sigma$")
    curves = [np.asarray(line.get_ydata(), dtype=float) for line in upper.get_lines()]
    floor = min((float(y[y > 0].min()) for y in curves if np.any(y > 0)), default=None)
    if floor is not None:
        upper.set_ylim(bottom=0.5 * floor)
    _plain_energies(lower)
    upper.legend(frameon=False, fontsize="small")


# -- unfolded ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class UnfoldedPlotData:
    """A spectral energy distribution.

    Attributes
    ----------
    energy : ndarray, shape (k,)
        keV.
    sed : ndarray, shape (k,)
        :math:`E^2 N(E)`, erg / (cm2 s): the fit, or the median of the posterior.
    lower, upper : ndarray, shape (k,), or None
        Central 68 % of the posterior.
    components : tuple of ndarray, shape (k,)
        The terms of the model, if it has more than one.
    data_energy, data_half_width, data_sed, data_error : ndarray, shape (m,)
        The data, multiplied by model over folded model: they depend on the model.
    label : str
    """

    energy: FloatArray
    sed: FloatArray
    lower: FloatArray | None
    upper: FloatArray | None
    components: tuple[FloatArray, ...]
    data_energy: FloatArray
    data_half_width: FloatArray
    data_sed: FloatArray
    data_error: FloatArray
    label: str


def unfolded_plot_data(
    problem: SpectralProblem, result: Fit | Posterior, *, spectrum: int = 0, absorbed: bool = False
) -> UnfoldedPlotData:
    """Return what :func:`plot_unfolded` draws for one spectrum and one result.

    Parameters
    ----------
    problem : SpectralProblem
    result : Fit or Posterior
    spectrum : int
        Which of several spectra.
    absorbed : bool
        Keep absorption; otherwise the spectrum as it was emitted.

    Returns
    -------
    UnfoldedPlotData
        Energies in keV and :math:`E^2 N(E)` in erg / (s cm2).

    Raises
    ------
    InputError
        When the result belongs to another model.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> detector = ak.spectra.Response.ideal(np.array([1.0, 2.0, 4.0, 8.0]), area=100.0)
    >>> spec = ak.spectra.Spectrum([50, 25, 12], exposure=1.0, response=detector)
    >>> problem = ak.spectra.SpectralProblem(spec, ak.spectra.PowerLaw())
    >>> data = ak.spectra.unfolded_plot_data(problem, problem.fit())
    >>> data.data_sed.size  # one for each datum
    3
    """
    problem, values = _draws(problem, result)
    binned = problem.data[spectrum]
    own = problem._layout.source(values, spectrum)
    model, columns = problem.model, list(range(own.shape[1]))
    if not absorbed:
        model, columns = _emitting(model)
    inner = np.ascontiguousarray(own[:, columns])
    center, half = _places(binned)
    energy = _range(problem)
    scale = ERG * energy**2
    curves = _density(model, energy, inner) * scale
    low, middle, high = np.quantile(curves, [_ONE_SIGMA[0], 0.5, _ONE_SIGMA[1]], axis=0)
    typical = np.median(inner, axis=0)
    folded = np.median(problem.expected(values, spectrum), axis=0)
    at_data = _density(model, center, typical[None, :])[0] * ERG * center**2
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(folded > 0, at_data / folded, np.nan)
    many = len(values) > 1
    parts: list[FloatArray] = []
    core = model.core if hasattr(model, "core") else model
    if isinstance(core, Sum) and core is model:
        for term, place in core.places():
            parts.append(_density(term, energy, typical[None, place])[0] * scale)
    return UnfoldedPlotData(
        energy=energy,
        sed=middle,
        lower=low if many else None,
        upper=high if many else None,
        components=tuple(parts),
        data_energy=center,
        data_half_width=half,
        data_sed=binned.net_counts() * factor,
        data_error=binned.net_error() * factor,
        label=problem.label,
    )


def plot_unfolded(
    problem: SpectralProblem,
    *results: Fit | Posterior,
    ax: Axes | None = None,
    absorbed: bool = False,
    labels: tuple[str, ...] = (),
) -> Axes:
    r"""Draw the spectral energy distribution :math:`E^2 N(E)` of models, with the data unfolded.

    Data points are net counts times model over folded model: they follow the (first) model, and
    lie near it more readily than counts do.

    Parameters
    ----------
    problem : SpectralProblem
    *results : Fit or Posterior
        As in :func:`plot_fit`.
    ax : matplotlib.axes.Axes, optional
    absorbed : bool
        Draw what arrives; by default, what was emitted, with the data corrected alike.
    labels : tuple of str
        For the legend.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if not results:
        raise InputError("there is no result to draw", hint="plot_unfolded(problem, fit)")
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")[1]
    names = labels or ("",) * len(results)
    for r, (result, name) in enumerate(zip(results, names, strict=True)):
        for k in range(len(problem.data) if r == 0 else 1):
            data = unfolded_plot_data(problem, result, spectrum=k, absorbed=absorbed)
            color = _COLORS[r % len(_COLORS)]
            if r == 0:
                ax.errorbar(data.data_energy, data.data_sed, data.data_error, data.data_half_width,
                            fmt=_MARKS[k % 4], ms=3, lw=0.9, color="0.35", zorder=2)  # fmt: skip
            if k > 0:
                continue
            ax.plot(data.energy, data.sed, color=color, lw=1.8, zorder=4, label=name or data.label)
            if data.lower is not None and data.upper is not None:
                ax.fill_between(data.energy, data.lower, data.upper, color=color, alpha=0.25, lw=0,
                                zorder=3)  # fmt: skip
            for part in data.components:
                ax.plot(data.energy, part, color=color, lw=1, ls="--", zorder=3)
            if r == 0:
                ax.set_ylim(0.2 * data.sed.min(), 4 * data.sed.max())
    ax.set(xscale="log", yscale="log", xlabel="Energy (keV)")
    ax.set_ylabel(r"$E^2 N(E)$ (erg cm$^{-2}$ s$^{-1}$)")
    _plain_energies(ax)
    ax.legend(frameon=False, fontsize="small")
    return ax


# -- contours ---------------------------------------------------------------------------------


def contour_data(
    fit: Fit, first: str, second: str, *, reach: float = 4.0, n: int = 31
) -> dict[str, FloatArray]:
    """Return the rise of the statistic over a grid of two parameters, all others fitted.

    Parameters
    ----------
    fit : Fit
    first, second : str
        Free parameters.
    reach : float
        Half the width of the grid, in errors.
    n : int
        Points along each side.

    Returns
    -------
    dict
        ``x`` and ``y`` ``(n,)``, and ``rise`` ``(n, n)``, rows along y; NaN where a fit failed.

    Raises
    ------
    InputError
        For a parameter without an error.
    """
    from ..errors import FitError, LikelihoodError
    from ..provenance import quiet

    problem = fit.require_problem()
    axes = []
    for name in (first, second):
        estimate, (low, high) = fit[name], _bounds(problem, name)
        if not estimate.error > 0:
            raise InputError(f"{name} has no error, so no grid", hint="choose a determined one")
        ends = estimate.value + reach * estimate.error * np.array([-1.0, 1.0])
        axes.append(np.linspace(max(ends[0], low), min(ends[1], high), n))
    rise = np.full((n, n), np.nan)
    best = dict(zip(fit.parameters.free_names, fit.theta.tolist(), strict=True))
    for j, y in enumerate(axes[1]):
        start = {k: v for k, v in best.items() if k not in (first, second)}
        for i, x in enumerate(axes[0]):
            held = problem.parameters.fix(**{first: x, second: y}) if start else None
            try:
                if held is None:
                    theta = [x if k == first else y for k in fit.parameters.free_names]
                    value = float(problem.log_likelihood(theta)[0])
                else:
                    with quiet():
                        own = problem.with_parameters(held).fit(start=start, n_starts=1)
                    value = own.log_likelihood
            except (FitError, LikelihoodError):
                continue
            rise[j, i] = 2 * (fit.log_likelihood - value)
    return {"x": axes[0], "y": axes[1], "rise": rise}


def plot_contours(
    fit: Fit, first: str, second: str, *, ax: Axes | None = None, **grid: Any
) -> Axes:
    """Draw confidence contours of two parameters: 68.3, 95.4 and 99.7 % jointly.

    Parameters
    ----------
    fit : Fit
    first, second : str
        Free parameters, along x and y.
    ax : matplotlib.axes.Axes, optional
    **grid
        As for :func:`contour_data`, which gives the numbers.

    Returns
    -------
    matplotlib.axes.Axes
    """
    data = contour_data(fit, first, second, **grid)
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.subplots(figsize=(5.2, 4.2), layout="constrained")[1]
    levels = [2.2957, 6.1801, 11.829]  # of chi2 with two degrees of freedom
    drawn = ax.contour(data["x"], data["y"], data["rise"], levels, colors=list(_COLORS[:3]))
    ax.clabel(drawn, fmt=dict(zip(levels, ("68.3 %", "95.4 %", "99.7 %"), strict=True)), fontsize=8)
    ax.plot(fit[first].value, fit[second].value, "+", color="0.2", ms=9)
    ax.set(xlabel=fit.parameters[first].label, ylabel=fit.parameters[second].label)
    return ax


# -- parts ----------------------------------------------------------------------------------------


def _bounds(problem: Any, name: str) -> tuple[float, float]:
    index = problem.parameters.free_names.index(name)
    low, high = problem.parameters.bounds[index]
    return float(low), float(high)


def _draws(problem: Any, result: Any) -> tuple[Any, FloatArray]:
    """Return the problem of a result and its parameter values ``(n, p)``, some of many samples."""
    own = getattr(result, "problem", None) or problem
    if tuple(result.parameters.names) != own.parameters.names or len(own.data) != len(problem.data):
        raise InputError(
            "the result belongs to another model",
            value=", ".join(result.parameters.names),
            allowed=", ".join(own.parameters.names),
            hint="give the problem from which it was made",
        )
    if hasattr(result, "samples"):
        theta = result.samples[:: max(len(result.samples) // _DRAWS, 1)]
    else:
        theta = result.theta[None, :]
    return own, own.parameters.expand(theta)


def _places(binned: Any) -> tuple[FloatArray, FloatArray]:
    low, high = (
        np.minimum(binned.energy_lo, binned.energy_hi),
        np.maximum(binned.energy_lo, binned.energy_hi),
    )
    low = np.where(low > 0, low, 0.5 * high)
    center = np.sqrt(low * high)
    return center, np.maximum(0.5 * (high - low), 0.0)


def _range(problem: Any) -> FloatArray:
    """Return energies all over the data of a problem."""
    ends = []
    for binned in problem.data:
        center, half = _places(binned)
        ends += [float((center - half).min()), float((center + half).max())]
    low = min(end for end in ends if end > 0)
    return np.geomspace(low, max(ends), _CURVE)


def _per(binned: Any) -> FloatArray | float:
    """Return what turns counts into counts per second and keV; 1 for fluxes."""
    if binned.exposure != binned.exposure:
        return 1.0
    width = np.abs(binned.energy_hi - binned.energy_lo)
    return np.asarray(1 / (binned.exposure * np.where(width > 0, width, 1.0)))


def _density(model: Any, energy: FloatArray, values: FloatArray) -> FloatArray:
    narrow = 1e-4
    grid = EnergyGrid(energy * (1 - narrow), energy * (1 + narrow))
    return np.asarray(model.photons(grid, values) / (2 * narrow * energy))


def _plain_energies(ax: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = ax.get_xlim()
    if high / low > 1e4 or high > 1e5:
        return
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
