"""Tables, time series, pandas, lightkurve-like objects, and the figure."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable, Table
from astropy.time import Time
from astropy.timeseries import TimeSeries

import astrokit as ak
from astrokit.errors import InputError
from astrokit.lightcurve import LightCurveInfo

XMM = LightCurveInfo(mjdref=50814.0, time_system="TT", object="Mrk 766", mission="XMM-Newton")


@pytest.fixture
def curve():
    """A curve with a gap, far from its reference."""
    time = 1.0e8 + np.array([50.0, 150, 250, 650, 750])
    return ak.LightCurve(time, [1, 2, np.nan, 4, 5], np.full(5, 0.1), bin_width=100.0, info=XMM)


def test_timeseries_there_and_back(curve):
    series = curve.to_timeseries()
    assert isinstance(series, TimeSeries)
    assert series["rate"].unit == u.ct / u.s
    assert series.time.scale == "tt"
    expected = Time(50814.0 + (1e8 + 50) / 86400, format="mjd", scale="tt")
    assert abs((series.time[0] - expected).sec) < 1e-5
    back = ak.LightCurve.from_timeseries(series)
    np.testing.assert_allclose(back.time, curve.time, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(back.rate, curve.rate)
    assert back.info == curve.info
    assert back.bin_width == curve.bin_width


def test_timeseries_without_reference():
    lc = ak.LightCurve([0.5, 1.5], [1, 2])
    back = ak.LightCurve.from_timeseries(lc.to_timeseries())
    np.testing.assert_allclose(back.time, lc.time, rtol=0, atol=1e-12)
    assert back.info.mjdref is None


def test_lightkurve_like_series():
    """lightkurve's curves are time series with time, flux, flux_err and quality."""
    series = TimeSeries(time=Time([2457001.0, 2457001.5, 2457002.5], format="jd", scale="tdb"))
    series["flux"] = [10.0, np.nan, 12.0] * u.electron / u.s
    series["flux_err"] = [1.0, 1.0, 1.0] * u.electron / u.s
    series["quality"] = [0, 0, 0]
    series.meta["OBJECT"] = "TIC 1"
    lc = ak.LightCurve.from_timeseries(series)
    assert lc.info.time_unit == "d"
    assert lc.info.time_system == "TDB"
    assert lc.info.rate_unit == "electron / s"
    assert lc.info.object == "TIC 1"
    np.testing.assert_allclose(lc.time + lc.info.mjdref + 2400000.5, series.time.jd, atol=1e-9)
    assert lc.valid.tolist() == [True, False, True]
    assert lc.error[0] == 1.0
    assert ak.LightCurve.from_table(series).checksum() == lc.checksum()


def test_foreign_tables():
    table = QTable({"Time": [1, 2] * u.ks, "Flux": [3, 4] * u.mJy, "e_flux": [0.1, 0.2] * u.mJy})
    lc = ak.LightCurve.from_table(table)
    assert lc.time.tolist() == [1000.0, 2000.0]
    assert lc.info.rate_unit == "mJy"
    assert lc.error.tolist() == [0.1, 0.2]
    with pytest.raises(InputError, match="no column looks like a rate"):
        ak.LightCurve.from_table(Table({"time": [1, 2], "what": [3, 4]}))


def test_table_has_units_and_a_mask(curve):
    table = curve.to_table()
    assert table["time"].unit == u.s
    assert table["valid"].tolist() == [True, True, False, True, True]


def test_pandas_of_any_making(curve):
    pd = pytest.importorskip("pandas")
    frame = curve.to_pandas()
    frame.loc[0, "valid"] = False
    edited = ak.LightCurve.from_pandas(frame)
    assert edited.valid.tolist() == [False, True, False, True, True]
    plain = pd.DataFrame({"t": [1.0, 2.0], "rate": [3.0, 4.0], "rate_err": [0.1, 0.1]})
    lc = ak.LightCurve.from_pandas(plain)
    assert lc.rate.tolist() == [3.0, 4.0]
    assert lc.error.tolist() == [0.1, 0.1]


def test_damaged_description_is_refused(curve):
    table = curve.to_table()
    table.meta["astrokit"] = '{"format": 99, "info": {}}'
    with pytest.raises(ak.errors.ReadError, match="newer version"):
        ak.LightCurve.from_table(table)
    table.meta["astrokit"] = "no json"
    with pytest.raises(ak.errors.ReadError, match="damaged"):
        ak.LightCurve.from_table(table)


# ---- the figure ---------------------------------------------------------------------------------


def test_plot_draws_its_data(curve):
    ax = curve.plot()
    data = curve.plot_data()
    line = ax.containers[0].lines[0]
    np.testing.assert_array_equal(line.get_xdata(), data.time)
    np.testing.assert_array_equal(line.get_ydata(), data.rate)
    assert ax.get_title(loc="left") == "Mrk 766, XMM-Newton"
    assert ax.get_xlabel() == data.time_label
    assert len(data.rate) == int(curve.valid.sum())
    # 200 to 600 s after the first bin edge are not good.
    np.testing.assert_allclose(data.gaps, [[200.0, 600.0]], atol=1e-6)
    assert curve.plot(ax=ax) is ax


def test_labels_of_the_plot(curve):
    assert curve.plot_data().time_label == "Time since MJD 51971.40741 TT (s)"
    assert curve.plot_data().rate_label == r"Count rate (ct s$^{-1}$)"
    long = ak.LightCurve(1e5 * np.arange(10.0), np.ones(10), info=LightCurveInfo(rate_unit=""))
    assert long.plot_data().time_label == "Time (d)"
    assert long.plot_data().time[1] == pytest.approx(1e5 / 86400)
    assert long.plot_data().rate_label == "Rate"
    days = LightCurveInfo(time_unit="d", mjdref=0.0, rate_unit="mag")
    mag = ak.LightCurve([55000.0, 55001.5, 55004.0], [14, 15, 16], info=days)
    assert mag.plot_data().time_label == "MJD - 55000 (d)"
    ax = mag.plot()
    assert ax.yaxis_inverted()
    assert ax.get_ylabel() == "Magnitude"
    mag.plot(ax=ax)
    assert ax.yaxis_inverted()


def test_style_reaches_matplotlib(curve):
    ax = curve.plot(color="crimson", label="pn", show_gaps=False)
    assert ax.containers[0].lines[0].get_color() == "crimson"
    assert ax.get_legend_handles_labels()[1] == ["pn"]
    assert len(ax.collections) == 1 + 1 * (len(ax.containers[0].lines[2]) - 1)


def test_curve_without_valid_bins_is_drawn_empty():
    ax = ak.LightCurve([1, 2, 3], [np.nan] * 3).plot()
    assert len(ax.containers[0].lines[0].get_xdata()) == 0
