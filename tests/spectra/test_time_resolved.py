"""Series of spectra: index, flux and hardness, against simulations with known truth."""

from __future__ import annotations

import numpy as np
import pytest

from astrokit.errors import InputError
from astrokit.spectra import PowerLaw, Response, read_spectra, simulate, time_resolved

KEV = 1.602176634e-9


@pytest.fixture(scope="module")
def series():
    """Forty spectra, harder when brighter."""
    detector = Response.ideal(np.geomspace(0.5, 10, 61), area=300.0)
    rng = np.random.default_rng(3)
    index = rng.uniform(1.7, 2.6, 40)
    norm = 0.02 * np.exp(-1.5 * (index - 2.1))
    spectra = [
        simulate(
            PowerLaw(), detector, exposure=2e3, seed=i, photon_index=index[i], normalization=norm[i]
        )
        for i in range(40)
    ]
    return spectra, index, norm


def test_index_flux_and_hardness(series):
    spectra, index, norm = series
    result = time_resolved(spectra, PowerLaw())
    z = (result.fits.column("photon_index") - index) / result.fits.error("photon_index")
    assert abs(z.mean()) < 4 / np.sqrt(40)
    assert 0.5 < z.std() < 1.6
    # Energy flux of K E^-G from 0.5 to 10 keV by its integral.
    truth = norm * (10 ** (2 - index) - 0.5 ** (2 - index)) / (2 - index) * KEV
    z = (result.flux - truth) / result.flux_error
    assert abs(z.mean()) < 4 / np.sqrt(40)
    assert 0.5 < z.std() < 1.6
    # Rates of an ideal detector: its area times the integral of the photons.
    edge = spectra[0].notice("0.5-2 keV").energy_hi[-1]  # the channel that 2 keV falls into
    soft = 300 * norm * (edge ** (1 - index) - 0.5 ** (1 - index)) / (1 - index)
    z = (result.soft - soft) / result.soft_error
    assert abs(z.mean()) < 4 / np.sqrt(40)


def test_correlations_with_flux(series):
    result = time_resolved(series[0], PowerLaw())
    hardness = result.correlation("hardness")
    assert hardness.value > 0.8
    assert "p = 0.0001" in hardness.method
    assert result.correlation("photon_index").value < -0.8
    rng = np.random.default_rng(0)
    shuffled = [series[0][i] for i in rng.permutation(40)]
    again = time_resolved(shuffled, PowerLaw()).correlation("hardness")
    assert again.value == pytest.approx(hardness.value)


def test_table_and_figure(series):
    result = time_resolved(series[0][:6], PowerLaw(), soft="0.5-1 keV", hard="1-10 keV")
    table = result.to_table()
    assert len(table) == 6
    assert str(table["soft"].unit) == "ct / s"
    upper, lower = result.plot()
    assert upper.get_ylabel() == "photon index"
    np.testing.assert_allclose(lower.containers[0].lines[0].get_ydata(), result.hardness)
    assert "6 spectra, power law" in repr(result)
    assert result.time.tolist() == [0, 1, 2, 3, 4, 5]


def test_a_real_type_two_file(real_data):
    path = real_data("spectra/lat_lle_type2/gll_cspec_bn080916009_v10.pha")
    rsp = real_data("spectra/lat_lle_type2/gll_cspec_bn080916009_v10.rsp")
    part = read_spectra(path, rmf=rsp)[:5]
    result = time_resolved(
        part, PowerLaw(), soft="30000-100000 keV", hard="100000-1000000 keV", n_starts=1
    )
    assert np.all(np.diff(result.time) == pytest.approx(1.0, abs=1e-3))
    assert np.isfinite(result.flux[list(set(range(5)) - set(result.fits.failures))]).all()


def test_refusals(series):
    with pytest.raises(InputError, match="no spectrum is given"):
        time_resolved([], PowerLaw())
    with pytest.raises(InputError, match="the band is empty"):
        time_resolved(series[0][:2], PowerLaw(), hard="20-30 keV")
    with pytest.raises(InputError, match="too few fits"):
        time_resolved(series[0][:3], PowerLaw()).correlation()
