"""`wooxy stop`: a running campaign ends as by SIGTERM, also in another container."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Final

import typer

from wooxy_async.cli._ending import CommandError, ExitCode, refusing
from wooxy_async.cli._options import journal_at
from wooxy_async.cli._screen import make_screen
from wooxy_async.journals import ask_to_stop
from wooxy_async.journals._lock import holder_of
from wooxy_async.journals._place import lock_path

EXAMPLES: Final = r"""
  wooxy stop contacts.csv.wooxy
"""
_LOOK_EVERY: Final = 0.1  # seconds
_NOTHING: Final = "Nothing was stopped."


def stop(
    journal: Annotated[Path, typer.Argument(metavar="JOURNAL", help="That of the run.")],
    *,
    wait: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="How long to wait for its end.")] = 20.0,
) -> None:
    """Stop a running campaign, as SIGTERM does.

    Nothing more is started within two seconds, and what is in flight has 10
    seconds for its answer. The same `wooxy run` again goes on.
    """
    screen = make_screen(as_json=False)
    with refusing(_NOTHING):
        path = journal_at(journal)
        lock = lock_path(path)
        if (holder := holder_of(lock)) is None:
            raise CommandError(f"no run holds {path}.")
        ask_to_stop(path)
        ends = time.monotonic() + wait
        with screen.status(f"Waiting for the end of {holder} …"):
            while (left := holder_of(lock)) is not None and time.monotonic() < ends:
                time.sleep(_LOOK_EVERY)
        if left is not None:
            screen.print(f"Asked to stop, and not ended after {wait:g} s: {holder}.", soft_wrap=True)
            raise typer.Exit(ExitCode.ENDED_EARLY)
    screen.print(f"Ended: {holder}.", soft_wrap=True)
