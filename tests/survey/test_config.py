"""Configurations: only plain values, only known names, no code unless it is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from astropy.table import Table

import astrokit as ak
from astrokit.cli import main
from astrokit.errors import InputError, ReadError

GOOD = """
[survey]
analysis = "complexity.hc"
output = "out"
seed = 3
time_limit = 60.0

[catalogue]
source = "curves/*.ecsv"

[run]
workers = 2

[options]
n = 4
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    import numpy as np

    (tmp_path / "curves").mkdir()
    for i in range(3):
        rate = np.random.default_rng(i).normal(50, 2, 400)
        curve = ak.LightCurve(np.arange(400.0), rate, np.full(400, 2.0))
        ak.lightcurve.write_lightcurve(curve, tmp_path / "curves" / f"star{i}.ecsv")
    (tmp_path / "survey.toml").write_text(GOOD)
    return tmp_path


def test_a_configuration_runs_from_the_command_line(folder, capsys):
    config = str(folder / "survey.toml")
    assert main(["survey", config]) == 0
    out = capsys.readouterr().out
    assert "3 measured, 0 failed" in out
    assert "table: " in out
    assert "report.html" in out
    survey = ak.survey.load(folder / "out")
    assert survey.table["name"].tolist() == ["star0.ecsv", "star1.ecsv", "star2.ecsv"]
    assert survey.provenance.seed["entropy"] == 3
    assert main(["survey", config]) == 2
    said = capsys.readouterr().err
    assert "there is a survey in this folder" in said
    assert "go on with it by --resume, or" in said
    assert main(["survey", config, "--resume"]) == 0


def test_the_way_out_of_a_changed_configuration_is_a_word_of_the_command_line(folder, capsys):
    config = folder / "survey.toml"
    assert main(["survey", str(config)]) == 0
    config.write_text(config.read_text().replace("seed = 3", "seed = 4"))
    capsys.readouterr()
    assert main(["survey", str(config), "--resume"]) == 2
    said = capsys.readouterr().err
    assert "seed: 3 before, 4 now" in said
    assert "--resume changed" in said
    assert "resume=" not in said


def test_words_in_the_wrong_order_are_explained(capsys):
    with pytest.raises(SystemExit):
        main(["survey", "--resume", "survey.toml"])
    assert "CONFIG comes before --resume" in capsys.readouterr().err


def test_failed_targets_give_exit_code_one(folder, capsys):
    (folder / "curves/broken.ecsv").write_text("nothing")
    assert main(["survey", str(folder / "survey.toml"), "--workers", "1"]) == 1
    out = capsys.readouterr().out
    assert "3 measured, 1 failed" in out
    assert "! 1 x ReadError, first: broken.ecsv:" in out
    assert "failures.ecsv" in out


def test_the_analyses_are_listed(capsys):
    assert main(["survey", "--list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ak.survey.available())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["survey"], "no configuration is given"),
        (["survey", "absent.toml"], "cannot be read"),
    ],
)
def test_mistakes_of_the_command_are_one_line(words, message, capsys):
    assert main(words) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert len(captured.err.splitlines()) == 1


def test_code_of_others_runs_only_when_that_is_allowed(tmp_path, capsys):
    (tmp_path / "mine_of_survey_test.py").write_text(
        "def count(target, *, seed):\n    return {'length': len(target.name)}\n"
    )
    Table({"name": ["a", "bb"]}).write(tmp_path / "list.csv")
    config = tmp_path / "survey.toml"
    config.write_text(
        '[survey]\nanalysis = "mine_of_survey_test:count"\noutput = "out"\n'
        '[catalogue]\nsource = "list.csv"\n'
    )
    assert main(["survey", str(config)]) == 2
    assert "add --allow-code" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main(["survey", str(config), "--allow-code", "--workers", "1"]) == 0
    assert ak.survey.load(tmp_path / "out").table["length"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed", "sead", "perhaps you mean 'seed'"),
        ("[options]", "[option]", "perhaps you mean 'options'"),
        ("workers", "worker", "perhaps you mean 'workers'"),
        ("source", "sources", "perhaps you mean 'source'"),
        ("seed = 3", 'seed = "3"', "wrong type"),
        ("seed = 3", "seed = true", "wrong type"),
        ('output = "out"', "", r"\[survey\] needs output"),
        ('source = "curves/*.ecsv"', "", r"\[catalogue\] needs source"),
        ("workers = 2", 'workers = 2\nscheduler = "tcp://x"', "not both"),
        ("[survey]", "x = 1\n[survey]", "unknown table"),
        ("[run]\nworkers = 2", "", None),
    ],
)
def test_what_is_not_known_is_refused_with_a_hint(tmp_path, old, new, message):
    path = tmp_path / "survey.toml"
    path.write_text(GOOD.replace(old, new))
    if message is None:
        assert ak.survey.read_config(path).run == {}
        return
    with pytest.raises(InputError, match=message):
        ak.survey.read_config(path)


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", b"[survey", b"a = " + b"[" * 20_000, b"x" * 2_000_000, b"[a]\nb = 1\n[a]\n"],
)
def test_what_is_no_configuration_is_told(tmp_path, content):
    path = tmp_path / "survey.toml"
    path.write_bytes(content)
    with pytest.raises(ReadError):
        ak.survey.read_config(path)


HOSTILE = [
    "__import__('os').system('touch {mark}')",
    "open('{mark}', 'w')",
    "(lambda: open('{mark}', 'w'))()",
    "powerlaw + __import__('os')",
    "powerlaw if open('{mark}','w') else powerlaw",
    "[open('{mark}', 'w') for _ in (1,)]",
    "powerlaw.__class__.__mro__",
    "os:system",
    "posix:system",
    "subprocess:run",
    "builtins:eval",
    "{mark}",
    "powerlaw(open('{mark}', 'w'))",
    "f'{{open(chr(47))}}'",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("place", ["analysis", "model", "format", "source", "statistic"])
def test_no_text_of_a_configuration_is_evaluated(tmp_path, text, place, capsys):
    mark = tmp_path / "mark"
    text = text.format(mark=mark).replace('"', "'")
    (tmp_path / "a.pha").write_bytes(b"no spectrum")
    entries = {"analysis": "spectra.fit", "format": "ecsv", "source": "*.pha"}
    options = {"model": "powerlaw", "statistic": "auto"}
    (options if place in options else entries)[place] = text
    lines = "\n".join(f'{name} = "{value}"' for name, value in options.items())
    config = tmp_path / "survey.toml"
    config.write_text(
        f'[survey]\nanalysis = "{entries["analysis"]}"\noutput = "out"\n'
        f'format = "{entries["format"]}"\n'
        f'[catalogue]\nsource = "{entries["source"]}"\n[options]\n{lines}\n'
    )
    assert main(["survey", str(config)]) in (1, 2)
    assert not mark.exists()
    capsys.readouterr()
