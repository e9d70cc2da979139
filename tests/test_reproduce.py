"""Rows, the runner and its report, on notebooks made here."""

from __future__ import annotations

import base64
import json
import math
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import numpy as np
import pytest
from astropy.table import Table
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import astrokit as ak
from astrokit import Estimate, reproduce
from astrokit.errors import InputError, UnitError
from astrokit.reproduce import Row, RowTable, Skipped, Sources
from astrokit.reproduce.figures import notebook_figures
from astrokit.reproduce.markup import pull_chart, typographic
from astrokit.reproduce.notebooks import notebook_folder
from tests.browser import broken_links, loads_from_elsewhere, visit

SHIPPED = sorted(notebook_folder().glob("*.ipynb"))


# ---- rows --------------------------------------------------------------------------------------


def test_the_difference_is_in_units_of_the_combined_error():
    row = Row("q", Estimate(2.0, 0.3), Estimate(2.5, 0.4))
    assert row.difference == pytest.approx(-0.5, abs=1e-15)
    assert row.sigma == pytest.approx(-1.0, rel=1e-12)  # 0.5 / sqrt(0.09 + 0.16)


def test_the_facing_sides_of_asymmetric_errors_count():
    low = Row("q", Estimate(1.0, 9.0, 0.3), Estimate(2.0, 0.4, 9.0))
    assert low.sigma == pytest.approx(-2.0, rel=1e-12)  # 1 / sqrt(0.3**2 + 0.4**2)


def test_the_published_value_is_converted_to_the_unit_of_the_measured_one():
    row = Row("f_b", Estimate(2.0, 0.1, unit="mHz"), Estimate(0.002, 0.0, unit="Hz"))
    assert row.sigma == 0.0
    assert row.published.value == pytest.approx(2.0, rel=1e-12)
    with pytest.raises(UnitError):
        Row("f_b", Estimate(2.0, 0.1, unit="mHz"), Estimate(0.002, unit="s"))


@pytest.mark.parametrize(
    ("details", "verdict"),
    [
        ({}, "agrees"),  # 2.5 sigma within 3
        ({"max_sigma": 2.0}, "differs"),
        ({"max_difference": 0.3}, "agrees"),
        ({"max_difference": 0.2}, "differs"),
        ({"expect": "context", "max_sigma": 0.0}, "context"),
    ],
)
def test_the_verdict_follows_the_stated_tolerance(details, verdict):
    assert Row("q", Estimate(1.25, 0.1), Estimate(1.0), **details).verdict == verdict


def test_a_value_without_error_is_taken_as_exact():
    assert Row("q", Estimate(1.2, 0.1), Estimate(1.0)).sigma == pytest.approx(2.0, rel=1e-12)
    assert math.isnan(Row("q", Estimate(1.2), Estimate(1.0), expect="context").sigma)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "guess"}, "kind is unknown.*guess.*published, check, truth"),
        ({"expect": "hope"}, "expect is unknown.*agree, context"),
        ({"measured": Estimate(1.0)}, "neither value has an error.*give max_difference"),
        ({"measured": Estimate(1.0, limit="upper", level=0.9)}, "agreement with a limit"),
    ],
)
def test_what_cannot_be_judged_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Row("q", **{"measured": Estimate(1.0, 0.1), "published": Estimate(1.0), **arguments})


def test_a_limit_may_be_shown_as_context():
    limit = Estimate(1.0, limit="upper", level=0.9)
    assert Row("q", limit, Estimate(0.5), expect="context").verdict == "context"


def test_a_misspelt_keyword_is_a_type_error():
    with pytest.raises(TypeError, match="referense"):
        reproduce.record("q", measured=1.0, published=1.0, referense="x")


def test_rows_survive_strict_json():
    row = Row("q", Estimate(1.2, 0.1, unit="Hz"), Estimate(1.0, unit="Hz"), "paper", note="n")
    text = json.dumps(row.as_dict(), allow_nan=False)
    again = Row.from_dict(json.loads(text))
    assert again.texts() == row.texts()
    assert again.sigma == row.sigma
    assert math.isnan(again.published.lower)


def test_a_check_keeps_the_digits_that_it_checks():
    row = Row("T_SSE", Estimate(619.0512), Estimate(619.05), kind="check", max_difference=0.01)
    assert row.texts()["measured"] == "619.0512"


def test_the_table_lists_rows_and_skipped_parts():
    table = RowTable(
        [
            Row("slope", Estimate(2.1, 0.1), Estimate(2.0), kind="truth"),
            Row("flux", Estimate(3.0, 0.1), Estimate(3.0001, 0.1)),
            Skipped("real data", "not here"),
        ]
    )
    assert str(table).splitlines() == [
        "quantity   published      measured       diff/sigma  verdict",
        "---------  -------------  -------------  ----------  -----------------",
        "slope      2 (truth)      2.10 +/- 0.10       +1.00  agrees",
        "flux       3.00 +/- 0.10  3.00 +/- 0.10        0.00  agrees",
        "real data                                            skipped: not here",
    ]
    assert len(table) == 3


class _Tags(HTMLParser):
    """Checks that tags are closed in order, and collects text."""

    VOID = frozenset({"meta", "col", "br", "link", "img", "input", "hr"})

    def __init__(self):
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def text_of(html: str) -> str:
    parser = _Tags()
    parser.feed(html)
    assert parser.open == []
    return parser.text


@pytest.mark.parametrize("sigma", [-7.0, 0.5, 7.0])
def test_the_html_of_rows_is_well_formed_and_escaped(sigma):
    row = Row("<b>slope</b>", Estimate(2.0 + sigma, 1.0), Estimate(2.0), "A & B", note="1 < 2")
    text = text_of(RowTable([row, Skipped("x<y", "a&b")])._repr_html_())
    for piece in ("<b>slope</b>", "A & B", "1 < 2", "x<y", "a&b"):
        assert piece in text
    assert row.verdict in text


# ---- the shipped notebooks ---------------------------------------------------------------------


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_notebooks_are_committed_clean(path):
    """No outputs, no counters, no traces of the author's machine; a title comes first."""
    content = nbformat.read(path, as_version=4)
    nbformat.validate(content)
    assert content.cells[0].source.startswith("# ")
    for cell in content.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
        assert not cell.metadata
    assert set(content.metadata) <= {"kernelspec", "language_info"}
    assert b"\r" not in path.read_bytes()


# ---- the runner --------------------------------------------------------------------------------


def write(folder: Path, name: str, *cells: str) -> str:
    notebook = new_notebook(cells=[new_markdown_cell(f"# Title of {name}")])
    notebook.cells += [new_code_cell(cell) for cell in cells]
    path = folder / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return str(path)


GOOD = """
import astrokit as ak
ak.datasets.fetch("simulated-epoch-01")
record = ak.provenance.Recorder("demo", citations=["vaughan2003"]).finish()
ak.reproduce.record("slope", measured=ak.Estimate(2.1, 0.1), published=2.0, reference="P & Q")
ak.reproduce.record("flux", measured=ak.Estimate(9.0, 0.1), published=2.0, expect="context")
ak.reproduce.skip("the rest", "no data")
"""
PLOT = "import matplotlib.pyplot as plt; plt.plot([0, 1]); plt.show()"
DIFFERS = """
import astrokit as ak
ak.reproduce.record("slope", measured=ak.Estimate(9.0, 0.1), published=2.0)
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One run of three notebooks: one that agrees, one that differs, one that fails."""
    folder = tmp_path_factory.mktemp("notebooks")
    said: list[str] = []
    files = [
        write(folder, "good", GOOD, "import os; open('side.txt', 'w').close(); os.getcwd()", PLOT),
        write(folder, "differs", DIFFERS, "ak.reproduce.is_fast()"),
        write(folder, "fails", GOOD, "raise ValueError('too <small>')", "never = 1"),
    ]
    report = reproduce.run(files, output=folder / "report", fast=True, progress=said.append)
    return report, "".join(said)


def test_the_rows_come_out_of_the_executed_notebooks(finished):
    report, _ = finished
    good, differs, fails = report.runs
    assert [r.quantity for r in good.rows if isinstance(r, Row)] == ["slope", "flux"]
    assert good.rows[0].sigma == pytest.approx(1.0, rel=1e-12)
    assert good.rows[2] == Skipped("the rest", "no data")
    assert (good.ok, differs.ok, fails.ok, report.ok) == (True, False, False, False)


def test_a_failed_notebook_names_the_cell_and_the_error_and_the_others_go_on(finished):
    report, said = finished
    assert report.runs[2].error.startswith("in cell 3 of 4:")
    assert report.runs[2].error.endswith("ValueError: too <small>")
    assert len(report.runs[2].rows) == 3  # what it had recorded before is kept
    assert "FAILED: ValueError: too <small>" in said


def test_there_is_one_progress_line_per_notebook(finished):
    _, said = finished
    lines = said.splitlines()
    assert [line.split()[0] for line in lines] == ["[1/3]", "[2/3]", "[3/3]"]
    assert lines[0].endswith("1 agree, 1 context, 1 skipped")
    assert lines[1].endswith("1 differ")


def test_fast_reaches_the_notebook_and_it_runs_in_an_empty_folder(finished):
    report, _ = finished
    good = nbformat.read(report.folder / "good.ipynb", as_version=4)
    differs = nbformat.read(report.folder / "differs.ipynb", as_version=4)
    assert differs.cells[2].outputs[0].data["text/plain"] == "True"
    folder = Path(good.cells[2].outputs[0].data["text/plain"].strip("'"))
    assert folder != Path.cwd()
    assert not folder.exists()  # side files vanish with it


def test_the_report_page_shows_every_row_and_links_every_notebook(finished):
    report, _ = finished
    html = (report.folder / "index.html").read_text(encoding="utf-8")
    text = text_of(html)
    for piece in ("Title of good", "P & Q", "no data", "too <small>", "numpy", "a notebook failed"):
        assert piece in text
    for name in ("good", "differs", "fails"):
        assert f'href="{name}.html"' in html
        assert (report.folder / f"{name}.html").stat().st_size > 10_000
    assert "https://" not in html  # the page needs nothing from elsewhere
    assert loads_from_elsewhere(report.folder / "index.html") == []
    assert broken_links(report.folder / "index.html") == []


def test_the_report_page_holds_figures_data_and_citations(finished):
    report, _ = finished
    html = (report.folder / "index.html").read_text(encoding="utf-8")
    assert html.count("data:image/png") == 1
    text = text_of(html)
    data = ak.datasets.info("simulated-epoch-01")
    for piece in (data.sha256, data.licence, "@article{vaughan2003", "astrokit reproduce", "UTC"):
        assert piece in text, piece
    assert report.runs[0].sources == Sources(("vaughan2003",), (data.name,))
    assert report.runs[2].sources == Sources()  # it was stopped before it could say
    assert "vaughan2003" in report.citation().keys


def test_what_asks_for_sources_is_not_left_in_the_notebook(finished):
    for name in ("good", "fails"):
        content = nbformat.read(finished[0].folder / f"{name}.ipynb", as_version=4)
        assert not any("of_this_process" in cell.source for cell in content.cells)


def test_the_report_page_in_a_browser(finished, tmp_path):
    page = finished[0].folder / "index.html"
    script = """
      document.querySelector("th:nth-child(5) button").click();
      const verdicts = [...document.querySelectorAll("table")][0].tBodies[0].rows;
      return { order: [...verdicts].map((row) => row.lastElementChild.textContent),
               inner: document.documentElement.scrollWidth,
               outer: document.documentElement.clientWidth,
               drawn: document.images[0].naturalWidth };
    """
    seen = visit(page, tmp_path, width=400, script=script, screenshot=True)
    assert seen.console == []
    assert seen.found["order"] == ["agrees", "context", "skipped"]
    assert seen.found["inner"] <= seen.found["outer"]
    assert seen.found["drawn"] > 0
    assert seen.screenshot.startswith(b"\x89PNG")


def test_the_table_of_a_report_holds_every_row(finished):
    report, _ = finished
    written = Table.read(report.folder / "results.ecsv")
    assert len(written) == sum(len(run.rows) for run in report.runs) == 7
    first = written[0]
    assert (first["notebook"], first["quantity"]) == ("good", "slope")
    assert (first["measured"], first["published"]) == (2.1, 2.0)
    assert first["sigma"] == pytest.approx(1.0, rel=1e-12)
    assert written["verdict"].tolist().count("skipped") == 2
    assert written.meta["ok"] is False


def test_a_report_without_rows_has_an_empty_table(tmp_path):
    table = reproduce.Report((), tmp_path).to_table()
    assert len(table) == 0
    assert table["sigma"].dtype == float


def test_figures_stand_under_their_headings(tmp_path):
    cells = [
        new_markdown_cell("# Title\n## The *slope* of [x](https://example.org)"),
        new_code_cell("1"),
    ]
    png = b"\x89PNG\r\n"
    bundle = {"image/png": base64.b64encode(png).decode()}
    cells[1].outputs = [
        new_output("display_data", bundle),
        new_output("display_data", {"image/png": "???"}),
        new_output("stream", text="text"),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "a.ipynb")
    (found,) = notebook_figures(tmp_path / "a.ipynb")
    assert (found.png, found.heading) == (png, "The slope of x")


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("(2.3 +/- 0.3)e-04 Hz", "(2.3 \u00b1 0.3) \u00d7 10<sup>\u22124</sup> Hz"),
        ("-1.5e+12", "\u22121.5 \u00d7 10<sup>12</sup>"),
        ("2.8 +0.2 -0.4", "2.8 +0.2 \u22120.4"),
        ("1 < 2", "1 &lt; 2"),
    ],
)
def test_numbers_are_set_as_in_print(printed, shown):
    assert typographic(printed) == shown


def test_a_chart_of_pulls_holds_one_dot_each():
    chart = pull_chart([(0.1, "agrees"), (0.12, "agrees"), (-9.0, "differs")])
    assert chart.count("<circle") == 3
    assert "<circle" not in text_of(chart)


def test_the_machine_readable_results_hold_the_numbers(finished):
    report, _ = finished
    results = json.loads((report.folder / "results.json").read_text(encoding="utf-8"))
    assert results["ok"] is False
    assert results["versions"]["numpy"] == np.__version__
    first = results["notebooks"][0]["rows"][0]
    assert first["measured"]["value"] == 2.1
    assert first["verdict"] == "agrees"


def test_the_text_report_holds_tables_and_errors(finished):
    text = str(finished[0])
    assert "Title of good" in text
    assert "fails failed:\nin cell 3 of 4:" in text


def test_notebooks_are_found_by_name_by_beginning_and_by_path(tmp_path, monkeypatch):
    from astrokit.reproduce import notebooks

    for name in ("01_slope", "02_flux", "02_spectrum"):
        write(tmp_path, name)
    monkeypatch.setattr(notebooks, "notebook_folder", lambda: tmp_path)
    find = reproduce.find_notebooks
    assert [n.name for n in find()] == ["01_slope", "02_flux", "02_spectrum"]
    assert find(["01"])[0].title == "Title of 01_slope"
    assert find([str(tmp_path / "02_flux.ipynb")])[0].name == "02_flux"
    with pytest.raises(InputError, match=r"several notebooks.*02_flux, 02_spectrum"):
        find(["02"])
    with pytest.raises(InputError, match=r"no notebook has this name.*01_slope"):
        find(["01_slpe"])
    with pytest.raises(InputError, match="no such notebook file"):
        find(["absent.ipynb"])
