"""`wooxy sandbox`: its options reach the server that it runs."""

import asyncio
import json
import signal
import sys
from typing import Any

import aiohttp
import pytest
from typer.testing import CliRunner

from wooxy_async.cli._app import app

MESSAGE: dict[str, Any] = {"domain": "shop.example", "phoneNumber": "+14155550123", "text": "Hello"}
BUTTON = {"text": "Open", "url": "https://shop.example"}


async def play(*options: str) -> tuple[list[Any], list[int], list[str | None]]:
    """Run the command, send it ten messages and one too many; return listed buttons, statuses and times to wait."""
    command = (sys.executable, "-m", "wooxy_async.cli", "sandbox", "--port", "0", "--latency", "0", "--json", *options)
    server = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert server.stdout is not None
    url = json.loads(await server.stdout.readline())["url"]
    messages = [MESSAGE | {"text": " "}, *[MESSAGE | {"buttons": BUTTON}] * 10]
    statuses, waits = [], []
    async with aiohttp.ClientSession(headers={"Access-Token": "t"}) as session:
        for message in messages:
            async with session.post(f"{url}/v3/viber/send", json=message) as answer:
                statuses.append(answer.status)
                waits.append(answer.headers.get("Retry-After"))
        async with session.get(f"{url}/sandbox/messages") as answer:
            listed = await answer.json()
    server.send_signal(signal.SIGTERM)
    await server.communicate()
    return [message["button"] for message in listed], statuses, waits


async def test_the_options_reach_the_sandbox() -> None:
    """Strict, lingering, without Retry-After and with one button field: as the options say."""
    buttons, statuses, waits = await play(
        "--strict", "--linger", "3600", "--no-retry-after", "--button-field", "button"
    )
    assert buttons == [None] * 9
    assert statuses == [200] * 10 + [429]
    assert waits == [None] * 11


async def test_without_options_nothing_lingers_and_both_fields_are_known() -> None:
    """By default the eleventh in a row is no eleventh at once, blanks are taken, and `buttons` is read."""
    buttons, statuses, _ = await play()
    assert buttons == [None, *[BUTTON] * 10]
    assert statuses == [200] * 11


async def test_the_429_says_a_time_unless_told_not_to() -> None:
    """A sandbox that lingers says how long to wait."""
    _, statuses, waits = await play("--linger", "3600")
    assert (statuses[-1], waits[-1]) == (429, "1")


@pytest.mark.parametrize("option", [("--linger", "-1"), ("--linger", "inf"), ("--button-field", "knob")])
def test_wrong_options_are_refused(option: tuple[str, str]) -> None:
    """A value that cannot be is refused with exit code 2 and the option's name."""
    result = CliRunner().invoke(app, ["sandbox", *option], env={"COLUMNS": "80", "FORCE_COLOR": None})
    assert result.exit_code == 2
    assert option[0].strip("-") in result.stderr
