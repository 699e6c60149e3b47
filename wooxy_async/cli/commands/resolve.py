"""`wooxy resolve`: a person says what became of the rows in doubt."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, get_args

import typer
from rich.console import Console

from wooxy_async._rules.redaction import mask_number
from wooxy_async.cli._deciding import Decisions, decided_by_file, decided_by_options
from wooxy_async.cli._ending import CommandError, ExitCode, asking, refusing
from wooxy_async.cli._options import journal_at
from wooxy_async.cli._screen import counted, facts, make_screen, printable
from wooxy_async.journals import Decision, Doubt, SQLiteJournal

EXAMPLES: Final = r"""
  wooxy resolve contacts.csv.wooxy
  wooxy resolve contacts.csv.wooxy --row 17 --row 20 --as delivered
  wooxy resolve contacts.csv.wooxy --all --as give-up
  wooxy resolve contacts.csv.wooxy --from checked.csv
"""
_NOTHING: Final = "Nothing was changed."
_KEYS: Final[dict[str, Decision | None]] = {"d": "delivered", "a": "again", "g": "give-up", "": None}


def resolve(
    journal: Annotated[Path, typer.Argument(metavar="JOURNAL", help="That of the campaign.")],
    *,
    row: Annotated[
        list[int] | None, typer.Option("--row", metavar="ROW", help="As a spreadsheet numbers it; may be repeated.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All rows in doubt.")] = False,
    decision: Annotated[
        Decision | None, typer.Option("--as", metavar="WORD", help="delivered, again or give-up.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="A table with a decision for each row.")
    ] = None,
    column: Annotated[
        str, typer.Option("--decision-column", metavar="NAME", help="Its column of decisions.")
    ] = "decision",
    send_again: Annotated[
        int | None,
        typer.Option("--send-again", metavar="COUNT", help="How many are sent again, where nobody can be asked."),
    ] = None,
    accept_old: Annotated[bool, typer.Option("--accept-old", help="Although this is an older copy.")] = False,
) -> None:
    """Say what became of the rows in doubt.

    delivered: it has arrived. again: the next run sends it. give-up: nobody
    sends it. Without options each row is asked about. A table (as that of
    wooxy results --format csv, with a column more) names rows by its column
    wooxy_row, else by their number; where the decision is empty nothing
    changes. Who has decided, and when, stands in the journal.
    """
    screen = make_screen(as_json=False)
    with refusing(_NOTHING):
        path = journal_at(journal)
        known = SQLiteJournal(path, accept_old=accept_old)

        def decide(doubts: Sequence[Doubt]) -> Decisions:
            if file is not None:
                decisions = decided_by_file(doubts, file, column)
            elif row or every:
                decisions = decided_by_options(doubts, row or (), decision, every=every)
            else:
                decisions = _ask_each(screen, doubts)
            _confirm(screen, sum(word == "again" for word in decisions.values()), send_again)
            return decisions

        left, decisions = asyncio.run(_resolve(known, decide))
    counts = Counter(decisions.values())
    said = " · ".join(f"{word} {counts[word]:,}" for word in get_args(Decision) if counts[word])
    screen.print(f"{said or 'nothing decided'}; {counted(left, 'row')} in doubt")
    raise typer.Exit(ExitCode.IN_DOUBT if left else ExitCode.ACCEPTED)


async def _resolve(journal: SQLiteJournal, decide: Callable[[Sequence[Doubt]], Decisions]) -> tuple[int, Decisions]:
    """Return how many rows stay in doubt, and what was decided."""
    async with journal:
        doubts = await journal.doubts()
        with asking():
            decisions = decide(doubts)
        for word in get_args(Decision):
            if rows := [row for row, decided in decisions.items() if decided == word]:
                await journal.resolve(rows, word)
        return len(doubts) - len(decisions), decisions


def _ask_each(screen: Console, doubts: Sequence[Doubt]) -> Decisions:
    if not (sys.stdin.isatty() and screen.is_terminal):
        for doubt in doubts:
            screen.print(_described(doubt), soft_wrap=True)
        if doubts:
            typer.echo(f"Error: nobody can be asked here. Give --row or --all with --as.\n{_NOTHING}", err=True)
            raise typer.Exit(ExitCode.WAITS_FOR_PERSON)
        return {}
    decisions: Decisions = {}
    for doubt in doubts:
        screen.print(facts((f"row {doubt.sheet_row}", _described(doubt))))
        word = _ask_one()
        if word is not None:
            decisions[doubt.id] = word
    return decisions


def _ask_one() -> Decision | None:
    while True:
        answer = typer.prompt("d delivered, a send again, g give up, Enter skips", default="", show_default=False)
        if answer in _KEYS:
            return _KEYS[answer]


def _described(doubt: Doubt) -> str:
    since = datetime.fromtimestamp(doubt.at, UTC)
    about = f"row {doubt.sheet_row}  {mask_number(doubt.number)}  since {since:%Y-%m-%d %H:%M:%S} UTC"
    return printable(f"{about}  {doubt.why}")


def _confirm(screen: Console, count: int, typed: int | None) -> None:
    """Have the number of messages typed that may reach people a second time.

    Raises:
        CommandError: it was not.
    """
    if not count or typed == count:
        return
    if typed is not None or not (sys.stdin.isatty() and screen.is_terminal):
        raise CommandError(
            f"{counted(count, 'message')} would be sent again, and may then arrive twice. If that is meant, give "
            f"--send-again {count}."
        )
    if typer.prompt(f"{counted(count, 'message')} may arrive twice. Type how many are sent again") != str(count):
        raise CommandError("that is another number.")
