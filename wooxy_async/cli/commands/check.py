"""`wooxy check`: all that a file's rows come to, before anything leaves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from wooxy_async import AccountError, AccountInfo
from wooxy_async.campaigns import (
    Campaign,
    Plan,
    Prices,
    ReadyRow,
    SuppressionList,
    Unique,
    UnusableRow,
    as_price,
    make_plan,
    one_price,
    read_prices,
)
from wooxy_async.cli._caring import CareOptions
from wooxy_async.cli._ending import CommandError, ExitCode, in_options, refusing
from wooxy_async.cli._options import (
    OUTPUT,
    AccountOptions,
    AsJson,
    MessageOptions,
    OptionalDomain,
    OptionalText,
)
from wooxy_async.cli._preflight import (
    ASSUMED_LATENCY,
    CostCount,
    Preflight,
    ProblemsFile,
    Suppressed,
    in_time,
    show_preflight,
)
from wooxy_async.cli._reading import ReadingOptions, chosen
from wooxy_async.cli._screen import make_screen, print_json
from wooxy_async.limits import SLOTS

COST: Final = "Cost and time"
EXAMPLES: Final = r"""
  wooxy check contacts.xlsx -d shop.example -t "Hi {{firstName|there}}"
  wooxy check contacts.csv --template message.toml --country DE \
    --problems problems.csv
  zcat contacts.csv.gz | wooxy check - --template message.toml --json
"""


def check(
    contacts: Annotated[
        Path, typer.Argument(metavar="CONTACTS", help="CSV, JSON lines, JSON or .xlsx, also .gz; - is standard input.")
    ],
    *,
    domain: OptionalDomain = None,
    text: OptionalText = None,
    about: MessageOptions,
    reading: ReadingOptions,
    caring: CareOptions,
    unique: Annotated[Unique, typer.Option(help="number, reference: each once; none: every row.")] = "number",
    problems: Annotated[
        Path | None,
        typer.Option(
            "--problems", "-p", metavar="FILE", help="A new CSV of all rows with a problem.", rich_help_panel=OUTPUT
        ),
    ] = None,
    price: Annotated[
        str | None,
        typer.Option("--price-per-message", metavar="PRICE", help="In the account's money.", rich_help_panel=COST),
    ] = None,
    prices: Annotated[
        Path | None,
        typer.Option("--prices", metavar="FILE", help="A CSV: country,price; * is all others.", rich_help_panel=COST),
    ] = None,
    max_cost: Annotated[
        str | None,
        typer.Option("--max-cost", metavar="SUM", help="Says which row would exceed it.", rich_help_panel=COST),
    ] = None,
    latency: Annotated[
        float | None,
        typer.Option("--latency", metavar="SECONDS", min=0, help="Of one answer; else measured.", rich_help_panel=COST),
    ] = None,
    max_concurrency: Annotated[
        int,
        typer.Option(metavar=f"1-{SLOTS}", min=1, max=SLOTS, help="Requests at once.", rich_help_panel=COST),
    ] = SLOTS,
    access: AccountOptions,
    as_json: AsJson = False,
) -> None:
    """Check a file, show what would be sent, and send nothing.

    Every row is read and every message made, as `wooxy run` would. Problems
    are grouped, each with the rows and what to do; three messages that differ
    are shown whole. Where there is a token, the account is asked for its name
    and balance, which also measures how long an answer takes.
    """
    screen = make_screen(as_json=as_json)
    with refusing(), ExitStack() as opened:
        cost = _cost_count(price, prices, max_cost)
        lists, window = caring.lists(reading.numbers()), caring.window()
        given = {"domain": domain, "text": text, "unique": unique, "phone_check": about.phone_check, **about.said()}
        given["suppressed"] = lists
        file = opened.enter_context(ProblemsFile(problems)) if problems else None

        def work(options: ReadingOptions) -> tuple[Campaign, Plan]:
            campaign = options.campaign(contacts, given)
            return campaign, _judged(screen, campaign, cost, file)

        campaign, plan = chosen(screen, reading, work)
        account, error, measured = _ask_account(access)
        seconds = latency if latency is not None else measured or ASSUMED_LATENCY
        checked = Preflight(
            name=campaign.contacts.path.name,
            number_column=campaign.contacts.number_column,
            plan=plan,
            slots=max_concurrency,
            latency=seconds,
            latency_is="given" if latency is not None else "measured" if measured else "assumed",
            cost=cost.cost(plan) if cost else None,
            account=account,
            account_error=error,
            lists=tuple(_suppressed(listed, plan) for listed in lists),
            **in_time(window, plan.by_country, datetime.now(UTC)),
        )
    if as_json:
        print_json(checked.to_json())
    show_preflight(screen, checked, problems=problems)
    complete = plan.sendable and not plan.invalid and not plan.restricted and error is None
    raise typer.Exit(ExitCode.ACCEPTED if complete else ExitCode.REFUSED)


def _suppressed(listed: SuppressionList, plan: Plan) -> Suppressed:
    return Suppressed(
        name=listed.path.name,
        read=listed.read,
        matched=plan.suppressed,
        unreadable=listed.unreadable,
        questions=listed.questions(plan.suppressed),
    )


def _judged(screen: Console, campaign: Campaign, cost: CostCount | None, file: ProblemsFile | None) -> Plan:
    def rows() -> Iterator[ReadyRow | UnusableRow]:
        for row in campaign.rows():
            if isinstance(row, UnusableRow):
                if file is not None:
                    file.add(row)
            elif cost is not None:
                cost.add(row)
            yield row

    with screen.status(f"Checking {campaign.contacts.path.name} …"):
        return make_plan(rows(), examples=0, notes=campaign.notes)


def _cost_count(price: str | None, prices: Path | None, most: str | None) -> CostCount | None:
    if price is not None and prices is not None:
        raise CommandError("--price-per-message and --prices say the same: give one of them.")
    known: Prices | None = one_price(price) if price is not None else read_prices(prices) if prices else None
    if known is None:
        if most is not None:
            raise CommandError("--max-cost needs --price-per-message or --prices.")
        return None
    return CostCount(known, None if most is None else as_price(most))


def _ask_account(access: AccountOptions) -> tuple[AccountInfo | None, str | None, float | None]:
    """Return the account, why it said nothing, and the seconds that its answer took."""
    try:
        client = access.client()
    except CommandError:
        return None, None, None

    async def ask() -> AccountInfo:
        async with client:
            return await client.account_info()

    began = time.monotonic()
    try:
        info = asyncio.run(ask())
    except AccountError as error:
        return None, in_options(str(error)), None
    return info, None, time.monotonic() - began
