"""Entropy and complexity: check values, bounds, errors, and relatives."""

from __future__ import annotations

import csv
import math
from math import factorial

import numpy as np
import pytest

import astrokit as ak
from astrokit.complexity import (
    Tolerance,
    fisher_information,
    hc,
    permutation_entropy,
    renyi_entropy,
    statistical_complexity,
    tsallis_entropy,
    weighted_entropy,
)
from astrokit.complexity.counting import ordinal_counts
from astrokit.complexity.entropies import divergence_scale
from astrokit.errors import CoverageWarning, InputError
from tests.complexity.series_for_tests import SERIES
from tests.conftest import real_file
from tests.reference import complexity_patterns as reference


def rows(name):
    with real_file(name).open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.filterwarnings("ignore:.*fewer than 25 windows")  # values, not errors
def test_check_values_of_four_implementations(name):
    x = SERIES[name]()
    mine = [row for row in rows("hc-values") if row["series"] == name]
    assert len(mine) >= 10
    for row in mine:
        n, delay = int(row["n"]), int(row["delay"])
        r = hc(x, n=n, delay=delay)
        for column in ("H_peccary", "H_ordpy", "H_antropy", "H_numba"):
            if row[column] and not math.isnan(float(row[column])):
                assert abs(r.entropy.value - float(row[column])) < 1e-12, (n, delay, column)
        for column in ("C_peccary", "C_ordpy", "C_numba"):
            if row[column] and not math.isnan(float(row[column])):
                assert abs(r.complexity.value - float(row[column])) < 1e-12, (n, delay, column)
        assert r.n_missing_patterns == int(row["missing_patterns"])
        weighted = float(row["ordpy_weighted_H"])
        if not math.isnan(weighted):  # this column was made of the first 20 000 samples
            assert abs(weighted_entropy(x[:20_000], n=n, delay=delay) - weighted) < 1e-9


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (5, (0.9999860862059793, 0.0000248920928)),
        (6, (0.9999399752084869, 0.000143596715646)),
    ],
)
def test_check_values_of_a_million_samples(n, expected):
    r = hc(np.random.default_rng(12345).standard_normal(1_000_000), n=n)
    assert abs(r.entropy.value - expected[0]) < 1e-12
    assert abs(r.complexity.value - expected[1]) < 1e-12


def test_the_example_of_bandt_and_pompe():
    x = [4, 7, 9, 10, 6, 11, 3]
    assert abs(permutation_entropy(x, n=2) - 0.9182958340544894) < 1e-15
    assert abs(statistical_complexity(x, n=2) - 0.06112816548804511) < 1e-15


@pytest.mark.parametrize(
    ("n", "scale"),
    [
        (3, 2.203066987748),
        (4, 1.651047018129),
        (5, 1.494734084973),
        (6, 1.453734895035),
        (7, 1.444664549515),
    ],
)
def test_scale_of_the_divergence(n, scale):
    assert abs(divergence_scale(factorial(n)) - scale) < 1e-12


@pytest.mark.parametrize("n", [3, 5, 8])
@pytest.mark.filterwarnings("ignore:.*fewer than 25 windows")  # values, not errors
def test_formulas_are_those_with_every_state_written_out(n):
    x = np.random.default_rng(1).gamma(1.0, size=500)
    counts = ordinal_counts(x, n=n)
    expected = reference.entropy_and_complexity(counts.probabilities, factorial(n))
    r = hc(x, n=n)
    np.testing.assert_allclose([r.entropy.value, r.complexity.value], expected, rtol=1e-11)


@pytest.mark.parametrize("x", [np.full(50, 3.0), np.arange(50), -np.arange(50.0)])
@pytest.mark.parametrize("n", [2, 5, 12])
def test_one_pattern_gives_plus_zero(x, n):
    r = hc(x, n=n)
    for number in (r.entropy.value, r.complexity.value, permutation_entropy(x, n=n)):
        assert number == 0
        assert math.copysign(1, number) == 1
    for other in (renyi_entropy, tsallis_entropy):
        assert math.copysign(1, other(x, order=2.0, n=n)) == 1


def test_equal_frequencies_give_one_and_plus_zero():
    x = [1, 2, 3, 1, 0, 5, 2, 7, 6]
    counts = ordinal_counts([0, 1, 0], n=2)
    assert counts.counts.tolist() == [1, 1]
    r = hc([0, 1, 0], n=2)
    assert (r.entropy.value, r.complexity.value) == (1, 0)
    assert math.copysign(1, r.complexity.value) == 1
    assert 0 < hc(x, n=3).entropy.value < 1


def test_invariance_under_rising_functions_and_reversal():
    x = np.random.default_rng(2).standard_normal(5000)
    assert hc(x).entropy == hc(np.exp(x)).entropy
    assert hc(-x).entropy.value == pytest.approx(hc(x).entropy.value, abs=1e-14)
    assert hc(x[::-1]).complexity.value == pytest.approx(hc(x).complexity.value, abs=1e-14)


# -- relatives -------------------------------------------------------------------------------------


def test_renyi_and_tsallis_meet_shannon_at_order_one():
    x = np.random.default_rng(3).gamma(1.0, size=2000)
    H = permutation_entropy(x, n=4)
    for f in (renyi_entropy, tsallis_entropy):
        assert f(x, order=1, n=4) == H
        assert abs(f(x, order=1 + 1e-7, n=4) - H) < 1e-6
    orders = [renyi_entropy(x, order=q, n=4) for q in (0.1, 0.5, 1, 2, 10, 300, np.inf)]
    assert np.all(np.diff(orders) < 0)  # Renyi's entropies fall with their order


def test_renyi_and_tsallis_by_hand():
    x = [4, 7, 9, 10, 6, 11, 3]  # frequencies 2/3 and 1/3
    assert renyi_entropy(x, order=2, n=2) == pytest.approx(-math.log(5 / 9) / math.log(2))
    assert renyi_entropy(x, order=np.inf, n=2) == pytest.approx(-math.log(2 / 3) / math.log(2))
    assert tsallis_entropy(x, order=2, n=2) == pytest.approx((1 - 5 / 9) / (1 - 1 / 2))
    assert tsallis_entropy(x, order=3, n=2) == pytest.approx((1 - 1 / 3) / (1 - 1 / 4))
    for order in (0, -1, np.nan):
        with pytest.raises(InputError, match="order"):
            renyi_entropy(x, order=order, n=2)
    with pytest.raises(InputError, match="order"):
        tsallis_entropy(x, order=np.inf, n=2)


def test_fisher_information_by_hand():
    x = [4, 7, 9, 10, 6, 11, 3]
    expected = 0.5 * (math.sqrt(2 / 3) - math.sqrt(1 / 3)) ** 2
    assert fisher_information(x, n=2) == pytest.approx(expected)
    assert fisher_information(np.arange(9), n=4) == 1
    assert fisher_information([0, 1, 0], n=2) == 0
    with pytest.raises(InputError, match="n <= 9"):
        fisher_information(np.arange(20), n=10)


def test_weights_follow_the_variance():
    # 6 windows of two: four rise (variances 9/4, 1, 1/4, 25/4), two fall (4, 16).
    up, down = 9 / 4 + 1 + 1 / 4 + 25 / 4, 4 + 16
    p = up / (up + down)
    expected = -(p * math.log2(p) + (1 - p) * math.log2(1 - p))
    assert weighted_entropy([4, 7, 9, 10, 6, 11, 3], n=2) == pytest.approx(expected)
    with pytest.raises(InputError, match="no variance"):
        weighted_entropy(np.ones(10))


def test_weights_leave_out_missing_samples_and_ignore_tie_policies():
    x = np.random.default_rng(4).standard_normal(300)
    x[100] = np.nan
    parts = reference.windows(x, 3, 2)
    keep = np.isfinite(parts).all(axis=1)
    codes = np.array([reference.lehmer_code(w) for w in parts[keep]])
    sums = np.bincount(codes, parts[keep].var(axis=1))
    p = sums / sums.sum()
    expected = -np.sum(p * np.log(p)) / math.log(6)
    assert weighted_entropy(x, n=3, delay=2, missing="drop") == pytest.approx(expected, rel=1e-9)
    same = weighted_entropy(x, n=3, delay=2, missing="drop", ties=ak.complexity.Jitter(seed=1))
    assert same == pytest.approx(expected, rel=1e-9)
    assert weighted_entropy([0, 0.1, 0.3], n=2, ties=Tolerance(1)) == 0


# -- what the result says --------------------------------------------------------------------------


def test_the_result_tells_its_story():
    r = hc(np.random.default_rng(5).standard_normal(3000), n=4, delay=2)
    text = str(r)
    assert "n = 4, delay 2, 2994 windows" in text
    assert "entropy = " in text
    assert r.zone == "stochastic"
    assert "<table>" in r._repr_html_()
    assert "hyman2025" in ak.cite(r).keys
    assert r.provenance.arguments["n"] == 4
    assert sum(r.zone_probabilities.values()) == pytest.approx(1)


def test_a_series_too_short_for_errors_says_so():
    r = hc([4, 7, 9, 10, 6, 11, 3], n=3)
    assert math.isnan(r.entropy.error)
    assert "no error" in str(r.entropy)
    with pytest.raises(InputError, match="no errors"):
        ak.complexity.plane(n=3).classify(r)


def test_correlated_blocks_warn():
    slow = np.cumsum(np.random.default_rng(6).standard_normal(4000))
    x = np.concatenate([np.sort(slow[:2000]), slow[2000:]])  # half of it rises, half is noise
    with pytest.warns(CoverageWarning, match="neighbouring blocks"):
        r = hc(x, n=4)
    assert "CoverageWarning" in r.provenance.warnings[0]
    with pytest.raises(InputError, match="n_blocks"):
        hc(x, n_blocks=1)
