"""Figures of the H-C plane and of curves over the delay, and the numbers behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .curves import HCCurve
    from .hcplane import Plane

__all__ = ["PlanePlotData", "plane_plot_data", "plot_curve", "plot_plane"]

FloatArray = NDArray[np.float64]
Curve = tuple[FloatArray, FloatArray]
_POINTS = 400
_ARCS = 5  # up to here the arcs between the vertices of the maximum curve are seen
_ELLIPSE = 1.5151729  # semi-axes in sigma of the ellipse with 68.27 % of a bivariate normal


@dataclass(frozen=True, eq=False)
class PlanePlotData:
    """The curves of an H-C plane, each as (H, C).

    Attributes
    ----------
    minimum, maximum : tuple of ndarray
    boundaries : dict of str to tuple of ndarray
        "lower", "upper" (verticals), "chord", and "complex" for n = 4 to 7.
    noise : dict of str to tuple of ndarray
        "fBm" and "fGn", for n = 3 to 7.
    """

    minimum: Curve
    maximum: Curve
    boundaries: Mapping[str, Curve]
    noise: Mapping[str, Curve]


def plane_plot_data(plane: Plane) -> PlanePlotData:
    """Return the curves that :func:`plot_plane` draws.

    Examples
    --------
    >>> import astrokit as ak
    >>> sorted(ak.complexity.plane(n=5).plot_data().boundaries)
    ['chord', 'complex', 'lower', 'upper']
    """
    boundaries: dict[str, Curve] = {}
    if plane.n > 3:
        (h0, c0), (h1, c1) = plane.chord
        for name, h, top in (("lower", h0, c0), ("upper", h1, c1)):
            boundaries[name] = (np.array([h, h]), np.array([float(plane.minimum(h)), top]))
        boundaries["chord"] = (np.array([h0, h1]), np.array([c0, c1]))
        if plane.n <= 7:
            H = np.linspace(h1, 1, _POINTS)
            boundaries["complex"] = (H, plane.complex_boundary(H))
    noise = {}
    if 3 <= plane.n <= 7:
        for process in ("fBm", "fGn"):
            reference = plane.noise(process)
            noise[process] = (reference.entropy, reference.complexity)
    maximum = plane.vertices
    if plane.n <= _ARCS:
        H = np.union1d(maximum[0], np.linspace(0, 1, _POINTS))
        maximum = (H, plane.maximum(H))
    return PlanePlotData(plane.minimum_curve(_POINTS), maximum, boundaries, noise)


def plot_plane(
    plane: Plane,
    *results: Any,
    ax: Axes | None = None,
    labels: Any = None,
    show_zones: bool = True,
    show_noise: bool = True,
    **style: Any,
) -> Axes:
    """Draw an H-C plane: limits, zones, noise, and results with their 68 % error ellipses.

    Points are drawn at the bias-corrected values, within the limits.

    Parameters
    ----------
    plane : Plane
    *results : HC, or (H, C)
    ax : matplotlib.axes.Axes, optional
        A new figure by default.
    labels : sequence of str, optional
        One per result, for the legend.
    show_zones, show_noise : bool
    **style
        Passed to ``Axes.plot`` for the points.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        For a result of another n, or unequal numbers of results and labels.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import astrokit as ak
    >>> ax = ak.complexity.plane(n=5).plot((0.6, 0.3), labels=["a point"])
    >>> ax.get_xlabel()
    'Permutation entropy H'
    """
    if labels is not None and len(labels) != len(results):
        raise InputError("results and labels differ in number", value=(len(results), len(labels)))
    ax = _new_axes() if ax is None else ax
    data = plane_plot_data(plane)
    ax.plot(*data.maximum, color="black", lw=1.1, zorder=2)
    ax.plot(*data.minimum, color="black", lw=1.1, zorder=2)
    if show_zones:
        _draw_zones(ax, plane, data)
    if show_noise:
        styles = {
            "fBm": ("fractional Brownian motion", "-"),
            "fGn": ("fractional Gaussian noise", ":"),
        }
        for process, curve in data.noise.items():
            label, dashes = styles[process]
            ax.plot(*curve, color="tab:red", ls=dashes, lw=1.2, alpha=0.8, label=label, zorder=3)
    for k, result in enumerate(results):
        _draw_result(ax, plane, result, None if labels is None else labels[k], style)
    top = float(data.maximum[1].max()) or 1.0
    ax.set(xlim=(-0.01, 1.01), ylim=(-0.02 * top, 1.12 * top))
    ax.set(xlabel="Permutation entropy H", ylabel="Statistical complexity C")
    if labels is not None or (show_noise and data.noise):
        ax.legend(loc="upper left", frameon=False, fontsize="small")
    return ax


def plot_curve(curve: HCCurve, axes: Any = None, **style: Any) -> Any:
    """Draw H and C against the delay, in two panels.

    Parameters
    ----------
    curve : HCCurve
    axes : sequence of two matplotlib.axes.Axes, optional
    **style
        Passed to ``Axes.errorbar``.

    Returns
    -------
    ndarray of two matplotlib.axes.Axes

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import astrokit as ak
    >>> x = ak.complexity.fractional_gaussian_noise(2000, hurst=0.5, seed=1)
    >>> len(ak.complexity.hc_curve(x, n=4, delays=[1, 2, 4]).plot())
    2
    """
    if axes is None:
        import matplotlib.pyplot as plt

        _, axes = plt.subplots(2, 1, sharex=True, figsize=(6, 4.5), layout="constrained")
    pairs = (
        (curve.entropy, curve.entropy_error, "H"),
        (curve.complexity, curve.complexity_error, "C"),
    )
    for ax, (values, errors, label) in zip(axes, pairs, strict=True):
        known = np.nan_to_num(errors)
        line = ax.plot(curve.delay, values, **{"lw": 1.2, **style})[0]
        band = (values - known, values + known)
        ax.fill_between(curve.delay, *band, color=line.get_color(), alpha=0.25, lw=0)
        ax.set_ylabel(label)
    axes[-1].set_xlabel("Delay (samples)")
    return axes


# -- parts -----------------------------------------------------------------------------------------


def _new_axes() -> Axes:
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(6.4, 4.8), layout="constrained")[1]


def _draw_zones(ax: Axes, plane: Plane, data: PlanePlotData) -> None:
    style: dict[str, Any] = {"color": "0.45", "lw": 0.9}
    for name, curve in data.boundaries.items():
        ax.plot(*curve, ls=":" if name == "complex" else "--", zorder=1, **style)
    if not data.boundaries:
        return
    (h0, c0), (h1, c1) = plane.chord
    slope = (c1 - c0) / (h1 - h0)
    h = h0 + 0.55 * (h1 - h0)
    on_chord = c0 + slope * (h - h0)
    low, high = float(plane.minimum(h)), float(plane.maximum(h))
    text: dict[str, Any] = {
        "fontsize": "small",
        "color": "0.35",
        "ha": "center",
        "va": "center",
        "zorder": 1,
    }
    ax.text(h, 0.5 * (low + on_chord), "regular", **text)
    # The periodic zone is thin: its name stands above the limit, along it.
    ax.text(
        h - 0.02,
        high + 0.035,
        "periodic",
        rotation=np.degrees(np.arctan(slope)),
        rotation_mode="anchor",
        transform_rotates_text=True,
        **text,
    )
    if "complex" in data.boundaries:
        h = h1 + 0.25 * (1 - h1)
        at = float(plane.complex_boundary(h))
        ax.text(h, 0.5 * (at + float(plane.maximum(h))), "complex", **text)
        ax.text(h, 0.2 * at + 0.8 * float(plane.minimum(h)), "stochastic", **text)


def _draw_result(ax: Axes, plane: Plane, result: Any, label: str | None, style: Any) -> None:
    if isinstance(result, tuple | list | np.ndarray):
        (H, C), covariance = (float(v) for v in result), None
    else:
        if result.n != plane.n:
            raise InputError("the result has another n than the plane", value=(result.n, plane.n))
        point, covariance = result.plot_data()
        finite = np.isfinite(point).all()
        H, C = point if finite else (result.entropy.value, result.complexity.value)
    H = float(np.clip(H, 0, 1))
    C = float(np.clip(C, plane.minimum(H), plane.maximum(H)))
    options = {"marker": "o", "ls": "none", "ms": 5, "zorder": 5, "label": label, **style}
    line = ax.plot([H], [C], **options)[0]
    if covariance is not None and np.isfinite(covariance).all():
        angle = np.linspace(0, 2 * np.pi, 100)
        values, vectors = np.linalg.eigh(covariance)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        ring = _ELLIPSE * root @ np.array([np.cos(angle), np.sin(angle)])
        ax.plot(H + ring[0], C + ring[1], color=line.get_color(), lw=0.9, zorder=4)
