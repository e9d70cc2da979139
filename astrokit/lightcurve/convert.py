"""To and from astropy tables and time series, pandas, and lightkurve-like objects."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from astrokit.errors import DataWarning, InputError, MissingDependencyError

from . import native
from .frames import SCALES, numbers_since, to_time
from .info import LightCurveInfo, canonical_unit, time_unit_factor
from .lightcurve import LightCurve

if TYPE_CHECKING:
    from astropy.table import Table
    from astropy.timeseries import TimeSeries
    from pandas import DataFrame

__all__ = [
    "from_pandas",
    "from_table",
    "from_timeseries",
    "to_pandas",
    "to_table",
    "to_timeseries",
]


def _columns(lc: LightCurve) -> dict[str, Any]:
    columns: dict[str, Any] = dict(native.columns_of(lc))
    columns.setdefault("bin_width", np.full(lc.n, lc.bin_width))
    columns["valid"] = lc.valid
    return columns


def _units(lc: LightCurve) -> dict[str, str]:
    time, rate = lc.info.time_unit, lc.info.rate_unit
    return {"time": time, "bin_width": time, "rate": rate, "error": rate}


def to_table(lc: LightCurve) -> Table:
    """Return a light curve as an astropy table.

    Parameters
    ----------
    lc : LightCurve

    Returns
    -------
    astropy.table.Table
        Columns time, rate, error, exposure_fraction, bin_width, valid (those that there are) with
        units. The metadata hold the rest, so that :func:`from_table` restores every bit.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.LightCurve([50, 150], [1, 2]).to_table()["rate"].unit
    Unit("ct / s")
    """
    from astropy.table import Table

    table = Table({name: np.array(values) for name, values in _columns(lc).items()})
    for name, unit in _units(lc).items():
        if name in table.colnames and unit:
            table[name].unit = unit
    table.meta[native.KEY] = native.payload(lc, with_gti=True)
    return table


def from_table(table: Any) -> LightCurve:
    """Return the light curve that a table holds.

    Parameters
    ----------
    table : astropy Table, QTable or TimeSeries
        One made by :func:`to_table`, or any with columns such as time, rate or flux, and error.
        A ``time`` column of astropy ``Time`` is understood.

    Raises
    ------
    InputError
        If there is no column of times or rates.

    Examples
    --------
    >>> import astrokit as ak
    >>> lc = ak.LightCurve([50, 150], [1, 2])
    >>> ak.LightCurve.from_table(lc.to_table()).checksum() == lc.checksum()
    True
    """
    names = list(table.colnames)
    text = table.meta.get(native.KEY)
    if text is not None and not hasattr(table["time"], "scale"):
        return native.restore(_native_columns(table, names), str(text))
    if text is not None or hasattr(table[_find(names, "time")], "scale"):
        return from_timeseries(table)
    time, rate, error = _guess(names)
    time_unit, rate_unit = (getattr(table[name], "unit", None) for name in (time, rate))
    info = _info_of_names(time, time_unit, rate_unit)
    return LightCurve(table[time], table[rate], None if error is None else table[error], info=info)


def to_timeseries(lc: LightCurve) -> TimeSeries:
    """Return a light curve as an astropy time series.

    Returns
    -------
    astropy.timeseries.TimeSeries
        With absolute times where the reference is known, else with times relative to zero.

    Examples
    --------
    >>> import astrokit as ak
    >>> info = ak.lightcurve.LightCurveInfo(mjdref=50814.0, time_system="TT")
    >>> series = ak.LightCurve([0, 86400], [1, 2], info=info).to_timeseries()
    >>> series.time.mjd
    array([50814., 50815.])
    """
    from astropy import units as u
    from astropy.time import TimeDelta
    from astropy.timeseries import TimeSeries

    if lc.info.mjdref is None:
        time = TimeDelta(np.array(lc.time), format="sec" if lc.info.time_unit == "s" else "jd")
    else:
        known = lc.info.time_system.lower() in SCALES
        if not known:
            warnings.warn(
                f"the time system {lc.info.time_system!r} is none of astropy: times are given as "
                "TT (read_lightcurve takes time_system=)",
                DataWarning,
                stacklevel=2,
            )
        time = to_time(lc, scale=None if known else "tt")
    series = TimeSeries(time=time)
    for name, values in _columns(lc).items():
        if name == "time":
            continue
        unit = _units(lc).get(name)
        series[name] = u.Quantity(values, unit) if unit else np.array(values)
    series.meta[native.KEY] = native.payload(lc, with_gti=True)
    return series


def from_timeseries(series: Any) -> LightCurve:
    """Return the light curve that a time series holds.

    Parameters
    ----------
    series : astropy TimeSeries or lightkurve light curve
        With a column ``time`` and one of rates or fluxes. Times of one that
        :func:`to_timeseries` made come back to within a nanosecond; all others are counted in
        days from the midnight before the first.

    Raises
    ------
    InputError
        If there is no column of times or rates.

    Examples
    --------
    >>> import astrokit as ak
    >>> info = ak.lightcurve.LightCurveInfo(mjdref=50814.0, time_system="TT")
    >>> lc = ak.LightCurve([50, 150], [1, 2], info=info)
    >>> ak.LightCurve.from_timeseries(lc.to_timeseries()).info == info
    True
    """
    import json

    names = list(series.colnames)
    column = series[_find(names, "time")]
    text = series.meta.get(native.KEY)
    if text is not None:
        info = LightCurveInfo.from_dict(json.loads(text)["info"])
        columns = _native_columns(series, [name for name in names if name != "time"])
        columns["time"] = _numbers_since(column, info)
        return native.restore(columns, str(text))
    _, rate, error = _guess(names)
    info = LightCurveInfo(
        time_unit="d",
        rate_unit=canonical_unit(getattr(series[rate], "unit", None)),
        mjdref=float(np.floor(np.nanmin(column.mjd))) if hasattr(column, "mjd") else None,
        time_system=str(getattr(column, "scale", "") or "").upper(),
        object=str(series.meta.get("OBJECT") or series.meta.get("LABEL") or ""),
    )
    times = _numbers_since(column, info)
    return LightCurve(times, series[rate], None if error is None else series[error], info=info)


def _numbers_since(column: Any, info: LightCurveInfo) -> Any:
    """Return the times of a Time or TimeDelta column as numbers of the curve's unit."""
    if not hasattr(column, "scale"):
        return np.asarray(getattr(column, "value", column), dtype=np.float64)
    if hasattr(column, "mjd") and info.mjdref is not None:
        return np.asarray(numbers_since(column, info.mjdref, info.time_unit), dtype=np.float64)
    return np.asarray(column.sec if info.time_unit == "s" else column.jd, dtype=np.float64)


def to_pandas(lc: LightCurve) -> DataFrame:
    """Return a light curve as a pandas data frame.

    Returns
    -------
    pandas.DataFrame
        The columns of :func:`to_table`; ``attrs`` hold the rest.

    Raises
    ------
    MissingDependencyError
        If pandas is not installed.

    Examples
    --------
    >>> import astrokit as ak
    >>> list(ak.LightCurve([50, 150], [1, 2]).to_pandas().columns)
    ['time', 'rate', 'bin_width', 'valid']
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingDependencyError(
            "pandas is not installed", hint="pip install pandas, or use to_table()"
        ) from error
    frame = pd.DataFrame({name: np.array(values) for name, values in _columns(lc).items()})
    frame.attrs[native.KEY] = native.payload(lc, with_gti=True)
    return frame


def from_pandas(frame: Any) -> LightCurve:
    """Return the light curve that a data frame holds.

    Parameters
    ----------
    frame : pandas.DataFrame
        One made by :func:`to_pandas`, or any with columns such as time, rate or flux, and error.

    Raises
    ------
    InputError
        If there is no column of times or rates.

    Examples
    --------
    >>> import astrokit as ak
    >>> lc = ak.LightCurve([50, 150], [1, 2])
    >>> ak.LightCurve.from_pandas(lc.to_pandas()).checksum() == lc.checksum()
    True
    """
    names = [str(name) for name in frame.columns]
    text = frame.attrs.get(native.KEY)
    arrays = {name: frame[key].to_numpy() for name, key in zip(names, frame.columns, strict=True)}
    if text is not None:
        # The frame may have been cut since: then its intervals are cut by the constructor.
        return native.restore(_kept_columns(arrays, names), str(text))
    time, rate, error = _guess(names)
    info = _info_of_names(time, None, None)
    return LightCurve(
        arrays[time], arrays[rate], None if error is None else arrays[error], info=info
    )


def _native_columns(table: Any, names: list[str]) -> dict[str, Any]:
    arrays = {}
    for name in names:
        column = table[name]
        arrays[name] = np.asarray(getattr(column, "value", column))
    return _kept_columns(arrays, names)


def _kept_columns(arrays: dict[str, Any], names: list[str]) -> dict[str, Any]:
    known = ("time", "rate", "error", "exposure_fraction", "bin_width")
    columns = {name: arrays[name] for name in known if name in names}
    if "valid" in names and "rate" in columns:
        # The column may have been edited: a bin that is no longer valid has no rate.
        columns["rate"] = np.where(np.asarray(arrays["valid"], dtype=bool), columns["rate"], np.nan)
    return columns


def _guess(names: list[str]) -> tuple[str, str, str | None]:
    """Return the columns of time, rate and error by their names."""
    time, rate = _find(names, "time"), _find(names, "rate")
    plain = {name.lower().replace("_", ""): name for name in reversed(names)}
    base = rate.lower().replace("_", "")
    for candidate in (f"{base}err", f"{base}error", f"e{base}", f"d{base}", "error", "err", "dy"):
        if candidate in plain:
            return time, rate, plain[candidate]
    return time, rate, None


def _find(names: list[str], role: str) -> str:
    from .table_reader import column_of

    index = column_of(names, role)
    if index is None:
        raise InputError(
            f"no column looks like a {role}",
            value=", ".join(names),
            hint="rename the column, or pass arrays to LightCurve",
        )
    return names[index]


def _info_of_names(time: str, time_unit: Any, rate_unit: Any) -> LightCurveInfo:
    """Return what units and the name of the column of times say: Julian dates are in days."""
    unit, mjdref = _day_or_second(time_unit), None
    if time_unit is None and "jd" in time.lower():
        unit = "d"
        mjdref = {"mjd": 0.0, "jd": -2400000.5}.get(time.lower())
    return LightCurveInfo(time_unit=unit, rate_unit=canonical_unit(rate_unit), mjdref=mjdref)


def _day_or_second(unit: Any) -> str:
    if unit is None:
        return "s"
    return "d" if time_unit_factor(str(unit), "s") >= 3600.0 else "s"
