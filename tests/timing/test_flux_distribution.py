"""Flux distributions: the contract, densities by integration, and the verdict on red noise."""

from __future__ import annotations

import warnings
from typing import ClassVar

import numpy as np
import pytest
from scipy import stats

import astrokit as ak
from astrokit.errors import AstrokitWarning, CoverageWarning, InputError, ParameterError, ShapeError
from astrokit.inference import LogUniform, Uniform, calibrate
from astrokit.timing import (
    FluxDistributionProblem,
    LogNormalFlux,
    NormalFlux,
    flux_distribution,
    simulate_lightcurve,
)
from tests.contract import ProblemContract
from tests.reference.timing_flux import density, mixture

KINDS = {"normal": NormalFlux(), "log-normal": LogNormalFlux()}


def curve(rate, error=0.1):
    rate = np.asarray(rate, dtype=float)
    return ak.LightCurve(np.arange(rate.size) * 100.0, rate, np.full(rate.size, error))


def quietly(function, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        return function(*args, **options)


class TestLogNormal(ProblemContract):
    truth: ClassVar = {"median": 2.7, "log_sigma": 0.3}

    @pytest.fixture
    def problem(self):
        rng = np.random.default_rng(1)
        rate = rng.lognormal(np.log(2.7), 0.3, 500) + rng.normal(0, 0.2, 500)
        return FluxDistributionProblem(curve(rate, 0.2), LogNormalFlux())


class TestTwoNormals(ProblemContract):
    truth: ClassVar = {
        "mean_1": 5.0,
        "sigma_1": 0.5,
        "separation": 4.0,
        "sigma_2": 1.0,
        "fraction_2": 0.4,
    }
    n_scores = 300

    @pytest.fixture
    def problem(self):
        rng = np.random.default_rng(2)
        bright = rng.random(1000) < 0.4
        rate = np.where(bright, rng.normal(9, 1.0, 1000), rng.normal(5, 0.5, 1000))
        error = 0.3
        return FluxDistributionProblem(
            curve(rate + rng.normal(0, error, 1000), error), NormalFlux() + NormalFlux()
        )


class TestTwoLogNormals(ProblemContract):
    truth: ClassVar = {
        "median_1": 5.0,
        "log_sigma_1": 0.1,
        "separation": 5.0,
        "log_sigma_2": 0.15,
        "fraction_2": 0.4,
    }
    n_fits = 60
    n_scores = 200

    @pytest.fixture
    def problem(self):
        rng = np.random.default_rng(3)
        bright = rng.random(800) < 0.4
        ln = np.where(bright, rng.normal(np.log(10), 0.15, 800), rng.normal(np.log(5), 0.1, 800))
        rate = np.exp(ln) + rng.normal(0, 0.3, 800)
        return FluxDistributionProblem(curve(rate, 0.3), LogNormalFlux() + LogNormalFlux())


# -- densities ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [0.02, 0.3, 1.2])
@pytest.mark.parametrize("sigma", [0.0, 0.05, 1.0])
def test_density_is_the_convolution(kind, width, sigma):
    """The reference integrates SciPy's density of the true flux times that of the error."""
    x = np.array([0.4, 1.4, 3.0] if sigma == 0 else [-2 * sigma, 0.4, 1.4, 3.0] + [1.0] * 6)
    x = np.resize(x, 12)
    lc = ak.LightCurve(np.arange(12.0), x, np.full(12, sigma) if sigma else None)
    problem = FluxDistributionProblem(lc, KINDS[kind])
    found = problem._pointwise(np.array([[1.5, width]]))[0]
    expected = np.array([density(kind, 1.5, width, v, sigma) for v in x])
    seen = expected > 1e-200  # beyond, the reference underflows
    assert seen.any()
    np.testing.assert_allclose(found[seen], np.log(expected[seen]), atol=2e-7)


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("second", KINDS)
def test_mixture_is_the_weighted_sum(first, second):
    x = np.linspace(0.5, 6.0, 12)
    problem = FluxDistributionProblem(curve(x, 0.2), KINDS[first] + KINDS[second])
    values = [1.5, 0.3, 2.5, 0.2, 0.3]
    found = problem.log_likelihood(values)[0]
    expected = sum(np.log(mixture((first, second), values, v, 0.2)) for v in x)
    assert found == pytest.approx(expected, abs=1e-6)


def test_all_models_are_densities_of_flux():
    """The Jacobian is there: each integrates to 1 over flux."""
    x = np.linspace(1e-3, 60.0, 200_001)
    for model, values in (
        (LogNormalFlux(), {"median": 3.0, "log_sigma": 0.5}),
        (NormalFlux() + LogNormalFlux(), {"mean_1": 3.0, "sigma_1": 0.5, "separation": 4.0,
                                          "log_sigma_2": 0.2, "fraction_2": 0.7}),
    ):  # fmt: skip
        assert np.trapezoid(model.pdf(x, **values), x) == pytest.approx(1.0, abs=1e-5)


def test_aic_tells_normal_from_log_normal():
    """By the width of 0.5 a sample of 400 tells by far; the density is per flux in both."""
    rng = np.random.default_rng(5)
    for rate, best in (
        (rng.lognormal(1.0, 0.5, 400), "log-normal"),
        (rng.normal(10.0, 2.0, 400), "normal"),
    ):
        fits = [FluxDistributionProblem(curve(rate), m).fit() for m in KINDS.values()]
        assert ak.compare(fits).best("aic") == best


def test_negative_rates_of_a_faint_source_are_used():
    rng = np.random.default_rng(6)
    rate = rng.lognormal(0.0, 0.5, 600) + rng.normal(0, 1.0, 600)
    assert rate.min() < 0
    fit = FluxDistributionProblem(curve(rate, 1.0), LogNormalFlux()).fit()
    assert fit.n_data == 600
    assert abs(fit["log_sigma"].sigma_from(0.5)) < 4


@pytest.mark.parametrize(
    ("separation", "n"), [(1.9, 1), (2.1, 2)]
)  # two equal normals have two peaks from 2 sigma on
def test_peaks_of_a_mixture(separation, n):
    model = NormalFlux() + NormalFlux()
    peaks = model.maxima(mean_1=3.0, sigma_1=1.0, separation=separation, sigma_2=1.0,
                         fraction_2=0.5)  # fmt: skip
    assert len(peaks) == n
    assert np.mean(peaks) == pytest.approx(3 + separation / 2, abs=0.01)


def test_posterior_is_calibrated():
    lc = curve(np.random.default_rng(7).normal(5, 1, 120), 0.3)
    problem = FluxDistributionProblem(lc, NormalFlux())
    p = problem.parameters.replace("mean", prior=Uniform(2, 8), value=5.0)
    p = p.replace("sigma", prior=LogUniform(0.3, 3), value=1.0)
    result = quietly(calibrate, problem.with_parameters(p), 60, sampling={"ensembles": 2}, seed=1)
    assert result.passes(n_sigma=4.0)


# -- the verdict ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sampling():
    return ak.LightCurve(np.arange(300) * 100.0 + 50, np.full(300, 10.0), np.full(300, 0.2))


def steep(f):
    return 2e-10 * f**-2.5


def test_steep_red_noise_looks_bimodal_and_is_not_called_so(sampling):
    """Of 12 curves of one component AIC prefers two in half, by 10 or more; the verdict not."""
    naive, verdicts = 0, []
    for seed in range(12):
        lc = simulate_lightcurve(steep, sampling, seed=seed)
        result = flux_distribution(lc, psd=steep, n=39, level=0.025, seed=seed)
        naive += result.double.aic < result.single.aic - 10
        verdicts.append(result.verdict)
    assert naive >= 4
    # "bimodal" or "two components" needs none of 39 to exceed: 1 in 40 by chance.
    false = sum(v in ("bimodal", "two components") for v in verdicts)
    assert false <= stats.binom(12, 1 / 40).ppf(0.9999)


def two_states(sampling, seed, separation=1.0):
    """Return a source that jumps between two fluxes every few bins, over weak red noise."""
    rng = np.random.default_rng(seed)
    lc = simulate_lightcurve(lambda f: 1e-6 * f**-1.0, sampling, seed=rng)
    state = np.cumsum(rng.random(lc.n) < 0.1) % 2
    rate = lc.rate * (1 + 0.5 * separation * state)
    return ak.LightCurve(lc.time, rate, lc.error)


def test_two_states_are_called_bimodal(sampling):
    lc = two_states(sampling, 1)
    fit = quietly(ak.timing.PSDProblem(lc, ak.timing.PowerLaw()).fit)
    result = flux_distribution(lc, psd=fit, n=99, seed=1)
    assert result.verdict == "bimodal"
    assert result.best is result.double
    assert np.allclose(result.peaks, [10.0, 15.0], rtol=0.1)
    assert "0 of" in result.sentence
    assert "bimodal" in repr(result)
    assert "bimodal" in result._repr_html_()
    assert "emmanoulopoulos" not in ak.cite(result).keys
    assert "uttley2005" in ak.cite(result).keys


def test_without_a_spectrum_nothing_is_claimed(sampling):
    result = flux_distribution(two_states(sampling, 1))
    assert result.verdict == "not tested"
    assert result.test is None
    assert result.best is result.single
    assert "cannot be told" in result.sentence


def test_the_same_seed_gives_the_same_verdict(sampling):
    lc = two_states(sampling, 2, separation=0.5)
    a, b = (flux_distribution(lc, psd=steep, n=10, level=0.1, seed=3) for _ in range(2))
    assert np.array_equal(a.test.simulated, b.test.simulated)


def test_plot_data_are_a_density(sampling):
    result = flux_distribution(two_states(sampling, 1))
    data = result.plot_data()
    assert np.sum(data.density * np.diff(data.edges)) == pytest.approx(1.0)
    # The normal that stands for both states reaches far beyond the data, the mixture does not.
    wide, narrow = (np.trapezoid(values, data.flux) for values in data.curves.values())
    assert 0.8 < wide < 1.0
    assert narrow == pytest.approx(1.0, abs=0.01)
    ax = result.plot()
    assert ax.get_xlabel() == "Rate (ct / s)"
    assert len(ax.get_lines()) == 2


# -- bad input ------------------------------------------------------------------------------------


def test_what_is_refused(sampling):
    lc = two_states(sampling, 1)
    with pytest.raises(ShapeError, match="more valid bins"):
        FluxDistributionProblem(lc[:5], NormalFlux())
    with pytest.raises(InputError, match="two components"):
        NormalFlux() + NormalFlux() + NormalFlux()
    with pytest.raises(InputError, match="mixture cannot be simulated"):
        FluxDistributionProblem(lc, NormalFlux() + NormalFlux(), psd=steep)
    with pytest.raises(InputError, match="flux model"):
        FluxDistributionProblem(lc, ak.timing.PowerLaw())
    flat = ak.LightCurve(np.arange(50.0), np.full(50, 3.0), np.full(50, 0.1))
    with pytest.raises(InputError, match="constant"):
        flux_distribution(flat)
    with pytest.raises(InputError, match="different ones"):
        flux_distribution(lc, models=[NormalFlux()])
    with pytest.raises(InputError, match="cannot show a p-value"):
        flux_distribution(lc, psd=steep, n=50)
    with pytest.raises(ParameterError, match="every parameter"):
        NormalFlux().pdf([1.0], mean=1.0)
    with pytest.raises(TypeError):
        NormalFlux() + 1.0
    bare = ak.LightCurve(lc.time, lc.rate - 12)
    with pytest.raises(InputError, match="rates <= 0"):
        FluxDistributionProblem(bare, LogNormalFlux())
    below = ak.LightCurve(lc.time, lc.rate - 40, lc.error)
    with pytest.raises(InputError, match="mean rate is not positive"):
        FluxDistributionProblem(below, LogNormalFlux())
    mag = ak.LightCurve(lc.time, lc.rate, lc.error, info=lc.info.replace(rate_unit="mag"))
    with pytest.raises(InputError, match="magnitudes"):
        FluxDistributionProblem(mag, NormalFlux())


def test_correlated_bins_are_reported(sampling):
    lc = simulate_lightcurve(steep, sampling, seed=1)
    with pytest.warns(CoverageWarning, match="neighbouring bins are correlated"):
        FluxDistributionProblem(lc, NormalFlux()).fit()
