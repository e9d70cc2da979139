"""The entrance for tables: published ones with their quirks, any other by its columns."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..boundary import as_unit
from ..errors import DataWarning, ReadError
from ..provenance import file_record
from ..untrusted import bytes_of, check_fits, check_lines, checked_file, gunzipped, named_refusals
from .published import PUBLISHED, Columns, PublishedTable
from .sample import BurstSample

if TYPE_CHECKING:
    from astropy.table import Column, Table

__all__ = ["read_bursts"]

# Names are compared in lower case without blanks, _ and -.
_NAMES = {
    "energy": ("energy", "e", "eiso", "energyerg", "isotropicenergy"),
    "energy_error": ("energyerror", "energyerr", "ee", "eerr", "eenergy"),
    "fluence": ("fluence", "flu", "fluencejyms", "f"),
    "fluence_error": ("fluenceerror", "fluenceerr", "efluence", "eflu", "ef"),
    "width": ("width", "weff", "widthms", "eqwidth", "duration"),
    "bandwidth": ("bandwidth", "bw", "bandwidthmhz"),
    "mjd": ("mjd", "mjdbary", "bat", "time", "toa", "toamjd", "mjdtopo"),
    "snr": ("snr", "s/n", "peaksnr", "signaltonoise"),
    "threshold": ("threshold", "energythreshold"),
    "saturated": ("saturated", "saturation", "issaturated"),
}
_FLAGS = {"true": True, "t": True, "yes": True, "y": True, "1": True, "1.0": True,
          "false": False, "f": False, "no": False, "n": False, "0": False, "0.0": False,
          "": False}  # fmt: skip
_OTHER_COMPRESSION = (b"BZh", b"\xfd7zXZ", b"PK\x03\x04", b"\x28\xb5\x2f\xfd")
_UNITS_IN_NAMES = {"jyms": "Jy ms", "mhz": "MHz", "ms": "ms", "erg": "erg", "mjd": "d", "bat": "d"}
_NEED_UNITS = (
    "energy",
    "energy_error",
    "threshold",
    "fluence",
    "fluence_error",
    "width",
    "bandwidth",
)


def read_bursts(
    path: str | Path,
    *,
    source: str = "",
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    format: str | None = None,
) -> BurstSample:
    r"""Read the bursts of one source from a table.

    CSV, ECSV, FITS, whitespace-separated text and VizieR's tab-separated output are understood. The
    published tables of FRB 20121102A (Li et al. 2021), 20201124A (Xu et al. 2022; Kirsten et al.
    2024), 20220912A (Zhang et al. 2023) and of the CHIME/FRB repeaters are told by their content;
    what their columns really hold stands in the ``notes`` of the sample.

    Parameters
    ----------
    path : str or Path
    source : str
        Name of the source; selects its rows in a table of several.
    columns : mapping of str to str, optional
        Field of :class:`~astrokit.bursts.BurstSample` to column name, such as
        ``{"fluence": "Flu"}``, where names do not tell.
    units : mapping of str to str, optional
        Field to unit, where the file does not tell.
    format : str, optional
        A format of :meth:`astropy.table.Table.read`, where the guess fails.

    Returns
    -------
    BurstSample

    Raises
    ------
    ReadError
        If the file is no table, has neither energies nor fluences, does not tell their unit, holds
        text in place of numbers, or is a published table of another source.

    Warns
    -----
    DataWarning
        For rows without a value, which are left out, and for columns that have some.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import astrokit as ak
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "bursts.csv"
    ...     _ = path.write_text("mjd,fluence_jyms\n59000.1,0.5\n59000.2,1.5\n")
    ...     sample = ak.bursts.read_bursts(path, source="FRB 20220912A")
    >>> sample
    <BurstSample of FRB 20220912A: 2 bursts, fluences 0.5 to 1.5 Jy ms>
    """
    path = checked_file(path)
    with named_refusals(path.name):
        return _bursts(path, source, columns, units, format)


def _bursts(
    path: Path,
    source: str,
    columns: Mapping[str, str] | None,
    units: Mapping[str, Any] | None,
    format: str | None,
) -> BurstSample:
    # Whole, since a compressed file tells its size only when it is unpacked.
    content = gunzipped(bytes_of(path), path.name)
    head = content[:4096].decode("utf-8", errors="replace")
    if content.startswith(_OTHER_COMPRESSION):
        raise ReadError(
            f"{path.name} is compressed in a way that is not read here",
            allowed="plain, or gzip",
            hint="decompress it first",
        )
    if head.startswith("SIMPLE  ="):
        check_fits(content, path.name)
    else:
        check_lines(content, path.name)
    if columns is None and units is None and format is None:
        for table in PUBLISHED:
            if table.is_this(head):
                found = _read_published(table, path, source)
                _require_its_source(path, source, found.source)
                return _sample(path, found, found.source or source)
    table = _one_source(_read_table(path, head, format), source, path)
    return _sample(path, _columns(table, columns or {}, units or {}, path), source)


def _read_published(table: PublishedTable, path: Path, source: str) -> Columns:
    try:
        return table.read(path, source)
    except (ValueError, LookupError, TypeError) as error:
        raise ReadError(
            f"{path.name} begins as a published table and does not go on as one",
            value=f"{type(error).__name__}: {error!s:.80}",
            hint="the file may have been cut off or changed; name its columns= to read it as any",
        ) from error


def _require_its_source(path: Path, wanted: str, found: str) -> None:
    """Refuse a name that is not that of the table; FRB 121102 is a short form of 20121102A."""
    if not wanted or not found or wanted == found:
        return
    short, whole = (_plain(name).removeprefix("frb") for name in (wanted, found))
    if short not in (whole, whole[:-1], whole[2:], whole[2:-1]):
        raise ReadError(
            f"{path.name} is a table of another source", value=wanted, allowed=found,
            hint=f"source={found!r}, or no source",
        )  # fmt: skip


def _sample(path: Path, found: Columns, source: str) -> BurstSample:
    """Return the sample of columns, rows without a number left out and told."""
    notes = list(found.notes)
    arrays = {name: np.asarray(values) for name, values in found.arrays.items()}
    main = "energy" if "energy" in arrays else "fluence"
    n_read = arrays[main].size
    keep = np.isfinite(arrays[main])
    if "mjd" in arrays:
        keep &= np.isfinite(arrays["mjd"])
    dropped = int(n_read - np.count_nonzero(keep))
    if dropped:
        text = f"{dropped} of {n_read} rows have no {main} or no time and are left out"
        notes.append(text)
        warnings.warn(f"{path.name}: {text}", DataWarning, stacklevel=3)
    if dropped == n_read:
        raise ReadError(f"no row of {path.name} has a number for its {main}")
    kept = {}
    for name, values in arrays.items():
        values = values[keep]
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            text = f"the column {name} has gaps and is left out"
            notes.append(text)
            warnings.warn(f"{path.name}: {text}", DataWarning, stacklevel=3)
            continue
        kept[name] = values
    record = file_record(path, rows_read=n_read, rows_dropped=dropped)
    return BurstSample(
        **kept,
        source=source,
        convention=found.convention,
        notes=tuple(notes),
        inputs=(record,),
    )


# -- any table ------------------------------------------------------------------------------------


def _read_table(path: Path, head: str, format: str | None) -> Table:
    from astropy.table import Table

    if format is None:
        if head.startswith("SIMPLE  ="):
            format = "fits"
        elif head.startswith("# %ECSV"):
            format = "ascii.ecsv"
        elif "#Column\t" in head:
            return _read_vizier(path)
        else:
            format = "ascii"
    try:
        return Table.read(path, format=format)
    except Exception as error:  # astropy raises many kinds
        raise ReadError(
            f"{path.name} cannot be read as a table",
            value=f"{type(error).__name__}: {str(error).splitlines()[0][:100]}",
            hint="name its format=, one of astropy.table.Table.read",
        ) from error


def _read_vizier(path: Path) -> Table:
    """Return a table of VizieR's tab-separated output: names, units and dashes head the rows."""
    from astropy.table import Table

    lines = [x for x in path.read_text(encoding="utf-8").splitlines() if x and x[0] != "#"]
    if len(lines) < 4 or set(lines[2]) - set("-\t "):
        raise ReadError(f"{path.name} has no rows", hint="ask VizieR for the table again")
    names, units = (line.split("\t") for line in lines[:2])
    rows = [line.split("\t") for line in lines[3:]]
    short = [i for i, row in enumerate(rows) if len(row) != len(names)]
    if short:
        raise ReadError(
            f"row {short[0] + 1} of {path.name} has {len(rows[short[0]])} cells",
            allowed=str(len(names)),
            hint="the file may have been cut off",
        )
    table = Table()
    for name, unit, cells in zip(names, units, zip(*rows, strict=True), strict=True):
        table[name] = [_cell(cell) for cell in cells]
        if unit.strip():
            table[name].unit = unit.strip().replace(".", " ") if "Jy" in unit else unit.strip()
    return table


def _cell(text: str) -> Any:
    text = text.strip()
    try:
        return float(text) if text else float("nan")
    except ValueError:
        return text


def _columns(
    table: Table, columns: Mapping[str, str], units: Mapping[str, str], path: Path
) -> Columns:
    """Return the known fields of a table in the units of a sample."""
    unknown = (set(columns) | set(units)) - set(_NAMES)
    if unknown:
        raise ReadError(
            "no such field of a burst", value=", ".join(sorted(unknown)), allowed=", ".join(_NAMES)
        )
    arrays: dict[str, Any] = {}
    for field, names in _NAMES.items():
        name = columns.get(field) or _find(table, names)
        if name is None:
            continue
        if name not in table.colnames:
            raise ReadError(
                f"{path.name} has no column {name!r}", allowed=", ".join(table.colnames)
            )
        arrays[field] = _values(table[name], field, units.get(field), path)
    if "energy" not in arrays and "fluence" not in arrays:
        raise ReadError(
            f"{path.name} has neither energies nor fluences",
            value=", ".join(table.colnames),
            hint="name the column: columns={'fluence': '...'}",
        )
    return Columns(arrays)


def _one_source(table: Table, source: str, path: Path) -> Table:
    """Return the rows of a source, where a column names the sources."""
    name = _find(table, ("source", "sourcename", "repeatername", "object", "frb"))
    if name is None:
        return table
    names = np.array([_plain(str(x)) for x in table[name]])
    there = np.unique(names)
    if not source and there.size == 1:
        return table
    rows = names == _plain(source)
    if not rows.any():
        listed = sorted({str(x) for x in table[name]})
        raise ReadError(
            f"{path.name} holds several sources: name one" if not source else "no such source",
            value=source or None,
            allowed=", ".join(listed[:8]) + (", ..." if len(listed) > 8 else ""),
            hint=f"source={listed[0]!r}",
        )
    return table[rows]


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "").replace("-", "").replace(" ", "")


def _find(table: Table, names: tuple[str, ...]) -> str | None:
    plain = {_plain(name): name for name in reversed(table.colnames)}
    return next((plain[name] for name in names if name in plain), None)


def _values(column: Column, field: str, unit: str | None, path: Path) -> Any:
    """Return the numbers of a column in the unit of a sample; gaps as NaN."""
    from astropy import units as u

    from .sample import _UNITS

    if field == "saturated":
        return _flags_of(column, path)
    data = _floats(column, path)
    given = as_unit(unit or column.unit or _unit_of_name(column.name), f"unit of {column.name}")
    target = _UNITS[field]
    if given is None:
        if field in _NEED_UNITS:
            raise ReadError(
                f"{path.name} does not tell the unit of its column {column.name!r}",
                hint=f"units={{{field!r}: {target!r}}}, or what it is",
            )
        return data
    try:
        return u.Quantity(data, given).to_value(target) if target else data
    except u.UnitConversionError as error:
        raise ReadError(
            f"the column {column.name!r} of {path.name} is no {field}",
            value=str(given),
            allowed=str(target),
            hint="name another column= or the right units=",
        ) from error


def _floats(column: Column, path: Path) -> Any:
    """Return a column as numbers, gaps as NaN."""
    try:
        return np.ma.filled(np.ma.asarray(column, dtype=float), np.nan)
    except (TypeError, ValueError) as error:
        row, cell = next((i, c) for i, c in enumerate(column) if not _is_number(c))
        raise ReadError(
            f"the column {column.name!r} of {path.name} holds no numbers",
            value=f"{cell!s:.40} in row {row + 1}",
            hint="correct the file, or name another column in columns=",
        ) from error


def _is_number(cell: Any) -> bool:
    try:
        float(cell)
    except (TypeError, ValueError):
        return False
    return True


def _flags_of(column: Column, path: Path) -> Any:
    """Return a column as flags: true and false, yes and no, 1 and 0; a gap is no flag."""
    if np.asarray(column).dtype.kind not in "US":
        return np.nan_to_num(_floats(column, path)) != 0
    cells = [str(cell).strip().lower() for cell in np.ma.filled(column, "")]
    for row, cell in enumerate(cells):
        if cell not in _FLAGS:
            raise ReadError(
                f"the column {column.name!r} of {path.name} holds no flags",
                value=f"{cell:.40} in row {row + 1}",
                allowed=", ".join(filter(None, _FLAGS)),
            )
    return np.array([_FLAGS[cell] for cell in cells])


def _unit_of_name(name: str) -> str | None:
    """Return the unit at the end of a name; none where a number before it may be a factor."""
    plain = _plain(name)
    for end, unit in _UNITS_IN_NAMES.items():
        if plain.endswith(end):
            return None if plain.removesuffix(end)[-1:].isdigit() else unit
    return None
