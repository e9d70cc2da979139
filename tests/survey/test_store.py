"""The folder of a survey: whole files or none, on full disks and after damage."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from astropy.table import Table

import astrokit as ak
from astrokit.errors import AstrokitError, CheckpointError, InputError, ReadError
from astrokit.survey.compute import Outcome
from astrokit.survey.parts import PARTS
from astrokit.survey.store import Store
from tests.survey import functions

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    Outcome("a", "f1", "ok", {"x": {"value": 1.0}, "t": 'quote " comma, é'}, seconds=0.1),
    Outcome("b;c", "f2", "failed", error="E: 'no', \"never\"", where="f.py:3 in g"),
    Outcome("d", "f3", "ok", warnings=("one", "two"), citations=("k1", "k2")),
]


def names(n: int) -> Table:
    return Table({"name": [f"t{i}" for i in range(n)]})


@pytest.mark.parametrize("format", ["ecsv", "parquet"])
def test_a_part_holds_what_was_put_in(format):
    if format == "parquet":
        pytest.importorskip("pyarrow")
    codec = PARTS[format]
    data = codec.encode(ROWS)
    assert codec.decode(data) == ROWS
    assert codec.keys(data) == [(r.name, r.fingerprint, r.status) for r in ROWS]
    with pytest.raises(ValueError):
        codec.decode(data[: len(data) // 3])


def test_other_programs_read_the_parts(tmp_path):
    (tmp_path / "part.ecsv").write_bytes(PARTS["ecsv"].encode(ROWS))
    table = Table.read(tmp_path / "part.ecsv")
    assert table["name"].tolist() == ["a", "b;c", "d"]
    assert json.loads(table["cells"][0]) == ROWS[0].cells
    pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    (tmp_path / "part.parquet").write_bytes(PARTS["parquet"].encode(ROWS))
    assert pq.read_table(tmp_path / "part.parquet").num_rows == 3


def test_a_part_that_the_manifest_does_not_name_does_not_count(tmp_path):
    """A run that ends between writing a part and counting it computes these targets again."""
    survey = ak.survey.run(functions.draw, names(4), tmp_path / "out")
    before = (tmp_path / "out" / "table.ecsv").read_bytes()
    shutil.copy(tmp_path / "out/parts/part-000001.ecsv", tmp_path / "out/parts/part-000002.ecsv")
    (tmp_path / "out/parts/part-000003.ecsv.tmp").write_text("half")
    ak.survey.run(functions.draw, names(4), tmp_path / "out", resume=True)
    assert survey.table_file.read_bytes() == before


@pytest.mark.parametrize("damage", ["cut", "gone", "other"])
def test_a_damaged_part_is_told_and_can_be_computed_again(tmp_path, damage):
    ak.survey.run(functions.draw, names(4), tmp_path / "out")
    whole = (tmp_path / "out/table.ecsv").read_bytes()
    part = tmp_path / "out/parts/part-000001.ecsv"
    if damage == "gone":
        part.unlink()
    elif damage == "cut":
        part.write_bytes(part.read_bytes()[:300])
    else:
        part.write_bytes(part.read_bytes().replace(b"t1", b"t9"))
    with pytest.raises(CheckpointError, match=r"part-000001.ecsv: .*resume with 'changed'"):
        ak.survey.run(functions.draw, names(4), tmp_path / "out", resume=True)
    survey = ak.survey.run(functions.draw, names(4), tmp_path / "out", resume="changed")
    assert survey.counts["ok"] == 4
    assert (tmp_path / "out/table.ecsv").read_bytes() == whole


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("", "manifest is damaged"),
        ("not JSON", "manifest is damaged"),
        ("[]", "manifest is damaged"),
        ("{}", "manifest is damaged"),
        ({"astrokit_survey": 99}, "newer astrokit"),
        ({"format": "pickle"}, "manifest is damaged"),
        ({"identity": 3}, "manifest is damaged"),
        ({"parts": "x"}, "manifest is damaged"),
        ({"parts": [7]}, "manifest is damaged"),
        ({"parts": [{"rows": 3}]}, "manifest is damaged"),
        ({"parts": [{"file": "../x", "rows": 3, "sha256": ""}]}, "what is no part"),
        ({"history": None}, "manifest is damaged"),
    ],
)
def test_a_damaged_manifest_is_told(tmp_path, change, message):
    ak.survey.run(functions.draw, names(2), tmp_path / "out")
    manifest = tmp_path / "out/survey.json"
    if isinstance(change, dict):
        change = json.dumps({**json.loads(manifest.read_text()), **change})
    manifest.write_text(change)
    with pytest.raises(CheckpointError, match=message):
        ak.survey.run(functions.draw, names(2), tmp_path / "out", resume=True)


def test_two_runs_do_not_share_a_folder(tmp_path):
    first, second = Store(tmp_path / "out"), Store(tmp_path / "out")
    first.open()
    with pytest.raises(CheckpointError, match="another run writes"):
        second.open()
    first.close()
    second.open()
    second.close()


def test_an_output_that_cannot_be_a_folder_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="output folder cannot be written"):
        ak.survey.run(functions.draw, names(2), tmp_path / "file" / "out")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InputError, match="output folder cannot be written"):
        ak.survey.run(functions.draw, names(2), tmp_path / "loop" / "out")
    with pytest.raises(InputError, match="output folder cannot be written"):
        ak.survey.run(functions.draw, names(2), tmp_path / ("x" * 300))


def test_a_folder_without_the_right_to_write_keeps_what_it_has(tmp_path):
    survey = ak.survey.run(functions.draw, names(3), tmp_path / "out")
    whole = survey.table_file.read_bytes()
    folders = [tmp_path / "out", tmp_path / "out" / "parts"]
    for folder in folders:
        folder.chmod(0o500)
    try:
        if os.access(tmp_path / "out", os.W_OK):
            pytest.skip("this user may write everywhere")
        with pytest.raises(InputError, match="cannot be written"):
            ak.survey.run(functions.draw, names(6), tmp_path / "out", resume=True)
    finally:
        for folder in folders:
            folder.chmod(0o700)
    assert survey.table_file.read_bytes() == whole


@pytest.fixture
def tiny(tmp_path):
    """A file system of 64 kB of its own."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only the administrator can mount a tiny file system")
    words = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(words, capture_output=True).returncode:
        pytest.skip("a tiny file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_file_system_that_becomes_read_only_keeps_what_it_has(tiny):
    survey = ak.survey.run(functions.draw, names(3), tiny / "out")
    whole = survey.table_file.read_bytes()
    subprocess.run(["mount", "-o", "remount,ro", str(tiny)], check=True)
    with pytest.raises(InputError, match=r"cannot be written .*Read-only file system"):
        ak.survey.run(functions.draw, names(6), tiny / "out", resume=True)
    assert ak.survey.load(tiny / "out").table_file.read_bytes() == whole


FULL = """
import resource, sys
import astrokit as ak
from astropy.table import Table
from tests.survey import functions
n, size, output = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if size:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
try:
    ak.survey.run(functions.draw, Table({"name": [f"t{i}" for i in range(n)]}), output, resume=True)
except ak.errors.AstrokitError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def test_a_full_disk_ends_the_run_and_keeps_what_was_finished(tmp_path):
    """No file may grow over a limit, as on a disk that is full: parts of before stay whole."""
    pytest.importorskip("resource")

    def run(n: int, size: int) -> str:
        command = [sys.executable, "-c", FULL, str(n), str(size), str(tmp_path / "out")]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert "Traceback" not in done.stderr
        return done.stderr

    assert run(10, 0) == ""
    table = (tmp_path / "out/table.ecsv").read_bytes()
    message = run(400, 8000)
    assert "AstrokitError: results cannot be written" in message
    assert "make room and resume" in message
    assert (tmp_path / "out/table.ecsv").read_bytes() == table
    assert not list(tmp_path.rglob("*.tmp"))
    assert run(400, 0) == ""
    survey = ak.survey.load(tmp_path / "out")
    assert survey.counts["ok"] == 400
    assert (
        survey.table["plain"][:10].tolist()
        == Table.read(table.decode(), format="ascii.ecsv")["plain"].tolist()
    )


def test_a_file_system_that_fills_up_keeps_what_was_finished(tiny):
    survey = ak.survey.run(functions.draw, names(20), tiny / "out")
    whole = survey.table_file.read_bytes()
    with pytest.raises(AstrokitError, match="No space left"):
        ak.survey.run(functions.draw, names(3000), tiny / "out", resume=True)
    assert survey.table_file.read_bytes() == whole
    assert not list(tiny.rglob("*.tmp"))
    again = ak.survey.run(functions.draw, names(20), tiny / "out", resume=True)
    assert again.counts == {"ok": 20, "failed": 0, "missing": 0}
    assert again.table_file.read_bytes() == whole


def test_what_is_no_finished_survey_cannot_be_loaded(tmp_path):
    with pytest.raises(ReadError, match="no finished survey"):
        ak.survey.load(tmp_path)
    survey = ak.survey.run(functions.draw, names(2), tmp_path / "out")
    (survey.folder / "summary.json").write_text('{"counts": ')
    with pytest.raises(ReadError, match="no finished survey"):
        ak.survey.load(tmp_path / "out")


def test_slices_of_the_catalogue_make_the_same_table(tmp_path, monkeypatch):
    from astrokit.survey import assemble

    monkeypatch.setattr(import_module("astrokit.survey.run"), "_FLUSH_ROWS", 7)
    one = ak.survey.run(functions.draw, names(40), tmp_path / "one")
    monkeypatch.setattr(assemble, "_SLICE", 9)
    two = ak.survey.run(functions.draw, names(40), tmp_path / "two")
    assert one.table_file.read_bytes() == two.table_file.read_bytes()
    assert len(list((tmp_path / "one/parts").iterdir())) == 6
