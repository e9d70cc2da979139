"""Figures of a calibration: rank histograms and coverage, each with the data it draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .ranks import rank_histogram

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .calibration import Calibration

__all__ = ["coverage_curve", "plot_coverage", "plot_ranks", "rank_bars"]

FloatArray = NDArray[np.float64]


def rank_bars(result: Calibration, name: str, bins: int = 20) -> dict[str, FloatArray]:
    """Return what :func:`plot_ranks` draws: ``edges``, ``counts``, and the 3-sigma ``band``."""
    ranks = result.ranks[:, result.names.index(name)]
    edges, counts = rank_histogram(ranks, result.draws, bins)
    share = 1 / counts.size
    expected = result.n * share
    sigma = np.sqrt(expected * (1 - share))
    return {
        "edges": (edges + 0.5) / (result.draws + 1),
        "counts": counts.astype(float),
        "band": np.array([expected - 3 * sigma, expected, expected + 3 * sigma]),
    }


def coverage_curve(result: Calibration, name: str, points: int = 99) -> dict[str, FloatArray]:
    """Return ``level``, ``coverage`` and binomial ``sigma`` at levels between 0 and 1."""
    level = np.arange(1, points + 1) / (points + 1)
    distance = 2 * np.abs(result.below[:, result.names.index(name)] - 0.5)
    coverage = np.searchsorted(np.sort(distance), level, side="right") / result.n
    sigma = np.sqrt(level * (1 - level) / result.n)
    return {"level": level, "coverage": coverage, "sigma": sigma}


def plot_ranks(result: Calibration, axes: Sequence[Axes] | None, bins: int) -> list[Axes]:
    """Draw one histogram per parameter; flat within the grey band is calibrated."""
    if axes is None:
        axes = _row_of_axes(len(result.names))
    tests = result.rank_table(bins)
    for ax, name, row in zip(axes, result.names, tests, strict=True):
        bars = rank_bars(result, name, bins)
        low, middle, high = bars["band"]
        ax.axhspan(low, high, color="0.88", zorder=0, label="3 sigma")
        ax.axhline(middle, color="0.55", lw=0.8)
        ax.stairs(bars["counts"], bars["edges"], color="C0", lw=1.3)
        ax.set(xlim=(0, 1), ylim=(0, None), xlabel=f"rank of {name.replace('_', ' ')}")
        ax.set_title(f"p = {row['p_chi2']:.2f} (bins), {row['p_ecdf']:.2f} (ECDF)", fontsize=9)
    axes[0].set_ylabel("data sets")
    return list(axes)


def plot_coverage(result: Calibration, ax: Axes | None) -> Axes:
    """Draw coverage minus level for each parameter, with 1- and 3-sigma binomial bands."""
    import matplotlib.pyplot as plt

    ax = plt.subplots(figsize=(5, 3.4), layout="constrained")[1] if ax is None else ax
    for i, name in enumerate(result.names):
        curve = coverage_curve(result, name)
        if i == 0:
            for width, shade in ((3, "0.92"), (1, "0.82")):
                band = width * curve["sigma"]
                ax.fill_between(curve["level"], -band, band, color=shade, lw=0)
        excess = curve["coverage"] - curve["level"]
        ax.plot(curve["level"], excess, lw=1.3, label=name.replace("_", " "))
    ax.axhline(0, color="0.4", lw=0.8)
    ax.set(xlim=(0, 1), xlabel="level of the interval", ylabel="coverage - level")
    ax.legend(fontsize=8, loc="lower left", frameon=False)
    return ax


def _row_of_axes(n: int) -> list[Any]:
    import matplotlib.pyplot as plt

    _figure, axes = plt.subplots(
        1, n, figsize=(3.2 * n, 2.8), layout="constrained", sharey=True, squeeze=False
    )
    return list(axes[0])
