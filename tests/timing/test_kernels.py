"""Compiled kernels against their readable twins."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import njit

from astrokit.fastmath import fast_exp, fast_log
from astrokit.timing import kernels
from tests.reference import timing_psd as reference

PIVOT = 1e-3
PARTS = {
    "constant": ([(reference.constant, 1, 1.0)], [0, 0.0], [0.3]),
    "power law": ([(reference.power_law, 2, PIVOT)], [1, math.log(PIVOT)], [1.7, -2.0]),
    "bending": (
        [(reference.bending_power_law, 4, PIVOT)],
        [2, math.log(PIVOT)],
        [0.8, 2.9, 0.02, 1.1],
    ),
    "lorentzian": ([(reference.lorentzian, 3, 1.0)], [3, 0.0], [0.07, 6.0, 1.2]),
    "line on a law": (
        [(reference.lorentzian, 3, 1.0), (reference.power_law, 2, PIVOT)],
        [3, 0.0, 1, math.log(PIVOT)],
        [0.02, 3.0, 2.0, 1.7, -2.0],
    ),
    "all three": (
        [
            (reference.power_law, 2, PIVOT),
            (reference.bending_power_law, 4, 0.1),
            (reference.constant, 1, 1.0),
        ],
        [1, math.log(PIVOT), 2, math.log(0.1), 0, 0.0],
        [1.7, -2.0, 0.8, 2.9, 0.02, 1.1, 0.4],
    ),
}


def design(n, seed=0):
    """Return frequencies, ordinates and half degrees of freedom, not all alike."""
    rng = np.random.default_rng(seed)
    f = np.arange(1, n + 1) / (2 * n)
    half_dof = np.ones(n)
    half_dof[-1] = 0.5
    half_dof[n // 2] = 3.0
    return f, rng.exponential(size=n) * f**-1.2, half_dof


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("n", [1, 15, 512, 1300])
def test_likelihood_equals_its_twin(name, n):
    parts, codes, values = PARTS[name]
    f, power, half_dof = design(n)
    header = np.array([n, 2.5, len(parts), *codes])
    expected = reference.whittle(reference.psd(parts, f, values), power, half_dof, 2.5)
    value = kernels.whittle(np.array(values), np.log(f), power, half_dof, header)
    assert value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", PARTS)
def test_psd_equals_its_twin(name):
    parts, codes, values = PARTS[name]
    f, _, _ = design(700)
    out = np.empty((1, f.size))
    kernels.psd(np.array([values]), np.log(f), np.array([700, 0.0, len(parts), *codes]), out)
    np.testing.assert_allclose(out[0], reference.psd(parts, f, values), rtol=1e-12)


def test_batch_equals_single_rows():
    parts, codes, values = PARTS["all three"]
    f, power, half_dof = design(1300)
    header = np.array([1300, 0.0, len(parts), *codes])
    rows = np.array(values) * np.linspace(0.8, 1.2, 5)[:, None]
    out = np.empty(5)
    kernels.whittle_batch(rows, np.log(f), power, half_dof, header, out)
    single = [kernels.whittle(row, np.log(f), power, half_dof, header) for row in rows]
    np.testing.assert_allclose(out, single, rtol=1e-13)


@pytest.mark.parametrize("scale", [1e-40, 1e-12, 1.0, 1e12, 1e40])
def test_logarithms_of_products_survive_extreme_units(scale):
    f, power, half_dof = design(640)
    half_dof[:] = 1.0  # equal weights take the product of sixteen
    header = np.array([640, 0.0, 1, 1, 0.0])
    values = np.array([2.0, math.log(scale)])
    expected = reference.whittle(scale * f**-2.0, power * scale, half_dof)
    value = kernels.whittle(values, np.log(f), power * scale, half_dof, header)
    assert value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("n", [2, 3, 512, 513, 1300])
def test_two_degrees_of_freedom_stand_for_all_and_the_last(n):
    parts, codes, values = PARTS["all three"]
    f, power, half_dof = design(n)
    half_dof[:] = 2.0
    half_dof[-1] = 0.5
    header, values = np.array([n, 0.0, len(parts), *codes]), np.array(values)
    whole, short = (np.log(f), power, half_dof), (np.log(f), power, half_dof[[0, -1]])
    assert kernels.whittle(values, *short, header) == kernels.whittle(values, *whole, header)
    answers = []
    for ordinates in (whole, short):
        score, fisher, observed = np.zeros(7), np.zeros((7, 7)), np.zeros((7, 7))
        kernels.score_and_information(values, *ordinates, header, score, fisher)
        kernels.observed_information(values, *ordinates, header, observed)
        answers.append((score, fisher, observed))
    for a, b in zip(*answers, strict=True):
        np.testing.assert_array_equal(a, b)


def test_no_power_at_all_has_no_likelihood():
    f, power, half_dof = design(40)
    header = np.array([40, 0.0, 1, 0, 0.0])
    assert kernels.whittle(np.array([0.0]), np.log(f), power, half_dof, header) == -np.inf
    assert math.isnan(kernels.whittle(np.array([np.nan]), np.log(f), power, half_dof, header))


def test_packed_likelihood_takes_padded_rows():
    f, power, half_dof = design(2)
    header = np.array([2, 0.0, 1, 1, 0.0])
    data = np.ones((4, header.size))
    for row, array in zip(data, (np.log(f), power, half_dof, header), strict=True):
        row[: array.size] = array
    values = np.array([1.0, 0.5])
    expected = kernels.whittle(values, np.log(f), power, half_dof, header)
    assert kernels.packed_whittle(values, data) == expected


def test_moments_equal_their_twin():
    rng = np.random.default_rng(2)
    rate, error = 1e6 + rng.normal(size=500), rng.uniform(0.5, 2, 500)
    rate[7] = np.nan
    error[11] = np.nan
    np.testing.assert_allclose(
        kernels.moments(rate, error), reference.moments(rate, error), rtol=1e-9
    )


@njit(fastmath={"reassoc", "nsz", "contract"})
def exponentials(x, out):
    """Call the function as kernels do, from a loop whose own sums may be regrouped."""
    for i in range(x.size):
        out[i] = fast_exp(x[i])


def test_fast_exp_is_exact_to_rounding_inside_a_kernel():
    x = np.concatenate([np.linspace(-708, 709, 200_001), np.linspace(-1, 1, 20_001)])
    out = np.empty_like(x)
    exponentials(x, out)
    exact = np.exp(x.astype(np.longdouble))
    assert np.max(np.abs(out / exact - 1)) < 4e-16


def test_fast_exp_stays_in_range():
    x = np.array([-1e300, -800.0, 800.0, 1e300, np.nan])
    out = np.empty(5)
    exponentials(x, out)
    assert np.isnan(out[-1])
    assert np.all((out[:-1] > 0) & np.isfinite(out[:-1]))
    np.testing.assert_allclose(out[:4], np.exp([-708.0, -708.0, 709.0, 709.0]), rtol=1e-13)


@njit(fastmath={"reassoc", "nsz", "contract"})
def logarithms(x, out):
    for i in range(x.size):
        out[i] = fast_log(x[i])


def test_fast_log_is_exact_to_rounding_inside_a_kernel():
    rng = np.random.default_rng(6)
    near_one = 1 + rng.normal(0, 1e-8, 20_000)
    ends = [1.0, np.finfo(float).tiny, np.finfo(float).max]
    x = np.concatenate([10 ** rng.uniform(-307, 308, 100_000), rng.uniform(0.5, 2, 100_000)])
    x = np.concatenate([x, near_one, ends])
    out = np.empty_like(x)
    logarithms(x, out)
    exact = np.log(x.astype(np.longdouble))
    assert np.max(np.abs(out - exact) / np.maximum(np.abs(exact), 1e-300)) < 4e-16
