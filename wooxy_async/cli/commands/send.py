"""`wooxy send`: one message to one person."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from wooxy_async import Accepted, InDoubt, Invalid, NotSent, Outcome, Rejected, ViberMessage, WooxyClient, WooxyError
from wooxy_async._client.settings import RANGES
from wooxy_async._rules.redaction import mask_number
from wooxy_async.cli._ending import Ending, ExitCode, in_options, option, refusing, until_signalled
from wooxy_async.cli._options import MESSAGE, AccountOptions, AsJson, Domain, MessageOptions
from wooxy_async.cli._screen import make_screen, print_json, printable

_LEAST, _MOST = RANGES["timeout"]
_EXIT_CODES: Final = {
    Accepted: ExitCode.ACCEPTED,
    Invalid: ExitCode.NOT_BEGUN,
    Rejected: ExitCode.REFUSED,
    InDoubt: ExitCode.IN_DOUBT,
    NotSent: ExitCode.ENDED_EARLY,
}
_NAMES: Final = {Rejected: "Refused", NotSent: "Not sent", InDoubt: "In doubt"}

EXAMPLES: Final = r"""
  wooxy send --to +14155550123 --domain shop.example --text "It is ready"
  wooxy send --to +14155550123 --domain shop.example --text "It is ready" \
    --button-text Track --button-url https://shop.example/o/17
"""


def send(
    *,
    to: Annotated[str, typer.Option(help="The number: + and country code first.", rich_help_panel=MESSAGE)],
    domain: Domain,
    text: Annotated[str, typer.Option("--text", "-t", help="What the person reads.", rich_help_panel=MESSAGE)],
    about: MessageOptions,
    timeout: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=_LEAST, max=_MOST, help="Seconds for the whole of it, retries included."),
    ] = 30.0,
    access: AccountOptions,
    as_json: AsJson = False,
) -> None:
    """Send one message to one person.

    Only what is known not taken is tried again by itself, within --timeout.
    """
    outcomes: list[Outcome] = []
    with refusing():
        message = ViberMessage(domain=domain, phone_number=to, text=text, **about.fields())
        client = access.client(
            phone_check=about.phone_check,
            button_field=about.button_field,
            timeout=timeout,
            on_outcome=outcomes.append,
            on_settled=outcomes.append,
        )
    ending = Ending()

    async def send_and_tell() -> Outcome:
        await until_signalled(client, _send(client, message), ending, stopping=_tell_wait)
        outcome = outcomes[-1]  # a late answer comes after the outcome that it settles
        if as_json:
            print_json(_without_message(outcome))
        _tell(make_screen(as_json=as_json), outcome)
        return outcome

    outcome = asyncio.run(send_and_tell())
    raise typer.Exit(ending.exit_code or _EXIT_CODES[type(outcome)])


async def _send(client: WooxyClient, message: ViberMessage) -> None:
    with suppress(WooxyError):  # `on_outcome` is told the same
        await client.send(message)


def _tell_wait() -> None:
    typer.echo("\nWaiting up to 10 seconds for the answer; once more ends at once.", err=True)


def _tell(screen: Console, outcome: Outcome) -> None:
    if isinstance(outcome, Accepted):
        ids = printable(", ".join(outcome.message_ids)) or "none"
        screen.print(
            Text.assemble(("Accepted", "green"), f" for {mask_number(outcome.message.phone_number)}; id: {ids}")
        )
    elif isinstance(outcome, Invalid):
        for problem in outcome.problems:
            typer.echo(f"Error: {option(problem.field)}: {problem.remedy}", err=True)
        typer.echo("Nothing was sent.", err=True)
    else:
        try:
            outcome.unwrap()
        except WooxyError as error:
            typer.echo(f"{_NAMES[type(outcome)]}: {in_options(printable(str(error)))}", err=True)


def _without_message(outcome: Outcome) -> bytes:
    """Encode an outcome without what is personal: the message, and the values of its problems."""
    shown: dict[str, Any] = msgspec.to_builtins(outcome)
    del shown["message"]
    for problem in shown.get("problems", ()):
        del problem["value"]
    return msgspec.json.encode(shown)
