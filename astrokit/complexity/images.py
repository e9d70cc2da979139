"""Ordinal patterns of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..boundary import as_array
from ..errors import InputError, ShapeError
from .counting import BlockCounts, OrdinalCounts, count_windows
from .entropies import jensen_complexity, normalized_entropy
from .noise import require_count
from .series import MISSING, Series, check_size

__all__ = ["ImageHC", "image_counts", "image_hc"]


@dataclass(frozen=True, eq=False)
class ImageHC:
    """Permutation entropy and statistical complexity of an image.

    Attributes
    ----------
    entropy, complexity : float
    shape, delay : tuple of int
        Rows and columns of a window, and the steps between its pixels.
    counts : OrdinalCounts
    """

    entropy: float
    complexity: float
    shape: tuple[int, int]
    delay: tuple[int, int]
    counts: OrdinalCounts

    @property
    def zone(self) -> str:
        """The zone of the plane; see :class:`Plane`."""
        from .hcplane import plane

        return plane(self.counts.n).zone(self.entropy, self.complexity)

    def __str__(self) -> str:
        rows, columns = self.shape
        return (
            f"H = {self.entropy:.6g}, C = {self.complexity:.6g}: windows of {rows} x {columns} "
            f"pixels, {self.counts}"
        )

    __repr__ = __str__


def image_counts(
    image: Any,
    *,
    shape: tuple[int, int] = (2, 2),
    delay: tuple[int, int] = (1, 1),
    missing: str = "raise",
) -> OrdinalCounts:
    """Return how often each ordinal pattern occurs in the windows of an image.

    Parameters
    ----------
    image : array_like, shape (rows, columns)
    shape : tuple of int
        Rows and columns of a window; their product n is 2 to 20.
    delay : tuple of int
        Steps between the pixels of a window, along rows and columns.
    missing : {"raise", "drop"}
        NaN and masked pixels raise, or their windows are dropped and counted.

    Returns
    -------
    OrdinalCounts
        Pixels of a window are numbered row by row.

    Raises
    ------
    ShapeError, InputError, NonFiniteError

    References
    ----------
    Ribeiro et al. 2012, PLoS ONE 7, e40689.

    Examples
    --------
    >>> import astrokit as ak
    >>> print(ak.complexity.image_counts([[1, 2, 1], [8, 3, 4], [6, 7, 5]]))
    3 of 24 patterns (n = 4, delay 1) in 4 windows
    """
    height, width = (require_count(k, "shape") for k in shape)
    down, right = (require_count(k, "delay") for k in delay)
    n = check_size(height * width)
    if missing not in MISSING[:2]:
        raise InputError("missing is unknown", value=missing, allowed="raise, drop")
    pixels = as_array(image, "image", ndim=2, missing="raise" if missing == "raise" else "nan")
    rows, columns = pixels.shape
    high, wide = rows - down * (height - 1), columns - right * (width - 1)
    if high < 1 or wide < 1:
        raise ShapeError(
            "the image is smaller than one window",
            value=f"{rows} x {columns} pixels",
            allowed=f"at least {down * (height - 1) + 1} x {right * (width - 1) + 1}",
        )
    steps_down, steps_right = np.arange(height) * down, np.arange(width) * right
    offsets = np.ravel(steps_down[:, None] * columns + steps_right[None, :]).astype(np.int64)
    flat = pixels.ravel()
    windows = flat.size - int(offsets[-1])
    inside = np.arange(windows) % columns < wide
    valid = None if np.isfinite(flat).all() else np.isfinite(flat)
    series = Series(flat, valid, missing, 0.0)
    edges = np.array([0, windows], dtype=np.int64)
    found: BlockCounts = count_windows(series, offsets, edges, down, inside)
    total = found.total
    dropped = high * wide - total.n_windows
    return OrdinalCounts(n, down, total.codes, total.counts, total.n_windows, dropped)


def image_hc(
    image: Any,
    *,
    shape: tuple[int, int] = (2, 2),
    delay: tuple[int, int] = (1, 1),
    missing: str = "raise",
) -> ImageHC:
    """Return permutation entropy and statistical complexity of an image.

    Parameters
    ----------
    image, shape, delay, missing
        As for :func:`image_counts`.

    Returns
    -------
    ImageHC

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.complexity.image_hc([[1, 2, 1], [8, 3, 4], [6, 7, 5]]).entropy.__round__(6)
    0.327156
    """
    counts = image_counts(image, shape=shape, delay=delay, missing=missing)
    p, N = counts.probabilities, counts.n_states
    return ImageHC(
        float(normalized_entropy(p, N)),
        float(jensen_complexity(p, N)),
        (int(shape[0]), int(shape[1])),
        (int(delay[0]), int(delay[1])),
        counts,
    )
