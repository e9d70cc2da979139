"""What users get wrong, and what they are told: the problem, and the way out."""

from __future__ import annotations

import numpy as np
import pytest

from astrokit.errors import ComparisonError, InputError, ParameterError, ShapeError
from astrokit.inference import (
    CurveProblem,
    LogUniform,
    Parameter,
    Parameters,
    SamplerOptions,
    Uniform,
    compare,
    likelihood_ratio_test,
)
from astrokit.timing import Constant, Periodogram


@pytest.fixture(scope="module")
def problem():
    x = np.linspace(0, 1, 10)
    p = Parameters([Parameter("a", 0.0, Uniform(-9, 9)), Parameter("b", 0.0, Uniform(-9, 9))])
    return CurveProblem(x, 1 + 2 * x, np.ones(10), lambda x, a, b: a + b * x, p)


@pytest.fixture(scope="module")
def posterior(problem):
    return problem.sample(seed=1, until=5, options=SamplerOptions(progress=False))


@pytest.mark.parametrize("prior", [Uniform, LogUniform])
@pytest.mark.parametrize("ends", [(1.0, np.inf), (1.0, np.nan)])
def test_a_flat_prior_is_finite(prior, ends):
    with pytest.raises(ParameterError, match=r"infinite|low < high"):
        prior(*ends)


def test_options_are_an_object(problem):
    with pytest.raises(InputError, match=r"give SamplerOptions"):
        problem.sample(options={"thin": 2})


def test_starts(problem):
    with pytest.raises(ParameterError, match=r"start=\{'slope'"):
        problem.fit(start=[1.0, 2.0])
    with pytest.raises(InputError, match="n_starts must be a whole number"):
        problem.fit(n_starts=2.5)


def test_what_is_tested_must_be_a_problem(problem, posterior):
    for thing in (posterior, np.ones(3)):
        with pytest.raises(InputError, match="a Problem is needed"):
            likelihood_ratio_test(thing, problem)


def test_one_fit_is_no_comparison(problem):
    with pytest.raises(ComparisonError, match="pass a list"):
        compare(problem.fit())


def test_an_unknown_noise_level_fixes_nothing():
    pg = Periodogram([1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
    with pytest.raises(ParameterError, match="constant cannot be fixed at this value"):
        Constant(constant=pg.noise_level)


def test_curves_too_short_for_a_periodogram():
    from astrokit import LightCurve

    t = np.arange(20.0)
    curve = LightCurve(t, 5 + np.sin(t), np.ones(20))
    with pytest.raises(ShapeError, match="take at most 2 segments"):
        Periodogram.from_lightcurve(curve, segments=3)
    with pytest.raises(ShapeError, match="shorter bins or a longer curve"):
        Periodogram.from_lightcurve(curve.select(0, 4.5))
