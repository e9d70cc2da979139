"""`DiscreteTailProblem`: whole numbers above a lowest one, under the models of this room."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_scalar
from ..errors import InputError
from ..inference.problem import Problem
from .completeness import COMPLETE
from .models import EnergyGuide, EnergyModel

__all__ = ["DiscreteTailProblem"]

FloatArray = NDArray[np.float64]
_TERMS = 1000  # summed one by one; the midpoint rule for the rest is good to 1e-7
_PANEL = 0.25


class DiscreteTailProblem(Problem):
    r"""Counts, degrees or sizes: :math:`P(x) = p(x) / \sum_{k \ge x_\min} p(k)`.

    Parameters
    ----------
    x : array_like of whole numbers, shape (n,)
        All at or above `xmin`.
    model : EnergyModel
        p; what it calls an energy is x.
    xmin : int

    Raises
    ------
    InputError
        For numbers below `xmin`, or that are not whole.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> x = np.random.default_rng(1).zipf(2.5, 1000)
    >>> problem = ak.bursts.DiscreteTailProblem(x, ak.bursts.PowerLaw(), xmin=1)
    >>> print(problem.fit()["index"])
    index = 2.5...
    """

    statistic = "whole numbers"
    citation_keys: tuple[str, ...] = ("clauset2009",)

    def __init__(self, x: ArrayLike, model: EnergyModel, *, xmin: int) -> None:
        self._xmin = as_scalar(xmin, "xmin", minimum=1)
        self._model = model
        self._set_data(x)
        lowest = math.log10(self._xmin)
        guide = EnergyGuide.of(np.log10(np.sort(self._x)), lowest)
        super().__init__(model.parameters(guide))

    def _set_data(self, x: Any) -> None:
        self._x: FloatArray = as_array(x, "x", dtype=np.int64).astype(float)
        if self._x.min() < self._xmin:
            raise InputError("x lies below xmin", value=self._x.min(), allowed=f">= {self._xmin:g}")
        self._values, self._counts = np.unique(self._x, return_counts=True)
        top = max(math.log(self._x.max()), math.log(self._xmin + _TERMS)) + _PANEL
        begin = math.log(self._xmin)
        inner = np.linspace(begin, top, max(math.ceil((top - begin) / _PANEL), 1) + 1)
        self._edges = np.concatenate([inner, top + np.arange(1.0, 13.0)])

    @property
    def data(self) -> FloatArray:
        """The numbers, shape ``(n,)``."""
        return self._x

    @property
    def model(self) -> EnergyModel:
        """The model."""
        return self._model

    @property
    def label(self) -> str:
        return self._model.label

    def with_data(self, data: Any) -> Self:
        other = copy.copy(self)
        other._set_data(data)
        return other

    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        return {"x": self._x, "xmin": np.array([self._xmin])}

    def settings(self) -> Mapping[str, Any]:
        return {"model": repr(self._model)}

    def _terms(self, values: FloatArray, places: FloatArray) -> FloatArray:
        """Return ln P at `places` ``(m,)``, shape ``(k, m)``."""
        from .kernels import densities, discrete_norms

        rows = self._model.rows(values, 0.0)
        e = np.log(places)
        logs, norms = np.empty((rows.shape[0], e.size)), np.empty(rows.shape[0])
        densities(self._model.code, e, rows, COMPLETE, logs)
        discrete_norms(self._model.code, rows, self._xmin, _TERMS, self._edges, COMPLETE, norms)
        terms = logs - e - norms[:, None]
        return np.where(np.isfinite(terms), terms, -np.inf)

    def _log_likelihood(self, values: FloatArray) -> FloatArray:
        return np.asarray(self._terms(values, self._values) @ self._counts)

    def _pointwise(self, values: FloatArray) -> FloatArray:
        return self._terms(values, self._x)

    def _simulate_data(self, values: FloatArray, rng: np.random.Generator) -> FloatArray:
        # Inverse of the distribution on a table of whole numbers; the far tail, whose steps are
        # then below a thousandth, as if x were continuous.
        table = self._xmin + np.arange(20.0 * _TERMS)
        p = np.exp(self._terms(values[None, :], table)[0])
        reached = np.cumsum(p)
        u = rng.random(self._x.size)
        x = table[np.minimum(np.searchsorted(reached, u), table.size - 1)]
        beyond = u > reached[-1]
        if beyond.any():
            slope = math.log(p[-1000] / p[-1]) / math.log(table[-1] / table[-1000]) - 1.0
            part = (1.0 - u[beyond]) / max(1.0 - reached[-1], 1e-300)
            x[beyond] = np.floor((table[-1] + 0.5) * part ** (-1.0 / max(slope, 1e-3)) + 0.5)
        return x
