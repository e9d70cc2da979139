"""Readable twins of the kernels of `astrokit.bars`: NumPy and SciPy, one geometry at a time."""

from __future__ import annotations

import numpy as np
from scipy import optimize


def share_inside(x, y, angle, half, low, high):
    """Return the area of a unit square at (x, y), turned by `angle`, inside a slit.

    The square is cut by the four sides of the slit, one after the other.
    """
    c, s = np.cos(angle), np.sin(angle)
    corners = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) / 2 @ np.array([[c, s], [-s, c]])
    polygon = [np.array([x, y]) + corner for corner in corners]
    sides = (([1, 0], half), ([-1, 0], half), ([0, 1], high), ([0, -1], -low))
    for normal, limit in sides:
        kept = []
        for here, there in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            a, b = np.dot(normal, here) - limit, np.dot(normal, there) - limit
            if a <= 0:
                kept.append(here)
            if a * b < 0:
                kept.append(here + a / (a - b) * (there - here))
        polygon = kept
        if not polygon:
            return 0.0
    px, py = np.array(polygon).T
    return 0.5 * abs(np.dot(px, np.roll(py, -1)) - np.dot(py, np.roll(px, -1)))


def in_frame(pixels, frame):
    """Return X along and Y across the line of nodes of a frame (angle, centre)."""
    east_of_x, north = -np.sin(frame[0]), np.cos(frame[0])
    dx, dy = pixels[0] - frame[1], pixels[1] - frame[2]
    return dx * east_of_x + dy * north, dy * east_of_x - dx * north


def slit_weights(x, y, angle, low, width, half):
    """Return the share of each pixel in each slit ``(n_slits, n_pixels)``."""
    return np.array(
        [
            [share_inside(a, b, angle, h, lo, lo + width) for a, b in zip(x, y, strict=True)]
            for lo, h in zip(low, half, strict=True)
        ]
    )


def slit_means(pixels, frames, grid_angle, low, width, half):
    """Return mean positions, mean velocities and sums of weights ``(n, 3, n_slits)``."""
    out = []
    for frame in frames:
        x, y = in_frame(pixels, frame)
        w = slit_weights(x, y, grid_angle - frame[0], low, width, half) * pixels[2]
        total = w.sum(axis=1)
        out.append([w @ x / total, w @ pixels[3] / total, total])
    return np.array(out)


def line(x, y, vx, vy, cov):
    """Return slope and intercept that minimise the squared distances in units of their errors."""

    def best_intercept(slope):
        w = 1 / (vy + slope**2 * vx - 2 * slope * cov)
        return np.sum(w * (y - slope * x)) / np.sum(w), w

    def chi2(slope):
        intercept, w = best_intercept(slope)
        return np.sum(w * (y - slope * x - intercept) ** 2)

    start = np.polyfit(x, y, 1)[0]
    width = 0.5 * abs(start) + 1e-3
    found = optimize.minimize_scalar(
        chi2, bracket=(start - width, start, start + width), options={"xtol": 1e-12}
    )
    return found.x, best_intercept(found.x)[0]


def rotation_sums(pixels, weight, frames, tangent, edges):
    """Return sums of w, w c, w c^2, w v, w c v and w R over rings ``(n, 6, n_rings)``."""
    out = []
    for frame in frames:
        x, y = in_frame(pixels, frame)
        y = y / np.cos(frame[3])
        radius = np.hypot(x, y)
        c = np.sin(frame[3]) * x / radius
        near = np.abs(y) <= tangent * np.abs(x)
        v, w = pixels[3], weight
        terms = [w, w * c, w * c**2, w * v, w * c * v, w * radius]
        out.append([np.histogram(radius[near], edges, weights=t[near])[0] for t in terms])
    return np.array(out)


def shape(form, z):
    """Return a rotation curve of unit flat velocity."""
    return (2 / np.pi * np.arctan(z), np.tanh(z), 1 - np.exp(-z))[form]


def rotation_fit(form, r, v, w):
    """Return flat velocity and turnover radius by weighted least squares."""

    def residual(p):
        return np.sqrt(w) * (v - p[0] * shape(form, r / np.exp(p[1])))

    fits = [
        optimize.least_squares(residual, [v.max(), np.log(t)], xtol=1e-13, ftol=1e-13)
        for t in (0.3, 1.0, 3.0, 10.0)
    ]
    best = min(fits, key=lambda f: f.cost)
    return best.x[0], np.exp(best.x[1])


def corotation(form, flat, turnover, speed):
    """Return the outermost radius where the curve meets ``speed R``, NaN where none."""
    if speed <= 0:
        return np.nan

    def excess(r):
        return flat * shape(form, r / turnover) - speed * r

    small = 1e-9 * turnover
    return optimize.brentq(excess, small, 2 * flat / speed) if excess(small) > 0 else np.nan
