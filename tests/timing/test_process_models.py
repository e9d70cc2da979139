"""Random walk, oscillator, CARMA and line: their covariance, derivatives, and exact likelihood."""

from __future__ import annotations

import warnings
from typing import ClassVar

import numpy as np
import pytest
from scipy import integrate

import astrokit as ak
from astrokit.errors import AstrokitWarning
from astrokit.timing import (
    CARMA21,
    Constant,
    DampedRandomWalk,
    GaussianPSDProblem,
    Lorentzian,
    Oscillator,
    Periodogram,
    PowerLaw,
    PSDProblem,
)
from astrokit.timing.rational_kernels import rational_coefficients
from tests.contract import ProblemContract

CASES = {
    "random walk": (DampedRandomWalk(pivot=0.1), [3.0, 0.4]),
    "oscillator": (Oscillator(), [0.3, 4.0, -0.5]),
    "creeping oscillator": (Oscillator(), [0.3, 0.2, -0.5]),
    "critical oscillator": (Oscillator(), [0.3, 0.5, -0.5]),
    "CARMA, complex": (CARMA21(pivot=0.1), [0.3, 2.0, 0.8, 0.3]),
    "CARMA, real": (CARMA21(pivot=0.1), [0.3, 0.3, 0.8, 0.3]),
    "line": (Lorentzian(), [0.3, 1.5, 0.2]),
}


def irregular(n=60, error=0.1, seed=1, width=0.1):
    rng = np.random.default_rng(seed)
    time = np.cumsum(0.2 + rng.exponential(1.0, n))
    rate = 100 + np.cumsum(rng.standard_normal(n)) * 0.3
    return ak.LightCurve(time, rate, np.full(n, error), bin_width=width)


@pytest.mark.parametrize("name", CASES)
def test_covariance_is_the_integral_of_the_spectrum(name):
    model, values = CASES[name]
    form = model.closed_form(np.array(values))
    given = dict(zip(model.names, values, strict=True))

    def power(f):
        extra = 0.0 if form.remainder is None else float(form.remainder(np.array(f)))
        return float(model.evaluate(f, **given)) - extra

    scale = abs(form.weight.sum().real)
    for lag in (0.0, 0.7, 5.0):
        found = np.sum(form.weight * np.exp(-form.rate * lag)).real
        if lag == 0.0:
            expected = sum(
                integrate.quad(power, a, b, limit=500)[0]
                for a, b in ((1e-12, 0.1), (0.1, 0.5), (0.5, 10.0), (10.0, np.inf))
            )
        else:
            expected = integrate.quad(
                power, 1e-12, np.inf, weight="cos", wvar=2 * np.pi * lag, limlst=500, limit=500
            )[0]
        assert found == pytest.approx(expected, abs=2e-5 * scale)


def test_variances_are_those_that_the_pages_state():
    _, values = CASES["oscillator"]
    weight = Oscillator().closed_form(np.array(values)).weight.sum().real
    assert weight == pytest.approx(np.pi * 0.3 * np.exp(-0.5) / (2 * 4.0), rel=1e-12)
    walk = DampedRandomWalk(pivot=1e-9).closed_form(np.array([3.0, 0.4]))
    assert walk.weight[0].real == pytest.approx(np.exp(0.4) / (4 * 3.0), rel=1e-9)
    assert walk.rate[0] == 1 / 3.0


def test_kernel_coefficients_are_those_of_the_python_function():
    out = np.empty(4)
    rational_coefficients.py_func(6, np.array([0.3, 2.0, 0.8, 0.3]), 0, np.log(0.1), out)
    f = np.array([0.05, 0.1, 0.4])
    found = np.exp(out[0]) * (1 + out[1] * f**2) / (1 + out[2] * f**2 + out[3] * f**4)
    model, values = CASES["CARMA, complex"]
    expected = model.evaluate(f, **dict(zip(model.names, values, strict=True)))
    np.testing.assert_allclose(found, expected, rtol=1e-13)


# -- in every likelihood --------------------------------------------------------------------------


def whittle(model, truth, n=600):
    f = np.arange(1, n + 1) / (2.0 * n)
    power = model.evaluate(f, **truth) * np.random.default_rng(1).exponential(size=n)
    problem = PSDProblem(Periodogram(f, power), model)
    parameters = problem.parameters
    for name, value in truth.items():
        parameters = parameters.replace(name, value=value)
    return problem.with_parameters(parameters)


class TestWalkInWhittle(ProblemContract):
    n_fits = 60

    @pytest.fixture
    def problem(self):
        truth = {"timescale": 6.0, "log_amplitude": 3.0, "constant": 1.0}
        return whittle(DampedRandomWalk(pivot=0.01) + Constant(), truth)


class TestOscillatorInWhittle(ProblemContract):
    n_fits = 60

    @pytest.fixture
    def problem(self):
        truth = {"center_frequency": 0.1, "quality_factor": 5.0, "log_amplitude": 3.0}
        return whittle(Oscillator() + Constant(constant=1.0), truth)


class TestWalkAtIrregularTimes(ProblemContract):
    n_fits = 60
    truth: ClassVar = {"timescale": 5.0, "log_amplitude": 2.0}

    @pytest.fixture
    def problem(self):
        lc = irregular(200)
        return PSDProblem(lc, DampedRandomWalk(pivot=0.01), normalization="absolute")


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("with_power_law", [False, True])
def test_engines_agree(name, with_power_law):
    """On a grid with gaps the dense engine has the spectrum itself; the others a sum."""
    model, values = CASES[name]
    rng = np.random.default_rng(3)
    rate = 100 + np.cumsum(rng.standard_normal(150))
    rate[40:60] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        lc = ak.LightCurve(np.arange(150) + 0.5, rate, np.full(150, 0.3), bin_width=1.0)
    model = model + Constant()
    values = [*values, 0.2]
    if with_power_law:
        model, values = model + PowerLaw(pivot=0.1), [*values, 1.7, -1.0]
    found = [
        PSDProblem(lc, model, normalization="absolute", engine=engine).log_likelihood(values)[0]
        for engine in ("dense", "celerite")
    ]
    assert found[0] == pytest.approx(found[1], abs=2e-3 if with_power_law else 1e-3)


def test_a_line_narrower_than_the_resolution_is_exact():
    """Where a spectrum on a grid of frequencies would miss it."""
    lc = irregular(80, width=0.0)
    model = Lorentzian(center_frequency=0.2, quality_factor=1e4) + PowerLaw(pivot=0.1)
    problem = PSDProblem(lc, model, normalization="absolute")
    assert isinstance(problem, GaussianPSDProblem)
    theta = np.array([8.0, 1.5, -2.0])
    values = problem.parameters.expand(theta)[0]
    half = 0.5 * 0.2 / 1e4
    t = lc.time
    tau = np.abs(t[:, None] - t)
    line = np.exp(8.0) * np.pi * half
    line = line * np.exp(-2 * np.pi * half * tau) * np.cos(2 * np.pi * 0.2 * tau)
    bare = PSDProblem(lc, PowerLaw(pivot=0.1), normalization="absolute")
    engine, spectra = bare._machine, bare._spectra(np.array([[1.5, -2.0]]))
    from astrokit.timing.semiseparable_kernels import fill_exponential_covariance

    weights, tables, diagonal, beside = engine._factors(spectra, bare._variance)
    C = np.zeros((79, 79))
    fill_exponential_covariance(weights[0], tables, diagonal[0], beside[0], C)
    C += np.tril(C, -1).T
    D = np.diff(np.eye(80), axis=0)
    from scipy import stats

    y = np.diff(lc.rate)
    expected = stats.multivariate_normal(cov=C + D @ line @ D.T).logpdf(y)
    assert problem._log_likelihood(values[None])[0] == pytest.approx(expected, abs=1e-3)


def test_parts_of_a_sum_are_cited():
    model = DampedRandomWalk() + Oscillator() + CARMA21()
    assert model.citation_keys == ("kelly2009", "foremanmackey2017", "kelly2014")
    assert model.label == "damped random walk + oscillator + CARMA(2,1)"
    problem = PSDProblem(irregular(), DampedRandomWalk() + Constant())
    assert {"kelly2009", "rasmussen2006"} <= set(problem.citation_keys)
    assert problem.parameters["timescale"].unit == "s"
