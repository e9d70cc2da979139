"""Every format of photometry, every comet file of the reference data, every refusal."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table

from astrokit.comets import CometPhotometry, read_photometry
from astrokit.errors import DataWarning, InputError, ReadError, UnitError
from tests.conftest import real_file


def icq(date: str, *, method: str, magnitude: str, coma: str, observer: str) -> str:
    """Return a line of the ICQ with each field in the columns of the format."""
    line = [" "] * 80
    fields = {4: "2025N1", 12: date, 27: method, 28: magnitude, 36: " 20.3", 50: coma, 76: observer}
    for column, text in fields.items():
        line[column - 1 : column - 1 + len(text)] = text
    return "".join(line)


ICQ = (
    icq("2025 09 12.75", method="S", magnitude=" 12.3 ", coma="  3  ", observer="GON05"),
    icq("2025 09 13.10", method="Z", magnitude=" 12.1:", coma="& 1.5", observer="XXX01"),
    icq("2025 09 14.20", method="S", magnitude="[13.0 ", coma="     ", observer="GON05"),
)
MPC = (
    "    CK25N010  C2025 07 02.15083 18 07 12.31 -18 41 20.1          18.2 oVEC123M22",
    "    CK25N010  C2025 07 03.25083 18 06 12.31 -18 41 20.1          17.9 TVEC123W68",
    "    CK25N010  C2025 07 04.25083 18 05 12.31 -18 41 20.1                VEC123I41",
    "    CK25N010  s2025 07 05.25083 1 + 5000.1234 + 3000.1234 - 200.1234      VEC123C57",
)
PSV = """# version=2017
# observatory
! mpcCode M22
provID|obsTime|ra|dec|stn|mag|rmsMag|band|photAp
C/2025 N1|2025-07-02T03:37:11.7Z|271.8|-18.6|M22|18.2|0.12|o|
C/2025 N1|2025-07-03T03:37:11.7Z|271.5|-18.6|W68|17.9||r|5.5
C/2025 N1|2025-07-04T03:37:11.7Z|271.2|-18.6|I41||||
"""
XML = """<?xml version="1.0" encoding="UTF-8"?>
<ades version="2017"><obsBlock><obsData>
<optical><provID>C/2025 N1</provID><stn>M22</stn><obsTime>2025-07-02T03:37:11.7Z</obsTime>
<mag>18.2</mag><rmsMag>0.12</rmsMag><band>o</band></optical>
<optical><provID>C/2025 N1</provID><stn>W68</stn><obsTime>2025-07-03T03:37:11.7Z</obsTime>
<mag>17.9</mag><band>r</band><photAp>5.5</photAp></optical>
</obsData></obsBlock></ades>
"""


def written(tmp_path, text: str, name: str = "file.txt"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


# -- 80 columns ----------------------------------------------------------------------------------


def test_icq_lines(tmp_path):
    ph = read_photometry(written(tmp_path, "\n".join(ICQ)))
    assert ph.magnitude.tolist() == [12.3, 12.1, 13.0]
    assert ph.fainter_than.tolist() == [False, False, True]
    assert ph.filter.tolist() == ["visual", "method-Z", "visual"]
    assert ph.observer.tolist() == ["GON05", "XXX01", "GON05"]
    np.testing.assert_allclose(ph.time, [60930.75, 60931.10, 60932.20], atol=1e-9)
    np.testing.assert_allclose(ph.aperture, [90.0, 45.0, np.nan])
    assert any("1 magnitudes are marked as poor" in note for note in ph.notes)


def test_bad_icq_lines_are_named_and_the_rest_is_read(tmp_path):
    broken = [ICQ[0], ICQ[1].replace("12.1", "1x.1"), ICQ[2].replace("2025 09 14", "2025 19 14")]
    with pytest.warns(DataWarning, match=r"2 lines could not be read \(line 2: .*line 3: "):
        ph = read_photometry(written(tmp_path, "\n".join(broken)))
    assert len(ph) == 1


def test_mpc_lines(tmp_path):
    ph = read_photometry(written(tmp_path, "\n".join(MPC)))
    assert ph.magnitude.tolist() == [18.2, 17.9]
    assert ph.filter.tolist() == ["o", "T"]
    assert ph.observer.tolist() == ["M22", "W68"]
    np.testing.assert_allclose(ph.time, [60858.15083, 60859.25083], atol=1e-9)
    assert "1 lines without a magnitude left out" in ph.notes
    assert "1 second or deleted lines left out" in ph.notes


@pytest.mark.parametrize("lines", [ICQ, MPC], ids=["icq", "mpc"])
def test_two_comets_in_one_file_are_refused(tmp_path, lines):
    other = lines[0].replace("25N", "24N")
    with pytest.raises(ReadError, match="several objects"):
        read_photometry(written(tmp_path, "\n".join([*lines, other])))


# -- ADES ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "name"), [(PSV, "obs.psv"), (XML, "obs.xml")])
def test_ades(tmp_path, text, name):
    ph = read_photometry(written(tmp_path, text, name))
    assert ph.name == "C/2025 N1"
    assert ph.magnitude.tolist() == [18.2, 17.9]
    np.testing.assert_allclose(ph.error, [0.12, np.nan])
    np.testing.assert_allclose(ph.aperture, [np.nan, 5.5])
    assert ph.filter.tolist() == ["o", "r"]
    assert ph.observer.tolist() == ["M22", "W68"]
    np.testing.assert_allclose(ph.time[0], 60858.15083, atol=1e-5)


def test_broken_psv_lines_are_named(tmp_path):
    text = PSV.replace("|W68|17.9||r|5.5", "|W68|17.9")
    with pytest.warns(DataWarning, match="line 6: 6 cells for 9 columns"):
        assert len(read_photometry(written(tmp_path, text))) == 1


def test_xml_that_declares_entities_is_refused(tmp_path):
    bomb = '<!DOCTYPE lolz [<!ENTITY a "aaaa">]>\n<ades><optical>&a;</optical></ades>'
    with pytest.raises(ReadError, match="entities"):
        read_photometry(written(tmp_path, bomb))


def test_broken_xml_is_refused(tmp_path):
    with pytest.raises(ReadError, match="XML is broken"):
        read_photometry(written(tmp_path, "<ades><optical></ades>"))


# -- tables --------------------------------------------------------------------------------------


def test_ecsv_round_trip(tmp_path):
    ph = CometPhotometry(
        [60800.5, 60801.25],
        [18.25, 17.5],
        error=[0.1, np.nan],
        r=[4.0, 3.9],
        delta=[3, 3],
        phase_angle=[5, 6],
        filter=["g", "r"],
        aperture=[5, 6],
        aperture_unit="km",
        fainter_than=[False, True],
        perihelion_time=60977.0,
        name="3I",
    )
    path = tmp_path / "comet.ecsv"
    ph.to_table().write(path)
    back = read_photometry(path)
    for name in ("time", "magnitude", "error", "r", "delta", "phase_angle", "aperture"):
        np.testing.assert_array_equal(getattr(back, name), getattr(ph, name))
    assert back.filter.tolist() == ["g", "r"]
    assert back.fainter_than.tolist() == [False, True]
    assert (back.perihelion_time, back.name, back.aperture_unit) == (60977.0, "3I", "km")


def test_units_of_a_table_are_converted(tmp_path):
    table = Table({"mjd": [60800.0], "mag": [18.0], "rh": [598391482.8] * u.km})
    path = tmp_path / "km.ecsv"
    table.write(path)
    np.testing.assert_allclose(read_photometry(path).r, 4.0)
    table["rh"].unit = u.s
    table.write(path, overwrite=True)
    with pytest.raises(UnitError, match="column rh"):
        read_photometry(path)


def test_columns_are_named_where_names_do_not_tell(tmp_path):
    path = written(tmp_path, "jd_utc,ap0,ap1\n2460800.5,18.0,17.0\n", "two.csv")
    with pytest.raises(ReadError, match="no column was recognised as the magnitude"):
        read_photometry(path)
    ph = read_photometry(path, columns={"magnitude": "ap1"})
    assert (ph.magnitude.tolist(), ph.time.tolist()) == ([17.0], [60800.0])
    with pytest.raises(ReadError, match="'ap9'"):
        read_photometry(path, columns={"magnitude": "ap9"})
    with pytest.raises(ReadError, match="no column called 'brightness'"):
        read_photometry(path, columns={"brightness": "ap1"})


def test_settings_are_checked(tmp_path):
    with pytest.raises(InputError, match="format is unknown"):
        read_photometry(written(tmp_path, "x"), format="votable")
    with pytest.raises(InputError, match="columns= is for tables"):
        read_photometry(written(tmp_path, PSV), columns={"magnitude": "mag"})
    with pytest.raises(ReadError, match="absent"):
        read_photometry(tmp_path / "absent.csv")
    with pytest.raises(ReadError, match="no row has a magnitude"):
        read_photometry(written(tmp_path, "mjd,mag\n60800,\n60801,\n"))


# -- files of the reference data -----------------------------------------------------------------

FILES = {
    "3i_mpc_ades_20250729": (2098, 3.618, 5.861, {}),
    "3i_rubin_chandler2025": (35, 4.412, 4.482, {}),
    "3i_tess_2026": (
        1835,
        3.114,
        3.354,
        {"magnitude": "ap0_tessmag", "delta": "delta_tess_au", "phase_angle": "alpha_tess_deg"},
    ),
    "3i_tess_s0092_2025": (15, 5.51, 6.315, {"magnitude": "ap_mag", "error": "ap_mag_err"}),
    "lc_104P_ATLAS": (369, 1.073, 2.147, {}),
    "lc_117P_ATLAS": (1291, 3.044, 4.652, {}),
    "lc_179P_ATLAS": (511, 4.141, 4.405, {}),
    "lc_19P_ATLAS": (200, 1.307, 2.767, {}),
    "lc_459P_ATLAS": (417, 1.37, 2.273, {}),
    "lc_67P_ATLAS": (596, 1.213, 2.83, {}),
    "lc_C2021Y1_LOOK": (87, 2.04, 5.301, {}),
    "lc_Gault_ZTF": (65, 2.41, 2.72, {}),
    "lc_LPC_y3": (140, 3.964, 8.58, {}),
    "lc_LPC_0.3a-1b": (140, 3.964, 8.58, {}),
}


@pytest.mark.parametrize("name", FILES)
def test_every_photometry_of_the_reference_data_is_read(name):
    rows, nearest, farthest, columns = FILES[name]
    ph = read_photometry(real_file(f"comet/{name}.csv"), columns=columns or None)
    assert len(ph) == rows
    assert ph.has_geometry
    np.testing.assert_allclose([ph.r.min(), ph.r.max()], [nearest, farthest], atol=0.01)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("3i_mpec_20251217_20260102", "no row has a magnitude"),
        ("3i_horizons_daily_2025_2026", "no column was recognised as the time"),
        ("phase_function_halley_marcus", "no column was recognised as the time"),
    ],
)
def test_files_without_magnitudes_are_refused_for_a_reason(name, why):
    with pytest.raises(ReadError, match=why):
        read_photometry(real_file(f"comet/{name}.csv"))


# -- what newcomers hand in ----------------------------------------------------------------------


def test_words_that_flag_limits_are_read_as_words(tmp_path):
    text = "mjd,mag,fainter_than\n60800,18,False\n60801,19,True\n60802,19,\n"
    ph = read_photometry(written(tmp_path, text, "a.csv"))
    assert ph.fainter_than.tolist() == [False, True, False]


def test_limiting_magnitudes_are_no_flags(tmp_path):
    text = "mjd,mag,limit\n60800,18,19.5\n60801,18.1,19.4\n"
    with pytest.raises(ReadError, match=r"does not tell whether a magnitude is a limit.*19\.5"):
        read_photometry(written(tmp_path, text, "a.csv"))


def test_icq_keeps_the_second_decimal_and_the_calendar(tmp_path):
    lines = (
        icq("2024 02 29.50", method="C", magnitude=" 12.37", coma="  3  ", observer="GON05"),
        icq("2025 02 29.50", method="C", magnitude=" 12.37", coma="  3  ", observer="GON05"),
    )
    with pytest.warns(DataWarning, match="line 2: .* impossible month or day"):
        ph = read_photometry(written(tmp_path, "\n".join(lines)))
    assert ph.magnitude.tolist() == [12.37]
    np.testing.assert_allclose(ph.time, [60369.5])


def test_ades_records_without_time_or_of_impossible_size_are_named(tmp_path):
    head = "provID|obsTime|stn|mag|rmsMag|band|photAp\n"
    good = "A|2025-07-02T03:37:11.7Z|M22|18.2|0.1|o|0\n"  # an aperture of 0 is not known
    bad = "A||M22|18.2|0.1|o|\nA|2025-07-02T03:37:11Z|M22|18.2|-1|o|\n"
    with pytest.warns(DataWarning, match="line 3: the time is missing; line 4: the error is -1"):
        ph = read_photometry(written(tmp_path, head + good + bad))
    assert len(ph) == 1
    assert np.isnan(ph.aperture).all()


def test_an_empty_file_is_named(tmp_path):
    with pytest.raises(ReadError, match=r"a\.csv is empty"):
        read_photometry(written(tmp_path, "\n", "a.csv"))
