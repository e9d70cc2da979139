"""Which function a survey runs: a built-in one by its name, or one of the user's."""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import InputError
from .compute import imported

__all__ = ["BUILT_IN", "available", "name_of", "require_options", "resolve"]

BUILT_IN = {
    "bars.pattern_speed": "pattern_speed",
    "bursts.find_break": "find_break",
    "comets.fit_index": "fit_index",
    "complexity.hc": "hc",
    "spectra.fit": "fit_spectrum",
    "timing.characterize": "characterize",
}


def available() -> dict[str, str]:
    """Return the names of the built-in analyses, each with one line about it.

    Examples
    --------
    >>> import astrokit as ak
    >>> print(ak.survey.available()["complexity.hc"])
    Return entropy and complexity of a light curve: astrokit.complexity.hc.
    """
    from . import adapters

    lines = {n: (inspect.getdoc(getattr(adapters, f)) or "") for n, f in BUILT_IN.items()}
    plain = {n: text.splitlines()[0] for n, text in lines.items()}
    for role in (":func:", ":class:", "`"):
        plain = {n: text.replace(role, "") for n, text in plain.items()}
    return plain


def name_of(reference: str) -> str:
    """Return the name of a built-in analysis, or the reference of a user's function."""
    built_in = {f"{__package__}.adapters:{function}": n for n, function in BUILT_IN.items()}
    return built_in.get(reference, reference)


def resolve(analysis: str | Callable[..., Any]) -> tuple[str, Callable[..., Any], str]:
    """Return reference ``"module:function"``, function, and the folder of a user's module.

    Raises
    ------
    InputError
        For an unknown name, and for a function that no worker can import.
    """
    if callable(analysis):
        return _of_function(analysis)
    if not isinstance(analysis, str):
        raise InputError(
            "this is no analysis", value=type(analysis).__name__, allowed="a name or a function"
        )
    if analysis in BUILT_IN:
        reference = f"{__package__}.adapters:{BUILT_IN[analysis]}"
        return reference, imported(reference), ""
    module, colon, name = analysis.partition(":")
    if not colon or not module or not name:
        near = difflib.get_close_matches(analysis, BUILT_IN, n=1, cutoff=0.5)
        raise InputError(
            "there is no such analysis",
            value=analysis,
            allowed=", ".join(BUILT_IN),
            hint=f"perhaps you mean {near[0]!r}"
            if near
            else "a function of your own is written 'module:function'",
        )
    return analysis, imported(analysis), _folder(module)


def _of_function(function: Callable[..., Any]) -> tuple[str, Callable[..., Any], str]:
    module = getattr(function, "__module__", None) or ""
    name = getattr(function, "__qualname__", "") or ""
    if module in ("", "__main__") or "<" in name or not name:
        raise InputError(
            "workers cannot import this function",
            value=f"{module}.{name or type(function).__name__}",
            hint="write it at the top level of a module (a file of its own) and import it",
        )
    reference = f"{module}:{name}"
    return reference, imported(reference), _folder(module)


def _folder(module: str) -> str:
    """Return the folder from which a user's module is imported."""
    top = sys.modules.get(module.partition(".")[0])
    file = getattr(top, "__file__", None) if top is not None else None
    if file is None:
        return ""
    folder = os.path.dirname(os.path.abspath(file))
    return os.path.dirname(folder) if hasattr(top, "__path__") else folder


def _passed_on(function: Callable[..., Any]) -> tuple[list[str], bool]:
    """Return which further options a function hands on, and whether there are more of them.

    A built-in analysis hands them to the function of astrokit that bears its name.
    """
    name = name_of(f"{function.__module__}:{getattr(function, '__name__', '')}")
    room, _, measure = name.partition(".")
    if name not in BUILT_IN:
        return [], True
    try:
        module = importlib.import_module(f"..{room}", __package__)
    except ImportError:
        return [], True  # each target will say so
    parameters = inspect.signature(getattr(module, measure)).parameters.values()
    named = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    return named, any(p.kind is p.VAR_KEYWORD for p in parameters)


def require_options(function: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Refuse options that the analysis does not take, before anything runs.

    Raises
    ------
    InputError
        Also for a function that does not take a target and a seed.
    """
    signature = inspect.signature(function)
    parameters = signature.parameters.values()
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters)
    named = [p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes_seed = "seed" in named or open_ended
    takes_target = any(
        p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL) for p in parameters
    )
    if not takes_target or not takes_seed:
        raise InputError(
            "the analysis does not take a target and a seed",
            value=f"{getattr(function, '__name__', function)}{signature}",
            allowed="f(target, *, seed, **options)",
        )
    if open_ended:
        inner, open_ended = _passed_on(function)
        named += [name for name in inner if name not in named]
    unknown = sorted(name for name in options if name not in named)
    if "seed" in options or (unknown and not open_ended):
        name = "seed" if "seed" in options else unknown[0]
        rest = [n for n in named[1:] if n != "seed"]
        near = difflib.get_close_matches(name, rest, n=1)
        hint = "give seed= to the survey" if name == "seed" else ""
        raise InputError(
            "the analysis has no such option",
            value=name,
            allowed=", ".join(rest) or "none",
            hint=hint or (f"perhaps you mean {near[0]!r}" if near else None),
        )
