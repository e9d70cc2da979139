"""Bad light curves into every public function of the room: a clear error, or a stated fallback.

A function may answer (then with numbers) or refuse (then with an AstrokitError that says what was
wrong); it may not warn of a division by zero, return NaN as a value without a word, or fail with
an error of NumPy's.
"""

from __future__ import annotations

import dataclasses
import math
import warnings

import numpy as np
import pytest

import astrokit as ak
from astrokit.errors import (
    AstrokitError,
    AstrokitWarning,
    CoverageWarning,
    DataWarning,
    FitWarning,
    InputError,
)
from astrokit.estimate import Estimate

T = ak.timing
N = 48


def psd(frequency):
    return 1e-3 * frequency**-1.5


def fitted(problem):
    return problem.fit(n_starts=2)


FUNCTIONS = {
    "autocorrelation": T.autocorrelation,
    "averaged_periodogram": lambda lc: T.averaged_periodogram(lc, 1200.0),
    "characterize": lambda lc: T.characterize(
        lc, measures=[T.measures.Sampling(), T.measures.Amplitudes(5), T.measures.RmsFlux(),
                      T.measures.Timescales(scatter=5), T.measures.PowerSpectrum(),
                      T.measures.FluxShape(4, 0.2), T.measures.Hardness(5)]),
    "correlation_significance": lambda lc: T.correlation_significance(lc, lc, psd, n=5, seed=1),
    "discrete_correlation": lambda lc: T.discrete_correlation(lc, lc),
    "excess_variance": T.excess_variance,
    "flux_distribution": lambda lc: T.flux_distribution(lc, psd=psd, n=4, level=0.2, seed=1),
    "FluxDistributionProblem": lambda lc: fitted(T.FluxDistributionProblem(lc, T.NormalFlux())),
    "fractional_variability": T.fractional_variability,
    "fractional_variability_scatter": lambda lc: T.fractional_variability_scatter(
        lc, psd, n=5, seed=1),
    "hardness_flux_correlation": lambda lc: T.hardness_flux_correlation(lc, lc, n=5, seed=1),
    "hardness_ratio": lambda lc: T.hardness_ratio(lc, lc),
    "interpolated_correlation": lambda lc: T.interpolated_correlation(lc, lc),
    "lomb_scargle": T.lomb_scargle,
    "minimum_timescale": T.minimum_timescale,
    "minimum_timescale_all": lambda lc: T.minimum_timescale(lc, pairs="all"),
    "minimum_timescale_scatter": lambda lc: T.minimum_timescale_scatter(lc, n=5, seed=1),
    "normalized_excess_variance": T.normalized_excess_variance,
    "peak_to_peak_amplitude": T.peak_to_peak_amplitude,
    "Periodogram": T.Periodogram.from_lightcurve,
    "PSDProblem": lambda lc: fitted(T.PSDProblem(lc, T.PowerLaw())),
    "PSDProblem, debiased": lambda lc: fitted(
        T.PSDProblem(lc, T.PowerLaw(), likelihood="debiased")),
    "psresp": lambda lc: T.psresp(lc, lambda f, slope: f**-slope, {"slope": [1.0, 2.0]},
                                  n_simulations=20, seed=1),
    "rms_flux_relation": T.rms_flux_relation,
    "simulate_lightcurve": lambda lc: T.simulate_lightcurve(psd, lc, seed=1),
    "simulate_rates": lambda lc: T.simulate_rates(psd, lc, 2, seed=1),
    "structure_function": T.structure_function,
    "sum_of_bands": lambda lc: T.sum_of_bands(lc, lc),
    "time_lag": lambda lc: T.time_lag(lc, lc, n=5, seed=1),
    "variability_amplitude": T.variability_amplitude,
}  # fmt: skip
NEEDS_EVEN = ("averaged_periodogram", "fractional_variability_scatter", "Periodogram",
              "PSDProblem, debiased", "rms_flux_relation")  # fmt: skip


def rates(n=N):
    return 10 + np.cumsum(np.random.default_rng(1).normal(0, 0.5, n))


def curve(rate, error=0.3, time=None, **options):
    rate = np.asarray(rate, dtype=float)
    time = np.arange(rate.size) * 100.0 + 50 if time is None else time
    error = None if error is None else np.broadcast_to(np.asarray(error, dtype=float), rate.shape)
    return ak.LightCurve(time, rate, error, **options)


def with_hole():
    rate = rates()
    rate[16:32] = np.nan
    return curve(rate)


def alternating(error):
    errors = np.full(N, 0.3)
    errors[::3] = error
    return curve(rates(), errors)


def zero_and_negative_rates():
    rate = rates() - 10
    rate[5] = 0.0
    return curve(rate)


BAD = {
    "constant": lambda: curve(np.full(N, 7.0)),
    "constant without errors": lambda: curve(np.full(N, 7.0), None),
    "all zero": lambda: curve(np.zeros(N)),
    **{f"{n} points": lambda n=n: curve(rates(n), bin_width=100.0) for n in range(1, 11)},
    "zero errors in some bins": lambda: alternating(0.0),
    "negative errors in some bins": lambda: alternating(-0.3),
    "no positive error at all": lambda: curve(rates(), 0.0),
    "zero and negative rates": zero_and_negative_rates,
    "negative mean": lambda: curve(rates() - 40),
    "all-NaN segment": with_hole,
    "NaN throughout": lambda: curve(np.full(N, np.nan)),
    "one valid bin": lambda: curve(np.where(np.arange(N) == 7, 5.0, np.nan)),
    "GTIs outside the data": lambda: curve(rates(), gti=[[1e6, 2e6]]),
    "uneven sampling": lambda: curve(
        rates(), time=np.cumsum(np.random.default_rng(2).exponential(100.0, N))
    ),
    "huge times": lambda: curve(rates(), time=1e9 + np.arange(N) * 100.0),
    "tiny rates": lambda: curve(1e-12 * rates(), 3e-14),
    "huge rates": lambda: curve(1e12 * rates(), 3e10),
    "magnitudes": lambda: curve(
        rates(), info=ak.lightcurve.LightCurveInfo(rate_unit="mag", time_unit="d")
    ),
}


def outcome(function, make):
    """Return what a function makes of a curve, or the error with which it refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)  # each is tested where it belongs
        lc = make()
        try:
            return function(lc)
        except AstrokitError as error:
            return error


def values_of(result):
    """Yield every estimate that a result holds."""
    if isinstance(result, Estimate):
        yield result
    elif isinstance(result, T.Characterization):
        for row in result.measurements:
            assert row.reason or row.text or row.value is not None
            if row.value is not None:
                yield row.value
    elif dataclasses.is_dataclass(result):
        for field in dataclasses.fields(result):
            inner = getattr(result, field.name)
            if isinstance(inner, Estimate):
                yield inner


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("bad", BAD)
def test_an_answer_or_a_reason(name, bad):
    result = outcome(FUNCTIONS[name], BAD[bad])
    if isinstance(result, AstrokitError):
        assert len(result.problem) > 15
        return
    for estimate in values_of(result):
        assert not math.isnan(estimate.value), estimate


@pytest.mark.parametrize("name", NEEDS_EVEN)
def test_uneven_sampling_is_refused_by_methods_of_the_fourier_transform(name):
    with pytest.raises(InputError, match=r"even|grid|gap|spacing"):
        FUNCTIONS[name](BAD["uneven sampling"]())


@pytest.mark.parametrize("name", ["PSDProblem", "Periodogram", "flux_distribution"])
def test_a_curve_without_a_valid_bin_is_refused(name):
    with pytest.raises(InputError):
        FUNCTIONS[name](BAD["NaN throughout"]())


def test_a_constant_curve():
    """An upper limit, no time scale, no spectrum: each in words."""
    lc = BAD["constant"]()
    assert T.fractional_variability(lc).limit == "upper"
    assert T.variability_amplitude(lc).limit == "upper"
    with pytest.raises(InputError, match="no pair of bins"):
        T.minimum_timescale(lc)
    with pytest.raises(InputError, match="constant"):
        T.PSDProblem(lc, T.PowerLaw())
    found = T.characterize(lc, measures=["power_spectrum"])
    assert "constant" in found.reasons["slope"]


def test_bad_errors_and_intervals_are_announced():
    with pytest.warns(DataWarning, match="error"):
        lc = alternating(-0.3)
    assert int((~lc.valid).sum()) == N // 3
    with pytest.warns(DataWarning, match="outside"):
        lc = BAD["GTIs outside the data"]()
    assert not lc.valid.any()


def test_duplicate_and_unsorted_times_are_refused_before_any_function():
    time = np.arange(N) * 100.0
    with pytest.raises(InputError, match="duplicate values"):
        curve(rates(), time=np.r_[time[:10], time[9], time[11:]])
    with pytest.raises(InputError, match=r"increas|order"):
        curve(rates(), time=time[::-1])


def test_missing_bins_are_left_out_and_counted():
    lc = with_hole()
    full = curve(rates())
    kept = np.r_[0:16, 32:N]
    expected = T.excess_variance(full.rate[kept], full.error[kept])
    assert T.excess_variance(lc).value == pytest.approx(expected.value)
    found = T.characterize(lc, measures=["sampling"])
    assert (found["bins"].value, found["valid_bins"].value) == (N, N - 16)


def test_reservations_of_fits_are_warnings():
    """What the other tests here silence is said elsewhere: a fit of few bins warns."""
    with pytest.warns((CoverageWarning, FitWarning)):
        T.PSDProblem(curve(rates(10), bin_width=100.0), T.PowerLaw()).fit()
