"""Gaia epoch photometry in each of its formats and layouts."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from astropy.io.votable import from_table
from astropy.table import MaskedColumn, Table
from astropy.time import Time

import astrokit as ak
from astrokit.errors import InputError, ReadError
from astrokit.lightcurve import read_gaia

SOURCE = 5937083312263887616  # not a float: its last digits would be lost
TIMES = {"G": [1700.1, 1750.3, 1800.7], "BP": [1700.2, 1800.8], "RP": [1700.3]}
FLUX = {"G": [1000.0, 1200.0, 900.0], "BP": [400.0, 500.0], "RP": [300.0]}
REJECTED = {"G": [False, True, False], "BP": [False, False], "RP": [False]}


def long_table():
    """Return one row per transit and band."""
    rows = [
        (SOURCE, i + 10, band, t, 20 - 2.5 * np.log10(f), f, 0.01 * f, False, bad)
        for band in TIMES
        for i, (t, f, bad) in enumerate(zip(TIMES[band], FLUX[band], REJECTED[band], strict=True))
    ]
    names = ("source_id", "transit_id", "band", "time", "mag", "flux", "flux_error",
             "rejected_by_photometry", "rejected_by_variability")  # fmt: skip
    return Table(rows=rows, names=names)


def wide_table():
    """Return one row per transit, cells of absent bands masked."""
    table = Table()
    table["source_id"] = np.full(3, SOURCE)
    n = {"G": 3, "BP": 2, "RP": 1}
    for band, stem, time in (
        ("G", "g_transit", "g_transit_time"),
        ("BP", "bp", "bp_obs_time"),
        ("RP", "rp", "rp_obs_time"),
    ):

        def padded(values, band=band):
            cells = np.zeros(3)
            cells[: n[band]] = values
            return MaskedColumn(cells, mask=np.arange(3) >= n[band])

        flux = np.array(FLUX[band])
        table[time] = padded(TIMES[band])
        table[f"{stem}_flux"] = padded(flux)
        table[f"{stem}_flux_error"] = padded(0.01 * flux)
        table[f"{stem}_mag"] = padded(20 - 2.5 * np.log10(flux))
        table[f"variability_flag_{band.lower()}_reject"] = padded(REJECTED[band]).astype(bool)
    table["rejected_by_photometry"] = np.zeros(3, dtype=bool)
    return table


def array_table():
    """Return one row per source with arrays in its cells (NaN where a band is absent)."""
    wide = wide_table()
    table = Table()
    table["source_id"] = [SOURCE, SOURCE + 1]
    for name in wide.colnames[1:]:
        column = wide[name]
        values = column.filled(np.nan) if column.dtype.kind == "f" else np.array(column)
        table[name] = np.stack([np.asarray(values), np.asarray(values)])
    return table


def text_of(table):
    """Return CSV as the archive writes it: empty cells, true and false, arrays in quotes."""

    def cell(value):
        if np.ma.is_masked(value):
            return ""
        if isinstance(value, np.ndarray):
            return '"(' + ", ".join(cell(v) for v in value) + ')"'
        if isinstance(value, bool | np.bool_):
            return str(bool(value)).lower()
        return repr(value.item()) if isinstance(value, np.number) else str(value)

    lines = [",".join(table.colnames)]
    lines += [",".join(cell(row[name]) for name in table.colnames) for row in table]
    return "\n".join(lines) + "\n"


def as_bytes(table, kind):
    if kind == "csv":
        return text_of(table).encode()
    if kind == "ecsv":
        stream = io.StringIO()
        table.write(stream, format="ascii.ecsv")
        return stream.getvalue().encode()
    stream = io.BytesIO()
    if kind == "fits":
        table.write(stream, format="fits")
    else:
        from_table(table).to_xml(stream)
    return stream.getvalue()


def saved(tmp_path, content, name="epochs"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


LAYOUTS = {"long": long_table, "wide": wide_table}


@pytest.mark.parametrize("kind", ["csv", "ecsv", "fits", "votable"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_format_and_layout_means_the_same(tmp_path, layout, kind):
    gaia = read_gaia(saved(tmp_path, as_bytes(LAYOUTS[layout](), kind)))
    assert gaia.source_id == SOURCE
    assert list(gaia) == ["G", "BP", "RP"]
    for band, lc in gaia.items():
        assert lc.time.tolist() == pytest.approx(TIMES[band])
        assert lc.valid.tolist() == [not bad for bad in REJECTED[band]]
        assert lc.rate[lc.valid] == pytest.approx(np.array(FLUX[band])[lc.valid])
        assert lc.error[lc.valid] == pytest.approx(0.01 * np.array(FLUX[band])[lc.valid])
    g = gaia["G"]
    assert g.info.rate_unit == "electron / s"
    assert (g.info.time_system, g.info.time_reference) == ("TCB", "SOLARSYSTEM")
    assert g.info.band == "G"
    assert g.bin_width == 0.0
    assert g.read_report.bins_invalid == {"quality bits": 1}
    assert "1 values are invalid: rejected by variability" in g.read_report.assumptions


@pytest.mark.parametrize("kind", ["csv", "fits", "votable"])
def test_arrays_in_one_row_per_source(tmp_path, kind):
    path = saved(tmp_path, as_bytes(array_table(), kind))
    with pytest.raises(ReadError, match="2 sources"):
        read_gaia(path)
    gaia = read_gaia(path, source_id=SOURCE)
    assert {band: lc.n for band, lc in gaia.items()} == {"G": 3, "BP": 2, "RP": 1}
    assert gaia["BP"].rate.tolist() == FLUX["BP"]


def test_zip_archive_of_the_archive(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(f"EPOCH_PHOTOMETRY-Gaia DR3 {SOURCE}.csv", text_of(long_table()))
        archive.writestr(f"XP_SAMPLED-Gaia DR3 {SOURCE}.csv", "source_id\n1\n")
    assert read_gaia(saved(tmp_path, stream.getvalue()))["G"].n == 3


def test_absolute_time_is_barycentric_tcb(tmp_path):
    g = read_gaia(saved(tmp_path, as_bytes(long_table(), "csv")))["G"]
    expected = Time(2455197.5, 1700.1, format="jd", scale="tcb")
    assert abs((g.to_time()[0] - expected).to_value("s")) < 1e-4


def test_magnitudes_with_errors(tmp_path):
    path = saved(tmp_path, as_bytes(long_table(), "csv"))
    g = read_gaia(path, quantity="magnitude")["G"]
    assert g.info.is_magnitude
    assert g.rate[0] == pytest.approx(20 - 2.5 * 3)
    brighter = 20 - 2.5 * np.log10(1010.0)  # one error up in flux
    assert g.error[0] == pytest.approx(g.rate[0] - brighter, rel=0.01)


def test_rejected_values_are_kept_on_request(tmp_path):
    path = saved(tmp_path, as_bytes(wide_table(), "csv"))
    g = read_gaia(path, keep_rejected=("variability",))["G"]
    assert g.valid.all()
    assert any("kept on request" in text for text in g.read_report.assumptions)


def test_irregular_curve_goes_through_the_amplitudes(tmp_path):
    g = read_gaia(saved(tmp_path, as_bytes(long_table(), "csv")))["G"]
    assert ak.timing.fractional_variability(g).value == pytest.approx(0.074, abs=0.01)


def test_real_rows(real_data):
    """Two transits of an RR Lyrae star; the second has no BP and RP, and they are flagged."""
    gaia = read_gaia(real_data("gaia/epoch_photometry_dr3_raw_2rows.csv"))
    assert gaia.source_id == 2328619740476096384
    assert gaia["G"].time.tolist() == [1756.8137006432394, 1808.3702083380067]
    assert gaia["G"].rate[0] == 61379.645021363125
    assert gaia["BP"].n == gaia["RP"].n == 1
    magnitude = read_gaia(
        real_data("gaia/epoch_photometry_dr3_raw_2rows.csv"), quantity="magnitude"
    )["G"]
    assert magnitude.rate.tolist() == [13.717305935966815, 13.355676216889247]
    # Zero points differ by a constant: both give the same difference of magnitudes.
    ratio = -2.5 * np.log10(gaia["G"].rate[1] / gaia["G"].rate[0])
    assert np.diff(magnitude.rate)[0] == pytest.approx(ratio, abs=1e-6)


@pytest.mark.parametrize("kind", ["csv", "fits", "vot"])
def test_other_products_of_the_archive_are_refused(real_data, kind):
    path = real_data(f"gaia/gaia_dr3_source_id_{SOURCE}_dl_products_{kind}.zip")
    with pytest.raises(ReadError, match="one table of epoch photometry"):
        read_gaia(path)


def test_what_is_refused(tmp_path):
    path = saved(tmp_path, as_bytes(long_table(), "csv"))
    with pytest.raises(InputError, match="quantity"):
        read_gaia(path, quantity="counts")
    with pytest.raises(InputError, match="names no flag"):
        read_gaia(path, keep_rejected="variability")
    with pytest.raises(ReadError, match="does not hold this source"):
        read_gaia(path, source_id=SOURCE + 1)
    with pytest.raises(ReadError, match="no table of Gaia"):
        read_gaia(saved(tmp_path, b"time,rate\n1,2\n", "other"))
    with pytest.raises(ReadError, match="no table of a known format"):
        read_gaia(saved(tmp_path, b"\xff\xfe\x00\x01", "binary"))
    with pytest.raises(ReadError, match="cells and the header"):
        read_gaia(saved(tmp_path, as_bytes(long_table(), "csv")[:-40], "cut"))
    with pytest.raises(ReadError, match="whole number"):
        read_gaia(saved(tmp_path, b"source_id,band,time\n5.9e18,G,1\n", "float"))
    with pytest.raises(ReadError, match="columns are missing"):
        read_gaia(saved(tmp_path, b"source_id,band,time\n59,G,1\n", "few"))
    with pytest.raises(ReadError, match="no such file"):
        read_gaia(tmp_path / "absent.csv")
    gaia = read_gaia(path)
    with pytest.raises(InputError, match="no such band"):
        gaia["V"]
    twice = Table([list(c) + list(c)[:1] for c in long_table().columns.values()],
                  names=long_table().colnames)  # fmt: skip
    with pytest.raises(InputError, match="time"):
        read_gaia(saved(tmp_path, as_bytes(twice, "csv"), "twice"))
    assert (
        read_gaia(saved(tmp_path, as_bytes(twice, "csv"), "twice"), duplicates="first")["G"].n == 3
    )


def test_read_lightcurve_points_here(tmp_path):
    with pytest.raises(ReadError, match="read_gaia"):
        ak.read_lightcurve(saved(tmp_path, as_bytes(long_table(), "votable"), "epochs.xml"))
