"""How a run looks: while it goes, and at its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from wooxy_async import Outage, Outcome, Statistics
from wooxy_async.cli._books import WORDS, Noted, Report, Tally, tag_of
from wooxy_async.cli._ending import Ending
from wooxy_async.cli._screen import as_argument, counted, lasting, printable
from wooxy_async.journals import RowState

_NOTED: Final = 10
_REFRESH: Final = 0.1
_PLAIN_EVERY: Final = 10.0
# The states of rows as people read them, in the order in which they are shown.
STATES: Final[dict[RowState, str]] = {
    RowState.ACCEPTED: "accepted",
    RowState.DELIVERED: "delivered, as a person says",
    RowState.REJECTED: "refused",
    RowState.IN_DOUBT: "in doubt",
    RowState.PENDING: "to be sent",
    RowState.NOT_SENT: "not sent",
    RowState.GIVEN_UP: "given up",
    RowState.GONE: "no longer among the contacts",
}


def counts_line(counts: dict[RowState, int]) -> str:
    """Return how many rows are what, in one line; those that cannot be sent are told apart."""
    return " · ".join(f"{words} {counts[state]:,}" for state, words in STATES.items() if counts.get(state))


def notes_table(notes: list[Noted]) -> Table:
    """Return rows that a person should look at, one kind under the other."""
    table = Table.grid(padding=(0, 2), pad_edge=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    for note in notes:
        word = Text(note.word, style=note.colour)
        if note.count == 1:
            table.add_row(f"row {note.rows[0]}", note.number, word, note.reason)
        else:
            first = ", ".join(map(str, note.rows)) + (", …" if note.count > len(note.rows) else "")
            table.add_row(f"{note.count:,} rows", first, word, note.reason)
    return table


class Progress:
    """What is drawn.

    Args:
        tally: the outcomes so far.
        ending: says whether the run is being stopped.
        total: how many messages will go.
        slots: how many requests may be in progress.
        statistics: asks the client for its state.
        outage: asks the run whether Wooxy is down.
    """

    def __init__(
        self,
        tally: Tally,
        ending: Ending,
        *,
        total: int,
        slots: int,
        statistics: Callable[[], Statistics],
        outage: Callable[[], Outage | None],
    ) -> None:
        self._tally = tally
        self._ending = ending
        self._total = total
        self._slots = slots
        self._statistics = statistics
        self._outage = outage

    def picture(self) -> RenderableType:
        """Return three lines: how far, how fast, and what came of it."""
        tally = self._tally
        share = Table.grid(expand=True, padding=(0, 1))
        share.add_column(ratio=1)
        share.add_column(justify="right", no_wrap=True)
        bar = ProgressBar(total=max(self._total, 1), completed=tally.settled)
        share.add_row(bar, f"{tally.settled:,} of {self._total:,} · {self._percent():.0f} %")
        return Group(share, Text(self.line(), style="dim"), self._outcomes())

    def line(self) -> str:
        """Return speed, slots and time left; or why nothing moves."""
        if self._ending.signal:
            return "stopping: waiting for what is in flight"
        if (outage := self._outage()) is not None:
            return _waiting(outage)
        state = self._statistics()
        parts = [f"{self._tally.rate():,.0f} a second", f"{state.borrowed} of {self._slots} slots in use"]
        if state.closed:
            parts.append(f"{state.closed} closed for now")
        if state.paused_for:
            parts.append(f"pausing {lasting(state.paused_for)}: {state.paused_because}")
        elif state.waiting and not state.borrowed:
            parts.append("others use the account's slots, as wooxy slots shows")
        parts.append(f"{self._left()} left")
        return " · ".join(parts)

    def plain(self) -> str:
        """Return the whole as one line, for files and pipes."""
        return f"{self._tally.settled:,} of {self._total:,} · {self.line()} · {self._outcomes().plain}"

    def _percent(self) -> float:
        return 100 * self._tally.settled / max(self._total, 1)

    def _left(self) -> str:
        if not (rate := self._tally.rate()):
            return "?"
        return lasting((self._total - self._tally.settled) / rate)

    def _outcomes(self) -> Text:
        counts = self._tally.counts
        shown = [
            (f"{word} {counts[tag]:,}", colour) for tag, word, colour, _ in WORDS if counts[tag] or tag == "accepted"
        ]
        return Text(" · ").join(Text(text, style=colour) for text, colour in shown)


def _waiting(outage: Outage) -> str:
    now = datetime.now(UTC).astimezone()
    since, ends = now - timedelta(seconds=outage.lasted), now + timedelta(seconds=outage.gives_up_in)
    because = printable(outage.because).rstrip(".")
    return (
        f"waiting since {since:%H:%M}: {because} · next try in {lasting(outage.next_try_in)} · gives up at {ends:%H:%M}"
    )


@asynccontextmanager
async def showing(screen: Console, progress: Progress, *, every: float = _PLAIN_EVERY) -> AsyncIterator[None]:
    """Show the progress for the block: a live picture on a terminal, a line now and then elsewhere.

    Args:
        screen: where.
        progress: what.
        every: seconds between two plain lines.
    """
    drawing = asyncio.create_task(_draw(screen, progress) if screen.is_terminal else _tell(screen, progress, every))
    try:
        yield
    finally:
        drawing.cancel()
        await asyncio.wait({drawing})


async def _draw(screen: Console, progress: Progress) -> None:
    with Live(progress.picture(), console=screen, auto_refresh=False, transient=True) as live:
        while True:
            await asyncio.sleep(_REFRESH)
            live.update(progress.picture(), refresh=True)


async def _tell(screen: Console, progress: Progress, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        screen.print(progress.plain(), soft_wrap=True)


def show_summary(screen: Console, report: Report) -> None:
    """Show what came of a run, and what a person has to do about it."""
    screen.print()
    show_outcomes(screen, report)
    _show_not_accepted(screen, report)
    screen.print()
    for line in _remarks(report):
        screen.print(printable(line), soft_wrap=not screen.is_terminal)


def show_outcomes(screen: Console, report: Report) -> None:
    """Show how far it came, how fast, and how many of each outcome there are."""
    settled = report.tally.settled
    rate = settled / max(report.seconds, 1e-9)
    how = f"in {lasting(report.seconds)} · {rate:,.0f} a second"
    head = (f"{settled:,} of {counted(report.to_send, 'message')}", "bold")
    screen.print(Text.assemble(head, " ", how) if report.to_send else "No message is left to be sent.")
    table = Table.grid(padding=(0, 2), pad_edge=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for word, colour, count, meaning in _lines(report):
        table.add_row(Text(word, style=colour), f"{count:,}", meaning)
    screen.print(table)


def _lines(report: Report) -> list[tuple[str, str, int, str]]:
    counts = report.tally.counts
    lines = [(word, colour, counts[tag], meaning) for tag, word, colour, meaning in WORDS]
    lines.append(("not started", "yellow", report.counts.get(RowState.PENDING, 0), "still to be sent"))
    kinds = " · ".join(f"{count:,} {kind}" for kind, count in report.unusable.items())
    lines.append(("unusable", "yellow", sum(report.unusable.values()), kinds))
    return [line for line in lines if line[2] or (line[0] == "accepted" and report.to_send)]


def _show_not_accepted(screen: Console, report: Report) -> None:
    noted = report.tally.noted
    if not noted:
        return
    screen.print(Text("\nNot accepted", style="bold"))
    screen.print(notes_table(noted[:_NOTED]))
    if more := sum(note.count for note in noted[_NOTED:]):
        screen.print(Text(f"  … and {more:,} more, for other reasons", style="dim"))


def _remarks(report: Report) -> list[str]:
    remarks = []
    if report.ending.error:
        remarks.append(f"The run ended early: {report.ending.error}")
    for pair in report.parked:
        sender = "Wooxy's default sender" if pair.sender_id is None else f"the sender {pair.sender_id}"
        remarks.append(f"{sender} may not send to {pair.country}: {counted(pair.rows, 'row')} not tried.")
    if report.unrecorded:
        remarks.append(f"Known, but not in the journal: {', '.join(map(_named, report.unrecorded))}.")
    if report.not_started:
        remarks.append(f"{counted(report.not_started, 'message')} still to be sent: the same command again goes on.")
    if report.counts.get(RowState.IN_DOUBT):
        remarks.append(f"In doubt, never sent again by themselves: wooxy resolve {as_argument(report.journal)}")
    if not report.resumed.is_new:
        remarks.append(f"In all, with the runs before: {counts_line(report.counts)}.")
    if report.results is not None:
        why = f"; it is not complete ({report.results.broken})" if report.results.broken else ""
        remarks.append(f"{report.results.path} has {counted(report.results.lines, 'outcome')} of this run{why}.")
    remarks.append(f"Who got it and when: wooxy results {as_argument(report.journal)}")
    return remarks


def _named(outcome: Outcome) -> str:
    return f"{outcome.message.reference} {tag_of(outcome)}"
