"""The public XMM-Newton light curve of Mrk 766 against numbers computed with other code.

The numbers stand in ``data/check_values_mrk766.ecsv``, with the digits to which they are known.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy.table import Table

import astrokit as ak
from astrokit.errors import AstrokitWarning
from astrokit.timing import (
    BendingPowerLaw,
    Constant,
    Periodogram,
    PowerLaw,
    PSDProblem,
    excess_variance,
    fractional_variability,
    largest_ratio,
    loglog_slope,
    normalized_excess_variance,
    summed_square_error,
)
from tests.conftest import real_file

SIMPLE, BENT = "power law + constant", "bending power law, low slope 1, + constant"


@pytest.fixture(scope="module")
def expected():
    """Return (quantity, note) -> value and error."""
    table = Table.read(ak.datasets.fetch("check-values-mrk766"), format="ascii.ecsv")
    return {
        (row["quantity"], row["note"] or ""): (row["value"], row["lower"])
        for row in table.filled("")
    }


@pytest.fixture(scope="module")
def lc():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        return ak.read_lightcurve(real_file("mrk766"))


@pytest.fixture(scope="module")
def fits(lc):
    """Return the two fits, with the Nyquist ordinate treated as in the code behind the numbers."""
    pg = Periodogram.from_lightcurve(lc)
    models = {
        SIMPLE: PowerLaw(pivot=1.0) + Constant(),
        BENT: BendingPowerLaw(low_slope=1.0) + Constant(),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        return {note: PSDProblem(pg, m, nyquist="chi2_2").fit() for note, m in models.items()}


def test_amplitudes(lc, expected):
    assert lc.n == 1286
    assert lc.mean_rate == pytest.approx(expected["mean_rate", ""][0], abs=5e-7)
    variance, noise = expected["sample_variance", ""][0], expected["mean_squared_error", ""][0]
    assert excess_variance(lc).value == pytest.approx(variance - noise, abs=1e-6)
    for function in (fractional_variability, normalized_excess_variance):
        value, error = expected[function.__name__, ""]
        assert function(lc).value == pytest.approx(value, abs=5e-7)
        assert function(lc).error == pytest.approx(error, abs=5e-7)


def test_straight_lines(lc, expected):
    pg = Periodogram.from_lightcurve(lc)
    for note, options in {
        "all frequencies below Nyquist": {},
        "up to 1e-3 Hz": {"max_frequency": 1e-3},
    }.items():
        value, error = expected["loglog_slope", note]
        estimate = loglog_slope(pg, **options)
        assert estimate.value == pytest.approx(value, abs=5e-5)
        assert estimate.error == pytest.approx(error, abs=5e-5)


@pytest.mark.parametrize("note", [SIMPLE, BENT])
def test_whittle_fits(note, fits, expected):
    fit = fits[note]
    assert -2 * fit.log_likelihood == pytest.approx(expected["deviance", note][0], abs=5e-4)
    constant = np.log(fit["constant"].value)
    assert constant == pytest.approx(expected["log_constant", note][0], abs=5e-4)
    ratio = largest_ratio(fit.problem, fit.values)
    assert ratio == pytest.approx(expected["largest_ratio", note][0], abs=5e-4)
    error = summed_square_error(fit.problem, fit.values)
    assert error == pytest.approx(expected["summed_square_error", note][0], abs=5e-3)


def test_slopes_and_errors(fits, expected):
    for note, name, digits in ((SIMPLE, "slope", 5e-5), (BENT, "high_slope", 5e-4)):
        value, error = expected[name, note]
        assert fits[note][name].value == pytest.approx(value, abs=digits)
        assert fits[note][name].error == pytest.approx(error, abs=5e-4)
    amplitude = expected["log_amplitude_1hz", SIMPLE][0]
    assert fits[SIMPLE]["log_amplitude"].value == pytest.approx(amplitude, abs=5e-4)
    bend = expected["bend_frequency", BENT][0]
    assert fits[BENT]["bend_frequency"].value == pytest.approx(bend, abs=5e-7)


def test_the_bend_is_significant(fits, expected):
    """T_LRT = 18.56 where the null distribution, simulated, has its 99 % quantile at 5.2."""
    difference = 2 * (fits[BENT].log_likelihood - fits[SIMPLE].log_likelihood)
    ratio = expected["likelihood_ratio", "power law against bending power law"][0]
    assert difference == pytest.approx(ratio, abs=5e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        test = ak.likelihood_ratio_test(fits[SIMPLE], fits[BENT], n=100, seed=1)
    assert float(test.observed) == pytest.approx(ratio, abs=5e-3)
    assert test.n_failed == 0
    assert test.n_exceeding == 0
    # With a 99 % quantile of 5.2, six or more of 100 above it have a probability of 5e-4.
    assert np.sum(test.simulated > 5.2) < 6
