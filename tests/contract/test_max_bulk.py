"""`max_bulk`: bulk keeps to so many slots, whoever's it is, and urgent has all ten; the server counts both."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from host_machine import Machine, machine
from people import message
from valkey_server import valkey

from wooxy_async import Accepted, WooxyClient, limits
from wooxy_async.sandbox import Sandbox

LATENCY = 0.1
LEASE = 3.0
URGENT = 5000  # messages from this number on are urgent


def most_bulk_at_once(sandbox: Sandbox) -> int:
    """Return how many bulk messages the server had in progress at once.

    Each is from when it was read, for as long as the server takes for it.
    """
    ours = [each.taken_at for each in sandbox.messages if int(each.number[-4:]) < URGENT]
    return max(sum(began <= at < began + LATENCY for began in ours) for at in ours)


async def send_all(client: WooxyClient, numbers: Iterable[int], **options: Any) -> None:
    """Send messages at once, and see that each was taken."""
    await asyncio.gather(*(client.send(message(number), **options) for number in numbers))


async def stream_all(client: WooxyClient, numbers: Iterable[int]) -> None:
    """Send a campaign, and see that all of it was taken."""
    async for outcome in client.send_many(message(number) for number in numbers):
        assert isinstance(outcome, Accepted)


@pytest.fixture(params=["process", "host", "redis"])
async def limiter(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    """Where the clients of a test meet."""
    async with AsyncExitStack() as stack:
        if request.param == "redis":
            yield limits.redis((await stack.enter_async_context(valkey())).url, lease=LEASE)
        else:
            yield {"process": "process", "host": limits.host(directory=str(tmp_path))}[request.param]


async def test_bulk_of_two_clients_keeps_to_three_slots_and_urgent_has_all_ten(limiter: Any, token: str) -> None:
    """Alone, and beside each other: a campaign and loose bulk messages, urgent ones, and then all of them."""
    async with (
        Sandbox(token=token, latency=LATENCY) as sandbox,
        WooxyClient(token, base_url=sandbox.url, limiter=limiter, max_bulk=3) as one,
        WooxyClient(token, base_url=sandbox.url, limiter=limiter, max_bulk=3) as other,
    ):
        await asyncio.gather(stream_all(one, range(12)), send_all(other, range(100, 112), priority="bulk"))
        assert sandbox.peak_in_progress == 3
        await send_all(one, range(URGENT, URGENT + 40))
        assert sandbox.peak_in_progress == 10
        before = sandbox.requests
        campaign = asyncio.ensure_future(stream_all(one, range(200, 218)))
        await sandbox.until(lambda: sandbox.requests > before and sandbox.in_progress == 3)
        await asyncio.gather(
            campaign,
            send_all(one, range(URGENT + 100, URGENT + 115)),
            send_all(other, range(URGENT + 200, URGENT + 215)),
            send_all(other, range(300, 306), priority="bulk"),
        )
    assert most_bulk_at_once(sandbox) == 3
    assert (sandbox.peak_in_progress, sandbox.violations, sandbox.duplicates) == (10, 0, 0)


def once(test: Callable[[Path, str], Coroutine[Any, Any, None]]) -> Callable[[Path, str], None]:
    """Run a test on one loop only: the loops that matter are those of its processes."""

    @functools.wraps(test)
    def run(tmp_path: Path, limiter: str) -> None:
        asyncio.run(asyncio.wait_for(test(tmp_path, limiter), 100))

    del run.__wrapped__  # type: ignore[attr-defined]  # pytest must not take it for a coroutine function
    return run


async def _send_together(sandbox: Sandbox, shared: Machine) -> None:
    shared.options["max_bulk"] = 3
    streams = await shared.start_many(3, "stream", count=15)
    urgent = await shared.start("send", start=URGENT, count=30)
    for worker in streams:
        worker.go()
    await sandbox.until(lambda: sandbox.taken >= 12)
    assert sandbox.peak_in_progress == 3
    urgent.go()
    assert (await urgent.reads())["Accepted"] == 30
    assert [await worker.reads() for worker in streams] == [{"Accepted": 15}] * 3


@pytest.mark.parametrize("limiter", ["host", "redis"])
@once
async def test_bulk_of_three_processes_keeps_to_three_slots_beside_urgent_ones(tmp_path: Path, limiter: str) -> None:
    """Each process has a campaign and knows nothing of the others; a fourth sends urgent messages."""
    async with AsyncExitStack() as stack:
        sandbox, shared = await stack.enter_async_context(machine(tmp_path, latency=LATENCY))
        if limiter == "redis":
            shared.options = {"limiter": (await stack.enter_async_context(valkey())).url, "lease": LEASE}
        await _send_together(sandbox, shared)
    assert most_bulk_at_once(sandbox) == 3
    assert (sandbox.peak_in_progress, sandbox.violations, sandbox.duplicates) == (10, 0, 0)
