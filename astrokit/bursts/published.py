"""Published tables of bursts, and what their columns really hold.

Each quirk was found by comparing columns with each other (peak flux times width is the fluence,
energy over fluence is one number) and stands in the notes of the sample.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ReadError
from .energy import EnergyConvention

__all__ = ["PUBLISHED", "Columns", "PublishedTable"]


@dataclass(frozen=True)
class Columns:
    """Columns of a table in the units of a sample, with what is to be said about them."""

    arrays: dict[str, Any]
    notes: tuple[str, ...] = ()
    source: str = ""
    convention: EnergyConvention | str | None = None


@dataclass(frozen=True)
class PublishedTable:
    """How to tell a table from its first bytes, and how to read it."""

    marks: tuple[str, ...]
    read: Callable[[Path, str], Columns]

    def is_this(self, head: str) -> bool:
        """Return whether every mark stands in the beginning of the file."""
        return all(mark in head for mark in self.marks)


def _numbers(cells: Any) -> Any:
    return np.array([float(x) if str(x).strip() not in ("", "*") else np.nan for x in cells])


def _li2021(path: Path, source: str) -> Columns:
    lines = [x for x in path.read_text(encoding="utf-8").splitlines() if x and x[0] != "#"]
    names = lines[0].split("\t")
    table = dict(zip(names, zip(*(x.split("\t") for x in lines[3:]), strict=True), strict=True))
    get = {name: _numbers(table[name]) for name in names}
    return Columns(
        {
            "energy": get["E"],
            "energy_error": get["e_E"],
            "fluence": get["Fluence"],
            "fluence_error": get["e_Fluence"],
            "width": get["Width"],
            "bandwidth": 1e3 * get["Bandwidth"],
            "mjd": get["MJD"],
        },
        notes=(
            "energies are in erg, although the unit in the file reads 10-7W",
            "all energies are 1.0705e39 erg per Jy ms, which no usual distance and bandwidth of "
            "the source reproduce: they are taken as they stand",
            "errors of energy and fluence are those of the fit; many read zero",
        ),
        source="FRB 20121102A",
        convention="as tabulated by Li et al. (2021)",
    )


def _xu2022(path: Path, source: str) -> Columns:
    lines = [x for x in path.read_text(encoding="utf-8").splitlines() if x and x[0] != "#"]
    rows = [line.split() for line in lines]
    short = [i for i, row in enumerate(rows) if len(row) != 27]
    if short:
        raise ReadError(f"row {short[0] + 1} of {path.name} is not complete", allowed="27 cells")
    mjd, snr, _, _, fluence, error, width, _, bandwidth = (
        _numbers(column) for column in list(zip(*rows, strict=True))[:9]
    )
    return Columns(
        {
            "fluence": fluence,
            "fluence_error": error,
            "width": width,
            "bandwidth": bandwidth,
            "mjd": mjd,
            "snr": snr,
        },
        notes=(
            "fluences are in Jy ms, although the header reads Jy s: peak flux times equivalent "
            "width in ms is the fluence",
            "the table has no energies: with_energies() makes them",
            "times are barycentric, at 1500 MHz",
        ),
        source="FRB 20201124A",
    )


def _rows(path: Path) -> dict[str, list[str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return {name: [row[name] for row in rows] for name in rows[0]}


def _zhang2023(path: Path, source: str) -> Columns:
    table = {name: _numbers(cells) for name, cells in _rows(path).items()}
    return Columns(
        {
            "energy": 1e36 * table["energy_1e36erg"],
            "fluence": table["fluence_jyms"],
            "mjd": table["mjd_bary"],
        },
        notes=(
            "energies are those in a band of 500 MHz: 7.212e37 erg per Jy ms",
            "fluences have three decimals, so that faint bursts share their values",
            "times are barycentric, at 1.5 GHz",
        ),
        source="FRB 20220912A",
        convention=EnergyConvention(bandwidth=500.0, redshift_power=1.0),
    )


def _kirsten2024(path: Path, source: str) -> Columns:
    table = _rows(path)
    burst, dish = table["id"], table["dish"]
    sums: dict[str, list[float]] = {}
    columns = zip(
        burst,
        _numbers(table["fluence_jyms"]),
        _numbers(table["toa_bary_tdb_inf_freq"]),
        _numbers(table["peak_snr"]),
        strict=True,
    )
    for name, fluence, mjd, snr in columns:
        entry = sums.setdefault(name, [0.0, mjd, snr])
        entry[0] += fluence
        entry[1], entry[2] = min(entry[1], mjd), max(entry[2], snr)
    # A burst seen by several dishes is one burst: the dish with the highest S/N counts.
    best: dict[str, str] = {}
    for name in sums:
        key = name.split("-")[0]
        if key not in best or sums[name][2] > sums[best[key]][2]:
            best[key] = name
    fluence, mjd, snr = np.array([sums[name] for name in best.values()]).T
    return Columns(
        {"fluence": fluence, "mjd": mjd, "snr": snr},
        notes=(
            f"{len(burst)} components are summed to {len(best)} bursts; of a burst that several of "
            f"the {len(set(dish))} dishes saw, the one with the highest S/N counts",
        ),
        source="FRB 20201124A",
    )


def _chime(path: Path, source: str) -> Columns:
    table = _rows(path)
    wanted = source.replace(" ", "")
    names = np.array([name.replace(" ", "") for name in table["repeater_name"]])
    rows = np.flatnonzero(names == wanted)
    if rows.size == 0:
        number = {name: int(np.sum(names == name)) for name in np.unique(names)}
        most = sorted(number, key=lambda name: -number[name])[:5]
        raise ReadError(
            f"{path.name} holds several sources: name one",
            value=source or None,
            allowed=", ".join(f"{name} ({number[name]})" for name in most) + ", ...",
            hint="source='FRB 20220912A'",
        )
    excluded = int(_numbers(np.array(table["excluded_flag"])[rows]).sum())
    return Columns(
        {
            "fluence": _numbers(np.array(table["fluence_jyms"])[rows]),
            "mjd": _numbers(np.array(table["mjd_400"])[rows]),
        },
        notes=(
            "fluences are lower limits of CHIME/FRB: the place in the beam is not known",
            f"{excluded} of these bursts are flagged as excluded from its statistics: kept here",
        ),
        source=source,
    )


PUBLISHED = (
    PublishedTable(("J/other/Nat/598.267",), _li2021),
    PublishedTable(("# Burst information for FRB20201124A", "FAST"), _xu2022),
    PublishedTable(("mjd_bary,fluence_jyms,energy_1e36erg",), _zhang2023),
    PublishedTable(("fluence_jyms,peak_snr", "energy_iso_erg_per_hz"), _kirsten2024),
    PublishedTable(("repeater_name,tns_name,mjd_400,fluence_jyms",), _chime),
)
