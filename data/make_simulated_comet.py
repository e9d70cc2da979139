"""Make ``simulated_comet_not.ecsv``: 3I/ATLAS-like photometry whose truth is known.

Nights, range of distances and aperture are like those of the Nordic Optical Telescope in July to
September 2025 (Jewitt & Luu 2025, whose own magnitudes are not published); r, delta and phase angle
come from a two-body orbit by astrokit, the magnitudes from plain NumPy. Running it again gives the
same bytes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.table import QTable

from astrokit.comets import OrbitalElements, ephemeris

SEED = 3
INDEX = 3.8
PHASE_COEFFICIENT = 0.04  # mag / deg
ABSOLUTE_MAGNITUDE = 8.4  # R, m(1,1,0)
SCATTER = 0.08  # mag, Student's t with 4 degrees of freedom
ERROR = 0.02  # mag
APERTURE = 10_000.0  # km, radius
NIGHTS = 22
ELEMENTS = OrbitalElements(
    6.141351449317625,
    1.356481057231181,
    175.1164570850441,
    322.1696089290778,
    128.0228697185194,
    2460977.9952628477,
    "3I/ATLAS",
)


def main() -> None:
    """Write the file beside this script."""
    rng = np.random.default_rng(SEED)
    nights = np.sort(rng.choice(np.arange(60857, 60939), NIGHTS, replace=False))
    nights[0], nights[-1] = 60857, 60938
    time = nights + rng.uniform(0.85, 0.95, NIGHTS)
    where = ephemeris(ELEMENTS, time)
    noise = np.hypot(SCATTER, ERROR) * rng.standard_t(4, NIGHTS)
    magnitude = ABSOLUTE_MAGNITUDE + 5 * np.log10(where.delta) + noise
    magnitude += 2.5 * INDEX * np.log10(where.r) + PHASE_COEFFICIENT * where.phase_angle
    table = QTable(
        {
            "mjd": np.round(time, 5) * u.d,
            "mag": np.round(magnitude, 4) * u.mag,
            "mag_err": np.full(NIGHTS, ERROR) * u.mag,
            "filter": np.full(NIGHTS, "R"),
            "aperture_km": np.full(NIGHTS, APERTURE) * u.km,
            "r": np.round(where.r, 6) * u.au,
            "delta": np.round(where.delta, 6) * u.au,
            "alpha": np.round(where.phase_angle, 5) * u.deg,
        }
    )
    table.meta = {
        "name": "3I/ATLAS (simulated)",
        "perihelion_time": ELEMENTS.perihelion_time - 2400000.5,
        "truth": {
            "heliocentric_index": INDEX,
            "phase_coefficient": PHASE_COEFFICIENT,
            "absolute_magnitude": ABSOLUTE_MAGNITUDE,
            "scatter": SCATTER,
            "degrees_of_freedom": 4,
            "seed": SEED,
        },
    }
    path = Path(__file__).with_name("simulated_comet_not.ecsv")
    table.write(path, format="ascii.ecsv", overwrite=True)


if __name__ == "__main__":
    main()
