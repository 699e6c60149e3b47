"""Leaving a stream early, in every way, a thousand times: nothing is left behind, and nothing new is sent."""

import asyncio
import gc
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from people import messages

from wooxy_async import WooxyClient
from wooxy_async.sandbox import Sandbox

TIMES = 40  # in each of four ways, on each of two loops
Leave = Callable[[WooxyClient, int], Awaitable[None]]


async def by_break(client: WooxyClient, after: int) -> None:
    """Leave by `break`."""
    async for outcome in client.send_many(messages(1000)):
        if outcome.index >= after:
            break


async def by_exception(client: WooxyClient, after: int) -> None:
    """Leave by an exception of the loop's body."""
    with pytest.raises(ZeroDivisionError):
        async for outcome in client.send_many(messages(1000)):
            if outcome.index >= after:
                raise ZeroDivisionError


async def by_cancel(client: WooxyClient, after: int) -> None:
    """Leave because the task is cancelled."""

    async def consume() -> None:
        async for _outcome in client.send_many(messages(1000)):
            pass

    task = asyncio.ensure_future(consume())
    for _ in range(after * 3):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def by_timeout(client: WooxyClient, after: int) -> None:
    """Leave because a time-out ends, from an asynchronous source."""

    async def source() -> AsyncIterator[object]:
        for one in messages(1000):
            await asyncio.sleep(0)
            yield one

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.0005 * after):
            async for _outcome in client.send_many(source()):  # type: ignore[arg-type]
                pass


@pytest.mark.parametrize("leave", [by_break, by_exception, by_cancel, by_timeout])
async def test_leaving_early(sandbox: Sandbox, client: WooxyClient, leave: Leave) -> None:
    """After leaving, what was out ends, nothing follows, and no task, socket or slot is left."""
    own = asyncio.current_task()
    for after in itertools.islice(itertools.cycle(range(1, 11)), TIMES):
        await leave(client, after)
        while client._session.submissions or client._session.feeders:
            await asyncio.sleep(0)
        sent = sandbox.requests
        for _ in range(10):
            await asyncio.sleep(0)
        assert sandbox.requests == sent
        statistics = client.statistics()
        assert (statistics.borrowed, statistics.waiting, statistics.closed) == (0, 0, 0)
    await client.aclose()
    await sandbox.aclose()
    gc.collect()
    assert {task for task in asyncio.all_tasks() if task is not own and not task.done()} == set()
    assert (sandbox.peak_in_progress <= 10, sandbox.violations) == (True, 0)


async def test_nothing_new_is_sent_after_leaving(token: str) -> None:
    """When the loop is left, at most what was in flight is taken: ten more than were seen."""
    async with Sandbox(token=token, latency=0.005) as sandbox, WooxyClient(token, base_url=sandbox.url) as client:
        for _ in range(20):
            before = sandbox.requests
            seen = 0
            stream = client.send_many(messages(1000))  # still referenced after the loop: nobody stops it but the window
            async for _outcome in stream:
                seen += 1
                if seen == 25:
                    break
            await sandbox.until(lambda: sandbox.in_progress == 0)
            for _ in range(20):
                await asyncio.sleep(0)
            assert seen <= sandbox.requests - before <= seen + 10
            await stream.aclose()
            assert len([o for o in stream.undelivered if o.attempts]) == sandbox.requests - before - seen
