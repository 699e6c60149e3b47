"""Who holds slots at a Redis or Valkey server, and who waits for them, seen from outside: nothing is written."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
from redis.asyncio import Redis

from wooxy_async._ports import Priority
from wooxy_async.limits._redis_choice import RedisLimits
from wooxy_async.limits._redis_engine import CONNECT_LIMIT, check_server, connect, trouble_of
from wooxy_async.limits._redis_script import Who

_PRIORITIES: Final[dict[str, Priority]] = {"u": "urgent", "b": "bulk"}
_MEMBERS: Final = ":members"


class UnseenError(Exception):
    """The server cannot be asked; its text says why."""


class SeenMember(msgspec.Struct, frozen=True, kw_only=True):
    """One process.

    Args:
        who: it is, as it has said.
        silent: whether it has not been heard of for half of its lease: it is stopped, dead or cut off.
        held: seconds for which it has each of its slots.
        waiting: its oldest message of each priority, and the seconds for which it waits.
    """

    who: Who
    silent: bool
    held: list[float]
    waiting: dict[Priority, float]


class SeenEngineAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One account at one moment, by the time of the server.

    Args:
        name: of the account, which says nothing of its token.
        members: the processes that hold or want slots.
        closed: seconds until each closed slot opens.
        paused: seconds for which the account still pauses after a 429.
    """

    name: str
    members: list[SeenMember]
    closed: list[float]
    paused: float


async def see_engine(choice: RedisLimits) -> list[SeenEngineAccount]:
    """Return the accounts that have something at a server.

    Raises:
        UnseenError: it cannot be asked.
    """
    try:
        async with asyncio.timeout(CONNECT_LIMIT), connect(choice, CONNECT_LIMIT) as engine:
            check_server(await engine.info(), choice.name)
            names = {name async for name in engine.scan_iter(f"{choice.prefix}:*", _type="hash")}
            return [await _see_account(engine, name) for name in sorted(names) if not name.endswith(_MEMBERS.encode())]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is said in our words
        raise UnseenError(trouble_of(error, choice).text.partition(": no request")[0].rstrip(".") + ".") from None


async def _see_account(engine: Redis, key: bytes) -> SeenEngineAccount:
    name = key.decode()
    async with engine.pipeline() as calls:
        calls.time()
        calls.hgetall(name)
        calls.hvals(f"{name}{_MEMBERS}")
        calls.zrange(f"{name}:closed", 0, -1, withscores=True)
        (seconds, micros), words, members, closed = await calls.execute()
    now = seconds * 1000 + micros / 1000
    return SeenEngineAccount(
        name=name.rpartition(":")[2],
        members=[_see_member(msgspec.json.decode(raw), now, float(words[b"lease"])) for raw in members],
        closed=[(opens - now) / 1000 for _name, opens in closed if opens > now],
        paused=max(0.0, float(words[b"paused"]) - now) / 1000,
    )


def _see_member(told: Any, now: float, lease: float) -> SeenMember:
    waiting: dict[Priority, float] = {}
    for _name, kind, since in told["wishes"]:
        priority = _PRIORITIES[kind]
        waiting[priority] = max(waiting.get(priority, 0.0), (now - since) / 1000)
    return SeenMember(
        who=msgspec.convert(told["who"], Who),
        silent=told["ends"] - now < lease / 2,
        held=[max(0.0, now - told["since"][name]) / 1000 for name in told["tickets"]],
        waiting=waiting,
    )
