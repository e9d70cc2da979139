"""What an analysis may return, and the table that many answers make."""

from __future__ import annotations

import json

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table

import astrokit as ak
from astrokit.errors import InputError
from astrokit.survey.values import Answer, cells_of, citations_of
from tests.survey import functions

UNEVEN = Table({"name": ["0", "1", "2", "3"]})


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (
            ak.Estimate(2.0, 0.1, 0.2, unit="Hz"),
            {"value": 2.0, "lower": 0.1, "upper": 0.2, "unit": "Hz"},
        ),
        (ak.Estimate(2.0), {"value": 2.0}),
        (ak.Estimate(2.0, level=0.9, limit="upper"), {"value": 2.0, "limit": "upper"}),
        (1.5, {"value": 1.5}),
        (3, {"value": 3}),
        (np.float32(0.5), {"value": 0.5}),
        (np.array(4), {"value": 4}),
        (np.int64(7), {"value": 7}),
        (2.0 * u.keV, {"value": 2.0, "unit": "keV"}),
        (float("nan"), {"value": "nan"}),
        (float("-inf"), {"value": "-inf"}),
        (True, True),
        (np.bool_(False), False),
        ("words", "words"),
        (np.str_("words"), "words"),
        (b"words", "words"),
        (None, None),
        (np.ma.masked, None),
    ],
)
def test_every_kind_of_value_becomes_a_cell(value, cell):
    cells = cells_of({"x": value})
    assert cells == {"x": cell}
    assert type(cells["x"]) is type(cell)
    assert json.loads(json.dumps(cells, allow_nan=False)) == cells


@pytest.mark.parametrize("answer", [3.0, "text", None, [1, 2], [ak.Estimate(1.0)], object()])
def test_an_answer_without_names_is_refused(answer):
    with pytest.raises(InputError, match="no row of a table"):
        cells_of(answer)


@pytest.mark.parametrize("value", [np.zeros(3), [1, 2], object(), 1j, np.zeros(2) * u.s])
def test_what_is_no_cell_is_refused(value):
    with pytest.raises(InputError, match="x cannot be a cell"):
        cells_of({"x": value})


def test_rows_estimates_and_nested_mappings_have_names():
    assert cells_of(Table({"a": [1.0], "b": ["t"]})[0]) == {"a": {"value": 1.0}, "b": "t"}
    assert cells_of(ak.Estimate(1.0, name="n")) == {"n": {"value": 1.0}}
    assert cells_of([ak.Estimate(1.0, name="n")]) == {"n": {"value": 1.0}}
    assert cells_of({"a": {"b": 1, "c": {"d": 2}}}) == {"a_b": {"value": 1}, "a_c_d": {"value": 2}}
    with pytest.raises(InputError, match="two values of one name"):
        cells_of({"a": {"b": 1}, "a_b": 2})


def test_citations_come_from_answers_and_from_provenance():
    assert citations_of(Answer({"x": 1}, ("vaughan2003",))) == ("vaughan2003",)
    assert citations_of({"x": 1}) == ()


@pytest.mark.parametrize("format", ["ecsv", "parquet"])
def test_answers_that_differ_make_one_table(tmp_path, format):
    if format == "parquet":
        pytest.importorskip("pyarrow")
    table = ak.survey.run(functions.uneven, UNEVEN, tmp_path / "out", format=format).table
    assert table.colnames == [
        *("name", "status", "a", "a_lower", "a_upper", "a_unit", "a_text", "b", "c_d"),
        *("e", "e_limit", "name_", "warnings", "error"),
    ]

    def column(name):
        return [None if np.ma.is_masked(v) else v for v in np.ma.asarray(table[name])]

    assert column("a") == [1.0, 2.0, None, np.inf]
    assert column("a_lower") == [None, 0.5, None, None]
    assert column("a_unit") == ["s", "d", None, None]
    assert column("a_text") == [None, None, "too faint", None]
    assert column("b") == [None] * 4
    assert column("c_d") == [None, 3, None, None]
    assert column("e") == [None, None, 5.0, None]
    assert column("e_limit") == [None, None, "upper", None]
    assert column("name_") == [None, None, None, "x"]


def test_units_that_agree_belong_to_the_column(tmp_path):
    survey = ak.survey.run(functions.draw, Table({"name": ["a", "b"]}), tmp_path / "out")
    assert survey.table["estimate"].unit == u.Hz
    assert survey.table["estimate_upper"].tolist() == [0.2, 0.2]
    assert survey.table["whole"].dtype.kind == "i"
    assert survey.table["flag"].dtype.kind == "b"
