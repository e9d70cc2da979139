"""What users hand over as a series, and how equal values are told apart: checks, no counting."""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_array, as_scalar, split_mask
from ..errors import InputError, NonFiniteError, ShapeError
from ..randomness import SeedLike, as_generator

if TYPE_CHECKING:
    from ..lightcurve import LightCurve

__all__ = ["Jitter", "MISSING", "Series", "Tolerance", "as_series", "check_delay", "check_size"]

FloatArray = NDArray[np.float64]
MISSING = ("raise", "drop", "span")
SMALLEST, LARGEST = 2, 20  # 21! does not fit into 64 bits
_CHECKED = 1 << 16  # samples checked at a time where the series is converted on the way


@dataclass(frozen=True)
class Tolerance:
    """Tie policy: values count as equal, the earlier as smaller, if they differ by at most `width`.

    Parameters
    ----------
    width : float
        In the unit of the series, >= 0; such as the resolution of the instrument.

    Examples
    --------
    >>> import astrokit as ak
    >>> x = [1.0, 0.99, 2.0, 1.99, 3.0]
    >>> ak.complexity.permutation_entropy(x, n=2, ties=ak.complexity.Tolerance(0.1))
    0.0
    """

    width: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "width", as_scalar(self.width, "width", minimum=0.0))


@dataclass(frozen=True)
class Jitter:
    """Tie policy: equal values are put in a random order, as noise below the resolution would.

    Parameters
    ----------
    seed : int, SeedSequence or Generator

    Examples
    --------
    >>> import astrokit as ak
    >>> h = ak.complexity.permutation_entropy([0.0] * 999, n=3, ties=ak.complexity.Jitter(seed=1))
    >>> h > 0.99
    True
    """

    seed: SeedLike

    def apply(self, values: FloatArray) -> FloatArray:
        """Return the rank of each value, equal ones in a random order (NaN stays NaN)."""
        ranks = np.full(values.size, np.nan)
        good = np.flatnonzero(np.isfinite(values))
        order = np.lexsort((as_generator(self.seed).random(good.size), values[good]))
        ranks[good[order]] = np.arange(good.size, dtype=float)
        return ranks


@dataclass(frozen=True, eq=False)
class Series:
    """A checked series.

    Attributes
    ----------
    values : ndarray, shape (N,)
        Any numeric type, memory-mapped or not; NaN where a sample is missing.
    valid : ndarray of bool, shape (N,), or None
        Which samples exist; None if all do.
    missing : {"raise", "drop", "span"}
        What happens to windows with missing samples.
    tolerance : float
    """

    values: NDArray[Any]
    valid: NDArray[np.bool_] | None
    missing: str
    tolerance: float

    @property
    def size(self) -> int:
        """Number of samples, missing ones included."""
        return int(self.values.size)


def check_size(n: int) -> int:
    """Return the sample size of a pattern, a whole number from 2 to 20, or raise."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or not SMALLEST <= n <= LARGEST:
        raise InputError(
            "the sample size n (embedding dimension) cannot be used",
            value=n,
            allowed=f"a whole number from {SMALLEST} to {LARGEST}",
            hint="n = 5 serves most series; each step up needs about n times more data",
        )
    return int(n)


def check_delay(delay: int) -> int:
    """Return the delay in samples, a whole number >= 1, or raise."""
    if isinstance(delay, bool) or not isinstance(delay, int | np.integer) or delay < 1:
        raise InputError(
            "the delay (sampling interval) cannot be used",
            value=delay,
            allowed="a whole number of samples, at least 1",
        )
    return int(delay)


def check_windows(size: int, n: int, delay: int) -> int:
    """Return the number of windows ``N - delay (n - 1)``, or raise if there is none."""
    windows = size - delay * (n - 1)
    if windows < 1:
        longest = (size - 1) // (n - 1)
        hint = f"the longest delay for this n is {longest}" if longest else "give a longer series"
        raise ShapeError(
            "the series is shorter than one window, so there are no patterns",
            value=f"{size} samples, window of delay * (n - 1) + 1 = {delay * (n - 1) + 1}",
            hint=hint,
        )
    return windows


def as_series(x: Any, *, missing: str | None = None, ties: Any = "order") -> Series:
    """Return `x` checked: one series of finite numbers, missing samples only where allowed.

    A numeric array keeps its type and place (memory maps are not read at once).

    Parameters
    ----------
    x : array_like or LightCurve, shape (N,)
    missing : {"raise", "drop", "span"}, optional
        By default "drop" for a light curve, "raise" for an array.
    ties : {"order"}, Tolerance or Jitter

    Raises
    ------
    InputError, ShapeError, NonFiniteError, MaskError, UnitError
    """
    policy = _missing_policy(x, missing)
    values = _values_of(x, policy)
    valid = _validity(values, policy)
    if isinstance(ties, Jitter):
        return Series(ties.apply(np.asarray(values, dtype=float)), valid, policy, 0.0)
    if isinstance(ties, Tolerance):
        return Series(values, valid, policy, ties.width)
    if not (isinstance(ties, str) and ties == "order"):
        raise InputError(
            "ties is unknown",
            value=ties,
            allowed="'order' (the earlier of equal values is the smaller), Tolerance(width), "
            "Jitter(seed)",
        )
    return Series(values, valid, policy, 0.0)


def _missing_policy(x: Any, missing: str | None) -> str:
    if missing is None:
        return "drop" if _is_lightcurve(x) else "raise"
    if missing not in MISSING:
        raise InputError("missing is unknown", value=missing, allowed=", ".join(MISSING))
    return missing


def _is_lightcurve(x: Any) -> bool:
    return hasattr(x, "on_regular_grid") and hasattr(x, "rate")


def _values_of(x: Any, policy: str) -> NDArray[Any]:
    if _is_lightcurve(x):
        curve: LightCurve = x.on_regular_grid()
        return curve.rate
    plain = isinstance(x, np.ndarray) and not hasattr(x, "unit") and split_mask(x)[1] is None
    if plain and x.dtype.kind in "fiu" and x.dtype.itemsize <= 8:
        if x.ndim != 1:
            raise ShapeError(
                "one series is needed",
                value=f"shape {x.shape}",
                hint="use hc_batch for the rows of a table of series, and image_hc for an image",
            )
        if x.size == 0:
            raise ShapeError("the series is empty", value=0, allowed="at least two samples")
        return x
    return as_array(x, "x", missing="raise" if policy == "raise" else "nan")


def _validity(values: NDArray[Any], policy: str) -> NDArray[np.bool_] | None:
    """Return which samples exist (None: all); raise for what the policy does not allow."""
    from .kernels import count_nonfinite

    if values.dtype.kind != "f":
        return None
    if direct(values):
        bad = count_nonfinite(values)
    else:
        starts = range(0, values.size, _CHECKED)
        bad = sum(count_nonfinite(converted(values, s, s + _CHECKED)) for s in starts)
    if bad == 0:
        return None
    valid = ~np.isnan(values)
    infinite = int(np.sum(np.isinf(values)))
    if policy == "raise" or infinite:
        first = int(np.flatnonzero(~np.isfinite(values))[0])
        raise NonFiniteError(
            f"x has {bad} NaN or infinite values of {values.size}, the first at index {first}",
            value=float(values[first]),
            hint="infinite values have no rank: remove them"
            if infinite
            else "missing='drop' leaves out (and counts) the windows that need them",
        )
    if not valid.any():
        raise NonFiniteError("x holds no number at all", value=f"{values.size} NaN")
    return valid


def direct(values: NDArray[Any]) -> bool:
    """Return whether a kernel can take the array as it is."""
    return bool(
        values.dtype == np.float64
        and values.dtype.isnative
        and values.flags.c_contiguous
        and values.flags.writeable
        and type(values) is np.ndarray
    )


def converted(values: NDArray[Any], start: int, stop: int) -> FloatArray:
    """Return a piece as a native, contiguous, writable float64 array (a copy)."""
    return np.array(values[start:stop], dtype=np.float64, order="C", subok=False)


def n_states(n: int) -> int:
    """Return n!, the number of possible patterns."""
    return factorial(n)
