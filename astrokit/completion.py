"""Completion of the command line in a shell, generated from the parser itself."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["SHELLS", "completion_script"]

SHELLS = ("bash", "zsh", "fish")


@dataclass(frozen=True)
class _Command:
    """What can follow the name of a command."""

    name: str
    what: str
    options: tuple[tuple[str, str], ...]  # option, what it does
    words: tuple[str, ...]  # choices of its first argument
    takes_files: bool


def completion_script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return a script that makes a shell complete commands, options and choices.

    Parameters
    ----------
    parser : ArgumentParser
        With sub-commands.
    shell : {"bash", "zsh", "fish"}

    Examples
    --------
    >>> import argparse
    >>> from astrokit.completion import completion_script
    >>> parser = argparse.ArgumentParser(prog="demo")
    >>> _ = parser.add_subparsers().add_parser("run", help="run it")
    >>> "complete -F _demo demo" in completion_script(parser, "bash")
    True
    """
    make = {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell]
    return make(parser.prog, list(_commands(parser)))


def _commands(parser: argparse.ArgumentParser) -> Iterator[_Command]:
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction):
            continue
        told = {choice.dest: choice.help or "" for choice in action._choices_actions}
        for name, command in action.choices.items():
            yield _command(name, told.get(name, ""), command)


def _command(name: str, what: str, command: argparse.ArgumentParser) -> _Command:
    options: list[tuple[str, str]] = []
    words: tuple[str, ...] = ()
    files = False
    for action in command._actions:
        options += [(option, action.help or "") for option in action.option_strings]
        if not action.option_strings:
            words = words or tuple(map(str, action.choices or ()))
            files = files or not action.choices
        elif action.nargs != 0:
            files = True  # an option such as --output takes a path
    return _Command(name, what, tuple(options), words, files)


def _bash(program: str, commands: list[_Command]) -> str:
    cases = "\n".join(
        f'    {c.name}) options="{" ".join(o for o, _ in c.options)}" '
        f'words="{" ".join(c.words)}" files={"yes" if c.takes_files else "no"} ;;'
        for c in commands
    )
    return f"""\
# Completion of {program} for bash: source this file, for example in ~/.bashrc.
_{program}() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" options="" words="" files=no
  if (( COMP_CWORD == 1 )); then
    options="--help --version" words="{" ".join(c.name for c in commands)}"
  else
    case "${{COMP_WORDS[1]}}" in
{cases}
    esac
  fi
  if [[ "$current" == -* ]]; then words="$options"; fi
  COMPREPLY=( $(compgen -W "$words" -- "$current") )
  if [[ $files == yes && "$current" != -* ]]; then
    COMPREPLY+=( $(compgen -f -- "$current") )
  fi
}}
complete -F _{program} {program}
"""


def _zsh(program: str, commands: list[_Command]) -> str:
    names = "\n".join(f"    {_quoted(f'{c.name}:{c.what}')}" for c in commands)
    cases = "\n".join(f"    {c.name}) {_zsh_arguments(c)} ;;" for c in commands)
    return f"""\
#compdef {program}
# Completion of {program} for zsh: save as _{program} in a folder of $fpath, or source it.
_{program}() {{
  local -a commands
  commands=(
{names}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case "$words[2]" in
{cases}
  esac
}}
compdef _{program} {program}
"""


def _zsh_arguments(command: _Command) -> str:
    parts = [_quoted(f"{option}[{_plain(what)}]") for option, what in command.options]
    if command.words:
        parts.append(_quoted(f"2:what:({' '.join(command.words)})"))
    if command.takes_files:
        parts.append(_quoted("*:file:_files"))
    return "_arguments " + " ".join(parts)


def _fish(program: str, commands: list[_Command]) -> str:
    lines = [f"# Completion of {program} for fish: save in ~/.config/fish/completions."]
    lines += [
        f"complete -c {program} -n __fish_use_subcommand -f -a {c.name} "
        f"-d {_quoted(_plain(c.what))}"
        for c in commands
    ]
    for c in commands:
        seen = f"complete -c {program} -n '__fish_seen_subcommand_from {c.name}'"
        if c.words:
            lines.append(f"{seen} -f -a {_quoted(' '.join(c.words))}")
        for option, what in c.options:
            flag = f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"
            lines.append(f"{seen} {flag} -d {_quoted(_plain(what))}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Return text for a shell, in single quotes."""
    return "'" + text.replace("'", "'\\''") + "'"


def _plain(text: str) -> str:
    """Return help without what a shell or argparse would take for its own."""
    for special in ("%(default)s", "[", "]", ":"):
        text = text.replace(special, " ")
    return " ".join(text.split())
