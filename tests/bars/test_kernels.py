"""Kernels of the slits and of the rotation curve against their readable twins."""

from __future__ import annotations

import numpy as np
import pytest

from astrokit.bars import Arctan, Exponential, Tanh
from astrokit.bars import kernels as fast
from tests.reference import bars as reference

RNG = np.random.default_rng(4)


def some_pixels(side: int = 9) -> np.ndarray:
    y, x = (v.ravel() - (side - 1) / 2 for v in np.indices((side, side), dtype=float))
    flux = np.exp(-np.hypot(x, y) / 4) * RNG.uniform(0.8, 1.2, x.size)
    return np.array([x, y, flux, 30 * x + RNG.normal(0, 5, x.size)])


@pytest.mark.parametrize("angle", [0.0, 0.3, np.pi / 4, 1.2, -2.0])
def test_shares_of_pixels_are_areas(angle):
    for x, y in RNG.uniform(-3.5, 3.5, (60, 2)):
        got = np.empty((1, 1))
        low, half = np.array([-0.7]), np.array([2.4])
        fast.slit_weights(np.array([x]), np.array([y]), angle, low, 1.3, half, got)
        expected = reference.share_inside(x, y, angle, 2.4, -0.7, 0.6)
        assert got[0, 0] == pytest.approx(expected, abs=1e-12)


def test_a_share_is_what_a_fine_lattice_counts():
    t = (np.arange(800) + 0.5) / 800 - 0.5
    u, v = np.meshgrid(t, t)
    c, s = np.cos(0.4), np.sin(0.4)
    x, y = 2.2 + c * u - s * v, 0.5 + s * u + c * v
    inside = np.mean((np.abs(x) <= 2.4) & (y >= -0.7) & (y <= 0.6))
    assert reference.share_inside(2.2, 0.5, 0.4, 2.4, -0.7, 0.6) == pytest.approx(inside, abs=2e-3)


def test_slits_side_by_side_share_out_every_pixel():
    x, y = RNG.uniform(-3, 3, (2, 50))
    low, out = np.arange(-6, 6) * 0.7, np.empty((12, 50))
    fast.slit_weights(x, y, 0.9, low, 0.7, np.full(12, np.inf), out)
    np.testing.assert_allclose(out.sum(axis=0), 1, rtol=1e-12)


@pytest.mark.parametrize(("spacing", "width"), [(1.0, 1.0), (0.6, 0.6), (2.0, 1.1)])
def test_slit_means_of_many_frames(spacing, width):
    pixels = some_pixels()
    low = (np.arange(4) - 2) * spacing
    half = np.array([2.5, 4.0, 3.3, 9.0])
    frames = np.column_stack([RNG.uniform(-4, 4, 6), RNG.uniform(-0.6, 0.6, (6, 2))])
    out = np.empty((6, 3, 4))
    fast.slit_means(pixels, frames, 0.2, low, spacing, width, half, out)
    expected = reference.slit_means(pixels, frames, 0.2, low, width, half)
    np.testing.assert_allclose(out, expected, rtol=1e-9, atol=1e-11)


def test_a_slit_beyond_all_pixels_has_no_mean():
    out = np.empty((1, 3, 2))
    low, half = np.array([0.0, 50.0]), np.full(2, 4.0)
    fast.slit_means(some_pixels(), np.zeros((1, 3)), 0.0, low, 50.0, 1.0, half, out)
    assert np.isfinite(out[0, :, 0]).all()
    assert np.isnan(out[0, :2, 1]).all()
    assert out[0, 2, 1] == 0


def test_lines_with_errors_in_both_directions():
    m = 12
    x = np.linspace(-2, 2, m)
    vx, vy = RNG.uniform(0.01, 0.1, (2, m)) ** 2 * np.array([[1], [400]])
    cov = RNG.uniform(-0.6, 0.6, m) * np.sqrt(vx * vy)
    points = np.empty((5, 2, m))
    for k in range(5):
        points[k] = x + RNG.normal(0, 0.05, m), 7 - 13 * x + RNG.normal(0, 1, m)
    points[3, 0, 4] = np.nan
    out = np.empty((5, 2))
    fast.line_slopes(points, np.array([vx, vy, cov]), 50, out)
    for k in range(5):
        ok = np.isfinite(points[k, 0])
        expected = reference.line(points[k, 0, ok], points[k, 1, ok], vx[ok], vy[ok], cov[ok])
        np.testing.assert_allclose(out[k], expected, rtol=1e-6)


def test_published_line_of_pearson_with_the_weights_of_york():
    """Pearson's data with York's weights: slope -0.480533407, intercept 5.47991022 (York 1966)."""
    x = np.array([0.0, 0.9, 1.8, 2.6, 3.3, 4.4, 5.2, 6.1, 6.5, 7.4])
    y = np.array([5.9, 5.4, 4.4, 4.6, 3.5, 3.7, 2.8, 2.8, 2.4, 1.5])
    wx = np.array([1000.0, 1000, 500, 800, 200, 80, 60, 20, 1.8, 1.0])
    wy = np.array([1.0, 1.8, 4, 8, 20, 20, 70, 70, 100, 500])
    out = np.empty((1, 2))
    fast.line_slopes(np.array([[x, y]]), np.array([1 / wx, 1 / wy, 0 * x]), 100, out)
    np.testing.assert_allclose(out[0], [-0.480533407, 5.47991022], rtol=1e-7)


def test_rotation_sums_of_many_frames():
    pixels, weight = some_pixels(21), RNG.uniform(0.5, 2, 441)
    frames = np.column_stack(
        [RNG.uniform(-4, 4, 5), RNG.uniform(-0.6, 0.6, (5, 2)), RNG.uniform(0.3, 1.2, 5)]
    )
    edges, out = np.linspace(0.5, 12.5, 9), np.empty((5, 6, 8))
    fast.rotation_sums(pixels, weight, frames, 0.7, edges, out)
    expected = reference.rotation_sums(pixels, weight, frames, 0.7, edges)
    np.testing.assert_allclose(out, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("form", [Arctan, Tanh, Exponential])
def test_rotation_fits_find_the_least_squares(form):
    r = np.linspace(0.5, 15, 20)
    w = RNG.uniform(0.5, 2, 20)
    v = np.array([form(200, t).velocity(r) + RNG.normal(0, 4, 20) for t in (0.8, 2.0, 6.0)])
    out = np.empty((3, 2))
    rs, ws = np.tile(r, (3, 1)), np.tile(w, (3, 1))
    fast.rotation_fits(form.code, rs, v, ws, (np.log(0.05), np.log(50.0)), out)
    for k in range(3):
        np.testing.assert_allclose(out[k], reference.rotation_fit(form.code, r, v[k], w), rtol=1e-4)


@pytest.mark.parametrize("form", [Arctan, Tanh, Exponential])
def test_corotation_radii_are_roots(form):
    flat, turnover = RNG.uniform(50, 300, 200), RNG.uniform(0.3, 8, 200)
    speed = RNG.uniform(-5, 1.3, 200) * form.start * flat / turnover
    out = np.empty(200)
    fast.corotation_roots(form.code, flat, turnover, speed, out)
    expected = [
        reference.corotation(form.code, *p) for p in zip(flat, turnover, speed, strict=True)
    ]
    np.testing.assert_allclose(out, expected, rtol=1e-9)
    assert np.isnan(out).sum() == np.sum((speed <= 0) | (speed >= form.start * flat / turnover))
