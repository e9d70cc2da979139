"""Least squares on cumulative and binned counts, as many papers do it: to repeat their numbers.

Points of a cumulative distribution share their bursts, so they are strongly correlated; formal
errors of such fits are far too small (for 1000 bursts by more than a factor of 5) and depend on how
many points there are. Measure with :class:`~astrokit.bursts.EnergyProblem`.
"""

from __future__ import annotations

import html
import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_scalar
from ..errors import DataWarning, FitError, InputError
from ..estimate import Estimate
from .sample import BurstSample, as_sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LeastSquaresFit", "fit_binned", "fit_cumulative"]

FloatArray = NDArray[np.float64]
_LABEL = "least squares on {}, for reproduction only: formal errors are not errors"
_FEWEST = 10


@dataclass(frozen=True, eq=False, repr=False)
class LeastSquaresFit:
    """A straight or broken line through log counts; made by the functions of this module.

    Attributes
    ----------
    slopes : tuple of Estimate
        One, or below and above the break, with their formal errors. Of N(>E) they are cumulative:
        the differential index is 1 minus the slope. Of dN/dE they are minus the differential index.
    break_energy : Estimate or None
        erg.
    x, y : ndarray, shape (m,)
        log10 of energy (erg) and of counts.
    model : ndarray, shape (m,)
    what : str
        What was fitted.
    """

    slopes: tuple[Estimate, ...]
    break_energy: Estimate | None
    x: FloatArray
    y: FloatArray
    model: FloatArray
    what: str

    @property
    def differential_indices(self) -> tuple[float, ...]:
        """The slopes as differential indices."""
        offset = 1.0 if "N(>E)" in self.what else 0.0
        return tuple(offset - slope.value for slope in self.slopes)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw points and line, and return the axes."""
        import matplotlib.pyplot as plt

        ax = plt.subplots()[1] if ax is None else ax
        ax.plot(10**self.x, 10**self.y, ".", color="0.5", label=self.what)
        ax.plot(10**self.x, 10**self.model, color="C3", label="least squares (reproduction only)")
        ax.set(xscale="log", yscale="log", xlabel="Energy (erg)", ylabel=self.what)
        ax.legend()
        return ax

    def __repr__(self) -> str:
        lines = [_LABEL.format(self.what), *(f"  {slope}" for slope in self.slopes)]
        if self.break_energy is not None:
            lines.append(f"  {self.break_energy}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def fit_cumulative(
    sample: BurstSample | ArrayLike, *, threshold: Any = None, broken: bool = True
) -> LeastSquaresFit:
    """Return the least-squares fit of log N(>E), one point per burst, equal weights.

    Parameters
    ----------
    sample : BurstSample, or energies (erg)
    threshold : float or Quantity, optional
        Lowest energy used, erg.
    broken : bool
        Two slopes that meet at a break, or one.

    Returns
    -------
    LeastSquaresFit

    Raises
    ------
    InputError, FitError

    Warns
    -----
    DataWarning
        For saturated bursts, whose energies are lower limits.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> E = 1e37 * np.random.default_rng(1).uniform(size=500) ** (-1 / 0.8)
    >>> fit = ak.bursts.fit_cumulative(E, broken=False)
    >>> abs(fit.differential_indices[0] - 1.8) < 0.2
    True
    """
    energy = _used(sample, threshold)
    x = np.log10(energy)
    y = np.log10(np.arange(energy.size, 0, -1.0))
    return _fit_line(x, y, np.ones(x.size), broken, "N(>E)")


def fit_binned(
    sample: BurstSample | ArrayLike,
    *,
    threshold: Any = None,
    n_bins: int = 20,
    broken: bool = True,
) -> LeastSquaresFit:
    """Return the least-squares fit of log dN/dE in logarithmic bins, weighted with root N.

    Empty bins are left out, as the papers do: that biases the slopes.

    Parameters
    ----------
    sample : BurstSample, or energies (erg)
    threshold : float or Quantity, optional
    n_bins : int
    broken : bool
    """
    energy = _used(sample, threshold)
    edges = np.geomspace(energy[0], energy[-1] * (1 + 1e-12), int(n_bins) + 1)
    counts, _ = np.histogram(energy, edges)
    some = counts > 0
    x = np.log10(np.sqrt(edges[1:] * edges[:-1]))[some]
    y = np.log10(counts[some] / np.diff(edges)[some])
    weight = np.sqrt(counts[some]) * math.log(10.0)  # one over the error of log10 N
    return _fit_line(x, y, weight, broken, "dN/dE (per erg)")


def _used(sample: BurstSample | ArrayLike, threshold: Any) -> FloatArray:
    bursts = as_sample(sample)
    if bursts.saturated is not None and bursts.saturated.any():
        warnings.warn(
            f"{int(bursts.saturated.sum())} saturated bursts are lower limits, but least squares "
            f"takes them as measured; EnergyProblem takes them as what they are",
            DataWarning,
            stacklevel=3,
        )
    energy = np.sort(bursts.require("energy"))
    if threshold is not None:
        energy = energy[energy >= as_scalar(threshold, "threshold", unit="erg", positive=True)]
    if energy.size < _FEWEST:
        raise InputError(
            "too few bursts above the threshold", value=energy.size, allowed=f">= {_FEWEST}"
        )
    if energy[0] == energy[-1]:
        raise InputError("all bursts have the same energy", value=f"{energy[0]:.4g} erg")
    return energy


def _fit_line(
    x: FloatArray, y: FloatArray, weight: FloatArray, broken: bool, what: str
) -> LeastSquaresFit:
    """Return the line; with a break, the best of those at all places, refined by lmfit."""
    if x.size < (5 if broken else 3):
        raise InputError("too few points for a line", value=x.size, hint="more bins")
    if not broken:
        fitted = _minimized(x, y, weight, None)
    else:
        inner = x[2:-2]
        places = inner[np.unique(np.linspace(0, inner.size - 1, 60).astype(int))]
        chi2 = [_line_chi2(x, y, weight, place) for place in places]
        fitted = _minimized(x, y, weight, float(places[int(np.argmin(chi2))]))
    names = ("slope_low", "slope_high") if broken else ("slope",)
    how = _LABEL.format(what)
    slopes = tuple(
        Estimate(fitted.params[n].value, fitted.params[n].stderr or math.nan, method=how,
                 name=n.replace("_", " ") + f" of {what}")
        for n in names
    )  # fmt: skip
    place = None
    if broken:
        log10, error = fitted.params["place"].value, fitted.params["place"].stderr or math.nan
        center = 10.0**log10
        place = Estimate(center, center * (1 - 10**-error), center * (10**error - 1), "erg",
                         method=how, name="break energy")  # fmt: skip
    return LeastSquaresFit(slopes, place, x, y, y + fitted.residual / weight, what)


def _basis(x: FloatArray, place: float) -> FloatArray:
    return np.column_stack(
        [np.ones(x.size), np.minimum(x - place, 0.0), np.maximum(x - place, 0.0)]
    )


def _line_chi2(x: FloatArray, y: FloatArray, weight: FloatArray, place: float) -> float:
    basis = _basis(x, place) * weight[:, None]
    solution = np.linalg.lstsq(basis, y * weight, rcond=None)[0]
    return float(((basis @ solution - y * weight) ** 2).sum())


def _minimized(x: FloatArray, y: FloatArray, weight: FloatArray, place: float | None) -> Any:
    import lmfit

    parameters = lmfit.Parameters()
    parameters.add("level", value=float(np.median(y)))
    if place is None:
        parameters.add("slope", value=-1.0)
    else:
        parameters.add("slope_low", value=-0.5)
        parameters.add("slope_high", value=-2.0)
        parameters.add("place", value=place, min=float(x[0]), max=float(x[-1]))
    center = float(x.mean())

    def residual(p: Any) -> FloatArray:
        if place is None:
            line = p["level"].value + p["slope"].value * (x - center)
        else:
            low, high = p["slope_low"].value, p["slope_high"].value
            basis = _basis(x, p["place"].value)
            line = basis @ np.array([p["level"].value, low, high])
        return np.asarray((line - y) * weight)

    result = lmfit.minimize(residual, parameters)
    if not result.success:
        raise FitError("the least-squares fit failed", value=result.message)
    return result
