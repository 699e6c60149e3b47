"""The last screen of a run."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wooxy_async.cli._preview import notes_table, unusable_counts
from wooxy_async.cli._report import Report
from wooxy_async.cli._tally import WORDS
from wooxy_async.cli._wording import counted, lasting, printable


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
