"""Readers of maps: real files on documented numbers, made files for every refusal."""

from __future__ import annotations

import gzip
import shutil

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import QTable, Table

import astrokit as ak
from astrokit.bars import Geometry, read_images, read_manga, read_points, read_sauron
from astrokit.errors import DataWarning, InputError, ReadError, UnitError

MAPS = "tw/manga-7815-3702-MAPS-HYB10-GAU-MILESHC.fits.gz"
STELLAR = ("8135-6103", "8444-12703", "8984-12704", "9196-12701")
BY_NUMBER = {"x": 0, "y": 1, "flux": 2, "velocity": 3}


# -- MaNGA: the real file -----------------------------------------------------------------------


def test_the_manga_maps_are_those_of_its_header(real_data):
    """NBINS 773 and NSCMOD 497 stand in the header: spectra, and stellar bins."""
    path = real_data(MAPS)
    maps = read_manga(path, binning="HYB10")
    assert (len(maps), maps.n_bins, maps.report) == (773, 497, {"masked": 991})
    assert maps.name == "MaNGA 7815-3702"
    assert maps.psf_fwhm == pytest.approx(2.59937)
    assert maps.flux_unit == u.Unit("1e-17 erg / (s cm2 AA)")
    assert any("DONOTUSE 991" in note and "NOVALUE 112" in note for note in maps.notes)
    with fits.open(path) as hdus:
        east, north = hdus["SPX_SKYCOO"].data.reshape(2, -1)[:, maps.pixel]
        velocity = hdus["STELLAR_VEL"].data.ravel()[maps.pixel]
        bins = hdus["BINID"].data[1].ravel()[maps.pixel]
        ivar = hdus["SPX_MFLUX_IVAR"].data.ravel()[maps.pixel]
    np.testing.assert_allclose(maps.x, -east, atol=1e-3)  # the pipeline counts to the east
    np.testing.assert_allclose(maps.y, north, atol=1e-3)
    np.testing.assert_array_equal(maps.velocity, velocity)
    np.testing.assert_allclose(maps.flux_error, ivar**-0.5, rtol=1e-6)
    first = {b: maps.velocity[maps.bins == b] for b in range(maps.n_bins)}
    assert all(np.ptp(v) == 0 for v in first.values())
    assert np.unique(bins).size == maps.n_bins


def test_a_line_and_the_flux_of_bins_can_be_read_instead(real_data):
    path = real_data(MAPS)
    halpha = read_manga(path, line="Ha-6564")
    assert len(halpha) == halpha.n_bins == 769
    assert any("MATHERROR 3" in note for note in halpha.notes)
    binned = read_manga(path, flux="bins")
    for b in np.unique(binned.bins):
        assert np.ptp(binned.flux[binned.bins == b]) == 0
    assert binned.flux.sum() == pytest.approx(read_manga(path).flux.sum(), rel=0.01)
    with pytest.raises(ReadError, match="no such line"):
        read_manga(path, line="Halpha")


def test_weak_spaxels_and_more_flags_can_be_left_out_and_are_counted(real_data):
    path = real_data(MAPS)
    bright = read_manga(path, min_snr=10)
    with fits.open(path) as hdus:
        snr = hdus["SPX_SNR"].data.ravel()[bright.pixel]
    assert snr.min() >= 10
    lost = 773 - len(bright)
    assert any(f"SNR {lost}" in note for note in bright.notes)
    assert len(read_manga(path, line="Ha-6564", reject=("DONOTUSE", "NEARBOUND"))) <= 769


def test_manga_files_are_refused_with_a_reason(real_data, tmp_path):
    path = real_data(MAPS)
    with pytest.raises(ReadError, match="another binning"):
        read_manga(path, binning="VOR10")
    with pytest.raises(InputError, match="no such bit"):
        read_manga(path, reject=("BAD",))
    with pytest.raises(InputError, match="flux is unknown"):
        read_manga(path, flux="mass")
    shutil.copy(path, tmp_path)
    assert len(read_manga(tmp_path, binning="HYB10")) == 773
    with pytest.raises(ReadError, match="0 files of the form"):
        read_manga(tmp_path, binning="SPX")


# -- MaNGA: made files --------------------------------------------------------------------------


def manga_file(path, *, quality=0, flag=0, drop=None):
    """Write the least that is a MAPS file: 6 x 6 spaxels in 18 bins of two."""
    shape = (6, 6)
    y, x = np.indices(shape, dtype=float)
    wcs = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 3.5, "CRPIX2": 3.5}
    wcs |= {"CRVAL1": 10.0, "CRVAL2": 20.0, "CD1_1": -0.5 / 3600, "CD2_2": 0.5 / 3600}
    bits = np.zeros(shape, np.int32)
    bits[0, 0] = flag
    ids = np.stack([(y * 6 + x).astype(int) // 2] * 5)
    images = {
        "SPX_MFLUX": np.ones(shape),
        "SPX_MFLUX_IVAR": np.full(shape, 25.0),
        "SPX_SNR": np.full(shape, 5.0),
        "BINID": ids,
        "BIN_MFLUX": np.ones(shape),
        "STELLAR_VEL": 10 * (x - 2.5),
        "STELLAR_VEL_IVAR": np.full(shape, 0.04),
        "STELLAR_VEL_MASK": bits,
    }
    hdus = [
        fits.ImageHDU(data, fits.Header(wcs), name=k) for k, data in images.items() if k != drop
    ]
    primary = fits.PrimaryHDU()
    primary.header["BINKEY"] = "VOR10"
    primary.header["DAPQUAL"] = quality
    fits.HDUList([primary, *hdus]).writeto(path)
    return path


def test_errors_are_the_roots_of_inverse_variances_and_flags_are_bits(tmp_path):
    maps = read_manga(manga_file(tmp_path / "a.fits", flag=(1 << 30) | (1 << 3)))
    assert len(maps) == 35
    assert np.all(maps.flux_error == 0.2)
    assert np.all(maps.velocity_error == 5)
    assert any("FORESTAR 1, DONOTUSE 1" in note for note in maps.notes)
    harmless = read_manga(manga_file(tmp_path / "b.fits", flag=1 << 8))
    assert len(harmless) == 36
    strict = read_manga(tmp_path / "b.fits", reject=["DONOTUSE", "NEARBOUND"])
    assert len(strict) == 35


def test_a_critical_fault_of_the_cube_is_said(tmp_path):
    with pytest.warns(DataWarning, match="DAPQUAL say that the cube has a critical fault"):
        read_manga(manga_file(tmp_path / "a.fits", quality=1 << 30))


def test_maps_that_are_cut_off_are_refused(tmp_path):
    with pytest.raises(ReadError, match=r"cut off or damaged.*EMLINE_GVEL"):
        read_manga(manga_file(tmp_path / "short-MAPS.fits"), line="Ha-6564")


def test_other_files_are_no_maps(tmp_path):
    with pytest.raises(ReadError, match="not a MAPS file"):
        read_manga(manga_file(tmp_path / "a.fits", drop="STELLAR_VEL"))
    text = tmp_path / "text.fits"
    text.write_text("no FITS")
    with pytest.raises(ReadError, match="cannot be read as FITS"):
        read_manga(text)
    with pytest.raises(ReadError, match="cannot be read as FITS"):
        read_manga(tmp_path / "absent.fits")


# -- SAURON -------------------------------------------------------------------------------------


def ngc936(real_data, *others):
    names = ("spaxels", "velocity", *others)
    return [real_data(f"tw/ngc936_sauron_{name}.fits") for name in names]


def test_ngc_936_has_its_nucleus_at_the_origin_and_every_bin(real_data):
    spaxels, velocity, sigma, binflux = ngc936(real_data, "sigma", "binflux")
    maps = read_sauron(spaxels, velocity, bin_images=(sigma, binflux), velocity_error=5.0)
    assert (len(maps), maps.n_bins) == (19806, 4810)
    brightest = maps.flux.argmax()
    assert (maps.x[brightest], maps.y[brightest]) == pytest.approx((0, 0), abs=1e-9)
    assert maps.grid.pixel_scale == 0.8
    assert np.median(maps.velocity) == pytest.approx(1394.85, abs=0.01)
    painted = read_images(binflux, velocity, pixel_scale=0.8, origin=(91, 90), no_data=0)
    mean = np.bincount(maps.bins, maps.flux) / np.bincount(maps.bins)
    np.testing.assert_allclose(painted.flux, mean[maps.bins], rtol=1e-5)
    np.testing.assert_allclose(painted.x, maps.x, atol=1e-9)
    assert painted.report == {"masked": 12955}


def test_ngc_936_lies_on_the_sky_as_the_literature_says(real_data):
    """East of north: the bar at 81 deg (Kormendy 1983), receding side at 318 - 180 = 138 deg."""
    maps = read_sauron(*ngc936(real_data))
    radius = np.hypot(maps.x, maps.y)
    ring = (radius > 20) & (radius < 45)
    angle = np.arctan2(-maps.x[ring], maps.y[ring])
    wave = np.sum(maps.flux[ring] * np.exp(2j * angle))
    bar = np.degrees(np.angle(wave)) / 2 % 180
    assert bar == pytest.approx(81, abs=5)
    inner = radius < 60
    design = np.c_[-maps.x, maps.y, np.ones(len(maps))][inner]
    east, north, _ = np.linalg.lstsq(design, maps.velocity[inner], rcond=None)[0]
    assert np.degrees(np.arctan2(east, north)) % 180 == pytest.approx(138, abs=12)


def test_sauron_files_are_refused_with_a_reason(tmp_path):
    velocity = tmp_path / "v.fits"
    header = {"CRPIX1": 1, "CRVAL1": -1.6, "CDELT1": 0.8, "CRPIX2": 1, "CRVAL2": -1.6}
    fits.PrimaryHDU(np.ones((5, 5)), fits.Header(header | {"CDELT2": 0.8})).writeto(velocity)
    table = Table({"A": [0.0, 0.8], "D": [0.0, 0.8], "FLUX": [1.0, 2.0]})
    table.write(tmp_path / "good.fits")
    maps = read_sauron(tmp_path / "good.fits", velocity)
    assert maps.x.tolist() == [0.0, 0.8]
    assert maps.report == {"flux is not a number": 23}
    table["A"] += 0.4
    table.write(tmp_path / "off.fits")
    with pytest.raises(ReadError, match="do not lie on the pixels"):
        read_sauron(tmp_path / "off.fits", velocity)
    table[["A", "D"]].write(tmp_path / "few.fits")
    with pytest.raises(ReadError, match="no column FLUX"):
        read_sauron(tmp_path / "few.fits", velocity)
    fits.PrimaryHDU(np.ones((5, 5)), fits.Header(header | {"CDELT2": -0.8})).writeto(
        tmp_path / "flip.fits"
    )
    with pytest.raises(ReadError, match="pixels must be square"):
        read_sauron(tmp_path / "good.fits", tmp_path / "flip.fits")
    fits.PrimaryHDU(np.ones((5, 5))).writeto(tmp_path / "bare.fits")
    with pytest.raises(ReadError, match="no linear coordinates"):
        read_sauron(tmp_path / "good.fits", tmp_path / "bare.fits")


# -- FITS images --------------------------------------------------------------------------------

SKY = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 2.0, "CRPIX2": 2.0, "CRVAL1": 10.0}
SKY |= {"CRVAL2": 20.0, "CD1_1": -1 / 3600, "CD2_2": 1 / 3600, "CD1_2": 0.0, "CD2_1": 0.0}


def image(path, data, header=SKY, **more):
    fits.PrimaryHDU(np.asarray(data), fits.Header({**header, **more})).writeto(path)
    return path


def test_images_carry_their_units_masks_and_coordinates(tmp_path):
    flux = image(tmp_path / "f.fits", np.arange(1.0, 10).reshape(3, 3), BUNIT="Jy")
    velocity = image(tmp_path / "v.fits", np.arange(9.0).reshape(3, 3) * 1000, BUNIT="m/s")
    error = image(tmp_path / "e.fits", np.full((3, 3), 2000.0), BUNIT="m/s")
    mask = image(tmp_path / "m.fits", np.eye(3, dtype=np.int16) * 64)
    others = {"velocity_error": error, "mask": mask}
    maps = read_images(flux, velocity, others=others, geometry=Geometry(30, 50), name="toy")
    assert maps.report == {"masked": 3}
    assert maps.velocity.tolist() == [1, 2, 3, 5, 6, 7]
    assert np.all(maps.velocity_error == 2)
    assert maps.flux_unit == u.Jy
    assert maps.x.tolist() == pytest.approx([0, 1, -1, 1, -1, 0])
    place = SkyCoord(10.0 * u.deg, (20 + 1 / 3600) * u.deg)
    moved = read_images(flux, velocity, origin=place)
    np.testing.assert_allclose(moved.y.reshape(3, 3)[:, 0], [-2, -1, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        ({"data": np.ones((2, 3, 3))}, ReadError, "no image with two dimensions"),
        ({"BUNIT": "Jy"}, UnitError, "velocity has the wrong unit"),
        ({"CRVAL1": 10.001}, ReadError, "do not lie on the same pixels"),
        ({"header": {"CDELT1": 0.8}}, ReadError, "CDELT1 is 0.8"),
        ({"data": np.ones((3, 4))}, ak.errors.ShapeError, "unequal shapes"),
    ],
)
def test_images_are_refused_with_a_reason(tmp_path, make, error, message):
    flux = image(tmp_path / "f.fits", np.ones((3, 3)))
    velocity = image(tmp_path / "v.fits", **{"data": np.ones((3, 3)), **make})
    with pytest.raises(error, match=message):
        read_images(flux, velocity)


@pytest.mark.filterwarnings("ignore:File may have been truncated")
def test_images_that_are_cut_off_are_refused(tmp_path):
    whole = tmp_path / "whole.fits"
    fits.PrimaryHDU(np.ones((60, 60))).writeto(whole)
    short = tmp_path / "short.fits"
    short.write_bytes(whole.read_bytes()[:10_000])
    with pytest.raises(ReadError, match=r"short\.fits is cut off or damaged"):
        read_images(short, short, pixel_scale=1)


def test_missing_extensions_and_wrong_options_are_named(tmp_path):
    flux = image(tmp_path / "f.fits", np.ones((3, 3)))
    with pytest.raises(ReadError, match="no extension 'VEL'"):
        read_images(flux, (flux, "VEL"))
    with pytest.raises(InputError, match="others has an unknown image"):
        read_images(flux, flux, others={"error": flux})
    with pytest.raises(InputError, match="needs world coordinates"):
        read_images(flux, flux, pixel_scale=1, origin=SkyCoord(0 * u.deg, 0 * u.deg))
    with pytest.raises(ReadError, match="cannot be read as FITS"):
        read_images(tmp_path / "absent.fits", flux)


# -- tables of points ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "points", "left", "fastest"),
    [
        ("an22_45a45b", 4229, 812, 141.3),
        ("an22_55a40b", 4413, 628, 128.5),
        ("an2_30a10b", 4771, 270, 34.73),
    ],
)
def test_the_analytic_bars_come_on_their_lattice(real_data, name, points, left, fastest):
    path = real_data(f"tw/maciejewski_{name}.dat.gz")
    maps = read_points(path, columns=BY_NUMBER, no_data=1e5)
    assert (len(maps), maps.report, maps.shape) == (points, {"masked": left}, (71, 71))
    assert maps.grid.pixel_scale == 20
    raw = np.loadtxt(path)
    good = raw[raw[:, 3] < 1e5]
    there = np.lexsort((good[:, 0], good[:, 1]))
    np.testing.assert_allclose(np.c_[maps.x, maps.y, maps.flux, maps.velocity], good[there])
    assert np.abs(maps.velocity).max() == pytest.approx(fastest, abs=0.05)


def test_a_repeated_position_of_a_real_file_is_said(real_data):
    """The central point of this file carries the position of its neighbour."""
    with pytest.warns(DataWarning, match=r"1 rows repeat .* \(-5, 0\)"):
        maps = read_points(real_data("tw/maciejewski_example0.dat.gz"), columns=BY_NUMBER)
    assert maps.grid is None
    assert len(maps) == 40401


@pytest.mark.parametrize("plateifu", STELLAR)
def test_stellar_velocities_without_flux_serve_for_rotation_alone(real_data, plateifu):
    path = real_data(f"tw/manga_stellarvel_{plateifu}.txt.gz")
    columns = {"x": "YBIN", "y": "XBIN", "velocity": "VEL", "velocity_error": "ER_VEL"}
    maps = read_points(path, columns={**columns, "flux": None}, scale=0.5)
    raw = np.loadtxt(path)
    assert len(maps) == np.isfinite(raw[:, 4]).sum()
    assert maps.report == {"masked": np.isinf(raw[:, 4]).sum()}
    assert maps.grid.pixel_scale == 0.5
    with pytest.raises(InputError, match="velocity without flux"):
        maps.require_flux()
    with pytest.raises(ReadError, match="velocities alone"):
        read_points(path, columns=columns, scale=0.5)


def points(n=4):
    x, y = np.meshgrid(np.arange(n) - 1.5, np.arange(n) - 1.5)
    return {"x": x.ravel(), "y": y.ravel(), "flux": np.ones(n * n), "velocity": 10 * x.ravel()}


def test_a_written_table_of_binned_maps_is_the_same_maps(tmp_path):
    """Two pixels of one bin hold one velocity: without bins the errors would be too small."""
    x, y = np.meshgrid(np.arange(4.0), np.arange(3.0))
    maps = ak.bars.GalaxyMaps(
        1 + x + y, 10 * (x // 2), velocity_error=np.ones((3, 4)), x=x, y=y, bins=x // 2 + 2 * y
    )
    maps.to_table().write(tmp_path / "maps.ecsv")
    back = read_points(tmp_path / "maps.ecsv")
    assert (len(back), back.n_bins) == (12, 6)
    for one in (maps, back):
        assert one.bins[np.lexsort((one.x, one.y))].tolist() == np.repeat(range(6), 2).tolist()
    assert any("bins: column bins" in note for note in back.notes)


@pytest.mark.parametrize("form", ["fits", "ecsv", "csv", "vot", "basic", "commented", "csv.gz"])
def test_tables_of_many_forms_give_the_same_maps(tmp_path, form):
    columns = points()
    path = tmp_path / f"table.{form}"
    if form in ("fits", "ecsv", "vot"):
        table = QTable({k: v * _UNITS[k] if k in _UNITS else v for k, v in columns.items()})
        table["x"] = table["x"].to(u.arcmin)
        names = {"fits": "fits", "ecsv": "ascii.ecsv", "vot": "votable"}
        Table(table).write(path, format=names[form])
    elif form == "csv.gz":
        rows = "\n".join(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))
        with gzip.open(path, "wt") as stream:
            stream.write(",".join(columns) + "\n" + rows + "\n")
    else:
        names = {"csv": "csv", "basic": "basic", "commented": "commented_header"}
        Table(columns).write(path, format=f"ascii.{names[form]}")
    maps = read_points(path)
    assert maps.shape == (4, 4)
    assert maps.grid.pixel_scale == pytest.approx(1)
    np.testing.assert_allclose(maps.x, columns["x"])
    np.testing.assert_allclose(maps.velocity, columns["velocity"])


_UNITS = {"x": u.arcsec, "y": u.arcsec, "velocity": u.km / u.s}


def test_points_in_any_order_fill_a_lattice_and_others_stay_scattered(tmp_path):
    rng = np.random.default_rng(4)
    columns = points()
    order = rng.permutation(16)
    Table({k: v[order] for k, v in columns.items()}).write(tmp_path / "a.csv")
    maps = read_points(tmp_path / "a.csv")
    np.testing.assert_allclose(maps.velocity, 10 * maps.x)
    Table({k: v[order][:15] for k, v in columns.items()}).write(tmp_path / "b.csv")
    scattered = read_points(tmp_path / "b.csv")
    assert scattered.grid is None
    np.testing.assert_allclose(scattered.velocity, 10 * scattered.x)
    assert scattered.notes[-1] == "positions: scattered points"


def test_tables_are_refused_with_a_reason(tmp_path):
    Table(points()).write(tmp_path / "a.csv")
    with pytest.raises(ReadError, match="no column 'v' for the velocity"):
        read_points(tmp_path / "a.csv", columns={"velocity": "v"})
    with pytest.raises(InputError, match="columns has an unknown name"):
        read_points(tmp_path / "a.csv", columns={"speed": "v"})
    with pytest.raises(ReadError, match="no column 9 for the x"):
        read_points(tmp_path / "a.csv", columns={"x": 9})
    with pytest.raises(ReadError, match="cannot be read as a table"):
        read_points(tmp_path / "absent.csv")
    fits.PrimaryHDU(np.ones((2, 2))).writeto(tmp_path / "image.fits")
    with pytest.raises(ReadError, match="has no table"):
        read_points(tmp_path / "image.fits")
