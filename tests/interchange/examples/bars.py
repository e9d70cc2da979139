"""Maps of galaxies, pattern speeds of their bars, samples of them, simulated galaxies."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from astrokit import bars as room


@functools.cache
def galaxy() -> room.SimulatedGalaxy:
    instrument = room.Instrument(shape=(30, 30), hexagon=None, pixel_scale=1.0)
    return room.simulate_galaxy(instrument=instrument, seed=1)


@functools.cache
def maps(geometry: room.Geometry | None = None) -> room.GalaxyMaps:
    g = galaxy()
    return room.GalaxyMaps(
        g.image(g.flux),
        g.image(g.velocity),
        velocity_error=g.image(g.velocity_error),
        pixel_scale=1.0,
        geometry=geometry,
    )


@functools.cache
def measurement() -> room.TremaineWeinberg:
    return room.TremaineWeinberg(galaxy())


@functools.cache
def result() -> room.PatternSpeed:
    return room.pattern_speed(galaxy(), n_draws=50, seed=1)


@functools.cache
def sample() -> room.PatternSpeedSample:
    """One galaxy that is measured, and one that fails: its geometry is not known."""
    both = {"toy": galaxy(), "no geometry": maps()}
    return room.pattern_speeds(both, n_draws=50, seed=1)


@functools.cache
def problem() -> room.TremaineWeinbergProblem:
    return room.TremaineWeinbergProblem(measurement())


EXAMPLES: dict[type, Any] = {
    room.Arctan: room.Arctan,
    room.Budget: lambda: result().budget,
    room.ClassCounts: lambda: sample().class_counts(),
    room.ConvergenceCurve: lambda: measurement().convergence(),
    room.Exponential: room.Exponential,
    room.Flag: lambda: room.Flag("converged", "the pattern speed depends on the slits"),
    room.GalaxyMaps: lambda: maps(galaxy().geometry),
    room.Geometry: lambda: galaxy().geometry,
    room.GeometryErrors: room.GeometryErrors,
    room.GeometryDraws: lambda: room.GeometryDraws(*np.ones((6, 3)), systemic_velocity=None),
    room.Instrument: room.Instrument,
    room.MapsPlotData: lambda: room.maps_plot_data(galaxy(), result()),
    room.NullTest: lambda: measurement().null_test(),
    room.Outcome: lambda: result().draws,
    room.PatternSpeed: result,
    room.PatternSpeedSample: sample,
    room.PixelGrid: lambda: room.PixelGrid(0.5, angle=20.0),
    room.RatioPlotData: lambda: room.ratio_plot_data(result()),
    room.RotationCurve: lambda: result().rotation_curve,
    room.RotationForm: room.RotationForm,
    room.RotationPlotData: lambda: room.rotation_plot_data(result()),
    room.SamplePlotData: lambda: room.sample_plot_data(sample()),
    room.SimulatedGalaxy: galaxy,
    room.SlitLayout: lambda: room.SlitLayout(n_slits=5),
    room.SlitLine: lambda: measurement().line,
    room.Slits: lambda: measurement().slits,
    room.SlitsPlotData: lambda: room.slits_plot_data(result()),
    room.Tanh: room.Tanh,
    room.ToyGalaxy: room.ToyGalaxy,
    room.TremaineWeinberg: measurement,
    room.TremaineWeinbergProblem: problem,
}
