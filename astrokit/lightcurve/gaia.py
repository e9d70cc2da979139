"""Gaia epoch photometry: one irregular light curve per band G, BP and RP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from astrokit.errors import InputError, ReadError
from astrokit.untrusted import named_refusals

from .assemble import RawColumns, assemble
from .gaia_table import GaiaTable, parse_gaia
from .info import LightCurveInfo
from .lightcurve import LightCurve
from .options import ReadOptions
from .report import ReportBuilder

__all__ = ["GaiaPhotometry", "read_gaia"]

FloatArray = NDArray[np.float64]
_BANDS = ("G", "BP", "RP")
_MJD_OF_ZERO = 55197.0  # times are BJD(TCB) - 2455197.5
_PER_MAGNITUDE = 2.5 / np.log(10)
_FLAGS = ("photometry", "variability")
# Columns of the form with one row per transit; {0} is g, bp or rp.
_WIDE_TIME = {"G": "g_transit_time", "BP": "bp_obs_time", "RP": "rp_obs_time"}
_WIDE_STEM = {"G": "g_transit", "BP": "bp", "RP": "rp"}


@dataclass(frozen=True, eq=False, repr=False)
class GaiaPhotometry(Mapping[str, LightCurve]):
    """Light curves of one source by band; made by :func:`read_gaia`.

    Attributes
    ----------
    source_id : int
    curves : dict of str to LightCurve
        Bands "G", "BP" and "RP", as far as the source has them.
    absent : dict of str to str
        Band to the reason why it has no curve.
    """

    source_id: int
    curves: dict[str, LightCurve]
    absent: dict[str, str]

    def __getitem__(self, band: str) -> LightCurve:
        if band in self.curves:
            return self.curves[band]
        if band in self.absent:
            raise InputError(f"there is no curve of band {band}: {self.absent[band]}")
        raise InputError("no such band", value=band, allowed=", ".join(_BANDS))

    def __iter__(self) -> Iterator[str]:
        return iter(self.curves)

    def __len__(self) -> int:
        return len(self.curves)

    def __repr__(self) -> str:
        lines = [f"GaiaPhotometry of source {self.source_id}"]
        lines += [
            f"  {band}: {lc.n} transits, {int(lc.valid.sum())} valid"
            for band, lc in self.curves.items()
        ]
        return "\n".join([*lines, *(f"  {band}: {why}" for band, why in self.absent.items())])


def read_gaia(
    path: str | Path,
    *,
    source_id: int | None = None,
    quantity: str = "flux",
    keep_rejected: tuple[str, ...] = (),
    duplicates: str = "raise",
) -> GaiaPhotometry:
    """Read epoch photometry as the Gaia archive serves it (DR3).

    CSV, ECSV, FITS and VOTable, plain or in the zip archive of DataLink, in each of its layouts:
    one row per transit and band, one row per transit, or one row per source with arrays.

    Parameters
    ----------
    path : str or Path
    source_id : int, optional
        Needed where the file holds several sources.
    quantity : {"flux", "magnitude"}
        Fluxes in electrons per second with their errors, or Vega magnitudes with the errors that
        follow from those (to first order, without that of the zero point).
    keep_rejected : tuple of {"photometry", "variability"}
        Keep values that one of the two rejection flags marks; by default both make them invalid.
    duplicates : {"raise", "first", "average"}
        What to do with transits of equal time.

    Returns
    -------
    GaiaPhotometry

    Raises
    ------
    ReadError
        If the file is no such table, or holds several sources and none is named.
    InputError
        For an unknown option.

    Notes
    -----
    Times are barycentric, in TCB days since MJD 55197 (J2010.0); they stay so, and ``info`` says
    it. Transits are point samples. `read_report` of each curve says what was left out.

    Examples
    --------
    >>> import pathlib, tempfile, astrokit as ak
    >>> text = '''source_id,transit_id,band,time,mag,flux,flux_error,rejected_by_variability
    ... 2328619740476096384,1,G,1756.81,13.717,61379.6,66.4,false
    ... 2328619740476096384,2,G,1808.37,13.356,85639.9,111.9,false
    ... 2328619740476096384,1,BP,1756.82,13.886,38115.6,95.0,true
    ... '''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "epochs.csv"
    ...     size = path.write_text(text)
    ...     gaia = ak.lightcurve.read_gaia(path)
    >>> gaia
    GaiaPhotometry of source 2328619740476096384
      G: 2 transits, 2 valid
      BP: 1 transits, 0 valid
      RP: no transit has a measurement
    >>> gaia["G"].info.time_system
    'TCB'
    """
    if quantity not in ("flux", "magnitude"):
        raise InputError("quantity is unknown", value=quantity, allowed="flux, magnitude")
    if not set(keep_rejected) <= set(_FLAGS):  # a bare text is a set of letters
        raise InputError(
            "keep_rejected names no flag",
            value=keep_rejected,
            allowed="a tuple of " + ", ".join(_FLAGS),
        )
    from .readers import checked_path, opened

    content, opening = opened(checked_path(path))
    file = str(opening.facts["file"])
    try:
        with named_refusals("the content"):
            table = parse_gaia(content)
            identifier, rows = _source(table, source_id)
        curves, absent = {}, {}
        for band in _BANDS:
            report = ReportBuilder(dict(opening.facts))
            raw = _band_columns(rows, band, quantity, keep_rejected, report)
            if not np.isfinite(raw.time).any():
                absent[band] = "no transit has a measurement"
                continue
            curves[band] = _curve(raw, identifier, band, quantity, duplicates, report)
    except ReadError as error:
        raise ReadError(
            f"{file}: {error.problem}", value=error.value, allowed=error.allowed, hint=error.hint
        ) from error
    if not curves:
        raise ReadError(f"{file}: no transit of source {identifier} has a measurement")
    return GaiaPhotometry(identifier, curves, absent)


# -- parts ----------------------------------------------------------------------------------------


def _source(table: GaiaTable, wanted: int | None) -> tuple[int, GaiaTable]:
    """Return the identifier and the rows of one source."""
    if "source_id" not in table or not ("band" in table or "g_transit_time" in table):
        raise ReadError(
            "this is no table of Gaia epoch photometry",
            value=", ".join(table.names[:8]),
            allowed="columns source_id, band, time, flux, ... or source_id, g_transit_time, ...",
            hint="other tables are read by read_lightcurve",
        )
    identifiers = table.identifiers()
    present = sorted(set(identifiers))
    if wanted is None:
        if len(present) != 1:
            raise ReadError(
                f"the table holds {len(present)} sources",
                value=", ".join(map(str, present[:4])),
                hint="pass source_id=",
            )
        wanted = present[0]
    if int(wanted) not in present:
        raise ReadError(
            "the table does not hold this source",
            value=wanted,
            allowed=", ".join(map(str, present[:4])),
            hint="was the identifier a float once? Its last digits are then lost",
        )
    return int(wanted), table.rows([identifier == int(wanted) for identifier in identifiers])


def _band_columns(
    table: GaiaTable, band: str, quantity: str, keep: tuple[str, ...], report: ReportBuilder
) -> RawColumns:
    """Return the columns of one band; time is NaN where it has no measurement."""
    names = _names(table, band)
    report.note(format=f"Gaia epoch photometry, {table.kind}")
    report.columns |= {role: names[role] for role in ("time", "rate", "error")}
    time = table.numbers(names["time"])
    flux, error = table.numbers(names["rate"]), table.numbers(names["error"])
    if "band" in table:
        mine = np.array([text.upper() == band for text in table.text("band")])
        time = np.where(mine, time, np.nan)
    used = np.isfinite(time)
    report.note(rows_read=int(used.sum()))
    rejected = np.zeros(time.size, dtype=bool)
    for flag in _FLAGS:
        marked = table.flags(names[flag]) & used
        if flag in keep:
            if marked.any():
                report.assume(f"{int(marked.sum())} values rejected by {flag} were kept on request")
            continue
        if marked.any():
            report.assume(f"{int(marked.sum())} values are invalid: rejected by {flag}")
        rejected |= marked
    if quantity == "magnitude":
        value = table.numbers(names["magnitude"])
        with np.errstate(divide="ignore", invalid="ignore"):
            error = _PER_MAGNITUDE * error / flux
        report.columns["rate"] = names["magnitude"]
    else:
        value = flux
    points = np.zeros(int(used.sum()))  # transits have no width
    return RawColumns(time[used], value[used], error[used], width=points, flagged=rejected[used])


def _names(table: GaiaTable, band: str) -> dict[str, str]:
    if "band" in table:
        names = {
            "time": "time",
            "rate": "flux",
            "error": "flux_error",
            "magnitude": "mag",
            "photometry": "rejected_by_photometry",
            "variability": "rejected_by_variability",
        }
    else:
        stem = _WIDE_STEM[band]
        names = {
            "time": _WIDE_TIME[band],
            "rate": f"{stem}_flux",
            "error": f"{stem}_flux_error",
            "magnitude": f"{stem}_mag",
            "photometry": "rejected_by_photometry",
            "variability": f"variability_flag_{band.lower()}_reject",
        }
    missing = [names[role] for role in ("time", "rate", "error", "magnitude")
               if names[role] not in table]  # fmt: skip
    if missing:
        raise ReadError("columns are missing", value=", ".join(missing))
    return names


def _curve(
    raw: RawColumns,
    identifier: int,
    band: str,
    quantity: str,
    duplicates: str,
    report: ReportBuilder,
) -> LightCurve:
    info = LightCurveInfo(
        time_unit="d",
        rate_unit="mag" if quantity == "magnitude" else "electron / s",
        mjdref=_MJD_OF_ZERO,
        time_system="TCB",
        time_reference="SOLARSYSTEM",
        object=f"Gaia DR3 {identifier}",
        mission="Gaia",
        filter=band,
        band=band,
        background_subtracted=True,
    )
    report.note(
        time_unit="d",
        time_system="TCB",
        time_reference="SOLARSYSTEM",
        mjdref=_MJD_OF_ZERO,
        timepixr=0.5,
        timepixr_reason="point samples",
        mission="Gaia",
    )
    lc = assemble(raw, None, info, ReadOptions(duplicates=duplicates), report)
    return lc._with_report(report.finish())
