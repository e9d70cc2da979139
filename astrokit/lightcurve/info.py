"""`LightCurveInfo`: what travels with the numbers of a light curve."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from astrokit.boundary import as_scalar, as_unit
from astrokit.errors import InputError, UnitError

__all__ = ["SECONDS_PER_DAY", "LightCurveInfo", "canonical_unit", "time_unit_factor"]

SECONDS_PER_DAY = 86400.0

# Spellings met in files, and the one that astropy writes. Known texts spare importing astropy.
_SPELLINGS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(
        ("ct / s", "ct/s", "ct s-1", "count/s", "counts/s", "count / s", "cts/s", "count s-1"),
        "ct / s",
    ),
    **dict.fromkeys(("ct", "count", "counts"), "ct"),
    **dict.fromkeys(("electron / s", "electron/s", "electrons/s", "e-/s", "e/s"), "electron / s"),
    **dict.fromkeys(("mag", "mags", "magnitude"), "mag"),
    "": "",
}


def canonical_unit(unit: Any, name: str = "unit") -> str:
    """Return the unit as astropy spells it; "" stands for "not known".

    Parameters
    ----------
    unit : str, astropy unit or None
        FITS spellings such as ``count/s`` or ``e-/s`` are understood.
    name : str
        What the message of an error calls it.

    Raises
    ------
    UnitError
        When astropy cannot parse the text.

    Examples
    --------
    >>> from astrokit.lightcurve.info import canonical_unit
    >>> canonical_unit("counts/s"), canonical_unit("e-/s"), canonical_unit(None)
    ('ct / s', 'electron / s', '')
    """
    if unit is None:
        return ""
    if isinstance(unit, str):
        text = unit.strip()
        known = _SPELLINGS.get(text, _SPELLINGS.get(text.lower()))
        if known is not None:
            return known
        unit = text
    parsed: Any = as_unit(unit, name)
    return str(parsed.to_string())


def time_unit_factor(from_unit: str, to_unit: str) -> float:
    """Return the factor that turns times in `from_unit` into times in `to_unit`.

    Raises
    ------
    UnitError
        If one of them is no unit of time.

    Examples
    --------
    >>> from astrokit.lightcurve.info import time_unit_factor
    >>> time_unit_factor("d", "s")
    86400.0
    """
    known = {"s": 1.0, "d": SECONDS_PER_DAY}
    if from_unit in known and to_unit in known:
        return known[from_unit] / known[to_unit]
    from astropy import units as u

    try:
        return float(u.Unit(from_unit).to(u.Unit(to_unit)))
    except (u.UnitConversionError, ValueError) as error:
        raise UnitError(
            "not a unit of time", value=f"{from_unit} -> {to_unit}", allowed="'s', 'd', 'min', ..."
        ) from error


@dataclass(frozen=True)
class LightCurveInfo:
    """Units, time reference and origin of a light curve.

    Parameters
    ----------
    time_unit : {"s", "d"}
        Unit of all times, bin widths and GTIs.
    rate_unit : str
        Unit of rates and errors as astropy spells it; "" where it is not known.
    mjdref : float or None
        Modified Julian Date of time zero: ``MJD = mjdref + time``. One float64 resolves 0.6
        microseconds. None where the time reference is not known.
    time_system : str
        Time scale: "TT", "TDB", "UTC", ... or "".
    time_reference : str
        Place: "LOCAL", "SOLARSYSTEM" (barycentred), ... or "".
    timezero : float
        TIMEZERO of the file, already added to all times (in `time_unit`); for the record only.
    object, mission, instrument, filter, observation, band : str
        What was observed, with what, in which band.
    energy_range : tuple of float or None
        Energy band in keV.
    background_subtracted, deadtime_corrected : bool or None
        What the file states; None where it does not.
    keeps_filled_bins : bool
        Bins of zero exposure hold values that somebody filled in, and count as valid.

    counting_errors : bool
        Errors are the square roots of the counts of each bin, and of one count for an empty bin.
        Wider bins then get theirs from the summed counts: adding up the errors of empty bins
        would make them too large.

    Raises
    ------
    UnitError, InputError

    Examples
    --------
    >>> from astrokit.lightcurve import LightCurveInfo
    >>> LightCurveInfo(rate_unit="counts/s", mission="XMM").rate_unit
    'ct / s'
    """

    time_unit: str = "s"
    rate_unit: str = "ct / s"
    mjdref: float | None = None
    time_system: str = ""
    time_reference: str = ""
    timezero: float = 0.0
    object: str = ""
    mission: str = ""
    instrument: str = ""
    filter: str = ""
    observation: str = ""
    band: str = ""
    energy_range: tuple[float, float] | None = None
    background_subtracted: bool | None = None
    deadtime_corrected: bool | None = None
    keeps_filled_bins: bool = False
    counting_errors: bool = False

    def __post_init__(self) -> None:
        unit = canonical_unit(self.time_unit, "time_unit")
        if unit not in ("s", "d"):
            raise UnitError(
                "time_unit cannot be used",
                value=self.time_unit,
                allowed="'s' or 'd'",
                hint="convert the times to seconds or days first",
            )
        object.__setattr__(self, "time_unit", unit)
        object.__setattr__(self, "rate_unit", canonical_unit(self.rate_unit, "rate_unit"))
        if self.mjdref is not None:
            object.__setattr__(self, "mjdref", as_scalar(self.mjdref, "mjdref", unit="d"))
        object.__setattr__(
            self, "timezero", as_scalar(self.timezero, "timezero", unit=self.time_unit)
        )
        if self.energy_range is not None:
            low, high = (as_scalar(e, "energy_range", unit="keV") for e in self.energy_range)
            if not 0 <= low < high:
                raise InputError(
                    "energy_range is not an interval",
                    value=(low, high),
                    allowed="0 <= low < high, in keV",
                )
            object.__setattr__(self, "energy_range", (low, high))

    @property
    def is_magnitude(self) -> bool:
        """True if the "rates" are magnitudes (brighter is smaller)."""
        return "mag" in self.rate_unit.lower()

    @property
    def rate_time(self) -> float | None:
        """Seconds per time unit of a rate of counts ("ct / s": 1); None for other rates."""
        return {"ct / s": 1.0, "ct / d": SECONDS_PER_DAY}.get(self.rate_unit)

    @property
    def title(self) -> str:
        """Object, mission, instrument and band in one line; "" if nothing is known."""
        band = self.band
        if not band and self.energy_range is not None:
            band = f"{self.energy_range[0]:g}-{self.energy_range[1]:g} keV"
        instrument = f"{self.mission} {self.instrument}".strip()
        if self.instrument.lower().startswith(self.mission.lower()):
            instrument = self.instrument or self.mission
        return ", ".join(part for part in (self.object, instrument, band) if part)

    def replace(self, **changes: Any) -> LightCurveInfo:
        """Return a copy with some fields changed.

        Raises
        ------
        TypeError
            For a field that does not exist.

        Examples
        --------
        >>> from astrokit.lightcurve import LightCurveInfo
        >>> LightCurveInfo().replace(object="Mrk 766").object
        'Mrk 766'
        """
        return replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON types; ``LightCurveInfo.from_dict`` restores it."""
        return asdict(self)

    def to_json(self) -> str:
        """Return one line of JSON (floats in full precision)."""
        return json.dumps(self.as_dict(), sort_keys=True)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> LightCurveInfo:
        """Restore what :meth:`as_dict` gave; fields of newer versions are left out.

        Examples
        --------
        >>> from astrokit.lightcurve import LightCurveInfo
        >>> info = LightCurveInfo(mjdref=50814.0, energy_range=(0.3, 10.0))
        >>> LightCurveInfo.from_dict(info.as_dict()) == info
        True
        """
        known = {f.name for f in fields(cls)}
        kept = {key: value for key, value in values.items() if key in known}
        if kept.get("energy_range") is not None:
            low, high = kept["energy_range"]
            kept["energy_range"] = (float(low), float(high))
        return cls(**kept)

    def common_with(self, other: LightCurveInfo) -> LightCurveInfo:
        """Return the info of two curves put together: what differs in origin is blanked."""
        blank = LightCurveInfo()
        changes = {
            f.name: getattr(blank, f.name)
            for f in fields(self)
            if f.name not in ("time_unit", "rate_unit", "mjdref", "time_system", "time_reference")
            and not _same(getattr(self, f.name), getattr(other, f.name))
        }
        # One filled bin in either curve must stay valid in both together.
        changes["keeps_filled_bins"] = self.keeps_filled_bins or other.keeps_filled_bins
        return replace(self, **changes)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=0.0, abs_tol=0.0)
    return bool(a == b)
