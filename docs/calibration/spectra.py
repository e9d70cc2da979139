"""Measure the calibration of spectral fits; writes figures and tables of the page on calibration.

Run ``python docs/calibration/spectra.py [n] [workers] [fits] [posteriors]`` from the top of the
repository; 1000 data sets per study take about 35 minutes on one core. What was done is kept in
``build/calibration``, and a run that was stopped goes on from there.
"""

from __future__ import annotations

import json
import sys
import warnings
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
from astropy.table import Table, vstack

import astrokit as ak
from astrokit.inference import LogUniform, Uniform, calibrate
from astrokit.parallel import map_items
from astrokit.randomness import spawn
from astrokit.spectra import PowerLaw, Response, SpectralProblem, Spectrum
from astrokit.spectra.binned import BinnedSpectrum

HERE = Path(__file__).parent
STORE = HERE.parents[1] / "build" / "calibration"
SEED = 20260201
COUNTS = (20, 200, 2000)
EDGES = np.geomspace(0.5, 8.0, 31)
RATIO = 0.2  # of background counts in the source region to those in the background region
SPARSE = 0.1  # background counts in a channel of a region as large as that of the source
TRUTH = {"photon_index": 2.0, "normalization": 1e-3}


def response() -> Response:
    """Return a detector with 30 channels, an area that peaks at 1.5 keV, and some blur."""
    middle = np.sqrt(EDGES[1:] * EDGES[:-1])
    area = 300.0 * np.exp(-0.5 * np.log(middle / 1.5) ** 2)
    return Response.ideal(EDGES, area=area, fwhm=0.1 * np.sqrt(middle))


def source() -> PowerLaw:
    """Return a power law with priors that data of 20 counts do not fill."""
    return PowerLaw(photon_index=Uniform(1.0, 3.0), normalization=LogUniform(3e-4, 3e-3))


def problem(counts: int, background: str, statistic: str = "auto") -> SpectralProblem:
    """Return a problem whose typical data have this many source counts.

    `background` is "none", "profiled" (by W-stat), "modelled" (by a power law of its own) or
    "sparse" (by W-stat as well). Half as many background counts as source counts fall on the
    source, spread evenly over channels; of a sparse background, one count in ten channels falls on
    either region, which are equally large.
    """
    fold = response()
    photons = PowerLaw().evaluate(EDGES, **TRUTH)
    exposure = counts / float(fold.fold(photons).sum())
    ones = np.ones(EDGES.size - 1)
    ratio = 1.0 if background == "sparse" else RATIO
    back = () if background == "none" else Spectrum(ones, exposure=exposure, backscal=1 / ratio)
    spectrum = Spectrum(ones, exposure=exposure, response=fold, background=back)
    binned = BinnedSpectrum.of(spectrum, statistic, modelled=background == "modelled")
    data = binned.data.copy()
    data[0] = binned.fold.fold(PowerLaw().photons(binned.grid, list(TRUTH.values())))[0]
    if background != "none":
        # Expectations: data are drawn around them.
        data[1] = SPARSE if background == "sparse" else 0.5 * counts / ratio / ones.size
        data[0] += ratio * data[1]
    model = None
    if background == "modelled":
        model = PowerLaw(photon_index=Uniform(0.0, 2.0), normalization=LogUniform(1e-4, 1e-2))
    return SpectralProblem(replace(binned, data=data), source(), background=model)


POSTERIORS = {
    f"spectra-{background}-{counts}": (f"{title}, {counts} counts", counts, background)
    for background, title in (
        ("none", "C-stat, no background"),
        ("modelled", "C-stat, modelled background"),
        ("profiled", "W-stat, profiled background"),
        ("sparse", "W-stat, sparse background"),
    )
    for counts in COUNTS
}


def study_posteriors(n: int, executor: Executor | None) -> None:
    """Simulation-based calibration with each treatment of the background."""
    from make_calibration import RANK_COLUMNS, by_level, draw, markdown, save, with_first

    coverage, ranks = [], []
    for k, (name, (title, counts, background)) in enumerate(POSTERIORS.items()):
        result = calibrate(
            problem(counts, background),
            n,
            seed=SEED + k,
            executor=executor,
            checkpoint=STORE / f"{name}.json",
        )
        print(f"{title}\n{result}\n", flush=True)
        draw(result, title, HERE / f"{name}.png")
        coverage.append(with_first(result.coverage_table(), "study", title))
        tests = with_first(result.rank_table(), "study", title)
        tests["converged"] = result.verdicts.get("converged", 0)
        tests["failed"] = result.n_failed
        ranks.append(tests)
        save(vstack(coverage), HERE / "spectra-coverage.ecsv")
        save(vstack(ranks), HERE / "spectra-ranks.ecsv")
        levels = by_level(vstack(coverage))
        markdown(levels, dict.fromkeys(levels.colnames, ""), HERE / "spectra-coverage.inc")
        markdown(vstack(ranks), RANK_COLUMNS, HERE / "spectra-ranks.inc")


# -- fits of Poisson counts by every statistic ---------------------------------------------------

FITS = [
    ("none", "cstat", "C-stat"),
    ("profiled", "wstat", "W-stat"),
    ("sparse", "wstat", "W-stat, sparse background"),
    ("none", "chi2_data", "chi2, variance from the data, 5 or more counts a group"),
    ("none", "chi2_gehrels", "chi2, Gehrels variance, 5 or more counts a group"),
    ("none", "chi2_model", "chi2, variance from the model, 5 or more counts a group"),
]


def recovered(
    case: tuple[int, str, str], seed: np.random.SeedSequence
) -> tuple[float, float, float, float]:
    """Return index and normalisation with their errors from one simulated spectrum."""
    counts, background, statistic = case
    template = problem(counts, background)
    drawn = template.simulate(template.parameters.free_values * 0 + list(TRUTH.values()), seed)
    binned = drawn.data[0]
    if statistic.startswith("chi2"):
        exposure = template.data[0].exposure
        whole = Spectrum(binned.data[0], exposure=exposure, response=response())
        binned = BinnedSpectrum.of(whole.group(min_counts=5), statistic)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ak.errors.AstrokitWarning)
        try:
            fit = SpectralProblem(binned, PowerLaw()).fit(n_starts=2)
        except ak.errors.AstrokitError:
            return (np.nan,) * 4
    index, norm = fit["photon_index"], fit["normalization"]
    return index.value, index.error, norm.value, norm.error


def coverage(
    case: tuple[int, str, str], n: int, seed: int = SEED, executor: Executor | None = None
) -> dict[str, float]:
    """Return the bias of the index in errors, and how often intervals hold the truth."""
    answers = map_items(recovered, [case] * n, seeds=spawn(seed, n), executor=executor)
    found = np.array(answers)
    index, e_index, norm, e_norm = found[np.isfinite(found).all(axis=1)].T
    pulls = (index - TRUTH["photon_index"]) / e_index, (norm - TRUTH["normalization"]) / e_norm
    return {
        "fits": index.size,
        "index_bias": float(np.mean(index) - TRUTH["photon_index"]),
        "index_bias_error": float(np.std(index) / np.sqrt(index.size)),
        "normalization_bias": float(np.mean(norm) / TRUTH["normalization"] - 1),
        "normalization_bias_error": float(np.std(norm) / TRUTH["normalization"] / index.size**0.5),
        "index_coverage": float(np.mean(np.abs(pulls[0]) < 1)),
        "normalization_coverage": float(np.mean(np.abs(pulls[1]) < 1)),
    }


FIT_COLUMNS = {
    "statistic": "",
    "counts": "d",
    "index_bias": "+.3f",
    "index_bias_error": ".3f",
    "normalization_bias": "+.3f",
    "normalization_bias_error": ".3f",
    "index_coverage": ".3f",
    "normalization_coverage": ".3f",
    "fits": "d",
}


def study_fits(n: int, executor: Executor | None) -> None:
    """Bias and coverage of fits at a fixed truth."""
    from make_calibration import markdown, save

    kept = STORE / "spectra-fits.json"
    done = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    rows = []
    for background, statistic, title in FITS:
        for counts in COUNTS:
            key = f"{background} {statistic} {counts} {n}"
            if key not in done:
                done[key] = coverage((counts, background, statistic), n, executor=executor)
                kept.write_text(json.dumps(done), encoding="utf-8")
            rows.append({"statistic": title, "counts": counts, **done[key]})
            print(rows[-1], flush=True)
    table = Table(rows=rows)
    save(table, HERE / "spectra-fits.ecsv")
    markdown(table, FIT_COLUMNS, HERE / "spectra-fits.inc")


def main() -> None:
    """Run the studies that are named, or both."""
    numbers = [int(a) for a in sys.argv[1:] if a.isdigit()]
    n, workers = (numbers + [1000, 2][len(numbers) :])[:2]
    names = [a for a in sys.argv[1:] if not a.isdigit()] or ["fits", "posteriors"]
    STORE.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(HERE))
    with ProcessPoolExecutor(workers) if workers > 1 else nullcontext() as executor:
        if "fits" in names:
            study_fits(2 * n, executor)
        if "posteriors" in names:
            study_posteriors(n, executor)


if __name__ == "__main__":
    main()
