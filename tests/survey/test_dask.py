"""A real Dask cluster: processes that are killed and started again, and always the same table."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

import astrokit as ak
from tests.survey import functions
from tests.survey.cluster import Cluster

Client = pytest.importorskip("distributed").Client
ROOT = Path(__file__).resolve().parents[2]
N = 40
TARGETS = Table({"name": [f"t{i}" for i in range(N)]})
OPTIONS = {"sleep": 0.1}


@pytest.fixture(scope="module")
def cluster():
    with Cluster(2) as running:
        yield running


@pytest.fixture(scope="module")
def serial(tmp_path_factory) -> bytes:
    folder = tmp_path_factory.mktemp("serial") / "out"
    survey = ak.survey.run(functions.draw, TARGETS, folder)
    return _rows(survey)


def _rows(survey: ak.survey.Survey) -> bytes:
    """Return the table without its header, which names the options."""
    lines = survey.table_file.read_bytes().splitlines()
    return b"\n".join(line for line in lines if not line.startswith(b"#"))


def _when_parts_are_there(output: Path, parts: int, action) -> threading.Thread:
    """Do something as soon as some results are on the disk, so in the middle of the run."""

    def wait() -> None:
        deadline = time.monotonic() + 60
        while len(list(output.glob("parts/*.ecsv"))) < parts and time.monotonic() < deadline:
            time.sleep(0.02)
        action()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_nothing(cluster, serial, tmp_path):
    output = tmp_path / "out"
    killer = _when_parts_are_there(output, 1, cluster.kill_worker)
    survey = ak.survey.run(
        functions.draw, TARGETS, output, options=OPTIONS, executor=cluster.address
    )
    killer.join()
    assert survey.counts == {"ok": N, "failed": 0, "missing": 0}
    assert _rows(survey) == serial
    parts = survey.provenance.inputs
    assert sum(part["rows_read"] for part in parts) == N  # nothing twice


@pytest.mark.slow
def test_a_scheduler_that_is_restarted_costs_nothing(cluster, serial, tmp_path):
    output = tmp_path / "out"
    with Client(cluster.address, timeout=20) as client:
        killer = _when_parts_are_there(output, 1, cluster.restart_scheduler)
        survey = ak.survey.run(
            functions.draw, TARGETS, output, options=OPTIONS, executor=client.get_executor()
        )
        killer.join()
    assert survey.counts["ok"] == N
    assert _rows(survey) == serial
    assert sum(part["rows_read"] for part in survey.provenance.inputs) == N


@pytest.mark.slow
def test_a_killed_client_goes_on_from_the_command_line(cluster, serial, tmp_path):
    TARGETS.write(tmp_path / "list.csv")
    config = tmp_path / "survey.toml"
    config.write_text(
        '[survey]\nanalysis = "tests.survey.functions:draw"\noutput = "out"\n'
        '[catalogue]\nsource = "list.csv"\n[options]\nsleep = 0.1\n'
    )
    words = ["survey", str(config), "--allow-code", "--scheduler", cluster.address]
    command = [sys.executable, "-m", "astrokit.cli", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as client:
        _when_parts_are_there(
            tmp_path / "out", 1, lambda: client.send_signal(signal.SIGKILL)
        ).join()
    again = subprocess.run([*command, "--resume"], env=environment, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    survey = ak.survey.load(tmp_path / "out")
    assert _rows(survey) == serial
    parts = survey.provenance.inputs
    assert len(parts) > 1
    assert sum(part["rows_read"] for part in parts) == N


@pytest.mark.slow
def test_light_curves_on_a_cluster(cluster, tmp_path):
    """The analysis of real files: paths travel, workers read, and a bad file is a row."""
    (tmp_path / "curves").mkdir()
    for i in range(12):
        rng = np.random.default_rng(i)
        rate = 50 + np.cumsum(rng.normal(0, 1, 128)) + rng.normal(0, 1, 128)
        curve = ak.LightCurve(10.0 * np.arange(128), rate, np.full(128, 1.0))
        ak.lightcurve.write_lightcurve(curve, tmp_path / "curves" / f"c{i:02d}.ecsv")
    (tmp_path / "curves/c05.ecsv").write_text("cut off")
    pattern = f"{tmp_path}/curves/*.ecsv"
    options = {"measures": ["sampling", "amplitudes"], "settings": {"amplitudes": {"scatter": 0}}}
    here = ak.survey.run("timing.characterize", pattern, tmp_path / "a", options=options)
    with Client(cluster.address, timeout=20) as client:
        there = ak.survey.run(
            "timing.characterize", pattern, tmp_path / "b", options=options, executor=client
        )
    assert here.counts == {"ok": 11, "failed": 1, "missing": 0}
    assert there.table_file.read_bytes() == here.table_file.read_bytes()
