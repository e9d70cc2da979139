"""Targets, what is measured of them, and a finished survey in its folder."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

import astrokit as ak
from astrokit import survey as room

_CONFIGURATION = """
[survey]
analysis = "complexity.hc"
output = "out"
[catalogue]
source = "*.ecsv"
[options]
n = 3
"""


@functools.cache
def folder() -> tempfile.TemporaryDirectory[str]:
    """Return a folder with two curves, of which one is damaged; it goes when the tests end."""
    made = tempfile.TemporaryDirectory()
    path = Path(made.name)
    (path / "survey.toml").write_text(_CONFIGURATION, encoding="utf-8")
    (path / "damaged.ecsv").write_text("cut off", encoding="utf-8")
    rate = 5.0 + np.arange(40.0) ** 2 % 7
    ak.LightCurve(np.arange(40.0), rate, np.ones(40)).write(path / "whole.ecsv")
    return made


def configuration() -> room.Configuration:
    return room.read_config(Path(folder().name) / "survey.toml")


def catalogue() -> room.Catalogue:
    table = Table({"name": ["a", "b"], "distance": [57.7, 16.5], "near": [False, True]})
    table["distance"].unit = "Mpc"
    return room.read_catalogue(table)


@functools.cache
def survey() -> room.Survey:
    out = Path(folder().name) / "out"
    return room.run("complexity.hc", configuration().targets(), out, options={"n": 3})


EXAMPLES: dict[type, Any] = {
    room.Answer: lambda: room.Answer({"mean": ak.Estimate(5.0, 0.1)}, ("bandt2002",)),
    room.Catalogue: catalogue,
    room.Configuration: configuration,
    room.Survey: survey,
    room.Target: lambda: catalogue()[0],
}
