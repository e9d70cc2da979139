"""PSDProblem: the contract, the likelihood against scipy's distributions, and what it refuses."""

from __future__ import annotations

import warnings
from typing import ClassVar

import numpy as np
import pytest
from astropy import units as u
from scipy import stats

import astrokit as ak
from astrokit.errors import AstrokitWarning, CoverageWarning, InputError, ParameterError, ShapeError
from astrokit.inference import Uniform
from astrokit.timing import (
    BendingPowerLaw,
    Constant,
    Periodogram,
    PowerLaw,
    PSDProblem,
    timmer_koenig,
)
from tests.contract import ProblemContract


def drawn(f, S, dof=2.0, seed=0, **facts):
    """Return a periodogram drawn from the mean S."""
    half = np.broadcast_to(np.asarray(dof) / 2, f.shape)
    power = S * np.random.default_rng(seed).standard_gamma(half) / half
    return Periodogram(f, power, dof, **facts)


class TestPowerLawWithNoise(ProblemContract):
    """One light curve; its length is even, so it has a Nyquist ordinate."""

    truth: ClassVar = {"slope": 1.5, "log_amplitude": 4.0, "constant": 1.0}

    @pytest.fixture
    def problem(self):
        f = np.arange(1, 513) / 1024
        dof = np.full(512, 2.0)
        dof[-1] = 1.0
        S = np.exp(4.0) * (f / 0.01) ** -1.5 + 1.0
        pg = drawn(f, S, dof, has_nyquist=True, noise_level=1.0)
        return PSDProblem(pg, PowerLaw(pivot=0.01) + Constant())

    def refused_units(self):
        return [lambda: Periodogram(np.arange(1, 9) * u.m, np.ones(8))]


class TestBendingPowerLawOfSegments(ProblemContract):
    """Ordinates that are averages of eight segments: the gamma likelihood."""

    truth: ClassVar = {
        "low_slope": 1.0,
        "high_slope": 3.0,
        "bend_frequency": 0.03,
        "log_amplitude": 3.0,
        "constant": 0.02,
    }

    @pytest.fixture
    def problem(self):
        f = np.arange(1, 257) / 512
        model = BendingPowerLaw(pivot=0.01)
        shape = {k: v for k, v in self.truth.items() if k != "constant"}
        S = model.evaluate(f, **shape) + self.truth["constant"]
        pg = drawn(f, S, 16.0, n_segments=8, noise_level=0.02)
        return PSDProblem(pg, model + Constant())


class TestLongData(ProblemContract):
    """Enough ordinates for the coarse twin."""

    n_fits = 60
    n_scores = 200
    truth: ClassVar = {"slope": 1.0, "log_amplitude": 2.0, "constant": 1.0}

    @pytest.fixture
    def problem(self):
        f = np.arange(1, 3001) / 6000
        S = np.exp(2.0) * (f / 0.01) ** -1.0 + 1.0
        return PSDProblem(drawn(f, S), PowerLaw(pivot=0.01) + Constant())


# -- the likelihood itself ------------------------------------------------------------------------


def test_likelihood_is_that_of_scipy_for_every_number_of_degrees():
    f = np.arange(1, 41) / 80
    dof = np.where(np.arange(40) % 3 == 0, 2.0, 7.0)
    dof[-1] = 1.0
    pg = drawn(f, f**-1.0, dof, has_nyquist=True)
    problem = PSDProblem(pg, PowerLaw(pivot=1.0))
    S = np.exp(0.3) * f**-1.2
    expected = stats.gamma.logpdf(pg.power, dof / 2, scale=S / (dof / 2))
    np.testing.assert_allclose(problem.pointwise([[1.2, 0.3]])[0], expected, rtol=1e-10)
    assert problem.log_likelihood([1.2, 0.3])[0] == pytest.approx(expected.sum(), rel=1e-11)


def test_nyquist_choices_differ_in_one_term():
    f = np.arange(1, 65) / 128
    dof = np.full(64, 2.0)
    dof[-1] = 1.0
    pg = drawn(f, f**-1.0, dof, has_nyquist=True)
    theta = [1.0, 0.0]
    value, size = {}, {}
    for choice in ("chi2_1", "chi2_2", "drop"):
        problem = PSDProblem(pg, PowerLaw(pivot=1.0), nyquist=choice)
        value[choice], size[choice] = problem.log_likelihood(theta)[0], problem.n_data
    S = 1 / f[-1]
    last = {
        "chi2_1": stats.gamma.logpdf(pg.power[-1], 0.5, scale=2 * S),
        "chi2_2": stats.expon.logpdf(pg.power[-1], scale=S),
    }
    assert size == {"chi2_1": 64, "chi2_2": 64, "drop": 63}
    for choice, term in last.items():
        assert value[choice] - value["drop"] == pytest.approx(term, abs=1e-9)


def test_different_nyquist_choices_are_not_compared():
    f = np.arange(1, 65) / 128
    dof = np.full(64, 2.0)
    dof[-1] = 1.0
    pg = drawn(f, f**-1.0, dof, has_nyquist=True)
    fits = [PSDProblem(pg, PowerLaw(), nyquist=choice).fit() for choice in ("chi2_1", "chi2_2")]
    with pytest.raises(ak.errors.ComparisonError):
        ak.compare(fits)


def test_constant_has_a_closed_form():
    """White noise: the maximum is the mean power, its variance S^2 over the ordinates."""
    f = np.arange(1, 201) / 400
    pg = drawn(f, np.full(200, 3.0))
    fit = PSDProblem(pg, Constant()).fit()
    assert fit["constant"].value == pytest.approx(pg.power.mean(), rel=1e-6)
    assert fit["constant"].error == pytest.approx(pg.power.mean() / np.sqrt(200), rel=1e-6)


def test_two_threads_give_the_sum_of_one(monkeypatch):
    f = np.arange(1, 1001) / 2000
    problem = PSDProblem(drawn(f, f**-1.5 + 1), PowerLaw() + Constant())
    theta = problem.parameters.free_values
    whole = problem.score_and_information(theta), problem.observed_information(theta)
    single = problem.log_likelihood([theta, theta * 1.01])
    monkeypatch.setattr("astrokit.timing.psd._TWO_THREADS", 10)
    halves = problem.score_and_information(theta), problem.observed_information(theta)
    np.testing.assert_allclose(problem.log_likelihood([theta, theta * 1.01]), single, rtol=1e-12)
    np.testing.assert_allclose(halves[1], whole[1], rtol=1e-10)
    for a, b in zip(halves[0], whole[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


def test_simulated_ordinates_follow_their_chi2():
    f = np.arange(1, 2001) / 4000
    dof = np.full(2000, 2.0)
    dof[-1] = 1.0
    pg = drawn(f, np.ones(2000), dof, has_nyquist=True)
    for choice in ("chi2_1", "drop"):
        problem = PSDProblem(pg, Constant(), nyquist=choice)
        simulated = problem.simulate([2.0], 5)
        assert len(simulated.data) == 2000
        assert stats.kstest(simulated.data.power[:-1], stats.expon(scale=2.0).cdf).pvalue > 1e-4


# -- models and priors ----------------------------------------------------------------------------


def test_amplitude_is_the_power_at_the_pivot():
    f = np.arange(1, 513) / 1024
    problem = PSDProblem(drawn(f, f**-1.5), BendingPowerLaw())
    values = {"low_slope": 0.5, "high_slope": 3.0, "bend_frequency": 0.02, "log_amplitude": 1.25}
    pivot = problem.model.components[0].pivot
    assert pivot == 0.01  # the power of ten nearest to the middle of 0.001 to 0.5
    assert problem.psd([pivot], values)[0, 0] == pytest.approx(np.exp(1.25), rel=1e-12)


def test_amplitude_at_one_hertz_is_the_same_fit():
    f = np.arange(1, 513) / 1024e2
    pg = drawn(f, 1e-3 * f**-1.5 + 20.0)
    near = PSDProblem(pg, PowerLaw() + Constant())
    at_one = PSDProblem(pg, PowerLaw(pivot=1.0) + Constant()).fit()
    fit = near.fit()
    distance = np.log(near.model.components[0].pivot)
    assert at_one.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-5)
    moved = fit["log_amplitude"].value + fit["slope"].value * distance
    assert at_one["log_amplitude"].value == pytest.approx(moved, abs=1e-3)


def test_settings_of_a_component_become_priors_and_fixed_values():
    f = np.arange(1, 129) / 256
    model = BendingPowerLaw(low_slope=1.0, high_slope=stats.norm(2.5, 0.3)) + Constant()
    problem = PSDProblem(drawn(f, 1 / f), model)
    p = problem.parameters
    assert p["low_slope"].fixed
    assert p["low_slope"].value == 1.0
    assert p["high_slope"].prior.logpdf(2.5) == pytest.approx(stats.norm.logpdf(0, scale=0.3))
    bounded = PSDProblem(drawn(f, 1 / f), PowerLaw(slope=Uniform(0, 3)))
    assert bounded.parameters["slope"].prior.support == (0, 3)


def test_repeated_names_get_a_number():
    model = PowerLaw() + BendingPowerLaw() + PowerLaw() + Constant()
    assert model.names == (
        "slope",
        "log_amplitude",
        "low_slope",
        "high_slope",
        "bend_frequency",
        "log_amplitude_2",
        "slope_2",
        "log_amplitude_3",
        "constant",
    )


def test_intrinsic_psd_leaves_the_noise_out():
    f = np.arange(1, 129) / 256
    problem = PSDProblem(drawn(f, 1 / f + 1), PowerLaw(pivot=1.0) + Constant())
    values = [1.0, 0.0, 0.7]
    np.testing.assert_allclose(problem.intrinsic_psd(f, values)[0], 1 / f, rtol=1e-12)
    np.testing.assert_allclose(problem.psd(f, values)[0], 1 / f + 0.7, rtol=1e-12)
    with pytest.raises(ShapeError, match="slope, log_amplitude, constant"):
        problem.psd(f, [1.0, 2.0])


def test_units_follow_the_periodogram():
    f = np.arange(1, 65) / 128
    problem = PSDProblem(drawn(f, 1 / f, time_unit="d"), BendingPowerLaw() + Constant())
    assert problem.parameters["bend_frequency"].unit.to_string() == "1 / d"
    assert problem.parameters["constant"].unit.to_string() == "d"


# -- what it says and refuses ---------------------------------------------------------------------


def test_steep_slopes_carry_a_reservation():
    f = np.arange(1, 513) / 1024
    problem = PSDProblem(drawn(f, f**-2.2), PowerLaw())
    with pytest.warns(CoverageWarning, match="leakage") as caught:
        steep = problem.fit()
    assert len(caught) == 1
    with pytest.warns(CoverageWarning, match="leakage") as caught:
        posterior = problem.sample(seed=1)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert len(posterior.reservations) == 1
    assert posterior.reservations[0] in str(posterior)
    assert [w.partition(":")[0] for w in posterior.provenance.warnings] == ["CoverageWarning"]
    shallow = PSDProblem(drawn(f, f**-1.2), PowerLaw()).fit()
    assert any("leakage" in text for text in steep.reservations)
    assert not any("leakage" in text for text in shallow.reservations)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda pg: PSDProblem(pg, PowerLaw(), nyquist="half"), InputError, "chi2_1, chi2_2"),
        (lambda pg: PSDProblem(pg, PowerLaw(), likelihood="gauss"), InputError, "whittle"),
        (lambda pg: PSDProblem(pg, "power law"), InputError, "PowerLaw"),
        (lambda pg: PSDProblem(pg, PowerLaw), InputError, "call it"),
        (lambda pg: PSDProblem(pg.power, PowerLaw()), InputError, "Periodogram"),
        (lambda pg: PSDProblem(pg, PowerLaw(), nyqist="drop"), TypeError, "nyqist"),
        (lambda pg: PowerLaw(slpe=2.0), TypeError, "slpe"),
        (lambda pg: PowerLaw(2.0), TypeError, "positional"),
        (lambda pg: PowerLaw(slope="steep"), ParameterError, "slope"),
        (lambda pg: PowerLaw(pivot=-1.0), InputError, "pivot"),
        (lambda pg: Constant(constant=-1.0), ParameterError, "negative"),
        (lambda pg: Constant() + Constant(), InputError, "told apart"),
        (lambda pg: Constant() + 1.0, TypeError, "unsupported"),
        (lambda pg: PowerLaw().evaluate([1.0], slope=1.0), ParameterError, "pivot"),
        (lambda pg: PowerLaw(pivot=1.0).evaluate([1], slope=1), ParameterError, "log_amplit"),
        (lambda pg: PSDProblem(pg, Constant(constant=1.0)), ParameterError, "fixed"),
    ],
)
def test_refusals(call, error, words):
    f = np.arange(1, 33) / 64
    pg = drawn(f, 1 / f)
    with pytest.raises(error, match=words):
        call(pg)


# -- users' calls ---------------------------------------------------------------------------------


def test_calls_of_the_quick_start(tmp_path):
    path = ak.datasets.fetch("simulated-xmm")
    lc = ak.read_lightcurve(path)
    pg = Periodogram.from_lightcurve(lc, normalization="fractional")
    prob = PSDProblem(pg, PowerLaw() + Constant(), likelihood="whittle")
    fit = prob.fit()
    other = PSDProblem(pg, PowerLaw()).fit()
    post = prob.sample(seed=1)
    # The truth of the file: slope 1.5, ln of the power at 1e-4 Hz 2.178.
    for result in (fit, post):
        assert abs(result["slope"].sigma_from(1.5)) < 3
        assert abs(result["log_amplitude"].sigma_from(2.178)) < 3
    assert str(post.verdict).startswith("converged")
    post.save(tmp_path / "x.h5")
    assert ak.inference.load(tmp_path / "x.h5")["slope"].value == post["slope"].value
    assert ak.compare([fit, other]).names == ("power law + constant", "power law")
    assert {"whittle1953", "emcee"} <= set(ak.cite(post).keys)
    bent = PSDProblem(pg, BendingPowerLaw(low_slope=1.0) + Constant())
    assert "mchardy2004" in bent.citation_keys
    assert "mchardy2004" not in prob.citation_keys


def test_a_pure_power_law_fits_where_nothing_is_constant():
    """A constant that ends at zero is reported by name, not given a made-up error."""
    f = np.arange(1, 513) / 1024
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        fits = [
            PSDProblem(drawn(f, f**-1.0, seed=s), PowerLaw() + Constant()).fit() for s in range(8)
        ]
    at_zero = [fit for fit in fits if fit["constant"].value == 0]
    assert at_zero
    for fit in at_zero:
        assert np.isnan(fit["constant"].error)
        assert any("constant" in text for text in fit.reservations)


# -- what plain Whittle cannot do ------------------------------------------------------------------


def slopes_of_noise_free_curves(truth, n):
    """Return fitted slopes and errors of simulated curves of 512 points."""
    pairs = []
    for seed in range(n):
        curve = timmer_koenig(lambda f: f**-truth, 512, 1.0, seed=seed, longer=32, finer=1)
        lc = ak.LightCurve(np.arange(512.0), curve)
        pg = Periodogram.from_lightcurve(lc, normalization="absolute", noise="none")
        fit = PSDProblem(pg, PowerLaw()).fit(n_starts=1)
        pairs.append((fit["slope"].value, fit["slope"].error))
    return np.array(pairs).T


def test_leakage_is_as_the_reservation_says():
    """Other code, 100 curves of slope 2.5: mean 2.03, scatter 0.25, coverage 6 %."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        slope, error = slopes_of_noise_free_curves(2.5, 60)
        shallow, _ = slopes_of_noise_free_curves(1.5, 60)
    combined = 0.25 * np.sqrt(1 / 60 + 1 / 100)
    assert slope.mean() == pytest.approx(2.03, abs=4 * combined)
    assert np.mean(np.abs(slope - 2.5) < error) < 0.06 + 4 * np.sqrt(0.06 * 0.94 / 60)
    assert shallow.mean() == pytest.approx(1.5, abs=4 * shallow.std() / np.sqrt(60))


def test_a_bend_is_tested_against_a_straight_law_with_default_priors():
    """Nested models: T of data from the simple one is not negative, whatever is held fixed."""
    f = np.arange(1, 301) / 600
    pg = drawn(f, 20 * (f / 0.01) ** -2.1 + 0.02)
    straight = PSDProblem(pg, PowerLaw() + Constant())
    for low_slope in (None, 1.0):
        bending = PSDProblem(pg, BendingPowerLaw(low_slope=low_slope) + Constant())
        test = ak.likelihood_ratio_test(straight, bending, n=40, seed=1)
        assert test.n_failed == 0
        assert test.simulated.min() > -0.05
        assert test.n_exceeding > 0
