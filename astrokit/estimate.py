"""`Estimate`: a measured value with its errors, and the one way in which numbers are printed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from .boundary import as_scalar, as_unit, attach_unit
from .errors import InputError

if TYPE_CHECKING:
    from astropy.table import QTable
    from astropy.units import Quantity

__all__ = ["ONE_SIGMA", "Estimate", "estimates_table"]

ONE_SIGMA = 0.6826894921370859  # probability within one standard deviation of a normal


@dataclass(frozen=True)
class Estimate:
    """A value with a lower and an upper error, their level, the method, and a unit.

    Parameters
    ----------
    value : float
        The central value, or the limit itself when `limit` is given.
    lower, upper : float
        Distances (>= 0) from the value to the ends of the interval. `upper` defaults to `lower`.
        NaN means "not determined".
    unit : str or astropy unit, optional
    level : float
        Probability content of the interval; one sigma by default.
    method : str
        How value and interval were made, in words ("posterior median and central interval").
    name : str
        What it is the value of.
    limit : {None, "upper", "lower"}
        Set when only a limit could be given; then `level` is its confidence.

    Raises
    ------
    InputError
        For a negative error, an impossible level or an unknown `limit`.

    Examples
    --------
    >>> from astrokit import Estimate
    >>> print(Estimate(0.259879, 0.000654))
    0.2599 +/- 0.0007
    >>> print(Estimate(2.8, 0.4, 0.2, name="slope"))
    slope = 2.8 +0.2 -0.4
    >>> print(Estimate(2.26e-4, 0.3e-4, unit="Hz"))
    (2.3 +/- 0.3)e-04 Hz
    """

    value: float
    lower: float = math.nan
    upper: float | None = None
    unit: Any = None
    level: float = ONE_SIGMA
    method: str = ""
    name: str = ""
    limit: str | None = None

    def __post_init__(self) -> None:
        upper = self.lower if self.upper is None else self.upper
        for label, error in (("lower", self.lower), ("upper", upper)):
            if error < 0:
                raise InputError(f"the {label} error is negative", value=error, allowed=">= 0")
        if not 0 < self.level < 1:
            raise InputError("level must be a probability", value=self.level, allowed="0 to 1")
        if self.limit not in (None, "upper", "lower"):
            raise InputError("limit is unknown", value=self.limit, allowed="None, 'upper', 'lower'")
        for field, number in (("value", self.value), ("lower", self.lower), ("upper", upper)):
            object.__setattr__(self, field, float(number))
        object.__setattr__(self, "unit", as_unit(self.unit))

    @property
    def error(self) -> float:
        """The mean of the lower and the upper error."""
        return 0.5 * (self.lower + float(self.upper))  # type: ignore[arg-type]

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of the interval, ``(value - lower, value + upper)``."""
        return self.value - self.lower, self.value + float(self.upper)  # type: ignore[arg-type]

    @property
    def quantity(self) -> Quantity | float:
        """The value as a Quantity (a float where there is no unit)."""
        return attach_unit(self.value, self.unit)

    def sigma_from(self, other: float | Estimate) -> float:
        """Return the difference to `other` in units of the combined error.

        The error on the side that faces `other` is used; both are scaled to one sigma as if
        normal, so a 90 % interval and a 68 % interval can be compared.

        Examples
        --------
        >>> from astrokit import Estimate
        >>> round(Estimate(2.0, 0.3).sigma_from(Estimate(2.5, 0.4)), 3)
        -1.0
        """
        other = other if isinstance(other, Estimate) else Estimate(other, 0.0, unit=self.unit)
        theirs = other.to(self.unit)
        difference = self.value - theirs.value
        facing = (self.lower, theirs.upper) if difference > 0 else (self.upper, theirs.lower)
        sigma = math.hypot(
            float(facing[0]) / _sigmas(self.level),  # type: ignore[arg-type]
            float(facing[1]) / _sigmas(theirs.level),  # type: ignore[arg-type]
        )
        return difference / sigma if sigma > 0 else math.copysign(math.inf, difference)

    def to(self, unit: Any) -> Estimate:
        """Return the same estimate in another unit."""
        target = as_unit(unit)
        if target == self.unit:
            return self
        factor = as_scalar(attach_unit(1.0, self.unit), self.name or "estimate", unit=target)
        low, high = self.lower * factor, float(self.upper) * factor  # type: ignore[arg-type]
        return Estimate(
            self.value * factor, low, high, target, self.level, self.method, self.name, self.limit
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON types; ``Estimate(**d)`` restores it."""
        unit = None if self.unit is None else self.unit.to_string()
        return {**self.__dict__, "unit": unit}

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        head = (
            f"{self.name} = " if self.name and not self.limit else (self.name and self.name + " ")
        )
        unit = "" if self.unit is None or not str(self.unit) else f" {self.unit}"
        errorless = not self.limit and not _has_error(self)
        numbers = _numbers(self, _PLAIN) + (" (no error)" if errorless else "")
        return f"{head}{numbers}{unit}{_level_note(self)}"

    def __format__(self, spec: str) -> str:
        return format(self.value, spec) if spec else str(self)

    def to_html(self) -> str:
        """Return numbers and unit, without the name, as HTML: for tables, where no TeX is set.

        Examples
        --------
        >>> from astrokit import Estimate
        >>> Estimate(2.8, 0.4, 0.2, unit="Hz").to_html()
        '2.8<sup>+0.2</sup><sub>\u22120.4</sub> Hz'
        """
        unit = "" if self.unit is None else f" {escape(str(self.unit))}".rstrip()
        return _numbers(self, _HTML).replace("-", "\u2212") + unit + _level_note(self)

    def _repr_latex_(self) -> str:
        head = rf"\mathrm{{{self.name.replace('_', ' ')}}} " if self.name else ""
        relation = "" if self.limit else "= "
        unit = "" if self.unit is None else rf"\;{self.unit.to_string('latex').strip('$')}"
        return f"${head}{relation if head else ''}{_numbers(self, _LATEX)}{unit}$"


def estimates_table(estimates: Mapping[str, Estimate] | Iterable[Estimate]) -> QTable:
    """Return a table with one row per estimate.

    Parameters
    ----------
    estimates : mapping of str to Estimate, or iterable of Estimate

    Returns
    -------
    astropy.table.QTable
        Columns name, value, lower, upper, unit (text, since rows may differ), level, limit, method.

    Examples
    --------
    >>> from astrokit import Estimate
    >>> from astrokit.estimate import estimates_table
    >>> float(estimates_table({"slope": Estimate(2.13, 0.08)})["lower"][0])
    0.08
    """
    from astropy.table import QTable

    named = (
        list(estimates.items())
        if isinstance(estimates, Mapping)
        else [(e.name, e) for e in estimates]
    )
    rows = [
        (name, e.value, e.lower, e.upper, str(e.unit or ""), e.level, e.limit or "", e.method)
        for name, e in named
    ]
    names = ("name", "value", "lower", "upper", "unit", "level", "limit", "method")
    return QTable(rows=rows or None, names=names)


def _sigmas(level: float) -> float:
    """Return the number of standard deviations of a central normal interval."""
    from statistics import NormalDist

    return NormalDist().inv_cdf(0.5 * (1 + level))


def _decimals(*errors: float) -> int | None:
    """Return decimals for the smallest positive error: two digits if it starts with 1, else one."""
    known = [e for e in errors if math.isfinite(e) and e > 0]
    if not known:
        return None
    smallest = min(known)
    exponent = math.floor(math.log10(smallest))
    leading = round(smallest / 10.0**exponent, 1)
    return -exponent + (1 if leading < 2 else 0)


def _scaled(e: Estimate) -> tuple[list[str], int]:
    """Return value, lower and upper as texts with common decimals, and a power of ten."""
    numbers = [e.value, e.lower, float(e.upper)]  # type: ignore[arg-type]
    size = max((abs(x) for x in numbers if math.isfinite(x)), default=0.0)
    power = math.floor(math.log10(size)) if size > 0 else 0
    power = power if power < -3 or power > 5 else 0
    scaled = [x / 10.0**power for x in numbers]
    decimals = _decimals(scaled[1], scaled[2]) if e.limit is None else None
    if decimals is None:
        return [f"{x:.4g}" for x in scaled], power
    return [f"{x:.{max(decimals, 0)}f}" for x in scaled], power


@dataclass(frozen=True)
class _Style:
    """How numbers are put together in one kind of text."""

    below: str
    above: str
    symmetric: str
    asymmetric: str
    power: str
    group: tuple[str, str]


_PLAIN = _Style("<", ">", "{} +/- {}", "{0} +{2} -{1}", "e{:+03d}", ("(", ")"))
_LATEX = _Style(
    "<", ">", r"{} \pm {}", "{0}^{{+{2}}}_{{-{1}}}", r" \times 10^{{{}}}", (r"\left(", r"\right)")
)
_HTML = _Style(
    "&lt;",
    "&gt;",
    "{} \u00b1 {}",
    "{0}<sup>+{2}</sup><sub>-{1}</sub>",
    " \u00d7 10<sup>{}</sup>",
    ("(", ")"),
)


def _numbers(e: Estimate, style: _Style) -> str:
    """Return value and errors (or limit) with common decimals and power of ten, without unit."""
    (value, low, high), power = _scaled(e)
    tail = style.power.format(power) if power else ""
    if e.limit:
        return f"{style.below if e.limit == 'upper' else style.above} {value}{tail}"
    if not _has_error(e):
        return f"{value}{tail}"
    form = style.symmetric if low == high else style.asymmetric
    body = form.format(value, low, high)
    return f"{style.group[0]}{body}{style.group[1]}{tail}" if power else body


def _has_error(e: Estimate) -> bool:
    return math.isfinite(e.lower) or math.isfinite(float(e.upper))  # type: ignore[arg-type]


def _level_note(e: Estimate) -> str:
    if math.isclose(e.level, ONE_SIGMA, abs_tol=5e-3):
        return ""
    return f" ({100 * e.level:.3g} %{' confidence' if e.limit else ''})"
