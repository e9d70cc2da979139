"""Whatever the bytes: a light curve, or a refusal of ours that names the file."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import astrokit as ak
from astrokit.errors import AstrokitError

from . import ogip


def read_or_refuse(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ak.errors.DataWarning)
        lc, refusal = None, None
        try:
            lc = ak.read_lightcurve(path)
        except AstrokitError as error:
            refusal = str(error)
    if lc is None:
        assert path.name in refusal
        return
    assert np.all(np.diff(lc.time) > 0)
    assert np.array_equal(np.isfinite(lc.rate), lc.valid)


CELLS = st.one_of(
    st.integers(-5, 99999).map(str),
    st.floats(allow_nan=True).map(repr),
    st.sampled_from(["", "nan", "x", "-", '"', "1e400", "#", "NO", "MJD", "rate", "time", "err"]),
)
TABLES = st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=1, max_size=8)


@settings(max_examples=150)
@given(rows=TABLES, separator=st.sampled_from([",", " ", "\t", ";"]))
def test_tables_of_any_cells(tmp_path_factory, rows, separator):
    path = tmp_path_factory.getbasetemp() / "cells.txt"
    path.write_text("\n".join(separator.join(row) for row in rows))
    read_or_refuse(path)


@given(content=st.binary(max_size=300))
def test_any_bytes(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "bytes.dat"
    path.write_bytes(content)
    read_or_refuse(path)


@pytest.fixture(scope="module", params=["mission", "own"])
def fits_bytes(request, tmp_path_factory):
    """Return a sound FITS light curve with intervals: of a mission, or written by us."""
    path = tmp_path_factory.mktemp("fuzz") / "a.lc"
    if request.param == "own":
        return ak.LightCurve([1, 2, 3], [1, 2, 3], [0.1] * 3).write(path).read_bytes()
    return ogip.save(path, ogip.rates(), ogip.gti([[950, 1950]])).read_bytes()


@pytest.mark.parametrize("seed", range(10))
def test_fits_files_with_changed_bytes(tmp_path, fits_bytes, seed):
    rng = np.random.default_rng(seed)
    # Text cells of headers, where a change of one letter alters the meaning of the file.
    text = np.flatnonzero([32 < byte < 127 for byte in fits_bytes])
    for number in range(15):
        content = bytearray(fits_bytes)
        for where in rng.choice(text, rng.integers(1, 7)):
            content[where] = rng.integers(32, 127)
        path = tmp_path / f"changed{number}.lc"
        path.write_bytes(bytes(content))
        read_or_refuse(path)


@settings(max_examples=60)
@given(where=st.integers(0, 20000))
def test_fits_files_that_end_anywhere(tmp_path_factory, fits_bytes, where):
    path = tmp_path_factory.getbasetemp() / "short.lc"
    path.write_bytes(fits_bytes[: where % len(fits_bytes)])
    read_or_refuse(path)
