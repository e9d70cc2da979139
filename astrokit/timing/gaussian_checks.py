"""What the Gaussian likelihood of a light curve refuses, and which engine it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .exponentials import Bins

if TYPE_CHECKING:
    from ..lightcurve import LightCurve

__all__ = [
    "LARGEST",
    "bins_of",
    "chosen_engine",
    "positive_mean",
    "require_enough",
    "require_likelihood",
    "require_variable",
    "too_long",
]

FloatArray = NDArray[np.float64]
# Bins; about a second for one value.
LARGEST = {"dense": 4000, "toeplitz": 20_000, "celerite": 100_000_000}
_EXACT = {"dense": 100, "toeplitz": 1000}  # bins up to which the exact engines cost nothing
_FEWEST_BINS = 8
_SAME_WIDTH = 1e-3  # relative difference of widths that counts as none
_OVERLAP = 1.001  # widths over spacing that rounding explains
_JITTER = 0.02  # overlap over spacing of contiguous bins whose times are not quite regular
_EMPTIEST = 1000  # bins of a grid for each that is there; beyond, times are taken as irregular


def require_likelihood(likelihood: str) -> None:
    """Raise an InputError for a likelihood of other data."""
    if likelihood != "gaussian":
        raise InputError(
            "this likelihood is not one of a light curve",
            value=likelihood,
            allowed="gaussian",
            hint="likelihood='whittle' takes Periodogram.from_lightcurve(lightcurve)",
        )


def bins_of(lightcurve: LightCurve) -> tuple[Bins, LightCurve]:
    """Return the valid bins, and the curve they stand in: on a regular grid where there is one."""
    curve = _on_grid(lightcurve)
    valid = np.flatnonzero(curve.valid)
    require_enough(valid.size)
    widths = np.broadcast_to(np.asarray(curve.bin_width, dtype=float), curve.time.shape)[valid]
    equal = np.ptp(widths) <= _SAME_WIDTH * np.median(widths)
    if curve.is_evenly_sampled:
        dt, width = curve.dt, float(np.median(widths))
        if equal and 0 < width <= _OVERLAP * dt:
            position = (valid - valid[0]).astype(np.int64)
            same = np.full(valid.size, min(width, dt))
            return Bins(position * dt, same, position, dt), curve
    start = curve.time[valid] - 0.5 * widths
    start = start - start[0]
    spacing = np.diff(curve.time[valid])
    room = spacing - 0.5 * (widths[1:] + widths[:-1])
    if np.any(room < -_JITTER * spacing):
        where = int(np.argmin(room / spacing))
        raise InputError(
            "bins overlap, so that their noise is not independent",
            value=f"widths {widths[where]:.6g} and {widths[where + 1]:.6g} with a spacing of "
            f"{spacing[where]:.6g} {lightcurve.info.time_unit}",
            hint="give the exposure of each point: LightCurve(..., bin_width=...), or rebin(dt)",
        )
    return Bins(start, np.ascontiguousarray(widths), None, float(np.median(spacing))), curve


def _on_grid(lightcurve: LightCurve) -> LightCurve:
    """Return the curve on its regular grid, or as it is where it has none of a bearable size."""
    try:
        grid = lightcurve.on_regular_grid()
    except InputError:
        return lightcurve
    return grid if grid.n <= _EMPTIEST * lightcurve.n else lightcurve


def require_enough(n: int) -> None:
    """Raise an InputError for too few bins."""
    if n < _FEWEST_BINS:
        raise InputError(
            "the light curve has too few valid bins", value=n, allowed=f">= {_FEWEST_BINS}"
        )


def require_variable(rate: FloatArray) -> None:
    """Raise an InputError where the rates are all the same."""
    if np.ptp(rate) <= 1e-14 * np.abs(rate).max():
        raise InputError("the light curve is constant", value=float(rate[0]))


def positive_mean(rate: FloatArray) -> float:
    """Return the mean of the rates, or raise an InputError."""
    mean = float(rate.mean())
    if not mean > 0:
        raise InputError(
            "the mean rate is not positive, so there is no fractional spectrum",
            value=mean,
            hint="use normalization='absolute'",
        )
    return mean


def chosen_engine(wanted: str, bins: Bins, equal_errors: bool) -> str:
    """Return the engine to use; refuse one that does not apply, or would take too long."""
    grid = 0 if bins.position is None else int(bins.position[-1]) + 1
    stationary = equal_errors and grid == bins.n
    if wanted == "auto":
        if stationary and bins.n <= _EXACT["toeplitz"]:
            return "toeplitz"
        small = bins.n <= _EXACT["dense"] and grid <= LARGEST["dense"]
        return "dense" if small else "celerite"
    if wanted == "toeplitz" and not stationary:
        raise InputError(
            "the Toeplitz engine needs a curve without gaps and with equal errors",
            value=f"{bins.n} valid bins" + (f" of {grid}" if grid else " at irregular times"),
            hint="use engine='auto'",
        )
    if bins.n > LARGEST[wanted]:
        raise too_long(wanted, bins.n)
    if wanted == "dense" and grid > LARGEST["toeplitz"]:
        raise too_long("toeplitz", grid)
    return wanted


def too_long(engine: str, n: int) -> InputError:
    """Return the error for more bins than an engine takes."""
    return InputError(
        f"the light curve is too long for the {engine} engine",
        value=f"{n} bins",
        allowed=f"up to {LARGEST[engine]}",
        hint="use engine='celerite', which takes any number, or 'auto'",
    )
