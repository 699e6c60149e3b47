"""`wooxy run`: one message for each number of a file, each once, whatever ends the run."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console

from wooxy_async import WooxyClient
from wooxy_async.campaigns import Campaign, Plan, Resumed, Unique, make_plan
from wooxy_async.cli._books import Report, ResultsFile
from wooxy_async.cli._ending import CommandError, ExitCode, asking, deaf, refusing
from wooxy_async.cli._keeping import JournalOptions, PaceOptions
from wooxy_async.cli._options import (
    OUTPUT,
    AccountOptions,
    AsJson,
    MessageOptions,
    OptionalDomain,
    OptionalText,
)
from wooxy_async.cli._preflight import Preflight, show_preflight
from wooxy_async.cli._reading import ReadingOptions, chosen
from wooxy_async.cli._run import Carrier
from wooxy_async.cli._screen import counted, make_screen, print_json
from wooxy_async.cli._views import counts_line, show_summary
from wooxy_async.journals import SQLiteJournal

EXAMPLES: Final = r"""
  wooxy run contacts.csv -d shop.example -t "Hi {{firstName}}" --dry-run
  wooxy run contacts.csv -d shop.example -t "Hi {{firstName}}" \
    --button-text Open --button-url "https://shop.example/o/{{orderId}}"
"""


class _Task(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is made of, before its journal is opened."""

    campaign: Campaign
    journal: SQLiteJournal
    client: WooxyClient
    screen: Console
    results: ResultsFile | None
    pacing: PaceOptions
    access: AccountOptions
    is_agreed: bool


def run(
    contacts: Annotated[
        Path, typer.Argument(metavar="CONTACTS", help="CSV, JSON lines, JSON or .xlsx, also .gz; - is standard input.")
    ],
    *,
    domain: OptionalDomain = None,
    text: OptionalText = None,
    about: MessageOptions,
    reading: ReadingOptions,
    unique: Annotated[Unique, typer.Option(help="number, reference: each once; none: every row.")] = "number",
    keeping: JournalOptions,
    pacing: PaceOptions,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and show everything; send nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before sending.")] = False,
    access: AccountOptions,
    results: Annotated[
        Path | None,
        typer.Option(help="A live copy of the outcomes, as JSON lines.", metavar="FILE", rich_help_panel=OUTPUT),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send one message to each number of a file.

    The whole file is checked before anything leaves, and what will go is
    shown. What became of each row stands in a journal beside the file, and
    the same command again goes on where this one ended, whatever ended it:
    nobody gets a message twice. wooxy status, results, stop and resolve read
    and use the journal.

    Ctrl-C gives what is in flight 10 seconds for its answer; a second one
    gives it none.
    """
    screen = make_screen(as_json=as_json, is_outlived=True)
    with refusing():
        path = keeping.path(contacts)
        journal, is_new = keeping.made(path), not path.exists()
        given: dict[str, Any] = {
            "domain": domain,
            "text": text,
            "unique": unique,
            "phone_check": about.phone_check,
            **about.said(),
        }

        def work(options: ReadingOptions) -> tuple[Campaign, Plan | None]:
            campaign = options.campaign(contacts, {**given, "journal": journal, "resume": keeping.resume()})
            return campaign, _planned(screen, campaign) if is_new or dry_run else None

        campaign, plan = chosen(screen, reading, work)
        if plan is not None:
            _show_plan(screen, campaign, plan, slots=pacing.max_concurrency, as_json=as_json and dry_run)
        if dry_run:
            complete = plan is not None and plan.sendable and not plan.invalid and not plan.restricted
            raise typer.Exit(ExitCode.ACCEPTED if complete else ExitCode.REFUSED)
        client = access.client(
            max_concurrency=pacing.max_concurrency,
            phone_check=about.phone_check,
            button_field=about.button_field,
            patience=pacing.patience,
        )
        if plan is not None:
            _agree(screen, plan.sendable, access, yes=yes)
        task = _Task(
            campaign=campaign,
            journal=journal,
            client=client,
            screen=screen,
            results=None if results is None else ResultsFile(results, goes_on=not is_new),
            pacing=pacing,
            access=access,
            is_agreed=yes or plan is not None,
        )
        with task.results or nullcontext():
            report = asyncio.run(_carry(task))
    if as_json:
        print_json(report.to_json(), is_outlived=True)
    show_summary(screen, report)
    raise typer.Exit(report.exit_code)


async def _carry(task: _Task) -> Report:
    with ExitStack() as ended:
        async with task.campaign as campaign:
            resumed, pacing = campaign.resumed, task.pacing
            if not resumed.is_new:
                _show_resumed(task.screen, task.journal.path, resumed)
            carrier = Carrier(
                task.client,
                campaign,
                task.journal,
                bounds=pacing.bounds(),
                screen=task.screen,
                results=task.results,
                may_go_on=lambda why: _goes_on(task.screen, why),
            )
            if carrier.to_send:
                _agree(task.screen, carrier.to_send, task.access, yes=task.is_agreed)
            report = await carrier.carry()
            ended.enter_context(deaf())
    return report


def _planned(screen: Console, campaign: Campaign) -> Plan:
    with screen.status(f"Checking {campaign.contacts.path.name} …"):
        return make_plan(campaign.rows(), examples=0, notes=campaign.notes)


def _show_plan(screen: Console, campaign: Campaign, plan: Plan, *, slots: int, as_json: bool) -> None:
    contacts = campaign.contacts
    checked = Preflight(name=contacts.path.name, number_column=contacts.number_column, plan=plan, slots=slots)
    if as_json:
        print_json(checked.to_json())
    show_preflight(screen, checked, problems=None)


def _show_resumed(screen: Console, journal: Path, found: Resumed) -> None:
    screen.print(f"{journal} knows this campaign: {counts_line(found.counts)}", soft_wrap=not screen.is_terminal)
    told = (
        (found.in_doubt, "in doubt since a run was killed, and not sent again"),
        (found.given_back, "taken by a run that was killed, and not begun"),
        (found.added, "new"),
        (found.changed, "changed"),
        (found.gone, "no longer among the contacts"),
        (found.reopened, "refused before, and sent again"),
    )
    for count, what in told:
        if count:
            screen.print(f"  {counted(count, 'row')} {what}")


def _agree(screen: Console, count: int, access: AccountOptions, *, yes: bool) -> None:
    """Ask before anything goes to another machine."""
    if not count:
        raise CommandError("no row of the file can be sent.")
    if yes or not access.leaves_this_machine:
        return
    if not (sys.stdin.isatty() and screen.is_terminal):
        raise CommandError(
            f"the messages would go to {access.base_url}, and nobody can be asked here. Add --yes to send them."
        )
    if not _ask(screen, f"Send {counted(count, 'message')} to {access.base_url}?"):
        raise CommandError("you said no.")


def _ask(screen: Console, question: str) -> bool:
    if not (sys.stdin.isatty() and screen.is_terminal):
        return False
    with asking():
        return typer.confirm(question, err=True)


def _goes_on(screen: Console, why: str) -> bool:
    try:
        return _ask(screen, f"{why} Go on?")
    except typer.Abort:  # Ctrl-C, or the end of what is typed
        return False
