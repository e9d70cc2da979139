"""Amplitudes of the extremes: by hand, against draws of noise, and the promise of the limit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from astropy import units as u

import astrokit as ak
from astrokit.errors import InputError, ShapeError
from astrokit.timing.amplitude import peak_to_peak_amplitude, variability_amplitude

RATES, ERRORS = [8.0, 12.0, 10.0, 14.0, 6.0], [1.0] * 5


def test_numbers_by_hand():
    # Range 8, mean 10, noise 1: root of 62 over 10.
    amplitude = variability_amplitude(RATES, ERRORS)
    assert amplitude.value == pytest.approx(10 * math.sqrt(62))
    assert amplitude.to("").value == pytest.approx(math.sqrt(62) / 10)
    # 14/6 - 1, and 14/6 sqrt(1/196 + 1/36)
    peak = peak_to_peak_amplitude(RATES, ERRORS)
    assert peak.value == pytest.approx(4 / 3)
    assert peak.error == pytest.approx(7 / 3 * math.sqrt(1 / 196 + 1 / 36))


@pytest.mark.parametrize("function", [variability_amplitude, peak_to_peak_amplitude])
def test_error_is_the_scatter_that_noise_makes(function):
    """Extremes that noise cannot swap: the scatter over draws is the propagated error."""
    rng = np.random.default_rng(3)
    truth, n = np.array([10.0, 11.0, 5.0, 20.0, 12.0]), 4000
    sigma = np.array([0.1, 0.1, 0.1, 0.3, 0.1])
    values = [function(truth + sigma * rng.standard_normal(5), sigma).value for _ in range(n)]
    expected = function(truth, sigma)
    # The second-order term of the propagation is (error/rate)^2 = 4e-4: far below 4/sqrt(2 n).
    assert np.std(values) == pytest.approx(expected.error, rel=4 / math.sqrt(2 * n))


def test_limit_covers_the_true_range():
    """True range 0.5 under noise of 1: limits at 90 % hold in at least 90 % of the draws."""
    rng = np.random.default_rng(5)
    truth, n, held, limits = np.array([10.0, 10.5, 10.0]), 4000, 0, 0
    for _ in range(n):
        e = variability_amplitude(truth + rng.standard_normal(3), np.ones(3), limit_level=0.9)
        if e.limit:
            limits += 1
            held += e.value > 4.5  # percent; the mean itself scatters by 6 %
    # Where the range was small enough for a limit; the share of all draws whose limit fails.
    assert limits > 100
    assert (limits - held) / n < 0.1 + 4 * math.sqrt(0.09 / n)


def test_constant_curve_gives_a_limit_and_says_why():
    e = variability_amplitude([5.0] * 10, [0.5] * 10)
    assert e.limit == "upper"
    assert "undefined" in e.method
    # 1.6448536 is the 95 % point of a normal distribution.
    assert e.value == pytest.approx(100 * 1.6448536269514722 * math.sqrt(0.5) / 5)
    assert peak_to_peak_amplitude([5.0] * 10, [0.5] * 10).value == 0.0


def test_light_curve_and_units():
    lc = ak.LightCurve(np.arange(6.0), [8, 12, np.nan, 10, 14, 6], [1.0] * 6)
    assert variability_amplitude(lc).value == variability_amplitude(RATES, ERRORS).value
    flux = np.array(RATES) * u.Jy
    scaled = variability_amplitude(flux, (np.array(ERRORS) * u.Jy).to(u.mJy))
    assert scaled.value == pytest.approx(10 * math.sqrt(62))


@pytest.mark.parametrize(
    ("function", "rate", "error", "kind", "message"),
    [
        (variability_amplitude, [1.0, -3.0], [0.1, 0.1], InputError, "mean rate is not positive"),
        (peak_to_peak_amplitude, [1.0, 0.0], [0.1, 0.1], InputError, "lowest rate is not positive"),
        (variability_amplitude, [1.0, np.nan], [0.1, 0.1], ShapeError, "two valid bins"),
        (variability_amplitude, [1.0], [0.1], ShapeError, "too few"),
        (variability_amplitude, [1.0, 2.0], None, InputError, "without errors"),
        (variability_amplitude, [1.0, 2.0], [0.1, -0.1], InputError, "negative"),
        (variability_amplitude, [1.0, 2.0], [0.1], ShapeError, "unequal"),
    ],
)
def test_bad_input_is_named(function, rate, error, kind, message):
    with pytest.raises(kind, match=message):
        function(rate, error)


def test_all_missing_segment_is_refused():
    with pytest.warns(ak.errors.DataWarning):
        lc = ak.LightCurve(np.arange(4.0), [1.0, 2.0, 3.0, 4.0], [0.0, 0.0, -1.0, 0.0])
    with pytest.raises(ShapeError, match="two valid bins"):
        variability_amplitude(lc)


def test_limit_level_is_a_probability():
    with pytest.raises(InputError, match="limit_level"):
        variability_amplitude([5.0, 5.0], [1.0, 1.0], limit_level=95)
