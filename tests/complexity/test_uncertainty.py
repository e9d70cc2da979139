"""Errors of H and C: coverage of long-run values, bias, and what they say in short series."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

import astrokit as ak
from astrokit.complexity import (
    autoregressive_noise,
    block_bootstrap,
    exact_noise_probabilities,
    examples,
    fractional_brownian_motion,
    hc,
    hc_batch,
    hc_curve,
)
from astrokit.complexity.counting import ordinal_counts
from astrokit.complexity.entropies import jensen_complexity, normalized_entropy
from astrokit.errors import CoverageWarning, InputError, ShapeError

N_SERIES = 300
BAND = 4 * math.sqrt(0.6827 * 0.3173 / N_SERIES)


def logistic(size, rng):
    return examples.logistic(size + 50, start=rng.uniform(0.05, 0.95)).x[50:]


def long_run_values(p):
    return float(normalized_entropy(p, p.size)), float(jensen_complexity(p, p.size))


def long_run(process, n):
    """Return (H, C): exact for Gaussian noises and the logistic map, where theory gives them."""
    if process == "fBm":
        return long_run_values(exact_noise_probabilities("fBm", 0.4, n=n))
    if process == "ar1":
        # Increments of an AR(1) process: the probabilities are arcsines again (n = 3).
        phi = 0.6
        first, second = 1 - phi, 0.5 * (2 * phi - 1 - phi**2)
        rising = 0.25 + math.asin(second / first) / (2 * math.pi)
        p = np.array([rising, *[(1 - 2 * rising) / 4] * 4, rising])
        return long_run_values(p)
    # The invariant density of the logistic map: the angle x = sin^2(pi u / 2) has a uniform u, and
    # each pattern is an interval of u.
    u = (np.arange(2_000_000) + 0.5) / 2_000_000
    x = [np.sin(np.pi * u / 2) ** 2]
    for _ in range(n - 1):
        x.append(4 * x[-1] * (1 - x[-1]))
    orders = np.argsort(np.array(x), axis=0)
    _, counts = np.unique(orders.T @ (n ** np.arange(n)), return_counts=True)
    p = np.zeros(math.factorial(n))
    p[: counts.size] = counts / counts.sum()
    return long_run_values(p)


MAKERS = {
    "fBm": lambda size, rng: fractional_brownian_motion(size, hurst=0.4, seed=rng),
    "ar1": lambda size, rng: autoregressive_noise(size, coefficient=0.6, seed=rng),
    "logistic": logistic,
}


@pytest.mark.parametrize(
    ("process", "n", "size"), [("fBm", 4, 3000), ("ar1", 3, 2000), ("logistic", 4, 2000)]
)
def test_intervals_cover_the_long_run_values(process, n, size):
    truth = long_run(process, n)
    rng = np.random.default_rng(3)
    inside = np.zeros((2, 2))
    pulls = np.zeros(2)
    for _ in range(N_SERIES):
        x = MAKERS[process](size, rng)
        b = block_bootstrap(x, n=n, n_resamples=200, seed=rng)
        corrected = hc(x, n=n).corrected
        for k, e in enumerate((b.entropy, b.complexity)):
            low, high = e.interval
            inside[0, k] += low <= truth[k] <= high
            inside[1, k] += abs(corrected[k].value - truth[k]) < corrected[k].error
            pulls[k] += (corrected[k].value - truth[k]) / corrected[k].error / N_SERIES
    assert np.abs(inside / N_SERIES - 0.6827).max() < BAND, inside / N_SERIES
    # Bias is gone: mean pulls scatter by one over the root of their number.
    assert np.abs(pulls).max() < 4.5 / math.sqrt(N_SERIES)


def test_bias_of_white_noise_is_known():
    """<1 - H> = (N - 1)/(2 M ln N) for independent windows; overlap hardly changes it."""
    rng = np.random.default_rng(4)
    M, N = 4996, 120
    found = [hc(rng.standard_normal(5000)) for _ in range(60)]
    biases = np.array([r.bias[0] for r in found])
    deficits = np.array([1 - r.entropy.value for r in found])
    expected = (N - 1) / (2 * M * math.log(N))
    assert np.mean(deficits) == pytest.approx(expected, rel=0.08)
    error = math.hypot(deficits.std(), biases.std()) / math.sqrt(60)
    assert abs(np.mean(deficits) + np.mean(biases)) < 4 * error


def test_errors_of_white_noise_are_those_of_overlapping_windows():
    """2 M ln N (1 - H) varies by 290 to 450 at n = 5, not by the 238 of independent windows."""
    rng = np.random.default_rng(5)
    found = [hc(rng.standard_normal(10_000)) for _ in range(150)]
    scale = 2 * 9996 * math.log(120)
    measured = np.var([scale * r.entropy.value for r in found])
    claimed = np.mean([(scale * r.entropy.error) ** 2 for r in found])
    relative = math.sqrt(2 * 1.5 / 150)  # of a variance of 150 values with some excess kurtosis
    assert 290 * (1 - 4 * relative) < measured < 450 * (1 + 4 * relative)
    assert claimed == pytest.approx(measured, rel=4 * relative)


def test_error_bars_scale_with_the_length():
    x = MAKERS["ar1"](160_000, np.random.default_rng(6))
    short, long = hc(x[:10_000], n=3), hc(x, n=3)
    assert short.entropy.error / long.entropy.error == pytest.approx(4, rel=0.35)


def test_the_bootstrap_repeats_and_obeys():
    x = MAKERS["ar1"](4000, np.random.default_rng(7))
    b = block_bootstrap(x, n=3, seed=1)
    again = block_bootstrap(x, n=3, seed=1)
    assert b.entropy == again.entropy
    wide = block_bootstrap(x, n=3, seed=1, level=0.9)
    assert wide.entropy.error / b.entropy.error == pytest.approx(1.645, rel=0.15)
    chosen = block_bootstrap(x, n=3, seed=1, block_length=200)
    assert chosen.block_length == 3998 // 19
    assert chosen.n_blocks == 19
    assert "blocks of" in str(chosen)
    assert b.provenance.seed["entropy"] == 1
    gap = x.copy()
    gap[1000:1400] = np.nan
    assert block_bootstrap(gap, n=3, missing="drop", seed=1).entropy.error > b.entropy.error * 0.8


def test_a_constant_series_has_no_scatter():
    b = block_bootstrap(np.zeros(1000), n=3, seed=1)
    assert (b.entropy.value, b.entropy.error) == (0, 0)


def test_few_windows_per_pattern_warn():
    x = np.random.default_rng(8).standard_normal(1000)
    with pytest.warns(CoverageWarning, match="use a smaller n"):
        block_bootstrap(x, n=5, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        block_bootstrap(x, n=4, seed=1)


def test_errors_of_few_windows_per_pattern_warn_wherever_they_are_given():
    x = np.random.default_rng(8).standard_normal(2000)
    with pytest.warns(CoverageWarning, match="too small; use a smaller n"):
        r = hc(x)
    assert "CoverageWarning: 1996 windows show 120 patterns" in str(r)
    assert "1996 windows show 120 patterns" in r._repr_html_()
    with pytest.warns(CoverageWarning, match="2 of 2 points"):
        hc_curve(x, delays=[1, 2])
    with pytest.warns(CoverageWarning, match="1 of 2 points"):
        hc_batch([x, np.arange(2000.0)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "CoverageWarning" not in str(hc(x, n=4))
        hc_curve(x, n=4, delays=[1, 2])
        hc(np.arange(2000.0))  # one pattern only
        hc(x[:20])  # no errors, which says enough


def test_mistakes_of_the_bootstrap():
    x = np.random.default_rng(9).standard_normal(1000)
    with pytest.raises(ShapeError, match="shorter block_length"):
        block_bootstrap(x, block_length=500)
    with pytest.raises(ShapeError, match="too few blocks"):
        block_bootstrap(x[:60])
    for options in ({"n_resamples": 5}, {"level": 2}, {"block_length": 0}):
        with pytest.raises(InputError):
            block_bootstrap(x, **options)
    holes = np.full(1000, np.nan)
    holes[:30] = 1.0
    with pytest.raises(InputError, match="too few blocks"):
        block_bootstrap(holes, n=3, missing="drop")
    assert ordinal_counts(holes, n=3, missing="drop").n_windows == 28
    assert "bandt2002" in ak.cite(block_bootstrap(x, n=3, seed=1)).keys
