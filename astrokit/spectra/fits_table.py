"""FITS tables of OGIP files as plain arrays: columns, keywords, units."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ReadError
from ..untrusted import bytes_of, gunzipped, named_refusals, open_fits

__all__ = ["OgipTable", "open_ogip", "text_of"]

FloatArray = NDArray[np.float64]

# What astropy raises when header and data of a file contradict each other.
_DAMAGE = (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError)


@contextmanager
def open_ogip(path: Path) -> Iterator[list[OgipTable]]:
    """Give the binary tables of a FITS file.

    Raises
    ------
    ReadError
        If there is no such file, or it is no FITS file with tables.
    """
    from astropy.io import fits

    hdus = open_fits(gunzipped(bytes_of(path), path.name), path.name)
    with hdus, named_refusals(path.name):
        tables = [OgipTable(hdu, path.name) for hdu in hdus if isinstance(hdu, fits.BinTableHDU)]
        if not tables:
            raise ReadError("the file holds no table", value=path.name)
        yield tables


@dataclass(frozen=True)
class OgipTable:
    """One table of a file.

    Attributes
    ----------
    hdu : astropy HDU
    file : str
        Name of the file, for messages.
    """

    hdu: Any
    file: str
    _read: dict[str, Any] = field(default_factory=dict, repr=False)  # columns as float64

    @property
    def name(self) -> str:
        """EXTNAME in capitals."""
        return str(self.hdu.name).upper()

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.hdu.header.get("NAXIS2", 0))

    def has(self, name: str) -> bool:
        """Return whether there is such a column, whatever the case."""
        return self._spelling(name) is not None

    def key(self, *names: str, default: Any = None) -> Any:
        """Return the first of these keywords that has a value."""
        for name in names:
            value = self.hdu.header.get(name)
            if value is not None and type(value).__name__ != "Undefined" and value != "":
                return value
        return default

    def number(self, *names: str, default: float | None = None) -> float | None:
        """Return the first of these keywords as a number.

        Raises
        ------
        ReadError
            Where its value is no number.
        """
        value = self.key(*names)
        if value is None:
            return default
        try:
            return float(value)
        except (TypeError, ValueError) as error:
            raise ReadError(
                f"the keyword {names[0]} of {self.file} is no number", value=value
            ) from error

    def column(self, name: str) -> NDArray[Any]:
        """Return a column as the file holds it.

        Raises
        ------
        ReadError
            If it is missing, or header and data contradict each other.
        """
        spelled = self._spelling(name)
        if spelled is None:
            raise ReadError(
                f"the table {self.name or '(without name)'} of {self.file} has no column {name}",
                value=", ".join(self.hdu.columns.names),
            )
        try:
            return np.asarray(self.hdu.data[spelled])
        except _DAMAGE as error:
            raise ReadError(
                f"the column {name} of {self.file} cannot be read",
                value=f"{type(error).__name__}: {error}",
                hint="the file is damaged: get it again",
            ) from error

    def numbers(self, name: str) -> FloatArray:
        """Return a column as native float64.

        Raises
        ------
        ReadError
        """
        if name not in self._read:
            data = self.column(name)
            if data.dtype.kind not in "fiu":
                raise ReadError(
                    f"the column {name} of {self.file} holds no numbers", value=data.dtype
                )
            self._read[name] = np.ascontiguousarray(data, dtype=np.float64)
        values: FloatArray = self._read[name]
        return values

    def in_unit(self, name: str, unit: str) -> FloatArray:
        """Return a column converted to `unit`; without a unit in the file it is taken to be that.

        Raises
        ------
        ReadError
            For a unit that cannot be converted.
        """
        from astropy import units as u

        values = self.numbers(name)
        given = self.hdu.columns[self._spelling(name)].unit
        if not given or str(given).strip().lower() in (unit.lower(), ""):
            return values
        try:
            parsed = u.Unit(str(given).strip())
            factor = parsed.to(unit)
        except (ValueError, TypeError, u.UnitConversionError) as error:
            raise ReadError(
                f"the column {name} of {self.file} has a unit that is no {unit}", value=given
            ) from error
        return values * factor

    def position(self, name: str) -> int:
        """Return the number of a column from 1, as TLMINn counts."""
        return int(self.hdu.columns.names.index(self._spelling(name))) + 1

    def _spelling(self, name: str) -> str | None:
        for spelled in self.hdu.columns.names:
            if spelled.upper() == name.upper():
                return str(spelled)
        return None


def text_of(value: Any) -> str:
    """Return a keyword or cell as text without padding."""
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return str(value).strip() if value is not None else ""
