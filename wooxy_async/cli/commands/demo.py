"""`wooxy demo`: a whole campaign on this machine, with the troubles that real ones have."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import shorten
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from wooxy_async import Accepted, Button, InDoubt, Outcome, WooxyClient
from wooxy_async.campaigns import Campaign, Contacts
from wooxy_async.cli._books import Noted, Report, note_unusable
from wooxy_async.cli._ending import ExitCode
from wooxy_async.cli._options import TOKEN_VARIABLE, AsJson
from wooxy_async.cli._run import Carrier, RunBounds
from wooxy_async.cli._screen import counted, facts, make_screen, print_json
from wooxy_async.cli._views import notes_table, show_outcomes
from wooxy_async.journals import SQLiteJournal, default_path
from wooxy_async.limits import SLOTS
from wooxy_async.sandbox import Fault, Sandbox

_REASON_WIDTH: Final = 52  # fits 80 columns
_VERDICTS: Final = {
    True: "  The sandbox did take it: sent again, it would have reached the person twice.",
    False: "  The sandbox did not take it: it would be safe to send again.",
}
_FIRST_MESSAGE: Final = (
    'wooxy send --to +your-number --domain your.domain --text "Hello from Wooxy" \\',
    "  --button-text Open --button-url https://your.domain",
)
_LOOK: Final = "Look at the phone: has the button arrived? If not, add --button-field button"
EXAMPLES: Final = r"""
  wooxy demo
  wooxy demo --count 10000 --latency 0.02
"""
LEAST: Final = 1_000
MOST: Final = 50_000
# Row numbers under LEAST. The rows that cannot be sent, as people's exports have them:
_UNUSABLE: Final = {
    12: "n/a",
    57: "0151 2345678",
    118: "+49 abc",
    163: "+1 415 555",
    204: "",
    231: "+380 50 123 4567",
    287: "+375 29 491 19 11",
    342: "+7 912 345 67 89",
}
_REPEATING: Final = {90: 3, 350: 14, 620: 77}
# The rows that the sandbox refuses, and the one whose connection is lost after its request was read:
REFUSED_ROWS: Final = (401, 466, 513)
DOUBTFUL_ROW: Final = 731
_NAMES: Final = ("Anna", "José", "Zoë", "გიორგი", "李雷", "O'Brien", "Łukasz", "Siobhán", "Nguyễn", "🎉 Max")
_CITIES: Final = ("Riga", "Kraków, Stare Miasto", 'Paris "Nord"', "Hà Nội", "São Paulo", "Tbilisi", "Almaty")
_LINES_PER_AREA: Final = 100
# Area codes have no 0 or 1 first; those that end in 11 are services.
_AREAS: Final = tuple(area for area in range(212, 1000) if area % 100 != 11)  # noqa: PLR2004


class ServerView(msgspec.Struct, frozen=True, kw_only=True):
    """What the server says of the campaign.

    Args:
        most_at_once: the most requests that were in progress.
        over_limit: requests that arrived when ten were.
        taken: messages that it took.
        numbers_twice: numbers that it took more than one message for.
        lost: messages without an outcome, or accepted and not on the server.
        doubtful_taken: whether it took the message that is in doubt.
    """

    most_at_once: int
    over_limit: int
    taken: int
    numbers_twice: int
    lost: int
    doubtful_taken: bool


def demo(
    *,
    count: Annotated[
        int, typer.Option(metavar="ROWS", min=LEAST, max=MOST, help=f"How many contacts, {LEAST:,} to {MOST:,}.")
    ] = 1_500,
    latency: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, max=10, help="Seconds until the sandbox answers.")
    ] = 0.05,
    as_json: AsJson = False,
) -> None:
    """Send a campaign on this machine: no account, no network.

    Starts a sandbox, writes a file of contacts, and sends one message to
    each through the real client. The sandbox refuses a few, some rows cannot
    be sent, and one connection is lost after its request was read.
    """
    screen = make_screen(as_json=as_json)
    with TemporaryDirectory(prefix="wooxy-demo-") as folder:
        path = Path(folder) / "contacts.csv"
        write_contacts(path, count)
        journal = SQLiteJournal(default_path(path), state=folder)
        raise typer.Exit(asyncio.run(_play(path, journal, screen, latency=latency, as_json=as_json)))


def _campaign(path: Path, journal: SQLiteJournal) -> Campaign:
    return Campaign(
        Contacts(path),
        domain="shop.example",
        text="Hi {{firstName}}, your order {{orderId}} is ready in {{city}}.",
        sender_id="Shop",
        button=Button(text="Open", url="https://shop.example/o/{{orderId}}"),
        journal=journal,
    )


async def _play(
    path: Path, journal: SQLiteJournal, screen: Console, *, latency: float, as_json: bool
) -> ExitCode | int:
    """Send the campaign to a sandbox that makes trouble, and ask it afterwards what it saw."""
    outcomes: list[Outcome] = []
    campaign = _campaign(path, journal)
    plan = campaign.plan()
    async with Sandbox(latency=latency, seed=1, keep_messages=plan.sendable) as sandbox, campaign:
        _make_trouble(sandbox)
        about = f" · {counted(plan.rows, 'contact')} · sandbox at {sandbox.url}\n"
        screen.print(Text.assemble(("wooxy demo", "bold"), about))
        client = WooxyClient(sandbox.token, base_url=sandbox.url, on_outcome=outcomes.append)
        report = await Carrier(client, campaign, journal, bounds=RunBounds(), screen=screen).carry()
        seen = _ask(sandbox, outcomes)
        if as_json:
            print_json(report.to_json(server=msgspec.to_builtins(seen)))
        _show(screen, report, seen, note_unusable(plan.examples[0], campaign.contacts.number_column))
        return report.exit_code if report.ending.signal else ExitCode.ACCEPTED


def _make_trouble(sandbox: Sandbox) -> None:
    for row in REFUSED_ROWS:
        sandbox.script(Fault.error(17), number=number_of(row))
    sandbox.script(Fault.reset_after_reading(), number=number_of(DOUBTFUL_ROW))


def _ask(sandbox: Sandbox, outcomes: list[Outcome]) -> ServerView:
    on_server = {message.id for message in sandbox.messages}
    accepted = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
    in_doubt = {outcome.message.phone_number for outcome in outcomes if isinstance(outcome, InDoubt)}
    return ServerView(
        most_at_once=sandbox.peak_in_progress,
        over_limit=sandbox.violations,
        taken=sandbox.taken,
        numbers_twice=sandbox.duplicates,
        lost=sum(on_server.isdisjoint(outcome.message_ids) for outcome in accepted),
        doubtful_taken=any(message.number in in_doubt for message in sandbox.messages),
    )


def _show(screen: Console, report: Report, seen: ServerView, unusable: Noted) -> None:
    show_outcomes(screen, report)
    refused = [note for note in report.tally.noted if note.word == "refused"]
    doubtful = [note for note in report.tally.noted if note.word == "in doubt"]
    screen.print(Text("\nNot accepted, for example", style="bold"))
    screen.print(notes_table([_on_one_line(note) for note in (unusable, *refused[:1], *doubtful)]))
    for _ in doubtful:
        screen.print(_VERDICTS[seen.doubtful_taken])
    screen.print(Text("\nWhat the server saw", style="bold"))
    screen.print(
        facts(
            ("most at once", f"{seen.most_at_once} of {SLOTS} allowed"),
            ("numbers twice", f"{seen.numbers_twice}"),
            ("lost", f"{seen.lost} of {report.tally.counts['accepted']:,} that were accepted"),
        )
    )
    screen.print(Text.assemble(("\nYour first real message", "bold"), f", with your token in {TOKEN_VARIABLE}"))
    for line in _FIRST_MESSAGE:
        screen.print(Text(f"  {line}", style="cyan"), soft_wrap=True)
    screen.print(f"  {_LOOK}")


def _on_one_line(note: Noted) -> Noted:
    """Return the first row of a kind, which is an example of it."""
    return msgspec.structs.replace(note, count=1, reason=shorten(note.reason, _REASON_WIDTH, placeholder=" …"))


def number_of(row: int) -> str:
    """Return the number of a sendable row: 555-0100 to 555-0199 belong to nobody in any area."""
    area, line = divmod(row, _LINES_PER_AREA)
    return f"+1{_AREAS[area]}555{_LINES_PER_AREA + line:04}"


def write_contacts(path: Path, count: int) -> None:
    """Write a file of contacts.

    Args:
        path: where.
        count: how many rows, LEAST to MOST.
    """
    with path.open("x", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("phone", "firstName", "city", "orderId"))
        writer.writerows(_rows(count))


def _rows(count: int) -> Iterator[tuple[str, ...]]:
    names, cities = cycle(_NAMES), cycle(_CITIES)
    for row in range(1, count + 1):
        number = _UNUSABLE.get(row) if row in _UNUSABLE else _spelled(number_of(_REPEATING.get(row, row)), row)
        yield str(number), next(names), next(cities), f"o-{row:06}"


def _spelled(number: str, row: int) -> str:
    """Return a number as people write it: each row in another way."""
    area, line = number[2:5], number[-4:]
    return (number, f"+1 {area} 555 {line}", f"+1 ({area}) 555-{line}", f" +1-{area}-555-{line} ")[row % 4]
