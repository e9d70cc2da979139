"""Data by name: bundled with astrokit, found in a folder of yours, cached, or downloaded.

A name is looked up in four places, in this order: the files that ship with astrokit, the folder
that the environment variable ``ASTROKIT_DATA_DIR`` names, the cache (``ASTROKIT_CACHE_DIR``, or
the system's cache folder), and the pinned address of the registry. Whatever the place, the
SHA-256 checksum must agree, so that a name always means the same bytes.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import DataUnavailableError, InputError, ReadError

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = ["DatasetInfo", "available", "fetch", "find", "info", "names", "used", "verify"]

_PACKAGE = Path(__file__).resolve().parent
# What a report of this process names as its data.
_used: dict[str, None] = {}
_DOWNLOAD_TIMEOUT = 20.0  # seconds without an answer after which a download is given up


@dataclass(frozen=True)
class DatasetInfo:
    """What astrokit knows about one data file.

    Attributes
    ----------
    name, alias : str
        Registered name (for real files their path in the data folder), and a short name or "".
    file : str
        File name, or path relative to the data folder.
    sha256 : str
        Checksum that every copy must have.
    description, reference, licence : str
        What it is, what to cite (bibcode, ``doi:``, ``arXiv:`` or words), and its licence.
    url : str
        Pinned address of the file, "" where it has no public home of its own.
    size : int
        Bytes; 0 for bundled files.
    bundled : bool
        True if it ships with astrokit.
    generator, truth : str
        For simulated bundled files: the script that made them and the true parameters.
    """

    name: str
    file: str
    sha256: str
    description: str
    reference: str
    licence: str
    alias: str = ""
    url: str = ""
    size: int = 0
    bundled: bool = False
    generator: str = ""
    truth: str = ""

    def __str__(self) -> str:
        facts = [
            ("also called", self.alias),
            ("what", self.description),
            ("truth", self.truth),
            ("made by", self.generator),
            ("reference", self.reference),
            ("licence", self.licence),
            ("address", self.url or ("ships with astrokit" if self.bundled else "none")),
            ("sha256", self.sha256),
        ]
        lines = [f"  {label:<12}{text}" for label, text in facts if text]
        return "\n".join([self.name, *lines])


def names() -> list[str]:
    """Return all registered names, bundled ones first.

    Examples
    --------
    >>> import astrokit as ak
    >>> "lightcurves/mrk766_xmm/mrk766.txt" in ak.datasets.names()
    True
    """
    return list(_registry())


def info(name: str) -> DatasetInfo:
    """Return what is known about a data file.

    Parameters
    ----------
    name : str
        Registered name, alias, or a file name that only one registered file has.

    Raises
    ------
    InputError
        If the name is unknown (near matches are listed) or stands for several files.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.datasets.info("mrk766").licence
    'MIT'
    """
    registry = _registry()
    if name in registry:
        return registry[name]
    matches = [d for d in registry.values() if name in (d.alias, d.file.rsplit("/", 1)[-1])]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise InputError(
            "the name stands for several data files",
            value=name,
            allowed=", ".join(d.name for d in matches),
        )
    known = [text for d in registry.values() for text in (d.alias, d.name) if text]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    near += [text for text in known if name.lower() in text.lower() and text not in near][:3]
    raise InputError(
        "no data file of this name is registered",
        value=name,
        hint=f"perhaps you mean {' or '.join(map(repr, near))}"
        if near
        else "see ak.datasets.names()",
    )


def find(name: str) -> Path | None:
    """Return the local file, with its checksum verified, or None; never downloads.

    Parameters
    ----------
    name : str
        As in :func:`info`.

    Raises
    ------
    InputError
        For an unknown name.
    ReadError
        If a file is there whose checksum differs.

    Examples
    --------
    >>> import astrokit as ak
    >>> path = ak.datasets.find("mrk766")
    >>> path is None or path.name == "mrk766.txt"
    True
    """
    dataset = info(name)
    path = _local(dataset)
    if path is not None:
        _used[dataset.name] = None
    return path


def fetch(name: str) -> Path:
    """Return the path of a data file, downloading it into the cache if need be.

    Parameters
    ----------
    name : str
        Registered name, alias, or a file name that only one registered file has.

    Returns
    -------
    pathlib.Path
        A file whose checksum is the registered one.

    Raises
    ------
    InputError
        For an unknown name.
    DataUnavailableError
        If the file is not here and cannot be downloaded.
    ReadError
        If a local file, or the downloaded one, has another checksum.

    Examples
    --------
    ``lc = ak.read_lightcurve(ak.datasets.fetch("mrk766"))``
    """
    dataset = info(name)
    path = _local(dataset) or _download(dataset)
    _used[dataset.name] = None
    return path


def used() -> tuple[str, ...]:
    """Return the names of the files that this process has asked for and got, in that order.

    Examples
    --------
    >>> import astrokit as ak
    >>> path = ak.datasets.fetch("simulated-epoch-01")
    >>> "simulated-epoch-01" in ak.datasets.used()
    True
    """
    return tuple(_used)


def verify(name: str) -> str:
    """Return where the file is ("bundled", "data folder", "cache") or "not here".

    Raises
    ------
    ReadError
        If a file is there whose checksum differs.
    """
    dataset = info(name)
    path = _local(dataset)
    return next((place for place, p in _places(dataset) if p == path), "not here")


def available() -> Table:
    """Return a table of all registered data: name, alias, where it is, size, licence, description.

    ``where`` is one of "bundled", "data folder", "cache", "download" and "unavailable"; the last
    means that the file has no public address and can only come from ``ASTROKIT_DATA_DIR``.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.datasets.available().colnames
    ['name', 'alias', 'where', 'bytes', 'licence', 'description']
    """
    from astropy.table import Table

    columns = ("name", "alias", "where", "bytes", "licence", "description")
    rows = [
        (d.name, d.alias, _whereabouts(d), d.size, d.licence, d.description)
        for d in _registry().values()
    ]
    return Table(rows=rows, names=columns)


def bundled_folder() -> Path:
    """Return the folder of the files that ship: inside the package, or `data` of a checkout."""
    installed = _PACKAGE / "_data"
    return installed if installed.is_dir() else _PACKAGE.parent / "data"


def cache_folder() -> Path:
    """Return the folder of downloaded files: ``ASTROKIT_CACHE_DIR``, or that of the system."""
    if folder := os.environ.get("ASTROKIT_CACHE_DIR"):
        return Path(folder).expanduser()
    return Path(_pooch().os_cache("astrokit"))


def _pooch() -> Any:
    """Return pooch, whose progress bars warn at import where Jupyter has no widgets for them."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pooch
    return pooch


@cache
def _registry() -> dict[str, DatasetInfo]:
    folder = bundled_folder()
    datasets = []
    for row in _read_rows(folder / "bundled.csv"):
        size = (folder / row["file"]).stat().st_size
        datasets.append(DatasetInfo(bundled=True, size=size, **row))
    for row in _read_rows(_PACKAGE / "_registry.csv"):
        size = int(row.pop("bytes"))
        datasets.append(DatasetInfo(file=row["name"], size=size, **row))
    return {dataset.name: dataset for dataset in datasets}


def _read_rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _local(dataset: DatasetInfo) -> Path | None:
    """Return the local file with its checksum verified, or None."""
    for place, path in _places(dataset):
        if path.is_file():
            _check(path, dataset, place)
            return path
    return None


def _places(dataset: DatasetInfo) -> list[tuple[str, Path]]:
    """Return the local places where the file may be, in the order of preference."""
    if dataset.bundled:
        return [("bundled", bundled_folder() / dataset.file)]
    places = []
    if folder := os.environ.get("ASTROKIT_DATA_DIR"):
        places.append(("data folder", Path(folder).expanduser() / dataset.file))
    return [*places, ("cache", cache_folder() / dataset.file)]


def _whereabouts(dataset: DatasetInfo) -> str:
    here = next((place for place, path in _places(dataset) if path.is_file()), None)
    return here or ("download" if dataset.url else "unavailable")


def _check(path: Path, dataset: DatasetInfo, place: str) -> None:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != dataset.sha256:
        raise ReadError(
            f"{dataset.name} in the {place} is not the registered file: its checksum differs",
            value=f"sha256 {digest[:12]}...",
            allowed=f"{dataset.sha256[:12]}...",
            hint=f"remove or replace {path}",
        )


def _download(dataset: DatasetInfo) -> Path:
    if not dataset.url:
        raise DataUnavailableError(
            f"{dataset.name} is not on this computer and has no public address",
            hint="set ASTROKIT_DATA_DIR to a folder that holds it",
        )
    if os.environ.get("ASTROKIT_OFFLINE"):
        raise DataUnavailableError(
            f"{dataset.name} is not on this computer, and ASTROKIT_OFFLINE forbids to download it",
            hint="unset ASTROKIT_OFFLINE, or set ASTROKIT_DATA_DIR to a folder that holds the file",
        )
    pooch = _pooch()
    target = cache_folder() / dataset.file
    try:
        path = pooch.retrieve(
            dataset.url,
            known_hash=f"sha256:{dataset.sha256}",
            fname=target.name,
            path=target.parent,
            downloader=pooch.HTTPDownloader(timeout=_DOWNLOAD_TIMEOUT),
        )
    except ValueError as error:  # what pooch raises for a wrong checksum
        raise ReadError(
            f"{dataset.name} was downloaded, but its checksum differs from the registered one",
            hint=f"try again; if it stays, get the file from {dataset.url} and look at it",
        ) from error
    except OSError as error:  # every network failure of requests is one
        raise DataUnavailableError(
            f"{dataset.name} is not on this computer and could not be downloaded "
            f"({type(error).__name__})",
            hint="go online, or set ASTROKIT_DATA_DIR to a folder that holds the file",
        ) from error
    return Path(path)
