"""`TremaineWeinberg`: the pattern speed at one geometry, with its checks."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array
from ..errors import InputError, ShapeError
from ..estimate import Estimate
from .checks import Flag, check_measurement
from .forms import as_form
from .geometry import Geometry
from .kernels import line_slopes, slit_means
from .line import STEPS, SlitLine, fit_line
from .maps import GalaxyMaps
from .pixels import Pixels, pixels_of
from .rotation import RingPlan, RotationCurve, curve_of, frames_of, plan_rings
from .slits import Aperture, SlitLayout, Slits, lay_slits, measure_slits, shorten, slit_averages

if TYPE_CHECKING:
    from astropy.table import QTable
    from matplotlib.axes import Axes

__all__ = ["ConvergenceCurve", "NullTest", "TremaineWeinberg"]

FloatArray = NDArray[np.float64]
SPEED_UNIT = "km/(s arcsec)"


@dataclass(frozen=True, eq=False)
class ConvergenceCurve:
    """Pattern speed against the half-length of the slits.

    Attributes
    ----------
    half_length : ndarray, shape (m,)
        arcsec, increasing; slits that meet the end of the field earlier stay there.
    pattern_speed, error : ndarray, shape (m,)
        km/s/arcsec; the error is that of the pixel noise, which all lengths share in part.
    is_converged : bool
        Whether the last quarter of the length changes it by less than 5 %, or within its error.
    """

    half_length: FloatArray
    pattern_speed: FloatArray
    error: FloatArray

    @property
    def drift(self) -> float:
        """Largest relative change over the last quarter of the length."""
        long = self.half_length >= 0.75 * self.half_length[-1] * (1 - 1e-9)
        long[-2:] = True
        tail = self.pattern_speed[long]
        return float(np.ptp(tail) / abs(tail[-1])) if tail[-1] != 0 else math.inf

    @property
    def is_converged(self) -> bool:
        """Whether the last quarter of the curve stays within 5 %, or within its error."""
        last = abs(self.pattern_speed[-1])
        allowed = max(0.05, self.error[-1] / last if last > 0 and self.error[-1] > 0 else 0.0)
        return self.drift <= allowed

    def to_table(self) -> QTable:
        """Return one row per half-length, with units."""
        from astropy import units as u
        from astropy.table import QTable

        speed = u.Unit(SPEED_UNIT)
        return QTable(
            {
                "half_length": self.half_length * u.arcsec,
                "pattern_speed": self.pattern_speed * speed,
                "error": self.error * speed,
            }
        )

    def __repr__(self) -> str:
        word = "converged" if self.is_converged else "NOT converged"
        return (
            f"<ConvergenceCurve: {word}, last quarter within {100 * self.drift:.2g} %, "
            f"{self.pattern_speed[-1]:.4g} km/s/arcsec at {self.half_length[-1]:.3g} arcsec>"
        )


@dataclass(frozen=True, eq=False)
class NullTest:
    """What the slits would measure on the same field without a bar.

    Attributes
    ----------
    position, velocity : ndarray, shape (n,)
        <X> (arcsec) and <V> (km/s, about the systemic velocity) of the axisymmetric map.
    signal : float
        Root mean square of this <X> over that of the galaxy: 0 without holes and outlines.
    shift : float
        Relative change of the pattern speed when these are taken off the slits.
    """

    position: FloatArray
    velocity: FloatArray
    signal: float
    shift: float

    def __repr__(self) -> str:
        return (
            f"<NullTest: without a bar {100 * self.signal:.2g} % of the signal remain, "
            f"pattern speed moves by {100 * self.shift:+.2g} %>"
        )


class TremaineWeinberg:
    r"""The method of Tremaine and Weinberg (1984) at the measured geometry.

    For a tracer that obeys continuity in a bar that turns steadily at :math:`\Omega`, each slit
    parallel to the line of nodes has
    :math:`\langle V \rangle = \Omega \sin i \, \langle X \rangle + V_{sys}`.

    Parameters
    ----------
    maps : GalaxyMaps
        With a geometry that knows the bar.
    layout : SlitLayout, optional
        Where the slits lie.
    weights : array_like, shape (n,), optional
        Weights instead of the flux, one per usable point: mass, where dust or young stars make
        light a poor tracer. They are taken to be exact.
    rotation : {"arctan", "tanh", "exponential"}
        Form of the rotation curve.

    Raises
    ------
    InputError
        Without flux, geometry or bar; for a bar along or across the line of nodes; where no slit
        lies in the field; with a single slit.

    Notes
    -----
    Errors here are those of the pixel noise alone. The geometry usually matters more: see
    :func:`pattern_speed`.

    Examples
    --------
    >>> import astrokit as ak
    >>> g = ak.bars.simulate_galaxy(instrument=ak.bars.Instrument.exact())
    >>> tw = ak.bars.TremaineWeinberg(g)
    >>> round(tw.pattern_speed.value, 2)
    20.0
    """

    def __init__(
        self,
        maps: GalaxyMaps,
        *,
        layout: SlitLayout | None = None,
        weights: ArrayLike | None = None,
        rotation: Any = "arctan",
    ) -> None:
        if not isinstance(maps, GalaxyMaps):
            raise InputError("maps must be GalaxyMaps", value=type(maps).__name__)
        maps.require_flux()
        if not np.ptp(maps.velocity) > 0:
            raise InputError("all velocities are equal", value=float(maps.velocity[0]))
        self.maps = maps
        self.geometry = maps.require_geometry("bar_position_angle", "bar_radius")
        require_bar_angle(self.geometry.bar_angle or 0.0)
        _require_center(maps, self.geometry)
        self.layout = SlitLayout() if layout is None else layout
        if not isinstance(self.layout, SlitLayout):
            raise InputError("layout must be a SlitLayout", value=type(layout).__name__)
        self.form = as_form(rotation)
        self.pixels = _weighted(pixels_of(maps, self.geometry), maps, weights)
        self.aperture: Aperture = lay_slits(self.pixels, self.geometry, self.layout)
        self.slits: Slits
        self.slits, self._by_flux, self._by_velocity = measure_slits(self.pixels, self.aperture)
        self.line: SlitLine = fit_line(self.slits)
        self.plan: RingPlan = plan_rings(
            self.pixels, self.geometry, inner_radius=maps.psf_fwhm or 0.0
        )

    # -- results -----------------------------------------------------------------------------

    @property
    def sine(self) -> float:
        """Sine of the inclination."""
        return math.sin(math.radians(self.geometry.inclination.value))

    @functools.cached_property
    def rotation_curve(self) -> RotationCurve:
        """The rotation curve; its sense makes the pattern speed positive along the disc."""
        return curve_of(self.pixels, self.geometry, self.plan, self.form)

    @property
    def sense(self) -> int:
        """1 where the position angle points to the receding half of the disc, else -1."""
        return self.rotation_curve.sense

    @property
    def pattern_speed(self) -> Estimate:
        """Positive in the sense of the disc; the error is that of the pixel noise alone."""
        factor = self.sense / self.sine
        return Estimate(
            factor * self.line.slope,
            abs(factor) * self.line.slope_error,
            unit=SPEED_UNIT,
            name="pattern_speed",
            method="line through the slits, error of the pixel noise"
            if self.slits.has_errors
            else "line through the slits, error from their scatter",
        )

    @functools.cached_property
    def flags(self) -> tuple[Flag, ...]:
        """What a reader must know of this measurement; empty where nothing is wrong."""
        return check_measurement(self)

    # -- checks ------------------------------------------------------------------------------

    def convergence(self, half_lengths: ArrayLike | None = None) -> ConvergenceCurve:
        """Return the pattern speed for shorter slits.

        Parameters
        ----------
        half_lengths : array_like or Quantity, optional
            arcsec, in any order; 16 from half the bar radius to the longest slit by default.

        Examples
        --------
        >>> import astrokit as ak
        >>> toy = ak.bars.ToyGalaxy(streaming=0.1)
        >>> g = ak.bars.simulate_galaxy(toy=toy, instrument=ak.bars.Instrument.exact())
        >>> curve = ak.bars.TremaineWeinberg(g).convergence([5.0, 10.0, 30.0])
        >>> (curve.pattern_speed / 20).round(2)
        array([0.13, 0.88, 1.  ])
        """
        longest = float(self.slits.half_length.max())
        if half_lengths is None:
            bar = self.geometry.bar_radius.value
            half_lengths = np.linspace(min(0.5 * bar, 0.5 * longest), longest, 16)
        lengths = np.sort(as_array(half_lengths, "half_lengths", unit="arcsec", positive=True))
        if lengths.size < 2:
            raise InputError("one length shows no convergence", value=lengths, allowed="2 or more")
        speed, error = np.empty(lengths.size), np.empty(lengths.size)
        for k, length in enumerate(lengths):
            line = self._line_for(length)
            speed[k], error[k] = line.slope, line.slope_error
        return ConvergenceCurve(lengths, speed * self.sense / self.sine, error / self.sine)

    def _line_for(self, half_length: float) -> SlitLine:
        short = shorten(self.aperture, half_length / self.pixels.scale, self.pixels, self.geometry)
        return fit_line(measure_slits(self.pixels, short)[0])

    def leave_one_out(self) -> FloatArray:
        """Return the pattern speed without each slit in turn, km/s/arcsec, shape ``(n,)``.

        Raises
        ------
        InputError
            With fewer than three slits.
        """
        n = len(self.slits)
        if n < 3:
            raise InputError("nothing is left to fit", value=n, allowed="3 slits or more")
        points = np.repeat(np.array([[self.slits.position, self.slits.velocity]]), n, axis=0)
        points[np.arange(n), :, np.arange(n)] = np.nan
        lines = np.empty((n, 2))
        line_slopes(points, self.slits.variances, STEPS, lines)
        return lines[:, 0] * self.sense / self.sine

    def null_test(self) -> NullTest:
        """Measure the same pixels and slits on an axisymmetric disc of the same profile.

        What remains is made by the outline of the field, by holes and by the seeing.
        """
        flux, velocity = axisymmetric_twin(self)
        x, v = slit_averages(self.pixels.with_values(flux, velocity), self.aperture)
        system = self.rotation_curve.systemic_velocity
        points = np.array([[self.slits.position - x, self.slits.velocity - v]])
        line = np.empty((1, 2))
        line_slopes(points, self.slits.variances, STEPS, line)
        rms = [float(np.sqrt(np.mean(a**2))) for a in (x, self.slits.position)]
        return NullTest(
            x,
            v - system,
            rms[0] / rms[1] if rms[1] > 0 else math.inf,
            float(line[0, 0] / self.line.slope - 1),
        )

    # -- many geometries ---------------------------------------------------------------------

    def slits_at(self, frames: FloatArray) -> FloatArray:
        """Return <X> (arcsec) and <V> (km/s) of the slits ``(n, 2, n_slits)`` at n geometries.

        Parameters
        ----------
        frames : ndarray, shape (n, 3 or more)
            Position angle (radians), centre to the west and to the north (pixels).
        """
        a, out = self.aperture, np.empty((frames.shape[0], 3, len(self.slits)))
        slit_means(
            self.pixels.stack,
            np.ascontiguousarray(frames[:, :3]),
            self.pixels.angle,
            a.low,
            a.spacing,
            a.width,
            a.half,
            out,
        )
        out[:, 0] *= self.pixels.scale
        return out[:, :2]

    def frame(self) -> FloatArray:
        """Return the measured geometry as one row ``(1, 4)``, with the inclination (radians)."""
        return frames_of(self.geometry, self.pixels.scale)

    def noise_derivatives(self) -> tuple[FloatArray, FloatArray]:
        """Return how the slits follow flux and velocity of each pixel ``(2 n, n_pixels)``.

        Rows are <X> in pixels, then <V> in km/s.
        """
        return self._by_flux, self._by_velocity

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the slits and their line; see :func:`plot_slits`."""
        from .plots import plot_slits

        return plot_slits(self, ax)

    def __repr__(self) -> str:
        speed = str(self.pattern_speed).split(" = ", 1)[-1]
        return f"<TremaineWeinberg: {speed} from {len(self.slits)} slits, pixel noise only>"


def require_bar_angle(angle: float) -> None:
    """Refuse a bar along or across the line of nodes.

    Raises
    ------
    InputError
    """
    if min(angle, 90 - angle) < 2.0:
        where = "along" if angle < 45 else "across"
        raise InputError(
            f"the bar lies {where} the line of nodes, where every slit is symmetric and the "
            "method has no signal",
            value=f"bar angle {angle:.3g} deg on the sky",
            allowed="2 to 88 deg; trust 10 to 80",
            hint="no pattern speed can be had from this galaxy in this way; check both angles",
        )


def _require_center(maps: GalaxyMaps, geometry: Geometry) -> None:
    """Refuse a centre outside of the field, before slits are sought where no light is."""
    center = (geometry.center_x.value, geometry.center_y.value)
    field = [(float(v.min()), float(v.max())) for v in (maps.x, maps.y)]
    if not all(low <= c <= high for c, (low, high) in zip(center, field, strict=True)):
        spans = ", ".join(f"{low:.4g} to {high:.4g}" for low, high in field)
        raise InputError(
            "the centre lies outside of the field",
            value=f"centre {center[0]:.4g}, {center[1]:.4g} in a field of {spans} arcsec",
            hint="centre and positions are arcsec to the west and north of one origin, neither "
            "pixels nor degrees",
        )


def _weighted(pixels: Pixels, maps: GalaxyMaps, weights: ArrayLike | None) -> Pixels:
    """Return the pixels with other weights than their flux."""
    if weights is None:
        return pixels
    values = as_array(weights, "weights", unit=getattr(weights, "unit", None), ndim=None).ravel()
    if values.size != len(maps):
        raise ShapeError(
            "weights need one number per usable point",
            value=values.size,
            allowed=str(len(maps)),
            hint="take them from an image in the same way: image.ravel()[maps.pixel]",
        )
    if not values.sum() > 0:
        raise InputError("weights must have a positive sum", value=float(values.sum()))
    counts = np.bincount(pixels.point, minlength=len(maps)) if maps.grid is None else None
    share = 1.0 if counts is None else 1.0 / counts[pixels.point]
    from dataclasses import replace

    exact = np.zeros(pixels.flux.size)
    return replace(pixels, flux=values[pixels.point] * share, flux_variance=exact)


def axisymmetric_twin(tw: TremaineWeinberg) -> tuple[FloatArray, FloatArray]:
    """Return flux and velocity of the pixels if all rings of the disc were uniform."""
    x, y = tw.pixels.frame(tw.geometry)
    radius = np.hypot(x, y / math.cos(math.radians(tw.geometry.inclination.value)))
    ring = np.floor(radius).astype(int)
    count = np.bincount(ring)
    mean_flux = np.bincount(ring, tw.pixels.flux)[count > 0] / count[count > 0]
    mean_radius = np.bincount(ring, radius)[count > 0] / count[count > 0]
    curve = tw.rotation_curve
    speed = curve.sense * curve.form.velocity(radius * tw.pixels.scale)
    over = np.divide(x, radius, out=np.zeros_like(x), where=radius > 0)
    velocity = curve.systemic_velocity + speed * tw.sine * over
    return np.interp(radius, mean_radius, mean_flux), velocity
