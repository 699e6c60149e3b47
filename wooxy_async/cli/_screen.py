"""The screen: colours on a terminal, plain lines elsewhere; how figures and foreign texts are written on it."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Any, Final, TextIO, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wooxy_async import InDoubt, Invalid, NotSent, Rejected
from wooxy_async._rules.redaction import mask_digits
from wooxy_async.cli._ending import in_options

_WIDEST: Final = 100
_PLAIN_WIDTH: Final = 160  # in a file or a pipe lines are not broken where it can be helped
_MINUTE: Final = 60
_HOUR: Final = 3600
_SHORT: Final = 10


class OutlivedFile:
    """A file for people that may go away, as a closed pipe or terminal does: the work that it shows goes on without it.

    Args:
        file: has a descriptor, which leads nowhere from then on.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write, or see that there is nobody to read it."""
        try:
            return self._file.write(text)
        except OSError:
            self._leave()
            return len(text)

    def flush(self) -> None:
        """Flush, likewise."""
        try:
            self._file.flush()
        except OSError:
            self._leave()

    def _leave(self) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._file.fileno())  # what is still buffered would fail again at the end
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def make_screen(*, as_json: bool, is_outlived: bool = False) -> Console:
    """Return where people read.

    Args:
        as_json: standard output belongs to a machine; people read on standard error, if that is a terminal.
        is_outlived: the command goes on where nobody can read any more.
    """
    file = sys.stderr if as_json else sys.stdout
    outlived = cast("TextIO", OutlivedFile(file)) if is_outlived else None
    console = Console(file=outlived, stderr=as_json, markup=False, highlight=False, emoji=False)
    console.quiet = as_json and not console.is_terminal
    console.width = min(console.width, _WIDEST) if console.is_terminal else _PLAIN_WIDTH
    return console


def print_json(line: bytes, *, is_outlived: bool = False) -> None:
    """Write one line for a machine to standard output.

    Args:
        line: the line.
        is_outlived: the command goes on where nobody can read any more.
    """
    file = cast("TextIO", OutlivedFile(sys.stdout)) if is_outlived else sys.stdout
    file.write(line.decode() + "\n")
    file.flush()


def facts(*rows: tuple[str, str | Text]) -> Table:
    """Return names and values under one another."""
    table = Table.grid(padding=(0, 2), pad_edge=True)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return table


def counted(count: int, what: str) -> str:
    """Return a count with its noun, as in "1,862 messages"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def lasting(seconds: float) -> str:
    """Return a duration as in "7.9 s", "1 min 02 s" or "2 h 05 min"."""
    if seconds < _SHORT:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02} min"


def printable(text: str) -> str:
    """Return a foreign text without characters that steer the terminal."""
    return "".join(character if character.isprintable() or character == "\n" else "�" for character in text)


def as_argument(path: str) -> str:
    """Return a path as it is typed in a shell: quoted where it must be, and never an option."""
    return shlex.quote(printable(f"./{path}" if path.startswith("-") else path))


def reason(outcome: Rejected | Invalid | NotSent | InDoubt) -> str:
    """Return why a message was not accepted, in one line, numbers masked."""
    if isinstance(outcome, Rejected):
        said = "; ".join(error.text for error in outcome.errors)
    elif isinstance(outcome, Invalid):
        said = "; ".join(f"{problem.field}: {problem.remedy}" for problem in outcome.problems)
    else:
        said = outcome.cause.text
    return in_options(printable(mask_digits(said).replace("\n", " ")))
