"""Examples: the maps, flows and orbits are what they say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from astrokit.complexity import examples, hc
from astrokit.errors import InputError


def largest_lyapunov(make, start, shift, dt, steps):
    """Return the mean growth rate of a small separation, renormalised by restarting."""
    one, two = make(start), make(tuple(np.add(start, shift)))
    distance = np.sqrt(sum((one.columns[k] - two.columns[k]) ** 2 for k in one.columns))
    return np.polyfit(np.arange(steps) * dt, np.log(distance[:steps]), 1)[0]


def test_the_logistic_map_has_the_invariant_density():
    x = np.sort(examples.logistic(20_000).x)
    cdf = 2 / math.pi * np.arcsin(np.sqrt(x))
    # Kolmogorov-Smirnov; the map is mixing with short memory, a factor of 2 covers it.
    assert np.max(np.abs(cdf - np.arange(1, 20_001) / 20_000)) < 2 * 1.63 / math.sqrt(20_000)


def test_a_logistic_map_at_rest_is_refused():
    with pytest.raises(InputError, match="to rest"):
        examples.logistic(100, start=0.5)  # 0.5, 1, 0, 0, ...
    assert examples.logistic(2000, r=2.0).x[-1] == pytest.approx(0.5)  # rests by nature


def test_henon_and_tent_are_as_known():
    x = examples.henon(50_000).x[100:]
    assert x.mean() == pytest.approx(0.257, abs=0.01)  # of the attractor
    tent = examples.skew_tent(50_000).x
    assert tent.mean() == pytest.approx(0.5, abs=4 / math.sqrt(12 * 50_000) * 2)
    with pytest.raises(InputError, match="escapes"):
        examples.henon(100, start=(3.0, 3.0))


def test_the_symmetric_tent_needs_a_perturbation():
    with pytest.raises(InputError, match="ends this tent map at 0"):
        examples.skew_tent(1000, peak=0.5)
    x = examples.skew_tent(50_000, peak=0.5, perturbation=1e-12).x
    assert x.std() == pytest.approx(1 / math.sqrt(12), rel=0.02)
    assert np.all((x >= 0) & (x <= 1))
    y = examples.skew_tent(5, peak=0.3, start=0.2).x
    by_hand = [0.2, 0.2 / 0.3]
    by_hand.append((1 - by_hand[1]) / 0.7)
    np.testing.assert_allclose(y[:3], by_hand)


def test_lorenz_is_chaotic_at_28_and_not_at_20():
    chaos = examples.lorenz(5000)
    assert chaos.nature == "chaotic"
    assert chaos.columns["z"].mean() == pytest.approx(23.55, abs=0.6)  # of the attractor
    still = examples.lorenz(5000, rho=20.0, settle=200.0)
    assert still.nature == "regular"
    assert np.ptp(still.x) < 1e-3  # it has come to rest
    assert "relative tolerance 1e-10" in str(chaos)

    def make(start):
        return examples.lorenz(1200, start=start, settle=0.0)

    start = tuple(chaos.columns[k][-1] for k in "xyz")
    rate = largest_lyapunov(make, start, (1e-8, 0, 0), 0.01, 1200)
    assert rate == pytest.approx(0.906, rel=0.25)  # over 12 of some 1000 times needed for 1 %


def test_the_double_pendulum_keeps_its_energy_and_swings_when_small():
    assert examples.double_pendulum(2000).invariant_drift < 1e-7
    small = examples.double_pendulum(4000, angles=(0.1, 0.1 * math.sqrt(2)), dt=0.01)
    # The slow normal mode of equal rods and masses: omega^2 = (2 - sqrt(2)) g / l.
    spectrum = np.abs(np.fft.rfft(small.x * np.hanning(4000)))
    omega = 2 * math.pi * np.argmax(spectrum) / 40.0
    assert omega == pytest.approx(math.sqrt((2 - math.sqrt(2)) * 9.80665), abs=2 * math.pi / 40)
    ratio = small.columns["lower_angle"] / small.columns["upper_angle"]
    assert np.median(ratio) == pytest.approx(math.sqrt(2), rel=1e-3)


@pytest.mark.parametrize("name", ["regular", "chaotic"])
def test_orbits_in_a_bar_are_as_named(name):
    """Neighbours separate linearly in a regular orbit and exponentially in a chaotic one."""
    start = examples.BAR_ORBITS[name]
    orbit = examples.bar_orbit(4000, start=start, nature=name)
    assert orbit.invariant_drift < 1e-6
    near = examples.bar_orbit(4000, start=tuple(np.add(start, (1e-9, 0, 0, 0))))
    distance = np.hypot(orbit.x - near.x, orbit.columns["y"] - near.columns["y"])
    late = np.median(distance[-200:])
    if name == "regular":
        assert late < 1e-5  # grows in proportion to time: 400 time units, not more than 1e4-fold
    else:
        assert late > 1e-3
    assert orbit.nature == name


def test_sines_and_their_mistakes():
    x = examples.sines(100, steps=(0.1, 0.3), amplitudes=(1.0, 0.5)).x
    i = np.arange(100)
    np.testing.assert_allclose(x, np.sin(0.1 * i) + 0.5 * np.sin(0.3 * i))
    assert examples.sines(10).dt == 1
    with pytest.raises(InputError, match="differ in number"):
        examples.sines(10, steps=(0.1, 0.2))
    with pytest.raises(InputError, match="between 0 and 1"):
        examples.skew_tent(10, peak=1.0)
    assert hc(examples.sines(5000).x, delay=10).zone == "periodic"
