"""Anything may stand in a catalogue or a configuration: it is understood, or refused in words."""

from __future__ import annotations

import contextlib
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import astrokit as ak
from astrokit.errors import AstrokitError
from astrokit.survey.parts import PARTS

_FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
_CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["../x", "/etc/passwd", "a\0b", "..", "", "nan", '"', "x" * 300, "~/x", "c:\\x"]
    ),
)


@_FEW
@given(st.binary(max_size=200), st.sampled_from(["csv", "ecsv", "fits", "txt", "parquet"]))
def test_bytes_that_call_themselves_a_catalogue(tmp_path, data, suffix):
    path = tmp_path / f"list.{suffix}"
    path.write_bytes(data)
    with contextlib.suppress(AstrokitError):
        assert len(ak.survey.read_catalogue(path)) > 0


@_FEW
@given(st.lists(st.tuples(_CELLS, _CELLS), min_size=1, max_size=4))
def test_rows_of_any_text_stay_in_the_folder(tmp_path, rows):
    from astropy.table import Table

    table = Table(rows=rows, names=("name", "path"), dtype=(str, str))
    try:
        found = ak.survey.read_catalogue(table, root=tmp_path)
    except AstrokitError:
        return
    for target in found:
        assert os.path.realpath(target.path).startswith(os.path.realpath(tmp_path) + os.sep)


@_FEW
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_bytes_that_call_themselves_a_configuration(tmp_path, data):
    path = tmp_path / "survey.toml"
    path.write_bytes(b"[survey]\n" + data)
    with pytest.raises(AstrokitError):
        ak.survey.read_config(path)


@_FEW
@given(st.binary(max_size=300), st.sampled_from(sorted(PARTS)), st.integers(0, 600))
def test_damaged_parts_are_no_rows(data, format, cut):
    if format == "parquet":
        pytest.importorskip("pyarrow")
    whole = PARTS[format].encode([]) if format == "ecsv" else b"PAR1"
    with pytest.raises(ValueError):
        PARTS[format].decode(whole[:cut] + b"\0" + data)
