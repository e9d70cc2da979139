"""`SharpLaw`: power laws with and without a sharp break, through sums over sorted data.

One sort, then ln L for any break costs a binary search; the best indices for a break are those of
an exponential family, so that the maximum over all breaks is found without a general search.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ..inference.parameters import Parameters
    from .design import Design
    from .models import EnergyModel

__all__ = ["Profile", "SharpLaw"]

FloatArray = NDArray[np.float64]
_LN10 = math.log(10.0)
_NOTHING = np.empty(0)
_MOST_CANDIDATES = 300  # with a completeness, where each costs an integral
_REFINED = 4  # maxima among them around which every burst is tried


@dataclass(frozen=True, eq=False)
class Profile:
    """ln L against the break energy, both indices fitted at each.

    Attributes
    ----------
    log_break_energy : ndarray, shape (m,)
        log10 of the energy in erg.
    log_likelihood, index_low, index_high : ndarray, shape (m,)
    """

    log_break_energy: FloatArray
    log_likelihood: FloatArray
    index_low: FloatArray
    index_high: FloatArray


class _Curve(NamedTuple):
    """The same with breaks as ln relative to the reference, s and t, and the slope of ln L."""

    x: FloatArray
    value: FloatArray
    s: FloatArray
    t: FloatArray
    slope: FloatArray


class SharpLaw:
    """The likelihood of a :class:`PowerLaw` or :class:`BrokenPowerLaw` for fixed data."""

    def __init__(
        self, model: EnergyModel, detected: FloatArray, limits: FloatArray, design: Design
    ) -> None:
        self.y: FloatArray = np.sort(detected)
        self.is_broken = model.code == 1
        self._reference = design.log_reference
        prefix = np.concatenate([[0.0], np.cumsum(self.y)])
        places, number = np.unique(limits, return_counts=True)
        maximum = model.maximum
        self._top = math.inf if maximum is None else maximum * _LN10 - self._reference
        complete = design.completeness is None
        self._edges = _NOTHING if complete else design.edges
        self._stats = (
            *(self.y, prefix, *design.groups[:2], places, number.astype(float)),
            *(self._top, self._edges, design.packed),
        )
        finite = np.isfinite(design.saturation)
        self._saturation = (design.saturation[finite], design.log_threshold[finite])

    @staticmethod
    def describes(model: EnergyModel) -> bool:
        """Return whether a model is of this kind, its largest energy known."""
        return model.code in (0, 1) and (model.maximum is None or isinstance(model.maximum, float))

    def log_likelihoods(self, rows: FloatArray) -> FloatArray:
        """Return ln L per unit of ln E for the rows of the model."""
        from .break_kernels import log_likelihoods

        if not self.is_broken:
            rows = np.column_stack([rows[:, 0], rows[:, 0], np.zeros(rows.shape[0])])
        out = np.empty(rows.shape[0])
        log_likelihoods(np.ascontiguousarray(rows), self._stats, 0.0, out)
        return out

    def packed(self, constant: float) -> FloatArray | None:
        """Return the rows that :func:`packed_law` reads; None for any other design."""
        limits, threshold = self._stats[4], self._stats[2]
        if self._edges.size or limits.size or threshold.size > 1 or not math.isinf(self._top):
            return None
        data = np.zeros((3, max(self.y.size, 5)))
        data[0, :5] = self.y.size, threshold[0], constant, self._reference, float(self.is_broken)
        data[1, : self.y.size] = self.y
        data[2, : self.y.size] = self._stats[1][1:]
        return data

    def score_and_information(self, row: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Return ln L, score and Fisher information in the parameters of the model."""
        from .break_kernels import fisher_information

        whole = row[:3] if self.is_broken else np.array([row[0], row[0], 0.0])
        fisher = np.zeros((3, 3))
        value, *parts = fisher_information(whole, self._stats, *self._saturation, fisher)
        score = np.array(parts)
        if not self.is_broken:
            score, fisher = score[1:2], fisher[1:2, 1:2]
        else:  # the break is a parameter as log10
            scale = np.array([1.0, 1.0, _LN10])
            score, fisher = score * scale, fisher * np.outer(scale, scale)
        if not math.isinf(self._top):  # the largest energy is fixed, and the last parameter
            score, fisher = np.append(score, 0.0), np.pad(fisher, (0, 1))
        return value, score, fisher

    # -- the maximum ---------------------------------------------------------------------------

    def maximum(self, parameters: Parameters, constant: float) -> tuple[FloatArray, float]:
        """Return the free values ``(d,)`` of the maximum inside the bounds, and ln L there."""
        ends = self._ends(parameters)
        found = self._search(ends) if self.is_broken else self._single(ends)
        log_break, value, s, t = found
        best = [s + 1, t + 1, (log_break + self._reference) / _LN10] if self.is_broken else [t + 1]
        free = [i for i in parameters.free_index if i < len(best)]
        bounds = parameters.bounds
        theta = np.clip(np.array(best)[free], bounds[:, 0], bounds[:, 1])
        return theta, value + constant

    def profile(self, parameters: Parameters, places: FloatArray, constant: float) -> Profile:
        """Return the profile at sorted `places` (ln relative to the reference)."""
        x, value, s, t, _ = self._curve(places, self._ends(parameters)[:2])
        return Profile((x + self._reference) / _LN10, value + constant, s + 1.0, t + 1.0)

    def candidates(self, parameters: Parameters) -> FloatArray:
        """Return the sorted breaks at which ln L has a kink, and the ends of the range."""
        return self._kinks(*self._ends(parameters)[2])

    def _ends(self, parameters: Parameters) -> FloatArray:
        """Return the allowed ranges ``(3, 2)`` of s, t and the break (ln, relative)."""
        ends = []
        for parameter in list(parameters)[: 3 if self.is_broken else 1]:
            if parameter.is_free and parameter.prior is not None:
                ends.append(parameter.prior.support)
            else:
                ends.append((parameter.value, parameter.value))
        table = np.array(ends, dtype=float)
        if not self.is_broken:
            return np.array([[0.0, 0.0], table[0] - 1.0, [0.0, 0.0]])
        table[:2] -= 1.0
        table[2] = table[2] * _LN10 - self._reference
        return table

    def _single(self, ends: FloatArray) -> tuple[float, float, float, float]:
        from .break_kernels import best_slopes

        value, s, t, _ = best_slopes(self._stats, 0.0, 0.0, 1.0, ends[:2])
        return 0.0, value, s, t

    def _curve(self, places: FloatArray, bounds: FloatArray) -> _Curve:
        from .break_kernels import profile

        out = np.empty((places.size, 4))
        profile(self._stats, np.ascontiguousarray(places), np.ascontiguousarray(bounds), out)
        return _Curve(places, *out.T)

    def _search(self, ends: FloatArray) -> tuple[float, float, float, float]:
        """Return ln E_b, ln L, s, t of the highest point of the profile."""
        places = self._kinks(*ends[2])
        if self._edges.size and places.size > _MOST_CANDIDATES:
            places = self._thinned(places, ends[:2])
        curve = self._curve(places, ends[:2])
        best = int(np.argmax(curve.value))
        found = (places[best], curve.value[best], curve.s[best], curve.t[best])
        return self._between(curve, ends[:2], found)

    def _kinks(self, low: float, high: float) -> FloatArray:
        inside = self.y[(self.y > low) & (self.y < high)]
        return np.unique(np.concatenate([[low], inside, [high]]))

    def _thinned(self, places: FloatArray, bounds: FloatArray) -> FloatArray:
        """Return some of the places, with all of those around the highest ones."""
        rows = np.unique(np.linspace(0, places.size - 1, _MOST_CANDIDATES).astype(int))
        value = self._curve(places[rows], bounds).value
        top = np.argsort(-value)[:_REFINED]
        near = [np.arange(rows[max(k - 1, 0)], rows[min(k + 1, rows.size - 1)] + 1) for k in top]
        return places[np.unique(np.concatenate([rows, *near]))]

    def _between(
        self, curve: _Curve, bounds: FloatArray, found: tuple[float, float, float, float]
    ) -> tuple[float, float, float, float]:
        """Return `found`, or a higher maximum between two neighbouring places.

        There the profile is smooth; a tangent at its left end bounds how high it may rise.
        """
        from .break_kernels import slopes_and_slope

        x, value = curve.x, curve.value
        slopes = self._slopes_above(curve)
        reach = value[:-1] + np.maximum(slopes, 0.0) * np.diff(x)
        hopeful = np.flatnonzero((slopes > 0) & (reach > found[1] + 1e-9))
        for k in hopeful[np.argsort(-reach[hopeful])]:
            if reach[k] <= found[1]:
                break
            s, t = curve.s[k], curve.t[k]
            place, height, s, t = slopes_and_slope(
                self._stats, x[k], x[k + 1], s, t, np.ascontiguousarray(bounds)
            )
            if height > found[1]:
                found = (place, height, s, t)
        return found

    def _slopes_above(self, curve: _Curve) -> FloatArray:
        """Return the slope of ln L in ln E_b just above each place but the last.

        The burst at the place then counts as one below the break: it adds s and takes t.
        """
        at = np.searchsorted(self.y, curve.x, side="right") - np.searchsorted(self.y, curve.x)
        return np.asarray(curve.slope + at * (curve.s - curve.t))[:-1]
