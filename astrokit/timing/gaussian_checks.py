"""What the Gaussian likelihood of a light curve refuses, and which engine it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

if TYPE_CHECKING:
    from ..lightcurve import LightCurve

__all__ = [
    "LARGEST",
    "chosen_engine",
    "common_width",
    "positive_mean",
    "require_likelihood",
    "require_variable",
    "too_long",
]

FloatArray = NDArray[np.float64]
LARGEST = {"dense": 4000, "toeplitz": 20_000}  # bins; about a second for one value
_FEWEST_BINS = 8


def require_likelihood(likelihood: str) -> None:
    """Raise an InputError for a likelihood of other data."""
    if likelihood != "gaussian":
        raise InputError(
            "this likelihood is not one of a light curve",
            value=likelihood,
            allowed="gaussian",
            hint="likelihood='whittle' takes Periodogram.from_lightcurve(lightcurve)",
        )


def common_width(lightcurve: LightCurve) -> float:
    """Return the width of the bins; refuse none, unequal and overlapping ones."""
    widths = np.broadcast_to(np.asarray(lightcurve.bin_width), lightcurve.time.shape)
    used = widths[lightcurve.valid] if lightcurve.valid.any() else widths
    width, dt = float(np.median(used)), lightcurve.dt
    if np.ptp(used) > 1e-3 * width or not 0 < width <= 1.001 * dt:
        raise InputError(
            "bins of one width are needed, not wider than their spacing",
            value=f"{used.min():.6g} to {used.max():.6g} with a spacing of {dt:.6g}",
            hint="give the exposure of each point: LightCurve(..., bin_width=...), or rebin(dt)",
        )
    return min(width, dt)


def require_variable(rate: FloatArray) -> None:
    """Raise an InputError for too few rates, or rates that are all the same."""
    if rate.size < _FEWEST_BINS:
        raise InputError(
            "the light curve has too few valid bins", value=rate.size, allowed=f">= {_FEWEST_BINS}"
        )
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


def chosen_engine(wanted: str, stationary: bool, n_valid: int, n_grid: int) -> str:
    """Return the engine to use; refuse one that does not apply, or would take too long."""
    engine = ("toeplitz" if stationary else "dense") if wanted == "auto" else wanted
    if engine == "toeplitz" and not stationary:
        raise InputError(
            "the Toeplitz engine needs a curve without gaps and with equal errors",
            value=f"{n_valid} valid of {n_grid} bins",
            hint="use engine='auto'",
        )
    if n_valid > LARGEST[engine]:
        raise too_long(engine, n_valid)
    if n_grid > LARGEST["toeplitz"]:
        raise too_long("toeplitz", n_grid)
    return engine


def too_long(engine: str, n: int) -> InputError:
    """Return the error for more bins than an engine takes."""
    return InputError(
        f"the light curve is too long for the {engine} engine",
        value=f"{n} bins",
        allowed=f"up to {LARGEST[engine]}",
        hint="rebin(dt), select() a part, or use Periodogram.from_lightcurve and Whittle's "
        "likelihood, whose reservations tell when it is biased",
    )
