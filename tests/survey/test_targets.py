"""Catalogues: names, paths and numbers of targets, and what is refused."""

from __future__ import annotations

import bz2
import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time

import astrokit as ak
from astrokit.errors import InputError, ReadError
from astrokit.survey import Target, read_catalogue


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.fits", "b.fits", "deep/c.fits", "note.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_a_glob_names_targets_by_their_paths(folder):
    flat = read_catalogue(f"{folder}/*.fits")
    assert flat.names == ("a.fits", "b.fits")
    assert flat[0].path == folder / "a.fits"
    assert read_catalogue(f"{folder}/**/*.fits").names == ("a.fits", "b.fits", "deep/c.fits")


def test_paths_and_links_of_a_glob_that_leave_the_folder_are_refused(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.fits"
    outside.write_text("x")
    (folder / "link.fits").symlink_to(outside)
    with pytest.raises(InputError, match="lead out of the folder"):
        read_catalogue(f"{folder}/*.fits")
    assert len(read_catalogue(f"{folder}/*.fits", root=folder.parents[0])) == 3


def test_cyclic_links_end(folder):
    (folder / "deep" / "again").symlink_to(folder, target_is_directory=True)
    (folder / "self.fits").symlink_to(folder / "self.fits")
    found = read_catalogue(f"{folder}/**/*.fits")
    # The link to itself stays in the list: its target fails with an error, not in silence.
    assert found.names == ("a.fits", "b.fits", "deep/c.fits", "self.fits")
    survey = ak.survey.run("tests.survey.functions:read", found, folder / "out")
    assert survey.table["status"].tolist() == ["ok", "ok", "ok", "failed"]
    assert "symbolic links" in survey.failures["error"][0]


def test_a_table_gives_names_paths_numbers_and_units(folder):
    table = QTable({"Source": ["x", "y"], "file": ["a.fits", "deep/c.fits"]})
    table["redshift"] = MaskedColumn([0.1, 0.2], mask=[False, True])
    table["distance"] = [3.0, 4.0] * u.Mpc
    table["seen"] = Time([60000.0, 60001.0], format="mjd")
    table.write(folder / "list.ecsv")
    found = read_catalogue(folder / "list.ecsv")
    assert found.names == ("x", "y")
    assert found[1].path == folder / "deep" / "c.fits"
    assert found[0].row == {"redshift": 0.1, "distance": 3.0, "seen": "60000.0"}
    assert found[1].row["redshift"] is None
    assert found[0].quantity("distance") == 3 * u.Mpc
    with pytest.raises(InputError, match="has no number"):
        found[1].quantity("redshift")


@pytest.mark.parametrize("suffix", ["ecsv", "csv", "fits", "parquet"])
def test_table_files_of_every_kind_mean_the_same(folder, suffix):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    table = Table({"name": ["x", "y"], "path": ["a.fits", "b.fits"], "n": [1, 2]})
    table.write(folder / f"list.{suffix}")
    found = read_catalogue(folder / f"list.{suffix}")
    assert [(t.name, t.path.name, t.row) for t in found] == [
        ("x", "a.fits", {"n": 1}),
        ("y", "b.fits", {"n": 2}),
    ]


@pytest.mark.parametrize(
    "path", ["../secret.fits", "/etc/passwd", "deep/../../x", "link/x.fits", "deep/link/x.fits"]
)
def test_paths_of_a_table_stay_inside_its_folder(folder, path):
    (folder / "link").symlink_to("/etc", target_is_directory=True)
    (folder / "deep" / "link").symlink_to(folder.parent, target_is_directory=True)
    Table({"name": ["x"], "path": [path]}).write(folder / "list.csv")
    with pytest.raises(InputError, match="lead out of the folder") as caught:
        read_catalogue(folder / "list.csv")
    assert str(folder) not in str(caught.value)


def test_a_root_is_given_where_data_lie_elsewhere(folder, tmp_path_factory):
    lists = tmp_path_factory.mktemp("lists")
    Table({"name": ["x"], "path": ["deep/c.fits"]}).write(lists / "list.csv")
    assert read_catalogue(lists / "list.csv", root=folder)[0].path == folder / "deep" / "c.fits"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"name": ["x", "y", "x"]}, "occur more than once"),
        ({"name": ["x", ""]}, "empty in 1 of 2 rows"),
        ({"n": [1, 2]}, "neither names nor paths"),
        ({"name": []}, "no row"),
        ({"name": ["a\nb"]}, "control characters"),
        ({"name": ["a\u2028b"]}, "control characters.*rename"),
        ({"name": ["x"], "path": ["a\0b"]}, "cannot be used"),
        ({"name": ["x"], "image": [np.zeros(3)]}, "holds arrays"),
    ],
)
def test_tables_that_cannot_be_used_say_why(table, message):
    with pytest.raises(InputError, match=message):
        read_catalogue(Table(table))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.csv", None, "no such catalogue"),
        ("list.ecsv", "%ECSV nonsense", "cannot be read"),
        ("list.fits", "SIMPLE  = truncated", "cannot be read"),
        ("list.xyz", "1 2 3", "cannot be read"),
        ("list.csv", b"name\n\xff\xfe\xfa\n", "cannot be read"),
        ("list.csv.gz", gzip.compress(b"name\nx\n"), "unpack it first"),
        ("list.fits", gzip.compress(bytes(10_000_000)), "unpack it first"),
        ("list.csv", bz2.compress(b"name\nx\n"), "unpack it first"),
        ("list.zip", b"PK\x03\x04", "unpack it first"),
    ],
)
def test_files_that_are_no_catalogue_say_why(tmp_path, name, content, message):
    if content is not None:
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
    with pytest.raises(ReadError, match=message):
        read_catalogue(tmp_path / name)


def test_other_wrong_catalogues(tmp_path):
    with pytest.raises(InputError, match="give a glob"):
        read_catalogue(tmp_path)
    with pytest.raises(InputError, match="no file matches"):
        read_catalogue(f"{tmp_path}/*.fits")
    with pytest.raises(InputError, match="no catalogue"):
        read_catalogue(42)
    with pytest.raises(InputError, match="list of files is empty"):
        read_catalogue([])
    with pytest.raises(InputError, match=r"this is no catalogue.*ndarray"):
        read_catalogue([np.zeros(3)])
    assert read_catalogue(f"{n}.fits" for n in "ab").names == ("a.fits", "b.fits")
    with pytest.raises(InputError, match="no such column"):
        read_catalogue(Table({"name": ["x"]}), name="nam")


def test_names_that_are_not_utf8_can_be_used(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.fits"
    try:
        with open(path, "wb") as stream:
            stream.write(b"12345")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    found = read_catalogue(f"{tmp_path}/*.fits")
    assert found.names == ("\\udcff.fits",)
    survey = ak.survey.run("tests.survey.functions:read", found, tmp_path / "out", executor=1)
    assert survey.table["bytes"].tolist() == [5]


def test_a_fingerprint_is_that_of_all_that_a_target_is():
    one = Target("x", Path("a"), {"z": 0.1}, {"z": "Mpc"})
    others = [
        Target("y", Path("a"), {"z": 0.1}, {"z": "Mpc"}),
        Target("x", Path("b"), {"z": 0.1}, {"z": "Mpc"}),
        Target("x", Path("a"), {"z": 0.2}, {"z": "Mpc"}),
        Target("x", Path("a"), {"z": 0.1}, {"z": "kpc"}),
    ]
    assert len({t.fingerprint for t in [one, *others]}) == 5
    assert one.fingerprint == Target("x", Path("a"), {"z": 0.1}, {"z": "Mpc"}).fingerprint
    with pytest.raises(InputError, match="has no file"):
        Target("x").file()
