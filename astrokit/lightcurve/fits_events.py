"""FITS event lists: select by energy or channel, find the good time, and bin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from astrokit.boundary import as_array
from astrokit.errors import ReadError

from . import gti as intervals
from .assemble import assemble_events
from .fits_info import info_of
from .fits_reader import FitsTable, find_column, read_gti
from .fits_time import header_value
from .lightcurve import LightCurve
from .options import ReadOptions
from .report import ReportBuilder

__all__ = ["read_events"]

Array = NDArray[np.float64]


def read_events(table: FitsTable, options: ReadOptions, report: ReportBuilder) -> LightCurve:
    """Return the light curve of the events in a table, binned as the options say.

    Raises
    ------
    ReadError
        Without ``bin_size``, or if the selection cannot be made or leaves nothing.
    """
    report.note(format="FITS event list")
    options.refuse("an event list", "rate_column", "error_column", "bin_width", "band", "select")
    times = table.column(table.time_column) * table.frame.scale + table.frame.zero
    keep, band = _selected(table, options, report)
    info = info_of(table, options, "ct / s" if table.frame.unit == "s" else "ct / d")
    if band is not None:
        info = info.replace(energy_range=band)
    elif options.channel_range is not None:
        info = info.replace(band="channels {}-{}".format(*options.channel_range))
    gti = read_gti(table, options, report)
    if gti is None and options.gti is not False:
        gti = _span_of_header(table, times, report)
    report.note(bin_width_reason="none: an event list")
    return assemble_events(times[keep], gti, info, options, report)


def _span_of_header(table: FitsTable, times: Array, report: ReportBuilder) -> Array | None:
    """Return TSTART to TSTOP where that holds the events; None otherwise."""
    frame = table.frame
    start, stop = (header_value(k, table.header, table.primary.header) for k in ("TSTART", "TSTOP"))
    try:
        pair = [float(x) * frame.keyword_scale + frame.zero for x in (start, stop)]
    except (TypeError, ValueError):
        return None
    if not pair[0] <= np.nanmin(times) <= np.nanmax(times) <= pair[1]:
        return None
    report.note(gti_source="TSTART to TSTOP of the header")
    report.assume("no good time intervals: all time from TSTART to TSTOP is taken as good")
    return intervals.merge([pair])


def _selected(
    table: FitsTable, options: ReadOptions, report: ReportBuilder
) -> tuple[NDArray[np.bool_], tuple[float, float] | None]:
    keep = np.ones(len(table.hdu.data), dtype=bool)
    band = None
    if options.channel_range is not None:
        name = find_column(table.hdu, ("PI", "PHA", "CHANNEL"))
        if name is None:
            raise ReadError(
                "channel_range needs a column PI, PHA or CHANNEL",
                value=", ".join(table.hdu.columns.names),
            )
        first, last = options.channel_range
        channel = table.column(name)
        keep &= (channel >= first) & (channel <= last)
        report.columns["channel"] = name
        report.drop(f"outside channels {first} to {last}", int(np.sum(~keep)))
    if options.energy_range is not None:
        low, high = (float(e) for e in as_array(options.energy_range, "energy_range", unit="keV"))
        band = (low, high)
        energy = _energies(table, report)
        outside = keep & ~((energy >= low) & (energy < high))
        report.drop(f"outside {low:g} to {high:g} keV", int(outside.sum()))
        keep &= ~outside
    return keep, band


def _energies(table: FitsTable, report: ReportBuilder) -> Array:
    if table.has("ENERGY"):
        name = str(find_column(table.hdu, ("ENERGY",)))
        report.columns["energy"] = name
        unit = (table.unit(name) or "").strip()
        scales = {"ev": 1e-3, "kev": 1.0, "mev": 1e3, "gev": 1e6}
        if unit.lower() not in scales:
            report.assume(f"the unit {unit!r} of {name} is taken as keV")
        return table.column(name) * scales.get(unit.lower(), 1.0)
    if table.has("PI") and table.mission.pi_to_kev is not None:
        offset, slope = table.mission.pi_to_kev
        report.columns["energy"] = "PI"
        report.assume(f"energies from PI channels of {table.mission.name}: {offset} + {slope} PI")
        return offset + slope * table.column("PI")
    raise ReadError(
        "the events have no energies",
        value=", ".join(table.hdu.columns.names),
        hint="pass channel_range= instead of energy_range=",
    )
