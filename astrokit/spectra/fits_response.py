"""Reading responses: ARF, RMF and RSP files, with their traps.

F_CHAN counts from the TLMIN of its own column, and from 1 where there is none, whatever numbers
EBOUNDS holds: those may be garbage, so its rows are taken in their order. Groups may be scalars,
padded vectors or of variable length; rows may be empty; a file may hold several matrices, each
for a time.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ReadError
from ..provenance import file_record
from ..untrusted import checked_file
from .fits_table import OgipTable, open_ogip, text_of
from .response import ARF, RMF, Response

__all__ = ["read_arf", "read_response", "read_rmf"]

FloatArray = NDArray[np.float64]
_FULL = {"FULL": True, "REDIST": False}  # HDUCLAS3; other words say nothing


def read_arf(path: str | os.PathLike[str]) -> ARF:
    """Return the effective area in an ARF file.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    ARF

    Raises
    ------
    ReadError
        If the file holds none, or several.
    """
    path = checked_file(path)
    with open_ogip(path) as tables:
        found = [t for t in tables if t.has("SPECRESP") and t.has("ENERG_LO")]
        if len(found) != 1:
            raise ReadError(
                f"{path.name} holds {len(found)} effective areas",
                value=", ".join(t.name for t in tables),
                allowed="one table with ENERG_LO, ENERG_HI and SPECRESP",
                hint="read a type II file of a grating order by order" if found else None,
            )
        table = found[0]
        return ARF(
            table.in_unit("ENERG_LO", "keV"),
            table.in_unit("ENERG_HI", "keV"),
            table.in_unit("SPECRESP", "cm2"),
            exposure=table.number("EXPOSURE", "LIVETIME"),
            name=path.name,
            meta=_facts(table),
            inputs=(file_record(path, rows_read=table.n_rows),),
        )


def read_rmf(
    path: str | os.PathLike[str], *, number: int | None = None, time: float | None = None
) -> RMF:
    """Return the matrix in an RMF or RSP file.

    Parameters
    ----------
    path : path-like
    number : int, optional
        Which matrix (EXTVER), where the file holds several.
    time : float, optional
        The matrix whose TSTART to TSTOP holds this time, in the seconds of the file.

    Returns
    -------
    RMF

    Raises
    ------
    ReadError
        If the file holds no matrix, or several and none was chosen, or its groups of channels
        reach outside the channels.
    """
    path = checked_file(path)
    with open_ogip(path) as tables:
        matrices = [t for t in tables if t.has("MATRIX") and t.has("F_CHAN")]
        if not matrices:
            raise ReadError(
                f"{path.name} holds no response matrix",
                value=", ".join(t.name for t in tables),
                allowed="a table with ENERG_LO, N_GRP, F_CHAN, N_CHAN and MATRIX",
            )
        table = _choose(matrices, number, time, path.name)
        bounds = [t for t in tables if t.has("E_MIN") and t.has("E_MAX")]
        if not bounds:
            raise ReadError(f"{path.name} has no EBOUNDS: the energies of its channels are missing")
        low, high = bounds[0].in_unit("E_MIN", "keV"), bounds[0].in_unit("E_MAX", "keV")
        first = int(table.key(f"TLMIN{table.position('F_CHAN')}", default=1))
        matrix = _matrix(table, low.size, first)
        return RMF(
            table.in_unit("ENERG_LO", "keV"),
            table.in_unit("ENERG_HI", "keV"),
            matrix,
            low,
            high,
            first_channel=first,
            includes_area=_includes_area(table),
            name=path.name,
            meta=_facts(table),
            inputs=(file_record(path, rows_read=table.n_rows, extension=table.name),),
        )


def read_response(
    rmf: str | os.PathLike[str],
    arf: str | os.PathLike[str] | None = None,
    *,
    number: int | None = None,
    time: float | None = None,
) -> Response:
    """Return the response in an RMF with its ARF, or in an RSP file.

    Parameters
    ----------
    rmf, arf : path-like
    number, time
        As in :func:`read_rmf`.

    Raises
    ------
    ReadError, InputError
    """
    return Response(read_rmf(rmf, number=number, time=time), None if arf is None else read_arf(arf))


def _facts(table: OgipTable) -> dict[str, Any]:
    keys = ("TELESCOP", "INSTRUME", "FILTER", "CHANTYPE", "TSTART", "TSTOP")
    return {key.lower(): table.key(key) for key in keys if table.key(key) is not None}


def _includes_area(table: OgipTable) -> bool | None:
    known = _FULL.get(text_of(table.key("HDUCLAS3")).upper())
    unit = text_of(table.hdu.columns[table.position("MATRIX") - 1].unit).replace("**", "")
    return True if unit.lower() in ("cm2", "cm^2") else known


def _choose(
    matrices: list[OgipTable], number: int | None, time: float | None, file: str
) -> OgipTable:
    if number is not None:
        chosen = [t for t in matrices if t.key("EXTVER", default=1) == number]
    elif time is not None and len(matrices) > 1:
        chosen = [t for t in matrices if _start(t) <= time < (t.number("TSTOP") or np.inf)]
    else:
        chosen = matrices
    if len(chosen) == 1:
        return chosen[0]
    spans = "; ".join(
        f"{t.key('EXTVER', default=1)}: {t.key('TSTART')} to {t.key('TSTOP')}" for t in matrices
    )
    what = f"number {number}" if number is not None else f"time {time}"
    raise ReadError(
        f"{file} holds {len(matrices)} matrices"
        + ("" if number is time is None else f", {len(chosen)} of them for {what}"),
        value=spans,
        hint="choose one with number= or time=",
    )


def _start(table: OgipTable) -> float:
    start = table.number("TSTART")
    return -np.inf if start is None else start


# -- the matrix --------------------------------------------------------------------------------


def _matrix(table: OgipTable, n_channels: int, first: int) -> Any:
    """Return the sparse matrix ``(n_channels, n_energies)``."""
    from scipy.sparse import csr_array

    n_groups = table.column("N_GRP").astype(np.int64)
    f_chan, n_chan = table.column("F_CHAN"), table.column("N_CHAN")
    cells = table.column("MATRIX")
    rows, columns, values = [], [], []
    for k in np.flatnonzero(n_groups > 0):
        begins = np.atleast_1d(f_chan[k])[: n_groups[k]].astype(np.int64) - first
        lengths = np.atleast_1d(n_chan[k])[: n_groups[k]].astype(np.int64)
        held = np.atleast_1d(cells[k])
        total = int(lengths.sum())
        # Padding of empty groups may point anywhere.
        begins, lengths = begins[lengths > 0], lengths[lengths > 0]
        if total > held.size:
            raise ReadError(
                f"{table.file}: row {k} of the matrix is too short for its groups of channels",
                value=f"{held.size} values for {total} channels",
                hint="the file is damaged: get it again",
            )
        if begins.size == 0:
            continue
        _require_inside(table, int(k), begins, lengths, (first, n_channels))
        runs = zip(begins, lengths, strict=True)
        channels = np.concatenate([np.arange(b, b + n) for b, n in runs])
        rows.append(channels)
        columns.append(np.full(total, k))
        values.append(held[:total].astype(np.float64))
    if not rows:
        raise ReadError(f"{table.file}: every row of the matrix is empty")
    place = (np.concatenate(rows), np.concatenate(columns))
    return csr_array((np.concatenate(values), place), shape=(n_channels, n_groups.size))


def _require_inside(
    table: OgipTable, row: int, begins: Any, lengths: Any, channels: tuple[int, int]
) -> None:
    first, n = channels
    if begins.min() < 0 or int((begins + lengths).max()) > n:
        raise ReadError(
            f"{table.file}: row {row} of the matrix reaches outside the channels",
            value=f"channels {begins.min() + first} to {int((begins + lengths).max()) + first - 1}",
            allowed=f"{first} to {first + n - 1}",
            hint="the TLMIN of the column F_CHAN is wrong or missing: correct it in the file",
        )


def matrix_times(path: str | os.PathLike[str]) -> list[tuple[float, float, int]]:
    """Return start, stop (seconds of the file) and number (EXTVER) of each matrix in a file."""
    with open_ogip(Path(path)) as tables:
        matrices = [t for t in tables if t.has("MATRIX") and t.has("F_CHAN")]
        stops = [t.number("TSTOP", default=np.inf) or np.inf for t in matrices]
        numbers = [int(t.key("EXTVER", default=1)) for t in matrices]
        return list(zip([_start(t) for t in matrices], stops, numbers, strict=True))


def nearest_matrix(times: list[tuple[float, float, int]], time: float) -> int:
    """Return the number of the matrix whose interval holds a time, or lies nearest to it.

    The later one where two are equally near.

    Examples
    --------
    >>> from astrokit.spectra.fits_response import nearest_matrix
    >>> nearest_matrix([(0.0, 10.0, 1), (10.0, 20.0, 2)], 25.0)
    2
    """
    away = [(max(a - time, 0.0) + max(time - b, 0.0), -a, number) for a, b, number in times]
    return min(away)[-1]
