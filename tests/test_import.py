"""The front door: it is light, every name behind it opens, and type checkers see the same names."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import astrokit as ak
from astrokit._lazy import attach

PACKAGE = Path(ak.__file__).parent
HEAVY = [
    "IPython",
    "arviz",
    "astropy.coordinates",
    "astropy.io",
    "astropy.table",
    "astropy.timeseries",
    "astropy.units",
    "corner",
    "dask",
    "dynesty",
    "emcee",
    "h5py",
    "lmfit",
    "matplotlib",
    "nbclient",
    "nbconvert",
    "numba",
    "pandas",
    "pooch",
    "scipy.optimize",
    "scipy.special",
    "scipy.stats",
    "tqdm",
]
LAZY_PACKAGES = [
    path.parent
    for path in sorted(PACKAGE.rglob("__init__.py"))
    if "attach(" in path.read_text(encoding="utf-8")
]
MODULES = [
    name
    for _, name, _ in pkgutil.walk_packages([str(PACKAGE)], "astrokit.")
    if not name.endswith("__main__")
]


def loaded_after(statement: str) -> set[str]:
    """Return the modules of a fresh interpreter after `statement`."""
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import astrokit",
        "import astrokit; dir(astrokit); astrokit.__version__",
        "import astrokit.errors, astrokit.randomness, astrokit.datasets, astrokit.cli",
        "import astrokit; astrokit.Estimate(1.0, 0.1)",
        "import astrokit; astrokit.reproduce.is_fast(); astrokit.reproduce.find_notebooks()",
    ],
)
def test_these_load_nothing_heavy(statement):
    assert not loaded_after(statement) & set(HEAVY)


def test_every_name_of_the_front_door_opens():
    for name in ak.__all__:
        assert getattr(ak, name).__doc__, name


def test_dir_lists_what_a_user_types():
    assert {"read_lightcurve", "LightCurve", "Estimate", "compare", "cite", "timing"} <= set(
        dir(ak)
    )
    assert not [name for name in dir(ak) if name.startswith("_") and not name.startswith("__")]


def test_a_misspelt_name_gets_the_near_one():
    with pytest.raises(AttributeError, match="did you mean read_lightcurve"):
        ak.read_lightcurves  # noqa: B018
    with pytest.raises(AttributeError, match=r"no attribute 'qqq'$"):
        ak.qqq  # noqa: B018


@pytest.mark.parametrize("folder", LAZY_PACKAGES, ids=lambda folder: folder.name)
def test_the_type_checker_sees_exactly_the_lazy_names(folder):
    """The imports under TYPE_CHECKING and the lazy list are written apart; they must agree."""
    parts = folder.relative_to(PACKAGE.parent).parts
    package = importlib.import_module(".".join(parts))
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    block = next(
        node
        for node in tree.body
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
    )
    seen = {
        alias.asname or alias.name
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == set(package.__all__)
    for name in package.__all__:
        assert hasattr(package, name), name


def test_an_exported_function_wins_over_a_submodule_of_the_same_name(tmp_path, monkeypatch):
    """Whoever imports the submodule first, ``room.weigh`` is the function."""
    room = tmp_path / "ak_test_room"
    room.mkdir()
    (room / "__init__.py").write_text(
        "from astrokit._lazy import attach\n"
        "__getattr__, __dir__, __all__ = attach(__name__, {'weigh': ['weigh']}, ['scales'])\n"
    )
    (room / "weigh.py").write_text("def weigh():\n    return 1\n")
    (room / "scales.py").write_text("from .weigh import weigh as again\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import ak_test_room.weigh

    assert ak_test_room.weigh() == 1
    assert ak_test_room.scales.again is ak_test_room.weigh
    assert ak_test_room.__all__ == ["scales", "weigh"]


def test_attach_needs_an_imported_package():
    with pytest.raises(KeyError):
        attach("ak_not_imported", {})


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_is_documented(name):
    """Methods may inherit their docstring; nothing public goes without one."""
    module = importlib.import_module(name)
    assert module.__doc__, name
    missing = []
    for label in getattr(module, "__all__", ()):
        thing = getattr(module, label)
        if getattr(thing, "__module__", None) != name:
            continue  # a constant, or documented where it is defined
        if (inspect.isclass(thing) or callable(thing)) and not inspect.getdoc(thing):
            missing.append(label)
        if inspect.isclass(thing):
            missing += [
                f"{label}.{method}"
                for method, value in vars(thing).items()
                if not method.startswith("_")
                and (callable(value) or isinstance(value, (property, classmethod)))
                and not inspect.getdoc(getattr(thing, method))
            ]
    assert not missing
