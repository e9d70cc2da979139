"""Every public object travels between processes, by pickle and by Dask, and stays the same."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import pytest

from astrokit.errors import AstrokitWarning
from tests.interchange.equality import first_difference
from tests.interchange.examples import EXAMPLES
from tests.interchange.public import classes_to_exchange

BY_NAME = {f"{c.__module__}.{c.__qualname__}": c for c in EXAMPLES}


def example(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)  # examples are small on purpose
        return EXAMPLES[BY_NAME[name]]()


def test_every_public_class_has_an_example():
    missing = classes_to_exchange() - set(EXAMPLES)
    assert sorted(f"{c.__module__}.{c.__qualname__}" for c in missing) == []


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_travels(name):
    original = example(name)
    assert isinstance(original, BY_NAME[name])
    stored = pickle.dumps(original)
    assert first_difference(original, pickle.loads(stored)) == ""
    assert first_difference(original, through_dask(original)) == ""


def through_dask(thing: Any) -> Any:
    """Return what a Dask worker would get."""
    protocol = pytest.importorskip("distributed.protocol")
    return protocol.deserialize(*protocol.serialize(thing, on_error="raise"))
