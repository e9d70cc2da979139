"""Lazy exports: a package lists its public names, and each is imported on first use."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

__all__ = ["attach"]


class _LazyPackage(ModuleType):
    """A package in which an exported name wins over a submodule of the same name.

    Importing ``package.compare`` makes Python bind the submodule as ``package.compare``. Where the
    package also exports a function ``compare``, the answer would then depend on who imported what
    before; here it is always the function.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        exports: Mapping[str, str] = self.__dict__.get("_lazy_exports", {})
        is_own_submodule = getattr(value, "__name__", None) == f"{self.__name__}.{name}"
        if name in exports and isinstance(value, ModuleType) and is_own_submodule:
            return
        super().__setattr__(name, value)


def attach(
    package: str,
    exports: Mapping[str, Iterable[str]],
    submodules: Iterable[str] = (),
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` for the ``__init__`` of `package`.

    Parameters
    ----------
    package : str
        The ``__name__`` of the package.
    exports : mapping of str to iterable of str
        Submodule (relative to the package, dots allowed) to the public names that live in it.
    submodules : iterable of str
        Submodules that are public themselves.

    Returns
    -------
    getattr, dir, all
        To be assigned in the ``__init__``, beside explicit imports for the type checker.

    Examples
    --------
    The whole of an ``__init__``::

        from typing import TYPE_CHECKING

        if TYPE_CHECKING:
            from . import plots as plots
            from .readers import read_lightcurve as read_lightcurve
        else:
            from astrokit._lazy import attach

            __getattr__, __dir__, __all__ = attach(
                __name__, {"readers": ["read_lightcurve"]}, submodules=["plots"]
            )
    """
    origin = {name: module for module, names in exports.items() for name in names}
    public = sorted({*origin, *submodules})
    this = sys.modules[package]
    this.__dict__["_lazy_exports"] = origin
    this.__class__ = _LazyPackage

    def __getattr__(name: str) -> Any:  # noqa: N807
        if name in origin:
            value = getattr(importlib.import_module(f"{package}.{origin[name]}"), name)
            this.__dict__[name] = value
            return value
        if name in public:
            return importlib.import_module(f"{package}.{name}")
        near = difflib.get_close_matches(name, public, n=3, cutoff=0.6)
        advice = f"; did you mean {' or '.join(near)}?" if near else ""
        raise AttributeError(f"module {package!r} has no attribute {name!r}{advice}")

    def __dir__() -> list[str]:  # noqa: N807
        return sorted({"__doc__", "__file__", "__name__", "__path__", *public})

    return __getattr__, __dir__, public
