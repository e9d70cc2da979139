"""The evidence (marginal likelihood) of a model by nested sampling (extra ``evidence``)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ComparisonError, InputError, MissingDependencyError
from ..estimate import Estimate
from ..provenance import Provenance, Recorder
from ..randomness import SeedLike, as_generator, as_seed_sequence
from .parameters import Parameters
from .problem import as_problem

if TYPE_CHECKING:
    from .fit_result import Fit
    from .problem import Problem

__all__ = ["Evidence", "evidence"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Evidence:
    """The evidence of a model with weighted posterior samples; made by :func:`evidence`.

    Attributes
    ----------
    parameters : Parameters
    log_evidence : Estimate
        ln Z with its sampling error.
    samples : ndarray, shape (n, d)
        Of the free parameters.
    weights : ndarray, shape (n,)
        Posterior weights of the samples; their sum is 1.
    statistic, data_checksum : str
        Of the problem.
    n_calls : int
        Evaluations of the likelihood.
    provenance : Provenance
    """

    parameters: Parameters
    log_evidence: Estimate
    samples: FloatArray
    weights: FloatArray
    statistic: str
    data_checksum: str
    n_calls: int
    provenance: Provenance = field(repr=False)

    def log_bayes_factor(self, other: Evidence) -> Estimate:
        """Return ``ln (Z_self / Z_other)`` with its sampling error.

        Raises
        ------
        ComparisonError
            When the two do not rest on the same data and statistic.
        """
        mine, theirs = ((e.data_checksum, e.statistic) for e in (self, other))
        if mine != theirs:
            raise ComparisonError(
                "the evidences do not rest on the same data and statistic",
                value=f"{mine[0][:12]}, {mine[1]} and {theirs[0][:12]}, {theirs[1]}",
            )
        a, b = self.log_evidence, other.log_evidence
        error = math.hypot(a.lower, b.lower)
        return Estimate(a.value - b.value, error, method="nested sampling", name="ln Bayes factor")

    def resample(self, n: int, seed: SeedLike = None) -> FloatArray:
        """Return `n` equally weighted posterior draws ``(n, d)``."""
        rng = as_generator(seed)
        return self.samples[rng.choice(len(self.samples), n, p=self.weights)]

    def __repr__(self) -> str:
        free = ", ".join(self.parameters.free_names)
        return f"Evidence: {self.log_evidence} ({free}; {self.n_calls} likelihood evaluations)"


def evidence(
    problem: Problem | Fit,
    *,
    live_points: int = 500,
    tolerance: float = 0.01,
    seed: SeedLike = None,
    progress: bool = False,
) -> Evidence:
    """Return the evidence ``Z = integral of likelihood x prior`` by nested sampling with dynesty.

    It depends on the width of the priors, as Bayes factors do: state them with the result.

    Parameters
    ----------
    problem : Problem or Fit
    live_points : int
        More give a smaller error, which falls with their square root.
    tolerance : float
        Stop when the remaining volume can change ln Z by less.
    seed : int, SeedSequence or Generator
    progress : bool

    Returns
    -------
    Evidence

    Raises
    ------
    MissingDependencyError
        Without the extra ``evidence``.
    InputError
        For fewer live points than 2 d + 2.

    References
    ----------
    Skilling 2006, Bayesian Analysis 1, 833; Speagle 2020, MNRAS 493, 3132.
    """
    dynesty = _dynesty()
    problem = as_problem(problem)
    d = problem.parameters.n_free
    if live_points < 2 * d + 2:
        raise InputError("too few live points", value=live_points, allowed=f">= {2 * d + 2}")
    sequence = as_seed_sequence(seed)
    recorder = Recorder(
        "astrokit.inference.evidence",
        {"problem": problem, "live_points": live_points, "tolerance": tolerance},
        inputs=problem.provenance_inputs(),
        seed=sequence,
        citations=(*problem.citation_keys, "skilling2006", "dynesty"),
    )
    transform = problem.parameters.prior_transform
    sampler = dynesty.NestedSampler(
        lambda theta: float(problem.log_likelihood(theta)[0]),
        lambda u: transform(np.atleast_2d(u))[0],
        d,
        nlive=live_points,
        rstate=np.random.default_rng(sequence),
    )
    sampler.run_nested(dlogz=tolerance, print_progress=progress)
    found = sampler.results
    weights = np.exp(found.logwt - found.logwt.max())
    how = f"nested sampling, {live_points} live points"
    return Evidence(
        parameters=problem.parameters,
        log_evidence=Estimate(
            float(found.logz[-1]), float(found.logzerr[-1]), method=how, name="ln Z"
        ),
        samples=np.asarray(found.samples, dtype=float),
        weights=weights / weights.sum(),
        statistic=problem.statistic_name,
        data_checksum=problem.data_checksum,
        n_calls=int(np.sum(found.ncall)),
        provenance=recorder.finish(),
    )


def _dynesty() -> Any:
    try:
        import dynesty
    except ImportError as error:
        raise MissingDependencyError(
            "the evidence needs dynesty, which is not installed",
            hint="pip install 'astrokit[evidence]'",
        ) from error
    return dynesty
