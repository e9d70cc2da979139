"""The search for a line: calibrated in noise, finds what is injected, refuses what it cannot do."""

from __future__ import annotations

import dataclasses
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import astrokit as ak
from astrokit.errors import InputError, UnitError
from astrokit.inference import Uniform
from astrokit.provenance import quiet
from astrokit.spectra import (
    FluxPoints,
    GaussianLine,
    PowerLaw,
    Response,
    SpectralProblem,
    Spectrum,
    line_significance,
    simulate,
)
from astrokit.spectra.line_scan import score_scan, search_for
from astrokit.spectra.line_significance import gaussian_sigma

TRUTH = {"photon_index": 1.6, "normalization": 2e-4}


@pytest.fixture(scope="module")
def detector():
    return Response.ideal(np.arange(4.0, 8.0, 0.03), area=300.0, fwhm=0.15)


def noise(detector, seed, exposure=4e4):
    return simulate(PowerLaw(), detector, exposure=exposure, seed=seed, **TRUTH)


def with_line(detector, seed, flux, energy=6.4, **options):
    model = PowerLaw() + GaussianLine(line_energy=energy, line_width=0.01)
    return simulate(
        model, detector, exposure=4e4, seed=seed, normalization_2=flux, **TRUTH, **options
    )


def test_p_values_of_noise_are_uniform(detector):
    """Mean and small p of 24 spectra without a line; 4 standard errors of each."""
    p = []
    for seed in range(24):
        found = line_significance(noise(detector, 100 + seed), PowerLaw(), n=30, seed=seed)
        p.append((found.test.n_exceeding + 0.5) / (found.test.n + 1))
    assert abs(np.mean(p) - 0.5) < 4 * math.sqrt(1 / 12 / 24)
    assert np.count_nonzero(np.array(p) < 0.1) <= 2.4 + 4 * math.sqrt(24 * 0.1 * 0.9)


def test_an_injected_line_is_found_and_measured(detector):
    found = line_significance(with_line(detector, 4, 5e-6), PowerLaw(), n=100, seed=1)
    assert abs(found.line_energy.value - 6.4) < 4 * found.line_energy.upper
    assert abs(found.line_flux.value - 5e-6) < 4 * found.line_flux.upper
    assert found.test.n_exceeding == 0
    assert found.sigma == pytest.approx(gaussian_sigma(0.01))
    assert found.local_sigma > 6
    assert "0 of 100 simulations" in repr(found)
    assert found.energies[found.scan.argmax()] == pytest.approx(6.4, abs=0.05)
    ax = found.plot()
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), found.plot_data()["scan"])


def test_the_tail_of_the_simulations_falls_as_assumed(detector):
    """Extrapolated from one half of the simulations, held against the other half."""
    found = line_significance(noise(detector, 11), PowerLaw(), n=300, seed=2)
    simulated = found.test.simulated
    level = float(np.quantile(simulated, 0.97))
    at = dataclasses.replace(found.test, observed=np.asarray(level))
    p = dataclasses.replace(found, test=at).extrapolated_p
    # 3 % of 300 have a binomial error of a third, the tenth it starts from one of a sixth.
    assert abs(np.log(p.value / 0.03)) < 4 * np.hypot(1 / 3, 1 / 5.5)
    assert p.method.startswith("tail exp(-T/2)")
    few = dataclasses.replace(found.test, simulated=simulated[:50])
    with pytest.raises(InputError, match="too few simulations to extrapolate"):
        _ = dataclasses.replace(found, test=few).extrapolated_p


def test_looking_everywhere_costs_significance(detector):
    found = line_significance(noise(detector, 7), PowerLaw(), n=100, seed=1)
    local = math.erfc(found.local_sigma / math.sqrt(2))
    assert found.p_value.value > local


def test_a_band_with_fewer_places_has_a_lower_threshold(detector):
    spectrum = noise(detector, 8)
    wide = line_significance(spectrum, PowerLaw(), n=150, seed=1)
    narrow = line_significance(spectrum, PowerLaw(), n=150, seed=1, band="6.3-6.5 keV")
    assert narrow.thresholds()[0] < wide.thresholds()[0]
    assert narrow.energies[0] == 6.3
    assert np.isnan(narrow.thresholds()[2])  # 150 simulations do not know 99.7 %


def test_absorption_lines(detector):
    energy = 0.5 * (detector.energy_lo + detector.energy_hi)
    photons = 2e-4 * energy**-1.6 * (detector.energy_hi - detector.energy_lo)
    photons[np.abs(energy - 5.5) < 0.1] *= 0.1
    spectrum = simulate(photons, detector, exposure=1e5, seed=3)
    found = line_significance(spectrum, PowerLaw(), n=40, seed=1, kind="absorption", width=0.06)
    assert found.line_flux.value < 0
    assert found.line_energy.value == pytest.approx(5.5, abs=0.1)
    assert found.test.n_exceeding == 0
    either = line_significance(spectrum, PowerLaw(), n=10, seed=1, kind="either", width=0.06)
    assert either.statistic == pytest.approx(found.statistic, rel=1e-3)


def test_score_scan_is_nearly_the_likelihood_ratio(detector):
    """A weak line, its strength fitted at each of some energies."""
    null = SpectralProblem(noise(detector, 5, exposure=2e5), PowerLaw())
    wanted = search_for(null, band=(5.0, 7.0), width=0.01, sign=0)
    with quiet():
        fit = null.fit()
    scan, strength = score_scan(wanted, null, fit)
    for k in np.flatnonzero(scan > 1)[::10]:
        energy = float(wanted.energies[k])
        line = PowerLaw() + GaussianLine(
            line_energy=energy, line_width=0.01, normalization=Uniform(-1e-4, 1e-4)
        )
        with quiet():
            full = SpectralProblem(null.data, line).fit()
        ratio = 2 * (full.log_likelihood - fit.log_likelihood)
        assert scan[k] == pytest.approx(ratio, rel=0.2, abs=0.2)
        assert np.sign(strength[k]) == np.sign(full["normalization_2"].value)


def test_same_numbers_with_any_number_of_workers(detector):
    spectrum = noise(detector, 6)
    alone = line_significance(spectrum, PowerLaw(), n=12, seed=5)
    with ThreadPoolExecutor(2) as executor:
        shared = line_significance(spectrum, PowerLaw(), n=12, seed=5, executor=executor)
    np.testing.assert_array_equal(alone.test.simulated, shared.test.simulated)


def test_posterior_of_the_continuum_and_background(detector):
    rng = np.random.default_rng(2)
    background = Spectrum(rng.poisson(4.0, detector.n_channels), exposure=4e4, backscal=10.0)
    template = Spectrum(
        np.zeros(detector.n_channels), exposure=4e4, response=detector, background=background
    )
    spectrum = simulate(PowerLaw(), template, exposure=4e4, seed=3, **TRUTH)
    problem = SpectralProblem(spectrum, PowerLaw(), statistic="wstat")
    posterior = problem.sample(seed=1, until=20)
    found = line_significance(problem, posterior, n=20, seed=2)
    assert 0 < found.test.n == 20
    assert "protassov2002" in found.provenance.citations
    with pytest.raises(InputError, match="posterior is one of other parameters"):
        line_significance(SpectralProblem(spectrum, PowerLaw(photon_index=1.6)), posterior, n=5)


def test_a_fit_brings_its_problem(detector):
    problem = SpectralProblem(noise(detector, 9), PowerLaw())
    fixed = problem.with_parameters(problem.parameters.fix(photon_index=1.6))
    found = line_significance(fixed.fit(), n=5, seed=1)
    assert found.null_fit.values["photon_index"] == 1.6
    assert found.fit.values["photon_index"] == 1.6


def test_several_spectra_are_searched_together(detector):
    pair = [with_line(detector, 1, 4e-6), with_line(detector, 2, 4e-6)]
    problem = SpectralProblem(pair, PowerLaw(), cross_normalization=True)
    both = line_significance(problem, n=5, seed=1)
    one = line_significance(pair[0], PowerLaw(), n=5, seed=1)
    assert both.statistic > one.statistic
    assert both.line_energy.value == pytest.approx(6.4, abs=0.1)


def test_refusals(detector):
    spectrum = noise(detector, 1)
    with pytest.raises(InputError, match="no continuum is given"):
        line_significance(spectrum, n=5)
    with pytest.raises(InputError, match="lies outside the data"):
        line_significance(spectrum, PowerLaw(), n=5, band="20-30 keV")
    with pytest.raises(UnitError, match="has no unit"):
        line_significance(spectrum, PowerLaw(), n=5, band="5-6")
    with pytest.raises(InputError, match="one interval of energies"):
        line_significance(spectrum, PowerLaw(), n=5, band="5-6, 7-8 keV")
    with pytest.raises(InputError, match="no such kind of line"):
        line_significance(spectrum, PowerLaw(), n=5, kind="both")
    with pytest.raises(InputError, match="number of simulations"):
        line_significance(spectrum, PowerLaw(), n=0)
    problem = SpectralProblem(spectrum, PowerLaw())
    with pytest.raises(InputError, match="has its continuum already"):
        line_significance(problem, PowerLaw(), n=5)
    tied = problem.with_parameters(problem.parameters.tie(normalization="1e-4 * photon_index"))
    with pytest.raises(InputError, match="cannot follow tied parameters"):
        line_significance(tied, n=5)


def test_flux_points_can_be_searched_too():
    energy = np.linspace(4, 8, 80)
    model = PowerLaw() + GaussianLine(line_energy=6.0, line_width=0.1)
    flux = model.density(energy, photon_index=2, normalization=1e-3, normalization_2=2e-5)
    points = FluxPoints(energy, flux, 0.05 * flux)
    found = line_significance(points, PowerLaw(), n=10, seed=1, width=0.1)
    assert found.line_energy.value == pytest.approx(6.0, abs=0.02)
    assert isinstance(found, ak.spectra.LineSignificance)
