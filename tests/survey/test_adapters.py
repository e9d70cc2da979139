"""The built-in analyses: each gives in a survey what it gives by itself."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

import astrokit as ak
from astrokit.errors import InputError
from astrokit.survey import Target, adapters
from astrokit.survey.compute import target_seed


def run(tmp_path: Path, analysis: str, source, **options):
    survey = ak.survey.run(analysis, source, tmp_path / "out", options=options)
    assert survey.counts["failed"] == 0, survey.failures
    return survey


@pytest.fixture
def curves(tmp_path: Path) -> str:
    (tmp_path / "curves").mkdir()
    for i in range(2):
        rng = np.random.default_rng(i)
        rate = 50 + np.cumsum(rng.normal(0, 1, 300)) + rng.normal(0, 1, 300)
        curve = ak.LightCurve(10.0 * np.arange(300), rate, np.full(300, 1.0))
        ak.lightcurve.write_lightcurve(curve, tmp_path / "curves" / f"c{i}.ecsv")
    return f"{tmp_path}/curves/*.ecsv"


def test_light_curves_are_characterized(tmp_path, curves):
    options = {"measures": ["sampling", "amplitudes"], "settings": {"amplitudes": {"scatter": 0}}}
    survey = run(tmp_path, "timing.characterize", curves, **options)
    kinds = ["sampling", ak.timing.measures.Amplitudes(scatter=0)]
    for row in survey.table:
        alone = ak.timing.characterize(
            tmp_path / "curves" / row["name"], measures=kinds, seed=target_seed(0, row["name"])
        )
        for name in ("fractional_variability", "excess_variance"):
            assert row[name] == alone[name].value
            assert row[f"{name}_lower"] == alone[name].lower
    assert "bins" in survey.table.colnames
    assert "vaughan2003" in survey.provenance.citations


def test_settings_of_measures_are_checked(curves):
    target = Target("c0", Path(curves).parent / "c0.ecsv")
    seed = target_seed(0, "c0")
    with pytest.raises(InputError, match="settings of what is not measured"):
        adapters.characterize(target, seed=seed, measures=["sampling"], settings={"hardness": {}})
    with pytest.raises(InputError, match="settings of amplitudes do not fit"):
        adapters.characterize(target, seed=seed, settings={"amplitudes": {"scater": 1}})


def test_entropy_and_complexity(tmp_path, curves):
    survey = run(tmp_path, "complexity.hc", curves, n=3)
    lc = ak.read_lightcurve(tmp_path / "curves" / "c1.ecsv")
    alone = ak.complexity.hc(lc, n=3)
    assert survey.table["entropy"][1] == alone.entropy.value
    assert survey.table["corrected_complexity"][1] == alone.corrected[1].value
    assert survey.table["zone"][1] == alone.zone


def test_spectra_are_fitted(tmp_path):
    folder = tmp_path / "spectra"
    folder.mkdir()
    detector = ak.spectra.Response.ideal(np.geomspace(0.5, 8.0, 31), area=300.0)
    model = ak.spectra.PowerLaw(photon_index=1.8, normalization=0.01)
    for i in range(2):
        spectrum = ak.spectra.simulate(model, response=detector, exposure=1e4, seed=i)
        ak.spectra.write_pha(spectrum, folder / f"s{i}.pha")
    survey = run(tmp_path, "spectra.fit", f"{folder}/*.pha", model="powerlaw", band=[0.6, 7.0])
    one = ak.spectra.read_pha(folder / "s0.pha").notice((0.6, 7.0))
    fit = ak.spectra.SpectralProblem(one, ak.spectra.PowerLaw()).fit(n_starts=2)
    assert survey.table["photon_index"][0] == fit["photon_index"].value
    assert survey.table["photon_index_lower"][0] == fit["photon_index"].lower
    assert survey.table["statistic"][0] == fit.statistic
    assert survey.table["dof"][0] == fit.dof


def test_breaks_of_bursts_are_searched(tmp_path):
    energy = 1e37 * np.random.default_rng(1).uniform(size=100) ** (-1 / 0.8)
    Table({"energy": energy}, units={"energy": "erg"}).write(tmp_path / "b.ecsv")
    catalogue = Table({"name": ["y"], "path": ["b.ecsv"], "threshold": [2e37]})
    catalogue.write(tmp_path / "list.csv")
    few = {"n_simulations": 5, "n_bootstrap": 5}
    survey = run(tmp_path, "bursts.find_break", tmp_path / "list.csv", **few)
    sample = ak.bursts.read_bursts(tmp_path / "b.ecsv")
    seed = target_seed(0, "y")
    alone = ak.bursts.find_break(sample, threshold=2e37, seed=seed, **few)
    row = survey.table[0]
    assert row["break_energy"] == alone.break_energy.value
    assert row["p_value"] == alone.p_value.value
    assert row["verdict"] == alone.verdict


def test_indices_of_comets(tmp_path):
    rng = np.random.default_rng(1)
    r = np.linspace(4.5, 1.8, 40)
    magnitude = 6 + 5 * np.log10(3) + 9.5 * np.log10(r) + 0.05 * rng.standard_normal(40)
    photometry = ak.comets.CometPhotometry(
        60850 + np.arange(40.0),
        magnitude,
        error=0.05,
        r=r,
        delta=3.0,
        phase_angle=np.full(40, 5.0),
    )
    photometry.to_table().write(tmp_path / "comet.ecsv")
    survey = run(tmp_path, "comets.fit_index", f"{tmp_path}/*.ecsv")
    alone = ak.comets.fit_index(
        ak.comets.read_photometry(tmp_path / "comet.ecsv"), seed=target_seed(0, "comet.ecsv")
    )
    assert survey.table["heliocentric_index"][0] == alone.index.value
    assert survey.table["converged"][0] == "converged"


def test_pattern_speeds_of_toy_galaxies(tmp_path):
    if importlib.util.find_spec("astrokit.bars") is None:
        with pytest.raises(InputError, match=r"no astrokit\.bars"):
            adapters.pattern_speed(Target("x"), seed=target_seed(0, "x"))
        pytest.skip("astrokit.bars is not here")
    toys = Table({"name": ["one", "two"], "pattern_speed": [20.0, 30.0]})
    toys["inclination"], toys["bar_angle"] = 50.0, 40.0
    survey = run(tmp_path, "bars.pattern_speed", toys, n_draws=200)
    speeds = survey.table["pattern_speed"]
    errors = np.maximum(survey.table["pattern_speed_lower"], survey.table["pattern_speed_upper"])
    assert np.all(np.abs(speeds - [20.0, 30.0]) < 4 * errors)
