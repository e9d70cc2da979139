"""Realisations that serve every spectrum of a family at once.

The Fourier amplitudes of a realisation are cut into overlapping bands of frequency, each with the
amplitudes of a reference spectrum. A realisation of another spectrum with the same random numbers
is a weighted sum of the bands: the weights are the ratio of the two amplitudes at the nodes between
which it is interpolated by cubics. Observation, windowing and Fourier transform are linear, so they
are done once for each band; what is kept of a realisation are the products of bands, averaged over
bins of frequency, and the periodogram of any spectrum is a quadratic form in its weights.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .sampling import Sampling
from .simulate import Realiser, good_length

if TYPE_CHECKING:
    from ..lightcurve import LightCurve

__all__ = ["BandedDraws", "Bands", "Transform"]

FloatArray = NDArray[np.float64]
_FIRST_STEP, _FINEST_STEP = 0.8, 0.05  # of nodes in ln frequency
_INTERPOLATION = 1e-3  # largest relative error of an amplitude
_PROBES = 2000  # frequencies at which that is checked
_MOST_PHASES = 2**25  # of a direct transform: 256 MB
_ROWS_AT_ONCE = 2**21  # values of bands transformed at a time: 16 MB


# -- bands ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Bands:
    """Nodes in frequency between which ratios of amplitudes are interpolated.

    Attributes
    ----------
    frequency : ndarray, shape (m,)
        Nodes, even in the logarithm; the outermost lie beyond the modes.
    reference : ndarray, shape (m,)
        The reference spectrum there.
    error : float
        Largest relative error of an interpolated amplitude.
    """

    frequency: FloatArray
    reference: FloatArray
    error: float

    @classmethod
    def of(
        cls,
        spectra: Callable[[FloatArray], FloatArray],
        reference: Callable[[FloatArray], FloatArray],
        span: tuple[float, float],
    ) -> Bands:
        """Return nodes close enough for all `spectra` ``(n, m)`` over a span of frequency.

        Raises
        ------
        InputError
            Where even close nodes are not enough: for spectra with jumps or narrow lines.
        """
        step = _FIRST_STEP
        while True:
            cells = max(1, math.ceil(math.log(span[1] / span[0]) / step))
            nodes = span[0] * (span[1] / span[0]) ** (np.arange(-1, cells + 2) / cells)
            bands = cls(nodes, reference(nodes), 0.0)
            probes = np.geomspace(*span, max(_PROBES, 8 * cells))
            exact = np.sqrt(spectra(probes) / reference(probes))
            found = bands.weights(spectra(nodes)) @ bands.basis(probes)
            error = float(np.abs(found / exact - 1.0).max())
            if error <= _INTERPOLATION:
                return cls(nodes, bands.reference, error)
            step /= 1.5
            if step < _FINEST_STEP:
                raise InputError(
                    "the spectra of this family are not smooth enough",
                    value=f"amplitudes interpolated to {error:.2g}",
                    allowed=f"{_INTERPOLATION:g}",
                    hint="replace jumps and lines by smooth bends",
                )

    def weights(self, power: FloatArray) -> FloatArray:
        """Return the weights of the bands ``(n, m)`` for spectra at the nodes ``(n, m)``."""
        return np.sqrt(power / self.reference)

    def cells(self, frequency: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
        """Return the first of four nodes and their cubic weights ``(4, k)`` at frequencies."""
        size = self.frequency.size
        step = math.log(self.frequency[1] / self.frequency[0])
        place = np.log(frequency / self.frequency[0]) / step
        first = np.clip(place.astype(np.int64) - 1, 0, size - 4)
        t = place - first - 1.0
        weights = np.array(
            [
                -t * (t - 1.0) * (t - 2.0) / 6.0,
                (t + 1.0) * (t - 1.0) * (t - 2.0) / 2.0,
                -(t + 1.0) * t * (t - 2.0) / 2.0,
                (t + 1.0) * t * (t - 1.0) / 6.0,
            ]
        )
        return first, weights

    def basis(self, frequency: FloatArray) -> FloatArray:
        """Return the shape of each band at frequencies, ``(m, k)``."""
        first, weights = self.cells(frequency)
        out = np.zeros((self.frequency.size, frequency.size))
        for i in range(4):
            out[first + i, np.arange(frequency.size)] += weights[i]
        return out


# -- transforms -----------------------------------------------------------------------------------


@dataclass(eq=False)
class Transform:
    """Fourier transform of the valid bins of a curve: fast on a grid (with gaps), else direct.

    Attributes
    ----------
    frequency : ndarray, shape (m,)
        Multiples of one over the duration, up to half the mean sampling rate.
    edges : ndarray of int, shape (bins + 1,)
        Ordinates ``edges[b]`` to ``edges[b + 1]`` are averaged in bin b.
    time : ndarray, shape (n,)
    position : ndarray of int, shape (n,), or None
        Places on the grid.
    size : int
        Bins of the grid, 0 without one.
    """

    frequency: FloatArray
    edges: NDArray[np.int64]
    time: FloatArray
    position: NDArray[np.int64] | None
    size: int
    _phases: FloatArray | None = field(default=None, repr=False)

    @classmethod
    def of(cls, like: LightCurve, ratio: float, min_count: int) -> Transform:
        """Return the transform of a curve, its ordinates in bins of a `ratio` of frequencies.

        Raises
        ------
        InputError
            For an irregular curve too long for a direct transform.
        """
        valid = np.flatnonzero(like.valid)
        time = like.time[valid] - like.time[valid[0]]
        try:
            grid = like.on_regular_grid()
        except InputError:
            span = float(time[-1]) * (1 + 1 / (time.size - 1))
            frequency = np.arange(1, time.size // 2 + 1) / span
            if 2 * frequency.size * time.size > _MOST_PHASES:
                raise InputError(
                    "the irregular curve is too long for a direct Fourier transform",
                    value=f"{time.size} points",
                    allowed=f"at most {math.isqrt(_MOST_PHASES)}",
                    hint="rebin it, for example onto a regular grid with gaps",
                ) from None
            return cls(frequency, log_edges(frequency, ratio, min_count), time, None, 0)
        frequency = np.arange(1, grid.n // 2 + 1) / (grid.n * grid.dt)
        position = np.flatnonzero(grid.valid).astype(np.int64)
        return cls(frequency, log_edges(frequency, ratio, min_count), time, position, grid.n)

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return real and imaginary parts in turn ``(rows, 2 m)`` of rows `x` ``(rows, n)``."""
        x = x - x.mean(axis=1, keepdims=True)
        if self.position is not None:
            from scipy import fft

            grid = np.zeros((len(x), self.size))
            grid[:, self.position] = x
            transform = fft.rfft(grid, axis=1)[:, 1 : self.frequency.size + 1]
            return np.ascontiguousarray(transform).view(np.float64)
        if self._phases is None:
            angle = 2 * np.pi * np.outer(self.time, self.frequency)
            self._phases = np.stack([np.cos(angle), np.sin(angle)], axis=2).reshape(x.shape[1], -1)
        return x @ self._phases

    @property
    def binned_frequency(self) -> FloatArray:
        """Geometric mean frequency of each bin."""
        logs = np.log(self.frequency)
        return np.exp([logs[a:b].mean() for a, b in zip(self.edges, self.edges[1:], strict=False)])

    def products(self, transforms: FloatArray) -> FloatArray:
        """Return means over each bin of products of rows, ``(bins, rows, rows)``."""
        out = np.empty((self.edges.size - 1, len(transforms), len(transforms)))
        for b, (start, stop) in enumerate(zip(self.edges, self.edges[1:], strict=False)):
            part = transforms[:, 2 * start : 2 * stop]
            out[b] = part @ part.T / (stop - start)
        return out


def log_edges(frequency: FloatArray, ratio: float, min_count: int) -> NDArray[np.int64]:
    """Return edges of bins that span a `ratio` and hold `min_count` ordinates or more."""
    edges = [0]
    while edges[-1] < frequency.size:
        beyond = int(np.searchsorted(frequency, frequency[edges[-1]] * ratio, side="left"))
        edges.append(max(beyond, edges[-1] + min_count))
    if (
        len(edges) > 2 and edges[-1] > frequency.size
    ):  # the last bin is short: it joins its neighbour
        edges.pop()
    edges[-1] = frequency.size
    return np.array(edges, dtype=np.int64)


# -- draws ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class BandedDraws:
    """Simulated observations in bands, as products of their transforms.

    Attributes
    ----------
    bands : Bands
    transform : Transform
    sampling : Sampling
    realise : Realiser
        Of the reference spectrum.
    valid : ndarray of bool, shape (all bins,)
    sigma : ndarray, shape (n,)
        Errors of the valid bins, relative to the mean rate.
    """

    bands: Bands
    transform: Transform
    sampling: Sampling
    realise: Realiser
    valid: NDArray[np.bool_]
    sigma: FloatArray

    @staticmethod
    def span(sampling: Sampling, longer: int) -> tuple[float, float]:
        """Return the lowest and the highest frequency of a realisation."""
        size = good_length(sampling.cells * longer)
        return 1.0 / (size * sampling.step), 0.5 / sampling.step

    def __call__(self, item: int, seed: np.random.SeedSequence) -> FloatArray:
        """Return the products of one realisation: bands, then noise; ``(bins, pairs)``.

        Pairs are those of the lower triangle, row by row.
        """
        source, noise = (np.random.default_rng(child) for child in seed.spawn(2))
        coefficients = self.realise.coefficients(source)[0]
        rows = np.empty((self.bands.frequency.size + 1, self.sigma.size))
        self._fill(coefficients, rows)
        rows[-1] = self.sigma * noise.standard_normal(self.sigma.size)
        products = self.transform.products(self.transform(rows))
        low = np.tril_indices(len(rows))
        return products[:, low[0], low[1]]

    def _fill(self, coefficients: NDArray[np.complex128], rows: FloatArray) -> None:
        """Write the observed bands into `rows`."""
        from scipy import fft

        size = self.realise.size
        at_once = max(1, _ROWS_AT_ONCE // size)
        pieces = self._pieces
        for start in range(0, len(pieces), at_once):
            some = pieces[start : start + at_once]
            spectra = np.zeros((len(some), coefficients.size), dtype=complex)
            for row, (at, shape) in zip(spectra, some, strict=True):
                row[at] = coefficients[at] * shape
            fine = fft.irfft(spectra, size, axis=1, overwrite_x=True)
            rows[start : start + len(some)] = self.sampling.observe_many(fine)[:, self.valid]

    @functools.cached_property
    def _pieces(self) -> list[tuple[slice, FloatArray]]:
        """Where each band is not zero among the coefficients, and its shape there."""
        modes = np.arange(1, self.realise.size // 2 + 1)
        frequency = modes / (self.realise.size * self.sampling.step)
        first, weights = self.bands.cells(frequency)
        pieces = []
        for m in range(self.bands.frequency.size):
            inside = np.flatnonzero((first <= m) & (first + 3 >= m))
            start, stop = (int(inside[0]), int(inside[-1]) + 1) if inside.size else (0, 0)
            shape = weights[m - first[start:stop], np.arange(start, stop)]
            pieces.append((slice(start + 1, stop + 1), shape))
        return pieces

    def observed(self, x: FloatArray) -> FloatArray:
        """Return the binned periodogram ``(bins,)`` of relative deviations `x` ``(n,)``."""
        return self.transform.products(self.transform(x[None, :]))[:, 0, 0]
