"""Calibration: right posteriors pass, wrong ones are caught, runs resume, fits are measured."""

from __future__ import annotations

import json
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import stats

from astrokit.errors import CheckpointError, FitError, InputError, ParameterError
from astrokit.inference import (
    Calibration,
    CurveProblem,
    FunctionProblem,
    Normal,
    Parameter,
    Parameters,
    PoissonProblem,
    Uniform,
    calibrate,
    fit_coverage,
)
from astrokit.inference.calibration_plots import coverage_curve, rank_bars
from astrokit.inference.ranks import ecdf_band, ecdf_p_value, rank_histogram, uniformity_p_value
from astrokit.provenance import Provenance

SHORT = {"ensembles": 1, "until": 20.0, "max_steps": 4000}


def constant(x, level):
    return level + 0 * x


def line(x, a, b):
    return a + b * x


def line_problem(sigma=1.0):
    x = np.linspace(-1, 1, 12)
    p = Parameters([Parameter("a", 0.0, Normal(0, 1)), Parameter("b", 0.0, Uniform(-3, 3))])
    return CurveProblem(x, x, np.full(12, sigma), line, p)


def made_up(below, draws=99):
    """Return a Calibration with the given posterior probabilities below the truth."""
    below = np.asarray(below, dtype=float).reshape(-1, 1)
    ranks = np.floor(below * (draws + 1)).astype(np.int64)
    return Calibration(
        names=("a",),
        truths=below,
        ranks=ranks,
        below=below,
        draws=draws,
        verdicts={"converged": len(below)},
        n_failed=0,
        failures=(),
        provenance=Provenance("x"),
    )


# -- posteriors ----------------------------------------------------------------------------------


def test_line_with_known_errors_is_calibrated():
    """Coverage within 3.5 binomial sigma at three levels for two parameters, and flat ranks."""
    n = 250
    result = calibrate(line_problem(), n, sampling=SHORT, seed=11)
    assert result.n == n
    assert sum(result.verdicts.values()) == n
    assert result.passes(n_sigma=3.5), repr(result)
    # The truths are draws from the prior.
    d = stats.kstest(result.truths[:, 0], stats.norm(0, 1).cdf).statistic
    assert d < 1.95 / math.sqrt(n)


def test_a_fit_stands_for_its_problem_and_other_things_are_refused():
    problem = line_problem()
    fit = problem.fit()
    np.testing.assert_array_equal(
        calibrate(fit, 4, seed=1, sampling=SHORT).ranks,
        calibrate(problem, 4, seed=1, sampling=SHORT).ranks,
    )
    for call in (lambda: calibrate([1], 4), lambda: fit_coverage([1], [{"a": 0.0, "b": 0.0}], 4)):
        with pytest.raises(InputError, match="a Problem is needed"):
            call()


def test_wrong_errors_are_caught():
    """A likelihood that believes in errors 0.6 times the true ones covers too rarely."""

    class Overconfident(CurveProblem):
        def _simulate_data(self, values, rng):
            noise = rng.standard_normal(self.data.size)
            return self.predict(values)[0] + self.sigma * noise / 0.6

    x = np.linspace(-1, 1, 12)
    p = line_problem().parameters
    problem = Overconfident(x, x, np.full(12, 0.3), line, p)
    result = calibrate(problem, 120, sampling=SHORT, seed=3)
    # For a flat prior the 68 % interval holds |z| < 0.994 * 0.6: 45 %; the prior of a hardly helps.
    expected = math.erf(0.994 * 0.6 / math.sqrt(2))
    sigma = math.sqrt(expected * (1 - expected) / 120)
    assert abs(result.coverage(0.68)[1] - expected) < 4 * sigma
    assert not result.passes()


def test_numbers_do_not_depend_on_workers_or_length():
    serial = calibrate(line_problem(), 4, sampling=SHORT, seed=1)
    with ThreadPoolExecutor(2) as executor:
        parallel = calibrate(line_problem(), 4, sampling=SHORT, seed=1, executor=executor)
    longer = calibrate(line_problem(), 5, sampling=SHORT, seed=1)
    assert np.array_equal(serial.ranks, parallel.ranks)
    assert np.array_equal(serial.below, parallel.below)
    assert np.array_equal(longer.below[:4], serial.below)


def test_checkpoint_goes_on_where_it_stopped(tmp_path):
    path = tmp_path / "calibration.json"
    whole = calibrate(line_problem(), 5, sampling=SHORT, seed=1)
    calibrate(line_problem(), 3, sampling=SHORT, seed=1, checkpoint=path)
    assert len(json.loads(path.read_text())["trials"]) == 3
    resumed = calibrate(line_problem(), 5, sampling=SHORT, seed=1, checkpoint=path)
    assert np.array_equal(resumed.below, whole.below)
    assert np.array_equal(resumed.ranks, whole.ranks)
    again = calibrate(line_problem(), 5, sampling=SHORT, seed=1, checkpoint=path)
    assert np.array_equal(again.truths, whole.truths)


def test_checkpoint_of_another_run_is_refused(tmp_path):
    path = tmp_path / "calibration.json"
    calibrate(line_problem(), 2, sampling=SHORT, seed=1, checkpoint=path)
    with pytest.raises(CheckpointError, match="seed differ"):
        calibrate(line_problem(), 2, sampling=SHORT, seed=2, checkpoint=path)
    with pytest.raises(CheckpointError, match="draws differ"):
        calibrate(line_problem(), 2, sampling=SHORT, seed=1, draws=49, checkpoint=path)
    other = line_problem().with_parameters(
        line_problem().parameters.replace("a", prior=Normal(0, 2))
    )
    with pytest.raises(CheckpointError, match="model differ"):
        calibrate(other, 2, sampling=SHORT, seed=1, checkpoint=path)
    path.write_text("{}")
    with pytest.raises(CheckpointError, match="not one of a calibration"):
        calibrate(line_problem(), 2, sampling=SHORT, seed=1, checkpoint=path)


def test_nothing_left_is_an_error():
    p = Parameters([Parameter("a", 0.0, Uniform(-1, 1))])
    problem = FunctionProblem(
        lambda v, d: np.where(v[:, 0] > -2, np.nan, 0.0), p, [0.0], lambda v, rng: [0.0]
    )
    with pytest.raises(FitError, match="every simulated data set failed"):
        calibrate(problem, 2, sampling=SHORT, seed=1)
    with pytest.raises(InputError, match="number of simulations"):
        calibrate(line_problem(), 0)


# -- coverage and ranks --------------------------------------------------------------------------


def test_coverage_of_uniform_probabilities_is_the_level():
    grid = made_up((np.arange(1000) + 0.5) / 1000)
    for level in (0.5, 0.68, 0.9):
        assert grid.coverage(level)[0] == pytest.approx(level, abs=1e-12)
    assert grid.passes()
    with pytest.raises(InputError, match="probability"):
        grid.coverage(68)


@pytest.mark.parametrize(
    "below",
    [
        stats.beta(3, 3).ppf((np.arange(500) + 0.5) / 500),  # too wide
        stats.beta(0.5, 0.5).ppf((np.arange(500) + 0.5) / 500),  # too narrow
        stats.beta(1.4, 1.0).ppf((np.arange(500) + 0.5) / 500),  # biased
    ],
)
def test_known_departures_do_not_pass(below):
    result = made_up(below)
    assert not result.passes()
    assert result.rank_table()["p_ecdf"][0] < 0.01


def test_rank_p_values_are_uniform_under_the_null():
    rng = np.random.default_rng(2)
    n_sets = 300
    p_chi2, p_ecdf = np.array(
        [
            (uniformity_p_value(r, 99), ecdf_p_value(r, 99))
            for r in rng.integers(0, 100, (n_sets, 200))
        ]
    ).T
    for p in (p_chi2, p_ecdf):
        share = np.mean(p < 0.1)
        assert abs(share - 0.1) < 4 * math.sqrt(0.1 * 0.9 / n_sets)


def test_ecdf_band_holds_whole_curves():
    n, draws = 200, 99
    share, low, high = ecdf_band(n, draws, 0.9)
    rng = np.random.default_rng(5)
    inside = []
    for _ in range(400):
        ranks = np.sort(rng.integers(0, draws + 1, n))
        below = np.searchsorted(ranks, share * (draws + 1), side="left") / n
        inside.append(np.all((below >= low) & (below <= high)))
    assert abs(np.mean(inside) - 0.9) < 4 * math.sqrt(0.09 / 400)


def test_bins_divide_the_ranks_evenly():
    edges, counts = rank_histogram(np.arange(100), 99, 20)
    assert counts.tolist() == [5] * 20
    assert edges[0] == -0.5
    _, counts = rank_histogram(np.arange(64), 63, 20)
    assert counts.tolist() == [4] * 16
    with pytest.raises(InputError, match="impossible"):
        rank_histogram([100], 99)
    with pytest.raises(InputError, match="list of numbers"):
        rank_histogram([], 99)


def test_tables_and_figures():
    result = made_up(np.random.default_rng(1).random(300))
    table = result.coverage_table()
    assert table["level"].tolist() == [0.5, 0.68, 0.9]
    assert table["sigma"][0] == pytest.approx(0.5 / math.sqrt(300))
    np.testing.assert_allclose(
        table["deviation"] * table["sigma"], table["coverage"] - table["level"]
    )
    assert result.to_table().colnames == ["a", "a_rank", "a_below"]
    assert "50 % intervals cover" in repr(result)
    bars = rank_bars(result, "a")
    assert bars["counts"].sum() == 300
    assert bars["band"][1] == 15
    curve = coverage_curve(result, "a")
    at_half = curve["coverage"][curve["level"] == 0.5][0]
    assert at_half == pytest.approx(result.coverage(0.5)[0])
    (axes,) = result.plot_ranks()
    assert axes.get_xlabel() == "rank of a"
    assert result.plot_coverage().get_ylabel() == "coverage - level"


# -- intervals of fits ---------------------------------------------------------------------------


def test_fit_intervals_of_a_line_cover():
    n = 300
    x = np.linspace(-1, 1, 12)
    p = Parameters([Parameter("a", 0.0, Uniform(-99, 99)), Parameter("b", 0.0, Uniform(-99, 99))])
    problem = CurveProblem(x, x, np.ones(12), line, p)
    result = fit_coverage(problem, [{"a": 1.0}, {"a": 5.0, "b": -3.0}], n, seed=2, n_starts=1)
    assert result.truths.tolist() == [[1.0, 0.0], [5.0, -3.0]]
    sigma = math.sqrt(0.6827 * 0.3173 / n)
    for kind in ("covariance", "profile"):
        assert np.abs(result.coverage(kind) - 0.6827).max() < 4 * sigma
    assert not result.flagged.any()
    assert not result.failed.any()
    # Median of n standard normal pulls: error 1.2533 / sqrt(n).
    assert np.abs(np.median(result.pulls, axis=1)).max() < 4 * 1.2533 / math.sqrt(n)
    assert np.abs(result.pulls.std(axis=1) - 1).max() < 4 / math.sqrt(2 * n)


def test_few_counts_undercover_and_the_fit_says_so():
    """The exact coverage of n +- sqrt(n) is a Poisson sum; flagged fits are those of few counts."""
    p = Parameters([Parameter("rate", 5.0, Uniform(0, 1000))])
    problem = PoissonProblem([0], [5], constant, p)
    n = 600
    result = fit_coverage(problem, [{"rate": 5.0}], n, seed=3, profile=False, n_starts=1)
    counts = np.arange(1, 40)
    inside = np.abs(counts - 5.0) <= np.sqrt(counts)
    weight = stats.poisson(5).pmf(counts)
    exact = weight[inside].sum() / weight.sum()
    assert exact < 0.62  # far from 68 %
    sigma = math.sqrt(exact * (1 - exact) / n)
    assert abs(result.coverage("covariance")[0, 0] - exact) < 4 * sigma
    share = stats.poisson(5).cdf(5)  # ln L of six counts is just close enough to a parabola
    assert abs(result.flagged[0].mean() - share) < 4 * math.sqrt(share * (1 - share) / n)
    row = result.to_table()[0]
    assert row["n"] == n
    assert row["given"] == result.given.sum()
    assert "rate = 5, covariance" in repr(result)


def test_coverage_refusals():
    problem = line_problem()
    with pytest.raises(ParameterError, match="outside the prior"):
        fit_coverage(problem, [{"b": 4.0}], 5)
    with pytest.raises(ParameterError, match="no such parameter"):
        fit_coverage(problem, [{"c": 4.0}], 5)
    with pytest.raises(InputError, match="probability"):
        fit_coverage(problem, [{"b": 1.0}], 5, level=95)
    with pytest.raises(InputError, match="no truth"):
        fit_coverage(problem, [], 5)
    with pytest.raises(InputError, match="no such interval"):
        fit_coverage(problem, [{"b": 1.0}], 3, seed=1, profile=False).coverage("profile")
