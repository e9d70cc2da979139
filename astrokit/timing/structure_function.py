"""First-order structure function of a light curve, for any sampling (Simonetti et al. 1985).

It is easy to read too much into one: its values at different lags are strongly correlated, and
curves without any time scale show breaks and plateaus at some fraction of their duration
(Emmanoulopoulos, McHardy & Uttley 2010). So it comes with simulations, and with a warning.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_scalar
from ..errors import InputError, ShapeError
from ..estimate import ONE_SIGMA
from ..randomness import SeedLike, spawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..lightcurve import LightCurve
    from .simulate import PSDLike

__all__ = ["StructureFunction", "structure_function"]

FloatArray = NDArray[np.float64]
_BINS_A_DECADE = 8
_CURVES_AT_ONCE = 16
_TRUSTED = 0.1  # of the duration: false breaks begin about there


@dataclass(frozen=True, eq=False)
class StructureFunction:
    """Mean squared difference of pairs of bins against their separation.

    Attributes
    ----------
    lag : ndarray, shape (k,)
        Mean separation in each bin.
    value : ndarray, shape (k,)
        Mean of ``(x_j - x_i)**2`` less the squared errors; negative where noise dominates. In
        squared rate units: twice the variance at lags at which the source is independent.
    noise : ndarray, shape (k,)
        What was subtracted: the mean sum of both squared errors.
    pairs : ndarray of int, shape (k,)
    lower, upper : ndarray, shape (k,)
        Distances to the ends of the central 68 % among simulations, scaled from their median to the
        value; NaN without simulations.
    simulated : ndarray, shape (n, k), or None
        Structure functions of simulated curves.
    duration : float
    unit : str
        Of the lags.
    reservations : tuple of str
    """

    lag: FloatArray
    value: FloatArray
    noise: FloatArray
    pairs: NDArray[np.int64]
    lower: FloatArray
    upper: FloatArray
    simulated: FloatArray | None
    duration: float
    unit: str
    reservations: tuple[str, ...]

    def band(self, level: float = ONE_SIGMA) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return lower end, median and upper end of the central `level` of simulations.

        Raises
        ------
        InputError
            Where there are none.
        """
        if self.simulated is None:
            raise InputError(
                "this structure function has no simulations",
                hint="make it with psd=..., the spectrum to compare with",
            )
        level = as_scalar(level, "level", minimum=0.0, maximum=1.0)
        low, middle, high = np.quantile(
            self.simulated, [0.5 - level / 2, 0.5, 0.5 + level / 2], axis=0
        )
        return low, middle, high

    @property
    def p_value(self) -> float:
        """How often a simulation departs from the others at least as far as the curve does.

        The departure is the largest over all lags of the absolute difference of ln value from the
        median of simulations, in units of their scatter. Never zero: ``(1 + k)/(1 + n)``.
        """
        high = self.band()[2]
        simulated = np.log(np.maximum(np.asarray(self.simulated), 1e-3 * np.abs(high)))
        ours = np.log(np.maximum(self.value, 1e-3 * np.abs(high)))
        center = np.median(simulated, axis=0)
        scale = np.maximum(simulated.std(axis=0), 1e-12)
        departures = np.abs((simulated - center) / scale).max(axis=1)
        own = float(np.abs((ours - center) / scale).max())
        return float((1 + np.sum(departures >= own)) / (1 + len(departures)))

    def plot_data(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return lag, value, lower and upper errors, as :meth:`plot` draws them."""
        return self.lag, self.value, self.lower, self.upper

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw it, with the band of simulations and the lags not to trust; returns the axes."""
        from .plots import _new_axes

        ax = _new_axes() if ax is None else ax
        lag, value, _, _ = self.plot_data()
        good = value > 0
        ax.plot(lag[good], value[good], "o", ms=4, color="0.15", label="light curve")
        if self.simulated is not None:
            low, middle, high = self.band()
            floor = 1e-3 * value[good].min(initial=np.inf)
            ax.fill_between(
                lag,
                np.maximum(low, floor),
                high,
                color="#1b6ca8",
                alpha=0.25,
                lw=0,
                label="68 % of simulations",
            )
            ax.plot(lag, middle, color="#1b6ca8", lw=1.2)
        ax.axvspan(
            _TRUSTED * self.duration,
            self.duration,
            color="0.5",
            alpha=0.12,
            lw=0,
            label="false breaks",
        )
        ax.set(xscale="log", yscale="log", xlabel=f"Lag ({self.unit})", ylabel="Structure function")
        ax.set_xlim(0.8 * lag[0], 1.2 * lag[-1])
        ax.legend(frameon=False, fontsize="small")
        return ax

    def __repr__(self) -> str:
        n = 0 if self.simulated is None else len(self.simulated)
        lines = [
            f"StructureFunction: {self.lag.size} bins from {self.lag[0]:.4g} to "
            f"{self.lag[-1]:.4g} {self.unit}, {n} simulations"
        ]
        return "\n".join(lines + [f"  note: {text}" for text in self.reservations])


def structure_function(
    lightcurve: LightCurve,
    *,
    lags: ArrayLike | None = None,
    psd: PSDLike | None = None,
    n: int = 200,
    seed: SeedLike = None,
    executor: Executor | None = None,
) -> StructureFunction:
    r"""Return :math:`\langle (x_j - x_i)^2\rangle - \langle s_i^2 + s_j^2\rangle` against lag.

    Parameters
    ----------
    lightcurve : LightCurve
        Any sampling; its errors, if it has any, are subtracted.
    lags : array_like, optional
        Edges of the bins, > 0. By default eight a decade, from the usual spacing to the duration;
        bins without a pair are left out.
    psd : Fit, or callable, optional
        As for :func:`simulate_lightcurve`: curves of this spectrum with the same sampling and
        errors give the errors of the values, and the band to hold a break against.
    n : int
        Number of simulated curves.
    seed : int, SeedSequence or Generator, optional
    executor : concurrent.futures.Executor, optional

    Returns
    -------
    StructureFunction

    Raises
    ------
    InputError
        For fewer than two valid bins, magnitudes with a `psd`, or lags without any pair.

    Notes
    -----
    A power law of slope between 1 and 3 has a structure function of slope less by one; below 1 it
    is flat, above 3 it has slope 2 whatever the spectrum does.

    References
    ----------
    Simonetti, Cordes & Heeschen 1985, ApJ 296, 46; Emmanoulopoulos, McHardy & Uttley 2010, MNRAS
    404, 931.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> time = np.sort(np.random.default_rng(1).uniform(0, 1000, 300))
    >>> like = ak.LightCurve(time, np.full(300, 10.0), np.full(300, 0.1), bin_width=0.0)
    >>> lc = ak.timing.simulate_lightcurve(lambda f: 1e-4 * f**-2.0, like, seed=2)
    >>> found = ak.timing.structure_function(lc, psd=lambda f: 1e-4 * f**-2.0, n=50, seed=3)
    >>> found.p_value > 0.01
    True
    """
    valid = lightcurve.valid
    if valid.sum() < 2:
        raise ShapeError("a structure function needs at least two valid bins", value=valid.sum())
    time = lightcurve.time[valid] - lightcurve.time[valid][0]
    variance = np.zeros(time.size)
    if lightcurve.error is not None:
        variance = np.ascontiguousarray(lightcurve.error[valid] ** 2)
    edges = _edges(time) if lags is None else _checked_edges(lags)
    sums = _sums(time, np.ascontiguousarray(lightcurve.rate[valid]), variance, edges)
    kept = sums[:, 0] > 0
    if not kept.any():
        raise InputError(
            "no pair of bins has such a lag", value=f"{edges[0]:.4g} to {edges[-1]:.4g}"
        )
    count, lag, squares, noise = sums[kept].T
    value = (squares - noise) / count
    simulated = None
    lower = upper = np.full(value.size, np.nan)
    if psd is not None:
        simulated = _simulations(lightcurve, psd, (time, variance, edges), n, seed, executor)
        simulated = simulated[:, kept]
        low, middle, high = np.quantile(
            simulated, [0.5 - ONE_SIGMA / 2, 0.5, 0.5 + ONE_SIGMA / 2], axis=0
        )
        scale = np.where(middle > 0, np.abs(value) / np.where(middle > 0, middle, 1.0), 1.0)
        lower, upper = scale * (middle - low), scale * (high - middle)
    return StructureFunction(
        lag / count,
        value,
        noise / count,
        count.astype(np.int64),
        lower,
        upper,
        simulated,
        float(time[-1]),
        lightcurve.info.time_unit,
        _reservations(float(time[-1]), float((lag / count)[-1]), lightcurve.info.time_unit),
    )


# -- parts ----------------------------------------------------------------------------------------


def _sums(time: FloatArray, x: FloatArray, variance: FloatArray, edges: FloatArray) -> FloatArray:
    from .correlation_kernels import square_sums

    out = np.zeros((edges.size - 1, 4))
    square_sums(time, x, variance, edges, out)
    return out


def _edges(time: FloatArray) -> FloatArray:
    """Return edges even in the logarithm, the first half a spacing below the usual one."""
    spacing, span = float(np.median(np.diff(time))), float(time[-1])
    low = 0.5 * spacing
    bins = max(1, round(_BINS_A_DECADE * np.log10(1.001 * span / low)))
    return np.geomspace(low, 1.001 * span, bins + 1)


def _checked_edges(lags: ArrayLike) -> FloatArray:
    edges = as_array(lags, "lags", min_size=2, positive=True)
    if np.any(np.diff(edges) <= 0):
        raise InputError("edges of lags must increase", value=float(edges[0]))
    return edges


def _simulations(
    like: LightCurve,
    psd: PSDLike,
    plan: tuple[FloatArray, FloatArray, FloatArray],
    n: int,
    seed: SeedLike,
    executor: Executor | None,
) -> FloatArray:
    """Return structure functions of simulated curves, ``(n, bins)``."""
    from ..parallel import map_items
    from .simulate import as_psd, require_count

    if like.info.is_magnitude:
        raise InputError("magnitudes cannot be simulated", hint="convert them to fluxes first")
    if require_count(n, "n") < 2:
        raise InputError("at least two simulations are needed for a scatter", value=n)
    sizes = [min(_CURVES_AT_ONCE, n - i) for i in range(0, n, _CURVES_AT_ONCE)]
    once = partial(_some, like=like, psd=as_psd(psd), plan=plan)
    parts = map_items(once, sizes, seeds=spawn(seed, len(sizes)), executor=executor)
    return np.concatenate(parts)


def _some(
    count: int,
    seed: np.random.SeedSequence,
    *,
    like: LightCurve,
    psd: PSDLike,
    plan: tuple[FloatArray, FloatArray, FloatArray],
) -> FloatArray:
    from .simulate import simulate_rates

    time, variance, edges = plan
    rates = simulate_rates(psd, like, count, seed=seed)[:, like.valid]
    sums = np.array([_sums(time, x, variance, edges) for x in np.ascontiguousarray(rates)])
    return (sums[:, :, 2] - sums[:, :, 3]) / np.maximum(sums[:, :, 0], 1.0)


def _reservations(duration: float, longest: float, unit: str) -> tuple[str, ...]:
    if longest <= _TRUSTED * duration:
        return ()
    return (
        f"beyond {_TRUSTED * duration:.3g} {unit}, a tenth of the duration, breaks and plateaus "
        "also occur in curves that have no time scale: hold them against simulations (psd=...)",
    )
