"""Checks of what a spectrum is made of, and the alignment of its channels with others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_array, as_scalar
from ..errors import InputError, ShapeError

__all__ = ["align", "checked_channels", "checked_exposure", "per_channel"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def checked_exposure(exposure: Any) -> float:
    """Return the exposure in seconds.

    Raises
    ------
    InputError
        Where it is not positive.
    """
    seconds = as_scalar(exposure, "exposure", unit="s" if hasattr(exposure, "unit") else None)
    if seconds <= 0:
        raise InputError(
            "the exposure of a spectrum must be positive",
            value=f"{seconds:g} s",
            hint="correct EXPOSURE in the file, or pass exposure=",
        )
    return seconds


def checked_channels(channel: Any, n: int) -> IntArray:
    """Return channel numbers; 1 to n where none are given.

    Raises
    ------
    InputError
        Where they do not rise.
    ShapeError
    """
    if channel is None:
        return np.arange(1, n + 1, dtype=np.int64)
    numbers: IntArray = as_array(channel, "channel", dtype=np.int64)
    if numbers.size != n:
        raise ShapeError("channels and counts differ in number", value=(numbers.size, n))
    if np.any(np.diff(numbers) <= 0):
        at = int(np.flatnonzero(np.diff(numbers) <= 0)[0])
        raise InputError(
            "channel numbers must rise",
            value=f"{numbers[at]} before {numbers[at + 1]}",
            hint="sort the rows, and add up rows of the same channel",
        )
    return numbers


def per_channel(x: Any, name: str, n: int, *, minimum: float | None = 0.0) -> FloatArray:
    """Return one value per channel of a number or an array.

    Raises
    ------
    ShapeError
    InputError
        For a value below `minimum`.
    """
    values = as_array(x, name, ndim=None)
    if values.size not in (1, n):
        raise ShapeError(
            f"{name} is neither one number nor one per channel",
            value=f"shape {values.shape}",
            allowed=f"({n},)",
        )
    full = np.array(np.broadcast_to(values.ravel(), (n,)), dtype=np.float64)
    if minimum is not None and full.min() < minimum:
        raise InputError(f"{name} is too small", value=float(full.min()), allowed=f">= {minimum:g}")
    return full


def align(channel: IntArray, other: IntArray, what: str) -> IntArray:
    """Return where each channel is in `other`.

    By number, where all are there. Spectra of one instrument are sometimes numbered from 0 and
    their background or response from 1: where both have equally many contiguous channels, and
    begin one apart, they are matched by position.

    Raises
    ------
    InputError
        Where channels are missing.

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.spectra.channels import align
    >>> align(np.array([3, 4]), np.arange(1, 6), "response")
    array([2, 3])
    >>> align(np.arange(0, 3), np.arange(1, 4), "response")
    array([0, 1, 2])
    """
    at = np.searchsorted(other, channel)
    inside = at < other.size
    if inside.all() and np.array_equal(other[at], channel):
        return at
    shift = abs(int(channel[0]) - int(other[0]))
    if channel.size == other.size and shift == 1 and np.ptp(channel - other) == 0:
        return np.arange(channel.size)
    raise InputError(
        f"the channels of spectrum and {what} do not match",
        value=f"{channel.size} channels from {channel[0]} to {channel[-1]}, and {other.size} from "
        f"{other[0]} to {other[-1]}",
        hint=f"this {what} belongs to another spectrum, or to another binning of it",
    )
