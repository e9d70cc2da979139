"""Profile-likelihood intervals: how far a parameter may move when all others are fitted again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ..errors import FitError, InputError
from ..estimate import Estimate
from .ascent import ascend
from .search import searcher

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .fit_result import Fit
    from .problem import Problem

__all__ = ["plot_profile", "profile_curve", "profile_interval"]

FloatArray = NDArray[np.float64]
_HIGHER = 1e-3  # ln L by which another place must be higher to disprove the maximum
_PRECISION = 1e-4  # of the root of twice the fall of ln L: of a standard deviation, that is


def profile_interval(fit: Fit, name: str, level: float) -> Estimate:
    """Return the interval in which twice the fall of ln L stays below the chi2 quantile.

    Where the likelihood does not fall so far before the bound of the parameter, that side is open:
    the result is then a limit. Where both sides are open the errors are NaN.
    """
    if not 0 < level < 1:
        raise InputError("level must be a probability", value=level, allowed="0 to 1")
    profile = _Profile(fit, name)
    target = float(ndtri(0.5 * (1 + level)))
    lower, upper = profile.end(-1, target), profile.end(1, target)
    unit = fit.parameters[name].unit
    if lower is not None and upper is not None:
        how, best = "maximum likelihood and profile-likelihood interval", profile.best
        return Estimate(best, best - lower, upper - best, unit, level, how, name)
    if lower is None and upper is None:
        how = "maximum likelihood; its profile is open on both sides: no interval in its prior"
        return Estimate(profile.best, math.nan, math.nan, unit, level, how, name)
    limit, end = ("lower", lower) if upper is None else ("upper", upper)
    how = "profile-likelihood limit, open to the bound, where the level is approximate"
    return Estimate(float(end or 0.0), 0.0, 0.0, unit, level, how, name, limit)


def profile_curve(fit: Fit, name: str, x: FloatArray | None = None) -> dict[str, FloatArray]:
    """Return where :func:`plot_profile` evaluates, and how far ln L falls there.

    Parameters
    ----------
    fit : Fit
    name : str
        A free parameter.
    x : array_like, optional
        Values of the parameter; by default 41 over three errors on both sides, inside the bounds.

    Returns
    -------
    dict
        ``x``, ``fall`` (ln L minus its maximum, all others fitted) and ``parabola`` (what the
        covariance says), each of shape ``(m,)``.
    """
    profile = _Profile(fit, name)
    if x is None:
        low, high = profile.range
        x = np.linspace(max(low, profile.best - 3 * profile.sigma),
                        min(high, profile.best + 3 * profile.sigma), 41)  # fmt: skip
    places = np.asarray(x, dtype=float)
    # From the best value outwards, so that each refit starts next to one that is done.
    order = np.argsort(np.abs(places - profile.best))
    fall = np.empty(places.shape)
    for k in order:
        fall[k] = profile.at(float(places[k])) - fit.log_likelihood
    parabola = -0.5 * ((places - profile.best) / fit[name].lower) ** 2
    return {"x": places, "fall": fall, "parabola": parabola}


def plot_profile(fit: Fit, name: str, ax: Axes | None = None) -> Axes:
    """Draw the profile likelihood beside the parabola of the covariance, return the axes."""
    import matplotlib.pyplot as plt

    ax = plt.subplots()[1] if ax is None else ax
    curve = profile_curve(fit, name)
    ax.plot(curve["x"], curve["fall"], label="profile")
    if np.isfinite(curve["parabola"]).all():
        ax.plot(curve["x"], curve["parabola"], ls="--", color="0.5", label="covariance")
    for level in (0.6827, 0.95):
        fall = -0.5 * float(ndtri(0.5 * (1 + level))) ** 2
        ax.axhline(fall, color="0.8", lw=0.8, zorder=0)
        ax.annotate(f"{100 * level:.3g} %", (1, fall), xycoords=("axes fraction", "data"),
                    ha="right", va="bottom", fontsize=8, color="0.4")  # fmt: skip
    ax.set(xlabel=fit.parameters[name].label, ylabel="ln L - maximum", ylim=(-4.5, 0.2))
    ax.legend(loc="lower center", frameon=False)
    return ax


class _Profile:
    """ln L along one parameter, maximised over the others, from warm starts."""

    def __init__(self, fit: Fit, name: str) -> None:
        self._problem: Problem = fit.require_problem()
        parameters = self._problem.parameters
        if not parameters[name].is_free:
            raise InputError(
                "only a free parameter has a profile",
                value=name,
                allowed=", ".join(parameters.free_names),
            )
        self._fit, self._name = fit, name
        self._index = parameters.free_names.index(name)
        self._others = np.delete(np.arange(fit.theta.size), self._index)
        self._bounds = parameters.bounds
        self.best = float(fit.theta[self._index])
        self._known = {self.best: (fit.log_likelihood, fit.theta[self._others])}

    @property
    def range(self) -> tuple[float, float]:
        """The allowed range of the parameter."""
        low, high = self._bounds[self._index]
        return float(low), float(high)

    @property
    def sigma(self) -> float:
        """The standard deviation, or a guess where the fit has none."""
        variance = self._fit.covariance[self._index, self._index]
        if math.isfinite(variance):
            return math.sqrt(variance)
        prior = self._problem.parameters.free[self._index].prior
        low, high = prior.ppf(np.array([0.4, 0.6]))  # type: ignore[union-attr]
        return float(high - low)

    def at(self, x: float) -> float:
        """Return the maximum of ln L with the parameter held at `x`."""
        if x not in self._known:
            self._known[x] = self._refit(x)
        value = self._known[x][0]
        if value > self._fit.log_likelihood + _HIGHER:
            raise FitError(
                f"the profile of {self._name} found a higher maximum than the fit",
                value=value - self._fit.log_likelihood,
                hint=f"fit again with start={{{self._name!r}: {x:.6g}}} or more n_starts",
            )
        return value

    def _refit(self, x: float) -> tuple[float, FloatArray]:
        theta = self._fit.theta.copy()
        theta[self._index] = x
        if not self._others.size:
            return float(self._problem.log_likelihood(theta)[0]), theta[:0]
        parameters = self._problem.parameters.fix(**{self._name: x})
        held = self._problem.with_parameters(parameters)
        known = held._known_maximum()
        if known is not None:
            return known[1], known[0]
        search = searcher(held, "auto")
        ends = [ascend(search.derivatives, start) for start in self._starts(x)]
        converged = [end.point for end in ends if end.converged]
        if not converged:
            point = search(self._starts(x)[0]).point
            return point.log_likelihood, point.theta
        point = max(converged, key=lambda p: p.log_likelihood)
        return point.log_likelihood, point.theta

    def _starts(self, x: float) -> list[FloatArray]:
        """Return where to begin: the nearest place already fitted, moved along the ridge."""
        nearest = min(self._known, key=lambda known: abs(known - x))
        others = self._known[nearest][1]
        variance = self._fit.covariance[self._index, self._index]
        slope = np.nan_to_num(self._fit.covariance[self._others, self._index] / variance)
        low, high = self._bounds[self._others].T
        return [np.clip(others + slope * (x - nearest), low, high)]

    def _fall(self, x: float) -> float:
        """Return the root of twice the fall of ln L: linear in x where ln L is a parabola."""
        return math.sqrt(max(0.0, 2 * (self._fit.log_likelihood - self.at(x))))

    def end(self, direction: int, target: float) -> float | None:
        """Return where the fall reaches `target`, or None where the bound comes first."""
        bound = float(self._bounds[self._index, (direction + 1) // 2])
        inside, outside = self.best, self.best + direction * self.sigma * target
        for _ in range(60):
            outside = min(outside, bound) if direction > 0 else max(outside, bound)
            if self._fall(outside) >= target:
                return self._root(inside, outside, target)
            if outside == bound:
                return None
            inside, outside = outside, outside + 2 * (outside - inside)
        return None

    def _root(self, inside: float, outside: float, target: float) -> float:
        """Return the crossing between two places by Illinois steps on a nearly straight line."""
        below, above = self._fall(inside) - target, self._fall(outside) - target
        side = 0
        for _ in range(60):
            if not math.isfinite(above):  # the model ends here: halve
                middle = 0.5 * (inside + outside)
            else:
                middle = (inside * above - outside * below) / (above - below)
            value = self._fall(middle) - target
            if abs(value) < _PRECISION:
                return middle
            if value > 0:
                outside, above = middle, value
                below = 0.5 * below if side == 1 else below
                side = 1
            else:
                inside, below = middle, value
                above = 0.5 * above if side == -1 else above
                side = -1
            if abs(outside - inside) <= 1e-12 * max(abs(inside), abs(outside)):
                break  # a jump of ln L: this is where it stands
        return middle
