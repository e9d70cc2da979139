"""What the exponentials of the celerite engine make of a spectrum, measured."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .gaussian_engines import CeleriteEngine

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .gaussian import GaussianPSDProblem

__all__ = ["Approximation", "approximation"]

FloatArray = NDArray[np.float64]
_FREQUENCIES = 400  # at which the spectra are compared
_STEP = 1e-4  # of the value, for derivatives of the spectrum
_MATTERS = 0.1  # of an error, or of ln L: when a result says it
_EXACT_BINS = 2000  # up to which ln L is compared with the exact one


@dataclass(frozen=True, eq=False)
class Approximation:
    """How far the spectrum that a likelihood uses is from the model, and what that does.

    Attributes
    ----------
    n_terms : int
        Exponentials in the place of the covariance; 0 where it enters exactly.
    frequency : ndarray, shape (m,)
        From 1 / duration to the highest frequency that the sampling resolves.
    error : ndarray, shape (m,)
        Relative error of the spectrum there.
    shift : dict of str to float
        By how much the error moves each free parameter, in units of its standard error: that of
        a periodogram of independent ordinates with the noise of the data.
    loss : float
        Expected loss of ln L (the Kullback-Leibler divergence) by the error of the spectrum.
    difference : float
        ln L of the engine less the exact one; NaN where that takes too long, or cannot be had.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> rate = 10 + ak.timing.timmer_koenig(lambda f: 1e-3 * f**-2.5, 500, 1.0, seed=3)
    >>> rate[100:140] = np.nan
    >>> lc = ak.LightCurve(np.arange(500.0), rate, np.full(500, 0.01))
    >>> problem = ak.timing.PSDProblem(lc, ak.timing.PowerLaw())
    >>> found = problem.approximation(problem.fit().values)
    >>> found.largest < 0.005 and abs(found.difference) < 0.01
    True
    """

    n_terms: int
    frequency: FloatArray
    error: FloatArray
    shift: dict[str, float]
    loss: float
    difference: float

    @property
    def largest(self) -> float:
        """Largest relative error of the spectrum."""
        return float(np.abs(self.error).max()) if self.error.size else 0.0

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for readers of a result, where the error matters."""
        name, worst = max(self.shift.items(), key=lambda item: abs(item[1]), default=("", 0.0))
        if abs(worst) <= _MATTERS and self.loss <= _MATTERS:
            return ()
        return (
            f"the {self.n_terms} exponentials of the celerite engine follow this spectrum only to "
            f"{100 * self.largest:.2g} %: {name} is off by about {abs(worst):.2g} of its error and "
            f"ln L by {self.loss:.2g}; use engine='dense' where the curve is short enough",
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the relative error against frequency; the data are `frequency` and `error`."""
        import matplotlib.pyplot as plt

        ax = plt.subplots(layout="constrained")[1] if ax is None else ax
        ax.semilogx(self.frequency, 100 * self.error, lw=1)
        ax.axhline(0, color="0.6", lw=0.8)
        ax.set(xlabel="frequency", ylabel="error of the spectrum (%)")
        return ax

    def __repr__(self) -> str:
        if not self.n_terms:
            return "Approximation: none, the covariance is exact"
        shifts = ", ".join(f"{name} {value:+.1e}" for name, value in self.shift.items())
        ending = "" if math.isnan(self.difference) else f", difference {self.difference:+.1e}"
        return (
            f"Approximation by {self.n_terms} exponentials: spectrum within "
            f"{100 * self.largest:.2g} %\nshift in errors: {shifts}\n"
            f"ln L: expected loss {self.loss:.1e}{ending}"
        )

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def approximation(
    problem: GaussianPSDProblem, values: FloatArray, *, compare: bool = True
) -> Approximation:
    """Return how well the engine of `problem` follows the model at ``(p,)`` values.

    Without `compare` no exact value of ln L is computed.
    """
    engine = problem._machine
    empty = np.zeros(0)
    if not isinstance(engine, CeleriteEngine):
        return Approximation(
            0, empty, empty, dict.fromkeys(problem.parameters.free_names, 0.0), 0, 0
        )
    f, weight = _frequencies(engine)
    spectra = problem._spectra(values[None, :])
    error = np.zeros(f.size)
    total = problem._psd(np.log(np.maximum(f, problem.cutoff)), values[None, :])[0]
    if spectra.smooth is not None:
        true = spectra.smooth(np.log(np.maximum(f, problem.cutoff)))[0]
        log_f = engine.expansion.log_frequency
        heights = engine.expansion.heights(spectra.smooth(log_f), spectra.total(log_f))
        error = engine.expansion.spectrum(f, heights)[0] - true
    noise = 2.0 * float(np.median(problem._variance)) * engine.bins.spacing
    relative = error / (total + noise)
    return Approximation(
        n_terms=engine.n_terms,
        frequency=f,
        error=error / total,
        shift=_shift(problem, values, f, weight, relative, total + noise),
        loss=float(0.5 * np.sum(weight * relative**2)),
        difference=_difference(problem, values) if compare else math.nan,
    )


def _frequencies(engine: CeleriteEngine) -> tuple[FloatArray, FloatArray]:
    """Return frequencies, and how many independent ordinates of a periodogram each stands for."""
    lowest, highest = 1.0 / engine.bins.duration, engine.expansion.highest
    edges = np.geomspace(0.5 * lowest, highest, _FREQUENCIES + 1)
    f = np.sqrt(edges[1:] * edges[:-1])
    ordinates = np.diff(edges) * engine.bins.duration
    # There are not more of them than half the data.
    return f, ordinates * min(1.0, 0.5 * engine.bins.n / ordinates.sum())


def _shift(
    problem: GaussianPSDProblem,
    values: FloatArray,
    f: FloatArray,
    weight: FloatArray,
    relative: FloatArray,
    total: FloatArray,
) -> dict[str, float]:
    """Return the shift of each free parameter in its errors, by linear response."""
    parameters = problem.parameters
    names, log_f = parameters.free_names, np.log(np.maximum(f, problem.cutoff))
    slopes = []
    for name, (low, high) in zip(names, parameters.bounds, strict=True):
        place = parameters.names.index(name)
        # A frequency or a time has its own scale, however small.
        step = _STEP * max(abs(values[place]), 0.0 if low > 0 else 1e-3)
        ahead, behind = values.copy(), values.copy()
        ahead[place] = min(values[place] + step, high)
        behind[place] = max(values[place] - step, low)
        both = problem._psd(log_f, np.array([ahead, behind]))
        slopes.append((both[0] - both[1]) / ((ahead[place] - behind[place]) * total))
    gradient = np.array(slopes)
    information = (gradient * weight) @ gradient.T
    scale = 1.0 / np.sqrt(np.maximum(np.diag(information), 1e-300))
    # Directions that these data do not determine do not count.
    inverse = np.linalg.pinv(information * np.outer(scale, scale), rcond=1e-8, hermitian=True)
    moved = inverse @ (scale * (gradient @ (weight * relative)))
    sigma = np.sqrt(np.maximum(np.diag(inverse), 1e-300))
    return dict(zip(names, (moved / sigma).tolist(), strict=True))


def _difference(problem: GaussianPSDProblem, values: FloatArray) -> float:
    """Return ln L less that of the exact engine on a regular grid, where that is quick."""
    from .gaussian_engines import DenseEngine, make_engine

    bins = problem._bins
    if bins.position is None or int(bins.position[-1]) >= _EXACT_BINS:
        return math.nan
    exact = make_engine("dense", bins, problem.cutoff)
    if not isinstance(exact, DenseEngine):
        return math.nan
    spectra = problem._spectra(values[None, :])
    ours, theirs = (
        engine.log_likelihoods(spectra, problem._variance, problem._differences)[0]
        for engine in (problem._machine, exact)
    )
    return float(ours - theirs)
