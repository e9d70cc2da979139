"""Figures: they return axes, draw what their data twins say, and refuse what makes no sense."""

from __future__ import annotations

import numpy as np
import pytest

import astrokit as ak
from astrokit.bursts import (
    BrokenPowerLaw,
    BurstSample,
    EnergyProblem,
    LogisticCompleteness,
    PowerLaw,
    PowerLawTail,
    WaitingTimeProblem,
    common_break,
    compare_samples,
    find_break,
    plot_energies,
    plot_energy_function,
)
from astrokit.bursts.plots import energy_function_data
from astrokit.errors import InputError
from tests.contract import quiet_fit

M = 1e37


def broken(n=300, seed=1):
    wide = BrokenPowerLaw(log_break_energy=ak.inference.Uniform(37, 40))
    problem = EnergyProblem(np.geomspace(M, 1e40, n), wide, threshold=M)
    return problem.simulate([1.3, 2.8, 38.0], seed).data.energy


@pytest.fixture(scope="module")
def result():
    return find_break(broken(), threshold=M, n_simulations=50, n_bootstrap=20, seed=1)


def test_bins_hold_every_burst(result):
    data = energy_function_data(result.problem)
    counts = data.counts * np.diff(np.log(data.edges))
    assert counts.sum() == pytest.approx(300)
    assert np.all(data.lower <= data.counts)
    assert np.all(data.upper > 0)
    assert data.completeness.min() == 1
    assert data.thresholds.tolist() == [M]


def test_the_energy_function_shows_models_and_bands(result):
    axes = result.plot()
    labels = axes.get_legend_handles_labels()[1]
    assert any("power law (differential index)" in text for text in labels)
    assert axes.get_xscale() == "log"
    axes = plot_energy_function(result.problem, result.posterior, result.fit)
    assert "posterior, 68 %" in axes.get_legend_handles_labels()[1]


def test_a_drawn_model_has_as_many_bursts_as_the_data(result):
    line = next(x for x in result.plot().lines if "power law" in str(x.get_label()))
    x, y = line.get_data()
    assert np.trapezoid(y, np.log(x)) == pytest.approx(300, rel=0.05)


def test_completeness_has_its_own_axis():
    search = LogisticCompleteness(2 * M)
    problem = EnergyProblem(broken(), PowerLaw(), threshold=M, completeness=search)
    axes = problem.plot(quiet_fit(problem))
    twin = next(a for a in axes.figure.axes if a is not axes)
    assert twin.get_ylabel() == "completeness"


def test_the_profile_of_the_break(result):
    data = result.profile_data()
    assert data["test_statistic"].max() == pytest.approx(result.test_statistic, abs=0.1)
    axes = result.plot_profile()
    assert "Break energy" in axes.get_xlabel()
    assert len(axes.lines) == 1 + len(result.modes) + 1


def test_samples_side_by_side():
    samples = [
        BurstSample(energy=broken(seed=k), threshold=M, source=f"S{k}", convention="one")
        for k in (1, 2)
    ]
    axes = compare_samples(samples)
    assert "one" in axes.get_xlabel()
    assert axes.lines[0].get_ydata().max() == 1
    with pytest.raises(InputError, match="nothing to compare"):
        compare_samples(samples[:1])
    assert samples[0].plot().get_ylabel() == "Bursts above E"
    assert plot_energies(broken(), label="x").get_legend() is not None
    common = common_break(samples, n_simulations=10, seed=1)
    axes = common.plot()
    assert len(axes.lines) == 4
    assert np.nanmax(common.plot_data()["sum"]) == 0


def test_energies_against_time():
    rng = np.random.default_rng(1)
    mjd = 59000 + rng.integers(0, 3, 60) + 0.04 * rng.random(60)
    sample = BurstSample(energy=broken(60), mjd=mjd)
    axes = ak.bursts.plot_energy_against_time(sample)
    assert sum(line.get_xdata().size for line in axes.lines) == 60
    assert axes.get_ylabel() == "Energy (erg)"


def test_tails_and_waiting_times():
    tail = PowerLawTail.fit(broken())
    data = tail.plot_data()
    assert data["survival"][0] == 1
    assert data["tail_survival"][0] == pytest.approx(tail.n_tail / tail.n_data)
    assert tail.plot().get_yscale() == "log"
    rng = np.random.default_rng(1)
    problem = WaitingTimeProblem(np.append(rng.lognormal(-3, 0.5, 60), rng.lognormal(3, 1, 240)))
    fit = quiet_fit(problem)
    axes = problem.plot(fit)
    x, y = axes.lines[0].get_data()
    per_bin = np.trapezoid(y, np.log(x)) / np.log(x[-1] / x[0]) * 40
    assert per_bin == pytest.approx(300, rel=0.05)
