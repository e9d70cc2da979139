"""`find_break` and `common_break`: check values of the real tables, simulated truths, verdicts."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from scipy.stats import kstest

import astrokit as ak
from astrokit.bursts import (
    BrokenPowerLaw,
    BurstSample,
    CutoffPowerLaw,
    EnergyConvention,
    EnergyProblem,
    LogisticCompleteness,
    LogNormal,
    PowerLaw,
    common_break,
    find_break,
    read_bursts,
    vuong,
)
from astrokit.errors import ComparisonError, DataWarning, InputError
from tests.contract import quiet_fit

M = 1e37
PAGE = Path(__file__).parents[2] / "docs" / "calibration"


def broken(n, truth=(1.3, 2.8, 38.0), seed=1, **options):
    """Return energies of a broken law above M."""
    wide = BrokenPowerLaw(log_break_energy=ak.inference.Uniform(37, 40))
    problem = EnergyProblem(np.geomspace(M, 1e40, n), wide, threshold=M, **options)
    return problem.simulate(list(truth), seed).data.energy


def single(n, index=1.8, seed=1):
    return M * np.random.default_rng(seed).uniform(size=n) ** (-1 / (index - 1))


# -- the published tables --------------------------------------------------------------------------


def test_check_values_of_frb_20121102a(real_data):
    sample = read_bursts(real_data("frb20121102"), source="FRB 20121102A")
    r = find_break(sample, threshold=4.8e37 * u.erg, n_simulations=100, n_bootstrap=100, seed=1)
    assert r.problem.n_data == 1165
    assert r.single["index"].value == pytest.approx(1.888, abs=5e-4)
    assert r.single["index"].error == pytest.approx(0.026, abs=5e-4)
    assert r.break_energy.value == pytest.approx(8.0e38, rel=0.02)
    assert r.index_low.value == pytest.approx(1.71, abs=5e-3)
    assert r.index_high.value == pytest.approx(2.63, abs=0.01)
    assert r.test_statistic == pytest.approx(46.7, abs=0.05)
    assert r.p_value.limit == "upper"
    assert r.verdict.startswith("single power law rejected at p < 0.01")
    assert "not distinguished" in r.verdict


def test_check_values_of_frb_20220912a(real_data):
    sample = read_bursts(real_data("frb20220912a"))
    r = find_break(sample, threshold=1e37, n_simulations=100, n_bootstrap=100, seed=1)
    assert r.problem.n_data == 689
    assert r.single["index"].value == pytest.approx(1.607, abs=5e-4)
    assert r.break_energy.value == pytest.approx(2.4e38, rel=0.02)
    assert r.index_low.value == pytest.approx(1.225, abs=1e-3)
    assert r.index_high.value == pytest.approx(2.81, abs=5e-3)
    assert r.test_statistic == pytest.approx(142.9, abs=0.05)


def test_both_modes_of_frb_20220912a_are_found(real_data):
    sample = read_bursts(real_data("frb20220912a"))
    r = find_break(sample, threshold=3e36, n_simulations=100, n_bootstrap=20, seed=1)
    energies = sorted(mode.break_energy for mode in r.modes)
    assert energies == pytest.approx([1.5e38, 2.2e38], rel=0.03)
    assert all(263 < mode.test_statistic < 264 for mode in r.modes)
    assert "2 places of nearly equal likelihood" in r.verdict


def test_a_threshold_in_the_roll_over_is_not_a_break(real_data):
    sample = read_bursts(real_data("frb20121102"))
    with pytest.warns(DataWarning, match="raise the threshold"):
        r = find_break(sample, threshold=2.5e37, n_simulations=20, n_bootstrap=20, seed=1)
    assert r.break_energy.value == pytest.approx(5.1e37, rel=0.01)
    assert r.verdict.startswith("no break is claimed")


def test_the_tail_of_frb_20121102a(real_data):
    tail = ak.bursts.PowerLawTail.fit(read_bursts(real_data("frb20121102")))
    assert tail.xmin.value == pytest.approx(3.80e38, rel=2e-3)
    assert tail.index.value == pytest.approx(2.566, abs=1e-3)
    p = tail.goodness_of_fit(200, seed=1).p_value
    assert abs(p.value - 0.80) < 4 * math.hypot(p.error, 0.03)


def test_three_repeaters_on_one_convention(real_data):
    """On 500 MHz energies one break for all is rejected, whatever its place."""
    band = EnergyConvention(bandwidth=500)
    facts = {"frb20121102": (0.193, 972), "frb20220912a": (0.0771, 360.3),
             "frb20201124a-fast": (0.098, 453.3)}  # fmt: skip
    samples = [
        read_bursts(real_data(name)).with_energies(band, redshift=z, distance=d)
        for name, (z, d) in facts.items()
    ]
    r = common_break(samples, thresholds=[2.12e37, 1e37, 5e37], n_simulations=100, seed=1)
    assert r.test_statistic == pytest.approx(14.5, abs=0.3)
    assert "rejected" in r.verdict
    assert r.sources == ("FRB 20121102A", "FRB 20220912A", "FRB 20201124A")


# -- simulated truths ------------------------------------------------------------------------------


def test_a_clear_break_is_found():
    r = find_break(broken(800), threshold=M, n_simulations=100, n_bootstrap=200, seed=1)
    assert abs(math.log10(r.break_energy.value) - 38.0) < 4 * np.std(r.bootstrap.draws[:, 2])
    assert abs(r.index_low.sigma_from(1.3)) < 4
    assert abs(r.index_high.sigma_from(2.8)) < 4
    assert r.p_value.limit == "upper"
    low, high = r.break_energy.interval
    assert low < r.break_energy.value < high
    assert r.break_energy.unit == u.erg


def test_no_break_is_claimed_for_a_single_law():
    r = find_break(single(500), threshold=M, n_simulations=100, n_bootstrap=20, seed=1)
    assert r.verdict.startswith("single power law not rejected")
    assert r.roll_over == ""


def test_a_sample_below_completeness_gets_a_warning_not_a_break():
    """Logistic detection of a single law: without the completeness a warning, with it no break."""
    search = LogisticCompleteness(3 * M, width=0.1)
    wide = EnergyProblem(single(800), PowerLaw(), threshold=M, completeness=search)
    seen = wide.simulate([1.8], 3).data.energy
    with pytest.warns(DataWarning, match="likely missed"):
        blind = find_break(seen, threshold=M, n_simulations=50, n_bootstrap=20, seed=1)
    assert blind.verdict.startswith("no break is claimed")
    assert blind.test_statistic > 50
    known = find_break(seen, threshold=M, completeness=search, n_simulations=50, n_bootstrap=20,
                       seed=1)  # fmt: skip
    assert known.verdict.startswith("single power law not rejected")


def test_rivals_that_are_the_truth_are_not_called_a_break():
    design = EnergyProblem(single(900), CutoffPowerLaw(), threshold=M)
    energy = design.simulate([1.3, 38.3], 5).data.energy
    r = find_break(energy, threshold=M, n_simulations=100, n_bootstrap=20, seed=1)
    assert r.verdict.startswith("single power law rejected")
    assert "preferred to log" not in r.verdict
    assert "cut-off power law" in r.verdict
    names = [fit.label for fit in r.comparison.fits]
    assert names[0].startswith("power law")
    assert len(names) == 4


def test_p_values_are_uniform_without_a_break():
    """The long study is on the calibration page; here 60 samples."""
    spec = importlib.util.spec_from_file_location("burst_breaks", PAGE / "burst_breaks.py")
    page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(page)
    p = page.p_values(100, 60, n_null=40)
    assert kstest(p, "uniform").pvalue > 1e-4


def test_numbers_do_not_depend_on_workers():
    from concurrent.futures import ThreadPoolExecutor

    energy = broken(200)
    options = {"threshold": M, "n_simulations": 20, "n_bootstrap": 20, "seed": 3}
    one = find_break(energy, **options)
    with ThreadPoolExecutor(2) as executor:
        two = find_break(energy, executor=executor, **options)
    assert np.array_equal(one.test.simulated, two.test.simulated)
    assert np.array_equal(one.bootstrap.draws, two.bootstrap.draws)


def test_the_posterior_agrees_with_the_fit():
    r = find_break(broken(800), threshold=M, n_simulations=20, n_bootstrap=100, seed=1)
    assert r.posterior is r.posterior
    assert r.posterior.verdict.word == "converged"
    assert abs(r.posterior["index_high"].sigma_from(r.index_high)) < 1.5


# -- one break or several --------------------------------------------------------------------------


def samples_of(breaks, n=500):
    return [
        BurstSample(energy=broken(n, (1.3, 2.8, b), seed=k + 10), threshold=M, source=f"S{k}")
        for k, b in enumerate(breaks)
    ]


def test_one_break_is_accepted_and_two_are_told_apart():
    same = common_break(samples_of([38.0, 38.0]), n_simulations=60, seed=1)
    assert same.p_value.value > 0.01
    assert "not rejected" in same.verdict
    low, high = same.break_energy.interval
    assert low * 0.5 < 1e38 < high * 2
    other = common_break(samples_of([37.7, 38.6]), n_simulations=100, seed=1)
    assert other.p_value.limit == "upper"
    assert "rejected at" in other.verdict
    assert other.comparison.best("bic") == "a break for each"


def test_the_joint_maximum_is_above_all_others():
    from astrokit.bursts import JointEnergyProblem

    parts = [EnergyProblem(s, BrokenPowerLaw()) for s in samples_of([37.8, 38.2], 80)]
    for shared in (True, False):
        joint = JointEnergyProblem(parts, shared=shared)
        theta, value = joint._known_maximum()
        assert value == pytest.approx(joint.log_likelihood(theta)[0], rel=1e-12)
        rng = np.random.default_rng(1)
        near = np.clip(rng.normal(theta, 0.05, (5000, theta.size)), *joint.parameters.bounds.T)
        assert joint.log_likelihood(near).max() <= value + 1e-4
    assert quiet_fit(joint).log_likelihood == pytest.approx(
        sum(quiet_fit(p).log_likelihood for p in parts)
    )


def test_mixed_conventions_are_refused():
    a = samples_of([38.0], 50)[0]
    fluence = BurstSample(fluence=np.geomspace(0.1, 10, 50), source="F")
    c = fluence.with_energies(EnergyConvention(bandwidth=500), redshift=0.1, distance=400)
    d = fluence.with_energies(EnergyConvention(bandwidth=1250), redshift=0.1, distance=400)
    for pair in ((a, c), (c, d)):
        with pytest.raises(InputError, match="different conventions"):
            common_break(pair)
        with pytest.raises(InputError, match="different conventions"):
            ak.bursts.compare_samples(pair)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda s: common_break(s[:1]), InputError, "two samples"),
        (lambda s: common_break(s[0]), InputError, "two samples"),
        (lambda s: common_break(s, thresholds=[M]), InputError, "one entry per sample"),
        (lambda s: common_break(s, thresholds=M), InputError, "one entry per sample"),
        (lambda s: find_break(s[0], rivals=["log-normal"]), InputError, "no model"),
        (lambda s: find_break(s[0].energy), InputError, "a threshold is needed"),
        (lambda s: find_break(s[0], threshold=1e45), InputError, "below the threshold"),
        (lambda s: find_break(s[0].energy[:8], threshold=M), InputError, "too few bursts"),
        (lambda s: find_break(s[0], n_simulations=0), InputError, "number of simulations"),
        (lambda s: vuong(EnergyProblem(s[0], LogNormal()).fit(),
                         EnergyProblem(s[1], LogNormal()).fit()), ComparisonError, "same data"),
    ],
)  # fmt: skip
def test_mistakes_are_named(call, error, words):
    with pytest.raises(error, match=words), ak.provenance.quiet():
        call(samples_of([38.0, 38.0], 60))


def test_a_law_that_does_not_describe_the_data_is_told():
    """Two humps: a broken law is better than a single one, and wrong."""
    rng = np.random.default_rng(1)
    energy = 10.0 ** np.concatenate([rng.normal(37.0, 0.25, 900), rng.normal(38.6, 0.2, 300)])
    r = find_break(energy[energy > M], threshold=M, n_simulations=100, n_bootstrap=20, seed=1)
    assert r.goodness.p_value.limit == "upper"
    assert "itself does not describe the data (KS p < 0.01)" in r.verdict
    clear = find_break(broken(800), threshold=M, n_simulations=100, n_bootstrap=20, seed=1)
    assert clear.goodness.p_value.value > 0.01
    assert "itself does not describe" not in clear.verdict


@pytest.mark.parametrize("completeness", [None, LogisticCompleteness(2 * M, 0.1)])
def test_probabilities_of_bursts_are_uniform_under_the_truth(completeness):
    threshold = M * np.tile([1.0, 3.0], 1000)
    sample = BurstSample(energy=threshold * 1.5, threshold=threshold)
    model = BrokenPowerLaw(log_break_energy=ak.inference.Uniform(37, 40))
    problem = EnergyProblem(sample, model, completeness=completeness)
    truth = [1.3, 2.8, 38.0]
    u = problem.simulate(truth, 3).survival(truth)
    assert kstest(u, "uniform").pvalue > 1e-4
    d = ak.bursts.ks_distance(problem.simulate(truth, 3), truth)
    assert d == pytest.approx(kstest(u, "uniform").statistic)
    saturated = BurstSample(energy=np.geomspace(M, 1e39, 20), saturated=[1] + [0] * 19, threshold=M)
    with pytest.raises(InputError, match="lower limits"):
        EnergyProblem(saturated, PowerLaw()).survival([1.8])


def test_steep_and_rounded_samples_are_not_called_broken():
    """An index of 8 lies inside both priors; rounded energies have many ties at the threshold."""
    steep = find_break(single(300, 8.0), threshold=M, n_simulations=100, n_bootstrap=20, seed=1)
    assert steep.verdict.startswith("single power law not rejected")
    rounded = M * np.ceil(single(300) / M)
    with ak.provenance.quiet():
        r = find_break(rounded, threshold=M, n_simulations=20, n_bootstrap=20, seed=1)
    assert np.isfinite(r.test_statistic)


def test_too_few_simulations_decide_nothing():
    r = find_break(broken(300), threshold=M, n_simulations=20, n_bootstrap=20, seed=1)
    assert r.verdict.startswith("undecided: none of only 20")
    c = common_break(samples_of([37.7, 38.6]), n_simulations=20, seed=1)
    assert c.verdict.startswith("undecided: none of only 20")


def test_results_print_and_cite():
    r = find_break(broken(300), threshold=M, n_simulations=20, n_bootstrap=20, seed=1)
    assert "differential index below the break" in repr(r)
    assert "<pre>" in r._repr_html_()
    assert {"crawford1970", "vuong1989", "protassov2002"} <= set(ak.cite(r).keys)
    c = common_break(samples_of([38.0, 38.0], 200), n_simulations=10, seed=1)
    assert "Common break of 2 sources" in repr(c)
    assert "protassov2002" in ak.cite(c).keys


def test_a_break_at_the_end_of_its_range_says_so():
    """Rounding where resampled breaks end at the same bound is no error of 1e-14."""
    energy = 1e37 * np.random.default_rng(1).random(300) ** (-1 / 0.8)
    r = find_break(energy, threshold=1e37, n_simulations=20, n_bootstrap=50,
                   rivals=LogNormal(), seed=1)  # fmt: skip
    top = r.problem.parameters["log_break_energy"].prior.support[1]
    assert r.break_energy.value == pytest.approx(10**top, rel=1e-9)
    assert r.break_energy.upper == 0.0
    assert any("end of its allowed range" in note for note in r.notes)
    assert len(str(r.break_energy)) < 50
    assert [t.names[1] for t in r.vuong_tests] == ["log-normal"]
