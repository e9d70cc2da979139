"""`ReadOptions`: every override that `read_lightcurve` accepts, by name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from astrokit.boundary import as_scalar
from astrokit.errors import InputError

__all__ = ["ReadOptions"]

_CHOICES = {
    "duplicates": ("raise", "first", "average"),
    "zero_exposure": (None, "invalid", "keep"),
}


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """Overrides for reading a light curve; what is not given is taken from the file.

    Parameters
    ----------
    hdu : int or str, optional
        FITS extension by number or name.
    time_column, rate_column, error_column, exposure_column : str or int, optional
        Columns by name (case does not matter) or, in text files, by number from 0.
        ``error_column=False`` reads no errors.
    time_unit, rate_unit : str, optional
        Units, where the file does not state them or states them wrongly. ``rate_unit="mag"`` marks
        magnitudes.
    bin_width : float or Quantity, optional
        Width of the bins of a light curve.
    bin_size : float or Quantity, optional
        Bin size of the light curve to be made of an event list.
    band : int, optional
        Index into vector columns (eROSITA: one element per energy band).
    select : mapping, optional
        Rows of a table that holds several curves: ``{"Object": "NGC4151", "Filter": "SX"}``. An
        empty mapping takes all rows on purpose.
    gti : array_like (m, 2), int, str or False, optional
        Intervals in the time of the light curve, or the extension that holds them; False ignores
        the intervals of the file.
    timezero : float, optional
        Offset to add to all times instead of TIMEZERO, in the unit of the times.
    timepixr : float, optional
        Position of the time stamp in its bin: 0 start, 0.5 centre, 1 end.
    mjdref : float, optional
        MJD of time zero.
    time_system : str, optional
        Time scale, such as "TT" or "TDB".
    quality_mask : int, optional
        Bits of the quality column that make a row invalid; 0 ignores the column.
    energy_range : tuple of two floats or Quantity, optional
        Energy band of the events, in keV.
    channel_range : tuple of two ints, optional
        First and last PI (or PHA) channel of the events, both included.
    sort : bool
        Sort rows that are not in the order of time (reported); False refuses them.
    duplicates : {"raise", "first", "average"}
        What to do with rows of equal time; "average" weights by the inverse variance if there are
        errors.
    zero_exposure : {"invalid", "keep"}, optional
        Rows with zero exposure fraction. By default invalid in FITS files; in text files kept if
        their rates and errors are finite and positive, since somebody filled them in.
    min_exposure : float
        For event lists: bins with a smaller fraction of good time become invalid.

    Raises
    ------
    InputError
        For an impossible value.

    Examples
    --------
    >>> from astrokit.lightcurve import ReadOptions
    >>> ReadOptions(bin_size=10.0).duplicates
    'raise'
    """

    hdu: int | str | None = None
    time_column: str | int | None = None
    rate_column: str | int | None = None
    error_column: str | int | bool | None = None
    exposure_column: str | int | None = None
    time_unit: Any = None
    rate_unit: Any = None
    bin_width: Any = None
    bin_size: Any = None
    band: int | None = None
    select: Mapping[str | int, Any] | None = None
    gti: Any = None
    timezero: Any = None
    timepixr: float | None = None
    mjdref: Any = None
    time_system: str | None = None
    quality_mask: int | None = None
    energy_range: Any = None
    channel_range: tuple[int, int] | None = None
    sort: bool = True
    duplicates: str = "raise"
    zero_exposure: str | None = None
    min_exposure: float = field(default=0.5)

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                raise InputError(
                    f"{name} is unknown",
                    value=value,
                    allowed=", ".join(repr(a) for a in allowed if a is not None),
                )
        for name in ("timepixr", "min_exposure"):
            value = getattr(self, name)
            if value is not None:
                as_scalar(value, name, minimum=0.0, maximum=1.0)
        if self.gti is True:
            raise InputError(
                "gti=True says not which intervals",
                allowed="an array, the number or name of an extension, or False",
                hint="leave gti out: the intervals of the file are used by default",
            )
        if self.error_column is True:
            raise InputError(
                "error_column must name a column",
                value=True,
                allowed="a name, a number, or False for no errors",
            )

    @property
    def no_errors(self) -> bool:
        """True if the user asked for no errors (the number 0 is a column)."""
        return self.error_column is False

    def refuse(self, kind: str, *names: str) -> None:
        """Raise if an override was given that means nothing for this kind of file.

        Raises
        ------
        InputError
            An override that is silently ignored would be taken for one that was obeyed.
        """
        for name in names:
            value = getattr(self, name)
            if value is not None:
                hint = "leave it out"
                if name == "bin_size":
                    hint = "leave it out, and use rebin() on the light curve"
                raise InputError(
                    f"the file is {kind}, to which {name} does not apply", value=value, hint=hint
                )

    @classmethod
    def from_keywords(cls, overrides: Mapping[str, Any]) -> ReadOptions:
        """Return the options, or a TypeError that lists near matches of a misspelt keyword.

        Examples
        --------
        >>> from astrokit.lightcurve import ReadOptions
        >>> ReadOptions.from_keywords({"binsize": 10})
        Traceback (most recent call last):
            ...
        TypeError: read_lightcurve has no keyword 'binsize'; did you mean 'bin_size'...
        """
        known = [f.name for f in fields(cls)]
        for key in overrides:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=3, cutoff=0.6)
                advice = (
                    f"did you mean {' or '.join(map(repr, near))}?"
                    if near
                    else f"it takes {', '.join(known)}"
                )
                raise TypeError(f"read_lightcurve has no keyword {key!r}; {advice}")
        return cls(**overrides)
