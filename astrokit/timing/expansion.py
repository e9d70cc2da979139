r"""A power spectrum as a sum of Lorentzians at fixed rates: what makes a likelihood O(N).

A Lorentzian :math:`1 / [1 + (f/p)^2]` is the spectrum of an exponential covariance. A few of them,
evenly spaced in ln p and with weights of either sign, follow any spectrum that is smooth in ln f
(the idea of Lefkir et al. 2025, with terms of half the cost): here to about 1e-3 for slopes 0 to 4.
The rates belong to the sampling, not to the model, so all that depends on them is computed once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .exponentials import Bins

__all__ = ["Expansion"]

FloatArray = NDArray[np.float64]
_LOWEST = 0.5  # of the cut-off: the lowest pole
_HIGHEST = 16.0  # of the highest frequency that the sampling resolves: the highest pole
_BELOW, _ABOVE = 1.0 / 3.0, 6.0  # how far the fitted band reaches beyond cut-off and poles
_NODES = 4  # fitted frequencies for each pole
_WHITE_BELOW = 2.0  # spacings per width: narrower bins do not average white noise enough


@dataclass(frozen=True, eq=False)
class Expansion:
    """The Lorentzians for some bins, and what gives their weights for a spectrum.

    The weights are those of least squares of the relative error. Frequencies below 1 / duration
    and above the highest that the sampling resolves count less and less, as the data feel them
    less; the power that drives the slow drift of the curve counts as one more datum.

    Parameters
    ----------
    bins : Bins
    cutoff : float
        The spectrum is flat below this frequency.
    ratio : float
        Of neighbouring poles.
    reach : float
        Factor by which the poles go further at both ends.

    Attributes
    ----------
    pole : ndarray, shape (r,)
        Half-power frequencies; the rates are 2 pi times these.
    log_frequency : ndarray, shape (nodes,)
        Where a spectrum is asked for.
    """

    bins: Bins
    cutoff: float
    ratio: float = 2.6
    reach: float = 1.0
    pole: FloatArray = field(init=False)
    log_frequency: FloatArray = field(init=False)
    _design: FloatArray = field(init=False)  # (r or r + 1, nodes)
    _importance: FloatArray = field(init=False)  # (nodes,)
    _drift: FloatArray = field(init=False)  # (nodes,)

    def __post_init__(self) -> None:
        top = self.highest
        low, high = _LOWEST / self.reach * self.cutoff, _HIGHEST * self.reach * top
        steps = math.ceil(math.log(high / low) / math.log(self.ratio))
        pole = np.geomspace(low, high, 4 * math.ceil((steps + 1) / 4))  # kernels run four at a time
        f = np.geomspace(_BELOW * min(self.cutoff, low), _ABOVE * high, _NODES * pole.size)
        lorentzians = 1.0 / (1.0 + (f[:, None] / pole) ** 2)
        if np.all(self.bins.width * _WHITE_BELOW > self.bins.spacing):
            lorentzians = np.concatenate([lorentzians, np.ones((f.size, 1))], axis=1)
        lowest = 1.0 / self.bins.duration
        weight = np.minimum(1.0, f / lowest) * np.minimum(1.0, top / f)
        drift = np.where(f < 0.5 * lowest, f**3, 0.0) / lowest**3
        state = {
            "pole": pole,
            "log_frequency": np.log(np.maximum(f, self.cutoff)),
            "_design": np.ascontiguousarray(lorentzians.T),
            "_importance": weight,
            "_drift": drift,
        }
        for name, value in state.items():
            object.__setattr__(self, name, value)

    @property
    def highest(self) -> float:
        """Frequency that the closest bins resolve: the Nyquist frequency on a regular grid."""
        return 0.5 / self.bins.closest

    @property
    def rate(self) -> FloatArray:
        """Rates of the exponentials, shape ``(r,)``."""
        return 2.0 * np.pi * self.pole

    def heights(self, power: FloatArray, total: FloatArray | None = None) -> FloatArray:
        """Return heights of the Lorentzians and of white noise ``(m, r + 1)``.

        Parameters
        ----------
        power : ndarray, shape (m, nodes)
            The spectrum at ``log_frequency``.
        total : ndarray, shape (m, nodes), optional
            To which errors are relative, > 0; the spectrum itself by default.
        """
        from .semiseparable_kernels import expand

        out = np.zeros((power.shape[0], self.pole.size + 1))
        found = np.empty((power.shape[0], self._design.shape[0]))
        expand(
            power,
            power if total is None else total,
            self._design,
            self._importance,
            self._drift,
            found,
        )
        out[:, : found.shape[1]] = found
        return out

    def weights(
        self, power: FloatArray, total: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return weights of the exponentials ``(m, r)`` and the level of white noise ``(m,)``."""
        heights = self.heights(power, total)
        return 0.5 * np.pi * self.pole * heights[:, :-1], heights[:, -1]

    def spectrum(self, frequency: FloatArray, heights: FloatArray) -> FloatArray:
        """Return the sum of the Lorentzians at `frequency` ``(n,)``, shape ``(m, n)``."""
        shape = 1.0 / (1.0 + (frequency[:, None] / self.pole) ** 2)
        return heights[:, :-1] @ shape.T + heights[:, -1:]
