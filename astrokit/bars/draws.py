"""Draws of the geometry and of the pixel noise, and what slits and rotation make of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..estimate import Estimate
from .forms import RotationForm
from .geometry import Geometry
from .kernels import corotation_roots, line_slopes
from .line import STEPS
from .rotation import (
    deprojected_radius,
    fit_forms,
    ring_derivatives,
    ring_velocities,
    turnover_limits,
)
from .slits import noise_covariance
from .tremaine_weinberg import TremaineWeinberg

__all__ = ["GeometryDraws", "Outcome", "draw_geometry", "evaluate"]

FloatArray = NDArray[np.float64]
INCLINATIONS = (1.0, 89.0)


@dataclass(frozen=True)
class GeometryDraws:
    """n geometries, as columns ``(n,)``.

    Attributes
    ----------
    position_angle, inclination, bar_position_angle : ndarray
        deg.
    bar_radius : ndarray
        Projected, arcsec.
    center_x, center_y : ndarray
        arcsec.
    systemic_velocity : ndarray or None
        km/s; None where the maps determine it.
    """

    position_angle: FloatArray
    inclination: FloatArray
    bar_position_angle: FloatArray
    bar_radius: FloatArray
    center_x: FloatArray
    center_y: FloatArray
    systemic_velocity: FloatArray | None

    def frames(self, scale: float) -> FloatArray:
        """Return the rows ``(n, 4)`` that the kernels take."""
        return np.column_stack(
            [
                np.radians(self.position_angle),
                self.center_x / scale,
                self.center_y / scale,
                np.radians(self.inclination),
            ]
        )


@dataclass(frozen=True)
class Outcome:
    """What the method finds at n geometries, as columns ``(n,)``.

    Attributes
    ----------
    pattern_speed : ndarray
        km/s/arcsec, sign kept.
    systemic_velocity : ndarray
        Intercept of the line, km/s.
    flat_velocity, turnover : ndarray
        Of the rotation curve, km/s and arcsec.
    corotation_radius : ndarray
        arcsec; NaN where there is none.
    bar_radius : ndarray
        In the plane of the disc, arcsec.
    """

    pattern_speed: FloatArray
    systemic_velocity: FloatArray
    flat_velocity: FloatArray
    turnover: FloatArray
    corotation_radius: FloatArray
    bar_radius: FloatArray

    @property
    def ratio(self) -> FloatArray:
        """Corotation radius over bar radius; NaN where there is no corotation."""
        return self.corotation_radius / self.bar_radius

    def with_pattern_speed(self, speed: FloatArray, form: type[RotationForm]) -> Outcome:
        """Return the same draws with other pattern speeds ``(n,)``, and their corotation radii."""
        corotation = np.empty(speed.size)
        corotation_roots(form.code, self.flat_velocity, self.turnover, speed, corotation)
        return replace(self, pattern_speed=speed, corotation_radius=corotation)


def draw_geometry(geometry: Geometry, n: int, rng: np.random.Generator) -> GeometryDraws:
    """Return n geometries from the measured distributions.

    Each number is normal, with the lower and the upper error on its own side; an inclination
    outside 1 to 89 deg (or beyond the measured one) and a bar radius below zero are drawn anew.
    """
    i = geometry.inclination.value
    limits = {
        # A disc that is measured closer to face-on or edge-on may stay there.
        "inclination": (min(INCLINATIONS[0], i), max(INCLINATIONS[1], i)),
        "bar_radius": (0.0, math.inf),
    }
    columns = {
        name: _draw(estimate, n, rng, limits.get(name, (-math.inf, math.inf)))
        for name, estimate in sorted(geometry.estimates.items())
    }
    columns.setdefault("systemic_velocity", None)  # type: ignore[arg-type]
    return GeometryDraws(**columns)


def _draw(
    estimate: Estimate, n: int, rng: np.random.Generator, limits: tuple[float, float]
) -> FloatArray:
    lower, upper = estimate.lower, float(estimate.upper)  # type: ignore[arg-type]
    values = np.full(n, np.nan)
    wrong = np.ones(n, dtype=bool)
    while wrong.any():
        z = rng.standard_normal(int(wrong.sum()))
        values[wrong] = estimate.value + z * np.where(z < 0, lower, upper)
        outside = (values < limits[0]) | (values > limits[1])
        if not lower and not upper:
            break  # an exact number stays what it is
        wrong = outside
    return values


def draw_noise(
    tw: TremaineWeinberg, n: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return noise of the slits ``(n, 2, n_slits)`` and of the rings ``(n, n_rings)``.

    Slit means and ring velocities are linear in the noise of the pixels to high accuracy, so that
    their joint normal distribution stands for noise in each pixel: one matrix instead of a map
    per draw. Slits that share pixels, and slits and rings, stay correlated.
    """
    by_flux, by_velocity = tw.noise_derivatives()
    rings = ring_derivatives(tw.pixels, tw.geometry, tw.plan)
    n_slits = len(tw.slits)
    covariance = noise_covariance(
        tw.pixels,
        np.concatenate([by_flux, np.zeros_like(rings)]),
        np.concatenate([by_velocity, rings]),
    )
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.clip(values, 0.0, None))
    noise = rng.standard_normal((n, values.size)) @ root.T
    slits = noise[:, : 2 * n_slits].reshape(n, 2, n_slits)
    slits[:, 0] *= tw.pixels.scale
    return slits, noise[:, 2 * n_slits :]


def evaluate(
    tw: TremaineWeinberg,
    draws: GeometryDraws,
    noise: tuple[FloatArray, FloatArray] | None = None,
) -> Outcome:
    """Return pattern speed, rotation curve and corotation at n geometries.

    Slits keep their number, width and length, laid along each drawn line of nodes through each
    drawn centre. The sense of the disc is that at the measured geometry: a draw may have a
    negative pattern speed, and is not folded.
    """
    scale, n = tw.pixels.scale, draws.position_angle.size
    frames = draws.frames(scale)
    points = tw.slits_at(frames)
    if noise is not None:
        points = points + noise[0]
    lines = np.empty((n, 2))
    line_slopes(np.ascontiguousarray(points), tw.slits.variances, STEPS, lines)
    sine = np.sin(frames[:, 3])
    speed = tw.sense * lines[:, 0] / sine
    sums = tw.plan.sums(tw.pixels.stack, frames)
    radius, velocity, weight, _ = ring_velocities(sums, draws.systemic_velocity)
    if noise is not None:
        velocity = velocity + noise[1]
    flat, turnover = fit_forms(
        tw.form, radius, tw.sense * velocity, weight, turnover_limits(tw.plan)
    )
    corotation = np.empty(n)
    corotation_roots(tw.form.code, flat, turnover * scale, speed, corotation)
    bar_angle = draws.bar_position_angle - draws.position_angle
    return Outcome(
        speed,
        lines[:, 1].copy(),
        flat,
        turnover * scale,
        corotation,
        np.asarray(deprojected_radius(draws.bar_radius, bar_angle, draws.inclination)),
    )
