r"""The H-C plane of a sample size n: limits, zones, noise, and probabilities of the zones.

At a given entropy the complexity has a minimum, where one pattern is more frequent and all others
are equal, and a maximum, where k patterns are equally frequent, one less so, and the others do not
occur (Martin, Plastino & Rosso 2006). Both follow from two-level distributions, for any n.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array
from ..errors import InputError
from ..randomness import SeedLike, as_generator
from .entropies import divergence_scale
from .noise_reference import NoiseReference, noise_reference
from .series import check_size, n_states

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .plots import PlanePlotData

__all__ = ["ZONES", "Plane", "plane"]

FloatArray = NDArray[np.float64]
ZONES = ("regular", "periodic", "complex", "stochastic", "undefined")
_MOST_VERTICES = 5040
_HALVINGS = 60


@dataclass(frozen=True)
class Plane:
    r"""The plane of permutation entropy H and statistical complexity C for one sample size.

    The boundaries of the zones (Hyman, Daniel & Schaffner 2025) are the entropies
    :math:`\ln 2/\ln n!` and :math:`\ln[2(2(n-2)+1)]/\ln n!` of periodic series and the chord of
    the maximum curve between them. Beyond the second entropy a series is "complex" where it is
    nearer to the maximum curve than to fractional Brownian motion of the same entropy, else
    "stochastic"; there is no such zone for n = 2 and 3, and no noise curve for n > 7.

    Parameters
    ----------
    n : int
        Sample size, 2 to 20.

    Raises
    ------
    InputError

    Examples
    --------
    >>> import astrokit as ak
    >>> plane = ak.complexity.plane(n=5)
    >>> print(round(plane.periodic_entropies[1], 6), plane.zone(0.99, 0.02), plane.zone(0.6, 0.42))
    0.55124 stochastic complex
    """

    n: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", check_size(self.n))

    # -- limits ------------------------------------------------------------------------------------

    @property
    def n_states(self) -> int:
        """Number of possible patterns, n!."""
        return n_states(self.n)

    @property
    def vertices(self) -> tuple[FloatArray, FloatArray]:
        """Vertices (H, C) of the maximum curve: 1, 2, ... n! equally frequent patterns.

        All for n <= 7; above, 5040 numbers of patterns in nearly equal steps of H.
        """
        N = self.n_states
        if N <= _MOST_VERTICES:
            k = np.arange(1.0, N + 1)
        else:
            k = np.unique(np.rint(np.geomspace(1, float(N), _MOST_VERTICES)))
        return self._two_levels(k, 1 / k, 0.0, 0.0)

    def minimum_curve(self, points: int = 500) -> tuple[FloatArray, FloatArray]:
        """Return (H, C) along the lower limit, from H = 0 to 1."""
        H = np.linspace(0, 1, points)
        return H, self.minimum(H)

    def minimum(self, entropy: ArrayLike) -> FloatArray:
        """Return the smallest possible complexity at each entropy."""
        H = self._entropy(entropy)
        N = float(self.n_states)

        def at(p: FloatArray) -> tuple[FloatArray, FloatArray]:
            return self._two_levels(1.0, p, N - 1, (1 - p) / (N - 1))

        low, high = np.full(H.shape, 1 / N), np.ones(H.shape)
        return self._solved(at, low, high, H, rising=False)

    def maximum(self, entropy: ArrayLike) -> FloatArray:
        """Return the largest possible complexity at each entropy."""
        H = self._entropy(entropy)
        N = float(self.n_states)
        k = np.floor(np.exp(H * math.log(N)) * (1 + 1e-12))
        k = np.clip(k, 1, N - 1)

        def at(p: FloatArray) -> tuple[FloatArray, FloatArray]:
            return self._two_levels(k, (1 - p) / k, 1.0, p)

        return self._solved(at, np.zeros(H.shape), 1 / (k + 1), H, rising=True)

    def contains(self, entropy: float, complexity: float, *, tolerance: float = 1e-9) -> bool:
        """Return whether a point lies between the limits."""
        if not 0 <= entropy <= 1:
            return False
        low, high = float(self.minimum(entropy)), float(self.maximum(entropy))
        return low - tolerance <= complexity <= high + tolerance

    # -- zones -------------------------------------------------------------------------------------

    @property
    def periodic_entropies(self) -> tuple[float, float]:
        """The entropies between which periodic series lie."""
        log_n = math.log(self.n_states)
        return math.log(2) / log_n, math.log(2 * (2 * (self.n - 2) + 1)) / log_n

    @property
    def chord(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The two ends (H, C) of the line between the regular and the periodic zone."""
        low, high = self.periodic_entropies
        C = self._two_levels(
            np.array([2.0, 2.0 * (2 * (self.n - 2) + 1)]),
            1 / np.array([2.0, 2.0 * (2 * (self.n - 2) + 1)]),
            0.0,
            0.0,
        )[1]
        return (low, float(C[0])), (high, float(C[1]))

    def noise(self, process: str = "fBm") -> NoiseReference:
        """Return the noise reference of this n; see :func:`noise_reference`."""
        return noise_reference(process, n=self.n)

    def complex_boundary(self, entropy: ArrayLike) -> FloatArray:
        """Return the complexity above which a series beyond the periodic entropies is complex.

        Half-way between fractional Brownian motion and the maximum curve.

        Raises
        ------
        InputError
            For n = 2, 3 and n > 7.
        """
        if not 4 <= self.n <= 7:
            raise InputError(
                "there is no boundary between complex and stochastic for this n",
                value=self.n,
                allowed="4 to 7",
            )
        H = self._entropy(entropy)
        reference = self.noise("fBm")
        (low, C_low), _ = self.chord  # the limit of Hurst exponent 1: straight lines up and down
        curve_h = np.concatenate([[low], reference.entropy[::-1], [1.0]])
        curve_c = np.concatenate([[C_low], reference.complexity[::-1], [0.0]])
        return np.asarray(0.5 * (np.interp(H, curve_h, curve_c) + self.maximum(H)))

    def zone(self, entropy: float, complexity: float) -> str:
        """Return the zone of a point.

        Returns
        -------
        {"regular", "periodic", "complex", "stochastic", "undefined"}
            Undefined for n = 2 and 3, and for n > 7 beyond the periodic entropies.
        """
        return str(ZONES[int(self._zones(np.array([entropy]), np.array([complexity]))[0])])

    def classify(
        self, result: Any, *, draws: int = 4000, seed: SeedLike = 0
    ) -> Mapping[str, float]:
        """Return the probability of each zone, from the errors of a result.

        Parameters
        ----------
        result : HC
            From :func:`hc`; its measured point and covariance are used, as by ``zone``. (The
            corrected point of white noise scatters beyond H = 1, where there are no zones.)
        draws : int
            Normal draws from the errors.
        seed : int, SeedSequence or Generator

        Returns
        -------
        dict of str to float
            Zones with a probability above 0, the most probable first.

        Raises
        ------
        InputError
            If the result has another n or no errors.

        Examples
        --------
        >>> import astrokit as ak
        >>> r = ak.complexity.hc(ak.complexity.fractional_gaussian_noise(5000, hurst=0.6, seed=1))
        >>> ak.complexity.plane(n=5).classify(r)
        {'stochastic': 1.0}
        """
        if result.n != self.n:
            raise InputError("the result has another n than the plane", value=(result.n, self.n))
        covariance = np.asarray(result.covariance)
        if not np.isfinite(covariance).all():
            raise InputError(
                "the result has no errors, so the zones have no probabilities",
                value=f"{result.n_windows} windows",
                hint="a longer series has them; zone names that of the point itself",
            )
        scale, vectors = np.linalg.eigh(covariance)
        root = vectors * np.sqrt(np.maximum(scale, 0.0))
        normal = as_generator(seed).standard_normal((draws, 2))
        points = np.array([result.entropy.value, result.complexity.value]) + normal @ root.T
        H = np.clip(points[:, 0], 0.0, 1.0)
        C = np.clip(points[:, 1], self.minimum(H), self.maximum(H))  # to the nearest that exists
        counts = np.bincount(self._zones(H, C), minlength=len(ZONES)) / draws
        found = {name: float(c) for name, c in zip(ZONES, counts, strict=True) if c > 0}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    # -- figures -----------------------------------------------------------------------------------

    def plot(self, *results: Any, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the plane with zones and noise; see :func:`astrokit.complexity.plot_plane`."""
        from .plots import plot_plane

        return plot_plane(self, *results, ax=ax, **style)

    def plot_data(self) -> PlanePlotData:
        """Return the curves that :meth:`plot` draws."""
        from .plots import plane_plot_data

        return plane_plot_data(self)

    # -- parts -------------------------------------------------------------------------------------

    def _zones(self, H: FloatArray, C: FloatArray) -> NDArray[np.int64]:
        """Return the index into ZONES of each point."""
        if self.n <= 3:
            return np.full(H.shape, ZONES.index("undefined"))
        low, high = self.periodic_entropies
        (h0, c0), (h1, c1) = self.chord
        above = c0 + (c1 - c0) * (H - h0) / (h1 - h0) < C
        zones = np.where((low <= H) & above, ZONES.index("periodic"), ZONES.index("regular"))
        beyond = high <= H
        if self.n > 7:
            return np.where(beyond, ZONES.index("undefined"), zones)
        is_complex = self.complex_boundary(np.clip(H, 0, 1)) < C
        names = np.where(is_complex, ZONES.index("complex"), ZONES.index("stochastic"))
        return np.where(beyond, names, zones)

    def _entropy(self, entropy: ArrayLike) -> FloatArray:
        H = as_array(entropy, "entropy", ndim=None)
        if np.any((H < 0) | (H > 1)):
            raise InputError("entropy is out of range", value=float(H.max()), allowed="0 to 1")
        return H

    def _two_levels(self, a: Any, p: Any, b: Any, q: Any) -> tuple[FloatArray, FloatArray]:
        """Return (H, C) where `a` patterns have probability p, `b` have q, and the others none."""
        N = float(self.n_states)
        u, log_n = 1 / N, math.log(self.n_states)

        def terms(x: Any) -> FloatArray:
            return -np.where(x > 0, x * np.log(np.where(x > 0, x, 1.0)), 0.0)

        S = a * terms(p) + b * terms(q)
        half = a * terms((p + u) / 2) + b * terms((q + u) / 2)
        half = half + (N - a - b) * (0.5 * u) * math.log(2 * N)
        H = np.clip(S / log_n, 0.0, 1.0)
        J = np.maximum(half - 0.5 * S - 0.5 * log_n, 0.0)
        return H + 0.0, divergence_scale(self.n_states) * J * H

    def _solved(
        self, at: Any, low: FloatArray, high: FloatArray, H: FloatArray, *, rising: bool
    ) -> FloatArray:
        """Return C of the distribution whose entropy is H, by halving the interval of p."""
        low, high = np.array(low, dtype=float), np.array(high, dtype=float)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            below = (at(middle)[0] < H) == rising
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray(at(0.5 * (low + high))[1])


@functools.cache
def plane(n: int = 5) -> Plane:
    """Return the H-C plane of a sample size; see :class:`Plane`.

    Examples
    --------
    >>> import astrokit as ak
    >>> [round(h, 12) for h in ak.complexity.plane(n=4).periodic_entropies]
    [0.218104291986, 0.724526775162]
    """
    return Plane(n)
