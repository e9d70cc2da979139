"""Fits of a folded broken power law beside Sherpa, and of thousands of small tables beside lmfit.

Sherpa is no dependency of any kind: it is compiled when it is installed (``pip install sherpa``
with gfortran, bison, flex and libfftw3-dev). Where it is missing, its column stays empty.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from astrokit.errors import AstrokitWarning
from astrokit.spectra import (
    ARF,
    RMF,
    BrokenPowerLaw,
    PowerLaw,
    Response,
    SpectralProblem,
    Spectrum,
    fit_flux_table,
)
from benchmarks.rows import Row, best_cpu_time

SIZE = 2000
EXPOSURE = 2e4
TRUTH = {
    "low_photon_index": 1.6,
    "high_photon_index": 2.4,
    "break_energy": 2.5,
    "normalization": 2e-3,
}
START = {
    "low_photon_index": 1.8,
    "high_photon_index": 2.2,
    "break_energy": 1.8,
    "normalization": 2e-3,
}


def run(fast: bool) -> list[Row]:
    """Return the rows; `fast` fits fewer tables."""
    rows = []
    for background in (False, True):
        for shelf in (False, True):
            rows += folded_rows(background, shelf, 3 if fast else 6)
    return rows + table_rows(2000 if fast else 10_000)


# -- 2000 channels and 2000 energies -------------------------------------------------------------


def detector(shelf: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return energy edges, channel edges, redistribution matrix (channel, energy) and area.

    A CCD of 0.12 keV full width at 1 keV; `shelf` adds what real ones have, 2 % of the counts
    spread over all channels below the peak. The matrix holds float32 numbers, as files do.
    """
    edges, channels = np.geomspace(0.3, 11.0, SIZE + 1), np.linspace(0.3, 11.0, SIZE + 1)
    energy = np.sqrt(edges[1:] * edges[:-1])
    center = 0.5 * (channels[1:] + channels[:-1])
    sigma = 0.05 * np.sqrt(energy)
    matrix = np.exp(-0.5 * ((center[:, None] - energy[None, :]) / sigma[None, :]) ** 2)
    matrix /= matrix.sum(axis=0)
    matrix[matrix < 1e-7] = 0.0
    if shelf:
        below = center[:, None] < energy[None, :]
        matrix = 0.98 * matrix + 0.02 * below / np.maximum(below.sum(axis=0), 1)
    matrix = matrix.astype(np.float32).astype(np.float64)
    return edges, channels, matrix, 400.0 * np.exp(-0.5 * (np.log(energy / 1.5) / 0.8) ** 2)


def spectrum(background: bool, shelf: bool = False, seed: int = 1) -> Spectrum:
    """Return simulated counts, some 25000."""
    edges, channels, matrix, area = detector(shelf)
    rmf = RMF(edges[:-1], edges[1:], matrix, channels[:-1], channels[1:])
    response = Response(rmf, ARF(edges[:-1], edges[1:], area))
    rng = np.random.default_rng(seed)
    mu = response.fold(BrokenPowerLaw().evaluate(edges, **TRUTH)) * EXPOSURE
    back = ()
    if background:
        mu = mu + 0.6
        back = Spectrum(rng.poisson(3.0, SIZE), exposure=EXPOSURE, backscal=5.0)
    return Spectrum(rng.poisson(mu), exposure=EXPOSURE, response=response, background=back)


def folded_rows(background: bool, shelf: bool, n: int) -> list[Row]:
    """Return fits, each the mean of `n` simulated spectra, an evaluation and a batch of 64."""
    measured = [fit_times(background, shelf, seed) for seed in range(1, n + 1)]
    one, five, peer_fit, peer_value = np.mean([times for times, _ in measured], axis=0)
    note = next((words for _, words in measured if "higher" in words), measured[0][1])
    problem = SpectralProblem(spectrum(background, shelf), BrokenPowerLaw(fixed=False, **START))
    theta = problem.parameters.free_values
    block = theta * np.random.default_rng(2).uniform(0.99, 1.01, (64, theta.size))
    value = 1e3 * best_cpu_time(lambda: problem.log_likelihood(theta))
    batch = 1e3 * best_cpu_time(lambda: problem.log_likelihood(block))
    what = f"{SIZE} channels x {SIZE} energies, {'CCD' if shelf else 'Gaussian'}, "
    what += "W-stat" if background else "C-stat"
    return [
        Row(f"broken power law, one start: {what}", one, peer_fit, peer_fit / one, "ms", 4.0, note),
        Row("  the same with five starts", five, peer_fit, peer_fit / five, "ms", None, note),
        Row(f"one statistic: {what}", value, peer_value, peer_value / value, "ms", 8.0, note),
        Row(f"64 points: {what}", batch, 10.0, 10.0 / batch, "ms", 1.0, "peer: the limit"),
    ]


def fit_times(background: bool, shelf: bool, seed: int) -> tuple[tuple[float, ...], str]:
    """Return milliseconds of fits from one start and from five, and of Sherpa's fit and statistic.

    How long a search takes depends on how well the counts happen to show the break.
    """
    data = spectrum(background, shelf, seed)
    problem = SpectralProblem(data, BrokenPowerLaw(fixed=False, **START))

    def fit(n_starts: int) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstrokitWarning)
            return problem.fit(n_starts=n_starts)

    one = 1e3 * best_cpu_time(lambda: fit(1), repeats=3)
    five = 1e3 * best_cpu_time(lambda: fit(5), repeats=3)
    *peer, note = sherpa_times(data, fit(5).statistic, background, shelf)
    return (one, five, *peer), note


def sherpa_times(
    data: Spectrum, best: float, background: bool, shelf: bool
) -> tuple[float, float, str]:
    """Return Sherpa's milliseconds for a fit and for a statistic, and what it is."""
    try:
        import sherpa
        from sherpa.astro.data import DataPHA, DataRMF
        from sherpa.astro.instrument import Response1D, create_arf
        from sherpa.astro.models import BPL1D
        from sherpa.fit import Fit
        from sherpa.optmethods import LevMar
        from sherpa.stats import CStat, WStat
    except ImportError:
        return math.nan, math.nan, "sherpa is not installed"
    edges, channels, matrix, area = detector(shelf)
    first, numbers, values = [], [], []
    for column in matrix.T:
        used = np.flatnonzero(column)
        first.append(used[0] + 1)
        numbers.append(used[-1] - used[0] + 1)
        values.append(column[used[0] : used[-1] + 1])
    whole = [np.array(x, dtype=np.uint64) for x in ([1] * SIZE, first, numbers)]
    rmf = DataRMF("rmf", SIZE, edges[:-1], edges[1:], *whole, np.concatenate(values),
                  offset=1, e_min=channels[:-1], e_max=channels[1:])  # fmt: skip
    number = np.arange(1, SIZE + 1)
    pha = DataPHA("spectrum", number, data.counts, exposure=EXPOSURE, backscal=1.0)
    pha.set_arf(create_arf(edges[:-1], edges[1:], area, exposure=EXPOSURE))
    pha.set_rmf(rmf)
    pha.set_analysis("energy")
    if background:
        pha.set_background(
            DataPHA("b", number, data.background_counts, exposure=EXPOSURE, backscal=5.0)
        )
    law = BPL1D("law")
    names = ("gamma1", "gamma2", "eb", "ampl")
    limits = ((-3, 10), (-3, 10), (0.3, 11), (1e-7, 10))
    for own, (low, high), value in zip(names, limits, START.values(), strict=True):
        getattr(law, own).set(value, min=low, max=high)
    law.ref = 1.0
    law.ref.freeze()
    search = Fit(pha, Response1D(pha)(law), stat=WStat() if background else CStat(),
                 method=LevMar())  # fmt: skip

    def fit() -> Any:
        for own, value in zip(names, START.values(), strict=True):
            getattr(law, own).val = value
        return search.fit()

    found = fit().statval
    milliseconds = 1e3 * best_cpu_time(fit), 1e3 * best_cpu_time(search.calc_stat)
    behind = f"; its minimum lies {found - best:.2g} higher" if found - best > 0.01 else ""
    return *milliseconds, f"sherpa {sherpa.__version__}, levmar{behind}"


# -- tables of 20 points ------------------------------------------------------------------------


def table_rows(n: int) -> list[Row]:
    """Return fits per second of straight and broken laws, with lmfit as the peer."""
    energy = np.geomspace(0.3, 10.0, 20)
    rng = np.random.default_rng(3)
    rows = []
    for model, values, required in (
        (PowerLaw(), {"photon_index": 2.1, "normalization": 1e-3}, 10_000),
        (BrokenPowerLaw(), {**TRUTH, "break_energy": 2.0}, 3_000),
    ):
        mean = model.density(energy, **values)
        flux = mean * rng.normal(1.0, 0.05, (n, energy.size))
        error = np.broadcast_to(0.05 * mean, flux.shape).copy()
        ours = n / best_cpu_time(lambda y=flux, e=error, m=model: fit_flux_table(energy, y, e, m))
        peer = lmfit_rate(energy, flux[:20], error[:20], len(values))
        name = f"{model.label}, {n} tables of 20 points"
        rows.append(Row(name, ours, peer, ours / peer, "fits / s", None, "lmfit, one start"))
        rows.append(Row("  against what is required", ours, required, ours / required, "fits / s",
                        1.0, "peer: the requirement"))  # fmt: skip
    return rows


def lmfit_rate(energy: np.ndarray, flux: np.ndarray, error: np.ndarray, free: int) -> float:
    """Return lmfit's least-squares fits per second of the same law."""
    import lmfit

    def residual(p: Any, y: np.ndarray, e: np.ndarray) -> np.ndarray:
        v = p.valuesdict()
        if free == 2:
            return (y - v["K"] * 1e-3 * energy ** -v["G"]) / e
        low = energy ** -v["G"]
        high = v["b"] ** (v["H"] - v["G"]) * energy ** -v["H"]
        return (y - v["K"] * 1e-3 * np.where(energy < v["b"], low, high)) / e

    start = lmfit.Parameters()
    start.add("K", 1.0, min=1e-6)
    start.add("G", 2.0)
    if free == 4:
        start.add("H", 2.2)
        start.add("b", 1.8, min=0.4, max=9.0)

    def all_of_them() -> None:
        for y, e in zip(flux, error, strict=True):
            lmfit.minimize(residual, start, args=(y, e), scale_covar=False)

    return len(flux) / best_cpu_time(all_of_them, repeats=3)
