"""Tapers: weights that fade a light curve in and out, so that its spectrum does not leak."""

from __future__ import annotations

import abc
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

__all__ = ["DPSS", "Hann", "Sine", "Taper"]

FloatArray = NDArray[np.float64]


class Taper(abc.ABC):
    """One or several sequences of weights; periodograms of several are averaged."""

    @abc.abstractmethod
    def weights(self, n: int) -> FloatArray:
        """Return the weights ``(count, n)``; the squares of each row add up to 1."""


@dataclass(frozen=True)
class Hann(Taper):
    r"""The taper :math:`\sin^2[\pi (t + 1/2) / n]`: leakage falls like distance to the power -6.

    Examples
    --------
    >>> from astrokit.timing import Hann
    >>> Hann().weights(4).round(3)
    array([[0.12 , 0.697, 0.697, 0.12 ]])
    """

    def weights(self, n: int) -> FloatArray:
        bare = np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2
        return np.atleast_2d(bare / np.linalg.norm(bare))


@dataclass(frozen=True)
class Sine(Taper):
    r"""The first of the orthogonal tapers :math:`\sin[\pi k (t + 1) / (n + 1)]`, k = 1, 2, ...

    The tapers of least local bias (Riedel & Sidorenko 1995, IEEE Trans. Signal Process. 43, 188).

    Parameters
    ----------
    count : int
        Number of tapers: more use the ends of the curve better, and blur more.

    Raises
    ------
    InputError
        For a count that is no whole number from 1 on.

    Examples
    --------
    >>> from astrokit.timing import Sine
    >>> Sine().weights(5).round(3)
    array([[0.289, 0.5  , 0.577, 0.5  , 0.289]])
    """

    count: int = 1

    def __post_init__(self) -> None:
        if self.count != int(self.count) or self.count < 1:
            raise InputError("count must be a whole number >= 1", value=self.count)

    def weights(self, n: int) -> FloatArray:
        if n <= 4 * self.count:
            raise InputError(
                "the curve is too short for these tapers", value=n, allowed=f"> {4 * self.count}"
            )
        order = np.arange(1, self.count + 1)[:, None]
        return np.sqrt(2 / (n + 1)) * np.sin(np.pi * order * np.arange(1, n + 1) / (n + 1))


@dataclass(frozen=True)
class DPSS(Taper):
    """Orthogonal tapers, each concentrated in a band of frequencies as well as can be.

    Discrete prolate spheroidal sequences (Thomson 1982, Proc. IEEE 70, 1055). Averages over
    several keep nearly all the information that a single taper throws away at the ends.

    Parameters
    ----------
    bandwidth : float
        Half width of the band in units of 1 / duration, > 0.5.
    count : int, optional
        Number of tapers; by default all that hardly leak, ``2 * bandwidth - 1``.

    Raises
    ------
    InputError
        For a bandwidth or number that makes no tapers.

    Examples
    --------
    >>> from astrokit.timing import DPSS
    >>> DPSS(4).weights(64).shape
    (7, 64)
    """

    bandwidth: float = 4.0
    count: int | None = None

    def __post_init__(self) -> None:
        if not self.bandwidth > 0.5:
            raise InputError("bandwidth is too narrow", value=self.bandwidth, allowed="> 0.5")
        count = max(1, int(2 * self.bandwidth - 1)) if self.count is None else self.count
        if count != int(count) or not 1 <= count <= 2 * self.bandwidth:
            raise InputError(
                "count does not fit the bandwidth",
                value=count,
                allowed=f"1 to {int(2 * self.bandwidth)}",
                hint="more tapers than twice the bandwidth leak",
            )
        object.__setattr__(self, "count", int(count))

    def weights(self, n: int) -> FloatArray:
        from scipy.signal.windows import dpss

        if n <= 4 * self.bandwidth:
            allowed = f"> {4 * self.bandwidth:g}"
            raise InputError("the curve is too short for these tapers", value=n, allowed=allowed)
        return np.atleast_2d(dpss(n, self.bandwidth, Kmax=self.count))
