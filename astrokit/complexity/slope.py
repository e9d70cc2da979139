"""The spectral slope of coloured noise from ordinal patterns, on the shared backend."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_array
from ..errors import InputError, ShapeError
from ..inference import CompiledLikelihood, Parameter, Parameters, Problem, Uniform
from ..randomness import SeedLike, as_seed_sequence
from .emulator import TABLE, Design, Emulator, shortened, train
from .noise import PowerLawRealiser, require_count
from .series import as_series, check_delay, check_windows

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ..inference import Fit, SimulatedTest

__all__ = ["SpectralSlopeProblem", "coloured_noise_test"]

FloatArray = NDArray[np.float64]
_RANGE = (-1.0, 3.0)
_FEWEST = 100
_STEEP = 2.5  # above, windows stay correlated so long that their shares settle more slowly


class SpectralSlopeProblem(Problem):
    r"""The slope of the power spectrum of coloured noise, from the order of its samples alone.

    The likelihood is synthetic (Wood 2010): the frequencies of patterns, mirror images counted
    together, are taken as normal, with a mean and a covariance that simulations of
    :func:`coloured_noise` give as smooth functions of the slope. A rising function of the data
    changes nothing, and gaps are simulated like the rest; but measurement noise and a break of the
    spectrum are not part of the model (see :func:`coloured_noise_test`).

    Parameters
    ----------
    x : array_like or LightCurve, shape (N,)
        At least 100 samples. NaN and masked samples are missing.
    n : int
        3 or 4.
    delays : sequence of int
        Delays whose frequencies are used together.
    n_simulations : int
        Simulated series at each of 37 slopes.
    seed : int, SeedSequence or Generator
        Of these simulations; the same problem comes from the same seed.
    parameters : Parameters, optional
        ``slope`` with another prior; by default uniform from -1 to 3, which is all that the
        simulations allow.

    Raises
    ------
    InputError, ShapeError, NonFiniteError

    Warns
    -----
    CoverageWarning
        From a fit or a sample, if a series of more than 8192 samples has a slope above 2.5.

    Notes
    -----
    The covariance is widened for the finite number of simulations (Percival et al. 2014).

    The Hurst exponent of noise with a slope above 1 (fractional Brownian motion) is
    ``posterior.derived("(slope - 1) / 2", name="hurst")``, below 1 (fractional Gaussian noise)
    ``(slope + 1) / 2``, as far as the law holds up to the highest frequency.

    Examples
    --------
    >>> import astrokit as ak
    >>> x = ak.complexity.coloured_noise(1000, slope=1.5, seed=1)
    >>> problem = ak.complexity.SpectralSlopeProblem(x, n=3, n_simulations=50)
    >>> print(problem.fit()["slope"])
    slope = 1.40 +/- 0.08
    """

    statistic = "synthetic likelihood of ordinal patterns"
    citation_keys = ("bandt2002", "bandt2007", "wood2010", "percival2014", "timmer1995")

    def __init__(
        self,
        x: Any,
        *,
        n: int = 4,
        delays: Iterable[int] = (1, 2, 4),
        n_simulations: int = 250,
        seed: SeedLike = 0,
        parameters: Parameters | None = None,
    ) -> None:
        super().__init__(_slope() if parameters is None else _checked_parameters(parameters))
        series = as_series(x, missing="drop")
        self._design = _design(series.size, series.valid, n, delays)
        sequence = as_seed_sequence(seed)
        self._n_simulations = require_count(
            n_simulations, "n_simulations", self._design.length + 10
        )
        self._seed = (sequence.entropy, sequence.spawn_key)
        self._emulator = _trained(self._design, self._n_simulations, _frozen(sequence))
        self._summary = self._design.summarise(series.values)
        self._spline: FloatArray | None = None

    @property
    def data(self) -> FloatArray:
        """The summary of the series, shape (d,): what :attr:`Design.summarise` makes of it."""
        return self._summary

    @property
    def n(self) -> int:
        """Sample size of the patterns."""
        return self._design.n

    @property
    def delays(self) -> tuple[int, ...]:
        """Delays in use."""
        return self._design.delays

    def with_data(self, data: Any) -> Self:
        """Return the same problem for the summary of another series of the same design."""
        summary = as_array(data, "data")
        if summary.size != self._design.length:
            raise ShapeError(
                "the summary has another length than this design",
                value=summary.size,
                allowed=f"{self._design.length}",
                hint="make a new SpectralSlopeProblem of the series",
            )
        other = copy.copy(self)
        other._summary, other._spline = summary, None
        return other

    def _reservations(self, values: FloatArray) -> tuple[str, ...]:
        simulated = shortened(self._design).size
        if values[0] <= _STEEP or simulated == self._design.size:
            return ()
        return (
            f"the slope is above {_STEEP}, where simulations of {simulated} samples do not stand "
            f"for {self._design.size}: its error is too small; fit a shorter piece of the series",
        )

    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        return {"summary": self._summary}

    def settings(self) -> Mapping[str, Any]:
        design, (entropy, key) = self._design, self._seed
        return {
            "size": design.size,
            "n": design.n,
            "delays": list(design.delays),
            "missing": list(design.missing),
            "n_simulations": self._n_simulations,
            "seed": [str(entropy), list(key)],
        }

    @property
    def label(self) -> str:
        return f"spectral slope from patterns, n = {self.n}"

    def expected(self, slope: float) -> tuple[FloatArray, FloatArray]:
        """Return mean (d,) and covariance (d, d) of the summary at a slope."""
        mean, root = self._emulator(np.array([float(slope)]))
        return mean[0], root[0] @ root[0].T

    @property
    def kernel(self) -> CompiledLikelihood:
        from .kernels import tabulated

        return CompiledLikelihood(tabulated, self._tabulated())

    def distance(self, slope: float) -> float:
        """Return the squared Mahalanobis distance of the data from noise of this slope.

        About chi-square with ``n_data`` degrees of freedom, if the data are such noise.
        """
        mean, covariance = self.expected(slope)
        difference = self._summary - mean
        return float(difference @ np.linalg.solve(covariance, difference))

    def _tabulated(self) -> FloatArray:
        """Return cubic polynomials between the tabulated slopes (4, k), and their place."""
        if self._spline is None:
            from scipy.interpolate import CubicSpline

            # One parameter: a table of 400 slopes replaces the matrices of each evaluation.
            spline = CubicSpline(TABLE, self._emulator.log_likelihoods(self._summary))
            place = [[TABLE[0]], [TABLE[-1]], [0.0], [0.0]]
            self._spline = np.ascontiguousarray(np.hstack([place, spline.c]), dtype=np.float64)
        return self._spline

    def _log_likelihood(self, values: FloatArray) -> FloatArray:
        slope, data = values[:, 0], self._tabulated()
        low, high = data[0, 0], data[1, 0]
        step = (high - low) / (data.shape[1] - 1)
        cell = np.clip(((slope - low) / step).astype(np.int64), 0, data.shape[1] - 2)
        t = slope - (low + cell * step)
        a, b, c, d = data[:, 1 + cell]
        inside = (slope >= low) & (slope <= high)
        return np.where(inside, ((a * t + b) * t + c) * t + d, -np.inf)

    def _simulate_data(self, values: FloatArray, rng: np.random.Generator) -> FloatArray:
        return self._design.summarise(PowerLawRealiser(self._design.size, float(values[0]))(rng))


def coloured_noise_test(
    x: Any,
    n: int = 199,
    *,
    seed: SeedLike = None,
    executor: Executor | None = None,
) -> SimulatedTest:
    """Test whether a series can be noise with a power-law spectrum of any slope.

    The slope is fitted, the distance of the pattern frequencies from those of such noise is
    measured, and compared with simulated noise of the fitted slope that is fitted again: the
    overlap of windows and the fit are part of the simulation.

    Parameters
    ----------
    x : array_like, LightCurve or SpectralSlopeProblem
        A problem for other patterns than those of the default.
    n : int
        Number of simulated series.
    seed : int, SeedSequence or Generator, optional
    executor : concurrent.futures.Executor, optional

    Returns
    -------
    SimulatedTest
        Its ``p_value`` is small if the series is no such noise.

    Examples
    --------
    >>> import astrokit as ak
    >>> from astrokit.complexity import examples
    >>> orbit = examples.lorenz(1000, dt=0.1).x
    >>> problem = ak.complexity.SpectralSlopeProblem(orbit, n=3, delays=(1, 2), n_simulations=50)
    >>> test = ak.complexity.coloured_noise_test(problem, 50, seed=1)
    >>> test.n_exceeding
    0
    """
    from ..inference import goodness_of_fit
    from ..provenance import quiet

    problem = x if isinstance(x, SpectralSlopeProblem) else SpectralSlopeProblem(x)
    with quiet():  # a slope at its bound is part of the answer: such data are far from the noise
        fit: Fit = problem.fit()
    return goodness_of_fit(fit, squared_distance, n, seed=seed, executor=executor)


def squared_distance(problem: Any, values: FloatArray) -> float:
    """Return the distance of the data from noise of the fitted slope."""
    return float(problem.distance(values[0]))


# -- parts -----------------------------------------------------------------------------------------


def _slope() -> Parameters:
    return Parameters([Parameter("slope", 1.0, Uniform(*_RANGE), symbol=r"\beta")])


def _checked_parameters(parameters: Parameters) -> Parameters:
    if tuple(parameters.names) != ("slope",):
        raise InputError("this problem has the one parameter slope", value=tuple(parameters.names))
    return parameters


def _design(size: int, valid: NDArray[np.bool_] | None, n: int, delays: Iterable[int]) -> Design:
    if n not in (3, 4):
        raise InputError(
            "n cannot be used for a slope",
            value=n,
            allowed="3, 4",
            hint="larger patterns add noise to the covariance, not information on the slope",
        )
    if size < _FEWEST:
        raise ShapeError(
            "the series is too short for a slope", value=size, allowed=f"at least {_FEWEST} samples"
        )
    steps = tuple(sorted({check_delay(delay) for delay in delays}))
    if not steps:
        raise InputError("there are no delays", allowed="at least one")
    # Pattern frequencies are nearly normal when windows do not all overlap.
    if check_windows(size, n, steps[-1]) < size // 2:
        raise ShapeError(
            "the longest window covers more than half of the series",
            value=f"delay {steps[-1]}, n = {n}, {size} samples",
            hint="use shorter delays",
        )
    missing: tuple[int, ...] = ()
    if valid is not None:
        missing = tuple(int(i) for i in np.flatnonzero(~valid))
    return Design(size, n, steps, missing)


def _frozen(sequence: np.random.SeedSequence) -> tuple[Any, tuple[int, ...]]:
    entropy = sequence.entropy
    return tuple(entropy) if isinstance(entropy, list) else entropy, tuple(sequence.spawn_key)


@functools.lru_cache(maxsize=8)
def _trained(design: Design, n_simulations: int, seed: tuple[Any, tuple[int, ...]]) -> Emulator:
    """Return the emulator, made once per process for the same design and seed."""
    entropy = list(seed[0]) if isinstance(seed[0], tuple) else seed[0]
    return train(design, n_simulations, np.random.SeedSequence(entropy, spawn_key=seed[1]))
