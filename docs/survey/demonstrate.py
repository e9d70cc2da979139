"""Surveys on a real Dask cluster whose worker, scheduler and client are killed in the middle.

    python docs/survey/demonstrate.py light_curves SCRATCH      # 1000 through timing.characterize
    python docs/survey/demonstrate.py spectra SCRATCH           # 2000 through spectra.fit
    python docs/survey/demonstrate.py galaxies SCRATCH          # 225 through bars.pattern_speed

Each study simulates its files in SCRATCH, runs once serially and once on a cluster of two worker
processes. There a worker is killed with SIGKILL after a fifth of the targets, the scheduler after
two fifths (another starts at its address, with new workers), and the client after three fifths; a
second client resumes. Then the two tables are compared byte by byte, and the rows of all parts are
counted. The result is a row of ``demonstration.ecsv``. A study that is stopped goes on when it is
started again with the same SCRATCH.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.table import Table

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import astrokit as ak  # noqa: E402
from tests.survey.cluster import Cluster  # noqa: E402

TABLE = Path(__file__).with_name("demonstration.ecsv")
BINS = 100


@dataclass(frozen=True)
class Study:
    """One analysis with its targets."""

    analysis: str
    targets: int
    source: str
    options: str
    make: Callable[[Path, int], None]


def light_curves(folder: Path, n: int) -> None:
    """Write light curves of red noise with slope 2, 100 bins of 100 s."""
    for i in range(n):
        path = folder / f"curve{i:04d}.fits"
        if path.exists():
            continue
        rng = np.random.default_rng([1, i])
        frequency = np.fft.rfftfreq(4 * BINS)[1:]
        noise = rng.normal(size=(2, frequency.size)) / frequency
        flux = np.fft.irfft(np.r_[0, noise[0] + 1j * noise[1]], 4 * BINS)[:BINS]
        rate = np.clip(50 * (1 + 0.2 * (flux - flux.mean()) / flux.std()), 5, None)
        error = np.sqrt(rate / 100.0)
        rate = rate + error * rng.normal(size=BINS)
        curve = ak.LightCurve(100.0 * np.arange(BINS), rate, error)
        ak.lightcurve.write_lightcurve(curve, path)


def spectra(folder: Path, n: int) -> None:
    """Write spectra of power laws of index 1.5 to 2.5, 60 channels, some 1000 counts."""
    detector = ak.spectra.Response.ideal(np.geomspace(0.5, 8.0, 61), area=300.0)
    for i in range(n):
        path = folder / f"spectrum{i:04d}.pha"
        if path.exists():
            continue
        index = 1.5 + np.random.default_rng([2, i]).uniform()
        model = ak.spectra.PowerLaw(photon_index=index, normalization=2e-3)
        spectrum = ak.spectra.simulate(model, response=detector, exposure=2000.0, seed=i)
        ak.spectra.write_pha(spectrum, path)


def galaxies(folder: Path, n: int) -> None:
    """Write a list of toy galaxies with pattern speeds of 10 to 30 km/s/arcsec."""
    rng = np.random.default_rng(3)
    table = Table({"name": [f"galaxy{i:03d}" for i in range(n)]})
    table["pattern_speed"] = rng.uniform(10.0, 30.0, n)
    table["inclination"] = rng.uniform(30.0, 60.0, n)
    table["bar_angle"] = rng.uniform(20.0, 70.0, n)
    table.write(folder / "galaxies.ecsv", overwrite=True)


FAST = """
measures = ["sampling", "amplitudes", "timescales"]
settings = { amplitudes = { scatter = 0 }, timescales = { scatter = 0 } }
"""
STUDIES = {
    "light_curves": Study("timing.characterize", 1000, "data/*.fits", FAST, light_curves),
    "spectra": Study("spectra.fit", 2000, "data/spectrum????.pha", 'model = "powerlaw"', spectra),
    "galaxies": Study("bars.pattern_speed", 225, "data/galaxies.ecsv", "n_draws = 500", galaxies),
}


def main() -> None:
    """Run one study and keep its row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--targets", type=int, help="fewer, for a quick look; no row is kept")
    chosen = parser.parse_args()
    study = STUDIES[chosen.study]
    n = chosen.targets or study.targets
    folder = chosen.scratch / chosen.study
    (folder / "data").mkdir(parents=True, exist_ok=True)
    study.make(folder / "data", n)
    row = {"study": chosen.study, "analysis": study.analysis, "targets": n}
    row |= demonstrated(study, folder, n)
    print(row)
    if chosen.targets is None:  # a shortened study leaves the table alone
        keep(row)


def demonstrated(study: Study, folder: Path, n: int) -> dict[str, object]:
    """Return what came out of the serial run and of the one that was disturbed."""
    command(configuration(study, folder, "serial"), "--resume")
    serial = ak.survey.load(folder / "serial")
    with Cluster(2) as cluster:
        words = (configuration(study, folder, "cluster"), "--resume")
        words += ("--scheduler", cluster.address)
        client = command(*words, wait=False)
        until(folder / "cluster", client, n // 5)
        cluster.kill_worker()
        until(folder / "cluster", client, 2 * n // 5)
        cluster.restart_scheduler()
        done = until(folder / "cluster", client, 3 * n // 5)
        client.send_signal(signal.SIGKILL)
        client.wait()
        command(*words)
    disturbed = ak.survey.load(folder / "cluster")
    rows = sum(part["rows_read"] for part in disturbed.provenance.inputs)
    same = serial.table_file.read_bytes() == disturbed.table_file.read_bytes()
    return {
        "measured": disturbed.counts["ok"],
        "failed": disturbed.counts["failed"],
        "rows_in_parts": rows,
        "finished_at_kill": done,
        "identical": same,
    }


def configuration(study: Study, folder: Path, output: str) -> str:
    """Write the configuration of a run; return its path."""
    path = folder / f"{output}.toml"
    path.write_text(
        f'[survey]\nanalysis = "{study.analysis}"\noutput = "{output}"\nseed = 7\n'
        f'[catalogue]\nsource = "{study.source}"\n[options]\n{study.options}\n'
    )
    return str(path)


def command(*words: str, wait: bool = True) -> subprocess.Popen[bytes]:
    """Start ``astrokit survey`` in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ASTROKIT_PROGRESS": "0"}
    process = subprocess.Popen(
        [sys.executable, "-m", "astrokit.cli", "survey", *words], env=environment
    )
    if wait and process.wait() == 2:
        raise SystemExit("the run stopped with an error")
    return process


def until(output: Path, client: subprocess.Popen[bytes], rows: int) -> int:
    """Wait until so many targets are on the disk; return how many there are."""
    done = finished(output)
    while done < rows and client.poll() is None:
        time.sleep(0.1)
        done = finished(output)
    if client.poll() is not None:
        raise SystemExit("the client ended before it could be disturbed")
    return done


def finished(output: Path) -> int:
    """Return how many rows the manifest counts."""
    try:
        parts = json.loads((output / "survey.json").read_text())["parts"]
    except (OSError, ValueError):
        return 0
    return sum(part["rows"] for part in parts)


def keep(row: dict[str, object]) -> None:
    """Put the row of a study into the table."""
    rows = (
        [dict(zip(r.colnames, r, strict=True)) for r in Table.read(TABLE)] if TABLE.exists() else []
    )
    rows = [r for r in rows if r["study"] != row["study"]] + [row]
    Table(rows=rows, names=list(row)).write(TABLE, overwrite=True)


if __name__ == "__main__":
    main()
