"""The comparison that the other tests trust finds what differs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from astropy import units as u
from astropy.table import MaskedColumn, QTable
from scipy import sparse

import astrokit as ak
from astrokit.errors import InputError
from tests.interchange.equality import first_difference
from tests.interchange.examples.inference import fit


@dataclass(frozen=True)
class Thing:
    numbers: np.ndarray
    names: dict[str, float]


THING = Thing(np.array([1.0, np.nan]), {"a": 1.0})


@pytest.mark.parametrize(
    ("other", "where"),
    [
        (replace(THING, numbers=np.array([2.0, np.nan])), "['numbers']"),
        (replace(THING, numbers=np.array([1.0, np.nan], dtype="f4")), "['numbers']"),
        (replace(THING, names={"b": 1.0}), "['names']"),
        (replace(THING, names={"a": 1.5}), "['names']['a']"),
        (replace(THING, names={"a": 1}), "['names']['a']"),
    ],
)
def test_says_where(other, where):
    assert first_difference(THING, other).startswith(where + ":")


def test_equal_things_do_not_differ():
    twin = Thing(np.array([1.0, np.nan]), {"a": 1.0})
    assert first_difference(THING, twin) == ""


def test_one_bit_of_a_result_counts():
    theta = fit().theta.copy()
    theta[0] = np.nextafter(theta[0], np.inf)
    assert "theta" in first_difference(fit(), replace(fit(), theta=theta))


def test_sparse_matrices():
    one = sparse.csr_matrix([[1.0, 0.0], [0.0, 2.0]])
    assert first_difference(one, one.copy()) == ""
    assert "differ" in first_difference(one, 2 * one)


def test_tables():
    one = QTable({"speed": [1.0, 2.0], "n": MaskedColumn([1, 2], mask=[False, True])})
    assert first_difference(one, one.copy()) == ""
    for name, other in (("speed", [1.0, 3.0]), ("speed", [1.0, 2.0] * u.km), ("n", [1, 2])):
        changed = one.copy()
        changed[name] = other
        assert f"[{name!r}]" in first_difference(one, changed)
    described = one.copy()
    described.meta["of"] = "bars"
    assert "['meta']" in first_difference(one, described)


def test_errors():
    assert first_difference(InputError("one"), InputError("one")) == ""
    assert "became" in first_difference(InputError("one"), InputError("other"))


def test_kinds_are_compared():
    assert "became" in first_difference(ak.Estimate(1.0), 1.0)
