"""`Problem`: named parameters, a batched log-likelihood, and a way to simulate data.

From these three the backend derives fit, posterior, comparison, goodness of fit and calibration.
A room writes the hooks whose names start with an underscore; users call the public methods.
"""

from __future__ import annotations

import abc
import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, LikelihoodError, ParameterError
from ..randomness import SeedLike, as_generator
from .function_identity import class_checksum
from .parameters import Parameters

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from pathlib import Path

    from .fit_result import Fit
    from .options import SamplerOptions
    from .posterior import Posterior

__all__ = ["CompiledLikelihood", "Problem", "as_problem"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class CompiledLikelihood:
    """A numba-compiled scalar log-likelihood with its data: speed for the sampling block.

    Parameters
    ----------
    function : numba dispatcher
        Made by :func:`astrokit.inference.kernels.compiled_likelihood`; takes ALL parameter
        values ``(p,)`` and `data`, returns one float (``-inf`` outside its support).
    data : ndarray of float64, shape (k, m)
        Whatever the function needs, C-contiguous.
    """

    function: Any
    data: FloatArray


class Problem(abc.ABC):
    """Base of every analysis.

    A subclass passes its :class:`Parameters` to ``super().__init__`` and writes ``data``,
    ``with_data``, ``data_arrays``, ``_log_likelihood`` and ``_simulate_data``. The other hooks are
    optional and add speed or diagnostics only: results are the same without them.

    Attributes
    ----------
    statistic : str
        Name of the likelihood, such as ``"poisson"``; results are compared only within one.
    citation_keys : tuple of str
        What :func:`astrokit.cite` lists for this analysis.
    information_kind : str
        What the matrix of ``_score_and_information`` is, from which a fit takes its errors.
    """

    statistic: str = "likelihood"
    information_kind: str = "Fisher information"
    citation_keys: tuple[str, ...] = ()

    def __init__(self, parameters: Parameters) -> None:
        if not isinstance(parameters, Parameters):
            raise ParameterError(
                "a problem needs Parameters",
                value=type(parameters).__name__,
                hint="such as Parameters([Parameter('slope', 1.0, Uniform(0, 4))])",
            )
        if parameters.n_free == 0:
            raise ParameterError("every parameter is fixed or tied", hint="free at least one")
        self._parameters = parameters

    # -- what a subclass writes --------------------------------------------------------------

    @property
    @abc.abstractmethod
    def data(self) -> Any:
        """The data as the problem holds them; what ``_simulate_data`` returns."""

    @abc.abstractmethod
    def with_data(self, data: Any) -> Self:
        """Return the same problem (model, parameters, settings) for other data."""

    @abc.abstractmethod
    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return the numbers that make up the data, by name; their checksum identifies them."""

    @abc.abstractmethod
    def _log_likelihood(self, values: FloatArray) -> FloatArray:
        """Return ``(n,)`` log-likelihoods for ``(n, p)`` values of all parameters."""

    @abc.abstractmethod
    def _simulate_data(self, values: FloatArray, rng: np.random.Generator) -> Any:
        """Return data drawn from the model at ``(p,)`` values, of the design of `data`."""

    @property
    def n_data(self) -> int:
        """Number of data that the likelihood counts (for AICc, BIC and degrees of freedom)."""
        return len(next(iter(self.data_arrays().values())))

    @property
    def label(self) -> str:
        """A short name of the model for people; names the rows of tables."""
        return type(self).__name__

    @property
    def statistic_name(self) -> str:
        """Name of the likelihood; the class attribute `statistic` unless a class says otherwise."""
        return self.statistic

    @property
    def kernel(self) -> CompiledLikelihood | None:
        """A compiled form of ``_log_likelihood``, or None."""
        return None

    def _pointwise(self, values: FloatArray) -> FloatArray | None:
        """Return ``(n, n_data)`` log-likelihoods per datum, or None if they do not factorise."""
        return None

    def _residuals(self, values: FloatArray) -> FloatArray | None:
        """Return ``(m,)`` standardised residuals (-chi2/2 is ln L + constant), or None."""
        return None

    def _deviance(self, values: FloatArray) -> float | None:
        """Return twice the distance of ln L from a model that meets every datum, such as chi2.

        None where it is not known; a fit then states -2 ln L.
        """
        r = self._residuals(values)
        return None if r is None else float(r @ r)

    def _score_and_information(
        self, values: FloatArray
    ) -> tuple[float, FloatArray, FloatArray] | None:
        """Return ln L, gradient ``(p,)`` and Fisher information ``(p, p)``, or None."""
        return None

    def _observed_information(self, values: FloatArray) -> FloatArray | None:
        """Return minus the Hessian of ln L ``(p, p)``, from which a fit takes its errors, or None.

        Where a model is only roughly right it says more than the Fisher information, which is
        what the model expects of average data.
        """
        return None

    def _coarse(self) -> Problem | None:
        """Return a cheap problem of the same parameters with its maximum nearby, or None.

        Such as one for binned data: a fit searches it from all starts, and the full data only from
        where those searches ended.
        """
        return None

    def _nearer(self, values: FloatArray) -> FloatArray:
        """Return ``(n, p)`` values moved to where ln L is likely to be higher, if that is cheap.

        Such as with a normalisation that meets the sum of the data. Draws from the prior go through
        it before a fit chooses its starts among them; only free parameters may move, within the
        support of their priors.
        """
        return values

    def _known_maximum(self) -> tuple[FloatArray, float] | None:
        """Return free values ``(d,)`` at which ln L is known to be highest, and ln L, or None.

        For a likelihood whose maximum is found in its own way, as one with kinks that no gradient
        climbs: a fit then searches nothing, and simulated tests compare these values alone.
        """
        return None

    def _reservations(self, values: FloatArray) -> tuple[str, ...]:
        """Return sentences a reader of a result at `values` must know (bias, few counts).

        Fits and samples keep and print them, and raise each as a CoverageWarning.
        """
        return ()

    def settings(self) -> Mapping[str, Any]:
        """Return the options that, beside the parameters, define the model, as JSON types."""
        return {}

    def provenance_inputs(self) -> list[dict[str, Any]]:
        """Return one record per input (file name, sha256, rows); the data checksum by default."""
        return [{"data_sha256": self.data_checksum}]

    # -- what a user calls -------------------------------------------------------------------

    @property
    def parameters(self) -> Parameters:
        """The parameters with priors, fixed values and ties."""
        return self._parameters

    def with_parameters(self, parameters: Parameters) -> Self:
        """Return the same problem with other priors, fixed values or ties.

        Raises
        ------
        ParameterError
            When names or their order differ, or nothing is free.
        """
        if parameters.names != self._parameters.names:
            raise ParameterError(
                "the parameters of a problem keep their names and order",
                value=parameters.names,
                allowed=", ".join(self._parameters.names),
            )
        if parameters.n_free == 0:
            raise ParameterError("every parameter is fixed or tied", hint="free at least one")
        other = copy.copy(self)
        other._parameters = parameters
        return other

    def log_likelihood(self, theta: ArrayLike) -> FloatArray:
        """Return the log-likelihood of each row of free parameter values.

        Parameters
        ----------
        theta : array_like, shape (n, d) or (d,)
            Columns are ``parameters.free_names``.

        Returns
        -------
        ndarray, shape (n,)
            ``-inf`` where the model does not exist.

        Raises
        ------
        LikelihoodError
            Where the value is NaN; names the parameters.
        """
        values = self._parameters.expand(theta)
        result = np.asarray(self._log_likelihood(values), dtype=float)
        if result.shape != (values.shape[0],):
            raise InputError(
                f"{type(self).__name__} returned log-likelihoods of the wrong shape",
                value=result.shape,
                allowed=f"({values.shape[0]},)",
                hint="values hold one point per row, (n, p): return one number per row, (n,)",
            )
        self._refuse_nan(result, values)
        return result

    def log_prior(self, theta: ArrayLike) -> FloatArray:
        """Return the log prior density of each row, shape ``(n,)``."""
        return self._parameters.log_prior(theta)

    def log_posterior(self, theta: ArrayLike) -> FloatArray:
        """Return log prior + log-likelihood ``(n,)``; outside the prior only the prior is asked."""
        theta = self._parameters.as_theta(theta)
        result = self.log_prior(theta)
        inside = np.isfinite(result)
        if inside.any():
            result[inside] += self.log_likelihood(theta[inside])
        return result

    def pointwise(self, theta: ArrayLike) -> FloatArray:
        """Return log-likelihoods per datum, shape ``(n, n_data)``.

        Raises
        ------
        InputError
            When the likelihood of this problem does not factorise.
        """
        result = self._pointwise(self._parameters.expand(theta))
        if result is None:
            raise InputError(
                f"the likelihood of {type(self).__name__} does not factorise over data",
                hint="compare with AIC, BIC or evidence instead of LOO or WAIC",
            )
        return result

    def score_and_information(
        self, theta: ArrayLike
    ) -> tuple[float, FloatArray, FloatArray] | None:
        """Return ln L, gradient ``(d,)`` and Fisher information ``(d, d)`` in the free parameters.

        None where the problem offers no derivatives, or has tied parameters (whose chain rule
        lmfit expressions do not give).
        """
        if self._parameters.has_ties:
            return None
        answer = self._score_and_information(self._parameters.expand(theta)[0])
        if answer is None:
            return None
        log_likelihood, score, information = answer
        free = self._parameters.free_index
        if free.size == score.size:
            return answer
        return log_likelihood, score[free], information[np.ix_(free, free)]

    def observed_information(self, theta: ArrayLike) -> FloatArray | None:
        """Return minus the Hessian of ln L ``(d, d)`` in the free parameters.

        None where the problem does not offer it, or has tied parameters.
        """
        if self._parameters.has_ties:
            return None
        answer = self._observed_information(self._parameters.expand(theta)[0])
        free = self._parameters.free_index
        return None if answer is None else answer[np.ix_(free, free)]

    def simulate(self, theta: ArrayLike, rng: SeedLike = None) -> Self:
        """Return a problem of the same design with data drawn from the model.

        Parameters
        ----------
        theta : array_like, shape (d,)
            Free parameter values.
        rng : int, SeedSequence or Generator, optional
        """
        values = self._parameters.expand(theta)[0]
        return self.with_data(self._simulate_data(values, as_generator(rng)))

    @property
    def data_checksum(self) -> str:
        """sha256 over names, shapes and bytes of the data and the statistic."""
        digest = hashlib.sha256(self.statistic_name.encode())
        for name, array in sorted(self.data_arrays().items()):
            array = np.ascontiguousarray(array)
            digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
            digest.update(array.tobytes())
        return digest.hexdigest()

    @property
    def model_checksum(self) -> str:
        """sha256 over class, parameters (with priors, fixed values, ties) and settings.

        Of a class from outside astrokit its code counts as well: a checkpoint must not go on with
        an edited model.
        """
        cls = type(self)
        record = [
            [cls.__name__, class_checksum(cls)],
            self._parameters.as_list(),
            dict(self.settings()),
        ]
        return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()

    def fit(
        self,
        *,
        start: Mapping[str, float] | None = None,
        n_starts: int = 5,
        seed: SeedLike = 0,
        method: str = "auto",
    ) -> Fit:
        """Return the maximum-likelihood fit; see :func:`astrokit.inference.fitting.fit`."""
        from .fitting import fit

        return fit(self, start=start, n_starts=n_starts, seed=seed, method=method)

    def sample(
        self,
        *,
        seed: SeedLike = None,
        until: float = 50.0,
        max_steps: int = 100_000,
        walkers: int | None = None,
        ensembles: int = 4,
        checkpoint: str | Path | None = None,
        executor: Executor | None = None,
        options: SamplerOptions | None = None,
    ) -> Posterior:
        """Return the posterior by MCMC; see :func:`astrokit.inference.sampling.sample`."""
        from .sampling import sample

        return sample(
            self,
            seed=seed,
            until=until,
            max_steps=max_steps,
            walkers=walkers,
            ensembles=ensembles,
            checkpoint=checkpoint,
            executor=executor,
            options=options,
        )

    # -- inner parts -------------------------------------------------------------------------

    def _refuse_nan(self, result: FloatArray, values: FloatArray) -> None:
        bad = np.isnan(result)
        if bad.any():
            row = values[np.flatnonzero(bad)[0]]
            raise LikelihoodError(
                f"the log-likelihood of {type(self).__name__} is NaN",
                parameters=dict(zip(self._parameters.names, row.tolist(), strict=True)),
                hint="narrow the priors, or return -inf where the model does not exist",
            )

    def __repr__(self) -> str:
        free = ", ".join(self._parameters.free_names)
        return f"<{type(self).__name__}: {self.n_data} data, free: {free}>"


def as_problem(source: Any) -> Problem:
    """Return a problem, or that of a fit.

    Raises
    ------
    InputError
        For anything else, such as a posterior, which does not remember its problem.
    """
    if isinstance(source, Problem):
        return source
    if hasattr(source, "require_problem"):
        return source.require_problem()
    raise InputError(
        "a Problem is needed, or a Fit of one",
        value=type(source).__name__,
        hint="pass what was fitted or sampled, such as the PSDProblem",
    )
