"""Spectra, responses, models and fits of them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

import astrokit as ak
from astrokit import spectra as room
from astrokit.inference import Parameter, Uniform
from astrokit.spectra.bands import Band
from astrokit.spectra.binned import BinnedSpectrum
from astrokit.spectra.factors import FoldingFactors
from astrokit.spectra.groups import Groups
from astrokit.spectra.model_comparison import FTest
from astrokit.spectra.model_plots import FitPlotData, UnfoldedPlotData
from astrokit.spectra.plots import SpectrumPlotData
from tests.spectra.detector import CHANNEL_EDGES, ENERGY_EDGES, response_matrix


@functools.cache
def rmf() -> room.RMF:
    return room.RMF(
        ENERGY_EDGES[:-1],
        ENERGY_EDGES[1:],
        response_matrix() / 300.0,
        CHANNEL_EDGES[:-1],
        CHANNEL_EDGES[1:],
        first_channel=1,
    )


@functools.cache
def arf() -> room.ARF:
    return room.ARF(ENERGY_EDGES[:-1], ENERGY_EDGES[1:], np.full(ENERGY_EDGES.size - 1, 300.0))


@functools.cache
def response() -> room.Response:
    return room.Response(rmf(), arf())


def law() -> room.SpectralModel:
    return room.TBabs(nh=0.07) * room.PowerLaw(photon_index=Uniform(0, 4))


@functools.cache
def spectrum(seed: int = 1) -> room.Spectrum:
    return room.simulate(
        law(), response(), exposure=2e4, seed=seed, photon_index=1.8, normalization=1e-3
    ).group(min_counts=20)


@functools.cache
def problem() -> room.SpectralProblem:
    return room.SpectralProblem(spectrum(), law())


@functools.cache
def fit() -> ak.inference.Fit:
    return problem().fit(seed=1)


def points() -> room.FluxPoints:
    energy = np.geomspace(0.5, 8.0, 12)
    flux = 1e-3 * energy**-1.8
    return room.FluxPoints(energy, flux, 0.05 * flux)


@functools.cache
def line_significance() -> room.LineSignificance:
    return room.line_significance(spectrum(), law(), n=5, band=(5.0, 7.5), seed=1)


@functools.cache
def many() -> room.ManyFits:
    return room.fit_many([spectrum(1), spectrum(2)], law(), n_starts=1)


@functools.cache
def time_resolved() -> room.TimeResolved:
    return room.time_resolved([spectrum(1), spectrum(2)], law(), n_starts=1)


def black_body(edges: Any, temperature: Any, strength: Any) -> Any:
    e = np.sqrt(edges[1:] * edges[:-1])
    return strength * e**2 / np.expm1(e / temperature) * np.diff(edges)


def user_model() -> room.UserModel:
    return room.UserModel(
        black_body,
        [Parameter("temperature", 1, Uniform(0.1, 5)), Parameter("strength", 1, Uniform(0, 9))],
    )


def astropy_model() -> room.AstropyModel:
    from astropy.modeling.models import PowerLaw1D

    made = PowerLaw1D(amplitude=1e-3, x_0=1.0, alpha=1.7, fixed={"x_0": True})
    return room.AstropyModel(made, amplitude=Uniform(0, 1), alpha=Uniform(0, 4))


EXAMPLES: dict[type, Any] = {
    room.ARF: arf,
    room.AstropyModel: astropy_model,
    room.BrokenPowerLaw: room.BrokenPowerLaw,
    room.CutoffPowerLaw: room.CutoffPowerLaw,
    room.EnergyFlux: lambda: room.EnergyFlux(room.PowerLaw(), 2, 10),
    room.EnergyGrid: lambda: problem().data[0].grid,
    room.FluxPoints: points,
    room.GaussianLine: lambda: room.GaussianLine(line_energy=6.4),
    room.LineSignificance: line_significance,
    room.LogParabola: room.LogParabola,
    room.ManyFits: many,
    room.Phabs: room.Phabs,
    room.PhotonFlux: lambda: room.PhotonFlux(room.PowerLaw(), 2, 10),
    room.PowerLaw: room.PowerLaw,
    room.RMF: rmf,
    room.Redshift: lambda: room.Redshift(redshift=1.0),
    room.Response: response,
    room.SmoothlyBrokenPowerLaw: room.SmoothlyBrokenPowerLaw,
    room.SpectralProblem: problem,
    room.Spectrum: spectrum,
    room.TBabs: room.TBabs,
    room.TimeResolved: time_resolved,
    room.UserModel: user_model,
    room.Wabs: room.Wabs,
    room.ZPhabs: lambda: room.ZPhabs(redshift=0.1),
    room.ZTBabs: lambda: room.ZTBabs(redshift=0.1),
    Band: lambda: Band(0.5, 2.0),
    BinnedSpectrum: lambda: problem().data[0],
    FoldingFactors: lambda: spectrum().folding_factors,
    FitPlotData: lambda: room.fit_plot_data(problem(), fit()),
    Groups: lambda: spectrum().groups,
    SpectrumPlotData: lambda: room.spectrum_plot_data(spectrum()),
    UnfoldedPlotData: lambda: room.unfolded_plot_data(problem(), fit()),
    FTest: lambda: room.f_test(points_fit(room.PowerLaw()), points_fit(room.LogParabola())),
    ak.spectra.models.Component: room.PowerLaw,
}


def points_fit(model: room.SpectralModel) -> ak.inference.Fit:
    return room.SpectralProblem(points(), model).fit(seed=1)
