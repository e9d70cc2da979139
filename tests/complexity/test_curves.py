"""Curves over the delay and batches: the same numbers as one call each."""

from __future__ import annotations

import numpy as np
import pytest

import astrokit as ak
from astrokit.complexity import examples, hc, hc_batch, hc_curve
from astrokit.errors import InputError, NonFiniteError, ShapeError

X = examples.lorenz(4000).x


@pytest.mark.parametrize("threads", [1, 3])
def test_a_curve_is_one_call_per_delay(threads):
    curve = hc_curve(X, n=4, delays=[1, 5, 20], threads=threads)
    for k, delay in enumerate((1, 5, 20)):
        r = hc(X, n=4, delay=delay)
        assert curve.entropy[k] == r.entropy.value
        assert curve.complexity[k] == r.complexity.value
        assert curve.entropy_error[k] == r.entropy.error
        assert curve.n_windows[k] == r.n_windows
        assert curve.zones[k] == r.zone
        assert (curve.corrected[0][k], curve.corrected[1][k]) == r.corrected_point


def test_curves_are_drawn_and_written():
    curve = hc_curve(X, delays=range(1, 31))
    assert curve.best_delay == curve.delay[np.argmax(curve.complexity)]
    axes = curve.plot()
    assert np.array_equal(axes[0].lines[0].get_ydata(), curve.entropy)
    assert curve.to_table().colnames[0] == "delay"
    assert len(curve.plot_data()) == len(curve) == 30
    assert "30 delays from 1 to 30" in str(curve)


def test_a_batch_is_one_call_per_series():
    lc = ak.LightCurve(np.arange(500.0), X[:500])
    rows = [X[:1000], X[1000:3000].tolist(), lc]
    for threads in (1, 2):
        batch = hc_batch(rows, n=4, delay=3, threads=threads)
        for k, row in enumerate(rows):
            r = hc(row, n=4, delay=3)
            assert batch.entropy[k] == r.entropy.value
            assert batch.complexity_error[k] == r.complexity.error
    table = hc_batch(X.reshape(4, 1000), n=4)
    assert table.entropy[2] == hc(X[2000:3000], n=4).entropy.value
    assert len(table.to_table()) == 4
    assert table.zones[0] in ("regular", "periodic")
    assert "of 4 series" in str(table)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: hc_curve(X, delays=[]), ShapeError, "no delays"),
        (lambda: hc_curve(X, delays=[1, 0]), InputError, "at least 1"),
        (lambda: hc_curve(X[:50], delays=[1, 20]), ShapeError, "longest delay for this n is 12"),
        (lambda: hc_batch(X), ShapeError, "use hc for one series"),
        (lambda: hc_batch([]), ShapeError, "no series"),
        (lambda: hc_batch([1.0, 2.0, 3.0]), ShapeError, "2 dimensions"),
        (lambda: hc_batch(np.empty((0, 5))), ShapeError, "one row per series"),
        (lambda: hc_curve(X, threads=0), InputError, "threads"),
    ],
)
def test_mistakes(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_bad_series_of_a_batch_is_named():
    bad = X[:100].copy()
    bad[7] = np.nan
    with pytest.raises(NonFiniteError, match="index 7") as caught:
        hc_batch([X[:100], bad])
    assert "in series 1 of 2" in caught.value.__notes__
