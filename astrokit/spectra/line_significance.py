"""Is there a line? Its significance by simulation, the whole band searched each time."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError
from ..estimate import Estimate
from ..inference import Fit, Posterior, SimulatedTest
from ..inference.significance import collect, require_simulations
from ..parallel import map_items
from ..provenance import Provenance, Recorder, quiet
from ..randomness import SeedLike, as_generator, as_seed_sequence, spawn
from .bands import read_bands
from .line_scan import LineSearch, profile, require_untied, search, search_for
from .models import SpectralModel
from .problem import SpectralProblem
from .spectrum import Spectrum

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from matplotlib.axes import Axes

__all__ = ["LineSignificance", "line_significance"]

FloatArray = NDArray[np.float64]
_SIGNS = {"emission": 1, "absorption": -1, "either": 0}
_TRIES = 1000


@dataclass(frozen=True, eq=False, repr=False)
class LineSignificance:
    """The best line in a band, and how often noise alone makes one as good.

    Attributes
    ----------
    test : SimulatedTest
        The likelihood ratio T of the data among those of simulations without a line.
    fit, null_fit : Fit
        With and without the line.
    line_energy, line_flux : Estimate
        keV, and photons / (cm2 s) as they arrive (after absorption).
    energies, scan : ndarray, shape (k,)
        T of a line at each energy.
    kind : str
        "emission", "absorption" or "either".
    provenance : Provenance
    """

    test: SimulatedTest
    fit: Fit
    null_fit: Fit
    line_energy: Estimate
    line_flux: Estimate
    energies: FloatArray
    scan: FloatArray
    kind: str
    provenance: Provenance = field(repr=False)

    @property
    def p_value(self) -> Estimate:
        """Chance of a line as good anywhere in the band, with its binomial error."""
        return self.test.p_value

    @property
    def statistic(self) -> float:
        """The observed T."""
        return float(self.test.observed)

    @property
    def sigma(self) -> float:
        """`p_value` as a two-sided Gaussian significance; a lower limit where none exceeds."""
        return gaussian_sigma(self.p_value.value)

    @property
    def local_sigma(self) -> float:
        """The root of T: what a search at one known energy would claim, look-elsewhere ignored."""
        return math.sqrt(self.statistic)

    @property
    def extrapolated_p(self) -> Estimate:
        """The chance beyond the reach of the simulations, extrapolated from their upper tenth.

        Far from zero the tail of a search over one unknown energy falls as exp(-T/2) (Gross &
        Vitells 2010). The error is the binomial one of the tenth; it knows nothing of the
        extrapolation itself.

        Raises
        ------
        InputError
            With fewer than 100 simulations.
        """
        if self.test.n < 100:
            raise InputError(
                "too few simulations to extrapolate", value=self.test.n, allowed=">= 100"
            )
        n = self.test.n // 10
        start = float(np.sort(self.test.simulated)[-n])
        p = n / self.test.n * math.exp(-0.5 * max(self.statistic - start, 0.0))
        if self.statistic <= start:
            return self.p_value
        how = f"tail exp(-T/2) from T = {start:.3g}, which {n} of {self.test.n} simulations reach"
        return Estimate(p, p * math.sqrt((1 - n / self.test.n) / n), name="p", method=how)

    def thresholds(self, levels: Sequence[float] = (0.6827, 0.9545, 0.9973)) -> FloatArray:
        """Return the T that noise stays below in these parts of the simulations.

        NaN where simulations are too few: fewer than five would lie above.
        """
        values = np.quantile(self.test.simulated, levels)
        return np.where((1 - np.asarray(levels)) * self.test.n < 5, np.nan, values)

    def plot_data(self) -> dict[str, FloatArray]:
        """Return what :meth:`plot` draws: ``energies``, ``scan`` and ``thresholds``."""
        return {"energies": self.energies, "scan": self.scan, "thresholds": self.thresholds()}

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw T over line energy, with what the search finds in noise in 68, 95 and 99.7 %."""
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
        data = self.plot_data()
        ax.plot(data["energies"], data["scan"], color="#1f4e79")
        ax.plot(self.line_energy.value, self.statistic, "o", color="#c0392b", ms=5)
        for level, name in zip(data["thresholds"], ("68 %", "95 %", "99.7 %"), strict=True):
            if np.isfinite(level):
                ax.axhline(level, color="0.55", ls=":", lw=1)
                ax.annotate(
                    name, (1, level), xycoords=("axes fraction", "data"), ha="right", va="bottom",
                    fontsize="x-small", color="0.35",
                )  # fmt: skip
        ax.set(xlabel="Line energy (keV)", ylabel=r"$T = 2\,\Delta\ln L$")
        ax.set_ylim(0, 1.12 * max(self.statistic, float(np.nanmax(data["thresholds"], initial=0))))
        ax.tick_params(direction="in", top=True, right=True)
        return ax

    def __repr__(self) -> str:
        limit = "at least " if self.test.n_exceeding == 0 else ""
        return "\n".join(
            [
                f"Line search ({self.kind}) from {self.energies[0]:g} to {self.energies[-1]:g} keV",
                f"  {self.line_energy}",
                f"  {self.line_flux}",
                f"  T = {self.statistic:.4g}, one energy alone {self.local_sigma:.2f} sigma",
                f"  {self.test.n_exceeding} of {self.test.n} simulations find a line as good: "
                f"{self.test._p_text()}, {limit}{self.sigma:.2f} sigma",
                *(f"  {self.test.n_failed} simulations failed",) * bool(self.test.n_failed),
                *(f"  ! {note}" for note in self.test.notes),
            ]
        )

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def gaussian_sigma(p: float) -> float:
    """Return the number of sigma whose two-sided tail is `p`.

    Examples
    --------
    >>> from astrokit.spectra.line_significance import gaussian_sigma
    >>> round(gaussian_sigma(0.0026998), 4)
    3.0
    """
    from scipy.special import ndtri

    return float(-ndtri(p / 2))


def line_significance(
    spectra: Spectrum | Sequence[Spectrum] | SpectralProblem | Fit,
    continuum: SpectralModel | Posterior | None = None,
    n: int = 1000,
    *,
    band: Any = None,
    width: float | None = None,
    kind: str = "emission",
    seed: SeedLike = 0,
    executor: Executor | None = None,
    progress: bool = False,
) -> LineSignificance:
    """Return the significance of the best Gaussian line that a band holds.

    The likelihood ratio of a line has no known distribution: without a line its energy means
    nothing, and its strength sits at a bound. So spectra without a line are simulated, with the
    same exposure, background and groups, from continuum parameters drawn from their posterior, and
    the whole band is searched in each as in the data (Protassov et al. 2002). The many places at
    which noise can look like a line are thereby accounted for.

    Parameters
    ----------
    spectra : Spectrum, sequence of Spectrum, SpectralProblem or Fit
        A problem or fit brings its continuum and statistic along.
    continuum : SpectralModel or Posterior, optional
        For spectra: what is there without the line; other lines belong to it. For a problem or
        fit, if one was sampled: the posterior from which its parameters are drawn. Without it they
        are drawn from the normal approximation that the fit gives.
    n : int
        Number of simulations: p below 1/n is only limited.
    band : str or pair, optional
        Where lines are sought, as in :meth:`Spectrum.notice`; everything noticed by default.
        Choose it before looking at the data.
    width : float, optional
        Gaussian sigma of the line in keV; by default as narrow as the energy bins.
    kind : {"emission", "absorption", "either"}
    seed : int, SeedSequence or Generator
        One child per simulation.
    executor : concurrent.futures.Executor, optional
    progress : bool

    Returns
    -------
    LineSignificance

    Raises
    ------
    InputError
        For a band outside the data, no continuum, or tied parameters.
    FitError
        When the fits to the data fail.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> detector = ak.spectra.Response.ideal(np.arange(5.0, 8.0, 0.05), area=300.0, fwhm=0.15)
    >>> model = ak.spectra.PowerLaw() + ak.spectra.GaussianLine(line_energy=6.4, line_width=0.05)
    >>> spec = ak.spectra.simulate(model, detector, exposure=4e4, seed=5, photon_index=1.8,
    ...                            normalization=1e-3, normalization_2=3e-5)
    >>> found = ak.spectra.line_significance(spec, ak.spectra.PowerLaw(), n=20, seed=1)
    >>> found.test.n_exceeding, round(found.line_energy.value, 1)
    (0, 6.4)

    References
    ----------
    Protassov et al. (2002); Gross & Vitells (2010) for the extrapolation.
    """
    posterior = continuum if isinstance(continuum, Posterior) else None
    null = _null_problem(spectra, None if posterior is not None else continuum)  # type: ignore[arg-type]
    require_untied(null)
    ends = _band(null, band)
    sigma = _narrow(null, ends) if width is None else as_scalar(width, "width", minimum=0.0)
    if kind not in _SIGNS:
        raise InputError("no such kind of line", value=kind, allowed=", ".join(_SIGNS))
    sequence = as_seed_sequence(seed)
    recorder = Recorder(
        "astrokit.spectra.line_significance",
        {"problem": null, "n": n, "band": list(ends), "width": sigma, "kind": kind},
        inputs=null.provenance_inputs(),
        seed=sequence,
        citations=(*null.citation_keys, "protassov2002", "gross2010"),
    )
    draw_seed, first, *children = spawn(sequence, require_simulations(n) + 2)
    wanted = search_for(null, band=ends, width=sigma, sign=_SIGNS[kind])
    with quiet():
        observed, without, best = search(wanted, None, {}, first)
        scan = profile(wanted, without)
    thetas, notes = _null_draws(null, without, posterior, n, draw_seed)
    one = partial(_one, wanted)
    outcomes = map_items(
        one, thetas, seeds=children, executor=executor, keep_errors=True, progress=progress
    )
    simulated, failures = collect(outcomes)
    record = recorder.finish()
    test = SimulatedTest(
        name="T = 2 (ln L with line - ln L without)",
        observed=np.asarray(observed),
        simulated=np.array(simulated),
        n_failed=len(failures),
        failures=failures[:5],
        provenance=record,
        notes=notes,
    )
    energy, flux = wanted.names
    return LineSignificance(
        test, best, without, best[energy], best[flux], wanted.energies, scan, kind, record
    )


def _one(wanted: LineSearch, theta: FloatArray, seed: np.random.SeedSequence) -> float:
    """Return T of one simulated data set."""
    data_seed, fit_seed = spawn(seed, 2)
    simulated = wanted.null.simulate(theta, as_generator(data_seed))
    start = dict(zip(wanted.null.parameters.free_names, np.asarray(theta).tolist(), strict=True))
    with quiet():
        return search(wanted, simulated.data, start, fit_seed)[0]


def _null_problem(spectra: Any, continuum: SpectralModel | None) -> SpectralProblem:
    problem = spectra.require_problem() if isinstance(spectra, Fit) else spectra
    if isinstance(problem, SpectralProblem):
        if continuum is not None:
            raise InputError(
                "a problem has its continuum already",
                value=continuum.label,
                hint="give the spectrum and the continuum, or the problem alone",
            )
        return problem
    if continuum is None:
        raise InputError("no continuum is given", hint="line_significance(spec, PowerLaw())")
    return SpectralProblem(problem, continuum)


def _band(problem: SpectralProblem, band: Any) -> tuple[float, float]:
    low = min(float(b.energy_lo.min()) for b in problem.data)
    high = max(float(b.energy_hi.max()) for b in problem.data)
    if band is None:
        return low, high
    bands = read_bands((band,))
    if len(bands) != 1 or bands[0].is_channel:
        raise InputError("the band of a search is one interval of energies", value=band)
    inside = max(bands[0].low, low), min(bands[0].high, high)
    if inside[0] >= inside[1]:
        raise InputError(
            "the band lies outside the data", value=str(bands[0]), allowed=f"{low:g}-{high:g} keV"
        )
    return inside


def _narrow(problem: SpectralProblem, ends: tuple[float, float]) -> float:
    """Return half the width of the energy bins in the band."""
    grid = problem.data[0].grid
    inside = (grid.high > ends[0]) & (grid.low < ends[1])
    return 0.5 * float(np.median((grid.high - grid.low)[inside]))


def _null_draws(
    null: SpectralProblem, fit: Fit, posterior: Posterior | None, n: int, seed: Any
) -> tuple[list[FloatArray], tuple[str, ...]]:
    """Return free parameters of the continuum for each simulation, and remarks on them."""
    rng = as_generator(seed)
    if posterior is not None:
        if tuple(posterior.parameters.free_names) != tuple(null.parameters.free_names):
            raise InputError(
                "the posterior is one of other parameters",
                value=", ".join(posterior.parameters.free_names),
                allowed=", ".join(null.parameters.free_names),
            )
        rows = rng.integers(posterior.samples.shape[0], size=n)
        return list(posterior.samples[rows]), ()
    covariance = np.asarray(fit.covariance, dtype=float)
    if not np.isfinite(covariance).all():
        note = "the fit of the continuum has no covariance: its best values were simulated alone"
        return [fit.theta] * n, (note,)
    low, high = np.array(null.parameters.bounds, dtype=float).T
    root = np.linalg.cholesky(covariance + 1e-14 * np.diag(np.diag(covariance)))
    draws = []
    for _ in range(n):
        theta = fit.theta
        for _ in range(_TRIES):
            theta = fit.theta + root @ rng.standard_normal(fit.theta.size)
            if np.all((theta > low) & (theta < high)):
                break
        draws.append(np.clip(theta, low, high))
    return draws, ()
