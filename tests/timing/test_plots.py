"""Figures: what is drawn is what the data twins say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import astrokit as ak
from astrokit.errors import InputError
from astrokit.timing import BendingPowerLaw, Constant, Periodogram, PowerLaw, PSDProblem, plots


@pytest.fixture(scope="module")
def problem():
    f = np.arange(1, 513) / 1024
    power = np.random.default_rng(1).exponential(size=512) * (f**-1.5 + 2)
    return PSDProblem(Periodogram(f, power, noise_level=2.0), PowerLaw() + Constant())


def test_periodogram_shows_its_averages(problem):
    data = problem.data.plot_data()
    ax = problem.data.plot()
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert ax.get_xlabel() == data.frequency_label == "Frequency (Hz)"
    assert "rms/mean" in ax.get_ylabel()
    points = ax.containers[0].lines[0]
    np.testing.assert_array_equal(points.get_xdata(), data.binned_frequency)
    np.testing.assert_array_equal(points.get_ydata(), data.binned_power)


def test_intervals_of_averages_are_those_of_chi2():
    """Nine equal ordinates in three bins of three."""
    pg = Periodogram([1, 1.1, 1.2, 10, 11, 12, 100, 110, 120], [3.0] * 9, [2.0] * 3 + [40.0] * 6)
    data = plots.periodogram_plot_data(pg)
    for i, dof in enumerate([6, 120, 120]):
        low, high = data.binned_power[i] - data.lower[i], data.binned_power[i] + data.upper[i]
        assert stats.chi2.sf(3.0 * dof / low, dof) == pytest.approx(0.1586553, rel=1e-6)
        assert stats.chi2.cdf(3.0 * dof / high, dof) == pytest.approx(0.1586553, rel=1e-6)


def test_fit_is_drawn_with_components_and_ratio(problem):
    fit = problem.fit()
    curve = plots.plot_fit_data(problem, fit)
    np.testing.assert_allclose(curve.power, problem.psd(curve.frequency, fit.values)[0])
    np.testing.assert_allclose(sum(curve.components), curve.power)
    assert curve.lower is None
    upper, lower = problem.plot(fit)
    assert upper.get_legend_handles_labels()[1].count("power law + constant") == 1
    assert lower.get_ylabel() == "Data / model"


def test_ratio_to_the_truth_is_one(problem):
    """For the mean of the draws itself, the ratios of wide bins stay within 4 of their errors."""
    values = {"slope": 1.5, "log_amplitude": 1.5 * np.log(100.0), "constant": 2.0}
    assert problem.model.components[0].pivot == 0.01
    parameters = problem.parameters.fix(slope=1.5, log_amplitude=values["log_amplitude"])
    curve = plots.plot_fit_data(problem, problem.with_parameters(parameters).fit())
    wide = curve.ratio_lower < 0.2
    assert wide.sum() >= 5
    assert np.all(np.abs(curve.ratio[wide] - 1) < 4 * curve.ratio_upper[wide])


def test_posterior_is_drawn_as_a_band(problem):
    posterior = problem.sample(seed=2, ensembles=1)
    curve = plots.plot_fit_data(problem, posterior)
    assert np.all(curve.lower < curve.power)
    assert np.all(curve.power < curve.upper)
    upper, _ = problem.plot(posterior, problem.fit())
    assert len(upper.collections) >= 1


def test_other_models_are_drawn_together(problem):
    bare = PSDProblem(problem.data, PowerLaw())
    upper, _ = plots.plot_fit(problem, problem.fit(), bare.fit(), labels=("noisy", "bare"))
    labels = upper.get_legend_handles_labels()[1]
    assert "noisy" in labels
    assert "bare" in labels


def test_refusals(problem):
    bent = PSDProblem(problem.data, BendingPowerLaw())
    posterior = problem.sample(seed=2, ensembles=1, max_steps=2000)
    with pytest.raises(InputError, match="another model"):
        bent.plot(posterior)
    with pytest.raises(InputError, match=r"'Posterior'.*plot_fit\(problem, result\)"):
        plots.plot_fit(posterior)
    with pytest.raises(InputError, match="labels"):
        plots.plot_fit(problem, problem.fit(), labels=("a", "b"))


def test_scatter_histogram():
    scatter = ak.timing.VariabilityScatter(
        np.linspace(0.1, 0.3, 50), ak.Estimate(0.2, 0.05, name="fractional_variability")
    )
    ax = scatter.plot(measured=ak.Estimate(0.25, 0.01))
    assert sum(patch.get_height() for patch in ax.containers[0]) == 50
    assert "measured" in ax.get_legend_handles_labels()[1]
