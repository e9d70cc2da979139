"""`read_pha`: a spectrum from an OGIP file, with its background and responses."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import AstrokitError, DataWarning, InputError, ReadError
from ..provenance import file_record
from ..untrusted import checked_file
from .companions import Companion, find_companion
from .fits_response import matrix_times, nearest_matrix, read_arf, read_rmf
from .fits_table import OgipTable, open_ogip
from .pha_rows import PhaRow, is_type_two, spectrum_tables
from .response import ARF, RMF, Response
from .spectrum import Spectrum

__all__ = ["read_pha", "read_spectra"]

Source = Any  # path, object, False (do without) or None (what the file names)


@dataclass(frozen=True)
class _Wanted:
    """What the user said of companions."""

    background: Source = None
    rmf: Source = None
    arf: Source = None
    exposure: Any = None


def read_pha(
    path: str | os.PathLike[str],
    *,
    background: Source = None,
    rmf: Source = None,
    arf: Source = None,
    row: int | None = None,
    exposure: Any = None,
) -> Spectrum:
    """Return the spectrum in a PHA file with the background and responses that it names.

    Parameters
    ----------
    path : path-like
    background : path-like, Spectrum, list of either, or False
        By default the file that BACKFILE names; False reads without one.
    rmf : path-like, RMF, Response or False
        By default the file that RESPFILE names; may be an RSP file.
    arf : path-like, ARF or False
        By default the file that ANCRFILE names.
    row : int, optional
        Which spectrum of a type II file, from 1.
    exposure : float or Quantity, optional
        Seconds; instead of EXPOSURE.

    Returns
    -------
    Spectrum
        Groups and quality are those of the file. ``notes`` says what was understood and assumed.

    Raises
    ------
    ReadError
        If the file is no spectrum, holds several and no row is given, or names a file that is not
        there.
    InputError
        If channels of source, background and response do not match, or the exposure is not
        positive.

    Examples
    --------
    ``spec = ak.spectra.read_pha(ak.datasets.fetch("spectra/3c273_chandra/3c273.pi"))``
    """
    path = checked_file(path)
    wanted = _Wanted(background, rmf, arf, exposure)
    with open_ogip(path) as tables:
        rows = _rows(tables, path)
        if row is None and len(rows) > 1:
            raise ReadError(
                f"{path.name} holds {len(rows)} spectra",
                hint="choose one with row= (from 1), or take all with read_spectra",
            )
        number = 1 if row is None else row
        if not 1 <= number <= len(rows):
            raise InputError("there is no such row", value=row, allowed=f"1 to {len(rows)}")
        return _spectrum(rows[number - 1], path, wanted)


def read_spectra(
    path: str | os.PathLike[str],
    *,
    rmf: Source = None,
    arf: Source = None,
    background: Source = None,
) -> list[Spectrum]:
    """Return all spectra of a type II file, such as those of a time series.

    Parameters
    ----------
    path : path-like
    rmf, arf, background
        As in :func:`read_pha`; one for all. Of several matrices in one file each spectrum gets
        that of its time.

    Returns
    -------
    list of Spectrum
        ``meta["row"]`` is the number of the row, ``meta["tstart"]`` and ``meta["tstop"]`` its time.
        Rows without exposure are left out, with a warning that counts them.

    Raises
    ------
    ReadError, InputError
    """
    path = checked_file(path)
    wanted = _Wanted(background, rmf, arf)
    with open_ogip(path) as tables:
        rows = _rows(tables, path)
        exposed = [row for row in rows if row.exposure() > 0]
        if len(exposed) < len(rows):
            warnings.warn(
                f"{path.name}: {len(rows) - len(exposed)} of {len(rows)} spectra have no exposure "
                "and are left out",
                DataWarning,
                stacklevel=2,
            )
        if not exposed:
            raise ReadError(f"{path.name}: no spectrum has an exposure")
        record = file_record(path, rows_read=len(rows))
        shared = _Shared(path.parent, wanted, {})
        return [_assemble(row, record, shared) for row in exposed]


def _rows(tables: list[Any], path: Path) -> list[PhaRow]:
    spectra = spectrum_tables(tables)
    if not spectra:
        raise ReadError(
            f"{path.name} holds no spectrum",
            value=", ".join(t.name for t in tables),
            allowed="a table with COUNTS or RATE per channel",
        )
    table = spectra[0]
    numbers = range(table.n_rows) if is_type_two(table) else [None]
    return [PhaRow(table, number, tables) for number in numbers]


@dataclass(frozen=True)
class _Shared:
    """What spectra of one file have in common: files read once."""

    folder: Path
    wanted: _Wanted
    read: dict[Any, Any]


def _spectrum(row: PhaRow, path: Path, wanted: _Wanted) -> Spectrum:
    record = file_record(path, rows_read=row.table.n_rows)
    return _assemble(row, record, _Shared(path.parent, wanted, {}))


def _assemble(row: PhaRow, record: dict[str, Any], shared: _Shared) -> Spectrum:
    notes: list[str] = []
    response = _response(row, shared, notes)
    backgrounds = _backgrounds(row, shared, notes)
    content = row.content(notes, exposure=shared.wanted.exposure)
    if response is not None:
        content["energy_edges"] = None  # those of the response count
    meta = {**content.pop("meta"), "file": record["file"], "notes": notes}
    inputs: list[Any] = [record, *(response.inputs if response else ())]
    for one in backgrounds:
        inputs += [r for r in one.inputs if r not in inputs]
    spectrum = Spectrum(
        **content, response=response, background=backgrounds, meta=meta, inputs=inputs
    )
    _note_alignment(spectrum, notes)
    return spectrum


def _note_alignment(spectrum: Spectrum, notes: list[str]) -> None:
    others = [("background", b.channel) for b in spectrum.backgrounds]
    if spectrum.response is not None:
        others.append(("response", spectrum.response.channel))
    for what, channel in others:
        if channel.size == spectrum.channel.size and channel[0] != spectrum.channel[0]:
            notes.append(
                f"channels of the {what} begin at {channel[0]}, those of the spectrum at "
                f"{spectrum.channel[0]}: matched by position"
            )
    for reason, n in spectrum.excluded.items():
        notes.append(f"{n} channels left out of groups: {reason}")


# -- companions --------------------------------------------------------------------------------


def _companion(given: Source, named: str, folder: Path, role: str) -> Companion | None:
    if given is False:
        return None
    if given is None:
        return find_companion(named, folder, role)
    return Companion(Path(given))


def _response(row: PhaRow, shared: _Shared, notes: list[str]) -> Response | None:
    if isinstance(shared.wanted.rmf, Response):
        return shared.wanted.rmf
    rmf = shared.wanted.rmf
    if not isinstance(rmf, RMF):
        file = _companion(rmf, row.text("RESPFILE"), shared.folder, "rmf")
        if file is None:
            return None
        rmf = _read_matrix(file, row, shared)
    arf = shared.wanted.arf
    if not isinstance(arf, ARF):
        named = _companion(arf, row.text("ANCRFILE"), shared.folder, "arf")
        arf = None if named is None else _once(shared, read_arf, named.path)
    _note_area(rmf, arf, notes)
    key = ("response", id(rmf), id(arf))
    if key not in shared.read:
        shared.read[key] = Response(rmf, arf)
    return shared.read[key]


def _once(shared: _Shared, read: Any, path: Path, **options: Any) -> Any:
    key = (read.__name__, path, *options.values())
    if key not in shared.read:
        shared.read[key] = read(path, **options)
    return shared.read[key]


def _read_matrix(file: Companion, row: PhaRow, shared: _Shared) -> RMF:
    """Read the one matrix of a file, or that of the row or the time of the spectrum."""
    times = _once(shared, matrix_times, file.path)
    time = row.middle_time()
    number = None
    if len(times) > 1:
        number = file.row if time is None or file.row is not None else nearest_matrix(times, time)
    return _once(shared, read_rmf, file.path, number=number)


def _note_area(rmf: RMF, arf: ARF | None, notes: list[str]) -> None:
    if arf is None and rmf.includes_area is False:
        warnings.warn(
            f"{rmf.name} redistributes photons but holds no area, and there is no ARF: an area of "
            "1 cm2 is assumed, so that normalisations are not photons per cm2",
            DataWarning,
            stacklevel=5,
        )
        notes.append("no ARF: an area of 1 cm2 is assumed")
    if arf is not None and rmf.includes_area:
        notes.append(f"{rmf.name} says that it holds the area; {arf.name} is multiplied as well")


def _backgrounds(row: PhaRow, shared: _Shared, notes: list[str]) -> list[Spectrum]:
    given = shared.wanted.background
    several = given if isinstance(given, list | tuple) else [given]
    found = []
    for one in several:
        if isinstance(one, Spectrum):
            found.append(one)
            continue
        file = _companion(one, row.text("BACKFILE"), shared.folder, "background")
        if file is None:
            continue
        if one is None and file.path.name == row.file and not _marks_background(row):
            notes.append("the file names itself as its background, and holds none: ignored")
            continue
        found.append(_once(shared, _read_background, file.path, row=file.row))
    return found


def _marks_background(row: PhaRow) -> bool:
    """Return whether the file of a source holds a background beside it."""
    spectra = [t for t in spectrum_tables(row.tables) if t is not row.table]
    return any(_is_background(t) for t in spectra)


def _is_background(table: OgipTable) -> bool:
    return str(table.key("HDUCLAS2", default="")).upper() == "BKG"


def _read_background(path: Path, *, row: int | None) -> Spectrum:
    """Read a background; where it stands in the file of the source, its own extension."""
    with open_ogip(path) as tables:
        spectra = spectrum_tables(tables)
        if not spectra:
            raise ReadError(f"the background file {path.name} holds no spectrum")
        marked = [t for t in spectra if _is_background(t)]
        table = (marked or spectra)[0]
        number = None
        if is_type_two(table):
            if row is None and table.n_rows > 1:
                raise ReadError(
                    f"the background file {path.name} holds {table.n_rows} spectra",
                    hint="read the row that is meant with read_pha, and pass it as background=",
                )
            number = (row or 1) - 1
        line = PhaRow(table, number, tables)
        record = file_record(path, rows_read=table.n_rows)
        notes: list[str] = []
        response = None
        try:
            wanted = replace(_Wanted(), background=False)
            response = _response(line, _Shared(path.parent, wanted, {}), notes)
        except AstrokitError as error:
            notes.append(f"the response of the background is not used: {error}")
        content = line.content(notes)
        meta = {**content.pop("meta"), "file": record["file"], "notes": notes}
        inputs = [record, *(response.inputs if response else ())]
        return Spectrum(**content, response=response, meta=meta, inputs=inputs)
