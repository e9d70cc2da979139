"""Figures of the gallery, by name: page that they belong to, caption, and how each is drawn.

``python docs/make_figures.py`` draws them all into _static and writes gallery.inc.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import astrokit as ak
from astrokit import bars, bursts, comets, complexity, spectra, timing
from astrokit.complexity import examples


@dataclass(frozen=True)
class Drawing:
    """One figure of the gallery."""

    name: str
    page: str
    caption: str
    draw: Callable[[], Any]

    def figure(self) -> Figure:
        """Draw it; whatever the plot returned, a figure comes out."""
        drawn = self.draw()
        if isinstance(drawn, Figure):
            return drawn
        return np.ravel(np.array(drawn, dtype=object))[0].figure


GALLERY: list[Drawing] = []


def drawing(page: str, caption: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Register a function under its own name."""

    def register(draw: Callable[[], Any]) -> Callable[[], Any]:
        GALLERY.append(Drawing(draw.__name__, page, caption, draw))
        return draw

    return register


# -- light curves and timing ----------------------------------------------------------------------


@cache
def simulated_xmm() -> ak.LightCurve:
    return ak.read_lightcurve(ak.datasets.fetch("simulated-xmm"))


@cache
def fitted_spectrum() -> tuple[timing.PSDProblem, Any]:
    periodogram = timing.Periodogram.from_lightcurve(simulated_xmm())
    problem = timing.PSDProblem(periodogram, timing.PowerLaw() + timing.Constant())
    return problem, problem.sample(seed=1)


def red_noise(slope: float, power: float, seed: int, n: int = 1024) -> ak.LightCurve:
    sampling = ak.LightCurve(np.arange(float(n)), np.full(n, 10.0), np.full(n, 0.2))
    return timing.simulate_lightcurve(lambda f: power * f**-slope, sampling, seed=seed)


@drawing("lightcurve", "A light curve: `lc.plot()`")
def light_curve() -> Any:
    return simulated_xmm().plot()


@drawing("timing", "A power spectrum with its posterior: `problem.plot(posterior)`")
def power_spectrum() -> Any:
    problem, posterior = fitted_spectrum()
    return problem.plot(posterior)


@drawing("backend", "Marginal posteriors: `posterior.corner()`")
def corner() -> Any:
    return fitted_spectrum()[1].corner()


@drawing("backend", "A profile likelihood: `fit.plot_profile(name)`")
def profile() -> Any:
    return fitted_spectrum()[0].fit().plot_profile("slope")


@drawing("timing", "Search for a line: `timing.line_search(fit).plot()`")
def line_search() -> Any:
    time = np.arange(1024.0)
    lc = red_noise(1.2, 1e-3, seed=4)
    rate = lc.rate + 0.2 * np.sin(2 * np.pi * time / 9.3)
    pg = timing.Periodogram.from_lightcurve(ak.LightCurve(time, rate, lc.error))
    fit = timing.PSDProblem(pg, timing.PowerLaw() + timing.Constant()).fit()
    return timing.line_search(fit, 200, seed=1).plot()


@drawing("timing", "A lag with its error: `timing.time_lag(soft, hard).plot()`")
def lag() -> Any:
    x = 10 + timing.timmer_koenig(lambda f: 1e-2 * f**-1.5, 412, 1.0, seed=6)
    x = x + np.random.default_rng(6).normal(0, 0.6, x.size)
    soft, hard = (
        ak.LightCurve(np.arange(400.0), x[k : k + 400], np.full(400, 0.6)) for k in (12, 0)
    )
    return timing.time_lag(soft, hard, lags=np.arange(-40.0, 41.0), n=300, seed=1).plot()


@drawing("timing", "A period, tested against red noise: `found.plot()`")
def lomb_scargle() -> Any:
    rng = np.random.default_rng(9)
    when = np.sort(rng.uniform(0, 200, 120))
    rate = 10 + np.sin(2 * np.pi * when / 7) + rng.normal(0, 0.5, 120)
    lc = ak.LightCurve(when, rate, np.full(120, 0.5), bin_width=0.0)
    return timing.lomb_scargle(lc, max_frequency=0.5).plot()


@drawing("blazar", "The rms-flux relation: `timing.rms_flux_relation(lc).plot()`")
def rms_flux() -> Any:
    x = timing.timmer_koenig(lambda f: 3e-4 * f**-1.5, 8192, 1.0, seed=2)
    rate = 20 * np.exp(0.35 * x / x.std())
    noise = np.random.default_rng(2).normal(0, 0.1, rate.size)
    lc = ak.LightCurve(np.arange(8192.0), rate + noise, np.full(8192, 0.1))
    return timing.rms_flux_relation(lc).plot()


@drawing("timing", "Structure function, with what red noise shows: `plot()`")
def structure_function() -> Any:
    lc = red_noise(2.0, 1e-5, seed=3, n=300)
    return timing.structure_function(lc, psd=lambda f: 1e-5 * f**-2.0, n=200, seed=1).plot()


# -- spectra --------------------------------------------------------------------------------------


@cache
def detector() -> Any:
    return spectra.Response.ideal(np.geomspace(0.5, 8, 151), area=300.0, fwhm=0.12)


@cache
def spectral_fit() -> tuple[Any, Any]:
    spec = spectra.simulate(
        spectra.TBabs(nh=0.07) * spectra.BrokenPowerLaw(),
        detector(),
        exposure=4e4,
        seed=3,
        low_photon_index=1.6,
        high_photon_index=2.6,
        break_energy=2.5,
        normalization=1e-3,
    )
    problem = spectra.SpectralProblem(
        spec.notice("0.5-7 keV").group(min_counts=15),
        spectra.TBabs(nh=0.07) * spectra.BrokenPowerLaw(),
    )
    return problem, problem.fit()


@drawing("spectra", "Counts, folded model, residuals: `problem.plot(fit)`")
def spectrum() -> Any:
    problem, fit = spectral_fit()
    return problem.plot(fit)


@drawing("spectra", "Two parameters at once: `spectra.plot_contours(fit, ...)`")
def contours() -> Any:
    return spectra.plot_contours(spectral_fit()[1], "low_photon_index", "break_energy")


@drawing("spectra", "Is there a line? `spectra.line_significance(spec, ...).plot()`")
def line_significance() -> Any:
    spec = spectra.simulate(
        spectra.PowerLaw() + spectra.GaussianLine(line_energy=6.4, line_width=0.05),
        detector(),
        exposure=4e4,
        seed=5,
        photon_index=1.8,
        normalization=1e-3,
        normalization_2=5e-6,
    )
    return spectra.line_significance(
        spec, spectra.PowerLaw(), n=100, band="5-7.5 keV", seed=1
    ).plot()


# -- bursts ---------------------------------------------------------------------------------------


@cache
def simulated_bursts() -> Any:
    return bursts.read_bursts(ak.datasets.fetch("simulated-bursts"), source="SIM B")


@cache
def found_break() -> Any:
    return bursts.find_break(simulated_bursts(), threshold=4.5e37, n_simulations=100, seed=1)


@drawing("bursts", "An energy function with its break: `bursts.find_break(sample).plot()`")
def energy_function() -> Any:
    return found_break().plot()


@drawing("bursts", "All maxima of the likelihood: `result.plot_profile()`")
def break_profile() -> Any:
    return found_break().plot_profile()


@drawing("bursts", "A power-law tail: `bursts.PowerLawTail.fit(x).plot()`")
def tail() -> Any:
    return bursts.PowerLawTail.fit(simulated_bursts()).plot()


# -- bars -----------------------------------------------------------------------------------------


@cache
def barred_galaxy() -> Any:
    galaxy = bars.simulate_galaxy(pattern_speed=20, inclination=50, seed=1)
    return bars.pattern_speed(galaxy, seed=1)


@drawing("bars", "Flux and velocity with slits, bar and line of nodes: `bars.plot_maps(maps, ...)`")
def barred_maps() -> Any:
    result = barred_galaxy()
    return bars.plot_maps(result.tw.maps, result=result)


@drawing("bars", "The line whose slope is the pattern speed: `bars.plot_slits(result)`")
def slits() -> Any:
    return bars.plot_slits(barred_galaxy())


@drawing("bars", "Rotation curve and corotation: `bars.plot_rotation_curve(result)`")
def corotation() -> Any:
    return bars.plot_rotation_curve(barred_galaxy())


# -- complexity -----------------------------------------------------------------------------------


@drawing("complexity", "The plane of entropy and complexity: `plane.plot(r, ...)`")
def plane() -> Any:
    series = {
        "Lorenz": examples.lorenz(6000, dt=0.1).x,
        "logistic map": examples.logistic(6000).x,
        "red noise": complexity.coloured_noise(6000, slope=2.0, seed=2),
        "white noise": np.random.default_rng(1).standard_normal(6000),
    }
    results = [complexity.hc(x, n=5) for x in series.values()]
    return complexity.plane(n=5).plot(*results, labels=list(series))


@drawing("complexity", "Entropy and complexity against delay: `complexity.hc_curve(x).plot()`")
def delays() -> Any:
    x = examples.lorenz(6000, dt=0.02).x
    return complexity.hc_curve(x, n=5, delays=np.arange(1, 100)).plot()


# -- comets ---------------------------------------------------------------------------------------


@cache
def comet_index() -> Any:
    photometry = comets.read_photometry(ak.datasets.fetch("simulated-comet"))
    return comets.fit_index(photometry, phase=comets.LinearPhase(beta=(0.04, 0.02)), seed=1)


@drawing("comets", "A heliocentric index: `comets.fit_index(photometry).plot()`")
def heliocentric_index() -> Any:
    return comet_index().plot()


@drawing("comets", "The phase function that it assumes: `comets.plot_phase(result)`")
def phase_function() -> Any:
    return comets.plot_phase(comet_index())
