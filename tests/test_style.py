"""Limits that keep the code readable, and that no linter knows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import astrokit as ak

PACKAGE = Path(ak.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "_notebooks" not in path.parts)
MOST_LINES_OF_A_MODULE = 400
MOST_LINES_OF_A_FUNCTION = 60
MOST_OPTIONS = 8


def code_lines(source: str) -> int:
    """Count lines that hold code: no blank lines, comments or docstrings."""
    tree = ast.parse(source)
    docstrings: set[int] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            docstrings |= set(range(body[0].lineno, body[0].end_lineno + 1))
    return sum(
        1
        for number, line in enumerate(source.splitlines(), start=1)
        if line.strip() and not line.strip().startswith("#") and number not in docstrings
    )


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node


def body_lines(node: ast.FunctionDef) -> int:
    """Count the lines of a function after its signature and docstring."""
    first = node.body[1] if _is_text(node.body[0]) and len(node.body) > 1 else node.body[0]
    return (node.end_lineno or 0) - first.lineno + 1


@pytest.mark.parametrize("path", MODULES, ids=[str(p.relative_to(PACKAGE)) for p in MODULES])
def test_modules_and_functions_stay_short(path):
    source = path.read_text(encoding="utf-8")
    assert code_lines(source) <= MOST_LINES_OF_A_MODULE
    long = {f.name: body_lines(f) for f in functions(path)}
    assert not {name: n for name, n in long.items() if n > MOST_LINES_OF_A_FUNCTION}


API = [path for path in MODULES if path.name != "kernels.py"]  # kernels take bare arrays


@pytest.mark.parametrize("path", API, ids=[str(p.relative_to(PACKAGE)) for p in API])
def test_public_functions_have_few_options(path):
    """Options are what has a default or must be named; data come before them."""
    many = {}
    for f in functions(path):
        count = len(f.args.defaults) + len(f.args.kwonlyargs)
        if not f.name.startswith("_") and count > MOST_OPTIONS:
            many[f.name] = count
    assert not many


def test_no_loose_ends():
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        for word in ("TODO", "FIXME", "XXX", "NotImplementedError"):
            assert word not in text, (path.name, word)
