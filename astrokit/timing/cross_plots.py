"""The figure of a cross spectrum: coherence above, time lags below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .plots import _nice

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .cross import CrossSpectrum

__all__ = ["cross_plot_data", "plot_cross_spectrum"]

FloatArray = NDArray[np.float64]
_RATIO = 1.3
_MANY = 40  # frequencies; more are averaged before they are drawn


def cross_plot_data(cross: CrossSpectrum) -> dict[str, FloatArray]:
    """Return the numbers that :func:`plot_cross_spectrum` draws.

    Returns
    -------
    dict of ndarray, shape (k,)
        ``frequency``, ``coherence``, ``coherence_error`` (as measured where noise levels are
        unknown), ``time_lag``, ``time_lag_error``, and ``half_period``, beyond which a lag cannot
        be told from one of the other sign.
    """
    drawn = cross.log_binned(_RATIO) if len(cross) > _MANY else cross
    known = np.isfinite(cross.first_noise) and np.isfinite(cross.second_noise)
    return {
        "frequency": drawn.frequency,
        "coherence": drawn.coherence if known else drawn.raw_coherence,
        "coherence_error": drawn.coherence_error if known else drawn.raw_coherence_error,
        "time_lag": drawn.time_lag,
        "time_lag_error": drawn.time_lag_error,
        "half_period": 0.5 / drawn.frequency,
    }


def plot_cross_spectrum(
    cross: CrossSpectrum, axes: tuple[Axes, Axes] | None = None
) -> tuple[Axes, Axes]:
    """Draw coherence and time lags of a cross spectrum against frequency.

    More than 40 frequencies are averaged over logarithmic bins first. Points whose coherence could
    not be told from noise are drawn faint.

    Parameters
    ----------
    cross : CrossSpectrum
    axes : pair of matplotlib.axes.Axes, optional

    Returns
    -------
    pair of matplotlib.axes.Axes
    """
    upper, lower = _equal_axes() if axes is None else axes
    data = cross_plot_data(cross)
    sure = np.isfinite(data["coherence_error"])
    for where, alpha in ((sure, 1.0), (~sure, 0.3)):
        look: dict[str, Any] = {"fmt": "o", "ms": 4, "color": "0.15", "lw": 1.1, "alpha": alpha}
        f = data["frequency"][where]
        error = np.nan_to_num(data["coherence_error"][where])
        upper.errorbar(f, data["coherence"][where], error, **look)
        lower.errorbar(f, data["time_lag"][where], data["time_lag_error"][where], **look)
    known = np.isfinite(cross.first_noise) and np.isfinite(cross.second_noise)
    kind = "Coherence" if known else "Raw coherence"
    upper.axhline(1.0, color="0.35", lw=1, ls=":")
    upper.set(xscale="log", ylabel=f"{kind} $\\gamma^2$", ylim=(-0.05, 1.25))
    upper.tick_params(labelbottom=False)
    lower.axhline(0.0, color="0.35", lw=1)
    for sign in (1.0, -1.0):
        lower.plot(data["frequency"], sign * data["half_period"], color="0.6", lw=0.8, ls="--")
    ends = np.abs(data["time_lag"][sure]) + data["time_lag_error"][sure]
    reach = 1.2 * float(np.max(ends, initial=0.0))
    reach = reach if reach > 0 else 1.2 * float(np.abs(data["time_lag"]).max())
    lower.set(
        xscale="log",
        xlabel=f"Frequency ({_nice(cross.frequency_unit)})",
        ylabel=f"Lag of the second ({cross.time_unit})",
        xlim=upper.get_xlim(),
        ylim=(-reach, reach),
    )
    return upper, lower


def _equal_axes() -> tuple[Axes, Axes]:
    from matplotlib import pyplot as plt

    _, (upper, lower) = plt.subplots(2, 1, figsize=(6.4, 5.4), layout="constrained")
    return upper, lower
