"""Rebinning, splitting, selecting, joining and filling: against cases worked out otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st

import astrokit as ak
from astrokit.errors import InputError, ShapeError
from astrokit.lightcurve import LightCurveInfo


def make_poisson(n=10_000, mean=20.0, dt=2.0, seed=5):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(mean * dt, n)
    error = np.full(n, np.sqrt(mean * dt) / dt)
    return counts, ak.LightCurve(dt * (np.arange(n) + 0.5), counts / dt, error)


@pytest.mark.parametrize("factor", [1, 2, 5, 50, 1000])
def test_rebin_conserves_counts_and_errors_fall_as_square_root(factor):
    counts, lc = make_poisson()
    new = lc.rebin(2.0 * factor)
    np.testing.assert_allclose(
        new.rate * new.bin_width, counts.reshape(-1, factor).sum(axis=1), rtol=1e-12
    )
    np.testing.assert_allclose(new.error, np.sqrt(20.0 / (2.0 * factor)), rtol=1e-12)
    assert new.dt == pytest.approx(2.0 * factor, rel=1e-12)
    assert new.duration == pytest.approx(lc.duration, rel=1e-12)


def test_scatter_of_rebinned_rates_is_their_error():
    _, lc = make_poisson(n=40_000)
    new = lc.rebin(20.0)
    # The standard error of a sample variance is sqrt(2 / (n - 1)) of it, for nearly normal rates.
    ratio = np.var(new.rate, ddof=1) / np.mean(new.error**2)
    assert abs(ratio - 1) < 4 * np.sqrt(2 / (new.n - 1))


def test_rebin_weights_by_exposure():
    lc = ak.LightCurve([5, 15], [10.0, 20.0], [1.0, 2.0], exposure_fraction=[1.0, 0.25])
    new = lc.rebin(20)
    # 10 s at 10 and 2.5 s at 20: 150 counts in 12.5 s.
    assert new.rate.tolist() == [12.0]
    assert new.error[0] == pytest.approx(np.sqrt((10 * 1.0) ** 2 + (2.5 * 2.0) ** 2) / 12.5)
    assert new.exposure_fraction.tolist() == [0.625]
    with pytest.raises(InputError, match=r"no new bin is exposed enough.*62.5 %.*shorter dt"):
        lc.rebin(20, min_exposure=0.7)
    assert lc.rebin(20, min_exposure=0.625).valid.all()


@given(
    st.lists(st.floats(0, 1), min_size=12, max_size=12),
    st.lists(st.floats(-5, 50), min_size=12, max_size=12),
    st.sampled_from([1, 2, 3, 4, 6, 12]),
)
def test_counts_are_conserved_for_any_exposure(fractions, rates, factor):
    lc = ak.LightCurve(np.arange(12) + 0.5, rates, exposure_fraction=fractions)
    new = lc.rebin(float(factor), min_exposure=0.0)
    before = np.nansum(lc.rate * lc.exposure_fraction)
    after = np.nansum(new.rate * new.exposure_fraction * factor)
    assert after == pytest.approx(before, rel=1e-9, abs=1e-9)


def test_rebin_ignores_invalid_bins_and_fills_gaps():
    lc = ak.LightCurve([5, 15, 25, 95], [1, np.nan, 3, 9])
    new = lc.rebin(20)
    assert new.time.tolist() == [10.0, 30.0, 50.0, 70.0, 90.0]
    assert new.valid.tolist() == [True, True, False, False, True]
    assert new.rate[[0, 1, 4]].tolist() == [1.0, 3.0, 9.0]
    assert new.exposure_fraction.tolist() == [0.5, 0.5, 0.0, 0.0, 0.5]


def test_rebin_of_point_samples_is_the_mean():
    lc = ak.LightCurve([0, 1, 2.5, 30.2], [1, 2, 3, 10])
    new = lc.rebin(10.0)
    assert new.rate[[0, 3]].tolist() == [2.0, 10.0]
    assert new.valid.tolist() == [True, False, False, True]


def test_rebin_accepts_quantities():
    _, lc = make_poisson(n=120)
    np.testing.assert_array_equal(lc.rebin(1 * u.min).rate, lc.rebin(60).rate)


@pytest.mark.parametrize(
    ("dt", "text"),
    [
        (1.0, "smaller than a bin"),
        (5.0, "no multiple of the bin width.*use 4 or 6"),
        (0.0, "dt must be > 0"),
        (-1.0, "dt must be > 0"),
        (5 * u.m, "wrong unit"),
    ],
)
def test_impossible_bins(dt, text):
    with pytest.raises(InputError, match=text):
        make_poisson(n=100)[1].rebin(dt)


def test_too_many_bins_is_a_slip_of_the_unit():
    lc = ak.LightCurve([0, 1, 1e12], [1, 2, 3], bin_width=0.5)
    with pytest.raises(InputError, match="too many bins"):
        lc.rebin(0.5)


def test_million_bins_are_rebinned():
    counts, lc = make_poisson(n=1_000_000)
    assert lc.rebin(200.0).rate.sum() * 200.0 == pytest.approx(counts.sum(), rel=1e-12)


# ---- split, select ------------------------------------------------------------------------------


def test_split_by_gti_keeps_every_valid_bin_once():
    _, lc = make_poisson(n=1000)
    cut = ak.LightCurve(
        lc.time, lc.rate, lc.error, gti=[[0, 500], [501, 700], [900, 1000], [1500, 1600]]
    )
    pieces = cut.split_by_gti()
    # A gap of 1 s is shorter than a bin of 2 s and splits nothing.
    assert len(pieces) == 3
    assert sum(int(piece.valid.sum()) for piece in pieces) == int(cut.valid.sum())
    assert all(piece.is_evenly_sampled for piece in pieces)
    assert [len(piece.gti) for piece in pieces] == [2, 1, 1]
    assert len(cut.split_by_gti(min_bins=51)) == 1
    with pytest.raises(InputError, match="min_bins"):
        cut.split_by_gti(min_bins=0)


def test_split_by_gti_splits_at_one_missing_bin_of_jittering_stamps():
    time = np.arange(40.0) + 2e-5 * np.sin(np.arange(40))
    rate = np.where(np.isin(np.arange(40), [10, 25]), np.nan, 1.0 + np.arange(40) % 3)
    pieces = ak.LightCurve(time, rate, bin_width=1.0).split_by_gti()
    assert [piece.n for piece in pieces] == [10, 14, 14]
    assert all(piece.valid.all() for piece in pieces)


def test_select_and_slices():
    lc = ak.LightCurve([5, 15, 25, 35], [1, 2, 3, 4], [0.1] * 4, exposure_fraction=[1] * 4)
    part = lc.select(10, 30)
    assert part.rate.tolist() == [2.0, 3.0]
    assert part.gti.tolist() == [[10.0, 30.0]]
    assert lc.select(0.01 * u.ks, 30 * u.s).rate.tolist() == [2.0, 3.0]
    assert lc[1:3].checksum() == part.checksum()
    assert lc[(lc.time > 10) & (lc.time < 30)].checksum() == part.checksum()
    assert lc.select().checksum() == lc.checksum()
    odd = lc[np.array([True, False, True, False])]
    assert odd.gti.tolist() == [[0.0, 10.0], [20.0, 30.0]]
    assert odd.bin_width == 10.0


@pytest.mark.parametrize(
    ("index", "kind", "text"),
    [
        (0, InputError, "slice or a boolean mask"),
        ([0, 1], InputError, "slice or a boolean mask"),
        (np.array([True]), ShapeError, "another length"),
        (slice(3, 3), InputError, "holds no bin"),
    ],
)
def test_wrong_index(index, kind, text):
    with pytest.raises(kind, match=text):
        ak.LightCurve([1, 2, 3], [1, 2, 3])[index]


def test_empty_selection():
    with pytest.raises(InputError, match="no bin lies between"):
        ak.LightCurve([1, 2, 3], [1, 2, 3]).select(10, 20)


# ---- concatenate --------------------------------------------------------------------------------


def test_concatenate_undoes_a_cut():
    _, lc = make_poisson(n=100)
    joined = ak.LightCurve.concatenate([lc[60:], lc[:25], lc[25:60]])
    assert joined.checksum() == lc.checksum()
    assert joined.read_report is None


def test_concatenate_completes_exposure_and_blanks_what_differs():
    first = ak.LightCurve([0.5, 1.5], [1, 2], info=LightCurveInfo(object="A", mission="XMM"))
    second = ak.LightCurve(
        [5.5, 6.5],
        [3, 4],
        exposure_fraction=[0.5, 1],
        info=LightCurveInfo(object="A", mission="Swift"),
    )
    both = ak.LightCurve.concatenate([first, second])
    assert both.exposure_fraction.tolist() == [1.0, 1.0, 0.5, 1.0]
    assert (both.info.object, both.info.mission) == ("A", "")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"info": LightCurveInfo(time_unit="d")}, "differ in time_unit"),
        ({"info": LightCurveInfo(mjdref=5.0)}, "only some .* known time zero"),
        ({"info": LightCurveInfo(time_system="TDB")}, "differ in time_system"),
        ({"info": LightCurveInfo(time_reference="LOCAL")}, "differ in time_reference"),
        ({"info": LightCurveInfo(rate_unit="mJy")}, "differ in rate_unit"),
        ({"error": [0.1, 0.1]}, "only some of the light curves have errors"),
        ({"time": [1.2, 9]}, "overlap in time"),
    ],
)
def test_curves_that_do_not_fit_together(change, text):
    first = {"time": [0.5, 1.5], "rate": [1, 2]}
    second = {"time": [5.5, 6.5], "rate": [1, 2]} | change
    with pytest.raises(InputError, match=text):
        ak.LightCurve.concatenate([ak.LightCurve(**first), ak.LightCurve(**second)])


def test_nothing_to_concatenate():
    with pytest.raises(InputError, match="no light curve"):
        ak.LightCurve.concatenate([])


# ---- regular grid, units, order -----------------------------------------------------------------


@given(st.lists(st.booleans(), min_size=4, max_size=40))
def test_filled_gaps_keep_all_that_was_there(kept):
    kept = np.array(kept)
    kept[[0, 1, -1]] = True
    if np.median(np.diff(np.flatnonzero(kept))) != 1:
        return  # the spacing can then not be told from the data
    time = 1e8 + 0.25 * np.arange(len(kept))
    lc = ak.LightCurve(time[kept], np.arange(len(kept))[kept], np.ones(kept.sum()))
    full = lc.on_regular_grid()
    assert full.is_evenly_sampled
    np.testing.assert_array_equal(full.valid, kept)
    np.testing.assert_array_equal(full.time, time)
    np.testing.assert_array_equal(full.rate[kept], lc.rate)
    np.testing.assert_array_equal(full.gti, lc.gti)
    assert full.exposure == pytest.approx(lc.exposure, rel=1e-12)


def test_grid_of_uneven_times_is_refused():
    with pytest.raises(InputError, match="no regular grid"):
        ak.LightCurve([0, 1, 2.4, 3.1], [1, 2, 3, 4]).on_regular_grid()


def test_fill_gaps_is_the_same():
    lc = ak.LightCurve([0, 1, 2, 5], [1, 2, 3, 4])
    assert lc.fill_gaps().checksum() == lc.on_regular_grid().checksum()


def test_even_curve_is_its_own_grid():
    lc = ak.LightCurve([0, 1, 2], [1, 2, 3])
    assert lc.on_regular_grid() is lc


def test_time_units_there_and_back():
    lc = ak.LightCurve([0, 43200, 86400], [1, 2, 3], info=LightCurveInfo(timezero=864.0))
    days = lc.in_time_unit("d")
    assert days.time.tolist() == [0.0, 0.5, 1.0]
    assert days.bin_width == 0.5
    assert days.info.timezero == pytest.approx(0.01)
    np.testing.assert_allclose(days.in_time_unit("s").time, lc.time, rtol=1e-15)
    assert lc.in_time_unit("s") is lc


def test_from_unsorted():
    lc = ak.LightCurve.from_unsorted([3, 1, 2], [30, 10, 20], [3, 1, 2])
    assert lc.rate.tolist() == [10.0, 20.0, 30.0]
    assert lc.error.tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(InputError, match="repeat the time"):
        ak.LightCurve.from_unsorted([1, 1], [1, 2])
    with pytest.raises(InputError, match="duplicates is unknown"):
        ak.LightCurve.from_unsorted([1, 1], [1, 2], duplicates="last")
    # Weights 1 and 1/4: mean (10 + 20 / 4) / 1.25, error 1 / sqrt(1.25).
    mean = ak.LightCurve.from_unsorted([1, 1, 2], [10, 20, 5], [1, 2, 1], duplicates="average")
    assert mean.rate[0] == pytest.approx(12.0, rel=1e-14)
    assert mean.error[0] == pytest.approx(1 / np.sqrt(1.25), rel=1e-14)
    # A missing twin does not count.
    half = ak.LightCurve.from_unsorted([1, 1], [np.nan, 4.0], duplicates="average")
    assert half.rate.tolist() == [4.0]
