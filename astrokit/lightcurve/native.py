"""The lossless form of a light curve: columns, intervals and one line of JSON.

Files that astrokit writes carry the JSON beside the usual keywords, so that other programs read
them as any OGIP file or table, and astrokit gets back every bit.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astrokit.errors import ReadError

from .info import LightCurveInfo
from .lightcurve import LightCurve

__all__ = ["KEY", "columns_of", "payload", "restore"]

KEY = "astrokit"
_FORMAT = 1


def columns_of(lc: LightCurve) -> dict[str, NDArray[np.float64]]:
    """Return the columns of a light curve by name; what it does not have is left out."""
    columns = {"time": lc.time, "rate": lc.rate}
    if lc.error is not None:
        columns["error"] = lc.error
    if lc.exposure_fraction is not None:
        columns["exposure_fraction"] = lc.exposure_fraction
    if isinstance(lc.bin_width, np.ndarray):
        columns["bin_width"] = lc.bin_width
    return columns


def payload(lc: LightCurve, *, with_gti: bool) -> str:
    """Return what is no column as JSON: floats in full precision, ASCII, one line."""
    facts: dict[str, Any] = {"format": _FORMAT, "info": lc.info.as_dict()}
    if isinstance(lc.bin_width, float):
        facts["bin_width"] = lc.bin_width
    if with_gti:
        facts["gti"] = lc.gti.tolist()
    return json.dumps(facts)


def restore(
    columns: dict[str, Any], text: str, gti: NDArray[np.float64] | None = None
) -> LightCurve:
    """Return the light curve of :func:`columns_of` and :func:`payload`.

    Raises
    ------
    ReadError
        If the JSON is damaged or of a newer format.
    """
    try:
        facts = json.loads(text)
        version = int(facts["format"])
        info = LightCurveInfo.from_dict(facts["info"])
    except (ValueError, KeyError, TypeError) as error:
        raise ReadError("the description of the light curve is damaged", value=text) from error
    if version > _FORMAT:
        raise ReadError(
            "the file was written by a newer version",
            value=f"format {version}",
            allowed=f"up to {_FORMAT}",
            hint="update astrokit",
        )
    intervals = np.asarray(facts["gti"]).reshape(-1, 2) if gti is None else gti
    return LightCurve(
        columns["time"],
        columns["rate"],
        columns.get("error"),
        bin_width=columns.get("bin_width", facts.get("bin_width")),
        exposure_fraction=columns.get("exposure_fraction"),
        gti=intervals,
        info=info,
    )
