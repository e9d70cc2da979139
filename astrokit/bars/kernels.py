"""Compiled loops: overlap of pixels with slits, slit means and rotation sums of many geometries.

Sky coordinates are x to the west and y to the north, angles are in radians. X runs along the line
of nodes, Y across it, both from the centre; a slit is the rectangle ``low <= Y < low + width``,
``|X| <= half``. A pixel counts in a slit with the share of its area that lies inside, and stands
with its centre: sums over pixels then converge as fast as if each pixel were cut in pieces.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def share_below(t: float, base: float, top: float) -> float:
    """Return the share of a unit square below a line at distance `t` from its centre.

    Projected on the normal of the line the square is a trapezoid with half-widths `base` and `top`.
    """
    if t <= -base:
        return 0.0
    if t >= base:
        return 1.0
    if t < -top:
        return (t + base) ** 2 / (2.0 * (base * base - top * top))
    if t <= top:
        return (2.0 * t + base + top) / (2.0 * (base + top))
    return 1.0 - (base - t) ** 2 / (2.0 * (base * base - top * top))


@njit(cache=True, error_model="numpy", nogil=True)
def clip_below(corners: FloatArray, n: int, axis: int, limit: float, sign: float) -> int:
    """Cut a convex polygon of n corners at ``sign * coordinate <= sign * limit``, in place.

    `corners` ``(2, 2, 16)`` holds x and y of the polygon, then room to work. Returns the new number
    of corners, at most one more.
    """
    m = 0
    for i in range(n):
        j = i + 1 if i + 1 < n else 0
        a = sign * (corners[0, axis, i] - limit)
        b = sign * (corners[0, axis, j] - limit)
        if a <= 0.0:
            corners[1, 0, m], corners[1, 1, m] = corners[0, 0, i], corners[0, 1, i]
            m += 1
        if (a < 0.0 < b) or (b < 0.0 < a):
            t = a / (a - b)
            for q in range(2):
                corners[1, q, m] = corners[0, q, i] + t * (corners[0, q, j] - corners[0, q, i])
            m += 1
    for i in range(m):
        corners[0, 0, i], corners[0, 1, i] = corners[1, 0, i], corners[1, 1, i]
    return m


@njit(cache=True, error_model="numpy", nogil=True)
def corner_share(
    place: tuple[float, float],
    axes: tuple[float, float],
    half: float,
    low: float,
    high: float,
    corners: FloatArray,
) -> float:
    """Return the share of a unit square that lies in ``|X| <= half, low <= Y <= high``.

    Exact, for squares that an end of the slit and a long side may both cut. `axes` are half the
    cosine and half the sine of the angle of the square, `corners` ``(2, 2, 16)`` is room to work.
    """
    x, y = place
    c, s = axes
    corners[0, 0, 0], corners[0, 1, 0] = x + c - s, y + s + c
    corners[0, 0, 1], corners[0, 1, 1] = x - c - s, y - s + c
    corners[0, 0, 2], corners[0, 1, 2] = x - c + s, y - s - c
    corners[0, 0, 3], corners[0, 1, 3] = x + c + s, y + s - c
    n = clip_below(corners, 4, 0, half, 1.0)
    n = clip_below(corners, n, 0, -half, -1.0)
    n = clip_below(corners, n, 1, high, 1.0)
    n = clip_below(corners, n, 1, low, -1.0)
    area = 0.0
    for i in range(n):
        j = i + 1 if i + 1 < n else 0
        area += corners[0, 0, i] * corners[0, 1, j] - corners[0, 0, j] * corners[0, 1, i]
    return 0.5 * abs(area)


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def axes_of_pixels(angle: float) -> tuple[float, float, float, float]:
    """Return half the cosine and sine of the angle, and half-widths of the projected unit square.

    The angle is that between the sides of the pixels and the line of nodes.
    """
    c, s = 0.5 * np.cos(angle), 0.5 * np.sin(angle)
    return c, s, abs(c) + abs(s), abs(abs(c) - abs(s))


@njit(cache=True, error_model="numpy", nogil=True)
def slit_weights(
    x: FloatArray,
    y: FloatArray,
    angle: float,
    low: FloatArray,
    width: float,
    half: FloatArray,
    out: FloatArray,
) -> None:
    """Write the share of each pixel in each slit to `out` ``(n_slits, n_pixels)``.

    Parameters
    ----------
    x, y : ndarray, shape (n_pixels,)
        Along and across the line of nodes, in PIXELS, as are `low`, `width` and `half`.
    angle : float
        Between the sides of the pixels and the line of nodes, radians.
    low, half : ndarray, shape (n_slits,)
        Lower edges and half-lengths.
    """
    c, s, base, top = axes_of_pixels(angle)
    room = np.empty((2, 2, 16))
    for j in range(low.size):
        for p in range(x.size):
            out[j, p] = 0.0
            if abs(x[p]) >= half[j] + base:
                continue
            below, above = low[j] - y[p], low[j] + width - y[p]
            if below >= base or above <= -base:
                continue
            if abs(x[p]) <= half[j] - base:
                out[j, p] = share_below(above, base, top) - share_below(below, base, top)
            else:
                out[j, p] = corner_share(
                    (x[p], y[p]), (c, s), half[j], low[j], low[j] + width, room
                )


@njit(cache=True, error_model="numpy", nogil=True)
def slit_means(
    pixels: FloatArray,
    frames: FloatArray,
    grid_angle: float,
    low: FloatArray,
    spacing: float,
    width: float,
    half: FloatArray,
    out: FloatArray,
) -> None:
    """Write weighted mean positions and velocities of the slits of many geometries.

    Parameters
    ----------
    pixels : ndarray, shape (4, n_pixels)
        Position to the west and to the north in PIXELS, weight (flux), velocity.
    frames : ndarray, shape (n, 3)
        Position angle (radians), and the centre to the west and to the north (pixels).
    grid_angle : float
        Position angle of the sides of the pixels, radians.
    low, half : ndarray, shape (n_slits,)
        Lower edges (equally spaced by `spacing` >= `width`) and half-lengths, pixels.
    out : ndarray, shape (n, 3, n_slits)
        Mean X (pixels), mean velocity and sum of the weights; NaN means where that sum is 0.
    """
    west, north, flux, velocity = pixels[0], pixels[1], pixels[2], pixels[3]
    n_slits = low.size
    first, last = low[0], low[n_slits - 1] + width
    longest = half.max()
    sums, room = np.empty((n_slits, 3)), np.empty((2, 2, 16))
    for k in range(frames.shape[0]):
        along_x, along_y = -np.sin(frames[k, 0]), np.cos(frames[k, 0])
        c, s, base, top = axes_of_pixels(grid_angle - frames[k, 0])
        sums[:] = 0.0
        for p in range(west.size):
            dx, dy = west[p] - frames[k, 1], north[p] - frames[k, 2]
            y = dy * along_x - dx * along_y
            if y <= first - base or y >= last + base:
                continue
            x = dx * along_x + dy * along_y
            if abs(x) >= longest + base:
                continue
            j = max(int((y - base - first) / spacing), 0)
            stop = min(int((y + base - first) / spacing) + 1, n_slits)
            before = share_below(low[j] - y, base, top) if j < n_slits else 0.0
            while j < stop:
                high = low[j] + width
                if spacing > width:
                    before = share_below(low[j] - y, base, top)
                upto = share_below(high - y, base, top)
                share = upto - before
                before = upto
                if abs(x) > half[j] - base and share > 0.0:
                    if abs(x) >= half[j] + base:
                        share = 0.0
                    else:
                        share = corner_share((x, y), (c, s), half[j], low[j], high, room)
                if share > 0.0:
                    weight = share * flux[p]
                    sums[j, 0] += weight
                    sums[j, 1] += weight * x
                    sums[j, 2] += weight * velocity[p]
                j += 1
        for j in range(n_slits):
            out[k, 0, j] = sums[j, 1] / sums[j, 0]
            out[k, 1, j] = sums[j, 2] / sums[j, 0]
            out[k, 2, j] = sums[j, 0]


@njit(cache=True, error_model="numpy", nogil=True)
def line_slopes(points: FloatArray, variances: FloatArray, steps: int, out: FloatArray) -> None:
    """Write slope and intercept of straight lines through points with errors in both directions.

    The iteration of York et al. (2004) with correlated errors, from the slope of ordinary weighted
    least squares.

    Parameters
    ----------
    points : ndarray, shape (n, 2, m)
        x and y of n lines; points that are NaN, or have an infinite variance, are left out.
    variances : ndarray, shape (3, m)
        Of x, of y, and their covariance.
    steps : int
        Iterations.
    out : ndarray, shape (n, 2)
    """
    m = points.shape[2]
    vx, vy, cov = variances[0], variances[1], variances[2]
    for k in range(points.shape[0]):
        x, y = points[k, 0], points[k, 1]
        slope, intercept = 0.0, 0.0
        for step in range(steps + 1):
            # The first pass ignores the errors in x, the others weigh with the slope found so far.
            total = mean_x = mean_y = 0.0
            for i in range(m):
                if np.isfinite(x[i]) and np.isfinite(vy[i]):
                    w = 1.0 / (vy[i] + slope * slope * vx[i] - 2.0 * slope * cov[i])
                    total += w
                    mean_x += w * x[i]
                    mean_y += w * y[i]
            mean_x /= total
            mean_y /= total
            over = under = 0.0
            for i in range(m):
                if np.isfinite(x[i]) and np.isfinite(vy[i]):
                    w = 1.0 / (vy[i] + slope * slope * vx[i] - 2.0 * slope * cov[i])
                    dx, dy = x[i] - mean_x, y[i] - mean_y
                    beta = dx
                    if step > 0:
                        shared = (slope * dx + dy) * cov[i]
                        beta = w * (dx * vy[i] + slope * dy * vx[i] - shared)
                    over += w * beta * dy
                    under += w * beta * dx
            before = slope
            slope = over / under
            intercept = mean_y - slope * mean_x
            if step > 0 and abs(slope - before) <= 1e-12 * abs(slope):
                break
        out[k, 0], out[k, 1] = slope, intercept


@njit(cache=True, error_model="numpy", nogil=True)
def rotation_sums(
    pixels: FloatArray,
    weight: FloatArray,
    frames: FloatArray,
    tangent: float,
    edges: FloatArray,
    out: FloatArray,
) -> None:
    r"""Write sums over rings of the disc, near the line of nodes, of many geometries.

    The velocity along the line of sight is ``V_sys + V_c(R) c`` with ``c = sin i X/R``.

    Parameters
    ----------
    pixels : ndarray, shape (4, n_pixels)
        As in :func:`slit_means`.
    weight : ndarray, shape (n_pixels,)
    frames : ndarray, shape (n, 4)
        Position angle, centre to the west and north, inclination.
    tangent : float
        Of the largest angle from the line of nodes, in the plane of the disc.
    edges : ndarray, shape (n_rings + 1,)
        Equally spaced radii in the disc, pixels.
    out : ndarray, shape (n, 6, n_rings)
        Sums of w, w c, w c^2, w v, w c v and w R.
    """
    west, north, velocity = pixels[0], pixels[1], pixels[3]
    inner, n_rings = edges[0], edges.size - 1
    scale = n_rings / (edges[n_rings] - inner)
    sums = np.empty((n_rings, 6))
    for k in range(frames.shape[0]):
        along_x, along_y = -np.sin(frames[k, 0]), np.cos(frames[k, 0])
        sine, stretch = np.sin(frames[k, 3]), 1.0 / np.cos(frames[k, 3])
        sums[:] = 0.0
        for p in range(west.size):
            dx, dy = west[p] - frames[k, 1], north[p] - frames[k, 2]
            x = dx * along_x + dy * along_y
            y = (dy * along_x - dx * along_y) * stretch
            if abs(y) > tangent * abs(x):
                continue
            radius = np.sqrt(x * x + y * y)
            place = (radius - inner) * scale
            if radius == 0.0 or place < 0.0 or place >= n_rings:
                continue
            j = int(place)
            c, w = sine * x / radius, weight[p]
            sums[j, 0] += w
            sums[j, 1] += w * c
            sums[j, 2] += w * c * c
            sums[j, 3] += w * velocity[p]
            sums[j, 4] += w * c * velocity[p]
            sums[j, 5] += w * radius
        for j in range(n_rings):
            for q in range(6):
                out[k, q, j] = sums[j, q]


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def curve_shape(form: int, z: float) -> float:
    """Return a rotation curve of unit flat velocity at ``z = R / turnover`` radii."""
    if form == 0:
        return 2.0 / np.pi * np.arctan(z)
    if form == 1:
        return np.tanh(z)
    return 1.0 - np.exp(-z)


@njit(cache=True, error_model="numpy", nogil=True)
def misfit(
    form: int, log_turnover: float, r: FloatArray, v: FloatArray, w: FloatArray
) -> tuple[float, float]:
    """Return the squared misfit at one turnover radius, and the flat velocity that makes it least.

    Of the misfit, only the part that depends on the turnover: minus what the curve explains.
    """
    turnover = np.exp(log_turnover)
    vg = gg = 0.0
    for j in range(r.size):
        if w[j] > 0.0:
            g = curve_shape(form, r[j] / turnover)
            vg += w[j] * v[j] * g
            gg += w[j] * g * g
    return -vg * vg / gg, vg / gg


@njit(cache=True, error_model="numpy", nogil=True)
def rotation_fits(
    form: int,
    r: FloatArray,
    v: FloatArray,
    w: FloatArray,
    bounds: tuple[float, float],
    out: FloatArray,
) -> None:
    """Write flat velocity and turnover radius of many rotation curves, by least squares.

    The flat velocity enters linearly, which leaves a search along the logarithm of the turnover
    radius: a coarse one over all of `bounds`, so that no start is needed, then a golden section.

    Parameters
    ----------
    form : int
        0 arctan, 1 tanh, 2 exponential.
    r, v, w : ndarray, shape (n, m)
        Radius, velocity and weight (0: left out).
    bounds : pair of float
        Logarithms of the smallest and largest turnover radius.
    out : ndarray, shape (n, 2)
    """
    n_coarse, n_fine, golden = 24, 22, 0.6180339887498949
    step = (bounds[1] - bounds[0]) / (n_coarse - 1)
    for k in range(r.shape[0]):
        best, at = np.inf, 0
        for i in range(n_coarse):
            value = misfit(form, bounds[0] + i * step, r[k], v[k], w[k])[0]
            if value < best:
                best, at = value, i
        low = bounds[0] + max(at - 1, 0) * step
        high = bounds[0] + min(at + 1, n_coarse - 1) * step
        a, b = high - golden * (high - low), low + golden * (high - low)
        fa = misfit(form, a, r[k], v[k], w[k])[0]
        fb = misfit(form, b, r[k], v[k], w[k])[0]
        for _ in range(n_fine):
            if fa < fb:
                high, b, fb = b, a, fa
                a = high - golden * (high - low)
                fa = misfit(form, a, r[k], v[k], w[k])[0]
            else:
                low, a, fa = a, b, fb
                b = low + golden * (high - low)
                fb = misfit(form, b, r[k], v[k], w[k])[0]
        middle = 0.5 * (low + high)
        out[k, 0] = misfit(form, middle, r[k], v[k], w[k])[1]
        out[k, 1] = np.exp(middle)


@njit(cache=True, error_model="numpy", nogil=True)
def corotation_roots(
    form: int, flat: FloatArray, turnover: FloatArray, speed: FloatArray, out: FloatArray
) -> None:
    """Write the radii where the curve meets ``speed R``, NaN where only the centre does.

    All forms bend down, so that there is one such radius if the curve starts steeper than the
    line, and it lies below ``flat / speed``.
    """
    for k in range(flat.size):
        start = flat[k] / turnover[k] * (2.0 / np.pi if form == 0 else 1.0)
        out[k] = np.nan
        if not (speed[k] > 0.0 and start > speed[k]):
            continue
        # Newton from the outside on a concave difference never steps over the root.
        radius = flat[k] / speed[k]
        for _ in range(60):
            z = radius / turnover[k]
            if form == 0:
                slope = 2.0 / np.pi / (1.0 + z * z)
            elif form == 1:
                slope = 1.0 / np.cosh(z) ** 2
            else:
                slope = np.exp(-z)
            value = flat[k] * curve_shape(form, z) - speed[k] * radius
            change = value / (flat[k] * slope / turnover[k] - speed[k])
            radius -= change
            if abs(change) <= 1e-13 * radius:
                break
        out[k] = radius
