"""`max_waiting`: where so many wait, a further message is given back at once, and nothing else changes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from people import message, messages

from wooxy_async import Accepted, NotSent, NotSentError, Outcome, WooxyClient
from wooxy_async.sandbox import Fault, Sandbox


@pytest.fixture
async def slow(token: str) -> AsyncIterator[Sandbox]:
    """A Wooxy that takes its time."""
    async with Sandbox(token=token, latency=0.1) as server:
        yield server


async def told(client: WooxyClient, number: int, order: list[Outcome] | None = None, **options: Any) -> Outcome:
    """Return what becomes of a message, and note it in the order of their ends."""
    try:
        outcome: Outcome = await client.send(message(number), **options)
    except NotSentError as error:
        outcome = error.outcome
    if order is not None:
        order.append(outcome)
    return outcome


async def test_beyond_so_many_waiters_a_message_is_given_back_at_once(slow: Sandbox) -> None:
    """Two are out, three wait, and of the other five the caller knows before any answer is there."""
    order: list[Outcome] = []
    seen: list[Outcome] = []
    async with WooxyClient(
        slow.token, base_url=slow.url, limiter="process", max_concurrency=2, max_waiting=3, on_outcome=seen.append
    ) as client:
        outcomes = await asyncio.gather(*(told(client, number, order) for number in range(10)))
        kinds = [type(outcome) for outcome in outcomes]
        assert kinds == [Accepted] * 5 + [NotSent] * 5
        assert [type(outcome) for outcome in order[:5]] == [NotSent] * 5
        for outcome in order[:5]:
            assert isinstance(outcome, NotSent)
            assert (outcome.cause.kind, outcome.attempts) == ("overloaded", 0)
            assert outcome.retry_after == pytest.approx(1.5)  # three, two at a time, a second each until it is known
            assert "max_waiting allows, 3; " in outcome.cause.text
        assert (client.statistics().not_sent, client.statistics().waiting) == (5, 0)
        assert seen == order
        assert isinstance(await told(client, 10), Accepted)
    assert (slow.requests, slow.peak_in_progress) == (6, 2)


async def test_each_priority_has_a_line_of_its_own(slow: Sandbox) -> None:
    """While no urgent message may wait any more a bulk one may."""
    async with WooxyClient(
        slow.token, base_url=slow.url, limiter="process", max_concurrency=1, max_waiting=1
    ) as client:
        urgent = [asyncio.ensure_future(told(client, number)) for number in range(3)]
        bulk = [asyncio.ensure_future(told(client, number, priority="bulk")) for number in (3, 4)]
        assert [type(outcome) for outcome in await asyncio.gather(*urgent)] == [Accepted, Accepted, NotSent]
        assert [type(outcome) for outcome in await asyncio.gather(*bulk)] == [Accepted, NotSent]


async def test_a_stream_is_not_refused(slow: Sandbox) -> None:
    """All ten slots are in use, so that everything that it has pulled must wait; nothing is lost."""
    async with (
        WooxyClient(slow.token, base_url=slow.url, limiter="process") as busy,
        WooxyClient(slow.token, base_url=slow.url, limiter="process", max_waiting=1) as client,
    ):
        first = [asyncio.ensure_future(told(busy, at)) for at in range(100, 110)]
        await slow.until(lambda: slow.in_progress == 10)
        assert [type(outcome) async for outcome in client.send_many(messages(20))] == [Accepted] * 20
        assert [type(outcome) for outcome in await asyncio.gather(*first)] == [Accepted] * 10


async def test_who_waits_for_the_end_of_a_pause_waits(sandbox: Sandbox) -> None:
    """A 429 pauses the account: the message that it met waits, and the next is told for how long."""
    sandbox.script(Fault.too_many_requests(retry_after=1))
    async with WooxyClient(sandbox.token, base_url=sandbox.url, limiter="process", max_waiting=1) as client:
        first = asyncio.ensure_future(told(client, 0, priority="bulk"))
        await sandbox.until(lambda: sandbox.requests == 1)
        while not client.statistics().paused_for:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        refused = await told(client, 1, priority="bulk")
        assert isinstance(refused, NotSent)
        assert (refused.cause.kind, refused.attempts) == ("overloaded", 0)
        assert refused.retry_after is not None
        assert refused.retry_after > 0.1  # a slot's turn alone would be a tenth of a second
        assert isinstance(await first, Accepted)


async def test_without_a_bound_all_wait(slow: Sandbox) -> None:
    """As ever."""
    async with WooxyClient(slow.token, base_url=slow.url, limiter="process") as client:
        outcomes = await asyncio.gather(*(told(client, number) for number in range(60)))
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 60
