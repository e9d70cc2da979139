"""Finding the notebooks: inside an installed astrokit, in its checkout, or by path."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from astrokit.errors import InputError
from astrokit.untrusted import bytes_of, named_refusals

__all__ = ["Notebook", "find_notebooks", "notebook_folder"]

_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Notebook:
    """A notebook that can be run.

    Attributes
    ----------
    name : str
        File name without its ending, such as ``01_psd_slope``.
    title : str
        Its first heading.
    path : pathlib.Path
    """

    name: str
    title: str
    path: Path


def notebook_folder() -> Path:
    """Return the folder of the notebooks: inside the package, or `notebooks` of a checkout."""
    installed = _PACKAGE / "_notebooks"
    return installed if installed.is_dir() else _PACKAGE.parent / "notebooks"


def find_notebooks(names: Iterable[str] = ()) -> list[Notebook]:
    """Return the notebooks of these names, or all that ship with astrokit.

    Parameters
    ----------
    names : iterable of str
        Names, beginnings of names that only one notebook has ("01"), or paths of own ``.ipynb``
        files. Empty: all.

    Raises
    ------
    InputError
        For a name that no notebook, or more than one, has.

    Examples
    --------
    >>> import astrokit as ak
    >>> notebooks = ak.reproduce.find_notebooks()
    """
    shipped = {path.stem: path for path in sorted(notebook_folder().glob("*.ipynb"))}
    wanted = list(names)
    paths = [_one(name, shipped) for name in wanted] if wanted else list(shipped.values())
    return [Notebook(path.stem, _title(path), path) for path in paths]


def _one(name: str, shipped: dict[str, Path]) -> Path:
    if name in shipped:
        return shipped[name]
    if name.endswith(".ipynb"):
        if Path(name).is_file():
            return Path(name).resolve()
        raise InputError("there is no such notebook file", value=name)
    starts = [stem for stem in shipped if stem.startswith(name)]
    if len(starts) == 1:
        return shipped[starts[0]]
    near = starts or difflib.get_close_matches(name, shipped, n=3, cutoff=0.4)
    raise InputError(
        "the name stands for several notebooks" if starts else "no notebook has this name",
        value=name,
        allowed=", ".join(near or shipped) or "no notebooks are installed",
    )


def _title(path: Path) -> str:
    """Return the first heading, without importing the notebook machinery for a list of names."""
    with named_refusals(path.name):
        for cell in json.loads(bytes_of(path))["cells"]:
            source = cell["source"]
            text = source if isinstance(source, str) else "".join(source)
            for line in text.splitlines():
                if cell["cell_type"] == "markdown" and line.startswith("#"):
                    return line.lstrip("# ").strip()
    return path.stem
