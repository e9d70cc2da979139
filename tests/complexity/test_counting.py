"""Counting of patterns: fast equals readable, any storage, threads, gaps, ties, mistakes."""

from __future__ import annotations

import itertools
import tracemalloc
from math import factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import astrokit as ak
from astrokit.complexity import Jitter, Tolerance, ordinal_counts, ordinal_patterns
from astrokit.complexity.counting import count_in_blocks, patterns_of_codes, window_codes
from astrokit.complexity.kernels import add_weights, count_nonfinite, short_codes
from astrokit.complexity.series import as_series
from astrokit.errors import AstrokitError, InputError, NonFiniteError, ShapeError, UnitError
from tests.reference import complexity_patterns as reference


def as_dict(counts):
    rows = zip(counts.patterns.tolist(), counts.counts.tolist(), strict=True)
    return {tuple(p): c for p, c in rows}


@pytest.mark.parametrize(("n", "delay"), [*itertools.product([2, 3, 5, 7, 8, 10], [1, 3])])
@pytest.mark.parametrize("digits", [9, 0])
def test_counts_are_those_of_stable_sorting(n, delay, digits):
    x = np.round(np.random.default_rng(n).normal(0, 2, 300), digits)
    counts = ordinal_counts(x, n=n, delay=delay)
    assert as_dict(counts) == reference.counts(x, n, delay)
    assert counts.n_windows == 300 - delay * (n - 1)


@given(
    st.lists(st.integers(-3, 3), min_size=9, max_size=40),
    st.integers(2, 9),
    st.integers(1, 4),
)
def test_counts_of_any_short_series(values, n, delay):
    x = np.array(values, dtype=float)
    if x.size <= delay * (n - 1):
        with pytest.raises(ShapeError, match="shorter than one window"):
            ordinal_counts(x, n=n, delay=delay)
        return
    assert as_dict(ordinal_counts(x, n=n, delay=delay)) == reference.counts(x, n, delay)


@pytest.mark.parametrize("n", [2, 5, 8])
def test_short_and_long_codes_agree_with_the_readable_ones(n):
    x = np.random.default_rng(1).integers(0, 6, 200).astype(float)
    offsets = np.arange(n) * 2
    codes = np.empty(200 - offsets[-1], np.uint16)
    short_codes(x, 0, offsets, 1.0, codes)
    expected = reference.codes(x, n, 2, tolerance=1.0)
    assert np.array_equal(codes, expected)
    assert np.array_equal(window_codes(as_series(x, ties=Tolerance(1.0)), n, 2), expected)


def test_weights_agree_with_the_readable_ones():
    x = np.random.default_rng(1).normal(1e3, 1, 200)
    weights = np.empty(200 - 3 * 4)
    add_weights(x, 0, np.arange(4) * 4, weights)
    np.testing.assert_allclose(weights, reference.weights(x, 4, 4), rtol=1e-9)


@pytest.mark.parametrize("n", [3, 6, 20])
def test_codes_and_patterns_are_one_to_one(n):
    rng = np.random.default_rng(2)
    permutations = np.array([rng.permutation(n) for _ in range(50)])
    codes = [reference.lehmer_code(p) for p in permutations]
    assert np.array_equal(patterns_of_codes(codes, n), np.argsort(permutations, axis=1))


def test_all_codes_are_all_patterns():
    assert len({tuple(p) for p in patterns_of_codes(np.arange(720), 6).tolist()}) == 720


def test_patterns_of_every_window():
    x = np.random.default_rng(3).integers(0, 4, 50)
    expected = np.argsort(reference.windows(x, 4, 2), axis=1, kind="stable")
    assert np.array_equal(ordinal_patterns(x, n=4, delay=2), expected)


# -- where the numbers are kept --------------------------------------------------------------------


def forms(x, tmp_path):
    np.save(tmp_path / "x.npy", x)
    wide = np.zeros((x.size, 2))
    wide[:, 0] = x
    frozen = x.copy()
    frozen.flags.writeable = False
    return {
        "memory map": np.load(tmp_path / "x.npy", mmap_mode="r"),
        "big-endian": x.astype(">f8"),
        "strided": wide[:, 0],
        "read-only": frozen,
        "list": x.tolist(),
        "single precision": x.astype("f4"),
        "integers": x.astype("i4"),
    }


@pytest.mark.parametrize("n", [5, 9])
@pytest.mark.parametrize("delay", [1, 20_000])
def test_every_storage_gives_the_same_counts(tmp_path, n, delay):
    x = np.random.default_rng(4).integers(-99, 99, 200_000).astype(float)
    expected = ordinal_counts(x, n=n, delay=delay)
    for name, form in forms(x, tmp_path).items():
        got = ordinal_counts(form, n=n, delay=delay)
        assert np.array_equal(got.codes, expected.codes), name
        assert np.array_equal(got.counts, expected.counts), name


@pytest.mark.parametrize("threads", [2, 3, 7])
@pytest.mark.parametrize("n_blocks", [1, 10])
def test_threads_change_nothing(threads, n_blocks, tmp_path):
    x = np.random.default_rng(5).standard_normal(100_003)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    one = count_in_blocks(as_series(x), 6, 7, n_blocks)
    for form in (x, mapped):
        many = count_in_blocks(as_series(form), 6, 7, n_blocks, threads)
        assert np.array_equal(one.table, many.table)
    assert one.table.sum() == 100_003 - 35


def test_blocks_are_stretches_of_the_series():
    x = np.random.default_rng(6).standard_normal(1000)
    for n in (4, 9):
        blocks = count_in_blocks(as_series(x), n, 2, 7)
        edges = np.linspace(0, 1000 - 2 * (n - 1), 8).astype(int)
        for b in range(7):
            part = ordinal_counts(x[edges[b] : edges[b + 1] + 2 * (n - 1)], n=n, delay=2)
            row = dict(zip(blocks.codes.tolist(), blocks.table[b].tolist(), strict=True))
            assert {c: k for c, k in row.items() if k} == dict(
                zip(part.codes.tolist(), part.counts.tolist(), strict=True)
            )


@pytest.mark.parametrize("delay", [1, 100_000])
@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.filterwarnings("ignore:.*fewer than 25 windows")  # values, not errors
def test_little_memory_whatever_the_delay(delay, mapped, tmp_path):
    x = np.random.default_rng(7).standard_normal(1_000_000)
    if mapped:
        np.save(tmp_path / "x.npy", x)
        x = np.load(tmp_path / "x.npy", mmap_mode="r")
    ak.complexity.hc(x[:1000])  # compiles
    tracemalloc.start()
    ak.complexity.hc(x, delay=delay)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6


# -- missing samples -------------------------------------------------------------------------------


@pytest.mark.parametrize("delay", [1, 3])
@pytest.mark.parametrize("n", [3, 8])
def test_windows_with_missing_samples_are_dropped_and_counted(n, delay):
    rng = np.random.default_rng(8)
    x = rng.standard_normal(400)
    x[rng.choice(400, 20, replace=False)] = np.nan
    all_windows = reference.windows(x, n, delay)
    whole = all_windows[np.isfinite(all_windows).all(axis=1)]
    counts = ordinal_counts(x, n=n, delay=delay, missing="drop")
    assert counts.n_windows == len(whole)
    assert counts.n_dropped == len(all_windows) - len(whole)
    expected = {}
    for w in whole:
        key = tuple(np.argsort(w).tolist())
        expected[key] = expected.get(key, 0) + 1
    assert as_dict(counts) == expected
    patterns = ordinal_patterns(x, n=n, delay=delay, missing="drop")
    assert np.sum(patterns[:, 0] == -1) == counts.n_dropped


def test_span_drops_windows_that_step_over_a_gap():
    x = np.arange(20.0)
    x[10] = np.nan
    drop = ordinal_counts(x, n=3, delay=4, missing="drop")
    span = ordinal_counts(x, n=3, delay=4, missing="span")
    assert drop.n_dropped == 3  # the windows that start at 2, 6 and 10
    assert span.n_dropped == 9  # all that start at 2 to 10
    with pytest.raises(ShapeError, match="every window has a missing sample"):
        ordinal_counts(x[2:19], n=3, delay=8, missing="span")


def test_light_curves_are_put_on_their_grid():
    rng = np.random.default_rng(9)
    rate = rng.standard_normal(100)
    keep = np.ones(100, bool)
    keep[30:35] = False
    time = np.arange(100) * 50.0
    lc = ak.LightCurve(time[keep], rate[keep])
    filled = np.where(keep, rate, np.nan)
    by_curve = ordinal_counts(lc, n=3, delay=2)
    by_array = ordinal_counts(filled, n=3, delay=2, missing="drop")
    assert by_curve.n_dropped == by_array.n_dropped > 0
    assert as_dict(by_curve) == as_dict(by_array)
    with pytest.raises(NonFiniteError):
        ordinal_counts(lc, n=3, missing="raise")


def test_masked_values_are_missing():
    x = np.ma.masked_equal([1.0, 2, 3, -9, 4, 5, 6], -9)
    assert ordinal_counts(x, n=2, missing="drop").n_dropped == 2
    with pytest.raises(AstrokitError, match="masked"):
        ordinal_counts(x, n=2)


# -- ties ------------------------------------------------------------------------------------------


def test_jitter_breaks_ties_evenly_and_repeats():
    x = np.zeros(60_000)
    counts = ordinal_counts(x, n=3, ties=Jitter(seed=1))
    again = ordinal_counts(x, n=3, ties=Jitter(seed=1))
    assert np.array_equal(counts.counts, again.counts)
    # Windows overlap: the variance of a count is at most 1.5 times binomial for n = 3.
    sigma = np.sqrt(1.5 * 60_000 * 5 / 36)
    assert np.abs(counts.counts - 10_000).max() < 4 * sigma


def test_jitter_keeps_the_order_of_unequal_values():
    x = np.random.default_rng(10).standard_normal(1000)
    plain, jittered = ordinal_counts(x), ordinal_counts(x, ties=Jitter(seed=1))
    assert as_dict(plain) == as_dict(jittered)


def test_jitter_keeps_missing_samples_missing():
    x = np.array([1.0, 1.0, np.nan, 1.0, 1.0, 1.0])
    assert ordinal_counts(x, n=2, ties=Jitter(seed=2), missing="drop").n_dropped == 2


def test_tolerance_zero_is_the_order_of_appearance():
    x = np.random.default_rng(11).integers(0, 5, 500)
    assert as_dict(ordinal_counts(x)) == as_dict(ordinal_counts(x, ties=Tolerance(0)))


# -- mistakes --------------------------------------------------------------------------------------

GOOD = np.random.default_rng(12).standard_normal(100)


@pytest.mark.parametrize(
    ("x", "options", "error", "words"),
    [
        (GOOD, {"n": 5, "delay": 25}, ShapeError, "the longest delay for this n is 24"),
        (GOOD[:1], {"n": 2}, ShapeError, "give a longer series"),
        ([], {}, ShapeError, "too few"),
        (np.array([]), {}, ShapeError, "empty"),
        (GOOD, {"delay": 0}, InputError, "at least 1"),
        (GOOD, {"delay": 1.5}, InputError, "whole number"),
        (GOOD, {"n": 1}, InputError, "from 2 to 20"),
        (GOOD, {"n": 21}, InputError, "from 2 to 20"),
        (GOOD, {"n": True}, InputError, "from 2 to 20"),
        (GOOD.reshape(10, 10), {}, ShapeError, "image_hc"),
        ([[1, 2], [3, 4]], {}, ShapeError, "1 dimension"),
        (GOOD + 1j, {}, InputError, "cannot be read as numbers"),
        ([1.0, np.nan, 2.0, 3.0], {"n": 2}, NonFiniteError, "at index 1|1 NaN"),
        (np.array([1.0, np.inf, 2.0]), {"n": 2, "missing": "drop"}, NonFiniteError, "no rank"),
        (np.full(9, np.nan), {"n": 2, "missing": "drop"}, NonFiniteError, "no number at all"),
        (GOOD, {"missing": "zero"}, InputError, "raise, drop, span"),
        (GOOD, {"ties": "random"}, InputError, "Jitter"),
        (GOOD, {"threads": 0}, InputError, "threads"),
        (["a", "b"], {}, InputError, "cannot be read as numbers"),
    ],
)
def test_bad_input_is_refused_with_a_way_out(x, options, error, words):
    with pytest.raises(error, match=words):
        ordinal_counts(x, **options)


def test_units_are_refused_not_stripped():
    from astropy import units as u

    with pytest.raises(UnitError):
        ordinal_counts(GOOD * u.s)
    with pytest.raises(InputError, match="out of range"):
        Tolerance(-1)


def test_tables_of_all_patterns_have_a_limit():
    counts = ordinal_counts(GOOD, n=10)
    with pytest.raises(InputError, match="n <= 9"):
        counts.dense()
    assert ordinal_counts(GOOD, n=8).dense().sum() == 93
    assert "of 3628800 patterns (n = 10, delay 1) in 91 windows" in str(counts)
    with pytest.raises(InputError, match="out of range"):
        patterns_of_codes([6], 3)


def test_non_finite_values_are_counted():
    assert count_nonfinite(np.array([1.0, np.nan, np.inf, -np.inf, 1e308])) == 3
    assert factorial(20) < np.iinfo(np.int64).max < factorial(21)
