"""The entrance for files: `read_photometry` looks at the content and calls the right reader."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import DataWarning, InputError, ReadError
from ..untrusted import bytes_of, check_lines, checked_file, named_refusals
from .ades import looks_like_ades_psv, read_ades_psv, read_ades_xml
from .eighty_columns import looks_like_icq, looks_like_mpc, read_icq, read_mpc
from .photometry import CometPhotometry
from .tables import photometry_from_table

__all__ = ["read_photometry"]

_FORMATS = ("table", "icq", "mpc", "ades-psv", "ades-xml")


def read_photometry(
    path: str | Path,
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    name: str = "",
    perihelion_time: float | None = None,
) -> CometPhotometry:
    r"""Read magnitudes of a comet.

    CSV and ECSV tables, the 80 columns of the ICQ (which COBS exports) and of the MPC, and ADES as
    PSV or XML; the format is told by the content.

    Parameters
    ----------
    path : str or Path
    format : {"table", "icq", "mpc", "ades-psv", "ades-xml"}, optional
        To overrule what the content says.
    columns : mapping of str to str, optional
        For tables: column names by what they hold, such as ``{"magnitude": "ap0_tessmag"}``; keys
        are time, magnitude, error, filter, observer, aperture, r, delta, phase_angle,
        fainter_than.
    name : str
        Name of the comet, where the file does not say it.
    perihelion_time : float, optional
        Modified Julian date.

    Returns
    -------
    CometPhotometry
        Its ``notes`` say what was understood and which rows were left out.

    Raises
    ------
    ReadError
        If the file cannot be understood; says why, and what would help.

    Warns
    -----
    DataWarning
        Naming the lines that could not be read; the rest is read.

    Examples
    --------
    >>> import pathlib, tempfile, astrokit as ak
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "comet.csv"
    ...     size = path.write_text("mjd,mag,mag_err,rh,delta,alpha\n60800,18.1,0.1,4,3,5\n")
    ...     ph = ak.comets.read_photometry(path)
    >>> ph
    <CometPhotometry: 1 magnitudes, r 4 to 4 au>
    """
    if format is not None and format not in _FORMATS:
        raise InputError("format is unknown", value=format, allowed=", ".join(_FORMATS))
    path = checked_file(path)
    content = bytes_of(path)
    check_lines(content, path.name)
    if not content.strip():
        raise ReadError(f"{path.name} is empty", hint="check the path, or fetch the file again")
    kind = format or _kind_of(content)
    if columns is not None and kind != "table":
        raise InputError(f"columns= is for tables; {path.name} is {kind}", value=dict(columns))
    try:
        with named_refusals("the content"):
            fields = _parse(kind, content, path, columns or {})
        bad = fields.pop("bad_lines", ())
        if name:
            fields["name"] = name
        if perihelion_time is not None:
            fields["perihelion_time"] = perihelion_time
        photometry = CometPhotometry(**fields)
    except ReadError as error:
        raise ReadError(
            f"{path.name}: {error.problem}",
            value=error.value,
            allowed=error.allowed,
            hint=error.hint,
        ) from None
    if bad:
        shown = "; ".join(bad[:5]) + (f"; and {len(bad) - 5} more" if len(bad) > 5 else "")
        warnings.warn(
            f"{path.name}: {len(bad)} lines could not be read ({shown})", DataWarning, stacklevel=2
        )
    return photometry


def _kind_of(content: bytes) -> str:
    """Return the format that the first lines show."""
    text = content[:20_000].decode("utf-8", errors="replace").lstrip("\ufeff")
    if text.lstrip().startswith("<"):
        return "ades-xml"
    if looks_like_ades_psv(text):
        return "ades-psv"
    lines = [line for line in text.splitlines() if line.strip()][:50]
    for kind, looks in (("mpc", looks_like_mpc), ("icq", looks_like_icq)):
        if lines and sum(map(looks, lines)) >= len(lines) / 2:
            return kind
    return "table"


def _parse(kind: str, content: bytes, path: Path, columns: Mapping[str, str]) -> dict[str, Any]:
    if kind == "ades-xml":
        return read_ades_xml(content)
    text = content.decode("utf-8", errors="replace").lstrip("\ufeff")
    if kind == "ades-psv":
        return read_ades_psv(text)
    if kind in ("icq", "mpc"):
        return (read_icq if kind == "icq" else read_mpc)(text.splitlines())
    return photometry_from_table(_table(path, text), columns)


def _table(path: Path, text: str) -> Any:
    from astropy.io import ascii as ascii_tables
    from astropy.table import Table

    head = text[:2000]
    kind = "ascii.ecsv" if head.startswith("# %ECSV") else "ascii.csv"
    if kind == "ascii.csv" and "," not in head.split("\n", 1)[0]:
        kind = "ascii.basic"
    try:
        return Table.read(text.splitlines(), format=kind)
    except (ValueError, ascii_tables.InconsistentTableError) as error:
        raise ReadError(
            "not a table, nor 80 columns of ICQ or MPC, nor ADES",
            value=str(error).splitlines()[0],
            hint="name the format with format=, or save the table as CSV",
        ) from None
