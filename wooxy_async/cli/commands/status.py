"""`wooxy status`: how a campaign stands, while it runs, afterwards, and after it was killed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.text import Text

from wooxy_async.cli._ending import refusing
from wooxy_async.cli._options import AsJson, journal_at
from wooxy_async.cli._screen import as_argument, facts, make_screen, print_json, printable
from wooxy_async.cli._views import counts_line
from wooxy_async.journals import JournalRun, JournalStatus, RowState, read_status

EXAMPLES: Final = r"""
  wooxy status contacts.csv.wooxy
  wooxy status contacts.csv.wooxy --json
"""
_NOTHING: Final = "Nothing was read."


def status(
    journal: Annotated[Path, typer.Argument(metavar="JOURNAL", help="That of the campaign.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show how a campaign stands.

    Also while it runs, and after it was killed: then it shows what the next
    run will find. The journal is not changed, and no run waits for it.
    """
    screen = make_screen(as_json=as_json)
    with refusing(_NOTHING):
        path = journal_at(journal)
        found = read_status(path)
    if as_json:
        counts = {state.value: count for state, count in found.counts.items()}  # old versions of msgspec want texts
        print_json(msgspec.json.encode({**msgspec.structs.asdict(found), "counts": counts}))
    screen.print(Text(printable(str(path)), style="bold"))
    screen.print(facts(*_facts(found)))
    if found.counts.get(RowState.IN_DOUBT):
        screen.print(
            f"In doubt, never sent again by themselves: wooxy resolve {as_argument(str(path))}", soft_wrap=True
        )


def _facts(found: JournalStatus) -> Iterator[tuple[str, str]]:
    yield "run", "never run" if found.last_run is None else _run(found.last_run)
    yield "rows", counts_line(found.counts) or "none"
    if found.unusable:
        yield "unusable", " · ".join(f"{count:,} {kind}" for kind, count in found.unusable.items())
    if found.first_at is not None and found.last_at is not None:
        yield "outcomes", f"{_time(found.first_at)} to {_time(found.last_at)}"
    for act in found.acts:
        why = f" ({act.why})" if act.why else ""
        yield "decided", printable(f"{_time(act.at)}  {act.who}: {act.act}, {act.rows:,} rows{why}")


def _run(run: JournalRun) -> str:
    ended = "" if run.ended is None else f" {_time(run.ended)}"
    return f"{run.how}{ended}; began {_time(run.began)}, process {run.pid} on {printable(run.host)}"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
