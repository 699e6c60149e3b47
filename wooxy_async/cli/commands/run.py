"""`wooxy run`: one message for each number of a file."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console

from wooxy_async.campaigns import Campaign, Contacts, Plan, Unique, UnusableRow
from wooxy_async.cli._books import Report, ResultsFile, default_path, plan_counts
from wooxy_async.cli._ending import CommandError, ExitCode, refusing
from wooxy_async.cli._options import MESSAGE, OUTPUT, AccountOptions, AsJson, Domain, MessageOptions
from wooxy_async.cli._run import send_campaign
from wooxy_async.cli._screen import counted, make_screen, print_json
from wooxy_async.cli._views import show_preview, show_summary
from wooxy_async.limits import SLOTS

EXAMPLES: Final = r"""
  wooxy run contacts.csv --domain shop.example --text "Hi {{firstName}}" \
    --dry-run
  wooxy run contacts.csv --domain shop.example --text "Hi {{firstName}}" \
    --button-text Open --button-url "https://shop.example/o/{{orderId}}"
"""


def run(
    contacts: Annotated[
        Path, typer.Argument(metavar="CONTACTS", help="CSV in UTF-8 with a header, or JSON lines (.jsonl).")
    ],
    *,
    domain: Domain,
    text: Annotated[
        str, typer.Option(help="What people read; {{firstName}} is their column.", rich_help_panel=MESSAGE)
    ],
    about: MessageOptions,
    number_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="The column of the number, if it is not found.")
    ] = None,
    unique: Annotated[Unique, typer.Option(help="number, reference: each once; none: every row.")] = "number",
    max_concurrency: Annotated[
        int,
        typer.Option(
            metavar=f"1-{SLOTS}",
            min=1,
            max=SLOTS,
            envvar="WOOXY_MAX_CONCURRENCY",
            show_envvar=False,
            help=f"Requests at once; {SLOTS} are all of an account.",
        ),
    ] = SLOTS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and show everything; send nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before sending.")] = False,
    access: AccountOptions,
    results: Annotated[
        Path | None,
        typer.Option(help="A new file for all outcomes; else NAME.results.jsonl.", rich_help_panel=OUTPUT),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send one message to each number of a file.

    The whole file is checked before anything leaves, and what will go is
    shown. {{name}} in --text, --button-text and --button-url is the row's
    value in that column; in an address it is percent-encoded, unless the
    address begins with it.

    Every row that the run comes to gets a line in the results file: its
    message with number and text and what became of it, or why it has none.
    Only you can read the file, and it is never overwritten. Ctrl-C gives what
    is in flight 10 seconds for its answer; a second one gives it none.
    """
    screen = make_screen(as_json=as_json)
    with refusing():
        campaign = Campaign(
            Contacts(contacts, number_column=number_column),
            domain=domain,
            text=text,
            unique=unique,
            phone_check=about.phone_check,
            **about.fields(),
        )
        if dry_run:
            plan = _plan(screen, campaign, access, slots=max_concurrency, results=None)
            raise typer.Exit(_end_dry_run(campaign, plan, as_json=as_json))
        path = results or default_path(contacts)
        client = access.client(
            max_concurrency=max_concurrency, phone_check=about.phone_check, button_field=about.button_field
        )
        plan = _plan(screen, campaign, access, slots=max_concurrency, results=path)
        _agree(screen, plan, access, yes=yes)
        file = ResultsFile(path)

    async def send_and_tell() -> Report:
        with file:
            report = await send_campaign(client, campaign, plan, file, screen, slots=max_concurrency)
        if as_json:
            print_json(report.to_json())
        show_summary(screen, report)
        return report

    raise typer.Exit(asyncio.run(send_and_tell()).exit_code)


def _plan(screen: Console, campaign: Campaign, access: AccountOptions, *, slots: int, results: Path | None) -> Plan:
    """Judge the whole file, and show what will go."""
    with screen.status(f"Checking {campaign.contacts.path.name} …"):
        plan = campaign.plan()
    show_preview(screen, campaign.contacts, plan, base_url=access.base_url, slots=slots, results=results)
    return plan


def _agree(screen: Console, plan: Plan, access: AccountOptions, *, yes: bool) -> None:
    """Ask before anything goes to another machine."""
    if not plan.sendable:
        raise CommandError("no row of the file can be sent.")
    if yes or not access.leaves_this_machine:
        return
    if not (sys.stdin.isatty() and screen.is_terminal):
        raise CommandError(
            f"the messages would go to {access.base_url}, and nobody can be asked here. Add --yes to send them."
        )
    if not typer.confirm(f"Send {counted(plan.sendable, 'message')} to {access.base_url}?", err=True):
        raise CommandError("you said no.")


def _end_dry_run(campaign: Campaign, plan: Plan, *, as_json: bool) -> ExitCode:
    """List the unusable rows and the counts for a machine, and return how the shell sees it."""
    if as_json:
        for row in campaign.rows():
            if isinstance(row, UnusableRow):
                print_json(_without_values(row))
        print_json(msgspec.json.encode(plan_counts(plan)))
    return ExitCode.REFUSED if plan.invalid or plan.restricted or not plan.sendable else ExitCode.ACCEPTED


def _without_values(row: UnusableRow) -> bytes:
    """Encode an unusable row without what stands in the file, which is personal."""
    shown: dict[str, Any] = msgspec.to_builtins(row)
    for problem in shown["problems"]:
        del problem["value"]
    return msgspec.json.encode(shown)
