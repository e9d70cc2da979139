"""What the documentation site is made of: notebook pages, figures, links and citations."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import tomllib
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import yaml
from astropy.table import Table
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import astrokit as ak
from astrokit import Estimate
from astrokit.reproduce import Row
from astrokit.reproduce.rows import MEDIA_TYPE
from benchmarks import store
from tests.browser import visit

DOCS = Path(__file__).resolve().parents[1] / "docs"


def script(path: Path):
    """Import one of the scripts beside the pages."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


# -- notebooks ------------------------------------------------------------------------------------


def notebook(path: Path, code: str, *, output: str = "") -> None:
    path.parent.mkdir(exist_ok=True)
    cell = new_code_cell(code)
    if output:
        data = {"text/plain": output, MEDIA_TYPE: {"type": "row"}}
        cell.outputs = [new_output("display_data", data)]
    title = new_markdown_cell("# A question\n\nWhat it is about.")
    nbformat.write(new_notebook(cells=[title, cell]), path)


@pytest.fixture
def folders(tmp_path):
    sources, executed, pages = (tmp_path / name for name in ("sources", "executed", "pages"))
    for name in ("01_run", "02_changed", "03_not_run"):
        notebook(sources / f"{name}.ipynb", "print(1)")
    notebook(executed / "01_run.ipynb", "print(1)", output="1\n")
    notebook(executed / "02_changed.ipynb", "print(2)", output="2\n")
    return sources, executed, pages


def test_notebooks_are_shown_with_the_outputs_of_their_own_run_only(folders):
    sources, executed, pages = folders
    stage = script(DOCS / "notebook_pages.py").stage
    assert stage(sources, executed, pages) == ["01_run"]
    shown = {path.stem: nbformat.read(path, as_version=4) for path in pages.glob("*.ipynb")}
    assert sorted(shown) == ["01_run", "02_changed", "03_not_run"]
    assert shown["01_run"].cells[-1].outputs[0].data == {"text/plain": "1\n"}
    for name in ("02_changed", "03_not_run"):
        assert shown[name].cells[-1].outputs == []
        assert f"astrokit reproduce {name}" in shown[name].cells[1].source
    assert [cell.source for cell in shown["01_run"].cells][::2] == [
        "# A question",
        "\nWhat it is about.",
    ]


def test_unchanged_pages_are_not_written_again_and_old_ones_go(folders):
    sources, executed, pages = folders
    stage = script(DOCS / "notebook_pages.py").stage
    stage(sources, executed, pages)
    before = {path.name: path.stat().st_mtime_ns for path in pages.iterdir()}
    (sources / "03_not_run.ipynb").unlink()
    stage(sources, executed, pages)
    after = {path.name: path.stat().st_mtime_ns for path in pages.iterdir()}
    assert "03_not_run.ipynb" not in after
    assert after == {name: date for name, date in before.items() if name in after}


def test_every_page_is_in_a_table_of_contents():
    listed = set()
    for page in DOCS.rglob("*.md"):
        for block in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text("utf-8"), re.S):
            names = [line for line in block.splitlines() if line and not line.startswith(":")]
            listed |= {str((page.parent / name).relative_to(DOCS)) for name in names}
    pages = {
        str(page.relative_to(DOCS).with_suffix(""))
        for page in DOCS.rglob("*.md")
        if "_build" not in page.parts
    }
    assert pages - listed == {"index"}
    assert {name for name in listed if "*" not in name} <= pages


# -- validation -----------------------------------------------------------------------------------

OTHERS = script(DOCS / "validation" / "against_others.py")


@pytest.mark.slow
@pytest.mark.parametrize("comparison", OTHERS.ALL, ids=lambda c: c.what)
@pytest.mark.filterwarnings("ignore::astrokit.errors.AstrokitWarning")
def test_numbers_agree_with_those_of_other_packages(comparison):
    if not comparison.is_installed:
        pytest.skip(f"{comparison.peer} is not installed (extra peers)")
    ours, theirs, apart = comparison.difference()
    assert apart <= comparison.allowed, (ours, theirs)


def test_the_page_shows_the_table_of_comparisons():
    table = Table.read(DOCS / "validation" / "others.ecsv", format="ascii.ecsv")
    assert list(table["what"]) == [comparison.what for comparison in OTHERS.ALL]
    assert np.all(table["difference"] <= table["allowed"])
    stored = (DOCS / "validation" / "others.inc").read_text(encoding="utf-8")
    assert stored == OTHERS.markdown(table)


# -- gallery --------------------------------------------------------------------------------------


def test_the_gallery_shows_every_figure_and_no_other(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    figures = script(DOCS / "make_figures.py")
    assert (DOCS / "gallery.inc").read_text(encoding="utf-8") == figures.page()
    names = {drawing.name for drawing in figures.GALLERY}
    drawn = {path.stem.removeprefix("gallery_") for path in DOCS.glob("_static/gallery_*.png")}
    assert names == drawn
    assert {drawing.page for drawing in figures.GALLERY} <= {p.stem for p in DOCS.glob("*.md")}
    one = next(drawing for drawing in figures.GALLERY if drawing.name == "tail")
    assert one.figure().axes[0].lines


# -- pages whose numbers are stored ---------------------------------------------------------------


def test_the_pages_show_the_rows_of_the_reproduction_run():
    collect = script(DOCS / "validation" / "collect.py")
    table = collect.read()
    for name in set(table["notebook"]):
        stored = (DOCS / "validation" / f"{name[:2]}.inc").read_text(encoding="utf-8")
        assert stored == collect.markdown(table[table["notebook"] == name])
    assert not [row["quantity"] for row in table if row["verdict"] == "differs"]
    said = (DOCS / "validation" / "summary.inc").read_text(encoding="utf-8")
    assert said == collect.summary(table)


def test_rows_of_notebooks_that_ran_again_replace_the_old_ones(tmp_path):
    collect = script(DOCS / "validation" / "collect.py")

    def results(name, value):
        row = Row("slope", Estimate(value, 0.1), Estimate(2.0, 0.1), "Paper (2003)")
        record = {"verdict": row.verdict, "sigma": row.sigma, **row.as_dict()}
        skipped = {"verdict": "skipped", "what": "the comet", "reason": "no file"}
        path = tmp_path / f"{name}.json"
        notebook = {"name": name, "rows": [record, skipped]}
        path.write_text(json.dumps({"fast": False, "notebooks": [notebook]}))
        return path

    collect.collect([results("01_a", 2.1), results("02_b", 9.0)], tmp_path)
    table = collect.collect([results("01_a", 2.2)], tmp_path)
    assert list(table["notebook"]) == ["01_a", "02_b"]
    assert list(table["measured"]) == ["2.20 +/- 0.10", "9.00 +/- 0.10"]
    assert list(table["verdict"]) == ["agrees", "differs"]
    assert "| 2.20 ± 0.10 |" in (tmp_path / "01.inc").read_text(encoding="utf-8")


def test_a_fast_run_is_not_kept(tmp_path):
    collect = script(DOCS / "validation" / "collect.py")
    (tmp_path / "results.json").write_text('{"fast": true, "notebooks": []}')
    with pytest.raises(SystemExit, match="fast"):
        collect.collect([tmp_path / "results.json"], tmp_path)


def test_the_performance_page_shows_the_stored_ratios():
    table = store.read(DOCS / "performance")
    page = (DOCS / "performance.md").read_text(encoding="utf-8")
    for name in set(table["benchmark"]):
        assert f"performance/{name}.inc" in page
        stored = (DOCS / "performance" / f"{name}.inc").read_text(encoding="utf-8")
        assert stored == store.markdown(store.rows_of(table, name))
    included = set(re.findall(r"performance/(\w+)\.inc", page))
    assert included == set(table["benchmark"])


# -- the home page --------------------------------------------------------------------------------


def test_the_example_of_the_home_page_runs(capsys):
    page = (DOCS / "index.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", page, re.S)[1]
    exec(compile(code, "index.md", "exec"), {})
    said = re.search(r"# (slope = [^,]*),", code)[1]
    assert capsys.readouterr().out.startswith(said)
    plt.close("all")


# -- links ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "is_right"),
    [
        ("b.html", True),
        ("sub/", True),
        ("b.html#there", True),
        ("#here", True),
        ("b%20c.html?v=1", True),
        ("https://example.org/nothing", True),
        ("mailto:a@example.org", True),
        ("c.html", False),
        ("b.html#nowhere", False),
        ("#nowhere", False),
        ("../outside.html", False),
    ],
)
def test_broken_links_inside_the_site_are_found(tmp_path, link, is_right):
    site = tmp_path / "site"
    (site / "sub").mkdir(parents=True)
    (tmp_path / "outside.html").write_text("")
    for name in ("b.html", "b c.html", "sub/index.html"):
        (site / name).write_text('<h1 id="there">B</h1>')
    (site / "index.html").write_text(f'<p id="here"><a href="{link}">x</a></p>')
    wrong, inside, outside = script(DOCS / "check_links.py").broken(site)
    assert wrong == ([] if is_right else [f"index.html: {link}"])
    assert inside + outside == (0 if link.startswith("mailto") else 1)


def test_a_missing_picture_and_a_missing_site_are_told(tmp_path, capsys):
    check = script(DOCS / "check_links.py").main
    assert check(str(tmp_path)) == 2
    (tmp_path / "index.html").write_text('<img src="a.png">')
    assert check(str(tmp_path)) == 1
    assert "index.html: a.png" in capsys.readouterr().out
    (tmp_path / "a.png").write_bytes(b"")
    assert check(str(tmp_path)) == 0


# -- the built site -------------------------------------------------------------------------------

SITE = DOCS.parent / "build" / "docs"
LOOK = """
return {
    wide: document.documentElement.scrollWidth - window.innerWidth,
    lost: [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src),
    words: document.querySelector("article").innerText.split(/\\s+/).length,
};
"""


@pytest.mark.slow
@pytest.mark.skipif(not (SITE / "index.html").is_file(), reason="make docs builds the site")
@pytest.mark.parametrize("width", [1280, 500])
@pytest.mark.parametrize("name", ["index", "gallery", "which_method", "validation/index"])
def test_pages_in_a_browser(name, width, tmp_path):
    seen = visit(SITE / f"{name}.html", tmp_path, width=width, script=LOOK)
    assert seen.console == []
    assert seen.found["lost"] == []
    assert seen.found["wide"] <= 0  # nothing to scroll sideways but what scrolls by itself
    assert seen.found["words"] > 100


# -- citation -------------------------------------------------------------------------------------


def test_the_citation_file_is_valid_and_names_this_version():
    """What version 1.2.0 of the Citation File Format asks for, of the keys that are used here."""
    text = (DOCS.parent / "CITATION.cff").read_text(encoding="utf-8")
    cff = yaml.safe_load(text)
    assert cff["cff-version"] == "1.2.0"
    assert cff["version"] == ak.__version__
    required = {"cff-version", "message", "title", "authors"}
    allowed = required | {
        "abstract", "contact", "date-released", "doi", "identifiers", "keywords", "license",
        "preferred-citation", "references", "repository-code", "type", "url", "version",
    }  # fmt: skip
    assert required <= set(cff) <= allowed
    assert cff["type"] in ("software", "dataset")
    for key in ("message", "title", "version", "license", "abstract"):
        assert isinstance(cff[key], str)
        assert cff[key].strip()
    assert len(set(cff["keywords"])) == len(cff["keywords"]) > 0
    person = {"family-names", "given-names", "name-particle", "name-suffix", "orcid", "affiliation"}
    for author in cff["authors"]:
        assert "name" in author or set(author) <= person
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert cff["license"] == "BSD-3-Clause"
    assert (DOCS.parent / "LICENSE").read_text(encoding="utf-8").startswith("BSD 3-Clause")
    assert {author["name"] for author in project["authors"]} == {a["name"] for a in cff["authors"]}
