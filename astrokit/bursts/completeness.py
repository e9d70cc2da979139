"""What fraction of bursts of an energy a search finds: a logistic or an injection-recovery curve.

A hard threshold is not a completeness model: it is `threshold` of a problem.
"""

from __future__ import annotations

import abc
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_scalar, require_equal_lengths
from ..errors import InputError

__all__ = ["Completeness", "CompletenessCurve", "LogisticCompleteness"]

FloatArray = NDArray[np.float64]
_LN10 = math.log(10.0)


class Completeness(abc.ABC):
    """Probability that a burst of some (true) energy is found."""

    @abc.abstractmethod
    def packed(self, log_reference: float) -> FloatArray:
        """Return what a kernel reads ``(2, k)``, energies as ln relative to a reference."""

    @abc.abstractmethod
    def knots(self, log_reference: float) -> FloatArray:
        """Return ln energies (relative) between which it is smooth on the scale of a panel."""

    def __call__(self, energy: ArrayLike) -> FloatArray:
        """Return the probability at `energy` (Quantity, or plain numbers in erg), same shape."""
        from .completeness_kernels import log_detection

        e = as_array(energy, "energy", unit="erg", ndim=None, positive=True)
        packed = self.packed(0.0)
        values = [math.exp(log_detection(float(x), packed)) for x in np.log(e).ravel()]
        return np.array(values).reshape(e.shape)


class LogisticCompleteness(Completeness):
    r"""A probability that rises as a logistic in the logarithm of the energy.

    :math:`f(E) = 1/[1 + (E/E_{50})^{-1/w'}]`, where w' = w ln 10.

    Parameters
    ----------
    half : Quantity or float
        Energy of which half the bursts are found, in erg.
    width : float
        w in dex: from 27 % to 73 % the energy rises by 2 w.

    Examples
    --------
    >>> import astrokit as ak
    >>> search = ak.bursts.LogisticCompleteness(1e37, width=0.1)
    >>> search([1e36, 1e37, 1e38]).round(3)
    array([0. , 0.5, 1. ])
    """

    def __init__(self, half: Any, width: float = 0.1) -> None:
        self.half = as_scalar(half, "half", unit="erg", positive=True)
        self.width = as_scalar(width, "width", positive=True)

    def packed(self, log_reference: float) -> FloatArray:
        return np.array(
            [[1.0, math.log(self.half) - log_reference, self.width * _LN10], [0.0, 0.0, 0.0]]
        )

    def knots(self, log_reference: float) -> FloatArray:
        center = math.log(self.half) - log_reference
        return center + self.width * _LN10 * np.arange(-30.0, 31.0)

    def __repr__(self) -> str:
        return f"LogisticCompleteness({self.half:g}, width={self.width:g})"


class CompletenessCurve(Completeness):
    """Measured recovery fractions at injected energies; linear in ln E between, constant outside.

    Parameters
    ----------
    energy : array_like or Quantity, shape (k,)
        Increasing, in erg.
    probability : array_like, shape (k,)
        From 0 to 1; the last must be > 0.

    Raises
    ------
    InputError
        For energies out of order or fractions out of range.

    Examples
    --------
    >>> import astrokit as ak
    >>> curve = ak.bursts.CompletenessCurve([1e36, 1e38], [0.0, 1.0])
    >>> curve([1e37]).round(6)
    array([0.5])
    """

    def __init__(self, energy: ArrayLike, probability: ArrayLike) -> None:
        self.energy = as_array(energy, "energy", unit="erg", positive=True, min_size=2)
        self.probability = as_array(probability, "probability")
        require_equal_lengths(energy=self.energy, probability=self.probability)
        if np.any(np.diff(self.energy) <= 0):
            raise InputError("the energies of the curve must increase", hint="sort the table")
        p = self.probability
        if p.min() < 0 or p.max() > 1 or p[-1] == 0:
            raise InputError(
                "recovery fractions cannot be used",
                value=(float(p.min()), float(p.max()), float(p[-1])),
                allowed="0 to 1, the last one > 0",
                hint="give fractions, not per cent",
            )

    def packed(self, log_reference: float) -> FloatArray:
        knots = np.log(self.energy) - log_reference
        return np.array([[2.0, *knots], [0.0, *self.probability]])

    def knots(self, log_reference: float) -> FloatArray:
        return np.log(self.energy) - log_reference

    def __repr__(self) -> str:
        return f"CompletenessCurve({self.energy.tolist()}, {self.probability.tolist()})"


COMPLETE = np.zeros((2, 3))
