"""ECSV: tables whose header states units; those that astrokit wrote come back bit by bit."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

from astrokit.errors import ReadError, UnitError

from . import gti as intervals
from . import native
from .info import canonical_unit, time_unit_factor
from .lightcurve import LightCurve
from .options import ReadOptions
from .report import ReportBuilder

__all__ = ["note_native", "read_ecsv"]


def read_ecsv(
    content: bytes, options: ReadOptions, report: ReportBuilder, *, plain: bool
) -> LightCurve:
    """Return the light curve that an ECSV file holds.

    Parameters
    ----------
    content : bytes
    options : ReadOptions
    report : ReportBuilder
    plain : bool
        True if the user gave no override; only then a file of ours is restored as it was.

    Raises
    ------
    ReadError
        If the file is damaged, or its columns cannot be told.
    """
    from astropy.table import Table

    from .table_reader import read_text

    try:
        table: Any = Table.read(io.BytesIO(content), format="ascii.ecsv")
    except Exception as error:
        # astropy raises errors of many kinds for damaged headers
        raise ReadError("the ECSV file is damaged", value=str(error)) from error
    text = table.meta.get(native.KEY) if table.meta else None
    if text is not None and plain:
        lc = native.restore(
            {
                name: table[name].filled(float("nan"))
                if hasattr(table[name], "filled")
                else table[name].data
                for name in table.colnames
            },
            str(text),
        )
        note_native(lc, report, "ECSV table written by astrokit", len(table))
        return lc
    lines = content.decode("utf-8").splitlines()
    body = "\n".join(line for line in lines if not line.startswith("#"))
    return read_text(body.encode(), _with_units(table, options), report)


def note_native(lc: LightCurve, report: ReportBuilder, kind: str, rows: int) -> None:
    """Fill the report for a file that astrokit wrote itself."""
    info = lc.info
    report.note(
        format=kind,
        rows_read=rows,
        time_unit=info.time_unit,
        time_system=info.time_system,
        time_reference=info.time_reference,
        mjdref=info.mjdref,
        timepixr=0.5,
        timepixr_reason="as written",
        bin_width_reason="as written",
        gti_source=f"as written, {len(lc.gti)} intervals, {intervals.total(lc.gti):.8g} in total",
        mission=info.mission,
    )
    report.columns |= {name: name for name in native.columns_of(lc)}
    report.invalidate("rate is NaN or empty", int((~lc.valid).sum()))


def _with_units(table: Any, options: ReadOptions) -> ReadOptions:
    """Complete the options by the units that the header states."""
    from .table_reader import column_of

    names = list(table.colnames)
    changes: dict[str, Any] = {}
    for role, key, column in (
        ("time", "time_unit", options.time_column),
        ("rate", "rate_unit", options.rate_column),
    ):
        index = column_of(names, role) if column is None else None
        name = column if isinstance(column, str) else names[index] if index is not None else None
        unit = table[name].unit if name in names else None
        if unit is None or getattr(options, key) is not None:
            continue
        try:
            text = canonical_unit(unit)
            if role == "time":
                time_unit_factor(text, "s")
            changes[key] = text
        except UnitError:
            continue
    return replace(options, **changes)
