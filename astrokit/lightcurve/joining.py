"""Join light curves in time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from astrokit.errors import InputError

from . import gti as intervals
from .frames import with_mjdref
from .lightcurve import LightCurve

__all__ = ["concatenate"]


def concatenate(curves: Sequence[LightCurve]) -> LightCurve:
    """Join light curves that do not overlap.

    Parameters
    ----------
    curves : sequence of LightCurve
        In any order. Same units, time system and place of reference; other time zeros
        (``info.mjdref``) are brought to that of the first.

    Returns
    -------
    LightCurve
        GTIs are joined; fields of `info` that differ are blank; no read report.

    Raises
    ------
    InputError
        If they overlap, or differ in units or time, or only some have errors.

    Examples
    --------
    >>> import astrokit as ak
    >>> a, b = ak.LightCurve([1, 2], [3, 4]), ak.LightCurve([5, 6], [7, 8])
    >>> ak.LightCurve.concatenate([b, a]).rate
    array([3., 4., 7., 8.])
    """
    ordered = sorted(_in_one_frame(curves), key=lambda lc: float(lc.time[0]))
    first = ordered[0]
    info = first.info
    for before, lc in pairwise(ordered):
        if lc.time[0] <= before.time[-1]:
            raise InputError(
                "light curves overlap in time",
                value=f"one ends at {before.time[-1]:.10g}, the next begins at {lc.time[0]:.10g}",
                hint="select() the part that you want of each first",
            )
        info = info.common_with(lc.info)
    fractions = None
    if any(lc.exposure_fraction is not None for lc in ordered):
        fractions = np.concatenate(
            [
                np.ones(lc.n) if lc.exposure_fraction is None else lc.exposure_fraction
                for lc in ordered
            ]
        )
    return LightCurve(
        np.concatenate([lc.time for lc in ordered]),
        np.concatenate([lc.rate for lc in ordered]),
        None
        if first.error is None
        else np.concatenate([lc.error for lc in ordered if lc.error is not None]),
        bin_width=np.concatenate(
            [np.broadcast_to(np.asarray(lc.bin_width), lc.time.shape) for lc in ordered]
        ),
        exposure_fraction=fractions,
        gti=intervals.merge(np.concatenate([lc.gti for lc in ordered])),
        info=info,
    )


def _in_one_frame(curves: Any) -> list[LightCurve]:
    """Return the curves with the time zero of the first, or say why they have none in common."""
    if isinstance(curves, LightCurve) or not all(isinstance(lc, LightCurve) for lc in curves):
        raise InputError(
            "concatenate takes a list of light curves",
            value=type(curves).__name__,
            hint="write LightCurve.concatenate([a, b]); read files with read_lightcurve first",
        )
    if not curves:
        raise InputError("there is no light curve to concatenate", allowed="at least one")
    first, moved = curves[0], []
    for lc in curves:
        _require_same_frame(first, lc)
        same = first.info.mjdref is None or lc.info.mjdref == first.info.mjdref
        moved.append(lc if same else with_mjdref(lc, first.info.mjdref))
    return moved


def _require_same_frame(a: LightCurve, b: LightCurve) -> None:
    if (a.info.mjdref is None) != (b.info.mjdref is None):
        raise InputError(
            "only some of the light curves have a known time zero (mjdref)",
            hint="pass mjdref= to read_lightcurve for the others",
        )
    for name in ("time_unit", "rate_unit", "time_system", "time_reference"):
        mine, other = getattr(a.info, name), getattr(b.info, name)
        if mine != other:
            raise InputError(
                f"light curves differ in {name}",
                value=f"{mine!r} and {other!r}",
                hint="bring them to one unit and time reference first, for example with "
                "in_time_unit()",
            )
    if (a.error is None) != (b.error is None):
        raise InputError(
            "only some of the light curves have errors",
            hint="read all with errors, or all without (error_column=False)",
        )
