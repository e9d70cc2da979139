"""Absolute times and other time zeros, against astropy's leap seconds."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.time import Time

import astrokit as ak
from astrokit.errors import DataWarning, InputError
from astrokit.lightcurve import LightCurveInfo

BEFORE_LEAP = 57753.0  # 2016-12-31, a day of 86401 s


def curve(times, **info):
    return ak.LightCurve(times, np.arange(len(times)) + 1.0, info=LightCurveInfo(**info))


def test_days_of_utc_are_day_numbers():
    lc = curve([-0.5, 1.5, 2.5], time_unit="d", mjdref=BEFORE_LEAP, time_system="UTC")
    assert lc.to_time().utc.isot.tolist() == [
        "2016-12-30T12:00:00.000", "2017-01-01T12:00:00.000", "2017-01-02T12:00:00.000",
    ]  # fmt: skip
    assert lc.to_timeseries().time.utc.isot[1] == "2017-01-01T12:00:00.000"


def test_whole_dates_of_utc_are_day_numbers():
    lc = curve([57000.25, 57001.25], time_unit="d", mjdref=0.0, time_system="UTC")
    assert lc.to_time().isot[0] == "2014-12-09T06:00:00.000"
    back = ak.LightCurve.from_timeseries(lc.to_timeseries())
    np.testing.assert_array_equal(back.time, lc.time)


def test_seconds_of_utc_are_elapsed_seconds():
    lc = curve([0.0, 86400.0], mjdref=BEFORE_LEAP, time_system="UTC")
    assert lc.to_time().utc.isot[1] == "2016-12-31T23:59:60.000"
    moved = lc.with_mjdref(BEFORE_LEAP + 1)
    assert moved.time.tolist() == [-86401.0, -1.0]


def test_another_time_zero_is_the_same_time():
    lc = curve([0.0, 100.0, 200.0], mjdref=50814.0, time_system="TT")
    moved = lc.with_mjdref(49353.000696574076)  # RXTE; 64.184 s is TT - UTC in 1994 + 4 s
    assert moved.info.mjdref == 49353.000696574076
    # One double of an MJD is 0.6 microseconds.
    difference = (moved.to_time() - lc.to_time()).sec
    assert np.abs(difference).max() < 7e-7
    np.testing.assert_allclose(moved.gti - lc.gti, moved.time[0] - lc.time[0], rtol=1e-15)
    np.testing.assert_array_equal(moved.rate, lc.rate)


def test_curves_of_two_missions_join():
    xmm = curve([0.0, 100.0], mjdref=50814.0, time_system="TT")
    other = curve([50.0, 150.0], mjdref=50815.0, time_system="TT")
    both = ak.LightCurve.concatenate([other, xmm])
    assert both.info.mjdref == 50815.0
    assert both.time.tolist() == [-86400.0, -86300.0, 50.0, 150.0]
    assert both.rate.tolist() == [1.0, 2.0, 1.0, 2.0]


def test_unknown_frames_say_the_way_out():
    with pytest.raises(InputError, match=r"no absolute reference.*mjdref="):
        curve([1.0, 2.0]).to_time()
    with pytest.raises(InputError, match=r"no absolute reference.*mjdref="):
        curve([1.0, 2.0]).with_mjdref(5.0)
    local = curve([0.0, 1.0], mjdref=50814.0)
    with pytest.raises(InputError, match=r"time scale .* not known.*scale="):
        local.to_time()
    assert local.to_time(scale="tdb").scale == "tdb"
    with pytest.warns(DataWarning, match="times are given as TT"):
        assert local.to_timeseries().time.scale == "tt"


def test_julian_dates_in_tables_are_days():
    from astropy.table import Table

    lc = ak.LightCurve.from_table(Table({"MJD": [57000.0, 57001.0], "flux": [1.0, 2.0]}))
    assert (lc.info.time_unit, lc.info.mjdref) == ("d", 0.0)
    table = Table({"JD": [2457000.5, 2457001.5], "flux": [1.0, 2.0]})
    lc = ak.LightCurve.from_table(table)
    assert lc.to_time(scale="tdb")[0] == Time(2457000.5, format="jd", scale="tdb")
