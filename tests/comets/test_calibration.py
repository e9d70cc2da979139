"""Error bars of heliocentric indices: a small run of the study, and its table."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from astrokit.inference import calibrate

PAGE = Path(__file__).parents[2] / "docs" / "calibration"
SHORT = {"ensembles": 1, "until": 20.0, "max_steps": 4000}


@pytest.fixture(scope="module")
def study():
    """Return the script of the study as a module."""
    sys.path.insert(0, str(PAGE))
    try:
        spec = importlib.util.spec_from_file_location("comet_index", PAGE / "comet_index.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(PAGE))
    return module


def test_posteriors_of_the_index_are_calibrated(study):
    result = calibrate(study.design(), 40, sampling=SHORT, seed=7)
    assert result.n_failed == 0
    assert np.abs(result.coverage_table()["deviation"]).max() < 4, repr(result)


def test_the_page_shows_a_study_that_passes():
    table = Table.read(PAGE / "comets.ecsv")
    free = table["phase_coefficient"] != "fixed at 0.04"
    assert set(table["n"][free]) == {1000}
    assert np.abs(table["deviation"][free]).max() < 3
    ranks = Table.read(PAGE / "comets-ranks.ecsv")
    assert min(ranks["p_chi2"].min(), ranks["p_ecdf"].min()) > 1e-4


def test_a_fixed_phase_coefficient_is_shown_to_undercover():
    table = Table.read(PAGE / "comets.ecsv")
    fixed = table[table["phase_coefficient"] == "fixed at 0.04"]
    assert len(fixed) == 1
    assert fixed["coverage"][0] < 0.5
