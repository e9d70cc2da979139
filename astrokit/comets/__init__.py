"""Comets: how their brightness follows the Sun, and how much dust that means."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .breaks import IndexBreak as IndexBreak
    from .breaks import find_break as find_break
    from .dust import afrho as afrho
    from .dust import afrho_curve as afrho_curve
    from .dust import cross_section as cross_section
    from .dust import dust_mass as dust_mass
    from .dust import dust_production_rate as dust_production_rate
    from .dust import magnitude_from_afrho as magnitude_from_afrho
    from .ephemeris_tables import read_ephemeris as read_ephemeris
    from .index import IndexResult as IndexResult
    from .index import fit_index as fit_index
    from .laws import BranchIndices as BranchIndices
    from .laws import BrokenIndex as BrokenIndex
    from .laws import HeliocentricLaw as HeliocentricLaw
    from .laws import SingleIndex as SingleIndex
    from .noise import GaussianNoise as GaussianNoise
    from .noise import Noise as Noise
    from .noise import OutlierMixture as OutlierMixture
    from .noise import StudentTNoise as StudentTNoise
    from .orbit import Ephemeris as Ephemeris
    from .orbit import OrbitalElements as OrbitalElements
    from .orbit import ephemeris as ephemeris
    from .outbursts import Outburst as Outburst
    from .outbursts import OutburstSearch as OutburstSearch
    from .outbursts import find_outbursts as find_outbursts
    from .phase import CustomPhase as CustomPhase
    from .phase import HalleyMarcusPhase as HalleyMarcusPhase
    from .phase import HGPhase as HGPhase
    from .phase import LinearPhase as LinearPhase
    from .phase import NoPhase as NoPhase
    from .phase import PhaseFunction as PhaseFunction
    from .photometry import CometPhotometry as CometPhotometry
    from .plots import IndexCurve as IndexCurve
    from .plots import IndexPlotData as IndexPlotData
    from .plots import OutburstPlotData as OutburstPlotData
    from .plots import PhasePlotData as PhasePlotData
    from .plots import index_plot_data as index_plot_data
    from .plots import outburst_plot_data as outburst_plot_data
    from .plots import phase_plot_data as phase_plot_data
    from .plots import plot_afrho as plot_afrho
    from .plots import plot_index as plot_index
    from .plots import plot_outbursts as plot_outbursts
    from .plots import plot_phase as plot_phase
    from .problem import HeliocentricProblem as HeliocentricProblem
    from .readers import read_photometry as read_photometry
    from .reduction import apply_offsets as apply_offsets
    from .reduction import reduced_magnitude as reduced_magnitude
    from .reduction import scale_apertures as scale_apertures
    from .sbpy_bridge import SbpyPhase as SbpyPhase
    from .sbpy_bridge import from_ephem as from_ephem
    from .sbpy_bridge import to_ephem as to_ephem
else:
    from .._lazy import attach

    __getattr__, __dir__, __all__ = attach(
        __name__,
        {
            "breaks": [
                "IndexBreak",
                "find_break",
            ],
            "dust": [
                "afrho",
                "afrho_curve",
                "cross_section",
                "dust_mass",
                "dust_production_rate",
                "magnitude_from_afrho",
            ],
            "ephemeris_tables": [
                "read_ephemeris",
            ],
            "index": [
                "IndexResult",
                "fit_index",
            ],
            "laws": [
                "BranchIndices",
                "BrokenIndex",
                "HeliocentricLaw",
                "SingleIndex",
            ],
            "noise": [
                "GaussianNoise",
                "Noise",
                "OutlierMixture",
                "StudentTNoise",
            ],
            "orbit": [
                "Ephemeris",
                "OrbitalElements",
                "ephemeris",
            ],
            "outbursts": [
                "Outburst",
                "OutburstSearch",
                "find_outbursts",
            ],
            "phase": [
                "CustomPhase",
                "HGPhase",
                "HalleyMarcusPhase",
                "LinearPhase",
                "NoPhase",
                "PhaseFunction",
            ],
            "photometry": [
                "CometPhotometry",
            ],
            "plots": [
                "IndexCurve",
                "IndexPlotData",
                "OutburstPlotData",
                "PhasePlotData",
                "index_plot_data",
                "outburst_plot_data",
                "phase_plot_data",
                "plot_afrho",
                "plot_index",
                "plot_outbursts",
                "plot_phase",
            ],
            "problem": [
                "HeliocentricProblem",
            ],
            "readers": [
                "read_photometry",
            ],
            "reduction": [
                "apply_offsets",
                "reduced_magnitude",
                "scale_apertures",
            ],
            "sbpy_bridge": [
                "SbpyPhase",
                "from_ephem",
                "to_ephem",
            ],
        },
    )
