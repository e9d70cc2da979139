"""Mistakes that users make, and the way out that each message names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import astrokit as ak
from astrokit.errors import AstrokitError, DataWarning, InputError, ReadError

from . import ogip


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (None, "the path of one file"),
        (["a.fits", "b.fits"], "once for each file"),
        (b"a.fits", "a str or Path"),
        ("", "a str or Path"),
        ("https://example.org/a.fits", "download it first"),
        ("~/no/such/file.fits", "no such file.*no/such/file.fits"),
        (Path(__file__).parent, "a folder.*glob"),
    ],
)
def test_what_is_no_file(path, text):
    with pytest.raises((InputError, ReadError), match=text):
        ak.read_lightcurve(path)


@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        ({"time_column": 9}, "no column of this number.*0 TIME"),
        ({"time_column": -1}, "no column of this number"),
        ({"rate_column": 9}, "no column of this number.*0 TIME"),
        ({"timepixr": "start"}, "timepixr cannot be read"),
        ({"min_exposure": "all"}, "min_exposure cannot be read"),
        ({"gti": True}, "leave gti out"),
        ({"band": 0}, "band does not apply"),
        ({"bin_width": -3}, r"bin_width must be > 0 \(got -3.0\)\.$"),
        ({"timezero": float("nan")}, "timezero must be a number"),
    ],
)
def test_overrides_that_cannot_be(tmp_path, keywords, text):
    path = ogip.save(tmp_path / "a.lc", ogip.rates())
    with pytest.raises(AstrokitError, match=text):
        ak.read_lightcurve(path, **keywords)


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ({"TIMEDEL": "long"}, "TIMEDEL is no number.*bin_width="),
        ({"TIMEPIXR": 7.0}, "TIMEPIXR is out of range.*timepixr="),
    ],
)
def test_keywords_that_cannot_be(tmp_path, header, text):
    path = ogip.save(tmp_path / "a.lc", ogip.rates(**header))
    with pytest.raises(ReadError, match=text):
        ak.read_lightcurve(path)


@pytest.mark.parametrize("width", [np.nan, 0.0, -1.0])
def test_widths_that_cannot_be(tmp_path, width):
    columns = {"TIME": [0.0, 10, 20], "RATE": [1.0, 2, 3], "TIMEDEL": [10.0, width, 10.0]}
    path = ogip.save(tmp_path / "a.lc", ogip.table("RATE", columns, ogip.TIME_KEYS))
    with pytest.raises(ReadError, match=r"1 of 3 bin widths .* bin_width="):
        ak.read_lightcurve(path)
    assert ak.read_lightcurve(path, bin_width=10).bin_width == 10.0


def test_intervals_in_another_time_are_told():
    with pytest.warns(DataWarning, match="all bins lie outside the good time intervals"):
        lc = ak.LightCurve([5, 15], [1, 2], gti=[[1e8, 2e8]])
    assert not lc.valid.any()


def test_text_in_an_array_of_objects_is_no_number():
    with pytest.raises(InputError, match="text among the values"):
        ak.LightCurve(np.array(["1", "2"], dtype=object), [1, 2])


def test_what_cannot_be_joined_or_walked_through():
    lc = ak.LightCurve([5, 15], [1, 2])
    for wrong in (lc, ["a.fits", "b.fits"]):
        with pytest.raises(InputError, match=r"a list of light curves.*concatenate\(\[a, b\]\)"):
            ak.LightCurve.concatenate(wrong)
    with pytest.raises(TypeError, match=r"split_by_gti\(\)"):
        list(lc)


def test_equal_curves_are_equal():
    lc, same = (ak.LightCurve([5, 15, 25], [1, np.nan, 2]) for _ in range(2))
    assert lc == same
    assert hash(lc) == hash(same)
    assert lc != ak.LightCurve([5, 15, 25], [1, np.nan, 3])
    assert lc != lc.in_time_unit("d")
    assert lc != "a light curve"


def test_files_that_cannot_be_written(tmp_path):
    lc = ak.LightCurve([5, 15], [1, 2])
    with pytest.raises(InputError, match="folder for the file does not exist"):
        lc.write(tmp_path / "no" / "a.fits")
    with pytest.raises(InputError, match="to_pandas"):
        lc.write(tmp_path / "a.csv")
