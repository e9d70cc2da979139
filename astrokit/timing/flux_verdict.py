"""`flux_distribution`: which distribution the fluxes follow, and whether it is bimodal.

One realisation of steep red noise often has two or three humps, whatever its process does. So two
components are believed only if they describe the curve better than they describe simulated red
noise of one component with the same spectrum, sampling and errors.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError
from ..inference.comparison import Comparison, compare, likelihood_ratio_test
from ..inference.significance import SimulatedTest
from ..provenance import Provenance, Recorder, quiet
from .flux_models import FluxModel, LogNormalFlux, NormalFlux
from .flux_problem import FluxDistributionProblem
from .gaussian_checks import require_variable

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from matplotlib.axes import Axes

    from ..inference import Fit
    from ..lightcurve import LightCurve
    from ..randomness import SeedLike
    from .simulate import PSDLike

__all__ = ["FluxDistribution", "FluxPlotData", "flux_distribution"]

FloatArray = NDArray[np.float64]
_MODELS: tuple[FluxModel, ...] = (
    NormalFlux(),
    LogNormalFlux(),
    NormalFlux() + NormalFlux(),
    LogNormalFlux() + LogNormalFlux(),
)
_STARTS = 2  # searches per fit: of the data and of every simulation alike
_VERDICTS = {
    "one component": "one component suffices",
    "undecided": "two components are favoured, but not beyond what red noise may do",
    "two components": "two components, which merge into a single peak",
    "bimodal": "two components with two separate peaks",
    "not tested": "without a power spectrum red noise cannot be told from two components",
}


@dataclass(frozen=True)
class FluxPlotData:
    """What the figure of a flux distribution draws.

    Attributes
    ----------
    edges, density : ndarray, shapes (m + 1,) and (m,)
        Histogram of the rates, normalised to 1.
    flux : ndarray, shape (k,)
    curves : dict of str to ndarray, shape (k,)
        Densities of the best single and the best double model as measured: convolved with the
        errors of the bins.
    flux_label : str
    """

    edges: FloatArray
    density: FloatArray
    flux: FloatArray
    curves: dict[str, FloatArray]
    flux_label: str


@dataclass(frozen=True, eq=False, repr=False)
class FluxDistribution:
    """Models of the flux distribution of a light curve, and a verdict on bimodality.

    Attributes
    ----------
    comparison : Comparison
        Of all models, bins counted as independent: for red noise a guide to shapes, no test.
    single, double : Fit
        The best model of one component, and of two (by AIC).
    test : SimulatedTest or None
        Of `double` against `single` on simulated red noise.
    verdict : str
        "one component", "undecided", "two components", "bimodal" or "not tested".
    peaks : tuple of float
        Fluxes at which the density of `double` peaks.
    level : float
        The verdict stands if the p-value is below it.
    provenance : Provenance
    """

    comparison: Comparison
    single: Fit
    double: Fit
    test: SimulatedTest | None
    verdict: str
    peaks: tuple[float, ...]
    level: float
    provenance: Provenance

    @property
    def sentence(self) -> str:
        """The verdict with its evidence, for a text."""
        text = _VERDICTS[self.verdict]
        if self.test is None:
            return f"{text}; {self.comparison.best('aic')} has the lowest AIC"
        k, n = self.test.n_exceeding, self.test.n
        return (
            f"{text}: {k} of {n} simulated curves of one component ({self.single.label}) and the "
            f"same power spectrum favour two as much as the data do"
        )

    @property
    def best(self) -> Fit:
        """The fit that the verdict supports: `double` for two components, else `single`."""
        return self.double if self.verdict in ("two components", "bimodal") else self.single

    def plot_data(self) -> FluxPlotData:
        """Return the numbers that :meth:`plot` draws."""
        return _plot_data(self)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the histogram of the rates with the best models of one and of two components."""
        from .plots import _colors, _new_axes

        data = self.plot_data()
        ax = _new_axes() if ax is None else ax
        ax.stairs(data.density, data.edges, fill=True, color="0.85")
        ax.stairs(data.density, data.edges, color="0.45", lw=1)
        for (label, curve), color, style in zip(
            data.curves.items(), _colors()[1::-1], ("-", "--"), strict=False
        ):
            ax.plot(data.flux, curve, style, color=color, lw=1.8, label=label)
        ax.set(xlabel=data.flux_label, ylabel="Probability density", title=self.verdict)
        ax.legend(frameon=False, fontsize="small")
        return ax

    def __repr__(self) -> str:
        return f"FluxDistribution: {self.verdict}\n{self.sentence}\n{self.comparison}"

    def _repr_html_(self) -> str:
        head = f"<p><b>{html.escape(self.verdict)}</b>: {html.escape(self.sentence)}</p>"
        return head + self.comparison._repr_html_()


def flux_distribution(
    lightcurve: LightCurve,
    *,
    psd: PSDLike | None = None,
    models: Sequence[FluxModel] = _MODELS,
    n: int = 200,
    level: float = 0.01,
    seed: SeedLike = None,
    executor: Executor | None = None,
) -> FluxDistribution:
    """Return which distribution the fluxes follow, with a verdict on bimodality.

    Parameters
    ----------
    lightcurve : LightCurve
        Any sampling for the fits; what `psd` needs for the simulations.
    psd : Fit, or callable, optional
        The power spectrum for the simulations, as for
        :func:`~astrokit.timing.simulate_lightcurve`: best a fit of the light curve itself. Without
        it nothing is simulated, and the verdict is "not tested".
    models : sequence of FluxModel
        At least one of one component and one of two.
    n : int
        Number of simulated curves.
    level : float
        Smallest p-value that counts as chance. Between it and five times it: "undecided".
    seed : int, SeedSequence or Generator, optional
    executor : concurrent.futures.Executor, optional

    Returns
    -------
    FluxDistribution

    Raises
    ------
    InputError
        For magnitudes, a constant curve, `models` without one of each kind, or too small an `n`
        for `level`.
    ShapeError
        For fewer than ten valid bins.

    Notes
    -----
    The test statistic is the likelihood ratio of the best double model to the best single one,
    chosen by the data and kept for the simulations. What is simulated is a process of one
    component with the given spectrum: Gaussian, or with a Gaussian logarithm (Uttley et al. 2005),
    brought to the mean of the data. "bimodal" says that the curve at hand has two preferred
    fluxes to an extent that such a process rarely shows; a source with two states is
    one explanation among others, such as a spectrum that changes with time.

    References
    ----------
    Uttley, McHardy & Vaughan 2005, MNRAS 359, 345.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> rng = np.random.default_rng(2)
    >>> rate = np.where(rng.random(400) < 0.4, 9.0, 5.0) + rng.normal(0, 0.5, 400)
    >>> lc = ak.LightCurve(np.arange(400.0), rate, np.full(400, 0.2))
    >>> flux = ak.timing.flux_distribution(lc, psd=lambda f: 0.16 + 0 * f, n=50, seed=1, level=0.05)
    >>> flux.verdict
    'bimodal'
    >>> [round(peak) for peak in flux.peaks]
    [5, 9]
    """
    level = as_scalar(level, "level", minimum=1e-6, maximum=0.2)
    if psd is not None and n < 1 / level - 1:
        raise InputError(
            f"{n} simulations cannot show a p-value below {level:g}",
            value=n,
            allowed=f">= {math.ceil(1 / level - 1)}",
            hint="raise n or level",
        )
    problems = _problems(lightcurve, models)
    require_variable(lightcurve.rate[lightcurve.valid])
    recorder = Recorder(
        "astrokit.timing.flux_distribution",
        {"models": [repr(m) for m in models], "n": n, "level": level},
        inputs=[lightcurve.provenance_inputs()],
        citations=("uttley2005",),
    )
    with quiet():
        fits = {p.label: p.fit(n_starts=5) for p in problems}
        comparison = compare(fits)
        single, double = (_best(fits, problems, size) for size in (1, 2))
        test = None
        if psd is not None:
            test = _tested(lightcurve, psd, single, double, n, seed, executor)
    peaks = _model(double).maxima(**double.values)
    verdict = _verdict(test, peaks, level)
    recorder.verdict(verdict)
    if test is not None:
        recorder.cite(*test.provenance.citations)
    record = recorder.finish()
    return FluxDistribution(comparison, single, double, test, verdict, peaks, level, record)


# -- parts ----------------------------------------------------------------------------------------


def _problems(lightcurve: LightCurve, models: Sequence[FluxModel]) -> list[FluxDistributionProblem]:
    sizes = {len(m.components) for m in models if isinstance(m, FluxModel)}
    if sizes != {1, 2} or len({m.label for m in models}) < len(models):
        raise InputError(
            "models must hold different ones, some of one component and some of two",
            value=[getattr(m, "label", m) for m in models],
            hint="such as [LogNormalFlux(), LogNormalFlux() + LogNormalFlux()]",
        )
    return [FluxDistributionProblem(lightcurve, model) for model in models]


def _best(fits: dict[str, Fit], problems: list[FluxDistributionProblem], size: int) -> Fit:
    own = [fits[p.label] for p in problems if len(p.model.components) == size]
    return min(own, key=lambda fit: fit.aic)


def _tested(
    lightcurve: LightCurve,
    psd: PSDLike,
    single: Fit,
    double: Fit,
    n: int,
    seed: SeedLike,
    executor: Executor | None,
) -> SimulatedTest:
    null = FluxDistributionProblem(lightcurve, _model(single), psd=psd)
    other = FluxDistributionProblem(lightcurve, _model(double))
    return likelihood_ratio_test(null, other, n, seed=seed, n_starts=_STARTS, executor=executor)


def _model(fit: Fit) -> FluxModel:
    return cast(FluxDistributionProblem, fit.require_problem()).model


def _verdict(test: SimulatedTest | None, peaks: tuple[float, ...], level: float) -> str:
    """Return the word that the evidence allows; p counts the data among the simulations."""
    if test is None:
        return "not tested"
    p = (1 + test.n_exceeding) / (1 + test.n)
    if p > 5 * level:
        return "one component"
    if p > level:
        return "undecided"
    return "bimodal" if len(peaks) > 1 else "two components"


def _plot_data(result: FluxDistribution) -> FluxPlotData:
    from .flux_kernels import log_densities

    problem = result.single.require_problem()
    arrays = problem.data_arrays()
    rate, error = arrays["rate"], arrays["error"]
    density, edges = np.histogram(rate, bins="auto", density=True)
    margin = 0.2 * (rate.max() - rate.min())
    flux = np.linspace(rate.min() - margin, rate.max() + margin, 300)
    shown = np.quantile(error, np.linspace(0.05, 0.95, 10))  # stand for all errors
    curves = {}
    for fit in (result.single, result.double):
        model, total, terms = _model(fit), np.zeros(flux.size), np.empty(flux.size)
        for sigma in shown:
            row = model.standard(np.array([list(fit.values.values())]))[0]
            log_densities(row, model.codes, flux, np.full(flux.size, sigma), terms)
            total += np.exp(terms) / shown.size
        curves[fit.label] = total
    unit = problem.data.info.rate_unit
    return FluxPlotData(edges, density, flux, curves, f"Rate ({unit})" if unit else "Rate")
