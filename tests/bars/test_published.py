"""Published tables: medians and class fractions as printed, and every refusal."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import QTable, Table

import astrokit as ak
from astrokit.bars import class_counts, read_geron2023, read_phangs2021
from astrokit.errors import InputError, ReadError

INPUTS, RESULTS = "tw/geron2023_table1.csv", "tw/geron2023_table3.csv"


def published():
    return QTable.read(ak.datasets.find("published-bars"), format="ascii.ecsv")


@pytest.fixture
def geron(real_data):
    return read_geron2023(real_data(INPUTS), real_data(RESULTS))


def test_the_table_has_225_galaxies_with_units(geron):
    assert len(geron) == 225
    assert str(geron["pattern_speed_kpc"].unit) == "km / (kpc s)"
    assert geron["bar_radius_error"].unit == "arcsec"
    for name in ("pattern_speed", "corotation_radius", "ratio"):
        for end in ("_lower", "_upper"):
            errors = np.asarray(getattr(geron[name + end], "value", geron[name + end]))
            assert np.nanmin(errors) > 0  # the files give limits, and here are distances
    row = geron[geron["name"] == "8135-6103"][0]
    assert row["corotation_radius"].value == pytest.approx(14.3255, abs=1e-4)
    assert row["corotation_radius_lower"].value == pytest.approx(14.3255 - 11.7039, abs=1e-4)


def test_the_published_medians_follow_from_the_table(geron):
    strong = geron["bar_type"] == "Strong bar"
    samples = {
        "MaNGA, 225 bars": np.ones(225, bool),
        "MaNGA, 122 strong bars": strong,
        "MaNGA, 103 weak bars": ~strong,
    }
    assert (strong.sum(), (~strong).sum()) == (122, 103)
    compared = 0
    for row in published():
        if row["object"] in samples and not row["quantity"].endswith("fraction"):
            column = geron[row["quantity"]][samples[row["object"]]]
            median = np.nanmedian(np.asarray(getattr(column, "value", column)))
            digits = 3 if row["quantity"] == "ratio" else 2
            assert round(float(median), digits) == pytest.approx(row["value"], abs=1e-9)
            compared += 1
    assert compared == 9


def test_the_published_fractions_count_the_galaxies_without_ratio_as_fast(geron):
    as_fast = class_counts(geron["ratio"], missing="fast")
    assert (as_fast.ultrafast, as_fast.fast, as_fast.slow, as_fast.total) == (25, 60, 140, 225)
    printed = {
        row["quantity"]: row["value"] for row in published() if "fraction" in row["quantity"]
    }
    for name, fraction in as_fast.fractions.items():
        assert round(fraction.value, 2) == printed[f"{name}_fraction"]
    left_out = class_counts(geron["ratio"])
    assert left_out.total == 210
    assert left_out.missing == 15
    found = [round(100 * f.value, 1) for f in left_out.fractions.values()]
    assert found == [11.9, 21.4, 66.7]


def test_the_corotation_radii_of_four_galaxies_stand_in_both_tables(geron):
    for row in published():
        name = row["object"].removeprefix("MaNGA ")
        if row["quantity"] == "corotation_radius" and name in geron["name"]:
            theirs = geron[geron["name"] == name][0]
            for end in ("", "_lower", "_upper"):
                mine = row["value" if not end else end[1:]]
                assert theirs[f"corotation_radius{end}"].value == pytest.approx(mine, abs=0.0051)


def test_the_edges_of_classes_and_binomial_errors():
    counts = class_counts([0.99, 1.0, 1.4, 1.41])
    assert (counts.ultrafast, counts.fast, counts.slow) == (1, 2, 1)
    assert class_counts([2.0, np.nan], missing="slow").slow == 2
    fraction = class_counts(np.r_[np.full(50, 0.5), np.full(50, 2.0)]).fractions["slow"]
    assert fraction.error == pytest.approx(0.05, rel=0.02)  # sqrt(p (1 - p) / n)
    none = class_counts(np.full(20, 2.0)).fractions["fast"]
    assert none.value == none.lower == 0
    assert none.upper == pytest.approx(1 / 21)  # Wilson at one sigma: z2 / (n + z2)
    masked = class_counts(np.ma.array([1.2, 5.0], mask=[False, True]))
    assert (masked.total, masked.missing) == (1, 1)


def test_class_counts_refuse_what_they_cannot_count():
    with pytest.raises(InputError, match="missing is unknown"):
        class_counts([1.0], missing="ignore")
    with pytest.raises(InputError, match="negative"):
        class_counts([-1.0, 2.0])


def test_tables_that_do_not_match_are_refused(real_data, tmp_path):
    table = Table.read(real_data(RESULTS), format="ascii.csv")
    table[:-1].write(tmp_path / "short.csv")
    with pytest.raises(ReadError, match="do not hold the same galaxies"):
        read_geron2023(real_data(INPUTS), tmp_path / "short.csv")
    table.remove_column("R_ll")
    table.write(tmp_path / "narrow.csv")
    with pytest.raises(ReadError, match="no column R_ll"):
        read_geron2023(real_data(INPUTS), tmp_path / "narrow.csv")
    Table({"a": [1]}).write(tmp_path / "other.csv")
    with pytest.raises(ReadError, match="no column PLATEIFU"):
        read_geron2023(tmp_path / "other.csv")
    with pytest.raises(ReadError, match="cannot be read"):
        read_geron2023(tmp_path / "absent.csv")


def test_the_phangs_table_holds_three_tracers(real_data):
    """Williams et al. 2021: 83 galaxies, of which 19 have a MUSE mosaic."""
    table = read_phangs2021(real_data("tw/phangs_pattern_speeds_v1p0.fits"))
    assert len(table) == 83
    assert np.isfinite(table["stars"]).sum() == 19
    assert table["stars"].unit == "km / (s kpc)"
    rows = np.isfinite(table["stars"])
    assert set(table["stars_quality"][rows]) <= {1, 2, 3, 4}
    assert np.all(table["stars_lower"][rows].value >= 0)
    # What the paper warns of: gas gives higher speeds than the stars in the same galaxies.
    both = rows & np.isfinite(table["co"])
    assert np.median(table["co"][both]) > np.median(table["stars"][both])
