"""The likelihood of magnitudes: the contract, its kernels, its limits, and known answers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import astrokit as ak
from astrokit.comets import (
    BranchIndices,
    BrokenIndex,
    CometPhotometry,
    CustomPhase,
    GaussianNoise,
    HalleyMarcusPhase,
    HeliocentricProblem,
    LinearPhase,
    NoPhase,
    OutlierMixture,
    StudentTNoise,
)
from astrokit.comets.kernels import gaussian_sums, student_t_sums
from astrokit.errors import InputError, ParameterError
from astrokit.inference import LogUniform, Parameter, Uniform
from tests.contract import ProblemContract
from tests.reference import comets as reference


def photometry(n: int = 60, seed: int = 5, **columns) -> CometPhotometry:
    """Return magnitudes of a comet with n = 3.8 that was followed from 4.6 to 1.8 au."""
    rng = np.random.default_rng(seed)
    r = np.linspace(4.6, 1.8, n)
    time = 60850 + np.linspace(0, 80, n)
    delta = 1.2 + np.abs(np.linspace(-1, 1.4, n))
    alpha = np.linspace(2, 28, n)
    error = rng.uniform(0.02, 0.05, n)
    scatter = np.sqrt(error**2 + 0.06**2) * rng.standard_t(4, n)
    magnitude = 9.0 + 5 * np.log10(delta) + 9.5 * np.log10(r) + 0.04 * alpha + scatter
    filters = np.where(np.arange(n) % 3 == 0, "V", "R")
    defaults = {
        "error": error,
        "r": r,
        "delta": delta,
        "phase_angle": alpha,
        "filter": filters,
        "perihelion_time": 60905.0,
    }
    return CometPhotometry(time, magnitude, **(defaults | columns))


class TestStudentT(ProblemContract):
    @pytest.fixture
    def problem(self):
        found = HeliocentricProblem(photometry(), offsets=("filter",))
        return at_values(found, absolute_magnitude=9.0, heliocentric_index=3.8, scatter=0.06)


class TestGaussian(ProblemContract):
    @pytest.fixture
    def problem(self):
        found = HeliocentricProblem(photometry(), phase=HalleyMarcusPhase(), noise=GaussianNoise())
        return at_values(found, absolute_magnitude=9.0, heliocentric_index=3.8, scatter=0.06)


class TestMixture(ProblemContract):
    @pytest.fixture
    def problem(self):
        found = HeliocentricProblem(
            photometry(120),
            phase=LinearPhase(0.04),
            noise=OutlierMixture(fraction=0.1, width=Uniform(0.1, 3.0)),
        )
        return at_values(
            found,
            absolute_magnitude=9.0,
            heliocentric_index=3.8,
            scatter=0.06,
            outlier_scatter=0.8,
        )


class TestBroken(ProblemContract):
    @pytest.fixture
    def problem(self):
        law = BrokenIndex(break_radius=LogUniform(2.2, 4.0))
        found = HeliocentricProblem(
            photometry(150), phase=LinearPhase(0.04), law=law, noise=GaussianNoise()
        )
        truth = {"inner_index": 2.0, "outer_index": 6.0, "break_radius": 3.0}
        return at_values(found, absolute_magnitude=9.0, scatter=0.06, **truth)


class TestBranches(ProblemContract):
    @pytest.fixture
    def problem(self):
        found = HeliocentricProblem(
            photometry(80), phase=NoPhase(), law=BranchIndices(), noise=GaussianNoise()
        )
        truth = {"preperihelion_index": 3.0, "postperihelion_index": 5.0}
        return at_values(found, absolute_magnitude=9.0, scatter=0.06, **truth)


class TestLimits(ProblemContract):
    @pytest.fixture
    def problem(self):
        faint = np.arange(60) % 6 == 0
        found = HeliocentricProblem(
            photometry(fainter_than=faint), phase=LinearPhase(0.04), noise=GaussianNoise()
        )
        return at_values(found, absolute_magnitude=9.0, heliocentric_index=3.8, scatter=0.06)


def at_values(problem, **values):
    """Return the problem with other starting values."""
    parameters = problem.parameters
    for name, value in values.items():
        parameters = parameters.replace(name, value=value)
    return problem.with_parameters(parameters)


# -- kernels -------------------------------------------------------------------------------------


@pytest.mark.parametrize("m", [1, 7, 400])
def test_kernels_equal_their_readable_twins(m):
    rng = np.random.default_rng(m)
    residual = rng.normal(0, 3, (5, m))
    variance = rng.uniform(1e-8, 4, m)
    extra, dof = rng.uniform(0.01, 2, 5), rng.uniform(1, 40, 5)
    fast = np.empty(5)
    gaussian_sums(residual, variance, extra, fast)
    np.testing.assert_allclose(fast, reference.gaussian_sums(residual, variance, extra), rtol=1e-12)
    norm = stats.t.logpdf(0.0, dof)
    student_t_sums(residual, variance, extra, dof, norm, fast)
    slow = reference.student_t_sums(residual, variance, extra, dof)
    np.testing.assert_allclose(fast, slow, rtol=1e-12)


def test_kernels_survive_extreme_scales():
    """Products of thousands of tiny or huge factors must not leave the range of floats."""
    for scale in (1e-12, 1e12):
        residual, variance = np.full((1, 3000), scale), np.full(3000, scale**2)
        out = np.empty(1)
        gaussian_sums(residual, variance, np.zeros(1), out)
        expected = stats.norm.logpdf(scale, 0, scale) * 3000
        np.testing.assert_allclose(out, expected, rtol=1e-12)


def test_densities_are_those_of_scipy():
    ph = photometry()
    problem = HeliocentricProblem(ph, phase=LinearPhase(0.03))
    values = problem.parameters.values.copy()
    values[:2] = 9.1, 3.6
    residual = (ph.magnitude - problem.predict(values))[0]
    scatter = values[problem.parameters.names.index("scatter")]
    scale = np.hypot(ph.error, scatter)
    expected = stats.t.logpdf(residual, 4, 0, scale).sum()
    got = problem.log_likelihood(
        problem.parameters.fix().free_values * 0 + values[problem.parameters.free_index]
    )[0]
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_limits_count_with_the_probability_to_be_fainter():
    limit = np.zeros(60, bool)
    limit[:3] = True
    problem = HeliocentricProblem(photometry(fainter_than=limit), phase=LinearPhase(0.04))
    values = problem.parameters.values
    terms = problem.pointwise(problem.parameters.free_values)[0]
    scatter = values[problem.parameters.names.index("scatter")]
    residual = (problem.photometry.magnitude - problem.predict(values))[0]
    np.testing.assert_allclose(terms[:3], stats.t.logsf(residual[:3] / scatter, 4), rtol=1e-9)


# -- known answers -------------------------------------------------------------------------------


def test_fixed_phase_fit_equals_weighted_least_squares():
    ph = photometry()
    noise = GaussianNoise(scatter=0.0)
    fit = HeliocentricProblem(ph, phase=LinearPhase(0.04), noise=noise).fit()
    design = np.column_stack([np.ones(len(ph)), 2.5 * np.log10(ph.r)]) / ph.error[:, None]
    target = (ph.magnitude - 5 * np.log10(ph.delta) - 0.04 * ph.phase_angle) / ph.error
    solution = np.linalg.lstsq(design, target, rcond=None)[0]
    np.testing.assert_allclose(fit["absolute_magnitude"].value, solution[0], rtol=1e-8)
    np.testing.assert_allclose(fit["heliocentric_index"].value, solution[1], rtol=1e-8)
    covariance = np.linalg.inv(design.T @ design)
    np.testing.assert_allclose(fit["heliocentric_index"].error, covariance[1, 1] ** 0.5, rtol=1e-6)


def test_phase_leverage_is_what_a_refit_finds():
    """The index moves by dn/dbeta times the change of the assumed coefficient: exactly linear."""
    ph = photometry()
    noise = GaussianNoise(scatter=0.0)
    problems = [
        HeliocentricProblem(ph, phase=LinearPhase(beta), noise=noise) for beta in (0.03, 0.05)
    ]
    fits = [problem.fit() for problem in problems]
    moved = fits[1]["heliocentric_index"].value - fits[0]["heliocentric_index"].value
    leverage = problems[0].phase_leverage(fits[0].values)[0]
    np.testing.assert_allclose(leverage * 0.02, moved, rtol=1e-6)


def test_a_smooth_break_passes_into_two_power_laws():
    law = BrokenIndex()
    values = np.array([[2.0, 6.0, 3.0]])
    r = np.array([1.0, 1.5, 6.0, 12.0])
    got = law.magnitudes(r, np.zeros(4, bool), values)[0]
    expected = [0.0, 2.5 * 2 * np.log10(1.5)]
    expected += [2.5 * (2 * np.log10(3) + 6 * np.log10(x / 3)) for x in (6.0, 12.0)]
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_custom_phase_takes_part_in_the_fit():
    phase = CustomPhase(lambda a, b: b * a, [Parameter("b", 0.03, Uniform(0, 0.1))])
    ph = photometry()
    linear = HeliocentricProblem(
        ph, phase=LinearPhase(Uniform(0, 0.1)), noise=GaussianNoise()
    ).fit()
    custom = HeliocentricProblem(ph, phase=phase, noise=GaussianNoise()).fit()
    np.testing.assert_allclose(custom.log_likelihood, linear.log_likelihood, atol=1e-5)
    np.testing.assert_allclose(custom["b"].value, linear["phase_coefficient"].value, atol=1e-4)


# -- what is refused -----------------------------------------------------------------------------


def test_one_distance_leaves_the_index_undetermined():
    with pytest.raises(InputError, match="undetermined"):
        HeliocentricProblem(photometry(r=np.full(60, 3.0)))


def test_geometry_is_needed():
    with pytest.raises(InputError, match="no geometry"):
        HeliocentricProblem(photometry(r=None))


def test_more_magnitudes_than_parameters_are_needed():
    ph = photometry().select(np.array([0, 20, 40]))
    with pytest.raises(InputError, match="not more magnitudes than free parameters"):
        HeliocentricProblem(ph)


def test_unknown_offsets_are_refused():
    with pytest.raises(InputError, match="telescope"):
        HeliocentricProblem(photometry(), offsets=("telescope",))


def test_many_offsets_are_refused():
    ph = photometry(80, observer=[f"obs{k}" for k in range(80)])
    with pytest.raises(InputError, match="80 groups of observer"):
        HeliocentricProblem(ph, offsets=("observer",))


@pytest.mark.parametrize(
    ("setting", "value"), [("phase", 0.04), ("law", 3.8), ("noise", "gaussian")]
)
def test_wrong_kinds_are_refused(setting, value):
    with pytest.raises(InputError, match=setting):
        HeliocentricProblem(photometry(), **{setting: value})


def test_branches_need_the_time_of_perihelion():
    with pytest.raises(InputError, match="perihelion"):
        HeliocentricProblem(photometry(perihelion_time=None), law=BranchIndices())


def test_bad_settings_of_laws_and_noise():
    with pytest.raises(ParameterError, match="width"):
        BrokenIndex(width=0.0)
    with pytest.raises(ParameterError, match="degrees of freedom"):
        StudentTNoise(dof=-1.0)
    with pytest.raises(ParameterError, match="scatter"):
        GaussianNoise(scatter="large").parameters  # noqa: B018
    with pytest.raises(ParameterError, match="beta"):
        LinearPhase("steep")


def test_results_are_compared_only_on_the_same_magnitudes():
    one, two = (HeliocentricProblem(photometry(seed=s), phase=LinearPhase(0.04)) for s in (1, 2))
    with pytest.raises(ak.errors.ComparisonError):
        ak.compare([one.fit(), two.fit()])


def test_a_limit_leaves_weighted_least_squares_alone():
    seen = photometry()
    limits = np.zeros(len(seen), bool)
    limits[5] = True
    magnitude = np.where(limits, seen.magnitude - 2.0, seen.magnitude)  # a shallow image
    ph = seen.with_columns(magnitude=magnitude, fainter_than=limits)
    settings = {"phase": LinearPhase(0.04), "noise": GaussianNoise(0.0)}
    both = HeliocentricProblem(ph, **settings).fit()
    without = HeliocentricProblem(seen.select(~limits), **settings).fit()
    difference = both["heliocentric_index"].value - without["heliocentric_index"].value
    assert abs(difference) < 1e-4 * without["heliocentric_index"].error


def test_a_branch_without_magnitudes_is_undetermined():
    ph = photometry().with_columns(perihelion_time=1e5)
    with pytest.raises(InputError, match="after perihelion is undetermined"):
        HeliocentricProblem(ph, law=BranchIndices())


def test_a_known_break_radius_is_held():
    problem = HeliocentricProblem(photometry(), law=BrokenIndex(break_radius=3.3))
    assert problem.parameters["break_radius"].fixed
    for radius in (0.0, -3.3, Uniform(-1.0, 3.0)):
        with pytest.raises(ParameterError, match="break radius"):
            BrokenIndex(break_radius=radius)


def test_a_row_without_phase_angle_is_counted():
    angles = np.full(60, 5.0)
    angles[7] = np.nan
    with pytest.raises(InputError, match="1 of 60 rows lack"):
        HeliocentricProblem(photometry(phase_angle=angles))


def test_negative_scatter_is_refused():
    with pytest.raises(ParameterError, match="scatter must not be negative"):
        GaussianNoise(scatter=-0.1).parameters  # noqa: B018
