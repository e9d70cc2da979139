"""Permutation entropy, statistical complexity and their relatives, of one series."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CoverageWarning, InputError
from ..estimate import Estimate
from .counting import OrdinalCounts, count_in_blocks, ordinal_counts
from .entropies import fisher_information as _fisher
from .entropies import jensen_complexity, normalized_entropy
from .entropies import renyi as _renyi
from .entropies import tsallis as _tsallis
from .series import as_series, check_delay, check_size, check_windows, n_states
from .uncertainty import FEW, BlockErrors, block_errors, default_blocks, too_few_windows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from ..provenance import Provenance

__all__ = [
    "HC",
    "fisher_information",
    "hc",
    "permutation_entropy",
    "renyi_entropy",
    "statistical_complexity",
    "tsallis_entropy",
    "weighted_entropy",
]

FloatArray = NDArray[np.float64]
CITATIONS = ("bandt2002", "rosso2007", "lopezruiz1995", "hyman2025")


@dataclass(frozen=True)
class HC:
    """Permutation entropy and statistical complexity of one series.

    Attributes
    ----------
    entropy, complexity : Estimate
        H and C as measured, with standard errors from blocks of the series (NaN if it is too
        short for two blocks). Their bias is not taken off; see `corrected`.
    n, delay : int
    n_windows, n_dropped : int
        Windows that count, and those left out for missing samples.
    n_missing_patterns : int
        Of the n! possible patterns.
    bias : tuple of float
        Expectation minus long-run value of H and of C.
    covariance : tuple of tuple of float
        Of (H, C), 2 x 2.
    n_blocks, block_length : int
        Blocks behind the errors, and windows in each.
    provenance : Provenance
    """

    entropy: Estimate
    complexity: Estimate
    n: int
    delay: int
    n_windows: int
    n_dropped: int
    n_missing_patterns: int
    bias: tuple[float, float]
    covariance: tuple[tuple[float, float], tuple[float, float]]
    n_blocks: int
    block_length: int
    provenance: Provenance

    @property
    def zone(self) -> str:
        """The zone of the plane in which the measured point lies; see :class:`Plane`."""
        from .hcplane import plane

        return plane(self.n).zone(self.entropy.value, self.complexity.value)

    @property
    def zone_probabilities(self) -> Mapping[str, float]:
        """Probability of each zone from the errors; see :meth:`Plane.classify`."""
        from .hcplane import plane

        return plane(self.n).classify(self)

    @property
    def corrected_point(self) -> tuple[float, float]:
        """(H, C) without the bias of a finite series; may lie slightly outside the limits."""
        return self.entropy.value - self.bias[0], self.complexity.value - self.bias[1]

    @property
    def corrected(self) -> tuple[Estimate, Estimate]:
        """H and C without the bias of a finite series: estimates of the long-run values."""
        H, C = self.corrected_point
        method = f"{self.entropy.method}, bias taken off"
        return (
            Estimate(H, self.entropy.lower, name="entropy", method=method),
            Estimate(C, self.complexity.lower, name="complexity", method=method),
        )

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the point in its plane; see :func:`astrokit.complexity.plot_plane`."""
        from .hcplane import plane

        return plane(self.n).plot(self, ax=ax, **style)

    def plot_data(self) -> tuple[FloatArray, FloatArray]:
        """Return the point (2,) and its covariance (2, 2), as :meth:`plot` draws them."""
        return np.array(self.corrected_point), np.array(self.covariance)

    def __str__(self) -> str:
        dropped = f", {self.n_dropped} dropped" if self.n_dropped else ""
        return (
            f"H-C, n = {self.n}, delay {self.delay}, {self.n_windows} windows{dropped}: "
            f"{self.zone}\n  {self.entropy}\n  {self.complexity}\n"
            f"  bias of H {self.bias[0]:.2g}, of C {self.bias[1]:.2g}; "
            f"{self.n_missing_patterns} patterns missing"
            + "".join(f"\n  {note}" for note in self.provenance.warnings)
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(
            f"<tr><td>{name}</td><td>{text}</td></tr>"
            for name, text in (
                ("H", self.entropy.to_html()),
                ("C", self.complexity.to_html()),
                ("zone", escape(self.zone)),
                ("windows", f"{self.n_windows} ({self.n_dropped} dropped)"),
                ("n, delay", f"{self.n}, {self.delay}"),
                *(("note", escape(note)) for note in self.provenance.warnings),
            )
        )
        return f"<table>{rows}</table>"


def hc(
    x: Any,
    *,
    n: int = 5,
    delay: int = 1,
    ties: Any = "order",
    missing: str | None = None,
    n_blocks: int | None = None,
    threads: int = 1,
) -> HC:
    """Return permutation entropy and statistical complexity with their errors.

    Parameters
    ----------
    x, n, delay, ties, missing, threads
        As for :func:`ordinal_counts`.
    n_blocks : int, optional
        Blocks of the series from whose scatter the errors come. By default 100 (64 for n = 6, 24
        above), fewer in short series, and fewer, hence longer, where neighbours are correlated.

    Returns
    -------
    HC

    Raises
    ------
    ShapeError, InputError, NonFiniteError
        As for :func:`ordinal_counts`.

    Warns
    -----
    CoverageWarning
        If neighbouring blocks are correlated even when they cannot be made longer, or there are
        fewer than 25 windows per pattern that occurs. The printed result repeats it.

    References
    ----------
    Bandt & Pompe 2002; Lopez-Ruiz, Mancini & Calbet 1995; Rosso et al. 2007; Hyman, Daniel &
    Schaffner 2025, ApJ 987, 195.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> r = ak.complexity.hc(np.random.default_rng(1).standard_normal(20000))
    >>> r.zone, r.n_windows
    ('stochastic', 19996)
    >>> print(r.corrected[0])
    entropy = 0.99992 +/- 0.00013
    """
    from ..provenance import Recorder

    n, delay = check_size(n), check_delay(delay)
    series = as_series(x, missing=missing, ties=ties)
    windows = check_windows(series.size, n, delay)
    recorder = Recorder(
        "astrokit.complexity.hc",
        {"samples": series.size, "n": n, "delay": delay, "missing": series.missing},
        citations=CITATIONS,
    )
    wanted = default_blocks(windows, n, delay) if n_blocks is None else _block_number(n_blocks)
    blocks = count_in_blocks(series, n, delay, wanted, threads)
    counts, N = blocks.total, n_states(n)
    errors = block_errors(blocks, N, adapt=n_blocks is None)
    if errors.correlated:
        recorder.warn(
            f"neighbouring blocks of {errors.length} windows are correlated: the errors of H and C "
            "are too small, and a longer series or a smaller n_blocks is needed",
            CoverageWarning,
        )
    if math.isfinite(errors.bias[0]) and too_few_windows(counts):
        recorder.warn(
            f"{counts.n_windows} windows show {counts.codes.size} patterns, fewer than {FEW} "
            "windows each: the errors of H and C are too small; use a smaller n",
            CoverageWarning,
        )
    H, C = (float(f(counts.probabilities, N)) for f in (normalized_entropy, jensen_complexity))
    return _result(counts, H, C, errors, recorder.finish())


def _block_number(n_blocks: int) -> int:
    if isinstance(n_blocks, bool) or not isinstance(n_blocks, int | np.integer) or n_blocks < 2:
        raise InputError("n_blocks must be a whole number >= 2", value=n_blocks)
    return int(n_blocks)


def _result(
    counts: OrdinalCounts, H: float, C: float, errors: BlockErrors, provenance: Provenance
) -> HC:
    method = f"pattern frequencies, {errors.n_blocks} blocks of {errors.length} windows"
    sigma = errors.errors
    return HC(
        Estimate(H, sigma[0], name="entropy", method=method),
        Estimate(C, sigma[1], name="complexity", method=method),
        counts.n,
        counts.delay,
        counts.n_windows,
        counts.n_dropped,
        counts.n_missing,
        errors.bias,
        errors.covariance,
        errors.n_blocks,
        errors.length,
        provenance,
    )


# -- one number each -------------------------------------------------------------------------------


def permutation_entropy(x: Any, *, n: int = 5, delay: int = 1, **options: Any) -> float:
    """Return the normalised permutation entropy H (Bandt & Pompe 2002).

    Parameters
    ----------
    x, n, delay
        As for :func:`ordinal_counts`.
    **options
        Its `ties`, `missing` and `threads`.

    Returns
    -------
    float
        0 (one pattern only) to 1 (all equally often).

    Examples
    --------
    >>> import astrokit as ak
    >>> round(ak.complexity.permutation_entropy([4, 7, 9, 10, 6, 11, 3], n=2), 6)
    0.918296
    """
    counts = ordinal_counts(x, n=n, delay=delay, **options)
    return float(normalized_entropy(counts.probabilities, counts.n_states))


def statistical_complexity(x: Any, *, n: int = 5, delay: int = 1, **options: Any) -> float:
    """Return the Jensen-Shannon statistical complexity C (Rosso et al. 2007).

    Parameters
    ----------
    x, n, delay, **options
        As for :func:`permutation_entropy`.

    Returns
    -------
    float

    Examples
    --------
    >>> import astrokit as ak
    >>> round(ak.complexity.statistical_complexity([4, 7, 9, 10, 6, 11, 3], n=2), 6)
    0.061128
    """
    counts = ordinal_counts(x, n=n, delay=delay, **options)
    return float(jensen_complexity(counts.probabilities, counts.n_states))


def renyi_entropy(x: Any, *, order: float, n: int = 5, delay: int = 1, **options: Any) -> float:
    """Return Renyi's permutation entropy of an order, normalised to 0 ... 1.

    Parameters
    ----------
    order : float
        > 0; 1 is Shannon's, infinity that of the most frequent pattern.
    x, n, delay, **options
        As for :func:`permutation_entropy`.

    Returns
    -------
    float

    Examples
    --------
    >>> import astrokit as ak
    >>> round(ak.complexity.renyi_entropy([4, 7, 9, 10, 6, 11, 3], order=2, n=2), 6)
    0.847997
    """
    order = _order(order, allow_infinity=True)
    counts = ordinal_counts(x, n=n, delay=delay, **options)
    return float(_renyi(counts.probabilities, order, counts.n_states))


def tsallis_entropy(x: Any, *, order: float, n: int = 5, delay: int = 1, **options: Any) -> float:
    """Return Tsallis's permutation entropy of an order, normalised to 0 ... 1.

    Parameters
    ----------
    order : float
        > 0; 1 is Shannon's.
    x, n, delay, **options
        As for :func:`permutation_entropy`.

    Returns
    -------
    float

    Examples
    --------
    >>> import astrokit as ak
    >>> round(ak.complexity.tsallis_entropy([4, 7, 9, 10, 6, 11, 3], order=2, n=2), 6)
    0.888889
    """
    order = _order(order, allow_infinity=False)
    counts = ordinal_counts(x, n=n, delay=delay, **options)
    return float(_tsallis(counts.probabilities, order, counts.n_states))


def _order(order: float, *, allow_infinity: bool) -> float:
    number = float(order)
    if not number > 0 or (math.isinf(number) and not allow_infinity):
        raise InputError(
            "the order of the entropy cannot be used",
            value=order,
            allowed="> 0" + (", infinity included" if allow_infinity else ""),
        )
    return number


def fisher_information(x: Any, *, n: int = 5, delay: int = 1, **options: Any) -> float:
    """Return the Fisher information of the pattern frequencies in lexicographic order.

    A measure of steps between neighbouring patterns (Olivares, Plastino & Rosso 2012); unlike
    entropies it depends on the order of the patterns, for which the Lehmer code stands.

    Parameters
    ----------
    x, n, delay, **options
        As for :func:`permutation_entropy`; n <= 9.

    Returns
    -------
    float
        0 (all equally often) to 1 (one pattern only, the first or the last).

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.complexity.fisher_information([1, 2, 3, 4, 5, 6], n=3)
    1.0
    """
    counts = ordinal_counts(x, n=n, delay=delay, **options)
    return _fisher(counts.dense() / counts.n_windows)


def weighted_entropy(
    x: Any, *, n: int = 5, delay: int = 1, ties: Any = "order", missing: str | None = None
) -> float:
    """Return the weighted permutation entropy: windows count by their variance.

    Fadlallah et al. 2013: steps well above the noise then matter more than small ones.

    Parameters
    ----------
    x, n, delay, ties, missing
        As for :func:`ordinal_counts`; `ties` decides the pattern, not the weight.

    Returns
    -------
    float

    Raises
    ------
    InputError
        For a constant series, whose windows have no weight.

    Examples
    --------
    >>> import astrokit as ak
    >>> round(ak.complexity.weighted_entropy([4, 7, 9, 10, 6, 11, 3], n=2), 6)
    0.912591
    """
    from .weights import pattern_weights

    sums = pattern_weights(
        as_series(x, missing=missing, ties=ties), x, check_size(n), check_delay(delay)
    )
    if not sums.sum() > 0:
        raise InputError(
            "the windows have no variance, so no weights",
            hint="permutation_entropy serves a constant series",
        )
    return float(normalized_entropy(sums / sums.sum(), n_states(n)))
