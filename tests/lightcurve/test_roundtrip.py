"""What is written is read again to the last bit, whatever the light curve."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import astrokit as ak
from astrokit.errors import InputError
from astrokit.lightcurve import LightCurveInfo

FINITE = st.floats(-1e12, 1e12, allow_nan=False, width=64)
POSITIVE = st.floats(1e-12, 1e12, allow_nan=False, width=64)
TEXT = st.text(max_size=20)


@st.composite
def infos(draw):
    return LightCurveInfo(
        time_unit=draw(st.sampled_from(["s", "d"])),
        rate_unit=draw(st.sampled_from(["ct / s", "electron / s", "mag", "", "erg / (s cm2)"])),
        mjdref=draw(st.none() | st.floats(0, 80000)),
        time_system=draw(st.sampled_from(["", "TT", "TDB", "UTC"])),
        time_reference=draw(st.sampled_from(["", "LOCAL", "SOLARSYSTEM"])),
        timezero=draw(FINITE),
        object=draw(TEXT),
        mission=draw(st.sampled_from(["", "XMM-Newton", "Kepler", "RXTE"])),
        band=draw(TEXT),
        energy_range=draw(st.sampled_from([None, (0.3, 10.0), (1 / 3, 2 / 3)])),
        background_subtracted=draw(st.sampled_from([None, True, False])),
        keeps_filled_bins=draw(st.booleans()),
    )  # fmt: skip


@st.composite
def curves(draw):
    n = draw(st.integers(1, 12))

    def column(element):
        return np.array(draw(st.lists(element, min_size=n, max_size=n)))

    steps = column(st.floats(1e-3, 1e4))
    time = draw(st.floats(-1e9, 1e9)) + np.cumsum(steps)
    rate = np.where(column(st.booleans()), column(FINITE), np.nan)
    widths = st.none() | st.just(0.0) | st.floats(1e-3, 1.0) | st.just(steps * 0.9)
    lows = np.sort(column(st.floats(-1e9, 1e9)))
    arrays = {
        "error": column(POSITIVE) if draw(st.booleans()) else None,
        "bin_width": draw(widths),
        "exposure_fraction": column(st.floats(0, 1)) if draw(st.booleans()) else None,
        "gti": np.column_stack([lows, lows + 1e3]) if draw(st.booleans()) else None,
        "info": draw(infos()),
    }
    with warnings.catch_warnings():
        # Intervals drawn at random often miss all bins.
        warnings.filterwarnings("ignore", "all bins lie outside")
        return ak.LightCurve(time, rate, **arrays)


def assert_identical(a, b):
    np.testing.assert_array_equal(a.time, b.time)
    np.testing.assert_array_equal(a.rate, b.rate)
    np.testing.assert_array_equal(a.valid, b.valid)
    np.testing.assert_array_equal(a.gti, b.gti)
    np.testing.assert_array_equal(a.bin_width, b.bin_width)
    assert np.ndim(a.bin_width) == np.ndim(b.bin_width)
    for name in ("error", "exposure_fraction"):
        mine, other = getattr(a, name), getattr(b, name)
        assert (mine is None) == (other is None)
        if mine is not None:
            np.testing.assert_array_equal(mine, other)
    assert a.info == b.info
    assert a.checksum() == b.checksum()


@pytest.mark.parametrize("suffix", [".fits", ".lc.gz", ".ecsv"])
@settings(max_examples=40)
@given(lc=curves())
def test_files_are_lossless(tmp_path_factory, suffix, lc):
    path = tmp_path_factory.mktemp("trip") / f"curve{suffix}"
    lc.write(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        back = ak.read_lightcurve(path)
    assert_identical(lc, back)
    assert "written by astrokit" in back.read_report.format
    # A second trip changes nothing either.
    assert_identical(back, ak.read_lightcurve(back.write(path, overwrite=True)))


@given(lc=curves())
def test_tables_and_frames_are_lossless(lc):
    assert_identical(lc, ak.LightCurve.from_table(lc.to_table()))
    assert_identical(lc, ak.LightCurve.from_pandas(lc.to_pandas()))


def test_other_programs_read_the_file(tmp_path):
    """Keywords and columns are those of OGIP: here read by plain FITS means."""
    from astropy.io import fits

    info = LightCurveInfo(mjdref=50814.25, time_system="TT", mission="XMM-Newton", object="Mrk 766")
    lc = ak.LightCurve([50, 150], [1.5, 2.5], [0.1, 0.2], exposure_fraction=[1, 0.5], info=info)
    with fits.open(lc.write(tmp_path / "a.fits")) as hdus:
        rates, good = hdus["RATE"], hdus["GTI"]
        assert rates.columns.names == ["TIME", "RATE", "ERROR", "FRACEXP"]
        assert rates.columns["RATE"].unit == "count/s"
        assert (rates.header["MJDREFI"], rates.header["MJDREFF"]) == (50814, 0.25)
        assert (rates.header["TIMEPIXR"], rates.header["TIMEDEL"]) == (0.5, 100.0)
        assert rates.header["HDUCLAS1"] == "LIGHTCURVE"
        assert good.data["START"].tolist() == [0.0]
        assert good.data["STOP"].tolist() == [200.0]


def test_overrides_apply_to_own_files(tmp_path):
    lc = ak.LightCurve([50, 150], [1.5, 2.5], [0.1, 0.2])
    path = lc.write(tmp_path / "a.fits")
    assert ak.read_lightcurve(path, timezero=1000.0).time.tolist() == [1050.0, 1150.0]
    text = lc.write(tmp_path / "a.ecsv")
    assert ak.read_lightcurve(text, error_column=False).error is None


def test_files_are_not_replaced_by_accident(tmp_path):
    lc = ak.LightCurve([50, 150], [1.5, 2.5])
    path = lc.write(tmp_path / "a.fits")
    with pytest.raises(InputError, match="already there"):
        lc.write(path)
    assert lc.write(path, overwrite=True) == path
    with pytest.raises(InputError, match="suffix"):
        lc.write(tmp_path / "a.xyz")


def test_foreign_ecsv_keeps_its_units(tmp_path):
    from astropy import units as u
    from astropy.table import QTable

    path = tmp_path / "a.ecsv"
    QTable({"time": [1.0, 2, 3] * u.d, "flux": [4.0, 5, 6] * u.mJy}).write(path)
    lc = ak.read_lightcurve(path)
    assert (lc.info.time_unit, lc.info.rate_unit) == ("d", "mJy")
    assert lc.rate.tolist() == [4.0, 5.0, 6.0]
