"""Time-resolved spectroscopy: index and hardness of many spectra against their flux."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..estimate import Estimate
from ..randomness import SeedLike, as_generator
from .bands import read_bands
from .batch import ManyFits, fit_many
from .derived import band_flux
from .models import SpectralModel
from .spectrum import Spectrum

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from astropy.table import QTable
    from matplotlib.axes import Axes

__all__ = ["TimeResolved", "time_resolved"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class TimeResolved:
    """What many spectra of one source say, one value per spectrum.

    Attributes
    ----------
    fits : ManyFits
    time : ndarray, shape (n,)
        Middles in the seconds of the files; numbers from 0 where these have no times.
    flux, flux_error : ndarray, shape (n,)
        Energy flux of the model in `band`, erg / (s cm2).
    soft, soft_error, hard, hard_error : ndarray, shape (n,)
        Net rates in two bands, ct / s.
    band : tuple of float
        keV, of the flux.
    labels : tuple of str
        The soft and the hard band in words.
    """

    fits: ManyFits
    time: FloatArray
    flux: FloatArray
    flux_error: FloatArray
    soft: FloatArray
    soft_error: FloatArray
    hard: FloatArray
    hard_error: FloatArray
    band: tuple[float, float]
    labels: tuple[str, str]

    @property
    def hardness(self) -> FloatArray:
        """(hard - soft) / (hard + soft), shape (n,); NaN where nothing is left of both."""
        total = self.hard + self.soft
        return np.divide(
            self.hard - self.soft, total, out=np.full(total.size, np.nan), where=total > 0
        )

    @property
    def hardness_error(self) -> FloatArray:
        """Standard errors of `hardness`, propagated: for some ten counts and more in each band."""
        total = self.hard + self.soft
        spread = np.hypot(self.hard * self.soft_error, self.soft * self.hard_error)
        return np.divide(2 * spread, total**2, out=np.full(total.size, np.nan), where=total > 0)

    def correlation(
        self, name: str = "photon_index", *, n: int = 10_000, seed: SeedLike = 0
    ) -> Estimate:
        """Return Spearman's rank correlation of a parameter (or "hardness") with flux.

        The method of the result states the p-value of no relation, from `n` permutations. Index
        and flux are fitted to the same counts: where the errors of both are correlated, scatter
        of the noise alone correlates them, which permutations do not know.

        Parameters
        ----------
        name : str
        n : int
        seed : int, SeedSequence or Generator

        Raises
        ------
        InputError
            With fewer than four spectra that were fitted.
        """
        from scipy.stats import rankdata

        values = self.hardness if name == "hardness" else self.fits.column(name)
        good = np.isfinite(values) & np.isfinite(self.flux)
        if good.sum() < 4:
            raise InputError(
                "too few fits for a correlation", value=int(good.sum()), allowed=">= 4"
            )
        x, y = rankdata(self.flux[good]), rankdata(values[good])
        x, y = (x - x.mean()) / x.std(), (y - y.mean()) / y.std() if y.std() > 0 else y * 0
        rho = float(x @ y) / x.size
        rng = as_generator(seed)
        shuffled = np.array([x @ rng.permutation(y) for _ in range(n)]) / x.size
        p = (1 + np.count_nonzero(np.abs(shuffled) >= abs(rho) - 1e-12)) / (n + 1)
        error = math.sqrt(max(1 - rho**2, 0.0) * (1 + rho**2 / 2) / max(x.size - 3, 1))
        how = f"Spearman, {x.size} spectra; p = {p:.2g} of no relation ({n} permutations)"
        return Estimate(rho, error, name=f"correlation of {name} with flux", method=how)

    def to_table(self) -> QTable:
        """Return fits, fluxes, rates and hardness as a table with units."""
        from astropy import units as u

        table = self.fits.to_table()
        table["time"] = self.time * u.s
        table["flux"] = self.flux * u.Unit("erg / (s cm2)")
        table["flux_error"] = self.flux_error * u.Unit("erg / (s cm2)")
        for name in ("soft", "soft_error", "hard", "hard_error"):
            table[name] = getattr(self, name) * u.Unit("ct / s")
        table["hardness"], table["hardness_error"] = self.hardness, self.hardness_error
        return table

    def plot(self, name: str = "photon_index", axes: tuple[Axes, Axes] | None = None) -> Any:
        """Draw a parameter and the hardness against the flux; the numbers are in `to_table`.

        Returns
        -------
        pair of matplotlib.axes.Axes
        """
        if axes is None:
            import matplotlib.pyplot as plt

            _, axes = plt.subplots(2, 1, figsize=(5.6, 5.6), sharex=True, layout="constrained")
        upper, lower = axes
        look: dict[str, Any] = {"fmt": ".", "ms": 4, "color": "#1f4e79", "elinewidth": 0.7}
        values, errors = self.fits.column(name), self.fits.error(name)
        upper.errorbar(self.flux, values, yerr=errors, xerr=self.flux_error, **look)
        lower.errorbar(
            self.flux, self.hardness, yerr=self.hardness_error, xerr=self.flux_error, **look
        )
        upper.set_ylabel(name.replace("_", " "))
        hard, soft = self.labels[1], self.labels[0]
        lower.set_ylabel(f"(H - S) / (H + S)\nH {hard}, S {soft}", fontsize="small")
        lower.set_xlabel(
            rf"Flux {self.band[0]:g}-{self.band[1]:g} keV (erg s$^{{-1}}$ cm$^{{-2}}$)"
        )
        for ax in (upper, lower):
            ax.set_xscale("log")
            ax.tick_params(direction="in", which="both", top=True, right=True)
        return axes

    def __repr__(self) -> str:
        failed = f", {len(self.fits.failures)} fits failed" if self.fits.failures else ""
        return (
            f"TimeResolved: {len(self.fits)} spectra, {self.fits.label}{failed}; flux "
            f"{np.nanmin(self.flux):.3g} to {np.nanmax(self.flux):.3g} erg / (s cm2)"
        )

    def _repr_html_(self) -> str:
        return html.escape(repr(self))


def time_resolved(
    spectra: Sequence[Spectrum],
    model: SpectralModel,
    *,
    soft: Any = "0.5-2 keV",
    hard: Any = "2-10 keV",
    band: Any = None,
    statistic: str = "auto",
    n_starts: int = 2,
    executor: Executor | None = None,
    progress: bool = False,
) -> TimeResolved:
    """Fit each spectrum of a series, and set index and hardness against flux.

    Parameters
    ----------
    spectra : sequence of Spectrum
        In the order of time, such as :func:`read_spectra` gives.
    model : SpectralModel
    soft, hard : str or pair
        Bands of the hardness, as in :meth:`Spectrum.notice`.
    band : str or pair, optional
        Of the flux; by default from the soft end of `soft` to the hard end of `hard`.
    statistic, n_starts, executor, progress
        As in :func:`fit_many`.

    Returns
    -------
    TimeResolved

    Raises
    ------
    InputError
        For no spectra, or a band in which one of them has no channel.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> detector = ak.spectra.Response.ideal(np.geomspace(0.5, 10, 41), area=300.0)
    >>> series = [
    ...     ak.spectra.simulate(ak.spectra.PowerLaw(), detector, exposure=1e3, seed=i,
    ...                         photon_index=2.5 - 0.1 * i, normalization=0.01 * 1.2**i)
    ...     for i in range(6)
    ... ]
    >>> result = ak.spectra.time_resolved(series, ak.spectra.PowerLaw())
    >>> result.correlation("hardness").value  # harder when brighter
    1.0
    """
    items = list(spectra)
    if not items:
        raise InputError("no spectrum is given")
    fits = fit_many(
        items, model, statistic=statistic, n_starts=n_starts, executor=executor, progress=progress
    )
    rates = {name: [one.band_rate(b) for one in items] for name, b in (("s", soft), ("h", hard))}
    ends = read_bands((soft, hard) if band is None else (band,))
    limits = min(b.low for b in ends), max(b.high for b in ends)
    flux, error = _fluxes(model, fits, limits)
    times = [one.meta.get("tstart", np.nan) + one.meta.get("tstop", np.nan) for one in items]
    time = 0.5 * np.array(times, dtype=float)
    return TimeResolved(
        fits=fits,
        time=time if np.isfinite(time).all() else np.arange(len(items), dtype=float),
        flux=flux,
        flux_error=error,
        soft=np.array([r.value for r in rates["s"]]),
        soft_error=np.array([r.upper for r in rates["s"]]),
        hard=np.array([r.value for r in rates["h"]]),
        hard_error=np.array([r.upper for r in rates["h"]]),
        band=limits,
        labels=(str(read_bands((soft,))[0]), str(read_bands((hard,))[0])),
    )


def _fluxes(
    model: SpectralModel, fits: ManyFits, band: tuple[float, float]
) -> tuple[FloatArray, FloatArray]:
    """Return energy fluxes and their errors, propagated from the covariances, shapes ``(n,)``."""
    good = np.isfinite(fits.values).all(axis=1)
    flux, error = np.full(len(fits), np.nan), np.full(len(fits), np.nan)
    if not good.any():
        return flux, error
    values = np.ascontiguousarray(fits.values[good])
    covariance = np.nan_to_num(fits.covariance[good])
    sigma = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    slopes = np.zeros_like(values)
    for j in range(values.shape[1]):
        step = np.zeros_like(values)
        step[:, j] = 0.02 * sigma[:, j]
        moved = step[:, j] > 0
        if moved.any():
            up = band_flux(model, (values + step)[moved], band)
            down = band_flux(model, (values - step)[moved], band)
            slopes[moved, j] = (up - down) / (2 * step[moved, j])
    flux[good] = band_flux(model, values, band)
    error[good] = np.sqrt(np.einsum("ni,nij,nj->n", slopes, covariance, slopes))
    return flux, error
