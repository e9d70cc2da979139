"""Traps of text files: line ends, headers, ragged rows, units, several curves in one file."""

from __future__ import annotations

import numpy as np
import pytest

import astrokit as ak
from astrokit.errors import DataWarning, ReadError


@pytest.fixture
def text(tmp_path):
    """Write text to a file, and return its path."""

    def write(content: str | bytes, name: str = "curve.txt"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [" ", ",", "\t", ";", "|", " , "])
@pytest.mark.parametrize("header", ["time rate error", "# time rate error", ""])
def test_line_ends_separators_and_headers(text, end, separator, header):
    lines = [separator.join(header.split(" ")) if "#" not in header else header] if header else []
    lines += [separator.join(row) for row in (["0", "5.5", "0.1"], ["1", "6.5", "0.2"])]
    lc = ak.read_lightcurve(text(end.join(lines) + end))
    assert lc.time.tolist() == [0.0, 1.0]
    assert lc.rate.tolist() == [5.5, 6.5]
    assert lc.error.tolist() == [0.1, 0.2]


def test_byte_order_mark_comments_and_blank_lines(text):
    content = b"\xef\xbb\xbf# made by hand\n\n! also\ntime,rate\n0,1\n\n1,2\n2,3\n"
    lc = ak.read_lightcurve(text(content))
    assert lc.rate.tolist() == [1.0, 2.0, 3.0]
    assert lc.error is None


def test_ragged_rows_are_upper_limits(text):
    lc = ak.read_lightcurve(text("t,x,err\n0,1.0,0.1\n1,9.0,,4.5\n2,1.2\n3,1.1,0.1\n"))
    assert lc.valid.tolist() == [True, False, False, True]
    assert lc.read_report.bins_invalid == {"no error (an upper limit?)": 2}


def test_short_rows_between_blanks_are_refused(text):
    with pytest.raises(ReadError, match="white space cannot show empty"):
        ak.read_lightcurve(text("0 1 0.1\n1 2\n2 3 0.1\n"))


def test_zero_errors_are_invalid(text):
    lc = ak.read_lightcurve(text("time rate err\n0 1 0.1\n1 2 0\n2 3 -1\n"))
    assert lc.valid.tolist() == [True, False, False]
    with pytest.warns(DataWarning, match="rate 0 and error 0"):
        ak.read_lightcurve(text("time rate err\n0 1 0.1\n1 0 0\n2 3 0.1\n"))


def test_magnitudes_are_never_rates(text):
    lc = ak.read_lightcurve(text("MJD,Mag,Magerr\n55000,14.2,0.1\n55001,14.4,0.1\n"))
    assert lc.info.rate_unit == "mag"
    assert lc.info.is_magnitude
    assert any("magnitudes" in remark for remark in lc.read_report.assumptions)
    with pytest.raises(ak.errors.InputError, match="cannot be averaged as rates"):
        lc.rebin(2.0)


@pytest.mark.parametrize(
    ("header", "values", "unit", "mjdref"),
    [
        ("time", (0, 100, 200), "s", None),
        ("time", (53000, 53001, 53002), "d", 0.0),
        ("t", (2453000.5, 2453001.5, 2453002.5), "d", -2400000.5),
        ("MJD", (53000, 53001, 53002), "d", 0.0),
        ("MJD", (3000, 3001, 3002), "d", None),
        ("HJD", (2453000, 2453001, 2453002), "d", -2400000.5),
        ("BJD-2454833", (10, 11, 12), "d", 54832.5),
        ("time [d]", (1, 2, 3), "d", None),
        ("time", (50000, 99000, 200000), "s", None),
    ],
)
def test_units_and_references_of_times(text, header, values, unit, mjdref):
    rows = "\n".join(f"{t!r},1.0" for t in values)
    lc = ak.read_lightcurve(text(f"{header},rate\n{rows}\n"))
    assert (lc.info.time_unit, lc.info.mjdref) == (unit, mjdref)


def test_units_of_time_can_be_given(text):
    path = text("time rate\n1 1\n2 2\n3 4\n")
    assert ak.read_lightcurve(path, time_unit="d").info.time_unit == "d"
    minutes = ak.read_lightcurve(path, time_unit="min", mjdref=55000)
    assert minutes.time.tolist() == [60.0, 120.0, 180.0]
    assert minutes.info.mjdref == 55000.0
    with pytest.raises(ak.errors.UnitError, match="not a unit of time"):
        ak.read_lightcurve(path, time_unit="keV")


def test_several_curves_in_one_file(text):
    path = text("Object,Filter,MJD,Flux,Error\nA,U,55000,1,.1\nA,V,55000,2,.1\nB,U,55001,3,.1\n")
    with pytest.raises(ReadError, match="belong to 2 curves"):
        ak.read_lightcurve(path)
    with pytest.raises(ReadError, match="column 'Filter' differs"):
        ak.read_lightcurve(path, select={"Object": "A"})
    lc = ak.read_lightcurve(path, select={"Object": "A", "Filter": "V"})
    assert (lc.n, lc.rate[0]) == (1, 2.0)
    assert (lc.info.object, lc.info.band) == ("A", "V")
    assert lc.read_report.rows_dropped == {"not selected": 2}
    with pytest.raises(ReadError, match="no row has Filter = 'Z'"):
        ak.read_lightcurve(path, select={"Filter": "Z"})


def test_filled_bins_of_zero_exposure(text):
    good = "t y dy frac\n0 5 .1 1\n100 6 .1 0\n200 7 .1 .5\n"
    assert ak.read_lightcurve(text(good)).valid.all()
    assert not ak.read_lightcurve(text(good), zero_exposure="invalid").valid[1]
    # A zero rate without exposure is no measurement, and nobody filled it in.
    empty = text("t y dy frac\n0 5 .1 1\n100 0 .1 0\n200 7 .1 .5\n")
    assert not ak.read_lightcurve(empty).valid[1]
    assert ak.read_lightcurve(empty, zero_exposure="keep").valid[1]


def test_qdp_with_two_sided_errors_and_blocks(text):
    lc = ak.read_lightcurve(
        text(
            "READ TERR 1\nREAD SERR 2\n! swift\n10 5 -5 1.5 0.1\nNO NO NO NO NO\n"
            "30 15 -5 2.5 0.2\n50 5 -5 NO 0.2\n"
        )
    )
    assert lc.read_report.format == "QDP"
    assert lc.time.tolist() == [10.0, 35.0, 50.0]
    assert lc.bin_width.tolist() == [10.0, 20.0, 10.0]
    assert lc.rate[:2].tolist() == [1.5, 2.5]
    assert lc.valid.tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("just words\nand more words\n", "no row of numbers"),
        ("# only\n# comments\n", "holds no rows"),
        ("time rate\n", "a header and no rows"),
        ("1 2 3 4 5\n6 7 8 9 10\n", "not clear which column"),
        ("when,what\n1,2\n3,4\n", "not clear which column holds the time"),
        (b"\x00\x01\x02binary\x00", "neither FITS nor text"),
        (b"PK\x03\x04rest", "zip archive"),
        ("time,rate\n1,2\n2,two\n", "holds text where a number"),
        ("time,rate\nnan,2\nnan,3\n", "no row has a time"),
    ],
)
def test_refusals(text, content, reason):
    with pytest.raises(ReadError, match=reason):
        ak.read_lightcurve(text(content))


def test_columns_by_name_and_number(text):
    path = text("1 2 3 4\n2 3 4 5\n")
    lc = ak.read_lightcurve(path, time_column=0, rate_column=3, error_column=2)
    assert lc.rate.tolist() == [4.0, 5.0]
    assert lc.error.tolist() == [3.0, 4.0]
    named = text("a,b,c\n1,2,3\n2,3,4\n", "named.csv")
    assert ak.read_lightcurve(named, time_column="A", rate_column="c").rate.tolist() == [3.0, 4.0]
    with pytest.raises(ReadError, match="rate_column is not there"):
        ak.read_lightcurve(named, time_column="a", rate_column="d")
    with pytest.raises(ReadError, match="rate_column is not there"):
        ak.read_lightcurve(path, time_column=0, rate_column=4)


def test_misspelt_keyword_names_the_right_one(text):
    with pytest.raises(TypeError, match="did you mean 'rate_column'"):
        ak.read_lightcurve(text("0 1\n"), rate_colum="x")
    with pytest.raises(TypeError, match="it takes hdu"):
        ak.read_lightcurve(text("0 1\n"), zzzzzz=1)


@pytest.mark.parametrize(
    "keywords",
    [
        {"duplicates": "mean"},
        {"zero_exposure": "drop"},
        {"timepixr": 2.0},
        {"min_exposure": -1},
        {"error_column": True},
    ],
)
def test_impossible_overrides(text, keywords):
    with pytest.raises(ak.errors.InputError, match=next(iter(keywords))):
        ak.read_lightcurve(text("0 1\n1 2\n"), **keywords)


@pytest.mark.parametrize("name", ["bin_size", "hdu", "band", "quality_mask"])
def test_overrides_that_mean_nothing_are_refused(text, name):
    with pytest.raises(ReadError, match=f"{name} does not apply"):
        ak.read_lightcurve(text("0 1\n1 2\n"), **{name: 1})


def test_intervals_of_the_user(text):
    lc = ak.read_lightcurve(text("0 1\n1 2\n2 3\n3 4\n"), gti=[[-0.5, 1.5]])
    assert lc.valid.tolist() == [True, True, False, False]
    assert lc.read_report.gti_source == "given by the user"


def test_report_prints_and_converts(text):
    import json

    lc = ak.read_lightcurve(text("time rate err\n0 1 0.1\n1 2 0\n2 3 0.2\n"))
    facts = lc.read_report.as_dict()
    assert json.loads(json.dumps(facts)) == facts
    shown = str(lc.read_report)
    for part in ("curve.txt", "rate = rate", "3 read, 3 used", "error is zero or negative"):
        assert part in shown
    assert max(len(line) for line in shown.splitlines()) <= 98
    inputs = lc.provenance_inputs()
    assert inputs["sha256"] == facts["sha256"]
    assert inputs["rows_read"] == 3
    assert "/" not in inputs["file"]


def test_long_numeric_tables(text):
    n = 20_000
    rows = np.column_stack([np.arange(n), np.full(n, 2.5), np.full(n, 0.5)])
    path = text("time rate error\n" + "\n".join(" ".join(map(repr, r)) for r in rows.tolist()))
    lc = ak.read_lightcurve(path)
    assert lc.n == n
    assert lc.mean_rate == 2.5


def test_row_numbers_are_no_names_of_curves(text):
    lc = ak.read_lightcurve(text("id,time,rate\n1,0,5\n2,1,6\n3,2,7\n"))
    assert lc.rate.tolist() == [5.0, 6.0, 7.0]
    with pytest.raises(ReadError, match="belong to 2 curves"):
        ak.read_lightcurve(text("id,time,rate\n1,0,5\n2,1,6\n2,2,7\n"))
