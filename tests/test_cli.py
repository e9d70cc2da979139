"""The command line: exit codes, messages, and no traceback for a user's mistake."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import astrokit as ak
from astrokit import datasets
from astrokit.cli import main
from astrokit.inference import Parameter, Parameters, PoissonProblem, Uniform


def test_without_command_the_help_is_shown(capsys):
    assert main([]) == 2
    assert "run the notebooks" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["reproduce", "data", "cite", "info", "completion"])
def test_each_command_explains_itself_with_examples(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert "examples:\n" in out
    assert f"  astrokit {command}" in out or f"(astrokit {command}" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data", "fetch", "mrk767"], "perhaps you mean 'mrk766'"),
        (["data", "fetch"], "astrokit data list"),
        (["data", "list", "qqqq"], "no registered data file has such a name"),
        (["cite", "absent.h5"], "no such file"),
        (["reproduce", "absent.ipynb"], "no such notebook file"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_two(words, message, capsys):
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("astrokit: ")
    assert message in captured.err
    assert len(captured.err.splitlines()) == 1


def test_a_report_folder_that_cannot_be_made_is_told(tmp_path, capsys):
    (tmp_path / "report").write_text("a file is in the way")
    assert main(["reproduce", "--fast", "--output", str(tmp_path / "report")]) == 2
    assert "folder for the report cannot be made" in capsys.readouterr().err


def test_list_shows_where_a_file_is(capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("ASTROKIT_DATA_DIR", raising=False)
    monkeypatch.setenv("ASTROKIT_CACHE_DIR", str(tmp_path))
    assert main(["data", "list", "MRK766.txt"]) == 0
    line = capsys.readouterr().out
    assert line.split()[:3] == ["lightcurves/mrk766_xmm/mrk766.txt", "mrk766", "download"]


def test_fetch_prints_the_path(capsys, real_data):
    path = real_data("mrk766")
    assert main(["data", "fetch", "mrk766"]) == 0
    assert capsys.readouterr().out.strip() == str(path)


def test_verify_counts_and_fails_on_changed_bytes(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ASTROKIT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ASTROKIT_CACHE_DIR", str(tmp_path / "cache"))
    name = "lightcurves/mrk766_xmm/mrk766.txt"
    assert main(["data", "verify", name]) == 0
    assert "0 files have their checksum, 0 do not, 1 are not here" in capsys.readouterr().out
    damaged = tmp_path / name
    damaged.parent.mkdir(parents=True)
    damaged.write_text("0 0 0 0\n")
    assert main(["data", "verify", name]) == 1
    assert "checksum differs" in capsys.readouterr().out


def test_cite_lists_what_a_saved_fit_used(tmp_path, capsys):
    parameters = Parameters([Parameter("rate", 1.0, Uniform(0, 100))])
    fit = PoissonProblem([0, 1, 2], [4, 6, 5], lambda x, rate: rate, parameters).fit()
    fit.save(tmp_path / "fit.h5")
    assert main(["cite", str(tmp_path / "fit.h5")]) == 0
    out = capsys.readouterr().out
    assert "@" in out
    assert all(f"{{{key}," in out for key in ak.cite(fit).keys)


def test_a_file_that_is_no_result_is_refused_in_one_line(tmp_path, capsys):
    (tmp_path / "fit.h5").write_text("no HDF5")
    assert main(["cite", str(tmp_path / "fit.h5")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_info_holds_versions_but_no_home_path(capsys, monkeypatch):
    monkeypatch.setenv("HOME", str(Path(datasets.cache_folder()).parents[1]))
    monkeypatch.setenv("ASTROKIT_DATA_DIR", str(Path.home() / "data"))
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert "numpy" in out
    assert "data folder     ~" in out
    assert str(Path.home()) not in out


def test_a_closed_pipe_is_no_error():
    """As in ``astrokit data list | head -1``."""
    done = subprocess.run(
        f"{sys.executable} -m astrokit data list | head -1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "astrokit", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("astrokit ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["reprodce"], "did you mean 'reproduce'?"),
        (["data", "lst"], "did you mean 'list'?"),
        (["completion", "fsh"], "did you mean 'fish'?"),
        (["reproduce", "--fats"], "unrecognized arguments: --fats"),
        (["cite"], "the following arguments are required: FILE"),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_one(words, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "--help' has examples" in captured.err
    assert captured.out == ""


def test_an_interrupt_has_the_code_of_one(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(ak.reproduce, "run", interrupted)
    assert main(["reproduce"]) == 130
    assert capsys.readouterr().err == "astrokit: stopped\n"


def test_each_way_to_end_has_its_code_in_a_process(tmp_path):
    """The codes reach the shell, and no traceback does."""
    (tmp_path / "broken.h5").write_bytes(b"no result")
    for words, code in ((["info"], 0), (["cite", str(tmp_path / "broken.h5")], 2), ([], 2)):
        done = subprocess.run(
            [sys.executable, "-m", "astrokit", *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == code
        assert "Traceback" not in done.stderr


def test_a_report_that_differs_has_code_one(tmp_path, monkeypatch, capsys):
    from astrokit.reproduce import Notebook, NotebookRun, Report, Row

    row = Row("slope", ak.Estimate(9.0, 0.1), ak.Estimate(2.0))
    run = NotebookRun(Notebook("01_x", "X", tmp_path / "x.ipynb"), (row,), 1.0)
    monkeypatch.setattr(ak.reproduce, "run", lambda *_, **__: Report((run,), tmp_path))
    assert main(["reproduce"]) == 1
    assert "differs" in capsys.readouterr().out
