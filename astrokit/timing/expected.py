r"""The periodogram that is to be expected of the tapered differences of a light curve.

With S the spectrum, sampled in bins of width w and spacing :math:`\Delta`, differences of
neighbouring bins have the spectrum

.. math:: P(f) = 4 \sin^2(\pi f \Delta) \sum_m \mathrm{sinc}^2[(f + m/\Delta) w]\, S(|f + m/\Delta|)

and no mean. Their tapered periodogram is expected to be P convolved with the squared transform of
the taper: in lags, the autocovariance times the autocorrelation of the taper, a product between two
Fourier transforms (Sykulski et al. 2019). Near zero frequency a steep P is no function that a grid
could sample; there a Gauss-Legendre rule takes over, with a smooth transition between the two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["ExpectedPeriodogram"]

FloatArray = NDArray[np.float64]
_POINTS_TO_BLEND = 32.0  # of the grid below which only the quadrature counts
_BLEND_RATIO = 16.0
_BLEND_WIDTH = 5.5  # erfc(5.5) is 7e-15
_GAUSS = 12  # nodes of a panel of the quadrature
_CYCLES = 2.5  # oscillations that a panel of so many nodes resolves to rounding
_REACH = 2048  # ordinates above the blend up to which low frequencies leak, if they do at all
_ALIASES = 24  # bands above the first that are summed one by one
_TAIL = 6  # nodes for the integral over all bands above
_CHEBYSHEV = 16  # nodes for the power folded from above, smooth in the band
_TABULATED = 200_000  # nodes of the grid up to which these polynomials are kept: 26 MB
_OVERSAMPLED = 16  # table of the transform of the taper, points per Fourier frequency
_INTERPOLATED = 8  # points of that table that one value uses


class ExpectedPeriodogram:
    """Turns spectra into expected periodograms of tapered differences.

    Everything that does not depend on the spectrum is computed once. The spectrum is evaluated at
    ``log_frequency``; :meth:`transform` is linear in it.

    Parameters
    ----------
    n : int
        Number of bins.
    dt, width : float
        Their spacing and width.
    cutoff : float
        The spectrum is flat below this frequency.
    weights : ndarray, shape (count, n - 1)
        Tapers of the differences, each of unit sum of squares.

    Attributes
    ----------
    size : int
        Length of the transform: n, or the next even number that the FFT likes.
    frequency : ndarray, shape (size // 2,)
        Of the ordinates, the Nyquist frequency last.
    log_frequency : ndarray, shape (nodes,)

    Examples
    --------
    White noise of power 2: differences of contiguous bins have the spectrum 8 sin^2(pi f).

    >>> import numpy as np
    >>> from astrokit.timing import Hann
    >>> from astrokit.timing.expected import ExpectedPeriodogram
    >>> plan = ExpectedPeriodogram(128, 1.0, 1.0, 1e-4, Hann().weights(127))
    >>> power = plan.transform(np.full((1, plan.log_frequency.size), 2.0))[0]
    >>> bool(np.allclose(power[8:], 8 * np.sin(np.pi * plan.frequency[8:]) ** 2, rtol=0.01))
    True
    """

    def __init__(self, n: int, dt: float, width: float, cutoff: float, weights: FloatArray) -> None:
        from scipy import fft

        self.n, self.dt, self.width, self.cutoff = n, dt, width, cutoff
        self.size = 2 * int(fft.next_fast_len((n + 1) // 2, real=True))
        self.frequency = np.arange(1, self.size // 2 + 1) / (self.size * dt)
        self._finer = max(2, -(-2048 // n))
        self._blend_from = _POINTS_TO_BLEND / (self._finer * self.size * dt)
        grid = np.arange(self._finer * self.size // 2 + 1) / (self._finer * self.size * dt)
        self._lag_window = _autocorrelation(weights, self._finer * self.size)
        f_low, low = self._quadrature(weights)
        self._low = low
        self._comb = 4.0 * np.sin(np.pi * grid * dt) ** 2
        self._weight = self._comb * np.sinc(grid * width) ** 2 * self._blend(grid)
        self._grid_place = 4.0 * dt * grid - 1.0  # -1 to 1, for Chebyshev polynomials
        self._polynomials: FloatArray | None = None
        if grid.size <= _TABULATED:
            table = np.polynomial.chebyshev.chebvander(self._grid_place, _CHEBYSHEV - 1)
            self._polynomials = np.ascontiguousarray((table * self._comb[:, None]).T)
        f_alias, self._fold = self._aliases()
        grid[0] = grid[1]  # its weight is zero
        nodes = np.concatenate([f_low, grid, f_alias.ravel()])
        self._ends = [f_low.size, f_low.size + grid.size]
        self.log_frequency: FloatArray = np.log(np.maximum(nodes, cutoff))

    def transform(self, power: FloatArray) -> FloatArray:
        """Return expected periodograms ``(m, size // 2)`` of spectra ``(m, nodes)``."""
        from scipy import fft

        low, high, alias = np.split(power, self._ends, axis=1)
        size = self._finer * self.size
        lags = fft.irfft(self._differenced(high, alias), size, axis=1)
        lags *= self._lag_window
        result = fft.rfft(lags, axis=1)[:, self._finer :: self._finer].real
        reach = self._low.shape[1]
        result[:, :reach] += low @ self._low
        return np.ascontiguousarray(result)

    def white(self, variance: FloatArray, weights: FloatArray) -> FloatArray:
        """Return what independent noise of variance ``(n,)`` in each bin adds, ``(size // 2,)``."""
        before = np.pad(weights, ((0, 0), (1, 0)))
        after = np.pad(weights, ((0, 0), (0, 1)))
        squares = np.mean((before**2 + after**2) @ variance)
        products = np.mean((before * after) @ variance)
        wave = np.cos(2.0 * np.pi * self.frequency * self.dt)
        return np.asarray(2.0 * self.dt * (squares - 2.0 * products * wave))

    def simulate(self, power: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return differences ``(n - 1,)`` drawn from the process of a spectrum ``(nodes,)``.

        Their covariance is the one of which :meth:`transform` takes the periodogram.
        """
        from scipy import fft

        from .expected_kernels import add_waves

        low, high, alias = np.split(power[None, :], self._ends, axis=1)
        size = self._finer * self.size
        variance = np.maximum(self._differenced(high, alias)[0], 0.0)
        # irfft of normal coefficients of variance P size / (4 dt) has the covariance irfft(P/2dt).
        scale = np.sqrt(variance * size / (4.0 * self.dt))
        parts = rng.standard_normal((2, scale.size))
        coefficients = scale * (parts[0] + 1j * parts[1])
        coefficients[[0, -1]] = np.sqrt(2.0) * scale[[0, -1]] * parts[0, [0, -1]]
        result = fft.irfft(coefficients, size)[: self.n - 1].copy()
        amplitude = np.sqrt(low[0] * self._quadrature_weight)
        waves = rng.standard_normal((2, amplitude.size)) * amplitude
        add_waves(2.0 * np.pi * self._quadrature_frequency * self.dt, waves[0], waves[1], result)
        return np.asarray(result)

    # -- parts -----------------------------------------------------------------------------------

    def _differenced(self, high: FloatArray, alias: FloatArray) -> FloatArray:
        """Return the spectrum of differences on the grid, without what the quadrature takes."""
        folded = np.einsum("mca,ca->mc", alias.reshape(len(alias), _CHEBYSHEV, -1), self._fold)
        coefficients = folded @ _to_chebyshev()
        if self._polynomials is not None:
            return np.asarray(high * self._weight + coefficients @ self._polynomials)
        smooth = np.polynomial.chebyshev.chebval(self._grid_place, coefficients.T)
        return np.asarray(high * self._weight + self._comb * smooth)

    def _blend(self, f: FloatArray) -> FloatArray:
        """Return 0 for low and 1 for high frequencies, with a step smooth in ln f between."""
        from scipy.special import erfc

        place = np.log(np.maximum(f, 1e-300) / self._blend_from) / np.log(_BLEND_RATIO)
        return np.asarray(0.5 * erfc(-_BLEND_WIDTH * (2.0 * place - 1.0)))

    def _quadrature(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return nodes below the blend, and the matrix from the spectrum there to ordinates."""
        length = self.size * self.dt
        top = min(_BLEND_RATIO * self._blend_from, 0.5 / self.dt)
        edges = _panels(min(self.cutoff, 0.5 * top), top, _CYCLES / length)
        x, gauss = np.polynomial.legendre.leggauss(_GAUSS)
        half = 0.5 * np.diff(edges)
        f = (edges[:-1, None] + half[:, None] * (1.0 + x)).ravel()
        response = 4.0 * (np.sinc(f * self.width) * np.sin(np.pi * f * self.dt)) ** 2
        weight = (half[:, None] * gauss).ravel() * response * (1.0 - self._blend(f))
        self._quadrature_frequency, self._quadrature_weight = f, weight
        reach = min(self.size // 2, int(np.ceil(top * length)) + _REACH)
        table = _TaperTable(weights, self.size, min(1.0, (reach + top * length + 1) / self.size))
        places = f[:, None] * length
        ordinates = np.arange(1, reach + 1)
        window = table(np.abs(ordinates - places)) + table(ordinates + places)
        return f, self.dt * weight[:, None] * window

    def _aliases(self) -> tuple[FloatArray, FloatArray]:
        """Return frequencies ``(Chebyshev nodes, k)`` that fold into the band, and weights."""
        f = (1.0 + _chebyshev_nodes()) / (4.0 * self.dt)
        m = np.arange(1, _ALIASES + 1) / self.dt
        above = np.concatenate([f[:, None] + m, m - f[:, None]], axis=1)
        fold = np.sinc(above * self.width) ** 2
        contiguous = abs(self.width / self.dt - 1.0) < 1e-9
        phase = np.sin(np.pi * f * self.width) ** 2 if contiguous else np.full(f.size, 0.5)
        x, gauss = np.polynomial.legendre.leggauss(_TAIL)
        u, share = 0.5 * (1.0 + x), 0.5 * gauss
        frequencies, weights = [above], [fold]
        for sign in (1.0, -1.0):
            edge = (_ALIASES + 0.5) / self.dt + sign * f
            scale = phase * self.dt / ((np.pi * self.width) ** 2 * edge)
            frequencies.append(edge[:, None] / u)
            weights.append(scale[:, None] * share)
        return np.concatenate(frequencies, axis=1), np.concatenate(weights, axis=1)


class _TaperTable:
    """The mean squared transform of tapers, at any distance in units of 1 / (size dt)."""

    def __init__(self, weights: FloatArray, size: int, top: float) -> None:
        from scipy.signal import ZoomFFT

        margin = _INTERPOLATED
        count = int(np.ceil(top * size * _OVERSAMPLED)) + 2 * margin
        last = count / (size * _OVERSAMPLED)
        zoom = ZoomFFT(weights.shape[1], [0.0, last], count + 1, fs=1.0, endpoint=True)
        right = np.mean(np.abs(zoom(weights, axis=1)) ** 2, axis=0)
        self._values = np.concatenate([right[margin:0:-1], right])
        self._margin = margin

    def __call__(self, distance: FloatArray) -> FloatArray:
        place = distance * _OVERSAMPLED
        base = np.floor(place).astype(np.int64) - (_INTERPOLATED // 2 - 1)
        offset = place - base
        result = np.zeros(place.shape)
        for k in range(_INTERPOLATED):
            weight = np.ones(place.shape)
            for j in range(_INTERPOLATED):
                if j != k:
                    weight *= (offset - j) / (k - j)
            result += weight * self._values[base + k + self._margin]
        return result


def _autocorrelation(weights: FloatArray, size: int) -> FloatArray:
    """Return the mean circular autocorrelation of tapers at lags ``(size,)``."""
    from scipy import fft

    total = np.zeros(size // 2 + 1)
    for row in weights:
        total += np.abs(fft.rfft(row, size)) ** 2
    return np.asarray(fft.irfft(total / len(weights), size))


def _panels(cutoff: float, top: float, widest: float) -> FloatArray:
    """Return edges from 0 to `top`: growing ones, none wider than `widest`."""
    edges = [0.0, cutoff]
    while edges[-1] < top:
        edges.append(edges[-1] + min(0.6 * edges[-1], widest))
    edges[-1] = top
    return np.array(edges)


def _chebyshev_nodes() -> FloatArray:
    return np.asarray(np.cos(np.pi * (np.arange(_CHEBYSHEV) + 0.5) / _CHEBYSHEV))


def _to_chebyshev() -> FloatArray:
    """Return ``(nodes, order)``: from values at the nodes to coefficients."""
    order = np.arange(_CHEBYSHEV)
    matrix = np.cos(np.arccos(_chebyshev_nodes())[:, None] * order) * (2.0 / _CHEBYSHEV)
    matrix[:, 0] *= 0.5
    return np.asarray(matrix)
