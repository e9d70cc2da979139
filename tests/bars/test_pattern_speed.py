"""Pattern speeds with all errors, corotation, R, and the sensitivity budget."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.cosmology import FlatLambdaCDM

import astrokit as ak
from astrokit.bars import (
    Arctan,
    GeometryErrors,
    Instrument,
    SlitLayout,
    Tanh,
    ToyGalaxy,
    classify,
    corotation_radius,
    deprojected_radius,
    fit_rotation_curve,
    pattern_speed,
    simulate_galaxy,
)
from astrokit.bars.draws import draw_geometry, draw_noise, evaluate
from astrokit.bars.tremaine_weinberg import TremaineWeinberg
from astrokit.errors import CoverageWarning, InputError, UnitError
from astrokit.provenance import quiet

CLEAN = Instrument(shape=(100, 100), hexagon=None, psf_fwhm=0.0, signal_to_noise=np.inf)


@pytest.fixture(scope="module")
def galaxy():
    return simulate_galaxy(pattern_speed=20, inclination=50 * u.deg, seed=1)


@pytest.fixture(scope="module")
def result(galaxy):
    with quiet():
        return pattern_speed(galaxy, n_draws=1000, seed=1)


def test_the_call_of_the_first_page(result):
    assert abs(result.pattern_speed.sigma_from(20.0)) < 3
    assert abs(result.ratio.sigma_from(ToyGalaxy().ratio)) < 3
    assert result.pattern_speed.unit == u.km / u.s / u.arcsec
    assert sum(result.class_probabilities.values()) == pytest.approx(1)
    assert len(result.slits) >= 5
    assert result.flags == ()
    assert "ratio" in str(result)
    assert "pattern_speed" in repr(result)
    assert "<pre>" in result._repr_html_()
    assert len(result.to_table()) == 1000
    assert "tremaine1984" in ak.cite(result).keys


def test_seeds_repeat(galaxy, result):
    with quiet():
        again = pattern_speed(galaxy, n_draws=1000, seed=1)
        other = pattern_speed(galaxy, n_draws=1000, seed=2)
    assert np.array_equal(again.draws.pattern_speed, result.draws.pattern_speed)
    assert not np.array_equal(other.draws.pattern_speed, result.draws.pattern_speed)


def test_each_draw_is_a_measurement_of_its_own(galaxy):
    """The batch agrees with one TremaineWeinberg per drawn geometry."""
    tw = TremaineWeinberg(galaxy)
    draws = draw_geometry(galaxy.geometry, 6, np.random.default_rng(3))
    batch = evaluate(tw, draws)
    for k in range(6):
        moved = galaxy.with_geometry(
            position_angle=draws.position_angle[k],
            inclination=draws.inclination[k],
            bar_position_angle=draws.bar_position_angle[k],
            bar_radius=draws.bar_radius[k],
            center=(draws.center_x[k], draws.center_y[k]),
        )
        layout = SlitLayout(n_slits=len(tw.slits))
        one = TremaineWeinberg(moved, layout=layout)
        assert batch.pattern_speed[k] == pytest.approx(one.pattern_speed.value, rel=0.01)
        form = one.rotation_curve.form
        assert batch.flat_velocity[k] == pytest.approx(form.flat_velocity, rel=0.01)
        radius = form.corotation_radius(one.pattern_speed.value)
        assert batch.corotation_radius[k] == pytest.approx(radius, rel=0.02)


def test_drawn_geometries_have_the_stated_distributions():
    errors = GeometryErrors(scatter=False)
    geometry = simulate_galaxy(seed=1, errors=errors).geometry.replace(
        inclination=(50.0, 1.0, 3.0), systemic_velocity=(10.0, 2.0)
    )
    n = 20_000
    draws = draw_geometry(geometry, n, np.random.default_rng(0))
    for name, e in geometry.estimates.items():
        z = getattr(draws, name)
        assert abs(np.mean(z < e.value) - 0.5) < 4 * 0.5 / np.sqrt(n)
        below, above = z[z < e.value] - e.value, z[z > e.value] - e.value
        for side, sigma in ((below, e.lower), (above, e.upper)):
            rms = np.sqrt(np.mean(side**2))
            assert rms == pytest.approx(sigma, rel=4 / np.sqrt(n))


def test_drawn_inclinations_stay_on_the_sky():
    geometry = simulate_galaxy(seed=1).geometry.replace(inclination=(8.0, 6.0))
    drawn = draw_geometry(geometry, 2000, np.random.default_rng(1)).inclination
    assert drawn.min() >= 1


@pytest.mark.parametrize("inclination", [0.5, 89.5])
def test_discs_measured_at_the_end_of_the_range_are_drawn_too(inclination):
    geometry = simulate_galaxy(seed=1).geometry.replace(inclination=(inclination, 0.05))
    drawn = draw_geometry(geometry, 200, np.random.default_rng(1)).inclination
    assert np.all(np.abs(drawn - inclination) < 0.5)


def test_drawn_noise_is_that_of_noisy_pixels(galaxy):
    tw = TremaineWeinberg(galaxy)
    slits, rings = draw_noise(tw, 4000, np.random.default_rng(2))
    spread = slits.std(axis=0)
    np.testing.assert_allclose(spread[0], tw.slits.position_error, rtol=0.06)
    np.testing.assert_allclose(spread[1], tw.slits.velocity_error, rtol=0.06)
    given = tw.rotation_curve.velocity_error
    np.testing.assert_allclose(rings.std(axis=0)[-given.size :], given, rtol=0.06)


def test_exact_geometry_and_maps_leave_no_error():
    clean = simulate_galaxy(instrument=CLEAN)
    with pytest.warns(CoverageWarning, match="lacks the noise of pixels"):
        r = pattern_speed(clean, n_draws=50, seed=1)
    assert [flag.name for flag in r.flags] == ["no_noise"]
    assert r.pattern_speed.value == pytest.approx(20, rel=1e-3)
    assert r.pattern_speed.error == 0
    assert r.corotation_radius.value == pytest.approx(ToyGalaxy().corotation_radius, rel=0.015)
    assert r.bar_radius.value == pytest.approx(7.0)


# -- rotation curve and corotation ---------------------------------------------------------------


@pytest.mark.parametrize("form", ["arctan", "tanh", "exponential"])
def test_rotation_curves_of_each_form_are_recovered(form):
    kind = ak.bars.forms.as_form(form)
    toy = ToyGalaxy(rotation=kind(230, 2.5), bar_strength=0.0)
    curve = fit_rotation_curve(simulate_galaxy(toy=toy, instrument=CLEAN), form=form)
    assert curve.form.flat_velocity == pytest.approx(230, rel=3e-3)
    assert curve.form.turnover == pytest.approx(2.5, rel=0.04)  # rings are 0.75 arcsec wide
    assert curve.sense == 1


def test_the_bar_barely_moves_the_corotation_radius():
    """The rotation of rings is biased towards the pattern's, which leaves the crossing alone."""
    for streaming in (0.0, 0.1):
        toy = ToyGalaxy(streaming=streaming)
        curve = fit_rotation_curve(simulate_galaxy(toy=toy, instrument=CLEAN))
        assert curve.corotation_radius(20) == pytest.approx(toy.corotation_radius, rel=0.05)


def test_a_known_systemic_velocity_is_used():
    clean = simulate_galaxy(toy=ToyGalaxy(bar_strength=0), instrument=CLEAN)
    free = fit_rotation_curve(clean)
    assert free.systemic_velocity == pytest.approx(0, abs=1e-6)
    held = fit_rotation_curve(clean.with_geometry(systemic_velocity=15.0))
    assert held.systemic_velocity == 15.0
    half = clean.without(clean.geometry.to_line_of_nodes(clean.x, clean.y)[0] < 0)
    one_sided = fit_rotation_curve(half.with_geometry(systemic_velocity=0.0))
    assert one_sided.form.flat_velocity == pytest.approx(200, rel=0.01)


def test_corotation_exists_up_to_the_central_slope():
    curve = Arctan(200, 2)
    limit = 2 * 200 / (np.pi * 2)
    assert curve.fastest == pytest.approx(limit)
    assert 0 < corotation_radius(0.99 * limit, curve) < 1
    with pytest.raises(InputError, match=r"no corotation radius"):
        corotation_radius(1.01 * limit, curve)
    with pytest.raises(InputError, match="against"):
        corotation_radius(-5.0, curve)
    assert Tanh(200, 2).fastest == 100


def test_rotation_forms_refuse_nonsense():
    with pytest.raises(InputError):
        Arctan(-3, 2)
    with pytest.raises(InputError):
        Arctan(200, 0)
    with pytest.raises(InputError, match="arctan, tanh"):
        ak.bars.forms.as_form("flat")
    with pytest.raises(UnitError):
        Arctan(200 * u.kpc, 2)


def test_deprojection():
    """A circle in the disc: 60 deg halves the minor axis."""
    angle = np.radians(np.linspace(0, 90, 7))
    x, y = 4 * np.cos(angle), 4 * np.sin(angle) * 0.5
    got = deprojected_radius(np.hypot(x, y), np.degrees(np.arctan2(y, x)), 60.0)
    np.testing.assert_allclose(got, 4.0)


def test_draws_without_corotation_are_counted_not_dropped():
    toy = ToyGalaxy(pattern_speed=40, rotation=Arctan(200, 2))
    g = simulate_galaxy(toy=toy, instrument=Instrument(psf_fwhm=0.0), seed=4)
    with pytest.warns(CoverageWarning) as caught:
        r = pattern_speed(g, n_draws=300, seed=1)
    assert any("no corotation radius" in str(w.message) for w in caught)
    lost = r.class_probabilities["no corotation"]
    assert lost == np.mean(np.isnan(r.draws.ratio)) > 0.05
    assert "of the draws have none" in r.ratio.method
    assert any(flag.name == "corotation" for flag in r.flags)


def test_a_galaxy_without_any_corotation_says_so():
    toy = ToyGalaxy(pattern_speed=120, rotation=Arctan(200, 2))
    with quiet():
        r = pattern_speed(simulate_galaxy(toy=toy, seed=4), n_draws=100, seed=1)
    assert r.class_probabilities["no corotation"] == 1
    assert np.isnan(r.ratio.value)
    assert r.ratio.method == "no draw has one"


def test_classes():
    ratio = [0.5, 1.0, 1.39, 1.4, 3.0, np.nan]
    shares = classify(ratio)
    assert shares["ultrafast"] == pytest.approx(1 / 6)
    assert shares["fast"] == pytest.approx(2 / 6)
    assert shares["slow"] == pytest.approx(2 / 6)
    assert shares["no corotation"] == pytest.approx(1 / 6)


def test_noise_is_not_folded_to_positive_speeds():
    """A bar too weak to measure has a pattern speed of either sign."""
    toy = ToyGalaxy(bar_strength=0.02, bar_angle=12)
    noisy = Instrument(signal_to_noise=15.0, velocity_error=15.0)
    with quiet():
        r = pattern_speed(simulate_galaxy(toy=toy, instrument=noisy, seed=2), n_draws=500, seed=1)
    assert 0.02 < np.mean(r.draws.pattern_speed < 0) < 0.98


# -- scale ---------------------------------------------------------------------------------------


def test_kiloparsecs(galaxy, result):
    with pytest.raises(InputError, match="no distance"):
        result.pattern_speed_kpc  # noqa: B018
    with quiet():
        near = pattern_speed(galaxy, n_draws=100, seed=1, distance=206.265 * u.Mpc)
        same = pattern_speed(galaxy, n_draws=100, seed=1, distance=206.265)
    assert near.kpc_per_arcsec == pytest.approx(1.0, rel=1e-5)
    ratio = near.pattern_speed.value / near.pattern_speed_kpc.value
    assert ratio == pytest.approx(1.0, rel=1e-5)
    assert near.corotation_radius_kpc.unit == u.kpc
    assert same.kpc_per_arcsec == near.kpc_per_arcsec
    assert "kpc" in str(near)


def test_redshift_and_cosmology(galaxy):
    flat = FlatLambdaCDM(70, 0.3)
    with quiet():
        r = pattern_speed(galaxy, n_draws=20, seed=1, redshift=0.03, cosmology=flat)
        planck = pattern_speed(galaxy, n_draws=20, seed=1, redshift=0.03)
    expected = flat.angular_diameter_distance(0.03).to_value(u.kpc) * np.pi / 648000
    assert r.kpc_per_arcsec == pytest.approx(expected)
    assert planck.kpc_per_arcsec == pytest.approx(r.kpc_per_arcsec * 70 / 67.66, rel=1e-3)
    with pytest.raises(InputError, match="twice"):
        pattern_speed(galaxy, distance=10, redshift=0.01)


def test_corotation_beyond_the_rotation_curve_is_flagged():
    small = Instrument(shape=(44, 44), hexagon=None)
    with quiet():
        slow = pattern_speed(
            simulate_galaxy(pattern_speed=8, instrument=small, seed=1), n_draws=50, seed=1
        )
    assert slow.corotation_radius.value > slow.rotation_curve.radius.max()
    assert "extrapolated" in {flag.name for flag in slow.flags}


# -- budget --------------------------------------------------------------------------------------


def test_the_position_angle_dominates(result):
    budget = result.budget
    assert budget.largest == "position_angle"
    assert set(budget.name) == {*result.tw.geometry.estimates, "pixel_noise"}
    table = budget.to_table()
    assert len(table) == len(budget.name)
    assert "position_angle" in repr(budget)
    quadrature = np.sqrt(np.nansum(budget.pattern_speed_share**2))
    spread = result.pattern_speed.error / result.pattern_speed.value
    assert quadrature == pytest.approx(spread, rel=0.15)


def test_derivatives_of_the_budget_are_those_of_whole_measurements(galaxy):
    tw = TremaineWeinberg(galaxy)
    budget = ak.bars.sensitivity_budget(tw)
    at = dict(zip(budget.name, budget.pattern_speed, strict=True))
    i = np.radians(galaxy.geometry.inclination.value)
    assert at["inclination"] == pytest.approx(-np.radians(1) / np.tan(i), rel=1e-3)
    assert at["bar_radius"] == at["bar_position_angle"] == 0
    step, pa = 0.3, galaxy.geometry.position_angle.value
    layout = SlitLayout(n_slits=len(tw.slits))
    logs = [
        np.log(
            TremaineWeinberg(
                galaxy.with_geometry(position_angle=pa + s * step), layout=layout
            ).pattern_speed.value
        )
        for s in (1, -1)
    ]
    assert at["position_angle"] == pytest.approx((logs[0] - logs[1]) / (2 * step), rel=0.1)


def test_position_angle_matters_most_near_the_axes():
    """About 5 % per degree at 45 deg, 10 to 17 % at 15 and 75 deg."""
    slopes = {}
    for angle in (15, 45, 75):
        clean = simulate_galaxy(bar_angle=angle, instrument=CLEAN)
        budget = ak.bars.sensitivity_budget(TremaineWeinberg(clean))
        slopes[angle] = abs(budget.pattern_speed[budget.name.index("position_angle")])
    assert 0.03 < slopes[45] < 0.08
    assert slopes[15] > 1.5 * slopes[45]
    assert slopes[75] > 1.5 * slopes[45]


def test_impossible_calls_are_refused(galaxy):
    with pytest.raises(InputError, match="too few draws"):
        pattern_speed(galaxy, n_draws=5)
    with pytest.raises(InputError, match="whole number"):
        pattern_speed(galaxy, n_draws=100.5)
    with pytest.raises(InputError, match="rotation curve is not known"):
        pattern_speed(galaxy, rotation="keplerian")
    with pytest.raises(TypeError):
        pattern_speed(galaxy, draws=100)
    with pytest.raises(InputError, match="WMAP9"):
        pattern_speed(galaxy, redshift=0.1, cosmology="WMAP9")
    with pytest.raises(InputError, match="negative"):
        classify([-1.0, 1.2])
    with pytest.raises(InputError, match="a rotation curve is needed"):
        corotation_radius(10, "arctan")
    with pytest.raises(InputError, match="no disc has this inclination"):
        deprojected_radius(5, 30, 90)
    with pytest.raises(InputError, match="from_velocity"):
        fit_rotation_curve(galaxy.velocity)
