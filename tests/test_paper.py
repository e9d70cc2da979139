"""The paper: citations resolve, sections are there, and its numbers are those of stored tables."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

CHECKOUT = Path(__file__).resolve().parents[1]
PAPER = CHECKOUT / "paper" / "paper.md"

pytestmark = pytest.mark.skipif(not PAPER.is_file(), reason="needs the checkout with the paper")


@pytest.fixture(scope="module")
def text() -> str:
    """Return the paper without its header, on one line."""
    body = PAPER.read_text(encoding="utf-8").split("---", 2)[2]
    return " ".join(body.split())


def test_citations_and_references_are_the_same(text):
    cited = set(re.findall(r"@(\w+)", text))
    entries = re.findall(
        r"^@\w+\{(\w+),", PAPER.with_name("paper.bib").read_text(encoding="utf-8"), re.M
    )
    assert len(entries) == len(set(entries))
    assert cited == set(entries)


def test_the_sections_of_a_software_paper_are_there(text):
    for title in (
        "Summary",
        "Statement of need",
        "State of the field",
        "Software design",
        "Validation",
        "Acknowledgements",
        "References",
    ):
        assert f"# {title}" in text
    assert 750 <= len(text.split()) <= 1750


def test_coverages_are_those_of_the_calibration(text):
    table = Table.read(CHECKOUT / "docs" / "calibration" / "coverage.ecsv", format="ascii.ecsv")
    at = table[np.abs(table["level"] - 0.68) < 0.005]
    low, high = 100 * min(at["coverage"]), 100 * max(at["coverage"])
    assert f"between {low:.1f} % and {high:.1f} %" in text
    largest = np.abs(table["deviation"]).max()
    assert f"the largest of {len(table)} deviations is {largest:.1f} standard errors" in text


def test_numbers_of_comets_are_those_of_the_calibration(text):
    table = Table.read(CHECKOUT / "docs" / "calibration" / "comets.ecsv", format="ascii.ecsv")
    index = table[[p == "heliocentric index" for p in table["parameter"]]]
    at = index[np.abs(index["level"] - 0.68) < 0.005]
    free, fixed = (100 * value for value in at["coverage"])
    assert f"{free:.1f} % of 1000 simulations" in text
    assert f"most probable value in {fixed:.1f} %" in text


def test_agreement_with_other_packages_is_that_of_the_validation(text):
    table = Table.read(CHECKOUT / "docs" / "validation" / "others.ecsv", format="ascii.ecsv")
    exact = table[[room != "backend" for room in table["room"]]]
    assert len({peer.split()[0] for peer in exact["peer"]}) == 7
    assert "seven other packages to better than 10^-9^" in text
    assert exact["difference"].max() < 1e-9
