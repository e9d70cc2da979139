"""Draw figures of the guide into _static; run again when a plot changes."""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

import astrokit as ak

STATIC = Path(__file__).resolve().parent / "_static"


def main() -> None:
    """Draw the figures of all pages, or of those that are named."""
    plt.rcParams.update({"savefig.bbox": "tight", "savefig.dpi": 110, "font.size": 10})
    pages = {"quickstart": quickstart, "bars": bars}
    for name in sys.argv[1:] or pages:
        pages[name]()


def quickstart() -> None:
    """Draw light curve, spectrum with fit, and corner plot of the bundled simulation."""
    lc = ak.read_lightcurve(ak.datasets.fetch("simulated-xmm"))
    ax = lc.plot()
    ax.figure.set_size_inches(8, 2.8)
    ax.figure.savefig(STATIC / "quickstart_lightcurve.png")

    periodogram = ak.timing.Periodogram.from_lightcurve(lc)
    problem = ak.timing.PSDProblem(periodogram, ak.timing.PowerLaw() + ak.timing.Constant())
    posterior = problem.sample(seed=1)
    axes = ak.timing.plot_fit(problem, posterior)
    axes[0].figure.savefig(STATIC / "quickstart_spectrum.png")
    posterior.corner().savefig(STATIC / "quickstart_corner.png")


def bars() -> None:
    """Draw one measurement of a toy galaxy on a page."""
    galaxy = ak.bars.simulate_galaxy(pattern_speed=20, inclination=50, seed=1)
    result = ak.bars.pattern_speed(galaxy, seed=1)
    plt.rcParams["font.size"] = 9
    ak.bars.plot_pattern_speed(result).savefig(STATIC / "bars.png")


if __name__ == "__main__":
    main()
