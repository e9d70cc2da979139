"""From magnitudes to fluxes."""

from __future__ import annotations

from typing import Any

import numpy as np

from astrokit.boundary import as_scalar
from astrokit.errors import InputError

from .lightcurve import LightCurve

__all__ = ["flux_from_magnitudes"]

_PER_MAGNITUDE = 0.4 * np.log(10)


def flux_from_magnitudes(
    lc: LightCurve, *, zero_point: float | None = None, unit: Any = None
) -> LightCurve:
    """Return a light curve of fluxes for one of magnitudes.

    Parameters
    ----------
    lc : LightCurve
        Of magnitudes.
    zero_point : float, optional
        Magnitude of a source of flux 1. By default the median magnitude: fluxes are then relative
        to the median, which serves everything that does not depend on a scale, such as fractional
        variability, slopes of power spectra and shapes of flux distributions.
    unit : str or astropy unit, optional
        Of the flux that `zero_point` belongs to.

    Returns
    -------
    LightCurve
        Errors are propagated to first order.

    Raises
    ------
    InputError
        For a curve that holds no magnitudes, a unit without zero point, or no valid bin.

    Examples
    --------
    >>> import astrokit as ak
    >>> info = ak.lightcurve.LightCurveInfo(rate_unit="mag", time_unit="d")
    >>> lc = ak.LightCurve([0, 1, 2], [15.0, 14.0, 12.5], [0.02, 0.02, 0.02], info=info)
    >>> ak.lightcurve.flux_from_magnitudes(lc, zero_point=15.0, unit="mJy").rate
    array([ 1.        ,  2.51188643, 10.        ])
    """
    if not lc.info.is_magnitude:
        raise InputError("the light curve holds no magnitudes", value=lc.info.rate_unit)
    if not lc.valid.any():
        raise InputError("no bin of the light curve is valid", hint="check what was masked")
    if zero_point is None:
        if unit is not None:
            raise InputError("a unit of flux needs zero_point", value=unit)
        zero_point = float(np.median(lc.rate[lc.valid]))
    zero = as_scalar(zero_point, "zero_point")
    flux = 10.0 ** (-0.4 * (lc.rate - zero))
    return LightCurve(
        lc.time,
        flux,
        None if lc.error is None else _PER_MAGNITUDE * flux * lc.error,
        bin_width=lc.bin_width,
        exposure_fraction=lc.exposure_fraction,
        gti=lc.gti,
        info=lc.info.replace(rate_unit=unit),
    )._with_report(lc.read_report)
