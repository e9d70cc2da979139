r"""The autocovariance that a power spectrum implies for time bins on a regular grid.

Not of the rates themselves but of their *first differences*: with S the one-sided spectrum, w the
width and :math:`\Delta` the spacing of the bins,

.. math::

    R_k = \int_0^\infty S(f)\, \mathrm{sinc}^2(f w)\, 4 \sin^2(\pi f \Delta)\,
          \cos(2\pi f k \Delta)\, \mathrm{d}f .

Differences do not know the mean, and their spectrum is flatter by two: where the covariance of the
rates of a steep spectrum is singular to machine precision, that of their differences is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DifferenceAutocovariance", "structure_function"]

FloatArray = NDArray[np.float64]
_PADDING = 8  # length of the Fourier grid over that of the lags
_BLEND = (4.0, 64.0)  # in 1 / (length of the lags): quadrature below, Fourier transform above
_SHORTEST = 256  # lags: the blend ends well below the Nyquist frequency
_BLEND_WIDTH = 5.5  # erfc(5.5) is 7e-15
_ALIASES = 24  # bands above the first that are summed one by one
_CHEBYSHEV = 16  # nodes for the power folded from above, smooth in the band: 5.8**-16 is 6e-13
_GAUSS = 12  # nodes of a panel of the quadrature
_CYCLES = 2.5  # oscillations that a panel of so many nodes resolves to rounding


@dataclass(frozen=True, eq=False)
class DifferenceAutocovariance:
    """What turns a spectrum into autocovariances of differences on a regular grid.

    Everything that does not depend on the spectrum is computed once: the spectrum is evaluated at
    ``log_frequency`` and :meth:`transform` does the rest, for many spectra at a time.

    Parameters
    ----------
    n : int
        Number of lags, 0 to n - 1.
    dt : float
        Spacing of the bins.
    width : float
        Width of the bins, 0 < width <= dt.
    cutoff : float
        The spectrum is flat below this frequency.

    Examples
    --------
    Differences of contiguous bins of white noise have variance 2 s^2 and covariance -s^2 with the
    next, where s^2 = S / (2 width):

    >>> import numpy as np
    >>> from astrokit.timing.autocovariance import DifferenceAutocovariance
    >>> grid = DifferenceAutocovariance(64, 1.0, 1.0, 1e-4)
    >>> R = grid.of(lambda f: np.full(f.size, 2.0))
    >>> bool(np.abs(R[:3] - [2, -1, 0]).max() < 1e-5)
    True
    """

    n: int
    dt: float
    width: float
    cutoff: float
    log_frequency: FloatArray = field(init=False)
    _low: FloatArray = field(init=False)  # (quadrature nodes, n): spectrum to lags
    _weight: FloatArray = field(init=False)  # (Fourier nodes,)
    _fold: FloatArray = field(init=False)  # (alias nodes,): weight of each in its Chebyshev sum
    _spread: FloatArray = field(init=False)  # (Chebyshev nodes, n): folded power to lags

    def __post_init__(self) -> None:
        longer = max(self.n, _SHORTEST)
        length, size = longer * self.dt, _PADDING * longer
        f_low, low = self._quadrature(length)
        f_high = np.arange(size // 2 + 1) / (size * self.dt)
        weight = _blend(f_high, length) * self._response(f_high)
        f_alias, fold, spread = self._aliases(f_high)
        f_high[0] = f_high[1]  # its weight is zero
        frequency = np.concatenate([f_low, f_high, f_alias.ravel()])
        state = {
            "log_frequency": np.log(np.maximum(frequency, self.cutoff)),
            "_low": low,
            "_weight": weight / (2.0 * size * self.dt),
            "_fold": fold,
            "_spread": spread,
        }
        for name, value in state.items():
            object.__setattr__(self, name, value)

    def of(self, psd: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """Return the autocovariance ``(n,)`` of differences for ``psd(frequency)``.

        Parameters
        ----------
        psd : callable
            One-sided, in squared units of the rate per unit of frequency.
        """
        return self.transform(np.atleast_2d(psd(np.exp(self.log_frequency))))[0]

    def transform(self, power: FloatArray) -> FloatArray:
        """Return autocovariances ``(m, n)`` for spectra ``(m, nodes)`` at ``log_frequency``.

        The error, as a part of the largest, is below 1e-7 for slopes from 1 to 4 and contiguous
        bins (2e-6 for narrower ones); it falls with the slope, to 1e-14 at 3, and below slope 1 it
        stays below 1e-5.
        """
        from scipy import fft

        m, n_low, n_high = power.shape[0], self._low.shape[0], self._weight.size
        low, high, alias = np.split(power, [n_low, n_low + n_high], axis=1)
        size = 2 * (n_high - 1)
        transformed = fft.irfft(high * self._weight, size, axis=1)[:, : self.n] * size
        folded = self._folded(alias.reshape(m, _CHEBYSHEV, -1))
        return low @ self._low + transformed + folded @ self._spread

    # -- parts -----------------------------------------------------------------------------------

    def _response(self, f: FloatArray) -> FloatArray:
        """Return what averaging over bins and taking differences do to power at `f`."""
        return 4.0 * (np.sinc(f * self.width) * np.sin(np.pi * f * self.dt)) ** 2

    def _quadrature(self, length: float) -> tuple[FloatArray, FloatArray]:
        """Return nodes below the blend and the matrix that takes the spectrum there to lags."""
        top = min(_BLEND[1] / length, 0.5 / self.dt)
        edges = _panels(min(self.cutoff, 0.5 * top), top, length)
        x, gauss = np.polynomial.legendre.leggauss(_GAUSS)
        half = 0.5 * np.diff(edges)
        f = (edges[:-1, None] + half[:, None] * (1.0 + x)).ravel()
        weight = (half[:, None] * gauss).ravel() * self._response(f) * (1.0 - _blend(f, length))
        lags = 2.0 * np.pi * self.dt * np.arange(self.n)
        return f, weight[:, None] * np.cos(f[:, None] * lags)

    def _aliases(self, f_high: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return frequencies ``(nodes, 2 aliases + 4)`` that fold into the band, and weights.

        The folded power is summed at Chebyshev nodes f of the band; the last four columns give its
        tail, as the integral of a power law from the last band on.
        """
        nodes = np.cos(np.pi * (np.arange(_CHEBYSHEV) + 0.5) / _CHEBYSHEV)
        f = (1.0 + nodes) / (4.0 * self.dt)
        m = np.arange(1, _ALIASES + 1) / self.dt
        above = np.concatenate([f[:, None] + m, m - f[:, None]], axis=1)
        edge = (_ALIASES + 0.5) / self.dt
        ends = np.stack([edge + f, edge - f], axis=1)
        tails = np.concatenate([ends, 2.0 * ends], axis=1)
        fold = np.sinc(above * self.width) ** 2
        contiguous = abs(self.width / self.dt - 1.0) < 1e-9
        phase = np.sin(np.pi * f * self.width) ** 2 if contiguous else np.full(f.size, 0.5)
        last = phase[:, None] * self.dt / (np.pi * self.width) ** 2 / ends
        fold = np.concatenate([fold, last], axis=1)
        values = _chebyshev_matrix(nodes, 4.0 * self.dt * f_high - 1.0)
        size = 2 * (f_high.size - 1)
        values *= 4.0 * np.sin(np.pi * f_high * self.dt) ** 2 / (2.0 * size * self.dt)
        spread = np.fft.irfft(values, size, axis=1)[:, : self.n] * size
        return np.concatenate([above, tails], axis=1), fold, spread

    def _folded(self, power: FloatArray) -> FloatArray:
        """Return the folded power ``(m, Chebyshev nodes)``."""
        plain, near, far = np.split(power, [2 * _ALIASES, 2 * _ALIASES + 2], axis=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.nan_to_num(np.log(near / far) / np.log(2.0))
        tail = near / np.maximum(1.0 + slope, 0.1)
        return np.sum(plain * self._fold[:, :-2], axis=2) + np.sum(
            tail * self._fold[:, -2:], axis=2
        )


def structure_function(differences: FloatArray) -> FloatArray:
    """Return the mean squared difference at lags 0 to n from autocovariances ``(n,)`` at 0 to n-1.

    Examples
    --------
    A random walk with steps of variance 1:

    >>> from astrokit.timing.autocovariance import structure_function
    >>> import numpy as np
    >>> structure_function(np.array([1.0, 0.0, 0.0]))
    array([0., 1., 2., 3.])
    """
    slope = 2.0 * np.cumsum(differences) - differences[0]
    return np.concatenate([[0.0], np.cumsum(slope)])


def _blend(f: FloatArray, length: float) -> FloatArray:
    """Return 0 for low and 1 for high frequencies, with a step smooth in ln f between."""
    from scipy.special import erfc

    low, high = np.log(_BLEND[0] / length), np.log(_BLEND[1] / length)
    place = 2.0 * (np.log(np.maximum(f, 1e-300)) - low) / (high - low) - 1.0
    return 0.5 * erfc(-_BLEND_WIDTH * place)


def _panels(cutoff: float, top: float, length: float) -> FloatArray:
    """Return edges from 0 to `top`: growing ones, none with too many oscillations."""
    widest = _CYCLES / length
    edges = [0.0, cutoff]
    while edges[-1] < top:
        edges.append(edges[-1] + min(0.6 * edges[-1], widest))
    edges[-1] = top
    return np.array(edges)


def _chebyshev_matrix(nodes: FloatArray, x: FloatArray) -> FloatArray:
    """Return ``(nodes, x)``: the values at `x` of the polynomials that are 1 at one node each."""
    order = np.arange(nodes.size)
    at_nodes = np.cos(order[:, None] * np.arccos(nodes)) * (2.0 / nodes.size)
    at_nodes[0] *= 0.5
    return at_nodes.T @ np.cos(order[:, None] * np.arccos(np.clip(x, -1.0, 1.0)))
