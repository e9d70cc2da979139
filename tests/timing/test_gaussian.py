"""The Gaussian likelihood of a light curve: contract, closed forms, precision, refusals."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from scipy import linalg, stats

import astrokit as ak
from astrokit.errors import AstrokitWarning, InputError
from astrokit.timing import (
    BendingPowerLaw,
    Constant,
    GaussianPSDProblem,
    Periodogram,
    PowerLaw,
    PSDProblem,
    timmer_koenig,
)
from astrokit.timing.autocovariance import DifferenceAutocovariance, structure_function
from astrokit.timing.gaussian_kernels import (
    durbin_log_likelihood,
    durbin_simulate,
    fill_covariance,
)
from tests.contract import ProblemContract
from tests.reference import timing_gaussian as reference

SCRIPT = Path(__file__).parents[2] / "docs" / "calibration" / "psd_slopes.py"


def curve(n, slope=2.0, seed=1, gaps=None, error=None):
    """Return a simulated curve of level 100, power 1 at 0.1 Hz, one second bins."""
    rate = 100 + timmer_koenig(lambda f: (f / 0.1) ** -slope, n, 1.0, seed=seed)
    if error is not None:
        rate += error * np.random.default_rng(seed + 1000).standard_normal(n)
    if gaps is not None:
        rate[gaps] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        return ak.LightCurve(np.arange(n) + 0.5, rate, error, bin_width=1.0)


class TestGapsAndUnequalErrors(ProblemContract):
    """The dense engine."""

    truth: ClassVar = {"slope": 2.0, "log_amplitude": 0.0}

    @pytest.fixture
    def problem(self):
        rng = np.random.default_rng(8)
        gaps = (np.arange(160) % 40 > 30) | (rng.random(160) < 0.1)
        lc = curve(160, gaps=gaps, error=rng.uniform(0.05, 0.3, 160))
        return PSDProblem(lc, PowerLaw(pivot=0.1), normalization="absolute", engine="dense")


class TestWithoutGaps(ProblemContract):
    """The Toeplitz engine, with white noise of unknown strength."""

    truth: ClassVar = {"slope": 2.0, "log_amplitude": 0.0, "constant": 0.5}

    @pytest.fixture
    def problem(self):
        lc = curve(256, error=np.full(256, 0.5))
        return PSDProblem(lc, PowerLaw(pivot=0.1) + Constant(), normalization="absolute")


# -- the covariance -------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1.0, 0.5])
@pytest.mark.parametrize("slope", [1.0, 2.0, 2.5, 3.0, 4.0])
def test_autocovariance_is_the_integral(slope, width):
    lags = [0, 1, 2, 7, 31]
    grid = DifferenceAutocovariance(64, 1.0, width, 1e-4)
    found = grid.of(lambda f: f**-slope)
    expected = reference.autocovariance(
        lambda f: f**-slope, lags, width, 1e-4, differences=1.0, top=300.5 * width
    )
    tolerance = {1.0: 3e-6, 2.0: 3e-8, 2.5: 3e-9, 3.0: 1e-10, 4.0: 1e-12}[slope]
    assert np.abs(found[lags] - expected).max() < tolerance * found[0]


def test_autocovariance_of_a_bend_and_of_another_time_unit():
    def bent(f):
        return f**-1.0 / (1 + (f / 0.02) ** 2)

    plain = DifferenceAutocovariance(300, 1.0, 1.0, 1e-5).of(bent)
    expected = reference.autocovariance(bent, [0, 5, 60], 1.0, 1e-5, differences=1.0)
    assert np.abs(plain[[0, 5, 60]] - expected).max() < 1e-9 * plain[0]
    # The same process with times in units of 1000 s: powers are per other frequencies.
    other = DifferenceAutocovariance(300, 1e-3, 1e-3, 1e-2).of(lambda f: bent(f / 1e3) / 1e3)
    np.testing.assert_allclose(other, plain, atol=1e-12 * plain[0])


def test_white_noise_has_independent_bins():
    found = DifferenceAutocovariance(128, 1.0, 1.0, 1e-4).of(lambda f: np.full(f.size, 2.0))
    expected = np.zeros(128)
    expected[:2] = 2.0, -1.0
    assert np.abs(found - expected).max() < 1e-5


def test_structure_function_of_an_exponential_covariance():
    R = np.exp(-np.arange(51) / 7.0)
    differences = 2 * R[:-1] - R[1:] - np.append(R[1], R[:-2])
    np.testing.assert_allclose(structure_function(differences), 2 * (1 - R), atol=1e-13)


# -- the kernels ----------------------------------------------------------------------------------


def test_durbin_is_the_multivariate_normal():
    rng = np.random.default_rng(2)
    r = np.stack([0.8 ** np.arange(60), np.exp(-0.5 * (np.arange(60) / 2.0) ** 2)])
    r[:, 0] += 0.3
    y = rng.standard_normal(60)
    out = np.empty(2)
    durbin_log_likelihood(r, y, out)
    expected = [stats.multivariate_normal(cov=linalg.toeplitz(row)).logpdf(y) for row in r]
    np.testing.assert_allclose(out, expected, rtol=1e-12)
    np.testing.assert_allclose(out, [float(reference.durbin(row, y)) for row in r], rtol=1e-12)


def test_durbin_refuses_what_is_no_covariance():
    r = np.array([[1.0, 1.2, 0.0, 0.0]])
    out = np.empty(1)
    durbin_log_likelihood(r, np.ones(4), out)
    assert out[0] == -np.inf
    assert not durbin_simulate(r[0], np.ones(4))


def test_durbin_simulates_with_the_cholesky_factor():
    r = 0.9 ** np.arange(40)
    z = np.random.default_rng(3).standard_normal(40)
    x = z.copy()
    assert durbin_simulate(r, x)
    np.testing.assert_allclose(x, np.linalg.cholesky(linalg.toeplitz(r)) @ z, atol=1e-12)


def test_covariance_of_differences_across_gaps():
    R = np.exp(-np.arange(41) / 9.0)
    differences = 2 * R[:-1] - R[1:] - np.append(R[1], R[:-2])
    position = np.array([0, 1, 2, 5, 6, 11, 30, 31, 39])
    variance = np.linspace(0.1, 0.9, position.size)
    out = np.zeros((8, 8))
    fill_covariance(structure_function(differences), differences, position, variance, out)
    C = R[np.abs(position[:, None] - position)] + np.diag(variance)
    D = np.diff(np.eye(position.size), axis=0)
    np.testing.assert_allclose(out, np.tril(D @ C @ D.T), atol=1e-12)


# -- the likelihood -------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["toeplitz", "dense"])
def test_likelihood_marginalises_the_mean(engine):
    lc = curve(24, error=np.full(24, 0.7))
    model = PowerLaw(pivot=0.1) + Constant()
    problem = PSDProblem(lc, model, normalization="absolute", engine=engine)
    R = reference.autocovariance(
        lambda f: 1.3 * (f / 0.1) ** -1.8, np.arange(24), 1.0, problem.cutoff
    )
    C = linalg.toeplitz(R.astype(float)) + (0.7**2 + 0.6 / 2) * np.eye(24)
    expected = reference.log_likelihood(C, lc.rate)
    found = problem.log_likelihood([1.8, np.log(1.3), 0.6])[0]
    assert found == pytest.approx(expected, abs=1e-5)


def test_engines_agree_also_for_steep_spectra_without_noise():
    for slope in (0.0, 1.0, 2.0, 3.0, 4.0):
        lc = curve(200, slope=max(slope, 0.5))
        values = [
            PSDProblem(
                lc, PowerLaw(pivot=0.1), engine=engine, normalization="absolute"
            ).log_likelihood([slope, 0.0])[0]
            for engine in ("toeplitz", "dense")
        ]
        assert values[0] == pytest.approx(values[1], rel=1e-9)


@pytest.mark.parametrize("slope", [2.0, 3.0, 4.0])
def test_leakage_does_not_lift_the_prior_of_the_amplitude_above_the_truth(slope):
    for seed in range(5):
        lc = curve(1024, slope=slope, seed=seed)
        problem = PSDProblem(lc, PowerLaw(pivot=0.1), normalization="absolute")
        prior = problem.parameters["log_amplitude"].prior
        assert prior.low + 3 < 0 < prior.high - 3  # curve() has a power of one there


def test_slope_four_without_noise_keeps_its_precision():
    """Against the same recursion in extended precision: where slopes lose all digits first."""
    lc = curve(200, slope=4.0, seed=5)
    problem = PSDProblem(lc, PowerLaw(pivot=0.1), normalization="absolute")
    R = DifferenceAutocovariance(200, 1.0, 1.0, problem.cutoff).of(lambda f: (f / 0.1) ** -4.0)
    exact = reference.durbin(R, np.diff(lc.rate))
    assert problem.log_likelihood([4.0, 0.0])[0] == pytest.approx(float(exact), abs=1e-6)


def test_white_noise_has_a_closed_form():
    rate = 50 + np.random.default_rng(4).standard_normal(64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        lc = ak.LightCurve(np.arange(64.0), rate, bin_width=0.5)
    problem = PSDProblem(lc, Constant(), normalization="absolute")
    fit = problem.fit()
    # The variance of a bin is c / (2 width); the unbiased one, since the mean is marginalised.
    expected = 2 * 0.5 * rate.var(ddof=1)
    assert abs(fit["constant"].value - expected) < 1e-4 * fit["constant"].error
    assert fit["constant"].error == pytest.approx(expected * np.sqrt(2 / 63), rel=1e-3)


def test_level_and_scale_of_the_rates_do_not_matter():
    lc = curve(128, gaps=np.arange(40, 55))
    scaled = ak.LightCurve(lc.time, 3.0 * lc.rate, bin_width=1.0)
    theta = [2.0, -9.0]
    plain = PSDProblem(lc, PowerLaw(pivot=0.1)).log_likelihood(theta)
    assert PSDProblem(scaled, PowerLaw(pivot=0.1)).log_likelihood(theta) == pytest.approx(plain)
    lifted = ak.LightCurve(lc.time, lc.rate + 70.0, bin_width=1.0)
    problems = [PSDProblem(x, PowerLaw(pivot=0.1), normalization="absolute") for x in (lc, lifted)]
    values = [problem.log_likelihood([2.0, 0.0])[0] for problem in problems]
    assert values[0] == pytest.approx(values[1], rel=1e-9)


def test_missing_rows_are_invalid_bins():
    lc = curve(100, gaps=np.arange(30, 60))
    short = ak.LightCurve(lc.time[lc.valid], lc.rate[lc.valid], bin_width=1.0)
    theta = [1.5, -9.0]
    values = [PSDProblem(x, PowerLaw(pivot=0.1)).log_likelihood(theta) for x in (lc, short)]
    assert values[0] == pytest.approx(values[1], rel=1e-12)


def test_wider_bins_have_the_covariance_of_averages():
    """Averages of bins, as data of their own: aliasing and averaging are in the model."""
    fine = DifferenceAutocovariance(64, 1.0, 1.0, 1e-4).of(lambda f: f**-2.0)
    wide = DifferenceAutocovariance(16, 4.0, 4.0, 1e-4).of(lambda f: f**-2.0)
    # y_{i+1} - y_i of averages over 4 is a weighted sum of fine differences.
    weights = np.array([1, 2, 3, 4, 3, 2, 1]) / 4
    expected = weights @ linalg.toeplitz(fine[:7]) @ weights
    assert wide[0] == pytest.approx(expected, rel=1e-7)


def test_cutoff_hardly_matters_up_to_slope_three():
    lc = curve(200, slope=2.5, error=np.full(200, 1e-3))
    slopes = []
    for cutoff in (1e-4, 1e-6):
        problem = PSDProblem(lc, PowerLaw(pivot=0.1), cutoff=cutoff)
        assert problem.settings()["cutoff"] == problem.cutoff == cutoff
        slopes.append(problem.fit()["slope"])
    assert abs(slopes[0].value - slopes[1].value) < 0.2 * slopes[0].error


@pytest.mark.parametrize("gaps", [slice(100, 160), np.random.default_rng(1).random(420) < 0.2])
def test_the_search_in_wider_bins_changes_nothing(gaps, monkeypatch):
    lc = curve(420, slope=1.5, gaps=gaps, error=np.full(420, 0.2))
    problem = PSDProblem(lc, PowerLaw(pivot=0.1), engine="dense")
    twin = problem._coarse()
    assert 80 <= twin.n_data < 0.6 * problem.n_data
    assert twin.cutoff == problem.cutoff
    guided = problem.fit()
    monkeypatch.setattr(GaussianPSDProblem, "_coarse", lambda self: None)
    direct = problem.fit()
    assert guided.log_likelihood == pytest.approx(direct.log_likelihood, abs=1e-4)


# -- simulation and residuals ---------------------------------------------------------------------


def test_simulated_differences_have_the_covariance_of_the_model():
    lc = curve(32, gaps=[5, 6, 20], error=np.full(32, 0.4))
    problem = PSDProblem(lc, PowerLaw(pivot=0.1), normalization="absolute")
    assert problem.engine == "dense"
    rng = np.random.default_rng(6)
    n = 2000
    rates = [problem.simulate([2.0, 0.0], rng).data.rate[lc.valid] for _ in range(n)]
    found = np.cov(np.diff(rates, axis=1), rowvar=False)
    R = DifferenceAutocovariance(32, 1.0, 1.0, problem.cutoff).of(lambda f: (f / 0.1) ** -2.0)
    matrix = np.empty((28, 28))
    variance = np.full(29, 0.16)
    position = np.flatnonzero(lc.valid)
    fill_covariance(structure_function(R), R, position, variance, matrix)
    C = np.tril(matrix) + np.tril(matrix, -1).T
    error = np.sqrt((C**2 + np.outer(np.diag(C), np.diag(C))) / n)
    assert np.abs((found - C) / error).max() < 5  # 4 sigma and a bit: the largest of 406


def test_residuals_are_white_for_the_truth():
    lc = curve(300, slope=2.0, gaps=np.arange(100, 140), error=np.full(300, 0.3))
    problem = PSDProblem(lc, PowerLaw(pivot=0.1), normalization="absolute")
    z = problem.residuals({"slope": 2.0, "log_amplitude": 0.0})
    assert z.size == problem.n_data - 1
    assert stats.kstest(z, "norm").pvalue > 1e-4
    assert abs(np.corrcoef(z[1:], z[:-1])[0, 1]) < 4 / np.sqrt(z.size)


def test_a_fit_gives_the_spectrum_of_simulations():
    lc = curve(128, error=np.full(128, 0.3))
    fit = PSDProblem(lc, PowerLaw(pivot=0.1)).fit()
    simulated = ak.timing.simulate_lightcurve(fit, lc, seed=1)
    assert simulated.n == 128
    f = np.array([0.01, 0.1])
    expected = np.exp(fit["log_amplitude"].value) * (f / 0.1) ** -fit["slope"].value
    np.testing.assert_allclose(fit.problem.psd(f, fit.values)[0], expected, rtol=1e-12)


# -- what comes out -------------------------------------------------------------------------------


@pytest.mark.parametrize("sampling", ["full", "orbital", "random"])
def test_slopes_are_unbiased_and_covered(sampling):
    spec = importlib.util.spec_from_file_location("psd_slopes", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    n = 40
    row = script.study(2.5, sampling, curves=n, n=128, seed=7)
    assert abs(row["mean"] - 2.5) < 4 * row["standard_error"]
    assert abs(row["coverage"] - 0.683) < 4 * np.sqrt(0.683 * 0.317 / n)


def test_whittle_is_biased_where_the_curve_itself_is_not():
    lc = curve(256, slope=3.0, seed=11)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        whittle = PSDProblem(Periodogram.from_lightcurve(lc), PowerLaw()).fit()["slope"]
        exact = PSDProblem(lc, PowerLaw()).fit()["slope"]
    assert whittle.sigma_from(3.0) < -4
    assert abs(exact.sigma_from(3.0)) < 4


# -- choices and refusals -------------------------------------------------------------------------


def test_auto_takes_the_faster_engine_and_names_it():
    full, gapped = curve(64), curve(64, gaps=[7])
    unequal = curve(64, error=np.linspace(0.1, 0.2, 64))
    engines = [PSDProblem(lc, PowerLaw()).settings()["engine"] for lc in (full, gapped, unequal)]
    assert engines == ["toeplitz", "dense", "dense"]
    longer = [PSDProblem(curve(n, gaps=gaps), PowerLaw()).engine for n, gaps in
              ((200, [7]), (1000, None), (1001, None))]  # fmt: skip
    assert longer == ["celerite", "toeplitz", "celerite"]
    assert isinstance(PSDProblem(full, PowerLaw()), GaussianPSDProblem)
    assert PSDProblem(full, PowerLaw(), engine="dense").engine == "dense"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "fast"}, "engine is unknown"),
        ({"normalization": "leahy"}, "normalization is unknown"),
        ({"likelihood": "whittle"}, "Periodogram.from_lightcurve"),
        ({"engine": "toeplitz"}, "without gaps"),
        ({"cutoff": 1.0}, "above the lowest frequency"),
    ],
)
def test_options_are_refused_with_a_way_out(options, message):
    with pytest.raises(InputError, match=message):
        PSDProblem(curve(64, gaps=[7]), PowerLaw(), **options)


def test_misspelt_options_are_type_errors():
    with pytest.raises(TypeError):
        PSDProblem(curve(64), PowerLaw(), engin="dense")


@pytest.mark.parametrize(
    ("time", "rate", "width", "message"),
    [
        (np.arange(5.0), np.arange(5.0), 1.0, "too few valid bins"),
        (np.arange(20.0), np.full(20, 3.0), 1.0, "constant"),
        (np.arange(20.0), np.sin(np.arange(20.0)) - 2, 1.0, "mean rate is not positive"),
        (np.arange(20.0), np.arange(20.0), 1.1, "overlap"),
        (np.arange(20.0) ** 1.5, np.arange(20.0), 1.2, "overlap"),
    ],
)
def test_curves_are_refused_with_a_way_out(time, rate, width, message):
    lc = ak.LightCurve(time, rate, bin_width=width)
    with pytest.raises(InputError, match=message):
        PSDProblem(lc, PowerLaw())


def test_too_long_curves_are_refused_before_they_crawl():
    rate = 10 + np.random.default_rng(1).standard_normal(20_001)
    lc = ak.LightCurve(np.arange(20_001.0), rate)
    assert PSDProblem(lc, PowerLaw()).engine == "celerite"
    for engine in ("toeplitz", "dense"):
        with pytest.raises(InputError, match=f"too long for the {engine} engine.*celerite"):
            PSDProblem(lc, PowerLaw(), engine=engine)


def test_reservations_name_the_cutoff_and_missing_noise():
    problem = PSDProblem(curve(64), PowerLaw())
    steep = problem._reservations(np.array([3.5, 0.0]))
    assert any("cut-off" in sentence for sentence in steep)
    assert any("no errors" in sentence for sentence in steep)
    quiet = PSDProblem(curve(64, error=np.full(64, 0.1)), BendingPowerLaw())
    assert quiet._reservations(np.array([1.0, 3.5, 0.1, 0.0])) == ()
    assert "mchardy2004" in quiet.citation_keys


def test_statistics_of_ordinates_need_a_periodogram():
    problem = PSDProblem(curve(64), PowerLaw())
    with pytest.raises(InputError, match="problem of a periodogram"):
        ak.timing.largest_ratio(problem, [2.0, 0.0])


@pytest.mark.parametrize("gaps", [None, np.arange(1000) % 57 > 35])
def test_a_bend_that_the_data_do_not_show_costs_no_endless_search(gaps, monkeypatch):
    """Along its flat ridges, and where steep laws are rough, the search once took 25000 to 47000
    values of ln L."""
    problem = PSDProblem(
        curve(1000, seed=1, gaps=gaps, error=np.full(1000, 0.05)),
        BendingPowerLaw(low_slope=1.0) + Constant(),
    )
    asked, compute = [], GaussianPSDProblem._log_likelihood

    def counted(self, values):
        asked.append(len(values) * self.n_data / problem.n_data)
        return compute(self, values)

    monkeypatch.setattr(GaussianPSDProblem, "_log_likelihood", counted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        fit = problem.fit()
    assert sum(asked) < 6000
    straight = PSDProblem(problem.data, PowerLaw()).fit()
    assert fit.log_likelihood > straight.log_likelihood - 0.1
