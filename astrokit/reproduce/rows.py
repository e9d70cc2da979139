"""What a notebook reports: a measured number beside a published one, or a part that was skipped.

Rows travel inside the notebook's own outputs, under a media type of astrokit's, so that an
executed notebook carries its results and the runner needs no side files.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from astrokit.errors import InputError
from astrokit.estimate import Estimate

from .markup import row_html, rows_html

__all__ = [
    "MEDIA_TYPE",
    "Row",
    "RowTable",
    "Skipped",
    "Sources",
    "is_fast",
    "record",
    "skip",
    "summary",
]

MEDIA_TYPE = "application/vnd.astrokit.reproduction+json"

_KINDS = {
    "published": "a value from a paper",
    "check": "a value computed before with other code on the same data",
    "truth": "the true value of a simulation",
}
_EXPECTATIONS = ("agree", "context")


@dataclass(frozen=True, repr=False)
class Row:
    """A measured number beside a published one.

    Parameters
    ----------
    quantity : str
        What it is, in words.
    measured, published : Estimate
        The two values; units are converted to those of `measured`.
    reference : str
        Where the published value stands.
    kind : {"published", "check", "truth"}
        A value from a paper, one computed before with other code on the same data, or the true
        value of a simulation.
    expect : {"agree", "context"}
        "agree": the row fails if the two differ by more than the tolerance. "context": both are
        shown with their difference, and nothing is judged; the `note` should say why.
    max_sigma : float
        Tolerance in units of the combined error.
    max_difference : float, optional
        Absolute tolerance in the unit of `measured`; replaces `max_sigma`. For values that must
        agree to a number of digits.
    note : str
        One sentence for the reader of the table.

    Raises
    ------
    InputError
        For an unknown `kind` or `expect`, or if agreement is expected where it cannot be judged:
        with limits, or where neither value has an error and `max_difference` is missing.
    UnitError
        If the units of the two values cannot be converted.

    Examples
    --------
    >>> from astrokit import Estimate
    >>> from astrokit.reproduce import Row
    >>> row = Row("slope", Estimate(2.76, 0.22), Estimate(2.8, 0.4, 0.2), "Vaughan & Fabian 2003")
    >>> round(row.sigma, 2), row.verdict
    (-0.09, 'agrees')
    """

    quantity: str
    measured: Estimate
    published: Estimate
    reference: str = ""
    kind: str = "published"
    expect: str = "agree"
    max_sigma: float = 3.0
    max_difference: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise InputError("kind is unknown", value=self.kind, allowed=", ".join(_KINDS))
        if self.expect not in _EXPECTATIONS:
            raise InputError(
                "expect is unknown", value=self.expect, allowed=", ".join(_EXPECTATIONS)
            )
        object.__setattr__(self, "published", self.published.to(self.measured.unit))
        if self.expect == "agree":
            self._require_a_judgement()

    def _require_a_judgement(self) -> None:
        if self.measured.limit or self.published.limit:
            raise InputError(
                f"{self.quantity}: agreement with a limit cannot be judged",
                hint="record it with expect='context'",
            )
        if self.max_difference is None and math.isnan(self.sigma):
            raise InputError(
                f"{self.quantity}: neither value has an error, so no difference in sigma exists",
                hint="give max_difference, or expect='context'",
            )

    @property
    def difference(self) -> float:
        """Measured minus published, in the unit of `measured`."""
        return self.measured.value - self.published.value

    @property
    def sigma(self) -> float:
        """The difference in units of the combined error; NaN where neither value has an error."""
        ours, theirs = _with_known_errors(self.measured), _with_known_errors(self.published)
        if not (ours.error > 0 or theirs.error > 0):
            return math.nan
        return ours.sigma_from(theirs) if self.difference else 0.0

    @property
    def verdict(self) -> str:
        """One of "agrees", "differs", "context"."""
        if self.expect == "context":
            return "context"
        if self.max_difference is not None:
            agrees = abs(self.difference) <= self.max_difference
        else:
            agrees = abs(self.sigma) <= self.max_sigma
        return "agrees" if agrees else "differs"

    @property
    def tolerance(self) -> str:
        """The tolerance in words; empty where nothing is judged."""
        if self.expect == "context":
            return ""
        if self.max_difference is not None:
            unit = f" {self.measured.unit}" if self.measured.unit else ""
            return f"{self.max_difference:g}{unit}"
        return f"{self.max_sigma:g} sigma"

    def texts(self) -> dict[str, str]:
        """Return what a table shows: every column as text."""
        return {
            "quantity": self.quantity,
            "measured": _text(self.measured),
            "published": _text(self.published),
            "sigma": "" if math.isnan(self.sigma) else _signed(self.sigma),
            "tolerance": self.tolerance,
            "verdict": self.verdict,
            "reference": self.reference,
            "kind": self.kind,
            "note": self.note,
        }

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON types; :meth:`from_dict` restores the row."""
        return {
            **self.__dict__,
            "measured": _to_json(self.measured),
            "published": _to_json(self.published),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Row:
        """Restore what :meth:`as_dict` gave."""
        values = dict(values)
        for field in ("measured", "published"):
            values[field] = _from_json(values[field])
        return cls(**values)

    def __repr__(self) -> str:
        t = self.texts()
        difference = f", {t['sigma']} sigma" if t["sigma"] else ""
        return (
            f"{self.quantity}: measured {t['measured']}, {self.kind} {t['published']}"
            f"{difference} ({self.verdict})"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        data = {"type": "row", **self.as_dict()}
        return {
            MEDIA_TYPE: data,
            "text/html": row_html(self.texts(), self.sigma),
            "text/plain": repr(self),
        }


@dataclass(frozen=True)
class Skipped:
    """A part of a notebook that could not run, and why.

    Parameters
    ----------
    what, reason : str
        What was left out, and the reason as a reader would want to know it.
    """

    what: str
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return dict(self.__dict__)

    def __str__(self) -> str:
        return f"skipped: {self.what} ({self.reason})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        data = {"type": "skipped", **self.as_dict()}
        texts = {"quantity": self.what, "verdict": "skipped", "note": self.reason}
        return {
            MEDIA_TYPE: data,
            "text/html": row_html(texts, math.nan),
            "text/plain": str(self),
        }


@dataclass(frozen=True)
class Sources:
    """What a notebook rests on: papers and packages to cite, and registered data.

    Attributes
    ----------
    citations : tuple of str
        Keys of the bibliography.
    data : tuple of str
        Names of registered data files.
    """

    citations: tuple[str, ...] = ()
    data: tuple[str, ...] = ()

    @classmethod
    def of_this_process(cls) -> Sources:
        """Return what has been used since this process started."""
        from astrokit import datasets, provenance

        return cls(provenance.used_citations(), datasets.used())

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"citations": list(self.citations), "data": list(self.data)}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {MEDIA_TYPE: {"type": "sources", **self.as_dict()}, "text/plain": repr(self)}


class RowTable:
    """Several rows as one table, as text and in a notebook.

    Parameters
    ----------
    rows : iterable of Row or Skipped
    """

    def __init__(self, rows: Iterable[Row | Skipped]) -> None:
        self.rows = tuple(rows)

    def __iter__(self) -> Iterator[Row | Skipped]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        head = ("quantity", "published", "measured", "diff/sigma", "verdict")
        lines = [head, *(_cells(row) for row in self.rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        rule = "  ".join("-" * width for width in widths)
        texts = [_aligned(line, widths) for line in lines]
        return "\n".join([texts[0], rule, *texts[1:]])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return rows_html((_table_texts(row), getattr(row, "sigma", math.nan)) for row in self.rows)


def record(
    quantity: str,
    *,
    measured: Estimate | float,
    published: Estimate | float,
    reference: str = "",
    kind: str = "published",
    expect: str = "agree",
    max_sigma: float = 3.0,
    max_difference: float | None = None,
    note: str = "",
) -> None:
    """Show a measured number beside a published one, and report it to the runner.

    Parameters
    ----------
    quantity : str
        What it is, in words. Recording the same quantity again replaces the first in
        :func:`summary`.
    measured, published : Estimate or float
        The two values.
    reference, kind, expect, max_sigma, max_difference, note
        As in :class:`Row`, which this builds.

    Raises
    ------
    InputError, UnitError
        As :class:`Row`.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.reproduce.record(
    ...     "slope",
    ...     measured=ak.Estimate(2.76, 0.22),
    ...     published=ak.Estimate(2.8, 0.4, 0.2),
    ...     reference="Vaughan & Fabian 2003",
    ... )
    slope: measured 2.8 +/- 0.2, published 2.8 +0.2 -0.4, -0.09 sigma (agrees)
    """
    row = Row(
        quantity,
        _as_estimate(measured),
        _as_estimate(published),
        reference,
        kind,
        expect,
        max_sigma,
        max_difference,
        note,
    )
    _show(row, quantity)


def skip(what: str, reason: str) -> None:
    """Report that a part of the notebook did not run; the reason appears in the table.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.reproduce.skip("the real light curve", "mrk766 is not on this computer")
    skipped: the real light curve (mrk766 is not on this computer)
    """
    _show(Skipped(what, reason), what)


def summary() -> RowTable:
    """Return the table of what this notebook has recorded so far."""
    return RowTable(_RECORDED.values())


def is_fast() -> bool:
    """Return True when the runner was asked to be fast, so that a notebook may shorten its chains.

    Examples
    --------
    >>> import astrokit as ak
    >>> n_steps = 500 if ak.reproduce.is_fast() else 5000
    """
    return os.environ.get("ASTROKIT_FAST", "") not in ("", "0")


# What this process has recorded: a notebook is one process, and its last cell shows the table.
_RECORDED: dict[str, Row | Skipped] = {}


def _show(row: Row | Skipped, key: str) -> None:
    from IPython.display import display

    _RECORDED[key] = row
    display(row)


def _as_estimate(value: Estimate | float) -> Estimate:
    return value if isinstance(value, Estimate) else Estimate(float(value))


def _with_known_errors(e: Estimate) -> Estimate:
    """Return `e` with an unknown error taken as none: the other value's error then counts alone."""
    lower, upper = (0.0 if math.isnan(x) else x for x in (e.lower, float(e.upper or 0.0)))
    return replace(e, lower=lower, upper=upper)


def _text(e: Estimate) -> str:
    """Return an estimate without its name; a bare value keeps the digits a check needs."""
    if not e.limit and not _with_known_errors(e).error > 0:
        return f"{e.value:.7g}" + (f" {e.unit}" if e.unit else "")
    return str(replace(e, name=""))


def _signed(sigma: float) -> str:
    text = f"{sigma:+.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text


def _to_json(e: Estimate) -> dict[str, Any]:
    """Return an estimate as JSON; NaN, which JSON does not have, becomes null."""
    return {
        k: None if isinstance(v, float) and math.isnan(v) else v for k, v in e.as_dict().items()
    }


def _from_json(values: dict[str, Any]) -> Estimate:
    numbers = {
        key: math.nan if values[key] is None else values[key] for key in ("value", "lower", "upper")
    }
    return Estimate(**{**values, **numbers})


def _table_texts(row: Row | Skipped) -> dict[str, str]:
    if isinstance(row, Row):
        return row.texts()
    return {"quantity": row.what, "verdict": "skipped", "note": row.reason}


def _cells(row: Row | Skipped) -> tuple[str, str, str, str, str]:
    if isinstance(row, Skipped):
        return (row.what, "", "", "", f"skipped: {row.reason}")
    t = row.texts()
    source = "" if row.kind == "published" else f" ({row.kind})"
    return (t["quantity"], t["published"] + source, t["measured"], t["sigma"], t["verdict"])


def _aligned(cells: Iterable[str], widths: list[int]) -> str:
    padded = [
        cell.rjust(width) if i == 3 else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()
