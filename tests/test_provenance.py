"""Provenance records identify what ran and reveal nobody."""

from __future__ import annotations

import getpass
import hashlib
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u

import astrokit as ak
from astrokit.errors import AstrokitWarning, FitWarning, InputError
from astrokit.provenance import Provenance, Recorder, describe, file_record


@dataclass(frozen=True)
class Option:
    slope: float = 2.0


class Opaque:
    pass


def full_record(tmp_path: Path) -> Provenance:
    path = tmp_path / "lc.txt"
    path.write_bytes(b"0 1\n")
    recorder = Recorder(
        "astrokit.timing.excess_variance",
        {
            "path": path,
            "home": str(Path.home()),
            "dt": 100 * u.s,
            "times": np.arange(1000.0) * u.s,
            "few": np.array([1.0, np.nan]),
            "band": (0.3, 10.0),
            "function": hashlib.sha256,
            "option": Option(),
            "executor": ThreadPoolExecutor,
            "object": Opaque(),
            "limit": np.inf,
            "seed": np.random.SeedSequence(3),
        },
        inputs=[file_record(path, rows_read=2, rows_dropped={"NaN rate": 1})],
        seed=np.random.SeedSequence(3).spawn(2)[1],
        citations=["emcee", "emcee"],
    )
    recorder.verdict("converged")
    recorder.cite("vaughan2003")
    with pytest.warns(FitWarning, match="at its bound"):
        recorder.warn("slope is at its bound", FitWarning)
    return recorder.finish()


def test_json_round_trip_is_exact(tmp_path: Path) -> None:
    record = full_record(tmp_path)
    again = Provenance.from_json(record.to_json())
    assert again == record
    assert json.loads(record.to_json())["arguments"]["dt"] == "100.0 s"


def test_no_user_host_or_directory(tmp_path: Path) -> None:
    text = full_record(tmp_path).to_json()
    for secret in (str(tmp_path), str(Path.home()), socket.gethostname(), "0x"):
        assert secret not in text
    if len(getpass.getuser()) > 4:  # a short name may be part of an ordinary word
        assert getpass.getuser() not in text


def test_what_is_kept(tmp_path: Path) -> None:
    record = full_record(tmp_path)
    assert record.inputs[0]["file"] == "lc.txt"
    assert record.inputs[0]["sha256"] == hashlib.sha256(b"0 1\n").hexdigest()
    assert record.inputs[0]["rows_dropped"] == {"NaN rate": 1}
    assert record.seed == {"entropy": 3, "spawn_key": [1]}
    assert record.versions["astrokit"] == ak.__version__
    assert record.versions["numpy"] == np.__version__
    assert record.warnings == ("FitWarning: slope is at its bound",)
    assert record.citations == ("emcee", "vaughan2003")
    assert record.duration > 0
    assert record.arguments["option"] == {"type": "Option", "slope": 2.0}
    assert record.arguments["object"] == "Opaque"


def test_arrays_are_told_apart_by_their_bytes() -> None:
    a = describe(np.arange(100.0))
    assert a["shape"] == [100]
    assert a != describe(np.arange(100.0) + 1)
    assert describe(np.arange(100.0) * u.s)["unit"] == "s"


def test_prints_for_people(tmp_path: Path) -> None:
    text = str(full_record(tmp_path))
    assert "input: file lc.txt" in text
    assert "verdict: converged" in text


def test_cite_collects_what_a_result_used(tmp_path: Path) -> None:
    citation = ak.cite(full_record(tmp_path))
    assert "10.1086/670067" in citation.bibtex  # emcee
    assert "10.1046/j.1365-2966.2003.07042.x" in citation.bibtex  # Vaughan et al. 2003
    assert r"emcee \citep{emcee}" in citation.acknowledgement
    assert "vaughan2003" in citation.acknowledgement
    assert ak.__version__ in citation.bibtex


def test_every_reference_is_well_formed() -> None:
    from astrokit.citations import _bibliography

    for key, entry in _bibliography().items():
        assert entry.count("{") == entry.count("}"), key
        assert f"{{{key}," in entry
        for field in ("author=", "title="):
            assert field in entry, key


def test_cite_refuses_strangers() -> None:
    with pytest.raises(InputError, match="does not say what it used"):
        ak.cite(Opaque())
    with pytest.raises(InputError, match="did you mean 'emcee'"):
        ak.cite("emce")


def test_warnings_belong_to_the_family() -> None:
    assert issubclass(FitWarning, AstrokitWarning)


def test_quiet_acts_on_its_own_thread_and_leaves_the_filters_alone():
    import threading
    import warnings

    from astrokit.errors import FitWarning
    from astrokit.provenance import quiet

    before = list(warnings.filters)
    inside, leave = threading.Event(), threading.Event()

    def hold():
        with quiet():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait(10)
    with quiet():
        Recorder("silent").warn("not heard", FitWarning)
    with pytest.warns(FitWarning, match="heard"):
        Recorder("loud").warn("heard", FitWarning)
    leave.set()
    thread.join()
    assert warnings.filters == before
