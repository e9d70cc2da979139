"""`FluxPoints`: spectra without a response: SED points, gamma-ray points, radio fluxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_array, as_unit, require_equal_lengths
from ..errors import InputError, UnitError

if TYPE_CHECKING:
    from astropy.table import Table
    from matplotlib.axes import Axes

__all__ = ["FluxPoints"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
_PHOTON = "1 / (cm2 s keV)"
_NAMES = {
    "energy": ("energy", "e_ref", "eng", "frequency", "freq", "wavelength", "wave", "x"),
    "flux": ("dnde", "flux", "e2dnde", "nufnu", "nu_fnu", "sed", "flux_density", "fnu", "y"),
    "error": ("dnde_err", "flux_err", "flux_error", "e2dnde_err", "nufnu_err", "error", "err"),
}


@dataclass(frozen=True, eq=False, repr=False)
class FluxPoints:
    """Fluxes at energies, with Gaussian errors.

    Parameters
    ----------
    energy : array_like or Quantity, shape (m,)
        keV; a Quantity may be an energy, a frequency or a wavelength. Sorted if need be.
    flux : array_like or Quantity, shape (m,)
        Photons per cm2, s and keV; a Quantity may also be an energy flux per energy or frequency
        (such as Jy) or nu F_nu (such as erg / (cm2 s)).
    error : array_like or Quantity, shape (m,)
        In the unit of the flux.
    energy_lo, energy_hi : array_like or Quantity, shape (m,), optional
        Edges of the bins, where fluxes are averages over them.
    upper_limit : array_like of bool, shape (m,), optional
        Points that are limits; their flux is the limit, and fits leave them out.
    meta : mapping
    inputs : tuple of dict

    Raises
    ------
    UnitError
        For a flux that is none.
    InputError
        For errors that are not positive.

    Examples
    --------
    >>> import astropy.units as u
    >>> import astrokit as ak
    >>> sed = ak.spectra.FluxPoints([1, 10] * u.TeV, [3e-11, 1e-12] * u.Unit("1/(cm2 s TeV)"),
    ...                             [3e-12, 2e-13] * u.Unit("1/(cm2 s TeV)"))
    >>> sed
    FluxPoints: 2 points from 1e+09 to 1e+10 keV
    >>> round(float(sed.nufnu[0] * 1e11), 4)  # erg / (cm2 s)
    4.8065
    """

    energy: FloatArray
    flux: FloatArray
    error: FloatArray
    energy_lo: FloatArray | None = None
    energy_hi: FloatArray | None = None
    upper_limit: BoolArray | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        energy = _energies(self.energy, "energy")
        flux = _photon_density(self.flux, energy, "flux")
        error = _photon_density(self.error, energy, "error")
        limit = np.zeros(energy.size, dtype=bool)
        if self.upper_limit is not None:
            limit = np.array(self.upper_limit, dtype=bool)
        require_equal_lengths(energy=energy, flux=flux, error=error, upper_limit=limit)
        bad = ~limit & (error <= 0)
        if bad.any():
            raise InputError(
                "errors of fluxes must be positive",
                value=f"{error[bad][0]:g} at {energy[bad][0]:g} keV",
                hint="mark points without error as upper limits, or leave them out",
            )
        order = np.argsort(energy, kind="stable")
        parts: dict[str, Any] = {"energy": energy, "flux": flux, "error": error}
        parts["upper_limit"] = limit
        parts |= self._bins(energy)
        for name, values in parts.items():
            object.__setattr__(self, name, None if values is None else values[order])

    def _bins(self, energy: FloatArray) -> dict[str, FloatArray | None]:
        if self.energy_lo is None or self.energy_hi is None:
            return {"energy_lo": None, "energy_hi": None}
        low, high = _energies(self.energy_lo, "energy_lo"), _energies(self.energy_hi, "energy_hi")
        low, high = np.minimum(low, high), np.maximum(low, high)
        if np.any((energy < low) | (energy > high)):
            raise InputError("an energy lies outside its bin", hint="check units and edges")
        return {"energy_lo": low, "energy_hi": high}

    @classmethod
    def from_table(cls, table: Table, **columns: str) -> Self:
        """Return the points in a table.

        Parameters
        ----------
        table : astropy Table
            With units on its columns.
        **columns : str
            Which column is ``energy``, ``flux``, ``error``, ``energy_lo``, ``energy_hi`` or
            ``upper_limit``; the first three are found by their usual names.

        Raises
        ------
        InputError
            Where a column cannot be found.
        """
        chosen = {role: table[name] for role, name in columns.items()}
        for role, names in _NAMES.items():
            if role not in chosen:
                chosen[role] = _find(table, role, names)
        values = {role: _with_unit(c) for role, c in chosen.items() if role != "upper_limit"}
        if "upper_limit" in chosen:
            values["upper_limit"] = np.asarray(chosen["upper_limit"], dtype=bool)
        return cls(**values, meta=dict(table.meta))

    def __len__(self) -> int:
        return self.energy.size

    @property
    def nufnu(self) -> FloatArray:
        """E^2 dN/dE in erg / (cm2 s), shape (m,)."""
        return self.energy**2 * self.flux * _ERG

    @property
    def nufnu_error(self) -> FloatArray:
        """Standard errors of `nufnu`, shape (m,)."""
        return self.energy**2 * self.error * _ERG

    def notice(self, *bands: Any) -> Self:
        """Return the points in these bands, written as for spectra; others are dropped.

        Raises
        ------
        InputError
            Where none is left.
        """
        from .bands import read_bands

        kept = np.zeros(len(self), dtype=bool)
        for band in read_bands(bands):
            if band.is_channel:
                raise UnitError("flux points have no channels", value=str(band))
            kept |= (self.energy >= band.low) & (self.energy <= band.high)
        if not kept.any():
            ends = f"{self.energy[0]:g} to {self.energy[-1]:g} keV"
            raise InputError("the band is empty", value=bands, allowed=ends)
        names = ("energy", "flux", "error", "energy_lo", "energy_hi", "upper_limit")
        parts: dict[str, Any] = {name: getattr(self, name) for name in names}
        parts = {name: None if x is None else x[kept] for name, x in parts.items()}
        return replace(self, **parts)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw nu F_nu; see :func:`astrokit.spectra.plot_flux_points`."""
        from .plots import plot_flux_points

        return plot_flux_points(self, ax, **style)

    def __repr__(self) -> str:
        n = 0 if self.upper_limit is None else int(self.upper_limit.sum())
        limits = f", {n} upper limits" if n else ""
        ends = f"{self.energy[0]:g} to {self.energy[-1]:g} keV"
        return f"FluxPoints: {len(self)} points from {ends}{limits}"


_ERG = 1.602176634e-9  # per keV


def _find(table: Any, role: str, names: Iterable[str]) -> Any:
    spelled = {name.lower(): name for name in table.colnames}
    for name in names:
        if name in spelled:
            return table[spelled[name]]
    raise InputError(
        f"no column is known to be the {role}",
        value=", ".join(table.colnames),
        hint=f"name it: from_table(table, {role}='...')",
    )


def _with_unit(column: Any) -> Any:
    return column.quantity if getattr(column, "unit", None) is not None else np.asarray(column)


def _energies(x: Any, name: str) -> FloatArray:
    """Return energies, frequencies or wavelengths in keV."""
    unit = getattr(x, "unit", None)
    if unit is None:
        return as_array(x, name, positive=True)
    from astropy import units as u

    try:
        return as_array(x.to_value("keV", u.spectral()), name, positive=True)
    except u.UnitConversionError as error:
        raise UnitError(
            f"{name} is neither energy, frequency nor wavelength", value=unit
        ) from error


def _photon_density(x: Any, energy: FloatArray, name: str) -> FloatArray:
    """Return photons per cm2, s and keV of any kind of flux."""
    given = as_unit(getattr(x, "unit", None))
    if given is None:
        return as_array(x, name)
    from astropy import units as u

    at = energy * u.keV
    frequency = at.to("Hz", u.spectral())
    kinds = [
        (_PHOTON, 1.0),
        ("erg / (cm2 s)", at**-2),  # nu F_nu
        ("erg / (cm2 s keV)", at**-1),
        ("erg / (cm2 s Hz)", frequency * at**-2),  # such as Jy
        ("1 / (cm2 s)", at**-1),  # E dN/dE
        ("erg / (cm2 s angstrom)", at.to("angstrom", u.spectral()) * at**-2),
    ]
    quantity = x if hasattr(x, "to") else x << given
    for unit, factor in kinds:
        if given.is_equivalent(unit):
            return as_array((quantity * factor).to_value(_PHOTON), name)
    raise UnitError(
        f"{name} is no flux",
        value=given,
        allowed=f"{_PHOTON}, erg / (cm2 s), Jy, erg / (cm2 s keV), ...",
    )
