"""`Posterior`: samples of the parameters, what they say, and whether to believe them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..estimate import ONE_SIGMA
from ..provenance import Provenance
from .chain import ChainView, MemoryChain
from .diagnostics import Verdict
from .expressions import evaluate
from .intervals import SampledEstimate, Summary, summarise
from .parameters import Parameters

if TYPE_CHECKING:
    from astropy.table import QTable
    from matplotlib.figure import Figure

    from .plots import Band
    from .problem import Problem

__all__ = ["Posterior"]

FloatArray = NDArray[np.float64]

_MOST_SAMPLES = 200_000


@dataclass(frozen=True, eq=False, repr=False)
class Posterior:
    """Samples of a posterior; made by :meth:`Problem.sample`, not by hand.

    Attributes
    ----------
    parameters : Parameters
        As they were defined: priors, fixed values, ties.
    verdict : Verdict
        "converged", "tentative" or "failed", with the numbers behind it and advice.
    view : ChainView
        The stored chain with burn-in; :meth:`chain` reads it.
    thin : int
        Sweeps per stored row.
    n_data, label, statistic, data_checksum, model_checksum
        Of the problem; the label is a short name of the model.
    reservations : tuple of str
        What a reader of the result must know, in sentences.
    provenance : Provenance
        What ran, on which data, with which seed and versions; what to cite.

    Examples
    --------
    >>> from astrokit.inference import CurveProblem, Parameter, Parameters, Uniform
    >>> p = Parameters([Parameter("level", 2.0, Uniform(-9, 9))])
    >>> problem = CurveProblem([0, 1], [1, 3], [1, 1], lambda x, level: level + 0 * x, p)
    >>> posterior = problem.sample(seed=1)
    >>> print(posterior["level"])
    level = 2.0 +/- 0.7
    >>> bool(posterior.verdict)
    True
    """

    parameters: Parameters
    verdict: Verdict
    view: ChainView
    thin: int
    n_data: int
    label: str
    statistic: str
    reservations: tuple[str, ...]
    data_checksum: str
    model_checksum: str
    provenance: Provenance = field(repr=False)

    # -- samples -----------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the free parameters: the columns of `samples`."""
        return self.parameters.free_names

    @property
    def n_free(self) -> int:
        """Number d of free parameters."""
        return self.parameters.n_free

    @property
    def samples(self) -> FloatArray:
        """Samples of the free parameters after burn-in, shape ``(n, d)``.

        Thinned to about two per autocorrelation time and walker, at most 200,000.
        """
        return self._kept[:, :-1]

    @property
    def log_prob(self) -> FloatArray:
        """Log posterior of each sample (without the evidence), shape ``(n,)``."""
        return self._kept[:, -1]

    @cached_property
    def log_likelihood(self) -> FloatArray:
        """Log-likelihood of each sample, shape ``(n,)``."""
        return self.log_prob - self.parameters.log_prior(self.samples)

    def draws(self, name: str) -> FloatArray:
        """Return the samples of one parameter, free, fixed or tied, shape ``(n,)``."""
        self.parameters[name]  # an unknown name gets its error
        return self._values[:, self.parameters.names.index(name)]

    def chain(self, discard: int | None = None, thin: int = 1) -> FloatArray:
        """Return the chain of the free parameters, shape ``(ensembles, rows, walkers, d)``.

        Parameters
        ----------
        discard : int, optional
            Sweeps dropped from the front; the burn-in by default.
        thin : int
            Take every `thin`-th stored row.
        """
        return self._records(discard, thin)[..., :-1]

    @cached_property
    def best(self) -> dict[str, float]:
        """The stored sample of highest posterior, all parameters by name."""
        return self.parameters.named(self._extremes[0])

    @property
    def max_log_likelihood(self) -> float:
        """The largest log-likelihood among the stored samples; below the true maximum."""
        return self._extremes[1]

    # -- estimates ---------------------------------------------------------------------------

    def __getitem__(self, name: str) -> SampledEstimate:
        return self.estimate(name)

    def estimate(
        self, name: str, *, level: float = ONE_SIGMA, kind: str = "median"
    ) -> SampledEstimate:
        """Return value and interval of a parameter.

        Parameters
        ----------
        name : str
            Free, tied or fixed.
        level : float
            Probability inside the interval.
        kind : {"median", "hdi", "mode"}
            Median with central interval; median with highest-density (shortest) interval; mode
            with highest-density interval.

        Returns
        -------
        SampledEstimate
            An Estimate that also holds the samples.
        """
        parameter = self.parameters[name]
        return summarise(self.draws(name), name, parameter.unit, level=level, kind=kind)

    def derived(
        self,
        function: str | Callable[[Mapping[str, FloatArray]], ArrayLike],
        *,
        name: str = "derived",
        unit: Any = None,
        level: float = ONE_SIGMA,
        kind: str = "median",
    ) -> SampledEstimate:
        """Return the estimate of a quantity that follows from the parameters.

        Parameters
        ----------
        function : str or callable
            An expression in parameter names (``"1 / bend"``), or a function of a mapping from
            names to samples ``(n,)`` that returns ``(n,)``.
        name, unit
            Of the result.
        level, kind
            As in :meth:`estimate`.

        Raises
        ------
        InputError
            When the result is not one finite number per sample.
        """
        columns = dict(zip(self.parameters.names, self._values.T, strict=True))
        values = _evaluated(function, columns)
        if values.shape != (len(self.samples),) or not np.isfinite(values).all():
            raise InputError(
                f"{name} is not one finite number per sample",
                value=f"shape {values.shape}, {int((~np.isfinite(values)).sum())} not finite",
                hint="write it with NumPy operations on arrays; narrow priors where it diverges",
            )
        return summarise(values, name, unit, level=level, kind=kind)

    def band(
        self, function: Callable[..., ArrayLike], x: ArrayLike, *, level: float = ONE_SIGMA
    ) -> Band:
        """Return median and central interval of a curve at each x.

        Parameters
        ----------
        function : callable
            ``function(x, *parameters)``, all parameters in order, as for
            :class:`~astrokit.inference.CurveProblem`: x ``(m,)``, parameters ``(n, 1)``.
        x : array_like, shape (m,)
        level : float

        Returns
        -------
        Band
            Has ``x, median, lower, upper`` and ``plot(ax=None)``.
        """
        from .plots import curve_band

        return curve_band(self, function, x, level)

    def summary(self) -> Summary:
        """Return a printable table: estimates, tau, effective samples, R-hat, and the verdict."""
        return Summary.of(self)

    # -- figures and interchange -------------------------------------------------------------

    def corner(self, names: tuple[str, ...] | None = None, **truths: float) -> Figure:
        """Return a figure of all one- and two-dimensional marginal distributions.

        Parameters
        ----------
        names : tuple of str, optional
            Parameters to show; the free ones by default.
        **truths : float
            Values to mark, by parameter name.
        """
        from .plots import corner

        return corner(self, names, truths)

    def trace(self, names: tuple[str, ...] | None = None) -> NDArray[Any]:
        """Return axes ``(d,)`` with the walk of each ensemble through each parameter."""
        from .plots import trace

        return trace(self, names)

    def report(self, path: str | os.PathLike[str], *, problem: Problem | None = None) -> Path:
        """Write a self-contained web page of this result.

        It holds the verdict, the table of parameters, figures, the chain, settings, provenance,
        citations, and the code that makes the same result again.

        Parameters
        ----------
        path : path-like
            Ends in ``.html``; a file of that name is replaced.
        problem : Problem, optional
            The one that was sampled; where it can draw itself, the data appear with the model.

        Returns
        -------
        Path

        Raises
        ------
        InputError
            When the page cannot be written, or `problem` has other data.

        Examples
        --------
        ``posterior.report("mrk766.html", problem=problem)``
        """
        from .report import report_posterior

        return report_posterior(self, path, problem)

    def to_arviz(self) -> Any:
        """Return ArviZ data with one chain per walker, after burn-in.

        Raises
        ------
        MissingDependencyError
            Without the extra ``arviz``.
        """
        from .interchange import to_arviz

        return to_arviz(self)

    def to_table(self) -> QTable:
        """Return the samples as an astropy table: all parameters with units, and log posterior."""
        from .interchange import to_table

        return to_table(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to an HDF5 file; :func:`astrokit.inference.load` reads it back."""
        from .storage import save

        save(self, path)

    def to_record(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return JSON types and the chain; :meth:`from_record` restores the posterior."""
        record = {
            "parameters": self.parameters.as_list(),
            "verdict": self.verdict.as_dict(),
            "thin": self.thin,
            "n_data": self.n_data,
            "label": self.label,
            "statistic": self.statistic,
            "reservations": list(self.reservations),
            "data_checksum": self.data_checksum,
            "model_checksum": self.model_checksum,
            "provenance": self.provenance.to_json(),
        }
        return record, {"chain": self.view}

    @classmethod
    def from_record(cls, record: Mapping[str, Any], arrays: Mapping[str, Any]) -> Posterior:
        """Rebuild a posterior from :meth:`to_record`."""
        chain = arrays["chain"]
        if isinstance(chain, np.ndarray):
            chain = MemoryChain.of(chain)
        fields = dict(record)
        fields["parameters"] = Parameters.from_list(record["parameters"])
        fields["verdict"] = Verdict(**record["verdict"])
        fields["reservations"] = tuple(record["reservations"])
        fields["provenance"] = Provenance.from_json(record["provenance"])
        view = ChainView(chain, chain.shape[1], tuple(range(chain.shape[0])))
        return cls(view=view, **fields)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Posterior):
            return NotImplemented
        from .storage import as_json

        same_record = as_json(self.to_record()[0]) == as_json(other.to_record()[0])
        return same_record and self.view.equals(other.view)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    # -- inner parts -------------------------------------------------------------------------

    @cached_property
    def _kept(self) -> FloatArray:
        """Kept records ``(n, d + 1)``, ensemble after ensemble."""
        ensembles, rows, walkers, width = self.view.shape
        longest = max(self.verdict.tau.values())
        step = max(1, int(0.5 * longest / self.thin)) if math.isfinite(longest) else 1
        rows_left = rows - self.verdict.burn_in // self.thin
        step = max(step, math.ceil(rows_left * walkers * ensembles / _MOST_SAMPLES))
        kept = self._records(None, step).reshape(-1, width)
        kept.flags.writeable = False
        return kept

    @cached_property
    def _values(self) -> FloatArray:
        """Samples of all parameters ``(n, p)``."""
        return self.parameters.expand(self.samples)

    def _records(self, discard: int | None, thin: int) -> FloatArray:
        discard = self.verdict.burn_in if discard is None else discard
        start = -(-discard // self.thin)
        return np.stack([self.view.read(e, start, None, thin) for e in range(self.view.shape[0])])

    @cached_property
    def _extremes(self) -> tuple[FloatArray, float]:
        """The free values of highest posterior, and the largest log-likelihood."""
        best, highest, likeliest = np.empty(0), -math.inf, -math.inf
        for ensemble in range(self.view.shape[0]):
            for piece in self.view.pieces(ensemble):
                flat = piece.reshape(-1, piece.shape[2])
                top = int(np.argmax(flat[:, -1]))
                if flat[top, -1] > highest:
                    best, highest = flat[top, :-1].copy(), float(flat[top, -1])
                likelihood = flat[:, -1] - self.parameters.log_prior(flat[:, :-1])
                likeliest = max(likeliest, float(likelihood.max()))
        return best, likeliest


def _evaluated(
    function: str | Callable[[Mapping[str, FloatArray]], ArrayLike],
    columns: Mapping[str, FloatArray],
) -> FloatArray:
    """Evaluate an expression or function on arrays of samples."""
    if not isinstance(function, str):
        return np.asarray(function(columns), dtype=float)
    try:
        return np.asarray(evaluate(function, columns), dtype=float)
    except (ArithmeticError, NameError, SyntaxError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            "the expression cannot be evaluated",
            value=function,
            allowed=f"parameters {', '.join(columns)} and NumPy functions",
            hint=str(error).strip().splitlines()[-1] if str(error).strip() else None,
        ) from error
