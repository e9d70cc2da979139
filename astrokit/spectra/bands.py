"""Bands: parts of a spectrum by energy, wavelength or channel."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_unit
from ..errors import InputError, UnitError

__all__ = ["Band", "read_bands"]

FloatArray = NDArray[np.float64]

# A band takes in a channel of which it covers more than this part: band limits that are channel
# edges, rounded in another way, must not catch a neighbour.
_LEAST_OVERLAP = 1e-3
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_PIECE = re.compile(rf"^\s*({_NUMBER}|\*\*)\s*(?:-|to)\s*({_NUMBER}|\*\*)\s*$")


@dataclass(frozen=True)
class Band:
    """From `low` to `high`, in keV or in channel numbers (both ends included)."""

    low: float
    high: float
    is_channel: bool = False

    def covers(self, channel: NDArray[np.int64], low: FloatArray, high: FloatArray) -> Any:
        """Return which channels the band touches, shape (n,)."""
        if self.is_channel:
            return (channel >= self.low) & (channel <= self.high)
        sliver = _LEAST_OVERLAP * (high - low)
        return (low < self.high - sliver) & (high > self.low + sliver)

    def __str__(self) -> str:
        unit = "channels" if self.is_channel else "keV"
        ends = ["**" if np.isinf(x) else f"{x:.6g}" for x in (self.low, self.high)]
        return f"{'-'.join(ends)} {unit}"


def read_bands(bands: tuple[Any, ...]) -> tuple[Band, ...]:
    """Return bands from text, pairs of numbers in keV, or Quantities.

    Parameters
    ----------
    bands : tuple
        Each is text such as ``"0.5-7 keV"``, ``"0.5-2, 4-7 keV"``, ``"10-20 angstrom"``,
        ``"**-0.5 keV"`` (everything below) or ``"40-300 channel"``; or a pair ``(0.5, 7)``, None
        for an open end, or a Quantity with two elements.

    Raises
    ------
    InputError
        For a band that is not understood, or is turned round.
    UnitError

    Examples
    --------
    >>> from astrokit.spectra.bands import read_bands
    >>> print(*read_bands(("0.5-2, 4-7 keV", (8, None))), sep="; ")
    0.5-2 keV; 4-7 keV; 8-** keV
    """
    found: list[Band] = []
    for band in bands:
        found += _from_text(band) if isinstance(band, str) else [_from_pair(band)]
    return tuple(found)


def _from_text(text: str) -> list[Band]:
    match = re.match(r"^(.*?[\d*.])\s*([A-Za-z]*)\s*$", text)
    if match is None:
        raise _not_understood(text)
    unit = match.group(2)
    if not unit:
        raise UnitError(
            "the band has no unit", value=text, hint="write '0.5-7 keV' or '40-300 channel'"
        )
    pieces = [_PIECE.match(piece) for piece in match.group(1).split(",")]
    bands = []
    for piece in pieces:
        if piece is None:
            raise _not_understood(text)
        low, high = piece.groups()
        numbers = (-np.inf if low == "**" else float(low), np.inf if high == "**" else float(high))
        bands.append(_band(*numbers, unit, text))
    return bands


def _from_pair(pair: Any) -> Band:
    unit = str(getattr(pair, "unit", "keV"))
    try:
        low, high = getattr(pair, "value", pair)
        units = {str(x.unit) for x in (low, high) if hasattr(x, "unit")}
        if units:  # (0.5 * u.keV, 7 * u.keV)
            unit = units.pop()
            low, high = (x if x is None else x.to_value(unit) for x in (low, high))
        ends = (-np.inf if low is None else float(low), np.inf if high is None else float(high))
    except (TypeError, ValueError, AttributeError) as error:
        raise _not_understood(pair) from error
    return _band(*ends, unit, pair)


def _band(low: float, high: float, unit: str, given: Any) -> Band:
    is_channel = unit.lower() in ("channel", "channels", "chan")
    if not is_channel:
        low, high = _in_kev(low, high, unit)
    if not low < high and not (is_channel and low == high):
        raise InputError("a band must end above its start", value=given, hint="swap its ends")
    return Band(low, high, is_channel)


def _in_kev(low: float, high: float, unit: str) -> tuple[float, float]:
    if unit.lower() == "kev":
        return low, high
    from astropy import units as u

    given: Any = as_unit({"ang": "angstrom", "a": "angstrom"}.get(unit.lower(), unit))
    if given.physical_type != "length":
        try:
            factor = given.to("keV")
        except u.UnitConversionError as error:
            raise _wrong_unit(unit) from error
        return low * factor, high * factor
    # Wavelengths run the other way; infinitely long ones have no energy.
    one = (1 * given).to_value("keV", u.spectral())
    return one / high, one / low if low > 0 else np.inf


def _wrong_unit(unit: str) -> UnitError:
    return UnitError(
        "the unit of a band must be one of energy, length or channel",
        value=unit,
        hint="write '0.5-7 keV', '10-20 angstrom' or '40-300 channel'",
    )


def _not_understood(given: Any) -> InputError:
    return InputError(
        "the band is not understood",
        value=given,
        allowed="text such as '0.5-7 keV', a pair of numbers in keV, or a Quantity of two",
    )
