"""Afrho, cross-section, mass and rate; apertures and offsets."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy import units as u

import astrokit as ak
from astrokit.comets import (
    CometPhotometry,
    LinearPhase,
    afrho,
    afrho_curve,
    apply_offsets,
    cross_section,
    dust_mass,
    dust_production_rate,
    magnitude_from_afrho,
    reduced_magnitude,
    scale_apertures,
)
from astrokit.errors import DataWarning, InputError, UnitError

WHERE = {"r": 2.5 * u.au, "delta": 3.5 * u.au, "aperture": 5 * u.arcsec}


def test_afrho_check_value():
    """V = 18 at r = 2.5, delta = 3.5 au in 5 arcsec and 3.5 degrees: 77.5 cm after HM."""
    got = afrho(magnitude=18, phase_angle=3.5 * u.deg, **WHERE)
    assert got.value == pytest.approx(77.5, abs=0.05)
    assert got.name == "A(0)frho"
    assert np.isnan(got.error)


def test_afrho_agrees_with_sbpy():
    flux = 10 ** (-0.4 * (18 + 26.76))  # of a Sun of flux 1 at 1 au
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sbpy's own imports
        activity = pytest.importorskip("sbpy.activity")
        calib = pytest.importorskip("sbpy.calib")
        unit = u.Unit("W m-2 um-1")
        with calib.solar_fluxd.set({"V": 1.0 * unit}):
            where = {"rh": 2.5 * u.au, "delta": 3.5 * u.au}
            theirs = activity.Afrho.from_fluxd("V", flux * unit, 5 * u.arcsec, where)
    assert afrho(magnitude=18, **WHERE).value == pytest.approx(theirs.to_value("cm"), rel=1e-6)


def test_a_linear_aperture_is_the_same_as_its_angle():
    km = 5 * 725.2709 * 3.5 * u.km
    angle, length = (afrho(magnitude=18, r=2.5, delta=3.5, aperture=a) for a in (5 * u.arcsec, km))
    assert angle.value == pytest.approx(length.value, rel=1e-6)


def test_errors_are_those_of_a_monte_carlo():
    """Relative errors of a product: compared with 200 000 draws of each input."""
    rng = np.random.default_rng(8)
    n = 200_000
    result = afrho(
        magnitude=ak.Estimate(18.0, 0.05),
        r=2.5,
        delta=ak.Estimate(3.5, 0.05, unit="au"),
        aperture=ak.Estimate(5.0, 0.1, unit="arcsec"),
        phase_angle=20.0,
        phase=LinearPhase((0.04, 0.005)),
    )
    flux = 10 ** (-0.4 * rng.normal(18, 0.05, n))
    distance, radius = rng.normal(3.5, 0.05, n), rng.normal(5, 0.1, n)
    dimming = 10 ** (0.4 * 20 * rng.normal(0.04, 0.005, n))
    draws = flux * distance / radius * dimming
    low, middle, high = np.quantile(draws, [0.15866, 0.5, 0.84134])
    assert float(result.upper) / result.value == pytest.approx(high / middle - 1, rel=0.02)
    assert result.lower / result.value == pytest.approx(1 - low / middle, rel=0.02)


def test_magnitude_and_afrho_are_inverse():
    value = afrho(magnitude=17.3, **WHERE)
    assert magnitude_from_afrho(value, **WHERE) == pytest.approx(17.3, abs=1e-12)


def test_afrho_of_a_curve_is_that_of_each_row():
    ph = CometPhotometry(
        [1, 2], [18, 17], error=0.1, r=[2.5, 2], delta=[3.5, 1], phase_angle=[3.5, 10], aperture=5.0
    )
    value, error = afrho_curve(ph)
    single = afrho(magnitude=18, phase_angle=3.5, **WHERE).value
    assert value[0] == pytest.approx(single, rel=1e-12)
    np.testing.assert_allclose(error / value, 0.1 * 0.4 * np.log(10))
    with pytest.raises(InputError, match="1 of 2 magnitudes have no aperture"):
        afrho_curve(ph.with_columns(aperture=[5.0, np.nan]))


def test_cross_section_of_a_known_disk():
    """A disk of albedo 1 and 1 km2 at 1 au reflects pi-th of what falls on it: its magnitude."""
    area = np.pi * (1.0 * u.au).to_value("km") ** 2  # that would return all of the Sun's flux
    h = -26.76 + 2.5 * np.log10(area)
    assert cross_section(h, albedo=1.0).value == pytest.approx(1.0, rel=1e-12)


def test_chain_from_magnitude_to_rate():
    """100 um grains of 1 g/cm3 at 5 m/s: the orders of magnitude of Jewitt & Luu (2025)."""
    section = cross_section(ak.Estimate(11.5, 0.1), albedo=ak.Estimate(0.04, 0.01))
    mass = dust_mass(section, grain_radius=100 * u.um, density=1000)
    rate = dust_production_rate(mass, aperture=10_000 * u.km, speed=5 * u.m / u.s)
    assert mass.value == pytest.approx(4 / 3 * 1000 * 1e-4 * section.value * 1e6, rel=1e-12)
    assert rate.value == pytest.approx(mass.value / (1e7 / 5), rel=1e-12)
    for side in ("lower", "upper"):  # exact factors leave the relative error as it is
        relative = getattr(section, side) / section.value
        assert getattr(rate, side) / rate.value == pytest.approx(relative, rel=1e-9)
    assert float(section.upper) / section.value == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: afrho(magnitude=18, r=0, delta=1, aperture=1 * u.arcsec), InputError, "r must"),
        (lambda: afrho(magnitude=18, r=1, delta=1, aperture=5), InputError, "needs a unit"),
        (lambda: afrho(magnitude=18, r=1, delta=1, aperture=5 * u.s), UnitError, "aperture"),
        (
            lambda: afrho(
                magnitude=18, r=1, delta=1, aperture=5 * u.arcsec, phase=LinearPhase(0.04)
            ),
            InputError,
            "needs the phase angle",
        ),
        (lambda: cross_section(12, albedo=0), InputError, "albedo"),
        (lambda: dust_mass(1.0, grain_radius=-1), InputError, "grain_radius"),
    ],
)
def test_impossible_inputs_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


# -- reduction -----------------------------------------------------------------------------------


def test_steady_coma_in_one_aperture():
    """Magnitudes of a steady coma, measured in any apertures, agree after scaling."""
    delta = np.array([1.0, 2.0, 3.0])
    angle = np.array([5.0, 9.0, 20.0])
    radius = angle * 725.2709 * delta
    magnitude = 15 + 5 * np.log10(delta) - 2.5 * np.log10(radius / 1e4)
    ph = CometPhotometry(
        [1, 2, 3], magnitude, r=[3, 3, 3], delta=delta, phase_angle=[0, 0, 0], aperture=angle
    )
    scaled = scale_apertures(ph, 10_000 * u.km)
    np.testing.assert_allclose(reduced_magnitude(scaled)[0], 15, atol=1e-5)
    assert scaled.aperture_unit == "km"
    wide = scale_apertures(
        ph.with_columns(error=0.03), 10_000 * u.km, profile=ak.Estimate(1.0, 0.1)
    )
    growth = np.abs(2.5 * np.log10(1e4 / radius))
    np.testing.assert_allclose(wide.error, np.hypot(0.03, 0.1 * growth), rtol=1e-5)
    with pytest.raises(InputError, match="have no aperture"):
        scale_apertures(ph.with_columns(aperture=None), 1e4)


def test_a_measured_curve_of_growth():
    """A coma that is no power law, scaled with its own curve of growth, agrees with itself."""
    radius = np.geomspace(2e3, 1e5, 60)
    flux = radius / (1 + radius / 5e4)
    at = np.array([5e3, 1e4, 4e4])
    magnitude = -2.5 * np.log10(at / (1 + at / 5e4))
    ph = CometPhotometry(
        [1, 2, 3], magnitude, r=3, delta=2, phase_angle=0, aperture=at, aperture_unit="km"
    )
    scaled = scale_apertures(ph, 1e4, profile=(radius, flux))
    np.testing.assert_allclose(scaled.magnitude, magnitude[1], atol=1e-3)
    with pytest.raises(InputError, match="hold every aperture"):
        scale_apertures(ph, 2e5, profile=(radius, flux))


def test_offsets_are_complete_or_refused():
    ph = CometPhotometry([1, 2], [18.5, 18.0], error=0.03, filter=["g", "r"])
    shifted = apply_offsets(ph, {"g": ak.Estimate(-0.5, 0.04)}, to="r")
    np.testing.assert_allclose(shifted.magnitude, 18.0)
    np.testing.assert_allclose(shifted.error, [0.05, 0.03])
    assert set(shifted.filter) == {"r"}
    with pytest.raises(InputError, match="no offset for 'g'"):
        apply_offsets(ph, {}, to="r")
    with pytest.raises(InputError, match="no row has 'z'"):
        apply_offsets(ph, {"g": 0, "r": 0, "z": 1})
    with pytest.raises(InputError, match="column is unknown"):
        apply_offsets(ph, {}, column="aperture")


def test_reduced_magnitudes_carry_the_phase_error():
    ph = CometPhotometry([1, 2], [18, 18], error=0.03, r=[2, 2], delta=[1, 1], phase_angle=[0, 20])
    magnitude, error = reduced_magnitude(ph, phase=LinearPhase((0.04, 0.02)), to_sun=True)
    np.testing.assert_allclose(magnitude, 18 - 5 * np.log10(2) - np.array([0, 0.8]))
    np.testing.assert_allclose(error, [0.03, np.hypot(0.03, 0.4)])


def test_the_sun_of_each_filter():
    columns = {"r": 2.5, "delta": 3.5, "phase_angle": 3.5, "aperture": 5.0}
    ph = CometPhotometry([1, 2], [18, 18], filter=["V", "R"], **columns)
    with pytest.warns(DataWarning, match="magnitudes in R with the Sun in V"):
        same, _ = afrho_curve(ph)
    value, _ = afrho_curve(ph, sun={"V": -26.76, "R": -27.15})
    np.testing.assert_allclose(same, value[0])
    np.testing.assert_allclose(value[1] / value[0], 10 ** (-0.4 * 0.39))
    with pytest.raises(InputError, match="no magnitude in a filter"):
        afrho_curve(ph, sun={"V": -26.76})


def test_the_sun_may_have_a_unit_and_albedos_are_fractions():
    with_unit = cross_section(12.0, sun=-26.76 * u.mag)
    assert with_unit.value == pytest.approx(cross_section(12.0).value)
    with pytest.raises(InputError, match="not a percentage"):
        cross_section(12.0, albedo=4)


def test_a_number_is_no_phase_function():
    ph = CometPhotometry([1], [18], r=2.5, delta=3.5, phase_angle=3.5, aperture=5.0)
    for call in (
        lambda: afrho(magnitude=18, phase_angle=3.5, phase=0.04, **WHERE),
        lambda: afrho_curve(ph, phase=0.04),
        lambda: reduced_magnitude(ph, phase=0.04),
    ):
        with pytest.raises(InputError, match="must be a PhaseFunction"):
            call()
