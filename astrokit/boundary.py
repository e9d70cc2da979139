"""The one place where user input becomes plain arrays, and results get their units back.

Nothing but native-endian, C-contiguous float64 (or int64) arrays may pass to a kernel: numba
drops the unit of a ``Quantity`` silently, ignores the mask of a ``Masked`` and fails on the
big-endian columns that FITS files hold. Masks and NaN are refused here unless the caller says
that they mean something ("missing bin").
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError, MaskError, NonFiniteError, ShapeError, UnitError

if TYPE_CHECKING:
    from astropy.units import Unit

__all__ = ["as_array", "as_scalar", "as_unit", "attach_unit", "require_equal_lengths", "split_mask"]


def as_array(
    x: ArrayLike,
    name: str,
    *,
    unit: Any = None,
    ndim: int | None = 1,
    missing: str = "raise",
    min_size: int = 1,
    positive: bool = False,
    dtype: type = np.float64,
) -> NDArray[Any]:
    """Return `x` as a native, contiguous, writable array of `dtype`, or raise an error naming it.

    Parameters
    ----------
    x : array_like, Quantity, Masked, Column or Series
        The user's values.
    name : str
        What the user calls it; every message starts with it.
    unit : str or astropy unit, optional
        Convert a Quantity to this unit; plain numbers are taken to be in it. Without `unit` a
        Quantity must be dimensionless.
    ndim : int or None
        Required number of dimensions; None accepts any.
    missing : {"raise", "nan"}
        Masked or NaN elements raise, or become NaN. Infinite values always raise.
    min_size : int
        Smallest number of elements.
    positive : bool
        Require every (not missing) element to be > 0.
    dtype : type
        ``np.float64`` (default) or ``np.int64``; a float that is not whole raises for the latter.

    Returns
    -------
    ndarray
        Shares memory with `x` only if `x` already had this form.

    Raises
    ------
    UnitError, MaskError, NonFiniteError, ShapeError, InputError

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> from astrokit.boundary import as_array
    >>> as_array([1, 2] * u.ks, "time", unit="s")
    array([1000., 2000.])
    """
    values, mask = _strip(x, name, unit)
    if ndim is not None and values.ndim != ndim:
        raise ShapeError(
            f"{name} must have {ndim} dimension{'s' if ndim != 1 else ''}",
            value=f"shape {values.shape}",
            hint="pass one value per element, for example with numpy.ravel",
        )
    if values.size < min_size:
        raise ShapeError(
            f"{name} has too few elements",
            value=f"{values.size}",
            allowed=f"at least {min_size}",
            hint="check the selection that made it",
        )
    values = _handle_missing(values, mask, name, missing)
    if positive and np.any(values <= 0):
        where = np.flatnonzero(values.ravel() <= 0)
        raise InputError(
            f"{name} must be > 0, but {where.size} of {values.size} elements are not",
            value=f"{values.ravel()[where[0]]} at index {where[0]}",
            hint="remove these rows or correct them first",
        )
    if dtype is np.int64:
        return _as_integers(values, name)
    return values


def as_scalar(
    x: Any,
    name: str,
    *,
    unit: Any = None,
    positive: bool = False,
    minimum: float | None = None,
    maximum: float | None = None,
) -> float:
    """Return one finite number as a Python float; units as in :func:`as_array`.

    Raises
    ------
    UnitError, ShapeError, NonFiniteError, InputError

    Examples
    --------
    >>> from astropy import units as u
    >>> from astrokit.boundary import as_scalar
    >>> as_scalar(2 * u.min, "bin_size", unit="s", positive=True)
    120.0
    """
    value = as_array(x, name, unit=unit, ndim=None, missing="nan")
    if value.size != 1:
        raise ShapeError(f"{name} must be one number", value=f"shape {value.shape}")
    number = float(value.ravel()[0])
    if number != number:
        raise NonFiniteError(f"{name} must be a number", value=number)
    if positive and number <= 0:
        raise InputError(f"{name} must be > 0", value=number)
    low = -np.inf if minimum is None else minimum
    high = np.inf if maximum is None else maximum
    if not low <= number <= high:
        raise InputError(f"{name} is out of range", value=number, allowed=f"{low} to {high}")
    return number


def as_unit(unit: Any, name: str = "unit") -> Unit | None:
    """Return `unit` as an astropy unit (None stays None); FITS spellings are understood.

    Raises
    ------
    UnitError
        When astropy cannot parse the text.
    """
    if unit is None:
        return None
    from astropy import units as u

    try:
        return u.Unit(unit)
    except (ValueError, TypeError) as error:
        raise UnitError(
            f"{name} is not a unit that astropy knows",
            value=unit,
            hint="use a spelling such as 's', 'ct / s' or 'erg / (s cm2)'",
        ) from error


def attach_unit(value: Any, unit: Any) -> Any:
    """Return `value` as a Quantity in `unit`; with no unit, `value` itself."""
    unit = as_unit(unit)
    if unit is None:
        return value
    return value << unit  # astropy's way to attach without a copy


def require_equal_lengths(**arrays: NDArray[Any] | None) -> int:
    """Check that the named arrays (None is left out) are equally long; return that length.

    Raises
    ------
    ShapeError
        Lists every length by name.
    """
    lengths = {name: len(a) for name, a in arrays.items() if a is not None}
    if len(set(lengths.values())) > 1:
        raise ShapeError(
            "arrays have unequal lengths",
            value=", ".join(f"{name}: {n}" for name, n in lengths.items()),
            hint="give one value per row in each of them",
        )
    return next(iter(lengths.values()))


def split_mask(x: Any) -> tuple[Any, NDArray[np.bool_] | None]:
    """Return the unmasked data of `x` and its mask (None where nothing can be masked)."""
    if isinstance(x, np.ma.MaskedArray):
        return x.data, np.ma.getmaskarray(x)
    if hasattr(x, "unmasked") and hasattr(x, "mask"):  # astropy.utils.masked.Masked
        return x.unmasked, np.asarray(x.mask)
    return x, None


def _strip(x: Any, name: str, unit: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
    """Remove mask and unit; convert to native contiguous float64."""
    column_unit = getattr(x, "unit", None)
    data, mask = split_mask(x)
    quantity = _quantity_of(data, column_unit)
    if quantity is not None:
        data = _convert(quantity, name, unit)
    try:
        values = np.asarray(data)
        if values.dtype.kind not in "fiub" and values.dtype != object:
            raise TypeError(f"dtype {values.dtype}")
        if values.dtype == object and any(isinstance(v, str | bytes) for v in values.flat):
            raise TypeError("text among the values")  # NumPy would turn "1" into 1.0
        values = np.ascontiguousarray(values, dtype=np.float64).reshape(values.shape)
        if not values.flags.writeable:  # numba compiles a second version for read-only arrays
            values = values.copy()
    except (TypeError, ValueError) as error:
        kind = getattr(np.asarray(data, dtype=object), "dtype", type(x))
        raise InputError(
            f"{name} cannot be read as numbers",
            value=f"{type(x).__name__} ({error})"
            if kind is None
            else f"{type(x).__name__}: {error}",
            hint="pass real numbers; complex, text, dates and ragged lists are not understood "
            "here, and lists of Quantities only as astropy.units.Quantity(list)",
        ) from error
    return values, mask


def _quantity_of(data: Any, column_unit: Any) -> Any:
    """Return a Quantity if `data` carries a unit, without importing astropy for plain arrays."""
    if column_unit is None or "astropy.units" not in sys.modules:
        return None
    from astropy import units as u

    if isinstance(data, u.Quantity):
        return data
    return np.asarray(data) << as_unit(column_unit)


def _convert(quantity: Any, name: str, unit: Any) -> NDArray[Any]:
    from astropy import units as u

    target = as_unit(unit) or u.dimensionless_unscaled
    try:
        return np.asarray(quantity.to_value(target))
    except u.UnitConversionError as error:
        if unit is None:
            hint = "strip the unit with .value if it is meant to be a plain number"
        else:
            hint = f"convert it to {target} first, or pass plain numbers in {target}"
        raise UnitError(
            f"{name} has the wrong unit",
            value=f"{quantity.unit}",
            allowed=str(target) if unit is not None else "a number without unit",
            hint=hint,
        ) from error


def _handle_missing(
    values: NDArray[np.float64], mask: NDArray[np.bool_] | None, name: str, missing: str
) -> NDArray[np.float64]:
    if missing not in ("raise", "nan"):
        raise InputError("missing must be a known policy", value=missing, allowed="'raise', 'nan'")
    infinite = np.isinf(values)
    if mask is not None and mask.any():
        if missing == "raise":
            raise MaskError(
                f"{name} has {int(mask.sum())} masked of {values.size} elements",
                hint=f"drop them ({name}[~{name}.mask]) or fill them on purpose",
            )
        values = np.where(mask, np.nan, values)
        infinite &= ~mask
    if infinite.any():
        _raise_non_finite(name, infinite, "infinite")
    if missing == "raise" and np.isnan(values).any():
        _raise_non_finite(name, np.isnan(values), "NaN")
    return values


def _raise_non_finite(name: str, bad: NDArray[np.bool_], what: str) -> None:
    where = np.flatnonzero(bad.ravel())
    raise NonFiniteError(
        f"{name} has {where.size} {what} of {bad.size} elements, the first at index {where[0]}",
        hint="remove these elements, or mark them as missing where the function accepts gaps",
    )


def _as_integers(values: NDArray[np.float64], name: str) -> NDArray[np.int64]:
    whole = np.rint(values)
    if np.any(whole != values):
        first = np.flatnonzero((whole != values).ravel())[0]
        raise InputError(
            f"{name} must hold whole numbers",
            value=f"{values.ravel()[first]} at index {first}",
            hint="round them on purpose if rounding is meant",
        )
    return whole.astype(np.int64)
