"""The sandbox counts: the rule of ten, lost connections, latency."""

import asyncio
import json
import time

import aiohttp
import pytest

from wooxy_async.sandbox import Delay, Fault, Sandbox

BODY = json.dumps({"domain": "shop.example", "phoneNumber": "+14155550123", "text": "Hello"}).encode()


def head(token: str = "any") -> bytes:  # noqa: S107 - no secret
    """Return a request's head; its Host is filled in by who connects."""
    lines = f"POST /v3/viber/send HTTP/1.1\r\nHost: @\r\nAccess-Token: {token}\r\nContent-Type: application/json\r\n"
    return f"{lines}Content-Length: {len(BODY)}\r\n\r\n".encode()


async def connect(sandbox: Sandbox, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection and write to it."""
    host, _, port = sandbox.url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(data.replace(b"@", f"{host}:{port}".encode()))
    return reader, writer


async def close(*writers: asyncio.StreamWriter) -> None:
    """Close connections and wait for them."""
    for writer in writers:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


async def test_ten_at_once_are_no_violation() -> None:
    """Ten connections that send one request after the other reach ten in progress, and never more."""
    async with Sandbox(latency=0.05) as sandbox, aiohttp.ClientSession(headers={"Access-Token": "t"}) as session:

        async def sender() -> None:
            for _ in range(3):
                async with session.post(
                    f"{sandbox.url}/v3/viber/send", data=BODY, headers={"Content-Type": "application/json"}
                ) as response:
                    assert response.status == 200

        await asyncio.gather(*(sender() for _ in range(10)))
        assert (sandbox.peak_in_progress, sandbox.violations, sandbox.violation_records) == (10, 0, ())
        assert (sandbox.taken, sandbox.in_progress) == (30, 0)


async def test_the_eleventh_is_refused_and_recorded() -> None:
    """The eleventh concurrent request of a token gets 429 with Retry-After, is recorded, and is not taken."""
    async with Sandbox() as sandbox:
        sandbox.script(Fault.no_answer(), always=True)
        hanging = [await connect(sandbox, head() + BODY) for _ in range(10)]
        await sandbox.until(lambda: sandbox.requests == 10)
        assert sandbox.violations == 0
        reader, writer = await connect(sandbox, head() + BODY)
        answer = await reader.readuntil(b"Too Many Requests")
        answer += await reader.readuntil(b"Too Many Requests")
        assert answer.startswith(b"HTTP/1.1 429")
        assert b"\r\nRetry-After: 1\r\n" in answer
        assert (sandbox.requests, sandbox.taken, sandbox.peak_in_progress, sandbox.violations) == (11, 10, 11, 1)
        (violation,) = sandbox.violation_records
        assert violation.in_progress == 11
        assert violation.at >= sandbox.messages[-1].taken_at
        sandbox.reset()
        assert (sandbox.violations, sandbox.violation_records, sandbox.peak_in_progress) == (0, (), 10)
        await close(writer, *(each for _, each in hanging))


async def test_a_request_over_the_cap_leaves_the_script_alone() -> None:
    """A fault for the next message is not used up by a request that the cap refuses."""
    async with Sandbox(loss_grace=0) as sandbox:
        sandbox.script(*[Fault.no_answer()] * 10, Fault.forbidden())
        hanging = [await connect(sandbox, head() + BODY) for _ in range(10)]
        await sandbox.until(lambda: sandbox.requests == 10)
        reader, writer = await connect(sandbox, head() + BODY)
        assert b" 429 " in await reader.readuntil(b"\r\n")
        await close(writer, *(each for _, each in hanging))
        await sandbox.until(lambda: sandbox.in_progress == 0)
        reader, writer = await connect(sandbox, head() + BODY)
        assert b" 403 " in await reader.readuntil(b"\r\n")
        await close(writer)


async def test_each_token_has_its_own_ten() -> None:
    """Requests of two tokens do not add up to a violation."""
    async with Sandbox() as sandbox:
        sandbox.script(Fault.no_answer(), always=True)
        hanging = [await connect(sandbox, head(token) + BODY) for token in ("one", "two") for _ in range(10)]
        await sandbox.until(lambda: sandbox.requests == 20)
        assert (sandbox.in_progress, sandbox.peak_in_progress, sandbox.violations) == (20, 10, 0)
        await close(*(writer for _, writer in hanging))


async def test_a_request_counts_from_its_headers() -> None:
    """A request whose body has not come is in progress, and ends at once when its connection is lost."""
    async with Sandbox(loss_grace=60) as sandbox:
        _, writer = await connect(sandbox, head() + BODY[:10])
        await sandbox.until(lambda: sandbox.in_progress == 1)
        assert sandbox.requests == 0
        await close(writer)
        await sandbox.until(lambda: sandbox.in_progress == 0)
        assert (sandbox.requests, sandbox.taken) == (0, 0)


async def test_a_lost_connection_keeps_its_place_for_a_while() -> None:
    """A request that was read stays in progress for `loss_grace` after its client is gone, and not longer."""
    async with Sandbox(latency=60, loss_grace=0.05) as sandbox:
        writers = [(await connect(sandbox, head() + BODY))[1] for _ in range(2)]
        await sandbox.until(lambda: sandbox.requests == 2)
        lost_at = time.monotonic()
        await close(*writers)
        await sandbox.until(lambda: sandbox.in_progress < 2)
        assert time.monotonic() - lost_at > 0.04
        await sandbox.until(lambda: sandbox.in_progress == 0)
        assert sandbox.taken == 2


async def test_closing_does_not_wait_for_lost_connections() -> None:
    """A sandbox that closes forgets the places of lost connections."""
    async with asyncio.timeout(5):
        async with Sandbox(latency=60, loss_grace=60) as sandbox:
            _, writer = await connect(sandbox, head() + BODY)
            await sandbox.until(lambda: sandbox.requests == 1)
            await close(writer)
        assert sandbox.in_progress == 0


@pytest.mark.parametrize("latency", [0.02, Delay.fixed(0.02), Delay.uniform(0.02, 0.03), Delay.lognormal(0.1, 0.01)])
async def test_answers_come_after_the_latency(latency: float | Delay) -> None:
    """Fixed or drawn, an answer takes at least what the latency says."""
    async with Sandbox(latency=latency, seed=1) as sandbox:
        began = time.monotonic()
        reader, writer = await connect(sandbox, head() + BODY)
        await reader.readuntil(b"\r\n\r\n")
        assert time.monotonic() - began >= 0.0195
        await close(writer)


async def test_a_slow_answer_is_slower_than_the_latency() -> None:
    """The seconds of a slow answer come on top of the latency."""
    async with Sandbox(latency=0.01) as sandbox:
        sandbox.script(Fault.slow_answer(0.02))
        began = time.monotonic()
        reader, writer = await connect(sandbox, head() + BODY)
        await reader.readuntil(b"\r\n\r\n")
        assert time.monotonic() - began >= 0.0295
        await close(writer)
