"""The sensitivity budget: which error of the geometry makes which part of the error bar."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .draws import GeometryDraws, evaluate
from .tremaine_weinberg import TremaineWeinberg

if TYPE_CHECKING:
    from astropy.table import QTable

__all__ = ["Budget", "sensitivity_budget"]

FloatArray = NDArray[np.float64]
_STEP = {"position_angle": 0.2, "inclination": 0.2, "bar_position_angle": 0.2}


@dataclass(frozen=True)
class Budget:
    """How pattern speed and ratio follow each number, and what its error adds to theirs.

    Attributes
    ----------
    name : tuple of str
        Numbers of the geometry; the last one, "pixel_noise", has no derivative.
    unit : tuple of str
    error : ndarray, shape (m,)
        One standard deviation of each.
    pattern_speed, ratio : ndarray, shape (m,)
        d ln Omega / d number and d ln R / d number, per unit.
    pattern_speed_share, ratio_share : ndarray, shape (m,)
        Relative error of Omega and of R from this number alone.
    """

    name: tuple[str, ...]
    unit: tuple[str, ...]
    error: FloatArray
    pattern_speed: FloatArray
    ratio: FloatArray
    pattern_speed_share: FloatArray
    ratio_share: FloatArray

    @property
    def largest(self) -> str:
        """The number whose error matters most for the pattern speed; "" where none is known."""
        if not np.isfinite(self.pattern_speed_share).any():
            return ""
        return self.name[int(np.nanargmax(self.pattern_speed_share))]

    def to_table(self) -> QTable:
        """Return one row per number."""
        from astropy.table import QTable

        return QTable(
            {
                "name": list(self.name),
                "unit": list(self.unit),
                "error": self.error,
                "dln_pattern_speed": self.pattern_speed,
                "dln_ratio": self.ratio,
                "pattern_speed_share": self.pattern_speed_share,
                "ratio_share": self.ratio_share,
            }
        )

    def __repr__(self) -> str:
        lines = ["                          error   dlnOmega/dp   in Omega       in R"]
        for k, name in enumerate(self.name):
            slope = f"{self.pattern_speed[k]:+11.3f}" if name != _NOISE else " " * 11
            error = f"{self.error[k]:8.3g} {self.unit[k]}" if name != _NOISE else ""
            lines.append(
                f"{name:<20}{error:<16}{slope}  {100 * self.pattern_speed_share[k]:7.2f} %  "
                f"{100 * self.ratio_share[k]:7.2f} %"
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return str(self.to_table()._repr_html_())


_NOISE = "pixel_noise"


def sensitivity_budget(tw: TremaineWeinberg) -> Budget:
    """Return the derivatives at the measured geometry, by central differences.

    Parameters
    ----------
    tw : TremaineWeinberg

    Returns
    -------
    Budget
        Numbers of the geometry in the order of their share, the pixel noise last.

    Examples
    --------
    >>> import astrokit as ak
    >>> g = ak.bars.simulate_galaxy(pattern_speed=20, seed=1)
    >>> ak.bars.sensitivity_budget(ak.bars.TremaineWeinberg(g)).largest
    'position_angle'
    """
    estimates, errors = tw.geometry.estimates, tw.geometry.errors
    names = list(estimates)
    steps = {n: _STEP.get(n, 0.05 * tw.pixels.scale) for n in names}
    shifted = {n: np.full(2 * len(names), estimates[n].value) for n in names}
    for k, name in enumerate(names):
        shifted[name][2 * k] += steps[name]
        shifted[name][2 * k + 1] -= steps[name]
    shifted.setdefault("systemic_velocity", None)  # type: ignore[arg-type]
    found = evaluate(tw, GeometryDraws(**shifted))
    with np.errstate(divide="ignore", invalid="ignore"):
        speed, ratio = (np.log(np.abs(v)) for v in (found.pattern_speed, found.ratio))
    width = np.array([2 * steps[n] for n in names])
    d_speed, d_ratio = ((v[::2] - v[1::2]) / width for v in (speed, ratio))
    error = np.array([errors[n] for n in names])
    order = np.argsort(-np.abs(d_speed * error), kind="stable")
    noise = tw.line.slope_error / abs(tw.line.slope) if tw.slits.has_errors else math.nan
    return Budget(
        (*(names[k] for k in order), _NOISE),
        (*(str(estimates[names[k]].unit) for k in order), ""),
        np.append(error[order], math.nan),
        np.append(d_speed[order], math.nan),
        np.append(d_ratio[order], math.nan),
        np.append(np.abs(d_speed * error)[order], noise),
        np.append(np.abs(d_ratio * error)[order], _ratio_noise(tw, noise)),
    )


def _ratio_noise(tw: TremaineWeinberg, noise: float) -> float:
    """Return the relative error of R from that of Omega by noise (the curve's own is smaller)."""
    speed = tw.pattern_speed.value
    step = 1e-4 * abs(speed)
    radii = [tw.rotation_curve.corotation_radius(speed + s * step) for s in (1, -1)]
    if any(math.isnan(r) for r in radii):
        return math.nan
    return abs(math.log(radii[0] / radii[1])) / 2e-4 * noise
