"""`LightCurve`: rates in time bins with errors, exposure, good time and a time reference."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from astrokit.boundary import as_array, require_equal_lengths
from astrokit.errors import InputError

from . import gti as intervals
from .checks import (
    EVEN,
    checked_fraction,
    checked_width,
    frozen,
    info_from_units,
    require_increasing,
    require_numbers,
    runs_of_bins,
    warn_if_all_outside,
    without_bad_errors,
)
from .info import LightCurveInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from astropy.table import Table
    from astropy.time import Time
    from astropy.timeseries import TimeSeries
    from matplotlib.axes import Axes
    from pandas import DataFrame

    from .plots import LightCurvePlotData
    from .report import ReadReport

__all__ = ["LightCurve"]

Array = NDArray[np.float64]


@dataclass(frozen=True, init=False, repr=False, eq=False)
class LightCurve:
    """Rates in time bins, as plain arrays with one mask.

    Arrays are native float64 and read-only; rates and errors are NaN where `valid` is False.

    Parameters
    ----------
    time : array_like or Quantity, shape (n,)
        Bin centres, strictly increasing.
    rate : array_like, Quantity or Masked, shape (n,)
        Rates, negative ones included. NaN or masked elements are missing bins.
    error : array_like, shape (n,), optional
        Standard errors of the rates. Bins with an error that is not > 0 become invalid.
    bin_width : float or array_like, shape (n,), optional
        Full widths of the bins. By default the spacing, where all spacings are multiples of the
        median one; else 0: point samples of unknown exposure.
    exposure_fraction : array_like, shape (n,), optional
        Exposed fraction of each bin. Bins with 0 become invalid.
    gti : array_like, shape (m, 2), optional
        Good time intervals; bins wholly outside become invalid. By default the runs of
        contiguous valid bins.
    info : LightCurveInfo, optional
        Units, time reference and origin. By default the units of the Quantities, else s and ct/s.

    Attributes
    ----------
    time, rate : ndarray, shape (n,)
    error, exposure_fraction : ndarray, shape (n,), or None
    bin_width : float or ndarray, shape (n,)
    valid : ndarray of bool, shape (n,)
    gti : ndarray, shape (m, 2)
    info : LightCurveInfo
    read_report : ReadReport or None
        How the file was understood; None if made from arrays.

    Raises
    ------
    InputError
        For times out of order, impossible widths or fractions.
    ShapeError, UnitError, NonFiniteError, MaskError
        From the check of each array.

    Warns
    -----
    DataWarning
        If errors are missing, zero or negative.

    Examples
    --------
    >>> import astrokit as ak
    >>> lc = ak.LightCurve([50, 150, 250, 350], [5.0, 6.0, float("nan"), 4.0], [0.2, 0.3, 0.2, 0.2])
    >>> lc
    LightCurve: 4 bins of 100 s, 3 valid, from 0 to 400 s
    mean rate 5 ct / s, 2 GTIs, 300 s good time
    >>> lc.mean_rate
    5.0
    >>> lc.rebin(200).rate
    array([5.5, 4. ])
    """

    time: Array
    rate: Array
    error: Array | None
    bin_width: float | Array
    exposure_fraction: Array | None
    gti: Array
    info: LightCurveInfo
    valid: NDArray[np.bool_] = field(init=False)
    read_report: ReadReport | None = field(init=False)

    def __init__(
        self,
        time: ArrayLike,
        rate: ArrayLike,
        error: ArrayLike | None = None,
        *,
        bin_width: ArrayLike | None = None,
        exposure_fraction: ArrayLike | None = None,
        gti: ArrayLike | None = None,
        info: LightCurveInfo | None = None,
    ) -> None:
        require_numbers(time)
        info = info_from_units(time, rate) if info is None else info
        times = as_array(time, "time", unit=info.time_unit)
        unit = info.rate_unit or None
        rates = as_array(rate, "rate", unit=unit, missing="nan")
        errors = None if error is None else as_array(error, "error", unit=unit, missing="nan")
        fraction = checked_fraction(exposure_fraction)
        require_equal_lengths(time=times, rate=rates, error=errors, exposure_fraction=fraction)
        require_increasing(times)
        width = checked_width(bin_width, times, info.time_unit)

        valid = np.isfinite(rates)
        if errors is not None:
            valid = without_bad_errors(valid, errors)
        if fraction is not None and not info.keeps_filled_bins:
            valid &= fraction > 0
        if gti is None:
            good = runs_of_bins(times, width, valid)
        else:
            good = intervals.merge(gti, unit=info.time_unit)
            # A sliver of overlap is rounding of the edges, no good time.
            inside = intervals.coverage(good, times - width / 2, times + width / 2) > 1e-6
            warn_if_all_outside(valid, inside, times, good)
            valid &= inside

        state = {
            "time": frozen(times),
            "rate": frozen(np.where(valid, rates, np.nan)),
            "error": None if errors is None else frozen(np.where(valid, errors, np.nan)),
            "bin_width": width if isinstance(width, float) else frozen(width),
            "exposure_fraction": None if fraction is None else frozen(fraction),
            "gti": frozen(good),
            "info": info,
            "valid": frozen(valid),
            "read_report": None,
        }
        for name, value in state.items():
            object.__setattr__(self, name, value)

    # ---- what it is -----------------------------------------------------------------------------

    @property
    def n(self) -> int:
        """Number of bins, valid or not."""
        return len(self.time)

    @property
    def left(self) -> Array:
        """Start of each bin, shape (n,)."""
        return self.time - np.asarray(self.bin_width) / 2

    @property
    def right(self) -> Array:
        """End of each bin, shape (n,)."""
        return self.time + np.asarray(self.bin_width) / 2

    @property
    def duration(self) -> float:
        """Time from the start of the first bin to the end of the last."""
        return float(self.right[-1] - self.left[0])

    @property
    def exposure(self) -> float:
        """Exposed time in valid bins: widths times exposure fractions."""
        exposed = np.broadcast_to(np.asarray(self.bin_width), self.time.shape)[self.valid]
        if self.exposure_fraction is not None:
            exposed = exposed * self.exposure_fraction[self.valid]
        return float(np.sum(exposed))

    @property
    def mean_rate(self) -> float:
        """Unweighted mean rate of the valid bins; NaN if there is none."""
        return float(np.mean(self.rate[self.valid])) if self.valid.any() else float("nan")

    @property
    def is_evenly_sampled(self) -> bool:
        """True if all spacings are equal (invalid bins count as present)."""
        if self.n < 3:
            return self.n == 2 or bool(np.all(np.asarray(self.bin_width) > 0))
        spacing = np.diff(self.time)
        resolution = 4 * np.spacing(np.abs(self.time).max())
        return bool(np.ptp(spacing) <= 2 * (EVEN * np.median(spacing) + resolution))

    @property
    def dt(self) -> float:
        """Spacing of an evenly sampled curve.

        Raises
        ------
        InputError
            If the sampling is uneven.
        """
        if not self.is_evenly_sampled:
            spacing = np.diff(self.time)
            raise InputError(
                "the light curve is not evenly sampled",
                value=f"spacings from {spacing.min():.6g} to {spacing.max():.6g} "
                f"{self.info.time_unit}"
                if self.n > 1
                else "one point of unknown width",
                hint="use on_regular_grid() to fill gaps with invalid bins, split_by_gti() for the "
                "contiguous pieces, or rebin(dt)",
            )
        if self.n == 1:
            return float(np.max(self.bin_width))
        return float((self.time[-1] - self.time[0]) / (self.n - 1))

    @property
    def has_gaps(self) -> bool:
        """True if a bin is invalid or missing."""
        return not (bool(self.valid.all()) and self.is_evenly_sampled)

    def __len__(self) -> int:
        return self.n

    # ---- what one does with it ------------------------------------------------------------------

    def rebin(self, dt: float, *, min_exposure: float = 0.5) -> LightCurve:
        """Return the curve in wider bins; see :func:`astrokit.lightcurve.operations.rebin`."""
        from .operations import rebin

        return rebin(self, dt, min_exposure=min_exposure)

    def split_by_gti(self, *, min_bins: int = 1) -> list[LightCurve]:
        """Return one curve per GTI; see :func:`astrokit.lightcurve.operations.split_by_gti`."""
        from .operations import split_by_gti

        return split_by_gti(self, min_bins=min_bins)

    def select(self, start: Any = None, stop: Any = None) -> LightCurve:
        """Return the bins with start <= centre < stop; numbers are in the curve's time unit.

        Examples
        --------
        >>> import astrokit as ak
        >>> ak.LightCurve([50, 150, 250], [1, 2, 3]).select(100).rate
        array([2., 3.])
        """
        from .operations import select

        return select(self, start, stop)

    def __getitem__(self, item: slice | NDArray[np.bool_]) -> LightCurve:
        from .operations import take

        return take(self, item)

    @staticmethod
    def concatenate(curves: Sequence[LightCurve]) -> LightCurve:
        """Join curves in time; see :func:`astrokit.lightcurve.concatenate`."""
        from .joining import concatenate

        return concatenate(curves)

    def on_regular_grid(self) -> LightCurve:
        """Return the curve with an invalid bin wherever one is missing.

        See :func:`astrokit.lightcurve.operations.on_regular_grid`.
        """
        from .operations import on_regular_grid

        return on_regular_grid(self)

    fill_gaps = on_regular_grid

    def in_time_unit(self, unit: str) -> LightCurve:
        """Return the curve with all times in "s" or "d".

        Examples
        --------
        >>> import astrokit as ak
        >>> ak.LightCurve([0, 43200], [1, 2]).in_time_unit("d").time
        array([0. , 0.5])
        """
        from .frames import in_time_unit

        return in_time_unit(self, unit)

    def with_mjdref(self, mjdref: Any) -> LightCurve:
        """Return the curve counted from another time zero.

        See :func:`astrokit.lightcurve.frames.with_mjdref`.
        """
        from .frames import with_mjdref

        return with_mjdref(self, mjdref)

    def to_time(self, *, scale: str | None = None) -> Time:
        """Return absolute times; see :func:`astrokit.lightcurve.frames.to_time`."""
        from .frames import to_time

        return to_time(self, scale=scale)

    @classmethod
    def from_unsorted(
        cls,
        time: ArrayLike,
        rate: ArrayLike,
        error: ArrayLike | None = None,
        *,
        duplicates: str = "raise",
        info: LightCurveInfo | None = None,
    ) -> LightCurve:
        """Make a curve of rows in any order.

        Parameters
        ----------
        time, rate, error, info
            As for the class.
        duplicates : {"raise", "first", "average"}
            What to do with rows of equal time; "average" weights by the inverse variance.

        Examples
        --------
        >>> import astrokit as ak
        >>> ak.LightCurve.from_unsorted([3, 1, 1], [9, 1, 2], duplicates="average").rate
        array([1.5, 9. ])
        """
        from .sorting import sorted_rows

        info = info_from_units(time, rate) if info is None else info
        rows = sorted_rows(
            as_array(time, "time", unit=info.time_unit),
            as_array(rate, "rate", unit=info.rate_unit or None, missing="nan"),
            None
            if error is None
            else as_array(error, "error", unit=info.rate_unit or None, missing="nan"),
            duplicates=duplicates,
        )
        return cls(rows.time, rows.rate, rows.error, info=info)

    @classmethod
    def from_events(
        cls,
        times: ArrayLike,
        bin_size: float,
        *,
        gti: ArrayLike | None = None,
        min_exposure: float = 0.5,
        info: LightCurveInfo | None = None,
    ) -> LightCurve:
        """Bin event arrival times; see :func:`astrokit.lightcurve.bin_events`."""
        from .events import bin_events

        return bin_events(times, bin_size, gti=gti, min_exposure=min_exposure, info=info)

    # ---- in and out -----------------------------------------------------------------------------

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the curve; see :func:`astrokit.lightcurve.plot_lightcurve`."""
        from .plots import plot_lightcurve

        return plot_lightcurve(self, ax, **style)

    def plot_data(self) -> LightCurvePlotData:
        """Return the numbers and labels that :meth:`plot` draws."""
        from .plots import lightcurve_plot_data

        return lightcurve_plot_data(self)

    def write(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write FITS or ECSV without loss; see :func:`astrokit.lightcurve.write_lightcurve`."""
        from .writers import write_lightcurve

        return write_lightcurve(self, path, overwrite=overwrite)

    def to_table(self) -> Table:
        """Return an astropy table; see :func:`astrokit.lightcurve.convert.to_table`."""
        from .convert import to_table

        return to_table(self)

    @staticmethod
    def from_table(table: Any) -> LightCurve:
        """Make a curve of a table; see :func:`astrokit.lightcurve.convert.from_table`."""
        from .convert import from_table

        return from_table(table)

    def to_timeseries(self) -> TimeSeries:
        """Return an astropy time series; see :func:`astrokit.lightcurve.convert.to_timeseries`."""
        from .convert import to_timeseries

        return to_timeseries(self)

    @staticmethod
    def from_timeseries(series: Any) -> LightCurve:
        """Make a curve of a time series or a lightkurve object.

        See :func:`astrokit.lightcurve.convert.from_timeseries`.
        """
        from .convert import from_timeseries

        return from_timeseries(series)

    def to_pandas(self) -> DataFrame:
        """Return a data frame; see :func:`astrokit.lightcurve.convert.to_pandas`."""
        from .convert import to_pandas

        return to_pandas(self)

    @staticmethod
    def from_pandas(frame: Any) -> LightCurve:
        """Make a curve of a data frame; see :func:`astrokit.lightcurve.convert.from_pandas`."""
        from .convert import from_pandas

        return from_pandas(frame)

    # ---- identity -------------------------------------------------------------------------------

    def checksum(self) -> str:
        """Return the SHA-256 of the arrays, units and time reference.

        Examples
        --------
        >>> import astrokit as ak
        >>> a, b = ak.LightCurve([1, 2], [3, 4]), ak.LightCurve([1, 2], [3, 5])
        >>> a.checksum() == b.checksum()
        False
        """
        from .identity import checksum

        return checksum(self)

    def provenance_inputs(self) -> dict[str, Any]:
        """Return what a record of an analysis should say about this input.

        The file's name, checksum and row counts if it was read from a file, and always the
        checksum of the arrays. Holds no directory.
        """
        from .identity import provenance_inputs

        return provenance_inputs(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LightCurve):
            return NotImplemented
        return self.info == other.info and self.checksum() == other.checksum()

    def __hash__(self) -> int:
        return hash(self.checksum())

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(
            "a light curve is not iterable; use zip(lc.time, lc.rate) for its bins, or "
            "lc.split_by_gti() for its contiguous pieces"
        )

    def _with_report(self, report: ReadReport | None) -> LightCurve:
        """Attach a report to a curve that nobody else has seen yet."""
        object.__setattr__(self, "read_report", report)
        return self

    def __repr__(self) -> str:
        from .describe import describe

        return describe(self)

    def _repr_html_(self) -> str:
        from .describe import describe_html

        return describe_html(self)
