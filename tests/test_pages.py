"""Pages: well formed, escaped, whole in one file, sortable, readable on a phone."""

from __future__ import annotations

import os
import stat

import matplotlib.pyplot as plt
import pytest

import astrokit as ak
from astrokit.errors import InputError, WriteError
from astrokit.pages import (
    Cell,
    Section,
    badge,
    citations,
    code,
    document,
    facts,
    figure,
    folded,
    paragraph,
    provenance,
    table,
    write_page,
)
from astrokit.provenance import Recorder
from tests.browser import Links, broken_links, loads_from_elsewhere, visit
from tests.test_reproduce import text_of

HOSTILE = "<script>alert(1)</script>&\"'"


def drawing():
    made, ax = plt.subplots(figsize=(3, 2))
    ax.plot([0, 1], [0, 1])
    return made


@pytest.fixture
def page(tmp_path):
    rows = [
        ["b", Cell("ten", 10.0)],
        ["a", Cell("two", 2.0)],
        ["d", Cell("unknown", float("nan"))],
        ["c", Cell("minus one", -1.0)],
    ]
    sections = [
        Section("Numbers", table(["Name", "Value"], rows), "numbers"),
        Section("Figures", figure(drawing(), "A line"), "figures"),
        Section("More", folded("details", paragraph("text " * 40)) + code("x = 1\n" * 3), "more"),
    ]
    html = document("A page", sections, contents="Contents")
    return write_page(tmp_path / "page.html", html)


def test_every_part_escapes_what_it_is_given():
    parts = [
        table([HOSTILE], [[HOSTILE]], caption=HOSTILE),
        table(["a"], [[Cell("x", HOSTILE)]]),
        facts({HOSTILE: HOSTILE, "mapping": {HOSTILE: 1}}),
        figure(b"\x89PNG", HOSTILE),
        badge(HOSTILE, HOSTILE),
        paragraph(HOSTILE, HOSTILE),
        code(HOSTILE),
        folded(HOSTILE, ""),
        provenance(Recorder(HOSTILE, {HOSTILE: HOSTILE}).finish()),
        document(HOSTILE, [Section(HOSTILE, "", HOSTILE)], contents=HOSTILE).replace(
            "\n<script>\n", ""
        ),
    ]
    for part in parts:
        assert "<script>alert" not in part
        assert "\"'" not in part  # an attribute cannot be left


def test_a_page_is_well_formed_and_whole(page):
    assert "A page" in text_of(page.read_text(encoding="utf-8").replace("<!DOCTYPE html>", ""))
    assert broken_links(page) == []
    assert loads_from_elsewhere(page) == []


def test_equal_figures_give_equal_bytes():
    assert figure(drawing(), "x") == figure(drawing(), "x")


def test_a_short_row_spans():
    html = table(["a", "b", "c", "d"], [["first", "middle", "last"]])
    assert 'colspan="2"' in html


def test_provenance_shows_all_that_is_known():
    recorder = Recorder("demo", {"n": 3}, inputs=[{"file": "a.fits"}], citations=[])
    recorder.verdict("converged")
    text = text_of(provenance(recorder.finish()))
    for piece in ("demo", "a.fits", "converged", "numpy", "started"):
        assert piece in text


# -- on disk ---------------------------------------------------------------------------------------


def test_a_page_replaces_an_older_one_and_leaves_no_other_file(tmp_path):
    for text in ("old", "new"):
        write_page(tmp_path / "page.html", text)
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]
    assert (tmp_path / "page.html").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "page.html").stat().st_mode) & stat.S_IRUSR


@pytest.mark.parametrize(
    ("name", "message"),
    [("page.pdf", "ends in .html"), ("absent/page.html", "does not exist"), ("d.html", "a folder")],
)
def test_what_cannot_be_written_is_told(tmp_path, name, message):
    (tmp_path / "d.html").mkdir()
    with pytest.raises(InputError, match=message):
        write_page(tmp_path / name, "x")


def test_a_full_disk_keeps_the_old_page(tmp_path, monkeypatch):
    write_page(tmp_path / "page.html", "old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(WriteError, match="No space left on device"):
        write_page(tmp_path / "page.html", "new")
    assert (tmp_path / "page.html").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


# -- in a browser ----------------------------------------------------------------------------------

CLICKS = """
const head = document.querySelectorAll("th");
const names = () => [...document.querySelectorAll("tbody tr")].map(
  (row) => row.cells[0].textContent).join("");
const seen = [names()];
for (const i of [1, 1, 0, 0]) { head[i].querySelector("button").click(); seen.push(names()); }
return { seen, sorted: head[0].getAttribute("aria-sort"),
         loaded: document.images[0].naturalWidth > 0 };
"""


def test_a_click_sorts_and_another_one_reverses(page, tmp_path):
    seen = visit(page, tmp_path, script=CLICKS, screenshot=True)
    assert seen.console == []
    assert seen.found["seen"] == ["badc", "cabd", "bacd", "abcd", "dcba"]
    assert seen.found["sorted"] == "descending"
    assert seen.screenshot.startswith(b"\x89PNG")


OVERFLOW = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"


@pytest.mark.parametrize("width", [360, 1200])
def test_nothing_is_wider_than_the_screen(page, tmp_path, width):
    inner, outer = visit(page, tmp_path, width=width, script=OVERFLOW).found
    assert inner <= outer


def test_the_browser_tells_what_goes_wrong(tmp_path):
    """Otherwise an empty console would prove nothing."""
    wrong = document("x", [Section("y", '<img src="absent.png" alt="">', "z")])
    page = write_page(tmp_path / "wrong.html", wrong)
    assert loads_from_elsewhere(page) == ["absent.png"]
    seen = visit(page, tmp_path, script='console.error("from the page")')
    assert any("from the page" in line for line in seen.console)
    assert any("absent.png" in line for line in seen.console)  # refused by the page's own policy


def test_links_are_collected():
    links = Links('<a href="#x">a</a><p id="y"></p><link href="style.css">')
    assert (links.targets, links.anchors, links.loaded) == (["#x"], {"y"}, ["style.css"])


def test_citations_name_what_is_cited():
    html = citations(ak.cite("vaughan2003"))
    assert "Vaughan" in text_of(html)
