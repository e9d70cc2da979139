"""The study of slopes: a short run of it, and the table that it left."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

import astrokit as ak
from astrokit.errors import AstrokitWarning

SCRIPT = Path(__file__).parents[2] / "docs" / "calibration" / "psd_bias_study.py"
ONE_SIGMA = 0.6827


@pytest.fixture(scope="module")
def study():
    spec = importlib.util.spec_from_file_location("psd_bias_study", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def table():
    return Table.read(ak.datasets.fetch("psd-bias-study"), format="ascii.ecsv")


@pytest.mark.parametrize(
    ("truth", "sampling"),
    [(1.5, "full"), (2.0, "random times"), (2.5, "orbital gaps"), (3.0, "random gaps")],
)
def test_a_short_run_finds_the_slopes(study, truth, sampling):
    """Curves that the study itself does not use."""
    n = 40
    records = [study.measured((truth, sampling, 10_000 + i)) for i in range(n)]
    for method in ("gaussian", "posterior"):
        value, lower, upper = np.array([r[method]["slope"] for r in records]).T
        assert abs(value.mean() - truth) < 4 * value.std(ddof=1) / np.sqrt(n)
        inside = np.mean((value - lower <= truth) & (truth <= value + upper))
        assert abs(inside - ONE_SIGMA) < 4 * np.sqrt(ONE_SIGMA * (1 - ONE_SIGMA) / n)
    assert study.rows(records)


def test_integrated_and_weighted_posteriors_are_those_of_the_chain(study):
    lc = study.curve(2.0, "orbital gaps", np.random.SeedSequence(1))
    problem = ak.timing.PSDProblem(lc, ak.timing.PowerLaw())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)  # a curve without errors
        fit = problem.fit()
        chain = problem.sample(seed=1)["slope"]
    for found in (study.integrated(problem, fit), study.weighted(problem, fit, ("slope",))):
        value, lower, upper = found["slope"]
        assert value == pytest.approx(chain.value, abs=0.15 * chain.error)
        assert lower == pytest.approx(chain.lower, rel=0.15)
        assert upper == pytest.approx(chain.upper, rel=0.15)


def test_the_likelihood_of_the_curve_is_unbiased_and_covers_in_the_whole_table(table):
    """A maximum-likelihood fit has a bias of order 1/N, 0.006 at most here: a twelfth of its error.

    Beside it the mean is within 3.5 standard errors, the largest of 44 numbers; so is the coverage.
    """
    slopes = table[table["parameter"] == "slope"]
    for method in ("gaussian", "posterior"):
        rows = slopes[slopes["method"] == method]
        assert len(rows) == 22  # five slopes, four samplings, two of the cases once more
        assert rows["n"].min() == 500
        bias = np.abs(rows["mean"] - rows["true"])
        assert np.all(bias < 3.5 * rows["standard_error"] + 0.006)
        sigma = np.sqrt(ONE_SIGMA * (1 - ONE_SIGMA) / rows["n"])
        assert np.abs((rows["coverage"] - ONE_SIGMA) / sigma).max() < 3.5


def test_plain_whittle_is_as_biased_as_the_page_says(table):
    steep = table[(table["method"] == "whittle") & (table["true"] == 3.0)]
    steep = steep[steep["parameter"] == "slope"]
    assert np.all(steep["mean"] < 2.2)
    assert np.all(steep["coverage"] < 0.1)
