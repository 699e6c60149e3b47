"""The screen: colours and moving pictures on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDEST: Final = 100
_PLAIN_WIDTH: Final = 160  # in a file or a pipe lines are not broken where it can be helped


def make_screen(*, as_json: bool) -> Console:
    """Return where people read.

    Args:
        as_json: standard output belongs to a machine; people read on standard error, if that is a terminal.
    """
    console = Console(stderr=as_json, markup=False, highlight=False, emoji=False)
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
