r"""Where Gaussian noises lie in the H-C plane: exact for n = 3 and 4, from a shipped table above.

The order of a Gaussian window depends on the correlations of its increments alone. For n = 3 and 4
the probability of a pattern is that two or three correlated normal variates are all positive, which
arcsines give (Bandt & Shiha 2007). The table is made by ``data/make_noise_reference.py``.
"""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise, permutations

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError
from .entropies import jensen_complexity, normalized_entropy
from .series import check_delay, n_states

__all__ = ["PROCESSES", "NoiseReference", "exact_noise_probabilities", "noise_reference"]

FloatArray = NDArray[np.float64]
PROCESSES = ("fBm", "fGn")
_EXACT = (3, 4)
_LARGEST = 7


@dataclass(frozen=True, eq=False)
class NoiseReference:
    """Entropy and complexity of a noise as functions of its Hurst exponent.

    Attributes
    ----------
    process : {"fBm", "fGn"}
        Fractional Brownian motion (spectral slope 2 h + 1) or fractional Gaussian noise (2 h - 1).
    n : int
    hurst, entropy, complexity : ndarray, shape (k,)
    entropy_error, complexity_error : ndarray, shape (k,)
        Standard errors of the simulation; 0 where the numbers are exact.
    """

    process: str
    n: int
    hurst: FloatArray
    entropy: FloatArray
    entropy_error: FloatArray
    complexity: FloatArray
    complexity_error: FloatArray

    @property
    def slope(self) -> FloatArray:
        """Spectral slope of each row."""
        return 2 * self.hurst + (1.0 if self.process == "fBm" else -1.0)

    def at(self, hurst: float) -> tuple[float, float]:
        """Return (H, C) at a Hurst exponent, between the rows by a spline.

        Raises
        ------
        InputError
            Outside the table.
        """
        from scipy.interpolate import CubicSpline

        low, high = float(self.hurst[0]), float(self.hurst[-1])
        h = as_scalar(hurst, "hurst", minimum=low, maximum=high)
        curve = CubicSpline(self.hurst, np.stack([self.entropy, self.complexity], axis=1))
        H, C = curve(h)
        return float(H), float(C)

    def __str__(self) -> str:
        kind = "exact" if not self.entropy_error.any() else "simulated"
        return f"{self.process}, n = {self.n}: {self.hurst.size} Hurst exponents, {kind}"


def noise_reference(process: str = "fBm", *, n: int = 5) -> NoiseReference:
    """Return where fractional Brownian motion or Gaussian noise lies in the H-C plane.

    Parameters
    ----------
    process : {"fBm", "fGn"}
    n : int
        3 to 7; exact for 3 and 4. Delay 1 (of fBm, any delay: it is self-similar).

    Returns
    -------
    NoiseReference

    Raises
    ------
    InputError
        For another process or n.

    References
    ----------
    Bandt & Shiha 2007, J. Time Series Analysis 28, 646; Rosso et al. 2007, Phys. Rev. Lett. 99,
    154102.

    Examples
    --------
    >>> import astrokit as ak
    >>> reference = ak.complexity.noise_reference("fBm", n=3)
    >>> [round(v, 6) for v in reference.at(0.5)]
    [0.967132, 0.030602]
    """
    if process not in PROCESSES:
        raise InputError("process is unknown", value=process, allowed=", ".join(PROCESSES))
    if n not in (3, 4, 5, 6, 7):
        raise InputError(
            "there is no noise reference for this n",
            value=n,
            allowed=f"3 to {_LARGEST}",
            hint="simulate it: hc(fractional_brownian_motion(size, hurst=h), n=n)",
        )
    hurst, columns = _rows(process, n)
    if n in _EXACT:
        p = np.array([exact_noise_probabilities(process, h, n=n) for h in hurst])
        N, zero = n_states(n), np.zeros(hurst.size)
        H, C = normalized_entropy(p, N), jensen_complexity(p, N)
        return NoiseReference(process, n, hurst, H, zero, C, zero)
    return NoiseReference(process, n, hurst, *columns)


@functools.cache
def _table() -> dict[tuple[str, int], FloatArray]:
    """Return (rows, 5) of the shipped table by process and n."""
    file = resources.files(__package__) / "noise_reference.csv"
    rows: dict[tuple[str, int], list[list[float]]] = {}
    for row in csv.DictReader(file.read_text(encoding="utf-8").splitlines()):
        numbers = [float(row[k]) for k in ("hurst", "entropy", "entropy_error")]
        numbers += [float(row[k]) for k in ("complexity", "complexity_error")]
        rows.setdefault((row["process"], int(row["n"])), []).append(numbers)
    return {key: np.array(value) for key, value in rows.items()}


def _rows(process: str, n: int) -> tuple[FloatArray, FloatArray]:
    table = _table()[process, n]
    return table[:, 0].copy(), table[:, 1:].T.copy()


def exact_noise_probabilities(
    process: str, hurst: float, *, n: int = 3, delay: int = 1
) -> FloatArray:
    """Return the exact probabilities of all patterns of fBm or fGn, for n = 3 or 4.

    Parameters
    ----------
    process : {"fBm", "fGn"}
    hurst : float
    n : {3, 4}
    delay : int

    Returns
    -------
    ndarray, shape (n!,)
        By Lehmer code, as :meth:`OrdinalCounts.dense`.

    Raises
    ------
    InputError

    Examples
    --------
    >>> import astrokit as ak
    >>> p = ak.complexity.exact_noise_probabilities("fBm", 0.5, n=3)
    >>> p[[0, 5]].tolist(), p[[1, 2, 3, 4]].round(12).tolist()
    ([0.25, 0.25], [0.125, 0.125, 0.125, 0.125])
    """
    if process not in PROCESSES:
        raise InputError("process is unknown", value=process, allowed=", ".join(PROCESSES))
    if n not in _EXACT:
        raise InputError("exact probabilities are known for n = 3 and 4", value=n)
    h = as_scalar(hurst, "hurst", minimum=0.0, maximum=1.0)
    if not 0 < h < 1:
        raise InputError("the Hurst exponent is out of range", value=h, allowed="between 0 and 1")
    covariance = _sample_covariance(process, h, np.arange(n) * check_delay(delay))
    chances = {}
    for order in permutations(range(n)):  # positions in rising order, as patterns are written
        rises = np.zeros((n - 1, n))
        for row, (low, high) in enumerate(pairwise(order)):
            rises[row, low], rises[row, high] = -1, 1
        chances[order] = _all_positive(rises @ covariance @ rises.T)
    from .counting import patterns_of_codes

    patterns = patterns_of_codes(np.arange(n_states(n)), n)
    return np.array([chances[tuple(row)] for row in patterns.tolist()])


def _sample_covariance(process: str, h: float, times: NDArray[np.int64]) -> FloatArray:
    """Return a covariance of the samples that gives their differences the right one."""
    distance = np.abs(times[:, None] - times[None, :]).astype(float)
    if process == "fBm":  # the semivariogram with its sign: only differences have a covariance
        return -0.5 * distance ** (2 * h)
    two = 2 * h
    return np.asarray(
        0.5 * (np.abs(distance + 1) ** two - 2 * distance**two + np.abs(distance - 1) ** two)
    )


def _all_positive(covariance: FloatArray) -> float:
    """Return the probability that two or three centred normal variates are all positive."""
    sigma = np.sqrt(np.diag(covariance))
    rho = np.clip(covariance / np.outer(sigma, sigma), -1, 1)
    pairs = rho[np.triu_indices(sigma.size, 1)]
    m = sigma.size
    base, weight = (0.25, 2.0) if m == 2 else (0.125, 4.0)
    return float(base + np.arcsin(pairs).sum() / (weight * np.pi))
