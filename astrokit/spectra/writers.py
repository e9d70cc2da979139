"""Writing OGIP files: PHA with its background, RMF and ARF, as :func:`read_pha` reads them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..atomic import written_whole
from ..errors import InputError

if TYPE_CHECKING:
    from .response import ARF, RMF
    from .spectrum import Spectrum

__all__ = ["write_arf", "write_pha", "write_rmf"]

_KEPT = ("object", "telescop", "instrume", "filter", "chantype", "date-obs", "ra_obj", "dec_obj")
_TIMES = ("tstart", "tstop")


def write_pha(
    spectrum: Spectrum, path: str | os.PathLike[str], *, overwrite: bool = False
) -> list[Path]:
    """Write a spectrum as OGIP files that read back as they were.

    Beside ``name.pha`` this writes ``name_bkg.pha``, ``name.rmf`` and ``name.arf`` where the
    spectrum has them. Groups and quality are written, the selection of a band is not: a file has
    no place for it.

    Parameters
    ----------
    spectrum : Spectrum
    path : path-like
    overwrite : bool

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    InputError
        If a file exists and `overwrite` is False, or there are several backgrounds.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import astrokit as ak
    >>> detector = ak.spectra.Response.ideal(np.array([1.0, 2.0, 4.0]), area=10.0)
    >>> spec = ak.spectra.Spectrum([7, 5], exposure=100.0, response=detector)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = ak.spectra.write_pha(spec, Path(folder) / "a.pha")
    ...     again = ak.spectra.read_pha(written[0])
    >>> [path.name for path in written], again.counts
    (['a.pha', 'a.rmf', 'a.arf'], array([7., 5.]))
    """
    path = Path(path)
    stem = path.name.removesuffix(".gz").rsplit(".", 1)[0]
    if len(spectrum.backgrounds) > 1:
        raise InputError(
            "an OGIP file names one background",
            value=f"{len(spectrum.backgrounds)} backgrounds",
            hint="write them one by one: spec.backgrounds[1].write(...)",
        )
    names = {"BACKFILE": "none", "RESPFILE": "none", "ANCRFILE": "none"}
    jobs: list[tuple[Path, Any]] = []
    if spectrum.backgrounds:
        names["BACKFILE"] = f"{stem}_bkg.pha"
        background = spectrum.backgrounds[0].with_response(None)
        jobs.append((path.with_name(names["BACKFILE"]), _pha(background, {})))
    if spectrum.response is not None:
        names["RESPFILE"] = f"{stem}.rmf"
        jobs.append((path.with_name(names["RESPFILE"]), _rmf(spectrum.response.rmf)))
        if spectrum.response.arf is not None:
            names["ANCRFILE"] = f"{stem}.arf"
            jobs.append((path.with_name(names["ANCRFILE"]), _arf(spectrum.response.arf)))
    jobs.insert(0, (path, _pha(spectrum, names)))
    if not overwrite:
        _refuse_existing([p for p, _ in jobs])
    for place, hdus in jobs:
        with written_whole(place) as temporary:
            hdus.writeto(temporary)
    return [place for place, _ in jobs]


def write_rmf(rmf: RMF, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write a matrix as an OGIP file.

    Raises
    ------
    InputError
        If the file exists and `overwrite` is False.
    """
    return _write(_rmf(rmf), Path(path), overwrite)


def write_arf(arf: ARF, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write an effective area as an OGIP file.

    Raises
    ------
    InputError
        If the file exists and `overwrite` is False.
    """
    return _write(_arf(arf), Path(path), overwrite)


def _write(hdus: Any, path: Path, overwrite: bool) -> Path:
    if not overwrite:
        _refuse_existing([path])
    with written_whole(path) as temporary:
        hdus.writeto(temporary)
    return path


def _refuse_existing(paths: list[Path]) -> None:
    there = [p.name for p in paths if p.exists()]
    if there:
        raise InputError(
            "these files exist", value=", ".join(there), hint="pass overwrite=True to replace them"
        )


# -- tables ------------------------------------------------------------------------------------


def _table(name: str, columns: dict[str, tuple[Any, str, str]], header: dict[str, Any]) -> Any:
    from astropy.io import fits

    made = [
        fits.Column(column, form, unit=unit or None, array=array)
        for column, (array, form, unit) in columns.items()
    ]
    table = fits.BinTableHDU.from_columns(made, name=name)
    table.header["HDUCLASS"] = "OGIP"
    for key, value in header.items():
        table.header[key] = value
    return table


def _file(*tables: Any) -> Any:
    from astropy.io import fits

    return fits.HDUList([fits.PrimaryHDU(), *tables])


def _whole(x: NDArray[np.float64]) -> bool:
    return bool(np.array_equal(x, np.rint(x)) and np.all(np.abs(x) < 2**31))


def _pha(spectrum: Spectrum, names: dict[str, str]) -> Any:
    columns: dict[str, tuple[Any, str, str]] = {"CHANNEL": (spectrum.channel, "J", "")}
    header: dict[str, Any] = {
        "HDUCLAS1": "SPECTRUM",
        "HDUCLAS2": "NET" if spectrum.meta.get("is_net") else "TOTAL" if names else "BKG",
        "HDUCLAS3": "RATE" if spectrum.is_rate else "COUNT",
        "HDUCLAS4": "TYPE:I",
        "HDUVERS": "1.2.1",
        "TLMIN1": int(spectrum.channel[0]),
        "TLMAX1": int(spectrum.channel[-1]),
        "DETCHANS": spectrum.channel.size
        if spectrum.response is None
        else spectrum.response.n_channels,
        "EXPOSURE": spectrum.exposure,
        "CORRFILE": "none",
        "CORRSCAL": 0.0,
        "POISSERR": spectrum.is_poisson and spectrum.errors is None,
        "BACKFILE": names.get("BACKFILE", "none"),
        "RESPFILE": names.get("RESPFILE", "none"),
        "ANCRFILE": names.get("ANCRFILE", "none"),
    }
    if spectrum.is_rate:
        columns["RATE"] = (spectrum.values, "D", "count/s")
    else:
        columns["COUNTS"] = (spectrum.values, "J" if _whole(spectrum.values) else "D", "count")
    if spectrum.errors is not None:
        columns["STAT_ERR"] = (spectrum.errors, "D", "count/s" if spectrum.is_rate else "count")
    for name, flags in (("QUALITY", spectrum.quality), ("GROUPING", spectrum.grouping)):
        columns[name] = (flags, "I", "")
    scales = {"AREASCAL": spectrum.areascal, "BACKSCAL": spectrum.backscal}
    for name, values in {**scales, "SYS_ERR": spectrum.systematic}.items():
        if np.ptp(values) == 0 and (values[0] > 0 or name == "SYS_ERR"):
            header[name] = float(values[0])
        else:
            columns[name] = (values, "D", "")
    tables = [_table("SPECTRUM", columns, {**header, **_facts(spectrum.meta, _KEPT + _TIMES)})]
    if spectrum.response is None and spectrum.channel_energies is not None:
        low, high = spectrum.channel_energies
        tables.append(_bounds(spectrum.channel, low, high))
    return _file(*tables)


def _bounds(channel: Any, low: Any, high: Any) -> Any:
    columns = {
        "CHANNEL": (channel, "J", ""),
        "E_MIN": (low, "D", "keV"),
        "E_MAX": (high, "D", "keV"),
    }
    header = {"HDUCLAS1": "RESPONSE", "HDUCLAS2": "EBOUNDS", "HDUVERS": "1.2.0"}
    numbers = {"TLMIN1": int(channel[0]), "DETCHANS": len(channel), "CHANTYPE": "PI"}
    return _table("EBOUNDS", columns, {**header, **numbers})


def _facts(meta: Any, keys: tuple[str, ...] = _KEPT) -> dict[str, Any]:
    return {key.upper(): meta[key] for key in keys if meta.get(key) is not None}


def _arf(arf: ARF) -> Any:
    columns = {
        "ENERG_LO": (arf.energy_lo, "D", "keV"),
        "ENERG_HI": (arf.energy_hi, "D", "keV"),
        "SPECRESP": (arf.area, "D", "cm2"),
    }
    header = {"HDUCLAS1": "RESPONSE", "HDUCLAS2": "SPECRESP", "HDUVERS": "1.1.0"}
    if arf.exposure is not None:
        header["EXPOSURE"] = arf.exposure  # type: ignore[assignment]
    return _file(_table("SPECRESP", columns, {**header, **_facts(arf.meta)}))


def _rmf(rmf: RMF) -> Any:
    groups = [_groups(rows, values, rmf.first_channel) for rows, values in _columns(rmf)]
    cells = {name: np.empty(len(groups), dtype=object) for name in ("F_CHAN", "N_CHAN", "MATRIX")}
    for k, (first, count, values) in enumerate(groups):
        cells["F_CHAN"][k], cells["N_CHAN"][k], cells["MATRIX"][k] = first, count, values
    area = rmf.includes_area
    columns: dict[str, tuple[Any, str, str]] = {
        "ENERG_LO": (rmf.energy_lo, "D", "keV"),
        "ENERG_HI": (rmf.energy_hi, "D", "keV"),
        "N_GRP": (np.array([g[0].size for g in groups]), "I", ""),
        "F_CHAN": (cells["F_CHAN"], "PJ()", ""),
        "N_CHAN": (cells["N_CHAN"], "PJ()", ""),
        "MATRIX": (cells["MATRIX"], "PD()", "cm2" if area else ""),
    }
    channel = rmf.first_channel + np.arange(rmf.n_channels)
    header = {
        "HDUCLAS1": "RESPONSE",
        "HDUCLAS2": "RSP_MATRIX",
        "HDUVERS": "1.3.0",
        "CHANTYPE": "PI",
        "DETCHANS": rmf.n_channels,
        "TLMIN4": rmf.first_channel,
        "TLMAX4": int(channel[-1]),
        "NUMGRP": int(columns["N_GRP"][0].sum()),
        "NUMELT": int(sum(g[2].size for g in groups)),
        "LO_THRES": 0.0,
    }
    if area is not None:
        header["HDUCLAS3"] = "FULL" if area else "REDIST"
    table = _table("SPECRESP MATRIX" if area else "MATRIX", columns, {**header, **_facts(rmf.meta)})
    return _file(table, _bounds(channel, rmf.channel_lo, rmf.channel_hi))


def _columns(rmf: RMF) -> Any:
    """Yield channels (from 0) and values of each energy."""
    csc = rmf.matrix.tocsc()
    csc.sort_indices()
    for k in range(rmf.energy_lo.size):
        part = slice(csc.indptr[k], csc.indptr[k + 1])
        yield csc.indices[part], csc.data[part]


def _groups(rows: Any, values: Any, first: int) -> tuple[Any, Any, Any]:
    """Return first channels and lengths of runs of neighbouring channels, and the values."""
    begins = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
    lengths = np.diff(begins, append=rows.size)
    start = (rows[begins] + first).astype(np.int32)
    return start, lengths.astype(np.int32), values.astype(np.float64)
