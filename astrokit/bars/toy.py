r"""Exact toy galaxies: barred discs whose pattern speed is known because continuity holds in them.

In the plane of the disc the surface density is

.. math:: \Sigma = e^{-R/h} [1 + b f(R) \cos 2(\phi - \phi_b)], \quad
          f = (R/R_b)^2 e^{1 - (R/R_b)^2},

which turns rigidly at the pattern speed :math:`\Omega`. Material that moves, in the frame of the
bar, along the lines of a stream function :math:`\psi`,
:math:`\Sigma (v - \Omega \hat z \times r) = \nabla \times (\psi \hat z)`, then obeys the equation
of continuity whatever :math:`\psi` is. Here

.. math:: \psi = -\int_0^R e^{-R/h} (V_c - \Omega R) dR
                 + q V_0 R f(R) e^{-R/h} \cos 2(\phi - \phi_b):

the first part alone (q = 0) has no radial velocity; the second adds streaming along the bar, and
makes slits that end in the bar miss the pattern speed by a known amount.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_scalar
from ..errors import InputError
from .forms import Arctan, RotationForm

__all__ = ["ToyGalaxy"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class ToyGalaxy:
    """A barred disc in steady rotation, known everywhere in closed form.

    Parameters
    ----------
    pattern_speed : float or Quantity
        km/s/arcsec; positive in the sense in which the disc turns.
    inclination : float or Quantity
        deg, between 0 and 90.
    bar_angle : float or Quantity
        From the line of nodes to the bar AS SEEN ON THE SKY, deg, counted from north to east.
    bar_radius : float or Quantity
        Where the bar is strongest, in the plane of the disc, arcsec.
    bar_strength : float
        b: relative density at the ends of the bar, between 0 (none) and 1.
    scale_length : float or Quantity
        h of the exponential disc, arcsec.
    rotation : RotationForm
        Circular velocity.
    streaming : float
        q: motion along the bar in units of the flat velocity.

    Raises
    ------
    InputError, UnitError
        For numbers out of range, or a wrong unit.

    Examples
    --------
    >>> from astrokit.bars import ToyGalaxy
    >>> toy = ToyGalaxy(pattern_speed=20, inclination=50, bar_angle=40)
    >>> round(toy.corotation_radius, 3)
    8.535
    """

    pattern_speed: float = 20.0
    inclination: float = 50.0
    bar_angle: float = 45.0
    bar_radius: float = 7.0
    bar_strength: float = 0.6
    scale_length: float = 6.0
    rotation: RotationForm = field(default_factory=Arctan)
    streaming: float = 0.0

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "pattern_speed", as_scalar(self.pattern_speed, "pattern_speed", unit=_SPEED))
        put(self, "inclination", as_scalar(self.inclination, "inclination", unit="deg"))
        put(self, "bar_angle", as_scalar(self.bar_angle, "bar_angle", unit="deg"))
        for name in ("bar_radius", "scale_length"):
            put(self, name, as_scalar(getattr(self, name), name, unit="arcsec", positive=True))
        put(self, "streaming", as_scalar(self.streaming, "streaming"))
        strength = as_scalar(self.bar_strength, "bar_strength", minimum=0)
        put(self, "bar_strength", strength)
        if strength >= 1:
            raise InputError(
                "the density would become negative", value=strength, allowed="bar_strength < 1"
            )
        if not 0 < self.inclination < 90:
            raise InputError(
                "a toy galaxy is inclined", value=self.inclination, allowed="0 to 90 deg, open"
            )
        if not isinstance(self.rotation, RotationForm) or self.rotation.code < 0:
            raise InputError(
                "rotation is not a curve", value=self.rotation, allowed="Arctan(200, 2), Tanh, ..."
            )

    # -- numbers -----------------------------------------------------------------------------

    @property
    def corotation_radius(self) -> float:
        """Where the circular velocity equals that of the pattern, arcsec; NaN where nowhere."""
        return self.rotation.corotation_radius(self.pattern_speed)

    @property
    def ratio(self) -> float:
        """Corotation radius over bar radius."""
        return self.corotation_radius / self.bar_radius

    @property
    def projected_bar_radius(self) -> float:
        """The radius of the bar as seen on the sky, arcsec."""
        d = math.radians(self.bar_angle)
        stretch = math.hypot(math.cos(d), math.sin(d) / self._cos)
        return self.bar_radius / stretch

    @property
    def _sin(self) -> float:
        return math.sin(math.radians(self.inclination))

    @property
    def _cos(self) -> float:
        return math.cos(math.radians(self.inclination))

    @property
    def _bar_phase(self) -> float:
        """Angle of the bar from the line of nodes in the plane of the disc, radians."""
        d = math.radians(self.bar_angle)
        return math.atan2(math.sin(d) / self._cos, math.cos(d))

    # -- fields ------------------------------------------------------------------------------

    def evaluate(self, x: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return flux and line-of-sight velocity (km/s, about the systemic one).

        Parameters
        ----------
        x, y : array_like or Quantity
            Along and across the line of nodes on the sky, arcsec; x > 0 recedes.

        Returns
        -------
        flux, velocity : ndarray

        Examples
        --------
        >>> import numpy as np
        >>> from astrokit.bars import ToyGalaxy
        >>> flux, velocity = ToyGalaxy(bar_strength=0).evaluate(np.array([6.0]), np.array([0.0]))
        >>> flux.round(4), velocity.round(1)  # 1/e; 200 (2/pi) arctan(6/2) sin 50 deg
        (array([0.3679]), array([121.8]))
        """
        x = as_array(x, "x", unit="arcsec", ndim=None)
        y = as_array(y, "y", unit="arcsec", ndim=None) / self._cos
        radius = np.hypot(x, y)
        phase = 2 * (np.arctan2(y, x) - self._bar_phase)
        disc, bar = np.exp(-radius / self.scale_length), self._bar(radius)
        density = 1 + self.bar_strength * bar * np.cos(phase)
        turn = self.pattern_speed * radius
        around = turn + (self.rotation.velocity(radius) - turn) / density
        v_x_over_r = np.divide(x, radius, out=np.ones_like(radius), where=radius > 0)
        velocity = around * v_x_over_r
        if self.streaming:
            outward, sideways = self._streaming(radius, phase)
            v_y_over_r = np.divide(y, radius, out=np.zeros_like(radius), where=radius > 0)
            velocity = velocity + (sideways * v_x_over_r + outward * v_y_over_r) / density
        return disc * density, self._sin * velocity

    def _bar(self, radius: FloatArray) -> FloatArray:
        z = (radius / self.bar_radius) ** 2
        return z * np.exp(1 - z)

    def _streaming(self, radius: FloatArray, phase: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return radial and azimuthal motion times the density without the disc."""
        amplitude = self.streaming * self.rotation.flat_velocity * self._bar(radius)
        outward = -2 * amplitude * np.sin(phase)
        # d/dR of R f exp(-R/h), over f exp(-R/h)
        growth = 1 + 2 * (1 - (radius / self.bar_radius) ** 2) - radius / self.scale_length
        return outward, -amplitude * growth * np.cos(phase)

    def stream_function(self, x: ArrayLike, y: ArrayLike) -> FloatArray:
        """Return psi in km/s arcsec times the density at the centre, at positions on the sky.

        Parameters
        ----------
        x, y : array_like or Quantity
            As for :meth:`evaluate`.
        """
        x = as_array(x, "x", unit="arcsec", ndim=None)
        y = as_array(y, "y", unit="arcsec", ndim=None) / self._cos
        radius, phase = np.hypot(x, y), 2 * (np.arctan2(y, x) - self._bar_phase)
        around = np.vectorize(self._integral, otypes=[float])(radius)
        wave = self.streaming * self.rotation.flat_velocity * radius * self._bar(radius)
        return wave * np.exp(-radius / self.scale_length) * np.cos(phase) - around

    def _integral(self, radius: float) -> float:
        """Return the integral of ``exp(-R/h) (V_c - Omega R)`` from the centre."""
        from scipy.integrate import quad

        def flow(r: float) -> float:
            curve = self.rotation.flat_velocity * self.rotation.shape(
                np.array(r / self.rotation.turnover)
            )
            return float(math.exp(-r / self.scale_length) * (curve - self.pattern_speed * r))

        return float(quad(flow, 0.0, float(radius), epsabs=0, epsrel=1e-12, limit=200)[0])

    def slit_excess(self, y: float, low: float, high: float) -> float:
        r"""Return what a slit that ends inside the galaxy measures beside the pattern.

        For a slit at `y` from X = `low` to X = `high` the integrals of flux S obey, exactly,
        :math:`\int S V dX = \sin i \{\Omega \int S X dX - [\psi(high) - \psi(low)]\}`. This is the
        second term, km/s arcsec times the central flux.

        Parameters
        ----------
        y, low, high : float
            Arcsec on the sky.

        Examples
        --------
        >>> from astrokit.bars import ToyGalaxy
        >>> toy = ToyGalaxy(streaming=0.3)
        >>> abs(toy.slit_excess(2.0, -200.0, 200.0)) < 1e-9
        True
        """
        ends = [
            float(self.stream_function(np.array([end]), np.array([y]))[0]) for end in (low, high)
        ]
        return -self._sin * (ends[1] - ends[0])

    def replace(self, **changes: Any) -> ToyGalaxy:
        """Return the same galaxy with some of its numbers changed."""
        return dataclasses.replace(self, **changes)


_SPEED = "km/(s arcsec)"
