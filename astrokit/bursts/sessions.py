"""Sessions of observation, sub-bursts, and rates."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_array, as_scalar
from ..errors import InputError
from ..estimate import ONE_SIGMA, Estimate
from .sample import BurstSample

__all__ = ["Session", "event_rate", "merge_sub_bursts", "split_sessions"]

FloatArray = NDArray[np.float64]
_SECONDS = 86400.0


@dataclass(frozen=True, eq=False)
class Session:
    """Bursts between which there is no long gap.

    Attributes
    ----------
    sample : BurstSample or None
        Sorted in time; None for an observation in which nothing was seen.
    start, stop : float
        MJD: of the observation where it was given, else of the first and the last burst.
    is_observation : bool
        Whether start and stop are those of the observation.
    """

    sample: BurstSample | None
    start: float
    stop: float
    is_observation: bool = False

    def __len__(self) -> int:
        return 0 if self.sample is None else len(self.sample)

    @property
    def duration(self) -> float:
        """Seconds from start to stop."""
        return (self.stop - self.start) * _SECONDS

    @property
    def times(self) -> FloatArray:
        """Seconds from the start to each burst, shape ``(n,)``."""
        if self.sample is None:
            return np.empty(0)
        return (self.sample.require("mjd") - self.start) * _SECONDS

    @property
    def waiting_times(self) -> FloatArray:
        """Seconds between neighbouring bursts, shape ``(n - 1,)``."""
        return np.diff(self.times)

    @property
    def rate(self) -> Estimate:
        """Bursts per hour; see :func:`event_rate`."""
        if self.is_observation:
            return event_rate(len(self), self.duration)
        # The ends are bursts themselves: n - 1 waiting times fill the span.
        return event_rate(max(len(self) - 1, 0), self.duration)

    def __repr__(self) -> str:
        return (
            f"<Session: {len(self)} bursts, MJD {self.start:.4f} to {self.stop:.4f}, {self.rate}>"
        )


def split_sessions(
    sample: BurstSample, gap: Any = 0.1, *, observations: Any = None
) -> tuple[Session, ...]:
    """Return the sessions of a sample, in time order.

    Parameters
    ----------
    sample : BurstSample
        With times.
    gap : float or Quantity
        Days without a burst that separate two sessions.
    observations : array_like, shape (m, 2), optional
        MJD of start and stop of each observation; then they are the sessions, those in which
        nothing was seen included, so that rates know of them.

    Returns
    -------
    tuple of Session

    Raises
    ------
    InputError
        Without times, for observations that overlap, or for bursts outside every observation.

    Examples
    --------
    >>> import astrokit as ak
    >>> sample = ak.bursts.BurstSample(energy=[1e37] * 4, mjd=[59000.1, 59000.12, 59001.1, 59001.2])
    >>> [len(session) for session in ak.bursts.split_sessions(sample, gap=0.5)]
    [2, 2]
    """
    mjd = sample.require("mjd")
    order = np.argsort(mjd, kind="stable")
    if observations is not None:
        return _observed_sessions(sample, mjd, order, observations)
    limit = as_scalar(gap, "gap", unit="d", positive=True)
    parts = np.split(order, np.flatnonzero(np.diff(mjd[order]) > limit) + 1)
    return tuple(
        Session(sample.select(part), float(mjd[part[0]]), float(mjd[part[-1]])) for part in parts
    )


def _observed_sessions(
    sample: BurstSample, mjd: FloatArray, order: NDArray[np.intp], observations: Any
) -> tuple[Session, ...]:
    spans = np.atleast_2d(as_array(observations, "observations", unit="d", ndim=None))
    if spans.ndim != 2 or spans.shape[1] != 2 or np.any(spans[:, 1] <= spans[:, 0]):
        raise InputError(
            "observations must be pairs of start and stop", value=f"shape {spans.shape}"
        )
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    overlap = np.flatnonzero(spans[1:, 0] < spans[:-1, 1])
    if overlap.size:
        raise InputError(
            "observations overlap, so that a burst would count twice",
            value=f"MJD {spans[overlap[0] + 1, 0]:.6f} lies before the stop of the one before it",
            hint="join observations that overlap",
        )
    inside = (mjd[:, None] >= spans[:, 0]) & (mjd[:, None] <= spans[:, 1])
    lost = ~inside.any(axis=1)
    if lost.any():
        raise InputError(
            f"{int(lost.sum())} bursts lie outside every observation",
            value=f"MJD {mjd[lost][0]:.6f}",
            hint="are both barycentric, or both topocentric?",
        )
    inside[:, 1:] &= ~inside[:, :-1]  # one at the very moment between two belongs to the first
    sessions = []
    for k, (start, stop) in enumerate(spans):
        rows = order[inside[order, k]]
        seen = sample.select(rows) if rows.size else None
        sessions.append(Session(seen, float(start), float(stop), is_observation=True))
    return tuple(sessions)


def merge_sub_bursts(sample: BurstSample, within: Any = 0.1) -> BurstSample:
    """Return a sample in which neighbours closer than `within` are one burst.

    Energies and fluences are summed, their errors in quadrature; widths are summed; time and
    bandwidth are those of the strongest part, S/N is the highest. A burst is saturated if one of
    its parts is.

    Parameters
    ----------
    sample : BurstSample
        With times. Chains count as one burst: each part is near the one before it.
    within : float or Quantity
        Seconds; 0.1 lies in the gap between the two humps of FRB waiting times.

    Examples
    --------
    >>> import astrokit as ak
    >>> s = ak.bursts.BurstSample(energy=[1e37, 2e37, 1e38], mjd=[59000.0, 59000.0000005, 59001])
    >>> ak.bursts.merge_sub_bursts(s).energy
    array([3.e+37, 1.e+38])
    """
    limit = as_scalar(within, "within", unit="s", positive=True)
    ordered = sample.select(np.argsort(sample.require("mjd"), kind="stable"))
    mjd = ordered.require("mjd")
    first = np.concatenate([[True], np.diff(mjd) * _SECONDS > limit])
    group = np.cumsum(first) - 1
    n = int(group[-1]) + 1
    size = ordered.energy if ordered.energy is not None else ordered.fluence
    strongest = np.lexsort((size, group))[np.append(np.flatnonzero(first)[1:], group.size) - 1]
    changed: dict[str, Any] = {"mjd": mjd[strongest]}
    for name in ("energy", "fluence", "width"):
        if (values := getattr(ordered, name)) is not None:
            changed[name] = np.bincount(group, weights=values, minlength=n)
    for name in ("energy_error", "fluence_error"):
        if (values := getattr(ordered, name)) is not None:
            changed[name] = np.sqrt(np.bincount(group, weights=values**2, minlength=n))
    if ordered.bandwidth is not None:
        changed["bandwidth"] = ordered.bandwidth[strongest]
    if ordered.snr is not None:
        changed["snr"] = np.maximum.reduceat(ordered.snr, np.flatnonzero(first))
    if ordered.saturated is not None:
        changed["saturated"] = np.bincount(group, weights=ordered.saturated, minlength=n) > 0
    if np.ndim(ordered.threshold) == 1:
        changed["threshold"] = ordered.threshold[strongest]
    note = f"{len(sample)} parts within {limit:g} s of each other are summed to {n} bursts"
    return replace(ordered, **changed, notes=(*sample.notes, note))


def event_rate(n: int, duration: Any, *, level: float = ONE_SIGMA) -> Estimate:
    """Return the rate of a Poisson process with its exact central interval (Gehrels 1986).

    Parameters
    ----------
    n : int
        Bursts seen.
    duration : float or Quantity
        Seconds of observation.
    level : float
        Probability content.

    Returns
    -------
    Estimate
        Per hour; an upper limit at `level` where none was seen.

    Examples
    --------
    >>> import astrokit as ak
    >>> print(ak.bursts.event_rate(16, 3600.0))
    rate = 16 +5 -4 1 / h
    """
    from scipy.special import gammaincinv

    if isinstance(n, bool) or int(n) != n or n < 0:
        raise InputError("the number of bursts cannot be used", value=n, allowed="0, 1, 2, ...")
    span = as_scalar(duration, "duration", unit="s", minimum=0.0)
    if span == 0:
        return Estimate(math.nan, unit="1 / h", name="rate", method="no duration, no rate")
    scale = 3600.0 / span
    if n == 0:
        limit = -math.log(1 - level) * scale
        how = "Poisson upper limit: nothing was seen"
        return Estimate(limit, 0.0, 0.0, "1 / h", level, how, "rate", "upper")
    low, high = gammaincinv(n, 0.5 * (1 - level)), gammaincinv(n + 1, 0.5 * (1 + level))
    how = f"{n} bursts; exact Poisson interval"
    return Estimate(n * scale, (n - low) * scale, (high - n) * scale, "1 / h", level, how, "rate")
