"""Make ``simulated_xmm_lightcurve.fits``: an XMM-Newton-like light curve whose truth is known.

Red noise with a power-law spectrum (Timmer & Koenig 1995), 32 times longer and 8 times finer than
the result; photons are drawn in the source and in the background region, and the background is
subtracted. Plain NumPy on purpose: the file is a test of astrokit, so astrokit does not make it.
Running it again gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits

SEED = 1
SLOPE = 1.5
PIVOT = 1e-4  # Hz
LOG_AMPLITUDE = 2.5  # ln of (rms/mean)^2 per Hz at the pivot, for the mean of the process
MEAN_RATE = 10.0  # ct/s, source
BACKGROUND = 0.5  # ct/s in the source region
BACKGROUND_AREA = 4.0  # background region over source region
BINS, WIDTH = 1200, 100.0  # s
START = 512_345_600.0  # s of mission time
LONGER, FINER = 32, 8


def red_noise(rng: np.random.Generator) -> np.ndarray:
    """Return relative deviations of the rate, one per fine bin."""
    size = BINS * LONGER * FINER
    step = WIDTH / FINER
    frequency = np.arange(1, size // 2 + 1) / (size * step)
    power = np.exp(LOG_AMPLITUDE) * (frequency / PIVOT) ** -SLOPE
    parts = rng.standard_normal((2, frequency.size))
    coefficient = (parts[0] + 1j * parts[1]) * np.sqrt(power * size / (4 * step))
    coefficient[-1] = np.sqrt(2) * coefficient[-1].real
    deviation = np.fft.irfft(np.concatenate([[0], coefficient]), size)
    return deviation[: BINS * FINER]


def main() -> None:
    """Write the file beside this script."""
    rng = np.random.default_rng(SEED)
    rate = MEAN_RATE * (1 + red_noise(rng)).reshape(BINS, FINER).mean(axis=1)
    if rate.min() <= 0:
        raise SystemExit("the simulated rate becomes negative: choose a smaller amplitude")
    fraction = rng.uniform(0.97, 1.0, BINS)
    exposure = WIDTH * fraction
    source = rng.poisson((rate + BACKGROUND) * exposure)
    background = rng.poisson(BACKGROUND * BACKGROUND_AREA * exposure)
    back_rate = background / BACKGROUND_AREA / exposure
    back_error = np.sqrt(background) / BACKGROUND_AREA / exposure
    net = source / exposure - back_rate
    error = np.sqrt(source / exposure**2 + back_error**2)
    time = START + WIDTH * (np.arange(BINS) + 0.5)

    columns = [
        fits.Column("RATE", "E", "count/s", array=net),
        fits.Column("ERROR", "E", "count/s", array=error),
        fits.Column("TIME", "D", "s", array=time),
        fits.Column("FRACEXP", "E", array=fraction),
        fits.Column("BACKV", "E", "count/s", array=back_rate),
        fits.Column("BACKE", "E", "count/s", array=back_error),
    ]
    curve = fits.BinTableHDU.from_columns(columns, name="RATE")
    gti = fits.BinTableHDU.from_columns(
        [
            fits.Column("START", "D", "s", array=[START]),
            fits.Column("STOP", "D", "s", array=[START + BINS * WIDTH]),
        ],
        name="STDGTI01",
    )
    primary = fits.PrimaryHDU()
    for hdu in (primary, curve, gti):
        hdu.header.update(
            TELESCOP="XMM",
            INSTRUME="EPN",
            OBJECT="SIMULATED",
            ORIGIN="astrokit simulation, no observation",
            MJDREF=50814.0,
            TIMESYS="TT",
            TIMEUNIT="s",
        )
    curve.header["TIMEDEL"] = (WIDTH, "[s] bin width")
    curve.header["CHANMIN"] = (300, "[eV] as if 0.3-10 keV")
    curve.header["CHANMAX"] = (10000, "[eV]")
    for key, value, comment in truth(rate):
        curve.header[key] = (value, comment)
    path = Path(__file__).with_name("simulated_xmm_lightcurve.fits")
    fits.HDUList([primary, curve, gti]).writeto(path, overwrite=True)
    print(
        f"{path.name}: {path.stat().st_size} bytes, Fvar of the noiseless curve "
        f"{rate.std(ddof=1) / rate.mean():.4f}"
    )


def truth(rate: np.ndarray) -> list[tuple[str, float, str]]:
    """Return keyword, value and comment of what went in.

    The mean of a stretch of red noise is not that of the process. The amplitude in the header is
    relative to the mean of this stretch, as an observer measures it.
    """
    log_amplitude = LOG_AMPLITUDE + 2 * np.log(MEAN_RATE / rate.mean())
    return [
        ("TRUSEED", SEED, "seed of the simulation"),
        ("TRUSLOPE", SLOPE, "slope of the power spectrum"),
        ("TRULNA", round(float(log_amplitude), 4), "ln((rms/mean)^2/Hz) at TRUPIVOT"),
        ("TRUPIVOT", PIVOT, "[Hz] pivot frequency"),
        ("TRUMEAN", round(float(rate.mean()), 6), "[ct/s] mean without photon noise"),
        ("TRUFVAR", round(float(rate.std(ddof=1) / rate.mean()), 6), "Fvar without photon noise"),
    ]


if __name__ == "__main__":
    main()
