"""What tells one light curve from another: its checksum, and what a record says about it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .lightcurve import LightCurve

__all__ = ["checksum", "provenance_inputs"]


def checksum(lc: LightCurve) -> str:
    """Return the SHA-256 of the arrays, units and time reference."""
    digest = hashlib.sha256()
    width = np.broadcast_to(np.asarray(lc.bin_width, dtype=np.float64), lc.time.shape)
    for name, array in (
        ("time", lc.time),
        ("rate", lc.rate),
        ("error", lc.error),
        ("bin_width", width),
        ("exposure_fraction", lc.exposure_fraction),
        ("gti", lc.gti),
    ):
        digest.update(f"{name} {'none' if array is None else array.shape};".encode())
        if array is not None:
            digest.update(np.ascontiguousarray(array).astype("<f8").tobytes())
    info = lc.info
    digest.update(f"{info.time_unit} {info.rate_unit} {info.mjdref!r}".encode())
    return digest.hexdigest()


def provenance_inputs(lc: LightCurve) -> dict[str, Any]:
    """Return what a record of an analysis should say about a light curve as its input."""
    facts: dict[str, Any] = {"arrays_sha256": lc.checksum(), "bins": lc.n}
    facts["valid_bins"] = int(lc.valid.sum())
    report = lc.read_report
    if report is not None:
        facts |= {
            "file": report.file,
            "sha256": report.sha256,
            "rows_read": report.rows_read,
            "rows_dropped": dict(report.rows_dropped),
            "bins_invalid": dict(report.bins_invalid),
        }
    return facts
