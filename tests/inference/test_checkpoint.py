"""A run that is killed, continued, mistaken for another, or damaged."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from astrokit.errors import CheckpointError, ConvergenceWarning, LikelihoodError
from astrokit.inference import (
    FunctionProblem,
    Moves,
    Parameter,
    Parameters,
    SamplerOptions,
    Uniform,
    load,
)
from astrokit.inference.checkpoint import Checkpoint
from tests.inference.targets import Breaking, Gaussian, straight_line

ROOT = Path(__file__).resolve().parents[2]  # so that a fresh interpreter finds the tests


def run(problem=None, **settings):
    """Sample up to max_steps, whatever the verdict."""
    settings = {"seed": 1, "until": 1e6, "walkers": 12, "ensembles": 2, **settings}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return (problem or Gaussian(2)).sample(**settings)


def test_a_chain_on_disk_is_the_chain_in_memory(tmp_path):
    memory = run(max_steps=900)
    disk = run(max_steps=900, checkpoint=tmp_path / "run")
    assert disk.view.equals(memory.view)
    assert disk.verdict == memory.verdict
    np.testing.assert_array_equal(disk.samples, memory.samples)


# -- kills ----------------------------------------------------------------------------------------

KILLED = """
import sys, time
import emcee  # slow imports come first: kills shall hit the sampling
import numpy as np
import astrokit.inference.kernels
from tests.inference.test_checkpoint import run
from tests.inference.targets import Gaussian
from astrokit.inference import SamplerOptions

class Slow(Gaussian):
    kernel = None
    def _log_likelihood(self, values):
        time.sleep(2e-4)
        return super()._log_likelihood(values)

problem = Slow(2) if sys.argv[3] == "numpy" else Gaussian(2)
options = SamplerOptions(checkpoint_every=0.02, progress=False, engine=sys.argv[3])
print("started", flush=True)
run(problem, max_steps=int(sys.argv[2]), checkpoint=sys.argv[1], options=options)
print("finished", flush=True)
"""


@pytest.mark.parametrize(("engine", "steps"), [("numpy", 1700), ("compiled", 60_000)])
def test_kill_at_any_moment_and_run_again(tmp_path, engine, steps):
    """kill -9 at random moments, again and again, until a run gets through."""
    path, rng = tmp_path / "run", random.Random(5)
    kills = 0
    while True:
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(path), str(steps), engine],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert process.stdout.readline() == "started\n"
        try:
            # Early kills hit the start, later ones any phase; patience grows so that it ends.
            process.wait(0.05 + rng.random() * (0.4 + 0.4 * kills))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            process.stdout.close()
            continue
        assert process.stdout.read() == "finished\n"
        process.stdout.close()
        assert process.returncode == 0
        break
    assert kills >= (2 if engine == "numpy" else 0)  # the slow one cannot get through before
    options = SamplerOptions(engine=engine)
    killed = (
        run(max_steps=steps, checkpoint=path, options=options) if engine == "compiled" else None
    )
    whole = run(max_steps=steps, options=options)
    stored = Checkpoint(path, 2, 12, 2)
    stored.restore()
    for ensemble in (0, 1):
        np.testing.assert_array_equal(stored.read(ensemble), whole.view.read(ensemble))
    if killed is not None:
        assert killed.verdict == whole.verdict


def test_what_was_written_but_not_committed_is_cut_off(tmp_path):
    run(max_steps=300, checkpoint=tmp_path / "run")
    with (tmp_path / "run" / "ensemble-1.chain").open("ab") as stream:
        stream.write(b"half a record")  # as a kill in the middle of a write leaves it
    (tmp_path / "run" / "state.tmp").write_text("{")
    again = run(max_steps=700, checkpoint=tmp_path / "run")
    assert again.view.equals(run(max_steps=700).view)


def test_a_kill_before_the_first_commit_starts_anew(tmp_path):
    run(max_steps=300, checkpoint=tmp_path / "run")
    (tmp_path / "run" / "state.json").unlink()
    assert run(max_steps=300, checkpoint=tmp_path / "run").view.equals(run(max_steps=300).view)


# -- total length ---------------------------------------------------------------------------------


@pytest.mark.parametrize("thin", [1, 3])
def test_resume_goes_on_to_a_total_length(tmp_path, thin):
    options = SamplerOptions(thin=thin)
    for steps in (100, 101, 850, 2000):
        part = run(max_steps=steps, checkpoint=tmp_path / "run", options=options)
        assert part.verdict.steps == steps - steps % thin
    whole = run(max_steps=2000, options=options)
    assert part.view.equals(whole.view)
    assert part.verdict == whole.verdict


def test_repeating_a_finished_run_computes_nothing(tmp_path, monkeypatch):
    first = run(max_steps=500, until=20, checkpoint=tmp_path / "run")

    def called(*arguments):
        raise AssertionError("work was done again")

    monkeypatch.setattr("astrokit.inference.sampling.advance", called)
    monkeypatch.setattr("astrokit.inference.sampling.starting_positions", called)
    again = run(max_steps=500, until=20, checkpoint=tmp_path / "run")
    assert again.view.equals(first.view)
    assert again.verdict == first.verdict


def test_a_larger_until_continues(tmp_path):
    few = Gaussian(1).sample(seed=2, until=20, checkpoint=tmp_path / "run")
    many = Gaussian(1).sample(seed=2, until=200, checkpoint=tmp_path / "run")
    assert many.verdict.steps > few.verdict.steps
    assert many.view.equals(Gaussian(1).sample(seed=2, until=200).view)


def test_without_a_seed_the_first_run_chooses_it(tmp_path):
    first = run(seed=None, max_steps=200, checkpoint=tmp_path / "run")
    longer = run(seed=None, max_steps=400, checkpoint=tmp_path / "run")
    np.testing.assert_array_equal(longer.view.read(1)[:200], first.view.read(1))
    assert longer.provenance.seed == first.provenance.seed


def test_samples_before_a_nan_stay_in_the_checkpoint(tmp_path):
    start = np.random.default_rng(1).uniform(-1, 1, (12, 1))
    settings = {"options": SamplerOptions(start=start), "max_steps": 5000}
    with pytest.raises(LikelihoodError) as caught:
        run(Breaking(), **settings, checkpoint=tmp_path / "run")
    first = caught.value
    stored = Checkpoint(tmp_path / "run", 2, 12, 1)
    stored.restore()
    assert stored.rows(0) == first.partial.view.rows > 5
    np.testing.assert_array_equal(stored.read(0), first.partial.view.read(0))
    with pytest.raises(LikelihoodError) as caught:  # the same sweep fails again
        run(Breaking(), **settings, checkpoint=tmp_path / "run")
    assert caught.value.parameters == first.parameters


def test_ctrl_c_commits(tmp_path):
    calls = iter(range(10**9))

    def interrupted(values, data):
        if next(calls) == 2000:
            raise KeyboardInterrupt
        return -0.5 * values[:, 0] ** 2

    p = Parameters([Parameter("a", 0.5, Uniform(-9, 9))])
    problem = FunctionProblem(interrupted, p, [0.0])
    options = SamplerOptions(start=np.linspace(-1, 1, 12)[:, None])
    with pytest.raises(KeyboardInterrupt) as caught:
        run(problem, max_steps=1500, options=options, checkpoint=tmp_path / "run")
    assert caught.value.partial.verdict.steps > 100
    resumed = run(problem, max_steps=1500, options=options, checkpoint=tmp_path / "run")
    assert resumed.view.equals(run(problem, max_steps=1500, options=options).view)


# -- refusals -------------------------------------------------------------------------------------


def test_another_run_is_refused_by_name(tmp_path):
    path = tmp_path / "run"
    run(straight_line(), max_steps=100, checkpoint=path)

    def refused(what, problem=None, **settings):
        with pytest.raises(CheckpointError, match=f"another run: {what}"):
            run(problem or straight_line(), max_steps=200, checkpoint=path, **settings)

    line = straight_line()
    refused("what differs is the data", line.with_data(line.data + 1.0))
    refused("what differs is the model", straight_line(slope={"prior": Uniform(-49, 50)}))
    refused("what differs is seed", seed=2)
    refused("what differs is walkers", walkers=14)
    refused("what differs is ensembles", ensembles=3)
    refused("what differs is thin", options=SamplerOptions(thin=2))
    refused("what differs is moves", options=SamplerOptions(moves=Moves(snooker=0)))
    refused("what differs is start", options=SamplerOptions(start="prior"))
    refused("what differs is seed, walkers", seed=2, walkers=14)
    assert run(straight_line(), max_steps=200, checkpoint=path).verdict.steps == 200


def test_a_fit_made_again_is_the_same_start(tmp_path):
    """Its numbers count, not the moment at which it was made."""
    for steps in (100, 200):
        options = SamplerOptions(start=straight_line().fit())
        run(straight_line(), max_steps=steps, checkpoint=tmp_path / "run", options=options)
    options = SamplerOptions(start=straight_line(slope={"fixed": True}).fit())
    with pytest.raises(CheckpointError, match="what differs is start"):
        run(straight_line(), max_steps=300, checkpoint=tmp_path / "run", options=options)


def test_an_engine_cannot_change_on_the_way(tmp_path):
    run(max_steps=100, checkpoint=tmp_path / "run")
    with pytest.raises(CheckpointError, match="what differs is engine"):
        run(max_steps=200, checkpoint=tmp_path / "run", options=SamplerOptions(engine="numpy"))


def damage_cut(path):
    os.truncate(path / "ensemble-0.chain", 1000)


def damage_missing(path):
    (path / "ensemble-1.chain").unlink()


def damage_bit(path):
    with (path / "ensemble-0.chain").open("r+b") as stream:
        stream.seek(777)
        byte = stream.read(1)[0]
        stream.seek(777)
        stream.write(bytes([byte ^ 1]))


def damage_state(path):
    text = (path / "state.json").read_text()
    (path / "state.json").write_text(text.replace("1", "2", 1))


def damage_state_cut(path):
    os.truncate(path / "state.json", 40)


def damage_fingerprint(path):
    (path / "run.json").write_text("[1]")


def damage_fingerprint_cut(path):
    os.truncate(path / "run.json", 10)


@pytest.mark.parametrize(
    "damage",
    [
        damage_cut,
        damage_missing,
        damage_bit,
        damage_state,
        damage_state_cut,
        damage_fingerprint,
        damage_fingerprint_cut,
    ],
)
def test_damage_is_told(tmp_path, damage):
    path = tmp_path / "run"
    run(max_steps=200, checkpoint=path)
    damage(path)
    with pytest.raises(CheckpointError, match=r"damaged.*(chain|state.json|run.json)"):
        run(max_steps=400, checkpoint=path)


def test_a_state_of_other_shape_is_damage(tmp_path):
    path = tmp_path / "run"
    run(max_steps=100, checkpoint=path)
    outer = json.loads((path / "state.json").read_text())
    import zlib

    body = json.dumps(json.loads(outer["ensembles"])[:1])
    (path / "state.json").write_text(
        json.dumps({"crc32": zlib.crc32(body.encode()), "ensembles": body})
    )
    with pytest.raises(CheckpointError, match="it holds 1 ensembles"):
        run(max_steps=200, checkpoint=path)


def test_other_places_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="this is a file"):
        run(max_steps=100, checkpoint=tmp_path / "file")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "thesis.txt").write_text("do not lose me")
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        run(max_steps=100, checkpoint=tmp_path / "notes")
    assert (tmp_path / "notes" / "thesis.txt").read_text() == "do not lose me"


def test_two_processes_cannot_share_one(tmp_path):
    fcntl = pytest.importorskip("fcntl", reason="no file locks on this system")
    run(max_steps=100, checkpoint=tmp_path / "run")
    with (tmp_path / "run" / "lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(CheckpointError, match="another process"):
            run(max_steps=200, checkpoint=tmp_path / "run")


def test_a_removed_chain_is_told_and_a_saved_posterior_needs_none(tmp_path):
    posterior = run(max_steps=200, checkpoint=tmp_path / "run")
    posterior.save(tmp_path / "posterior.h5")
    restored = load(tmp_path / "posterior.h5")
    for file in (tmp_path / "run").iterdir():
        file.unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        posterior.chain()
    assert restored.chain().shape == (2, 200 - restored.verdict.burn_in, 12, 2)


# -- memory ---------------------------------------------------------------------------------------

PEAK = """
import resource, sys
from astrokit.inference import SamplerOptions
from tests.inference.test_checkpoint import run
from tests.inference.targets import Gaussian
posterior = run(Gaussian(8), walkers=64, max_steps=int(sys.argv[2]), checkpoint=sys.argv[1])
posterior.summary()
posterior.save(sys.argv[1] + ".h5")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is measured as Linux tells it")
def test_memory_does_not_grow_with_the_chain(tmp_path):
    """A chain of 270 MB costs hardly more memory than one of 90 MB."""
    peaks = []
    for steps in (10_000, 30_000):
        result = subprocess.run(
            [sys.executable, "-c", PEAK, str(tmp_path / f"run{steps}"), str(steps)],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        peaks.append(float(result.stdout))
    record = 2 * 64 * 9 * 8
    assert peaks[1] - peaks[0] < 0.2 * 20_000 * record
