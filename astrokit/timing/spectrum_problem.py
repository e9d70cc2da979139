"""`SpectrumProblem`: what every problem of a power-spectrum model has in common."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, ShapeError
from ..inference.problem import Problem
from .models import BendingPowerLaw, Constant, PowerLaw
from .periodogram import _frequencies

if TYPE_CHECKING:
    from .models import Component, PSDModel

__all__ = ["SpectrumProblem", "Values", "require_kind", "require_option", "steepest"]

FloatArray = NDArray[np.float64]
Values: TypeAlias = ArrayLike | Mapping[str, float]


class SpectrumProblem(Problem):
    """A problem whose parameters are those of a :class:`~astrokit.timing.PSDModel`."""

    _model: PSDModel
    _header: FloatArray

    @property
    @abc.abstractmethod
    def frequency_unit(self) -> str:
        """Unit of the frequencies."""

    @property
    @abc.abstractmethod
    def normalization(self) -> str:
        """Normalization of the spectrum; see :class:`~astrokit.timing.Periodogram`."""

    @property
    def model(self) -> PSDModel:
        """The model, its pivots set."""
        return self._model

    def psd(self, frequency: ArrayLike, values: Values) -> FloatArray:
        """Return the model power at `frequency` ``(m,)``, shape ``(n, m)``.

        Parameters
        ----------
        frequency : array_like or Quantity, shape (m,)
        values : array_like, shape (n, p) or (p,), or mapping of str to float
            Values of ALL parameters: ``fit.values``, or ``problem.parameters.expand(theta)``.
        """
        f = _frequencies(frequency, self.frequency_unit).ravel()
        return self._psd(np.log(f), self._rows(values))

    def intrinsic_psd(self, frequency: ArrayLike, values: Values) -> FloatArray:
        """Return the model power without its constant, shape ``(n, m)``; see :meth:`psd`."""
        f = _frequencies(frequency, self.frequency_unit).ravel()
        return self._psd(np.log(f), self._split_constant(self._rows(values))[0])

    def _split_constant(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the values ``(n, p)`` with the constant set to zero, and the constant ``(n,)``."""
        rest, constant = values.copy(), np.zeros(values.shape[0])
        for component, place in self._model.slices():
            if isinstance(component, Constant):
                constant = values[:, place.start].copy()
                rest[:, place] = 0.0
        return rest, constant

    def _rows(self, values: Values) -> FloatArray:
        """Return values of all parameters as ``(n, p)``."""
        if isinstance(values, Mapping):
            values = [values[name] for name in self.parameters.names]
        rows = np.atleast_2d(np.asarray(values, dtype=float))
        if rows.ndim != 2 or rows.shape[1] != len(self.parameters):
            raise ShapeError(
                "values must hold every parameter",
                value=f"shape {rows.shape}",
                allowed=f"(n, {len(self.parameters)}): {', '.join(self.parameters.names)}",
            )
        return rows

    def _psd(self, log_f: FloatArray, values: FloatArray) -> FloatArray:
        from .kernels import psd

        out = np.empty((values.shape[0], log_f.size))
        psd(np.ascontiguousarray(values), log_f, self._header, out)
        return out


def require_kind(value: object, kind: type, what: str, example: str) -> None:
    """Raise an InputError unless `value` is of a kind."""
    if isinstance(value, kind):
        return
    if isinstance(value, type):
        raise InputError(
            f"{what} is needed", value=f"the class {value.__name__}", hint=f"call it: {example}"
        )
    raise InputError(f"{what} is needed", value=type(value).__name__, hint=f"such as {example}")


def require_option(value: object, name: str, allowed: tuple[str, ...]) -> None:
    """Raise an InputError unless `value` is one of those allowed."""
    if value not in allowed:
        raise InputError(f"{name} is unknown", value=value, allowed=", ".join(allowed))


def steepest(
    component: Component, names: tuple[str, ...], values: FloatArray, *, low: bool = False
) -> list[tuple[str, float]]:
    """Return name and value of the slope at high (or low) frequency of a component that has one."""
    if isinstance(component, PowerLaw):
        return [(names[0], float(values[0]))]
    if isinstance(component, BendingPowerLaw):
        at = 0 if low else 1
        return [(names[at], float(values[at]))]
    return []
