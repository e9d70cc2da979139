"""Draw the figures of pages and of the gallery into _static.

Run it again when a plot changes; with names, only those figures are drawn.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

import astrokit as ak

HERE = Path(__file__).resolve().parent
STATIC = HERE / "_static"
sys.path.insert(0, str(HERE))

from gallery import GALLERY, fitted_spectrum, simulated_xmm  # noqa: E402 - beside this script


def main(names: list[str]) -> None:
    """Draw what is asked for, or everything."""
    plt.rcParams.update({"savefig.bbox": "tight", "savefig.dpi": 110, "font.size": 10})
    for name, draw in (("quickstart", quick_start), ("bars", bars)):
        if not names or name in names:
            draw()
    for drawing in GALLERY:
        if not names or drawing.name in names:
            print(drawing.name, flush=True)
            save(drawing.figure(), f"gallery_{drawing.name}.png")
    (HERE / "gallery.inc").write_text(page(), encoding="utf-8")


def quick_start() -> None:
    """Draw light curve, spectrum with fit, and corner plot of the bundled simulation."""
    ax = simulated_xmm().plot()
    ax.figure.set_size_inches(8, 2.8)
    save(ax.figure, "quickstart_lightcurve.png")
    problem, posterior = fitted_spectrum()
    save(ak.timing.plot_fit(problem, posterior)[0].figure, "quickstart_spectrum.png")
    save(posterior.corner(), "quickstart_corner.png")


def bars() -> None:
    """Draw one measurement of a toy galaxy on a page."""
    galaxy = ak.bars.simulate_galaxy(pattern_speed=20, inclination=50, seed=1)
    result = ak.bars.pattern_speed(galaxy, seed=1)
    with plt.rc_context({"font.size": 9}):
        save(ak.bars.plot_pattern_speed(result), "bars.png")


def save(figure: Figure, name: str) -> None:
    """Write a PNG of few colours, so that the repository stays small."""
    from PIL import Image

    path = STATIC / name
    figure.savefig(path)
    plt.close(figure)
    picture = Image.open(path).convert("RGB").quantize(192, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)


def page() -> str:
    """Return the figures as Markdown, each a link to the page where it is explained."""
    blocks = [
        f"```{{figure}} _static/gallery_{d.name}.png\n:alt: {plain(d.caption)}\n"
        f":target: {d.page}.html\n\n{d.caption}\n```\n"
        for d in GALLERY
    ]
    return "\n".join(blocks)


def plain(text: str) -> str:
    """Return a caption without its code marks."""
    return text.replace("`", "")


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ak.errors.AstrokitWarning)
        main(sys.argv[1:])
