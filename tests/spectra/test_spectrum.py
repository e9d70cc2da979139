"""Spectra: selection, groups, backgrounds, folding, writing and simulation."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from astropy import units as u

import astrokit as ak
from astrokit.errors import InputError, ShapeError, UnitError
from astrokit.spectra import (
    ARF,
    FluxPoints,
    Response,
    Spectrum,
    plot_flux_points,
    plot_response,
    plot_spectrum,
    read_pha,
    simulate,
)
from astrokit.spectra.grouping import optimal_widths


@pytest.fixture
def detector():
    return Response.ideal(np.geomspace(0.5, 8.0, 201), area=300.0, fwhm=0.12)


@pytest.fixture
def spectrum(detector):
    rng = np.random.default_rng(4)
    background = Spectrum(rng.poisson(3.0, 200), exposure=2e4, backscal=4.0)
    counts = rng.poisson(20.0 * np.linspace(2, 0.2, 200))
    return Spectrum(counts, exposure=1e4, response=detector, background=background, backscal=2.0)


# -- folding -----------------------------------------------------------------------------------


def test_fold_agrees_with_a_dense_product(detector):
    rng = np.random.default_rng(1)
    block = rng.uniform(0, 1, (7, detector.n_energies))
    dense = detector.matrix.toarray()
    np.testing.assert_allclose(detector.fold(block), block @ dense.T, rtol=1e-12)
    np.testing.assert_allclose(detector.fold(block[0]), dense @ block[0], rtol=1e-12)


def test_folding_matrix_adds_channels_up(spectrum):
    grouped = spectrum.notice("1-6 keV").group(min_counts=100)
    photons = np.linspace(1, 2, 200) * 1e-4
    rate = spectrum.response.matrix.toarray() @ photons
    expected = [
        1e4 * rate[grouped.groups.rows[a : a + n]].sum()
        for a, n in zip(grouped.groups.starts, grouped.groups.sizes, strict=True)
    ]
    np.testing.assert_allclose(grouped.folding_matrix() @ photons, expected, rtol=1e-12)
    # The background has no response of its own: that of the source, with its own exposure.
    ratio = (grouped.background_matrix() @ photons) / (grouped.folding_matrix() @ photons)
    np.testing.assert_allclose(ratio, 2.0)


def test_areascal_multiplies_the_model(detector):
    half = Spectrum(np.ones(200), exposure=10.0, response=detector, areascal=0.5)
    full = Spectrum(np.ones(200), exposure=10.0, response=detector)
    np.testing.assert_allclose(
        half.folding_matrix().toarray(), 0.5 * full.folding_matrix().toarray()
    )


def test_areascal_that_differs_among_the_channels_of_a_group(detector):
    scale = np.where(np.arange(200) % 3 == 0, 0.5, 1.0)
    spectrum = Spectrum(np.ones(200), exposure=10.0, response=detector, areascal=scale)
    grouped, plain = spectrum.group(n_channels=4), detector.matrix.toarray()
    expected = (10.0 * scale[:, None] * plain).reshape(50, 4, -1).sum(axis=1)
    np.testing.assert_allclose(grouped.folding_matrix().toarray(), expected, rtol=1e-13)
    fold, used = grouped.folding_factors.fold()
    np.testing.assert_allclose(fold.dense(), expected[:, used], rtol=1e-13)


def test_energies_without_area_are_left_out_of_the_folding(detector):
    area = np.where(detector.energy_lo < 2.0, 0.0, 100.0)
    blind = Response(detector.rmf, ARF(detector.energy_lo, detector.energy_hi, area))
    spectrum = Spectrum(np.ones(200), exposure=10.0, response=blind)
    _, used = spectrum.folding_factors.fold()
    np.testing.assert_array_equal(used, np.flatnonzero(area > 0))


def test_resolution_of_a_gaussian_response():
    """Bins of 10 eV and a resolution of 120 eV: 12 channels."""
    detector = Response.ideal(np.arange(1.0, 5.0, 0.01), fwhm=0.12)
    np.testing.assert_allclose(detector.resolution[50:-50], 12.0, rtol=0.01)


# -- selection ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "band",
    ["1-2 keV", "1000-2000 eV", (1, 2), (1 * u.keV, 2 * u.keV), [1, 2] * u.keV, "1 to 2 keV",
     [12.398419843 / 2, 12.398419843] * u.angstrom],
)  # fmt: skip
def test_ways_to_write_a_band(spectrum, band):
    low, high = spectrum.channel_energies
    inside = (high > 1.000001) & (low < 1.999999)
    assert spectrum.notice(band).counts.sum() == spectrum.values[inside].sum()


def test_bands_add_and_ignored_ones_are_taken_away(spectrum):
    two = spectrum.notice("1-2, 4-5 keV")
    one = spectrum.notice("1-5 keV").ignore("2-4 keV")
    assert abs(len(two.counts) - len(one.counts)) <= 2  # channels on the limits
    assert len(spectrum.notice("1-2 keV").notice().counts) == 200
    assert len(spectrum.notice("11-20 channel").counts) == 10
    assert len(spectrum.notice((None, None)).counts) == 200


def test_a_group_that_the_band_touches_is_noticed_or_ignored(spectrum):
    grouped = spectrum.group(n_channels=20)  # ten groups
    low = float(grouped.energy_lo[3])
    assert len(grouped.notice((low * 1.01, None)).counts) == 7
    assert len(grouped.ignore((None, low * 1.01)).counts) == 6


def test_groups_are_made_within_the_noticed_band_only(spectrum):
    """A selection of old groups does not decide where new ones begin."""
    before = spectrum.group(n_channels=50).notice("1-3 keV").group(min_counts=30)
    after = spectrum.notice("1-3 keV").group(min_counts=30)
    np.testing.assert_array_equal(before.counts, after.counts)
    assert before.energy_lo[0] <= 1.0 < before.energy_hi[0]


@pytest.mark.parametrize(
    ("band", "error", "words"),
    [
        ("0.5-7", UnitError, "no unit"),
        ("0.5-7 kg", UnitError, "one of energy, length or channel"),
        ("7-0.5 keV", InputError, "end above its start"),
        ("soft keV", InputError, "not understood"),
        ((1, 2, 3), InputError, "not understood"),
    ],
)
def test_bands_that_are_refused(spectrum, band, error, words):
    with pytest.raises(error, match=words):
        spectrum.notice(band)


def test_an_empty_band_says_what_is_there(spectrum):
    with pytest.raises(InputError, match=r"the band is empty.*0.5 to 8 keV"):
        _ = spectrum.notice("20-30 keV").counts
    assert "nothing noticed" in repr(spectrum.notice("20-30 keV"))


def test_energies_need_a_response():
    bare = Spectrum([1, 2, 3], exposure=1.0)
    with pytest.raises(InputError, match="energies of the channels are not known"):
        bare.notice("1-2 keV")
    with pytest.raises(InputError, match="has no response"):
        bare.folding_matrix()
    assert bare.notice("2-3 channel").counts.tolist() == [2, 3]


# -- grouping ----------------------------------------------------------------------------------


def test_minimum_counts(spectrum):
    grouped = spectrum.group(min_counts=100)
    assert grouped.counts.min() >= 100
    assert grouped.counts.sum() == spectrum.counts.sum()
    # Each group would be too small without its last channel, but for the last one.
    ends = np.append(grouped.groups.starts[1:], 200) - 1
    short = grouped.counts - spectrum.values[grouped.groups.rows[ends]]
    assert np.all(short[:-1] < 100)


def test_signal_to_noise(spectrum):
    grouped = spectrum.group(min_snr=5)
    assert np.all(grouped.net_rate / grouped.net_rate_error >= 5 * (1 - 1e-12))
    with pytest.raises(InputError, match="leaves no bin"):
        spectrum.group(min_snr=1e6)


def test_minimum_background_counts(spectrum):
    grouped = spectrum.group(min_background_counts=20)
    assert grouped.background_counts.min() >= 20
    with pytest.raises(InputError, match="needs a background"):
        spectrum.with_background(()).group(min_background_counts=20)


def test_groups_do_not_reach_across_a_gap(spectrum):
    grouped = spectrum.notice("1-2 keV, 3-4 keV".replace(" keV,", ",")).group(min_counts=70)
    bridging = (grouped.energy_lo < 2) & (grouped.energy_hi > 3)
    assert not bridging.any()


def test_optimal_bins_follow_the_published_formula(detector):
    """Kaastra & Bleeker 2016: one resolution element for few counts, a fraction for many."""
    rows, resolution = np.arange(1000), np.full(1000, 20.0)
    np.testing.assert_allclose(optimal_widths(resolution, np.zeros(1000), rows), 20.0)
    # x = ln[N (1 + 0.2 ln R)] with 50 elements; the two branches meet at x = 2.119.
    meeting = np.exp(2.119) / (1 + 0.2 * np.log(50)) / 20
    widths = optimal_widths(resolution, np.full(1000, 1.001 * meeting), rows)
    assert widths[500] == pytest.approx(20.0, rel=1e-3)
    widths = [optimal_widths(resolution, np.full(1000, c), rows)[500] for c in (1, 10, 100, 1e4)]
    assert np.all(np.diff(widths) < 0)
    assert widths[-1] > 0.3 * 20


def test_optimal_groups_of_a_spectrum(spectrum):
    grouped = spectrum.group(optimal=True)
    width = grouped.groups.sizes[:-1]
    assert np.all(
        width
        <= np.maximum(
            spectrum.response.resolution[grouped.groups.rows[grouped.groups.starts[:-1]]], 1
        )
    )
    assert grouped.counts.sum() == spectrum.counts.sum()
    both = spectrum.group(optimal=True, min_counts=60)
    assert both.counts.min() >= 60
    with pytest.raises(InputError, match="need a response"):
        Spectrum([1, 2], exposure=1.0).group(optimal=True)


def test_grouping_needs_a_rule(spectrum):
    with pytest.raises(InputError, match="no rule for the groups"):
        spectrum.group()
    with pytest.raises(InputError, match="min_counts must be > 0"):
        spectrum.group(min_counts=-3)


# -- backgrounds and rates ---------------------------------------------------------------------


def test_net_rates(spectrum):
    assert spectrum.background_ratio[0] == pytest.approx(1e4 * 2 / (2e4 * 4))
    net = spectrum.net_rate * 1e4
    np.testing.assert_allclose(net, spectrum.counts - 0.25 * spectrum.background_counts)
    np.testing.assert_allclose(
        spectrum.net_rate_error * 1e4,
        np.sqrt(spectrum.counts + 0.25**2 * spectrum.background_counts),
    )
    band = spectrum.band_rate("1-2 keV")
    assert str(band.unit) == "ct / s"
    assert band.value == pytest.approx(spectrum.notice("1-2 keV").net_rate.sum())


def test_several_backgrounds_weigh_by_their_exposure(detector):
    one = Spectrum(np.full(200, 2), exposure=100.0)
    two = Spectrum(np.full(200, 6), exposure=300.0)
    both = Spectrum(np.full(200, 9), exposure=100.0, response=detector, background=[one, two])
    np.testing.assert_allclose(both.background_counts, 8)
    np.testing.assert_allclose(both.background_ratio, 0.25)
    np.testing.assert_allclose(both.net_rate, 0.07)


def test_rates_become_counts_where_they_were_counts():
    spectrum = Spectrum([0.02, 0.05], exposure=100.0, is_rate=True, error=[0.01, 0.02])
    assert spectrum.as_counts().counts.tolist() == [2, 5]
    with pytest.raises(InputError, match="not a whole number of counts"):
        Spectrum([0.023], exposure=100.0, is_rate=True).as_counts()
    with pytest.raises(InputError, match="no errors"):
        _ = Spectrum([0.02], exposure=100.0, is_rate=True).rate_error


def test_with_counts_and_pickle(spectrum):
    grouped = spectrum.group(n_channels=20)
    other = grouped.with_counts(np.arange(10.0), np.ones(10))
    np.testing.assert_array_equal(other.counts, np.arange(10))
    np.testing.assert_array_equal(other.background_counts, 1)
    with pytest.raises(ShapeError):
        grouped.with_counts([1.0])
    again = pickle.loads(pickle.dumps(grouped))
    np.testing.assert_array_equal(again.counts, grouped.counts)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"exposure": -1.0}, "exposure of a spectrum must be positive"),
        ({"exposure": 1.0, "error": [-1.0, 1.0]}, "error is too small"),
        ({"exposure": 1.0, "channel": [2, 1]}, "channel numbers must rise"),
        ({"exposure": 1.0, "areascal": [1.0, 1.0, 1.0]}, "neither one number nor one per channel"),
        ({"exposure": 1.0, "quality": [0, 0, 0]}, "not one quality flag per channel"),
        ({"exposure": 1.0, "energy_edges": ([1.0], [2.0])}, "not one pair of energies"),
        ({"exposure": 1.0 * u.keV}, "wrong unit"),
    ],
)
def test_impossible_spectra(options, words):
    with pytest.raises(InputError, match=words):
        Spectrum([1, 2], **options)


# -- writing -----------------------------------------------------------------------------------


def assert_same(one: Spectrum, other: Spectrum) -> None:
    for name in ("values", "channel", "quality", "grouping", "areascal", "backscal", "systematic"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert one.exposure == other.exposure
    assert one.is_rate == other.is_rate


def test_written_files_read_back(spectrum, tmp_path):
    grouped = spectrum.group(min_counts=50)
    written = grouped.write(tmp_path / "a.pha")
    assert [p.name for p in written] == ["a.pha", "a_bkg.pha", "a.rmf", "a.arf"]
    again = read_pha(tmp_path / "a.pha")
    assert_same(grouped, again)
    assert_same(grouped.backgrounds[0], again.backgrounds[0])
    assert (again.response.rmf.matrix != grouped.response.rmf.matrix).nnz == 0
    np.testing.assert_array_equal(again.response.arf.area, grouped.response.arf.area)
    np.testing.assert_array_equal(again.response.energy_lo, grouped.response.energy_lo)
    with pytest.raises(InputError, match="these files exist"):
        grouped.write(tmp_path / "a.pha")
    grouped.write(tmp_path / "a.pha", overwrite=True)


@pytest.mark.parametrize(
    "name",
    ["spectra/3c273_chandra/3c273.pi", "spectra/gbm_bn090217206/bn090217206_n6_srcspectra.pha",
     "spectra/ngc7793_ulx4/PN_spectrum_grp20.fits", "spectra/rosat_pspc/xrbg_xspec.pi",
     "spectra/xmm_rgs/P0112880201R1S004SRSPEC1003.FTZ"],
)  # fmt: skip
def test_real_files_survive_writing(name, real_data, tmp_path):
    first = read_pha(real_data(name))
    first.write(tmp_path / "copy.pha")
    again = read_pha(tmp_path / "copy.pha")
    assert_same(first, again)
    if first.errors is not None:
        np.testing.assert_array_equal(first.errors, again.errors)
    if first.response is not None:
        assert (
            abs(again.response.matrix - first.response.matrix).max()
            < 1e-14 * first.response.matrix.max()
        )
    for one, other in zip(first.backgrounds, again.backgrounds, strict=True):
        assert_same(one, other)


def test_wavelength_grids_survive_writing(real_data, tmp_path):
    first = read_pha(real_data("spectra/edge_cases/hrc_bin2.pha"), rmf=False)
    first.write(tmp_path / "copy.pha")
    again = read_pha(tmp_path / "copy.pha")
    np.testing.assert_allclose(again.energy_lo, first.energy_lo, rtol=1e-14)


# -- simulation --------------------------------------------------------------------------------


def test_simulated_counts_scatter_around_the_folded_model(detector):
    photons = np.full(200, 1e-4)
    expected = 2e4 * detector.fold(photons)
    total = np.zeros(200)
    for seed in range(50):
        total += simulate(photons, detector, exposure=2e4, seed=seed).counts
    z = (total - 50 * expected) / np.sqrt(50 * expected)
    assert abs(z).max() < 4.5  # 200 channels
    assert abs(z.mean()) < 4 / np.sqrt(200)


def test_simulation_with_a_background(spectrum):
    photons = np.full(200, 1e-5)
    means = []
    for seed in range(40):
        fake = simulate(photons, spectrum, exposure=5e4, seed=seed)
        means.append([fake.counts.sum(), fake.background_counts.sum(), fake.net_rate.sum()])
    scaled = 0.25 * 5 * spectrum.background_counts.sum()
    source = 5e4 * spectrum.response.fold(photons).sum()
    for mean, truth in zip(
        np.mean(means, axis=0)[:2], [source + scaled, spectrum.background_counts.sum()], strict=True
    ):
        assert abs(mean - truth) < 4 * np.sqrt(truth / 40)


def test_simulated_spectra_are_reproducible_and_written(detector, tmp_path):
    one = simulate(np.full(200, 1e-4), detector, exposure=1e4, seed=9)
    two = simulate(np.full(200, 1e-4), detector, exposure=1e4, seed=9)
    np.testing.assert_array_equal(one.counts, two.counts)
    one.write(tmp_path / "fake.pha")
    np.testing.assert_array_equal(read_pha(tmp_path / "fake.pha").counts, one.counts)


def test_simulations_that_are_refused(detector):
    with pytest.raises(ShapeError, match="photons do not fit"):
        simulate(np.ones(3), detector, exposure=1.0)
    with pytest.raises(InputError, match="negative or not finite"):
        simulate(-np.ones(200), detector, exposure=1.0)
    with pytest.raises(InputError, match="exposure of a spectrum must be positive"):
        simulate(np.ones(200), detector, exposure=-1.0)
    with pytest.raises(InputError, match="no parameters"):
        simulate(np.ones(200), detector, exposure=1.0, photon_index=2.0)


# -- flux points, tables, figures --------------------------------------------------------------


def test_kinds_of_flux_are_one_photon_density():
    """3C 273-like numbers by hand: 1 Jy at 1 keV is 1e-23 / h erg/s/cm2/erg = 1.509e3 / keV..."""
    energy = [1.0, 2.0] * u.keV
    density = np.array([1e-3, 2e-4])
    kev = 1.602176634e-9  # erg
    nufnu = (density * np.array([1.0, 4.0]) * kev) * u.Unit("erg / (cm2 s)")
    nu = np.array([1.0, 2.0]) * 2.417989242084e17  # Hz
    jansky = nufnu.value / nu / 1e-23 * u.Jy
    for flux in (
        nufnu,
        jansky,
        density * u.Unit("1/(cm2 s keV)"),
        density * 1e9 * u.Unit("1/(cm2 s TeV)"),
    ):
        points = FluxPoints(energy, flux, 0.1 * flux)
        np.testing.assert_allclose(points.flux, density, rtol=1e-9)
        np.testing.assert_allclose(points.error, 0.1 * density, rtol=1e-9)
        np.testing.assert_allclose(points.nufnu, nufnu.value, rtol=1e-9)


def test_flux_points_are_sorted_and_take_frequencies():
    points = FluxPoints([2e18, 1e18] * u.Hz, [1.0, 2.0] * u.mJy, [0.1, 0.1] * u.mJy)
    assert np.all(np.diff(points.energy) > 0)
    assert points.energy[0] == pytest.approx(4.135667696)
    assert points.flux[0] > points.flux[1]
    assert len(points.notice("4-5 keV")) == 1


def test_flux_points_that_are_refused():
    with pytest.raises(UnitError, match="flux is no flux"):
        FluxPoints([1.0], [1.0] * u.kg, [1.0])
    with pytest.raises(UnitError, match="neither energy, frequency nor wavelength"):
        FluxPoints([1.0] * u.s, [1.0], [1.0])
    with pytest.raises(InputError, match="errors of fluxes must be positive"):
        FluxPoints([1.0], [1.0], [0.0])
    with pytest.raises(InputError, match="band is empty"):
        FluxPoints([1.0], [1.0], [0.1]).notice("5-6 keV")


def test_flux_points_from_a_table():
    from astropy.table import Table

    table = Table({"e_ref": [1.0, 2.0], "dnde": [1e-11, 2e-12], "dnde_err": [1e-12, 3e-13]})
    table["e_ref"].unit, table["dnde"].unit, table["dnde_err"].unit = (
        "TeV",
        "cm-2 s-1 TeV-1",
        "cm-2 s-1 TeV-1",
    )
    points = FluxPoints.from_table(table)
    np.testing.assert_allclose(points.flux, [1e-20, 2e-21])
    with pytest.raises(InputError, match="no column is known to be the error"):
        FluxPoints.from_table(table["e_ref", "dnde"])


def test_table_of_a_spectrum(spectrum):
    table = spectrum.notice("1-2 keV").to_table()
    assert str(table["net_rate"].unit) == "ct / s"
    assert table["counts"].sum().value == spectrum.notice("1-2 keV").counts.sum()


def test_specutils_there_and_back(spectrum):
    pytest.importorskip("specutils")
    there = ak.spectra.to_specutils(spectrum)
    assert there.flux.unit == u.Unit("ct / (s keV)")
    points = FluxPoints([1.0, 2.0, 3.0], [1.0, 0.5, 0.2], [0.1, 0.1, 0.1])
    again = ak.spectra.from_specutils(ak.spectra.to_specutils(points))
    np.testing.assert_allclose(again.flux, points.flux)
    np.testing.assert_allclose(again.error, points.error)


def test_figures_return_axes_with_what_they_draw(spectrum):
    grouped = spectrum.group(min_counts=100)
    ax = plot_spectrum(grouped)
    assert ax.get_xlabel() == "Energy (keV)"
    drawn = ax.containers[0].lines[0].get_ydata()
    width = grouped.energy_hi - grouped.energy_lo
    np.testing.assert_allclose(drawn, grouped.net_rate / width)
    assert Spectrum([1, 2], exposure=1.0).plot().get_xlabel() == "Channel"
    assert plot_response(spectrum.response).get_ylabel().startswith("Effective area")
    points = FluxPoints([1.0, 2.0], [1.0, 0.5], [0.1, 0.1], upper_limit=[False, True])
    assert plot_flux_points(points).get_yscale() == "log"


def test_words(spectrum):
    text = repr(spectrum.notice("1-2 keV"))
    assert "background" in text
    assert "notice 1-2 keV" in text
    assert "<li>" in spectrum._repr_html_()


def test_a_background_that_the_legend_names_is_in_sight(spectrum):
    """Scaled, it is a twentieth of the faintest group."""
    faint = spectrum.background_counts / 20
    back = Spectrum(np.rint(faint) + 1, exposure=2e5, backscal=4.0)
    grouped = spectrum.with_background(back).group(min_counts=100)
    ax = plot_spectrum(grouped)
    data = ak.spectra.spectrum_plot_data(grouped)
    assert data.background.max() < 0.3 * data.rate.min()
    low, high = ax.get_ylim()
    assert low < np.median(data.background) < high
