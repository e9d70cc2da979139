"""Is there a break? All its places, its significance, and the laws that bend without one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataWarning, FitError, InputError, LikelihoodError
from ..estimate import ONE_SIGMA
from ..inference.comparison import compare, likelihood_ratio_test
from ..inference.goodness import goodness_of_fit
from ..inference.significance import SimulatedTest, collect, require_simulations
from ..parallel import map_items
from ..provenance import Recorder, quiet
from ..randomness import SeedLike, as_seed_sequence, spawn
from .break_result import Bootstrap, BreakResult, Mode
from .completeness import Completeness
from .goodness import ks_distance
from .models import BrokenPowerLaw, CutoffPowerLaw, EnergyModel, LogNormal, PowerLaw
from .problem import EnergyProblem, with_model
from .rollover import roll_over
from .sample import BurstSample
from .verdict import BreakTests, verdict
from .vuong import vuong

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ..inference import Fit

__all__ = ["find_break", "profile_modes"]

FloatArray = NDArray[np.float64]
_PROMINENCE = 0.1  # of ln L: a mode stands at least so far above the saddle to a higher one
_AT_END = 1e-9  # dex
_MODE_DEPTH = 5.0  # of ln L below the highest; deeper ones are no candidates
_RIVALS = (CutoffPowerLaw(), LogNormal())


def find_break(
    sample: BurstSample | ArrayLike,
    *,
    threshold: Any = None,
    completeness: Completeness | None = None,
    rivals: EnergyModel | Sequence[EnergyModel] = _RIVALS,
    n_simulations: int = 500,
    n_bootstrap: int = 500,
    seed: SeedLike = None,
    executor: Executor | None = None,
) -> BreakResult:
    r"""Search a sharp break of the energy function, and say what the data say about it.

    The single power law is tested against a broken one by ``TS = 2 ln(L_broken/L_single)``. Under a
    single law the break has no meaning, so TS does not follow :math:`\chi^2_2`: its distribution is
    simulated. A significant TS says that the law is not single and straight; whether it has a
    break or bends is asked of the rivals, by AIC, BIC and Vuong's test.

    Parameters
    ----------
    sample : BurstSample, or energies (Quantity, or plain numbers in erg)
    threshold : float, array_like or Quantity, optional
        Energy in erg above which the search was complete; by default that of the sample.
    completeness : Completeness, optional
        Detection probability, where the threshold lies below completeness.
    rivals : EnergyModel or sequence of EnergyModel
        Laws that bend without a break.
    n_simulations : int
        Simulated samples for the significance; it can be no better than 1/n.
    n_bootstrap : int
        Resampled samples for the intervals.
    seed : int, SeedSequence or Generator
    executor : concurrent.futures.Executor, optional

    Returns
    -------
    BreakResult

    Raises
    ------
    InputError
        Without a threshold, for fewer than 10 bursts above it.

    Warns
    -----
    DataWarning
        When the sample looks incomplete just above the threshold: then no break is claimed.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> energy = 1e37 * np.random.default_rng(1).uniform(size=300) ** (-1 / 0.8)  # no break
    >>> r = ak.bursts.find_break(energy, threshold=1e37, n_simulations=200, seed=1)
    >>> print(r.verdict)
    single power law not rejected (p = ...): no break is claimed
    """
    rivals = _several(rivals)
    sequence = as_seed_sequence(seed)
    seeds = spawn(sequence, 5)
    recorder = Recorder(
        "astrokit.bursts.find_break",
        {"threshold": threshold, "completeness": completeness, "rivals": list(rivals),
         "n_simulations": n_simulations, "n_bootstrap": n_bootstrap},
        seed=sequence,
        citations=("crawford1970", "protassov2002", "vuong1989"),
    )  # fmt: skip
    broken = EnergyProblem(sample, BrokenPowerLaw(), threshold=threshold, completeness=completeness)
    single = with_model(broken, PowerLaw())
    fits, notes = _fits(single, broken, rivals, seeds[0])
    test = likelihood_ratio_test(single, broken, n_simulations, seed=seeds[1], executor=executor)
    goodness = _goodness(fits[1], n_simulations, seeds[4], executor)
    bootstrap = _bootstrap(broken, n_bootstrap, seeds[2], executor)
    modes = profile_modes(broken, fits[0].log_likelihood)
    rolls = roll_over(fits[1], broken)
    if rolls:
        recorder.warn(rolls, DataWarning)
    vuong_tests = tuple(vuong(fits[1], fit) for fit in fits[2:])
    comparison = compare(list(fits))
    tests = BreakTests(test, goodness, vuong_tests, comparison)
    sentence = verdict(tests, modes, rolls)
    recorder.verdict(sentence)
    return BreakResult(
        break_energy=bootstrap.break_energy(modes[0]),
        index_low=bootstrap.index("index_low", modes[0].index_low),
        index_high=bootstrap.index("index_high", modes[0].index_high),
        test=test,
        goodness=goodness,
        modes=modes,
        comparison=comparison,
        vuong_tests=vuong_tests,
        bootstrap=bootstrap,
        roll_over=rolls,
        verdict=sentence,
        notes=(*notes, *_edge(broken, modes)),
        problem=broken,
        posterior_seed=seeds[3],
        _provenance=recorder.finish(),
    )


def profile_modes(problem: EnergyProblem, log_likelihood_single: float) -> tuple[Mode, ...]:
    """Return the maxima of the profile of the break, highest first.

    A maximum counts if it stands 0.1 in ln L above the saddle to a higher one, and within 5 of the
    highest. ln L has a kink at every burst, so smaller ones are many.

    Parameters
    ----------
    problem : EnergyProblem
        With a :class:`BrokenPowerLaw`.
    log_likelihood_single : float
        ln L of the single power law.
    """
    from scipy.signal import find_peaks

    known = problem._known_maximum()
    if known is None:
        raise FitError("this problem has no profile", value=problem.label)
    theta, highest = known
    best = dict(zip(problem.parameters.free_names, theta.tolist(), strict=True))
    place = best.get("log_break_energy", problem.parameters["log_break_energy"].value)
    low, high = problem.parameters["log_break_energy"].prior.support  # type: ignore[union-attr]
    steps = np.concatenate([problem.profile().log_break_energy, [place]])
    curve = problem.profile(np.unique(np.clip(steps, low, high)))
    value = curve.log_likelihood
    floor = value.min() - 1.0
    peaks, _ = find_peaks(np.concatenate([[floor], value, [floor]]), prominence=_PROMINENCE)
    rows = [k - 1 for k in peaks if highest - value[k - 1] < _MODE_DEPTH]
    rows.sort(key=lambda k: -value[k])
    return tuple(
        Mode(
            10.0 ** float(curve.log_break_energy[k]),
            float(curve.index_low[k]),
            float(curve.index_high[k]),
            2 * (float(value[k]) - log_likelihood_single),
        )
        for k in rows
    )


# -- parts ----------------------------------------------------------------------------------------


def _several(rivals: EnergyModel | Sequence[EnergyModel]) -> tuple[EnergyModel, ...]:
    several = (rivals,) if isinstance(rivals, EnergyModel) else tuple(rivals)
    for rival in several:
        if not isinstance(rival, EnergyModel):
            raise InputError(
                "a rival is no model", value=repr(rival)[:60], hint="such as rivals=[LogNormal()]"
            )
    return several


def _edge(problem: EnergyProblem, modes: Sequence[Mode]) -> tuple[str, ...]:
    """Return a note where the best break lies at the end of its range: it wants to be beyond."""
    prior = problem.parameters["log_break_energy"].prior
    ends = prior.support if prior is not None else ()
    place = np.log10(modes[0].break_energy)
    if not any(abs(place - end) < _AT_END for end in ends):
        return ()
    return (
        "the best break lies at the end of its allowed range (five bursts on either side): its "
        "interval is cut there",
    )


def _fits(
    single: EnergyProblem,
    broken: EnergyProblem,
    rivals: Sequence[EnergyModel],
    seed: np.random.SeedSequence,
) -> tuple[tuple[Fit, ...], tuple[str, ...]]:
    """Return the fits of the single law, the broken law and the rivals that could be fitted."""
    fits, notes = [], []
    with quiet():  # their reservations stand in the fits
        fits = [single.fit(), broken.fit()]
        for model, child in zip(rivals, spawn(seed, len(rivals)), strict=True):
            try:
                fits.append(with_model(broken, model).fit(seed=child))
            except (FitError, LikelihoodError) as error:
                notes.append(f"{model.label} could not be fitted and is left out: {error}")
    return tuple(fits), tuple(notes)


def _goodness(
    fit: Fit, n: int, seed: np.random.SeedSequence, executor: Executor | None
) -> SimulatedTest | None:
    """Return whether the broken law describes the data; None where bursts are lower limits."""
    problem = fit.require_problem()
    if isinstance(problem, EnergyProblem) and problem.data.saturated.any():
        return None
    return goodness_of_fit(fit, ks_distance, n, seed=seed, executor=executor)


def _bootstrap(
    problem: EnergyProblem, n: int, seed: np.random.SeedSequence, executor: Executor | None
) -> Bootstrap:
    """Return index_low, index_high and log E_b of resampled samples."""
    seeds = spawn(seed, require_simulations(n))
    outcomes = map_items(
        partial(_refitted, problem), range(n), seeds=seeds, executor=executor, keep_errors=True
    )
    draws, _ = collect(outcomes)
    return Bootstrap(np.array(draws), level=ONE_SIGMA)


def _refitted(problem: EnergyProblem, item: int, seed: np.random.SeedSequence) -> FloatArray:
    known = problem.resampled(seed)._known_maximum()
    if known is None:
        raise FitError("this problem has no own maximum", value=problem.label)
    return known[0]
