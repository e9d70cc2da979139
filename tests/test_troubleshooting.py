"""Every message that the page on troubleshooting quotes is one that a user really meets."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table

import astrokit as ak
from astrokit import inference, spectra, timing
from astrokit.errors import AstrokitError
from astrokit.inference import CurveProblem, Parameter, Parameters, PoissonProblem, Uniform

PAGE = Path(__file__).resolve().parents[1] / "docs" / "troubleshooting.md"
PROVOKED: dict[str, Callable[[Path], object]] = {}


def provokes(message: str) -> Callable[[Callable[[Path], object]], Callable[[Path], object]]:
    """Register a mistake under the first words of its message."""

    def register(mistake: Callable[[Path], object]) -> Callable[[Path], object]:
        PROVOKED[message] = mistake
        return mistake

    return register


def quoted() -> list[str]:
    """Return the messages of the page, each on one line."""
    blocks = re.findall(r"^```text\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    return [" ".join(block.split()) for block in blocks]


def message_of(mistake: Callable[[Path], object], folder: Path) -> str:
    """Return what a user reads: all warnings, and the error if there is one."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            mistake(folder)
            error = ""
        except (AstrokitError, TypeError) as raised:
            error = f"{type(raised).__name__}: {raised}"
    said = [f"{w.category.__name__}: {w.message}" for w in caught]
    return " ".join(" ".join([*said, error]).split())


def matches(quotation: str, message: str) -> bool:
    """Tell if the quotation, whose dots stand for anything, is in the message."""
    pattern = ".*?".join(re.escape(part) for part in quotation.split("..."))
    return re.search(pattern, message) is not None


@pytest.mark.parametrize("quotation", quoted(), ids=lambda text: text[:48])
def test_a_quoted_message_occurs(quotation, tmp_path):
    starts = [start for start in PROVOKED if start in quotation]
    assert len(starts) == 1, f"no mistake, or more than one, leads to: {quotation}"
    message = message_of(PROVOKED[starts[0]], tmp_path)
    assert matches(quotation, message), message


def test_every_mistake_is_on_the_page():
    text = quoted()
    assert not [start for start in PROVOKED if not any(start in words for words in text)]


# -- files ----------------------------------------------------------------------------------------


@provokes("read_lightcurve has no keyword")
def _(folder):
    ak.read_lightcurve(ak.datasets.fetch("simulated-xmm"), bin_sise=10)


@provokes("this is an event list")
def _(folder):
    from astropy.io import fits

    events = fits.BinTableHDU(Table({"TIME": np.arange(50.0), "PI": np.arange(50)}), name="EVENTS")
    events.header.update(TELESCOP="XMM", TIMEUNIT="s", MJDREF=50814.0)
    events.writeto(folder / "events.fits")
    ak.read_lightcurve(folder / "events.fits")


@provokes("row(s) repeat the time of another row")
def _(folder):
    (folder / "curve.csv").write_text("time,rate,error\n1,1,0.1\n1,1,0.1\n2,1,0.1\n")
    ak.read_lightcurve(folder / "curve.csv")


@provokes("it is not clear which column")
def _(folder):
    (folder / "curve.csv").write_text("when,much\n1,1\n2,1\n3,1\n")
    ak.read_lightcurve(folder / "curve.csv")


@provokes("the file names a")
def _(folder):
    grid = spectra.Response.ideal(np.geomspace(0.5, 8, 31), area=300.0, fwhm=0.12)
    spec = spectra.simulate(
        spectra.PowerLaw(), grid, exposure=1e4, seed=1, photon_index=1.8, normalization=1e-3
    )
    spec.write(folder / "source.pha")
    for name in folder.glob("*.rmf"):
        name.unlink()
    spectra.read_pha(folder / "source.pha")


@provokes("no data file of this name")
def _(folder):
    ak.datasets.fetch("mrk-766")


# -- data -----------------------------------------------------------------------------------------


@provokes("the light curve is not evenly sampled")
def _(folder):
    lc = ak.LightCurve([0, 1, 2, 5, 6, 9.0], np.ones(6), np.full(6, 0.1))
    timing.Periodogram.from_lightcurve(lc)


@provokes("NaN of")
def _(folder):
    PoissonProblem([0.0, 1.0], [3, np.nan], lambda x, a: a + 0 * x, one_parameter())


@provokes("not a unit of time")
def _(folder):
    ak.LightCurve([0, 1, 2] * u.keV, [1, 1, 1.0])


@provokes("bins have a missing, zero or negative error")
def _(folder):
    ak.LightCurve(np.arange(5.0), np.ones(5), [0.1, 0.1, 0.0, 0.1, 0.1])


@provokes("all bins lie outside the good time intervals")
def _(folder):
    ak.LightCurve(np.arange(5.0), np.ones(5), np.full(5, 0.1), gti=[[100.0, 200.0]])


# -- fits -----------------------------------------------------------------------------------------


def one_parameter(low=0.0, high=10.0, value=1.0):
    return Parameters([Parameter("level", value, Uniform(low, high))])


def level(counts, **prior):
    return PoissonProblem(
        np.arange(len(counts)), counts, lambda x, a: a + 0 * x, one_parameter(**prior)
    )


@provokes("ended at lower bound")
def _(folder):
    level([0, 0, 0, 0]).fit()


@provokes("is not determined by the data")
def _(folder):
    parameters = Parameters(
        [Parameter("level", 1.0, Uniform(0, 10)), Parameter("shape", 0.5, Uniform(0, 1))]
    )
    CurveProblem(
        np.arange(5), np.ones(5), np.full(5, 0.1), lambda x, a, b: a + 0 * b * x, parameters
    ).fit()


@provokes("ln L is not a parabola")
def _(folder):
    level([1, 0, 2, 0]).fit()


@provokes("no such parameter")
def _(folder):
    level([4, 6, 5]).fit()["levle"]


@provokes("the log-likelihood of")
def _(folder):
    CurveProblem(
        np.arange(5),
        np.ones(5),
        np.full(5, 0.1),
        lambda x, a: np.log(a - 5) + 0 * x,
        one_parameter(),
    ).fit()


@provokes("may be too small: leakage")
def _(folder):
    sampling = ak.LightCurve(np.arange(1024.0), np.full(1024, 10.0), np.full(1024, 0.01))
    steep = timing.simulate_lightcurve(lambda f: 1e-6 * f**-3.0, sampling, seed=1)
    pg = timing.Periodogram.from_lightcurve(steep)
    timing.PSDProblem(pg, timing.PowerLaw() + timing.Constant()).fit()


@provokes("wstat does not fit these data")
def _(folder):
    grid = spectra.Response.ideal(np.geomspace(0.5, 8, 31), area=300.0, fwhm=0.12)
    spec = spectra.simulate(
        spectra.PowerLaw(), grid, exposure=1e4, seed=1, photon_index=1.8, normalization=1e-3
    )
    spectra.SpectralProblem(spec, spectra.PowerLaw(), statistic="wstat")


# -- posteriors and tests -------------------------------------------------------------------------


@provokes("autocorrelation times of")
def _(folder):
    level([4, 6, 5]).sample(seed=1, max_steps=60)


@provokes("this checkpoint belongs to another run")
def _(folder):
    level([4, 6, 5]).sample(seed=1, max_steps=100, checkpoint=folder / "run")
    level([4, 6, 7]).sample(seed=1, max_steps=100, checkpoint=folder / "run")


@provokes("the results do not rest on the same data")
def _(folder):
    ak.compare([level([4, 6, 5]).fit(), level([4, 6, 9]).fit()])


@provokes("this is not a result that astrokit saved")
def _(folder):
    import h5py

    with h5py.File(folder / "mine.h5", "w") as file:
        file["x"] = [1.0]
    inference.load(folder / "mine.h5")


@provokes("the F-test does not hold here")
def _(folder):
    points = spectra.FluxPoints(np.geomspace(1, 10, 20), np.ones(20), np.full(20, 0.1))
    simple = spectra.SpectralProblem(points, spectra.PowerLaw()).fit()
    broken = spectra.SpectralProblem(points, spectra.BrokenPowerLaw()).fit()
    spectra.f_test(simple, broken)


# -- rooms ----------------------------------------------------------------------------------------


@provokes("follow different conventions")
def _(folder):
    energies = np.geomspace(1e37, 1e39, 30)
    samples = [
        ak.bursts.BurstSample(fluence=energies / 1e37).with_energies(
            ak.bursts.EnergyConvention(bandwidth=width), redshift=0.1, distance=400.0
        )
        for width in (500, 1250)
    ]
    ak.bursts.compare_samples(samples)


@provokes("all data are whole numbers")
def _(folder):
    ak.bursts.PowerLawTail.fit(np.random.default_rng(1).zipf(2.5, 500))


@provokes("fewer than 25 windows each")
def _(folder):
    ak.complexity.hc(np.random.default_rng(1).normal(size=1000), n=6)


@provokes("measure in one linear aperture")
def _(folder):
    r = np.linspace(3, 1.5, 20)
    ph = ak.comets.CometPhotometry(
        60000 + np.arange(20.0), 8 + 10 * np.log10(r), error=0.1, r=r, delta=r - 0.9,
        phase_angle=np.linspace(5, 20, 20), aperture=5.0, aperture_unit="arcsec",
    )  # fmt: skip
    ak.comets.fit_index(ph, seed=1)
