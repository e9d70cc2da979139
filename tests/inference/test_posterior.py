"""What a posterior says about samples whose distribution is known."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from astropy import units as u

from astrokit.errors import (
    InputError,
    MissingDependencyError,
    ParameterError,
    ReadError,
    ShapeError,
)
from astrokit.estimate import Estimate
from astrokit.inference import Normal, Parameter, Parameters, Posterior, Uniform, load, storage
from astrokit.inference import posterior as posterior_module
from astrokit.inference.chain import ChainView, MemoryChain
from astrokit.inference.diagnostics import diagnose
from astrokit.inference.intervals import highest_density_interval, sample_mode, summarise
from astrokit.inference.plots import trace_data
from astrokit.provenance import Recorder

N = 2000


def make_posterior(columns=None, *, verdict=None, rows=N // 8):
    """Two ensembles of four walkers: a ~ N(3, 2), b ~ Exp(1), independent; c fixed, d = 2 a."""
    parameters = Parameters(
        [
            Parameter("b", 1.0, Uniform(0.0, 100.0)),  # not in the order of the alphabet
            Parameter("a", 3.0, Normal(3.0, 50.0), unit="keV", symbol="a_0"),
            Parameter("c", 5.0, fixed=True),
            Parameter("d", 6.0, tied="2 * a"),
        ]
    )
    rng = np.random.default_rng(1)
    shape = (2, rows, 4)
    a = 3.0 + 2.0 * rng.standard_normal(shape)
    b = rng.exponential(size=shape)
    likelihood = -0.5 * ((a - 3.0) / 2.0) ** 2 - b
    prior = parameters.log_prior(np.column_stack([b.ravel(), a.ravel()])).reshape(shape)
    records = np.stack([b, a, likelihood + prior], axis=3)
    view = ChainView(MemoryChain.of(records), rows, (0, 1))
    recorder = Recorder("test", {"n": 1}, seed=np.random.SeedSequence(1), citations=("emcee",))
    return Posterior(
        parameters=parameters,
        verdict=diagnose(view, parameters.free_names, thin=1, until=50, acceptance=0.4),
        view=view,
        thin=1,
        n_data=10,
        label="made up",
        statistic="gaussian",
        reservations=("b is not what it seems",),
        data_checksum="1234",
        model_checksum="5678",
        provenance=recorder.finish(),
    )


@pytest.fixture(scope="module")
def posterior():
    return make_posterior()


# -- samples --------------------------------------------------------------------------------------


def test_samples_are_the_chain_after_burn_in(posterior):
    kept = posterior.view.rows - posterior.verdict.burn_in
    assert posterior.samples.shape == (2 * kept * 4, 2)
    chain = posterior.chain()
    assert chain.shape == (2, kept, 4, 2)
    np.testing.assert_array_equal(posterior.samples, chain.reshape(-1, 2))
    assert posterior.chain(discard=0, thin=10).shape == (2, 25, 4, 2)
    with pytest.raises(ValueError, match="read-only"):
        posterior.samples[0, 0] = 1.0


def test_correlated_chains_are_thinned():
    rows = 4000
    long = make_posterior(rows=rows)
    tau = dict.fromkeys(("a", "b"), 20.0)
    verdict = dataclasses.replace(long.verdict, tau=tau, burn_in=100)
    thinned = dataclasses.replace(long, verdict=verdict)
    assert len(thinned.samples) == 2 * 4 * 390
    np.testing.assert_array_equal(
        thinned.samples.reshape(2, 390, 4, 2), long.chain(discard=100, thin=10)
    )


def test_the_number_of_samples_is_bounded(monkeypatch):
    monkeypatch.setattr(posterior_module, "_MOST_SAMPLES", 500)
    assert 250 <= len(make_posterior().samples) <= 500


def test_likelihood_is_posterior_without_prior(posterior):
    b, a = posterior.samples.T
    np.testing.assert_allclose(
        posterior.log_likelihood, -0.5 * ((a - 3.0) / 2.0) ** 2 - b, atol=1e-12
    )
    assert posterior.max_log_likelihood >= posterior.log_likelihood.max()
    assert posterior.max_log_likelihood <= 0.0


def test_best_is_the_highest_of_all_stored(posterior):
    records = np.concatenate([posterior.view.read(e) for e in (0, 1)]).reshape(-1, 3)
    top = records[np.argmax(records[:, 2])]
    assert posterior.best == {"b": top[0], "a": top[1], "c": 5.0, "d": 2 * top[1]}


# -- estimates ------------------------------------------------------------------------------------


def test_median_and_central_interval_of_a_normal(posterior):
    e = posterior["a"]
    n = len(e.samples)
    assert abs(e.value - 3.0) < 4 * 2.0 * math.sqrt(math.pi / 2 / n)
    # Standard error of the 16 % quantile of a normal: sqrt(p (1 - p) / n) / density.
    error = math.sqrt(0.1587 * 0.8413 / n) / 0.24197 * 2.0
    assert abs(e.interval[0] - 1.0) < 4 * error
    assert abs(e.interval[1] - 5.0) < 4 * error
    assert (e.name, str(e.unit), e.level) == ("a", "keV", pytest.approx(0.6827, abs=1e-4))
    assert "median" in e.method


def test_intervals_of_an_exponential(posterior):
    n = len(posterior.samples)
    median = posterior.estimate("b", level=0.9)
    for found, p in ((median.interval[0], 0.05), (median.value, 0.5), (median.interval[1], 0.95)):
        assert abs(found + math.log(1 - p)) < 4 * math.sqrt(p / (1 - p) / n)
    shortest = posterior.estimate("b", level=0.9, kind="hdi")
    assert shortest.interval[0] < 0.02  # the densest 90 % start at zero
    assert abs(shortest.interval[1] - math.log(10)) < 4 * math.sqrt(0.9 / 0.1 / n) + 0.02
    assert shortest.value == pytest.approx(median.value)
    assert posterior.estimate("b", kind="mode").value < 0.5


def test_fixed_and_tied_have_estimates(posterior):
    assert (posterior["c"].value, posterior["c"].error) == (5.0, 0.0)
    assert posterior["d"].value == pytest.approx(2 * posterior["a"].value)


def test_an_estimate_with_samples_is_an_estimate(posterior):
    e = posterior["a"]
    assert isinstance(e, Estimate)
    assert Estimate(**json.loads(json.dumps(e.as_dict()))).value == e.value
    assert str(e).startswith("a = ")
    assert e.to("eV").value == pytest.approx(1000 * e.value)


def test_shortest_interval_and_mode_by_hand():
    x = np.array([0.0, 10.0, 10.5, 11.0, 30.0, 50.0])
    assert highest_density_interval(x, 0.5) == (10.0, 11.0)
    assert highest_density_interval(x, 1e-9) == (0.0, 0.0)
    assert sample_mode(x) == 10.5
    assert sample_mode(np.array([4.0])) == 4.0


def test_bad_intervals_are_refused(posterior):
    with pytest.raises(InputError, match="kind is unknown"):
        posterior.estimate("a", kind="mean")
    with pytest.raises(InputError, match="level must be a probability"):
        posterior.estimate("a", level=68)
    with pytest.raises(ParameterError, match="did you mean 'a'"):
        posterior["aa"]
    skewed = np.concatenate([np.zeros(400), np.linspace(1, 100, 600)])
    with pytest.raises(InputError, match="median lies outside"):
        summarise(skewed, "x", None, level=0.3, kind="hdi")


def test_derived_quantities(posterior):
    by_name = posterior.derived("d / a + c", name="seven")
    assert by_name.value == pytest.approx(7.0)
    assert by_name.error == pytest.approx(0.0, abs=1e-12)
    by_function = posterior.derived(lambda p: 1 / np.exp(p["b"]), name="p", unit="s")
    assert by_function.unit == u.s
    assert abs(by_function.value - 0.5) < 4 * math.sqrt(0.25 / len(posterior.samples))


@pytest.mark.parametrize(
    ("function", "match"),
    [
        ("a / nothing", "cannot be evaluated"),
        ("a +", "cannot be evaluated"),
        (lambda p: 1.0, "not one finite number per sample"),
        (lambda p: np.log(-p["b"]), "not one finite number per sample"),
    ],
)
def test_bad_derived_quantities_are_refused(posterior, function, match):
    with np.errstate(invalid="ignore"), pytest.raises(InputError, match=match):
        posterior.derived(function)


def test_band_of_a_line(posterior):
    """a + 0 b x is normal everywhere; a x has a width that grows with x."""
    x = np.linspace(1.0, 4.0, 7)
    band = posterior.band(lambda x, b, a, c, d: a * x, x, level=0.95)
    np.testing.assert_allclose(band.median, posterior["a"].value * x, rtol=1e-12)
    low, high = posterior.estimate("a", level=0.95).interval
    np.testing.assert_allclose(band.lower, low * x, rtol=1e-12)
    np.testing.assert_allclose(band.upper, high * x, rtol=1e-12)
    axes = band.plot(label="model")
    assert len(axes.lines) == 1
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), band.median)
    assert band.plot(axes) is axes


def test_bad_bands_are_refused(posterior):
    with pytest.raises(ShapeError, match="does not broadcast"):
        posterior.band(lambda x, b, a, c, d: np.ones(3), np.arange(5.0))
    with pytest.raises(ShapeError, match="does not broadcast"):
        posterior.band(lambda x, a: a, np.arange(5.0))
    with pytest.raises(InputError, match="level"):
        posterior.band(lambda x, b, a, c, d: a * x, [1.0], level=2)


# -- tables and figures ---------------------------------------------------------------------------


def test_summary_prints_and_tabulates(posterior):
    text = str(posterior.summary())
    first, head, *_, last = text.splitlines()
    assert (first, last) == ("Posterior of made up", "! b is not what it seems")
    assert head.split() == ["parameter", "estimate", "tau", "effective", "R-hat"]
    assert "keV" in text
    assert "fixed" in text
    assert posterior.verdict.sentence in text
    assert repr(posterior) == text
    html = posterior._repr_html_()
    assert html.count("<tr>") == 5
    assert "keV" in html
    table = posterior.summary().to_table()
    assert list(table["name"]) == ["b", "a", "c", "d"]
    assert table["tau"][0] == posterior.verdict.tau["a"]
    assert math.isnan(table["tau"][2])


def test_table_of_samples_has_units(posterior):
    table = posterior.to_table()
    assert table.colnames == ["b", "a", "c", "d", "log_prob"]
    assert table["a"].unit == u.keV
    np.testing.assert_array_equal(table["d"], 2 * table["a"].value)
    assert "verdict" in table.meta


def test_corner_shows_every_pair(posterior):
    figure = posterior.corner(a=3.0)
    assert len(figure.axes) == 4
    assert "keV" in figure.axes[3].get_xlabel()
    assert len(posterior.corner(("a", "b", "d")).axes) == 9
    with pytest.raises(InputError, match="does not vary"):
        posterior.corner(("a", "c"))
    with pytest.raises(ParameterError, match="no such parameter"):
        posterior.corner(z=3.0)


def test_trace_shows_what_its_data_say(posterior):
    data = trace_data(posterior)
    assert data.names == ("b", "a")
    assert data.values.shape == (2, N // 8, 4, 2)
    np.testing.assert_array_equal(data.values, posterior.chain(discard=0))
    axes = posterior.trace()
    assert len(axes) == 2
    assert "keV" in axes[1].get_ylabel()
    assert len(posterior.trace(("b",))) == 1
    with pytest.raises(InputError, match="does not vary"):
        posterior.trace(("d",))


@pytest.mark.filterwarnings("ignore::FutureWarning")  # arviz announces its next version
def test_arviz_gets_one_chain_per_walker(posterior):
    try:
        import arviz  # noqa: F401
    except ImportError:
        with pytest.raises(MissingDependencyError, match=r"astrokit\[arviz\]"):
            posterior.to_arviz()
        return
    data = posterior.to_arviz()
    for k, name in enumerate(("b", "a")):
        walkers = np.moveaxis(posterior.chain()[..., k], 1, 2).reshape(8, -1)
        np.testing.assert_array_equal(np.asarray(data["posterior"][name]), walkers)


# -- storage --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lazy", [False, True])
def test_saved_and_loaded_is_equal(posterior, tmp_path, monkeypatch, lazy):
    if lazy:
        monkeypatch.setattr(storage, "_LAZY_BYTES", 0)
    path = tmp_path / "posterior.h5"
    posterior.save(path)
    again = load(path)
    assert again == posterior
    assert again.provenance == posterior.provenance
    assert again.verdict == posterior.verdict
    np.testing.assert_array_equal(again.samples, posterior.samples)
    assert again["a"] == posterior["a"]
    assert list(again.verdict.tau) == ["b", "a"]
    assert (type(again.view.chain).__name__ == "StoredChain") is lazy
    assert list(tmp_path.iterdir()) == [path]


def test_equality_looks_at_everything(posterior):
    twin = dataclasses.replace(make_posterior(), provenance=posterior.provenance)
    assert twin == posterior
    other = dataclasses.replace(posterior, data_checksum="9")
    assert other != posterior
    shorter = dataclasses.replace(posterior, view=ChainView(posterior.view.chain, 100, (0, 1)))
    assert shorter != posterior
    assert posterior != "posterior"


def test_a_failed_chain_is_saved_too(tmp_path):
    """NaN and infinite diagnostics come back as they were."""
    few = make_posterior(rows=3)
    assert few.verdict.word == "failed"
    few.save(tmp_path / "few.h5")
    again = load(tmp_path / "few.h5")
    assert again == few
    assert math.isnan(again.verdict.tau["a"])
    assert len(again.samples) > 0


def test_a_file_holds_no_pickle(posterior, tmp_path):
    import h5py

    posterior.save(tmp_path / "p.h5")
    with h5py.File(tmp_path / "p.h5") as file:
        assert file.attrs["kind"] == "Posterior"
        record = json.loads(
            file["record"].asstr()[()], parse_constant=lambda name: pytest.fail(f"{name} in JSON")
        )
        assert file["arrays/chain"].dtype == np.float64
    assert record["statistic"] == "gaussian"


def test_other_files_are_refused(posterior, tmp_path):
    with pytest.raises(ReadError, match="no such file"):
        load(tmp_path / "nothing.h5")
    (tmp_path / "text.h5").write_text("not HDF5")
    with pytest.raises(ReadError, match="not a result that astrokit saved"):
        load(tmp_path / "text.h5")
    import h5py

    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(ReadError, match="not a result that astrokit saved"):
        load(tmp_path / "other.h5")
    posterior.save(tmp_path / "new.h5")
    with h5py.File(tmp_path / "new.h5", "a") as file:
        file.attrs["astrokit_format"] = 99
    with pytest.raises(ReadError, match="newer astrokit"):
        load(tmp_path / "new.h5")
    with pytest.raises(InputError, match="cannot be saved"):
        storage.save({"a": 1}, tmp_path / "x.h5")
    with pytest.raises(InputError, match="directory does not exist"):
        posterior.save(tmp_path / "nowhere" / "x.h5")
    assert not (tmp_path / "x.h5").exists()


def test_a_failed_save_leaves_the_old_file(posterior, tmp_path, monkeypatch):
    path = tmp_path / "p.h5"
    posterior.save(path)
    before = path.read_bytes()

    def fails(*arguments):
        raise OSError("disk full")

    monkeypatch.setattr(storage, "_write_array", fails)
    with pytest.raises(OSError, match="disk full"):
        posterior.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_posteriors_travel_between_processes(posterior):
    import pickle

    assert pickle.loads(pickle.dumps(posterior)) == posterior
