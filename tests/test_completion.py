"""Completion in a shell: what the script offers is what the parser takes."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from astrokit.cli import _parser, main
from astrokit.completion import SHELLS, completion_script


def script(shell, capsys):
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


def offered(text, *words):
    """Return what bash offers after these words; the last one is being typed."""
    line = " ".join(f"'{word}'" for word in ("astrokit", *words))
    ask = (
        f'{text}\nCOMP_WORDS=({line})\nCOMP_CWORD={len(words)}\n_astrokit\necho "${{COMPREPLY[@]}}"'
    )
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash on this computer")
    done = subprocess.run([bash, "-c", ask], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands_options_and_choices(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "result.h5").touch()
    text = script("bash", capsys)
    assert offered(text, "re") == ["reproduce"]
    assert {"reproduce", "data", "cite", "info", "completion"} <= set(offered(text, ""))
    assert offered(text, "reproduce", "--f") == ["--fast"]
    assert offered(text, "data", "ver") == ["verify"]
    assert offered(text, "completion", "") == ["bash", "zsh", "fish"]
    assert offered(text, "cite", "res") == ["result.h5"]
    assert offered(text, "info", "res") == []


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_and_option_is_in_the_script(shell, capsys):
    text = script(shell, capsys)
    subparsers = next(a for a in _parser()._actions if a.choices)
    for name, command in subparsers.choices.items():
        assert name in text
        for option in command._option_string_actions:
            assert option.lstrip("-") in text


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_itself_understands_it(shell, capsys, tmp_path):
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} on this computer")
    (tmp_path / "script").write_text(script(shell, capsys))
    done = subprocess.run(
        [program, "-n", str(tmp_path / "script")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_help_cannot_leave_its_quotes():
    parser = _parser()
    subparsers = next(a for a in parser._actions if a.choices)
    hostile = subparsers.add_parser("hostile", help="it's $(touch x) `y`: [z]")
    hostile.add_argument("--odd", action="store_true", help="don't: [stop]")
    for shell in SHELLS:
        text = completion_script(parser, shell)
        assert "it's $(" not in text
        assert "don't" not in text
