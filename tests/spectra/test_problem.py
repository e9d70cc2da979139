"""`SpectralProblem`: the contract, joint fits, backgrounds, and what it refuses."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from astropy import units as u

import astrokit as ak
from astrokit.errors import InputError, ParameterError, UnitError
from astrokit.inference import LogUniform, Uniform
from astrokit.spectra import (
    BrokenPowerLaw,
    FluxPoints,
    GaussianLine,
    LogParabola,
    PowerLaw,
    Response,
    SpectralProblem,
    Spectrum,
    TBabs,
    Wabs,
)
from tests.contract import ProblemContract, gradient, quiet_fit

from .detector import response_matrix, spectrum

INDEX, STRENGTH = Uniform(0.5, 3.5), LogUniform(1e-4, 1e-1)


def drawn(problem, seed=1):
    """The problem with data drawn from its starting values."""
    return problem.simulate(problem.parameters.free_values, seed)


def law(index=1.8, strength=4e-3):
    """A free power law that starts at these values."""
    return PowerLaw(photon_index=INDEX, normalization=STRENGTH), (index, strength)


def at(problem, **values):
    """The problem with these starting values."""
    p = problem.parameters
    for name, value in values.items():
        p = p.replace(name, value=value)
    return problem.with_parameters(p)


class TestCounts(ProblemContract):
    @pytest.fixture
    def problem(self):
        model = PowerLaw(photon_index=INDEX, normalization=STRENGTH)
        return drawn(at(SpectralProblem(spectrum(), model), photon_index=1.8, normalization=4e-3))


class TestAbsorbedLineWithBackground(ProblemContract):
    """W-stat with many counts, where the profiled background does no harm."""

    n_fits: ClassVar[int] = 60

    @pytest.fixture
    def problem(self):
        line = GaussianLine(
            line_energy=Uniform(1.8, 2.6), line_width=0.1, normalization=Uniform(-0.005, 0.02)
        )
        model = Wabs(nh=0.1) * (PowerLaw(photon_index=INDEX, normalization=STRENGTH) + line)
        data = spectrum(np.full(40, 2000.0), "wstat", background=2500.0, ratio=0.2)
        values = {
            "photon_index": 1.8,
            "normalization": 2e-2,
            "line_energy": 2.2,
            "normalization_2": 3e-3,
        }
        return drawn(at(SpectralProblem(data, model), **values))


class TestFluxes(ProblemContract):
    @pytest.fixture
    def problem(self):
        energy = np.geomspace(0.5, 9.0, 25)
        truth = LogParabola().density(energy, alpha=2.0, beta=0.6, norm=1e-3)
        rng = np.random.default_rng(2)
        points = FluxPoints(energy, truth * rng.normal(1, 0.05, 25), 0.05 * truth)
        model = LogParabola(
            photon_index=INDEX, curvature=Uniform(-1, 2), normalization=LogUniform(1e-4, 1e-2)
        )
        return at(
            SpectralProblem(points, model), photon_index=2.0, curvature=0.6, normalization=1e-3
        )

    def refused_units(self):
        return [lambda: FluxPoints([1, 2] * u.s, [1, 1], [1, 1])]


class TestTwoSpectraAndTheirBackgrounds(ProblemContract):
    """Joint fit with a cross-normalisation, a parameter of its own, and modelled backgrounds."""

    n_fits: ClassVar[int] = 60
    n_scores: ClassVar[int] = 300

    @pytest.fixture
    def problem(self):
        pair = [two_regions(exposure) for exposure in (1e4, 2e4)]
        back = PowerLaw(photon_index=Uniform(0.2, 2.0), normalization=LogUniform(1e-4, 1e-1))
        joint = SpectralProblem(
            pair,
            PowerLaw(photon_index=INDEX, normalization=STRENGTH),
            untied=["photon_index"],
            cross_normalization=True,
            background=back,
        )
        return drawn(
            at(
                joint,
                photon_index=1.8,
                photon_index_of_2=2.2,
                normalization=1e-2,
                cross_normalization_2=1.1,
                background_photon_index=1.0,
                background_normalization=4e-3,
            )
        )

    def test_layout(self, problem):
        assert problem.parameters.names == (
            "photon_index",
            "normalization",
            "photon_index_of_2",
            "cross_normalization_2",
            "background_photon_index",
            "background_normalization",
        )
        assert problem.n_data == 160
        assert problem.statistic_name == "cstat"


def two_regions(exposure):
    """A Spectrum of counts with a background, made with the public classes."""
    from astrokit.spectra import RMF

    from .detector import CHANNEL_EDGES, ENERGY_EDGES

    rmf = RMF(
        ENERGY_EDGES[:-1],
        ENERGY_EDGES[1:],
        response_matrix(),
        CHANNEL_EDGES[:-1],
        CHANNEL_EDGES[1:],
        includes_area=True,
    )
    response = Response(rmf)
    back = Spectrum(np.full(40, 5), exposure=exposure, backscal=4.0)
    return Spectrum(np.full(40, 20), exposure=exposure, response=response, background=back)


def test_a_modelled_background_is_folded_on_the_energies_of_its_own_response():
    """Half as many energy bins as the response of the source has."""
    region = two_regions(1e4)
    own = Response.ideal(np.geomspace(0.4, 9.0, 41), area=10.0)
    back = Spectrum(np.full(40, 5), exposure=2e4, response=own)
    problem = SpectralProblem(region.with_background(back), PowerLaw(), background=PowerLaw())
    values = problem.values(background_photon_index=1.0, background_normalization=2e-3)
    # The integral of 2e-3 / E over a bin, 10 cm2, 20 ks.
    expected = 2e-3 * np.log(own.energy_hi / own.energy_lo) * 10.0 * 2e4
    np.testing.assert_allclose(problem.expected_background(values)[0], expected, rtol=1e-12)


# -- statistics and data -------------------------------------------------------------------------


def test_auto_statistic():
    region = two_regions(1e4)
    assert SpectralProblem(region, PowerLaw()).statistic_name == "wstat"
    alone = region.with_background(())
    assert SpectralProblem(alone, PowerLaw()).statistic_name == "cstat"
    rates = Spectrum(
        np.full(40, 0.1), exposure=100.0, error=np.full(40, 0.02), is_rate=True,
        response=region.response,
    )  # fmt: skip
    assert SpectralProblem(rates, PowerLaw()).statistic_name == "chi2"


def test_statistics_that_do_not_fit_the_data_are_refused():
    region = two_regions(1e4)
    alone = region.with_background(())
    rates = Spectrum(
        np.full(40, 0.1), exposure=100.0, error=np.full(40, 0.02), is_rate=True,
        response=region.response,
    )  # fmt: skip
    for data, name, words in (
        (alone, "wstat", "needs a background"),
        (alone, "pgstat", "needs a background"),
        (region, "cstat", "subtracted background"),
        (region, "pgstat", "Poisson counts"),
        (rates, "cstat", "needs counts"),
        (rates, "chi2_gehrels", "variances are those of counts"),
        (region, "chisq", "no such statistic"),
    ):
        with pytest.raises(InputError, match=words):
            SpectralProblem(data, PowerLaw(), statistic=name)
    points = FluxPoints([1.0, 2.0, 3.0], [1, 1, 1], [1, 1, 1])
    with pytest.raises(InputError, match="fluxes with errors are no counts"):
        SpectralProblem(points, PowerLaw(), statistic="cstat")


def test_groups_without_a_variance_are_refused():
    with pytest.raises(InputError, match="variances are not positive"):
        SpectralProblem(
            Spectrum(np.zeros(40), exposure=1.0, response=two_regions(1.0).response), PowerLaw(),
            statistic="chi2_data",
        )  # fmt: skip


def test_missing_response_and_other_things_are_refused():
    with pytest.raises(InputError, match="response"):
        SpectralProblem(Spectrum([1, 2, 3], exposure=1.0), PowerLaw())
    with pytest.raises(InputError, match="a spectrum is needed"):
        SpectralProblem([1.0, 2.0], PowerLaw())
    with pytest.raises(InputError, match="only absorbs"):
        SpectralProblem(spectrum(), TBabs())
    with pytest.raises(InputError, match="spectral model is needed"):
        SpectralProblem(spectrum(), "powerlaw")
    with pytest.raises(ParameterError, match="untie"):
        SpectralProblem([spectrum(), spectrum()], PowerLaw(), untied=["index"])
    with pytest.raises(InputError, match="differ in number"):
        SpectralProblem([spectrum(), spectrum()], PowerLaw(), statistic=["cstat"])


def test_energy_zero_that_matters_is_refused():
    edges = np.array([0.0, 1.0, 2.0, 4.0])
    from astrokit.spectra import RMF

    rmf = RMF(edges[:-1], edges[1:], np.eye(3), edges[:-1], edges[1:], includes_area=True)
    counts = Spectrum([5, 5, 5], exposure=10.0, response=Response(rmf))
    with pytest.raises(InputError, match="begins at E = 0"):
        SpectralProblem(counts, PowerLaw())
    assert SpectralProblem(counts.notice("1-4 keV"), PowerLaw()).n_data == 2


# -- values ------------------------------------------------------------------------------------


def test_statistic_at_given_values():
    data = spectrum(np.full(40, 9.0))
    problem = SpectralProblem(data, TBabs(nh=0.07) * PowerLaw())
    got = problem.statistic(photon_index=1.7, normalization=4e-3)
    assert got == problem.statistic(PhoIndex=1.7, norm=4e-3)
    mu = problem.expected(problem.values(photon_index=1.7, normalization=4e-3))[0]
    # Counts of 9 in each group against these expectations, term by term.
    assert got == pytest.approx(sum(2 * (m - 9 + 9 * np.log(9 / m)) for m in mu), rel=1e-12)
    with pytest.raises(ParameterError, match="no such parameter"):
        problem.statistic(index=1.7)
    with pytest.raises(UnitError):
        problem.statistic(normalization=1 * u.s)


def test_fit_gives_statistic_and_degrees_of_freedom():
    model, (index, strength) = law()
    problem = drawn(
        at(SpectralProblem(spectrum(), model), photon_index=index, normalization=strength)
    )
    fit = problem.fit()
    assert fit.dof == 38
    assert fit.statistic == pytest.approx(problem.statistic(**fit.values), rel=1e-12)
    assert fit.statistic_name == "cstat"
    assert abs(fit["photon_index"].sigma_from(index)) < 4


def test_ties_by_expression():
    model, _ = law()
    pair = SpectralProblem([spectrum(), spectrum()], model, untied=["photon_index"])
    tied = pair.with_parameters(pair.parameters.tie(photon_index_of_2="photon_index + 0.5"))
    tied = drawn(at(tied, photon_index=1.8, normalization=1e-2))
    fit = quiet_fit(tied)
    difference = fit["photon_index_of_2"].value - fit["photon_index"].value
    assert difference == pytest.approx(0.5)
    assert abs(fit["photon_index"].sigma_from(1.8)) < 4


def test_two_spectra_are_the_sum_of_their_likelihoods():
    model, _ = law()
    a, b = spectrum(np.arange(40.0)), spectrum(np.full(40, 7.0), exposure=3e4)
    both = SpectralProblem([a, b], model)
    theta = [1.9, 3e-3]
    one = [SpectralProblem(x, model).log_likelihood(theta)[0] for x in (a, b)]
    assert both.log_likelihood(theta)[0] == pytest.approx(sum(one), rel=1e-13)
    assert both.n_data == 80


@pytest.mark.parametrize("statistic", ["wstat", "pgstat", "chi2", "chi2_model"])
@pytest.mark.parametrize("model", [TBabs() * PowerLaw(), TBabs() * BrokenPowerLaw()])
def test_score_is_the_gradient(statistic, model):
    rng = np.random.default_rng(8)
    data = spectrum(
        rng.poisson(30, 40), statistic, background=rng.poisson(8, 40), ratio=0.5, sigma=4.0
    )
    problem = SpectralProblem(data, model)
    theta = problem.parameters.free_values
    value, score, information = problem.score_and_information(theta)
    assert value == pytest.approx(problem.log_likelihood(theta)[0], rel=1e-12)
    sigma = 1 / np.sqrt(np.diag(information))
    numerical = gradient(problem, theta, 0.003 * sigma)
    np.testing.assert_allclose(score * sigma, numerical * sigma, rtol=1e-4, atol=1e-4)


def test_coarse_twin_leads_to_the_same_maximum(monkeypatch):
    """A long spectrum is searched in wide groups first."""
    edges = np.geomspace(0.4, 9.0, 1201)
    response = Response.ideal(edges, area=300.0, fwhm=0.12)
    model = BrokenPowerLaw()
    fake = ak.spectra.simulate(
        model, response, exposure=3e4, seed=4, low_photon_index=1.5, high_photon_index=2.6,
        break_energy=2.0, normalization=3e-3,
    )  # fmt: skip
    problem = SpectralProblem(fake, model)
    assert problem._coarse().n_data <= 100
    led = quiet_fit(problem)
    monkeypatch.setattr(SpectralProblem, "_coarse", lambda self: None)
    alone = quiet_fit(problem)
    assert abs(led.log_likelihood - alone.log_likelihood) < 1e-4
    assert abs(led["break_energy"].sigma_from(2.0)) < 4


def test_maxima_far_below_are_left_alone():
    """Starts whose rough search ends at a break beyond the data, in a spectrum that has one."""
    response = Response.ideal(np.geomspace(0.4, 9.0, 1201), area=300.0, fwhm=0.12)
    fake = ak.spectra.simulate(
        BrokenPowerLaw(), response, exposure=1e5, seed=4, low_photon_index=1.5,
        high_photon_index=2.6, break_energy=2.0, normalization=3e-3,
    )  # fmt: skip
    fit = quiet_fit(SpectralProblem(fake, BrokenPowerLaw()), n_starts=9)
    far = [s for s in fit.starts if s.reason == "a lower maximum of the coarse data"]
    assert far
    assert all(s.log_likelihood < fit.log_likelihood - 30 and not s.converged for s in far)
    assert fit["break_energy"].value == pytest.approx(2.0, rel=0.05)


def test_starts_predict_as_much_as_was_seen():
    problem = SpectralProblem([spectrum(np.full(40, 7.0)), spectrum(np.full(40, 3.0))], PowerLaw())
    draws = problem.parameters.sample_prior(np.random.default_rng(1), 50)
    moved = problem._nearer(draws)
    np.testing.assert_array_equal(moved[:, 0], draws[:, 0])
    total = problem.expected(moved, 0).sum(axis=1) + problem.expected(moved, 1).sum(axis=1)
    low, high = problem.parameters.bounds[1]
    inside = (moved[:, 1] > low) & (moved[:, 1] < high)
    assert inside.sum() > 10
    np.testing.assert_allclose(total[inside], 400.0, rtol=1e-12)
    fixed = SpectralProblem(spectrum(), PowerLaw(normalization=1e-3))
    np.testing.assert_array_equal(fixed._nearer(np.array([[2.0, 1e-3]])), [[2.0, 1e-3]])


def test_goodness_of_fit_by_simulation():
    model, (index, strength) = law()
    problem = at(SpectralProblem(spectrum(), model), photon_index=index, normalization=strength)
    good = ak.goodness_of_fit(quiet_fit(drawn(problem)), "deviance", 60, seed=1)
    assert 0.01 < good.p_value.value < 0.99
    theta = [index, strength]
    bumpy = problem.expected(problem.parameters.expand(theta))[0]
    bumpy[18:22] *= 2.0
    bad = problem.with_data(spectrum(np.rint(bumpy)))
    assert ak.goodness_of_fit(quiet_fit(bad), "deviance", 60, seed=1).n_exceeding == 0


def test_models_are_compared_and_a_break_by_simulation():
    rng = np.random.default_rng(6)
    law_model = PowerLaw(photon_index=INDEX, normalization=STRENGTH)
    problem = SpectralProblem(spectrum(), law_model)
    mu = problem.expected([[1.8, 1e-2]])[0]
    data = spectrum(rng.poisson(mu))
    fits = {
        name: quiet_fit(SpectralProblem(data, model))
        for name, model in (("PL", law_model), ("LP", LogParabola()), ("BPL", BrokenPowerLaw()))
    }
    table = ak.compare(fits)
    assert table.best("bic") == "PL"
    test = ak.likelihood_ratio_test(
        SpectralProblem(data, law_model), SpectralProblem(data, BrokenPowerLaw()), 20, seed=1
    )
    assert test.n == 20


def test_f_test_holds_for_curvature_and_is_refused_elsewhere():
    energy = np.geomspace(0.5, 8.0, 40)
    rng = np.random.default_rng(1)
    truth = LogParabola().density(energy, alpha=2.0, beta=0.5, norm=1e-3)
    points = FluxPoints(energy, truth * rng.normal(1, 0.1, 40), 0.1 * truth)
    line = GaussianLine(line_width=0.1)
    straight, bent, broken, lined, held = (
        quiet_fit(SpectralProblem(points, model))
        for model in (
            PowerLaw(),
            LogParabola(),
            BrokenPowerLaw(),
            PowerLaw() + line,
            BrokenPowerLaw(break_energy=2.0),
        )
    )
    found = ak.spectra.f_test(straight, bent)
    # By hand: the fall of chi2 over chi2 per degree of freedom of the better model.
    gain = (straight.statistic - bent.statistic) / (bent.statistic / 37)
    assert (found.f, found.extra, found.dof) == (pytest.approx(gain), 1, 37)
    assert found.p_value < 1e-4
    assert ak.spectra.f_test(straight, held).p_value < 1e-2  # a break at a known energy is regular
    for other, words in ((broken, "break energy"), (lined, "energy of a line")):
        with pytest.raises(ak.errors.ComparisonError, match=words):
            ak.spectra.f_test(straight, other)
    with pytest.raises(ak.errors.ComparisonError, match="no additional parameter"):
        ak.spectra.f_test(bent, straight)
    data = spectrum(np.full(40, 50.0))
    counts = [quiet_fit(SpectralProblem(data, m)) for m in (PowerLaw(), LogParabola())]
    with pytest.raises(ak.errors.ComparisonError, match="needs chi2"):
        ak.spectra.f_test(*counts)


def test_statistics_beyond_their_range_are_flagged():
    sparse = SpectralProblem(spectrum(np.full(40, 3.0), "wstat"), PowerLaw())
    with pytest.warns(ak.errors.CoverageWarning, match="40 of 40 are"):
        sparse.fit()
    few = spectrum(np.full(40, 4.0), "chi2_gehrels", sigma=3.3)
    assert "biased for few counts" in quiet_fit(SpectralProblem(few, PowerLaw())).reservations[0]
    plenty = spectrum(np.full(40, 40.0), "chi2_gehrels", sigma=7.0)
    assert not SpectralProblem(plenty, PowerLaw())._reservations(np.zeros(2))


def test_flux_parametrisation_changes_nothing_else():
    model, _ = law()
    problem = drawn(at(SpectralProblem(spectrum(), model), photon_index=1.8, normalization=1e-2))
    plain = problem.fit()
    other = ak.spectra.EnergyFlux(PowerLaw(photon_index=INDEX), 2.0, 8.0)
    fit = SpectralProblem(problem.data, other).fit()
    assert fit.statistic == pytest.approx(plain.statistic, abs=1e-6)
    derived = ak.spectra.flux(plain, 2.0, 8.0)
    assert fit["energy_flux"].value == pytest.approx(derived.value, rel=1e-5)
    assert fit["energy_flux"].error == pytest.approx(derived.error, rel=1e-2)


# -- published numbers ------------------------------------------------------------------------


def test_wstat_of_3c273(real_data):
    spec = ak.spectra.read_pha(real_data("spectra/3c273_chandra/3c273.pi"))
    values = {"photon_index": 1.782, "normalization": 1.622e-4}

    def wstat(data):
        return SpectralProblem(data, PowerLaw(), statistic="wstat").statistic(**values)

    assert wstat(spec) == pytest.approx(62.12275005769554, rel=1e-10)
    assert wstat(spec.ungroup()) == pytest.approx(652.9968167212116, rel=1e-10)
    left_out = ("**-0.5 keV", "3-4 keV", "7-** keV")
    assert wstat(spec.ignore(*left_out)) == pytest.approx(39.84715083397662, rel=1e-10)
    single = spec.ungroup().ignore(*left_out)
    assert wstat(single) == pytest.approx(416.0601496345599, rel=1e-10)


def test_chi2_of_3c273(real_data):
    """Without absorption to all digits; with it, as far as other cross-sections move it."""
    spec = ak.spectra.read_pha(real_data("spectra/3c273_chandra/3c273.pi")).notice("0.1-6 keV")
    bare = SpectralProblem(spec, PowerLaw(), statistic="chi2_gehrels").fit()
    assert bare.statistic == pytest.approx(38.899, abs=1e-3)
    assert bare["photon_index"].value == pytest.approx(1.72850, abs=1e-5)
    assert bare["normalization"].value == pytest.approx(1.45225e-4, rel=1e-5)
    model = ak.spectra.Phabs(nh=0.07) * PowerLaw()
    fit = SpectralProblem(spec, model, statistic="chi2_gehrels").fit()
    assert (fit.n_data, fit.dof) == (44, 42)
    assert fit["photon_index"].value == pytest.approx(2.1585, abs=0.02)
    assert fit.statistic == pytest.approx(37.91, abs=0.7)


@pytest.mark.parametrize(
    ("path", "values", "expected"),
    [
        ("fermi/pha_obs0.fits", (4.04382e-11, 2.371526, 0.136534), 33.674626),
        ("fact/pha_stacked.fits", (3.49140e-11, 2.541633, 0.424917), 70.978839),
    ],
)
def test_crab_log_parabola(real_data, path, values, expected):
    spec = ak.spectra.read_pha(real_data(f"spectra/joint_crab/{path}"))
    spec = spec.ignore("30000-** GeV") if "fact" in path else spec
    problem = SpectralProblem(spec, LogParabola(pivot=1e9), statistic="wstat")
    norm, alpha, beta = values
    # Seven published digits of each parameter.
    got = problem.statistic(norm=norm * 1e-9, alpha=alpha, beta=beta)
    assert got == pytest.approx(expected, abs=1e-4)
    fit = quiet_fit(problem)
    assert fit.statistic == pytest.approx(expected, abs=1e-4)
    assert fit["photon_index"].value == pytest.approx(alpha, abs=2e-3)
    assert fit["curvature"].value == pytest.approx(beta, abs=2e-3)
    assert fit["normalization"].value == pytest.approx(norm * 1e-9, rel=2e-3)


def test_absorbed_power_law_of_a_simulated_xmm_spectrum(real_data):
    spec = ak.spectra.read_pha(real_data("spectra/vaughan_xmmpn/source.pha"))
    spec = spec.ignore("**-0.5 keV", "10-** keV")
    model = Wabs() * PowerLaw()
    fit = quiet_fit(SpectralProblem(spec, model, statistic="chi2"))
    assert fit.n_data == 43
    assert fit.statistic == pytest.approx(37.624, abs=0.01)
    assert fit["nh"].value == pytest.approx(0.107, abs=1e-3)
    assert fit["photon_index"].value == pytest.approx(2.650, abs=2e-3)
    assert fit["normalization"].value == pytest.approx(1.804e-4, rel=1e-3)
    cash = quiet_fit(SpectralProblem(spec, model, statistic="cstat"))
    assert cash.statistic == pytest.approx(46.786, abs=0.01)


def test_joint_statistics_of_pks1127(real_data):
    """Two groupings of one observation, each with parameters of its own: 460 and 407 bins."""
    folder = "spectra/pks1127_chandra"
    pair = [
        ak.spectra.read_pha(real_data(f"{folder}/{name}")).with_background(()).notice("0.3-7 keV")
        for name in ("q1127_src1.pi", "q1127_src1_grp30.pi")
    ]
    model = ak.spectra.Phabs(nh=0.041) * ak.spectra.ZPhabs(redshift=0.312) * PowerLaw()
    untied = ["nh_2", "photon_index", "normalization"]
    fit = quiet_fit(SpectralProblem(pair, model, statistic="chi2_gehrels", untied=untied))
    assert fit.n_data == 867
    assert fit.statistic == pytest.approx(972.388, abs=3.0)  # cross-sections differ
    # The other statistics at that place, published 1210.57, 1204.69 and 1232.03.
    for name, published in (("cstat", 1210.57), ("chi2_data", 1204.69), ("chi2_model", 1232.03)):
        other = SpectralProblem(pair, model, statistic=name, untied=untied)
        assert other.statistic(**fit.values) == pytest.approx(published, abs=4.0)
