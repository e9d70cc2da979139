"""Errors carry value, allowed range and way out, and survive pickling."""

from __future__ import annotations

import inspect
import pickle

import pytest

from astrokit import errors

FAMILY = [
    cls
    for _, cls in inspect.getmembers(errors, inspect.isclass)
    if issubclass(cls, errors.AstrokitError)
]


def make(cls: type[errors.AstrokitError]) -> errors.AstrokitError:
    if cls is errors.LikelihoodError:
        return cls("lnL is NaN", parameters={"slope": 2.0}, hint="narrow the priors")
    return cls("dt is negative", value=-2.0, allowed="> 0 s", hint="give dt in seconds")


@pytest.mark.parametrize("cls", FAMILY)
def test_message_names_the_value_and_the_way_out(cls: type[errors.AstrokitError]) -> None:
    text = str(make(cls))
    assert "2.0" in text
    assert "Way out: " in text
    assert text.endswith(".")


@pytest.mark.parametrize("cls", FAMILY)
def test_pickle_keeps_everything(cls: type[errors.AstrokitError]) -> None:
    before = make(cls)
    after = pickle.loads(pickle.dumps(before))
    assert type(after) is cls
    assert str(after) == str(before)
    assert after.value == before.value
    assert after.hint == before.hint


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [
        (errors.InputError, ValueError),
        (errors.UnitError, ValueError),
        (errors.ReadError, OSError),
        (errors.FitError, RuntimeError),
        (errors.MissingDependencyError, ImportError),
        (errors.LikelihoodError, FloatingPointError),
    ],
)
def test_errors_are_also_built_in_ones(cls: type, builtin: type) -> None:
    with pytest.raises(builtin):
        raise make(cls)


def test_long_values_are_shortened() -> None:
    assert len(str(errors.InputError("too long", value=list(range(10**5))))) < 300


def test_facts_are_keyword_only() -> None:
    with pytest.raises(TypeError):
        errors.InputError("dt is negative", -2.0)  # type: ignore[misc]
