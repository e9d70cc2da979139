"""What a survey computes, as checksums: finished targets and new ones must mean the same."""

from __future__ import annotations

import functools
import hashlib
import pickle
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError

__all__ = ["code_checksum", "differences", "identity", "packed_options"]

_MOST_BYTES = 1 << 20
# How a survey is driven does not change what a target's analysis says.
_NOT_MEASURING = ("cli.py", "__main__.py", "reproduce", "plots.py")
_DRIVING = ("survey",)
_SHOWN = 3
_VERSIONS = ("astrokit", "numpy", "scipy", "astropy", "numba", "emcee", "lmfit")


def code_checksum(analysis: str, function: Callable[..., Any]) -> str:
    """Return a checksum of the code behind an analysis.

    The sources of astrokit enter; of a user's function its instructions, and the constants and
    functions that it names (see :func:`astrokit.inference.function_identity.function_checksum`).
    """
    own = analysis.startswith("astrokit.")
    user = "" if own else _function_checksum(function)
    return hashlib.sha256(f"{_sources()} {analysis} {user}".encode()).hexdigest()


def _function_checksum(function: Callable[..., Any]) -> str:
    from ..inference.function_identity import function_checksum

    return function_checksum(function)


@functools.cache
def _sources() -> str:
    """Return a checksum of the modules of astrokit that can change a number."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).parts
        if parts[0] in _DRIVING and path.name not in ("adapters.py", "compute.py", "values.py"):
            continue
        if any(part in _NOT_MEASURING for part in parts):
            continue
        digest.update("/".join(parts).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def packed_options(options: Mapping[str, Any]) -> bytes:
    """Return options as bytes that travel to workers.

    Raises
    ------
    InputError
        For what cannot be pickled, or is too large: data travel as paths of files.
    """
    try:
        data = pickle.dumps(dict(options), protocol=pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InputError(
            "the options cannot be sent to a worker",
            value=str(error),
            hint="use importable classes and plain values",
        ) from error
    if len(data) > _MOST_BYTES:
        raise InputError(
            "the options are too large to be sent with every task",
            value=f"{len(data) / 1e6:.1f} MB",
            allowed=f"{_MOST_BYTES / 1e6:.0f} MB",
            hint="write the data to a file, and give its path",
        )
    return data


def identity(
    analysis: str, function: Callable[..., Any], options: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """Return what must be the same for results to belong into one table, in JSON types.

    Raises
    ------
    InputError
        For an option that says nothing of itself.
    """
    from ..provenance import versions

    known = {**versions(), "python": ".".join(platform.python_version_tuple()[:2])}
    return {
        "analysis": analysis,
        "code": code_checksum(analysis, function),
        "seed": seed,
        "options": {name: _text(name, value) for name, value in sorted(options.items())},
        "versions": {name: known[name] for name in (*_VERSIONS, "python") if name in known},
    }


def _text(name: str, value: Any) -> str:
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__} {_function_checksum(value)}"
    text = repr(value)
    if " at 0x" in text or "..." in text:
        # Neither an address nor an abbreviated array tells one value from another.
        return hashlib.sha256(pickle.dumps(value)).hexdigest()
    return text


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return in words what differs between two identities."""
    found = []
    for key in sorted({*before, *now}):
        old, new = before.get(key), now.get(key)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += [f"{key} {text}" for text in differences(old, new)]
        elif key == "code":
            found.append("the code of the analysis")
        else:
            found.append(f"{key}: {_short(old)} before, {_short(new)} now")
    return found


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else text[:56] + " ..."
