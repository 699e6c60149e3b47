"""`wooxy account`: whether the token is right, and what the account has; sends nothing."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
import typer

from wooxy_async import AccountError, AccountInfo, WooxyClient
from wooxy_async.cli._ending import Ending, ExitCode, in_options, refusing, until_signalled
from wooxy_async.cli._options import AccountOptions, AsJson
from wooxy_async.cli._screen import facts, make_screen, print_json, printable

EXAMPLES: Final = r"""
  wooxy account
  wooxy account --token-file token.txt --json
"""


def account(*, access: AccountOptions, as_json: AsJson = False) -> None:
    """Show the account's name and balance, and so whether its token works.

    It sends nothing. The balance is in the account's currency, which Wooxy
    does not name.
    """
    found: list[AccountInfo | AccountError] = []
    with refusing("Nothing was asked."):
        client = access.client()
    ending = Ending()
    asyncio.run(until_signalled(client, _ask(client, found), ending))
    for info in found:
        if isinstance(info, AccountError):
            typer.echo(f"Error: {in_options(printable(str(info)))}", err=True)
            raise typer.Exit(ending.exit_code or (ExitCode.REFUSED if info.errors else ExitCode.NEVER_REACHED))
        if as_json:
            print_json(msgspec.json.encode(info))
        make_screen(as_json=as_json).print(facts(("account", printable(info.name)), ("balance", f"{info.balance:,f}")))
    raise typer.Exit(ending.exit_code or ExitCode.ACCEPTED)


async def _ask(client: WooxyClient, found: list[AccountInfo | AccountError]) -> None:
    try:
        found.append(await client.account_info())
    except AccountError as error:
        found.append(error)
