"""`wooxy account`: whether the token is right, and what the account has; sends nothing."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
import typer

from wooxy_async import AccountError, AccountInfo, WooxyClient
from wooxy_async._client.settings import DEFAULT_URL
from wooxy_async.cli import _options as options
from wooxy_async.cli._access import make_client
from wooxy_async.cli._exits import ExitCode, refusing
from wooxy_async.cli._screen import facts, make_screen, print_json
from wooxy_async.cli._signals import Ending, until_signalled
from wooxy_async.cli._wording import in_options, printable

EXAMPLES: Final = r"""
  wooxy account
  wooxy account --token-file token.txt --json
"""


def account(
    *, token_file: options.TokenFile = None, base_url: options.BaseUrl = DEFAULT_URL, as_json: options.AsJson = False
) -> None:
    """Show the account's name and balance, and so whether its token works.

    It sends nothing. The balance is in the account's currency, which Wooxy
    does not name.
    """
    found: list[AccountInfo | AccountError] = []
    with refusing("Nothing was asked."):
        client = make_client(base_url, token_file)
    ending = Ending()
    asyncio.run(until_signalled(client, _ask(client, found), ending))
    for info in found:
        if isinstance(info, AccountError):
            typer.echo(f"Error: {in_options(printable(str(info)))}", err=True)
            raise typer.Exit(ending.exit_code or ExitCode.NOT_ALL)
        if as_json:
            print_json(msgspec.json.encode(info))
        make_screen(as_json=as_json).print(facts(("account", printable(info.name)), ("balance", f"{info.balance:,f}")))
    raise typer.Exit(ending.exit_code or ExitCode.ACCEPTED)


async def _ask(client: WooxyClient, found: list[AccountInfo | AccountError]) -> None:
    try:
        found.append(await client.account_info())
    except AccountError as error:
        found.append(error)
