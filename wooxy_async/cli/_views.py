"""How a run looks: before anything leaves, while it goes, and at its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from wooxy_async import Statistics, ViberMessage
from wooxy_async._rules.redaction import mask_number
from wooxy_async.campaigns import Contacts, Plan, PlanWarning, ReadyRow
from wooxy_async.cli._books import WORDS, Noted, Report, Tally, note_unusable
from wooxy_async.cli._ending import Ending
from wooxy_async.cli._screen import counted, facts, lasting, printable

ASSUMED_ANSWER: Final = 0.2  # seconds; nobody knows before the first answer
_SHOWN: Final = 5
_TEXT_SHOWN: Final = 400
_REFRESH: Final = 0.1
_PLAIN_EVERY: Final = 10.0


def show_preview(
    screen: Console, contacts: Contacts, plan: Plan, *, base_url: str, slots: int, results: Path | None
) -> None:
    """Show where the campaign goes, how much of it, for how long, and its first message.

    Args:
        screen: where.
        contacts: the file.
        plan: the whole file, judged.
        base_url: where the requests go.
        slots: how many requests are in progress at once.
        results: the results file; None where there will be none.
    """
    screen.print(Text(f"{printable(contacts.path.name)}: {counted(plan.rows, 'row')}", style="bold"))
    _show_unusable(screen, contacts, plan, results)
    for warning in plan.warnings:
        screen.print(_warning(warning))
    if plan.sample is not None:
        _show_sample(screen, plan, plan.sample, base_url=base_url, slots=slots, results=results)


def unusable_counts(plan: Plan) -> str:
    """Return the unusable rows in one line."""
    countries = " ".join(f"{code} {count:,}" for code, count in plan.restricted_by_country.items())
    parts = (
        (plan.invalid, f"{plan.invalid:,} invalid"),
        (plan.restricted, f"{plan.restricted:,} restricted ({countries})"),
        (plan.duplicates, counted(plan.duplicates, "duplicate")),
    )
    return " · ".join(words for count, words in parts if count)


def notes_table(notes: list[Noted]) -> Table:
    """Return rows that a person should look at, one under the other."""
    table = Table.grid(padding=(0, 2), pad_edge=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    for note in notes:
        table.add_row(f"row {note.row}", note.number, Text(note.word, style=note.colour), note.reason)
    return table


def _show_unusable(screen: Console, contacts: Contacts, plan: Plan, results: Path | None) -> None:
    unusable = plan.rows - plan.sendable
    if not unusable:
        return
    screen.print(f"{counted(unusable, 'row')} cannot be sent: {unusable_counts(plan)}")
    screen.print(notes_table([note_unusable(row, contacts.number_column) for row in plan.examples[:_SHOWN]]))
    if unusable > _SHOWN:
        where = f"each is a line of {results}" if results else "`wooxy run --dry-run --json` lists each"
        screen.print(Text(f" … and {unusable - _SHOWN:,} more; {where}", style="dim"))


def _warning(warning: PlanWarning) -> Text:
    where = f"{counted(warning.rows, 'row')}, the first is row {warning.first_row}"
    return Text.assemble(("warning: ", "yellow"), printable(f"{warning.field} {warning.text} ({where})"))


def _estimate(messages: int, slots: int) -> str:
    seconds = messages * ASSUMED_ANSWER / slots
    return f"{lasting(seconds)}, {slots} at a time, if each answer takes {ASSUMED_ANSWER:g} s (an estimate)"


def _show_sample(
    screen: Console, plan: Plan, sample: ReadyRow, *, base_url: str, slots: int, results: Path | None
) -> None:
    message = sample.message
    screen.print()
    screen.print(
        facts(
            ("to", base_url),
            ("domain", printable(message.domain)),
            ("sender", printable(message.sender_id or "Wooxy's default")),
            ("will go", Text(counted(plan.sendable, "message"), style="bold")),
            ("takes about", _estimate(plan.sendable, slots)),
            *([("results", printable(str(results)))] if results else []),
        )
    )
    body = Text(_shortened(printable(message.text)))
    title = f"row {sample.row}, to {mask_number(message.phone_number)}"
    screen.print(Panel(body, title=title, title_align="left", expand=False, border_style="dim"))
    _show_button(screen, message)


def _show_button(screen: Console, message: ViberMessage) -> None:
    if message.button is not None:
        caption = (f"[ {printable(message.button.text)} ]", "bold")
        screen.print(Text.assemble("   ", caption, " ", (printable(message.button.url), "dim")))


def _shortened(text: str) -> str:
    return text if len(text) <= _TEXT_SHOWN else f"{text[:_TEXT_SHOWN]}… ({len(text):,} characters)"


class Progress:
    """What is drawn.

    Args:
        tally: the outcomes so far.
        ending: says whether the run is being stopped.
        total: how many messages will go.
        slots: how many requests may be in progress.
        statistics: asks the client for its state.
    """

    def __init__(
        self, tally: Tally, ending: Ending, *, total: int, slots: int, statistics: Callable[[], Statistics]
    ) -> None:
        self._tally = tally
        self._ending = ending
        self._total = total
        self._slots = slots
        self._statistics = statistics

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
        """Return speed, slots and time left."""
        state = self._statistics()
        parts = [f"{self._tally.rate:,.0f} a second", f"{state.borrowed} of {self._slots} slots in use"]
        if state.closed:
            parts.append(f"{state.closed} closed for now")
        if state.paused_for:
            parts.append(f"pausing {lasting(state.paused_for)}")
        parts.append("stopping: waiting for what is in flight" if self._ending.signal else f"{self._left()} left")
        return " · ".join(parts)

    def plain(self) -> str:
        """Return the whole as one line, for files and pipes."""
        return f"{self._tally.settled:,} of {self._total:,} · {self.line()} · {self._outcomes().plain}"

    def _percent(self) -> float:
        return 100 * self._tally.settled / max(self._total, 1)

    def _left(self) -> str:
        if not self._tally.settled:
            return "?"
        return lasting((self._total - self._tally.settled) / self._tally.rate)

    def _outcomes(self) -> Text:
        counts = self._tally.counts
        shown = [
            (f"{word} {counts[tag]:,}", colour) for tag, word, colour, _ in WORDS if counts[tag] or tag == "accepted"
        ]
        return Text(" · ").join(Text(text, style=colour) for text, colour in shown)


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
    settled = report.tally.settled - report.tally.never_started
    rate = settled / max(report.seconds, 1e-9)
    how = f"in {lasting(report.seconds)} · {rate:,.0f} a second"
    screen.print(Text.assemble((f"{settled:,} of {counted(report.plan.sendable, 'message')}", "bold"), " ", how))
    table = Table.grid(padding=(0, 2), pad_edge=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for word, colour, count, meaning in _lines(report):
        table.add_row(Text(word, style=colour), f"{count:,}", meaning)
    screen.print(table)


def _lines(report: Report) -> list[tuple[str, str, int, str]]:
    counts = report.tally.counts
    never = report.tally.never_started
    lines = [
        (word, colour, counts[tag] - (never if tag == "not_sent" else 0), meaning)
        for tag, word, colour, meaning in WORDS
    ]
    lines.append(("not started", "yellow", report.not_started, "the run ended before their turn"))
    unusable = report.plan.rows - report.plan.sendable
    lines.append(("unusable", "yellow", unusable, unusable_counts(report.plan)))
    return [line for line in lines if line[2] or line[0] == "accepted"]


def _show_not_accepted(screen: Console, report: Report) -> None:
    tally = report.tally
    if not tally.noted:
        return
    screen.print(Text("\nNot accepted", style="bold"))
    screen.print(notes_table(tally.noted))
    if more := tally.settled - tally.counts["accepted"] - tally.never_started - len(tally.noted):
        screen.print(Text(f"  … and {more:,} more", style="dim"))


def _remarks(report: Report) -> list[str]:
    remarks = []
    if report.ending.error:
        remarks.append(f"The run ended early: {report.ending.error}")
    if report.not_started:
        others = report.plan.sendable - report.not_started
        again = f" Running the command again would also send the other {others:,} again." if others else ""
        remarks.append(f"Not started: {counted(report.not_started, 'message')}.{again}")
    if report.broken:
        remarks.append(f"{report.results} is not complete ({report.broken}). Missing: {', '.join(report.unwritten)}.")
    remarks.append(f"{report.results} holds the outcomes of {counted(report.written, 'row')}.")
    return remarks
