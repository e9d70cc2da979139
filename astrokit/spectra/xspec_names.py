"""Models written as in XSPEC: ``"tbabs * (powerlaw + gaussian)"``."""

from __future__ import annotations

import ast
from difflib import get_close_matches

from ..errors import InputError
from . import absorption, components
from .models import Component, SpectralModel

__all__ = ["from_xspec"]


def from_xspec(expression: str) -> SpectralModel:
    """Return a model from an XSPEC expression; all parameters are free, with default priors.

    Parameters
    ----------
    expression : str
        Names of components, ``+``, ``*`` and parentheses, as in XSPEC, which writes ``zashift`` for
        :class:`Redshift`. A product may leave out the ``*`` before a parenthesis.

    Returns
    -------
    SpectralModel

    Raises
    ------
    InputError
        For an unknown component, or what is no expression.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.spectra.from_xspec("tbabs(powerlaw + gauss)")
    TBabs() * (PowerLaw() + GaussianLine())
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError as error:
        raise InputError(
            "this is no model expression", value=expression, hint="such as 'tbabs*(powerlaw+gauss)'"
        ) from error
    return _built(tree, expression)


def _built(node: ast.expr, expression: str) -> SpectralModel:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _built(node.left, expression) + _built(node.right, expression)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _built(node.left, expression) * _built(node.right, expression)
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        return _built(node.func, expression) * _built(node.args[0], expression)
    if isinstance(node, ast.Name):
        return _component(node.id)
    raise InputError(
        "only components, '+', '*' and parentheses can stand in a model",
        value=expression,
        allowed=", ".join(sorted(_known())),
    )


def _known() -> dict[str, type[Component]]:
    """Return the components that exist here by their XSPEC names."""
    classes = [
        getattr(module, name)
        for module in (components, absorption)
        for name in module.__all__
        if isinstance(getattr(module, name), type)
    ]
    return {cls.xspec: cls for cls in classes if cls.xspec}


def _component(name: str) -> SpectralModel:
    known = _known()
    wanted = name.lower()
    # XSPEC takes any unambiguous beginning, such as "gauss" or "po".
    found = [x for x in known if x == wanted] or [x for x in known if x.startswith(wanted)]
    if len(found) == 1:
        return known[found[0]]()
    near = get_close_matches(wanted, known, n=1)
    raise InputError(
        "this component does not exist here" if not found else "this name is not unique",
        value=name,
        allowed=", ".join(sorted(found or known)),
        hint=f"did you mean {near[0]!r}?" if near else "write it as a UserModel",
    )
