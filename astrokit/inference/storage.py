"""Save results to HDF5 and read them back: arrays as datasets, the rest as JSON, no pickle."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..atomic import written_whole
from ..errors import InputError, ReadError, WriteError
from ..untrusted import checked_file

__all__ = ["StoredChain", "load", "save"]

FloatArray = NDArray[np.float64]

FORMAT = 1
# A closed list: a file names what it holds, and never code to import.
_KINDS = {"Fit": "fit_result", "Posterior": "posterior"}
_LAZY_BYTES = 1 << 28  # a longer chain stays on disk after load


def save(result: Any, path: str | os.PathLike[str]) -> None:
    """Write a Fit or Posterior to an HDF5 file.

    The file appears whole or not at all; one of that name is replaced.

    Parameters
    ----------
    result : Fit or Posterior
        Gives its content by ``to_record()``: JSON types, and arrays by name.
    path : path-like

    Raises
    ------
    InputError
        For anything else, or a directory that does not exist.
    WriteError
        When the disk has no room, or the folder may not be written to.
    """
    import h5py

    kind = type(result).__name__
    if kind not in _KINDS:
        raise InputError("this cannot be saved here", value=kind, allowed=", ".join(_KINDS))
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(
            "the directory does not exist", value=path.parent.name, hint="make it first"
        )
    record, arrays = result.to_record()
    size = sum(8 * math.prod(array.shape) for array in arrays.values())
    with written_whole(path) as temporary:
        if size <= _LAZY_BYTES:
            temporary.write_bytes(_in_memory(kind, record, arrays))
        else:
            _require_room(path.parent, size)
            with h5py.File(temporary, "w") as file:
                _fill(file, kind, record, arrays)


def _in_memory(kind: str, record: Mapping[str, Any], arrays: Mapping[str, Any]) -> bytes:
    """Return the content of the file: HDF5 ends the process where a disk is full."""
    import h5py

    with h5py.File("result", "w", driver="core", backing_store=False) as file:
        _fill(file, kind, record, arrays)
        file.flush()
        image: bytes = file.id.get_file_image()
        return image


def _fill(file: Any, kind: str, record: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    file.attrs["astrokit_format"] = FORMAT
    file.attrs["kind"] = kind
    file["record"] = json.dumps(_encoded(record), allow_nan=False)
    for name, array in arrays.items():
        _write_array(file, f"arrays/{name}", array)


def _require_room(folder: Path, size: int) -> None:
    import shutil

    free = shutil.disk_usage(folder).free
    if free < 1.1 * size:
        raise WriteError(
            "the disk has no room for the result",
            value=f"{free} bytes free",
            allowed=f">= {int(1.1 * size)} bytes",
        )


def load(path: str | os.PathLike[str]) -> Any:
    """Return the Fit or Posterior stored in a file by ``save``.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Fit or Posterior
        A Posterior with a chain of more than 256 MB goes on reading from the file.

    Raises
    ------
    ReadError
        When the file does not exist, or is not one that astrokit wrote.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from astrokit.inference import Parameter, Parameters, PoissonProblem, Uniform, load
    >>> rate = Parameters([Parameter("rate", 1.0, Uniform(0, 100))])
    >>> fit = PoissonProblem([0, 1], [26, 24], lambda x, rate: rate, rate).fit()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fit.save(pathlib.Path(folder) / "fit.h5")
    ...     load(pathlib.Path(folder) / "fit.h5") == fit
    True
    """
    import h5py

    path = checked_file(path)
    try:
        with h5py.File(path, "r") as file:
            kind, version = str(file.attrs["kind"]), int(file.attrs["astrokit_format"])
            if version > FORMAT or kind not in _KINDS:
                raise ReadError(
                    "this file was written by a newer astrokit",
                    value=f"{kind}, {version}",
                    hint="update astrokit",
                )
            size = path.stat().st_size
            record = _decoded(json.loads(_own_data(file, "record", size).asstr()[()]))
            group = _own(file, "arrays")
            arrays = {name: _read_array(path, _own_data(group, name, size)) for name in group}
        cls = getattr(import_module(f".{_KINDS[kind]}", __package__), kind)
        return cls.from_record(record, arrays)
    except ReadError as error:
        raise ReadError(
            f"{path.name}: {error.problem}",
            value=error.value,
            allowed=error.allowed,
            hint=error.hint,
        ) from error
    except Exception as error:  # the content may be anything, and so may what it provokes
        raise ReadError(
            "this is not a result that astrokit saved",
            value=f"{path.name}: {error}",
            hint="give a file written by save() of a Fit or Posterior",
        ) from error


class StoredChain:
    """A chain in a saved file, read in parts when asked.

    Parameters
    ----------
    path : Path
    shape : tuple
        ``(ensembles, rows, walkers, d + 1)``.
    """

    def __init__(self, path: Path, name: str, shape: tuple[int, ...]) -> None:
        self._path = path
        self._name = name
        self._shape = shape

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """``(ensembles, rows, walkers, d + 1)``."""
        n, rows, walkers, width = self._shape
        return n, rows, walkers, width

    def read(
        self, ensemble: int, start: int = 0, stop: int | None = None, step: int = 1
    ) -> FloatArray:
        """Return records ``(n, W, d + 1)`` of a strided range of rows."""
        import h5py

        with h5py.File(self._path, "r") as file:
            return np.asarray(file[self._name][ensemble, start:stop:step])


def as_json(record: Mapping[str, Any]) -> str:
    """Return a record as text to compare: equal records give equal texts, NaN included."""
    return json.dumps(_encoded(record), sort_keys=True, allow_nan=False)


def _write_array(file: Any, name: str, array: Any) -> None:
    """Write an array, or a chain piece by piece."""
    if isinstance(array, np.ndarray):
        file[name] = array
        return
    rows = max(1, min(array.shape[1], (1 << 20) // (8 * array.shape[2] * array.shape[3])))
    data = file.create_dataset(name, array.shape, "<f8", chunks=(1, rows, *array.shape[2:]))
    for ensemble in range(array.shape[0]):
        at = 0
        for piece in array.pieces(ensemble):
            data[ensemble, at : at + len(piece)] = piece
            at += len(piece)


def _own(group: Any, name: str) -> Any:
    """Return a member that lies in this very file: links could lead to any file, or in circles."""
    import h5py

    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ReadError("the file links to something outside of it", value=name)
    return group[name]


def _own_data(group: Any, name: str, size: int) -> Any:
    """Return a dataset whose bytes are in this file, as many as it promises."""
    data = _own(group, name)
    if data.is_virtual or data.external or data.compression or data.nbytes > size:
        raise ReadError(
            "the file promises more data than it holds",
            value=f"{name}: {data.nbytes} bytes in a file of {size}",
            hint="astrokit stores arrays without compression: this file was made otherwise",
        )
    return data


def _read_array(path: Path, data: Any) -> Any:
    if data.ndim == 4 and data.nbytes > _LAZY_BYTES:
        return StoredChain(path.absolute(), data.name, data.shape)
    return data[()]


def _encoded(value: Any) -> Any:
    """Return JSON types in which NaN and infinity, which JSON lacks, are named."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if isinstance(value, Mapping):
        return {key: _encoded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encoded(item) for item in value]
    return value


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"float"} and isinstance(value["float"], str):
            return float(value["float"])
        return {key: _decoded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    return value
