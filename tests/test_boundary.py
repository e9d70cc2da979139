"""The boundary lets only native contiguous float64 pass, and names what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Column, MaskedColumn
from astropy.utils.masked import Masked
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from astrokit.boundary import (
    as_array,
    as_scalar,
    as_unit,
    attach_unit,
    require_equal_lengths,
    split_mask,
)
from astrokit.errors import InputError, MaskError, NonFiniteError, ShapeError, UnitError

FINITE = st.floats(-1e100, 1e100)
VECTORS = hnp.arrays(np.float64, st.integers(1, 30), elements=FINITE)


def assert_fit_for_kernels(array: np.ndarray) -> None:
    assert type(array) is np.ndarray
    assert array.dtype == np.float64
    assert array.dtype.isnative
    assert array.flags.c_contiguous
    assert array.flags.writeable


def disguises(x: np.ndarray) -> list[object]:
    """The same numbers in every form in which users hold them."""
    spread = np.zeros(2 * x.size)
    spread[::2] = x
    frozen = x.copy()
    frozen.flags.writeable = False
    return [
        frozen,
        x.tolist(),
        tuple(x),
        x.astype(">f8"),
        spread[::2],
        x.astype(object),
        np.ma.masked_array(x),
        Masked(x),
        Column(x),
        MaskedColumn(x),
        x * u.dimensionless_unscaled,
        np.asfortranarray(x),
    ]


@given(VECTORS)
@settings(deadline=None)
def test_every_disguise_becomes_the_same_plain_array(x: np.ndarray) -> None:
    for form in disguises(x):
        result = as_array(form, "x")
        assert_fit_for_kernels(result)
        np.testing.assert_array_equal(result, x)


@given(VECTORS.filter(lambda x: np.all(np.abs(x) < 1e90)))
@settings(deadline=None)
def test_quantities_convert(x: np.ndarray) -> None:
    for form in (x * u.ks, Masked(x * u.ks), Column(x, unit="ks"), (x * u.ks).astype(">f8")):
        result = as_array(form, "time", unit="s")
        assert_fit_for_kernels(result)
        np.testing.assert_allclose(result, 1000 * x, rtol=1e-14)


@given(VECTORS, st.data())
@settings(deadline=None)
def test_one_bad_element_is_found_and_located(x: np.ndarray, data: st.DataObject) -> None:
    i = data.draw(st.integers(0, x.size - 1))
    for bad, word in ((np.nan, "NaN"), (np.inf, "infinite"), (-np.inf, "infinite")):
        broken = x.copy()
        broken[i] = bad
        with pytest.raises(NonFiniteError, match=rf"rate has 1 {word} .* index {i}"):
            as_array(broken, "rate")


@given(VECTORS, st.data())
@settings(deadline=None)
def test_masks_raise_or_become_nan(x: np.ndarray, data: st.DataObject) -> None:
    mask = data.draw(hnp.arrays(bool, x.size).filter(np.any))
    for form in (np.ma.masked_array(x, mask), Masked(x, mask), MaskedColumn(x, mask=mask)):
        with pytest.raises(MaskError, match=rf"rate has {mask.sum()} masked"):
            as_array(form, "rate")
        np.testing.assert_array_equal(
            as_array(form, "rate", missing="nan"), np.where(mask, np.nan, x)
        )


def test_infinity_under_a_mask_is_missing_not_infinite() -> None:
    x = np.ma.masked_array([1.0, np.inf], [False, True])
    np.testing.assert_array_equal(as_array(x, "x", missing="nan"), [1.0, np.nan])


def test_missing_nan_lets_nan_pass_but_not_infinity() -> None:
    np.testing.assert_array_equal(as_array([1, np.nan], "x", missing="nan"), [1, np.nan])
    with pytest.raises(NonFiniteError, match="infinite"):
        as_array([np.inf, np.nan], "x", missing="nan")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: as_array([1] * u.m, "time", unit="s"), UnitError, r"time has the wrong unit.*'m'"),
        (lambda: as_array([1] * u.m, "x"), UnitError, r"\.value"),
        (lambda: as_array([], "x"), ShapeError, "too few elements.*at least 1"),
        (lambda: as_array([1, 2], "x", min_size=3), ShapeError, "at least 3"),
        (lambda: as_array([[1]], "x"), ShapeError, r"1 dimension .*\(1, 1\)"),
        (lambda: as_array(3.0, "x"), ShapeError, "1 dimension"),
        (lambda: as_array([1, 0, -3], "sigma", positive=True), InputError, "2 of 3.*index 1"),
        (lambda: as_array([1.5], "counts", dtype=np.int64), InputError, "whole numbers"),
        (lambda: as_array(["a"], "x"), InputError, "x cannot be read as numbers"),
        (lambda: as_array([1j], "x"), InputError, "complex"),
        (lambda: as_array([[1], [1, 2]], "x", ndim=None), InputError, "ragged"),
        (lambda: as_array([1], "x", missing="drop"), InputError, "'raise', 'nan'"),
        (lambda: as_scalar([1, 2], "dt"), ShapeError, "dt must be one number"),
        (lambda: as_scalar(5, "level", maximum=1), InputError, "level is out of range"),
        (lambda: as_unit("parsnip"), UnitError, "parsnip"),
        (lambda: require_equal_lengths(a=np.ones(2), b=np.ones(3)), ShapeError, "a: 2, b: 3"),
    ],
)
def test_refusals_say_what_and_why(call: object, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call()  # type: ignore[operator]


def test_whole_numbers_become_int64() -> None:
    result = as_array([1.0, 2.0], "counts", dtype=np.int64)
    assert result.dtype == np.int64
    assert result.tolist() == [1, 2]


def test_own_arrays_pass_without_a_copy() -> None:
    x = np.arange(5.0)
    assert np.shares_memory(as_array(x, "x"), x)


def test_scalars_convert_units() -> None:
    assert as_scalar(1 * u.hour, "dt", unit="s") == 3600.0
    assert isinstance(as_scalar(np.float32(1), "dt"), float)


def test_units_come_back() -> None:
    assert attach_unit(3.0, None) == 3.0
    assert attach_unit(np.ones(2), "s").unit == u.s


def test_equal_lengths_ignore_none_and_return_the_length() -> None:
    assert require_equal_lengths(a=np.ones(3), b=None, c=np.ones(3)) == 3


def test_split_mask_of_plain_data_has_no_mask() -> None:
    data, mask = split_mask(np.ones(2))
    assert mask is None
    assert data.tolist() == [1, 1]
