"""Every public class of astrokit, found by looking, so that a new one cannot be forgotten."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from types import ModuleType

import astrokit as ak


def public_modules() -> list[ModuleType]:
    """Return astrokit and all its modules that are public by way of ``__all__``."""
    found: list[ModuleType] = []
    waiting = [ak]
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        found.append(module)
        members = [getattr(module, name) for name in module.__all__]
        waiting += [m for m in members if inspect.ismodule(m) and hasattr(m, "__all__")]
    return found


def is_ours(thing: object) -> bool:
    return str(getattr(thing, "__module__", "")).startswith("astrokit")


def exported_classes() -> set[type]:
    """Return the classes that public modules export."""
    members = [getattr(m, name) for m in public_modules() for name in m.__all__]
    return {c for c in members if inspect.isclass(c) and is_ours(c)}


def returned_classes() -> set[type]:
    """Return the classes that public functions, methods and properties say they return."""
    found: set[type] = set()
    for function in public_functions():
        for word in re.findall(r"\w+", str(function.__annotations__.get("return", ""))):
            found |= _classes_named(word, function.__module__)
    return found


def public_functions() -> Iterator[object]:
    members = [getattr(m, name) for m in public_modules() for name in m.__all__]
    yield from (f for f in members if inspect.isfunction(f) and is_ours(f))
    for cls in exported_classes():
        for name, member in vars(cls).items():
            function = getattr(member, "fget", None) or getattr(member, "__func__", None)
            function = function or getattr(member, "func", member)
            if not name.startswith("_") and inspect.isfunction(function):
                yield function


def _classes_named(word: str, module: str) -> set[type]:
    """Return the classes of ours that `word` can mean in a module: of its room, or imported."""
    imported = getattr(sys.modules[module], word, None)
    if inspect.isclass(imported):
        return {imported} if is_ours(imported) else set()
    room = ".".join(module.split(".")[:2])
    return {c for c in _all_classes() if c.__name__ == word and c.__module__.startswith(room)}


@functools.cache
def _all_classes() -> frozenset[type]:
    """Return all classes of astrokit, whether exported or not."""
    inner = [f"{m.__name__}.{sub.name}" for m in public_modules() for sub in _submodules(m)]
    modules = [importlib.import_module(name) for name in inner]
    return frozenset(c for m in modules for c in vars(m).values() if inspect.isclass(c))


def _submodules(module: ModuleType) -> Iterator[pkgutil.ModuleInfo]:
    found = pkgutil.iter_modules(getattr(module, "__path__", ()))
    return (sub for sub in found if not sub.name.startswith("__"))


def classes_to_exchange() -> set[type]:
    """Return every class of which a user can hold an instance."""
    return {
        c
        for c in exported_classes() | returned_classes()
        if not inspect.isabstract(c) and not issubclass(c, Exception) and not _is_protocol(c)
    }


def _is_protocol(cls: type) -> bool:
    return bool(getattr(cls, "_is_protocol", False))
