"""Equal pieces of light curves, cut so that no gap lies inside one, and averages over them.

What this module does not do: bridge gaps, or use what is left over between the pieces; how much
that is stands in the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError, ShapeError
from .periodogram import (
    Periodogram,
    _as_records,
    _automatic_noise,
    _mean_square_transform,
    _noise_level,
    _require_known,
    _require_lightcurve,
    _scale,
)

if TYPE_CHECKING:
    from ..lightcurve import LightCurve

__all__ = ["Segments", "averaged_periodogram"]

FloatArray = NDArray[np.float64]
_FEWEST_BINS = 8
_NORMALIZATIONS = ("fractional", "absolute", "leahy", "psd")


@dataclass(frozen=True, eq=False, repr=False)
class Segments:
    """Where a light curve is cut into equal pieces without gaps.

    Each stretch without a gap is cut from its start; what is left at its end is not used.

    Attributes
    ----------
    starts : ndarray of int, shape (m,)
        First bin of each piece, counted on the regular grid of the curve.
    bins : int
        Bins in each piece.
    dt : float
        Their spacing.
    n_unused : int
        Valid bins that lie in no piece.
    time_unit : str

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> rate = np.where(np.arange(100) == 45, np.nan, np.arange(100.0))
    >>> lc = ak.LightCurve(np.arange(100.0), rate, np.ones(100))
    >>> ak.timing.Segments.cut(lc, 20)
    Segments: 4 pieces of 20 bins (20 s), 80 of 99 valid bins used
    """

    starts: NDArray[np.int64]
    bins: int
    dt: float
    n_unused: int
    time_unit: str = "s"

    @classmethod
    def cut(cls, lightcurve: LightCurve, length: float) -> Segments:
        """Cut pieces of a given duration.

        Parameters
        ----------
        lightcurve : LightCurve
            Bins on a regular grid; invalid and missing ones are gaps.
        length : float or Quantity
            Duration of a piece, in the time unit of the curve; a whole number of bins is taken,
            the largest that fits.

        Raises
        ------
        InputError
            If there is no regular grid, or no stretch is as long as a piece.
        ShapeError
            For a piece of fewer than 8 bins.
        """
        _require_lightcurve(lightcurve)
        grid = lightcurve.on_regular_grid()
        unit = lightcurve.info.time_unit
        length = as_scalar(length, "length", unit=unit, positive=True)
        bins = int(np.floor(length / grid.dt * (1 + 1e-9)))
        if bins < _FEWEST_BINS:
            raise ShapeError(
                "a segment needs more bins",
                value=f"{bins} bins of {grid.dt:.6g} {unit}",
                allowed=f"at least {_FEWEST_BINS}",
                hint="make the segments longer or the bins shorter",
            )
        edges = np.diff(np.concatenate([[0], grid.valid.astype(np.int64), [0]]))
        first, last = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        starts = [
            np.arange(a, b - bins + 1, bins, dtype=np.int64)
            for a, b in zip(first, last, strict=True)
        ]
        where = np.concatenate(starts) if starts else np.empty(0, dtype=np.int64)
        if where.size == 0:
            longest = int((last - first).max()) if first.size else 0
            raise InputError(
                "no stretch without a gap is as long as a segment",
                value=f"{bins * grid.dt:.6g} {unit}",
                allowed=f"up to {longest * grid.dt:.6g} {unit}",
                hint="make the segments shorter, or use the likelihood of the curve itself, which "
                "takes gaps: PSDProblem(lightcurve, model)",
            )
        unused = int(np.count_nonzero(grid.valid)) - bins * where.size
        return cls(where, bins, grid.dt, unused, unit)

    @property
    def n(self) -> int:
        """Number of pieces."""
        return self.starts.size

    @property
    def length(self) -> float:
        """Duration of a piece."""
        return self.bins * self.dt

    def of(self, values: FloatArray) -> FloatArray:
        """Return the pieces ``(m, bins)`` of values ``(n,)`` on the regular grid of the curve."""
        return np.ascontiguousarray(values[self.starts[:, None] + np.arange(self.bins)])

    def __repr__(self) -> str:
        used = self.n * self.bins
        return (
            f"Segments: {self.n} pieces of {self.bins} bins ({self.length:.6g} {self.time_unit}), "
            f"{used} of {used + self.n_unused} valid bins used"
        )


def averaged_periodogram(
    lightcurve: LightCurve,
    segments: Segments | float,
    *,
    normalization: str = "fractional",
    noise: str | float = "auto",
    background: float = 0.0,
) -> Periodogram:
    """Return the average periodogram of equal pieces of a light curve that may have gaps.

    Each ordinate is the mean of M independent ones: a gamma variate of 2M degrees of freedom,
    which :class:`~astrokit.timing.PSDProblem` knows. The mean of each piece is subtracted from it;
    the normalization uses the mean of all.

    Parameters
    ----------
    lightcurve : LightCurve
        Bins on a regular grid; invalid and missing ones are gaps.
    segments : Segments, float or Quantity
        Where to cut, or the duration of a piece.
    normalization, noise, background
        As for :meth:`Periodogram.from_lightcurve <astrokit.timing.Periodogram.from_lightcurve>`.

    Returns
    -------
    Periodogram
        Its ``notes`` say how much of the curve was used.

    Raises
    ------
    InputError, ShapeError
        As for :meth:`Segments.cut`; for a constant curve.

    References
    ----------
    van der Klis 1989, in Timing Neutron Stars, 27.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> rate = 10 + np.random.default_rng(1).normal(size=4096)
    >>> rate[1500:1700] = np.nan
    >>> lc = ak.LightCurve(np.arange(4096.0), rate, np.ones(4096))
    >>> ak.timing.averaged_periodogram(lc, 256)
    Periodogram: 128 frequencies from 0.003906 to 0.5 Hz, 14 segments averaged
    fractional normalization, noise level 0.02004 1 / Hz
    14 pieces of 256 bins (256 s), 3584 of 3896 valid bins used
    """
    _require_known(normalization, "normalization", _NORMALIZATIONS)
    plan = segments if isinstance(segments, Segments) else Segments.cut(lightcurve, segments)
    if lightcurve.info.is_magnitude and normalization in ("fractional", "leahy"):
        raise InputError(
            f"the {normalization} normalization means nothing for magnitudes",
            hint="convert them to fluxes first, or use normalization='absolute'",
        )
    grid = lightcurve.on_regular_grid()
    pieces = plan.of(grid.rate)
    if np.ptp(pieces) <= 1e-14 * np.abs(pieces).max():
        raise InputError("the light curve is constant: its periodogram is zero")
    mean = float(pieces.mean())
    scale = _scale(normalization, mean)
    power = _mean_square_transform(pieces) * (2 * plan.dt / plan.bins * scale)
    dof = np.full(power.size, 2.0 * plan.n)
    if plan.bins % 2 == 0:
        dof[-1] = float(plan.n)
    used = np.isin(np.arange(grid.n), plan.starts[:, None] + np.arange(plan.bins))
    level = noise_of_bins(grid, used, noise, background, mean)
    return Periodogram(
        frequency=np.arange(1, plan.bins // 2 + 1) / plan.length,
        power=power,
        degrees_of_freedom=dof,
        normalization=normalization,
        noise_level=level if isinstance(noise, (int, float)) else level * scale,
        time_unit=lightcurve.info.time_unit,
        rate_unit=lightcurve.info.rate_unit,
        dt=plan.dt,
        mean_rate=mean,
        n_bins=plan.bins,
        n_segments=plan.n,
        has_nyquist=plan.bins % 2 == 0,
        inputs=_as_records(lightcurve.provenance_inputs()),
        notes=(repr(plan).removeprefix("Segments: "),),
    )


def noise_of_bins(
    grid: LightCurve, used: NDArray[np.bool_], noise: str | float, background: float, mean: float
) -> float:
    """Return the noise level in the absolute normalization, or the number that was given.

    Like that of a periodogram, with the errors of the bins that are `used` ``(n,)``.
    """
    kind = _automatic_noise(grid) if noise == "auto" else noise
    if kind == "gaussian" and grid.error is not None:
        return float(2 * grid.dt * np.mean(grid.error[used] ** 2))
    return _noise_level(grid, kind, background, mean, grid.n)
