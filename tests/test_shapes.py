"""Compiled shapes against independent implementations: astropy's models and limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from astropy.modeling import powerlaws
from hypothesis import given, settings
from hypothesis import strategies as st

from astrokit import shapes

X = np.geomspace(1e-4, 1e4, 201)
LOG_X = np.log(X)
INDEX = st.floats(-4, 4)
LOG_BREAK = st.floats(-7, 7)


@given(INDEX)
@settings(deadline=None)
def test_power_law_is_astropys(index: float) -> None:
    truth = powerlaws.PowerLaw1D(1.0, 1.0, index)(X)
    np.testing.assert_allclose(np.exp(shapes.power_law(LOG_X, index)), truth, rtol=1e-12)


@given(INDEX, INDEX, LOG_BREAK)
@settings(deadline=None)
def test_broken_power_law_is_astropys(low: float, high: float, log_break: float) -> None:
    truth = powerlaws.BrokenPowerLaw1D(1.0, math.exp(log_break), low, high)(X)
    ours = np.exp(shapes.broken_power_law(LOG_X, log_break, low, high))
    np.testing.assert_allclose(ours, truth, rtol=1e-11)


@given(INDEX, INDEX, LOG_BREAK, st.floats(0.05, 2.0))
@settings(deadline=None)
def test_smooth_break_is_astropys(low: float, high: float, log_break: float, width: float) -> None:
    truth = powerlaws.SmoothlyBrokenPowerLaw1D(1.0, math.exp(log_break), low, high, width)(X)
    ours = np.exp(shapes.smoothly_broken_power_law(LOG_X, log_break, low, high, width))
    np.testing.assert_allclose(ours, truth, rtol=1e-9)


@given(INDEX, LOG_BREAK)
@settings(deadline=None)
def test_cutoff_is_astropys(index: float, log_cutoff: float) -> None:
    truth = powerlaws.ExponentialCutoffPowerLaw1D(1.0, 1.0, index, math.exp(log_cutoff))(X)
    ours = np.exp(shapes.cutoff_power_law(LOG_X, index, log_cutoff))
    np.testing.assert_allclose(ours, truth, rtol=1e-11, atol=1e-300)


@given(INDEX, st.floats(-1, 1))
@settings(deadline=None)
def test_log_parabola_counts_curvature_per_decade(index: float, curvature: float) -> None:
    # astropy's model takes natural logarithms: beta_ln = beta_log10 / ln 10.
    truth = powerlaws.LogParabola1D(1.0, 1.0, index, curvature / math.log(10))(X)
    ours = np.exp(shapes.log_parabola(LOG_X, index, curvature))
    np.testing.assert_allclose(ours, truth, rtol=1e-11)


@given(st.floats(0, 2), st.floats(0.5, 3), LOG_BREAK)
@settings(deadline=None)
def test_bending_law_has_its_two_slopes_and_is_half_at_the_bend(
    low: float, steeper_by: float, log_bend: float
) -> None:
    high = low + steeper_by
    far = 60.0  # e-folds: the bend has died out to exp(-0.5 * 60)
    for side, index in ((-1, low), (1, high)):
        at = log_bend + side * far
        step = shapes.bending_power_law(at + 1, log_bend, low, high) - shapes.bending_power_law(
            at, log_bend, low, high
        )
        assert step == pytest.approx(-index, abs=1e-10)
    at_bend = shapes.bending_power_law(log_bend, log_bend, low, high)
    assert at_bend == pytest.approx(-low * log_bend - math.log(2), abs=1e-12)


def test_a_narrow_smooth_break_becomes_the_sharp_one() -> None:
    smooth = shapes.smoothly_broken_power_law(LOG_X, 1.0, 0.5, 2.5, 1e-6)
    sharp = shapes.broken_power_law(LOG_X, 1.0, 0.5, 2.5)
    # At the break itself the two differ by (high - low) * width * ln 2 at most.
    np.testing.assert_allclose(smooth, sharp, atol=2 * 1e-6 * math.log(2) + 1e-12)


def test_softplus_keeps_its_precision_at_both_ends() -> None:
    assert shapes.softplus(-800.0) == 0.0
    assert shapes.softplus(800.0) == 800.0
    assert shapes.softplus(-40.0) == pytest.approx(math.exp(-40), rel=1e-14)


@pytest.mark.parametrize("name", ["power_law", "broken_power_law", "bending_power_law"])
def test_the_uncompiled_twin_agrees(name: str) -> None:
    function = getattr(shapes, name)
    arguments = [0.3, 0.5, 2.5][: function.py_func.__code__.co_argcount - 1]
    np.testing.assert_allclose(
        function(LOG_X, *arguments), function.py_func(LOG_X, *arguments), rtol=1e-14
    )
