"""Spectra as tables and as objects of other packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    from astropy.table import Table

    from .plain import FluxPoints
    from .spectrum import Spectrum

__all__ = ["from_specutils", "to_specutils", "to_table"]


def to_table(spectrum: Spectrum) -> Table:
    """Return the noticed groups of a spectrum as a table.

    Returns
    -------
    astropy.table.Table
        Columns ``energy_lo``, ``energy_hi`` (where energies are known), ``counts`` or ``rate``,
        ``background_counts`` and ``background_ratio`` (where there is a background), ``net_rate``
        and ``net_rate_error``, with units.
    """
    from astropy.table import QTable

    table = QTable(meta={"name": spectrum.name, "exposure": f"{spectrum.exposure:g} s"})
    if spectrum.channel_energies is not None:
        table["energy_lo"] = _quantity(spectrum.energy_lo, "keV")
        table["energy_hi"] = _quantity(spectrum.energy_hi, "keV")
    if spectrum.counts is not None:
        table["counts"] = _quantity(spectrum.counts, "ct")
    else:
        table["rate"] = _quantity(spectrum.rate, "ct / s")
    if spectrum.background_counts is not None:
        table["background_counts"] = _quantity(spectrum.background_counts, "ct")
        table["background_ratio"] = spectrum.background_ratio
    table["net_rate"] = _quantity(spectrum.net_rate, "ct / s")
    if spectrum.errors is not None or not spectrum.is_rate:
        table["net_rate_error"] = _quantity(spectrum.net_rate_error, "ct / s")
    return table


def _quantity(values: Any, unit: str) -> Any:
    from astropy import units as u

    return np.array(values) * u.Unit(unit)


def to_specutils(source: Spectrum | FluxPoints) -> Any:
    """Return a ``specutils.Spectrum`` of the same numbers.

    Net rates per keV of a spectrum (folded with its response), or the fluxes of points.

    Raises
    ------
    MissingDependencyError
        Without specutils.
    InputError
        For a spectrum of unknown energies.
    """
    try:
        import specutils
    except ImportError as error:
        raise MissingDependencyError(
            "specutils is not installed", hint="pip install specutils"
        ) from error
    from astropy import units as u
    from astropy.nddata import StdDevUncertainty

    from .plain import FluxPoints

    if isinstance(source, FluxPoints):
        axis = source.energy * u.keV
        flux, sigma = source.flux, source.error
        unit = u.Unit("1 / (cm2 s keV)")
    else:
        low, high = source.energy_lo, source.energy_hi
        axis = 0.5 * (low + high) * u.keV
        flux, sigma = source.net_rate / (high - low), source.net_rate_error / (high - low)
        unit = u.Unit("ct / (s keV)")
    kind = getattr(specutils, "Spectrum", None) or specutils.Spectrum1D
    return kind(flux=flux * unit, spectral_axis=axis, uncertainty=StdDevUncertainty(sigma * unit))


def from_specutils(spectrum: Any) -> FluxPoints:
    """Return flux points of a ``specutils`` spectrum: unfolded fluxes with uncertainties.

    Parameters
    ----------
    spectrum : specutils.Spectrum
        Masked points are left out.

    Raises
    ------
    InputError
        Without uncertainties.
    UnitError
        Where the flux is none, such as counts.
    """
    from .plain import FluxPoints

    if spectrum.uncertainty is None:
        raise InputError(
            "the spectrum has no uncertainties",
            hint="give it StdDevUncertainty, which a fit needs as weights",
        )
    from astropy.nddata import StdDevUncertainty

    error = spectrum.uncertainty.represent_as(StdDevUncertainty).quantity
    good = np.ones(len(spectrum.flux), dtype=bool)
    if spectrum.mask is not None:
        good &= ~np.asarray(spectrum.mask, dtype=bool)
    axis = spectrum.spectral_axis
    return FluxPoints(
        (axis.value * axis.unit)[good], spectrum.flux[good], error[good], meta=dict(spectrum.meta)
    )
