"""Ways to the Gaussian likelihood of a light curve: Toeplitz, dense and celerite engines.

All work on the differences of neighbouring valid bins, which do not know the mean and are far
better conditioned than the rates. An engine belongs to the bins; spectra, noise and data come with
each call.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .autocovariance import DifferenceAutocovariance, structure_function
from .expansion import Expansion
from .exponentials import DifferenceTerms, Tables, grid_autocovariance

if TYPE_CHECKING:
    from .exponentials import Bins

__all__ = [
    "CeleriteEngine",
    "DenseEngine",
    "DenseTermsEngine",
    "Engine",
    "Spectra",
    "ToeplitzEngine",
    "make_engine",
]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
_NUMBERS_AT_ONCE = 2_000_000  # held in memory for a batch: 16 MB
_DENSE_RATIO, _DENSE_REACH = 1.6, 10.0  # of poles where a matrix is filled anyway


@dataclass(frozen=True, eq=False)
class Spectra:
    """Spectra of a model at some points of its parameter space, in parts.

    Attributes
    ----------
    white : ndarray, shape (m,)
        Level of white noise.
    smooth : callable or None
        From ln f ``(nodes,)`` to the power ``(m, nodes)`` of what has no closed form; not
        necessarily positive.
    total : callable
        The same for everything but white noise.
    exact : list of (weight, rate), or None
        For each point complex weights and rates of terms whose covariance is known.
    """

    white: FloatArray
    smooth: Callable[[FloatArray], FloatArray] | None
    total: Callable[[FloatArray], FloatArray]
    exact: list[tuple[ComplexArray, ComplexArray]] | None = None

    def __len__(self) -> int:
        return self.white.size

    def parts(self, rows: int) -> Iterator[tuple[slice, Spectra]]:
        """Yield pieces of at most `rows` points."""
        for start in range(0, len(self), rows):
            yield (part := slice(start, start + rows)), self[part]

    def __getitem__(self, part: slice) -> Spectra:
        smooth = self.smooth
        return Spectra(
            self.white[part],
            None if smooth is None else lambda log_f: smooth(log_f)[part],
            lambda log_f: self.total(log_f)[part],
            None if self.exact is None else self.exact[part],
        )


class Engine(abc.ABC):
    """ln L of differences, their whitening, and simulation, for some bins."""

    name: str = ""

    def __init__(self, bins: Bins, cutoff: float) -> None:
        self.bins = bins

    @property
    def n_terms(self) -> int:
        """Number of exponentials that stand for a spectrum; 0 where it enters exactly."""
        return 0

    @abc.abstractmethod
    def log_likelihoods(
        self, spectra: Spectra, variance: FloatArray, differences: FloatArray
    ) -> FloatArray:
        """Return ``(m,)`` for noise variances ``(n,)`` and differences ``(n - 1,)``."""

    @abc.abstractmethod
    def whitened(
        self, spectra: Spectra, variance: FloatArray, differences: FloatArray
    ) -> FloatArray | None:
        """Return independent standard normal residuals ``(n - 1,)`` of one point, or None."""

    @abc.abstractmethod
    def simulate(
        self, spectra: Spectra, variance: FloatArray, rng: np.random.Generator
    ) -> FloatArray | None:
        """Return rates ``(n,)`` of arbitrary level for one point; None if it has no covariance."""

    def noise(self, variance: FloatArray, white: float) -> FloatArray:
        """Return the variance of the noise of each bin ``(n,)``."""
        return variance + 0.5 * white / self.bins.exposure


# -- on a regular grid, exact ---------------------------------------------------------------------


class _GridEngine(Engine):
    """The bin-averaged autocovariance of the grid, by Fourier transform and quadrature."""

    def __init__(self, bins: Bins, cutoff: float) -> None:
        super().__init__(bins, cutoff)
        self._position = np.arange(bins.n) if bins.position is None else bins.position
        self._size = int(self._position[-1]) + 1
        width = float(bins.width[0])
        self._plan = DifferenceAutocovariance(self._size, bins.spacing, width, cutoff)

    def _covariances(self, spectra: Spectra) -> FloatArray:
        """Return autocovariances ``(m, grid)`` of differences of adjoining bins, without noise."""
        total = np.zeros((len(spectra), self._size))
        if spectra.smooth is not None:
            with np.errstate(over="ignore", invalid="ignore"):
                total += self._plan.transform(spectra.smooth(self._plan.log_frequency))
        for row, (weight, rate) in enumerate(spectra.exact or ()):
            total[row] += grid_autocovariance(self.bins, self._size, rate, weight)
        return total

    def log_likelihoods(
        self, spectra: Spectra, variance: FloatArray, differences: FloatArray
    ) -> FloatArray:
        rows = max(1, _NUMBERS_AT_ONCE // self._plan.log_frequency.size)
        out = np.full(len(spectra), -np.inf)
        for part, some in spectra.parts(rows):
            covariance = self._covariances(some)
            good = np.isfinite(covariance).all(axis=1) & (covariance[:, 0] >= 0)
            values = out[part]
            values[good] = self._values(covariance[good], some.white[good], variance, differences)
        return out

    @abc.abstractmethod
    def _values(
        self, covariance: FloatArray, white: FloatArray, variance: FloatArray, y: FloatArray
    ) -> FloatArray:
        """Return ln L for finite autocovariances ``(m, grid)``."""

    def whitened(
        self, spectra: Spectra, variance: FloatArray, differences: FloatArray
    ) -> FloatArray | None:
        noise = self.noise(variance, spectra.white[0])
        found = _factored(self._matrix(self._covariances(spectra)[0], noise), differences)
        return None if found is None else found[0]

    def _matrix(self, covariance: FloatArray, noise: FloatArray) -> FloatArray:
        from .gaussian_kernels import fill_covariance

        matrix = np.empty((self.bins.n - 1,) * 2)
        structure = structure_function(covariance)
        fill_covariance(structure, covariance, self._position, noise, matrix)
        return matrix

    def simulate(
        self, spectra: Spectra, variance: FloatArray, rng: np.random.Generator
    ) -> FloatArray | None:
        from .gaussian_kernels import durbin_simulate

        steps = rng.standard_normal(self._size - 1)
        if not durbin_simulate(self._covariances(spectra)[0], steps):
            return None
        rate = np.concatenate([[0.0], np.cumsum(steps)])[self._position]
        noise = self.noise(variance, spectra.white[0])
        return rate + np.sqrt(noise) * rng.standard_normal(rate.size)


class ToeplitzEngine(_GridEngine):
    """Levinson-Durbin: n^2 operations, for a curve without gaps and with equal errors."""

    name = "toeplitz"

    def _values(
        self, covariance: FloatArray, white: FloatArray, variance: FloatArray, y: FloatArray
    ) -> FloatArray:
        from .gaussian_kernels import durbin_log_likelihood

        noise = variance[0] + 0.5 * white / self.bins.exposure[0]
        covariance[:, 0] += 2.0 * noise
        covariance[:, 1] -= noise
        out = np.empty(white.size)
        durbin_log_likelihood(covariance, y, out)
        return out


class DenseEngine(_GridEngine):
    """Cholesky: n^3 operations."""

    name = "dense"

    def _values(
        self, covariance: FloatArray, white: FloatArray, variance: FloatArray, y: FloatArray
    ) -> FloatArray:
        matrices = (
            self._matrix(row, self.noise(variance, level))
            for row, level in zip(covariance, white, strict=True)
        )
        return np.array([_normal(_factored(matrix, y)) for matrix in matrices])


# -- at any times, as a sum of exponentials -------------------------------------------------------


class CeleriteEngine(Engine):
    """The spectrum as a sum of Lorentzians: O(N) operations and memory, at any times."""

    name = "celerite"
    ratio, reach = 2.0, 3.0

    def __init__(self, bins: Bins, cutoff: float) -> None:
        super().__init__(bins, cutoff)
        self.expansion = Expansion(bins, cutoff, self.ratio, self.reach)
        self._terms = DifferenceTerms.of(bins, self.expansion.rate)
        self._inverse = 0.5 / bins.exposure

    @property
    def n_terms(self) -> int:
        return self._terms.n_terms

    def log_likelihoods(
        self, spectra: Spectra, variance: FloatArray, differences: FloatArray
    ) -> FloatArray:
        from .semiseparable_kernels import semiseparable_log_likelihood

        out = np.empty(len(spectra))
        rows = max(1, _NUMBERS_AT_ONCE // self.bins.n)
        for part, some in spectra.parts(rows if spectra.exact is None else 1):
            semiseparable_log_likelihood(*self._factors(some, variance), differences, out[part])
        return out

    def _factors(
        self, spectra: Spectra, variance: FloatArray
    ) -> tuple[FloatArray, Tables, FloatArray, FloatArray]:
        """Return weights, tables, variances and covariances of neighbours, noise included."""
        weights, white = self._smooth_weights(spectra)
        noise = variance + white[:, None] * self._inverse
        diagonal = self._terms.variances(weights) + noise[:, 1:] + noise[:, :-1]
        beside = self._terms.besides(weights) - noise[:, 1:-1]
        if spectra.exact is None:
            return weights, self._terms.tables, diagonal, beside
        weight, rate = spectra.exact[0]
        terms, own, near = DifferenceTerms.oscillating(self.bins, rate, weight)
        ones = np.ones((1, terms.n_terms))
        diagonal, beside = diagonal + own, beside + near
        if spectra.smooth is None:
            return ones, terms.tables, diagonal, beside
        weights = np.concatenate([weights, ones], axis=1)
        return weights, self._terms.joined(terms), diagonal, beside

    def _smooth_weights(self, spectra: Spectra) -> tuple[FloatArray, FloatArray]:
        """Return weights of the fixed terms; NaN, which the kernel refuses, for no spectrum."""
        if spectra.smooth is None:
            return np.zeros((len(spectra), self.n_terms)), spectra.white
        log_f = self.expansion.log_frequency
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            power = spectra.smooth(log_f)
            total = power if spectra.exact is None else spectra.total(log_f)
        largest = total.max(axis=1)
        good = np.isfinite(largest) & (total.min(axis=1) > 1e-250 * largest)
        weights = np.full((len(spectra), self.n_terms), np.nan)
        white = spectra.white.copy()
        if good.any():
            scale = largest[good, None]
            weights[good], level = self.expansion.weights(power[good] / scale, total[good] / scale)
            weights[good] *= scale
            white[good] += largest[good] * level
        return weights, white

    def whitened(
        self, spectra: Spectra, variance: FloatArray, differences: FloatArray
    ) -> FloatArray | None:
        from .semiseparable_kernels import semiseparable_whiten

        series = differences.copy()
        good = semiseparable_whiten(*_only(self._factors(spectra, variance)), series)
        return series if good else None

    def simulate(
        self, spectra: Spectra, variance: FloatArray, rng: np.random.Generator
    ) -> FloatArray | None:
        from .semiseparable_kernels import semiseparable_simulate

        steps = rng.standard_normal(self.bins.n - 1)
        if not semiseparable_simulate(*_only(self._factors(spectra, variance)), steps):
            return None
        return np.concatenate([[0.0], np.cumsum(steps)])


class DenseTermsEngine(CeleriteEngine):
    """Cholesky of the same sum with more and closer poles; for irregular times."""

    name = "dense"
    ratio, reach = _DENSE_RATIO, _DENSE_REACH

    def log_likelihoods(
        self, spectra: Spectra, variance: FloatArray, differences: FloatArray
    ) -> FloatArray:
        return np.array(
            [_normal(self._factored(some, variance, differences)) for _, some in spectra.parts(1)]
        )

    def whitened(
        self, spectra: Spectra, variance: FloatArray, differences: FloatArray
    ) -> FloatArray | None:
        found = self._factored(spectra, variance, differences)
        return None if found is None else found[0]

    def _factored(
        self, spectra: Spectra, variance: FloatArray, y: FloatArray
    ) -> tuple[FloatArray, FloatArray] | None:
        from .semiseparable_kernels import fill_exponential_covariance

        matrix = np.empty((y.size,) * 2)
        fill_exponential_covariance(*_only(self._factors(spectra, variance)), matrix)
        return _factored(matrix, y) if np.isfinite(np.diag(matrix)).all() else None


def make_engine(name: str, bins: Bins, cutoff: float) -> Engine:
    """Return the engine called `name` for some bins."""
    if name == "toeplitz":
        return ToeplitzEngine(bins, cutoff)
    if name == "celerite":
        return CeleriteEngine(bins, cutoff)
    regular = bins.position is not None and np.ptp(bins.width) == 0 and bins.width[0] > 0
    return DenseEngine(bins, cutoff) if regular else DenseTermsEngine(bins, cutoff)


# -- parts ----------------------------------------------------------------------------------------


def _only(
    factors: tuple[FloatArray, Tables, FloatArray, FloatArray],
) -> tuple[FloatArray, Tables, FloatArray, FloatArray]:
    """Return the factors of the one point that there is."""
    weights, tables, diagonal, beside = factors
    return weights[0], tables, diagonal[0], beside[0]


def _factored(matrix: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Return whitened data and the diagonal of the Cholesky factor; uses the lower half."""
    from scipy.linalg import lapack

    # The lower half by rows is the upper half by columns, which LAPACK takes without a copy.
    factor, failed = lapack.dpotrf(matrix.T, lower=0, clean=0, overwrite_a=1)
    if failed:
        return None
    whitened, _ = lapack.dtrtrs(factor, y, lower=0, trans=1)
    return whitened, np.diag(factor)


def _normal(found: tuple[FloatArray, FloatArray] | None) -> float:
    if found is None:
        return -np.inf
    whitened, diagonal = found
    constant = whitened.size * np.log(2.0 * np.pi)
    return float(-0.5 * (whitened @ whitened + constant) - np.log(diagonal).sum())
