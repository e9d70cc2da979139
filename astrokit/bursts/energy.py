"""From fluence to energy: every choice that papers make silently is an argument here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_scalar
from ..errors import InputError

__all__ = ["EnergyConvention", "luminosity_distance"]

FloatArray = NDArray[np.float64]
_CM_PER_MPC = 3.0856775814913673e24
_JY_MS = 1e-26  # erg / (cm2 Hz)


@dataclass(frozen=True, kw_only=True)
class EnergyConvention:
    r"""How a fluence becomes an isotropic energy: :math:`E = 4\pi D_L^2 F\,\Delta\nu/(1+z)^k`.

    Parameters
    ----------
    bandwidth : float or Quantity, optional
        :math:`\Delta\nu`: MHz for plain numbers. The energy inside the band of the receiver.
    centre_frequency : float or Quantity, optional
        Used in place of a bandwidth; MHz. A factor 2.5 separates 500 MHz from 1250 MHz.
    redshift_power : float
        k; 1 and 2 are in use.

    Raises
    ------
    InputError
        Unless exactly one of the two frequencies is given.

    Examples
    --------
    >>> import astrokit as ak
    >>> band = ak.bursts.EnergyConvention(bandwidth=500)
    >>> f"{band.energy(1.0, redshift=0.0771, distance=360.3)[0]:.3e}"  # of 1 Jy ms, in erg
    '7.210e+37'
    """

    bandwidth: Any = None
    centre_frequency: Any = None
    redshift_power: float = 1.0

    def __post_init__(self) -> None:
        if (self.bandwidth is None) == (self.centre_frequency is None):
            raise InputError(
                "a convention needs a bandwidth or a centre frequency",
                value="both" if self.bandwidth is not None else "neither",
                hint="such as EnergyConvention(bandwidth=500), in MHz",
            )
        for name in ("bandwidth", "centre_frequency"):
            if getattr(self, name) is not None:
                number = as_scalar(getattr(self, name), name, unit="MHz", positive=True)
                object.__setattr__(self, name, number)
        power = as_scalar(self.redshift_power, "redshift_power", minimum=0, maximum=4)
        object.__setattr__(self, "redshift_power", power)

    @property
    def frequency(self) -> float:
        """What the fluence is multiplied with, in MHz."""
        return self.bandwidth if self.bandwidth is not None else self.centre_frequency

    @property
    def label(self) -> str:
        """The convention in words."""
        what = "bandwidth" if self.bandwidth is not None else "centre frequency"
        return f"{what} {self.frequency:g} MHz, (1+z)^-{self.redshift_power:g}"

    def energy(self, fluence: ArrayLike, *, redshift: float, distance: Any) -> FloatArray:
        """Return isotropic energies in erg, shape ``(n,)``.

        Parameters
        ----------
        fluence : array_like or Quantity
            Jy ms for plain numbers.
        redshift : float
        distance : float or Quantity
            Luminosity distance, Mpc for plain numbers; see :func:`luminosity_distance`.

        Raises
        ------
        UnitError, InputError
        """
        f = np.atleast_1d(as_array(fluence, "fluence", unit="Jy ms", ndim=None))
        z = as_scalar(redshift, "redshift", minimum=0)
        d = as_scalar(distance, "distance", unit="Mpc", positive=True) * _CM_PER_MPC
        factor = 4 * math.pi * d**2 * self.frequency * 1e6 * _JY_MS / (1 + z) ** self.redshift_power
        return factor * f


def luminosity_distance(redshift: float, cosmology: Any = None) -> float:
    """Return the luminosity distance in Mpc.

    Parameters
    ----------
    redshift : float
        > 0.
    cosmology : astropy.cosmology.Cosmology
        Such as ``astropy.cosmology.Planck18``.

    Raises
    ------
    InputError
        Without a cosmology: papers differ in it, so none is taken silently.

    Examples
    --------
    >>> from astropy.cosmology import Planck18
    >>> import astrokit as ak
    >>> round(ak.bursts.luminosity_distance(0.0771, Planck18))
    361
    """
    z = as_scalar(redshift, "redshift", positive=True)
    if cosmology is None or not hasattr(cosmology, "luminosity_distance"):
        raise InputError(
            "a cosmology is needed",
            value=type(cosmology).__name__,
            hint="pass one of astropy.cosmology, such as Planck18",
        )
    return float(cosmology.luminosity_distance(z).to_value("Mpc"))
