"""The way to sbpy and back: its phase functions, its ephemerides. sbpy need not be installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_array
from ..errors import InputError, MissingDependencyError
from .checks import require_geometry
from .phase import PhaseFunction
from .photometry import CometPhotometry

__all__ = ["SbpyPhase", "from_ephem", "to_ephem"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SbpyPhase(PhaseFunction):
    """A phase function of sbpy, such as HG1G2 or HG12, as it stands (its parameters are exact).

    Parameters
    ----------
    model : sbpy.photometry.DiskIntegratedPhaseFunc
        Only its shape counts: the magnitude at zero phase is taken off.

    Raises
    ------
    InputError
        For anything that is no such model.
    """

    model: Any
    citation_keys = ("sbpy",)

    def __post_init__(self) -> None:
        if not hasattr(self.model, "to_mag"):
            raise InputError(
                "a phase function of sbpy is needed",
                value=type(self.model).__name__,
                hint="such as sbpy.photometry.HG1G2(H=5 * u.mag, G1=0.3, G2=0.3)",
            )

    def __repr__(self) -> str:
        numbers = dict(zip(self.model.param_names, self.model.parameters.tolist(), strict=True))
        return f"SbpyPhase({type(self.model).__name__}, {numbers})"

    def _magnitudes(self, alpha: FloatArray, values: FloatArray) -> FloatArray:
        from astropy import units as u

        row, zero = (
            u.Quantity(self.model(np.deg2rad(angle) * u.rad)).value
            for angle in (alpha, np.zeros(1))
        )
        return np.tile(np.asarray(row - zero, dtype=float), (values.shape[0], 1))


def to_ephem(photometry: CometPhotometry) -> Any:
    """Return the geometry as an ``sbpy.data.Ephem`` (rh, delta, phase).

    Raises
    ------
    MissingDependencyError
        When sbpy is not installed.
    InputError
        Without geometry.
    """
    from astropy import units as u

    require_geometry(photometry)
    try:
        from sbpy.data import Ephem
    except ImportError:
        raise MissingDependencyError(
            "sbpy is not installed", hint="pip install sbpy, or use photometry.to_table()"
        ) from None
    ph = photometry
    return Ephem.from_dict(
        {"rh": ph.r << u.au, "delta": ph.delta << u.au, "phase": ph.phase_angle << u.deg}
    )


def from_ephem(photometry: CometPhotometry, ephem: Any) -> CometPhotometry:
    """Return the photometry with the geometry of an ``sbpy.data.Ephem`` of the same times.

    Parameters
    ----------
    photometry : CometPhotometry
    ephem : sbpy.data.Ephem, or mapping
        With ``rh``, ``delta`` and ``phase``, one row per magnitude.

    Raises
    ------
    ShapeError, UnitError
    """
    names = {"r": ("rh", "au"), "delta": ("delta", "au"), "phase_angle": ("phase", "deg")}
    columns = {ours: as_array(ephem[name], name, unit=u) for ours, (name, u) in names.items()}
    return photometry.with_columns(**columns)
