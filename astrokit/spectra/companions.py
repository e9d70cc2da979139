"""Files that a spectrum names: its background and its responses, wherever they are now."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import ReadError

__all__ = ["Companion", "find_companion"]

_NOTHING = ("", "none", "null", "%match%", "undefined")
# A number of a row in braces, or an extension in brackets, may follow the name.
_NAME = re.compile(r"^(?P<name>.*?)\s*(?:\{(?P<row>\d+)\}|\[(?P<extension>[^\]]*)\])*\s*$")


@dataclass(frozen=True)
class Companion:
    """A file that a spectrum names.

    Attributes
    ----------
    path : Path
    row : int or None
        Row of a type II file, from 1, or number of a matrix.
    """

    path: Path
    row: int | None = None


def find_companion(named: str, folder: Path, role: str) -> Companion | None:
    """Return the file that a keyword such as BACKFILE names, or None where it names none.

    Looked for beside the spectrum, with or without ``.gz``, whatever folder the name holds: that
    is often one of somebody else's disk.

    Parameters
    ----------
    named : str
    folder : Path
        Of the spectrum.
    role : str
        What it is, for the message: "background", "rmf" or "arf".

    Raises
    ------
    ReadError
        If it is not there; names files that are similar.
    """
    match = _NAME.match(named.strip())
    name = match.group("name") if match else named
    if name.lower() in _NOTHING:
        return None
    row = int(match.group("row")) if match and match.group("row") else None
    base = re.split(r"[\\/]", name)[-1]
    bare = base.removesuffix(".gz")
    candidates = [folder / base, folder / bare, folder / f"{bare}.gz"]
    # A file that came from others may name any file of this disk: only what lies in or below the
    # folder of the spectrum is taken.
    if not Path(name).is_absolute() and ".." not in re.split(r"[\\/]", name):
        candidates.append(folder / name)
    for candidate in candidates:
        if candidate.is_file():
            return Companion(candidate, row)
    names = [p.name for p in folder.iterdir()]
    near = difflib.get_close_matches(base, names, n=3, cutoff=0.5)
    similar = f" (there is {' and '.join(near)})" if near else ""
    raise ReadError(
        f"the file names a {role} that is not beside it",
        value=base,
        hint=f"pass {role}= with its path{similar}, or {role}=False to read without it",
    )
