"""Bars: how fast they turn, by the method of Tremaine and Weinberg."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .checks import Flag as Flag
    from .checks import kinematic_position_angle as kinematic_position_angle
    from .checks import photometric_bar_angle as photometric_bar_angle
    from .forms import Arctan as Arctan
    from .forms import Exponential as Exponential
    from .forms import RotationForm as RotationForm
    from .forms import Tanh as Tanh
    from .geometry import Geometry as Geometry
    from .geometry import sky_direction as sky_direction
    from .grid import PixelGrid as PixelGrid
    from .line import SlitLine as SlitLine
    from .maps import GalaxyMaps as GalaxyMaps
    from .readers import read_images as read_images
    from .readers import read_sauron as read_sauron
    from .readers_manga import read_manga as read_manga
    from .readers_points import read_points as read_points
    from .rotation import RotationCurve as RotationCurve
    from .rotation import corotation_radius as corotation_radius
    from .rotation import deprojected_radius as deprojected_radius
    from .rotation import fit_rotation_curve as fit_rotation_curve
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
            "checks": [
                "Flag",
                "kinematic_position_angle",
                "photometric_bar_angle",
            ],
            "forms": [
                "Arctan",
                "Exponential",
                "RotationForm",
                "Tanh",
            ],
            "geometry": [
                "Geometry",
                "sky_direction",
            ],
            "grid": [
                "PixelGrid",
            ],
            "line": [
                "SlitLine",
            ],
            "maps": [
                "GalaxyMaps",
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
