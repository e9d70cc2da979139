"""Phase functions against their published tables and other packages."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table

from astrokit.comets import (
    CometPhotometry,
    CustomPhase,
    HalleyMarcusPhase,
    HGPhase,
    LinearPhase,
    NoPhase,
    SbpyPhase,
    from_ephem,
    to_ephem,
)
from astrokit.errors import InputError, ParameterError, ShapeError
from astrokit.inference import Normal, TruncatedNormal, Uniform
from tests.conftest import real_file


def test_composite_meets_its_table():
    """Schleicher's table has four decimals: half a unit of the last one, at every degree."""
    table = Table.read(real_file("comet/phase_function_halley_marcus.csv"))
    got = HalleyMarcusPhase().values_at(np.array(table["phase_deg"]))
    np.testing.assert_allclose(got, table["phi_norm_0deg"], rtol=1.5e-4, atol=6e-5)


def test_composite_is_continuous():
    alpha = np.array([41.999999, 42.000001])
    assert abs(np.diff(HalleyMarcusPhase().magnitudes(alpha))[0]) < 1e-6


def test_linear_phase_takes_numbers_pairs_and_priors():
    assert not LinearPhase(0.04).parameters[0].is_free
    assert LinearPhase((0.04, 0.02)).parameters[0].prior == Normal(0.04, 0.02)
    assert LinearPhase(Uniform(0.0, 0.1)).parameters[0].value == 0.05
    np.testing.assert_allclose(LinearPhase(0.04).magnitudes(np.pi / 18 * u.rad), 0.4)
    assert NoPhase().magnitudes([10.0]).tolist() == [0.0]


def test_parameters_are_named_or_refused():
    assert LinearPhase().magnitudes(10.0, phase_coefficient=0.05) == pytest.approx(0.5)
    with pytest.raises(ParameterError, match="no parameter 'beta'"):
        LinearPhase().magnitudes(10.0, beta=0.05)


@pytest.mark.parametrize("alpha", [-1.0, 181.0])
def test_angles_outside_the_circle_are_refused(alpha):
    with pytest.raises(InputError, match="0 to 180"):
        LinearPhase().magnitudes(alpha)


def test_custom_function_must_broadcast():
    with pytest.raises(ShapeError, match="broadcast"):
        CustomPhase(lambda a: np.zeros(7)).magnitudes([1.0, 2.0])


def test_hg_is_that_of_sbpy():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sbpy's own imports
        photometry = pytest.importorskip("sbpy.photometry")
        ours = HGPhase(TruncatedNormal(0.2, 0.1, 0.0, 1.0))
        alpha = np.array([0.0, 5.0, 20.0, 60.0])
        theirs = photometry.HG(H=0 * u.mag, G=0.3)(np.deg2rad(alpha) * u.rad)
    np.testing.assert_allclose(
        ours.magnitudes(alpha, phase_slope=0.3), theirs.to_value(u.mag), atol=1e-10
    )
    with pytest.raises(ParameterError, match="leaves 0 to 1"):
        HGPhase(Normal(0.15, 0.1)).parameters  # noqa: B018


def test_other_phase_functions_of_sbpy():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sbpy's own imports
        photometry = pytest.importorskip("sbpy.photometry")
        model = photometry.HG1G2(H=7 * u.mag, G1=0.3, G2=0.3)
        alpha = np.array([0.0, 5.0, 20.0])
        theirs = model(np.deg2rad(alpha) * u.rad).to_value(u.mag) - 7.0
        np.testing.assert_allclose(SbpyPhase(model).magnitudes(alpha), theirs, atol=1e-9)
        assert "HG1G2" in repr(SbpyPhase(model))
    with pytest.raises(InputError, match="phase function of sbpy"):
        SbpyPhase(0.04)


def test_geometry_goes_to_sbpy_and_back():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sbpy's own imports
        pytest.importorskip("sbpy.data")
        ph = CometPhotometry([1, 2], [18, 17], r=[3, 2], delta=[2, 1], phase_angle=[5, 6])
        ephem = to_ephem(ph)
        bare = CometPhotometry([1, 2], [18, 17])
        back = from_ephem(bare, ephem)
    for name in ("r", "delta", "phase_angle"):
        np.testing.assert_allclose(getattr(back, name), getattr(ph, name))
    with pytest.raises(InputError, match="no geometry"):
        to_ephem(bare)


def test_estimates_and_pairs_are_priors():
    from astrokit import Estimate

    per_radian = Estimate(0.04 * 180 / np.pi, 0.02 * 180 / np.pi, unit="mag / rad")
    prior = LinearPhase(per_radian).parameters[0].prior
    np.testing.assert_allclose([prior.mean, prior.sigma], [0.04, 0.02], rtol=1e-12)
    pytest.importorskip("sbpy")
    assert HGPhase((0.15, 0.1)).parameters[0].prior == TruncatedNormal(0.15, 0.1, 0.0, 1.0)
    with pytest.raises(ParameterError, match="slope parameter G"):
        HGPhase(5.0).parameters  # noqa: B018
