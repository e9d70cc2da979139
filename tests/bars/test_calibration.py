"""Error bars of pattern speeds: a small run of the study, and its tables."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

PAGE = Path(__file__).parents[2] / "docs" / "calibration"


@pytest.fixture(scope="module")
def study():
    """Return the script of the study as a module."""
    sys.path.insert(0, str(PAGE))
    try:
        spec = importlib.util.spec_from_file_location("bars_study", PAGE / "bars.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(PAGE))
    return module


def test_intervals_hold_the_truth_as_often_as_they_say(study):
    n = 60
    seeds = np.random.SeedSequence(77).spawn(n)
    rows = [study.one(k < 10, False, k, seeds[k]) for k in range(n)]
    assert not [row for row in rows if "refused" in row]
    for name in ("speed", "ratio"):
        share = study.covered([row[f"draws_{name}"] for row in rows])
        assert abs(share - study.LEVEL) < 4 * np.sqrt(study.LEVEL * (1 - study.LEVEL) / n)
        assert abs(np.mean([row[f"draws_{name}"] for row in rows]) - 0.5) < 4 / np.sqrt(12 * n)
        cut = study.covered([row[f"cut_{name}"] for row in rows[:10]])
        assert abs(cut - study.LEVEL) < 4 * np.sqrt(study.LEVEL * (1 - study.LEVEL) / 10)


def test_the_page_shows_a_study_that_passes():
    table = Table.read(PAGE / "bars.ecsv")
    whole = table[table["group"] == "all"]
    assert sorted(whole["n"]) == [300, 300, 1000, 1000]
    assert np.all((whole["coverage"] > 0.64) & (whole["coverage"] < 0.72))
    assert np.abs(table["deviation"]).max() < 3.5  # of 36 groups
    assert np.abs(whole["mean_place"] - 0.5).max() < 0.04


def test_the_page_shows_where_geometry_makes_it_hard():
    table = Table.read(PAGE / "bars-map.ecsv")
    angle = table[table["number"] == "bar angle"]
    errors = dict(zip(angle["range"], angle["typical_error"], strict=True))
    for close in ("5 to 10 deg", "75 to 80 deg", "80 to 85 deg"):
        assert errors[close] > 2 * errors["30 to 60 deg"]
