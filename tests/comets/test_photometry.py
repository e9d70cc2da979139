"""The container of magnitudes: selections, fluxes, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.time import Time

from astrokit.comets import CometPhotometry
from astrokit.errors import InputError, NonFiniteError, ShapeError, UnitError


def small(**columns) -> CometPhotometry:
    fields = {"r": [4, 3, 2], "delta": [3, 2, 1], "phase_angle": [5, 6, 7]}
    return CometPhotometry([60800, 60850, 60900], [18, 17, 16], **(fields | columns))


def test_quantities_are_converted():
    ph = small(r=([4, 3, 2] * u.au).to(u.km), phase_angle=[0.1, 0.2, 0.3] * u.rad)
    np.testing.assert_allclose(ph.r, [4, 3, 2])
    np.testing.assert_allclose(ph.phase_angle, np.rad2deg([0.1, 0.2, 0.3]))
    with pytest.raises(UnitError):
        small(r=[4, 3, 2] * u.s)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"r": [4, 0, 2]}, "r is out of range in 1 of 3 rows"),
        ({"delta": [3, -1, 1]}, "delta is out of range"),
        ({"phase_angle": [5, 190, 7]}, "0 to 180"),
        ({"error": [0.1, -0.1, 0.1]}, "error is out of range"),
        ({"aperture": [0, 5, 5]}, "aperture is out of range"),
        ({"aperture_unit": "pixel"}, "aperture_unit"),
    ],
)
def test_impossible_numbers_are_refused(columns, message):
    with pytest.raises(InputError, match=message):
        small(**columns)


def test_shapes_and_missing_magnitudes_are_refused():
    with pytest.raises(ShapeError, match="error does not have one value per magnitude"):
        small(error=[0.1, 0.1])
    with pytest.raises(ShapeError, match="filter"):
        small(filter=["a", "b"])
    with pytest.raises(ShapeError, match="unequal"):
        CometPhotometry([1, 2], [18])
    with pytest.raises(NonFiniteError):
        CometPhotometry([1, 2], [18, np.nan])
    with pytest.raises(InputError, match="Julian date"):
        CometPhotometry([2460800.5], [18])


def test_apertures_become_linear():
    """One arc second at one au is 725.27 km."""
    ph = small(aperture=5.0)
    np.testing.assert_allclose(ph.aperture_km, 5 * 725.27 * ph.delta, rtol=1e-5)
    np.testing.assert_allclose(small(aperture=1e4, aperture_unit="km").aperture_km, 1e4)


def test_selections():
    ph = small(filter=["g", "r", "r"], observer="A")
    assert ph.select(filter="r").magnitude.tolist() == [17, 16]
    assert ph.select(r=(2.5, 5)).magnitude.tolist() == [18, 17]
    assert ph.select([2, 0]).magnitude.tolist() == [18, 16]
    assert ph.select(ph.magnitude < 17, time=(0, 1e5)).magnitude.tolist() == [16]
    with pytest.raises(InputError, match="no row has the filter 'z'"):
        ph.select(filter="z")
    with pytest.raises(InputError, match="no magnitude is left"):
        ph.select(r=(10, 20))


def test_fluxes_become_magnitudes_and_limits():
    ph = CometPhotometry.from_flux(
        [1, 2, 3], [100.0, 2.0, -5.0], flux_error=[1.0, 1.0, 2.0], zero_point=25.0
    )
    np.testing.assert_allclose(ph.magnitude[0], 20.0)
    np.testing.assert_allclose(ph.error[0], 2.5 / np.log(10) * 0.01)
    assert ph.fainter_than.tolist() == [False, True, True]
    # 3 sigma above a flux of 2 +- 1 is 5; above a negative flux, 6.
    np.testing.assert_allclose(ph.magnitude[1:], 25 - 2.5 * np.log10([5.0, 6.0]))
    with pytest.raises(InputError, match="need errors"):
        CometPhotometry.from_flux([1], [-1.0])


def test_branches_need_perihelion():
    with pytest.raises(InputError, match="perihelion"):
        small().is_preperihelion  # noqa: B018
    assert small(perihelion_time=60860).is_preperihelion.tolist() == [True, True, False]


def test_printing():
    ph = small(filter=["g", "r", "r"], name="67P", fainter_than=[True, False, False])
    expected = "<CometPhotometry of 67P: 3 magnitudes, 1 of them limits, r 2 to 4 au, filters g, r>"
    assert repr(ph) == expected


def test_times_and_fluxes_with_units():
    when = Time([60800.0, 60801.0], format="mjd", scale="tdb")
    np.testing.assert_allclose(CometPhotometry(when, [18, 18]).time, when.utc.mjd, atol=1e-10)
    flux, error = [3.0, 4.0] * u.mJy, [30.0, 40.0] * u.uJy
    ph = CometPhotometry.from_flux(when, flux, flux_error=error)
    np.testing.assert_allclose(ph.error, 2.5 / np.log(10) * 0.01)


@pytest.mark.parametrize("keep", [np.ones(5, bool), [1.5], [2], [[0]]])
def test_selections_that_do_not_fit_are_refused(keep):
    with pytest.raises(InputError, match=r"mask"):
        CometPhotometry([1, 2], [18, 18]).select(keep)
