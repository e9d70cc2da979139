"""PSRESP: shared draws are those of each spectrum; p-values are uniform; regions cover."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import stats

import astrokit as ak
from astrokit.errors import AstrokitError, CheckpointError, InputError, ParameterError, ShapeError
from astrokit.timing import BendingPowerLaw, Constant, PowerLaw, psresp, simulate_lightcurve
from astrokit.timing.psresp import _draws, _Family
from astrokit.timing.psresp_draws import BandedDraws, Bands, Transform, log_edges
from astrokit.timing.psresp_fit import Match
from astrokit.timing.sampling import Sampling
from astrokit.timing.simulate import Realiser

SLOPES = {"slope": np.linspace(1.0, 3.0, 9)}


def even(n=64, error=0.05):
    return ak.LightCurve(np.arange(float(n)), np.full(n, 10.0), np.full(n, error))


def gapped(n=96):
    rate = np.full(n, 10.0)
    rate[30:50] = np.nan
    return ak.LightCurve(np.arange(float(n)), rate, np.full(n, 0.05))


def irregular(n=60):
    time = 1.7 * np.arange(n) + np.random.default_rng(1).uniform(0, 1, n)
    return ak.LightCurve(time, np.full(n, 10.0), np.full(n, 0.05), bin_width=0.0)


SAMPLINGS = {"even": even, "gapped": gapped, "irregular": irregular}


@pytest.mark.parametrize("kind", SAMPLINGS)
def test_bands_give_the_curve_of_each_spectrum(kind):
    """The same random numbers, once through bands and once through that spectrum alone."""
    like = simulate_lightcurve(lambda f: 1e-4 / f, SAMPLINGS[kind](), seed=2)
    family = _Family(lambda f, slope: 1e-4 * (f / 0.1) ** -slope, SLOPES, like)
    draws, _ = _draws(like, family, 1.5, (8, 2))
    seed = np.random.SeedSequence(5)
    products = draws(0, seed)
    source, noise = np.random.SeedSequence(5).spawn(2)
    noise = np.random.default_rng(noise)
    errors = draws.sigma * noise.standard_normal(draws.sigma.size)
    sampling = Sampling.of(like, 2, 8)
    for point in ([1.0], [2.3], [3.0]):
        weights = draws.bands.weights(
            family.spectrum(draws.bands.frequency, np.array(point))[None, :]
        )[0]
        whole = np.append(weights, 1.0)
        at, to = np.tril_indices(whole.size)
        form = whole[at] * whole[to] * np.where(at == to, 1.0, 2.0)
        realise = Realiser(
            lambda f, p=point: 1e-4 * (f / 0.1) ** -p[0], sampling.cells * 8, sampling.step
        )
        fine = realise(np.random.default_rng(source))[0]
        x = sampling.observe(fine)[like.valid] + errors
        np.testing.assert_allclose(products @ form, draws.observed(x), rtol=0.01)


def test_interpolation_between_nodes_is_as_good_as_it_says():
    def spectra(f):
        return np.array([f**-1.0 / (1 + (f / b) ** 2.0) for b in (0.003, 0.01, 0.1)])

    bands = Bands.of(spectra, lambda f: f**-2.0, (1e-4, 0.5))
    f = np.geomspace(1e-4, 0.5, 999)
    found = bands.weights(spectra(bands.frequency)) @ bands.basis(f)
    np.testing.assert_allclose(found, np.sqrt(spectra(f) * f**2.0), rtol=1.2e-3)
    np.testing.assert_allclose(bands.basis(f).sum(axis=0), 1.0, rtol=1e-12)
    assert 0 < bands.error <= 1e-3


def test_lines_are_refused():
    def spectra(f):
        return 1 / f[None, :] + 100 * (np.abs(f[None, :] / 0.1 - 1) < 0.01)

    with pytest.raises(InputError, match="smooth"):
        Bands.of(spectra, lambda f: 1 / f, (1e-4, 0.5))


def test_transform_on_a_grid_is_the_direct_one():
    like = gapped()
    fast = Transform.of(like, 1.5, 2)
    direct = Transform(fast.frequency, fast.edges, like.time[like.valid], None, 0)
    x = np.random.default_rng(2).normal(size=(3, like.valid.sum()))
    power = [(t(x) ** 2).reshape(3, -1, 2).sum(axis=2) for t in (fast, direct)]
    np.testing.assert_allclose(power[0], power[1], rtol=1e-9, atol=1e-9)
    centers = fast.binned_frequency
    assert np.all(np.diff(centers) > 0)
    assert fast.edges[-1] == fast.frequency.size


@pytest.mark.parametrize("n", [3, 4, 5, 17, 500])
def test_bins_hold_every_ordinate_once(n):
    edges = log_edges(np.arange(1.0, n + 1), 1.5, 2)
    assert edges[0] == 0
    assert edges[-1] == n
    assert np.all(np.diff(edges) >= 2)


@pytest.mark.parametrize(("kind", "truth"), [("even", 1.5), ("gapped", 2.5), ("irregular", 2.0)])
def test_p_values_of_the_truth_are_uniform(kind, truth):
    """Success fraction and confidence at the true point of a three-point grid."""
    like = SAMPLINGS[kind]()
    grid = {"slope": np.array([truth - 0.4, truth, truth + 0.4])}
    success, confidence = [], []
    for seed in range(60):
        lc = simulate_lightcurve(
            lambda f: 1e-3 * (f / 0.1) ** -truth, like, seed=seed, longer=16, finer=2
        )
        found = psresp(
            lc, PowerLaw(), grid, n_simulations=100, finer=2, refine=False, seed=1000 + seed
        )
        success.append(found.success_fraction[1])
        confidence.append(found.confidence[1])
    assert stats.kstest(success, stats.uniform.cdf).pvalue > 1e-3
    for level in (0.5, 0.68, 0.9):
        holds = np.mean(np.array(confidence) > 1 - level)
        # p-values have an atom at one, where the truth is also the best point.
        assert abs(holds - level) < 4 * np.sqrt(level * (1 - level) / 60) + 0.02


def test_one_parameter_is_found_with_its_interval():
    lc = simulate_lightcurve(lambda f: 1e-3 * (f / 0.1) ** -2.0, even(256), seed=3)
    found = psresp(lc, PowerLaw(), SLOPES, n_simulations=200, seed=1)
    slope = found["slope"]
    assert abs(slope.sigma_from(2.0)) < 3
    assert slope.lower > 0
    assert slope.upper > 0
    wide = found.estimate("slope", 0.95)
    assert wide.lower >= slope.lower
    assert wide.upper >= slope.upper
    assert found.success_fraction.shape == (9,)
    assert found.region(0.95).sum() >= found.region().sum() >= 1
    assert "success fraction" in repr(found)
    assert "slope" in found._repr_html_()
    assert "uttley2002" in ak.cite(found).keys
    # ln of the power at the pivot, relative to the squared mean, of which 1e-3 at 0.1 is the truth
    pivot = 0.1
    assert found.best["log_amplitude"] == pytest.approx(np.log(1e-3 * (pivot / 0.1) ** -2), abs=1.0)


def test_search_between_the_points_is_never_worse():
    lc = simulate_lightcurve(lambda f: 1e-3 * (f / 0.1) ** -2.0, even(128), seed=4)
    options = {"n_simulations": 100, "seed": 2}
    grid = {"slope": np.array([1.0, 1.7, 2.4])}
    rough, fine = (
        psresp(lc, PowerLaw(), grid, refine=r, **options).best["slope"] for r in (False, True)
    )
    assert rough in grid["slope"]
    close = psresp(lc, PowerLaw(), {"slope": np.linspace(1.0, 2.4, 141)}, refine=False, **options)
    assert fine == pytest.approx(close.best["slope"], abs=0.06)


def test_bend_is_found():
    model = BendingPowerLaw(low_slope=0.5, high_slope=3.0)
    truth = 0.03

    def spectrum(f):
        return 3e-2 * f**-0.5 / (1 + (f / truth) ** 2.5)

    lc = simulate_lightcurve(spectrum, even(512), seed=5)
    grid = {"bend_frequency": np.geomspace(0.005, 0.2, 12)}
    found = psresp(lc, model, grid, n_simulations=200, seed=1)
    assert abs(found["bend_frequency"].sigma_from(truth)) < 3
    assert found["bend_frequency"].unit == "Hz"


def test_two_parameters_and_any_function():
    def family(frequency, low, high):
        return frequency**-low / (1 + (frequency / 0.05) ** (high - low))

    lc = simulate_lightcurve(lambda f: 1e-3 * family(f, 0.5, 2.5), even(128), seed=6)
    grid = {"low": [0.0, 0.5, 1.0], "high": [2.0, 2.5, 3.0, 3.5]}
    found = psresp(lc, family, grid, n_simulations=60, seed=1)
    assert found.confidence.shape == found.success_fraction.shape == (3, 4)
    assert set(found.best) == {"low", "high", "log_amplitude"}
    assert found.profile("high").shape == (4,)
    with pytest.raises(ParameterError, match="slope"):
        found.estimate("slope")


def test_open_regions_and_rejected_families_are_said():
    lc = simulate_lightcurve(lambda f: 1e-3 * (f / 0.1) ** -1.0, even(), seed=7)
    found = psresp(lc, PowerLaw(), {"slope": [0.9, 1.0, 1.1]}, n_simulations=60, seed=1)
    assert any("open" in text for text in found.reservations)
    assert np.isnan([found["slope"].lower, found["slope"].upper]).any()
    time = np.arange(256.0)
    sine = ak.LightCurve(time, 10 + np.sin(2 * np.pi * time / 16), np.full(256, 0.01))
    found = psresp(sine, PowerLaw(), SLOPES, n_simulations=200, seed=1)
    assert found.best_success_fraction < 0.01
    assert any("acceptable" in text for text in found.reservations)


def test_workers_change_nothing():
    lc = simulate_lightcurve(lambda f: 1e-3 * (f / 0.1) ** -2.0, even(), seed=8)
    alone = psresp(lc, PowerLaw(), SLOPES, n_simulations=60, seed=1)
    with ThreadPoolExecutor(2) as pool:
        shared = psresp(lc, PowerLaw(), SLOPES, n_simulations=60, seed=1, executor=pool)
    np.testing.assert_array_equal(alone.confidence, shared.confidence)
    np.testing.assert_array_equal(alone.success_fraction, shared.success_fraction)
    assert alone.best == shared.best


class StoppedError(Exception):
    pass


def test_a_stopped_run_goes_on_where_it_was(tmp_path, monkeypatch):
    lc = simulate_lightcurve(lambda f: 1e-4 / f, even(), seed=1)
    options = {"seed": 3, "checkpoint": tmp_path / "psresp.npz"}
    whole = psresp(lc, PowerLaw(), SLOPES, n_simulations=230, seed=3)
    draw, drawn = BandedDraws.__call__, []

    def killed(self, item, seed):
        drawn.append(item)
        if len(drawn) == 150:
            raise StoppedError
        return draw(self, item, seed)

    monkeypatch.setattr(BandedDraws, "__call__", killed)
    with pytest.raises(StoppedError):
        psresp(lc, PowerLaw(), SLOPES, n_simulations=230, **options)
    resumed = psresp(lc, PowerLaw(), SLOPES, n_simulations=230, **options)
    assert drawn[150:] == list(range(100, 230))
    assert np.array_equal(resumed.success_fraction, whole.success_fraction)
    assert np.array_equal(resumed.confidence, whole.confidence)
    assert resumed.best == whole.best
    psresp(lc, PowerLaw(), SLOPES, n_simulations=60, **options)  # fewer need nothing new
    assert len(drawn) == 280


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"seed": 4}, "seed"),
        ({"longer": 8}, "settings"),
        ({"model": BendingPowerLaw(low_slope=1.0, bend_frequency=0.1),
          "grid": {"high_slope": SLOPES["slope"]}}, "family"),
        ({"lightcurve": even(64, 0.06)}, "light curve"),
    ],
)  # fmt: skip
def test_a_checkpoint_of_another_run_is_refused(tmp_path, change, word):
    lc = simulate_lightcurve(lambda f: 1e-4 / f, even(), seed=1)
    call = {"lightcurve": lc, "model": PowerLaw(), "grid": SLOPES, "n_simulations": 50, "seed": 3}
    call["checkpoint"] = tmp_path / "psresp.npz"
    psresp(**call)
    if "lightcurve" in change:
        change = {"lightcurve": simulate_lightcurve(lambda f: 1e-4 / f, even(64, 0.06), seed=1)}
    with pytest.raises(CheckpointError, match=word):
        psresp(**(call | change))


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("slopes of old", encoding="utf-8")
    with pytest.raises(CheckpointError, match="not one of psresp"):
        psresp(simulate_lightcurve(lambda f: 1e-4 / f, even(), seed=1), PowerLaw(), SLOPES,
               n_simulations=50, seed=1, checkpoint=path)  # fmt: skip


def test_figure_draws_its_data():
    from matplotlib import pyplot as plt

    lc = simulate_lightcurve(lambda f: 1e-3 * (f / 0.1) ** -2.0, irregular(), seed=9)
    found = psresp(lc, PowerLaw(), SLOPES, n_simulations=60, seed=1)
    ax, data = found.plot(), found.plot_data()
    np.testing.assert_allclose(ax.lines[1].get_ydata(), data.power)
    assert np.all((data.lower < data.mean) & (data.mean < data.upper))
    plt.close("all")


def test_success_fraction_counts():
    m = Match(0.0, *(np.zeros(1),) * 4, 2.0, np.array([1.0, 2.0, 3.0]), 0.0)
    assert m.success_fraction == 3 / 4


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"grid": {}}, InputError, "empty"),
        ({"grid": {"slope": [2.0, 1.0]}}, ShapeError, "increase"),
        ({"grid": {"bend": [1.0, 2.0]}}, InputError, "free parameter"),
        ({"model": PowerLaw() + Constant()}, InputError, "component"),
        ({"model": Constant()}, InputError, "component"),
        ({"model": PowerLaw(log_amplitude=1.0)}, InputError, "amplitude"),
        ({"model": 3.0}, InputError, "family"),
        ({"model": lambda f, slope: -f}, InputError, "positive"),
        ({"n_simulations": 10}, InputError, "simulations"),
        ({"bin_ratio": 9.9, "lightcurve": even(8)}, InputError, "bins"),
        ({"bin_ratio": 0.5}, InputError, "bin_ratio"),
        ({"lightcurve": even()}, InputError, "constant"),
        ({"lightcurve": even(1)}, ShapeError, "valid bins"),
        ({"lightcurve": [1.0, 2.0]}, InputError, "a LightCurve is needed"),
    ],
)
def test_refusals(change, error, words):
    lc = simulate_lightcurve(lambda f: 1e-3 * (f / 0.1) ** -2.0, even(), seed=1)
    call = {"lightcurve": lc, "model": PowerLaw(), "grid": SLOPES, "n_simulations": 50, **change}
    if change.get("bin_ratio") == 9.9:
        call["lightcurve"] = simulate_lightcurve(lambda f: 1e-3 / f, even(8), seed=1)
    with pytest.raises(error, match=words) as caught:
        psresp(call.pop("lightcurve"), call.pop("model"), call.pop("grid"), **call)
    assert isinstance(caught.value, AstrokitError)
