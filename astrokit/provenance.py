"""Provenance: what ran, on which bytes, with which seed and versions, and what it said.

Results carry a :class:`Provenance`; it survives JSON and holds no user, host or directory.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
import os
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np

from .citations import cite as cite  # documented where it lives
from .errors import AstrokitWarning
from .randomness import seed_entropy

__all__ = [
    "Provenance",
    "Recorder",
    "describe",
    "file_record",
    "quiet",
    "used_citations",
    "versions",
]

_PACKAGES = ("numpy", "scipy", "astropy", "numba", "emcee", "lmfit", "h5py", "matplotlib")
# In the order of first use; a notebook is one process, and its report says what to cite for it.
_used_citations: dict[str, None] = {}
_is_quiet: ContextVar[bool] = ContextVar("is_quiet", default=False)
_SHOWN_ITEMS = 20  # longer sequences are described by length and checksum


@dataclasses.dataclass(frozen=True)
class Provenance:
    """The record of one computation, in plain JSON types.

    Attributes
    ----------
    function : str
        Dotted name of what ran.
    arguments : dict
        Its arguments, with units; arrays by shape, type and sha256.
    inputs : tuple of dict
        One record per input: file name, sha256, rows read, rows dropped and why.
    seed : dict or None
        ``entropy`` and ``spawn_key`` of the seed.
    versions : dict
        astrokit, Python and dependencies.
    verdicts, warnings : tuple of str
    started : str
        UTC, ISO 8601.
    duration : float
        Seconds.
    citations : tuple of str
        Keys of what to cite; see :func:`astrokit.cite`.
    """

    function: str
    arguments: dict[str, Any] = dataclasses.field(default_factory=dict)
    inputs: tuple[dict[str, Any], ...] = ()
    seed: dict[str, Any] | None = None
    versions: dict[str, str] = dataclasses.field(default_factory=dict)
    verdicts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    started: str = ""
    duration: float = math.nan
    citations: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return dataclasses.asdict(self)

    def to_json(self) -> str:
        """Return the record as JSON text; :meth:`from_json` restores it exactly.

        Examples
        --------
        >>> from astrokit.provenance import Provenance
        >>> p = Provenance("astrokit.timing.excess_variance", {"dt": "100.0 s"}, duration=0.5)
        >>> Provenance.from_json(p.to_json()) == p
        True
        """
        return json.dumps(self.as_dict(), indent=2, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Restore a record from :meth:`to_json`."""
        record = json.loads(text)
        for name in ("inputs", "verdicts", "warnings", "citations"):
            record[name] = tuple(record[name])
        return cls(**record)

    def __str__(self) -> str:
        lines = [f"{self.function}, {self.started} UTC, {self.duration:.3g} s"]
        lines += [f"  {key}: {value}" for key, value in self.arguments.items()]
        lines += [f"  input: {_one_line(record)}" for record in self.inputs]
        if self.seed:
            lines.append(f"  seed: {_one_line(self.seed)}")
        lines += [f"  verdict: {text}" for text in self.verdicts]
        lines += [f"  warning: {text}" for text in self.warnings]
        lines.append(f"  versions: {_one_line(self.versions)}")
        return "\n".join(lines)


class Recorder:
    """Collects a :class:`Provenance` while something runs.

    Parameters
    ----------
    function : str
        Dotted name of what runs.
    arguments : mapping, optional
        Passed through :func:`describe`.
    inputs : iterable of mapping, optional
        Records such as :func:`file_record` makes.
    seed : SeedSequence, optional
    citations : iterable of str

    Examples
    --------
    >>> from astrokit.provenance import Recorder
    >>> recorder = Recorder("demo", {"n": 3})
    >>> recorder.verdict("converged")
    >>> recorder.finish().verdicts
    ('converged',)
    """

    def __init__(
        self,
        function: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        inputs: Iterable[Mapping[str, Any]] = (),
        seed: np.random.SeedSequence | None = None,
        citations: Iterable[str] = (),
    ) -> None:
        self._record: dict[str, Any] = {
            "function": function,
            "arguments": {key: describe(value) for key, value in (arguments or {}).items()},
            "inputs": tuple(describe(dict(record)) for record in inputs),
            "seed": None if seed is None else seed_entropy(seed),
            "started": datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds"),
        }
        self._verdicts: list[str] = []
        self._warnings: list[str] = []
        self._citations = list(citations)
        self._clock = time.perf_counter()

    def warn(self, message: str, category: type[AstrokitWarning], stacklevel: int = 3) -> None:
        """Issue a Python warning (unless :func:`quiet`) and keep its text in the record."""
        self._warnings.append(f"{category.__name__}: {message}")
        if not _is_quiet.get():
            warnings.warn(message, category, stacklevel=stacklevel)

    def verdict(self, sentence: str) -> None:
        """Keep a verdict in the record."""
        self._verdicts.append(sentence)

    def cite(self, *keys: str) -> None:
        """Add keys of what to cite."""
        self._citations += keys

    def finish(self) -> Provenance:
        """Return the record with the time since the start."""
        citations = dict.fromkeys(self._citations)
        _used_citations.update(citations)
        return Provenance(
            **self._record,
            versions=dict(versions()),
            verdicts=tuple(self._verdicts),
            warnings=tuple(self._warnings),
            duration=time.perf_counter() - self._clock,
            citations=tuple(citations),
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep warnings in the records only: thousands of simulated fits would repeat them.

    ``warnings.catch_warnings`` changes the filters of the whole process, and threads that leave it
    out of order would leave them changed; this acts on the present thread alone.

    Examples
    --------
    >>> from astrokit.errors import FitWarning
    >>> from astrokit.provenance import Recorder, quiet
    >>> recorder = Recorder("demo")
    >>> with quiet():
    ...     recorder.warn("slope is at its bound", FitWarning)
    >>> recorder.finish().warnings
    ('FitWarning: slope is at its bound',)
    """
    token = _is_quiet.set(True)
    try:
        yield
    finally:
        _is_quiet.reset(token)


def used_citations() -> tuple[str, ...]:
    """Return the keys of all that was used since this process started, in the order of first use.

    Examples
    --------
    >>> from astrokit.provenance import Recorder, used_citations
    >>> record = Recorder("demo", citations=["vaughan2003"]).finish()
    >>> "vaughan2003" in used_citations()
    True
    """
    return tuple(_used_citations)


@functools.cache
def versions() -> Mapping[str, str]:
    """Return the versions of astrokit, Python and the packages that a result rests on."""
    from importlib import metadata

    from ._version import __version__

    found = {"astrokit": __version__, "python": sys.version.split()[0]}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # run from a copy without installed metadata
            continue
    return found


def file_record(path: str | os.PathLike[str], **facts: Any) -> dict[str, Any]:
    """Return name (no directory), size and sha256 of a file, with further facts about it.

    Parameters
    ----------
    path : path-like
    **facts
        For example ``rows_read=1286, rows_dropped={"NaN rate": 3}``.
    """
    path = Path(path)
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    size = path.stat().st_size
    return {"file": path.name, "bytes": size, "sha256": digest.hexdigest(), **facts}


def describe(value: Any) -> Any:
    """Return `value` in plain JSON types that identify it and reveal no directory.

    Numbers, text and short sequences stay; a Quantity becomes its text; an array becomes shape,
    type and sha256; a path its last part; a function its name; other objects their ``repr`` if
    they define one, else their class.

    Examples
    --------
    >>> from pathlib import Path
    >>> from astropy import units as u
    >>> from astrokit.provenance import describe
    >>> describe({"dt": 100 * u.s, "path": Path("a/b/lc.fits")})
    {'dt': '100.0 s', 'path': 'lc.fits'}
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float | np.floating | np.integer | np.bool_):
        return _number(value)
    if isinstance(value, str):
        return os.path.basename(value.rstrip("/\\")) if _is_directory_text(value) else value
    if isinstance(value, os.PathLike):
        return Path(value).name
    if isinstance(value, Mapping):
        return {str(key): describe(item) for key, item in value.items()}
    if hasattr(value, "unit") and hasattr(value, "to_value"):
        return (
            f"{value}" if np.ndim(value) == 0 else {**_array(value.value), "unit": str(value.unit)}
        )
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
        if len(items) > _SHOWN_ITEMS:
            return {"length": len(items), "sha256": _sha256(repr(items).encode())}
        return [describe(item) for item in items]
    return _object(value)


def _number(value: Any) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    # JSON has no NaN or infinity; their names survive every parser.
    return plain if not isinstance(plain, float) or math.isfinite(plain) else repr(plain)


def _is_directory_text(text: str) -> bool:
    return os.path.isabs(text) or text.startswith("~")


def _array(array: Any) -> dict[str, Any]:
    array = np.ascontiguousarray(array)
    if array.size <= _SHOWN_ITEMS and array.dtype.kind in "fiub":
        return (
            {"values": describe(array.tolist())} if array.ndim else {"values": _number(array[()])}
        )
    kind, shape = array.dtype.str, list(array.shape)
    return {"shape": shape, "dtype": kind, "sha256": _sha256(array.tobytes())}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _object(value: Any) -> Any:
    if isinstance(value, np.random.SeedSequence):
        return seed_entropy(value)
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: describe(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"type": type(value).__name__, **fields}
    # A default repr holds a memory address, which would make equal runs differ.
    text = repr(value)
    return type(value).__name__ if " at 0x" in text or len(text) > 200 else text


def _one_line(record: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in record.items())
