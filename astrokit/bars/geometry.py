r"""`Geometry`: how a barred disc lies on the sky, and the one place where directions are defined.

On the sky *x* grows to the WEST and *y* to the NORTH, in arcsec: a picture with north up and east
to the left has *x* to the right. Position angles go from north through east, so that a position
angle *p* points to :math:`(x, y) = (-\sin p, \cos p)`. In the frame of the line of nodes *X* runs
along the position angle of the disc and *Y* along that angle + 90 deg.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError
from ..estimate import Estimate

__all__ = ["Geometry", "inclination_from_axis_ratio", "sky_direction"]

FloatArray = NDArray[np.float64]


def sky_direction(position_angle: float) -> tuple[float, float]:
    """Return the unit vector (x to the west, y to the north) of a position angle in degrees.

    Examples
    --------
    >>> from astrokit.bars import sky_direction
    >>> x, y = sky_direction(90.0)  # east is to the left
    >>> round(x, 12), round(y, 12)
    (-1.0, 0.0)
    """
    angle = math.radians(position_angle)
    return -math.sin(angle), math.cos(angle)


def inclination_from_axis_ratio(axis_ratio: Any, *, thickness: float = 0.0) -> Estimate:
    r"""Return the inclination of a disc from the axis ratio of its outer isophotes.

    :math:`\cos^2 i = (q^2 - q_0^2) / (1 - q_0^2)` for a disc of intrinsic thickness q0.

    Parameters
    ----------
    axis_ratio : number, pair or Estimate
        Minor over major axis, b/a; that is 1 - ellipticity.
    thickness : float
        Axis ratio of the disc seen edge-on; 0.2 to 0.25 is usual for stars.

    Returns
    -------
    Estimate
        Degrees; the error of the axis ratio is propagated to each end, and stops at 0 and 90 deg.

    Raises
    ------
    InputError
        If the ratio is not between the thickness and 1.

    References
    ----------
    Hubble 1926, ApJ 64, 321.

    Examples
    --------
    >>> from astrokit.bars import inclination_from_axis_ratio
    >>> print(inclination_from_axis_ratio((0.6, 0.02), thickness=0.2))
    inclination = 54.7 +/- 1.5 deg
    """
    ratio = _estimate(axis_ratio, "axis_ratio", "")
    q0 = as_scalar(thickness, "thickness", minimum=0, maximum=0.99)
    if not q0 < ratio.value < 1:
        raise InputError(
            "no inclined disc has this axis ratio",
            value=ratio.value,
            allowed=f"between the thickness {q0:g} and 1",
            hint="a bulge or halo rounds isophotes off: take those of the outer disc",
        )

    def degrees(q: float) -> float:
        cosine2 = (q * q - q0 * q0) / (1 - q0 * q0)
        return math.degrees(math.acos(math.sqrt(min(max(cosine2, 0.0), 1.0))))

    value = degrees(ratio.value)
    low, high = (degrees(q) for q in (ratio.interval[1], max(ratio.interval[0], q0)))
    return Estimate(
        value, value - low, high - value, "deg", name="inclination", method="axis ratio of a disc"
    )


@dataclass(frozen=True)
class Geometry:
    """Position angles, inclination, bar and centre of a galaxy, each with its error.

    Every number may be a plain number, a Quantity, a pair ``(value, error)`` (or a triple with the
    lower and the upper error) or an :class:`~astrokit.estimate.Estimate`; inside, each is an
    Estimate. A number without an error is taken as exact: its error is 0.

    Parameters
    ----------
    position_angle : number, pair or Estimate
        Of the line of nodes, degrees from north through east; either end of the line will do.
    inclination : number, pair or Estimate
        Degrees, between 0 (face-on) and 90 (edge-on), both excluded.
    bar_position_angle : number, pair or Estimate, optional
        Of the bar as seen on the sky, degrees from north through east.
    bar_radius : number, pair or Estimate, optional
        HALF the length of the bar as seen on the sky (projected), arcsec.
    center : pair of numbers, pairs or Estimates
        Centre of the galaxy, arcsec to the west and to the north of the origin of the maps.
    systemic_velocity : number, pair or Estimate, optional
        km/s, in the frame of the velocity map; without it the maps determine it.

    Raises
    ------
    InputError
        For an inclination that is not between 0 and 90 deg, a bar radius that is not positive, a
        negative error.
    UnitError
        For a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> from astrokit.bars import Geometry
    >>> g = Geometry((30, 1.5), 50 * u.deg, bar_position_angle=(75, 2), bar_radius=(6, 0.5))
    >>> print(g.position_angle)
    position_angle = 30.0 +/- 1.5 deg
    >>> g.bar_angle
    45.0
    >>> g.without_error
    ('inclination', 'center_x', 'center_y')
    """

    position_angle: Any
    inclination: Any
    bar_position_angle: Any = None
    bar_radius: Any = None
    center: Any = (0.0, 0.0)
    systemic_velocity: Any = None

    def __post_init__(self) -> None:
        for field, unit in _UNITS.items():
            given = getattr(self, field)
            if given is not None:
                object.__setattr__(self, field, _estimate(given, field, unit))
        object.__setattr__(self, "center", _center(self.center))
        if self.position_angle is None or self.inclination is None:
            raise InputError(
                "the disc needs a position angle and an inclination",
                value=f"position_angle={self.position_angle}, inclination={self.inclination}",
            )
        if not 0 < self.inclination.value < 90:
            raise InputError(
                "this inclination has no pattern speed: face-on discs show no rotation, "
                "edge-on discs no bar angle",
                value=f"{self.inclination.value:g} deg",
                allowed="between 0 and 90 deg; trust 20 to 70",
            )
        if self.bar_radius is not None and not self.bar_radius.value > 0:
            raise InputError("bar_radius must be > 0", value=f"{self.bar_radius.value:g} arcsec")

    @property
    def center_x(self) -> Estimate:
        """West of the origin of the maps, arcsec."""
        return self.center[0]

    @property
    def center_y(self) -> Estimate:
        """North of the origin of the maps, arcsec."""
        return self.center[1]

    @property
    def estimates(self) -> dict[str, Estimate]:
        """All that is known, by name: ``center`` as ``center_x`` and ``center_y``."""
        named = {field: getattr(self, field) for field in _UNITS}
        named |= {"center_x": self.center_x, "center_y": self.center_y}
        return {name: estimate for name, estimate in named.items() if estimate is not None}

    @property
    def errors(self) -> dict[str, float]:
        """One standard deviation of each known number; 0 where none was given."""
        return {name: estimate.error for name, estimate in self.estimates.items()}

    @property
    def without_error(self) -> tuple[str, ...]:
        """Names of the numbers that are taken as exact, because no error was given."""
        return tuple(name for name, error in self.errors.items() if error == 0)

    @property
    def bar_angle(self) -> float | None:
        """Angle between the bar and the line of nodes on the sky, 0 to 90 deg; None without bar."""
        if self.bar_position_angle is None:
            return None
        apart = abs(self.position_angle.value - self.bar_position_angle.value) % 180
        return float(min(apart, 180 - apart))

    def to_line_of_nodes(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return X along and Y across the line of nodes, arcsec from the centre.

        Parameters
        ----------
        x, y : ndarray
            Arcsec to the west and to the north.

        Examples
        --------
        >>> import numpy as np
        >>> from astrokit.bars import Geometry
        >>> X, Y = Geometry(90, 50).to_line_of_nodes(np.array([-2.0]), np.array([1.0]))
        >>> X.round(9), Y.round(9)  # 2 arcsec to the east, and 1 to the north
        (array([2.]), array([-1.]))
        """
        west, north = sky_direction(self.position_angle.value)
        dx, dy = x - self.center_x.value, y - self.center_y.value
        return dx * west + dy * north, dy * west - dx * north

    def replace(self, **changes: Any) -> Geometry:
        """Return the same geometry with some of its numbers changed.

        Examples
        --------
        >>> from astrokit.bars import Geometry
        >>> print(Geometry(30, 50).replace(inclination=(45, 2)).inclination)
        inclination = 45 +/- 2 deg
        """
        return dataclasses.replace(self, **changes)

    def __str__(self) -> str:
        return "\n".join(f"{estimate}" for estimate in self.estimates.values())

    def __repr__(self) -> str:
        parts = ", ".join(f"{e}" for e in self.estimates.values())
        return f"<Geometry: {parts}>"


_UNITS = {
    "position_angle": "deg",
    "inclination": "deg",
    "bar_position_angle": "deg",
    "bar_radius": "arcsec",
    "systemic_velocity": "km/s",
}


def _estimate(given: Any, name: str, unit: str) -> Estimate:
    """Return what the user gave as an Estimate of this name and unit."""
    if isinstance(given, Estimate):
        if given.limit:
            raise InputError(f"{name} is only a limit", value=str(given))
        theirs = given if given.unit is not None else dataclasses.replace(given, unit=unit)
        theirs = theirs.to(unit)
        below, above = _one_sigma(theirs)
        if math.isinf(below) or math.isinf(above):
            raise InputError(
                f"the error of {name} is infinite",
                value=str(given),
                allowed="a finite error",
                hint="without any knowledge of it there is no pattern speed",
            )
        return Estimate(theirs.value, below, above, unit, method=theirs.method, name=name)
    if isinstance(given, tuple | list) or np.ndim(getattr(given, "value", given)) == 1:
        if len(given) not in (2, 3):
            raise InputError(
                f"{name} is not understood",
                value=given,
                allowed="a number, (value, error) or (value, lower, upper)",
            )
        value, lower, *upper = (as_scalar(part, name, unit=unit) for part in given)
        return Estimate(value, lower, upper[0] if upper else None, unit=unit, name=name)
    return Estimate(as_scalar(given, name, unit=unit), 0.0, unit=unit, name=name)


def _one_sigma(estimate: Estimate) -> tuple[float, float]:
    """Return the errors at one sigma, as if normal; 0 where there is none."""
    sigmas = NormalDist().inv_cdf(0.5 + 0.5 * estimate.level)
    below, above = estimate.interval
    lower, upper = estimate.value - below, above - estimate.value
    return (
        0.0 if math.isnan(lower) else lower / sigmas,
        0.0 if math.isnan(upper) else upper / sigmas,
    )


def _center(given: Any) -> tuple[Estimate, Estimate]:
    try:
        x, y = given
    except (TypeError, ValueError):
        raise InputError(
            "center must be a pair: arcsec to the west, arcsec to the north", value=given
        ) from None
    return _estimate(x, "center_x", "arcsec"), _estimate(y, "center_y", "arcsec")
