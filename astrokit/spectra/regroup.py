"""Making groups of a spectrum: what its channels hold, handed to the rules of `grouping`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .grouping import GroupingRule, Stretches, flags_for, optimal_widths

if TYPE_CHECKING:
    from .spectrum import Spectrum

__all__ = ["regroup"]


def regroup(spectrum: Spectrum, rule: GroupingRule) -> NDArray[np.int64]:
    """Return OGIP flags of groups that meet `rule`, in each noticed stretch of channels.

    Raises
    ------
    InputError
        Where no group meets it, or something it needs is missing.
    """
    _require(spectrum, rule)
    single = spectrum.ungroup()
    rows = single.groups.rows
    n = single.channel.size
    background, ratio = np.zeros(n), np.zeros(n)
    if single.background_counts is not None and single.background_ratio is not None:
        background[rows], ratio[rows] = single.background_counts, single.background_ratio
    widths = None
    if rule.optimal and spectrum.response is not None:
        resolution = spectrum.response.resolution[spectrum.response_rows]
        widths = optimal_widths(resolution, single._as_counts_or_more(), rows)
    everything = single.with_quality(use=False).groups.rows
    noticed = np.zeros(n, dtype=np.int64)
    noticed[np.append(everything, rows)] = 1
    contiguous = np.cumsum(np.diff(noticed, prepend=noticed[0]) != 0)
    data = Stretches(rows, single._as_counts_or_more(), background, ratio, widths, contiguous)
    return flags_for(rule, data)


def _require(spectrum: Spectrum, rule: GroupingRule) -> None:
    if rule.optimal and spectrum.response is None:
        raise InputError(
            "optimal groups need a response, which holds the resolution",
            hint="group(min_counts=...) needs none",
        )
    if rule.min_background_counts is not None and not spectrum.backgrounds:
        raise InputError(
            "min_background_counts needs a background", hint="leave it out, or add a background"
        )
