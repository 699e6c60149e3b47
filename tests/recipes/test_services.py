"""Web services of the guide under real servers: load, people who leave, and the end with requests in flight."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from openapi_spec_validator import validate
from served import People, Served, people, program, serving

from wooxy_async.sandbox import Sandbox

PAGE = "in-your-framework"
FASTAPI = program(PAGE, "from fastapi import")
URLS = '\nurlpatterns.append(path("ready/<order>", ready))\n'
ASGI = program(PAGE, "get_asgi_application()") + URLS
WSGI = program(PAGE, "get_wsgi_application()") + URLS
UVICORN = ("uvicorn", "service:app", "--fd", "FD", "--workers", "4", "--log-level", "warning")
GUNICORN = ("gunicorn", "service:application", "--bind", "fd://FD", "--preload", "--log-level", "warning")
SERVICES = {
    "FastAPI": (FASTAPI, UVICORN),
    "Django, ASGI": (ASGI, (*GUNICORN, "--workers", "2", "--worker-class", "uvicorn_worker.UvicornWorker")),
    "Django, WSGI": (WSGI, (*GUNICORN, "--workers", "2", "--threads", "100")),
}
every_service = pytest.mark.parametrize(("text", "words"), SERVICES.values(), ids=SERVICES)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A Wooxy whose answers take a while."""
    async with Sandbox(token="token-of-recipes-01", latency=0.1) as server:
        yield server


async def ask(who: People, server: Served, row: int) -> None:
    """Ask a service, whichever it is, to send a message."""
    reference, number = f"order-{row}", f"+1415555{row:04d}"
    body: dict[str, Any] = {
        "domain": "shop.example",
        "phone_number": number,
        "text": f"{reference} is ready",
        "reference": reference,
    }
    if "fastapi" in server.program:
        await who.ask(reference, "POST", f"{server.url}/messages", json=body)
    else:
        await who.ask(reference, "GET", f"{server.url}/ready/{reference}", params={"number": number})


def taken(sandbox: Sandbox) -> list[str]:
    """Return the references of what the server took; they never reach it, so the texts say them."""
    return sorted(message.text.removesuffix(" is ready") for message in sandbox.messages)


@every_service
async def test_400_at_once(tmp_path: Path, sandbox: Sandbox, text: str, words: tuple[str, ...]) -> None:
    """Each is answered, by all ten slots and never by more, whatever process has it; each outcome is noted once."""
    async with serving(tmp_path, sandbox, text, *words) as server, people() as who:
        await asyncio.gather(*[ask(who, server, row) for row in range(400)])
        await server.stop()
        assert set(who.answered.values()) == {200}, server.log
    assert len(taken(sandbox)) == len(set(taken(sandbox))) == 400
    assert (sandbox.violations, sandbox.peak_in_progress) == (0, 10)
    assert sorted(server.noted("Accepted")) == taken(sandbox)


async def test_load_is_shed(tmp_path: Path, sandbox: Sandbox) -> None:
    """Where more wait than may, the others are told at once when to ask again; who was not told so is answered."""
    text = FASTAPI.replace("max_waiting=1_000", "max_waiting=5")
    async with serving(tmp_path, sandbox, text, *UVICORN) as server, people() as who:
        await asyncio.gather(*[ask(who, server, row) for row in range(200)])
        await server.stop()
        assert set(who.answered.values()) == {200, 503}, server.log
    assert {reference for reference, status in who.answered.items() if status == 503} == who.later.keys()
    assert all(int(seconds) >= 1 for seconds in who.later.values())
    assert taken(sandbox) == sorted(who.answered.keys() - who.later.keys())
    assert sandbox.violations == 0


@every_service
async def test_people_who_leave(tmp_path: Path, sandbox: Sandbox, text: str, words: tuple[str, ...]) -> None:
    """What was taken for somebody whose connection is gone is noted all the same."""
    async with serving(tmp_path, sandbox, text, *words) as server, people() as who:
        tasks = [asyncio.ensure_future(ask(who, server, row)) for row in range(60)]
        await sandbox.until(lambda: sandbox.taken >= 20)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await ask(who, server, 60)
        assert who.answered["order-60"] == 200, server.log
        await server.stop()
    assert len(taken(sandbox)) == len(set(taken(sandbox)))
    assert sandbox.violations == 0
    assert sorted(server.noted("Accepted")) == taken(sandbox), server.log


@every_service
async def test_a_stop_with_requests_in_flight(
    tmp_path: Path, sandbox: Sandbox, text: str, words: tuple[str, ...]
) -> None:
    """Who was let in is answered."""
    async with serving(tmp_path, sandbox, text, *words) as server, people() as who:
        tasks = [asyncio.ensure_future(ask(who, server, row)) for row in range(60)]
        await sandbox.until(lambda: sandbox.taken >= 20)
        await server.stop()
        await asyncio.wait(tasks)
    assert taken(sandbox) == sorted(who.answered), server.log
    assert set(who.answered.values()) == {200}
    assert sandbox.violations == 0
    assert sorted(server.noted("Accepted")) == taken(sandbox), server.log


async def test_a_sync_client_that_was_used_before_the_fork(tmp_path: Path, sandbox: Sandbox) -> None:
    """Its loop ran in the process that gunicorn forks; each worker has one of its own, and nobody waits for the old."""
    text, words = SERVICES["Django, WSGI"]
    async with (
        serving(tmp_path, sandbox, f"{text}client.account_info()\n", *words) as server,
        people() as who,
    ):
        await asyncio.gather(*[ask(who, server, row) for row in range(20)])
        await server.stop()
        assert set(who.answered.values()) == {200}, server.log
    assert (sandbox.account_infos, len(taken(sandbox))) == (1, 20)


async def test_a_grace_shorter_than_the_answers(tmp_path: Path) -> None:
    """Nobody is answered, and each message that was taken is noted: in doubt, and then settled."""
    async with (
        Sandbox(token="token-of-recipes-02", latency=3) as sandbox,
        serving(tmp_path, sandbox, FASTAPI, *UVICORN, "--timeout-graceful-shutdown", "1") as server,
        people() as who,
    ):
        tasks = [asyncio.ensure_future(ask(who, server, row)) for row in range(10)]
        await sandbox.until(lambda: sandbox.in_progress == 10)
        await server.stop()
        await asyncio.wait(tasks)
        assert set(who.answered.values()) <= {500}
        assert sorted(server.noted("InDoubt")) == sorted(server.noted("Accepted")) == taken(sandbox), server.log
        assert len(taken(sandbox)) == 10


async def test_openapi(tmp_path: Path, sandbox: Sandbox) -> None:
    """Body and answers are described with units and ranges, and a validator finds nothing wrong."""
    async with (
        serving(tmp_path, sandbox, FASTAPI, *UVICORN) as server,
        aiohttp.ClientSession(server.url) as http,
        http.get("/openapi.json") as answer,
        http.get("/statistics") as counted,
    ):
        described, statistics = await answer.json(), await counted.json()
        refused = await http.post("/messages", json={"domain": "shop.example", "phone_number": "1", "text": ""})
        assert (refused.status, (await refused.json())["outcome"]) == (422, "invalid")
    validate(described)
    schemas = described["components"]["schemas"]
    assert {"Accepted", "Rejected", "Invalid", "NotSent", "InDoubt", "Statistics", "ViberMessage"} <= set(schemas)
    assert schemas["ViberMessage"]["properties"]["ttl"]["description"].startswith("seconds that Viber tries")
    assert set(statistics) == set(schemas["Statistics"]["properties"])
