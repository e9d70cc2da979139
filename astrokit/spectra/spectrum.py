"""`Spectrum`: counts per channel with what is needed to fit them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array
from ..errors import InputError, ShapeError
from .bands import read_bands
from .channels import align, checked_channels, checked_exposure, per_channel
from .factors import FoldingFactors
from .groups import Groups, Selection, labels_of, noticed_groups

if TYPE_CHECKING:
    from pathlib import Path

    from astropy.table import Table
    from matplotlib.axes import Axes

    from ..estimate import Estimate
    from .response import Response

__all__ = ["Spectrum"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


class Spectrum:
    """Counts (or rates) per channel, with background, response, quality and groups.

    Spectra are not changed in place: :meth:`notice`, :meth:`ignore`, :meth:`group` and others
    return new ones. Arrays ``(n,)`` hold one value per channel, arrays ``(g,)`` one per noticed
    group; a spectrum without groups has one channel in each.

    Parameters
    ----------
    counts : array_like, shape (n,)
        Counts per channel; with ``is_rate=True`` counts per second.
    exposure : float or Quantity
        Seconds.
    error : array_like, shape (n,), optional
        Standard errors, where counts are not Poisson (rates, subtracted spectra).
    is_rate : bool
    channel : array_like of int, shape (n,), optional
        Channel numbers; 1 to n by default.
    response : Response, optional
    background : Spectrum or sequence of Spectrum, optional
        Of the same channels.
    areascal, backscal : float or array_like, shape (n,)
        Factor of the effective area, and size of the region.
    quality : array_like of int, shape (n,), optional
        0 is good; other channels are left out of groups.
    grouping : array_like of int, shape (n,), optional
        OGIP flags: 1 begins a group, -1 goes on, 0 stands alone.
    systematic : float or array_like, shape (n,)
        Systematic error as a part of the counts.
    energy_edges : pair of array_like, shape (n,), optional
        Lower and upper nominal energies of channels in keV; by default those of the response.
    meta : mapping, optional
        Facts such as object and instrument.
    inputs : iterable of dict, optional
        Records of the files.

    Attributes
    ----------
    channel : ndarray of int, shape (n,)
    values, areascal, backscal, systematic : ndarray, shape (n,)
        `values` are counts or rates, whatever was given.
    errors : ndarray, shape (n,), or None
    quality, grouping : ndarray of int, shape (n,)
    exposure : float
    is_rate : bool
    response : Response or None
    backgrounds : tuple of Spectrum
    meta : dict

    Raises
    ------
    InputError
        For a negative exposure, channels that do not match, negative errors.
    ShapeError, UnitError, NonFiniteError, MaskError

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> response = ak.spectra.Response.ideal(np.linspace(1, 5, 5), area=10.0)
    >>> spec = ak.spectra.Spectrum([9, 4, 3, 2], exposure=100.0, response=response)
    >>> spec
    Spectrum: 18 counts in 4 channels, 100 s, 1 to 5 keV
      Response: 4 energies from 1 to 5 keV, channels 1 to 4, area up to 10 cm2
    >>> spec.notice("2-5 keV").group(min_counts=5).counts
    array([9.])
    """

    def __init__(
        self,
        counts: ArrayLike,
        *,
        exposure: Any,
        error: ArrayLike | None = None,
        is_rate: bool = False,
        channel: ArrayLike | None = None,
        response: Response | None = None,
        background: Spectrum | Sequence[Spectrum] = (),
        areascal: ArrayLike = 1.0,
        backscal: ArrayLike = 1.0,
        quality: ArrayLike | None = None,
        grouping: ArrayLike | None = None,
        systematic: ArrayLike = 0.0,
        energy_edges: tuple[ArrayLike, ArrayLike] | None = None,
        meta: Mapping[str, Any] | None = None,
        inputs: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        unit = ("ct / s" if is_rate else "ct") if hasattr(counts, "unit") else None
        self.values: FloatArray = as_array(counts, "counts", unit=unit)
        n = self.values.size
        self.is_rate = bool(is_rate)
        self.exposure = checked_exposure(exposure)
        self.errors = None if error is None else per_channel(error, "error", n)
        self.channel: IntArray = checked_channels(channel, n)
        self.areascal = per_channel(areascal, "areascal", n)
        self.backscal = per_channel(backscal, "backscal", n)
        self.systematic = per_channel(systematic, "systematic", n)
        self.quality: IntArray = _flags(quality, "quality", n)
        self.grouping: IntArray = _flags(grouping, "grouping", n)
        self._edges = _energy_edges(energy_edges, n)
        self.meta: dict[str, Any] = dict(meta or {})
        self.inputs: tuple[Mapping[str, Any], ...] = tuple(inputs)
        self.selection: Selection = ()
        self._use_quality = True
        self.response: Response | None = None
        self.backgrounds: tuple[Spectrum, ...] = ()
        self._set_response(response)
        self._set_backgrounds(background)

    # -- other spectra from this one ---------------------------------------------------------

    def _changed(self, **changes: Any) -> Self:
        """Return a copy with other attributes, and nothing remembered of sums over groups."""
        other = copy.copy(self)
        for name in ("groups", "folding_factors", "background_factors", "background_ratio"):
            other.__dict__.pop(name, None)
        other.__dict__.update(changes)
        return other

    def _set_response(self, response: Response | None) -> None:
        self.response_rows: IntArray | None = None
        if response is not None:
            self.response_rows = align(self.channel, response.channel, "response")
        self.response = response

    def _set_backgrounds(self, background: Spectrum | Sequence[Spectrum]) -> None:
        several = (background,) if isinstance(background, Spectrum) else tuple(background)
        for one in several:
            if one.channel.size != self.channel.size:
                raise InputError(
                    "the channels of spectrum and background do not match",
                    value=f"{self.channel.size} and {one.channel.size} channels",
                    hint="this background belongs to another spectrum",
                )
            align(self.channel, one.channel, "background")
        self.backgrounds = several

    def with_response(self, response: Response | None) -> Self:
        """Return the spectrum with another response, or none."""
        other = self._changed()
        other._set_response(response)
        return other

    def with_background(self, background: Spectrum | Sequence[Spectrum]) -> Self:
        """Return the spectrum with another background, several, or none: ``()``."""
        other = self._changed()
        other._set_backgrounds(background)
        return other

    def with_exposure(self, exposure: Any) -> Self:
        """Return the spectrum with another exposure in seconds; counts or rates stay."""
        return self._changed(exposure=checked_exposure(exposure))

    def with_systematic(self, systematic: ArrayLike) -> Self:
        """Return the spectrum with another systematic error, as a part of the counts."""
        return self._changed(systematic=per_channel(systematic, "systematic", self.channel.size))

    def with_channel_counts(
        self, counts: ArrayLike, background: Sequence[ArrayLike] | None = None
    ) -> Self:
        """Return the spectrum with other counts per channel ``(n,)``, those of backgrounds too."""
        values = per_channel(counts, "counts", self.channel.size, minimum=None)
        other = self._changed(values=values, errors=None, is_rate=False)
        if background is not None:
            pairs = zip(self.backgrounds, background, strict=True)
            other.backgrounds = tuple(one.with_channel_counts(b) for one, b in pairs)
        return other

    def with_counts(self, counts: ArrayLike, background_counts: ArrayLike | None = None) -> Self:
        """Return the spectrum whose noticed groups hold other counts ``(g,)``.

        They stand in the first channel of each group; nothing else holds counts. With several
        backgrounds the counts of all stand in the first.

        Raises
        ------
        ShapeError
            Where the number is not that of the groups.
        """
        spread = [np.zeros(self.channel.size)] * len(self.backgrounds)
        if background_counts is not None and self.backgrounds:
            spread[0] = self._spread(background_counts)
        with_background = background_counts is not None
        return self.with_channel_counts(self._spread(counts), spread if with_background else None)

    def _spread(self, counts: ArrayLike) -> FloatArray:
        values = as_array(counts, "counts")
        if values.size != len(self.groups):
            raise ShapeError("not one count per group", value=(values.size, len(self.groups)))
        full = np.zeros(self.channel.size)
        full[self.groups.rows[self.groups.starts]] = values
        return full

    def as_counts(self) -> Self:
        """Return a spectrum of rates as counts: rate times exposure.

        Raises
        ------
        InputError
            Where these are not whole numbers, so that they were never counts.
        """
        if not self.is_rate:
            return self
        counts = self.values * self.exposure
        whole = np.rint(counts)
        if np.any(abs(counts - whole) > 1e-3 * np.maximum(whole, 1.0)):
            raise InputError(
                "rate times exposure is not a whole number of counts",
                value=float(counts[np.argmax(abs(counts - whole))]),
                hint="fit the rates with chi2, or correct the exposure",
            )
        return self._changed(values=whole, errors=None, is_rate=False)

    # -- selection -----------------------------------------------------------------------------

    def notice(self, *bands: Any) -> Self:
        """Return the spectrum with nothing but these bands noticed; everything if none is given.

        Parameters
        ----------
        *bands : str, pair or Quantity
            ``"0.5-7 keV"``, ``"0.5-2, 4-7 keV"``, ``"10-20 angstrom"``, ``"40-300 channel"``,
            ``"**-3 keV"``, ``(0.5, 7)`` in keV, ``[0.5, 7] * u.keV``. A group is noticed if the
            band touches it.

        Raises
        ------
        InputError
            For a band that is not understood, or energies where the spectrum has none.
        """
        return self._selecting(("notice", read_bands(bands))) if bands else self._selecting(None)

    def ignore(self, *bands: Any) -> Self:
        """Return the spectrum without these bands, written as in :meth:`notice`.

        A group is ignored if the band touches it.
        """
        return self._selecting(("ignore", read_bands(bands)))

    def _selecting(self, step: tuple[str, Any] | None) -> Self:
        if step is None:
            return self._changed(selection=())
        if any(not band.is_channel for band in step[1]):
            self._require_energies()
        return self._changed(selection=(step,) if step[0] == "notice" else (*self.selection, step))

    def with_quality(self, quality: ArrayLike | None = None, *, use: bool = True) -> Self:
        """Return the spectrum with other quality flags, or (``use=False``) with them unused."""
        flags = self.quality if quality is None else _flags(quality, "quality", self.channel.size)
        return self._changed(quality=flags, _use_quality=use)

    def group(
        self,
        min_counts: float | None = None,
        *,
        min_snr: float | None = None,
        min_background_counts: float | None = None,
        n_channels: int | None = None,
        optimal: bool = False,
    ) -> Self:
        """Return the spectrum in groups that meet every rule given.

        Groups begin at the lower end of each noticed stretch, hold usable channels of it only, and
        what remains after the last complete group joins that group. Groups of before are forgotten.

        Parameters
        ----------
        min_counts : float, optional
            Counts of source and background together.
        min_snr : float, optional
            Net counts over their standard error.
        min_background_counts : float, optional
            For the W statistic, which is biased where many groups have no background count.
        n_channels : int, optional
        optimal : bool
            Widths after Kaastra & Bleeker (2016), from counts and resolution: as wide as possible
            without loss of information. Needs a response.

        Raises
        ------
        InputError
            Where no group meets the rules, or no rule is given.
        """
        from .grouping import GroupingRule
        from .regroup import regroup

        rule = GroupingRule(min_counts, min_snr, min_background_counts, n_channels, optimal)
        return self._changed(grouping=regroup(self, rule))

    def with_grouping(self, grouping: ArrayLike) -> Self:
        """Return the spectrum with these OGIP flags: 1 begins a group, -1 goes on."""
        return self._changed(grouping=_flags(grouping, "grouping", self.channel.size))

    def ungroup(self) -> Self:
        """Return the spectrum with every channel its own group."""
        return self._changed(grouping=np.zeros(self.channel.size, dtype=np.int64))

    # -- per channel ---------------------------------------------------------------------------

    @property
    def channel_energies(self) -> tuple[FloatArray, FloatArray] | None:
        """Lower and upper nominal energies of channels in keV, shape (n,) each, or None."""
        if self._edges is not None:
            return self._edges
        if self.response is None or self.response_rows is None:
            return None
        rows = self.response_rows
        return self.response.channel_lo[rows], self.response.channel_hi[rows]

    @property
    def usable(self) -> BoolArray:
        """Channels of good quality that have an area in source and background, shape (n,)."""
        good = (self.quality == 0) if self._use_quality else np.ones(self.channel.size, dtype=bool)
        good &= self.areascal > 0
        for one in self.backgrounds:
            good &= (one.areascal * one.backscal > 0) & (self.backscal > 0)
        return good

    @property
    def excluded(self) -> dict[str, int]:
        """Why channels are left out of groups: reason to number."""
        bad = (self.quality != 0) & self._use_quality
        reasons = {"quality is not 0": int(bad.sum())}
        reasons["no area in source or background"] = int((~self.usable & ~bad).sum())
        return {reason: n for reason, n in reasons.items() if n}

    # -- per group -----------------------------------------------------------------------------

    @cached_property
    def groups(self) -> Groups:
        """The noticed groups.

        Raises
        ------
        InputError
            Where nothing is noticed.
        """
        edges = self.channel_energies or (np.zeros(self.channel.size),) * 2
        labels = labels_of(self.grouping)
        found = noticed_groups(labels, self.usable, self.selection, (self.channel, *edges))
        if len(found) == 0:
            raise InputError(
                "the band is empty: no usable channel is noticed",
                value="; ".join(f"{a} {', '.join(map(str, b))}" for a, b in self.selection) or None,
                allowed=self._range(),
                hint="notice another band, or with_quality(use=False) if all flags are bad",
            )
        return found

    @property
    def counts(self) -> FloatArray | None:
        """Counts per group, shape (g,); None for a spectrum of rates."""
        return None if self.is_rate else self.groups.sum(self.values)

    @property
    def error(self) -> FloatArray | None:
        """Standard errors of counts (or rates) per group, shape (g,), where the data give them."""
        return None if self.errors is None else np.sqrt(self.groups.sum(self.errors**2))

    @property
    def rate(self) -> FloatArray:
        """Counts per second and group, background included, shape (g,)."""
        return self.groups.sum(self.values) / (1.0 if self.is_rate else self.exposure)

    @property
    def rate_error(self) -> FloatArray:
        """Standard errors of `rate`, shape (g,): those given, else the root of the counts.

        Raises
        ------
        InputError
            For rates without errors.
        """
        if self.error is not None:
            return self.error / (1.0 if self.is_rate else self.exposure)
        if self.is_rate:
            raise InputError("these rates have no errors", hint="pass error= to Spectrum")
        return np.sqrt(self.groups.sum(self.values)) / self.exposure

    @property
    def systematic_error(self) -> FloatArray | None:
        """Systematic error per group as a part of its counts, shape (g,), or None."""
        if not self.systematic.any():
            return None
        total = self.groups.sum(np.abs(self.values))
        part = self.groups.sum(self.systematic * np.abs(self.values))
        mean = self.groups.sum(self.systematic) / self.groups.sizes
        return np.divide(part, total, out=mean, where=total > 0)

    @property
    def energy_lo(self) -> FloatArray:
        """Lower nominal energies of groups, keV, shape (g,)."""
        return self.groups.min(self._require_energies()[0])

    @property
    def energy_hi(self) -> FloatArray:
        """Upper nominal energies of groups, keV, shape (g,)."""
        return self.groups.max(self._require_energies()[1])

    @property
    def is_poisson(self) -> bool:
        """Whether these are counts: whole, not negative, nothing subtracted."""
        whole = np.array_equal(self.values, np.rint(self.values)) and bool(self.values.min() >= 0)
        return not self.is_rate and whole and not self.meta.get("is_net", False)

    # -- background ----------------------------------------------------------------------------

    @property
    def has_background(self) -> bool:
        """Whether there is at least one background."""
        return bool(self.backgrounds)

    @property
    def background_counts(self) -> FloatArray | None:
        """Counts per group summed over all backgrounds, shape (g,), or None."""
        if not self.backgrounds:
            return None
        return self.groups.sum(sum((b._as_counts_or_more() for b in self.backgrounds), np.zeros(1)))

    @property
    def background_error(self) -> FloatArray | None:
        """Standard errors of `background_counts`, shape (g,), where they are not Poisson."""
        if all(one.is_poisson for one in self.backgrounds):
            return None
        return np.sqrt(self.groups.sum(sum((b._variance() for b in self.backgrounds), np.zeros(1))))

    def _as_counts_or_more(self) -> FloatArray:
        return self.values * (self.exposure if self.is_rate else 1.0)

    def _variance(self) -> FloatArray:
        """Return the variance of counts per channel, shape (n,)."""
        if self.errors is None:
            return np.abs(self._as_counts_or_more())
        error = self.errors * (self.exposure if self.is_rate else 1.0)
        systematic = self.systematic * self._as_counts_or_more()
        return error**2 + (systematic**2 if not self.is_poisson else 0.0)

    @cached_property
    def background_ratio(self) -> FloatArray | None:
        """Background counts expected in the source region per count of background, shape (g,)."""
        if not self.backgrounds:
            return None
        own = self.groups.sum(self.exposure * self.areascal * self.backscal)
        others = sum(self.groups.sum(b._scale()) for b in self.backgrounds)
        return np.asarray(own / others)

    def _scale(self) -> FloatArray:
        return self.exposure * self.areascal * self.backscal

    @property
    def net_rate(self) -> FloatArray:
        """Counts per second and group less the scaled background, shape (g,)."""
        if self.background_counts is None or self.background_ratio is None:
            return self.rate
        return self.rate - self.background_ratio * self.background_counts / self.exposure

    @property
    def net_rate_error(self) -> FloatArray:
        """Standard errors of `net_rate`, from the counts themselves, shape (g,)."""
        if self.background_counts is None or self.background_ratio is None:
            return self.rate_error
        given = self.background_error
        variance = self.background_counts if given is None else given**2
        scaled = self.background_ratio**2 * variance / self.exposure**2
        return np.sqrt(self.rate_error**2 + scaled)

    def band_rate(self, band: Any = None) -> Estimate:
        """Return the net count rate in a band (as in :meth:`notice`), or in all that is noticed."""
        from ..estimate import Estimate

        part = self if band is None else self.notice(band)
        total = float(part.net_rate.sum())
        error = float(np.sqrt((part.net_rate_error**2).sum()))
        how = "counts less scaled background; Poisson errors"
        return Estimate(total, error, unit="ct / s", name="net_rate", method=how)

    # -- response ------------------------------------------------------------------------------

    def folding_matrix(self) -> Any:
        """Return the sparse matrix ``(g, n_energies)`` from photons to counts of noticed groups.

        Counts = matrix @ photons, with photons per cm2 and second in each energy bin of the
        response: it holds exposure, AREASCAL, area and redistribution.

        Raises
        ------
        InputError
            Without a response.
        """
        return self.folding_factors.product()

    @cached_property
    def folding_factors(self) -> FoldingFactors:
        """The factors of :meth:`folding_matrix`."""
        return self._factors_of(self, self._require_response())

    @cached_property
    def background_factors(self) -> FoldingFactors | None:
        """The same for the first background; None without one.

        With the response of the background, or of the source where it has none.
        """
        if not self.backgrounds:
            return None
        return self._factors_of(self.backgrounds[0], self._require_response())

    def background_matrix(self) -> Any:
        """Return what :meth:`folding_matrix` is, for the first background; None without one."""
        factors = self.background_factors
        return None if factors is None else factors.product()

    def _factors_of(self, one: Spectrum, response: Response) -> FoldingFactors:
        if one.response is not None and one.response_rows is not None:
            response, rows = one.response, one.response_rows
        else:
            rows = align(one.channel, response.channel, "response")
        return FoldingFactors.of(response, rows, one.exposure * one.areascal, self.groups)

    def _require_response(self) -> Response:
        if self.response is None:
            raise InputError(
                "the spectrum has no response",
                value=self.name,
                hint="read_pha(path, rmf=..., arf=...), or with_response(response)",
            )
        return self.response

    def _require_energies(self) -> tuple[FloatArray, FloatArray]:
        edges = self.channel_energies
        if edges is None:
            raise InputError(
                "the energies of the channels are not known",
                value=self.name,
                hint="give the spectrum a response, or select by '40-300 channel'",
            )
        return edges

    # -- words, figures, files -------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The object, or the file."""
        return str(self.meta.get("object") or self.meta.get("file") or "spectrum")

    def _range(self) -> str:
        edges = self.channel_energies
        if edges is None:
            return f"channels {self.channel[0]} to {self.channel[-1]}"
        return f"{edges[0].min():.4g} to {edges[1].max():.4g} keV"

    def __repr__(self) -> str:
        from .describe import describe

        return describe(self)

    def _repr_html_(self) -> str:
        from .describe import as_html

        return as_html(self)

    def to_table(self) -> Table:
        """Return groups as a table: energies, counts, background, net rate and its error."""
        from .interchange import to_table

        return to_table(self)

    def plot(self, ax: Axes | None = None, *, net: bool = True, **style: Any) -> Axes:
        """Draw count rates per keV; see :func:`astrokit.spectra.plot_spectrum`."""
        from .plots import plot_spectrum

        return plot_spectrum(self, ax, net=net, **style)

    def write(self, path: str | Path, *, overwrite: bool = False) -> list[Path]:
        """Write OGIP files; see :func:`astrokit.spectra.write_pha`."""
        from .writers import write_pha

        return write_pha(self, path, overwrite=overwrite)


def _flags(x: ArrayLike | None, name: str, n: int) -> IntArray:
    if x is None:
        return np.zeros(n, dtype=np.int64)
    flags: IntArray = as_array(x, name, ndim=None, dtype=np.int64).ravel()
    if flags.size not in (1, n):
        raise ShapeError(f"not one {name} flag per channel", value=(flags.size, n))
    return np.array(np.broadcast_to(flags, (n,)))


def _energy_edges(edges: Any, n: int) -> tuple[FloatArray, FloatArray] | None:
    if edges is None:
        return None
    low, high = (
        as_array(x, "energy_edges", unit="keV" if hasattr(x, "unit") else None) for x in edges
    )
    if low.size != n or high.size != n:
        raise ShapeError("not one pair of energies per channel", value=(low.size, high.size, n))
    return np.minimum(low, high), np.maximum(low, high)
