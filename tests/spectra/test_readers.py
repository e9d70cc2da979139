"""Traps of OGIP files that no file of the reference folder shows alone."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from astrokit.errors import DataWarning, InputError, ReadError
from astrokit.spectra import (
    ARF,
    RMF,
    PowerLaw,
    Response,
    SpectralProblem,
    Spectrum,
    read_arf,
    read_pha,
    read_response,
    read_rmf,
)

from .pha_files import ebounds, matrix, pha, save, table


def test_missing_tlmin_means_one_whatever_ebounds_says(tmp_path):
    path = save(tmp_path / "a.rmf", matrix(first=None), ebounds(first=0))
    rmf = read_rmf(path)
    assert rmf.first_channel == 1
    np.testing.assert_array_equal(rmf.matrix.toarray(), np.eye(4))


@pytest.mark.parametrize("first", [0, 1, 3])
def test_tlmin_of_f_chan_counts(tmp_path, first):
    garbage = np.array([7.5, np.nan, -3, 1e9])
    rmf = read_rmf(save(tmp_path / "a.rmf", ebounds(channel=garbage), matrix(first=first)))
    assert rmf.first_channel == first
    np.testing.assert_array_equal(rmf.matrix.toarray(), np.eye(4))


@pytest.mark.parametrize("name", ["MATRIX", "SPECRESP MATRIX", "RSP_MATRIX"])
def test_names_of_the_extension(tmp_path, name):
    assert read_rmf(save(tmp_path / "a.rmf", matrix(name), ebounds())).n_channels == 4


def test_wrong_tlmin_is_refused(tmp_path):
    bad = matrix(first=1)
    bad.header["TLMIN4"] = 2  # says that channels begin at 2, but the first group is 1
    with pytest.raises(ReadError, match="outside the channels"):
        read_rmf(save(tmp_path / "a.rmf", bad, ebounds()))


def test_padded_vectors_empty_rows_and_groups_of_variable_length(tmp_path):
    def objects(*rows):
        column = np.empty(len(rows), dtype=object)
        column[:] = [np.array(row) for row in rows]
        return column

    padded = [
        ("ENERG_LO", "D", [1.0, 2.0, 3.0]),
        ("ENERG_HI", "D", [2.0, 3.0, 4.0]),
        ("N_GRP", "I", [2, 0, 1]),
        ("F_CHAN", "2I", [[1, 4], [0, 0], [2, 99]]),
        ("N_CHAN", "2I", [[2, 1], [0, 0], [2, 0]]),
        ("MATRIX", "4D", [[0.1, 0.2, 0.3, 9], [9, 9, 9, 9], [0.4, 0.5, 9, 9]]),
    ]
    ragged = [
        *padded[:3],
        ("F_CHAN", "PI()", objects([1, 4], [], [2])),
        ("N_CHAN", "PI()", objects([2, 1], [], [2])),
        ("MATRIX", "PD()", objects([0.1, 0.2, 0.3], [], [0.4, 0.5])),
    ]
    truth = [[0.1, 0, 0], [0.2, 0, 0.4], [0, 0, 0.5], [0.3, 0, 0]]
    for name, columns in (("padded", padded), ("ragged", ragged)):
        path = save(tmp_path / f"{name}.rmf", table("MATRIX", columns, TLMIN4=1), ebounds())
        np.testing.assert_allclose(read_rmf(path).matrix.toarray(), truth)


def test_short_rows_are_refused(tmp_path):
    bad = matrix()
    bad.data["N_CHAN"][2] = 2
    with pytest.raises(ReadError, match="row 2 of the matrix is too short"):
        read_rmf(save(tmp_path / "a.rmf", bad, ebounds()))


def test_units_of_energies_and_areas_are_converted(tmp_path):
    hdu = table(
        "SPECRESP", [("ENERG_LO", "D", [1.0]), ("ENERG_HI", "D", [2.0]), ("SPECRESP", "D", [3.0])]
    )
    hdu.columns["ENERG_LO"].unit = hdu.columns["ENERG_HI"].unit = "TeV"
    hdu.columns["SPECRESP"].unit = "m2"
    arf = read_arf(save(tmp_path / "a.arf", hdu))
    assert arf.energy_lo[0] == pytest.approx(1e9)
    assert arf.area[0] == pytest.approx(3e4)


def test_rows_are_not_normalised(tmp_path):
    lossy = matrix()
    lossy.data["MATRIX"][:] = 0.5
    rmf = read_rmf(save(tmp_path / "a.rmf", lossy, ebounds()))
    assert rmf.matrix.sum() == 2.0


# -- spectra -----------------------------------------------------------------------------------


def test_energy_bins_of_no_width_catch_nothing(tmp_path):
    hdu = matrix()
    hdu.data["ENERG_LO"][2] = hdu.data["ENERG_HI"][2] = 4.0
    hdu.data["ENERG_HI"][1] = 4.0
    response = read_response(save(tmp_path / "a.rmf", hdu, ebounds()))
    spectrum = Spectrum([9, 9, 1, 9], exposure=10.0, response=response)
    problem = SpectralProblem(spectrum, PowerLaw())
    # Bins 1 to 2, 2 to 4 and 4 to 5 keV of a law of index 2, and nothing between 4 and 4.
    got = problem.expected(problem.values(photon_index=2.0, normalization=1.0))[0]
    np.testing.assert_allclose(got, 10.0 * np.array([0.5, 0.25, 0.0, 0.05]), rtol=1e-12)


def test_spectrum_of_some_channels_is_matched_by_number(tmp_path):
    save(tmp_path / "a.rmf", matrix(HDUCLAS3="FULL"), ebounds())
    spectrum = read_pha(pha(tmp_path / "a.pha", [5, 6], first=2, RESPFILE="a.rmf"))
    np.testing.assert_array_equal(spectrum.energy_lo, [2, 3])
    photons = np.array([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_allclose(spectrum.folding_matrix() @ photons, [200, 300])


def test_channels_that_do_not_match_are_refused(tmp_path):
    save(tmp_path / "a.rmf", matrix(HDUCLAS3="FULL"), ebounds())
    with pytest.raises(InputError, match="channels of spectrum and response do not match"):
        read_pha(pha(tmp_path / "a.pha", [1, 2, 3, 4], first=3, RESPFILE="a.rmf"))
    pha(tmp_path / "bkg.pha", [1, 2, 3])
    with pytest.raises(InputError, match="channels of spectrum and background do not match"):
        read_pha(pha(tmp_path / "b.pha", BACKFILE="bkg.pha"))


def test_a_matrix_without_area_warns(tmp_path):
    save(tmp_path / "a.rmf", matrix(HDUCLAS3="REDIST"), ebounds())
    with pytest.warns(DataWarning, match="no ARF"):
        read_pha(pha(tmp_path / "a.pha", RESPFILE="a.rmf"))


@pytest.mark.parametrize("name", ["none", "NONE", "  ", "%match%", "None"])
def test_names_that_name_nothing(tmp_path, name):
    spectrum = read_pha(pha(tmp_path / "a.pha", BACKFILE=name, RESPFILE=name, ANCRFILE=name))
    assert spectrum.response is None
    assert not spectrum.backgrounds


def test_names_with_folders_numbers_and_without_gz(tmp_path):
    import gzip

    plain = pha(tmp_path / "bkg.pha", [9, 9, 9, 9])
    (tmp_path / "bkg.pha.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    for name in (
        "bkg.pha",
        "/home/somebody/data/bkg.pha{1}",
        r"C:\data\bkg.pha",
        "bkg.pha[SPECTRUM]",
    ):
        spectrum = read_pha(pha(tmp_path / "a.pha", BACKFILE=name))
        assert spectrum.background_counts.sum() == 36


def test_a_missing_companion_is_an_error_that_names_what_is_there(tmp_path):
    pha(tmp_path / "source_bkg.pha")
    path = pha(tmp_path / "source.pha", BACKFILE="source_bkgd.pha")
    with pytest.raises(ReadError, match=r"there is source_bkg\.pha"):
        read_pha(path)
    assert not read_pha(path, background=False).backgrounds
    assert read_pha(path, background=tmp_path / "source_bkg.pha").backgrounds


def test_a_file_that_names_itself(tmp_path):
    spectrum = read_pha(pha(tmp_path / "a.pha", BACKFILE="a.pha"))
    assert not spectrum.backgrounds
    assert "names itself" in " ".join(spectrum.meta["notes"])


def test_the_column_decides_whether_these_are_rates(tmp_path):
    spectrum = read_pha(pha(tmp_path / "a.pha", HDUCLAS3="RATE"))
    assert not spectrum.is_rate
    assert "taken as counts" in " ".join(spectrum.meta["notes"])
    rates = pha(
        tmp_path / "b.pha", [0.1, 0.2], column="RATE", columns=[("STAT_ERR", "D", [0.01, 0.02])],
        HDUCLAS3="COUNT",
    )  # fmt: skip
    spectrum = read_pha(rates)
    assert spectrum.is_rate
    assert spectrum.counts is None
    np.testing.assert_allclose(spectrum.rate_error, [0.01, 0.02])


def test_errors_that_only_repeat_the_counts_are_not_used(tmp_path):
    counts = np.array([4, 9, 16, 0])
    for name, error in {"poisson": np.sqrt(counts), "gehrels": 1 + np.sqrt(counts + 0.75)}.items():
        path = pha(tmp_path / f"{name}.pha", counts, columns=[("STAT_ERR", "D", error)])
        assert read_pha(path).errors is None
    zero = pha(
        tmp_path / "zero.pha", counts, columns=[("STAT_ERR", "D", np.zeros(4))], POISSERR=True
    )
    assert read_pha(zero).errors is None
    own = pha(tmp_path / "own.pha", counts, columns=[("STAT_ERR", "D", np.full(4, 7.0))])
    np.testing.assert_array_equal(read_pha(own).errors, 7.0)


def test_the_grouping_column_wins_over_the_keyword(tmp_path):
    path = pha(tmp_path / "a.pha", GROUPING=0, columns=[("GROUPING", "I", [1, -1, 1, -1])])
    assert read_pha(path).counts.tolist() == [3, 7]


def test_bad_quality_inside_a_group(tmp_path):
    columns = [("GROUPING", "I", [1, -1, 1, -1]), ("QUALITY", "I", [0, 5, 2, 0])]
    spectrum = read_pha(pha(tmp_path / "a.pha", columns=columns))
    assert spectrum.counts.tolist() == [1, 4]
    assert spectrum.excluded == {"quality is not 0": 2}
    columns[1] = ("QUALITY", "I", [1, 2, 3, 5])
    with pytest.raises(InputError, match="the band is empty"):
        _ = read_pha(pha(tmp_path / "b.pha", columns=columns)).counts


def test_scalings_as_columns_and_keywords(tmp_path):
    pha(tmp_path / "bkg.pha", [10, 10, 10, 10], BACKSCAL=4.0, EXPOSURE=200.0)
    columns = [("AREASCAL", "D", [1.0, 0.5, 0.0, 1.0])]
    spectrum = read_pha(pha(tmp_path / "a.pha", columns=columns, BACKSCAL=2.0, BACKFILE="bkg.pha"))
    np.testing.assert_allclose(spectrum.background_ratio, [0.25, 0.125, 0.25])
    assert spectrum.excluded == {"no area in source or background": 1}


def test_type_two_by_its_columns(tmp_path):
    columns = [
        ("SPEC_NUM", "I", [1, 2]),
        ("COUNTS", "3J", [[1, 2, 3], [4, 5, 6]]),
        ("EXPOSURE", "D", [10.0, 20.0]),
    ]
    rows = table("SPECTRUM", columns, HDUCLAS1="SPECTRUM", HDUCLAS4="TYPE:I")
    path = save(tmp_path / "a.pha", rows)
    with pytest.raises(ReadError, match="holds 2 spectra"):
        read_pha(path)
    second = read_pha(path, row=2)
    assert second.counts.tolist() == [4, 5, 6]
    assert second.exposure == 20
    with pytest.raises(InputError, match="no such row"):
        read_pha(path, row=3)


# -- bad input ---------------------------------------------------------------------------------


def test_what_is_no_spectrum(tmp_path):
    with pytest.raises(ReadError, match="no such file"):
        read_pha(tmp_path / "nothing.pha")
    (tmp_path / "text.pha").write_text("1 2 3\n")
    with pytest.raises(ReadError, match="no FITS file"):
        read_pha(tmp_path / "text.pha")
    path = save(tmp_path / "a.rmf", matrix(), ebounds())
    with pytest.raises(ReadError, match="holds no spectrum"):
        read_pha(path)
    with pytest.raises(ReadError, match="holds 0 effective areas"):
        read_arf(path)
    with pytest.raises(ReadError, match="holds no response matrix"):
        read_rmf(pha(tmp_path / "a.pha"))
    with pytest.raises(ReadError, match="no EBOUNDS"):
        read_rmf(save(tmp_path / "b.rmf", matrix()))


@pytest.mark.parametrize("exposure", [0.0, -5.0])
def test_exposure_must_be_positive(tmp_path, exposure):
    path = pha(tmp_path / "a.pha", EXPOSURE=exposure)
    with pytest.raises(InputError, match="exposure of a spectrum must be positive"):
        read_pha(path)
    assert read_pha(path, exposure=10.0).exposure == 10


def test_a_file_without_exposure(tmp_path):
    path = pha(tmp_path / "a.pha")
    with fits.open(path, mode="update") as hdus:
        del hdus[1].header["EXPOSURE"]
    with pytest.raises(ReadError, match="states no exposure"):
        read_pha(path)
    assert read_pha(path, exposure=3.0).exposure == 3


def test_area_and_matrix_of_different_energies(tmp_path):
    save(tmp_path / "a.rmf", matrix(), ebounds())
    low, high = np.arange(4.0) + 1.1, np.arange(4.0) + 2.1
    columns = [("ENERG_LO", "D", low), ("ENERG_HI", "D", high), ("SPECRESP", "D", np.ones(4))]
    save(tmp_path / "a.arf", table("SPECRESP", columns))
    with pytest.raises(InputError, match="ARF and RMF have different energies"):
        read_response(tmp_path / "a.rmf", tmp_path / "a.arf")


def test_objects_refuse_impossible_numbers():
    with pytest.raises(InputError, match="effective area is negative"):
        ARF([1.0], [2.0], [-1.0])
    with pytest.raises(InputError, match="rising order"):
        ARF([2.0, 1.0], [3.0, 2.0], [1.0, 1.0])
    with pytest.raises(InputError, match="an energy is negative"):
        ARF([-1.0], [2.0], [1.0])
    with pytest.raises(InputError, match="does not fit channels"):
        RMF([1.0], [2.0], np.ones((2, 2)), [1.0, 2.0], [2.0, 3.0])
    with pytest.raises(InputError, match="do not fit the energies"):
        Response.ideal(np.array([1.0, 2.0, 3.0])).fold([1.0])
