"""`Design`: threshold, error, saturation and completeness, known of each burst beforehand."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .completeness import COMPLETE, Completeness

__all__ = ["Design"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
_PANEL = 0.25  # of ln E: no model of this room changes its slope within one
_BEYOND = 12  # e-folds above the data after which every law is straight
_REACH = 8.0  # standard deviations of an error that count; as in the kernels
_STEP = 0.01  # of ln E, in simulations


@dataclass(frozen=True, eq=False)
class Design:
    """Per-burst facts, energies as ln relative to the lowest threshold.

    Attributes
    ----------
    threshold : ndarray, shape (n,)
        erg.
    sigma : ndarray, shape (n,), or None
        Errors of ln E, where they are to be used.
    saturation : ndarray, shape (n,)
        ln of the energy from which on a burst is only a lower limit; inf where there is none.
    completeness : Completeness or None
    edges : ndarray
        Ends of the panels of all integrals.
    log_reference : float
        ln of the lowest threshold in erg.
    """

    threshold: FloatArray
    sigma: FloatArray | None
    saturation: FloatArray
    completeness: Completeness | None
    edges: FloatArray
    log_reference: float

    @classmethod
    def of(
        cls,
        threshold: FloatArray,
        sigma: FloatArray | None,
        saturation: FloatArray,
        completeness: Completeness | None,
        *,
        top: float,
    ) -> Design:
        """Return the design of bursts; `saturation` in erg, `top` the largest energy in erg."""
        log_reference = float(np.log(threshold.min()))
        end = math.log(top) - log_reference + _PANEL
        inner = np.linspace(0.0, end, max(math.ceil(end / _PANEL), 1) + 1)
        edges = np.concatenate([inner, end + np.arange(1.0, _BEYOND + 1)])
        if completeness is not None:
            knots = completeness.knots(log_reference)
            inside = knots[(knots > edges[0]) & (knots < edges[-1])]
            edges = np.unique(np.concatenate([edges, inside]))
        with np.errstate(divide="ignore"):
            limits = np.log(saturation) - log_reference
        return cls(threshold, sigma, limits, completeness, edges, log_reference)

    @property
    def lowest(self) -> float:
        """The lowest threshold in erg."""
        return float(self.threshold.min())

    @cached_property
    def is_uniform(self) -> bool:
        """Whether all bursts have the same threshold and error and none saturates."""
        alike = self.threshold.min() == self.threshold.max() and np.isinf(self.saturation).all()
        return bool(alike and (self.sigma is None or self.sigma.min() == self.sigma.max()))

    def resized(self, n: int) -> Design:
        """Return a uniform design for `n` bursts; itself where the number is the same."""
        if n == self.threshold.size:
            return self
        sigma = None if self.sigma is None else np.full(n, self.sigma[0])
        limit = np.full(n, self.threshold[0])
        return replace(self, threshold=limit, sigma=sigma, saturation=np.full(n, np.inf))

    def rows(self, rows: NDArray[np.int64]) -> Design:
        """Return the design of some bursts, in an order of their own; the integrals stay."""
        if self.is_uniform:
            return self.resized(rows.size)
        sigma = None if self.sigma is None else self.sigma[rows]
        return replace(
            self, threshold=self.threshold[rows], sigma=sigma, saturation=self.saturation[rows]
        )

    # -- what kernels read ---------------------------------------------------------------------

    @cached_property
    def packed(self) -> FloatArray:
        """The completeness as kernels read it."""
        if self.completeness is None:
            return COMPLETE
        return np.ascontiguousarray(self.completeness.packed(self.log_reference))

    @cached_property
    def log_threshold(self) -> FloatArray:
        """Logarithms of the thresholds relative to the reference, shape ``(n,)``."""
        return np.log(self.threshold) - self.log_reference

    @cached_property
    def groups(self) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
        """Distinct ln thresholds, how many bursts have each, and the group of each burst."""
        if self.threshold.min() == self.threshold.max():
            n = self.threshold.size
            return self.log_threshold[:1], np.array([float(n)]), np.zeros(n, dtype=np.int64)
        values, which, counts = np.unique(
            self.log_threshold, return_inverse=True, return_counts=True
        )
        return values, counts.astype(float), which.astype(np.int64)

    @cached_property
    def error_groups(self) -> tuple[NDArray[np.generic], ...]:
        """What the kernels with errors read; see there."""
        sigma = self.sigma if self.sigma is not None else np.zeros(self.threshold.size)
        pairs, which = np.unique(
            np.column_stack([self.log_threshold, sigma]), axis=0, return_inverse=True
        )
        thresholds, widths = np.ascontiguousarray(pairs.T)
        ends = thresholds + _REACH * widths
        order = np.argsort(ends).astype(np.int64)
        which = which.reshape(-1).astype(np.int64)
        return which, thresholds, widths, order, ends[order], self.edges, self.packed

    def log_detection(self, y: FloatArray) -> float:
        """Return the sum of ln completeness over `y`."""
        if self.completeness is None or self.sigma is not None:
            return 0.0
        from .kernels import densities

        flat = np.array([[1.0, np.inf]])  # a power law of index 1 is flat in ln E
        out = np.empty((1, y.size))
        densities(0, np.ascontiguousarray(y), flat, self.packed, out)
        return float(out.sum())

    # -- likelihoods by quadrature -------------------------------------------------------------

    def log_likelihoods(
        self, code: int, rows: FloatArray, y: FloatArray, limits: FloatArray, detection: float
    ) -> FloatArray:
        """Return ln L per unit of ln E of sorted detections and lower limits, without errors."""
        from .kernels import log_likelihoods

        places, number = np.unique(limits, return_counts=True)
        design = (*self.groups[:2], places, number.astype(float), self.edges, self.packed)
        out = np.empty(rows.shape[0])
        log_likelihoods(code, rows, y, design, detection, out)
        return out

    def pointwise(
        self, code: int, rows: FloatArray, y: FloatArray, saturated: BoolArray
    ) -> FloatArray:
        """Return ln L of each burst per unit of ln E, shape ``(k, n)``."""
        from .kernels import pointwise, pointwise_with_errors

        out = np.empty((rows.shape[0], y.size))
        if self.sigma is not None:
            pointwise_with_errors(code, rows, y, saturated, self.sigma, self.error_groups, out)
            return out
        places, _, which = self.groups
        pointwise(code, rows, y, saturated, which, places, self.edges, self.packed, out)
        return out

    def density(self, code: int, rows: FloatArray, e: FloatArray, observed: bool) -> FloatArray:
        """Return the density per unit of ln E, normalised above the lowest threshold."""
        from .kernels import densities, integrals_above

        packed = self.packed if observed else COMPLETE
        logs = np.empty((rows.shape[0], e.size))
        densities(code, np.ascontiguousarray(e), rows, packed, logs)
        norm, place = np.empty(1), np.zeros(1)
        for log, row in zip(logs, rows, strict=True):
            log -= integrals_above(code, row, place, self.edges, packed, norm)
            log -= math.log(norm[0])
        return np.exp(logs)

    def survival(self, code: int, row: FloatArray, y: FloatArray) -> FloatArray:
        """Return the probability of each burst to lie above `y` ``(n,)``, its threshold given."""
        from .kernels import integrals_above

        places, where = np.unique(np.concatenate([y, self.log_threshold]), return_inverse=True)
        above = np.empty(places.size)
        integrals_above(code, row, places, self.edges, self.packed, above)
        n = y.size
        return above[where[:n]] / above[where[n:]]

    # -- simulation ----------------------------------------------------------------------------

    def simulate(self, code: int, row: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return ln energies (relative) of one burst per threshold, before saturation."""
        low = self.log_threshold
        if self.sigma is None and self.completeness is None and code == 0 and np.isinf(row[1]):
            return low + rng.standard_exponential(low.size) / (row[0] - 1.0)
        if self.sigma is None:
            return _Sampler(code, row, self, 0.0).draw(low, rng)
        sampler = _Sampler(code, row, self, float((low - _REACH * self.sigma).min()))
        y, todo = np.empty(low.size), np.arange(low.size)
        while todo.size:  # a burst counts if its measured energy is above the threshold
            e = sampler.draw(low[todo] - _REACH * self.sigma[todo], rng)
            y[todo] = e + self.sigma[todo] * rng.standard_normal(todo.size)
            todo = todo[y[todo] < low[todo]]
        return y


class _Sampler:
    """Inverse of the cumulative distribution on a fine grid, exponential in each cell."""

    def __init__(self, code: int, row: FloatArray, design: Design, start: float) -> None:
        from .kernels import densities

        end = min(float(design.edges[-1]), float(row[-1]))
        self._e = np.linspace(start, end, max(math.ceil((end - start) / _STEP), 8) + 1)
        logs = np.empty((1, self._e.size))
        # The last place is the end of a truncated law: ask just inside.
        densities(code, np.minimum(self._e, end - 1e-12), row[None, :], design.packed, logs)
        log = logs[0] - logs.max()
        self._log = np.maximum(log, -700.0)
        self._step = self._e[1] - self._e[0]
        change = np.diff(self._log)
        cells = self._step * np.exp(self._log[:-1]) * _mean_exp(change)
        self._slope = change / self._step
        tail = 0.0
        if np.isinf(row[-1]):
            self._tail_slope = -float(self._slope[-1])
            tail = math.exp(self._log[-1]) / self._tail_slope if self._tail_slope > 0 else 0.0
        self._above = np.append(np.cumsum(cells[::-1])[::-1] + tail, tail)

    def _survival(self, e: FloatArray) -> FloatArray:
        j = np.clip(((e - self._e[0]) / self._step).astype(int), 0, self._slope.size - 1)
        rest = self._e[j + 1] - e
        here = self._log[j] + self._slope[j] * (e - self._e[j])
        return self._above[j + 1] + rest * np.exp(here) * _mean_exp(self._slope[j] * rest)

    def draw(self, low: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return one draw above each of `low`."""
        same = low.min() == low.max()
        whole = self._survival(low[:1] if same else low)
        wanted = whole * (1.0 - rng.random(low.size))
        j = np.searchsorted(-self._above, -wanted, side="right") - 1
        inside = j < self._slope.size
        k = np.minimum(j, self._slope.size - 1)
        # Within a cell: the part of it that lies above the draw.
        part = (wanted - self._above[k + 1]) * np.exp(-self._log[k + 1])
        b = self._slope[k]
        with np.errstate(divide="ignore", invalid="ignore"):
            rest = np.where(np.abs(b) < 1e-9, part, -np.log1p(-b * part) / b)
        y = self._e[k + 1] - np.clip(rest, 0.0, self._step)
        if not inside.all():
            beyond = -np.log(wanted[~inside] / self._above[-1]) / self._tail_slope
            y[~inside] = self._e[-1] + beyond
        return np.maximum(y, low)


def _mean_exp(x: FloatArray) -> FloatArray:
    """Return (exp(x) - 1)/x, 1 at 0."""
    small = np.abs(x) < 1e-9
    safe = np.where(small, 1.0, x)
    return np.where(small, 1.0 + 0.5 * x, np.expm1(safe) / safe)
