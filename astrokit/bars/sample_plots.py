"""Histograms of a sample of pattern speeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .measure import CLASSES
from .plots import CLASS_COLOURS

if TYPE_CHECKING:
    from .catalogue import PatternSpeedSample

__all__ = ["SamplePlotData", "plot_sample", "sample_plot_data"]

FloatArray = NDArray[np.float64]
_LABELS = {
    "pattern_speed": r"$\Omega_p$ [km/s/arcsec]",
    "pattern_speed_kpc": r"$\Omega_p$ [km/s/kpc]",
    "corotation_radius": r"$R_\mathrm{CR}$ [arcsec]",
    "corotation_radius_kpc": r"$R_\mathrm{CR}$ [kpc]",
    "ratio": r"$\mathcal{R} = R_\mathrm{CR} / R_\mathrm{bar}$",
}
_REACH = (0.005, 0.97)  # quantiles of what is drawn; the rest is counted in the figure
_COLOURS = ("#2e4057", "#d1495b", "#edae49", "#00798c")


@dataclass(frozen=True)
class SamplePlotData:
    """Histograms of a few columns of one or more samples.

    Attributes
    ----------
    columns : tuple of str
    labels : tuple of str
        Of the samples.
    edges : tuple of ndarray
        One for each column.
    density : dict
        ``density[label][k]``: probability density of a sample in the bins of column k.
    median : dict
        ``median[label][k]``.
    beyond : dict
        ``beyond[label][k]``: how many lie outside the bins.
    """

    columns: tuple[str, ...]
    labels: tuple[str, ...]
    edges: tuple[FloatArray, ...]
    density: dict[str, list[FloatArray]]
    median: dict[str, list[float]]
    beyond: dict[str, list[int]]


def sample_plot_data(
    samples: PatternSpeedSample | Any, columns: tuple[str, ...] = (), bins: int = 24
) -> SamplePlotData:
    """Return the histograms that :func:`plot_sample` draws.

    Parameters
    ----------
    samples : PatternSpeedSample, table, or mapping of str to these
        Tables with the columns, such as those of :func:`read_geron2023`.
    columns : tuple of str, optional
        By default pattern speed and corotation radius (in kpc where all samples have them) and
        ratio.
    bins : int

    Raises
    ------
    InputError
        If a sample has no numbers in a column.
    """
    named = dict(samples) if isinstance(samples, dict) else {"": samples}
    columns = columns or _default_columns(named)
    values = {k: [_column(sample, c) for c in columns] for k, sample in named.items()}
    for label, found in values.items():
        for column, numbers in zip(columns, found, strict=True):
            if numbers.size == 0:
                raise InputError(f"{label or 'the sample'} has no number in {column}")
    edges = []
    for k in range(len(columns)):
        everything = np.concatenate([found[k] for found in values.values()])
        low, high = np.quantile(everything, _REACH)
        edges.append(np.linspace(min(0.0, low), high, bins + 1))
    density = {
        label: [_density(v, e) for v, e in zip(found, edges, strict=True)]
        for label, found in values.items()
    }
    outside = {
        label: [int(((v < e[0]) | (v > e[-1])).sum()) for v, e in zip(found, edges, strict=True)]
        for label, found in values.items()
    }
    median = {label: [float(np.median(v)) for v in found] for label, found in values.items()}
    return SamplePlotData(tuple(columns), tuple(named), tuple(edges), density, median, outside)


def _default_columns(named: dict[str, Any]) -> tuple[str, ...]:
    has_kpc = all(_has_numbers(sample, "pattern_speed_kpc") for sample in named.values())
    end = "_kpc" if has_kpc else ""
    return f"pattern_speed{end}", f"corotation_radius{end}", "ratio"


def _table(sample: Any) -> Any:
    return getattr(sample, "table", sample)


def _has_numbers(sample: Any, column: str) -> bool:
    return column in _table(sample).colnames and _column(sample, column).size > 0


def _column(sample: Any, name: str) -> FloatArray:
    table = _table(sample)
    if name not in table.colnames:
        raise InputError("no such column", value=name, allowed=", ".join(table.colnames))
    values = np.asarray(getattr(table[name], "value", table[name]), dtype=float)
    return values[np.isfinite(values)]


def _density(values: FloatArray, edges: FloatArray) -> FloatArray:
    counts, _ = np.histogram(values, edges)
    return counts / (values.size * np.diff(edges))


def plot_sample(
    samples: PatternSpeedSample | Any, *, columns: tuple[str, ...] = (), axes: Any = None
) -> NDArray[Any]:
    """Draw histograms of one or more samples.

    Parameters
    ----------
    samples : PatternSpeedSample, table, or dict of str to these
        Several are drawn over each other, with their names.
    columns : tuple of str, optional
        By default pattern speed, corotation radius and ratio.
    axes : sequence of matplotlib axes, optional
        One for each column.

    Returns
    -------
    ndarray of Axes
    """
    import matplotlib.pyplot as plt

    data = sample_plot_data(samples, columns)
    if axes is None:
        n = len(data.columns)
        _, axes = plt.subplots(1, n, figsize=(4 * n, 3.5), layout="constrained", squeeze=False)
        axes = axes[0]
    axes = np.asarray(axes)
    for k, (ax, column) in enumerate(zip(axes, data.columns, strict=True)):
        if column == "ratio":
            _shade_classes(ax, data.edges[k])
        for label, colour in zip(data.labels, _COLOURS * len(data.labels), strict=False):
            _draw_one(ax, data, label, k, colour)
        lost = sum(beyond[k] for beyond in data.beyond.values())
        text = f"{lost} beyond the figure" if lost else ""
        ax.set(
            xlabel=_LABELS.get(column, column.replace("_", " ")),
            xlim=(data.edges[k][0], data.edges[k][-1]),
        )
        ax.set_ylim(0, 1.4 * ax.dataLim.y1)
        ax.legend(loc="upper right", fontsize=8, title=text or None, title_fontsize=7.5)
    axes[0].set_ylabel("density")
    return axes


def _draw_one(ax: Any, data: SamplePlotData, label: str, k: int, colour: str) -> None:
    density, median = data.density[label][k], data.median[label][k]
    text = f"{label}, median {median:.3g}" if label else f"median {median:.3g}"
    ax.stairs(density, data.edges[k], color=colour, fill=True, alpha=0.25)
    ax.stairs(density, data.edges[k], color=colour, lw=1.4, label=text)
    ax.axvline(median, color=colour, lw=1.2, ls="--")


def _shade_classes(ax: Any, edges: FloatArray) -> None:
    for name, (start, end) in CLASSES.items():
        left, right = max(start, float(edges[0])), min(end, float(edges[-1]))
        if right > left:
            ax.axvspan(left, right, color=CLASS_COLOURS[name], alpha=0.25, lw=0, label=name)
