"""`ReadReport`: what a reader understood, assumed and left out."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["ReadReport", "ReportBuilder"]


@dataclass(frozen=True)
class ReadReport:
    """The record of how a file became a light curve; prints as readable text.

    Attributes
    ----------
    file : str
        File name without its directory.
    sha256 : str
        Checksum of the bytes of the file.
    format : str
        What the file was understood to be.
    hdu : str
        Number and name of the FITS extension; "" for text.
    columns : dict of str to str
        What each column was used for: role to column name.
    time_unit, time_system, time_reference : str
        Unit, time scale and place of the times.
    mjdref : float or None
        MJD of time zero.
    timezero : float
        Offset that was added to all times.
    timepixr : float
        Position of the time stamp in its bin: 0 start, 0.5 centre, 1 end.
    timepixr_reason, bin_width_reason : str
        Where the two came from.
    rows_read : int
        Rows (or events) in the file, before anything was dropped.
    rows_dropped : dict of str to int
        Reason to number of rows that are not in the light curve.
    bins_invalid : dict of str to int
        Reason to number of bins that are in the light curve, but marked invalid.
    gti_source : str
        Where the good time intervals came from.
    mission : str
        Mission whose conventions were applied.
    assumptions : tuple of str
        What the file does not say and was decided here.
    warnings : tuple of str
        What the user must know; each was also issued as a ``DataWarning``.
    """

    file: str
    sha256: str
    format: str = ""
    hdu: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    time_unit: str = "s"
    time_system: str = ""
    time_reference: str = ""
    mjdref: float | None = None
    timezero: float = 0.0
    timepixr: float = 0.5
    timepixr_reason: str = ""
    bin_width_reason: str = ""
    rows_read: int = 0
    rows_dropped: dict[str, int] = field(default_factory=dict)
    bins_invalid: dict[str, int] = field(default_factory=dict)
    gti_source: str = ""
    mission: str = ""
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON types (tuples become lists)."""
        values = asdict(self)
        return {**values, "assumptions": list(self.assumptions), "warnings": list(self.warnings)}

    @property
    def rows_used(self) -> int:
        """Rows that are in the light curve, valid or not."""
        return self.rows_read - sum(self.rows_dropped.values())

    def __str__(self) -> str:
        reference = "an unknown zero" if self.mjdref is None else f"MJD {self.mjdref:.10g}"
        scale = " ".join(part for part in (self.time_system, self.time_reference) if part)
        facts = [
            ("file", f"{self.file} (sha256 {self.sha256[:12]}...)"),
            ("format", self.format + (f", HDU {self.hdu}" if self.hdu else "")),
            ("mission", self.mission),
            ("columns", ", ".join(f"{role} = {name}" for role, name in self.columns.items())),
            ("time", f"in {self.time_unit} since {reference}" + (f", {scale}" if scale else "")),
            ("TIMEZERO", f"{self.timezero:.10g} {self.time_unit} added" if self.timezero else ""),
            ("time stamp", f"{self.timepixr:g} of the bin ({self.timepixr_reason})"),
            ("bin width", self.bin_width_reason),
            ("GTIs", self.gti_source),
            ("rows", f"{self.rows_read} read, {self.rows_used} used"),
            *(("dropped", f"{n}: {reason}") for reason, n in self.rows_dropped.items()),
            *(("invalid", f"{n}: {reason}") for reason, n in self.bins_invalid.items()),
            *(("assumed", text) for text in self.assumptions),
            *(("warning", text) for text in self.warnings),
        ]
        return "\n".join(_line(label, text) for label, text in facts if text)


def _line(label: str, text: str) -> str:
    return textwrap.fill(text, width=98, initial_indent=f"{label:<12}", subsequent_indent=" " * 12)


@dataclass
class ReportBuilder:
    """Collects what a reader learns; :meth:`finish` freezes it into a `ReadReport`."""

    facts: dict[str, Any]
    columns: dict[str, str] = field(default_factory=dict)
    rows_dropped: dict[str, int] = field(default_factory=dict)
    bins_invalid: dict[str, int] = field(default_factory=dict)
    assumptions: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def note(self, **facts: Any) -> None:
        """Record fields of the report by name."""
        self.facts.update(facts)

    def assume(self, text: str) -> None:
        """Record a decision that the file did not make."""
        if text not in self.assumptions:
            self.assumptions.append(text)

    def warn(self, text: str) -> None:
        """Record something that the user must know."""
        if text not in self.warnings:
            self.warnings.append(text)

    def drop(self, reason: str, n: int) -> None:
        """Record that `n` rows are left out."""
        if n:
            self.rows_dropped[reason] = self.rows_dropped.get(reason, 0) + int(n)

    def invalidate(self, reason: str, n: int) -> None:
        """Record that `n` bins are kept but marked invalid."""
        if n:
            self.bins_invalid[reason] = self.bins_invalid.get(reason, 0) + int(n)

    def finish(self) -> ReadReport:
        """Return the frozen record."""
        return ReadReport(
            **self.facts,
            columns=dict(self.columns),
            rows_dropped=dict(self.rows_dropped),
            bins_invalid=dict(self.bins_invalid),
            assumptions=tuple(self.assumptions),
            warnings=tuple(self.warnings),
        )
