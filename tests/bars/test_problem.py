"""The line through the slits on the shared backend: contract, likelihood, cut posterior."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from scipy import stats

import astrokit as ak
from astrokit.bars import (
    GeometryErrors,
    Instrument,
    SlitLayout,
    TremaineWeinberg,
    TremaineWeinbergProblem,
    simulate_galaxy,
)
from astrokit.errors import InputError, ShapeError
from astrokit.provenance import quiet
from tests.contract import ProblemContract


@pytest.fixture(scope="module")
def measurement():
    return TremaineWeinberg(simulate_galaxy(seed=1))


class TestTremaineWeinbergProblem(ProblemContract):
    n_fits = 50
    truth = {"slope": 15.0, "systemic_velocity": 40.0, "scatter": 3.0}  # noqa: RUF012

    @pytest.fixture
    def problem(self, measurement):
        return TremaineWeinbergProblem(measurement)

    def refused_units(self):
        return [lambda: SlitLayout(width=2 * u.km)]


def test_the_likelihood_is_a_multivariate_normal(measurement):
    problem = TremaineWeinbergProblem(measurement)
    slits, n = problem.data, len(problem.data)
    for slope, system, scatter in [(14.0, 1.0, 2.0), (-3.0, 20.0, 0.0)]:
        mix = np.hstack([-slope * np.eye(n), np.eye(n)])
        covariance = mix @ slits.covariance @ mix.T + scatter**2 * np.eye(n)
        residual = slits.velocity - slope * slits.position - system
        expected = stats.multivariate_normal(np.zeros(n), covariance).logpdf(residual)
        got = problem.log_likelihood([slope, system, scatter])[0]
        assert got == pytest.approx(expected, rel=1e-9)


def test_simulated_slits_are_those_of_toys_on_the_same_pixels(measurement):
    problem = TremaineWeinbergProblem(measurement)
    toy = problem.toy(15.0)
    assert toy.pattern_speed * measurement.sine == pytest.approx(15.0)
    assert toy.inclination == measurement.geometry.inclination.value
    found = [problem.simulate([15.0, 40.0, 0.5], k).data for k in range(60)]
    mean = np.mean([s.velocity for s in found], axis=0)
    x = np.mean([s.position for s in found], axis=0)
    slope, intercept = np.polyfit(x, mean, 1)
    assert slope == pytest.approx(15.0, rel=0.02)
    assert intercept == pytest.approx(40.0, abs=0.5)
    spread = np.std([s.velocity for s in found], axis=0)
    expected = np.sqrt(0.5**2 + found[0].velocity_error ** 2)
    assert np.mean(spread / expected) == pytest.approx(1, abs=0.12)


def test_the_other_end_of_the_nodes_keeps_the_signs():
    galaxy = simulate_galaxy(seed=1)
    pa = galaxy.geometry.position_angle
    turned = TremaineWeinberg(galaxy.with_geometry(position_angle=(pa.value + 180, pa.error)))
    problem = TremaineWeinbergProblem(turned)
    slope = turned.line.slope
    assert slope < 0
    again = problem.simulate([slope, 0.0, 0.1], 3).data
    assert np.polyfit(again.position, again.velocity, 1)[0] == pytest.approx(slope, rel=0.1)


def test_the_cut_posterior_agrees_with_the_draws():
    galaxy = simulate_galaxy(seed=3)
    with quiet():
        direct = ak.bars.pattern_speed(galaxy, n_draws=2000, seed=1)
        problem = TremaineWeinbergProblem(direct.tw)
        posterior = problem.sample(seed=1, ensembles=2)
        cut = problem.pattern_speed(posterior, n_draws=2000, seed=1, distance=50 * u.Mpc)
    assert cut.pattern_speed.value == pytest.approx(
        direct.pattern_speed.value, abs=0.5 * direct.pattern_speed.error
    )
    assert 0.8 < cut.pattern_speed.error / direct.pattern_speed.error < 1.8
    assert "cut posterior" in cut.pattern_speed.method
    assert "emcee" in cut.provenance.citations
    assert cut.pattern_speed_kpc.value > 0
    other = TremaineWeinbergProblem(TremaineWeinberg(simulate_galaxy(seed=9)))
    with pytest.raises(InputError, match="no posterior of these slits"):
        other.pattern_speed(posterior)
    with pytest.raises(InputError, match="no posterior of these slits"):
        other.pattern_speed("posterior.npz")


def test_without_errors_of_the_geometry_the_line_alone_counts():
    galaxy = simulate_galaxy(seed=2, errors=GeometryErrors(0, 0, 0, 0, 0))
    with quiet():
        tw = TremaineWeinberg(galaxy)
        problem = TremaineWeinbergProblem(tw)
        posterior = problem.sample(seed=1, ensembles=2)
        cut = problem.pattern_speed(posterior, n_draws=4000, seed=1)
    slope = posterior["slope"]
    assert cut.pattern_speed.value == pytest.approx(slope.value / tw.sine, rel=0.005)
    assert cut.pattern_speed.error == pytest.approx(slope.error / tw.sine, rel=0.08)


def test_what_cannot_be_a_problem_is_refused(measurement):
    exact = TremaineWeinberg(simulate_galaxy(instrument=Instrument(signal_to_noise=np.inf)))
    with pytest.raises(InputError, match="no errors"):
        TremaineWeinbergProblem(exact)
    few = TremaineWeinberg(simulate_galaxy(seed=1), layout=SlitLayout(n_slits=3))
    with pytest.raises(InputError, match="four slits"):
        TremaineWeinbergProblem(few)
    with pytest.raises(InputError, match="measurement is needed"):
        TremaineWeinbergProblem(measurement.maps)
    with pytest.raises(ShapeError, match="as many slits"):
        TremaineWeinbergProblem(measurement).with_data(few.slits)
