"""What all tests share: a deterministic hypothesis profile, real data where there are any."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

import astrokit as ak

os.environ["MPLBACKEND"] = "Agg"  # before anything imports matplotlib: tests need no screen

# The same examples on every machine and run: a failure found once is found again.
settings.register_profile("astrokit", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("astrokit")


def real_file(name: str) -> Path:
    """Return a real data file that is on this computer, or skip the test and say what is missing.

    Nothing is downloaded: a test run needs no network.
    """
    path = ak.datasets.find(name)
    if path is None:
        pytest.skip(f"{name} is not on this computer (set ASTROKIT_DATA_DIR)")
    return path


@pytest.fixture
def real_data():
    """Give access to :func:`real_file` as a fixture: ``path = real_data("mrk766")``."""
    return real_file


@pytest.fixture(autouse=True)
def _figures_are_closed():
    """Close the figures of each test, so that none leaks into the next."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
