r"""Earthquakes: the magnitude-frequency relation that the energies of bursts are compared with.

:math:`\log_{10} N(\ge M) = a - b M` (Gutenberg & Richter 1944) is a power law of energy: with
:math:`\log_{10} E = 1.5 M + {\rm const}` its differential index is 1 + b/1.5.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_scalar
from ..errors import InputError
from ..estimate import Estimate
from ..randomness import SeedLike, as_generator

if TYPE_CHECKING:
    from .break_result import BreakResult

__all__ = [
    "b_value",
    "b_value_of_index",
    "energy_to_magnitude",
    "find_magnitude_break",
    "index_of_b_value",
    "magnitude_to_energy",
    "simulate_magnitudes",
]

FloatArray = NDArray[np.float64]
_LOG10_E = math.log10(math.e)
_PER_MAGNITUDE = 1.5
_AT_ZERO = 11.8  # log10 of the energy in erg at M = 0 (Gutenberg & Richter 1956)
_FEWEST = 10


def b_value(magnitudes: ArrayLike, *, completeness: float, bin_width: float = 0.0) -> Estimate:
    r"""Return the b-value of magnitudes above completeness (Aki 1965).

    Unrounded magnitudes: :math:`b = \log_{10}e/(\bar M - M_c)`. Rounded ones, of bins centred on
    multiples of the width w: the exact estimate for a geometric distribution,
    :math:`b = \log_{10}[1 + w/(\bar M - M_c)]/w` (Tinti & Mulargia 1987), without which b comes
    out too high.

    Parameters
    ----------
    magnitudes : array_like, shape (n,)
    completeness : float
        Lowest magnitude used; for rounded ones a bin centre.
    bin_width : float
        To which magnitudes are rounded; 0 for none.

    Returns
    -------
    Estimate
        The error is b / sqrt(n) for unrounded magnitudes (Aki 1965), that of the likelihood for
        rounded ones.

    Raises
    ------
    InputError
        For fewer than 10 magnitudes above completeness.

    Examples
    --------
    >>> import astrokit as ak
    >>> m = ak.bursts.simulate_magnitudes(2000, b_low=1.0, lowest=3.0, seed=1)
    >>> print(ak.bursts.b_value(m, completeness=3.0))
    b = 1.0...
    """
    m = as_array(magnitudes, "magnitudes")
    limit = as_scalar(completeness, "completeness")
    width = as_scalar(bin_width, "bin_width", minimum=0.0)
    used = m[m >= limit - 1e-9]
    excess = float(used.mean() - limit) if used.size else 0.0
    if used.size < _FEWEST:
        raise InputError(
            "too few magnitudes above completeness", value=used.size, allowed=f">= {_FEWEST}"
        )
    if excess <= 0:
        raise InputError("all magnitudes are the lowest one", value=f"{used.size} times {limit:g}")
    n = used.size
    if width == 0:
        b = _LOG10_E / excess
        how = f"maximum likelihood of {n} magnitudes (Aki)"
        return Estimate(b, b / math.sqrt(n), name="b", method=how)
    offsets = (used - limit) / width
    if np.abs(offsets - np.rint(offsets)).max() > 0.01:
        raise InputError(
            "magnitudes are not multiples of bin_width above completeness",
            value=float(used[int(np.argmax(np.abs(offsets - np.rint(offsets))))]),
            hint="completeness must be a bin centre; bin_width=0 for unrounded magnitudes",
        )
    b = math.log10(1 + width / excess) / width
    # A geometric variate k with ratio p has information 1/(p (1-p)^2) in p, and p = 10^(-b w).
    p = 10 ** (-b * width)
    error = (1 - p) / (math.sqrt(n * p) * width * math.log(10.0))
    how = f"maximum likelihood of {n} rounded magnitudes (Tinti & Mulargia)"
    return Estimate(b, error, name="b", method=how)


def magnitude_to_energy(magnitudes: ArrayLike) -> FloatArray:
    """Return energies in erg: log10 E = 11.8 + 1.5 M (Gutenberg & Richter 1956).

    Examples
    --------
    >>> import astrokit as ak
    >>> float(ak.bursts.magnitude_to_energy([2.0])[0]) / 10**14.8
    1.0
    """
    return np.asarray(10.0 ** (_AT_ZERO + _PER_MAGNITUDE * as_array(magnitudes, "magnitudes")))


def energy_to_magnitude(energy: ArrayLike) -> FloatArray:
    """Return magnitudes of energies in erg, such as that of a break: the inverse.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.bursts.energy_to_magnitude([10**14.8]).round(9)
    array([2.])
    """
    e = as_array(energy, "energy", unit="erg", ndim=None, positive=True)
    return np.asarray((np.log10(e) - _AT_ZERO) / _PER_MAGNITUDE)


def index_of_b_value(b: float) -> float:
    """Return the differential index of energy that belongs to a b-value: 1 + b/1.5."""
    return 1.0 + b / _PER_MAGNITUDE


@overload
def b_value_of_index(index: Estimate) -> Estimate: ...
@overload
def b_value_of_index(index: float) -> float: ...
def b_value_of_index(index: float | Estimate) -> float | Estimate:
    """Return the b-value that belongs to a differential index of energy: 1.5 (index - 1).

    Parameters
    ----------
    index : float or Estimate
        An estimate, such as ``index_low`` of a search of a break, keeps its errors.

    Examples
    --------
    >>> import astrokit as ak
    >>> print(ak.bursts.b_value_of_index(ak.Estimate(1.6, 0.02, name="index below the break")))
    b of index below the break = 0.90 +/- 0.03
    """
    if not isinstance(index, Estimate):
        return _PER_MAGNITUDE * (index - 1.0)
    return replace(
        index,
        value=_PER_MAGNITUDE * (index.value - 1.0),
        lower=_PER_MAGNITUDE * index.lower,
        upper=_PER_MAGNITUDE * float(index.interval[1] - index.value),
        name=f"b of {index.name}" if index.name else "b",
    )


def find_magnitude_break(
    magnitudes: ArrayLike, *, completeness: float, seed: SeedLike = None, **options: Any
) -> BreakResult:
    """Search a break of the magnitude-frequency relation; see :func:`astrokit.bursts.find_break`.

    Parameters
    ----------
    magnitudes : array_like, shape (n,)
        Unrounded: rounded ones leave gaps that a continuous law does not have.
    completeness : float
        Lowest magnitude used.
    seed : int, SeedSequence or Generator
    **options
        Of :func:`astrokit.bursts.find_break`.

    Returns
    -------
    BreakResult
        Of energies; :func:`b_value_of_index` and :func:`energy_to_magnitude` lead back.

    Raises
    ------
    InputError
        For rounded magnitudes, of which many are equal, or none above completeness.
    """
    from .breaks import find_break

    m = as_array(magnitudes, "magnitudes")
    used = m[m >= as_scalar(completeness, "completeness")]
    if used.size < _FEWEST:
        raise InputError(
            "too few magnitudes above completeness", value=used.size, allowed=f">= {_FEWEST}"
        )
    if np.unique(used).size < 0.5 * used.size:
        raise InputError(
            "the magnitudes are rounded",
            value=f"{np.unique(used).size} different ones of {used.size}",
            hint="spread them over their bins first: m + rng.uniform(-w/2, w/2, m.size), with "
            "completeness at the lower end of a bin",
        )
    limit = float(magnitude_to_energy([completeness])[0])
    return find_break(magnitude_to_energy(used), threshold=limit, seed=seed, **options)


def simulate_magnitudes(
    n: int,
    *,
    b_low: float,
    lowest: float,
    b_high: float | None = None,
    break_magnitude: float | None = None,
    seed: SeedLike = None,
) -> FloatArray:
    """Return magnitudes of a simulated catalogue, with another b-value above a break if wanted.

    Parameters
    ----------
    n : int
    b_low : float
        b-value (below the break).
    lowest : float
        Lowest magnitude.
    b_high, break_magnitude : float, optional
        Both or neither.
    seed : int, SeedSequence or Generator

    Raises
    ------
    InputError
        For b-values <= 0, or one of the two without the other.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.bursts.simulate_magnitudes(3, b_low=1.0, lowest=4.0, seed=1).shape
    (3,)
    """
    rng = as_generator(seed)
    n = int(as_scalar(n, "n", minimum=1))
    if (b_high is None) != (break_magnitude is None):
        raise InputError("a break needs b_high and break_magnitude", hint="give both or neither")
    slow = as_scalar(b_low, "b_low", positive=True) * math.log(10.0)
    if b_high is None or break_magnitude is None:
        return lowest + rng.standard_exponential(n) / slow
    fast = as_scalar(b_high, "b_high", positive=True) * math.log(10.0)
    length = as_scalar(break_magnitude - lowest, "break_magnitude - lowest", positive=True)
    # The density is continuous at the break, as that of a broken power law of energy.
    below = math.expm1(slow * length) / slow
    is_below = rng.random(n) * (below + 1 / fast) < below
    u = rng.random(n)
    inside = lowest - np.log1p(-u * -math.expm1(-slow * length)) / slow
    beyond = break_magnitude + rng.standard_exponential(n) / fast
    return np.where(is_below, inside, beyond)
