"""The class: what it accepts, what it refuses, what it says about itself."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest
from astropy import units as u
from astropy.utils.masked import Masked

import astrokit as ak
from astrokit.errors import DataWarning, InputError, NonFiniteError, ShapeError, UnitError
from astrokit.lightcurve import LightCurveInfo


@pytest.fixture
def curve():
    """Six bins of 10 s, the third missing, with errors and exposure."""
    return ak.LightCurve(
        5.0 + 10.0 * np.arange(6),
        [1.0, 2.0, np.nan, 4.0, -5.0, 6.0],
        np.full(6, 0.5),
        exposure_fraction=[1, 1, 1, 0.5, 1, 0],
    )


def test_invalid_bins(curve):
    assert curve.valid.tolist() == [True, True, False, True, True, False]
    assert np.isnan(curve.rate[~curve.valid]).all()
    assert np.isnan(curve.error[~curve.valid]).all()
    assert curve.rate[4] == -5.0


def test_numbers(curve):
    assert curve.n == len(curve) == 6
    assert curve.duration == 60.0
    assert curve.dt == 10.0
    assert curve.is_evenly_sampled
    assert curve.has_gaps
    assert curve.mean_rate == pytest.approx((1 + 2 + 4 - 5) / 4, rel=1e-15)
    assert curve.exposure == 35.0
    assert curve.gti.tolist() == [[0.0, 20.0], [30.0, 50.0]]
    assert curve.left[0] == 0.0
    assert curve.right[-1] == 60.0


@pytest.mark.parametrize(
    ("time", "rate", "unit", "first"),
    [
        (np.array([1.0, 2.0], dtype=">f8"), np.array([1, 2], dtype=">f4"), "s", 1.0),
        ([1, 2] * u.ks, [1, 2] * u.ct / u.s, "s", 1000.0),
        ([1, 2] * u.d, [1, 2] * u.ct / u.s, "d", 1.0),
        ([1, 2] * u.min, [60, 120] * u.ct / u.min, "s", 60.0),
        ((1, 2), np.ma.array([1.0, 2.0], mask=[False, False]), "s", 1.0),
        (np.array([1.0, 9.0, 2.0, 9.0])[::2], [1.0, 2.0], "s", 1.0),
    ],
)
def test_inputs_of_any_making(time, rate, unit, first):
    lc = ak.LightCurve(time, rate)
    assert lc.info.time_unit == unit
    assert lc.time[0] == first
    assert lc.time.dtype == np.dtype("=f8")
    assert lc.time.flags.c_contiguous


def test_quantities_are_converted_to_the_units_of_the_info():
    info = LightCurveInfo(time_unit="d", rate_unit="mJy")
    lc = ak.LightCurve([86400, 172800] * u.s, [1, 2] * u.Jy, [1, 2] * u.mJy, info=info)
    assert lc.time.tolist() == [1.0, 2.0]
    assert lc.rate.tolist() == [1000.0, 2000.0]
    assert lc.error.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "rate",
    [
        np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False]),
        Masked([1.0, 2.0, 3.0] * u.ct / u.s, mask=[False, True, False]),
        [1.0, np.nan, 3.0],
    ],
)
def test_masked_and_nan_rates_are_missing_bins(rate):
    assert ak.LightCurve([1, 2, 3], rate).valid.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        (([1, 3, 2], [1, 2, 3]), InputError, "not in increasing order.*from_unsorted"),
        (([1, 2, 2], [1, 2, 3]), InputError, "duplicate values"),
        (([1, np.nan, 2], [1, 2, 3]), NonFiniteError, "time has 1 NaN"),
        (([1, 2], [1, 2, 3]), ShapeError, "unequal lengths"),
        (([], []), ShapeError, "too few elements"),
        (([[1, 2]], [[1, 2]]), ShapeError, "1 dimension"),
        (([1, 2], [1, np.inf]), NonFiniteError, "infinite"),
        (([1, 2], ["a", "b"]), InputError, "cannot be read as numbers"),
        (([1, 2] * u.m, [1, 2]), UnitError, "unit"),
    ],
)
def test_refusals(arguments, kind, text):
    with pytest.raises(kind, match=text):
        ak.LightCurve(*arguments)


@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        ({"bin_width": -1.0}, "bin_width is negative"),
        ({"bin_width": [1.0, 2.0, 3.0]}, "unequal lengths"),
        ({"exposure_fraction": [0.5, 1.5]}, "exposure_fraction is out of range"),
        ({"exposure_fraction": [0.5, -0.5]}, "exposure_fraction is out of range"),
        ({"gti": [[3, 1]]}, "stop before they start"),
    ],
)
def test_impossible_keywords(keywords, text):
    with pytest.raises(InputError, match=text):
        ak.LightCurve([1, 2], [1, 2], **keywords)


def test_dates_need_a_time_zero():
    from astropy.time import Time

    for dates in (Time([50000, 50001], format="mjd"), np.array(["2020-01-01"], dtype="M8[D]")):
        with pytest.raises(InputError, match=r"holds dates.*from_timeseries"):
            ak.LightCurve(dates, np.ones(len(dates)))


def test_misspelt_keyword():
    with pytest.raises(TypeError, match="bin_with"):
        ak.LightCurve([1, 2], [1, 2], bin_with=1.0)


@pytest.mark.parametrize("bad", [0.0, -0.1, np.nan])
def test_errors_that_are_none_are_warned_of(bad):
    with pytest.warns(DataWarning, match="1 of 3 bins have a missing, zero or negative error"):
        lc = ak.LightCurve([1, 2, 3], [1, 2, 3], [0.1, bad, 0.1])
    assert lc.valid.tolist() == [True, False, True]


def test_single_precision_exposure_is_accepted():
    lc = ak.LightCurve([1, 2], [1, 2], exposure_fraction=[1.0000001, np.nan])
    assert lc.exposure_fraction.tolist() == [1.0, 0.0]
    assert lc.valid.tolist() == [True, False]


def test_filled_bins_are_kept_on_request():
    info = LightCurveInfo(keeps_filled_bins=True)
    lc = ak.LightCurve([1, 2], [1, 2], exposure_fraction=[1, 0], info=info)
    assert lc.valid.all()


@pytest.mark.parametrize(
    ("time", "width"),
    [
        ([0, 10, 20], 10.0),
        ([0, 10, 30, 40], 10.0),
        ([0, 10, 25, 31], 0.0),
        ([5], 0.0),
        (1e8 + 0.125 * np.arange(5), 0.125),
    ],
)
def test_default_widths(time, width):
    lc = ak.LightCurve(time, np.ones(len(time)))
    assert lc.bin_width == pytest.approx(width, rel=1e-9)


def test_point_samples_have_one_interval():
    lc = ak.LightCurve([0, 10, 25, 31], [1, np.nan, 3, 4])
    assert len(lc.gti) == 1
    assert lc.valid.tolist() == [True, False, True, True]
    assert not lc.is_evenly_sampled
    assert lc.has_gaps


@pytest.mark.parametrize("time", [[0, 1, 3], [0, 1, 2.1]])
def test_uneven_sampling_has_no_dt(time):
    with pytest.raises(InputError, match=r"not evenly sampled.*on_regular_grid"):
        _ = ak.LightCurve(time, [1, 2, 3]).dt


def test_single_bin():
    lc = ak.LightCurve([5.0], [2.0], bin_width=10.0)
    assert lc.dt == 10.0
    assert lc.gti.tolist() == [[0.0, 10.0]]
    with pytest.raises(InputError, match="one point of unknown width"):
        _ = ak.LightCurve([5.0], [2.0]).dt


def test_bins_outside_good_time_are_invalid():
    lc = ak.LightCurve([5, 15, 25], [1, 2, 3], gti=[[0, 12]])
    assert lc.valid.tolist() == [True, True, False]
    np.testing.assert_array_equal(lc.gti, [[0, 12]])


def test_it_is_frozen(curve):
    with pytest.raises(dataclasses.FrozenInstanceError):
        curve.rate = None
    with pytest.raises(ValueError, match="read-only"):
        curve.rate[0] = 3.0
    source = np.array([1.0, 2.0])
    lc = ak.LightCurve([1, 2], source)
    source[0] = 99.0
    assert lc.rate[0] == 1.0


def test_pickle(curve):
    back = pickle.loads(pickle.dumps(curve))
    assert back.checksum() == curve.checksum()
    assert back.info == curve.info


@pytest.mark.parametrize(
    "change",
    [
        {"time": [1, 2.5]},
        {"rate": [1, 3]},
        {"error": [0.1, 0.3]},
        {"error": None},
        {"exposure_fraction": [1, 0.5]},
        {"bin_width": 0.5},
        {"gti": [[0, 10]]},
        {"info": LightCurveInfo(mjdref=5.0)},
    ],
)
def test_checksum_sees_every_part(change):
    base = {"time": [1, 2], "rate": [1, 2], "error": [0.1, 0.2]}
    assert ak.LightCurve(**base).checksum() == ak.LightCurve(**base).checksum()
    assert ak.LightCurve(**(base | change)).checksum() != ak.LightCurve(**base).checksum()


def test_checksum_does_not_depend_on_the_machine():
    """SHA-256 of the documented byte string, built here by hand."""
    import hashlib
    import struct

    lc = ak.LightCurve([1.0, 2.0], [3.0, 4.0], bin_width=1.0)
    text = b"time (2,);" + struct.pack("<2d", 1, 2) + b"rate (2,);" + struct.pack("<2d", 3, 4)
    text += b"error none;bin_width (2,);" + struct.pack("<2d", 1, 1)
    text += b"exposure_fraction none;gti (1, 2);" + struct.pack("<2d", 0.5, 2.5)
    text += b"s ct / s None"
    assert lc.checksum() == hashlib.sha256(text).hexdigest()


def test_provenance_of_arrays(curve):
    facts = curve.provenance_inputs()
    assert facts == {"arrays_sha256": curve.checksum(), "bins": 6, "valid_bins": 4}


def test_printing(curve):
    lines = repr(curve).splitlines()
    assert lines[0] == "LightCurve: 6 bins of 10 s, 4 valid, from 0 to 60 s"
    assert lines[1] == "mean rate 0.5 ct / s, 2 GTIs, 40 s good time"
    far = ak.LightCurve(3.0e8 + np.array([0.5, 1.5]), [1, 2])
    assert "from 300000000 to 300000002 s" in repr(far)
    html = curve._repr_html_()
    assert html.startswith("<table>")
    assert "6 bins of 10 s, 4 valid" in html
    named = ak.LightCurve([1, 2], [1, 2], info=LightCurveInfo(object="<b>", mjdref=50814.0))
    assert "<b>" not in named._repr_html_()
    assert "time zero at MJD 50814" in repr(named)


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("count/s", "ct / s"),
        ("counts/s", "ct / s"),
        ("e-/s", "electron / s"),
        ("erg cm-2 s-1", "erg / (s cm2)"),
        (u.mJy, "mJy"),
        (None, ""),
    ],
)
def test_spellings_of_units(given, canonical):
    assert u.Unit(LightCurveInfo(rate_unit=given).rate_unit) == u.Unit(canonical)
    assert LightCurveInfo(rate_unit=given).rate_unit.replace("cm2 s", "s cm2") == canonical


@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        ({"time_unit": "h"}, "time_unit cannot be used"),
        ({"rate_unit": "bananas"}, "not a unit"),
        ({"energy_range": (10, 2)}, "energy_range"),
        ({"mjdref": np.nan}, "mjdref"),
    ],
)
def test_impossible_info(keywords, text):
    with pytest.raises(InputError, match=text):
        LightCurveInfo(**keywords)


def test_info_title():
    assert LightCurveInfo(object="Mrk 766", mission="XMM-Newton", instrument="EPN").title == (
        "Mrk 766, XMM-Newton EPN"
    )
    kepler = LightCurveInfo(mission="Kepler", instrument="Kepler Photometer")
    assert kepler.title == "Kepler Photometer"
    assert LightCurveInfo(energy_range=(0.3, 10)).title == "0.3-10 keV"


def test_lazy_import_is_light():
    """Making a curve of arrays needs neither astropy.units nor matplotlib nor pandas."""
    import subprocess
    import sys

    code = (
        "import sys, astrokit as ak; ak.LightCurve([1, 2], [3, 4], [0.1, 0.1]).rebin(2);"
        "heavy = ('matplotlib', 'pandas', 'scipy', 'astropy.units', 'astropy.io', 'numba');"
        "sys.exit(','.join(m for m in heavy if m in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
    assert done.returncode == 0
