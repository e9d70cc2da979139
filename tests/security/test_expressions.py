"""Ties and derived quantities are arithmetic: words that would do more are refused unread."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

import astrokit as ak
from astrokit.errors import AstrokitError, ParameterError
from astrokit.inference import Parameter, Parameters, Uniform
from astrokit.inference.expressions import evaluate, names_in
from tests.interchange.examples.inference import posterior

HOSTILE = [
    "__import__('os').system('touch harmed')",
    "open('harmed', 'w')",
    "open('/etc/passwd').read()",
    "exec('import os')",
    "eval('1')",
    "().__class__.__bases__[0].__subclasses__()",
    "a.__class__",
    "a.tofile('harmed')",
    "getattr(a, 'tofile')('harmed')",
    "(lambda: 1)()",
    "[a for a in (1, 2)]",
    "{1: 2}[1]",
    "'text' * 1000000000",
    "f'{a}'",
    "a := 3",
    "fromfile('/etc/passwd')",
    "loadtxt('/etc/passwd')",
    "save('harmed', a)",
    "zeros(10000000000)",
    "ones((100000, 100000))",
    "arange(1e12)",
    "dir()",
    "type(a)",
    "print(a)",
    "input()",
    "import os",
    "a; b",
    "a = 1",
    "def f(): pass",
    "while True: pass",
    "9**9**9**9**9",
    "(9**9999)**9999",
    "1" * 5000,
    "(" * 500 + "1" + ")" * 500,
    "-" * 1000 + "1",
    "a[0]",
    "a @ a",
    "sin(a, out=a)",
    "numpy.exp(a)",
    "__builtins__",
    "a if a else 1",
    "a << 9999999999",
    "1j * a",
    "...",
    "None",
    "\0",
    "a\n+ open('harmed')",
    "",
    "   ",
]


def tied(expression):
    return Parameters(
        [Parameter("a", 1.0, Uniform(0.5, 2.0)), Parameter("b", 1.0, tied=expression)]
    )


@pytest.mark.parametrize("expression", HOSTILE)
def test_hostile_ties_are_refused(expression, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    start = time.process_time()
    with pytest.raises(AstrokitError):
        tied(expression or " ")
    assert time.process_time() - start < 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("expression", HOSTILE)
def test_hostile_derived_quantities_are_refused(expression, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expression = expression.replace("a", "slope") if expression == "a @ a" else expression
    with pytest.raises(AstrokitError):
        posterior().derived(expression)
    assert list(tmp_path.iterdir()) == []


def test_a_hostile_tie_of_lmfit_is_refused_as_well():
    import lmfit

    theirs = lmfit.Parameters()
    theirs.add("a", value=1.0, min=0.0, max=2.0)
    theirs.add("b", expr="a + 1")
    assert Parameters.from_lmfit(theirs)["b"].tied == "a + 1"
    theirs["b"].expr = "dir()[0] + a"
    with pytest.raises((AstrokitError, TypeError)):
        Parameters.from_lmfit(theirs)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 * a + 1", 4.0),
        ("a**2", 2.25),
        ("exp(-a / 2) + sqrt(abs(-a))", math.exp(-0.75) + math.sqrt(1.5)),
        ("arctan2(a, pi)", math.atan2(1.5, math.pi)),
        ("where(a > 1, a, -a)", 1.5),
        ("minimum(a, 1) - -1", 2.0),
        ("1e3 * a // 7 % 5", 1500.0 // 7 % 5),
    ],
)
def test_arithmetic_is_what_it_was(expression, value):
    found = evaluate(expression, {"a": np.array([1.5, 1.5])})
    np.testing.assert_allclose(np.broadcast_to(found, 2), value, rtol=1e-15)


def test_names_are_found():
    assert names_in("2 * slope + exp(bend)") == {"slope", "bend", "exp"}


def test_the_refusal_says_what_is_allowed():
    with pytest.raises(ParameterError, match=r"tie is not an expression.*'open' is no mathem"):
        tied("open('x')")
    with pytest.raises(AstrokitError, match=r"cannot be evaluated.*parameters intercept, slope"):
        posterior().derived("open('x')")


def test_downloads_come_with_a_checksum():
    """Whatever is not bundled has the sha256 that its bytes must have."""
    for name in ak.datasets.names():
        known = ak.datasets.info(name)
        assert len(known.sha256) == 64, name
        assert set(known.sha256) <= set("0123456789abcdef"), name
        assert not known.url or known.url.startswith("https://"), name
        assert ".." not in known.file.split("/"), name
        assert not known.file.startswith("/"), name
