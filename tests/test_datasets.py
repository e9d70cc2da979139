from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from astrokit import datasets
from astrokit.errors import DataUnavailableError, InputError, ReadError

DATA = Path(__file__).resolve().parents[1] / "data"
MRK766 = "lightcurves/mrk766_xmm/mrk766.txt"


@pytest.fixture
def empty_computer(monkeypatch, tmp_path):
    """A computer without data folder, with an empty cache, that may not download."""
    monkeypatch.delenv("ASTROKIT_DATA_DIR", raising=False)
    monkeypatch.setenv("ASTROKIT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("ASTROKIT_OFFLINE", "1")
    return tmp_path


@pytest.fixture
def small_registry(monkeypatch, empty_computer):
    """A registry of one file with known bytes, served from a local address."""
    content = b"1 2 3\n"
    dataset = datasets.DatasetInfo(
        name="room/tiny.txt",
        file="room/tiny.txt",
        sha256=hashlib.sha256(content).hexdigest(),
        description="three numbers",
        reference="simulated",
        licence="MIT",
        alias="tiny",
        url="http://localhost:9/tiny.txt",
    )
    monkeypatch.setattr(datasets, "_registry", lambda: {dataset.name: dataset})
    return content


def put(folder: Path, content: bytes) -> Path:
    path = folder / "room" / "tiny.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_every_registered_file_is_described_and_pinned():
    for name in datasets.names():
        d = datasets.info(name)
        assert d.description, name
        assert d.reference, name
        assert d.licence, name
        assert len(d.sha256) == 64, name
        assert set(d.sha256) <= set("0123456789abcdef"), name
        if d.url:  # a commit, not a branch: 40 hexadecimal digits after owner/name
            assert len(d.url.split("/")[5]) == 40, name


def test_aliases_are_unique():
    aliases = [datasets.info(name).alias for name in datasets.names()]
    aliases = [alias for alias in aliases if alias]
    assert len(aliases) == len(set(aliases))
    assert not set(aliases) & set(datasets.names())


def test_each_bundled_file_is_listed_with_its_checksum():
    bundled = [d for d in map(datasets.info, datasets.names()) if d.bundled]
    for d in bundled:
        assert datasets.find(d.name) == DATA / d.file
        assert d.generator == "" or (DATA / d.generator).is_file()
    own = {"bundled.csv", "descriptions.csv", "README.md"}
    shipped = {p.name for p in DATA.iterdir() if p.is_file() and p.suffix != ".py"} - own
    assert shipped == {d.file for d in bundled}


def test_a_name_an_alias_and_a_unique_file_name_mean_the_same():
    assert datasets.info("mrk766") == datasets.info(MRK766) == datasets.info("mrk766.txt")


def test_a_file_name_that_several_files_have_is_refused_with_the_candidates():
    with pytest.raises(InputError, match=r"several data files.*pta/epta_dr2_new_hd/freqs\.npy"):
        datasets.info("freqs.npy")


@pytest.mark.parametrize("wrong", ["mrk767", "MRK766", "mrk 766"])
def test_a_misspelt_name_gets_the_near_one(wrong):
    with pytest.raises(InputError, match="perhaps you mean 'mrk766'"):
        datasets.fetch(wrong)


def test_a_name_without_near_match_points_to_the_list():
    with pytest.raises(InputError, match=r"see ak\.datasets\.names\(\)"):
        datasets.info("qqqqqqqqqqqq")


def test_the_info_prints_what_a_user_must_know():
    text = str(datasets.info("mrk766"))
    assert "2010MNRAS.402..307V" in text
    assert "MIT" in text
    assert "raw.githubusercontent.com" in text


def test_the_data_folder_wins_over_the_cache(monkeypatch, small_registry, empty_computer):
    in_cache = put(empty_computer / "cache", small_registry)
    assert datasets.fetch("tiny") == in_cache
    assert datasets.verify("tiny") == "cache"
    in_folder = put(empty_computer / "mine", small_registry)
    monkeypatch.setenv("ASTROKIT_DATA_DIR", str(empty_computer / "mine"))
    assert datasets.fetch("tiny") == in_folder
    assert datasets.verify("tiny") == "data folder"


@pytest.mark.parametrize("place", ["mine", "cache"])
def test_changed_bytes_are_refused_wherever_they_are(
    monkeypatch, small_registry, empty_computer, place
):
    put(empty_computer / place, b"1 2 4\n")
    monkeypatch.setenv("ASTROKIT_DATA_DIR", str(empty_computer / "mine"))
    with pytest.raises(ReadError, match=r"checksum differs.*remove or replace"):
        datasets.find("tiny")


def test_a_missing_file_is_none_for_find_and_one_clear_sentence_for_fetch(small_registry):
    assert datasets.find("tiny") is None
    assert datasets.verify("tiny") == "not here"
    with pytest.raises(DataUnavailableError, match="ASTROKIT_OFFLINE forbids to download"):
        datasets.fetch("tiny")


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_an_unreachable_address_is_one_clear_sentence(monkeypatch, small_registry):
    monkeypatch.delenv("ASTROKIT_OFFLINE")
    with pytest.raises(DataUnavailableError, match="could not be downloaded") as caught:
        datasets.fetch("tiny")
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_without_address_says_where_it_can_come_from(empty_computer):
    with pytest.raises(DataUnavailableError, match=r"no public address.*set ASTROKIT_DATA_DIR"):
        datasets.fetch("gault-ztf")


def test_a_download_lands_in_the_cache_and_is_verified(monkeypatch, small_registry, empty_computer):
    import pooch

    monkeypatch.delenv("ASTROKIT_OFFLINE")
    served = [small_registry]

    def serve(url, output_file, _pooch):
        Path(output_file).write_bytes(served[0])

    monkeypatch.setattr(pooch, "HTTPDownloader", lambda **_: serve)
    assert datasets.fetch("tiny").read_bytes() == small_registry
    assert datasets.verify("tiny") == "cache"

    (empty_computer / "cache" / "room" / "tiny.txt").unlink()
    served[0] = b"something else"
    with pytest.raises(ReadError, match="was downloaded, but its checksum differs"):
        datasets.fetch("tiny")
    assert datasets.find("tiny") is None


def test_the_table_says_where_each_file_is(monkeypatch, small_registry, empty_computer):
    assert list(datasets.available()["where"]) == ["download"]
    put(empty_computer / "cache", small_registry)
    assert list(datasets.available()["where"]) == ["cache"]


def test_the_registry_is_what_its_generator_writes(tmp_path):
    """A manifest of two files, one with and one without a public home."""
    sys.path.insert(0, str(DATA))
    try:
        import make_registry
    finally:
        sys.path.remove(str(DATA))
    (tmp_path / "MANIFEST.csv").write_text(
        "path,bytes,sha256,github_repository,commit,path_in_repository\n"
        "pta/ng15_omega/a.npz,3,00,owner/name,abc,dir/a [94].npz\n"
        "comet/lc_19P_ATLAS.csv,4,11,,,\n"
    )
    comet, pta = make_registry.registry_rows(tmp_path)
    assert pta["url"] == "https://raw.githubusercontent.com/owner/name/abc/dir/a%20%5B94%5D.npz"
    assert comet["url"] == ""
    assert comet["licence"] == "MIT"


def test_the_generator_refuses_a_file_that_nobody_described(tmp_path):
    (tmp_path / "MANIFEST.csv").write_text(
        "path,bytes,sha256,github_repository,commit,path_in_repository\nnew/file.fits,3,00,,,\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", _REGISTRY_OF, str(DATA), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "new/file.fits is not described" in done.stderr


_REGISTRY_OF = """
import sys, pathlib
sys.path.insert(0, sys.argv[1])
import make_registry
make_registry.registry_rows(pathlib.Path(sys.argv[2]))
"""
