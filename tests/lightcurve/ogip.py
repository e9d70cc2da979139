"""Small FITS files that show one trap each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

TIME_KEYS = {"MJDREF": 50814.0, "TIMESYS": "TT", "TIMEUNIT": "s", "TIMEREF": "LOCAL"}


def table(name: str, columns: dict[str, Any], header: dict[str, Any] | None = None, **formats: Any):
    """Return a binary table; `formats` maps column names to (format, unit)."""
    made = []
    for column, values in columns.items():
        form, unit = formats.get(column, ("D", None))
        made.append(fits.Column(column, form, unit=unit, array=np.asarray(values)))
    hdu = fits.BinTableHDU.from_columns(made, name=name)
    hdu.header.update(header or {})
    return hdu


def gti(intervals: Any, header: dict[str, Any] | None = None, name: str = "STDGTI04", **names: str):
    """Return an extension of good time intervals."""
    pairs = np.asarray(intervals, dtype=float).reshape(-1, 2)
    start, stop = names.get("start", "START"), names.get("stop", "STOP")
    keys = {"HDUCLASS": "OGIP", "HDUCLAS1": "GTI"} | (TIME_KEYS if header is None else header)
    return table(name, {start: pairs[:, 0], stop: pairs[:, 1]}, keys)


def save(path: Path, *hdus: Any, primary: dict[str, Any] | None = None) -> Path:
    """Write a file of these extensions."""
    first = fits.PrimaryHDU()
    first.header.update(primary or {})
    fits.HDUList([first, *hdus]).writeto(path)
    return path


def rates(n: int = 10, dt: float = 100.0, start: float = 1000.0, **header: Any):
    """Return a plain OGIP light curve with rates 0, 1, 2, ... and errors 0.5."""
    columns = {
        "TIME": start + dt * np.arange(n),
        "RATE": np.arange(n, dtype=float),
        "ERROR": np.full(n, 0.5),
    }
    keys = {"HDUCLASS": "OGIP", "HDUCLAS1": "LIGHTCURVE", "TIMEDEL": dt, **TIME_KEYS, **header}
    keys = {key: value for key, value in keys.items() if value is not None}
    return table("RATE", columns, keys, TIME=("D", "s"), RATE=("D", "count/s"))
