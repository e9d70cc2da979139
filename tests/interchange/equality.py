"""Whether two objects are equal to the last bit, and where they first differ."""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.table import Table
from scipy import sparse


def first_difference(a: Any, b: Any, where: str = "", seen: frozenset[int] = frozenset()) -> str:
    """Return where `a` and `b` differ, or an empty text."""
    if a is b or id(a) in seen:
        return ""
    seen = seen | {id(a)}
    if type(a) is not type(b):
        return f"{where}: {type(a).__name__} became {type(b).__name__}"
    if isinstance(a, np.ndarray):
        return _of_arrays(a, b, where)
    if isinstance(a, float | np.floating):
        return "" if a == b or (a != a and b != b) else f"{where}: {a!r} became {b!r}"
    if isinstance(a, Mapping):
        if list(a) != list(b):
            return f"{where}: keys {list(a)} became {list(b)}"
        return _first(first_difference(a[k], b[k], f"{where}[{k!r}]", seen) for k in a)
    if isinstance(a, list | tuple):
        if len(a) != len(b):
            return f"{where}: length {len(a)} became {len(b)}"
        pairs = enumerate(zip(a, b, strict=True))
        return _first(first_difference(x, y, f"{where}[{i}]", seen) for i, (x, y) in pairs)
    if sparse.issparse(a):
        a, b = sparse.coo_array(a), sparse.coo_array(b)
        a, b = (a.shape, a.data, a.row, a.col), (b.shape, b.data, b.row, b.col)
        return first_difference(a, b, where, seen)
    if isinstance(a, functools.partial):
        a, b = (a.func, a.args, a.keywords), (b.func, b.args, b.keywords)
        return first_difference(a, b, where, seen)
    if isinstance(a, Table):
        return first_difference(_parts_of_table(a), _parts_of_table(b), where, seen)
    if isinstance(a, BaseException) and str(a) != str(b):
        return f"{where}: {a!r} became {b!r}"
    if isinstance(a, types.MethodType):
        return first_difference(a.__self__, b.__self__, where, seen)
    if _is_of_fields(a):
        return first_difference(_fields(a), _fields(b), where, seen)
    return "" if a == b or repr(a) == repr(b) else f"{where}: {a!r} became {b!r}"


def _of_arrays(a: np.ndarray, b: np.ndarray, where: str) -> str:
    if a.dtype != b.dtype or a.shape != b.shape:
        return f"{where}: {a.dtype}{a.shape} became {b.dtype}{b.shape}"
    if a.dtype == object:
        return first_difference(a.tolist(), b.tolist(), where)
    same = np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    return "" if same else f"{where}: numbers differ"


def _parts_of_table(table: Table) -> dict[str, Any]:
    columns = {name: table[name] for name in table.colnames}
    parts = {
        name: (type(c), str(c.unit), np.ma.getmaskarray(c), np.asarray(c))
        for name, c in columns.items()
    }
    return {"meta": dict(table.meta), **parts}


def _is_of_fields(a: Any) -> bool:
    if isinstance(a, type | types.FunctionType):
        return False
    return type(a).__module__.startswith("astrokit") or dataclasses.is_dataclass(a)


def _fields(a: Any) -> dict[str, Any]:
    slots = [s for c in type(a).__mro__ for s in getattr(c, "__slots__", ()) if hasattr(a, s)]
    state = {**getattr(a, "__dict__", {}), **{s: getattr(a, s) for s in slots}}
    # What a cached_property computed may be computed anew.
    cached = {
        name
        for c in type(a).__mro__
        for name, m in vars(c).items()
        if isinstance(m, functools.cached_property)
    }
    return {key: value for key, value in sorted(state.items()) if key not in cached}


def _first(texts: Any) -> str:
    return next((text for text in texts if text), "")
