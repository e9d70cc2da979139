"""Where a comet was: two-body orbits of any eccentricity, and what an observer saw of them.

Without a network: the Earth comes from the analytic ephemeris that astropy brings. Planets do not
pull here, so elements near the time of the observations are needed, and positions are good enough
for photometry (a few thousandths of an au), not for astrometry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_scalar
from ..errors import FitError, InputError

if TYPE_CHECKING:
    from astropy.coordinates import EarthLocation
    from astropy.table import QTable
    from astropy.time import Time

__all__ = ["Ephemeris", "OrbitalElements", "ephemeris"]

FloatArray = NDArray[np.float64]

_GAUSS = 0.01720209895  # Gaussian gravitational constant: au^(3/2) / day
_MU = _GAUSS**2
_LIGHT_DAYS_PER_AU = 499.004783836 / 86400.0
_OBLIQUITY = np.deg2rad(84381.448 / 3600.0)  # of the J2000 ecliptic in which elements are published
_SERIES_BELOW = 1e-3  # |psi| under which Stumpff functions come from their series


@dataclass(frozen=True)
class OrbitalElements:
    """Osculating elements of an ellipse, a parabola or a hyperbola (heliocentric, J2000 ecliptic).

    Parameters
    ----------
    eccentricity : float
        >= 0; above 1 the orbit is a hyperbola.
    perihelion_distance : float or Quantity
        In au.
    inclination, ascending_node, argument_of_perihelion : float or Quantity
        In degrees.
    perihelion_time : float or Time
        Julian date, TDB.
    name : str

    Raises
    ------
    InputError, UnitError
        For a negative eccentricity or a perihelion distance that is not positive.

    Examples
    --------
    >>> from astrokit.comets import OrbitalElements
    >>> halley = OrbitalElements(0.967, 0.5871, 162.24, 58.86, 111.87, 2446470.96, "1P/Halley")
    >>> round(halley.semi_major_axis, 1)
    17.8
    """

    eccentricity: float
    perihelion_distance: float
    inclination: float
    ascending_node: float
    argument_of_perihelion: float
    perihelion_time: float
    name: str = ""

    def __post_init__(self) -> None:
        units = {
            "eccentricity": None,
            "perihelion_distance": "au",
            "inclination": "deg",
            "ascending_node": "deg",
            "argument_of_perihelion": "deg",
            "perihelion_time": "d",
        }
        when: Any = self.perihelion_time
        if hasattr(when, "tdb"):  # an astropy Time
            object.__setattr__(self, "perihelion_time", when.tdb.jd)
        for field, unit in units.items():
            object.__setattr__(self, field, as_scalar(getattr(self, field), field, unit=unit))
        if self.eccentricity < 0:
            raise InputError("eccentricity is negative", value=self.eccentricity, allowed=">= 0")
        if self.perihelion_distance <= 0:
            raise InputError(
                "perihelion_distance must be > 0 au",
                value=self.perihelion_distance,
                hint="give the distance q, not the (negative) semi-major axis of a hyperbola",
            )
        if not 1e6 < self.perihelion_time < 4e6:
            raise InputError(
                "perihelion_time does not look like a Julian date",
                value=self.perihelion_time,
                hint="give the Julian date (TDB); a modified Julian date lacks 2400000.5",
            )

    @classmethod
    def from_mapping(cls, elements: Mapping[str, Any], name: str = "") -> OrbitalElements:
        """Return elements from short names: ``e, q, i, node, peri, T`` (JD) and perhaps ``name``.

        Raises
        ------
        InputError
            Naming what is missing.
        """
        keys = ("e", "q", "i", "node", "peri", "T")
        if not isinstance(elements, Mapping):
            raise InputError(
                "orbital elements are needed",
                value=type(elements).__name__,
                allowed=f"OrbitalElements, or a mapping with {', '.join(keys)}",
            )
        missing = [key for key in keys if key not in elements]
        if missing:
            raise InputError(
                "orbital elements are incomplete",
                value=f"missing {', '.join(missing)}",
                allowed=f"a mapping with {', '.join(keys)}",
            )
        e, q, i, node, peri, time = (elements[key] for key in keys)
        return cls(e, q, i, node, peri, time, name or str(elements.get("name", "")))

    @property
    def semi_major_axis(self) -> float:
        """In au: negative for a hyperbola, infinite for a parabola."""
        if self.eccentricity == 1:
            return np.inf
        return self.perihelion_distance / (1 - self.eccentricity)

    def position(self, jd_tdb: ArrayLike) -> FloatArray:
        """Return heliocentric positions in au, equatorial J2000 axes.

        Parameters
        ----------
        jd_tdb : array_like, shape (m,)
            Julian dates, TDB.

        Returns
        -------
        ndarray, shape (m, 3)
        """
        days = np.asarray(jd_tdb, dtype=float) - self.perihelion_time
        e, q = self.eccentricity, self.perihelion_distance
        chi, c2, c3 = _universal_anomaly(days, e, q)
        along = q - chi**2 * c2
        across = (q * chi - (1 - e) * chi**3 * c3) * np.sqrt((1 + e) / q)
        return along[:, None] * self._axes[0] + across[:, None] * self._axes[1]

    @property
    def _axes(self) -> tuple[FloatArray, FloatArray]:
        """Unit vectors to the perihelion and 90 degrees ahead of it, equatorial axes."""
        node, i, peri = np.deg2rad(
            [self.ascending_node, self.inclination, self.argument_of_perihelion]
        )
        turned = _rotate_z(node) @ _rotate_x(i) @ _rotate_z(peri)
        equatorial = _rotate_x(_OBLIQUITY) @ turned
        return equatorial[:, 0], equatorial[:, 1]


@dataclass(frozen=True)
class Ephemeris:
    """Distances and angles of a comet at given times.

    Attributes
    ----------
    time : ndarray, shape (m,)
        Modified Julian dates, UTC.
    r, delta : ndarray, shape (m,)
        Distance to the Sun and to the observer, au.
    phase_angle, elongation : ndarray, shape (m,)
        Sun-comet-observer and Sun-observer-comet angle, degrees.
    ra, dec : ndarray, shape (m,)
        Astrometric J2000 position, degrees.
    true_anomaly : ndarray, shape (m,)
        Degrees, negative before perihelion.
    name : str
    """

    time: FloatArray
    r: FloatArray
    delta: FloatArray
    phase_angle: FloatArray
    elongation: FloatArray
    ra: FloatArray
    dec: FloatArray
    true_anomaly: FloatArray
    name: str = ""

    def __len__(self) -> int:
        return self.time.size

    def to_table(self) -> QTable:
        """Return a table with units, one row per time."""
        from astropy import units as u
        from astropy.table import QTable

        unit = {"time": u.d, "r": u.au, "delta": u.au}
        names = ("time", "r", "delta", "phase_angle", "elongation", "ra", "dec", "true_anomaly")
        table = QTable({name: getattr(self, name) << unit.get(name, u.deg) for name in names})
        table.meta["name"] = self.name
        return table


def ephemeris(
    elements: OrbitalElements | Mapping[str, Any],
    times: ArrayLike | Time,
    *,
    location: EarthLocation | None = None,
) -> Ephemeris:
    """Return where a comet was, seen from the Earth, without a network.

    Parameters
    ----------
    elements : OrbitalElements or mapping
        Or a mapping with ``e, q, i, node, peri, T``.
    times : Time, or array_like, shape (m,)
        Plain numbers are modified Julian dates, UTC.
    location : EarthLocation, optional
        The observatory; the centre of the Earth by default (4e-5 au apart).

    Returns
    -------
    Ephemeris
        Light time is included; the pull of planets is not. For 3I/ATLAS in May to September 2025
        distances agree with JPL Horizons to 0.003 au and phase angles to 0.011 degrees.

    Raises
    ------
    InputError, ShapeError, NonFiniteError
        For elements that are no orbit or times that are no numbers.

    Examples
    --------
    >>> import astrokit as ak
    >>> elements = ak.comets.OrbitalElements(
    ...     6.14135, 1.356481, 175.11646, 322.16960, 128.02287, 2460977.9953, "3I/ATLAS")
    >>> where = ak.comets.ephemeris(elements, [60859.0])
    >>> print(f"r = {where.r[0]:.2f} au, alpha = {where.phase_angle[0]:.1f} deg")
    r = 4.45 au, alpha = 2.5 deg
    """
    if not isinstance(elements, OrbitalElements):
        elements = OrbitalElements.from_mapping(elements)
    when = _as_time(times)
    sun, earth = _sun_and_observer(when, location)
    jd = np.atleast_1d(when.tdb.jd)
    helio, topo = _with_light_time(elements, jd, sun - earth)
    r, delta = np.linalg.norm(helio, axis=1), np.linalg.norm(topo, axis=1)
    to_sun = sun - earth
    ra = np.degrees(np.arctan2(topo[:, 1], topo[:, 0])) % 360.0
    dec = np.degrees(np.arcsin(np.clip(topo[:, 2] / delta, -1, 1)))
    along, ahead = helio @ elements._axes[0], helio @ elements._axes[1]
    return Ephemeris(
        time=np.atleast_1d(when.utc.mjd),
        r=r,
        delta=delta,
        phase_angle=_angle(-helio, -topo),
        elongation=_angle(to_sun, topo),
        ra=ra,
        dec=dec,
        true_anomaly=np.degrees(np.arctan2(ahead, along)),
        name=elements.name,
    )


def _as_time(times: ArrayLike | Time) -> Time:
    from astropy.time import Time

    if isinstance(times, Time):
        return times.reshape(-1)
    mjd = as_array(np.atleast_1d(times), "times", unit="d")
    if mjd.max() > 1e6:
        raise InputError(
            "times look like Julian dates",
            value=float(mjd.max()),
            hint="give modified Julian dates (JD - 2400000.5), or an astropy Time",
        )
    return Time(mjd, format="mjd", scale="utc")


def _sun_and_observer(when: Time, location: EarthLocation | None) -> tuple[FloatArray, FloatArray]:
    """Return barycentric positions of Sun and observer, au, ``(m, 3)`` each."""
    from astropy.coordinates import get_body_barycentric

    sun, earth = (
        np.atleast_2d(get_body_barycentric(body, when, ephemeris="builtin").xyz.to_value("au").T)
        for body in ("sun", "earth")
    )
    if location is not None:
        offset, _ = location.get_gcrs_posvel(when)
        earth = earth + np.atleast_2d(offset.xyz.to_value("au").T)
    return sun, earth


def _with_light_time(
    elements: OrbitalElements, jd: FloatArray, sun_from_observer: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the comet seen from Sun and observer when the light left it, ``(m, 3)`` each."""
    delay = np.zeros(jd.size)
    for _ in range(4):  # each round shrinks the error by v/c = 1e-4
        helio = elements.position(jd - delay)
        topo = helio + sun_from_observer
        delay = _LIGHT_DAYS_PER_AU * np.linalg.norm(topo, axis=1)
    return helio, topo


def _universal_anomaly(
    days: FloatArray, e: float, q: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Solve Kepler's equation in universal variables, from the perihelion.

    ``k dt = e chi^3 c3(psi) + q chi`` with ``psi = (1 - e)/q chi^2``: one equation, rising
    everywhere, for all three kinds of orbit and without cancellation near e = 1.
    """
    alpha = (1 - e) / q
    if alpha > 0:  # an ellipse repeats itself
        period = 2 * np.pi / alpha**1.5
        since = _GAUSS * days - period * np.round(_GAUSS * days / period)
        target, sign = np.abs(since), np.sign(since)
        high = np.full(days.shape, np.pi / np.sqrt(alpha) * (1 + 1e-12))
    else:  # c3 >= 1/6, so the solution lies below that of the parabola and of the free flight
        target, sign = _GAUSS * np.abs(days), np.sign(days)
        high = np.minimum(target / q, np.cbrt(6 * target / e)) + 1e-12
    low = np.zeros(days.shape)
    chi = 0.5 * high
    for _ in range(200):
        c2, c3 = _stumpff(alpha * chi**2)
        excess = e * chi**3 * c3 + q * chi - target
        slope = e * chi**2 * c2 + q
        low, high = np.where(excess < 0, chi, low), np.where(excess >= 0, chi, high)
        newton = chi - excess / slope
        inside = (newton >= low) & (newton <= high)
        new = np.where(inside, newton, 0.5 * (low + high))
        done = np.abs(new - chi) <= 1e-14 * np.abs(chi) + 1e-300
        chi = new
        if done.all():
            break
    else:
        raise FitError("Kepler's equation was not solved", hint="check the elements and times")
    c2, c3 = _stumpff(alpha * chi**2)
    return sign * chi, c2, c3


def _stumpff(psi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return c2 = (1 - cos s)/psi and c3 = (s - sin s)/s^3 with s^2 = psi of either sign."""
    small = np.abs(psi) < _SERIES_BELOW
    c2 = 1 / 2 - psi / 24 + psi**2 / 720 - psi**3 / 40320
    c3 = 1 / 6 - psi / 120 + psi**2 / 5040 - psi**3 / 362880
    s = np.sqrt(np.abs(np.where(small, 1.0, psi)))
    ellipse, hyperbola = ~small & (psi > 0), ~small & (psi < 0)
    half = np.sin(s / 2)
    c2 = np.where(ellipse, 2 * half**2 / s**2, c2)
    c3 = np.where(ellipse, (s - np.sin(s)) / s**3, c3)
    s = np.where(hyperbola, s, 1.0)  # sinh of other rows could overflow
    c2 = np.where(hyperbola, 2 * np.sinh(s / 2) ** 2 / s**2, c2)
    c3 = np.where(hyperbola, (np.sinh(s) - s) / s**3, c3)
    return c2, c3


def _rotate_x(angle: float) -> FloatArray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def _rotate_z(angle: float) -> FloatArray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _angle(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the angle between rows of vectors, degrees; exact near 0 and 180 as well."""
    cross = np.linalg.norm(np.cross(a, b), axis=1)
    return np.degrees(np.arctan2(cross, np.einsum("ij,ij->i", a, b)))
