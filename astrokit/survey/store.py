"""The folder of a survey: parts that are written once, and a manifest that counts them.

Every file appears whole or not at all: it is written beside, brought to the disk and renamed. Only
parts that the manifest names count, so that a run may end at any moment.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from ..errors import AstrokitError, CheckpointError, InputError, MissingDependencyError
from .compute import Outcome
from .parts import FORMATS, PARTS

__all__ = ["Store", "whole_file", "write_whole", "writing"]

FORMAT = 1
MANIFEST = "survey.json"
_LOCK = ".lock"
_PART = {"file": str, "rows": int, "sha256": str}


class Store:
    """The output folder of one survey.

    Parameters
    ----------
    folder : Path
    format : {"ecsv", "parquet"}
    """

    def __init__(self, folder: Path, format: str = "ecsv") -> None:
        if format not in FORMATS:
            raise InputError("the format is unknown", value=format, allowed=", ".join(FORMATS))
        self.folder = folder
        self.format = format
        self.manifest: dict[str, Any] = {}
        self._lock: IO[str] | None = None

    # -- begin and end -------------------------------------------------------------------------

    def open(self) -> None:
        """Make the folder, and take it for this run alone.

        Raises
        ------
        InputError
            If it cannot be made or written.
        CheckpointError
            If another run writes into it.
        """
        if self.format == "parquet":
            _require_pyarrow()
        try:
            (self.folder / "parts").mkdir(parents=True, exist_ok=True)
            self._lock = (self.folder / _LOCK).open("w")
            write_whole(self.folder / ".probe", b"astrokit")
            (self.folder / ".probe").unlink()
        except OSError as error:
            raise InputError(
                "the output folder cannot be written",
                value=f"{self.folder.name}: {error.strerror or error}",
                hint="choose another folder, or make room",
            ) from error
        if not _take(self._lock):
            self._lock.close()
            self._lock = None
            raise CheckpointError(
                "another run writes into this folder",
                value=self.folder.name,
                hint="wait for it, or choose another folder",
            )

    def close(self) -> None:
        """Let the folder go; the operating system does so too when a run is killed."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def exists(self) -> bool:
        """Whether a survey is in the folder."""
        return (self.folder / MANIFEST).is_file()

    def begin(self, identity: dict[str, Any], total: int) -> None:
        """Start anew, in an empty folder."""
        self.manifest = {
            "astrokit_survey": FORMAT,
            "format": self.format,
            "identity": identity,
            "targets": total,
            "parts": [],
            "history": [],
            "finished": False,
        }
        self._save()

    def load(self) -> None:
        """Read the manifest of a survey that is here.

        Raises
        ------
        CheckpointError
            If it is damaged, or of a newer astrokit.
        """
        try:
            found = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
            version, format = int(found["astrokit_survey"]), found["format"]
            complete = isinstance(found["identity"], dict) and isinstance(found["history"], list)
            complete &= all(_PART.items() <= _kinds(part).items() for part in found["parts"])
            if version <= FORMAT and not (complete and format in FORMATS):
                raise ValueError
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(
                "there is no survey in this folder, or its manifest is damaged",
                value=f"{self.folder.name}: {type(error).__name__}",
                hint="begin in another folder",
            ) from error
        if version > FORMAT:
            raise CheckpointError(
                "this survey was written by a newer astrokit",
                value=f"{self.folder.name}: format {version}",
                hint="update astrokit",
            )
        self.manifest, self.format = found, format

    def note(self, **facts: Any) -> None:
        """Add a line to the history of the survey."""
        now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
        self.manifest["history"].append({"time": now, **facts})
        self._save()

    def update(self, **facts: Any) -> None:
        """Change the manifest."""
        self.manifest.update(facts)
        self._save()

    # -- parts ---------------------------------------------------------------------------------

    def append(self, outcomes: Iterable[Outcome]) -> None:
        """Write outcomes as one part, and count it in the manifest.

        Raises
        ------
        AstrokitError
            If it cannot be written; what was written before stays.
        """
        rows = list(outcomes)
        if not rows:
            return
        data = PARTS[self.format].encode(rows)
        number = 1 + max((int(p["file"][5:11]) for p in self.manifest["parts"]), default=0)
        name = f"part-{number:06d}.{self.format}"
        record = {"file": name, "rows": len(rows), "sha256": hashlib.sha256(data).hexdigest()}
        with writing(self.folder):
            write_whole(self.folder / "parts" / name, data)
        self.manifest["parts"].append(record)
        try:
            self._save()
        except BaseException:  # an interrupt, too: what is not counted is appended again
            self.manifest["parts"].pop()
            raise

    @property
    def parts(self) -> list[dict[str, Any]]:
        """The records of the parts, in the order of writing."""
        return list(self.manifest["parts"])

    def outcomes_of(self, part: Mapping[str, Any]) -> list[Outcome]:
        """Return the rows of a part.

        Raises
        ------
        CheckpointError
            If it is missing or damaged.
        """
        return self._decoded(part, PARTS[self.format].decode)

    def keys_of(self, part: Mapping[str, Any]) -> list[tuple[str, str, str]]:
        """Return name, fingerprint and status of the rows of a part.

        Raises
        ------
        CheckpointError
            If it is missing or damaged.
        """
        return self._decoded(part, PARTS[self.format].keys)

    def forget_damaged(self) -> list[str]:
        """Leave out parts that cannot be read; return their names."""
        good, lost = [], []
        for part in self.parts:
            try:
                self.keys_of(part)
                good.append(part)
            except CheckpointError:
                lost.append(str(part["file"]))
        if lost:
            self.update(parts=good)
        return lost

    def _decoded(self, part: Mapping[str, Any], decode: Callable[[bytes], Any]) -> Any:
        name = str(part["file"])
        if name != os.path.basename(name) or not name.startswith("part-"):
            raise CheckpointError("the manifest names what is no part", value=name)
        try:
            data = (self.folder / "parts" / name).read_bytes()
            if hashlib.sha256(data).hexdigest() != part["sha256"]:
                raise ValueError("its checksum differs")
            return decode(data)
        except (OSError, ValueError, KeyError) as error:
            reason = error if isinstance(error, ValueError) else "it cannot be read"
            raise CheckpointError(
                "a part of the survey is missing or damaged",
                value=f"{name}: {reason}",
                hint="bring it back, or resume with 'changed', which computes its targets again",
            ) from error

    def _save(self) -> None:
        text = json.dumps(self.manifest, indent=1, allow_nan=False)
        with writing(self.folder):
            write_whole(self.folder / MANIFEST, (text + "\n").encode())


def _kinds(record: Mapping[str, Any]) -> dict[str, type]:
    return {name: type(value) for name, value in record.items()}


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Tell a full disk, and its like, in the words of a survey.

    Raises
    ------
    AstrokitError
    """
    try:
        yield
    except AstrokitError:
        raise  # also one that is an OSError, such as ReadError: it has words of its own
    except OSError as error:
        raise AstrokitError(
            "results cannot be written",
            value=f"{folder.name}: {error.strerror or error}",
            hint="make room and resume: all that was written before is whole",
        ) from error


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all, and survives a power cut."""
    with whole_file(path) as stream:
        stream.write(data)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a stream whose content appears under `path` when all has been written."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":  # folders cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _take(stream: IO[str]) -> bool:
    """Lock a file for this process; the lock ends with the process, however that ends."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _require_pyarrow() -> None:
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            "Parquet needs pyarrow", hint="pip install 'astrokit[survey]', or format='ecsv'"
        ) from error
