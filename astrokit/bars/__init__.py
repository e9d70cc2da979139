"""Bars: how fast they turn, by the method of Tremaine and Weinberg."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .budget import Budget as Budget
    from .budget import sensitivity_budget as sensitivity_budget
    from .catalogue import PatternSpeedSample as PatternSpeedSample
    from .catalogue import geometry_of as geometry_of
    from .catalogue import pattern_speeds as pattern_speeds
    from .checks import Flag as Flag
    from .checks import kinematic_position_angle as kinematic_position_angle
    from .checks import photometric_bar_angle as photometric_bar_angle
    from .draws import GeometryDraws as GeometryDraws
    from .draws import Outcome as Outcome
    from .forms import Arctan as Arctan
    from .forms import Exponential as Exponential
    from .forms import RotationForm as RotationForm
    from .forms import Tanh as Tanh
    from .geometry import Geometry as Geometry
    from .geometry import inclination_from_axis_ratio as inclination_from_axis_ratio
    from .geometry import sky_direction as sky_direction
    from .grid import PixelGrid as PixelGrid
    from .line import SlitLine as SlitLine
    from .map_plots import MapsPlotData as MapsPlotData
    from .map_plots import maps_plot_data as maps_plot_data
    from .map_plots import plot_maps as plot_maps
    from .maps import GalaxyMaps as GalaxyMaps
    from .measure import PatternSpeed as PatternSpeed
    from .measure import classify as classify
    from .measure import pattern_speed as pattern_speed
    from .plots import RatioPlotData as RatioPlotData
    from .plots import RotationPlotData as RotationPlotData
    from .plots import SlitsPlotData as SlitsPlotData
    from .plots import plot_convergence as plot_convergence
    from .plots import plot_pattern_speed as plot_pattern_speed
    from .plots import plot_ratio as plot_ratio
    from .plots import plot_rotation_curve as plot_rotation_curve
    from .plots import plot_slits as plot_slits
    from .plots import ratio_plot_data as ratio_plot_data
    from .plots import rotation_plot_data as rotation_plot_data
    from .plots import slits_plot_data as slits_plot_data
    from .problem import TremaineWeinbergProblem as TremaineWeinbergProblem
    from .published import ClassCounts as ClassCounts
    from .published import class_counts as class_counts
    from .published import read_geron2023 as read_geron2023
    from .published import read_phangs2021 as read_phangs2021
    from .readers import read_images as read_images
    from .readers import read_sauron as read_sauron
    from .readers_manga import read_manga as read_manga
    from .readers_points import read_points as read_points
    from .rotation import RotationCurve as RotationCurve
    from .rotation import corotation_radius as corotation_radius
    from .rotation import deprojected_radius as deprojected_radius
    from .rotation import fit_rotation_curve as fit_rotation_curve
    from .sample_plots import SamplePlotData as SamplePlotData
    from .sample_plots import plot_sample as plot_sample
    from .sample_plots import sample_plot_data as sample_plot_data
    from .simulate import GeometryErrors as GeometryErrors
    from .simulate import Instrument as Instrument
    from .simulate import SimulatedGalaxy as SimulatedGalaxy
    from .simulate import simulate_galaxy as simulate_galaxy
    from .slits import SlitLayout as SlitLayout
    from .slits import Slits as Slits
    from .toy import ToyGalaxy as ToyGalaxy
    from .tremaine_weinberg import ConvergenceCurve as ConvergenceCurve
    from .tremaine_weinberg import NullTest as NullTest
    from .tremaine_weinberg import TremaineWeinberg as TremaineWeinberg
else:
    from .._lazy import attach

    __getattr__, __dir__, __all__ = attach(
        __name__,
        {
            "budget": [
                "Budget",
                "sensitivity_budget",
            ],
            "catalogue": [
                "PatternSpeedSample",
                "geometry_of",
                "pattern_speeds",
            ],
            "checks": [
                "Flag",
                "kinematic_position_angle",
                "photometric_bar_angle",
            ],
            "draws": [
                "GeometryDraws",
                "Outcome",
            ],
            "forms": [
                "Arctan",
                "Exponential",
                "RotationForm",
                "Tanh",
            ],
            "geometry": [
                "Geometry",
                "inclination_from_axis_ratio",
                "sky_direction",
            ],
            "grid": [
                "PixelGrid",
            ],
            "line": [
                "SlitLine",
            ],
            "map_plots": [
                "MapsPlotData",
                "maps_plot_data",
                "plot_maps",
            ],
            "maps": [
                "GalaxyMaps",
            ],
            "measure": [
                "PatternSpeed",
                "classify",
                "pattern_speed",
            ],
            "plots": [
                "RatioPlotData",
                "RotationPlotData",
                "SlitsPlotData",
                "plot_convergence",
                "plot_pattern_speed",
                "plot_ratio",
                "plot_rotation_curve",
                "plot_slits",
                "ratio_plot_data",
                "rotation_plot_data",
                "slits_plot_data",
            ],
            "problem": [
                "TremaineWeinbergProblem",
            ],
            "published": [
                "ClassCounts",
                "class_counts",
                "read_geron2023",
                "read_phangs2021",
            ],
            "readers": [
                "read_images",
                "read_sauron",
            ],
            "readers_manga": [
                "read_manga",
            ],
            "readers_points": [
                "read_points",
            ],
            "rotation": [
                "RotationCurve",
                "corotation_radius",
                "deprojected_radius",
                "fit_rotation_curve",
            ],
            "sample_plots": [
                "SamplePlotData",
                "plot_sample",
                "sample_plot_data",
            ],
            "simulate": [
                "GeometryErrors",
                "Instrument",
                "SimulatedGalaxy",
                "simulate_galaxy",
            ],
            "slits": [
                "SlitLayout",
                "Slits",
            ],
            "toy": [
                "ToyGalaxy",
            ],
            "tremaine_weinberg": [
                "ConvergenceCurve",
                "NullTest",
                "TremaineWeinberg",
            ],
        },
    )
