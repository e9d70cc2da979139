"""The 22 simulated epochs: read as any XMM-Newton file, and true to their headers."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

import astrokit as ak
from astrokit.timing import fractional_variability

GENERATOR = Path(__file__).parents[2] / "data" / "make_simulated_epochs.py"
NAMES = [f"simulated-epoch-{i:02d}" for i in range(1, 23)]


def total_of(path):
    soft, hard = (ak.read_lightcurve(path, hdu=band) for band in ("SOFT", "HARD"))
    return soft, hard, ak.timing.sum_of_bands(soft, hard)


def test_the_set_is_what_it_claims():
    headers = [fits.getheader(ak.datasets.fetch(name), "SOFT") for name in NAMES]
    assert sum(h["TRUFLUX"] == "bimodal" for h in headers) == 7
    assert sum(h["TRUTREND"] != 0 for h in headers) == 2
    assert sum(h["SPMODEL"] == "BPL" for h in headers) == 13
    assert sum(ak.datasets.fetch(name).stat().st_size for name in NAMES) < 3_000_000
    assert all(ak.datasets.info(name).truth for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_epoch_agrees_with_its_header(name):
    path = ak.datasets.fetch(name)
    truth = fits.getheader(path, "SOFT")
    soft, hard, total = total_of(path)
    for band, low, high in ((soft, 0.3, 2.0), (hard, 2.0, 10.0)):
        assert band.info.energy_range == (low, high)
        assert band.info.mjdref == 50814.0
        assert band.dt == 100.0
        assert not band.read_report.assumptions
    assert total.n == soft.n
    assert abs(fractional_variability(total).sigma_from(truth["TRUFVAR"])) < 4
    good = total.valid
    standard_error = np.sqrt(np.mean(total.error[good] ** 2) / good.sum())
    if good.all():  # the mean of the header is that of all bins
        assert abs(total.mean_rate - truth["TRUMEAN"]) < 4 * standard_error
    share = hard.rate[good].sum() / total.rate[good].sum()
    assert share == pytest.approx(truth["TRUHARD"], abs=0.02)


def test_gaps_are_in_data_and_intervals():
    soft, _, total = total_of(ak.datasets.fetch("simulated-epoch-08"))
    assert len(soft.gti) == 3
    assert int((~soft.valid).sum()) == 21 + 40
    assert np.array_equal(total.valid, soft.valid)


@pytest.mark.skipif(not GENERATOR.exists(), reason="the generator is part of the repository")
def test_generator_makes_these_rates():
    generator = runpy.run_path(str(GENERATOR))
    epoch = generator["EPOCHS"][2]
    process, _ = generator["gaussian"](epoch, np.random.default_rng([generator["SEED"], 3]))
    relative = generator["two_normals"](process, epoch.states)
    rate = relative.reshape(epoch.bins, -1).mean(axis=1)
    header = fits.getheader(ak.datasets.fetch("simulated-epoch-03"), "SOFT")
    assert rate.std(ddof=1) / rate.mean() == pytest.approx(header["TRUFVAR"], abs=1e-6)
