"""Expressions in parameters, as ties of lmfit have them: arithmetic and functions of numbers.

They may stand in files that others wrote, so they are read before they are evaluated: only numbers,
names and arithmetic pass. asteval, the interpreter of lmfit, then does the arithmetic.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["evaluate", "names_in", "parsed"]

FloatArray = NDArray[np.float64]

_LONGEST = 2000  # characters
_DEEPEST = 60
_FUNCTIONS = frozenset(
    """
    abs absolute arccos arccosh arcsin arcsinh arctan arctan2 arctanh acos acosh asin asinh atan
    atan2 atanh cbrt ceil clip copysign cos cosh deg2rad degrees exp exp2 expm1 fabs floor fmax
    fmin fmod hypot log log10 log1p log2 logaddexp max maximum min minimum mod power rad2deg
    radians rint round sign sin sinc sinh sqrt square tan tanh trunc where
    """.split()  # noqa: SIM905
)
_NODES = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.Name, ast.Load,
    ast.Constant, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.UAdd,
    ast.USub, ast.Not, ast.And, ast.Or, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE,
)  # fmt: skip


def parsed(expression: str) -> ast.Expression:
    """Return the tree of an expression in which only arithmetic stands.

    Raises
    ------
    SyntaxError
        For anything that is no arithmetic of numbers, names and mathematical functions.

    Examples
    --------
    >>> from astrokit.inference.expressions import parsed
    >>> parsed("open('data')")
    Traceback (most recent call last):
        ...
    SyntaxError: 'open' is no mathematical function
    """
    if len(expression) > _LONGEST:
        raise SyntaxError(f"the expression has more than {_LONGEST} characters")
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (ValueError, RecursionError, MemoryError) as error:  # a NUL, or endless brackets
        raise SyntaxError(f"the expression cannot be read: {error}") from None
    _require_arithmetic(tree, 0)
    return tree


def names_in(expression: str) -> set[str]:
    """Return the names that an expression uses, functions included."""
    return {node.id for node in ast.walk(parsed(expression)) if isinstance(node, ast.Name)}


def evaluate(expression: str, columns: Mapping[str, FloatArray]) -> Any:
    """Return the value of an expression in which names stand for columns of numbers.

    Raises
    ------
    SyntaxError
        As :func:`parsed`.
    NameError
        For a name that is neither a column nor a constant.
    """
    from asteval import Interpreter

    tree = _with_floats().visit(parsed(expression))
    interpreter = Interpreter(minimal=True)
    interpreter.symtable.update(columns)
    return interpreter(ast.unparse(tree), raise_errors=True, show_errors=False)


def _require_arithmetic(node: ast.AST, depth: int) -> None:
    if depth > _DEEPEST:
        raise SyntaxError("the expression is nested too deeply")
    if not isinstance(node, _NODES):
        raise SyntaxError(f"{type(node).__name__} is no arithmetic")
    if isinstance(node, ast.Constant) and type(node.value) not in (int, float, bool):
        raise SyntaxError(f"{node.value!r} is no number")
    if isinstance(node, ast.Name) and node.id.startswith("__"):
        raise SyntaxError(f"{node.id!r} is no parameter")
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else "this"
        if name not in _FUNCTIONS or node.keywords:
            raise SyntaxError(f"{name!r} is no mathematical function")
    for child in ast.iter_child_nodes(node):
        _require_arithmetic(child, depth + 1)


def _with_floats() -> ast.NodeTransformer:
    """Return what makes floats of whole numbers: powers of them overflow instead of growing."""

    class Floats(ast.NodeTransformer):
        def visit_Constant(self, node: ast.Constant) -> ast.Constant:
            if type(node.value) is not int:
                return node
            try:
                return ast.copy_location(ast.Constant(float(node.value)), node)
            except OverflowError:
                raise SyntaxError("a number of the expression is too large") from None

    return Floats()
