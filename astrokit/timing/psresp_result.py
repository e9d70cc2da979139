"""What PSRESP found: the map of success, regions of confidence, the best spectrum, its figure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import ParameterError
from ..estimate import ONE_SIGMA, Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..provenance import Provenance
    from .psresp_fit import Match

__all__ = ["PsrespPlotData", "PsrespResult"]

FloatArray = NDArray[np.float64]
_REJECTED = 0.01  # success fraction below which a family is called rejected


@dataclass(frozen=True, eq=False)
class PsrespPlotData:
    """What :meth:`PsrespResult.plot` draws.

    Attributes
    ----------
    frequency, power : ndarray, shape (bins,)
        The binned periodogram of the observation.
    mean, lower, upper : ndarray, shape (bins,)
        Of simulations of the best spectrum: ten to the mean log10 power, and to it less and plus
        the scatter.
    frequency_label, power_label : str
    """

    frequency: FloatArray
    power: FloatArray
    mean: FloatArray
    lower: FloatArray
    upper: FloatArray
    frequency_label: str
    power_label: str


@dataclass(frozen=True, eq=False)
class PsrespResult:
    """A family of spectra held against a light curve.

    Attributes
    ----------
    axes : dict of str to ndarray
        The grid.
    success_fraction : ndarray, shape of the grid
        Fraction of simulations further from their mean than the observation (Uttley et al. 2002).
    confidence : ndarray, shape of the grid
        p-value of each point by the likelihood ratio; ``confidence > 1 - level`` is a region that
        holds the truth with that level.
    log_amplitude : ndarray, shape of the grid
        ln of the factor on the spectrum that fits best: ln power at the pivot, where the family is
        a component of astrokit.
    statistic : ndarray, shape of the grid
        -2 ln of the simulated likelihood.
    best : dict of str to float
        The best values, and ``log_amplitude``.
    best_success_fraction : float
    frequency, log_power, mean, scatter : ndarray, shape (bins,)
        Binned observation, and simulations of the best spectrum, in log10 of squared sums.
    n_simulations : int
    frequency_unit : str
    reservations : tuple of str
        What a reader of the result must know.
    provenance : Provenance
    """

    axes: dict[str, FloatArray]
    success_fraction: FloatArray
    confidence: FloatArray
    log_amplitude: FloatArray
    statistic: FloatArray
    best: dict[str, float]
    best_success_fraction: float
    frequency: FloatArray
    log_power: FloatArray
    mean: FloatArray
    scatter: FloatArray
    n_simulations: int
    frequency_unit: str
    reservations: tuple[str, ...]
    provenance: Provenance

    @classmethod
    def of(
        cls,
        axes: dict[str, FloatArray],
        matches: list[Match],
        confidence: FloatArray,
        *,
        best: dict[str, float],
        match: Match,
        observed: tuple[FloatArray, FloatArray],
        unit: str,
        provenance: Provenance,
    ) -> Self:
        """Return the result of matches at all points, in the order of the grid."""
        shape = tuple(len(axis) for axis in axes.values())
        success = np.array([m.success_fraction for m in matches]).reshape(shape)
        confidence = confidence.reshape(shape)
        return cls(
            axes=axes,
            success_fraction=success,
            confidence=confidence,
            log_amplitude=np.array([m.log_amplitude for m in matches]).reshape(shape),
            statistic=np.array([m.statistic for m in matches]).reshape(shape),
            best={**{k: float(v) for k, v in best.items()}, "log_amplitude": match.log_amplitude},
            best_success_fraction=match.success_fraction,
            frequency=observed[0],
            log_power=observed[1],
            mean=match.mean,
            scatter=match.scatter,
            n_simulations=match.distances.size,
            frequency_unit=unit,
            reservations=_reservations(axes, success, confidence, match.success_fraction),
            provenance=provenance,
        )

    def region(self, level: float = ONE_SIGMA) -> NDArray[np.bool_]:
        """Return which points of the grid are in the joint region of this confidence."""
        level = as_scalar(level, "level", minimum=0.0, maximum=1.0)
        return self.confidence > 1.0 - level

    def profile(self, name: str) -> FloatArray:
        """Return the largest confidence at each value of one parameter."""
        at = self._index(name)
        others = tuple(i for i in range(self.confidence.ndim) if i != at)
        return self.confidence.max(axis=others)

    def estimate(self, name: str, level: float = ONE_SIGMA) -> Estimate:
        """Return the best value of a parameter with its interval.

        With more than one parameter the interval is the extent of the joint region, which is wider
        than an interval of one parameter needs to be.

        Raises
        ------
        ParameterError
            For a name that is not on the grid.
        """
        axis, p = self.axes[list(self.axes)[self._index(name)]], self.profile(name)
        value = self.best[name]
        level = as_scalar(level, "level", minimum=0.0, maximum=1.0)
        low, high = _extent(axis, p, value, 1.0 - level)
        return Estimate(
            value,
            value - low,
            high - value,
            unit=self.frequency_unit if name == "bend_frequency" else None,
            level=level,
            name=name,
            method=f"PSRESP, likelihood ratio of {self.n_simulations} simulations a point",
        )

    def __getitem__(self, name: str) -> Estimate:
        return self.estimate(name)

    def _index(self, name: str) -> int:
        if name not in self.axes:
            raise ParameterError(
                "there is no such parameter", value=name, allowed=", ".join(self.axes)
            )
        return list(self.axes).index(name)

    def plot_data(self) -> PsrespPlotData:
        """Return the numbers that :meth:`plot` draws."""
        return PsrespPlotData(
            self.frequency,
            10.0**self.log_power,
            10.0**self.mean,
            10.0 ** (self.mean - self.scatter),
            10.0 ** (self.mean + self.scatter),
            f"Frequency ({self.frequency_unit})",
            "Binned periodogram (relative)",
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the observation beside simulations of the best spectrum; returns the axes."""
        from .plots import _new_axes

        data = self.plot_data()
        ax = _new_axes() if ax is None else ax
        label = f"simulations, {_values(self.best, self.axes)}"
        ax.fill_between(data.frequency, data.lower, data.upper, color="#1b6ca8", alpha=0.25, lw=0)
        ax.plot(data.frequency, data.mean, color="#1b6ca8", lw=1.8, label=label)
        ax.plot(data.frequency, data.power, "o", color="0.15", ms=4, label="observed")
        ax.set(xscale="log", yscale="log", xlabel=data.frequency_label, ylabel=data.power_label)
        ax.legend(frameon=False, fontsize="small")
        return ax

    def __repr__(self) -> str:
        lines = [
            f"PSRESP: {self.success_fraction.size} spectra, {self.n_simulations} simulations, "
            f"{self.frequency.size} bins of frequency"
        ]
        lines += [f"  {self.estimate(name)}" for name in self.axes]
        lines.append(f"  log_amplitude = {self.best['log_amplitude']:.3f}")
        lines.append(f"  success fraction = {self.best_success_fraction:.3f}")
        lines += [f"  note: {text}" for text in self.reservations]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [(name, self.estimate(name).to_html()) for name in self.axes]
        rows.append(("log_amplitude", f"{self.best['log_amplitude']:.3f}"))
        rows.append(("success fraction", f"{self.best_success_fraction:.3f}"))
        body = "".join(f"<tr><th>{escape(k)}</th><td>{v}</td></tr>" for k, v in rows)
        notes = "".join(f"<p>{escape(text)}</p>" for text in self.reservations)
        return f"<table>{body}</table>{notes}"


def _values(best: dict[str, float], axes: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {best[name]:.3g}" for name in axes)


def _extent(axis: FloatArray, p: FloatArray, value: float, limit: float) -> tuple[float, float]:
    """Return the ends of what is above `limit`, by lines between points; nan beyond the axis."""
    inside = np.flatnonzero(p > limit)
    first, last = int(inside[0]), int(inside[-1])
    low = high = math.nan
    if first > 0:
        low = float(np.interp(limit, p[first - 1 : first + 1], axis[first - 1 : first + 1]))
    if last < axis.size - 1:
        high = float(np.interp(-limit, -p[last : last + 2], axis[last : last + 2]))
    return min(low, value), max(high, value)


def _reservations(
    axes: dict[str, FloatArray], success: FloatArray, confidence: FloatArray, best: float
) -> tuple[str, ...]:
    notes = []
    top = max(float(success.max()), best)
    if top < _REJECTED:
        notes.append(
            f"no spectrum of the family is acceptable: the largest success fraction is {top:.3f}, "
            "so intervals of its parameters mean little"
        )
    for at, (name, axis) in enumerate(axes.items()):
        others = tuple(i for i in range(confidence.ndim) if i != at)
        p = confidence.max(axis=others)
        ends = [f"{float(axis[i]):.4g}" for i in (0, -1) if p[i] > 1.0 - ONE_SIGMA]
        if ends:
            notes.append(
                f"the region of {name} is open at the end of the grid, {' and '.join(ends)}; "
                "that error is not determined"
            )
    return tuple(notes)
