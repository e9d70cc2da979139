"""Make ``astrokit/complexity/noise_reference.csv``: where Gaussian noises lie in the H-C plane.

For each Hurst exponent the patterns of many realisations of fractional Brownian motion and of
fractional Gaussian noise are counted together. Both look the same backwards and upside down, so
each pattern also counts as its three mirror images. The small bias of H and C that is left is
taken off, and the standard errors come from the scatter between realisations. Running it again
gives the same bytes; it takes about five minutes.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np

from astrokit.complexity.counting import BlockCounts, ordinal_counts, patterns_of_codes
from astrokit.complexity.entropies import jensen_complexity, normalized_entropy
from astrokit.complexity.noise import fractional_gaussian_noise
from astrokit.complexity.uncertainty import block_errors

SEED = 20260101
SIZES = (3, 4, 5, 6, 7)
REALISATIONS, LENGTH = 48, 1 << 18
HURST = [round(0.025 * k, 3) for k in range(1, 40)]
OUTPUT = Path(__file__).resolve().parents[1] / "astrokit" / "complexity" / "noise_reference.csv"


def mirror_images(n: int) -> list[np.ndarray]:
    """Return, for each of the four mirror images, the code that each pattern turns into."""
    patterns = patterns_of_codes(np.arange(math.factorial(n)), n)
    ranks = np.argsort(patterns, axis=1)
    weights = np.array([math.factorial(n - 1 - j) for j in range(n)])

    def codes(ranks: np.ndarray) -> np.ndarray:
        smaller = ranks[:, :, None] > ranks[:, None, :]
        later = np.triu(np.ones((n, n), bool), 1)
        return (smaller & later).sum(axis=2) @ weights

    down = n - 1 - ranks
    return [codes(ranks), codes(ranks[:, ::-1]), codes(down), codes(down[:, ::-1])]


def measure(process: str, hurst: float, seed: np.random.SeedSequence) -> list[list[str]]:
    """Return the rows of one process."""
    tables = {n: np.zeros((REALISATIONS, math.factorial(n)), np.int64) for n in SIZES}
    for i, child in enumerate(seed.spawn(REALISATIONS)):
        x = fractional_gaussian_noise(LENGTH, hurst=hurst, seed=child)
        if process == "fBm":
            x = np.cumsum(x)
        for n in SIZES:
            tables[n][i] = ordinal_counts(x, n=n).dense()
    rows = []
    for n, table in tables.items():
        table = sum(table[:, image] for image in mirror_images(n))
        states = math.factorial(n)
        blocks = BlockCounts(n, 1, np.arange(states), table, LENGTH, 0)
        p = blocks.total.probabilities
        left = block_errors(blocks, states, adapt=False)
        H = float(normalized_entropy(p, states)) - left.bias[0]
        C = float(jensen_complexity(p, states)) - left.bias[1]
        numbers = (H, left.errors[0], C, left.errors[1])
        rows.append([process, f"{hurst:g}", str(n), *(f"{value:.8f}" for value in numbers)])
    return rows


def main() -> None:
    """Write the table."""
    rows = []
    seeds = np.random.SeedSequence(SEED).spawn(2 * len(HURST))
    for k, hurst in enumerate(HURST):
        for j, process in enumerate(("fGn", "fBm")):
            rows += measure(process, hurst, seeds[2 * k + j])
            print(*rows[-2], flush=True)
    rows.sort(key=lambda row: (row[0], int(row[2]), float(row[1])))
    with OUTPUT.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(
            ["process", "hurst", "n", "entropy", "entropy_error", "complexity", "complexity_error"]
        )
        writer.writerows(rows)


if __name__ == "__main__":
    main()
