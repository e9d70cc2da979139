"""What a survey gives: tables, failures, a report, provenance and what to cite."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import numpy as np
import pytest
from astropy.table import Table

import astrokit as ak
from astrokit.errors import InputError
from astrokit.survey import Answer
from tests.survey import functions


def cited(target, *, seed):
    """Return something that has a reference."""
    return Answer({"x": float(len(target.name))}, ("vaughan2003",))


@pytest.fixture(scope="module")
def survey(tmp_path_factory) -> ak.survey.Survey:
    targets = Table({"name": ["raises-<b>", *(f"fine-{i}" for i in range(20))]})
    folder = tmp_path_factory.mktemp("result") / "out"
    return ak.survey.run(functions.misbehave, targets, folder, seed=5)


def test_a_survey_prints_itself(survey):
    assert "20 measured, 1 failed, 0 missing" in repr(survey)
    assert "1 x InputError, first: this target is bad" in survey._repr_html_()
    assert repr(survey).startswith("Survey out: tests.survey.functions:misbehave")
    assert repr(ak.survey.load(survey.folder)) == repr(survey)
    assert len(survey) == 21


def test_the_provenance_says_what_ran(survey):
    record = json.loads((survey.folder / "provenance.json").read_text())
    assert record["seed"]["entropy"] == 5
    assert record["arguments"]["targets"] == 21
    assert record["versions"]["astrokit"] == survey.provenance.versions["astrokit"]
    assert str(survey.folder) not in json.dumps(record)


def test_what_the_analysis_rests_on_is_cited(tmp_path):
    result = ak.survey.run(cited, Table({"name": ["a", "bb"]}), tmp_path / "out")
    assert result.provenance.citations == ("vaughan2003",)
    assert "vaughan2003" in str(ak.cite(result)).lower()
    assert ak.survey.load(tmp_path / "out").provenance == result.provenance


class _Page(HTMLParser):
    void = frozenset({"meta", "link", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.sources: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.void:
            self.open.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_report_is_one_page_that_stands_by_itself(survey):
    page = _Page()
    page.feed((survey.folder / "report.html").read_text(encoding="utf-8"))
    assert page.open == []
    assert page.sources == ["data:,"]
    for words in ("20 measured", "1 failed", "raises-<b>", "this target is bad", "estimate"):
        assert words in page.text


def test_the_distribution_of_a_column_is_drawn(survey):
    values = survey.plot_data("estimate")
    assert values.shape == (20,)
    ax = survey.plot("estimate")
    assert ax.get_xlabel() == "estimate [Hz]"
    assert sum(patch.get_height() for patch in ax.patches[:-1]) == 20
    lines = [line.get_xdata()[0] for line in ax.lines]
    assert lines == [np.median(values)]
    assert survey.plot("estimate_lower").patches
    with pytest.raises(InputError, match="no such column of numbers"):
        survey.plot("verdict")


@pytest.mark.parametrize("format", ["ecsv", "parquet"])
def test_no_row_is_lost_to_odd_names_and_text(tmp_path, format):
    names = ["#1", " # 2", "nan", "--", '"quoted"', "a,b", "True"]
    texts = ["two\nlines", "three\r\nand\u2028more", "#5", "nan", 'say "x"', "a,b", "--"]
    targets = Table({"name": names, "text": texts})
    result = ak.survey.run(functions.says, targets, tmp_path / "out", format=format)
    assert result.counts == {"ok": 7, "failed": 0, "missing": 0}
    assert list(result.table["name"]) == [name.strip() for name in names]
    shown = ["two lines", "three and more", *texts[2:]]
    assert [str(text) for text in result.table["text"]] == shown
    if format == "ecsv":  # parts are read by others, too
        part = Table.read(tmp_path / "out/parts/part-000001.ecsv", format="ascii.ecsv")
        assert len(part) == 7


def test_limits_are_not_measurements(tmp_path):
    result = ak.survey.run(
        functions.limited, Table({"name": list("abcd"), "i": range(4)}), tmp_path
    )
    assert list(result.plot_data("flux")) == [1.0, 3.0]
    assert result.plot("flux").get_title() == "2 of 4 targets, 2 limits not shown"
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    row = page.partition("<td>flux</td>")[2].partition("</tr>")[0]
    assert row == "<td>Jy</td><td>2</td><td>2</td><td>2</td><td>1.32 to 2.68</td>"


def test_numbers_in_different_units_are_not_mixed(tmp_path):
    targets = Table({"name": list("abcd"), "i": range(4)})
    options = {"units": True}
    result = ak.survey.run(functions.limited, targets, tmp_path, options=options)
    with pytest.raises(InputError, match=r"flux: Jy, mJy.*flux_unit"):
        result.plot_data("flux")
    assert "<td>flux</td><td>differs</td>" in (tmp_path / "report.html").read_text()
