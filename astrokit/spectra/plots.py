"""Figures of spectra, responses and flux points, and the numbers behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .plain import FluxPoints
    from .response import Response
    from .spectrum import Spectrum

__all__ = [
    "SpectrumPlotData",
    "plot_flux_points",
    "plot_response",
    "plot_spectrum",
    "spectrum_plot_data",
]

FloatArray = NDArray[np.float64]
_BLUE, _GREY = "#1f4e79", "0.6"


@dataclass(frozen=True)
class SpectrumPlotData:
    """What the figure of a spectrum draws, one value per noticed group.

    Attributes
    ----------
    x, half_width : ndarray, shape (g,)
        Middle and half width in keV, or in channels where energies are not known.
    rate, error : ndarray, shape (g,)
        Counts per second and keV (or channel).
    background : ndarray, shape (g,), or None
        The background scaled to the source region.
    x_label, y_label, title : str
    """

    x: FloatArray
    half_width: FloatArray
    rate: FloatArray
    error: FloatArray
    background: FloatArray | None
    x_label: str
    y_label: str
    title: str


def spectrum_plot_data(spectrum: Spectrum, *, net: bool = True) -> SpectrumPlotData:
    """Return the numbers and labels that :func:`plot_spectrum` draws.

    Parameters
    ----------
    spectrum : Spectrum
    net : bool
        Subtract the scaled background; otherwise counts as they are.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> detector = ak.spectra.Response.ideal(np.array([1.0, 2.0, 4.0]))
    >>> spec = ak.spectra.Spectrum([4, 6], exposure=2.0, response=detector)
    >>> ak.spectra.spectrum_plot_data(spec).rate
    array([2. , 1.5])
    """
    known = spectrum.channel_energies is not None
    if known:
        low, high = spectrum.energy_lo, spectrum.energy_hi
    else:
        numbers = spectrum.channel.astype(float)
        low, high = spectrum.groups.min(numbers) - 0.5, spectrum.groups.max(numbers) + 0.5
    width = high - low
    background = None
    if spectrum.background_counts is not None and spectrum.background_ratio is not None:
        scaled = spectrum.background_ratio * spectrum.background_counts
        background = scaled / spectrum.exposure / width
    rate, error = (
        (spectrum.net_rate, spectrum.net_rate_error)
        if net
        else (spectrum.rate, spectrum.rate_error)
    )
    return SpectrumPlotData(
        x=0.5 * (low + high),
        half_width=0.5 * width,
        rate=rate / width,
        error=error / width,
        background=background,
        x_label="Energy (keV)" if known else "Channel",
        y_label=f"{'Net counts' if net else 'Counts'} / s / {'keV' if known else 'channel'}",
        title=spectrum.name if spectrum.name != "spectrum" else "",
    )


def plot_spectrum(
    spectrum: Spectrum,
    ax: Axes | None = None,
    *,
    net: bool = True,
    show_background: bool = True,
    **style: Any,
) -> Axes:
    """Draw count rates per keV of the noticed groups, and the scaled background.

    Parameters
    ----------
    spectrum : Spectrum
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    net : bool
        Subtract the scaled background.
    show_background : bool
    **style
        Passed to ``Axes.errorbar``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    data = spectrum_plot_data(spectrum, net=net)
    ax = _new_axes() if ax is None else ax
    look: dict[str, Any] = {"fmt": ".", "ms": 3.5, "color": _BLUE, "elinewidth": 0.9, "zorder": 3}
    label = "source" if net and data.background is not None else None
    errors: dict[str, Any] = {"yerr": data.error, "xerr": data.half_width}
    ax.errorbar(data.x, data.rate, **errors, **({"label": label} | look | style))
    if show_background and data.background is not None:
        edges = np.append(data.x - data.half_width, data.x[-1] + data.half_width[-1])
        ax.stairs(data.background, edges, color=_GREY, lw=1.0, label="background, scaled")
        ax.legend(frameon=False, fontsize="small")
    _finish(ax, data)
    return ax


def _finish(ax: Axes, data: SpectrumPlotData) -> None:
    # What is lost in its error would stretch the axis over decades.
    seen = data.rate > data.error
    positive = data.rate[seen if seen.any() else data.rate > 0]
    scale = "log" if data.x_label.startswith("Energy") and np.all(data.x > 0) else "linear"
    ax.set(xlabel=data.x_label, ylabel=data.y_label, xscale=scale)
    if positive.size:
        ax.set_yscale("log")
        # Groups at or below zero have no place on a logarithmic axis; their errors show them.
        top, bottom = float((data.rate + data.error).max()), 0.3 * float(positive.min())
        if data.background is not None and np.any(data.background > 0):
            top = max(top, float(data.background.max()))
            usual = 0.5 * float(np.median(data.background[data.background > 0]))
            bottom = min(bottom, max(usual, 1e-3 * bottom))  # a faint one may stay out of sight
        ax.set_ylim(bottom, 2 * top)
    if scale == "log":
        _plain_ticks(ax, float((data.x - data.half_width).min()), float(data.x.max()))
    if data.title:
        ax.set_title(data.title, fontsize="medium", loc="left")
    ax.tick_params(direction="in", which="both", top=True, right=True)


def _plain_ticks(ax: Axes, low: float, high: float) -> None:
    """Write 0.5, 1, 2, 5 rather than powers of ten, where the axis covers few decades."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if low <= 0 or high / low > 1e3 or high > 1e4:
        return
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())


def plot_flux_points(points: FluxPoints, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw nu F_nu of flux points; upper limits as arrows.

    The numbers are ``points.energy``, ``points.nufnu`` and ``points.nufnu_error``.

    Parameters
    ----------
    points : FluxPoints
    ax : matplotlib.axes.Axes, optional
    **style
        Passed to ``Axes.errorbar``.
    """
    ax = _new_axes() if ax is None else ax
    limit = np.zeros(len(points), dtype=bool) if points.upper_limit is None else points.upper_limit
    y = points.nufnu
    error = np.where(limit, 0.4 * y, points.nufnu_error)
    wide = None
    if points.energy_lo is not None and points.energy_hi is not None:
        wide = np.stack([points.energy - points.energy_lo, points.energy_hi - points.energy])
    look: dict[str, Any] = {"fmt": "o", "ms": 4, "color": _BLUE, "elinewidth": 0.9}
    ax.errorbar(points.energy, y, yerr=error, xerr=wide, uplims=limit, **(look | style))
    ax.set(xscale="log", yscale="log", xlabel="Energy (keV)")
    ax.set_ylabel(r"$\nu F_\nu$ (erg cm$^{-2}$ s$^{-1}$)")
    ax.tick_params(direction="in", which="both", top=True, right=True)
    return ax


def plot_response(response: Response, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw the effective area over photon energy, summed over channels.

    The numbers are ``response.effective_area`` and the edges of ``response``.

    Parameters
    ----------
    response : Response
    ax : matplotlib.axes.Axes, optional
    **style
        Passed to ``Axes.stairs``.
    """
    ax = _new_axes() if ax is None else ax
    edges = np.append(response.energy_lo, response.energy_hi[-1])
    ax.stairs(response.effective_area, edges, **({"color": _BLUE} | style))
    ax.set(xscale="log", xlabel="Photon energy (keV)", ylabel="Effective area (cm$^2$)")
    ax.set_xlim(max(float(edges[0]), 1e-3 * float(edges[-1])), float(edges[-1]))
    _plain_ticks(ax, max(float(edges[0]), 1e-2), float(edges[-1]))
    ax.tick_params(direction="in", which="both", top=True, right=True)
    return ax


def _new_axes() -> Axes:
    import matplotlib.pyplot as plt

    _, ax = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    return ax
