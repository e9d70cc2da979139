"""`EnergyProblem`: the contract, and ln L against plain quadrature."""

from __future__ import annotations

import itertools
import math
from typing import ClassVar

import numpy as np
import pytest
from astropy import units as u

from astrokit.bursts import (
    BentPowerLaw,
    BrokenPowerLaw,
    BurstSample,
    CompletenessCurve,
    CutoffPowerLaw,
    EnergyProblem,
    JointEnergyProblem,
    LogisticCompleteness,
    LogNormal,
    LogNormalPlusCauchy,
    PowerLaw,
    SmoothlyBrokenPowerLaw,
    StretchedExponential,
    ThresholdedPowerLaw,
)
from astrokit.bursts.problem import Energies
from astrokit.errors import CoverageWarning, InputError, ShapeError, UnitError
from astrokit.inference import Uniform
from tests.contract import ProblemContract, quiet_fit
from tests.reference import bursts as reference

M = 1e37
TRUTHS = {
    PowerLaw: {"index": 1.8},
    BrokenPowerLaw: {"index_low": 1.4, "index_high": 2.7, "log_break_energy": 38.0},
    SmoothlyBrokenPowerLaw: {
        "index_low": 1.4, "index_high": 2.7, "log_break_energy": 38.0, "break_width": 0.2,
    },
    CutoffPowerLaw: {"index": 1.3, "log_cutoff_energy": 38.5},
    LogNormal: {"log_median_energy": 37.4, "log_width": 0.5},
    BentPowerLaw: {"index": 2.2, "log_scale_energy": 37.6},
    ThresholdedPowerLaw: {"index": 2.2, "log_scale_energy": 37.6},
    StretchedExponential: {"shape": 0.5, "log_scale_energy": 37.5},
    LogNormalPlusCauchy: {
        "log_median_energy": 37.3, "log_width": 0.25, "index": 2.0, "log_scale_energy": 38.4,
        "fraction": 0.4,
    },
}  # fmt: skip


def simulated(model, n, *, seed=1, **options) -> EnergyProblem:
    """Return a problem of `n` bursts drawn from the truth of a model, its parameters near it."""
    wide = BurstSample(energy=np.geomspace(M, 1e40, n))
    design = EnergyProblem(wide, model, threshold=M, **options)
    truth = TRUTHS[type(model)]
    theta = [truth[name] for name in design.parameters.free_names]
    energy = design.simulate(theta, seed).data.energy
    problem = EnergyProblem(energy, model, threshold=M, **options)
    for name in problem.parameters.free_names:
        problem = problem.with_parameters(problem.parameters.replace(name, value=truth[name]))
    return problem


class TestPowerLaw(ProblemContract):
    @pytest.fixture
    def problem(self):
        return simulated(PowerLaw(), 200)

    def refused_units(self):
        return [
            lambda: EnergyProblem([1e37] * 20 * u.s, PowerLaw(), threshold=M),
            lambda: EnergyProblem([1e37] * 20 * u.erg, PowerLaw(), threshold=1 * u.Jy),
        ]


class TestBrokenPowerLaw(ProblemContract):
    @pytest.fixture
    def problem(self):
        return simulated(BrokenPowerLaw(), 1000, seed=4)


class TestCutoffPowerLaw(ProblemContract):
    n_fits = 60

    @pytest.fixture
    def problem(self):
        return simulated(CutoffPowerLaw(), 1000)


class TestLogNormal(ProblemContract):
    n_fits = 60

    @pytest.fixture
    def problem(self):
        return simulated(LogNormal(), 1000)


class TestBrokenWithCompleteness(ProblemContract):
    n_fits = 40
    n_scores = 200

    @pytest.fixture
    def problem(self):
        search = LogisticCompleteness(2 * M, width=0.1)
        return simulated(BrokenPowerLaw(), 600, seed=3, completeness=search)


class TestErrorsSaturationThresholds(ProblemContract):
    """Everything that may differ from burst to burst, at once."""

    n_fits = 30

    @pytest.fixture
    def problem(self):
        rng = np.random.default_rng(2)
        n = 300
        sigma = np.repeat([0.1, 0.4], n // 2)
        threshold = M * np.tile([1.0, 2.0], n // 2)
        energy = threshold * rng.uniform(size=n) ** (-1 / 0.8) * 1.0001
        sample = BurstSample(
            energy=energy, energy_error=sigma * energy, saturated=energy > 8e38, threshold=threshold
        )
        return EnergyProblem(sample, PowerLaw(), errors=True)


class TestJoint(ProblemContract):
    n_fits = 40
    n_scores = 200
    truth: ClassVar = {"log_break_energy": 38.0}

    @pytest.fixture
    def problem(self):
        parts = [simulated(BrokenPowerLaw(), 400, seed=seed) for seed in (3, 5)]
        joint = JointEnergyProblem(parts)
        return joint.with_parameters(joint.parameters.replace("log_break_energy", value=38.0))


# -- ln L ------------------------------------------------------------------------------------------


def cut_of(values) -> float:
    return 10 ** values.get("log_break_energy", 38.0)


@pytest.mark.parametrize("model", TRUTHS, ids=lambda m: m.__name__)
def test_log_likelihood_is_that_of_plain_quadrature(model):
    """Different thresholds and two lower limits, so that every part of the design counts."""
    energy = M * np.array([1.2, 1.5, 2.2, 3.1, 4.0, 5.5, 9.0, 14.0, 30.0, 77.0, 410.0, 2.7])
    threshold = M * np.array([1.0, 1.0, 2.0, 1.0, 3.0, 1.0, 1.0, 2.0, 12.0, 1.0, 40.0, 1.0])
    saturated = np.array([0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0], dtype=bool)
    sample = BurstSample(energy=energy, threshold=threshold, saturated=saturated)
    truth = TRUTHS[model]
    problem = EnergyProblem(sample, model())
    values = np.array([[truth[name] for name in problem.parameters.names]])
    expected = reference.log_likelihood(
        energy / M, threshold / M, saturated, _scaled(model.__name__, truth), cut_of(truth) / M
    ) - np.count_nonzero(~saturated) * math.log(M)
    np.testing.assert_allclose(problem._log_likelihood(values), expected, rtol=1e-9)
    np.testing.assert_allclose(problem._pointwise(values).sum(), expected, rtol=1e-9)


def _scaled(name: str, truth) -> reference.Density:
    """Return the density in units of M, so that quadrature meets no tiny numbers."""
    shift = math.log10(M)
    return reference.density(
        name, {k: v - shift if k.endswith("energy") else v for k, v in truth.items()}
    )


@pytest.mark.parametrize(
    "search",
    [
        LogisticCompleteness(3 * M, width=0.15),
        CompletenessCurve(M * np.array([0.5, 2, 8, 30]), [0.1, 0.3, 0.8, 1.0]),
    ],
    ids=["logistic", "curve"],
)
@pytest.mark.parametrize("model", [PowerLaw, BrokenPowerLaw, LogNormal], ids=lambda m: m.__name__)
def test_completeness_multiplies_the_density(model, search):
    energy = M * np.array([1.2, 1.5, 2.2, 3.1, 4.0, 5.5, 9.0, 14.0, 30.0, 77.0, 410.0])
    truth = TRUTHS[model]
    problem = EnergyProblem(energy, model(), threshold=M, completeness=search)
    values = np.array([[truth[name] for name in problem.parameters.names]])
    p = _scaled(model.__name__, truth)

    def product(E: float) -> float:
        return p(E) * float(search([E * M])[0])

    ends = [M, *(10 ** np.array([37.3010299957, 37.9030899870, 38.4771212547])), 1e39, 1e63]
    cuts = sorted({*ends, cut_of(truth)})
    norm = sum(reference.integral(product, a / M, b / M, 1.0) for a, b in itertools.pairwise(cuts))
    expected = sum(math.log(product(E / M) / norm / M) for E in energy)
    np.testing.assert_allclose(problem._log_likelihood(values), expected, rtol=1e-7)
    np.testing.assert_allclose(problem._pointwise(values).sum(), expected, rtol=1e-7)


@pytest.mark.parametrize("model", [PowerLaw, BrokenPowerLaw, LogNormal], ids=lambda m: m.__name__)
def test_errors_are_convolved(model):
    energy = M * np.array([1.1, 1.5, 2.2, 3.1, 4.0, 5.5, 9.0, 11.0, 14.0, 77.0])
    sample = BurstSample(energy=energy, energy_error=0.3 * energy, threshold=M)
    truth = TRUTHS[model]
    problem = EnergyProblem(sample, model(), errors=True)
    values = np.array([[truth[name] for name in problem.parameters.names]])
    expected = reference.blurred_log_likelihood(
        energy / M, 1.0, 0.3, _scaled(model.__name__, truth), cut_of(truth) / M
    ) - energy.size * math.log(M)
    np.testing.assert_allclose(problem._log_likelihood(values), expected, rtol=1e-6)


def test_errors_leave_a_power_law_a_power_law():
    """Blurring in ln E multiplies a power law by a constant, so that ln L does not change."""
    energy = simulated(PowerLaw(), 300).data.energy
    sharp = EnergyProblem(energy, PowerLaw(), threshold=M)
    sample = BurstSample(energy=energy, energy_error=0.3 * energy)
    blurred = EnergyProblem(sample, PowerLaw(), threshold=M, errors=True)
    theta = np.array([[1.3], [1.8], [3.5]])
    np.testing.assert_allclose(
        blurred.log_likelihood(theta), sharp.log_likelihood(theta), rtol=1e-8
    )


def test_the_index_is_that_of_the_formula():
    """The maximum of ln L of a power law above m is 1 + n / sum ln(E/m), error (a - 1)/root n."""
    energy = simulated(PowerLaw(), 500).data.energy
    fit = EnergyProblem(energy, PowerLaw(), threshold=M).fit()
    slope = energy.size / np.log(energy / M).sum()
    assert fit["index"].value == pytest.approx(1 + slope, rel=1e-9)
    assert fit["index"].error == pytest.approx(slope / math.sqrt(energy.size), rel=1e-9)


@pytest.mark.parametrize("model", [PowerLaw, BrokenPowerLaw, LogNormal], ids=lambda m: m.__name__)
def test_a_largest_energy_truncates(model):
    energy = M * np.array([1.2, 1.5, 2.2, 3.1, 4.0, 5.5, 9.0, 14.0, 30.0, 77.0])
    truth = {**TRUTHS[model], "log_maximum_energy": 39.0}
    ends = np.full(energy.size, M)
    expected = reference.log_likelihood(
        energy / M, ends / M, np.zeros(energy.size, bool), _scaled(model.__name__, truth),
        cut_of(truth) / M, 100.0,
    ) - energy.size * math.log(M)  # fmt: skip
    for maximum in (1e39, Uniform(38.9, 40)):  # fixed, and free
        problem = EnergyProblem(energy, model(maximum=maximum), threshold=M)
        values = np.array([[truth[name] for name in problem.parameters.names]])
        assert problem._log_likelihood(values)[0] == pytest.approx(expected, rel=1e-9)
        assert problem.label.startswith("truncated")
        simulated_energy = problem.simulate(
            [truth[n] for n in problem.parameters.free_names], 1
        ).data.energy
        assert simulated_energy.max() <= 1e39
    assert problem.log_likelihood([*list(TRUTHS[model].values()), 38.5])[0] == -np.inf


# -- the maximum of the broken law -----------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_no_place_is_higher_than_the_maximum_of_the_broken_law(seed):
    """A fine net of breaks and slopes, and climbs from many places, find nothing higher."""
    problem = simulated(BrokenPowerLaw(), 60, seed=seed)
    theta, value = problem._known_maximum()
    assert value == pytest.approx(problem.log_likelihood(theta)[0], rel=1e-12)
    draws = problem.parameters.sample_prior(np.random.default_rng(seed), 20_000)
    assert problem.log_likelihood(draws).max() <= value
    bounds = problem.parameters.bounds[2]
    fine = problem.profile(np.linspace(*bounds, 20_001))
    assert fine.log_likelihood.max() <= value + 1e-9
    assert fine.log_likelihood.max() > value - 1e-3
    near = np.random.default_rng(seed).normal(theta, 1e-3, (2000, 3))
    inside = np.all(
        (near > problem.parameters.bounds.T[0]) & (near < problem.parameters.bounds.T[1]), axis=1
    )
    assert problem.log_likelihood(near[inside]).max() <= value


def test_fixed_values_and_bounds_are_kept_by_the_maximum():
    problem = simulated(BrokenPowerLaw(index_high=2.0), 300)
    fit = quiet_fit(problem)
    assert fit["index_high"].value == 2.0
    assert fit.n_free == 2
    low = problem.parameters.replace("index_low", prior=Uniform(1.6, 3), value=2.0)
    held = quiet_fit(problem.with_parameters(low))
    assert held["index_low"].value == 1.6
    assert held.log_likelihood < fit.log_likelihood


def test_quadrature_and_sums_agree_for_the_broken_law():
    """With a completeness of one everywhere the integrals must give what closed forms give."""
    plain = simulated(BrokenPowerLaw(), 300)
    one = CompletenessCurve([1e30, 1e50], [1.0, 1.0])
    energy = plain.data.energy
    integrated = EnergyProblem(energy, BrokenPowerLaw(), threshold=M, completeness=one)
    thetas = plain.parameters.sample_prior(np.random.default_rng(1), 50)
    np.testing.assert_allclose(
        integrated.log_likelihood(thetas), plain.log_likelihood(thetas), rtol=1e-11
    )
    assert integrated._known_maximum()[1] == pytest.approx(plain._known_maximum()[1], rel=1e-9)


# -- simulation ------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", TRUTHS, ids=lambda m: m.__name__)
def test_simulated_energies_follow_the_model(model):
    from scipy.stats import kstest

    problem = simulated(model(), 3000, seed=7)
    truth = TRUTHS[model]
    p = _scaled(model.__name__, truth)
    energy = np.sort(problem.data.energy) / M
    places = np.geomspace(1.0, energy[-1] * 1.01, 150)
    whole = reference.integral(p, 1.0, math.inf, cut_of(truth) / M)
    below = [
        1 - reference.integral(p, x, math.inf, cut_of(truth) / M) / whole if x > 1 else 0.0
        for x in places
    ]
    result = kstest(energy, lambda x: np.interp(np.log(x), np.log(places), below))
    assert result.pvalue > 1e-4


def test_saturated_bursts_stay_lower_limits_in_simulations():
    energy = M * np.geomspace(1.1, 300, 40)
    sample = BurstSample(energy=energy, saturated=energy > 2e39, threshold=M)
    problem = EnergyProblem(sample, PowerLaw())
    flags = np.mean([problem.simulate([1.5], k).data.saturated[-1] for k in range(400)])
    expected = (energy[-1] / M) ** -0.5
    assert abs(flags - expected) < 4 * math.sqrt(expected * (1 - expected) / 400)


# -- mistakes --------------------------------------------------------------------------------------

GOOD = M * np.geomspace(1.1, 100, 30)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: EnergyProblem(GOOD, PowerLaw()), InputError, "a threshold is needed"),
        (lambda: EnergyProblem(GOOD, PowerLaw(), threshold=1e45), InputError,
         "all bursts lie below the threshold"),
        (lambda: EnergyProblem([2e37] * 20, PowerLaw(), threshold=M), InputError,
         "the same energy"),
        (lambda: EnergyProblem(GOOD[:9], PowerLaw(), threshold=M), InputError, "too few bursts"),
        (lambda: EnergyProblem(-GOOD, PowerLaw(), threshold=M), InputError, "must be > 0"),
        (lambda: EnergyProblem(0 * GOOD, PowerLaw(), threshold=M), InputError, "must be > 0"),
        (lambda: EnergyProblem(GOOD * u.s, PowerLaw(), threshold=M), UnitError, "wrong unit"),
        (lambda: EnergyProblem(GOOD, PowerLaw, threshold=M), InputError, "a model is needed"),
        (lambda: EnergyProblem(GOOD, PowerLaw(), threshold=M, completeness=0.9), InputError,
         "a completeness is needed"),
        (lambda: EnergyProblem(GOOD, PowerLaw(), threshold=M, errors=True), InputError,
         "needs errors"),
        (lambda: EnergyProblem(GOOD, PowerLaw(), threshold=[M, M]), ShapeError, "unequal"),
        (lambda: EnergyProblem(GOOD, PowerLaw(), threshold=M).with_data([1.0]), InputError,
         "below its threshold"),
        (lambda: EnergyProblem(GOOD, LogNormal(), threshold=M).profile(), InputError,
         "sharply broken"),
        (lambda: EnergyProblem(BurstSample(energy=GOOD, saturated=np.arange(GOOD.size) > 8),
                               PowerLaw(), threshold=M), InputError, "too few measured energies"),
        (lambda: EnergyProblem(GOOD, PowerLaw(maximum=GOOD.max() / 2), threshold=M), InputError,
         "largest energy of the model"),
        (lambda: EnergyProblem(GOOD, LogNormal(maximum=GOOD.max() / 2), threshold=M), InputError,
         "largest energy of the model"),
        (lambda: LogisticCompleteness(-1), InputError, "must be > 0"),
        (lambda: CompletenessCurve([2, 1], [0, 1]), InputError, "must increase"),
        (lambda: CompletenessCurve([1, 2], [0, 90]), InputError, "recovery fractions"),
        (lambda: JointEnergyProblem([EnergyProblem(GOOD, BrokenPowerLaw(), threshold=M)]),
         InputError, "two samples"),
        (lambda: JointEnergyProblem([EnergyProblem(GOOD, PowerLaw(), threshold=M)] * 2),
         InputError, "sharply broken"),
        (lambda: JointEnergyProblem([EnergyProblem(GOOD * f, BrokenPowerLaw(), threshold=M * f)
                                     for f in (1, 1e4)]), InputError, "no energies in common"),
    ],
)  # fmt: skip
def test_mistakes_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_bursts_below_the_threshold_are_counted():
    problem = EnergyProblem(GOOD, PowerLaw(), threshold=GOOD[5])
    assert (problem.n_below, problem.n_data) == (5, 25)


def test_large_errors_that_are_not_used_are_said():
    sample = BurstSample(energy=GOOD, energy_error=0.5 * GOOD, threshold=M)
    with pytest.warns(CoverageWarning, match="errors=True"):
        EnergyProblem(sample, PowerLaw()).fit()


def test_data_of_another_number_need_a_uniform_design():
    uniform = EnergyProblem(GOOD, PowerLaw(), threshold=M)
    assert uniform.with_data(GOOD[:20]).n_data == 20
    mixed = EnergyProblem(GOOD, PowerLaw(), threshold=np.where(np.arange(30) < 9, 1, 0.5) * M)
    with pytest.raises(ShapeError, match="burst to burst"):
        mixed.with_data(Energies(GOOD[9:], np.zeros(21, bool)))


def test_density_integrates_to_one():
    search = LogisticCompleteness(3 * M, width=0.15)
    problem = simulated(BrokenPowerLaw(), 300, completeness=search)
    energy = np.geomspace(M, M * 1e14, 200_001)
    for observed in (False, True):
        density = problem.density(energy, problem.parameters.values, observed=observed)[0]
        total = np.trapezoid(density * energy, np.log(energy))
        assert total == pytest.approx(1, abs=1e-5)


def test_the_rounded_law_is_that_of_astropy():
    from astropy.modeling.powerlaws import SmoothlyBrokenPowerLaw1D

    problem = simulated(SmoothlyBrokenPowerLaw(), 100)
    low, high, place, width = TRUTHS[SmoothlyBrokenPowerLaw].values()
    energy = np.geomspace(M, 1e40, 40)
    ours = problem.density(energy, [low, high, place, width])[0]
    delta = width * np.log(10)
    theirs = SmoothlyBrokenPowerLaw1D(1.0, 10**place, low, high, delta)(energy)
    np.testing.assert_allclose(ours / ours[0], theirs / theirs[0], rtol=1e-9)
    # One width from the break the index has gone a logistic of one, 73 %, of the way.
    near = 10 ** (place + width) * np.array([1 - 1e-4, 1 + 1e-4])
    a, b = problem.density(near, [low, high, place, width])[0]
    local = -np.log(b / a) / np.log(near[1] / near[0])
    assert (local - low) / (high - low) == pytest.approx(0.7311, abs=1e-3)
