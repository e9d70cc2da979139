"""Samples, conventions, readers, sessions and sub-bursts."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table

import astrokit as ak
from astrokit.bursts import (
    BurstSample,
    EnergyConvention,
    event_rate,
    merge_sub_bursts,
    read_bursts,
    split_sessions,
)
from astrokit.errors import (
    DataWarning,
    InputError,
    MaskError,
    NonFiniteError,
    ReadError,
    ShapeError,
    UnitError,
)
from tests.contract import quiet_fit

# -- energies --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("convention", "redshift", "distance", "expected"),
    [
        (EnergyConvention(bandwidth=500), 0.0771, 360.3, 7.212e37),
        (EnergyConvention(centre_frequency=1250), 0.098, 453.3, 2.799e38),
    ],
    ids=["Zhang 2023", "Xu 2022"],
)
def test_energies_of_published_tables(convention, redshift, distance, expected):
    """What one Jy ms is in the papers; they give four digits."""
    energy = convention.energy([1.0], redshift=redshift, distance=distance)
    assert energy[0] == pytest.approx(expected, rel=5e-4)


def test_units_of_conventions():
    a = EnergyConvention(bandwidth=0.5 * u.GHz, redshift_power=2)
    b = EnergyConvention(bandwidth=500, redshift_power=2)
    assert a == b
    assert a != EnergyConvention(centre_frequency=500, redshift_power=2)
    energy = [c.energy([1] * u.Jy * u.s, redshift=0.1, distance=1 * u.Gpc)[0] for c in (a, b)]
    assert energy[0] == energy[1]
    once = EnergyConvention(bandwidth=500).energy([1000.0], redshift=0.1, distance=1000)[0]
    assert energy[0] == pytest.approx(once / 1.1)


def test_energies_replace_all_that_goes_with_them():
    sample = BurstSample(fluence=[1.0, 2.0], fluence_error=[0.1, 0.2], threshold=1e30)
    band = EnergyConvention(bandwidth=500)
    new = sample.with_energies(band, redshift=0.1, distance=400, fluence_threshold=0.5)
    np.testing.assert_allclose(new.energy_error / new.energy, 0.1)
    assert new.threshold == pytest.approx(0.5 * new.energy[0])
    assert new.convention_label == "bandwidth 500 MHz, (1+z)^-1"
    from astropy.cosmology import Planck18

    by_cosmology = sample.with_energies(band, redshift=0.1, cosmology=Planck18)
    distance = Planck18.luminosity_distance(0.1)
    again = sample.with_energies(band, redshift=0.1, distance=distance)
    np.testing.assert_allclose(by_cosmology.energy, again.energy)
    assert by_cosmology.threshold is None


# -- samples ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: BurstSample(), InputError, "energies or fluences"),
        (lambda: BurstSample(energy=[1e37, -1e37]), InputError, "index 1"),
        (lambda: BurstSample(energy=[1e37, 0.0]), InputError, "must be > 0"),
        (lambda: BurstSample(energy=[1e37, math.nan]), NonFiniteError, "NaN"),
        (lambda: BurstSample(energy=np.ma.masked_invalid([1e37, math.nan])), MaskError, "masked"),
        (lambda: BurstSample(energy=[1.0] * u.Jy), UnitError, "wrong unit"),
        (lambda: BurstSample(energy=[1e37], mjd=[1.0, 2.0]), ShapeError, "unequal"),
        (lambda: BurstSample(energy=[1e37], energy_error=[-1.0]), InputError, "negative"),
        (lambda: BurstSample(energy=[1e37], saturated=[2]), InputError, "flags"),
        (lambda: BurstSample(energy=[1e37]).require("mjd"), InputError, "no mjd"),
        (lambda: BurstSample(fluence=[1.0]).require("energy"), InputError, "with_energies"),
        (lambda: BurstSample(energy=[1e37]).select([False]), InputError, "no bursts"),
        (lambda: BurstSample(energy=[1e37]).select([True, False]), ShapeError, "unequal"),
        (lambda: BurstSample(energy=[1e37]).select([1]), InputError, "outside the sample"),
        (lambda: BurstSample(energy=[1e37]).select([0.5]), InputError, "integer places"),
        (lambda: BurstSample(fluence=[1.0]).with_energies(500, redshift=0.1, distance=1),
         InputError, "EnergyConvention"),
        (lambda: BurstSample(fluence=[1.0]).with_energies(EnergyConvention(bandwidth=1),
                                                          redshift=0.1), InputError, "neither"),
        (lambda: BurstSample(energy=[1e37]).with_energies(EnergyConvention(bandwidth=1),
                                                          redshift=0.1, distance=1),
         InputError, "no fluence"),
        (lambda: EnergyConvention(), InputError, "neither"),
        (lambda: EnergyConvention(bandwidth=1, centre_frequency=1), InputError, "both"),
        (lambda: ak.bursts.luminosity_distance(0.1), InputError, "cosmology"),
    ],
)  # fmt: skip
def test_mistakes_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_samples_keep_rows_together():
    sample = BurstSample(energy=[3e37, 1e37, 2e37], mjd=[3.0, 1.0, 2.0], saturated=[1, 0, 0],
                         threshold=[1e36, 2e36, 3e36], source="S")  # fmt: skip
    some = sample.select(sample.energy > 1.5e37)
    assert some.mjd.tolist() == [3.0, 2.0]
    assert some.saturated.tolist() == [True, False]
    assert some.threshold.tolist() == [1e36, 3e36]
    assert some == sample.select([0, 2])
    assert some != sample
    table = some.to_table()
    assert table["energy"].unit == u.erg
    assert table.meta["source"] == "S"
    assert "1 lower limits" in repr(some)
    assert "not stated" in some._repr_html_()


# -- sessions --------------------------------------------------------------------------------------


def test_sub_bursts_are_summed():
    mjd = 59000 + np.array([0.0, 0.02, 0.05, 5.0]) / 86400
    sample = BurstSample(energy=[1e37, 4e37, 2e37, 8e37], energy_error=[3e36, 4e36, 0, 1e36],
                         width=[1, 2, 3, 4], bandwidth=[100, 200, 300, 400], snr=[9, 8, 7, 6],
                         mjd=mjd, saturated=[0, 0, 1, 0])  # fmt: skip
    merged = merge_sub_bursts(sample, within=50 * u.ms)
    np.testing.assert_allclose(merged.energy, [7e37, 8e37])
    np.testing.assert_allclose(merged.energy_error, [5e36, 1e36])
    assert merged.width.tolist() == [6, 4]
    assert merged.bandwidth.tolist() == [200, 400]
    assert merged.snr.tolist() == [9, 6]
    assert merged.saturated.tolist() == [True, False]
    assert merged.mjd[0] == mjd[1]
    assert "4 parts" in merged.notes[-1]
    assert len(merge_sub_bursts(sample, within=0.025)) == 3


def test_sessions_split_at_gaps():
    sample = BurstSample(energy=[1e37] * 5, mjd=[10.3, 10.0, 10.1, 12.0, 12.01])
    first, second = split_sessions(sample, gap=0.5)
    np.testing.assert_allclose(first.waiting_times, [8640, 17280])
    assert len(second) == 2
    assert second.duration == pytest.approx(864)
    assert second.rate.value == pytest.approx(3600 / 864)
    assert "2 bursts" in repr(second)
    waits = ak.bursts.waiting_times(sample, gap=0.5)
    assert waits.size == 3


def test_observations_give_rates_their_time():
    sample = BurstSample(energy=[1e37] * 3, mjd=[10.0, 10.01, 12.0])
    spans = [[9.99, 10.03], [11.9, 12.1]]
    first, second = split_sessions(sample, observations=spans)
    assert first.is_observation
    assert first.rate.value == pytest.approx(2 / 0.96)
    assert len(second) == 1
    with pytest.raises(InputError, match="outside every observation"):
        split_sessions(sample, observations=spans[:1])
    with pytest.raises(InputError, match="pairs"):
        split_sessions(sample, observations=[[2.0, 1.0]])


def test_observations_in_which_nothing_was_seen_count():
    """Left out, they would make every rate too high."""
    sample = BurstSample(energy=[1e37] * 3, mjd=[10.0, 10.01, 12.0])
    spans = [[11.0, 11.5], [9.99, 10.03], [11.9, 12.1]]
    sessions = split_sessions(sample, observations=spans)
    assert [len(s) for s in sessions] == [2, 0, 1]
    empty = sessions[1]
    assert empty.sample is None
    assert empty.times.size == empty.waiting_times.size == 0
    assert empty.rate.limit == "upper"
    assert "0 bursts" in repr(empty)
    assert ak.bursts.waiting_times(sessions).size == 1
    # For shape 1 ln L is that of a Poisson process over all the time: n ln r - r T.
    seconds = (0.04 + 0.5 + 0.2) * 86400
    found = ak.bursts.WeibullRateProblem(sessions).log_likelihood([1e-4, 1.0])[0]
    assert found == pytest.approx(3 * math.log(1e-4) - 1e-4 * seconds, rel=1e-9)


def test_observations_do_not_share_bursts():
    sample = BurstSample(energy=[1e37] * 3, mjd=[10.0, 10.5, 11.0])
    sessions = split_sessions(sample, observations=[[10.0, 10.5], [10.5, 11.0]])
    assert [len(s) for s in sessions] == [2, 1]
    with pytest.raises(InputError, match="overlap"):
        split_sessions(sample, observations=[[10.0, 10.6], [10.5, 11.0]])
    with pytest.raises(InputError, match="read as numbers"):
        split_sessions(sample, observations=[["10", "x"]])


@pytest.mark.parametrize("mean", [0.7, 3.0, 20.0])
def test_rate_intervals_cover(mean):
    """Exact Poisson intervals cover at least at their level."""
    from scipy.stats import poisson

    k = np.arange(0, 120)
    inside = []
    for n in k:
        rate = event_rate(int(n), 3600.0)
        low, high = (0, rate.value) if rate.limit else rate.interval
        inside.append(low <= mean <= high)
    assert poisson.pmf(k, mean)[inside].sum() >= 0.6827


def test_rates_of_nothing():
    assert event_rate(0, 3600).limit == "upper"
    assert event_rate(0, 3600, level=0.95).value == pytest.approx(-math.log(0.05))
    assert math.isnan(event_rate(0, 0.0).value)
    with pytest.raises(InputError):
        event_rate(-1, 1.0)


# -- files -----------------------------------------------------------------------------------------


def test_the_table_of_li_2021(real_data):
    sample = read_bursts(real_data("frb20121102"), source="FRB 20121102A")
    assert len(sample) == 1652
    assert sample.source == "FRB 20121102A"
    assert sample.energy[0] == 8.426e37
    factor = np.median(sample.energy / sample.fluence)
    assert factor == pytest.approx(1.0705e39, rel=2e-4)
    assert sample.bandwidth[0] == 110
    assert sample.inputs[0]["rows_read"] == 1652
    assert "in erg" in sample.notes[0]


def test_the_table_of_xu_2022(real_data):
    sample = read_bursts(real_data("frb20201124a-fast"))
    assert len(sample) == 1863
    assert sample.energy is None
    assert sample.fluence[1] == 2.5309
    assert sample.snr[3] == 1181.76
    assert "Jy ms" in sample.notes[0]


def test_the_table_of_zhang_2023(real_data):
    sample = read_bursts(real_data("frb20220912a"))
    assert len(sample) == 1076
    assert sample.energy[0] == pytest.approx(39.79e36)
    again = sample.with_energies(EnergyConvention(bandwidth=500), redshift=0.0771, distance=360.3)
    bright = sample.fluence > 0.5
    np.testing.assert_allclose(again.energy[bright], sample.energy[bright], rtol=2e-3)
    assert again.convention == sample.convention


def test_the_tables_of_kirsten_and_chime(real_data):
    kirsten = read_bursts(real_data("frb20201124a-kirsten"))
    assert len(kirsten) == 46
    assert "317 components" in kirsten.notes[0]
    path = real_data("chime-repeaters")
    with pytest.warns(DataWarning, match="35 of 373 rows"):
        chime = read_bursts(path, source="FRB 20220912A")
    assert len(chime) == 338
    with pytest.raises(ReadError, match="several sources"):
        read_bursts(path)


def table():
    t = Table()
    t["MJD"] = [59000.1, 59000.2, 59000.3]
    t["Fluence"] = [0.5, 1.5, 2.5] * u.Jy * u.ms
    t["e_Fluence"] = [50.0, 60.0, 70.0] * u.mJy * u.ms
    t["Width"] = [0.001, 0.002, 0.003] * u.s
    t["S/N"] = [10.0, 20.0, 30.0]
    return t


@pytest.mark.parametrize(("name", "format"), [("b.ecsv", "ascii.ecsv"), ("b.fits", "fits")])
def test_tables_with_units(tmp_path, name, format):
    t = table()
    if format == "fits":
        t.rename_column("S/N", "SNR")
    t.write(tmp_path / name, format=format)
    sample = read_bursts(tmp_path / name, source="S")
    assert sample.fluence.tolist() == [0.5, 1.5, 2.5]
    np.testing.assert_allclose(sample.fluence_error, [0.05, 0.06, 0.07])
    np.testing.assert_allclose(sample.width, [1, 2, 3])
    assert sample.snr.tolist() == [10, 20, 30]
    assert sample.source == "S"


def test_columns_and_units_can_be_named(tmp_path):
    path = tmp_path / "b.csv"
    path.write_text("when,how_much\n59000.1,500\n59000.2,1500\n")
    sample = read_bursts(path, columns={"mjd": "when", "fluence": "how_much"},
                         units={"fluence": "mJy ms"})  # fmt: skip
    np.testing.assert_allclose(sample.fluence, [0.5, 1.5])
    with pytest.raises(ReadError, match="does not tell the unit"):
        read_bursts(path, columns={"fluence": "how_much"})
    with pytest.raises(ReadError, match="is no fluence"):
        read_bursts(path, columns={"fluence": "how_much"}, units={"fluence": "erg"})
    with pytest.raises(ReadError, match="has no column 'x'"):
        read_bursts(path, columns={"fluence": "x"})
    with pytest.raises(ReadError, match="no such field"):
        read_bursts(path, columns={"fluenz": "how_much"})
    with pytest.raises(ReadError, match="neither energies nor fluences"):
        read_bursts(path)


def test_a_table_of_several_sources_needs_a_name(tmp_path):
    path = tmp_path / "b.csv"
    path.write_text("source,energy_erg\nFRB A,1e37\nFRB B,2e37\nFRB A,3e37\n")
    assert read_bursts(path, source="FRB A").energy.tolist() == [1e37, 3e37]
    with pytest.raises(ReadError, match="several sources"):
        read_bursts(path)
    with pytest.raises(ReadError, match="FRB A, FRB B"):
        read_bursts(path, source="FRB C")


def test_the_bundled_bursts_are_made_by_their_generator(tmp_path):
    import runpy

    generator = Path(__file__).parents[2] / "data" / "make_simulated_bursts.py"
    script = runpy.run_path(str(generator))
    script["main"].__globals__["HERE"] = tmp_path
    script["main"]()
    made = (tmp_path / "simulated_bursts.csv").read_bytes()
    bundled = ak.datasets.fetch("simulated-bursts")
    assert Path(bundled).read_bytes() == made
    for name, (_, low, high, place) in script["SOURCES"].items():
        sample = read_bursts(bundled, source=name)
        search = ak.bursts.LogisticCompleteness(script["HALF"], script["WIDTH"])
        model = ak.bursts.BrokenPowerLaw()
        problem = ak.bursts.EnergyProblem(
            sample, model, threshold=script["LOWEST"], completeness=search
        )
        fit = quiet_fit(problem)
        for key, truth in (("index_low", low), ("index_high", high),
                           ("log_break_energy", math.log10(place))):  # fmt: skip
            assert abs(fit[key].sigma_from(truth)) < 4, (name, key)


def test_vizier_output(tmp_path):
    path = tmp_path / "asu.tsv"
    path.write_text(
        "#\n#Column\tMJD\t(F15.9)\tTime\n#Column\tFlu\t(F7.4)\tFluence\nMJD\tFlu\nd\tJy.ms\n"
        "-----\t-----\n59000.1\t 0.5\n59000.2\t 1.5\n\n"
    )
    sample = read_bursts(path)
    assert sample.fluence.tolist() == [0.5, 1.5]
    path.write_text(path.read_text().replace("\t 1.5", ""))
    with pytest.raises(ReadError, match="1 cells"):
        read_bursts(path)


def test_gaps_are_told(tmp_path):
    path = tmp_path / "b.csv"
    path.write_text("mjd,fluence_jyms,width_ms\n1,0.5,1\n2,,2\n3,1.5,\n")
    with pytest.warns(DataWarning) as seen:
        sample = read_bursts(path)
    assert len(sample) == 2
    assert sample.width is None
    assert [str(w.message).split(": ")[1][:10] for w in seen] == ["1 of 3 row", "the column"]
    assert sample.inputs[0]["rows_dropped"] == 1


def test_files_that_are_no_tables(tmp_path):
    with pytest.raises(ReadError, match="no such file"):
        read_bursts(tmp_path / "none.csv")
    path = tmp_path / "b.fits"
    path.write_bytes(b"SIMPLE  = but no more")
    with pytest.raises(ReadError, match="header of the FITS file has no end"):
        read_bursts(path)


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("mjd,energy_erg\n1,1e38\n2,abc\n", {}, "abc in row 2"),
        ("energy_erg,saturated\n1e38,yes\n1e38,perhaps\n", {}, "perhaps in row 2"),
        ("energy_1e36erg,x\n1,2\n3,4\n", {"columns": {"energy": "energy_1e36erg"}},
         "does not tell the unit"),
    ],
)  # fmt: skip
def test_tables_that_mislead_are_refused(tmp_path, text, options, words):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(ReadError, match=words):
        read_bursts(path, **options)


@pytest.mark.parametrize("words", [("True", "False"), ("yes", "no"), ("1", "0"), ("T", "")])
def test_flags_of_a_table(tmp_path, words):
    path = tmp_path / "t.csv"
    rows = [f"{i},1e38,{words[i % 2]}" for i in range(4)]
    path.write_text("\n".join(["mjd,energy_erg,saturated", *rows]))
    assert read_bursts(path).saturated.tolist() == [True, False, True, False]


def test_a_published_table_keeps_its_source(tmp_path):
    path = tmp_path / "zhang.csv"
    path.write_text("mjd_bary,fluence_jyms,energy_1e36erg\n59880.1,0.5,36\n59880.2,1,72\n")
    for name in ("", "FRB 20220912A", "FRB20220912A", "FRB 220912"):
        assert read_bursts(path, source=name).source == "FRB 20220912A"
    with pytest.raises(ReadError, match="another source"):
        read_bursts(path, source="FRB 20121102A")


@pytest.mark.parametrize(
    "text",
    [
        "J/other/Nat/598.267 is cited in this text\nwhich has a line\nand some\nothers\n",
        "mjd_bary,fluence_jyms,energy_1e36erg\n59880.1,0.5,36\n59880.2,1\n",
        "mjd_bary,fluence_jyms,energy_1e36erg\n",
    ],
)
def test_damaged_published_tables_are_named(tmp_path, text):
    path = tmp_path / "t.txt"
    path.write_text(text)
    with pytest.raises(ReadError, match="does not go on as one"):
        read_bursts(path)
