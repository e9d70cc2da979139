"""A small detector: an area that peaks, and a resolution that spreads photons over channels."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from astrokit.spectra.binned import BinnedSpectrum
from astrokit.spectra.folding import Fold
from astrokit.spectra.grid import EnergyGrid

CHANNEL_EDGES = np.geomspace(0.4, 9.0, 41)
ENERGY_EDGES = np.geomspace(0.3, 11.0, 91)


def response_matrix() -> np.ndarray:
    """Counts per channel and photon / cm2, shape ``(40, 90)``."""
    middle = np.sqrt(ENERGY_EDGES[1:] * ENERGY_EDGES[:-1])
    center = np.sqrt(CHANNEL_EDGES[1:] * CHANNEL_EDGES[:-1])
    spread = np.exp(-0.5 * (np.log(center[:, None] / middle[None, :]) / 0.08) ** 2)
    spread[spread < 1e-5] = 0.0
    spread /= np.maximum(spread.sum(axis=0), 1.0)
    return spread * 300.0 * np.exp(-0.5 * np.log(middle / 1.5) ** 2)


def spectrum(
    counts=None, statistic="cstat", exposure=1e4, background=None, ratio=0.2, sigma=None
) -> BinnedSpectrum:
    """A binned spectrum of this detector; counts of 1 each by default."""
    n = CHANNEL_EDGES.size - 1
    counts = np.ones(n) if counts is None else np.asarray(counts, dtype=float)
    rows = [
        counts,
        np.zeros(n) if background is None else np.broadcast_to(background, n),
        np.full(n, ratio),
        np.ones(n) if sigma is None else np.broadcast_to(sigma, n),
    ]
    return BinnedSpectrum(
        statistic=statistic,
        data=np.ascontiguousarray(rows, dtype=float),
        fold=Fold(csr_matrix(exposure * response_matrix())),
        grid=EnergyGrid.from_edges(ENERGY_EDGES),
        energy_lo=CHANNEL_EDGES[:-1],
        energy_hi=CHANNEL_EDGES[1:],
        exposure=exposure,
    )
