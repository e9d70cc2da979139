"""How the values of one column of a survey are distributed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .result import limits_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .result import Survey

__all__ = ["plot_column"]


def plot_column(survey: Survey, column: str, ax: Axes | None = None) -> Axes:
    """Draw a histogram of a column of numbers, with its median and central 68 %.

    Parameters
    ----------
    survey : Survey
    column : str
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        For a column without numbers.
    """
    values = survey.plot_data(column)
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.figure(figsize=(5.2, 3.4), layout="constrained").add_subplot()
    unit = survey.table[column].unit
    ax.set_xlabel(column.replace("_", " ") + (f" [{unit}]" if unit else ""))
    ax.set_ylabel("targets")
    if values.size:
        ax.hist(values, bins=_edges(values), color="#4a7fb0", edgecolor="white", linewidth=0.6)
        low, mid, high = np.quantile(values, [0.16, 0.5, 0.84])
        band: dict[str, Any] = {"color": "#e0913a", "alpha": 0.25, "linewidth": 0, "zorder": 0}
        ax.axvspan(low, high, label="central 68 %", **band)
        ax.axvline(mid, color="#c0651a", linewidth=1.4, label=f"median {mid:.4g}")
        ax.set_ylim(top=1.3 * ax.get_ylim()[1])  # room for the legend above the bars
        ax.legend(frameon=False, ncols=2, loc="upper right")
    n_limits = limits_of(survey.table, column).sum()
    limits = f", {n_limits} limits not shown" if n_limits else ""
    ax.set_title(f"{values.size} of {len(survey)} targets{limits}", fontsize="medium")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _edges(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    if np.ptp(values) == 0:
        return [float(values[0]) - 0.5, float(values[0]) + 0.5]
    n = "auto" if values.size < 100_000 else 200
    return [float(edge) for edge in np.histogram_bin_edges(values, bins=n)]
