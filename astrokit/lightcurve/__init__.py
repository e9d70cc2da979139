"""The light curve room: `LightCurve`, good time intervals, and the readers of light curve files.

What this room does not do: it reduces no raw data, corrects no background and calibrates no
detector. It reads what mission software writes, says what it understood, and hands plain arrays
to the other rooms.

Where to look
-------------
The light curve: `lightcurve` (the class), `checks` (what its constructor refuses), `info` (what
travels along), `identity` (checksum), `describe` (how it prints), `gti` (interval algebra),
`operations` (rebin, split, select, fill), `magnitudes` (to fluxes), `joining`, `frames` (absolute
times, another time zero or unit), `sorting`, `events` (event list to light curve).

Files: `readers` is the entrance; behind it `options`, `report`, `missions`; for FITS
`fits_reader` (tables and intervals), `fits_time`, `fits_info`, `fits_lightcurve`, `fits_events`;
for text `text_table` (cells), `table_reader` (meaning), `ecsv_reader`; for Gaia epoch
photometry `gaia` and `gaia_table`; and `assemble`, where all formats meet. `writers` and `native`
(the lossless form) go the other way, `convert` to TimeSeries, pandas and tables, `plots` to
figures.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import convert as convert
    from . import gti as gti
    from . import operations as operations
    from .events import bin_events as bin_events
    from .gaia import GaiaPhotometry as GaiaPhotometry
    from .gaia import read_gaia as read_gaia
    from .info import LightCurveInfo as LightCurveInfo
    from .joining import concatenate as concatenate
    from .lightcurve import LightCurve as LightCurve
    from .magnitudes import flux_from_magnitudes as flux_from_magnitudes
    from .options import ReadOptions as ReadOptions
    from .plots import LightCurvePlotData as LightCurvePlotData
    from .plots import plot_lightcurve as plot_lightcurve
    from .readers import read_lightcurve as read_lightcurve
    from .report import ReadReport as ReadReport
    from .writers import write_lightcurve as write_lightcurve
else:
    from astrokit._lazy import attach

    __getattr__, __dir__, __all__ = attach(
        __name__,
        {
            "events": ["bin_events"],
            "gaia": ["GaiaPhotometry", "read_gaia"],
            "info": ["LightCurveInfo"],
            "joining": ["concatenate"],
            "lightcurve": ["LightCurve"],
            "magnitudes": ["flux_from_magnitudes"],
            "options": ["ReadOptions"],
            "plots": ["LightCurvePlotData", "plot_lightcurve"],
            "readers": ["read_lightcurve"],
            "report": ["ReadReport"],
            "writers": ["write_lightcurve"],
        },
        submodules=["convert", "gti", "operations"],
    )
