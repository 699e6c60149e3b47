"""The help of every command fits a terminal of 80 columns; the shell completes, and frequent options are short."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from wooxy_async import __version__
from wooxy_async.cli._app import app

COMMANDS = typer.main.get_group(app).commands


def _help(*words: str) -> str:
    return (
        CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "80", "TERM": "xterm", "FORCE_COLOR": None}).stdout
    )


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_no_line_is_longer_than_a_terminal(command: str) -> None:
    """80 characters a line, the tables of options included, and every option says what it is for."""
    page = _help(*([command] if command else []))
    assert max(map(len, page.splitlines())) <= 80
    for parameter in COMMANDS[command].params if command else ():
        assert getattr(parameter, "help", None), parameter.name


def test_frequent_options_are_short() -> None:
    """`-V`, `-h`, `-d` and `-t` do what their long names do."""
    assert CliRunner().invoke(app, ["-V"]).stdout == f"wooxy-async {__version__}\n"
    assert CliRunner().invoke(app, ["-h"]).stdout.split() == _help().split()
    for command in ("check", "run", "send"):
        assert {"-d"} <= {option for each in COMMANDS[command].params for option in each.opts}


def test_the_shell_completes_commands_and_options() -> None:
    """What typer's script asks for is answered."""
    for typed, place, wanted in (("wooxy ch", "1", "check"), ("wooxy check --supp", "2", "--suppress-format")):
        environment = {"_WOOXY_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": place, "PATH": "/usr/bin"}
        program = Path(sys.executable).with_name("wooxy")
        done = subprocess.run([program], env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        assert wanted in done.stdout.split()
