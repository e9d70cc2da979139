"""From the columns of a file, of whatever format, to a light curve and its report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astrokit.boundary import as_scalar
from astrokit.errors import ReadError

from . import gti as intervals
from .checks import common_spacing
from .events import bin_events
from .info import LightCurveInfo, time_unit_factor
from .lightcurve import LightCurve
from .options import ReadOptions
from .report import ReportBuilder
from .sorting import sorted_rows

__all__ = ["RawColumns", "assemble", "assemble_events"]

Array = NDArray[np.float64]


@dataclass
class RawColumns:
    """Columns as read: times still stamped as in the file, nothing dropped.

    Attributes
    ----------
    time, rate : ndarray, shape (n,)
    error, exposure, width : ndarray, shape (n,), or None
    flagged : ndarray of bool, shape (n,), or None
        Rows that quality bits exclude.
    is_counts : bool
        True if `rate` holds counts per bin.
    keeps_filled : bool
        Default policy for rows without exposure but with a rate.
    """

    time: Array
    rate: Array
    error: Array | None = None
    exposure: Array | None = None
    width: Array | None = None
    flagged: NDArray[np.bool_] | None = None
    is_counts: bool = False
    keeps_filled: bool = False

    def rows(self, index: Any) -> RawColumns:
        """Return the columns at `index`."""
        return RawColumns(
            self.time[index],
            self.rate[index],
            None if self.error is None else self.error[index],
            None if self.exposure is None else self.exposure[index],
            None if self.width is None else self.width[index],
            None if self.flagged is None else self.flagged[index],
            self.is_counts,
            self.keeps_filled,
        )


def assemble(
    raw: RawColumns,
    gti: Array | None,
    info: LightCurveInfo,
    options: ReadOptions,
    report: ReportBuilder,
) -> LightCurve:
    """Drop, sort, mark and centre the rows, and build the light curve without its report.

    Raises
    ------
    ReadError
        If no row is left.
    InputError
        For duplicate times, unless `options` says what to do with them.
    """
    raw = _with_times(raw, report)
    raw = _in_order(raw, options, report)
    width = _width(raw, options, info, report)
    info = _with_empty_bins(raw, width, info, report)
    info = _mark_bad_rows(raw, info, options, report)
    if raw.is_counts:
        info = info.replace(counting_errors=raw.error is None)
        raw.rate, raw.error = _counts_to_rates(raw, width, report)
    timepixr = report.facts.get("timepixr", 0.5)
    if timepixr != 0.5:
        raw.time = _centred(raw.time, timepixr, width, report)
    if gti is None:
        report.facts.setdefault("gti_source", "the contiguous valid bins (the file has none)")
    else:
        _compare_with_gti(raw, width, gti, info, report)
    return LightCurve(
        raw.time,
        raw.rate,
        raw.error,
        bin_width=width,
        exposure_fraction=raw.exposure,
        gti=gti,
        info=info,
    )


def _centred(
    time: Array,
    timepixr: float,
    width: Array | float | None,
    report: ReportBuilder,
) -> Array:
    """Return the centres of bins that are stamped elsewhere; widths may follow from the spacing."""
    if width is None:
        width = common_spacing(time)
    if not np.any(np.asarray(width) > 0):
        report.warn(
            f"times are stamped at {timepixr:g} of bins whose width is unknown, and could not be "
            "moved to their centres: pass bin_width="
        )
    return time + (0.5 - timepixr) * width


def _with_times(raw: RawColumns, report: ReportBuilder) -> RawColumns:
    known = np.isfinite(raw.time)
    report.drop("no time (NaN)", int(np.sum(~known)))
    if not known.any():
        raise ReadError("no row has a time", value=f"{len(known)} rows", hint="see time_column=")
    return raw if known.all() else raw.rows(known)


def _in_order(raw: RawColumns, options: ReadOptions, report: ReportBuilder) -> RawColumns:
    if np.all(np.diff(raw.time) > 0):
        return raw
    if not options.sort and np.any(np.diff(raw.time) < 0):
        raise ReadError(
            "the rows are not in the order of time",
            value=f"{int(np.sum(np.diff(raw.time) < 0))} steps back",
            hint="pass sort=True",
        )
    rows = sorted_rows(raw.time, raw.rate, raw.error, duplicates=options.duplicates)
    if rows.n_moved:
        report.assume(f"rows were not in the order of time ({rows.n_moved} steps back): sorted")
    report.drop(f"same time as another row ({options.duplicates})", rows.n_merged)
    ordered = raw.rows(rows.index)
    ordered.rate, ordered.error = rows.rate, rows.error
    return ordered


def _mark_bad_rows(
    raw: RawColumns, info: LightCurveInfo, options: ReadOptions, report: ReportBuilder
) -> LightCurveInfo:
    """Set the rate of unusable rows to NaN, once and with one reason each."""
    rate = raw.rate.copy()

    def invalidate(bad: NDArray[np.bool_], reason: str) -> None:
        bad = bad & np.isfinite(rate)
        report.invalidate(reason, int(bad.sum()))
        rate[bad] = np.nan

    infinite = np.isinf(rate)
    rate[infinite] = np.nan
    report.invalidate("rate is infinite", int(infinite.sum()))
    report.invalidate("rate is NaN or empty", int(np.sum(np.isnan(raw.rate))))
    if raw.flagged is not None:
        invalidate(raw.flagged, "quality bits")
    if raw.exposure is not None:
        unexposed = ~(raw.exposure > 0)
        if _keep_filled(raw, rate, unexposed, options):
            info = info.replace(keeps_filled_bins=True)
            report.assume(
                f"{int(np.sum(unexposed & np.isfinite(rate)))} bin(s) have zero exposure but a "
                "rate and an error: taken as values that the author of the file filled in, and "
                "kept as valid (zero_exposure='invalid' leaves them out)"
            )
        else:
            invalidate(unexposed, "zero exposure")
        raw.exposure = _clipped_exposure(raw.exposure, report)
    if raw.error is not None and not raw.is_counts:
        with np.errstate(invalid="ignore"):
            _warn_of_empty_bins(rate, raw.error, report)
            invalidate(~np.isfinite(raw.error), "no error (an upper limit?)")
            invalidate(~(raw.error > 0), "error is zero or negative")
        raw.error = np.where(np.isfinite(rate), raw.error, np.nan)
    raw.rate = rate
    return info


def _with_empty_bins(
    raw: RawColumns, width: Array | float | None, info: LightCurveInfo, report: ReportBuilder
) -> LightCurveInfo:
    """Give bins without counts the error of one count, where all others count by Poisson.

    Software writes rate 0 and error 0 for them. Left out, they would make the mean too high.
    """
    second = info.rate_time
    if raw.error is None or raw.is_counts or second is None:
        return info
    span = np.asarray(common_spacing(raw.time) if width is None else width)
    exposed = span * (1.0 if raw.exposure is None else raw.exposure)
    exposed = exposed * time_unit_factor(info.time_unit, "s") / second
    with np.errstate(invalid="ignore"):
        empty = (raw.rate == 0) & (raw.error == 0) & (exposed > 0)
        filled = np.isfinite(raw.rate) & (raw.rate != 0) & (exposed > 0)
        counts, spread = (raw.rate * exposed)[filled], (raw.error * exposed)[filled]
        by_poisson = np.abs(spread**2 - counts) <= 2e-3 * counts
        whole = np.abs(counts - np.rint(counts)) <= 1e-3 * np.maximum(counts, 1.0)
    if not empty.any() or not filled.any() or not np.all(by_poisson & whole):
        return info
    raw.error = np.where(empty, 1 / np.where(exposed > 0, exposed, 1.0), raw.error)
    report.assume(
        f"{int(empty.sum())} bins have rate 0 and error 0, and the errors of all others are "
        "square roots of whole counts: taken as bins without counts, with the error of one count"
    )
    return info.replace(counting_errors=True)


def _warn_of_empty_bins(rate: Array, error: Array, report: ReportBuilder) -> None:
    """Zero counts with a zero error are data; without them the mean is too high."""
    empty = int(np.sum((rate == 0) & (error == 0)))
    if empty:
        report.warn(
            f"{empty} bins have rate 0 and error 0 and are marked invalid; if they are bins "
            "without counts, the mean is now too high: pass error_column=False, or rebin the "
            "events"
        )


def _keep_filled(
    raw: RawColumns, rate: Array, unexposed: NDArray[np.bool_], options: ReadOptions
) -> bool:
    filled = unexposed & np.isfinite(rate)
    if options.zero_exposure == "invalid" or not filled.any():
        return False
    if options.zero_exposure == "keep":
        return True
    good_error = raw.error is None or bool(np.all(raw.error[filled] > 0))
    return raw.keeps_filled and good_error and bool(np.all(rate[filled] > 0))


def _clipped_exposure(exposure: Array, report: ReportBuilder) -> Array:
    known = np.where(np.isnan(exposure), 0.0, exposure)
    above = int(np.sum(known > 1 + 1e-5))
    if above:
        report.warn(f"{above} exposure fractions are above 1 and were set to 1")
    return np.clip(known, 0.0, 1.0)


def _width(
    raw: RawColumns, options: ReadOptions, info: LightCurveInfo, report: ReportBuilder
) -> Array | float | None:
    if options.bin_width is not None:
        report.note(bin_width_reason="given by the user")
        return as_scalar(options.bin_width, "bin_width", unit=info.time_unit, positive=True)
    if raw.width is not None:
        unequal = np.ptp(raw.width) > 0
        return raw.width if unequal else float(raw.width[0])
    probe = LightCurve(raw.time, np.zeros(len(raw.time)), info=info)
    width = probe.bin_width
    if isinstance(width, float) and width > 0:
        report.note(bin_width_reason=f"the spacing of the rows, {width:.8g} {info.time_unit}")
        return None
    report.note(bin_width_reason="unknown (uneven spacing): point samples")
    return None


def _counts_to_rates(
    raw: RawColumns, width: Array | float | None, report: ReportBuilder
) -> tuple[Array, Array]:
    if width is None:
        spacing = LightCurve(raw.time, np.zeros(len(raw.time))).bin_width
        if not np.any(np.asarray(spacing) > 0):
            raise ReadError(
                "the column holds counts, and the width of the bins is unknown",
                hint="pass bin_width=",
            )
        width = spacing
    exposed = width * (np.ones(len(raw.time)) if raw.exposure is None else raw.exposure)
    with np.errstate(invalid="ignore", divide="ignore"):
        if raw.error is None:
            report.assume("counts without errors: square root of the counts, at least 1")
            error = np.sqrt(np.maximum(raw.rate, 1.0))
        else:
            error = np.where(raw.error > 0, raw.error, np.sqrt(np.maximum(raw.rate, 1.0)))
        usable = np.isfinite(raw.rate) & (exposed > 0)
        report.assume("counts were divided by bin width and exposure fraction")
        return (
            np.where(usable, raw.rate / exposed, np.nan),
            np.where(usable, error / exposed, np.nan),
        )


def _compare_with_gti(
    raw: RawColumns,
    width: Array | float | None,
    gti: Array,
    info: LightCurveInfo,
    report: ReportBuilder,
) -> None:
    if width is None:
        width = LightCurve(raw.time, np.zeros(len(raw.time)), info=info).bin_width
    half = np.asarray(width) / 2
    covered = intervals.coverage(gti, raw.time - half, raw.time + half)
    finite = np.isfinite(raw.rate)
    outside = finite & (covered <= 1e-6)
    report.invalidate("outside the good time intervals", int(outside.sum()))
    raw.rate = np.where(outside, np.nan, raw.rate)
    if finite.any() and outside[finite].mean() > 0.5:
        report.warn(
            f"{int(outside.sum())} of {int(finite.sum())} bins lie outside the good time "
            "intervals: are both in the same time? (gti=False ignores the intervals)"
        )
    inside = finite & ~outside
    if raw.exposure is None and inside.any() and covered[inside].mean() < 0.99:
        report.assume(
            f"bins are on average {100 * covered[inside].mean():.3g} % inside the good time "
            "intervals and the file has no FRACEXP: rates are taken as the file gives them"
        )


def assemble_events(
    times: Array,
    gti: Array | None,
    info: LightCurveInfo,
    options: ReadOptions,
    report: ReportBuilder,
) -> LightCurve:
    """Bin the selected events of a file; `gti` None takes the span of the events.

    Raises
    ------
    ReadError
        Without `bin_size`, or if no event is left.
    """
    if options.bin_size is None:
        raise ReadError(
            "this is an event list, which becomes a light curve only in bins",
            value=f"{len(times)} events",
            hint="pass bin_size=, in " + info.time_unit,
        )
    known = np.isfinite(times)
    report.drop("no time (NaN)", int(np.sum(~known)))
    times = times[known]
    if len(times) == 0:
        raise ReadError("no event is left", value="0 events", hint="widen the selection")
    if gti is not None:
        outside = int(np.sum(~intervals.contains(gti, times)))
        report.drop("outside the good time intervals", outside)
        if outside == len(times):
            raise ReadError(
                "no event lies inside the good time intervals",
                value=f"events {times.min():.10g} to {times.max():.10g}, intervals "
                f"{gti[0, 0]:.10g} to {gti[-1, 1]:.10g}"
                if len(gti)
                else "no interval",
                hint="are both in the same time? pass gti=False to ignore the intervals",
            )
        _warn_of_silence(times, gti, report)
    lc = bin_events(times, options.bin_size, gti=gti, min_exposure=options.min_exposure, info=info)
    if gti is None:
        _report_tail(times, lc, report)
    partly = int(np.sum(~lc.valid))
    report.invalidate(f"less than {options.min_exposure:g} of the bin is good time", partly)
    report.note(bin_width_reason="bin_size, given by the user", timepixr=0.5)
    report.note(timepixr_reason="bins made here")
    report.assume("the error of a bin is the square root of its counts, of 1 for an empty bin")
    return lc


def _warn_of_silence(times: Array, gti: Array, report: ReportBuilder) -> None:
    """Tell if events end long before good time does, as in a truncated file."""
    inside = times[intervals.contains(gti, times)]
    good, total = intervals.elapsed_good_time(gti, [inside.max()])[0], intervals.total(gti)
    # Poisson: at the rate so far, the chance of no event in the rest is exp(-expected).
    expected = len(inside) * (total - good) / good if good > 0 else 0.0
    if expected > 30:
        report.warn(
            f"no event in the last {100 * (1 - good / total):.3g} % of the good time, where "
            f"{expected:.0f} are expected at the rate before: is the file a part of a longer one? "
            "Pass gti= for the part that it covers"
        )


def _report_tail(times: Array, lc: LightCurve, report: ReportBuilder) -> None:
    report.facts.setdefault("gti_source", "the span of the events, in whole bins")
    report.drop("after the last whole bin", int(np.sum(~intervals.contains(lc.gti, times))))
