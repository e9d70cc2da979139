r"""The sampling scheme: the delay at which a series shows its nature.

A window lasts :math:`t_\mathrm{pat} = \ell\,\Delta t\,(n-1)`. It should be 0.3 to 0.5 of the
natural time scale of the system, and the series at least 1.5 of it long (Hyman, Daniel & Schaffner
2025). The natural time scale can be estimated in several ways, and the zone of the plane may
change with the choice; so all of them are reported.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError, ShapeError
from ..estimate import Estimate
from .curves import HCCurve, hc_curve
from .series import as_series, check_size

if TYPE_CHECKING:
    from astropy.table import QTable

__all__ = ["ChaosScan", "SamplingScheme", "chaos_scan", "natural_time_scale", "sampling_scheme"]

FloatArray = NDArray[np.float64]
METHODS = ("crossings", "minima", "maxima", "spectrum")
_RATIOS = (0.3, 0.4, 0.5)  # of a window to the natural time scale: least, recommended, most
_LEAST_DURATION = 1.5


@dataclass(frozen=True)
class SamplingScheme:
    """Delays that suit a series, for each estimate of its natural time scale.

    Attributes
    ----------
    n : int
    dt, duration : float
        Sampling step and length of the series, in one unit.
    natural_times : dict of str to Estimate
        By method; "period" if it was given.
    failures : dict of str to str
        Methods that gave none, and why.
    delays : dict of str to int
        Recommended, at a ratio of 0.4.
    ranges : dict of str to tuple of int
        Shortest and longest delay at ratios of 0.3 to 0.5; the first is larger than the second
        where no whole delay fits.
    zones : dict of str to str
        Zone of the plane at the recommended delay.
    """

    n: int
    dt: float
    duration: float
    natural_times: Mapping[str, Estimate]
    failures: Mapping[str, str]
    delays: Mapping[str, int]
    ranges: Mapping[str, tuple[int, int]]
    zones: Mapping[str, str]

    def pattern_time(self, delay: int) -> float:
        """Return how long a window lasts."""
        return delay * self.dt * (self.n - 1)

    def is_long_enough(self, method: str) -> bool:
        """Return whether the series lasts 1.5 natural time scales."""
        return self.duration >= _LEAST_DURATION * self.natural_times[method].value

    @property
    def is_unanimous(self) -> bool:
        """Whether all estimates of the natural time scale lead to the same zone."""
        return len(set(self.zones.values())) == 1

    @property
    def verdict(self) -> str:
        """One sentence: whether the zone depends on the estimate of the natural time scale."""
        if self.is_unanimous:
            return f"{next(iter(self.zones.values()))}, whichever natural time scale is taken"
        parts = [f"{zone} by {method}" for method, zone in self.zones.items()]
        return "the zone depends on the natural time scale: " + ", ".join(parts)

    def to_table(self) -> QTable:
        """Return one row per method."""
        from astropy.table import QTable

        rows = [
            (
                method,
                time.value,
                time.error,
                self.delays[method],
                *self.ranges[method],
                self.pattern_time(self.delays[method]) / time.value,
                self.duration / time.value,
                self.zones[method],
            )
            for method, time in self.natural_times.items()
        ]
        names = ("method", "natural_time", "error", "delay", "shortest", "longest")
        names += ("pattern_ratio", "duration_ratio", "zone")  # type: ignore[assignment]
        return QTable(rows=rows, names=names)

    def __str__(self) -> str:
        lines = [f"sampling scheme, n = {self.n}: {self.verdict}"]
        for method, time in self.natural_times.items():
            low, high = self.ranges[method]
            fits = f"{low} to {high}" if low <= high else "none: the sampling is too coarse"
            short = "" if self.is_long_enough(method) else ", series too short"
            lines.append(
                f"  {method}: t_nat = {time.value:.4g}, delay {self.delays[method]} "
                f"({fits}), {self.zones[method]}{short}"
            )
        lines += [f"  {method}: {reason}" for method, reason in self.failures.items()]
        return "\n".join(lines)

    __repr__ = __str__


@dataclass(frozen=True, eq=False)
class ChaosScan:
    """H and C over the delay with the sampling scheme, to see where chaos would show.

    Attributes
    ----------
    curve : HCCurve
    scheme : SamplingScheme
    """

    curve: HCCurve
    scheme: SamplingScheme

    @property
    def best_delay(self) -> int:
        """The delay of the largest complexity."""
        return self.curve.best_delay

    @property
    def best_zone(self) -> str:
        """The zone at that delay."""
        return self.curve.zones[int(np.argmax(self.curve.complexity))]

    @property
    def zone_ranges(self) -> list[tuple[str, int, int]]:
        """Zones with the first and the last delay of each run."""
        runs: list[tuple[str, int, int]] = []
        for delay, zone in zip(self.curve.delay.tolist(), self.curve.zones, strict=True):
            if runs and runs[-1][0] == zone:
                runs[-1] = (zone, runs[-1][1], delay)
            else:
                runs.append((zone, delay, delay))
        return runs

    def plot(self, axes: Any = None, **style: Any) -> Any:
        """Draw H and C against the delay, with the recommended delays."""
        axes = self.curve.plot(axes, **style)
        for k, (method, delay) in enumerate(self.scheme.delays.items()):
            for ax in axes:
                ax.axvline(delay, color=f"C{k + 1}", ls="--", lw=1, label=f"0.4 t_nat, {method}")
        axes[0].legend(frameon=False, fontsize="small")
        return axes

    def plot_data(self) -> QTable:
        """Return the numbers that :meth:`plot` draws."""
        return self.curve.to_table()

    def __str__(self) -> str:
        runs = ", ".join(f"{zone} {low}-{high}" for zone, low, high in self.zone_ranges)
        return f"{self.curve}\n  there: {self.best_zone}; zones by delay: {runs}\n{self.scheme}"

    __repr__ = __str__


def natural_time_scale(x: Any, *, method: str = "crossings", dt: float | None = None) -> Estimate:
    """Return an estimate of the natural time scale of a series.

    Parameters
    ----------
    x : array_like or LightCurve, shape (N,)
        Missing samples are allowed; stretches across them are left out.
    method : {"crossings", "minima", "maxima", "spectrum"}
        Twice the mean time between crossings of the mean, the mean time between local minima or
        maxima, or the period of the highest peak of the periodogram.
    dt : float, optional
        Sampling step; that of a light curve, else 1.

    Returns
    -------
    Estimate
        The error is that of a mean over intervals, taken as independent; of a peak, half the
        width of a frequency bin.

    Raises
    ------
    InputError
        If the series has too few crossings or extrema.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> x = np.sin(2 * np.pi * np.arange(2000) / 40 + 0.3)
    >>> for method in ("crossings", "minima", "maxima", "spectrum"):
    ...     print(round(ak.complexity.natural_time_scale(x, method=method).value, 2))
    40.0
    40.0
    40.0
    40.0
    """
    if method not in METHODS:
        raise InputError("method is unknown", value=method, allowed=", ".join(METHODS))
    values, step = _values_and_step(x, dt)
    if method == "spectrum":
        return _spectral_peak(values, step)
    events = _crossings(values) if method == "crossings" else _extrema(values, method)
    intervals = _intervals(events, values) * (2 if method == "crossings" else 1)
    if intervals.size < 1:
        raise InputError(
            f"the series has too few {method} for a time scale",
            value=f"{events.size} in {values.size} samples",
            hint="use another method, or a longer series",
        )
    mean = float(intervals.mean()) * step
    error = math.nan
    if intervals.size > 1:
        error = float(intervals.std(ddof=1)) * step / math.sqrt(intervals.size)
    return Estimate(
        mean, error, name="natural_time", method=f"mean of {intervals.size} intervals of {method}"
    )


def sampling_scheme(
    x: Any,
    *,
    n: int = 5,
    dt: float | None = None,
    period: float | None = None,
    methods: Iterable[str] = METHODS,
) -> SamplingScheme:
    """Return the delays that suit a series and the zones to which they lead.

    Parameters
    ----------
    x : array_like or LightCurve, shape (N,)
    n : int
    dt : float, optional
        Sampling step; that of a light curve, else 1.
    period : float, optional
        A natural time scale that is known, in the unit of `dt`.
    methods : iterable of str
        As for :func:`natural_time_scale`.

    Returns
    -------
    SamplingScheme

    Raises
    ------
    InputError
        If no method gives a time scale.

    Examples
    --------
    >>> from astrokit.complexity import examples, sampling_scheme
    >>> scheme = sampling_scheme(examples.sines(4000, steps=(0.05,)).x)
    >>> scheme.verdict
    'periodic, whichever natural time scale is taken'
    >>> scheme.delays["maxima"]
    13
    """
    n = check_size(n)
    values, step = _values_and_step(x, dt)
    times: dict[str, Estimate] = {}
    failures: dict[str, str] = {}
    if period is not None:
        times["period"] = Estimate(as_scalar(period, "period", positive=True), name="natural_time")
    for method in methods:
        try:
            times[method] = natural_time_scale(values, method=method, dt=step)
        except InputError as error:
            failures[method] = error.problem
    if not times:
        raise InputError(
            "no natural time scale was found",
            value="; ".join(failures.values()),
            hint="give period=",
        )
    longest = (values.size - 1) // (n - 1)
    delays, ranges = {}, {}
    for method, time in times.items():
        per_ratio = time.value / (step * (n - 1))
        delays[method] = min(max(1, round(_RATIOS[1] * per_ratio)), longest)
        ranges[method] = (math.ceil(_RATIOS[0] * per_ratio), math.floor(_RATIOS[2] * per_ratio))
    chosen = sorted(set(delays.values()))
    zones = dict(
        zip(chosen, hc_curve(values, n=n, delays=chosen, missing="drop").zones, strict=True)
    )
    return SamplingScheme(
        n,
        step,
        (values.size - 1) * step,
        times,
        failures,
        delays,
        ranges,
        {method: zones[delay] for method, delay in delays.items()},
    )


def chaos_scan(
    x: Any,
    *,
    n: int = 5,
    delays: Iterable[int] | None = None,
    dt: float | None = None,
    period: float | None = None,
    threads: int = 1,
) -> ChaosScan:
    """Return H and C over the delay, the delay of the largest C, and the sampling scheme.

    Parameters
    ----------
    x, n, dt, period
        As for :func:`sampling_scheme`.
    delays : iterable of int, optional
        By default 1 to 99, as far as the series allows.
    threads : int

    Returns
    -------
    ChaosScan
        Print it: it says how the zone changes with the delay and with the estimate of the natural
        time scale.

    Examples
    --------
    >>> from astrokit.complexity import chaos_scan, examples
    >>> scan = chaos_scan(examples.lorenz(8000, dt=0.02).x)
    >>> scan.best_zone
    'complex'
    """
    n = check_size(n)
    values, step = _values_and_step(x, dt)
    if delays is None:
        longest = (values.size - 1) // (n - 1)
        if longest < 1:
            raise ShapeError(
                "the series is shorter than one window, so there are no patterns",
                value=f"{values.size} samples, n = {n}",
                hint="use a smaller n or a longer series",
            )
        delays = range(1, min(99, longest) + 1)
    curve = hc_curve(values, n=n, delays=delays, missing="drop", threads=threads)
    return ChaosScan(curve, sampling_scheme(values, n=n, dt=step, period=period))


# -- parts -----------------------------------------------------------------------------------------


def _values_and_step(x: Any, dt: float | None) -> tuple[FloatArray, float]:
    """Return the samples (NaN where missing) and their step."""
    values = np.asarray(as_series(x, missing="drop").values, dtype=np.float64)
    if dt is not None:
        return values, as_scalar(dt, "dt", positive=True)
    if hasattr(x, "on_regular_grid"):
        return values, float(x.on_regular_grid().dt)
    return values, 1.0


def _crossings(values: FloatArray) -> FloatArray:
    """Return the places (in samples) where the series crosses its mean, by linear interpolation."""
    offset = values - np.nanmean(values)
    above = offset > 0
    whole = np.isfinite(offset[1:]) & np.isfinite(offset[:-1])
    at = np.flatnonzero((above[1:] != above[:-1]) & whole)
    return at + offset[at] / (offset[at] - offset[at + 1])


def _extrema(values: FloatArray, method: str) -> FloatArray:
    """Return the places of strict local minima or maxima."""
    y = -values if method == "minima" else values
    with np.errstate(invalid="ignore"):
        peak = (y[1:-1] > y[:-2]) & (y[1:-1] > y[2:])
    return np.flatnonzero(peak).astype(np.float64) + 1


def _intervals(events: FloatArray, values: FloatArray) -> FloatArray:
    """Return the distances between successive events with no missing sample between them."""
    if events.size < 2:
        return np.empty(0)
    missing = np.concatenate([[0], np.cumsum(~np.isfinite(values))])
    first = missing[np.floor(events[:-1]).astype(int)]
    last = missing[np.ceil(events[1:]).astype(int)]
    return np.asarray(np.diff(events)[first == last])


def _spectral_peak(values: FloatArray, step: float) -> Estimate:
    """Return the period of the highest peak, from two cycles in the series to two samples."""
    good = np.isfinite(values)
    size = values.size
    if good.sum() < 8:
        raise InputError("the series has too few samples for a periodogram", value=int(good.sum()))
    if np.ptp(values[good]) == 0:
        raise InputError("a constant series has no peak in its periodogram")
    frequency = np.arange(2, size // 2 + 1) / size
    if good.all():
        power = np.abs(np.fft.rfft(values - values.mean())[2 : size // 2 + 1]) ** 2
    else:
        from astropy.timeseries import LombScargle

        power = LombScargle(np.flatnonzero(good), values[good]).power(frequency)
    peak = float(frequency[np.argmax(power)])
    return Estimate(
        step / peak,
        step / peak * (0.5 / size) / peak,
        name="natural_time",
        method="highest peak of the periodogram",
    )
