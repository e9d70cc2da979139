"""Exact toy galaxies: continuity, closed forms, and what an instrument makes of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from astropy import units as u
from scipy.integrate import simpson

import astrokit as ak
from astrokit.bars import Exponential, GeometryErrors, Instrument, Tanh, ToyGalaxy
from astrokit.errors import InputError, UnitError

GALAXIES = [
    ToyGalaxy(20, 50, 40),
    ToyGalaxy(13, 25, -70, streaming=0.3),
    ToyGalaxy(31, 70, 15, rotation=Tanh(180, 3), streaming=-0.2),
    ToyGalaxy(-8, 60, 100, rotation=Exponential(220, 1), bar_strength=0.9),
]


@pytest.mark.parametrize("toy", GALAXIES)
def test_matter_is_neither_made_nor_lost(toy):
    """div(S v) = Omega dS/dphi in the frame of the sky, by differences of the fields."""
    face_on = toy.replace(inclination=1e-3, bar_angle=np.degrees(toy._bar_phase))
    turned = face_on.replace(bar_angle=face_on.bar_angle - 90)
    sine = np.sin(np.radians(1e-3))

    def flow(x, y):
        # The line of sight sees one component; a galaxy turned by 90 deg shows the other.
        density, along_y = face_on.evaluate(x, y)
        other = turned.evaluate(y, -x)[1]
        return density, -other / sine, along_y / sine

    h = 1e-4
    x, y = np.random.default_rng(1).uniform(-9, 9, (2, 40))
    d = flow(x, y)[0]
    flux_x = [flow(x + s * h, y) for s in (1, -1)]
    flux_y = [flow(x, y + s * h) for s in (1, -1)]
    divergence = (flux_x[0][0] * flux_x[0][1] - flux_x[1][0] * flux_x[1][1]) / (2 * h)
    divergence += (flux_y[0][0] * flux_y[0][2] - flux_y[1][0] * flux_y[1][2]) / (2 * h)
    slope_x = (flux_x[0][0] - flux_x[1][0]) / (2 * h)
    slope_y = (flux_y[0][0] - flux_y[1][0]) / (2 * h)
    turning = toy.pattern_speed * (x * slope_y - y * slope_x)
    scale = np.abs(toy.rotation.flat_velocity * d).max()
    np.testing.assert_allclose(divergence, turning, atol=1e-5 * scale)


@pytest.mark.parametrize("toy", GALAXIES)
@pytest.mark.parametrize("ends", [(-150.0, 150.0), (-5.0, 9.0), (-6.0, 6.0)])
def test_slits_hold_the_integrals_of_the_method(toy, ends):
    x = np.linspace(*ends, 200_001)
    for y in (0.7, -3.1):
        flux, velocity = toy.evaluate(x, np.full_like(x, y))
        left = simpson(flux * velocity, x=x)
        pattern = toy._sin * toy.pattern_speed * simpson(flux * x, x=x)
        size = toy._sin * simpson(flux * np.abs(x), x=x) * abs(toy.pattern_speed)
        assert left - pattern == pytest.approx(toy.slit_excess(y, *ends), abs=1e-7 * size)


def test_symmetric_slits_need_no_length_without_streaming():
    assert ToyGalaxy(streaming=0.0).slit_excess(2.0, -4.0, 4.0) == pytest.approx(0, abs=1e-9)
    assert abs(ToyGalaxy(streaming=0.2).slit_excess(2.0, -4.0, 4.0)) > 1


def test_corotation_and_bar_radius_are_consistent():
    toy = ToyGalaxy(18, 55, 35, bar_radius=6)
    r = toy.corotation_radius
    assert toy.rotation.velocity(r) == pytest.approx(18 * r)
    back = ak.bars.deprojected_radius(toy.projected_bar_radius, 35, 55)
    assert back == pytest.approx(6)
    assert np.isnan(ToyGalaxy(100).corotation_radius)


def test_quantities_are_converted():
    speed = 20 * u.km / u.s / u.arcsec
    same = ToyGalaxy(speed, 50 * u.deg, bar_radius=7 * u.arcsec)
    assert same == ToyGalaxy(20, 50, bar_radius=7)
    with pytest.raises(UnitError, match="pattern_speed"):
        ToyGalaxy(20 * u.km / u.s)


@pytest.mark.parametrize(
    "numbers",
    [
        {"inclination": 0},
        {"inclination": 90},
        {"bar_strength": 1.0},
        {"bar_radius": -1},
        {"rotation": 200.0},
    ],
)
def test_impossible_galaxies_are_refused(numbers):
    with pytest.raises(InputError):
        ToyGalaxy(**numbers)


def test_impossible_instruments_are_refused():
    for numbers in ({"pixel_scale": 0}, {"signal_to_noise": 0}, {"shape": (1, 9)}):
        with pytest.raises(InputError):
            Instrument(**numbers)
    with pytest.raises(InputError, match="center"):
        GeometryErrors(center=-0.1)


# -- observations --------------------------------------------------------------------------------


def test_truth_is_kept_and_seeds_repeat():
    one, same, other = (ak.bars.simulate_galaxy(seed=s) for s in (1, 1, 2))
    assert np.array_equal(one.flux, same.flux)
    assert one.geometry == same.geometry != other.geometry
    assert one.truth.pattern_speed == 20
    assert one.true_geometry.position_angle.value == 30


def test_noise_has_the_stated_size():
    exact = Instrument(signal_to_noise=np.inf)
    clean = ak.bars.simulate_galaxy(instrument=exact)
    noisy = ak.bars.simulate_galaxy(seed=3)
    assert clean.flux_error is None
    for name in ("flux", "velocity"):
        z = (getattr(noisy, name) - getattr(clean, name)) / getattr(noisy, f"{name}_error")
        n = z.size
        assert abs(z.mean()) < 4 / np.sqrt(n)
        assert abs(z.std() - 1) < 4 / np.sqrt(2 * n)


def test_measured_geometry_scatters_by_its_errors():
    errors = GeometryErrors(2.0, 1.0, 3.0, 0.1, 0.2)
    small = Instrument(shape=(9, 9), hexagon=None, psf_fwhm=0)
    measured = [
        ak.bars.simulate_galaxy(instrument=small, errors=errors, seed=k) for k in range(200)
    ]
    truth = measured[0].true_geometry
    for name, known in truth.estimates.items():
        given = [m.geometry.estimates[name] for m in measured]
        z = [(g.value - known.value) / g.error for g in given]
        assert abs(np.mean(z)) < 4 / np.sqrt(200)
        assert abs(np.std(z) - 1) < 4 / np.sqrt(400)
    still = dataclasses.replace(errors, scatter=False)
    exact = ak.bars.simulate_galaxy(instrument=small, errors=still, seed=1)
    assert exact.geometry.position_angle.value == truth.position_angle.value
    assert exact.geometry.position_angle.error == 2.0


def test_seeing_keeps_the_flux_and_the_moment():
    wide = {"hexagon": None, "signal_to_noise": np.inf, "shape": (160, 160)}
    sharp = ak.bars.simulate_galaxy(instrument=Instrument(psf_fwhm=0.0, **wide))
    blurred = ak.bars.simulate_galaxy(instrument=Instrument(psf_fwhm=3.0, **wide))
    assert blurred.flux.sum() == pytest.approx(sharp.flux.sum(), rel=1e-3)
    assert blurred.flux.max() < 0.8 * sharp.flux.max()
    moments = [np.sum(g.flux * g.velocity * g.x) for g in (sharp, blurred)]
    assert moments[1] == pytest.approx(moments[0], rel=1e-3)


def test_holes_outlines_and_bins():
    full = ak.bars.simulate_galaxy(instrument=Instrument(hexagon=None), seed=1)
    fibres = ak.bars.simulate_galaxy(seed=1)
    holes = ak.bars.simulate_galaxy(instrument=Instrument(stars=4), seed=1)
    assert len(full) == 74 * 74
    area = 3 * np.sqrt(3) / 8 * 34.0**2
    assert len(fibres) * 0.25 == pytest.approx(area, rel=0.02)
    assert len(holes) < len(fibres)
    binned = ak.bars.simulate_galaxy(instrument=Instrument(bin_signal_to_noise=60.0), seed=1)
    assert 50 < binned.n_bins < 1500
    first = binned.bins == binned.bins[0]
    assert np.ptp(binned.velocity[first]) == 0
    total = np.bincount(binned.bins, binned.flux)
    noise = np.sqrt(np.bincount(binned.bins, binned.flux_error**2))
    assert np.median(total / noise) > 50
