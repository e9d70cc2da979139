"""`Epoch`: one observation as measures see it, in one band or two, with what they share."""

from __future__ import annotations

import functools
import math
import os
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import AstrokitError, AstrokitWarning, InputError
from ..provenance import quiet
from .hardness import _bands
from .models import Constant, PowerLaw, PSDModel

if TYPE_CHECKING:
    from ..inference import Fit
    from ..lightcurve import LightCurve

__all__ = ["Epoch", "sum_of_bands"]

FloatArray = NDArray[np.float64]
_TO_REBIN = {"power_spectrum": 4000, "flux_distribution": 1500}


def sum_of_bands(soft: LightCurve, hard: LightCurve) -> LightCurve:
    """Return the light curve of both bands together.

    Parameters
    ----------
    soft, hard : LightCurve
        With errors, in the same bins and units. A bin is valid if it is so in both.

    Returns
    -------
    LightCurve
        Rates added, errors added in quadrature; an energy range that covers both.

    Raises
    ------
    InputError
        For curves of unequal bins or units, or without errors.
    ShapeError
        If no bin is valid in both bands.

    Examples
    --------
    >>> import astrokit as ak
    >>> soft = ak.LightCurve([0.0, 1.0], [4.0, 2.0], [0.3, 0.3])
    >>> hard = ak.LightCurve([0.0, 1.0], [1.0, 2.0], [0.4, 0.4])
    >>> ak.timing.sum_of_bands(soft, hard).error
    array([0.5, 0.5])
    """
    from ..lightcurve import LightCurve
    from ..lightcurve.gti import intersect

    _bands(soft, hard)
    ranges = [lc.info.energy_range for lc in (soft, hard)]
    known = [r for r in ranges if r is not None]
    span = (min(r[0] for r in known), max(r[1] for r in known)) if len(known) == 2 else None
    return LightCurve(
        soft.time,
        soft.rate + hard.rate,
        np.hypot(np.asarray(soft.error), np.asarray(hard.error)),
        bin_width=soft.bin_width,
        exposure_fraction=_least(soft.exposure_fraction, hard.exposure_fraction),
        gti=intersect(soft.gti, hard.gti),
        info=soft.info.common_with(hard.info).replace(energy_range=span, counting_errors=False),
    )._with_report(soft.read_report)


def _least(first: FloatArray | None, second: FloatArray | None) -> FloatArray | None:
    if first is None or second is None:
        return first if second is None else second
    return np.minimum(first, second)


@dataclass(frozen=True, eq=False)
class Epoch:
    """One observation.

    Attributes
    ----------
    lightcurve : LightCurve
        Of all bands together.
    bands : tuple of two LightCurve, or None
        Soft and hard.
    label : str
    was_magnitudes : bool
        The curve came in magnitudes; it holds fluxes relative to the median.
    """

    lightcurve: LightCurve
    bands: tuple[LightCurve, LightCurve] | None
    label: str
    was_magnitudes: bool = False

    @classmethod
    def of(cls, source: Any, label: str = "") -> Epoch:
        """Return the epoch of a light curve, a pair (soft, hard), or the path of a file.

        Raises
        ------
        InputError
            For anything else.
        """
        from ..lightcurve import LightCurve, flux_from_magnitudes, read_lightcurve

        if isinstance(source, str | os.PathLike):
            source = read_lightcurve(source)  # type: ignore[arg-type]
        if isinstance(source, LightCurve):
            if source.info.is_magnitude and source.valid.any():
                flux = flux_from_magnitudes(source)
                return cls(flux, None, label or _label(source), was_magnitudes=True)
            return cls(source, None, label or _label(source))
        if isinstance(source, tuple) and len(source) == 2:
            soft, hard = (
                read_lightcurve(s) if isinstance(s, str | os.PathLike) else s  # type: ignore[arg-type]
                for s in source
            )
            both = sum_of_bands(soft, hard)
            return cls(both, (soft, hard), label or _label(both))
        raise InputError(
            "this is no observation",
            value=type(source).__name__,
            allowed="a LightCurve, a pair (soft, hard) of them, or the path of a file",
            hint="several observations go in as a list",
        )

    @functools.cached_property
    def _spectra(self) -> dict[str, Fit | AstrokitError]:
        return {}

    def spectrum(self, model: PSDModel | None = None) -> Fit:
        """Return the fit of a power spectrum to the curve itself, made once per model.

        A power law by default; with a constant where the curve has no errors.

        Raises
        ------
        AstrokitError
            Where there is no such fit.
        """
        from .psd import PSDProblem

        if model is None:
            model = PowerLaw()
            if self.lightcurve.error is None:
                model = model + Constant()
        key = repr(model)
        if key not in self._spectra:
            try:
                with quiet(), warnings.catch_warnings():
                    warnings.simplefilter("ignore", AstrokitWarning)
                    lc = self.rebinned("power_spectrum")
                    self._spectra[key] = PSDProblem(lc, model).fit(n_starts=3)  # type: ignore[arg-type]
            except AstrokitError as error:
                self._spectra[key] = error
        found = self._spectra[key]
        if isinstance(found, AstrokitError):
            raise found
        return found

    def rebinned(self, purpose: str) -> LightCurve:
        """Return the curve in bins so wide that the measure stays quick; itself if it is short."""
        lc, most = self.lightcurve, _TO_REBIN[purpose]
        factor = self.rebinning(purpose)
        if factor == 1:
            return lc
        if np.any(np.asarray(lc.bin_width) > 0):
            return lc.rebin(factor * float(np.max(lc.bin_width)))
        return lc.rebin(lc.duration / most)

    def rebinning(self, purpose: str) -> int:
        """Return how many bins are averaged for a measure."""
        return math.ceil(int(self.lightcurve.valid.sum()) / _TO_REBIN[purpose])


def _label(lc: LightCurve) -> str:
    info = lc.info
    report = lc.read_report
    parts = [info.object, info.observation]
    return " ".join(p for p in parts if p) or (report.file if report else "") or "light curve"
