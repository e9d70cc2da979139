"""Hold numbers of astrokit against those of other packages and of certified data.

``python docs/validation/against_others.py`` measures all and writes others.ecsv and others.inc.
A test measures them again, for the packages that are installed.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.table import Table

import astrokit as ak
from astrokit import timing
from astrokit.errors import AstrokitWarning

HERE = Path(__file__).resolve().parent
TWO_PI = 2 * np.pi


@dataclass(frozen=True)
class Comparison:
    """One number, computed here and elsewhere.

    Attributes
    ----------
    room, what : str
    peer : str
        The package, as it is installed; "" for a certified value.
    allowed : float
        Largest relative difference.
    measure : callable
        Returns astrokit's numbers and the others'.
    """

    room: str
    what: str
    peer: str
    allowed: float
    measure: Callable[[], tuple[object, object]]

    def difference(self) -> tuple[float, float, float]:
        """Return our number, the other one, and the largest relative difference of all."""
        with quiet():
            ours, theirs = (np.atleast_1d(np.asarray(v, dtype=float)) for v in self.measure())
        scale = np.maximum(np.abs(theirs), 1e-12 * np.abs(theirs).max())
        apart = np.abs(ours - theirs) / scale
        worst = int(np.argmax(apart))
        return float(ours[worst]), float(theirs[worst]), float(apart[worst])

    @property
    def is_installed(self) -> bool:
        """True if the other package can be imported."""
        return not self.peer or importlib.util.find_spec(self.peer) is not None


@contextmanager
def quiet():
    """Silence other packages' imports, which may also change how NumPy reports underflow."""
    before = np.geterr()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        np.seterr(**before)


ALL: list[Comparison] = []


def compared(room: str, what: str, peer: str, allowed: float):
    """Register a measurement."""

    def register(measure):
        ALL.append(Comparison(room, what, peer, allowed, measure))
        return measure

    return register


# -- timing ---------------------------------------------------------------------------------------


def counts_of_512_bins() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    return np.arange(512) * 0.5, rng.poisson(200 + 40 * np.sin(np.arange(512) / 30))


@compared("timing", "periodogram, fractional normalisation, 255 ordinates", "stingray", 1e-8)
def _():
    import stingray

    time, counts = counts_of_512_bins()
    theirs = stingray.Powerspectrum(
        stingray.Lightcurve(time, counts, dt=0.5, skip_checks=True, err_dist="poisson"), norm="frac"
    )
    ours = timing.Periodogram.from_lightcurve(
        ak.LightCurve(time, counts / 0.5, np.sqrt(counts) / 0.5)
    )
    n = min(len(ours), len(theirs.freq))
    return ours.power[:n], theirs.power[:n]


@compared("timing", "cross spectrum of 16 segments, imaginary part", "stingray", 1e-7)
def _():
    import stingray

    rng = np.random.default_rng(1)
    counts = rng.poisson(200 + 40 * np.sin(np.arange(4106) / 7.0)).astype(float)
    bands = counts[8:4104], rng.poisson(0.5 * counts[5:4101]).astype(float)
    time = np.arange(4096) + 0.5
    theirs = stingray.AveragedCrossspectrum(
        *(stingray.Lightcurve(time, c, dt=1.0, skip_checks=True) for c in bands),
        segment_size=256, norm="frac", silent=True,
    )  # fmt: skip
    ours = timing.CrossSpectrum.from_lightcurves(
        *(ak.LightCurve(time, c) for c in bands), 256, noise="poisson", taper=None
    )
    return ours.cross.imag, -np.asarray(theirs.power).imag  # the other sign convention


def irregular_samples() -> ak.LightCurve:
    rng = np.random.default_rng(1)
    time = np.cumsum(0.2 + rng.exponential(1.0, 300))
    rate = 100 + np.cumsum(rng.standard_normal(300)) * 0.3
    return ak.LightCurve(time, rate, rng.uniform(0.1, 0.5, 300), bin_width=0.0)


def celerite_likelihood(term, lc: ak.LightCurve) -> float:
    """Return ln L of celerite2 with the mean marginalised by a flat prior."""
    import celerite2

    process = celerite2.GaussianProcess(term, t=lc.time, yerr=lc.error)
    one = np.ones(lc.n)
    weight = one @ process.apply_inverse(one)
    mean = one @ process.apply_inverse(lc.rate) / weight
    return process.log_likelihood(lc.rate - mean) - 0.5 * np.log(weight / TWO_PI)


def likelihood(model, values) -> float:
    problem = timing.PSDProblem(
        irregular_samples(), model, normalization="absolute", engine="celerite"
    )
    return problem.log_likelihood(values)[0]


@compared("timing", "ln L of a damped random walk, 300 irregular samples", "celerite2", 1e-8)
def _():
    from celerite2 import terms

    tau, variance = 4.0, 1.7
    ours = likelihood(timing.DampedRandomWalk(pivot=1e-9), [tau, np.log(4 * tau * variance)])
    return ours, celerite_likelihood(terms.RealTerm(a=variance, c=1 / tau), irregular_samples())


@compared("timing", "ln L of an oscillator, 300 irregular samples", "celerite2", 1e-8)
def _():
    from celerite2 import terms

    f0, quality, variance = 0.2, 3.0, 1.7
    omega = 2 * np.pi * f0
    term = terms.SHOTerm(S0=variance / (omega * quality), w0=omega, Q=quality)
    ours = likelihood(
        timing.Oscillator(), [f0, quality, np.log(2 * quality * variance / (np.pi * f0))]
    )
    return ours, celerite_likelihood(term, irregular_samples())


# -- bursts ---------------------------------------------------------------------------------------


def tail_of_600() -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.append(rng.uniform(0.1, 1.0, 200), (1 - rng.random(400)) ** (-1 / 1.5))


@compared("bursts", "index of a tail above the best x_min, 600 data", "powerlaw", 1e-4)
def _():
    import powerlaw

    x = tail_of_600()
    theirs = powerlaw.Fit(x, verbose=0, parameter_ranges={"alpha": [1.01, 12]})
    ours = ak.bursts.PowerLawTail.fit(x, convention="one-sided", min_tail=2)
    return [ours.index.value, ours.xmin.value], [theirs.alpha, theirs.xmin]


# -- complexity -----------------------------------------------------------------------------------


def walk() -> np.ndarray:
    return np.cumsum(np.random.default_rng(1).standard_normal(30_000))


@compared("complexity", "entropy and complexity, n = 5, 30 000 samples", "ordpy", 1e-10)
def _():
    import ordpy

    ours = ak.complexity.hc(walk(), n=5)
    return [ours.entropy.value, ours.complexity.value], ordpy.complexity_entropy(walk(), dx=5)


@compared("complexity", "entropy and complexity, n = 4, delay 3", "peccary", 1e-10)
def _():
    from peccary.core import peccary

    ours = ak.complexity.hc(walk(), n=4, delay=3)
    return [ours.entropy.value, ours.complexity.value], peccary(walk(), n=4).calcHC(sampInt=3)


@compared("complexity", "permutation entropy, n = 6", "antropy", 1e-10)
def _():
    import antropy

    theirs = antropy.perm_entropy(walk(), order=6, delay=1, normalize=True)
    return ak.complexity.permutation_entropy(walk(), n=6), theirs


# -- comets ---------------------------------------------------------------------------------------


@compared("comets", "Afrho of a magnitude", "sbpy", 1e-6)
def _():
    from sbpy.activity import Afrho
    from sbpy.calib import solar_fluxd

    unit = u.Unit("W m-2 um-1")
    flux = 10 ** (-0.4 * (18 + 26.76)) * unit  # of a Sun of flux 1 at 1 au
    where = {"rh": 2.5 * u.au, "delta": 3.5 * u.au}
    with solar_fluxd.set({"V": 1.0 * unit}):
        theirs = Afrho.from_fluxd("V", flux, 5 * u.arcsec, where)
    ours = ak.comets.afrho(magnitude=18, r=2.5 * u.au, delta=3.5 * u.au, aperture=5 * u.arcsec)
    return ours.value, theirs.to_value("cm")


# -- the backend ----------------------------------------------------------------------------------


@compared("backend", "R-hat of four chains", "arviz", 1e-6)
def _():
    import arviz

    from astrokit.inference.diagnostics import split_rhat

    chains = np.random.default_rng(3).standard_normal((4, 600)).cumsum(axis=1) / 30
    return split_rhat(chains), float(arviz.rhat(chains))


@compared(
    "backend", "posterior of a line, mean and standard deviation of two parameters", "emcee", 0.05
)
def _():
    import emcee

    # 7000 effective samples each: a standard deviation is known to 0.9 %, the difference to 1.2 %.
    rng = np.random.default_rng(1)
    x = np.linspace(0, 1, 40)
    y = 1 + 2 * x + rng.normal(0, 0.1, 40)
    prior = ak.inference.Uniform(-5, 5)
    parameters = ak.inference.Parameters(
        [ak.inference.Parameter(name, 1.0, prior) for name in ("intercept", "slope")]
    )
    problem = ak.inference.CurveProblem(
        x, y, np.full(40, 0.1), lambda x, a, b: a + b * x, parameters
    )
    ours = problem.sample(seed=1).samples

    def log_posterior(theta):
        inside = (np.abs(theta) < 5).all(axis=1)
        chi = (y - theta[:, :1] - theta[:, 1:] * x) / 0.1
        return np.where(inside, -0.5 * (chi**2).sum(axis=1), -np.inf)

    sampler = emcee.EnsembleSampler(32, 2, log_posterior, vectorize=True)
    sampler.random_state = np.random.RandomState(1).get_state()
    sampler.run_mcmc([1, 2] + 0.1 * rng.standard_normal((32, 2)), 6000)
    theirs = sampler.get_chain(discard=500, flat=True)
    return [*ours.mean(axis=0), *ours.std(axis=0)], [*theirs.mean(axis=0), *theirs.std(axis=0)]


def main() -> None:
    """Measure all comparisons whose package is installed; write table and page."""
    rows = []
    for c in ALL:
        if not c.is_installed:
            print(f"{c.peer} is not installed: {c.what} left out")
            continue
        ours, theirs, apart = c.difference()
        rows.append((c.room, c.what, f"{c.peer} {version(c.peer)}", ours, theirs, apart, c.allowed))
        print(f"{c.room:10} {apart:8.1e} of {c.allowed:7.0e}  {c.what}")
    names = ("room", "what", "peer", "astrokit", "other", "difference", "allowed")
    table = Table(rows=rows, names=names)
    for name in ("astrokit", "other"):
        table[name].info.format = ".12g"
    for name in ("difference", "allowed"):
        table[name].info.format = ".2e"
    table.write(HERE / "others.ecsv", format="ascii.ecsv", overwrite=True)
    (HERE / "others.inc").write_text(markdown(table), encoding="utf-8")


def markdown(table: Table) -> str:
    """Return the table of the page."""
    lines = [
        "| room | what | beside | largest relative difference | allowed |",
        "|---|---|---|--:|--:|",
    ]
    for row in table:
        apart = row["difference"]
        shown = "< 1e-12" if apart < 1e-12 else f"{apart:.0e}"
        lines.append(
            f"| {row['room']} | {row['what']} | {row['peer']} | {shown} | {row['allowed']:.0e} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstrokitWarning)
        main()
