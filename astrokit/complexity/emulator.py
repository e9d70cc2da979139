"""What noise of a spectral slope makes of pattern frequencies: mean and covariance, by simulation.

Patterns that are mirror images of each other (backwards or upside down) are equally probable in
Gaussian noise and are counted together; their shares at some delays make up the summary of a
series. Windows overlap, so shares are not multinomial: their covariance is simulated, and smooth
functions of the slope are fitted to it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .counting import count_in_blocks, patterns_of_codes
from .noise import PowerLawRealiser
from .series import Series, n_states

__all__ = ["TABLE", "Design", "Emulator", "mirror_classes", "shortened", "train", "widening"]

FloatArray = NDArray[np.float64]
SLOPES = (-1.25, 3.25)  # a little beyond the allowed slopes, where polynomials swing
TABLE = np.linspace(-1.0, 3.0, 401)  # slopes at which likelihoods are tabulated
_REFERENCES = np.linspace(-0.8, 2.8, 5)
_STEP = 0.05
_GRID = 37
_DEGREE = 16  # the frequencies of a long series are known better than lower degrees follow
_LONGEST = 8192  # longer series are simulated at this length; their covariance goes as 1/M


@functools.cache
def mirror_classes(n: int) -> NDArray[np.int64]:
    """Return the class of each Lehmer code, shape (n!,): equal for mirror images."""
    patterns = patterns_of_codes(np.arange(n_states(n)), n)
    ranks = np.argsort(patterns, axis=1)
    images = [ranks, ranks[:, ::-1], n - 1 - ranks, (n - 1 - ranks)[:, ::-1]]
    powers = n ** np.arange(n)
    smallest = np.min([image @ powers for image in images], axis=0)
    return np.unique(smallest, return_inverse=True)[1].astype(np.int64)


@dataclass(frozen=True)
class Design:
    """How a series is summarised.

    Attributes
    ----------
    size : int
        Samples of the series.
    n : int
    delays : tuple of int
    missing : tuple of int
        Indices of missing samples.
    """

    size: int
    n: int
    delays: tuple[int, ...]
    missing: tuple[int, ...] = ()

    @property
    def n_classes(self) -> int:
        """Classes of mirror images per delay."""
        return int(mirror_classes(self.n).max()) + 1

    @property
    def length(self) -> int:
        """Numbers in the summary: the shares at one delay add up to one, so one is left out."""
        return len(self.delays) * (self.n_classes - 1)

    def summarise(self, x: NDArray[Any]) -> FloatArray:
        """Return the summary of a series, delay by delay."""
        valid = None
        if self.missing:
            valid = np.ones(x.size, bool)
            valid[list(self.missing)] = False
        series = Series(x, valid, "drop", 0.0)
        parts = []
        for delay in self.delays:
            counts = count_in_blocks(series, self.n, delay, 1).table[0]
            share = np.bincount(mirror_classes(self.n), counts, self.n_classes) / counts.sum()
            parts.append(share[1:])
        return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class Emulator:
    """Mean and covariance of the summary as functions of the spectral slope.

    Attributes
    ----------
    mean_coefficients : ndarray, shape (degree + 1, d)
    root_coefficients : ndarray, shape (degree + 1, d (d + 1) / 2)
        Of the Cholesky factor of the covariance, with logarithms on its diagonal.
    scale : float
        Factor on the covariance for the finite number of simulations; see :func:`widening`.
    projection : ndarray, shape (m, d)
        Linear combinations of the summary that hold what it knows about the slope. Likelihoods use
        them alone: noise in a large covariance matrix would make them too narrow.
    """

    mean_coefficients: FloatArray
    root_coefficients: FloatArray
    scale: float
    projection: FloatArray

    def __call__(self, slope: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return means (k, d) and Cholesky factors (k, d, d) at slopes (k,)."""
        basis = _basis(slope)
        mean, packed = basis @ self.mean_coefficients, basis @ self.root_coefficients
        return mean, _unpacked(packed, mean.shape[1]) * np.sqrt(self.scale)

    @functools.cached_property
    def _table(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return means, inverse roots and log determinants of the projections at :data:`TABLE`."""
        mean, root = self(TABLE)
        half = self.projection @ root
        mean = mean @ self.projection.T
        root = np.asarray(np.linalg.cholesky(half @ half.transpose(0, 2, 1)), dtype=np.float64)
        logs = 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
        return mean, np.asarray(np.linalg.inv(root), dtype=np.float64), logs

    def log_likelihoods(self, summary: FloatArray) -> FloatArray:
        """Return the normal log-likelihood of a summary at the slopes of :data:`TABLE`."""
        mean, whitening, logs = self._table
        white = np.einsum("kij,kj->ki", whitening, self.projection @ summary - mean)
        constant = mean.shape[1] * np.log(2 * np.pi)
        return np.asarray(-0.5 * (np.sum(white**2, axis=1) + logs + constant))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_table"}


def train(design: Design, n_simulations: int, seed: np.random.SeedSequence) -> Emulator:
    """Return the emulator of a design from `n_simulations` series at each of 37 slopes."""
    simulated = shortened(design)
    grid = np.linspace(*SLOPES, _GRID)
    d = design.length
    means, roots = np.empty((_GRID, d)), np.empty((_GRID, d * (d + 1) // 2))
    for k, child in enumerate(seed.spawn(_GRID)):
        rng = np.random.default_rng(child)
        realise = PowerLawRealiser(simulated.size, float(grid[k]))
        rows = np.array([simulated.summarise(realise(rng)) for _ in range(n_simulations)])
        means[k] = rows.mean(axis=0)
        covariance = np.asarray(np.cov(rows.T) + 1e-14 * np.eye(d), dtype=np.float64)
        # Of the data, and of the fitted mean: as many parts of its variance as terms are fitted.
        covariance *= simulated.size / design.size + (_DEGREE + 1) / (_GRID * n_simulations)
        roots[k] = _packed(np.asarray(np.linalg.cholesky(covariance), dtype=np.float64))
    fits = [np.linalg.lstsq(_basis(grid), values, rcond=None)[0] for values in (means, roots)]
    mean_fit, root_fit = (np.asarray(fit, dtype=np.float64) for fit in fits)
    whole = Emulator(mean_fit, root_fit, widening(d, n_simulations), np.eye(d))
    return replace(whole, projection=_projection(whole))


def widening(d: int, n_simulations: int) -> float:
    """Return by how much an inverse covariance from simulations makes a variance too small.

    With n degrees of freedom the apparent variance of a parameter is (n - d + 1)/n of the best one,
    and weights from a noisy matrix make the real one larger by as much (Percival et al. 2014).
    The smooth fit shares the simulations of all slopes among its terms.
    """
    n = (n_simulations - 1) * _GRID / (_DEGREE + 1)
    return (n / (n - d + 1)) ** 2


def shortened(design: Design) -> Design:
    """Return the design whose simulation stands for this one: the same, or one of fewer samples."""
    if design.missing:
        return design
    longest = max(_LONGEST, 16 * max(design.delays) * design.n)
    return replace(design, size=min(design.size, longest))


def _projection(emulator: Emulator) -> FloatArray:
    """Return the score directions ``C^-1 dm/db`` at some slopes, made orthonormal, (m, d)."""
    d = emulator.mean_coefficients.shape[1]
    if d <= _REFERENCES.size + 1:
        return np.eye(d)
    root = emulator(_REFERENCES)[1]
    gradient = (emulator(_REFERENCES + _STEP)[0] - emulator(_REFERENCES - _STEP)[0]) / (2 * _STEP)
    rows = [
        np.linalg.solve(half @ half.T, slope) for half, slope in zip(root, gradient, strict=True)
    ]
    return np.asarray(np.linalg.qr(np.array(rows).T)[0].T, dtype=np.float64)


def _basis(slope: FloatArray) -> FloatArray:
    low, high = SLOPES
    place = (2 * slope - low - high) / (high - low)
    return np.asarray(np.polynomial.chebyshev.chebvander(place, _DEGREE), dtype=np.float64)


def _packed(root: FloatArray) -> FloatArray:
    """Return the lower triangle as a row, with logarithms of the diagonal."""
    root = root.copy()
    np.fill_diagonal(root, np.log(root.diagonal()))
    return root[np.tril_indices(root.shape[0])]


def _unpacked(packed: FloatArray, d: int) -> FloatArray:
    roots = np.zeros((packed.shape[0], d, d))
    rows, columns = np.tril_indices(d)
    roots[:, rows, columns] = packed
    diagonal = np.arange(d)
    roots[:, diagonal, diagonal] = np.exp(roots[:, diagonal, diagonal])
    return roots
