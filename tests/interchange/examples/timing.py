"""Periodograms, fits of them, correlations, time scales."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

import astrokit as ak
from astrokit import timing as room
from astrokit.timing import measures
from astrokit.timing.flux_verdict import FluxPlotData
from astrokit.timing.models import ClosedForm, Component
from astrokit.timing.plots import PeriodogramPlotData
from astrokit.timing.psresp_result import PsrespPlotData
from astrokit.timing.rms_flux import RmsFluxPlotData

from .lightcurve import epoch, red

QUICK = [measures.Sampling(), measures.Amplitudes(scatter=5), measures.Timescales(scatter=5)]


def steep() -> room.PSDModel:
    return room.PowerLaw() + room.Constant()


def spectrum_of_power(f: Any) -> Any:
    return 1e-2 * f**-1.5


@functools.cache
def periodogram() -> room.Periodogram:
    return room.Periodogram.from_lightcurve(red(), noise="none")


@functools.cache
def problem() -> room.PSDProblem:
    return room.PSDProblem(periodogram(), steep())


@functools.cache
def with_gap() -> ak.LightCurve:
    rate = red().rate.copy()
    rate[100:120] = np.nan
    return ak.LightCurve(red().time, rate, red().error)


@functools.cache
def gaussian() -> room.GaussianPSDProblem:
    return room.PSDProblem(with_gap(), room.PowerLaw())


@functools.cache
def shifted() -> tuple[ak.LightCurve, ak.LightCurve]:
    whole = red(300)
    first, second = whole.rate[:256], whole.rate[4:260]
    errors = np.full(256, 0.01)
    return ak.LightCurve(whole.time[:256], first, errors), ak.LightCurve(
        whole.time[:256], second, errors
    )


@functools.cache
def correlation() -> room.CorrelationFunction:
    return room.discrete_correlation(*shifted())


@functools.cache
def flux_distribution() -> room.FluxDistribution:
    return room.flux_distribution(epoch(), psd=spectrum_of_power, n=9, level=0.1, seed=1)


@functools.cache
def flux_problem() -> room.FluxDistributionProblem:
    return room.FluxDistributionProblem(epoch(), room.LogNormalFlux())


@functools.cache
def characterization() -> room.Characterization:
    return room.characterize((epoch(5), epoch(5, "HARD")), measures=QUICK)


@functools.cache
def characterizations() -> room.Characterizations:
    return room.characterize([epoch(5), epoch(6)], measures=QUICK)


@functools.cache
def psresp() -> room.PsrespResult:
    grid = {"slope": [1.0, 1.5, 2.0]}
    return room.psresp(red(), room.PowerLaw(), grid, n_simulations=50, refine=False, seed=1)


@functools.cache
def rms_flux() -> room.RmsFluxRelation:
    return room.rms_flux_relation(red(512), segment=8)


@functools.cache
def line_search() -> room.LineSearch:
    return room.line_search(problem().fit(), n=5, seed=1)


@functools.cache
def lomb_scargle() -> room.LombScargle:
    return room.lomb_scargle(with_gap(), max_frequency=0.2, samples_per_peak=2.0)


@functools.cache
def red_noise_test() -> room.RedNoiseTest:
    return lomb_scargle().red_noise_test(spectrum_of_power, n=9, seed=1)


EXAMPLES: dict[type, Any] = {
    room.Approximation: lambda: gaussian().approximation({"slope": 1.5, "log_amplitude": 0.0}),
    room.BendingPowerLaw: lambda: room.BendingPowerLaw(low_slope=1.0),
    room.CARMA21: room.CARMA21,
    room.Characterization: characterization,
    room.Characterizations: characterizations,
    room.Constant: room.Constant,
    room.CorrelationFunction: correlation,
    room.CorrelationSignificance: lambda: room.correlation_significance(
        *shifted(), spectrum_of_power, n=10, seed=1
    ),
    room.CrossSpectrum: lambda: room.CrossSpectrum.from_lightcurves(*shifted(), 64),
    room.DPSS: lambda: room.DPSS(4),
    room.DampedRandomWalk: lambda: room.DampedRandomWalk(pivot=1e-6),
    room.DebiasedPSDProblem: lambda: room.PSDProblem(red(), room.PowerLaw(), likelihood="debiased"),
    room.FluxDistribution: flux_distribution,
    FluxPlotData: lambda: flux_distribution().plot_data(),
    room.FluxDistributionProblem: flux_problem,
    room.FluxSimulation: lambda: room.emmanoulopoulos(
        spectrum_of_power, np.random.default_rng(1).lognormal(size=64), 64, 1.0, seed=1
    ),
    room.GaussianPSDProblem: gaussian,
    room.Hann: room.Hann,
    room.HardnessCorrelation: lambda: room.hardness_flux_correlation(
        epoch(), epoch(5, "HARD"), n=9, seed=1
    ),
    room.HardnessCurve: lambda: room.hardness_ratio(epoch(), epoch(5, "HARD")),
    room.LagResult: lambda: room.time_lag(*shifted(), n=20, seed=1),
    room.LineSearch: line_search,
    room.LogNormalFlux: room.LogNormalFlux,
    room.LombScargle: lomb_scargle,
    room.Lorentzian: lambda: room.Lorentzian(center_frequency=2.0),
    room.MinimumTimescale: lambda: room.minimum_timescale(epoch()),
    room.NormalFlux: room.NormalFlux,
    room.Oscillator: lambda: room.Oscillator(center_frequency=2.0),
    room.PSDProblem: problem,
    room.Periodogram: periodogram,
    PeriodogramPlotData: lambda: periodogram().plot_data(),
    room.PowerLaw: room.PowerLaw,
    room.PsrespResult: psresp,
    PsrespPlotData: lambda: psresp().plot_data(),
    room.RedNoiseTest: red_noise_test,
    room.RmsFluxRelation: rms_flux,
    RmsFluxPlotData: lambda: rms_flux().plot_data(),
    room.Segments: lambda: room.Segments.cut(red(), 32),
    room.Sine: room.Sine,
    room.StructureFunction: lambda: room.structure_function(red()),
    room.TimescaleScatter: lambda: room.minimum_timescale_scatter(epoch(), n=5, seed=1),
    room.VariabilityScatter: lambda: room.fractional_variability_scatter(
        epoch(), spectrum_of_power, n=5, seed=1
    ),
    ClosedForm: lambda: room.DampedRandomWalk().closed_form(np.array([2.0, 0.0])),
    measures.Amplitudes: lambda: measures.Amplitudes(scatter=5),
    measures.FluxShape: lambda: measures.FluxShape(n=9),
    measures.Hardness: lambda: measures.Hardness(n=9),
    measures.Measurement: lambda: characterization().measurements[0],
    measures.PowerSpectrum: lambda: measures.PowerSpectrum(steep()),
    measures.RmsFlux: measures.RmsFlux,
    measures.Sampling: measures.Sampling,
    measures.Timescales: measures.Timescales,
    Component: room.PowerLaw,
}
