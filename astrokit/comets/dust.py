"""From a magnitude to dust: Afrho, cross-section, mass and production rate, with their errors.

All of them are products of powers, so errors are propagated in logarithms, where they add in
quadrature; every input may be a number, a Quantity, or an :class:`~astrokit.Estimate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar, as_unit
from ..errors import DataWarning, InputError
from ..estimate import Estimate
from ..provenance import Recorder
from .checks import require_geometry
from .phase import HalleyMarcusPhase, PhaseFunction, require_phase
from .photometry import KM_PER_ARCSEC_AU, CometPhotometry
from .reduction import phase_error

__all__ = [
    "afrho",
    "afrho_curve",
    "cross_section",
    "dust_mass",
    "dust_production_rate",
    "magnitude_from_afrho",
]

FloatArray = NDArray[np.float64]

_KM_PER_AU = 149597870.7
_LN_PER_MAG = 0.4 * np.log(10)
_SUN_V = -26.76  # Willmer (2018), Vega system


@dataclass(frozen=True)
class _Factor:
    """A positive input in a plain unit with its relative error."""

    value: float
    relative: float

    def power(self, exponent: float) -> _Factor:
        return _Factor(self.value**exponent, abs(exponent) * self.relative)


def _factor(x: Any, name: str, unit: str | None = None) -> _Factor:
    if isinstance(x, Estimate):
        estimate = x.to(unit) if x.unit is not None else x
        value = as_scalar(estimate.value, name, positive=True)
        return _Factor(value, _spread(estimate))
    return _Factor(as_scalar(x, name, unit=unit, positive=True), 0.0)


def _spread(estimate: Estimate) -> float:
    """Return the one-sigma spread of the logarithm; a chain of products keeps it as it is."""
    low, high = estimate.interval
    if low <= 0:
        return float(np.log(high / estimate.value))
    return float(0.5 * np.log(high / low))


def _flux(magnitude: Any, name: str = "magnitude") -> _Factor:
    """Return the flux of a magnitude."""
    if isinstance(magnitude, Estimate):
        return _Factor(10 ** (-0.4 * magnitude.value), _LN_PER_MAG * magnitude.error)
    return _Factor(10 ** (-0.4 * as_scalar(magnitude, name, unit="mag")), 0.0)


def _product(name: str, unit: str, method: str, *factors: _Factor) -> Estimate:
    value = float(np.prod([factor.value for factor in factors]))
    spread = float(np.sqrt(np.sum([factor.relative**2 for factor in factors])))
    if spread == 0 or not np.isfinite(spread):  # no input has an error: the result has none
        return Estimate(value, unit=unit, name=name, method=method)
    lower, upper = -value * np.expm1(-spread), value * np.expm1(spread)
    return Estimate(value, lower, upper, unit=unit, name=name, method=method)


def _radius(aperture: Any) -> tuple[_Factor, bool]:
    """Return the radius of an aperture in km (an angle: in km at 1 au), and whether an angle."""
    from astropy import units as u

    unit = getattr(aperture, "unit", None)
    if unit is None:
        raise InputError(
            "aperture needs a unit",
            value=aperture,
            hint="an angle such as 5 * u.arcsec or a length such as 10000 * u.km; it is the radius",
        )
    if as_unit(unit).is_equivalent(u.arcsec):  # type: ignore[union-attr]
        angle = _factor(aperture, "aperture", "arcsec")
        return _Factor(angle.value * KM_PER_ARCSEC_AU, angle.relative), True
    return _factor(aperture, "aperture", "km"), False


def afrho(
    *,
    magnitude: Any,
    r: Any,
    delta: Any,
    aperture: Any,
    phase_angle: Any = None,
    phase: PhaseFunction | None = None,
    sun: float = _SUN_V,
) -> Estimate:
    """Return Afrho, the product of albedo, filling factor and aperture radius.

    Parameters
    ----------
    magnitude : float or Estimate
        In the aperture.
    r, delta : float, Quantity or Estimate
        Distances to Sun and observer, au.
    aperture : Quantity or Estimate
        Radius, as an angle or a length.
    phase_angle : float or Quantity, optional
        Degrees. With it the result is A(0)frho, brought to zero phase.
    phase : PhaseFunction, optional
        For that; :class:`HalleyMarcusPhase` by default. Uncertain coefficients widen the error.
    sun : float
        Magnitude of the Sun at 1 au in the same filter (-26.76: V, Willmer 2018).

    Returns
    -------
    Estimate
        In cm.

    Raises
    ------
    InputError, UnitError

    References
    ----------
    A'Hearn et al. 1984, AJ 89, 579.

    Examples
    --------
    >>> from astropy import units as u
    >>> import astrokit as ak
    >>> value = ak.comets.afrho(magnitude=18, r=2.5 * u.au, delta=3.5 * u.au,
    ...     aperture=5 * u.arcsec, phase_angle=3.5 * u.deg)
    >>> round(value.value, 1), str(value.unit)
    (77.5, 'cm')
    """
    factors = _afrho_factors(r, delta, aperture, sun)
    name = "Afrho" if phase_angle is None else "A(0)frho"
    method = "A'Hearn et al. (1984)"
    return _product(name, "cm", method, _flux(magnitude), *factors, _dimming(phase_angle, phase))


def _afrho_factors(r: Any, delta: Any, aperture: Any, sun: float) -> tuple[_Factor, ...]:
    """Return the independent factors of what one unit of flux (magnitude 0) is worth in cm."""
    cm_per_km = 1e5
    near, far = _factor(r, "r", "au"), _factor(delta, "delta", "au")
    radius, is_angle = _radius(aperture)
    unit = 4 * _KM_PER_AU**2 * cm_per_km * 10 ** (0.4 * as_scalar(sun, "sun", unit="mag"))
    # Of delta^2 / radius an angular radius leaves delta once.
    distance = far.power(1) if is_angle else far.power(2)
    return _Factor(unit, 0.0), near.power(2), distance, radius.power(-1)


def _dimming(phase_angle: Any, phase: PhaseFunction | None) -> _Factor:
    if phase_angle is None:
        if phase is not None:
            raise InputError("a phase function needs the phase angle", hint="give phase_angle=")
        return _Factor(1.0, 0.0)
    phase = HalleyMarcusPhase() if phase is None else phase
    require_phase(phase)
    alpha = np.array([as_scalar(phase_angle, "phase_angle", unit="deg")])
    dimming = float(phase.magnitudes(alpha)[0])
    return _Factor(10 ** (0.4 * dimming), _LN_PER_MAG * float(phase_error(phase, alpha)[0]))


def afrho_curve(
    photometry: CometPhotometry,
    *,
    phase: PhaseFunction | None = None,
    sun: float | Mapping[str, float] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return A(0)frho of every row of a photometry.

    Parameters
    ----------
    photometry : CometPhotometry
        With geometry and apertures. Rows that are limits give upper limits.
    phase : PhaseFunction, optional
        As in :func:`afrho`.
    sun : float, or mapping of str to float, optional
        Magnitude of the Sun at 1 au, or one for each filter, in the system of the magnitudes;
        that in V (-26.76) by default.

    Returns
    -------
    value, error : ndarray, shape (m,)
        cm. The error is that of the magnitude alone (NaN where unknown): that of the phase
        function is common to all rows.

    Raises
    ------
    InputError
        Without geometry, for rows without an aperture, or a filter that `sun` lacks.

    Warns
    -----
    DataWarning
        Where the Sun in V serves magnitudes in other filters.
    """
    require_geometry(photometry)
    ph, radius = photometry, photometry.aperture_km
    if not np.isfinite(radius).all():
        raise InputError(
            f"{int(np.sum(~np.isfinite(radius)))} of {radius.size} magnitudes have no aperture",
            hint="Afrho needs the radius: select rows that have one, or give aperture=",
        )
    phase = HalleyMarcusPhase() if phase is None else phase
    require_phase(phase)
    dimming = phase.magnitudes(ph.phase_angle)
    cm_per_km = 1e5
    value = 4 * (ph.r * ph.delta * _KM_PER_AU) ** 2 / radius * cm_per_km
    value *= 10 ** (0.4 * (_sun_of_rows(ph, sun) - ph.magnitude + dimming))
    return value, value * _LN_PER_MAG * ph.error


def _sun_of_rows(
    photometry: CometPhotometry, sun: float | Mapping[str, float] | None
) -> FloatArray:
    """Return the magnitude of the Sun for each row ``(m,)``."""
    filters = [str(name) for name in np.unique(photometry.filter)]
    if isinstance(sun, Mapping):
        missing = [name for name in filters if name not in sun]
        if missing:
            raise InputError(
                "the Sun has no magnitude in a filter of the photometry",
                value=missing[0],
                allowed=", ".join(sun),
                hint="add it to sun=, or select the other rows",
            )
        each = {name: as_scalar(sun[name], "sun", unit="mag") for name in filters}
        return np.array([each[str(name)] for name in photometry.filter])
    others = [name for name in filters if name not in ("", "V", "visual")]
    if sun is None and others:
        Recorder("afrho_curve").warn(
            f"Afrho of magnitudes in {', '.join(others)} with the Sun in V: give sun= its "
            "magnitude in these filters",
            DataWarning,
            stacklevel=4,
        )
    sun = _SUN_V if sun is None else sun
    return np.full(len(photometry), as_scalar(sun, "sun", unit="mag"))


def magnitude_from_afrho(
    value: Any, *, r: Any, delta: Any, aperture: Any, sun: float = _SUN_V
) -> float:
    """Return the magnitude that an Afrho (cm) gives: the inverse of :func:`afrho`.

    Examples
    --------
    >>> from astropy import units as u
    >>> from astrokit.comets import afrho, magnitude_from_afrho
    >>> where = dict(r=2.5, delta=3.5, aperture=5 * u.arcsec)
    >>> round(magnitude_from_afrho(afrho(magnitude=18.0, **where), **where), 10)
    18.0
    """
    scale = float(np.prod([f.value for f in _afrho_factors(r, delta, aperture, sun)]))
    return float(-2.5 * np.log10(_factor(value, "afrho", "cm").value / scale))


def cross_section(absolute_magnitude: Any, *, albedo: Any = 0.04, sun: float = _SUN_V) -> Estimate:
    """Return the scattering cross-section C_e of a comet.

    Parameters
    ----------
    absolute_magnitude : float or Estimate
        H(1,1,0): at 1 au from Sun and observer and zero phase.
    albedo : float or Estimate
        Geometric albedo of the dust.
    sun : float
        Magnitude of the Sun at 1 au in the same filter.

    Returns
    -------
    Estimate
        In km2.

    Examples
    --------
    >>> from astrokit.comets import cross_section
    >>> print(f"{cross_section(12.0, albedo=0.04).value:.0f}")
    551
    """
    area = _Factor(np.pi * _KM_PER_AU**2 * 10 ** (0.4 * as_scalar(sun, "sun", unit="mag")), 0.0)
    parts = (area, _flux(absolute_magnitude, "absolute_magnitude"))
    reflecting = _factor(albedo, "albedo")
    if reflecting.value > 1:
        raise InputError(
            "albedo is greater than 1",
            value=reflecting.value,
            hint="give a fraction such as 0.04, not a percentage",
        )
    return _product("C_e", "km2", "", *parts, reflecting.power(-1))


def dust_mass(section: Any, *, grain_radius: Any, density: Any = 1000.0) -> Estimate:
    """Return the mass of spheres with a cross-section, ``4/3 rho a C_e``.

    Parameters
    ----------
    section : float, Quantity or Estimate
        km2.
    grain_radius : Quantity, Estimate or float
        Mean radius, weighted by cross-section; plain numbers are in micrometres.
    density : float, Quantity or Estimate
        kg/m3.

    Returns
    -------
    Estimate
        In kg.

    Examples
    --------
    >>> from astropy import units as u
    >>> from astrokit.comets import dust_mass
    >>> print(f"{dust_mass(500 * u.km**2, grain_radius=100 * u.um).value:.3g}")
    6.67e+07
    """
    m2_per_km2, m_per_um = 1e6, 1e-6
    return _product(
        "dust mass",
        "kg",
        "spheres of one radius and density",
        _Factor(4 / 3 * m2_per_km2 * m_per_um, 0.0),
        _factor(section, "section", "km2"),
        _factor(grain_radius, "grain_radius", "um"),
        _factor(density, "density", "kg / m3"),
    )


def dust_production_rate(mass: Any, *, aperture: Any, speed: Any) -> Estimate:
    """Return the rate ``M / tau`` at which dust is lost, tau being the time to cross the aperture.

    Parameters
    ----------
    mass : float, Quantity or Estimate
        kg, in the aperture.
    aperture : Quantity, Estimate or float
        Linear radius, km.
    speed : Quantity, Estimate or float
        Of the grains, m/s.

    Returns
    -------
    Estimate
        In kg/s.

    Examples
    --------
    >>> from astropy import units as u
    >>> from astrokit.comets import dust_production_rate
    >>> print(dust_production_rate(1e8 * u.kg, aperture=10_000 * u.km, speed=5 * u.m / u.s).value)
    50.0
    """
    km_per_m = 1e-3
    return _product(
        "dust production rate",
        "kg / s",
        "mass in the aperture over its crossing time",
        _Factor(km_per_m, 0.0),
        _factor(mass, "mass", "kg"),
        _factor(speed, "speed", "m / s"),
        _factor(aperture, "aperture", "km").power(-1),
    )
