"""Make the simulated bursts of three sources whose breaks are known: two have the same.

Run ``python data/make_simulated_bursts.py``; with the seed here the bytes are always the same.
Every source has a broken power law of energy, times of clustered bursts in eight sessions, and a
search that loses bursts below 2e37 erg (logistic, 0.1 dex).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
SEED = 20250115
LOWEST = 3e36
HALF, WIDTH = 2e37, 0.1
SOURCES = {
    # name: (bursts made, index below, index above, break in erg)
    "SIM A": (2600, 1.6, 2.7, 1.5e38),
    "SIM B": (1800, 1.3, 2.9, 1.5e38),
    "SIM C": (2200, 1.4, 2.8, 5.0e38),
}


def broken_law(n: int, low: float, high: float, place: float, rng: np.random.Generator):
    """Return energies above LOWEST: which side of the break first, then where on it."""
    s, t, length = low - 1, high - 1, np.log(place / LOWEST)
    below, above = np.expm1(s * length) / s, 1 / t
    u = rng.random(n)
    is_below = rng.random(n) * (below + above) < below
    inside = LOWEST * (1 - u * -np.expm1(-s * length)) ** (-1 / s)
    return np.where(is_below, inside, place * (1 - u) ** (-1 / t))


def times(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return sorted MJD in eight sessions of 0.04 d; a sixth follow another within 100 ms."""
    session = np.sort(rng.integers(0, 8, n))
    mjd = 59900.0 + session + 0.04 * rng.random(n)
    mjd.sort()
    follows = np.flatnonzero(rng.random(n) < 1 / 6)
    follows = follows[follows > 0]
    mjd[follows] = mjd[follows - 1] + 10.0 ** rng.normal(-1.5, 0.2, follows.size) / 86400
    return np.sort(mjd)


def main() -> None:
    """Write one table with all sources."""
    rng = np.random.default_rng(SEED)
    lines = ["source,mjd,energy_erg"]
    for name, (n, low, high, place) in SOURCES.items():
        energy = broken_law(n, low, high, place, rng)
        seen = energy[rng.random(n) < 1 / (1 + (energy / HALF) ** (-1 / (WIDTH * np.log(10))))]
        mjd = times(seen.size, rng)
        lines += [f"{name},{t:.9f},{e:.4e}" for t, e in zip(mjd, seen, strict=True)]
    text = "\n".join(lines) + "\n"
    (HERE / "simulated_bursts.csv").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
