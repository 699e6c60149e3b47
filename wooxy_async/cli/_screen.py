"""The screen: colours on a terminal, plain lines elsewhere; how figures and foreign texts are written on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

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


class OutlivedScreen(Console):
    """A screen that may go away, as a closed pipe or terminal does: the work that it shows goes on without it."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print, or see that there is nobody to read it."""
        with self.outlived():
            super().print(*objects, **options)

    @contextmanager
    def outlived(self) -> Iterator[None]:
        """Let the block end where its output cannot be written; nothing is written afterwards."""
        try:
            yield
        except (OSError, SystemExit):  # the latter is how newer versions of rich end at a closed pipe
            self.quiet = True
            with suppress(OSError, ValueError):  # what is still buffered would fail again at the end
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def make_screen(*, as_json: bool, kind: type[Console] = Console) -> Console:
    """Return where people read.

    Args:
        as_json: standard output belongs to a machine; people read on standard error, if that is a terminal.
        kind: its class.
    """
    console = kind(stderr=as_json, markup=False, highlight=False, emoji=False)
    console.quiet = as_json and not console.is_terminal
    console.width = min(console.width, _WIDEST) if console.is_terminal else _PLAIN_WIDTH
    return console


def print_json(line: bytes) -> None:
    """Write one line for a machine to standard output."""
    sys.stdout.write(line.decode() + "\n")
    sys.stdout.flush()


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


def reason(outcome: Rejected | Invalid | NotSent | InDoubt) -> str:
    """Return why a message was not accepted, in one line, numbers masked."""
    if isinstance(outcome, Rejected):
        said = "; ".join(error.text for error in outcome.errors)
    elif isinstance(outcome, Invalid):
        said = "; ".join(f"{problem.field}: {problem.remedy}" for problem in outcome.problems)
    else:
        said = outcome.cause.text
    return in_options(printable(mask_digits(said).replace("\n", " ")))
