"""H and C over many delays of one series, and of many series in one call."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_array
from ..errors import CoverageWarning, ShapeError
from .counting import count_in_blocks
from .entropies import jensen_complexity, normalized_entropy
from .series import Series, as_series, check_delay, check_size, check_windows, n_states
from .uncertainty import FEW, block_errors, default_blocks, too_few_windows

if TYPE_CHECKING:
    from astropy.table import QTable

__all__ = ["HCBatch", "HCCurve", "hc_batch", "hc_curve"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_COLUMNS = ["entropy", "entropy_error", "entropy_bias"]
_COLUMNS += ["complexity", "complexity_error", "complexity_bias"]


class _Rows:
    """What curves and batches share: columns of H and C with errors and bias."""

    entropy: FloatArray
    complexity: FloatArray
    entropy_bias: FloatArray
    complexity_bias: FloatArray
    n: int

    @property
    def corrected(self) -> tuple[FloatArray, FloatArray]:
        """H and C without the bias of finite series."""
        return self.entropy - self.entropy_bias, self.complexity - self.complexity_bias

    @property
    def zones(self) -> list[str]:
        """The zone of each point."""
        from .hcplane import plane

        pairs = zip(self.entropy, self.complexity, strict=True)
        return [plane(self.n).zone(float(H), float(C)) for H, C in pairs]


@dataclass(frozen=True, eq=False)
class HCCurve(_Rows):
    """H and C as functions of the delay.

    Attributes
    ----------
    n : int
    delay : ndarray of int64, shape (k,)
    entropy, complexity : ndarray, shape (k,)
    entropy_error, complexity_error : ndarray, shape (k,)
        Standard errors from blocks; points at neighbouring delays are strongly correlated.
    entropy_bias, complexity_bias : ndarray, shape (k,)
        Not taken off; see `corrected`.
    n_windows, n_dropped : ndarray of int64, shape (k,)
    """

    n: int
    delay: IntArray
    entropy: FloatArray
    entropy_error: FloatArray
    entropy_bias: FloatArray
    complexity: FloatArray
    complexity_error: FloatArray
    complexity_bias: FloatArray
    n_windows: IntArray
    n_dropped: IntArray

    @property
    def best_delay(self) -> int:
        """The delay of the largest complexity, where chaos shows best."""
        return int(self.delay[np.argmax(self.complexity)])

    def plot(self, axes: Any = None, **style: Any) -> Any:
        """Draw H and C against the delay; see :func:`astrokit.complexity.plot_curve`."""
        from .plots import plot_curve

        return plot_curve(self, axes, **style)

    def plot_data(self) -> QTable:
        """Return the numbers that :meth:`plot` draws; the same as :meth:`to_table`."""
        return self.to_table()

    def to_table(self) -> QTable:
        """Return one row per delay."""
        return _table(self, ("delay", *_COLUMNS, "n_windows", "n_dropped"))

    def __len__(self) -> int:
        return self.delay.size

    def __str__(self) -> str:
        at = int(np.argmax(self.complexity))
        return (
            f"H-C curve, n = {self.n}, {self.delay.size} delays from {self.delay.min()} to "
            f"{self.delay.max()}: largest C {self.complexity[at]:.4f} at delay {self.delay[at]} "
            f"(H = {self.entropy[at]:.4f})"
        )

    __repr__ = __str__


@dataclass(frozen=True, eq=False)
class HCBatch(_Rows):
    """H and C of many series.

    Attributes
    ----------
    n, delay : int
    entropy, complexity : ndarray, shape (k,)
    entropy_error, complexity_error, entropy_bias, complexity_bias : ndarray, shape (k,)
    n_windows, n_dropped : ndarray of int64, shape (k,)
    """

    n: int
    delay: int
    entropy: FloatArray
    entropy_error: FloatArray
    entropy_bias: FloatArray
    complexity: FloatArray
    complexity_error: FloatArray
    complexity_bias: FloatArray
    n_windows: IntArray
    n_dropped: IntArray

    def to_table(self) -> QTable:
        """Return one row per series."""
        return _table(self, (*_COLUMNS, "n_windows", "n_dropped"))

    def __len__(self) -> int:
        return self.entropy.size

    def __str__(self) -> str:
        return (
            f"H and C of {len(self)} series, n = {self.n}, delay {self.delay}: "
            f"median H {np.median(self.entropy):.4f}, C {np.median(self.complexity):.4f}"
        )

    __repr__ = __str__


def hc_curve(
    x: Any,
    *,
    n: int = 5,
    delays: Iterable[int] = range(1, 100),
    ties: Any = "order",
    missing: str | None = None,
    threads: int = 1,
) -> HCCurve:
    """Return entropy and complexity as functions of the delay.

    Parameters
    ----------
    x, n, ties, missing
        As for :func:`ordinal_counts`.
    delays : iterable of int
        By default 1 to 99.
    threads : int
        Delays are shared among them; the numbers are the same for any number.

    Returns
    -------
    HCCurve

    Raises
    ------
    ShapeError
        If the series is shorter than one window at the longest delay.
    InputError, NonFiniteError

    Warns
    -----
    CoverageWarning
        If the errors of some points are too small, as for :func:`hc`.

    Examples
    --------
    >>> import astrokit as ak
    >>> from astrokit.complexity import examples
    >>> curve = ak.complexity.hc_curve(examples.sines(5000).x, delays=range(1, 40))
    >>> bool(curve.entropy.argmax() > 5)
    True
    """
    n = check_size(n)
    steps = np.array([check_delay(delay) for delay in delays], dtype=np.int64)
    if steps.size == 0:
        raise ShapeError("there are no delays", value=0, allowed="at least one")
    series = as_series(x, missing=missing, ties=ties)
    check_windows(series.size, n, int(steps.max()))

    def measure(delay: int) -> tuple[float, ...]:
        return _measured(series, n, delay)

    rows = list(_in_threads(measure, [int(step) for step in steps], threads))
    return HCCurve(n, steps, *_as_columns(rows, "hc_curve"))


def hc_batch(
    series: Any,
    *,
    n: int = 5,
    delay: int = 1,
    ties: Any = "order",
    missing: str | None = None,
    threads: int = 1,
) -> HCBatch:
    """Return entropy and complexity of many series in one call.

    Parameters
    ----------
    series : array_like, shape (k, N), or sequence of series
        Rows of a table, or arrays and light curves of any lengths.
    n, delay, ties, missing
        As for :func:`ordinal_counts`.
    threads : int
        Series are shared among them; the numbers are the same for any number.

    Returns
    -------
    HCBatch

    Raises
    ------
    ShapeError, InputError, NonFiniteError
        With the index of the series.

    Warns
    -----
    CoverageWarning
        If the errors of some series are too small, as for :func:`hc`.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> table = np.random.default_rng(1).standard_normal((3, 1000))
    >>> ak.complexity.hc_batch(table, n=3).entropy.round(3).tolist()
    [0.999, 1.0, 0.999]
    """
    n, delay = check_size(n), check_delay(delay)
    rows = _series_of(series)

    def measure(index: int) -> tuple[float, ...]:
        try:
            checked = as_series(rows[index], missing=missing, ties=ties)
            return _measured(checked, n, delay)
        except Exception as error:
            error.add_note(f"in series {index} of {len(rows)}")
            raise

    measured = list(_in_threads(measure, range(len(rows)), threads))
    return HCBatch(n, delay, *_as_columns(measured, "hc_batch"))


# -- parts -----------------------------------------------------------------------------------------


def _series_of(series: Any) -> Any:
    if isinstance(series, np.ndarray) and not hasattr(series, "unit"):
        if series.ndim != 2 or series.shape[0] == 0:
            raise ShapeError(
                "a table of series has two dimensions, one row per series",
                value=f"shape {series.shape}",
                hint="use hc for one series",
            )
        return series
    rows = list(series)
    if not rows:
        raise ShapeError("there are no series", value=0, allowed="at least one")
    if all(np.ndim(row) == 0 and not hasattr(row, "rate") for row in rows):
        as_array(rows, "series", ndim=2)  # numbers, not series: raises and says so
    return rows


def _measured(series: Series, n: int, delay: int) -> tuple[float, ...]:
    """Return H, its error and bias, the same of C, windows used and dropped, too few or not."""
    windows = check_windows(series.size, n, delay)
    blocks = count_in_blocks(series, n, delay, default_blocks(windows, n, delay))
    counts, N = blocks.total, n_states(n)
    errors = block_errors(blocks, N)
    p = counts.probabilities
    return (
        float(normalized_entropy(p, N)),
        errors.errors[0],
        errors.bias[0],
        float(jensen_complexity(p, N)),
        errors.errors[1],
        errors.bias[1],
        counts.n_windows,
        counts.n_dropped,
        math.isfinite(errors.bias[0]) and too_few_windows(counts),
    )


def _as_columns(rows: list[tuple[float, ...]], what: str) -> list[Any]:
    """Return the columns, and warn of errors that are too small."""
    from ..provenance import Recorder

    columns = list(zip(*rows, strict=True))
    if few := sum(columns[8]):
        Recorder(f"astrokit.complexity.{what}", {}).warn(
            f"{int(few)} of {len(rows)} points have fewer than {FEW} windows per pattern that "
            "occurs: their errors of H and C are too small; use a smaller n",
            CoverageWarning,
            stacklevel=4,
        )
    numbers = [np.array(column, dtype=np.float64) for column in columns[:6]]
    return [*numbers, *(np.array(column, dtype=np.int64) for column in columns[6:8])]


def _in_threads(function: Any, items: Sequence[int], threads: int) -> Iterator[Any]:
    from .counting import check_threads

    if check_threads(threads) == 1:
        yield from map(function, items)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(function, items)


def _table(result: Any, names: tuple[str, ...]) -> QTable:
    from astropy.table import QTable

    return QTable({name: getattr(result, name) for name in names})
