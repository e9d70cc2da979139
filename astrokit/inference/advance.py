"""A plan of sampling, and the piece of work that one worker does for one ensemble."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError, LikelihoodError
from ..provenance import describe
from ..randomness import seed_entropy
from .chain import EnsembleState
from .checkpoint import FORMAT
from .engines import choose_engine, make_engine
from .options import SamplerOptions, whole_number

if TYPE_CHECKING:
    from .problem import Problem

__all__ = ["Piece", "Plan", "Work", "advance"]

_PIECE_BYTES = 1 << 24  # of records that a piece of work may bring home
_PAUSE = 0.2  # seconds after which a block gives Python a chance to hear Ctrl-C


@dataclass(frozen=True)
class Plan:
    """A checked order: what to sample and how."""

    problem: Problem
    until: float
    max_steps: int
    walkers: int
    ensembles: int
    engine: str
    options: SamplerOptions

    @classmethod
    def make(
        cls,
        problem: Problem,
        until: float,
        max_steps: int,
        walkers: int | None,
        ensembles: int,
        options: SamplerOptions,
    ) -> Plan:
        """Return the plan with everything checked and every default filled in."""
        d = problem.parameters.n_free
        least = max(2 * d + 2, 6)
        walkers = max(32, 4 * d) if walkers is None else whole_number(walkers, "walkers", least)
        if walkers % 2:
            raise InputError("walkers must be even", value=walkers, hint=f"take {walkers + 1}")
        return cls(
            problem,
            as_scalar(until, "until", positive=True),
            whole_number(max_steps, "max_steps", options.thin),
            walkers,
            whole_number(ensembles, "ensembles", 1),
            choose_engine(problem, options.engine),
            options,
        )

    def fingerprint(self, root: np.random.SeedSequence) -> dict[str, Any]:
        """Return what must not change between a run and its continuation."""
        return {
            "format": FORMAT,
            "data_checksum": self.problem.data_checksum,
            "model_checksum": self.problem.model_checksum,
            "seed": seed_entropy(root),
            "walkers": self.walkers,
            "ensembles": self.ensembles,
            "thin": self.options.thin,
            "moves": asdict(self.options.moves),
            "engine": self.engine,
            "start": _describe_start(self.options.start),
        }

    def arguments(self) -> dict[str, Any]:
        """Return what the provenance records about the call, as JSON types."""
        return {
            "problem": repr(self.problem),
            "until": self.until,
            "max_steps": self.max_steps,
            "walkers": self.walkers,
            "ensembles": self.ensembles,
            "thin": self.options.thin,
            "moves": asdict(self.options.moves),
            "engine": self.engine,
        }


def _describe_start(start: Any) -> Any:
    """Return what identifies a start; of a Fit its numbers, not when it was made."""
    if hasattr(start, "covariance") and hasattr(start, "values"):
        return describe({"values": start.values, "covariance": np.asarray(start.covariance)})
    return describe(start)


@dataclass(frozen=True)
class Work:
    """What a worker is asked: bring this ensemble to `target` sweeps, within some seconds."""

    ensemble: int
    seed: np.random.SeedSequence
    state: EnsembleState
    target: int
    seconds: float


@dataclass
class Piece:
    """What a worker brings home."""

    ensemble: int
    records: NDArray[np.float64]
    state: EnsembleState
    interrupted: bool = False


def advance(plan: Plan, work: Work) -> Piece:
    """Run one ensemble through emcee until the target, the time or the room for records is met.

    Where a piece ends does not change the chain.
    """
    import emcee

    from .moves import BlockMove

    thin, state = plan.options.thin, work.state.copy()
    engine = make_engine(plan.problem, plan.engine)
    width = state.coords.shape[1] + 1
    room = max(1, _PIECE_BYTES // (8 * plan.walkers * width))
    end = min(work.target, (state.step // thin + room) * thin)
    history = np.empty((end // thin - state.step // thin, plan.walkers, width))
    move = BlockMove(engine, work.seed, plan.options.moves, history, step=state.step, thin=thin)
    sampler = emcee.EnsembleSampler(
        plan.walkers, width - 1, engine.log_posterior, moves=move, vectorize=True
    )
    safe = state
    moving = emcee.State(state.coords, log_prob=state.log_prob, copy=True)
    pace = _Pace(work.seconds)
    try:
        while move.step < end and not pace.is_over:
            move.sweeps, before = min(pace.sweeps, end - move.step), move.step
            moving = next(
                sampler.sample(moving, iterations=1, store=False, skip_initial_state_check=True)
            )
            pace.tick(move.step - before)
            coords, log_prob = moving.coords.copy(), moving.log_prob.copy()
            safe = EnsembleState(move.step, coords, log_prob, state.accepted + move.accepted)
    except LikelihoodError as error:
        rows, safe = _up_to_failure(move, safe, engine.failed_at)
        error.partial = Piece(work.ensemble, history[:rows], safe)
        raise
    except KeyboardInterrupt:
        rows = safe.step // thin - state.step // thin
        return Piece(work.ensemble, history[:rows], safe, interrupted=True)
    return Piece(work.ensemble, history[: move.rows], safe)


def _up_to_failure(move: Any, safe: EnsembleState, failed_at: int) -> tuple[int, EnsembleState]:
    """Repeat the sweeps between the last safe state and the one that failed; they are good."""
    state = safe.copy()
    move.accepted[:] = 0
    _, first, _ = move.window(len(state.coords))
    if failed_at > first:
        move.run(state.coords, state.log_prob, stop=state.step + failed_at - first)
        state.step = move.step
        state.accepted += move.accepted
    return move.rows, state


class _Pace:
    """Chooses how many sweeps run between two looks at the clock."""

    def __init__(self, seconds: float) -> None:
        self._begin = self._last = time.monotonic()
        self._seconds = seconds
        self.sweeps = 16

    @property
    def is_over(self) -> bool:
        return time.monotonic() - self._begin > self._seconds

    def tick(self, sweeps: int) -> None:
        now = time.monotonic()
        rate = sweeps / max(now - self._last, 1e-6)
        self.sweeps = int(np.clip(rate * _PAUSE, 1, 8 * self.sweeps))
        self._last = now
