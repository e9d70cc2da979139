"""Published samples of pattern speeds, and what follows from their tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array
from ..errors import InputError, ReadError
from ..estimate import Estimate

if TYPE_CHECKING:
    from astropy.table import QTable, Table

__all__ = ["ClassCounts", "class_counts", "read_geron2023", "read_phangs2021"]

FloatArray = NDArray[np.float64]
FAST, SLOW = 1.0, 1.4  # the ratio below which a bar is ultrafast, above which it is slow
_MISSING = ("left out", "fast", "slow")


@dataclass(frozen=True)
class ClassCounts:
    """How many bars are ultrafast (ratio < 1), fast (1 to 1.4) and slow (> 1.4).

    Attributes
    ----------
    ultrafast, fast, slow : int
    missing : int
        Galaxies without a ratio.
    treated_as : str
        What was done with those: "left out", or the class in which they are counted.
    """

    ultrafast: int
    fast: int
    slow: int
    missing: int
    treated_as: str

    @property
    def total(self) -> int:
        """Number of galaxies that the fractions refer to."""
        return self.ultrafast + self.fast + self.slow

    @property
    def fractions(self) -> dict[str, Estimate]:
        """Fraction of each class with its binomial interval (Wilson), as numbers from 0 to 1."""
        return {name: _fraction(getattr(self, name), self.total, name) for name in _CLASSES}

    def __str__(self) -> str:
        parts = (f"{name} {100 * e.value:.1f} %" for name, e in self.fractions.items())
        return f"{', '.join(parts)} of {self.total} ({self.missing} without ratio {self._how})"

    @property
    def _how(self) -> str:
        return self.treated_as if self.treated_as == "left out" else f"counted as {self.treated_as}"


_CLASSES = ("ultrafast", "fast", "slow")


def class_counts(ratio: ArrayLike, *, missing: str = "left out") -> ClassCounts:
    """Count ultrafast, fast and slow bars by the ratio of corotation to bar radius.

    Parameters
    ----------
    ratio : array_like, shape (n,)
        NaN or masked where a galaxy has no corotation radius.
    missing : {"left out", "fast", "slow"}
        What becomes of those. A published fraction may hide such a choice, so that it is worth
        giving more than one.

    Returns
    -------
    ClassCounts

    Raises
    ------
    InputError
        For another `missing`, or a negative ratio.

    Examples
    --------
    >>> from astrokit.bars import class_counts
    >>> print(class_counts([0.9, 1.2, 1.3, 1.8, float("nan")]))
    ultrafast 25.0 %, fast 50.0 %, slow 25.0 % of 4 (1 without ratio left out)
    """
    if missing not in _MISSING:
        raise InputError(
            "missing is unknown", value=missing, allowed=", ".join(map(repr, _MISSING))
        )
    values = as_array(ratio, "ratio", missing="nan")
    gaps = np.isnan(values)
    known = values[~gaps]
    if np.any(known < 0):
        raise InputError("a ratio of radii is negative", value=float(known.min()), allowed="> 0")
    counts = {
        "ultrafast": int((known < FAST).sum()),
        "fast": int(((known >= FAST) & (known <= SLOW)).sum()),
        "slow": int((known > SLOW).sum()),
    }
    if missing != "left out":
        counts[missing] += int(gaps.sum())
    return ClassCounts(**counts, missing=int(gaps.sum()), treated_as=missing)


def _fraction(count: int, total: int, name: str) -> Estimate:
    """Return a fraction with its Wilson interval at one sigma."""
    if total == 0:
        return Estimate(np.nan, name=name)
    value = count / total
    middle = (value + 0.5 / total) / (1 + 1 / total)
    half = np.sqrt(value * (1 - value) / total + 0.25 / total**2) / (1 + 1 / total)
    lower, upper = max(value - (middle - half), 0.0), max(middle + half - value, 0.0)
    return Estimate(value, lower, upper, name=name, method="count, Wilson interval")


# -- Geron et al. 2023 --------------------------------------------------------------------------

_GERON = {  # column there: column here, unit
    "PLATEIFU": ("name", None),
    "inc": ("inclination", "deg"),
    "inc_err": ("inclination_error", "deg"),
    "PA": ("position_angle", "deg"),
    "PA_err": ("position_angle_error", "deg"),
    "PA_bar": ("bar_position_angle", "deg"),
    "PA_bar_err": ("bar_position_angle_error", "deg"),
    "R_bar": ("bar_radius", "arcsec"),
    "R_bar_err": ("bar_radius_error", "arcsec"),
    "redshift": ("redshift", None),
    "bar_type": ("bar_type", None),
}
_GERON_RESULTS = {
    "Omega": ("pattern_speed", "km / (s arcsec)"),
    "Omega_phys": ("pattern_speed_kpc", "km / (s kpc)"),
    "Rcr": ("corotation_radius", "arcsec"),
    "Rcr_phys": ("corotation_radius_kpc", "kpc"),
    "R": ("ratio", None),
}


def read_geron2023(inputs: str | Path, results: str | Path | None = None) -> QTable:
    """Read the tables of Geron et al. 2023: geometry of 225 barred galaxies, and their results.

    Parameters
    ----------
    inputs : str or Path
        Their Table 1.
    results : str or Path, optional
        Their Table 3, joined by galaxy.

    Returns
    -------
    QTable
        One row per galaxy: name, inclination, position_angle, bar_position_angle, bar_radius
        (each with ``_error``), redshift, bar_type, and of the results pattern_speed,
        pattern_speed_kpc, corotation_radius, corotation_radius_kpc and ratio, each with
        ``_lower`` and ``_upper`` (distances from the value; the files give limits). NaN where
        they give none. It serves as a catalogue for :func:`pattern_speeds`.

    Raises
    ------
    ReadError
        If a column is missing, or a galaxy of one table is not in the other.

    References
    ----------
    Geron et al. 2023, MNRAS 521, 1775.

    Examples
    --------
    ``table = ak.bars.read_geron2023(ak.datasets.fetch("geron2023-inputs"))``
    """
    table = _renamed(_csv(inputs), _GERON, Path(inputs).name)
    if results is None:
        return table
    theirs = _csv(results)
    names = [str(name) for name in theirs["PLATEIFU"]]
    mine = [str(name) for name in table["name"]]
    if sorted(names) != sorted(mine) or len(set(names)) != len(names):
        odd = sorted(set(names) ^ set(mine)) or ["a repeated name"]
        raise ReadError("the two tables do not hold the same galaxies", value=odd[0])
    order = [names.index(name) for name in mine]
    for theirs_name, (name, unit) in _GERON_RESULTS.items():
        value, low, high = (
            _numbers(theirs, theirs_name + end, Path(results).name)[order]
            for end in ("", "_ll", "_ul")
        )
        table[name] = _with_unit(value, unit)
        table[f"{name}_lower"] = _with_unit(value - low, unit)
        table[f"{name}_upper"] = _with_unit(high - value, unit)
    return table


def _csv(path: str | Path) -> Table:
    from astropy.table import Table

    try:
        return Table.read(path, format="ascii.csv")
    except (OSError, ValueError) as error:
        raise ReadError(f"{Path(path).name} cannot be read", value=str(error)) from None


def _renamed(source: Table, columns: dict[str, tuple[str, str | None]], label: str) -> QTable:
    from astropy.table import QTable

    table = QTable()
    for theirs, (name, unit) in columns.items():
        if theirs not in source.colnames:
            raise ReadError(f"{label} has no column {theirs}", allowed=", ".join(source.colnames))
        is_text = source[theirs].dtype.kind in "USO"
        table[name] = (
            np.asarray(source[theirs]).astype(str)
            if is_text
            else _with_unit(_numbers(source, theirs, label), unit)
        )
    return table


def _numbers(source: Table, name: str, label: str) -> FloatArray:
    if name not in source.colnames:
        raise ReadError(f"{label} has no column {name}", allowed=", ".join(source.colnames))
    return np.ma.filled(np.ma.asarray(source[name]).astype(float), np.nan)


def _with_unit(values: FloatArray, unit: str | None) -> Any:
    from astropy import units as u

    return values if unit is None else values * u.Unit(unit)


# -- PHANGS -------------------------------------------------------------------------------------


def read_phangs2021(path: str | Path) -> QTable:
    """Read the table of Williams et al. 2021: pattern speeds of 83 nearby galaxies by tracer.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    QTable
        name, distance, inclination, position_angle, has_bar; for each tracer ``stars``,
        ``halpha`` and ``co``: its pattern speed with ``_lower`` and ``_upper`` (distances) and
        ``_quality`` (1 is best, 4 worst); NaN where not measured.

    Raises
    ------
    ReadError
        If a column is missing.

    References
    ----------
    Williams et al. 2021, AJ 161, 185.

    Examples
    --------
    ``table = ak.bars.read_phangs2021(ak.datasets.fetch("phangs-speeds"))``
    """
    from astropy.table import Table

    source = Table.read(path, format="fits", unit_parse_strict="silent")
    label = Path(path).name
    table = _renamed(source, _PHANGS_GALAXY, label)
    table["name"] = np.char.strip(table["name"])
    for tracer, theirs in (("stars", "MUSE_MASS"), ("halpha", "MUSE_HA"), ("co", "ALMA")):
        ends = (("", ""), ("_ERR_DOWN", "_lower"), ("_ERR_UP", "_upper"))
        for end, mine in ends:
            values = _numbers(source, f"OM_P_{theirs}{end}", label)
            table[f"{tracer}{mine}"] = _with_unit(values, "km / (s kpc)")
        table[f"{tracer}_quality"] = _numbers(source, f"OM_P_{theirs}_QUAL", label)
    return table


_PHANGS_GALAXY = {
    "GALAXY": ("name", None),
    "DIST": ("distance", "Mpc"),
    "INCL": ("inclination", "deg"),
    "PA": ("position_angle", "deg"),
    "HAS_BAR": ("has_bar", None),
}
