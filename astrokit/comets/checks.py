"""What photometry must have for an index, and what a reader of the index must know."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import CoverageWarning, InputError
from ..provenance import Recorder
from .photometry import CometPhotometry

__all__ = [
    "aperture_reservations",
    "default_offsets",
    "require_both_branches",
    "require_geometry",
    "require_photometry",
    "require_range_of_r",
    "warn_of_apertures",
]

_SMALLEST_RATIO = 1.05  # of distances to the Sun, below which no index is given
_SAME_APERTURE = 1.25  # ratio of linear radii that still counts as one aperture


def require_photometry(photometry: object) -> None:
    """Raise an InputError for anything but a CometPhotometry."""
    if not isinstance(photometry, CometPhotometry):
        raise InputError(
            "CometPhotometry is needed",
            value=type(photometry).__name__,
            hint="such as ak.comets.read_photometry(path)",
        )


def require_geometry(photometry: CometPhotometry) -> None:
    """Raise an InputError unless r, delta and phase angle are known for every row."""
    if not photometry.has_geometry:
        known = photometry.r * photometry.delta * photometry.phase_angle
        missing = int(np.sum(~np.isfinite(known)))
        raise InputError(
            "the photometry has no geometry",
            value=f"{missing} of {len(photometry)} rows lack r or delta or the phase angle",
            hint="use photometry.with_geometry(orbital elements or an ephemeris)",
        )


def require_range_of_r(photometry: CometPhotometry) -> None:
    """Raise an InputError where the distances to the Sun cannot tell an index."""
    require_geometry(photometry)
    seen = photometry.r[~photometry.fainter_than]
    if seen.size < 3:
        raise InputError(
            "an index needs at least 3 magnitudes",
            value=f"{seen.size} magnitudes, {int(photometry.fainter_than.sum())} limits",
        )
    if seen.max() < _SMALLEST_RATIO * seen.min():
        raise InputError(
            "the index is undetermined: all magnitudes are at about one distance to the Sun",
            value=f"r = {seen.min():.4g} to {seen.max():.4g} au",
            allowed=f"a range of more than {100 * (_SMALLEST_RATIO - 1):.0f} %",
            hint="add magnitudes at other distances",
        )


def require_both_branches(photometry: CometPhotometry, after: NDArray[np.bool_]) -> None:
    """Raise an InputError where one side of perihelion (`after`, ``(m,)``) cannot tell an index."""
    for name, rows in (("before", ~after), ("after", after)):
        seen = photometry.r[rows & ~photometry.fainter_than]
        if seen.size < 3 or seen.max() < _SMALLEST_RATIO * seen.min():
            span = f", r = {seen.min():.4g} to {seen.max():.4g} au" if seen.size else ""
            raise InputError(
                f"the index {name} perihelion is undetermined",
                value=f"{seen.size} magnitudes{span}",
                allowed="at least 3 at distances that differ by more than "
                f"{100 * (_SMALLEST_RATIO - 1):.0f} %",
                hint="use SingleIndex, or add magnitudes of that branch",
            )


def aperture_reservations(photometry: CometPhotometry, offsets: tuple[str, ...]) -> tuple[str, ...]:
    """Return a sentence where mixed apertures bias the index."""
    if "aperture" in offsets:
        return _within_groups(photometry)
    advice = "measure in one linear aperture, or use scale_apertures(), before trusting the index"
    radius = photometry.aperture_km
    known = np.isfinite(radius)
    if known.any() and not known.all():
        share = f"{int((~known).sum())} of {known.size}"
        return (f"apertures of {share} magnitudes are not known, of the others they are: {advice}",)
    if known.any() and radius.max() > _SAME_APERTURE * radius.min():
        span = f"{radius.min():.3g} to {radius.max():.3g} km"
        return (f"apertures differ ({span}), and a coma is brighter in a larger one: {advice}",)
    observers = np.unique(photometry.observer)
    if not known.any() and observers.size > 1 and "observer" not in offsets:
        return (
            f"magnitudes of {observers.size} observers in unknown apertures are mixed: {advice}",
        )
    return ()


def _within_groups(photometry: CometPhotometry) -> tuple[str, ...]:
    """Return a sentence where one angular aperture, with one zero point, is several linear ones."""
    if photometry.aperture_unit == "km":
        return ()
    radius = photometry.aperture_km
    for angle in np.unique(photometry.aperture[np.isfinite(radius)]):
        same = radius[photometry.aperture == angle]
        if same.max() > _SAME_APERTURE * same.min():
            return (
                f"an aperture of {angle:.3g} arcsec is {same.min():.3g} to {same.max():.3g} km at "
                "the comet, which no zero point mends: use scale_apertures()",
            )
    return ()


def warn_of_apertures(photometry: CometPhotometry, offsets: tuple[str, ...]) -> None:
    """Warn of mixed apertures, in the name of the caller's caller."""
    for sentence in aperture_reservations(photometry, offsets):
        Recorder("apertures").warn(sentence, CoverageWarning, stacklevel=4)


def default_offsets(photometry: CometPhotometry) -> tuple[str, ...]:
    """Return the columns that get zero points where the user says nothing: several filters."""
    return ("filter",) if np.unique(photometry.filter).size > 1 else ()
