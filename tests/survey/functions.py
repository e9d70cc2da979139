"""Analyses for the tests, importable by workers: some measure, some misbehave on purpose."""

from __future__ import annotations

import os
import signal
import sys
import time
import warnings

import numpy as np

import astrokit as ak
from astrokit.errors import DataWarning, InputError


def draw(target, *, seed, scale=1.0, sleep=0.0):
    """Return numbers that depend on the seed alone, of every kind a table can hold."""
    time.sleep(sleep)
    rng = np.random.default_rng(seed)
    number = scale * rng.normal()
    return {
        "estimate": ak.Estimate(number, 0.1, 0.2, unit="Hz"),
        "plain": float(rng.uniform()),
        "whole": int(rng.integers(1000)),
        "verdict": "positive" if number > 0 else "negative",
        "flag": bool(number > 1),
    }


def wait(target, *, seed, seconds=0.0):
    """Return after some time."""
    time.sleep(seconds)
    return {"value": 1.0}


def misbehave(target, *, seed, folder=""):
    """Do what the name of the target says."""
    name = target.name.partition("-")[0]
    if name == "raises":
        raise InputError("this target is bad", value=target.name, hint="leave it out")
    if name == "hangs":
        time.sleep(600)
    if name == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "crashes":
        os.abort()
    if name == "exits":
        sys.exit(3)
    if name == "leaves":
        os._exit(7)
    if name == "array":
        return {"x": np.zeros(3)}
    if name == "prints":
        sys.stdout.write("this must not disturb the answers\n")
        sys.stdout.flush()
        sys.stdin.read()
    if name == "warns":
        warnings.warn("one bin was left out", DataWarning, stacklevel=1)
    if name == "once":  # dies at the first attempt only, as when memory was short for a moment
        mark = os.path.join(folder, "mark")
        if not os.path.exists(mark):
            with open(mark, "w"):
                os.kill(os.getpid(), signal.SIGKILL)
    return draw(target, seed=seed)


def threads(target, *, seed):
    """Return how many threads BLAS and numba were told to use, before they were imported."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    return {name: int(os.environ[name]) for name in names} | {"pid": os.getpid()}


def read(target, *, seed):
    """Return the size of the target's file."""
    return {"bytes": target.file().stat().st_size}


def uneven(target, *, seed):
    """Return other things for every target: units, limits, words instead of numbers."""
    i = int(target.name)
    if i == 0:
        return {"a": ak.Estimate(1.0, unit="s"), "b": None}
    if i == 1:
        return {"a": ak.Estimate(2.0, 0.5, unit="d"), "c": {"d": 3}}
    if i == 2:
        return {"a": "too faint", "e": ak.Estimate(5.0, level=0.9, limit="upper")}
    return {"a": ak.Estimate(float("inf")), "e": float("nan"), "name": "x"}


def says(target, *, seed):
    """Return the text of the catalogue."""
    return {"text": target.row["text"]}


def limited(target, *, seed, units=False):
    """Return numbers of which every second one is an upper limit."""
    if target.row["i"] % 2:
        return {"flux": ak.Estimate(1000.0, unit="mJy" if units else "Jy", limit="upper")}
    return {"flux": ak.Estimate(1.0 + target.row["i"], 0.1, unit="Jy")}
