"""The block of moves as an ``emcee`` Move: emcee drives, and pays its cost once per block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from emcee.moves import Move
from numpy.typing import NDArray

from .draws import BlockDraws, Moves, block_length, draw_block

if TYPE_CHECKING:
    from .engines import Engine

__all__ = ["BlockMove"]

FloatArray = NDArray[np.float64]


class BlockMove(Move):  # type: ignore[misc]
    """Many red-blue sweeps of the ensemble in one call of ``propose``.

    In a sweep the walkers are split at random into two halves; each half is moved by one kind of
    proposal built from the other half, first one, then the other. Every kind leaves the
    posterior invariant, so any mixture does.

    Parameters
    ----------
    engine : Engine
        Evaluates and accepts; see :mod:`astrokit.inference.engines`.
    seed : numpy.random.SeedSequence
        Of this ensemble; emcee's own random state is not used.
    moves : Moves
        Weights of the proposals.
    history : ndarray, shape (rows, W, d + 1)
        Receives positions and log posterior of every `thin`-th sweep.
    step : int
        Sweeps done before: where in the stream of random numbers to go on.
    thin : int

    Attributes
    ----------
    sweeps : int
        How many sweeps the next ``propose`` may run; it stops at the end of a block of draws.
    rows : int
        Rows of `history` filled so far.
    accepted : ndarray of int, shape (W,)
        Accepted proposals per walker since this object was made.

    Examples
    --------
    The move works in an ordinary sampler of emcee:

    >>> import emcee, numpy as np
    >>> from astrokit.inference import CurveProblem, Parameter, Parameters, Uniform
    >>> from astrokit.inference.draws import Moves
    >>> from astrokit.inference.engines import NumpyEngine
    >>> from astrokit.inference.moves import BlockMove
    >>> p = Parameters([Parameter("level", 0.0, Uniform(-9, 9))])
    >>> problem = CurveProblem([0, 1], [1, 3], [1, 1], lambda x, level: level + 0 * x, p)
    >>> engine, seed = NumpyEngine(problem), np.random.SeedSequence(1)
    >>> move = BlockMove(engine, seed, Moves(), np.empty((100, 8, 2)))
    >>> sampler = emcee.EnsembleSampler(8, 1, engine.log_posterior, moves=move, vectorize=True)
    >>> start = np.linspace(-1, 1, 8)[:, None]
    >>> move.sweeps = 50
    >>> for state in sampler.sample(start, iterations=2, store=False):
    ...     pass
    >>> move.step, move.rows
    (100, 100)
    """

    def __init__(
        self,
        engine: Engine,
        seed: np.random.SeedSequence,
        moves: Moves,
        history: FloatArray,
        *,
        step: int = 0,
        thin: int = 1,
    ) -> None:
        self.engine = engine
        self.history = history
        self.step = step
        self.thin = thin
        self.rows = 0
        self.sweeps = block_length(history.shape[1])
        self.accepted = np.zeros(history.shape[1], dtype=np.int64)
        self._seed = seed
        self._moves = moves
        self._block = -1
        self._draws: BlockDraws | None = None

    def propose(self, model: Any, state: Any) -> tuple[Any, NDArray[np.bool_]]:
        """Run up to `sweeps` sweeps in place; return the state and which walkers moved."""
        before = self.accepted.copy()
        self.run(state.coords, state.log_prob)
        return state, self.accepted > before

    def run(self, coords: FloatArray, log_prob: FloatArray, *, stop: int | None = None) -> None:
        """Run up to `sweeps` sweeps (and not beyond sweep number `stop`) in place."""
        block, start, end = self.window(coords.shape[0])
        if stop is not None:
            end = min(end, start + stop - self.step)
        draws = self._draws_of(block, *coords.shape)
        skip = (-self.step - 1) % self.thin  # the sweep that makes the count a multiple of thin
        sweeps = (start, end, skip, self.thin)
        self.rows += self.engine.run(
            coords, log_prob, draws, sweeps, self.history[self.rows :], self.accepted
        )
        self.step += end - start

    def window(self, walkers: int) -> tuple[int, int, int]:
        """Return the block of draws in which the next sweeps lie, and their range in it."""
        length = block_length(walkers)
        block, start = divmod(self.step, length)
        return block, start, min(length, start + self.sweeps)

    def _draws_of(self, block: int, walkers: int, dimension: int) -> BlockDraws:
        if self._draws is None or block != self._block:
            self._draws = draw_block(self._seed, block, walkers, dimension, self._moves)
            self._block = block
        return self._draws
