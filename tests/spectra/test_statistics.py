"""Fit statistics against likelihoods of scipy, maximised numerically over the background."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import norm, poisson

from tests.reference import spectra as reference

from .detector import spectrum

N = 40
# S, B, expected source counts, ratio; and S, B, its error, expected source counts, ratio.
WSTAT_CASES = list(itertools.product((0, 1, 6), (0, 1, 9), (0.0, 0.01, 0.9, 12.0), (0.05, 1.0, 3)))
PGSTAT_CASES = list(
    itertools.product((1, 6, 40), (0.0, 4.0, 30.0), (0.5, 3.0), (0.01, 2.0, 25.0), (0.3, 1.0))
)


def terms(statistic, S, mu, B=0.0, ratio=1.0, sigma=1.0):
    binned = spectrum(np.full(N, S), statistic, background=B, ratio=ratio, sigma=sigma)
    return binned, binned.terms(np.full((1, N), mu))[0, 0]


@pytest.mark.parametrize(("S", "mu"), [(0, 0.3), (0, 0.0), (1, 2.5), (7, 7.0), (200, 150.0)])
def test_cstat(S, mu):
    _, got = terms("cstat", S, mu)
    assert got == pytest.approx(float(reference.cstat(S, mu)), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("case", WSTAT_CASES)
def test_wstat_profiles_the_background(case):
    """All cases of no source and no background counts, on both sides of where B = 0 changes."""
    S, B, mu, ratio = case
    if S > 0 and B == 0 and mu == 0.0:
        expected = reference.wstat(S, B, 1e-12, ratio)
    else:
        expected = reference.wstat(S, B, mu, ratio)
    _, got = terms("wstat", S, mu, B, ratio)
    assert got == pytest.approx(expected, rel=2e-6, abs=2e-6)


@pytest.mark.parametrize("case", PGSTAT_CASES)
def test_pgstat_profiles_the_background(case):
    S, B, sigma, mu, ratio = case
    _, got = terms("pgstat", S, mu, B, ratio, sigma)
    assert got == pytest.approx(reference.pgstat(S, B, sigma, mu, ratio), rel=2e-6, abs=2e-6)


def test_pgstat_without_source_counts_is_linear_in_the_background():
    """2 (mu + b - v/2) with b the background in the source region and v its variance there."""
    _, got = terms("pgstat", 0, 3.0, B=10.0, ratio=0.5, sigma=2.0)
    assert got == pytest.approx(2 * (3.0 + 5.0 - 0.5 * 1.0), rel=1e-12)


def test_impossible_models_have_no_likelihood():
    assert terms("cstat", 3, 0.0)[1] == np.inf
    assert terms("cstat", 3, -1.0)[1] == np.inf
    assert terms("cstat", 0, -1.0)[1] == np.inf
    assert terms("wstat", 3, -1.0, B=2.0)[1] == np.inf


def test_log_likelihood_has_its_constants():
    """Minus half the statistic plus the constant is the probability of the data."""
    S, B, mu, ratio = 6.0, 9.0, 3.0, 0.4
    binned, got = terms("cstat", S, mu)
    assert binned.log_constants()[0] - 0.5 * got == pytest.approx(poisson.logpmf(S, mu))
    binned, got = terms("wstat", S, mu, B, ratio)
    b = binned.profiled_background(np.full(N, mu))[0]
    expected = poisson.logpmf(S, mu + b) + poisson.logpmf(B, b / ratio)
    assert binned.log_constants()[0] - 0.5 * got == pytest.approx(expected)
    binned, got = terms("pgstat", S, mu, B, ratio, 2.0)
    b = binned.profiled_background(np.full(N, mu))[0]
    expected = poisson.logpmf(S, mu + b) + norm.logpdf(B, b / ratio, 2.0)
    assert binned.log_constants()[0] - 0.5 * got == pytest.approx(expected)
    binned, got = terms("chi2", S, mu, sigma=2.0)
    assert binned.log_constants()[0] - 0.5 * got == pytest.approx(norm.logpdf(S, mu, 2.0))


def test_chi2_with_variance_of_the_model():
    _, got = terms("chi2_model", 6.0, 4.0, sigma=1.5)
    assert got == pytest.approx(4.0 / 5.5)


def test_totals_are_sums_of_terms():
    rng = np.random.default_rng(2)
    for statistic in ("cstat", "wstat", "pgstat", "chi2", "chi2_model"):
        binned = spectrum(rng.poisson(5, N), statistic, background=rng.poisson(9, N), sigma=2.0)
        mu = rng.uniform(1, 9, (7, N))
        np.testing.assert_allclose(binned.statistics(mu), binned.terms(mu).sum(axis=1), rtol=1e-13)


@pytest.mark.parametrize("statistic", ["cstat", "wstat", "pgstat", "chi2", "chi2_model"])
def test_slopes_are_derivatives(statistic):
    from astrokit.spectra.statistic_kernels import derivatives

    rng = np.random.default_rng(4)
    binned = spectrum(
        rng.poisson(3, N), statistic, background=rng.poisson(2, N), ratio=0.5, sigma=2.0
    )
    mu = rng.uniform(0.5, 9, N)
    slope, weight = np.empty(N), np.empty(N)
    value = derivatives(binned.code, mu, binned.data, slope, weight)
    assert value == pytest.approx(binned.statistics(mu[None])[0], rel=1e-13)
    step = 1e-5
    ahead, behind = binned.terms(np.array([mu + step, mu - step]))
    np.testing.assert_allclose(slope, -0.25 * (ahead - behind) / step, rtol=1e-6, atol=1e-7)
    assert np.all(weight > 0)


def test_fold_equals_a_dense_product():
    binned = spectrum()
    block = np.random.default_rng(1).random((13, len(binned.grid)))
    expected = reference.fold(block, binned.fold.dense())
    np.testing.assert_allclose(binned.fold.fold(block), expected, rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_fold_of_ragged_matrices(seed):
    """Rows with gaps of all lengths, empty rows, and numbers in the last columns."""
    from astrokit.spectra.folding import Fold

    rng = np.random.default_rng(seed)
    matrix = np.where(rng.random((30, 50)) < 0.15, rng.random((30, 50)), 0.0)
    matrix[[0, 7, 29]] = 0.0
    matrix[3, -1] = 1.0
    fold = Fold(matrix)
    np.testing.assert_array_equal(fold.dense(), matrix)
    for n in (1, 3, 4, 9):
        block = rng.random((n, 50))
        expected = reference.fold(block, matrix)
        np.testing.assert_allclose(fold.fold(block), expected, rtol=1e-12)
    small, first = fold.merged(7, 10)
    rows = [matrix[k : k + 7].sum(axis=0) for k in range(0, 30, 7)]
    means = np.array([[row[k : k + 10].mean() for k in first] for row in rows])
    np.testing.assert_allclose(small.dense(), means, rtol=1e-13)


@pytest.mark.parametrize("single", [True, False])
def test_fold_with_factors_of_rows_and_columns(single):
    """Whether the matrix is kept as float32, which it is where that loses nothing, or not."""
    from astrokit.spectra.folding import Fold

    rng = np.random.default_rng(3)
    matrix = np.where(rng.random((13, 31)) < 0.4, rng.random((13, 31)), 0.0)
    if single:
        matrix = matrix.astype(np.float32).astype(float)
    rows, columns = rng.uniform(1, 9, 13), rng.uniform(1e-3, 900, 31)
    fold = Fold(matrix, rows=rows, columns=columns)
    assert fold._values.dtype == (np.float32 if single else np.float64)
    whole = rows[:, None] * matrix * columns
    np.testing.assert_allclose(fold.dense(), whole, rtol=1e-15)
    block, weights = rng.random((6, 31)), rng.normal(size=13)
    np.testing.assert_allclose(fold.fold(block), reference.fold(block, whole), rtol=1e-13)
    np.testing.assert_allclose(fold.back(weights), weights @ whole, rtol=1e-12, atol=1e-9)


def test_numbers_beyond_float32_are_kept():
    """Of 1e-42 float32 has three digits, of 1e60 none."""
    from astrokit.spectra.folding import Fold

    matrix = np.array([[1e-42, 1.0], [1e60, 0.0]])
    np.testing.assert_array_equal(Fold(matrix).dense(), matrix)


def test_fold_refuses_factors_that_do_not_fit():
    from astrokit.errors import ShapeError
    from astrokit.spectra.folding import Fold

    with pytest.raises(ShapeError, match="factors do not fit"):
        Fold(np.eye(3), rows=[1.0, 2.0])


@pytest.mark.parametrize("statistic", ["cstat", "wstat"])
def test_totals_equal_the_sum_of_terms(statistic):
    """Totals run without branches, terms with them; impossible means are infinite in both."""
    rng = np.random.default_rng(5)
    S, B = rng.poisson(0.7, N), rng.poisson(0.7, N)  # many zeros of either kind
    binned = spectrum(S, statistic, background=B, ratio=rng.uniform(0.1, 3.0, N))
    mu = rng.uniform(0, 3, (50, N)) * (rng.random((50, N)) < 0.9) + 1e-8
    mu[1] = 0.0
    mu[2, 4] = -1e-3
    expected = binned.terms(mu).sum(axis=1)
    np.testing.assert_allclose(binned.statistics(mu), expected, rtol=1e-13)
    assert expected[2] == np.inf


@pytest.mark.parametrize("statistic", ["cstat", "wstat"])
def test_a_mean_that_is_no_number_is_not_hidden(statistic):
    binned = spectrum(np.ones(N), statistic, background=2.0, ratio=0.5)
    mu = np.ones((1, N))
    mu[0, 3] = np.nan
    assert np.isnan(binned.statistics(mu)[0])
