"""Which of a problem's parameters belong to which spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ParameterError
from ..inference.parameters import Parameter, Parameters
from .grid import EnergyGrid
from .models import SpectralModel

__all__ = ["Layout"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """Columns of the parameters of each spectrum among all parameters of a problem.

    Attributes
    ----------
    names : tuple of str
        All parameters.
    sources : tuple of tuple of int
        For each spectrum the columns of the model's parameters.
    factors : tuple of int
        For each spectrum the column of its cross-normalisation, or -1.
    backgrounds : tuple of int
        Columns of the background model's parameters.
    aliases : dict
        XSPEC names and what they stand for.
    model_names : tuple of str
        Parameters of the model.
    scales : tuple of int
        Those of them to which its photons are proportional, see `SpectralModel.scales`.
    """

    names: tuple[str, ...]
    sources: tuple[tuple[int, ...], ...]
    factors: tuple[int, ...]
    backgrounds: tuple[int, ...]
    aliases: dict[str, str]
    model_names: tuple[str, ...]
    scales: tuple[int, ...] = ()

    @classmethod
    def of(
        cls,
        model: SpectralModel,
        n: int,
        untied: Sequence[str],
        cross_normalization: bool,
        background: SpectralModel | None,
    ) -> Layout:
        """Return the layout of a model for `n` spectra."""
        own = model.names
        untied = [untied] if isinstance(untied, str) else list(untied)
        unknown = [name for name in untied if name not in own]
        if unknown:
            raise ParameterError(
                "no such parameter to untie", value=unknown, allowed=", ".join(own)
            )
        names = list(own)
        sources = [tuple(range(len(own)))]
        for k in range(1, n):
            columns = []
            for j, name in enumerate(own):
                if name in untied:
                    columns.append(len(names))
                    names.append(f"{name}_of_{k + 1}")
                else:
                    columns.append(j)
            sources.append(tuple(columns))
        factors = [-1] * n
        for k in range(1, n if cross_normalization else 0):
            factors[k] = len(names)
            names.append(f"cross_normalization_{k + 1}")
        behind = () if background is None else background.names
        backgrounds = tuple(range(len(names), len(names) + len(behind)))
        names += [f"background_{name}" for name in behind]
        return cls(
            tuple(names),
            tuple(sources),
            tuple(factors),
            backgrounds,
            dict(model.aliases),
            own,
            model.scales,
        )

    def named(self, parts: tuple[list[Parameter], list[Parameter], Parameter]) -> Parameters:
        """Return all parameters from those of source and background and a cross-normalisation."""
        source, background, factor = parts
        chosen: dict[int, Parameter] = {}
        for columns in self.sources:
            chosen |= {c: p for c, p in zip(columns, source, strict=True) if c not in chosen}
        chosen |= {c: factor for c in self.factors if c >= 0}
        chosen |= dict(zip(self.backgrounds, background, strict=True))
        return Parameters(replace(chosen[c], name=name) for c, name in enumerate(self.names))

    def as_list(self) -> list[Any]:
        """Return plain JSON types."""
        return [list(self.names), [list(s) for s in self.sources], list(self.factors)]

    def is_normalization(self, name: str) -> bool:
        """Whether expected source counts are proportional to a parameter (with its kind)."""
        base = name.split("_of_")[0]
        stems = ("normalization", "energy_flux", "photon_flux")
        return any(base == stem or base.startswith(f"{stem}_") for stem in stems)

    # -- values --------------------------------------------------------------------------------

    @cached_property
    def _columns(self) -> tuple[IntArray, ...]:
        return tuple(np.array(s, dtype=np.int64) for s in self.sources)

    def source(self, values: FloatArray, k: int) -> FloatArray:
        """Return the model's values ``(n, q)`` for one spectrum."""
        columns = self._columns[k]
        if columns.size == values.shape[1]:
            return values
        return np.ascontiguousarray(values[:, columns])

    def source_columns(self, k: int) -> IntArray:
        """Return the columns of the model's parameters for one spectrum."""
        return self._columns[k]

    def background(self, values: FloatArray) -> FloatArray:
        """Return the background model's values ``(n, q)``."""
        return np.ascontiguousarray(values[:, list(self.backgrounds)])

    def factor(self, values: FloatArray, k: int) -> FloatArray | None:
        """Return the cross-normalisation ``(n,)`` of one spectrum, or None for 1."""
        return None if self.factors[k] < 0 else values[:, self.factors[k]]

    def factor_column(self, k: int) -> int:
        """Return the column of the cross-normalisation of one spectrum."""
        return self.factors[k]

    # -- derivatives -----------------------------------------------------------------------------

    def derivatives(
        self, model: SpectralModel, grid: EnergyGrid, values: FloatArray, k: int, free: IntArray
    ) -> tuple[FloatArray, IntArray]:
        """Return photons and their derivatives in the free parameters, and which those are."""
        return _wanted(model, grid, values, self._columns[k], free)

    def scale_rows(self, k: int, columns: IntArray) -> list[tuple[int, int]]:
        """Return of each normalisation its column and its place among `columns`.

        Nothing where one of them is missing: then the photons are more than their sum.
        """
        found = {int(column): row for row, column in enumerate(columns)}
        own = [self.sources[k][j] for j in self.scales]
        return [(c, found[c]) for c in own] if all(c in found for c in own) else []

    def background_derivatives(
        self, model: Any, grid: Any, values: FloatArray, free: IntArray
    ) -> tuple[FloatArray, IntArray]:
        """Return the same of the background model."""
        return _wanted(model, grid, values, np.array(self.backgrounds, dtype=np.int64), free)


def _wanted(
    model: SpectralModel, grid: EnergyGrid, values: FloatArray, columns: IntArray, free: IntArray
) -> tuple[FloatArray, IntArray]:
    block = model.photons_and_derivatives(grid, values[columns])
    if len(free) >= columns.size and np.array_equal(free[: columns.size], columns):
        return block, columns
    keep = np.isin(columns, free)
    return block[np.concatenate([[True], keep])], columns[keep]
