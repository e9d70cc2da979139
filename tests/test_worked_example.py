"""The worked example of the documentation keeps every promise of a Problem."""

from __future__ import annotations

from pathlib import Path

import afterglow  # docs/examples stands on the path of the tests
import numpy as np
import pytest
from afterglow import AfterglowProblem
from astropy import units as u

import astrokit as ak
from astrokit.errors import InputError, ShapeError
from tests.contract import ProblemContract

FILE = Path(afterglow.__file__)
MOST_LINES = 150


def photons(n=400, seed=2, decay_time=50.0, fraction=0.6, window=600.0):
    """Return arrival times by rejection, another way than that of the example."""
    rng = np.random.default_rng(seed)
    source = rng.exponential(decay_time, 40 * n)
    source = source[source < window][: rng.binomial(n, fraction)]
    return np.append(source, rng.uniform(0, window, n - source.size))


class TestAfterglowProblem(ProblemContract):
    truth = {"decay_time": 50.0, "fraction": 0.6}  # noqa: RUF012

    @pytest.fixture
    def problem(self):
        return AfterglowProblem(photons(), 600.0)

    def refused_units(self):
        return [
            lambda: AfterglowProblem(photons() * u.m, 600.0),
            lambda: AfterglowProblem(photons(), 600.0 * u.keV),
        ]


def test_the_likelihood_is_a_density():
    problem = AfterglowProblem(photons(), 600.0)
    t = np.linspace(0, 600, 200_001)
    for values in ((5.0, 0.9), (50.0, 0.3), (600.0, 1.0)):
        density = problem._density(t, np.array([values]))[0]
        assert np.trapezoid(density, t) == pytest.approx(1.0, abs=1e-6)


def test_photons_drawn_in_another_way_give_their_truth_back():
    problem = AfterglowProblem(photons(4000, seed=5) * u.s, 10 * u.min)
    fit = problem.fit()
    assert abs(fit["decay_time"].sigma_from(50.0)) < 3
    assert abs(fit["fraction"].sigma_from(0.6)) < 3
    # The integral of the fitted rate is the number of photons.
    t = np.linspace(0, 600, 20_001)
    assert np.trapezoid(problem.rate(fit, t), t) == pytest.approx(4000, rel=1e-4)


def test_posterior_intervals_cover():
    ranks = ak.calibrate(AfterglowProblem(photons(60), 600.0), 40, seed=1)
    assert np.all(np.abs(ranks.coverage_table()["deviation"]) < 4)


def test_times_outside_the_window_are_refused():
    with pytest.raises(InputError, match=r"outside the window .*601"):
        AfterglowProblem(np.append(photons(), 601.0), 600.0)
    with pytest.raises(ShapeError, match="too few"):
        AfterglowProblem([1.0, 2.0], 600.0)


def test_the_plot_shows_photons_and_fit():
    problem = AfterglowProblem(photons(), 600.0)
    ax = problem.plot(problem.fit())
    assert ax.get_xlabel() == "time (s)"
    assert len(ax.lines) == 1


def test_the_example_stays_short():
    assert len(FILE.read_text(encoding="utf-8").splitlines()) < MOST_LINES
