"""`wooxy run`: one message for each number of a file."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import msgspec
import typer
from rich.console import Console

from wooxy_async import WooxyClient
from wooxy_async.campaigns import Campaign, Contacts, Plan, UnusableRow
from wooxy_async.cli._access import is_loopback
from wooxy_async.cli._exits import ExitCode, Refusal
from wooxy_async.cli._preview import show_preview
from wooxy_async.cli._progress import Progress, showing
from wooxy_async.cli._report import Report, make_report, plan_counts
from wooxy_async.cli._results import ResultsFile
from wooxy_async.cli._screen import print_json
from wooxy_async.cli._sending import Ending, Sending, send_all
from wooxy_async.cli._tally import Tally


async def send_campaign(
    client: WooxyClient, campaign: Campaign, plan: Plan, results: ResultsFile, screen: Console, *, slots: int
) -> Report:
    """Send a campaign, and show how it goes.

    Args:
        client: an open client.
        campaign: what is sent.
        plan: the same, judged.
        results: gets a line for each row.
        screen: where people read.
        slots: how many requests may be in progress.
    """
    sending, ending = Sending(campaign, Tally(), results), Ending()
    progress = Progress(sending.tally, ending, total=plan.sendable, slots=slots, statistics=client.statistics)
    async with showing(screen, progress):
        await send_all(client.send_many(sending.messages()), sending, ending)
    return make_report(plan, sending, ending, str(results.path))
