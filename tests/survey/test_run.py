"""Runs: the same numbers on any executor, whatever targets and workers do, and after any stop."""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

import astrokit as ak
from astrokit.errors import AstrokitError, CheckpointError, InputError
from astrokit.survey import store
from astrokit.survey.compute import Job, target_seed
from astrokit.survey.dispatch import Dispatcher
from astrokit.survey.identity import packed_options
from astrokit.survey.workers import Workers, workers_for
from tests.survey import functions

ROOT = Path(__file__).resolve().parents[2]


def names(n: int) -> Table:
    return Table({"name": [f"t{i}" for i in range(n)]})


def content(survey: ak.survey.Survey) -> bytes:
    return (survey.folder / "table.ecsv").read_bytes()


@pytest.fixture(scope="module")
def serial(tmp_path_factory) -> ak.survey.Survey:
    return ak.survey.run(functions.draw, names(30), tmp_path_factory.mktemp("serial") / "out")


# -- the same numbers everywhere -------------------------------------------------------------------


def test_a_serial_run_measures_every_target(serial):
    assert serial.counts == {"ok": 30, "failed": 0, "missing": 0}
    assert serial.table["name"].tolist() == [f"t{i}" for i in range(30)]
    assert len(set(serial.table["plain"])) == 30


def test_the_seed_of_a_target_is_that_of_its_name(serial, tmp_path):
    rng = np.random.default_rng(target_seed(0, "t7"))
    assert serial.table["estimate"][7] == rng.normal()
    backwards = Table({"name": [f"t{i}" for i in range(29, 9, -1)]})
    other = ak.survey.run(functions.draw, backwards, tmp_path / "out")
    assert other.table["plain"].tolist() == serial.table["plain"].tolist()[29:9:-1]
    reseeded = ak.survey.run(functions.draw, backwards, tmp_path / "again", seed=1)
    assert not set(reseeded.table["plain"]) & set(other.table["plain"])


class OnlySubmit:
    """What MPI futures, and many others, have in common: submit, and nothing else."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool

    def submit(self, function, *arguments) -> Future:
        return self._pool.submit(function, *arguments)


@pytest.mark.parametrize("kind", ["workers", "threads", "submit"])
def test_any_executor_gives_the_same_table(serial, tmp_path, kind):
    with ThreadPoolExecutor(2) as pool:
        executor = {"workers": 2, "threads": pool, "submit": OnlySubmit(pool)}[kind]
        survey = ak.survey.run(functions.draw, names(30), tmp_path / "out", executor=executor)
    assert content(survey) == content(serial)


def test_a_process_pool_that_loses_a_worker_is_replaced(serial, tmp_path):
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        killer = threading.Thread(target=_kill_when_busy, args=(pool, tmp_path / "out"))
        killer.start()
        options = {"sleep": 0.05}
        survey = ak.survey.run(
            functions.draw, names(30), tmp_path / "out", executor=pool, options=options
        )
        killer.join()
        with pytest.raises(Exception, match="terminated abruptly"):
            pool.submit(int).result()
    assert survey.counts["ok"] == 30
    assert survey.table["plain"].tolist() == serial.table["plain"].tolist()


def _kill_when_busy(pool: ProcessPoolExecutor, output: Path) -> None:
    deadline = time.monotonic() + 60
    while not pool._processes and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.8)
    os.kill(next(iter(pool._processes)), signal.SIGKILL)


def test_workers_are_new_processes_with_one_thread_each(tmp_path):
    survey = ak.survey.run(functions.threads, names(8), tmp_path / "out", executor=2)
    table = survey.table
    assert set(table["OMP_NUM_THREADS"]) == set(table["NUMBA_NUM_THREADS"]) == {1}
    assert os.getpid() not in set(table["pid"])
    more = ak.survey.run(functions.threads, names(1), tmp_path / "more", executor=1, threads=3)
    assert more.table["OPENBLAS_NUM_THREADS"].tolist() == [3]


# -- targets that misbehave ------------------------------------------------------------------------

BAD = ("raises", "hangs", "dies", "crashes", "exits", "leaves", "array")
GOOD = ("fine", "prints", "warns", "once")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> ak.survey.Survey:
    folder = tmp_path_factory.mktemp("hostile")
    targets = Table({"name": [*BAD, *GOOD, *(f"fine-{i}" for i in range(5))]})
    return ak.survey.run(
        functions.misbehave,
        targets,
        folder / "out",
        executor=2,
        time_limit=1.5,
        options={"folder": str(folder)},
    )


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("raises", "InputError: this target is bad (got 'raises'). Way out: leave it out."),
        ("hangs", "TimeLimit: no answer after 1.5 s."),
        ("dies", "WorkerDied: the worker process was killed by signal 9 (SIGKILL), twice"),
        ("crashes", "WorkerDied: the worker process was killed by signal 6 (SIGABRT), twice"),
        ("exits", "SystemExit: 3"),
        ("leaves", "WorkerDied: the worker process ended with exit code 7, twice"),
    ],
)
def test_a_target_that_fails_is_a_row_with_its_error(hostile, name, error):
    row = hostile.table[hostile.table["name"] == name]
    assert row["status"][0] == "failed"
    assert row["error"][0] == error
    assert np.ma.is_masked(row["plain"][0])


def test_the_others_are_measured(hostile):
    table = hostile.table
    assert set(table["name"][table["status"] == "failed"]) == set(BAD)
    assert set(hostile.failures["name"]) == set(BAD)
    assert hostile.counts == {"ok": 9, "failed": 7, "missing": 0}
    assert table["warnings"][table["name"] == "warns"][0] == "DataWarning: one bin was left out"
    assert "functions.py" in hostile.failures["where"][0]


def test_a_serial_run_keeps_a_time_limit_too(tmp_path):
    targets = Table({"name": ["fine", "hangs"]})
    survey = ak.survey.run(functions.misbehave, targets, tmp_path / "out", time_limit=1)
    assert survey.table["status"].tolist() == ["ok", "failed"]


class Deadly(Workers):
    """Workers of which each dies that gets the target "t3"."""

    label = "deadly"

    def __init__(self) -> None:
        self.under_way: list[int] = []

    def submit(self, function, *arguments):
        from concurrent.futures.process import BrokenProcessPool

        future: Future = Future()
        if any(target.name == "t3" for target in arguments[1]):
            future.set_exception(BrokenProcessPool("a worker died"))
        else:
            future.set_result(([functions_outcome(t) for t in arguments[1]], 0.001))
        return future

    def count(self) -> int:
        return 2

    def close(self) -> None:
        return


def functions_outcome(target):
    from astrokit.survey.compute import Outcome

    return Outcome(target.name, target.fingerprint, "ok")


def test_a_target_that_takes_its_worker_down_is_found_among_its_neighbours():
    targets = ak.survey.read_catalogue(names(50))
    job = Job("x:y", packed_options({}), 0)
    found = [o for o in Dispatcher(job, targets, Deadly(), total=50) if o is not None]
    assert sorted(o.name for o in found) == sorted(targets.names)
    assert [o.name for o in found if o.status == "failed"] == ["t3"]


def test_tasks_under_way_are_bounded_and_targets_are_taken_as_needed(tmp_path):
    taken = []

    class Slow(Deadly):
        def submit(self, function, *arguments):
            self.under_way.append(len(taken))
            return super().submit(function, *arguments)

    def source():
        for i in range(3000):
            taken.append(i)
            yield ak.survey.Target(f"x{i}")

    workers = Slow()
    ahead = 0
    done = 0
    for outcome in Dispatcher(Job("x:y", b"", 0), source(), workers, total=3000):
        done += outcome is not None
        ahead = max(ahead, len(taken) - done)
    assert done == 3000
    assert ahead <= 6 * 200 + 200  # tasks under way, and the one just collected


def test_lost_tasks_are_handed_out_again_and_lost_workers_end_the_run():
    class Forgetful(Deadly):
        def submit(self, function, *arguments):
            self.under_way.append(len(arguments[1]))
            if len(self.under_way) % 3 == 0:
                future: Future = Future()
                future.cancel()
                future.set_running_or_notify_cancel()
                return future
            return super().submit(function, *arguments)

        def renew(self, patience):
            return True

    class Gone(Forgetful):
        def renew(self, patience):
            return False

    job = Job("x:y", b"", 0)
    targets = [ak.survey.Target(f"x{i}") for i in range(40)]
    found = [o.name for o in Dispatcher(job, targets, Forgetful(), total=40) if o is not None]
    assert sorted(found) == sorted(t.name for t in targets)
    with pytest.raises(AstrokitError, match="the workers are lost"):
        list(Dispatcher(job, targets, Gone(), total=40))


# -- stop and go on ----------------------------------------------------------------------------


def test_a_killed_client_goes_on_where_it_was(serial, tmp_path):
    output = tmp_path / "out"
    config = tmp_path / "survey.toml"
    Table({"name": [f"t{i}" for i in range(30)]}).write(tmp_path / "list.csv")
    config.write_text(
        f"""
        [survey]
        analysis = "tests.survey.functions:draw"
        output = "{output}"
        [catalogue]
        source = "list.csv"
        [options]
        sleep = 0.2
        """
    )
    words = ["survey", str(config), "--workers", "2", "--allow-code"]
    command = [sys.executable, "-m", "astrokit.cli", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as first:
        deadline = time.monotonic() + 60
        while not list(output.glob("parts/*.ecsv")) and time.monotonic() < deadline:
            time.sleep(0.05)
        with pytest.raises(CheckpointError, match="another run writes"):
            ak.survey.run(functions.draw, names(30), output, options={"sleep": 0.2}, resume=True)
        first.send_signal(signal.SIGKILL)
    before = json.loads((output / "survey.json").read_text())
    rows = sum(part["rows"] for part in before["parts"])
    assert 0 < rows < 30
    assert not before["finished"]
    again = subprocess.run([*command, "--resume"], env=environment, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert "30 measured, 0 failed, 0 missing" in again.stdout
    after = json.loads((output / "survey.json").read_text())
    assert after["finished"]
    assert sum(part["rows"] for part in after["parts"]) == 30  # nothing twice
    survey = ak.survey.load(output)
    assert survey.table["plain"].tolist() == serial.table["plain"].tolist()


def test_an_interrupted_run_ends_at_once_and_keeps_what_it_has(tmp_path):
    """Control-C ends workers too, even one that hangs."""
    Table({"name": [*(f"fine-{i}" for i in range(5)), "hangs"]}).write(tmp_path / "list.csv")
    (tmp_path / "survey.toml").write_text(
        '[survey]\nanalysis = "tests.survey.functions:misbehave"\noutput = "out"\n'
        '[catalogue]\nsource = "list.csv"\n'
    )
    words = ["survey", str(tmp_path / "survey.toml"), "--workers", "1", "--allow-code"]
    command = [sys.executable, "-m", "astrokit.cli", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as client:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("out/parts/*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        client.send_signal(signal.SIGINT)
        out, _ = client.communicate(timeout=30)  # far less than the target would take
    assert client.returncode == 2
    assert "go on with --resume" in out
    parts = json.loads((tmp_path / "out/survey.json").read_text())["parts"]
    assert sum(part["rows"] for part in parts) == 5


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_an_interrupt_while_a_part_is_written_loses_and_doubles_nothing(
    tmp_path, monkeypatch, moment
):
    calls = 0
    whole = store.write_whole

    def interrupted(path, data):
        nonlocal calls
        whole(path, data)
        if path.name.startswith(("part-", "survey.json")) and any((tmp_path / "parts").iterdir()):
            calls += 1
            if calls == moment:
                raise KeyboardInterrupt

    monkeypatch.setattr(store, "write_whole", interrupted)
    monkeypatch.setattr(importlib.import_module("astrokit.survey.run"), "_FLUSH_ROWS", 2)
    with pytest.raises(KeyboardInterrupt):
        ak.survey.run(functions.draw, names(6), tmp_path)
    monkeypatch.setattr(store, "write_whole", whole)
    found = json.loads((tmp_path / "survey.json").read_text())["parts"]
    assert sum(part["rows"] for part in found) == (4 if moment == 3 else 2)
    result = ak.survey.run(functions.draw, names(6), tmp_path, resume=True)
    assert result.counts == {"ok": 6, "failed": 0, "missing": 0}
    parts = json.loads((tmp_path / "survey.json").read_text())["parts"]
    assert sum(part["rows"] for part in parts) == 6


ORPHAN = """
import os, signal, sys, threading, time
from astrokit.survey import Target
from astrokit.survey.child import Child
from astrokit.survey.compute import Job
from astrokit.survey.identity import packed_options
child = Child(Job("tests.survey.functions:misbehave", packed_options({}), 0))
threading.Thread(target=child.ask, args=(Target("hangs"), None), daemon=True).start()
time.sleep(0.3)
print(child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_no_process_stays_behind_when_its_worker_is_killed():
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", ORPHAN]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    pid = int(done.stdout)
    deadline = time.monotonic() + 20
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        # An ended process whose new parent has not looked yet is no longer running.
        status = Path(f"/proc/{pid}/stat")
        return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_progress_has_a_rate_and_the_time_left(tmp_path, capsys):
    ak.survey.run(functions.draw, names(30), tmp_path / "out", progress=True)
    bar = capsys.readouterr().err
    assert "30/30" in bar
    assert "targets/s" in bar
    targets = Table({"name": ["raises", "fine"]})
    ak.survey.run(functions.misbehave, targets, tmp_path / "bad", progress=True)
    assert "1 failed" in capsys.readouterr().err


def test_what_is_done_is_not_done_again(serial, tmp_path):
    ak.survey.run(functions.draw, names(10), tmp_path / "out")
    longer = ak.survey.run(functions.draw, names(30), tmp_path / "out", resume=True)
    assert content(longer) == content(serial)
    assert [p["rows"] for p in _manifest(longer)["parts"]] == [10, 20]
    finished = ak.survey.run(functions.draw, names(30), tmp_path / "out", resume=True)
    assert [p["rows"] for p in _manifest(finished)["parts"]] == [10, 20]
    fewer = ak.survey.run(functions.draw, names(5), tmp_path / "out", resume=True)
    assert len(fewer.table) == 5


def test_failed_targets_are_tried_again_when_that_is_asked(tmp_path):
    targets = Table({"name": ["raises", "fine"]})
    first = ak.survey.run(functions.misbehave, targets, tmp_path / "out")
    kept = ak.survey.run(functions.misbehave, targets, tmp_path / "out", resume=True)
    assert [p["rows"] for p in _manifest(kept)["parts"]] == [2]
    again = ak.survey.run(functions.misbehave, targets, tmp_path / "out", resume="failed")
    assert [p["rows"] for p in _manifest(again)["parts"]] == [2, 1]
    assert content(first) == content(kept) == content(again)


def _manifest(survey: ak.survey.Survey) -> dict:
    return json.loads((survey.folder / "survey.json").read_text())


@pytest.mark.parametrize(
    ("analysis", "more", "message"),
    [
        (functions.draw, {}, "there is a survey in this folder"),
        (functions.draw, {"resume": True, "options": {"scale": 2.0}}, "options scale: nothing"),
        (functions.draw, {"resume": True, "seed": 5}, "seed: 0 before, 5 now"),
        (functions.wait, {"resume": True}, "the code of the analysis"),
        (functions.draw, {"resume": True, "format": "parquet"}, "another format"),
    ],
)
def test_another_survey_is_refused(serial, analysis, more, message):
    if more.get("format") == "parquet":
        pytest.importorskip("pyarrow")
    with pytest.raises(CheckpointError, match=message):
        ak.survey.run(analysis, names(30), serial.folder, **more)
    assert ak.survey.load(serial.folder).counts["ok"] == 30


def test_a_changed_survey_goes_on_when_that_is_asked(tmp_path):
    values = Table({"name": ["a", "b"], "z": [1.0, 2.0]})
    ak.survey.run(functions.draw, values, tmp_path / "out")
    values["z"][1] = 3.0
    with pytest.raises(CheckpointError, match="1 finished targets have another path or other"):
        ak.survey.run(functions.draw, values, tmp_path / "out", resume=True)
    survey = ak.survey.run(
        functions.draw, values, tmp_path / "out", resume="changed", options={"scale": 10.0}
    )
    assert [p["rows"] for p in _manifest(survey)["parts"]] == [2, 1]  # the changed one anew
    note = _manifest(survey)["history"][1]
    assert note["changed"] == ["options scale: nothing before, 10.0 now"]


def test_a_worker_with_other_code_is_refused(tmp_path, monkeypatch):
    from astrokit.survey import identity

    monkeypatch.setattr(identity, "code_checksum", lambda *_: "another")
    with pytest.raises(AstrokitError, match="other code than the client"):
        ak.survey.run(functions.draw, names(2), tmp_path / "out", executor=1)


# -- what is wrong from the start ------------------------------------------------------------------


def local(target, *, seed):
    return {}


@pytest.mark.parametrize(
    ("analysis", "more", "message"),
    [
        ("timing.characterise", {}, "perhaps you mean 'timing.characterize'"),
        ("nonsense", {}, "written 'module:function'"),
        ("os:nothing", {}, "cannot be imported"),
        ("absent_module:f", {}, "cannot be imported"),
        ("os:getcwd", {}, "does not take a target and a seed"),
        (lambda target, seed: {}, {}, "workers cannot import this function"),
        (functions.draw, {"options": {"scal": 1}}, "perhaps you mean 'scale'"),
        (functions.draw, {"options": {"seed": 1}}, "give seed= to the survey"),
        (functions.draw, {"options": {"scale": np.zeros(200_000)}}, "too large to be sent"),
        (functions.draw, {"options": {"scale": lambda: 0}}, "cannot be sent to a worker"),
        (functions.draw, {"time_limit": 0}, "time_limit"),
        (functions.draw, {"threads": 0}, "threads must be"),
        (functions.draw, {"seed": None}, "seed of a survey is a whole number"),
        (functions.draw, {"seed": -1}, "seed cannot be used"),
        (functions.draw, {"executor": 0}, "number of workers"),
        (functions.draw, {"executor": 1.5}, "cannot compute a survey"),
        (functions.draw, {"format": "hdf5"}, "format is unknown"),
        (functions.draw, {"resume": "yes"}, "resume is unknown"),
    ],
)
def test_mistakes_are_told_before_anything_runs(tmp_path, analysis, more, message):
    with pytest.raises(InputError, match=message):
        ak.survey.run(analysis, names(2), tmp_path / "out", **more)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("address", ["host", "host:port", "http://host:8786"])
def test_what_is_no_address_is_told_at_once(address):
    pytest.importorskip("distributed")
    started = time.monotonic()
    with pytest.raises(InputError, match="tcp://host:8786"):
        workers_for(address)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("analysis", "options", "message"),
    [
        ("complexity.hc", {"N": 3}, "no such option.*'N'.*n, delay"),
        ("bursts.find_break", {"n_simulation": 9}, "perhaps you mean 'n_simulations'"),
        ("complexity.hc", 3, "must be a mapping"),
        (None, {}, "no analysis"),
    ],
)
def test_wrong_names_and_options_are_told_at_once(tmp_path, analysis, options, message):
    with pytest.raises(InputError, match=message):
        ak.survey.run(analysis, Table({"name": ["a"]}), tmp_path / "out", options=options)
    assert not (tmp_path / "out").exists()


def test_a_whole_number_of_numpy_is_a_seed(tmp_path):
    result = ak.survey.run(
        functions.says, Table({"name": ["a"], "text": ["b"]}), tmp_path, seed=np.int64(7)
    )
    assert result.provenance.seed["entropy"] == 7


def test_a_scheduler_that_is_not_there_is_told():
    pytest.importorskip("distributed")
    from astrokit.survey import workers

    patience, workers._RECONNECT = workers._RECONNECT, 0.5
    try:
        with pytest.raises(InputError, match="scheduler does not answer"):
            workers_for("tcp://127.0.0.1:9")
    finally:
        workers._RECONNECT = patience
