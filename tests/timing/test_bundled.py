"""What ships: the simulated light curve and the published values."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

import astrokit as ak
from astrokit.timing import Constant, Periodogram, PowerLaw, PSDProblem, fractional_variability

GENERATOR = Path(__file__).parents[2] / "data" / "make_simulated_lightcurve.py"


def test_simulated_curve_is_read_without_assumptions():
    lc = ak.read_lightcurve(ak.datasets.fetch("simulated-xmm"))
    assert lc.n == 1200
    assert lc.dt == 100.0
    assert lc.valid.all()
    assert lc.info.mjdref == 50814.0
    assert lc.gti.tolist() == [[512345600.0, 512465600.0]]
    assert not lc.read_report.assumptions


def test_amplitude_and_spectrum_are_the_truth_of_the_header():
    path = ak.datasets.fetch("simulated-xmm")
    truth = fits.getheader(path, 1)
    lc = ak.read_lightcurve(path)
    assert abs(fractional_variability(lc).sigma_from(truth["TRUFVAR"])) < 3
    pg = Periodogram.from_lightcurve(lc)
    model = PowerLaw(pivot=truth["TRUPIVOT"]) + Constant()
    fit = PSDProblem(pg, model).fit()
    assert abs(fit["slope"].sigma_from(truth["TRUSLOPE"])) < 3
    assert abs(fit["log_amplitude"].sigma_from(truth["TRULNA"])) < 3
    assert abs(fit["constant"].sigma_from(pg.noise_level)) < 3


@pytest.mark.skipif(not GENERATOR.exists(), reason="the generator is part of the repository")
def test_generator_makes_this_file():
    """The same noiseless mean: the header holds six decimals of it."""
    generator = runpy.run_path(str(GENERATOR))
    rng = np.random.default_rng(generator["SEED"])
    rate = generator["MEAN_RATE"] * (1 + generator["red_noise"](rng))
    header = fits.getheader(ak.datasets.fetch("simulated-xmm"), 1)
    assert rate.mean() == pytest.approx(header["TRUMEAN"], abs=1e-6)
    assert generator["SLOPE"] == header["TRUSLOPE"]


def test_published_values_are_complete():
    table = Table.read(ak.datasets.fetch("published-mrk766"), format="ascii.ecsv")
    assert set(table["quantity"]) == {"low_slope", "high_slope", "break_frequency"}
    row = table[table["quantity"] == "high_slope"][0]
    assert (row["value"], row["lower"], row["upper"]) == (2.8, 0.4, 0.2)
