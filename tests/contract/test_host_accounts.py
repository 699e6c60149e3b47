"""A token that becomes known as an account's while both are at work: the server counts what all of them have out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from people import message

from wooxy_async import Accepted, WooxyClient
from wooxy_async.sandbox import Fault, Sandbox

BOUND = 60.0  # seconds after which a test has failed
Join = Callable[..., WooxyClient]


@pytest.fixture
def join(tmp_path: Path) -> Join:
    """Make clients that meet in a directory of their own, as processes do."""

    def make(sandbox: Sandbox, token: str, account: str | None, **options: Any) -> WooxyClient:
        limiter = f"host:{tmp_path}"
        return WooxyClient(token, base_url=sandbox.url, account=account, limiter=limiter, timeout=BOUND, **options)

    return make


@asynccontextmanager
async def counting(sandbox: Sandbox) -> AsyncIterator[list[tuple[int, int]]]:
    """Yield how many requests of all tokens there were and how many were in progress, whenever one has come or gone."""
    seen: list[tuple[int, int]] = []

    def look() -> bool:
        seen.append((sandbox.requests, sandbox.in_progress))
        return False

    task = asyncio.ensure_future(sandbox.until(look))
    try:
        yield seen
    finally:
        task.cancel()


async def test_slots_of_both_are_counted_together_from_then_on(join: Join) -> None:
    """Five of the account and five of a token that nobody knew as its: there is no room for an eleventh."""
    async with Sandbox(token=None, latency=0.1) as sandbox, asyncio.timeout(BOUND), counting(sandbox) as seen:
        sandbox.script(*[Fault.slow_answer(1.5)] * 10)
        known, unknown = join(sandbox, "old", "acme"), join(sandbox, "new", None)
        async with known, unknown:
            first = [asyncio.ensure_future(known.send(message(at))) for at in range(5)]
            first += [asyncio.ensure_future(unknown.send(message(5 + at))) for at in range(5)]
            await sandbox.until(lambda: sandbox.in_progress == 10)
            async with join(sandbox, "new", "acme") as both:
                late = [both.send(message(10 + at)) for at in range(10)]
                outcomes = await asyncio.gather(*first, *late)
        assert {type(outcome) for outcome in outcomes} == {Accepted}
    assert (max(most for _requests, most in seen), sandbox.taken, sandbox.duplicates) == (10, 20, 0)


async def test_nothing_starts_until_there_is_room_for_all_that_is_out(join: Join) -> None:
    """Ten of the account and ten of the token were out before anybody knew: the next goes when ten have ended."""
    async with Sandbox(token=None, latency=0.1) as sandbox, asyncio.timeout(BOUND), counting(sandbox) as seen:
        known, unknown = join(sandbox, "old", "acme"), join(sandbox, "new", None)
        async with known, unknown:
            sandbox.script(*[Fault.slow_answer(1.0)] * 10, *[Fault.slow_answer(2.5)] * 10)
            first = [asyncio.ensure_future(known.send(message(at))) for at in range(10)]
            await sandbox.until(lambda: sandbox.in_progress == 10)
            first += [asyncio.ensure_future(unknown.send(message(10 + at))) for at in range(10)]
            await sandbox.until(lambda: sandbox.in_progress == 20)
            async with join(sandbox, "new", "acme") as both:
                late = [asyncio.ensure_future(both.send(message(20 + at))) for at in range(3)]
                bulk = [outcome async for outcome in unknown.send_many(map(message, range(40, 70)))]
                outcomes = await asyncio.gather(*first, *late)
        assert {type(outcome) for outcome in [*bulk, *outcomes]} == {Accepted}
    assert max(most for requests, most in seen if requests > 20) <= 10
    assert (sandbox.taken, sandbox.duplicates) == (53, 0)
