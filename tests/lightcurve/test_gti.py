"""Interval algebra: set laws on random intervals, and cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astrokit.errors import InputError, ShapeError
from astrokit.lightcurve import gti

# Whole numbers: sums are exact, and intervals often touch, which is where mistakes hide.
INTERVALS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 12)).map(lambda p: (p[0], p[0] + p[1])),
    max_size=12,
)
GRID = np.arange(-1, 75) + 0.5


def members(intervals):
    """Return which cells of the grid are good, by looking at each: the slow, sure way."""
    return np.array([any(a <= t < b for a, b in intervals) for t in GRID])


def assert_normal(intervals):
    assert intervals.shape == (len(intervals), 2)
    assert np.all(intervals[:, 0] < intervals[:, 1])
    assert np.all(intervals[1:, 0] > intervals[:-1, 1])


@given(INTERVALS)
def test_merge_keeps_the_set(a):
    merged = gti.merge(a)
    assert_normal(merged)
    np.testing.assert_array_equal(members(merged), members(a))
    np.testing.assert_array_equal(gti.merge(merged), merged)
    assert gti.total(a) == members(a).sum()


@given(INTERVALS, INTERVALS)
def test_union_and_intersection_are_those_of_sets(a, b):
    union, both = gti.union(a, b), gti.intersect(a, b)
    assert_normal(union)
    assert_normal(both)
    np.testing.assert_array_equal(members(union), members(a) | members(b))
    np.testing.assert_array_equal(members(both), members(a) & members(b))
    np.testing.assert_array_equal(both, gti.intersect(b, a))


@given(INTERVALS, st.integers(-5, 40), st.integers(0, 40))
def test_complement_is_the_rest(a, start, length):
    rest = gti.complement(a, start, start + length)
    assert_normal(rest)
    inside = (start <= GRID) & (start + length > GRID)
    np.testing.assert_array_equal(members(rest), inside & ~members(a))


@given(INTERVALS)
def test_contains_agrees_with_membership(a):
    np.testing.assert_array_equal(gti.contains(a, GRID), members(a))


@given(INTERVALS, st.integers(1, 9))
def test_coverage_is_the_mean_over_the_cells_of_a_bin(a, width):
    left = np.arange(0, 72, width, dtype=float)
    cells = members(a)[1:]
    expected = [cells[int(x) : int(x) + width].sum() / width for x in left]
    np.testing.assert_allclose(
        gti.coverage(a, left, left + width)[: len(expected) - 1],
        expected[:-1],
        rtol=0,
        atol=1e-12,
    )


@given(INTERVALS, st.integers(0, 10))
def test_short_gaps_are_closed(a, shortest):
    closed = gti.merge_short_gaps(a, shortest)
    assert_normal(closed)
    assert np.all(closed[1:, 0] - closed[:-1, 1] > shortest)
    assert np.all(members(closed) >= members(a))


def test_touching_intervals_are_one():
    assert gti.merge([[0, 1], [1, 2]]).tolist() == [[0.0, 2.0]]


def test_interval_inside_another():
    assert gti.merge([[0, 10], [2, 3], [4, 12]]).tolist() == [[0.0, 12.0]]


def test_empty_input():
    assert gti.merge([]).shape == (0, 2)
    assert gti.intersect([], [[0, 1]]).shape == (0, 2)
    assert gti.complement([], 0, 5).tolist() == [[0.0, 5.0]]
    assert gti.total([]) == 0.0
    assert not gti.contains([], [1.0]).any()
    assert gti.coverage([], [0.0], [1.0]).tolist() == [0.0]


def test_units_are_converted():
    from astropy import units as u

    assert gti.merge([[0, 1]] * u.ks, unit="s").tolist() == [[0.0, 1000.0]]


@pytest.mark.parametrize(
    ("bad", "kind", "text"),
    [
        ([[5, 1]], InputError, "stop before they start"),
        ([1, 2, 3], ShapeError, r"one row \(start, stop\)"),
        ([[1, 2, 3]], ShapeError, r"one row \(start, stop\)"),
        ([[0, np.nan]], InputError, "NaN"),
        ([[0, np.inf]], InputError, "infinite"),
    ],
)
def test_wrong_intervals(bad, kind, text):
    with pytest.raises(kind, match=text):
        gti.merge(bad)


def test_complement_of_nothing():
    with pytest.raises(InputError, match="stop lies before start"):
        gti.complement([[0, 1]], 5, 4)
