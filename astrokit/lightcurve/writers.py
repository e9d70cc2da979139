"""Write light curves: OGIP FITS and ECSV, both without loss."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from astrokit.atomic import written_whole
from astrokit.errors import InputError

from . import native

if TYPE_CHECKING:
    from .lightcurve import LightCurve

__all__ = ["FITS_NAMES", "write_lightcurve"]

FITS_NAMES = {
    "time": "TIME",
    "rate": "RATE",
    "error": "ERROR",
    "exposure_fraction": "FRACEXP",
    "bin_width": "TIMEDEL",
}
_FITS = (".fits", ".fit", ".lc", ".fits.gz", ".fit.gz", ".lc.gz")
_ECSV = (".ecsv", ".txt")


def write_lightcurve(lc: LightCurve, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a light curve to a file; reading it back gives every bit again.

    Parameters
    ----------
    lc : LightCurve
    path : str or Path
        The suffix decides: ``.fits``, ``.lc`` (also ``.gz``) for OGIP FITS, ``.ecsv`` for text.
    overwrite : bool
        Replace a file that is there.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        For another suffix, or a file that is there.

    Examples
    --------
    >>> import tempfile, pathlib, astrokit as ak
    >>> lc = ak.LightCurve([50, 150], [1.25, 2.5], [0.1, 0.2])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = lc.write(pathlib.Path(folder) / "curve.fits")
    ...     ak.read_lightcurve(path).checksum() == lc.checksum()
    True
    """
    target = Path(path).expanduser()
    name = target.name.lower()
    if not name.endswith(_FITS + _ECSV):
        raise InputError(
            "the suffix of the file names no known format",
            value=target.name,
            allowed=", ".join(_FITS + _ECSV),
            hint="for CSV, which loses units and intervals, use lc.to_pandas().to_csv(path)",
        )
    if not target.parent.is_dir():
        raise InputError(
            "the folder for the file does not exist",
            value=str(target.parent),
            hint="make it first: Path(folder).mkdir(parents=True)",
        )
    if target.exists() and not overwrite:
        raise InputError("the file is already there", value=target.name, hint="pass overwrite=True")
    with written_whole(target) as temporary:
        if name.endswith(_FITS):
            _write_fits(lc, temporary)
        else:
            _write_ecsv(lc, temporary)
    return target


def _write_ecsv(lc: LightCurve, target: Path) -> None:
    from .convert import to_table

    table = to_table(lc)
    for name in ("valid", "bin_width"):
        # Both are known without a column: NaN rates, and the scalar in the description.
        if name == "valid" or not isinstance(lc.bin_width, np.ndarray):
            table.remove_column(name)
    table.write(target, format="ascii.ecsv", overwrite=True)


def _write_fits(lc: LightCurve, target: Path) -> None:
    from astropy.io import fits

    units = {"time": lc.info.time_unit, "bin_width": lc.info.time_unit}
    rate_unit = _fits_unit(lc.info.rate_unit)
    columns = [
        fits.Column(
            FITS_NAMES[name],
            "D",
            unit=units.get(name, rate_unit if name in ("rate", "error") else None) or None,
            array=values,
        )
        for name, values in native.columns_of(lc).items()
    ]
    header = _header(lc)
    rates = fits.BinTableHDU.from_columns(columns, header=header, name="RATE")
    good = fits.BinTableHDU.from_columns(
        [
            fits.Column(name, "D", unit=lc.info.time_unit, array=lc.gti[:, i])
            for i, name in enumerate(("START", "STOP"))
        ],
        header=_time_keywords(lc),
        name="GTI",
    )
    good.header["HDUCLASS"], good.header["HDUCLAS1"] = "OGIP", "GTI"
    hdus = fits.HDUList([fits.PrimaryHDU(), rates, good])
    hdus.writeto(target, overwrite=True, checksum=True)


def _fits_unit(unit: str) -> str:
    """Return the FITS spelling of a unit; astropy's own where FITS has none."""
    spelled = {"ct / s": "count/s", "ct / d": "count/d", "ct": "count", "electron / s": "e-/s"}
    return spelled.get(unit, unit)


def _time_keywords(lc: LightCurve) -> Any:
    from astropy.io import fits

    info = lc.info
    header = fits.Header()
    header["TIMEUNIT"] = (info.time_unit, "unit of times")
    header["TIMEZERO"] = (0.0, "to be added to times")
    if info.mjdref is not None:
        whole = int(np.floor(info.mjdref))
        header["MJDREFI"] = (whole, "[d] MJD of time zero, whole days")
        header["MJDREFF"] = (info.mjdref - whole, "[d] MJD of time zero, fraction")
    if info.time_system:
        header["TIMESYS"] = info.time_system
    if info.time_reference:
        header["TIMEREF"] = info.time_reference
    return header


def _header(lc: LightCurve) -> Any:
    info = lc.info
    header = _time_keywords(lc)
    header["HDUCLASS"], header["HDUCLAS1"] = "OGIP", "LIGHTCURVE"
    header["HDUCLAS3"] = "RATE"
    header["TIMEPIXR"] = (0.5, "times are bin centres")
    if isinstance(lc.bin_width, float) and lc.bin_width > 0:
        header["TIMEDEL"] = (lc.bin_width, f"[{info.time_unit}] bin width")
    header["TSTART"], header["TSTOP"] = float(lc.left[0]), float(lc.right[-1])
    for key, text in (
        ("OBJECT", info.object),
        ("TELESCOP", info.mission),
        ("INSTRUME", info.instrument),
        ("FILTER", info.filter),
        ("OBS_ID", info.observation),
    ):
        # Long or non-ASCII texts travel in the JSON only.
        if text and text.isascii() and text.isprintable():
            header[key] = text
    if info.energy_range is not None:
        header["E_MIN"], header["E_MAX"] = info.energy_range
    for key, flag in (
        ("BACKAPP", info.background_subtracted),
        ("DEADAPP", info.deadtime_corrected),
    ):
        if flag is not None:
            header[key] = flag
    header["CREATOR"] = "astrokit"
    header["AKINFO"] = native.payload(lc, with_gti=False)
    return header
