"""How fast does an afterglow fade? Photon arrival times over a constant background, unbinned."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from astrokit.boundary import as_array, as_scalar
from astrokit.errors import InputError
from astrokit.inference import Fit, LogUniform, Parameter, Parameters, Problem, Uniform

FloatArray = NDArray[np.float64]


class AfterglowProblem(Problem):
    """Arrival times of photons: an exponential decay over a constant rate.

    Given their number, arrival times t in a window of length T are independent draws of
    f exp(-t / tau) / [tau (1 - exp(-T / tau))] + (1 - f) / T.

    Parameters
    ----------
    times : array_like or Quantity, shape (n,)
        Seconds since the start of the window; at least 10.
    window : float or Quantity
        Length T of the observation in s.

    Raises
    ------
    InputError
        For times outside the window.
    ShapeError, NonFiniteError, MaskError, UnitError
        For times that are too few, missing, or not times.
    """

    statistic = "arrival times"  # results of other likelihoods are not comparable with it

    def __init__(self, times: ArrayLike, window: Any) -> None:
        self._window = as_scalar(window, "window", unit="s", positive=True)
        self._times = self._checked(times)
        low, high = self._window / 1000, self._window
        super().__init__(
            Parameters(
                [
                    Parameter("decay_time", high / 10, LogUniform(low, high), unit="s"),
                    Parameter("fraction", 0.5, Uniform(0, 1)),
                ]
            )
        )

    def _checked(self, times: ArrayLike) -> FloatArray:
        times = as_array(times, "times", unit="s", min_size=10)
        outside = (times < 0) | (times > self._window)
        if outside.any():
            raise InputError(
                f"{outside.sum()} of {times.size} photons arrived outside the window",
                value=f"{times[outside][0]:g} s",
                allowed=f"0 to {self._window:g} s",
                hint="count the times from the start of the window",
            )
        return times

    @property
    def data(self) -> FloatArray:
        """Arrival times in s, shape ``(n,)``."""
        return self._times

    def with_data(self, data: Any) -> Self:
        other = copy.copy(self)
        other._times = self._checked(data)
        return other

    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        return {"times": self._times}

    def settings(self) -> Mapping[str, Any]:
        return {"window": self._window}

    def _density(self, times: FloatArray, values: FloatArray) -> FloatArray:
        tau, fraction = values[:, :1], values[:, 1:]  # each (k, 1), for k points at once
        whole = -tau * np.expm1(-self._window / tau)  # the integral of exp(-t / tau)
        return fraction * np.exp(-times / tau) / whole + (1 - fraction) / self._window

    def _pointwise(self, values: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):  # no background, and a photon that needs one: -inf
            return np.log(self._density(self._times, values))

    def _log_likelihood(self, values: FloatArray) -> FloatArray:
        return self._pointwise(values).sum(axis=1)

    def _simulate_data(self, values: FloatArray, rng: np.random.Generator) -> FloatArray:
        tau, fraction = values
        u = rng.random(self._times.size)
        decay = -tau * np.log1p(u * np.expm1(-self._window / tau))  # inverse distribution
        is_source = rng.random(u.size) < fraction
        return np.where(is_source, decay, u * self._window)

    def rate(self, fit: Fit, at: ArrayLike) -> FloatArray:
        """Return the fitted rate in photons per second at the times `at` (s)."""
        values = np.array([[fit.values[name] for name in self.parameters.names]])
        return self.n_data * self._density(as_array(at, "at", unit="s"), values)[0]

    def plot(self, fit: Fit, *, bins: int = 40, ax: Axes | None = None) -> Axes:
        """Draw binned arrival times with the fitted rate; the fit itself saw no bins."""
        import matplotlib.pyplot as plt

        ax = plt.figure().add_subplot() if ax is None else ax
        edges = np.linspace(0, self._window, bins + 1)
        counts = np.histogram(self._times, edges)[0]
        ax.stairs(counts / np.diff(edges), edges, color="0.5", label="photons, binned")
        t = np.linspace(0, self._window, 300)
        ax.plot(t, self.rate(fit, t), label=str(fit["decay_time"]))
        ax.set(xlabel="time (s)", ylabel="rate (photons / s)")
        ax.legend()
        return ax
