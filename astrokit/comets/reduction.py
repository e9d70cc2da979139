"""Magnitudes made comparable: one aperture, one filter, unit distances, zero phase."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_scalar, require_equal_lengths
from ..errors import InputError
from ..estimate import Estimate
from .checks import require_geometry
from .phase import LinearPhase, PhaseFunction, require_phase
from .photometry import CometPhotometry

__all__ = ["apply_offsets", "reduced_magnitude", "scale_apertures"]

FloatArray = NDArray[np.float64]


def scale_apertures(
    photometry: CometPhotometry,
    radius: Any,
    *,
    profile: float | Estimate | tuple[ArrayLike, ArrayLike] = 1.0,
) -> CometPhotometry:
    """Return the magnitudes scaled to one linear aperture at the comet.

    Parameters
    ----------
    photometry : CometPhotometry
        With an aperture in every row.
    radius : float or Quantity
        Radius of the aperture wanted, km.
    profile : float, Estimate, or (radius, flux)
        Exponent of the growth of the flux with the radius: 1 for a steady coma (surface
        brightness as 1/radius); the error of an Estimate is added to that of each magnitude.
        Or a measured curve of growth: radii in km, rising, and fluxes in any unit, each ``(k,)``,
        interpolated in logarithms.

    Returns
    -------
    CometPhotometry
        Its apertures are in km.

    Raises
    ------
    InputError
        For rows without an aperture, which cannot be scaled, or beyond the curve of growth.

    Examples
    --------
    >>> from astrokit.comets import CometPhotometry, scale_apertures
    >>> ph = CometPhotometry([60800, 60900], [18, 18], r=[4, 3], delta=[3, 2],
    ...                      phase_angle=[5, 5], aperture=5.0)
    >>> scale_apertures(ph, 10_000).magnitude.round(3).tolist()
    [18.091, 17.651]
    """
    require_geometry(photometry)
    wanted = as_scalar(radius, "radius", unit="km", positive=True)
    given = photometry.aperture_km
    if not np.isfinite(given).all():
        raise InputError(
            f"{int(np.sum(~np.isfinite(given)))} of {given.size} magnitudes have no aperture",
            hint="select those with one, or give aperture= if it is known",
        )
    growth, extra, how = _growth(given, wanted, profile)
    return photometry.with_columns(
        magnitude=photometry.magnitude - growth,
        error=_with_extra(photometry.error, extra),
        aperture=np.full(given.size, wanted),
        aperture_unit="km",
        notes=(*photometry.notes, f"scaled to an aperture of {wanted:g} km, {how}"),
    )


def _growth(
    given: FloatArray, wanted: float, profile: float | Estimate | tuple[ArrayLike, ArrayLike]
) -> tuple[FloatArray, FloatArray, str]:
    """Return magnitudes gained from the given to the wanted radius, their error, and how."""
    if isinstance(profile, tuple):
        radius = as_array(profile[0], "radius of the profile", unit="km", positive=True)
        flux = as_array(profile[1], "flux of the profile", positive=True)
        require_equal_lengths(radius=radius, flux=flux)
        ends = min(given.min(), wanted), max(given.max(), wanted)
        if np.any(np.diff(radius) <= 0) or ends[0] < radius[0] or ends[1] > radius[-1]:
            raise InputError(
                "the curve of growth must rise in radius and hold every aperture",
                value=f"{radius[0]:g} to {radius[-1]:g} km",
                allowed=f"from {ends[0]:g} to {ends[1]:g} km or wider",
            )
        log_flux = np.interp(np.log([*given, wanted]), np.log(radius), np.log10(flux))
        return 2.5 * (log_flux[-1] - log_flux[:-1]), np.zeros(given.size), "curve of growth"
    if not isinstance(profile, Estimate):
        profile = Estimate(as_scalar(profile, "profile"), 0.0)
    exponent = profile
    steps = 2.5 * np.log10(wanted / given)
    return exponent.value * steps, exponent.error * np.abs(steps), f"flux ~ r^{exponent.value:g}"


def apply_offsets(
    photometry: CometPhotometry,
    offsets: Mapping[str, float | Estimate],
    *,
    column: str = "filter",
    to: str | None = None,
) -> CometPhotometry:
    """Return the magnitudes with known offsets added: colours, or zero points of observers.

    Parameters
    ----------
    photometry : CometPhotometry
    offsets : mapping of str to float or Estimate
        What to add to the magnitudes of each group; its error is added in quadrature. Groups
        called like `to` need none.
    column : {"filter", "observer"}
    to : str, optional
        Name that all get in `column`, such as ``"r"``.

    Raises
    ------
    InputError
        For a group without an offset, or an offset of a group that does not exist.

    Examples
    --------
    >>> from astrokit.comets import CometPhotometry, apply_offsets
    >>> ph = CometPhotometry([1, 2], [18.5, 18.0], filter=["g", "r"])
    >>> apply_offsets(ph, {"g": -0.5}, to="r").magnitude.tolist()
    [18.0, 18.0]
    """
    if column not in ("filter", "observer"):
        raise InputError("column is unknown", value=column, allowed="'filter' or 'observer'")
    groups = getattr(photometry, column)
    known = {str(name) for name in np.unique(groups)}
    missing = sorted(known - set(offsets) - ({to} if to else set()))
    strange = sorted(set(offsets) - known)
    if missing or strange:
        what = f"no offset for {missing[0]!r}" if missing else f"no row has {strange[0]!r}"
        raise InputError(
            f"offsets do not fit the {column}s of the photometry: {what}",
            allowed=", ".join(sorted(known)),
        )
    shift, extra = np.zeros(len(photometry)), np.zeros(len(photometry))
    for name, offset in offsets.items():
        rows = groups == name
        if not isinstance(offset, Estimate):
            offset = Estimate(as_scalar(offset, "offset", unit="mag"), 0.0)
        shift[rows], extra[rows] = offset.value, offset.error
    named = {column: np.full(groups.size, to)} if to else {}
    return photometry.with_columns(
        magnitude=photometry.magnitude + shift,
        error=_with_extra(photometry.error, extra),
        notes=(*photometry.notes, f"offsets added by {column}: {dict(offsets)}"),
        **named,
    )


def reduced_magnitude(
    photometry: CometPhotometry, *, phase: PhaseFunction | None = None, to_sun: bool = False
) -> tuple[FloatArray, FloatArray]:
    """Return magnitudes at 1 au from the observer and zero phase, with their errors.

    Parameters
    ----------
    photometry : CometPhotometry
    phase : PhaseFunction, optional
        ``LinearPhase((0.04, 0.02))`` by default.
    to_sun : bool
        Reduce to 1 au from the Sun as well, as ``r^-2``: the absolute magnitude H(1,1,0) that
        goes into the cross-section.

    Returns
    -------
    magnitude, error : ndarray, shape (m,)
        The error contains that of the phase coefficient. It is common to all rows and so never
        averages out; NaN where the photometry has none.

    Raises
    ------
    InputError
        Without geometry.
    """
    require_geometry(photometry)
    phase = LinearPhase() if phase is None else phase
    require_phase(phase)
    ph = photometry
    magnitude = ph.magnitude - 5 * np.log10(ph.delta) - phase.magnitudes(ph.phase_angle)
    if to_sun:
        magnitude = magnitude - 5 * np.log10(ph.r)
    return magnitude, _with_extra(ph.error, phase_error(phase, ph.phase_angle))


def phase_error(phase: PhaseFunction, alpha: FloatArray) -> FloatArray:
    """Return the one-sigma error ``(m,)`` that free phase parameters put on magnitudes.

    By the quantiles of one parameter at a time: exact where the phase function is linear in it.
    """
    variance = np.zeros(np.shape(alpha))
    for parameter in phase.parameters:
        if parameter.prior is not None and parameter.is_free:
            low, high = parameter.prior.ppf([0.15865525393145707, 0.8413447460685429])
            ends = [phase.magnitudes(alpha, **{parameter.name: float(x)}) for x in (low, high)]
            variance = variance + (0.5 * (ends[1] - ends[0])) ** 2
    return np.asarray(np.sqrt(variance))


def _with_extra(error: FloatArray, extra: FloatArray) -> FloatArray:
    """Return errors with another added in quadrature; unknown errors stay unknown."""
    return np.asarray(np.hypot(error, extra))
