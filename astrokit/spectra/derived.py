"""Fluxes, luminosities, peak energies and equivalent widths, with their errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import ComparisonError, InputError
from ..estimate import Estimate
from ..inference.fit_result import Fit
from .components import BrokenPowerLaw, CutoffPowerLaw, GaussianLine, LogParabola
from .grid import EnergyGrid
from .models import Component, Product, SpectralModel, Sum
from .problem import SpectralProblem

if TYPE_CHECKING:
    from ..inference import Posterior

__all__ = ["band_flux", "derived", "equivalent_width", "flux", "luminosity", "peak_energy"]

FloatArray = NDArray[np.float64]
Function = Callable[[FloatArray], FloatArray]
ERG = 1.602176634e-9  # erg per keV
_BINS = 2000
_AT_ONCE = 200
_KINDS = {"energy": "erg / (s cm2)", "photon": "1 / (s cm2)"}


def derived(
    result: Fit | Posterior,
    function: Function,
    *,
    name: str,
    unit: str | None = None,
    problem: SpectralProblem | None = None,
) -> Estimate:
    """Return a quantity that follows from the parameters, with its error.

    Parameters
    ----------
    result : Fit or Posterior
        For a fit the error follows from the covariance, to first order; for a posterior the
        quantity of every sample gives median and central interval.
    function : callable
        ``function(values)`` with ``(n, p)`` values of all parameters returns ``(n,)``.
    name, unit : str
        Of the quantity.
    problem : SpectralProblem, optional
        Checked against a posterior.

    Returns
    -------
    Estimate

    Raises
    ------
    InputError
        When a posterior's quantity is not finite for every sample.
    """
    if not isinstance(result, Fit):
        values = result.parameters.expand(result.samples)

        def of_samples(_: Any) -> FloatArray:
            return np.concatenate(
                [function(values[i : i + _AT_ONCE]) for i in range(0, len(values), _AT_ONCE)]
            )

        return result.derived(of_samples, name=name, unit=unit)
    fit = result
    value = float(function(fit.parameters.expand(fit.theta))[0])
    sigma = np.sqrt(np.diag(fit.covariance))
    step = np.where(np.isfinite(sigma), 0.02 * sigma, 0.0)
    low, high = fit.parameters.bounds.T
    up = np.clip(fit.theta + np.diag(step), low, high)
    down = np.clip(fit.theta - np.diag(step), low, high)
    width = np.diagonal(up - down)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (
            function(fit.parameters.expand(up)) - function(fit.parameters.expand(down))
        ) / width
    slope = np.where(step > 0, slope, 0.0)
    known = np.where(np.isfinite(fit.covariance), fit.covariance, 0.0)
    variance = float(slope @ known @ slope)
    error = math.sqrt(variance) if np.isfinite(sigma).all() else math.nan
    return Estimate(
        value, error, unit=unit, method="maximum likelihood, error from the covariance", name=name
    )


def flux(
    result: Fit | Posterior,
    low: Any,
    high: Any,
    *,
    kind: str = "energy",
    absorbed: bool = True,
    problem: SpectralProblem | None = None,
    spectrum: int = 0,
) -> Estimate:
    """Return the flux of the model in a band of observed energies.

    Parameters
    ----------
    result : Fit or Posterior
    low, high : float or Quantity
        Ends of the band, keV; it may reach beyond the data.
    kind : {"energy", "photon"}
    absorbed : bool
        False takes all absorption away: the flux that the components emit.
    problem : SpectralProblem, optional
        What was sampled: a Posterior does not remember it.
    spectrum : int
        Of several spectra, whose parameters to take.

    Returns
    -------
    Estimate
        In erg / (s cm2) or photons / (s cm2).

    Raises
    ------
    InputError
        For an unknown kind, a band that is none, or a Posterior without `problem`.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> energy = np.geomspace(0.5, 8.0, 12)
    >>> truth = ak.spectra.PowerLaw().density(energy, photon_index=2.0, normalization=1e-3)
    >>> points = ak.spectra.FluxPoints(energy, truth, 0.05 * truth)
    >>> fit = ak.spectra.SpectralProblem(points, ak.spectra.PowerLaw()).fit()
    >>> print(ak.spectra.flux(fit, 1, np.e))  # 1e-3 keV / (s cm2)
    energy flux, 1 to 2.71828 keV = (1.60 +/- 0.02)e-12 erg / (s cm2)
    """
    problem = _problem(result, problem)
    band = _band(low, high)
    unit = _unit_of(kind)

    def of(values: FloatArray) -> FloatArray:
        own = problem._layout.source(values, spectrum)
        return band_flux(problem.model, own, band, kind=kind, absorbed=absorbed)

    word = "" if absorbed else "unabsorbed "
    name = f"{word}{kind} flux, {band[0]:g} to {band[1]:g} keV"
    return derived(result, of, name=name, unit=unit, problem=problem)


def band_flux(
    model: SpectralModel,
    values: FloatArray,
    band: tuple[float, float],
    *,
    kind: str = "energy",
    absorbed: bool = True,
) -> FloatArray:
    """Return fluxes ``(n,)`` of a model in a band for ``(n, p)`` values of its parameters."""
    _unit_of(kind)
    if not absorbed:
        model, columns = _emitting(model)
        values = np.ascontiguousarray(values[:, columns])
    grid = EnergyGrid.from_edges(np.geomspace(*band, _BINS + 1))
    photons = model.photons(grid, values)
    if kind == "photon":
        return photons.sum(axis=1)
    # Two widths of bins, the second error four times the first: together they leave none of it.
    fine = photons @ _mean_energy(grid.low, grid.high)
    pairs = photons[:, ::2] + photons[:, 1::2]
    coarse = pairs @ _mean_energy(grid.low[::2], grid.high[1::2])
    return ERG * (4 * fine - coarse) / 3


def luminosity(
    result: Fit | Posterior,
    low: Any,
    high: Any,
    *,
    redshift: float,
    cosmology: Any = None,
    problem: SpectralProblem | None = None,
    spectrum: int = 0,
) -> Estimate:
    """Return the unabsorbed luminosity in a band of rest-frame energies.

    Parameters
    ----------
    result : Fit or Posterior
    low, high : float or Quantity
        Ends of the band in the rest frame of the source, keV.
    redshift : float
        > 0.
    cosmology : astropy.cosmology.Cosmology, optional
        Planck18 by default.
    problem : SpectralProblem, optional
        What was sampled: a Posterior does not remember it.
    spectrum : int
        Of several spectra, whose parameters to take.

    Returns
    -------
    Estimate
        In erg / s; distance without error.
    """
    if cosmology is None:
        from astropy.cosmology import Planck18

        cosmology = Planck18
    z = as_scalar(redshift, "redshift", positive=True)
    problem = _problem(result, problem)
    rest = _band(low, high)
    band = (rest[0] / (1 + z), rest[1] / (1 + z))
    distance = float(cosmology.luminosity_distance(z).to_value("cm"))
    area = 4 * math.pi * distance**2

    def of(values: FloatArray) -> FloatArray:
        own = problem._layout.source(values, spectrum)
        return area * band_flux(problem.model, own, band, absorbed=False)

    name = f"luminosity, {rest[0]:g} to {rest[1]:g} keV in the rest frame"
    return derived(result, of, name=name, unit="erg / s", problem=problem)


def peak_energy(
    result: Fit | Posterior,
    *,
    problem: SpectralProblem | None = None,
    spectrum: int = 0,
) -> Estimate:
    r"""Return the energy at which :math:`E^2 N(E)`, without absorption, is highest.

    In closed form for a log-parabola, :math:`E_0 10^{(2-\alpha)/(2\beta)}`, a cut-off power law,
    :math:`(2-\Gamma) E_c`, and a broken power law. In the frame of the observer.

    Parameters
    ----------
    result : Fit or Posterior
    problem : SpectralProblem, optional
        What was sampled: a Posterior does not remember it.
    spectrum : int
        Of several spectra, whose parameters to take.

    Returns
    -------
    Estimate
        In keV.

    Raises
    ------
    InputError
        When the model has no such peak, for the fit or for a part of the samples.
    """
    problem = _problem(result, problem)
    model, columns = _emitting(problem.model)
    if len(model.components) != 1:
        raise InputError(
            "the peak is known in closed form for a single component only",
            value=model.label,
            allowed="LogParabola, CutoffPowerLaw, BrokenPowerLaw",
        )
    component = model.components[0]

    def of(values: FloatArray) -> FloatArray:
        return _peak(component, problem._layout.source(values, spectrum)[:, columns])

    peaks = of(result.parameters.expand(getattr(result, "samples", getattr(result, "theta", None))))
    without = int(np.count_nonzero(~np.isfinite(peaks)))
    if without:
        raise InputError(
            "the spectral energy distribution has no peak",
            value=f"{without} of {peaks.size} sets of parameters",
            hint="a log-parabola needs a curvature > 0: restrict its prior, if that is known",
        )
    return derived(result, of, name="peak energy", unit="keV", problem=problem)


def equivalent_width(
    result: Fit | Posterior,
    *,
    line: int = 0,
    problem: SpectralProblem | None = None,
    spectrum: int = 0,
) -> Estimate:
    """Return the equivalent width of a line: the integral of line over continuum.

    Parameters
    ----------
    result : Fit or Posterior
    line : int
        Which of the Gaussian lines of the model, from 0; the continuum is all the rest.
    problem : SpectralProblem, optional
        What was sampled: a Posterior does not remember it.
    spectrum : int
        Of several spectra, whose parameters to take.

    Returns
    -------
    Estimate
        In keV of observed energies; negative for an absorption line.

    Raises
    ------
    InputError
        When the model has no such line.
    """
    problem = _problem(result, problem)
    model, columns = _emitting(problem.model)
    strengths = _columns_of(model, GaussianLine, "normalization")
    centers = _columns_of(model, GaussianLine, "line_energy")
    if not 0 <= line < len(strengths):
        raise InputError(
            "the model has no such line", value=line, allowed=f"0 to {len(strengths) - 1}"
        )
    if len(model.components) == len(strengths) == 1:
        raise InputError("there is no continuum beside the line", value=model.label)

    def of(values: FloatArray) -> FloatArray:
        own = np.ascontiguousarray(problem._layout.source(values, spectrum)[:, columns])
        return np.array([_width(model, row, centers[line], strengths[line]) for row in own])

    return derived(result, of, name="equivalent width", unit="keV", problem=problem)


# -- parts ------------------------------------------------------------------------------------


def _problem(result: Any, problem: SpectralProblem | None) -> SpectralProblem:
    if problem is None and not hasattr(result, "require_problem"):
        raise InputError(
            "a Posterior does not remember its problem", hint="pass problem= what was sampled"
        )
    found = result.require_problem() if problem is None else problem
    if not isinstance(found, SpectralProblem):
        raise InputError("this is no result of a SpectralProblem", value=type(found).__name__)
    if result.parameters.names != found.parameters.names:
        raise ComparisonError(
            "the result belongs to another model",
            value=", ".join(result.parameters.names),
            allowed=", ".join(found.parameters.names),
        )
    return found


def _band(low: Any, high: Any) -> tuple[float, float]:
    ends = [
        as_scalar(x, name, unit="keV" if hasattr(x, "unit") else None, positive=True)
        for x, name in ((low, "low"), (high, "high"))
    ]
    if not ends[0] < ends[1]:
        raise InputError("the band ends before it begins", value=tuple(ends))
    return ends[0], ends[1]


def _unit_of(kind: str) -> str:
    if kind not in _KINDS:
        raise InputError("no such kind of flux", value=kind, allowed=", ".join(_KINDS))
    return _KINDS[kind]


def _mean_energy(low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the mean energy of the photons of a law of index 2 in each bin."""
    return low * high * np.log(high / low) / (high - low)


def _emitting(model: SpectralModel) -> tuple[SpectralModel, list[int]]:
    """Return the model without absorption, and which of its parameters are left."""
    if isinstance(model, Sum):
        parts, kept = [], []
        for term, place in model.places():
            inner, columns = _emitting(term)
            parts.append(inner)
            kept += [place.start + c for c in columns]
        return Sum(tuple(parts)), kept
    if not isinstance(model, Product) or model.core is None:
        return model, list(range(len(model.names)))
    factors: list[Component] = []
    kept = []
    core: SpectralModel = model.core
    for part, place in model.places():
        if part is model.core:
            core, columns = _emitting(model.core)
            kept += [place.start + c for c in columns]
        elif isinstance(part, Component) and part.acts_on_what_follows:
            factors.append(part)
            kept += list(range(place.start, place.stop))
    return (Product(tuple(factors), core) if factors else core), kept


def _columns_of(model: SpectralModel, kind: type, name: str) -> list[int]:
    at, found = 0, []
    for component in model.components:
        if isinstance(component, kind):
            found.append(at + component.own_names.index(name))
        at += len(component.own_names)
    return found


def _peak(component: Component, values: FloatArray) -> FloatArray:
    """Return the peak energy ``(n,)``; NaN where there is none."""
    if isinstance(component, LogParabola):
        a, b = values[:, 0], values[:, 1]
        with np.errstate(divide="ignore", over="ignore"):
            peak = component.pivot * 10 ** ((2 - a) / (2 * b))
        return np.where(b > 0, peak, np.nan)
    if isinstance(component, CutoffPowerLaw):
        return np.where(values[:, 0] < 2, (2 - values[:, 0]) * values[:, 1], np.nan)
    if isinstance(component, BrokenPowerLaw):
        between = (values[:, 0] < 2) & (values[:, 1] > 2)
        return np.where(between, values[:, 2], np.nan)
    return np.full(values.shape[0], np.nan)


def _width(model: SpectralModel, values: FloatArray, center: int, strength: int) -> float:
    """Return the equivalent width of one line of ``(p,)`` values."""
    without = values.copy()
    without[strength] = 0.0
    z = 0.0
    at = 0
    for component in model.components:
        if component.acts_on_what_follows:
            z = (1 + z) * (1 + values[at]) - 1
        at += len(component.own_names)
    middle, sigma = values[center] / (1 + z), max(values[center + 1] / (1 + z), 1e-3)
    low = max(middle - 8 * sigma, 0.2 * middle)
    grid = EnergyGrid.from_edges(np.linspace(low, middle + 8 * sigma, 801))
    whole, continuum = model.photons(grid, np.array([values, without]))
    return float(np.sum((whole - continuum) / continuum * (grid.high - grid.low)))
