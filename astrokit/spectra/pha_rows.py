"""One spectrum of a PHA table: the table itself (type I), or one of its rows (type II)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ReadError
from .fits_table import OgipTable, text_of

__all__ = ["PhaRow", "is_type_two", "spectrum_tables"]

FloatArray = NDArray[np.float64]
_KEV_ANGSTROM = 12.398419843320026  # h c
_META = ("OBJECT", "TELESCOP", "INSTRUME", "FILTER", "CHANTYPE", "DATE-OBS", "RA_OBJ", "DEC_OBJ")


def spectrum_tables(tables: list[OgipTable]) -> list[OgipTable]:
    """Return the tables that hold spectra, sources before backgrounds."""
    found = [
        t
        for t in tables
        if (t.has("COUNTS") or t.has("RATE"))
        and not t.has("TIME_DEL")
        and str(t.key("HDUCLAS1", default="SPECTRUM")).upper() == "SPECTRUM"
    ]
    return sorted(found, key=lambda t: str(t.key("HDUCLAS2", default="")).upper() == "BKG")


def is_type_two(table: OgipTable) -> bool:
    """Return whether each row holds a whole spectrum, whatever the header says."""
    return table.column("COUNTS" if table.has("COUNTS") else "RATE").ndim == 2


@dataclass(frozen=True)
class PhaRow:
    """One spectrum in a table.

    Attributes
    ----------
    table : OgipTable
    number : int or None
        Row of a type II table, from 0; None for type I.
    tables : list of OgipTable
        All of the file.
    """

    table: OgipTable
    number: int | None
    tables: list[OgipTable]

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.table.file

    def text(self, name: str) -> str:
        """Return a name such as BACKFILE, from the row or the header; "" where there is none."""
        if self.number is not None and self.table.has(name):
            return text_of(self.table.column(name)[self.number])
        return text_of(self.table.key(name, default=""))

    def vector(self, name: str) -> FloatArray | None:
        """Return a column of this spectrum; None where there is no such column."""
        if not self.table.has(name):
            return None
        data = self.table.numbers(name)
        return data if self.number is None else np.atleast_1d(data[self.number])

    def value(self, name: str, default: float) -> FloatArray | float:
        """Return a column of this spectrum, else the keyword, else `default`."""
        vector = self.vector(name)
        if vector is not None:
            return vector
        number = self.table.number(name, default=default)
        return default if number is None else number

    def exposure(self) -> float:
        """Return the exposure in seconds.

        Raises
        ------
        ReadError
            Where the file states none.
        """
        for name in ("EXPOSURE", "LIVETIME", "ONTIME"):
            vector = self.vector(name) if self.number is not None else None
            number = self.table.number(name) if vector is None else float(vector[0])
            if number is not None:
                return number
        raise ReadError(f"{self.file} states no exposure", hint="pass exposure= in seconds")

    def middle_time(self) -> float | None:
        """Return the middle of the spectrum in the seconds of the file, where it is stated."""
        times = self._times()
        return None if times is None else 0.5 * (times[0] + times[1])

    def _times(self) -> tuple[float, float] | None:
        start, stop = self.vector("TIME"), self.vector("ENDTIME")
        if self.number is not None and start is not None and stop is not None:
            return float(start[0]), float(stop[0])
        first, last = self.table.number("TSTART"), self.table.number("TSTOP")
        return None if first is None or last is None else (first, last)

    def content(self, notes: list[str], *, exposure: Any = None) -> dict[str, Any]:
        """Return what `Spectrum` takes, and say in `notes` what had to be decided."""
        is_rate = not self.table.has("COUNTS")
        values = self.vector("RATE" if is_rate else "COUNTS")
        if values is None or not np.isfinite(values).all():
            raise ReadError(f"{self.file}: counts that are no numbers", hint="repair the file")
        is_net = text_of(self.table.key("HDUCLAS2")).upper() == "NET" or bool(values.min() < 0)
        correction = self.text("CORRFILE").lower()
        if correction not in ("", "none"):
            notes.append(f"CORRFILE {correction} is not applied")
        if not is_rate and text_of(self.table.key("HDUCLAS3")).upper() == "RATE":
            notes.append("HDUCLAS3 says RATE, but the column is COUNTS: taken as counts")
        return {
            "counts": values,
            "is_rate": is_rate,
            "exposure": self.exposure() if exposure is None else exposure,
            "error": self._errors(values, is_rate or is_net, notes),
            "channel": self._channels(values.size),
            "areascal": self._scale("AREASCAL"),
            "backscal": self._scale("BACKSCAL"),
            "quality": self.value("QUALITY", 0.0),
            "grouping": self.value("GROUPING", 0.0),
            "systematic": self.value("SYS_ERR", 0.0),
            "energy_edges": self._energies(values.size),
            "meta": self._meta(is_net),
        }

    def _scale(self, name: str) -> FloatArray | float:
        scale = self.value(name, 1.0)
        # A keyword of zero is one that was never filled in.
        return 1.0 if np.ndim(scale) == 0 and scale == 0 else scale

    def _errors(self, values: FloatArray, needed: bool, notes: list[str]) -> FloatArray | None:
        """Return STAT_ERR where it says more than that the counts are Poisson."""
        error = self.vector("STAT_ERR")
        if error is None or not error.any():
            if needed:
                notes.append("the file gives no errors of its rates or net counts")
            return None
        if np.any(error < 0) or not np.isfinite(error).all():
            raise ReadError(f"{self.file}: STAT_ERR holds negative or undefined errors")
        if needed:
            return error
        whole = np.array_equal(values, np.rint(values))
        gehrels = 1 + np.sqrt(values + 0.75)
        if whole and (self.table.key("POISSERR") is True or _close(error, np.sqrt(values))):
            notes.append("STAT_ERR is not used: the counts are Poisson")
            return None
        if whole and _close(error, gehrels):
            notes.append("STAT_ERR (after Gehrels) is not used: the counts are Poisson")
            return None
        return error

    def _channels(self, n: int) -> FloatArray | None:
        channel = self.vector("CHANNEL")
        if channel is not None and channel.size == n:
            return channel
        for table in self.tables:
            if table.has("E_MIN") and table.has("CHANNEL") and table.n_rows == n:
                numbers = table.numbers("CHANNEL")
                if np.array_equal(np.diff(numbers), np.ones(n - 1)):
                    return numbers
        return None

    def _energies(self, n: int) -> tuple[FloatArray, FloatArray] | None:
        """Return channel energies that the file itself states: EBOUNDS, or wavelengths."""
        low, high = self.vector("BIN_LO"), self.vector("BIN_HI")
        if low is not None and high is not None and low.min() > 0:
            return _KEV_ANGSTROM / high, _KEV_ANGSTROM / low
        for table in self.tables:
            if table.has("E_MIN") and table.has("E_MAX") and table.n_rows == n:
                return table.in_unit("E_MIN", "keV"), table.in_unit("E_MAX", "keV")
        return None

    def _meta(self, is_net: bool) -> dict[str, Any]:
        meta = {k.lower(): self.table.key(k) for k in _META if self.table.key(k) is not None}
        times = self._times()
        if times is not None:
            meta["tstart"], meta["tstop"] = times
        if self.number is not None:
            meta["row"] = self.number + 1
        if is_net:
            meta["is_net"] = True
        return meta


def _close(a: FloatArray, b: FloatArray) -> bool:
    return bool(np.allclose(a, b, rtol=1e-3, atol=1e-3))
