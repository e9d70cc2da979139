"""Lorentzians as models, their rms, and the significance of a line with the search repeated."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import matplotlib as mpl
import numpy as np
import pytest
from scipy import integrate, stats

import astrokit as ak
from astrokit.errors import InputError, ParameterError
from astrokit.inference import LogUniform, Uniform
from astrokit.timing import (
    Constant,
    Lorentzian,
    Periodogram,
    PowerLaw,
    PSDProblem,
    line_rms,
    line_search,
)
from tests.contract import ProblemContract

mpl.use("Agg")


def drawn(f, S, dof=2.0, seed=0):
    """Return a periodogram drawn from the mean S."""
    half = np.broadcast_to(np.asarray(dof) / 2, f.shape)
    power = S * np.random.default_rng(seed).standard_gamma(half) / half
    return Periodogram(f, power, dof, noise_level=0.5)


class TestOscillationOnRedNoise(ProblemContract):
    truth: ClassVar = {
        "center_frequency": 0.1,
        "quality_factor": 6.0,
        "log_amplitude_2": 3.0,
        "slope": 1.0,
        "log_amplitude": 2.0,
        "constant": 0.5,
    }
    n_fits = 60
    n_scores = 200

    @pytest.fixture
    def problem(self):
        f = np.arange(1, 1001) / 2000
        line = Lorentzian(
            center_frequency=Uniform(0.05, 0.2),
            quality_factor=LogUniform(1.0, 50.0),
            log_amplitude=Uniform(0.0, 6.0),
        )
        model = PowerLaw(pivot=0.01) + line + Constant()
        S = model.evaluate(f, **self.truth)
        return PSDProblem(drawn(f, S, 20.0), model)


def test_width_and_peak_are_those_of_the_definition():
    line = Lorentzian(center_frequency=2.0, quality_factor=8.0, log_amplitude=1.0)
    peak, half = line.evaluate([2.0, 2.125])
    assert peak == pytest.approx(np.e, rel=1e-12)
    assert half == pytest.approx(np.e / 2, rel=1e-12)


def test_negative_parameters_are_refused():
    for name in ("center_frequency", "quality_factor"):
        with pytest.raises(ParameterError, match="negative"):
            Lorentzian(**{name: -1.0})


def fitted_line(seed=2):
    f = np.arange(1, 2001) / 4000
    line = Lorentzian(center_frequency=LogUniform(0.05, 0.2))
    truth = {"center_frequency": 0.1, "quality_factor": 5.0, "log_amplitude": 1.0}
    problem = PSDProblem(drawn(f, line.evaluate(f, **truth), 8.0, seed), line)
    return problem, problem.fit(), truth


def test_rms_is_the_root_of_the_integral():
    problem, fit, truth = fitted_line()
    model = problem.model

    def power(f):
        return float(model.evaluate([f], **truth)[0])

    total = (
        integrate.quad(power, 1e-9, 0.5, points=[0.1])[0] + integrate.quad(power, 0.5, np.inf)[0]
    )
    measured = line_rms(fit)
    assert abs(measured.sigma_from(np.sqrt(total))) < 4
    posterior = line_rms(problem.sample(seed=1))
    assert posterior.value == pytest.approx(measured.value, abs=measured.error / 2)
    assert posterior.error == pytest.approx(measured.error, rel=0.2)


def test_rms_of_no_line_is_refused():
    f = np.arange(1, 101) / 200
    fit = PSDProblem(drawn(f, f**-1.0), PowerLaw()).fit()
    with pytest.raises(InputError, match="no such line"):
        line_rms(fit)
    with pytest.raises(InputError, match="center_frequency"):
        line_rms(fitted_line()[1], "center_frequency_2")


# -- is there a line -------------------------------------------------------------------------------


def red(seed, n=256, line=0.0, at=60, width=1):
    """Return the fit of a power law to red noise, with a line of so many times the continuum."""
    f = np.arange(1, n + 1) / (2 * n)
    S = 0.01 * f**-1.5
    pg = drawn(f, S, seed=seed)
    power = pg.power.copy()
    power[at : at + width] += line * S[at : at + width]
    return PSDProblem(Periodogram(f, power), PowerLaw()).fit(n_starts=1)


def test_a_strong_line_is_found_where_it_is():
    fit = red(1, line=20.0)
    search = line_search(fit, 300, seed=1)
    assert search.frequency == pytest.approx(61 / 512, rel=1e-12)
    assert search.test.n_exceeding == 0
    assert search.p_value.limit == "upper"
    assert search.statistic == pytest.approx(ak.timing.largest_ratio(fit.problem, fit.values))
    assert search.local_p_value < search.p_value.value


def test_a_broad_oscillation_needs_its_width():
    fit = red(3, n=512, line=1.5, at=100, width=16)
    one = line_search(fit, 200, seed=1)
    several = line_search(fit, 200, seed=1, widths=(1, 4, 16))
    assert several.width == 16
    assert 101 / 1024 < several.frequency < 116 / 1024
    assert several.p_value.value < 0.02 < one.p_value.value


def test_p_is_uniform_where_there_is_no_line():
    """The search is repeated in each simulation, so p needs no correction for trials."""
    p = []
    for seed in range(60):
        test = line_search(red(100 + seed), 40, seed=seed, widths=(1, 4)).test
        # Data and simulations are 41 draws of one distribution: the rank is uniform on 0 to 40.
        p.append((test.n_exceeding + np.random.default_rng(seed).random()) / 41)
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_posterior_draws_and_workers():
    fit = red(5, line=12.0)
    posterior = fit.problem.sample(seed=1)
    alone = line_search(posterior, 100, problem=fit.problem, seed=2)
    with ThreadPoolExecutor(2) as executor:
        shared = line_search(posterior, 100, problem=fit.problem, seed=2, executor=executor)
    np.testing.assert_array_equal(alone.test.simulated, shared.test.simulated)
    assert alone.p_value.value < 0.1
    assert {"vaughan2010", "protassov2002"} <= set(ak.cite(alone).keys)


def test_trials_and_thresholds():
    search = line_search(red(1), 400, seed=1, widths=(1, 8), band=(0.1, 0.3))
    inside = np.sum((np.arange(1, 257) / 512 >= 0.1) & (np.arange(1, 257) / 512 <= 0.3))
    assert search.n_trials == inside + inside - 7
    # Of k independent exponentials the largest stays below t with probability (1 - e^(-t/2))^k;
    # sums of eight neighbours add some trials to the single ones.
    single = -2 * np.log(1 - 0.95 ** (1 / inside))
    assert single - 0.8 < search.threshold(0.95) < single + 2.0
    with pytest.raises(InputError, match="more simulations"):
        search.threshold(0.9999)


def test_plot_draws_its_data():
    search = line_search(red(1, line=20.0), 200, seed=1)
    data = search.plot_data()
    assert set(data) == {"frequency", "ratio", "threshold_95", "threshold_99"}
    assert data["ratio"].max() == pytest.approx(search.statistic)
    ax = search.plot()
    assert "candidate" in ax.get_legend().get_texts()[-1].get_text()
    assert "global p < 1/200" in repr(search)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda fit: line_search(fit, 10, widths=(0,)), "widths"),
        (lambda fit: line_search(fit, 10, widths=(300,)), "widths"),
        (lambda fit: line_search(fit, 10, band=(5.0, 6.0)), "band"),
        (lambda fit: line_search(fit, 0), "simulations"),
        (lambda fit: line_search(fit, 10, problem=red(9).problem), "other data"),
        (lambda fit: line_search(fit.problem, 10), "problem"),
    ],
)
def test_refusals(call, words):
    with pytest.raises(InputError, match=words):
        call(red(1))
