"""`wooxy sandbox`: a Wooxy of one's own, until Ctrl-C."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final, Literal

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from wooxy_async.cli._ending import CommandError, catching, refusing
from wooxy_async.cli._options import ADDRESS_VARIABLE, TOKEN_VARIABLE, AsJson
from wooxy_async.cli._screen import facts, make_screen, print_json
from wooxy_async.limits import SLOTS
from wooxy_async.sandbox import Account, Sandbox, drawn_fault, named_delay

_MAX_PORT = 65_535

EXAMPLES: Final = r"""
  wooxy sandbox --port 8025 --latency 0.2
  wooxy sandbox --fault reset-after-reading:1% --fault 429:2% \
    --latency lognormal:0.2 --refuse-sender X --seed 7
  curl http://127.0.0.1:8025/sandbox/messages
"""


def sandbox(
    *,
    port: Annotated[
        int,
        typer.Option(
            "--port", "-p", metavar="PORT", min=0, max=_MAX_PORT, help="Where it listens; 0 takes a free port."
        ),
    ] = 8025,
    latency: Annotated[
        str, typer.Option(metavar="LATENCY", help="Seconds; or lognormal:MEDIAN, uniform:LOW,HIGH.")
    ] = "0.05",
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="FAULT:SHARE", help="As in 429:2% or no-answer:1%; may be repeated."),
    ] = None,
    refuse_sender: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A sender that is not approved; may be repeated.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, metavar="NUMBER", help="The same faults each time.")] = None,
    token: Annotated[str | None, typer.Option(help="The only token that it accepts; it opens nothing else.")] = None,
    linger: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="How long it counts a request that it has answered.")
    ] = 0.0,
    no_retry_after: Annotated[
        bool, typer.Option("--no-retry-after", help="Its 429 says no time to wait, as nginx's.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse also blank texts, NUL, and numbers that nobody has.")
    ] = False,
    button_field: Annotated[
        Literal["both", "buttons", "button"], typer.Option(help="Where it looks for a button.")
    ] = "both",
    as_json: AsJson = False,
) -> None:
    """Run a server on this machine that answers as Wooxy does.

    It delivers nothing, accepts any token, and counts what it sees. Only
    programs of this machine get an answer. Ctrl-C ends it, with exit code 0.

    Faults: reset-before-reading, reset-after-reading, close-after-reading,
    no-answer, half-answer, not-json, forbidden, 429, 500 to 599, error-1 to
    error-26, slow-SECONDS; each with the share of messages that it falls on.
    While it runs, programs say more: POST /sandbox/script and /sandbox/reset
    with the header X-Wooxy-Sandbox: 1; GET /sandbox/messages filters and
    counts.
    """
    with refusing(epilogue="The sandbox did not start."):
        screen = make_screen(as_json=as_json)
        try:
            server = Sandbox(
                account=Account(token=token, refused_senders=refuse_sender or ()),
                latency=named_delay(latency),
                seed=seed,
                port=port,
                linger=linger,
                retry_after=None if no_retry_after else 1,
                strict=strict,
                button_field=button_field,
            )
            for text in fault or ():
                drawn = drawn_fault(text)
                server.script(drawn.fault, share=drawn.share)
        except (ValueError, TypeError) as error:
            raise CommandError(f"--{error}") from None
        asyncio.run(_serve(server, screen, as_json=as_json))


async def _serve(server: Sandbox, screen: Console, *, as_json: bool) -> None:
    stopped = asyncio.Event()
    with catching(lambda _: stopped.set()):
        try:
            await server.start()
        except OSError as error:
            raise CommandError(f"--port: the port cannot be opened ({error.strerror}). Give another one.") from None
        try:
            _show_banner(server, screen, as_json=as_json)
            await stopped.wait()
        finally:
            await server.aclose()
    _show_totals(server, screen, as_json=as_json)


def _show_banner(server: Sandbox, screen: Console, *, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.json.encode({"url": server.url}))
    screen.print(Text.assemble("A Wooxy of your own listens on ", (server.url, "bold"), ". It delivers nothing."))
    _show_lines(
        screen,
        "In the terminal of your program:",
        f"export {ADDRESS_VARIABLE}={server.url}",
        f"export {TOKEN_VARIABLE}={server.token}",
    )
    _show_lines(
        screen,
        "Try it, and see what it took and what it counts:",
        'wooxy send --domain shop.example --to +14155550123 --text "Hello"',
        f"curl {server.url}/sandbox/messages",
        f"curl {server.url}/sandbox/status",
    )
    screen.print("Ctrl-C ends it.")


def _show_lines(screen: Console, title: str, *lines: str) -> None:
    screen.print(title)
    for line in lines:
        screen.print(Text(f"  {line}", style="cyan"), soft_wrap=True)


def _show_totals(server: Sandbox, screen: Console, *, as_json: bool) -> None:
    seen = server.statistics()
    if as_json:
        print_json(msgspec.json.encode(seen))
    screen.print("\nWhat the sandbox saw")
    screen.print(
        facts(
            ("requests", f"{seen.requests:,}"),
            ("messages taken", f"{seen.taken:,}"),
            ("numbers taken twice", f"{seen.duplicates:,}"),
            ("most at once", f"{seen.peak_in_progress} of {SLOTS} allowed"),
            ("over the limit", f"{seen.violations:,}"),
        )
    )
