"""Files of this and of all earlier versions give the numbers that were written."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

import astrokit as ak
from tests.fixtures.make_fixtures import FILES, FOLDER, VALUES

WRITTEN = sorted(
    p for p in FOLDER.glob("*/*") if p.name != VALUES and p.parent.joinpath(VALUES).is_file()
)


def test_this_version_left_its_files():
    """Whoever changes the version runs ``python -m tests.fixtures.make_fixtures``."""
    here = FOLDER / ak.__version__
    assert {p.name for p in WRITTEN if p.parent == here} == set(FILES)


@pytest.mark.parametrize("path", WRITTEN, ids=[f"{p.parent.name}/{p.name}" for p in WRITTEN])
def test_gives_the_same_numbers(path: Path):
    expected = json.loads((path.parent / VALUES).read_text(encoding="utf-8"))[path.name]
    _, read = FILES[path.name]
    found = json.loads(json.dumps(read(path), allow_nan=False))  # tuples become lists
    for fact, value in expected.items():  # later versions may know more
        assert_same(value, found[fact], fact)


def assert_same(expected: Any, found: Any, where: str) -> None:
    """Compare JSON; a float may differ by rounding, since a mean is summed in another order."""
    assert type(expected) is type(found), where
    if isinstance(expected, float):
        assert math.isclose(expected, found, rel_tol=1e-12, abs_tol=0.0), where
    elif isinstance(expected, dict):
        assert set(expected) <= set(found), where
        for key, value in expected.items():
            assert_same(value, found[key], f"{where}[{key}]")
    elif isinstance(expected, list):
        assert len(expected) == len(found), where
        for i, (a, b) in enumerate(zip(expected, found, strict=True)):
            assert_same(a, b, f"{where}[{i}]")
    else:
        assert expected == found, where


def test_they_are_small():
    assert sum(p.stat().st_size for p in WRITTEN if p.parent.name == ak.__version__) < 400_000
