"""Traps of FITS files, each in a small file of its own."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

import astrokit as ak
from astrokit.errors import DataWarning, ReadError

from . import ogip


def test_xmm_epiclccorr_layout(tmp_path):
    """RATE ERROR TIME FRACEXP BACKV BACKE, no TIMEPIXR, several STDGTInn."""
    n = 8
    time = 2.0e8 + 50 + 100.0 * np.arange(n)
    rate = np.array([5.0, -0.3, np.nan, 4.0, 6.0, 0.0, 7.0, 5.5])
    hdu = ogip.table(
        "RATE",
        {
            "RATE": rate,
            "ERROR": np.full(n, 0.2),
            "TIME": time,
            "FRACEXP": [1, 1, 1, 0.5, 1, 0.0, 1, 1],
            "BACKV": np.full(n, 0.1),
            "BACKE": np.full(n, 0.05),
        },
        {
            "HDUCLASS": "OGIP", "HDUCLAS1": "LIGHTCURVE", "TIMEDEL": 100.0, "TELESCOP": "XMM",
            "INSTRUME": "EPN", **ogip.TIME_KEYS,
        },
        RATE=("E", "count/s"), ERROR=("E", "count/s"), TIME=("D", "s"), FRACEXP=("E", None),
    )  # fmt: skip
    whole = [[2.0e8, 2.0e8 + 800]]
    path = ogip.save(
        tmp_path / "pn.lc",
        hdu,
        ogip.gti(whole, name="STDGTI01"),
        ogip.gti([[2.0e8, 2.0e8 + 799]], name="STDGTI04"),
        primary={"OBJECT": "PKS 2155-304", "OBS_ID": "0124930501"},
    )
    lc = ak.read_lightcurve(path)
    np.testing.assert_array_equal(lc.time, time)
    assert lc.valid.tolist() == [True, True, False, True, True, False, True, True]
    assert lc.rate[1] == np.float32(-0.3)
    assert lc.exposure_fraction[3] == 0.5
    assert lc.info.background_subtracted is True
    assert (lc.info.mission, lc.info.object) == ("XMM-Newton", "PKS 2155-304")
    assert lc.read_report.timepixr_reason.startswith("no TIMEPIXR; the convention of XMM")
    assert lc.read_report.bins_invalid == {"rate is NaN or empty": 1, "zero exposure": 1}
    # Two overlapping sets of intervals are one set of good time, never 1599 s.
    assert ak.lightcurve.gti.total(lc.gti) == 800.0
    assert "first of 2" in lc.read_report.gti_source
    assert ak.lightcurve.gti.total(ak.read_lightcurve(path, gti="STDGTI04").gti) == 799.0


@pytest.mark.parametrize(
    ("keywords", "shift"),
    [
        ({"TIMEPIXR": 0.0}, 50.0),
        ({"TIMEPIXR": 0.5}, 0.0),
        ({"TIMEPIXR": 1.0}, -50.0),
        ({}, 0.0),
        ({"TELESCOP": "XMM"}, 0.0),
        ({"TELESCOP": "XTE"}, 50.0),
        ({"TELESCOP": "XTE", "TIMEPIXR": 0.5}, 0.0),
    ],
)
def test_time_stamps_become_bin_centres(tmp_path, keywords, shift):
    path = ogip.save(tmp_path / "a.lc", ogip.rates(**keywords))
    lc = ak.read_lightcurve(path)
    assert lc.time[0] == 1000.0 + shift
    assert lc.bin_width == 100.0
    assert ak.read_lightcurve(path, timepixr=0.0).time[0] == 1050.0


@pytest.mark.parametrize(
    ("keywords", "mjd"),
    [
        ({"MJDREF": 50814.0}, 50814.0),
        ({"MJDREF": None, "MJDREFI": 55197, "MJDREFF": 7.6601852e-4}, 55197.00076601852),
        # Where both stand, the split form is the precise one.
        ({"MJDREF": 55197.0, "MJDREFI": 55197, "MJDREFF": 7.6601852e-4}, 55197.00076601852),
        ({"MJDREF": None, "BJDREFI": 2457000, "BJDREFF": 0.0}, 56999.5),
        ({"MJDREF": None, "MJDREFI": 51910}, 51910.0),
        ({"MJDREF": None}, None),
    ],
)
def test_references(tmp_path, keywords, mjd):
    lc = ak.read_lightcurve(ogip.save(tmp_path / "a.lc", ogip.rates(**keywords)))
    assert lc.info.mjdref == mjd
    if mjd is None:
        assert any("no MJDREF" in text for text in lc.read_report.assumptions)


@pytest.mark.parametrize(
    ("primary", "own", "expected"),
    [
        ({"TIMEZERO": 7.0}, {}, 7.0),
        ({}, {"TIMEZERO": 7.0}, 7.0),
        ({"TIMEZERO": 99.0}, {"TIMEZERO": 7.0}, 7.0),
        ({"TIMEZERO": 99.0}, {"TIMEZERO": 0.0}, 0.0),
        ({}, {"TIMEZERI": 6, "TIMEZERF": 0.5}, 6.5),
        ({}, {}, 0.0),
    ],
)
def test_timezero_is_added_to_times_and_intervals(tmp_path, primary, own, expected):
    intervals = ogip.gti([[950, 1450]], {})
    path = ogip.save(tmp_path / "a.lc", ogip.rates(**own), intervals, primary=primary)
    lc = ak.read_lightcurve(path)
    assert lc.time[0] == 1000.0 + expected
    np.testing.assert_allclose(lc.gti, [[950 + expected, 1450 + expected]], rtol=0, atol=1e-9)
    assert lc.info.timezero == expected
    assert int(lc.valid.sum()) == 5
    override = ak.read_lightcurve(path, timezero=-1000.0)
    assert override.time[0] == 0.0
    assert override.gti[0, 0] == -50.0


def test_intervals_with_a_timezero_of_their_own(tmp_path):
    intervals = ogip.gti([[950, 1950]], ogip.TIME_KEYS | {"TIMEZERO": 100.0})
    lc = ak.read_lightcurve(ogip.save(tmp_path / "a.lc", ogip.rates(), intervals))
    assert lc.gti.tolist() == [[1050.0, 2050.0]]


@pytest.mark.parametrize(
    "other",
    [
        {"TIMESYS": "UTC"},
        {"TIMEREF": "SOLARSYSTEM"},
        {"MJDREF": 50815.0},
    ],
)
def test_intervals_in_another_time_are_refused(tmp_path, other):
    path = ogip.save(
        tmp_path / "a.lc", ogip.rates(), ogip.gti([[950, 1950]], ogip.TIME_KEYS | other)
    )
    with pytest.raises(ReadError, match="in another time than the data"):
        ak.read_lightcurve(path)
    assert ak.read_lightcurve(path, gti=False).n == 10
    assert ak.read_lightcurve(path, gti=[[950, 1450]]).valid.sum() == 5


def test_intervals_with_mixed_case_columns_and_in_another_order(tmp_path):
    intervals = ogip.gti([[1450, 1950], [950, 1250]], start="Start", stop="Stop", name="GTI")
    lc = ak.read_lightcurve(ogip.save(tmp_path / "a.lc", intervals, ogip.rates()))
    assert lc.gti.tolist() == [[950.0, 1250.0], [1450.0, 1950.0]]
    assert int(lc.valid.sum()) == 8
    assert lc.read_report.bins_invalid == {"outside the good time intervals": 2}


def test_intervals_that_miss_the_data_are_reported(tmp_path):
    path = ogip.save(tmp_path / "a.lc", ogip.rates(), ogip.gti([[5000, 6000]]))
    with pytest.warns(DataWarning, match="10 of 10 bins lie outside"):
        assert not ak.read_lightcurve(path).valid.any()


def test_timedel_in_days_and_times_in_seconds(tmp_path):
    """XRONOS: TIMEUNIT is the unit of keywords, the column has its own."""
    hdu = ogip.rates(TIMEUNIT="d", TIMEDEL=100.0 / 86400)
    lc = ak.read_lightcurve(ogip.save(tmp_path / "a.lc", hdu))
    assert lc.info.time_unit == "s"
    assert lc.bin_width == pytest.approx(100.0, rel=1e-15)


def test_timedel_absent_or_per_row(tmp_path):
    absent = ak.read_lightcurve(ogip.save(tmp_path / "a.lc", ogip.rates(TIMEDEL=None)))
    assert absent.bin_width == 100.0
    assert absent.read_report.bin_width_reason.startswith("the spacing")
    columns = {"TIME": [0.0, 10, 30], "TIMEDEL": [5.0, 10, 20], "RATE": [1.0, 2, 3]}
    hdu = ogip.table("RATE", columns, {"TIMEPIXR": 0.0, **ogip.TIME_KEYS}, TIME=("D", "s"))
    lc = ak.read_lightcurve(ogip.save(tmp_path / "b.lc", hdu))
    assert lc.bin_width.tolist() == [5.0, 10.0, 20.0]
    assert lc.time.tolist() == [2.5, 15.0, 40.0]


def test_erosita_vector_columns(tmp_path):
    rate = np.array([[1.0, 2.0, 3.0], [np.nan, 5.0, -6.0]])
    hdu = ogip.table(
        "RATE",
        {"TIME": [50.0, 150.0], "RATE": rate, "RATE_ERR": np.ones((2, 3)),
         "FRACEXP": [[1, 1, 1], [0, 0.2, 0.3]]},
        {"HDUCLAS1": "LIGHTCURVE", "TIMEDEL": 100.0, "TELESCOP": "eROSITA", **ogip.TIME_KEYS},
        TIME=("D", "s"), RATE=("3E", "ct/s"), RATE_ERR=("3E", "ct/s"), FRACEXP=("3D", None),
    )  # fmt: skip
    path = ogip.save(tmp_path / "a.fits", hdu)
    with pytest.raises(ReadError, match="3 bands per row"):
        ak.read_lightcurve(path)
    with pytest.raises(ReadError, match="3 bands per row"):
        ak.read_lightcurve(path, band=3)
    last = ak.read_lightcurve(path, band=2)
    assert last.rate.tolist() == [3.0, -6.0]
    assert last.exposure_fraction.tolist() == [1.0, 0.3]
    assert ak.read_lightcurve(path, band=0).valid.tolist() == [True, False]


@pytest.mark.parametrize("telescop", ["NICER", "NuSTAR", "SWIFT"])
def test_xselect_curves_are_relative_to_timezero(tmp_path, telescop):
    """XSELECT writes times from 0, and their start in TIMEZERO of the same header."""
    hdu = ogip.rates(start=0.0, TELESCOP=telescop, TIMEZERO=1.5e8, TIMEPIXR=0.5)
    good = ogip.gti([[1.5e8 - 50, 1.5e8 + 450]], ogip.TIME_KEYS | {"TIMEZERO": 0.0})
    lc = ak.read_lightcurve(ogip.save(tmp_path / "a.lc", hdu, good))
    assert lc.time[0] == 1.5e8
    assert int(lc.valid.sum()) == 5


@pytest.mark.parametrize(
    ("telescop", "channel", "kev"),
    [("NICER", 150, 1.5), ("NuSTAR", 110, 6.0), ("SWIFT", 150, 1.5), ("XMM", 1500, 1.5)],
)
def test_energies_follow_from_channels(tmp_path, telescop, channel, kev):
    columns = {"TIME": [0.5, 1.5, 2.5], "PI": [0, channel, 30000]}
    header = {"TELESCOP": telescop, **ogip.TIME_KEYS}
    hdu = ogip.table("EVENTS", columns, header, TIME=("D", "s"), PI=("J", None))
    path = ogip.save(tmp_path / "a.evt", hdu, ogip.gti([[0, 4]], name="GTI"))
    lc = ak.read_lightcurve(path, bin_size=1.0, energy_range=(kev - 1e-6, kev + 1e-6))
    assert lc.rate.tolist() == [0.0, 1.0, 0.0, 0.0]
    assert lc.read_report.rows_dropped == {f"outside {kev:g} to {kev:g} keV": 2}


def test_tess_quality_bits_and_nan_times(tmp_path):
    n = 6
    hdu = ogip.table(
        "LIGHTCURVE",
        {
            "TIME": [1.0, 1.1, np.nan, 1.3, 1.4, 1.5],
            "SAP_FLUX": np.arange(10.0, 10.0 + n),
            "SAP_FLUX_ERR": np.ones(n),
            "PDCSAP_FLUX": np.arange(20.0, 20.0 + n),
            # 1 attitude tweak; 64 a corrected cosmic ray; 8192 scattered light is bit 14.
            "QUALITY": [0, 1, 0, 64, 0, 128],
        },
        {"TELESCOP": "TESS", "BJDREFI": 2457000, "BJDREFF": 0.0, "TIMEUNIT": "d", "TIMESYS": "TDB",
         "TIMEDEL": 0.1, "TIMEPIXR": 0.5},
        TIME=("D", "BJD - 2457000, days"), SAP_FLUX=("E", "e-/s"), QUALITY=("J", None),
    )  # fmt: skip
    path = ogip.save(tmp_path / "a.fits", hdu)
    lc = ak.read_lightcurve(path)
    assert lc.n == 5
    assert lc.valid.tolist() == [True, False, True, True, False]
    assert (lc.info.time_unit, lc.info.mjdref) == ("d", 56999.5)
    assert lc.read_report.rows_dropped == {"no time (NaN)": 1}
    assert lc.read_report.bins_invalid == {"quality bits": 2}
    assert ak.read_lightcurve(path, quality_mask=0).valid.all()
    assert ak.read_lightcurve(path, quality_mask=64).valid.tolist() == [1, 1, 0, 1, 1]
    with pytest.raises(ReadError, match="no quality column"):
        ak.read_lightcurve(ogip.save(tmp_path / "b.lc", ogip.rates()), quality_mask=1)


def test_counts_become_rates(tmp_path):
    hdu = ogip.table(
        "RATE",
        {"TIME": [5.0, 15, 25], "COUNTS": [40, 0, 90], "FRACEXP": [1.0, 1.0, 0.5]},
        {"HDUCLAS1": "LIGHTCURVE", "HDUCLAS3": "COUNT", "TIMEDEL": 10.0, **ogip.TIME_KEYS},
        TIME=("D", "s"), COUNTS=("J", "count"),
    )  # fmt: skip
    lc = ak.read_lightcurve(ogip.save(tmp_path / "a.lc", hdu))
    assert lc.rate.tolist() == [4.0, 0.0, 18.0]
    np.testing.assert_allclose(lc.error, [np.sqrt(40) / 10, 0.1, np.sqrt(90) / 5], rtol=1e-15)
    assert lc.info.rate_unit == "ct / s"


def test_arrays_are_native_and_read_only(tmp_path):
    lc = ak.read_lightcurve(ogip.save(tmp_path / "a.lc", ogip.rates(), ogip.gti([[950, 1950]])))
    for array in (lc.time, lc.rate, lc.error, lc.gti):
        assert array.dtype == np.dtype("=f8")
        assert array.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_bad_errors_are_invalid_and_reported(tmp_path):
    hdu = ogip.rates()
    hdu.data["ERROR"][:4] = [0.0, -1.0, np.nan, 0.5]
    path = ogip.save(tmp_path / "a.lc", hdu)
    with pytest.warns(DataWarning, match="rate 0 and error 0"):
        lc = ak.read_lightcurve(path)
    assert lc.valid.tolist() == [False, False, False] + [True] * 7
    assert lc.read_report.bins_invalid == {
        "no error (an upper limit?)": 1,
        "error is zero or negative": 2,
    }
    assert ak.read_lightcurve(path, error_column=False).valid.all()


def test_hdu_and_columns_can_be_chosen(tmp_path):
    other = ogip.table("OTHER", {"WHEN": [1.0, 2, 3], "BRIGHT": [7.0, 8, 9]}, ogip.TIME_KEYS)
    path = ogip.save(tmp_path / "a.fits", ogip.rates(), other)
    with pytest.raises(ReadError, match="has no time column"):
        ak.read_lightcurve(path, hdu="OTHER")
    lc = ak.read_lightcurve(path, hdu="other", time_column="when", rate_column="bright")
    assert lc.rate.tolist() == [7.0, 8.0, 9.0]
    with pytest.raises(ReadError, match="has no HDU 9"):
        ak.read_lightcurve(path, hdu=9)
    with pytest.raises(ReadError, match="no column 'NOTHING'"):
        ak.read_lightcurve(path, rate_column="NOTHING")


def test_unsorted_and_duplicate_rows(tmp_path):
    hdu = ogip.rates()
    hdu.data["TIME"][:3] = [1100.0, 1000.0, 1100.0]
    path = ogip.save(tmp_path / "a.lc", hdu)
    with pytest.raises(ReadError, match=r"1 row\(s\) repeat the time"):
        ak.read_lightcurve(path)
    lc = ak.read_lightcurve(path, duplicates="average")
    assert lc.time[:2].tolist() == [1000.0, 1100.0]
    # Rows 0 and 2 have rates 0 and 2 and equal errors: mean 1, error 0.5 / sqrt(2).
    assert lc.rate[1] == pytest.approx(1.0, rel=1e-15)
    assert lc.error[1] == pytest.approx(0.5 / np.sqrt(2), rel=1e-15)
    assert lc.read_report.rows_dropped == {"same time as another row (average)": 1}
    assert any("sorted" in text for text in lc.read_report.assumptions)
    assert ak.read_lightcurve(path, duplicates="first").rate[1] == 0.0
    with pytest.raises(ReadError, match="not in the order of time"):
        ak.read_lightcurve(path, sort=False)


def test_events_of_a_plain_list(tmp_path):
    rng = np.random.default_rng(3)
    times = rng.uniform(0, 1000, 5000)
    hdu = ogip.table("EVENTS", {"TIME": times}, ogip.TIME_KEYS, TIME=("D", "s"))
    path = ogip.save(tmp_path / "a.evt", hdu, ogip.gti([[0, 400], [600, 1000]], name="GTI"))
    lc = ak.read_lightcurve(path, bin_size=100.0)
    expected = np.histogram(times, np.arange(0, 1001, 100))[0] / 100.0
    good = [0, 1, 2, 3, 6, 7, 8, 9]
    np.testing.assert_allclose(lc.rate[good], expected[good], rtol=1e-12)
    assert not lc.valid[[4, 5]].any()
    outside = int(np.sum((times >= 400) & (times < 600)))
    assert lc.read_report.rows_dropped == {"outside the good time intervals": outside}


def test_damaged_and_missing_files(tmp_path):
    with pytest.raises(ReadError, match="no such file"):
        ak.read_lightcurve(tmp_path / "nothing.fits")
    with pytest.raises(ReadError, match="this is a folder"):
        ak.read_lightcurve(tmp_path)
    (tmp_path / "empty.fits").write_bytes(b"")
    with pytest.raises(ReadError, match="is empty"):
        ak.read_lightcurve(tmp_path / "empty.fits")
    path = ogip.save(tmp_path / "a.lc", ogip.rates())
    (tmp_path / "cut.lc").write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ReadError, match=r"cut\.lc"):
        ak.read_lightcurve(tmp_path / "cut.lc")
    (tmp_path / "a.gz").write_bytes(b"\x1f\x8b damaged")
    with pytest.raises(ReadError, match="compressed file is damaged"):
        ak.read_lightcurve(tmp_path / "a.gz")


def test_table_without_rows(tmp_path):
    with pytest.raises(ReadError, match="no rows"):
        ak.read_lightcurve(ogip.save(tmp_path / "a.lc", ogip.rates(n=0)))


def test_units_that_nobody_knows_are_reported(tmp_path):
    hdu = ogip.rates()
    hdu.columns["RATE"].unit = "furlong per fortnight"
    path = tmp_path / "a.lc"
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    lc = ak.read_lightcurve(path)
    assert lc.info.rate_unit == ""
    assert any("not understood" in text for text in lc.read_report.assumptions)
    assert ak.read_lightcurve(path, rate_unit="mJy").info.rate_unit == "mJy"


def test_overrides_may_carry_units(tmp_path):
    from astropy import units as u

    path = ogip.save(tmp_path / "a.lc", ogip.rates())
    lc = ak.read_lightcurve(path, timezero=1 * u.ks, mjdref=51000 * u.d, bin_width=1 * u.min)
    assert lc.time[0] == 2000.0
    assert lc.info.mjdref == 51000.0
    assert lc.bin_width == 60.0
    with pytest.raises(ak.errors.UnitError, match="timezero"):
        ak.read_lightcurve(path, timezero=1 * u.keV)


def test_files_that_were_cut_off_are_refused(tmp_path):
    content = ogip.save(tmp_path / "a.lc", ogip.rates(n=400)).read_bytes()
    for left in (len(content) - 2880, len(content) - 5000):
        path = tmp_path / f"cut{left}.lc"
        path.write_bytes(content[:left])
        with pytest.raises(ReadError, match=r"(ends before its data do|damaged)"):
            ak.read_lightcurve(path)


def test_quality_bits_of_unknown_missions_are_mentioned(tmp_path):
    columns = {"TIME": [0.0, 1, 2], "RATE": [1.0, 2, 3], "QUALITY": [0, 4, 0]}
    hdu = ogip.table("RATE", columns, ogip.TIME_KEYS, TIME=("D", "s"), QUALITY=("J", None))
    path = ogip.save(tmp_path / "a.lc", hdu)
    lc = ak.read_lightcurve(path)
    assert lc.valid.all()
    assert any("1 rows have some set" in text for text in lc.read_report.assumptions)
    assert ak.read_lightcurve(path, quality_mask=4).valid.tolist() == [True, False, True]
