"""GalaxyMaps, Geometry and PixelGrid: directions, units, masks, and every refusal."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS

from astrokit import Estimate
from astrokit.bars import (
    GalaxyMaps,
    Geometry,
    PixelGrid,
    inclination_from_axis_ratio,
    sky_direction,
)
from astrokit.errors import (
    InputError,
    MaskError,
    NonFiniteError,
    ShapeError,
    UnitError,
)

FLUX = np.arange(1.0, 13.0).reshape(3, 4)
VELOCITY = np.linspace(-120.0, 120.0, 12).reshape(3, 4)


def header(angle=0.0, parity=-1, scale=0.5, **more):
    """Return a WCS whose rows grow towards position angle `angle`."""
    a = np.radians(angle)
    step = scale / 3600
    return WCS(
        {
            "CTYPE1": "RA---TAN",
            "CTYPE2": "DEC--TAN",
            "CRPIX1": 2.5,
            "CRPIX2": 2.0,
            "CRVAL1": 150.0,
            "CRVAL2": 40.0,
            "CD1_1": parity * step * np.cos(a),
            "CD2_1": -parity * step * np.sin(a),
            "CD1_2": step * np.sin(a),
            "CD2_2": step * np.cos(a),
            **more,
        }
    )


# -- directions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("angle", "x", "y"),
    [(0, 0, 1), (90, -1, 0), (180, 0, -1), (270, 1, 0), (45, -(0.5**0.5), None)],
)
def test_position_angles_go_from_north_through_east(angle, x, y):
    found = sky_direction(angle)
    assert found == pytest.approx((x, 0.5**0.5 if y is None else y), abs=1e-12)


@pytest.mark.parametrize("angle", [0.0, 30.0, 117.0, 250.0])
@pytest.mark.parametrize("parity", [-1, 1])
def test_pixels_of_a_wcs_lie_where_astropy_puts_them(angle, parity):
    wcs = header(angle, parity)
    maps = GalaxyMaps(FLUX, VELOCITY, grid=wcs)
    rows, columns = np.indices(FLUX.shape)
    sky = wcs.pixel_to_world(columns, rows)
    center = SkyCoord(150.0 * u.deg, 40.0 * u.deg)
    east, north = center.spherical_offsets_to(sky)
    np.testing.assert_allclose(maps.x, -east.to_value("arcsec").ravel(), atol=1e-5)
    np.testing.assert_allclose(maps.y, north.to_value("arcsec").ravel(), atol=1e-5)
    assert maps.grid.pixel_scale == pytest.approx(0.5)
    assert maps.grid.angle % 360 == pytest.approx(angle, abs=1e-6)
    assert maps.grid.mirrored == (parity == 1)


def test_the_pole_of_a_projection_and_galactic_axes_are_turned_to_north():
    turned = header(LONPOLE=150.0)
    galactic = header(CTYPE1="GLON-TAN", CTYPE2="GLAT-TAN")
    for wcs in (turned, galactic):
        maps = GalaxyMaps(FLUX, VELOCITY, grid=wcs)
        rows, columns = np.indices(FLUX.shape)
        sky = wcs.pixel_to_world(columns, rows).icrs
        center = wcs.pixel_to_world(1.5, 1.0).icrs
        east, north = center.spherical_offsets_to(sky)
        np.testing.assert_allclose(maps.x, -east.to_value("arcsec").ravel(), atol=1e-4)
        np.testing.assert_allclose(maps.y, north.to_value("arcsec").ravel(), atol=1e-4)


def test_the_origin_of_a_grid_can_be_a_pixel_or_a_place_on_the_sky():
    wcs = header()
    place = wcs.pixel_to_world(3.0, 2.0)
    for origin in ((3.0, 2.0), place):
        x, y = PixelGrid.from_wcs(wcs, origin=origin).positions(FLUX.shape)
        assert x[2, 3] == pytest.approx(0, abs=1e-6)
        assert y[2, 3] == pytest.approx(0, abs=1e-6)
    assert PixelGrid(0.5).positions((3, 4))[0].mean() == 0


def test_axes_beyond_the_sky_are_ignored_and_other_axes_refused():
    cube = WCS(naxis=3)
    cube.wcs.ctype = ["RA---TAN", "DEC--TAN", "WAVE"]
    cube.wcs.cdelt = [-0.5 / 3600, 0.5 / 3600, 1e-10]
    assert PixelGrid.from_wcs(cube).pixel_scale == pytest.approx(0.5)
    with pytest.raises(InputError, match="no celestial axes"):
        PixelGrid.from_wcs(WCS(naxis=2))
    with pytest.raises(InputError, match="not square"):
        PixelGrid.from_wcs(header(CD1_1=-3e-4))


def test_the_line_of_nodes_frame_is_a_rotation():
    geometry = Geometry(30, 50, center=(1.0, -2.0))
    x, y = np.array([1.0, 4.0, -3.0]), np.array([-2.0, 1.0, 7.0])
    along, across = geometry.to_line_of_nodes(x, y)
    np.testing.assert_allclose(along**2 + across**2, (x - 1) ** 2 + (y + 2) ** 2)
    ex, ey = sky_direction(30)
    tip = geometry.to_line_of_nodes(np.array([1 + 3 * ex]), np.array([-2 + 3 * ey]))
    assert np.ravel(tip) == pytest.approx([3, 0])
    ex, ey = sky_direction(120)
    tip = geometry.to_line_of_nodes(np.array([1 + 3 * ex]), np.array([-2 + 3 * ey]))
    assert np.ravel(tip) == pytest.approx([0, 3])


# -- geometry -----------------------------------------------------------------------------------


def test_numbers_of_a_geometry_may_come_in_any_form():
    g = Geometry(
        np.pi / 6 * u.rad,
        Estimate(50, 2, unit="deg"),
        bar_position_angle=(75, 1, 2),
        bar_radius=(0.1 * u.arcmin, 0.5),
        center=((0.1, 0.2), 3 * u.arcsec),
        systemic_velocity=1.2e6 * u.m / u.s,
    )
    assert g.position_angle.value == pytest.approx(30)
    assert g.bar_radius.value == pytest.approx(6)
    assert (g.bar_position_angle.lower, g.bar_position_angle.upper) == (1, 2)
    assert (g.center_x.error, g.center_y.value) == (0.2, 3)
    assert g.systemic_velocity.value == pytest.approx(1200)
    assert g.without_error == ("position_angle", "systemic_velocity", "center_y")
    assert g.errors["inclination"] == 2
    pair = Geometry((30, 1.5) * u.deg, np.array([50, 2]))
    assert (pair.errors["position_angle"], pair.errors["inclination"]) == (1.5, 2)
    assert "inclination = 50 +/- 2 deg" in repr(g)
    assert pickle.loads(pickle.dumps(g)) == g


def test_errors_of_another_level_are_brought_to_one_sigma():
    inclination = Estimate(50, 3.2897072539, unit="deg", level=0.90)  # 1.6449 sigma
    assert Geometry(30, inclination).errors["inclination"] == pytest.approx(2.0)
    assert Geometry(30, Estimate(50)).errors["inclination"] == 0


@pytest.mark.parametrize(
    ("disc", "bar", "between"),
    [(30, 75, 45), (5, 175, 10), (175, 5, 10), (0, 270, 90), (30, 210, 0)],
)
def test_the_angle_of_the_bar_is_that_of_two_lines(disc, bar, between):
    assert Geometry(disc, 50, bar_position_angle=bar).bar_angle == pytest.approx(between)
    assert Geometry(disc, 50).bar_angle is None


@pytest.mark.parametrize("inclination", [0, 90, -30, 120])
def test_inclinations_without_a_pattern_speed_are_refused(inclination):
    with pytest.raises(InputError, match="no pattern speed"):
        Geometry(30, inclination)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"bar_radius": 0}, "bar_radius must be > 0"),
        ({"bar_radius": (5, -1)}, "error is negative"),
        ({"center": 3.0}, "center must be a pair"),
        ({"center": (1, 2, 3)}, "center must be a pair"),
        ({"position_angle": None}, "needs a position angle"),
        ({"position_angle": (1, 2, 3, 4)}, "is not understood"),
        ({"bar_radius": Estimate(5, unit="arcsec", limit="upper")}, "only a limit"),
        ({"position_angle": float("nan")}, "position_angle must be a number"),
    ],
)
def test_a_bad_geometry_says_what_is_wrong(fields, message):
    with pytest.raises(InputError, match=message):
        Geometry(**{"position_angle": 30, "inclination": 50, **fields})


def test_wrong_units_are_refused():
    with pytest.raises(UnitError):
        Geometry(30 * u.km, 50)
    with pytest.raises(UnitError):
        GalaxyMaps(FLUX, VELOCITY * u.km, pixel_scale=0.5)
    with pytest.raises(UnitError):
        GalaxyMaps(FLUX * u.Jy, VELOCITY, flux_error=FLUX * u.s, pixel_scale=0.5)
    with pytest.raises(UnitError):
        GalaxyMaps(FLUX, VELOCITY, pixel_scale=0.5 * u.kpc)


@pytest.mark.parametrize(("inclination", "thickness"), [(30, 0.0), (50, 0.2), (69, 0.25)])
def test_the_axis_ratio_of_a_thick_disc_gives_its_inclination(inclination, thickness):
    """An oblate spheroid projects to q^2 = cos^2 i + q0^2 sin^2 i."""
    i = np.radians(inclination)
    ratio = np.sqrt(np.cos(i) ** 2 + (thickness * np.sin(i)) ** 2)
    found = inclination_from_axis_ratio((ratio, 0.01), thickness=thickness)
    assert found.value == pytest.approx(inclination)
    step = 1e-6
    there = [
        inclination_from_axis_ratio(ratio + s, thickness=thickness).value for s in (step, -step)
    ]
    assert found.error == pytest.approx(0.01 * (there[1] - there[0]) / (2 * step), rel=0.02)
    assert Geometry(30, found).inclination.value == pytest.approx(inclination)


@pytest.mark.parametrize(("ratio", "thickness"), [(1.0, 0), (1.2, 0), (0.2, 0.25), (-0.5, 0)])
def test_axis_ratios_of_no_disc_are_refused(ratio, thickness):
    with pytest.raises(InputError, match="no inclined disc"):
        inclination_from_axis_ratio(ratio, thickness=thickness)


# -- maps ---------------------------------------------------------------------------------------


def test_units_are_converted_once():
    maps = GalaxyMaps(
        FLUX * u.Jy,
        VELOCITY * 1000 * u.m / u.s,
        flux_error=0.1 * FLUX * 1000 * u.mJy,
        velocity_error=5 * u.km / u.s,
        pixel_scale=0.5 / 60 * u.arcmin,
        psf_fwhm=2.5 * u.arcsec,
    )
    np.testing.assert_allclose(maps.velocity, VELOCITY.ravel())
    np.testing.assert_allclose(maps.flux_error, 0.1 * FLUX.ravel())
    assert np.all(maps.velocity_error == 5)
    assert maps.flux_unit == u.Jy
    assert maps.psf_fwhm == 2.5
    assert maps.to_table()["flux_error"].unit == u.Jy


def test_arrays_are_native_flat_and_of_doubles_whatever_came_in():
    big = FLUX.astype(">f4")
    for flux, velocity in (
        (big, VELOCITY.astype(">f8")),
        (FLUX.tolist(), VELOCITY.tolist()),
        (np.asfortranarray(FLUX), VELOCITY[:, ::-1][:, ::-1]),
    ):
        maps = GalaxyMaps(flux, velocity, pixel_scale=1)
        for values in (maps.flux, maps.velocity, maps.x, maps.y):
            assert values.dtype == np.float64
            assert values.dtype.isnative
            assert values.flags.c_contiguous
            assert values.shape == (12,)
        np.testing.assert_array_equal(maps.flux, FLUX.ravel())
        np.testing.assert_array_equal(maps.velocity, VELOCITY.ravel())


def test_every_point_that_is_left_out_is_counted_once_by_reason():
    flux, velocity, error = FLUX.copy(), VELOCITY.copy(), np.ones_like(FLUX)
    flux[0, 0] = np.nan
    velocity[0, :2] = np.nan
    error[2, 2] = np.nan
    mask = np.zeros(FLUX.shape, dtype=bool)
    mask[1, 1] = True
    bins = np.arange(12).reshape(3, 4) // 2
    bins[2, 3] = -1
    maps = GalaxyMaps(flux, velocity, velocity_error=error, mask=mask, bins=bins, pixel_scale=1)
    assert maps.report == {
        "masked": 1,
        "flux is not a number": 1,
        "velocity is not a number": 1,
        "velocity_error is not a number": 1,
        "in no bin": 1,
    }
    assert len(maps) == 12 - sum(maps.report.values())
    assert maps.n_bins == 4  # the pairs 0 and 5 lost both pixels
    assert np.isnan(maps.image("flux")).sum() == 5
    np.testing.assert_array_equal(maps.image("flux").ravel()[maps.pixel], maps.flux)


def test_masked_arrays_and_infinite_values_under_a_mask_are_left_out():
    velocity = VELOCITY.copy()
    velocity[0, 0] = np.inf
    hidden = velocity == np.inf
    by_array = GalaxyMaps(FLUX, np.ma.array(velocity, mask=hidden), pixel_scale=1)
    by_mask = GalaxyMaps(FLUX, velocity, mask=hidden, pixel_scale=1)
    assert len(by_array) == len(by_mask) == 11
    with pytest.raises(NonFiniteError, match="velocity has 1 infinite"):
        GalaxyMaps(FLUX, velocity, pixel_scale=1)


def test_negative_fluxes_are_kept_because_dropping_them_would_bias():
    flux = FLUX.copy()
    flux[0, 0] = -0.5
    assert GalaxyMaps(flux, VELOCITY, pixel_scale=1).flux.min() == -0.5


def test_scattered_points_with_areas():
    x, y = np.array([0.0, 1, 2]), np.array([1.0, 1, 0])
    maps = GalaxyMaps([1.0, 2, 3], [0.0, 10, np.nan], x=x, y=y, area=[1, 2, 3] * u.arcsec**2)
    assert maps.grid is None
    assert maps.area.tolist() == [1, 2]
    assert "2 of 3 points" in repr(maps)
    np.testing.assert_array_equal(maps.image("x"), [0, 1, np.nan])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"flux": None}, InputError, "velocity without a flux"),
        ({"velocity": VELOCITY.T}, ShapeError, "unequal shapes"),
        ({"mask": np.ones(5, bool)}, ShapeError, "unequal shapes"),
        ({"velocity_error": np.ones(3)}, ShapeError, "unequal shapes"),
        ({"bins": np.ones(3, int)}, ShapeError, "unequal shapes"),
        ({"mask": np.ones(FLUX.shape, bool)}, MaskError, "no usable point"),
        ({"velocity": VELOCITY * np.nan}, MaskError, "no usable point"),
        ({"flux": -FLUX}, MaskError, "does not sum to a positive"),
        ({"flux_error": -1.0}, InputError, "flux_error is negative"),
        ({"mask": np.full(FLUX.shape, 1073741824)}, InputError, "bits of flags"),
        ({"pixel_scale": None}, InputError, "positions must be given once"),
        ({"pixel_scale": 0.0}, InputError, "pixel_scale must be > 0"),
        ({"x": FLUX}, InputError, "positions must be given once"),
        ({"grid": PixelGrid(1)}, InputError, "positions must be given once"),
        ({"pixel_scale": None, "grid": 3}, InputError, "grid is not understood"),
        ({"pixel_scale": None, "x": FLUX, "y": FLUX[0]}, ShapeError, "unequal shapes"),
        ({"geometry": (30, 50)}, InputError, "must be a Geometry"),
        ({"bins": np.full(FLUX.shape, 0.5)}, InputError, "whole numbers"),
    ],
)
def test_bad_maps_say_what_is_wrong(change, error, message):
    fields = {"flux": FLUX, "velocity": VELOCITY, "pixel_scale": 0.5, **change}
    with pytest.raises(error, match=message):
        GalaxyMaps(**fields)


def test_an_image_has_two_dimensions():
    with pytest.raises(ShapeError, match="two dimensions"):
        GalaxyMaps(FLUX.ravel(), VELOCITY.ravel(), pixel_scale=1)


def test_velocities_alone_are_refused_where_a_flux_is_needed():
    maps = GalaxyMaps.from_velocity(VELOCITY, pixel_scale=1)
    assert "no flux" in repr(maps)
    with pytest.raises(InputError, match="velocity without flux"):
        maps.require_flux()
    full = GalaxyMaps(FLUX, VELOCITY, pixel_scale=1)
    assert full.require_flux() is full


def test_geometry_can_be_added_and_changed():
    maps = GalaxyMaps(FLUX, VELOCITY, pixel_scale=1)
    with pytest.raises(InputError, match="have no geometry"):
        maps.require_geometry()
    with pytest.raises(InputError, match="have no geometry"):
        maps.with_geometry(inclination=40)
    with pytest.raises(InputError, match="must be a Geometry"):
        maps.with_geometry(30)
    maps = maps.with_geometry(Geometry(30, 50), bar_radius=(5, 1))
    assert maps.require_geometry("bar_radius").bar_radius.value == 5
    with pytest.raises(InputError, match="lacks bar_position_angle"):
        maps.require_geometry("bar_position_angle", "bar_radius")
    assert (
        GalaxyMaps.from_velocity(VELOCITY, pixel_scale=1).with_geometry(maps.geometry).has_flux
        is False
    )


def test_points_can_be_taken_away_and_are_counted():
    bins = np.arange(12).reshape(3, 4) // 3
    maps = GalaxyMaps(FLUX, VELOCITY, bins=bins, velocity_error=3.0, pixel_scale=1)
    fewer = maps.without(maps.bins == 1).without(np.arange(9) == 0)
    assert fewer.report == {"masked by the user": 4}
    assert (len(fewer), fewer.n_bins) == (8, 3)
    np.testing.assert_array_equal(fewer.image("velocity").ravel()[fewer.pixel], fewer.velocity)
    assert fewer.velocity_error.size == 8
    with pytest.raises(MaskError, match="all points"):
        maps.without(np.ones(12, bool))
    with pytest.raises(ShapeError):
        maps.without(np.ones(3, bool))


def test_maps_travel_between_processes():
    maps = GalaxyMaps(FLUX, VELOCITY, pixel_scale=1, geometry=Geometry((30, 2), 50))
    back = pickle.loads(pickle.dumps(maps))
    np.testing.assert_array_equal(back.velocity, maps.velocity)
    assert back.geometry == maps.geometry
    assert back.grid == maps.grid


def test_errors_of_zero_beside_others_are_refused():
    error = np.full((3, 3), 5.0)
    error[1, 1] = 0.0
    with pytest.raises(InputError, match=r"1 of 9 usable points.*mask=velocity_error == 0"):
        GalaxyMaps(np.ones((3, 3)), np.eye(3), velocity_error=error, pixel_scale=1)
    masked = GalaxyMaps(
        np.ones((3, 3)), np.eye(3), velocity_error=error, mask=error == 0, pixel_scale=1
    )
    assert len(masked) == 8
