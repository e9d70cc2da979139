"""How often a search for a line finds one in noise, by the root of T and by simulation.

Spectra of a power law without a line are searched as a user would search them. One line for each
number of counts says which part of them has p at or below 5, 10 and 50 %, with the p-value of the
simulations and with that of a chi2 distribution at one energy::

    python docs/calibration/line_searches.py --spectra 300 --simulations 39

takes about ten minutes on one core. What was done is kept in ``build/calibration``, and a run that
was stopped goes on from there.
"""

from __future__ import annotations

import argparse
import json
import math
from functools import partial
from pathlib import Path

import numpy as np

from astrokit.parallel import map_items
from astrokit.provenance import quiet
from astrokit.randomness import spawn
from astrokit.spectra import PowerLaw, Response, line_significance, simulate

HERE = Path(__file__).parent
STORE = HERE.parents[1] / "build" / "calibration" / "line-searches.json"
BATCH = 20  # spectra between two writes
LEVELS = (0.05, 0.1, 0.5)
DETECTOR = Response.ideal(np.arange(4.0, 8.0, 0.03), area=300.0, fwhm=0.15)
# Counts of this power law per second.
RATE = 300.0 * 1e-4 * (4.0**-0.6 - 7.99**-0.6) / 0.6


def searched(counts: float, seed: np.random.SeedSequence, *, n: int) -> tuple[float, float]:
    """Return the simulated p-value of the best line in one noise spectrum, and the naive one."""
    first, second = spawn(seed, 2)
    with quiet():
        noise = simulate(
            PowerLaw(), DETECTOR, exposure=counts / RATE, seed=first, photon_index=1.6,
            normalization=1e-4,
        )  # fmt: skip
        found = line_significance(noise, PowerLaw(), n=n, seed=second)
    # Among n + 1 equal searches the rank of the real one is uniform.
    p = (found.test.n_exceeding + 1) / (found.test.n + 1)
    return p, math.erfc(found.local_sigma / math.sqrt(2))


def study(counts: float, *, spectra: int, n: int, seed: int = 1) -> np.ndarray:
    """Return p-values ``(spectra, 2)``: simulated, and at one energy."""
    seeds = spawn(np.random.SeedSequence(seed), spectra)
    stored = json.loads(STORE.read_text(encoding="utf-8")) if STORE.exists() else {}
    done = stored.setdefault(f"{counts:g} counts, {n} simulations, seed {seed}", [])
    while len(done) < spectra:
        batch = seeds[len(done) : len(done) + BATCH]
        done += map_items(partial(searched, n=n), [counts] * len(batch), seeds=batch)
        STORE.parent.mkdir(parents=True, exist_ok=True)
        STORE.write_text(json.dumps(stored), encoding="utf-8")
    return np.array(done[:spectra])


def table(counts: float, p: np.ndarray) -> str:
    """Return rows of the table: how many spectra have p at or below each level."""
    rows = []
    for name, values in (("simulated, band searched", p[:, 0]), ("chi2, one energy", p[:, 1])):
        cells = []
        for level in LEVELS:
            part = float(np.mean(values <= level + 1e-12))
            cells.append(f"{part:.3f} ± {math.sqrt(level * (1 - level) / len(values)):.3f}")
        rows.append(f"| {counts:g} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def main() -> None:
    """Run the study and write the table of the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spectra", type=int, default=300)
    parser.add_argument("--simulations", type=int, default=39)
    parser.add_argument("--counts", type=float, nargs="+", default=[100.0, 1000.0])
    options = parser.parse_args()
    lines = ["| counts | p-value | " + " | ".join(f"p ≤ {level:g}" for level in LEVELS) + " |"]
    lines.append("| --- " * (len(LEVELS) + 2) + "|")
    for counts in options.counts:
        p = study(counts, spectra=options.spectra, n=options.simulations)
        lines.append(table(counts, p))
        print(lines[-1], flush=True)
    (HERE / "lines.inc").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
