"""Slits and the pattern speed at one geometry, on galaxies whose answer is known."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

import astrokit as ak
from astrokit.bars import (
    GalaxyMaps,
    Geometry,
    Instrument,
    PixelGrid,
    SlitLayout,
    ToyGalaxy,
    TremaineWeinberg,
    simulate_galaxy,
)
from astrokit.bars.kernels import slit_weights
from astrokit.errors import InputError, ShapeError

EXACT = Instrument.exact(half_width=28)


@pytest.fixture(scope="module")
def galaxy():
    return simulate_galaxy(inclination=50, bar_angle=40, instrument=EXACT)


def exact_galaxy(toy: ToyGalaxy, **instrument) -> GalaxyMaps:
    return simulate_galaxy(toy=toy, instrument=Instrument(**{**vars(EXACT), **instrument}))


def scaled(maps: GalaxyMaps, **changes) -> GalaxyMaps:
    columns = {"flux": maps.flux, "velocity": maps.velocity, "geometry": maps.geometry}
    images = {k: maps.image(v) for k, v in (columns | changes).items() if k != "geometry"}
    geometry = changes.get("geometry", maps.geometry)
    return GalaxyMaps(**images, pixel_scale=maps.pixel_scale, geometry=geometry)


# -- the pattern speed is recovered --------------------------------------------------------------


@pytest.mark.parametrize("inclination", [20, 35, 50, 70])
@pytest.mark.parametrize("bar_angle", [10, 30, 45, -60, 80])
def test_exact_toys_to_one_in_a_thousand(inclination, bar_angle):
    """Slits of 3 bar radii on pixels of 0.5 arcsec."""
    instrument = Instrument.exact(half_width=25)
    galaxy = simulate_galaxy(
        inclination=inclination, bar_angle=bar_angle, position_angle=33, instrument=instrument
    )
    tw = TremaineWeinberg(galaxy, layout=SlitLayout(half_length=3 * galaxy.truth.bar_radius))
    assert tw.pattern_speed.value == pytest.approx(20, rel=1e-3)
    assert tw.line.nrmse < 1e-3


@pytest.mark.parametrize("position_angle", [0, 30, 45, 90, 137])
def test_streaming_needs_longer_slits_and_then_nothing(position_angle):
    toy = ToyGalaxy(streaming=0.1)
    galaxy = simulate_galaxy(toy=toy, position_angle=position_angle, instrument=EXACT)
    assert TremaineWeinberg(galaxy).pattern_speed.value == pytest.approx(20, rel=1e-3)


@pytest.mark.parametrize("half", [5.0, 7.0, 12.0])
def test_truncated_slits_agree_with_the_closed_form(half):
    toy = ToyGalaxy(streaming=0.15)
    galaxy = exact_galaxy(toy, pixel_scale=0.25, shape=(200, 200))
    layout = SlitLayout(n_slits=9, width=0.5, half_length=half)
    slits = TremaineWeinberg(galaxy, layout=layout).slits
    x = np.linspace(-half, half, 2001)
    for y, position, velocity in zip(slits.offset, slits.position, slits.velocity, strict=True):
        # A slit has a width: its integrals are the means of those of thin ones.
        thin = y + 0.5 * (np.arange(9) - 4) / 9
        flux, moment, excess = 0.0, 0.0, 0.0
        for t in thin:
            s = toy.evaluate(x, np.full_like(x, t))[0]
            flux += np.trapezoid(s, x)
            moment += np.trapezoid(s * x, x)
            excess += toy.slit_excess(t, -half, half)
        assert position == pytest.approx(moment / flux, abs=4e-3)
        expected = toy._sin * 20 * moment / flux + excess / flux
        assert velocity == pytest.approx(expected, abs=4e-3 * 20)


def test_short_slits_miss_and_the_curve_shows_it():
    galaxy = simulate_galaxy(toy=ToyGalaxy(streaming=0.1), instrument=EXACT)
    tw = TremaineWeinberg(galaxy)
    bar = galaxy.truth.bar_radius
    curve = tw.convergence([0.7 * bar, 1.5 * bar, 4 * bar])
    off = np.abs(curve.pattern_speed / 20 - 1)
    assert off[0] > 0.05
    assert off[2] < 2e-3
    assert tw.convergence().is_converged
    short = tw.convergence(np.linspace(0.3 * bar, 0.8 * bar, 8))
    assert not short.is_converged
    assert "NOT converged" in repr(short)


def test_asymmetric_slits_would_be_wrong_and_are_not_made():
    """In a square field turned slits meet one end sooner; both ends are cut there."""
    field = Instrument(shape=(60, 60), hexagon=None, psf_fwhm=0, signal_to_noise=np.inf)
    galaxy = simulate_galaxy(instrument=field, position_angle=30)
    tw = TremaineWeinberg(galaxy)
    assert tw.pattern_speed.value == pytest.approx(20, rel=5e-3)
    whole = np.empty_like(tw.aperture.weights)
    a = tw.aperture
    slit_weights(a.x, a.y, -np.radians(30), a.low, a.width, np.full(a.low.size, np.inf), whole)
    w = whole * galaxy.flux
    position, velocity = (w @ v / w.sum(axis=1) for v in (0.5 * a.x, galaxy.velocity))
    slope = np.polyfit(position, velocity, 1)[0] / tw.sine
    assert abs(slope / 20 - 1) > 0.02


def test_seeing_does_not_matter_where_velocities_are_weighted_by_flux():
    galaxy = exact_galaxy(ToyGalaxy(), psf_fwhm=2.5)
    assert TremaineWeinberg(galaxy).pattern_speed.value == pytest.approx(20, rel=1e-3)


def test_seeing_and_binning_together():
    noisy = Instrument(
        hexagon=None,
        shape=(120, 120),
        signal_to_noise=1e5,
        velocity_error=1e-3,
        bin_signal_to_noise=1e5,
    )
    galaxy = simulate_galaxy(instrument=noisy, errors=ak.bars.GeometryErrors(scatter=False), seed=1)
    assert galaxy.n_bins < len(galaxy)
    assert TremaineWeinberg(galaxy).pattern_speed.value == pytest.approx(20, rel=0.01)


# -- public analytic maps ------------------------------------------------------------------------


def maciejewski(path, position_angle, inclination, bar_angle, bar_radius):
    """Return an analytic model: columns X Y flux velocity, line of nodes counted from +X.

    X grows to the right, which is the west here; a direction at angle a from +X has the position
    angle a - 90 deg.
    """
    with gzip.open(path) as stream:
        x, y, flux, velocity = np.loadtxt(stream).T
    known = velocity < 1e4
    geometry = Geometry(
        position_angle - 90,
        inclination,
        bar_position_angle=position_angle + bar_angle - 90,
        bar_radius=bar_radius,
    )
    return GalaxyMaps(flux[known], velocity[known], x=x[known], y=y[known], geometry=geometry)


@pytest.mark.parametrize(
    ("name", "inclination", "bar_angle", "sign"),
    [("an22_45a45b", 45, 35.26, 1), ("an22_55a40b", 40, 47.57, 1), ("an2_30a10b", 10, 29.62, -1)],
)
def test_public_analytic_maps(real_data, name, inclination, bar_angle, sign):
    path = real_data(f"maciejewski_{name}.dat.gz")
    maps = maciejewski(path, 0.0, inclination, bar_angle, 300.0)
    tw = TremaineWeinberg(maps, layout=SlitLayout(n_slits=25))
    slope = tw.line.slope / tw.sine
    assert slope == pytest.approx(0.5 * sign, rel=5e-3)


def test_public_map_with_a_turned_line_of_nodes(real_data):
    maps = maciejewski(real_data("maciejewski_example0.dat.gz"), 30.0, 30.0, 26.565, 300.0)
    layout = SlitLayout(n_slits=31, half_length=400.0)
    tw = TremaineWeinberg(maps, layout=layout)
    got = np.abs(tw.convergence([200.0, 300.0, 400.0]).pattern_speed)
    assert got[0] < 0.3  # how much is lost depends on which slits are taken
    assert got[1] == pytest.approx(0.467, abs=0.01)
    assert got[2] == pytest.approx(0.5002, abs=5e-4)


# -- invariances ---------------------------------------------------------------------------------


def test_systemic_velocity_moves_the_intercept_alone(galaxy):
    moved = TremaineWeinberg(scaled(galaxy, velocity=galaxy.velocity + 1234.5))
    still = TremaineWeinberg(scaled(galaxy))
    assert moved.line.slope == pytest.approx(still.line.slope, rel=1e-10)
    assert moved.line.intercept - still.line.intercept == pytest.approx(1234.5, rel=1e-10)
    assert moved.rotation_curve.systemic_velocity == pytest.approx(1234.5, abs=0.1)


def test_scale_of_the_flux_does_not_matter(galaxy):
    a, b = (TremaineWeinberg(scaled(galaxy, flux=k * galaxy.flux)).line for k in (1.0, 1e-17))
    assert a.slope == pytest.approx(b.slope, rel=1e-12)


def test_dimming_across_the_slits_does_not_matter():
    """Of each slit all light is dimmed alike, when rows of pixels are slits."""
    galaxy = simulate_galaxy(position_angle=90, instrument=EXACT)
    _, across = galaxy.geometry.to_line_of_nodes(galaxy.x, galaxy.y)
    dimmed = scaled(galaxy, flux=galaxy.flux * (1.2 + np.sin(across)))
    layout = SlitLayout(n_slits=12)
    a, b = (TremaineWeinberg(m, layout=layout) for m in (galaxy, dimmed))
    np.testing.assert_allclose(a.slits.position, b.slits.position, rtol=1e-9, atol=1e-11)
    assert a.line.slope == pytest.approx(b.line.slope, rel=1e-9)


def test_pattern_speed_goes_with_one_over_sin_i(galaxy):
    steep = TremaineWeinberg(galaxy.with_geometry(inclination=65.0))
    ratio = steep.pattern_speed.value / TremaineWeinberg(galaxy).pattern_speed.value
    expected = np.sin(np.radians(50)) / np.sin(np.radians(65))
    assert ratio == pytest.approx(expected, rel=1e-9)


def test_the_other_end_of_the_nodes_gives_the_same(galaxy):
    turned = TremaineWeinberg(galaxy.with_geometry(position_angle=210.0))
    same = TremaineWeinberg(galaxy)
    assert turned.sense == -same.sense == -1
    assert turned.pattern_speed.value == pytest.approx(same.pattern_speed.value, rel=1e-9)
    assert turned.rotation_curve.form.flat_velocity == pytest.approx(
        same.rotation_curve.form.flat_velocity
    )


def test_a_mirrored_sky_mirrors_the_effect_of_a_wrong_position_angle():
    changes = []
    for bar_angle in (40, -40):
        galaxy = simulate_galaxy(bar_angle=bar_angle, instrument=EXACT)
        for error in (-2, 2):
            wrong = galaxy.with_geometry(position_angle=30.0 + error)
            changes.append(TremaineWeinberg(wrong).pattern_speed.value / 20 - 1)
    np.testing.assert_allclose(changes[:2], changes[:1:-1], rtol=0.02)
    assert changes[0] * changes[1] < 0
    assert 0.03 < abs(changes[1]) / 2 < 0.08  # about 5 % per degree at this angle


def test_turning_galaxy_and_pixels_together_changes_nothing(galaxy):
    grid = PixelGrid(galaxy.pixel_scale, angle=25.0)
    g = galaxy.geometry
    turned = GalaxyMaps(
        galaxy.image("flux"),
        galaxy.image("velocity"),
        grid=grid,
        geometry=Geometry(55, 50, bar_position_angle=95, bar_radius=g.bar_radius),
    )
    a, b = TremaineWeinberg(galaxy).slits, TremaineWeinberg(turned).slits
    np.testing.assert_allclose(a.position, b.position, atol=1e-9)
    np.testing.assert_allclose(a.velocity, b.velocity, atol=1e-7)


def test_points_on_a_lattice_are_pixels(galaxy):
    points = GalaxyMaps(
        galaxy.flux, galaxy.velocity, x=galaxy.x, y=galaxy.y, geometry=galaxy.geometry
    )
    a, b = TremaineWeinberg(galaxy).slits, TremaineWeinberg(points).slits
    np.testing.assert_allclose(a.velocity, b.velocity, atol=1e-8)


def test_scattered_bins_with_their_areas(galaxy):
    """Bins of 2 x 2 pixels given as points with an area."""
    shape = galaxy.shape[0] // 2
    rows, columns = np.divmod(galaxy.pixel, galaxy.shape[1])
    bins = rows // 2 * shape + columns // 2
    total = np.bincount(bins, galaxy.flux)
    points = GalaxyMaps(
        total,
        np.bincount(bins, galaxy.flux * galaxy.velocity) / total,
        x=np.bincount(bins, galaxy.x) / 4,
        y=np.bincount(bins, galaxy.y) / 4,
        area=np.full(total.size, 4 * galaxy.pixel_scale**2),
        geometry=galaxy.geometry,
    )
    assert TremaineWeinberg(points).pattern_speed.value == pytest.approx(20, rel=2e-3)


# -- errors --------------------------------------------------------------------------------------


def test_errors_of_the_slits_are_those_of_many_noisy_maps():
    """Standard deviations of N maps are known to 1/sqrt(2 N)."""
    noise = Instrument(signal_to_noise=25.0, velocity_error=8.0)
    clean = simulate_galaxy(instrument=Instrument(signal_to_noise=np.inf))
    design = simulate_galaxy(instrument=noise, errors=ak.bars.GeometryErrors(scatter=False), seed=1)
    columns = {"flux": clean.image("flux"), "velocity": clean.image("velocity")}
    fixed = {"pixel_scale": 0.5, "geometry": design.geometry}
    errors = {k: design.image(k) for k in ("flux_error", "velocity_error")}
    base = TremaineWeinberg(GalaxyMaps(**columns, **errors, **fixed))
    rng = np.random.default_rng(8)
    found, n = [], 400
    for _ in range(n):
        flux = base.pixels.flux + np.sqrt(base.pixels.flux_variance) * rng.standard_normal(
            len(clean)
        )
        velocity = base.pixels.velocity + np.sqrt(
            base.pixels.velocity_variance
        ) * rng.standard_normal(len(clean))
        w = base.aperture.weights * flux
        mean = [w @ base.aperture.x * 0.5, w @ velocity]
        found.append(np.concatenate(mean / w.sum(axis=1)).ravel())
    measured = np.cov(np.array(found).T)
    given = base.slits.covariance
    scale = np.sqrt(np.outer(np.diag(given), np.diag(given)))
    # Each of ~ 900 elements scatters by sqrt((1 + rho^2)/N).
    assert np.abs((measured - given) / scale).max() < 5 * np.sqrt(2 / n)
    ratio = np.diag(measured) / np.diag(given)
    assert abs(ratio.mean() - 1) < 0.05


def test_pixels_of_one_bin_share_their_noise():
    plain = simulate_galaxy(seed=1)
    binned = simulate_galaxy(seed=1, instrument=Instrument(bin_signal_to_noise=200.0))
    columns = {k: binned.image(k) for k in ("flux", "velocity", "flux_error", "velocity_error")}
    apart = GalaxyMaps(**columns, pixel_scale=0.5, geometry=binned.geometry)
    joined, split = (TremaineWeinberg(m).slits.velocity_error.mean() for m in (binned, apart))
    # A bin is wider than a slit: its velocity holds light from beyond, and its noise is common.
    assert 1.2 * split < joined < TremaineWeinberg(plain).slits.velocity_error.mean()


def test_the_error_of_the_slope_covers_pixel_noise():
    pulls = []
    for seed in range(40):
        noisy = simulate_galaxy(seed=seed, errors=ak.bars.GeometryErrors(scatter=False))
        pulls.append(TremaineWeinberg(noisy).pattern_speed.sigma_from(20.0))
    # The seeing and the outline leave a small bias that the noise must dominate here.
    assert abs(np.std(pulls) - 1) < 4 / np.sqrt(80)
    assert abs(np.mean(pulls)) < 1.5


def test_without_errors_the_scatter_of_the_slits_counts(galaxy):
    tw = TremaineWeinberg(galaxy)
    assert not tw.slits.has_errors
    assert "scatter" in tw.pattern_speed.method
    assert np.isnan(tw.line.chi2)


# -- checks --------------------------------------------------------------------------------------


def test_leaving_out_slits(galaxy):
    left = TremaineWeinberg(galaxy).leave_one_out()
    np.testing.assert_allclose(left, 20, rtol=2e-3)


def test_null_test_sees_nothing_in_a_whole_field_and_much_in_a_cut_one(galaxy):
    assert abs(TremaineWeinberg(galaxy).null_test().shift) < 1e-3
    x, y = galaxy.geometry.to_line_of_nodes(galaxy.x, galaxy.y)
    ragged = galaxy.without((x > 2) & (x < 6) & (y > 0.8))
    assert abs(TremaineWeinberg(ragged).null_test().shift) < 0.02  # holes are filled
    open_hole = galaxy.without((np.abs(x - 4) < 2) & (y > 0.8) & (y < 45))
    tw = TremaineWeinberg(open_hole)
    assert abs(tw.null_test().shift) < 0.05 or any(f.name == "null_test" for f in tw.flags)


def test_filled_holes_cost_little():
    holes = Instrument(stars=6, signal_to_noise=np.inf)
    pierced = simulate_galaxy(instrument=holes, seed=3)
    whole = simulate_galaxy(instrument=Instrument(signal_to_noise=np.inf))
    a, b = (TremaineWeinberg(g) for g in (pierced, whole))
    assert a.pixels.n_filled > 100
    assert a.pattern_speed.value == pytest.approx(b.pattern_speed.value, rel=0.01)


def test_mass_instead_of_light():
    """Young stars on one side of the bar spoil the light; the mass still knows."""
    galaxy = simulate_galaxy(instrument=EXACT)
    x, y = galaxy.geometry.to_line_of_nodes(galaxy.x, galaxy.y)
    spots = 1 + 3 * np.exp(-((x - 5) ** 2 + (y - 2) ** 2))
    light = scaled(galaxy, flux=galaxy.flux * spots)
    assert abs(TremaineWeinberg(light).pattern_speed.value / 20 - 1) > 0.02
    mass = TremaineWeinberg(light, weights=galaxy.flux)
    assert mass.pattern_speed.value == pytest.approx(20, rel=1e-3)
    with pytest.raises(ShapeError, match="one number per usable point"):
        TremaineWeinberg(light, weights=galaxy.flux[:-1])


def flags(maps: GalaxyMaps) -> dict[str, str]:
    return {flag.name: flag.text for flag in TremaineWeinberg(maps).flags}


def test_a_good_galaxy_has_no_flags(galaxy):
    assert flags(galaxy) == {}


@pytest.mark.parametrize(
    ("toy", "name"),
    [
        (ToyGalaxy(inclination=15), "inclination"),
        (ToyGalaxy(inclination=75), "inclination"),
        (ToyGalaxy(bar_angle=6), "bar_angle"),
        (ToyGalaxy(bar_angle=-85), "bar_angle"),
    ],
)
def test_poor_geometries_are_flagged(toy, name):
    assert name in flags(simulate_galaxy(toy=toy, instrument=EXACT))


def test_a_small_field_is_flagged():
    small = Instrument(shape=(20, 20), hexagon=None, signal_to_noise=np.inf)
    assert "short_slits" in flags(simulate_galaxy(instrument=small))


def test_a_field_with_one_half_is_flagged(galaxy):
    assert "short_slits" in flags(galaxy.without(galaxy.x > 1))


def test_a_wrong_centre_is_flagged(galaxy):
    assert "center" in flags(galaxy.with_geometry(center=(2.0, 0.0)))
    assert "center" not in flags(galaxy.with_geometry(center=(0.2, 0.0)))


def test_an_empty_centre_cannot_be_filled(galaxy):
    hollow = galaxy.without(np.hypot(galaxy.x, galaxy.y) < 2)
    with pytest.raises(InputError, match="no light"):
        TremaineWeinberg(hollow)


def test_velocities_that_do_not_vary_are_refused(galaxy):
    with pytest.raises(InputError, match="all velocities are equal"):
        TremaineWeinberg(scaled(galaxy, velocity=np.full(len(galaxy), 3.0)))


@pytest.mark.parametrize("position_angle", [20.0, 65.0, 110.0, 160.0])
def test_mixed_up_conventions_are_caught(position_angle):
    galaxy = simulate_galaxy(position_angle=position_angle, instrument=EXACT)
    west = flags(galaxy.with_geometry(position_angle=-position_angle))
    assert "north to WEST" in west["position_angle"]
    image_axes = flags(galaxy.with_geometry(position_angle=position_angle + 90))
    assert "line of nodes" in image_axes["position_angle"]
    assert "position_angle" not in flags(galaxy)


def test_a_mirrored_bar_is_caught_where_the_nodes_cannot_tell():
    """With the nodes along north-south a mirrored image changes the angle of the bar alone."""
    galaxy = simulate_galaxy(position_angle=0, instrument=EXACT)
    mirrored = flags(galaxy.with_geometry(bar_position_angle=-45.0))
    assert "north to WEST" in mirrored["bar_position_angle"]


def test_a_pattern_against_the_disc_keeps_its_sign():
    galaxy = simulate_galaxy(pattern_speed=-10, instrument=EXACT)
    tw = TremaineWeinberg(galaxy)
    assert tw.pattern_speed.value == pytest.approx(-10, rel=1e-2)
    assert any(flag.name == "sign" for flag in tw.flags)


def test_velocities_in_other_units_are_flagged(galaxy):
    for factor in (1000.0, 1 / 299792.458):
        other = scaled(galaxy, velocity=galaxy.velocity * factor)
        assert "km/s?" in flags(other)["velocity_unit"]
    assert "radians" in flags(galaxy.with_geometry(inclination=0.87))["inclination"]


def test_the_order_of_lengths_does_not_matter(galaxy):
    tw = TremaineWeinberg(galaxy)
    up, down = tw.convergence([5.0, 10.0, 15.0]), tw.convergence([15.0, 10.0, 5.0])
    assert np.array_equal(up.pattern_speed, down.pattern_speed)
    assert repr(up) == repr(down)
    with pytest.raises(InputError, match="one length"):
        tw.convergence([5.0])


# -- what is refused -----------------------------------------------------------------------------


def test_bars_along_or_across_the_nodes_are_refused(galaxy):
    for angle, word in ((30.5, "along"), (119.0, "across")):
        with pytest.raises(InputError, match=word):
            TremaineWeinberg(galaxy.with_geometry(bar_position_angle=angle))


def test_one_slit_or_none(galaxy):
    with pytest.raises(InputError, match="one slit has no slope"):
        TremaineWeinberg(galaxy, layout=SlitLayout(n_slits=1))
    for number in (0, 2.5, np.nan, True):
        with pytest.raises(InputError, match="needs slits"):
            SlitLayout(n_slits=number)
    with pytest.raises(InputError, match="must be a SlitLayout"):
        TremaineWeinberg(galaxy, layout={"n_slits": 5})
    two = TremaineWeinberg(galaxy, layout=SlitLayout(n_slits=2, spacing=3))
    assert {flag.name for flag in two.flags} >= {"few_slits"}


def test_slits_that_miss_the_field(galaxy):
    far = galaxy.with_geometry(center=(200.0, 0.0))
    with pytest.raises(InputError, match="outside of the field"):
        TremaineWeinberg(far)
    degrees = GalaxyMaps(
        galaxy.flux,
        galaxy.velocity,
        x=150 + galaxy.x / 3600,
        y=2 + galaxy.y / 3600,
        geometry=galaxy.geometry,
    )
    with pytest.raises(InputError, match="neither pixels nor degrees"):
        TremaineWeinberg(degrees)


def test_a_bar_far_longer_than_the_field_ends_with_it(galaxy):
    tw = TremaineWeinberg(galaxy.with_geometry(bar_radius=1e5))
    assert tw.slits.offset.max() < np.hypot(galaxy.x, galaxy.y).max()
    assert any(flag.name == "short_slits" for flag in tw.flags)


def test_bad_velocities_without_a_mask_are_flagged(galaxy):
    velocity = galaxy.velocity.copy()
    velocity[::500] = -32768
    assert "-3.277e+04" in flags(scaled(galaxy, velocity=velocity))["outliers"]


def test_overlapping_slits_are_refused():
    with pytest.raises(InputError, match="overlap"):
        SlitLayout(width=1.0, spacing=0.5)


def test_weights_of_another_shape_or_sign_are_refused(galaxy):
    with pytest.raises(ShapeError, match=r"image\.ravel\(\)\[maps\.pixel\]"):
        TremaineWeinberg(galaxy, weights=np.ones((3, 3)))
    with pytest.raises(InputError, match="positive sum"):
        TremaineWeinberg(galaxy, weights=-np.ones(len(galaxy)))


def test_an_infinite_error_is_refused(galaxy):
    with pytest.raises(InputError, match="error of inclination is infinite"):
        galaxy.with_geometry(inclination=ak.Estimate(50, np.inf))


def test_velocity_without_flux_and_missing_geometry(galaxy):
    alone = GalaxyMaps.from_velocity(galaxy.image("velocity"), pixel_scale=0.5)
    with pytest.raises(InputError, match="without flux"):
        TremaineWeinberg(alone)
    bare = GalaxyMaps(galaxy.image("flux"), galaxy.image("velocity"), pixel_scale=0.5)
    with pytest.raises(InputError, match="no geometry"):
        TremaineWeinberg(bare)
    with pytest.raises(InputError, match="bar_radius"):
        TremaineWeinberg(bare.with_geometry(Geometry(30, 50, bar_position_angle=60)))
    with pytest.raises(InputError, match="GalaxyMaps"):
        TremaineWeinberg(galaxy.flux)


def test_tables_and_texts(galaxy):
    tw = TremaineWeinberg(galaxy)
    assert len(tw.slits.to_table()) == len(tw.slits)
    assert str(tw.slits.to_table()["position"].unit) == "arcsec"
    assert "pixel noise only" in repr(tw)
    assert len(repr(tw.slits).splitlines()) == len(tw.slits) + 1
    assert len(tw.convergence().to_table()) == 16
    assert "without a bar" in repr(tw.null_test())
