"""Compiled sampling: the block of ensemble moves, and likelihoods that it can call.

A likelihood reaches the block as a first-class function of one fixed signature. So the block is
compiled once for all likelihoods and both lie in numba's cache on disk; a block that closed over
its likelihood would be compiled anew in every process.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cfunc, njit, types

__all__ = ["CompiledFunction", "cloud", "compiled_likelihood", "log_prior", "run_block"]

SIGNATURE = types.float64(types.float64[::1], types.float64[:, ::1])
# Sums may be regrouped, so that loops run several numbers per instruction; NaN and infinity keep
# their meaning.
_OPTIONS = {"error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz"}}


class CompiledFunction:
    """A likelihood ``function(values, data) -> float``, compiled on first use.

    Calling it runs the plain Python function, so tests can hold it against a reference.
    """

    def __init__(self, function: Callable[..., float]) -> None:
        self.python = function
        functools.update_wrapper(self, function)

    @functools.cached_property
    def pointer(self) -> Any:
        """The compiled function as a numba ``CFunc``, read from the cache on disk if it is there.

        A function without a source file (typed into a console) cannot be cached.
        """
        try:
            return cfunc(SIGNATURE, cache=True, **_OPTIONS)(self.python)
        except RuntimeError:
            return cfunc(SIGNATURE, **_OPTIONS)(self.python)

    def __call__(self, values: Any, data: Any) -> float:
        return self.python(values, data)

    def __reduce__(self) -> tuple[Any, ...]:
        # As a function does: by name. The decorated name stands for this object.
        return _import_name, (self.python.__module__, self.python.__qualname__)


def _import_name(module: str, name: str) -> Any:
    from importlib import import_module
    from operator import attrgetter

    return attrgetter(name)(import_module(module))


def compiled_likelihood(function: Callable[..., float]) -> CompiledFunction:
    """Declare a scalar log-likelihood that the compiled sampling block may call.

    Parameters
    ----------
    function : callable
        ``function(values, data) -> float`` in the part of Python that numba compiles: `values` is
        float64 ``(p,)`` and holds ALL parameters in order, `data` is float64 ``(k, m)``,
        C-contiguous. ``-inf`` means outside the support; NaN stops the sampler with an error.

    Returns
    -------
    CompiledFunction
        For :class:`~astrokit.inference.CompiledLikelihood`. Nothing is compiled yet.

    Notes
    -----
    Take logarithms of the data once, in a row of `data`, and leave only ``exp`` in the loop.

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.inference import compiled_likelihood
    >>> @compiled_likelihood
    ... def constant(values, data):
    ...     total = 0.0
    ...     for y in data[0]:
    ...         total -= 0.5 * (y - values[0]) ** 2
    ...     return total
    >>> float(constant(np.array([1.0]), np.array([[1.0, 2.0]])))
    -0.5
    """
    return CompiledFunction(function)


@njit(cache=True, error_model="numpy", nogil=True)
def log_prior(theta: Any, table: Any) -> float:
    """Return the log prior density of one vector from the ``(d, 7)`` table of its priors."""
    total = 0.0
    for k in range(theta.size):
        x = theta[k]
        if not (table[k, 0] <= x <= table[k, 1]):  # also refuses NaN
            return -np.inf
        total += table[k, 2]
        log_x = math.log(x) if table[k, 3] != 0.0 or table[k, 4] == 2.0 else 0.0
        total -= table[k, 3] * log_x
        if table[k, 4] != 0.0:
            z = ((x if table[k, 4] == 1.0 else log_x) - table[k, 5]) / table[k, 6]
            total -= 0.5 * z * z
    return total


@njit(cache=True, error_model="numpy", nogil=True)
def propose(kind: int, scale: float, x: Any, first: Any, second: Any, third: Any, q: Any) -> float:
    """Write one proposal into `q`; return the part of the log Jacobian that depends on positions.

    Operations and their order are those of the NumPy engine, so both give the same bits.
    """
    d = x.size
    if kind == 0:
        for k in range(d):
            q[k] = first[k] + scale * (x[k] - first[k])
        return 0.0
    if kind < 3:
        for k in range(d):
            q[k] = x[k] + scale * (first[k] - second[k])
        return 0.0
    along = 0.0
    length = 0.0
    for k in range(d):
        v = x[k] - first[k]
        along += v * (second[k] - third[k])
        length += v * v
    f = scale * (along / length)
    for k in range(d):
        q[k] = x[k] + f * (x[k] - first[k])
    return (d - 1) * math.log(abs(1.0 + f))  # |q - z| / |x - z| = |1 + f|


@njit(cache=True, error_model="numpy", nogil=True)
def cloud(coords: Any, members: Any, mean: Any, root: Any) -> bool:
    """Write mean and Cholesky factor of the covariance of some walkers; False where singular."""
    h, d = members.size, mean.size
    for k in range(d):
        total = 0.0
        for i in range(h):
            total += coords[members[i], k]
        mean[k] = total / h
    for k in range(d):
        for j in range(k + 1):
            total = 0.0
            for i in range(h):
                w = members[i]
                total += (coords[w, k] - mean[k]) * (coords[w, j] - mean[j])
            root[k, j] = total / (h - 1)
    for k in range(d):
        variance = root[k, k]
        for j in range(k + 1):
            total = root[k, j]
            for i in range(j):
                total -= root[k, i] * root[j, i]
            if j < k:
                root[k, j] = total / root[j, j]
            elif total > 1e-12 * variance:
                root[k, k] = math.sqrt(total)
            else:
                return False
    return True


@njit(cache=True, error_model="numpy", nogil=True)
def propose_cloud(x: Any, variate: Any, mean: Any, root: Any, freedom: float, q: Any) -> float:
    """Write an independent draw of a t distribution into `q`; return ln of its ratio of densities.

    That is ln t(x) - ln t(q). Operations and their order are those of the NumPy engine.
    """
    d = x.size
    here, there = 0.0, 0.0
    z = np.empty(d)
    for k in range(d):
        place, rest = mean[k], x[k] - mean[k]
        for j in range(k + 1):
            place += root[k, j] * variate[j]
            if j < k:
                rest -= root[k, j] * z[j]
        q[k] = place
        z[k] = rest / root[k, k]
        here += z[k] * z[k]
        there += variate[k] * variate[k]
    return -0.5 * (freedom + d) * (math.log1p(here / freedom) - math.log1p(there / freedom))


@njit(cache=True, error_model="numpy", nogil=True)
def run_block(
    function: Any,
    data: Any,
    template: Any,
    free: Any,
    priors: Any,
    coords: Any,
    log_prob: Any,
    draws: Any,
    sweeps: Any,
    history: Any,
    accepted: Any,
    bad: Any,
) -> tuple[int, int]:
    """Run sweeps of the ensemble in place; return (rows written, sweep of the first NaN or -1).

    Parameters
    ----------
    function : CFunc of SIGNATURE
    data : (k, m) float64, for `function`
    template : (p,) float64
        Values of all parameters; those at the indices `free` are overwritten.
    free : (d,) int64
    priors : (d, 7) float64, see ``Prior.compiled``
    coords, log_prob : (W, d), (W,)
        The ensemble, changed in place.
    draws : tuple
        kind, active, partners, scale, threshold, variate of ``BlockDraws``, and the degrees of
        freedom of the last.
    sweeps : tuple of int
        start, stop within the block; every `thin`-th sweep is recorded, the first after `skip`.
    history : (rows, W, d + 1)
        Receives positions and, last, log posterior.
    accepted : (W,) int64, counts are added
    bad : (p,) receives the values where `function` gave NaN or +inf
    """
    kind, active, partners, scale, threshold, variate, freedom = draws
    start, stop, skip, thin = sweeps
    half = active.shape[2]
    d = coords.shape[1]
    q, mean, root = np.empty(d), np.empty(d), np.zeros((d, d))
    values = template.copy()
    rows = 0
    for s in range(start, stop):
        for side in range(2):
            is_cloud = kind[s, side] == 4
            if is_cloud and not cloud(coords, active[s, 1 - side], mean, root):
                continue  # no proposal: all stay
            for i in range(half):
                w = active[s, side, i]
                if is_cloud:
                    jacobian = propose_cloud(coords[w], variate[s, side, i], mean, root, freedom, q)
                else:
                    jacobian = propose(
                        kind[s, side],
                        scale[s, side, i],
                        coords[w],
                        coords[partners[s, side, 0, i]],
                        coords[partners[s, side, 1, i]],
                        coords[partners[s, side, 2, i]],
                        q,
                    )
                new = log_prior(q, priors)
                if new == -np.inf:
                    continue
                for k in range(d):
                    values[free[k]] = q[k]
                new += function(values, data)
                if not new < np.inf:
                    bad[:] = values
                    return rows, s
                if new - log_prob[w] + jacobian > threshold[s, side, i]:
                    coords[w] = q
                    log_prob[w] = new
                    accepted[w] += 1
        if s - start >= skip and (s - start - skip) % thin == 0:
            history[rows, :, :d] = coords
            history[rows, :, d] = log_prob
            rows += 1
    return rows, -1
