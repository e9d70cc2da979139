"""CPU time per target of each analysis of a survey, reading of its file included.

    python docs/survey/costs.py

One thread, compiled kernels, the first target not counted. Writes ``costs.ecsv``.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from astropy.table import Table

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import demonstrate  # noqa: E402  (beside this script)

import astrokit as ak  # noqa: E402
from astrokit.errors import AstrokitWarning  # noqa: E402
from astrokit.survey import Target, adapters  # noqa: E402
from astrokit.survey.compute import target_seed  # noqa: E402

TABLE = Path(__file__).with_name("costs.ecsv")
FAST = {
    "measures": ["sampling", "amplitudes", "timescales", "power_spectrum"],
    "settings": {"amplitudes": {"scatter": 0}, "timescales": {"scatter": 0}},
}
PLAIN = {**FAST, "measures": FAST["measures"][:3]}


def targets(folder: Path, n: int) -> dict[str, list[Target]]:
    """Write files of every kind; return the targets."""
    demonstrate.light_curves(folder, n)
    demonstrate.spectra(folder, n)
    demonstrate.galaxies(folder, n)
    rng = np.random.default_rng(4)
    for i in range(n):
        energy = 1e37 * rng.uniform(size=150) ** (-1 / 0.8)
        Table({"energy": energy}, units={"energy": "erg"}).write(folder / f"bursts{i}.ecsv")
        r = np.linspace(4.5, 1.8, 40)
        magnitude = 8.4 + 9.5 * np.log10(r) + 0.05 * rng.standard_normal(40)
        comet = ak.comets.CometPhotometry(
            60850 + np.arange(40.0),
            magnitude,
            error=0.05,
            r=r,
            delta=3.0,
            phase_angle=np.full(40, 5.0),
        )
        comet.to_table().write(folder / f"comet{i}.ecsv")
    found = {
        kind: [Target(f"{kind}{i}", path) for i, path in enumerate(sorted(folder.glob(pattern)))]
        for kind, pattern in {
            "curve": "*.fits",
            "spectrum": "spectrum????.pha",
            "bursts": "bursts*.ecsv",
            "comet": "comet*.ecsv",
        }.items()
    }
    found["galaxy"] = list(ak.survey.read_catalogue(folder / "galaxies.ecsv"))
    return found


def cost(function: Callable[..., object], chosen: list[Target], **options: object) -> float:
    """Return CPU milliseconds per target."""
    function(chosen[0], seed=target_seed(0, "first"), **options)
    start = time.process_time()
    for target in chosen[1:]:
        function(target, seed=target_seed(0, target.name), **options)
    return 1e3 * (time.process_time() - start) / (len(chosen) - 1)


def main() -> None:
    """Measure and write the table."""
    a = adapters
    few = {"n_simulations": 200, "n_bootstrap": 200}
    cases = [
        (
            "timing.characterize",
            "100 bins, amplitudes and time scales",
            a.characterize,
            "curve",
            30,
            PLAIN,
        ),
        (
            "timing.characterize",
            "the same and the power spectrum",
            a.characterize,
            "curve",
            30,
            FAST,
        ),
        ("timing.characterize", "everything, with simulations", a.characterize, "curve", 4, {}),
        ("complexity.hc", "100 bins, n = 3", a.hc, "curve", 30, {"n": 3}),
        ("spectra.fit", "60 channels, power law", a.fit_spectrum, "spectrum", 20, {}),
        ("comets.fit_index", "40 magnitudes", a.fit_index, "comet", 4, {}),
        (
            "bursts.find_break",
            "150 bursts, 200 simulations",
            a.find_break,
            "bursts",
            4,
            {"threshold": 1e37, **few},
        ),
    ]
    if importlib.util.find_spec("astrokit.bars"):
        toy = ("bars.pattern_speed", "toy galaxy made and measured, 500 draws")
        cases.append((*toy, a.pattern_speed, "galaxy", 6, {"n_draws": 500}))
    rows = []
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        found = targets(Path(scratch), 30)
        for name, what, function, kind, n, options in cases:
            ms = cost(function, found[kind][:n], **options)
            # 100 cores, and what the survey itself adds to each target in a worker.
            rows.append((name, what, ms, 1e6 * ms * 1e-3 / 100 / 3600))
            print(rows[-1], flush=True)
    names = ("analysis", "with", "cpu_ms", "hours_of_1e6_on_100_cores")
    table = Table(rows=rows, names=names, units=(None, None, "ms", "h"))
    table["cpu_ms"].format = table["hours_of_1e6_on_100_cores"].format = ".3g"
    table.write(TABLE, overwrite=True)


if __name__ == "__main__":
    main()
