"""The page of one result: all that it says is true, and its code makes the result again."""

from __future__ import annotations

import pickle
import re
from html import unescape

import matplotlib.pyplot as plt
import numpy as np
import pytest

import astrokit as ak
from astrokit.errors import InputError
from astrokit.inference import CurveProblem, Parameter, Parameters, PoissonProblem, Uniform
from astrokit.inference.report import calling_code
from tests.browser import broken_links, loads_from_elsewhere, visit
from tests.interchange.examples.inference import fit, line, posterior, problem
from tests.test_reproduce import text_of


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    return {
        "posterior": posterior().report(folder / "posterior.html", problem=problem()),
        "fit": fit().report(folder / "fit.html"),
    }


def words(page):
    return text_of(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", ["posterior", "fit"])
def test_a_page_is_whole(pages, kind):
    assert broken_links(pages[kind]) == []
    assert loads_from_elsewhere(pages[kind]) == []
    assert "https://" not in re.sub(r"<style>.*?</style>", "", pages[kind].read_text(), flags=re.S)


def test_the_page_of_a_posterior_holds_its_numbers(pages):
    text = words(pages["posterior"])
    verdict = posterior().verdict
    for piece in (
        "Posterior of line",
        "converged",
        "autocorrelation times",
        f"{verdict.rhat['slope']:.4f}",
        str(len(posterior().samples)),
        posterior().data_checksum,
        posterior().model_checksum,
        ak.cite(posterior()).acknowledgement,
        "@article{emcee",
        f"emcee=={posterior().provenance.versions['emcee']}",
    ):
        assert piece in text, piece
    html = pages["posterior"].read_text(encoding="utf-8")
    assert posterior()["slope"].to_html() in html
    assert html.count("data:image/png") == 3  # data with model, corner, trace


def test_the_page_of_a_fit_holds_its_numbers(pages):
    text = words(pages["fit"])
    for piece in ("Fit of line", "sound", f"{fit().log_likelihood:.6g}", "determined", "AICc"):
        assert piece in text, piece
    assert fit()["intercept"].to_html() in pages["fit"].read_text(encoding="utf-8")
    correlation = f"{fit().correlation[0, 1]:+.3f}".replace("-", "\u2212")
    assert correlation in text


@pytest.mark.parametrize("make", [posterior, fit])
def test_the_code_on_the_page_makes_the_same_result(pages, make):
    kind = make.__name__
    code = calling_code(make())
    assert code in unescape(pages[kind].read_text(encoding="utf-8"))
    names = {"problem": problem()}
    exec(code, names)
    again = names[kind]
    if kind == "fit":
        assert again.values == fit().values
    else:
        np.testing.assert_array_equal(again.samples, posterior().samples)


def test_a_child_of_a_seed_is_written_as_code():
    child = np.random.SeedSequence(5).spawn(2)[1]
    made = problem().fit(seed=child)
    code = calling_code(made)
    assert "SeedSequence(5, spawn_key=(1,))" in code
    names = {"problem": problem()}
    exec(code, names)
    assert names["fit"].values == made.values


def test_a_loaded_result_has_a_page_without_its_data(tmp_path):
    fit().save(tmp_path / "fit.h5")
    page = ak.load(tmp_path / "fit.h5").report(tmp_path / "fit.html")
    assert "data:image/png" not in page.read_text(encoding="utf-8")
    posterior().save(tmp_path / "posterior.h5")
    page = ak.load(tmp_path / "posterior.h5").report(tmp_path / "posterior.html")
    assert page.read_text(encoding="utf-8").count("data:image/png") == 2


def test_reservations_are_on_the_page(tmp_path):
    low = Parameters([Parameter("rate", 0.5, Uniform(0.0, 9.0))])
    made = PoissonProblem([0.0, 1.0], [0, 0], lambda x, rate: rate + 0 * x, low)
    with pytest.warns(ak.errors.FitWarning):
        bound = made.fit(seed=1)
    text = words(bound.report(tmp_path / "fit.html"))
    assert "with reservations" in text
    assert bound.reservations[0][1:] in text
    assert "at lower bound" in text


def test_names_cannot_bring_code_into_the_page(tmp_path):
    hostile = Parameters(
        [
            Parameter("a", 1.0, Uniform(-9, 9), symbol="<script>alert(1)</script>"),
            Parameter("b", 1.0, Uniform(-9, 9)),
        ]
    )

    def model(x, a, b):
        return a + b * x

    model.__name__ = "<script>alert(2)</script>"
    made = CurveProblem([0, 1, 2], [1.0, 2.1, 2.9], [0.1] * 3, model, hostile).fit(seed=1)
    html = made.report(tmp_path / "fit.html").read_text(encoding="utf-8")
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(2)" in html


def test_other_data_are_refused(tmp_path):
    other = problem().with_data(problem().data + 1.0)
    with pytest.raises(InputError, match="other data"):
        posterior().report(tmp_path / "x.html", problem=other)
    with pytest.raises(InputError, match="ends in"):
        posterior().report(tmp_path / "x.pdf")
    assert list(tmp_path.iterdir()) == []


def test_figures_of_the_user_stay_as_they_are(tmp_path):
    mine = plt.figure()
    posterior().report(tmp_path / "x.html", problem=problem())
    assert plt.get_fignums() == [mine.number]


def test_counts_can_be_drawn():
    rate = Parameters([Parameter("rate", 5.0, Uniform(0.1, 99.0))])
    counts = PoissonProblem([0, 1, 2, 3], [5, 6, 4, 0], lambda x, rate: rate, rate)
    axes = counts.plot(counts.fit(seed=1))
    assert axes.get_ylabel() == "counts"
    np.testing.assert_allclose(axes.lines[-1].get_ydata(), 3.75, atol=0.001)  # mean of the counts


def test_a_posterior_is_drawn_with_its_band():
    axes = problem().plot(fit(), posterior())
    assert len(axes.collections) == 2  # bars of the data, and one band
    line_of_fit = axes.lines[1]
    x = line_of_fit.get_xdata()
    np.testing.assert_allclose(line_of_fit.get_ydata(), line(x, *fit().theta), rtol=1e-12)


def test_a_path_survives_where_results_travel(tmp_path):
    again = pickle.loads(pickle.dumps(posterior()))
    assert again.report(tmp_path / "x.html").is_file()


WIDTHS = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"


@pytest.mark.parametrize("kind", ["posterior", "fit"])
def test_it_can_be_read_on_a_phone(pages, kind, tmp_path):
    seen = visit(pages[kind], tmp_path, width=400, script=WIDTHS)
    assert seen.console == []
    assert seen.found[0] <= seen.found[1]
