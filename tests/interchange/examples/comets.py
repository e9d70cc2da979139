"""Photometry of comets, orbits, heliocentric indices, outbursts."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import pytest

from astrokit import comets as room
from astrokit.inference import Parameter, Uniform


@functools.cache
def photometry() -> room.CometPhotometry:
    r = np.linspace(4.5, 1.8, 40)
    noise = 0.05 * np.random.default_rng(1).standard_normal(40)
    law = 9.0 + 5 * np.log10(3.0) + 2.5 * 3.8 * np.log10(r)
    return room.CometPhotometry(
        60850 + np.arange(40.0),
        law + noise,
        error=0.05,
        r=r,
        delta=3.0,
        phase_angle=np.linspace(2, 20, 40),
        name="a comet",
    )


@functools.cache
def problem() -> room.HeliocentricProblem:
    return room.HeliocentricProblem(photometry(), phase=room.LinearPhase(0.0))


@functools.cache
def result() -> room.IndexResult:
    return room.fit_index(photometry(), phase=room.LinearPhase(0.0), seed=1)


@functools.cache
def search() -> room.OutburstSearch:
    return room.find_outbursts(problem(), decays=(3.0,), n=5, seed=1)


@functools.cache
def index_break() -> room.IndexBreak:
    return room.find_break(photometry(), phase=room.NoPhase(), n=5, seed=1)


def curved(a: Any, b: Any) -> Any:
    return b * a


def halley() -> room.OrbitalElements:
    return room.OrbitalElements(0.967, 0.5871, 162.24, 58.86, 111.87, 2446470.96, "1P/Halley")


def sbpy_photometry() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sbpy's own imports
        return pytest.importorskip("sbpy.photometry")


def sbpy_phase() -> room.SbpyPhase:
    return room.SbpyPhase(sbpy_photometry().LinearPhaseFunc(5.0, 0.04))


def hg_phase() -> room.HGPhase:
    sbpy_photometry()
    return room.HGPhase()


EXAMPLES: dict[type, Any] = {
    room.BranchIndices: room.BranchIndices,
    room.BrokenIndex: room.BrokenIndex,
    room.CometPhotometry: photometry,
    room.CustomPhase: lambda: room.CustomPhase(curved, [Parameter("b", 0.04, Uniform(0, 0.1))]),
    room.Ephemeris: lambda: room.ephemeris(halley(), [46400.0, 46500.0]),
    room.GaussianNoise: lambda: room.GaussianNoise(scatter=0.0),
    room.HGPhase: hg_phase,
    room.HalleyMarcusPhase: room.HalleyMarcusPhase,
    room.HeliocentricProblem: problem,
    room.IndexBreak: index_break,
    room.IndexCurve: lambda: room.index_plot_data(result()).curves[0],
    room.IndexPlotData: lambda: room.index_plot_data(result()),
    room.IndexResult: result,
    room.LinearPhase: lambda: room.LinearPhase(0.04),
    room.NoPhase: room.NoPhase,
    room.OrbitalElements: halley,
    room.Outburst: lambda: room.Outburst(60860.0, 3.0, 0.5, 0.1, 25.0, 0.01),
    room.OutburstPlotData: lambda: room.outburst_plot_data(search()),
    room.OutburstSearch: search,
    room.OutlierMixture: room.OutlierMixture,
    room.PhasePlotData: lambda: room.phase_plot_data(result()),
    room.SbpyPhase: sbpy_phase,
    room.SingleIndex: room.SingleIndex,
    room.StudentTNoise: room.StudentTNoise,
}
