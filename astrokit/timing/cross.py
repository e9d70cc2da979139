r"""The cross spectrum of two light curves: coherence, and phase and time lags.

A lag is POSITIVE when the second light curve lags behind the first: with transforms
:math:`X(f) = \sum x(t)\, e^{-2\pi i f t}` the cross spectrum is :math:`C = X_1 X_2^*`, its phase
is the phase lag, and the time lag is that over :math:`2 \pi f`. So ``from_lightcurves(soft, hard)``
gives positive "hard lags".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError
from ..estimate import Estimate
from .periodogram import _bin_starts, _require_lightcurve
from .segments import Segments, noise_of_bins
from .tapers import Sine, Taper

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..lightcurve import LightCurve

__all__ = ["CrossSpectrum"]

FloatArray = NDArray[np.float64]
_TAPER = Sine()
_UNKNOWN_PHASE = float(np.pi / np.sqrt(3.0))  # standard deviation of a uniform phase


@dataclass(frozen=True, eq=False, repr=False)
class CrossSpectrum:
    r"""Averages over segments (and frequencies) of cross spectrum and powers of two light curves.

    Made by :meth:`from_lightcurves`. Powers are in the fractional normalization.

    Attributes
    ----------
    frequency : ndarray, shape (k,)
    cross : ndarray of complex, shape (k,)
        Mean of :math:`X_1 X_2^*`; its phase is positive where the second curve lags.
    first_power, second_power : ndarray, shape (k,)
        Mean powers, noise included.
    first_noise, second_noise : float
        Expected powers of the noise; NaN if unknown.
    n_averaged : ndarray of float, shape (k,)
        Number m of independent ordinates in each mean.
    segments : Segments
    correlation : ndarray, shape (j,)
        Of ordinates 0, 1, ... apart, from the taper: averages over frequency count them less.
    time_unit : str
    inputs : tuple of dict
        Provenance of the light curves.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> rng = np.random.default_rng(1)
    >>> source = 100 + 10 * rng.normal(size=8200).cumsum() / 30
    >>> time = np.arange(8192.0)
    >>> def observed(delay):
    ...     rate = source[8 - delay : 8200 - delay] + rng.normal(size=8192)
    ...     return ak.LightCurve(time, rate, np.ones(8192))
    >>> cross = ak.timing.CrossSpectrum.from_lightcurves(observed(0), observed(3), 512)
    >>> print(cross.lag(0.002, 0.02))
    time_lag = 3.1 +/- 0.4 s
    """

    frequency: FloatArray
    cross: NDArray[np.complex128]
    first_power: FloatArray
    second_power: FloatArray
    first_noise: float
    second_noise: float
    n_averaged: FloatArray
    segments: Segments
    correlation: FloatArray = field(default_factory=lambda: np.ones(1))
    time_unit: str = "s"
    inputs: tuple[dict[str, Any], ...] = field(default=())

    @classmethod
    def from_lightcurves(
        cls,
        first: LightCurve,
        second: LightCurve,
        length: float,
        *,
        noise: str | tuple[float, float] = "auto",
        taper: Taper | None = _TAPER,
    ) -> CrossSpectrum:
        """Average over pieces in which neither curve has a gap.

        Parameters
        ----------
        first, second : LightCurve
            In the same bins: on one regular grid, where invalid and missing bins are gaps. Noise
            must be independent: take photons into one of the two only.
        length : float or Quantity
            Duration of a piece, in the time unit of the curves.
        noise : {"auto", "gaussian", "poisson", "none"} or pair of float
            Noise levels as for
            :meth:`Periodogram.from_lightcurve <astrokit.timing.Periodogram.from_lightcurve>`;
            numbers are powers in the fractional normalization.
        taper : Taper or None
            Fades the ends of each piece. Without one, power leaks from low frequencies through the
            ends, which both curves share at the same instant: lags of spectra as steep as those of
            active galaxies then come out too small, by a half and more.

        Raises
        ------
        InputError
            For curves of other bins or units, means that are not positive, and as for
            :meth:`Segments.cut <astrokit.timing.Segments.cut>`.
        ShapeError
            For pieces of fewer than 8 bins.
        """
        a, b = _common_bins(first, second)
        plan = Segments.cut(a, length)
        mean = [float(plan.of(curve.rate).mean()) for curve in (a, b)]
        if min(mean) <= 0:
            raise InputError("a mean rate is not positive", value=min(mean), allowed="> 0")
        weights = _weights(taper, plan.bins)
        correlation = _correlation(weights)
        x, y = (
            _transforms(plan.of(c.rate), weights) / level
            for c, level in zip((a, b), mean, strict=True)
        )
        scale = 2.0 * plan.dt
        used = np.isin(np.arange(a.n), plan.starts[:, None] + np.arange(plan.bins))
        levels = [
            _level(curve, used, noise, i, m)
            for i, (curve, m) in enumerate(zip((a, b), mean, strict=True))
        ]
        return cls(
            frequency=np.arange(1, x.shape[1] + 1) / plan.length,
            cross=scale * np.mean(x * y.conj(), axis=0),
            first_power=scale * np.mean(np.abs(x) ** 2, axis=0),
            second_power=scale * np.mean(np.abs(y) ** 2, axis=0),
            first_noise=levels[0],
            second_noise=levels[1],
            n_averaged=np.full(x.shape[1], plan.n / correlation[0]),
            segments=plan,
            correlation=correlation / correlation[0],
            time_unit=first.info.time_unit,
            inputs=(first.provenance_inputs(), second.provenance_inputs()),
        )

    def log_binned(self, ratio: float = 1.3) -> CrossSpectrum:
        """Return averages over bins whose edges grow by `ratio`, as for a periodogram.

        Raises
        ------
        InputError
            For a ratio that is not above 1.
        """
        ratio = as_scalar(ratio, "ratio")
        if not ratio > 1:
            raise InputError("ratio must be > 1", value=ratio, hint="1.3 gives 9 bins a decade")
        return self._averaged(np.asarray(_bin_starts(self.frequency, ratio, 1)))

    def _averaged(self, starts: NDArray[np.int64]) -> CrossSpectrum:
        """Return averages over groups of ordinates that begin at `starts`."""
        m = self.n_averaged
        total = np.add.reduceat(m, starts)
        counts = np.diff(np.append(starts, m.size))
        rho = self.correlation[1:]
        apart = np.arange(1, rho.size + 1)
        pairs = np.clip(counts[:, None] - apart, 0, None) @ rho
        independent = total / (1.0 + 2.0 * pairs / counts)

        def mean(values: Any) -> Any:
            return np.add.reduceat(m * values, starts) / total

        return replace(
            self,
            frequency=np.exp(mean(np.log(self.frequency))),
            cross=mean(self.cross),
            first_power=mean(self.first_power),
            second_power=mean(self.second_power),
            n_averaged=independent,
            correlation=np.ones(1),
        )

    # -- coherence -----------------------------------------------------------------------------

    @property
    def raw_coherence(self) -> FloatArray:
        """Squared coherence as measured, ``(k,)``: noise lowers it, few averages raise it."""
        return np.asarray(np.abs(self.cross) ** 2 / (self.first_power * self.second_power))

    @property
    def raw_coherence_error(self) -> FloatArray:
        """Its standard error, ``(k,)``; good for many averages (Bendat & Piersol 2010)."""
        squared = self.raw_coherence
        return np.asarray(np.sqrt(2.0 * squared / self.n_averaged) * (1.0 - squared))

    @property
    def coherence(self) -> FloatArray:
        """Squared coherence of the sources, corrected for noise, ``(k,)``.

        Vaughan & Nowak 1997, ApJ 474, L43 (eq. 8). It may come out below 0 or above 1 within its
        error. NaN where noise leaves no power in one of the curves.

        Raises
        ------
        InputError
            When a noise level is unknown.
        """
        s1, s2, bias = self._signal()
        measured = (s1 > 0) & (s2 > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(measured, (np.abs(self.cross) ** 2 - bias) / (s1 * s2), np.nan)

    @property
    def coherence_error(self) -> FloatArray:
        """Standard error of :attr:`coherence`, ``(k,)``, for powers well above the noise.

        NaN where :attr:`is_significant` is False: there the formula does not hold.
        """
        s1, s2, bias = self._signal()
        m = self.n_averaged
        excess = np.abs(self.cross) ** 2 - bias
        with np.errstate(divide="ignore", invalid="ignore"):
            squared = excess / (s1 * s2)
            own = 2.0 * np.clip(1.0 - squared, 0.0, None) ** 2 / squared
            noise = (self.first_noise / s1) ** 2 + (self.second_noise / s2) ** 2
            relative = np.sqrt((2.0 * bias**2 * m / excess**2 + noise + own) / m)
            return np.where(self.is_significant, np.abs(squared) * relative, np.nan)

    @property
    def is_significant(self) -> NDArray[np.bool_]:
        """Where powers and cross spectrum stand out of their noise by three sigma, ``(k,)``."""
        s1, s2, _ = self._signal()
        root = np.sqrt(self.n_averaged)
        coherent = self.raw_coherence > 1.0 - 0.0027 ** (1.0 / np.maximum(self.n_averaged - 1, 1))
        above = (s1 > 3.0 * self.first_noise / root) & (s2 > 3.0 * self.second_noise / root)
        return np.asarray(above & coherent & (self.n_averaged > 1))

    def _signal(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return both powers without noise, and what noise adds to the squared cross spectrum."""
        n1, n2 = self.first_noise, self.second_noise
        if np.isnan(n1) or np.isnan(n2):
            raise InputError(
                "the noise levels are unknown, so the coherence cannot be corrected",
                hint="give noise='poisson' or a pair of levels; raw_coherence needs none",
            )
        s1, s2 = self.first_power - n1, self.second_power - n2
        return s1, s2, np.asarray((s1 * n2 + s2 * n1 + n1 * n2) / self.n_averaged)

    # -- lags ----------------------------------------------------------------------------------

    @property
    def phase_lag(self) -> FloatArray:
        """Phase lag of the second curve in radians, -pi to pi, ``(k,)``."""
        return np.asarray(np.angle(self.cross))

    @property
    def phase_lag_error(self) -> FloatArray:
        r"""Its standard error :math:`\sqrt{(1 - \gamma^2) / (2 m \gamma^2)}`, ``(k,)``.

        With the coherence as measured less what independent curves would show on average, 1/m
        (Nowak et al. 1999, ApJ 510, 874). Where that leaves nothing, and at most, it is that of a
        phase of which nothing is known, 1.81.
        """
        m = self.n_averaged
        with np.errstate(divide="ignore", invalid="ignore"):
            squared = (self.raw_coherence - 1.0 / m) / (1.0 - 1.0 / m)
            error = np.sqrt((1.0 - squared) / (2.0 * m * squared))
        return np.where(squared > 0, np.minimum(error, _UNKNOWN_PHASE), _UNKNOWN_PHASE)

    @property
    def time_lag(self) -> FloatArray:
        """Time by which the second curve lags, ``(k,)``; known up to multiples of 1/f."""
        return np.asarray(self.phase_lag / (2.0 * np.pi * self.frequency))

    @property
    def time_lag_error(self) -> FloatArray:
        """Its standard error, ``(k,)``."""
        return np.asarray(self.phase_lag_error / (2.0 * np.pi * self.frequency))

    def lag(self, low: float, high: float) -> Estimate:
        """Return the time lag in a band of frequencies, from the average cross spectrum there.

        Parameters
        ----------
        low, high : float
            Ends of the band; the time lag refers to the mean frequency, weighted by power.

        Raises
        ------
        InputError
            For a band without ordinates.
        """
        inside = (self.frequency >= low) & (self.frequency <= high)
        if not inside.any():
            raise InputError(
                "there is no frequency in the band",
                value=(low, high),
                allowed=f"{self.frequency[0]:.4g} to {self.frequency[-1]:.4g}",
            )
        part = self._select(inside)._averaged(np.array([0]))
        weight = self.n_averaged[inside] * np.abs(self.cross[inside])
        center = float(np.average(self.frequency[inside], weights=weight))
        turn = 2.0 * np.pi * center
        return Estimate(
            float(part.phase_lag[0]) / turn,
            float(part.phase_lag_error[0]) / turn,
            unit=self.time_unit,
            method=f"phase of the mean cross spectrum of {part.n_averaged[0]:.0f} ordinates; "
            "positive where the second curve lags",
            name="time_lag",
        )

    def _select(self, where: NDArray[np.bool_]) -> CrossSpectrum:
        names = ("frequency", "cross", "first_power", "second_power", "n_averaged")
        return replace(self, **{name: getattr(self, name)[where] for name in names})

    # -- showing -------------------------------------------------------------------------------

    @property
    def frequency_unit(self) -> str:
        """``"Hz"``, or one over the time unit."""
        return "Hz" if self.time_unit == "s" else f"1 / {self.time_unit}"

    def plot(self, axes: tuple[Axes, Axes] | None = None) -> tuple[Axes, Axes]:
        """Draw coherence and time lags; see :func:`astrokit.timing.plot_cross_spectrum`."""
        from .cross_plots import plot_cross_spectrum

        return plot_cross_spectrum(self, axes)

    def plot_data(self) -> dict[str, FloatArray]:
        """Return what :meth:`plot` draws; see :func:`~astrokit.timing.plot_cross_spectrum`."""
        from .cross_plots import cross_plot_data

        return cross_plot_data(self)

    def __len__(self) -> int:
        return self.frequency.size

    def __repr__(self) -> str:
        few, many = int(self.n_averaged.min()), int(self.n_averaged.max())
        averaged = f"{few}" if few == many else f"{few} to {many}"
        return (
            f"CrossSpectrum: {len(self)} frequencies from {self.frequency[0]:.4g} to "
            f"{self.frequency[-1]:.4g} {self.frequency_unit}, {averaged} ordinates averaged\n"
            f"{self.segments!r}\na positive lag means that the second curve lags"
        )


# -- parts ----------------------------------------------------------------------------------------


def _common_bins(first: LightCurve, second: LightCurve) -> tuple[LightCurve, LightCurve]:
    """Return both curves on one grid, each with the gaps of both."""
    for curve in (first, second):
        _require_lightcurve(curve)
    if first.info.time_unit != second.info.time_unit:
        raise InputError(
            "the curves have different time units",
            value=(first.info.time_unit, second.info.time_unit),
            hint="convert one with in_time_unit(unit)",
        )
    a, b = first.on_regular_grid(), second.on_regular_grid()
    same = a.n == b.n and np.allclose(a.time, b.time, rtol=0, atol=1e-3 * a.dt)
    if not same:
        raise InputError(
            "the curves are not in the same bins",
            value=f"{a.n} and {b.n} bins from {a.time[0]:.6g} and {b.time[0]:.6g}",
            hint="extract both with the same bins, or select() the common part",
        )
    both = a.valid & b.valid
    if both.all():
        return a, b
    return _masked(a, both), _masked(b, both)


def _masked(curve: LightCurve, valid: NDArray[np.bool_]) -> LightCurve:
    from ..lightcurve import LightCurve

    rate = np.where(valid, curve.rate, np.nan)
    return LightCurve(curve.time, rate, curve.error, bin_width=curve.bin_width, info=curve.info)


def _weights(taper: Taper | None, bins: int) -> FloatArray:
    """Return weights ``(count, bins)``, the squares of each row adding up to 1."""
    if taper is None:
        return np.full((1, bins), bins**-0.5)
    if not isinstance(taper, Taper):
        raise InputError("taper is no taper", value=taper, allowed="Sine(), Hann(), DPSS(4), None")
    return taper.weights(bins)


def _correlation(weights: FloatArray) -> FloatArray:
    """Return the covariance of ordinates 0, 1, ... apart over their squared mean."""
    from scipy import fft

    total = np.zeros(weights.shape[1])
    for a in weights:
        for b in weights:
            total += np.abs(fft.fft(a * b)) ** 2
    total /= len(weights) ** 2
    return np.asarray(total[: min(32, total.size // 2)])


def _transforms(pieces: FloatArray, weights: FloatArray) -> NDArray[np.complex128]:
    """Return transforms ``(m * count, k)`` below the Nyquist frequency, which has no phase.

    Of each piece the mean as the taper weighs it is subtracted, so that no level leaks.
    """
    from scipy import fft

    count = (pieces.shape[1] - 1) // 2
    parts = []
    for row in weights:
        level = pieces @ row / row.sum() if abs(row.sum()) > 1e-6 else pieces.mean(axis=1)
        transform = fft.rfft(row * (pieces - level[:, None]), axis=1)
        parts.append(transform[:, 1 : count + 1])
    return np.concatenate(parts)


def _level(
    curve: LightCurve,
    used: NDArray[np.bool_],
    noise: str | tuple[float, float],
    which: int,
    mean: float,
) -> float:
    if not isinstance(noise, str):
        if len(noise) != 2:
            raise InputError("noise needs one level for each curve", value=noise)
        return as_scalar(noise[which], "noise", minimum=0.0)
    return noise_of_bins(curve, used, noise, 0.0, mean) / mean**2
