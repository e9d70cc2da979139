"""Every public file is read as its documentation says, or refused with the reason."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import astrokit as ak
from astrokit.errors import DataWarning, ReadError


@dataclass
class Case:
    """A file, how it is read, and what is known about it from elsewhere."""

    path: str
    n: int
    valid: int
    first: float  # centre of the first bin
    keywords: dict[str, Any] = field(default_factory=dict)
    mjdref: float | None = None
    mean: float | None = None
    fvar: float | None = None
    good_time: float | None = None
    n_gti: int | None = None
    warns: str | None = None
    info: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        extra = "-".join(str(v) for v in self.keywords.get("select", {}).values())
        return self.path.rsplit("/", 1)[-1] + (f"-{extra}" if extra else "")


NUSTAR_MJD = 55197.00076601852
RXTE_MJD = 49353.000696574074
EVENTS_10S = {"bin_size": 10.0}

CASES = [
    Case(
        "lightcurves/mrk766_xmm/mrk766.txt", 1286, 1286, 0.0,
        mean=18.488914, fvar=0.259879, info={"time_unit": "s"},
    ),
    Case(
        "lightcurves/carma_pack/kepler_zw229_Q7.fits", 4375 - 80, 4226, 630.1749036086912,
        mjdref=2454833 - 2400000.5,
        info={"time_unit": "d", "rate_unit": "electron / s", "object": "KIC 6932990"},
    ),
    Case(
        "lightcurves/carma_pack/kepler_zw229_Q7.fits", 4295, 4227, 630.1749036086912,
        {"quality_mask": 0}, mjdref=54832.5,
    ),
    Case(
        "lightcurves/carma_pack/OGLE-LMC-LPV-00007.dat", 437, 437, 2171.86025,
        {"time_unit": "d", "rate_unit": "mag", "mjdref": 49999.5}, mjdref=49999.5,
        info={"rate_unit": "mag", "is_magnitude": True},
    ),
    Case(
        "lightcurves/carma_pack/RRLyrae.txt", 124, 124, 51075.391708,
        {"time_column": 0, "rate_column": 2, "error_column": 3, "select": {1: "g"},
         "rate_unit": "mag"},
        mjdref=0.0, info={"band": "g"},
    ),
    Case("lightcurves/mrk421/mk421swiftbat.csv", 4790, 4790, 53416.0, mjdref=0.0, fvar=1.47),
    Case("lightcurves/mrk421/mk421swiftxrt.dat", 1082, 1082, 53430.184331, mjdref=0.0, fvar=0.5921),
    Case("lightcurves/mrk421/Energia100mev_300GeV_vf.csv", 547, 538, 54682.6562, mjdref=0.0),
    Case(
        "lightcurves/ngc4151_swift/lcdata.csv", 314, 314, 57438.04337,
        {"select": {"Object": "NGC4151", "Filter": "SX"}}, mjdref=0.0,
        info={"object": "NGC4151", "band": "SX"},
    ),
    Case("lightcurves/ngc4151_swift/bat.qdp", 69, 69, 57438.5, mjdref=0.0),
    Case("lightcurves/ngc4151_swift/ark_120_xrt.txt", 96, 96, 56904.061204, mjdref=0.0),
    Case(
        "lightcurves/mrk509/Mrk509Gband.txt", 1858, 1858, 57827.3923,
        {"mjdref": -0.5, "rate_unit": "mag"}, mjdref=-0.5,
    ),
    Case(
        "lightcurves/mrk509/Mrk509Hband.txt", 17, 17, 58612.576743, {"mjdref": -0.5}, mjdref=-0.5
    ),
    Case(
        "lightcurves/mrk509/Mrk509Kband.txt", 17, 17, 58612.576743, {"mjdref": -0.5}, mjdref=-0.5
    ),
    Case(
        "lightcurves/oj287_crts/OJ287.txt", 469, 469, 53469.18946,
        {"select": {"MasterID": 1121045008618}}, mjdref=0.0, info={"rate_unit": "mag"},
    ),
    Case(
        "lightcurves/oj287_crts/OJ287.txt", 605, 605, 53469.18946,
        {"select": {}}, mjdref=0.0, info={"rate_unit": "mag"},
    ),
    Case(
        "lightcurves/oj287_crts/PGC3096192.txt", 430, 430, 53466.26001,
        {"select": {}}, mjdref=0.0, info={"rate_unit": "mag"},
    ),
    Case(
        "lightcurves/grb050525a/gammaray.csv", 58, 58, 133.0, {"duplicates": "average"},
        info={"time_unit": "s"},
    ),
    Case(
        "lightcurves/iar/mcg6_agn_kband.csv", 237, 237, 4087.83418999985,
        {"time_unit": "d", "mjdref": 49999.5}, mjdref=49999.5, fvar=0.0848,
    ),
    Case(
        "lightcurves/stingray/lcurveA.fits", 1026, 1025, 0.0, mjdref=56122.9266977314837,
        info={"object": "Fake X-1", "counting_errors": True},
    ),
    Case("lightcurves/stingray/lcurveA.fits", 1026, 1025, 0.0, {"error_column": False},
         mjdref=56122.9266977314837),
    Case(
        "lightcurves/stingray/lcurve_new.fits", 2000, 11, 80000050.0, mjdref=NUSTAR_MJD,
        n_gti=1, good_time=1025.0,
    ),
    Case(
        "lightcurves/stingray/LightCurve_bexvar.fits", 3740, 24, 626069340.9437184,
        {"band": 0}, mjdref=51543.875, info={"mission": "eROSITA", "band": "band 0"},
    ),
    Case(
        "lightcurves/stingray/laxpc_file_read.fits", 6, 6, 399101682.34276115,
        {"bin_size": 0.1, "gti": False}, mjdref=55197.0,
        info={"mission": "AstroSat", "time_system": "UTC", "instrument": "LAXPC3"},
    ),
    Case("lightcurves/stingray/lc_sample.txt", 22143, 22143, 110911040.0703125),
    Case(
        "lightcurves/xmm_rxte_dave/PN_source_lightcurve_raw.lc", 226, 226, 322332275.654076,
        mjdref=50814.0, fvar=0.04995, n_gti=9731,
        info={"mission": "XMM-Newton", "instrument": "EPN", "background_subtracted": False},
    ),
    Case(
        "lightcurves/xmm_rxte_dave/std1_ao9_01_01.lc", 10451, 10451, 359326073.37843037 + 0.5,
        mjdref=RXTE_MJD, fvar=0.1028, n_gti=3, good_time=10451.0,
    ),
    Case(
        "lightcurves/xmm_rxte_dave/std2_ao9_01_00.lc", 651, 651, 359241139.37843037 + 8.0,
        mjdref=RXTE_MJD, fvar=0.1340, n_gti=3, good_time=10416.0, info={"object": "CYG_X-2"},
    ),
    # Good time 0-225, 425-625 and 825-1025 s in bins of 10 s: 23 + 21 + 21 bins reach half.
    Case(
        "lightcurves/xmm_rxte_dave/test_Gtis.evt", 103, 65, 80000005.0, EVENTS_10S,
        n_gti=3, good_time=625.0,
    ),
    Case("lightcurves/ic10x1_chandra/15803_100s_broad.txt", 1498, 1482, 531702949.76,
         info={"counting_errors": True}),
    Case("lightcurves/lightkurve/ep60021426alldiagnostics.csv", 307, 307, 1862.50236752,
         mjdref=54832.5),
    Case("events/monol_testA.evt", 103, 103, 80000005.0, EVENTS_10S, mjdref=NUSTAR_MJD,
         good_time=1025.0, info={"mission": "NuSTAR", "time_system": "TDB"}),
    Case("events/monol_testA_calib.evt", 103, 103, 80000005.0, EVENTS_10S, mjdref=NUSTAR_MJD,
         good_time=1025.0),
    Case("events/monol_testA_mjdref.evt", 103, 103, 80000005.0, EVENTS_10S, mjdref=NUSTAR_MJD),
    Case("events/monol_testA_timezero.evt", 103, 103, 80000005.2, EVENTS_10S, mjdref=NUSTAR_MJD,
         info={"timezero": 0.2}),
    Case("events/monol_testA_uf.evt", 103, 103, 80000005.0, EVENTS_10S, mjdref=NUSTAR_MJD),
    Case("events/monol_testB.evt", 103, 103, 80000005.0, EVENTS_10S, mjdref=NUSTAR_MJD,
         info={"instrument": "FPMB"}),
    Case("events/nomission.evt", 103, 103, 80000005.0, EVENTS_10S, mjdref=NUSTAR_MJD,
         info={"mission": "babasone"}),
    Case("events/xte_test.evt.gz", 123, 123, 442845936.0 + 3.37842941 + 5.0, EVENTS_10S,
         mjdref=RXTE_MJD, good_time=1226.0, info={"object": "4U_1636-53"}),
    Case("events/xte_gx_test.evt.gz", 10, 10, 503797844.7161176 + 5.0, EVENTS_10S,
         mjdref=RXTE_MJD, warns="GTI extensions differ", info={"time_reference": "SOLARSYSTEM"}),
    Case("events/chandra_test.fits", 95, 95, 339469173.4307151, EVENTS_10S, mjdref=50814.0,
         n_gti=1, good_time=945.3364763, info={"mission": "Chandra", "object": "M82"}),
    Case("events/chandra_noener_test.fits", 95, 95, 339469173.4307151, EVENTS_10S,
         mjdref=50814.0),
]  # fmt: skip

REFUSED = [
    ("lightcurves/carma_pack/RRLyrae.txt", {}, "not clear which column"),
    (
        "lightcurves/carma_pack/RRLyrae.txt",
        {"time_column": 0, "rate_column": 2, "error_column": 3},
        "belong to 5 curves",
    ),
    ("lightcurves/grb050525a/gammaray.csv", {}, r"5 row\(s\) repeat the time"),
    ("lightcurves/grb050525a/gammaray.rda", {}, "R data file"),
    ("lightcurves/iar/agn.rda", {}, "R data file"),
    ("lightcurves/lightkurve/ktwo201907706-c01-first-cadence.fits.gz", {}, "images only"),
    ("lightcurves/lightkurve/tess25155310-s01-first-cadences.fits.gz", {}, "target pixel file"),
    ("lightcurves/ngc4151_swift/lcdata.csv", {}, "belong to 4 curves"),
    ("lightcurves/oj287_crts/OJ287.txt", {}, "belong to 2 curves"),
    ("lightcurves/oj287_crts/PGC3096192.txt", {}, "belong to 2 curves"),
    ("lightcurves/stingray/LightCurve_bexvar.fits", {}, "3 bands per row"),
    ("lightcurves/stingray/laxpc_file_read.fits", {}, "pass bin_size="),
    ("lightcurves/xmm_rxte_dave/std1_ao9_01_01.lc", {"bin_size": 10.0}, "bin_size does not apply"),
    ("events/monol_testA_timezero_gti.evt", {"bin_size": 10.0}, "good time intervals only"),
    ("events/monol_testA.evt", {}, "pass bin_size="),
    (
        "events/chandra_noener_test.fits",
        {"bin_size": 10.0, "energy_range": (1, 2)},
        "no energies",
    ),
]


def fractional_variability(lc):
    """The definition of Vaughan et al. (2003); 0 error for curves without errors."""
    rate = lc.rate[lc.valid]
    noise = 0.0 if lc.error is None else np.mean(lc.error[lc.valid] ** 2)
    return np.sqrt(np.var(rate, ddof=1) - noise) / np.mean(rate)


def read(case, path):
    if case.warns is None:
        return ak.read_lightcurve(path, **case.keywords)
    with pytest.warns(DataWarning, match=case.warns):
        return ak.read_lightcurve(path, **case.keywords)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_file_is_read_as_documented(case, real_data):
    lc = read(case, real_data(case.path))
    assert (lc.n, int(lc.valid.sum())) == (case.n, case.valid)
    # Half a microsecond: XRONOS output holds its start as a day number in double precision.
    assert lc.time[0] == pytest.approx(case.first, rel=0, abs=5e-7)
    if case.mjdref is None:
        assert lc.info.mjdref is None
    else:
        assert lc.info.mjdref == pytest.approx(case.mjdref, rel=0, abs=1e-11)
    if case.mean is not None:
        assert lc.mean_rate == pytest.approx(case.mean, abs=5e-7)
    if case.fvar is not None:
        digits = len(str(case.fvar).split(".")[1])
        assert fractional_variability(lc) == pytest.approx(case.fvar, abs=0.51 * 10**-digits)
    if case.n_gti is not None:
        assert len(lc.gti) == case.n_gti
    if case.good_time is not None:
        assert ak.lightcurve.gti.total(lc.gti) == pytest.approx(case.good_time, abs=1e-6)
    for name, expected in case.info.items():
        assert getattr(lc.info, name) == expected


@pytest.mark.parametrize("case", CASES, ids=str)
def test_report_accounts_for_every_row(case, real_data):
    lc = read(case, real_data(case.path))
    report = lc.read_report
    if "bin_size" not in case.keywords:
        assert report.rows_read - sum(report.rows_dropped.values()) == lc.n
        assert sum(report.bins_invalid.values()) == int((~lc.valid).sum())
    else:
        # Every event that was not dropped is counted in a bin, valid or not.
        fraction = np.where(lc.valid, lc.exposure_fraction, 0.0)
        counted = np.nansum(lc.rate * fraction * lc.bin_width)
        assert counted <= report.rows_used + 1e-6
        if lc.valid.all():
            assert counted == pytest.approx(report.rows_used, abs=1e-6)
    assert report.file == case.path.rsplit("/", 1)[-1]
    text = str(report)
    assert report.file in text
    assert str(real_data(case.path).parent) not in text


@pytest.mark.parametrize(("path", "keywords", "reason"), REFUSED)
def test_file_is_refused_with_the_reason(path, keywords, reason, real_data):
    with pytest.raises((ReadError, ak.errors.InputError), match=reason) as caught:
        ak.read_lightcurve(real_data(path), **keywords)
    assert path.rsplit("/", 1)[-1] in str(caught.value)


def test_no_file_is_left_out():
    names = {n for n in ak.datasets.names() if n.startswith(("lightcurves/", "events/"))}
    documented = {case.path for case in CASES} | {path for path, _, _ in REFUSED}
    assert {n for n in names if not n.endswith("README.md")} == documented


def test_mrk766_says_that_a_bin_was_filled_in(real_data):
    path = real_data("lightcurves/mrk766_xmm/mrk766.txt")
    lc = ak.read_lightcurve(path)
    assert lc.is_evenly_sampled
    assert lc.dt == 100.0
    assert int(np.sum(lc.exposure_fraction < 1)) == 15
    assert any("zero exposure" in text for text in lc.read_report.assumptions)
    strict = ak.read_lightcurve(path, zero_exposure="invalid")
    assert np.flatnonzero(~strict.valid).tolist() == [906]
    # The filled value must not weigh in an average: its exposure is zero.
    both = lc.rebin(1000, min_exposure=0.0), strict.rebin(1000, min_exposure=0.0)
    np.testing.assert_array_equal(both[0].rate, both[1].rate)


def test_mrk766_noise_and_variance(real_data):
    lc = ak.read_lightcurve(real_data("lightcurves/mrk766_xmm/mrk766.txt"))
    assert np.var(lc.rate, ddof=1) == pytest.approx(23.274314, abs=5e-7)
    assert np.mean(lc.error**2) == pytest.approx(0.187365, abs=5e-7)


def test_rms_of_the_sample_curve_is_that_above_poisson_noise(real_data):
    lc = ak.read_lightcurve(real_data("lightcurves/stingray/lc_sample.txt"))
    noise = lc.mean_rate / lc.dt
    rms = np.sqrt(np.var(lc.rate, ddof=1) - noise) / lc.mean_rate
    assert rms == pytest.approx(0.4245, abs=5.1e-5)


def test_energies_of_chandra_are_in_ev(real_data):
    path = real_data("events/chandra_test.fits")
    soft = ak.read_lightcurve(path, bin_size=100.0, energy_range=(0.5, 2.0))
    # Counted with the HEASOFT convention by hand: ENERGY between 500 and 2000 eV.
    from astropy.io import fits

    data, good = fits.getdata(path, 1), fits.getdata(path, 2)
    keep = (data["energy"] >= 500) & (data["energy"] < 2000)
    keep &= (data["time"] >= good["START"][0]) & (data["time"] < good["STOP"][0])
    counts = np.sum(soft.rate * soft.bin_width * soft.exposure_fraction)
    if soft.valid.all():
        assert counts == pytest.approx(keep.sum(), abs=1e-6)
    assert soft.info.energy_range == (0.5, 2.0)


def test_nustar_energies_follow_from_channels(real_data):
    by_channel = ak.read_lightcurve(
        real_data("events/monol_testA.evt"), bin_size=50.0, channel_range=(35, 459)
    )
    by_energy = ak.read_lightcurve(
        real_data("events/monol_testA.evt"), bin_size=50.0, energy_range=(3.0, 20.0)
    )
    np.testing.assert_array_equal(by_channel.rate, by_energy.rate)


def test_columns_of_kepler_can_be_chosen(real_data):
    path = real_data("lightcurves/carma_pack/kepler_zw229_Q7.fits")
    lc = ak.read_lightcurve(path, rate_column="pdcsap_flux")
    assert lc.read_report.columns["rate"] == "PDCSAP_FLUX"
    assert lc.read_report.columns["error"] == "PDCSAP_FLUX_ERR"
    assert lc.rate[1] == np.float32(12674.31)
    full = ak.read_lightcurve(path).on_regular_grid()
    assert full.n == 4375
    assert full.is_evenly_sampled


def test_rxte_pieces_are_the_published_intervals(real_data):
    lc = ak.read_lightcurve(real_data("lightcurves/xmm_rxte_dave/std1_ao9_01_01.lc"))
    pieces = lc.split_by_gti()
    assert [piece.n for piece in pieces] == [3434, 3540, 3477]
    assert all(piece.is_evenly_sampled and piece.valid.all() for piece in pieces)
    assert lc.has_gaps
    assert not lc.is_evenly_sampled
    with pytest.raises(ak.errors.InputError, match="not evenly sampled"):
        _ = lc.dt
    joined = ak.LightCurve.concatenate(pieces)
    np.testing.assert_array_equal(joined.rate, lc.rate)
    np.testing.assert_array_equal(joined.gti, lc.gti)


def test_truncated_event_file_is_noticed(real_data):
    with pytest.warns(DataWarning, match="no event in the last"):
        ak.read_lightcurve(real_data("lightcurves/stingray/laxpc_file_read.fits"), bin_size=10.0)


def test_plain_reading_of_mrk766_is_silent(real_data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ak.read_lightcurve(real_data("lightcurves/mrk766_xmm/mrk766.txt"))
