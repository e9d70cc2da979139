"""What a user's function computes, as text: a checkpoint must not go on with an edited model."""

from __future__ import annotations

import hashlib
import inspect
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

from ..errors import InputError

__all__ = ["class_checksum", "function_checksum", "require_arguments"]

_NOT_CODE = ("__doc__", "__module__", "__qualname__", "__firstlineno__")
_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.number)


def function_checksum(function: Any) -> str:
    """Return a sha256 over the code of a function and the constants that it uses.

    Instructions, constants, defaults, enclosed values, and numbers and functions among the globals
    that it names enter; comments, layout and names of local variables do not. Objects that are
    neither functions nor numbers enter with their type alone.

    Parameters
    ----------
    function : callable
        A function, method, `functools.partial`, compiled function or callable object.

    Examples
    --------
    >>> from astrokit.inference.function_identity import function_checksum
    >>> function_checksum(lambda x, a: a * x) == function_checksum(lambda x, b: b * x)
    True
    >>> function_checksum(lambda x, a: a * x) == function_checksum(lambda x, a: 2 * a * x)
    False
    """
    return hashlib.sha256(repr(_content(function, set())).encode()).hexdigest()


def class_checksum(cls: type) -> str:
    """Return a sha256 over the methods and plain constants that a user wrote for a class.

    Classes of astrokit itself add nothing, so a class of the package has the checksum of no code.
    """
    content = [
        (name, _content(_function_of(member), set()))
        for base in cls.__mro__
        if base.__module__.partition(".")[0] not in ("astrokit", "abc", "builtins")
        for name, member in sorted(vars(base).items())
        if isinstance(_function_of(member), (FunctionType, *_PLAIN)) and name not in _NOT_CODE
    ]
    return hashlib.sha256(repr(content).encode()).hexdigest()


def _function_of(member: Any) -> Any:
    """Return the function behind a property, static or class method; else the member itself."""
    if isinstance(member, property):
        return member.fget
    return getattr(member, "__func__", member)


def _content(thing: Any, seen: set[int]) -> Any:
    """Return nested tuples of text that are equal when two things compute the same."""
    if isinstance(thing, _PLAIN):
        return repr(thing)
    if id(thing) in seen:  # a recursive function
        return "again"
    seen = seen | {id(thing)}
    if isinstance(thing, np.ndarray) and thing.dtype != object:
        return (thing.shape, str(thing.dtype), hashlib.sha256(thing.tobytes()).hexdigest())
    if isinstance(thing, frozenset):  # its order changes from process to process
        return tuple(sorted(repr(_content(item, seen)) for item in thing))
    if isinstance(thing, (tuple, list)):
        return tuple(_content(item, seen) for item in thing)
    if isinstance(thing, dict):
        return tuple((repr(key), _content(value, seen)) for key, value in thing.items())
    if isinstance(thing, CodeType):
        return (thing.co_code.hex(), thing.co_names, _content(thing.co_consts, seen))
    return _callable_content(thing, seen)


def _callable_content(thing: Any, seen: set[int]) -> Any:
    if isinstance(thing, partial):
        return tuple(_content(part, seen) for part in (thing.func, thing.args, thing.keywords))
    if isinstance(thing, MethodType):
        return (_content(thing.__func__, seen), type(thing.__self__).__qualname__)
    thing = getattr(thing, "py_func", thing)  # what numba compiled
    if not isinstance(thing, FunctionType):
        thing = getattr(thing, "__wrapped__", thing)  # a declared kernel, or a cache
    if not isinstance(thing, FunctionType):
        call = type(thing).__call__ if callable(thing) else None
        code = _content(call, seen) if isinstance(call, FunctionType) else ""
        return (type(thing).__qualname__, getattr(thing, "__qualname__", ""), code)
    named = (thing.__globals__.get(name) for name in thing.__code__.co_names)
    used = (g for g in named if isinstance(g, (*_PLAIN, FunctionType)) or _is_wrapper(g))
    return (
        _content(thing.__code__, seen),
        _content(thing.__defaults__, seen),
        _content(thing.__kwdefaults__, seen),
        tuple(_content(cell.cell_contents, seen) for cell in thing.__closure__ or ()),
        tuple(_content(value, seen) for value in used),
    )


def _is_wrapper(thing: Any) -> bool:
    return hasattr(thing, "py_func") or hasattr(thing, "__wrapped__")


def require_arguments(function: Any, names: tuple[str, ...]) -> None:
    """Refuse a model function that cannot take x and these parameters, or in another order.

    Raises
    ------
    InputError
        For a function of another number of arguments, or one whose arguments have the names of the
        parameters in another order: values go by position, so that they would be exchanged.
    """
    wanted = f"({', '.join(('x', *names))})"
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # not a Python function, or not callable: the call will tell
        return
    try:
        signature.bind(None, *names)
    except TypeError:
        raise InputError(
            "the model function does not take x and one argument per parameter",
            value=str(signature),
            allowed=wanted,
            hint="give it these arguments, or change the Parameters",
        ) from None
    taken = tuple(signature.parameters)[1 : 1 + len(names)]
    if taken != names and set(taken) == set(names):
        raise InputError(
            "the model function takes the parameters in another order",
            value=str(signature),
            allowed=wanted,
            hint="values go by position: put both into one order",
        )
