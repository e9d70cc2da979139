"""`sample`: the posterior of any Problem by MCMC, several ensembles, stopped when long enough.

emcee drives each ensemble; its hot loop is :class:`~astrokit.inference.moves.BlockMove`.
"""

from __future__ import annotations

import functools
import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ConvergenceWarning, CoverageWarning, InputError, LikelihoodError
from ..parallel import ItemError, map_items
from ..provenance import Recorder
from ..randomness import SeedLike, as_seed_sequence
from .advance import Piece, Plan, Work, advance
from .chain import ChainView, EnsembleState, MemoryChain
from .checkpoint import Checkpoint, open_checkpoint, stored_fingerprint
from .diagnostics import Verdict, diagnose
from .engines import make_engine
from .options import SamplerOptions
from .start import starting_positions

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from .posterior import Posterior
    from .problem import Problem

__all__ = ["sample"]

_FIRST_LOOK = 256  # sweeps before the first diagnosis
_NEARLY = 0.8  # of the wanted length in one ensemble, before all are diagnosed
_PATIENCE = 2.0  # seconds before a progress bar appears
_LOOK_SECONDS = 2.0  # between updates of the progress bar


def sample(
    problem: Problem,
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
    """Return the posterior of a problem by MCMC.

    Parameters
    ----------
    problem : Problem
    seed : int, SeedSequence or Generator, optional
        The same seed gives the same chain, with any number of workers.
    until : float
        Stop when the chain beyond burn-in is this many autocorrelation times long, for every
        parameter, and R-hat is at most 1.01.
    max_steps : int
        Stop at this many sweeps of each ensemble at the latest; a sweep moves each walker once.
        This is the TOTAL length, with burn-in and with what a checkpoint already holds.
    walkers : int, optional
        Per ensemble; even. By default the larger of 32 and 4 d.
    ensembles : int
        Independent ensembles; R-hat compares them.
    checkpoint : path, optional
        A directory. Repeating the call after a kill goes on where it stopped and gives the same
        chain, bit by bit; larger `until` or `max_steps` continue it. The chain then lives on disk,
        not in memory.
    executor : concurrent.futures.Executor, optional
        Runs ensembles side by side.
    options : SamplerOptions, optional

    Returns
    -------
    Posterior
        Its ``verdict`` says whether to believe it.

    Raises
    ------
    LikelihoodError
        For a NaN log-likelihood, with the parameter values; ``error.partial`` is the Posterior of
        what was sampled before, or None.
    CheckpointError
        When `checkpoint` holds another run, or is damaged.
    InputError, ParameterError
        For settings that cannot be used, or no start with a finite posterior.

    Warns
    -----
    ConvergenceWarning
        When the verdict is not "converged".
    CoverageWarning
        Where the likelihood is known to mislead at the posterior median; see ``reservations``.

    References
    ----------
    Goodman & Weare (2010); Foreman-Mackey et al. (2013), emcee; ter Braak & Vrugt (2008).

    Examples
    --------
    >>> from astrokit.inference import CurveProblem, Parameter, Parameters, Uniform
    >>> p = Parameters([Parameter("level", 2.0, Uniform(-9, 9))])
    >>> problem = CurveProblem([0, 1], [1, 3], [1, 1], lambda x, level: level + 0 * x, p)
    >>> posterior = problem.sample(seed=1)
    >>> posterior.verdict.word
    'converged'
    """
    if not isinstance(options, SamplerOptions | None):
        raise InputError(
            "options cannot be used",
            value=type(options).__name__,
            hint="give SamplerOptions(thin=..., ...)",
        )
    plan = Plan.make(problem, until, max_steps, walkers, ensembles, options or SamplerOptions())
    with _storage(plan, seed, checkpoint) as (chain, root):
        recorder = Recorder(
            "astrokit.inference.sample",
            plan.arguments(),
            inputs=problem.provenance_inputs(),
            seed=root,
            citations=(*problem.citation_keys, *_citations(plan)),
        )
        run = _Run(plan, chain, root, executor)
        try:
            verdict = run.until_long_enough()
        except (LikelihoodError, KeyboardInterrupt) as error:
            error.partial = run.partial(recorder)  # type: ignore[union-attr]
            raise
        return run.posterior(verdict, recorder)


@contextmanager
def _storage(
    plan: Plan, seed: SeedLike, checkpoint: str | Path | None
) -> Iterator[tuple[MemoryChain | Checkpoint, np.random.SeedSequence]]:
    """Yield the chain to fill, and the seed of the run."""
    shape = (plan.ensembles, plan.walkers, plan.problem.parameters.n_free)
    if checkpoint is None:
        yield MemoryChain(*shape), as_seed_sequence(seed)
        return
    path = Path(checkpoint)
    stored = stored_fingerprint(path)
    if seed is None and stored is not None:  # no seed was asked for: the first run chose one
        kept = stored.get("seed") or {}
        root = np.random.SeedSequence(kept.get("entropy"), spawn_key=kept.get("spawn_key", ()))
    else:
        root = as_seed_sequence(seed)
    with open_checkpoint(path, plan.fingerprint(root), shape) as chain:
        yield chain, root


# -- the whole run --------------------------------------------------------------------------------


class _Run:
    """Advances all ensembles along a schedule that depends on the chain alone."""

    def __init__(
        self,
        plan: Plan,
        chain: MemoryChain | Checkpoint,
        root: np.random.SeedSequence,
        executor: Executor | None,
    ) -> None:
        self._plan = plan
        self._chain = chain
        self._executor = executor
        # Children made by hand: `spawn` would count them in the parent.
        key = root.spawn_key
        self._seeds, self._start_seeds = (
            [
                np.random.SeedSequence(root.entropy, spawn_key=(*key, kind, e))
                for e in range(plan.ensembles)
            ]
            for kind in (0, 1)
        )
        self._committed = time.monotonic()
        self._names = plan.problem.parameters.free_names
        self._shows_progress = _shows_progress(plan.options.progress)
        self._seconds = math.inf
        if self._shows_progress or isinstance(chain, Checkpoint):
            self._seconds = min(_LOOK_SECONDS, max(0.2, plan.options.checkpoint_every))

    def until_long_enough(self) -> Verdict:
        """Run and diagnose in turn; a chain that is already longer is diagnosed as it then was.

        So the same call stops at the same length, whether or not it was killed on the way.
        """
        plan, thin = self._plan, self._plan.options.thin
        limit = plan.max_steps - plan.max_steps % thin
        target = min(limit, math.ceil(_FIRST_LOOK / thin) * thin)
        self._start()
        with _progress_bar(self._shows_progress) as bar:
            while True:
                self._advance_to(target, bar)
                verdict = self._look(target // thin, is_last=target >= limit)
                bar.set_postfix_str(_so_far(verdict), refresh=False)
                if verdict or target >= limit:
                    return verdict
                target = min(limit, math.ceil(_next_look(verdict, plan.until) / thin) * thin)

    def posterior(self, verdict: Verdict, recorder: Recorder) -> Posterior:
        """Return the result and warn where it did not converge."""
        if not verdict:
            recorder.warn(f"{verdict.word}: {verdict.sentence}", ConvergenceWarning, stacklevel=5)
        ensembles = tuple(range(self._plan.ensembles))
        return self._result(verdict, recorder, ensembles, verdict.steps // self._plan.options.thin)

    def partial(self, recorder: Recorder) -> Posterior | None:
        """Return the Posterior of what there is after an error, or None."""
        rows = [self._chain.rows(e) for e in range(self._plan.ensembles)]
        ensembles = tuple(e for e, n in enumerate(rows) if n > 0)
        if not ensembles:
            return None
        length = min(rows[e] for e in ensembles)
        verdict = self._diagnose(length, ensembles)
        verdict = replace(verdict, word="failed", sentence="the run was stopped")
        return self._result(verdict, recorder, ensembles, length)

    # -- inner parts -------------------------------------------------------------------------

    def _result(
        self, verdict: Verdict, recorder: Recorder, ensembles: tuple[int, ...], rows: int
    ) -> Posterior:
        from .posterior import Posterior

        problem = self._plan.problem
        recorder.verdict(f"{verdict.word}: {verdict.sentence}")
        result = Posterior(
            parameters=problem.parameters,
            verdict=verdict,
            view=ChainView(self._chain, rows, ensembles),
            thin=self._plan.options.thin,
            n_data=problem.n_data,
            label=problem.label,
            statistic=problem.statistic_name,
            reservations=(),
            data_checksum=problem.data_checksum,
            model_checksum=problem.model_checksum,
            provenance=recorder.finish(),
        )
        middle = problem.parameters.expand(np.median(result.samples, axis=0))[0]
        reservations = problem._reservations(middle)
        if not reservations:
            return result
        for sentence in reservations:
            recorder.warn(sentence, CoverageWarning, stacklevel=6)
        return replace(result, reservations=reservations, provenance=recorder.finish())

    def _look(self, rows: int, *, is_last: bool) -> Verdict:
        """Return the verdict, from one ensemble alone where that already shows a short chain."""
        if not is_last:
            first = self._diagnose(rows, (0,))
            length = (first.steps - first.burn_in) / max(first.tau.values())
            if length < _NEARLY * self._plan.until:
                return replace(first, word="failed")
        return self._diagnose(rows)

    def _diagnose(self, rows: int, ensembles: tuple[int, ...] | None = None) -> Verdict:
        ensembles = ensembles or tuple(range(self._plan.ensembles))
        thin = self._plan.options.thin
        return diagnose(
            ChainView(self._chain, rows, ensembles),
            self._names,
            thin=thin,
            until=self._plan.until,
            acceptance=self._acceptance(),
        )

    def _acceptance(self) -> float:
        states = [state for state in self._chain.states if state is not None and state.step > 0]
        tried = sum(state.step for state in states) * self._plan.walkers
        return sum(int(state.accepted.sum()) for state in states) / tried if tried else math.nan

    def _start(self) -> None:
        """Give every ensemble that has none its first state."""
        plan, chain = self._plan, self._chain
        if all(state is not None for state in chain.states):
            return
        engine = make_engine(plan.problem, "numpy")
        positions = starting_positions(
            plan.problem, self._start_seeds, plan.walkers, plan.options.start, engine.log_posterior
        )
        for e, coords in enumerate(positions):
            zeros = np.zeros(plan.walkers, dtype=np.int64)
            empty = np.empty((0, plan.walkers, coords.shape[1] + 1))
            chain.append(e, empty, EnsembleState(0, coords, engine.log_posterior(coords), zeros))

    def _advance_to(self, target: int, bar: Any) -> None:
        """Bring all ensembles to `target` sweeps; commit now and then, and at the end."""
        function = functools.partial(advance, self._plan)
        try:
            while work := self._open_work(target):
                for piece in self._pieces(function, work):
                    self._keep(piece, bar)
        finally:
            self._chain.commit()

    def _open_work(self, target: int) -> list[Work]:
        return [
            Work(e, self._seeds[e], state, target, self._seconds)
            for e, state in enumerate(self._chain.states)
            if state is not None and state.step < target
        ]

    def _pieces(self, function: Any, work: list[Work]) -> Iterator[Piece]:
        """Yield pieces as they come; raise the first error after the pieces of the others."""
        if self._executor is None:
            for item in work:
                try:
                    yield function(item)
                except LikelihoodError as error:
                    yield error.partial
                    raise
            return
        outcomes = map_items(function, work, executor=self._executor, keep_errors=True)
        errors = [outcome for outcome in outcomes if isinstance(outcome, ItemError)]
        yield from (outcome for outcome in outcomes if isinstance(outcome, Piece))
        for failed in errors:
            if isinstance(failed.error, LikelihoodError):
                yield failed.error.partial
        if errors:
            raise errors[0].error

    def _keep(self, piece: Piece, bar: Any) -> None:
        before = self._chain.states[piece.ensemble]
        self._chain.append(piece.ensemble, piece.records, piece.state)
        bar.update(piece.state.step - (before.step if before else 0))
        now = time.monotonic()
        if now - self._committed >= self._plan.options.checkpoint_every:
            self._chain.commit()
            self._committed = now
        if piece.interrupted:
            raise KeyboardInterrupt


def _citations(plan: Plan) -> tuple[str, ...]:
    """Return what to cite for the sampler, the moves in use and the diagnostics."""
    moves = plan.options.moves
    used = {
        "emcee": True,
        "goodman2010": moves.stretch > 0 or moves.cloud > 0,
        "terbraak2006": moves.de > 0 or moves.de_mode > 0,
        "terbraak2008": moves.snooker > 0,
        "vehtari2021": True,
        "numba": plan.engine == "compiled",
    }
    return tuple(key for key, is_used in used.items() if is_used)


def _next_look(verdict: Verdict, until: float) -> float:
    """Return at how many sweeps the chain may be long enough."""
    tau = max(verdict.tau.values())
    if not math.isfinite(tau):
        return 2.0 * verdict.steps
    wanted = 1.05 * (verdict.burn_in + until * tau)
    return float(np.clip(wanted, 1.2 * verdict.steps, 2.0 * verdict.steps))


def _shows_progress(wanted: bool | None) -> bool:
    if wanted is not None:
        return wanted
    if os.environ.get("ASTROKIT_PROGRESS") == "0":
        return False
    return "ipykernel" in sys.modules or bool(getattr(sys.stderr, "isatty", lambda: False)())


def _so_far(verdict: Verdict) -> str:
    """Return the word for a run that goes on: one that is too short yet has not failed."""
    return "" if verdict.word == "failed" else verdict.word


def _progress_bar(shown: bool) -> Any:
    from tqdm import tqdm

    return tqdm(desc="sampling", unit=" sweeps", disable=not shown, delay=_PATIENCE, leave=False)
