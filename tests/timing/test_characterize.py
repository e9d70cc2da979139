"""`characterize`: rows and reasons, many observations, seeds, and every real curve."""

from __future__ import annotations

import pickle
import warnings
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from astropy.table import Table

import astrokit as ak
from astrokit.errors import DataWarning, InputError
from astrokit.timing import characterize, measures
from tests.lightcurve.test_reference_files import CASES

QUICK = [
    measures.Sampling(),
    measures.Amplitudes(scatter=10),
    measures.Timescales(scatter=10, doppler_factor=20, redshift=0.116),
    measures.PowerSpectrum(),
    measures.FluxShape(n=9, level=0.1),
    measures.RmsFlux(),
    measures.Hardness(n=50),
]


def epoch(number):
    path = ak.datasets.fetch(f"simulated-epoch-{number:02d}")
    return tuple(ak.read_lightcurve(path, hdu=band) for band in ("SOFT", "HARD"))


@pytest.fixture(scope="module")
def result():
    return characterize(epoch(5), measures=QUICK)


def test_everything_applies_to_two_bands(result):
    assert result.reasons == {}
    assert set(result.results) == {
        "power_spectrum", "flux_distribution", "rms_flux", "hardness", "hardness_correlation",
        "minimum_timescale",
    }  # fmt: skip
    lc = result.lightcurve
    direct = ak.timing.fractional_variability(lc)
    assert result["fractional_variability"].value == direct.value
    assert result["duration"].value == lc.duration
    counts = np.sum((lc.rate * lc.exposure_fraction)[lc.valid]) * 100.0
    assert result["counts"].value == pytest.approx(counts)
    tau, size = result["minimum_timescale_adjacent"], result["region_size"]
    assert size.value == pytest.approx(2.99792458e10 * tau.value * 20 / 1.116)
    exact = ak.timing.PSDProblem(lc, ak.timing.PowerLaw()).fit()
    assert result["slope"].value == pytest.approx(exact["slope"].value, abs=1e-3)
    assert result.measurement("flux_verdict").text == "bimodal"


def test_a_process_scatters_more_than_noise(result):
    assert result["fractional_variability_of_process"].error > 5 * (
        result["fractional_variability"].error
    )


def test_residuals_of_a_true_model_are_white_and_normal():
    """Slope 2 as simulated: both p-values are no accident. A wrong slope shows at once."""
    good = characterize(epoch(1)[0], measures=["power_spectrum"])
    assert good["psd_p_normal"].value > 1e-3
    assert good["psd_p_white"].value > 1e-3
    flat = measures.PowerSpectrum(ak.timing.PowerLaw(slope=0.5))
    bad = characterize(epoch(1)[0], measures=[flat])
    assert min(bad["psd_p_normal"].value, bad["psd_p_white"].value) < 1e-6


def test_prints_and_tables(result):
    text = repr(result)
    assert "flux_verdict" in text
    assert "bimodal" in text
    assert "<table>" in result._repr_html_()
    table = result.to_table()
    assert len(table) == len(result.measurements)
    row = table[table["name"] == "duration"][0]
    assert (row["value"], row["unit"]) == (51000.0, "s")
    assert pickle.loads(pickle.dumps(result)).label == result.label


def test_figure_and_its_data(result):
    axes = result.plot()
    assert len(axes) == 4
    assert axes[1].get_xlabel() == "Frequency (Hz)"
    assert set(result.plot_data()) == {"lightcurve", "flux_distribution", "rms_flux"}
    bare = characterize(result.lightcurve, measures=["sampling"])
    assert "not measured" in bare.plot()[1].texts[0].get_text()


def test_reasons_stand_where_something_does_not_apply():
    lc = epoch(5)[0]
    single = characterize(lc, measures=["hardness", "amplitudes"])
    assert "one band only" in single.reasons["hardness_ratio"]
    bare = ak.LightCurve(lc.time, lc.rate)
    noise_free = characterize(bare, measures=["amplitudes", "power_spectrum"])
    assert "no errors" in noise_free.reasons["fractional_variability"]
    assert noise_free["constant"].value >= 0  # a constant joins the model
    with pytest.raises(InputError, match="no errors"):
        noise_free["fractional_variability"]
    with pytest.raises(InputError, match="nothing of this name"):
        noise_free["fvar"]


def test_magnitudes_become_relative_fluxes():
    rng = np.random.default_rng(1)
    time = np.sort(rng.uniform(0, 1000, 80))
    info = ak.lightcurve.LightCurveInfo(rate_unit="mag", time_unit="d")
    mag = 16 + 0.3 * np.sin(time / 100) + rng.normal(0, 0.02, 80)
    lc = ak.LightCurve(time, mag, np.full(80, 0.02), info=info)
    found = characterize(lc, measures=["sampling", "amplitudes", "power_spectrum"])
    assert found["fractional_variability"].value == pytest.approx(0.3 * 0.921 / 2**0.5, rel=0.2)
    assert "made of magnitudes" in found.measurement("mean_rate").note
    assert "irregular" in found.measurement("spacing").note
    assert np.isfinite(found["slope"].value)


# -- many ------------------------------------------------------------------------------------------

FEW = [
    measures.Sampling(),
    measures.Timescales(scatter=5),
    measures.Amplitudes(scatter=5),
]


@pytest.fixture(scope="module")
def many():
    observations = [epoch(10), ak.datasets.fetch("simulated-xmm"), "absent.fits", epoch(4)[1]]
    with pytest.warns(DataWarning, match=r"absent\.fits"):
        return characterize(observations, measures=FEW, seed=3)


def test_errors_stay_with_their_item(many):
    assert len(many) == 4
    assert list(many.errors) == ["absent.fits"]
    with pytest.raises(OSError, match="no such file"):
        many[2]
    assert many[0].label == "SIMULATED BLAZAR SIM0000010"
    assert "1 failed" in repr(many)


def test_table_of_many(many, tmp_path):
    table = many.to_table()
    assert len(table) == 4
    assert table["fractional_variability"].mask.tolist() == [False, False, True, False]
    assert table["duration"].unit == "s"
    assert "no such file" in table["error"][2]
    assert np.isfinite(table["minimum_timescale_adjacent_lower"][0])
    path = many.write(tmp_path / "epochs.ecsv")
    back = Table.read(path, format="ascii.ecsv")
    assert back.colnames == table.colnames
    assert back["mean_rate"][0] == table["mean_rate"][0]
    assert back.meta["provenance"]["function"] == "astrokit.timing.characterize"
    with pytest.raises(InputError, match="already there"):
        many.write(path)
    with pytest.raises(InputError, match="ECSV"):
        many.write(tmp_path / "epochs.csv")


def test_provenance_and_citations_are_merged(many):
    keys = ak.cite(many).keys
    assert {"vaughan2003", "heidt1996", "burbidge1974"} <= set(keys)
    assert len(many.provenance.inputs) == 2 + 1 + 1
    reasons = many.reasons()
    assert any("no pair of bins" in reason for reason in reasons["reason"])


def test_workers_and_choice_change_no_number():
    observations = [epoch(10), epoch(4)]
    serial = characterize(observations, measures=FEW, seed=5)
    with ProcessPoolExecutor(2) as pool:
        parallel = characterize(observations, measures=FEW, seed=5, executor=pool)
    only = characterize(observations, measures=[measures.Amplitudes(scatter=5)], seed=5)
    name = "fractional_variability_of_process"
    for a, b, c in zip(serial, parallel, only, strict=True):
        assert a[name].value == b[name].value == c[name].value
        assert a["timescale_p_noise"].value == b["timescale_p_noise"].value


def test_same_labels_are_numbered():
    found = characterize([epoch(10), epoch(10)], measures=["sampling"])
    assert found.labels[1].endswith("(2)")


def test_what_is_refused():
    lc = epoch(10)[0]
    with pytest.raises(InputError, match="no such measure"):
        characterize(lc, measures=["slopes"])
    with pytest.raises(InputError, match="occurs twice"):
        characterize(lc, measures=["sampling", measures.Sampling()])
    with pytest.raises(InputError, match="nothing is to be measured"):
        characterize(lc, measures=[])
    with pytest.raises(InputError, match="no observation"):
        characterize(lc.rate)
    with pytest.raises(InputError, match="no observation in the list"):
        characterize([])
    with ProcessPoolExecutor(1) as pool, pytest.raises(InputError, match="serves a list"):
        characterize(lc, executor=pool)


# -- real curves -----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=str)
def test_real_curves_need_no_help(case, real_data):
    """Every readable curve gives a full table: each row a value, words, or a reason."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        lc = ak.read_lightcurve(real_data(case.path), **case.keywords)
    few = [
        measures.Sampling(),
        measures.Amplitudes(scatter=0),
        measures.Timescales(scatter=0),
        measures.RmsFlux(),
        measures.Hardness(),
    ]
    if lc.valid.sum() < 320:
        few += [measures.PowerSpectrum(), measures.FluxShape(n=4, level=0.2)]
    found = characterize(lc, measures=few)
    assert found["valid_bins"].value == lc.valid.sum()
    for row in found.measurements:
        assert bool(row.reason) + bool(row.text) + (row.value is not None) == 1, row
    found.to_table()
    repr(found)


@pytest.mark.slow
def test_mrk766_with_everything(real_data):
    found = characterize(ak.read_lightcurve(real_data("mrk766")), measures=QUICK)
    assert found["mean_rate"].value == pytest.approx(18.488914, abs=1e-6)
    assert found["fractional_variability"].value == pytest.approx(0.259879, abs=1e-6)
    assert found["fractional_variability"].error == pytest.approx(0.000654, abs=1e-6)
    assert 2.0 < found["slope"].value < 2.7
    assert abs(found["rms_flux_intercept"].sigma_from(0.0)) < 3  # rms proportional to flux
