"""What a likelihood needs of one spectrum: counts, background and response of its groups."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .folding import Fold
from .grid import EnergyGrid

if TYPE_CHECKING:
    from .models import SpectralModel

__all__ = ["STATISTICS", "BinnedSpectrum"]

FloatArray = NDArray[np.float64]
STATISTICS = ("cstat", "wstat", "pgstat", "chi2", "chi2_data", "chi2_model", "chi2_gehrels")
_CODES = {"cstat": 0, "wstat": 1, "pgstat": 2, "chi2_model": 4}  # as in statistic_kernels.py


@dataclass(frozen=True, eq=False)
class BinnedSpectrum:
    """The numbers of the noticed groups of one spectrum, and how a model is folded into them.

    Attributes
    ----------
    statistic : str
        Which likelihood they enter.
    data : ndarray, shape (4, m)
        Source counts (or net counts, or flux); background counts; background in the source region
        per background count; standard deviation (of the background for "pgstat", of the data for
        chi2) or, for "chi2_model", the variance that the background adds.
    fold : Fold
        From photons of the energy bins of `grid` to expected counts.
    grid : EnergyGrid
    energy_lo, energy_hi : ndarray, shape (m,)
        Nominal edges of the groups, keV.
    exposure : float
        Seconds; NaN for fluxes.
    name : str
    inputs : tuple of dict
        Records of the files.
    background_fold : Fold or None
        From photons to counts of the background region, where the background is modelled.
    background_grid : EnergyGrid or None
    """

    statistic: str
    data: FloatArray
    fold: Fold
    grid: EnergyGrid
    energy_lo: FloatArray
    energy_hi: FloatArray
    exposure: float = math.nan
    name: str = ""
    inputs: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    background_fold: Fold | None = None
    background_grid: EnergyGrid | None = None

    def __len__(self) -> int:
        return self.data.shape[1]

    @property
    def code(self) -> int:
        """The statistic as the kernels know it."""
        return _CODES.get(self.statistic, 3)

    @property
    def counts(self) -> FloatArray:
        """Source counts, net counts or flux, shape ``(m,)``."""
        return self.data[0]

    @property
    def is_counts(self) -> bool:
        """Whether the likelihood is one of counts."""
        return self.statistic in ("cstat", "wstat", "pgstat")

    @property
    def has_modelled_background(self) -> bool:
        """Whether background counts are data of a model of their own."""
        return self.background_fold is not None

    @cached_property
    def background_data(self) -> BinnedSpectrum:
        """The counts of the background region as Poisson data of their own."""
        counts = self.data[1]
        zeros, ones = np.zeros_like(counts), np.ones_like(counts)
        return replace(self, data=np.ascontiguousarray([counts, zeros, ones, ones]))

    def net_counts(self) -> FloatArray:
        """Return the source counts less the expected background, shape ``(m,)``."""
        S, B, ratio, _ = self.data
        subtracted = not self.is_counts
        return S.copy() if subtracted else S - ratio * B

    def net_error(self) -> FloatArray:
        """Return a standard deviation of the net counts for figures, shape ``(m,)``."""
        S, B, ratio, sigma = self.data
        if self.statistic == "chi2_model":
            return np.sqrt(np.maximum(S + sigma, 1.0))
        if not self.is_counts:
            return sigma
        variance = ratio**2 * (sigma**2 if self.statistic == "pgstat" else B)
        return np.sqrt(np.maximum(S, 1.0) + variance)

    def expected(self, model: SpectralModel, values: FloatArray) -> FloatArray:
        """Return expected source counts ``(n, m)`` for ``(n, p)`` values of a model."""
        return self.fold.fold(model.photons(self.grid, values))

    # -- statistics ------------------------------------------------------------------------------

    def statistics(self, mu: FloatArray) -> FloatArray:
        """Return the statistic ``(n,)`` for expected counts ``(n, m)``."""
        from .statistic_kernels import total

        out = np.empty(mu.shape[0])
        total(self.code, mu, self.data, out)
        return out

    def terms(self, mu: FloatArray) -> FloatArray:
        """Return the statistic of each datum ``(n, m)``."""
        from .statistic_kernels import terms

        out = np.empty(mu.shape)
        terms(self.code, mu, self.data, out)
        return out

    def profiled_background(self, mu: FloatArray) -> FloatArray:
        """Return the best background ``(m,)``, in source region counts, beside `mu` ``(m,)``."""
        from .statistic_kernels import profiled_background

        out = np.empty(mu.size)
        profiled_background(self.code, np.ascontiguousarray(mu), self.data, out)
        return out

    def log_constants(self) -> FloatArray:
        """Return ln L of each datum for a model that meets it, shape ``(m,)``."""
        from scipy.special import gammaln, xlogy

        def saturated(k: FloatArray) -> FloatArray:
            return np.asarray(xlogy(k, k) - k - gammaln(k + 1))

        S, B, _, sigma = self.data
        normal = np.log(2 * math.pi)
        if self.statistic == "cstat":
            return saturated(S)
        if self.statistic == "wstat":
            return saturated(S) + saturated(B)
        if self.statistic == "pgstat":
            return saturated(S) - np.log(sigma) - 0.5 * normal
        if self.statistic == "chi2_model":  # variances of the data, so that models share a constant
            return -0.5 * (np.log(np.maximum(S + sigma, 1.0)) + normal)
        return -np.log(sigma) - 0.5 * normal

    # -- simulation --------------------------------------------------------------------------------

    def simulated(self, mu: FloatArray, rng: np.random.Generator) -> BinnedSpectrum:
        """Return the same spectrum with data drawn for expected source counts ``(m,)``."""
        data = self.data.copy()
        if self.is_counts:
            # The background that was measured, bin by bin: the best value beside a model would
            # depend on parameters that may be far from the data.
            B = self.data[1] if self.statistic != "cstat" else np.zeros_like(mu)
            data[0] = rng.poisson(mu + self.data[2] * B)
            if self.statistic == "wstat":
                data[1] = rng.poisson(B)
            elif self.statistic == "pgstat":
                data[1] = np.maximum(B + self.data[3] * rng.standard_normal(B.size), 0.0)
        else:
            spread = np.sqrt(mu + data[3]) if self.statistic == "chi2_model" else data[3]
            data[0] = mu + spread * rng.standard_normal(mu.size)
        return replace(self, data=data)

    def coarse(self, most: int) -> BinnedSpectrum:
        """Return a rough version of at most `most` groups and twice as many energies."""
        m, k = len(self), len(self.grid)
        step, stride = -(-m // most), -(-k // (2 * most))
        fold, first = self.fold.merged(step, stride)
        begin = np.arange(0, m, step)
        data = np.add.reduceat(self.data, begin, axis=1)
        data[2] = np.add.reduceat(self.data[2], begin) / np.diff(np.append(begin, m))
        if self.code == 3 or self.statistic == "pgstat":
            data[3] = np.sqrt(np.add.reduceat(self.data[3] ** 2, begin))
        last = np.append(first[1:], k) - 1
        key = ("coarse", stride)
        if key not in self.grid.related:
            self.grid.related[key] = EnergyGrid(self.grid.low[first], self.grid.high[last])
        return replace(
            self,
            data=data,
            fold=fold,
            grid=self.grid.related[key],
            energy_lo=self.energy_lo[begin],
            energy_hi=self.energy_hi[begin],
        )

    # -- from other objects ----------------------------------------------------------------------

    @classmethod
    def of(
        cls, spectrum: Any, statistic: str = "auto", *, modelled: bool = False
    ) -> BinnedSpectrum:
        """Return the binned form of a Spectrum or of FluxPoints.

        Parameters
        ----------
        spectrum : Spectrum, FluxPoints or BinnedSpectrum
        statistic : str
            One of `STATISTICS`, or "auto".
        modelled : bool
            Whether the background gets a model of its own.

        Raises
        ------
        InputError
            When the statistic does not fit the data, or the response is missing.
        """
        if isinstance(spectrum, BinnedSpectrum):
            return spectrum
        if hasattr(spectrum, "folding_factors"):
            return _of_spectrum(spectrum, statistic, modelled)
        if hasattr(spectrum, "flux"):
            return _of_points(spectrum, statistic)
        raise InputError(
            "a spectrum is needed",
            value=type(spectrum).__name__,
            allowed="Spectrum, FluxPoints",
            hint="read one with read_pha, or give a table of fluxes as FluxPoints",
        )


# -- spectra of counts ---------------------------------------------------------------------------


def _of_spectrum(spectrum: Any, statistic: str, modelled: bool) -> BinnedSpectrum:
    name = chosen_statistic(spectrum, statistic, modelled)
    fold, used = spectrum.folding_factors.fold()
    grid = _grid(spectrum.response, used)
    m = fold.shape[0]
    S, B, ratio, sigma = np.zeros(m), np.zeros(m), np.ones(m), np.ones(m)
    S[:] = spectrum.counts if spectrum.counts is not None else spectrum.rate * spectrum.exposure
    if spectrum.background_counts is not None and spectrum.background_ratio is not None:
        B[:], ratio[:] = spectrum.background_counts, spectrum.background_ratio
    if name == "pgstat":
        sigma[:] = _positive(spectrum.background_error, "errors of the background", "wstat")
    elif name.startswith("chi2"):
        sigma[:] = _variance(spectrum, name, S, B, ratio)
        S = S - ratio * B
        if name != "chi2_model":
            sigma = np.sqrt(_positive(sigma, "variances", "chi2_gehrels, or group the channels"))
    background = _background_response(spectrum) if modelled else (None, None)
    return BinnedSpectrum(
        statistic=name,
        data=np.ascontiguousarray([S, B, ratio, sigma], dtype=np.float64),
        fold=fold,
        grid=grid,
        energy_lo=np.asarray(spectrum.energy_lo, dtype=float),
        energy_hi=np.asarray(spectrum.energy_hi, dtype=float),
        exposure=float(spectrum.exposure),
        name=str(getattr(spectrum, "name", "")),
        inputs=tuple(getattr(spectrum, "inputs", ())),
        background_fold=background[0],
        background_grid=background[1],
    )


def chosen_statistic(spectrum: Any, statistic: str, modelled: bool = False) -> str:
    """Return the statistic by name, or raise an InputError where it does not fit the data."""
    counts = spectrum.counts is not None
    background = spectrum.background_counts is not None and not modelled
    if statistic == "auto":
        if not counts or not getattr(spectrum, "is_poisson", True):
            return "chi2"
        if not background:
            return "cstat"
        return "wstat" if spectrum.background_error is None else "pgstat"
    if statistic not in STATISTICS:
        raise InputError("no such statistic", value=statistic, allowed=", ".join(STATISTICS))
    refusal = _refusal(spectrum, statistic, counts, background)
    if refusal:
        raise InputError(
            f"{statistic} does not fit these data: {refusal[0]}", value=statistic, hint=refusal[1]
        )
    return statistic


def _refusal(
    spectrum: Any, statistic: str, counts: bool, background: bool
) -> tuple[str, str] | None:
    if statistic in ("cstat", "wstat", "pgstat"):
        if not counts:
            return "it needs counts, and these are rates or fluxes", "use statistic='chi2'"
        if not getattr(spectrum, "is_poisson", True):
            return "the counts are no whole numbers, so not Poisson", "use statistic='chi2'"
    if statistic == "cstat" and background:
        return (
            "counts with a subtracted background are not Poisson",
            "use 'wstat', or give the background a model of its own with background=",
        )
    if statistic in ("wstat", "pgstat") and not background:
        return "it needs a background", "use statistic='cstat'"
    if statistic == "wstat" and spectrum.background_error is not None:
        return "the background is no Poisson counts, it has errors", "use statistic='pgstat'"
    if statistic == "pgstat" and spectrum.background_error is None:
        return "the background has no errors, it is Poisson counts", "use statistic='wstat'"
    if statistic in ("chi2_data", "chi2_model", "chi2_gehrels") and not counts:
        return "its variances are those of counts", "use statistic='chi2', with the errors given"
    return None


def _variance(
    spectrum: Any, name: str, S: FloatArray, B: FloatArray, ratio: FloatArray
) -> FloatArray:
    """Return variances of net counts ``(m,)``; for chi2_model only what the background adds."""
    given = getattr(spectrum, "background_error", None)
    if name == "chi2_gehrels":
        own = (1 + np.sqrt(S + 0.75)) ** 2
        other = (1 + np.sqrt(B + 0.75)) ** 2
    else:
        own, other = S, B
    if name == "chi2":
        if spectrum.counts is None:
            own = (np.asarray(spectrum.rate_error) * spectrum.exposure) ** 2
        elif getattr(spectrum, "error", None) is not None:
            own = np.asarray(spectrum.error, dtype=float) ** 2
    if given is not None:
        other = np.asarray(given, dtype=float) ** 2
    if spectrum.background_counts is None:
        other = np.zeros_like(S)
    systematic = getattr(spectrum, "systematic_error", None)
    extra = 0.0 if systematic is None else (np.asarray(systematic) * S) ** 2
    if name == "chi2_model":  # the variance of the background as it would lie in the source region
        return np.asarray(ratio**2 * other + ratio * B + extra)
    return np.asarray(own + ratio**2 * other + extra)


def _positive(values: Any, what: str, other: str) -> FloatArray:
    array = np.asarray(values, dtype=float)
    bad = np.flatnonzero(~(array > 0))
    if bad.size:
        raise InputError(
            f"{what} are not positive in {bad.size} of {array.size} groups",
            value=f"{array[bad[0]]} in group {bad[0]}",
            hint=f"use statistic={other}",
        )
    return array


def _grid(response: Any, used: NDArray[np.int64]) -> EnergyGrid:
    low, high = np.asarray(response.energy_lo)[used], np.asarray(response.energy_hi)[used]
    if used.size == 0:
        raise InputError(
            "no photon energy reaches the noticed channels",
            hint="notice other channels; the response may be that of another instrument",
        )
    if low.min() <= 0:
        raise InputError(
            "the response has an energy bin that begins at E = 0, where models are not defined",
            value=f"{low.min():g} to {high[np.argmin(low)]:g} keV",
            hint="leave out the lowest channels with notice(), or give the response another edge",
        )
    return EnergyGrid(low, high)


def _background_response(spectrum: Any) -> tuple[Fold, EnergyGrid]:
    factors = spectrum.background_factors
    if factors is None:
        raise InputError(
            "there is no background to model", hint="leave background= out, or read one with it"
        )
    fold, used = factors.fold()
    return fold, _grid(factors.response, used)


# -- tables of fluxes ------------------------------------------------------------------------------


def _of_points(points: Any, statistic: str) -> BinnedSpectrum:
    if statistic not in ("auto", "chi2"):
        raise InputError(
            f"{statistic} does not fit these data: fluxes with errors are no counts",
            value=statistic,
            allowed="'chi2', 'auto'",
            hint="give the counts and the response if there are any",
        )
    from scipy.sparse import diags

    from .models import point_grid, point_widths

    flux = np.asarray(points.flux, dtype=float)
    if points.energy_lo is None:
        energy = np.asarray(points.energy, dtype=float)
        grid, width = point_grid(energy), point_widths(energy)
        low = high = energy
    else:
        low, high = np.asarray(points.energy_lo, float), np.asarray(points.energy_hi, float)
        grid, width = EnergyGrid(low, high), high - low
    limit = getattr(points, "upper_limit", None)
    if limit is not None and np.any(limit):
        raise InputError(
            "upper limits cannot enter a chi2",
            value=f"{int(np.sum(limit))} of {flux.size} points",
            hint="leave them out, or fit counts",
        )
    error = _positive(points.error, "errors", "none: give an error to every point")
    return BinnedSpectrum(
        statistic="chi2",
        data=np.ascontiguousarray([flux, np.zeros_like(flux), np.ones_like(flux), error]),
        fold=Fold(diags(1 / width).tocsr()),
        grid=grid,
        energy_lo=low,
        energy_hi=high,
        name=str(getattr(points, "name", "")),
        inputs=tuple(getattr(points, "inputs", ())),
    )
