"""Grouping: where groups of channels begin, by counts, significance, resolution or number.

All criteria that are given must be met. What remains after the last complete group of a noticed
stretch joins that group: nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError

__all__ = ["GroupingRule", "flags_for", "optimal_widths"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class GroupingRule:
    """What a group must reach.

    Attributes
    ----------
    min_counts, min_snr, min_background_counts : float or None
        Counts, significance of the net counts, and counts of the background.
    n_channels : int or None
        Number of channels.
    optimal : bool
        Widths after Kaastra & Bleeker (2016).
    """

    min_counts: float | None = None
    min_snr: float | None = None
    min_background_counts: float | None = None
    n_channels: int | None = None
    optimal: bool = False

    def __post_init__(self) -> None:
        given = [self.min_counts, self.min_snr, self.min_background_counts, self.n_channels]
        if not self.optimal and all(x is None for x in given):
            raise InputError(
                "no rule for the groups is given",
                allowed="min_counts, min_snr, min_background_counts, n_channels or optimal=True",
                hint="ungroup() makes every channel its own group",
            )
        for name in ("min_counts", "min_snr", "min_background_counts", "n_channels"):
            value = getattr(self, name)
            if value is not None:
                as_scalar(value, name, positive=True)


@dataclass(frozen=True, eq=False)
class Stretches:
    """What rules look at, channel by channel.

    Attributes
    ----------
    rows : ndarray of int, shape (k,)
        Channels to group: noticed and usable.
    counts, background, background_ratio : ndarray, shape (n,)
        Of all channels; the ratio scales the background to the source region.
    widths : ndarray, shape (n,), or None
        Optimal widths in channels.
    contiguous : ndarray of int, shape (n,)
        Number of the stretch of each channel; a group never reaches across two.
    """

    rows: IntArray
    counts: FloatArray
    background: FloatArray
    background_ratio: FloatArray
    widths: FloatArray | None
    contiguous: IntArray


def flags_for(rule: GroupingRule, data: Stretches) -> IntArray:
    """Return OGIP flags: 1 where a group begins, -1 where it goes on, 0 for channels left alone.

    Raises
    ------
    InputError
        Where no group meets the rule.
    """
    flags = np.zeros(data.counts.size, dtype=np.int64)
    stretch = data.contiguous[data.rows]
    complete = 0
    for number in np.unique(stretch):
        rows = data.rows[stretch == number]
        starts, n_complete = _starts(rule, data, rows)
        complete += n_complete
        # Unusable channels between the first and the last one belong to the group around them.
        flags[rows[0] : rows[-1] + 1] = -1
        flags[rows[starts]] = 1
    if complete == 0:
        raise InputError(
            "grouping leaves no bin: not one group meets the rule",
            value=f"{rule}, {data.counts[data.rows].sum():g} counts noticed",
            hint="ask for less per group, or notice a wider band",
        )
    return flags


def _starts(rule: GroupingRule, data: Stretches, rows: IntArray) -> tuple[list[int], int]:
    """Return where groups begin in `rows`, and how many are complete."""
    counts = np.append(0.0, np.cumsum(data.counts[rows]))
    background = np.append(0.0, np.cumsum(data.background[rows]))
    scaled = np.append(0.0, np.cumsum((data.background_ratio * data.background)[rows]))
    variance = np.append(0.0, np.cumsum((data.background_ratio**2 * data.background)[rows]))
    widths = None if data.widths is None else data.widths[rows]
    starts, first, complete = [0], 0, 0
    for end in range(1, rows.size + 1):
        total = counts[end] - counts[first]
        if rule.min_counts is not None and total < rule.min_counts:
            continue
        beside = background[end] - background[first]
        if rule.min_background_counts is not None and beside < rule.min_background_counts:
            continue
        if rule.n_channels is not None and end - first < rule.n_channels:
            continue
        if rule.min_snr is not None:
            noise = np.sqrt(total + variance[end] - variance[first])
            if total - (scaled[end] - scaled[first]) < rule.min_snr * max(noise, 1e-300):
                continue
        # As wide as the finest channel of the next step allows.
        too_narrow = widths is not None and end + 1 - first <= widths[first : end + 1].min()
        if too_narrow and end < rows.size:
            continue
        complete += 1
        starts.append(end)
        first = end
    if starts[-1] == rows.size or complete:
        starts.pop()  # nothing remains, or what remains joins the last group
    return starts or [0], complete


def optimal_widths(resolution: FloatArray, counts: FloatArray, rows: IntArray) -> FloatArray:
    """Return the optimal widths of bins in channels (Kaastra & Bleeker 2016, eq. 36 and 37).

    Parameters
    ----------
    resolution : ndarray, shape (n,)
        Full width at half maximum of the response in channels.
    counts : ndarray, shape (n,)
    rows : ndarray of int
        Noticed channels; they hold R resolution elements.

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.spectra.grouping import optimal_widths
    >>> fwhm, rows = np.full(1000, 10.0), np.arange(1000)
    >>> print(optimal_widths(fwhm, np.zeros(1000), rows)[500])  # few counts: one resolution element
    10.0
    >>> print(f"{optimal_widths(fwhm, np.full(1000, 1000.0), rows)[500]:.2f}")  # many: a fraction
    5.06
    """
    elements = max(float((1 / resolution[rows]).sum()), 1.0)
    noticed = np.zeros(counts.size)
    noticed[rows] = counts[rows]
    total = np.append(0.0, np.cumsum(noticed))
    at = np.arange(counts.size)
    low = np.clip(at + 0.5 - resolution / 2, 0, counts.size)
    high = np.clip(at + 0.5 + resolution / 2, 0, counts.size)
    edges = np.arange(counts.size + 1)
    inside = np.interp(high, edges, total) - np.interp(low, edges, total)
    x = np.log(np.maximum(inside * (1 + 0.2 * np.log(elements)), 1.0))
    with np.errstate(divide="ignore"):
        fraction = np.where(x > 2.119, (0.08 * x + 7.0 + 1.8 / x) / (x + 5.9), 1.0)
    return np.maximum(fraction * resolution, 1.0)
