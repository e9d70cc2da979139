"""`Periodogram`: the power of an evenly sampled light curve at its Fourier frequencies.

What this module does not do: gaps (an interpolated curve has another spectrum), uneven sampling,
detrending. A curve with gaps is refused with a way out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_scalar, require_equal_lengths
from ..errors import InputError, ShapeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..lightcurve import LightCurve
    from .plots import PeriodogramPlotData

__all__ = ["Periodogram"]

FloatArray = NDArray[np.float64]
_NORMALIZATIONS = ("fractional", "absolute", "leahy", "psd")
_NOISE = ("auto", "gaussian", "poisson", "none")
_COUNT_UNITS = ("ct", "count", "counts", "photon", "ph")
_CONSTANT = 1e-14  # relative scatter that rounding alone explains
_FEWEST_BINS = 8


@dataclass(frozen=True, eq=False, repr=False)
class Periodogram:
    r"""Power at positive Fourier frequencies :math:`f_j = j / (N\,\Delta t)`, with what it means.

    Made by :meth:`from_lightcurve`; the constructor takes a spectrum that was computed elsewhere.
    With x the rates, N bins of width dt and :math:`|\mathrm{DFT}_j|^2` of the rates minus their
    mean, the normalizations are

    ============  =====================================  ===========================================
    name          power                                  integral over positive frequencies
    ============  =====================================  ===========================================
    fractional    :math:`2\Delta t/(N\bar x^2)` DFT²     variance / mean² (rms² as a fraction)
    absolute      :math:`2\Delta t/N` DFT²               variance
    leahy         :math:`2\Delta t/(N\bar x)` DFT²       variance / mean (2 is pure Poisson noise)
    psd           :math:`\Delta t/N` DFT²                variance / 2 (two-sided density)
    ============  =====================================  ===========================================

    where the term at the Nyquist frequency, which stands for half a bin in frequency, counts half.

    Parameters
    ----------
    frequency : array_like, shape (m,)
        Strictly increasing, > 0, in `frequency_unit`.
    power : array_like, shape (m,)
        >= 0.
    degrees_of_freedom : array_like, shape (m,), or float
        Of the chi2 distribution that each ordinate follows around its mean: 2 for one ordinate,
        1 at the Nyquist frequency, 2M for an average of M.
    normalization : {"fractional", "absolute", "leahy", "psd"}
    noise_level : float
        Expected power of the measurement noise; NaN if unknown.
    time_unit, rate_unit : str
        Units of the light curve.
    dt, mean_rate : float
        Bin width and mean of the light curve; NaN if unknown.
    n_bins, n_segments : int
        Bins of the light curve per segment, and number of segments averaged.
    has_nyquist : bool
        Whether the last ordinate is the Nyquist frequency alone.
    inputs : tuple of dict
        Provenance of the light curve.
    notes : tuple of str
        What else a reader must know, such as how much of a curve with gaps was used.

    Raises
    ------
    InputError, ShapeError, NonFiniteError

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> t = np.arange(64.0)
    >>> lc = ak.LightCurve(t, 10 + np.sin(2 * np.pi * t / 8))
    >>> pg = ak.timing.Periodogram.from_lightcurve(lc, noise="none")
    >>> float(pg.frequency[np.argmax(pg.power)])
    0.125
    >>> round(pg.integral, 12)  # variance 1/2 over mean squared 100
    0.005
    """

    frequency: FloatArray
    power: FloatArray
    degrees_of_freedom: FloatArray | float = 2.0
    normalization: str = "fractional"
    noise_level: float = float("nan")
    time_unit: str = "s"
    rate_unit: str = "ct / s"
    dt: float = float("nan")
    mean_rate: float = float("nan")
    n_bins: int = 0
    n_segments: int = 1
    has_nyquist: bool = False
    inputs: tuple[dict[str, Any], ...] = field(default=())
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        frequency = as_array(self.frequency, "frequency", unit=self.frequency_unit, positive=True)
        power = as_array(self.power, "power")
        dof = np.asarray(self.degrees_of_freedom, dtype=float)
        if dof.ndim == 0:
            dof = np.full(frequency.size, float(dof))
        dof = as_array(dof, "degrees_of_freedom", positive=True)
        require_equal_lengths(frequency=frequency, power=power, degrees_of_freedom=dof)
        if np.any(frequency[1:] <= frequency[:-1]):
            raise InputError("frequencies must increase", hint="sort them, and merge equal ones")
        if power.min() < 0:
            raise InputError("power is negative", value=float(power.min()), allowed=">= 0")
        _require_known(self.normalization, "normalization", _NORMALIZATIONS)
        arrays = {"frequency": frequency, "power": power, "degrees_of_freedom": dof}
        for name, array in arrays.items():
            # The user's own array may change later; what was measured may not.
            given = getattr(self, name)
            shared = isinstance(given, np.ndarray) and np.may_share_memory(array, given)
            object.__setattr__(self, name, array.copy() if shared else array)

    # -- making --------------------------------------------------------------------------------

    @classmethod
    def from_lightcurve(
        cls,
        lightcurve: LightCurve,
        *,
        normalization: str = "fractional",
        segments: int = 1,
        noise: str | float = "auto",
        background: float = 0.0,
    ) -> Periodogram:
        """Return the periodogram of an evenly sampled light curve without gaps.

        Parameters
        ----------
        lightcurve : LightCurve
        normalization : {"fractional", "absolute", "leahy", "psd"}
            See the class.
        segments : int
            Cut the curve into so many equal pieces (a remainder at the end is left out) and
            average their periodograms: fewer frequencies, known better. The mean of each piece is
            subtracted from it; the normalization uses the mean of all.
        noise : {"auto", "gaussian", "poisson", "none"} or float
            Where the noise level comes from: the errors of the curve, counting statistics, or
            nowhere. "auto" takes the errors if there are any, else counting statistics if the
            rates are counts per time. A number is the level itself.
        background : float
            Mean background rate that was subtracted, for counting statistics.

        Returns
        -------
        Periodogram

        Raises
        ------
        InputError
            For uneven sampling, gaps, a constant curve, or a mean that the normalization cannot
            divide by; says what to do.
        ShapeError
            If a segment would be shorter than 8 bins.

        References
        ----------
        Vaughan et al. 2003, MNRAS 345, 1271 (appendix A for the noise levels).
        """
        _require_known(normalization, "normalization", _NORMALIZATIONS)
        _require_lightcurve(lightcurve)
        dt = lightcurve.dt
        if lightcurve.info.is_magnitude and normalization in ("fractional", "leahy"):
            raise InputError(
                f"the {normalization} normalization means nothing for magnitudes",
                hint="convert them to fluxes first, or use normalization='absolute'",
            )
        rate = _complete_rates(lightcurve)
        pieces = _cut(rate, segments)
        mean = float(pieces.mean())
        scale = _scale(normalization, mean)
        power = _mean_square_transform(pieces) * (2 * dt / pieces.shape[1] * scale)
        n = pieces.shape[1]
        dof = np.full(power.size, 2.0 * segments)
        if n % 2 == 0:
            dof[-1] = float(segments)
        level = _noise_level(lightcurve, noise, background, mean, pieces.size)
        return cls(
            frequency=np.arange(1, n // 2 + 1) / (n * dt),
            power=power,
            degrees_of_freedom=dof,
            normalization=normalization,
            noise_level=level if isinstance(noise, (int, float)) else level * scale,
            time_unit=lightcurve.info.time_unit,
            rate_unit=lightcurve.info.rate_unit,
            dt=dt,
            mean_rate=mean,
            n_bins=n,
            n_segments=segments,
            has_nyquist=n % 2 == 0,
            inputs=_as_records(lightcurve.provenance_inputs()),
        )

    def log_binned(self, ratio: float = 1.1, *, min_count: int = 1) -> Periodogram:
        """Return averages over bins whose edges grow by `ratio`, degrees of freedom added up.

        Parameters
        ----------
        ratio : float
            Upper over lower edge of a bin, > 1. A bin narrower than `min_count` ordinates is
            widened, so the lowest frequencies stay as they are.
        min_count : int
            Fewest ordinates in a bin.

        Notes
        -----
        The frequency of a bin is the geometric mean of its frequencies. For a power law of slope
        a its power exceeds the law there by a factor of about ``1 + a**2 * ln(ratio)**2 / 24``:
        0.15 % for the default and a = 2.
        """
        from .kernels import bin_averages

        ratio = as_scalar(ratio, "ratio")
        if not ratio > 1:
            raise InputError("ratio must be > 1", value=ratio, hint="1.1 gives 24 bins a decade")
        if min_count < 1:
            raise InputError("min_count must be at least 1", value=min_count)
        starts = _bin_starts(self.frequency, ratio, min_count)
        edges = np.append(starts, self.frequency.size)
        frequency, power, dof = bin_averages(
            self.frequency, self.power, np.asarray(self.degrees_of_freedom), edges
        )
        counts = np.diff(edges)
        return replace(
            self,
            frequency=frequency,
            power=power,
            degrees_of_freedom=dof,
            has_nyquist=self.has_nyquist and bool(counts[-1] == 1),
        )

    # -- what it is ----------------------------------------------------------------------------

    def __len__(self) -> int:
        return self.frequency.size

    @property
    def frequency_unit(self) -> str:
        """``"Hz"``, or one over the time unit."""
        return "Hz" if self.time_unit == "s" else f"1 / {self.time_unit}"

    @property
    def power_unit(self) -> str:
        """Unit of the power: per frequency, times the squared rate where not divided by it."""
        from astropy import units as u

        per_frequency = "1 / Hz" if self.time_unit == "s" else self.time_unit
        if self.normalization == "fractional":
            return per_frequency
        if self.normalization == "leahy":
            return ""
        rate = u.Unit(self.rate_unit) if self.rate_unit else u.dimensionless_unscaled
        return (rate**2 * u.Unit(per_frequency)).to_string()

    @property
    def integral(self) -> float:
        """Sum of power times frequency step, the Nyquist term halved.

        For an unbinned periodogram with one segment this is exactly the variance (with divisor N)
        in the units of the normalization; see the table of the class.

        Raises
        ------
        InputError
            After logarithmic binning, which leaves no common step.
        """
        step = self.frequency[0]
        if not np.allclose(self.frequency, step * np.arange(1, len(self) + 1), rtol=1e-9):
            raise InputError(
                "the frequencies are not multiples of the lowest",
                hint="take the integral before binning",
            )
        total = float(self.power.sum())
        half = 0.5 * float(self.power[-1]) if self.has_nyquist else 0.0
        return float(step) * (total - half)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw it; see :func:`astrokit.timing.plot_periodogram`."""
        from .plots import plot_periodogram

        return plot_periodogram(self, ax, **style)

    def plot_data(self) -> PeriodogramPlotData:
        """Return the numbers and labels that :meth:`plot` draws."""
        from .plots import periodogram_plot_data

        return periodogram_plot_data(self)

    def __repr__(self) -> str:
        low, high = self.frequency[0], self.frequency[-1]
        noise = "unknown" if np.isnan(self.noise_level) else f"{self.noise_level:.4g}"
        averaged = f", {self.n_segments} segments averaged" if self.n_segments > 1 else ""
        text = (
            f"Periodogram: {len(self)} frequencies from {low:.4g} to {high:.4g} "
            f"{self.frequency_unit}{averaged}\n{self.normalization} normalization, noise level "
            f"{noise} {self.power_unit}".rstrip()
        )
        return "\n".join([text, *self.notes])


# -- checks and parts -------------------------------------------------------------------------


def _require_known(value: Any, name: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"{name} is unknown", value=value, allowed=", ".join(allowed))


def _require_lightcurve(lightcurve: Any) -> None:
    if not hasattr(lightcurve, "exposure_fraction"):
        raise InputError(
            "a LightCurve is needed",
            value=type(lightcurve).__name__,
            hint="read a file with ak.read_lightcurve(path), or make one from arrays: "
            "ak.LightCurve(time, rate, error)",
        )


def _complete_rates(lightcurve: LightCurve) -> FloatArray:
    missing = int(lightcurve.n - np.count_nonzero(lightcurve.valid))
    if missing:
        raise InputError(
            f"the light curve has {missing} missing of {lightcurve.n} bins",
            hint="take a piece without gaps, with split_by_gti() or select(start, stop), or "
            "rebin(dt) over the gaps; "
            "averaged_periodogram(lightcurve, length) averages pieces between the gaps",
        )
    rate = lightcurve.rate
    if np.ptp(rate) <= _CONSTANT * np.abs(rate).max():
        raise InputError(
            "the light curve is constant: its periodogram is zero",
            value=float(rate[0]),
            hint="check which column was read as rate",
        )
    return rate


def _cut(rate: FloatArray, segments: int) -> FloatArray:
    """Return the rates as ``(segments, bins)``."""
    if segments < 1 or segments != int(segments):
        raise InputError("segments must be a whole number >= 1", value=segments)
    bins = rate.size // segments
    if bins < _FEWEST_BINS:
        most = rate.size // _FEWEST_BINS
        hint = f"take at most {most} segments" if most else "use shorter bins or a longer curve"
        raise ShapeError(
            "a periodogram needs more bins",
            value=f"{rate.size} bins in {segments} segment(s)",
            allowed=f"at least {_FEWEST_BINS} in each",
            hint=hint,
        )
    return rate[: segments * bins].reshape(segments, bins)


def _mean_square_transform(pieces: FloatArray) -> FloatArray:
    """Return |DFT|^2 at positive frequencies, averaged over pieces, shape ``(n // 2,)``."""
    from scipy import fft

    transform = fft.rfft(pieces - pieces.mean(axis=1, keepdims=True), axis=1)[:, 1:]
    return np.mean(transform.real**2 + transform.imag**2, axis=0)


def _scale(normalization: str, mean: float) -> float:
    """Return the factor from the absolute to the wanted normalization."""
    if normalization == "absolute":
        return 1.0
    if normalization == "psd":
        return 0.5
    if not mean > 0:
        raise InputError(
            f"the {normalization} normalization divides by the mean rate, which is not positive",
            value=mean,
            hint="use normalization='absolute'",
        )
    return 1 / mean**2 if normalization == "fractional" else 1 / mean


def _noise_level(
    lightcurve: LightCurve, noise: str | float, background: float, mean: float, used: int
) -> float:
    """Return the level in the absolute normalization, or the number that was given."""
    if isinstance(noise, (int, float)):
        return as_scalar(noise, "noise", minimum=0.0)
    _require_known(noise, "noise", _NOISE)
    if noise == "auto":
        noise = _automatic_noise(lightcurve)
    if noise == "gaussian":
        if lightcurve.error is None:
            raise InputError(
                "the light curve has no errors to take the noise level from",
                hint="use noise='poisson', 'none', or give the level",
            )
        return float(2 * lightcurve.dt * np.mean(lightcurve.error[:used] ** 2))
    if noise == "poisson":
        background = as_scalar(
            background, "background", unit=lightcurve.info.rate_unit, minimum=0.0
        )
        return 2 * (mean + background)
    return float("nan")


def _automatic_noise(lightcurve: LightCurve) -> str:
    if lightcurve.error is not None:
        return "gaussian"
    words = str(lightcurve.info.rate_unit).replace("/", " ").split()
    return "poisson" if words and words[0] in _COUNT_UNITS else "none"


def _bin_starts(frequency: FloatArray, ratio: float, min_count: int) -> NDArray[np.int64]:
    """Return the index at which each bin begins."""
    decades = np.log(frequency[-1] / frequency[0]) / np.log(ratio)
    edges = frequency[0] * ratio ** np.arange(np.ceil(decades) + 1)
    candidates = np.unique(np.searchsorted(frequency, edges * (1 - 1e-12)))
    candidates = candidates[candidates < frequency.size]
    if min_count == 1:
        return candidates
    starts = [0]
    for index in candidates[1:].tolist():
        if index - starts[-1] >= min_count and frequency.size - index >= min_count:
            starts.append(index)
    return np.array(starts, dtype=np.int64)


def _as_records(records: Any) -> tuple[dict[str, Any], ...]:
    return (records,) if isinstance(records, dict) else tuple(records)


def _frequencies(frequency: ArrayLike, unit: str) -> FloatArray:
    """Return frequencies given by a user as an array > 0 in `unit`."""
    return as_array(frequency, "frequency", unit=unit, positive=True, ndim=None)
