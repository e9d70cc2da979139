"""Samples of bursts, energy functions, breaks, tails and waiting times."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

import astrokit as ak
from astrokit import bursts as room

FAINTEST = 1e37


@functools.cache
def energies(n: int = 300, index: float = 1.8, seed: int = 1) -> Any:
    return FAINTEST * np.random.default_rng(seed).uniform(size=n) ** (-1 / (index - 1))


@functools.cache
def sample(seed: int = 1) -> room.BurstSample:
    mjd = 59000 + np.sort(np.random.default_rng(seed).uniform(0, 0.05, 300))
    return room.BurstSample(energy=energies(seed=seed), mjd=mjd, source=f"source {seed}")


@functools.cache
def problem() -> room.EnergyProblem:
    return room.EnergyProblem(energies(), room.PowerLaw(), threshold=FAINTEST)


@functools.cache
def with_break() -> room.EnergyProblem:
    return room.EnergyProblem(sample(), room.BrokenPowerLaw(), threshold=FAINTEST)


@functools.cache
def found_break() -> room.BreakResult:
    return room.find_break(sample(), threshold=FAINTEST, n_simulations=5, n_bootstrap=5, seed=1)


@functools.cache
def common() -> room.CommonBreak:
    return room.common_break(
        [sample(1), sample(2)], thresholds=[FAINTEST] * 2, n_simulations=5, seed=1
    )


@functools.cache
def tail() -> room.PowerLawTail:
    return room.PowerLawTail.fit(energies() / FAINTEST)


def zipf() -> room.DiscreteTailProblem:
    x = np.random.default_rng(1).zipf(2.5, 500)
    return room.DiscreteTailProblem(x, room.PowerLaw(), xmin=1)


def waits() -> room.WaitingTimeProblem:
    rng = np.random.default_rng(1)
    return room.WaitingTimeProblem(np.append(rng.lognormal(-3, 0.5, 60), rng.lognormal(3, 1, 240)))


def sessions() -> tuple[room.Session, ...]:
    return room.split_sessions(sample(), observations=[[59000.0, 59000.05]])


def fit_of(model: room.EnergyModel) -> ak.inference.Fit:
    return room.EnergyProblem(energies(), model, threshold=FAINTEST).fit(seed=1)


EXAMPLES: dict[type, Any] = {
    room.BentPowerLaw: room.BentPowerLaw,
    room.BreakResult: found_break,
    room.BrokenPowerLaw: lambda: room.BrokenPowerLaw(index_low=1.5),
    room.BurstSample: sample,
    room.CommonBreak: common,
    room.CompletenessCurve: lambda: room.CompletenessCurve([1e36, 1e38], [0.0, 1.0]),
    room.CutoffPowerLaw: room.CutoffPowerLaw,
    room.DiscreteTailProblem: zipf,
    room.Energies: lambda: problem().data,
    room.EnergyConvention: lambda: room.EnergyConvention(bandwidth=500),
    room.EnergyProblem: problem,
    room.JointEnergyProblem: lambda: room.JointEnergyProblem([with_break(), with_break()]),
    room.LeastSquaresFit: lambda: room.fit_cumulative(sample(), threshold=FAINTEST),
    room.LogNormal: room.LogNormal,
    room.LogNormalPlusCauchy: room.LogNormalPlusCauchy,
    room.LogisticCompleteness: lambda: room.LogisticCompleteness(1e37, width=0.1),
    room.Mode: lambda: room.Mode(1e38, 1.5, 2.5, 7.0),
    room.PowerLaw: room.PowerLaw,
    room.PowerLawTail: tail,
    room.Session: lambda: sessions()[0],
    room.SmoothlyBrokenPowerLaw: room.SmoothlyBrokenPowerLaw,
    room.StretchedExponential: room.StretchedExponential,
    room.TailErrors: lambda: tail().errors(n=5, seed=1),
    room.ThresholdedPowerLaw: room.ThresholdedPowerLaw,
    room.VuongTest: lambda: room.vuong(fit_of(room.PowerLaw()), fit_of(room.LogNormal())),
    room.WaitingTimeProblem: waits,
    room.WeibullRateProblem: lambda: room.WeibullRateProblem(sessions()),
    room.sharp.Profile: lambda: with_break().profile(),
}
