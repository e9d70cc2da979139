r"""Lines and quasi-periodic oscillations: how strong one is, and whether it is there at all.

The strongest of many ordinates is always strong. :func:`line_search` therefore repeats the whole
search - the fit of the continuum, all frequencies, all widths - in simulated data: look-elsewhere
effect and fitted parameters are in its p-value. What it does not do: find a line that the continuum
model has swallowed, or lines that are narrower than 1 / duration.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..estimate import Estimate
from ..inference.significance import SimulatedTest, collect, require_simulations
from ..parallel import map_items
from ..provenance import Provenance, Recorder, quiet
from ..randomness import SeedLike, as_generator, as_seed_sequence, spawn
from .psd import PSDProblem

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from matplotlib.axes import Axes

    from ..inference import Fit, Posterior

__all__ = ["LineSearch", "line_rms", "line_search"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class LineSearch:
    r"""The strongest line of a periodogram, and how often noise alone has one as strong.

    Attributes
    ----------
    frequency : float
        Of the strongest candidate.
    width : int
        Number of neighbouring ordinates that were added up there.
    statistic : float
        :math:`-2 \ln p` of the candidate, p being its local tail probability; for a single
        ordinate this is :math:`T_R = 2 I / S`.
    test : SimulatedTest
        The same maximum of every simulated data set.
    n_trials : int
        Sums of ordinates that were looked at.
    frequencies, ratios : ndarray, shape (m,)
        :math:`2 I / S` at the best-fitting continuum.
    frequency_unit : str
    provenance : Provenance
    """

    frequency: float
    width: int
    statistic: float
    test: SimulatedTest
    n_trials: int
    frequencies: FloatArray
    ratios: FloatArray
    frequency_unit: str
    provenance: Provenance = field(repr=False)

    @property
    def p_value(self) -> Estimate:
        """The global p-value: how often the search finds as much where there is no line."""
        return self.test.p_value

    @property
    def local_p_value(self) -> float:
        """The tail probability at this frequency alone, as if nobody had searched."""
        return float(np.exp(-0.5 * self.statistic))

    def threshold(self, level: float = 0.99) -> float:
        """Return the statistic that a fraction `level` of the simulated searches does not reach.

        Raises
        ------
        InputError
            For a level that is no probability, or that the simulations are too few for.
        """
        n = self.test.n
        if not 0 < level < 1 or n * (1 - level) < 1:
            raise InputError(
                "this level cannot be found from the simulations",
                value=level,
                allowed=f"0 to {1 - 1 / n:.6g}",
                hint="make more simulations",
            )
        return float(np.quantile(self.test.simulated, level))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw ratios, the candidate, and the thresholds of the search; return the axes."""
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")[1] if ax is None else ax
        data = self.plot_data()
        ax.step(data["frequency"], data["ratio"], where="mid", color="0.45", lw=0.9)
        for level, style in ((0.95, ":"), (0.99, "--")):
            key = f"threshold_{100 * level:.0f}"
            if key in data:
                label = f"{100 * level:.0f} % of searches stay below"
                ax.axhline(float(data[key]), color="#1b6ca8", ls=style, lw=1.2, label=label)
        ax.axvline(self.frequency, color="#c1440e", lw=1.2, alpha=0.6, zorder=0)
        ax.plot([self.frequency], [self.statistic], "v", color="#c1440e", label=self._candidate())
        ax.set(
            xscale="log",
            xlabel=f"Frequency ({self.frequency_unit})",
            ylabel=r"$2 I / S$, or $-2 \ln p$",
            ylim=(0, 1.25 * max(self.statistic, float(data["ratio"].max()))),
        )
        ax.legend(frameon=False, fontsize="small", loc="upper right")
        return ax

    def plot_data(self) -> dict[str, FloatArray]:
        """Return what :meth:`plot` draws: ``frequency``, ``ratio``, and thresholds if known."""
        data = {"frequency": self.frequencies, "ratio": self.ratios}
        for level in (0.95, 0.99):
            if self.test.n * (1 - level) >= 1:
                data[f"threshold_{100 * level:.0f}"] = np.array(self.threshold(level))
        return data

    def _candidate(self) -> str:
        ordinates = "1 ordinate" if self.width == 1 else f"{self.width} ordinates"
        return f"candidate at {self.frequency:.4g} {self.frequency_unit} ({ordinates})"

    def __repr__(self) -> str:
        return (
            f"LineSearch: {self._candidate()}, statistic {self.statistic:.4g}\n"
            f"  local p = {self.local_p_value:.2g}, {self.n_trials} sums looked at\n"
            f"  global {self.test._p_text()}; p < {self.test.upper_limit():.2g} at 95 % confidence"
        )

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def line_search(
    result: Fit | Posterior,
    n: int = 1000,
    *,
    problem: PSDProblem | None = None,
    widths: Sequence[int] = (1,),
    band: tuple[float, float] | None = None,
    seed: SeedLike = None,
    executor: Executor | None = None,
    progress: bool = False,
) -> LineSearch:
    r"""Search a periodogram for a line above its continuum, with the significance of the search.

    At the maximum-likelihood continuum the ratios 2I/S are chi-square variates. The statistic is
    the largest :math:`-2 \ln p` among all sums of `widths` neighbouring ratios, p being the tail
    probability of each: with ``widths=(1,)`` this is :math:`T_R` of Vaughan (2010); others are for
    oscillations that are broad. In each of `n` data sets simulated from the continuum, the
    continuum is fitted again and the search repeated.

    Parameters
    ----------
    result : Fit or Posterior
        Of the continuum model alone. From a fit all data are simulated at its best values; from a
        posterior at draws from it, so that p contains what is unknown of the continuum.
    n : int
        Number of simulated data sets.
    problem : PSDProblem, optional
        What was sampled; a fit remembers it.
    widths : sequence of int
        Numbers of neighbouring ordinates to add up.
    band : pair of float, optional
        Look only between these frequencies. A band chosen after a look at the data spoils p.
    seed : int, SeedSequence or Generator, optional
    executor : concurrent.futures.Executor, optional
    progress : bool

    Returns
    -------
    LineSearch

    Raises
    ------
    InputError
        For a result that is not of a periodogram, impossible widths, or an empty band.
    FitError
        When every fit of the simulated data fails.

    References
    ----------
    Vaughan 2010, MNRAS 402, 307; Protassov et al. 2002, ApJ 571, 545 (why not a chi-square).

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> f = np.arange(1, 257) / 512
    >>> power = 0.01 * f**-1.5 * np.random.default_rng(2).exponential(size=256)
    >>> power[60] = 12 * 0.01 * f[60] ** -1.5
    >>> fit = ak.timing.PSDProblem(ak.timing.Periodogram(f, power), ak.timing.PowerLaw()).fit()
    >>> search = ak.timing.line_search(fit, 200, seed=1)
    >>> bool(np.isclose(search.frequency, f[60])), search.p_value.value < 0.05
    (True, True)
    """
    problem = _continuum(result, problem)
    finder = _Finder.of(problem, widths, band)
    sequence = as_seed_sequence(seed)
    recorder = Recorder(
        "astrokit.timing.line_search",
        {"problem": problem, "n": n, "widths": list(finder.widths), "band": band},
        inputs=problem.provenance_inputs(),
        seed=sequence,
        citations=(*problem.citation_keys, "protassov2002"),
    )
    draw_seed, *children = spawn(sequence, require_simulations(n) + 1)
    thetas = _places(result, n, as_generator(draw_seed))
    with quiet():
        best = problem.fit(start=_start(problem, thetas[0]), n_starts=1, seed=0)
    place, width, statistic = finder(problem, best.theta)
    outcomes = map_items(
        partial(_searched, problem, finder),
        list(thetas),
        seeds=children,
        executor=executor,
        keep_errors=True,
        progress=progress,
    )
    simulated, failures = collect(outcomes)
    provenance = recorder.finish()
    test = SimulatedTest(
        name="largest -2 ln p of a line",
        observed=np.asarray(statistic),
        simulated=np.asarray(simulated, dtype=float),
        n_failed=len(failures),
        failures=failures[:5],
        provenance=provenance,
    )
    return LineSearch(
        frequency=place,
        width=width,
        statistic=statistic,
        test=test,
        n_trials=finder.n_trials,
        frequencies=problem.frequency,
        ratios=finder.ratios(problem, best.theta),
        frequency_unit=problem.frequency_unit,
        provenance=provenance,
    )


def line_rms(result: Fit | Posterior, name: str = "center_frequency") -> Estimate:
    r"""Return the rms of a Lorentzian, the root of its integral over positive frequencies.

    Parameters
    ----------
    result : Fit or Posterior
        Of a model with a :class:`~astrokit.timing.Lorentzian`.
    name : str
        Its center frequency: ``"center_frequency_2"`` is that of the second line.

    Returns
    -------
    Estimate
        A fraction of the mean in the fractional normalization. From a posterior the median and
        central interval, from a fit its covariance, propagated to first order.

    Raises
    ------
    InputError
        When there is no such line.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> f = np.arange(1, 2001) / 1000
    >>> line = ak.timing.Lorentzian(center_frequency=1.0, quality_factor=5.0)
    >>> scatter = np.random.default_rng(1).exponential(size=2000)
    >>> power = line.evaluate(f, log_amplitude=0.0) * scatter
    >>> fit = ak.timing.PSDProblem(ak.timing.Periodogram(f, power), line).fit()
    >>> abs(ak.timing.line_rms(fit).sigma_from(0.543)) < 3
    True
    """
    names = _line_names(tuple(result.parameters.names), name)
    from ..inference import Fit

    if not isinstance(result, Fit):
        return result.derived(lambda p: _rms(*(p[key] for key in names)), name="rms")
    values = np.array([result.values[key] for key in names])
    index = [result.names.index(key) for key in names]
    covariance = result._all_covariance[np.ix_(index, index)]
    slope = np.empty(3)
    for j in range(3):
        step = np.zeros(3)
        step[j] = 1e-5 * max(abs(values[j]), 1e-5)
        slope[j] = (_rms(*(values + step)) - _rms(*(values - step))) / (2 * step[j])
    error = float(np.sqrt(slope @ covariance @ slope))
    return Estimate(float(_rms(*values)), error, name="rms", method=f"{result.method}; propagated")


# -- parts ----------------------------------------------------------------------------------------


def _rms(center: Any, quality: Any, log_amplitude: Any) -> Any:
    integral = 0.5 * center / quality * (0.5 * np.pi + np.arctan(2.0 * quality))
    return np.sqrt(np.exp(log_amplitude) * integral)


def _line_names(names: tuple[str, ...], center: str) -> tuple[str, str, str]:
    lines = [key for key in names if key.startswith("center_frequency")]
    if center not in lines:
        raise InputError(
            "the model has no such line", value=center, allowed=", ".join(lines) or "none"
        )
    at = names.index(center)
    return names[at], names[at + 1], names[at + 2]


def _continuum(result: Any, problem: Any) -> PSDProblem:
    """Return the problem behind a result, or raise."""
    if problem is None:
        if not hasattr(result, "require_problem"):
            raise InputError(
                "a Posterior does not remember its problem", hint="pass problem= what was sampled"
            )
        problem = result.require_problem()
    if not isinstance(problem, PSDProblem):
        raise InputError(
            "a line is searched in a periodogram",
            value=type(problem).__name__,
            hint="PSDProblem(Periodogram.from_lightcurve(curve), model)",
        )
    if problem.data_checksum != result.data_checksum:
        raise InputError("the problem holds other data than the result")
    return problem


def _places(result: Any, n: int, rng: np.random.Generator) -> FloatArray:
    """Return the free parameters ``(n, d)`` at which data are simulated."""
    if not hasattr(result, "samples"):
        return np.tile(result.theta, (n, 1))
    samples = result.samples
    return np.asarray(samples[rng.integers(len(samples), size=n)])


def _start(problem: PSDProblem, theta: FloatArray) -> dict[str, float]:
    return dict(zip(problem.parameters.free_names, theta.tolist(), strict=True))


def _searched(
    problem: PSDProblem, finder: _Finder, theta: FloatArray, seed: np.random.SeedSequence
) -> float:
    """Return the largest statistic of one simulated data set, its continuum fitted again."""
    data_seed, fit_seed = spawn(seed, 2)
    simulated = problem.simulate(theta, as_generator(data_seed))
    with quiet():
        fit = simulated.fit(start=_start(problem, theta), n_starts=1, seed=fit_seed)
    return finder(simulated, fit.theta)[2]


@dataclass(frozen=True, eq=False)
class _Finder:
    """Finds the sum of neighbouring ratios that is least probable."""

    widths: tuple[int, ...]
    inside: slice
    half_dof: FloatArray

    @classmethod
    def of(
        cls, problem: PSDProblem, widths: Sequence[int], band: tuple[float, float] | None
    ) -> _Finder:
        f = problem.frequency
        low, high = (f[0], f[-1]) if band is None else band
        start, stop = np.searchsorted(f, [low * (1 - 1e-9), high * (1 + 1e-9)])
        chosen = tuple(int(w) for w in widths)
        if stop <= start:
            allowed = f"{f[0]:.4g} to {f[-1]:.4g}"
            raise InputError("there is no frequency in the band", value=band, allowed=allowed)
        if not chosen or min(chosen) < 1 or max(chosen) > stop - start:
            raise InputError(
                "widths are numbers of neighbouring ordinates",
                value=tuple(widths),
                allowed=f"1 to {stop - start}",
            )
        half_dof = np.broadcast_to(problem.ordinate_half_dof, f.shape)
        return cls(chosen, slice(int(start), int(stop)), np.array(half_dof))

    @property
    def n_trials(self) -> int:
        """Number of sums that are looked at."""
        size = self.inside.stop - self.inside.start
        return sum(size - width + 1 for width in self.widths)

    def ratios(self, problem: PSDProblem, theta: FloatArray) -> FloatArray:
        """Return 2 I / S of all ordinates ``(m,)``."""
        S = problem.psd(problem.frequency, problem.parameters.expand(theta))[0]
        return np.asarray(2.0 * problem.power / S)

    def __call__(self, problem: PSDProblem, theta: FloatArray) -> tuple[float, int, float]:
        """Return frequency, width and -2 ln p of the strongest sum."""
        from scipy.stats import chi2

        ratio = self.ratios(problem, theta)[self.inside] * self.half_dof[self.inside]
        shape, f = self.half_dof[self.inside], problem.frequency[self.inside]
        best = (float(f[0]), self.widths[0], -np.inf)
        for width in self.widths:
            sums, shapes = _moving_sums(ratio, width), _moving_sums(shape, width)
            # Among sums of equal degrees of freedom the largest is the least probable.
            for k in np.unique(np.round(shapes, 6)):
                same = np.flatnonzero(np.abs(shapes - k) < 1e-5)
                top = int(same[np.argmax(sums[same])])
                value = -2.0 * float(chi2.logsf(sums[top], 2.0 * k))
                if value > best[2]:
                    best = (float(f[top : top + width].mean()), width, value)
        return best


def _moving_sums(values: FloatArray, width: int) -> FloatArray:
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(total[width:] - total[:-width])
