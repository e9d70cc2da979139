r"""The Lomb-Scargle periodogram of a light curve of any sampling, and what its peaks are worth.

The sums are astropy's. What this module adds: frequencies that follow from the sampling, the choice
between noise that is white and noise that is red, and results that carry what they are. What it
does not do: measure a slope. Gaps and leakage shape this periodogram in ways that no simple
correction removes; :class:`~astrokit.timing.PSDProblem` of the light curve itself has them in its
likelihood.
"""

from __future__ import annotations

import html
import warnings
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_scalar
from ..errors import InputError
from ..estimate import Estimate
from ..inference.significance import SimulatedTest, require_simulations
from ..parallel import map_items
from ..provenance import Recorder
from ..randomness import SeedLike, as_seed_sequence, spawn
from .periodogram import _require_lightcurve
from .simulate import PSDLike, as_psd, simulate_rates

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from matplotlib.axes import Axes

    from ..lightcurve import LightCurve

__all__ = ["LombScargle", "RedNoiseTest", "lomb_scargle"]

FloatArray = NDArray[np.float64]
_NORMALIZATIONS = ("standard", "model", "log", "psd")
_WHITE = ("baluev", "davies", "naive", "bootstrap")
_FEWEST = 5
_MOST = 5_000_000  # frequencies: 40 MB
_CURVES_AT_ONCE = 50


@dataclass(frozen=True, eq=False, repr=False)
class LombScargle:
    """Power at each frequency, and the light curve that it is of; made by :func:`lomb_scargle`.

    Attributes
    ----------
    frequency, power : ndarray, shape (m,)
    normalization : str
        ``"standard"``: part of the chi-square that a sinusoid explains, 0 to 1; ``"model"``,
        ``"log"`` and ``"psd"`` as in astropy.
    lightcurve : LightCurve
    terms : int
        Sinusoids: the fundamental and its harmonics.
    """

    frequency: FloatArray
    power: FloatArray
    normalization: str
    lightcurve: LightCurve
    terms: int = 1

    @property
    def frequency_unit(self) -> str:
        """``"Hz"``, or one over the time unit."""
        unit = self.lightcurve.info.time_unit
        return "Hz" if unit == "s" else f"1 / {unit}"

    @property
    def best_frequency(self) -> Estimate:
        """Frequency of the highest peak.

        Its error is that of a sinusoid in white noise of the scatter that the fit leaves
        (Montgomery & O'Donoghue 1999, Delta Scuti Star Newsletter 13, 28). That the right peak is
        the highest is assumed.
        """
        best = int(np.argmax(self.power))
        f = _parabola(self.frequency, self.power, best)
        time, rate, _ = _valid(self.lightcurve)
        table = self._fit_at(f)
        amplitude, scatter = float(np.hypot(table[1], table[2])), table[3]
        error = np.sqrt(6 / rate.size) * scatter / (np.pi * np.ptp(time) * amplitude)
        method = "highest peak; error of a sinusoid in white noise"
        return Estimate(f, float(error), unit=self.frequency_unit, name="frequency", method=method)

    @property
    def period(self) -> Estimate:
        """One over the best frequency."""
        f = self.best_frequency
        unit = self.lightcurve.info.time_unit
        return Estimate(
            1 / f.value, f.error / f.value**2, unit=unit, name="period", method=f.method
        )

    def false_alarm_probability(
        self, power: float | None = None, *, method: str = "baluev", seed: SeedLike = 0
    ) -> float:
        """Return how often WHITE noise has a peak as high anywhere in the range searched.

        Red noise has high peaks far more often: see :meth:`red_noise_test`.

        Parameters
        ----------
        power : float, optional
            The height; by default that of the highest peak.
        method : {"baluev", "davies", "naive", "bootstrap"}
            As in astropy; "bootstrap" shuffles the rates, from `seed`.
        seed : int, SeedSequence or Generator

        Raises
        ------
        InputError
            For an unknown method, or several terms, for which only "bootstrap" holds.
        """
        if method not in _WHITE:
            raise InputError("method is unknown", value=method, allowed=", ".join(_WHITE))
        if self.terms > 1 and method != "bootstrap":
            raise InputError(
                "this probability holds for one sinusoid", value=method, hint="method='bootstrap'"
            )
        height = float(self.power.max()) if power is None else as_scalar(power, "power")
        options: dict[str, Any] = {}
        if method == "bootstrap":
            random = int(as_seed_sequence(seed).generate_state(1)[0])
            options = {"n_bootstraps": 1000, "random_seed": random}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of frequencies below 1 / duration, which are not used
            value = _astropy(self.lightcurve, self.normalization, self.terms)
            answer = value.false_alarm_probability(
                height,
                method=method,
                minimum_frequency=self.frequency[0],
                maximum_frequency=self.frequency[-1],
                method_kwds=options,
            )
        return float(answer)

    def red_noise_test(
        self,
        psd: PSDLike,
        n: int = 1000,
        *,
        seed: SeedLike = None,
        executor: Executor | None = None,
        progress: bool = False,
    ) -> RedNoiseTest:
        """Return how often RED noise of a known spectrum has a peak that stands out as much.

        Curves of the same sampling and errors are simulated. At each frequency the power is
        divided by its mean over all curves; the statistic is the largest ratio, so that the
        steepness of the spectrum and the window are in the p-value, and all frequencies that were
        searched. That the spectrum is itself uncertain is not: try the ends of its errors too.

        Parameters
        ----------
        psd : Fit, or callable
            As for :func:`~astrokit.timing.simulate_lightcurve`: the fit of a
            :class:`~astrokit.timing.PSDProblem`, or a function of frequency, in the fractional
            normalization.
        n : int
            Number of simulated curves.
        seed : int, SeedSequence or Generator, optional
        executor : concurrent.futures.Executor, optional
        progress : bool

        Returns
        -------
        RedNoiseTest
        """
        sequence = as_seed_sequence(seed)
        recorder = Recorder(
            "astrokit.timing.LombScargle.red_noise_test",
            {"n": n, "normalization": self.normalization, "terms": self.terms},
            inputs=[self.lightcurve.provenance_inputs()],
            seed=sequence,
            citations=("lomb1976", "scargle1982", "vanderplas2018", "timmer1995"),
        )
        count = require_simulations(n)
        blocks = [_CURVES_AT_ONCE] * (count // _CURVES_AT_ONCE)
        blocks += [count % _CURVES_AT_ONCE] if count % _CURVES_AT_ONCE else []
        run = partial(_simulated_powers, self, as_psd(psd))
        parts = map_items(
            run, blocks, seeds=spawn(sequence, len(blocks)), executor=executor, progress=progress
        )
        powers = np.concatenate([self.power[None, :], *parts])
        # The data count in the mean as every simulation does: no curve is treated in another way.
        mean = powers.mean(axis=0)
        ratios = powers / mean
        best = int(np.argmax(ratios[0]))
        provenance = recorder.finish()
        test = SimulatedTest(
            name="largest ratio to the mean power of red noise",
            observed=np.asarray(ratios[0, best]),
            simulated=ratios[1:].max(axis=1),
            n_failed=0,
            failures=(),
            provenance=provenance,
        )
        levels = {q: mean * float(np.quantile(test.simulated, q)) for q in (0.95, 0.99)}
        return RedNoiseTest(self, float(self.frequency[best]), mean, levels, test)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the power against frequency with the highest peak; return the axes."""
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")[1] if ax is None else ax
        data = self.plot_data()
        ax.plot(data["frequency"], data["power"], **{"color": "0.25", "lw": 0.8, **style})
        best = self.best_frequency
        ax.axvline(best.value, color="#c1440e", lw=1.2, alpha=0.6, zorder=0, label=str(best))
        ax.set(
            xscale="log",
            xlabel=f"Frequency ({self.frequency_unit})",
            ylabel=f"Lomb-Scargle power ({self.normalization})",
        )
        ax.legend(frameon=False, fontsize="small")
        return ax

    def plot_data(self) -> dict[str, FloatArray]:
        """Return what :meth:`plot` draws: ``frequency`` and ``power``."""
        return {"frequency": self.frequency, "power": self.power}

    def _fit_at(self, frequency: float) -> tuple[float, float, float, float]:
        """Return mean, sine, cosine of the weighted fit, and the scatter that it leaves."""
        time, rate, error = _valid(self.lightcurve)
        phase = 2 * np.pi * frequency * time
        design = np.stack([np.ones(time.size), np.sin(phase), np.cos(phase)], axis=1)
        weight = np.ones(rate.size) if error is None else 1 / error
        found = np.linalg.lstsq(design * weight[:, None], rate * weight, rcond=None)[0]
        scatter = float(np.sqrt(np.sum((rate - design @ found) ** 2) / max(rate.size - 3, 1)))
        return float(found[0]), float(found[1]), float(found[2]), scatter

    def __repr__(self) -> str:
        return (
            f"LombScargle: {self.frequency.size} frequencies from {self.frequency[0]:.4g} to "
            f"{self.frequency[-1]:.4g} {self.frequency_unit}, {self.normalization} normalization\n"
            f"highest peak {self.power.max():.4g} at {self.best_frequency}"
        )


@dataclass(frozen=True, eq=False, repr=False)
class RedNoiseTest:
    """The peak of a Lomb-Scargle periodogram that stands out most from red noise.

    Attributes
    ----------
    periodogram : LombScargle
    frequency : float
        Where its ratio to the mean of simulated red noise is largest.
    mean : ndarray, shape (m,)
        Mean power of the simulated curves at each frequency.
    levels : dict of float to ndarray
        Power that a fraction of 0.95 and 0.99 of simulated curves does not reach anywhere.
    test : SimulatedTest
    """

    periodogram: LombScargle
    frequency: float
    mean: FloatArray
    levels: dict[float, FloatArray] = field(repr=False)
    test: SimulatedTest

    @property
    def p_value(self) -> Estimate:
        """How often red noise has a peak that stands out as much, anywhere."""
        return self.test.p_value

    @property
    def provenance(self) -> Any:
        """What ran, on which data, with which seed; what to cite."""
        return self.test.provenance

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the periodogram with the mean and the levels of red noise; return the axes."""
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")[1] if ax is None else ax
        data, unit = self.plot_data(), self.periodogram.frequency_unit
        ax.plot(data["frequency"], data["power"], color="0.25", lw=0.8)
        ax.plot(data["frequency"], data["mean"], color="#1b6ca8", lw=1.4, label="mean of red noise")
        for level, style in ((95, ":"), (99, "--")):
            label = f"{level} % of simulations stay below"
            y = data[f"level_{level}"]
            ax.plot(data["frequency"], y, color="#1b6ca8", ls=style, lw=1, label=label)
        label = f"candidate at {self.frequency:.4g} {unit}"
        ax.axvline(self.frequency, color="#c1440e", lw=1.2, alpha=0.6, zorder=0, label=label)
        ax.set(xscale="log", yscale="log", title=self.test._p_text())
        kind = self.periodogram.normalization
        ax.set(xlabel=f"Frequency ({unit})", ylabel=f"Lomb-Scargle power ({kind})")
        top = max(float(self.periodogram.power.max()), float(data["level_99"].max()))
        ax.set_ylim(0.01 * float(self.mean.min()), 3 * top)
        ax.legend(frameon=False, fontsize="small")
        return ax

    def plot_data(self) -> dict[str, FloatArray]:
        """Return what :meth:`plot` draws."""
        named = {f"level_{100 * q:.0f}": values for q, values in self.levels.items()}
        return {**self.periodogram.plot_data(), "mean": self.mean, **named}

    def __repr__(self) -> str:
        unit = self.periodogram.frequency_unit
        return f"RedNoiseTest: candidate at {self.frequency:.5g} {unit}\n{self.test!r}"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def lomb_scargle(
    lightcurve: LightCurve,
    *,
    frequency: ArrayLike | None = None,
    max_frequency: float | None = None,
    samples_per_peak: float = 5.0,
    normalization: str = "standard",
    terms: int = 1,
) -> LombScargle:
    """Return the generalised Lomb-Scargle periodogram of the valid bins of a light curve.

    The mean is fitted together with the sinusoid, and errors weigh the rates (Zechmeister &
    Kuerster 2009, A&A 496, 577).

    Parameters
    ----------
    lightcurve : LightCurve
        Of any sampling; invalid bins are left out.
    frequency : array_like or Quantity, shape (m,), optional
        By default an even grid from 1 / duration, `samples_per_peak` points to a peak.
    max_frequency : float or Quantity, optional
        End of that grid; by default half the rate of the median spacing. Irregular sampling holds
        information beyond it.
    samples_per_peak : float
    normalization : {"standard", "model", "log", "psd"}
        See :class:`LombScargle`.
    terms : int
        Number of harmonics, with the fundamental.

    Returns
    -------
    LombScargle

    Raises
    ------
    InputError
        For fewer than 5 valid bins, a constant curve, an unknown normalization, or a grid of more
        than five million frequencies.

    References
    ----------
    Lomb 1976, Ap&SS 39, 447; Scargle 1982, ApJ 263, 835; VanderPlas 2018, ApJS 236, 16.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> rng = np.random.default_rng(1)
    >>> time = np.sort(rng.uniform(0, 100, 150))
    >>> rate = 10 + np.sin(2 * np.pi * time / 7) + rng.normal(0, 0.5, 150)
    >>> lc = ak.LightCurve(time, rate, np.full(150, 0.5))
    >>> found = ak.timing.lomb_scargle(lc)
    >>> print(found.period)
    period = 7.018 +/- 0.016 s
    >>> found.false_alarm_probability() < 1e-10
    True
    """
    _require_lightcurve(lightcurve)
    if normalization not in _NORMALIZATIONS:
        allowed = ", ".join(_NORMALIZATIONS)
        raise InputError("normalization is unknown", value=normalization, allowed=allowed)
    if terms < 1 or terms != int(terms):
        raise InputError("terms must be a whole number >= 1", value=terms)
    time, rate, _ = _valid(lightcurve)
    if rate.size < max(_FEWEST, 2 * terms + 3):
        raise InputError(
            "the light curve has too few valid bins",
            value=rate.size,
            allowed=f">= {max(_FEWEST, 2 * terms + 3)}",
        )
    if np.ptp(rate) <= 1e-14 * np.abs(rate).max():
        raise InputError("the light curve is constant", value=float(rate[0]))
    unit = lightcurve.info.time_unit
    per_time = "Hz" if unit == "s" else f"1 / {unit}"
    if frequency is None:
        grid = _grid(time, max_frequency, samples_per_peak, per_time)
    else:
        grid = as_array(frequency, "frequency", unit=per_time, positive=True)
    sums = _astropy(lightcurve, normalization, int(terms))
    power = sums.power(grid, assume_regular_frequency=frequency is None)
    return LombScargle(grid, np.asarray(power, dtype=float), normalization, lightcurve, int(terms))


# -- parts ----------------------------------------------------------------------------------------


def _valid(lightcurve: LightCurve) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Return times from the first, rates and errors of the valid bins."""
    good = lightcurve.valid
    if not good.any():
        raise InputError("the light curve has no valid bin")
    time = lightcurve.time[good]
    error = None if lightcurve.error is None else lightcurve.error[good]
    return time - time[0], lightcurve.rate[good], error


def _astropy(lightcurve: LightCurve, normalization: str, terms: int, rate: Any = None) -> Any:
    from astropy.timeseries import LombScargle as Sums

    time, own, error = _valid(lightcurve)
    return Sums(
        time, own if rate is None else rate, error, nterms=terms, normalization=normalization
    )


def _grid(time: FloatArray, highest: Any, samples: float, unit: str) -> FloatArray:
    duration = float(np.ptp(time))
    samples = as_scalar(samples, "samples_per_peak", minimum=1.0)
    if highest is None:
        top = 0.5 / float(np.median(np.diff(time)))
    else:
        top = as_scalar(highest, "max_frequency", unit=unit, positive=True)
    step = 1 / (samples * duration)
    count = int(np.floor((top - 1 / duration) / step)) + 1
    if not 1 <= count <= _MOST:
        raise InputError(
            "the grid of frequencies has an impossible size",
            value=f"{count} from {1 / duration:.4g} to {top:.4g} {unit}",
            allowed=f"1 to {_MOST}",
            hint="give max_frequency",
        )
    return np.asarray(1 / duration + step * np.arange(count))


def _parabola(frequency: FloatArray, power: FloatArray, best: int) -> float:
    """Return the top of the parabola through a peak and its neighbours."""
    if not 0 < best < power.size - 1:
        return float(frequency[best])
    left, top, right = power[best - 1 : best + 2]
    curvature = left - 2 * top + right
    shift = 0.5 * (left - right) / curvature if curvature < 0 else 0.0
    return float(frequency[best] + shift * 0.5 * (frequency[best + 1] - frequency[best - 1]))


def _simulated_powers(
    found: LombScargle, psd: Any, count: int, seed: np.random.SeedSequence
) -> FloatArray:
    """Return the powers ``(count, m)`` of simulated curves at the same frequencies."""
    lc, f = found.lightcurve, found.frequency
    rates = simulate_rates(psd, lc, count, seed=seed)[:, lc.valid]
    steps = np.diff(f)
    even = f.size < 3 or bool(np.ptp(steps) <= 1e-6 * steps.mean())
    out = np.empty((count, f.size))
    for row, rate in zip(out, rates, strict=True):
        sums = _astropy(lc, found.normalization, found.terms, rate)
        row[:] = sums.power(f, assume_regular_frequency=even)
    return out
