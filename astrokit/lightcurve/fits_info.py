"""FITS headers: object, mission, band and what was corrected."""

from __future__ import annotations

from typing import Any

import numpy as np

from .fits_reader import FitsTable
from .fits_time import header_value
from .info import LightCurveInfo
from .options import ReadOptions

__all__ = ["info_of"]


def info_of(table: FitsTable, options: ReadOptions, rate_unit: str) -> LightCurveInfo:
    """Return units, time reference and origin from the headers of a table."""
    headers = (table.header, table.primary.header)
    low, high = header_value("E_MIN", *headers), header_value("E_MAX", *headers)
    try:
        band_kev = (float(low), float(high)) if float(low) < float(high) else None
    except (TypeError, ValueError):
        band_kev = None
    background = header_value("BACKAPP", *headers)
    return LightCurveInfo(
        time_unit=table.frame.unit,
        rate_unit=rate_unit,
        mjdref=table.frame.mjdref,
        time_system=table.frame.system,
        time_reference=table.frame.reference,
        timezero=table.frame.zero,
        object=_text("OBJECT", headers),
        mission=table.mission.name,
        instrument=_text("INSTRUME", headers),
        filter=_text("FILTER", headers),
        observation=_text("OBS_ID", headers),
        band="" if options.band is None else f"band {options.band}",
        energy_range=band_kev,
        background_subtracted=True if table.has("BACKV") else _logical(background),
        deadtime_corrected=_logical(header_value("DEADAPP", *headers)),
    )


def _text(key: str, headers: tuple[Any, ...]) -> str:
    value = header_value(key, *headers)
    return "" if value is None else str(value)


def _logical(value: Any) -> bool | None:
    return bool(value) if isinstance(value, (bool, np.bool_)) else None
