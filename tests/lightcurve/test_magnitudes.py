"""Magnitudes as fluxes."""

from __future__ import annotations

import numpy as np
import pytest

import astrokit as ak
from astrokit.errors import InputError
from astrokit.lightcurve import LightCurveInfo, flux_from_magnitudes


def curve(mag, error=0.01):
    info = LightCurveInfo(rate_unit="mag", time_unit="d")
    return ak.LightCurve(np.arange(len(mag)), mag, np.full(len(mag), error), info=info)


def test_five_magnitudes_are_a_factor_of_a_hundred():
    flux = flux_from_magnitudes(curve([20.0, 15.0]), zero_point=20.0, unit="Jy")
    assert flux.rate == pytest.approx([1.0, 100.0])
    assert flux.info.rate_unit == "Jy"
    assert not flux.info.is_magnitude


def test_errors_follow():
    """A magnitude one error brighter is a flux one error higher, to first order."""
    flux = flux_from_magnitudes(curve([15.0, 15.5]), zero_point=15.0)
    assert flux.error[0] == pytest.approx(10 ** (0.4 * 0.01) - 1, rel=0.01)


def test_fractional_variability_does_not_depend_on_the_zero_point():
    rng = np.random.default_rng(1)
    lc = curve(15 + 0.2 * rng.standard_normal(100))
    a, b = (
        ak.timing.fractional_variability(flux_from_magnitudes(lc, zero_point=z)).value
        for z in (None, 23.9)
    )
    assert a == pytest.approx(b)


def test_what_is_refused():
    with pytest.raises(InputError, match="no magnitudes"):
        flux_from_magnitudes(ak.LightCurve([0.0, 1.0], [1.0, 2.0]))
    with pytest.raises(InputError, match="needs zero_point"):
        flux_from_magnitudes(curve([15.0, 16.0]), unit="Jy")
    with pytest.raises(InputError, match="no bin"):
        flux_from_magnitudes(curve([np.nan, np.nan]))
