"""What the script makes of single calls, on a real Valkey."""

import asyncio
from collections.abc import AsyncIterator
from math import inf
from typing import Any

import pytest
from redis.asyncio import Redis
from valkey_server import valkey

from wooxy_async.limits._redis_script import SCRIPT, Call, MismatchError, Standing, Who, read_reply

KEYS = ("wooxy:account", "wooxy:account:members", "wooxy:account:closed")
LEASE = 60_000
NEW = Call(number=1, who=Who(), lease=LEASE, hold=500, max_bulk=10, pause=0, held={}, adopted=[], freed={}, wishes=[])


class Member:
    """A process that calls.

    Args:
        server: where.
        name: its own.
    """

    def __init__(self, server: Redis, name: str) -> None:
        self.name = name
        self._server = server
        self._number = 0

    async def call(self, **told: Any) -> Standing:
        """Tell something; what is not said is as at a start."""
        self._number += 1
        reply = await self.call_again(number=self._number, **told)
        assert reply is not None
        return reply

    async def call_again(self, **told: Any) -> Standing | None:
        """Tell something under a number."""
        told = {"wishes": [], **told}
        told["wishes"] = [(name, kind, 0.0) for name, kind in told["wishes"]]
        call = Call(**{name: told.get(name, getattr(NEW, name)) for name in NEW.__struct_fields__})
        return read_reply(await self._server.eval(SCRIPT, 3, *KEYS, self.name, call.encode()))  # type: ignore[misc]


@pytest.fixture
async def server() -> AsyncIterator[Redis]:
    """A Valkey that has served this account before, so that no lease has to pass."""
    async with valkey() as engine, engine.connect() as client:
        info = await client.info("server")
        await client.hset(KEYS[0], "run", info["run_id"])  # type: ignore[misc]
        yield client


async def test_ten_are_granted_and_a_call_said_twice_changes_nothing(server: Redis) -> None:
    """The reply names what is held; what was freed goes to who waits, in the same call."""
    one, other = Member(server, "one"), Member(server, "other")
    wishes = [(f"t{at}", "u") for at in range(12)]
    first = await one.call(wishes=wishes)
    assert len(first.tickets) == 10
    assert first.opens == inf
    again = await one.call(held=first.tickets, wishes=wishes[10:])
    assert again.tickets == first.tickets
    waiting = await other.call(wishes=[("x", "u")])
    assert (waiting.tickets, waiting.urgent_waits) == ({}, True)
    assert LEASE - 5000 < waiting.opens * 1000 <= LEASE  # at the end of the other's lease, unless it is renewed
    kept = [name for name in first.tickets if name != "t0"]
    held = dict.fromkeys(kept, "u")
    freed = await one.call(held=held, freed={"t0": 0})
    assert freed.tickets.keys() == held.keys()
    assert (await other.call(wishes=[("x", "u")])).tickets == {"x": "u"}


async def test_an_old_call_that_arrives_late_is_passed_over(server: Redis) -> None:
    """It would free or wish what has long been otherwise."""
    one = Member(server, "one")
    await one.call(wishes=[("a", "u")])
    await one.call(held={"a": "u"})
    assert await one.call_again(number=1, wishes=[("b", "u")]) is None
    assert (await one.call(held={"a": "u"})).tickets == {"a": "u"}


async def test_a_slot_that_is_kept_closed_opens_by_the_time_of_the_server(server: Redis) -> None:
    """The reply says when; a call that comes then is granted it."""
    one = Member(server, "one")
    ten = (await one.call(wishes=[(f"t{at}", "u") for at in range(10)])).tickets
    held = {name: kind for name, kind in ten.items() if name != "t0"}
    seen = await one.call(held=held, freed={"t0": 300}, wishes=[("x", "u")])
    assert (seen.closed, seen.tickets.get("x")) == (1, None)
    assert 0 < seen.opens <= 0.3
    await asyncio.sleep(seen.opens)
    seen = await one.call(held=held, wishes=[("x", "u")])
    assert (seen.closed, seen.tickets.get("x")) == (0, "u")


async def test_a_pause_is_kept_and_told_to_all(server: Redis) -> None:
    """The longer of two; whoever calls learns it, and whoever listens."""
    one, other = Member(server, "one"), Member(server, "other")
    async with server.pubsub() as hearing:
        await hearing.subscribe(f"{KEYS[0]}:all")
        await one.call(pause=600_000)
        await one.call(pause=1_000)
        heard = [each["data"] async for each in _take(hearing, 2)]
    assert heard == [1, b"pause 600000"]
    assert 590 < (await other.call()).paused <= 600


async def _take(hearing: Any, count: int) -> AsyncIterator[Any]:
    async for each in hearing.listen():
        yield each
        count -= 1
        if count == 0:
            return


async def test_terms_differ_only_where_nobody_is(server: Redis) -> None:
    """Lease and number of slots are stored with the account."""
    one, other = Member(server, "one"), Member(server, "other")
    await one.call(wishes=[("a", "u")])
    with pytest.raises(MismatchError) as caught:
        await other.call(lease=LEASE + 1)
    assert (caught.value.lease, caught.value.limit) == (LEASE, 10)
    await one.call(freed={"a": 0})
    assert (await other.call(lease=LEASE + 1, wishes=[("b", "u")])).tickets == {"b": "u"}
    await server.hset(KEYS[0], "limit", "11")  # type: ignore[misc]
    with pytest.raises(MismatchError):
        await other.call(lease=LEASE + 1)


async def test_after_the_data_are_lost_nobody_is_granted_anything_for_a_lease(server: Redis) -> None:
    """Holders tell again what they hold, and keep it."""
    one, other = Member(server, "one"), Member(server, "other")
    held = (await one.call(wishes=[("a", "u")])).tickets
    await server.flushall()
    seen = await other.call(wishes=[("x", "u")])
    assert seen.tickets == {}
    assert LEASE - 5000 < seen.opens * 1000 <= LEASE
    assert (await one.call(held=held, wishes=[("b", "u")])).tickets == held
