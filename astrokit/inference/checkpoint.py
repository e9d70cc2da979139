"""A chain on disk that survives a kill at any moment, and refuses to continue another run."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CheckpointError
from .chain import READ_BYTES, EnsembleState

__all__ = ["FORMAT", "Checkpoint", "open_checkpoint", "stored_fingerprint"]

FloatArray = NDArray[np.float64]

FORMAT = 1
_SEEK_BYTES = 1 << 16  # a stride beyond this is read record by record


@dataclass(frozen=True)
class _End:
    """Where the chain of an ensemble ends: rows, their checksum, the state after them."""

    rows: int = 0
    checksum: int = 0
    state: EnsembleState | None = None


class Checkpoint:
    """Chain of several ensembles in a directory; bit-exact after a kill at any moment.

    Records are appended to one file per ensemble. :meth:`commit` makes them safe, then replaces
    ``state.json`` by a rename: it names how many records count, their checksum, and the state
    after them. What lies beyond was lost by a kill; it is cut off and computed again.

    Parameters
    ----------
    path : Path
    ensembles, walkers, dimension : int
    """

    def __init__(self, path: Path, ensembles: int, walkers: int, dimension: int) -> None:
        self._path = path
        self._record = (walkers, dimension + 1)
        self._bytes = 8 * walkers * (dimension + 1)
        self._ends = [_End()] * ensembles

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """``(ensembles, rows, walkers, d + 1)``."""
        return (len(self._ends), min(end.rows for end in self._ends), *self._record)

    @property
    def states(self) -> list[EnsembleState | None]:
        """The state of each ensemble after its last row; None before the start."""
        return [end.state for end in self._ends]

    def rows(self, ensemble: int) -> int:
        """Return how many rows this ensemble has."""
        return self._ends[ensemble].rows

    def append(self, ensemble: int, records: FloatArray, state: EnsembleState) -> None:
        """Add records ``(n, W, d + 1)`` and the state after them; they count after `commit`."""
        data = np.ascontiguousarray(records, dtype="<f8")
        with self._file(ensemble).open("ab") as stream:
            stream.write(data.data)
        last = self._ends[ensemble]
        checksum = zlib.crc32(data.data, last.checksum)
        # One assignment: Ctrl-C falls before or after it, never between rows and checksum.
        self._ends[ensemble] = _End(last.rows + len(records), checksum, state)

    def commit(self) -> None:
        """Make everything appended so far survive a kill or a power cut."""
        if any(state is None for state in self.states):
            return
        for ensemble in range(len(self._ends)):
            with self._file(ensemble).open("ab") as stream:
                os.fsync(stream.fileno())
        ensembles = [
            {"rows": end.rows, "crc32": end.checksum, **end.state.as_dict()}
            for end in self._ends
            if end.state is not None
        ]
        body = json.dumps(ensembles)
        _replace(self._path / "state.json", {"crc32": zlib.crc32(body.encode()), "ensembles": body})

    def restore(self) -> None:
        """Take up the last committed state, or an empty one.

        Raises
        ------
        CheckpointError
            When files are damaged or shorter than what was committed.
        """
        for ensemble, record in enumerate(self._committed()):
            checksum = self._verified(ensemble, record)
            state = EnsembleState.from_dict(record)
            self._ends[ensemble] = _End(int(record["rows"]), checksum, state)
        for ensemble, end in enumerate(self._ends):
            with self._file(ensemble).open("ab") as stream:
                stream.truncate(end.rows * self._bytes)

    def read(
        self, ensemble: int, start: int = 0, stop: int | None = None, step: int = 1
    ) -> FloatArray:
        """Return records ``(n, W, d + 1)`` of a strided range of rows, read in bounded memory."""
        stop = self._ends[ensemble].rows if stop is None else min(stop, self._ends[ensemble].rows)
        wanted = range(start, stop, step)
        result = np.empty((len(wanted), *self._record))
        size = self._bytes // 8
        at_once = (
            1 if step * self._bytes > _SEEK_BYTES else max(1, READ_BYTES // (step * self._bytes))
        )
        try:
            with self._file(ensemble).open("rb") as stream:
                for i in range(0, len(wanted), at_once):
                    rows = wanted[i : i + at_once]
                    stream.seek(rows[0] * self._bytes)
                    span = rows[-1] - rows[0] + 1
                    flat = np.fromfile(stream, "<f8", span * size)
                    result[i : i + len(rows)] = flat.reshape(span, *self._record)[::step]
        except (OSError, ValueError) as error:
            raise CheckpointError(
                "the chain file of a checkpoint cannot be read",
                value=f"{self._file(ensemble).name}: {error}",
                hint="keep the directory as long as its posterior is in use, or save the posterior",
            ) from error
        return result

    # -- inner parts -------------------------------------------------------------------------

    def _file(self, ensemble: int) -> Path:
        return self._path / f"ensemble-{ensemble}.chain"

    def _committed(self) -> list[dict[str, Any]]:
        file = self._path / "state.json"
        if not file.exists():
            return []
        try:
            outer = json.loads(file.read_text())
            if zlib.crc32(outer["ensembles"].encode()) != outer["crc32"]:
                raise ValueError("its checksum does not match")
            records = json.loads(outer["ensembles"])
            if len(records) != len(self._ends):
                raise ValueError(f"it holds {len(records)} ensembles")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _damaged(file, str(error)) from error
        return list(records)

    def _verified(self, ensemble: int, record: Mapping[str, Any]) -> int:
        """Return the checksum of the committed part of a chain file, or raise."""
        file = self._file(ensemble)
        left = int(record["rows"]) * self._bytes
        if not file.exists() or file.stat().st_size < left:
            raise _damaged(file, "it is missing or shorter than what was committed")
        checksum = 0
        with file.open("rb") as stream:
            while left:
                block = stream.read(min(left, READ_BYTES))
                checksum = zlib.crc32(block, checksum)
                left -= len(block)
        if checksum != record["crc32"]:
            raise _damaged(file, "its checksum does not match")
        return checksum


@contextmanager
def open_checkpoint(
    path: Path, fingerprint: Mapping[str, Any], shape: Sequence[int]
) -> Iterator[Checkpoint]:
    """Open or create the checkpoint of a run; refuse one of another run, or one in use.

    Parameters
    ----------
    path : Path
        A directory (to be).
    fingerprint : mapping
        JSON types that must be the same for a run to go on; see :func:`stored_fingerprint`.
    shape : sequence of int
        ensembles, walkers, dimension.

    Raises
    ------
    CheckpointError
        Says what differs, what is damaged, or that another process writes there.
    """
    if path.exists() and not path.is_dir():
        raise CheckpointError(
            "a checkpoint is a directory, but this is a file",
            value=path.name,
            hint="choose another name",
        )
    stored = stored_fingerprint(path)
    if stored is None and path.is_dir() and any(p.name != "lock" for p in path.iterdir()):
        raise CheckpointError(
            "this directory is not empty and holds no checkpoint",
            value=path.name,
            hint="choose a new name",
        )
    path.mkdir(parents=True, exist_ok=True)
    with _locked(path):
        if stored is None:
            _replace(path / "run.json", dict(fingerprint))
        else:
            _require_same(stored, fingerprint)
        checkpoint = Checkpoint(path, *shape)
        checkpoint.restore()
        yield checkpoint


def stored_fingerprint(path: Path) -> dict[str, Any] | None:
    """Return the fingerprint kept in a checkpoint, None where there is none yet."""
    file = path / "run.json"
    if not file.exists():
        return None
    try:
        record = json.loads(file.read_text())
        if not isinstance(record, dict):
            raise ValueError("it is not a record")
    except ValueError as error:
        raise _damaged(file, str(error)) from error
    return record


_IN_WORDS = {
    "data_checksum": "the data",
    "model_checksum": "the model (its function, settings, priors, fixed or tied parameters)",
}


def _require_same(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    wanted = json.loads(json.dumps(wanted))  # tuples become lists, as in the file
    keys = [key for key in {**stored, **wanted} if stored.get(key) != wanted.get(key)]
    if not keys:
        return
    named = ", ".join(_IN_WORDS.get(key, key) for key in keys)
    facts = [
        f"{key}: stored {stored.get(key)}, now {wanted.get(key)}"
        for key in keys
        if key not in _IN_WORDS  # checksums tell a reader nothing
    ]
    raise CheckpointError(
        f"this checkpoint belongs to another run: what differs is {named}",
        value="; ".join(facts) or None,
        hint="repeat the call of the first run, or give a new checkpoint path",
    )


def _damaged(file: Path, why: str) -> CheckpointError:
    return CheckpointError(
        "the checkpoint is damaged",
        value=f"{file.name}: {why}",
        hint="remove the directory and start anew, or restore it from a copy",
    )


def _replace(file: Path, record: Mapping[str, Any]) -> None:
    """Write JSON so that the file is either the old or the new one, whatever happens."""
    temporary = file.with_suffix(".tmp")
    with temporary.open("w") as stream:
        json.dump(record, stream)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
    if hasattr(os, "O_DIRECTORY"):  # the rename itself must reach the disk too (POSIX)
        directory = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep a second process out; the system releases the lock of a killed one."""
    try:
        import fcntl
    except ImportError:  # no such lock on this system
        yield
        return
    with (path / "lock").open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CheckpointError(
                "another process is writing this checkpoint",
                value=path.name,
                hint="wait for it, or give a new path",
            ) from error
        yield
