"""Correlation functions, lags and structure functions: kernels, known lags, coverage, chance."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import stats

import astrokit as ak
from astrokit.errors import AstrokitError, InputError, ShapeError
from astrokit.timing import (
    CorrelationFunction,
    autocorrelation,
    correlation_significance,
    discrete_correlation,
    interpolated_correlation,
    simulate_lightcurve,
    structure_function,
    time_lag,
    timmer_koenig,
)
from astrokit.timing import correlation_kernels as kernels
from astrokit.timing.correlation import Pair, _z_moments, correlation
from astrokit.timing.lag import _lag_of
from tests.reference import timing_correlation as reference


def red(f):
    """Return a power law of slope 2."""
    return 1e-3 * f**-2.0


def shifted(lag, n=200, noise=0.05, seed=1, irregular=True):
    """Return two looks at one red process, the second `lag` later; unit steps on average."""
    rng = np.random.default_rng(seed)
    fine = 10
    x = 10 + timmer_koenig(red, (n + 2 * int(lag) + 2) * fine, 1 / fine, seed=rng, finer=1)
    curves = []
    for shift in (lag, 0.0):  # at time t the second curve shows what the first showed at t - lag
        time = np.arange(n) + (rng.uniform(0, 0.9, n) if irregular else 0.0)
        rate = x[np.rint((time + shift) * fine).astype(int)] + rng.normal(0, noise, n)
        curves.append(ak.LightCurve(time, rate, np.full(n, noise), bin_width=0.0))
    return curves


def some_times(n, seed):
    return np.sort(np.random.default_rng(seed).uniform(0, 50, n))


# -- kernels --------------------------------------------------------------------------------------


@pytest.mark.parametrize("same", [False, True])
def test_sums_over_pairs_equal_their_reference(same):
    rng = np.random.default_rng(1)
    ta, tb = some_times(60, 2), some_times(60, 2 if same else 3)
    a, b = rng.normal(size=(2, 60))
    b = a if same else b
    edges = np.array([-20.0, -3.0, -0.5, 0.5, 2.0, 30.0])
    pairs = reference.pair_table(ta, tb, edges, same)
    out = np.zeros((5, kernels.COLUMNS))
    kernels.pair_sums(ta, a, tb, b, edges, same, out)
    np.testing.assert_allclose(out, reference.sums(ta, a, tb, b, pairs, 5), rtol=1e-12, atol=1e-12)
    out[:] = 0.0
    used = np.zeros((5, 60), dtype=np.uint8)
    kernels.independent_pairs(ta, a, tb, b, edges, same, used, out)
    kept = reference.independent(pairs, same)
    expected = reference.sums(ta, a, tb, b, kept, 5)
    expected[:, 3] = 0.0
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)


def test_squares_and_interpolation_equal_their_references():
    rng = np.random.default_rng(1)
    ta, tb = some_times(60, 2), some_times(40, 3)
    a, b = rng.normal(size=60), rng.normal(size=40)
    variance = rng.uniform(size=60)
    edges = np.array([0.3, 1.0, 5.0, 40.0])
    out = np.zeros((3, 4))
    kernels.square_sums(ta, a, variance, edges, out)
    np.testing.assert_allclose(out, reference.squares(ta, a, variance, edges), rtol=1e-12)
    lags = np.array([-10.0, 0.0, 3.3])
    found = np.empty(3)
    kernels.interpolated_correlation(ta, a, tb, b, lags, 3, found)
    expected = [reference.interpolated(ta, a, tb, b, lag) for lag in lags]
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    kernels.interpolated_correlation(ta, a, tb, b, np.array([49.99]), 3, found[:1])
    assert np.isnan(found[0])


# -- correlation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["dcf", "local", "zdcf"])
def test_peak_is_at_the_lag_and_later_is_positive(method):
    first, second = shifted(15)
    found = discrete_correlation(first, second, method=method)
    assert found.peak[0] == pytest.approx(15, abs=1.5)
    back = discrete_correlation(second, first, method=method)
    assert back.peak[0] == pytest.approx(-15, abs=1.5)
    assert method in repr(found)


def test_noise_is_subtracted_from_the_variances():
    """White noise as strong as the source halves r; dcf undoes that, local does not."""
    rng = np.random.default_rng(2)
    n = 4000
    x = rng.normal(size=n)
    curves = [
        ak.LightCurve(np.arange(float(n)), 10 + x + rng.normal(size=n), np.ones(n))
        for _ in range(2)
    ]
    edges = [-0.5, 0.5]
    dcf, local = (
        discrete_correlation(*curves, method=m, lags=edges).value[0] for m in ("dcf", "local")
    )
    assert local == pytest.approx(0.5, abs=4 * 0.75 / np.sqrt(n))
    assert dcf == pytest.approx(1.0, abs=4 * 2 / np.sqrt(n))


def test_intervals_of_z_cover():
    """Independent pairs of known correlation: the interval of a bin holds it at its level."""
    rng = np.random.default_rng(3)
    n, rho, trials = 12, 0.7, 1500
    inside = 0
    for _ in range(trials):
        a = rng.normal(size=n)
        b = rho * a + np.sqrt(1 - rho**2) * rng.normal(size=n)
        pair = Pair.of(*(ak.LightCurve(np.arange(float(n)), x, bin_width=0.0) for x in (a, b)))
        found = correlation(pair, np.array([-0.5, 0.5]), method="zdcf")
        assert found.pairs[0] == n
        low, high = found.value[0] - found.lower[0], found.value[0] + found.upper[0]
        inside += low <= rho <= high
    # z with r in place of rho is a small-sample approximation: 3 % beside the binomial error.
    assert inside / trials == pytest.approx(0.683, abs=4 * np.sqrt(0.22 / trials) + 0.03)


def test_moments_of_z_are_those_of_simulated_samples():
    rng = np.random.default_rng(4)
    n, rho, trials = 15, 0.6, 40_000
    a = rng.normal(size=(trials, n))
    b = rho * a + np.sqrt(1 - rho**2) * rng.normal(size=(trials, n))
    r = np.array([np.corrcoef(x, y)[0, 1] for x, y in zip(a, b, strict=True)])
    z = np.arctanh(r)
    mean, sigma = _z_moments(np.array([rho]), np.array([float(n)]))
    assert z.mean() == pytest.approx(mean[0], abs=4 * sigma[0] / np.sqrt(trials))
    assert z.std() == pytest.approx(sigma[0], rel=4 / np.sqrt(2 * trials) + 0.005)


def test_z_bins_hold_enough_independent_pairs():
    first, second = shifted(5, n=40)
    found = discrete_correlation(first, second, method="zdcf")
    assert found.pairs.min() >= 11
    assert np.all(np.abs(found.value) < 1)
    assert np.all(found.value + found.upper <= 1)
    sparse = discrete_correlation(first, second, method="zdcf", min_pairs=30)
    assert sparse.lag.size < found.lag.size


def test_draws_add_the_noise_once_more():
    """Rates of variance 1 + 0.5 draw curves of variance 1 + 2 * 0.5: r falls by 1.5 / 2."""
    n, noise = 4000, np.sqrt(0.5)
    rng = np.random.default_rng(7)
    x = rng.normal(size=n)
    curves = [
        ak.LightCurve(np.arange(float(n)), 10 + x + noise * rng.normal(size=n), np.full(n, noise))
        for _ in range(2)
    ]
    options = {"method": "zdcf", "lags": [-0.5, 0.5]}
    plain = discrete_correlation(*curves, **options)
    drawn = discrete_correlation(*curves, draws=200, seed=1, **options)
    # The noise of 200 draws averages out; what is left scatters as 1 / sqrt(n).
    assert drawn.value[0] == pytest.approx(0.75 * plain.value[0], abs=4 / np.sqrt(n))
    assert np.all(drawn.lower > plain.lower)
    assert np.array_equal(drawn.lag, plain.lag)
    again = discrete_correlation(*curves, draws=200, seed=1, **options)
    assert np.array_equal(drawn.value, again.value)


def test_draws_from_errors_of_zero_change_nothing():
    first, second = (
        ak.LightCurve(lc.time, lc.rate, np.full(lc.n, 1e-12)) for lc in shifted(5, n=60)
    )
    plain, drawn = (
        discrete_correlation(first, second, method="zdcf", draws=k, seed=2) for k in (0, 3)
    )
    np.testing.assert_allclose(drawn.value, plain.value, atol=1e-9)
    np.testing.assert_allclose(drawn.upper, plain.upper, atol=1e-9)


def test_autocorrelation_of_an_autoregression():
    """exp(-lag / 5), up to the bias of the mean, (1 + 2 * 5) / n at these lags."""
    n, scale = 4000, 5.0
    rng = np.random.default_rng(5)
    step = np.exp(-1 / scale)
    x = np.empty(n)
    x[0] = rng.normal()
    for i in range(1, n):
        x[i] = step * x[i - 1] + np.sqrt(1 - step**2) * rng.normal()
    noise = rng.normal(0, 0.7, n)
    lc = ak.LightCurve(np.arange(float(n)), 10 + x + noise, np.full(n, 0.7))
    found = autocorrelation(lc, lags=np.arange(0.5, 12))
    np.testing.assert_allclose(found.value, step**found.lag, atol=4 * np.sqrt(2 * scale / n))
    assert autocorrelation(lc).lag[0] == 1.0


def test_gaps_are_left_out():
    first, second = shifted(10, irregular=False)
    rate = np.where(np.arange(200) % 50 > 30, np.nan, first.rate)
    gapped = ak.LightCurve(first.time, rate, first.error, bin_width=0.0)
    short = ak.LightCurve(
        first.time[gapped.valid], rate[gapped.valid], first.error[gapped.valid], bin_width=0.0
    )
    lags = np.arange(-30.5, 31)
    one, two = (discrete_correlation(c, second, lags=lags) for c in (gapped, short))
    np.testing.assert_array_equal(one.value, two.value)


def test_long_curves_take_little_memory():
    """All 1e10 pairs of two curves would not fit; those within 50 lags are counted."""
    n = 100_000
    x = np.random.default_rng(1).normal(size=n)
    lc = ak.LightCurve(np.arange(float(n)), x)
    found = discrete_correlation(lc, lc, lags=np.arange(-50.5, 51))
    assert found.pairs[50] == n
    assert found.value[50] == pytest.approx(1.0, abs=2 / n)  # n - 1 in the variance


# -- lags -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["interpolated", "dcf", "local", "zdcf"])
@pytest.mark.parametrize("statistic", ["centroid", "peak"])
def test_lags_are_recovered(function, statistic):
    first, second = shifted(8, n=120)
    lags = None if function == "interpolated" else np.arange(-30.5, 31)
    found = time_lag(first, second, function=function, statistic=statistic, lags=lags, n=60, seed=2)
    assert abs(found.estimate.sigma_from(8.0)) < 3.5
    assert found.estimate.unit == "s"
    assert found.draws.size + round(found.failed * 60) == 60


def test_detrending_takes_trends_out_of_the_lag():
    """A steep trend that both share at no lag: without it the lag of the rest is found."""
    first, second = shifted(6, n=120)
    slope = 0.2 * np.arange(120)
    tilted = [
        ak.LightCurve(c.time, c.rate + slope, c.error, bin_width=0.0) for c in (first, second)
    ]
    plain, better = (
        time_lag(*tilted, statistic="centroid", detrend=d, n=60, seed=1).estimate
        for d in (False, True)
    )
    assert abs(plain.value - 6) > 2
    assert abs(better.value - 6) < abs(plain.value - 6) / 2


def test_interpolated_peak_lies_between_the_steps():
    """A parabola of known summit, sampled in steps of one."""
    lag = np.arange(-5.0, 6.0)
    nothing = np.full(11, np.nan)
    made = CorrelationFunction(
        lag,
        0.9 - 0.01 * (lag - 1.3) ** 2,
        nothing,
        nothing,
        np.ones(11, int),
        lag,
        "interpolated",
        "s",
    )
    assert _lag_of(made, "peak", 0.8) == pytest.approx(1.3)


def test_lag_intervals_cover():
    """FR/RSS intervals are known to be wide: they must hold the lag at least at their level."""
    trials, inside = 60, 0
    for seed in range(trials):
        first, second = shifted(6, n=80, noise=0.2, seed=seed)
        low, high = time_lag(first, second, n=100, seed=seed).estimate.interval
        inside += low <= 6 <= high
    assert inside / trials > 0.683 - 4 * np.sqrt(0.22 / trials)


def test_workers_and_seeds_change_nothing():
    first, second = shifted(8, n=60)
    alone = time_lag(first, second, n=120, seed=3)
    with ThreadPoolExecutor(2) as pool:
        shared = time_lag(first, second, n=120, seed=3, executor=pool)
    np.testing.assert_array_equal(alone.draws, shared.draws)


def test_weak_correlation_is_said():
    like = ak.LightCurve(np.arange(100.0), np.full(100, 10.0), np.full(100, 0.5))
    one, two = (simulate_lightcurve(lambda f: 1e-4 / f, like, seed=s) for s in (1, 5))
    found = time_lag(one, two, n=60, seed=1)
    assert any("chance" in text or "no lag" in text for text in found.reservations)
    assert "note" in repr(found)


# -- chance ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["dcf", "zdcf"])
def test_p_values_of_independent_curves_are_uniform(method):
    like = ak.LightCurve(np.arange(60.0), np.full(60, 10.0), np.full(60, 0.02))
    lags = np.arange(-20.5, 21, 3.0)
    p = []
    for seed in range(60):
        one, two = (simulate_lightcurve(red, like, seed=2 * seed + k) for k in (0, 1))
        found = correlation_significance(one, two, red, method=method, lags=lags, n=99, seed=seed)
        p.append(found.p_value)
    assert stats.kstest(p, stats.uniform.cdf).pvalue > 1e-3


def test_correlated_curves_are_significant_and_levels_are_levels():
    first, second = shifted(5, n=150)
    found = correlation_significance(
        first, second, (lambda f: 1e-5 * f**-2.0, lambda f: 1e-5 * f**-2.0), n=200, seed=1
    )
    assert found.p_value < 0.05
    low, high = found.level(0.9)
    outside = np.mean((found.simulated < low) | (found.simulated > high))
    assert outside == pytest.approx(0.1, abs=0.02)
    assert found.local_p_value.min() <= found.p_value
    assert "p =" in repr(found)


# -- structure function ---------------------------------------------------------------------------


def test_structure_function_of_white_noise_is_twice_the_variance():
    rng = np.random.default_rng(6)
    n = 2000
    x = rng.normal(0, 2.0, n)
    lc = ak.LightCurve(np.arange(float(n)), x + rng.normal(0, 1.0, n), np.ones(n))
    found = structure_function(lc, lags=[0.5, 1.5, 10.5])
    np.testing.assert_allclose(found.value, 8.0, atol=4 * 2 * 5 * np.sqrt(3 / n))
    np.testing.assert_allclose(found.noise, 2.0)
    assert found.pairs.tolist() == [n - 1, 9 * n - sum(range(2, 11))]


def test_structure_function_of_a_random_walk_grows_linearly():
    n, curves = 1000, 200
    rng = np.random.default_rng(7)
    values = []
    for _ in range(curves):
        lc = ak.LightCurve(np.arange(float(n)), np.cumsum(rng.normal(size=n)))
        values.append(structure_function(lc, lags=[0.5, 1.5, 2.5, 9.5, 10.5]).value)
    values = np.array(values)[:, [0, 1, 3]]
    error = values.std(axis=0) / np.sqrt(curves)
    assert np.all(np.abs(values.mean(axis=0) - [1, 2, 10]) < 4 * error)


def test_band_of_simulations_holds_and_p_is_uniform():
    time = np.sort(np.random.default_rng(8).uniform(0, 300, 60))
    like = ak.LightCurve(time, np.full(60, 10.0), np.full(60, 0.1), bin_width=0.0)

    def psd(f):
        return 1e-5 * f**-2.0

    lags = np.geomspace(3, 250, 8)
    p = []
    for seed in range(60):
        lc = simulate_lightcurve(psd, like, seed=seed)
        found = structure_function(lc, psd=psd, lags=lags, n=64, seed=1000 + seed)
        p.append(found.p_value)
        assert np.all(found.lower >= 0)
    assert stats.kstest(p, stats.uniform.cdf).pvalue > 1e-3
    low, middle, high = found.band(0.9)
    assert np.all((low <= middle) & (middle <= high))
    assert "breaks" in repr(found)


def test_short_lags_come_without_a_warning():
    lc = ak.LightCurve(np.arange(500.0), np.random.default_rng(1).normal(size=500))
    assert structure_function(lc, lags=[0.5, 5, 20]).reservations == ()
    assert "a tenth" in structure_function(lc).reservations[0]


# -- figures and mistakes -------------------------------------------------------------------------


def test_figures_draw_their_data():
    from matplotlib import pyplot as plt

    first, second = shifted(5, n=80)
    found = discrete_correlation(first, second)
    ax = found.plot()
    np.testing.assert_allclose(ax.lines[0].get_xdata(), found.plot_data()[0])
    lag = time_lag(first, second, n=40, seed=1)
    lag.plot()
    assert lag.plot_data() is lag.draws
    chance = correlation_significance(first, second, lambda f: 1e-5 * f**-2.0, n=20, seed=1)
    chance.plot()
    assert set(chance.plot_data()) == {0.95, 0.99}
    sf = structure_function(first, psd=lambda f: 1e-5 * f**-2.0, n=20, seed=1)
    line = sf.plot().lines[0]
    np.testing.assert_allclose(line.get_ydata(), sf.plot_data()[1][sf.value > 0])
    structure_function(first).plot()
    plt.close("all")


def curve(n=50, unit="s", error=0.1):
    rng = np.random.default_rng(1)
    info = ak.lightcurve.LightCurveInfo(time_unit=unit)
    errors = None if error is None else np.full(n, error)
    return ak.LightCurve(np.arange(float(n)), rng.normal(10, 1, n), errors, info=info)


FLAT = ak.LightCurve(np.arange(50.0), np.full(50, 3.0), np.full(50, 0.1))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: discrete_correlation(curve(), curve(unit="d")), InputError, "time_unit"),
        (lambda: discrete_correlation(curve(), FLAT), InputError, "constant"),
        (lambda: discrete_correlation(curve(), curve(), method="x"), InputError, "method"),
        (lambda: discrete_correlation(curve(), curve(error=5.0)), InputError, "errors"),
        (lambda: discrete_correlation(curve(), curve(), lags=[1, 0]), InputError, "increase"),
        (lambda: discrete_correlation(curve(), curve(), lags=[900, 999]), InputError, "pairs"),
        (
            lambda: discrete_correlation(curve(), curve(), draws=5),
            InputError,
            "zdcf",
        ),
        (
            lambda: discrete_correlation(curve(), curve(error=None), method="zdcf", draws=5),
            InputError,
            "errors to draw from",
        ),
        (
            lambda: discrete_correlation(curve(), curve(), method="zdcf", draws=-1),
            InputError,
            "draws must",
        ),
        (
            lambda: discrete_correlation(curve(), curve(), method="zdcf", min_pairs=2),
            InputError,
            "four",
        ),
        (
            lambda: interpolated_correlation(curve(), curve(), lags=[99, 100, 101]),
            InputError,
            "lap",
        ),
        (lambda: time_lag(curve(), curve(error=None)), InputError, "errors"),
        (lambda: time_lag(curve(), curve(), n=3), InputError, "draws"),
        (lambda: time_lag(curve(), curve(), statistic="mode"), InputError, "statistic"),
        (lambda: time_lag(curve(), curve(), threshold=2), InputError, "threshold"),
        (lambda: correlation_significance(curve(), curve(), red, n=2), InputError, "few"),
        (lambda: correlation_significance(curve(), curve(), (red,) * 3), InputError, "spectrum"),
        (lambda: structure_function(curve(), lags=[0.1, 0.2]), InputError, "no pair"),
        (lambda: structure_function(curve(), lags=[2, 1]), InputError, "increase"),
        (lambda: structure_function(curve(), psd=red, n=1), InputError, "simulations"),
        (lambda: structure_function(curve(1)), ShapeError, "two valid"),
        (lambda: structure_function(curve()).band(), InputError, "psd"),
    ],
)
def test_mistakes_are_named(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert isinstance(caught.value, AstrokitError)
