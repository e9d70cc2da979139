"""The same times, counts and good time from another package, where it is installed (``peers``)."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import astrokit as ak


@pytest.fixture(scope="module")
def stingray():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("stingray", reason="stingray is not installed (extra peers)")


def ours(path, **keywords):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ak.errors.DataWarning)
        return ak.read_lightcurve(path, **keywords)


def theirs(reader, path, **keywords):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return reader(str(path), fmt="hea", **keywords)


@pytest.mark.parametrize(
    ("name", "shift"),
    [
        # The peer takes TIMEPIXR 0 (start of the bin) as the centre.
        ("lightcurves/xmm_rxte_dave/std1_ao9_01_01.lc", 0.5),
        ("lightcurves/xmm_rxte_dave/std2_ao9_01_00.lc", 8.0),
        ("lightcurves/xmm_rxte_dave/PN_source_lightcurve_raw.lc", 0.0),
    ],
)
def test_light_curves_agree(stingray, real_data, name, shift):
    path = real_data(name)
    lc, peer = ours(path), theirs(stingray.Lightcurve.read, path, skip_checks=True)
    assert lc.n == peer.n
    # The spacing of doubles at 4e8 s is 6e-8 s.
    np.testing.assert_allclose(lc.time - shift, np.asarray(peer.time, float), rtol=0, atol=1e-6)
    np.testing.assert_allclose(lc.rate, np.asarray(peer.countrate, float), rtol=1e-12)
    assert lc.info.mjdref == pytest.approx(float(peer.mjdref), rel=0, abs=1e-11)
    assert lc.bin_width == pytest.approx(float(peer.dt), rel=1e-12)


@pytest.mark.parametrize(
    "name", ["monol_testA.evt", "monol_testA_timezero.evt", "monol_testB.evt", "nomission.evt",
             "chandra_test.fits", "xte_test.evt.gz", "xte_gx_test.evt.gz"],
)  # fmt: skip
def test_event_lists_agree(stingray, real_data, name):
    path = real_data(f"events/{name}")
    peer = theirs(stingray.EventList.read, path)
    lc = ours(path, bin_size=10.0, min_exposure=0.0)
    # The peer is 2**-14 s off START + TIMEZERO for RXTE; the other files agree to 1e-7 s.
    np.testing.assert_allclose(lc.gti, np.asarray(peer.gti, float), rtol=0, atol=1e-4)
    assert lc.info.mjdref == pytest.approx(float(peer.mjdref), rel=0, abs=1e-11)
    assert lc.info.time_system.lower() == peer.timesys
    # The counts of each bin, recounted from the peer's times in the good time of both.
    times = np.asarray(peer.time, float)
    good = np.zeros(len(times), dtype=bool)
    for start, stop in np.asarray(peer.gti, float):
        good |= (times >= start) & (times < stop)
    counts, _ = np.histogram(times[good], np.append(lc.left, lc.right[-1]))
    np.testing.assert_allclose(
        np.nan_to_num(lc.rate) * lc.exposure_fraction * 10.0, counts, atol=1e-9
    )
