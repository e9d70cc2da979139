"""Figures of a posterior, and the data behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array
from ..errors import InputError, ShapeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .fit_result import Fit
    from .posterior import Posterior
    from .problems import _ModelOfX

__all__ = ["Band", "Trace", "corner", "curve_band", "plot_curve_problem", "trace", "trace_data"]

FloatArray = NDArray[np.float64]

_SHOWN_ROWS = 1000  # a trace on paper has no more columns than this
_SHOWN_WALKERS = 8
_BAND_BYTES = 1 << 25
_CURVE_POINTS = 300


@dataclass(frozen=True)
class Band:
    """Median and central interval of a curve.

    Attributes
    ----------
    x, median, lower, upper : ndarray, shape (m,)
    level : float
        Probability inside the band at each x.
    """

    x: FloatArray
    median: FloatArray
    lower: FloatArray
    upper: FloatArray
    level: float

    def plot(self, ax: Axes | None = None, *, color: str = "C0", label: str | None = None) -> Axes:
        """Draw the median as a line and the interval as a shade; return the axes."""
        axes = _axes(ax)
        axes.plot(self.x, self.median, color=color, label=label)
        axes.fill_between(self.x, self.lower, self.upper, color=color, alpha=0.25, linewidth=0)
        return axes


@dataclass(frozen=True)
class Trace:
    """What :func:`trace` draws.

    Attributes
    ----------
    names : tuple of str
    sweeps : ndarray, shape (n,)
    values : ndarray, shape (ensembles, n, walkers, d)
    burn_in : int
        Sweeps that are dropped.
    """

    names: tuple[str, ...]
    sweeps: NDArray[np.int64]
    values: FloatArray
    burn_in: int


def curve_band(
    posterior: Posterior, function: Callable[..., ArrayLike], x: ArrayLike, level: float
) -> Band:
    """Return the band of a curve; see :meth:`Posterior.band`.

    Raises
    ------
    InputError, ShapeError
        For an impossible level, or a function that does not broadcast.
    """
    if not 0 < level < 1:
        raise InputError("level must be a probability", value=level, allowed="0 to 1")
    points = as_array(x, "x", unit=getattr(x, "unit", None))
    values = np.column_stack([posterior.draws(name) for name in posterior.parameters.names])
    quantiles = [0.5, 0.5 * (1 - level), 0.5 * (1 + level)]
    columns = [values[:, i, None] for i in range(values.shape[1])]
    result = np.empty((3, points.size))
    at_once = max(1, _BAND_BYTES // (8 * len(values)))
    for start in range(0, points.size, at_once):
        part = points[start : start + at_once]
        try:
            curve = np.broadcast_to(
                np.asarray(function(part, *columns), dtype=float), (len(values), part.size)
            )
        except (ValueError, TypeError) as error:
            raise ShapeError(
                "the function of the band does not broadcast over samples",
                value=str(error),
                allowed=f"function(x, {', '.join(posterior.parameters.names)})",
                hint="write it with NumPy operations: x has shape (m,), each parameter (n, 1)",
            ) from error
        result[:, start : start + at_once] = np.quantile(curve, quantiles, axis=0)
    return Band(points, result[0], result[1], result[2], level)


def plot_curve_problem(
    problem: _ModelOfX,
    results: Sequence[Fit | Posterior],
    ax: Axes | None = None,
) -> Axes:
    """Draw y(x) and the models of results; see :meth:`CurveProblem.plot`.

    Its data are ``problem.x``, ``problem.data`` and ``problem.function``.
    """
    from .posterior import Posterior
    from .problems import CurveProblem

    axes = _axes(ax)
    gaussian = isinstance(problem, CurveProblem)
    # Of counts the bars show the scatter that the counts themselves suggest.
    sigma = problem.sigma if isinstance(problem, CurveProblem) else np.sqrt(problem.data)
    axes.errorbar(
        problem.x, problem.data, sigma, fmt="o", ms=4, color="0.25", elinewidth=1, label="data"
    )
    x = np.linspace(problem.x.min(), problem.x.max(), _CURVE_POINTS)
    for k, result in enumerate(results):
        color = f"C{k}"
        if isinstance(result, Posterior):
            result.band(problem.function, x).plot(axes, color=color, label=result.label)
        else:
            values = [result.values[name] for name in problem.parameters.names]
            model = np.broadcast_to(problem.function(x, *values), x.shape)
            axes.plot(x, model, color=color, label=result.label)
    axes.set_xlabel("x")
    axes.set_ylabel("y" if gaussian else "counts")
    axes.legend(frameon=False)
    return axes


def corner(
    posterior: Posterior, names: Sequence[str] | None = None, truths: Mapping[str, float] = {}
) -> Figure:
    """Return a corner figure; its data are ``posterior.draws(name)``.

    Parameters
    ----------
    posterior : Posterior
    names : sequence of str, optional
        The free parameters by default.
    truths : mapping
        Values to mark, by name.
    """
    import corner as corner_package

    names = _chosen(posterior, (*(names or posterior.names),))
    _chosen(posterior, tuple(truths))
    columns = np.column_stack([posterior.draws(name) for name in names])
    figure = corner_package.corner(
        columns,
        labels=[posterior.parameters[name].label for name in names],
        truths=[truths.get(name) for name in names],
        truth_color="C3",
        color="C0",
        quantiles=[0.16, 0.5, 0.84],
        levels=(0.393, 0.865),  # one and two sigma of a two-dimensional Gaussian
        bins=30,
        smooth=1.0,
        plot_datapoints=False,
        fill_contours=True,
        label_kwargs={"fontsize": 11},
        labelpad=0.08,
        max_n_ticks=4,
    )
    size = len(names)
    for i, name in enumerate(names):
        title = str(posterior[name]).removeprefix(f"{name} = ")
        figure.axes[i * (size + 1)].set_title(title, fontsize=10)
    return figure


def trace_data(posterior: Posterior, names: Sequence[str] | None = None) -> Trace:
    """Return what :func:`trace` draws: the free parameters, decimated to what paper can show."""
    shown = _chosen(posterior, (*(names or posterior.names),), free=True)
    view = posterior.view
    step = max(1, -(-view.rows // _SHOWN_ROWS))
    index = [posterior.names.index(name) for name in shown]
    picked = np.linspace(0, view.shape[2] - 1, min(_SHOWN_WALKERS, view.shape[2])).astype(int)
    records = [view.read(e, step=step)[:, picked][:, :, index] for e in range(view.shape[0])]
    sweeps = (np.arange(records[0].shape[0]) * step + 1) * posterior.thin
    return Trace(shown, sweeps, np.stack(records), posterior.verdict.burn_in)


def trace(posterior: Posterior, names: Sequence[str] | None = None) -> NDArray[Any]:
    """Return axes ``(d,)``, one per parameter; one colour per ensemble, burn-in shaded.

    Parameters
    ----------
    posterior : Posterior
    names : sequence of str, optional
        The free parameters by default.
    """
    import matplotlib.pyplot as plt

    data = trace_data(posterior, names)
    figure, axes = plt.subplots(
        len(data.names),
        1,
        figsize=(8, 1.2 + 1.3 * len(data.names)),
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for k, (name, ax) in enumerate(zip(data.names, axes[:, 0], strict=True)):
        for e, values in enumerate(data.values):
            ax.plot(data.sweeps, values[:, :, k], color=f"C{e}", linewidth=0.4, alpha=0.35)
            ax.plot(data.sweeps, values[:, :, k].mean(axis=1), color=f"C{e}", linewidth=1.0)
        ax.axvspan(0, data.burn_in, color="0.5", alpha=0.25, linewidth=0)
        ax.set_ylabel(posterior.parameters[name].label)
        ax.margins(x=0)
    axes[-1, 0].set_xlabel("sweep (shaded: burn-in, dropped; one colour per ensemble)")
    figure.align_ylabels()
    return axes[:, 0]


def _chosen(posterior: Posterior, names: tuple[str, ...], *, free: bool = False) -> tuple[str, ...]:
    """Check names of parameters; an unknown one raises with the near match."""
    for name in names:
        parameter = posterior.parameters[name]
        if parameter.fixed or (free and not parameter.is_free):
            raise InputError(
                f"{name} does not vary in the chain", allowed=", ".join(posterior.names)
            )
    return names


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]
