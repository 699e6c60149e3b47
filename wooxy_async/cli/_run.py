"""`wooxy run`: one message for each number of a file."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console

from wooxy_async import WooxyClient
from wooxy_async._client.settings import DEFAULT_URL, SLOTS
from wooxy_async.campaigns import Campaign, Contacts, Plan, Unique, UnusableRow
from wooxy_async.cli import _options as options
from wooxy_async.cli._access import leaves_this_machine, make_client
from wooxy_async.cli._exits import ExitCode, Refusal, refusing
from wooxy_async.cli._preview import show_preview
from wooxy_async.cli._progress import Progress, showing
from wooxy_async.cli._report import Report, make_report, plan_counts
from wooxy_async.cli._results import ResultsFile, default_path
from wooxy_async.cli._screen import make_screen, print_json
from wooxy_async.cli._sending import Sending, send_all
from wooxy_async.cli._signals import Ending
from wooxy_async.cli._summary import show_summary
from wooxy_async.cli._tally import Tally
from wooxy_async.cli._wording import counted

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
    domain: options.Domain,
    text: Annotated[
        str,
        typer.Option(help="What people read; {{firstName}} is their column.", rich_help_panel=options.MESSAGE),
    ],
    sender: options.Sender = None,
    button_text: options.ButtonText = None,
    button_url: options.ButtonUrl = None,
    button_field: options.ButtonField = "buttons",
    device: options.Device = "all",
    ttl: options.Ttl = 3600,
    tag: options.Tags = None,
    number_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="The column of the number, if it is not found.")
    ] = None,
    unique: Annotated[Unique, typer.Option(help="number: each once; none: every row.")] = "number",
    phone_check: options.PhoneCheck = "possible",
    max_concurrency: Annotated[
        int, typer.Option(metavar="1-10", min=1, max=SLOTS, help="Requests at once; 10 are all of an account.")
    ] = SLOTS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and show everything; send nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before sending.")] = False,
    token_file: options.TokenFile = None,
    base_url: options.BaseUrl = DEFAULT_URL,
    results: Annotated[
        Path | None,
        typer.Option(help="A new file for all outcomes; else NAME.results.jsonl.", rich_help_panel=options.OUTPUT),
    ] = None,
    as_json: options.AsJson = False,
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
            sender_id=sender,
            button=options.make_button(button_text, button_url),
            device=device,
            ttl=ttl,
            tags=tuple(tag or ()),
            unique=unique,
            phone_check=phone_check,
        )
        path = None if dry_run else results or default_path(contacts)
        client = (
            make_client(
                base_url,
                token_file,
                max_concurrency=max_concurrency,
                phone_check=phone_check,
                button_field=button_field,
            )
            if path
            else None
        )
        with screen.status(f"Checking {contacts.name} …"):
            plan = campaign.plan()
        show_preview(screen, campaign.contacts, plan, base_url=base_url, slots=max_concurrency, results=path)
        if client is None or path is None:
            raise typer.Exit(_end_dry_run(campaign, plan, as_json=as_json))
        _agree(screen, plan, base_url, yes=yes)
        file = ResultsFile(path)

    async def send_and_tell() -> Report:
        with file:
            report = await send_campaign(client, campaign, plan, file, screen, slots=max_concurrency)
        if as_json:
            print_json(report.to_json())
        show_summary(screen, report)
        return report

    raise typer.Exit(asyncio.run(send_and_tell()).exit_code)


async def send_campaign(
    client: WooxyClient, campaign: Campaign, plan: Plan, results: ResultsFile, screen: Console, *, slots: int
) -> Report:
    """Send a campaign, and show how it goes.

    Args:
        client: closed at the end.
        campaign: what is sent.
        plan: the same, judged.
        results: gets a line for each row.
        screen: where people read.
        slots: how many requests may be in progress.
    """
    sending, ending = Sending(campaign, Tally(), results), Ending()
    progress = Progress(sending.tally, ending, total=plan.sendable, slots=slots, statistics=client.statistics)
    async with showing(screen, progress):
        await send_all(client, sending, ending)
    return make_report(plan, sending, ending, results)


def _agree(screen: Console, plan: Plan, base_url: str, *, yes: bool) -> None:
    """Ask before anything goes to another machine."""
    if not plan.sendable:
        raise Refusal("no row of the file can be sent.")
    if yes or not leaves_this_machine(base_url):
        return
    if not (sys.stdin.isatty() and screen.is_terminal):
        raise Refusal(f"the messages would go to {base_url}, and nobody can be asked here. Add --yes to send them.")
    if not typer.confirm(f"Send {counted(plan.sendable, 'message')} to {base_url}?", err=True):
        raise Refusal("you said no.")


def _end_dry_run(campaign: Campaign, plan: Plan, *, as_json: bool) -> ExitCode:
    """List the unusable rows and the counts for a machine, and return how the shell sees it."""
    if as_json:
        for row in campaign.rows():
            if isinstance(row, UnusableRow):
                print_json(_without_values(row))
        print_json(msgspec.json.encode(plan_counts(plan)))
    return ExitCode.NOT_ALL if plan.invalid or plan.restricted or not plan.sendable else ExitCode.ACCEPTED


def _without_values(row: UnusableRow) -> bytes:
    """Encode an unusable row without what stands in the file, which is personal."""
    shown: dict[str, Any] = msgspec.to_builtins(row)
    for problem in shown["problems"]:
        del problem["value"]
    return msgspec.json.encode(shown)
