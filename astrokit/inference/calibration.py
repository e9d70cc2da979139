"""Simulation-based calibration: posterior intervals must cover as often as they say.

Truths are drawn from the prior, data from the model, and a posterior is made for each data set.
If prior, likelihood, simulator and sampler belong together, the rank of the truth among posterior
draws is uniform (Talts et al. 2018, arXiv:1804.06788), whatever the size of the data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CheckpointError, InputError
from ..parallel import map_items
from ..provenance import Provenance, Recorder, describe, quiet
from ..randomness import SeedLike, as_generator, as_seed_sequence, seed_entropy, spawn
from .problem import Problem, as_problem
from .ranks import ecdf_p_value, uniformity_p_value
from .significance import collect, require_simulations

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from astropy.table import QTable
    from matplotlib.axes import Axes


__all__ = ["Calibration", "calibrate"]

FloatArray = NDArray[np.float64]
LEVELS = (0.5, 0.68, 0.9)
_SAMPLING: Mapping[str, Any] = {"ensembles": 2, "until": 50.0, "max_steps": 20_000}
_BATCH = 50  # data sets between two writes of the checkpoint


@dataclass(frozen=True)
class Trial:
    """What one simulated data set leaves behind.

    `rank` counts the independent posterior draws below the truth, `below` is the same share among
    all samples, both per free parameter; `verdict` is that of the chain.
    """

    truth: tuple[float, ...]
    rank: tuple[int, ...]
    below: tuple[float, ...]
    verdict: str


@dataclass(frozen=True, eq=False, repr=False)
class Calibration:
    """Ranks and coverage of posteriors of simulated data; made by :func:`calibrate`.

    Attributes
    ----------
    names : tuple of str
        The free parameters.
    truths : ndarray, shape (n, d)
        Drawn from the prior.
    ranks : ndarray of int, shape (n, d)
        Rank of each truth among `draws` independent posterior draws, 0 to `draws`.
    below : ndarray, shape (n, d)
        Posterior probability below each truth.
    draws : int
    verdicts : dict of str to int
        How many chains converged, were tentative, failed. All of them count in the coverage.
    n_failed : int
        Data sets without any posterior; left out.
    failures : tuple of str
        The first messages of those.
    provenance : Provenance
    """

    names: tuple[str, ...]
    truths: FloatArray
    ranks: NDArray[np.int64]
    below: FloatArray
    draws: int
    verdicts: Mapping[str, int]
    n_failed: int
    failures: tuple[str, ...]
    provenance: Provenance = field(repr=False)

    @property
    def n(self) -> int:
        """Number of data sets that count."""
        return len(self.truths)

    def coverage(self, level: float) -> FloatArray:
        """Return the share of truths inside the central interval of `level`, shape ``(d,)``."""
        if not 0 < level < 1:
            raise InputError("level must be a probability", value=level, allowed="0 to 1")
        return np.mean(np.abs(self.below - 0.5) <= 0.5 * level, axis=0)

    def coverage_table(self, levels: Sequence[float] = LEVELS) -> QTable:
        """Return one row per parameter and level.

        Columns: parameter, level, n, coverage, sigma (the binomial standard error if the level
        holds), deviation (in sigma).
        """
        from astropy.table import QTable

        rows = []
        for level in levels:
            sigma = float(np.sqrt(level * (1 - level) / self.n))
            for name, share in zip(self.names, self.coverage(level), strict=True):
                rows.append((name, level, self.n, share, sigma, (share - level) / sigma))
        columns = ("parameter", "level", "n", "coverage", "sigma", "deviation")
        return QTable(rows=rows, names=columns)

    def rank_table(self, bins: int = 20) -> QTable:
        """Return p-values per parameter that the ranks are uniform.

        Columns: parameter, p_chi2 (of the histogram with about `bins` bins), p_ecdf (of the
        largest departure of the cumulative distribution, by simulation).
        """
        from astropy.table import QTable

        rows = [
            (
                name,
                uniformity_p_value(rank, self.draws, bins),
                ecdf_p_value(rank, self.draws),
            )
            for name, rank in zip(self.names, self.ranks.T, strict=True)
        ]
        return QTable(rows=rows, names=("parameter", "p_chi2", "p_ecdf"))

    def passes(
        self, levels: Sequence[float] = LEVELS, *, n_sigma: float = 3.0, p_min: float = 0.001
    ) -> bool:
        """Return whether every coverage is within `n_sigma` and every rank test above `p_min`."""
        within = bool(np.all(np.abs(self.coverage_table(levels)["deviation"]) <= n_sigma))
        tests = self.rank_table()
        return within and bool(np.all(np.minimum(tests["p_chi2"], tests["p_ecdf"]) >= p_min))

    def to_table(self) -> QTable:
        """Return one row per data set: truth, rank and share below, per parameter."""
        from astropy.table import QTable

        table = QTable()
        for j, name in enumerate(self.names):
            table[name] = self.truths[:, j]
            table[f"{name}_rank"] = self.ranks[:, j]
            table[f"{name}_below"] = self.below[:, j]
        table.meta["draws"] = self.draws
        return table

    def plot_ranks(self, axes: Sequence[Axes] | None = None, bins: int = 20) -> list[Axes]:
        """Draw the rank histogram of each parameter with its binomial band, return the axes."""
        from .calibration_plots import plot_ranks

        return plot_ranks(self, axes, bins)

    def plot_coverage(self, ax: Axes | None = None) -> Axes:
        """Draw coverage minus level against level with its binomial bands, return the axes."""
        from .calibration_plots import plot_coverage

        return plot_coverage(self, ax)

    def __repr__(self) -> str:
        lines = [f"Calibration: {self.n} data sets, {self.draws} independent draws each"]
        table = self.coverage_table()
        for row in table:
            lines.append(
                f"  {row['parameter']}: {100 * row['level']:.0f} % intervals cover "
                f"{100 * row['coverage']:.1f} % ({row['deviation']:+.1f} sigma)"
            )
        for row in self.rank_table():
            lines.append(
                f"  {row['parameter']}: ranks uniform, p = {row['p_chi2']:.3f} (histogram), "
                f"{row['p_ecdf']:.3f} (cumulative)"
            )
        words = ", ".join(f"{count} {word}" for word, count in self.verdicts.items())
        lines.append(f"  chains: {words}; {self.n_failed} data sets without a posterior")
        return "\n".join(lines)


def calibrate(
    problem: Problem,
    n: int = 1000,
    *,
    draws: int = 99,
    sampling: Mapping[str, Any] | None = None,
    seed: SeedLike = None,
    executor: Executor | None = None,
    checkpoint: str | Path | None = None,
    progress: bool = False,
) -> Calibration:
    """Return how often posterior intervals hold the truth, truths drawn from the prior.

    Parameters
    ----------
    problem : Problem, or a Fit of one
        Its data serve as a design only; it must be able to simulate.
    n : int
        Number of simulated data sets.
    draws : int
        Independent posterior draws per data set, among which the truth is ranked.
    sampling : mapping, optional
        Arguments of :meth:`Problem.sample`; by default 2 ensembles, 50 autocorrelation times.
    seed : int, SeedSequence or Generator
        One child per data set: the numbers do not depend on the number of workers.
    executor : concurrent.futures.Executor, optional
    checkpoint : path, optional
        A JSON file that is rewritten as data sets are done; a repeated call goes on from it, also
        to a larger `n`.
    progress : bool

    Returns
    -------
    Calibration

    Raises
    ------
    CheckpointError
        When the file belongs to another problem, seed or setting.
    FitError
        When every data set failed.

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.inference import CurveProblem, Normal, Parameter, Parameters, calibrate
    >>> p = Parameters([Parameter("level", 0.0, Normal(0, 1))])
    >>> problem = CurveProblem([0, 1], [0, 0], [1, 1], lambda x, level: level + 0 * x, p)
    >>> calibrate(problem, 20, seed=1).ranks.shape
    (20, 1)
    """
    problem = as_problem(problem)
    sequence = as_seed_sequence(seed)
    settings = {**_SAMPLING, **(sampling or {})}
    recorder = Recorder(
        "astrokit.inference.calibrate",
        {"problem": problem, "n": n, "draws": draws, "sampling": settings},
        seed=sequence,
        citations=(*problem.citation_keys, "talts2018", "emcee"),
    )
    identity = {
        "model": problem.model_checksum,
        "seed": seed_entropy(sequence),
        "draws": draws,
        "sampling": describe(settings),
    }
    notebook = _Notebook(None if checkpoint is None else Path(checkpoint), identity)
    run = partial(_trial, problem, draws, settings)
    seeds = spawn(sequence, require_simulations(n))
    todo = [i for i in range(n) if i not in notebook.outcomes]
    batch = len(todo) if checkpoint is None else _BATCH
    for at in range(0, len(todo), max(batch, 1)):
        items = todo[at : at + batch]
        outcomes = map_items(
            run,
            items,
            seeds=[seeds[i] for i in items],
            executor=executor,
            keep_errors=True,
            progress=progress and f"data sets from {items[0]}",
        )
        notebook.write(dict(zip(items, outcomes, strict=True)))
    return _calibration(problem, [notebook.outcomes[i] for i in range(n)], draws, recorder)


def _trial(
    problem: Problem,
    draws: int,
    settings: Mapping[str, Any],
    item: int,
    seed: np.random.SeedSequence,
) -> Trial:
    """Return the ranks of one truth from the prior among draws of its posterior."""
    truth_seed, data_seed, sample_seed, pick_seed = spawn(seed, 4)
    truth = problem.parameters.sample_prior(as_generator(truth_seed))[0]
    with quiet():
        simulated = problem.simulate(truth, as_generator(data_seed))
        posterior = simulated.sample(seed=sample_seed, **settings)
    samples = posterior.samples
    picked = as_generator(pick_seed).choice(len(samples), draws, replace=len(samples) < draws)
    return Trial(
        truth=tuple(truth.tolist()),
        rank=tuple(np.sum(samples[picked] < truth, axis=0).tolist()),
        below=tuple(np.mean(samples < truth, axis=0).tolist()),
        verdict=posterior.verdict.word,
    )


def _calibration(
    problem: Problem, outcomes: list[Any], draws: int, recorder: Recorder
) -> Calibration:
    trials, failures = collect(outcomes)
    words, counts = np.unique([trial.verdict for trial in trials], return_counts=True)
    return Calibration(
        names=problem.parameters.free_names,
        truths=np.array([trial.truth for trial in trials]),
        ranks=np.array([trial.rank for trial in trials], dtype=np.int64),
        below=np.array([trial.below for trial in trials]),
        draws=draws,
        verdicts=dict(zip(words.tolist(), counts.tolist(), strict=True)),
        n_failed=len(failures),
        failures=failures[:5],
        provenance=recorder.finish(),
    )


class _Notebook:
    """The outcomes so far, and their copy on disk (whole at any moment)."""

    def __init__(self, path: Path | None, identity: Mapping[str, Any]) -> None:
        self._path, self._identity = path, json.loads(json.dumps(identity))
        self.outcomes: dict[int, Any] = {}
        if path is not None and path.exists():
            self.outcomes = self._read(path)

    def _read(self, path: Path) -> dict[int, Any]:
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            stored, trials = record["identity"], record["trials"]
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(
                "the checkpoint is not one of a calibration",
                value=path.name,
                hint="give another path, or delete the file",
            ) from error
        differing = [key for key, value in self._identity.items() if stored.get(key) != value]
        if differing:
            raise CheckpointError(
                f"the checkpoint belongs to another calibration: {', '.join(differing)} differ",
                value=path.name,
                hint="repeat the first call, or give another path",
            )
        return {int(i): _revived(trial) for i, trial in trials.items()}

    def write(self, outcomes: Mapping[int, Any]) -> None:
        """Add outcomes; failures stay in memory only, so that a repeated call tries them again."""
        self.outcomes.update(outcomes)
        if self._path is None:
            return
        trials = {str(i): asdict(t) for i, t in self.outcomes.items() if isinstance(t, Trial)}
        temporary = self._path.with_name(self._path.name + ".tmp")
        text = json.dumps({"identity": self._identity, "trials": trials})
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(self._path)


def _revived(record: Mapping[str, Any]) -> Trial:
    return Trial(
        tuple(record["truth"]), tuple(record["rank"]), tuple(record["below"]), record["verdict"]
    )
