"""What `characterize` measures: one small class per kind, composed by value.

A measure takes an :class:`~astrokit.timing.epoch.Epoch` and returns rows. What does not apply to a
curve is a row with the reason, not an error: :class:`Measurement` has both.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..errors import AstrokitError, InputError
from ..estimate import Estimate
from . import amplitude, hardness, timescales, variability
from .epoch import Epoch
from .models import PSDModel

__all__ = [
    "Amplitudes",
    "FluxShape",
    "Hardness",
    "Measure",
    "Measurement",
    "PowerSpectrum",
    "RmsFlux",
    "Sampling",
    "Timescales",
    "as_measures",
]


@dataclass(frozen=True)
class Measurement:
    """One row: a value, or words, or the reason why there is neither.

    Attributes
    ----------
    name : str
    value : Estimate or None
    text : str
        A verdict in words, where that is the result.
    reason : str
        Why the measure does not apply.
    note : str
        What a reader must know.
    """

    name: str
    value: Estimate | None = None
    text: str = ""
    reason: str = ""
    note: str = ""

    def __str__(self) -> str:
        if self.reason:
            return f"not applicable: {self.reason}"
        if self.value is None:
            return self.text
        shown = str(Estimate(**{**self.value.as_dict(), "name": ""}))
        return shown.replace(" (no error)", "")


@dataclass(frozen=True)
class Outcome:
    """Rows of one measure and the objects behind them, by name."""

    rows: list[Measurement] = field(default_factory=list)
    results: dict[str, Any] = field(default_factory=dict)
    citations: list[str] = field(default_factory=list)

    def attempt(self, name: str, function: Callable[[], Any], note: str = "") -> Any:
        """Add the estimate, number or text that `function` returns, or why it cannot."""
        try:
            found = function()
        except AstrokitError as error:
            self.rows.append(Measurement(name, reason=_reason(error)))
            return None
        if isinstance(found, str):
            self.rows.append(Measurement(name, text=found, note=note))
        else:
            value = found if isinstance(found, Estimate) else Estimate(float(found))
            named = Estimate(**{**value.as_dict(), "name": name})
            self.rows.append(Measurement(name, named, note=note))
        return found

    def refuse(self, names: Iterable[str], error: AstrokitError) -> None:
        """Add one row per name with the reason."""
        self.rows.extend(Measurement(name, reason=_reason(error)) for name in names)


def _reason(error: AstrokitError) -> str:
    value = "" if error.value is None else f" ({error.value})"
    return f"{error.problem}{value}"


class Measure(abc.ABC):
    """A kind of measurement; `name` selects it in words, `rank` seeds it."""

    name: ClassVar[str]
    rank: ClassVar[int]

    @abc.abstractmethod
    def __call__(self, epoch: Epoch, seed: np.random.SeedSequence) -> Outcome:
        """Return the rows for one epoch."""


@dataclass(frozen=True)
class Sampling(Measure):
    """Bins, durations, gaps, mean rate and counts."""

    name: ClassVar[str] = "sampling"
    rank: ClassVar[int] = 0

    def __call__(self, epoch: Epoch, seed: np.random.SeedSequence) -> Outcome:
        lc, out = epoch.lightcurve, Outcome()
        unit = lc.info.time_unit
        out.attempt("bins", lambda: lc.n)
        out.attempt("valid_bins", lambda: int(lc.valid.sum()))
        out.attempt("duration", lambda: Estimate(lc.duration, unit=unit))
        out.attempt("exposure", lambda: _exposure(epoch))
        out.attempt("spacing", lambda: _spacing(epoch), _regularity(epoch))
        relative = "flux relative to the median, made of magnitudes" * epoch.was_magnitudes
        out.attempt("mean_rate", lambda: _mean_rate(epoch), relative)
        out.attempt("counts", lambda: _counts(epoch))
        return out


@dataclass(frozen=True)
class Amplitudes(Measure):
    """Excess variance and its kin with both error forms, and the two variability amplitudes.

    Parameters
    ----------
    scatter : int
        Simulated curves for the scatter of the fractional variability; 0 leaves it out.
    """

    scatter: int = 100
    name: ClassVar[str] = "amplitudes"
    rank: ClassVar[int] = 1

    def __call__(self, epoch: Epoch, seed: np.random.SeedSequence) -> Outcome:
        lc, out = epoch.lightcurve, Outcome()
        v = variability
        out.attempt("fractional_variability", lambda: v.fractional_variability(lc))
        out.attempt(
            "fractional_variability_poutanen",
            lambda: v.fractional_variability(lc, error="poutanen2008"),
        )
        out.attempt("normalized_excess_variance", lambda: v.normalized_excess_variance(lc))
        out.attempt(
            "normalized_excess_variance_turner",
            lambda: v.normalized_excess_variance(lc, error="turner1999"),
        )
        out.attempt("excess_variance", lambda: v.excess_variance(lc))
        out.attempt("variability_amplitude", lambda: amplitude.variability_amplitude(lc))
        out.attempt("peak_to_peak_amplitude", lambda: amplitude.peak_to_peak_amplitude(lc))
        out.citations.extend(["vaughan2003", "poutanen2008", "turner1999", "heidt1996"])
        if self.scatter:
            name = "fractional_variability_of_process"
            note = "scatter of red noise of the fitted spectrum"
            out.attempt(name, lambda: self._red_noise(epoch, seed), note)
        return out

    def _red_noise(self, epoch: Epoch, seed: np.random.SeedSequence) -> Estimate:
        # The scatter is that of the curve on its grid: gaps count as gaps.
        grid = epoch.rebinned("power_spectrum").on_regular_grid()
        scatter = variability.fractional_variability_scatter(
            grid, epoch.spectrum(), n=self.scatter, seed=seed
        )
        return scatter.estimate


@dataclass(frozen=True)
class Timescales(Measure):
    """Minimum time scale of adjacent and of all pairs, doubling time, size of the region.

    Parameters
    ----------
    significance : float
        As for :func:`~astrokit.timing.minimum_timescale`.
    doppler_factor, redshift : float
        As for :func:`~astrokit.timing.region_size`.
    scatter : int
        Simulated curves of a constant source: how often noise alone makes so short a time
        scale; 0 leaves it out.
    """

    significance: float = 3.0
    doppler_factor: float = 1.0
    redshift: float = 0.0
    scatter: int = 100
    name: ClassVar[str] = "timescales"
    rank: ClassVar[int] = 2

    def __call__(self, epoch: Epoch, seed: np.random.SeedSequence) -> Outcome:
        lc, out = epoch.lightcurve, Outcome(citations=["burbidge1974"])
        found: dict[str, timescales.MinimumTimescale] = {}
        for pairs in ("adjacent", "all"):

            def measured(pairs: str = pairs) -> Estimate:
                found[pairs] = timescales.minimum_timescale(
                    lc, pairs=pairs, significance=self.significance
                )
                return found[pairs].estimate

            out.attempt(f"minimum_timescale_{pairs}", measured)
        fastest = found.get("adjacent")
        if fastest is None:
            why = InputError("there is no minimum time scale of adjacent bins")
            out.refuse(("doubling_time", "region_size", "timescale_p_noise"), why)
            return out
        out.attempt("doubling_time", lambda: fastest.doubling_time)
        out.attempt(
            "region_size",
            lambda: timescales.region_size(
                fastest, doppler_factor=self.doppler_factor, redshift=self.redshift
            ),
            f"light crossing with delta = {self.doppler_factor:g}, z = {self.redshift:g}",
        )
        if self.scatter:
            out.attempt(
                "timescale_p_noise",
                lambda: timescales.minimum_timescale_scatter(
                    lc, significance=self.significance, n=self.scatter, seed=seed
                ).p_value(fastest),
                "how often noise of a constant source gives so short a time scale",
            )
        out.results["minimum_timescale"] = fastest
        return out


@dataclass(frozen=True)
class PowerSpectrum(Measure):
    """Slope and amplitude of the power spectrum from the likelihood of the curve itself.

    Parameters
    ----------
    model : PSDModel, optional
        A power law by default; with a constant where the curve has no errors.
    """

    model: PSDModel | None = None
    name: ClassVar[str] = "power_spectrum"
    rank: ClassVar[int] = 3

    def __call__(self, epoch: Epoch, seed: np.random.SeedSequence) -> Outcome:
        out = Outcome()
        try:
            fit = epoch.spectrum(self.model)
        except AstrokitError as error:
            out.refuse(("slope", "psd_p_normal", "psd_p_white"), error)
            return out
        note = "; ".join(_spectrum_notes(epoch, fit))
        for name in fit.parameters.names:
            out.attempt(name, lambda name=name: fit[name], note)  # type: ignore[misc]
        normal, white = _goodness(fit)
        out.attempt("psd_p_normal", lambda: normal, "whitened residuals against a normal (KS)")
        out.attempt("psd_p_white", lambda: white, "their correlation over 20 lags (Ljung-Box)")
        out.results["power_spectrum"] = fit
        out.citations.extend(fit.provenance.citations)
        return out


@dataclass(frozen=True)
class FluxShape(Measure):
    """Distribution of the flux and a verdict on bimodality, tested on simulated red noise.

    Parameters
    ----------
    n : int
        Simulated curves.
    level : float
        Smallest p-value that counts as chance.
    """

    n: int = 99
    level: float = 0.01
    name: ClassVar[str] = "flux_distribution"
    rank: ClassVar[int] = 4

    def __call__(self, epoch: Epoch, seed: np.random.SeedSequence) -> Outcome:
        from .flux_verdict import flux_distribution

        out = Outcome()
        try:
            psd, why = epoch.spectrum(), ""
        except AstrokitError as error:
            psd, why = None, _reason(error)
        names = ("flux_distribution", "flux_verdict", "flux_p_two")
        try:
            lc = epoch.rebinned("flux_distribution")
            try:
                found = flux_distribution(lc, psd=psd, n=self.n, level=self.level, seed=seed)
            except AstrokitError as error:  # the curve may be fine, and its simulation not
                if psd is None:
                    raise
                found, why = flux_distribution(lc), _reason(error)
        except AstrokitError as error:
            out.refuse(names, error)
            return out
        out.attempt("flux_distribution", lambda: found.best.label)
        note = found.sentence + _rebinned_note(epoch, "flux_distribution")
        out.attempt("flux_verdict", lambda: found.verdict, note)
        if found.test is None:
            out.refuse(("flux_p_two",), InputError(f"red noise could not be simulated: {why}"))
        else:
            out.attempt("flux_p_two", lambda: found.test.p_value)  # type: ignore[union-attr]
        out.results["flux_distribution"] = found
        out.citations.extend(found.provenance.citations)
        return out


@dataclass(frozen=True)
class RmsFlux(Measure):
    """Slope and intercept of the rms-flux relation.

    Parameters
    ----------
    segment : int, optional
        As for :func:`~astrokit.timing.rms_flux_relation`.
    """

    segment: int | None = None
    name: ClassVar[str] = "rms_flux"
    rank: ClassVar[int] = 5

    def __call__(self, epoch: Epoch, seed: np.random.SeedSequence) -> Outcome:
        from .rms_flux import rms_flux_relation

        out = Outcome()
        try:
            found = rms_flux_relation(epoch.lightcurve, segment=self.segment)
        except AstrokitError as error:
            out.refuse(("rms_flux_slope", "rms_flux_intercept"), error)
            return out
        out.attempt("rms_flux_slope", lambda: found.slope)
        out.attempt("rms_flux_intercept", lambda: found.intercept)
        out.results["rms_flux"] = found
        out.citations.extend(found.provenance.citations)
        return out


@dataclass(frozen=True)
class Hardness(Measure):
    """Mean hardness ratio and its correlation with flux, where two bands are given.

    Parameters
    ----------
    n : int
        Simulations of constant hardness.
    """

    n: int = 999
    name: ClassVar[str] = "hardness"
    rank: ClassVar[int] = 6

    def __call__(self, epoch: Epoch, seed: np.random.SeedSequence) -> Outcome:
        out, names = Outcome(), ("hardness_ratio", "hardness_flux_correlation", "hardness_p_value")
        if epoch.bands is None:
            out.refuse(names, InputError("one band only: give a pair (soft, hard)"))
            return out
        soft, hard = epoch.bands
        try:
            curve = hardness.hardness_ratio(soft, hard)
            test = hardness.hardness_flux_correlation(soft, hard, n=self.n, seed=seed)
        except AstrokitError as error:
            out.refuse(names, error)
            return out
        weight = 1 / curve.error**2
        mean = float(np.sum(weight * curve.value) / weight.sum())
        sigma = 1 / math.sqrt(float(weight.sum()))
        method = "mean of (H-S)/(H+S), weighted by the inverse variance"
        out.attempt(names[0], lambda: Estimate(mean, sigma, method=method))
        out.attempt(names[1], lambda: test.coefficient)
        out.attempt(names[2], lambda: test.p_value, f"{self.n} simulations of constant hardness")
        out.results["hardness"], out.results["hardness_correlation"] = curve, test
        return out


_KINDS: tuple[type[Measure], ...] = (
    Sampling,
    Amplitudes,
    Timescales,
    PowerSpectrum,
    FluxShape,
    RmsFlux,
    Hardness,
)


def as_measures(measures: Sequence[str | Measure] | None) -> tuple[Measure, ...]:
    """Return measures for names and measures; all of them, with their defaults, for None.

    Raises
    ------
    InputError
        For an unknown name, or one kind twice.
    """
    known = {kind.name: kind for kind in _KINDS}
    if measures is None:
        return tuple(kind() for kind in _KINDS)
    found = []
    for item in [measures] if isinstance(measures, str | Measure) else measures:
        if not (isinstance(item, Measure) or item in known):
            raise InputError("no such measure", value=item, allowed=", ".join(known))
        found.append(item if isinstance(item, Measure) else known[item]())
    if len({m.name for m in found}) < len(found):
        raise InputError("a measure occurs twice", value=[m.name for m in found])
    if not found:
        raise InputError("nothing is to be measured", allowed=", ".join(known))
    return tuple(found)


# -- parts ----------------------------------------------------------------------------------------


def _exposure(epoch: Epoch) -> Estimate:
    lc = epoch.lightcurve
    if not np.any(np.asarray(lc.bin_width) > 0):
        raise InputError("the bins are point samples of unknown exposure")
    return Estimate(lc.exposure, unit=lc.info.time_unit)


def _spacing(epoch: Epoch) -> Estimate:
    lc = epoch.lightcurve
    if lc.n < 2:
        raise InputError("a single bin has no spacing")
    return Estimate(float(np.median(np.diff(lc.time))), unit=lc.info.time_unit)


def _regularity(epoch: Epoch) -> str:
    lc = epoch.lightcurve
    if lc.is_evenly_sampled:
        return "even sampling" + ("" if lc.valid.all() else " with invalid bins")
    try:
        lc.on_regular_grid()
    except AstrokitError:
        return "irregular sampling (median spacing)"
    return "regular grid with gaps"


def _mean_rate(epoch: Epoch) -> Estimate:
    """Return the mean rate with the error that measurement noise gives it."""
    lc = epoch.lightcurve
    n = int(lc.valid.sum())
    if n == 0:
        raise InputError("no bin is valid")
    error = math.nan
    if lc.error is not None:
        error = math.sqrt(float(np.sum(lc.error[lc.valid] ** 2))) / n
    return Estimate(lc.mean_rate, error, unit=lc.info.rate_unit or None, method="unweighted mean")


def _counts(epoch: Epoch) -> float:
    lc = epoch.lightcurve
    if lc.info.rate_time is None:
        raise InputError(f"rates in {lc.info.rate_unit or 'unknown units'} hold no counts")
    if not np.any(np.asarray(lc.bin_width) > 0):
        raise InputError("the bins are point samples of unknown exposure")
    width = np.broadcast_to(np.asarray(lc.bin_width), lc.time.shape)
    if lc.exposure_fraction is not None:
        width = width * lc.exposure_fraction
    from ..lightcurve.info import time_unit_factor

    seconds = time_unit_factor(lc.info.time_unit, "s") / lc.info.rate_time
    return float(np.sum((lc.rate * width)[lc.valid]) * seconds)


def _rebinned_note(epoch: Epoch, purpose: str) -> str:
    factor = epoch.rebinning(purpose)
    return "" if factor == 1 else f"; bins averaged by {factor} for speed"


def _spectrum_notes(epoch: Epoch, fit: Any) -> list[str]:
    engine = fit.require_problem().settings().get("engine", "")
    notes = [f"Gaussian likelihood of the curve ({engine})"]
    if factor := _rebinned_note(epoch, "power_spectrum"):
        notes.append(factor.removeprefix("; "))
    return [*notes, *fit.reservations]


def _goodness(fit: Any) -> tuple[float, float]:
    """Return p-values that whitened residuals are normal, and that they are uncorrelated.

    Both hold their level or stay below it: the two or three fitted parameters make residuals fit
    a little better than true ones.
    """
    from scipy import stats

    z = fit.require_problem().residuals(fit.values)
    normal = float(stats.kstest(z, "norm").pvalue)
    n, most = z.size, min(20, z.size // 4)
    d = z - z.mean()
    r = np.array([d[k:] @ d[:-k] for k in range(1, most + 1)]) / (d @ d)
    ljung_box = n * (n + 2) * float(np.sum(r**2 / (n - np.arange(1, most + 1))))
    return normal, float(stats.chi2(most).sf(ljung_box))
