"""Surrogate series, and tests that compare a series with its surrogates.

Each maker keeps some properties of a series and randomises the rest: a null hypothesis. Tests are
of Monte Carlo kind: p is a rank among simulations, so overlapping windows need no theory.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_array
from ..errors import InputError, ShapeError
from ..estimate import Estimate
from ..randomness import SeedLike, as_generator, as_seed_sequence, spawn
from .counting import ordinal_counts
from .entropies import jensen_complexity, normalized_entropy
from .measures import CITATIONS
from .noise import fractional_brownian_motion, require_count
from .series import as_series, check_delay, check_size

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from matplotlib.axes import Axes

    from ..provenance import Provenance

__all__ = [
    "SurrogateTest",
    "brownian_surrogate",
    "hurst_exponent",
    "iaaft_surrogate",
    "phase_surrogate",
    "shuffled_surrogate",
    "surrogate_test",
    "white_noise_test",
]

FloatArray = NDArray[np.float64]
Maker = Callable[..., FloatArray]
_TAILS = ("lower", "upper", "both")
_STATISTICS = ("entropy", "complexity")


# -- makers ----------------------------------------------------------------------------------------


def shuffled_surrogate(x: Any, *, seed: SeedLike = None) -> FloatArray:
    """Return the same values in a random order: white noise of the same distribution.

    Missing samples (NaN) stay where they are.

    Examples
    --------
    >>> import astrokit as ak
    >>> sorted(ak.complexity.shuffled_surrogate([3, 1, 2], seed=1).tolist())
    [1.0, 2.0, 3.0]
    """
    values = as_array(x, "x", missing="nan").copy()
    good = np.isfinite(values)
    values[good] = as_generator(seed).permutation(values[good])
    return values


def phase_surrogate(x: Any, *, seed: SeedLike = None) -> FloatArray:
    """Return a series of the same periodogram with random phases (Theiler et al. 1992).

    The null hypothesis is a linear Gaussian process. The end of the series should meet its
    beginning, or the step between them becomes part of the spectrum.

    Examples
    --------
    >>> import astrokit as ak
    >>> round(float(ak.complexity.phase_surrogate([3.0, 1.0, 2.0, 6.0], seed=1).mean()), 12)
    3.0
    """
    values = as_array(x, "x", min_size=4)
    transform = np.fft.rfft(values)
    phases = as_generator(seed).uniform(0, 2 * np.pi, transform.size)
    phases[0] = 0.0
    if values.size % 2 == 0:
        phases[-1] = 0.0  # the coefficient at the Nyquist frequency is real
    return np.fft.irfft(np.abs(transform) * np.exp(1j * (phases + _kept(transform))), values.size)


def _kept(transform: NDArray[np.complex128]) -> FloatArray:
    """Return the phase of the mean and of the Nyquist frequency, which is a sign and stays."""
    kept = np.zeros(transform.size)
    for end in (0, -1):
        kept[end] = np.pi if transform[end].real < 0 else 0.0
    return kept


def iaaft_surrogate(x: Any, *, iterations: int = 1000, seed: SeedLike = None) -> FloatArray:
    """Return a series of the same values and (nearly) the same periodogram.

    Iterated amplitude-adjusted Fourier transform (Schreiber & Schmitz 1996), until the order of
    the values stays. The null hypothesis is a linear Gaussian process seen through a rising
    function.

    Parameters
    ----------
    x : array_like, shape (N,)
    iterations : int
        At most.
    seed : int, SeedSequence or Generator, optional

    Returns
    -------
    ndarray, shape (N,)

    Examples
    --------
    >>> import astrokit as ak
    >>> sorted(ak.complexity.iaaft_surrogate([3.0, 1.0, 2.0, 6.0], seed=1).tolist())
    [1.0, 2.0, 3.0, 6.0]
    """
    values = as_array(x, "x", min_size=4)
    amplitude, in_order = np.abs(np.fft.rfft(values)), np.sort(values)
    surrogate = as_generator(seed).permutation(values)
    before = np.argsort(surrogate, kind="stable")
    for _ in range(require_count(iterations, "iterations")):
        transform = np.fft.rfft(surrogate)
        size = np.abs(transform)
        phase = np.divide(transform, size, out=np.ones_like(transform), where=size > 0)
        order = np.argsort(np.fft.irfft(amplitude * phase, values.size), kind="stable")
        surrogate = np.empty_like(values)
        surrogate[order] = in_order
        if np.array_equal(order, before):
            break
        before = order
    return surrogate


def brownian_surrogate(x: Any, *, seed: SeedLike = None) -> FloatArray:
    """Return fractional Brownian motion with the Hurst exponent of the series.

    See :func:`hurst_exponent`; missing samples stay missing.

    Raises
    ------
    InputError
        If the series turns too often or too rarely for any fractional Brownian motion.

    Examples
    --------
    >>> import astrokit as ak
    >>> x = ak.complexity.fractional_brownian_motion(500, hurst=0.4, seed=1)
    >>> ak.complexity.brownian_surrogate(x, seed=1).shape
    (500,)
    """
    values = as_array(x, "x", missing="nan", min_size=4)
    h = hurst_exponent(values, missing="drop").value
    if not 0 < h < 1:
        raise InputError(
            "no fractional Brownian motion turns as often as this series",
            value=f"Hurst exponent {h:.3g}",
            allowed="between 0 and 1",
            hint="use shuffled_surrogate or iaaft_surrogate",
        )
    motion = fractional_brownian_motion(values.size, hurst=h, seed=seed)
    return np.where(np.isfinite(values), motion, np.nan)


def hurst_exponent(x: Any, *, delay: int = 1, missing: str | None = None) -> Estimate:
    r"""Return the Hurst exponent of fractional Brownian motion that turns as often as the series.

    Three samples rise or fall together with probability :math:`2\arcsin(2^{h-1})/\pi` (Bandt &
    Shiha 2007). The error is from blocks of the series. It says nothing about whether the series
    is such a motion; white noise, which is none, gives a value near zero.

    Parameters
    ----------
    x, delay, missing
        As for :func:`ordinal_counts`.

    Returns
    -------
    Estimate
        May lie outside 0 ... 1 for other series.

    Raises
    ------
    InputError
        If no three samples rise or fall together: the series alternates.

    Examples
    --------
    >>> import astrokit as ak
    >>> x = ak.complexity.fractional_brownian_motion(20000, hurst=0.3, seed=1)
    >>> print(ak.complexity.hurst_exponent(x))
    hurst = 0.298 +/- 0.011
    """
    from .counting import count_in_blocks
    from .series import check_windows
    from .uncertainty import default_blocks

    series = as_series(x, missing=missing)
    delay = check_delay(delay)
    windows = check_windows(series.size, 3, delay)
    blocks = count_in_blocks(series, 3, delay, default_blocks(windows, 3, delay))
    sizes = blocks.table.sum(axis=1)
    together = blocks.table[:, [0, 5]].sum(axis=1)
    share = together.sum() / sizes.sum()
    if share == 0:
        raise InputError("the series alternates: no three samples rise or fall together")
    residual = together - share * sizes
    B = int(np.sum(sizes > 0))
    error = math.sqrt(B / (B - 1) * np.sum(residual**2)) / sizes.sum() if B > 1 else math.nan
    angle = 0.5 * math.pi * share
    slope = 0.5 * math.pi / (math.tan(angle) * math.log(2)) if share < 1 else 0.0
    return Estimate(
        1 + math.log2(math.sin(angle)),
        error * slope,
        name="hurst",
        method=f"turning rate of three samples, delay {delay}, {B} blocks",
    )


# -- tests -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class SurrogateTest:
    """A statistic of a series among those of its surrogates.

    Attributes
    ----------
    null : str
        What the surrogates are.
    statistic : str
    observed : float
    simulated : ndarray, shape (n_surrogates,)
    tail : {"lower", "upper", "both"}
    provenance : Provenance
    """

    null: str
    statistic: str
    observed: float
    simulated: FloatArray
    tail: str
    provenance: Provenance

    @property
    def p_value(self) -> float:
        """Probability of a statistic as extreme, if the null hypothesis holds.

        A rank over ``n_surrogates + 1``: uniform under the null hypothesis and never zero.
        """
        total = self.simulated.size + 1
        lower = (1 + np.sum(self.simulated <= self.observed)) / total
        upper = (1 + np.sum(self.simulated >= self.observed)) / total
        if self.tail == "both":
            return float(min(1.0, 2 * min(lower, upper)))
        return float(lower if self.tail == "lower" else upper)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the histogram of the surrogates with the observed statistic."""
        import matplotlib.pyplot as plt

        ax = plt.subplots(layout="constrained")[1] if ax is None else ax
        ax.hist(self.simulated, bins="auto", **{"color": "0.75", **style})
        ax.axvline(self.observed, color="tab:red", label=f"observed, p = {self.p_value:.3g}")
        ax.set(xlabel=self.statistic, ylabel=f"{self.null}s")
        ax.legend(frameon=False)
        return ax

    def plot_data(self) -> FloatArray:
        """Return what :meth:`plot` draws: the observed statistic, then the simulated ones."""
        return np.concatenate([[self.observed], self.simulated])

    def __str__(self) -> str:
        low, high = np.quantile(self.simulated, [0.025, 0.975])
        return (
            f"{self.statistic} = {self.observed:.6g}; 95 % of {self.simulated.size} "
            f"{self.null}s: {low:.6g} to {high:.6g}; p = {self.p_value:.3g} ({self.tail} tail)"
        )

    __repr__ = __str__


def surrogate_test(
    x: Any,
    surrogate: Maker = iaaft_surrogate,
    *,
    statistic: str | Callable[[FloatArray], float] = "complexity",
    n: int = 5,
    delay: int = 1,
    tail: str = "both",
    n_surrogates: int = 199,
    seed: SeedLike = None,
    executor: Executor | None = None,
) -> SurrogateTest:
    """Return how extreme a statistic of the series is among its surrogates.

    Parameters
    ----------
    x : array_like or LightCurve, shape (N,)
        Missing samples only for makers that keep them (shuffled, Brownian).
    surrogate : callable
        ``surrogate(x, seed=...)``: :func:`shuffled_surrogate`, :func:`phase_surrogate`,
        :func:`iaaft_surrogate`, :func:`brownian_surrogate`, or your own.
    statistic : {"complexity", "entropy"} or callable
        Of patterns with `n` and `delay`, or ``statistic(x)`` of a series.
    n, delay : int
    tail : {"both", "lower", "upper"}
    n_surrogates : int
        At least 19.
    seed : int, SeedSequence or Generator, optional
    executor : concurrent.futures.Executor, optional

    Returns
    -------
    SurrogateTest

    Raises
    ------
    InputError, ShapeError, NonFiniteError

    References
    ----------
    Theiler et al. 1992, Physica D 58, 77; Schreiber & Schmitz 1996, Phys. Rev. Lett. 77, 635.

    Examples
    --------
    Chaos is no linear noise:

    >>> import astrokit as ak
    >>> from astrokit.complexity import examples
    >>> ak.complexity.surrogate_test(examples.henon(500).x, seed=1, n=4).p_value
    0.01
    """
    from ..parallel import map_items
    from ..provenance import Recorder

    if tail not in _TAILS:
        raise InputError("tail is unknown", value=tail, allowed=", ".join(_TAILS))
    require_count(n_surrogates, "n_surrogates", 19)
    values = np.asarray(as_series(x, missing="drop").values, dtype=float)
    compute = _statistic(statistic, check_size(n), check_delay(delay))
    name = statistic if isinstance(statistic, str) else _name_of(statistic)
    sequence = as_seed_sequence(seed)
    null = _name_of(surrogate).replace("_", " ")
    recorder = Recorder(
        "astrokit.complexity.surrogate_test",
        {"null": null, "statistic": name, "n": n, "delay": delay, "n_surrogates": n_surrogates},
        seed=sequence,
        citations=(*CITATIONS, "theiler1992", "schreiber1996"),
    )
    once = partial(_surrogate_statistic, values=values, make=surrogate, compute=compute)
    seeds = spawn(sequence, n_surrogates)
    simulated = map_items(once, range(n_surrogates), seeds=seeds, executor=executor)
    return SurrogateTest(
        null, name, float(compute(values)), np.array(simulated), tail, recorder.finish()
    )


def white_noise_test(
    x: Any,
    *,
    n: int = 4,
    delay: int = 1,
    n_surrogates: int = 999,
    seed: SeedLike = None,
    executor: Executor | None = None,
) -> SurrogateTest:
    """Test whether the order of the samples is random: white noise of any distribution.

    The permutation entropy is compared with those of shuffled series; low ones are significant.
    The p-value is exact for any length, distribution, ties and gaps. (The chi-square of
    independent windows is not: windows overlap.)

    Parameters
    ----------
    x : array_like or LightCurve, shape (N,)
        NaN and masked samples stay missing in the shuffled series.
    n, delay, n_surrogates, seed, executor
        As for :func:`surrogate_test`.

    Returns
    -------
    SurrogateTest

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> x = np.random.default_rng(1).standard_normal(500)
    >>> ak.complexity.white_noise_test(x, seed=1, n_surrogates=199).p_value > 0.05
    True
    """
    return surrogate_test(
        x,
        shuffled_surrogate,
        statistic="entropy",
        n=n,
        delay=delay,
        tail="lower",
        n_surrogates=n_surrogates,
        seed=seed,
        executor=executor,
    )


def _name_of(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _statistic(
    statistic: str | Callable[[FloatArray], float], n: int, delay: int
) -> Callable[[FloatArray], float]:
    if callable(statistic):
        return statistic
    if statistic not in _STATISTICS:
        raise InputError(
            "statistic is unknown",
            value=statistic,
            allowed=", ".join(_STATISTICS) + ", or a function of the series",
        )
    return partial(_pattern_statistic, name=statistic, n=n, delay=delay)


def _pattern_statistic(x: FloatArray, *, name: str, n: int, delay: int) -> float:
    counts = ordinal_counts(x, n=n, delay=delay, missing="drop")
    formula = normalized_entropy if name == "entropy" else jensen_complexity
    return float(formula(counts.probabilities, counts.n_states))


def _surrogate_statistic(
    item: int,
    seed: np.random.SeedSequence,
    *,
    values: FloatArray,
    make: Maker,
    compute: Callable[[FloatArray], float],
) -> float:
    surrogate = np.asarray(make(values, seed=seed), dtype=float)
    if surrogate.shape != values.shape:
        raise ShapeError(
            "a surrogate has another length than the series",
            value=(surrogate.shape, values.shape),
        )
    return float(compute(surrogate))
