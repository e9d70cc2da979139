"""Pattern speeds of many galaxies: one table out, and what went wrong kept beside it."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import AstrokitError, InputError
from ..estimate import Estimate
from ..parallel import ItemError, map_items
from ..provenance import Provenance, Recorder, quiet
from ..randomness import SeedLike, as_seed_sequence
from .geometry import Geometry
from .maps import GalaxyMaps
from .measure import NO_COROTATION, PatternSpeed, pattern_speed
from .published import ClassCounts, class_counts

if TYPE_CHECKING:
    from astropy.table import QTable

__all__ = ["PatternSpeedSample", "geometry_of", "pattern_speeds"]

_GEOMETRY = ("position_angle", "inclination", "bar_position_angle", "bar_radius")
_ESTIMATES = {
    "pattern_speed": "km / (s arcsec)",
    "pattern_speed_kpc": "km / (s kpc)",
    "corotation_radius": "arcsec",
    "corotation_radius_kpc": "kpc",
    "bar_radius": "arcsec",
    "ratio": "",
}
_CLASSES = ("ultrafast", "fast", "slow", NO_COROTATION)


@dataclass(frozen=True, eq=False)
class PatternSpeedSample:
    """Pattern speeds of a sample.

    Attributes
    ----------
    table : QTable
        One row per galaxy, in the order of the catalogue: name, for each of pattern_speed,
        pattern_speed_kpc, corotation_radius, corotation_radius_kpc, bar_radius (in the disc) and
        ratio the median with ``_lower`` and ``_upper`` (distances of the 68 % interval), the
        probabilities ``p_ultrafast``, ``p_fast``, ``p_slow`` and ``p_no_corotation``, n_slits,
        flags (names, separated by blanks) and error (why there are no numbers). NaN where there
        is no number.
    failures : dict of str to Exception
        By name.
    provenance : Provenance
    """

    table: QTable
    failures: dict[str, Exception]
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.table)

    def column(self, name: str) -> NDArray[np.float64]:
        """Return a column as plain numbers, NaN for galaxies without.

        Parameters
        ----------
        name : str

        Raises
        ------
        InputError
            If there is no such column.
        """
        if name not in self.table.colnames:
            raise InputError("no such column", value=name, allowed=", ".join(self.table.colnames))
        values = self.table[name]
        return np.asarray(getattr(values, "value", values), dtype=float)

    def median(self, name: str) -> Estimate:
        """Return the median of a column over the sample with the standard error of a median.

        The error is half the distance of the order statistics one binomial standard deviation
        (``sqrt(n)/2``) below and above the middle; it needs no shape of the distribution.

        Parameters
        ----------
        name : str
            Such as "ratio".
        """
        values = np.sort(self.column(name))
        values = values[np.isfinite(values)]
        if values.size == 0:
            return Estimate(math.nan, name=f"median {name}", unit=_ESTIMATES.get(name) or None)
        middle, n = float(np.median(values)), values.size
        step = 0.5 * math.sqrt(n)
        low = values[max(math.floor(0.5 * n - step), 0)]
        high = values[min(math.ceil(0.5 * n + step) - 1, n - 1)]
        return Estimate(
            middle,
            middle - float(low),
            float(high) - middle,
            unit=_ESTIMATES.get(name) or None,
            name=f"median {name}",
            method=f"median of {n}, order statistics",
        )

    def class_counts(self, *, missing: str = "left out") -> ClassCounts:
        """Count ultrafast, fast and slow bars by their median ratio; see :func:`class_counts`."""
        return class_counts(self.column("ratio"), missing=missing)

    def expected_fractions(self) -> dict[str, float]:
        """Return the mean class probabilities, in which uncertain bars count by parts.

        NaN where no galaxy was measured.

        Examples
        --------
        ``sample.expected_fractions()["slow"]``
        """
        shares = {name: self.column(_probability(name)) for name in _CLASSES}
        known = {name: p[np.isfinite(p)] for name, p in shares.items()}
        return {name: float(p.mean()) if p.size else math.nan for name, p in known.items()}

    def plot(self, axes: Any = None) -> NDArray[Any]:
        """Draw histograms of pattern speed, corotation radius and ratio."""
        from .sample_plots import plot_sample

        return plot_sample(self, axes=axes)

    def __repr__(self) -> str:
        done = len(self) - len(self.failures)
        parts = [f"{done} of {len(self)} galaxies"]
        if done:
            parts.append(str(self.median("ratio")))
        if self.failures:
            parts.append(f"{len(self.failures)} failed, see .failures")
        return f"<PatternSpeedSample: {', '.join(parts)}>"

    def _repr_html_(self) -> str:
        return str(self.table._repr_html_())


def pattern_speeds(
    catalogue: Any,
    *,
    maps: Callable[[Any], GalaxyMaps] | None = None,
    n_draws: int = 1000,
    seed: SeedLike = None,
    executor: Executor | None = None,
    progress: bool | str = False,
    options: Mapping[str, Any] | None = None,
) -> PatternSpeedSample:
    """Measure the pattern speeds of many galaxies.

    Parameters
    ----------
    catalogue : iterable of GalaxyMaps, mapping of str to GalaxyMaps, Table or DataFrame
        Maps with their geometry, or a table with one row per galaxy: then `maps` says how to get
        at the maps of a row, and the columns position_angle, inclination, bar_position_angle,
        bar_radius (each with ``_error``), center_x, center_y and systemic_velocity give the
        geometry, as far as they are there and the maps have none. A column ``redshift`` or
        ``distance`` (Mpc) gives numbers in kpc; ``name`` names the rows.
    maps : callable, optional
        ``maps(row) -> GalaxyMaps``, where `row` is a dict; for a process pool a function that can
        be imported.
    n_draws : int
        Per galaxy.
    seed : int, SeedSequence or Generator, optional
        Every galaxy has its own child: results do not depend on the number of workers.
    executor : concurrent.futures.Executor, optional
    progress : bool or str
    options : mapping, optional
        More arguments of :func:`pattern_speed`, the same for all galaxies.

    Returns
    -------
    PatternSpeedSample
        A galaxy that cannot be measured leaves a row of NaN with the reason.

    Raises
    ------
    InputError
        For an empty catalogue, repeated names, or a table without `maps`.

    Examples
    --------
    >>> import astrokit as ak
    >>> galaxies = {f"toy {k}": ak.bars.simulate_galaxy(seed=k) for k in range(2)}
    >>> sample = ak.bars.pattern_speeds(galaxies, n_draws=100, seed=1)
    >>> len(sample), sample.failures
    (2, {})
    """
    items = _items(catalogue, maps)
    names = [item["name"] for item in items]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError("names of galaxies repeat", value=twice)
    sequence = as_seed_sequence(seed)
    arguments = {"galaxies": names, "n_draws": n_draws, "options": dict(options or {})}
    recorder = Recorder(
        "astrokit.bars.pattern_speeds",
        arguments,
        seed=sequence,
        citations=("tremaine1984", "courteau1997", "york2004"),
    )
    measure = functools.partial(_measure, maps, n_draws, dict(options or {}))
    seeds = sequence.spawn(len(items))
    rows = map_items(
        measure, items, seeds=seeds, executor=executor, keep_errors=True, progress=progress
    )
    failures = {
        name: row.error for name, row in zip(names, rows, strict=True) if isinstance(row, ItemError)
    }
    recorder.verdict(f"{len(rows) - len(failures)} of {len(rows)} galaxies measured")
    return PatternSpeedSample(_table(names, rows), failures, recorder.finish())


def geometry_of(row: Mapping[str, Any]) -> Geometry | None:
    """Return the geometry that a row of a catalogue describes, None if it describes none.

    Parameters
    ----------
    row : mapping
        Numbers or Quantities: position_angle, inclination, bar_position_angle, bar_radius,
        center_x, center_y, systemic_velocity, each with an optional ``_error``.

    Raises
    ------
    InputError
        If only one of position angle and inclination is there.

    Examples
    --------
    >>> from astrokit.bars import geometry_of
    >>> row = {"position_angle": 30, "inclination": 50.0, "inclination_error": 2.0}
    >>> print(geometry_of(row).inclination)
    inclination = 50 +/- 2 deg
    """
    if "position_angle" not in row and "inclination" not in row:
        return None
    numbers = {name: _pair(row, name) for name in (*_GEOMETRY, "systemic_velocity")}
    center = tuple(_pair(row, name) or 0.0 for name in ("center_x", "center_y"))
    return Geometry(**numbers, center=center)


def _pair(row: Mapping[str, Any], name: str) -> Any:
    if row.get(name) is None or _is_nan(row[name]):
        return None
    error = row.get(f"{name}_error")
    return row[name] if error is None or _is_nan(error) else (row[name], error)


def _is_nan(value: Any) -> bool:
    if np.ma.is_masked(value):
        return True
    number = getattr(value, "value", value)
    return isinstance(number, float | np.floating) and math.isnan(number)


def _items(catalogue: Any, maps: Callable[[Any], GalaxyMaps] | None) -> list[dict[str, Any]]:
    """Return one dict per galaxy, with its name, and its maps where they are there already."""
    if (rows := _rows(catalogue)) is not None:
        if maps is None:
            raise InputError(
                "a table needs a way from a row to its maps",
                hint="maps=lambda row: ak.bars.read_manga(row['path']), or a function of your own",
            )
        items = [{**row, "name": str(row.get("name", f"row {k}"))} for k, row in enumerate(rows)]
    elif isinstance(catalogue, Mapping):
        items = [{"name": str(name), "maps": found} for name, found in catalogue.items()]
    elif isinstance(catalogue, GalaxyMaps | str | Path) or not isinstance(catalogue, Iterable):
        raise InputError(
            "the catalogue is not understood",
            value=type(catalogue).__name__,
            allowed="a list or mapping of GalaxyMaps, or a table",
            hint="of a file: astropy.table.Table.read(path)",
        )
    else:
        items = _named(list(catalogue))
    if not items:
        raise InputError("the catalogue is empty")
    return items


def _rows(catalogue: Any) -> list[dict[str, Any]] | None:
    """Return the rows of an astropy table or of a data frame; None of anything else."""
    if hasattr(catalogue, "colnames"):
        return [{name: row[name] for name in catalogue.colnames} for row in catalogue]
    if hasattr(catalogue, "columns") and hasattr(catalogue, "to_dict"):
        return list(catalogue.to_dict("records"))
    return None


def _named(galaxies: list[GalaxyMaps]) -> list[dict[str, Any]]:
    """Return items named as the maps are, with a number where names are missing or repeat."""
    given = [getattr(galaxy, "name", "") for galaxy in galaxies]
    return [
        {"name": name if name and given.count(name) == 1 else f"{name or 'galaxy'} {k}", "maps": g}
        for k, (name, g) in enumerate(zip(given, galaxies, strict=True))
    ]


def _measure(
    reader: Callable[[Any], GalaxyMaps] | None,
    n_draws: int,
    options: dict[str, Any],
    item: dict[str, Any],
    seed: np.random.SeedSequence,
) -> dict[str, Any]:
    """Return one row of the table."""
    galaxy = item["maps"] if reader is None else reader(item)
    if not isinstance(galaxy, GalaxyMaps):
        raise InputError("no maps came for this galaxy", value=type(galaxy).__name__)
    if galaxy.geometry is None and (geometry := geometry_of(item)) is not None:
        galaxy = galaxy.with_geometry(geometry)
    distances = {k: item[k] for k in ("distance", "redshift") if not _is_nan(item.get(k, math.nan))}
    if "distance" in distances:
        distances.pop("redshift", None)
    with quiet():  # flags go into the table, not into hundreds of warnings
        result = pattern_speed(galaxy, n_draws=n_draws, seed=seed, **{**distances, **options})
    return _row(result)


def _row(result: PatternSpeed) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name in _ESTIMATES:
        if name.endswith("_kpc") and math.isnan(result.kpc_per_arcsec):
            continue
        estimate: Estimate = getattr(result, name)
        row[name] = estimate.value
        row[f"{name}_lower"], row[f"{name}_upper"] = estimate.lower, estimate.upper
    row |= {_probability(k): v for k, v in result.class_probabilities.items()}
    row["n_slits"] = len(result.slits)
    row["flags"] = " ".join(dict.fromkeys(flag.name for flag in result.flags))
    return row


def _probability(name: str) -> str:
    return f"p_{name.replace(' ', '_')}"


def _table(names: list[str], rows: list[Any]) -> QTable:
    from astropy import units as u
    from astropy.table import QTable

    table = QTable({"name": names})
    good = [row if isinstance(row, dict) else {} for row in rows]
    for name, unit in _ESTIMATES.items():
        for end in ("", "_lower", "_upper"):
            values = np.array([row.get(name + end, math.nan) for row in good], dtype=float)
            table[name + end] = values * u.Unit(unit) if unit else values
    for name in _CLASSES:
        column = _probability(name)
        table[column] = np.array([row.get(column, math.nan) for row in good], dtype=float)
    table["n_slits"] = [row.get("n_slits", 0) for row in good]
    table["flags"] = [row.get("flags", "") for row in good]
    table["error"] = [_reason(row) for row in rows]
    return table


def _reason(row: Any) -> str:
    if not isinstance(row, ItemError):
        return ""
    error = row.error
    text = error.problem if isinstance(error, AstrokitError) else str(error)
    return f"{type(error).__name__}: {text}"
