"""Small OGIP files that show one trap each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

N_CHANNELS = 4


def table(name: str, columns: list[tuple[str, str, Any]], **header: Any) -> fits.BinTableHDU:
    made = [fits.Column(column, form, array=values) for column, form, values in columns]
    hdu = fits.BinTableHDU.from_columns(made, name=name)
    for key, value in header.items():
        hdu.header[key] = value
    return hdu


def save(path: Path, *hdus: Any, primary: Any = None) -> Path:
    fits.HDUList([primary or fits.PrimaryHDU(), *hdus]).writeto(path, overwrite=True)
    return path


def pha(path: Path, counts: Any = (1, 2, 3, 4), first: int = 1, **header: Any) -> Path:
    """Write a type I spectrum; columns beside CHANNEL and COUNTS are passed as ``columns``."""
    extra = header.pop("columns", [])
    name = header.pop("column", "COUNTS")
    channels = first + np.arange(len(counts))
    form = "J" if np.asarray(counts).dtype.kind in "iu" else "D"
    columns = [("CHANNEL", "J", channels), (name, form, np.asarray(counts)), *extra]
    keys = {"EXPOSURE": 100.0, "HDUCLAS1": "SPECTRUM"} | header
    return save(path, table("SPECTRUM", columns, **keys))


def ebounds(first: int = 1, n: int = N_CHANNELS, channel: Any = None) -> fits.BinTableHDU:
    numbers = first + np.arange(n) if channel is None else channel
    edges = 1.0 + np.arange(n + 1)
    columns = [("CHANNEL", "E", numbers), ("E_MIN", "E", edges[:-1]), ("E_MAX", "E", edges[1:])]
    return table("EBOUNDS", columns)


def matrix(name: str = "MATRIX", first: int | None = 1, **header: Any) -> fits.BinTableHDU:
    """Return the unit matrix of four channels, written from channel `first`.

    ``first=None`` leaves TLMIN out, which means 1.
    """
    start = 1 if first is None else first
    columns = [
        ("ENERG_LO", "E", 1.0 + np.arange(4)),
        ("ENERG_HI", "E", 2.0 + np.arange(4)),
        ("N_GRP", "I", np.ones(4)),
        ("F_CHAN", "I", start + np.arange(4)),
        ("N_CHAN", "I", np.ones(4)),
        ("MATRIX", "1E", np.ones(4)),
    ]
    if first is not None:
        header["TLMIN4"] = first
    return table(name, columns, **header)
