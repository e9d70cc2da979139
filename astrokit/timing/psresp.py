"""PSRESP: spectra compared with data through simulations, for any sampling (Uttley et al. 2002).

What sampling does to a spectrum (leakage, aliasing, gaps, noise) is done to simulated curves in the
same way, and binned logarithmic periodograms are compared. The likelihood of the curve itself
(:class:`~astrokit.timing.PSDProblem`) says more where the source is Gaussian; this method says
less, but also whether any spectrum of the family is acceptable.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_scalar
from ..errors import InputError, ShapeError
from ..provenance import describe
from ..randomness import SeedLike, as_seed_sequence, seed_entropy
from .models import Constant, PSDModel
from .psresp_result import PsrespResult
from .simulate import require_count
from .spectrum_problem import require_kind

if TYPE_CHECKING:
    from ..lightcurve import LightCurve
    from .psresp_draws import BandedDraws
    from .psresp_fit import Match, Response

__all__ = ["psresp"]

FloatArray = NDArray[np.float64]
Family: TypeAlias = "PSDModel | Callable[..., FloatArray]"
_FEWEST_BINS = 3  # of frequency
_FEWEST_VALID = 8  # of the curve
_FEWEST_SIMULATIONS = 50
_MIN_COUNT = 2  # ordinates in a bin
_AMPLITUDE = "log_amplitude"


def psresp(
    lightcurve: LightCurve,
    model: Family,
    grid: Mapping[str, ArrayLike],
    *,
    n_simulations: int = 1000,
    bin_ratio: float = 1.5,
    longer: int = 16,
    finer: int = 4,
    refine: bool = True,
    seed: SeedLike = None,
    executor: Executor | None = None,
    checkpoint: str | Path | None = None,
) -> PsrespResult:
    r"""Compare a family of spectra with a light curve through simulations.

    Parameters
    ----------
    lightcurve : LightCurve
        Any sampling: even, with gaps, irregular. Its errors are the noise of the simulations.
    model : PSDModel, or callable
        One component, such as ``PowerLaw()`` or ``BendingPowerLaw(low_slope=1.0)``; or
        ``model(frequency, **values)`` > 0, smooth in the logarithm of frequency. The amplitude is
        found at every point of the grid and is no part of it.
    grid : mapping of str to array_like
        Increasing values of each free parameter.
    n_simulations : int
        Simulated curves, >= 50. All points of the grid share their random numbers.
    bin_ratio : float
        Upper over lower end of the bins of the periodogram; a bin has two ordinates or more.
    longer, finer : int
        As for :func:`timmer_koenig`.
    refine : bool
        Search for the best values between the points of the grid as well.
    seed : int, SeedSequence or Generator, optional
    executor : concurrent.futures.Executor, optional
        Simulations are shared among its workers; the result does not depend on it.
    checkpoint : path, optional
        A file that keeps the simulations as they are done. A repeated call with the same seed goes
        on from it, also to a larger `n_simulations`, and gives what one run would have given.

    Returns
    -------
    PsrespResult
        ``result["slope"]`` is an Estimate; ``result.success_fraction`` the map of the paper.

    Raises
    ------
    InputError
        For a grid that does not hold the free parameters, a spectrum that is not positive and
        smooth, fewer than three bins of frequency, a constant curve, or one too long for its
        sampling.
    ShapeError
        For fewer than eight valid bins, or a grid that does not increase.
    CheckpointError
        When the file belongs to another light curve, family, grid, setting or seed.

    Notes
    -----
    *Data.* The periodogram of the valid bins, their mean subtracted, at multiples of one over the
    duration (a direct transform where times are irregular); log10 of its mean in logarithmic bins.

    *Success fraction.* At each point the simulations have a mean and a scatter in each bin. The
    distance of a curve is :math:`\sum (x - m)^2/s^2`, its smallest over the amplitude. The success
    fraction is the fraction of simulations whose distance is larger than the observation's: a test
    of the spectrum, not a confidence. Where it is small everywhere the family is rejected.

    *Confidence.* Powers of neighbouring bins are correlated, by leakage, and their scatter depends
    on the spectrum. So the regions order points by the normal likelihood of all bins with their
    simulated covariance, relative to the best point of the grid, and hold that ratio against the
    same ratio of simulations of each point (Feldman & Cousins 1998). They are never empty, and
    they have their level by construction, at every point, if the noise is normal.

    References
    ----------
    Uttley, McHardy & Papadakis 2002, MNRAS 332, 231; Timmer & Koenig 1995, A&A 300, 707;
    Feldman & Cousins 1998, Phys. Rev. D 57, 3873.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> times = np.sort(np.random.default_rng(1).uniform(0, 400, 200))
    >>> like = ak.LightCurve(times, np.full(200, 10.0), np.full(200, 0.05), bin_width=0.0)
    >>> lc = ak.timing.simulate_lightcurve(lambda f: 1e-3 * f**-2.0, like, seed=2)
    >>> grid = {"slope": np.linspace(1, 3, 9)}
    >>> found = ak.timing.psresp(lc, ak.timing.PowerLaw(), grid, n_simulations=100, seed=3)
    >>> abs(found["slope"].sigma_from(2.0)) < 3
    True
    """
    from .psresp_fit import Response, all_matches, likelihood_ratio_p
    from .psresp_store import all_products

    _require_curve(lightcurve)
    axes = _axes(grid)
    count = require_count(n_simulations, "n_simulations")
    if count < _FEWEST_SIMULATIONS:
        raise InputError("so few simulations say little", value=count, allowed=">= 50")
    ratio = as_scalar(bin_ratio, "bin_ratio", minimum=1.01, maximum=10.0)
    scale = require_count(longer, "longer"), require_count(finer, "finer")
    recorder = _recorder(lightcurve, model, axes, count, seed_of := as_seed_sequence(seed))
    family = _Family(model, axes, lightcurve)
    draws, level = _draws(lightcurve, family, ratio, scale)
    x = lightcurve.rate[lightcurve.valid] / level - 1.0
    observed = draws.observed(x)
    if observed.size < max(_FEWEST_BINS, len(axes) + 2):
        raise InputError(
            "the periodogram has too few bins",
            value=observed.size,
            allowed=f">= {max(_FEWEST_BINS, len(axes) + 2)}",
            hint="lower bin_ratio",
        )
    weights = draws.bands.weights(family.spectra(draws.bands.frequency))
    products = all_products(
        draws,
        count,
        seed_of,
        executor=executor,
        store=None if checkpoint is None else Path(checkpoint),
        identity={
            "light curve": describe([lightcurve.time, lightcurve.valid, x, draws.sigma]),
            "family or grid": describe([np.round(weights, 9), *axes.values()]),
            "settings": describe([ratio, *scale]),
            "seed": seed_entropy(seed_of),
        },
    )
    response = Response(products, observed)
    matches = all_matches(response, weights, executor)
    confidence = likelihood_ratio_p(matches, response.observed, executor)
    best_point = int(np.argmin([m.statistic for m in matches]))
    values, best = family.points[best_point], matches[best_point]
    if refine:
        values, best = _refined(family, draws, response, values, best)
    return PsrespResult.of(
        axes,
        matches,
        confidence,
        best=dict(zip(axes, values, strict=True)),
        match=best,
        observed=(draws.transform.binned_frequency, response.observed),
        unit=_frequency_unit(lightcurve),
        provenance=recorder.finish(),
    )


# -- the family -----------------------------------------------------------------------------------


class _Family:
    """Spectra of a family at the points of a grid."""

    def __init__(self, model: Family, axes: dict[str, FloatArray], like: LightCurve) -> None:
        self.names = tuple(axes)
        self.axes = axes
        self.points = np.array(list(itertools.product(*axes.values())))
        if isinstance(model, PSDModel):
            self._function = _component(model, self.names, like)
        elif callable(model):
            self._function = model
        else:
            raise InputError(
                "a family of spectra is needed",
                value=type(model).__name__,
                allowed="a component such as PowerLaw(), or a function model(frequency, **values)",
            )

    def spectrum(self, frequency: FloatArray, point: FloatArray) -> FloatArray:
        """Return one spectrum ``(m,)``."""
        values = dict(zip(self.names, map(float, point), strict=True))
        power = np.asarray(self._function(frequency, **values), dtype=float)
        if power.shape != frequency.shape or not np.all(np.isfinite(power) & (power > 0)):
            raise InputError(
                "the power spectrum must be one positive finite number per frequency",
                value=", ".join(f"{k} = {v:.4g}" for k, v in values.items()),
            )
        return power

    def spectra(self, frequency: FloatArray) -> FloatArray:
        """Return the spectra at all points, ``(points, m)``."""
        return np.array([self.spectrum(frequency, point) for point in self.points])

    def reference(self, frequency: FloatArray) -> FloatArray:
        """Return the geometric mean of the spectra at the corners and the middle of the grid."""
        ends = [[axis[0], axis[len(axis) // 2], axis[-1]] for axis in self.axes.values()]
        corners = [self.spectrum(frequency, np.array(p)) for p in itertools.product(*ends)]
        return np.exp(np.mean(np.log(corners), axis=0))


def _component(
    model: PSDModel, names: tuple[str, ...], like: LightCurve
) -> Callable[..., FloatArray]:
    if len(model.components) != 1 or isinstance(model, Constant):
        raise InputError(
            "the family must be one component: noise comes from the errors of the curve",
            value=model.label,
            hint="leave the constant out; for a sum pass a function model(frequency, **values)",
        )
    if model.components[0].setting(_AMPLITUDE) is not None:
        raise InputError("the amplitude is found, it cannot be given", hint="leave it out")
    middle = 10.0 ** round(math.log10(math.sqrt(like.n / 2) / like.duration))
    ready = model.components[0].with_pivot(middle)
    free = [n for n in ready.names if n != _AMPLITUDE and not _is_fixed(ready.setting(n))]
    if set(free) != set(names):
        raise InputError(
            "the grid must hold every free parameter and no other",
            value=", ".join(names),
            allowed=", ".join(free),
            hint="a number in the model fixes a parameter: BendingPowerLaw(low_slope=1.0)",
        )
    return lambda frequency, **values: ready.evaluate(frequency, log_amplitude=0.0, **values)


def _is_fixed(setting: Any) -> bool:
    return isinstance(setting, int | float)


def _axes(grid: Mapping[str, ArrayLike]) -> dict[str, FloatArray]:
    if not grid:
        raise InputError("the grid is empty", hint="such as {'slope': np.linspace(1, 3, 21)}")
    axes = {}
    for name, values in grid.items():
        axis = as_array(values, f"grid of {name}", min_size=2)
        if np.any(np.diff(axis) <= 0):
            raise ShapeError(f"grid of {name} must increase", value=float(axis[0]))
        axes[name] = axis
    return axes


# -- parts ----------------------------------------------------------------------------------------


def _require_curve(like: LightCurve) -> None:
    """Raise an error for what is no light curve, or has no spectrum."""
    from ..lightcurve import LightCurve

    require_kind(like, LightCurve, "a LightCurve", "read_lightcurve(file)")
    rate = like.rate[like.valid]
    if rate.size < _FEWEST_VALID:
        raise ShapeError(
            "the light curve has too few valid bins",
            value=int(rate.size),
            allowed=f">= {_FEWEST_VALID}",
            hint="check what was masked",
        )
    if np.ptp(rate) == 0:
        raise InputError("the light curve is constant, so it has no spectrum")


def _draws(
    like: LightCurve, family: _Family, ratio: float, scale: tuple[int, int]
) -> tuple[BandedDraws, float]:
    """Return what draws simulations, and the mean rate."""
    from .psresp_draws import BandedDraws, Bands, Transform
    from .sampling import Sampling
    from .simulate import Realiser

    longer, finer = scale
    valid = like.valid
    level = like.mean_rate
    if not level > 0:
        raise InputError("the mean rate is not positive", value=level)
    sampling = Sampling.of(like, finer, longer)
    bands = Bands.of(family.spectra, family.reference, BandedDraws.span(sampling, longer))
    sigma = np.zeros(like.n) if like.error is None else like.error
    draws = BandedDraws(
        bands,
        Transform.of(like, ratio, _MIN_COUNT),
        sampling,
        Realiser(family.reference, sampling.cells * longer, sampling.step),
        valid,
        sigma[valid] / level,
    )
    return draws, level


def _refined(
    family: _Family, draws: BandedDraws, response: Response, start: FloatArray, match: Match
) -> tuple[FloatArray, Match]:
    """Return the best values within the grid's ends, by a simplex from the best point."""
    from scipy.optimize import minimize

    ends = np.array([[axis[0], axis[-1]] for axis in family.axes.values()])
    steps = np.array([np.diff(axis).max() for axis in family.axes.values()])
    found = [(match.statistic, start, match)]

    def statistic(u: FloatArray) -> float:
        point = start + u * steps
        if np.any(point < ends[:, 0]) or np.any(point > ends[:, 1]):
            return math.inf
        power = family.spectrum(draws.bands.frequency, point)
        m = response.match(draws.bands.weights(power[None, :])[0])
        if m.statistic < found[0][0]:
            found[0] = (m.statistic, point, m)
        return m.statistic

    size = start.size
    inward = np.where(start + 0.5 * steps <= ends[:, 1], 0.5, -0.5)
    simplex = np.vstack([np.zeros(size), np.diag(inward)])
    options = {"initial_simplex": simplex, "xatol": 0.01, "fatol": 0.01, "maxfev": 60 * size}
    minimize(statistic, np.zeros(size), method="Nelder-Mead", options=options)
    return found[0][1], found[0][2]


def _recorder(
    like: LightCurve,
    model: Family,
    axes: dict[str, FloatArray],
    count: int,
    seed: np.random.SeedSequence,
) -> Any:
    from ..provenance import Recorder

    return Recorder(
        "astrokit.timing.psresp",
        {"model": model, **axes, "n_simulations": count},
        inputs=[like.provenance_inputs()],
        seed=seed,
        citations=["uttley2002", "timmer1995", "feldman1998"],
    )


def _frequency_unit(like: LightCurve) -> str:
    unit = like.info.time_unit
    return "Hz" if unit == "s" else f"1 / {unit}"
