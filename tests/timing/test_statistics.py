"""Statistics of a periodogram: by hand, and calibrated by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u

import astrokit as ak
from astrokit.errors import InputError, ShapeError, UnitError
from astrokit.timing import (
    Constant,
    Periodogram,
    PowerLaw,
    PSDProblem,
    largest_ratio,
    loglog_slope,
    summed_square_error,
)


def test_statistics_by_hand():
    problem = PSDProblem(Periodogram([1.0, 2.0, 3.0], [2.0, 6.0, 4.0]), Constant())
    assert largest_ratio(problem, [4.0]) == 3.0
    assert summed_square_error(problem, {"constant": 4.0}) == 0.5


def test_loglog_slope_is_unbiased_and_its_error_is_the_scatter():
    """2000 periodograms of slope 2: the straight line through bias-corrected logarithms."""
    f = np.arange(1, 201) / 400
    rng = np.random.default_rng(6)
    slopes, errors = [], []
    for _ in range(2000):
        estimate = loglog_slope(Periodogram(f, 5 * f**-2.0 * rng.exponential(size=200)))
        slopes.append(estimate.value)
        errors.append(estimate.error)
    assert np.mean(slopes) == pytest.approx(2.0, abs=4 * np.std(slopes) / np.sqrt(2000))
    assert np.std(slopes) == pytest.approx(errors[0], rel=4 / np.sqrt(2 * 2000))


def test_loglog_slope_of_averages_knows_their_degrees():
    """Averages of 6 have another bias and variance; mixed with single ones they weigh more."""
    f = np.arange(1, 201) / 400
    dof = np.where(np.arange(200) < 100, 2.0, 12.0)
    rng = np.random.default_rng(7)
    slopes = []
    for _ in range(1000):
        power = f**-1.0 * rng.standard_gamma(dof / 2) / (dof / 2)
        slopes.append(loglog_slope(Periodogram(f, power, dof)))
    values = np.array([s.value for s in slopes])
    assert values.mean() == pytest.approx(1.0, abs=4 * values.std() / np.sqrt(1000))
    assert values.std() == pytest.approx(slopes[0].error, rel=4 / np.sqrt(2 * 1000))


def test_loglog_slope_takes_frequencies_up_to_the_limit_that_was_typed():
    f = np.arange(1, 129) / 1286e2
    f = np.append(f, 129 / 1286e2)
    pg = Periodogram(f, f**-2.0)
    exactly = loglog_slope(pg, max_frequency=float(f[9]))
    rounded = loglog_slope(pg, max_frequency=float(f"{f[9]:.12g}"))
    assert exactly.error == rounded.error
    assert loglog_slope(pg, max_frequency=f[9] * 1e3 * u.mHz).error == exactly.error


def test_loglog_slope_after_noise_subtraction():
    f = np.arange(1, 101) / 200
    pg = Periodogram(f, f**-2.0 + 0.5, 2e9, noise_level=0.5)
    assert loglog_slope(pg, subtract_noise=True).value == pytest.approx(2.0, abs=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda pg: loglog_slope(pg, max_frequency=1e-3), ShapeError, "three"),
        (lambda pg: loglog_slope(pg, max_frequency=1 * u.s), UnitError, "max_frequency"),
        (lambda pg: loglog_slope(pg, subtract_noise=True), InputError, "unknown"),
        (
            lambda pg: loglog_slope(Periodogram([1, 2, 3, 4], [1.0, 0.0, 1, 1])),
            InputError,
            "log_binned",
        ),
    ],
)
def test_refusals(call, error, words):
    f = np.arange(1, 33) / 64
    with pytest.raises(error, match=words):
        call(Periodogram(f, 1 / f))


def test_a_line_is_found_by_the_largest_ratio():
    """256 exponentials exceed 16 with a probability of 3e-5; without the line p is anything."""
    f = np.arange(1, 257) / 512
    power = np.random.default_rng(3).exponential(size=256) / f
    clean = PSDProblem(Periodogram(f, power), PowerLaw()).fit()
    power[99] = 16 / f[99]
    line = PSDProblem(Periodogram(f, power), PowerLaw()).fit()
    found = ak.goodness_of_fit(line, statistic=largest_ratio, n=200, seed=1)
    assert found.n_exceeding == 0
    none = ak.goodness_of_fit(clean, statistic=largest_ratio, n=200, seed=1)
    assert none.n_exceeding > 0
