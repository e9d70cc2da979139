"""`fit_index`, breaks, outbursts and figures: published check values and known truths."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest

import astrokit as ak
from astrokit.comets import (
    BranchIndices,
    BrokenIndex,
    CometPhotometry,
    GaussianNoise,
    HalleyMarcusPhase,
    HeliocentricProblem,
    LinearPhase,
    NoPhase,
    find_break,
    find_outbursts,
    fit_index,
    index_plot_data,
    plot_afrho,
    plot_phase,
    read_photometry,
)
from astrokit.errors import CoverageWarning, InputError
from astrokit.inference import Normal
from tests.comets.test_problem import photometry
from tests.conftest import real_file


@pytest.fixture(scope="module")
def result():
    return fit_index(photometry(), phase=LinearPhase((0.04, 0.02)), seed=1)


def test_the_result_names_all_exponents(result):
    n = result.index
    assert abs(n.sigma_from(3.8)) < 3
    assert result.dust_index.value == pytest.approx(n.value - 2)
    assert result.dust_index.error == pytest.approx(n.error)
    assert result.activity_slope.value == pytest.approx(2.5 * n.value)
    assert result.activity_slope.error == pytest.approx(2.5 * n.error)
    assert abs(result.phase_coefficient.sigma_from(0.04)) < 3
    assert 0.03 < result.scatter.value < 0.1
    text = str(result)
    for words in ("index n:", "n - 2:", "K = 2.5 n:", "mag/deg", "correlation", "converged"):
        assert words in text


def test_the_degeneracy_is_reported(result):
    """With a wide prior, n and beta move along the line that dn/dbeta says."""
    leverage = result.phase_leverage["heliocentric_index"]
    n, beta = (result.posterior.draws(x) for x in ("heliocentric_index", "phase_coefficient"))
    slope = np.cov(n, beta)[0, 1] / np.var(beta)
    assert slope == pytest.approx(leverage, rel=0.1)
    assert result.correlation == pytest.approx(np.corrcoef(n, beta)[0, 1])


def test_a_fixed_phase_says_what_its_error_leaves_out():
    fixed = fit_index(photometry(), phase=LinearPhase(0.04), seed=1)
    assert np.isnan(fixed.correlation)
    assert "taken as exact" in str(fixed)


def test_several_filters_get_offsets_by_default(result):
    assert "offset_filter_V" in result.posterior.names
    one = fit_index(photometry(filter=None), seed=1)
    assert not any(name.startswith("offset") for name in one.posterior.names)


def test_two_indices_are_asked_for_by_name():
    law = BranchIndices(before=Normal(4, 2), after=Normal(4, 2))
    found = fit_index(photometry(), law=law, phase=LinearPhase(0.04), seed=1)
    assert set(found.indices) == {"preperihelion_index", "postperihelion_index"}
    with pytest.raises(InputError, match="several indices"):
        found.index  # noqa: B018


def test_results_survive_pickling_and_cite(result):
    again = pickle.loads(pickle.dumps(result))
    assert str(again) == str(result)
    assert "jewitt2025" in ak.cite(result).keys


# -- check values on real data -------------------------------------------------------------------


@pytest.mark.parametrize(("beta", "index"), [(0.02, 3.55), (0.04, 4.40), (0.06, 5.24)])
def test_check_values_of_atlas_o_band(beta, index):
    """Unweighted fits of 300 ATLAS magnitudes of 3I, 4.74 to 3.63 au; bootstrap error 0.20."""
    ph = read_photometry(real_file("comet/3i_mpc_ades_20250729.csv"))
    ph = ph.select(filter="Ao", r=(3.6, 4.8)).with_columns(error=None)
    problem = HeliocentricProblem(ph, phase=LinearPhase(beta), noise=GaussianNoise())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CoverageWarning)
        fit = problem.fit()
    n = fit["heliocentric_index"]
    assert len(ph) == 300
    assert n.value == pytest.approx(index, abs=0.02)
    assert n.error == pytest.approx(0.20, abs=0.03)
    assert fit["scatter"].value == pytest.approx(0.153, abs=0.002)


def test_synthetic_comet_gives_its_truth():
    """Made with n = 3 and the composite phase function; a linear one of 0.04 gives 3.03-3.06."""
    ph = read_photometry(real_file("comet/lc_LPC_y3.csv"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CoverageWarning)
        true = fit_index(ph, phase=HalleyMarcusPhase(), seed=1)
        linear = fit_index(ph, phase=LinearPhase(0.04), seed=1)
    assert abs(true.index.sigma_from(3.0)) < 2
    assert 3.03 <= round(linear.index.value, 2) <= 3.06


def test_mixed_apertures_of_amateurs_come_with_a_warning():
    """Gaia-G magnitudes of many stations: a tempting index far too low, and said to be so."""
    ph = read_photometry(real_file("comet/3i_mpc_ades_20250729.csv")).select(filter="G")
    with pytest.warns(CoverageWarning, match="apertures"):
        found = fit_index(ph, phase=LinearPhase(0.04), seed=1)
    assert found.index.value < 3
    assert any("apertures" in text for text in found.warnings)


# -- breaks --------------------------------------------------------------------------------------


def broken(seed: int, outer: float = 5.0) -> CometPhotometry:
    r = np.linspace(6.0, 2.0, 60)
    slope = 2.5 * np.where(r > 3.3, outer, 2.0) * np.log10(r / 3.3)
    noise = 0.08 * np.random.default_rng(seed).standard_normal(60)
    return CometPhotometry(
        60800 + np.arange(60.0), 15 + slope + noise, error=0.08, r=r, delta=1.0, phase_angle=5.0
    )


def test_a_break_is_found_where_it_is():
    found = find_break(broken(1), phase=NoPhase(), n=40, seed=1)
    assert abs(found.break_radius.sigma_from(3.3)) < 3
    assert abs(found.inner_index.sigma_from(2.0)) < 3
    assert abs(found.outer_index.sigma_from(5.0)) < 3
    assert found.test.n_exceeding == 0
    assert found.verdict.startswith("a single index is disfavoured (p < 0.025)")
    assert found.comparison.best() == "broken index"
    assert "TS = " in str(found)


def test_no_break_where_there_is_none():
    found = find_break(broken(2, outer=2.0), phase=NoPhase(), n=40, seed=1)
    assert found.p_value.value > 0.01
    assert "a single index is enough" in found.verdict


def test_a_break_needs_data_on_both_sides():
    with pytest.raises(InputError, match="more magnitudes"):
        find_break(broken(1).select(np.arange(9)))


def test_filters_are_no_break():
    ph = broken(3, outer=2.0)
    far = ph.r > 3.5  # a change of filter at 3.5 au, half a magnitude apart
    ph = ph.with_columns(
        magnitude=ph.magnitude + 0.5 * far, filter=np.where(far, "g", "r"), phase_angle=5.0
    )
    assert find_break(ph, phase=NoPhase(), n=20, seed=1).p_value.value > 0.05
    assert find_break(ph, phase=NoPhase(), offsets=(), n=20, seed=1).test.n_exceeding == 0


def test_breaks_and_outbursts_warn_of_mixed_apertures():
    ph = broken(1).with_columns(aperture=np.linspace(3.0, 9.0, 60))
    with pytest.warns(CoverageWarning, match="apertures differ"):
        find_break(ph, phase=NoPhase(), n=2, seed=1)
    problem = HeliocentricProblem(ph, phase=NoPhase())
    with pytest.warns(CoverageWarning, match="apertures differ"):
        find_outbursts(problem, n=2, decays=(3.0,), seed=1)


def test_a_break_needs_photometry():
    with pytest.raises(InputError, match="CometPhotometry is needed"):
        find_break([1, 2, 3])


# -- outbursts -----------------------------------------------------------------------------------


def with_outburst(amplitude: float) -> CometPhotometry:
    ph = photometry(80)
    since = ph.time - ph.time[40]
    flare = np.where(since >= 0, amplitude * np.exp(-since / 5.0), 0.0)
    return ph.with_columns(magnitude=ph.magnitude - flare)


def test_an_outburst_is_found_and_measured():
    problem = HeliocentricProblem(with_outburst(1.0), phase=LinearPhase(0.04))
    search = find_outbursts(problem, n=40, seed=1)
    first = search.candidates[0]
    assert abs(first.time - problem.photometry.time[40]) < 2.5
    assert abs(first.amplitude - 1.0) < 4 * first.amplitude_error
    assert first.p_value <= 1 / 40 + 1e-9
    assert f"MJD {first.time:.3f}" in str(search)
    assert search.plot().get_ylabel() == "residual [mag]"


def test_no_outburst_without_one():
    problem = HeliocentricProblem(with_outburst(0.0), phase=LinearPhase(0.04))
    assert find_outbursts(problem, n=60, seed=1).candidates[0].p_value > 0.03


def test_one_outlier_is_no_outburst():
    ph = photometry(80)
    magnitude = ph.magnitude.copy()
    magnitude[40] -= 2.0
    problem = HeliocentricProblem(ph.with_columns(magnitude=magnitude), phase=LinearPhase(0.04))
    assert find_outbursts(problem, n=60, seed=1).candidates[0].p_value > 0.03


def test_a_wrong_problem_is_refused():
    with pytest.raises(InputError, match="HeliocentricProblem is needed"):
        find_outbursts(photometry())
    problem = HeliocentricProblem(photometry(), phase=LinearPhase(0.04))
    with pytest.raises(InputError, match="decays"):
        find_outbursts(problem, decays=(0.0,))


# -- figures -------------------------------------------------------------------------------------


def test_the_figure_shows_what_its_data_say(result):
    data = index_plot_data(result)
    top, bottom = result.plot()
    line = top.get_lines()[-1]
    np.testing.assert_allclose(line.get_ydata(), data.curves[0].median)
    assert top.yaxis_inverted()
    assert bottom.get_xlabel() == "heliocentric distance r [au]"
    # Data and model differ by the residuals alone.
    model = np.interp(data.r, data.curves[0].r, data.curves[0].median)
    np.testing.assert_allclose(data.magnitude - data.residual, model, atol=0.02)


def test_branches_are_drawn_apart():
    found = fit_index(photometry(), law=BranchIndices(), phase=LinearPhase(0.04), seed=1)
    assert [curve.label for curve in index_plot_data(found).curves] == ["before", "after"]


def test_other_figures_have_their_axes(result):
    assert "phase angle" in plot_phase(result).get_xlabel()
    ph = photometry(aperture=5.0)
    assert "rho" in plot_afrho(ph, sun={"V": -26.76, "R": -27.15}).get_ylabel()


def test_broken_law_in_one_call():
    law = BrokenIndex(inner=Normal(4, 3), outer=Normal(4, 3))
    found = fit_index(broken(1), law=law, phase=NoPhase(), noise=GaussianNoise(), seed=1)
    assert abs(found.indices["outer_index"].sigma_from(5.0)) < 3


def test_limits_are_drawn_as_limits():
    limits = np.arange(60) % 20 == 3
    ph = photometry(filter="", aperture=5.0, error=0.05, fainter_than=limits)
    ax = plot_afrho(ph, sun=-27.15)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["upper limit"]
    assert len(ax.lines[-1].get_xdata()) == limits.sum()


def test_an_angular_aperture_with_a_zero_point_is_still_mixed():
    ph = photometry(filter="", aperture=5.0)
    problem = HeliocentricProblem(ph, phase=LinearPhase(0.04), offsets=("aperture",))
    with pytest.warns(CoverageWarning, match="which no zero point mends"):
        problem.fit()
    linear = ph.with_columns(aperture=10_000.0, aperture_unit="km")
    HeliocentricProblem(linear, phase=LinearPhase(0.04), offsets=("aperture",)).fit()
