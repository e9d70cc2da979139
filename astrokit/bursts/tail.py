"""`PowerLawTail`: from where on data follow a power law, if they do (Clauset et al. 2009)."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_scalar, as_unit
from ..errors import DataWarning, InputError, ShapeError
from ..estimate import ONE_SIGMA, Estimate
from ..inference.significance import SimulatedTest, collect, require_simulations
from ..parallel import map_items
from ..provenance import Provenance, Recorder, quiet
from ..randomness import SeedLike, as_generator, as_seed_sequence, spawn
from .models import CutoffPowerLaw, EnergyModel, LogNormal, PowerLaw, StretchedExponential
from .sample import BurstSample
from .tail_search import TailFit, search_tail
from .vuong import VuongTest, vuong

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from matplotlib.axes import Axes

    from ..inference import Fit, Problem

__all__ = ["PowerLawTail", "TailErrors"]

FloatArray = NDArray[np.float64]
_RIVALS = (LogNormal(), CutoffPowerLaw(), StretchedExponential(), CutoffPowerLaw(index=0.0))


@dataclass(frozen=True, eq=False)
class TailErrors:
    """x_min and index with errors that include the search of x_min.

    Attributes
    ----------
    xmin, index : Estimate
        Central bootstrap intervals.
    draws : ndarray, shape (n, 2)
        x_min and index of each resampled data set.
    """

    xmin: Estimate
    index: Estimate
    draws: FloatArray


@dataclass(frozen=True, eq=False, repr=False)
class PowerLawTail:
    """A power law above an x_min found from the data; made by :meth:`fit`.

    Attributes
    ----------
    xmin : Estimate
        Its error follows from :meth:`errors`.
    index : Estimate
        Differential index; the error is that for x_min as given. :meth:`errors` adds its own.
    distance : float
        Between the distributions of tail and law, in the convention chosen.
    n_tail, n_data : int
    discrete : bool
    convention : str
    x : ndarray, shape (n_data,)
        Sorted.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> x = np.random.default_rng(1).uniform(size=2000) ** (-1 / 1.5)  # index 2.5
    >>> tail = ak.bursts.PowerLawTail.fit(x)
    >>> print(tail.index)
    differential index = 2.5...
    >>> tail.goodness_of_fit(n=100, seed=1).p_value.value > 0.05
    True
    """

    xmin: Estimate
    index: Estimate
    distance: float
    n_tail: int
    n_data: int
    discrete: bool
    convention: str
    x: FloatArray
    _options: TailOptions
    _provenance: Provenance = field(repr=False)

    @classmethod
    def fit(
        cls,
        x: BurstSample | ArrayLike,
        *,
        discrete: bool = False,
        xmin: Any = None,
        convention: str = "two-sided",
        min_tail: int = 10,
        unit: Any = None,
    ) -> Self:
        """Return the power law whose tail lies closest to the data.

        Each distinct value is tried as x_min; the index is that of largest likelihood above it; the
        smallest Kolmogorov-Smirnov distance wins. The search is exact, whatever the number of data.

        Parameters
        ----------
        x : array_like or Quantity, shape (n,), or BurstSample
            > 0; whole numbers where `discrete`. A BurstSample gives its energies.
        discrete : bool
            Use the zeta distribution.
        xmin : float or Quantity, optional
            Fixes x_min.
        convention : {"two-sided", "one-sided"}
            How the step of the empirical distribution is compared: on both of its sides (the
            Kolmogorov-Smirnov distance), or on its lower side only, as the published code of
            Clauset et al. and the package ``powerlaw`` do.
        min_tail : int
            Fewest data above x_min.
        unit : str or unit, optional
            Of plain numbers.

        Raises
        ------
        InputError, ShapeError
            For values <= 0, numbers that are not whole, or fewer than `min_tail` values.

        Warns
        -----
        DataWarning
            For whole numbers with ties that are taken as continuous, and for lower limits, which
            are taken as if they were measured.
        """
        limits = 0
        if isinstance(x, BurstSample):
            limits = int(np.count_nonzero(x.saturated)) if x.saturated is not None else 0
            x, unit = x.require("energy"), "erg"
        unit = getattr(x, "unit", None) if unit is None else as_unit(unit)
        values = as_array(x, "x", unit=unit, positive=True)
        if discrete:
            values = as_array(values, "x", dtype=np.int64).astype(float)
        if convention not in ("two-sided", "one-sided"):
            raise InputError(
                "convention is unknown", value=convention, allowed="'two-sided', 'one-sided'"
            )
        fixed = None if xmin is None else as_scalar(xmin, "xmin", unit=unit, positive=True)
        if discrete and fixed is not None and fixed != int(fixed):
            raise InputError("xmin of whole numbers must be one", value=fixed)
        options = TailOptions(bool(discrete), fixed, convention == "two-sided", int(min_tail), unit)
        values = np.sort(values)
        _require_tail(values, options)
        recorder = Recorder(
            "astrokit.bursts.PowerLawTail.fit",
            {"x": values, "discrete": discrete, "xmin": xmin, "convention": convention,
             "min_tail": min_tail},
            citations=("clauset2009",),
        )  # fmt: skip
        for doubt in _doubts(values, limits, options):
            recorder.warn(doubt, DataWarning)
        found = options.search(values)
        return cls(
            xmin=Estimate(
                found.xmin,
                0.0 if fixed else math.nan,
                unit=unit,
                name="x_min",
                method="given" if fixed else "smallest KS distance; errors() gives its error",
            ),
            index=Estimate(
                found.index,
                found.error,
                name="differential index",
                method="maximum likelihood above x_min, the error of x_min not included",
            ),
            distance=found.distance,
            n_tail=found.n_tail,
            n_data=values.size,
            discrete=options.discrete,
            convention=convention,
            x=values,
            _options=options,
            _provenance=recorder.finish(),
        )

    @property
    def provenance(self) -> Provenance:
        """What ran, on which data, with which versions; what to cite."""
        return self._provenance

    @property
    def tail(self) -> FloatArray:
        """The data at and above x_min, sorted."""
        return self.x[self.n_data - self.n_tail :]

    # -- is it one? ----------------------------------------------------------------------------

    def goodness_of_fit(
        self,
        n: int = 1000,
        *,
        seed: SeedLike = None,
        executor: Executor | None = None,
        progress: bool = False,
    ) -> SimulatedTest:
        """Return how often data from a power law with this tail look worse.

        Data below x_min are resampled, those above drawn from the law, and x_min is searched anew
        in each data set. Clauset et al. reject a power law for p <= 0.1.

        Parameters
        ----------
        n : int
            Number of simulated data sets.
        seed : int, SeedSequence or Generator
        executor : concurrent.futures.Executor, optional
        progress : bool

        Returns
        -------
        SimulatedTest
        """
        sequence = as_seed_sequence(seed)
        seeds = spawn(sequence, require_simulations(n))
        recorder = Recorder(
            "astrokit.bursts.PowerLawTail.goodness_of_fit",
            {"n": n},
            seed=sequence,
            citations=("clauset2009",),
        )
        one = partial(
            _simulated_distance,
            self.x[: self.n_data - self.n_tail],
            self.n_data,
            (self.xmin.value, self.index.value),
            self._options,
        )
        outcomes = map_items(
            one, range(n), seeds=seeds, executor=executor, keep_errors=True, progress=progress
        )
        simulated, failures = collect(outcomes)
        return SimulatedTest(
            name=f"KS distance ({self.convention})",
            observed=np.asarray(self.distance),
            simulated=np.array(simulated),
            n_failed=len(failures),
            failures=failures[:5],
            provenance=recorder.finish(),
        )

    def errors(
        self, n: int = 1000, *, seed: SeedLike = None, executor: Executor | None = None
    ) -> TailErrors:
        """Return x_min and index with bootstrap errors, x_min searched in each resampled set.

        Parameters
        ----------
        n : int
            Number of resampled data sets.
        seed : int, SeedSequence or Generator
        executor : concurrent.futures.Executor, optional
        """
        seeds = spawn(seed, require_simulations(n))
        outcomes = map_items(
            partial(_resampled, self.x, self._options),
            range(n),
            seeds=seeds,
            executor=executor,
            keep_errors=True,
        )
        draws = np.array(collect(outcomes)[0])
        tail = 0.5 * (1 - ONE_SIGMA)
        low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
        estimates = [
            Estimate(e.value, max(e.value - a, 0.0), max(b - e.value, 0.0), e.unit, name=e.name,
                     method="bootstrap percentile interval, x_min searched each time")
            for e, a, b in zip((self.xmin, self.index), low, high, strict=True)
        ]  # fmt: skip
        return TailErrors(estimates[0], estimates[1], draws)

    def problem(self, model: EnergyModel) -> Problem:
        """Return a problem of the tail under any model of this room, for fits and comparison."""
        if self.discrete:
            from .tail_problem import DiscreteTailProblem

            return DiscreteTailProblem(self.tail, model, xmin=int(self.xmin.value))
        from .problem import EnergyProblem

        return EnergyProblem(self.tail, model, threshold=self.xmin.value)

    def compare(
        self, rivals: Sequence[EnergyModel] = _RIVALS, *, seed: SeedLike = 0
    ) -> tuple[VuongTest, ...]:
        """Return Vuong's test of the power law against each rival, on the tail.

        By default: log-normal, power law with cut-off, stretched exponential, exponential. The
        cut-off contains the power law, so that there the test is only indicative.
        """
        with quiet():
            law = self.problem(PowerLaw(index=_wide_index())).fit()
            fits: list[Fit] = [
                self.problem(model).fit(seed=child)
                for model, child in zip(rivals, spawn(seed, len(rivals)), strict=True)
            ]
        return tuple(vuong(law, fit) for fit in fits)

    # -- showing -------------------------------------------------------------------------------

    def plot_data(self) -> dict[str, FloatArray]:
        """Return ``x``, ``survival`` of the data, and ``tail_x``, ``tail_survival`` of the law."""
        survival = 1.0 - np.arange(self.n_data) / self.n_data
        x = np.geomspace(self.xmin.value, self.x[-1], 100)
        part = self.n_tail / self.n_data
        if self.discrete:
            from scipy.special import zeta

            x = np.unique(np.ceil(x))
            law = part * zeta(self.index.value, x) / zeta(self.index.value, self.xmin.value)
        else:
            law = part * (x / self.xmin.value) ** (1.0 - self.index.value)
        return {"x": self.x, "survival": survival, "tail_x": x, "tail_survival": law}

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the cumulative distribution with the law above x_min, and return the axes."""
        from .plots import plot_tail

        return plot_tail(self, ax)

    def __repr__(self) -> str:
        kind = "discrete" if self.discrete else "continuous"
        return (
            f"Power-law tail ({kind}): {self.n_tail} of {self.n_data} data\n"
            f"  {self.xmin}\n  {self.index}\n  KS distance {self.distance:.4f} ({self.convention})"
        )

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


@dataclass(frozen=True)
class TailOptions:
    """How a tail is searched."""

    discrete: bool
    xmin: float | None
    two_sided: bool
    min_tail: int
    unit: Any

    def search(self, x: FloatArray) -> TailFit:
        """Return the tail of sorted data."""
        return search_tail(
            x,
            discrete=self.discrete,
            xmin=self.xmin,
            two_sided=self.two_sided,
            min_tail=self.min_tail,
        )


def _wide_index() -> Any:
    from ..inference.priors import Uniform

    return Uniform(1.0, 30.0)


def _require_tail(x: FloatArray, options: TailOptions) -> None:
    if options.min_tail < 2:
        raise InputError("min_tail cannot be used", value=options.min_tail, allowed=">= 2")
    above = x if options.xmin is None else x[x >= options.xmin]
    if above.size < options.min_tail:
        raise ShapeError(
            "too few data for a tail",
            value=above.size,
            allowed=f"at least {options.min_tail} (min_tail)",
            hint="lower min_tail or xmin",
        )
    if above[0] == above[-1]:
        raise InputError("all data above x_min have one value", value=above[0], hint="lower xmin")


def _doubts(x: FloatArray, n_limits: int, options: TailOptions) -> list[str]:
    """Return what speaks against taking the data as they are taken."""
    doubts = []
    # Above 2**53 every float is a whole number: an energy in erg is no count.
    if not options.discrete and x[-1] < 2.0**53 and np.array_equal(x, np.rint(x)):
        ties = x.size - np.unique(x).size
        if ties:
            doubts.append(
                f"all data are whole numbers, {ties} of them ties, but are taken as continuous: "
                f"counts and degrees need discrete=True"
            )
    if n_limits:
        doubts.append(
            f"{n_limits} saturated bursts are lower limits, but are taken as measured: the tail "
            f"comes out too steep; EnergyProblem takes them as what they are"
        )
    return doubts


def _resampled(
    x: FloatArray, options: TailOptions, item: int, seed: np.random.SeedSequence
) -> tuple[float, float]:
    rng = as_generator(seed)
    found = options.search(np.sort(x[rng.integers(0, x.size, x.size)]))
    return found.xmin, found.index


def _simulated_distance(
    body: FloatArray,
    n: int,
    law: tuple[float, float],
    options: TailOptions,
    item: int,
    seed: np.random.SeedSequence,
) -> float:
    """Return the distance of one data set: the body resampled, the tail drawn from the law."""
    rng = as_generator(seed)
    n_tail = int(rng.binomial(n, 1.0 - body.size / n))
    xmin, index = law
    if options.discrete:
        from .tail_search import draw_zeta

        tail = draw_zeta(index, xmin, n_tail, rng)
    else:
        tail = xmin * np.exp(rng.standard_exponential(n_tail) / (index - 1.0))
    below = body[rng.integers(0, body.size, n - n_tail)] if body.size else body
    return options.search(np.sort(np.concatenate([below, tail]))).distance
