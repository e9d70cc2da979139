"""Two engines that run the same ensemble moves: batched NumPy for any Problem, and compiled.

Proposals are made of the same operations in the same order on the same random numbers
(:class:`~astrokit.inference.draws.BlockDraws`), so the chains of both are bit-identical as long
as no acceptance hangs on the rounding of the likelihood.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, LikelihoodError
from .draws import CLOUD, CLOUD_FREEDOM, DE_MODE, STRETCH, BlockDraws

if TYPE_CHECKING:
    from .parameters import Parameters
    from .problem import Problem

__all__ = ["CompiledEngine", "Engine", "NumpyEngine", "TablePrior", "choose_engine", "make_engine"]

FloatArray = NDArray[np.float64]


class Engine(Protocol):
    """What advances an ensemble within one block of draws."""

    failed_at: int

    def run(
        self,
        coords: FloatArray,
        log_prob: FloatArray,
        draws: BlockDraws,
        sweeps: tuple[int, int, int, int],
        history: FloatArray,
        accepted: NDArray[np.int64],
    ) -> int:
        """Run sweeps ``(start, stop, skip, thin)`` in place; return the rows of history written.

        Raises LikelihoodError for NaN; `failed_at` then tells the sweep.
        """

    def log_posterior(self, theta: FloatArray) -> FloatArray:
        """Return ``(n,)`` log posteriors of ``(n, d)`` free values."""


class TablePrior:
    """Joint log prior of the free parameters from their table of numbers, all columns at once."""

    def __init__(self, table: FloatArray) -> None:
        self._low, self._high = table[:, 0].copy(), table[:, 1].copy()
        self._constant = float(table[:, 2].sum())
        kind = table[:, 4]
        self._logs = np.flatnonzero((table[:, 3] != 0) | (kind == 2))
        self._power = table[self._logs, 3]
        self._linear = np.flatnonzero(kind == 1)
        self._logarithmic = np.flatnonzero(kind[self._logs] == 2)
        self._mean = table[:, 5].copy()
        self._sigma = table[:, 6].copy()

    def inside(self, theta: FloatArray) -> NDArray[np.bool_] | None:
        """Return which rows lie in the support (NaN does not); None where all do."""
        within: NDArray[np.bool_] = (theta >= self._low) & (theta <= self._high)
        return None if within.all() else np.asarray(within.all(axis=1))

    def density(self, theta: FloatArray) -> FloatArray | float:
        """Return the log density of rows that lie in the support."""
        total: FloatArray | float = self._constant
        if self._linear.size:
            columns = self._linear
            z = (theta[:, columns] - self._mean[columns]) / self._sigma[columns]
            total = total - 0.5 * np.einsum("ij,ij->i", z, z)
        if self._logs.size:
            log_x = np.log(theta[:, self._logs])
            total = total - log_x @ self._power
            if self._logarithmic.size:
                columns = self._logs[self._logarithmic]
                z = (log_x[:, self._logarithmic] - self._mean[columns]) / self._sigma[columns]
                total = total - 0.5 * np.einsum("ij,ij->i", z, z)
        return total


class NumpyEngine:
    """Runs the moves with one batched likelihood call per half-ensemble; for any Problem."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        table = problem.parameters.compiled_priors
        self._prior = None if table is None else TablePrior(table)
        self.failed_at = -1

    def log_posterior(self, theta: FloatArray) -> FloatArray:
        """Return ``(n,)`` log posteriors; the likelihood is asked only inside the prior."""
        if self._prior is None:
            result = self._problem.log_posterior(theta)
        else:
            inside = self._prior.inside(theta)
            if inside is None:
                result = self._prior.density(theta) + self._log_likelihood(theta)
            else:
                result = np.full(theta.shape[0], -np.inf)
                if inside.any():
                    result[inside] = self.log_posterior(theta[inside])
        if not (result < np.inf).all():
            refuse_value(self._problem, theta[~(result < np.inf)][0])
        return result

    def _log_likelihood(self, theta: FloatArray) -> FloatArray:
        """Return what the problem's public method returns, without its check for NaN.

        ``log_posterior`` makes that check for the sum; twice would cost a tenth of a cheap run.
        """
        problem = self._problem
        result = problem._log_likelihood(problem.parameters.expand(theta))
        if not isinstance(result, np.ndarray) or result.shape != theta.shape[:1]:
            return problem.log_likelihood(theta)  # converts, or raises its own error
        return result

    def run(
        self,
        coords: FloatArray,
        log_prob: FloatArray,
        draws: BlockDraws,
        sweeps: tuple[int, int, int, int],
        history: FloatArray,
        accepted: NDArray[np.int64],
    ) -> int:
        """Run sweeps in place; see :class:`Engine`."""
        start, stop, skip, thin = sweeps
        rows = 0
        for s in range(start, stop):
            self.failed_at = s
            for side in (0, 1):
                active, threshold = draws.active[s, side], draws.threshold[s, side]
                proposal = _proposal(draws, s, side, coords)
                if proposal is None:
                    continue
                q, jacobian = proposal
                new = self.log_posterior(q)
                take = new - log_prob[active] + jacobian > threshold
                moved = active[take]
                coords[moved] = q[take]
                log_prob[moved] = new[take]
                accepted[moved] += 1
            if s - start >= skip and (s - start - skip) % thin == 0:
                history[rows, :, :-1] = coords
                history[rows, :, -1] = log_prob
                rows += 1
        self.failed_at = -1
        return rows


def _proposal(
    draws: BlockDraws, sweep: int, side: int, coords: FloatArray
) -> tuple[FloatArray, FloatArray | float] | None:
    """Return proposals for one half of the walkers; None where there is none and all stay."""
    kind, active = draws.kind[sweep, side], draws.active[sweep, side]
    if kind != CLOUD:
        return _propose(kind, draws.scale[sweep, side], coords, active, draws.partners[sweep, side])
    from .kernels import cloud

    d = coords.shape[1]
    mean, root = np.empty(d), np.zeros((d, d))
    if not cloud(coords, draws.active[sweep, 1 - side], mean, root):
        return None
    return _propose_cloud(coords.take(active, axis=0), draws.variate[sweep, side], mean, root)


def _propose_cloud(
    x: FloatArray, variate: FloatArray, mean: FloatArray, root: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return draws ``(h, d)`` of a t distribution and ln of the ratio of its densities."""
    q, z = np.empty_like(x), np.empty_like(x)
    here, there = np.zeros(len(x)), np.zeros(len(x))
    for k in range(x.shape[1]):
        place, rest = np.full(len(x), mean[k]), x[:, k] - mean[k]
        for j in range(k + 1):
            place += root[k, j] * variate[:, j]
            if j < k:
                rest -= root[k, j] * z[:, j]
        q[:, k] = place
        z[:, k] = rest / root[k, k]
        here += z[:, k] * z[:, k]
        there += variate[:, k] * variate[:, k]
    ratio = np.log1p(here / CLOUD_FREEDOM) - np.log1p(there / CLOUD_FREEDOM)
    return q, -0.5 * (CLOUD_FREEDOM + x.shape[1]) * ratio


def _propose(
    kind: int,
    scale: FloatArray,
    coords: FloatArray,
    active: NDArray[np.int64],
    partners: NDArray[np.int64],
) -> tuple[FloatArray, FloatArray | float]:
    """Return proposals ``(h, d)`` and the part of their log Jacobian that depends on positions."""
    x = coords.take(active, axis=0)
    first = coords.take(partners[0], axis=0)
    if kind == STRETCH:
        return first + scale[:, None] * (x - first), 0.0
    second = coords.take(partners[1], axis=0)
    if kind <= DE_MODE:
        return x + scale[:, None] * (first - second), 0.0
    line = x - first
    difference = second - coords.take(partners[2], axis=0)
    # Sums run over columns one by one: the order in which the compiled engine adds them.
    products, squares = line * difference, line * line
    along, length = products[:, 0].copy(), squares[:, 0].copy()
    for k in range(1, line.shape[1]):
        along += products[:, k]
        length += squares[:, k]
    with np.errstate(divide="ignore", invalid="ignore"):  # walkers on one spot: NaN, refused
        f = scale * (along / length)
        jacobian = (line.shape[1] - 1) * np.log(np.abs(1.0 + f))
    return x + f[:, None] * line, jacobian


class CompiledEngine:
    """Runs the moves in one numba call; needs a kernel, tabulated priors and no ties."""

    def __init__(self, problem: Problem) -> None:
        from . import kernels

        parameters = problem.parameters
        likelihood = problem.kernel
        if likelihood is None or parameters.compiled_priors is None or parameters.has_ties:
            raise InputError(
                "this problem cannot use the compiled engine",
                value=repr(problem),
                allowed="a kernel, priors of this package and no tied parameters",
                hint="leave engine='auto'",
            )
        self._problem = problem
        self._numpy = NumpyEngine(problem)
        self._run_block = kernels.run_block
        self._fixed = (
            likelihood.function.pointer,
            _for_kernel(likelihood.data),
            _for_kernel(parameters.values),
            parameters.free_index.copy(),
            _for_kernel(parameters.compiled_priors),
        )
        self._bad = np.zeros(len(parameters))
        self.failed_at = -1

    def log_posterior(self, theta: FloatArray) -> FloatArray:
        """Return ``(n,)`` log posteriors by the batched likelihood."""
        return self._numpy.log_posterior(theta)

    def run(
        self,
        coords: FloatArray,
        log_prob: FloatArray,
        draws: BlockDraws,
        sweeps: tuple[int, int, int, int],
        history: FloatArray,
        accepted: NDArray[np.int64],
    ) -> int:
        """Run sweeps in place; see :class:`Engine`."""
        numbers = (
            draws.kind,
            draws.active,
            draws.partners,
            draws.scale,
            draws.threshold,
            draws.variate,
            CLOUD_FREEDOM,
        )
        rows, self.failed_at = self._run_block(
            *self._fixed, coords, log_prob, numbers, sweeps, history, accepted, self._bad
        )
        if self.failed_at >= 0:
            refuse_value(self._problem, self._bad[self._problem.parameters.free_index])
        return int(rows)


def _for_kernel(array: Any) -> FloatArray:
    """Return contiguous, writable float64: a read-only array is another type to numba."""
    return np.require(array, dtype=np.float64, requirements=["C", "W"])


def refuse_value(problem: Problem, theta: FloatArray) -> None:
    """Raise the error for a log-likelihood that is NaN or +inf at `theta`, shape ``(d,)``."""
    raise LikelihoodError(
        f"the log-likelihood of {type(problem).__name__} is NaN or +inf",
        parameters=problem.parameters.named(theta),
        hint="narrow the priors, or return -inf where the model does not exist",
    )


def choose_engine(problem: Problem, wanted: str = "auto") -> str:
    """Return ``"compiled"`` or ``"numpy"``; depends on the problem alone, so a run can resume.

    Raises
    ------
    InputError
        For an unknown name, or "compiled" where the problem does not allow it.
    """
    if wanted not in ("auto", "numpy", "compiled"):
        raise InputError("engine is unknown", value=wanted, allowed="auto, numpy, compiled")
    if wanted != "auto":
        return wanted
    parameters: Parameters = problem.parameters
    able = parameters.compiled_priors is not None and not parameters.has_ties
    return "compiled" if able and problem.kernel is not None else "numpy"


def make_engine(problem: Problem, name: str) -> Any:
    """Return the engine called `name` for this problem."""
    return CompiledEngine(problem) if name == "compiled" else NumpyEngine(problem)
