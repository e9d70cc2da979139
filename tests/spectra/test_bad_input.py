"""Mistakes that people make: each has its own error, which says what to do."""

from __future__ import annotations

import numpy as np
import pytest

from astrokit.errors import InputError
from astrokit.spectra import PowerLaw, Response, SpectralProblem, Spectrum, read_pha


@pytest.fixture
def detector():
    return Response.ideal(np.linspace(1.0, 9.0, 9), area=10.0)


def counts(detector, **options):
    return Spectrum([5, 4, 3, 2, 1, 1, 0, 1], exposure=10.0, response=detector, **options)


def rates(detector):
    return Spectrum(
        np.full(8, 0.1), exposure=10.0, response=detector, is_rate=True, error=np.full(8, 0.01)
    )


def mistakes(detector):
    """Return name -> (words of the error, what raises it)."""
    other = Response.ideal(np.linspace(1.0, 9.0, 21))
    from_zero = Response.ideal(np.linspace(0.0, 8.0, 9))
    bare = Spectrum([5, 4, 3], exposure=10.0)
    return {
        "missing response": ("has no response", lambda: SpectralProblem(bare, PowerLaw())),
        "mismatched channels": (
            "channels of spectrum and response do not match",
            lambda: Spectrum([1, 2, 3], exposure=1.0, channel=[7, 8, 9], response=detector),
        ),
        "mismatched background": (
            "channels of spectrum and background do not match",
            lambda: counts(detector, background=bare),
        ),
        "response of another binning": (
            "channels of spectrum and response do not match",
            lambda: counts(detector, channel=np.arange(15, 23)).with_response(other),
        ),
        "negative exposure": ("exposure of a spectrum must be", lambda: bare.with_exposure(-1)),
        "empty band": (
            "the band is empty",
            lambda: SpectralProblem(counts(detector).notice("20-30 keV"), PowerLaw()),
        ),
        "E = 0": ("E = 0", lambda: SpectralProblem(counts(from_zero), PowerLaw())),
        "no group": ("grouping leaves no bin", lambda: counts(detector).group(min_counts=100)),
        "W-stat without background": (
            "wstat does not fit these data",
            lambda: SpectralProblem(counts(detector), PowerLaw(), statistic="wstat"),
        ),
        "C-stat on rates": (
            "cstat does not fit these data",
            lambda: SpectralProblem(rates(detector), PowerLaw(), statistic="cstat"),
        ),
        "C-stat with a background": (
            "cstat does not fit these data",
            lambda: SpectralProblem(
                counts(detector, background=counts(detector)), PowerLaw(), statistic="cstat"
            ),
        ),
        "unknown statistic": (
            "no such statistic",
            lambda: SpectralProblem(counts(detector), PowerLaw(), statistic="cash"),
        ),
    }


NAMES = list(mistakes(Response.ideal(np.linspace(1.0, 9.0, 9))))


@pytest.mark.parametrize("name", NAMES)
def test_each_mistake_has_its_error(name, detector):
    words, act = mistakes(detector)[name]
    with pytest.raises(InputError, match=words) as caught:
        act()
    assert caught.value.hint or caught.value.allowed  # the way out


def test_an_energy_bin_at_zero_is_no_matter_where_nothing_reaches_it(real_data):
    """Swift's matrix begins at 0 keV; above 0.5 keV a model is well defined."""
    folder = "spectra/swift_xrt_target/"
    spectrum = read_pha(
        real_data(folder + "target_sr.pha"),
        rmf=real_data(folder + "swxpc0to12s6_20130101v014.rmf.gz"),
        arf=real_data(folder + "target_sr.arf"),
    )
    problem = SpectralProblem(spectrum.notice("0.5-10 keV"), PowerLaw(photon_index=2.0))
    assert np.isfinite(problem.log_likelihood([1e-4])).all()
