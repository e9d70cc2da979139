"""Bins with few counts keep their counts: empty bins are data, and rebinning does not blur."""

from __future__ import annotations

import numpy as np
import pytest

import astrokit as ak
from astrokit.errors import InputError
from astrokit.lightcurve import LightCurveInfo

from . import ogip


@pytest.mark.parametrize("unit", ["s", "d"])
def test_rebinned_events_are_events_in_wide_bins(unit):
    times = np.sort(np.random.default_rng(1).uniform(0, 1000, 150))
    good = [[0.0, 400.0], [500.0, 1000.0]]
    info = LightCurveInfo(time_unit=unit)
    fine = ak.LightCurve.from_events(times, 1.0, gti=good, info=info)
    wide = ak.LightCurve.from_events(times, 100.0, gti=good, info=info)
    assert wide.info.rate_unit == f"ct / {unit}"
    rebinned = fine.rebin(100.0)
    np.testing.assert_allclose(rebinned.rate, wide.rate, rtol=1e-12)
    np.testing.assert_allclose(rebinned.error, wide.error, rtol=1e-12)


def test_rebinning_in_another_unit_of_time():
    times = np.sort(np.random.default_rng(2).uniform(0, 1000, 150))
    fine = ak.LightCurve.from_events(times, 1.0, gti=[[0.0, 1000.0]])
    in_days = fine.in_time_unit("d").rebin(100 / 86400)
    np.testing.assert_allclose(in_days.error, fine.rebin(100).error, rtol=1e-9)


def poisson_file(path, counts, exposed=0.5, **changes):
    rate = counts / (100 * exposed)
    error = np.sqrt(counts) / (100 * exposed)
    columns = {"TIME": 1000.0 + 100 * np.arange(len(counts)), "RATE": rate, "ERROR": error}
    columns |= {"FRACEXP": np.full(len(counts), exposed)} | changes
    keys = {"HDUCLAS1": "LIGHTCURVE", "TIMEDEL": 100.0, **ogip.TIME_KEYS}
    units = {"RATE": ("E", "count/s"), "ERROR": ("E", "count/s"), "TIME": ("D", "s")}
    return ogip.save(path, ogip.table("RATE", columns, keys, **units))


def test_bins_without_counts_are_valid(tmp_path):
    counts = np.array([0.0, 3, 0, 1, 7, 0, 2, 0])
    lc = ak.read_lightcurve(poisson_file(tmp_path / "a.lc", counts))
    assert lc.valid.all()
    assert lc.mean_rate == pytest.approx(counts.mean() / 50, rel=1e-6)
    assert lc.error[0] == pytest.approx(1 / 50)
    assert any("bins without counts" in text for text in lc.read_report.assumptions)


def test_zero_errors_are_no_counts_where_errors_are_no_roots(tmp_path):
    counts = np.array([0.0, 3, 0, 1, 7, 0, 2, 0])
    path = poisson_file(tmp_path / "a.lc", counts, ERROR=np.where(counts > 0, 0.01, 0.0))
    with pytest.warns(ak.errors.DataWarning, match="rate 0 and error 0"):
        assert ak.read_lightcurve(path).valid.sum() == 4


@pytest.mark.parametrize("stamp", [0.0, 1.0])
def test_stamps_at_an_edge_move_without_a_stated_width(tmp_path, stamp):
    path = ogip.save(tmp_path / "a.lc", ogip.rates(TIMEDEL=None, TIMEPIXR=stamp))
    lc = ak.read_lightcurve(path, error_column=False)
    assert lc.left[0] == 1000.0 - 100 * stamp


def test_a_bin_longer_than_the_observation_is_refused():
    with pytest.raises(InputError, match=r"no bin is exposed enough.*shorter bin_size"):
        ak.LightCurve.from_events([1.0, 2.0], 1000.0, gti=[[0.0, 10.0]])
