"""Rotation curves of velocity maps, and the corotation radius."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError
from ..estimate import Estimate
from .forms import RotationForm, as_form
from .geometry import Geometry
from .kernels import rotation_fits, rotation_sums
from .maps import GalaxyMaps
from .pixels import Pixels, pixels_of

if TYPE_CHECKING:
    from astropy.table import QTable

__all__ = ["RotationCurve", "corotation_radius", "deprojected_radius", "fit_rotation_curve"]

FloatArray = NDArray[np.float64]
# Degrees from the line of nodes, in the plane of the disc. Streaming in the bar averages out around
# a ring: of what it does to the corotation radius a wedge of 30 deg keeps 8 %, one of 80 deg 3 %.
WEDGE = 80.0
_PIXELS_A_RING = 1.5
_MOST_RINGS = 40


@dataclass(frozen=True, eq=False)
class RotationCurve:
    """A rotation curve measured in rings of the disc, and a form fitted to it.

    Attributes
    ----------
    radius : ndarray, shape (n,)
        Mean radius of each ring in the plane of the disc, arcsec.
    velocity, velocity_error : ndarray, shape (n,)
        Speed of rotation, positive in the sense of the disc, km/s; the error is that of the pixel
        noise, zero where the maps have none.
    form : RotationForm
        The fitted curve.
    flat_velocity, turnover : Estimate
        Of the form, km/s and arcsec.
    systemic_velocity : float
        km/s, of the geometry, or found with the curve.
    sense : int
        1 where the position angle points to the receding half, -1 where to the approaching one.
    scatter : float
        Root mean square of the rings about the curve, km/s.
    """

    radius: FloatArray
    velocity: FloatArray
    velocity_error: FloatArray
    form: RotationForm
    flat_velocity: Estimate
    turnover: Estimate
    systemic_velocity: float
    sense: int
    scatter: float

    def corotation_radius(self, pattern_speed: float) -> float:
        """Return the corotation radius of a pattern speed (km/s/arcsec), arcsec, NaN if none."""
        return self.form.corotation_radius(pattern_speed)

    def to_table(self) -> QTable:
        """Return one row per ring, with units."""
        from astropy import units as u
        from astropy.table import QTable

        return QTable(
            {
                "radius": self.radius * u.arcsec,
                "velocity": self.velocity * u.km / u.s,
                "velocity_error": self.velocity_error * u.km / u.s,
                "model": self.form.velocity(self.radius) * u.km / u.s,
            }
        )

    def __repr__(self) -> str:
        return (
            f"<RotationCurve: {self.form.label}, {_bare(self.flat_velocity)}, turnover "
            f"{_bare(self.turnover)}, {self.radius.size} rings to {self.radius.max():.3g} arcsec, "
            f"scatter {self.scatter:.2g} km/s>"
        )


def _bare(estimate: Estimate) -> str:
    return str(estimate).split(" = ", 1)[-1]


def fit_rotation_curve(
    maps: GalaxyMaps,
    *,
    form: Any = "arctan",
    wedge: float = WEDGE,
    inner_radius: float | None = None,
) -> RotationCurve:
    r"""Measure the rotation curve in rings of the disc and fit a form to it.

    In a thin disc :math:`V = V_{sys} + V_c(R) \sin i\, X/R`; the rotation of a ring is what fits
    its pixels best with exactly this factor, so that those near the minor axis hardly count.

    Parameters
    ----------
    maps : GalaxyMaps
        With geometry; a flux is not needed.
    form : {"arctan", "tanh", "exponential"} or RotationForm
        The shape to fit.
    wedge : float or Quantity
        Largest angle from the line of nodes in the plane of the disc, deg.
    inner_radius : float or Quantity, optional
        Leave out what lies inside, arcsec; by default the width of the point-spread function,
        where the maps know it, since seeing flattens the curve there.

    Returns
    -------
    RotationCurve

    Raises
    ------
    InputError
        Without geometry, or with fewer than three rings.

    Examples
    --------
    >>> import astrokit as ak
    >>> exact = ak.bars.Instrument.exact(half_width=20)
    >>> g = ak.bars.simulate_galaxy(toy=ak.bars.ToyGalaxy(bar_strength=0), instrument=exact)
    >>> curve = ak.bars.fit_rotation_curve(g)
    >>> round(curve.form.flat_velocity), round(curve.form.turnover, 1)
    (200, 2.0)
    """
    if not isinstance(maps, GalaxyMaps):
        raise InputError(
            "maps must be GalaxyMaps",
            value=type(maps).__name__,
            hint="GalaxyMaps.from_velocity(velocity, pixel_scale=...) holds a velocity alone",
        )
    geometry = maps.require_geometry()
    pixels = pixels_of(maps, geometry)
    if inner_radius is None:
        inner_radius = maps.psf_fwhm or 0.0
    plan = plan_rings(pixels, geometry, wedge=wedge, inner_radius=inner_radius)
    return curve_of(pixels, geometry, plan, as_form(form))


# -- rings ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RingPlan:
    """Rings of a disc: edges in pixels, the tangent of the wedge, and weights of the pixels."""

    edges: FloatArray
    tangent: float
    weight: FloatArray

    def sums(self, stack: FloatArray, frames: FloatArray) -> FloatArray:
        """Return the sums of :func:`rotation_sums` ``(n, 6, n_rings)``."""
        out = np.empty((frames.shape[0], 6, self.edges.size - 1))
        rotation_sums(stack, self.weight, frames, self.tangent, self.edges, out)
        return out


def frames_of(geometry: Geometry, scale: float) -> FloatArray:
    """Return the geometry as one row ``(1, 4)`` for the kernels."""
    g = geometry
    return np.array(
        [
            [
                math.radians(g.position_angle.value),
                g.center_x.value / scale,
                g.center_y.value / scale,
                math.radians(g.inclination.value),
            ]
        ]
    )


def plan_rings(
    pixels: Pixels, geometry: Geometry, *, wedge: float = WEDGE, inner_radius: float = 0.0
) -> RingPlan:
    """Return rings that cover what lies near the line of nodes."""
    angle = as_scalar(wedge, "wedge", unit="deg", minimum=1, maximum=85)
    inner = as_scalar(inner_radius, "inner_radius", unit="arcsec", minimum=0) / pixels.scale
    x, y = pixels.frame(geometry)
    y = y / math.cos(math.radians(geometry.inclination.value))
    tangent = math.tan(math.radians(angle))
    near = np.abs(y) <= tangent * np.abs(x)
    radius = np.hypot(x, y)[near]
    if radius.size < 3 or radius.max() <= inner + 3:
        raise InputError(
            "the field holds too little of the disc for a rotation curve",
            value=f"{radius.size} pixels near the line of nodes, the inner {inner:.3g} left out",
            hint="check centre, position angle and the psf_fwhm of the maps, or widen the wedge",
        )
    outer = float(radius.max()) * (1 + 1e-9)
    n = int(np.clip((outer - inner) / _PIXELS_A_RING, 3, _MOST_RINGS))
    return RingPlan(np.linspace(inner, outer, n + 1), tangent, _pixel_weights(pixels))


def _pixel_weights(pixels: Pixels) -> FloatArray:
    """Return weights of the velocities, of which none outweighs the typical one by far.

    Motion that is not rotation is the same everywhere, so that tiny errors must not rule.
    """
    variance = pixels.velocity_variance
    if not variance.any():
        return np.ones(variance.size)
    return 1.0 / (variance + np.median(variance))


def ring_velocities(
    sums: FloatArray, systemic: FloatArray | float | None
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return radius, velocity, weight ``(n, m)`` and systemic velocity ``(n,)`` from ring sums.

    Without a systemic velocity the one is taken that fits all rings best, each with its own speed.
    """
    w, wc, wcc, wv, wcv, wr = (sums[:, k] for k in range(6))
    with np.errstate(divide="ignore", invalid="ignore"):
        if systemic is None:
            both = wc**2 / wcc
            weight = np.where(wcc > 0, w - both, 0.0)
            pull = np.where(wcc > 0, wv - wc * wcv / wcc, 0.0)
            systemic = pull.sum(axis=1) / weight.sum(axis=1)
        v_sys = np.broadcast_to(np.asarray(systemic, dtype=float), w.shape[:1])
        radius = np.where(w > 0, wr / w, 0.0)
        velocity = np.where(wcc > 0, (wcv - v_sys[:, None] * wc) / wcc, 0.0)
    return radius, velocity, wcc, v_sys


def fit_forms(
    form: type[RotationForm],
    radius: FloatArray,
    velocity: FloatArray,
    weight: FloatArray,
    limits: tuple[float, float],
) -> tuple[FloatArray, FloatArray]:
    """Return flat velocities and turnover radii ``(n,)`` of n rotation curves ``(n, m)``."""
    out = np.empty((radius.shape[0], 2))
    bounds = (math.log(limits[0]), math.log(limits[1]))
    arrays = (np.ascontiguousarray(a, dtype=float) for a in (radius, velocity, weight))
    rotation_fits(form.code, *arrays, bounds, out)
    return out[:, 0], out[:, 1]


def turnover_limits(plan: RingPlan) -> tuple[float, float]:
    """Return the range of turnover radii that rings can tell apart, pixels."""
    return 0.1 * float(plan.edges[1] - plan.edges[0]), 3.0 * float(plan.edges[-1])


def curve_of(
    pixels: Pixels, geometry: Geometry, plan: RingPlan, form: type[RotationForm]
) -> RotationCurve:
    """Return the rotation curve of these rings at this geometry."""
    scale = pixels.scale
    sums = plan.sums(pixels.stack, frames_of(geometry, scale))
    known = None if geometry.systemic_velocity is None else geometry.systemic_velocity.value
    radius, velocity, weight, systemic = ring_velocities(sums, known)
    used = weight[0] > 0
    if used.sum() < 3:
        raise InputError("a rotation curve needs three rings", value=int(used.sum()))
    flat, turnover = fit_forms(form, radius, velocity, weight, turnover_limits(plan))
    sense = 1 if flat[0] >= 0 else -1
    fitted = form(abs(float(flat[0])), float(turnover[0]) * scale)
    error = _ring_errors(pixels, geometry, plan)[used]
    r, v = radius[0][used] * scale, sense * velocity[0][used]
    residual = v - fitted.velocity(r)
    errors = _form_errors(fitted, r, residual, weight[0][used])
    return RotationCurve(
        r,
        v,
        error,
        fitted,
        Estimate(fitted.flat_velocity, errors[0], unit="km/s", name="flat_velocity", method=_LSQ),
        Estimate(fitted.turnover, errors[1], unit="arcsec", name="turnover", method=_LSQ),
        float(systemic[0]),
        sense,
        float(np.sqrt(np.mean(residual**2))),
    )


_LSQ = "least squares, error from the scatter of the rings"


def ring_derivatives(pixels: Pixels, geometry: Geometry, plan: RingPlan) -> FloatArray:
    """Return how the velocity of each ring follows those of the pixels ``(n_rings, n_pixels)``."""
    x, y = pixels.frame(geometry)
    y = y / math.cos(math.radians(geometry.inclination.value))
    radius = np.hypot(x, y)
    c = math.sin(math.radians(geometry.inclination.value)) * x / np.maximum(radius, 1e-300)
    n = plan.edges.size - 1
    place = (radius - plan.edges[0]) * (n / (plan.edges[-1] - plan.edges[0]))
    inside = (np.abs(y) <= plan.tangent * np.abs(x)) & (radius > 0) & (place >= 0) & (place < n)
    ring = np.floor(place[inside]).astype(int)
    moment, matrix = plan.weight * c, np.zeros((n, x.size))
    total = np.bincount(ring, (moment * c)[inside], minlength=n)
    matrix[ring, np.flatnonzero(inside)] = moment[inside] / total[ring]
    return matrix


def _ring_errors(pixels: Pixels, geometry: Geometry, plan: RingPlan) -> FloatArray:
    from .slits import noise_covariance

    matrix = ring_derivatives(pixels, geometry, plan)
    return np.sqrt(np.diag(noise_covariance(pixels, np.zeros_like(matrix), matrix)))


def _form_errors(
    form: RotationForm, r: FloatArray, residual: FloatArray, weight: FloatArray
) -> FloatArray:
    """Return errors of flat velocity and turnover from the scatter of the rings."""
    step = 1e-5 * form.turnover
    ahead, behind = (
        type(form)(form.flat_velocity, form.turnover + s * step).velocity(r) for s in (1, -1)
    )
    design = np.column_stack([form.shape(r / form.turnover), (ahead - behind) / (2 * step)])
    if r.size < 3 or form.flat_velocity == 0:
        return np.full(2, np.nan)
    normal = design.T @ (design * weight[:, None])
    if np.linalg.cond(normal) > 1e14:
        return np.full(2, np.nan)
    scatter = np.sum(weight * residual**2) / (r.size - 2)
    return np.sqrt(scatter * np.diag(np.linalg.inv(normal)))


# -- corotation ----------------------------------------------------------------------------------


def corotation_radius(pattern_speed: Any, curve: RotationForm | RotationCurve) -> float:
    """Return where a rotation curve meets ``pattern_speed * R``, arcsec.

    Parameters
    ----------
    pattern_speed : float or Quantity
        km/s/arcsec.
    curve : RotationForm or RotationCurve

    Raises
    ------
    InputError
        If there is no such radius: the pattern turns faster than the disc everywhere, or backwards.

    Examples
    --------
    >>> import astrokit as ak
    >>> round(ak.bars.corotation_radius(20.0, ak.bars.Arctan(200, 2)), 3)
    8.535
    """
    form = curve.form if isinstance(curve, RotationCurve) else curve
    if not isinstance(form, RotationForm):
        raise InputError(
            "a rotation curve is needed",
            value=curve,
            allowed="a RotationCurve, or a form with its numbers such as Arctan(200, 2)",
        )
    speed = as_scalar(pattern_speed, "pattern_speed", unit="km/(s arcsec)")
    radius = form.corotation_radius(speed)
    if math.isnan(radius):
        raise InputError(
            "there is no corotation radius: the pattern turns faster than the disc at all radii, "
            "or against it",
            value=f"{speed:.4g} km/s/arcsec",
            allowed=f"0 to {form.fastest:.4g} km/s/arcsec for this {form.label} curve",
            hint="check the signs of position angle and velocity, and the inner rotation curve",
        )
    return radius


def deprojected_radius(radius: Any, angle: Any, inclination: Any) -> Any:
    """Return a radius in the plane of the disc from that on the sky.

    Parameters
    ----------
    radius : float, ndarray or Quantity
        As seen on the sky, arcsec.
    angle : float, ndarray or Quantity
        From the line of nodes, on the sky, deg.
    inclination : float, ndarray or Quantity
        deg, from 0 to below 90.

    Raises
    ------
    InputError
        For another inclination.

    Examples
    --------
    >>> from astrokit.bars import deprojected_radius
    >>> round(deprojected_radius(5.0, 90.0, 60.0), 9)
    10.0
    """
    from ..boundary import as_array

    r = as_array(radius, "radius", unit="arcsec", ndim=None)
    d = np.radians(as_array(angle, "angle", unit="deg", ndim=None))
    i = np.radians(as_array(inclination, "inclination", unit="deg", ndim=None))
    if not np.all((i >= 0) & (i < math.pi / 2)):
        raise InputError(
            "no disc has this inclination", value=inclination, allowed="0 <= inclination < 90 deg"
        )
    out = r * np.hypot(np.cos(d), np.sin(d) / np.cos(i))
    return float(out) if out.ndim == 0 else out
