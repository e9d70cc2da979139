"""Make ``simulated_epoch_01.fits`` to ``_22.fits``: a blazar seen 22 times, with its truth.

Each file is laid out as XMM-Newton light curves are, with a soft and a hard band in the extensions
SOFT and HARD, gaps in some, and the truth in the header of SOFT. The set imitates no numbers of
any real campaign. Plain NumPy on purpose: the files test astrokit, so astrokit does not make them.
Running it again gives the same bytes, and renews the lines of ``bundled.csv``.

The flux of most epochs has a Gaussian logarithm: red noise with a power law, or one that bends. In
seven epochs it is bimodal: the quantiles of a Gaussian process whose spectrum is flat below a
bend, so that both states are visited many times, are replaced by those of two normal
distributions. Photons of source and background are counted in each band.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from scipy import special

HERE = Path(__file__).resolve().parent
SEED = 20241002
WIDTH = 100.0  # s
LONGER, FINER = 32, 8
BACKGROUND = 0.4  # ct/s in the source region and band
BACKGROUND_AREA = 4.0  # background region over source region
START = 80_000_000.0  # s of mission time, first epoch
SPACING = 20_000_000.0  # s from epoch to epoch
ERG_PER_COUNT = 2.0e-12  # erg/cm2 per count, to give spectra a scale
KEV_IN_ERG = 1.602176634e-9


@dataclass(frozen=True)
class Epoch:
    """What goes into one file.

    `slope` is that of the spectrum at high frequency; `bend` > 0 in Hz, where it turns to `low`.
    `rms` is relative, of the logarithm from 1e-5 Hz up for unimodal epochs, of the mixture for
    bimodal ones. `trend` is the change of the hard fraction per unit of ln flux.
    """

    bins: int
    mean: float
    slope: float
    rms: float
    bend: float = 0.0
    low: float = 1.0
    states: tuple[float, float, float] | None = None  # second flux over first, share, width
    hard: float = 0.30
    trend: float = 0.0
    gaps: tuple[tuple[int, int], ...] = ()
    model: str = "BPL"


TWO = (1.35, 0.50, 0.045)
EPOCHS = (
    Epoch(580, 62.0, 2.0, 0.10),
    Epoch(420, 48.0, 1.6, 0.07, model="LP"),
    Epoch(360, 71.0, 2.0, 0.0, 5e-4, 0.0, TWO),
    Epoch(300, 55.0, 2.4, 0.12, model="PL"),
    Epoch(510, 38.0, 2.0, 0.0, 5e-4, 0.0, (1.40, 0.40, 0.05), gaps=((190, 215),)),
    Epoch(450, 44.0, 2.5, 0.11, 3e-4, 1.0),
    Epoch(330, 80.0, 1.8, 0.09, trend=0.20, hard=0.32),
    Epoch(400, 33.0, 2.2, 0.08, gaps=((80, 101), (260, 300))),
    Epoch(640, 52.0, 2.0, 0.0, 4e-4, 0.0, (1.45, 0.60, 0.05), model="LP"),
    Epoch(300, 29.0, 1.3, 0.05, model="PL"),
    Epoch(470, 66.0, 2.1, 0.13),
    Epoch(390, 41.0, 2.0, 0.0, 5e-4, 0.0, TWO, gaps=((150, 170),)),
    Epoch(560, 36.0, 1.9, 0.06, model="LP"),
    Epoch(310, 58.0, 2.8, 0.14),
    Epoch(430, 75.0, 2.0, 0.0, 4e-4, 0.0, (1.50, 0.35, 0.05), model="PL"),
    Epoch(350, 47.0, 1.5, 0.06),
    Epoch(600, 31.0, 2.0, 0.10, trend=-0.25, gaps=((220, 280), (400, 415)), model="LP"),
    Epoch(320, 69.0, 2.0, 0.0, 6e-4, 0.0, (1.40, 0.55, 0.04)),
    Epoch(480, 26.0, 2.3, 0.09, 4e-4, 1.0, gaps=((100, 130),)),
    Epoch(340, 53.0, 1.7, 0.08, model="PL"),
    Epoch(500, 45.0, 2.0, 0.0, 5e-4, 0.0, (1.35, 0.45, 0.04), gaps=((50, 62), (330, 360))),
    Epoch(410, 60.0, 2.2, 0.10, model="PL"),
)


def power(frequency: np.ndarray, epoch: Epoch) -> np.ndarray:
    """Return the shape of the power spectrum, 1 at 1e-4 Hz."""

    def shape(f: np.ndarray | float) -> np.ndarray:
        if not epoch.bend:
            return np.asarray(f) ** -epoch.slope
        return np.asarray(f) ** -epoch.low / (1 + (f / epoch.bend) ** (epoch.slope - epoch.low))

    return shape(frequency) / shape(1e-4)


def gaussian(epoch: Epoch, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Return a Gaussian process on fine bins and the amplitude of its spectrum at 1e-4 Hz.

    Unimodal epochs: the variance between 1e-5 Hz and the finest scale is `rms` squared. Bimodal
    ones: the variance of the whole process is 1.
    """
    size, step = epoch.bins * LONGER * FINER, WIDTH / FINER
    frequency = np.arange(1, size // 2 + 1) / (size * step)
    spectrum = power(frequency, epoch)
    counted = frequency > (0 if epoch.states else 1e-5)
    target = 1.0 if epoch.states else epoch.rms**2
    amplitude = target / (spectrum[counted].sum() / (size * step))
    parts = rng.standard_normal((2, frequency.size))
    coefficient = (parts[0] + 1j * parts[1]) * np.sqrt(amplitude * spectrum * size / (4 * step))
    coefficient[-1] = np.sqrt(2) * coefficient[-1].real
    values = np.fft.irfft(np.concatenate([[0], coefficient]), size)
    return values[: epoch.bins * FINER], float(amplitude)


def two_normals(z: np.ndarray, states: tuple[float, float, float]) -> np.ndarray:
    """Return the quantiles of two normals where those of a standard normal are `z`, mean 1."""
    ratio, share, width = states
    grid = np.linspace(0.5, ratio + 0.5, 20001)
    low = special.ndtr((grid - 1) / width)
    high = special.ndtr((grid - ratio) / (width * ratio))
    distribution = (1 - share) * low + share * high
    flux = np.interp(special.ndtr(z), distribution, grid)
    return flux / (1 - share + share * ratio)


def energy_fluxes(epoch: Epoch, rng: np.random.Generator) -> list[tuple[str, object, str]]:
    """Return keywords of a spectrum: parameters, and energy fluxes of three bands."""
    index = round(float(rng.uniform(2.45, 2.85)), 3)
    edges = np.geomspace(0.3, 10.0, 4001)
    energy = np.sqrt(edges[1:] * edges[:-1])
    rows: list[tuple[str, object, str]] = [("SPMODEL", epoch.model, "PL, LP or BPL: true spectrum")]
    rows.append(("SPINDEX", index, "photon index (at 1 keV; below the break)"))
    if epoch.model == "PL":
        photons = energy**-index
    elif epoch.model == "LP":
        beta = round(float(rng.uniform(0.08, 0.25)), 3)
        rows.append(("SPBETA", beta, "curvature, base e"))
        photons = energy ** (-index - beta * np.log(energy))
    else:
        steep = round(index + float(rng.uniform(0.15, 0.5)), 3)
        knee = round(float(rng.uniform(1.2, 3.5)), 3)
        rows.append(("SPINDEX2", steep, "photon index above the break"))
        rows.append(("SPBREAK", knee, "[keV] break energy"))
        photons = (
            np.where(energy < knee, (energy / knee) ** -index, (energy / knee) ** -steep)
            * knee**-index
        )
    flux = energy * photons * np.diff(edges)
    scale = epoch.mean * ERG_PER_COUNT / flux.sum()
    for name, low, high in (("SPFLUXT", 0.3, 10), ("SPFLUXS", 0.3, 2), ("SPFLUXH", 2, 10)):
        inside = (energy > low) & (energy < high)
        value = float(f"{scale * flux[inside].sum():.5e}")
        rows.append((name, value, f"[erg/cm2/s] energy flux, {low}-{high} keV"))
    rows.append(("SPNORM", float(f"{scale / KEV_IN_ERG:.5e}"), "photons/cm2/s/keV at 1 keV"))
    return rows


def observed(
    rate: np.ndarray, exposure: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """Return net rate, its error, background rate and its error, from counted photons."""
    source = rng.poisson((rate + BACKGROUND) * exposure)
    background = rng.poisson(BACKGROUND * BACKGROUND_AREA * exposure)
    back_rate = background / BACKGROUND_AREA / exposure
    back_error = np.sqrt(background) / BACKGROUND_AREA / exposure
    net = source / exposure - back_rate
    return net, np.sqrt(source / exposure**2 + back_error**2), back_rate, back_error


def make(number: int, epoch: Epoch) -> tuple[Path, str]:
    """Write one file; return its path and its truth in words."""
    rng = np.random.default_rng([SEED, number])
    process, amplitude = gaussian(epoch, rng)
    relative = two_normals(process, epoch.states) if epoch.states else np.exp(process)
    rate = epoch.mean * relative.reshape(epoch.bins, FINER).mean(axis=1)
    rate *= epoch.mean / rate.mean()
    hard_share = epoch.hard + epoch.trend * np.log(rate / epoch.mean)
    if hard_share.min() < 0.02 or hard_share.max() > 0.98:
        raise SystemExit(f"epoch {number}: the hard fraction leaves 0.02 to 0.98")
    fraction = rng.uniform(0.97, 1.0, epoch.bins)
    good = np.ones(epoch.bins, dtype=bool)
    for first, last in epoch.gaps:
        good[first:last] = False
    exposure = WIDTH * fraction
    begin = START + SPACING * (number - 1)
    time = begin + WIDTH * (np.arange(epoch.bins) + 0.5)
    spectrum = energy_fluxes(epoch, rng)
    kind = "bimodal" if epoch.states else "lognormal"
    truth: list[tuple[str, object, str]] = [
        ("TRUSEED", SEED, "seed of the simulation"),
        ("TRUEPOCH", number, "number of the epoch"),
        ("TRUSLOPE", epoch.slope, "slope of the power spectrum at high frequency"),
        ("TRUBEND", epoch.bend, "[Hz] bend frequency, 0: none"),
        ("TRULOW", epoch.low if epoch.bend else epoch.slope, "slope below the bend"),
        ("TRUAMP", float(f"{amplitude:.6e}"), "[1/Hz] power of the Gaussian process at 1e-4 Hz"),
        ("TRUFLUX", kind, "distribution of the flux"),
        ("TRUMEAN", epoch.mean, "[ct/s] mean without photon noise, both bands"),
        ("TRUFVAR", round(float(rate[good].std(ddof=1) / rate[good].mean()), 6),
         "Fvar without photon noise, gaps left out"),
        ("TRUHARD", epoch.hard, "fraction of hard photons at the mean flux"),
        ("TRUTREND", epoch.trend, "change of that fraction per unit of ln flux"),
    ]  # fmt: skip
    if epoch.states:
        ratio, share, width = epoch.states
        first = epoch.mean / (1 - share + share * ratio)
        truth += [
            ("TRULEV1", round(first, 3), "[ct/s] lower state, about"),
            ("TRULEV2", round(first * ratio, 3), "[ct/s] upper state, about"),
            ("TRUSHARE", share, "share of time in the upper state"),
            ("TRUWIDTH", width, "relative width of both states"),
        ]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], good.astype(int), [0]])))
    gti = fits.BinTableHDU.from_columns(
        [
            fits.Column("START", "D", "s", array=begin + WIDTH * edges[::2]),
            fits.Column("STOP", "D", "s", array=begin + WIDTH * edges[1::2]),
        ],
        name="STDGTI01",
    )
    hdus: list[fits.hdu.base.ExtensionHDU] = [fits.PrimaryHDU()]
    for name, share, channels in (
        ("SOFT", 1 - hard_share, (300, 2000)),
        ("HARD", hard_share, (2000, 10000)),
    ):
        net, error, back, back_error = observed(rate * share, exposure, rng)
        columns = [
            fits.Column(label, "E", "count/s", array=np.where(good, values, np.nan))
            for label, values in (("RATE", net), ("ERROR", error))
        ]
        columns += [
            fits.Column("TIME", "D", "s", array=time),
            fits.Column("FRACEXP", "E", array=np.where(good, fraction, 0.0)),
            fits.Column("BACKV", "E", "count/s", array=np.where(good, back, np.nan)),
            fits.Column("BACKE", "E", "count/s", array=np.where(good, back_error, np.nan)),
        ]
        hdu = fits.BinTableHDU.from_columns(columns, name=name)
        hdu.header["TIMEDEL"] = (WIDTH, "[s] bin width")
        hdu.header["CHANMIN"] = (channels[0], "[eV] as XMM-Newton software writes it")
        hdu.header["CHANMAX"] = (channels[1], "[eV]")
        hdu.header["E_MIN"] = (channels[0] / 1000, "[keV]")
        hdu.header["E_MAX"] = (channels[1] / 1000, "[keV]")
        hdus.append(hdu)
    for key, value, comment in [*truth, *spectrum]:
        hdus[1].header[key] = (value, comment)
    hdus.append(gti)
    for hdu in hdus:
        hdu.header.update(
            TELESCOP="XMM",
            INSTRUME="EPN",
            OBJECT="SIMULATED BLAZAR",
            OBS_ID=f"SIM{number:07d}",
            ORIGIN="astrokit simulation, no observation",
            MJDREF=50814.0,
            TIMESYS="TT",
            TIMEUNIT="s",
        )
    path = HERE / f"simulated_epoch_{number:02d}.fits"
    fits.HDUList(hdus).writeto(path, overwrite=True)
    words = "; ".join(f"{key}={value}" for key, value, _ in [*truth, *spectrum])
    return path, words


def renew_list(made: list[tuple[int, Path, str]]) -> None:
    """Write the lines of the epochs into ``bundled.csv``; checksums follow by make_registry.py."""
    path = HERE / "bundled.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    columns = list(rows[0])
    rows = [row for row in rows if not row["name"].startswith("simulated-epoch-")]
    for number, file, truth in made:
        epoch = EPOCHS[number - 1]
        rows.append(
            {
                "name": f"simulated-epoch-{number:02d}",
                "file": file.name,
                "sha256": "",
                "description": f"XMM-Newton-like light curves of a simulated blazar in two bands, "
                f"epoch {number} of {len(EPOCHS)}, {epoch.bins} bins of {WIDTH:g} s, "
                f"{len(epoch.gaps)} gaps",
                "generator": Path(__file__).name,
                "truth": truth,
                "reference": "simulated",
                "licence": "BSD-3-Clause",
            }
        )
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Write all files beside this script."""
    made = []
    for number, epoch in enumerate(EPOCHS, 1):
        path, truth = make(number, epoch)
        made.append((number, path, truth))
    renew_list(made)
    size = sum(path.stat().st_size for _, path, _ in made)
    print(f"{len(made)} files, {size} bytes; now run make_registry.py")


if __name__ == "__main__":
    main()
