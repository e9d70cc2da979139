"""The entrance for files: `read_lightcurve` looks at the bytes and calls the right reader."""

from __future__ import annotations

import hashlib
import os
import re
import warnings
from pathlib import Path
from typing import Any

from astrokit.errors import DataWarning, InputError, ReadError, UnitError
from astrokit.untrusted import bytes_of, checked_file, gunzipped, named_refusals

from .lightcurve import LightCurve
from .options import ReadOptions
from .report import ReportBuilder

__all__ = ["checked_path", "opened", "read_lightcurve"]


def read_lightcurve(path: str | Path, **overrides: Any) -> LightCurve:
    r"""Read a light curve, or make one of an event list.

    FITS files of XMM-Newton, RXTE, NICER, NuSTAR, Swift, eROSITA, Chandra, AstroSat, Kepler and
    TESS, of XRONOS and of any mission that follows the OGIP rules; text, CSV, QDP and ECSV tables;
    each also compressed with gzip. The format is told by the content, not by the name.

    Parameters
    ----------
    path : str or Path
    **overrides
        The fields of :class:`astrokit.lightcurve.ReadOptions`: ``hdu``, ``time_column``,
        ``rate_column``, ``error_column``, ``exposure_column``, ``time_unit``, ``rate_unit``,
        ``bin_width``, ``bin_size`` (needed for event lists), ``band`` (vector columns), ``select``
        (tables with several curves), ``gti``, ``timezero``, ``timepixr``, ``mjdref``,
        ``time_system``, ``quality_mask``, ``energy_range``, ``channel_range``, ``sort``,
        ``duplicates``, ``zero_exposure``, ``min_exposure``.

    Returns
    -------
    LightCurve
        Its ``read_report`` says what was understood, assumed and left out.

    Raises
    ------
    ReadError
        If the file cannot be understood; says why, and which override would help.
    TypeError
        For a keyword that does not exist.

    Warns
    -----
    DataWarning
        For what the user must know before trusting the numbers.

    Examples
    --------
    >>> import pathlib, tempfile, astrokit as ak
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "curve.txt"
    ...     size = path.write_text("time rate error\n0 5.1 0.2\n100 4.9 0.2\n200 5.3 0.2\n")
    ...     lc = ak.read_lightcurve(path)
    >>> lc
    LightCurve: 3 bins of 100 s, 3 valid, from -50 to 250 s
    mean rate 5.1 ct / s, 1 GTI, 300 s good time
    read from curve.txt, 3 assumptions (see read_report)
    >>> lc.read_report.columns
    {'time': 'time', 'rate': 'rate', 'error': 'error'}
    """
    options = ReadOptions.from_keywords(overrides)
    content, report = opened(checked_path(path))
    name = str(report.facts["file"])
    try:
        with named_refusals("the content"):
            lc = _dispatch(content, options, report, plain=not overrides)
    except (ReadError, InputError) as error:
        # Every refusal names the file; the reason stays as it was.
        kind: type[ReadError | InputError] = ReadError
        if isinstance(error, UnitError):
            kind = UnitError
        raise kind(
            f"{name}: {error.problem}", value=error.value, allowed=error.allowed, hint=error.hint
        ) from error
    for text in report.warnings:
        warnings.warn(f"{name}: {text}", DataWarning, stacklevel=2)
    return lc._with_report(report.finish())


def checked_path(path: Any) -> Path:
    """Return the path of one file on disk, or raise."""
    if not isinstance(path, str | os.PathLike):
        raise InputError(
            "path must be the path of one file",
            value=path,
            allowed="a str or Path",
            hint="call read_lightcurve once for each file, and make curves of arrays or tables "
            "with LightCurve, LightCurve.from_table or LightCurve.from_pandas",
        )
    text = os.fspath(path)
    if not isinstance(text, str) or not text:
        raise InputError("path must be the path of one file", value=text, allowed="a str or Path")
    if re.match(r"[a-z][a-z0-9+.-]+://", text, re.IGNORECASE):
        raise ReadError(
            "this is an address on the network, and files are read from disk only",
            value=text,
            hint="download it first, for example with astropy.utils.data.download_file(url); "
            "ak.datasets.fetch(name) brings registered data",
        )
    return checked_file(text)


def opened(path: Path) -> tuple[bytes, ReportBuilder]:
    """Return the bytes of a file, decompressed, and a report that names it."""
    stored = bytes_of(path)
    digest = hashlib.sha256(stored).hexdigest()
    if not stored:
        raise ReadError("the file is empty", value=path.name)
    content = gunzipped(stored, path.name)
    return content, ReportBuilder({"file": path.name, "sha256": digest})


def _dispatch(
    content: bytes, options: ReadOptions, report: ReportBuilder, *, plain: bool
) -> LightCurve:
    if content[:6] == b"SIMPLE":
        from .fits_lightcurve import read_fits

        return read_fits(content, options, report, plain=plain)
    for start, kind in _FOREIGN.items():
        if content.startswith(start):
            raise ReadError(
                f"this is {kind}, which is not read here",
                hint="export the light curve as FITS or CSV; Gaia epoch photometry, also as "
                "VOTable or zip, is read by astrokit.lightcurve.read_gaia",
            )
    if content[:20].lstrip().startswith(b"# %ECSV"):
        from .ecsv_reader import read_ecsv

        return read_ecsv(content, options, report, plain=plain)
    from .table_reader import read_text

    return read_text(content, options, report)


_FOREIGN = {
    b"RDX": "an R data file",
    b"RDA": "an R data file",
    b"X\n": "an R data file",
    b"\x89HDF": "an HDF5 file",
    b"PK\x03\x04": "a zip archive",
    b"<?xml": "an XML document",
    b"<VOTABLE": "a VOTable",
    b"%PDF": "a PDF document",
    b"\x93NUMPY": "a NumPy array file",
    b"CDF": "a netCDF file",
}
