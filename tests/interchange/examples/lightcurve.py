"""Light curves, made here or read from files that ship with astrokit."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

import astrokit as ak
from astrokit import lightcurve as room

GAIA = """\
source_id,transit_id,band,time,mag,flux,flux_error,flux_over_error,rejected_by_photometry,\
rejected_by_variability,other_flags,solution_id
7,11,G,1700.1,15.2,16000.0,10.0,1600.0,False,False,1,9
7,12,G,1733.9,15.3,15800.0,11.0,1436.4,False,False,1,9
7,13,G,1799.2,15.1,16100.0,10.5,1533.3,False,False,1,9
"""


@functools.cache
def lightcurve() -> ak.LightCurve:
    """Return an own curve with a missing bin and two intervals."""
    rate = np.array([5.0, 6.0, np.nan, 4.0, 7.0, 5.5])
    return ak.LightCurve(
        50.0 + 100.0 * np.arange(6), rate, 0.2 + 0.0 * rate, gti=[[0.0, 200.0], [300.0, 600.0]]
    )


@functools.cache
def epoch(number: int = 5, band: str = "SOFT") -> ak.LightCurve:
    """Return a simulated curve that ships with astrokit."""
    return ak.read_lightcurve(ak.datasets.fetch(f"simulated-epoch-{number:02d}"), hdu=band)


@functools.cache
def red(n: int = 256, slope: float = 1.5, seed: int = 3) -> ak.LightCurve:
    """Return red noise with small errors."""
    rate = 10 + ak.timing.timmer_koenig(lambda f: 1e-2 * f**-slope, n, 1.0, seed=seed)
    rate += np.random.default_rng(seed).normal(0, 0.01, n)
    return ak.LightCurve(np.arange(float(n)), rate, np.full(n, 0.01))


@functools.cache
def gaia() -> room.GaiaPhotometry:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gaia.csv"
        path.write_text(GAIA)
        return room.read_gaia(path)


EXAMPLES: dict[type, Any] = {
    ak.LightCurve: lightcurve,
    room.GaiaPhotometry: gaia,
    room.LightCurveInfo: lambda: epoch().info,
    room.LightCurvePlotData: lambda: lightcurve().plot_data(),
    room.ReadOptions: lambda: room.ReadOptions(bin_size=10.0),
    room.ReadReport: lambda: epoch().read_report,
}
