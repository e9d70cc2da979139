"""Forms of rotation curves: two numbers each, flat velocity and turnover radius."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_scalar
from ..errors import InputError

__all__ = ["Arctan", "Exponential", "RotationForm", "Tanh", "as_form"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class RotationForm:
    """A rotation curve ``V_c(R) = flat_velocity * shape(R / turnover)``.

    Parameters
    ----------
    flat_velocity : float or Quantity
        What the curve tends to, km/s.
    turnover : float or Quantity
        Where it bends, arcsec.

    Raises
    ------
    InputError
        If the turnover is not positive, or for a negative flat velocity.
    """

    flat_velocity: float = 200.0
    turnover: float = 2.0
    code: ClassVar[int] = -1
    start: ClassVar[float] = 1.0  # slope at the centre in units of flat_velocity / turnover
    label: ClassVar[str] = ""

    def __post_init__(self) -> None:
        flat = as_scalar(self.flat_velocity, "flat_velocity", unit="km/s", minimum=0)
        turnover = as_scalar(self.turnover, "turnover", unit="arcsec", positive=True)
        object.__setattr__(self, "flat_velocity", flat)
        object.__setattr__(self, "turnover", turnover)

    def shape(self, z: FloatArray) -> FloatArray:
        """Return the curve of unit flat velocity at ``z = R / turnover``."""
        raise InputError("a RotationForm has no shape of its own", hint="take Arctan, Tanh, ...")

    def velocity(self, radius: ArrayLike) -> FloatArray:
        """Return the circular velocity in km/s at radii in arcsec, any shape."""
        r = as_array(radius, "radius", unit="arcsec", ndim=None)
        return self.flat_velocity * self.shape(r / self.turnover)

    @property
    def fastest(self) -> float:
        """The largest pattern speed that has a corotation radius, km/s/arcsec."""
        return self.start * self.flat_velocity / self.turnover

    def corotation_radius(self, pattern_speed: float) -> float:
        """Return where the curve meets ``pattern_speed * R``, arcsec; NaN where it never does.

        All forms bend down, so that a corotation radius exists if and only if the pattern speed
        is positive and below :attr:`fastest`, the slope of the curve at the centre.

        Examples
        --------
        >>> from astrokit.bars import Arctan
        >>> round(Arctan(200, 2).corotation_radius(20), 3)
        8.535
        >>> Arctan(200, 2).fastest
        63.66...
        >>> Arctan(200, 2).corotation_radius(64)
        nan
        """
        from .kernels import corotation_roots

        speed = as_scalar(pattern_speed, "pattern_speed", unit="km/(s arcsec)")
        out = np.empty(1)
        numbers = (np.array([v]) for v in (self.flat_velocity, self.turnover, speed))
        corotation_roots(self.code, *numbers, out)
        return float(out[0])


@dataclass(frozen=True)
class Arctan(RotationForm):
    """``(2/pi) V arctan(R/t)``, the common choice (Courteau 1997).

    Parameters
    ----------
    flat_velocity, turnover : float or Quantity
        As for :class:`RotationForm`.

    Examples
    --------
    >>> from astrokit.bars import Arctan
    >>> Arctan(200, 2).velocity([0.0, 2.0])
    array([  0., 100.])
    """

    code: ClassVar[int] = 0
    start: ClassVar[float] = 2 / np.pi
    label: ClassVar[str] = "arctan"

    def shape(self, z: FloatArray) -> FloatArray:
        return 2 / np.pi * np.arctan(z)


@dataclass(frozen=True)
class Tanh(RotationForm):
    """``V tanh(R/t)``: linear inside, flat soon after the turnover.

    Parameters
    ----------
    flat_velocity, turnover : float or Quantity
        As for :class:`RotationForm`.

    Examples
    --------
    >>> from astrokit.bars import Tanh
    >>> Tanh(200, 2).velocity([2.0]).round(2)
    array([152.32])
    """

    code: ClassVar[int] = 1
    label: ClassVar[str] = "tanh"

    def shape(self, z: FloatArray) -> FloatArray:
        return np.tanh(z)


@dataclass(frozen=True)
class Exponential(RotationForm):
    """``V (1 - exp(-R/t))``, between the other two.

    Parameters
    ----------
    flat_velocity, turnover : float or Quantity
        As for :class:`RotationForm`.

    Examples
    --------
    >>> from astrokit.bars import Exponential
    >>> Exponential(200, 2).velocity([2.0]).round(2)
    array([126.42])
    """

    code: ClassVar[int] = 2
    label: ClassVar[str] = "exponential"

    def shape(self, z: FloatArray) -> FloatArray:
        return -np.expm1(-z)


_FORMS: dict[str, type[RotationForm]] = {f.label: f for f in (Arctan, Tanh, Exponential)}


def as_form(form: str | type[RotationForm] | RotationForm) -> type[RotationForm]:
    """Return a class of rotation curves from its name, an instance or itself.

    Raises
    ------
    InputError
        For an unknown form.

    Examples
    --------
    >>> from astrokit.bars.forms import as_form
    >>> as_form("tanh").label
    'tanh'
    """
    if isinstance(form, RotationForm):
        return type(form)
    if isinstance(form, type) and issubclass(form, RotationForm) and form.code >= 0:
        return form
    if isinstance(form, str) and form in _FORMS:
        return _FORMS[form]
    raise InputError("this rotation curve is not known", value=form, allowed=", ".join(_FORMS))
