"""Simulations of models."""

from __future__ import annotations

import numpy as np
import pytest

import astrokit as ak
from astrokit.errors import InputError, ParameterError


@pytest.fixture
def detector():
    return ak.spectra.Response.ideal(np.geomspace(0.5, 8.0, 101), area=300.0)


def test_counts_of_a_power_law_are_its_integral(detector):
    """Area 300 cm2 x 1e4 s x integral of K E^-2 from 0.5 to 8 keV = 3e6 x 1e-3 x (2 - 1/8)."""
    fake = ak.spectra.simulate(
        ak.spectra.PowerLaw(), detector, exposure=1e4, seed=2, photon_index=2.0, normalization=1e-3
    )
    assert abs(fake.counts.sum() - 5625) < 4 * 75


def test_models_that_cannot_be_simulated(detector):
    with pytest.raises(InputError, match="emits no photons"):
        ak.spectra.simulate(ak.spectra.TBabs(nh=0.1), detector, exposure=1.0)
    with pytest.raises(ParameterError, match="missing: normalization"):
        ak.spectra.simulate(ak.spectra.PowerLaw(photon_index=2.0), detector, exposure=1.0)
