"""Bars: how fast they turn, by the method of Tremaine and Weinberg."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .geometry import Geometry as Geometry
    from .geometry import sky_direction as sky_direction
    from .grid import PixelGrid as PixelGrid
    from .maps import GalaxyMaps as GalaxyMaps
else:
    from .._lazy import attach

    __getattr__, __dir__, __all__ = attach(
        __name__,
        {
            "geometry": [
                "Geometry",
                "sky_direction",
            ],
            "grid": [
                "PixelGrid",
            ],
            "maps": [
                "GalaxyMaps",
            ],
        },
    )
