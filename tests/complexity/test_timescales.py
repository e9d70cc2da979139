"""Natural time scales, the sampling scheme and the scan over delays."""

from __future__ import annotations

import math

import numpy as np
import pytest

import astrokit as ak
from astrokit.complexity import chaos_scan, examples, natural_time_scale, sampling_scheme
from astrokit.complexity.timescales import METHODS
from astrokit.errors import InputError, ShapeError

PERIOD = 37.3
T = np.arange(3000) * 0.5
SINE = np.sin(2 * np.pi * T / PERIOD + 0.4)


@pytest.mark.parametrize("method", METHODS)
def test_the_period_of_a_sine(method):
    e = natural_time_scale(SINE, method=method, dt=0.5)
    # Extrema lie on samples; a peak lies within half a frequency bin, and may leak to the next.
    tolerance = {"crossings": 0.01, "spectrum": 1.0 * PERIOD**2 / 1500}.get(method, 0.05)
    assert abs(e.value - PERIOD) < tolerance
    assert e.error > 0


@pytest.mark.parametrize("method", METHODS)
def test_the_time_axis_may_begin_anywhere_and_have_gaps(method):
    """A series of any offset in time and with a gap keeps its scale: t[-1] plays no part."""
    keep = np.ones(T.size, bool)
    keep[1000:1250] = False
    lc = ak.LightCurve(1e6 + T[keep], SINE[keep])
    e = natural_time_scale(lc, method=method)
    assert e.value == pytest.approx(PERIOD, rel=0.03)


def test_errors_of_the_mean_interval():
    """Crossings of a random telegraph: their error is that of a mean of independent times."""
    rng = np.random.default_rng(1)
    pulls = []
    for _ in range(100):
        x = np.repeat(np.arange(200) % 2, rng.geometric(0.1, 200)).astype(float)
        e = natural_time_scale(x)
        pulls.append((e.value - 20) / e.error)
    # Successive sums of two... are single intervals doubled: independent. 68 % within one error.
    inside = np.mean(np.abs(pulls) < 1)
    assert abs(inside - 0.6827) < 4 * math.sqrt(0.6827 * 0.3173 / 100)


def test_the_scheme_recommends_two_fifths_of_the_natural_time():
    scheme = sampling_scheme(SINE, dt=0.5, period=PERIOD)
    for method, delay in scheme.delays.items():
        t_nat = scheme.natural_times[method].value
        assert (
            abs(scheme.pattern_time(delay) / t_nat - 0.4) <= 0.501 * scheme.pattern_time(1) / t_nat
        )
        low, high = scheme.ranges[method]
        assert 0.3 * t_nat <= scheme.pattern_time(low) <= 0.3 * t_nat + scheme.pattern_time(1)
        assert 0.5 * t_nat - scheme.pattern_time(1) <= scheme.pattern_time(high) <= 0.5 * t_nat
        assert scheme.is_long_enough(method)
    assert scheme.is_unanimous
    assert scheme.verdict == "periodic, whichever natural time scale is taken"
    assert len(scheme.to_table()) == 5
    assert scheme.duration == pytest.approx(2999 * 0.5)
    assert "period: t_nat = 37.3" in str(scheme)


def test_disagreement_is_reported():
    """A slow sine with fast noise: crossings see the one, extrema the other."""
    rng = np.random.default_rng(2)
    x = np.sin(2 * np.pi * np.arange(6000) / 300) + 0.05 * rng.standard_normal(6000)
    scheme = sampling_scheme(x)
    assert scheme.zones["minima"] == "stochastic"
    assert not scheme.is_unanimous
    assert "depends on the natural time scale" in scheme.verdict
    assert "too coarse" in str(scheme)


def test_failures_are_kept_and_total_failure_raises():
    falling = np.linspace(1, 0, 200) ** 2
    scheme = sampling_scheme(falling)
    assert set(scheme.failures) == {"crossings", "minima", "maxima"}
    assert "too few crossings" in str(scheme)
    with pytest.raises(InputError, match="no natural time scale"):
        sampling_scheme(falling, methods=["minima"])
    with pytest.raises(InputError, match="constant"):
        natural_time_scale(np.ones(50), method="spectrum")
    with pytest.raises(InputError, match="too few samples"):
        natural_time_scale(np.arange(5), method="spectrum")
    with pytest.raises(InputError, match="crossings, minima"):
        natural_time_scale(SINE, method="fft")


def test_chaos_shows_at_the_delay_of_the_largest_complexity():
    scan = chaos_scan(examples.lorenz(4000, dt=0.02).x, dt=0.02)
    assert scan.best_zone == "complex"
    assert scan.best_delay == scan.curve.delay[np.argmax(scan.curve.complexity)]
    assert scan.zone_ranges[0][1] == 1
    assert scan.zone_ranges[-1][2] == 99
    assert "zones by delay" in str(scan)
    axes = scan.plot()
    assert len(axes[0].lines) == 1 + len(scan.scheme.delays)
    assert len(scan.plot_data()) == 99
    assert chaos_scan(SINE[:60]).curve.delay[-1] == 14
    with pytest.raises(ShapeError, match="shorter than one window"):
        chaos_scan([1.0, 2.0])
