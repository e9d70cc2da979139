"""Every spectrum, response and area of the reference folder reads, or is refused for a reason."""

from __future__ import annotations

import fnmatch

import numpy as np
import pytest

import astrokit as ak
from astrokit.errors import InputError, ReadError
from astrokit.spectra import read_arf, read_pha, read_rmf, read_spectra

FILES = [name for name in ak.datasets.names() if name.startswith("spectra/")]

# name pattern: (kind, counts or energies, channels)
EXPECTED = {
    "*/3c273.pi": ("pha", 736, 1024),
    "*/3c273_bg.pi": ("pha", 216, 1024),
    "*_pha3.fits.gz": ("pha", 855, 1024),
    "*/sis0.pha": ("pha", 50389, 1024),
    "*/PN_spectrum_grp20.fits": ("pha", 11526, 4096),
    "*/PNbackground_spectrum.fits": ("pha", 1213, 4096),
    "*/bn090217206_b1_srcspectra.pha": ("pha", 38026, 128),
    "*/bn090217206_n6_srcspectra.pha": ("pha", 30850, 128),
    "*/bn090217206_n9_srcspectra.pha": ("pha", 34973, 128),
    "*/fact/pha_stacked.fits": ("pha", 691, 80),
    "*/fact/bkg_stacked.fits": ("pha", 2455, 80),
    "*/fermi/pha_obs0.fits": ("pha", 578, 36),
    "*/fermi/bkg_obs0.fits": ("pha", 39, 36),
    "*/q1127_src1.pi": ("pha", 66686, 1024),
    "*/q1127_src1_grp30.pi": ("pha", 66674, 1024),  # 12 counts in channels of bad quality
    "*/target_sr.pha": ("pha", 58, 1024),
    "*/interval0wtback.pi": ("pha", 829, 1024),
    "*/interval0wtsource.pi": ("pha", 16370, 1024),
    "*/vaughan_xmmpn/source.pha": ("pha", 1352, 4096),
    "*BGSPEC1003.FTZ": ("pha", 1813, 3600),
    "*SBSPEC1003.FTZ": ("pha", 4097, 3600),
    "*SRSPEC1003.FTZ": ("pha", 2706, 3600),
    "*/source_rate.pi": ("rate", 0.213598, 1024),
    "*_bkgspectra.bak": ("rate", None, 128),
    "*/xrbg_xspec.pi": ("rate", 0.00108999, 256),
    "*.rmf": ("rmf", None, None),
    "*.rmf.gz": ("rmf", None, None),
    "*.wrmf": ("rmf", None, None),
    "*/rmf_*.fits": ("rmf", None, None),
    "*_rmf3.fits.gz": ("rmf", None, None),
    "*.rsp": ("rmf", None, None),
    "*.arf": ("arf", None, None),
    "*.warf": ("arf", None, None),
    "*/arf_*.fits": ("arf", None, None),
    "*_arf3.fits.gz": ("arf", None, None),
    "*/glg_cspec_n3_bn080916009_v01.pha": ("refused", "1859 spectra", None),
    "*/gll_cspec_bn080916009_v10.pha": ("refused", "2000 spectra", None),
    "*/hrc_bin2.pha": ("refused", "pks2155_HRC-LEG.rsp", None),
    "*/source_bin10.pi": ("refused", "names a rmf that is not beside it", None),
    "*/q1127_bkg1.pi": ("refused", "q1127_bkg1.wrmf", None),
    "*/ogip_powerlaw.bak": ("refused", "gbm_bat_joint_BGO_00.rsp", None),
    "*/ogip_powerlaw.pha": ("refused", "ogip_powerlaw.bak", None),  # what it may have meant
    "*.rsp2": ("refused matrix", "3 matrices", None),
}


def expected(name):
    return next((v for pattern, v in EXPECTED.items() if fnmatch.fnmatch(name, pattern)), None)


def test_every_file_of_the_folder_is_named_here():
    texts = (".md", ".txt", ".yaml", ".xcm", ".csv", "LICENSE")
    unknown = [name for name in FILES if expected(name) is None and not name.endswith(texts)]
    assert len(FILES) > 40
    assert not unknown


@pytest.mark.parametrize("name", FILES)
def test_each_file_reads_or_is_refused_for_a_reason(name, real_data):
    found = expected(name)
    if found is None:
        pytest.skip("a text beside the data")
    kind, what, channels = found
    path = real_data(name)
    if kind == "pha":
        spectrum = read_pha(path)
        assert spectrum.counts.sum() == what
        assert spectrum.channel.size == channels
    elif kind == "rate":
        spectrum = read_pha(path)
        assert spectrum.counts is None
        assert spectrum.channel.size == channels
        if what is not None:
            np.testing.assert_allclose(spectrum.rate.sum(), what, rtol=1e-5)
    elif kind == "rmf":
        rmf = read_rmf(path)
        column = np.asarray(rmf.matrix.sum(axis=0)).ravel()
        assert column.max() < (1.02 if rmf.includes_area is False else 6000)
        assert column.max() > 0.5
    elif kind == "arf":
        assert read_arf(path).area.max() > 0
    else:
        with pytest.raises(ReadError, match=what):
            (read_rmf if kind == "refused matrix" else read_pha)(path)


# -- published numbers -------------------------------------------------------------------------


def test_chandra_counts_in_bands(real_data):
    spectrum = read_pha(real_data("spectra/pks1127_chandra/q1127_src1.pi"))
    assert spectrum.notice("1-15 keV").counts.sum() == 52701
    assert spectrum.notice("2-15 keV").counts.sum() == 25032
    grouped = read_pha(real_data("spectra/pks1127_chandra/q1127_src1_grp30.pi"))
    assert len(grouped.notice("0.3-7 keV").counts) == 407


def test_chandra_groups_and_net_counts(real_data):
    """Published for the file: groups, first counts, and counts less background."""
    spectrum = read_pha(real_data("spectra/3c273_chandra/3c273.pi"))
    assert len(spectrum.counts) == 46
    channels = spectrum.channel[spectrum.groups.rows[spectrum.groups.starts]]
    assert channels[:7].tolist() == [1, 18, 22, 33, 40, 45, 49]
    # The published list begins above 0.5 keV, with the fourth group.
    assert spectrum.counts[3:9].tolist() == [15, 16, 15, 18, 18, 15]
    net = spectrum.net_rate * spectrum.exposure
    np.testing.assert_allclose(net[3:8], [14.86507936, 15.86507936, 15, 18, 18], rtol=1e-8)
    np.testing.assert_allclose(net.sum(), 706.85714092, rtol=1e-8)
    without = spectrum.ignore("**-0.5 keV", "3-4 keV", "7-** keV")
    assert len(without.counts) == 35
    assert len(without.ungroup().counts) == 375


def test_number_of_bins_of_the_simulated_epic_spectrum(real_data):
    spectrum = read_pha(real_data("spectra/vaughan_xmmpn/source.pha"))
    assert len(spectrum.ignore("**-0.5 keV", "10-** keV").counts) == 43


# -- traps, each on the file that shows it ---------------------------------------------------


def test_background_of_a_burst_is_numbered_from_another_channel(real_data):
    spectrum = read_pha(real_data("spectra/gbm_bn090217206/bn090217206_n6_srcspectra.pha"))
    assert spectrum.channel[0] == 1
    assert spectrum.backgrounds[0].channel[0] == 0
    assert "matched by position" in " ".join(spectrum.meta["notes"])
    assert spectrum.background_error is not None  # a modelled rate with errors
    assert spectrum.backgrounds[0].systematic.max() == pytest.approx(0.03)


def test_background_in_the_second_extension_of_the_same_file(real_data):
    spectrum = read_pha(real_data("spectra/csc_pha3/acisf01575_001N001_r0085_pha3.fits.gz"))
    assert spectrum.background_counts.sum() == 303
    np.testing.assert_allclose(spectrum.background_ratio, 2.2426552620567e-06 / 5.3813243392845e-05)


def test_responses_whose_ebounds_are_numbered_from_zero(real_data):
    """F_CHAN has no TLMIN here and counts from 1; EBOUNDS counts from 0."""
    path = real_data("spectra/lat_lle_type2/glg_cspec_n3_bn080916009_v00.rsp2")
    rmf = read_rmf(path, number=1)
    assert rmf.first_channel == 1
    assert rmf.matrix.shape == (128, 140)
    # A photon of 300 keV is mostly recorded near 300 keV.
    k = int(np.searchsorted(rmf.energy_hi, 300.0))
    peak = int(rmf.matrix[:, [k]].toarray().argmax())
    assert rmf.channel_lo[peak - 2] < 300 < rmf.channel_hi[peak + 2]


def test_several_matrices_are_chosen_by_number_or_time(real_data):
    path = real_data("spectra/lat_lle_type2/glg_cspec_n3_bn080916009_v00.rsp2")
    first, second = read_rmf(path, number=1), read_rmf(path, number=2)
    assert (first.matrix != second.matrix).nnz > 0
    by_time = read_rmf(path, time=243216850.0)
    assert (by_time.matrix != second.matrix).nnz == 0
    with pytest.raises(ReadError, match="0 of them for number 9"):
        read_rmf(path, number=9)


def test_type_two_file_as_a_series(real_data):
    path = real_data("spectra/lat_lle_type2/gll_cspec_bn080916009_v10.pha")
    rsp = real_data("spectra/lat_lle_type2/gll_cspec_bn080916009_v10.rsp")
    series = read_spectra(path, rmf=rsp)
    assert len(series) == 2000
    assert series[0].response is series[-1].response  # read once
    assert series[0].meta["tstop"] - series[0].meta["tstart"] == pytest.approx(1.0)
    single = read_pha(path, row=700, rmf=rsp)
    np.testing.assert_array_equal(single.values, series[699].values)


def test_rows_of_negative_exposure_are_left_out_with_a_warning(real_data):
    path = real_data("spectra/lat_lle_type2/glg_cspec_n3_bn080916009_v01.pha")
    with pytest.warns(ak.errors.DataWarning, match=r"of 1859 spectra have no exposure"):
        series = read_spectra(path)
    assert 0 < 1859 - len(series) < 20
    assert series[0].values.max() < 1000  # TZERO is undone: counts, not 32768 more
    rsp = real_data("spectra/lat_lle_type2/glg_cspec_n3_bn080916009_v00.rsp2")
    negative = next(i for i in range(1859) if i + 1 not in {s.meta["row"] for s in series})
    with pytest.raises(InputError, match="exposure of a spectrum must be positive"):
        read_pha(path, row=negative + 1, rmf=rsp)


def test_matrix_of_the_time_of_each_spectrum(real_data):
    path = real_data("spectra/lat_lle_type2/glg_cspec_n3_bn080916009_v01.pha")
    rsp = real_data("spectra/lat_lle_type2/glg_cspec_n3_bn080916009_v00.rsp2")
    with pytest.warns(ak.errors.DataWarning):
        series = read_spectra(path, rmf=rsp)
    chosen = {id(s.response) for s in series}
    assert len(chosen) == 3
    inside = next(s for s in series if s.meta["tstart"] > 243216820 and s.meta["tstop"] < 243216870)
    second = read_rmf(rsp, number=2)
    assert (inside.response.rmf.matrix != second.matrix).nnz == 0


def test_vector_scalings_of_a_grating(real_data):
    """RGS: AREASCAL and BACKSCAL per channel, zero in some."""
    source = read_pha(real_data("spectra/xmm_rgs/P0112880201R1S004SBSPEC1003.FTZ"))
    background = read_pha(real_data("spectra/xmm_rgs/P0112880201R1S004BGSPEC1003.FTZ"))
    assert source.areascal.min() == 0
    both = source.with_background(background)
    assert np.isfinite(both.background_ratio).all()
    net = read_pha(real_data("spectra/xmm_rgs/P0112880201R1S004SRSPEC1003.FTZ"))
    assert net.values.min() < 0  # counts less background
    assert not net.is_poisson
    assert net.error is not None


def test_wavelengths_of_a_grating(real_data):
    spectrum = read_pha(real_data("spectra/edge_cases/hrc_bin2.pha"), rmf=False)
    assert len(spectrum.counts) == 8192  # groups of two
    part = spectrum.ungroup().notice("10-20 angstrom")
    assert part.energy_lo.min() == pytest.approx(12.39842 / 20, rel=1e-3)
    assert part.energy_hi.max() == pytest.approx(12.39842 / 10, rel=1e-3)


def test_primary_hdu_may_be_an_image(real_data):
    assert read_pha(real_data("spectra/edge_cases/sis0.pha")).counts.sum() == 50389


def test_response_from_energy_zero_is_kept(real_data):
    path = real_data("spectra/swift_xrt_target/swxpc0to12s6_20130101v014.rmf.gz")
    arf = real_data("spectra/swift_xrt_target/target_sr.arf")
    pha = real_data("spectra/swift_xrt_target/target_sr.pha")
    spectrum = read_pha(pha, rmf=path, arf=arf)
    assert spectrum.response.energy_lo[0] == 0
    assert spectrum.channel[0] == 0


def test_float32_matrix_with_float64_area(real_data):
    spectrum = read_pha(real_data("spectra/joint_crab/fermi/pha_obs0.fits"))
    assert spectrum.response.energy_lo[0] == 31622776.60168379  # the area's, not 31622776.0


def test_bad_quality_leaves_channels_out(real_data):
    spectrum = read_pha(real_data("spectra/joint_crab/fact/pha_stacked.fits"))
    assert len(spectrum.counts) == 47
    assert spectrum.excluded == {"quality is not 0": 33}
    assert len(spectrum.with_quality(use=False).counts) == 80


def test_rates_with_errors(real_data):
    spectrum = read_pha(real_data("spectra/rosat_pspc/xrbg_xspec.pi"))
    assert spectrum.is_rate
    assert len(spectrum.rate) == 7
    assert np.all(spectrum.rate_error > 0)


def test_files_of_a_companion_may_be_passed(real_data):
    """The header names files of somebody else's disk."""
    folder = "spectra/threeml_ogip_powerlaw/"
    spectrum = read_pha(
        real_data(folder + "ogip_powerlaw.pha"), background=real_data(folder + "ogip_powerlaw.bak")
    )
    assert spectrum.response is not None
    np.testing.assert_allclose(spectrum.background_ratio, 200 / 5000)
    assert "response of the background is not used" in " ".join(
        spectrum.backgrounds[0].meta["notes"]
    )
