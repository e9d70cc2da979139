"""What the page on calibration says of bursts: its tables, and a short run of its studies."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

from astrokit.inference import calibrate

PAGE = Path(__file__).parents[2] / "docs" / "calibration"
SHORT = {"ensembles": 1, "until": 20.0, "max_steps": 8000}


@pytest.fixture(scope="module")
def page():
    """Return the script that makes the tables, as a module."""
    spec = importlib.util.spec_from_file_location("burst_breaks", PAGE / "burst_breaks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def table(name):
    from astropy.table import QTable

    return QTable.read(PAGE / name, format="ascii.ecsv")


@pytest.mark.parametrize("n", [300, 50])
def test_posteriors_of_the_broken_law_are_calibrated(page, n):
    """Coverage within 4 binomial sigma; the page itself has many more data sets."""
    result = calibrate(page.broken_law(n), 60, sampling=SHORT, seed=7)
    assert result.n_failed == 0
    assert np.abs(result.coverage_table()["deviation"]).max() < 4, repr(result)
    tests = result.rank_table(bins=10)
    assert min(tests["p_chi2"].min(), tests["p_ecdf"].min()) > 1e-4


def test_p_values_on_the_page_are_within_their_band():
    rows = table("burst_p_values.ecsv")
    assert rows["bursts"].tolist() == [100, 300, 1000]
    assert set(rows["samples"]) == {1000}
    assert np.all(rows["KS distance"] < rows["1 % band"])
    np.testing.assert_allclose(rows["1 % band"], 1.628 / math.sqrt(1000), rtol=1e-4)


def test_every_coverage_on_the_page_is_within_three_sigma():
    rows = table("burst_coverage.ecsv")
    assert set(rows["n"]) == {1000}
    assert set(rows["parameter"]) == {"index_low", "index_high", "log_break_energy"}
    assert np.abs(rows["deviation"]).max() < 3


def test_every_rank_test_on_the_page_passes():
    rows = table("burst_ranks.ecsv")
    assert len(rows) == 3
    assert rows["failed"].max() == 0
    assert min(rows["p_chi2"].min(), rows["p_ecdf"].min()) > 1e-4


def test_intervals_on_the_page():
    """All kinds for all designs; for 300 bursts and more the bootstrap holds what it says."""
    rows = table("burst_intervals.ecsv")
    assert len(rows) == 3 * 2 * 3 * 3
    assert set(rows["kind"]) == {"covariance", "profile", "bootstrap"}
    many = np.array([" 100 bursts" not in design for design in rows["design"]])
    chosen = rows[many & (rows["kind"] == "bootstrap")]
    assert len(chosen) == 12
    sigma = np.sqrt(0.6827 * 0.3173 / chosen["given"])
    assert np.all(np.abs(chosen["coverage"] - 0.6827) < 4 * sigma)
    # Where the covariance is far off, most intervals carry a warning.
    off = rows[(rows["kind"] == "covariance") & (rows["coverage"] < 0.5)]
    assert len(off) >= 1
    assert off["flagged"].min() > 0.5
