"""`wooxy sandbox`: a Wooxy of one's own, until Ctrl-C."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final, Literal

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from wooxy_async.cli._ending import Refusal, catching, refusing
from wooxy_async.cli._options import ADDRESS_VARIABLE, TOKEN_VARIABLE, AsJson
from wooxy_async.cli._screen import facts, make_screen, print_json
from wooxy_async.sandbox import Sandbox

_PORT_MOST = 65_535

EXAMPLES: Final = r"""
  wooxy sandbox --port 8025 --latency 0.2
  wooxy sandbox --strict --linger 0.001 --no-retry-after
  curl http://127.0.0.1:8025/sandbox/messages
"""


def sandbox(
    *,
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=_PORT_MOST, help="Where it listens; 0 takes a free port.")
    ] = 8025,
    latency: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="Seconds until it answers.")] = 0.05,
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
    """
    with refusing(epilogue="The sandbox did not start."):
        screen = make_screen(as_json=as_json)
        try:
            server = Sandbox(
                token=token,
                latency=latency,
                port=port,
                linger=linger,
                retry_after=None if no_retry_after else 1,
                strict=strict,
                button_field=button_field,
            )
        except (ValueError, TypeError) as error:
            raise Refusal(f"--{error}") from None
        asyncio.run(_serve(server, screen, as_json=as_json))


async def _serve(server: Sandbox, screen: Console, *, as_json: bool) -> None:
    stopped = asyncio.Event()
    with catching(lambda _: stopped.set()):
        try:
            await server.start()
        except OSError as error:
            raise Refusal(f"--port: the port cannot be opened ({error.strerror}). Give another one.") from None
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
            ("most at once", f"{seen.peak_in_progress} of 10 allowed"),
            ("over the limit", f"{seen.violations:,}"),
        )
    )
