"""Measure the calibration of pattern speeds; writes bars.png, bars.ecsv, bars.inc, bars-map.inc.

Run ``python docs/calibration/bars.py [n] [n_cut] [n_wide] [workers]`` from the top of the
repository. Of n noisy toy galaxies all have their draws of geometry and noise, the first n_cut also
the posterior of the line; n_wide more lie beyond the population, too. The default takes some five
minutes on two cores. Runs that were stopped go on from ``build/calibration``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from astropy.table import Table

import astrokit as ak
from astrokit.bars import (
    Arctan,
    SimulatedGalaxy,
    ToyGalaxy,
    TremaineWeinberg,
    TremaineWeinbergProblem,
    pattern_speed,
    simulate_galaxy,
)
from astrokit.errors import InputError
from astrokit.parallel import map_items
from astrokit.provenance import quiet
from astrokit.randomness import spawn

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from make_calibration import STORE, markdown, save  # noqa: E402 - beside this script

SEED = 20261121
LEVEL = ak.estimate.ONE_SIGMA
INCLINATIONS, ANGLES = (25.0, 65.0), (15.0, 75.0)  # of the population that the page vouches for
WIDE_INCLINATIONS, WIDE_ANGLES = (15.0, 75.0), (5.0, 85.0)
SHORT = {"ensembles": 1, "until": 20.0, "max_steps": 3000}
BATCH = 40


def galaxy(seed: np.random.SeedSequence, *, wide: bool = False) -> SimulatedGalaxy:
    """Return one toy of the population, its geometry measured with errors.

    Inclinations as of discs that point anywhere; R from 1.0 to 1.8; half of the toys stream along
    the bar. Position angle +- 1.5 deg, inclination and angle of the bar +- 2 deg, radius of the bar
    +- 5 %, centre +- 0.1 arcsec; pixels, fibres, seeing and noise as of MaNGA.
    """
    draw_seed, noise_seed = seed.spawn(2)
    rng = np.random.default_rng(draw_seed)
    inclinations, angles = (WIDE_INCLINATIONS, WIDE_ANGLES) if wide else (INCLINATIONS, ANGLES)
    cosines = np.cos(np.radians(inclinations))
    rotation = Arctan(rng.uniform(150, 250), rng.uniform(1, 3))
    bar = rng.uniform(5, 8)
    corotation = rng.uniform(1.0, 1.8) * bar
    toy = ToyGalaxy(
        pattern_speed=float(rotation.velocity(corotation)) / corotation,
        inclination=float(np.degrees(np.arccos(rng.uniform(*sorted(cosines))))),
        bar_angle=rng.uniform(*angles) * rng.choice([-1, 1]),
        bar_radius=bar,
        bar_strength=rng.uniform(0.4, 0.7),
        scale_length=rng.uniform(4, 7),
        rotation=rotation,
        streaming=rng.choice([0.0, 0.1]),
    )
    return simulate_galaxy(toy=toy, position_angle=rng.uniform(0, 360), seed=noise_seed)


def one(with_cut: bool, wide: bool, item: int, seed: np.random.SeedSequence) -> dict[str, Any]:
    """Return where the truth of one toy falls among its draws, by both methods."""
    toy_seed, draw_seed, sample_seed, cut_seed = spawn(seed, 4)
    g = galaxy(toy_seed, wide=wide)
    row: dict[str, Any] = {
        "inclination": g.truth.inclination,
        "bar_angle": abs(g.truth.bar_angle),
        "streaming": g.truth.streaming,
        "ratio": g.truth.ratio,
    }
    with quiet():
        try:
            result = pattern_speed(g, n_draws=1000, seed=draw_seed)
        except InputError as error:  # a bar measured along the nodes is refused, and counted
            return row | {"refused": str(error)}
        row |= places("draws", result, g.truth)
        row["flags"] = [flag.name for flag in result.flags]
        if with_cut:
            problem = TremaineWeinbergProblem(TremaineWeinberg(g))
            posterior = problem.sample(seed=sample_seed, **SHORT)
            row |= places("cut", problem.pattern_speed(posterior, seed=cut_seed), g.truth)
    return row


def places(method: str, result: ak.bars.PatternSpeed, truth: ToyGalaxy) -> dict[str, float]:
    """Return the shares of draws below the truth, and the relative errors."""
    ratio = result.draws.ratio[np.isfinite(result.draws.ratio)]
    return {
        f"{method}_speed": float(np.mean(result.draws.pattern_speed < truth.pattern_speed)),
        f"{method}_ratio": float(np.mean(ratio < truth.ratio)) if ratio.size else np.nan,
        f"{method}_speed_error": result.pattern_speed.error / truth.pattern_speed,
        f"{method}_ratio_error": result.ratio.error / truth.ratio,
    }


def study(n: int, n_cut: int, executor: ProcessPoolExecutor | None, *, wide: bool = False):
    """Return the rows of n toys; goes on where a stopped run left."""
    path = STORE / f"bars-{'wide' if wide else 'core'}.json"
    rows = {int(k): v for k, v in json.loads(path.read_text()).items()} if path.exists() else {}
    seeds = spawn(np.random.SeedSequence([SEED, int(wide)]), n)
    missing = [k for k in range(n) if k not in rows or (k < n_cut and "cut_speed" not in rows[k])]
    todo = [k for k in missing if not rows.get(k, {}).get("refused")]
    for at in range(0, len(todo), BATCH):
        for with_cut in (True, False):
            items = [k for k in todo[at : at + BATCH] if (k < n_cut) == with_cut]
            run = partial(one, with_cut, wide)
            found = map_items(run, items, seeds=[seeds[k] for k in items], executor=executor)
            rows |= dict(zip(items, found, strict=True))
        path.write_text(json.dumps(rows))
    return [rows[k] for k in range(n)]


# -- tables and figure ---------------------------------------------------------------------------

GROUPS = {
    "all": lambda r: True,
    "bar angle 15 to 30": lambda r: r["bar_angle"] < 30,
    "bar angle 30 to 60": lambda r: 30 <= r["bar_angle"] < 60,
    "bar angle 60 to 75": lambda r: r["bar_angle"] >= 60,
    "inclination 25 to 40": lambda r: r["inclination"] < 40,
    "inclination 40 to 55": lambda r: 40 <= r["inclination"] < 55,
    "inclination 55 to 65": lambda r: r["inclination"] >= 55,
    "no streaming": lambda r: r["streaming"] == 0,
    "streaming": lambda r: r["streaming"] > 0,
}


def covered(place: Sequence[float], level: float = LEVEL) -> float:
    """Return how many central intervals hold the truth."""
    return float(np.mean(np.abs(np.asarray(place) - 0.5) < level / 2))


def coverage_table(rows: list[dict[str, Any]], methods: Sequence[str] = ("draws", "cut")) -> Table:
    """Return coverage of 68 % intervals by method, quantity and group of toys."""
    names = {"draws": "draws of geometry and noise", "cut": "posterior of the line, cut"}
    lines = []
    for method in methods:
        for quantity in ("speed", "ratio"):
            key = f"{method}_{quantity}"
            for group, belongs in GROUPS.items():
                chosen = [r for r in rows if key in r and belongs(r)]
                if not chosen:
                    continue
                share, n = covered([r[key] for r in chosen]), len(chosen)
                lines.append(
                    {
                        "method": names[method],
                        "quantity": {"speed": "pattern speed", "ratio": "R"}[quantity],
                        "group": group,
                        "n": n,
                        "coverage": share,
                        "deviation": (share - LEVEL) / np.sqrt(LEVEL * (1 - LEVEL) / n),
                        "mean_place": float(np.mean([r[key] for r in chosen])),
                        "typical_error": float(np.median([r[f"{key}_error"] for r in chosen])),
                    }
                )
    return Table(rows=lines)


ANGLE_EDGES, INCLINATION_EDGES = (5, 10, 15, 30, 60, 75, 80, 85), (15, 25, 45, 65, 75)


def map_table(rows: list[dict[str, Any]]) -> Table:
    """Return coverage against bar angle, beyond the population too, and against inclination."""
    lines = []
    for name, edges in (("bar_angle", ANGLE_EDGES), ("inclination", INCLINATION_EDGES)):
        other, limits = (
            ("inclination", INCLINATIONS) if name == "bar_angle" else ("bar_angle", ANGLES)
        )
        core = [r for r in rows if limits[0] <= r[other] <= limits[1]]
        for low, high in pairwise(edges):
            chosen = [r for r in core if low <= r[name] < high]
            kept = [r for r in chosen if "draws_speed" in r]
            if not kept:
                continue
            lines.append(
                {
                    "number": name.replace("_", " "),
                    "range": f"{low} to {high} deg",
                    "n": len(kept),
                    "refused": len(chosen) - len(kept),
                    "coverage_speed": covered([r["draws_speed"] for r in kept]),
                    "coverage_ratio": covered([r["draws_ratio"] for r in kept]),
                    "typical_error": float(np.median([r["draws_speed_error"] for r in kept])),
                    "flagged": float(np.mean([bool(r["flags"]) for r in kept])),
                }
            )
    return Table(rows=lines)


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Write, for each quantity, the coverage at all levels and the places of the truth."""
    figure, axes = plt.subplots(1, 4, figsize=(12, 2.9), layout="constrained")
    level = np.linspace(0.05, 0.95, 19)
    colours = {"draws": "C0", "cut": "C1"}
    names = {"draws": "draws", "cut": "cut posterior"}
    for k, (quantity, symbol) in enumerate({"speed": r"$\Omega$", "ratio": r"$R$"}.items()):
        ax, histogram = axes[2 * k], axes[2 * k + 1]
        for method, colour in colours.items():
            place = np.array([r[f"{method}_{quantity}"] for r in rows if f"{method}_speed" in r])
            if not place.size:
                continue
            got = np.array([covered(place, x) for x in level])
            label = f"{names[method]}, {place.size} toys"
            ax.plot(level, got - level, "o-", ms=3, color=colour, label=label)
            histogram.hist(
                place, np.linspace(0, 1, 11), density=True, histtype="step", color=colour
            )
        for key, grey in ((f"cut_{quantity}", "0.94"), (f"draws_{quantity}", "0.87")):
            band = 2 * np.sqrt(level * (1 - level) / max(sum(key in r for r in rows), 1))
            ax.fill_between(level, -band, band, color=grey, lw=0)
        ax.axhline(0, color="0.5", lw=0.8)
        ax.set(xlabel="level", ylabel=f"coverage - level, {symbol}", ylim=(-0.12, 0.12))
        histogram.axhline(1, color="0.5", lw=0.8)
        histogram.set(xlabel=f"share of draws below the truth, {symbol}", ylim=(0, 2))
    axes[0].legend(fontsize=8)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def main() -> None:
    """Run the study and write what the page shows."""
    numbers = [int(text) for text in sys.argv[1:]]
    n, n_cut, n_wide, workers = (*numbers, *(1000, 300, 500, 2)[len(numbers) :])
    STORE.mkdir(parents=True, exist_ok=True)
    if workers > 1:
        with ProcessPoolExecutor(workers) as executor:
            core, wide = study(n, n_cut, executor), study(n_wide, 0, executor, wide=True)
    else:
        core, wide = study(n, n_cut, None), study(n_wide, 0, None, wide=True)
    draw(core, HERE / "bars.png")
    table = coverage_table(core)
    save(table, HERE / "bars.ecsv")
    columns = {"method": "", "quantity": "", "group": "", "n": "d", "coverage": ".3f"}
    columns |= {"deviation": "+.1f", "mean_place": ".2f", "typical_error": ".2f"}
    markdown(table, columns, HERE / "bars.inc")
    grid = map_table(core + wide)
    save(grid, HERE / "bars-map.ecsv")
    columns = {"number": "", "range": "", "n": "d", "refused": "d", "coverage_speed": ".3f"}
    columns |= {"coverage_ratio": ".3f", "typical_error": ".2f", "flagged": ".2f"}
    markdown(grid, columns, HERE / "bars-map.inc")
    print(table, grid, sep="\n")


if __name__ == "__main__":
    main()
