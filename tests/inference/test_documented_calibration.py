"""The page on calibration: its problems, in a small run, and the tables that it shows."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

from astrokit.inference import calibrate

PAGE = Path(__file__).parents[2] / "docs" / "calibration"
SHORT = {"ensembles": 1, "until": 20.0, "max_steps": 4000}


@pytest.fixture(scope="module")
def page():
    """Return the script that makes the page, as a module."""
    spec = importlib.util.spec_from_file_location("make_calibration", PAGE / "make_calibration.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["poisson", "psd", "line-small", "poisson-small", "psd-small"])
def test_posteriors_are_calibrated(page, name):
    """Coverage within 4 binomial sigma; the page itself has many more data sets."""
    _, make = page.POSTERIORS[name]
    result = calibrate(make(), 60, sampling=SHORT, seed=7)
    assert result.n_failed == 0
    assert np.abs(result.coverage_table()["deviation"]).max() < 4, repr(result)
    tests = result.rank_table(bins=10)
    assert min(tests["p_chi2"].min(), tests["p_ecdf"].min()) > 1e-4


def table(name):
    from astropy.table import QTable

    return QTable.read(PAGE / name, format="ascii.ecsv")


def test_every_coverage_on_the_page_is_within_three_sigma():
    rows = table("coverage.ecsv")
    assert set(rows["n"]) == {1000}
    assert len(rows) == 3 * (2 + 2 + 3) * 2
    assert np.abs(rows["deviation"]).max() < 3
    np.testing.assert_allclose(
        rows["sigma"], np.sqrt(rows["level"] * (1 - rows["level"]) / 1000), rtol=1e-4
    )


def test_every_rank_test_on_the_page_passes():
    rows = table("ranks.ecsv")
    assert len(rows) == 14
    assert rows["failed"].max() == 0
    # The smallest of 28 p-values is below 1e-4 once in 350.
    assert min(rows["p_chi2"].min(), rows["p_ecdf"].min()) > 1e-4


def test_intervals_that_do_not_cover_are_flagged():
    """Where covariance intervals are given and cover by 10 % too little, most carry a warning."""
    rows = table("fits.ecsv")
    off = (rows["kind"] == "covariance") & (rows["coverage"] < 0.5827) & (rows["given"] > 100)
    assert off.sum() >= 1
    assert rows["flagged"][off].min() > 0.5
    quiet = (rows["kind"] == "covariance") & (rows["flagged"] < 0.1) & (rows["given"] > 500)
    assert quiet.sum() >= 5
    assert np.abs(rows["coverage"][quiet] - 0.6827).max() < 0.06 + 4 * math.sqrt(0.22 / 1000)
