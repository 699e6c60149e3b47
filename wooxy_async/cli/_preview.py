"""What is shown before anything leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from wooxy_async import ViberMessage
from wooxy_async._rules.redaction import mask_number
from wooxy_async.campaigns import Contacts, Plan, PlanWarning, ReadyRow
from wooxy_async.cli._screen import facts
from wooxy_async.cli._tally import Noted, note_unusable
from wooxy_async.cli._wording import counted, lasting, printable

ASSUMED_ANSWER: Final = 0.2  # seconds; nobody knows before the first answer
_SHOWN: Final = 5
_TEXT_SHOWN: Final = 400


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
