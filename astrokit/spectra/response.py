"""Responses: how photons of each energy become counts in each channel.

A redistribution matrix (`RMF`) spreads photons over channels, an effective area (`ARF`) says how
many are caught; a `Response` is their product. Rows of a matrix are never normalised: what is lost
between them is part of the calibration.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array
from ..errors import InputError, ShapeError
from .channels import per_channel

if TYPE_CHECKING:
    from .folding import Fold

__all__ = ["ARF", "RMF", "Response"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Grids of two files agree if their edges differ by less than this part of a bin: float32 edges of
# bins of 1e-3 relative width carry 1e-4 of a bin of rounding.
_EDGE_TOLERANCE = 1e-2


@dataclass(frozen=True, eq=False, repr=False)
class ARF:
    """An effective area.

    Parameters
    ----------
    energy_lo, energy_hi : array_like or Quantity, shape (n,)
        Edges of the energy bins in keV.
    area : array_like or Quantity, shape (n,)
        cm2.
    exposure : float or None
        Seconds, as the file states it; spectra use their own.
    name : str
    meta : mapping
        Facts of the header, such as the instrument.
    inputs : tuple of dict
        Records of the files.

    Raises
    ------
    InputError
        For a negative area, or edges out of order.
    ShapeError, UnitError, NonFiniteError, MaskError

    Examples
    --------
    >>> from astrokit.spectra import ARF
    >>> ARF([1.0, 2.0], [2.0, 3.0], [100.0, 200.0])
    ARF: 2 energies from 1 to 3 keV, area 100 to 200 cm2
    """

    energy_lo: FloatArray
    energy_hi: FloatArray
    area: FloatArray
    exposure: float | None = None
    name: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[dict[str, Any], ...] = ()

    def __post_init__(self) -> None:
        low, high = checked_edges(self.energy_lo, self.energy_hi, "energy")
        area = as_array(self.area, "area", unit="cm2" if hasattr(self.area, "unit") else None)
        if area.size != low.size:
            raise ShapeError(
                "an ARF has one area per energy bin", value=f"{area.size} areas, {low.size} bins"
            )
        if area.min() < 0:
            raise InputError(
                "an effective area is negative",
                value=f"{area.min():g} cm2 at {low[area.argmin()]:g} keV",
                allowed=">= 0 cm2",
            )
        _set(self, energy_lo=low, energy_hi=high, area=area)

    def __repr__(self) -> str:
        return (
            f"ARF: {self.area.size} energies from {self.energy_lo[0]:g} to "
            f"{self.energy_hi[-1]:g} keV, area {self.area.min():g} to {self.area.max():g} cm2"
        )


@dataclass(frozen=True, eq=False, repr=False)
class RMF:
    """A redistribution matrix, or a full response that holds the area as well.

    Parameters
    ----------
    energy_lo, energy_hi : array_like or Quantity, shape (n,)
        Edges of the photon energy bins in keV. A first edge of 0 and bins of zero width are kept.
    matrix : array_like or scipy.sparse array, shape (m, n)
        Column k says which part of the photons of energy bin k each channel gets.
    channel_lo, channel_hi : array_like or Quantity, shape (m,)
        Nominal energies of the channels in keV, for plots and selections.
    first_channel : int
        Number of the first channel.
    includes_area : bool or None
        Whether the matrix holds the effective area too (cm2); None if unknown.
    name, meta, inputs
        As in :class:`ARF`.

    Raises
    ------
    InputError
        For negative edges or edges out of order.
    ShapeError
        Where the matrix does not fit the grids.

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.spectra import RMF
    >>> RMF([1.0, 2.0], [2.0, 3.0], np.eye(2), [1.0, 2.0], [2.0, 3.0], first_channel=0)
    RMF: 2 energies from 1 to 3 keV, channels 0 to 1
    """

    energy_lo: FloatArray
    energy_hi: FloatArray
    matrix: Any
    channel_lo: FloatArray
    channel_hi: FloatArray
    first_channel: int = 1
    includes_area: bool | None = None
    name: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[dict[str, Any], ...] = ()

    def __post_init__(self) -> None:
        from scipy.sparse import csr_array

        low, high = checked_edges(self.energy_lo, self.energy_hi, "energy")
        channel_lo, channel_hi = _channel_edges(self.channel_lo, self.channel_hi)
        matrix = csr_array(self.matrix, dtype=np.float64)
        if matrix.shape != (channel_lo.size, low.size):
            raise ShapeError(
                "the matrix does not fit channels and energies",
                value=f"shape {matrix.shape}",
                allowed=f"({channel_lo.size} channels, {low.size} energies)",
            )
        if not np.isfinite(matrix.data).all():
            raise InputError("the matrix holds values that are not finite", hint="get a new file")
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        _set(self, energy_lo=low, energy_hi=high, matrix=matrix)
        _set(self, channel_lo=channel_lo, channel_hi=channel_hi)

    @property
    def n_channels(self) -> int:
        """Number of channels."""
        return self.channel_lo.size

    def __repr__(self) -> str:
        last = self.first_channel + self.n_channels - 1
        return (
            f"RMF: {self.energy_lo.size} energies from {self.energy_lo[0]:g} to "
            f"{self.energy_hi[-1]:g} keV, channels {self.first_channel} to {last}"
        )


class Response:
    """What folds a spectrum of photons into counts: a matrix, and an area unless it holds one.

    Parameters
    ----------
    rmf : RMF
    arf : ARF, optional
        On the energies of the matrix. Its edges are used where both exist, as they usually carry
        more digits.

    Attributes
    ----------
    rmf : RMF
    arf : ARF or None
    energy_lo, energy_hi : ndarray, shape (n,)
        keV.
    channel : ndarray of int, shape (m,)
        Channel numbers.
    channel_lo, channel_hi : ndarray, shape (m,)
        Nominal energies of the channels, keV.

    Raises
    ------
    InputError
        Where energies of ARF and RMF differ by more than rounding.

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.spectra import Response
    >>> ideal = Response.ideal(np.array([1.0, 2.0, 4.0]), area=100.0)
    >>> ideal
    Response: 2 energies from 1 to 4 keV, channels 1 to 2, area up to 100 cm2
    >>> ideal.fold([0.5, 0.25])
    array([50., 25.])
    """

    def __init__(self, rmf: RMF, arf: ARF | None = None) -> None:
        self.rmf, self.arf = rmf, arf
        self.energy_lo, self.energy_hi = rmf.energy_lo, rmf.energy_hi
        if arf is not None:
            _require_same_grid(rmf, arf)
            self.energy_lo, self.energy_hi = arf.energy_lo, arf.energy_hi
        self.channel: IntArray = rmf.first_channel + np.arange(rmf.n_channels, dtype=np.int64)
        self.channel_lo, self.channel_hi = rmf.channel_lo, rmf.channel_hi

    @classmethod
    def ideal(cls, edges: ArrayLike, *, area: ArrayLike = 1.0, fwhm: ArrayLike = 0.0) -> Response:
        """Return the response of a detector whose channels are energy bins with these edges.

        Parameters
        ----------
        edges : array_like or Quantity, shape (n + 1,)
            keV.
        area : float or array_like, shape (n,)
            cm2.
        fwhm : float or array_like, shape (n,)
            Resolution in keV: a Gaussian of this full width at half maximum; 0 spreads nothing.
        """
        grid = as_array(edges, "edges", unit=_kev(edges), min_size=2)
        low, high = grid[:-1].copy(), grid[1:].copy()
        width = per_channel(as_array(fwhm, "fwhm", unit=_kev(fwhm), ndim=None), "fwhm", low.size)
        areas = per_channel(as_array(area, "area", unit=_cm2(area), ndim=None), "area", low.size)
        matrix = _gaussian_matrix(grid, width)
        arf = ARF(low, high, areas)
        return cls(RMF(low, high, matrix, low, high, includes_area=False), arf)

    @property
    def n_energies(self) -> int:
        """Number of photon energy bins."""
        return self.energy_lo.size

    @property
    def n_channels(self) -> int:
        """Number of channels."""
        return self.channel.size

    @cached_property
    def matrix(self) -> Any:
        """Area times redistribution, sparse, shape (m, n), cm2."""
        if self.arf is None:
            return self.rmf.matrix
        from scipy.sparse import csr_array, diags_array

        return csr_array(self.rmf.matrix @ diags_array(self.arf.area))

    @cached_property
    def effective_area(self) -> FloatArray:
        """Area summed over all channels per energy, shape (n,), cm2."""
        return np.asarray(self.matrix.sum(axis=0)).ravel()

    @cached_property
    def _folding(self) -> Fold:
        from .folding import Fold

        return Fold(self.rmf.matrix, columns=None if self.arf is None else self.arf.area)

    def fold(self, photons: ArrayLike) -> FloatArray:
        """Return the count rate per channel of photons per energy bin.

        Parameters
        ----------
        photons : array_like, shape (n,) or (k, n)
            Photons per cm2 and second in each energy bin; a block folds as one product.

        Returns
        -------
        ndarray, shape (m,) or (k, m)
            Counts per second.

        Raises
        ------
        ShapeError
        """
        block = np.ascontiguousarray(photons, dtype=np.float64)
        if block.ndim not in (1, 2) or block.shape[-1] != self.n_energies:
            raise ShapeError(
                "photons do not fit the energies of the response",
                value=f"shape {block.shape}",
                allowed=f"({self.n_energies},) or (k, {self.n_energies})",
            )
        folded = self._folding.fold(np.atleast_2d(block))
        return folded[0] if block.ndim == 1 else folded

    @property
    def inputs(self) -> tuple[dict[str, Any], ...]:
        """Records of the files, for the provenance."""
        return self.rmf.inputs + (self.arf.inputs if self.arf is not None else ())

    @cached_property
    def resolution(self) -> FloatArray:
        """Full width at half maximum of the response at each channel, in channels, shape (m,).

        At the photon energy that the channel stands for; at least one channel.
        """
        return _resolution(self)

    def __repr__(self) -> str:
        return (
            f"Response: {self.n_energies} energies from {self.energy_lo[0]:g} to "
            f"{self.energy_hi[-1]:g} keV, channels {self.channel[0]} to {self.channel[-1]}, "
            f"area up to {self.effective_area.max():.4g} cm2"
        )


# -- checks ------------------------------------------------------------------------------------


def _set(record: Any, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(record, name, value)


def _kev(x: Any) -> str | None:
    return "keV" if hasattr(x, "unit") else None


def _cm2(x: Any) -> str | None:
    return "cm2" if hasattr(x, "unit") else None


def checked_edges(low: Any, high: Any, name: str) -> tuple[FloatArray, FloatArray]:
    """Return edges of bins as arrays in keV.

    Raises
    ------
    InputError
        For a negative energy, a bin that is turned round, or bins out of order.
    """
    low = as_array(low, f"{name}_lo", unit=_kev(low))
    high = as_array(high, f"{name}_hi", unit=_kev(high))
    if low.size != high.size:
        raise ShapeError("lower and upper edges differ in number", value=(low.size, high.size))
    if low.min() < 0:
        raise InputError("an energy is negative", value=f"{low.min():g} keV", allowed=">= 0 keV")
    if np.any(high < low) or np.any(np.diff(low) < 0):
        wrong = np.flatnonzero((high < low) | (np.diff(low, append=np.inf) < 0))[0]
        raise InputError(
            "energy bins are not in rising order",
            value=f"bin {wrong}: {low[wrong]:g} to {high[wrong]:g} keV",
            hint="sort them; wavelengths run the other way",
        )
    return low, high


def _channel_edges(low: Any, high: Any) -> tuple[FloatArray, FloatArray]:
    """Return nominal channel energies; detectors whose channels fall in energy exist."""
    low = as_array(low, "channel_lo", unit=_kev(low))
    high = as_array(high, "channel_hi", unit=_kev(high))
    if low.size != high.size:
        raise ShapeError("lower and upper edges differ in number", value=(low.size, high.size))
    return np.minimum(low, high), np.maximum(low, high)


def _require_same_grid(rmf: RMF, arf: ARF) -> None:
    if rmf.energy_lo.size != arf.energy_lo.size:
        raise InputError(
            "ARF and RMF have different energies",
            value=f"{arf.energy_lo.size} and {rmf.energy_lo.size} bins",
            hint="make the ARF on the energies of this RMF",
        )
    width = np.maximum(rmf.energy_hi - rmf.energy_lo, 1e-6 * rmf.energy_hi)
    off = np.maximum(abs(rmf.energy_lo - arf.energy_lo), abs(rmf.energy_hi - arf.energy_hi))
    if np.any(off > _EDGE_TOLERANCE * width):
        worst = int(np.argmax(off / width))
        raise InputError(
            "ARF and RMF have different energies",
            value=f"bin {worst}: from {arf.energy_lo[worst]:g} and {rmf.energy_lo[worst]:g} keV",
            hint="make the ARF on the energies of this RMF",
        )


# -- resolution --------------------------------------------------------------------------------


def _gaussian_matrix(edges: FloatArray, fwhm: FloatArray) -> Any:
    """Return the part of each energy bin that falls into each channel of the same edges."""
    from scipy.sparse import csr_array
    from scipy.special import ndtr

    if np.any(fwhm < 0):
        raise InputError("a resolution is negative", value=float(fwhm.min()), allowed=">= 0 keV")
    if not fwhm.any():
        return csr_array(np.eye(fwhm.size))
    centre = 0.5 * (edges[1:] + edges[:-1])
    sigma = np.maximum(fwhm, 1e-12 * centre) / math.sqrt(8 * math.log(2))
    below = ndtr((edges[:, None] - centre) / sigma)
    matrix = np.diff(below, axis=0)
    return csr_array(np.where(matrix > 1e-12, matrix, 0.0))


def _resolution(response: Response) -> FloatArray:
    """Width of the main peak of each column, carried over from energies to channels."""
    columns = response.rmf.matrix.tocsc()
    widths = np.ones(response.n_energies)
    for k in range(response.n_energies):
        part = slice(columns.indptr[k], columns.indptr[k + 1])
        rows, values = columns.indices[part], columns.data[part]
        if rows.size:
            widths[k] = _half_maximum_width(rows, values)
    centre = 0.5 * (response.energy_lo + response.energy_hi)
    at = 0.5 * (response.channel_lo + response.channel_hi)
    return np.maximum(np.interp(at, centre, widths), 1.0)


def _half_maximum_width(rows: NDArray[Any], values: FloatArray) -> float:
    """Return the width around the highest value at its half, in channels."""
    dense = np.zeros(rows.max() - rows.min() + 3)
    dense[rows - rows.min() + 1] = values
    peak = int(dense.argmax())
    half = 0.5 * dense[peak]
    below = np.flatnonzero(dense[:peak] < half)
    above = np.flatnonzero(dense[peak + 1 :] < half)
    left, right = int(below[-1]), peak + 1 + int(above[0])
    start = left + (half - dense[left]) / (dense[left + 1] - dense[left])
    stop = right - (half - dense[right]) / (dense[right - 1] - dense[right])
    return float(stop - start)
