"""The posterior of the likelihood of a light curve: its study in a small run, and its tables."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from astrokit.inference import calibrate

PAGE = Path(__file__).parents[2] / "docs" / "calibration"
SHORT = {"ensembles": 1, "until": 15.0, "max_steps": 2000, "walkers": 16}


@pytest.fixture(scope="module")
def study():
    """Return the script that makes figures and tables, as a module."""
    path = PAGE / "gaussian_calibration.py"
    spec = importlib.util.spec_from_file_location("gaussian_calibration", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["gaussian-gaps", "gaussian-irregular"])
def test_posteriors_are_calibrated(study, name):
    """Coverage within 4 binomial sigma; the page itself has more data sets."""
    _, make = study.STUDIES[name]
    result = calibrate(make(), 25, sampling=SHORT, seed=7)
    assert result.n_failed == 0
    assert np.abs(result.coverage_table()["deviation"]).max() < 4, repr(result)
    tests = result.rank_table(bins=5)
    assert min(tests["p_chi2"].min(), tests["p_ecdf"].min()) > 1e-4


def test_every_number_on_the_page_passes():
    from astropy.table import QTable

    coverage = QTable.read(PAGE / "gaussian_coverage.ecsv", format="ascii.ecsv")
    assert len(coverage) == 3 * (3 + 2)
    assert coverage["n"].min() >= 100
    assert np.abs(coverage["deviation"]).max() < 3
    ranks = QTable.read(PAGE / "gaussian_ranks.ecsv", format="ascii.ecsv")
    assert ranks["failed"].max() == 0
    assert min(ranks["p_chi2"].min(), ranks["p_ecdf"].min()) > 1e-4
