"""`BurstSample`: the bursts of one source, with what is needed to fit their energies."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_scalar, require_equal_lengths
from ..errors import InputError, MaskError
from .energy import EnergyConvention, luminosity_distance

if TYPE_CHECKING:
    from astropy.table import QTable
    from matplotlib.axes import Axes

    from .sessions import Session

__all__ = ["BurstSample"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
_UNITS = {
    "energy": "erg",
    "energy_error": "erg",
    "threshold": "erg",
    "fluence": "Jy ms",
    "fluence_error": "Jy ms",
    "width": "ms",
    "bandwidth": "MHz",
    "mjd": "d",
    "snr": None,
}
_POSITIVE = ("energy", "threshold", "fluence", "width", "bandwidth")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class BurstSample:
    """Bursts of one source.

    Parameters
    ----------
    energy, energy_error : array_like or Quantity, shape (n,), optional
        Isotropic energies and their standard deviations, erg.
    fluence, fluence_error : array_like or Quantity, shape (n,), optional
        Jy ms. At least one of energy and fluence is needed.
    width, bandwidth, mjd, snr : array_like or Quantity, shape (n,), optional
        ms, MHz, days, dimensionless.
    threshold : float, array_like or Quantity, optional
        Energy above which the search was complete, erg: one for all or one per burst.
    saturated : array_like of bool, shape (n,), optional
        Bursts whose energy is a lower limit.
    source : str
    convention : EnergyConvention or str, optional
        How energies were made of fluences; a text names a published table. Samples are compared
        only within one convention.
    notes : tuple of str
        What a reader did or assumed.
    inputs : tuple of dict
        Records of the files.

    Raises
    ------
    InputError, UnitError, ShapeError, NonFiniteError, MaskError
        For values that cannot be (energies <= 0), with the first bad row.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.bursts.BurstSample(energy=[1e37, 3e37, 2e38], source="FRB 20121102A")
    <BurstSample of FRB 20121102A: 3 bursts, energies 1e+37 to 2e+38 erg>
    """

    energy: Any = None
    energy_error: Any = None
    fluence: Any = None
    fluence_error: Any = None
    width: Any = None
    bandwidth: Any = None
    mjd: Any = None
    snr: Any = None
    threshold: Any = None
    saturated: Any = None
    source: str = ""
    convention: EnergyConvention | str | None = None
    notes: tuple[str, ...] = ()
    inputs: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.energy is None and self.fluence is None:
            raise InputError(
                "a sample needs energies or fluences",
                hint="such as BurstSample(energy=[...] * u.erg), or read_bursts(path)",
            )
        arrays: dict[str, FloatArray | None] = {}
        for name, unit in _UNITS.items():
            value = getattr(self, name)
            if value is None:
                continue
            if name == "threshold" and np.ndim(value) == 0:
                value = as_scalar(value, name, unit=unit, positive=True)
                object.__setattr__(self, name, value)
                continue
            array = as_array(value, name, unit=unit, positive=name in _POSITIVE)
            if name.endswith("_error") and array.min() < 0:
                raise InputError(f"{name} is negative", value=float(array.min()), allowed=">= 0")
            arrays[name] = array
            object.__setattr__(self, name, array)
        if self.saturated is not None:
            object.__setattr__(self, "saturated", _flags(self.saturated))
            arrays["saturated"] = self.saturated
        require_equal_lengths(**arrays)

    # -- what it holds -------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.energy if self.energy is not None else self.fluence)

    def require(self, name: str) -> FloatArray:
        """Return a column, or raise an InputError that says how to get it."""
        value = getattr(self, name)
        if value is not None:
            return value
        hint = f"pass {name}= to BurstSample, or name its column for read_bursts"
        if name == "energy":
            hint = "make energies of the fluences: sample.with_energies(convention, redshift=...)"
        raise InputError(f"this sample has no {name}", value=self.source or None, hint=hint)

    @property
    def threshold_per_burst(self) -> FloatArray | None:
        """Threshold of each burst in erg ``(n,)``, or None."""
        if self.threshold is None:
            return None
        return np.broadcast_to(np.asarray(self.threshold, dtype=float), len(self)).copy()

    @property
    def convention_label(self) -> str:
        """The energy convention in words."""
        if isinstance(self.convention, EnergyConvention):
            return self.convention.label
        return self.convention or "not stated"

    # -- other samples -------------------------------------------------------------------------

    def select(self, mask: ArrayLike) -> BurstSample:
        """Return the bursts where `mask` ``(n,)`` is true (or those at integer places).

        Raises
        ------
        InputError, ShapeError
            When nothing is left, for a mask of another length or places outside the sample.
        """
        rows = np.asarray(mask)
        if rows.dtype == bool:
            require_equal_lengths(sample=np.empty(len(self)), mask=rows)
            rows = np.flatnonzero(rows)
        elif rows.dtype.kind not in "iu" and rows.size:
            raise InputError("rows are chosen by a mask or integer places", value=str(rows.dtype))
        elif rows.size and not -len(self) <= rows.min() <= rows.max() < len(self):
            raise InputError(
                "a row is outside the sample", value=f"{rows.min()} to {rows.max()}",
                allowed=f"0 to {len(self) - 1}",
            )  # fmt: skip
        if rows.size == 0:
            raise InputError("the selection leaves no bursts", hint="check its condition")
        changed = {
            name: getattr(self, name)[rows]
            for name in (*_UNITS, "saturated")
            if getattr(self, name) is not None and np.ndim(getattr(self, name)) == 1
        }
        return replace(self, **changed)

    def with_energies(
        self,
        convention: EnergyConvention,
        *,
        redshift: float,
        distance: Any = None,
        cosmology: Any = None,
        fluence_threshold: Any = None,
    ) -> BurstSample:
        """Return the sample with energies made of its fluences.

        Energies, their errors and thresholds that it had are replaced.

        Parameters
        ----------
        convention : EnergyConvention
        redshift : float
        distance : float or Quantity, optional
            Luminosity distance, Mpc; or `cosmology`, from which it follows.
        cosmology : astropy.cosmology.Cosmology, optional
        fluence_threshold : float or Quantity, optional
            Fluence above which the search was complete, Jy ms.

        Raises
        ------
        InputError
            Without fluences, or with both or neither of distance and cosmology.
        """
        if not isinstance(convention, EnergyConvention):
            raise InputError(
                "an EnergyConvention is needed",
                value=type(convention).__name__,
                hint="such as EnergyConvention(bandwidth=500), in MHz",
            )
        if (distance is None) == (cosmology is None):
            raise InputError(
                "a distance or a cosmology is needed",
                value="neither" if distance is None else "both",
                hint="such as distance=360.3 (Mpc), or cosmology=Planck18",
            )
        if distance is None:
            distance = luminosity_distance(redshift, cosmology)

        def converted(fluence: Any) -> FloatArray:
            return convention.energy(fluence, redshift=redshift, distance=distance)

        error, limit = self.fluence_error, fluence_threshold
        return replace(
            self,
            energy=converted(self.require("fluence")),
            energy_error=None if error is None else converted(error),
            threshold=None if limit is None else float(converted(limit)[0]),
            convention=convention,
        )

    def merge_sub_bursts(self, within: Any = 0.1) -> BurstSample:
        """Return the sample with neighbours closer than `within` (s) summed to one burst.

        See :func:`astrokit.bursts.merge_sub_bursts`.
        """
        from .sessions import merge_sub_bursts

        return merge_sub_bursts(self, within)

    def sessions(self, gap: Any = 0.1) -> tuple[Session, ...]:
        """Return the parts between which nothing was seen for `gap` (days).

        See :func:`astrokit.bursts.split_sessions`.
        """
        from .sessions import split_sessions

        return split_sessions(self, gap)

    # -- showing -------------------------------------------------------------------------------

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the cumulative energy function; see :func:`astrokit.bursts.plot_energies`."""
        from .plots import plot_energies

        return plot_energies(self, ax=ax)

    def to_table(self) -> QTable:
        """Return the columns as an astropy table with units."""
        from astropy.table import QTable

        table = QTable()
        for name, unit in _UNITS.items():
            value = getattr(self, name)
            if value is not None and np.ndim(value) == 1:
                table[name] = value if unit is None else value << _unit(unit)
        if self.saturated is not None:
            table["saturated"] = self.saturated
        table.meta.update(source=self.source, convention=self.convention_label)
        return table

    def __repr__(self) -> str:
        name = f" of {self.source}" if self.source else ""
        column = "energy" if self.energy is not None else "fluence"
        values = getattr(self, column)
        plural = {"energy": "energies", "fluence": "fluences"}[column]
        limits = int(np.count_nonzero(self.saturated)) if self.saturated is not None else 0
        tail = f", {limits} lower limits" if limits else ""
        return (
            f"<BurstSample{name}: {len(self)} bursts, {plural} {values.min():.3g} to "
            f"{values.max():.3g} {_UNITS[column]}{tail}>"
        )

    def _repr_html_(self) -> str:
        lines = [html.escape(repr(self)), f"convention: {html.escape(self.convention_label)}"]
        return "<br>".join([*lines, *(html.escape(note) for note in self.notes)])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BurstSample):
            return NotImplemented
        return all(
            np.array_equal(getattr(self, f.name), getattr(other, f.name))
            if isinstance(getattr(self, f.name), np.ndarray)
            else getattr(self, f.name) == getattr(other, f.name)
            for f in fields(self)
        )

    __hash__ = object.__hash__


def _unit(name: str) -> Any:
    from astropy import units as u

    return u.Unit(name)


def _flags(x: Any) -> BoolArray:
    if isinstance(x, np.ma.MaskedArray) and np.ma.getmaskarray(x).any():
        raise MaskError("saturated has masked elements", hint="fill them: flags.filled(False)")
    flags = np.asarray(x)
    if flags.dtype != bool:
        numbers = as_array(flags, "saturated")
        if not np.isin(numbers, (0.0, 1.0)).all():
            raise InputError("saturated must hold flags", allowed="True and False, or 1 and 0")
        flags = numbers == 1.0
    return np.array(flags, dtype=bool, ndmin=1)


def as_sample(source: Any) -> BurstSample:
    """Return a sample, or one made of plain energies (erg)."""
    if isinstance(source, BurstSample):
        return source
    return BurstSample(energy=source)


def log10_energies(sample: BurstSample) -> FloatArray:
    """Return log10 of the energies in erg, sorted."""
    return np.sort(np.log(sample.require("energy")) / math.log(10.0))
