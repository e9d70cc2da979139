"""Draw the figures of the quick start into _static; run again when a plot changes."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

import astrokit as ak

STATIC = Path(__file__).resolve().parent / "_static"


def main() -> None:
    """Draw light curve, spectrum with fit, and corner plot of the bundled simulation."""
    plt.rcParams.update({"savefig.bbox": "tight", "savefig.dpi": 110, "font.size": 10})
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


if __name__ == "__main__":
    main()
