"""What to cite: BibTeX and an acknowledgement for the methods and packages a result used."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import resources
from typing import Any

from .errors import InputError

__all__ = ["Citation", "cite"]

# What each result rests on, whichever analysis made it.
_ALWAYS = ("astrokit", "numpy", "scipy", "astropy")
_SOFTWARE = {
    "astrokit": "astrokit",
    "numpy": "NumPy",
    "scipy": "SciPy",
    "astropy": "Astropy",
    "numba": "numba",
    "lmfit": "LMFIT",
    "emcee": "emcee",
    "dynesty": "dynesty",
    "corner": "corner.py",
}


@dataclass(frozen=True)
class Citation:
    r"""References for a result.

    Attributes
    ----------
    keys : tuple of str
        BibTeX keys, in the order of use.
    bibtex : str
        The entries.
    acknowledgement : str
        A sentence for the paper, with ``\citep`` commands.
    """

    keys: tuple[str, ...]
    bibtex: str
    acknowledgement: str

    def __str__(self) -> str:
        return f"{self.acknowledgement}\n\n{self.bibtex}"


def cite(*results: Any) -> Citation:
    """Return BibTeX and an acknowledgement for what the given results used.

    Parameters
    ----------
    *results : Fit, Posterior or any object with ``provenance``; Provenance; or str
        Keys may be given directly; nothing at all gives astrokit's own entry.

    Returns
    -------
    Citation
        Print it, or take its ``bibtex`` and ``acknowledgement``.

    Raises
    ------
    InputError
        For an object without provenance, or an unknown key.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.cite("vaughan2003").keys
    ('astrokit', 'numpy', 'scipy', 'astropy', 'vaughan2003')
    """
    keys = tuple(dict.fromkeys([*_ALWAYS, *(key for r in results for key in _keys_of(r))]))
    entries = _bibliography()
    for key in keys:
        if key not in entries:
            near = get_close_matches(key, entries, n=1)
            raise InputError(
                "no such reference", value=key, hint=f"did you mean {near[0]!r}?" if near else None
            )
    return Citation(keys, "\n\n".join(entries[key] for key in keys), _acknowledge(keys))


def _keys_of(result: Any) -> Iterable[str]:
    if isinstance(result, str):
        return [result]
    record = getattr(result, "provenance", result)
    keys = getattr(record, "citations", None)
    if keys is None:
        raise InputError(
            "this object does not say what it used",
            value=type(result).__name__,
            allowed="a Fit, a Posterior, another astrokit result, or a reference key",
        )
    return list(keys)


def _acknowledge(keys: tuple[str, ...]) -> str:
    software = [rf"{_SOFTWARE[key]} \citep{{{key}}}" for key in keys if key in _SOFTWARE]
    methods = [key for key in keys if key not in _SOFTWARE]
    text = f"This work made use of {_listed(software)}."
    if methods:
        text += rf" The methods are those of \citet{{{','.join(methods)}}}."
    return text


def _listed(parts: list[str]) -> str:
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]


@functools.cache
def _bibliography() -> dict[str, str]:
    """Return key -> BibTeX entry of the bundled bibliography and of astrokit itself."""
    from ._version import __version__

    text = (resources.files("astrokit") / "references.bib").read_text(encoding="utf-8")
    entries = {}
    for entry in re.split(r"\n(?=@)", text.strip()):
        key = re.match(r"@\w+\{([^,]+),", entry)
        if key:
            entries[key.group(1)] = _one_field_a_line(entry)
    own = (
        "@software{astrokit, author={{The astrokit developers}}, title={astrokit: power laws, "
        "breaks, rhythms and rotation in astronomical data, with calibrated errors}, "
        f"version={{{__version__}}}}}"
    )
    return {"astrokit": _one_field_a_line(own), **entries}


def _one_field_a_line(entry: str) -> str:
    """Return a one-line BibTeX entry with one field per line."""
    body = re.sub(r"\},?\s(?=\w+=\{)", "},\n  ", entry.strip().removesuffix("}"))
    return re.sub(r",\s(?=\w+=\{)", ",\n  ", body, count=1) + "\n}"
